//! Running a compiled network on tensors.

use smallvec::SmallVec;

use super::cache::{Output, Plans};
use super::{Buf, Compiled, Grad, Pass, is_enabled, tape};
use crate::nn::{Entry, visit_parts};
use crate::random::default_generator;
use crate::{DType, Error, Result, Tensor, is_grad_enabled, no_grad};

/// A few tensors.
pub type Tensors = SmallVec<[Tensor; 2]>;

/// The outputs of a network for these inputs; `None` if the compiled pass does not apply to them.
///
/// # Errors
/// Those of the network's operations.
pub fn forward<M: Compiled>(model: &M, inputs: &[&Tensor]) -> Result<Option<Tensors>> {
    if !is_enabled() || !fits::<M>(inputs) {
        return Ok(None);
    }
    let mut key = Key::new();
    let Some(needed) = survey(model, inputs, &mut key) else { return Ok(None) };
    let recording = is_grad_enabled() && (needed || inputs.iter().any(|input| input.requires_grad()));
    let mode = if recording { Mode::Recording } else { Mode::Inference };
    key.push(mode as usize);
    let handle = if recording { model.handle() } else { None };
    if recording && handle.is_none() {
        return Ok(None);
    }
    let raw: SmallVec<[Tensor; 4]> =
        inputs.iter().map(|input| no_grad(|| input.contiguous()).detach()).collect();
    let wants: SmallVec<[bool; 4]> = inputs.iter().map(|input| recording && input.requires_grad()).collect();
    let plans = model.cache().plans(&key, || plan(model, &raw, &wants, mode, None))?;
    if plans.refusal.is_some() {
        return Ok(None);
    }
    let random = default_generator().state();
    let mut pass = model.cache().pass(recording);
    start(model, &mut pass, &plans)?;
    let outputs = no_grad_unless(recording, || execute(model, &mut pass, &raw, &wants))?;
    match handle {
        None => model.cache().finish(pass),
        Some(handle) => tape::enter(handle, pass, plans, inputs, &outputs, random),
    }
    Ok(Some(outputs))
}

/// What a pass is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Outputs alone, in tensors of their own.
    Inference,
    /// Outputs, and gradients later.
    Recording,
    /// Outputs that are copied to where somebody wants them.
    Copying,
}

/// Whether the inputs may be what compiled passes work on. Planning looks closer.
pub(super) fn fits<M: Compiled>(inputs: &[&Tensor]) -> bool {
    inputs.len() == M::INPUTS
        && inputs.iter().all(|input| input.device().is_cpu() && is_known(input.dtype()) && input.numel() > 0)
}

/// Dtypes that together with `f32` give `f32`.
fn is_known(dtype: DType) -> bool {
    dtype == DType::F32 || !dtype.is_differentiable()
}

/// Operations outside the arena make tapes of their own while the pass is recorded.
fn no_grad_unless<R>(recording: bool, f: impl FnOnce() -> R) -> R {
    if recording { f() } else { no_grad(f) }
}

/// All that the sequence of buffers of a pass depends on.
pub(super) type Key = SmallVec<[usize; 64]>;

/// A word of a key, as far as it has been filled.
#[derive(Default)]
struct Word {
    bits: usize,
    count: usize,
}

impl Word {
    /// Adds a digit below 16.
    fn push(&mut self, key: &mut Key, digit: usize) {
        self.bits = self.bits << 4 | digit;
        self.count += 1;
        if self.count == 15 {
            self.end(key);
        }
    }

    fn end(&mut self, key: &mut Key) {
        // The count tells a word that begins with zeros from a shorter one.
        key.push(self.bits << 4 | self.count);
        *self = Self::default();
    }
}

