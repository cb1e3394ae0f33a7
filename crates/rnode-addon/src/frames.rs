//! Frames in and out: `take`, `post`, `postLarge`, `internFileOptions`. What frames mean is not known here.

use crate::env::{self, lock};
use neon::prelude::*;
use neon::types::JsUint8Array;
use neon::types::buffer::TypedArray;

/// Bytes at the start of the inbox that tell what was taken: four little-endian words.
const INBOX_HEAD: usize = 16;

/// `take(inbox: Uint8Array, maxFrames: number)`: moves whole frames to `inbox` from byte 16 on. Before them it writes
/// 32-bit words: bytes written, 1 if more is waiting (then `take` must be called again, no wake will come), bytes the
/// next frame needs if it alone does not fit (else 0), number of frames.
pub(crate) fn take<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    let mut inbox = cx.argument::<JsUint8Array>(0)?;
    let max_frames = cx.argument::<JsNumber>(1)?.value(cx) as usize;
    let queue = &env::bridge(cx)?.queue;
    let Some((head, room)) = inbox.as_mut_slice(cx).split_at_mut_checked(INBOX_HEAD) else {
        return cx.throw_range_error("the inbox is shorter than its 16 bytes of head");
    };
    let taken = queue.take(room, max_frames);
    let words = [
        taken.bytes as u32,
        u32::from(taken.more),
        taken.needs as u32,
        taken.frames as u32,
    ];
    for (to, word) in head.chunks_exact_mut(4).zip(words) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    Ok(cx.undefined())
}

/// `takeBody(keep: boolean) -> Buffer | undefined`: the bytes beside the oldest BODY frame that was taken and whose bytes were not taken
/// yet. Must be called once for each such frame, in their order; without `keep` the bytes are dropped. The memory is Rust's,
/// exclusively this Buffer's, and free again when the engine has collected it.
pub(crate) fn take_body<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsValue> {
    let keep = cx.argument::<JsBoolean>(0)?.value(cx);
    Ok(match env::bridge(cx)?.queue.take_body() {
        Some(bytes) if keep => JsBuffer::external(cx, bytes).upcast(),
        _ => cx.undefined().upcast(),
    })
}

/// `post(io: number, buffer: Uint8Array, length: number) -> boolean`: posts the whole frames in the first `length` bytes of
/// `buffer`, which are copied. True if that has put frames in the queue for which no wake will come: `take` must be called.
pub(crate) fn post<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsBoolean> {
    let io = cx.argument::<JsNumber>(0)?.value(cx) as usize;
    let buffer = cx.argument::<JsUint8Array>(1)?;
    let length = cx.argument::<JsNumber>(2)?.value(cx) as usize;
    let bridge = env::bridge(cx)?;
    let Some(frames) = buffer.as_slice(cx).get(..length) else {
        return cx.throw_range_error("length is beyond the buffer");
    };
    let mut wanted = false;
    if bridge.direct.as_ref().is_some_and(|set| !set.is_empty()) {
        wanted = bridge
            .thread
            .collect(|| bridge.pool.answer_direct(io, frames));
    } else {
        bridge.pool.post(io, frames);
    }
    Ok(cx.boolean(wanted))
}

/// `postLarge(io: number, head: Uint8Array, headLength: number, body: Uint8Array)`: posts the one RESPOND or CHUNK frame
/// in the first `headLength` bytes of `head`, its body beside it. Both are copied; a body that is posted again while it is under way
/// shares the copy.
pub(crate) fn post_large<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsUndefined> {
    let io = cx.argument::<JsNumber>(0)?.value(cx) as usize;
    let head = cx.argument::<JsUint8Array>(1)?;
    let length = cx.argument::<JsNumber>(2)?.value(cx) as usize;
    let body = cx.argument::<JsUint8Array>(3)?;
    let bridge = env::bridge(cx)?;
    let Some(head) = head.as_slice(cx).get(..length) else {
        return cx.throw_range_error("headLength is beyond the buffer");
    };
    let body = lock(&bridge.recent).copy(body.as_slice(cx));
    bridge.pool.post_large(io, head, body);
    Ok(cx.undefined())
}

/// `internFileOptions(json: string) -> number`: names options of `serve-static` for all later FILE frames of the process; 0 if
/// they are refused (then JavaScript answers).
pub(crate) fn intern_file_options<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsNumber> {
    let json = cx.argument::<JsString>(0)?.value(cx);
    let id = rnode_http::files::intern_options(&json).unwrap_or(0);
    Ok(cx.number(id))
}
