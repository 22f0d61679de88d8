//! Opening, parsing and writing a whole model.

use super::proto::{Entry, Graph, Location, Model, Tensor};
use super::wire::{Damage, Fields, memory};
use super::{Error, Summary};
use prost::Message;
use prost::bytes::Bytes;
use qgface_fs as fs;
use std::path::{Path, PathBuf};

/// Memory for messages that any file may ask for, and per byte of the file: a real graph without
/// its weights takes some twelve bytes for one of the file.
const MEMORY: u64 = 1 << 20;
const MEMORY_PER_BYTE: u64 = 32;

/// Numbers of fields that this code speaks of by name.
const IR_VERSION: u32 = 1;
const GRAPH: u32 = 7;

/// The file as bytes that the tensors can borrow.
struct Whole(fs::Mapped);

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Model {
    /// Opens the model at `path`; the numbers of its tensors stay in the mapped file, which must
    /// not be shortened while the model is alive.
    ///
    /// # Errors
    /// A file that cannot be read, that is empty, cut short or damaged, or no ONNX model at all.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = fs::map(path)?;
        Self::parse(Bytes::from_owner(Whole(file)), path)
    }

    /// Parses the bytes of a model; `path` is what errors call it.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn parse(bytes: Bytes, path: &Path) -> Result<Self, Error> {
        check_frame(&bytes, path)?;
        let model = Self::decode(bytes);
        model.map_err(|source| Error::Damaged { path: path.to_path_buf(), source })
    }

    /// The bytes of the model's file.
    ///
    /// # Errors
    /// [`Error::TooLarge`]: weights of 2 GiB and more must be external data. `path` is what it
    /// names.
    pub fn to_bytes(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let length = self.encoded_len() as u64;
        if length > MAX_BYTES {
            return Err(Error::TooLarge { path: path.to_path_buf(), length });
        }
        Ok(self.encode_to_vec())
    }

    /// Writes the model to `path`, whole or not at all; one that the format has no room for with
    /// its weights in a file beside it.
    ///
    /// # Errors
    /// Whatever the system refuses with.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        self.save_within(path, MAX_BYTES)
    }

    /// The same with another bound in bytes. The file of weights bears their digest in its name, so
    /// that at any moment a model and the weights that it names belong together; the weights of a
    /// model that is replaced are removed last.
    ///
    /// # Errors
    /// As [`Model::save`], and [`Error::TooLarge`] where even the rest exceeds the format.
    pub fn save_within(&self, path: &Path, bound: u64) -> Result<(), Error> {
        let replaced = Self::open(path).map(|old| weights_beside(&old, path)).unwrap_or_default();
        if self.encoded_len() as u64 <= bound {
            fs::write_whole(path, &self.to_bytes(path)?)?;
        } else {
            let mut rest = self.clone();
            rest.move_weights_beside(path)?;
            fs::write_whole(path, &rest.to_bytes(path)?)?;
        }
        let kept = Self::open(path).map(|new| weights_beside(&new, path)).unwrap_or_default();
        for file in replaced.iter().filter(|file| !kept.contains(file)) {
            // What stays is of no use and no harm.
            _ = std::fs::remove_file(file);
        }
        Ok(())
    }

    fn move_weights_beside(&mut self, path: &Path) -> Result<(), Error> {
        let weights = self.graph.iter_mut().flat_map(|graph| &mut graph.initializer);
        let weights: Vec<&mut Tensor> =
            weights.filter(|tensor| tensor.raw_data.len() >= SMALL).collect();
        let mut hasher = blake3::Hasher::new();
        weights.iter().for_each(|tensor| _ = hasher.update(&tensor.raw_data));
        let digest = hasher.finalize().to_hex();
        let stem = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let file = format!("{}.{}{DATA}", stem.unwrap_or_default(), &digest[..16]);
        let parts: Vec<Bytes> = weights.iter().map(|tensor| tensor.raw_data.clone()).collect();
        fs::write_parts(&path.with_file_name(&file), &parts)?;
        let mut offset = 0;
        for tensor in weights {
            let length = std::mem::take(&mut tensor.raw_data).len();
            let facts = [
                ("location", file.clone()),
                ("offset", offset.to_string()),
                ("length", length.to_string()),
            ];
            let entry = |(key, value): (&str, String)| Entry { key: key.to_owned(), value };
            tensor.external_data = facts.map(entry).into();
            tensor.data_location = Location::External as i32;
            offset += length;
        }
        Ok(())
    }

    /// What the model says of itself.
    pub fn summary(&self) -> Summary {
        Summary::of(self)
    }

    /// The graph; an empty one where the model has none.
    pub fn graph(&self) -> &Graph {
        static NONE: Graph = Graph {
            node: Vec::new(),
            name: String::new(),
            initializer: Vec::new(),
            doc_string: String::new(),
            input: Vec::new(),
            output: Vec::new(),
            value_info: Vec::new(),
            sparse_initializer: Vec::new(),
            metadata_props: Vec::new(),
        };
        self.graph.as_ref().unwrap_or(&NONE)
    }
}

/// The largest message of a protocol buffer.
const MAX_BYTES: u64 = i32::MAX as u64;

/// Weights below this many bytes stay in the model.
const SMALL: usize = 1024;

