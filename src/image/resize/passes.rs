//! Pillow's resampling in whole numbers (`Resample.c`), a whole row at a time.

use super::filter::Filter;

/// A filter that is a weighted mean.
pub(super) struct Kernel {
    /// How far it reaches, in pixels of the larger picture.
    support: f64,
    /// Its weight at a distance in those pixels.
    weight: fn(f64) -> f64,
}

/// The weights of a filter; none for the nearest neighbour, which has no mean.
pub(super) fn kernel(filter: Filter) -> Option<Kernel> {
    let (support, weight): (f64, fn(f64) -> f64) = match filter {
        Filter::Nearest => return None,
        // Of two neighbours at equal distance the left one counts.
        Filter::Box => (0.5, |x| f64::from(x > -0.5 && x <= 0.5)),
        Filter::Bilinear => (1.0, |x| (1.0 - x.abs()).max(0.0)),
        Filter::Bicubic => (2.0, cubic),
        Filter::Lanczos => (3.0, lanczos),
    };
    Some(Kernel { support, weight })
}

fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let distance = x.abs();
    if distance < 1.0 {
        ((A + 2.0) * distance - (A + 3.0)) * distance * distance + 1.0
    } else if distance < 2.0 {
        (((distance - 5.0) * distance + 8.0) * distance - 4.0) * A
    } else {
        0.0
    }
}

fn lanczos(x: f64) -> f64 {
    if (-3.0..3.0).contains(&x) { sinc(x) * sinc(x / 3.0) } else { 0.0 }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { libm::sin(x * std::f64::consts::PI) / (x * std::f64::consts::PI) }
}

/// Bits behind the point of a weight.
const PRECISION: u32 = 22;

/// The pixels that every pixel along an edge is made of: a span each, and all weights in a row.
struct Taps {
    /// The first pixel of each span, and how many there are.
    spans: Vec<(usize, usize)>,
    weights: Vec<i32>,
}

/// The taps of every pixel along an edge (Pillow, `precompute_coeffs`).
fn taps(from: u32, to: u32, kernel: &Kernel) -> Taps {
    let scale = f64::from(from) / f64::from(to);
    let widening = scale.max(1.0);
    let support = kernel.support * widening;
    let most = support.ceil() as usize * 2 + 1;
    let mut taps = Taps {
        spans: Vec::with_capacity(to as usize),
        weights: Vec::with_capacity(to as usize * most),
    };
    let mut weights = Vec::with_capacity(most);
    for i in 0..to {
        let centre = (f64::from(i) + 0.5) * scale;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from as usize);
        weights.clear();
        weights.extend((first..end).map(|x| (kernel.weight)((x as f64 - centre + 0.5) / widening)));
        let sum: f64 = weights.iter().sum();
        taps.weights.extend(weights.iter().map(|weight| {
            let weight = weight / sum * f64::from(1 << PRECISION);
            (weight + 0.5f64.copysign(weight)) as i32
        }));
        taps.spans.push((first, weights.len()));
    }
    taps
}

/// Resizes horizontally, then vertically; `from` and `to` are (width, height).
pub(super) fn convolve(data: &[u8], from: (u32, u32), to: (u32, u32), kernel: &Kernel) -> Vec<u8> {
    let across = (to.0 != from.0).then(|| taps(from.0, to.0, kernel));
    // A square has the same taps on both edges.
    let same = from.0 == from.1 && to.0 == to.1;
    let down = (to.1 != from.1 && !same).then(|| taps(from.1, to.1, kernel));
    let wide = across.as_ref().map(|taps| {
        // A column is a row of the transposed picture, so that one kind of pass is enough.
        let columns = transposed(data, from.0 as usize, from.1 as usize);
        let columns = pass(&columns, 3 * from.1 as usize, taps);
        transposed(&columns, from.1 as usize, to.0 as usize)
    });
    let row = 3 * to.0 as usize;
    let taps = if same { across.as_ref() } else { down.as_ref() };
    match (wide, taps) {
        (Some(wide), Some(taps)) => pass(&wide, row, taps),
        (None, Some(taps)) => pass(data, row, taps),
        (Some(wide), None) => wide,
        (None, None) => data.to_vec(),
    }
}

