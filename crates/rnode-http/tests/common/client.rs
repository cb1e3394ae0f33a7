//! A client that writes the bytes it is given and reads responses without correcting anything.
//! It must not correct what a server does wrong: tests look at the bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// Longest wait for bytes that must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// One response as it stood on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    /// Status line and header lines, without the empty line.
    pub head: String,
    /// Decoded body.
    pub body: Vec<u8>,
    /// Trailer lines of a chunked body.
    pub trailers: String,
}

impl Response {
    /// The value of the first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The head without its Date, which must be there.
    pub fn head_without_date(&self) -> String {
        let is_date = |line: &&str| line.starts_with("Date: ") && line.ends_with(" GMT");
        assert!(
            self.head.lines().any(|line| is_date(&line)),
            "{}",
            self.head
        );
        let lines = self.head.lines().filter(|line| !is_date(line));
        lines.collect::<Vec<_>>().join("\n")
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection.
pub struct Client {
    pub stream: TcpStream,
    pub buffer: Vec<u8>,
}

impl Client {
    pub fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("valid");
        stream.set_nodelay(true).expect("valid");
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.stream
            .write_all(bytes.as_ref())
            .expect("the server reads");
        self
    }

    pub fn fin(&mut self) -> &mut Self {
        self.stream.shutdown(Shutdown::Write).expect("open");
        self
    }

    /// Closes with RST instead of FIN.
    pub fn reset(self) {
        socket2::SockRef::from(&self.stream)
            .set_linger(Some(Duration::ZERO))
            .expect("a socket");
    }

    /// Reads once more; false at the end of the stream (or its reset).
    fn fill(&mut self) -> bool {
        let mut piece = [0; 16 << 10];
        match self.stream.read(&mut piece) {
            Ok(0) => false,
            Ok(length) => {
                self.buffer.extend_from_slice(&piece[..length]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!(
                "no answer: {error}; read so far: {:?}",
                String::from_utf8_lossy(&self.buffer)
            ),
        }
    }

    /// Everything up to the end of the stream.
    pub fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.buffer)
    }

    /// The next response; `None` if the stream ended before one began.
    pub fn response(&mut self) -> Option<Response> {
        self.response_to("GET")
    }

    /// The next response to a request with `method` (HEAD has no body).
    pub fn response_to(&mut self, method: &str) -> Option<Response> {
        let end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end;
            }
            if !self.fill() {
                assert!(
                    self.buffer.is_empty(),
                    "half a head: {:?}",
                    String::from_utf8_lossy(&self.buffer)
                );
                return None;
            }
        };
        let head: String = self.buffer[..end]
            .iter()
            .map(|byte| *byte as char)
            .collect();
        self.buffer.drain(..end + 4);
        let status: u16 = head[9..12].parse().expect("a status");
        let mut response = Response {
            status,
            head,
            body: Vec::new(),
            trailers: String::new(),
        };
        if method == "HEAD" || status < 200 || status == 204 || status == 304 {
            return Some(response);
        }
        if response.header("transfer-encoding").is_some() {
            loop {
                let size = self.line();
                let size = usize::from_str_radix(&size, 16).expect("a chunk size");
                if size == 0 {
                    loop {
                        let line = self.line();
                        if line.is_empty() {
                            return Some(response);
                        }
                        response.trailers.push_str(&line);
                        response.trailers.push('\n');
                    }
                }
                let chunk = self.exactly(size + 2);
                assert!(chunk.ends_with(b"\r\n"));
                response.body.extend_from_slice(&chunk[..size]);
            }
        }
        response.body = match response.header("content-length") {
            Some(length) => self.exactly(length.parse().expect("a length")),
            None => self.rest(),
        };
        Some(response)
    }

    pub fn line(&mut self) -> String {
        loop {
            if let Some(end) = find(&self.buffer, b"\r\n") {
                let line = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
                self.buffer.drain(..end + 2);
                return line;
            }
            assert!(self.fill(), "the stream ended within a line");
        }
    }

    pub fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.buffer.len() < length {
            assert!(
                self.fill(),
                "the stream ended {} bytes early",
                length - self.buffer.len()
            );
        }
        self.buffer.drain(..length).collect()
    }
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes
        .windows(needle.len())
        .position(|window| window == needle)
}
