//! The gradient of a convolution by its kernels: `dw[o, i, a, b] = Σ dy[n, o, r, c]·x[n, i, r·s + a
//! − p, c·s + b − p]`.
//!
//! As matrix products in one of several arrangements. A `Conv` with images and
//! channels exchanged, or one with zeros between the rows of dy, took up to ten times as long.

use super::convolution::{Extents, Way, fitting, named};
use super::emitter::{Emitter, integer};
use super::lowering::Lowering;
use super::ways::{IN_PLANES, Ways};
use crate::graph::{Node, Window};

/// The ways, the reference first.
static FORMULATIONS: [Way; 7] = [
    // All windows' pixels gathered from pixels that lie channel by channel.
    Way { name: "gathered", fits: |_| true, lower: gathered },
    // A kernel of one pixel: one product an image.
    Way { name: "pointwise", fits: |own| own.kernel == 1 && own.pad == 0, lower: pointwise },
    // All windows' pixels side by side, one product an image.
    Way { name: "columns by image", fits: is_dense, lower: columns_by_image },
    // Copies of x shifted along columns against copies of dy shifted along rows: one product holds all
    // taps.
    Way {
        name: "rows and columns",
        fits: |own| is_dense(own) && own.kernel == 2 * own.pad + 1,
        lower: rows_and_columns,
    },
    // A product for each tap and image.
    Way { name: "taps by image", fits: is_dense, lower: taps_by_image },
    // A product for each tap.
    Way { name: "taps", fits: is_dense, lower: taps },
    // All windows' pixels side by side, one product.
    Way { name: "columns", fits: is_dense, lower: columns_of_all },
];

fn is_dense(window: Window) -> bool {
    window.stride == 1
}

/// Images of so few channels have cheap columns.
const FEW_CHANNELS: usize = 4;

/// The built-in rule, by the channels of x and the height of dy.
fn built_in(
    Window { kernel, stride, pad }: Window,
    channels: usize,
    height: usize,
) -> &'static str {
    match () {
        () if kernel == 1 && pad == 0 => "pointwise",
        () if stride != 1 => "gathered",
        () if channels <= FEW_CHANNELS => "columns by image",
        () if height >= 56 && kernel == 2 * pad + 1 => "rows and columns",
        () if height >= 28 => "taps by image",
        () if height >= 14 => "taps",
        () => "columns",
    }
}

/// Names of the ways that fit, the reference first, and of the built-in one, for x and dy.
pub(super) fn ways(window: Window, x: &[usize], dy: &[usize]) -> Ways {
    Ways { names: fitting(&FORMULATIONS, window), built_in: built_in(window, x[1], dy[2]) }
}

impl Lowering<'_> {
    pub(super) fn conv_weight(&mut self, node: &Node, window: Window) -> String {
        let (x, dy) = (node.inputs[0], node.inputs[1]);
        let ([n, i, h, w], [_, o, rows, columns]) = (self.shape(x), self.shape(dy)) else {
            panic!("no images")
        };
        let extents = Extents { n: *n, i: *i, o: *o, x: [*h, *w], dy: [*rows, *columns], window };
        let name = self.chosen(node).filter(|name| *name != IN_PLANES);
        let name = name.unwrap_or_else(|| built_in(window, *i, *rows));
        let way = named(&FORMULATIONS, name, window, node);
        let (x, dy) = (self.name(x), self.name(dy));
        (way.lower)(&mut self.emitter, &x, &dy, extents)
    }
}

impl Extents {
    /// Pixels of a plane of dy.
    fn pixels(&self) -> usize {
        self.dy[0] * self.dy[1]
    }

    /// Taps of a kernel, by rows.
    fn taps(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let kernel = self.window.kernel;
        (0..kernel * kernel).map(move |tap| (tap / kernel, tap % kernel))
    }
}

/// x with the window's zeros around it.
fn padded(emit: &mut Emitter, x: &str, extents: Extents) -> String {
    let pad = extents.window.pad;
    if pad == 0 { x.to_owned() } else { emit.pad(x, [pad; 2], [pad; 2]) }
}

