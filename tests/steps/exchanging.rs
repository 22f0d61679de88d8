//! What ranks exchange on a CUDA device, of one rank: `cargo test-cuda`.

use qgface_data::graph::{Builder, Element as Kind, World, lower};
use qgface_data::group::Group;
use qgface_data::runtime::{Device, Element, Nccl, NcclLibrary, OnMissing, Program, Runtime};
use std::num::NonZeroUsize;
use std::sync::Arc;

#[test]
#[ignore = "needs a CUDA device"]
fn cuda_exchanges_of_one_rank_give_back_what_they_get() {
    let world = World { ranks: 2, rank: 0 };
    let mut g = Builder::new();
    let x = g.input("x", Kind::Float, &[2, 3]);
    let sum = g.all_sum(x, world);
    let max = g.all_max(sum, world);
    let all = g.all_gather(max, world);
    let own = g.reduce_scatter(all, world);
    let told = g.broadcast(own, world, 0);
    let mut model = lower(&g.finish(vec![("y".to_owned(), told)]), "exchanges");
    // The nodes of two ranks, told that there is one.
    for node in &mut model.graph.as_mut().unwrap().node {
        let ranks = node.attribute.iter_mut().filter(|own| own.name == "ranks");
        ranks.for_each(|own| own.i = Some(1));
    }
    let group = Arc::new(Group::alone());
    let nccl = Nccl::join(NcclLibrary::find().unwrap(), &group, 0).unwrap();
    let runtime = Runtime::start(Device::Cuda(0), OnMissing::Refuse, &|_| ()).unwrap();
    let runtime = runtime.with_group(group).with_nccl(Some(nccl));
    let mut program = Program::open(&runtime, &model, NonZeroUsize::MIN).unwrap();
    let [x, y] = [(); 2].map(|()| program.buffer(Element::Float, &[2, 3]).unwrap());
    let numbers = [1.0, -2.0, 3.5, 0.0, 1e30, -0.25];
    x.write_floats(&numbers).unwrap();
    let mut binding = program.bind(&[("x", &x)], &[("y", &y)]).unwrap();
    program.run(&mut binding).unwrap();
    assert_eq!(y.read_floats().unwrap(), numbers);
}
