//! Pictures, and landmarks that lie in them.

use super::{Fed, told};
use qgface_data::image::decode::decode;
use qgface_data::image::probe::probe;
use qgface_data::image::{ChannelOrder, Pixels, align, encode};

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A PNG whose chunks have the checksums of their bytes, so that changes of them reach the decoder.
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut sealed = bytes.to_vec();
    let mut at = PNG_SIGNATURE.len();
    while let Some(length) = sealed.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
        let end = at.saturating_add(8).saturating_add(u32::from_be_bytes(*length) as usize);
        let Some(body) = sealed.get(at + 4..end) else { break };
        let checksum = crc32fast::hash(body).to_be_bytes();
        let Some(place) = sealed.get_mut(end..end + 4) else { break };
        place.copy_from_slice(&checksum);
        at = end + 4;
    }
    sealed
}

/// A JPEG or PNG as it is, and a PNG with its checksums put right.
pub(super) fn picture(bytes: &[u8]) -> Fed {
    let said = whole_picture(bytes);
    if said.is_err() && bytes.starts_with(PNG_SIGNATURE) {
        let _ = whole_picture(&with_checksums(bytes));
    }
    said
}

/// A JPEG or PNG: the decoder's size is the probe's, and the buffer that of the size.
fn whole_picture(bytes: &[u8]) -> Fed {
    let found = probe(bytes).map_err(told)?;
    let pixels = decode(bytes).map_err(told)?;
    assert_eq!((pixels.width, pixels.height), (found.width, found.height));
    assert_eq!(pixels.data.len() as u64, 3 * u64::from(pixels.width) * u64::from(pixels.height));
    Ok(())
}

/// A picture of these bytes, as wide as the first says.
fn pixels_of(bytes: &[u8]) -> Option<Pixels> {
    let (&first, rest) = bytes.split_first()?;
    let width = u32::from(first % 32) + 1;
    let height = (rest.len() / (3 * width as usize)).min(64) as u32;
    let data = rest.get(..3 * (width * height) as usize)?.to_vec();
    (height > 0).then_some(Pixels { width, height, order: ChannelOrder::Rgb, data })
}

/// What is encoded as PNG is decoded the same; of a JPEG the size.
pub(super) fn round_trip(bytes: &[u8]) -> Fed {
    let pixels = pixels_of(bytes).ok_or("too few bytes for a picture")?;
    assert_eq!(decode(&encode::png(&pixels).unwrap()).unwrap(), pixels);
    let quality = bytes[0] % 100 + 1;
    let jpeg = decode(&encode::jpeg(&pixels, quality).unwrap()).unwrap();
    assert_eq!((jpeg.width, jpeg.height), (pixels.width, pixels.height));
    Ok(())
}

/// Landmarks of any numbers: refused, or a face of the right size.
pub(super) fn align(bytes: &[u8]) -> Fed {
    let (count, numbers) = bytes.split_first().ok_or("no bytes")?;
    let numbers: Vec<f64> =
        numbers.as_chunks::<8>().0.iter().map(|word| f64::from_le_bytes(*word)).collect();
    let points: Vec<(f64, f64)> = numbers.as_chunks::<2>().0.iter().map(|&[x, y]| (x, y)).collect();
    let few = points.get(..usize::from(*count % 80)).unwrap_or(&points);
    let pixels =
        Pixels { width: 9, height: 7, order: ChannelOrder::Bgr, data: vec![200; 9 * 7 * 3] };
    let face = align::align(&pixels, few, 112).map_err(told)?;
    assert_eq!((face.width, face.height, face.data.len()), (112, 112, 112 * 112 * 3));
    Ok(())
}
