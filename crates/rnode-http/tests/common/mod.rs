//! A stand-in for the JavaScript side: one thread that takes frames and answers with frames, and raw-socket clients.
//! It decides nothing about HTTP; each test gives the handler.

#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test binary uses a part of it"
)]
#![allow(
    clippy::needless_pass_by_value,
    reason = "handlers take frames by value"
)]

pub mod client;
pub mod record;

use rnode_bridge::frame::outbound::{self, ResponseHead};
use rnode_bridge::frame::{InFrame, InFrames, response_flags, slot_io};
use rnode_bridge::{Executor, JsQueue};
use rnode_http::{IoPool, Server, ServerConfig};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The plainest request.
pub const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

#[derive(Default)]
struct Bell {
    /// The bell was rung; it was rung for the last time.
    rung: Mutex<(bool, bool)>,
    /// Everything was taken: the next push wakes.
    waits: AtomicBool,
    changed: Condvar,
    hostile: AtomicBool,
}

struct BellExecutor(Arc<Bell>);

impl Executor for BellExecutor {
    fn wake(&self) {
        // Looked at before it rings: whoever hears the bell may ask for the next one to panic.
        let hostile = self.0.hostile.swap(false, Ordering::SeqCst);
        self.0.rung.lock().expect("not poisoned").0 = true;
        self.0.changed.notify_one();
        assert!(!hostile, "a hostile executor");
    }

    fn patience(&self) -> usize {
        // A panic is to happen where the frame is pushed, not when the wake is paid.
        if self.0.hostile.load(Ordering::SeqCst) {
            0
        } else {
            16 << 10
        }
    }
}

/// Outbound frames of one turn, by I/O thread.
pub struct Out {
    pool: Arc<IoPool>,
    buffers: Vec<Vec<u8>>,
}

impl Out {
    fn new(pool: Arc<IoPool>) -> Self {
        let buffers = vec![Vec::new(); pool.threads()];
        Self { pool, buffers }
    }

    /// The outbox of the thread that owns `slot`.
    pub fn to(&mut self, slot: u32) -> &mut Vec<u8> {
        &mut self.buffers[usize::from(slot_io(slot))]
    }

    /// Posts what has collected.
    pub fn flush(&mut self) {
        for (io, buffer) in self.buffers.iter_mut().enumerate() {
            self.pool.post(io, buffer);
            buffer.clear();
        }
    }

    /// Posts a large frame in order with the others.
    pub fn large(&mut self, slot: u32, head: &[u8], body: bytes::Bytes) {
        self.flush();
        self.pool.post_large(usize::from(slot_io(slot)), head, body);
    }

    /// Responds with `text`, as `res.send` would.
    pub fn text(&mut self, slot: u32, generation: u32, status: u32, text: &[u8]) {
        let head = head(
            status,
            response_flags::LENGTH,
            b"Content-Type: text/plain\r\n",
        );
        outbound::respond(self.to(slot), slot, generation, &head, text);
    }
}

/// A response head without block and reason.
pub fn head(status: u32, flags: u32, lines: &[u8]) -> ResponseHead<'_> {
    ResponseHead {
        flags,
        status,
        lines,
        reason: b"",
    }
}

/// `length` bytes that tell where they stood.
pub fn body(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n * 7 + n / 251) as u8).collect()
}

/// A handler that answers every request with its target.
pub fn echo(frame: InFrame<'_>, out: &mut Out) {
    if let InFrame::Request {
        slot,
        generation,
        url,
        ..
    } = frame
    {
        out.text(slot, generation, 200, url);
    }
}

