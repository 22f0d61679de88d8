//! The trainer's views and their steps against Pillow's and torchvision's, value for value.
//!
//! Chains with a JPEG between are compared value for value too: our encoder and decoder are
//! libjpeg-turbo's. Only its files are not compared byte for byte.

use super::Topic;
use super::manifest::{Json, array, floats, number, number_array, of_npy, sha256, text};
use qgface_data::image::crop::{Region, mirror};
use qgface_data::image::decode::decode;
use qgface_data::image::resize::{Filter, pillow};
use qgface_data::image::rotate::rotate;
use qgface_data::image::{Pixels, colour, encode};
use qgface_data::views::{Change, Jitter, LowDraw, Rescale, Resizing, resized_crop, write_tensor};
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "augment", cases, run };

/// Of the JPEG that the reference writes (`record_dataset.py`), and of Pillow by default.
const SUBSAMPLING: &str = "4:2:0";

fn cases(manifest: &Json) -> usize {
    array(manifest, "cases").len() + array(manifest, "rescale_target_size").len()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let sizes = array(manifest, "rescale_target_size");
    for case in sizes {
        let factor = case["scale"].as_f64().unwrap();
        assert_eq!(u64::from(Rescale::edge(factor, 112)), number(case, "size"), "{case}");
    }
    let cases = array(manifest, "cases");
    cases.iter().for_each(|case| run_case(folder, case));
    sizes.len() + cases.len()
}

fn run_case(folder: &Path, case: &Json) {
    let read = |path: &str| std::fs::read(folder.join(path)).unwrap();
    let picture = |key: &str| decode(&read(text(case, key))).unwrap();
    let result = text(case, "result");
    let own = match text(case, "op") {
        "resize_down" | "resize_any" => resized(&picture("source"), case),
        // What is enlarged was reduced before.
        "resize_up" => resized(&picture("through"), case),
        "jpeg" => {
            assert_eq!(text(case, "subsampling"), SUBSAMPLING, "{result}");
            let theirs = decode(&read(text(case, "jpeg"))).unwrap();
            assert!(theirs == picture("result"), "{result}: decoded to other pixels");
            let quality = number(case, "quality").try_into().unwrap();
            decode(&encode::jpeg(&picture("input"), quality).unwrap()).unwrap()
        }
        "rescale" => rescale(case).apply(&picture("source"), Resizing::Pillow).unwrap(),
        "resized_crop" => {
            let source = picture("source");
            let size = number_array(case, "size");
            assert_eq!(size, [source.height, source.width].map(u64::from), "{result}");
            assert_eq!(filter(case, "interpolation"), Filter::Bilinear, "{result}");
            resized_crop(&source, region(case), Resizing::Pillow).unwrap()
        }
        "rotate" => rotate(&picture("source"), case["degrees"].as_f64().unwrap()),
        "brightness" => enhanced(picture("source"), colour::brightness, case),
        "contrast" => {
            let source = picture("source");
            assert_eq!(u64::from(colour::mean_grey(&source)), number(case, "grey_mean"));
            enhanced(source, colour::contrast, case)
        }
        "saturation" => enhanced(picture("source"), colour::saturation, case),
        "gray" => {
            // The hash is of one channel.
            let own = colour::grayscale(&picture("source"));
            assert_eq!(sha256(&own), text(case, "rgb_sha256"), "{result}");
            let own: Vec<u8> = own.into_iter().flat_map(|grey| [grey; 3]).collect();
            assert!(own == picture("result").data, "{result}: other greys");
            return;
        }
        "jitter" => {
            let mut own = picture("source");
            jitter_by_name(case).apply(&mut own);
            own
        }
        "hflip" => {
            let mut own = picture("source");
            mirror(&mut own);
            own
        }
        "l_view" => {
            let own = low(case).apply(&picture("source"), Resizing::Pillow).unwrap();
            compare_view_tensor(folder, case, &own);
            own
        }
        "to_tensor" => {
            let (shape, divided) = of_npy::<f32>(&folder.join(result));
            let normalised: Vec<f32> = divided.iter().map(|value| (value - 0.5) / 0.5).collect();
            return compare_tensor(&picture("source"), &shape, &normalised, result);
        }
        "to_tensor_normalise" => {
            assert_eq!(["mean", "std"].map(|key| case[key].as_f64()), [Some(0.5); 2]);
            let (shape, expected) = of_npy(&folder.join(result));
            return compare_tensor(&picture("source"), &shape, &expected, result);
        }
        unknown => panic!("{result}: no operation {unknown} is known"),
    };
    let expected = picture("result");
    assert_eq!(sha256(&expected.data), text(case, "rgb_sha256"), "{result}");
    assert!(own == expected, "{result}: other pixels, of {:?} dB", psnr(&own, &expected));
}

