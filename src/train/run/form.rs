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

/// The names of those of half width; others have that of their layout.
static HALVES: [(Layout, &str); 2] =
    [(Layout::Planes, "half planes"), (Layout::VendorPlanes, "half vendor planes")];

impl Form {
    /// In ONNX's operators.
    pub(super) const PLAIN: Self = Self::whole(Layout::Planes);
    /// In float16.
    pub(super) const HALF: Self = Self { layout: Layout::Planes, width: Width::Half };

    const fn whole(layout: Layout) -> Self {
        Self { layout, width: Width::Whole }
    }

    /// What a precision asks for, unless something else of it was measured to be faster.
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
            Width::Half => {
                let row = HALVES.iter().find(|(layout, _)| *layout == self.layout);
                row.map(|(_, name)| *name).expect("a layout with half width has a row")
            }
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        let half = HALVES.iter().find(|(_, own)| *own == name);
        let half = half.map(|&(layout, _)| Self { layout, width: Width::Half });
        half.or_else(|| tuning::layout(name).map(Self::whole))
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
            (
                Form { layout: Layout::VendorPlanes, ..Form::HALF },
                Form::whole(Layout::VendorPlanes),
            ),
            (pixels, pixels),
            (rounded, pixels),
        ] {
            assert_eq!(Form::named(form.name()), Some(form));
            assert_eq!(form.widened(), wide);
        }
        assert_eq!(Form::named("cubes"), None);
    }
}