/// A pool, a server on 127.0.0.1 and the thread that plays JavaScript.
pub struct Fake {
    pub pool: Arc<IoPool>,
    pub server: Arc<Server>,
    pub config: Arc<ServerConfig>,
    pub queue: Arc<JsQueue>,
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    /// Starts with default limits and two I/O threads.
    pub fn start(handler: impl FnMut(InFrame<'_>, &mut Out) + Send + 'static) -> Self {
        Self::with(ServerConfig::default(), 2, handler)
    }

    pub fn with(
        config: ServerConfig,
        threads: usize,
        mut handler: impl FnMut(InFrame<'_>, &mut Out) + Send + 'static,
    ) -> Self {
        let pool = IoPool::start(threads).expect("threads");
        let bell = Arc::new(Bell::default());
        let queue = JsQueue::new(Box::new(BellExecutor(bell.clone())));
        let config = Arc::new(config);
        let listener =
            rnode_http::bind_tcp(Some("127.0.0.1"), 0, 0, false, false, false).expect("port");
        let server =
            Server::listen(&pool, listener, queue.clone(), 7, config.clone()).expect("listen");
        let thread = {
            let (bell, queue, mut out) = (bell.clone(), queue.clone(), Out::new(pool.clone()));
            std::thread::spawn(move || {
                let mut inbox = vec![0u8; 256 << 10];
                loop {
                    {
                        let mut rung = bell.rung.lock().expect("not poisoned");
                        while !rung.0 && !rung.1 {
                            bell.waits.store(true, Ordering::SeqCst);
                            rung = bell.changed.wait(rung).expect("not poisoned");
                        }
                        bell.waits.store(false, Ordering::SeqCst);
                        if rung.1 {
                            return;
                        }
                        rung.0 = false;
                    }
                    loop {
                        let taken = queue.take(&mut inbox, 64);
                        for frame in InFrames::new(&inbox[..taken.bytes]) {
                            let mut frame = frame.expect("well-formed");
                            let body;
                            if let InFrame::Body { bytes, beside, .. } = &mut frame
                                && *beside > 0
                            {
                                body = queue.take_body().expect("as the frame said");
                                assert_eq!(body.len(), *beside);
                                *bytes = &body;
                            }
                            handler(frame, &mut out);
                        }
                        out.flush();
                        if taken.needs > inbox.len() {
                            inbox.resize(taken.needs, 0);
                        }
                        if !taken.more {
                            break;
                        }
                    }
                }
            })
        };
        Self {
            pool,
            server,
            config,
            queue,
            bell,
            thread: Some(thread),
        }
    }

    pub fn port(&self) -> u16 {
        match self.server.local_addr() {
            rnode_http::LocalAddress::Tcp(address) => address.port(),
            _ => unreachable!("bound over TCP"),
        }
    }

    /// The next push wakes, and that wake rings and then panics, in the thread that pushes.
    pub fn panic_at_next_wake(&self) {
        wait_until("everything is taken", || {
            !self.bell.rung.lock().expect("not poisoned").0
                && self.bell.waits.load(Ordering::SeqCst)
        });
        self.bell.hostile.store(true, Ordering::SeqCst);
    }

    /// Whether the wake that was asked to panic has come.
    pub fn has_panicked(&self) -> bool {
        !self.bell.hostile.load(Ordering::SeqCst)
    }

    /// An outbox for frames that no inbound frame caused.
    pub fn out(&self) -> Out {
        Out::new(self.pool.clone())
    }

    /// Waits until no connection holds a slot.
    pub fn wait_for_no_slots(&self) {
        wait_until("all slots are free", || self.pool.slots_in_use() == 0);
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.server.close();
        self.server.close_all();
        self.bell.rung.lock().expect("not poisoned").1 = true;
        self.bell.changed.notify_one();
        let result = self.thread.take().expect("joined once").join();
        if !std::thread::panicking() {
            result.expect("the handler thread panicked");
        }
    }
}

/// Waits for a condition; fails after 20 seconds, which no machine needs.
pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Calls `f` for every header of a request's head string.
pub fn headers(head: &[u8]) -> Vec<(String, String)> {
    let parts: Vec<String> = head
        .split(|byte| *byte == b'\n')
        .map(|part| part.iter().map(|b| *b as char).collect())
        .collect();
    parts[3..]
        .chunks(2)
        .map(|pair| (pair[0].clone(), pair[1].clone()))
        .collect()
}
