//! What an evaluation can fail with: where, what was expected, what was found and what to do.

use super::fusion;
use super::sets::FACE_PX;
use super::subject::Subject;
use crate::datasets::{self, Alignment, SourceError};
use crate::image::{self, ChannelOrder};
use crate::{fs, metrics, onnx, pack, protocol, runtime};
use std::path::PathBuf;

/// Why nothing was evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder refused.
    #[error(transparent)]
    Files(#[from] fs::Error),
    /// A pack is not there, damaged or not in order.
    #[error(transparent)]
    Pack(#[from] pack::Error),
    /// A pack is not what its manifest says.
    #[error(transparent)]
    Proof(#[from] pack::ProofError),
    /// A list cannot be read.
    #[error(transparent)]
    DataSet(#[from] datasets::Error),
    /// There is neither a pack nor a tree of the set.
    #[error(
        "{set}: neither a pack {pack} nor the set's own files: make the pack with `qgface-data make-rec`, \
         or say where the images are with --pack, --root or --list"
    )]
    NoImages {
        /// The set.
        set: &'static str,
        /// The pack that was looked for.
        pack: PathBuf,
        /// Why the files cannot be listed.
        source: Box<datasets::Error>,
    },
    /// An image of a list is not there.
    #[error("{path}: no such image{}", if *more > 0 { format!(", and {more} more of the list are not there") } else { String::new() })]
    MissingImage {
        /// The first.
        path: PathBuf,
        /// How many more.
        more: u64,
    },
    /// Pictures of a tree have names that no list can hold.
    #[error(
        "{name:?}: expected a file name of UTF-8 text without tab or line end, so that a list can hold \
         it{}; rename it",
        if *more > 0 { format!(", and so of {more} more") } else { String::new() }
    )]
    UnlistedImage {
        /// The first.
        name: String,
        /// How many more.
        more: u64,
    },
    /// A protocol file is not there.
    #[error("{set}: expected {file} below {}, found none; name its root with --root", roots.join(" or "))]
    NoProtocolFile {
        /// The set.
        set: &'static str,
        /// The file, as a manifest tells it.
        file: String,
        /// Where it was looked for.
        roots: Vec<String>,
    },
    /// A protocol file is another than the one the pack was made beside.
    #[error(
        "{path}: expected the file the pack was made beside, with BLAKE3 {expected}, found another, with \
         BLAKE3 {found}; name the root of the right one with --root, or pack again"
    )]
    OtherProtocolFile {
        /// The file.
        path: PathBuf,
        /// The digest in the manifest.
        expected: String,
        /// Its own.
        found: String,
    },
    /// A protocol file cannot be read.
    #[error("{path}")]
    ProtocolFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: datasets::IjbError,
    },
    /// A listed face is not in the faces' list.
    #[error("{faces}: expected a line for {path}, which the list names, found none")]
    NoFace {
        /// The faces' list.
        faces: PathBuf,
        /// The image.
        path: String,
    },
    /// Images do not fit their protocol.
    #[error("{set}: the images do not fit the protocol")]
    Protocol {
        /// The set.
        set: &'static str,
        /// Why not.
        source: protocol::Error,
    },
    /// Faces of a protocol have no image.
    #[error(
        "{set}: {count} faces of {file} have no image, the first {first}; the numbers would be of another \
         set: pack all images"
    )]
    FacesWithoutImage {
        /// The set.
        set: &'static str,
        /// The protocol file.
        file: PathBuf,
        /// The first.
        first: String,
        /// How many.
        count: u64,
    },
    /// The images of a pack were left out when it was made.
    #[error(
        "{pack}: {count} images were skipped when it was packed, the first {first}; the numbers would be of \
         another set: mend the images and pack again"
    )]
    Skipped {
        /// The pack.
        pack: String,
        /// The first.
        first: String,
        /// How many.
        count: u64,
    },
    /// The names in a pack are made up.
    #[error(
        "{pack}: adopted without its tree, so its records have made-up names, and {set} is scored by \
         names; adopt it with --root, the tree it was made from"
    )]
    MadeUpNames {
        /// The set.
        set: &'static str,
        /// The pack.
        pack: String,
    },
    /// A pack holds a part of its list.
    #[error(
        "{pack}: shard {index} of {count}; the numbers would be of a part of the set: join the shards with \
         `qgface-data merge`"
    )]
    Shard {
        /// The pack.
        pack: String,
        /// Which part, from 0.
        index: u64,
        /// Of how many.
        count: u64,
    },
    /// There are too few pairs for the folds.
    #[error("{place}: expected at least {folds} pairs for as many folds, found {found}")]
    FewPairs {
        /// The pack or the file of pairs.
        place: String,
        /// Folds.
        folds: usize,
        /// Pairs.
        found: usize,
    },
    /// No probe has a mate.
    #[error("{subject}: no probe has a mate in the gallery, so there is no rate")]
    NoMate {
        /// The set.
        subject: Subject,
    },
    /// Pairs of a set whose images do not lie two by two.
    #[error("{place}: pair {pair}: expected the images {} and {}, found {found:?}", 2 * pair, 2 * pair + 1)]
    PairOrder {
        /// The pack.
        place: String,
        /// The pair.
        pair: usize,
        /// The positions of its images.
        found: [usize; 2],
    },
    /// A fusion that weighs by itself what the protocol weighs again.
    #[error(
        "--fusion faceness_score weighs each face by its norm and its detector's score, and the protocol \
         {protocol} would weigh them again; add --no-norm --no-detector-score"
    )]
    WeighedTwice {
        /// The protocol.
        protocol: &'static str,
    },
    /// A norm is no length.
    #[error("{path}: row {row}: expected a norm above 0, found {found}")]
    BadNorm {
        /// The file.
        path: PathBuf,
        /// The row.
        row: usize,
        /// The norm.
        found: f32,
    },
    /// A face is in a protocol file twice.
    #[error("{file}: expected each face once, found {name} again")]
    FaceTwice {
        /// The protocol file.
        file: PathBuf,
        /// The face.
        name: String,
    },
    /// The faces were aligned in another way than the protocol expects.
    #[error(
        "{place}: the protocol of {set} scores {expected}, found faces aligned otherwise: {found}; \
         --accept-alignment evaluates them all the same and says so with the numbers"
    )]
    Alignment {
        /// The set.
        set: &'static str,
        /// The pack or list.
        place: String,
        /// What the protocol scores.
        expected: String,
        /// What was done.
        found: Alignment,
    },
    /// A verification set has no pairs.
    #[error(
        "{place}: expected the pairs of {set}, found none; pack the .bin with `qgface-data make-rec --dataset bin`"
    )]
    NoPairs {
        /// The set.
        set: &'static str,
        /// The pack or list.
        place: String,
    },
    /// The pairs cannot be read.
    #[error(transparent)]
    Pairs(#[from] datasets::PairsError),
    /// A label is no identity.
    #[error("{pack}: {path}: expected a whole number as label, found {label}")]
    NoIdentity {
        /// The pack.
        pack: String,
        /// The image.
        path: String,
        /// Its label.
        label: String,
    },
    /// An image cannot be embedded.
    #[error("{place}: position {at}, {path}")]
    Image {
        /// The pack or list.
        place: String,
        /// Its position.
        at: usize,
        /// Its path.
        path: String,
        /// Why not.
        source: ImageError,
    },
    /// A model cannot be read.
    #[error(transparent)]
    Onnx(#[from] onnx::Error),
    /// A model is not one of faces.
    #[error("{path}: {fault}")]
    Model {
        /// The model.
        path: PathBuf,
        /// What is wrong.
        fault: ModelFault,
    },
    /// Nobody says in which order a model takes the channels.
    #[error(
        "{path}: its metadata does not say in which order it takes the channels, and nothing is guessed; say \
         --channel-order bgr (AdaFace, QGFace) or rgb (InsightFace)"
    )]
    NoChannelOrder {
        /// The model.
        path: PathBuf,
    },
    /// Model and pack disagree about the colours.
    #[error(
        "{path}: its metadata says that it takes {model}, and {pack} declares its pictures as stored {stored}, \
         with red and blue exchanged; say --channel-order {model} if the network takes {model} (the pictures' \
         true colours are restored first), or adopt the pack with the right --stored-order",
        model = model.name(), stored = stored.name()
    )]
    ColoursDiffer {
        /// The model.
        path: PathBuf,
        /// The order in its metadata.
        model: ChannelOrder,
        /// The pack.
        pack: String,
        /// The order in its manifest.
        stored: ChannelOrder,
    },
    /// ONNX Runtime refused.
    #[error(transparent)]
    Runtime(#[from] runtime::Error),
    /// A file of features is no such array.
    #[error("{path}: expected {expected}, found {found}")]
    Npy {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// There are not as many features as images.
    #[error("{path}: expected a row for each of the {images} images of {place}, found {rows} rows")]
    Rows {
        /// The file.
        path: PathBuf,
        /// Images.
        images: usize,
        /// The pack or list.
        place: String,
        /// Rows.
        rows: usize,
    },
    /// A feature is not a number.
    #[error("{place}: row {row}, {path}: the {what} is {found}; a number was expected")]
    NotFinite {
        /// The file or model.
        place: String,
        /// The row.
        row: usize,
        /// The image.
        path: String,
        /// `feature` or `norm`.
        what: &'static str,
        /// What it is.
        found: String,
    },
    /// The views of an image cannot be fused.
    #[error("{path}: cannot fuse its views")]
    Fusion {
        /// The image.
        path: String,
        /// Why not.
        source: fusion::Error,
    },
    /// A protocol weighs by norms, and there are none.
    #[error(
        "{path}: the protocol {protocol} weighs a face by its norm, and these features are unit vectors; give \
         the norms with --norms, or choose a protocol of unit features (--protocol qgface, --no-norm)"
    )]
    NoNorms {
        /// The file.
        path: PathBuf,
        /// The protocol.
        protocol: &'static str,
    },
    /// A protocol weighs by detector scores, and there are none.
    #[error(
        "{set}: the protocol {protocol} weighs a face by its detector's score, and {path} has none; evaluate \
         with --no-detector-score, or from the set's own files"
    )]
    NoScores {
        /// The set.
        set: &'static str,
        /// The protocol.
        protocol: &'static str,
        /// The image.
        path: String,
    },
    /// Numbers cannot be computed.
    #[error("{subject}: cannot be scored")]
    Metrics {
        /// The set.
        subject: Subject,
        /// Why not.
        source: metrics::Error,
    },
    /// CR-LFW of features made elsewhere.
    #[error(
        "crlfw reduces the pictures before they are embedded, so it wants a model; score features of reduced \
         pictures with --pairs"
    )]
    ReducedWithoutModel,
    /// Features of packs that are scored together are of different widths.
    #[error("expected features of one width, found {first} and {other} numbers")]
    Widths {
        /// Of the first pack.
        first: usize,
        /// Of another.
        other: usize,
    },
    /// A fault of this program.
    #[error("a fault of this program: {0}")]
    Fault(&'static str),
}

