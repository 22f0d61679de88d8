//! What differs between IJB-B and IJB-C, and where the files of their protocols lie.

use std::path::{Path, PathBuf};

/// What differs between the two sets.
#[derive(Debug)]
pub struct Edition {
    /// The set's own folder, with a final `/`.
    pub folder: &'static str,
    /// Where its faces lie, from the folder around `folder`.
    pub crops: &'static str,
    /// What its files begin with.
    pub prefix: &'static str,
    /// What the 1:N galleries are called.
    pub galleries: [&'static str; 2],
    /// Published count of faces.
    pub images: u64,
    /// Published count of templates.
    pub templates: u64,
    /// Published count of pairs.
    pub pairs: u64,
}

/// A file of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolFile {
    /// Names, landmarks and detector scores, in the order of the faces.
    Faces,
    /// Template and media of each face.
    Templates,
    /// Pairs of templates, and whether they are of one subject.
    Pairs,
    /// Templates and subjects of one of the two 1:N galleries.
    Gallery(usize),
    /// Templates and subjects of the 1:N probes.
    Probes,
}

impl ProtocolFile {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Faces,
        Self::Templates,
        Self::Pairs,
        Self::Gallery(0),
        Self::Gallery(1),
        Self::Probes,
    ];
}

impl Edition {
    /// The file's name in the folder `meta`.
    pub fn name(&self, file: ProtocolFile) -> String {
        let prefix = self.prefix;
        match file {
            ProtocolFile::Faces => format!("{prefix}_name_5pts_score.txt"),
            ProtocolFile::Templates => format!("{prefix}_face_tid_mid.txt"),
            ProtocolFile::Pairs => format!("{prefix}_template_pair_label.txt"),
            ProtocolFile::Gallery(at) => format!("{prefix}_1N_{}.csv", self.galleries[at]),
            ProtocolFile::Probes => format!("{prefix}_1N_probe_mixed.csv"),
        }
    }

    /// What its files are told as in a manifest: `IJBB/meta/NAME`.
    pub fn stated_path(&self, file: ProtocolFile) -> String {
        format!("{}meta/{}", self.folder, self.name(file))
    }

    /// Finds a file below `root`, which holds the set's own folder, is that folder, its `meta`, or
    /// holds the protocol files alone.
    pub fn find(&self, file: ProtocolFile, root: &Path) -> Option<PathBuf> {
        let name = self.name(file);
        let folders = [root.join(self.folder).join("meta"), root.join("meta"), root.to_path_buf()];
        folders.into_iter().map(|folder| folder.join(&name)).find(|path| path.is_file())
    }
}
