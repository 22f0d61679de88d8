//! A state on disk: `step-N.safetensors` with every tensor by name, and `step-N.json`, which says what
//! it is and is renamed into place last: a checkpoint without it does not exist. Amid a step of several
//! batches the names are `step-N+B`, N steps made and B batches learned from.

mod facts;
mod parts;
mod tensors;

#[cfg(test)]
mod tests;

use super::{Error, TrainState};
use crate::eval::Measure;
use crate::fs;
use crate::graph::World;
use crate::group::Group;
use crate::metrics::Better;
use crate::nn::Sharing;
use facts::{FACTS, TENSORS, facts, paths};
use std::ops::Range;
use std::path::{Path, PathBuf};
use tensors::encoded;

pub use facts::{Facts, Part};
pub(super) use parts::replicated;
pub(super) use tensors::floats;

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
        parts::check_there(folder, &facts)?;
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
    parts::cut(&mut state, &facts, &wanted);
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
                match std::fs::remove_file(&path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(fs::io_error("remove", &path)(error).into());
                    }
                    _ => {}
                }
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
