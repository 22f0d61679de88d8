//! Result documents into rows: one a model and protocol, whatever the number of files.

use super::Evaluation;
use super::document::{MeasuredRow, ResultFile, RowResult};
use super::names::file_name;
use crate::eval::results::{EvalReport, SetResult};
use crate::eval::sets::IJBB;
use crate::eval::settings::Settings;
use crate::eval::{Subject, averages};
use std::collections::BTreeMap;

/// A row that grows, and what tells it from others.
struct Draft {
    row: MeasuredRow,
    /// Digest of the model; the file where there is none.
    identity: String,
    /// Every switch: numbers under others stand in another row and in no average with these.
    settings: Settings,
}

/// Of the sets that the averages are over the one whose numbers depend on the protocol.
const AVERAGES_HOME: Subject = Subject::Set(&IJBB);

/// Merges the documents. A model that has two different results of a set under one protocol, as
/// `custom` may be, has two rows. The second value says what was left out or mixed.
pub(super) fn rows(evaluations: &[Evaluation]) -> (Vec<MeasuredRow>, Vec<String>) {
    let (mut drafts, mut notes): (Vec<Draft>, Vec<String>) = (Vec::new(), Vec::new());
    for evaluation in evaluations {
        let mut taken: Vec<(&SetResult, usize)> = Vec::new();
        for result in &evaluation.report.results {
            let (at, found) = place(&mut drafts, evaluation, result);
            match found {
                Place::Free => push(&mut drafts[at].row, evaluation, result),
                Place::Same { file } => {
                    let same = format!("{} has the same numbers", evaluation.file);
                    notes.push(format!("{same} of {} as {file}; they are shown once", result.set));
                }
            }
            taken.push((result, at));
        }
        let mixed = taken.iter().any(|(_, at)| *at != taken[0].1);
        let ijbb = taken.iter().find(|(result, _)| result.set == AVERAGES_HOME);
        let home = ijbb.or(taken.first());
        let Some((_, at)) = home else { continue };
        for (name, value) in &evaluation.report.averages {
            drafts[*at].row.averages.entry(*name).or_insert(*value);
        }
        if mixed && !evaluation.report.averages.is_empty() {
            let row = &drafts[*at].row;
            notes.push(format!(
                "the averages of {} are over several protocols; they stand in the row of {}",
                evaluation.file, row.protocol
            ));
        }
    }
    label(&mut drafts);
    let finish = |mut draft: Draft| {
        for (name, value) in averages(draft.row.results.iter().map(|entry| &entry.result)) {
            draft.row.averages.entry(name).or_insert(value);
        }
        draft.row
    };
    (drafts.into_iter().map(finish).collect(), notes)
}

/// Whether a row has room for a result.
enum Place {
    Free,
    /// The row has it from another file.
    Same {
        file: String,
    },
}

/// The first row of this model, protocol and switches that lacks the set or has this very result; else a new one.
fn place(drafts: &mut Vec<Draft>, evaluation: &Evaluation, result: &SetResult) -> (usize, Place) {
    let model = evaluation.report.model.as_ref();
    let identity = model.map_or_else(|| evaluation.file.clone(), |model| model.blake3.clone());
    for (at, draft) in drafts.iter().enumerate() {
        let same =
            draft.row.protocol == result.protocol_told() && draft.settings == result.settings;
        if draft.identity != identity || !same {
            continue;
        }
        match draft.row.results.iter().find(|entry| entry.result.set == result.set) {
            None => return (at, Place::Free),
            Some(entry) if is_same(&entry.result, result) => {
                return (at, Place::Same { file: entry.file.clone() });
            }
            Some(_) => (),
        }
    }
    let row = MeasuredRow {
        label: name(&evaluation.report, &evaluation.file),
        protocol: result.protocol_told(),
        sources: Vec::new(),
        results: Vec::new(),
        averages: Default::default(),
    };
    drafts.push(Draft { row, identity, settings: result.settings.clone() });
    (drafts.len() - 1, Place::Free)
}

/// Whether two results differ at most in where the features lay.
fn is_same(a: &SetResult, b: &SetResult) -> bool {
    a == &SetResult { features: a.features.clone(), ..b.clone() }
}

fn push(row: &mut MeasuredRow, evaluation: &Evaluation, result: &SetResult) {
    let Evaluation { file, report } = evaluation;
    let source =
        ResultFile { file: file.clone(), tool: report.tool.clone(), model: report.model.clone() };
    if !row.sources.contains(&source) {
        row.sources.push(source);
    }
    row.results.push(RowResult { file: file.clone(), result: result.clone() });
}

/// The model's file, or the features'.
fn name(report: &EvalReport, file: &str) -> String {
    let features = report.results.iter().flat_map(|result| &result.features.files).next();
    match (&report.model, features) {
        (Some(model), _) => file_name(&model.path).to_owned(),
        (None, Some(features)) => format!("features of {}", file_name(features)),
        (None, None) => format!("features of {}", file_name(file)),
    }
}

