//! SCface: 130 subjects seen by surveillance cameras at three distances (Grgic et al., 2011).
//!
//! `NNN_frontal` is the gallery image of subject `NNN`; `NNN_camC_D` is camera `C` at distance `D`
//! (1: 4.20 m, 2: 2.60 m, 3: 1.00 m). The infra-red cameras 6 to 8 are not scored and not packed.
//! `all.txt` gives the order: a path without ending, then four points (eyes, nose, mouth centre) in the
//! original picture. In the wild it has carriage returns, comments, blank lines, spaces for tabs, and
//! names without their folder.

use super::list::in_folder;
use super::published::count_warning;
use super::text::read_text;
use super::{
    Alignment, DataSet, Error, IdentityRule, Image, ImageList, LabelFunction, Landmarks, Pictures,
    Protocol, Request, Root,
};
use crate::fs;
use crate::protocol::{self, Identification, Members, OtherCount, Probes};
use std::collections::{HashMap, HashSet};
use std::path::Path;

pub(super) static SCFACE: DataSet = DataSet {
    name: "scface",
    about: "SCface: surveillance pictures at three distances, aligned copies",
    layout: "all.txt and aligned/",
    order: "lines of all.txt without cameras 6 to 8",
    default_label: || LabelFunction::Identity,
    aligned_dir: Some(ALIGNED),
    takes_list: false,
    root: Root::Folder,
    one_tree: true,
    identity: Some(IdentityRule {
        form: "NNN_frontal or NNN_camC_D, NNN three digits",
        of: subject,
    }),
    protocol: Protocol::Identification(identification),
    list,
};

/// Folders of the aligned copies and of the pictures that all.txt's points lie in.
const ALIGNED: &str = "aligned";
const ORIGINAL: &str = "original";
const ORIGINAL_PREFIX: &str = "original/";

/// What the folder of aligned copies is.
const ALIGNED_NOTE: &str =
    "it has original/'s folders and names, each face cropped by the four points of all.txt";

/// Subjects of the published set, and the cameras that take each of them from three distances.
const PUBLISHED_SUBJECTS: u64 = 130;
const CAMERAS: u64 = 5;
const PUBLISHED_IMAGES: u64 = PUBLISHED_SUBJECTS * (1 + 3 * CAMERAS);

/// Form of a line of `all.txt`.
const LINE_FORM: &str = "a path without ending and eight landmark coordinates, separated by tabs";

/// What a picture of the set shows.
#[derive(Debug, PartialEq, Eq)]
enum Shot {
    Frontal,
    Visible,
    InfraRed,
}

/// Reads subject and shot from a path's last part.
fn parse_stem(path: &str) -> Option<(i32, Shot)> {
    let name = path.rsplit('/').next()?;
    let stem = if fs::is_picture(name) { name.rsplit_once('.')?.0 } else { name };
    let (number, rest) = stem.split_once('_')?;
    let digits = number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit());
    let subject = digits.then(|| number.parse().ok()).flatten()?;
    let shot = match rest.as_bytes() {
        b"frontal" => Shot::Frontal,
        [b'c', b'a', b'm', b'1'..=b'5', b'_', b'1'..=b'3'] => Shot::Visible,
        [b'c', b'a', b'm', b'6'..=b'8'] | [b'c', b'a', b'm', b'6'..=b'8', b'_', b'1'..=b'3'] => {
            Shot::InfraRed
        }
        _ => return None,
    };
    Some((subject, shot))
}

fn subject(path: &str) -> Option<i32> {
    parse_stem(path).map(|(subject, _)| subject)
}

/// The distances, nearest last.
const DISTANCES: [u32; 3] = [1, 2, 3];

