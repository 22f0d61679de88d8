//! `train/`: a folder of aligned pictures for each identity, of mixed quality.

use std::path::Path;

use rayon::prelude::*;

use super::drawing::Drawing;
use super::look::{Conditions, Look};
use super::shot::{Camera, Shot};
use super::stage::folder;
use super::{Error, SetReport};
use crate::progress::Progress;
use crate::seed::Stream;

/// The share of pictures that were small before they were enlarged.
const SMALL_SHARE: f64 = 0.6;
/// Their edge in pixels.
const SMALL_EDGE: (f64, f64) = (14.0, 44.0);

/// Writes `train/<identity>/<image>.jpg`.
pub(super) fn write(
    drawing: &Drawing,
    root: &Path,
    progress: &dyn Progress,
) -> Result<Vec<SetReport>, Error> {
    let digits = drawing.identities.to_string().len().max(4);
    let folders: Vec<_> =
        (1..=drawing.identities).map(|number| root.join(format!("{number:0digits$}"))).collect();
    folders.iter().try_for_each(|path| folder(path))?;
    let images = u64::from(drawing.identities) * u64::from(drawing.images);
    progress.start("drawing train", images);
    (0..images).into_par_iter().try_for_each(|job| {
        let (identity, image) =
            (job / u64::from(drawing.images), job % u64::from(drawing.images) + 1);
        let path = folders[identity as usize].join(format!("{image}.jpg"));
        let mut stream = drawing.stream("train/image", &[identity, image]);
        draw(drawing, &mut stream, identity, &path)?;
        progress.advance(1);
        Ok::<_, Error>(())
    })?;
    progress.finish();
    Ok(vec![SetReport::new("train", "train", drawing.identities, images)])
}

fn draw(drawing: &Drawing, stream: &mut Stream, identity: u64, path: &Path) -> Result<(), Error> {
    let face = drawing.face("train", identity);
    let look = Look::draw(stream, &Conditions::WILD);
    let small = stream.uniform(0.0, 1.0) < SMALL_SHARE;
    let camera = Camera::draw(stream, if small { 0.5 } else { 0.3 });
    let resolution =
        if small { stream.uniform(SMALL_EDGE.0, SMALL_EDGE.1) as u32 } else { drawing.size };
    let shot = Shot { face: &face, look: &look, camera: &camera };
    let picture = shot.aligned(stream, resolution, drawing.size, 1.5);
    drawing.jpeg(path, &picture.to_pixels(), stream.uniform(55.0, 95.0) as u8)
}
