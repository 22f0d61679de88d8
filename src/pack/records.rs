//! `records.csv`: a row a record, so that a pack can be used where its source tree is not.

use super::Error;
use crate::datasets::Landmarks;
use crate::recordio::Label;
use std::path::{Path, PathBuf};

/// Columns of every pack.
const COLUMNS: [&str; 9] =
    ["position", "key", "label", "path", "offset", "length", "digest", "width", "height"];

/// Columns more where the set has landmarks; of four points the fifth is empty, as is a score the set
/// does not have.
const LANDMARK_COLUMNS: [&str; 11] =
    ["x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4", "x5", "y5", "score"];

/// What is known of one record.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Position in the pack, from 0.
    pub position: u64,
    /// Key in the index and id in the header.
    pub key: u64,
    /// Label in the header.
    pub label: Label,
    /// Path of the source, relative to the base of its list.
    pub path: String,
    /// First byte of the record in the `.rec`.
    pub offset: u64,
    /// Bytes of the picture in the record.
    pub length: u64,
    /// BLAKE3 of the picture's bytes.
    pub digest: blake3::Hash,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Where the face is.
    pub landmarks: Option<Landmarks>,
}

impl Row {
    /// The line of the `.lst`, with its line feed.
    pub fn list_line(&self) -> String {
        list_line(self.key, &self.label, &self.path)
    }

    /// What the digest of the order takes of this record: its line of the `.lst`, a tab before the
    /// line feed, and the digest of its picture in hexadecimal.
    pub(super) fn order_line(&self) -> String {
        let line = self.list_line();
        format!("{}\t{}\n", line.trim_end_matches('\n'), self.digest)
    }
}

/// im2rec's dialect: key, labels, path, separated by tabs.
pub(super) fn list_line(key: u64, label: &Label, path: &str) -> String {
    let labels = label.to_string().replace(' ', "\t");
    format!("{key}\t{labels}\t{path}\n")
}

/// Writes rows as csv text.
#[derive(Debug)]
pub struct RowWriter {
    csv: csv::Writer<Vec<u8>>,
    with_landmarks: bool,
}

impl RowWriter {
    /// Starts a table with its header row.
    ///
    /// # Errors
    /// What the csv writer says.
    pub fn new(with_landmarks: bool) -> Result<Self, csv::Error> {
        let mut csv = csv::WriterBuilder::new().from_writer(Vec::new());
        let landmarks: &[&str] = if with_landmarks { &LANDMARK_COLUMNS } else { &[] };
        csv.write_record(COLUMNS.iter().chain(landmarks))?;
        Ok(Self { csv, with_landmarks })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// As [`RowWriter::new`].
    pub fn append(&mut self, row: &Row) -> Result<(), csv::Error> {
        let mut fields = vec![
            row.position.to_string(),
            row.key.to_string(),
            row.label.to_string(),
            row.path.clone(),
            row.offset.to_string(),
            row.length.to_string(),
            row.digest.to_string(),
            row.width.to_string(),
            row.height.to_string(),
        ];
        if self.with_landmarks {
            let points = row.landmarks.as_ref().map_or(&[][..], |landmarks| &landmarks.points);
            let numbers = points.iter().flat_map(|&(x, y)| [x.to_string(), y.to_string()]);
            fields.extend(numbers.chain(std::iter::repeat(String::new())).take(10));
            let score = row.landmarks.as_ref().and_then(|landmarks| landmarks.score);
            fields.push(score.map(|score| score.to_string()).unwrap_or_default());
        }
        self.csv.write_record(fields)
    }

    /// Hands out the text written since the last call.
    ///
    /// # Errors
    /// As [`RowWriter::new`].
    pub fn take(&mut self) -> Result<Vec<u8>, csv::Error> {
        self.csv.flush()?;
        let fresh = csv::WriterBuilder::new().from_writer(Vec::new());
        let full = std::mem::replace(&mut self.csv, fresh);
        full.into_inner().map_err(|error| csv::Error::from(error.into_error()))
    }
}

/// Reads rows one after another; the reader holds no more than one.
#[derive(Debug)]
pub struct RowReader<R> {
    csv: csv::Reader<R>,
    path: PathBuf,
    record: csv::StringRecord,
}

impl RowReader<std::fs::File> {
    /// Opens the table at `path`.
    ///
    /// # Errors
    /// A file that cannot be read, and [`Error::BadRow`] for one without the names of the columns.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = std::fs::File::open(path).map_err(crate::fs::io_error("read", path))?;
        Self::read(file, path)
    }
}

