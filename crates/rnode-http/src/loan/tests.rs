//! The loan's states one by one, and many threads at once. What is lent here is `Send` and not `Sync`, as the real thing is
//! made to be: that two threads use it at a time does not compile, and what the loan grants is checked with a flag.

use super::Loan;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, mpsc};

fn lending(value: u32) -> Loan<Cell<u32>> {
    let loan = Loan::default();
    loan.begin(Box::new(Cell::new(value)));
    loan
}

#[test]
fn nothing_is_lent_while_the_owner_runs() {
    let loan = lending(7);
    let unreachable = |_: &Cell<u32>| panic!("the owner runs");
    assert_eq!(loan.with(unreachable), None);
    loan.before_park();
    assert_eq!(loan.with(Cell::get), Some(7));
    loan.after_unpark();
    assert_eq!(loan.with(unreachable), None);
}

#[test]
fn what_a_borrower_does_is_there_for_the_next() {
    let loan = lending(1);
    for n in 1..4 {
        loan.before_park();
        assert_eq!(loan.with(|cell| cell.replace(cell.get() + 1)), Some(n));
        assert_eq!(loan.with(Cell::get), Some(n + 1));
        loan.after_unpark();
    }
}

#[test]
fn a_borrower_is_alone() {
    let loan = lending(1);
    loan.before_park();
    let second = loan.with(|_| loan.with(|_| panic!("it is lent already")));
    assert_eq!(second, Some(None::<()>));
    assert_eq!(loan.with(Cell::get), Some(1), "it was given back");
}

#[test]
fn nothing_is_lent_before_the_beginning_and_after_the_end() {
    let alive = Arc::new(());
    let loan = Loan::<Arc<()>>::default();
    loan.before_park();
    assert_eq!(loan.with(|_| ()), None);
    loan.after_unpark();
    loan.begin(Box::new(alive.clone()));
    loan.before_park();
    assert_eq!(loan.with(|_| ()), Some(()));
    loan.after_unpark();
    loan.end();
    assert_eq!(Arc::strong_count(&alive), 1, "dropped with the end");
    loan.before_park();
    assert_eq!(loan.with(|_| ()), None);
    loan.after_unpark();
}

#[test]
fn the_owner_waits_for_a_borrower() {
    let loan = lending(0);
    let (borrowed, is_borrowed) = mpsc::channel();
    let (give_back, may_give_back) = mpsc::channel();
    let gave_back = AtomicBool::new(false);
    let (loan, gave_back) = (&loan, &gave_back);
    loan.before_park();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            loan.with(|_| {
                borrowed.send(()).expect("the test waits");
                may_give_back.recv().expect("the test sends");
                gave_back.store(true, SeqCst);
            })
        });
        is_borrowed.recv().expect("it is lent");
        scope.spawn(move || {
            // Until the owner has woken up, and says that it waits.
            while !loan.lock().awaited {
                std::thread::yield_now();
            }
            give_back.send(()).expect("the borrower waits");
        });
        loan.after_unpark();
        assert!(gave_back.load(SeqCst), "woken up too early");
        assert_eq!(loan.with(|_| ()), None, "it is the owner's again");
    });
}

#[test]
fn a_borrower_that_panics_gives_back() {
    let loan = lending(3);
    loan.before_park();
    let panicked = catch_unwind(AssertUnwindSafe(|| loan.with(|_| panic!("a bug of ours"))));
    assert!(panicked.is_err());
    assert_eq!(loan.with(Cell::get), Some(3));
    loan.after_unpark();
    assert_eq!(loan.with(|_| ()), None);
}

/// Sets a flag at the end, also at that by a failed assertion.
struct AtEnd<'a>(&'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// An owner that parks and runs, borrowers that come at any time: never two of them at once, and nobody waits for ever.
#[test]
fn one_at_a_time_among_many() {
    const ROUNDS: u32 = 5_000;
    let busy = AtomicBool::new(false);
    let alone = || {
        assert!(!busy.swap(true, SeqCst), "two at once");
        std::hint::spin_loop();
        busy.store(false, SeqCst);
    };
    let loan = lending(0);
    let borrowed = AtomicU32::new(0);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(SeqCst) {
                    let count = loan.with(|cell| {
                        alone();
                        cell.set(cell.get() + 1);
                    });
                    borrowed.fetch_add(u32::from(count.is_some()), SeqCst);
                }
            });
        }
        let _at_end = AtEnd(&over);
        for round in 0..ROUNDS {
            loan.before_park();
            // Now and then nobody may come before the owner is back.
            if round % 3 != 0 {
                std::thread::yield_now();
            }
            loan.after_unpark();
            alone();
        }
    });
    loan.before_park();
    let counted = loan.with(Cell::get).expect("the owner sleeps");
    assert_eq!(counted, borrowed.load(SeqCst), "no use was lost");
}
