//! The HTTP engine without JavaScript: a thread that answers every request frame with the same JSON, for measuring what the
//! I/O threads cost. `hello_frames <I/O threads>`; prints the port, then every two seconds the CPU time of each thread.

use rnode_bridge::frame::outbound::{self, ResponseHead};
use rnode_bridge::frame::{InFrame, InFrames, response_flags, slot_io};
use rnode_bridge::{Executor, JsQueue};
use rnode_http::{IoPool, Server, ServerConfig, bind_tcp};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

struct Wake(Sender<()>);

impl Executor for Wake {
    fn wake(&self) {
        // Fails only when the answering thread has gone, and the process with it.
        let _ = self.0.send(());
    }
}

fn main() -> std::io::Result<()> {
    let threads = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(2);
    let pool = IoPool::start(threads)?;
    let (wake, woken) = channel();
    let queue = JsQueue::new(Box::new(Wake(wake)));
    let port = std::env::args()
        .nth(2)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let listener = bind_tcp(Some("127.0.0.1"), port, 0, false, false, false)?;
    let config = Arc::new(ServerConfig::default());
    let server = Server::listen(&pool, listener, queue.clone(), 1, config)?;
    println!("{:?}", server.local_addr());
    std::thread::Builder::new()
        .name("cpu".into())
        .spawn(report_cpu)?;

    let head = ResponseHead {
        flags: response_flags::LENGTH | response_flags::ETAG_WEAK | response_flags::FRESH,
        status: 200,
        lines: b"X-Powered-By: Express\r\nContent-Type: application/json; charset=utf-8\r\n",
        reason: b"",
    };
    let mut inbox = vec![0; 1 << 20];
    let mut out: Vec<Vec<u8>> = vec![Vec::new(); threads];
    while woken.recv().is_ok() {
        loop {
            let taken = queue.take(&mut inbox, 256);
            for frame in InFrames::new(&inbox[..taken.bytes]).flatten() {
                let (slot, generation) = match frame {
                    InFrame::Request {
                        slot, generation, ..
                    } => (slot, generation),
                    InFrame::Abort {
                        slot, generation, ..
                    } => {
                        outbound::destroy(
                            &mut out[usize::from(slot_io(slot))],
                            slot,
                            generation,
                            false,
                        );
                        continue;
                    }
                    _ => continue,
                };
                let buffer = &mut out[usize::from(slot_io(slot))];
                outbound::respond(buffer, slot, generation, &head, br#"{"hello":"world"}"#);
            }
            for (io, buffer) in out.iter_mut().enumerate() {
                pool.post(io, buffer);
                buffer.clear();
            }
            if !taken.more {
                break;
            }
        }
    }
    Ok(())
}

/// CPU time by thread name, from /proc (Linux; elsewhere nothing is printed).
fn report_cpu() {
    let mut before = std::collections::BTreeMap::new();
    loop {
        std::thread::sleep(Duration::from_secs(2));
        let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
            return;
        };
        for task in tasks.flatten() {
            let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else {
                continue;
            };
            let Some((name, rest)) = stat.split_once(')') else {
                continue;
            };
            let fields: Vec<u64> = rest
                .split_whitespace()
                .map(|field| field.parse().unwrap_or(0))
                .collect();
            let name = name.split_once('(').map_or("", |(_, name)| name).to_owned();
            let now = (fields[11], fields[12]);
            let key = (name, task.file_name());
            let last = before.insert(key.clone(), now).unwrap_or_default();
            if now != last {
                println!(
                    "{}: user {} ms, system {} ms",
                    key.0,
                    (now.0 - last.0) * 10,
                    (now.1 - last.1) * 10
                );
            }
        }
    }
}
