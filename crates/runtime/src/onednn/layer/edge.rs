//! What a constant image gives in a convolution with zeros around it: the same everywhere but at its edge.

use super::shape::{Geometry, Shape};

/// The sum over those of a kernel's places that lie on the image, for each position and output,
/// `[rows, columns, outputs]`; `places` are `[outputs, kernel rows, kernel columns]`.
pub(super) fn edge(shape: &Shape, places: &[f32]) -> Vec<f32> {
    let Geometry { kernel: [high, wide], strides, pads, .. } = shape.geometry;
    let [rows, columns] = shape.positions();
    let mut made = Vec::with_capacity(shape.position_numbers());
    // Whether place `at` of the kernel at `position` lies on the image.
    let on_image = |axis: usize, extent: usize, position: usize, at: usize| {
        let place = position * strides[axis] + at;
        (pads[axis]..pads[axis] + extent).contains(&place)
    };
    for row in 0..rows {
        let inner_rows: Vec<usize> =
            (0..high).filter(|&at| on_image(0, shape.height, row, at)).collect();
        for column in 0..columns {
            let inner_columns: Vec<usize> =
                (0..wide).filter(|&at| on_image(1, shape.width, column, at)).collect();
            made.extend(places.chunks_exact(high * wide).map(|places| {
                let sum = inner_rows.iter().flat_map(|row| {
                    inner_columns.iter().map(move |column| f64::from(places[row * wide + column]))
                });
                sum.sum::<f64>() as f32
            }));
        }
    }
    made
}
