//! The five files of a pack.

use super::error::Error;
use std::path::{Path, PathBuf};

/// One file of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The records.
    Rec,
    /// Keys and offsets.
    Idx,
    /// Keys, labels and paths, in im2rec's dialect.
    Lst,
    /// A row a record.
    Records,
    /// What the pack says of itself.
    Manifest,
    /// Of a verification set, two positions and 0 or 1 a line.
    Pairs,
    /// Of an InsightFace training pack, `classes,height,width`; its readers look for it under this name
    /// in the pack's folder.
    Property,
}

impl Part {
    /// The parts of every pack in the order they are renamed into place; the manifest last.
    pub const ALL: [Self; 5] = [Self::Rec, Self::Idx, Self::Lst, Self::Records, Self::Manifest];

    /// The parts that only some packs have; they are renamed into place before the manifest.
    pub const EXTRA: [Self; 2] = [Self::Pairs, Self::Property];

    /// The ending after the stem; the whole name of `property`.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Rec => ".rec",
            Self::Idx => ".idx",
            Self::Lst => ".lst",
            Self::Records => ".records.csv",
            Self::Manifest => ".manifest.json",
            Self::Pairs => ".pairs.txt",
            Self::Property => "property",
        }
    }
}

/// The parts whose names begin with the pack's stem.
const NAMING: [Part; 6] =
    [Part::Rec, Part::Idx, Part::Lst, Part::Records, Part::Manifest, Part::Pairs];

/// Where the files of a pack lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackFiles {
    /// The folder.
    pub folder: PathBuf,
    /// What the files' names begin with.
    pub stem: String,
}

impl PackFiles {
    /// Names a pack in `folder`.
    ///
    /// # Errors
    /// [`Error::Name`] for a stem that is no plain file name.
    pub fn new(folder: &Path, stem: &str) -> Result<Self, Error> {
        let ends_as_a_part = NAMING.iter().any(|part| stem.ends_with(part.ending()));
        if stem.is_empty()
            || ends_as_a_part
            || stem.starts_with('.')
            || stem.contains(['/', '\\', '\n', '\t'])
        {
            return Err(Error::Name { name: stem.to_owned() });
        }
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Ok(Self { folder: folder.to_path_buf(), stem: stem.to_owned() })
    }

    /// Names the pack that `path` belongs to: any of its files, or the stem alone.
    ///
    /// # Errors
    /// As [`PackFiles::new`].
    pub fn of(path: &Path) -> Result<Self, Error> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = NAMING.iter().find_map(|part| name.strip_suffix(part.ending()));
        let named = Self::new(path.parent().unwrap_or(Path::new("")), stem.unwrap_or(&name));
        // A folder of unpacked pictures may lie beside the pack under its name.
        let has_files = |files: &Self| Part::ALL.iter().any(|&part| files.path(part).is_file());
        if path.is_dir() && !named.as_ref().is_ok_and(has_files) {
            return Err(Error::Folder { path: path.to_path_buf() });
        }
        named
    }

    /// The path of one file.
    pub fn path(&self, part: Part) -> PathBuf {
        match part {
            Part::Property => self.folder.join(part.ending()),
            _ => self.folder.join(format!("{}{}", self.stem, part.ending())),
        }
    }

    /// The name that a part of another program's pack is kept under when this program's takes its place.
    pub(super) fn kept(&self, part: Part) -> PathBuf {
        self.folder.join(format!("{}.foreign{}", self.stem, part.ending()))
    }

    /// The hidden folder a pack is written in before it is renamed into place.
    pub(super) fn staging(&self) -> PathBuf {
        self.folder.join(format!(".{}.partial", self.stem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_is_named_by_any_of_its_files() {
        let expected = PackFiles::new(Path::new("packs"), "ijbb.v2").unwrap();
        for name in ["ijbb.v2", "ijbb.v2.rec", "ijbb.v2.records.csv", "ijbb.v2.manifest.json"] {
            assert_eq!(PackFiles::of(&Path::new("packs").join(name)).unwrap(), expected);
        }
    }

    #[test]
    fn a_name_with_a_folder_in_it_is_refused() {
        assert!(PackFiles::new(Path::new("packs"), "../x").is_err());
        assert!(PackFiles::new(Path::new("packs"), "").is_err());
        assert!(PackFiles::new(Path::new("packs"), "x.rec").is_err());
    }
}