/// Whether any parameter requires a gradient; `None` if the parameters are not what compiled passes work on. Adds to the key all
/// that the sequence of buffers depends on.
pub(super) fn survey<M: Compiled>(model: &M, inputs: &[&Tensor], key: &mut Key) -> Option<bool> {
    for input in inputs {
        key.extend_from_slice(input.shape());
        key.push(usize::MAX - (input.dtype() as usize * 2 + usize::from(input.requires_grad())));
    }
    let (mut fits, mut needed) = (true, false);
    let mut word = Word::default();
    let mut visit = |part: Entry<'_>| {
        let digit = match part {
            Entry::Parameter(tensor) => {
                fits &= tensor.dtype() == DType::F32 && tensor.device().is_cpu() && tensor.is_contiguous();
                // Kernels count rows by dividing by the size of an axis.
                fits &= tensor.numel() > 0;
                needed |= tensor.requires_grad();
                usize::from(tensor.requires_grad())
            }
            Entry::Buffer(tensor) => {
                fits &= is_known(tensor.dtype()) && tensor.device().is_cpu() && tensor.is_contiguous();
                fits &= !tensor.requires_grad();
                match tensor.dtype() {
                    DType::F32 => 2,
                    DType::I64 => 3,
                    DType::Bool => 4,
                    _ => 5,
                }
            }
            Entry::Training(training) => 6 + usize::from(training.get()),
            Entry::Absent => 8,
            Entry::Module(_) => return,
        };
        word.push(key, digit);
    };
    visit_parts(model, &mut visit);
    word.end(key);
    (fits && model.fits()).then_some(needed)
}

/// Walks through both directions without computing anything. `given` says which outputs have a gradient; without it, all
/// that can.
pub(super) fn plan<M: Compiled>(
    model: &M,
    inputs: &[Tensor],
    wants: &[bool],
    mode: Mode,
    given: Option<&[bool]>,
) -> Result<Plans> {
    let mut pass = Pass::new(true, mode == Mode::Recording);
    pass.is_copied = mode == Mode::Copying;
    let shapes: SmallVec<[&[usize]; 4]> = inputs.iter().map(Tensor::shape).collect();
    let bufs = hold(&mut pass, inputs, wants);
    let mut results = results::<M>();
    let walked = model.run(&mut pass, &bufs, &shapes, &mut results);
    if let Some(why) = pass.refusal.take() {
        return Ok(Plans {
            key: Vec::new(),
            sides: pass.into_plans(),
            outputs: SmallVec::new(),
            refusal: Some(why),
        });
    }
    walked?;
    if mode == Mode::Recording {
        pass.turn();
        let outputs: SmallVec<[Grad; OUTPUTS]> = results
            .iter()
            .enumerate()
            .map(|(number, result)| {
                let is_given = given.is_none_or(|given| given[number]);
                (result.grad && is_given).then_some(Buf::outside(result.len, false))
            })
            .collect();
        let mut grads: SmallVec<[Grad; 4]> = SmallVec::from_elem(None, shapes.len());
        model.derive(&mut pass, &shapes, &outputs, &mut grads)?;
    }
    let outputs =
        results.iter().map(|result| Output { is_numbers: result.is_numbers(), grad: result.grad }).collect();
    let sides = pass.into_plans();
    super::explain::log(std::any::type_name::<M>(), M::SCHEDULE, &shapes, super::cache::report(&sides));
    Ok(Plans { key: Vec::new(), sides, outputs, refusal: None })
}

/// Outputs of a network that need no memory of the heap.
const OUTPUTS: usize = 8;

/// Room for the results of a network.
pub(super) fn results<M: Compiled>() -> SmallVec<[Buf; OUTPUTS]> {
    SmallVec::from_elem(Buf::NONE, M::OUTPUTS)
}

pub(super) fn hold(pass: &mut Pass, inputs: &[Tensor], wants: &[bool]) -> SmallVec<[Buf; 4]> {
    inputs.iter().zip(wants).map(|(input, want)| pass.hold(input.clone(), *want)).collect()
}

