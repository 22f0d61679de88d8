//! The report as markdown with tables.

use super::document::{ReportDocument, RowKind};
use super::grid::{Grid, Side, of_table};
use super::names::plain;
use super::sections::{models, sets};

pub(super) fn render(document: &ReportDocument) -> String {
    let mut text = format!(
        "# Evaluation report\n\nWritten by {}. Rates in per cent; measured rows are bold; – stands for \
         no number.\n\n",
        escape(&document.tool)
    );
    text += &table(&models(document));
    for grid in document.tables.iter().map(of_table) {
        text += &format!("\n## {}\n\n{}", escape(&grid.title), table(&grid));
    }
    for section in sets(document) {
        text += &format!("\n## {}: numbers and settings\n", escape(section.title()));
        for grid in section.grids() {
            text += &format!("\n{}", table(&grid));
        }
        text += &list(&section.warnings());
    }
    text + &list(&document.notes)
}

fn table(grid: &Grid) -> String {
    let row = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut text = row(grid.head.iter().map(|heading| escape(&heading.text)).collect());
    let rule = |side| if side == Side::Right { "---:" } else { "---" }.to_owned();
    text += &row(grid.head.iter().map(|heading| rule(heading.side)).collect());
    for line in &grid.lines {
        let mut cells: Vec<String> = line.cells.iter().map(|cell| escape(cell)).collect();
        if line.kind == Some(RowKind::Measured) {
            cells.iter_mut().for_each(|cell| *cell = format!("**{cell}**"));
        }
        text += &row(cells);
    }
    text + &list(&grid.notes)
}

fn list(notes: &[String]) -> String {
    let lines: String = notes.iter().map(|note| format!("- {}\n", escape(note))).collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

/// The text with a backslash before whatever markdown, or HTML in it, would take for its own.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for letter in plain(text).chars() {
        if matches!(letter, '\\' | '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '&' | '#' | '~')
        {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_markdown_in_names_are_shown_as_they_are() {
        assert_eq!(escape("a|b_c* <i>"), "a\\|b\\_c\\* \\<i\\>");
    }
}
