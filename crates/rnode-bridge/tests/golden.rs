//! The golden bytes that hold both sides to one frame layout: `golden/frames.json`, also read by the JavaScript tests.
//! `UPDATE_GOLDEN=1 cargo test -p rnode-bridge --test golden` writes the file; without it, it must match.

#[path = "golden/frames.rs"]
mod frames;

use bytes::Bytes;
use frames::{inbound_frames, outbound_frames};
use rnode_bridge::codes::CLIENT_ERROR_CODES;
use rnode_bridge::frame::outbound::{self, Kind, ResponseHead};
use rnode_bridge::frame::{GROUPS, InFrame, InFrames, special};
use rnode_bridge::{Commands, FrameError};
use serde_json::{Value, json};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/frames.json");

#[test]
fn the_golden_bytes_have_not_changed() {
    let mut frames = inbound_frames();
    frames.extend(outbound_frames());
    let lines: Vec<String> = frames.iter().map(|frame| format!("    {frame}")).collect();
    let numbers: Vec<String> = GROUPS
        .iter()
        .map(|(group, numbers)| {
            let numbers: serde_json::Map<_, _> = numbers
                .iter()
                .map(|(name, number)| ((*name).to_owned(), json!(number)))
                .collect();
            format!("    {}: {}", json!(group), Value::Object(numbers))
        })
        .collect();
    let text = format!(
        "{{\n  \"frames\": [\n{}\n  ],\n  \"clientErrors\": {},\n  \"numbers\": {{\n{}\n  }}\n}}\n",
        lines.join(",\n"),
        json!(&CLIENT_ERROR_CODES[..]),
        numbers.join(",\n")
    );
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
        // The other tests may be reading it.
        let new = format!("{PATH}.new");
        std::fs::write(&new, &ascii).expect("writable");
        std::fs::rename(new, PATH).expect("renamed");
    }
    let golden = std::fs::read_to_string(PATH).expect("there");
    assert_eq!(
        golden, ascii,
        "the frame layout changed: change docs/internals/frames.md and the JavaScript side, too"
    );
}

fn golden_bytes(direction: &str) -> Vec<(String, Vec<u8>)> {
    let golden: Value =
        serde_json::from_str(&std::fs::read_to_string(PATH).expect("there")).expect("JSON");
    let frames = golden["frames"].as_array().expect("a list");
    frames
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
        lines: b"A: b\r\n",
        reason: b"",
    };
    outbound::respond(&mut buf, 1, 2, &head, b"body");
    outbound::destroy(&mut buf, 3, 4, false);
    outbound::destroy_taking_back(&mut buf, 3, 4, special::ALL_OF_RESPONSE);
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
            take_back: special::ALL_OF_RESPONSE
        }
    ));
    assert!(commands.next().is_none());
}
