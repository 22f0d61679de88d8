//! The elements of a MATLAB file: tagged bytes, the heads of arrays, cells and numbers.

/// Where a file is not as expected.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) offset: u64,
    pub(super) expected: String,
}

pub(super) const MI_INT8: u32 = 1;
const MI_UINT16: u32 = 4;
pub(super) const MI_INT32: u32 = 5;
pub(super) const MI_UINT32: u32 = 6;
pub(super) const MI_MATRIX: u32 = 14;
pub(super) const MI_COMPRESSED: u32 = 15;

/// What stands in a cell.
pub(super) enum Cell {
    Text(String),
    Number(f64),
}

impl Cell {
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) => None,
        }
    }

    pub(super) fn id(self) -> Option<i64> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Number(number) => Some(number as i64),
        }
    }
}

/// A reader of tagged elements.
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    fn fault(&self, expected: impl Into<String>) -> Fault {
        Fault { offset: self.at as u64, expected: expected.into() }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest
            .get(..count)
            .ok_or_else(|| self.fault(format!("{count} bytes, found {}", rest.len())))?;
        self.at = self.at.saturating_add(count);
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        Ok(self.take(4)?.iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte)))
    }

    /// Reads an element's type and data; `padded` elements end at a multiple of eight.
    pub(super) fn element(&mut self, padded: bool) -> Result<(u32, &'a [u8]), Fault> {
        let word = self.u32()?;
        let small = word >> 16;
        if small > 0 {
            if small > 4 {
                return Err(
                    self.fault(format!("a small element of at most 4 bytes, found {small}"))
                );
            }
            let data = self.take(4)?;
            return Ok((word & 0xffff, data.get(..small as usize).unwrap_or_default()));
        }
        let length = self.u32()? as usize;
        let data = self.take(length)?;
        if padded {
            let rest = self.bytes.len().saturating_sub(self.at);
            self.at = self.at.saturating_add((length.wrapping_neg() & 7).min(rest));
        }
        Ok((word, data))
    }
}

pub(super) const CLASS_CELL: u32 = 1;
const CLASS_CHAR: u32 = 4;
/// Stands for the classes 6 to 15.
pub(super) const CLASS_NUMBERS: u32 = 6;

/// Class and name of a matrix; nothing for an empty one.
pub(super) fn head<'a>(cursor: &mut Cursor<'a>) -> Result<Option<(u32, &'a [u8])>, Fault> {
    if cursor.bytes.is_empty() {
        return Ok(None);
    }
    let class = match cursor.element(true)? {
        (MI_UINT32, [6..=15, ..]) => CLASS_NUMBERS,
        (MI_UINT32, [class, ..]) => u32::from(*class),
        _ => return Err(cursor.fault("array flags")),
    };
    if cursor.element(true)?.0 != MI_INT32 {
        return Err(cursor.fault("array dimensions"));
    }
    match cursor.element(true)? {
        (MI_INT8, name) => Ok(Some((class, name))),
        _ => Err(cursor.fault("an array name")),
    }
}

pub(super) fn cells(cursor: &mut Cursor<'_>) -> Result<Vec<Cell>, Fault> {
    let mut found = Vec::new();
    while cursor.at < cursor.bytes.len() {
        let other = cursor.fault("a text or one number in each cell");
        let (MI_MATRIX, data) = cursor.element(true)? else { return Err(other) };
        let mut inner = Cursor { bytes: data, at: 0 };
        let cell = match head(&mut inner)? {
            Some((CLASS_CHAR, _)) => {
                let (kind, data) = inner.element(true)?;
                Cell::Text(text(kind, data))
            }
            Some((CLASS_NUMBERS, _)) => {
                let numbers = Numbers::read(&mut inner)?;
                let mut all = numbers.iter();
                match (all.next(), all.next()) {
                    (Some(number), None) => Cell::Number(number),
                    _ => return Err(other),
                }
            }
            _ => return Err(other),
        };
        found.push(cell);
    }
    Ok(found)
}

fn text(kind: u32, data: &[u8]) -> String {
    if kind == MI_UINT16 {
        let units: Vec<u16> =
            data.as_chunks::<2>().0.iter().map(|&pair| u16::from_le_bytes(pair)).collect();
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8_lossy(data).into_owned()
}

/// Numbers as the file has them.
pub(super) struct Numbers {
    pub(super) bytes: Vec<u8>,
    width: usize,
    read: fn(&[u8]) -> f64,
}

/// The first `N` bytes of a word that has as many.
fn word<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

/// A type of the format, the bytes of a number of it, and how they are read.
type NumberKind = (u32, usize, fn(&[u8]) -> f64);

const KINDS: [NumberKind; 10] = [
    (1, 1, |bytes| f64::from(i8::from_le_bytes(word(bytes)))),
    (2, 1, |bytes| f64::from(u8::from_le_bytes(word(bytes)))),
    (3, 2, |bytes| f64::from(i16::from_le_bytes(word(bytes)))),
    (4, 2, |bytes| f64::from(u16::from_le_bytes(word(bytes)))),
    (5, 4, |bytes| f64::from(i32::from_le_bytes(word(bytes)))),
    (6, 4, |bytes| f64::from(u32::from_le_bytes(word(bytes)))),
    (7, 4, |bytes| f64::from(f32::from_le_bytes(word(bytes)))),
    (9, 8, |bytes| f64::from_le_bytes(word(bytes))),
    (12, 8, |bytes| i64::from_le_bytes(word(bytes)) as f64),
    (13, 8, |bytes| u64::from_le_bytes(word(bytes)) as f64),
];

impl Numbers {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Fault> {
        let (kind, data) = cursor.element(true)?;
        let known = KINDS.iter().find(|(own, _, _)| *own == kind);
        let &(_, width, read) = known.ok_or_else(|| cursor.fault("a numeric element"))?;
        Ok(Self { bytes: data.to_vec(), width, read })
    }

    pub(super) fn len(&self) -> usize {
        self.iter().len()
    }

    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = f64> {
        self.bytes.chunks_exact(self.width).map(self.read)
    }
}
