//! A handler that answers nothing and tells the test what arrived.

use super::Out;
use rnode_bridge::frame::InFrame;
use std::sync::mpsc;
use std::time::Duration;

/// A frame that arrived, copied.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    Request(u32, u32),
    Abort(u32, u32, u32),
    Finished(bool),
    Other(String),
}

pub fn recorder() -> (
    impl FnMut(InFrame<'_>, &mut Out) + Send + 'static,
    mpsc::Receiver<Event>,
) {
    let (sender, receiver) = mpsc::channel();
    let record = move |frame: InFrame<'_>, _: &mut Out| {
        let event = match frame {
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

pub fn request(events: &mpsc::Receiver<Event>) -> (u32, u32) {
    match events.recv_timeout(Duration::from_secs(20)) {
        Ok(Event::Request(slot, generation)) => (slot, generation),
        other => panic!("expected a request, got {other:?}"),
    }
}

pub fn next(events: &mpsc::Receiver<Event>) -> Event {
    events
        .recv_timeout(Duration::from_secs(20))
        .expect("an event")
}