/// Makes labels differ: by the model's digest where models of one name do, by the protocol, by the
/// file, at last by a number.
fn label(drafts: &mut [Draft]) {
    let digest = |draft: &Draft| match draft.row.sources.first().map(|source| &source.model) {
        Some(Some(model)) => format!(" [{}]", model.blake3.chars().take(8).collect::<String>()),
        _ => String::new(),
    };
    let protocol = |draft: &Draft| format!(", {}", draft.row.protocol);
    let file = |draft: &Draft| {
        let file = draft.row.sources.first().map_or("", |source| &source.file);
        format!(" ({})", file_name(file))
    };
    let identities = |drafts: &[Draft], label: &str| {
        let same = drafts.iter().filter(|draft| draft.row.label == label);
        same.map(|draft| draft.identity.clone()).collect::<std::collections::BTreeSet<_>>().len()
    };
    let shared: Vec<bool> =
        drafts.iter().map(|draft| identities(drafts, &draft.row.label) > 1).collect();
    for (draft, _) in drafts.iter_mut().zip(shared).filter(|(_, shared)| *shared) {
        draft.row.label += &digest(draft);
    }
    tell_apart(drafts, protocol);
    tell_apart(drafts, file);
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for draft in drafts {
        let count = seen.entry(draft.row.label.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            draft.row.label += &format!(" #{count}");
        }
    }
}

/// Adds to the labels that are not the only ones of their kind.
fn tell_apart(drafts: &mut [Draft], addition: impl Fn(&Draft) -> String) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for draft in drafts.iter() {
        *counts.entry(draft.row.label.clone()).or_insert(0) += 1;
    }
    for draft in drafts {
        if counts.get(&draft.row.label).is_some_and(|count| *count > 1) {
            draft.row.label += &addition(draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::results::examples::result;
    use crate::eval::sets::{SCFACE, TINYFACE};
    use crate::metrics::table::{DISTANCE, RANK, TAR};
    use crate::metrics::{Metric, Rate};
    use crate::report::document::examples::evaluation;

    const TAR_AT_E4: Metric = TAR.at_rate(Rate::one_in_ten_to(4));

    fn tinyface(rank_1: f64) -> SetResult {
        result(Subject::Set(&TINYFACE), &[(RANK.at(1), rank_1)])
    }

    fn ijbb(tar: f64) -> SetResult {
        result(Subject::Set(&IJBB), &[(TAR_AT_E4, tar)])
    }

    fn labels(evaluations: &[Evaluation]) -> Vec<String> {
        rows(evaluations).0.into_iter().map(|row| row.label).collect()
    }

    #[test]
    fn files_of_one_model_and_protocol_make_one_row() {
        let a = evaluation("a.json", vec![tinyface(0.5)]);
        let b = evaluation("b.json", vec![result(Subject::Set(&SCFACE), &[(DISTANCE.at(1), 0.5)])]);
        let (rows, notes) = rows(&[a, b]);
        assert_eq!((rows.len(), rows[0].results.len(), rows[0].sources.len()), (1, 2, 2));
        assert_eq!((rows[0].label.as_str(), notes.len()), ("net.onnx", 0));
    }

    #[test]
    fn one_model_under_two_protocols_makes_two_rows_that_name_them() {
        let mut second = ijbb(0.8);
        second.protocol = "cvlface".to_owned();
        let a = evaluation("a.json", vec![ijbb(0.9), second]);
        assert_eq!(labels(&[a]), ["net.onnx, adaface", "net.onnx, cvlface"]);
    }

    #[test]
    fn different_results_of_one_protocol_are_told_apart_by_their_files() {
        let a = evaluation("runs/a.json", vec![tinyface(0.5)]);
        let b = evaluation("runs/b.json", vec![tinyface(0.6)]);
        let found = labels(&[a.clone(), b]);
        assert_eq!(found, ["net.onnx, adaface (a.json)", "net.onnx, adaface (b.json)"]);
        let (rows, notes) = rows(&[a.clone(), a]);
        assert_eq!(rows.len(), 1);
        assert!(notes[0].contains("shown once"), "{notes:?}");
    }

    #[test]
    fn models_of_one_name_are_told_apart_by_their_digests() {
        let a = evaluation("a.json", vec![tinyface(0.5)]);
        let mut b = evaluation("b.json", vec![tinyface(0.6)]);
        b.report.model.as_mut().unwrap().blake3 = "cd".repeat(32);
        assert_eq!(labels(&[a, b]), ["net.onnx [abababab]", "net.onnx [cdcdcdcd]"]);
    }

    #[test]
    fn features_without_a_model_are_named_by_their_file() {
        let mut a = evaluation("a.json", vec![ijbb(0.5)]);
        a.report.model = None;
        a.report.results[0].features.files = vec!["d/ijbb.npy".to_owned()];
        assert_eq!(labels(&[a]), ["features of ijbb.npy"]);
    }
}
