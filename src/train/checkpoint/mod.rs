//! A state on disk: `step-N.safetensors` with every tensor by name, and `step-N.json`, which says what
//! it is and is renamed into place last: a checkpoint without it does not exist. Amid a step of several
//! batches the names are `step-N+B`, N steps made and B batches learned from.

mod parts;

use super::{Error, Tensor, TrainState};
use crate::eval::Measure;
use crate::fs;
use crate::graph::World;
use crate::group::Group;
use crate::metrics::Better;
use crate::nn::Sharing;
use crate::settings::{Section, keys};
use indexmap::IndexMap;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

pub use parts::Part;
pub(crate) use parts::replicated;

/// Name and version of the form.
const FORMAT: &str = "qgface-data checkpoint 1";

/// What a checkpoint says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Always `qgface-data checkpoint 1`.
    pub format: String,
    /// Program and version.
    pub tool: String,
    /// Steps that were made.
    pub step: u64,
    /// Batches that the next step has learned from, where it sums the gradients of several.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub batches: u64,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Number of classes.
    pub classes: u64,
    /// Views of each image in the step that made it.
    pub views: u64,
    /// Digests of the packs' orders.
    pub orders: Vec<String>,
    /// The settings of the run, but its name and folder.
    pub settings: BTreeMap<String, String>,
    /// What validation measured at this step, by `set.metric`.
    pub scores: IndexMap<Measure, f64>,
    /// BLAKE3 of the tensors' file.
    pub blake3: String,
    /// Ranks that wrote it.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub ranks: u64,
    /// What ranks hold apart, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

fn one() -> u64 {
    1
}

fn is_one(count: &u64) -> bool {
    *count == 1
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Whether a setting says where a run lies, or guards the machine, and not what the run is.
fn is_outside(key: &str) -> bool {
    let section = key.split_once('.').map_or("", |(section, _)| section);
    let outside = [keys::TRAIN_NAME.name(), keys::TRAIN_RUNS.name(), keys::TRAIN_MEMORY.name()];
    outside.contains(&key) || section == Section::Limits.name()
}

impl Facts {
    /// Facts of a run at its beginning.
    pub fn new(mut settings: BTreeMap<String, String>, orders: Vec<String>, classes: u64) -> Self {
        settings.retain(|key, _| !is_outside(key));
        Self {
            format: FORMAT.to_owned(),
            tool: concat!("qgface-data ", env!("CARGO_PKG_VERSION")).to_owned(),
            step: 0,
            batches: 0,
            steps_per_epoch: 0,
            classes,
            views: 0,
            orders,
            settings,
            scores: IndexMap::new(),
            blake3: String::new(),
            ranks: 1,
            parts: Vec::new(),
        }
    }
}

/// A checkpoint, read.
#[derive(Debug)]
pub struct Checkpoint {
    /// Its `.json`.
    pub path: PathBuf,
    /// What it says of itself.
    pub facts: Facts,
    /// The state.
    pub state: TrainState,
}

const TENSORS: &str = "safetensors";
const FACTS: &str = "json";

/// The paths of a checkpoint's two files: tensors, facts.
fn paths(folder: &Path, facts: &Facts) -> [PathBuf; 2] {
    let begun = if facts.batches > 0 { format!("+{}", facts.batches) } else { String::new() };
    let stem = format!("step-{:08}{begun}", facts.step);
    [TENSORS, FACTS].map(|ending| folder.join(format!("{stem}.{ending}")))
}

/// Writes a checkpoint into `folder`; the path of its `.json`.
///
/// Memory: the tensors once more.
///
/// # Errors
/// [`Error::Files`], as of a full disk; then no checkpoint of this step is there, and others are as they
/// were.
pub fn save(folder: &Path, facts: &Facts, state: &TrainState) -> Result<PathBuf, Error> {
    let [tensors, path] = paths(folder, facts);
    let bad = |found: String| Error::Checkpoint { path: tensors.clone(), found };
    let named = state.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor));
    let bytes = encoded(named, &tensors)?;
    let facts = Facts { blake3: blake3::hash(&bytes).to_string(), ..facts.clone() };
    fs::write_whole(&tensors, &bytes)?;
    let mut text = serde_json::to_vec_pretty(&facts).map_err(|error| bad(error.to_string()))?;
    text.push(b'\n');
    fs::write_whole(&path, &text)?;
    Ok(path)
}

