//! The `.idx` file: a line `key TAB offset LF` a record, in file order (mxnet `recordio.py`).

use super::IndexError;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

/// Keys and offsets in the order of the lines.
///
/// Memory: 8 bytes a record while the keys count up by one, as in our packs; else 20.
/// [`Index::memory_bytes`] says which.
#[derive(Debug)]
pub struct Index {
    keys: Keys,
    offsets: Vec<u64>,
}

#[derive(Debug)]
enum Keys {
    /// `first`, `first + 1`, …
    Consecutive { first: u64 },
    /// Any keys, and their positions sorted by key.
    Listed { keys: Vec<u64>, by_key: Vec<u32> },
}

impl Index {
    /// Reads the index at `path`.
    ///
    /// # Errors
    /// [`IndexError`] with the byte, for anything but lines of `key TAB offset LF` with different
    /// keys: what mxnet forgives (carriage returns, a third column, `+2`, a missing last line feed)
    /// may be a cut or edited file, and `reindex` mends it.
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        Self::read(File::open(path)?)
    }

    /// Reads an index from its bytes, in bounded memory beside the index itself.
    ///
    /// ```
    /// # use recordio::Index;
    /// let index = Index::read(b"0\t0\n1\t40\n".as_slice())?;
    /// assert_eq!((index.len(), index.offset(1), index.position(1)), (2, Some(40), Some(1)));
    /// assert!(Index::read(b"0 0\n".as_slice()).is_err());
    /// # Ok::<(), recordio::IndexError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn read(source: impl Read) -> Result<Self, IndexError> {
        let mut source = BufReader::with_capacity(1 << 18, source);
        let mut building = Building::default();
        let mut text = Vec::new();
        loop {
            text.clear();
            // A line longer than two numbers need is refused, whatever its length.
            let count = source.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut text)?;
            if count == 0 {
                return building.finish();
            }
            building.add_line(&text)?;
        }
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether there is no record; never so for an index that was read.
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The key of the record at `position`.
    pub fn key(&self, position: usize) -> Option<u64> {
        match &self.keys {
            Keys::Consecutive { first } if position < self.len() => {
                first.checked_add(position as u64)
            }
            Keys::Consecutive { .. } => None,
            Keys::Listed { keys, .. } => keys.get(position).copied(),
        }
    }

    /// The byte offset of the record at `position`.
    pub fn offset(&self, position: usize) -> Option<u64> {
        self.offsets.get(position).copied()
    }

    /// All offsets in the order of the lines.
    pub fn offsets(&self) -> &[u64] {
        &self.offsets
    }

    /// The position of the record with `key`.
    pub fn position(&self, key: u64) -> Option<usize> {
        match &self.keys {
            Keys::Consecutive { first } => {
                let position = usize::try_from(key.checked_sub(*first)?).ok()?;
                (position < self.len()).then_some(position)
            }
            Keys::Listed { keys, by_key } => by_key
                .binary_search_by_key(&Some(key), |&at| keys.get(at as usize).copied())
                .ok()
                .and_then(|found| by_key.get(found))
                .map(|&position| position as usize),
        }
    }

    /// Bytes of memory the index holds.
    pub fn memory_bytes(&self) -> u64 {
        let offsets = (self.offsets.capacity() as u64).saturating_mul(8);
        match &self.keys {
            Keys::Consecutive { .. } => offsets,
            Keys::Listed { keys, by_key } => offsets
                .saturating_add((keys.capacity() as u64).saturating_mul(8))
                .saturating_add((by_key.capacity() as u64).saturating_mul(4)),
        }
    }
}

/// Two numbers of 20 digits, a tab, a line feed, and one byte to see that there is more.
const LINE_LIMIT: u64 = 43;

#[derive(Default)]
struct Building {
    first: u64,
    /// Holds the keys from the first one on that does not follow its predecessor.
    keys: Option<Vec<u64>>,
    offsets: Vec<u64>,
    /// Bytes and lines read.
    byte: u64,
    line: u64,
}

impl Building {
    fn add_line(&mut self, text: &[u8]) -> Result<(), IndexError> {
        self.line = self.line.saturating_add(1);
        let (key, rest) = self.number(text, text, "a key in decimal digits")?;
        let rest = self.expect(text, rest, b'\t', "a tab after the key")?;
        let (offset, rest) = self.number(text, rest, "a byte offset in decimal digits")?;
        self.expect(text, rest, b'\n', "a line feed after the offset")?;
        self.byte = self.byte.saturating_add(text.len() as u64);
        self.push(key, offset);
        Ok(())
    }

    fn push(&mut self, key: u64, offset: u64) {
        let count = self.offsets.len() as u64;
        if count == 0 {
            self.first = key;
        }
        if let Some(keys) = &mut self.keys {
            keys.push(key);
        } else if self.first.checked_add(count) != Some(key) {
            let mut keys: Vec<u64> = (self.first..self.first.saturating_add(count)).collect();
            keys.push(key);
            self.keys = Some(keys);
        }
        self.offsets.push(offset);
    }

