//! A network of any family, with the images that it takes and the embeddings that it makes.

use super::architecture::Architecture;
use super::stages::DROPOUT_MASK;
use super::trunk::Trunk;
use crate::graph::Value;
use crate::masks::{Kept, RowMask};
use crate::nn::layers::Layers;
use std::fmt;

/// A network with the images that it takes and the embeddings that it makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Backbone {
    /// Height and width of the images.
    pub image: [usize; 2],
    /// Numbers of an embedding.
    pub embedding: usize,
    /// Probability with which dropout takes a number away before the last linear layer, where a network has
    /// dropout.
    pub dropout: f64,
    /// All but that.
    pub trunk: Trunk,
}

impl Backbone {
    /// The network for images of 112×112, with embeddings of 512 numbers and the dropout of its source;
    /// `width` is a factor on all channels.
    pub fn new(architecture: Architecture, width: f64) -> Self {
        Self::with_units(architecture, architecture.units(), width)
    }

    /// The same with other numbers of units.
    ///
    /// # Panics
    /// When there are not as many numbers as [`Architecture::units`] has.
    pub fn with_units(architecture: Architecture, units: &[usize], width: f64) -> Self {
        let expected = architecture.units().len();
        assert!(units.len() == expected, "{} stages of {expected}", units.len());
        let trunk = architecture.trunk(units, width);
        Self {
            image: [112; 2],
            embedding: 512,
            dropout: architecture.dropout().unwrap_or(0.0),
            trunk,
        }
    }

    /// Appends the network to images `[N, 3, H, W]`; returns `[N, embedding]`, not of unit length. In training
    /// it declares the inputs of [`Backbone::masks`].
    pub fn build(&self, layers: &mut Layers<'_>, images: Value) -> Value {
        match &self.trunk {
            Trunk::Ir(own) => own.build(layers, images, self.embedding, self.dropout),
            Trunk::IResNet(own) => own.build(layers, images, self.embedding, self.dropout),
            Trunk::MobileFaceNet(own) => own.build(layers, images, self.embedding),
            Trunk::Vit(own) => own.build(layers, images, self.embedding),
        }
    }

    /// What it is fed in training beside images, in the order of its declaration.
    pub fn masks(&self) -> Vec<RowMask> {
        let last = match &self.trunk {
            Trunk::Ir(own) => own.last_extents(self.image),
            Trunk::IResNet(own) => own.last_extents(self.image),
            Trunk::MobileFaceNet(_) => return vec![],
            Trunk::Vit(own) => return own.masks(self.image),
        };
        let kept = Kept::Without(vec![self.dropout]);
        let mask = RowMask { name: DROPOUT_MASK, extents: last.to_vec(), kept };
        [mask].into_iter().filter(|_| self.dropout > 0.0).collect()
    }

    /// Its extents that must be 1 at least, with a word for each.
    pub fn extents(&self) -> Vec<(&'static str, usize)> {
        let mut all = match &self.trunk {
            Trunk::Ir(own) => own.extents(),
            Trunk::IResNet(own) => own.extents(),
            Trunk::MobileFaceNet(own) => own.extents(),
            Trunk::Vit(own) => own.extents(),
        };
        all.push(("channels", self.embedding));
        all.extend(self.image.map(|extent| ("image", extent)));
        all
    }
}

impl fmt::Display for Backbone {
    /// All that it is made by but its dropout.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { embedding, trunk, .. } = self;
        match trunk {
            Trunk::Ir(own) => write!(f, "{own}"),
            Trunk::IResNet(own) => write!(f, "{own}"),
            Trunk::MobileFaceNet(own) => write!(f, "{own}"),
            Trunk::Vit(own) => write!(f, "{own}"),
        }?;
        write!(f, ", embedding {embedding}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Builder, Element};
    use crate::nn::{Mode, Params};

    fn params(backbone: &Backbone) -> Params {
        let mut g = Builder::new();
        let images = g.input("input", Element::Float, &[2, 3, 112, 112]);
        let mut layers = Layers::new(&mut g, Mode::Training);
        backbone.build(&mut layers, images);
        layers.params
    }

    /// Counts of the references.
    #[test]
    fn each_network_has_the_parameters_of_its_source() {
        for (architecture, count) in [
            (Architecture::Ir18, 24_020_352),
            (Architecture::Ir34, 34_134_080),
            (Architecture::Ir50, 43_585_600),
            (Architecture::Ir100, 65_150_912),
            (Architecture::Ir152, 109_636_736),
            (Architecture::Ir200, 114_138_240),
            (Architecture::IrSe50, 43_808_320),
            (Architecture::IrSe101, 65_523_136),
            (Architecture::IrSe152, 116_214_912),
            (Architecture::ArcfaceR18, 24_025_600),
            (Architecture::ArcfaceR50, 43_590_848),
            (Architecture::ArcfaceMbf, 2_059_520),
            (Architecture::ArcfaceMbfLarge, 6_314_880),
            (Architecture::ArcfaceVitTiny, 19_137_792),
            (Architecture::ArcfaceVitSmall, 76_023_296),
        ] {
            let params = params(&Backbone::new(architecture, 1.0));
            let learned: usize = params.parameters.iter().map(|own| own.count()).sum();
            // InsightFace counts a scale that it does not train.
            let held = params.buffers.iter().filter(|own| own.name.ends_with("weight"));
            let held: usize = held.map(|own| own.shape.iter().product::<usize>()).sum();
            assert_eq!(learned + held, count, "{architecture}");
        }
    }

    #[test]
    fn every_network_is_built_at_other_widths_and_depths() {
        for architecture in Architecture::all() {
            for (width, units) in [(0.25, 1), (0.01, 1), (1.5, 2)] {
                let units = vec![units; architecture.units().len()];
                let backbone = Backbone::with_units(architecture, &units, width);
                let mut g = Builder::new();
                let images = g.input("input", Element::Float, &[2, 3, 112, 112]);
                let mut layers = Layers::new(&mut g, Mode::Training);
                let made = backbone.build(&mut layers, images);
                assert_eq!(layers.g.shape(made), [2, 512], "{architecture} times {width}");
                let graph = g.finish(vec![("made".to_owned(), made)]);
                let fed = graph.inputs().into_iter().map(|(_, node)| node.name.clone());
                let fed: Vec<String> = fed.filter(|name| name.ends_with("_mask")).collect();
                let masks: Vec<&str> = backbone.masks().iter().map(|mask| mask.name).collect();
                assert_eq!(fed, masks, "{architecture}");
                assert!(backbone.extents().iter().all(|(_, extent)| *extent > 0));
            }
        }
    }

    #[test]
    fn a_width_scales_every_stage() {
        let quarter = Backbone::new(Architecture::Ir18, 0.25);
        assert_eq!(quarter.masks()[0].extents, [128, 7, 7]);
        assert!(quarter.to_string().starts_with("stem 16, blocks 16/2 16 32/2"), "{quarter}");
    }

    #[test]
    fn no_two_networks_are_told_alike() {
        let told = Architecture::all().map(|own| Backbone::new(own, 1.0).to_string());
        let mut told: Vec<String> = told.collect();
        told.sort();
        let count = told.len();
        told.dedup();
        assert_eq!(told.len(), count, "{told:?}");
    }
}
