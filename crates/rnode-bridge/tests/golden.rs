//! The golden bytes that hold both sides to one frame layout: `golden/frames.json`, also read by the JavaScript tests.
//! `UPDATE_GOLDEN=1 cargo test -p rnode-bridge --test golden` writes the file; without it, it must match.

use bytes::Bytes;
use rnode_bridge::codes::CLIENT_ERROR_CODES;
use rnode_bridge::frame::outbound::{self, FileFrame, Kind, ResponseHead};
use rnode_bridge::frame::{
    ALL_OF_RESPONSE, InFrame, InFrames, RequestFrame, inbound, request_flags, response_flags,
    slot_word,
};
use rnode_bridge::{Commands, FrameError};
use serde_json::{Value, json};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/frames.json");

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn frame(name: &str, direction: &str, fields: Value, write: impl FnOnce(&mut Vec<u8>)) -> Value {
    let mut buf = Vec::new();
    write(&mut buf);
    let mut frame = json!({ "name": name, "direction": direction, "hex": hex(&buf) });
    frame["fields"] = fields;
    frame
}

fn inbound_frames() -> Vec<Value> {
    let slot = slot_word(3, 0x01_02_03);
    let generation = 0x8000_0001;
    let s = json!({ "slot": slot, "generation": generation });
    let with = |extra: Value| {
        let mut fields = s.clone();
        fields
            .as_object_mut()
            .expect("object")
            .extend(extra.as_object().expect("object").clone());
        fields
    };
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
    let ports = json!({ "remotePort": 50_000, "localPort": 3_000 });
    let request = |extra: Value| {
        let mut fields = with(json!({ "server": 5, "url": "/a?b=c", "head": head_text }));
        fields
            .as_object_mut()
            .expect("object")
            .extend(ports.as_object().expect("object").clone());
        fields
            .as_object_mut()
            .expect("object")
            .extend(extra.as_object().expect("object").clone());
        fields
    };
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
                let flags = plain.flags | request_flags::UPGRADE;
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
            with(json!({ "kind": 8, "server": 5, "code": 3, "fd": -1, "packet": "GET \u{ff}" })),
            |buf| inbound::client_error(buf, slot, generation, 5, 3, -1, b"GET \xff"),
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
            with(json!({ "kind": 10, "server": 5 })),
            |buf| {
                inbound::connection_closed(buf, slot, generation, 5, false);
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

fn outbound_frames() -> Vec<Value> {
    let (slot, generation) = (slot_word(3, 0x01_02_03), 0x8000_0001);
    let with = |extra: Value| {
        let mut fields = json!({ "slot": slot, "generation": generation });
        fields
            .as_object_mut()
            .expect("object")
            .extend(extra.as_object().expect("object").clone());
        fields
    };
    let flags = response_flags::ETAG_WEAK | response_flags::LENGTH;
    let head = ResponseHead {
        flags,
        status: 201,
        block: 4,
        lines: b"A: \xe9\r\n",
        reason: b"Made",
    };
    let lines = "A: \u{e9}\r\n";
    let common = json!({ "flags": flags, "status": 201, "block": 4, "lines": lines });
    let response = |extra: Value| {
        let mut fields = with(common.clone());
        fields
            .as_object_mut()
            .expect("object")
            .extend(extra.as_object().expect("object").clone());
        fields
    };
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
            with(json!({ "kind": 5, "reset": 0, "takeBack": ALL_OF_RESPONSE })),
            |buf| {
                outbound::destroy_taking_back(buf, slot, generation, ALL_OF_RESPONSE);
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
        frame("SOCKET_END", "out", with(json!({ "kind": 11 })), |buf| {
            outbound::socket_end(buf, slot, generation)
        }),
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
                    flags: rnode_bridge::frame::file_flags::HEAD,
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
    ]
}

#[test]
fn the_golden_bytes_have_not_changed() {
    let mut frames = inbound_frames();
    frames.extend(outbound_frames());
    let lines: Vec<String> = frames.iter().map(|frame| format!("  {frame}")).collect();
    let codes = format!(
        "  {}",
        json!({ "name": "client error codes", "direction": "codes", "fields": &CLIENT_ERROR_CODES[..], "hex": "" })
    );
    let text = format!("[\n{},\n{codes}\n]\n", lines.join(",\n"));
    // ASCII only, so that both languages read the same characters as latin1.
    let ascii: String = text
        .chars()
        .map(|c| {
            if c.is_ascii() {
                c.to_string()
            } else {
                format!("\\u{:04x}", u32::from(c))
            }
        })
        .collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(PATH, &ascii).expect("writable");
    }
    let golden = std::fs::read_to_string(PATH).expect("there");
    assert_eq!(
        golden, ascii,
        "the frame layout changed: change docs/internals/frames.md and the JavaScript side, too"
    );
}

fn golden_bytes(direction: &str) -> Vec<(String, Vec<u8>)> {
    let golden: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(PATH).expect("there")).expect("JSON");
    golden
        .iter()
        .filter(|frame| frame["direction"] == direction)
        .map(|frame| {
            let hex = frame["hex"].as_str().expect("text");
            let bytes = (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"));
            (
                frame["name"].as_str().expect("text").to_owned(),
                bytes.collect(),
            )
        })
        .collect()
}

#[test]
fn inbound_bytes_decode_to_their_fields() {
    for (name, bytes) in golden_bytes("in") {
        let frames: Vec<_> = InFrames::new(&bytes)
            .collect::<Result<_, _>>()
            .expect("well-formed");
        assert_eq!(frames.len(), 1, "{name}");
        if let InFrame::Request {
            url,
            body,
            plan,
            remote_port,
            local_port,
            ..
        } = &frames[0]
        {
            assert_eq!(
                (*url, *remote_port, *local_port),
                (&b"/a?b=c"[..], 50_000, 3_000),
                "{name}"
            );
            if name.ends_with("body") {
                assert_eq!(
                    (*body, plan.as_slice()),
                    (&b"hello"[..], &[1 << 24 | 2, 7, u32::MAX][..])
                );
            }
        }
    }
}

#[test]
fn a_cut_or_garbled_frame_is_an_error_and_never_a_panic() {
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for (name, bytes) in golden_bytes("out") {
        let large = name.ends_with("large");
        let body = Bytes::from_static(b"hello");
        if large {
            let result = Commands::large(&bytes, &body);
            assert_eq!(
                result.is_ok(),
                name == "RESPOND large",
                "{name}: the stated length must be the body's"
            );
        } else {
            assert!(
                Commands::new(&bytes).all(|command| command.is_ok()),
                "{name}"
            );
            assert!(
                name == "RESPOND" || Commands::large(&bytes, &body).is_err(),
                "{name} has no large body"
            );
        }
        for cut in 1..bytes.len() {
            let mut commands = Commands::new(&bytes[..cut]);
            assert!(
                matches!(commands.next(), Some(Err(FrameError::Truncated))),
                "{name} cut at {cut}"
            );
            assert!(commands.next().is_none());
        }
        for _ in 0..20_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let mut garbled = bytes.clone();
            let at = random as usize % garbled.len();
            garbled[at] = (random >> 32) as u8;
            let at = (random >> 16) as usize % garbled.len();
            garbled[at] = (random >> 40) as u8;
            for command in Commands::new(&garbled) {
                let Ok(command) = command else { break };
                if let Kind::Respond { head, body } = command.kind {
                    assert!(head.lines.len() + body.as_slice().len() <= garbled.len());
                }
            }
            let _ = Commands::large(&garbled, &body);
            let _ = InFrames::new(&garbled).count();
        }
    }
}

