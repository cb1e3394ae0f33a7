//! What an I/O thread does with its mailbox: finds the connection that each frame is for, and writes what a batch left, once
//! per connection. What a frame does to its connection is in `h1`.

use super::Ctx;
use crate::contain::contain;
use crate::h1::conn::ConnCell;
use crate::log;
use rnode_bridge::frame::outbound::Kind;
use rnode_bridge::{Command, Commands, Posted, Slots, frame};
use std::rc::Rc;

impl Ctx {
    pub(crate) fn drain_mailbox(&self) {
        let mut handed = 0;
        self.remote.mailbox.drain(|posted| match posted {
            Posted::Frames(frames) => self.frames(Commands::new(frames)),
            Posted::Batch(frames) => {
                handed += frames.len();
                self.frames(Commands::batch(frames));
            }
            Posted::Large { head, body } => {
                handed += body.len();
                match Commands::large(head, body) {
                    Ok(command) => self.frame(&command),
                    Err(error) => log::line(&format!("dropped a large frame: {error}")),
                }
            }
        });
        let mut touched = std::mem::take(&mut *self.touched.borrow_mut());
        for cell in &touched {
            self.guarded(cell, |conn| conn.after_batch(self));
        }
        // With large bodies this thread has work of its own, for which it would take the connections back.
        if handed == 0 {
            self.consider_direct(&touched);
        }
        touched.clear();
        *self.touched.borrow_mut() = touched;
        if handed != 0 {
            self.note_strain();
            self.remote.mailbox.caught_up(handed);
        }
    }

    fn frames(&self, commands: Commands<'_>) {
        for command in commands {
            match command {
                Ok(command) => self.frame(&command),
                Err(error) => log::line(&format!("dropped frames of a batch: {error}")),
            }
        }
    }

    fn frame(&self, command: &Command<'_>) {
        if let Kind::WatchClose { server } = command.kind {
            contain("an answer to WATCH_CLOSE was lost", || {
                self.watch_close(command.slot, command.generation, server);
            });
            return;
        }
        if let Kind::ProgressAsk = command.kind {
            self.tell_progress(command.slot, command.generation);
            return;
        }
        let cell = {
            let slots = self.slots.borrow();
            let index = frame::slot_index(command.slot);
            let found = match command.kind {
                // What it asks about may belong to an earlier request of the connection.
                Kind::Raw { drain, body } if drain.is_some() && body.as_slice().is_empty() => {
                    slots.current(index).map(|(_, cell)| cell)
                }
                _ => slots
                    .get(index, command.generation)
                    .or_else(|| earlier(&slots, index, command.generation))
                    .or_else(|| match command.kind {
                        Kind::SocketEnd { .. } => own(&slots, index, command.generation),
                        _ => None,
                    }),
            };
            match found {
                Some(cell) if frame::slot_io(command.slot) == self.id => cell.clone(),
                // Completed before, by whoever came first: what comes late is dropped, but for the end of the connection.
                _ => {
                    drop(slots);
                    if let Kind::Destroy { reset, .. } = command.kind {
                        self.late_destroy(command.slot, command.generation, reset);
                    }
                    return;
                }
            }
        };
        let first = self.guarded(&cell, |conn| {
            conn.command(&command.kind, command.generation, self);
            !std::mem::replace(&mut conn.touched, true)
        });
        if first == Some(true) {
            self.touched.borrow_mut().push(cell);
        }
    }

    /// DESTROY by a request that is over already.
    fn late_destroy(&self, slot: u32, generation: u32, reset: bool) {
        let cell = match self.slots.borrow().current(frame::slot_index(slot)) {
            Some((current, cell)) if frame::slot_io(slot) == self.id => {
                if !cell.borrow().is_own(generation, current) {
                    return;
                }
                cell.clone()
            }
            _ => return,
        };
        self.guarded(&cell, |conn| conn.destroy(reset, self));
    }

    fn tell_progress(&self, slot: u32, generation: u32) {
        let slots = self.slots.borrow();
        if frame::slot_io(slot) == self.id
            && let Some((current, cell)) = slots.current(frame::slot_index(slot))
            && let Ok(conn) = cell.try_borrow()
        {
            conn.tell_progress(generation, current);
        }
    }

    /// The answer for a connection that has gone already is immediate; it must not be lost, since JavaScript holds the
    /// connection's socket until then.
    fn watch_close(&self, slot: u32, generation: u32, server: u32) {
        let slots = self.slots.borrow();
        if let Some((current, cell)) = slots.current(frame::slot_index(slot))
            && let Ok(mut conn) = cell.try_borrow_mut()
            && conn.watch_close(generation, current)
        {
            return;
        }
        let servers = self.servers.borrow();
        if let Some(local) = servers.iter().find(|local| local.server.id == server) {
            local.queue.push_with(|buf| {
                frame::inbound::connection_closed(buf, slot, generation, server, false, None);
            });
        }
    }
}

/// The connection of a request, over or not.
fn own(slots: &Slots<Rc<ConnCell>>, index: u32, generation: u32) -> Option<&Rc<ConnCell>> {
    let (current, cell) = slots.current(index)?;
    cell.borrow().is_own(generation, current).then_some(cell)
}

/// The connection of a request that others were read behind, if it is not over.
fn earlier(slots: &Slots<Rc<ConnCell>>, index: u32, generation: u32) -> Option<&Rc<ConnCell>> {
    let (_, cell) = slots.current(index)?;
    cell.borrow().has_exchange(generation).then_some(cell)
}
