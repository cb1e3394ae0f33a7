//! Memory that was needed in a peak goes back to the system: free pages of the allocator, and of outboxes. When that is due is decided
//! in `rnode-http`.

use crate::outboxes;

/// Gives back what is free now. Other threads that allocate may have to wait for it, some milliseconds at most.
pub(crate) fn give_back() {
    outboxes::discard_free();
    // An allocator keeps what was freed below something that is in use, for each of its arenas.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: may be called by any thread at any time: it takes the allocator's locks, and touches free memory only.
    unsafe {
        libc::malloc_trim(0);
    }
}