/// Why a model is not one of faces.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelFault {
    /// It wants several inputs.
    #[error("expected one input, found {found}")]
    Inputs {
        /// How many.
        found: usize,
    },
    /// Its input is of another type.
    #[error("expected an input of 32-bit floats, found {found}; export it in fp32")]
    InputType {
        /// The type.
        found: String,
    },
    /// Its input is of another shape.
    #[error(
        "expected an input [N, 3, {FACE_PX}, {FACE_PX}], found {found}; the protocols score faces of {FACE_PX} pixels"
    )]
    InputShape {
        /// The shape.
        found: String,
    },
    /// It has no or too many outputs.
    #[error(
        "expected one output (features) or two (unit features, norms), found {found}; export it with those alone"
    )]
    Outputs {
        /// How many.
        found: usize,
    },
    /// Its outputs are of other shapes.
    #[error("expected {expected} for {images} images, found an output {name} of shape {found}")]
    OutputShape {
        /// What was expected.
        expected: &'static str,
        /// Images of the batch.
        images: usize,
        /// The output.
        name: String,
        /// Its shape.
        found: String,
    },
    /// Its metadata cannot be read.
    #[error("its metadata {key}: expected {expected}, found {found:?}; a flag overrides it")]
    Metadata {
        /// The entry.
        key: &'static str,
        /// What was expected.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// Its graph fixes batches that take too much memory.
    #[error(
        "expected batches of at most {most} faces ({mib} MiB), found batches of {found}, fixed in the \
         graph; export it with an open batch"
    )]
    Batch {
        /// Images a batch at most.
        most: u64,
        /// What so many faces take in memory.
        mib: u64,
        /// Images a batch.
        found: u64,
    },
    /// Its one output is unit vectors, and a protocol weighs by norms.
    #[error(
        "the protocol {protocol} weighs a face by its norm, and the one output is unit vectors; export the \
         model with the norms beside them, or choose a protocol of unit features (--protocol qgface, \
         --no-norm)"
    )]
    NoNorms {
        /// The protocol.
        protocol: &'static str,
    },
    /// A norm is no length.
    #[error("expected norms above 0, found {found} at position {at}")]
    Norm {
        /// The norm.
        found: String,
        /// The position.
        at: usize,
    },
    /// Two outputs, and the features are no unit vectors.
    #[error(
        "expected unit features beside norms, found a feature of length {found} at position {at}"
    )]
    NotUnit {
        /// Its length.
        found: String,
        /// The position.
        at: usize,
    },
}

/// Why an image cannot be embedded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// Its bytes cannot be had.
    #[error(transparent)]
    Read(#[from] SourceError),
    /// It is no picture.
    #[error(transparent)]
    Decode(image::Error),
    /// Its landmarks give no alignment.
    #[error(transparent)]
    Align(image::align::Error),
    /// It cannot be reduced and enlarged.
    #[error(transparent)]
    Resize(image::Error),
    /// It has no landmarks to be cut out by.
    #[error("expected landmarks to align it by, found none")]
    NoLandmarks,
    /// It has another size than the protocols score.
    #[error(
        "expected a face of {FACE_PX}x{FACE_PX} pixels, found {width}x{height}; nothing is resized here: \
         align the faces first (`make-rec --align`)"
    )]
    Size {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
}
