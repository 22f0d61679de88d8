//! Comparing what jumps where a number crosses a bound: at the bound itself, either side is right.
//!
//! A slope, a clamp's gradient and a comparison decide by a number that was computed. Where it lies
//! within its own rounding of the bound, the width of a machine's vectors decides, and what follows
//! may differ by more than any tolerance. Such a number is a kink. The reference evaluator is then
//! run with the number moved to the bound's other side, by no more than its rounding, which changes
//! nothing but the decision, in every place that reads it. Without a kink nothing is granted.

use crate::arrays::{largest, mismatch};
use crate::reference::Tensor;
use qgface_data::graph::{Graph, Literal, Node, Op, Value};
use std::collections::{BTreeMap, BTreeSet};

/// How far from a bound a number counts as at it, in roundings of the larger of its array's largest
/// magnitude and the bound: what sums of a few hundred products and the division after them may be
/// apart in two orders. A hundred-thousandth of the numbers of a layer lies so near in 32 bits.
const REACH: f64 = 64.0;

/// Half the distance of 1 from the next number, by width.
pub(crate) const UNIT_F32: f64 = f32::EPSILON as f64 / 2.0;
pub(crate) const UNIT_F64: f64 = f64::EPSILON / 2.0;

/// A number at a bound, and a number on another side of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Kink {
    value: Value,
    element: usize,
    other: f64,
}

/// Called with each value as it is made.
pub(crate) type Hands<'h> = dyn FnMut(Value, &mut Tensor) + 'h;

/// Computes what is compared, with each value of a graph going through hands.
pub(crate) type Compute<'c> = dyn Fn(&mut Hands<'_>) -> Vec<Tensor> + 'c;

/// What is compared, of one case: all that a graph made of the same feeds.
pub(crate) struct Compared<'c> {
    /// What each output is called.
    pub(crate) names: Vec<String>,
    /// What the code under test made.
    pub(crate) own: Vec<Tensor>,
    /// What the oracle has; none where it has nothing.
    pub(crate) expected: Vec<Option<Tensor>>,
    /// Of each output, absolute.
    pub(crate) tolerances: Vec<f64>,
    /// The graph that decides.
    pub(crate) graph: &'c Graph,
    /// The same from the reference evaluator.
    pub(crate) compute: &'c Compute<'c>,
    /// Of the precision in which `own` and `expected` were computed.
    pub(crate) unit: f64,
}