impl<R: std::io::Read> RowReader<R> {
    /// Reads the table in `source`, called `path` in errors.
    ///
    /// # Errors
    /// [`Error::BadRow`] for a table without the names of the columns.
    pub fn read(source: R, path: &Path) -> Result<Self, Error> {
        let mut csv = csv::ReaderBuilder::new().buffer_capacity(1 << 18).from_reader(source);
        let header = csv.headers().map_err(|error| refused(path, &error))?;
        let with_landmarks = header.len() > COLUMNS.len();
        let landmarks: &[&str] = if with_landmarks { &LANDMARK_COLUMNS } else { &[] };
        if !header.iter().eq(COLUMNS.iter().chain(landmarks).copied()) {
            return Err(Error::BadRow {
                path: path.to_path_buf(),
                line: 1,
                expected: "the column names of a records.csv",
                found: format!("{:?}", header.iter().collect::<Vec<_>>().join(",")),
            });
        }
        let path = path.to_path_buf();
        Ok(Self { csv, path, record: csv::StringRecord::new() })
    }

    /// Reads the next row: [`Error::BadRow`] with its line where it is none.
    pub fn next_row(&mut self) -> Option<Result<Row, Error>> {
        match self.csv.read_record(&mut self.record) {
            Ok(false) => None,
            Ok(true) => Some(parse(&self.record).ok_or_else(|| Error::BadRow {
                path: self.path.clone(),
                line: self.record.position().map_or(0, csv::Position::line),
                expected: "numbers, a path, a digest of 64 digits, and landmarks where named",
                found: format!("{:?}", self.record.iter().collect::<Vec<_>>().join(",")),
            })),
            Err(error) => Some(Err(refused(&self.path, &error))),
        }
    }
}

/// Bytes of the shortest row: its digest alone has 64.
const SHORTEST_ROW_BYTES: u64 = 80;

/// Rows to make room for: those that a manifest states, if a table of so many bytes can hold them.
pub(super) fn most_rows(stated: u64, table_bytes: u64) -> usize {
    usize::try_from(stated.min(table_bytes / SHORTEST_ROW_BYTES)).unwrap_or(0)
}

fn refused(path: &Path, error: &csv::Error) -> Error {
    Error::BadRow {
        path: path.to_path_buf(),
        line: error.position().map_or(1, csv::Position::line),
        expected: "a csv row of as many fields as the header names",
        found: error.to_string(),
    }
}

fn parse(record: &csv::StringRecord) -> Option<Row> {
    let field = |at: usize| record.get(at);
    let number = |at: usize| field(at)?.parse::<u64>().ok();
    let labels: Vec<f32> =
        field(2)?.split(' ').map(|label| label.parse().ok()).collect::<Option<_>>()?;
    let label = match labels[..] {
        [label] => Label::Scalar(label),
        _ => Label::Vector(labels),
    };
    Some(Row {
        position: number(0)?,
        key: number(1)?,
        label,
        path: field(3)?.to_owned(),
        offset: number(4)?,
        length: number(5)?,
        digest: blake3::Hash::from_hex(field(6)?).ok()?,
        width: field(7)?.parse().ok()?,
        height: field(8)?.parse().ok()?,
        landmarks: if record.len() > COLUMNS.len() { Some(landmarks(record)?) } else { None },
    })
}

fn landmarks(record: &csv::StringRecord) -> Option<Landmarks> {
    let fields: Vec<&str> = record.iter().skip(COLUMNS.len()).collect();
    let (score, coordinates) = fields.split_last()?;
    let filled = coordinates.iter().take_while(|field| !field.is_empty());
    let numbers: Vec<f64> = filled.map(|field| field.parse().ok()).collect::<Option<_>>()?;
    let rest_empty = coordinates.iter().skip(numbers.len()).all(|field| field.is_empty());
    let score = if score.is_empty() { None } else { Some(score.parse().ok()?) };
    let points = numbers.as_chunks::<2>().0.iter().map(|&[x, y]| (x, y)).collect();
    (rest_empty && numbers.len().is_multiple_of(2)).then_some(Landmarks { points, score })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        Row {
            position: 3,
            key: 7,
            label: Label::Vector(vec![1.0, 2.5]),
            path: "a \"b\", c/d.jpg".to_owned(),
            offset: 1 << 40,
            length: 5,
            digest: blake3::hash(b"x"),
            width: 112,
            height: 96,
            landmarks: Some(Landmarks { points: vec![(1.5, -2.0); 4], score: None }),
        }
    }

    #[test]
    fn a_row_comes_back_as_it_was_written() {
        let mut writer = RowWriter::new(true).unwrap();
        writer.append(&row()).unwrap();
        let text = writer.take().unwrap();
        let mut reader = RowReader::read(&text[..], Path::new("x")).unwrap();
        assert_eq!(reader.next_row().unwrap().unwrap(), row());
        assert!(reader.next_row().is_none());
    }

    #[test]
    fn a_damaged_digest_names_its_line() {
        let mut writer = RowWriter::new(true).unwrap();
        writer.append(&row()).unwrap();
        let text = String::from_utf8(writer.take().unwrap()).unwrap();
        let damaged = text.replace(&row().digest.to_string(), "zz");
        let mut reader = RowReader::read(damaged.as_bytes(), Path::new("x")).unwrap();
        assert!(matches!(reader.next_row(), Some(Err(Error::BadRow { line: 2, .. }))));
    }
}
