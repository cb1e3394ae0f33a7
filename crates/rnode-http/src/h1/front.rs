//! Native layers at the front of a plan: they answer on the I/O thread, and JavaScript never sees the request. One that does not
//! answer lets the next layer have it; what is left of the plan goes to JavaScript as if the native layers had been there.
//!
//! A layer that would behave in any way that JavaScript decides (an error, a redirect only `url.parse` can make) is left in the plan:
//! JavaScript then runs it itself, from the start. Whether native layers may run at all is decided in JavaScript and arrives with the
//! routes (`Server::set_front`).

use super::conn::Conn;
use super::parse::{Head, Span};
use super::state::{Phase, Response};
use crate::files::{Outcome, Preset, Request, StaticOptions, StaticRequest, interned_options};
use crate::files::{cache, passes_at_once, serve_static};
use crate::io_thread::Ctx;
use crate::plan::Planned;
use rnode_bridge::frame::{RequestFrame, request_flags};
use rnode_router::{Front, FrontLayer};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bits of a native layer's number that say which options it has; the bits above say what kind of layer it is.
const OPTIONS_BITS: u32 = 24;
/// Kind of `express.static`; its options are those of [`crate::files::intern_options`].
const STATIC: u32 = 1;

/// A request in front of which native layers stand.
pub(super) struct Asked<'a> {
    data: &'a [u8],
    spans: &'a [Span],
    url: &'a [u8],
    is_head: bool,
    front: &'a Front,
    lines: &'a [u8],
}

/// What became of it.
pub(super) enum Fronted {
    /// A layer has answered.
    Answered,
    /// JavaScript's turn, with the plan from this word on.
    JavaScript(usize),
    /// The layer of this number must be run where it may wait for a disk.
    Look(usize),
}

/// A request that waits for a blocking thread: all that JavaScript may need of it later.
struct Held {
    data: Vec<u8>,
    spans: Vec<Span>,
    url: (usize, usize),
    is_head: bool,
    front: Front,
    lines: Arc<[u8]>,
    method: u32,
    flags: u32,
    plan_version: u32,
    plan: Vec<u32>,
}

impl Held {
    fn asked(&self) -> Asked<'_> {
        Asked {
            data: &self.data,
            spans: &self.spans,
            url: &self.data[self.url.0..self.url.1],
            is_head: self.is_head,
            front: &self.front,
            lines: &self.lines,
        }
    }
}

impl<'a> Asked<'a> {
    /// Words of the plan before the entry of a layer.
    fn begin(&self, index: usize) -> usize {
        match index.checked_sub(1) {
            Some(before) => self.front.layers()[before].end as usize,
            None => 0,
        }
    }

    /// The headers that a file depends on; `None` if one came twice, which Node's rules must join.
    fn conditions(&self) -> Option<Request<'a>> {
        let mut request = Request {
            method: if self.is_head { b"HEAD" } else { b"GET" },
            ..Request::default()
        };
        for span in self.spans {
            let name = span.name(self.data);
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            let slot = match name.len() {
                5 if is("range") => &mut request.range,
                8 if is("if-match") => &mut request.if_match,
                8 if is("if-range") => &mut request.if_range,
                13 if is("if-none-match") => &mut request.if_none_match,
                13 if is("cache-control") => &mut request.cache_control,
                15 if is("accept-encoding") => &mut request.accept_encoding,
                17 if is("if-modified-since") => &mut request.if_modified_since,
                19 if is("if-unmodified-since") => &mut request.if_unmodified_since,
                _ => continue,
            };
            if slot.replace(span.value(self.data)).is_some() {
                return None;
            }
        }
        Some(request)
    }

    fn run(&self, layer: &FrontLayer, options: &StaticOptions) -> Outcome {
        let Some(request) = self.conditions() else {
            return Outcome::Decline;
        };
        let request = StaticRequest {
            path: &path_at(self.url, layer),
            original_url: self.url,
            request,
        };
        serve_static(
            options,
            &request,
            &Preset::of_lines(self.lines, 200),
            cache(),
        )
    }
}

