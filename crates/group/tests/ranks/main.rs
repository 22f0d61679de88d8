//! Jobs of several ranks under an mpiexec: the one that `QGFACE_TEST_MPI` names, else the one in `PATH`.
//!
//! Each test starts this program again, as ranks that do what a hidden variable says (`member`).

mod formulas;
mod job;
mod member;

use job::Started;
use std::time::Duration;

#[test]
fn every_collective_of_every_number_is_the_formulas() {
    for ranks in 1..=4 {
        let Some(job) = Started::of("collectives", ranks) else { return };
        let ended = job.wait();
        assert!(ended.status.success(), "{ranks} ranks: {ended}");
        assert_eq!(ended.output.matches("all is right").count(), ranks, "{ended}");
    }
}

#[test]
#[ignore = "takes 6 GiB and a minute"]
fn slices_longer_than_a_call_takes_are_whole() {
    let Some(job) = Started::of("long", 2) else { return };
    let ended = job.wait();
    assert!(ended.status.success(), "{ended}");
}

#[test]
fn threads_of_a_rank_share_its_group() {
    let Some(job) = Started::of("threads", 2) else { return };
    let ended = job.wait();
    assert!(ended.status.success(), "{ended}");
}

#[test]
fn ranks_know_their_machines() {
    let Some(job) = Started::on_machines("machines", 4) else { return };
    let ended = job.wait();
    assert!(ended.status.success(), "{ended}");
    assert_eq!(ended.output.matches("all is right").count(), 4, "{ended}");
}

#[test]
fn a_rank_that_is_killed_ends_the_job() {
    let Some(job) = Started::of("killed", 3) else { return };
    let ended = job.wait();
    assert!(!ended.status.success() && ended.lasted < Duration::from_secs(20), "{ended}");
}

#[test]
fn a_rank_that_ends_without_leaving_ends_the_job_with_an_error() {
    let Some(job) = Started::of("forgets", 2) else { return };
    let ended = job.wait();
    assert!(!ended.status.success() && ended.lasted < Duration::from_secs(20), "{ended}");
}

#[test]
fn an_abort_ends_all_ranks_with_its_code() {
    let Some(job) = Started::of("aborts", 3) else { return };
    let ended = job.wait();
    assert_eq!(ended.status.code(), Some(5), "{ended}");
    assert!(ended.lasted < Duration::from_secs(20), "{ended}");
}

#[test]
fn a_rank_that_does_not_come_is_told_of_and_ends_the_job() {
    let Some(job) = Started::of("absent", 3) else { return };
    let ended = job.wait();
    assert!(!ended.status.success() && ended.lasted < Duration::from_secs(30), "{ended}");
    // Whichever of the two sees it first.
    let told = |rank| ended.output.contains(&format!("rank {rank} at step 12: has waited"));
    assert!(told(0) || told(2), "{ended}");
    assert!(ended.output.contains("s in all-reduce for other ranks"), "{ended}");
}

#[test]
fn a_rank_that_does_not_join_is_told_of_and_ends_the_job() {
    let Some(job) = Started::of("late", 2) else { return };
    let ended = job.wait();
    assert!(!ended.status.success() && ended.lasted < Duration::from_secs(30), "{ended}");
    assert!(ended.output.contains("rank 0: has waited"), "{ended}");
    assert!(ended.output.contains("s in joining for other ranks"), "{ended}");
}

#[test]
fn an_error_of_mpis_comes_back_with_what_it_says() {
    let Some(job) = Started::of("fault", 2) else { return };
    let ended = job.wait();
    assert_eq!(ended.status.code(), Some(9), "{ended}");
    assert!(ended.output.contains("MPI_Bcast: MPI reports error"), "{ended}");
}

#[test]
fn another_launchers_library_is_refused() {
    let Some(job) = Started::with_anothers_library("refused", 2) else { return };
    let ended = job.wait();
    if ended.output.contains("the system cannot load it") {
        eprintln!(
            "skipped: no library of the other family is found; set QGFACE_TEST_OTHER_MPI_LIBRARY"
        );
        return;
    }
    assert_eq!(ended.status.code(), Some(9), "{ended}");
    assert!(ended.output.contains("started this process as one of 2, and the library"), "{ended}");
    assert!(ended.output.contains("set MPI_DYLIB_PATH to the launcher's own library"), "{ended}");
}
