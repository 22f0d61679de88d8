//! Rows of what chooses elements of a matrix by number.

use super::{Case, normal, numbers};
use qgface_data::graph::Op;

pub(super) fn cases() -> Vec<Case> {
    // Column 2 twice, column 1 never.
    let columns = || numbers(&[4], &[2, 0, 2, 3]);
    // Column 2 in two rows.
    let each = || numbers(&[3, 1], &[2, 0, 2]);
    vec![
        Case::new("LogSoftmax", [normal(&[3, 5])], |g, x| g.log_softmax(x[0])),
        Case::new("LogSoftmax of large numbers", [normal(&[3, 5])], |g, x| {
            let large = g.scale(x[0], 64.0);
            g.log_softmax(large)
        }),
        Case::new("Softmax of a matrix", [normal(&[3, 5])], |g, x| g.softmax(x[0])),
        Case::new("Softmax of large numbers of four axes", [normal(&[2, 2, 3, 5])], |g, x| {
            let large = g.scale(x[0], 32.0);
            g.softmax(large)
        }),
        Case::new("a mean of LogSoftmax", [normal(&[3, 5])], |g, x| {
            let y = g.log_softmax(x[0]);
            g.mean(y)
        }),
        Case::new("GatherColumns", [normal(&[3, 4]), columns()], |g, x| {
            g.gather_columns(x[0], x[1])
        }),
        Case::new("GatherColumns by a constant", [normal(&[3, 4])], |g, x| {
            let columns = g.integers(vec![3, 3, 0]);
            g.gather_columns(x[0], columns)
        }),
        Case::new("ScatterColumns", [normal(&[3, 4]), columns()], |g, x| {
            g.apply(Op::ScatterColumns(5), x)
        }),
        Case::new("GatherElements", [normal(&[3, 4]), each()], |g, x| {
            g.gather_elements(x[0], x[1])
        }),
        Case::new("ScatterElements", [normal(&[3, 4]), each(), normal(&[3, 1])], |g, x| {
            g.scatter_elements(x[0], x[1], x[2])
        }),
        Case::new("ScatterElements of an element of its own", [normal(&[3, 4]), each()], |g, x| {
            let element = g.gather_elements(x[0], x[1]);
            let squared = g.mul(element, element);
            g.scatter_elements(x[0], x[1], squared)
        }),
    ]
}
