//! The queue and the mailbox under real threads: nothing lost, nothing twice, in order, at most one wake in flight.
//! A lost wake shows as a consumer that waits for ever, which the deadline turns into a failure.

use bytes::Bytes;
use rnode_bridge::frame::{InFrame, InFrames, inbound, outbound, special};
use rnode_bridge::queue::Pushed;
use rnode_bridge::{Batch, Commands, Executor, JsQueue, Mailbox, Posted};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Of the executor: three DRAIN frames are more.
const PATIENCE_BYTES: usize = 50;
const PATIENCE: Duration = Duration::from_secs(20);

/// Counts wakes and rings a bell.
#[derive(Default)]
struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
    wakes: AtomicUsize,
    in_flight: AtomicUsize,
}

struct Ring(Arc<Bell>);

impl Executor for Ring {
    fn wake(&self) {
        self.0.wakes.fetch_add(1, SeqCst);
        assert_eq!(
            self.0.in_flight.fetch_add(1, SeqCst),
            0,
            "a wake was in flight already"
        );
        *self.0.rung.lock().expect("not poisoned") = true;
        self.0.changed.notify_one();
    }

    fn patience(&self) -> usize {
        PATIENCE_BYTES
    }
}

impl Bell {
    fn wait(&self) {
        let mut rung = self.rung.lock().expect("not poisoned");
        while !*rung {
            let (guard, result) = self
                .changed
                .wait_timeout(rung, PATIENCE)
                .expect("not poisoned");
            assert!(!result.timed_out(), "a wake was lost");
            rung = guard;
        }
        *rung = false;
        // The wake has arrived; it ends being in flight before `take` can allow the next.
        self.in_flight.store(0, SeqCst);
    }
}

fn queue() -> (Arc<JsQueue>, Arc<Bell>) {
    let bell = Arc::new(Bell::default());
    (JsQueue::new(Box::new(Ring(bell.clone()))), bell)
}

#[test]
fn frames_of_many_threads_arrive_once_and_in_order() {
    const THREADS: u32 = 4;
    const FRAMES: u32 = 50_000;
    let (queue, bell) = queue();
    let producers: Vec<_> = (0..THREADS)
        .map(|thread| {
            let queue = queue.clone();
            std::thread::spawn(move || {
                for n in 0..FRAMES {
                    let filler = vec![thread as u8; (n % 97) as usize];
                    assert!(queue.push_with(|buf| inbound::body(buf, thread, n, &filler)));
                    if n % 1000 == 0 {
                        std::thread::yield_now();
                    }
                }
            })
        })
        .collect();
    let mut next: HashMap<u32, u32> = HashMap::new();
    let mut inbox = vec![0; 4096];
    let mut total = 0;
    while total < THREADS * FRAMES {
        bell.wait();
        loop {
            let taken = queue.take(&mut inbox, 37);
            assert!(taken.frames <= 37 && taken.needs == 0);
            for frame in InFrames::new(&inbox[..taken.bytes]) {
                let InFrame::Body {
                    slot,
                    generation,
                    bytes,
                    ..
                } = frame.expect("whole frames only")
                else {
                    panic!("only BODY was pushed")
                };
                let expected = next.entry(slot).or_default();
                assert_eq!(generation, *expected);
                assert_eq!(bytes.len(), (generation % 97) as usize);
                assert!(bytes.iter().all(|byte| u32::from(*byte) == slot));
                *expected += 1;
                total += 1;
            }
            if !taken.more {
                break;
            }
        }
    }
    for producer in producers {
        producer.join().expect("no panic");
    }
    assert_eq!(queue.queued_bytes(), 0);
    assert!(bell.wakes.load(SeqCst) <= (THREADS * FRAMES) as usize);
}

#[test]
fn one_wake_for_many_frames() {
    let (queue, bell) = queue();
    for n in 0..100 {
        queue.push_with(|buf| inbound::drain(buf, 0, n, 0));
    }
    assert_eq!(bell.wakes.load(SeqCst), 1);
    let mut inbox = [0; 80];
    let taken = queue.take(&mut inbox, 100);
    assert_eq!((taken.bytes, taken.frames, taken.more), (80, 4, true));
    // While the consumer has promised to come back, pushes do not wake.
    queue.push_with(|buf| inbound::drain(buf, 0, 100, 0));
    assert_eq!(bell.wakes.load(SeqCst), 1);
    let mut frames = 4;
    while frames < 101 {
        let taken = queue.take(&mut inbox, 3);
        frames += taken.frames;
        assert_eq!(taken.more, frames < 101);
    }
    bell.wait();
    queue.push_with(|buf| inbound::drain(buf, 0, 101, 0));
    assert_eq!(bell.wakes.load(SeqCst), 2);
}

