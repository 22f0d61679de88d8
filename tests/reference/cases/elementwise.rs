//! Rows of what acts on each element alone.

use super::{Case, Draw, Given, Gradient, coin, given, normal, positive, ties};
use qgface_data::graph::{Builder, Element, Value};

type Binary = fn(&mut Builder, Value, Value) -> Value;

/// Shapes of two values that broadcast.
const SHAPES: [[&[usize]; 2]; 7] = [
    [&[2, 3], &[2, 3]],
    [&[2, 3], &[3]],
    [&[2, 3], &[2, 1]],
    [&[2, 3], &[]],
    [&[1, 3], &[4, 2, 1]],
    [&[], &[2, 3]],
    [&[], &[]],
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = unary();
    cases.extend(binary());
    cases.extend(twice());
    cases.extend(at_ties());
    cases.extend(of_conditions());
    cases
}

fn unary() -> Vec<Case> {
    let detached = |g: &mut Builder, x: &[Value]| {
        let constant = g.detach(x[0]);
        g.mul(x[0], constant)
    };
    let cast = |g: &mut Builder, x: &[Value]| {
        let sum = g.scale(x[0], 4.0);
        let integers = g.cast(sum, Element::Int64);
        g.cast(integers, Element::Float)
    };
    vec![
        Case::new("Neg", [normal(&[2, 3])], |g, x| g.neg(x[0])),
        Case::new("Exp", [normal(&[2, 3])], |g, x| g.exp(x[0])),
        Case::new("Log", [positive(&[2, 3])], |g, x| g.log(x[0])),
        Case::new("Sqrt", [positive(&[2, 3])], |g, x| g.sqrt(x[0])),
        Case::new("Cos", [normal(&[2, 3])], |g, x| g.cos(x[0])),
        Case::new("Sin", [normal(&[2, 3])], |g, x| g.sin(x[0])),
        Case::new("Sigmoid", [normal(&[2, 3])], |g, x| g.sigmoid(x[0])),
        Case::new("Clip", [tenths(&[4, 5])], |g, x| g.clip(x[0], -0.5, 0.5)),
        Case::new("Clip at bounds", [ties(&[4, 5])], |g, x| g.clip(x[0], -1.0, 0.0))
            .gradient(Gradient::Defined),
        Case::new("Relu6", [tenths(&[4, 5])], |g, x| {
            let wide = g.scale(x[0], 10.0);
            g.relu6(wide)
        }),
        Case::new("Relu6 at its lower bound", [ties(&[4, 5])], |g, x| g.relu6(x[0]))
            .gradient(Gradient::Defined),
        Case::new("Detach", [normal(&[2, 3])], detached).gradient(Gradient::Defined),
        Case::new("Cast to integers", [tenths(&[2, 3])], cast),
    ]
}

fn binary() -> Vec<Case> {
    let operators: [(&str, Binary, Draw); 6] = [
        ("Add", Builder::add, Draw::Normal),
        ("Sub", Builder::sub, Draw::Normal),
        ("Mul", Builder::mul, Draw::Normal),
        ("Div", Builder::div, Draw::Positive),
        ("Max", Builder::max, Draw::Tenths(0.75)),
        ("Min", Builder::min, Draw::Tenths(0.75)),
    ];
    let mut cases = Vec::new();
    for (name, operator, draw) in operators {
        for [a, b] in SHAPES {
            let inputs = [tenths(a), given(b, draw.clone())];
            let build = move |g: &mut Builder, x: &[Value]| operator(g, x[0], x[1]);
            cases.push(Case::new(format!("{name} of {a:?} and {b:?}"), inputs, build));
        }
    }
    cases
}

