//! What a family of networks is made by.

use super::ir::Ir;
use super::iresnet::IResNet;
use super::mobilefacenet::MobileFaceNet;
use super::vit::Vit;

/// What a family of networks is made by.
#[derive(Debug, Clone, PartialEq)]
pub enum Trunk {
    /// AdaFace's and QGFace's residual networks.
    Ir(Ir),
    /// InsightFace's residual networks.
    IResNet(IResNet),
    /// InsightFace's MobileFaceNet.
    MobileFaceNet(MobileFaceNet),
    /// InsightFace's vision transformers.
    Vit(Vit),
}
