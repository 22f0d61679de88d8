//! What lies on the face: eyes, brows, nose, mouth, and what age and habit add.

use super::geometry::{Point, point};
use super::head::mouth_corner;
use super::painter::Painter;
use super::picture::Colour;
use super::portrait::Portrait;

const WHITE: Colour = Colour::new(1.0, 1.0, 1.0);
const BLACK: Colour = Colour::new(0.0, 0.0, 0.0);
const EYE_WHITE: Colour = Colour::new(0.93, 0.92, 0.90);
const TEETH: Colour = Colour::new(0.93, 0.91, 0.86);
const THROAT: Colour = Colour::new(0.22, 0.06, 0.06);
/// Radius of an iris, in head units.
const IRIS: f64 = 3.3;
/// Segments of a curved line.
const SEGMENTS: usize = 12;

/// Paints the features of `portrait`.
pub(super) fn paint(portrait: &Portrait<'_>, painter: &mut Painter) {
    hollows(portrait, painter);
    wrinkles(portrait, painter);
    beard(portrait, painter);
    for side in [-1.0, 1.0] {
        eye(portrait, painter, side);
        brow(portrait, painter, side);
    }
    nose(portrait, painter);
    mouth(portrait, painter);
    if portrait.look.glasses {
        glasses(portrait, painter);
    }
}

/// `curve(s)` at `s` from −1 to 1.
fn arc(curve: impl Fn(f64) -> Point) -> Vec<Point> {
    (0..=SEGMENTS).map(|i| curve(2.0 * i as f64 / SEGMENTS as f64 - 1.0)).collect()
}

/// Soft shadows of the eye sockets, under the mouth and at the sides of the nose.
fn hollows(portrait: &Portrait<'_>, painter: &mut Painter) {
    let (face, head) = (portrait.face, &portrait.head);
    for side in [-1.0, 1.0] {
        let socket = head.on_face(side * face.eye_x * 0.95, -1.5);
        let reach = (face.eye_width * 2.0, face.brow_gap * 1.15);
        painter.shade(&portrait.ellipse(socket, reach.0, reach.1), 0.22);
        let cheek = head.on_face(side * face.cheek * 0.62, face.mouth_y * 0.55);
        painter.shade(&portrait.ellipse(cheek, 12.0, 9.0), -0.08);
    }
    let chin = head.on_face(0.0, face.mouth_y + face.lower_lip + 3.0);
    painter.shade(&portrait.ellipse(chin, face.mouth_width * 0.8, 4.0), 0.2);
}

/// Lines of the forehead, beside the mouth and under the eyes, and blotches.
fn wrinkles(portrait: &Portrait<'_>, painter: &mut Painter) {
    let strength = portrait.look.age as f32;
    if strength < 0.15 {
        return;
    }
    let (face, head) = (portrait.face, &portrait.head);
    let mut line = |path: Vec<Point>| {
        let colour = portrait.lit_at(portrait.look.colours.skin * 0.5, path[SEGMENTS / 2]);
        let width = 0.6 * portrait.scale;
        painter.stroke(&path, colour, 0.65 * strength, |t| width * 4.0 * t * (1.0 - t) + 0.02);
    };
    for row in [0.3, 0.5, 0.7] {
        let y = face.hairline_y * row - face.brow_gap * (1.0 - row) - 2.0;
        line(arc(|s| head.on_face(s * face.cheek * 0.55, y + 1.5 * s * s)));
    }
    for side in [-1.0, 1.0] {
        let (x, y) = (face.nose_width + 3.0, face.nose_length);
        line(arc(|s| head.on_face(side * (x + 4.0 * (s + 1.0)), y + 7.0 * (s + 0.8))));
        let (x, y) = (face.eye_x, face.eye_width * face.eye_open + 3.0);
        line(arc(|s| head.on_face(side * x + s * face.eye_width, y - 2.0 * s * s)));
    }
}

fn beard(portrait: &Portrait<'_>, painter: &mut Painter) {
    let amount = portrait.look.beard as f32;
    if amount > 0.0 {
        let (face, head) = (portrait.face, &portrait.head);
        let jaw = head.on_face(0.0, face.mouth_y + 4.0);
        let area = portrait.ellipse(jaw, 30.0, 20.0);
        painter.spot(&area, portrait.look.colours.hair, 0.75 * amount);
    }
}

