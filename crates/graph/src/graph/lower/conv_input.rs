//! The gradient of a convolution by its images.

use super::convolution::{self, Extents, Way, fitting, named};
use super::emitter::{Emitter, integer};
use super::lowering::Lowering;
use super::ways::{IN_PLANES, Ways};
use crate::graph::{Node, Window};

/// The ways, the reference first.
static FORMULATIONS: [Way; 3] = [
    Way { name: "transposed", fits: |_| true, lower: transposed },
    Way { name: "turned kernels", fits: can_be_turned, lower: turned_kernels },
    Way { name: "turned images", fits: can_be_turned, lower: turned_images },
];

fn can_be_turned(window: Window) -> bool {
    window.stride == 1 && window.pad < window.kernel
}

/// From this height on, a convolution with the kernels turned is faster than a transposed one, which
/// reads all kernels anew for each image.
const LARGE: usize = 28;

impl Extents {
    /// Of w and dy, and the height and width of x.
    fn new(window: Window, w: &[usize], dy: &[usize], x: [usize; 2]) -> Self {
        let (&[o, i, ..], &[n, _, rows, columns]) = (w, dy) else { panic!("no images") };
        Self { n, i, o, x, dy: [rows, columns], window }
    }

    /// The window that goes over dy.
    fn opposite(&self) -> Window {
        let Window { kernel, pad, .. } = self.window;
        Window { pad: kernel - 1 - pad, ..self.window }
    }

    /// The built-in rule.
    fn built_in(&self) -> &'static str {
        let Self { n, i, x: [height, _], dy: [rows, columns], window, .. } = *self;
        let images_are_smaller = n * rows * columns < i * window.kernel * window.kernel;
        match () {
            () if !can_be_turned(window) => "transposed",
            () if height >= LARGE => "turned kernels",
            () if images_are_smaller => "turned images",
            () => "transposed",
        }
    }
}

/// Names of the ways that fit, the reference first, and of the built-in one, for w, dy, and the height
/// and width of x.
pub(super) fn ways(window: Window, w: &[usize], dy: &[usize], x: [usize; 2]) -> Ways {
    let built_in = Extents::new(window, w, dy, x).built_in();
    Ways { names: fitting(&FORMULATIONS, window), built_in }
}

impl Lowering<'_> {
    pub(super) fn conv_input(&mut self, node: &Node, window: Window, x: [usize; 2]) -> String {
        let [w, dy] = [0, 1].map(|at| node.inputs[at]);
        let extents = Extents::new(window, self.shape(w), self.shape(dy), x);
        let name = self.chosen(node).filter(|name| *name != IN_PLANES);
        let name = name.unwrap_or_else(|| extents.built_in());
        let way = named(&FORMULATIONS, name, window, node);
        let (w, dy) = (self.name(w), self.name(dy));
        (way.lower)(&mut self.emitter, &w, &dy, extents)
    }
}

/// A transposed convolution.
fn transposed(emit: &mut Emitter, w: &str, dy: &str, extents: Extents) -> String {
    let attributes = convolution::transposed(extents.window, extents.x);
    emit.node("ConvTranspose", &[dy, w], attributes)
}

/// A convolution with the kernels turned.
fn turned_kernels(emit: &mut Emitter, w: &str, dy: &str, extents: Extents) -> String {
    let Extents { i, o, window: Window { kernel, .. }, .. } = extents;
    let kernels = emit.transpose(w, &[1, 0, 2, 3]);
    let kernels = turned(emit, &kernels, [i, o, kernel, kernel]);
    emit.conv(dy, &kernels, extents.opposite())
}

/// The images are turned in the kernels' place.
fn turned_images(emit: &mut Emitter, w: &str, dy: &str, extents: Extents) -> String {
    let Extents { n, i, o, x: [height, width], dy: [rows, columns], .. } = extents;
    let kernels = emit.transpose(w, &[1, 0, 2, 3]);
    let dy = turned(emit, dy, [n, o, rows, columns]);
    let dx = emit.conv(&dy, &kernels, extents.opposite());
    turned(emit, &dx, [n, i, height, width])
}

/// Every plane turned by half a circle.
fn turned(emit: &mut Emitter, planes: &str, shape: [usize; 4]) -> String {
    let [n, c, height, width] = shape;
    let pixels = height * width;
    if pixels == 1 {
        return planes.to_owned();
    }
    let flat = emit.reshape(planes, &[n, c, pixels]);
    let backwards: Vec<i32> = (0..pixels as i32).rev().collect();
    let backwards = emit.positions(&[pixels], &backwards);
    let turned = emit.node("Gather", &[&flat, &backwards], vec![integer("axis", 2)]);
    emit.reshape(&turned, &shape)
}
