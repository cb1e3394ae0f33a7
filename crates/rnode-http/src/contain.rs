//! Where a panic on an I/O thread ends: it costs one step of work and one log line, never the thread.
//! Must not hide anything else: an error that can be expected is a value, not a panic.

use crate::log::{self, panic_text};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs one step. `None`, and a line in the log that begins with `cost`, if it panicked.
///
/// Unwind safety is the caller's: what the step shares with the rest of the thread must stay usable where it stops.
pub(crate) fn contain<R>(cost: &str, step: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(result) => Some(result),
        Err(panic) => {
            log::line(&format!("{cost} after a panic: {}", panic_text(&*panic)));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::contain;

    #[test]
    fn a_step_that_returns_is_none_of_its_business() {
        assert_eq!(contain("nothing", || 5), Some(5));
    }

    #[test]
    fn a_panic_ends_here_whatever_it_carries() {
        let owned = String::from("a text");
        let steps: [Box<dyn Fn()>; 3] = [
            Box::new(|| panic!("a literal")),
            Box::new(move || std::panic::panic_any(owned.clone())),
            Box::new(|| std::panic::panic_any(5)),
        ];
        for step in steps {
            assert_eq!(contain("a test", step), None);
        }
    }
}
