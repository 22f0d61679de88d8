//! The images of a set, wherever they lie: in a proved pack, in files, or named by a list alone.

use super::error::{Error, ImageError, ImagesError, ProtocolFileError};
use super::sets::{EvalSet, FACE_PX};
use crate::datasets::{
    self, Alignment, Edition, FacesFile, Image, ImageList, Landmarks, Protocol, ProtocolFile,
    Request,
};
use crate::image::{ChannelOrder, Pixels, align::align, decode::decode};
use crate::pack::verify_order::Depth;
use crate::pack::{self, PackFiles, Part};
use crate::progress::Progress;
use crate::protocol::Pairs;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Where the images of a set are looked for.
#[derive(Debug, Clone)]
pub struct Place {
    /// The pack the user named.
    pub pack: Option<PackFiles>,
    /// The root the user named.
    pub root: Option<PathBuf>,
    /// The list the user named.
    pub list: Option<PathBuf>,
    /// The pack where none is named.
    pub usual_pack: Option<PackFiles>,
    /// The root where none is named.
    pub usual_root: PathBuf,
}

/// What is wanted of the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Their pictures.
    Pictures,
    /// Their order and names alone: the features are there already.
    Names,
}

/// The images of a set in order.
pub(super) struct Images {
    listing: Listing,
    /// What was read, for the report.
    pub(super) files: Vec<String>,
    /// What was done to the faces; nobody knows it of images that are only named.
    pub(super) alignment: Option<Alignment>,
    /// Their place among all that is evaluated.
    pub(super) number: usize,
}

/// Where order, names and pictures are from.
enum Listing {
    Pack(Box<pack::ProvedImages>),
    List(Box<ImageList>),
    Names(Vec<Image>),
}

impl Images {
    /// Finds the images of a set, proves their pack, and checks that they are what the protocol scores.
    pub(super) fn of_set(
        set: &EvalSet,
        place: &Place,
        wanted: Wanted,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        if let Some(files) = &place.pack {
            return Self::packed(files, wanted, progress);
        }
        if let Some(list) = &place.list {
            let root = place.root.as_ref().unwrap_or(&place.usual_root);
            return Self::listed(set, list, root, wanted);
        }
        // A root that was named is meant; of IJB it may hold the protocol files alone.
        let templates = matches!(set.data_set().protocol, Protocol::Templates(_));
        let tree_first = place.root.is_some() && (wanted == Wanted::Names || !templates);
        if let Some(files) = place.usual_pack.as_ref().filter(|files| !tree_first && exists(files))
        {
            return Self::packed(files, wanted, progress);
        }
        let root = place.root.as_ref().unwrap_or(&place.usual_root);
        match (wanted, set.data_set().protocol) {
            (Wanted::Names, Protocol::Templates(edition)) => {
                let path =
                    find_file(set, edition, ProtocolFile::Faces, std::slice::from_ref(root))?;
                let images = FacesFile::read(edition, &path)?.images;
                let files = vec![path.display().to_string()];
                Ok(Self { listing: Listing::Names(images), files, alignment: None, number: 0 })
            }
            _ => Self::tree(set, place, root),
        }
    }

    fn tree(set: &EvalSet, place: &Place, root: &Path) -> Result<Self, Error> {
        let list = set.data_set().list(&Request::new(root)).map_err(|source| {
            let pack = place.usual_pack.as_ref().map(|files| files.path(Part::Rec));
            ImagesError::NoImages {
                set: set.name,
                pack: pack.unwrap_or_default(),
                source: Box::new(source),
            }
        })?;
        Ok(Self::of_list(list, root.display().to_string())?)
    }

    /// The images of a pack of one's own.
    pub(super) fn packed(
        files: &PackFiles,
        wanted: Wanted,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        let depth = match wanted {
            Wanted::Pictures => Depth::Full,
            Wanted::Names => Depth::Quick,
        };
        let pack = pack::ProvedImages::prove(files, depth, progress)?;
        let alignment = Some(pack.manifest.alignment.clone());
        let files = vec![files.path(Part::Rec).display().to_string()];
        Ok(Self { listing: Listing::Pack(Box::new(pack)), files, alignment, number: 0 })
    }

    fn listed(set: &EvalSet, list: &Path, root: &Path, wanted: Wanted) -> Result<Self, Error> {
        let told = list.display().to_string();
        if wanted == Wanted::Names {
            let images = datasets::read_list(list, root)?;
            return Ok(Self {
                listing: Listing::Names(images),
                files: vec![told],
                alignment: None,
                number: 0,
            });
        }
        let lists = datasets::find("list").expect("lists are a set of the table");
        let mut images = lists.list(&Request { list: Some(list), ..Request::new(root) })?;
        images.alignment = listed_alignment(set, root, &images);
        if let Protocol::Templates(edition) = set.data_set().protocol {
            let path = find_file(set, edition, ProtocolFile::Faces, &[root.to_path_buf()])?;
            take_landmarks(&mut images, FacesFile::read(edition, &path)?, &path)?;
        }
        Ok(Self::of_list(images, told)?)
    }

