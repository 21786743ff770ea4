//! Loops over contiguous lanes: the only code that is compiled once per table entry, dtype and instruction set.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::lanes::{C, F, I};
use crate::DType;
use crate::kernels as isa;

/// The most inputs that an entry has; gradients have one more than the operation, and its output.
pub const MAX_INPUTS: usize = 5;
/// The most scalar parameters that an entry has.
pub const MAX_PARAMS: usize = 4;

/// Scalar parameters of an operation.
pub type Params = [f64; MAX_PARAMS];

/// What a kernel works on: contiguous runs of `len` elements of the compute dtype.
pub struct Args {
    /// Where each input begins.
    pub inputs: [*const u8; MAX_INPUTS],
    /// Where the output begins.
    pub output: *mut u8,
    /// Elements of each.
    pub len: usize,
    /// The scalar parameters.
    pub params: Params,
}

/// A loop for one entry and dtype.
///
/// # Safety
/// The pointers must be valid for `len` elements, aligned, and the output must not overlap an input.
pub type Kernel = unsafe fn(&Args);

/// One lane of an entry: `N` inputs to one output.
pub trait Eval<T, const N: usize> {
    /// The lane of the result.
    type Out: Copy;
    /// The value.
    fn eval(inputs: [T; N], params: &Params) -> Self::Out;
}

/// The loop itself. `#[inline(always)]` lets each caller compile it for its own instruction set, where LLVM turns the
/// branch-free body into SIMD if `SIMD` says so.
#[inline(always)]
unsafe fn lanes<O: Eval<T, N>, T: Copy, const N: usize, const SIMD: bool>(args: &Args) {
    let Args { inputs, output, len, params } = *args;
    let output = output.cast::<O::Out>();
    for i in 0..len {
        isa::keep_small::<SIMD>();
        // SAFETY: the caller promises `len` valid elements behind every pointer.
        unsafe { output.add(i).write(O::eval(load(&inputs, i), &params)) }
    }
}

/// Element `i` of every input, by a plain loop: what iterators and `array::from_fn` are made of would be compiled for every type
/// and number of inputs.
///
/// # Safety
/// All inputs have this element.
#[inline(always)]
unsafe fn load<T: Copy, const N: usize>(inputs: &[*const u8; MAX_INPUTS], i: usize) -> [T; N] {
    let mut values = MaybeUninit::<[T; N]>::uninit();
    #[expect(clippy::needless_range_loop, reason = "iterators are what this does without")]
    for k in 0..N {
        // SAFETY: the caller's promise; `k` is one of the `N` values.
        unsafe { values.as_mut_ptr().cast::<T>().add(k).write(inputs[k].cast::<T>().add(i).read()) };
    }
    // SAFETY: all of them have been written.
    unsafe { values.assume_init() }
}

/// A float loop to be compiled for each instruction set: over `Fused` lanes where multiply and add fuse.
struct Loop<'a, O, Fused, Plain, const N: usize, const IN_WIDE: bool> {
    args: &'a Args,
    types: PhantomData<(O, Fused, Plain)>,
}

impl<O, Fused, Plain, const N: usize, const IN_WIDE: bool> isa::Kernel
    for Loop<'_, O, Fused, Plain, N, IN_WIDE>
where
    O: Eval<Fused, N> + Eval<Plain, N>,
    Fused: Copy,
    Plain: Copy,
{
    type Output = ();
    /// There are hundreds of entries, and double precision waits for memory sooner.
    const WIDE: bool = IN_WIDE && size_of::<Fused>() == 4;
    #[inline(always)]
    fn run<const FMA: bool>(self) {
        // SAFETY: `simd`, which alone makes these, was promised valid arguments.
        unsafe {
            if FMA { lanes::<O, Fused, N, true>(self.args) } else { lanes::<O, Plain, N, false>(self.args) }
        }
    }
}

/// A float loop in the best version for this processor.
unsafe fn simd<O, Fused: Copy, Plain: Copy, const N: usize, const IN_WIDE: bool>(args: &Args)
where
    O: Eval<Fused, N> + Eval<Plain, N>,
{
    isa::isa().run(Loop::<O, Fused, Plain, N, IN_WIDE> { args, types: PhantomData });
}

unsafe fn plain<O: Eval<T, N>, T: Copy, const N: usize>(args: &Args) {
    // SAFETY: as promised by the caller.
    unsafe { lanes::<O, T, N, true>(args) }
}

