//! What the ranks of a run do one after the other, or all at once.

use super::folder::RunFolder;
use super::start::Start;
use crate::fs;
use crate::graph::World;
use crate::group::{Group, Reduction};
use crate::nn::Sharing;
use crate::train::{Config, Error, StepGraph, StepOptions, checkpoint};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

/// Longer than anything that the first rank does alone.
const LONG: Duration = Duration::from_secs(30 * 24 * 3600);

/// Waits, however long it takes, until the first rank comes from what it does alone.
///
/// # Errors
/// [`Error::Group`].
pub(super) fn wait_for_first(group: &Group, patience: Duration) -> Result<(), Error> {
    waiting_long(group, patience, || Ok(group.barrier()?))
}

/// Does something in which ranks may wait for each other for long.
///
/// # Errors
/// What it ends with.
pub(super) fn waiting_long<T>(
    group: &Group,
    patience: Duration,
    work: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    group.set_patience(LONG);
    let done = work();
    group.set_patience(patience);
    done
}

/// Whether it is so on any rank, and the names that ranks have to tell; all learn both at the same place.
///
/// # Errors
/// [`Error::Group`].
pub(super) fn agreed(
    group: &Group,
    own: bool,
    names: Vec<String>,
) -> Result<(bool, Vec<String>), Error> {
    if group.size() == 1 {
        return Ok((own, names));
    }
    let mut counted = [u64::from(own), names.len() as u64];
    group.all_reduce(&mut counted, Reduction::Sum)?;
    let [any, told] = counted;
    if told == 0 {
        return Ok((any > 0, names));
    }
    let all = group.gather_bytes(&serde_json::to_vec(&names).expect("texts"))?;
    let all = all.iter().map(|told| serde_json::from_slice::<Vec<String>>(told));
    Ok((any > 0, all.flat_map(Result::unwrap_or_default).collect()))
}

/// Does something on the first rank, which may install or measure, and then on the others, which find it
/// done.
///
/// # Errors
/// What it ends with; [`Error::Group`].
pub(super) fn first_then_others<T, E>(
    group: &Group,
    patience: Duration,
    mut work: impl FnMut() -> Result<T, E>,
) -> Result<T, Error>
where
    Error: From<E>,
{
    let first = (group.rank() == 0).then(&mut work).transpose()?;
    wait_for_first(group, patience)?;
    match first {
        Some(done) => Ok(done),
        None => Ok(work()?),
    }
}

/// The folder of a run, which the first rank takes, with its settings in it.
///
/// # Errors
/// As [`RunFolder::make`] and [`RunFolder::open`]; [`Error::Group`].
pub(super) fn folder(config: &Config, start: &Start, group: &Group) -> Result<RunFolder, Error> {
    let mut taken = None;
    let mut path = Vec::new();
    if group.rank() == 0 {
        let folder = match start {
            Start::New => {
                RunFolder::make(&config.runs, config.name.as_deref(), config.preset.name)?
            }
            Start::Resume(run) => RunFolder::open(run.clone())?,
        };
        fs::write_whole(&folder.settings(), config.settings.to_file().as_bytes())?;
        checkpoint::remove_unsealed(&folder.checkpoints()?)?;
        path = folder.path().as_os_str().as_encoded_bytes().to_vec();
        taken = Some(folder);
    }
    let told = group.gather_bytes(&path)?.swap_remove(0);
    // Ranks on other machines see it where the first one does.
    let path = PathBuf::from(OsString::from_vec(told));
    Ok(taken.unwrap_or_else(|| RunFolder::of_first_rank(path)))
}

/// The same step of a rank that is alone.
///
/// # Errors
/// As [`StepGraph::new`].
pub(super) fn alone(graph: &StepGraph) -> Result<StepGraph, Error> {
    if graph.options.sharing.world.is_alone() {
        return Ok(graph.clone());
    }
    let sharing = Sharing { world: World::ALONE, ..graph.options.sharing };
    StepGraph::in_width(StepOptions { sharing, ..graph.options.clone() }, graph.width)
}