/// One value read twice, by one operator or by two.
fn twice() -> Vec<Case> {
    let cubed = |g: &mut Builder, x: &[Value]| {
        let squared = g.mul(x[0], x[0]);
        g.mul(squared, x[0])
    };
    let sums = |g: &mut Builder, x: &[Value]| {
        let (rows, columns) = (g.reduce_sum_keep(x[0], &[1]), g.reduce_sum_keep(x[0], &[0]));
        g.mul(rows, columns)
    };
    let beside_its_sum = |g: &mut Builder, x: &[Value]| {
        let squared = g.mul(x[0], x[0]);
        let sum = g.reduce_sum_keep(squared, &[1]);
        let length = g.sqrt(sum);
        g.div(x[0], length)
    };
    let row_and_all = |g: &mut Builder, x: &[Value]| {
        let all = g.mul(x[0], x[1]);
        let sum = g.reduce_sum_keep(all, &[0]);
        g.add(sum, x[0])
    };
    vec![
        Case::new("x + x", [normal(&[2, 3])], |g, x| g.add(x[0], x[0])),
        Case::new("x − x", [normal(&[2, 3])], |g, x| g.sub(x[0], x[0])),
        Case::new("x·x", [normal(&[2, 3])], |g, x| g.mul(x[0], x[0])),
        Case::new("x/x", [positive(&[2, 3])], |g, x| g.div(x[0], x[0])),
        Case::new("x·x·x", [normal(&[2, 3])], cubed),
        Case::new("sums of rows times sums of columns", [normal(&[2, 3])], sums),
        Case::new("rows over their lengths", [positive(&[2, 3])], beside_its_sum),
        Case::new(
            "a row and what it broadcasts to",
            [normal(&[1, 3]), normal(&[2, 3])],
            row_and_all,
        ),
    ]
}

fn at_ties() -> Vec<Case> {
    let inputs = || [ties(&[4, 5]), ties(&[5])];
    let greater: Binary = Builder::max;
    let with_itself = move |g: &mut Builder, x: &[Value]| greater(g, x[0], x[0]);
    let cases = vec![
        Case::new("Max at ties", inputs(), |g, x| g.max(x[0], x[1])),
        Case::new("Min at ties", inputs(), |g, x| g.min(x[0], x[1])),
        Case::new("Max of a value and itself", [normal(&[2, 3])], with_itself),
    ];
    cases.into_iter().map(|case| case.gradient(Gradient::Defined)).collect()
}

/// Comparisons and what follows them. A condition stands for its float times a value, so that
/// gradients have a way.
fn of_conditions() -> Vec<Case> {
    let comparisons: [(&str, Binary); 3] = [
        ("Equal", Builder::equal),
        ("Less", Builder::less),
        ("LessOrEqual", Builder::less_or_equal),
    ];
    let mut cases = Vec::new();
    for (name, compare) in comparisons {
        let build = move |g: &mut Builder, x: &[Value]| {
            let condition = compare(g, x[0], x[1]);
            let float = g.cast(condition, Element::Float);
            g.mul(float, x[0])
        };
        let apart = [tenths(&[4, 5]), given(&[5], Draw::Tenths(0.75))];
        cases.push(Case::new(name, apart, build));
        let at_ties = Case::new(format!("{name} at ties"), [ties(&[4, 5]), ties(&[4, 1])], build);
        cases.push(at_ties.gradient(Gradient::Defined));
    }
    for (name, join) in [("And", Builder::and as Binary), ("Or", Builder::or)] {
        let build = move |g: &mut Builder, x: &[Value]| {
            let condition = join(g, x[0], x[1]);
            let float = g.cast(condition, Element::Float);
            g.mul(float, x[2])
        };
        cases.push(Case::new(name, [coin(&[4, 5]), coin(&[5]), normal(&[])], build));
    }
    let shapes: [[&[usize]; 3]; 5] = [
        [&[2, 3], &[2, 3], &[2, 3]],
        [&[3], &[2, 3], &[]],
        [&[2, 1], &[3], &[2, 3]],
        [&[2, 3], &[2, 1], &[1, 3]],
        [&[4, 1, 1], &[2, 3], &[3]],
    ];
    for [condition, a, b] in shapes {
        let name = format!("Where of {condition:?}, {a:?} and {b:?}");
        let inputs = [coin(condition), normal(a), normal(b)];
        cases.push(Case::new(name, inputs, |g, x| g.select(x[0], x[1], x[2])));
    }
    cases
}

/// At a distance from zero, from every tenth, and from what [`binary`] gives beside it.
fn tenths(shape: &[usize]) -> Given {
    given(shape, Draw::Tenths(0.25))
}
