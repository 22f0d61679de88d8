//! TinyFace: native low-resolution faces, closed-set identification (Cheng, Zhu and Gong, 2018).
//!
//! Packed are the aligned copies (`aligned_pad_0.1_pad_high`, a download of its own from the AdaFace
//! authors) of `Testing_Set`: 3,728 probes, 4,443 mated gallery images and 153,428 distractors. The
//! identity is the number before the first `_`; a distractor's is −100 by its folder, whatever its
//! name. The two `.mat` protocol files are compared with the tree; scoring takes the file names.

use super::list::in_folder;
use super::published::count_warning;
use super::{
    Alignment, DataSet, Error, IdentityRule, Image, ImageList, LabelFunction, Pictures, Protocol,
    Request, Root, mat,
};
use crate::fs;
use crate::protocol::{self, Identification, Members, OtherCount, Probes};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

pub(super) static TINYFACE: DataSet = DataSet {
    name: "tinyface",
    about: "TinyFace: the aligned copies of its testing set",
    layout: "aligned_pad_0.1_pad_high/ and tinyface/Testing_Set/",
    order: "bytes of the relative path",
    default_label: || LabelFunction::Index,
    aligned_dir: Some(ALIGNED_DIR),
    takes_list: false,
    root: Root::Folder,
    one_tree: true,
    identity: Some(IdentityRule {
        form: "NUMBER_… in Probe or Gallery_Match, any name in Gallery_Distractor",
        of: identity,
    }),
    protocol: Protocol::Identification(identification),
    list,
};

const ALIGNED_DIR: &str = "aligned_pad_0.1_pad_high";

/// The pictures before alignment, and what their paths begin with.
const ORIGINAL: &str = "tinyface/Testing_Set";
const ORIGINAL_PREFIX: &str = "tinyface/Testing_Set/";

/// Label of every distractor (reference: `tinyface_helper.py`).
const DISTRACTOR: i32 = -100;

/// The groups of the testing set, with their published sizes.
const GROUPS: [(&str, u64); 3] =
    [("Gallery_Distractor", 153_428), ("Gallery_Match", 4_443), ("Probe", 3_728)];

/// Protocol file, its names, its ids, and the group they describe.
const PROTOCOL: [(&str, &str, &str, &str); 2] = [
    ("gallery_match_img_ID_pairs.mat", "gallery_set", "gallery_ids", "Gallery_Match"),
    ("probe_img_ID_pairs.mat", "probe_set", "probe_ids", "Probe"),
];

fn identity(path: &str) -> Option<i32> {
    let (folder, name) = path.rsplit_once('/')?;
    if folder.rsplit('/').next() == Some("Gallery_Distractor") {
        return Some(DISTRACTOR);
    }
    name.split_once('_').and_then(|(number, _)| number.parse().ok()).filter(|&number| number >= 0)
}

/// The galleries and the probes, by the folder each image lies in.
fn identification(paths: &[&str]) -> Result<Identification, protocol::Error> {
    let mut parts = Identification::default();
    let mut probes = Members::default();
    let mut groups = GROUPS.map(|_| 0u64);
    for (position, path) in paths.iter().enumerate() {
        let refused = || protocol::Error::Path {
            position,
            expected: "…/Probe/NUMBER_…, …/Gallery_Match/NUMBER_… or …/Gallery_Distractor/…",
            path: (*path).to_owned(),
        };
        let group = path.rsplit('/').nth(1).ok_or_else(refused)?;
        let identity = i64::from(identity(path).ok_or_else(refused)?);
        match group {
            "Probe" => probes.push(position, identity),
            "Gallery_Match" | "Gallery_Distractor" => parts.gallery.push(position, identity),
            _ => return Err(refused()),
        }
        let at = GROUPS.iter().position(|(name, _)| *name == group).ok_or_else(refused)?;
        groups[at] += 1;
    }
    for (members, what, expected) in [
        (&probes, "a probe", "pictures in a folder Probe"),
        (&parts.gallery, "of the gallery", "pictures in Gallery_Match and Gallery_Distractor"),
    ] {
        if members.is_empty() {
            return Err(protocol::Error::Empty { what, expected });
        }
    }
    parts.probes.push(Probes { distance: None, members: probes });
    for ((name, published), found) in GROUPS.iter().zip(groups) {
        parts.other_counts.extend(OtherCount::of(format!("images in {name}"), found, *published));
    }
    Ok(parts)
}