/// The bytes of a file of tensors.
fn encoded<'t>(
    tensors: impl Iterator<Item = (&'t str, &'t Tensor)>,
    path: &Path,
) -> Result<Vec<u8>, Error> {
    let bad = |found: String| Error::Checkpoint { path: path.to_path_buf(), found };
    let views = tensors.map(|(name, tensor)| {
        let view =
            TensorView::new(Dtype::F32, tensor.shape.clone(), bytemuck::cast_slice(&tensor.data));
        Ok((name, view.map_err(|error| bad(format!("{name}: {error}")))?))
    });
    let views = views.collect::<Result<Vec<_>, Error>>()?;
    let told = HashMap::from([("format".to_owned(), FORMAT.to_owned())]);
    serialize(views, Some(told)).map_err(|error| bad(error.to_string()))
}

/// Writes a checkpoint of all ranks: each what it holds apart, at the same time, and the first what all have
/// and, last, the facts. Returns when that is done.
///
/// # Errors
/// As [`save`], and [`Error::Group`]. A rank that fails must end the others, who wait for it.
pub(super) fn save_together(
    folder: &Path,
    facts: &Facts,
    sharing: &Sharing,
    state: &TrainState,
    group: &Group,
) -> Result<(), Error> {
    if sharing.world.is_alone() {
        return save(folder, facts, state).map(|_| ());
    }
    let own = parts::write(folder, facts, sharing, state)?;
    let told = serde_json::to_vec(&own).expect("numbers and texts by name");
    let told = group.gather_bytes(&told)?;
    if group.rank() == 0 {
        let parts = told.iter().map(|told| serde_json::from_slice::<Option<Part>>(told));
        let parts = parts.collect::<Result<Vec<_>, _>>();
        let parts = parts.map_err(|error| Error::Checkpoint {
            path: folder.to_path_buf(),
            found: format!("a rank that tells of its part: {error}"),
        })?;
        let parts = parts.into_iter().flatten().collect();
        let facts = Facts { ranks: group.size() as u64, parts, ..facts.clone() };
        save(folder, &facts, &parts::of_first(sharing, state))?;
    }
    Ok(group.barrier()?)
}

/// Removes what a run left that ended while it wrote a checkpoint.
///
/// # Errors
/// Files that cannot be removed.
pub(super) fn remove_unsealed(folder: &Path) -> Result<(), Error> {
    for path in parts::unsealed(folder) {
        std::fs::remove_file(&path).map_err(fs::io_error("remove", &path))?;
    }
    Ok(())
}

/// Reads what a checkpoint's `.json` says.
fn facts(path: &Path) -> Result<Facts, Error> {
    let text = std::fs::read(path).map_err(fs::io_error("read", path))?;
    let bad = |error: serde_json::Error| Error::Checkpoint {
        path: path.to_path_buf(),
        found: format!("text that is no {FORMAT}: {error}"),
    };
    let facts: Facts = serde_json::from_slice(&text).map_err(bad)?;
    match facts.format == FORMAT {
        true => Ok(facts),
        false => Err(Error::Checkpoint {
            path: path.to_path_buf(),
            found: format!("the format {:?}", facts.format),
        }),
    }
}

/// Reads a checkpoint by either of its files, or the last one of a run's folder.
///
/// # Errors
/// [`Error::Checkpoint`]: none there, damage, tensors of other bytes than its `.json` says.
pub fn open(path: &Path) -> Result<Checkpoint, Error> {
    open_as(path, World::ALONE, None)
}

/// The same as a rank has it: with the class columns of `wanted` where ranks hold them apart, else all, and
/// where as many ranks wrote it with what was this one's own.
///
/// # Errors
/// As [`open`].
pub(super) fn open_as(
    path: &Path,
    world: World,
    wanted: Option<Range<usize>>,
) -> Result<Checkpoint, Error> {
    let path = match path.is_dir() {
        true => last(path)?.0,
        false => path.with_extension(FACTS),
    };
    let facts = facts(&path)?;
    let tensors = path.with_extension(TENSORS);
    let bytes = fs::map(&tensors)?;
    let found = blake3::hash(&bytes).to_string();
    if found != facts.blake3 {
        let found =
            format!("bytes of BLAKE3 {found} where {} says {}", path.display(), facts.blake3);
        return Err(Error::Checkpoint { path: tensors, found });
    }
    let mut state = TrainState { tensors: floats(&bytes, &tensors)?.into_iter().collect() };
    let wanted = wanted.unwrap_or(0..facts.classes as usize);
    parts::read(&path, &facts, world, &wanted, &mut state)?;
    Ok(Checkpoint { path, facts, state })
}

