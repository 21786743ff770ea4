//! Running a compiled network on tensors, and its node on the tape.

use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;

use super::cache::Plans;
use super::{Buf, Compiled, Grad, Pass, is_enabled};
use crate::autograd::{Ctx, GradOptions, Grads, Saved, enable_grad, grad, record};
use crate::nn::{Entry, visit_parts};
use crate::random::{GeneratorState, default_generator};
use crate::{DType, Error, Result, Tensor, is_grad_enabled, no_grad};

/// A few tensors.
pub type Tensors = SmallVec<[Tensor; 2]>;

/// The outputs of a network for these inputs; `None` if the compiled pass does not apply to them.
///
/// # Errors
/// Those of the network's operations.
pub fn forward<M: Compiled>(model: &M, inputs: &[&Tensor]) -> Result<Option<Tensors>> {
    if !is_enabled() {
        return Ok(None);
    }
    if !fits::<M>(inputs) {
        return Ok(None);
    }
    let mut key = Key::new();
    let Some(needed) = survey(model, inputs, &mut key) else { return Ok(None) };
    let recording = is_grad_enabled() && (needed || inputs.iter().any(|input| input.requires_grad()));
    key.push(usize::from(recording));
    let shapes: SmallVec<[&[usize]; 4]> = inputs.iter().map(|input| input.shape()).collect();
    let handle = if recording { model.handle() } else { None };
    if recording && handle.is_none() {
        return Ok(None);
    }
    let raw: SmallVec<[Tensor; 4]> =
        inputs.iter().map(|input| no_grad(|| input.contiguous()).detach()).collect();
    let wants: SmallVec<[bool; 4]> = inputs.iter().map(|input| recording && input.requires_grad()).collect();
    let plans = model.cache().plans(&key, || plan(model, &raw, &shapes, &wants, recording))?;
    let random = default_generator().state();
    let mut pass = model.cache().pass(recording);
    start(model, &mut pass, &plans)?;
    let outputs = no_grad_unless(recording, || execute(model, &mut pass, &raw, &shapes, &wants))?;
    match handle {
        None => model.cache().finish(pass),
        Some(handle) => enter(handle, pass, plans, inputs, &outputs, random),
    }
    Ok(Some(outputs))
}

/// Whether the inputs are what compiled passes work on.
pub(super) fn fits<M: Compiled>(inputs: &[&Tensor]) -> bool {
    inputs.len() == M::INDICES.len()
        && inputs.iter().zip(M::INDICES).all(|(input, is_index)| {
            let dtype = if *is_index { DType::I64 } else { DType::F32 };
            input.device().is_cpu() && input.dtype() == dtype && input.numel() > 0
        })
}

/// Operations outside the arena make tapes of their own while the pass is recorded.
fn no_grad_unless<R>(recording: bool, f: impl FnOnce() -> R) -> R {
    if recording { f() } else { no_grad(f) }
}

/// All that the sequence of buffers of a pass depends on.
pub(super) type Key = SmallVec<[usize; 64]>;

/// The most outputs of a network.
pub(super) const OUTPUTS: usize = 16;

/// Whether any parameter requires a gradient; `None` if the parameters are not what compiled passes work on. Adds to the key all
/// that the sequence of buffers depends on.
pub(super) fn survey<M: Compiled>(model: &M, inputs: &[&Tensor], key: &mut Key) -> Option<bool> {
    for input in inputs {
        key.extend_from_slice(input.shape());
        key.push(usize::MAX - usize::from(input.requires_grad()));
    }
    let (mut fits, mut needed) = (true, false);
    let (mut bits, mut count) = (0usize, 0);
    let mut visit = |part: Entry<'_>| {
        let bit = match part {
            Entry::Parameter(tensor) => {
                fits &= tensor.dtype() == DType::F32 && tensor.device().is_cpu() && tensor.is_contiguous();
                needed |= tensor.requires_grad();
                tensor.requires_grad()
            }
            Entry::Training(training) => training.get(),
            Entry::Buffer(_) | Entry::Module(_) => return,
        };
        bits = bits << 1 | usize::from(bit);
        count += 1;
        if count % 63 == 0 {
            key.push(std::mem::take(&mut bits));
        }
    };
    visit_parts(model, &mut visit);
    key.push(bits);
    (fits && model.fits()).then_some(needed)
}

/// Walks through both directions without computing anything.
pub(super) fn plan<M: Compiled>(
    model: &M,
    inputs: &[Tensor],
    shapes: &[&[usize]],
    wants: &[bool],
    recording: bool,
) -> Result<[super::pass::Planned; 2]> {
    let mut pass = Pass::new(true, recording);
    let bufs = hold(&mut pass, inputs, wants);
    let mut results = [Buf::NONE; OUTPUTS];
    model.run(&mut pass, &bufs, shapes, &mut results)?;
    if recording {
        pass.turn();
        let outputs: SmallVec<[Grad; OUTPUTS]> = results
            .iter()
            .map(|result| result.grad.then_some(Buf { grad: false, ..outside(result.len) }))
            .collect();
        let mut grads: SmallVec<[Grad; 4]> = SmallVec::from_elem(None, shapes.len());
        model.derive(&mut pass, shapes, &outputs, &mut grads)?;
    }
    let planned = pass.into_plans();
    super::explain::log(std::any::type_name::<M>(), M::SCHEDULE, shapes, super::cache::report(&planned));
    Ok(planned)
}