/// The pixels that a tap of a kernel meets, from padded x of any two first axes.
fn tapped(
    emit: &mut Emitter,
    padded: &str,
    extents: Extents,
    (row, column): (usize, usize),
) -> String {
    let [rows, columns] = extents.dy;
    emit.slice(padded, &[(2, row, row + rows, 1), (3, column, column + columns, 1)])
}

/// Σₙ aₙ·bₙᵀ of `[n, o, p]` and `[n, i, p]`.
fn product_by_image(emit: &mut Emitter, a: &str, b: &str) -> String {
    let b = emit.transpose(b, &[0, 2, 1]);
    let products = emit.matmul(a, &b);
    emit.reduce_axis("ReduceSum", &products, 0)
}

/// `[o, taps·i]`, taps first, as kernels.
fn kernels(emit: &mut Emitter, flat: &str, extents: Extents) -> String {
    let Extents { o, i, window: Window { kernel, .. }, .. } = extents;
    let by_tap = emit.reshape(flat, &[o, kernel * kernel, i]);
    let by_channel = emit.transpose(&by_tap, &[0, 2, 1]);
    emit.reshape(&by_channel, &[o, i, kernel, kernel])
}

/// Products `[o, i]` of all taps as kernels.
fn kernels_of_taps(emit: &mut Emitter, products: &[String], extents: Extents) -> String {
    let Extents { o, i, window: Window { kernel, .. }, .. } = extents;
    let columns: Vec<String> =
        products.iter().map(|product| emit.reshape(product, &[o, i, 1])).collect();
    let joined = emit.concat(&columns, 2);
    emit.reshape(&joined, &[o, i, kernel, kernel])
}

fn pointwise(emit: &mut Emitter, x: &str, dy: &str, extents: Extents) -> String {
    let Extents { n, i, o, x: [height, width], window: Window { stride, .. }, .. } = extents;
    let met = match stride {
        1 => x.to_owned(),
        _ => emit.slice(x, &[(2, 0, height, stride), (3, 0, width, stride)]),
    };
    let met = emit.reshape(&met, &[n, i, extents.pixels()]);
    let dy = emit.reshape(dy, &[n, o, extents.pixels()]);
    let product = product_by_image(emit, &dy, &met);
    emit.reshape(&product, &[o, i, 1, 1])
}

fn columns_by_image(emit: &mut Emitter, x: &str, dy: &str, extents: Extents) -> String {
    let Extents { n, i, o, window: Window { kernel, .. }, .. } = extents;
    let padded = padded(emit, x, extents);
    let met: Vec<String> = extents.taps().map(|tap| tapped(emit, &padded, extents, tap)).collect();
    let met = emit.concat(&met, 1);
    let met = emit.reshape(&met, &[n, kernel * kernel * i, extents.pixels()]);
    let dy = emit.reshape(dy, &[n, o, extents.pixels()]);
    let product = product_by_image(emit, &dy, &met);
    kernels(emit, &product, extents)
}

fn gathered(emit: &mut Emitter, x: &str, dy: &str, extents: Extents) -> String {
    let Extents { n, i, o, x: [height, width], dy: [rows, columns], window } = extents;
    let Window { kernel, stride, pad } = window;
    let padded = padded(emit, x, extents);
    let (height, width) = (height + 2 * pad, width + 2 * pad);
    let pixels = emit.transpose(&padded, &[0, 2, 3, 1]);
    let pixels = emit.reshape(&pixels, &[n * height * width, i]);
    let mut met = Vec::with_capacity(kernel * kernel * n * rows * columns);
    for (row, column) in extents.taps() {
        for image in 0..n {
            for r in 0..rows {
                let start = (image * height + r * stride + row) * width + column;
                met.extend((0..columns).map(|c| (start + c * stride) as i32));
            }
        }
    }
    let met = emit.positions(&[kernel * kernel, n * rows * columns], &met);
    let met = emit.node("Gather", &[&pixels, &met], vec![integer("axis", 0)]);
    let dy = flat(emit, dy, [o, n * rows * columns]);
    let products = emit.matmul(&dy, &met);
    let by_channel = emit.transpose(&products, &[1, 2, 0]);
    emit.reshape(&by_channel, &[o, i, kernel, kernel])
}

