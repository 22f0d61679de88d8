//! One feature of several views of an image.

use super::settings::Fusion;

/// What the views of an image are fused to.
#[derive(Debug, Clone, PartialEq)]
pub struct Fused {
    /// The feature; see [`Fusion`] for whether it is a unit vector.
    pub feature: Vec<f64>,
    /// Its norm, or the mean norm of the views.
    pub norm: f64,
}

/// Why views cannot be fused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `concat` of another number of views.
    #[error("concat joins two views, found {found}")]
    Views {
        /// How many there are.
        found: usize,
    },
    /// `faceness_score` without a detector's score.
    #[error("faceness_score weighs by the detector's score, and there is none for this image")]
    NoScore,
}

/// Fuses the views of one image: unit features e of one width, a norm n each, and the detector's score.
///
/// Opposite views of equal norm have no direction: their feature is not a number.
///
/// # Errors
/// See [`Error`].
///
/// # Panics
/// Without a view.
pub fn fuse(method: Fusion, views: &[(&[f64], f64)], score: Option<f64>) -> Result<Fused, Error> {
    let count = views.len() as f64;
    let mean_norm = views.iter().map(|(_, norm)| norm).sum::<f64>() / count;
    // Σ e·w over the views.
    let sum = |weight: &dyn Fn(f64) -> f64| {
        let mut sum = vec![0.0; views[0].0.len()];
        for (feature, norm) in views {
            let weight = weight(*norm);
            sum.iter_mut().zip(*feature).for_each(|(sum, e)| *sum += e * weight);
        }
        sum
    };
    match method {
        Fusion::NormWeightedAvg => {
            let all: f64 = views.iter().map(|(_, norm)| norm).sum();
            let (feature, _) = unit(sum(&|norm| norm / all));
            Ok(Fused { feature, norm: mean_norm })
        }
        Fusion::PreNormVectorAdd => {
            let (feature, norm) = unit(sum(&|norm| norm));
            Ok(Fused { feature, norm })
        }
        Fusion::Average => {
            let (feature, _) = unit(sum(&|_| 1.0));
            Ok(Fused { feature, norm: mean_norm })
        }
        Fusion::Concat => match views {
            [(first, _), (second, _)] => {
                Ok(Fused { feature: [*first, *second].concat(), norm: mean_norm })
            }
            _ => Err(Error::Views { found: views.len() }),
        },
        Fusion::FacenessScore => {
            let score = score.ok_or(Error::NoScore)?;
            let feature = sum(&|norm| norm).into_iter().map(|x| x * score).collect();
            Ok(Fused { feature, norm: mean_norm })
        }
    }
}

/// A vector's direction and its length.
fn unit(vector: Vec<f64>) -> (Vec<f64>, f64) {
    let norm = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    (vector.into_iter().map(|x| x / norm).collect(), norm)
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEWS: [(&[f64], f64); 2] = [(&[1.0, 0.0], 3.0), (&[0.0, 1.0], 4.0)];

    #[test]
    fn the_sum_of_the_unnormalised_views_has_the_norm_of_the_sum() {
        let fused = fuse(Fusion::PreNormVectorAdd, &VIEWS, None).unwrap();
        assert_eq!((fused.feature, fused.norm), (vec![0.6, 0.8], 5.0));
    }

    #[test]
    fn the_mean_weighted_by_norms_has_the_mean_norm() {
        let fused = fuse(Fusion::NormWeightedAvg, &VIEWS, None).unwrap();
        assert!((fused.feature[0] - 0.6).abs() < 1e-15 && fused.norm == 3.5);
    }

    #[test]
    fn the_detector_score_scales_the_sum() {
        let fused = fuse(Fusion::FacenessScore, &VIEWS, Some(0.5)).unwrap();
        assert_eq!(fused.feature, [1.5, 2.0]);
        assert_eq!(fuse(Fusion::FacenessScore, &VIEWS, None), Err(Error::NoScore));
    }

    #[test]
    fn concat_wants_two_views() {
        assert_eq!(fuse(Fusion::Concat, &VIEWS[..1], None), Err(Error::Views { found: 1 }));
        let fused = fuse(Fusion::Concat, &VIEWS, None).unwrap();
        assert_eq!(fused.feature, [1.0, 0.0, 0.0, 1.0]);
    }
}
