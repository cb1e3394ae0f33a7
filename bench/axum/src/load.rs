//! Paced load: sends requests at a fixed rate and records how long each answer took, counted from the moment
//! the request was due, so that a stalled server cannot hide by slowing the generator down.
//! (wrk sends the next request when an answer arrives; it cannot hold half of the maximum load.)
//! It must not decide anything about servers: it measures one address and prints one line of JSON.
//!
//! Usage: `rnode-bench-load <port> <path> <requests per second> <connections> <seconds> [warm-up seconds]`.
//! One thread that polls without sleeping, to be exact to some microseconds; it needs a core of its own.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

fn main() -> ExitCode {
    match run(&std::env::args().skip(1).collect::<Vec<_>>()) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("rnode-bench-load: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> Result<String, String> {
    let number = |index: usize, what: &str| -> Result<f64, String> {
        args.get(index)
            .and_then(|text| text.parse::<f64>().ok())
            .filter(|value| value.is_finite() && *value >= 0.0)
            .ok_or(format!("{what} is missing or not a number"))
    };
    let port = number(0, "port")? as u16;
    let path = args.get(1).ok_or("path is missing")?;
    let rate = number(2, "rate")?.max(1.0);
    let connections = (number(3, "connections")? as usize).max(1);
    let seconds = number(4, "seconds")?;
    let warm_up = if args.len() > 5 {
        number(5, "warm-up")?
    } else {
        1.0
    };

    let mut load = Load::connect(port, path, connections)?;
    let (_, missed_warm_up) = load.pace(rate, Duration::from_secs_f64(warm_up))?;
    load.latencies.clear();
    let (elapsed, missed) = load.pace(rate, Duration::from_secs_f64(seconds))?;
    Ok(load.summary(rate, elapsed, missed + missed_warm_up))
}

/// One keep-alive connection; at most one request under way.
struct Connection {
    stream: TcpStream,
    due: Option<Instant>,
    received: Vec<u8>,
}

struct Load {
    poll: Poll,
    connections: Vec<Connection>,
    idle: Vec<usize>,
    request: Vec<u8>,
    latencies: Vec<u32>,
    bad_status: u64,
}

impl Load {
    fn connect(port: u16, path: &str, count: usize) -> Result<Load, String> {
        let poll = Poll::new().map_err(|error| format!("poll: {error}"))?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut connections = Vec::with_capacity(count);
        for index in 0..count {
            // Connecting in blocking mode keeps the measured part free of half-open sockets.
            let stream = std::net::TcpStream::connect(address)
                .and_then(|stream| {
                    stream.set_nodelay(true)?;
                    stream.set_nonblocking(true)?;
                    Ok(stream)
                })
                .map_err(|error| format!("connect: {error}"))?;
            let mut stream = TcpStream::from_std(stream);
            poll.registry()
                .register(&mut stream, Token(index), Interest::READABLE)
                .map_err(|error| format!("register: {error}"))?;
            connections.push(Connection {
                stream,
                due: None,
                received: Vec::with_capacity(4096),
            });
        }
        Ok(Load {
            poll,
            connections,
            idle: (0..count).rev().collect(),
            request: format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n").into_bytes(),
            latencies: Vec::new(),
            bad_status: 0,
        })
    }

    /// Sends at `rate` for `duration`, then waits for what is under way (2 s at most).
    /// Returns the time the sending took and how many due requests were never answered.
    fn pace(&mut self, rate: f64, duration: Duration) -> Result<(Duration, u64), String> {
        let total = (rate * duration.as_secs_f64()) as u64;
        let start = Instant::now();
        let end = start + duration;
        let mut waiting: VecDeque<Instant> = VecDeque::new();
        let mut events = Events::with_capacity(1024);
        let mut scheduled = 0_u64;
        let mut answered = 0_u64;
        loop {
            let now = Instant::now();
            while scheduled < total {
                let due = start + Duration::from_secs_f64(scheduled as f64 / rate);
                if due > now {
                    break;
                }
                waiting.push_back(due);
                scheduled += 1;
            }
            while let Some(&due) = waiting.front() {
                let Some(index) = self.idle.pop() else { break };
                waiting.pop_front();
                self.send(index, due)?;
            }
            if (scheduled == total && answered == total) || now > end + Duration::from_secs(2) {
                return Ok((now - start, total - answered));
            }
            self.poll
                .poll(&mut events, Some(Duration::ZERO))
                .or_else(|error| match error.kind() {
                    ErrorKind::Interrupted => Ok(()),
                    _ => Err(format!("poll: {error}")),
                })?;
            for event in &events {
                answered += self.receive(event.token().0)?;
            }
        }
    }

    fn send(&mut self, index: usize, due: Instant) -> Result<(), String> {
        let connection = &mut self.connections[index];
        let written = connection
            .stream
            .write(&self.request)
            .map_err(|error| format!("write: {error}"))?;
        if written != self.request.len() {
            return Err("the socket took a part of a small request only".to_owned());
        }
        connection.due = Some(due);
        Ok(())
    }

    /// Reads what has arrived; returns 1 when that completed an answer.
    fn receive(&mut self, index: usize) -> Result<u64, String> {
        let connection = &mut self.connections[index];
        let mut buffer = [0_u8; 64 * 1024];
        // The poll is edge-triggered: read until the socket has no more.
        loop {
            match connection.stream.read(&mut buffer) {
                Ok(0) => return Err("the server closed a keep-alive connection".to_owned()),
                Ok(read) => connection.received.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("read: {error}")),
            }
        }
        let Some((status, length)) = answer_length(&connection.received)? else {
            return Ok(0);
        };
        if connection.received.len() < length {
            return Ok(0);
        }
        if connection.received.len() > length {
            return Err("more bytes than one answer has".to_owned());
        }
        connection.received.clear();
        let Some(due) = connection.due.take() else {
            return Err("an answer that nobody asked for".to_owned());
        };
        let micros = due.elapsed().as_micros();
        self.latencies
            .push(u32::try_from(micros).unwrap_or(u32::MAX));
        self.bad_status += u64::from(!(200..400).contains(&status));
        self.idle.push(index);
        Ok(1)
    }

    fn summary(&mut self, rate: f64, elapsed: Duration, missed: u64) -> String {
        self.latencies.sort_unstable();
        let percentile = |share: f64| -> u32 {
            let last = self.latencies.len().saturating_sub(1);
            let index = (last as f64 * share).round() as usize;
            self.latencies.get(index).copied().unwrap_or(0)
        };
        serde_json::json!({
            "rate": rate,
            "requests": self.latencies.len(),
            "seconds": elapsed.as_secs_f64(),
            "missed": missed,
            "badStatus": self.bad_status,
            "p50": percentile(0.50),
            "p95": percentile(0.95),
            "p99": percentile(0.99),
            "p999": percentile(0.999),
            "max": percentile(1.0),
        })
        .to_string()
    }
}

/// Status and full length (head and body) of the answer that starts `bytes`; `None` while the head is incomplete.
/// Only answers with Content-Length are understood: that is all this generator is pointed at.
fn answer_length(bytes: &[u8]) -> Result<Option<(u16, usize)>, String> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let head = match response.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(format!("answer: {error}")),
    };
    let body = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok())
        .and_then(|text| text.trim().parse::<usize>().ok())
        .ok_or("an answer without Content-Length")?;
    Ok(Some((response.code.unwrap_or(0), head + body)))
}
