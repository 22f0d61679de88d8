//! `report`: result documents in, every form of the report out.

use crate::program::{done, run};
use qgface_data::eval::Subject;
use qgface_data::metrics::{Experiment, Metric, Unit, of};
use serde_json::{Value, json};
use std::path::Path;

/// A result of a set with these numbers and nothing to draw.
fn result(set: &str, protocol: &str, metrics: Value) -> Value {
    json!({
        "set": set,
        "protocol": protocol,
        "settings": {
            "fusion": "pre_norm_vector_add", "flip": true, "norm": true, "detector_score": false,
            "flipud": true, "channel_order": "bgr", "mean": [127.5, 127.5, 127.5],
            "std": [127.5, 127.5, 127.5]
        },
        "images": 12,
        "features": {
            "files": [format!("packs/{set}.rec")], "orders": ["5eed"], "alignment": null,
            "cached": false
        },
        "counts": {"probes": 7},
        "metrics": metrics,
        "curves": {"roc": [], "cmc": [], "scores": null, "norms": null},
        "warnings": ["12 images instead of the published number"]
    })
}

/// A document of a model's results.
fn document(model: &str, results: &[Value]) -> Value {
    json!({
        "format": "qgface-data results 1",
        "tool": "qgface-data 0.1.0",
        "model": {
            "path": format!("models/{model}"), "blake3": format!("digest of {model}"), "width": 512,
            "output": "unit_and_norm", "runtime": "onnxruntime 1.32.0", "device": "cpu"
        },
        "results": results,
        "averages": {}
    })
}

/// A ROC, a CMC and histograms.
fn curves() -> Value {
    let bins = |counts: [u64; 4]| json!({"low": -1.0, "high": 1.0, "counts": counts});
    json!({
        "roc": [{"name": "", "points": [[0.0, 0.1], [1e-4, 0.5], [1.0, 1.0]]}],
        "cmc": [{"name": "G1", "rates": [0.5, 0.75, 1.0]}],
        "scores": {
            "score": "cosine", "of": "all pairs", "genuine": bins([0, 1, 2, 5]),
            "impostor": bins([4, 4, 0, 0])
        },
        "norms": {"low": 0.0, "high": 40.0, "counts": [1, 2, 3]}
    })
}

/// Two models: one with three sets under two protocols, one with TinyFace alone.
fn two_models(folder: &Path) {
    let mut ijbb = result("ijbb", "adaface", json!({"tar@1e-04": 0.8765}));
    ijbb["curves"] = curves();
    let first = document(
        "first.onnx",
        &[
            result("tinyface", "adaface", json!({"rank_1": 0.5, "map": 0.4, "ties": 3.0})),
            ijbb.clone(),
        ],
    );
    ijbb["metrics"] = json!({"tar@1e-04": 0.89});
    let second = document(
        "second.onnx",
        &[result("tinyface", "cvlface", json!({"rank_1": 0.25, "rank_5": 0.375})), {
            ijbb["protocol"] = "cvlface".into();
            ijbb
        }],
    );
    std::fs::write(folder.join("first.json"), first.to_string()).unwrap();
    std::fs::write(folder.join("second.json"), second.to_string()).unwrap();
}

/// The cells of a line of text or of a table in markdown that begins so.
fn line<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    let line = text.lines().find(|line| line.starts_with(start));
    line.unwrap_or_else(|| panic!("no line {start:?} in\n{text}")).split_whitespace().collect()
}

