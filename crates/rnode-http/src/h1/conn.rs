//! The task of one connection and its state: when it reads and when it writes. What bytes mean is in `input`, what frames
//! mean in `respond`.
//!
//! All methods are synchronous and run on the owning thread, either polled by the runtime or called while the thread
//! drains its mailbox: a response is written right there, without waking the task. No borrow outlives a call.

use super::file::FileBody;
use super::io::{Addresses, Io};
use super::parse::{Limits, Progress};
use super::pipeline::{Behind, Failure};
use super::state::{Body, Phase, Request, Response};
use super::timeouts::Deadline;
use super::write::{Flush, OutQueue};
use crate::contain::contain;
use crate::files::Body as FileBytes;
use crate::io_thread::{Ctx, LocalServer};
use crate::server::Server;
use crate::server::config::flags;
use crate::wakes::LocalQueue;
use bytes::BytesMut;
use rnode_bridge::codes::ClientError;
use rnode_bridge::frame::{self, inbound};
use std::cell::{RefCell, RefMut};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker};

/// Unparsed bytes a connection may hold before it stops reading.
pub(super) const READ_AHEAD: usize = 64 << 10;

/// A connection in its thread's slot table.
pub(crate) type ConnCell = RefCell<Conn>;

/// One connection.
pub(crate) struct Conn {
    pub(super) io: Option<Io>,
    pub(super) local: Rc<LocalServer>,
    pub(super) addresses: Rc<Addresses>,
    pub(super) index: u32,
    pub(super) slot: u32,
    /// Generation of the last request.
    pub(super) generation: u32,
    /// Generation of the request whose turn it is to be answered: the last one, unless there are some `behind`.
    pub(super) turn: u32,
    /// Requests handed over whose answers wait for their turn, in order.
    pub(super) behind: Behind,
    /// What a request behind others has done wrong.
    pub(super) failed: Option<Box<Failure>>,
    /// JavaScript holds as much of later answers as it wants to: no further request.
    pub(super) held: bool,
    /// No request follows the last one, by what it said.
    pub(super) last: bool,
    /// Generation at its start: what is older belongs to an earlier connection of the slot.
    pub(super) first_generation: u32,
    /// CONNECTION_CLOSED is wanted.
    pub(super) watched: bool,
    pub(super) phase: Phase,
    /// Bytes read and not yet taken.
    pub(super) input: BytesMut,
    pub(super) progress: Progress,
    pub(super) request: Request,
    pub(super) requests: u32,
    /// It goes on as a connection of another thread, which counts for the server.
    pub(super) moved: bool,
    /// JavaScript has been given a request of this connection.
    pub(super) introduced: bool,
    /// The current invocation is answered without JavaScript, which must hear nothing of it.
    pub(super) unseen: bool,

    pub(super) body: Body,
    /// Body bytes JavaScript is ready to take.
    pub(super) credit: u64,
    /// JavaScript has asked for body bytes: what is left goes to it even after the response.
    pub(super) body_asked: bool,
    /// What is left of the body is dropped.
    pub(super) body_dump: bool,
    pub(super) dropped: usize,

    pub(super) response: Response,
    pub(super) out: OutQueue,
    /// The file that is being sent.
    pub(super) file: Option<Box<FileBody>>,
    /// Status and lines of the file's head, where JavaScript wants to know them.
    pub(super) file_report: Option<Vec<u8>>,
    /// The file that was told by HELD, until RESPOND sends it.
    pub(super) file_held: Option<Box<FileBytes>>,
    /// Ends of responses whose delivery is to be reported, and their generations.
    pub(super) notify: VecDeque<(u64, u32)>,
    /// DRAIN is wanted for this mark, once everything has left.
    pub(super) drain_wanted: Option<u16>,
    /// What HEAD decided about the end of a streamed response.
    pub(super) close_at_end: bool,
    /// Position of its head in the output.
    pub(super) head_at: u64,
    pub(super) notify_streamed: bool,
    /// Close once everything queued has left.
    pub(super) close_after: bool,
    /// Bytes of the client were or will be dropped: close in two steps.
    pub(super) linger: bool,

    /// The client has sent FIN.
    pub(super) input_ended: bool,
    /// What the connection ends with, where that is an error.
    pub(super) error: Option<ClientError>,
    /// It is neither read nor written until JavaScript does something, and counted as such.
    resting: bool,
    /// A listener to `'clientError'` decides what becomes of the connection: what still comes is dropped.
    pub(super) refused: bool,
    /// ABORT was sent for the current invocation.
    pub(super) aborted: bool,
    /// Input can be taken again: something it waited for has happened.
    pub(super) recheck: bool,
    /// Input waits for queued output to leave: the socket is to be given away.
    pub(super) wait_flush: bool,
    /// The head that is being read has begun.
    pub(super) head_begun: bool,
    /// Input waits for the queue to JavaScript to drain.
    pub(super) stalled: bool,
    /// The task waits for the socket to be readable; of a direct connection the JavaScript thread does.
    pub(super) read_armed: bool,
    /// Names the time in which this connection is direct; 0 = it is not.
    pub(crate) direct: u32,
    /// Requests before which it does not become direct again.
    pub(super) direct_from: u32,
    pub(super) waker: Option<Waker>,
    /// A frame of the current batch has changed this connection.
    pub(crate) touched: bool,

