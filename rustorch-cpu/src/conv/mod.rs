//! Convolution of images, and its gradients, for f32 and f64, on tensors in row-major order (NCHW).
//!
//! What compiled networks call, per layer:
//!
//! | step | function | working memory |
//! |---|---|---|
//! | once per change of the weights | [`pack`] with [`Direction::Forward`] or [`Direction::InputGrad`] | [`packed_len`] values, the caller's |
//! | forward | [`forward_packed`]: bias, residual, activation ([`Epilogue`]) and 2×2 max pooling ([`Target`]) fused | per thread, kept |
//! | input gradient | [`input_grad_packed`] | per thread, kept |
//! | weight gradient | [`weight_grad()`] | per thread, kept |
//! | bias gradient | [`bias_grad`] | none |
//!
//! [`forward()`] and [`input_grad()`] pack into working memory themselves. Gradients through a fused pooling and ReLU are made by
//! [`halve_backward`](super::pooling::halve_backward), which wants the pooled result and the codes. No function
//! allocates after its first call on a thread but for tables of offsets, of a length of one image's rows.
//!
//! Five algorithms, chosen by the geometry alone (what is not finite goes from Winograd's to the last):
//! - *Pointwise*: a kernel of 1×1 at a stride of 1 is a matrix product per image.
//! - *Winograd* ([`winograd`]): 3×3 at a stride of 1 with 16 channels or more on both sides, at 4 / 9 of the products.
//! - *Depthwise* ([`depthwise`]): one channel in and out of every group, at a stride of 1 or 2, by vectors of columns; the weight
//!   gradient as well.
//! - *Few* ([`few`]): up to 32 products per output, a first layer's, or up to 4 outputs per group, by vectors of pixels.
//! - *Gather* ([`gather`]), for everything else: for a tile of pixels, the kernel reads an input value of each pixel where it
//!   lies, multiplies it with a vector of output channels' weights, and goes on to the next (channel, tap): a matrix
//!   product whose left operand is addressed by two small tables of offsets. The image is only copied, a band of rows at a
//!   time, where it needs a border of zeros ([`planes`]). The weight gradient is the same with the roles of pixels and (channel, tap)
//!   exchanged, and the input gradient the same with the taps turned round.
//!
//! Nothing is unrolled into columns (im2col). Threads share out pixels, channels or images; where a sum is split, it is
//! split by the sizes and joined in order, so results are bit-identical for any number of threads.

mod depthwise;
mod epilogue;
mod few;
mod forward;
mod gather;
mod input_grad;
mod offsets;
mod planes;
mod weight_grad;
mod winograd;

#[cfg(test)]
mod tests;

pub use epilogue::{Epilogue, Target};
pub use weight_grad::bias_grad;

use self::epilogue::finish;
use super::{Isa, gemm, pooling, scratch};

/// The geometry of a two-dimensional convolution; a one-dimensional one has height 1. All tensors are contiguous:
/// input `[batch, in_channels, height, width]`, weight `[out_channels, in_channels / groups, kernel…]`,
/// output `[batch, out_channels, out…]`. Pairs are (vertical, horizontal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Images.
    pub batch: usize,
    /// Channels of the input, a multiple of `groups`.
    pub in_channels: usize,
    /// Channels of the output, a multiple of `groups`.
    pub out_channels: usize,
    /// Groups of channels that see only each other.
    pub groups: usize,
    /// Height and width of the input.
    pub size: [usize; 2],
    /// Height and width of the kernel.
    pub kernel: [usize; 2],
    /// Steps between neighbouring outputs.
    pub stride: [usize; 2],
    /// Zeros before the first row and column; those after the last follow from `out`.
    pub padding: [usize; 2],
    /// Steps between neighbouring taps.
    pub dilation: [usize; 2],
    /// Height and width of the output.
    pub out: [usize; 2],
}

