//! The numbers of the format that reading, writing and errors share.

/// The word every part begins with (dmlc-core `RecordIOWriter::kMagic`).
pub const MAGIC: u32 = 0xced7_230a;

/// A record is shorter than this: its length has 29 bits.
pub const MAX_RECORD_BYTES: u64 = 1 << 29;
