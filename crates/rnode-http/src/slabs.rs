//! Memory that large parts of request bodies are read into, one store per I/O thread. Parts are cut off and given away, to JavaScript
//! in the end, which keeps them for as long as it wants; a slab is used again when all of its parts have been dropped.
//!
//! Asking the allocator each time would give the pages back to the kernel and have them filled with zeros again. What is in a
//! part is not known here.

use bytes::BytesMut;
use std::collections::VecDeque;

/// Bytes of a slab, and the largest part.
pub(crate) const SLAB: usize = 512 << 10;
/// Slabs that are remembered until they can be used again: as much as an engine lets lie before it collects. The others are given
/// back to the allocator when their last part is dropped.
const REMEMBERED: usize = 192;
/// Sweeps without a part after which all are forgotten.
const IDLE_SWEEPS: u32 = 8;

/// The slabs of one I/O thread.
#[derive(Debug, Default)]
pub(crate) struct Slabs {
    current: Option<BytesMut>,
    /// Those used up, from the oldest to the youngest; empty handles that say when the rest of the slab has been dropped.
    used: VecDeque<BytesMut>,
    /// Sweeps since the last part.
    idle: u32,
}

impl Slabs {
    /// An empty buffer with room for a part: for `most` bytes, at most [`SLAB`], or for half a slab where only that is left. What was
    /// written to it is to be cut off by `split`, or cleared.
    pub(crate) fn room(&mut self, most: usize) -> &mut BytesMut {
        self.idle = 0;
        let is_used_up = |slab: &mut BytesMut| slab.capacity() < most.min(SLAB / 2);
        if let Some(used) = self.current.take_if(is_used_up) {
            self.used.push_back(used);
            if self.used.len() > REMEMBERED {
                self.used.pop_front();
            }
        }
        let next = match self.current.take() {
            Some(current) => current,
            None => self.reclaimed(),
        };
        self.current.insert(next)
    }

    fn reclaimed(&mut self) -> BytesMut {
        // The oldest is dropped first, or soon after.
        if let Some(mut oldest) = self.used.pop_front() {
            if oldest.try_reclaim(SLAB) {
                return oldest;
            }
            self.used.push_front(oldest);
        }
        BytesMut::with_capacity(SLAB)
    }

    /// Called four times a second while there are connections.
    pub(crate) fn sweep(&mut self) {
        self.idle = self.idle.saturating_add(1);
        if self.idle == IDLE_SWEEPS {
            self.forget();
        }
    }

    /// Nothing is kept for later.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(slabs: &mut Slabs, length: usize) -> BytesMut {
        let room = slabs.room(length);
        let length = length.min(room.capacity());
        room.extend_from_slice(&vec![7; length]);
        room.split()
    }

    #[test]
    fn parts_share_a_slab_until_it_is_used_up() {
        let mut slabs = Slabs::default();
        let first = part(&mut slabs, SLAB / 4);
        let second = part(&mut slabs, SLAB / 4);
        assert_eq!(first.as_ptr().wrapping_add(SLAB / 4), second.as_ptr());
        // Half a slab is left: that is worth a read, however much is wanted.
        assert_eq!(part(&mut slabs, SLAB).len(), SLAB / 2);
        assert_eq!(part(&mut slabs, SLAB).len(), SLAB);
    }

    #[test]
    fn a_slab_is_used_again_when_all_of_it_was_dropped() {
        let mut slabs = Slabs::default();
        let (first, rest) = (part(&mut slabs, 100), part(&mut slabs, SLAB - 100));
        let start = first.as_ptr();
        let second = part(&mut slabs, SLAB);
        assert_ne!(second.as_ptr(), start);
        drop(rest);
        let third = part(&mut slabs, SLAB);
        assert_ne!(third.as_ptr(), start, "a part of it is still there");
        assert!(first.iter().all(|byte| *byte == 7));
        drop(first);
        assert_eq!(part(&mut slabs, SLAB).as_ptr(), start);
    }

    #[test]
    fn what_is_cleared_takes_no_room() {
        let mut slabs = Slabs::default();
        let room = slabs.room(SLAB);
        room.extend_from_slice(b"few");
        room.clear();
        assert_eq!(slabs.room(SLAB).capacity(), SLAB);
    }

    #[test]
    fn idle_slabs_are_forgotten() {
        let mut slabs = Slabs::default();
        let kept = part(&mut slabs, SLAB);
        drop(part(&mut slabs, SLAB));
        for _ in 0..IDLE_SWEEPS {
            slabs.sweep();
        }
        assert!(slabs.current.is_none() && slabs.used.is_empty());
        assert!(kept.iter().all(|byte| *byte == 7));
    }
}
