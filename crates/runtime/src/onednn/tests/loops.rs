//! The three products as plain loops in f64.

use super::super::shape::Pass;
use super::cases::Case;

/// The numbers of a node's output, and for each the sum of the magnitudes that were added.
pub(super) fn product(case: &Case, pass: Pass, [a, b]: &[Vec<f32>; 2]) -> (Vec<f64>, Vec<f64>) {
    let [x, w, y] = case.extents();
    let count = case.ports(pass).1.iter().product();
    let (mut sums, mut magnitudes) = (vec![0.0; count], vec![0.0; count]);
    let place = |extents: [usize; 4], [i, j, k, l]: [usize; 4]| {
        ((i * extents[1] + j) * extents[2] + k) * extents[3] + l
    };
    for image in 0..case.images {
        for (row, column) in pairs(y[1], y[2]) {
            for (down, right) in pairs(case.kernel, case.kernel) {
                // Where the kernel lies beside the image there are zeros.
                let at = |position: usize, offset: usize| {
                    (position * case.stride + offset).checked_sub(case.pad)
                };
                let (Some(height), Some(width)) = (at(row, down), at(column, right)) else {
                    continue;
                };
                if height >= case.height || width >= case.width {
                    continue;
                }
                for (output, input) in pairs(case.outputs, case.inputs) {
                    let x = place(x, [image, height, width, input]);
                    let w = place(w, [output, input, down, right]);
                    let y = place(y, [image, row, column, output]);
                    let (made, left, right) = match pass {
                        Pass::Forward => (y, x, w),
                        Pass::ByImages => (x, w, y),
                        Pass::ByKernels => (w, x, y),
                    };
                    let product = f64::from(a[left]) * f64::from(b[right]);
                    sums[made] += product;
                    magnitudes[made] += product.abs();
                }
            }
        }
    }
    (sums, magnitudes)
}

fn pairs(first: usize, second: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..first).flat_map(move |own| (0..second).map(move |other| (own, other)))
}
