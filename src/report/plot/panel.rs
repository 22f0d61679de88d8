//! A panel: its title, legend, axes, and what lies between them.

use super::axis::{Numbers, Ruler, Side};
use super::curve::{Area, Curve, Frame, Plot};
use super::error::Error;
use super::figure::Panel;
use super::legend::{self, Entry};
use super::text::{BASE_LINE, INK, SMALL, Weight, shorten, style};
use super::unit::UNITS;
use plotters::prelude::{ChartBuilder, Color, DrawingBackend};
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

const SPINE: RGBColor = RGBColor(0x59, 0x59, 0x59);
const GRID: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);
const MINOR_GRID: RGBColor = RGBColor(0xf2, 0xf2, 0xf2);

/// Size of the panel's title, and the height of the line it stands in.
const TITLE: f64 = 12.5;
const TITLE_ROW: i32 = 20 * UNITS;

/// Between the legend and the plot.
const ABOVE_PLOT: i32 = 6 * UNITS;

/// Height below the plot: tick labels, then the axis's name.
const BELOW_PLOT: i32 = 38 * UNITS;

/// At the right of the plot, for half of the last tick's label.
const RIGHT: i32 = 18 * UNITS;

/// Length of the marks at the axes; plotters sets labels twice as far away.
const TICK: i32 = 4 * UNITS;

/// At the left of the tick labels, for the axis's name.
const Y_NAME: i32 = 20 * UNITS;

/// Shares of the data's span that the axes go on beyond it: beside bins, and above.
const BESIDE_BINS: f64 = 0.01;
const ABOVE: f64 = 0.05;

/// A panel of which the left axis is known, and what it takes of the page.
pub(super) struct Content<'a> {
    panel: &'a Panel,
    curves: Vec<Curve<'a>>,
    y: Ruler,
}

/// What all panels of a figure share, so that their axes are in line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) width: i32,
    /// From the left side to the plot.
    pub(super) indent: i32,
    pub(super) legend_rows: i32,
    pub(super) plot_height: i32,
}

impl Shape {
    fn above_plot(&self) -> i32 {
        TITLE_ROW + self.legend_rows * legend::ROW + ABOVE_PLOT
    }

    fn plot_width(&self) -> f64 {
        f64::from(self.width - self.indent - RIGHT)
    }

    pub(super) fn height(&self) -> i32 {
        self.above_plot() + self.plot_height + BELOW_PLOT
    }
}

impl<'a> Content<'a> {
    pub(super) fn new(panel: &'a Panel, plot_height: i32) -> Content<'a> {
        let curve = |series| Curve::new(series, panel.x.scale, panel.y.scale);
        let curves: Vec<Curve<'_>> = panel.series.iter().map(curve).collect();
        let numbers = Numbers {
            extent: extent(curves.iter().flat_map(Curve::upwards)),
            beyond: ABOVE,
            whole: whole(panel, |point| point.1),
        };
        let y = Ruler::new(&panel.y, numbers, Side::Left, f64::from(plot_height));
        Content { panel, curves, y }
    }

    /// What the left axis needs from the panel's left side.
    pub(super) fn indent(&self) -> i32 {
        let widths = self.y.ticks.iter().map(|tick| tick.width);
        Y_NAME + widths.fold(0.0, f64::max).ceil() as i32 + 2 * TICK
    }

    pub(super) fn legend(&self, room: i32) -> Vec<Entry> {
        legend::entries(self.panel, &self.curves, room)
    }

    /// Draws the panel on an area of its shape.
    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        shape: &Shape,
    ) -> Result<(), Error> {
        let room = shape.width - shape.indent;
        let title = shorten(&self.panel.title, TITLE, Weight::Bold, f64::from(room));
        let hanging = style(TITLE, Weight::Bold, INK, (HPos::Left, VPos::Top));
        area.draw_text(&title, &hanging, (shape.indent, 0))?;
        for entry in self.legend(room) {
            entry.draw((shape.indent, TITLE_ROW), area)?;
        }
        let frame = self.frame(shape);
        let mut chart = ChartBuilder::on(area)
            .margin_top(shape.above_plot())
            .margin_right(RIGHT)
            .x_label_area_size(BELOW_PLOT)
            .y_label_area_size(shape.indent)
            .build_cartesian_2d(frame.x.clone(), frame.y.clone())?;
        let stroke = |colour: RGBColor| colour.stroke_width(UNITS as u32);
        chart
            .configure_mesh()
            .bold_line_style(stroke(GRID))
            .light_line_style(stroke(MINOR_GRID))
            .disable_axes()
            .draw()?;
        self.plot(chart.plotting_area(), &frame)?;
        let name = |label: &str, room: f64| shorten(label, SMALL, Weight::Normal, room);
        chart
            .configure_mesh()
            .disable_mesh()
            .axis_style(stroke(SPINE))
            .set_all_tick_mark_size(TICK)
            .label_style(style(SMALL, Weight::Normal, INK, (HPos::Center, VPos::Center)))
            .y_label_offset(BASE_LINE)
            .x_desc(name(&self.panel.x.label, shape.plot_width()))
            .y_desc(name(&self.panel.y.label, f64::from(shape.plot_height)))
            .draw()?;
        Ok(())
    }

    fn frame(&self, shape: &Shape) -> Frame {
        let panel = self.panel;
        let marks = panel.marks.iter().filter_map(|mark| panel.x.scale.even(mark.at));
        let bins = self.curves.iter().any(Curve::has_bins);
        let numbers = Numbers {
            extent: extent(self.curves.iter().flat_map(Curve::across).chain(marks)),
            beyond: if bins { BESIDE_BINS } else { 0.0 },
            whole: whole(panel, |point| point.0),
        };
        let x = Ruler::new(&panel.x, numbers, Side::Below, shape.plot_width());
        Frame { x, y: self.y.clone() }
    }

    /// Fills below lines below marks, so that no series hides another's line.
    fn plot<DB: DrawingBackend>(&self, plot: &Plot<DB>, frame: &Frame) -> Result<(), Error> {
        self.curves.iter().try_for_each(|curve| curve.fill(plot, frame))?;
        self.curves.iter().try_for_each(|curve| curve.line(plot, frame))?;
        let marks = &self.panel.marks;
        marks.iter().try_for_each(|mark| frame.mark(mark, self.panel.x.scale, plot))?;
        if self.curves.iter().all(Curve::is_empty) {
            let middle = style(SMALL, Weight::Normal, INK, (HPos::Center, VPos::Center));
            let (width, height) = plot.dim_in_pixel();
            let at = (width as i32 / 2, height as i32 / 2);
            plot.strip_coord_spec().draw_text("no data", &middle, at)?;
        }
        Ok(())
    }
}

fn extent(evens: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    evens.fold(None, |extent, even| {
        let (low, high) = extent.unwrap_or((even, even));
        Some((low.min(even), high.max(even)))
    })
}

fn whole(panel: &Panel, number: fn(&(f64, f64)) -> f64) -> bool {
    panel.series.iter().flat_map(|series| &series.points).all(|point| number(point).fract() == 0.0)
}
