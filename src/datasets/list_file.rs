//! Images in the order of a list file, with its keys and labels.
//!
//! Four dialects, separated by tabs and told apart by where the path stands:
//! im2rec `key label… path`, face2rec2 `aligned path label …` (keys are line numbers from 0),
//! CVLface `index path label`, with or without a header row, and the path alone. The middle two differ in the first column:
//! face2rec2's is 0 or 1 and repeats, CVLface's are different numbers.

use super::label::parse_label;
use super::text::read_text;
use super::{DataSet, Error, Image, ImageList, LabelFunction, Protocol, Request, Root};
use crate::fs;
use crate::recordio::Label;
use rayon::prelude::*;
use std::collections::HashSet;
use std::path::{Component, Path};

pub(super) static LIST: DataSet = DataSet {
    name: "list",
    about: "pictures in the order, with the keys and labels, of an im2rec, face2rec2 or CVLface list",
    layout: "the pictures that the list names",
    order: "lines of the list",
    default_label: || LabelFunction::List,
    aligned_dir: None,
    takes_list: true,
    root: Root::Folder,
    one_tree: false,
    identity: None,
    protocol: Protocol::None,
    list,
};

/// Whose list it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    /// mxnet's `im2rec.py`: key, one or more labels, path.
    Im2rec,
    /// InsightFace's `face2rec2.py`: aligned flag, path, label, then boxes and landmarks.
    Face2rec2,
    /// CVLface's tsv: index, path, label.
    CvlFace,
    /// A path a line; nothing is said of labels.
    Paths,
}

/// Form of a line of any dialect.
const LINE_FORM: &str = "key, labels and path (im2rec), aligned, path and label (face2rec2) or \
                         index, path and label (CVLface), separated by tabs, or a path alone";

/// A line's number from 1 and its columns.
type Row<'a> = (u64, Vec<&'a str>);

fn list(request: &Request<'_>) -> Result<ImageList, Error> {
    let path = request.list.unwrap_or(Path::new(""));
    let (images, warnings) = read(path, request.root)?;
    Ok(ImageList {
        missing: missing(request.root, &images),
        warnings,
        ..ImageList::of(request.root.to_path_buf(), images)
    })
}

/// Reads a list whose paths are relative to `root` without looking for the pictures; and what is to be
/// told of it.
pub(super) fn read(path: &Path, root: &Path) -> Result<(Vec<Image>, Vec<String>), Error> {
    let text = read_text(path)?;
    let rows = rows(&text);
    if rows.is_empty() {
        return Err(bad_line(path, &(1, vec!["nothing"]), LINE_FORM));
    }
    let dialect = dialect(&rows).map_err(|row| bad_line(path, row, LINE_FORM))?;
    let mut images = Vec::with_capacity(rows.len());
    let mut keys = HashSet::with_capacity(rows.len());
    for (position, row) in rows.iter().enumerate() {
        let image = parse(dialect, position, row, root)
            .map_err(|expected| bad_line(path, row, expected))?;
        if !keys.insert(image.key) {
            return Err(bad_line(path, row, "each key once"));
        }
        images.push(image);
    }
    Ok((images, unaligned_warning(dialect, &rows).into_iter().collect()))
}

fn rows(text: &str) -> Vec<Row<'_>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let mut rows: Vec<Row<'_>> =
        lines.map(|(i, line)| (i as u64 + 1, line.split('\t').collect())).collect();
    let is_header = |row: &Row<'_>| row.1.get(1..3) == Some(&["path", "label"]);
    if rows.first().is_some_and(is_header) {
        rows.remove(0);
    }
    rows
}

fn bad_line(path: &Path, (line, columns): &Row<'_>, expected: &'static str) -> Error {
    let found = format!("{:?}", columns.join("\t"));
    Error::BadLine { path: path.to_path_buf(), line: *line, expected, found }
}

/// Tells the dialect, or returns the first row that fits none.
fn dialect<'r, 't>(rows: &'r [Row<'t>]) -> Result<Dialect, &'r Row<'t>> {
    let Some(first) = rows.first() else { return Ok(Dialect::Im2rec) };
    let columns = &first.1;
    if let [path] = columns[..] {
        return if fs::is_picture(path) { Ok(Dialect::Paths) } else { Err(first) };
    }
    if columns.len() >= 3 && columns.last().is_some_and(|last| fs::is_picture(last)) {
        return Ok(Dialect::Im2rec);
    }
    if !columns.get(1).is_some_and(|path| fs::is_picture(path)) {
        return Err(first);
    }
    let flags = || rows.iter().filter_map(|(_, columns)| columns.first());
    let all_flags = flags().all(|flag| matches!(*flag, "0" | "1"));
    let different = flags().collect::<HashSet<_>>().len() == rows.len();
    // A single line "1 path label" is face2rec2's; a single "0 path label" begins a CVLface list.
    let single_aligned = rows.len() == 1 && columns.first() == Some(&"1");
    // Boxes and landmarks follow the label in face2rec2 alone.
    let with_boxes = rows.iter().any(|(_, columns)| columns.len() > 3);
    let is_face2rec2 = all_flags && (!different || single_aligned || with_boxes);
    Ok(if is_face2rec2 { Dialect::Face2rec2 } else { Dialect::CvlFace })
}

