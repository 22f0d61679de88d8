//! Manifests, results, metrics and settings.

use super::{Fed, put, scratch, told};
use qgface_data::datasets::LabelFunction;
use qgface_data::pack::{Encoding, Manifest};
use qgface_data::report::{self, Format};
use qgface_data::settings::{Settings, rows};
use qgface_data::{eval, train};

/// A manifest as it is; and one that is JSON, sealed: that is read, and is the one that was sealed.
pub(super) fn manifest(bytes: &[u8]) -> Fed {
    let read = Manifest::read(&put("a.manifest.json", bytes)).map_err(told);
    if let Ok(mut manifest) = serde_json::from_slice::<Manifest>(bytes) {
        manifest.digest = String::new();
        manifest.digest = blake3::hash(&manifest.to_bytes()).to_string();
        let sealed = manifest.to_bytes();
        match Manifest::read(&put("b.manifest.json", &sealed)) {
            Ok(again) => assert_eq!(again.to_bytes(), sealed),
            Err(error) => {
                let text = told(error);
                assert!(text.contains("format"), "{text}");
            }
        }
    }
    read.map(drop)
}

/// A result document, and the report of it and one more in every form.
pub(super) fn results(bytes: &[u8]) -> Fed {
    let evaluation = report::read(&put("a.json", bytes)).map_err(told)?;
    let document = report::document(std::slice::from_ref(&evaluation)).map_err(told)?;
    for format in [Format::Text, Format::Markdown, Format::Csv, Format::Json, Format::Html] {
        report::render(&document, format).map_err(told)?;
    }
    let _ = report::document(&[evaluation.clone(), evaluation]).map_err(told)?;
    Ok(())
}

/// Metrics of a run, and their figure.
pub(super) fn metrics(bytes: &[u8]) -> Fed {
    let lines = train::metrics::read(&put("metrics.jsonl", bytes)).map_err(told)?;
    let figure = report::training::figure("run", &lines);
    let path = scratch().join("curves.svg");
    report::plot::write(&figure, &path).map_err(told)?;
    Ok(())
}

/// A settings file, read with every kind of reading; what is written of it is read the same.
pub(super) fn settings(bytes: &[u8]) -> Fed {
    let path = put("qgface.toml", bytes);
    let loaded = Settings::load(Some(&path), std::iter::empty()).map_err(told)?;
    let resolved = loaded.resolved();
    for row in rows().filter(|row| loaded.is_given(*row)) {
        assert!(resolved.contains_key(row.name()), "{}", row.name());
    }
    let again = put("again.toml", loaded.to_file().as_bytes());
    let again = Settings::load(Some(&again), std::iter::empty());
    let again =
        again.unwrap_or_else(|error| panic!("what was written is not read: {}", told(error)));
    assert_eq!(again.to_file(), loaded.to_file());
    train::Config::new(&loaded).map(drop).map_err(told)
}

/// What stands behind flags and variables: `key=value`, encodings, label functions, means.
pub(super) fn words(bytes: &[u8]) -> Fed {
    let text = std::str::from_utf8(bytes).map_err(told)?;
    let mut settings = Settings::defaults();
    let assigned = settings.assign(text).map_err(told);
    let _ = Settings::load(None, std::iter::once(("QGFACE_TRAIN_LR".to_owned(), text.to_owned())));
    if let Ok(encoding) = text.parse::<Encoding>() {
        assert_eq!(encoding.to_string().parse(), Ok(encoding));
    }
    if let Ok(function) = text.parse::<LabelFunction>() {
        let _ = function.to_string();
    }
    if let Ok(mean) = eval::mean(text) {
        assert!(mean.iter().all(|value| value.is_finite()));
    }
    if let Ok(deviation) = eval::deviation(text) {
        assert!(deviation.iter().all(|value| value.is_finite() && *value > 0.0));
    }
    assigned
}
