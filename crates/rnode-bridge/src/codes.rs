//! The error codes a CLIENT_ERROR frame can carry: names as Node's parser and sockets give them.
//!
//! JavaScript holds the same list in the same order, with the texts: one code may have several. The golden file names the
//! codes. New ones go to the end.

/// An error of a connection that no request could be made of. The value is the index on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
#[allow(
    missing_docs,
    reason = "each is explained by its name in CLIENT_ERROR_CODES"
)]
pub enum ClientError {
    InvalidMethod = 0,
    InvalidUrl = 1,
    InvalidVersion = 2,
    InvalidHeaderToken = 3,
    InvalidContentLength = 4,
    UnexpectedContentLength = 5,
    InvalidTransferEncoding = 6,
    InvalidChunkSize = 7,
    HeaderOverflow = 8,
    ChunkExtensionsOverflow = 9,
    LfExpected = 10,
    CrExpected = 11,
    InvalidConstant = 12,
    InvalidEofState = 13,
    ConnectionReset = 14,
    RequestTimeout = 15,
    UnexpectedSpace = 16,
    InvalidTrailer = 17,
    Strict = 18,
    ChunkSizeOverflow = 19,
    CrAfterChunkSize = 20,
    CrAfterChunkData = 21,
    CrAfterExtensionName = 22,
    CrAfterExtensionValue = 23,
    LfAfterChunkSize = 24,
    LfAfterChunkData = 25,
    LfAfterHeaders = 26,
    Extension = 27,
    ExtensionName = 28,
    ExtensionValue = 29,
    ExtensionQuoted = 30,
    ExtensionQuotedEnd = 31,
    ExtensionQuotedPair = 32,
    HeaderFieldChar = 33,
    HeaderValueChar = 34,
    HeaderFold = 35,
    WriteReset = 36,
    WritePipe = 37,
    ReadTimedOut = 38,
}

/// Names by index, as `err.code` shows them.
pub const CLIENT_ERROR_CODES: [&str; 39] = [
    "HPE_INVALID_METHOD",
    "HPE_INVALID_URL",
    "HPE_INVALID_VERSION",
    "HPE_INVALID_HEADER_TOKEN",
    "HPE_INVALID_CONTENT_LENGTH",
    "HPE_UNEXPECTED_CONTENT_LENGTH",
    "HPE_INVALID_TRANSFER_ENCODING",
    "HPE_INVALID_CHUNK_SIZE",
    "HPE_HEADER_OVERFLOW",
    "HPE_CHUNK_EXTENSIONS_OVERFLOW",
    "HPE_LF_EXPECTED",
    "HPE_CR_EXPECTED",
    "HPE_INVALID_CONSTANT",
    "HPE_INVALID_EOF_STATE",
    "ECONNRESET",
    "ERR_HTTP_REQUEST_TIMEOUT",
    "HPE_UNEXPECTED_SPACE",
    "HPE_INVALID_TRAILER",
    "HPE_STRICT",
    "HPE_INVALID_CHUNK_SIZE",
    "HPE_CR_EXPECTED",
    "HPE_CR_EXPECTED",
    "HPE_CR_EXPECTED",
    "HPE_CR_EXPECTED",
    "HPE_STRICT",
    "HPE_STRICT",
    "HPE_STRICT",
    "HPE_STRICT",
    "HPE_STRICT",
    "HPE_STRICT",
    "HPE_STRICT",
    "HPE_STRICT",
    "HPE_STRICT",
    "HPE_INVALID_HEADER_TOKEN",
    "HPE_INVALID_HEADER_TOKEN",
    "HPE_INVALID_HEADER_TOKEN",
    "ECONNRESET",
    "EPIPE",
    "ETIMEDOUT",
];

impl ClientError {
    /// `err.code`.
    pub fn name(self) -> &'static str {
        CLIENT_ERROR_CODES[self as usize]
    }
}
