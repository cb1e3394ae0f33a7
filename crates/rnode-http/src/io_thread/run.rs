//! The loop of an I/O thread: it drains frames and commands, and calls what is to be done from time to time. What a command
//! or a sweep does to a connection is in `h1`.

use super::{Command, Ctx};
use crate::contain::contain;
use crate::direct::{TICK, ThreadState};
use crate::h1::conn::{Conn, ConnCell};
use crate::h1::io::Io;
use crate::io_pool::Remote;
use crate::loan::Lend;
use crate::log;
use crate::server::Server;
use crate::server::accept::Acceptor;
use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// How often timeouts are looked at.
const SWEEP: Duration = Duration::from_millis(250);

impl Ctx {
    /// The connections there are now: what is done with one may add others, or end it.
    fn cells(&self) -> Vec<Rc<ConnCell>> {
        let slots = self.slots.borrow();
        slots.iter().map(|(_, cell)| cell.clone()).collect()
    }

    fn for_each_of(&self, server: &Arc<Server>, f: impl Fn(&mut Conn)) {
        for cell in self.cells() {
            self.guarded(&cell, |conn| {
                if Arc::ptr_eq(conn.server(), server) {
                    f(conn);
                }
            });
        }
    }

    /// Connections that leave this thread from now on have survived that call.
    fn note_close(&self, server: &Arc<Server>, number: u64) {
        let servers = self.servers.borrow();
        let of_it = servers
            .iter()
            .find(|local| Arc::ptr_eq(&local.server, server));
        if let Some(local) = of_it {
            local.closes.set(number.max(local.closes.get()));
        }
    }

    fn sweep(&self) {
        self.slabs.borrow_mut().sweep();
        let now = self.now();
        self.look_after_direct();
        self.retire_direct();
        for cell in self.cells() {
            self.guarded(&cell, |conn| conn.check_timeouts(now, self));
        }
    }

    /// Returns false when the thread is to end.
    fn run_command(self: &Rc<Self>, command: Command) -> bool {
        match command {
            Command::Listen { server, listener } => match Acceptor::new(server, listener) {
                Ok(acceptor) => {
                    self.acceptors.borrow_mut().push(acceptor.clone());
                    tokio::task::spawn_local(acceptor.run(self.clone()));
                }
                Err(error) => log::line(&format!("cannot watch a listening socket: {error}")),
            },
            Command::StopAccept { server, stopped } => {
                self.acceptors.borrow_mut().retain(|acceptor| {
                    let is_it = Arc::ptr_eq(&acceptor.server, &server);
                    if is_it {
                        acceptor.stop();
                    }
                    !is_it
                });
                let _ = stopped.send(());
            }
            Command::DuplicateSocket { server, reply } => {
                let acceptors = self.acceptors.borrow();
                let mut of_it = acceptors
                    .iter()
                    .filter(|acceptor| Arc::ptr_eq(&acceptor.server, &server));
                if let Some(acceptor) = of_it.next() {
                    let _ = reply.send(acceptor.duplicate());
                }
            }
            Command::Serve {
                server,
                accepted,
                moved,
            } => match Io::from_accepted(accepted) {
                Ok(io) => self.serve(&server, io, moved),
                Err(_) => server.connection_gone(),
            },
            Command::CloseIdle { server, number } => {
                self.note_close(&server, number);
                self.for_each_of(&server, |conn| conn.close_if_idle(self))
            }
            Command::CloseAll { server, number } => {
                self.note_close(&server, number);
                self.for_each_of(&server, |conn| conn.close_now())
            }
            Command::Give { to, count } => self.balance.give(to, count),
            Command::ServeDirect(ready) => self.serve_direct(&ready),
            Command::Stop => return false,
        }
        true
    }
}

/// Runs the thread until its pool is dropped.
pub(crate) fn run(
    id: u8,
    threads: &Arc<[Arc<Remote>]>,
    lend: Option<Lend>,
    runtime: &tokio::runtime::Runtime,
) {
    let remote = &threads[usize::from(id)];
    let ctx = Ctx::new(id, threads.clone());
    if let Some(lend) = lend {
        remote.loan.begin(lend(ThreadState::new(ctx.clone())));
    }
    let local = tokio::task::LocalSet::new();
    let mut sweep: Option<Pin<Box<Sleep>>> = None;
    let mut tick: Option<Pin<Box<Sleep>>> = None;
    local.block_on(
        runtime,
        poll_fn(|cx| {
            match &mut *ctx.main.borrow_mut() {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            // Answers take longer to write than requests to read.
            ctx.pay_wakes();
            loop {
                while ctx.remote.mailbox.poll_posted(cx).is_ready() {
                    ctx.drain_mailbox();
                }
                match ctx.remote.poll_command(cx) {
                    Poll::Ready(command) => {
                        let stays = contain("a command was lost", || ctx.run_command(command));
                        if stays == Some(false) {
                            return Poll::Ready(());
                        }
                    }
                    Poll::Pending => {
                        let has_slots = !ctx.slots.borrow().is_empty();
                        every(SWEEP, &mut sweep, has_slots, cx, || ctx.sweep());
                        every(TICK, &mut tick, ctx.ticks(), cx, || ctx.look_after_direct());
                        return Poll::Pending;
                    }
                }
            }
        }),
    );
    remote.loan.end();
    // Connections hold the context, and the context's table holds them: cut the circle.
    for cell in ctx.cells() {
        ctx.guarded(&cell, |conn| conn.close_now());
    }
    drop(local);
    ctx.acceptors.borrow_mut().clear();
}

/// Calls `f` every `period` while `runs`; a thread that has nothing to look after does not tick.
fn every(
    period: Duration,
    timer: &mut Option<Pin<Box<Sleep>>>,
    runs: bool,
    cx: &mut Context<'_>,
    f: impl Fn(),
) {
    if !runs {
        *timer = None;
        return;
    }
    let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(period)));
    while timer.as_mut().poll(cx).is_ready() {
        f();
        timer.as_mut().reset(tokio::time::Instant::now() + period);
    }
}
