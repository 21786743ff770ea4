//! Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): a bijection of 128-bit counters,
//! keyed by 64 bits. Number `i` of a stream is computed from `i` alone, so any part of it can be computed anywhere, in
//! any order, on any number of threads, and on a GPU.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;

/// Where a sequence of random numbers begins: a key, and the first of its counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// The key, which `manual_seed` sets.
    pub seed: u64,
    /// The counter of the first block of four words.
    pub offset: u64,
}

impl Stream {
    /// The four words of one block, counted from the start of the stream.
    #[inline]
    pub fn block(self, index: u64) -> [u32; 4] {
        self.blocks::<1>(index).map(|[word]| word)
    }

    /// The words of `W` consecutive blocks, word by word: `[word][block]`, the order in which SIMD lanes compute them.
    #[inline(always)]
    pub(super) fn blocks<const W: usize>(self, first: u64) -> [[u32; W]; 4] {
        let counter = self.offset.wrapping_add(first);
        let mut words = [[0; W]; 4];
        #[expect(clippy::needless_range_loop, reason = "a lane goes through two of the words")]
        for lane in 0..W {
            let counter = counter.wrapping_add(lane as u64);
            words[0][lane] = counter as u32;
            words[1][lane] = (counter >> 32) as u32;
        }
        bijection(words, [self.seed as u32, (self.seed >> 32) as u32])
    }
}

#[inline(always)]
fn bijection<const W: usize>(mut words: [[u32; W]; 4], mut key: [u32; 2]) -> [[u32; W]; 4] {
    for _ in 0..ROUNDS {
        let mut next = [[0; W]; 4];
        for lane in 0..W {
            let first = u64::from(words[0][lane]) * u64::from(MULTIPLIERS[0]);
            let second = u64::from(words[2][lane]) * u64::from(MULTIPLIERS[1]);
            next[0][lane] = (second >> 32) as u32 ^ words[1][lane] ^ key[0];
            next[1][lane] = second as u32;
            next[2][lane] = (first >> 32) as u32 ^ words[3][lane] ^ key[1];
            next[3][lane] = first as u32;
        }
        words = next;
        key = [key[0].wrapping_add(KEY_STEPS[0]), key[1].wrapping_add(KEY_STEPS[1])];
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers of the authors' library Random123.
    #[test]
    fn known_answers() {
        let run = |words: [u32; 4], key| bijection(words.map(|word| [word]), key).map(|[word]| word);
        assert_eq!(run([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(run([!0; 4], [!0; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
        assert_eq!(
            run([0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0]),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn batches_are_consecutive_blocks() {
        let stream = Stream { seed: 0x1234_5678_9abc_def0, offset: u64::from(u32::MAX) - 3 };
        let batch = stream.blocks::<8>(2);
        for lane in 0..8 {
            assert_eq!(batch.map(|word| word[lane]), stream.block(2 + lane as u64));
        }
    }
}
