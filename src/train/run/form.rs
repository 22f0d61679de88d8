//! How the steps of a run are made, by name.

use crate::graph::Width;
use crate::graph::lower::Layout;
use crate::runtime::Precision;
use crate::train::tuning;

/// How the steps of a run are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// How images lie.
    pub(super) layout: Layout,
    /// What the backbone computes in.
    pub(super) width: Width,
}

/// The name of [`Form::HALF`]; others have that of their layout.
const HALF: &str = "half planes";

impl Form {
    /// In ONNX's operators.
    pub(super) const PLAIN: Self = Self::whole(Layout::Planes);
    /// In float16.
    const HALF: Self = Self { layout: Layout::Planes, width: Width::Half };

    const fn whole(layout: Layout) -> Self {
        Self { layout, width: Width::Whole }
    }

    /// What a precision asks for, where it asks for more than what is fastest.
    pub(super) fn of(precision: Precision) -> Option<Self> {
        match precision {
            Precision::Float32 | Precision::Mixed => None,
            Precision::Bfloat16 => Some(Self::whole(Layout::RoundedPixels)),
            Precision::Float16 => Some(Self::HALF),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self.width {
            Width::Whole => tuning::name(self.layout),
            Width::Half => HALF,
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        if name == HALF { Some(Self::HALF) } else { tuning::layout(name).map(Self::whole) }
    }

    /// The same in 32 bits.
    pub(super) fn widened(self) -> Self {
        match self.layout {
            Layout::RoundedPixels => Self::whole(Layout::Pixels),
            layout => Self::whole(layout),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_comes_back_by_its_name_and_has_one_in_32_bits() {
        let [pixels, rounded] = [Layout::Pixels, Layout::RoundedPixels].map(Form::whole);
        for (form, wide) in [
            (Form::PLAIN, Form::PLAIN),
            (Form::HALF, Form::PLAIN),
            (pixels, pixels),
            (rounded, pixels),
        ] {
            assert_eq!(Form::named(form.name()), Some(form));
            assert_eq!(form.widened(), wide);
        }
        assert_eq!(Form::named("cubes"), None);
    }
}