/// Gives a pass its plans and arenas.
pub(super) fn start<M: Compiled>(model: &M, pass: &mut Pass, plans: &Plans) -> Result<()> {
    pass.follow(plans);
    pass.sides[0].arena = Some(model.cache().arena(plans.sides[0].plan.bytes)?);
    Ok(())
}

pub(super) fn execute<M: Compiled>(
    model: &M,
    pass: &mut Pass,
    inputs: &[Tensor],
    wants: &[bool],
) -> Result<Tensors> {
    let shapes: SmallVec<[&[usize]; 4]> = inputs.iter().map(Tensor::shape).collect();
    let bufs = hold(pass, inputs, wants);
    let mut results = results::<M>();
    // Parameters lock themselves while they are read; inputs stay locked throughout.
    let guards: SmallVec<[_; 4]> = inputs.iter().map(|input| input.storage().read()).collect();
    model.run(pass, &bufs, &shapes, &mut results)?;
    for (number, result) in results.iter().enumerate() {
        if pass.numeric[number] {
            settle(&pass.outputs[number], result);
        } else {
            let output = pass.tensor(*result, pass.outputs[number].shape());
            pass.outputs[number] = no_grad(|| output.copy());
        }
    }
    drop(guards);
    pass.unlock();
    // Handles of their own: the pass must not refer to the tape that will refer to it.
    Ok(pass.outputs.iter().map(Tensor::detach).collect())
}

/// Puts a result into its output tensor, if it has not been computed there.
pub(super) fn settle(output: &Tensor, result: &Buf) {
    if result.ptr != output.host_ptr() {
        debug_assert_eq!(result.len, output.numel());
        // SAFETY: the result has the output's shape; the output belongs to the pass.
        unsafe { std::ptr::copy_nonoverlapping(result.f32(), output.host_ptr().cast(), output.numel()) };
    }
}

/// Checks the number of inputs.
///
/// # Errors
/// If it is another one.
#[inline]
pub fn check_count(model: &'static str, given: usize, expected: usize) -> Result<()> {
    match given == expected {
        true => Ok(()),
        false => Err(Error::argument(model, format!("takes {expected} inputs, not {given}"))),
    }
}

/// Checks the number of axes of an input.
///
/// # Errors
/// If it is another one.
#[inline]
pub fn check_rank(model: &'static str, name: &str, input: &Tensor, rank: usize) -> Result<()> {
    match input.rank() == rank {
        true => Ok(()),
        false => Err(Error::argument(
            model,
            format!("the input `{name}` has shape {:?}, expected {rank} axes", input.shape()),
        )),
    }
}

/// Whether a parameter has this shape. One that is missing, as a bias may be, has any.
pub fn has_shape<'a>(parameter: impl Into<Option<&'a Tensor>>, shape: &[usize]) -> bool {
    parameter.into().is_none_or(|parameter| parameter.shape() == shape)
}

/// A layer whose parameters kernels read.
pub trait Read {
    /// Its weight and its bias, if it has them.
    fn read(&self) -> [Option<&Tensor>; 2];
}

macro_rules! read {
    ($($layer:ident $(, $bias:ident)?;)*) => {
        $(impl Read for crate::nn::$layer {
            fn read(&self) -> [Option<&Tensor>; 2] {
                [(&self.weight).into(), [$((&self.$bias).into(),)? None][0]]
            }
        })*
    };
}

read! {
    Linear, bias;
    Conv1d, bias;
    Conv2d, bias;
    Conv3d, bias;
    ConvTranspose1d, bias;
    ConvTranspose2d, bias;
    ConvTranspose3d, bias;
    LayerNorm, bias;
    RMSNorm;
    GroupNorm, bias;
    Embedding;
}

/// Whether a layer has no other parameters than it was declared with, and these have these shapes, as [`has_shape`].
pub fn has_shapes(layer: &impl Read, shapes: &[&[usize]]) -> bool {
    layer.read().into_iter().enumerate().all(|(at, parameter)| match shapes.get(at) {
        Some(shape) => has_shape(parameter, shape),
        None => parameter.is_none(),
    })
}