/// How far the last checkpoint of a run's folder is: steps, and batches of the next one. Its tensors are not
/// read.
///
/// # Errors
/// [`Error::Checkpoint`] where there is none, and as [`list`].
pub fn place(run: &Path) -> Result<(u64, u64), Error> {
    let (_, facts) = last(run)?;
    Ok((facts.step, facts.batches))
}

/// The last checkpoint of a run's folder, or of a folder of checkpoints.
fn last(path: &Path) -> Result<(PathBuf, Facts), Error> {
    let own = path.join(FOLDER);
    let folder = if own.is_dir() { own } else { path.to_path_buf() };
    let none = || Error::Checkpoint { path: folder.clone(), found: "none".to_owned() };
    list(&folder)?.pop().ok_or_else(none)
}

/// The folder of a run's checkpoints.
pub const FOLDER: &str = "checkpoints";

/// Whether a run's folder has a checkpoint, whole or damaged.
pub fn any(run: &Path) -> bool {
    files(&run.join(FOLDER)).is_ok_and(|all| !all.is_empty())
}

/// The `.json` of every checkpoint of a folder, in no order.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries =
        std::fs::read_dir(folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    let entries = entries.map_err(fs::io_error("list", folder))?;
    let named = entries.into_iter().map(|entry| entry.path()).filter(|path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        name.is_some_and(|name| name.starts_with("step-") && name.ends_with(".json"))
    });
    Ok(named.collect())
}

/// The checkpoints of a folder by their `.json`, the earliest first.
///
/// # Errors
/// A folder that cannot be read; damaged facts.
pub fn list(folder: &Path) -> Result<Vec<(PathBuf, Facts)>, Error> {
    let named = files(folder)?.into_iter();
    let mut found =
        named.map(|path| Ok((path.clone(), facts(&path)?))).collect::<Result<Vec<_>, Error>>()?;
    found.sort_by_key(|(_, facts)| (facts.step, facts.batches));
    Ok(found)
}

/// Removes all but the last `keep` checkpoints and the one that is best by `measure`.
///
/// # Errors
/// As [`list`], and files that cannot be removed.
pub fn prune(folder: &Path, keep: usize, measure: Option<Measure>) -> Result<(), Error> {
    let all = list(folder)?;
    let best = measure.and_then(|measure| best(&all, measure)).map(|(step, _)| step);
    for (path, facts) in all.iter().rev().skip(keep) {
        // What lies amid a step is never scored.
        if best != Some(facts.step) || facts.batches > 0 {
            // Without its facts a checkpoint is gone, so they go first.
            let of_ranks = parts::paths(path, facts);
            for path in [path.clone(), path.with_extension(TENSORS)].into_iter().chain(of_ranks) {
                std::fs::remove_file(&path).map_err(fs::io_error("remove", &path))?;
            }
        }
    }
    Ok(())
}

/// Step and value of the best checkpoint by a measure; of equals the earliest. None where no value is
/// better than another.
pub fn best(all: &[(PathBuf, Facts)], measure: Measure) -> Option<(u64, f64)> {
    let better: fn(f64, f64) -> bool = match measure.metric().family().better {
        Better::More => |value, best| value > best,
        Better::Less => |value, best| value < best,
        Better::Neither => return None,
    };
    let value = |facts: &Facts| Some((facts.step, *facts.scores.get(&measure)?));
    let scored = all.iter().filter_map(|(_, facts)| value(facts));
    scored.reduce(|best, own| if better(own.1, best.1) { own } else { best })
}