    fn of_list(list: ImageList, told: String) -> Result<Self, ImagesError> {
        if let Some(first) = list.missing.first() {
            let path = list.file_of(*first);
            let more = list.missing.len() as u64 - 1;
            return Err(ImagesError::MissingImage { path, more });
        }
        if let Some(name) = list.unlisted.first() {
            let (name, more) = (name.clone(), list.unlisted.len() as u64 - 1);
            return Err(ImagesError::UnlistedImage { name, more });
        }
        let alignment = Some(list.alignment.clone());
        Ok(Self { listing: Listing::List(Box::new(list)), files: vec![told], alignment, number: 0 })
    }

    /// How many images.
    pub(super) fn len(&self) -> usize {
        match &self.listing {
            Listing::Pack(pack) => pack.rows.len(),
            Listing::List(list) => list.images.len(),
            Listing::Names(images) => images.len(),
        }
    }

    /// The path of an image, as its list tells it.
    pub(super) fn path(&self, at: usize) -> &str {
        match &self.listing {
            Listing::Pack(pack) => &pack.rows[at].path,
            Listing::List(list) => &list.images[at].path,
            Listing::Names(images) => &images[at].path,
        }
    }

    /// All paths in order.
    pub(super) fn paths(&self) -> Vec<&str> {
        (0..self.len()).map(|at| self.path(at)).collect()
    }

    fn landmarks(&self, at: usize) -> Option<&Landmarks> {
        match &self.listing {
            Listing::Pack(pack) => pack.rows[at].landmarks.as_ref(),
            Listing::List(list) => list.images[at].landmarks.as_deref(),
            Listing::Names(images) => images[at].landmarks.as_deref(),
        }
    }

    /// The detector's score of an image.
    pub(super) fn score(&self, at: usize) -> Option<f64> {
        self.landmarks(at)?.score
    }

    /// The labels of a pack, which are its identities.
    ///
    /// # Panics
    /// If the images are of no pack.
    pub(super) fn identities(&self) -> Result<Vec<i64>, ImagesError> {
        let pack = self.pack().expect("packs alone are searched by their labels");
        let label = |(at, row): (usize, &pack::Row)| {
            let label = row.label.class();
            (label.fract() == 0.0).then_some(label as i64).ok_or_else(|| self.no_identity(at))
        };
        pack.rows.iter().enumerate().map(label).collect()
    }

    /// The error of an image whose label is nobody's.
    pub(super) fn no_identity(&self, at: usize) -> ImagesError {
        let label = self.pack().map(|pack| pack.rows[at].label.to_string());
        ImagesError::NoIdentity {
            pack: self.files[0].clone(),
            path: self.path(at).to_owned(),
            label: label.unwrap_or_default(),
        }
    }

    /// What files of these features are called: the pack, or the set.
    pub(super) fn stem(&self, set: &str) -> String {
        self.pack().map_or_else(|| set.to_owned(), |pack| pack.files.stem.clone())
    }

    /// The pack, where the images are of one.
    pub(super) fn pack(&self) -> Option<&pack::ProvedImages> {
        match &self.listing {
            Listing::Pack(pack) => Some(pack),
            _ => None,
        }
    }

    /// What the files say that a decoder's first colour is.
    pub(super) fn stored_order(&self) -> ChannelOrder {
        self.pack().map_or(ChannelOrder::Rgb, |pack| pack.manifest.stored_channel_order)
    }

    /// The pairs of a verification set.
    pub(super) fn pairs(&self) -> Result<Option<Pairs>, Error> {
        let told = match &self.listing {
            Listing::Pack(pack) => {
                let path = pack.files.path(Part::Pairs);
                return match pack.manifest.files.pairs {
                    Some(_) => Ok(Some(datasets::read_pairs(&path, self.len())?)),
                    None => Ok(None),
                };
            }
            Listing::List(list) => &list.pairs,
            Listing::Names(_) => return Ok(None),
        };
        Ok((!told.is_empty()).then(|| datasets::pairs_in_turn(told)))
    }

    /// Whether faces are cut out by their landmarks before they are embedded.
    fn is_aligned_here(&self) -> bool {
        self.alignment == Some(Alignment::Landmarks)
    }