fn eye(portrait: &Portrait<'_>, painter: &mut Painter, side: f64) {
    let (face, head, look) = (portrait.face, &portrait.head, portrait.look);
    let (sine, cosine) = (libm::sin(face.eye_tilt), libm::cos(face.eye_tilt));
    let at = |s: f64, rise: f64| {
        let along = s * face.eye_width;
        let (x, y) = (along * cosine + rise * sine, rise * cosine - along * sine);
        head.on_face(side * (face.eye_x + x), y)
    };
    let open = face.eye_width * face.eye_open * look.expression.lids;
    let upper = arc(|s| at(s, -open * (1.0 - s * s)));
    let lower = arc(|s| at(-s, 0.6 * open * (1.0 - s * s)));
    let almond: Vec<Point> = upper.iter().chain(&lower).copied().collect();
    let middle = at(0.0, 0.0);
    let tint = portrait.lit_at(WHITE, middle);
    painter.fill(&almond, 1.0, |_, _| EYE_WHITE.times(tint));
    painter.set_clip(&almond);
    let gaze = look.expression.gaze;
    let looking = at(side * gaze.0, gaze.1 * face.eye_width - 0.1 * open);
    let iris = portrait.ellipse(looking, IRIS, IRIS);
    painter.fill_clipped(&iris.outline(), look.colours.iris.times(tint));
    let pupil = portrait.ellipse(looking, IRIS * 0.5, IRIS * 0.5);
    painter.fill_clipped(&pupil.outline(), Colour::new(0.02, 0.02, 0.02));
    let glint = looking + point(IRIS * 0.3, -IRIS * 0.35) * portrait.scale;
    painter.fill_clipped(&portrait.ellipse(glint, 0.7, 0.7).outline(), WHITE);
    let lash = look.colours.brow.lerp(BLACK, 0.5);
    let scale = portrait.scale;
    painter.stroke(&upper, lash, 0.9, |t| scale * (0.5 + 0.5 * t));
    painter.stroke(&lower, look.colours.skin * 0.5, 0.6, |_| 0.3 * scale);
    let crease = arc(|s| at(s * 1.05, -open * (1.35 - s * s) - 0.6));
    painter.stroke(&crease, look.colours.skin * 0.55, 0.5, |_| 0.35 * scale);
}

fn brow(portrait: &Portrait<'_>, painter: &mut Painter, side: f64) {
    let (face, head) = (portrait.face, &portrait.head);
    let middle_y = -face.brow_gap - portrait.look.expression.brow_raise;
    let path = arc(|s| {
        let along = s * face.brow_length;
        let y = middle_y - along * face.brow_tilt - face.brow_arch * (1.0 - s * s);
        head.on_face(side * (face.eye_x + along), y)
    });
    let half = face.brow_thickness * 0.5 * portrait.scale;
    let colour = portrait.lit_at(portrait.look.colours.brow, path[SEGMENTS / 2]);
    painter.stroke(&path, colour, 0.93, |t| half * (1.0 - 0.65 * t * t));
}

fn nose(portrait: &Portrait<'_>, painter: &mut Painter) {
    let (face, head, look) = (portrait.face, &portrait.head, portrait.look);
    let (length, wing, scale) = (face.nose_length, face.nose_width, portrait.scale);
    let tip = head.nose(0.0, length, 1.0);
    let (skin, dark) = (look.colours.skin, if look.light.direction[0] > 0.0 { -1.0 } else { 1.0 });
    for side in [-1.0, 1.0] {
        let flank = [
            head.nose(side * face.nose_bridge * 0.5, -1.0, 0.2),
            head.nose(side * face.nose_bridge * 0.6, length * 0.6, 0.8),
            head.nose(side * wing * 0.4, length - 1.0, 0.9),
            head.nose(side * wing, length + 1.5, 0.3),
            head.on_face(side * (wing + 1.0), length),
            head.nose(side * (face.nose_bridge + 2.0), length * 0.5, 0.1),
            head.nose(side * (face.nose_bridge + 1.5), 0.0, 0.0),
        ];
        let amount = if side == dark { 0.34 } else { 0.12 };
        let shadow = portrait.lit_at(skin * 0.62, flank[4]);
        painter.fill(&flank, amount, |_, _| shadow);
        let around = arc(|s| {
            let turn = 1.0 - s * s;
            head.nose(side * (wing + 1.2 * turn - 0.6), length + 2.4 * s - 0.6, 0.35)
        });
        painter.stroke(&around, shadow * 0.85, 0.75, |t| 0.65 * scale * (0.4 + t));
        let nostril = portrait.ellipse(
            head.nose(side * wing * 0.48, length + 2.0, 0.6),
            face.nostril * 1.25,
            face.nostril * 0.8,
        );
        painter.fill(&nostril.outline(), 0.85, |_, _| skin * 0.22);
    }
    painter.shade(&portrait.ellipse(tip, wing * 0.55, 4.0), -0.16);
    let base = head.nose(0.0, length + 4.2, 0.2);
    painter.shade(&portrait.ellipse(base, wing * 1.1, 3.0), 0.25);
}

