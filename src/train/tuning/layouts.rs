//! Layouts of images by name.

use crate::graph::lower::{Arrangement, Layout};
use crate::runtime::Device;

/// Layouts and their names, the reference first.
pub(super) static LAYOUTS: [(Layout, &str); 4] = [
    (Layout::Planes, "planes"),
    (Layout::Pixels, "pixels"),
    (Layout::RoundedPixels, "rounded pixels"),
    (Layout::VendorPlanes, "vendor planes"),
];

/// Whether a device has the operators of a layout.
pub fn has(device: Device, layout: Layout) -> bool {
    match layout {
        Layout::Planes => true,
        Layout::Pixels | Layout::RoundedPixels => device == Device::Cpu,
        Layout::VendorPlanes => device != Device::Cpu,
    }
}

/// The name of a layout.
pub fn name(layout: Layout) -> &'static str {
    let row = LAYOUTS.iter().find(|(own, _)| *own == layout);
    row.map(|(_, name)| *name).expect("every layout has a row")
}

/// What a table calls an arrangement.
pub(crate) fn told(arrangement: &Arrangement) -> String {
    let tuned = if arrangement.formulations.is_empty() { "" } else { ", tuned" };
    format!("{}{tuned}", name(arrangement.layout))
}

/// The layout of a name.
pub fn layout(name: &str) -> Option<Layout> {
    LAYOUTS.iter().find(|(_, own)| *own == name).map(|(layout, _)| *layout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_the_operators_of_its_library_and_the_reference_is_everywhere() {
        for (device, other, own) in [
            (Device::Cpu, Device::Cuda(1), Layout::Pixels),
            (Device::Cuda(1), Device::Cpu, Layout::VendorPlanes),
        ] {
            assert!(has(device, Layout::Planes) && has(device, own) && !has(other, own));
        }
        assert!(has(Device::Cpu, Layout::RoundedPixels));
        assert!(!has(Device::Cuda(0), Layout::RoundedPixels));
    }

    #[test]
    fn every_layout_is_found_by_its_name() {
        for (own, text) in LAYOUTS {
            assert_eq!((name(own), layout(text)), (text, Some(own)));
        }
    }
}
