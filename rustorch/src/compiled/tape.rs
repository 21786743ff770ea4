//! A compiled network's node on the tape.

use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;

use super::cache::Plans;
use super::run::{self, Mode};
use super::{Compiled, Grad, Pass};
use crate::autograd::{Ctx, GradOptions, Grads, Saved, enable_grad, grad, record};
use crate::nn::{Entry, visit_parts};
use crate::random::{GeneratorState, default_generator};
use crate::{DType, Error, Result, Tensor, no_grad};

/// A network on the tape.
struct Recorded<M: Compiled> {
    model: M,
    pass: Mutex<Option<Pass>>,
    plans: Arc<Plans>,
    /// The outputs that the node has, by their place among the network's.
    targets: SmallVec<[usize; 4]>,
    /// The inputs, and whether gradients read them.
    inputs: SmallVec<[(Saved, bool); 4]>,
    parameters: Vec<Saved>,
    /// Parameters and buffers that steps have used as tensors and that gradients read.
    states: Vec<Saved>,
    /// Outputs, with their versions, if their values are read again.
    outputs: SmallVec<[(Tensor, u64); 2]>,
    random: GeneratorState,
}

/// Enters the pass into the tape, as one node.
pub(super) fn enter<M: Compiled>(
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
    pass.versions.renew(&parameters);
    let all: SmallVec<[&Tensor; 32]> = inputs.iter().copied().chain(&parameters).collect();
    // An output that depends on nothing that requires a gradient is no part of the tape.
    let targets: SmallVec<[usize; 4]> = (0..outputs.len())
        .filter(|&output| plans.outputs[output].grad && outputs[output].dtype().is_differentiable())
        .collect();
    let tracked: SmallVec<[&Tensor; 4]> = targets.iter().map(|&target| &outputs[target]).collect();
    if tracked.is_empty() {
        model.cache().finish(pass);
        return;
    }
    record("model", &tracked, &all, || {
        let read: SmallVec<_> = match pass.reads_output {
            true => outputs.iter().map(|output| (output.detach(), output.version())).collect(),
            false => SmallVec::new(),
        };
        // The tape must not lead from the node to its own outputs.
        pass.outputs.clear();
        let states = pass.states.iter().filter(|(_, number)| pass.reads(*number));
        let states = states.map(|(state, _)| Saved::input(state)).collect();
        // They are what the pass has held first.
        let read_inputs =
            inputs.iter().enumerate().map(|(number, input)| (Saved::input(input), pass.reads(number)));
        let read_inputs = read_inputs.collect();
        let recorded = Recorded {
            model,
            pass: Mutex::new(Some(pass)),
            plans,
            targets,
            states,
            inputs: read_inputs,
            parameters: parameters.iter().map(Saved::input).collect(),
            outputs: read,
            random,
        };
        Box::new(move |ctx: &Ctx<'_>| recorded.backward(ctx))
    });
}

impl<M: Compiled> Recorded<M> {
    fn backward(&self, ctx: &Ctx<'_>) -> Result<Grads> {
        ctx.reads_saved();
        if ctx.create_graph() {
            // The forward pass is repeated, so that nothing of it may have changed.
            let inputs: SmallVec<[Tensor; 4]> =
                self.inputs.iter().map(|(input, _)| input.unpack(ctx)).collect::<Result<_>>()?;
            let parameters: Vec<Tensor> =
                self.parameters.iter().map(|parameter| parameter.unpack(ctx)).collect::<Result<_>>()?;
            return self.differentiable(ctx, &inputs, &parameters);
        }
        let inputs: SmallVec<[Tensor; 4]> =
            self.inputs.iter().map(|(input, _)| input.now().clone()).collect();
        // Nobody may change what the pass reads while it reads; the versions are those under the locks.
        let states: SmallVec<[Tensor; 4]> =
            self.states.iter().map(|state| state.unpack(ctx)).collect::<Result<_>>()?;
        let read = inputs.iter().chain(&states).chain(self.outputs.iter().map(|(output, _)| output));
        let _guards: SmallVec<[_; 4]> = read.map(|tensor| tensor.storage().read()).collect();
        let read = self.inputs.iter().filter(|(_, is_read)| *is_read).map(|(input, _)| input);
        read.chain(&self.states).try_for_each(|saved| saved.unpack(ctx).map(drop))?;
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
        let plans = self.plans_for(ctx, &inputs)?;
        pass.follow(&plans);
        pass.sides[1].arena = Some(cache.arena(plans.sides[1].plan.bytes)?);
        pass.turn();
        pass.parameters.restart();
        let shapes: SmallVec<[&[usize]; 4]> = inputs.iter().map(Tensor::shape).collect();
        let mut outputs: SmallVec<[Grad; 4]> = SmallVec::from_elem(None, M::OUTPUTS);
        for (index, &target) in self.targets.iter().enumerate() {
            if let Some(grad) = ctx.output_grad(index) {
                let grad = no_grad(|| grad.contiguous());
                outputs[target] = Some(pass.hold(grad, false));
            }
        }
        let mut grads: SmallVec<[Grad; 4]> = SmallVec::from_elem(None, shapes.len());
        let mut versions = std::mem::take(&mut pass.versions);
        let derived = versions.watch(|| self.model.derive(pass, &shapes, &outputs, &mut grads));
        let changed = self.parameters.iter().find(|parameter| versions.has_changed(parameter.now()));
        pass.versions = versions;
        if let Some(changed) = changed {
            changed.unpack(ctx)?;
        }
        derived?;
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
        results.extend(self.parameters.iter().map(|_| None));
        let first = inputs.len();
        pass.parameters.take(|position, grad| results[first + position] = Some(grad));
        if let Some(arena) = pass.sides[1].arena.take() {
            cache.give_back(arena);
        }
        Ok(results)
    }

    /// The plans of a backward pass from those outputs to which a gradient has flowed.
    fn plans_for(&self, ctx: &Ctx<'_>, inputs: &[Tensor]) -> Result<Arc<Plans>> {
        let mut given: SmallVec<[bool; 8]> = SmallVec::from_elem(false, M::OUTPUTS);
        for (index, &target) in self.targets.iter().enumerate() {
            given[target] = ctx.output_grad(index).is_some();
        }
        if given.iter().zip(&self.plans.outputs).all(|(given, output)| *given == output.grad) {
            return Ok(self.plans.clone());
        }
        let mut key: run::Key = SmallVec::from_slice(&self.plans.key);
        key.extend(given.iter().map(|given| usize::from(*given)));
        let wants: SmallVec<[bool; 4]> = (0..inputs.len()).map(|input| ctx.needs(input)).collect();
        self.model
            .cache()
            .plans(&key, || run::plan(&self.model, inputs, &wants, Mode::Recording, Some(&given)))
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
        let given = |index: usize| ctx.output_grad(index);
        let chosen: SmallVec<[usize; 4]> =
            (0..self.targets.len()).filter(|index| given(*index).is_some()).collect();
        let targets: Vec<&Tensor> = chosen.iter().map(|index| &outputs[self.targets[*index]]).collect();
        let weights: Vec<Option<&Tensor>> = chosen.iter().map(|index| given(*index)).collect();
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
