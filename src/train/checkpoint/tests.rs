//! Checkpoints of one rank and of several.

use super::*;
use crate::eval::sets::{LFW, TINYFACE};
use crate::metrics::table::{RANK, THRESHOLD, TIES};
use crate::nn::HeadShare;
use crate::train::Tensor;
use indexmap::IndexMap;
use std::collections::BTreeMap;

const BEST: Measure = Measure::of_set(&TINYFACE, RANK.at(1));

fn state() -> TrainState {
    let tensor = |data: &[f32]| Tensor { shape: vec![data.len()], data: data.to_vec() };
    let tensors = [("b".to_owned(), tensor(&[1.0, -0.0])), ("a".to_owned(), tensor(&[2.5]))];
    TrainState { tensors: tensors.into_iter().collect() }
}

fn facts_of(step: u64, score: f64) -> Facts {
    let ties = Measure::of_set(&TINYFACE, TIES.metric());
    let scores = [(BEST, score), (ties, 10.0 * score)].into_iter().collect();
    Facts { step, scores, ..Facts::new(BTreeMap::new(), vec![], 3) }
}

#[test]
fn a_state_comes_back_by_either_file_and_by_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), &facts_of(7, 0.0), &state()).unwrap();
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
    let amid = Facts { batches: 2, scores: IndexMap::new(), ..facts_of(7, 0.0) };
    let path = save(folder.path(), &amid, &state()).unwrap();
    assert!(path.ends_with("step-00000007+2.json"), "{}", path.display());
    save(folder.path(), &facts_of(7, 0.9), &state()).unwrap();
    let last = open(folder.path()).unwrap().facts;
    assert_eq!((last.step, last.batches), (7, 2));
    save(folder.path(), &facts_of(8, 0.1), &state()).unwrap();
    prune(folder.path(), 1, Some(BEST)).unwrap();
    let left = list(folder.path()).unwrap();
    let left: Vec<_> = left.iter().map(|(_, facts)| (facts.step, facts.batches)).collect();
    assert_eq!(left, [(7, 0), (8, 0)]);
}

#[test]
fn a_flipped_byte_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), &facts_of(7, 0.0), &state()).unwrap().with_extension(TENSORS);
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(matches!(open(&path), Err(Error::Checkpoint { .. })));
}

#[test]
fn the_best_is_the_highest_or_lowest_as_the_metric_says() {
    let all: Vec<(PathBuf, Facts)> = [(1, 0.1), (2, 0.9), (3, 0.9), (4, 0.1)]
        .map(|(step, score)| (PathBuf::new(), facts_of(step, score)))
        .into();
    assert_eq!(best(&all, BEST), Some((2, 0.9)));
    assert_eq!(best(&all, Measure::of_set(&TINYFACE, TIES.metric())), Some((1, 1.0)));
    assert_eq!(best(&all, Measure::of_set(&LFW, THRESHOLD.metric())), None);
}

#[test]
fn the_last_and_the_best_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    for (step, score) in [(1, 0.1), (2, 0.9), (3, 0.9), (4, 0.2), (5, 0.3)] {
        save(folder.path(), &facts_of(step, score), &state()).unwrap();
    }
    prune(folder.path(), 2, Some(BEST)).unwrap();
    let left: Vec<u64> = list(folder.path()).unwrap().iter().map(|(_, f)| f.step).collect();
    assert_eq!(left, [2, 4, 5]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 6);
}

const CLASSES: usize = 7;

fn sharing(ranks: usize, rank: usize) -> Sharing {
    let world = World { ranks, rank };
    Sharing { world, head: HeadShare::Sharded, ..Sharing::default() }
}

/// A state in which every number tells where it is from.
fn state_of(sharing: &Sharing) -> TrainState {
    let own = sharing.world.part(CLASSES);
    let columns = |sign: f32| Tensor {
        shape: vec![2, own.len()],
        data: (0..2)
            .flat_map(|row| own.clone().map(move |at| sign * (10 * row + at) as f32))
            .collect(),
    };
    let one = |number| Tensor { shape: vec![1], data: vec![number] };
    let tensors = [
        ("backbone.w".to_owned(), one(5.0)),
        ("backbone.n.running_mean".to_owned(), one(sharing.world.rank as f32)),
        ("head.kernel".to_owned(), columns(1.0)),
        ("momentum.head.kernel".to_owned(), columns(-1.0)),
    ];
    TrainState { tensors: tensors.into() }
}