    /// Times in the thread's milliseconds, 0 = not running.
    pub(super) head_start: u64,
    pub(super) idle_since: u64,
    pub(super) activity: u64,
    pub(super) linger_until: u64,
    pub(super) deadline: Deadline,

    /// How often the kernel has taken bytes, wrapping.
    pub(super) taken: u32,
}

/// The future that drives a connection; dropping it frees the slot, whatever the reason.
pub(crate) struct ConnTask {
    cell: Rc<ConnCell>,
    ctx: Rc<Ctx>,
}

impl Future for ConnTask {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let poll = || self.cell.borrow_mut().poll(cx, &self.ctx);
        contain("a connection was closed", poll).unwrap_or(Poll::Ready(()))
    }
}

impl ConnTask {
    pub(super) fn conn(&self) -> RefMut<'_, Conn> {
        self.cell.borrow_mut()
    }
}

impl Drop for ConnTask {
    /// Each step is done whatever becomes of the one before: a slot that stayed taken would keep its server from closing.
    fn drop(&mut self) {
        let killed = contain("a connection was killed", || {
            let mut conn = self.cell.borrow_mut();
            conn.leave_direct();
            conn.kill();
        });
        if killed.is_none() {
            // Dead it is; FINISHED may be owed.
            contain("a response was left untold", || {
                self.cell.borrow_mut().report_unwritten();
            });
        }
        let mut conn = self.cell.borrow_mut();
        conn.waker = None;
        if std::mem::take(&mut conn.resting) {
            conn.local.server.rests(false);
        }
        self.ctx.slots.borrow_mut().remove(conn.index);
        self.ctx.slot_count_changed();
        let server = conn.local.server.clone();
        // After a panic requests may still be there.
        conn.queue().push_gathered();
        if conn.watched {
            let (slot, generation) = (conn.slot, conn.generation);
            let (ended, error) = (conn.input_ended, conn.error);
            contain("the end of a connection was told late", || {
                server.queue.push_with(|buf| {
                    inbound::connection_closed(buf, slot, generation, server.id, ended, error);
                })
            });
        }
        let moved = conn.moved;
        if !moved {
            server.brevity.note(conn.requests);
        }
        drop(conn);
        if moved {
            return;
        }
        contain("the end of a server was told late", || {
            server.connection_gone();
        });
    }
}

impl Conn {
    /// Puts a connection into the slot table; one that `was_served` by another thread is not announced. `None` (and the socket closed) if the table is full.
    pub(crate) fn start(
        ctx: &Rc<Ctx>,
        local: Rc<LocalServer>,
        io: Io,
        was_served: bool,
    ) -> Option<ConnTask> {
        let addresses = Rc::new(io.addresses());
        let now = ctx.recent();
        let cell = Rc::new(RefCell::new(Self {
            io: Some(io),
            local,
            addresses,
            index: 0,
            slot: 0,
            generation: 0,
            turn: 0,
            behind: Behind::default(),
            failed: None,
            held: false,
            last: false,
            first_generation: 0,
            watched: false,
            phase: Phase::Head,
            input: BytesMut::new(),
            progress: Progress::default(),
            request: Request::default(),
            requests: 0,
            moved: false,
            introduced: false,
            unseen: false,
            body: Body::Complete,
            credit: 0,
            body_asked: false,
            body_dump: false,
            dropped: 0,
            response: Response::Queued,
            out: OutQueue::default(),
            file: None,
            file_report: None,
            file_held: None,
            notify: VecDeque::new(),
            drain_wanted: None,
            close_at_end: false,
            head_at: 0,
            notify_streamed: false,
            close_after: false,
            linger: false,
            input_ended: false,
            error: None,
            resting: false,
            refused: false,
            aborted: false,
            recheck: false,
            wait_flush: false,
            head_begun: false,
            stalled: false,
            read_armed: false,
            direct: 0,
            direct_from: 0,
            waker: None,
            touched: false,
            head_start: now,
            idle_since: 0,
            activity: now,
            taken: 0,
            linger_until: 0,
            deadline: Deadline::default(),
        }));
        let (index, generation) = ctx.slots.borrow_mut().insert(cell.clone()).ok()?;
        ctx.slot_count_changed();
        // Made first: should anything below panic, it gives slot and connection back.
        let task = ConnTask {
            cell: cell.clone(),
            ctx: ctx.clone(),
        };
        {
            let mut conn = cell.borrow_mut();
            conn.index = index;
            conn.slot = frame::slot_word(ctx.id, index);
            conn.generation = generation;
            conn.turn = generation;
            conn.first_generation = generation;
            let is_announced = conn.local.server.config.has(flags::CONNECTION_LISTENER);
            conn.watched = is_announced && !was_served;
            let server = &conn.local.server;
            if conn.watched {
                let to = &conn.addresses;
                conn.queue().push_with(|buf| {
                    let remote = (to.remote.as_bytes(), to.remote_port);
                    let local = (to.local.as_bytes(), to.local_port);
                    inbound::connection(buf, conn.slot, generation, server.id, remote, local);
                });
            }
        }
        Some(task)
    }

