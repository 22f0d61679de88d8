//! What changes from picture to picture: colours, light, pose, expression, surroundings.
//!
//! Nothing here depends on who is drawn, so no colour or shade tells an identity.

use crate::seed::Stream;

use super::picture::Colour;

/// The ranges a set draws its looks from.
#[derive(Debug, Clone)]
pub(super) struct Conditions {
    /// Range of the yaw's size, in radians; its sign is drawn apart.
    pub(super) yaw: (f64, f64),
    /// Largest pitch, up or down, in radians.
    pub(super) pitch: f64,
    /// Largest roll, in radians. An aligned picture has none.
    pub(super) roll: f64,
    /// Largest share of the light that comes from one side (0 to 1).
    pub(super) side_light: f64,
    /// Range of the wrinkles' strength (0 to 1).
    pub(super) age: (f64, f64),
    /// How often glasses are worn (0 to 1).
    pub(super) glasses: f64,
    /// How often something hides a part of the face (0 to 1).
    pub(super) occluder: f64,
}

impl Conditions {
    /// A cooperative subject under soft light; sets depart from here.
    pub(super) const STUDIO: Conditions = Conditions {
        yaw: (0.0, 0.06),
        pitch: 0.04,
        roll: 0.04,
        side_light: 0.25,
        age: (0.0, 0.3),
        glasses: 0.0,
        occluder: 0.0,
    };
    /// People who do not look at the camera.
    pub(super) const WILD: Conditions = Conditions {
        yaw: (0.0, 0.25),
        pitch: 0.12,
        roll: 0.25,
        side_light: 0.6,
        age: (0.0, 0.6),
        glasses: 0.08,
        occluder: 0.03,
    };
}

/// Which way the head is turned, in radians.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pose {
    /// About the vertical; positive points the nose to the viewer's right.
    pub(super) yaw: f64,
    /// Up or down.
    pub(super) pitch: f64,
    /// In the plane of the picture.
    pub(super) roll: f64,
}

/// What the face does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expression {
    /// 0 closed, 1 wide open.
    pub(super) open_mouth: f64,
    /// −1 to 1.
    pub(super) smile: f64,
    /// How far the brows go up, in head units.
    pub(super) brow_raise: f64,
    /// Factor on the opening of the eyes.
    pub(super) lids: f64,
    /// Where the irises are, in parts of the eye's half width.
    pub(super) gaze: (f64, f64),
}

impl Expression {
    /// Draws an expression.
    pub(super) fn draw(stream: &mut Stream) -> Expression {
        Expression {
            open_mouth: (stream.uniform(-1.4, 1.0)).max(0.0),
            smile: stream.uniform(-0.6, 1.0),
            brow_raise: stream.uniform(-1.0, 1.3),
            lids: stream.uniform(0.8, 1.12),
            gaze: (stream.uniform(-0.3, 0.3), stream.uniform(-0.12, 0.12)),
        }
    }
}

/// The colours of one picture, each component 0 to 1.
#[derive(Debug, Clone)]
pub(super) struct Colours {
    pub(super) skin: Colour,
    pub(super) hair: Colour,
    pub(super) brow: Colour,
    pub(super) iris: Colour,
    pub(super) lip: Colour,
    pub(super) clothes: Colour,
}

impl Colours {
    /// Draws colours; the hair is always darker than the skin.
    fn draw(stream: &mut Stream) -> Colours {
        let skin = any_of(stream, &SKINS).lerp(any_of(stream, &SKINS), 0.5);
        let skin = skin * stream.uniform(0.85, 1.1) as f32;
        let hair = any_of(stream, &HAIRS) * stream.uniform(0.7, 1.15) as f32;
        let hair = hair * (0.68 * skin.luma() / hair.luma()).min(1.0);
        let make_up = stream.uniform(0.25, 0.75) as f32;
        Colours {
            skin,
            hair,
            brow: hair.lerp(BLACK, stream.uniform(0.2, 0.6) as f32),
            iris: any_of(stream, &IRISES),
            lip: (skin * 0.8).lerp(Colour::new(0.66, 0.16, 0.2) * (0.4 + skin.luma()), make_up),
            clothes: any_colour(stream),
        }
    }
}

/// Where the light comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Light {
    /// Unit direction to the light: right, down, towards the viewer.
    pub(super) direction: [f32; 3],
    /// The share of the light that depends on the surface's slope.
    pub(super) strength: f32,
}

