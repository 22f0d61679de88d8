//! Rows of what moves, repeats or reduces elements.

use super::{Case, Gradient, distinct, normal, ties};
use qgface_data::graph::{self, Axes, Builder, Op, Value, World};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = reductions();
    cases.extend(moves());
    cases.extend(joins());
    cases.extend(exchanges());
    cases.push(announcement());
    cases
}

/// What is announced is read by nothing else, and the first input goes on as it is.
fn announcement() -> Case {
    let case = Case::new("Announce", [normal(&[2]), normal(&[2, 3])], |g, x| {
        let made = g.exp(x[1]);
        g.announce(x[0], 7, &[made])
    });
    case.gradient(Gradient::Refused)
}

/// Between ranks of which there is one: what is lowered is nothing. Several have `together.rs`.
fn exchanges() -> Vec<Case> {
    let alone = World::ALONE;
    [
        Op::AllReduce(alone, graph::Reduction::Sum),
        Op::AllReduce(alone, graph::Reduction::Max),
        Op::AllGather(alone),
        Op::ReduceScatter(alone),
        Op::Broadcast(alone, 0),
    ]
    .into_iter()
    .map(|op| {
        Case::new(format!("{op:?}"), [normal(&[2, 3])], move |g, x| {
            let y = g.apply(op.clone(), x);
            g.exp(y)
        })
    })
    .collect()
}

type Reduction = fn(Axes) -> Op;

const REDUCTIONS: [(&str, Reduction); 3] =
    [("ReduceSum", Op::ReduceSum), ("ReduceMean", Op::ReduceMean), ("ReduceMax", Op::ReduceMax)];

fn reductions() -> Vec<Case> {
    // Images over all but their channel are lowered in a way of their own.
    let shapes: [(&[usize], &[usize]); 6] = [
        (&[2, 3], &[1]),
        (&[2, 3, 4], &[0, 2]),
        (&[2, 3, 4], &[0, 1, 2]),
        (&[2, 3, 4], &[]),
        (&[2, 3, 4, 5], &[0, 2, 3]),
        (&[2, 3, 4, 5], &[2, 3]),
    ];
    let mut cases = Vec::new();
    for (name, reduction) in REDUCTIONS {
        for (shape, axes) in shapes {
            for keep in [true, false] {
                let over = Axes { axes: axes.to_vec(), keep };
                let op = reduction(over.clone());
                let build = move |g: &mut Builder, x: &[Value]| g.apply(op.clone(), x);
                let title = format!("{name} of {shape:?} over {axes:?}, kept: {keep}");
                cases.push(Case::new(title, [distinct(shape)], build));
                if name == "ReduceMax" {
                    let op = reduction(over);
                    let build = move |g: &mut Builder, x: &[Value]| g.apply(op.clone(), x);
                    let title = format!("{name} of {shape:?} over {axes:?} at ties, kept: {keep}");
                    let case = Case::new(title, [ties(shape)], build);
                    cases.push(case.gradient(Gradient::Defined));
                }
            }
        }
    }
    // A sum's cotangent is small, and what stands before the sum must repeat it.
    cases.push(Case::new("a sum of exponentials", [normal(&[2, 3])], |g, x| {
        let y = g.exp(x[0]);
        g.reduce_sum_keep(y, &[1])
    }));
    cases.push(Case::new("a mean of joined parts", [normal(&[2, 3]), normal(&[2, 2])], |g, x| {
        let joined = g.concat(x, 1);
        g.mean(joined)
    }));
    cases
}

fn moves() -> Vec<Case> {
    let mut cases = vec![
        Case::new("Reshape", [normal(&[2, 3, 4])], |g, x| g.reshape(x[0], &[4, 6])),
        Case::new("Reshape to a number", [normal(&[1, 1])], |g, x| g.reshape(x[0], &[])),
        Case::new("Flatten", [normal(&[2, 3, 4])], |g, x| g.flatten(x[0])),
        Case::new("Transpose", [normal(&[2, 3])], |g, x| g.transpose(x[0], &[1, 0])),
        Case::new("Transpose in a circle", [normal(&[2, 3, 4])], |g, x| {
            g.transpose(x[0], &[2, 0, 1])
        }),
        Case::new("Expand", [normal(&[3, 1])], |g, x| g.expand(x[0], &[2, 3, 4])),
        Case::new("Expand of a number", [normal(&[])], |g, x| g.expand(x[0], &[2, 3])),
        Case::new("Expand to its own shape", [normal(&[2, 3])], |g, x| g.expand(x[0], &[2, 3])),
    ];
    let parts = [(0, 0, 1), (0, 1, 3), (1, 1, 3), (1, 0, 4), (1, 3, 4), (2, 1, 2)];
    for (axis, start, end) in parts {
        let name = format!("Slice on axis {axis} from {start} to {end}");
        cases.push(Case::new(name, [normal(&[3, 4, 2])], move |g, x| {
            g.slice(x[0], axis, start, end)
        }));
    }
    cases.push(Case::new("overlapping slices", [normal(&[4, 3])], |g, x| {
        let (a, b) = (g.slice(x[0], 0, 0, 3), g.slice(x[0], 0, 1, 4));
        g.mul(a, b)
    }));
    cases
}

fn joins() -> Vec<Case> {
    vec![
        Case::new("Concat on axis 0", [normal(&[2, 3]), normal(&[1, 3])], |g, x| g.concat(x, 0)),
        Case::new(
            "Concat of three on axis 1",
            [normal(&[2, 1, 3]), normal(&[2, 2, 3]), normal(&[2, 1, 3])],
            |g, x| g.concat(x, 1),
        ),
        Case::new("Concat of one", [normal(&[2, 3])], |g, x| g.concat(x, 1)),
        Case::new("Concat of a value with itself", [normal(&[2, 3])], |g, x| {
            g.concat(&[x[0], x[0]], 1)
        }),
    ]
}
