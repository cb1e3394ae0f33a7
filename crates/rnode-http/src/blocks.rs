//! Header blocks: lines that many responses share, given once and named by a number afterwards.
//!
//! The table is one per process and only grows (a block may be named by any frame under way), so it is bounded.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

/// Blocks the table holds at most; further ones are sent inline.
pub const MAX_BLOCKS: usize = 4096;
/// Longest block in bytes.
pub const MAX_BLOCK_BYTES: usize = 16 << 10;

#[derive(Default)]
struct Table {
    blocks: Vec<Arc<[u8]>>,
    ids: HashMap<Arc<[u8]>, u32>,
}

static TABLE: OnceLock<RwLock<Table>> = OnceLock::new();

fn table() -> &'static RwLock<Table> {
    TABLE.get_or_init(RwLock::default)
}

/// Names `lines` (`Name: value\r\n` each, latin1) by a number above 0; equal bytes get the same number.
///
/// `None` if the lines could end a head early (bare CR or LF, NUL, an empty line, no final CRLF), if they are
/// longer than [`MAX_BLOCK_BYTES`], or if the table is full: the caller then sends them inline.
pub fn intern_headers(lines: &[u8]) -> Option<u32> {
    if lines.is_empty() || lines.len() > MAX_BLOCK_BYTES || !lines_are_safe(lines) {
        return None;
    }
    let mut table = table().write().unwrap_or_else(PoisonError::into_inner);
    if let Some(id) = table.ids.get(lines) {
        return Some(*id);
    }
    if table.blocks.len() >= MAX_BLOCKS {
        return None;
    }
    let block: Arc<[u8]> = Arc::from(lines);
    table.blocks.push(block.clone());
    let id = table.blocks.len() as u32;
    table.ids.insert(block, id);
    Some(id)
}

/// One I/O thread's copy of the table: reading it takes no lock.
#[derive(Default)]
pub(crate) struct LocalBlocks {
    blocks: Vec<Arc<[u8]>>,
}

impl LocalBlocks {
    /// The lines of block `id`; empty for 0, `None` for a number that was never given out.
    pub(crate) fn get(&mut self, id: u32) -> Option<Arc<[u8]>> {
        let index = (id as usize).checked_sub(1)?;
        if index >= self.blocks.len() {
            let table = table().read().unwrap_or_else(PoisonError::into_inner);
            let known = self.blocks.len();
            self.blocks.extend(table.blocks[known..].iter().cloned());
        }
        self.blocks.get(index).cloned()
    }
}

/// Returns true if and only if `lines` is empty or a sequence of non-empty lines that each end with CRLF and hold
/// no other CR, LF or NUL: what cannot end a head early or start a second response.
pub(crate) fn lines_are_safe(lines: &[u8]) -> bool {
    if lines.is_empty() {
        return true;
    }
    if !lines.ends_with(b"\r\n") {
        return false;
    }
    let mut line_start = 0;
    let mut skip = usize::MAX;
    for at in memchr::memchr3_iter(b'\r', b'\n', 0, lines) {
        if at == skip {
            continue;
        }
        if lines[at] != b'\r' || lines.get(at + 1) != Some(&b'\n') || at == line_start {
            return false;
        }
        skip = at + 1;
        line_start = at + 2;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_are_safe() {
        for good in [&b""[..], b"A: b\r\n", b"A: b\r\nC:\r\n", b"A: \xff\r\n"] {
            assert!(lines_are_safe(good), "{good:?}");
        }
        for bad in [
            &b"A: b"[..],
            b"\r\n",
            b"A: b\r\n\r\n",
            b"\r\nA: b\r\n",
            b"A: b\n",
            b"A: b\nC: d\r\n",
            b"A: b\rC: d\r\n",
            b"A: \0\r\n",
            b"A: b\r\r\n",
            b"A: b\r\n\n",
        ] {
            assert!(!lines_are_safe(bad), "{bad:?}");
        }
    }

    #[test]
    fn equal_lines_share_a_number() {
        let id = intern_headers(b"X-Test-Block: 1\r\n").expect("valid");
        assert_eq!(intern_headers(b"X-Test-Block: 1\r\n"), Some(id));
        assert_ne!(intern_headers(b"X-Test-Block: 2\r\n"), Some(id));
        assert_eq!(intern_headers(b"broken"), None);
        let mut local = LocalBlocks::default();
        assert_eq!(local.get(id).as_deref(), Some(&b"X-Test-Block: 1\r\n"[..]));
        assert!(local.get(0).is_none() && local.get(u32::MAX).is_none());
    }
}
