//! Pictures and packs that tests make without the code under test.

use qgface_data::image::{ChannelOrder, Pixels, encode};
use qgface_data::recordio::{Header, IndexWriter, Label, Writer};
use qgface_data::seed::Seed;
use std::path::Path;

/// A picture of soft coloured spots, another for every number, in the JPEG of `quality`.
pub(crate) fn spots(number: u64, edge_px: u32, quality: u8) -> Vec<u8> {
    encode::jpeg(&spot_pixels(number, edge_px), quality).unwrap()
}

/// The pixels of [`spots`].
pub(crate) fn spot_pixels(number: u64, edge_px: u32) -> Pixels {
    let mut stream = Seed::new(number).stream("spots");
    let spots: Vec<[f64; 6]> =
        (0..5).map(|_| std::array::from_fn(|_| stream.uniform(0.0, 1.0))).collect();
    let edge = f64::from(edge_px);
    let value = |x: u32, y: u32, channel: usize| -> u8 {
        let (x, y) = (f64::from(x) / edge, f64::from(y) / edge);
        let light = |spot: &[f64; 6]| {
            let near =
                1.0 - ((x - spot[0]).powi(2) + (y - spot[1]).powi(2)) * (2.0 + 4.0 * spot[2]);
            spot[3 + channel] * near.max(0.0)
        };
        (spots.iter().map(light).sum::<f64>() * 110.0).min(255.0) as u8
    };
    let pixels = (0..edge_px).flat_map(|y| (0..edge_px).map(move |x| (x, y)));
    let data = pixels.flat_map(|(x, y)| [0, 1, 2].map(|channel| value(x, y, channel))).collect();
    Pixels { width: edge_px, height: edge_px, order: ChannelOrder::Rgb, data }
}

/// The picture with red and blue exchanged, still called RGB.
pub(crate) fn exchanged(pixels: Pixels) -> Pixels {
    Pixels { order: ChannelOrder::Rgb, ..pixels.into_order(ChannelOrder::Bgr) }
}

/// A tree of `count` pictures of spots in folders of five.
pub(crate) fn spot_tree(root: &Path, count: u64) {
    for number in 0..count {
        let folder = root.join(format!("{:03}", number / 5));
        std::fs::create_dir_all(&folder).unwrap();
        let edge = if number % 3 == 0 { 40 } else { 32 };
        std::fs::write(folder.join(format!("{number:04}.jpg")), spots(number, edge, 90)).unwrap();
    }
}

/// A record: key, header and payload.
pub(crate) type Record = (u64, Header, Vec<u8>);

/// An image record whose id is its key.
pub(crate) fn image(key: u64, label: f32, payload: Vec<u8>) -> Record {
    (key, Header { label: Label::Scalar(label), id: key, id2: 0 }, payload)
}

/// Writes a pack of these records, in this order, as another program would: `.rec` and `.idx` alone.
pub(crate) fn foreign_pack(stem: &Path, records: &[Record]) {
    let (mut rec, mut idx) = (Writer::new(Vec::new()), IndexWriter::new(Vec::new()));
    for (key, header, payload) in records {
        idx.append(*key, rec.append(header, payload).unwrap()).unwrap();
    }
    std::fs::create_dir_all(stem.parent().unwrap()).unwrap();
    std::fs::write(stem.with_extension("rec"), rec.into_inner()).unwrap();
    std::fs::write(stem.with_extension("idx"), idx.into_inner()).unwrap();
}
