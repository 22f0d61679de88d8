//! The calls, held against a stand-in: which, in which order, with what, behind which stream.

mod stand_in;

use super::api::StreamObject;
use super::error::Error;
use super::streams::Streams;
use super::{Nccl, NcclLibrary};
use crate::exchange::Carrier;
use crate::{Element, Program, Runtime, exchange};
use ort::operator::{ComputeContext, OperatorDomain};
use qgface_fs::causes::chain;
use qgface_graph::autodiff::backward;
use qgface_graph::graph::lower::DOMAIN;
use qgface_graph::graph::{Builder, Element as Kind, World, lower};
use qgface_graph::onnx::Model;
use qgface_group::Group;
use stand_in::{Call, asked, communicator, last, library};
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

const STREAM: usize = 0x50;

/// On the processor, where the stream is made up.
struct Processor;

impl Streams for Processor {
    fn provider(&self) -> Option<&'static str> {
        None
    }

    fn stream(&self, _: &ComputeContext) -> Result<NonNull<StreamObject>, ort::Error> {
        Ok(NonNull::without_provenance(STREAM.try_into().expect("not 0")))
    }
}

fn joined(library: NcclLibrary, device: u32) -> Result<Nccl, Error> {
    Nccl::join_on(library, &Arc::new(Group::alone()), device, Arc::new(Processor))
}

/// All exchanges one after the other, and the gradients through them.
fn model(ranks: usize, rank: usize) -> Model {
    let world = World { ranks, rank };
    let mut g = Builder::new();
    let x = g.input("x", Kind::Float, &[2, 3]);
    let sum = g.all_sum(x, world);
    let max = g.all_max(sum, world);
    let all = g.all_gather(max, world);
    let power = g.mul(all, all);
    let own = g.reduce_scatter(power, world);
    let told = g.broadcast(own, world, 1);
    let loss = g.reduce_sum(told, &[0, 1]);
    let gradient = backward(&mut g, loss, &[x])[0].expect("a gradient");
    let outputs =
        [("sum", sum), ("all", all), ("own", own), ("told", told), ("gradient", gradient)];
    lower(&g.finish(outputs.map(|(name, value)| (name.to_owned(), value)).into()), "exchanges")
}

/// Runs the model as a rank of two; what it has made, by name, or why nothing.
fn ran(
    runtime: &Runtime,
    nccl: &Nccl,
    rank: usize,
) -> Result<Vec<(String, Vec<f32>)>, crate::Error> {
    let carrier: Arc<dyn Carrier> = Arc::new(nccl.clone());
    let domain = exchange::add_to(OperatorDomain::new(DOMAIN).unwrap(), &carrier).unwrap();
    let runtime = runtime.clone().with_nccl(Some(nccl.clone()));
    let model = model(2, rank);
    let mut program = Program::open_with(&runtime, &model, NonZeroUsize::MIN, domain.into())?;
    let [inputs, outputs] = program.buffers()?;
    inputs[0].1.write_floats(&NUMBERS)?;
    assert_eq!(inputs[0].1.element(), Element::Float);
    let bound = |all: &'_ [(String, crate::Buffer)]| {
        all.iter().map(|(name, buffer)| (name.clone(), buffer.clone())).collect::<Vec<_>>()
    };
    let (read, made) = (bound(&inputs), bound(&outputs));
    let read: Vec<_> = read.iter().map(|(name, buffer)| (name.as_str(), buffer)).collect();
    let to: Vec<_> = made.iter().map(|(name, buffer)| (name.as_str(), buffer)).collect();
    let mut binding = program.bind(&read, &to)?;
    program.run(&mut binding)?;
    outputs.into_iter().map(|(name, buffer)| Ok((name, buffer.read_floats()?))).collect()
}

const NUMBERS: [f32; 6] = [1.0, -2.0, 3.5, 0.0, 10.0, -0.25];

