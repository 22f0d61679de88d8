//! Results for people: figures of what was counted and measured, and the report that sets measured
//! numbers beside published ones. Reads results and never runs anything.
//!
//! [`read`] takes what `eval --format json` wrote, [`document()`] merges it into rows and tables, and
//! [`render`] writes those in a [`Format`].

mod check;
mod csv;
mod curves;
mod document;
mod error;
mod grid;
mod histograms;
mod html;
mod input;
mod markdown;
mod names;
mod notes;
pub mod pack_stats;
pub mod plot;
pub mod published;
mod render;
mod rows;
mod sections;
mod table;
mod text;
pub mod training;

pub use document::{
    Column, FORMAT, MeasuredRow, ReportDocument, ResultFile, RowKind, RowResult, Table, TableRow,
};
pub use error::Error;
pub use input::{Evaluation, read};
pub use render::{Format, render, write};
pub use table::document;
