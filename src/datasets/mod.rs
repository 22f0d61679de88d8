//! The data sets: one file and one line of [`DATASETS`] each.
//!
//! A set lists its images in the order that counts and knows what a path says of identity. It packs
//! nothing and scores nothing.

mod bin;
mod folder;
mod ijb;
pub mod ijb_meta;
mod ijbb;
mod ijbc;
mod label;
mod landmark_table;
mod list;
mod list_file;
mod mat;
mod pickle;
mod rec;
mod scface;
mod source;
mod tinyface;

pub use ijb::{Edition, FacesFile, ProtocolFile};
pub use ijb_meta::Error as IjbError;
pub use label::{LabelError, LabelFunction, Labelled};
pub use list::{Alignment, Image, ImageList, Landmarks};
pub use pickle::Error as PickleError;
pub use rec::{ImageRecords, RecFiles};
pub use source::{Source, SourceError};

use crate::causes::excerpt;
use crate::recordio;
use crate::{fs, protocol};
use std::path::{Path, PathBuf};

/// All data sets, in the order of the README's table.
pub static DATASETS: &[&DataSet] = &[
    &tinyface::TINYFACE,
    &scface::SCFACE,
    &ijbb::IJBB,
    &ijbc::IJBC,
    &folder::FOLDER,
    &list_file::LIST,
    &bin::BIN,
    &rec::REC,
];

/// Finds a set by the name users type.
pub fn find(name: &str) -> Option<&'static DataSet> {
    DATASETS.iter().copied().find(|set| set.name == name)
}

/// Reads the images that a list names, without looking for their pictures below `root`.
///
/// # Errors
/// A list that cannot be read, or a line of no known form.
pub fn read_list(path: &Path, root: &Path) -> Result<Vec<Image>, Error> {
    Ok(list_file::read(path, root)?.0)
}

/// One data set.
#[derive(Debug)]
pub struct DataSet {
    /// The name users type.
    pub name: &'static str,
    /// What it is, in one line, for the README and `--help`.
    pub about: &'static str,
    /// What a root of it holds.
    pub layout: &'static str,
    /// In which order its images are packed.
    pub order: &'static str,
    /// The label function when none is named.
    pub default_label: fn() -> LabelFunction,
    /// The folder of aligned pictures that is packed, where there is a choice.
    pub aligned_dir: Option<&'static str>,
    /// Whether the order comes from a list file.
    pub takes_list: bool,
    /// What a root of it is.
    pub root: Root,
    /// Whether all packs of the set come from one tree, wherever it lies.
    pub one_tree: bool,
    /// What names say of identity.
    pub identity: Option<IdentityRule>,
    /// How it is scored.
    pub protocol: Protocol,
    list: fn(&Request<'_>) -> Result<ImageList, Error>,
}

/// How the images of a set are scored.
#[derive(Debug, Clone, Copy)]
pub enum Protocol {
    /// Not by the set itself: by labels, or by pairs of its own pack.
    None,
    /// Probes are searched in a gallery; paths tell the parts.
    Identification(fn(&[&str]) -> Result<protocol::Identification, protocol::Error>),
    /// Templates of faces are compared; text files tell which.
    Templates(&'static Edition),
}

/// What the root of a set is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// A folder of pictures.
    Folder,
    /// One file that holds all pictures. Where none is named, it lies in `folder` below the data folder
    /// and has the pack's name and this ending.
    File {
        /// A folder below the data folder; empty for the data folder itself.
        folder: &'static str,
        /// With its dot.
        ending: &'static str,
    },
}

/// Which of a set's pictures are wanted, where it has them twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pictures {
    /// Those that are packed: aligned copies.
    Packed,
    /// Those that its landmarks lie in.
    Original,
}

/// How a path tells who is in the picture.
#[derive(Debug)]
pub struct IdentityRule {
    /// The form a path must have, for error messages.
    pub form: &'static str,
    /// The identity, or nothing for a path of another form.
    pub of: fn(&str) -> Option<i32>,
}

/// Where a set lies and which part of it is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The folder that holds the set's own folder, or that folder itself.
    pub root: &'a Path,
    /// Another name for the folder of aligned pictures.
    pub aligned_dir: Option<&'a str>,
    /// The list file of a `list` set.
    pub list: Option<&'a Path>,
    /// Which pictures.
    pub pictures: Pictures,
}