impl Conv2d {
    /// `(size + 2·padding - dilation·(kernel - 1) - 1) / stride + 1`, rounded down; 0 where the kernel does not fit.
    pub fn out_size(size: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> usize {
        (size + 2 * padding).checked_sub(dilation * (kernel - 1) + 1).map_or(0, |room| room / stride + 1)
    }

    /// Input channels of a group.
    pub(super) fn group_in(&self) -> usize {
        self.in_channels / self.groups
    }

    /// Output channels of a group.
    pub(super) fn group_out(&self) -> usize {
        self.out_channels / self.groups
    }

    /// Taps of the kernel.
    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Values of the weight.
    fn weights(&self) -> usize {
        self.out_channels * self.group_in() * self.taps()
    }

    /// Whether it is a matrix product per image: one tap, no border, no steps.
    fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1]
            && self.stride == [1, 1]
            && self.padding == [0, 0]
            && self.size == self.out
            && self.groups == 1
    }
}

/// An element type that convolutions are computed in: f32 or f64.
pub trait Element: gemm::Element + pooling::Number + sealed::Sealed {}
impl<T: gemm::Element + pooling::Number + sealed::Sealed> Element for T {}

mod sealed {
    #[expect(private_bounds, reason = "the point of sealing")]
    pub trait Sealed: super::gemm::Real {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// What packed weights are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// [`forward_packed`].
    Forward,
    /// [`input_grad_packed`].
    InputGrad,
}

/// How a convolution or an input gradient is computed.
enum Algorithm {
    Pointwise,
    Depthwise(depthwise::Plan),
    /// The convolution that is computed, which for an input gradient is another.
    Few(Conv2d),
    Winograd(winograd::Plan),
    Gather,
}

fn algorithm(conv: &Conv2d, direction: Direction) -> Algorithm {
    if let Some(plan) = depthwise::plan(conv, direction) {
        return Algorithm::Depthwise(plan);
    }
    let (few, plan) = match direction {
        Direction::Forward if conv.is_pointwise() => return Algorithm::Pointwise,
        Direction::Forward => (few::forward(conv), winograd::Plan::forward(conv)),
        Direction::InputGrad => (few::input_grad(conv), winograd::Plan::input_grad(conv)),
    };
    few.map(Algorithm::Few).or(plan.map(Algorithm::Winograd)).unwrap_or(Algorithm::Gather)
}

/// How many values [`pack`] writes; depends on the instruction set.
pub fn packed_len<T: Element>(isa: Isa, conv: &Conv2d, direction: Direction) -> usize {
    match (algorithm(conv, direction), direction) {
        (Algorithm::Pointwise | Algorithm::Depthwise(_), _) => conv.weights(),
        (Algorithm::Few(conv), _) => few::packed_len::<T>(isa, &conv),
        (Algorithm::Winograd(plan), _) => winograd::packed_len::<T>(isa, conv, direction, &plan),
        (Algorithm::Gather, Direction::Forward) => conv.groups * forward::group_len::<T>(isa, conv),
        (Algorithm::Gather, Direction::InputGrad) => input_grad::phases_len::<T>(isa, conv),
    }
}

/// Whether packed weights are worth keeping, as packing them takes a part of the time of a small batch.
pub fn is_worth_keeping(conv: &Conv2d, direction: Direction) -> bool {
    matches!(algorithm(conv, direction), Algorithm::Winograd(_) | Algorithm::Gather)
}

entry_points! {
    trait Entry<T> {
        /// Brings the weights into the order in which the kernels read them, on several threads if there are many.
        ///
        /// # Safety
        /// `weight` covers what `conv` describes, `to` has room for [`packed_len`] values of the same arguments.
        pub unsafe fn pack(isa: Isa, conv: &Conv2d, direction: Direction, weight: *const T, to: *mut T) = pack_of;
        /// `y = activation(conv(x, weight) + bias + residual)`.
        ///
        /// # Safety
        /// The pointers cover the tensors that `conv` describes (`bias`: `out_channels`, a residual: the output); `y` overlaps none
        /// of the others and may be uninitialised.
        pub unsafe fn forward(isa: Isa, conv: &Conv2d, x: *const T, weight: *const T, epilogue: &Epilogue<T>, y: *mut T) = forward_of;
        /// [`forward()`] with weights made by [`pack`] for [`Direction::Forward`] on the same instruction set, and with a choice of what is
        /// written.
        ///
        /// # Safety
        /// As for [`forward()`]; `packed` covers [`packed_len`] values. For [`Target::Pooled`], [`can_pool`] holds.
        pub unsafe fn forward_packed(isa: Isa, conv: &Conv2d, x: *const T, packed: *const T, epilogue: &Epilogue<T>, target: Target<T>) = forward_packed_of;
        /// `dx`, the gradient with respect to the input, from `dy`, that with respect to the output.
        ///
        /// # Safety
        /// The pointers cover the tensors that `conv` describes; `dx` overlaps none of the others and may be uninitialised.
        pub unsafe fn input_grad(isa: Isa, conv: &Conv2d, dy: *const T, weight: *const T, dx: *mut T) = input_grad_of;
        /// [`input_grad()`] with weights made by [`pack`] for [`Direction::InputGrad`] on the same instruction set.
        ///
        /// # Safety
        /// As for [`input_grad()`]; `packed` covers [`packed_len`] values.
        pub unsafe fn input_grad_packed(isa: Isa, conv: &Conv2d, dy: *const T, packed: *const T, dx: *mut T) = input_grad_packed_of;
        /// `dw`, the gradient with respect to the weight, from the input and `dy`, the gradient with respect to the output.
        ///
        /// # Safety
        /// The pointers cover the tensors that `conv` describes; `dw` overlaps none of the others and may be uninitialised.
        pub unsafe fn weight_grad(isa: Isa, conv: &Conv2d, x: *const T, dy: *const T, dw: *mut T) = weight_grad_of;
    }
}

/// [`pack()`] of one type.
///
/// # Safety
/// As there.
unsafe fn pack_of<T: Element>(isa: Isa, conv: &Conv2d, direction: Direction, weight: *const T, to: *mut T) {
    let turned = direction == Direction::InputGrad;
    // SAFETY: the caller's promise.
    unsafe {
        match (algorithm(conv, direction), direction) {
            (Algorithm::Pointwise, _) => std::ptr::copy_nonoverlapping(weight, to, conv.weights()),
            (Algorithm::Depthwise(plan), _) => {
                depthwise::pack(conv, turned && matches!(plan, depthwise::Plan::Plain(_)), weight, to);
            }
            (Algorithm::Few(conv), _) => few::pack(isa, &conv, turned, weight, to),
            (Algorithm::Winograd(plan), _) => winograd::pack(isa, conv, direction, &plan, weight, to),
            (Algorithm::Gather, Direction::Forward) => forward::pack_groups(isa, conv, weight, to),
            (Algorithm::Gather, Direction::InputGrad) => input_grad::pack_phases(isa, conv, weight, to),
        }
    }
}

/// [`forward()`] of one type.
///
/// # Safety
/// As there.
unsafe fn forward_of<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    x: *const T,
    weight: *const T,
    epilogue: &Epilogue<T>,
    y: *mut T,
) {
    if conv.is_pointwise() {
        // SAFETY: the caller's promise.
        return unsafe { forward_packed(isa, conv, x, weight, epilogue, Target::Plain(y)) };
    }
    scratch::with(packed_len::<T>(isa, conv, Direction::Forward), |packed: *mut T| {
        // SAFETY: the caller's promise; the buffer has the room that was asked for.
        unsafe {
            pack(isa, conv, Direction::Forward, weight, packed);
            forward_packed(isa, conv, x, packed, epilogue, Target::Plain(y));
        }
    });
}