fn list(request: &Request<'_>) -> Result<ImageList, Error> {
    let (folder, pictures) = match request.pictures {
        Pictures::Packed => (request.aligned_dir.unwrap_or(ALIGNED_DIR), ""),
        Pictures::Original => (ORIGINAL, ORIGINAL_PREFIX),
    };
    let base = locate(request.root, folder)?;
    let walk = fs::walk(&base.join(folder))?;
    let mut warnings = Vec::new();
    let mut groups = GROUPS.map(|_| 0u64);
    let mut images = Vec::with_capacity(walk.files.len());
    let mut elsewhere = 0u64;
    for file in walk.files {
        let group = file.split_once('/').map(|(group, _)| group);
        let Some(at) = GROUPS.iter().position(|(name, _)| Some(*name) == group) else {
            elsewhere += 1;
            continue;
        };
        groups[at] += 1;
        images.push(Image::at(format!("{folder}/{file}")));
    }
    if elsewhere > 0 {
        warnings.push(format!("{elsewhere} pictures lie outside Probe and the galleries"));
    }
    for ((name, published), found) in GROUPS.iter().zip(groups) {
        warnings.extend(count_warning(&format!("images in {name}"), found, *published));
    }
    let (protocol_files, told) = check_protocol(&base, folder, &images)?;
    // What the protocol lacks weighs more than a count.
    warnings.splice(0..0, told);
    let alignment = match request.pictures {
        Pictures::Packed => Alignment::Folder(folder.to_owned()),
        Pictures::Original => Alignment::Landmarks,
    };
    Ok(ImageList {
        pictures,
        alignment,
        protocol_files,
        unlisted: in_folder(folder, walk.unlisted),
        ignored: walk.ignored,
        warnings,
        ..ImageList::of(base, images)
    })
}

/// Finds the folder that holds the aligned copies: the root, its `tinyface`, or the one around it.
fn locate(root: &Path, folder: &str) -> Result<PathBuf, Error> {
    let absolute = root.canonicalize().unwrap_or_default();
    let is_raw = absolute.ends_with("tinyface") || root.join("Testing_Set").is_dir();
    let around = absolute.parent().filter(|_| is_raw).map(Path::to_path_buf);
    let candidates = [Some(root.to_path_buf()), Some(root.join("tinyface")), around];
    let found = candidates.into_iter().flatten().find(|base| base.join(folder).is_dir());
    let root = || root.to_path_buf();
    if folder == ORIGINAL && found.is_none() {
        let what = format!("the folder {folder} of TinyFace itself");
        let pictures = Some(Pictures::Original);
        return Err(Error::Missing { root: root(), what, note: "", pictures });
    }
    found.ok_or_else(|| Error::Missing {
        root: root(),
        what: format!("the folder {folder} of aligned faces"),
        note: "it is a download separate from TinyFace itself (AdaFace's README, validation of low quality \
               sets) and lies beside the folder tinyface",
        pictures: Some(Pictures::Packed),
    })
}

/// Compares the `.mat` files with the tree; returns those that are there, and what differs.
fn check_protocol(
    base: &Path,
    folder: &str,
    images: &[Image],
) -> Result<(Vec<String>, Vec<String>), Error> {
    let mut warnings = Vec::new();
    let places = ["tinyface/Testing_Set", "Testing_Set", "tinyface/tinyface/Testing_Set"];
    let Some(place) = places.into_iter().find(|place| base.join(place).is_dir()) else {
        warnings
            .push("tinyface/Testing_Set is not there; the protocol was not compared".to_owned());
        return Ok((Vec::new(), warnings));
    };
    let mut found = Vec::new();
    let mut all = Vec::new();
    for (file, names, ids, group) in PROTOCOL {
        let path = base.join(place).join(file);
        if !path.is_file() {
            warnings.push(format!("{place}/{file} is not there; {group} was not compared"));
            continue;
        }
        let pairs = mat::read_pairs(&path, names, ids)?;
        warnings.extend(compare(file, &pairs, &format!("{folder}/{group}/"), images));
        all.extend(pairs.into_iter().map(|(name, id)| (file, name, id)));
        found.push(format!("{place}/{file}"));
    }
    warnings.extend(other_identities(&all));
    Ok((found, warnings))
}

