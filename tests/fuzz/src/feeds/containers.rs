//! RecordIO and its index, verification pickles, wheels and shared libraries.

use super::{Fed, empty, parted, put, scratch, told};
use qgface_data::datasets::{ImageRecords, RecFiles, Request, find};
use qgface_data::recordio::{Header, Index, IndexWriter, IndexedReader, Reader, Writer};
use qgface_data::runtime::{Build, check_library, unpack};

/// A `.rec` read from the front: what was read and is written again reads the same.
pub(super) fn recordio(bytes: &[u8]) -> Fed {
    let reader = Reader::open(&put("a.rec", bytes)).map_err(told)?;
    let mut writer = Writer::new(Vec::new());
    let mut found = Vec::new();
    for record in reader.records() {
        let record = record.map_err(told)?;
        assert!(record.end <= bytes.len() as u64 && record.offset < record.end);
        let parts = reader.parts_at(record.offset).map_err(told)?;
        assert!(!parts.is_empty());
        let _ = record.image();
        writer.append_raw(&record.bytes).map_err(told)?;
        found.push(record.bytes.into_owned());
    }
    let again = Reader::open(&put("b.rec", &writer.into_inner())).map_err(told)?;
    let read: Vec<_> = again.records().map(|record| record.unwrap().bytes.into_owned()).collect();
    assert_eq!(read, found);
    Ok(())
}

/// An index: every key is found where it stands, and what is written again is the file.
pub(super) fn index(bytes: &[u8]) -> Fed {
    let index = Index::read(bytes).map_err(told)?;
    let mut writer = IndexWriter::new(Vec::new());
    for at in 0..index.len() {
        let (key, offset) = (index.key(at).unwrap(), index.offset(at).unwrap());
        assert_eq!(index.position(key), Some(at));
        writer.append(key, offset).unwrap();
    }
    assert!(index.memory_bytes() <= 64 * (bytes.len() as u64 + 64));
    assert_eq!(Index::read(&writer.into_inner()[..]).unwrap().offsets(), index.offsets());
    Ok(())
}

/// A record's header: what is parsed is written as the same bytes.
pub(super) fn header(bytes: &[u8]) -> Fed {
    let (header, payload) = Header::parse(bytes, 0).map_err(told)?;
    let again = [&header.to_bytes(), payload].concat();
    let (second, rest) = Header::parse(&again, 0).map_err(told)?;
    assert!(
        second.label.same_bits(&header.label) && (second.id, second.id2) == (header.id, header.id2)
    );
    assert_eq!(rest, payload);
    assert_eq!(again.len(), bytes.len());
    Ok(())
}

/// The mark between a `.idx` and its `.rec` in the bytes that are fed.
const THEN: &[u8] = b"\n--\n";

/// An index and its records, opened together and listed as a set.
pub(super) fn pack(bytes: &[u8]) -> Fed {
    let (idx, rec) = parted(bytes, THEN);
    put("p.idx", &[idx, b"\n"].concat());
    let files = RecFiles::of(&put("p.rec", rec));
    let opened = IndexedReader::open(&files.rec, &files.idx).map_err(told)?;
    let _ = ImageRecords::of(&opened).map_err(told)?;
    let set = find("rec").unwrap();
    let list = set.list(&Request::new(&files.rec)).map_err(told)?;
    for at in 0..list.images.len() {
        list.bytes(at).map_err(told)?;
    }
    Ok(())
}

/// A verification pickle: every picture of it lies in the file.
pub(super) fn pickle(bytes: &[u8]) -> Fed {
    let path = put("a.bin", bytes);
    let set = find("bin").unwrap();
    let list = set.list(&Request::new(&path)).map_err(told)?;
    assert_eq!(list.pairs.len() * 2, list.images.len());
    let mut all = 0;
    for at in 0..list.images.len().min(64) {
        let picture = list.bytes(at).map_err(told)?;
        assert!(picture.len() <= bytes.len());
        all += picture.len();
    }
    assert!(all <= 64 * bytes.len());
    Ok(())
}

/// A wheel; nothing of it stays outside of the folder.
pub(super) fn wheel(bytes: &[u8]) -> Fed {
    let path = put("a.whl", bytes);
    let before = std::fs::read_dir(scratch()).unwrap().count();
    let folder = empty("wheel");
    let unpacked = unpack(Build::Cpu, &path, &folder).map_err(told);
    assert!(std::fs::read_dir(scratch()).unwrap().count() <= before + 1);
    unpacked
}

/// The file of a shared library.
pub(super) fn library(bytes: &[u8]) -> Fed {
    check_library(&put("a.so", bytes)).map_err(told)
}