/// How the name of a file of weights ends.
const DATA: &str = ".data";

/// The files of weights beside the model at `path` that [`Model::save_within`] could have written.
fn weights_beside(model: &Model, path: &Path) -> Vec<PathBuf> {
    let stem = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let own = |name: &&str| {
        let rest = name.strip_prefix(&stem).and_then(|rest| rest.strip_prefix('.'));
        rest.and_then(|rest| rest.strip_suffix(DATA)).is_some_and(|digest| {
            digest.len() == 16 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    };
    model.external_files().into_iter().filter(own).map(|name| path.with_file_name(name)).collect()
}

/// Refuses what is not the frame of a model, before anything is decoded.
fn check_frame(bytes: &[u8], path: &Path) -> Result<(), Error> {
    let path = || path.to_path_buf();
    let length = bytes.len() as u64;
    if length == 0 {
        return Err(Error::Empty { path: path() });
    }
    if length > MAX_BYTES {
        return Err(Error::TooLarge { path: path(), length });
    }
    let (mut version, mut graph) = (false, false);
    for field in Fields::new(bytes) {
        match field {
            Ok(field) => {
                version |= field.number == IR_VERSION && field.bytes.is_none();
                graph |= field.number == GRAPH && field.bytes.is_some();
            }
            // Bytes of any format begin some field; only after a version is it a model's.
            Err(Damage::Truncated { offset, number, expected, found }) if version => {
                let field =
                    if number == GRAPH { "the graph".into() } else { format!("field {number}") };
                let (offset, found) = (offset as u64, found as u64);
                return Err(Error::Truncated { path: path(), offset, field, expected, found });
            }
            Err(Damage::Truncated { offset, expected, found, .. }) => {
                let found = format!("a field of {expected} bytes where {found} are left");
                let expected = "the fields of a model, its version first";
                return Err(Error::NotOnnx {
                    path: path(),
                    offset: offset as u64,
                    expected,
                    found,
                });
            }
            Err(Damage::Malformed { offset, expected, found }) => {
                return Err(Error::NotOnnx {
                    path: path(),
                    offset: offset as u64,
                    expected,
                    found,
                });
            }
        }
    }
    if !version || !graph {
        let expected = if version { "a graph" } else { "a version of the format (field 1)" };
        let found = "the end of the file".to_owned();
        return Err(Error::NotOnnx { path: path(), offset: length, expected, found });
    }
    let limit = MEMORY.saturating_add(length.saturating_mul(MEMORY_PER_BYTE));
    if memory(bytes) > limit {
        return Err(Error::Bloated { path: path(), length, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::proto::{Node, OperatorSet};
    use super::*;

    fn parse(bytes: &[u8]) -> Result<Model, Error> {
        Model::parse(Bytes::copy_from_slice(bytes), Path::new("m.onnx"))
    }

    fn small() -> Model {
        let node = Node {
            input: vec!["x".into()],
            output: vec!["y".into()],
            op_type: "Relu".into(),
            ..Node::default()
        };
        Model {
            ir_version: 10,
            graph: Some(Graph { name: "g".into(), node: vec![node], ..Graph::default() }),
            opset_import: vec![OperatorSet { domain: String::new(), version: 20 }],
            ..Model::default()
        }
    }

    #[test]
    fn a_written_model_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.onnx");
        small().save(&path).unwrap();
        assert_eq!(Model::open(&path).unwrap(), small());
    }

    #[test]
    fn every_shortened_model_is_an_error_and_none_panics() {
        let bytes = small().encode_to_vec();
        for length in 0..bytes.len() {
            let parsed = parse(&bytes[..length]);
            // A cut at the end of the graph leaves a model without its operator sets.
            let whole = parsed.as_ref().is_ok_and(|model| model.opset_import.is_empty());
            assert!(parsed.is_err() || whole, "{length}: {parsed:?}");
        }
        assert!(matches!(parse(&bytes[..12]), Err(Error::Truncated { .. })));
        assert!(matches!(parse(b""), Err(Error::Empty { .. })));
    }

    #[test]
    fn every_changed_byte_is_read_or_refused_without_a_panic() {
        let bytes = small().encode_to_vec();
        for at in 0..bytes.len() {
            for value in 0..=255 {
                let mut changed = bytes.clone();
                changed[at] = value;
                _ = parse(&changed).map(|model| model.summary());
            }
        }
    }

    #[test]
    fn pictures_and_texts_are_no_models() {
        for bytes in
            [&b"\xff\xd8\xff\xe0\0\x10JFIF"[..], b"hello, world\n", b"PK\x03\x04", b"\x89PNG"]
        {
            let error = parse(bytes).unwrap_err();
            assert!(matches!(error, Error::NotOnnx { .. }), "{error}");
        }
    }

    #[test]
    fn a_million_empty_nodes_are_refused_before_they_take_memory() {
        let graph = b"\x0a\x00".repeat(1 << 20);
        let mut bytes = vec![0x08, 0x0a, 0x3a];
        prost::encoding::encode_varint(graph.len() as u64, &mut bytes);
        bytes.extend(graph);
        assert!(matches!(parse(&bytes), Err(Error::Bloated { .. })));
    }
}
