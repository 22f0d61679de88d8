//! Features as a matrix of f32, in memory or mapped from a `.npy`, and the writing of such files.

use super::error::{Error, FeaturesError};
use super::npy_header;
use crate::fs::{self, Beside, Mapped, io_error};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Rows of equal width, row after row.
#[derive(Debug)]
pub struct Matrix {
    values: Values,
    /// Numbers in a row.
    pub width: usize,
}

#[derive(Debug)]
enum Values {
    Owned(Vec<f32>),
    /// A file, and the byte its numbers begin at.
    Mapped(Mapped, usize),
}

impl Matrix {
    /// Rows in memory.
    ///
    /// # Panics
    /// When `values` are no whole rows.
    pub(super) fn new(values: Vec<f32>, width: usize) -> Self {
        assert!(width > 0 && values.len().is_multiple_of(width), "{} / {width}", values.len());
        Self { values: Values::Owned(values), width }
    }

    /// Opens a `.npy` of shape `[N, D]`, or `[N]` for D = 1: little-endian f32 is mapped, f16 and f64 are
    /// read and converted.
    ///
    /// # Errors
    /// [`FeaturesError::Npy`] with what was expected and found.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let refused = |expected: &str, found: String| {
            Error::from(FeaturesError::Npy {
                path: path.to_path_buf(),
                expected: expected.to_owned(),
                found,
            })
        };
        let map = fs::map(path)?;
        let expected = "a .npy array (numpy.save of the features)";
        let (header, at) = npy_header::parse(&map).map_err(|found| refused(expected, found))?;
        let rest: &[u8] = &map[at..];
        let width = match header.shape[..] {
            [_, width] if width > 0 => width,
            [_] => 1,
            _ => {
                let found = format!("the shape {:?}", header.shape);
                return Err(refused("an array of shape [images, numbers]", found));
            }
        };
        if header.fortran_order {
            let found = "Fortran order".to_owned();
            return Err(refused("rows one after the other (numpy.ascontiguousarray)", found));
        }
        let kind = header.descr;
        let Some(size) = FLOATS.iter().find(|(own, _)| *own == kind).map(|(_, size)| *size) else {
            let found = format!("the type {kind}");
            return Err(refused("little-endian f32, f64 or f16", found));
        };
        let count = header.shape.iter().try_fold(1u64, |all, edge| all.checked_mul(*edge));
        let bytes = count.and_then(|count| count.checked_mul(size));
        if bytes != Some(rest.len() as u64) {
            let expected = format!("{:?} numbers of {size} bytes", header.shape);
            return Err(refused(&expected, format!("{} bytes of them", rest.len())));
        }
        let values = match size {
            4 if bytemuck::try_cast_slice::<u8, f32>(rest).is_ok() => Values::Mapped(map, at),
            4 => {
                let number = |bytes: &[u8; 4]| f32::from_le_bytes(*bytes);
                Values::Owned(rest.as_chunks::<4>().0.iter().map(number).collect())
            }
            8 => {
                let number = |bytes: &[u8; 8]| f64::from_le_bytes(*bytes) as f32;
                Values::Owned(rest.as_chunks::<8>().0.iter().map(number).collect())
            }
            _ => {
                let number = |bytes: &[u8; 2]| half::f16::from_le_bytes(*bytes).to_f32();
                Values::Owned(rest.as_chunks::<2>().0.iter().map(number).collect())
            }
        };
        let width = usize::try_from(width).unwrap_or(usize::MAX);
        Ok(Self { values, width })
    }

    /// All numbers, row after row.
    pub fn values(&self) -> &[f32] {
        match &self.values {
            Values::Owned(values) => values,
            Values::Mapped(map, at) => bytemuck::cast_slice(&map[*at..]),
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.values().len() / self.width
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values().is_empty()
    }

    /// One row.
    ///
    /// # Panics
    /// Where there is no such row.
    pub fn row(&self, at: usize) -> &[f32] {
        &self.values()[at * self.width..(at + 1) * self.width]
    }
}

/// NumPy's names of the types that are read, and the bytes of a number.
const FLOATS: [(&str, u64); 3] = [("<f4", 4), ("<f8", 8), ("<f2", 2)];

/// Writes a `.npy` of f32 row by row beside its place, and renames it there when it is whole.
pub(super) struct MatrixWriter {
    file: Beside,
    path: PathBuf,
    /// The byte that the numbers begin at.
    begin: u64,
    /// Numbers that lie in the file.
    written: usize,
    /// Numbers that follow them and are not there yet.
    waiting: Vec<f32>,
}

/// Numbers that are gathered before they are written.
const WAITING: usize = 1 << 18;

impl MatrixWriter {
    /// Begins a file for `rows` rows.
    pub(super) fn create(path: &Path, rows: usize, width: usize) -> Result<Self, Error> {
        let header = npy_header::of_matrix(rows, width);
        let file = Beside::create(path)?;
        let (begin, path, waiting) = (header.len() as u64, path.to_path_buf(), Vec::new());
        let mut writer = Self { file, path, begin, written: 0, waiting };
        writer.file.write_all(&header).map_err(io_error("write", &writer.path))?;
        Ok(writer)
    }

    /// Takes rows, which [`MatrixWriter::settle`] or [`MatrixWriter::finish`] will write.
    pub(super) fn take(&mut self, values: &[f32]) {
        self.waiting.extend_from_slice(values);
    }

    /// Writes what waits, when it is much.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        if self.waiting.len() < WAITING { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), Error> {
        let written = self.file.write_all(bytemuck::cast_slice(&self.waiting));
        written.map_err(io_error("write", &self.path))?;
        self.written += self.waiting.len();
        self.waiting.clear();
        Ok(())
    }

    /// Makes the file durable and gives it its name.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.flush()?;
        self.file.sync()?;
        Ok(self.file.rename()?)
    }

    /// All that was taken, of a file that cannot be written to its end.
    pub(super) fn recover(mut self) -> Result<Vec<f32>, Error> {
        let mut values = vec![0.0; self.written];
        let begin = self.file.seek(SeekFrom::Start(self.begin));
        let read = begin.and_then(|_| self.file.read_exact(bytemuck::cast_slice_mut(&mut values)));
        read.map_err(io_error("read", &self.path))?;
        values.append(&mut self.waiting);
        Ok(values)
    }
}

/// Writes a whole matrix.
pub(super) fn write(path: &Path, values: &[f32], width: usize) -> Result<(), Error> {
    let mut writer = MatrixWriter::create(path, values.len() / width.max(1), width)?;
    for part in values.chunks(WAITING) {
        writer.take(part);
        writer.settle()?;
    }
    writer.finish()
}
