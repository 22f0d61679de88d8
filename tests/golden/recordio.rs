//! mxnet's RecordIO: every record read and written again, every damaged file refused.

use super::Topic;
use super::manifest::{Json, array, bytes_of_npy, entries, number, number_array, sha256, text};
use qgface_data::image::decode::decode;
use qgface_data::recordio::{Header, IndexWriter, IndexedReader, Reader, Writer};
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "recordio", cases, run };

fn cases(manifest: &Json) -> usize {
    let records: usize =
        entries(manifest, "files").map(|(_, file)| array(file, "records").len() + 1).sum();
    let images = entries(manifest, "files").filter(|(_, file)| file.get("images_rgb").is_some());
    let images: u64 = images.map(|(_, file)| image_keys(file).count() as u64).sum();
    records + images as usize + entries(manifest, "damaged").count()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let mut ran = 0;
    for (name, file) in entries(manifest, "files") {
        ran += sound(folder, name, file);
    }
    for (name, damage) in entries(manifest, "damaged") {
        damaged(folder, name, damage, &manifest["files"]["damaged/base"]);
        ran += 1;
    }
    ran
}

/// Reads all records from the front and by key, and writes the same files from them.
fn sound(folder: &Path, name: &str, file: &Json) -> usize {
    let rec = folder.join(format!("{name}.rec"));
    let reader = Reader::open(&rec).unwrap();
    assert_eq!(sha256(reader.bytes()), text(file, "rec_sha256"), "{name}");
    let mut writer = Writer::new(Vec::new());
    let records = array(file, "records");
    let mut read = reader.records();
    for (i, expected) in records.iter().enumerate() {
        let record = read.next().unwrap_or_else(|| panic!("{name}: record {i} is lost")).unwrap();
        assert_eq!(record.offset, number(expected, "offset"), "{name} {i}");
        assert_eq!(record.bytes.len() as u64, number(expected, "raw_bytes"), "{name} {i}");
        assert_eq!(sha256(&record.bytes), text(expected, "raw_sha256"), "{name} {i}");
        let parts = reader.parts_at(record.offset).unwrap();
        let parts: Vec<_> = parts.iter().map(|part| (u64::from(part.flag), part.length)).collect();
        let stated: Vec<_> = array(expected, "parts")
            .iter()
            .map(|part| (number(part, "cflag"), number(part, "length")))
            .collect();
        assert_eq!(parts, stated, "{name} {i}");
        if expected.get("flag").is_some() {
            header(name, i, &record.bytes, expected);
        }
        assert_eq!(writer.append_raw(&record.bytes).unwrap(), record.offset);
    }
    assert!(read.next().is_none(), "{name}: more records than mxnet reads");
    assert_eq!(sha256(&writer.into_inner()), text(file, "rec_sha256"), "{name} written");
    if file.get("idx_sha256").is_some() {
        index(folder, name, file);
    }
    records.len() + 1 + images(folder, name, file)
}

fn header(name: &str, i: usize, record: &[u8], expected: &Json) {
    let (header, payload) = Header::parse(record, 0).unwrap();
    assert_eq!(u64::from(header.flag()), number(expected, "flag"), "{name} {i}");
    let bits = number_array(expected, "label_bits");
    let own: Vec<u64> = header.label.values().iter().map(|x| u64::from(x.to_bits())).collect();
    assert_eq!(own, bits, "{name} {i}");
    assert_eq!(header.id.to_string(), text(expected, "id"), "{name} {i}");
    assert_eq!(header.id2.to_string(), text(expected, "id2"), "{name} {i}");
    assert_eq!(sha256(payload), text(expected, "payload_sha256"), "{name} {i}");
    assert_eq!([&header.to_bytes(), payload].concat(), record, "{name} {i} written");
}

fn index(folder: &Path, name: &str, file: &Json) {
    let idx = folder.join(format!("{name}.idx"));
    let pack = IndexedReader::open(&folder.join(format!("{name}.rec")), &idx).unwrap();
    let mut writer = IndexWriter::new(Vec::new());
    for (position, key) in array(file, "keys_in_idx_order").iter().enumerate() {
        let key: u64 = key.as_u64().or_else(|| key.as_str()?.parse().ok()).unwrap();
        assert_eq!(pack.index().key(position), Some(key), "{name}");
        let record = pack.get_key(key).unwrap();
        let expected = &array(file, "records")[position];
        assert_eq!(sha256(&record.bytes), text(expected, "raw_sha256"), "{name} key {key}");
        writer.append(key, record.offset).unwrap();
    }
    let written = writer.into_inner();
    assert_eq!(written, std::fs::read(&idx).unwrap(), "{name} index written");
    assert_eq!(sha256(&written), text(file, "idx_sha256"), "{name}");
}

fn image_keys(file: &Json) -> std::ops::Range<u64> {
    let range = number_array(file, "image_keys");
    range[0]..range[1]
}

/// Decodes the pictures of the InsightFace pack.
fn images(folder: &Path, name: &str, file: &Json) -> usize {
    if file.get("images_rgb").is_none() {
        return 0;
    }
    let rec = folder.join(format!("{name}.rec"));
    let pack = IndexedReader::open(&rec, &rec.with_extension("idx")).unwrap();
    let (shape, expected) = bytes_of_npy(&rec.with_file_name("images_rgb.npy"));
    let size = (shape[1] * shape[2] * shape[3]) as usize;
    for (key, expected) in image_keys(file).zip(expected.chunks_exact(size)) {
        let record = pack.get_key(key).unwrap();
        let pixels = decode(record.image().unwrap().1).unwrap();
        assert!(pixels.data == expected, "{name} key {key}: other pixels than mxnet");
    }
    assert_eq!(shape[0], image_keys(file).count() as u64);
    shape[0] as usize
}

/// Every damaged variant is an error that names a byte, in one of the two ways to read, and what comes
/// back before it is what mxnet returns.
fn damaged(folder: &Path, name: &str, damage: &Json, base: &Json) {
    let path = |ending: &str| folder.join(format!("damaged/{name}.{ending}"));
    let sequential = match Reader::open(&path("rec")) {
        Err(error) => Err(error),
        Ok(reader) => reader.records().enumerate().try_for_each(|(i, record)| {
            let record = record.and_then(|record| record.image().map(|_| record.clone()))?;
            same_as_mxnet(name, i, &record.bytes, &damage["sequential"], base);
            Ok(())
        }),
    };
    let indexed = IndexedReader::open(&path("rec"), &path("idx")).and_then(|pack| {
        (0..pack.index().len()).try_for_each(|position| pack.get(position)?.image().map(|_| ()))
    });
    let errors: Vec<String> =
        [sequential, indexed].into_iter().filter_map(Result::err).map(chain).collect();
    assert!(!errors.is_empty(), "{name}: read without an error");
    assert!(errors.iter().all(|error| error.contains("byte ")), "{name}: no byte in {errors:?}");
}

fn same_as_mxnet(name: &str, i: usize, record: &[u8], sequential: &Json, base: &Json) {
    let expected = if sequential == "as base" {
        text(&array(base, "records")[i], "raw_sha256")
    } else {
        text(&array(sequential, "events")[i], "raw_sha256")
    };
    assert_eq!(sha256(record), expected, "{name} record {i}");
}

fn chain(error: qgface_data::recordio::Error) -> String {
    let cause =
        std::error::Error::source(&error).map_or(String::new(), |cause| format!(": {cause}"));
    format!("{error}{cause}")
}
