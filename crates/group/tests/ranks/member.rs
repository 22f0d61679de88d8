//! What a rank does.

use crate::formulas;
use qgface_group::{Alarm, Engine, Group, Reduction, Stuck, started_by_launcher};
use std::io::Write;
use std::thread;
use std::time::Duration;

/// The variable that says it.
pub(crate) const ROLE: &str = "QGFACE_GROUP_TEST_ROLE";

#[test]
#[ignore = "run as a rank by the other tests"]
fn is_a_rank() {
    let Ok(role) = std::env::var(ROLE) else { return };
    assert!(started_by_launcher());
    match role.as_str() {
        "collectives" => collectives(),
        "long" => long(),
        "threads" => threads(),
        "machines" => machines(),
        "killed" => killed(),
        "forgets" => forgets(),
        "aborts" => aborts(),
        "absent" => absent(),
        "late" => late(),
        "fault" => fault(),
        "refused" => refused(),
        other => panic!("no role {other}"),
    }
}

fn join() -> Group {
    Group::join(None).unwrap_or_else(|error| panic!("{}", told(&error)))
}

fn told(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

fn leave(group: Group) {
    println!("rank {}: all is right", group.rank());
    group.leave().unwrap();
}

fn collectives() {
    let group = join();
    assert!(matches!(group.engine(), Engine::Mpi { .. }), "{}", group.engine());
    println!("rank {} of {} on {}", group.rank(), group.size(), group.engine());
    let place = group.place();
    assert_eq!((place.local_rank, place.local_size), (place.rank, place.size));
    assert_eq!((place.node, place.nodes), (0, 1));
    formulas::hold_for::<f32>(&group);
    formulas::hold_for::<f64>(&group);
    formulas::hold_for::<i32>(&group);
    formulas::hold_for::<i64>(&group);
    formulas::hold_for::<u64>(&group);
    formulas::hold_for::<u8>(&group);
    formulas::hold_at_the_ends_of_types(&group);
    formulas::are_the_same_bits_on_all_ranks(&group);
    texts(&group);
    group.barrier().unwrap();
    assert!(group.waited() > Duration::ZERO);
    let again = Group::join(None).unwrap_err().to_string();
    assert!(again.contains("it can join once"), "{again}");
    leave(group);
}

/// Texts of other lengths, one of them empty.
fn texts(group: &Group) {
    let text = |rank: usize| format!("rank {rank} ").repeat(1000 * (rank % 3));
    let all = group.gather_bytes(text(group.rank()).as_bytes()).unwrap();
    let expected: Vec<_> = (0..group.size()).map(|rank| text(rank).into_bytes()).collect();
    assert!(all == expected);
}

/// Slices of more bytes than go into one call; every number says whose it is and where it lies.
fn long() {
    const LENGTH: usize = (1 << 27) + 12_345;
    let group = join();
    let (rank, ranks) = (group.rank() as u64, group.size() as u64);
    let number = |rank: u64, place: usize| place as u64 * ranks + rank;
    let own: Vec<u64> = (0..LENGTH).map(|place| number(rank, place)).collect();
    let is = |found: &[u64], expected: &dyn Fn(usize) -> u64| {
        assert!(found.iter().enumerate().all(|(place, &found)| found == expected(place)));
    };
    let mut sum = own.clone();
    group.all_reduce(&mut sum, Reduction::Sum).unwrap();
    is(&sum, &|place| (0..ranks).map(|rank| number(rank, place)).sum());
    group.broadcast(&mut sum, 0).unwrap();
    let half = LENGTH / 2 + 99;
    let mut all = vec![0; half * group.size()];
    group.all_gather(&own[..half], &mut all).unwrap();
    for (rank, block) in all.chunks(half).enumerate() {
        is(block, &|place| number(rank as u64, place));
    }
    let mut part = vec![0; half];
    group.reduce_scatter(&all, &mut part).unwrap();
    is(&part, &|place| ranks * number(rank, place));
    leave(group);
}

/// Sums are of all ranks' numbers, whichever thread asks; which one is in turn does not matter, since they
/// all ask for the same.
fn threads() {
    let group = join();
    let sum = || {
        let mut numbers = vec![1_u64; 1000];
        group.all_reduce(&mut numbers, Reduction::Sum).unwrap();
        assert_eq!(numbers, vec![group.size() as u64; 1000]);
    };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100).for_each(|_| sum()));
        }
    });
    leave(group);
}