/// Kernels of entries defined for floats.
pub fn real<O, const N: usize>(dtype: DType) -> Option<Kernel>
where
    O: Eval<F<f32, true>, N> + Eval<F<f32, false>, N> + Eval<F<f64, true>, N> + Eval<F<f64, false>, N>,
{
    match dtype {
        DType::F32 => Some(simd::<O, F<f32, true>, F<f32, false>, N, true>),
        DType::F64 => Some(simd::<O, F<f64, true>, F<f64, false>, N, true>),
        _ => None,
    }
}

/// [`real`] in vectors of 256 bits at most, of entries that have another loop in wider ones.
pub(super) fn narrow<O, const N: usize>(dtype: DType) -> Option<Kernel>
where
    O: Eval<F<f32, true>, N> + Eval<F<f32, false>, N> + Eval<F<f64, true>, N> + Eval<F<f64, false>, N>,
{
    match dtype {
        DType::F32 => Some(simd::<O, F<f32, true>, F<f32, false>, N, false>),
        DType::F64 => Some(simd::<O, F<f64, true>, F<f64, false>, N, false>),
        _ => None,
    }
}

/// Kernels of entries defined for integers.
pub fn integral<O, const N: usize>(dtype: DType) -> Option<Kernel>
where
    O: Eval<I<u8>, N> + Eval<I<i8>, N> + Eval<I<i16>, N> + Eval<I<i32>, N> + Eval<I<i64>, N>,
{
    match dtype {
        DType::U8 => Some(plain::<O, I<u8>, N>),
        DType::I8 => Some(plain::<O, I<i8>, N>),
        DType::I16 => Some(plain::<O, I<i16>, N>),
        DType::I32 => Some(plain::<O, I<i32>, N>),
        DType::I64 => Some(plain::<O, I<i64>, N>),
        _ => None,
    }
}

/// Kernels of entries defined for complex numbers.
pub fn complex<O, const N: usize>(dtype: DType) -> Option<Kernel>
where
    O: Eval<C<f32>, N> + Eval<C<f64>, N>,
{
    match dtype {
        DType::Complex64 => Some(plain::<O, C<f32>, N>),
        DType::Complex128 => Some(plain::<O, C<f64>, N>),
        _ => None,
    }
}

/// What numbers an entry is defined for; each has a trait in [`super::lanes`] and a row of kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// Every dtype; bools compute as 0 and 1.
    Arith,
    /// Every dtype; bools become `I64`, as in powers, but in those by a bool that is a number.
    Power,
    /// Every dtype but bool.
    Numeric,
    /// Integers and floats.
    Quantity,
    /// Integers, floats and bools.
    Ordered,
    /// As `Quantity`, but integers must not be divided by zero.
    Division,
    /// Floats and complex numbers; integers become floats.
    Analytic,
    /// Floats; integers become floats.
    Real,
    /// Single and double precision: what depends on the very bits of a number.
    Wide,
    /// Integers and bools.
    Integral,
}

impl Domain {
    /// The dtype in which an entry computes operands of a common dtype, before [`DType::compute`].
    pub fn promote(self, dtype: DType) -> DType {
        match self {
            Self::Analytic | Self::Real | Self::Wide => dtype.to_float(),
            Self::Power if dtype == DType::Bool => DType::I64,
            Self::Arith
            | Self::Power
            | Self::Numeric
            | Self::Quantity
            | Self::Ordered
            | Self::Division
            | Self::Integral => dtype,
        }
    }

    /// The dtypes for error messages.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Arith | Self::Power => "any dtype",
            Self::Numeric => "any dtype but bool (for which there are `logical_not` and `logical_xor`)",
            Self::Quantity | Self::Division => "an integer or floating-point dtype",
            Self::Ordered | Self::Real => "a real dtype",
            Self::Wide => "float32 or float64",
            Self::Analytic => "a floating-point or complex dtype",
            Self::Integral => "an integer or bool dtype",
        }
    }
}

/// The kernel that copies its input.
pub fn copy(dtype: DType) -> Kernel {
    unsafe fn bytes<const SIZE: usize>(args: &Args) {
        // SAFETY: as promised by the caller of the kernel.
        unsafe { std::ptr::copy_nonoverlapping(args.inputs[0], args.output, args.len * SIZE) }
    }
    match dtype.size() {
        1 => bytes::<1>,
        2 => bytes::<2>,
        4 => bytes::<4>,
        8 => bytes::<8>,
        _ => bytes::<16>,
    }
}
