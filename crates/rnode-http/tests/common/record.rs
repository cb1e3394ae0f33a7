//! A handler that answers nothing and tells the test what arrived.
//! It must not answer anything: what comes of a request is what the test posts.

use super::client::Client;
use super::{Fake, GET, Out};
use rnode_bridge::frame::{InFrame, special};
use rnode_http::ServerConfig;
use std::sync::mpsc;
use std::time::Duration;

/// A frame that arrived, copied.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Slot and generation.
    Request(u32, u32),
    /// The same, and the next frame is of the same bytes.
    JoinedRequest(u32, u32),
    Abort(u32, u32, u32),
    Finished(bool),
    Other(String),
}

fn recorder() -> (
    impl FnMut(InFrame<'_>, &mut Out) + Send + 'static,
    mpsc::Receiver<Event>,
) {
    let (sender, receiver) = mpsc::channel();
    let record = move |frame: InFrame<'_>, _: &mut Out| {
        let event = match frame {
            InFrame::Request {
                slot,
                generation,
                flags,
                ..
            } if flags & special::JOINED != 0 => Event::JoinedRequest(slot, generation),
            InFrame::Request {
                slot, generation, ..
            } => Event::Request(slot, generation),
            InFrame::Abort {
                slot,
                generation,
                reason,
                ..
            } => Event::Abort(slot, generation, reason),
            InFrame::Finished { delivered, .. } => Event::Finished(delivered),
            other => Event::Other(format!("{other:?}")),
        };
        // The test may be over while connections still end.
        let _ = sender.send(event);
    };
    (record, receiver)
}

/// A server whose requests nobody answers, and what arrives there.
pub fn recorded() -> (Fake, mpsc::Receiver<Event>) {
    let (handler, events) = recorder();
    (Fake::start(handler), events)
}

/// The same with one I/O thread, so that all connections share what it has.
pub fn recorded_with(config: ServerConfig) -> (Fake, mpsc::Receiver<Event>) {
    let (handler, events) = recorder();
    (Fake::with(config, 1, handler), events)
}

/// A server, and a client whose GET has arrived there: `(server, client, events, slot, generation)`.
pub fn requested() -> (Fake, Client, mpsc::Receiver<Event>, u32, u32) {
    let (fake, events) = recorded();
    let mut client = Client::connect(fake.port());
    client.send(GET);
    let (slot, generation) = request(&events);
    (fake, client, events, slot, generation)
}

/// Slot and generation of the next frame, which is a REQUEST.
pub fn request(events: &mpsc::Receiver<Event>) -> (u32, u32) {
    match events.recv_timeout(Duration::from_secs(20)) {
        Ok(Event::Request(slot, generation) | Event::JoinedRequest(slot, generation)) => {
            (slot, generation)
        }
        other => panic!("expected a request, got {other:?}"),
    }
}

/// The next frame.
pub fn next(events: &mpsc::Receiver<Event>) -> Event {
    events
        .recv_timeout(Duration::from_secs(20))
        .expect("an event")
}
