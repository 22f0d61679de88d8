//! What a model wants to be fed and what it returns: from the user's flags, else from its own metadata,
//! else from its graph. The order of its channels is never guessed.

use super::error::{ModelError, ModelFault};
use super::sets::FACE_PX;
use crate::image::{ChannelOrder, UnknownOrder};
use crate::onnx::{ElementType, Summary};
use std::path::Path;

/// Names in the metadata of a model that `qgface-data` exports.
pub const CHANNEL_ORDER_KEY: &str = "channel_order";
/// See [`CHANNEL_ORDER_KEY`].
pub const MEAN_KEY: &str = "mean";
/// See [`CHANNEL_ORDER_KEY`].
pub const STD_KEY: &str = "std";

/// Mean and deviation where nobody says otherwise: values of −1 to 1 (AdaFace, InsightFace).
const USUAL: f64 = 127.5;

/// What the faces of a batch may take in memory, each view and thread for itself, in MiB.
const BATCH_MIB: u64 = 1024;

/// Images of such a batch: three channels of 32-bit floats each.
const MOST_IMAGES: u64 = (BATCH_MIB << 20) / (3 * 4 * FACE_PX as u64 * FACE_PX as u64);

/// What the user says of a model.
#[derive(Debug, Clone, Copy, Default)]
pub struct Flags {
    /// In which order it takes the channels.
    pub channel_order: Option<ChannelOrder>,
    /// What is subtracted, in grey levels, in the order of its channels.
    pub mean: Option<[f64; 3]>,
    /// What is divided by then.
    pub std: Option<[f64; 3]>,
}

/// Who says in which order a model takes the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrderBy {
    /// The user.
    Flag,
    /// The model's own metadata.
    Metadata,
}

/// What a model wants to be fed and returns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Conventions {
    /// The order of the channels.
    pub channel_order: ChannelOrder,
    /// Who says so.
    pub order_by: OrderBy,
    /// What is subtracted from each, in grey levels.
    pub mean: [f64; 3],
    /// What each is divided by then.
    pub std: [f64; 3],
    /// Images of every batch, where the graph fixes it.
    pub fixed_batch: Option<usize>,
    /// Outputs: the feature, or the unit feature and its norm.
    pub outputs: usize,
    /// What was decided and by whom, for people.
    pub decided: Vec<String>,
}

/// Decides by flags, then metadata, then graph.
///
/// # Errors
/// [`ModelError::Unfit`] for a model that is not one of faces of 112 pixels with one or two outputs, and
/// for metadata that cannot be read; [`ModelError::NoChannelOrder`].
pub(super) fn decide(
    path: &Path,
    summary: &Summary,
    flags: &Flags,
) -> Result<Conventions, ModelError> {
    let refused = |fault| ModelError::Unfit { path: path.to_path_buf(), fault };
    let fixed_batch = check_input(summary).map_err(refused)?;
    let outputs = match summary.outputs.len() {
        found @ (1 | 2) => found,
        found => return Err(refused(ModelFault::Outputs { found })),
    };
    let mut decided = Vec::new();
    let mut tell = |what: String, by: &str| decided.push(format!("{what} ({by})"));
    // A flag stands above metadata, readable or not.
    let own_order = metadata(summary, CHANNEL_ORDER_KEY, order);
    let (channel_order, order_by) = match flags.channel_order {
        Some(flag) => {
            let other = own_order.ok().flatten().filter(|own| *own != flag);
            let by = match other {
                Some(own) => format!("as given, against the model's own {}", own.name()),
                None => "as given".to_owned(),
            };
            tell(format!("channel order {}", flag.name()), &by);
            (flag, OrderBy::Flag)
        }
        None => {
            let none = || ModelError::NoChannelOrder { path: path.to_path_buf() };
            let own = own_order.map_err(refused)?.ok_or_else(none)?;
            tell(format!("channel order {}", own.name()), "the model's metadata");
            (own, OrderBy::Metadata)
        }
    };
    let own_mean = match flags.mean {
        None => metadata(summary, MEAN_KEY, mean).map_err(refused)?,
        Some(_) => None,
    };
    let own_std = match flags.std {
        None => metadata(summary, STD_KEY, deviation).map_err(refused)?,
        Some(_) => None,
    };
    let (mean, std) = match (flags.mean, flags.std, own_mean, own_std) {
        (None, None, None, None) if summary.normalises_inside => {
            tell("grey levels as they are".to_owned(), "the graph normalises them itself");
            ([0.0; 3], [1.0; 3])
        }
        (mean, std, own_mean, own_std) => {
            let by = |flag: bool, own: bool| match (flag, own) {
                (true, _) => "flag",
                (_, true) => "the model's metadata",
                _ => "usual",
            };
            let told = |values: [f64; 3]| values.map(|value| value.to_string()).join(",");
            let whose =
                [by(mean.is_some(), own_mean.is_some()), by(std.is_some(), own_std.is_some())];
            let mean = mean.or(own_mean).unwrap_or([USUAL; 3]);
            let std = std.or(own_std).unwrap_or([USUAL; 3]);
            tell(format!("mean {}", told(mean)), whose[0]);
            tell(format!("std {}", told(std)), whose[1]);
            (mean, std)
        }
    };
    if let Some(batch) = fixed_batch {
        tell(format!("batches of {batch}"), "fixed in the graph");
    }
    let what = if outputs == 2 { "unit features and norms" } else { "one output" };
    tell(what.to_owned(), "the graph");
    Ok(Conventions { channel_order, order_by, mean, std, fixed_batch, outputs, decided })
}