impl Compared<'_> {
    /// Compares number by number; at kinks, with what the other sides make of the difference taken
    /// off. Returns how many kinks that took, or by what a number differs.
    pub(crate) fn verdict(&self) -> Result<usize, String> {
        let Some(difference) = self.first_mismatch(&self.own) else { return Ok(0) };
        let kinks = kinks(self.graph, self.compute, self.unit);
        let own: Vec<Option<Tensor>> = self.own.iter().cloned().map(Some).collect();
        let (own_sides, of_own) = self.nearest(&kinks, &own);
        let (oracle_sides, of_oracle) = self.nearest(&kinks, &self.expected);
        if own_sides == oracle_sides {
            return Err(format!("{difference}; no other side of {} kinks is nearer", kinks.len()));
        }
        let moved = self.own.iter().zip(of_own.iter().zip(&of_oracle));
        let moved: Vec<Tensor> = moved.map(|(own, (from, to))| shifted(own, from, to)).collect();
        if let Some(after) = self.first_mismatch(&moved) {
            return Err(format!("{difference}; at the oracle's sides {after}"));
        }
        for (at, name) in self.names.iter().enumerate() {
            if let Some(unlike) = mismatch(&self.own[at], &of_own[at], self.tolerances[at]) {
                return Err(format!("{difference}; at no side the evaluator's: {name}: {unlike}"));
            }
        }
        Ok(kinks.len())
    }

    fn first_mismatch(&self, own: &[Tensor]) -> Option<String> {
        let all = self.names.iter().zip(own).zip(self.expected.iter().zip(&self.tolerances));
        all.into_iter().find_map(|((name, own), (expected, tolerance))| {
            let found = mismatch(own, expected.as_ref()?, *tolerance)?;
            Some(format!("{name}: {found}"))
        })
    }

    /// The sides at which the evaluator comes nearest to `target`, and what it then makes: going
    /// over to another side as long as that brings it nearer. Kinks hardly depend on each other, so
    /// no other choice is nearer.
    fn nearest(&self, kinks: &[Kink], target: &[Option<Tensor>]) -> (Vec<Kink>, Vec<Tensor>) {
        let mut sides: Vec<Kink> = Vec::new();
        let mut made = (self.compute)(&mut |_, _| ());
        let mut distance = self.distance(&made, target);
        loop {
            let before = distance;
            for kink in kinks {
                let mut tried = sides.clone();
                match sides.iter().position(|side| side == kink) {
                    Some(at) => _ = tried.remove(at),
                    None => {
                        let place = |side: &Kink| (side.value, side.element);
                        tried.retain(|side| place(side) != place(kink));
                        tried.push(*kink);
                    }
                }
                let (other, apart) = self.at(&tried, target);
                if apart < distance {
                    (sides, made, distance) = (tried, other, apart);
                }
            }
            if distance >= before {
                return (sides, made);
            }
        }
    }

    fn at(&self, sides: &[Kink], target: &[Option<Tensor>]) -> (Vec<Tensor>, f64) {
        let made = (self.compute)(&mut |value, tensor: &mut Tensor| {
            for side in sides.iter().filter(|side| side.value == value) {
                tensor.data[side.element] = side.other;
            }
        });
        let distance = self.distance(&made, target);
        (made, distance)
    }

    /// The sum of the squares of all differences, each in tolerances.
    fn distance(&self, made: &[Tensor], target: &[Option<Tensor>]) -> f64 {
        let all = made.iter().zip(target).zip(&self.tolerances);
        all.filter_map(|((made, target), tolerance)| {
            let numbers = made.data.iter().zip(&target.as_ref()?.data);
            let known = numbers.filter(|(_, target)| !target.is_nan());
            Some(known.map(|(a, b)| ((a - b) / tolerance).powi(2)).sum::<f64>())
        })
        .sum()
    }
}

/// Says what a comparison took.
///
/// # Panics
/// With what differs.
pub(crate) fn say(what: &str, verdict: Result<usize, String>) {
    match verdict {
        Ok(0) => {}
        Ok(kinks) => println!("{what}: {kinks} numbers at kinks, compared with the oracle's sides"),
        Err(difference) => panic!("{what} {difference}"),
    }
}

fn shifted(own: &Tensor, from: &Tensor, to: &Tensor) -> Tensor {
    let numbers = own.data.iter().zip(from.data.iter().zip(&to.data));
    let data = numbers.map(|(own, (from, to))| own - from + to).collect();
    Tensor { shape: own.shape.clone(), data }
}

/// Whether one number stands so to another.
type Holds = fn(f64, f64) -> bool;

/// What a node decides by: two values, or one and zero.
fn decides(node: &Node) -> Option<(Holds, Value, Option<Value>)> {
    let holds: Holds = match node.op {
        Op::PReluInputGradient => |x, zero| x > zero,
        Op::Less => |a, b| a < b,
        Op::LessOrEqual => |a, b| a <= b,
        Op::Equal => |a, b| a == b,
        // All else that the networks here are made of goes on without a jump at its bounds: a
        // slope's value, a clamp, the larger of two, a pooling that looks at one pixel.
        _ => return None,
    };
    let second = (node.op != Op::PReluInputGradient).then(|| node.inputs[1]);
    Some((holds, node.inputs[0], second))
}

/// All numbers at a bound, with the sides that they do not stand on.
fn kinks(graph: &Graph, compute: &Compute<'_>, unit: f64) -> Vec<Kink> {
    let deciding = graph.nodes().iter().filter_map(decides);
    let read = deciding.flat_map(|(_, a, b)| std::iter::once(a).chain(b)).collect();
    let mut survey = Survey { graph, unit, read, exact: BTreeMap::new(), made: BTreeMap::new() };
    let mut found: Vec<Kink> = Vec::new();
    compute(&mut |value, tensor| {
        for kink in survey.see(value, tensor) {
            if !found.contains(&kink) {
                found.push(kink);
            }
        }
    });
    found
}

