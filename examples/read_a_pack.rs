//! Reads pictures of a pack in any order, each held against its digest:
//! `cargo run --release --example read_a_pack -- demo/packs/tinyface`.

use qgface_data::image::decode::decode;
use qgface_data::pack::{PackFiles, Store};
use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a pack")?;
    for line in read(Path::new(&path))? {
        println!("{line}");
    }
    Ok(())
}

/// The last three pictures of a pack, the last one first.
fn read(path: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    // Opening proves the order; every picture is proved when it is read.
    let pack = Store::open(&PackFiles::of(path)?)?;
    let mut lines = Vec::new();
    for position in (0..pack.len()).rev().take(3) {
        let pixels = decode(&pack.bytes(position)?)?;
        let (name, label) = (pack.name(position), pack.label(position));
        lines.push(format!("{name}: label {label}, {}x{} pixels", pixels.width, pixels.height));
    }
    Ok(lines)
}

#[test]
fn the_last_pictures_come_first() {
    use qgface_data::datasets;
    use qgface_data::pack::{Options, Recipe, make_rec};
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden/make_rec/folder_root");
    let folder = tempfile::tempdir().unwrap();
    let files = PackFiles::new(folder.path(), "p").unwrap();
    let recipe = Recipe::new(datasets::find("folder").unwrap(), root);
    make_rec(recipe, &Options::new(files.clone()), &()).unwrap();
    let lines = read(&files.path(qgface_data::pack::Part::Rec)).unwrap();
    assert_eq!(lines.len(), 3);
    let names: Vec<_> = lines.iter().filter_map(|line| line.split(": label ").next()).collect();
    assert!(names.is_sorted_by(|a, b| a > b), "{lines:?}");
}
