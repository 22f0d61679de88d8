//! `ijbb/IJBB/`: templates of several images and media, in loose crops, as IJB-B is laid out.
//!
//! Each subject has one gallery template, in S1 or in S2, and several probe templates, so
//! a probe is in one gallery and absent from the other. A medium is a still or a video,
//! whose frames share one look.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use rayon::prelude::*;

use super::drawing::Drawing;
use super::geometry::{Landmarks, point};
use super::look::{Conditions, Look};
use super::shot::{Camera, Shot, place};
use super::stage::{file, folder};
use super::{Error, SetReport};
use crate::progress::Progress;

/// Probe templates of a subject.
const PROBES: u64 = 3;
/// Media of a template, at most.
const MEDIA: u64 = 3;
/// Frames of a video, at most.
const FRAMES: u64 = 4;
/// Impostor pairs a genuine pair.
const IMPOSTORS: usize = 20;

/// Heights of the faces in pixels; their logarithm is uniform.
const FACE_PX: (f64, f64) = (24.0, 156.0);

const CONDITIONS: Conditions =
    Conditions { yaw: (0.0, 0.35), roll: 0.4, pitch: 0.15, ..Conditions::WILD };

/// One image; its number, from 1, is its name.
struct Image {
    number: u64,
    subject: u64,
    template: u64,
    medium: u64,
    /// Template 0 of a subject is its gallery template.
    of_subject: u64,
}

/// What a detector says of an image.
struct Detection {
    landmarks: Landmarks,
    score: f64,
}

/// Writes the set.
pub(super) fn write(
    drawing: &Drawing,
    root: &Path,
    progress: &dyn Progress,
) -> Result<Vec<SetReport>, Error> {
    let (crops, meta) = (root.join("IJBB/loose_crop"), root.join("IJBB/meta"));
    folder(&crops)?;
    folder(&meta)?;
    let images = images(drawing);
    progress.start("drawing ijbb", images.len() as u64);
    let detections = images.par_iter().map(|image| {
        let detection = draw(drawing, &crops, image)?;
        progress.advance(1);
        Ok(detection)
    });
    let detections: Vec<Detection> = detections.collect::<Result<_, Error>>()?;
    progress.finish();
    file(&meta.join("ijbb_name_5pts_score.txt"), name_5pts_score(&images, &detections))?;
    file(&meta.join("ijbb_face_tid_mid.txt"), face_tid_mid(&images))?;
    file(&meta.join("ijbb_template_pair_label.txt"), template_pair_label(drawing, &images))?;
    let half = |side: u64| move |image: &Image| image.of_subject == 0 && image.subject % 2 == side;
    file(&meta.join("ijbb_1N_gallery_S1.csv"), csv(&images, half(1)))?;
    file(&meta.join("ijbb_1N_gallery_S2.csv"), csv(&images, half(0)))?;
    file(&meta.join("ijbb_1N_probe_mixed.csv"), csv(&images, |image| image.of_subject > 0))?;
    Ok(vec![SetReport::new("ijbb", "ijbb", drawing.test_identities, images.len() as u64)])
}

/// The images, subject by subject; templates and media are numbered from 1.
fn images(drawing: &Drawing) -> Vec<Image> {
    let mut stream = drawing.stream("ijbb/templates", &[]);
    let (mut images, mut template, mut medium) = (Vec::new(), 0, 0);
    for subject in 1..=u64::from(drawing.test_identities) {
        for of_subject in 0..=PROBES {
            template += 1;
            for _ in 0..=stream.below(MEDIA) {
                medium += 1;
                let frames = if stream.below(3) == 0 { 2 + stream.below(FRAMES - 1) } else { 1 };
                for _ in 0..frames {
                    let number = images.len() as u64 + 1;
                    images.push(Image { number, subject, template, medium, of_subject });
                }
            }
        }
    }
    images
}