#[test]
fn a_rank_joins_with_its_device_and_leaves_once() {
    let nccl = joined(library(), 3).unwrap();
    let address = last();
    asked(|own| assert_eq!((own.device, own.identifiers), (Some(3), 1)));
    communicator(address, |own| assert_eq!((own.ranks, own.rank), (1, 0)));
    let other = nccl.clone();
    drop(nccl);
    communicator(address, |own| assert!(!own.is_destroyed));
    assert_eq!((Carrier::ranks(&other), other.version()), (1, "2.30.7"));
    other.leave().unwrap();
    assert!(matches!(other.leave(), Err(Error::Ended)));
    drop(other);
    communicator(address, |own| assert!(own.is_destroyed && !own.is_aborted));
    drop(joined(library(), 3).unwrap());
    communicator(last(), |own| {
        assert!(own.is_aborted && !own.is_destroyed, "who fails waits for none")
    });
}

#[test]
fn what_is_refused_when_joining_is_told_and_nothing_is_joined() {
    for (function, said) in [
        ("cudaSetDevice", "cudaSetDevice(0): expected success, found error 1"),
        (
            "ncclGetUniqueId",
            "ncclGetUniqueId: expected success, found unhandled cuda error (1): as the test asks",
        ),
        (
            "ncclCommInitRank",
            "ncclCommInitRank: expected success, found unhandled cuda error (1): as the test asks",
        ),
    ] {
        asked(|own| own.refused = Some((function, 1)));
        let error = joined(library(), 0).unwrap_err();
        assert_eq!(error.to_string(), said);
        asked(|own| assert!(own.joined.is_empty()));
    }
}

#[test]
fn every_exchange_is_one_call_in_the_graph_s_order_behind_the_stream() {
    let Some(runtime) = Runtime::installed() else { return };
    let call = |function, count, number| Call { function, count, kind: 7, number, stream: STREAM };
    let mut of_ranks = Vec::new();
    for rank in 0..2 {
        let nccl = Nccl::of_ranks(library(), (2, rank), Arc::new(Processor));
        let made = ran(&runtime, &nccl, rank).unwrap();
        let calls = communicator(last(), |own| own.calls.clone());
        let forward = [
            call("ncclAllReduce", 6, 0),
            call("ncclAllReduce", 6, 2),
            call("ncclAllGather", 6, -1),
            call("ncclReduceScatter", 6, 0),
            call("ncclBroadcast", 6, 1),
        ];
        assert_eq!(calls[..5], forward, "rank {rank}");
        assert!(calls.len() > 8, "gradients are exchanged too: {calls:?}");
        let of = |name: &str| &made.iter().find(|(own, _)| own == name).unwrap().1;
        let sum = NUMBERS.map(|x| 2.0 * x);
        assert_eq!(of("sum")[..], sum);
        assert_eq!(of("all")[..], [sum, sum].concat());
        assert_eq!(of("own")[..], sum.map(|x| 2.0 * x * x));
        assert_eq!(of("told"), of("own"));
        of_ranks.push(calls);
    }
    assert_eq!(of_ranks[0], of_ranks[1], "ranks that call in another order wait for ever");
}

#[test]
fn a_call_that_is_refused_is_told_with_its_node() {
    let Some(runtime) = Runtime::installed() else { return };
    let nccl = Nccl::of_ranks(library(), (2, 0), Arc::new(Processor));
    asked(|own| own.refused = Some(("ncclAllGather", 3)));
    let said = chain(&ran(&runtime, &nccl, 0).unwrap_err());
    let expected = "ncclAllGather: expected success, found internal error (3): as the test asks";
    assert!(said.contains("AllGather") && said.contains(expected), "{said}");
}

#[test]
fn an_error_that_is_noticed_ends_what_devices_wait_in_and_nothing_is_exchanged_after() {
    let Some(runtime) = Runtime::installed() else { return };
    let nccl = Nccl::of_ranks(library(), (2, 0), Arc::new(Processor));
    let address = last();
    communicator(address, |own| own.noticed = 6);
    let begun = Instant::now();
    let is_over = || communicator(address, |own| own.is_aborted);
    let error = nccl.during(|| {
        while !is_over() && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    let said = error.unwrap_err().to_string();
    assert!(said.contains("remote process exited"), "{said}");
    assert!(is_over());
    let said = chain(&ran(&runtime, &nccl, 0).unwrap_err());
    assert!(said.contains("NCCL was ended after an error"), "{said}");
    drop(nccl);
    communicator(address, |own| assert!(!own.is_destroyed, "it is freed already"));
}