/// Channels first, then all pixels of all images.
fn flat(emit: &mut Emitter, images: &str, shape: [usize; 2]) -> String {
    let by_channel = emit.transpose(images, &[1, 0, 2, 3]);
    emit.reshape(&by_channel, &shape)
}

/// With u the row of x: `dw[.., a, b] = Σ dy[u + p − a, c]·x[u, c + b − p]`.
fn rows_and_columns(emit: &mut Emitter, x: &str, dy: &str, extents: Extents) -> String {
    let Extents { n, i, o, x: [height, width], window: Window { kernel, pad, .. }, .. } = extents;
    let wide = emit.pad(x, [0; 2], [pad; 2]);
    let tall = emit.pad(dy, [pad; 2], [0; 2]);
    let columns: Vec<String> = (0..kernel)
        .map(|tap| match tap == pad {
            true => x.to_owned(),
            false => emit.slice(&wide, &[(3, tap, tap + width, 1)]),
        })
        .collect();
    let columns = emit.concat(&columns, 1);
    let columns = emit.reshape(&columns, &[n, kernel * i, height * width]);
    // Rows lie together, so that one pass copies them for all taps.
    let starts = (0..kernel).rev();
    let rows: Vec<i32> = starts.flat_map(|above| above as i32..(above + height) as i32).collect();
    let rows = emit.positions(&[kernel, height], &rows);
    let rows = emit.node("Gather", &[&tall, &rows], vec![integer("axis", 2)]);
    let rows = emit.reshape(&rows, &[n, o * kernel, height * width]);
    let product = product_by_image(emit, &rows, &columns);
    let taps = emit.reshape(&product, &[o, kernel, kernel, i]);
    emit.transpose(&taps, &[0, 3, 1, 2])
}

fn taps_by_image(emit: &mut Emitter, x: &str, dy: &str, extents: Extents) -> String {
    let Extents { n, i, o, .. } = extents;
    let padded = padded(emit, x, extents);
    let dy = emit.reshape(dy, &[n, o, extents.pixels()]);
    let mut products = Vec::new();
    for tap in extents.taps() {
        let met = tapped(emit, &padded, extents, tap);
        let met = emit.reshape(&met, &[n, i, extents.pixels()]);
        products.push(product_by_image(emit, &dy, &met));
    }
    kernels_of_taps(emit, &products, extents)
}

fn taps(emit: &mut Emitter, x: &str, dy: &str, extents: Extents) -> String {
    let Extents { n, i, o, .. } = extents;
    let pixels = n * extents.pixels();
    let padded = padded(emit, x, extents);
    let by_channel = emit.transpose(&padded, &[1, 0, 2, 3]);
    let dy = flat(emit, dy, [o, pixels]);
    let mut products = Vec::new();
    for tap in extents.taps() {
        let met = tapped(emit, &by_channel, extents, tap);
        let met = emit.reshape(&met, &[i, pixels]);
        products.push(emit.gemm(&dy, false, &met, true));
    }
    kernels_of_taps(emit, &products, extents)
}

fn columns_of_all(emit: &mut Emitter, x: &str, dy: &str, extents: Extents) -> String {
    let Extents { n, i, o, window: Window { kernel, .. }, .. } = extents;
    let pixels = n * extents.pixels();
    let padded = padded(emit, x, extents);
    let by_channel = emit.transpose(&padded, &[1, 0, 2, 3]);
    let dy = flat(emit, dy, [o, pixels]);
    let met: Vec<String> =
        extents.taps().map(|tap| tapped(emit, &by_channel, extents, tap)).collect();
    let met = emit.concat(&met, 0);
    let met = emit.reshape(&met, &[kernel * kernel * i, pixels]);
    let product = emit.gemm(&dy, false, &met, true);
    kernels(emit, &product, extents)
}