    fn finish(mut self) -> Result<Index, IndexError> {
        if self.offsets.is_empty() {
            return Err(IndexError::Empty);
        }
        self.offsets.shrink_to_fit();
        let keys = match self.keys {
            None => Keys::Consecutive { first: self.first },
            Some(keys) => listed(keys, &self.offsets)?,
        };
        Ok(Index { keys, offsets: self.offsets })
    }

    /// Parts a decimal number from the front of `rest`.
    fn number<'a>(
        &self,
        text: &[u8],
        rest: &'a [u8],
        expected: &'static str,
    ) -> Result<(u64, &'a [u8]), IndexError> {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, after) = rest.split_at_checked(digits).unwrap_or((&[], rest));
        std::str::from_utf8(number)
            .ok()
            .and_then(|digits| digits.parse().ok())
            .map(|value| (value, after))
            .ok_or_else(|| self.bad_line(text, rest, expected))
    }

    fn expect<'a>(
        &self,
        text: &[u8],
        rest: &'a [u8],
        byte: u8,
        expected: &'static str,
    ) -> Result<&'a [u8], IndexError> {
        match rest.split_first() {
            Some((&found, after)) if found == byte => Ok(after),
            _ => Err(self.bad_line(text, rest, expected)),
        }
    }

    fn bad_line(&self, text: &[u8], rest: &[u8], expected: &'static str) -> IndexError {
        let within = (text.len() as u64).saturating_sub(rest.len() as u64);
        let found = match rest {
            [] => "the end of the file".to_owned(),
            _ => format!("\"{}\"", rest.escape_ascii()),
        };
        IndexError::BadLine {
            offset: self.byte.saturating_add(within),
            line: self.line,
            expected,
            found,
        }
    }
}

fn listed(mut keys: Vec<u64>, offsets: &[u64]) -> Result<Keys, IndexError> {
    keys.shrink_to_fit();
    let count = u32::try_from(keys.len()).unwrap_or(u32::MAX);
    let mut by_key: Vec<u32> = (0..count).collect();
    by_key.sort_unstable_by_key(|&at| (keys.get(at as usize).copied(), at));
    let twice = by_key.windows(2).filter_map(|pair| match pair {
        [a, b] if keys.get(*a as usize) == keys.get(*b as usize) => Some((*a, *b)),
        _ => None,
    });
    if let Some((first, later)) = twice.min_by_key(|&(_, later)| later) {
        let line_bytes = |(key, offset): (&u64, &u64)| format!("{key}\t{offset}\n").len() as u64;
        let before = keys.iter().zip(offsets).take(later as usize).map(line_bytes);
        return Err(IndexError::DuplicateKey {
            offset: before.fold(0, u64::saturating_add),
            line: u64::from(later).saturating_add(1),
            key: *keys.get(later as usize).expect("both are places of keys"),
            first_line: u64::from(first).saturating_add(1),
        });
    }
    Ok(Keys::Listed { keys, by_key })
}

/// Writes index lines.
#[derive(Debug)]
pub struct IndexWriter<W> {
    out: W,
}

impl<W: Write> IndexWriter<W> {
    /// Starts an index in `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// Writes the line of one record.
    ///
    /// # Errors
    /// Whatever `out` refuses with.
    pub fn append(&mut self, key: u64, offset: u64) -> std::io::Result<()> {
        writeln!(self.out, "{key}\t{offset}")
    }

    /// The output, to be flushed.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Gives the output back.
    pub fn into_inner(self) -> W {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consecutive_keys_take_eight_bytes_a_record() {
        let index = Index::read("5\t0\n6\t40\n7\t80\n".as_bytes()).unwrap();
        assert_eq!(index.memory_bytes(), 24);
        assert_eq!((index.key(1), index.position(7), index.position(8)), (Some(6), Some(2), None));
    }

    #[test]
    fn any_keys_are_found_by_key() {
        let index = Index::read("4\t0\n3\t40\n1099511627776\t80\n".as_bytes()).unwrap();
        assert_eq!(index.position(1 << 40), Some(2));
        assert_eq!(index.position(3), Some(1));
        assert_eq!(index.position(5), None);
        assert_eq!(index.key(0), Some(4));
    }

    #[test]
    fn a_doubled_key_names_both_lines() {
        let error = Index::read("0\t0\n1\t8\n0\t16\n".as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("byte 8 (line 3): key 0 stands already on line 1"));
    }

    #[test]
    fn a_carriage_return_is_named_with_its_byte() {
        let error = Index::read("0\t0\r\n".as_bytes()).unwrap_err();
        let expected = "byte 3 (line 1): expected a line feed after the offset, found \"\\r\\n\"";
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
