//! Large bodies that were posted a while ago and are still under way: one that is posted again, as when many clients ask for the
//! same cached bytes, shares the memory of the first. Equal is what holds the same bytes now; nothing is assumed of those who
//! posted it.

use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

/// Bodies that are compared, at most.
const REMEMBERED: usize = 8;

/// The bodies posted last that somebody still holds.
#[derive(Debug, Default)]
pub struct RecentBodies {
    /// Where they were posted from, and what was made of them.
    bodies: VecDeque<(usize, Weak<Box<[u8]>>)>,
}

struct Held(Arc<Box<[u8]>>);

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl RecentBodies {
    /// A copy of `bytes`: one that is under way already, if `bytes` lies where that came from and is equal to it.
    pub fn copy(&mut self, bytes: &[u8]) -> Bytes {
        let address = bytes.as_ptr().addr();
        let at = self
            .bodies
            .iter()
            .position(|(from, body)| *from == address && body.strong_count() > 0);
        if let Some(at) = at
            && let Some((_, body)) = self.bodies.remove(at)
            && let Some(held) = body.upgrade()
            && held[..] == *bytes
        {
            self.remember(address, body);
            return Bytes::from_owner(Held(held));
        }
        let copy: Arc<Box<[u8]>> = Arc::new(bytes.into());
        self.remember(address, Arc::downgrade(&copy));
        Bytes::from_owner(Held(copy))
    }

    fn remember(&mut self, address: usize, body: Weak<Box<[u8]>>) {
        if self.bodies.len() == REMEMBERED {
            self.bodies.pop_front();
        }
        self.bodies.push_back((address, body));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_posted_again_shares_memory() {
        let mut recent = RecentBodies::default();
        let body = vec![1; 100];
        let (first, second) = (recent.copy(&body), recent.copy(&body));
        assert_eq!(first, body);
        assert_eq!(first.as_ptr(), second.as_ptr());
        assert_ne!(first.as_ptr(), body.as_ptr());
    }

    #[test]
    fn what_has_changed_or_was_dropped_does_not() {
        let mut recent = RecentBodies::default();
        let mut body = vec![1; 100];
        let first = recent.copy(&body);
        body[99] = 2;
        let second = recent.copy(&body);
        assert_eq!((first[99], second[99]), (1, 2));
        assert_ne!(first.as_ptr(), second.as_ptr());
        assert_eq!(recent.copy(&body[..50]), body[..50]);

        drop((first, second));
        assert!(
            recent
                .bodies
                .iter()
                .all(|(_, body)| body.strong_count() == 0)
        );
    }

    #[test]
    fn only_the_last_ones_are_remembered() {
        let mut recent = RecentBodies::default();
        let bodies: Vec<_> = (0..=REMEMBERED).map(|n| vec![n as u8; 10]).collect();
        let copies: Vec<_> = bodies.iter().map(|body| recent.copy(body)).collect();
        assert_eq!(recent.bodies.len(), REMEMBERED);
        assert_ne!(recent.copy(&bodies[0]).as_ptr(), copies[0].as_ptr());
        let last = REMEMBERED;
        assert_eq!(recent.copy(&bodies[last]).as_ptr(), copies[last].as_ptr());
    }
}