fn draw(drawing: &Drawing, crops: &Path, image: &Image) -> Result<Detection, Error> {
    let face = drawing.face("ijbb", image.subject);
    let mut look = Look::draw(&mut drawing.stream("ijbb/medium", &[image.medium]), &CONDITIONS);
    // Frames of one medium differ in pose and quality only.
    let mut stream = drawing.stream("ijbb/image", &[image.number]);
    look.pose = Look::draw(&mut stream, &CONDITIONS).pose;
    let badness = stream.uniform(0.05, 0.8);
    let camera = Camera::draw(&mut stream, badness);
    let height = FACE_PX.0 * libm::pow(FACE_PX.1 / FACE_PX.0, stream.uniform(0.0, 1.0));
    let size = [1.5, 1.7].map(|around| (height * (around + stream.uniform(0.0, 0.5))) as u32);
    let middle = size.map(|edge| f64::from(edge) * stream.uniform(0.44, 0.56));
    let placing = place(height, point(middle[0], middle[1]), look.pose.roll);
    let shot = Shot { face: &face, look: &look, camera: &camera };
    let (picture, landmarks) = shot.scene(&mut stream, placing, (size[0], size[1]));
    let path = crops.join(format!("{}.jpg", image.number));
    drawing.jpeg(&path, &picture.to_pixels(), stream.uniform(60.0, 95.0) as u8)?;
    let sure = confidence(height, badness, look.pose.yaw) + stream.uniform(-0.06, 0.06);
    Ok(Detection { landmarks, score: sure.clamp(0.05, 0.999) })
}

/// How sure a detector is: more of large, sharp and frontal faces.
fn confidence(height_px: f64, badness: f64, yaw: f64) -> f64 {
    let large = ((height_px - 20.0) / 60.0).min(1.0);
    0.45 + 0.35 * large + 0.25 * (1.0 - badness) - 0.3 * yaw.abs()
}

fn name_5pts_score(images: &[Image], detections: &[Detection]) -> String {
    let mut lines = String::new();
    for (image, Detection { landmarks, score }) in images.iter().zip(detections) {
        // Writing to a string cannot err.
        let _ = write!(lines, "{}.jpg", image.number);
        for p in landmarks {
            let _ = write!(lines, " {:.3} {:.3}", p.x, p.y);
        }
        let _ = writeln!(lines, " {score:.3}");
    }
    lines
}

fn face_tid_mid(images: &[Image]) -> String {
    let line = |i: &Image| format!("{}.jpg {} {}\n", i.number, i.template, i.medium);
    images.iter().map(line).collect()
}

fn csv(images: &[Image], chosen: impl Fn(&Image) -> bool) -> String {
    let line =
        |i: &Image| format!("{},{},img/{}.jpg,{}\n", i.template, i.subject, i.number, i.medium);
    let header = "TEMPLATE_ID,SUBJECT_ID,FILENAME,SIGHTING_ID\n".to_owned();
    header + &images.iter().filter(|image| chosen(image)).map(line).collect::<String>()
}

/// Every genuine pair of templates, and impostor pairs drawn by chance; sorted.
fn template_pair_label(drawing: &Drawing, images: &[Image]) -> String {
    let mut templates: Vec<(u64, u64)> = images.iter().map(|i| (i.template, i.subject)).collect();
    templates.dedup();
    let mut pairs = BTreeMap::new();
    for (i, (first, subject)) in templates.iter().enumerate() {
        let same = templates[i + 1..].iter().take_while(|(_, other)| other == subject);
        pairs.extend(same.map(|(second, _)| ((*first, *second), 1)));
    }
    let count = templates.len();
    let all = count * (count - 1) / 2;
    let wanted = all.min(pairs.len() * (IMPOSTORS + 1));
    let mut stream = drawing.stream("ijbb/pairs", &[]);
    while pairs.len() < wanted {
        let [a, b] = [(); 2].map(|()| templates[stream.below(count as u64) as usize]);
        if a.1 < b.1 {
            pairs.insert((a.0, b.0), 0);
        }
    }
    pairs.iter().map(|((a, b), same)| format!("{a} {b} {same}\n")).collect()
}