    /// What is done to the faces, in words.
    pub(super) fn alignment_told(&self) -> Option<String> {
        match &self.alignment {
            Some(Alignment::Landmarks) => {
                Some(format!("by the set's landmarks, to {FACE_PX}x{FACE_PX} pixels"))
            }
            Some(Alignment::Unknown) => Some("as they are stored".to_owned()),
            Some(alignment) => Some(alignment.to_string()),
            None => None,
        }
    }

    /// Refuses images that cannot be embedded as they are, before the first is read: of another size, or
    /// without landmarks to cut them out by.
    pub(super) fn check_faces(&self) -> Result<(), ImagesError> {
        for at in 0..self.len() {
            if self.is_aligned_here() {
                if self.landmarks(at).is_none() {
                    return Err(self.refused(at, ImageError::NoLandmarks));
                }
            } else if let Listing::Pack(pack) = &self.listing {
                let (width, height) = (pack.rows[at].width, pack.rows[at].height);
                check_size(width, height).map_err(|source| self.refused(at, source))?;
            }
        }
        Ok(())
    }

    /// The face of an image, 112 pixels an edge, in its true colours in the order red, green, blue.
    ///
    /// # Panics
    /// If the images are only named.
    pub(super) fn face(&self, at: usize) -> Result<Pixels, Error> {
        let refused = |source| self.refused(at, source);
        let decoded = match &self.listing {
            Listing::Pack(pack) => pack.manifest.pixels(&pack.bytes(at)?),
            Listing::List(list) => {
                decode(&list.bytes(at).map_err(|source| refused(ImageError::Read(source)))?)
            }
            Listing::Names(_) => panic!("names were asked for, and now a picture"),
        };
        let pixels = decoded.map_err(|source| refused(ImageError::Decode(source)))?;
        let pixels = pixels.into_order(ChannelOrder::Rgb);
        match (self.is_aligned_here(), self.landmarks(at)) {
            (true, Some(landmarks)) => align(&pixels, &landmarks.points, FACE_PX)
                .map_err(|source| refused(ImageError::Align(source)).into()),
            (true, None) => Err(refused(ImageError::NoLandmarks).into()),
            (false, _) => {
                check_size(pixels.width, pixels.height).map_err(refused)?;
                Ok(pixels)
            }
        }
    }

    pub(super) fn refused(&self, at: usize, source: ImageError) -> ImagesError {
        let (place, path) = (self.files[0].clone(), self.path(at).to_owned());
        ImagesError::Image { place, at, path, source }
    }
}

/// Finds a protocol file below the first of several roots that has it.
pub(super) fn find_file(
    set: &EvalSet,
    edition: &Edition,
    file: ProtocolFile,
    roots: &[PathBuf],
) -> Result<PathBuf, ProtocolFileError> {
    let found = roots.iter().find_map(|root| edition.find(file, root));
    found.ok_or_else(|| ProtocolFileError::Missing {
        set: set.name,
        file: edition.stated_path(file),
        roots: roots.iter().map(|root| root.display().to_string()).collect(),
    })
}

/// What was done to faces that a list names: the folder they lie in tells it.
fn listed_alignment(set: &EvalSet, root: &Path, images: &ImageList) -> Alignment {
    let expected = set.data_set().aligned_dir;
    let folder = |image: &Image| image.path.split_once('/').map(|(folder, _)| folder.to_owned());
    let first = images.images.first().and_then(folder);
    let one = images.images.iter().all(|image| folder(image) == first);
    let own = root.file_name().map(|name| name.to_string_lossy().into_owned());
    match (expected, first.filter(|_| one), own) {
        (Some(expected), _, Some(own)) if own == expected => Alignment::Folder(own),
        (Some(_), Some(folder), _) => Alignment::Folder(folder),
        _ => Alignment::Unknown,
    }
}

/// Gives listed faces the landmarks of their set.
fn take_landmarks(
    images: &mut ImageList,
    faces: FacesFile,
    path: &Path,
) -> Result<(), ProtocolFileError> {
    let mut by_path: HashMap<Box<str>, Option<Box<Landmarks>>> =
        faces.images.into_iter().map(|face| (face.path, face.landmarks)).collect();
    for image in &mut images.images {
        let missing = || ProtocolFileError::NoFace {
            faces: path.to_path_buf(),
            path: image.path.to_string(),
        };
        image.landmarks = by_path.remove(&image.path).ok_or_else(missing)?;
    }
    images.alignment = Alignment::Landmarks;
    Ok(())
}

fn check_size(width: u32, height: u32) -> Result<(), ImageError> {
    match (width, height) {
        (FACE_PX, FACE_PX) => Ok(()),
        _ => Err(ImageError::Size { width, height }),
    }
}

/// Whether any file of a pack is there: a pack without its manifest is told as such.
fn exists(files: &PackFiles) -> bool {
    files.path(Part::Rec).exists() || files.path(Part::Manifest).exists()
}