#[test]
fn the_text_sets_measured_rows_before_published_ones() {
    let work = tempfile::tempdir().unwrap();
    two_models(work.path());
    let text = done(work.path(), &["report", "first.json", "second.json"]).stdout;
    let tiny = text.split("TinyFace, closed set").nth(1).unwrap();
    assert_eq!(line(tiny, "> first.onnx")[2..6], ["50.00", "–", "–", "40.00"]);
    assert_eq!(line(tiny, "> second.onnx")[2..6], ["25.00", "37.50", "–", "–"]);
    let facts = line(tiny, "  MIND-Resnet-50-FT");
    assert_eq!(facts[1..7], ["66.82", "–", "–", "–", "unknown", "yes"]);
    assert!(text.contains("note: first.onnx: 12 images instead of the published number"), "{text}");
    let zoo = "the rows of the CVLface model zoo were under cvlface";
    assert!(text.contains(&format!("IJB-B under adaface (first.onnx): {zoo}")), "{text}");
    assert_eq!(text.matches(zoo).count(), 1);
    assert_eq!(line(&text, "  ties")[1..], ["3", "–"]);
    assert!(!text.contains("SCface, rank 1"), "nothing of SCface was measured");
}

#[test]
fn markdown_has_as_many_cells_in_every_row_of_a_table() {
    let work = tempfile::tempdir().unwrap();
    two_models(work.path());
    let ran = done(work.path(), &["report", "first.json", "second.json", "--format", "markdown"]);
    let mut cells = None;
    for line in ran.stdout.lines() {
        let found = line.starts_with('|').then(|| line.replace("\\|", "").matches('|').count());
        assert!(cells.is_none() || found.is_none() || cells == found, "{line}");
        cells = found;
    }
    assert!(ran.stdout.contains("| **first.onnx** | **50.00** | **–** | **–** | **40.00** |"));
}

#[test]
fn csv_has_one_line_a_value_with_where_it_is_from() {
    let work = tempfile::tempdir().unwrap();
    two_models(work.path());
    let ran = done(work.path(), &["report", "first.json", "second.json", "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(ran.stdout.as_bytes());
    let head: Vec<&str> = reader.headers().unwrap().iter().collect();
    assert_eq!(
        head,
        ["table", "row", "kind", "source", "protocol", "fine_tuned", "column", "value"]
    );
    let lines: Vec<Vec<String>> = csv::Reader::from_reader(ran.stdout.as_bytes())
        .records()
        .map(|line| line.unwrap().iter().map(str::to_owned).collect())
        .collect();
    let has =
        |expected: [&str; 8]| assert!(lines.iter().any(|line| line == &expected), "{expected:?}");
    has([
        "ablation",
        "first.onnx",
        "measured",
        "first.json",
        "adaface",
        "unknown",
        "ijbb tar@1e-04",
        "87.65",
    ]);
    has([
        "tinyface",
        "URL",
        "published",
        "QGFace paper, TinyFace comparison",
        "unknown",
        "unknown",
        "tinyface rank_1",
        "63.89",
    ]);
    has([
        "set tinyface",
        "first.onnx",
        "measured",
        "first.json",
        "adaface",
        "unknown",
        "ties",
        "3",
    ]);
    assert!(lines.iter().all(|line| line[7].parse::<f64>().is_ok()));
}

#[test]
fn json_fits_its_schema_and_keeps_results_whole() {
    let work = tempfile::tempdir().unwrap();
    two_models(work.path());
    let report = done(work.path(), &["report", "first.json", "second.json", "--format", "json"]);
    let report = report.json("report");
    assert_eq!(report["measured"][0]["label"], "first.onnx");
    let ijbb = &report["measured"][0]["results"][1]["result"];
    assert_eq!(ijbb["curves"], curves());
    let row = &report["tables"][0]["rows"][0];
    assert_eq!(row["values"], json!([null, null, null, 50.0, 87.65, null, null]));
}

#[test]
fn html_is_one_page_that_asks_for_nothing_else() {
    let work = tempfile::tempdir().unwrap();
    two_models(work.path());
    let arguments =
        ["report", "first.json", "second.json", "--format", "html", "--out", "report.html"];
    let ran = done(work.path(), &arguments);
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str()),
        ("", "qgface-data: wrote report.html\n")
    );
    let text = std::fs::read_to_string(work.path().join("report.html")).unwrap();
    for outside in ["http", "src=", "url(", "@import", "<script", "<link"] {
        assert!(!text.contains(outside), "{outside}");
    }
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let page = roxmltree::Document::parse_with_options(&text, options).unwrap();
    let named = |name: &'static str| page.descendants().filter(move |node| node.has_tag_name(name));
    // ROC, CMC, scores and norms of IJB-B, both models in each.
    let told: Vec<&str> = named("svg").map(|svg| svg.attribute("aria-label").unwrap()).collect();
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told.iter().all(|told| told.contains("first.onnx") && told.contains("second.onnx")));
    let measured = named("tr").filter(|row| row.attribute("class") == Some("measured")).count();
    // The ablation, TinyFace, the model zoo, IJB-B 1:1.
    assert_eq!(measured, 8);
    let ids: Vec<&str> = page.descendants().filter_map(|node| node.attribute("id")).collect();
    for link in named("a") {
        assert!(ids.contains(&&link.attribute("href").unwrap()[1..]));
    }
}

