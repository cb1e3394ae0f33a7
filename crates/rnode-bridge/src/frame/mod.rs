//! The frame layout, written once: word positions, kinds and flags of what crosses the bridge.
//!
//! `docs/internals/frames.md` explains it, `js/lib/native/frames.js` repeats the constants, and the golden bytes
//! in `tests/golden/frames.json` hold both sides to it. Nothing in here allocates except the target buffer.

pub mod answers;
pub mod inbound;
mod numbers;
pub mod outbound;

pub use inbound::{InFrame, InFrames, RequestFrame};
pub use numbers::{
    GROUPS, abort, chunk_flags, end_flags, file_flags, file_result, inbound_kind, outbound_kind,
    request_flags, response_flags, special,
};
pub use outbound::{Body, Command, Commands};

/// Bytes of the four words that open every frame.
pub const HEADER_BYTES: usize = 16;

/// Index bits of a slot word; the I/O thread is above them.
pub const SLOT_INDEX_BITS: u32 = 24;
/// Connections one I/O thread can hold.
pub const MAX_SLOTS: usize = 1 << SLOT_INDEX_BITS;
/// I/O threads a pool can hold.
pub const MAX_IO_THREADS: usize = 256;

/// `w2` of a frame: I/O thread and index of the connection in its slot table.
pub const fn slot_word(io: u8, index: u32) -> u32 {
    (io as u32) << SLOT_INDEX_BITS | index
}

/// The I/O thread of a slot word.
pub const fn slot_io(slot: u32) -> u8 {
    (slot >> SLOT_INDEX_BITS) as u8
}

/// The index of a slot word.
pub const fn slot_index(slot: u32) -> u32 {
    slot & ((1 << SLOT_INDEX_BITS) - 1)
}

/// `n` rounded up to a multiple of four.
pub const fn padded(n: usize) -> usize {
    (n + 3) & !3
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameError {
    /// Fewer bytes than the length word or the part lengths ask for.
    Truncated,
    /// The length word is not a multiple of four, below the header, or below its parts.
    BadLength,
    /// No such kind.
    UnknownKind(u8),
}

impl std::fmt::Display for FrameError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Truncated => f.write_str("frame is truncated"),
            Self::BadLength => f.write_str("frame has an impossible length"),
            Self::UnknownKind(kind) => write!(f, "unknown frame kind {kind}"),
        }
    }
}

impl std::error::Error for FrameError {}

/// Reads word `index` of `frame`; the caller has checked the length.
pub(crate) fn word(frame: &[u8], index: usize) -> Result<u32, FrameError> {
    frame
        .get(index * 4..index * 4 + 4)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_le_bytes)
        .ok_or(FrameError::Truncated)
}

pub(crate) fn put(buf: &mut Vec<u8>, word: u32) {
    buf.extend_from_slice(&word.to_le_bytes());
}

/// Opens a frame: the length word is written by [`finish`].
pub(crate) fn begin(buf: &mut Vec<u8>, kind: u32, flags: u32, slot: u32, generation: u32) -> usize {
    debug_assert!(buf.len().is_multiple_of(4), "frames start on a word");
    let start = buf.len();
    let mut words = [0u8; HEADER_BYTES];
    words[4..8].copy_from_slice(&(kind | flags << 8).to_le_bytes());
    words[8..12].copy_from_slice(&slot.to_le_bytes());
    words[12..16].copy_from_slice(&generation.to_le_bytes());
    buf.extend_from_slice(&words);
    start
}

/// Pads the frame that began at `start` and writes its length.
pub(crate) fn finish(buf: &mut Vec<u8>, start: usize) {
    pad(buf, start);
    let length = (buf.len() - start) as u32;
    buf[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// Appends a frame of so many bytes: their number, then they.
pub(crate) fn bytes_frame(
    buf: &mut Vec<u8>,
    kind: u32,
    flags: u32,
    slot: u32,
    generation: u32,
    bytes: &[u8],
) {
    let start = begin(buf, kind, flags, slot, generation);
    put(buf, bytes.len() as u32);
    buf.extend_from_slice(bytes);
    finish(buf, start);
}

/// Appends a frame of one word.
pub(crate) fn word_frame(
    buf: &mut Vec<u8>,
    kind: u32,
    flags: u32,
    slot: u32,
    generation: u32,
    value: u32,
) {
    let start = begin(buf, kind, flags, slot, generation);
    put(buf, value);
    finish(buf, start);
}

pub(crate) fn pad(buf: &mut Vec<u8>, start: usize) {
    let length = padded(buf.len() - start);
    buf.resize(start + length, 0);
}

/// Splits the first whole frame off `bytes`.
///
/// # Errors
/// [`FrameError::Truncated`] or [`FrameError::BadLength`] where the length word cannot be right.
pub fn split_first(bytes: &[u8]) -> Result<(&[u8], &[u8]), FrameError> {
    let length = word(bytes, 0)? as usize;
    if length < HEADER_BYTES || !length.is_multiple_of(4) {
        return Err(FrameError::BadLength);
    }
    if bytes.len() < length {
        return Err(FrameError::Truncated);
    }
    Ok(bytes.split_at(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slot_words_round_trip() {
        let slot = slot_word(255, (1 << 24) - 1);
        assert_eq!(slot, u32::MAX);
        assert_eq!((slot_io(slot), slot_index(slot)), (255, (1 << 24) - 1));
        let slot = slot_word(3, 7);
        assert_eq!((slot_io(slot), slot_index(slot)), (3, 7));
    }

    #[test]
    fn split_rejects_impossible_lengths() {
        assert_eq!(split_first(&[]), Err(FrameError::Truncated));
        assert_eq!(split_first(&[12, 0, 0, 0]), Err(FrameError::BadLength));
        assert_eq!(split_first(&[18, 0, 0, 0]), Err(FrameError::BadLength));
        assert_eq!(split_first(&[16, 0, 0, 0, 1]), Err(FrameError::Truncated));
        assert_eq!(split_first(&[0xff; 4]), Err(FrameError::BadLength));
        assert_eq!(
            split_first(&[0xfc, 0xff, 0xff, 0xff, 0]),
            Err(FrameError::Truncated)
        );
    }
}
