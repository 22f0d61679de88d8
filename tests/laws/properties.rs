//! Laws that hold for any input.

use proptest::prelude::*;
use qgface_data::datasets::find;
use qgface_data::pack::{self, PackFiles, Part, Recipe, make_rec};
use qgface_data::recordio::{Header, Index, IndexWriter, Label, MAGIC, Reader, Writer};
use std::io::Write;
use std::path::Path;

/// Bytes in which the magic word is frequent.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 0..9),
        2 => Just(MAGIC.to_le_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn header() -> impl Strategy<Value = Header> {
    let number = || (-1e6f32..1e6).prop_map(f32::trunc);
    let label = prop_oneof![
        number().prop_map(Label::Scalar),
        prop::collection::vec(number(), 1..5).prop_map(Label::Vector),
    ];
    (label, any::<u64>(), any::<u64>()).prop_map(|(label, id, id2)| Header { label, id, id2 })
}

proptest! {
    #[test]
    fn records_come_back_as_they_were_written(
        records in prop::collection::vec((header(), payload()), 1..20),
    ) {
        let mut writer = Writer::new(Vec::new());
        for (header, payload) in &records {
            writer.append(header, payload).unwrap();
        }
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&writer.into_inner()).unwrap();
        let reader = Reader::open(file.path()).unwrap();
        for (record, (header, payload)) in reader.records().zip(&records) {
            let record = record.unwrap();
            let (own, bytes) = record.image().unwrap();
            prop_assert_eq!(&own, header);
            prop_assert_eq!(bytes, &payload[..]);
        }
        prop_assert_eq!(reader.records().count(), records.len());
    }

    #[test]
    fn an_index_comes_back_as_it_was_written(
        entries in prop::collection::btree_map(any::<u64>(), any::<u64>(), 1..50),
    ) {
        let mut writer = IndexWriter::new(Vec::new());
        for (key, offset) in entries.iter().rev() {
            writer.append(*key, *offset).unwrap();
        }
        let index = Index::read(&writer.into_inner()[..]).unwrap();
        for (position, (key, offset)) in entries.iter().rev().enumerate() {
            prop_assert_eq!(index.key(position), Some(*key));
            prop_assert_eq!(index.position(*key), Some(position));
            prop_assert_eq!(index.offset(position), Some(*offset));
        }
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in payload(), index in ".{0,40}") {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        if let Ok(reader) = Reader::open(file.path()) {
            reader.records().flatten().for_each(|record| _ = record.image());
        }
        let _ = Index::read(index.as_bytes());
        let _ = qgface_data::image::probe::probe(&bytes);
    }
}

/// A small PNG of one colour.
fn picture(shade: u8) -> Vec<u8> {
    use qgface_data::image::{ChannelOrder, Pixels, encode};
    let data = vec![shade; 4 * 4 * 3];
    encode::png(&Pixels { width: 4, height: 4, order: ChannelOrder::Rgb, data }).unwrap()
}

fn packed(root: &Path, jobs: usize) -> Vec<Vec<u8>> {
    let out = tempfile::tempdir().unwrap();
    let files = PackFiles::new(out.path(), "p").unwrap();
    let root = root.to_path_buf();
    let recipe = Recipe::new(find("folder").unwrap(), root);
    let options = pack::Options { jobs, ..pack::Options::new(files) };
    make_rec(recipe, &options, &()).unwrap();
    Part::ALL.iter().map(|part| std::fs::read(options.files.path(*part)).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_pack_depends_on_neither_threads_nor_the_order_files_were_made_in(
        names in prop::collection::btree_set("[a-c]/[A-Za-z0-9 _,\"-]{1,6}", 1..30)
            .prop_shuffle_pair(),
        jobs in 1usize..9,
    ) {
        let (sorted, shuffled) = names;
        let roots = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        for (root, names) in roots.iter().zip([&sorted, &shuffled]) {
            for name in names {
                let path = root.path().join(format!("{name}.png"));
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, picture(name.len() as u8)).unwrap();
            }
        }
        prop_assert_eq!(packed(roots[0].path(), 1), packed(roots[1].path(), jobs));
    }
}

/// A set of names in order, and the same names in any order.
trait ShufflePair {
    fn prop_shuffle_pair(self) -> BoxedStrategy<(Vec<String>, Vec<String>)>;
}

impl<S: Strategy<Value = std::collections::BTreeSet<String>> + 'static> ShufflePair for S {
    fn prop_shuffle_pair(self) -> BoxedStrategy<(Vec<String>, Vec<String>)> {
        self.prop_flat_map(|names| {
            let sorted: Vec<String> = names.into_iter().collect();
            (Just(sorted.clone()), Just(sorted).prop_shuffle())
        })
        .boxed()
    }
}