#[test]
fn averages_are_made_of_numbers_that_came_in_several_files() {
    let work = tempfile::tempdir().unwrap();
    let mut arguments = vec!["report".to_owned(), "--format".to_owned(), "json".to_owned()];
    for (set, accuracy) in
        [("lfw", 1.0), ("cfp_fp", 0.9), ("agedb_30", 0.8), ("calfw", 0.7), ("cplfw", 0.6)]
    {
        let results = [result(set, "adaface", json!({"accuracy": accuracy}))];
        let file = format!("{set}.json");
        std::fs::write(work.path().join(&file), document("m.onnx", &results).to_string()).unwrap();
        arguments.push(file);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let report = done(work.path(), &arguments).json("report");
    let average = report["measured"][0]["averages"]["hq_avg"].as_f64().unwrap();
    // (1 + 0.9 + 0.8 + 0.7 + 0.6) / 5, in binary.
    assert!((average - 0.8).abs() < 1e-12, "{report:#}");
    assert_eq!(report["measured"].as_array().unwrap().len(), 1);
}

#[test]
fn a_damaged_file_is_named_and_nothing_is_written() {
    let work = tempfile::tempdir().unwrap();
    two_models(work.path());
    let whole = std::fs::read_to_string(work.path().join("first.json")).unwrap();
    let half = &whole[..whole.len() / 2];
    let cases = [
        (half.to_owned(), "; write it anew with `qgface-data eval --format json`\n"),
        (whole.replace("results 1", "results 9"), "found \"qgface-data results 9\""),
        (whole.replace("0.8765", "87.65"), "ijbb, metric tar@1e-04: expected a rate as a fraction"),
        (whole.replace("\"images\":12", "\"images\":-1"), "bad.json: expected a document"),
        (whole.replace("[0.0,0.1]", "[0.0,1.1]"), "ijbb, roc \"\", point 0"),
        (
            "{\"images\": 3}".to_owned(),
            "bad.json: expected \"format\": \"qgface-data results 1\", found none; write it",
        ),
        (document("m.onnx", &[]).to_string(), "at least one entry in \"results\""),
        (String::new(), "bad.json"),
        (whole.replace("\"rank_1\"", "\"rank_one\""), "expected a metric (rank_K, map, "),
        (
            whole.replace("\"rank_1\"", "\"rank_one\""),
            "found \"rank_one\"; another version may have it",
        ),
        (
            whole.replace("\"set\":\"ijbb\"", "\"set\":\"ijba\""),
            "expected a set (tinyface, scface, ",
        ),
    ];
    for (text, words) in cases {
        assert_ne!(text, whole);
        std::fs::write(work.path().join("bad.json"), text).unwrap();
        let ran = run(work.path(), &["report", "first.json", "bad.json", "--out", "out.txt"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{words}");
        assert!(ran.stderr.contains(words) && ran.stderr.contains("bad.json"), "{}", ran.stderr);
        assert!(!work.path().join("out.txt").exists());
    }
    let ran = run(work.path(), &["report", "none.json"]);
    assert!(ran.code == 2 && ran.stderr.contains("cannot read none.json"), "{}", ran.stderr);
}

/// Results of every set with every metric of the table: rates of a half, `ties` of every count.
fn every_metric(ties: u32) -> Value {
    let value = |metric: Metric| match metric.family().unit {
        Unit::Rate => 0.5,
        Unit::Count => f64::from(ties),
        Unit::Number | Unit::Threshold => 1.4305,
    };
    let results: Vec<Value> = Subject::all()
        .map(|subject| {
            let metrics = of(subject.experiment()).map(|own| (own.to_string(), json!(value(own))));
            result(subject.name(), "adaface", metrics.collect())
        })
        .collect();
    let mut document = document("m.onnx", &results);
    document["averages"] =
        of(Experiment::Average).map(|own| (own.to_string(), json!(value(own)))).collect();
    document
}

#[test]
fn every_metric_is_told_in_every_form_as_what_it_is() {
    let work = tempfile::tempdir().unwrap();
    for (ties, told) in [(0, "0"), (1, "1"), (2, "2"), (40, "40")] {
        let file = work.path().join("all.json");
        std::fs::write(&file, every_metric(ties).to_string()).unwrap();
        let report = |form| done(work.path(), &["report", "all.json", "--format", form]);
        let shown = |metric: Metric| match metric.family().unit {
            Unit::Rate => "50.00",
            Unit::Count => told,
            Unit::Number | Unit::Threshold => "1.4305",
        };
        let text = report("text").stdout;
        let sections = |text: &str, title: &str| -> String {
            text.split_once(title).unwrap_or_else(|| panic!("no {title:?}")).1.to_owned()
        };
        let markdown = report("markdown").stdout.replace('\\', "");
        let html = report("html").stdout;
        let csv = report("csv").stdout;
        let json = report("json").json("report");
        for (at, subject) in Subject::all().enumerate() {
            let title = subject.title();
            let of_set = sections(&text, &format!("\n{title}\n  Metric"));
            let of_set_in_markdown = sections(&markdown, &format!("## {title}: numbers"));
            let of_set_in_html = sections(&html, &format!("<h2>{title}</h2>\n<ul"));
            for metric in of(subject.experiment()) {
                let value = shown(metric);
                assert_eq!(line(&of_set, &format!("  {metric} "))[1], value, "{subject} {metric}");
                let cells = format!("| {metric} | {value} |");
                assert!(of_set_in_markdown.contains(&cells), "{subject} {cells}");
                let cells = format!("{metric}</th><td class=\"right\">{value}</td>");
                assert!(of_set_in_html.contains(&cells), "{subject} {cells}");
                let number: f64 = value.parse().unwrap();
                let cells = format!("set {subject},m.onnx,measured,all.json,adaface,unknown,");
                assert!(csv.contains(&format!("{cells}{metric},{number}\n")), "{cells}{metric}");
                let found = &json["measured"][0]["results"][at]["result"]["metrics"];
                assert_eq!(metric.shown(found[metric.to_string()].as_f64().unwrap()), number);
            }
        }
        for average in of(Experiment::Average) {
            let name = format!("  {} (%)", average.title());
            assert_eq!(line(&text, &name).last(), Some(&"50.00"), "{name}");
        }
    }
}

#[test]
fn results_of_the_first_version_are_read() {
    let work = tempfile::tempdir().unwrap();
    let mut scface = result("scface", "adaface", json!({"d1": 0.9, "ties": 2.0}));
    scface["warnings"] = json!(["50 frontal pictures, the published set has 130"]);
    let old = document("m.onnx", &[scface]);
    std::fs::write(work.path().join("old.json"), old.to_string()).unwrap();
    let text = done(work.path(), &["report", "old.json"]).stdout;
    let note = "SCface of m.onnx is not the published set: 50 frontal pictures, the published set has 130.";
    assert!(text.contains(note), "{text}");
    let json = done(work.path(), &["report", "old.json", "--format", "json"]).json("report");
    assert_eq!(
        json["measured"][0]["results"][0]["result"]["warnings"],
        json!([{"kind": "other_count", "text": "50 frontal pictures, the published set has 130"}])
    );
}
