//! Pixels of every kind of picture against mxnet's decoder, exactly.

use super::Topic;
use super::manifest::{Json, array, number_array, sha256, text};
use qgface_data::image::{ChannelOrder, decode::decode, probe::probe};
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "decode", cases, run };

fn cases(manifest: &Json) -> usize {
    array(manifest, "files").len()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    array(manifest, "files").iter().map(|file| case(folder, file)).count()
}

/// A sound picture has mxnet's pixels; one that a decoder refuses, or decodes in part, is an error.
fn case(folder: &Path, file: &Json) {
    let name = text(file, "file");
    let bytes = std::fs::read(folder.join(name)).unwrap();
    assert_eq!(sha256(&bytes), text(file, "sha256"), "{name}");
    let expected = &file["decoded"]["mx_rgb"];
    if expected.get("sha256_of_c_order_bytes").is_none() {
        assert!(decode(&bytes).is_err(), "{name}: a damaged picture was decoded");
        assert!(probe(&bytes).is_err(), "{name}: a damaged picture passed the probe");
        return;
    }
    let pixels = decode(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(pixels.order, ChannelOrder::Rgb, "{name}");
    let shape = [pixels.height, pixels.width, 3].map(u64::from);
    assert_eq!(number_array(expected, "shape"), shape, "{name}");
    assert_eq!(sha256(&pixels.data), text(expected, "sha256_of_c_order_bytes"), "{name}");
    // Orientation 1 asks for nothing.
    let asks_to_turn = name.contains("_exif_") && !name.contains("_exif_1.");
    let probe = probe(&bytes).unwrap();
    assert_eq!(probe.reoriented, asks_to_turn, "{name}");
    assert_eq!((probe.width, probe.height), (pixels.width, pixels.height), "{name}");
}