/// Peak signal-to-noise ratio in dB, for the message: how far from equal two pictures are.
fn psnr(own: &Pixels, expected: &Pixels) -> Option<f64> {
    let pairs = own.data.iter().zip(&expected.data);
    let square = |(a, b): (&u8, &u8)| (f64::from(*a) - f64::from(*b)).powi(2);
    let mean = pairs.map(square).sum::<f64>() / own.data.len() as f64;
    (own.data.len() == expected.data.len()).then(|| 10.0 * (255.0 * 255.0 / mean).log10())
}

fn filter(case: &Json, key: &str) -> Filter {
    match text(case, key) {
        "NEAREST" => Filter::Nearest,
        "BOX" => Filter::Box,
        "BILINEAR" => Filter::Bilinear,
        "BICUBIC" => Filter::Bicubic,
        "LANCZOS" => Filter::Lanczos,
        unknown => panic!("no filter {unknown} is known"),
    }
}

fn resized(source: &Pixels, case: &Json) -> Pixels {
    let size = number_array(case, "size");
    let (height, width) = (size[0] as u32, size[1] as u32);
    pillow(source, width, height, filter(case, "interpolation")).unwrap()
}

fn rescale(case: &Json) -> Rescale {
    let edge = number(case, "target_size") as u32;
    let (down, up) = (filter(case, "down"), filter(case, "up"));
    let jpeg_quality = Some(number(case, "quality").try_into().unwrap());
    Rescale { width: edge, height: edge, down, up, jpeg_quality }
}

fn region(case: &Json) -> Region {
    let [left, top, width, height] =
        ["left", "top", "width", "height"].map(|key| number(&case["box"], key) as u32);
    Region { left, top, width, height }
}

fn enhanced(mut pixels: Pixels, change: fn(&mut Pixels, f64), case: &Json) -> Pixels {
    change(&mut pixels, case["factor"].as_f64().unwrap());
    pixels
}

fn jitter_by_name(case: &Json) -> Jitter {
    let order: [&Json; 3] = array(case, "order").iter().collect::<Vec<_>>().try_into().unwrap();
    Jitter(order.map(|name| {
        let (change, key) = match name.as_str().unwrap() {
            "b" => (Change::Brightness, "brightness"),
            "c" => (Change::Contrast, "contrast"),
            "s" => (Change::Saturation, "saturation"),
            unknown => panic!("no change {unknown} is known"),
        };
        (change, case[key].as_f64().unwrap())
    }))
}

/// The changes by number, and their factors by the same numbers.
fn jitter_by_number(case: &Json) -> Jitter {
    const CHANGES: [Change; 3] = [Change::Brightness, Change::Contrast, Change::Saturation];
    let factors = floats(&case["factors"]);
    let order: [u64; 3] = number_array(case, "colour_order").try_into().unwrap();
    Jitter(order.map(|number| (CHANGES[number as usize], factors[number as usize])))
}

fn low(case: &Json) -> LowDraw {
    LowDraw {
        rescale: rescale(case),
        crop: Some(region(case)),
        jitter: Some(jitter_by_number(case)),
        rotation: Some(case["degrees"].as_f64().unwrap()),
        flip: case["flip"].as_bool().unwrap(),
    }
}

/// The tensor of a view has the number of its picture.
fn compare_view_tensor(folder: &Path, case: &Json, own: &Pixels) {
    if case["left_out"].as_array().is_some_and(|left_out| left_out.contains(&"tensor".into())) {
        return;
    }
    let result = text(case, "result");
    let number = result.trim_end_matches(".png").rsplit('_').next().unwrap();
    let (shape, expected) = of_npy(&folder.join(format!("tensor/l_view_{number}.npy")));
    compare_tensor(own, &shape, &expected, result);
}

fn compare_tensor(pixels: &Pixels, shape: &[usize], expected: &[f32], result: &str) {
    assert_eq!(shape, [3, pixels.height as usize, pixels.width as usize], "{result}");
    let mut own = vec![0.0; expected.len()];
    write_tensor(pixels, &mut own);
    assert!(own == expected, "{result}: other numbers than torchvision");
}