/// All tensors of floats of a file, widened or narrowed to 32 bits; others are left out.
///
/// # Errors
/// [`Error::Checkpoint`] for what is no safetensors file.
pub(super) fn floats(bytes: &[u8], path: &Path) -> Result<Vec<(String, Tensor)>, Error> {
    let bad = |error: safetensors::SafeTensorError| Error::Checkpoint {
        path: path.to_path_buf(),
        found: format!("no safetensors file: {error}"),
    };
    let file = SafeTensors::deserialize(bytes).map_err(bad)?;
    let mut found = Vec::new();
    for (name, view) in file.tensors() {
        let bytes = view.data();
        let data: Vec<f32> = match view.dtype() {
            Dtype::F32 => {
                bytes.as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word)).collect()
            }
            Dtype::F64 => bytes
                .as_chunks::<8>()
                .0
                .iter()
                .map(|&word| f64::from_le_bytes(word) as f32)
                .collect(),
            Dtype::F16 => bytes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|&word| half::f16::from_le_bytes(word).to_f32())
                .collect(),
            Dtype::BF16 => bytes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|&word| half::bf16::from_le_bytes(word).to_f32())
                .collect(),
            _ => continue,
        };
        found.push((name, Tensor { shape: view.shape().to_vec(), data }));
    }
    // In an order of their own whatever the file's is.
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::eval::sets::{LFW, TINYFACE};
    use crate::metrics::table::{RANK, THRESHOLD, TIES};

    const BEST: Measure = Measure::of_set(&TINYFACE, RANK.at(1));

    fn state() -> TrainState {
        let tensor = |data: &[f32]| Tensor { shape: vec![data.len()], data: data.to_vec() };
        let tensors = [("b".to_owned(), tensor(&[1.0, -0.0])), ("a".to_owned(), tensor(&[2.5]))];
        TrainState { tensors: tensors.into_iter().collect() }
    }

    pub(in crate::train) fn facts(step: u64, score: f64) -> Facts {
        let ties = Measure::of_set(&TINYFACE, TIES.metric());
        let scores = [(BEST, score), (ties, 10.0 * score)].into_iter().collect();
        Facts { step, scores, ..Facts::new(BTreeMap::new(), vec![], 3) }
    }

    #[test]
    fn a_state_comes_back_by_either_file_and_by_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = save(folder.path(), &facts(7, 0.0), &state()).unwrap();
        for path in [path.clone(), path.with_extension(TENSORS), folder.path().to_path_buf()] {
            let read = open(&path).unwrap();
            assert_eq!(read.facts.step, 7);
            for (name, tensor) in &state().tensors {
                assert_eq!(&read.state.tensors[name], tensor);
            }
        }
    }

    #[test]
    fn what_lies_amid_a_step_stands_behind_it_and_is_let_go_of() {
        let folder = tempfile::tempdir().unwrap();
        let amid = Facts { batches: 2, scores: IndexMap::new(), ..facts(7, 0.0) };
        let path = save(folder.path(), &amid, &state()).unwrap();
        assert!(path.ends_with("step-00000007+2.json"), "{}", path.display());
        save(folder.path(), &facts(7, 0.9), &state()).unwrap();
        let last = open(folder.path()).unwrap().facts;
        assert_eq!((last.step, last.batches), (7, 2));
        save(folder.path(), &facts(8, 0.1), &state()).unwrap();
        prune(folder.path(), 1, Some(BEST)).unwrap();
        let left = list(folder.path()).unwrap();
        let left: Vec<_> = left.iter().map(|(_, facts)| (facts.step, facts.batches)).collect();
        assert_eq!(left, [(7, 0), (8, 0)]);
    }

    #[test]
    fn a_flipped_byte_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = save(folder.path(), &facts(7, 0.0), &state()).unwrap().with_extension(TENSORS);
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(open(&path), Err(Error::Checkpoint { .. })));
    }

    #[test]
    fn the_best_is_the_highest_or_lowest_as_the_metric_says() {
        let all: Vec<(PathBuf, Facts)> = [(1, 0.1), (2, 0.9), (3, 0.9), (4, 0.1)]
            .map(|(step, score)| (PathBuf::new(), facts(step, score)))
            .into();
        assert_eq!(best(&all, BEST), Some((2, 0.9)));
        assert_eq!(best(&all, Measure::of_set(&TINYFACE, TIES.metric())), Some((1, 1.0)));
        assert_eq!(best(&all, Measure::of_set(&LFW, THRESHOLD.metric())), None);
    }

    #[test]
    fn the_last_and_the_best_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        for (step, score) in [(1, 0.1), (2, 0.9), (3, 0.9), (4, 0.2), (5, 0.3)] {
            save(folder.path(), &facts(step, score), &state()).unwrap();
        }
        prune(folder.path(), 2, Some(BEST)).unwrap();
        let left: Vec<u64> = list(folder.path()).unwrap().iter().map(|(_, f)| f.step).collect();
        assert_eq!(left, [2, 4, 5]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 6);
    }
}
