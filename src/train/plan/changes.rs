//! What to change in a run that does not fit, found by trying.

use crate::settings::keys;
use crate::train::{Config, Error, config};
use schemars::JsonSchema;
use serde::Serialize;

/// Settings with which a run fits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// The settings, as `train` takes them.
    pub settings: Vec<String>,
    /// What else they change.
    pub effect: String,
}

/// Halvings of a width or a queue that are tried.
const HALVINGS: u32 = 8;

/// The least changes, each for itself, with which a run fits: `classes` is the number of its classes, and
/// `fits` says whether another does.
///
/// # Errors
/// Those of `fits`.
pub fn changes(
    config: &Config,
    classes: usize,
    fits: &dyn Fn(&Config) -> Result<bool, Error>,
) -> Result<Vec<Change>, Error> {
    let mut all = Vec::new();
    if let Some(batch) = largest(2, config.batch, &|batch| fits(&of_batch(config, batch)))? {
        let parts = config.batch.div_ceil(batch);
        let summed = (config.batch / parts, config.accumulate * parts);
        all.push(Change {
            settings: vec![
                setting(keys::TRAIN_BATCH.name(), summed.0),
                setting(keys::TRAIN_ACCUMULATE.name(), summed.1),
            ],
            effect: "as many images a step; normalisation sees fewer at a time".to_owned(),
        });
        all.push(Change {
            settings: vec![setting(keys::TRAIN_BATCH.name(), batch)],
            effect: "the largest batch that fits; suit train.lr to it".to_owned(),
        });
    }
    let width = config.settings.get(&keys::BACKBONE_WIDTH);
    if let Some(width) = halved(&|times| {
        let narrower = width / f64::from(1_u32 << times);
        Ok(fits(&of_width(config, narrower)?)?.then_some(narrower))
    })? {
        all.push(Change {
            settings: vec![setting(keys::BACKBONE_WIDTH.name(), width)],
            effect: "a narrower network".to_owned(),
        });
    }
    if let Some((_, _, size)) = &config.contrast {
        let size = size.unwrap_or(classes);
        if let Some(size) = halved(&|times| {
            let smaller = size >> times;
            let fits = smaller > 0 && fits(&of_queue(config, smaller))?;
            Ok(fits.then_some(smaller))
        })? {
            all.push(Change {
                settings: vec![setting(keys::CONTRAST_QUEUE_SIZE.name(), size)],
                effect: "fewer entries to contrast with".to_owned(),
            });
        }
    }
    if config.views.len() > 1 && fits(&of_one_view(config))? {
        all.push(Change {
            settings: vec![
                setting(keys::VIEWS_LOW.name(), "none"),
                setting(keys::CONTRAST_QUEUE.name(), "none"),
            ],
            effect: "one view of an image, and no contrast".to_owned(),
        });
    }
    Ok(all)
}

fn setting(name: &str, value: impl ToString) -> String {
    format!("{name}={}", value.to_string())
}

fn of_batch(config: &Config, batch: usize) -> Config {
    Config { batch, ..config.clone() }
}

fn of_width(config: &Config, width: f64) -> Result<Config, Error> {
    let backbone = config::backbone(&config.settings, width)?;
    Ok(Config { backbone, ..config.clone() })
}

fn of_queue(config: &Config, size: usize) -> Config {
    let contrast = config.contrast.map(|(options, kind, _)| (options, kind, Some(size)));
    Config { contrast, ..config.clone() }
}

fn of_one_view(config: &Config) -> Config {
    let views = config.views.iter().take(1).cloned().collect();
    Config { views, contrast: None, ..config.clone() }
}

/// The largest number from `least` to below `bound` that fits, where smaller ones do.
fn largest(
    least: usize,
    bound: usize,
    fits: &dyn Fn(usize) -> Result<bool, Error>,
) -> Result<Option<usize>, Error> {
    if least >= bound || !fits(least)? {
        return Ok(None);
    }
    let (mut good, mut bad) = (least, bound);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if fits(middle)? {
            good = middle;
        } else {
            bad = middle;
        }
    }
    Ok(Some(good))
}

/// What the fewest halvings lead to that lead to something.
fn halved<T>(of: &dyn Fn(u32) -> Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    for times in 1..=HALVINGS {
        if let Some(found) = of(times)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Given, Settings};

    fn config(assignments: &[&str]) -> Config {
        let mut settings = Settings::load(None, std::iter::empty()).unwrap();
        for assignment in assignments {
            settings.assign(assignment).unwrap();
        }
        let packs = Given::One("packs".to_owned());
        settings.give(&keys::TRAIN_PACKS, packs, "test").unwrap();
        Config::new(&settings).unwrap()
    }

    fn told(config: &Config, fits: &dyn Fn(&Config) -> bool) -> Vec<String> {
        let found = changes(config, 1000, &|other| Ok(fits(other))).unwrap();
        found.into_iter().map(|change| change.settings.join(" ")).collect()
    }

    #[test]
    fn the_largest_batch_that_fits_is_found_and_how_to_sum_to_the_one_asked_for() {
        let config = config(&["preset=A", "batch=100", "accumulate=2"]);
        let found = told(&config, &|other| other.batch <= 37 && other.backbone == config.backbone);
        assert_eq!(found, ["train.batch=33 train.accumulate=6", "train.batch=37"]);
    }

    #[test]
    fn width_queue_and_views_are_each_changed_alone() {
        let config = config(&["preset=D", "backbone.width=2"]);
        let narrow = told(&config, &|other| other.backbone.masks()[0].extents[0] <= 256);
        assert_eq!(narrow, ["backbone.width=0.5"]);
        let size = |other: &Config| other.contrast.and_then(|(_, _, size)| size);
        assert_eq!(told(&config, &|other| size(other) == Some(250)), ["contrast.queue_size=250"]);
        let one = told(&config, &|other| other.views.len() == 1);
        assert_eq!(one, ["views.low=none contrast.queue=none"]);
        assert_eq!(told(&config, &|_| false), [""; 0]);
    }
}
