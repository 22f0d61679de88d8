//! Rows of matrix products and convolutions.

use super::{Case, normal};
use qgface_data::graph::{Builder, Op, Value, Window};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = matrices();
    for [kernel, stride, pad] in WINDOWS {
        for [height, width] in [[7, 5], [6, 4]] {
            cases.push(conv(Window { kernel, stride, pad }, [3, 4], [height, width]));
        }
    }
    // From five channels on, gradients by kernels are lowered in another way.
    cases.push(conv(Window { kernel: 3, stride: 1, pad: 1 }, [5, 2], [7, 5]));
    cases.push(convolved_twice());
    for [kernel, stride, pad] in [[3, 1, 1], [3, 2, 1], [1, 1, 0], [2, 1, 0], [3, 3, 0]] {
        let window = Window { kernel, stride, pad };
        // A channel each, one to two, two to three, and all in one group.
        for [groups, inputs, outputs] in [[4, 4, 4], [3, 3, 6], [2, 4, 6], [1, 3, 2]] {
            cases.push(grouped(window, groups, [inputs, outputs]));
        }
    }
    cases
}

/// Kernel, stride, padding.
const WINDOWS: [[usize; 3]; 9] = [
    [3, 1, 1],
    [3, 2, 1],
    [1, 2, 0],
    [1, 1, 0],
    [1, 1, 1],
    [2, 1, 0],
    [2, 1, 1],
    [3, 1, 0],
    [4, 3, 1],
];

fn matrices() -> Vec<Case> {
    let mut cases = Vec::new();
    for (trans_a, trans_b) in [(false, false), (false, true), (true, false), (true, true)] {
        let a = if trans_a { [4, 3] } else { [3, 4] };
        let b = if trans_b { [2, 4] } else { [4, 2] };
        let build = move |g: &mut Builder, x: &[Value]| g.apply(Op::Gemm { trans_a, trans_b }, x);
        let name = format!("Gemm, transposed: {trans_a}, {trans_b}");
        cases.push(Case::new(name, [normal(&a), normal(&b)], build));
    }
    for (trans_a, trans_b) in [(false, false), (false, true), (true, false), (true, true)] {
        let a: [usize; 4] = if trans_a { [2, 3, 4, 3] } else { [2, 3, 3, 4] };
        let b: [usize; 4] = if trans_b { [2, 3, 2, 4] } else { [2, 3, 4, 2] };
        for first in [0, 1, 2] {
            let build =
                move |g: &mut Builder, x: &[Value]| g.apply(Op::MatMul { trans_a, trans_b }, x);
            let (a, b) = (&a[first..], &b[first..]);
            let name = format!("MatMul of {a:?} and {b:?}, transposed: {trans_a}, {trans_b}");
            cases.push(Case::new(name, [normal(a), normal(b)], build));
        }
    }
    cases.push(Case::new("Gemm of a matrix and itself", [normal(&[3, 4])], |g, x| {
        g.matmul_transposed(x[0], x[0])
    }));
    cases
}

/// Two images, and kernels of channels in groups.
fn grouped(window: Window, groups: usize, [inputs, outputs]: [usize; 2]) -> Case {
    let Window { kernel, stride, pad } = window;
    let name = format!(
        "GroupedConv by {kernel}, stride {stride}, padding {pad}, of {inputs} to {outputs} channels \
         in {groups} groups"
    );
    let w = [outputs, inputs / groups, kernel, kernel];
    let inputs = [normal(&[2, inputs, 6, 5]), normal(&w)];
    Case::new(name, inputs, move |g, x| g.grouped_conv(x[0], x[1], window, groups))
}

/// Two images, and kernels from one number of channels to another.
pub(crate) fn conv(
    window: Window,
    [inputs, outputs]: [usize; 2],
    [height, width]: [usize; 2],
) -> Case {
    let Window { kernel, stride, pad } = window;
    let name = format!(
        "Conv by {kernel}, stride {stride}, padding {pad}, of {inputs} to {outputs} channels at \
         {height}×{width}"
    );
    let inputs = [normal(&[2, inputs, height, width]), normal(&[outputs, inputs, kernel, kernel])];
    Case::new(name, inputs, move |g, x| g.conv(x[0], x[1], window))
}

/// Images and kernels each read by two convolutions.
fn convolved_twice() -> Case {
    let window = Window { kernel: 3, stride: 1, pad: 1 };
    let inputs = [normal(&[2, 3, 4, 4]), normal(&[3, 3, 3, 3])];
    Case::new("Conv of a Conv, with one kernel", inputs, move |g, x| {
        let once = g.conv(x[0], x[1], window);
        let twice = g.conv(once, x[1], window);
        g.add(twice, x[0])
    })
}