/// [`forward_packed()`] of one type.
///
/// # Safety
/// As there.
unsafe fn forward_packed_of<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    x: *const T,
    packed: *const T,
    epilogue: &Epilogue<T>,
    target: Target<T>,
) {
    if conv.batch * conv.out_channels * conv.out[0] * conv.out[1] == 0 {
        return;
    }
    // SAFETY: the caller's promise.
    unsafe {
        match algorithm(conv, Direction::Forward) {
            Algorithm::Pointwise => {
                debug_assert!(matches!(target, Target::Plain(_)), "see can_pool");
                forward::pointwise(isa, conv, x, packed, epilogue, target.y());
            }
            Algorithm::Depthwise(_) => match target {
                Target::Plain(y) => depthwise::forward(isa, conv, x, packed, epilogue, y),
                // Weights are packed alike.
                Target::Pooled { .. } => few::run(isa, conv, x, packed, epilogue, target),
            },
            Algorithm::Few(conv) => few::run(isa, &conv, x, packed, epilogue, target),
            Algorithm::Winograd(plan) => {
                winograd::run(isa, conv, Direction::Forward, &plan, x, packed, epilogue, target);
            }
            Algorithm::Gather => {
                let len = forward::group_len::<T>(isa, conv);
                for group in 0..conv.groups {
                    forward::one_group(isa, conv, x, packed.add(group * len), epilogue, target, group);
                }
            }
        }
    }
}