    pub(crate) fn server(&self) -> &Arc<Server> {
        &self.local.server
    }

    /// Wants CONNECTION_CLOSED. False if `generation` is not one of this connection's.
    pub(crate) fn watch_close(&mut self, generation: u32, current: u32) -> bool {
        let is_own = self.is_own(generation, current);
        self.watched |= is_own;
        is_own
    }

    /// Wants DRAIN, if `generation` is one of this connection's.
    pub(super) fn want_drain(&mut self, generation: u32, mark: u16) {
        if self.is_own(generation, self.generation) {
            self.drain_wanted = Some(mark);
        }
    }

    /// Tells how often the kernel has taken bytes, and whether some wait for it, if `generation` is one of this connection's.
    pub(crate) fn tell_progress(&self, generation: u32, current: u32) {
        if self.is_own(generation, current) {
            let (slot, count) = (self.slot, self.taken);
            let wait = self.file.is_some() || !self.out.is_empty();
            self.queue()
                .push_with(|buf| inbound::progress(buf, slot, generation, count, wait));
        }
    }

    /// Whether `generation` is one of this connection's, up to the current one.
    pub(crate) fn is_own(&self, generation: u32, current: u32) -> bool {
        current.wrapping_sub(generation) <= current.wrapping_sub(self.first_generation)
    }

    /// Generation of the request whose turn it is.
    pub(crate) fn turn(&self) -> u32 {
        self.turn
    }

    pub(super) fn queue(&self) -> &LocalQueue {
        &self.local.queue
    }

    pub(super) fn limits(&self) -> Limits {
        let config = &self.local.server.config;
        Limits {
            size: config.max_header_size.load(Relaxed) as usize,
            count: config.max_headers_count.load(Relaxed) as usize,
            refuse_excess: config.has(flags::REFUSE_EXCESS_HEADERS),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, ctx: &Ctx) -> Poll<()> {
        match &mut self.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        self.take_back();
        loop {
            self.poll_deadline(cx, ctx);
            if self.flush(ctx) == Flush::Blocked
                && let Some(io) = &self.io
                && io.poll_write_ready(cx).is_ready()
            {
                continue;
            }
            if self.stalled {
                // Only the queue's waker polls a stalled connection usefully; looking again is harmless.
                self.stalled = false;
                self.recheck = true;
            }
            if std::mem::take(&mut self.recheck) {
                self.process_input(ctx);
                if self.phase != Phase::Dead && !self.out.is_empty() {
                    continue;
                }
            }
            if self.phase == Phase::Dead {
                return Poll::Ready(());
            }
            if self.moves(ctx) {
                return Poll::Ready(());
            }
            self.read_armed = false;
            self.note_rest();
            if !self.wants_read() || self.poll_read(cx, ctx).is_pending() {
                if self.queue().push_gathered() {
                    return Poll::Pending;
                }
                self.kill();
            }
        }
    }

    /// Node's handle of a connection that is not read does not keep the process alive.
    pub(super) fn note_rest(&mut self) {
        let rests = matches!(self.phase, Phase::Active | Phase::Draining)
            && !self.wants_read()
            && !self.input_ended
            && !self.stalled
            && self.io.is_some()
            && self.out.is_empty()
            && self.file.is_none();
        if rests != self.resting {
            self.resting = rests;
            self.local.server.rests(rests);
        }
    }

    pub(super) fn wants_read(&self) -> bool {
        let room = match self.phase {
            Phase::Head | Phase::Lingering => true,
            Phase::Active | Phase::Draining => {
                self.input.len() < READ_AHEAD && !self.waits_for_credit()
            }
            Phase::Dead => false,
        };
        room && self.io.is_some()
            && !self.input_ended
            && !self.stalled
            && !self.wait_flush
            && self.failed.is_none()
    }

    pub(crate) fn wake(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }

    /// Registers with the queue to JavaScript if it is full. Returns whether input has to wait.
    pub(super) fn wait_for_queue(&mut self) -> bool {
        if !self.queue().is_full() {
            return false;
        }
        self.stalled = self
            .waker
            .as_ref()
            .is_some_and(|waker| self.queue().park(waker));
        self.stalled
    }
}