/// Frontal pictures are the gallery, those of cameras 1 to 5 the probes of their distance.
fn identification(paths: &[&str]) -> Result<Identification, protocol::Error> {
    let mut parts = Identification::default();
    let mut probes =
        DISTANCES.map(|distance| Probes { distance: Some(distance), members: Members::default() });
    for (position, path) in paths.iter().enumerate() {
        let refused = || protocol::Error::Path {
            position,
            expected: "NNN_frontal or NNN_camC_D, NNN three digits, D 1 to 3",
            path: (*path).to_owned(),
        };
        let (subject, shot) = parse_stem(path).ok_or_else(refused)?;
        match shot {
            Shot::Frontal => parts.gallery.push(position, i64::from(subject)),
            Shot::Visible => {
                let stem = path.rsplit_once('.').map_or(*path, |(stem, _)| stem);
                let distance =
                    stem.bytes().last().map(|digit| usize::from(digit.wrapping_sub(b'1')));
                let group = distance.and_then(|at| probes.get_mut(at)).ok_or_else(refused)?;
                group.members.push(position, i64::from(subject));
            }
            Shot::InfraRed => parts.left_out += 1,
        }
    }
    if parts.gallery.is_empty() {
        let (what, expected) = ("of the gallery", "pictures named NNN_frontal");
        return Err(protocol::Error::Empty { what, expected });
    }
    if probes.iter().any(|group| group.members.is_empty()) {
        let (what, expected) =
            ("a probe of one of the distances", "pictures named NNN_camC_D of each distance D");
        return Err(protocol::Error::Empty { what, expected });
    }
    let found = parts.gallery.len() as u64;
    parts.other_counts.extend(OtherCount::of("frontal pictures", found, PUBLISHED_SUBJECTS));
    for (distance, Probes { members, .. }) in DISTANCES.iter().zip(&probes) {
        let (found, published) = (members.len() as u64, CAMERAS * PUBLISHED_SUBJECTS);
        let what = format!("probes of d{distance}");
        parts.other_counts.extend(OtherCount::of(what, found, published));
    }
    parts.probes = probes.into();
    Ok(parts)
}

fn list(request: &Request<'_>) -> Result<ImageList, Error> {
    let within = request.root.join("scface");
    let inside = !request.root.join("all.txt").exists() && within.join("all.txt").is_file();
    let base = if inside { within.as_path() } else { request.root };
    let (folder, what, note) = match request.pictures {
        Pictures::Packed => {
            (request.aligned_dir.unwrap_or(ALIGNED), "aligned copies", ALIGNED_NOTE)
        }
        Pictures::Original => (ORIGINAL, "pictures as they were taken", ""),
    };
    let pictures = base.join(folder);
    if !pictures.is_dir() {
        let what = format!("the folder {folder} of {what}");
        let pictures = Some(request.pictures);
        return Err(Error::Missing { root: base.to_path_buf(), what, note, pictures });
    }
    let walk = fs::walk(&pictures)?;
    let lookup = Lookup::new(&walk.files);
    let list_path = base.join("all.txt");
    let mut warnings = Vec::new();
    let mut left_out = 0u64;
    let mut seen = HashSet::new();
    let (mut images, mut missing) = (Vec::new(), Vec::new());
    for (i, line) in read_text(&list_path)?.lines().enumerate() {
        let Some((name, points)) = parse_line(&list_path, i as u64 + 1, line)? else { continue };
        match parse_stem(name) {
            Some((_, Shot::Frontal | Shot::Visible)) => {}
            Some((_, Shot::InfraRed)) => continue,
            None => {
                left_out += 1;
                continue;
            }
        }
        if !seen.insert(name.to_lowercase()) {
            return Err(Error::BadLine {
                path: list_path,
                line: i as u64 + 1,
                expected: "each picture once",
                found: format!("{name} again"),
            });
        }
        let found = lookup.find(name).map_or_else(
            || {
                missing.push(images.len());
                format!("{name}.jpg")
            },
            str::to_owned,
        );
        let landmarks = Some(Box::new(Landmarks { points, score: None }));
        images.push(Image { landmarks, ..Image::at(format!("{folder}/{found}")) });
    }
    if left_out > 0 {
        warnings.push(format!("{left_out} lines of all.txt name no frontal or camera picture"));
    }
    warnings.extend(count_warning("images", images.len() as u64, PUBLISHED_IMAGES));
    let (pictures, alignment) = match request.pictures {
        Pictures::Packed => ("", Alignment::Folder(folder.to_owned())),
        Pictures::Original => (ORIGINAL_PREFIX, Alignment::Landmarks),
    };
    Ok(ImageList {
        pictures,
        missing,
        alignment,
        protocol_files: vec!["all.txt".to_owned()],
        unlisted: in_folder(folder, walk.unlisted),
        ignored: walk.ignored,
        warnings,
        ..ImageList::of(base.to_path_buf(), images)
    })
}

