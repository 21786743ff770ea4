//! Whole training steps: forward, loss, backward, clipping, optimiser and schedule in one call.

use std::sync::Arc;

use smallvec::SmallVec;

use super::cache::Plans;
use super::parameters::Parameters;
use super::run::{self, Tensors};
use super::{Buf, Compiled, Criterion, Grad, Pass, Workspace, is_enabled};
use crate::layout::{Dims, Layout};
use crate::optim::scheduler::{Schedule, Scheduler};
use crate::optim::{Clipper, Optimizer};
use crate::storage::Storage;
use crate::{DType, Device, Error, Result, Tensor, enable_grad};

/// A training step of a network declared with `model!`.
///
/// Forward pass, loss, backward pass, gradient clipping, optimiser and schedule in one call, without a tape. After the first
/// step with a shape of batch nothing is allocated for networks whose every operation has a kernel in the compiled
/// pass: gradients stay where they are (`parameter.grad()` shows them), and the optimiser updates all parameters in place.
///
/// ```
/// use rustorch::compiled::TrainStep;
/// use rustorch::prelude::*;
///
/// model! { pub Net: [batch, 2] -> [batch, 2] { Linear(8), Tanh, Linear(2) } }
///
/// rustorch::manual_seed(0);
/// let model = Net::new();
/// let optimiser = optim::AdamW::new(model.parameters(), 0.1);
/// let mut step = TrainStep::new(&model, nn::CrossEntropyLoss::new(), optimiser).clip_grad_norm(1.0);
/// let x = Tensor::from([[0.0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
/// let labels = Tensor::from([0i64, 1, 1, 0]);
/// let first = step.step(&[&x], &labels)?;
/// let last = (0..100).map(|_| step.step(&[&x], &labels)).last().unwrap()?;
/// assert!(last < 0.1 * first);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub struct TrainStep<'m, M, L, O> {
    model: &'m M,
    loss: L,
    optimiser: O,
    max_norm: Option<f64>,
    limit: Option<f64>,
    clipper: Clipper,
    schedule: Option<AfterStep<'m, O>>,
    parameters: Vec<Tensor>,
    pass: Pass,
    space: Workspace,
    /// Whether the network and all its submodels have a compiled pass.
    is_compiled: bool,
    buffers: Buffers,
}

/// Outputs and their gradients, in memory that those of all plans share.
#[derive(Default)]
struct Buffers {
    by_plan: Vec<(Arc<Plans>, [Tensor; 2])>,
    room: Option<[Storage; 2]>,
}

impl Buffers {
    /// Those that are known. What a loss has kept for itself stays as it is.
    fn of(&mut self, plans: &Arc<Plans>) -> Option<[Tensor; 2]> {
        let own = 1 + self.by_plan.len();
        if self.room.iter().flatten().any(|room| room.users() > own) {
            *self = Self::default();
        }
        self.by_plan.iter().find(|(known, _)| Arc::ptr_eq(known, plans)).map(|(_, tensors)| tensors.clone())
    }

    /// Makes the output of this shape, and its gradient.
    #[inline]
    fn make(&mut self, plans: &Arc<Plans>, shape: &[usize]) -> Result<[Tensor; 2]> {
        // Others may have been forgotten.
        self.by_plan.retain(|(known, _)| Arc::strong_count(known) > 1);
        let layout = Layout::contiguous(Dims::from_slice(shape));
        let len = layout.numel();
        let room = match self.room.take() {
            Some(room) if room[0].bytes() >= len * size_of::<f32>() => room,
            _ => {
                self.by_plan.clear();
                let one = || Storage::uninit(len, DType::F32, Device::Cpu);
                [one()?, one()?]
            }
        };
        let tensors =
            room.each_ref().map(|room| Tensor::from_parts(room.clone(), layout.clone(), DType::F32));
        self.room = Some(room);
        self.by_plan.push((plans.clone(), tensors.clone()));
        Ok(tensors)
    }
}

/// What is done to the optimiser after every step.
type AfterStep<'m, O> = Box<dyn FnMut(&mut O) -> Result<()> + Send + 'm>;

impl<'m, M: Compiled, L: Criterion, O: Optimizer> TrainStep<'m, M, L, O> {
    /// Steps of `optimiser` towards a smaller `loss` of `model`, a network with one output.
    pub fn new(model: &'m M, loss: L, optimiser: O) -> Self {
        Self {
            model,
            loss,
            optimiser,
            max_norm: None,
            limit: None,
            clipper: Clipper::default(),
            schedule: None,
            parameters: model.parameters(),
            pass: Pass::new(false, true),
            is_compiled: model.handle().is_some(),
            space: Workspace::default(),
            buffers: Buffers::default(),
        }
    }

    /// Scales all gradients together so that their norm is at most `max_norm`
    /// ([`clip_grad_norm_`](crate::optim::clip_grad_norm_)).
    pub fn clip_grad_norm(mut self, max_norm: f64) -> Self {
        self.max_norm = Some(max_norm);
        self
    }