fn outside(len: usize) -> Buf {
    Buf { len, home: super::pass::Home::Tensor(usize::MAX), ..Buf::NONE }
}

fn hold(pass: &mut Pass, inputs: &[Tensor], wants: &[bool]) -> SmallVec<[Buf; 4]> {
    inputs.iter().zip(wants).map(|(input, want)| pass.hold(input.clone(), *want)).collect()
}

/// Gives a pass its plans and arenas.
pub(super) fn start<M: Compiled>(model: &M, pass: &mut Pass, plans: &Plans) -> Result<()> {
    for (side, planned) in pass.sides.iter_mut().zip(&plans.sides) {
        side.plan = planned.plan.clone();
        side.facts = planned.facts.clone();
    }
    pass.sides[0].arena = Some(model.cache().arena(plans.sides[0].plan.bytes)?);
    Ok(())
}

pub(super) fn execute<M: Compiled>(
    model: &M,
    pass: &mut Pass,
    inputs: &[Tensor],
    shapes: &[&[usize]],
    wants: &[bool],
) -> Result<Tensors> {
    let bufs = hold(pass, inputs, wants);
    // Parameters lock themselves while they are read; inputs stay locked throughout.
    let _guards: SmallVec<[_; 4]> = inputs.iter().map(|input| input.storage().read()).collect();
    let mut results = [Buf::NONE; OUTPUTS];
    model.run(pass, &bufs, shapes, &mut results)?;
    // Handles of their own: the pass must not refer to the tape that will refer to it.
    let outputs: Tensors = pass.outputs.iter().map(Tensor::detach).collect();
    for (output, result) in outputs.iter().zip(&results) {
        settle(output, result);
    }
    Ok(outputs)
}

/// Puts a result into its output tensor, if it has not been computed there.
pub(super) fn settle(output: &Tensor, result: &Buf) {
    if result.ptr != output.host_ptr() {
        debug_assert_eq!(result.len, output.numel());
        // SAFETY: the result has the output's shape; the output belongs to the pass.
        unsafe { std::ptr::copy_nonoverlapping(result.f32(), output.host_ptr().cast(), output.numel()) };
    }
}

/// A network on the tape.
struct Recorded<M: Compiled> {
    model: M,
    pass: Mutex<Option<Pass>>,
    plans: Arc<Plans>,
    inputs: SmallVec<[Saved; 4]>,
    parameters: Vec<Saved>,
    /// Outputs, with their versions, if their values are read again.
    outputs: SmallVec<[(Tensor, u64); 2]>,
    random: GeneratorState,
}

