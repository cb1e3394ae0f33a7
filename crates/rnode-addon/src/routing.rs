//! Patterns, route tables and plans for JavaScript: the matcher that the I/O threads use, called synchronously.
//! It must not match anything itself: a second opinion about what a path is would let requests past their guards.

use crate::env::{self, Scratch};
use crate::text;
use neon::prelude::*;
use neon::types::JsInt32Array;
use neon::types::buffer::TypedArray;
use rnode_router::plan::{FLAG_SHIFT, PERCENT, WILDCARD};
use rnode_router::{Method, Pattern, PatternOptions, Table};
use std::sync::Arc;

/// A compiled route table in JavaScript's hands.
pub(crate) struct RouteTable(pub(crate) Arc<Table>);

impl Finalize for RouteTable {}

/// `parsePattern(text, sensitive, strict, end) -> string[] | string`: the names of the keys, or the text of the
/// grammar error, which JavaScript throws.
pub(crate) fn parse_pattern<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsValue> {
    let (text, options) = pattern_arguments(cx)?;
    match Pattern::parse(&text, options) {
        Ok(pattern) => {
            let names = cx.empty_array();
            for (index, key) in pattern.keys().iter().enumerate() {
                let name = cx.string(&key.name);
                names.set(cx, index as u32, name)?;
            }
            Ok(names.upcast())
        }
        Err(error) => Ok(cx.string(error.to_string()).upcast()),
    }
}

/// `matchPattern(text, sensitive, strict, end, pathname) -> number[] | null`: matched length, number of captures, and
/// per capture `key index | flags << 24` (1 PERCENT, 2 WILDCARD), start, length; all in UTF-16 units of `pathname`.
/// Throws a `TypeError` for a grammar error. Patterns are kept, so that asking again parses nothing.
pub(crate) fn match_pattern<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsValue> {
    let (text, options) = pattern_arguments(cx)?;
    let pathname = cx.argument::<JsString>(4)?.value(cx);
    let found = env::lock(&env::current(cx).scratch)
        .patterns
        .get(&text, options)
        .map(|pattern| pattern.matches(&pathname));
    let found = match found {
        Ok(found) => found,
        Err(error) => return cx.throw_type_error(error.to_string()),
    };
    let Some(found) = found else {
        return Ok(cx.null().upcast());
    };
    let units = |from: usize, to: usize| pathname[from..to].encode_utf16().count() as u32;
    let mut words = vec![units(0, found.len), found.captures.len() as u32];
    for capture in &found.captures {
        let flags = u32::from(capture.percent) * PERCENT + u32::from(capture.wildcard) * WILDCARD;
        let (start, len) = (capture.start as usize, capture.len as usize);
        words.push(u32::from(capture.key) | flags << FLAG_SHIFT);
        words.push(units(0, start));
        words.push(units(start, start + len));
    }
    let array = cx.empty_array();
    for (index, word) in words.into_iter().enumerate() {
        let word = cx.number(word);
        array.set(cx, index as u32, word)?;
    }
    Ok(array.upcast())
}

fn pattern_arguments(cx: &mut FunctionContext<'_>) -> NeonResult<(String, PatternOptions)> {
    let text = cx.argument::<JsString>(0)?.value(cx);
    let options = PatternOptions {
        sensitive: cx.argument::<JsBoolean>(1)?.value(cx),
        strict: cx.argument::<JsBoolean>(2)?.value(cx),
        end: cx.argument::<JsBoolean>(3)?.value(cx),
    };
    Ok((text, options))
}

/// `compileTable(json: string) -> box`. Throws a `TypeError` with the table error's text.
pub(crate) fn compile_table<'cx>(
    cx: &mut FunctionContext<'cx>,
) -> JsResult<'cx, JsBox<RouteTable>> {
    let json = cx.argument::<JsString>(0)?.value(cx);
    match Table::from_json(&json) {
        Ok(table) => Ok(cx.boxed(RouteTable(Arc::new(table)))),
        Err(error) => cx.throw_type_error(error.to_string()),
    }
}

/// `plan(box, methodIndex: number, pathname: string, out: Int32Array) -> number`: writes the plan of the root router
/// to `out` and returns the number of words; if they do not fit, nothing is written and minus their number returned.
pub(crate) fn plan<'cx>(cx: &mut FunctionContext<'cx>) -> JsResult<'cx, JsNumber> {
    let table = cx.argument::<JsBox<RouteTable>>(0)?;
    let index = cx.argument::<JsNumber>(1)?.value(cx) as u32;
    let pathname = cx.argument::<JsString>(2)?;
    let mut out = cx.argument::<JsInt32Array>(3)?;
    let Some(method) = Method::from_index(index) else {
        return cx.throw_range_error("no such method index");
    };
    let mut scratch = env::lock(&env::current(cx).scratch);
    let Scratch { text, words, .. } = &mut *scratch;
    let pathname = text::read(cx, pathname, text)?;
    words.clear();
    table.0.plan(0, method, pathname, words);
    let length = words.len() as i32;
    match out.as_mut_slice(cx).get_mut(..words.len()) {
        Some(out) => {
            for (to, word) in out.iter_mut().zip(words.iter()) {
                *to = word.cast_signed();
            }
            Ok(cx.number(length))
        }
        None => Ok(cx.number(-length)),
    }
}
