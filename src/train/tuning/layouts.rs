//! Layouts of images by name.

use crate::graph::lower::Layout;

/// Layouts and their names, the reference first.
pub(super) static LAYOUTS: [(Layout, &str); 3] = [
    (Layout::Planes, "planes"),
    (Layout::Pixels, "pixels"),
    (Layout::RoundedPixels, "rounded pixels"),
];

/// Those that compute in 32 bits, of which the fastest is taken.
pub(super) const WIDE: [Layout; 2] = [Layout::Planes, Layout::Pixels];

/// The name of a layout.
pub fn name(layout: Layout) -> &'static str {
    let row = LAYOUTS.iter().find(|(own, _)| *own == layout);
    row.map(|(_, name)| *name).expect("every layout has a row")
}

/// The layout of a name.
pub fn layout(name: &str) -> Option<Layout> {
    LAYOUTS.iter().find(|(_, own)| *own == name).map(|(layout, _)| *layout)
}
