use super::font::Font;
use super::text::Weight;
use super::unit::UNITS;
use super::*;
use crate::image::Pixels;
use crate::image::decode::decode;

fn series(kind: Kind, points: &[(f64, f64)]) -> Series {
    let name = "a series of some name".to_owned();
    Series { name, colour: Colour::Red, dashed: false, kind, points: points.to_vec() }
}

fn panel(kind: Kind, points: &[(f64, f64)]) -> Panel {
    Panel { series: vec![series(kind, points)], ..Panel::default() }
}

fn figure(panels: Vec<Panel>) -> Figure {
    let subtitle = vec!["packs/tinyface.rec".to_owned()];
    Figure { title: "a <b> & \"c\" für tinyface".to_owned(), subtitle, panels }
}

/// What data may look like at worst, on either kind of axis.
fn odd_figures() -> Vec<Figure> {
    let tiny = f64::MIN_POSITIVE;
    let data: [&[(f64, f64)]; 10] = [
        &[],
        &[(112.0, 5749.0)],
        &[(0.0, 7.0), (1.0, 7.0), (2.0, 7.0)],
        &[(0.0, 0.0), (1.0, 0.0)],
        &[(3.0, 1.0), (3.0, 2.0)],
        &[(1.0, 1.2e10), (2.0, 3.0), (5000.0, 1.0)],
        &[(-100.0, -3.0), (0.0, 0.5), (100.0, 3.0)],
        &[(-1e100, 1e100), (1e100, -1e100)],
        &[(0.0, tiny), (tiny, 0.0)],
        &[(1e16, 1e16), (1e16 + 2.0, 1e16 + 2.0)],
    ];
    let mut figures = Vec::new();
    for points in data {
        let mut panels = Vec::new();
        for kind in [Kind::Steps, Kind::Bars, Kind::Line] {
            for (x, y) in [(Scale::Linear, Scale::Linear), (Scale::Log, Scale::Log)] {
                let mut panel = panel(kind, points);
                (panel.x.scale, panel.y.scale) = (x, y);
                panels.push(panel.clone());
                // A part of the data, most of it beyond the axes.
                (panel.x.range, panel.y.range) = (Some((0.5, 2.5)), Some((1.0, 6.0)));
                panel.series[0].dashed = true;
                panels.push(panel);
            }
        }
        figures.push(figure(panels));
    }
    figures
}

fn texts<'a>(document: &'a roxmltree::Document<'_>) -> Vec<&'a str> {
    document.descendants().filter_map(|node| node.text()).map(str::trim).collect()
}

