//! Loops whose expressions call functions that have loops of their own, in vectors of 512 bits ([`crate::kernels::wide`]), which are
//! better code than LLVM makes of one lane. A loop goes in short steps: what these functions are called with first, then they, over
//! the whole step at once, then the rest of the expression, which reads their results as inputs.
//!
//! Where the processor lacks the instructions, the expression is one loop.

use super::chain::{self, EvalAll, Lanes};
use super::kernel::{Args, Eval, Kernel, MAX_INPUTS, Params};
use super::lanes::F;
use crate::DType;
use crate::kernels::{self, run_widest};

/// A function that has a loop of its own.
#[derive(Clone, Copy)]
pub enum Word {
    /// `Φ(x)`
    NormalCdf,
}

/// An expression in parts.
pub trait Words<const K: usize> {
    /// The functions that it calls.
    const WORDS: [Word; K];
    /// Of what: the number of an input, or [`COMPUTED`].
    const INPUTS: [usize; K];
}

/// An argument that is no input as it is.
pub const COMPUTED: usize = usize::MAX;

/// Elements of a step: results and arguments stay in the first-level cache.
const STEP: usize = 256;

impl Word {
    /// `y = f(x)`
    ///
    /// # Safety
    /// The processor has AVX-512; `len` elements are readable and writable, at one place or apart.
    #[inline(always)]
    unsafe fn apply(self, x: *const f32, y: *mut f32, len: usize) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Word::NormalCdf => kernels::wide::normal_cdf(x, y, len),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (x, y, len);
    }
}

/// A loop in steps. `A` gives the arguments of the words; `R` is the rest, of the inputs and then of what the words give.
struct Steps<'a, A, R, const N: usize, const K: usize, const W: usize, const M: usize> {
    inputs: [*const f32; N],
    outputs: [*mut f32; M],
    len: usize,
    params: &'a Params,
    parts: std::marker::PhantomData<(A, R)>,
}

impl<A, R, const N: usize, const K: usize, const W: usize, const M: usize> kernels::Kernel
    for Steps<'_, A, R, N, K, W, M>
where
    A: EvalAll<F<f32, true>, N, K> + Words<K>,
    R: EvalAll<F<f32, true>, W, M>,
{
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { inputs, outputs, len, params, .. } = self;
        let mut words = [[0.0f32; STEP]; K];
        let mut made = [[0.0f32; STEP]; M];
        for first in (0..len).step_by(STEP) {
            let count = STEP.min(len - first);
            // SAFETY: whoever made this has promised `len` elements behind every pointer.
            let input = |k: usize, i: usize| F(unsafe { inputs[k].add(first + i).read() });
            if A::INPUTS.contains(&COMPUTED) {
                for i in 0..count {
                    let arguments = A::eval_all(std::array::from_fn(|k| input(k, i)), params);
                    words.iter_mut().zip(arguments).for_each(|(word, argument)| word[i] = argument.0);
                }
            }
            for ((word, at), values) in A::WORDS.iter().zip(A::INPUTS).zip(&mut words) {
                let to = values.as_mut_ptr();
                let from = if at == COMPUTED { to.cast_const() } else { inputs[at].wrapping_add(first) };
                // SAFETY: these run where the processor has the instructions; a step has as many elements.
                unsafe { word.apply(from, to, count) };
            }
            for i in 0..count {
                let known = std::array::from_fn(|k| if k < N { input(k, i) } else { F(words[k - N][i]) });
                let values = R::eval_all(known, params);
                made.iter_mut().zip(values).for_each(|(made, value)| made[i] = value.0);
            }
            for (made, output) in made.iter().zip(outputs) {
                // SAFETY: as above; what is our own overlaps nothing.
                unsafe { std::ptr::copy_nonoverlapping(made.as_ptr(), output.add(first), count) };
            }
        }
    }
}

/// [`chain::values`] in steps, where the processor has the instructions.
///
/// # Safety
/// See [`chain::Loop`].
pub unsafe fn values_by_words<O, A, R, const N: usize, const K: usize, const W: usize, const M: usize>(
    lanes: &Lanes,
) where
    O: EvalAll<F<f32, true>, N, M> + EvalAll<F<f32, false>, N, M>,
    A: EvalAll<F<f32, true>, N, K> + Words<K>,
    R: EvalAll<F<f32, true>, W, M>,
{
    let (inputs, outputs) = (lanes.inputs::<N>(), lanes.outputs::<M>());
    let parts = std::marker::PhantomData::<(A, R)>;
    let steps =
        Steps::<A, R, N, K, W, M> { inputs, outputs, len: lanes.len(), params: lanes.params(), parts };
    if run_widest(steps).is_none() {
        // SAFETY: the caller's promise.
        unsafe { chain::values_narrow::<O, N, M>(lanes) }
    }
}

/// [`chain::value`] in steps, where the processor has the instructions.
///
/// # Safety
/// See [`chain::Loop`].
pub unsafe fn value_by_words<O, A, R, const N: usize, const K: usize, const W: usize>(lanes: &Lanes)
where
    O: Eval<F<f32, true>, N, Out = F<f32, true>> + Eval<F<f32, false>, N, Out = F<f32, false>>,
    A: EvalAll<F<f32, true>, N, K> + Words<K>,
    R: EvalAll<F<f32, true>, W, 1>,
{
    let (inputs, outputs) = (lanes.inputs::<N>(), lanes.outputs::<1>());
    let parts = std::marker::PhantomData::<(A, R)>;
    let steps =
        Steps::<A, R, N, K, W, 1> { inputs, outputs, len: lanes.len(), params: lanes.params(), parts };
    if run_widest(steps).is_none() {
        // SAFETY: the caller's promise.
        unsafe { chain::value_narrow::<O, N>(lanes) }
    }
}

/// Kernels of an entry defined for floats: [`super::kernel::real`] in steps, in single precision and where the processor has the
/// instructions.
pub fn real_by_words<O, A, R, const N: usize, const K: usize, const W: usize>(dtype: DType) -> Option<Kernel>
where
    O: Eval<F<f32, true>, N> + Eval<F<f32, false>, N> + Eval<F<f64, true>, N> + Eval<F<f64, false>, N>,
    A: EvalAll<F<f32, true>, N, K> + Words<K>,
    R: EvalAll<F<f32, true>, W, 1>,
{
    unsafe fn run<A, R, const N: usize, const K: usize, const W: usize>(args: &Args)
    where
        A: EvalAll<F<f32, true>, N, K> + Words<K>,
        R: EvalAll<F<f32, true>, W, 1>,
    {
        const { assert!(N <= MAX_INPUTS) };
        let inputs = std::array::from_fn(|k| args.inputs[k].cast());
        let (outputs, params) = ([args.output.cast()], &args.params);
        let parts = std::marker::PhantomData::<(A, R)>;
        run_widest(Steps::<A, R, N, K, W, 1> { inputs, outputs, len: args.len, params, parts })
            .expect("chosen where the processor has the instructions");
    }
    if dtype == DType::F32 && kernels::isa() == kernels::Isa::Avx512 {
        return Some(run::<A, R, N, K, W>);
    }
    super::kernel::narrow::<O, N>(dtype)
}
