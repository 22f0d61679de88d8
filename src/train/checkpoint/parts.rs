//! What ranks hold apart: each writes a file of its own beside the checkpoint's, `step-N.rank-R.safetensors`,
//! and the facts name all of them with their digests, so that a checkpoint that lacks one is none.

use super::facts::{self, FACTS, Facts, Part, TENSORS};
use super::tensors::{encoded, floats};
use crate::fs;
use crate::graph::World;
use crate::nn::{HeadShare, Normalisation, QueueShare, Sharing};
use crate::train::options::LARGEST;
use crate::train::{Error, Tensor, TrainState};
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The class columns, and their momenta.
const COLUMNS: [&str; 2] = ["head.kernel", "momentum.head.kernel"];

/// Where a tensor of a state lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// All ranks have the same.
    Everywhere,
    /// Each rank has its own; the first one's stands for all where their number changes.
    Own,
    /// Each rank has a part.
    Parted,
}

fn place(sharing: &Sharing, name: &str) -> Place {
    let sharded = sharing.head == HeadShare::Sharded;
    let own = |own| if own { Place::Own } else { Place::Everywhere };
    if COLUMNS.contains(&name) {
        return if sharded { Place::Parted } else { Place::Everywhere };
    }
    match name {
        _ if name.starts_with("queue.") => own(!(sharded && sharing.queue == QueueShare::Shared)),
        _ if name.starts_with("head.") || name.starts_with("contrast.") => own(!sharded),
        // Gradients of a step that has begun are not summed over ranks yet.
        _ if name.starts_with("gradient.") => Place::Own,
        _ if name.ends_with(".running_mean") || name.ends_with(".running_var") => {
            own(sharing.normalisation == Normalisation::Local)
        }
        _ => Place::Everywhere,
    }
}

/// Tensors of a state that all ranks have, by name.
pub(in crate::train) fn replicated<'s>(
    sharing: &Sharing,
    state: &'s TrainState,
) -> impl Iterator<Item = (&'s str, &'s Tensor)> {
    let everywhere = |name: &str| place(sharing, name) == Place::Everywhere;
    let tensors = state.tensors.iter().map(|(name, own)| (name.as_str(), own));
    tensors.filter(move |(name, _)| everywhere(name))
}

/// What the first rank writes for all: what all have, and what is its own, but no part.
pub(super) fn of_first(sharing: &Sharing, state: &TrainState) -> TrainState {
    let kept = |name: &str| place(sharing, name) != Place::Parted;
    let tensors = state.tensors.iter().filter(|(name, _)| kept(name));
    TrainState { tensors: tensors.map(|(name, own)| (name.clone(), own.clone())).collect() }
}

/// Writes a rank's file, if it has anything to write; what the facts say of it.
///
/// # Errors
/// As [`super::save`].
pub(super) fn write(
    folder: &Path,
    facts: &Facts,
    sharing: &Sharing,
    state: &TrainState,
) -> Result<Option<Part>, Error> {
    let world = sharing.world;
    let own = |name: &str| match place(sharing, name) {
        Place::Everywhere => false,
        Place::Own => world.rank > 0,
        Place::Parted => true,
    };
    let tensors = state.tensors.iter().filter(|(name, _)| own(name));
    let tensors: Vec<(&str, &Tensor)> = tensors.map(|(name, own)| (name.as_str(), own)).collect();
    if tensors.is_empty() {
        return Ok(None);
    }
    let [_, facts_path] = facts::paths(folder, facts);
    let path = path(&facts_path, world.rank as u64);
    let bytes = encoded(tensors.into_iter(), &path)?;
    fs::write_whole(&path, &bytes)?;
    let columns = (sharing.head == HeadShare::Sharded).then(|| {
        let own = world.part(facts.classes as usize);
        [own.start, own.end].map(|at| at as u64)
    });
    Ok(Some(Part { rank: world.rank as u64, columns, blake3: blake3::hash(&bytes).to_string() }))
}

/// The file of a rank, beside the facts.
fn path(facts_path: &Path, rank: u64) -> PathBuf {
    facts_path.with_extension(format!("rank-{rank}.{TENSORS}"))
}

/// The files of a checkpoint's ranks, beside its facts.
pub(super) fn paths<'f>(
    facts_path: &'f Path,
    facts: &'f Facts,
) -> impl Iterator<Item = PathBuf> + 'f {
    facts.parts.iter().map(|part| path(facts_path, part.rank))
}

/// Holds that the first rank sees what the others have written.
///
/// # Errors
/// [`Error::Checkpoint`] with a file that lies elsewhere.
pub(super) fn check_there(folder: &Path, facts: &Facts) -> Result<(), Error> {
    let [_, path] = facts::paths(folder, facts);
    match paths(&path, facts).find(|path| !path.is_file()) {
        None => Ok(()),
        Some(path) => {
            let found = "none, where another rank has written it; all must see one folder of runs";
            Err(Error::Checkpoint { path, found: found.to_owned() })
        }
    }
}

/// Cuts class columns that the state has whole down to those of `wanted`.
pub(super) fn cut(state: &mut TrainState, facts: &Facts, wanted: &Range<usize>) {
    for name in COLUMNS {
        let Some(own) = state.tensors.get_mut(name) else { continue };
        let is_whole = own.shape.last().is_some_and(|&columns| columns as u64 == facts.classes);
        if let Some(columns) = own.columns(wanted).filter(|_| is_whole) {
            *own = columns;
        }
    }
}