/// The path at the level of a layer, as `router` cuts it: without the mount path, always beginning with a slash.
fn path_at<'a>(url: &'a [u8], layer: &FrontLayer) -> Cow<'a, [u8]> {
    let end = memchr::memchr(b'?', url).unwrap_or(url.len());
    let path = &url[..end];
    match path.get(layer.matched as usize..) {
        Some(rest) if rest.first() == Some(&b'/') => Cow::Borrowed(rest),
        Some(rest) => Cow::Owned([b"/", rest].concat()),
        None => Cow::Borrowed(path),
    }
}

/// Whether none of the layers will answer a request, as far as that is known without waiting for a disk.
pub(super) fn pass_at_once(front: &Front, url: &[u8], is_head: bool) -> bool {
    // What the headers ask for counts only where there is a file.
    let request = Request {
        method: if is_head { b"HEAD" } else { b"GET" },
        ..Request::default()
    };
    front.layers().iter().all(|layer| {
        let request = StaticRequest {
            path: &path_at(url, layer),
            original_url: url,
            request,
        };
        options_of(layer).is_some_and(|options| passes_at_once(&options, &request))
    })
}

fn options_of(layer: &FrontLayer) -> Option<Arc<StaticOptions>> {
    (layer.native >> OPTIONS_BITS == STATIC)
        .then(|| interned_options(options_number(layer)))
        .flatten()
        .filter(|options| options.send.root.is_some())
}

fn options_number(layer: &FrontLayer) -> u32 {
    layer.native & ((1 << OPTIONS_BITS) - 1)
}

/// What a layer has decided.
enum Decided {
    Answered,
    Next,
    JavaScript,
}

impl Conn {
    /// Runs the native layers in front of a request without a body, whose head is `data`. Returns the word at which JavaScript's
    /// plan begins; `None` if there is nothing for JavaScript, or not yet.
    pub(super) fn run_front(
        &mut self,
        data: &[u8],
        spans: &[Span],
        head: &Head,
        frame: &RequestFrame<'_>,
        planned: &Planned,
        ctx: &Ctx,
    ) -> Option<usize> {
        let Some((front, lines)) = &planned.front else {
            return Some(0);
        };
        if ctx.is_lent() {
            // Only a request that passes them all has come this far.
            return Some(front.layers().last().map_or(0, |layer| layer.end as usize));
        }
        let asked = Asked {
            data,
            spans,
            url: frame.url,
            is_head: self.request.is_head,
            front,
            lines,
        };
        self.unseen = true;
        match self.front_from(&asked, 0, ctx) {
            Fronted::Answered => None,
            Fronted::JavaScript(at) => {
                self.unseen = false;
                Some(at)
            }
            Fronted::Look(index) => {
                let held = Arc::new(Held {
                    data: data[..head.length].to_vec(),
                    spans: spans.to_vec(),
                    url: head.url,
                    is_head: asked.is_head,
                    front: *front,
                    lines: lines.clone(),
                    method: frame.method,
                    flags: frame.flags,
                    plan_version: frame.plan_version,
                    plan: frame.plan.to_vec(),
                });
                self.front_look(held, index, ctx);
                None
            }
        }
    }

    fn front_from(&mut self, asked: &Asked<'_>, first: usize, ctx: &Ctx) -> Fronted {
        let layers = asked.front.layers();
        self.response = Response::Filing;
        let mut at = asked.begin(first);
        for (index, layer) in layers.iter().enumerate().skip(first) {
            let Some(options) = options_of(layer) else {
                break;
            };
            let number = options_number(layer);
            let key = ctx.lookups.borrow().key(number, &path_at(asked.url, layer));
            if !ctx.lookups.borrow().is_quick(number, key, ctx.recent()) {
                return Fronted::Look(index);
            }
            let started = Instant::now();
            let outcome = asked.run(layer, &options);
            ctx.looked(number, key, started.elapsed());
            match self.front_decided(outcome, asked.lines, ctx) {
                Decided::Answered => return Fronted::Answered,
                Decided::Next => at = layer.end as usize,
                Decided::JavaScript => break,
            }
        }
        self.response = Response::Awaited;
        Fronted::JavaScript(at)
    }