/// A checkpoint of so many ranks, written one after the other, the first one last.
fn written(folder: &Path, ranks: usize) -> PathBuf {
    let mut facts = Facts { ranks: ranks as u64, classes: CLASSES as u64, ..facts_of(3, 0.0) };
    for rank in 0..ranks {
        let sharing = sharing(ranks, rank);
        facts.parts.extend(parts::write(folder, &facts, &sharing, &state_of(&sharing)).unwrap());
    }
    save(folder, &facts, &parts::of_first(&sharing(ranks, 0), &state_of(&sharing(ranks, 0))))
        .unwrap()
}

#[test]
fn a_state_comes_back_on_any_number_of_ranks() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), 3);
    for ranks in [1, 2, 3, 5] {
        for rank in 0..ranks {
            let world = World { ranks, rank };
            let read = open_as(&path, world, Some(world.part(CLASSES))).unwrap().state;
            let mut expected = state_of(&sharing(ranks, rank));
            // Of another number of ranks all go on with what is the first one's own.
            if ranks != 3 {
                expected.tensors["backbone.n.running_mean"].data = vec![0.0];
            }
            for (name, own) in &expected.tensors {
                assert_eq!(&read.tensors[name], own, "{name}: rank {rank} of {ranks}");
            }
        }
    }
    let whole = open(&path).unwrap().state;
    assert_eq!(whole.tensors["head.kernel"], state_of(&sharing(1, 0)).tensors["head.kernel"]);
}

#[test]
fn whole_columns_are_cut_where_ranks_have_parts_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let whole = state_of(&sharing(1, 0));
    let facts = Facts { classes: CLASSES as u64, ..facts_of(3, 0.0) };
    let path = save(folder.path(), &facts, &whole).unwrap();
    for rank in 0..2 {
        let world = World { ranks: 2, rank };
        let read = open_as(&path, world, Some(world.part(CLASSES))).unwrap().state;
        let expected = &state_of(&sharing(2, rank)).tensors["head.kernel"];
        assert_eq!(&read.tensors["head.kernel"], expected, "rank {rank}");
    }
    assert_eq!(open(&path).unwrap().state, whole);
}

#[test]
fn files_of_others_are_not_taken_for_leftovers() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str| std::fs::write(folder.path().join(name), "").unwrap();
    let own = ["step-00000001.safetensors", "step-00000001+2.rank-1.safetensors"];
    let others = [
        "step-00000001-best.safetensors",
        "step-1.copy.safetensors",
        "step-.safetensors",
        "best.rank-1.safetensors",
        "step-00000001.rank-x.safetensors",
    ];
    own.into_iter().chain(others).for_each(put);
    let mut found = parts::unsealed(folder.path());
    found.sort();
    let mut expected = own.map(|name| folder.path().join(name));
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_part_that_is_missing_or_damaged_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), 2);
    let part = folder.path().join("step-00000003.rank-1.safetensors");
    let bytes = std::fs::read(&part).unwrap();
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(&part, damaged).unwrap();
    let error = open(&path).unwrap_err();
    assert!(matches!(&error, Error::Checkpoint { path, .. } if *path == part), "{error}");
    std::fs::remove_file(&part).unwrap();
    assert!(matches!(open(&path), Err(Error::Files(_))));
}

#[test]
fn what_no_facts_seal_is_found_and_what_they_do_is_not() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path(), 2);
    assert_eq!(parts::unsealed(folder.path()), Vec::<PathBuf>::new());
    std::fs::remove_file(folder.path().join("step-00000003.json")).unwrap();
    assert_eq!(parts::unsealed(folder.path()).len(), 3);
}

#[test]
fn one_rank_writes_what_it_always_wrote() {
    let [own, together] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let (facts, alone) = (facts_of(3, 0.0), Sharing::default());
    save(own.path(), &facts, &state_of(&alone)).unwrap();
    save_together(together.path(), &facts, &alone, &state_of(&alone), &Group::alone()).unwrap();
    for name in ["step-00000003.json", "step-00000003.safetensors"] {
        let read = |folder: &Path| std::fs::read(folder.join(name)).unwrap();
        assert!(read(own.path()) == read(together.path()), "{name}");
    }
}
