//! Takes a picture of a person: draws it, and spoils it as a camera would.

use super::backdrop;
use super::face::{Face, HEIGHT, MIDDLE_Y};
use super::geometry::{Landmarks, Point, Similarity, point, template};
use super::head::Head;
use super::look::Look;
use super::person;
use super::picture::{Colour, Picture};
use super::portrait::Portrait;
use crate::image::Pixels;
use crate::seed::Stream;

/// How well a picture was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Camera {
    /// How much a pixel takes from each neighbour in its row and column, 0 to 1/3.
    pub(super) blur_weight: f32,
    /// Half range of the noise, in parts of full scale.
    pub(super) noise: f32,
    /// Factor on the distance from mid grey.
    pub(super) contrast: f32,
    /// Added to every component.
    pub(super) brightness: f32,
    /// Multiplies the colours.
    pub(super) tint: Colour,
    /// Red, green and blue become their mean, as an infra-red sensor sees them.
    pub(super) monochrome: bool,
}

impl Camera {
    /// Draws a camera; `badness` is 0 for a good one and 1 for a surveillance camera.
    pub(super) fn draw(stream: &mut Stream, badness: f64) -> Camera {
        let mut tint = || 1.0 + stream.uniform(-0.12, 0.12) as f32 * (0.4 + badness as f32);
        let tint = Colour::new(tint(), tint(), tint());
        Camera {
            blur_weight: stream.uniform(0.0, 0.08 + 0.2 * badness) as f32,
            noise: stream.uniform(0.0, 0.015 + 0.08 * badness) as f32,
            contrast: stream.uniform(1.0 - 0.35 * badness, 1.1) as f32,
            brightness: stream.uniform(-1.0, 1.0) as f32 * (0.05 + 0.08 * badness as f32),
            tint,
            monochrome: false,
        }
    }

    /// Spoils `picture`.
    fn develop(&self, picture: &mut Picture, stream: &mut Stream) {
        picture.blur(self.blur_weight);
        let mut grain = Grain(stream.next_u64());
        let lift = 0.5 + self.brightness - 0.5 * self.contrast;
        picture.map(|colour| {
            let colour = if self.monochrome { grey(colour) } else { colour.times(self.tint) };
            let noise = if self.monochrome { grey(grain.next()) } else { grain.next() };
            colour * self.contrast + Colour::new(lift, lift, lift) + noise * self.noise
        });
    }
}

fn grey(colour: Colour) -> Colour {
    let [red, green, blue] = colour.0;
    let mean = (red + green + blue) / 3.0;
    Colour::new(mean, mean, mean)
}

/// Cheap noise: triangular on −1 to 1 for each component (xorshift64*).
struct Grain(u64);

impl Grain {
    fn next(&mut self) -> Colour {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D);
        let component = |shift: u32| {
            let (a, b) = ((bits >> shift) & 0x3ff, (bits >> (shift + 10)) & 0x3ff);
            (a + b) as f32 / 1023.0 - 1.0
        };
        Colour::new(component(4), component(24), component(44))
    }
}

/// One person in one look, seen by one camera.
pub(super) struct Shot<'a> {
    pub(super) face: &'a Face,
    pub(super) look: &'a Look,
    pub(super) camera: &'a Camera,
}

impl Shot<'_> {
    /// Draws the face aligned, at `resolution` pixels, and enlarges it to `edge`.
    ///
    /// The landmarks fall on the ArcFace template but for `jitter` pixels of 112.
    pub(super) fn aligned(
        &self,
        stream: &mut Stream,
        resolution: u32,
        edge: u32,
        jitter: f64,
    ) -> Picture {
        let resolution = resolution.min(edge);
        let size = f64::from(resolution);
        let Look { pose, expression, .. } = self.look;
        let mut head = Head::aligned(pose, self.face, expression, size);
        let shake = Shake::draw(stream, jitter * size / 112.0);
        head.placing = shake.after(&head.placing, size);
        let (picture, _) = self.draw(stream, head, (resolution, resolution));
        if resolution == edge { picture } else { shown(picture).enlarge(edge as usize) }
    }

    /// Draws the person where `placing` puts the head; returns where the landmarks are.
    pub(super) fn scene(
        &self,
        stream: &mut Stream,
        placing: Similarity,
        (width, height): (u32, u32),
    ) -> (Picture, Landmarks) {
        let head = Head::new(&self.look.pose, placing);
        let (picture, landmarks) = self.draw(stream, head, (width, height));
        (shown(picture), landmarks)
    }

    fn draw(
        &self,
        stream: &mut Stream,
        head: Head,
        (width, height): (u32, u32),
    ) -> (Picture, Landmarks) {
        let backdrop_seed = crate::seed::Seed::new(self.look.background);
        let mut backdrop_stream = backdrop_seed.stream("backdrop");
        let mut painter = backdrop::paint(&mut backdrop_stream, width as usize, height as usize);
        let portrait = Portrait::new(self.face, self.look, head);
        person::paint(&portrait, &mut painter, &mut backdrop_stream);
        self.camera.develop(&mut painter.picture, stream);
        (painter.picture, portrait.landmarks())
    }
}

/// `picture` as 8 bits hold it.
fn shown(mut picture: Picture) -> Picture {
    picture.map(|colour| Colour(colour.0.map(quantised)));
    picture
}

fn quantised(component: f32) -> f32 {
    f32::from((component.clamp(0.0, 1.0) * 255.0 + 0.5) as u8) / 255.0
}

/// Puts a head so that the face, hair included, is `height_px` high around `middle`.
pub(super) fn place(height_px: f64, middle: Point, roll: f64) -> Similarity {
    Similarity::placing(point(0.0, MIDDLE_Y), middle, height_px / HEIGHT, roll)
}

/// Warps `picture` so that `landmarks` fall on the template of an aligned picture.
pub(super) fn align(picture: &Picture, landmarks: &Landmarks, edge: u32) -> Pixels {
    let placing = Similarity::fit(landmarks, &template(f64::from(edge)));
    picture.warp(&placing, edge as usize, edge as usize).to_pixels()
}

/// What an imperfect landmark detector does to an alignment.
struct Shake {
    x: f64,
    y: f64,
    turn: f64,
    grow: f64,
}

impl Shake {
    fn draw(stream: &mut Stream, amount: f64) -> Shake {
        Shake {
            x: stream.uniform(-amount, amount),
            y: stream.uniform(-amount, amount),
            turn: stream.uniform(-0.04, 0.04),
            grow: stream.uniform(0.96, 1.04),
        }
    }

    fn after(&self, placing: &Similarity, size: f64) -> Similarity {
        let middle = point(size / 2.0, size / 2.0);
        let target = middle + point(self.x, self.y);
        let shake = Similarity::placing(middle, target, self.grow, self.turn);
        let (a, b) =
            (shake.a * placing.a - shake.b * placing.b, shake.b * placing.a + shake.a * placing.b);
        Similarity { a, b, shift: shake.apply(placing.shift) }
    }
}
