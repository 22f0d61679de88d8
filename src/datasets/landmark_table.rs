//! Landmarks from a csv, for sets that have none of their own or other ones than are wanted.

use super::{Error, Image, Landmarks};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Points a row may have.
const POINTS: std::ops::RangeInclusive<usize> = 4..=5;

/// The landmarks of each path of a csv.
pub(super) struct LandmarkTable {
    path: PathBuf,
    rows: HashMap<String, Landmarks>,
}

/// Reads a csv with the columns `path` and `x1 y1 … x4 y4` or `… x5 y5`, in any order; others are passed
/// over. The points are left eye, right eye, nose, left and right corner of the mouth, or its middle, left
/// and right as seen in the picture. The fifth point may be empty. A `records.csv` is such a table.
pub(super) fn read(path: &Path) -> Result<LandmarkTable, Error> {
    let refused = |source| Error::Csv { path: path.to_path_buf(), source };
    let mut reader = csv::Reader::from_path(path).map_err(refused)?;
    let header = reader.headers().map_err(refused)?.clone();
    let column = |name: &str| header.iter().position(|own| own.trim() == name);
    let point = |n: usize| Some((column(&format!("x{n}"))?, column(&format!("y{n}"))?));
    let points: Vec<(usize, usize)> = (1..=*POINTS.end()).map_while(point).collect();
    let (Some(path_at), true) = (column("path"), POINTS.contains(&points.len())) else {
        return Err(Error::BadLine {
            path: path.to_path_buf(),
            line: 1,
            expected: "a header row with the columns path and x1, y1 to x5, y5 (or to x4, y4)",
            found: format!("{:?}", header.iter().collect::<Vec<_>>().join(",")),
        });
    };
    let mut rows = HashMap::new();
    for row in reader.records() {
        let row = row.map_err(refused)?;
        let bad = |expected| Error::BadLine {
            path: path.to_path_buf(),
            line: row.position().map_or(0, csv::Position::line),
            expected,
            found: format!("{:?}", row.iter().collect::<Vec<_>>().join(",")),
        };
        let landmarks =
            landmarks(&row, &points).ok_or_else(|| bad("numbers of four or five points"))?;
        let image = row.get(path_at).expect("a row has the fields of the header").to_owned();
        if rows.insert(image, landmarks.clone()).is_some_and(|other| other != landmarks) {
            return Err(bad("the landmarks of an earlier row of this path"));
        }
    }
    Ok(LandmarkTable { path: path.to_path_buf(), rows })
}

fn landmarks(row: &csv::StringRecord, points: &[(usize, usize)]) -> Option<Landmarks> {
    let field = |at: usize| row.get(at).expect("a row has the fields of the header").trim();
    let last_is_empty =
        points.last().is_some_and(|&(x, y)| field(x).is_empty() && field(y).is_empty());
    let count = points.len() - usize::from(points.len() == *POINTS.end() && last_is_empty);
    let number = |at: usize| field(at).parse::<f64>().ok().filter(|number| number.is_finite());
    let point = |&(x, y): &(usize, usize)| Some((number(x)?, number(y)?));
    let points = points.get(..count)?.iter().map(point).collect::<Option<_>>()?;
    Some(Landmarks { points, score: None })
}

impl LandmarkTable {
    /// Gives every image the landmarks that the table has for its path: the whole path, or what is left
    /// of it without the folders around the pictures (`pictures`).
    pub(super) fn give(&self, images: &mut [Image], pictures: &str) -> Result<(), Error> {
        for image in images {
            let below = image.path.strip_prefix(pictures).unwrap_or(&image.path);
            let found = self.rows.get(&*image.path).or_else(|| self.rows.get(below)).cloned();
            let found = found.ok_or_else(|| Error::NoRow {
                path: self.path.clone(),
                image: image.path.to_string(),
            })?;
            let score = image.landmarks.as_ref().and_then(|own| own.score);
            image.landmarks = Some(Box::new(Landmarks { score, ..found }));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<LandmarkTable, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("points.csv");
        std::fs::write(&file, text).unwrap();
        read(&file)
    }

    const HEADER: &str = "x1,y1,x2,y2,x3,y3,x4,y4,x5,y5,path\n";

    #[test]
    fn points_are_found_by_the_names_of_their_columns() {
        let mut images = [Image::at("set/a.jpg"), Image::at("set/b.jpg")];
        let text = format!("{HEADER}1,2,3,4,5,6,7,8,9,10,a.jpg\n1,2,3,4,5,6,7,8,,,set/b.jpg\n");
        table(&text).unwrap().give(&mut images, "set/").unwrap();
        let points = images.map(|image| image.landmarks.unwrap().points);
        assert_eq!((points[0].len(), points[0][4], points[1].len()), (5, (9.0, 10.0), 4));
    }

    #[test]
    fn an_image_without_a_row_is_named() {
        let text = format!("{HEADER}1,2,3,4,5,6,7,8,9,10,a.jpg\n");
        let error = table(&text).unwrap().give(&mut [Image::at("b.jpg")], "").unwrap_err();
        assert!(error.to_string().contains("b.jpg"), "{error}");
    }

    #[test]
    fn a_row_that_is_no_face_is_refused_with_its_line() {
        for row in ["1,2,3,4,5,6,7,8,9,,a.jpg", "1,2,3,4,5,6,7,nan,9,10,a.jpg", ",,,,,,,,,,a.jpg"] {
            let error = table(&format!("{HEADER}{row}\n")).err().unwrap();
            assert!(error.to_string().contains("line 2"), "{error}");
        }
        assert!(table("path,x1,y1\na.jpg,1,2\n").is_err());
    }
}