fn parse(
    dialect: Dialect,
    position: usize,
    (_, columns): &Row<'_>,
    root: &Path,
) -> Result<Image, &'static str> {
    let number = |key: &str| key.parse().map_err(|_| "a key in decimal digits first");
    let (key, path, labels) = match (dialect, &columns[..]) {
        (Dialect::Paths, [path]) => (position as u64, *path, &[][..]),
        (Dialect::Im2rec, [key, labels @ .., path]) if !labels.is_empty() => {
            (number(key)?, *path, labels)
        }
        (Dialect::Face2rec2, [_, path, label, ..]) => {
            (position as u64, *path, std::slice::from_ref(label))
        }
        (Dialect::CvlFace, [key, path, label]) => {
            (number(key)?, *path, std::slice::from_ref(label))
        }
        _ => return Err(LINE_FORM),
    };
    let path = below(path, root).ok_or("a path below the root")?;
    let label = match labels {
        [] => None,
        labels => Some(labels_of(&path, labels).ok_or("labels that 32-bit floats hold exactly")?),
    };
    Ok(Image { key: Some(key), label, ..Image::at(path) })
}

fn labels_of(path: &str, labels: &[&str]) -> Option<Label> {
    let label = |text: &&str| parse_label(path, text).ok();
    let labels: Vec<Label> = labels.iter().map(label).collect::<Option<_>>()?;
    Some(match &labels[..] {
        [label] => label.clone(),
        many => Label::Vector(many.iter().map(Label::class).collect()),
    })
}

/// A path below the root in its plain spelling, or nothing for one that leaves it.
fn below(path: &str, root: &Path) -> Option<String> {
    let path = Path::new(path);
    let absolute = || std::path::absolute(root).unwrap_or_default();
    let path = if path.is_absolute() { path.strip_prefix(absolute()).ok()? } else { path };
    let mut plain = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name.to_str()?),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (!plain.is_empty()).then(|| plain.join("/"))
}

/// Looks for every picture before any work: the last one missing must not end a run of hours.
fn missing(root: &Path, images: &[Image]) -> Vec<usize> {
    let absent = |(_, image): &(usize, &Image)| !root.join(&*image.path).exists();
    images.par_iter().enumerate().filter(absent).map(|(at, _)| at).collect()
}

fn unaligned_warning(dialect: Dialect, rows: &[Row<'_>]) -> Option<String> {
    let unaligned = || rows.iter().filter(|(_, columns)| columns.first() == Some(&"0"));
    let count = if dialect == Dialect::Face2rec2 { unaligned().count() } else { 0 };
    (count > 0).then(|| {
        format!("{count} lines say that their picture is not aligned; it is packed as it is")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(u64, String, String)> {
        let rows = rows(text);
        let dialect = dialect(&rows).unwrap();
        let image = |(position, row)| parse(dialect, position, row, Path::new("/data")).unwrap();
        let images = rows.iter().enumerate().map(image);
        images
            .map(|image| {
                (image.key.unwrap(), image.path.to_string(), image.label.unwrap().to_string())
            })
            .collect()
    }

    fn row(key: u64, path: &str, label: &str) -> (u64, String, String) {
        (key, path.to_owned(), label.to_owned())
    }

    #[test]
    fn im2rec_has_the_path_last_and_may_have_many_labels() {
        let text = "7\t1.000000\ta/b.jpg\n3\t1\t2.5\tc.png\n";
        assert_eq!(parsed(text), [row(7, "a/b.jpg", "1"), row(3, "c.png", "1 2.5")]);
    }

    #[test]
    fn face2rec2_has_line_numbers_for_keys() {
        let text = "1\ta.jpg\t5\n1\t/data/b.jpg\t6\n";
        assert_eq!(parsed(text), [row(0, "a.jpg", "5"), row(1, "b.jpg", "6")]);
    }

    #[test]
    fn cvlface_has_an_index_of_its_own_and_perhaps_a_header() {
        let text = "idx\tpath\tlabel\n0\ta.jpg\t5\n1\tb.jpg\t6\n";
        assert_eq!(parsed(text), [row(0, "a.jpg", "5"), row(1, "b.jpg", "6")]);
    }

    #[test]
    fn a_path_a_line_says_nothing_of_labels() {
        let rows = rows("b.jpg\na/c.png\n");
        let dialect = dialect(&rows).unwrap();
        let image = |at: usize| parse(dialect, at, &rows[at], Path::new("/data")).unwrap();
        assert_eq!((image(1).key, &*image(1).path), (Some(1), "a/c.png"));
        assert!(image(0).label.is_none());
        assert!(parse(dialect, 2, &(3, vec!["7", "d.jpg"]), Path::new("/data")).is_err());
    }

    #[test]
    fn a_path_that_leaves_the_root_is_refused() {
        assert_eq!(below("../x.jpg", Path::new("/data")), None);
        assert_eq!(below("a/../../x.jpg", Path::new("/data")), None);
        assert_eq!(below("/etc/x.jpg", Path::new("/data")), None);
        assert_eq!(below("./a/x.jpg", Path::new("/data")), Some("a/x.jpg".to_owned()));
        assert_eq!(below("a//./x.jpg", Path::new("/data")), Some("a/x.jpg".to_owned()));
    }

    #[test]
    fn columns_after_the_label_are_face2rec2s() {
        let text = "0\ta.jpg\t5\t1\t2\t3\t4\n1\tb.jpg\t6\n";
        assert_eq!(parsed(text), [row(0, "a.jpg", "5"), row(1, "b.jpg", "6")]);
    }

    #[test]
    fn no_label_of_several_is_rounded() {
        let rows = rows("0\t16777217\t1\ta.jpg\n");
        let fault = parse(Dialect::Im2rec, 0, &rows[0], Path::new("/data")).unwrap_err();
        assert_eq!(fault, "labels that 32-bit floats hold exactly");
    }
}