    /// Limits every element of all gradients to `-limit ..= limit` ([`clip_grad_value_`](crate::optim::clip_grad_value_)), after their
    /// norm where that is limited as well.
    pub fn clip_grad_value(mut self, limit: f64) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Sets the learning rate by a schedule after every step.
    pub fn schedule<S: Schedule + Send + 'm>(mut self, mut scheduler: Scheduler<S>) -> Self {
        self.schedule = Some(Box::new(move |optimiser| scheduler.step(optimiser)));
        self
    }

    /// The optimiser, to look at or to change between steps.
    pub fn optimiser(&mut self) -> &mut O {
        &mut self.optimiser
    }

    /// One step on a batch; returns the loss before it.
    ///
    /// # Errors
    /// If inputs or target do not fit, if the network has several outputs, or if the device fails. Parameters are
    /// unchanged then.
    pub fn step(&mut self, inputs: &[&Tensor], target: &Tensor) -> Result<f32> {
        self.model.check(inputs)?;
        let loss = match self.compiled(inputs, target)? {
            Some(loss) => loss,
            None => self.op_by_op(inputs, target)?,
        };
        if let Some(max_norm) = self.max_norm {
            self.clipper.clip(&self.parameters, max_norm, 2.0)?;
        }
        if let Some(limit) = self.limit {
            self.clipper.limit(&self.parameters, limit)?;
        }
        self.optimiser.step()?;
        if let Some(schedule) = &mut self.schedule {
            schedule(&mut self.optimiser)?;
        }
        Ok(loss)
    }

    /// Gradients by the tape, where the compiled pass does not apply.
    fn op_by_op(&mut self, inputs: &[&Tensor], target: &Tensor) -> Result<f32> {
        self.parameters.iter().try_for_each(|parameter| parameter.set_grad(None))?;
        let outputs: Tensors = enable_grad(|| self.model.eager(inputs))?;
        let [output] = &outputs[..] else { return Err(several(outputs.len())) };
        let loss = enable_grad(|| self.loss.loss(output, target))?;
        loss.backward()?;
        loss.to_dtype(DType::F32).item()
    }

    /// Loss and gradients by the compiled pass, where it applies.
    fn compiled(&mut self, inputs: &[&Tensor], target: &Tensor) -> Result<Option<f32>> {
        let contiguous = inputs.iter().all(|input| input.is_contiguous() && !input.requires_grad());
        // Hooks belong to the tape.
        let hooked = self.parameters.iter().any(Tensor::has_hooks);
        if !self.is_compiled || !is_enabled() || !contiguous || hooked || !run::fits::<M>(inputs) {
            return Ok(None);
        }
        let mut key: run::Key = SmallVec::new();
        let Some(true) = run::survey(self.model, inputs, &mut key) else { return Ok(None) };
        key.push(run::Mode::Recording as usize);
        let model = self.model;
        let shapes: SmallVec<[&[usize]; 4]> = inputs.iter().map(|input| input.shape()).collect();
        let wants: SmallVec<[bool; 4]> = SmallVec::from_elem(false, inputs.len());
        let cache = model.cache();
        let plans = cache.plans(&key, || {
            let given: SmallVec<[Tensor; 4]> = inputs.iter().map(|input| input.detach()).collect();
            run::plan(model, &given, &wants, run::Mode::Recording, None)
        })?;
        // Several outputs, and one that depends on no parameter, are errors of the other path.
        if plans.refusal.is_some() || !plans.outputs.iter().all(|output| output.is_numbers && output.grad) {
            return Ok(None);
        }
        self.pass.restart();
        run::start(model, &mut self.pass, &plans)?;
        let result = self.differentiate(inputs, &shapes, target, &plans);
        for side in &mut self.pass.sides {
            if let Some(arena) = side.arena.take() {
                cache.give_back(arena);
            }
        }
        self.pass.restart();
        result.map(Some)
    }

    fn differentiate(
        &mut self,
        inputs: &[&Tensor],
        shapes: &[&[usize]],
        target: &Tensor,
        plans: &Arc<Plans>,
    ) -> Result<f32> {
        let known = self.buffers.of(plans);
        if let Some([output, _]) = &known {
            self.pass.outputs.push(output.clone());
        }
        let pass = &mut self.pass;
        let mut bufs: SmallVec<[Buf; 4]> = SmallVec::new();
        for input in inputs {
            bufs.push(pass.hold((*input).clone(), false));
        }
        let guards: SmallVec<[_; 4]> = inputs.iter().map(|input| input.storage().read()).collect();
        let mut results = run::results::<M>();
        self.model.run(pass, &bufs, shapes, &mut results)?;
        if pass.outputs.len() != 1 {
            return Err(several(pass.outputs.len()));
        }
        let [output, gradient] = match known {
            Some(known) => known,
            None => {
                let output = pass.outputs[0].clone();
                let [_, gradient] = self.buffers.make(plans, output.shape())?;
                [output, gradient]
            }
        };
        run::settle(&output, &results[0]);
        let loss = self.loss.derive(&output, target, &gradient, &mut self.space)?;
        pass.sides[1].arena = Some(self.model.cache().arena(plans.sides[1].plan.bytes)?);
        pass.turn();
        take_grads(&self.parameters, &mut pass.parameters)?;
        let given = Some(pass.hold(gradient, false));
        let mut grads: SmallVec<[Grad; 4]> = SmallVec::from_elem(None, shapes.len());
        let derived = self.model.derive(pass, shapes, &[given], &mut grads);
        drop(guards);
        derived?;
        let mut result = Ok(());
        let parameters = &self.parameters;
        pass.parameters.take(|position, gradient| {
            if result.is_ok() {
                result = parameters[position].set_grad(Some(gradient));
            }
        });
        result.map(|()| loss)
    }
}

/// Takes the gradients that parameters have from the step before, to be overwritten. One that somebody else holds is left to them.
#[inline]
fn take_grads(parameters: &[Tensor], slots: &mut Parameters) -> Result<()> {
    slots.renew(parameters);
    slots.bind(|position| {
        let parameter = &parameters[position];
        let mut gradient = parameter.grad()?;
        parameter.set_grad(None).ok()?;
        let fits = gradient.is_unshared() && gradient.is_contiguous() && gradient.dtype() == DType::F32;
        fits.then_some(gradient)
    });
    Ok(())
}

#[inline]
fn several(outputs: usize) -> Error {
    Error::argument(
        "TrainStep",
        format!("the network has {outputs} outputs, expected 1: the loss is a function of one"),
    )
}
