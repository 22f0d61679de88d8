//! Networks beside the residual ones: a run, going on with it, its weights elsewhere, and what no network has.

use crate::learning::{checkpoint, small, work};
use crate::program::{done, run};

/// A network of each other family, as small as it goes; a transformer leaves out paths and patches.
const NETWORKS: [&[&str]; 4] = [
    &["backbone.architecture=ir_se_50", "backbone.units=1,1,1,1"],
    &["backbone.architecture=arcface_r18", "backbone.units=1,1,1,1", "backbone.dropout=0.1"],
    &["backbone.architecture=arcface_mbf", "backbone.units=1,1,1,1"],
    &[
        "backbone.architecture=arcface_vit_t",
        "backbone.units=2",
        "backbone.drop_path=0.2",
        "backbone.mask_ratio=0.2",
    ],
];

#[test]
fn a_run_of_every_family_goes_on_to_the_same_bytes_and_its_weights_are_taken() {
    let work = work();
    for (at, network) in NETWORKS.into_iter().enumerate() {
        let [whole, halted, next] = ["whole", "halted", "next"].map(|own| format!("{own}{at}"));
        let of = |name: &str, more: &[&str]| {
            let name = format!("name={name}");
            done(
                work.path(),
                &small(&[network, &[&name, "tune=off", "--format", "json"], more].concat()),
            )
        };
        of(&whole, &["max_steps=4"]);
        of(&halted, &["max_steps=2"]);
        let halted_at = format!("runs/{halted}");
        done(work.path(), &["train", "--resume", &halted_at, "max_steps=4"]);
        assert!(
            checkpoint(work.path(), &halted, 4) == checkpoint(work.path(), &whole, 4),
            "{network:?}"
        );
        let model = format!("runs/{whole}/model.onnx");
        let ran = of(&next, &["max_steps=1", "--init", &model]);
        let init = &ran.json("train")["init"];
        let unused = init["unused"].as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        let lost: Vec<&str> = unused.filter(|name| name.starts_with("backbone.")).collect();
        assert!(lost.is_empty() && init["taken"].as_u64().unwrap() > 20, "{network:?}: {lost:?}");
        let plan = done(work.path(), &small(&[network, &["--plan", "--format", "json"]].concat()));
        assert!(plan.json("plan")["fits"].as_bool().unwrap(), "{network:?}");
    }
}

#[test]
fn what_a_network_has_not_is_refused_by_the_setting() {
    let work = work();
    for (network, more, told) in [
        ("ir99", "batch=4", "one of ir18, ir34"),
        ("arcface_mbf", "backbone.dropout=0.4", "none: arcface_mbf has no dropout"),
        ("arcface_vit_t", "backbone.dropout=0.4", "none: arcface_vit_t has no dropout"),
        ("ir18", "backbone.units=2,2", "4 numbers for ir18, as [2, 2, 2, 2]"),
        ("arcface_vit_t", "backbone.units=1,1", "1 numbers for arcface_vit_t"),
        ("ir18", "backbone.drop_path=0.1", "0: ir18 is no transformer"),
        ("arcface_mbf", "backbone.mask_ratio=0.1", "0: arcface_mbf is no transformer"),
    ] {
        let architecture = format!("backbone.architecture={network}");
        let ran = run(work.path(), &small(&[&architecture, more]));
        assert_eq!(ran.code, 2, "{network} {more}: {}", ran.stderr);
        assert!(ran.stderr.contains(told), "{network} {more}: {}", ran.stderr);
        assert!(!work.path().join("runs").exists(), "{network} {more}");
    }
}
