//! The framing corpus against a real socket: statuses, number of responses and what the handler sees must be node:http's
//! (cases/framing.json, filled in by cases/oracle.mjs), or what a case says we do on purpose.

mod common;

use common::Fake;
use common::client::Client;
use rnode_bridge::frame::outbound;
use rnode_bridge::frame::{InFrame, request_flags};
use serde_json::Value;
use std::collections::HashMap;
use std::io::ErrorKind;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SENTINEL: &[u8] = b"GET /sentinel HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

type Seen = Arc<Mutex<Vec<Value>>>;

fn latin1(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).expect("latin1"))
        .collect()
}

fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| *byte as char).collect()
}

fn raw(case: &Value) -> Vec<u8> {
    let part = |part: &Value| match part {
        Value::String(text) => latin1(text),
        part => latin1(part["repeat"].as_str().expect("text"))
            .repeat(part["times"].as_u64().expect("number") as usize),
    };
    let mut bytes = match &case["raw"] {
        Value::Array(parts) => parts.iter().flat_map(part).collect(),
        single => part(single),
    };
    if case["end"] != "fin" && case["nosentinel"].is_null() {
        bytes.extend_from_slice(SENTINEL);
    }
    bytes
}

/// Answers when the whole body is there, as the oracle does.
fn fake(seen: &Seen) -> Fake {
    let seen = seen.clone();
    let mut open: HashMap<u32, (String, String, Vec<u8>)> = HashMap::new();
    Fake::start(move |frame, out| {
        let answer = |out: &mut common::Out,
                      slot,
                      generation,
                      (method, url, body): (String, String, Vec<u8>)| {
            if url != "/sentinel" {
                seen.lock().expect("not poisoned").push(serde_json::json!([
                    method,
                    url,
                    text(&body)
                ]));
            }
            out.text(slot, generation, 200, b"ok");
        };
        match frame {
            InFrame::Request {
                slot,
                generation,
                flags,
                method,
                url,
                body,
                ..
            } => {
                let request = (
                    rnode_router::METHODS[method as usize].to_owned(),
                    text(url),
                    body.to_vec(),
                );
                if flags & request_flags::BODY_COMPLETE != 0 {
                    answer(out, slot, generation, request);
                } else {
                    open.insert(slot, request);
                    outbound::body_want(out.to(slot), slot, generation, 1 << 20);
                }
            }
            InFrame::Body { slot, bytes, .. } => open
                .get_mut(&slot)
                .expect("begun")
                .2
                .extend_from_slice(bytes),
            InFrame::BodyEnd {
                slot, generation, ..
            } => {
                let request = open.remove(&slot).expect("begun");
                answer(out, slot, generation, request);
            }
            InFrame::Abort {
                slot, generation, ..
            } if open.remove(&slot).is_some() => {
                outbound::destroy(out.to(slot), slot, generation, false);
            }
            _ => {}
        }
    })
}

/// Sends in pieces of `step` bytes and reads to the end; half-closes where the case says so or nothing else ends it.
fn exchange(port: u16, bytes: &[u8], step: usize, fin: bool, head: bool) -> Vec<u64> {
    let mut client = Client::connect(port);
    for piece in bytes.chunks(step) {
        use std::io::Write;
        // The server may have answered and closed by now.
        if client.stream.write_all(piece).is_err() {
            break;
        }
    }
    if fin {
        let _ = client.stream.shutdown(std::net::Shutdown::Write);
    } else {
        client
            .stream
            .set_read_timeout(Some(Duration::from_millis(400)))
            .expect("valid");
        let mut piece = [0; 4096];
        loop {
            match client.stream.read(&mut piece) {
                Ok(0) => break,
                Ok(length) => client.buffer.extend_from_slice(&piece[..length]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    let _ = client.stream.shutdown(std::net::Shutdown::Write);
                    break;
                }
                Err(_) => break,
            }
        }
        client
            .stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .expect("valid");
    }
    let mut statuses = Vec::new();
    let mut method = if head { "HEAD" } else { "GET" };
    while let Some(response) = client.response_to(method) {
        if response.status >= 200 {
            statuses.push(u64::from(response.status));
            method = "GET";
        }
    }
    statuses
}

fn run(step: usize) {
    let suite: Value = serde_json::from_str(include_str!("cases/framing.json")).expect("JSON");
    let cases = suite["cases"].as_array().expect("cases");
    assert!(cases.len() >= 300);
    let failures = Mutex::new(Vec::new());
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let seen = Seen::default();
                let fake = fake(&seen);
                while let Some(case) =
                    cases.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                {
                    seen.lock().expect("not poisoned").clear();
                    let step = if case["raw"].is_array() {
                        step.max(1000)
                    } else {
                        step
                    };
                    let statuses = exchange(
                        fake.port(),
                        &raw(case),
                        step,
                        case["end"] == "fin",
                        !case["head"].is_null(),
                    );
                    fake.wait_for_no_slots();
                    let got = Value::from(statuses);
                    let wanted = if case["ours"].is_null() {
                        &case["node"]
                    } else {
                        &case["ours"]
                    };
                    let requests = Value::from(seen.lock().expect("not poisoned").clone());
                    let same = case["ours"].is_null() && requests != case["requests"];
                    if got != *wanted || same {
                        failures.lock().expect("not poisoned").push(format!(
                            "{}: got {got}, wanted {wanted}; saw {:.300}, wanted {:.300}",
                            case["name"],
                            requests.to_string(),
                            case["requests"].to_string()
                        ));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("not poisoned");
    assert!(
        failures.is_empty(),
        "{} cases differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn as_node_in_one_piece() {
    run(usize::MAX);
}

#[test]
fn as_node_byte_by_byte() {
    run(1);
}
