//! What can be wrong with a pickle, each with the byte or the item where it was found.

/// Why a file is not read as a verification set. No code of the file has run, whatever it asks for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The pickle is of a protocol that this crate does not know.
    #[error(
        "byte {offset}: expected pickle protocol 0 to 5, found {found}; write the set again with \
         protocol=4"
    )]
    ProtocolTooNew {
        /// The opcode that says so.
        offset: u64,
        /// The protocol.
        found: u8,
    },
    /// The pickle names something of Python's that no verification set needs.
    #[error(
        "byte {offset}: the pickle calls {name}; only the names of InsightFace's verification sets \
         are read, and nothing was run"
    )]
    Name {
        /// The opcode that names it.
        offset: u64,
        /// Module and name, with a dot between; a long one is cut.
        name: String,
    },
    /// An opcode that no verification set needs, or a byte that is none.
    #[error(
        "byte {offset}: expected an opcode that builds lists, bytes or arrays, found {opcode}; \
         nothing was run"
    )]
    Opcode {
        /// The byte.
        offset: u64,
        /// Its name in Python's `pickletools`, or its value.
        opcode: String,
    },
    /// The file ends inside the pickle.
    #[error(
        "byte {offset}: expected {expected} or more bytes of {opcode}, found {found} before the \
         file ends"
    )]
    Truncated {
        /// Where the missing bytes begin.
        offset: u64,
        /// What they belong to.
        opcode: &'static str,
        /// How many are needed.
        expected: u64,
        /// How many are there.
        found: u64,
    },
    /// An opcode found something else than it works on.
    #[error("byte {offset}: expected {expected}, found {found}")]
    Expected {
        /// The opcode, or the byte in its text.
        offset: u64,
        /// What it works on.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The pickle holds something else than a verification set.
    #[error("expected {expected} in the pickle, found {found}")]
    Form {
        /// What a verification set has there.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// One image or verdict is something else.
    #[error("{what} {position}: expected {expected}, found {found}")]
    Item {
        /// `image` or `verdict`.
        what: &'static str,
        /// Its position, from 0.
        position: u64,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// Images and verdicts do not make pairs.
    #[error(
        "expected pairs, two images and one verdict each, found {images} images and {verdicts} \
         verdicts"
    )]
    Counts {
        /// Images.
        images: u64,
        /// Verdicts.
        verdicts: u64,
    },
    /// Bytes follow the pickle.
    #[error("byte {offset}: expected the end of the file after the pickle, found {found} bytes")]
    Trailing {
        /// The first of them.
        offset: u64,
        /// How many they are.
        found: u64,
    },
}
