//! Layouts of images by name.

use crate::graph::lower::{Arrangement, Layout};

/// Layouts and their names, the reference first.
pub(super) static LAYOUTS: [(Layout, &str); 3] = [
    (Layout::Planes, "planes"),
    (Layout::Pixels, "pixels"),
    (Layout::RoundedPixels, "rounded pixels"),
];

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
