//! On what cannot be evaluated.

use super::{pack, runtime};
use qgface_data::eval::fusion;
use qgface_data::eval::{
    CHANNEL_ORDER_KEY, Error, FeaturesError, ImageError, ImagesError, ModelError, ModelFault,
    PlanError, ProtocolFileError,
};

/// How a protocol is chosen that weighs no face by its norm.
const NO_NORMS: &str = "choose a protocol of unit features (--protocol qgface, --no-norm)";

pub(super) fn advice(error: &Error) -> Option<String> {
    match error {
        Error::Pack(error) => pack::advice(error),
        Error::Proof(error) => pack::of_proof(error),
        Error::Images(error) => images(error),
        Error::ProtocolFile(error) => protocol_file(error),
        Error::Plan(error) => plan(error),
        Error::Model(error) => model(error),
        Error::Features(error) => features(error),
        Error::Files(_)
        | Error::DataSet(_)
        | Error::Pairs(_)
        | Error::Group(_)
        | Error::OfRank { .. }
        | Error::Metrics { .. } => None,
    }
}

fn images(error: &ImagesError) -> Option<String> {
    let text = match error {
        ImagesError::NoImages { .. } => {
            "make the pack with `qgface-data make-rec`, or say where the images are with --pack, \
             --root or --list"
        }
        ImagesError::UnlistedImage { .. } => "rename it",
        ImagesError::Image { source: ImageError::Size { .. }, .. } => {
            "align the faces first (`make-rec --align`)"
        }
        ImagesError::None { .. }
        | ImagesError::MissingImage { .. }
        | ImagesError::NoIdentity { .. }
        | ImagesError::Image { .. } => return None,
    };
    Some(text.to_owned())
}

fn protocol_file(error: &ProtocolFileError) -> Option<String> {
    let text = match error {
        ProtocolFileError::Missing { .. } => "name its root with --root",
        ProtocolFileError::Other { .. } => {
            "name the root of the right one with --root, or pack again"
        }
        ProtocolFileError::FacesWithoutImage { .. } => "pack all images",
        ProtocolFileError::Unreadable { .. }
        | ProtocolFileError::NoFace { .. }
        | ProtocolFileError::FaceTwice { .. } => return None,
    };
    Some(text.to_owned())
}

fn plan(error: &PlanError) -> Option<String> {
    let text = match error {
        PlanError::Skipped { .. } => "mend the images and pack again",
        PlanError::MadeUpNames { .. } => "adopt it with --root, the tree it was made from",
        PlanError::Shard { .. } => "join the shards with `qgface-data merge`",
        PlanError::Alignment { .. } => {
            "--accept-alignment evaluates them all the same and says so with the numbers"
        }
        PlanError::NoPairs { .. } => "pack the .bin with `qgface-data make-rec --dataset bin`",
        PlanError::WeighedTwice { .. } => "add --no-norm --no-detector-score",
        PlanError::NoScores { .. } => {
            "evaluate with --no-detector-score, or from the set's own files"
        }
        PlanError::ReducedWithoutModel => "score features of reduced pictures with --pairs",
        PlanError::Protocol { .. }
        | PlanError::FewPairs { .. }
        | PlanError::PairOrder { .. }
        | PlanError::NoMate { .. } => return None,
    };
    Some(text.to_owned())
}

fn model(error: &ModelError) -> Option<String> {
    match error {
        ModelError::Runtime(error) => runtime::advice(error),
        ModelError::Unfit { fault, .. } => unfit(fault),
        ModelError::NoChannelOrder { .. } => {
            Some("say --channel-order bgr (AdaFace, QGFace) or rgb (InsightFace)".to_owned())
        }
        ModelError::ColoursDiffer { model, .. } => {
            let model = model.name();
            Some(format!(
                "say --channel-order {model} if the network takes {model} (the pictures' true colours \
                 are restored first), or adopt the pack with the right --stored-order"
            ))
        }
        ModelError::Onnx(_) => None,
    }
}

fn unfit(fault: &ModelFault) -> Option<String> {
    let text = match fault {
        ModelFault::InputType { .. } => "export it in fp32",
        ModelFault::Outputs { .. } => "export it with those alone",
        ModelFault::Batch { .. } => "export it with an open batch",
        ModelFault::Metadata { key, .. } => {
            let flag = if *key == CHANNEL_ORDER_KEY { "channel-order" } else { key };
            return Some(format!("--{flag} stands above it"));
        }
        ModelFault::NoNorms { .. } => {
            return Some(format!("export the model with the norms beside them, or {NO_NORMS}"));
        }
        ModelFault::Inputs { .. }
        | ModelFault::InputShape { .. }
        | ModelFault::OutputShape { .. }
        | ModelFault::Norm { .. }
        | ModelFault::NotUnit { .. } => return None,
    };
    Some(text.to_owned())
}

fn features(error: &FeaturesError) -> Option<String> {
    match error {
        FeaturesError::NoNorms { .. } => {
            Some(format!("give the norms with --norms, or {NO_NORMS}"))
        }
        FeaturesError::Fusion { source: fusion::Error::Views { .. }, .. } => {
            Some("evaluate with the mirrored view, --flip".to_owned())
        }
        FeaturesError::Npy { .. }
        | FeaturesError::Rows { .. }
        | FeaturesError::NotFinite { .. }
        | FeaturesError::BadNorm { .. }
        | FeaturesError::Widths { .. }
        | FeaturesError::Fusion { .. } => None,
    }
}
