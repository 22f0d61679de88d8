//! Order-preserving packs for low- and mixed-quality face recognition research.
//!
//! The validation sets TinyFace, SCface, IJB-B and IJB-C, and any folder or list of pictures, become
//! MXNet `.rec/.idx` files that are the same on every machine, with a manifest by which anybody can
//! prove that record *i* is image *i*. Start at [`pack::make_rec()`]; then
//! [`pack::verify_order::verify_order`].
//!
//! In reading order: [`recordio`] is the container; [`image`] decodes and encodes; [`datasets`] lists
//! and labels; [`pack`] makes, proves and takes apart; [`report`] shows results; [`synth`] draws
//! faces to try all of it on, and [`demo`] does; [`eval`] scores models by [`protocol`] and [`metrics`];
//! [`graph`], [`autodiff`], [`nn`] and [`optim`] make training steps, [`views`] and [`loader`] the batches
//! that [`train`] feeds them on [`runtime`]; [`settings`], [`limits`], [`fs`], [`seed`] and [`progress`]
//! serve them. The binary alone parses arguments, prints and exits.
//!
//! ```
//! use qgface_data::image::{ChannelOrder, Pixels, encode};
//! use qgface_data::pack::verify_order::{Depth, Options, SourceTree, verify_order};
//! use qgface_data::pack::{self, PackFiles, Recipe, make_rec};
//! use qgface_data::datasets;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let work = tempfile::tempdir()?;
//! let tree = work.path().join("faces");
//! for (person, grey) in [("ada", 40), ("bob", 90)] {
//!     let data = vec![grey; 3 * 112 * 112];
//!     let face = Pixels { width: 112, height: 112, order: ChannelOrder::Rgb, data };
//!     std::fs::create_dir_all(tree.join(person))?;
//!     std::fs::write(tree.join(person).join("1.png"), encode::png(&face)?)?;
//! }
//!
//! // The bytes of the files, untouched, in the byte order of their paths.
//! let set = datasets::find("folder").expect("a set of the table");
//! let files = PackFiles::new(work.path(), "train")?;
//! let recipe = Recipe::new(set, tree.clone());
//! let report = make_rec(recipe, &pack::Options::new(files.clone()), &())?;
//! assert_eq!(report.count, 2);
//!
//! // At any time later: is record i the i-th picture of the tree?
//! let options = Options {
//!     source: SourceTree::At(tree),
//!     list: None,
//!     label_csv: None,
//!     landmarks: None,
//!     against: None,
//!     depth: Depth::Full,
//! };
//! assert!(verify_order(&files, &options, &())?.in_order);
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

pub mod datasets;
pub mod demo;
pub mod eval;
pub mod image;
pub mod limits;
pub mod loader;
pub mod masks;
pub mod metrics;
pub mod nn;
pub mod optim;
mod ordered;
pub mod pack;
pub mod progress;
pub mod protocol;
pub mod report;
pub mod seed;
pub mod settings;
pub mod synth;
pub mod train;
pub mod views;

pub use ::recordio;
pub use qgface_fs as fs;
pub use qgface_graph::{autodiff, graph, onnx, rewrite};
pub use qgface_group as group;
pub use qgface_runtime as runtime;

use qgface_fs::causes;
