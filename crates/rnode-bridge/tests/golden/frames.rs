//! The frames of the golden file: each with the fields that both sides must find in it. It must not decide anything: the
//! bytes come from the encoders of the crate.

use rnode_bridge::codes::ClientError;
use rnode_bridge::frame::outbound::{self, FileFrame, ResponseHead};
use rnode_bridge::frame::{
    RequestFrame, file_flags, inbound, request_flags, response_flags, slot_word, special,
};
use serde_json::{Value, json};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `fields` with those of `more`.
fn merged(fields: &Value, more: &Value) -> Value {
    let mut fields = fields.clone();
    let more = more.as_object().expect("object").clone();
    fields.as_object_mut().expect("object").extend(more);
    fields
}

fn frame(name: &str, direction: &str, fields: Value, write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut buf = Vec::new();
    write(&mut buf);
    let mut frame = json!({ "name": name, "direction": direction, "hex": hex(&buf) });
    frame["fields"] = fields;
    frame
}

/// A frame of each kind to JavaScript, and its fields as JavaScript names them.
pub(super) fn inbound_frames() -> Vec<Value> {
    let slot = slot_word(3, 0x01_02_03);
    let generation = 0x8000_0001;
    let with = |extra: Value| merged(&json!({ "slot": slot, "generation": generation }), &extra);
    let plain = RequestFrame {
        slot,
        generation,
        flags: request_flags::KEEP_ALIVE | request_flags::BODY_COMPLETE,
        server: 5,
        method: 6,
        url: b"/a?b=c",
        remote: b"127.0.0.1",
        local: b"::1",
        remote_port: 50_000,
        local_port: 3_000,
        ..RequestFrame::default()
    };
    let full = RequestFrame {
        flags: request_flags::HTTP_1_0 | request_flags::BODY_COMPLETE | request_flags::HAS_BODY,
        method: 19,
        plan_version: 9,
        plan: &[1 << 24 | 2, 7, 0xffff_ffff],
        body: b"hello",
        ..plain
    };
    let headers: [(&[u8], &[u8]); 2] = [(b"Host", b"x"), (b"X-Latin", b"\xe9")];
    let head_text = "/a?b=c\n127.0.0.1\n::1\nHost\nx\nX-Latin\n\u{e9}";
    let common = json!({ "server": 5, "url": "/a?b=c", "head": head_text, "remotePort": 50_000, "localPort": 3_000 });
    let request = |extra: Value| merged(&with(common.clone()), &extra);
    vec![
        frame(
            "REQUEST",
            "in",
            request(
                json!({ "kind": 1, "flags": 6, "method": 6, "planVersion": 0, "plan": [], "body": "" }),
            ),
            |buf| plain.encode(buf, headers.into_iter()),
        ),
        frame(
            "REQUEST with plan and body",
            "in",
            request(
                json!({ "kind": 1, "flags": 13, "method": 19, "planVersion": 9,
                "plan": [1_u32 << 24 | 2, 7, 0xffff_ffff_u32], "body": "hello" }),
            ),
            |buf| full.encode(buf, headers.into_iter()),
        ),
        frame(
            "UPGRADE",
            "in",
            request(
                json!({ "kind": 7, "flags": 38, "method": 6, "planVersion": 0, "plan": [], "body": "\u{81}x", "fd": 21 }),
            ),
            |buf| {
                let flags = plain.flags | request_flags::UPGRADE_ASKED;
                RequestFrame {
                    flags,
                    body: b"\x81x",
                    ..plain
                }
                .encode_upgrade(buf, 21, headers.into_iter());
            },
        ),
        frame(
            "BODY",
            "in",
            with(json!({ "kind": 2, "bytes": "abcde" })),
            |buf| {
                inbound::body(buf, slot, generation, b"abcde");
            },
        ),
        frame(
            "BODY beside",
            "in",
            with(json!({ "kind": 2, "flags": 1, "length": 65536 })),
            |buf| {
                inbound::body_beside(buf, slot, generation, 65536);
            },
        ),
        frame(
            "BODY_END",
            "in",
            with(json!({ "kind": 3, "trailers": "A\nb\nC\n" })),
            |buf| {
                inbound::body_end(buf, slot, generation, b"A\nb\nC\n");
            },
        ),
        frame(
            "BODY_END without trailers",
            "in",
            with(json!({ "kind": 3, "trailers": "" })),
            |buf| {
                inbound::body_end(buf, slot, generation, b"");
            },
        ),
        frame(
            "ABORT",
            "in",
            with(json!({ "kind": 4, "reason": 4, "code": 7 })),
            |buf| inbound::abort(buf, slot, generation, 4, 7),
        ),
        frame(
            "DRAIN",
            "in",
            with(json!({ "kind": 5, "mark": 65_535 })),
            |buf| inbound::drain(buf, slot, generation, u16::MAX),
        ),
        frame(
            "FINISHED",
            "in",
            with(json!({ "kind": 6, "delivered": 1 })),
            |buf| {
                inbound::finished(buf, slot, generation, true);
            },
        ),
        frame(
            "CLIENT_ERROR",
            "in",
            with(
                json!({ "kind": 8, "flags": 1, "server": 5, "code": 3, "firstGeneration": 7, "remotePort": 50_000, "localPort": 3_000, "addresses": "::1\n::1", "packet": "GET \u{ff}" }),
            ),
            |buf| {
                inbound::ClientErrorFrame {
                    slot,
                    generation,
                    server: 5,
                    code: 3,
                    first_generation: 7,
                    gone: true,
                    remote: (b"::1", 50_000),
                    local: (b"::1", 3_000),
                    packet: b"GET \xff",
                }
                .encode(buf);
            },
        ),
        frame(
            "CONNECTION",
            "in",
            with(
                json!({ "kind": 9, "server": 5, "remotePort": 50_000, "localPort": 3_000, "addresses": "::1\n::1" }),
            ),
            |buf| inbound::connection(buf, slot, generation, 5, (b"::1", 50_000), (b"::1", 3_000)),
        ),
        frame(
            "CONNECTION_CLOSED",
            "in",
            with(json!({ "kind": 10, "server": 5, "error": 15 })),
            |buf| {
                let error = Some(ClientError::ConnectionReset);
                inbound::connection_closed(buf, slot, generation, 5, false, error);
            },
        ),
        frame(
            "PROGRESS",
            "in",
            with(json!({ "kind": 15, "count": 77, "wait": true })),
            |buf| {
                inbound::progress(buf, slot, generation, 77, true);
            },
        ),
        frame(
            "SERVER_BUSY",
            "in",
            json!({ "slot": 0, "generation": 0, "kind": 14, "server": 5 }),
            |buf| {
                inbound::server_busy(buf, 5);
            },
        ),
        frame(
            "SERVER_CLOSED",
            "in",
            json!({ "slot": 0, "generation": 0, "kind": 11, "server": 5 }),
            |buf| {
                inbound::server_closed(buf, 5);
            },
        ),
        frame(
            "SOCKET_TIMEOUT",
            "in",
            with(json!({ "kind": 12, "server": 5 })),
            |buf| {
                inbound::socket_timeout(buf, slot, generation, 5);
            },
        ),
        frame(
            "FILE_RESULT",
            "in",
            with(json!({ "kind": 13, "result": 2, "error": "{}" })),
            |buf| {
                inbound::file_result(buf, slot, generation, 2, b"{}");
            },
        ),
    ]
}

