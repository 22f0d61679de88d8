//! Reading the oracle's manifests, hashes and arrays.

use sha2::{Digest, Sha256};
use std::path::Path;

pub(crate) type Json = serde_json::Value;

pub(crate) fn read(folder: &Path) -> Json {
    let path = folder.join("manifest.json");
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn text<'a>(value: &'a Json, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text {key} in {value}"))
}

pub(crate) fn number(value: &Json, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("no number {key} in {value}"))
}

pub(crate) fn array<'a>(value: &'a Json, key: &str) -> &'a [Json] {
    value[key].as_array().unwrap_or_else(|| panic!("no array {key} in {value}"))
}

pub(crate) fn number_array(value: &Json, key: &str) -> Vec<u64> {
    let number = |item: &Json| item.as_u64().unwrap_or_else(|| panic!("no number in {key}"));
    array(value, key).iter().map(number).collect()
}

pub(crate) fn entries<'a>(value: &'a Json, key: &str) -> impl Iterator<Item = (&'a str, &'a Json)> {
    let object = value[key].as_object().unwrap_or_else(|| panic!("no object {key}"));
    object.iter().map(|(name, value)| (name.as_str(), value))
}

/// An array of bytes and its shape.
pub(crate) fn bytes_of_npy(path: &Path) -> (Vec<u64>, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let array = npyz::NpyFile::new(&bytes[..]).unwrap();
    (array.shape().to_vec(), array.into_vec().unwrap())
}

/// An array of the type it is stored in, and its shape.
pub(crate) fn of_npy<T: npyz::Deserialize>(path: &Path) -> (Vec<usize>, Vec<T>) {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let array = npyz::NpyFile::new(&bytes[..]).unwrap();
    (array.shape().iter().map(|&size| size as usize).collect(), array.into_vec().unwrap())
}

/// An array of f32 or f64, widened.
pub(crate) fn wide_npy(path: &Path) -> Vec<f64> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let array = npyz::NpyFile::new(&bytes[..]).unwrap();
    match array.dtype().descr().contains("f8") {
        true => array.into_vec().unwrap(),
        false => array.into_vec::<f32>().unwrap().into_iter().map(f64::from).collect(),
    }
}

/// Numbers, those that are not finite too.
pub(crate) fn floats(value: &Json) -> Vec<f64> {
    let number = |value: &Json| match value["non_finite"].as_str() {
        Some(name) => name.parse().unwrap(),
        None => value.as_f64().unwrap_or(f64::NAN),
    };
    value.as_array().unwrap().iter().map(number).collect()
}

/// Whole numbers.
pub(crate) fn integers(value: &Json) -> Vec<i64> {
    value.as_array().unwrap().iter().map(|number| number.as_i64().unwrap()).collect()
}

/// Compares number by number, absolutely.
#[track_caller]
pub(crate) fn assert_near(own: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(own.len(), expected.len(), "{what}");
    for (at, (own, expected)) in own.iter().zip(expected).enumerate() {
        let near = (own - expected).abs() <= tolerance || own == expected;
        assert!(near, "{what} {at}: {own} for {expected}");
    }
}
