//! What dropout multiplies by: drawn on the way forward, and drawn again on the way back.

use std::mem::MaybeUninit;

use crate::kernels::random::{Stream, dropout_factors};
use crate::kernels::{parallel, scratch};
use crate::ops::elementwise::chain::Feed;
use crate::random::reserve;
use crate::{Error, Result};

/// Elements whose factors are drawn at a time.
const BLOCK: usize = 1024;

/// The factors of a dropout, as a pass has drawn them.
#[derive(Clone, Copy)]
pub(in super::super) enum Factors {
    All(f32),
    Drawn(Stream, f64),
}

impl Factors {
    /// Draws them for an operation of this name, as [`Tensor::dropout`](crate::Tensor::dropout) does.
    #[inline]
    pub(super) fn draw(op: &'static str, p: f64, training: bool, len: usize) -> Result<Self> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::argument(op, format!("p is {p}, expected a probability from 0 to 1")));
        }
        Ok(match p {
            _ if !training || p == 0.0 => Factors::All(1.0),
            1.0 => Factors::All(0.0),
            _ => Factors::Drawn(reserve(len), 1.0 - p),
        })
    }

    pub(super) fn feed(self) -> Feed {
        match self {
            Factors::All(factor) => Feed::Number(factor),
            Factors::Drawn(stream, keep) => Feed::Dropout(stream, keep),
        }
    }

    /// Multiplies `len` values by them.
    ///
    /// # Safety
    /// The values are readable and writable, and nobody else's meanwhile.
    pub(super) unsafe fn apply(self, values: *mut f32, len: usize) {
        if let Factors::All(1.0) = self {
            return;
        }
        let shared = parallel::Shared(values);
        // A random number costs as much as many simple operations.
        parallel::for_each_chunk(len, parallel::GRAIN / 8, |range| {
            scratch::with(BLOCK, |factors: *mut f32| {
                for start in range.clone().step_by(BLOCK) {
                    let count = BLOCK.min(range.end - start);
                    // SAFETY: the caller's promise; chunks are disjoint, and factors are written before they are read.
                    unsafe {
                        let room = std::slice::from_raw_parts_mut(factors.cast::<MaybeUninit<f32>>(), count);
                        match self {
                            Factors::All(factor) => room.fill(MaybeUninit::new(factor)),
                            Factors::Drawn(stream, keep) => dropout_factors(stream, start, keep, room),
                        }
                        let values = std::slice::from_raw_parts_mut(shared.get().add(start), count);
                        let factors = std::slice::from_raw_parts(factors.cast_const(), count);
                        values.iter_mut().zip(factors).for_each(|(value, factor)| *value *= factor);
                    }
                }
            });
        });
    }
}
