//! Templates: the faces of one person in several pictures and videos, as one vector.

use super::{Error, Rows, Scalar};
use rayon::prelude::*;
use std::ops::Range;

/// The faces of a set, and what the protocol says of each; the lists are in the order of the rows.
#[derive(Debug, Clone, Copy)]
pub struct Faces<'a, T> {
    /// One feature a face, (faces, width).
    pub features: Rows<'a, T>,
    /// Each face's template.
    pub templates: &'a [u64],
    /// Each face's picture or video.
    pub media: &'a [u64],
    /// What each face's feature is multiplied by first (norm, detector score), in the features'
    /// precision.
    pub weights: Option<&'a [f32]>,
}

/// Unit vectors of templates.
#[derive(Debug, Clone, PartialEq)]
pub struct Templates {
    ids: Vec<u64>,
    features: Vec<f64>,
    width: usize,
}

impl Templates {
    /// Merges faces: `template = L2(Σ over media of the mean over the media's faces)`.
    ///
    /// Media are added in ascending order, faces of one media in the order of the rows. Means and sums are
    /// in the features' precision, the norm and the quotient in `f64`: as `image2template_feature` of
    /// insightface's `ijb_11.py` and of QGFace.
    ///
    /// Rows are read once, in ascending order of template, in parallel; beyond the result this takes 20 bytes a face.
    /// Mapped features may be unmapped as soon as the templates are there.
    ///
    /// # Errors
    /// If the lists differ in length, there is no face, or the sum of a template is zero or not finite.
    pub fn from_faces<T: Scalar>(faces: &Faces<'_, T>) -> Result<Self, Error> {
        let (count, width) = (faces.features.len(), faces.features.width());
        let count_is = |what, found| {
            if found == count { Ok(()) } else { Err(Error::Count { what, expected: count, found }) }
        };
        count_is("templates of faces", faces.templates.len())?;
        count_is("media of faces", faces.media.len())?;
        count_is("weights of faces", faces.weights.map_or(count, <[f32]>::len))?;
        if count == 0 {
            return Err(Error::Empty { what: "face" });
        }
        let mut order: Vec<usize> = (0..count).collect();
        order.par_sort_unstable_by_key(|&face| (faces.templates[face], faces.media[face], face));
        let groups: Vec<Range<usize>> = runs(&order, faces.templates);
        let ids: Vec<u64> = groups.iter().map(|run| faces.templates[order[run.start]]).collect();
        let mut features = vec![0.0; groups.len() * width];
        let norms: Vec<f64> = features
            .par_chunks_exact_mut(width)
            .zip(&groups)
            .map_init(
                || Sums { media: vec![T::default(); width], all: vec![T::default(); width] },
                |sums, (template, run)| sums.merge(faces, &order[run.clone()], template),
            )
            .collect();
        let bad = norms.iter().position(|norm| !(*norm > 0.0 && norm.is_finite()));
        match bad {
            Some(bad) => Err(Error::NoDirection { template: ids[bad], norm: norms[bad] }),
            None => Ok(Self { ids, features, width }),
        }
    }

    /// Numbers of the templates, ascending; row `i` of [`Self::rows`] is template `ids()[i]`.
    #[must_use]
    pub fn ids(&self) -> &[u64] {
        &self.ids
    }

    /// The unit vectors, (templates, width).
    #[must_use]
    pub fn rows(&self) -> Rows<'_, f64> {
        let rows = Rows::new(&self.features, self.width);
        rows.unwrap_or_else(|error| unreachable!("templates are whole rows: {error}"))
    }

    /// Copies of some rows in the order asked for, as a gallery or probe set, (rows, width).
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn select(&self, rows: &[u32]) -> Vec<f64> {
        rows.iter().flat_map(|&row| self.rows().row(row as usize)).copied().collect()
    }
}

/// Ranges of `order` whose faces have the same label.
fn runs(order: &[usize], labels: &[u64]) -> Vec<Range<usize>> {
    let mut start = 0;
    let of_chunk = |chunk: &[usize]| {
        start += chunk.len();
        start - chunk.len()..start
    };
    order.chunk_by(|&a, &b| labels[a] == labels[b]).map(of_chunk).collect()
}

/// Room for the sums of one template.
struct Sums<T> {
    media: Vec<T>,
    all: Vec<T>,
}

impl<T: Scalar> Sums<T> {
    /// Writes the unit vector of the faces `members`; their norm before.
    fn merge(&mut self, faces: &Faces<'_, T>, members: &[usize], template: &mut [f64]) -> f64 {
        self.all.fill(T::default());
        for media in members.chunk_by(|&a, &b| faces.media[a] == faces.media[b]) {
            self.media.fill(T::default());
            for &face in media {
                let weight = faces.weights.map_or(T::ONE, |weights| T::of_f32(weights[face]));
                for (sum, &x) in self.media.iter_mut().zip(faces.features.row(face)) {
                    *sum = *sum + x * weight;
                }
            }
            let count = T::of_count(media.len());
            for (all, &sum) in self.all.iter_mut().zip(&self.media) {
                *all = *all + sum / count;
            }
        }
        let norm = self.all.iter().map(|x| x.to_f64() * x.to_f64()).sum::<f64>().sqrt();
        for (unit, sum) in template.iter_mut().zip(&self.all) {
            *unit = sum.to_f64() / norm;
        }
        norm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faces<'a>(data: &'a [f32], templates: &'a [u64], media: &'a [u64]) -> Faces<'a, f32> {
        Faces { features: Rows::new(data, 2).unwrap(), templates, media, weights: None }
    }

    #[test]
    fn a_template_is_the_unit_sum_of_its_medias_means() {
        // Template 7: media 1 has the mean (1, 0) of two faces, media 2 is (2, 4): (3, 4) / 5.
        let data = [0.0, 9.0, 2.0, 4.0, 0.5, 0.0, 1.5, 0.0];
        let made = Templates::from_faces(&faces(&data, &[3, 7, 7, 7], &[5, 2, 1, 1])).unwrap();
        assert_eq!(made.ids(), [3, 7]);
        assert_eq!((made.rows().row(0), made.rows().row(1)), (&[0.0, 1.0][..], &[0.6, 0.8][..]));
        assert_eq!(made.select(&[1, 0]), [0.6, 0.8, 0.0, 1.0]);
    }

    #[test]
    fn weights_multiply_faces_before_they_are_merged() {
        let weights = [3.0, 4.0];
        let input =
            Faces { weights: Some(&weights), ..faces(&[1.0, 0.0, 0.0, 1.0], &[1, 1], &[1, 2]) };
        assert_eq!(Templates::from_faces(&input).unwrap().rows().row(0), [0.6, 0.8]);
    }

    #[test]
    fn faces_that_cancel_out_are_refused_with_their_template() {
        let data = [1.0, 0.0, 1.0, 0.0, -1.0, 0.0];
        let error = Templates::from_faces(&faces(&data, &[1, 2, 2], &[1, 1, 2])).unwrap_err();
        assert_eq!(error, Error::NoDirection { template: 2, norm: 0.0 });
    }

    #[test]
    fn lists_of_other_lengths_are_refused() {
        assert!(Templates::from_faces(&faces(&[1.0, 0.0], &[1, 2], &[1])).is_err());
        assert!(Templates::from_faces(&faces(&[], &[], &[])).is_err());
    }
}
