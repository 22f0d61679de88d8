//! The report for a terminal: aligned columns, measured rows marked.

use super::document::{ReportDocument, RowKind};
use super::grid::{Grid, Side, of_table};
use super::names::plain;
use super::sections::{models, sets};

/// Letters of a cell at most; the middle of a longer one is left out.
const LONGEST: usize = 44;

pub(super) fn render(document: &ReportDocument) -> String {
    let mut text = format!("{}\nrates in per cent; > measured; – no number\n", document.tool);
    let mut add = |grid: &Grid| text += &format!("\n{}", block(grid));
    add(&models(document));
    document.tables.iter().map(of_table).for_each(|grid| add(&grid));
    for section in sets(document) {
        for (i, mut grid) in section.grids().into_iter().enumerate() {
            if i == 0 {
                grid.title = section.title().to_owned();
                grid.notes = section.warnings();
            }
            add(&grid);
        }
    }
    for note in &document.notes {
        text += &format!("\nnote: {}\n", plain(note));
    }
    text
}

/// A grid with its title, unless that stands in its head, and its notes.
fn block(grid: &Grid) -> String {
    let head = grid.head.iter().map(|heading| short(&heading.text)).collect::<Vec<_>>();
    let lines: Vec<Vec<String>> =
        grid.lines.iter().map(|line| line.cells.iter().map(|cell| short(cell)).collect()).collect();
    let widths: Vec<usize> = (0..head.len())
        .map(|i| {
            let column = lines.iter().filter_map(|line| line.get(i)).chain([&head[i]]);
            column.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let row = |mark: &str, cells: &[String]| {
        let mut row = mark.to_owned();
        for ((cell, width), heading) in cells.iter().zip(&widths).zip(&grid.head) {
            match heading.side {
                Side::Left => row += &format!(" {cell:<width$} "),
                Side::Right => row += &format!(" {cell:>width$} "),
            }
        }
        row.trim_end().to_owned() + "\n"
    };
    let titled = head.first().is_some_and(|first| *first != grid.title);
    let mut text = if titled { format!("{}\n", plain(&grid.title)) } else { String::new() };
    text += &row(" ", &head);
    for (line, cells) in grid.lines.iter().zip(&lines) {
        let mark = if line.kind == Some(RowKind::Measured) { ">" } else { " " };
        text += &row(mark, cells);
    }
    for note in &grid.notes {
        text += &format!("  note: {}\n", plain(note));
    }
    text
}

fn short(text: &str) -> String {
    let letters: Vec<char> = plain(text).chars().collect();
    if letters.len() <= LONGEST {
        return letters.into_iter().collect();
    }
    let (head, tail) = (LONGEST / 2, LONGEST - LONGEST / 2 - 1);
    let (head, tail) = (&letters[..head], &letters[letters.len() - tail..]);
    head.iter().chain(&['…']).chain(tail).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Subject;
    use crate::eval::results::examples::result;
    use crate::eval::sets::SCFACE;
    use crate::metrics::table::DISTANCE;
    use crate::report::document as build;
    use crate::report::document::examples::evaluation;

    #[test]
    fn columns_are_aligned_and_measured_rows_marked() {
        let rates = [(DISTANCE.at(1), 0.9), (DISTANCE.at(2), 0.05)];
        let a = evaluation("a.json", vec![result(Subject::Set(&SCFACE), &rates)]);
        let text = render(&build(&[a]).unwrap());
        let table: Vec<&str> =
            text.lines().skip_while(|line| !line.starts_with("SCface, rank")).take(4).collect();
        assert!(table[1].starts_with("  Method               SCface d1  SCface d2  SCface d3"));
        assert!(table[2].starts_with("> net.onnx                 90.00       5.00          –"));
        assert!(table[3].starts_with("  T-C                      45.10      85.90      96.10"));
    }

    #[test]
    fn long_cells_lose_their_middle() {
        let short = short(&"x".repeat(100));
        assert_eq!((short.chars().count(), short.chars().nth(22)), (LONGEST, Some('…')));
    }
}