impl Light {
    fn draw(stream: &mut Stream, side_light: f64) -> Light {
        let (x, y) = (stream.uniform(-1.0, 1.0), stream.uniform(-0.9, 0.3));
        let length = (x * x + y * y + 0.36).sqrt();
        Light {
            direction: [(x / length) as f32, (y / length) as f32, (0.6 / length) as f32],
            strength: stream.uniform(0.1, 0.1 + side_light) as f32,
        }
    }
}

/// Something in front of the face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Occluder {
    /// A bar with this slant that crosses the face at this height, in head units.
    Bar { y: f64, slant: f64 },
    /// A scarf or mask from this height down.
    Mask { y: f64 },
}

/// Everything about one picture except who is on it and how it was taken.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) pose: Pose,
    pub(super) expression: Expression,
    pub(super) colours: Colours,
    pub(super) light: Light,
    /// How far the hair stands off the skull, in head units.
    pub(super) hair_volume: f64,
    /// y down to which the hair hangs behind the head, in head units.
    pub(super) hair_length: f64,
    /// Strength of a beard's shadow (0 to 1).
    pub(super) beard: f64,
    /// Strength of wrinkles (0 to 1).
    pub(super) age: f64,
    pub(super) glasses: bool,
    pub(super) occluder: Option<Occluder>,
    /// Names the stream of the background's shapes.
    pub(super) background: u64,
}

impl Look {
    /// Draws a look.
    pub(super) fn draw(stream: &mut Stream, conditions: &Conditions) -> Look {
        let side = if stream.below(2) == 0 { -1.0 } else { 1.0 };
        let pose = Pose {
            yaw: side * stream.uniform(conditions.yaw.0, conditions.yaw.1),
            pitch: stream.uniform(-conditions.pitch, conditions.pitch),
            roll: stream.uniform(-conditions.roll, conditions.roll),
        };
        Look {
            pose,
            expression: Expression::draw(stream),
            colours: Colours::draw(stream),
            light: Light::draw(stream, conditions.side_light),
            hair_volume: stream.uniform(1.0, 9.0),
            hair_length: stream.uniform(-10.0, 75.0),
            beard: (stream.uniform(-2.0, 0.8)).max(0.0),
            age: stream.uniform(conditions.age.0, conditions.age.1),
            glasses: stream.uniform(0.0, 1.0) < conditions.glasses,
            occluder: occluder(stream, conditions.occluder),
            background: stream.next_u64(),
        }
    }
}

fn occluder(stream: &mut Stream, probability: f64) -> Option<Occluder> {
    if stream.uniform(0.0, 1.0) >= probability {
        return None;
    }
    Some(match stream.below(2) {
        0 => Occluder::Bar { y: stream.uniform(10.0, 60.0), slant: stream.uniform(-0.8, 0.8) },
        _ => Occluder::Mask { y: stream.uniform(22.0, 34.0) },
    })
}

/// A colour of cloth, walls and leaves: any brightness, seldom vivid.
pub(super) fn any_colour(stream: &mut Stream) -> Colour {
    let grey = stream.uniform(0.1, 0.9) as f32;
    let mut component = || stream.uniform(0.05, 0.95) as f32;
    let vivid = Colour::new(component(), component(), component());
    Colour::new(grey, grey, grey).lerp(vivid, stream.uniform(0.1, 0.7) as f32)
}

fn any_of(stream: &mut Stream, colours: &[Colour]) -> Colour {
    colours[stream.below(colours.len() as u64) as usize]
}

const BLACK: Colour = Colour::new(0.0, 0.0, 0.0);
const SKINS: [Colour; 6] = [
    Colour::new(0.98, 0.84, 0.75),
    Colour::new(0.94, 0.76, 0.64),
    Colour::new(0.86, 0.67, 0.52),
    Colour::new(0.76, 0.56, 0.41),
    Colour::new(0.60, 0.42, 0.30),
    Colour::new(0.45, 0.31, 0.23),
];
const HAIRS: [Colour; 7] = [
    Colour::new(0.07, 0.06, 0.06),
    Colour::new(0.16, 0.11, 0.08),
    Colour::new(0.30, 0.19, 0.12),
    Colour::new(0.45, 0.30, 0.17),
    Colour::new(0.68, 0.52, 0.28),
    Colour::new(0.48, 0.20, 0.09),
    Colour::new(0.52, 0.51, 0.50),
];
const IRISES: [Colour; 5] = [
    Colour::new(0.25, 0.15, 0.08),
    Colour::new(0.12, 0.08, 0.06),
    Colour::new(0.28, 0.42, 0.60),
    Colour::new(0.28, 0.44, 0.30),
    Colour::new(0.42, 0.44, 0.46),
];
