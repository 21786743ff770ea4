//! Infinities and NaN, which Winograd's transforms would spread: they take differences of neighbours, so that an infinity becomes
//! NaN, and NaN reaches outputs that do not see it.
//!
//! Where filters are not finite once transformed, their packed form holds those of the direct algorithm (gather), marked by
//! its last value. What comes of an input that is not finite is not finite either, so the sums of outputs tell: images whose sums
//! are not are computed again by the direct algorithm, with the filters transformed back. While
//! everything is finite, that costs four additions per 2×2 outputs.

use std::sync::atomic::{AtomicU64, Ordering};

use super::super::{Conv2d, Direction, Element, Epilogue, Target, forward, input_grad};
use super::{Filters, Plan, transform::POINTS};
use crate::gemm::Real;
use crate::{Isa, scratch};

/// Images that are to be computed again; those whose numbers are equal modulo 1024 go together.
#[derive(Default)]
pub(super) struct Suspects([AtomicU64; 16]);

impl Suspects {
    pub fn add(&self, image: usize) {
        self.0[image / 64 % 16].fetch_or(1 << (image % 64), Ordering::Relaxed);
    }

    fn contains(&self, image: usize) -> bool {
        self.0[image / 64 % 16].load(Ordering::Relaxed) & 1 << (image % 64) != 0
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|images| images.load(Ordering::Relaxed) == 0)
    }
}

/// How many values [`pack`] writes.
pub fn packed_len<T: Element>(isa: Isa, conv: &Conv2d, direction: Direction, plan: &Plan) -> usize {
    plan.packed_len(T::kernels(isa)).max(direct_len::<T>(isa, conv, direction)) + 1
}

/// Transforms the filters, or packs them for the direct algorithm if they are not finite.
///
/// # Safety
/// `weight` covers what `conv` describes, of which `plan` is the plan; `to` has room for [`packed_len`] values.
pub unsafe fn pack<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    direction: Direction,
    plan: &Plan,
    weight: *const T,
    to: *mut T,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let finite = super::transform_filters(isa, plan, &filters(conv, direction, weight), to);
        if !finite {
            direct_pack(isa, conv, direction, weight, to);
        }
        let mark = to.add(packed_len::<T>(isa, conv, direction, plan) - 1);
        *mark = if finite { T::default() } else { Real::ONE };
    }
}

/// The convolution, or the input gradient, with filters made by [`pack`].
///
/// # Safety
/// The pointers cover what `conv`, of which `plan` is the plan, describes.
#[expect(clippy::too_many_arguments, reason = "those of `forward_packed`, and what was chosen")]
pub unsafe fn run<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    direction: Direction,
    plan: &Plan,
    x: *const T,
    packed: *const T,
    epilogue: &Epilogue<T>,
    target: Target<T>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if *packed.add(packed_len::<T>(isa, conv, direction, plan) - 1) != T::default() {
            return direct(isa, conv, direction, x, packed, epilogue, target);
        }
        let suspects = super::convolve(isa, plan, x, packed, epilogue, target);
        if !suspects.is_empty() {
            repeat(isa, (conv, direction, plan), x, packed, epilogue, target, &suspects);
        }
    }
}

/// Computes some images again.
#[cold]
unsafe fn repeat<T: Element>(
    isa: Isa,
    (conv, direction, plan): (&Conv2d, Direction, &Plan),
    x: *const T,
    packed: *const T,
    epilogue: &Epilogue<T>,
    target: Target<T>,
    suspects: &Suspects,
) {
    let one = Conv2d { batch: 1, ..*conv };
    let weights = conv.weights().next_multiple_of(16);
    let from = plan.inputs * plan.size[0] * plan.size[1];
    let to = plan.outputs * plan.out[0] * plan.out[1];
    scratch::with(weights + direct_len::<T>(isa, &one, direction), |weight: *mut T| {
        // SAFETY: the buffer has room for both; the rest is the caller's promise.
        unsafe {
            let repacked = weight.add(weights);
            unpack(isa, plan, packed, &filters(conv, direction, weight.cast_const()), weight);
            direct_pack(isa, &one, direction, weight, repacked);
            for image in (0..conv.batch).filter(|&image| suspects.contains(image)) {
                let (x, epilogue) = (x.add(image * from), epilogue.from(0, image * to));
                let target = match target {
                    Target::Plain(y) => Target::Plain(y.add(image * to)),
                    Target::Pooled { y, codes } => Target::Pooled {
                        y: y.add(image * to / 4),
                        codes: codes.map(|codes| codes.add(image * to / 4)),
                    },
                };
                direct(isa, &one, direction, x, repacked, &epilogue, target);
            }
        }
    });
}

/// The filters of a convolution or of its input gradient.
fn filters<T>(conv: &Conv2d, direction: Direction, from: *const T) -> Filters<T> {
    let per_output = conv.in_channels * 9;
    match direction {
        Direction::Forward => Filters { from, input: 9, output: per_output, turned: false },
        Direction::InputGrad => Filters { from, input: per_output, output: 9, turned: true },
    }
}

/// The weights from transformed filters, but for rounding.
unsafe fn unpack<T: Element>(isa: Isa, plan: &Plan, packed: *const T, filters: &Filters<T>, to: *mut T) {
    let kernels = T::kernels(isa);
    let (panel, point) = (kernels.lanes * kernels.tile_vectors, plan.packed_point(kernels));
    for output in 0..plan.outputs {
        let first = output / panel * panel;
        let width = panel.min(plan.outputs - first).next_multiple_of(kernels.lanes);
        for input in 0..plan.inputs {
            let at = first * plan.inputs + input * width + output - first;
            // SAFETY: the caller's promise: the filters of the plan's channels.
            let g: [T; POINTS] = std::array::from_fn(|index| unsafe { *packed.add(index * point + at) });
            let column = |[first, sum, difference, last]: [T; 4]| [first, sum - difference, last];
            let rows: [[T; 3]; 4] = std::array::from_fn(|i| column(std::array::from_fn(|j| g[4 * i + j])));
            for tap in 0..9 {
                let value = column(rows.map(|row| row[tap % 3]))[tap / 3];
                let at = input * filters.input + output * filters.output;
                // SAFETY: as above.
                unsafe { *to.add(at + if filters.turned { 8 - tap } else { tap }) = value };
            }
        }
    }
}

fn direct_len<T: Element>(isa: Isa, conv: &Conv2d, direction: Direction) -> usize {
    match direction {
        Direction::Forward => forward::group_len::<T>(isa, conv),
        Direction::InputGrad => input_grad::phases_len::<T>(isa, conv),
    }
}

unsafe fn direct_pack<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    direction: Direction,
    weight: *const T,
    to: *mut T,
) {
    // SAFETY: the caller's promise.
    unsafe {
        match direction {
            Direction::Forward => forward::pack_groups(isa, conv, weight, to),
            Direction::InputGrad => input_grad::pack_phases(isa, conv, weight, to),
        }
    }
}

unsafe fn direct<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    direction: Direction,
    x: *const T,
    packed: *const T,
    epilogue: &Epilogue<T>,
    target: Target<T>,
) {
    // SAFETY: the caller's promise; a convolution for Winograd has one group.
    unsafe {
        match direction {
            Direction::Forward => forward::one_group(isa, conv, x, packed, epilogue, target, 0),
            Direction::InputGrad => input_grad::run(isa, conv, x, packed, target.y()),
        }
    }
}
