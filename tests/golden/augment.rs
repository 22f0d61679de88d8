//! Pillow's resizing, bit for bit: what CR-LFW and the low-quality views stand on. (The other operations
//! wait for training.)

use super::Topic;
use super::manifest::{Json, array, number_array, text};
use qgface_data::image::decode::decode;
use qgface_data::image::resize::{Filter, pillow};
use qgface_data::image::{ChannelOrder, Pixels};
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "augment", cases, run };

/// Operations that are resizing, and the filters that are built.
const OPERATIONS: [&str; 3] = ["resize_down", "resize_up", "resize_any"];
const FILTERS: [(&str, Filter); 4] = [
    ("BOX", Filter::Box),
    ("BILINEAR", Filter::Bilinear),
    ("BICUBIC", Filter::Bicubic),
    ("LANCZOS", Filter::Lanczos),
];

fn resizing(manifest: &Json) -> impl Iterator<Item = (&Json, Filter)> {
    let cases = array(manifest, "cases").iter();
    cases.filter(|case| OPERATIONS.contains(&text(case, "op"))).filter_map(|case| {
        let named = FILTERS.iter().find(|(name, _)| *name == text(case, "interpolation"));
        named.map(|(_, filter)| (case, *filter))
    })
}

fn cases(manifest: &Json) -> usize {
    resizing(manifest).count()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let picture = |path: &str| decode(&std::fs::read(folder.join(path)).unwrap()).unwrap();
    let mut ran = 0;
    for (case, filter) in resizing(manifest) {
        // What is enlarged was reduced before.
        let source = case.get("through").or(case.get("source")).and_then(Json::as_str).unwrap();
        let result = text(case, "result");
        let size = number_array(case, "size");
        let (height, width) = (size[0] as u32, size[1] as u32);
        let own = pillow(&picture(source), width, height, filter).unwrap();
        let expected: Pixels = picture(result);
        assert_eq!(own.order, ChannelOrder::Rgb);
        assert!(own == expected, "{result}: other pixels than Pillow");
        ran += 1;
    }
    ran
}
