//! `scface/`: a mugshot of each subject, and surveillance cameras at three distances.
//!
//! `all.txt` holds the landmarks in the pictures of `original/`; `aligned/` holds the
//! aligned copies under the same names. Five subjects also pass the infra-red cameras.

use std::fmt::Write;
use std::path::Path;

use rayon::prelude::*;

use super::drawing::Drawing;
use super::geometry::{Landmarks, point};
use super::look::{Conditions, Look};
use super::shot::{Camera, Shot, align, place};
use super::stage::{file, folder};
use super::{Error, SetReport};
use crate::progress::Progress;

/// The subjects SCface has, and the most this set has.
const SUBJECTS: u32 = 130;
/// Subjects seen by the infra-red cameras.
const INFRA_RED_SUBJECTS: u64 = 5;

/// How the pictures of one distance are taken.
struct Distance {
    /// Heights of the faces in pixels.
    face_px: (f64, f64),
    /// Width and height of the pictures.
    size: (u32, u32),
    /// Of the camera, 0 to 1.
    badness: f64,
}

const MUGSHOT: Distance = Distance { face_px: (150.0, 185.0), size: (240, 320), badness: 0.05 };
/// 4.20 m, 2.60 m and 1.00 m.
const DISTANCES: [Distance; 3] = [
    Distance { face_px: (14.0, 20.0), size: (48, 64), badness: 0.8 },
    Distance { face_px: (24.0, 32.0), size: (64, 84), badness: 0.65 },
    Distance { face_px: (40.0, 60.0), size: (112, 150), badness: 0.5 },
];

/// People who walk below a camera.
const PASSING: Conditions = Conditions { pitch: 0.16, yaw: (0.0, 0.2), ..Conditions::WILD };

/// One picture: a camera (0 is the mugshot) and a distance from 1 to 3.
struct Job {
    subject: u64,
    camera: u64,
    distance: usize,
}

impl Job {
    fn folder(&self) -> String {
        match self.camera {
            0 => "mugshot_frontal_cropped_all".to_owned(),
            1..=5 => format!("surveillance_cameras_distance_{}", self.distance),
            camera => format!("surveillance_cameras_IR_cam{camera}"),
        }
    }

    fn stem(&self) -> String {
        let Job { subject, camera, distance } = self;
        match camera {
            0 => format!("{subject:03}_frontal"),
            _ => format!("{subject:03}_cam{camera}_{distance}"),
        }
    }
}

/// Writes the set.
pub(super) fn write(
    drawing: &Drawing,
    root: &Path,
    progress: &dyn Progress,
) -> Result<Vec<SetReport>, Error> {
    let subjects = drawing.test_identities.min(SUBJECTS);
    let mut jobs = jobs(u64::from(subjects));
    for job in &jobs {
        folder(&root.join("original").join(job.folder()))?;
        folder(&root.join("aligned").join(job.folder()))?;
    }
    drawing.stream("scface/order", &[]).shuffle(&mut jobs);
    progress.start("drawing scface", jobs.len() as u64);
    let landmarks = jobs.par_iter().map(|job| {
        let landmarks = draw(drawing, root, job)?;
        progress.advance(1);
        Ok(landmarks)
    });
    let landmarks: Vec<Landmarks> = landmarks.collect::<Result<_, Error>>()?;
    progress.finish();
    file(&root.join("all.txt"), list(&jobs, &landmarks))?;
    Ok(vec![SetReport::new("scface", "scface", subjects, jobs.len() as u64)])
}

fn jobs(subjects: u64) -> Vec<Job> {
    let mut jobs = Vec::new();
    for subject in 1..=subjects {
        jobs.push(Job { subject, camera: 0, distance: 0 });
        let cameras = if subject <= INFRA_RED_SUBJECTS { 8 } else { 5 };
        for camera in 1..=cameras {
            jobs.extend((1..=3).map(|distance| Job { subject, camera, distance }));
        }
    }
    jobs
}

/// Writes the original and the aligned picture; returns the original's landmarks.
fn draw(drawing: &Drawing, root: &Path, job: &Job) -> Result<Landmarks, Error> {
    let mut stream =
        drawing.stream("scface/image", &[job.subject, job.camera, job.distance as u64]);
    let (distance, conditions) = match job.camera {
        0 => (&MUGSHOT, &Conditions::STUDIO),
        _ => (&DISTANCES[job.distance - 1], &PASSING),
    };
    let face = drawing.face("scface", job.subject);
    let look = Look::draw(&mut stream, conditions);
    // A camera has its own faults, the same for everybody it sees.
    let camera_stream = &mut drawing.stream("scface/camera", &[job.camera, job.distance as u64]);
    let mut camera = Camera::draw(camera_stream, distance.badness);
    camera.monochrome = job.camera > 5;
    let (width, height) = distance.size;
    let across = f64::from(width) * stream.uniform(0.45, 0.55);
    let down = f64::from(height) * stream.uniform(0.42, 0.52);
    let face_px = stream.uniform(distance.face_px.0, distance.face_px.1);
    let placing = place(face_px, point(across, down), look.pose.roll * 0.5);
    let shot = Shot { face: &face, look: &look, camera: &camera };
    let (picture, landmarks) = shot.scene(&mut stream, placing, distance.size);
    let path = |kind: &str| root.join(kind).join(job.folder()).join(job.stem() + ".jpg");
    drawing.jpeg(&path("original"), &picture.to_pixels(), 90)?;
    drawing.jpeg(&path("aligned"), &align(&picture, &landmarks, drawing.size), 95)?;
    Ok(landmarks)
}

/// `folder/stem` and four points a line: the eyes, the nose and the middle of the mouth.
fn list(jobs: &[Job], landmarks: &[Landmarks]) -> String {
    let mut lines = String::new();
    for (job, [left, right, nose, corner, other]) in jobs.iter().zip(landmarks) {
        lines += &format!("{}/{}", job.folder(), job.stem());
        for p in [*left, *right, *nose, (*corner + *other) * 0.5] {
            // Writing to a string cannot err.
            let _ = write!(lines, "\t{:.3}\t{:.3}", p.x, p.y);
        }
        lines.push('\n');
    }
    lines
}