#[test]
fn quiet_frames_wake_when_they_are_many_or_when_the_wake_is_paid() {
    let (queue, bell) = queue();
    let push = || queue.push_quietly(|buf| inbound::drain(buf, 0, 0, 0));
    let take = || queue.take(&mut [0; 400], 20).frames;
    assert_eq!(push(), Pushed::Owed);
    assert_eq!(push(), Pushed::Owed);
    assert_eq!(bell.wakes.load(SeqCst), 0);
    assert_eq!(push(), Pushed::Told);
    assert_eq!(bell.wakes.load(SeqCst), 1);
    assert_eq!(push(), Pushed::Told);
    bell.wait();
    assert_eq!(take(), 4);

    queue.wake_for_waiting();
    assert_eq!(bell.wakes.load(SeqCst), 1, "nothing waits");
    assert_eq!(push(), Pushed::Owed);
    queue.wake_for_waiting();
    queue.wake_for_waiting();
    assert_eq!(bell.wakes.load(SeqCst), 2);
    bell.wait();
    assert_eq!(take(), 1);

    // Somebody else's wake brings them too, and nothing is left to pay.
    assert_eq!(push(), Pushed::Owed);
    assert!(queue.push_with(|buf| inbound::drain(buf, 0, 0, 0)));
    assert_eq!(bell.wakes.load(SeqCst), 3);
    bell.wait();
    assert_eq!(take(), 2);
    queue.wake_for_waiting();
    assert_eq!(bell.wakes.load(SeqCst), 3);

    // While the consumer has promised to come back, nothing is owed.
    assert_eq!(push(), Pushed::Owed);
    assert_eq!(push(), Pushed::Owed);
    assert!(queue.take(&mut [0; 400], 1).more);
    assert_eq!(push(), Pushed::Told);
    assert_eq!(take(), 2);
    assert_eq!(push(), Pushed::Owed);
    queue.close();
    assert_eq!(push(), Pushed::Refused);
    queue.wake_for_waiting();
    assert_eq!(bell.wakes.load(SeqCst), 3);
}

#[test]
fn no_wake_is_lost_among_quiet_frames() {
    const THREADS: u32 = 4;
    const FRAMES: u32 = 50_000;
    let (queue, bell) = queue();
    let producers: Vec<_> = (0..THREADS)
        .map(|thread| {
            let queue = queue.clone();
            std::thread::spawn(move || {
                let mut owes = false;
                for n in 0..FRAMES {
                    let pushed = queue.push_quietly(|buf| inbound::drain(buf, thread, n, 0));
                    owes |= pushed == Pushed::Owed;
                    if n % (7 + thread) == 0 && std::mem::take(&mut owes) {
                        queue.wake_for_waiting();
                    }
                }
                queue.wake_for_waiting();
            })
        })
        .collect();
    let mut inbox = vec![0; 4096];
    let mut left = (THREADS * FRAMES) as usize;
    while left > 0 {
        bell.wait();
        loop {
            let taken = queue.take(&mut inbox, 64);
            left -= taken.frames;
            if !taken.more {
                break;
            }
        }
    }
    for producer in producers {
        producer.join().expect("no panic");
    }
    assert_eq!(queue.queued_bytes(), 0);
}

#[test]
fn a_batch_is_queued_at_once_and_its_frames_are_joined() {
    let (queue, bell) = queue();
    let mut batch = Batch::default();
    assert_eq!(queue.push_batch(&mut batch), Pushed::Told);
    assert_eq!(bell.wakes.load(SeqCst), 0, "there is nothing to take");
    assert!(!batch.push_with(|_| {}) && batch.is_empty(), "not a frame");
    for slot in 0..3 {
        assert!(batch.push_with(|buf| inbound::drain(buf, slot, 1, 0)));
        assert!(!batch.push_with(|buf| buf.extend_from_slice(&[0; 32])));
    }
    assert_eq!(queue.queued_bytes(), 0);
    assert_eq!(queue.push_batch(&mut batch), Pushed::Told);
    assert!(batch.is_empty());
    queue.push_with(|buf| inbound::drain(buf, 3, 1, 0));
    let mut inbox = [0; 128];
    let taken = queue.take(&mut inbox, 9);
    assert_eq!((taken.frames, bell.wakes.load(SeqCst)), (4, 1));
    let words: Vec<_> = inbox[..taken.bytes]
        .chunks_exact(taken.bytes / 4)
        .map(|frame| u32::from_le_bytes([frame[4], frame[5], frame[6], frame[7]]))
        .collect();
    let plain = words[3];
    let joined = plain | special::JOINED << 8;
    assert_eq!(words, [joined, joined, plain, plain]);
    queue.close();
    batch.push_with(|buf| inbound::drain(buf, 0, 0, 0));
    assert_eq!(queue.push_batch(&mut batch), Pushed::Refused);
    assert!(batch.is_empty());
}