struct Survey<'g> {
    graph: &'g Graph,
    unit: f64,
    /// The values by which something is decided.
    read: BTreeSet<Value>,
    /// Whether a value has no rounding in it.
    exact: BTreeMap<Value, bool>,
    made: BTreeMap<Value, Tensor>,
}

impl Survey<'_> {
    fn see(&mut self, value: Value, tensor: &Tensor) -> Vec<Kink> {
        let graph = self.graph;
        let node = graph.node(value);
        let exact = self.is_exact(node, tensor);
        self.exact.insert(value, exact);
        if self.read.contains(&value) {
            self.made.insert(value, tensor.clone());
        }
        let Some((holds, a, b)) = decides(node) else { return Vec::new() };
        let rounded = |value: &Value| !self.exact[value];
        let (moves_a, moves_b) = (rounded(&a), b.as_ref().is_some_and(rounded));
        let zero = Tensor { shape: Vec::new(), data: vec![0.0] };
        let (left, right) = (&self.made[&a], b.map_or(&zero, |b| &self.made[&b]));
        // Where both are rounded, the one that is not repeated is moved.
        let left_moves = moves_a && (!moves_b || left.data.len() >= right.data.len());
        if !left_moves && !moves_b {
            return Vec::new();
        }
        let reach = REACH * self.unit * largest(left).max(largest(right));
        let mut kinks = Vec::new();
        for at in 0..tensor.data.len() {
            let [i, j] = [left, right].map(|read| repeated(read, &tensor.shape, at));
            let (x, y) = (left.data[i], right.data[j]);
            if (x - y).abs() > reach {
                continue;
            }
            let (value, element, bound) = if left_moves { (a, i, y) } else { (b.unwrap(), j, x) };
            let decided = |other: f64| if left_moves { holds(other, y) } else { holds(x, other) };
            let sides = [bound, bound.next_down(), bound.next_up()];
            let other = sides.into_iter().find(|&other| decided(other) != holds(x, y));
            kinks.extend(other.map(|other| Kink { value, element, other }));
        }
        kinks
    }

    /// What is only moved or chosen from numbers without rounding has none, nor have sums and
    /// products of whole numbers.
    fn is_exact(&self, node: &Node, made: &Tensor) -> bool {
        let representable = |x: &f64| self.unit == UNIT_F64 || f64::from(*x as f32) == *x;
        let whole = |x: &f64| x.fract() == 0.0 && x.abs() < 1.0 / UNIT_F32;
        let from_exact = || node.inputs.iter().all(|input| self.exact[input]);
        match &node.op {
            Op::Input | Op::Constant(Literal::Float(_)) => made.data.iter().all(representable),
            Op::Constant(Literal::Int64(_)) => true,
            Op::Add | Op::Sub | Op::Mul => from_exact() && made.data.iter().all(whole),
            Op::Detach
            | Op::Neg
            | Op::Clip { .. }
            | Op::Cast(_)
            | Op::Max
            | Op::Min
            | Op::Equal
            | Op::Less
            | Op::LessOrEqual
            | Op::And
            | Op::Or
            | Op::Where
            | Op::ReduceMax(_)
            | Op::Reshape(_)
            | Op::Flatten
            | Op::Transpose(_)
            | Op::Expand(_)
            | Op::Concat(_)
            | Op::Slice { .. }
            | Op::GatherColumns
            | Op::GatherElements
            | Op::ScatterElements => from_exact(),
            _ => false,
        }
    }
}

/// Which element of `read` stands at the position `at` of `shape`, to which it is repeated.
fn repeated(read: &Tensor, shape: &[usize], at: usize) -> usize {
    let (mut left, mut index, mut step) = (at, 0, 1);
    let mut own = read.shape.iter().rev();
    for extent in shape.iter().rev() {
        let here = left % extent;
        left /= extent;
        if let Some(&extent) = own.next() {
            index += if extent == 1 { 0 } else { here * step };
            step *= extent;
        }
    }
    index
}
