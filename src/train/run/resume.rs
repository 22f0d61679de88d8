//! Where a run begins: with drawn weights, with those of a file, or where a checkpoint stands.

use crate::nn::Sharing;
use crate::seed::Seed;
use crate::settings::keys;
use crate::train::checkpoint::{self, Facts};
use crate::train::init::{self, Adopted};
use crate::train::{Config, Error, StepGraph, TrainState};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The state that the first step reads, and where it is from.
pub(super) struct Beginning {
    pub(super) state: TrainState,
    /// What the weights were taken from, if they were not drawn.
    pub(super) adopted: Option<Adopted>,
    /// Settings that are others than the checkpoint's, as `key: before, now`.
    pub(super) changed: Vec<String>,
}

/// Draws the weights, or takes those that the settings name.
///
/// # Errors
/// As [`init::adopt`].
pub(super) fn new(config: &Config, graph: &StepGraph) -> Result<Beginning, Error> {
    let mut state = TrainState::initial(graph, Seed::new(config.seed));
    let classes = graph.options.classes;
    let own = graph.options.sharing.columns().part(classes);
    let adopt = |path: &PathBuf| init::adopt(&mut state, path, own, classes);
    let adopted = config.init.as_ref().map(adopt).transpose()?;
    Ok(Beginning { state, adopted, changed: Vec::new() })
}

/// Goes on at the last checkpoint of `run`; `facts` get its place and scores.
///
/// # Errors
/// [`Error::Resume`] where the order of the images would be another from the middle on, and those of
/// [`checkpoint::open`].
pub(super) fn resumed(
    run: &Path,
    facts: &mut Facts,
    sharing: &Sharing,
) -> Result<Beginning, Error> {
    let columns = sharing.columns().part(facts.classes as usize);
    let before = checkpoint::open_as(run, sharing.world, Some(columns))?;
    if let Some((what, expected, found)) = obstacle(&before.facts, facts) {
        return Err(Error::Resume { run: run.to_path_buf(), what, expected, found });
    }
    let ranks = sharing.world.ranks as u64;
    if before.facts.batches > 0 && before.facts.ranks != ranks {
        return Err(Error::Resume {
            run: run.to_path_buf(),
            what: "processes, amid a step that sums several batches",
            expected: before.facts.ranks.to_string(),
            found: ranks.to_string(),
        });
    }
    let mut changed = differences(&before.facts.settings, &facts.settings);
    if before.facts.ranks != ranks {
        changed.push(format!(
            "processes: {} before, {ranks} now; statistics, averages and queues that each had of its own go on \
             from the first one's",
            before.facts.ranks
        ));
    }
    (facts.step, facts.batches) = (before.facts.step, before.facts.batches);
    facts.scores = before.facts.scores;
    Ok(Beginning { state: before.state, adopted: None, changed })
}

/// What keeps a run from going on, with what it was and what it is.
fn obstacle(before: &Facts, now: &Facts) -> Option<(&'static str, String, String)> {
    let seed = keys::TRAIN_SEED.name();
    let accumulate = keys::TRAIN_ACCUMULATE.name();
    let told = |facts: &Facts| {
        [
            ("orders of the packs", facts.orders.join(" ")),
            ("classes", facts.classes.to_string()),
            ("steps of an epoch", facts.steps_per_epoch.to_string()),
            // A checkpoint may be older than the setting.
            (accumulate, facts.settings.get(accumulate).map_or("1", |own| own).to_owned()),
            (seed, facts.settings.get(seed).cloned().unwrap_or_default()),
        ]
    };
    let mut pairs = told(before).into_iter().zip(told(now));
    pairs.find_map(|((what, before), (_, now))| (before != now).then_some((what, before, now)))
}

/// Settings that differ, as `key: before, now`.
fn differences(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let keys = before.keys().chain(now.keys().filter(|key| !before.contains_key(*key)));
    let told = |value: Option<&String>| value.map_or("nothing".to_owned(), |it| format!("{it:?}"));
    let others = keys.filter(|key| before.get(*key) != now.get(*key));
    let line = |key| format!("{key}: {} before, {} now", told(before.get(key)), told(now.get(key)));
    others.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    fn facts(seed: &str, orders: &[&str], classes: u64) -> Facts {
        let orders = orders.iter().map(|order| order.to_string()).collect();
        Facts::new(settings(&[("train.seed", seed), ("train.lr", "0.1")]), orders, classes)
    }

    #[test]
    fn another_order_seed_or_number_of_classes_is_an_obstacle() {
        let own = facts("1", &["a", "b"], 7);
        assert_eq!(obstacle(&own, &facts("1", &["a", "b"], 7)), None);
        let what = |other| obstacle(&own, &other).map(|(what, ..)| what);
        assert_eq!(what(facts("1", &["b", "a"], 7)), Some("orders of the packs"));
        assert_eq!(what(facts("1", &["a", "b"], 8)), Some("classes"));
        assert_eq!(what(facts("2", &["a", "b"], 7)), Some("train.seed"));
        let mut summed = own.clone();
        summed.settings.insert("train.accumulate".to_owned(), "1".to_owned());
        assert_eq!(what(summed.clone()), None);
        summed.settings.insert("train.accumulate".to_owned(), "2".to_owned());
        assert_eq!(what(summed), Some("train.accumulate"));
        let longer = Facts { steps_per_epoch: 1, ..own.clone() };
        assert_eq!(
            obstacle(&own, &longer),
            Some(("steps of an epoch", "0".to_owned(), "1".to_owned()))
        );
    }

    #[test]
    fn every_setting_that_differs_is_told_once() {
        let before = settings(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let now = settings(&[("b", "2"), ("c", "4"), ("d", "5")]);
        assert_eq!(
            differences(&before, &now),
            [
                r#"a: "1" before, nothing now"#,
                r#"c: "3" before, "4" now"#,
                r#"d: nothing before, "5" now"#
            ]
        );
    }
}
