//! The networks by their names.

use super::trunk::Trunk;
use super::{ir, iresnet, mobilefacenet, vit};
use std::str::FromStr;

/// A row a network: its variant, its name, the units of its stages, its family and what makes it of units and
/// a width, and the share that dropout takes away in its source, if it has dropout.
///
/// A macro, so that a variant cannot be without its row.
macro_rules! architectures {
    ($(
        $(#[$about:meta])*
        $variant:ident $name:literal: $units:expr, $family:ident $make:path, $dropout:expr;
    )*) => {
        /// A network by its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Architecture {
            $($(#[$about])* $variant,)*
        }

        static ROWS: &[Row] = &[$(Row {
            architecture: Architecture::$variant,
            name: $name,
            units: &$units,
            trunk: |units, width| Trunk::$family($make(units, width)),
            dropout: $dropout,
        },)*];
    };
}

struct Row {
    architecture: Architecture,
    name: &'static str,
    units: &'static [usize],
    trunk: fn(&[usize], f64) -> Trunk,
    dropout: Option<f64>,
}

// Units of AdaFace's `net.py` (get_blocks), of arcface_torch's `iresnet.py`, `mobilefacenet.py` and
// `backbones/__init__.py`.
architectures! {
    /// 18 layers of AdaFace's basic blocks.
    Ir18 "ir18": [2, 2, 2, 2], Ir ir::basic, Some(0.4);
    /// 34 layers.
    Ir34 "ir34": [3, 4, 6, 3], Ir ir::basic, Some(0.4);
    /// 50 layers.
    Ir50 "ir50": [3, 4, 14, 3], Ir ir::basic, Some(0.4);
    /// 100 layers; AdaFace's `IR_101`.
    Ir100 "ir100": [3, 13, 30, 3], Ir ir::basic, Some(0.4);
    /// 152 layers of bottlenecks.
    Ir152 "ir152": [3, 8, 36, 3], Ir ir::bottleneck, Some(0.4);
    /// 200 layers of bottlenecks.
    Ir200 "ir200": [3, 24, 36, 3], Ir ir::bottleneck, Some(0.4);
    /// 50 layers of basic blocks with squeeze and excitation.
    IrSe50 "ir_se_50": [3, 4, 14, 3], Ir ir::basic_squeezed, Some(0.4);
    /// 100 layers; AdaFace's `IR_SE_101`.
    IrSe101 "ir_se_101": [3, 13, 30, 3], Ir ir::basic_squeezed, Some(0.4);
    /// 152 layers of bottlenecks with squeeze and excitation.
    IrSe152 "ir_se_152": [3, 8, 36, 3], Ir ir::bottleneck_squeezed, Some(0.4);
    /// InsightFace's `iresnet18`.
    ArcfaceR18 "arcface_r18": [2, 2, 2, 2], IResNet iresnet::iresnet, Some(0.0);
    /// `iresnet34`.
    ArcfaceR34 "arcface_r34": [3, 4, 6, 3], IResNet iresnet::iresnet, Some(0.0);
    /// `iresnet50`.
    ArcfaceR50 "arcface_r50": [3, 4, 14, 3], IResNet iresnet::iresnet, Some(0.0);
    /// `iresnet100`.
    ArcfaceR100 "arcface_r100": [3, 13, 30, 3], IResNet iresnet::iresnet, Some(0.0);
    /// `iresnet200`.
    ArcfaceR200 "arcface_r200": [6, 26, 60, 6], IResNet iresnet::iresnet, Some(0.0);
    /// InsightFace's MobileFaceNet.
    ArcfaceMbf "arcface_mbf": [1, 4, 6, 2], MobileFaceNet mobilefacenet::mbf, None;
    /// Its large form.
    ArcfaceMbfLarge "arcface_mbf_large": [2, 8, 12, 4], MobileFaceNet mobilefacenet::mbf_large, None;
    /// InsightFace's vision transformer, tiny.
    ArcfaceVitTiny "arcface_vit_t": [12], Vit vit::tiny, None;
    /// Small.
    ArcfaceVitSmall "arcface_vit_s": [12], Vit vit::small, None;
    /// Base.
    ArcfaceVitBase "arcface_vit_b": [24], Vit vit::small, None;
}

/// Names that other programs have for one of ours.
static ALIASES: [(&str, Architecture); 8] = [
    ("ir_18", Architecture::Ir18),
    ("ir_34", Architecture::Ir34),
    ("ir_50", Architecture::Ir50),
    ("ir_100", Architecture::Ir100),
    ("ir_101", Architecture::Ir100),
    ("ir101", Architecture::Ir100),
    ("ir_152", Architecture::Ir152),
    ("ir_200", Architecture::Ir200),
];

/// A text that names no architecture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an architecture, one of {}, found {found:?}", Architecture::names().join(", "))]
pub struct UnknownArchitecture {
    /// The text.
    pub found: String,
}

impl FromStr for Architecture {
    type Err = UnknownArchitecture;

    fn from_str(text: &str) -> Result<Self, UnknownArchitecture> {
        let rows = ROWS.iter().map(|row| (row.name, row.architecture));
        let own = rows.chain(ALIASES).find(|(name, _)| *name == text);
        own.map(|own| own.1).ok_or_else(|| UnknownArchitecture { found: text.to_owned() })
    }
}

impl std::fmt::Display for Architecture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.row().name)
    }
}

impl Architecture {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.architecture)
    }

    /// Their names.
    pub fn names() -> Vec<&'static str> {
        ROWS.iter().map(|row| row.name).collect()
    }

    /// How many units each of its stages has.
    pub fn units(self) -> &'static [usize] {
        self.row().units
    }

    /// The share that dropout takes away before the last linear layer in the network's source; none where it
    /// has no dropout.
    pub fn dropout(self) -> Option<f64> {
        self.row().dropout
    }

    /// The network with other numbers of units, and a factor on all channels.
    pub(super) fn trunk(self, units: &[usize], width: f64) -> Trunk {
        (self.row().trunk)(units, width)
    }

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_is_found_by_its_name() {
        for (architecture, name) in Architecture::all().zip(Architecture::names()) {
            assert_eq!(name.parse(), Ok(architecture));
            assert_eq!(architecture.to_string(), name);
            assert_eq!(architecture.row().architecture, architecture);
        }
        for (name, architecture) in ALIASES {
            assert_eq!(name.parse(), Ok(architecture));
        }
        let error = "ir-18".parse::<Architecture>().unwrap_err();
        assert!(error.to_string().contains("ir18, ir34"), "{error}");
    }
}
