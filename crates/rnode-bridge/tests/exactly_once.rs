//! Exactly-once completion: handler, deadline and disconnect race for a slot, each from its own thread; the thread that owns
//! the table decides, and what comes late finds nothing.

use rnode_bridge::frame::outbound::{self, Kind, ResponseHead};
use rnode_bridge::{Commands, Mailbox, Posted, Slots};
use std::sync::Arc;

const ROUNDS: u32 = 2_000;
const SLOTS: u32 = 16;

/// An invocation as the owning thread sees it.
#[derive(Default)]
struct Invocation {
    completions: u32,
}

#[test]
fn racing_completions_complete_once() {
    let mailbox = Arc::new(Mailbox::new());
    let mut slots: Slots<Invocation> = Slots::new();
    let mut generations: Vec<(u32, u32)> = (0..SLOTS)
        .map(|_| slots.insert(Invocation::default()).ok().expect("room"))
        .collect();
    let (mut completed, mut late) = (0_u32, 0_u32);
    for _ in 0..ROUNDS {
        std::thread::scope(|scope| {
            for racer in 0..3 {
                let (mailbox, generations) = (mailbox.clone(), &generations);
                scope.spawn(move || {
                    let head = ResponseHead {
                        flags: 0,
                        status: 200 + racer,
                        lines: b"",
                        reason: b"",
                    };
                    let mut buf = Vec::new();
                    for (index, generation) in generations {
                        outbound::respond(&mut buf, *index, *generation, &head, b"");
                        if index % 2 == 0 {
                            mailbox.post(&buf);
                            buf.clear();
                        }
                    }
                    mailbox.post(&buf);
                });
            }
        });
        mailbox.drain(|posted| {
            let Posted::Frames(frames) = posted else {
                panic!("none is large")
            };
            for command in Commands::new(frames) {
                let command = command.expect("valid");
                assert!(matches!(command.kind, Kind::Respond { .. }));
                if slots.get(command.slot, command.generation).is_none() {
                    late += 1;
                    continue;
                }
                completed += 1;
                // Every other slot ends with its connection, the rest go on to the next request.
                if command.slot % 2 == 0 {
                    let gone = slots.remove(command.slot).expect("live");
                    assert_eq!(gone.completions, 0);
                } else {
                    slots.advance(command.slot);
                }
            }
        });
        for (index, generation) in &mut generations {
            assert!(
                slots.get(*index, *generation).is_none(),
                "nobody completed it"
            );
            if *index % 2 == 0 {
                let (again, next) = slots.insert(Invocation::default()).ok().expect("room");
                (*index, *generation) = (again, next);
            } else {
                *generation = generation.wrapping_add(1);
                assert!(slots.get(*index, *generation).is_some());
            }
        }
        generations.sort_unstable();
    }
    assert_eq!(completed, ROUNDS * SLOTS);
    assert_eq!(late, 2 * ROUNDS * SLOTS);
    assert_eq!(slots.len(), SLOTS as usize);
}