/// Enters the pass into the tape, as one node.
fn enter<M: Compiled>(
    model: M,
    mut pass: Pass,
    plans: Arc<Plans>,
    inputs: &[&Tensor],
    outputs: &[Tensor],
    random: GeneratorState,
) {
    let mut parameters: Vec<Tensor> = Vec::new();
    visit_parts(&model, &mut |part| {
        if let Entry::Parameter(tensor) = part {
            parameters.push(tensor.clone());
        }
    });
    parameters.sort_unstable_by_key(Tensor::id);
    parameters.dedup_by_key(|parameter| parameter.id());
    pass.parameters.renew(&parameters);
    let all: SmallVec<[&Tensor; 32]> = inputs.iter().copied().chain(&parameters).collect();
    let targets: SmallVec<[&Tensor; 2]> = outputs.iter().collect();
    record("model", &targets, &all, || {
        let read: SmallVec<_> = match pass.reads_output {
            true => outputs.iter().map(|output| (output.detach(), output.version())).collect(),
            false => SmallVec::new(),
        };
        // The tape must not lead from the node to its own outputs.
        pass.outputs.clear();
        let recorded = Recorded {
            model,
            pass: Mutex::new(Some(pass)),
            plans,
            inputs: inputs.iter().copied().map(Saved::input).collect(),
            parameters: parameters.iter().map(Saved::input).collect(),
            outputs: read,
            random,
        };
        Box::new(move |ctx: &Ctx<'_>| recorded.backward(ctx))
    });
}

impl<M: Compiled> Recorded<M> {
    fn backward(&self, ctx: &Ctx<'_>) -> Result<Grads> {
        let inputs: SmallVec<[Tensor; 4]> =
            self.inputs.iter().map(|input| input.unpack(ctx)).collect::<Result<_>>()?;
        let parameters: Vec<Tensor> =
            self.parameters.iter().map(|parameter| parameter.unpack(ctx)).collect::<Result<_>>()?;
        if ctx.create_graph() {
            return self.differentiable(ctx, &inputs, &parameters);
        }
        // Nobody may change what the pass reads while it reads; the versions are those under the locks.
        let read = inputs.iter().chain(self.outputs.iter().map(|(output, _)| output));
        let _guards: SmallVec<[_; 4]> = read.map(|tensor| tensor.storage().read()).collect();
        self.inputs.iter().try_for_each(|input| input.unpack(ctx).map(drop))?;
        if let Some((output, version)) =
            self.outputs.iter().find(|(output, version)| output.version() != *version)
        {
            return Err(Error::Autograd(format!(
                "an output of shape {:?} that the model saved for its gradient was modified by an in-place operation: \
                 it is at version {}, expected version {version}",
                output.shape(),
                output.version()
            )));
        }
        let mut guard = self.pass.lock();
        let pass =
            guard.as_mut().ok_or_else(|| Error::Autograd("internal: the pass of a model is gone".into()))?;
        let cache = self.model.cache();
        pass.sides[1].arena = Some(cache.arena(self.plans.sides[1].plan.bytes)?);
        pass.turn();
        pass.parameters.restart();
        let shapes: SmallVec<[&[usize]; 4]> = inputs.iter().map(Tensor::shape).collect();
        let mut outputs: SmallVec<[Grad; 2]> = SmallVec::new();
        for index in 0..ctx.node.outputs.len() {
            let grad = no_grad(|| Ok::<_, Error>(ctx.output_grad_or_zeros(index)?.contiguous()))?;
            outputs.push(Some(pass.hold(grad, false)));
        }
        let mut grads: SmallVec<[Grad; 4]> = SmallVec::from_elem(None, shapes.len());
        self.model.derive(pass, &shapes, &outputs, &mut grads)?;
        let mut results = Grads::new();
        for (position, (grad, input)) in grads.iter().zip(&inputs).enumerate() {
            results.push(match grad {
                Some(grad) if ctx.needs(position) => {
                    let copy = Tensor::uninit(input.shape(), DType::F32, input.device())?;
                    // SAFETY: the gradient of an input has its shape; the copy is fresh.
                    unsafe { std::ptr::copy_nonoverlapping(grad.f32(), copy.host_ptr().cast(), grad.len) };
                    Some(copy)
                }
                _ => None,
            });
        }
        results.extend(parameters.iter().map(|_| None));
        let first = inputs.len();
        pass.parameters.take(|position, grad| results[first + position] = Some(grad));
        if let Some(arena) = pass.sides[1].arena.take() {
            cache.give_back(arena);
        }
        Ok(results)
    }

    /// The gradients by the op-by-op pass, which can be differentiated again.
    fn differentiable(&self, ctx: &Ctx<'_>, inputs: &[Tensor], parameters: &[Tensor]) -> Result<Grads> {
        let now = default_generator().state();
        let mut kept: Vec<(Tensor, Tensor, u64)> = Vec::new();
        visit_parts(&self.model, &mut |part| {
            if let Entry::Buffer(buffer) = part {
                kept.push((buffer.clone(), no_grad(|| buffer.copy()), buffer.version()));
            }
        });
        default_generator().set_state(self.random);
        let given: SmallVec<[&Tensor; 4]> = inputs.iter().collect();
        let outputs = enable_grad(|| self.model.eager(&given));
        default_generator().set_state(now);
        // The pass has happened once: running statistics count it once.
        for (buffer, copy, version) in kept {
            if buffer.version() != version {
                no_grad(|| buffer.copy_(&copy))?;
            }
        }
        let outputs = outputs?;
        let mut weights: SmallVec<[Tensor; 2]> = SmallVec::new();
        for index in 0..outputs.len() {
            weights.push(ctx.output_grad_or_zeros(index)?);
        }
        let targets: Vec<&Tensor> = outputs.iter().collect();
        let weights: Vec<Option<&Tensor>> = weights.iter().map(Some).collect();
        let all = || inputs.iter().chain(parameters).enumerate();
        let sources: Vec<&Tensor> =
            all().filter(|(position, _)| ctx.needs(*position)).map(|(_, tensor)| tensor).collect();
        let options = GradOptions { create_graph: true, allow_unused: true, ..GradOptions::default() };
        let mut found = grad(&targets, &sources, &weights, options)?.into_iter();
        Ok(all()
            .map(|(position, _)| if ctx.needs(position) { found.next().flatten() } else { None })
            .collect())
    }
}

impl<M: Compiled> Drop for Recorded<M> {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.get_mut().take() {
            self.model.cache().finish(pass);
        }
    }
}

/// Checks the number of inputs.
///
/// # Errors
/// If it is another one.
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