/// Two machines with two ranks each; in which order they are numbered is the launcher's matter.
fn machines() {
    let group = join();
    let place = group.place();
    assert_eq!((place.size, place.local_size, place.nodes), (4, 2, 2), "{place:?}");
    let own = [place.node as u64, place.local_rank as u64];
    let mut all = [0; 8];
    group.all_gather(&own, &mut all).unwrap();
    let mut places: Vec<_> = all.chunks(2).map(|place| (place[0], place[1])).collect();
    assert_eq!(places[0], (0, 0));
    places.sort_unstable();
    assert_eq!(places, [(0, 0), (0, 1), (1, 0), (1, 1)]);
    formulas::hold_for::<f32>(&group);
    leave(group);
}

#[allow(unsafe_code)]
fn killed() {
    let group = join();
    group.barrier().unwrap();
    if group.rank() == 1 {
        // SAFETY: it ends this process.
        unsafe { libc::raise(libc::SIGKILL) };
    }
    thread::sleep(Duration::from_millis(100));
    group.barrier().unwrap();
    leave(group);
}

/// Rank 1 ends with 0, as if it had done its work.
fn forgets() {
    let group = join();
    group.barrier().unwrap();
    if group.rank() == 1 {
        drop(group);
        std::process::exit(0);
    }
    // The other would wait for long.
    group.barrier().unwrap();
    leave(group);
}

/// Rank 1 ends all while the others wait for it.
fn aborts() {
    let group = join();
    group.barrier().unwrap();
    if group.rank() == 1 {
        group.abort(5);
    }
    group.barrier().unwrap();
    leave(group);
}

/// Rank 1 lives and does not come.
fn absent() {
    let group = join();
    group.on_timeout(Box::new(tell));
    group.set_patience(Duration::from_secs(2));
    group.at("step 12");
    group.barrier().unwrap();
    if group.rank() == 1 {
        thread::sleep(Duration::from_secs(90));
    }
    group.all_reduce(&mut [1.0_f32], Reduction::Sum).unwrap();
    leave(group);
}

/// In one piece, since other ranks tell of it, too.
fn tell(stuck: &Stuck) {
    std::io::stderr().write_all(format!("{stuck}\n").as_bytes()).unwrap();
}

/// Rank 1 does not even join. The others must have made contact with the launcher within the patience:
/// MPICH's does not notice the end of a process that has not.
fn late() {
    let rank =
        ["PMI_RANK", "OMPI_COMM_WORLD_RANK"].iter().find_map(|name| std::env::var(name).ok());
    if rank.as_deref() == Some("1") {
        thread::sleep(Duration::from_secs(90));
    }
    leave(
        Group::join_watched(
            None,
            Alarm { patience: Duration::from_secs(5), on_timeout: Box::new(tell) },
        )
        .unwrap(),
    );
}

/// Rank 1 expects fewer numbers than come.
fn fault() {
    let group = join();
    let length = if group.rank() == 1 { 10 } else { 1000 };
    let result = group.broadcast(&mut vec![0_i32; length], 0);
    if group.rank() == 1 {
        let error = result.expect_err("numbers are lost");
        eprintln!("{}", told(&error));
        std::process::exit(9);
    }
    group.barrier().unwrap();
    leave(group);
}

fn refused() {
    match Group::join(None) {
        Ok(group) => leave(group),
        Err(error) => {
            eprintln!("{}", told(&error));
            std::process::exit(9);
        }
    }
}