/// The same from JavaScript.
pub(super) fn outbound_frames() -> Vec<Value> {
    let (slot, generation) = (slot_word(3, 0x01_02_03), 0x8000_0001);
    let with = |extra: Value| merged(&json!({ "slot": slot, "generation": generation }), &extra);
    let flags = response_flags::ETAG_WEAK | response_flags::LENGTH;
    let head = ResponseHead {
        flags,
        status: 201,
        lines: b"A: \xe9\r\n",
        reason: b"Made",
    };
    let lines = "A: \u{e9}\r\n";
    let common = json!({ "flags": flags, "status": 201, "lines": lines });
    let response = |extra: Value| with(merged(&common, &extra));
    vec![
        frame(
            "RESPOND",
            "out",
            response(json!({ "kind": 1, "reason": "Made", "body": "hello" })),
            |buf| {
                outbound::respond(buf, slot, generation, &head, b"hello");
            },
        ),
        frame(
            "RESPOND large",
            "out",
            response(json!({ "kind": 1, "reason": "Made", "bodyLength": 5 })),
            |buf| {
                outbound::respond_large(buf, slot, generation, &head, 5);
            },
        ),
        frame(
            "HEAD",
            "out",
            response(json!({ "kind": 2, "reason": "Made" })),
            |buf| {
                outbound::head(buf, slot, generation, &head);
            },
        ),
        frame(
            "CHUNK",
            "out",
            with(json!({ "kind": 3, "flags": 1, "data": "abc" })),
            |buf| {
                outbound::chunk(buf, slot, generation, true, b"abc");
            },
        ),
        frame(
            "CHUNK large",
            "out",
            with(json!({ "kind": 3, "flags": 0, "dataLength": 100_000 })),
            |buf| {
                outbound::chunk_large(buf, slot, generation, false, 100_000);
            },
        ),
        frame(
            "END",
            "out",
            with(json!({ "kind": 4, "flags": 16, "trailers": "T: 1\r\n" })),
            |buf| {
                outbound::end(buf, slot, generation, true, b"T: 1\r\n");
            },
        ),
        frame(
            "DESTROY",
            "out",
            with(json!({ "kind": 5, "reset": 1, "takeBack": 0 })),
            |buf| {
                outbound::destroy(buf, slot, generation, true);
            },
        ),
        frame(
            "DESTROY taking bytes back",
            "out",
            with(json!({ "kind": 5, "reset": 0, "takeBack": 10 })),
            |buf| {
                outbound::destroy_taking_back(buf, slot, generation, 10);
            },
        ),
        frame(
            "DESTROY taking the response back",
            "out",
            with(json!({ "kind": 5, "reset": 0, "takeBack": special::ALL_OF_RESPONSE })),
            |buf| {
                outbound::destroy_taking_back(buf, slot, generation, special::ALL_OF_RESPONSE);
            },
        ),
        frame(
            "BODY_WANT",
            "out",
            with(json!({ "kind": 6, "credit": 65_536 })),
            |buf| {
                outbound::body_want(buf, slot, generation, 65_536);
            },
        ),
        frame(
            "INFO",
            "out",
            with(json!({ "kind": 7, "bytes": "HTTP/1.1 100 Continue\r\n\r\n" })),
            |buf| {
                outbound::info(buf, slot, generation, b"HTTP/1.1 100 Continue\r\n\r\n");
            },
        ),
        frame(
            "DEADLINE",
            "out",
            with(json!({ "kind": 8, "ms": 1_500 })),
            |buf| {
                outbound::deadline(buf, slot, generation, 1_500);
            },
        ),
        frame(
            "ERROR_PAGE",
            "out",
            response(json!({ "kind": 9, "message": "Cannot GET /\u{e9}" })),
            |buf| {
                outbound::error_page(buf, slot, generation, &head, "Cannot GET /\u{e9}");
            },
        ),
        frame(
            "RAW",
            "out",
            with(json!({ "kind": 10, "bytes": "x" })),
            |buf| {
                outbound::raw(buf, slot, generation, b"x");
            },
        ),
        frame(
            "SOCKET_END",
            "out",
            with(json!({ "kind": 11, "flags": 1 })),
            |buf| outbound::socket_end(buf, slot, generation, true),
        ),
        frame(
            "WATCH_CLOSE",
            "out",
            with(json!({ "kind": 12, "server": 1 })),
            |buf| {
                outbound::watch_close(buf, slot, generation, 1);
            },
        ),
        frame(
            "FILE",
            "out",
            with(
                json!({ "kind": 13, "flags": 1, "options": 7, "status": 200, "lines": lines,
                "path": "/a", "originalUrl": "/m/a?b", "headers": "range\nbytes=0-1\n" }),
            ),
            |buf| {
                let file = FileFrame {
                    flags: file_flags::HEAD,
                    options: 7,
                    status: 200,
                    lines: b"A: \xe9\r\n",
                    path: b"/a",
                    original_url: b"/m/a?b",
                    headers: b"range\nbytes=0-1\n",
                };
                outbound::file(buf, slot, generation, &file);
            },
        ),
        frame("BODY_DUMP", "out", with(json!({ "kind": 14 })), |buf| {
            outbound::body_dump(buf, slot, generation)
        }),
        frame(
            "HOLD",
            "out",
            with(json!({ "kind": 15, "hold": true })),
            |buf| outbound::hold(buf, slot, generation, true),
        ),
        frame("PROGRESS_ASK", "out", with(json!({ "kind": 16 })), |buf| {
            outbound::progress_ask(buf, slot, generation);
        }),
    ]
}
