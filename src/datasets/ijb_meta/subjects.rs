//! `*_1N_*.csv`: the subject of each template of a gallery or of the probes.

use super::error::Error;
use crate::datasets::text::without_mark;
use std::collections::BTreeMap;

/// The columns that are read; others are passed over.
const COLUMNS: [&str; 2] = ["TEMPLATE_ID", "SUBJECT_ID"];
const HEADER_FORM: &str = "a header row with the columns TEMPLATE_ID and SUBJECT_ID";
const ROW_FORM: &str = "whole numbers as TEMPLATE_ID and SUBJECT_ID";

/// A template and who it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TemplateSubject {
    /// The template's number.
    pub template: u64,
    /// The subject's number.
    pub subject: i64,
}

/// Reads the csv, which has a row for each face; each template once, ascending.
///
/// # Errors
/// If it is not csv, lacks a column or has no row, a number is none, or a template has two subjects.
pub fn template_subjects(bytes: &[u8]) -> Result<Vec<TemplateSubject>, Error> {
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(without_mark(bytes));
    let header = reader.byte_headers()?.clone();
    let column = |name: &str| header.iter().position(|own| own == name.as_bytes());
    let [Some(template_at), Some(subject_at)] = COLUMNS.map(column) else {
        let found = shown(&header);
        return Err(Error::Line { line: 1, expected: HEADER_FORM, found });
    };
    let mut subjects = BTreeMap::new();
    let mut row = csv::ByteRecord::new();
    while reader.read_byte_record(&mut row)? {
        let line = row.position().map_or(0, csv::Position::line);
        let number = |at: usize| str::from_utf8(row.get(at)?).ok()?.parse::<u32>().ok();
        let (Some(template), Some(subject)) = (number(template_at), number(subject_at)) else {
            return Err(Error::Line { line, expected: ROW_FORM, found: shown(&row) });
        };
        let (template, found) = (u64::from(template), i64::from(subject));
        let expected = *subjects.entry(template).or_insert(found);
        if expected != found {
            return Err(Error::TwoSubjects { line, template, expected, found });
        }
    }
    if subjects.is_empty() {
        return Err(Error::Empty { expected: ROW_FORM });
    }
    let row = |(template, subject)| TemplateSubject { template, subject };
    Ok(subjects.into_iter().map(row).collect())
}

fn shown(row: &csv::ByteRecord) -> String {
    super::error::excerpt(&row.iter().collect::<Vec<_>>().join(&b','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_template_are_one_and_templates_ascend() {
        let text =
            b"SUBJECT_ID,TEMPLATE_ID,FILENAME\r\n5,20,\"a,b.jpg\"\r\n6, 3 ,c.jpg\r\n5,20,d.jpg";
        let own = template_subjects(text).unwrap();
        assert_eq!(
            own.iter().map(|row| (row.template, row.subject)).collect::<Vec<_>>(),
            [(3, 6), (20, 5)]
        );
    }

    #[test]
    fn a_template_with_two_subjects_is_refused() {
        let error = template_subjects(b"TEMPLATE_ID,SUBJECT_ID\n1,2\n1,2\n1,3\n").unwrap_err();
        assert_eq!(error.to_string(), "line 4: expected subject 2 of template 1, found 3");
    }

    #[test]
    fn what_is_no_such_table_is_refused() {
        for bad in
            ["", "A,SUBJECT_ID\n1,2\n", "TEMPLATE_ID,SUBJECT_ID\n", "TEMPLATE_ID,SUBJECT_ID\nx,2\n"]
        {
            assert!(template_subjects(bad.as_bytes()).is_err(), "{bad}");
        }
        let ragged = template_subjects(b"TEMPLATE_ID,SUBJECT_ID\n1,2,3\n").unwrap_err();
        assert!(matches!(ragged, Error::Csv(_)));
    }
}
