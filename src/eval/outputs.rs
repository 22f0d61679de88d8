//! What a model makes of a batch: features, and norms beside them.

use super::error::ModelFault;
use crate::runtime::Tensor;

/// Features of `images` rows, and norms.
pub(super) type Parted = (Vec<f32>, Option<Vec<f32>>);

/// Tells features from norms, of as many faces as were fed, and cuts off what fills a fixed batch up.
pub(super) fn part(outputs: Vec<Tensor>, images: usize, fed: usize) -> Result<Parted, ModelFault> {
    let expected = "features [N, D], and norms [N, 1] beside unit features";
    let odd = |output: &Tensor| ModelFault::OutputShape {
        expected,
        images: fed,
        name: output.name.clone(),
        found: format!("{:?}", output.shape),
    };
    let (mut features, mut norms) = (None, None);
    let several = outputs.len() > 1;
    for mut output in outputs {
        let rows = output.shape.first().copied().unwrap_or(0);
        let rest = output.shape.iter().skip(1);
        let width = rest.into_iter().try_fold(1_usize, |width, edge| width.checked_mul(*edge));
        let width = width.unwrap_or(0);
        if rows != fed || width == 0 {
            return Err(odd(&output));
        }
        output.data.truncate(images * width);
        let place = if several && width == 1 { &mut norms } else { &mut features };
        if place.is_some() || (width == 1 && !several) {
            return Err(odd(&output));
        }
        *place = Some(output.data);
    }
    features.map(|features| (features, norms)).ok_or(ModelFault::Outputs { found: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parted(shape: &[usize], images: usize, fed: usize) -> Result<Parted, ModelFault> {
        let data = vec![0.0; if shape.contains(&0) { 0 } else { shape.iter().product() }];
        part(vec![Tensor { name: "y".into(), shape: shape.to_vec(), data }], images, fed)
    }

    #[test]
    fn an_output_has_a_row_for_each_face_that_was_fed_and_no_more() {
        assert_eq!(parted(&[4, 5], 3, 4).unwrap().0.len(), 15);
        assert_eq!(parted(&[4, 5, 1, 1], 4, 4).unwrap().0.len(), 20);
        for shape in [&[8, 5][..], &[3, 5], &[4, 0], &[4], &[4, 1], &[], &[4, 1 << 62, 1 << 62, 0]]
        {
            assert!(
                matches!(parted(shape, 4, 4), Err(ModelFault::OutputShape { .. })),
                "{shape:?}"
            );
        }
    }
}
