//! Depthwise convolutions: a channel of the result is made of one channel of the input.
//!
//! Planes are copied into working memory where they have a border of zeros, a band of rows at a time; with a horizontal stride of 2,
//! even and odd columns lie apart, so that neighbouring outputs read neighbouring values. Vectors hold neighbouring columns, weights
//! are broadcast, and the taps are a list of offsets: the loops are the same for all kernels.

mod forward;
mod strided;
mod weight_grad;

#[cfg(test)]
mod tests;

use std::ops::Range;

use smallvec::SmallVec;

pub(super) use forward::forward;
pub(super) use strided::input_grad;
pub(super) use weight_grad::weight_grad;

use super::few;
use super::{Conv2d, Direction};
use crate::vector::Vector;
use crate::{Float, Isa};

/// Values of a band's source, to stay in the first-level cache.
const BAND: usize = 5 * 1024;
/// Lanes of the widest vector.
const LANES: usize = 16;
/// Rows computed side by side.
const ROWS: usize = 8;
/// Taps of a kernel, at most.
const MOST: usize = 64;

/// How it is computed.
pub(super) enum Plan {
    /// As this convolution, which for an input gradient is the one with taps turned round.
    Plain(Conv2d),
    /// As the input gradient of a convolution with a stride of 2.
    Strided,
}

/// How a convolution or its input gradient is computed, if it is one for the kernels here.
pub(super) fn plan(conv: &Conv2d, direction: Direction) -> Option<Plan> {
    is_depthwise(conv).then_some(())?;
    match direction {
        Direction::Forward => Some(Plan::Plain(*conv)),
        Direction::InputGrad if conv.stride == [2, 2] => Some(Plan::Strided),
        Direction::InputGrad => few::input_grad(conv).map(Plan::Plain),
    }
}

/// Whether every channel is a group, and the kernels here compute it.
pub(super) fn is_depthwise(conv: &Conv2d) -> bool {
    conv.group_in() == 1
        && conv.group_out() == 1
        && [[1, 1], [2, 2]].contains(&conv.stride)
        && (1..=MOST).contains(&conv.taps())
}

/// Brings the weights into the order in which the taps are read, that of [`few::pack`].
///
/// # Safety
/// As for [`super::pack`].
pub(super) unsafe fn pack<T: Copy>(conv: &Conv2d, turned: bool, weight: *const T, to: *mut T) {
    let taps = conv.taps();
    for (channel, tap) in (0..conv.groups).flat_map(|channel| (0..taps).map(move |tap| (channel, tap))) {
        let from = if turned { taps - 1 - tap } else { tap };
        // SAFETY: the caller's promise.
        unsafe { *to.add(channel * taps + tap) = *weight.add(channel * taps + from) };
    }
}

/// The taps of a kernel, or some of them.
type Taps = SmallVec<[Tap; MOST]>;

/// Where a product's factors lie.
#[derive(Clone, Copy)]
struct Tap {
    /// The number of the weight.
    weight: usize,
    /// From the source of an output to the value that the weight is multiplied by.
    step: usize,
}

/// A plane in working memory.
#[derive(Clone, Copy)]
struct Source {
    /// Rows and columns of the plane.
    size: [usize; 2],
    /// Columns are dealt out to so many parts of a row.
    phases: usize,
    /// Values of such a part.
    phase: usize,
    /// Zeros before the first row and the first column.
    before: [usize; 2],
}

impl Source {
    fn pitch(&self) -> usize {
        self.phases * self.phase
    }

    /// Copies rows of a plane, counted with the zeros before it; the zeros beside them are there already, and those before and after them
    /// where `rows` are all that there are.
    #[inline(always)]
    unsafe fn fill<V: Vector>(
        &self,
        from: *const V::Elem,
        rows: Range<usize>,
        is_whole: bool,
        to: *mut V::Elem,
    ) where
        V::Elem: Float,
    {
        let [height, width] = self.size;
        // SAFETY: the caller's promise.
        unsafe {
            for (at, row) in rows.enumerate() {
                let to = to.add(at * self.pitch());
                let row = row.wrapping_sub(self.before[0]);
                if row >= height {
                    if is_whole {
                        continue;
                    }
                    for i in (0..self.pitch()).step_by(V::LANES) {
                        let n = V::LANES.min(self.pitch() - i);
                        V::splat(V::Elem::ZERO).store_partial(to.add(i), n);
                    }
                    continue;
                }
                let from = from.add(row * width);
                if self.phases == 1 {
                    let to = to.add(self.before[1]);
                    let mut i = 0;
                    while i + V::LANES <= width {
                        V::load(from.add(i)).store(to.add(i));
                        i += V::LANES;
                    }
                    if i < width {
                        V::load_partial(from.add(i), width - i).store(to.add(i));
                    }
                    continue;
                }
                let left = self.before[1];
                let even = to.add(left % 2 * self.phase + left / 2);
                let odd = to.add((left + 1) % 2 * self.phase + left.div_ceil(2));
                for i in (0..width.div_ceil(2)).step_by(V::LANES) {
                    let n = (2 * V::LANES).min(width - 2 * i);
                    let (low, high) = match n == 2 * V::LANES {
                        true => (V::load(from.add(2 * i)), V::load(from.add(2 * i + V::LANES))),
                        false => (
                            V::load_partial(from.add(2 * i), n.min(V::LANES)),
                            V::load_partial(from.wrapping_add(2 * i + V::LANES), n.saturating_sub(V::LANES)),
                        ),
                    };
                    let (low, high) = low.unzip(high);
                    low.store(even.add(i));
                    high.store(odd.add(i));
                }
            }
        }
    }
}

/// The instruction set for rows of this width: where they fit vectors of 256 bits, longer ones would only straddle cache lines.
fn fitting<T>(isa: Isa, width: usize) -> Isa {
    if width * size_of::<T>() <= 32 { isa.min(Isa::Avx2) } else { isa }
}

/// The rows of a source that an output row reads.
fn window(conv: &Conv2d) -> usize {
    (conv.kernel[0] - 1) * conv.dilation[0] + 1
}

/// Rows of a band: whole blocks of `most` rows, if those do not end it. Each reads `step` rows of the source, and the first one `window`.
fn band(source: &Source, most: usize, step: usize, window: usize) -> usize {
    let fit = (BAND / source.pitch()).saturating_sub(window) / step + 1;
    (fit.max(ROWS) / ROWS * ROWS).min(most).max(1)
}

/// The source of a convolution or of a gradient of weights, and its taps.
fn describe(conv: &Conv2d) -> (Source, Taps) {
    let step = conv.stride[1];
    let reach = (conv.kernel[1] - 1) * conv.dilation[1];
    // Whole vectors are written from the first column on, and read at the last output.
    let written = conv.padding[1].div_ceil(step) + conv.size[1].div_ceil(step).next_multiple_of(LANES);
    let read = conv.out[1].next_multiple_of(LANES) + reach / step + 1;
    let source = Source {
        size: conv.size,
        phases: step,
        phase: (written.max(read) + 1).next_multiple_of(LANES),
        before: conv.padding,
    };
    let taps = (0..conv.taps()).map(|weight| {
        let (i, j) = (weight / conv.kernel[1] * conv.dilation[0], weight % conv.kernel[1] * conv.dilation[1]);
        Tap { weight, step: i * source.pitch() + j % step * source.phase + j / step }
    });
    (source, taps.collect())
}
