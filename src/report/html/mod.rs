//! The report as one page that needs no other file: styles and figures stand in it, and it runs
//! nothing. It is XML too, so that any reader of XML can take it apart.

mod escape;
mod figure;
mod table;

use super::document::ReportDocument;
use super::error::Error;
use super::grid::of_table;
use super::sections::{SetSection, models, sets};
use escape::{escape, notes};

const STYLE: &str = include_str!("style.css");

pub(super) fn render(document: &ReportDocument) -> Result<String, Error> {
    let sections = sets(document);
    let title = title(document);
    let mut body = head(document, &title);
    body += &contents(document, &sections);
    for grid_of in &document.tables {
        let (id, grid) = (format!("table-{}", grid_of.name), of_table(grid_of));
        body += &format!("<section id=\"{id}\">\n{}</section>\n", table::titled(&grid));
    }
    for (number, section) in sections.iter().enumerate() {
        body += &set(section, number)?;
    }
    Ok(format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    ))
}

fn title(document: &ReportDocument) -> String {
    let labels: Vec<&str> = document.measured.iter().map(|row| row.label.as_str()).collect();
    let names = match labels[..] {
        [first, _, ref others @ ..] if !others.is_empty() => {
            format!("{first} and {} others", labels.len() - 1)
        }
        ref all => all.join(" and "),
    };
    escape(&format!("Evaluation of {names}"))
}

/// What was measured, by which programs.
fn head(document: &ReportDocument, title: &str) -> String {
    let tool = escape(&document.tool);
    let mut text = format!(
        "<header>\n<h1>{title}</h1>\n<p>Written by {tool}. Rates are in per cent; – stands for no \
         number. Measured rows are tinted, the others are published ones.</p>\n"
    );
    text += &table::table(&models(document), "facts");
    text += &notes(&document.notes);
    text + "</header>\n"
}

/// Links to what follows.
fn contents(document: &ReportDocument, sections: &[SetSection<'_>]) -> String {
    let link = |id: String, text: &str| format!("<a href=\"#{id}\">{}</a>\n", escape(text));
    let tables: String = document
        .tables
        .iter()
        .map(|table| link(format!("table-{}", table.name), &table.title))
        .collect();
    let sets: String = (0..)
        .zip(sections)
        .map(|(i, section): (usize, _)| link(format!("set-{i}"), section.title()))
        .collect();
    let tables = if tables.is_empty() { tables } else { format!("<p>Tables: {tables}</p>\n") };
    format!("<nav>\n{tables}<p>Sets: {sets}</p>\n</nav>\n")
}

/// The numbers, switches, counts and figures of a set.
fn set(section: &SetSection<'_>, number: usize) -> Result<String, Error> {
    let mut text = format!("<section id=\"set-{number}\">\n<h2>{}</h2>\n", escape(section.title()));
    text += &notes(&section.warnings());
    let [metrics, settings, counts] = section.grids();
    let grids = [(metrics, "numbers"), (counts, "numbers"), (settings, "facts")];
    let grids: String = grids.iter().map(|(grid, class)| table::table(grid, class)).collect();
    text += &format!("<div class=\"beside\">\n{grids}</div>\n");
    text += &figure::figures(section)?;
    Ok(text + "</section>\n")
}

#[cfg(test)]
mod tests {
    use crate::eval::results::examples::result;
    use crate::eval::{Subject, Warning, WarningKind};
    use crate::report::document::examples::evaluation;
    use crate::report::{Format, document, render};

    #[test]
    fn names_never_become_elements() {
        let mut a = evaluation("<b>.json", vec![result(Subject::OwnPairs, &[])]);
        a.report.model.as_mut().unwrap().path = "</title><script>alert(1)</script>".to_owned();
        let result = &mut a.report.results[0];
        result.protocol = "<i>&\"\u{1}".to_owned();
        result.warnings = vec![Warning::new(WarningKind::LeftOut, "<img src='x'>")];
        let text = render(&document(&[a]).unwrap(), Format::Html).unwrap();
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        let page = roxmltree::Document::parse_with_options(&text, options).unwrap();
        let names: Vec<&str> = page.descendants().map(|node| node.tag_name().name()).collect();
        for name in ["script", "img", "i", "b"] {
            assert!(!names.contains(&name), "{name}");
        }
    }
}
