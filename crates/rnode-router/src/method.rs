//! HTTP methods as small numbers: the index into Node's `http.METHODS`.
//! Must not know anything of a connection; parsing the request line is the HTTP crate's work.

/// The methods of `require('node:http').METHODS`, in its order. [`Method::index`] counts in this list.
pub const METHODS: &[&str] = &[
    "ACL",
    "BIND",
    "CHECKOUT",
    "CONNECT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LINK",
    "LOCK",
    "M-SEARCH",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MOVE",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "SOURCE",
    "SUBSCRIBE",
    "TRACE",
    "UNBIND",
    "UNLINK",
    "UNLOCK",
    "UNSUBSCRIBE",
];

/// One of [`METHODS`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Method(u8);

impl Method {
    /// `GET`
    pub const GET: Method = Method(6);
    /// `HEAD`
    pub const HEAD: Method = Method(7);
    /// `OPTIONS`
    pub const OPTIONS: Method = Method(17);
    /// `POST`
    pub const POST: Method = Method(19);

    /// The method of this name, exactly as on the wire (upper case); `None` if Node does not know it.
    pub fn from_bytes(name: &[u8]) -> Option<Method> {
        match name {
            b"GET" => Some(Method::GET),
            b"POST" => Some(Method::POST),
            _ => METHODS
                .binary_search_by(|known| known.as_bytes().cmp(name))
                .ok()
                .map(|index| Method(index as u8)),
        }
    }

    /// The method at this place of [`METHODS`].
    pub fn from_index(index: u32) -> Option<Method> {
        (index < METHODS.len() as u32).then_some(Method(index as u8))
    }

    /// Place in [`METHODS`].
    pub fn index(self) -> u32 {
        u32::from(self.0)
    }

    /// The name, upper case.
    pub fn as_str(self) -> &'static str {
        METHODS[usize::from(self.0)]
    }

    /// This method's bit in a set of methods.
    pub(crate) fn bit(self) -> u64 {
        1 << self.0
    }
}

impl std::fmt::Debug for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_index() {
        for (index, name) in METHODS.iter().enumerate() {
            let method = Method::from_bytes(name.as_bytes()).expect("listed");
            assert_eq!(method.index() as usize, index);
            assert_eq!(method.as_str(), *name);
            assert_eq!(Method::from_index(index as u32), Some(method));
        }
        assert_eq!(Method::GET.as_str(), "GET");
        assert_eq!(Method::HEAD.as_str(), "HEAD");
        assert_eq!(Method::OPTIONS.as_str(), "OPTIONS");
        assert_eq!(Method::POST.as_str(), "POST");
    }

    #[test]
    fn unknown_names_are_none() {
        for name in ["", "get", "GETS", "BREW", "M_SEARCH"] {
            assert_eq!(Method::from_bytes(name.as_bytes()), None, "{name}");
        }
        assert_eq!(Method::from_index(METHODS.len() as u32), None);
    }
}
