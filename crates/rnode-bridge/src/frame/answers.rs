//! What a batch of outbound frames is about, without reading what they say: for whoever may do a part of an I/O thread's work.

use super::outbound_kind as kind;
use super::word;

/// True if `frames` are answers or parts of answers, and nothing else.
pub fn are_answers(frames: &[u8]) -> bool {
    let mut kinds = heads(frames).map(|(first, _)| first & 0xff);
    kinds.all(|kind| {
        matches!(
            kind,
            kind::RESPOND | kind::HEAD | kind::CHUNK | kind::END | kind::ERROR_PAGE | kind::RAW
        )
    })
}

/// The slot of each of `frames`.
pub fn slots(frames: &[u8]) -> impl Iterator<Item = u32> {
    heads(frames).map(|(_, slot)| slot)
}

/// The second and the third word of each frame; ends where there is no frame.
fn heads(frames: &[u8]) -> impl Iterator<Item = (u32, u32)> {
    let mut rest = frames;
    std::iter::from_fn(move || {
        let length = word(rest, 0).ok()? as usize;
        let head = (word(rest, 1).ok()?, word(rest, 2).ok()?);
        rest = rest.get(length.max(1)..).unwrap_or_default();
        Some(head)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u32, slot: u32) -> Vec<u8> {
        let words = [20, kind | 7 << 8, slot, 3, 0];
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn answers_and_their_slots() {
        let answers = [
            frame(kind::HEAD, 1),
            frame(kind::CHUNK, 1),
            frame(kind::END, 2 << 24 | 5),
        ]
        .concat();
        assert!(are_answers(&answers));
        assert_eq!(slots(&answers).collect::<Vec<_>>(), [1, 1, 2 << 24 | 5]);
        for other in [kind::FILE, kind::DESTROY, kind::BODY_WANT, kind::DEADLINE] {
            assert!(!are_answers(&[answers.clone(), frame(other, 1)].concat()));
        }
    }

    #[test]
    fn broken_frames_end_it() {
        let mut zero = frame(kind::END, 1);
        zero[0] = 0;
        for bytes in [&zero[..], &zero[..10], &[]] {
            assert!(slots(bytes).count() <= zero.len());
        }
        let mut long = frame(kind::END, 9);
        long[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(slots(&long).collect::<Vec<_>>(), [9]);
    }
}