impl<'a> Request<'a> {
    /// What is packed of the set below `root`.
    pub fn new(root: &'a Path) -> Self {
        Self { root, aligned_dir: None, list: None, pictures: Pictures::Packed }
    }
}

impl DataSet {
    /// Lists the images in the order that counts.
    ///
    /// # Errors
    /// A root, folder or protocol file that is not there or damaged, named with what was expected.
    pub fn list(&self, request: &Request<'_>) -> Result<ImageList, Error> {
        if let Some(name) = request.aligned_dir {
            if self.aligned_dir.is_none() {
                return Err(Error::NoAlignedDir { set: self.name });
            }
            if !is_plain_name(name) {
                return Err(Error::AlignedDirName { name: name.to_owned() });
            }
        }
        match (self.takes_list, request.list) {
            (true, None) => return Err(Error::ListMissing { set: self.name }),
            (false, Some(_)) => return Err(Error::ListUnused { set: self.name }),
            _ => {}
        }
        let (set, root) = (self.name, || request.root.to_path_buf());
        match self.root {
            Root::Folder if !request.root.is_dir() => {
                return Err(Error::NoRoot { set, root: root(), layout: self.layout });
            }
            Root::File { .. } if request.root.is_dir() => {
                return Err(self.no_file(request.root, "a folder"));
            }
            _ => {}
        }
        let list = (self.list)(request)?;
        if list.images.is_empty() && list.unlisted.is_empty() {
            return Err(Error::NoImages { set, root: root(), found: fs::endings(request.root) });
        }
        Ok(list)
    }

    /// The error of a root that is no file of this set.
    fn no_file(&self, root: &Path, found: &'static str) -> Error {
        Error::NoFile { set: self.name, root: root.to_path_buf(), layout: self.layout, found }
    }

    /// Gives the images of `list` the landmarks of a csv with the columns `path` and `x1 y1 … x5 y5` (or
    /// `… x4 y4`) in place of their own: left eye, right eye, nose, left and right corner of the mouth (or its
    /// middle), left and right as seen in the picture.
    ///
    /// # Errors
    /// A csv that cannot be read, a row that is no face, an image without a row.
    pub fn take_landmarks(&self, list: &mut ImageList, csv: &Path) -> Result<(), Error> {
        landmark_table::read(csv)?.tell(&mut list.images, list.pictures)
    }

    /// Refuses a list in which an image has no landmarks.
    ///
    /// # Errors
    /// [`Error::NoLandmarks`].
    pub fn check_landmarks(&self, list: &ImageList) -> Result<(), Error> {
        match list.images.iter().find(|image| image.landmarks.is_none()) {
            Some(image) => Err(Error::NoLandmarks { set: self.name, path: image.path.to_string() }),
            None => Ok(()),
        }
    }

    /// The label function of a list: the one that was named, or the set's own. A list file that says
    /// nothing of labels has positions for them, as the reference's packer writes them; then what to tell
    /// of it comes with the function.
    pub fn label_function(
        &self,
        list: &ImageList,
        named: Option<&LabelFunction>,
    ) -> (LabelFunction, Option<String>) {
        let own = || (self.default_label)();
        match named {
            Some(named) => (named.clone(), None),
            None if self.takes_list && list.images.iter().all(|image| image.label.is_none()) => {
                let told = "the list says nothing of labels, so images are labelled by their position; \
                            --label parent, regex:EXPRESSION or csv:FILE labels them otherwise";
                (LabelFunction::Index, Some(told.to_owned()))
            }
            None => (own(), None),
        }
    }

    /// The label of every image of `list`, or why it has none.
    ///
    /// # Errors
    /// [`LabelError`] where the function does not fit the set.
    pub fn labels(
        &self,
        list: &ImageList,
        function: &LabelFunction,
    ) -> Result<Vec<Labelled>, LabelError> {
        function.assign(list, self.identity.as_ref())
    }
}