    fn front_decided(&mut self, outcome: Outcome, lines: &[u8], ctx: &Ctx) -> Decided {
        match outcome {
            Outcome::File(_) | Outcome::NotModified { .. } | Outcome::Redirect(_) => {
                self.file_decided(outcome, lines, ctx);
                Decided::Answered
            }
            Outcome::Fallthrough => Decided::Next,
            // `next(err)` is JavaScript's, and so is what only it can do.
            Outcome::Failed(_)
            | Outcome::Directory
            | Outcome::Decline
            | Outcome::MethodNotAllowed { .. } => Decided::JavaScript,
        }
    }

    /// Runs one layer on a blocking thread and goes on from there.
    fn front_look(&mut self, held: Arc<Held>, index: usize, ctx: &Ctx) {
        let layer = held.front.layers()[index];
        let Some(options) = options_of(&layer) else {
            return self.front_left(&held, held.asked().begin(index), ctx);
        };
        let asked = held.clone();
        self.run_blocking(
            ctx,
            move || {
                let started = Instant::now();
                let outcome = asked.asked().run(&layer, &options);
                (outcome, started.elapsed())
            },
            move |conn, result: Option<(Outcome, Duration)>, ctx| {
                let asked = held.asked();
                let number = options_number(&layer);
                let key = ctx
                    .lookups
                    .borrow()
                    .key(number, &path_at(asked.url, &layer));
                let decided = match result {
                    Some((outcome, took)) => {
                        ctx.now();
                        ctx.looked(number, key, took);
                        conn.front_is_open()
                            .then(|| conn.front_decided(outcome, &held.lines, ctx))
                    }
                    // Work that has panicked: JavaScript finds out.
                    None => conn.front_is_open().then_some(Decided::JavaScript),
                };
                match decided {
                    // A deadline was faster, or the connection has ended.
                    None | Some(Decided::Answered) => {}
                    Some(Decided::JavaScript) => conn.front_left(&held, asked.begin(index), ctx),
                    Some(Decided::Next) => match conn.front_from(&asked, index + 1, ctx) {
                        Fronted::Answered => {}
                        Fronted::JavaScript(at) => conn.front_left(&held, at, ctx),
                        Fronted::Look(next) => conn.front_look(held, next, ctx),
                    },
                }
            },
        );
    }

    fn front_is_open(&self) -> bool {
        self.phase == Phase::Active && self.response == Response::Filing && self.unseen
    }

    /// No native layer has answered a request that was held.
    fn front_left(&mut self, held: &Held, at: usize, ctx: &Ctx) {
        self.response = Response::Awaited;
        let addresses = self.addresses.clone();
        let frame = RequestFrame {
            flags: held.flags | if at == 0 { 0 } else { request_flags::PASSED },
            method: held.method,
            url: held.asked().url,
            plan_version: held.plan_version,
            plan: &held.plan[at..],
            ..self.bare_frame(&addresses)
        };
        self.give_request(&frame, &held.data, &held.spans, false);
        // What is pipelined behind it need not wait any more.
        self.recheck |= !self.input.is_empty();
        if self.input_ended {
            // The client's FIN was met while JavaScript did not know of the request.
            self.check_ended(ctx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::path_at;
    use rnode_router::FrontLayer;

    #[test]
    fn paths_below_a_mount() {
        for (url, matched, expected) in [
            (&b"/a/b?c/d"[..], 0, &b"/a/b"[..]),
            (b"/a/b?c", 2, b"/b"),
            (b"/a?c", 2, b"/"),
            (b"/a", 2, b"/"),
            (b"/a/", 2, b"/"),
        ] {
            let layer = FrontLayer {
                matched,
                ..FrontLayer::default()
            };
            assert_eq!(*path_at(url, &layer), *expected);
        }
    }
}
