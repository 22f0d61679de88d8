//! Label functions: which number an image gets.

use super::label_error::LabelError;
use super::list::{Image, ImageList};
use crate::recordio::Label;
use regex::Regex;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// How images are labelled.
#[derive(Debug, Clone)]
pub enum LabelFunction {
    /// The position in the list.
    Index,
    /// What the set's names say of identity.
    Identity,
    /// The folder an image lies in: its number if all are numbers, else its rank in byte order.
    Parent,
    /// What the first group of the expression finds in the path.
    Regex(Regex),
    /// The column `label` of a csv with the columns `path` and `label`.
    Csv(PathBuf),
    /// The rank in byte order of the folder an image lies in, also where all are numbers.
    Rank,
    /// What the list file says.
    List,
    /// What the records of the pack say.
    Records,
}

/// How a path tells who is in the picture.
#[derive(Debug)]
pub struct IdentityRule {
    /// The form a path must have, for error messages.
    pub form: &'static str,
    /// The identity, or nothing for a path of another form.
    pub of: fn(&str) -> Option<i32>,
}

impl FromStr for LabelFunction {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        match text.split_once(':') {
            None if text == "index" => Ok(Self::Index),
            None if text == "identity" => Ok(Self::Identity),
            None if text == "parent" => Ok(Self::Parent),
            None if text == "rank" => Ok(Self::Rank),
            None if text == "list" => Ok(Self::List),
            None if text == "records" => Ok(Self::Records),
            Some(("regex", expression)) => expression_of(expression),
            Some(("csv", file)) if !file.is_empty() => Ok(Self::Csv(file.into())),
            _ => Err(LabelError::Unknown { found: text.to_owned() }),
        }
    }
}

fn expression_of(text: &str) -> Result<LabelFunction, LabelError> {
    let expression = text.to_owned();
    let refused = |error: regex::Error| LabelError::Expression {
        expression: expression.clone(),
        reason: error.to_string().lines().last().unwrap_or_default().trim().to_owned(),
    };
    let regex = Regex::new(text).map_err(refused)?;
    match regex.captures_len() - 1 {
        1 => Ok(LabelFunction::Regex(regex)),
        found => Err(LabelError::Groups { expression, found }),
    }
}

/// The text that [`LabelFunction::from_str`] reads; of a csv only the file's name.
impl std::fmt::Display for LabelFunction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Index => f.write_str("index"),
            Self::Identity => f.write_str("identity"),
            Self::Parent => f.write_str("parent"),
            Self::Regex(regex) => write!(f, "regex:{regex}"),
            Self::Csv(file) => {
                write!(f, "csv:{}", file.file_name().unwrap_or_default().to_string_lossy())
            }
            Self::Rank => f.write_str("rank"),
            Self::List => f.write_str("list"),
            Self::Records => f.write_str("records"),
        }
    }
}

impl LabelFunction {
    /// The label of every image, in order, or why one has none.
    pub(super) fn assign(
        &self,
        list: &ImageList,
        identity: Option<&IdentityRule>,
    ) -> Result<Vec<Labelled>, LabelError> {
        let paths = || list.images.iter().map(|image| &*image.path);
        Ok(match self {
            Self::Index => (0..list.images.len()).map(index_label).collect(),
            Self::Identity => {
                let rule = identity.ok_or(LabelError::NoIdentities)?;
                paths().map(|path| identity_label(path, rule)).collect()
            }
            Self::Parent => parent_labels(parents(list))?,
            Self::Rank => rank_labels(parents(list)),
            Self::Regex(regex) => paths().map(|path| regex_label(path, regex)).collect(),
            Self::Csv(file) => {
                let table = csv_table(file)?;
                paths().map(|path| table_label(path, &table, file)).collect()
            }
            Self::List | Self::Records => list.images.iter().map(listed_label).collect(),
        })
    }
}

/// An image's label, or why it has none.
pub type Labelled = Result<Label, LabelError>;

/// The folder around an image, or why there is none.
type Parent = Result<String, LabelError>;

/// The label of position `index`.
pub(super) fn index_label(index: usize) -> Result<Label, LabelError> {
    exact(index as f64, || (format!("position {index}"), index.to_string()))
}