/// Whether [`forward_packed`] can pool its result with these options: output sizes must be even, a residual and
/// activations other than ReLU are not fused with pooling, nor anything with 1×1 kernels at a stride of 1.
pub fn can_pool<T: Element>(conv: &Conv2d, epilogue: &Epilogue<T>) -> bool {
    conv.out.iter().all(|n| n % 2 == 0) && epilogue.is_simple() && !conv.is_pointwise()
}

/// [`input_grad()`] of one type.
///
/// # Safety
/// As there.
unsafe fn input_grad_of<T: Element>(isa: Isa, conv: &Conv2d, dy: *const T, weight: *const T, dx: *mut T) {
    scratch::with(packed_len::<T>(isa, conv, Direction::InputGrad), |packed: *mut T| {
        // SAFETY: the caller's promise; the buffer has the room that was asked for.
        unsafe {
            pack(isa, conv, Direction::InputGrad, weight, packed);
            input_grad_packed(isa, conv, dy, packed, dx);
        }
    });
}

/// [`input_grad_packed()`] of one type.
///
/// # Safety
/// As there.
unsafe fn input_grad_packed_of<T: Element>(
    isa: Isa,
    conv: &Conv2d,
    dy: *const T,
    packed: *const T,
    dx: *mut T,
) {
    if conv.batch * conv.in_channels * conv.size[0] * conv.size[1] == 0 {
        return;
    }
    // SAFETY: the caller's promise.
    unsafe {
        match algorithm(conv, Direction::InputGrad) {
            Algorithm::Depthwise(depthwise::Plan::Plain(conv)) => {
                depthwise::forward(isa, &conv, dy, packed, &Epilogue::NONE, dx);
            }
            Algorithm::Depthwise(depthwise::Plan::Strided) => {
                depthwise::input_grad(isa, conv, dy, packed, dx);
            }
            Algorithm::Few(conv) => few::run(isa, &conv, dy, packed, &Epilogue::NONE, Target::Plain(dx)),
            Algorithm::Winograd(plan) => {
                let target = Target::Plain(dx);
                winograd::run(isa, conv, Direction::InputGrad, &plan, dy, packed, &Epilogue::NONE, target);
            }
            _ => input_grad::run(isa, conv, dy, packed, dx),
        }
    }
}

/// [`weight_grad()`] of one type.
///
/// # Safety
/// As there.
unsafe fn weight_grad_of<T: Element>(isa: Isa, conv: &Conv2d, x: *const T, dy: *const T, dw: *mut T) {
    // SAFETY: the caller's promise.
    unsafe {
        if depthwise::is_depthwise(conv) {
            return depthwise::weight_grad(isa, conv, x, dy, dw);
        }
        match winograd::Plan::forward(conv) {
            // What is not finite may have spread, and is computed again.
            Some(plan) if winograd::weight_grad(isa, conv, &plan, x, dy, dw) => {}
            _ => weight_grad::by_pixels(isa, conv, x, dy, dw),
        }
    }
}

/// The functions of this module for one type.
pub trait Entries<T>: Entry<T> + weight_grad::Entry<T> {}
impl Entries<f32> for f32 {}
impl Entries<f64> for f64 {}
