//! `tinyface/`: tiny faces to be found among distractors, as TinyFace is laid out.
//!
//! `tinyface/Testing_Set/` holds the pictures as taken and the two .mat files, and
//! `aligned_pad_0.1_pad_high/` the aligned copies under the same names.

use std::path::Path;

use rayon::prelude::*;

use super::drawing::Drawing;
use super::geometry::{Landmarks, point};
use super::look::{Conditions, Look};
use super::mat_writer::{Column, Storage, mat};
use super::picture::Picture;
use super::shot::{Camera, Shot, align, place};
use super::stage::{file, folder};
use super::{Error, SetReport};
use crate::progress::Progress;

/// Gallery images of an identity, and as many probes.
const IMAGES: u64 = 3;
/// Distractors an identity, each of somebody else.
const DISTRACTORS: u64 = 10;
/// Heights of the faces in pixels.
const FACE_PX: (f64, f64) = (12.0, 32.0);

const RAW: &str = "tinyface/Testing_Set";
const ALIGNED: &str = "aligned_pad_0.1_pad_high";
const FOLDERS: [&str; 3] = ["Probe", "Gallery_Match", "Gallery_Distractor"];

/// One image of the set.
struct Job {
    folder: &'static str,
    name: String,
    identity: u64,
    image: u64,
}

/// Writes the set.
pub(super) fn write(
    drawing: &Drawing,
    root: &Path,
    progress: &dyn Progress,
) -> Result<Vec<SetReport>, Error> {
    for name in FOLDERS {
        folder(&root.join(RAW).join(name))?;
        folder(&root.join(ALIGNED).join(name))?;
    }
    let jobs = jobs(u64::from(drawing.test_identities));
    progress.start("drawing tinyface", jobs.len() as u64);
    jobs.par_iter().try_for_each(|job| {
        draw(drawing, root, job)?;
        progress.advance(1);
        Ok::<_, Error>(())
    })?;
    progress.finish();
    lists(root, &jobs)?;
    Ok(vec![SetReport::new("tinyface", "tinyface", drawing.test_identities, jobs.len() as u64)])
}

/// Identity 1's images first; the distractors, whose identities follow, last.
fn jobs(identities: u64) -> Vec<Job> {
    let [probe, gallery, distractor] = FOLDERS;
    let of_identity = |identity: u64| {
        (1..=2 * IMAGES).map(move |image| {
            let folder = if image <= IMAGES { gallery } else { probe };
            Job { folder, name: format!("{identity}_{image}.jpg"), identity, image }
        })
    };
    let others = (1..=identities * DISTRACTORS).map(|number| {
        let name = format!("{number:06}.jpg");
        Job { folder: distractor, name, identity: identities + number, image: 1 }
    });
    (1..=identities).flat_map(of_identity).chain(others).collect()
}

/// Writes the picture of `job` and its aligned copy.
fn draw(drawing: &Drawing, root: &Path, job: &Job) -> Result<(), Error> {
    let (picture, landmarks) = picture(drawing, job);
    let raw = root.join(RAW).join(job.folder).join(&job.name);
    drawing.jpeg(&raw, &picture.to_pixels(), 92)?;
    let aligned = root.join(ALIGNED).join(job.folder).join(&job.name);
    drawing.jpeg(&aligned, &align(&picture, &landmarks, drawing.size), 95)
}

fn picture(drawing: &Drawing, job: &Job) -> (Picture, Landmarks) {
    let mut stream = drawing.stream("tinyface/image", &[job.identity, job.image]);
    let face = drawing.face("tinyface", job.identity);
    let look = Look::draw(&mut stream, &Conditions::WILD);
    let camera = Camera::draw(&mut stream, 0.5);
    let height = stream.uniform(FACE_PX.0, FACE_PX.1);
    let size = [1.55, 1.65].map(|around| (height * (around + stream.uniform(0.0, 0.35))) as u32);
    let middle = size.map(|edge| f64::from(edge) * stream.uniform(0.47, 0.53));
    let placing = place(height, point(middle[0], middle[1]), look.pose.roll);
    let shot = Shot { face: &face, look: &look, camera: &camera };
    shot.scene(&mut stream, placing, (size[0], size[1]))
}