/// Why a set's images cannot be listed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder refused.
    #[error(transparent)]
    Files(#[from] fs::Error),
    /// The root is not a folder.
    #[error(
        "{root}: expected the root of {set}, a folder that holds {layout}; give it with --root"
    )]
    NoRoot {
        /// The set.
        set: &'static str,
        /// What was given.
        root: PathBuf,
        /// What it should hold.
        layout: &'static str,
    },
    /// The root is no file where a file is wanted.
    #[error("{root}: expected {layout}, found {found}; give the file of {set} with --root")]
    NoFile {
        /// The set.
        set: &'static str,
        /// What was given.
        root: PathBuf,
        /// What it should be.
        layout: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A verification pickle is damaged or not of its form.
    #[error("{path}")]
    Pickle {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: pickle::Error,
    },
    /// A `.rec` or `.idx` is damaged.
    #[error("{path}")]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: recordio::Error,
    },
    /// A pack's index cannot be read because it is not there.
    #[error("{path}: no such file; {advice}")]
    NoIndex {
        /// The file.
        path: PathBuf,
        /// What to do.
        advice: &'static str,
    },
    /// Images shall be aligned, and one has no landmarks.
    #[error(
        "{path}: no landmarks, so it cannot be aligned; {set} has them not for every image, give a \
         csv of path and x1 y1 … x5 y5 (left eye, right eye, nose, left and right corner of the mouth, as seen \
         in the picture; or x4 y4, the middle of the mouth last) with --landmarks"
    )]
    NoLandmarks {
        /// The set.
        set: &'static str,
        /// The first image without.
        path: String,
    },
    /// A csv of landmarks has no row for an image.
    #[error("{path}: expected a row of landmarks for {image}, found none")]
    NoRow {
        /// The csv.
        path: PathBuf,
        /// The image.
        image: String,
    },
    /// A csv of landmarks cannot be read.
    #[error("{path}: cannot read the landmarks")]
    Csv {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: csv::Error,
    },
    /// The root holds no picture of the set.
    #[error(
        "{root}: expected pictures of {set} (.jpg, .jpeg or .png), found {}",
        if found.is_empty() { "none".to_owned() } else {
            format!("none, but {}; convert pictures of other formats to PNG", found.join(", "))
        }
    )]
    NoImages {
        /// The set.
        set: &'static str,
        /// The root.
        root: PathBuf,
        /// What lies there: endings with their counts.
        found: Vec<String>,
    },
    /// A part of the set is missing.
    #[error("{root}: expected {what}, found none; {advice}")]
    Missing {
        /// Where it was looked for.
        root: PathBuf,
        /// What is missing.
        what: String,
        /// What to do.
        advice: &'static str,
    },
    /// A line of a text file is not of its form.
    #[error("{path}: line {line}: expected {expected}, found {}", excerpt(found))]
    BadLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Its form.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A MATLAB file is damaged or of another form.
    #[error("{path}: byte {offset}: expected {expected}")]
    Mat {
        /// The file.
        path: PathBuf,
        /// Where, in the file or in its decompressed element.
        offset: u64,
        /// What was expected there.
        expected: String,
    },
    /// The set's order comes from a list that was not given.
    #[error("{set} takes its order from a list; give it with --list FILE")]
    ListMissing {
        /// The set.
        set: &'static str,
    },
    /// A list was given to a set that has its own order.
    #[error("{set} has an order of its own; --list goes with --dataset list")]
    ListUnused {
        /// The set.
        set: &'static str,
    },
    /// An aligned folder was named by a path.
    #[error(
        "{name:?}: expected the name of a folder in the root, not a path; --root names the root"
    )]
    AlignedDirName {
        /// What was given.
        name: String,
    },
    /// An aligned folder was named for a set that has none.
    #[error("{set} has no folder of aligned pictures; --aligned-dir goes with tinyface and scface")]
    NoAlignedDir {
        /// The set.
        set: &'static str,
    },
}

/// Whether `name` is one folder below another, spelt in the one way there is.
fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let one = parts.next().map(|part| part.as_os_str() == name);
    one == Some(true) && parts.next().is_none() && !matches!(name, "." | ".." | "/")
}

/// A count that differs from the published one.
pub(crate) fn count_warning(what: &str, found: u64, published: u64) -> Option<String> {
    (found != published).then(|| format!("{found} {what}, {OTHER_COUNT} {published}"))
}

/// What a warning of another count than the published one says.
pub(crate) const OTHER_COUNT: &str = "the published set has";

/// Text without the mark that editors on Windows put in front of UTF-8.
fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// Reads a text file whole.
fn read_text(path: &Path) -> Result<String, Error> {
    let mut bytes = std::fs::read(path).map_err(fs::io_error("read", path))?;
    bytes.drain(..bytes.len() - without_mark(&bytes).len());
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..good).unwrap_or_default();
        Error::BadLine {
            path: path.to_path_buf(),
            line: before.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1,
            expected: "UTF-8 text",
            found: format!("other bytes at byte {good}"),
        }
    })
}
