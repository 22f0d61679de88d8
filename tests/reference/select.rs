//! What chooses elements of a matrix by number, and its rows' logarithmic softmax.

use super::Tensor;

/// `x − ln Σeˣ` of each row, with the largest taken out so that nothing overflows.
pub(super) fn log_softmax(x: &Tensor) -> Vec<f64> {
    let mut y = Vec::with_capacity(x.data.len());
    for row in rows(x) {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|x| (x - largest).exp()).sum();
        y.extend(row.iter().map(|x| x - largest - sum.ln()));
    }
    y
}

/// `eˣ/Σeˣ` along the last axis.
pub(super) fn softmax(x: &Tensor) -> Vec<f64> {
    let last = x.shape[x.shape.len() - 1];
    let matrix = Tensor::new(&[x.data.len() / last, last], x.data.clone());
    log_softmax(&matrix).into_iter().map(f64::exp).collect()
}

/// `y[r, k] = x[r, columns[k]]`.
pub(super) fn gather_columns(x: &Tensor, columns: &Tensor) -> Vec<f64> {
    let mut y = Vec::new();
    for row in rows(x) {
        y.extend(columns.data.iter().map(|&column| row[column as usize]));
    }
    y
}

/// `y[r, columns[k]] = Σ x[r, k]`, the rest zero.
pub(super) fn scatter_columns(x: &Tensor, columns: &Tensor, width: usize) -> Vec<f64> {
    let mut y = vec![0.0; x.shape[0] * width];
    for (from, to) in rows(x).zip(y.chunks_exact_mut(width)) {
        for (x, &column) in from.iter().zip(&columns.data) {
            to[column as usize] += x;
        }
    }
    y
}

/// `y[r] = x[r, columns[r]]`.
pub(super) fn gather_elements(x: &Tensor, columns: &Tensor) -> Vec<f64> {
    rows(x).zip(&columns.data).map(|(row, &column)| row[column as usize]).collect()
}

/// x, but `y[r, columns[r]] = updates[r]`.
pub(super) fn scatter_elements(x: &Tensor, columns: &Tensor, updates: &Tensor) -> Vec<f64> {
    let mut y = x.data.clone();
    let elements = columns.data.iter().zip(&updates.data);
    for (row, (&column, update)) in y.chunks_exact_mut(x.shape[1]).zip(elements) {
        row[column as usize] = *update;
    }
    y
}

fn rows(x: &Tensor) -> impl Iterator<Item = &[f64]> {
    x.data.chunks_exact(x.shape[1])
}
