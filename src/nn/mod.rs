//! Layers, the networks, margin heads, the queue and the QG joint loss, as functions that build a
//! graph.
//!
//! Nothing here differentiates or runs: a layer appends operators to a
//! [`Builder`](crate::graph::Builder) and declares what it needs to be fed. Parameters bear the
//! names of PyTorch's `state_dict`.

mod columns;
mod contrast;
mod curricular;
mod head;
mod joint;
mod layers;
mod margin;
mod networks;
mod params;
mod quality;
mod queue;
mod rows;
mod sharing;

pub use columns::{Columns, SampledColumns};
pub use contrast::{
    Contrast, ContrastInput, ContrastOptions, ContrastPhase, Coupling, Curve, Margin, Mask, Range,
    Select, contrast,
};
pub(crate) use head::MARGIN_BOUND;
pub use head::{Head, HeadInput, HeadKind, HeadOptions, HeadState, head};
pub use joint::{Joint, JointInput, JointOptions, JointState, joint};
pub use layers::{Layers, Mode, synchronised};
pub use networks::{
    Architecture, Backbone, Block, IResNet, Ir, MobileFaceNet, Trunk, Unit, UnknownArchitecture,
    Vit,
};
pub use params::{Buffer, Decay, Initial, Parameter, Params};
pub use quality::{Averages, EmaStart, QualityScale};
pub use queue::{Queue, QueueKind, QueueOptions};
pub use rows::{lengths, unit};
pub use sharing::{BuffersShare, HeadShare, Normalisation, Overlap, QueueShare, Sharing};
