//! A slot table with generations: an index is reused, a generation never comes back.
//!
//! One thread owns a table, so there is no lock: whatever arrives there first completes an invocation, and what
//! comes later carries an old generation and finds nothing.

/// Slab of `T` whose entries carry a generation that grows with every request and every reuse.
#[derive(Debug)]
pub struct Slots<T> {
    entries: Vec<Entry<T>>,
    free: Vec<u32>,
    live: usize,
}

#[derive(Debug)]
struct Entry<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            free: Vec::new(),
            live: 0,
        }
    }
}

impl<T> Slots<T> {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores `value` and returns its index and first generation, or gives it back if all
    /// [`MAX_SLOTS`](crate::frame::MAX_SLOTS) are taken.
    ///
    /// # Errors
    /// The value itself, when the table is full.
    pub fn insert(&mut self, value: T) -> Result<(u32, u32), T> {
        if let Some(index) = self.free.pop() {
            let entry = &mut self.entries[index as usize];
            entry.generation = entry.generation.wrapping_add(1);
            entry.value = Some(value);
            self.live += 1;
            return Ok((index, entry.generation));
        }
        if self.entries.len() >= crate::frame::MAX_SLOTS {
            return Err(value);
        }
        let index = self.entries.len() as u32;
        self.entries.push(Entry {
            generation: 1,
            value: Some(value),
        });
        self.live += 1;
        Ok((index, 1))
    }

    /// The value at `index` if it is there and `generation` is its current one.
    pub fn get(&self, index: u32, generation: u32) -> Option<&T> {
        let entry = self.entries.get(index as usize)?;
        if entry.generation == generation {
            entry.value.as_ref()
        } else {
            None
        }
    }

    /// The value at `index`, whatever its generation, and that.
    pub fn current(&self, index: u32) -> Option<(u32, &T)> {
        let entry = self.entries.get(index as usize)?;
        Some((entry.generation, entry.value.as_ref()?))
    }

    /// Starts the next invocation in `index`: frames for earlier generations are stale from here on.
    pub fn advance(&mut self, index: u32) -> u32 {
        match self.entries.get_mut(index as usize) {
            Some(entry) => {
                entry.generation = entry.generation.wrapping_add(1);
                entry.generation
            }
            None => 0,
        }
    }

    /// Takes the value out; its generation is stale from here on.
    pub fn remove(&mut self, index: u32) -> Option<T> {
        let entry = self.entries.get_mut(index as usize)?;
        let value = entry.value.take()?;
        entry.generation = entry.generation.wrapping_add(1);
        self.free.push(index);
        self.live -= 1;
        Some(value)
    }

    /// Taken slots.
    pub fn len(&self) -> usize {
        self.live
    }

    /// True if and only if no slot is taken.
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// Values with their indexes.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.entries
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| entry.value.as_ref().map(|v| (index as u32, v)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_generation_finds_nothing() {
        let mut slots = Slots::new();
        let (index, first) = slots.insert("a").unwrap();
        assert_eq!(slots.get(index, first), Some(&"a"));
        let second = slots.advance(index);
        assert_eq!(slots.get(index, first), None);
        assert_eq!(slots.get(index, second), Some(&"a"));
        assert_eq!(slots.remove(index), Some("a"));
        assert_eq!(slots.get(index, second), None);
        let (again, third) = slots.insert("b").unwrap();
        assert_eq!(again, index);
        assert!(slots.get(index, second).is_none() && slots.get(index, third) == Some(&"b"));
        assert_eq!(slots.remove(7), None);
    }

    #[test]
    fn generations_wrap_without_a_panic() {
        let mut slots = Slots::new();
        let (index, _) = slots.insert(1).unwrap();
        slots.entries[0].generation = u32::MAX;
        assert_eq!(slots.advance(index), 0);
        assert_eq!(slots.get(index, 0), Some(&1));
    }
}
