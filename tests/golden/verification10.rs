//! InsightFace's verification pickles as Python wrote them, every protocol and every spelling of images and
//! verdicts, and the ten folds of `evaluate`.

use super::manifest::{Json, array, bytes_of_npy, entries, sha256, text};
use super::{Topic, evaluate};
use qgface_data::datasets::{ImageList, Request, find};
use qgface_data::image::decode::decode;
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "verification10", cases, run };

fn cases(manifest: &Json) -> usize {
    let bins = &manifest["bins"];
    entries(bins, "files").count() + array(bins, "payload_sha256").len() + evaluate::cases(manifest)
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let bins = &manifest["bins"];
    let same: Vec<bool> =
        array(bins, "issame").iter().map(|same| same.as_bool().unwrap()).collect();
    let payloads = array(bins, "payload_sha256");
    let mut ran = 0;
    let mut last = None;
    for (name, file) in entries(bins, "files") {
        let path = folder.join("bin").join(name);
        assert_eq!(sha256(&std::fs::read(&path).unwrap()), text(file, "sha256"), "{name}");
        let list = find("bin").unwrap().list(&Request::new(&path)).unwrap();
        assert_eq!(list.pairs, same, "{name}");
        assert_eq!(list.images.len(), payloads.len(), "{name}");
        for (at, expected) in payloads.iter().enumerate() {
            let own = sha256(&list.bytes(at).unwrap());
            assert_eq!(own, expected.as_str().unwrap(), "{name} image {at}");
        }
        last = Some(list);
        ran += 1;
    }
    ran + pictures(folder, &last.unwrap()) + evaluate::run(folder, manifest)
}

/// The pictures as mxnet decodes them.
fn pictures(folder: &Path, list: &ImageList) -> usize {
    for at in 0..list.images.len() {
        let (shape, expected) = bytes_of_npy(&folder.join(format!("bin/decoded_rgb_{at:02}.npy")));
        let own = decode(&list.bytes(at).unwrap()).unwrap();
        assert_eq!([own.height, own.width, 3].map(u64::from), shape[..], "image {at}");
        assert!(own.data == expected, "image {at}: other pixels than mxnet");
    }
    list.images.len()
}