/// A name and four points, or nothing for a comment or a blank line.
type Line<'a> = Option<(&'a str, Vec<(f64, f64)>)>;

fn parse_line<'a>(path: &Path, number: u64, line: &'a str) -> Result<Line<'a>, Error> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let mut words = line.split_ascii_whitespace();
    let name = words.next().unwrap_or_default();
    let numbers: Option<Vec<f64>> = words.map(|word| word.parse().ok()).collect();
    let numbers = numbers.filter(|all| all.len() == 8 && all.iter().all(|x| x.is_finite()));
    let numbers = numbers.ok_or_else(|| Error::BadLine {
        path: path.to_path_buf(),
        line: number,
        expected: LINE_FORM,
        found: format!("{line:?}"),
    })?;
    Ok(Some((name, numbers.as_chunks::<2>().0.iter().map(|&[x, y]| (x, y)).collect())))
}

/// Finds the aligned copy of a name: as written, then without regard to case, then, for a name
/// without folder, by a stem that only one file has.
struct Lookup<'a> {
    exact: HashMap<&'a str, &'a str>,
    folded: HashMap<String, Vec<&'a str>>,
    stems: HashMap<String, Vec<&'a str>>,
}

impl<'a> Lookup<'a> {
    fn new(files: &'a [String]) -> Self {
        let mut lookup =
            Self { exact: HashMap::new(), folded: HashMap::new(), stems: HashMap::new() };
        for file in files {
            let stem = file.rsplit_once('.').map_or(file.as_str(), |(stem, _)| stem);
            if file.ends_with(".jpg") || !lookup.exact.contains_key(stem) {
                lookup.exact.insert(stem, file);
            }
            lookup.folded.entry(stem.to_lowercase()).or_default().push(file);
            let last = stem.rsplit('/').next().unwrap_or(stem);
            lookup.stems.entry(last.to_lowercase()).or_default().push(file);
        }
        lookup
    }

    fn find(&self, name: &str) -> Option<&'a str> {
        let name = if fs::is_picture(name) { name.rsplit_once('.')?.0 } else { name };
        let only = |found: &Vec<&'a str>| match found[..] {
            [file] => Some(file),
            _ => None,
        };
        let by_stem = || self.stems.get(&name.to_lowercase()).and_then(only);
        self.exact
            .get(name)
            .copied()
            .or_else(|| self.folded.get(&name.to_lowercase()).and_then(only))
            .or_else(|| if name.contains('/') { None } else { by_stem() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_is_the_number_before_the_first_underscore() {
        assert_eq!(subject("aligned/surveillance_cameras_distance_1/042_cam3_1.jpg"), Some(42));
        assert_eq!(subject("cam_root/130_frontal.JPG"), Some(130));
        assert_eq!(subject("aligned/readme.jpg"), None);
    }

    #[test]
    fn cameras_six_to_eight_are_infra_red() {
        assert_eq!(parse_stem("017_cam8_2"), Some((17, Shot::InfraRed)));
        assert_eq!(parse_stem("017_cam5_2"), Some((17, Shot::Visible)));
        assert_eq!(parse_stem("017_cam9_2"), None);
    }

    #[test]
    fn all_txt_is_read_as_it_is_found_in_the_wild() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("aligned/d1");
        std::fs::create_dir_all(&folder).unwrap();
        for name in ["001_frontal.jpg", "001_cam1_1.JPG", "002_cam2_3.jpg"] {
            std::fs::write(folder.join(name), "").unwrap();
        }
        let text = "# comment\r\n\r\nD1/001_cam1_1 1 2 3 4 5 6 7 8\r\n002_cam2_3\t1\t2\t3\t4\t5\t6\t7\t8\r\n\
                    d1/001_frontal\t1\t2\t3\t4\t5\t6\t7\t8\r\nd1/003_cam6_1\t1\t2\t3\t4\t5\t6\t7\t8";
        std::fs::write(root.path().join("all.txt"), text).unwrap();
        let request = Request::new(root.path());
        let list = list(&request).unwrap();
        let paths: Vec<&str> = list.images.iter().map(|image| &*image.path).collect();
        let expected = [
            "aligned/d1/001_cam1_1.JPG",
            "aligned/d1/002_cam2_3.jpg",
            "aligned/d1/001_frontal.jpg",
        ];
        assert_eq!(paths, expected);
    }
}