fn mouth(portrait: &Portrait<'_>, painter: &mut Painter) {
    let (face, head, look) = (portrait.face, &portrait.head, portrait.look);
    let (half, corner_y) = mouth_corner(face, &look.expression);
    let hang = face.mouth_y - corner_y;
    let gap = look.expression.open_mouth * 6.5;
    let at = |s: f64, above: f64| head.on_face(s * half, corner_y + hang * (1.0 - s * s) - above);
    let bulge = |s: f64| (1.0 - s * s).max(0.0);
    let bow = |s: f64| 1.0 - face.lip_bow * (1.0 - 3.5 * s.abs()).max(0.0);
    let top = arc(|s| at(s, face.upper_lip * bulge(s).sqrt() * bow(s) + 0.35 * gap * bulge(s)));
    let under_top = arc(|s| at(s, 0.35 * gap * bulge(s)));
    let over_bottom = arc(|s| at(s, -0.65 * gap * bulge(s)));
    let bottom = arc(|s| at(s, -face.lower_lip * bulge(s).sqrt() - 0.65 * gap * bulge(s)));
    let closed = |a: &[Point], b: &[Point]| -> Vec<Point> {
        a.iter().chain(b.iter().rev()).copied().collect()
    };
    let lip = portrait.lit_at(look.colours.lip, under_top[SEGMENTS / 2]);
    if gap > 0.2 {
        let inside = closed(&under_top, &over_bottom);
        painter.fill(&inside, 1.0, |_, _| THROAT);
        painter.set_clip(&inside);
        let teeth = arc(|s| at(s, 0.35 * gap * bulge(s) - (0.3 * gap).min(2.5)));
        painter
            .fill_clipped(&closed(&under_top, &teeth), TEETH.times(portrait.lit_at(WHITE, top[6])));
    }
    painter.fill(&closed(&top, &under_top), 1.0, |_, _| lip * 0.88);
    painter.fill(&closed(&over_bottom, &bottom), 1.0, |_, _| lip);
    let shine = head.on_face(0.0, face.mouth_y + 0.65 * gap + face.lower_lip * 0.5);
    painter.shade(&portrait.ellipse(shine, half * 0.5, face.lower_lip * 0.5), -0.15);
    let scale = portrait.scale;
    if gap <= 0.2 {
        painter.stroke(&under_top, lip * 0.35, 0.85, |t| scale * (0.3 + 1.2 * t * (1.0 - t)));
    }
}

fn glasses(portrait: &Portrait<'_>, painter: &mut Painter) {
    let (face, head) = (portrait.face, &portrait.head);
    let frame = Colour::new(0.08, 0.08, 0.1);
    let width = 0.8 * portrait.scale;
    let edge = |side: f64| {
        let lens = portrait.ellipse(head.on_face(side * face.eye_x, 1.0), 11.5, 9.5);
        let mut rim = lens.outline();
        rim.push(rim[0]);
        (lens, rim)
    };
    for side in [-1.0, 1.0] {
        let (lens, rim) = edge(side);
        painter.fill(&lens.outline(), 0.12, |_, _| WHITE);
        painter.stroke(&rim, frame, 0.95, |_| width);
        let hinge = head.on_face(side * (face.eye_x + 11.0), -1.0);
        let arm = head.on_outline(side * face.half_width(-2.0), -2.0);
        painter.stroke(&[hinge, arm], frame, 0.95, |_| width);
    }
    let inner = (face.eye_x - 11.5).max(1.0);
    let bridge = [head.nose(-inner, 0.0, 0.2), head.nose(inner, 0.0, 0.2)];
    painter.stroke(&bridge, frame, 0.95, |_| width);
}