/// Writes the two .mat files: one compressed, as MATLAB saves, and one plain.
///
/// An identity fits uint16: there are at most 25,000.
fn lists(root: &Path, jobs: &[Job]) -> Result<(), Error> {
    let [probe, gallery, _] = FOLDERS;
    let files = [
        (gallery, "gallery_match_img_ID_pairs.mat", "gallery_set", "gallery_ids"),
        (probe, "probe_img_ID_pairs.mat", "probe_set", "probe_ids"),
    ];
    for ((folder, name, set, ids), storage) in
        files.iter().zip([Storage::Compressed, Storage::Plain])
    {
        let listed: Vec<&Job> = jobs.iter().filter(|job| job.folder == *folder).collect();
        let names: Vec<String> = listed.iter().map(|job| job.name.clone()).collect();
        let numbers: Vec<u16> = listed.iter().map(|job| job.identity as u16).collect();
        let variables = [(*set, Column::Names(&names)), (*ids, Column::Numbers(&numbers))];
        let path = root.join(RAW).join(name);
        let bytes =
            mat(&variables, storage).map_err(|source| Error::Io { path: path.clone(), source })?;
        file(&path, bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::*;

    /// Aligned pictures as vectors: the mean removed, of length 1.
    fn vectors(drawing: &Drawing, jobs: &[Job], keep_mean: bool) -> Vec<Vec<f32>> {
        let draw = |job: &Job| {
            let (picture, landmarks) = picture(drawing, job);
            let data = align(&picture, &landmarks, drawing.size).data;
            let mut vector: Vec<f32> = data.iter().map(|value| f32::from(*value)).collect();
            let mean = vector.iter().sum::<f32>() / vector.len() as f32;
            if !keep_mean {
                vector.iter_mut().for_each(|value| *value -= mean);
            }
            let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
            vector.iter_mut().for_each(|value| *value /= length);
            vector
        };
        jobs.par_iter().map(draw).collect()
    }

    /// The share of probes whose most similar picture, by cosine, is of their identity.
    fn rank_1(jobs: &[Job], vectors: &[Vec<f32>]) -> f64 {
        let cosine = |a: usize, b: usize| -> f32 {
            vectors[a].iter().zip(&vectors[b]).map(|(x, y)| x * y).sum()
        };
        let is_probe = |i: &usize| jobs[*i].folder == FOLDERS[0];
        let (probes, gallery): (Vec<usize>, Vec<usize>) = (0..jobs.len()).partition(is_probe);
        let found = |probe: &&usize| {
            let best =
                gallery.iter().max_by(|a, b| cosine(**probe, **a).total_cmp(&cosine(**probe, **b)));
            best.is_some_and(|best| jobs[*best].identity == jobs[**probe].identity)
        };
        probes.iter().filter(found).count() as f64 / probes.len() as f64
    }

    #[test]
    fn raw_pixels_find_fewer_than_three_in_ten() {
        for seed in 0..3 {
            let options = Options { size: 20, seed, ..Options::new("unused".into()) };
            let drawing = Drawing::new(&options).unwrap();
            let jobs = jobs(12);
            for keep_mean in [true, false] {
                let found = rank_1(&jobs, &vectors(&drawing, &jobs, keep_mean));
                assert!(found < 0.3, "seed {seed}, keep_mean {keep_mean}: rank-1 is {found}");
            }
        }
    }

    #[test]
    fn landmarks_lie_inside_the_picture() {
        let drawing = Drawing::new(&Options::new("unused".into())).unwrap();
        for job in jobs(10) {
            let (picture, landmarks) = picture(&drawing, &job);
            let (right, bottom) = (picture.width as f64 - 1.0, picture.height as f64 - 1.0);
            for p in landmarks {
                let inside = (0.0..=right).contains(&p.x) && (0.0..=bottom).contains(&p.y);
                assert!(inside, "{}: {p:?}", job.name);
            }
        }
    }

    #[test]
    fn gallery_and_probes_share_identities_and_distractors_have_others() {
        let jobs = jobs(10);
        let folder = |name: &str| jobs.iter().filter(move |job| job.folder == name).count();
        assert_eq!(FOLDERS.map(folder), [30, 30, 100]);
        let distractors = jobs.iter().filter(|job| job.folder == FOLDERS[2]);
        let mut others: Vec<u64> = distractors.map(|job| job.identity).collect();
        others.dedup();
        assert_eq!(others, (11..=110).collect::<Vec<u64>>());
    }
}