/// Files of ranks and tensors in a folder of checkpoints that no facts seal: what a run left that ended
/// while it wrote them.
pub(super) fn unsealed(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_unsealed = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        stem(&name.unwrap_or_default())
            .is_some_and(|stem| !folder.join(format!("{stem}.{FACTS}")).exists())
    };
    entries.map(|entry| entry.path()).filter(is_unsealed).collect()
}

/// What comes before the endings of a file of tensors that a run has written: `step-N` or `step-N+B`.
fn stem(name: &str) -> Option<&str> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (stem, endings) = name.split_once('.')?;
    let place = stem.strip_prefix("step-")?;
    let (steps, batches) = place.split_once('+').map_or((place, None), |(a, b)| (a, Some(b)));
    let rank = endings.strip_suffix(TENSORS)?.strip_suffix('.');
    let of_rank = rank.is_none_or(|rank| rank.strip_prefix("rank-").is_some_and(is_number));
    let is_place = is_number(steps) && batches.is_none_or(is_number);
    (is_place && of_rank && (rank.is_some() || endings == TENSORS)).then_some(stem)
}

/// Adds to a state what ranks hold apart: columns of `wanted`, and, for a rank of as many as wrote the
/// checkpoint, what is its own.
///
/// Memory: the wanted columns twice.
///
/// # Errors
/// [`Error::Checkpoint`]: a file that is missing, of other bytes, or without the columns that the facts
/// name.
pub(super) fn read(
    facts_path: &Path,
    facts: &Facts,
    world: World,
    wanted: &Range<usize>,
    state: &mut TrainState,
) -> Result<(), Error> {
    let mut parted = facts.parts.iter().filter_map(|part| part.columns);
    if let Some([_, last]) = parted.next_back().filter(|[_, last]| *last != facts.classes) {
        let found = format!("{last} class columns of {} classes", facts.classes);
        return Err(Error::Checkpoint { path: facts_path.to_path_buf(), found });
    }
    if facts.classes > LARGEST as u64 {
        let found = format!("{} classes, where there are at most {LARGEST}", facts.classes);
        return Err(Error::Checkpoint { path: facts_path.to_path_buf(), found });
    }
    let lengths =
        paths(facts_path, facts).map(|path| std::fs::metadata(path).map_or(0, |own| own.len()));
    let most = lengths.sum::<u64>();
    let mut columns: [Option<Tensor>; COLUMNS.len()] = [const { None }; COLUMNS.len()];
    let mut end = 0;
    for (part, path) in facts.parts.iter().zip(paths(facts_path, facts)) {
        let bad = |found: String| Error::Checkpoint { path: path.clone(), found };
        let is_own = world.ranks as u64 == facts.ranks && world.rank as u64 == part.rank;
        let range = part.columns.map(|[first, last]| first as usize..last as usize);
        if let Some(range) = &range {
            if range.start != end || range.end < range.start {
                return Err(bad(format!("columns {range:?} behind {end} others")));
            }
            end = range.end;
        }
        let overlaps =
            range.as_ref().is_some_and(|own| own.start < wanted.end && wanted.start < own.end);
        if !is_own && !overlaps {
            continue;
        }
        let bytes = fs::map(&path)?;
        let found = blake3::hash(&bytes).to_string();
        if found != part.blake3 {
            return Err(bad(format!(
                "bytes of BLAKE3 {found} where {} says {}",
                facts_path.display(),
                part.blake3
            )));
        }
        if let Some(range) = range.filter(|_| overlaps) {
            for (name, all) in COLUMNS.iter().zip(&mut columns) {
                taken(&bytes, name, &range, wanted, all, most).map_err(bad)?;
            }
        }
        if is_own {
            let own = floats(&bytes, &path)?.into_iter();
            let own = own.filter(|(name, _)| !COLUMNS.contains(&name.as_str()));
            state.tensors.extend(own);
        }
    }
    for (name, own) in COLUMNS.iter().zip(columns) {
        if let Some(own) = own {
            state.tensors.insert((*name).to_owned(), own);
        }
    }
    Ok(())
}

/// Puts the columns `range` of a part `[D, C_r]` where they belong among those of `wanted`; all parts together
/// have `most` bytes.
fn taken(
    bytes: &[u8],
    name: &str,
    range: &Range<usize>,
    wanted: &Range<usize>,
    all: &mut Option<Tensor>,
    most: u64,
) -> Result<(), String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let view = file.tensor(name).map_err(|error| error.to_string())?;
    let &[rows, columns] = view.shape() else {
        return Err(format!("{name} of {:?}", view.shape()));
    };
    if view.dtype() != Dtype::F32 || columns != range.len() {
        return Err(format!("{name} of {columns} columns where there should be {}", range.len()));
    }
    let bytes = (rows as u64).saturating_mul(4 * wanted.len() as u64);
    if bytes > most {
        return Err(format!("{name} of {rows} rows, more than all parts hold"));
    }
    let numbers = view.data().as_chunks::<4>().0;
    let all = all.get_or_insert_with(|| Tensor {
        shape: vec![rows, wanted.len()],
        data: vec![0.0; rows * wanted.len()],
    });
    if all.shape[0] != rows {
        return Err(format!("{name} of {rows} rows beside {}", all.shape[0]));
    }
    let both = range.start.max(wanted.start)..range.end.min(wanted.end);
    for row in 0..rows {
        let from = &numbers[row * columns + both.start - range.start..][..both.len()];
        let to = &mut all.data[row * wanted.len() + both.start - wanted.start..][..both.len()];
        to.iter_mut().zip(from).for_each(|(to, &word)| *to = f32::from_le_bytes(word));
    }
    Ok(())
}