/// Checks that faces can be fed; the number of images where it is fixed.
fn check_input(summary: &Summary) -> Result<Option<usize>, ModelFault> {
    let [input] = &summary.inputs[..] else {
        return Err(ModelFault::Inputs { found: summary.inputs.len() });
    };
    if input.element != ElementType::Float {
        return Err(ModelFault::InputType { found: format!("{:?}", input.element) });
    }
    let Some(extents) = &input.extents else { return Ok(None) };
    let expected = [3, u64::from(FACE_PX), u64::from(FACE_PX)];
    let fits = |(axis, expected): (usize, &u64)| {
        extents.fixed(axis + 1).is_none_or(|found| found == *expected)
    };
    if extents.0.len() != 4 || !expected.iter().enumerate().all(fits) {
        return Err(ModelFault::InputShape { found: extents.to_string() });
    }
    match extents.fixed(0).filter(|batch| *batch > 0) {
        Some(found) if found > MOST_IMAGES => {
            Err(ModelFault::Batch { most: MOST_IMAGES, mib: BATCH_MIB, found })
        }
        batch => Ok(batch.and_then(|batch| usize::try_from(batch).ok())),
    }
}

fn metadata<T>(
    summary: &Summary,
    key: &'static str,
    read: fn(&str) -> Result<T, String>,
) -> Result<Option<T>, ModelFault> {
    let Some(text) = summary.metadata.get(key) else { return Ok(None) };
    let refused = |expected| ModelFault::Metadata { key, expected, found: text.clone() };
    read(text).map(Some).map_err(refused)
}

fn order(text: &str) -> Result<ChannelOrder, String> {
    text.trim().parse().map_err(|unknown: UnknownOrder| unknown.to_string())
}

/// Reads one number for all channels, or three separated by commas; or says what was expected.
fn three(text: &str) -> Result<[f64; 3], String> {
    let numbers: Option<Vec<f64>> = text
        .split(',')
        .map(|word| word.trim().parse().ok().filter(|number: &f64| number.is_finite()))
        .collect();
    match numbers.as_deref() {
        Some([one]) => Ok([*one; 3]),
        Some([first, second, third]) => Ok([*first, *second, *third]),
        _ => Err("one number or three, separated by commas".to_owned()),
    }
}

/// Reads a mean in grey levels of 0 to 255. One between 0 and 1 is of values of 0 to 1.
///
/// # Errors
/// What was expected.
pub fn mean(text: &str) -> Result<[f64; 3], String> {
    let mean = three(text)?;
    if mean.iter().any(|value| *value > 0.0 && *value < 1.0) {
        return Err(
            "means in grey levels of 0 to 255 (0.5 of values of 0 to 1 is 127.5 here)".to_owned()
        );
    }
    Ok(mean)
}

