//! Lists, tables and protocol files of the data sets and of packs.

use super::{Fed, parted, put, put_once, scratch, told};
use qgface_data::datasets::{
    DATASETS, FacesFile, Image, Protocol, Request, find, ijb_meta, read_list, read_pairs,
};
use qgface_data::pack::{RowReader, RowWriter};
use std::path::Path;

/// An im2rec, face2rec2 or CVLface list: keys are different, and no path leads out of its root.
pub(super) fn list(bytes: &[u8]) -> Fed {
    let path = put("a.lst", bytes);
    let images = read_list(&path, Path::new("root")).map_err(told)?;
    let keys: std::collections::HashSet<_> = images.iter().map(|image| image.key).collect();
    assert_eq!(keys.len(), images.len());
    for image in &images {
        assert!(!image.path.split('/').any(|part| part == ".."), "{}", image.path);
        assert!(!image.path.starts_with('/'), "{}", image.path);
    }
    Ok(())
}

/// A csv of landmarks: every image that gets some gets four or five finite points.
pub(super) fn landmarks(bytes: &[u8]) -> Fed {
    let root = put_once("lm/all.txt", b"001_frontal\t1\t2\t3\t4\t5\t6\t7\t8\n");
    put_once("lm/aligned/001_frontal.jpg", b"");
    let set = find("scface").unwrap();
    let mut list = set.list(&Request::new(root.parent().unwrap())).map_err(told)?;
    list.images = vec![Image::at("a.jpg"), Image::at("b.jpg")];
    set.take_landmarks(&mut list, &put("a.csv", bytes)).map_err(told)?;
    for image in &list.images {
        let points = &image.landmarks.as_ref().unwrap().points;
        assert!((4..=5).contains(&points.len()));
        assert!(points.iter().all(|(x, y)| x.is_finite() && y.is_finite()));
    }
    Ok(())
}

/// The three protocol files of IJB-B and IJB-C.
pub(super) fn ijb_meta(bytes: &[u8]) -> Fed {
    let pairs = ijb_meta::template_pair_label(bytes).map_err(told);
    if let Ok(pairs) = &pairs {
        assert_eq!(pairs.templates.len(), pairs.same.len());
    }
    let faces = ijb_meta::face_tid_mid(bytes).map_err(told);
    if let Ok(faces) = &faces {
        assert!(
            faces.names.len() == faces.templates.len() && faces.names.len() == faces.media.len()
        );
    }
    let subjects = ijb_meta::template_subjects(bytes).map_err(told);
    pairs.map(drop).or(faces.map(drop)).or(subjects.map(drop))
}

/// The faces' list of IJB-B: each name once, five points and a score.
pub(super) fn faces(bytes: &[u8]) -> Fed {
    let edition = DATASETS.iter().find_map(|set| match set.protocol {
        Protocol::Templates(edition) => Some(edition),
        _ => None,
    });
    let read = FacesFile::read(edition.unwrap(), &put("a_name_5pts_score.txt", bytes));
    for image in read.map_err(told)?.images {
        let landmarks = image.landmarks.unwrap();
        assert!(landmarks.points.len() == 5 && landmarks.score.is_some());
    }
    Ok(())
}

/// Pairs of verification: all positions are of images.
pub(super) fn pairs(bytes: &[u8]) -> Fed {
    let pairs = read_pairs(&put("a.pairs.txt", bytes), 100).map_err(told)?;
    assert_eq!(pairs.positions.len(), pairs.same.len());
    assert!(pairs.positions.iter().flatten().all(|position| *position < 100));
    Ok(())
}

/// `records.csv`: rows that are written again read the same.
pub(super) fn records(bytes: &[u8]) -> Fed {
    let mut reader = RowReader::read(bytes, Path::new("a.records.csv")).map_err(told)?;
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row() {
        let row = row.map_err(told)?;
        assert!(row.list_line().ends_with('\n'));
        rows.push(row);
    }
    let mut writer = RowWriter::new(true).unwrap();
    for row in &rows {
        writer.append(row).unwrap();
    }
    let text = writer.take().unwrap();
    let mut again = RowReader::read(&text[..], Path::new("again")).map_err(told)?;
    for row in &rows {
        let read = again.next_row().unwrap().map_err(told)?;
        // A label that is no number equals nothing, so rows are compared as text.
        let without = |row: &qgface_data::pack::Row| {
            let landmarks = row.landmarks.clone().filter(|own| !own.points.is_empty());
            format!("{:?}", qgface_data::pack::Row { landmarks, ..row.clone() })
        };
        assert_eq!(without(&read), without(row));
    }
    Ok(())
}

/// TinyFace's protocol file, beside a tree of one image.
pub(super) fn mat(bytes: &[u8]) -> Fed {
    put_once("tf/aligned_pad_0.1_pad_high/Probe/1_1.jpg", b"");
    put("tf/tinyface/Testing_Set/probe_img_ID_pairs.mat", bytes);
    let list = find("tinyface").unwrap().list(&Request::new(&scratch().join("tf")));
    assert_eq!(list.map_err(told)?.images.len(), 1);
    Ok(())
}

/// SCface's `all.txt`, beside a tree of one image.
pub(super) fn scface(bytes: &[u8]) -> Fed {
    put_once("sc/aligned/001_frontal.jpg", b"");
    put("sc/all.txt", bytes);
    let list = find("scface").unwrap().list(&Request::new(&scratch().join("sc"))).map_err(told)?;
    for image in list.images {
        assert_eq!(image.landmarks.unwrap().points.len(), 4);
    }
    Ok(())
}

/// Names of images, one a line, as every set reads identities and parts of its protocol from them; before
/// the first empty line a label function.
pub(super) fn names(bytes: &[u8]) -> Fed {
    let (function, names) = parted(bytes, b"\n\n");
    let text = std::str::from_utf8(names).map_err(told)?;
    let names: Vec<&str> = text.lines().collect();
    let mut said = Ok(());
    for set in DATASETS {
        if let Some(rule) = &set.identity {
            names.iter().for_each(|name| _ = (rule.of)(name));
        }
        if let Protocol::Identification(parts) = set.protocol {
            match parts(&names) {
                Ok(parts) => {
                    let probes = parts.probes.iter().map(|probes| probes.members.len());
                    let all = parts.gallery.len() + probes.sum::<usize>();
                    assert_eq!(all as u64 + parts.left_out, names.len() as u64);
                }
                Err(error) => said = Err(told(error)),
            }
        }
    }
    let function = std::str::from_utf8(function).map_err(told)?;
    if let Ok(function) = function.parse() {
        let set = find("folder").unwrap();
        put_once("nm/0/a.jpg", b"");
        let mut list = set.list(&Request::new(&scratch().join("nm"))).map_err(told)?;
        list.images = names.iter().map(|name| Image::at(*name)).collect();
        match set.labels(&list, &function) {
            Ok(labels) => assert_eq!(labels.len(), names.len()),
            Err(error) => said = Err(told(error)),
        }
    }
    said
}
