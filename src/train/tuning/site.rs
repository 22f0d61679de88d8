//! What is tuned: a network and the rows that it is fed.

use crate::graph::Width;
use crate::graph::lower::{Layout, MOST_IMAGES};
use crate::nn::{Backbone, HeadKind, HeadOptions, JointOptions, Sharing};
use crate::optim::Sgd;
use crate::runtime::{Device, Precision};
use crate::train::{Error, Scales, StepGraph, StepOptions};
use std::fmt;

/// Classes of a trial: what is fastest for a backbone does not depend on its head.
const CLASSES: usize = 16;

/// A backbone and the number of its images at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    backbone: Backbone,
    rows: usize,
    /// What [`Precision::on`] found.
    precision: Precision,
}

impl Site {
    /// The backbone fed with `rows`, or with [`MOST_IMAGES`] where these are more: they are as fast in
    /// proportion, and would take longer to try.
    pub fn new(backbone: Backbone, rows: usize) -> Self {
        Self { backbone, rows: rows.min(MOST_IMAGES), precision: Precision::Float32 }
    }

    /// Of a step.
    pub fn of(options: &StepOptions) -> Self {
        Self::new(options.backbone.clone(), options.batch * options.views)
    }

    /// The same in what [`Precision::on`] found.
    pub fn in_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Images at a time.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Layouts that can be chosen for it on a device, the reference first.
    pub fn layouts(&self, device: Device) -> &'static [Layout] {
        match (device, self.precision) {
            (Device::Cpu, Precision::Float16) => &[Layout::Planes],
            (Device::Cpu, Precision::Float32) => &[Layout::Planes, Layout::Pixels],
            (Device::Cpu, Precision::Bfloat16) => &[Layout::RoundedPixels],
            (Device::Cpu, Precision::Mixed) => {
                &[Layout::Planes, Layout::Pixels, Layout::RoundedPixels]
            }
            (Device::Cuda(_), _) => &[Layout::Planes, Layout::VendorPlanes],
        }
    }

    /// A step that is nothing but the backbone and a small head.
    ///
    /// # Errors
    /// [`Error::Option`].
    pub(super) fn step(&self) -> Result<StepGraph, Error> {
        let is_half = self.precision == Precision::Float16;
        let width = if is_half { Width::Half } else { Width::Whole };
        StepGraph::in_width(self.options(), width)
    }

    fn options(&self) -> StepOptions {
        StepOptions {
            backbone: self.backbone.clone(),
            joint: JointOptions { head: HeadOptions::new(HeadKind::AdaFace), contrast: None },
            classes: CLASSES,
            batch: self.rows,
            accumulate: 1,
            views: 1,
            scales: Scales::Fixed { head: 0.0, contrast: 0.0 },
            sgd: Sgd::default(),
            sharing: Sharing::default(),
            sample: None,
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [height, width] = self.backbone.image;
        write!(f, "{} rows of {height}x{width}, {}", self.rows, self.backbone)?;
        let precision = match self.precision {
            Precision::Float32 => "",
            Precision::Bfloat16 => ", in bfloat16",
            Precision::Float16 => ", in float16",
            Precision::Mixed => ", in float32 or bfloat16",
        };
        f.write_str(precision)
    }
}

#[cfg(test)]
mod tests {
    use super::super::layouts::has;
    use super::*;
    use crate::nn::Architecture;

    #[test]
    fn layouts_are_those_that_the_device_has_the_reference_first() {
        let site = Site::new(Backbone::new(Architecture::Ir18, 0.5), 8);
        for device in [Device::Cpu, Device::Cuda(0)] {
            let layouts = site.layouts(device);
            assert_eq!(layouts[0], Layout::Planes);
            assert!(layouts.len() == 2 && layouts.iter().all(|&layout| has(device, layout)));
        }
        let layouts = |precision| site.clone().in_precision(precision).layouts(Device::Cpu);
        assert_eq!(layouts(Precision::Bfloat16), [Layout::RoundedPixels]);
        let halves = site.clone().in_precision(Precision::Float16);
        for device in [Device::Cpu, Device::Cuda(0)] {
            let layouts = halves.layouts(device);
            assert!(
                layouts.iter().all(|&own| has(device, own) && own.has(Width::Half)),
                "{layouts:?}"
            );
        }
        assert_eq!(
            layouts(Precision::Mixed),
            [Layout::Planes, Layout::Pixels, Layout::RoundedPixels]
        );
    }

    #[test]
    fn a_site_says_all_that_a_choice_depends_on() {
        let ir34 = Backbone::new(Architecture::Ir34, 0.5);
        assert_eq!(
            Site::new(ir34, 100).to_string(),
            "16 rows of 112x112, stem 32, blocks 32/2 32*2 64/2 64*3 128/2 128*5 256/2 256*2, \
             embedding 512"
        );
    }
}