fn compare(file: &str, pairs: &[(String, i64)], prefix: &str, images: &[Image]) -> Vec<String> {
    let in_tree: HashSet<&str> =
        images.iter().filter_map(|image| image.path.strip_prefix(prefix)).collect();
    let in_file: HashSet<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
    let absent = pairs.iter().map(|(name, _)| name.as_str()).filter(|name| !in_tree.contains(name));
    let extra = images.iter().filter_map(|image| image.path.strip_prefix(prefix));
    let extra = extra.filter(|name| !in_file.contains(name));
    [
        told(absent, &format!("images of {file} are not in {prefix}")),
        told(extra, &format!("images in {prefix} are not in {file}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether the ids of both files part the names as the names' own numbers do. The published files number
/// people anew, one id for one number, which changes no pair of mates.
fn other_identities(all: &[(&str, String, i64)]) -> Option<String> {
    let mut id_of: HashMap<i32, i64> = HashMap::new();
    let mut number_of: HashMap<i64, i32> = HashMap::new();
    let parted = all.iter().filter(|(_, name, id)| {
        let Some(number) = identity(&format!("Probe/{name}")) else { return true };
        let same_id = *id_of.entry(number).or_insert(*id) == *id;
        let same_number = *number_of.entry(*id).or_insert(number) == number;
        !(same_id && same_number)
    });
    let parted = parted.map(|(_, name, _)| name.as_str());
    told(parted, "names of the .mat files are of other people by their ids than by their numbers")
}

/// `3 images …, the first a.jpg`, or nothing.
fn told<'a>(mut names: impl Iterator<Item = &'a str>, what: &str) -> Option<String> {
    let first = names.next()?;
    Some(format!("{} {what}, the first {first}", names.count() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distractor_is_known_by_its_folder_whatever_its_name() {
        assert_eq!(identity("a/Gallery_Distractor/0_9001.png"), Some(-100));
        assert_eq!(identity("a/Gallery_Distractor/distractor_1.jpg"), Some(-100));
        assert_eq!(identity("a/Probe/3004_2.jpg"), Some(3004));
        assert_eq!(identity("a/Probe/x_2.jpg"), None);
    }

    #[test]
    fn names_that_only_one_side_has_are_told() {
        let images = [Image::at("al/Probe/1_1.jpg"), Image::at("al/Probe/2_1.jpg")];
        let pairs = [("1_1.jpg".to_owned(), 7), ("3_1.jpg".to_owned(), 3)];
        let warnings = compare("p.mat", &pairs, "al/Probe/", &images);
        assert_eq!(
            warnings,
            [
                "1 images of p.mat are not in al/Probe/, the first 3_1.jpg",
                "1 images in al/Probe/ are not in p.mat, the first 2_1.jpg",
            ]
        );
    }

    #[test]
    fn ids_that_number_people_anew_are_no_difference_and_ids_that_part_them_otherwise_are() {
        let rows = |rows: &[(&'static str, &str, i64)]| -> Vec<(&str, String, i64)> {
            rows.iter().map(|(file, name, id)| (*file, (*name).to_owned(), *id)).collect()
        };
        let anew = [("g", "70_1.jpg", 1), ("g", "12_1.jpg", 2), ("p", "70_2.jpg", 1)];
        assert_eq!(other_identities(&rows(&anew)), None);
        let parted = [("g", "70_1.jpg", 1), ("p", "70_2.jpg", 3), ("p", "12_2.jpg", 1)];
        let told = other_identities(&rows(&parted)).unwrap();
        assert!(told.starts_with("2 names") && told.ends_with("the first 70_2.jpg"), "{told}");
    }
}
