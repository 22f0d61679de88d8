//! `train` in float16: steps that overflow are skipped and told, and a run goes on to the same bytes.

use crate::learning::{checkpoint as bytes, lines, small, work};
use crate::program::{done, fits, run};
use qgface_data::train::checkpoint;
use serde_json::Value;

/// At this scale of the head the first gradients are too large for float16 at the first loss scale.
pub(crate) const STEEP: &str = "head.s=1000";

#[test]
fn a_run_in_float16_skips_what_overflows_and_goes_on_to_the_same_bytes() {
    let work = work();
    let float16 = ["precision=float16", "epochs=4", STEEP];
    for (name, batches) in [("a", &[][..]), ("b", &["batch=2", "accumulate=2"])] {
        let all = [&float16[..], batches].concat();
        let (whole, part) = (format!("{name}-whole"), format!("{name}-part"));
        let named = format!("name={whole}");
        let long = ["max_steps=12", "-v", "--format", "json", &named];
        let ran = done(work.path(), &small(&[&all[..], &long].concat()));
        assert!(ran.stderr.contains("the backbone computes in float16"), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("step 1 skipped: its gradients overflow float16; loss scale 32768"),
            "{}",
            ran.stderr
        );
        let skipped = ran.json("train")["skipped_steps"].as_u64().unwrap();
        assert!((1..12).contains(&skipped), "{skipped}");
        let whole_lines = lines(work.path(), &whole);
        assert_eq!(whole_lines.len() as u64, 12 - skipped);
        whole_lines.iter().for_each(|line| fits(line, "metrics"));
        let first = &whole_lines[0];
        let of_first = first["skipped_steps"].as_u64().unwrap();
        assert_eq!(first["step"], of_first + 1);
        assert_eq!(first["loss_scale"], f64::from(1u32 << (16 - of_first)));
        // It ends after a step that was skipped, and goes on where the scale was halved once.
        let named = format!("name={part}");
        done(work.path(), &small(&[&all[..], &["max_steps=1", &named]].concat()));
        let ran =
            done(work.path(), &["train", "--resume", &format!("runs/{part}"), "max_steps=12"]);
        assert!(ran.stdout.contains("gradients overflowed float16: "), "{}", ran.stdout);
        let [own, expected] = [&part, &whole].map(|run| bytes(work.path(), run, 12));
        assert!(own[0] == expected[0], "{name}");
        let losses =
            |lines: &[Value]| lines.iter().map(|line| line["loss"].clone()).collect::<Vec<_>>();
        assert_eq!(losses(&lines(work.path(), &part)), losses(&whole_lines));
    }
}

/// What a convolution makes of kernels that are almost zero has gradients that are the larger for it, since
/// a normalisation follows.
#[test]
fn a_loss_scale_below_one_ends_the_run_by_name_and_it_goes_on_in_float32() {
    let work = work();
    done(work.path(), &small(&["precision=float16", "epochs=2", "max_steps=1", "name=a"]));
    let checkpoint::Checkpoint { facts, mut state, .. } =
        checkpoint::open(&work.path().join("runs/a")).unwrap();
    state.tensors["loss_scale.scale"].data = vec![1.0];
    let kernels = state.tensors.values_mut().filter(|tensor| tensor.shape.len() == 4);
    kernels.flat_map(|kernels| &mut kernels.data).for_each(|weight| *weight *= 1e-4);
    checkpoint::save(&work.path().join("runs/a/checkpoints"), &facts, &state).unwrap();
    let before = bytes(work.path(), "a", 1);
    let far = ["train", "--resume", "runs/a", "head.s=1000000", "max_steps=4"];
    let ran = run(work.path(), &far);
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("step 2 (epoch 0)"), "{}", ran.stderr);
    assert!(ran.stderr.contains("a loss scale of at least 1"), "{}", ran.stderr);
    assert!(ran.stderr.contains("--resume runs/a train.precision=float32"), "{}", ran.stderr);
    assert!(bytes(work.path(), "a", 1) == before);
    let wide = ["train", "--resume", "runs/a", "precision=float32", "head.s=64", "max_steps=3"];
    let ran = done(work.path(), &[&wide[..], &["-v"]].concat());
    let told = "changed: train.precision: \"float16\" before, \"float32\" now";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let lines = lines(work.path(), "a");
    for line in &lines[lines.len() - 2..] {
        fits(line, "metrics");
        assert!(line.get("loss_scale").is_none() && line.get("skipped_steps").is_none(), "{line}");
    }
}

#[test]
fn mixed_goes_on_in_what_a_run_began_with() {
    let work = work();
    let half = ["precision=float16", "epochs=2", "max_steps=2", "name=a"];
    done(work.path(), &small(&half));
    let ran =
        done(work.path(), &["train", "--resume", "runs/a", "precision=mixed", "max_steps=4", "-v"]);
    assert!(ran.stderr.contains("the backbone computes in float16"), "{}", ran.stderr);
    let ran = done(
        work.path(),
        &["train", "--resume", "runs/a", "precision=float32", "max_steps=6", "-v"],
    );
    assert!(!ran.stderr.contains("the backbone computes in float16"), "{}", ran.stderr);
}