#[test]
fn a_frame_larger_than_the_inbox_says_what_it_needs() {
    let (queue, _bell) = queue();
    queue.push_with(|buf| inbound::drain(buf, 1, 1, 0));
    queue.push_with(|buf| inbound::body(buf, 1, 1, &[7; 1000]));
    let mut small = [0; 64];
    let taken = queue.take(&mut small, 10);
    assert_eq!((taken.frames, taken.more, taken.needs), (1, true, 0));
    let taken = queue.take(&mut small, 10);
    assert_eq!(
        (taken.bytes, taken.frames, taken.more, taken.needs),
        (0, 0, true, 1020)
    );
    let mut large = vec![0; taken.needs];
    let taken = queue.take(&mut large, 10);
    assert_eq!(
        (taken.bytes, taken.frames, taken.more, taken.needs),
        (1020, 1, false, 0)
    );
}

#[test]
fn what_is_not_a_frame_is_not_queued() {
    let (queue, bell) = queue();
    assert!(!queue.push_with(|_| {}));
    assert!(!queue.push_with(|buf| buf.extend_from_slice(&[0; 32])));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        queue.push_with(|buf| {
            inbound::drain(buf, 0, 0, 0);
            panic!("while encoding");
        })
    }));
    assert!(panicked.is_err());
    assert_eq!((queue.queued_bytes(), bell.wakes.load(SeqCst)), (0, 0));
    assert!(queue.push_with(|buf| inbound::drain(buf, 0, 0, 0)));
    assert_eq!(queue.take(&mut [0; 64], 9).frames, 1);
}

/// Panics once, then counts.
#[derive(Default)]
struct Fails {
    once: AtomicBool,
    wakes: AtomicUsize,
}

struct Failing(Arc<Fails>);

impl Executor for Failing {
    fn wake(&self) {
        assert!(self.0.once.swap(true, SeqCst), "the first wake fails");
        self.0.wakes.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_wake_that_panics_is_made_up_for_by_the_next_push() {
    let fails = Arc::new(Fails::default());
    let queue = JsQueue::new(Box::new(Failing(fails.clone())));
    let push = || queue.push_with(|buf| inbound::drain(buf, 0, 0, 0));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(push)).is_err());
    assert!(push(), "the queue goes on");
    assert_eq!(fails.wakes.load(SeqCst), 1);
    assert_eq!(
        queue.take(&mut [0; 64], 9).frames,
        2,
        "the first frame is there, too"
    );
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn memory_is_bounded_by_producers_that_park() {
    let bell = Arc::new(Bell::default());
    let queue = JsQueue::with_high_water(Box::new(Ring(bell)), 64 << 10);
    let flag = Arc::new(Flag::default());
    let waker = Waker::from(flag.clone());
    assert!(!queue.park(&waker), "an empty queue takes more");
    let mut pushed = 0;
    while !queue.is_full() {
        queue.push_with(|buf| inbound::body(buf, 0, 0, &[0; 1000]));
        pushed += 1;
    }
    assert_eq!(pushed, 65_536_u32.div_ceil(1020));
    assert!(queue.park(&waker));
    let mut inbox = vec![0; 20 << 10];
    queue.take(&mut inbox, 1000);
    assert!(
        !flag.0.load(SeqCst),
        "not before it has drained to the half"
    );
    queue.take(&mut inbox, 1000);
    assert!(flag.0.load(SeqCst));
    // Closing lets those go who wait.
    while !queue.is_full() {
        queue.push_with(|buf| inbound::body(buf, 0, 0, &[0; 1000]));
    }
    flag.0.store(false, SeqCst);
    assert!(queue.park(&waker));
    queue.close();
    assert!(flag.0.load(SeqCst));
    assert!(!queue.push_with(|buf| inbound::drain(buf, 0, 0, 0)));
    assert_eq!(
        (queue.queued_bytes(), queue.take(&mut inbox, 9).frames),
        (0, 0)
    );
}

struct Unpark(std::thread::Thread, AtomicUsize);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.1.fetch_add(1, SeqCst);
        self.0.unpark();
    }
}

