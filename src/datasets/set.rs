//! What a data set is: a row of the table, and what is asked of it.

use super::edition::Edition;
use super::label::{IdentityRule, LabelFunction, Labelled};
use super::label_error::LabelError;
use super::list::{ImageList, Pictures};
use super::{Error, landmark_table};
use crate::{fs, protocol};
use std::path::Path;

/// One data set.
#[derive(Debug)]
pub struct DataSet {
    /// The name users type.
    pub name: &'static str,
    /// What it is, in one line, for `docs/packs.md` and `--help`.
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
    pub(super) list: fn(&Request<'_>) -> Result<ImageList, Error>,
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
    pub(super) fn no_file(&self, root: &Path, found: &'static str) -> Error {
        Error::NoFile { set: self.name, root: root.to_path_buf(), layout: self.layout, found }
    }

    /// Gives the images of `list` the landmarks of a csv with the columns `path` and `x1 y1 … x5 y5` (or
    /// `… x4 y4`) in place of their own: left eye, right eye, nose, left and right corner of the mouth (or its
    /// middle), left and right as seen in the picture.
    ///
    /// # Errors
    /// A csv that cannot be read, a row that is no face, an image without a row.
    pub fn take_landmarks(&self, list: &mut ImageList, csv: &Path) -> Result<(), Error> {
        landmark_table::read(csv)?.give(&mut list.images, list.pictures)
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

/// Whether `name` is one folder below another, spelt in the one way there is.
fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let one = parts.next().map(|part| part.as_os_str() == name);
    one == Some(true) && parts.next().is_none() && !matches!(name, "." | ".." | "/")
}