/// Reads a deviation in grey levels of 0 to 255. One below 1 is of values of 0 to 1.
///
/// # Errors
/// What was expected.
pub fn deviation(text: &str) -> Result<[f64; 3], String> {
    let std = three(text)?;
    if std.iter().any(|value| *value < 1.0) {
        return Err(
            "deviations in grey levels of 0 to 255, 1 and more (0.5 of values of 0 to 1 is 127.5 \
                    here)"
                .to_owned(),
        );
    }
    Ok(std)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::{Extent, Extents, Port};
    use std::collections::BTreeMap;

    fn port(extents: &[i64]) -> Port {
        let extents = extents.iter().map(|&extent| match extent {
            0 => Some(Extent::Symbol("N".to_owned())),
            extent => Some(Extent::Fixed(extent)),
        });
        let extents = Some(Extents(extents.collect()));
        Port { name: "x".to_owned(), element: ElementType::Float, extents }
    }

    fn summary(input: &[i64], outputs: usize, metadata: &[(&str, &str)]) -> Summary {
        let metadata: BTreeMap<String, String> =
            metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Summary {
            inputs: vec![port(input)],
            outputs: vec![port(&[0, 512]); outputs],
            metadata,
            producer: String::new(),
            opset: 17,
            first_nodes: Vec::new(),
            normalises_inside: false,
        }
    }

    fn decided(summary: &Summary, flags: &Flags) -> Result<Conventions, ModelError> {
        decide(Path::new("m.onnx"), summary, flags)
    }

    const FACES: [i64; 4] = [0, 3, 112, 112];
    const RGB: Flags = Flags { channel_order: Some(ChannelOrder::Rgb), mean: None, std: None };

    #[test]
    fn the_order_of_channels_is_never_guessed() {
        let error = decided(&summary(&FACES, 1, &[]), &Flags::default()).unwrap_err();
        assert!(matches!(error, ModelError::NoChannelOrder { .. }));
        let own = summary(&FACES, 1, &[("channel_order", "bgr")]);
        assert_eq!(decided(&own, &Flags::default()).unwrap().channel_order, ChannelOrder::Bgr);
        assert_eq!(decided(&own, &RGB).unwrap().channel_order, ChannelOrder::Rgb);
    }

    #[test]
    fn a_graph_that_normalises_is_fed_grey_levels_unless_told_otherwise() {
        let mut inside = summary(&FACES, 1, &[]);
        assert_eq!(decided(&inside, &RGB).unwrap().mean, [127.5; 3]);
        inside.normalises_inside = true;
        assert_eq!(decided(&inside, &RGB).unwrap().std, [1.0; 3]);
        let flags = Flags { mean: Some([127.5; 3]), std: Some([128.0; 3]), ..RGB };
        assert_eq!(decided(&inside, &flags).unwrap().std, [128.0; 3]);
    }

    #[test]
    fn other_models_than_those_of_faces_are_refused() {
        for (input, outputs) in
            [(&[1, 3, 224, 224][..], 1), (&[0, 112, 112, 3], 1), (&[0, 3, 112], 1), (&FACES, 3)]
        {
            let error = decided(&summary(input, outputs, &[]), &RGB).unwrap_err();
            assert!(matches!(error, ModelError::Unfit { .. }), "{error}");
        }
        assert_eq!(
            decided(&summary(&[1, 3, 112, 112], 1, &[]), &RGB).unwrap().fixed_batch,
            Some(1)
        );
    }

    #[test]
    fn a_fixed_batch_that_takes_too_much_memory_is_refused() {
        for batch in [7134, 1_000_000, 1 << 40, i64::MAX] {
            let error = decided(&summary(&[batch, 3, 112, 112], 1, &[]), &RGB).unwrap_err();
            let told = format!("at most 7133 faces (1024 MiB), found batches of {batch}");
            assert!(error.to_string().contains(&told), "{error}");
        }
        assert!(decided(&summary(&[7133, 3, 112, 112], 1, &[]), &RGB).is_ok());
    }

    #[test]
    fn a_deviation_of_values_up_to_one_is_refused() {
        assert!(deviation("0.5").is_err() && mean("0.5,0.5,0.5").is_err() && mean("inf").is_err());
        assert_eq!(mean("0").unwrap(), [0.0; 3]);
        assert_eq!(deviation("58.395, 57.12,57.375").unwrap(), [58.395, 57.12, 57.375]);
        let own = summary(&FACES, 1, &[("channel_order", "grb")]);
        assert!(decided(&own, &Flags::default()).is_err());
        assert!(decided(&own, &RGB).is_ok());
    }
}
