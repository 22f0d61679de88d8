//! Grids as elements of the page.

use super::escape::{escape, notes};
use crate::report::document::RowKind;
use crate::report::grid::{Grid, Side};

/// A grid under its title, with its notes below.
pub(super) fn titled(grid: &Grid) -> String {
    format!("<h2>{}</h2>\n{}{}", escape(&grid.title), table(grid, "compared"), notes(&grid.notes))
}

/// The grid alone; wider than the page, it is moved and not cut.
pub(super) fn table(grid: &Grid, class: &str) -> String {
    let side = |side| if side == Side::Right { " class=\"right\"" } else { "" };
    let head: String = grid
        .head
        .iter()
        .map(|heading| {
            format!("<th scope=\"col\"{}>{}</th>", side(heading.side), escape(&heading.text))
        })
        .collect();
    let mut lines = String::new();
    for line in &grid.lines {
        let kind = match line.kind {
            Some(kind @ RowKind::Measured) => format!(" class=\"{0}\" title=\"{0}\"", kind.name()),
            Some(RowKind::Published) | None => String::new(),
        };
        lines += &format!("<tr{kind}>");
        for (i, (cell, heading)) in line.cells.iter().zip(&grid.head).enumerate() {
            let cell = escape(cell);
            lines += &match i {
                0 => format!("<th scope=\"row\">{cell}</th>"),
                _ => format!("<td{}>{cell}</td>", side(heading.side)),
            };
        }
        lines += "</tr>\n";
    }
    let title = escape(&grid.title);
    format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"{title}\" tabindex=\"0\">\n\
         <table class=\"{class}\">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}</tbody>\n\
         </table>\n</div>\n"
    )
}
