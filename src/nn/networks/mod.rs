//! Networks from images to embeddings, a file a family and a row each in [`Architecture`].

mod architecture;
mod backbone;
mod ir;
mod iresnet;
mod mobilefacenet;
mod stages;
mod trunk;
mod vit;

pub use architecture::{Architecture, UnknownArchitecture};
pub use backbone::Backbone;
pub use ir::{Ir, Unit};
pub use iresnet::IResNet;
pub use mobilefacenet::MobileFaceNet;
pub use stages::Block;
pub use trunk::Trunk;
pub use vit::Vit;
