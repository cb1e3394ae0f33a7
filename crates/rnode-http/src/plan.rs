//! The plan of a request: which layers of the application's route table can match it.
//! The matching is the router's; this decides only for which targets it is asked on an I/O thread.

use crate::server::TableVersion;
use rnode_router::{Front, Method};
use std::sync::Arc;

/// What the I/O thread found out about a request.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) version: u32,
    /// `Some` where a matching layer has a deadline of its own.
    pub(crate) deadline_ms: Option<u32>,
    /// Native layers that may answer in front of all others, and the header lines of such an answer.
    pub(crate) front: Option<(Front, Arc<[u8]>)>,
}

/// Writes the plan of `method target` to `words`. `None` if the target is one whose pathname JavaScript finds
/// differently (`parseurl` takes the slow path for these bytes); JavaScript then asks for the plan itself.
pub(crate) fn plan(
    table: &TableVersion,
    front_lines: Option<&Arc<[u8]>>,
    method: Method,
    target: &[u8],
    words: &mut Vec<u32>,
) -> Option<Planned> {
    words.clear();
    if target.first() != Some(&b'/') {
        return None;
    }
    let end = target
        .iter()
        .position(|byte| *byte == b'?')
        .unwrap_or(target.len());
    let special = |byte: &u8| matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ' | b'#' | 0x80..);
    if target.iter().any(special) {
        return None;
    }
    let pathname = std::str::from_utf8(&target[..end]).ok()?;
    let (table, version) = (&table.0, table.1);
    let info = table.plan(0, method, pathname, words);
    let front = front_lines
        .map(|lines| (table.front(words), lines))
        .filter(|(front, _)| !front.layers().is_empty());
    Some(Planned {
        version,
        deadline_ms: info.deadline_ms,
        front: front.map(|(front, lines)| (front, lines.clone())),
    })
}
