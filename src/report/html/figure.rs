//! Figures as drawings in the page.

use super::escape::escape;
use crate::report::error::Error;
use crate::report::plot::{Panel, panel_svg};
use crate::report::sections::SetSection;
use crate::report::{curves, histograms};

/// What an SVG in a page of HTML does not need: its name space, by an address nobody fetches.
const NAME_SPACE: &str = " xmlns=\"http://www.w3.org/2000/svg\"";

/// Every figure of a set; nothing where there is none.
pub(super) fn figures(section: &SetSection<'_>) -> Result<String, Error> {
    let panels = curves::panels(section).into_iter().chain(histograms::panels(section));
    let figures = panels.map(|panel| figure(&panel)).collect::<Result<String, Error>>()?;
    if figures.is_empty() {
        return Ok(figures);
    }
    Ok(format!("<div class=\"figures\">\n{figures}</div>\n"))
}

fn figure(panel: &Panel) -> Result<String, Error> {
    let told = format!("<svg role=\"img\" aria-label=\"{}\"", escape(&words(panel)));
    let drawn = panel_svg(panel)?.replacen(NAME_SPACE, "", 1).replacen("<svg", &told, 1);
    Ok(format!("<figure>\n{}\n</figure>\n", drawn.trim()))
}

/// What the figure shows, for those who do not see it.
fn words(panel: &Panel) -> String {
    let series: Vec<&str> = panel.series.iter().map(|series| series.name.as_str()).collect();
    let Panel { title, x, y, .. } = panel;
    format!("{title}: {} over {}; {}", y.label, x.label, series.join(", "))
}
