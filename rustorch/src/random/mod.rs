//! Random numbers (`torch.random`): seeds, generators, and the functions that make random tensors.
//!
//! The generator is Philox 4x32-10, which computes number `i` from `i` and a key. Each call reserves a range of
//! counters and fills its elements from there, so the numbers of a seed depend on the order of calls but not on the
//! number of threads or on the device.

mod create;
mod inplace;
mod law;
mod sample;

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use parking_lot::Mutex;

use crate::kernels::random::Stream;
pub(crate) use law::{draw_normal, draw_uniform};

/// A source of random numbers (`torch.Generator`). It can be shared among threads.
///
/// ```
/// use rustorch::random::Generator;
/// let generator = Generator::new(42);
/// let state = generator.state();
/// let first = generator.permutation(10);
/// generator.set_state(state);
/// assert_eq!(generator.permutation(10), first);
/// ```
#[derive(Debug)]
pub struct Generator(Mutex<GeneratorState>);

/// Where a [`Generator`] stands: what to save so as to go on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GeneratorState {
    /// The seed.
    pub seed: u64,
    /// The number of blocks of 128 bits that have been used.
    pub offset: u64,
}

static DEFAULT: LazyLock<Generator> = LazyLock::new(|| Generator::new(entropy()));

/// Seeds the default generator, from which all functions without a generator of their own take their numbers
/// (`torch.manual_seed`). The same seed gives the same numbers with any
/// number of threads; across processors, normal numbers may differ in the last digit.
///
/// ```
/// use rustorch::{Tensor, manual_seed};
/// manual_seed(0);
/// let first = Tensor::rand([3]).to_vec::<f32>()?;
/// manual_seed(0);
/// assert_eq!(Tensor::rand([3]).to_vec::<f32>()?, first);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn manual_seed(seed: u64) {
    DEFAULT.manual_seed(seed);
}

/// Seeds the default generator from the operating system's entropy and returns the seed (`torch.seed`).
#[inline]
pub fn seed() -> u64 {
    let seed = entropy();
    manual_seed(seed);
    seed
}

/// The seed of the default generator (`torch.initial_seed`).
#[inline]
pub fn initial_seed() -> u64 {
    DEFAULT.state().seed
}

/// The generator behind [`Tensor::rand`](crate::Tensor::rand) and the others (`torch.default_generator`). Unless
/// [`manual_seed`] was called, its seed comes from the operating system.
pub fn default_generator() -> &'static Generator {
    &DEFAULT
}

/// A number that differs from run to run: the standard library seeds its hash maps by the system's entropy.
fn entropy() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

impl Generator {
    /// A generator with a seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(GeneratorState { seed, offset: 0 }))
    }

    /// Starts again, from another seed (`torch.Generator.manual_seed`).
    #[inline]
    pub fn manual_seed(&self, seed: u64) {
        self.set_state(GeneratorState { seed, offset: 0 });
    }

    /// Where the generator stands (`torch.Generator.get_state`).
    pub fn state(&self) -> GeneratorState {
        *self.0.lock()
    }

    /// Goes on from where [`Generator::state`] was called (`torch.Generator.set_state`).
    pub fn set_state(&self, state: GeneratorState) {
        *self.0.lock() = state;
    }

    /// Numbers for `elements` elements of up to 64 random bits each, which no other call receives.
    #[inline]
    pub(crate) fn reserve(&self, elements: usize) -> Stream {
        // Two elements per block at least, so this covers every distribution.
        let blocks = (elements as u64).div_ceil(2);
        let mut state = self.0.lock();
        let stream = Stream { seed: state.seed, offset: state.offset };
        state.offset = state.offset.wrapping_add(blocks);
        stream
    }

    /// A random order of the numbers `0 .. len`, each order being equally likely.
    pub fn permutation(&self, len: usize) -> Vec<usize> {
        let stream = self.reserve(len);
        let mut order: Vec<usize> = (0..len).collect();
        // Fisher and Yates: position i receives one of those that are left.
        for i in (1..len).rev() {
            let [a, b, c, d] = stream.block(i as u64 / 2);
            let word = if i % 2 == 0 {
                u64::from(a) << 32 | u64::from(b)
            } else {
                u64::from(c) << 32 | u64::from(d)
            };
            order.swap(i, ((u128::from(word) * (i as u128 + 1)) >> 64) as usize);
        }
        order
    }
}

/// Numbers of the default generator for kernels that draw on their own: see [`crate::kernels::random`].
#[inline]
pub(crate) fn reserve(elements: usize) -> Stream {
    DEFAULT.reserve(elements)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, Tensor};

    #[test]
    fn calls_receive_disjoint_ranges() {
        let generator = Generator::new(1);
        let first = generator.reserve(5);
        assert_eq!(generator.reserve(1).offset, first.offset + 3);
    }

    #[test]
    fn permutations_are_permutations_and_uniform() {
        let generator = Generator::new(3);
        let mut seen = [0usize; 6];
        for _ in 0..6000 {
            let order = generator.permutation(3);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2]);
            seen[order[0] * 2 + usize::from(order[1] > order[2])] += 1;
        }
        assert!(seen.iter().all(|&count| (880..1120).contains(&count)), "{seen:?}");
    }

    #[test]
    fn every_float_dtype_stays_inside_its_bounds() {
        for dtype in [DType::F16, DType::BF16, DType::F32, DType::F64] {
            let x = Tensor::rand_with([1 << 14], dtype).to_dtype(DType::F64).to_vec::<f64>().unwrap();
            assert!(x.iter().all(|x| (0.0..1.0).contains(x)), "{dtype}");
        }
    }
}
