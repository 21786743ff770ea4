//! Memory planning: which buffers a pass needs, for how long, and where each lies in one arena.
//!
//! A pass asks for its buffers in an order that depends on shapes and switches alone. So the first time it is walked
//! through without computing anything ([`Recorder`]); the lifetimes seen are packed ([`Recorder::plan`]), and from then on
//! a request is answered by its place in the sequence.

/// Buffers start at multiples of a cache line, the width of the widest register.
const ALIGN: usize = 64;

/// Where the buffers of a pass lie, in the order in which it asks for them.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Byte offset and size of each buffer.
    pub places: Vec<(usize, usize)>,
    /// Answers to questions that depend on lifetimes: may this buffer be overwritten?
    pub choices: Vec<bool>,
    /// The size of the arena in bytes.
    pub bytes: usize,
}

/// Watches a pass that computes nothing.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    lives: Vec<Life>,
    choices: Vec<bool>,
    now: usize,
}

#[derive(Debug)]
struct Life {
    bytes: usize,
    birth: usize,
    death: usize,
    /// How many users the buffer has at this moment.
    users: usize,
}

impl Recorder {
    /// A new buffer with one user: its number.
    #[inline]
    pub fn allocate(&mut self, bytes: usize) -> usize {
        self.now += 1;
        self.lives.push(Life { bytes, birth: self.now, death: usize::MAX, users: 1 });
        self.lives.len() - 1
    }

    pub fn retain(&mut self, buffer: usize) {
        self.lives[buffer].users += 1;
    }

    pub fn release(&mut self, buffer: usize) {
        self.now += 1;
        let life = &mut self.lives[buffer];
        life.users -= 1;
        if life.users == 0 {
            life.death = self.now;
        }
    }

    /// Whether the buffer has one user only, which may then do with it what it likes.
    pub fn is_unique(&self, buffer: usize) -> bool {
        self.lives[buffer].users == 1
    }

    /// Keeps an answer for the passes that follow.
    #[inline]
    pub fn choose(&mut self, answer: bool) -> bool {
        self.choices.push(answer);
        answer
    }

    /// The sum of all buffers, as if none shared memory.
    #[inline]
    pub fn total(&self) -> usize {
        self.lives.iter().map(|life| life.bytes).sum()
    }

    /// Packs the buffers: the largest first, each at the lowest place that is free for all of its life.
    pub fn plan(self) -> Plan {
        let mut order: Vec<usize> = (0..self.lives.len()).collect();
        order.sort_by_key(|&buffer| (std::cmp::Reverse(self.lives[buffer].bytes), buffer));
        let mut places = vec![(0, 0); self.lives.len()];
        let mut placed: Vec<usize> = Vec::new();
        let mut bytes = 0;
        for buffer in order {
            let life = &self.lives[buffer];
            let size = life.bytes.next_multiple_of(ALIGN);
            let mut taken: Vec<(usize, usize)> = placed
                .iter()
                .filter(|&&other| life.overlaps(&self.lives[other]))
                .map(|&other| (places[other].0, self.lives[other].bytes.next_multiple_of(ALIGN)))
                .collect();
            taken.sort_unstable();
            let mut start = 0;
            for (from, length) in taken {
                if start + size <= from {
                    break;
                }
                start = start.max(from + length);
            }
            places[buffer] = (start, life.bytes);
            bytes = bytes.max(start + size);
            placed.push(buffer);
        }
        Plan { places, choices: self.choices, bytes }
    }
}

impl Life {
    fn overlaps(&self, other: &Life) -> bool {
        self.birth < other.death && other.birth < self.death
    }
}

#[cfg(test)]
mod tests {
    use super::Recorder;

    #[test]
    fn buffers_that_live_at_the_same_time_do_not_overlap() {
        let mut recorder = Recorder::default();
        let mut live: Vec<usize> = Vec::new();
        let mut lives: Vec<(usize, usize)> = Vec::new();
        let mut seed = 1u64;
        for step in 0..500 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if live.len() > 5 && seed >> 63 == 0 {
                let buffer = live.remove((seed >> 33) as usize % live.len());
                recorder.release(buffer);
                lives[buffer].1 = step;
            } else {
                live.push(recorder.allocate((seed >> 40) as usize % 5000));
                lives.push((step, usize::MAX));
            }
        }
        let total = recorder.total();
        let plan = recorder.plan();
        for (a, x) in plan.places.iter().enumerate() {
            for (b, y) in plan.places[..a].iter().enumerate() {
                let together = lives[a].0 < lives[b].1 && lives[b].0 < lives[a].1;
                let apart = x.0 + x.1 <= y.0 || y.0 + y.1 <= x.0;
                assert!(apart || !together, "{a} and {b}: {x:?} {y:?}");
            }
        }
        assert!(plan.places.iter().all(|place| place.0 % 64 == 0 && place.0 + place.1 <= plan.bytes));
        assert!(plan.bytes < total / 4, "{} of {total}", plan.bytes);
    }

    #[test]
    fn a_buffer_lives_until_its_last_user_leaves() {
        let mut recorder = Recorder::default();
        let first = recorder.allocate(64);
        recorder.retain(first);
        assert!(!recorder.is_unique(first));
        recorder.release(first);
        let second = recorder.allocate(64);
        recorder.release(first);
        let third = recorder.allocate(64);
        let plan = recorder.plan();
        assert_ne!(plan.places[first], plan.places[second]);
        assert_ne!(plan.places[third], plan.places[second]);
        assert_eq!(plan.bytes, 128);
    }
}