/// A number as a label, if a 32-bit float holds it: whole numbers exactly (to 2^24, and the few
/// beyond), fractions rounded.
fn exact(value: f64, names: impl Fn() -> (String, String)) -> Result<Label, LabelError> {
    let label = value as f32;
    let whole_and_changed = value.fract() == 0.0 && f64::from(label) != value;
    if !value.is_finite() || !label.is_finite() || whole_and_changed {
        let (path, found) = names();
        return Err(LabelError::NotExact { path, found });
    }
    Ok(Label::Scalar(label))
}

/// Reads a label as text.
pub(super) fn parse_label(path: &str, text: &str) -> Result<Label, LabelError> {
    let not_exact = || (path.to_owned(), text.to_owned());
    let value: f64 = text.trim().parse().unwrap_or(f64::NAN);
    exact(value, not_exact)
}

fn identity_label(path: &str, rule: &IdentityRule) -> Result<Label, LabelError> {
    let none = || LabelError::None { path: path.to_owned(), expected: rule.form.to_owned() };
    let identity = (rule.of)(path).ok_or_else(none)?;
    exact(f64::from(identity), || (path.to_owned(), identity.to_string()))
}

/// The folder around every image.
fn parents(list: &ImageList) -> Vec<Parent> {
    let parent = |path: &str| -> Parent {
        let folder = path.rsplit_once('/').map(|(folder, _)| folder);
        folder.map(str::to_owned).ok_or_else(|| LabelError::None {
            path: path.to_owned(),
            expected: "a folder around the file".to_owned(),
        })
    };
    list.images.iter().map(|image| parent(&image.path)).collect()
}

fn distinct(parents: &[Parent]) -> BTreeSet<&str> {
    parents.iter().flatten().map(String::as_str).collect()
}

fn parent_labels(parents: Vec<Parent>) -> Result<Vec<Labelled>, LabelError> {
    let last = |folder: &str| folder.rsplit('/').next().unwrap_or(folder).to_owned();
    let number = |folder: &str| {
        let name = last(folder);
        name.bytes().all(|byte| byte.is_ascii_digit()).then(|| name.parse::<u64>().ok()).flatten()
    };
    let distinct = distinct(&parents);
    if !distinct.iter().all(|folder| number(folder).is_some()) {
        return Ok(rank_labels(parents));
    }
    let mut seen = HashMap::new();
    for folder in &distinct {
        let around = folder.rsplit_once('/').map(|(around, _)| around);
        if let Some(first) = seen.insert((around, number(folder)), folder) {
            let (first, second) = ((*first).to_owned(), (*folder).to_owned());
            return Err(LabelError::SameNumber { first, second });
        }
    }
    let label = |folder: String| {
        let value = number(&folder).expect("all folders are numbers");
        exact(value as f64, || (folder.clone(), value.to_string()))
    };
    Ok(parents.into_iter().map(|parent| parent.and_then(label)).collect())
}

fn rank_labels(parents: Vec<Parent>) -> Vec<Labelled> {
    let ranks: HashMap<String, usize> =
        distinct(&parents).into_iter().map(str::to_owned).zip(0..).collect();
    parents
        .into_iter()
        .map(|parent| parent.and_then(|folder| index_label(ranks[&folder])))
        .collect()
}

fn regex_label(path: &str, regex: &Regex) -> Result<Label, LabelError> {
    let found = regex.captures(path).and_then(|groups| groups.get(1));
    let expected = || format!("a match of {regex}");
    let found =
        found.ok_or_else(|| LabelError::None { path: path.to_owned(), expected: expected() })?;
    parse_label(path, found.as_str())
}

fn csv_table(file: &Path) -> Result<HashMap<String, String>, LabelError> {
    let refused = |source| LabelError::Csv { path: file.to_path_buf(), source };
    let form = |expected, found| LabelError::CsvForm { path: file.to_path_buf(), expected, found };
    let mut reader = csv::Reader::from_path(file).map_err(refused)?;
    let header = reader.headers().map_err(refused)?.clone();
    let column = |name: &str| header.iter().position(|own| own.trim() == name);
    let (Some(path_at), Some(label_at)) = (column("path"), column("label")) else {
        let found = header.iter().collect::<Vec<_>>().join(",");
        return Err(form("a header row with the columns path and label", found));
    };
    let mut table = HashMap::new();
    for row in reader.records() {
        let row = row.map_err(refused)?;
        let path = row.get(path_at).expect("a row has the fields of the header").to_owned();
        let label = row.get(label_at).expect("a row has the fields of the header").to_owned();
        if table.insert(path.clone(), label).is_some() {
            return Err(form("each path once", format!("{path} twice")));
        }
    }
    Ok(table)
}

