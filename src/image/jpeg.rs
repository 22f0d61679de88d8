//! libjpeg-turbo's codec, with its unwinding errors and its silent warnings turned into values.

use super::{ChannelOrder, Error, Pixels};
use mozjpeg::{ColorSpace, Compress, Decompress};
use mozjpeg_sys::{jpeg_common_struct, jpeg_error_mgr, jpeg_std_error};
use std::cell::RefCell;
use std::ffi::c_int;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Warnings about bytes or marks that change no pixel. Every other warning means that the decoder
/// made pixels up, which mxnet and OpenCV do without a word.
const HARMLESS: [c_int; 3] = [
    mozjpeg_sys::JWRN_EXTRANEOUS_DATA as c_int,
    mozjpeg_sys::JWRN_JFIF_MAJOR as c_int,
    mozjpeg_sys::JWRN_ADOBE_XFORM as c_int,
];

/// Decodes to RGB with the accurate integer DCT and fancy up-sampling, libjpeg-turbo's defaults.
///
/// CMYK is converted as OpenCV's `icvCvt_CMYK2BGR` does. A picture of another size than `size`, width and
/// height, is refused before memory is taken for it.
pub(super) fn decode(bytes: &[u8], size: (u32, u32)) -> Result<Pixels, Error> {
    FIRST_WARNING.take();
    let decoded = caught(|| {
        let decoder = Decompress::with_err(error_manager()).from_mem(bytes)?;
        let found = decoder.size();
        if found != (size.0 as usize, size.1 as usize) {
            let ((width, height), found) = (size, format!("{}x{}", found.0, found.1));
            let what = format!("expected a picture of {width}x{height}, found one of {found}");
            return Err(io::Error::other(what));
        }
        let four = matches!(decoder.color_space(), ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK);
        let space = if four { ColorSpace::JCS_CMYK } else { ColorSpace::JCS_RGB };
        let mut rows = decoder.to_colorspace(space)?;
        let (width, height) = (rows.width() as u32, rows.height() as u32);
        let data = rows.read_scanlines::<u8>()?;
        rows.finish()?;
        let data = if four { cmyk_to_rgb(&data) } else { data };
        Ok(Pixels { width, height, order: ChannelOrder::Rgb, data })
    });
    let pixels = decoded.map_err(|message| Error::Decoder { message })?;
    match FIRST_WARNING.take() {
        Some(message) => Err(Error::Decoder { message }),
        None => Ok(pixels),
    }
}

/// `c' = k − ((255 − c)·k >> 8)` for each of cyan, magenta and yellow (OpenCV, `utils.cpp`).
fn cmyk_to_rgb(data: &[u8]) -> Vec<u8> {
    let (pixels, _) = data.as_chunks::<4>();
    let channel = |ink: u8, k: u8| {
        let (ink, k) = (i32::from(ink), i32::from(k));
        (k - (((255 - ink) * k) >> 8)) as u8
    };
    pixels.iter().flat_map(|&[c, m, y, k]| [channel(c, k), channel(m, k), channel(y, k)]).collect()
}

/// Encodes RGB at 4:2:0 as libjpeg-turbo's defaults do: no trellis, one scan, standard tables.
pub(super) fn encode(rgb: &Pixels, quality: u8) -> Result<Vec<u8>, Error> {
    let encoded = caught(|| {
        let mut encoder = Compress::new_err(Box::new(error_manager()), ColorSpace::JCS_RGB);
        // Sets every default, so it comes first.
        encoder.set_fastest_defaults();
        encoder.set_size(rgb.width as usize, rgb.height as usize);
        encoder.set_quality(f32::from(quality));
        let mut rows = encoder.start_compress(Vec::with_capacity(rgb.data.len() / 4 + 1024))?;
        rows.write_scanlines(&rgb.data)?;
        rows.finish()
    });
    encoded.map_err(|message| Error::Encoder { message })
}

thread_local! {
    /// The first harmful warning of the picture this thread decodes.
    static FIRST_WARNING: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Payload of the unwinding that stands in for libjpeg's `longjmp`.
struct Fatal(String);

/// Runs `work`, catching the library's errors; a panic of our own goes on.
fn caught<T>(work: impl FnOnce() -> io::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(payload) => match payload.downcast::<Fatal>() {
            Ok(fatal) => Err(fatal.0),
            Err(panic) => resume_unwind(panic),
        },
    }
}

fn error_manager() -> jpeg_error_mgr {
    #[allow(unsafe_code)]
    // SAFETY: the C struct is plain data for which zero is valid, and `jpeg_std_error` fills it.
    let standard = unsafe {
        let mut manager = std::mem::zeroed();
        jpeg_std_error(&mut manager);
        manager
    };
    jpeg_error_mgr { error_exit: Some(error_exit), emit_message: Some(emit_message), ..standard }
}

extern "C-unwind" fn error_exit(codec: &mut jpeg_common_struct) {
    let (_, text) = message(codec);
    resume_unwind(Box::new(Fatal(text)))
}

/// Levels from 0 on are traces of what the decoder does.
extern "C-unwind" fn emit_message(codec: &mut jpeg_common_struct, level: c_int) {
    if level >= 0 {
        return;
    }
    let (code, text) = message(codec);
    if !HARMLESS.contains(&code) {
        FIRST_WARNING.with_borrow_mut(|first| first.get_or_insert(text).truncate(MESSAGE_BYTES));
    }
}

/// libjpeg's `JMSG_LENGTH_MAX`.
const MESSAGE_BYTES: usize = 200;

fn message(codec: &mut jpeg_common_struct) -> (c_int, String) {
    type Format = unsafe extern "C-unwind" fn(*mut jpeg_common_struct, *mut u8);
    let mut buffer = [0u8; MESSAGE_BYTES];
    #[allow(unsafe_code)]
    // SAFETY: `err` points at the manager made above as long as the codec lives. The binding declares
    // a shorter, shared buffer where C writes up to `JMSG_LENGTH_MAX` bytes, hence the other type.
    let code = unsafe {
        let manager = &*codec.err;
        if let Some(format) = manager.format_message {
            let format: Format = std::mem::transmute::<_, Format>(format);
            format(codec, buffer.as_mut_ptr());
        }
        manager.msg_code
    };
    let text = buffer.split(|&byte| byte == 0).next().expect("a split has a first part");
    (code, String::from_utf8_lossy(text).into_owned())
}
