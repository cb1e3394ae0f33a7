//! Kinds, flags and reasons: the numbers of the frames, by group. `js/lib/native/frames.js` repeats them, and the golden file
//! holds both sides to [`GROUPS`]. No logic, and nothing that does not cross.

/// Makes the constants of one group, and the list of them under the names that JavaScript has for them: the same, behind
/// the group's prefix.
macro_rules! numbers {
    (
        $(#[$about:meta])*
        pub mod $group:ident = $prefix:literal {
            $($(#[$doc:meta])* $name:ident = $value:expr;)*
        }
    ) => {
        $(#[$about])*
        pub mod $group {
            $($(#[$doc])* pub const $name: u32 = $value;)*

            pub(super) const ALL: &[(&str, u32)] = &[$((concat!($prefix, stringify!($name)), $name)),*];
        }
    };
}

numbers! {
    /// Kinds of frames from an I/O thread to JavaScript.
    #[allow(
        missing_docs,
        reason = "the names are those of docs/internals/frames.md"
    )]
    pub mod inbound_kind = "" {
        REQUEST = 1;
        BODY = 2;
        BODY_END = 3;
        ABORT = 4;
        DRAIN = 5;
        FINISHED = 6;
        UPGRADE = 7;
        CLIENT_ERROR = 8;
        CONNECTION = 9;
        CONNECTION_CLOSED = 10;
        SERVER_CLOSED = 11;
        SOCKET_TIMEOUT = 12;
        FILE_RESULT = 13;
        SERVER_BUSY = 14;
        PROGRESS = 15;
    }
}

numbers! {
    /// Kinds of frames from JavaScript to an I/O thread.
    #[allow(
        missing_docs,
        reason = "the names are those of docs/internals/frames.md"
    )]
    pub mod outbound_kind = "" {
        RESPOND = 1;
        HEAD = 2;
        CHUNK = 3;
        END = 4;
        DESTROY = 5;
        BODY_WANT = 6;
        INFO = 7;
        DEADLINE = 8;
        ERROR_PAGE = 9;
        RAW = 10;
        SOCKET_END = 11;
        WATCH_CLOSE = 12;
        FILE = 13;
        BODY_DUMP = 14;
        HOLD = 15;
        PROGRESS_ASK = 16;
    }
}

numbers! {
    /// Flags of REQUEST and UPGRADE.
    pub mod request_flags = "" {
        /// The request line said HTTP/1.0.
        HTTP_1_0 = 1;
        /// By what the request says, the connection would stay open.
        KEEP_ALIVE = 2;
        /// There is no body, or all of it is inline.
        BODY_COMPLETE = 4;
        /// The framing announces a body: Content-Length above zero, or chunked.
        HAS_BODY = 8;
        /// The body is chunked.
        CHUNKED_BODY = 16;
        /// `Upgrade` and `Connection: upgrade` are both there.
        UPGRADE_ASKED = 32;
        /// `Expect: 100-continue`, not answered yet.
        EXPECT_CONTINUE = 64;
        /// Another expectation.
        EXPECT_OTHER = 128;
        /// The connection is encrypted.
        TLS = 256;
        /// `If-None-Match` or `If-Modified-Since` is there: 304 may be the answer.
        CONDITIONAL = 512;
        /// The first request of its connection.
        FIRST = 1024;
        /// The last that `maxRequestsPerSocket` allows: its answer says `Connection: close`.
        LIMIT_REACHED = 2048;
        /// One more than `maxRequestsPerSocket` allows; only with a `'dropRequest'` listener.
        OVER_LIMIT = 4096;
        /// Native layers have looked at it and passed it on.
        PASSED = 8192;
    }
}

numbers! {
    /// Reasons of ABORT.
    pub mod abort = "ABORT_" {
        /// The client sent FIN or RST. The slot waits for JavaScript's answer.
        CLIENT_GONE = 1;
        /// The handler deadline passed; the I/O thread has answered and the invocation is complete.
        DEADLINE = 2;
        /// The server closes all connections, or this one with an earlier answer; the invocation is complete.
        SERVER_CLOSING = 3;
        /// The request body is broken; 400 has been sent where no head was, and the invocation is complete.
        BODY_BROKEN = 4;
        /// The request took too long to arrive; the invocation is complete.
        REQUEST_TIMEOUT = 5;
        /// The response head could not be written as asked; 500 has been sent and the invocation is complete.
        REFUSED = 7;
        /// A request behind this one is broken or late: the connection ends once JavaScript has answered, be it with DESTROY.
        PIPELINE_BROKEN = 8;
    }
}

numbers! {
    /// What became of a FILE: word 4 of FILE_RESULT.
    pub mod file_result = "FILE_" {
        /// Answered; every byte has been handed over to the kernel or is queued for it.
        SENT = 0;
        /// Not found, and the options pass that on: the next layer's turn.
        FALLTHROUGH = 1;
        /// An error for `next(err)`, told as JSON.
        FAILED = 2;
        /// Nothing was decided: JavaScript answers.
        DECLINED = 3;
        /// The path is a folder; only with [`SEND`](super::file_flags::SEND).
        DIRECTORY = 4;
        /// The file is there; only with [`LOCATE`](super::file_flags::LOCATE).
        FOUND = 5;
        /// The head of a file that is sent in pieces is queued; only with [`REPORT`](super::file_flags::REPORT), and SENT or ABORT follows.
        BEGUN = 6;
        /// The head is decided, nothing has been sent; only with [`HOLD`](super::file_flags::HOLD).
        HELD = 7;
    }
}

numbers! {
    /// Flags of FILE.
    pub mod file_flags = "FILE_" {
        /// Nothing follows the head, whatever method the request was sent with.
        HEAD = 1;
        /// As `send` answers: a folder is reported, and nothing is passed on.
        SEND = 2;
        /// SENT, or BEGUN before it, tells status and header lines.
        REPORT = 4;
        /// A file that is found is reported, not sent.
        LOCATE = 8;
        /// The head is told and the file kept; nothing is sent before a RESPOND with [`HELD`](super::response_flags::HELD).
        HOLD = 16;
    }
}

numbers! {
    /// Flags of RESPOND, HEAD and ERROR_PAGE.
    pub mod response_flags = "" {
        /// Compute a weak ETag over the body.
        ETAG_WEAK = 1;
        /// Compute a strong ETag over the body.
        ETAG_STRONG = 2;
        /// Evaluate the request's conditions and answer 304 if the client's copy is fresh.
        FRESH = 4;
        /// Write no `Date` line.
        NO_DATE = 8;
        /// Send FINISHED once the response has left, or cannot leave any more.
        NOTIFY = 16;
        /// The connection closes after this response.
        CLOSE = 32;
        /// The lines hold a `Connection` header; add none.
        CONNECTION_SET = 64;
        /// Add `Content-Length`.
        LENGTH = 128;
        /// The body is framed in chunks.
        CHUNKED = 256;
        /// Write the `Transfer-Encoding: chunked` line (implies [`CHUNKED`]).
        ADD_TE = 512;
        /// Nothing follows the head, whatever comes.
        NO_BODY = 1024;
        /// The lines hold `ETag` or `Last-Modified`.
        VALIDATORS = 2048;
        /// The end of the connection ends the body.
        UNFRAMED = 4096;
        /// With [`LENGTH`]: the line follows `Keep-Alive`, where Node puts a length it made itself.
        LENGTH_LAST = 8192;
        /// RESPOND: the body is the file that was kept for this request, told by SENT once it has left. The lines hold its length.
        HELD = 16384;
    }
}

numbers! {
    /// Flags of CHUNK and RAW, and what stands above them.
    pub mod chunk_flags = "" {
        /// Send DRAIN when all queued bytes have been handed to the kernel.
        WANT_DRAIN = 1;
        /// The flags from this bit on are a 16-bit mark that DRAIN repeats.
        MARK_SHIFT = 8;
    }
}

numbers! {
    /// Flags of END.
    pub mod end_flags = "END_" {
        /// Send FINISHED, as [`response_flags::NOTIFY`](super::response_flags::NOTIFY).
        NOTIFY = 16;
        /// After RAW: the connection ends with this response.
        CLOSE = 32;
        /// The response was written by RAW frames, head included.
        RAW = 64;
    }
}

numbers! {
    /// Numbers of single kinds.
    pub mod special = "" {
        /// Flag of any inbound frame: the next one was made of the same bytes of a client, and is handled in the same turn.
        JOINED = 1 << 23;
        /// Flag of BODY: the bytes travel beside the frame.
        BESIDE = 1;
        /// Flag of CONNECTION: closed at once, since `maxConnections` were open; it has no slot.
        CONNECTION_DROPPED = 1;
        /// Flag of CLIENT_ERROR: the socket is broken, nothing can be written to it.
        SOCKET_GONE = 1;
        /// Flag of CONNECTION_CLOSED: the client had sent FIN.
        CONNECTION_ENDED = 1;
        /// Flag of PROGRESS: bytes wait for the kernel.
        BYTES_WAIT = 1;
        /// Flag of SOCKET_END: the client's own end is waited for.
        WAIT_FOR_CLIENT = 1;
        /// DESTROY: not only some of the bytes queued last but the whole response is taken back.
        ALL_OF_RESPONSE = 0x7fff_ffff;
    }
}

/// Every number by group, with the name that JavaScript has for it.
pub const GROUPS: &[(&str, &[(&str, u32)])] = &[
    ("inbound_kind", inbound_kind::ALL),
    ("outbound_kind", outbound_kind::ALL),
    ("request_flags", request_flags::ALL),
    ("abort", abort::ALL),
    ("file_result", file_result::ALL),
    ("file_flags", file_flags::ALL),
    ("response_flags", response_flags::ALL),
    ("chunk_flags", chunk_flags::ALL),
    ("end_flags", end_flags::ALL),
    ("special", special::ALL),
];