fn table_label(
    path: &str,
    table: &HashMap<String, String>,
    file: &Path,
) -> Result<Label, LabelError> {
    let expected = || format!("a row of {} with this path", file.display());
    let none = || LabelError::None { path: path.to_owned(), expected: expected() };
    parse_label(path, table.get(path).ok_or_else(none)?)
}

fn listed_label(image: &Image) -> Result<Label, LabelError> {
    let path = || image.path.to_string();
    let label = image.label.clone().ok_or_else(|| LabelError::None {
        path: path(),
        expected: "a label in the list".to_owned(),
    })?;
    // No table can tell one NaN from another.
    if !label.values().iter().all(|value| value.is_finite()) {
        return Err(LabelError::NotExact { path: path(), found: label.to_string() });
    }
    Ok(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(paths: &[&str]) -> ImageList {
        let images = paths.iter().map(|path| Image::at(*path)).collect();
        ImageList::of(PathBuf::new(), images)
    }

    fn labels(function: &str, paths: &[&str]) -> Result<Vec<f32>, LabelError> {
        let function: LabelFunction = function.parse()?;
        let labels = function.assign(&list(paths), None)?.into_iter();
        labels.map(|label| Ok(label?.class())).collect()
    }

    #[test]
    fn folders_that_are_all_numbers_are_their_own_labels() {
        assert_eq!(labels("parent", &["x/0/a.jpg", "x/12/a.jpg"]).unwrap(), [0.0, 12.0]);
    }

    #[test]
    fn two_folders_of_one_number_are_not_made_one_identity() {
        let error = labels("parent", &["x/07/a.jpg", "x/7/b.jpg"]).unwrap_err();
        assert_eq!(error.to_string(), "the folders x/07 and x/7 are the same number; rename one");
        assert_eq!(labels("parent", &["x/7/a.jpg", "y/7/b.jpg"]).unwrap(), [7.0, 7.0]);
    }

    #[test]
    fn one_folder_that_is_no_number_makes_all_of_them_ranks() {
        assert_eq!(labels("parent", &["12/a.jpg", "9/b.jpg", "b/c.jpg"]).unwrap(), [0.0, 1.0, 2.0]);
    }

    #[test]
    fn ranks_count_from_zero_without_a_gap_also_for_numbers() {
        assert_eq!(labels("rank", &["x/3/a.jpg", "x/12/a.jpg"]).unwrap(), [1.0, 0.0]);
    }

    #[test]
    fn an_expression_labels_by_its_group_and_names_the_file_it_misses() {
        assert_eq!(labels(r"regex:id(\d+)", &["id007.jpg"]).unwrap(), [7.0]);
        let error = labels(r"regex:id(\d+)", &["id1.jpg", "other.jpg"]).unwrap_err();
        assert!(error.to_string().starts_with("other.jpg: no label in it"));
        assert!(labels(r"regex:(a)(b)", &[]).is_err());
    }

    #[test]
    fn a_label_beyond_the_float_is_refused_and_not_rounded() {
        assert!(labels(r"regex:(\d+)", &["16777216.jpg"]).is_ok());
        let error = labels(r"regex:(\d+)", &["16777217.jpg"]).unwrap_err();
        assert!(error.to_string().contains("\"16777217\""), "{error}");
    }

    #[test]
    fn a_csv_without_the_file_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("labels.csv");
        std::fs::write(&file, "label,path\n3,a.jpg\n").unwrap();
        let function = format!("csv:{}", file.display());
        assert_eq!(labels(&function, &["a.jpg"]).unwrap(), [3.0]);
        let error = labels(&function, &["b.jpg"]).unwrap_err();
        assert!(error.to_string().starts_with("b.jpg: no label in it"));
    }
}