#[test]
fn an_svg_is_xml_that_holds_the_title() {
    for figure in odd_figures() {
        let text = svg(&figure).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        assert!(texts(&document).contains(&figure.title.as_str()));
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}

#[test]
fn a_png_is_twice_as_large_as_the_svg() {
    for figure in odd_figures() {
        let text = svg(&figure).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        let size = |name| document.root_element().attribute(name).unwrap().parse::<u32>().unwrap();
        let pixels = decode(&png(&figure).unwrap()).unwrap();
        assert_eq!((pixels.width, pixels.height), (2 * size("width"), 2 * size("height")));
    }
}

#[test]
fn every_run_and_thread_draws_the_same_bytes() {
    let figure = &odd_figures()[6];
    let draw = || (svg(figure).unwrap(), png(figure).unwrap());
    let first = draw();
    std::thread::scope(|scope| {
        for thread in [scope.spawn(draw), scope.spawn(draw)] {
            assert!(thread.join().unwrap() == first);
        }
    });
}

#[test]
fn the_ending_in_any_case_chooses_the_format() {
    assert_eq!(Format::of(Path::new("a/stats.svg")).unwrap(), Format::Svg);
    assert_eq!(Format::of(Path::new("stats.v2.PNG")).unwrap(), Format::Png);
    for other in ["stats.pdf", "stats", "svg", ".png", "stats.svg.gz"] {
        assert!(Format::of(Path::new(other)).is_err(), "{other}");
    }
}

#[test]
fn another_ending_is_refused_before_any_work() {
    let wrong = figure(vec![panel(Kind::Line, &[(f64::NAN, 0.0)])]);
    let error = write(&wrong, Path::new("no/folder/stats.pdf")).unwrap_err().to_string();
    assert!(error.starts_with("no/folder/stats.pdf: expected a name that ends in .svg"), "{error}");
}

#[test]
fn a_figure_that_cannot_be_drawn_leaves_the_file_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stats.svg");
    write(&figure(Vec::new()), &path).unwrap();
    let before = std::fs::read(&path).unwrap();
    let wrong = figure(vec![panel(Kind::Line, &[(0.0, f64::INFINITY)])]);
    assert!(matches!(write(&wrong, &path), Err(Error::Number { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_bitmap_that_would_be_too_tall_says_so() {
    let tall = figure(vec![Panel::default(); 200]);
    let error = png(&tall).unwrap_err().to_string();
    assert!(error.starts_with("the figure's 200 panels make"), "{error}");
    assert!(svg(&tall).is_ok());
}

#[test]
fn no_text_leaves_the_page() {
    let long = "/home/somebody/with/a/very/long/path".repeat(20);
    let mut panel = panel(Kind::Line, &[(0.0, 1.2345e9), (7e13, -9.8765e9)]);
    panel.series[0].name.clone_from(&long);
    panel.title.clone_from(&long);
    panel.x.label.clone_from(&long);
    panel.y.label.clone_from(&long);
    let mark = Mark { at: 1.0, label: long.clone(), colour: Colour::Grey, dashed: true };
    panel.marks.push(mark);
    for count in [1, 2, 3] {
        let panels = vec![panel.clone(); count];
        let subtitle = vec![long.clone(), "\u{0}\n<&>'\"\u{202e}\u{ffff}".to_owned()];
        let text = svg(&Figure { title: long.clone(), subtitle, panels }).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        let size = |name| number(document.root_element().attribute(name)) * f64::from(UNITS);
        let boxes = boxes(&document, LINE);
        assert!(boxes.len() > 10 * count);
        for [left, top, right, bottom] in boxes {
            assert!(left >= 0.0 && right <= size("width"), "{left} {right}");
            assert!(top >= 0.0 && bottom <= size("height"), "{top} {bottom}");
        }
    }
}

/// What of a text's box is meant, in shares of its size: how far it begins after the text's start and
/// ends before its end, and how far it reaches above and below the base line.
#[derive(Clone, Copy)]
struct Part {
    inset: f64,
    above: f64,
    below: f64,
}

/// All of a line: the fonts' ascender and descender (fontTools: "hhea").
const LINE: Part = Part { inset: 0.0, above: 2189.0 / 2048.0, below: 600.0 / 2048.0 };

/// A part of the box of each of an SVG's texts, in units: left, top, right, bottom.
fn boxes(document: &roxmltree::Document<'_>, part: Part) -> Vec<[f64; 4]> {
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    texts.map(|node| part_of(&node, part)).collect()
}

fn part_of(text: &roxmltree::Node<'_, '_>, part: Part) -> [f64; 4] {
    let size = number(text.attribute("font-size"));
    let bold = text.attribute("font-weight").is_some();
    let font = Font::of(if bold { Weight::Bold } else { Weight::Normal });
    let width = font.width(text.text().unwrap().trim());
    let start = match text.attribute("text-anchor").unwrap() {
        "start" => 0.0,
        "middle" => -width / 2.0,
        "end" => -width,
        other => panic!("{other}"),
    };
    let base = match text.attribute("dy").unwrap() {
        "0.76em" => 0.76,
        // An ex is taken for half an em.
        "0.5ex" => 0.25,
        "-0.5ex" => -0.25,
        other => panic!("{other}"),
    };
    let (from, to) = (size * (start + part.inset), size * (start + width - part.inset));
    let (high, low) = (size * (base - part.above), size * (base + part.below));
    let (x, y) = (number(text.attribute("x")), number(text.attribute("y")));
    match text.attribute("transform") {
        None => [x + from, y + high, x + to, y + low],
        // Along the text is up the page, and below it is to the right.
        Some(turn) => {
            assert!(turn.starts_with("rotate(270"), "{turn}");
            [x + high, y - to, x + low, y - from]
        }
    }
}

fn number(attribute: Option<&str>) -> f64 {
    attribute.unwrap().parse().unwrap()
}

/// The corners of what is dark in a part of a bitmap, all in units: left, top, right, bottom.
fn ink(pixels: &Pixels, [left, top, right, bottom]: [f64; 4]) -> [f64; 4] {
    let mut found = [f64::MAX, f64::MAX, 0.0, 0.0];
    let pixel = f64::from(UNITS) / 2.0;
    for y in (top / pixel) as usize..=(bottom / pixel) as usize {
        for x in (left / pixel) as usize..=(right / pixel) as usize {
            if pixels.data[3 * (y * pixels.width as usize + x)] < 0xb0 {
                let (x, y) = (x as f64 * pixel, y as f64 * pixel);
                let [left, top, right, bottom] = found;
                found = [left.min(x), top.min(y), right.max(x + pixel), bottom.max(y + pixel)];
            }
        }
    }
    found
}

#[test]
fn a_text_of_the_bitmap_fills_its_box_in_the_svg() {
    let mut panel = panel(Kind::Steps, &[(1.0, 20.0), (2.0, 40.0)]);
    panel.title = "Images of an identity".to_owned();
    panel.x.label = "images per identity".to_owned();
    panel.y.label = "identities, each counted once".to_owned();
    let figure = figure(vec![panel]);
    let text = svg(&figure).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let pixels = decode(&png(&figure).unwrap()).unwrap();
    // The letters and digits of any text are within the one and go beyond the other.
    let outer = boxes(&document, Part { inset: 0.0, above: 0.85, below: 0.3 });
    let inner = boxes(&document, Part { inset: 0.25, above: 0.5, below: -0.05 });
    assert!(outer.len() > 10);
    for (outer, inner) in outer.into_iter().zip(inner) {
        // A pixel more, so that an edge within one is seen, and one more that must be white.
        let pixel = f64::from(UNITS) / 2.0;
        let grown = |by: f64| [outer[0] - by, outer[1] - by, outer[2] + by, outer[3] + by];
        let found = ink(&pixels, grown(2.0 * pixel));
        let covers = |large: [f64; 4], small: [f64; 4]| {
            large[0] <= small[0]
                && large[1] <= small[1]
                && large[2] >= small[2]
                && large[3] >= small[3]
        };
        assert!(
            covers(grown(pixel), found) && covers(found, inner),
            "{found:?} {outer:?} {inner:?}"
        );
    }
}

/// Corners of the rectangles of an SVG that are not opaque, its bars: left, top, right, bottom.
fn bars(text: &str) -> Vec<[f64; 4]> {
    let document = roxmltree::Document::parse(text).unwrap();
    let bar = |node: &roxmltree::Node<'_, '_>| {
        node.has_tag_name("rect") && node.attribute("opacity") == Some("0.75")
    };
    let corners = |node: roxmltree::Node<'_, '_>| {
        let number =
            |name| node.attribute(name).unwrap().parse::<f64>().unwrap() / f64::from(UNITS);
        let (x, y) = (number("x"), number("y"));
        [x, y, x + number("width"), y + number("height")]
    };
    document.descendants().filter(bar).map(corners).collect()
}

/// The colour at (`x`, `y`), in pixels of the SVG.
fn colour(pixels: &Pixels, x: f64, y: f64) -> [u8; 3] {
    let at = (2.0 * y) as usize * pixels.width as usize + (2.0 * x) as usize;
    [pixels.data[3 * at], pixels.data[3 * at + 1], pixels.data[3 * at + 2]]
}

#[test]
fn a_bar_covers_its_bin_up_to_its_height_in_both_formats() {
    // Bins of width 1 and heights up to 8: of two neighbours the second begins 1 further, and is half
    // as high; each covers 0.85 of its bin.
    let mut panel = panel(Kind::Bars, &[(0.5, 8.0), (1.5, 4.0), (2.5, 0.0), (3.5, 0.0)]);
    (panel.x.range, panel.y.range) = (Some((0.0, 4.0)), Some((0.0, 8.0)));
    let figure = figure(vec![panel]);
    let found = bars(&svg(&figure).unwrap());
    let [[left, top, right, bottom], [second, middle, end, _]] = found[..] else {
        panic!("{found:?}")
    };
    // Corners lie on whole units.
    let close = |a: f64, b: f64| (a - b).abs() <= 1.0;
    assert!(close((right - left) / 0.85, second - left), "{found:?}");
    assert!(close(right - left, end - second) && close(bottom - top, 300.0), "{found:?}");
    assert!(close(bottom - middle, 150.0), "{found:?}");
    let pixels = decode(&png(&figure).unwrap()).unwrap();
    let red = |x, y| {
        let [red, green, _] = colour(&pixels, x, y);
        red.saturating_sub(green) > 50
    };
    for (x, y) in [(second + 1.0, middle + 1.0), (end - 1.0, middle + 1.0), (left + 1.0, top + 2.0)]
    {
        assert!(red(x, y), "{x} {y}");
    }
    for (x, y) in
        [(second - 1.0, middle + 1.0), (end + 1.0, middle + 1.0), (end - 1.0, middle - 1.0)]
    {
        assert!(!red(x, y), "{x} {y}");
    }
}

#[test]
fn zeros_are_left_out_of_a_log_axis_and_the_least_bar_is_seen() {
    let mut panel = panel(Kind::Bars, &[(1.0, 1.0), (2.0, 0.0), (3.0, 100.0)]);
    panel.y.scale = Scale::Log;
    let found = bars(&svg(&figure(vec![panel])).unwrap());
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|[_, top, _, bottom]| bottom - top > 5.0), "{found:?}");
}

#[test]
fn what_has_no_points_is_said_to_have_none() {
    let text = svg(&figure(vec![panel(Kind::Steps, &[])])).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    assert!(texts(&document).contains(&"no data"));
    assert!(texts(&document).contains(&"a series of some name (no data)"));
}
