//! Error documents and entity tags for responses that JavaScript finishes itself.
//! The documents are those of `rnode-http`; here is only the way to them.

use neon::prelude::*;
use neon::types::JsUint8Array;
use neon::types::buffer::TypedArray;
use rnode_http::error_page::{Mode, render};
use rnode_http::finish::etag;

/// `renderErrorPage(mode: 'page' | 'negotiate' | 'express', status: number, message: string, accept?: string)
/// -> { contentType, csp, varyAccept, body }`. `message` is the unescaped text of the page.
pub(crate) fn render_error_page<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsObject> {
    let mode = cx.argument::<JsString>(0)?.value(cx);
    let mode = match &*mode {
        "page" => Mode::Page,
        "express" => Mode::Express,
        "negotiate" => Mode::Negotiate,
        _ => return cx.throw_type_error(format!("unknown kind of error page: {mode:?}")),
    };
    let status = cx.argument::<JsNumber>(1)?.value(cx) as u16;
    let message = cx.argument::<JsString>(2)?.value(cx);
    let accept = match cx.argument_opt(3) {
        Some(value) if !value.is_a::<JsUndefined, _>(cx) => {
            let text = value.downcast_or_throw::<JsString, _>(cx)?;
            Some(text.value(cx))
        }
        _ => None,
    };
    let page = render(mode, status, &message, accept.as_deref());
    let result = cx.empty_object();
    let body = String::from_utf8_lossy(&page.body);
    for (name, text) in [
        ("contentType", page.content_type),
        ("csp", page.csp),
        ("body", &body),
    ] {
        let text = cx.string(text);
        result.set(cx, name, text)?;
    }
    let vary = cx.boolean(page.vary_accept);
    result.set(cx, "varyAccept", vary)?;
    Ok(result)
}

/// `weakEtag(body: Uint8Array | string) -> string`: Express' default tag of a body.
pub(crate) fn weak_etag<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsString> {
    tag(cx, etag::weak)
}

/// `strongEtag(body: Uint8Array | string) -> string`.
pub(crate) fn strong_etag<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsString> {
    tag(cx, etag::strong)
}

fn tag<'cx>(
    cx: &mut FunctionContext<'cx>,
    write: fn(&[u8], &mut Vec<u8>),
) -> JsResult<'cx, JsString> {
    let body = cx.argument::<JsValue>(0)?;
    let mut tag = Vec::new();
    if let Ok(text) = body.downcast::<JsString, _>(cx) {
        write(text.value(cx).as_bytes(), &mut tag);
    } else {
        let bytes = body.downcast_or_throw::<JsUint8Array, _>(cx)?;
        write(bytes.as_slice(cx), &mut tag);
    }
    Ok(cx.string(String::from_utf8_lossy(&tag)))
}