#[test]
fn commands_decode_to_what_was_encoded() {
    let mut buf = Vec::new();
    let head = ResponseHead {
        flags: 130,
        status: 404,
        block: 0,
        lines: b"A: b\r\n",
        reason: b"",
    };
    outbound::respond(&mut buf, 1, 2, &head, b"body");
    outbound::destroy(&mut buf, 3, 4, false);
    outbound::destroy_taking_back(&mut buf, 3, 4, ALL_OF_RESPONSE);
    let mut commands = Commands::new(&buf);
    let first = commands.next().expect("two").expect("valid");
    assert_eq!((first.slot, first.generation), (1, 2));
    let Kind::Respond { head, body } = first.kind else {
        panic!("a RESPOND")
    };
    assert_eq!(
        (head.status, head.flags, head.lines, body.as_slice()),
        (404, 130, &b"A: b\r\n"[..], &b"body"[..])
    );
    assert!(matches!(
        commands.next().expect("two").expect("valid").kind,
        Kind::Destroy {
            reset: false,
            take_back: 0
        }
    ));
    assert!(matches!(
        commands.next().expect("three").expect("valid").kind,
        Kind::Destroy {
            reset: false,
            take_back: ALL_OF_RESPONSE
        }
    ));
    assert!(commands.next().is_none());
}