/// Exchanges rows and columns of pixels.
fn transposed(data: &[u8], width: usize, height: usize) -> Vec<u8> {
    let pixels = data.as_chunks::<3>().0;
    let mut out = vec![0; data.len()];
    let rows = out.as_chunks_mut::<3>().0.chunks_exact_mut(height);
    for (x, row) in rows.enumerate().take(width) {
        let column = pixels[x..].iter().step_by(width);
        row.iter_mut().zip(column).for_each(|(target, pixel)| *target = *pixel);
    }
    out
}

/// Bytes of a row that are summed together: as many sums fit into the registers.
const LANES: usize = 32;

/// Makes every row of the result from the rows, `row` bytes each, that its taps name.
fn pass(data: &[u8], row: usize, taps: &Taps) -> Vec<u8> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        #[allow(unsafe_code)]
        // SAFETY: the processor has the instructions, as just asked.
        return unsafe { pass_with_avx2(data, row, taps) };
    }
    pass_inline(data, row, taps)
}

/// The same sums of whole numbers, eight at a time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn pass_with_avx2(data: &[u8], row: usize, taps: &Taps) -> Vec<u8> {
    pass_inline(data, row, taps)
}

#[inline(always)]
fn pass_inline(data: &[u8], row: usize, taps: &Taps) -> Vec<u8> {
    let mut out = vec![0; row * taps.spans.len()];
    let mut weights = &taps.weights[..];
    for (target, &(first, count)) in out.chunks_exact_mut(row).zip(&taps.spans) {
        let (own, rest) = weights.split_at(count);
        weights = rest;
        let rows = &data[first * row..(first + count) * row];
        let mut at = 0;
        while at + LANES <= row {
            block(rows, row, at, own, target);
            at += LANES;
        }
        if at < row && row >= LANES {
            // The last block ends with the row, and makes some bytes a second time.
            block(rows, row, row - LANES, own, target);
        } else if at < row {
            narrow(rows, row, own, target);
        }
    }
    out
}

/// The bytes `at..at + LANES` of a row. Sums are of 32 bits, as Pillow's: the magnitudes of a
/// filter's weights sum up to less than 2, so that 2·2²²·255 and the half do not overflow.
#[inline(always)]
fn block(rows: &[u8], row: usize, at: usize, weights: &[i32], target: &mut [u8]) {
    let mut sums = [1i32 << (PRECISION - 1); LANES];
    for (row, &weight) in rows.chunks_exact(row).zip(weights) {
        let Some(bytes) = row[at..].first_chunk::<LANES>() else { return };
        for (sum, &byte) in sums.iter_mut().zip(bytes) {
            *sum = sum.wrapping_add(weight.wrapping_mul(i32::from(byte)));
        }
    }
    let Some(target) = target[at..].first_chunk_mut::<LANES>() else { return };
    for (byte, sum) in target.iter_mut().zip(&sums) {
        *byte = (sum >> PRECISION).clamp(0, 255) as u8;
    }
}

/// A whole row that is shorter than a block.
fn narrow(rows: &[u8], row: usize, weights: &[i32], target: &mut [u8]) {
    for (at, byte) in target.iter_mut().enumerate() {
        let column = rows[at..].iter().step_by(row);
        let sum = column.zip(weights).fold(1i32 << (PRECISION - 1), |sum, (&byte, &weight)| {
            sum.wrapping_add(weight.wrapping_mul(i32::from(byte)))
        });
        *byte = (sum >> PRECISION).clamp(0, 255) as u8;
    }
}

/// Takes of every pixel the one below its middle; `from` and `to` are (width, height).
pub(super) fn pick(data: &[u8], from: (u32, u32), to: (u32, u32)) -> Vec<u8> {
    let columns = picks(from.0, to.0);
    let pixels = data.as_chunks::<3>().0;
    let mut out = Vec::with_capacity(3 * to.0 as usize * to.1 as usize);
    for y in picks(from.1, to.1) {
        let row = &pixels[y * from.0 as usize..][..from.0 as usize];
        columns.iter().for_each(|&x| out.extend_from_slice(&row[x]));
    }
    out
}

/// Where every pixel along an edge comes from. The position is summed up, with the rounding of
/// every addition, not multiplied (Pillow, `Geometry.c`, `ImagingScaleAffine`).
fn picks(from: u32, to: u32) -> Vec<usize> {
    let scale = f64::from(from) / f64::from(to);
    let positions = std::iter::successors(Some(scale * 0.5), |position| Some(position + scale));
    positions.take(to as usize).map(|at| (at as usize).min(from as usize - 1)).collect()
}