#[test]
fn the_mailbox_keeps_order_and_loses_no_wake() {
    const POSTS: u32 = 50_000;
    let mailbox = Arc::new(Mailbox::new());
    let (done, finished) = mpsc::channel();
    let reader = {
        let mailbox = mailbox.clone();
        std::thread::spawn(move || {
            let unpark = Arc::new(Unpark(std::thread::current(), AtomicUsize::new(0)));
            let waker = Waker::from(unpark.clone());
            let mut next = [0_u32; 2];
            let mut see = |slot: u32, generation: u32| {
                assert_eq!(next[slot as usize], generation);
                next[slot as usize] += 1;
                next.iter().sum::<u32>()
            };
            let mut seen = 0;
            while seen < 2 * POSTS {
                match mailbox.poll_posted(&Context::from_waker(&waker)) {
                    Poll::Pending => std::thread::park_timeout(PATIENCE),
                    Poll::Ready(()) => {
                        mailbox.drain(|posted| match posted {
                            Posted::Frames(frames) => {
                                for command in Commands::new(frames) {
                                    let command = command.expect("valid");
                                    seen = see(command.slot, command.generation);
                                }
                            }
                            Posted::Batch(frames) => {
                                for command in Commands::batch(frames) {
                                    let command = command.expect("valid");
                                    seen = see(command.slot, command.generation);
                                }
                            }
                            Posted::Large { head, body } => {
                                let command = Commands::large(head, body).expect("valid");
                                seen = see(command.slot, command.generation);
                            }
                        });
                    }
                }
            }
            done.send(unpark.1.load(SeqCst)).expect("the test waits");
        })
    };
    let writers: Vec<_> = (0..2)
        .map(|slot| {
            let mailbox = mailbox.clone();
            std::thread::spawn(move || {
                let mut buf = Vec::new();
                for n in 0..POSTS {
                    buf.clear();
                    if n % 10 == 3 {
                        outbound::chunk_large(&mut buf, slot, n, false, 3);
                        mailbox.post_large(&buf, Bytes::from_static(b"abc"));
                    } else if n % 10 == 4 {
                        outbound::chunk(&mut buf, slot, n, false, b"kept");
                        mailbox.post_batch(Bytes::copy_from_slice(&buf));
                    } else {
                        outbound::body_dump(&mut buf, slot, n);
                        mailbox.post(&buf);
                    }
                }
            })
        })
        .collect();
    let wakes = finished.recv_timeout(PATIENCE).expect("a wake was lost");
    assert!(wakes <= 2 * POSTS as usize);
    for thread in writers.into_iter().chain([reader]) {
        thread.join().expect("no panic");
    }
}

#[test]
fn who_hands_over_too_much_waits_until_half_of_it_is_done() {
    let mailbox = Mailbox::new();
    let (queue, bell) = queue();
    let waker = Waker::from(queue);
    let mut frame = Vec::new();
    outbound::body_dump(&mut frame, 0, 1);
    let bytes = frame.len();
    let limit = 4 * bytes;

    for _ in 0..2 {
        mailbox.post_batch(Bytes::copy_from_slice(&frame));
    }
    mailbox.post_large(&frame, Bytes::from(vec![0; bytes]));
    // What is copied is small, and does not count.
    mailbox.post(&frame);
    assert!(!mailbox.is_behind(limit, &waker));
    mailbox.post_batch(Bytes::copy_from_slice(&frame));
    assert!(mailbox.is_behind(limit, &waker));
    assert!(mailbox.is_behind(limit, &waker), "still, and asked twice");

    mailbox.caught_up(bytes);
    assert_eq!(bell.wakes.load(SeqCst), 0, "three quarters are left");
    mailbox.caught_up(bytes);
    assert_eq!(bell.wakes.load(SeqCst), 1, "once, at half");
    mailbox.caught_up(2 * bytes);
    assert_eq!(bell.wakes.load(SeqCst), 1, "nobody waits any more");
    assert!(!mailbox.is_behind(limit, &waker));
}

#[test]
fn bodies_beside_frames_keep_their_order() {
    let (queue, bell) = queue();
    let push = |n: u8, length: usize| {
        let body = bytes::BytesMut::from(&vec![n; length][..]);
        assert!(queue.push_body(7, u32::from(n), body));
    };
    let mut inbox = vec![0; 4096];
    push(1, 100);
    push(2, 50);
    assert!(queue.push_with(|buf| inbound::body(buf, 7, 3, b"in")));
    let queued = queue.queued_bytes();
    bell.wait();
    let taken = queue.take(&mut inbox, 2);
    assert_eq!((taken.frames, taken.more), (2, true));
    assert_eq!(queue.queued_bytes(), queued - taken.bytes);
    // One more comes while the first two still lie there.
    push(4, 3);
    assert_eq!(queue.take_body().as_deref(), Some(&[1; 100][..]));
    assert_eq!(queue.take_body().as_deref(), Some(&[2; 50][..]));
    assert_eq!(queue.take(&mut inbox, 8).frames, 2);
    assert_eq!(queue.take_body().as_deref(), Some(&[4; 3][..]));
    assert!(queue.take_body().is_none());
    assert_eq!(queue.queued_bytes(), 0);

    push(5, 100);
    queue.close();
    assert!(queue.take_body().is_none());
    assert!(!queue.push_body(7, 6, bytes::BytesMut::from(&b"late"[..])));
}
