//! Operations that have no kernel in the pass: they run on tensors that share the pass's memory, with a tape of their own.

use super::super::buf::Contents;
use super::super::pass::Island;
use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::autograd::{GradOptions, grad};
use crate::nn::{Entry, Module, visit_parts};
use crate::{DType, Device, Error, Result, Tensor, no_grad};
use smallvec::SmallVec;

impl Pass {
    /// `f` of tensors over the buffers of these shapes; results of `shapes` go to `results`, and hold `contents`: numbers,
    /// where it says nothing. `module` has the parameters that `f` uses besides.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn island(
        &mut self,
        inputs: &[(Buf, &[usize])],
        module: Option<&dyn Module>,
        shapes: &[&[usize]],
        contents: &[Contents],
        results: &mut [Buf],
        f: impl FnOnce(&[Tensor]) -> Result<SmallVec<[Tensor; 2]>>,
    ) -> Result<()> {
        self.decline();
        let first = inputs.first().map(|(input, _)| *input);
        let contents = |result: usize| contents.get(result).copied().unwrap_or(Contents::Numbers);
        let grad = self.recording
            && (0..shapes.len()).any(|result| contents(result).is_differentiable(first))
            && (inputs.iter().any(|(input, _)| input.grad)
                || module.is_some_and(|module| !trained(module).is_empty()));
        for (input, _) in inputs {
            // What the island reads may be saved on its tape.
            self.save(*input, grad);
        }
        if self.planning {
            for (number, (result, shape)) in results.iter_mut().zip(shapes).enumerate() {
                let contents = contents(number);
                let outside = Buf::outside(numel(shape), grad && contents.is_differentiable(first));
                *result = Buf { dtype: contents.dtype(first), ..outside };
            }
            self.islands.push(Island { inputs: Vec::new(), outputs: Vec::new() });
            return Ok(());
        }
        let tensors: Vec<Tensor> = inputs.iter().map(|(input, shape)| self.tensor(*input, shape)).collect();
        let outputs = if grad {
            for (tensor, (input, _)) in tensors.iter().zip(inputs) {
                if input.grad && tensor.dtype().is_differentiable() {
                    tensor.requires_grad_(true)?;
                }
            }
            f(&tensors)?
        } else {
            no_grad(|| f(&tensors))?
        };
        for (number, ((result, output), shape)) in results.iter_mut().zip(&outputs).zip(shapes).enumerate() {
            let contents = contents(number);
            if output.shape() != *shape
                || !contents.allows(output.dtype(), tensors.first().map(Tensor::dtype))
            {
                return Err(Error::argument(
                    "compiled pass",
                    format!(
                        "internal: an operation gave {:?} {} where {shape:?} {contents:?} is declared",
                        output.shape(),
                        output.dtype()
                    ),
                ));
            }
            let own = self.own(output);
            *result = self.hold(own, grad && contents.is_differentiable(first));
        }
        if self.recording {
            let (inputs, outputs) =
                if grad { (tensors, outputs.into_vec()) } else { (Vec::new(), Vec::new()) };
            self.islands.push(Island { inputs, outputs });
        }
        Ok(())
    }

    /// The gradient of [`Pass::island`]: contributions to the gradients of its inputs.
    ///
    /// # Errors
    /// If an operation of the island has no gradient.
    pub fn island_backward(
        &mut self,
        grads: &[Grad],
        module: Option<&dyn Module>,
        shapes: &[&[usize]],
        inputs: &mut [&mut Grad],
    ) -> Result<()> {
        self.unvisited -= 1;
        let at = self.unvisited;
        let mut saved: SmallVec<[Buf; 4]> = (0..inputs.len()).map(|_| self.saved()).collect();
        saved.reverse();
        if grads.iter().all(Option::is_none) {
            return Ok(());
        }
        if self.planning {
            for (input, saved) in inputs.iter_mut().zip(saved).filter(|(_, saved)| saved.grad) {
                self.contribute(input, Some(Buf::outside(saved.len, false)));
            }
            return Ok(());
        }
        let island = &self.islands[at];
        let (outputs, leaves) = (island.outputs.clone(), island.inputs.clone());
        let given: Vec<Option<Tensor>> =
            grads.iter().zip(shapes).map(|(grad, shape)| grad.map(|grad| self.tensor(grad, shape))).collect();
        let chosen =
            || outputs.iter().zip(&given).filter(|(output, grad)| grad.is_some() && output.requires_grad());
        let targets: Vec<&Tensor> = chosen().map(|(output, _)| output).collect();
        let weights: Vec<Option<&Tensor>> = chosen().map(|(_, grad)| grad.as_ref()).collect();
        let parameters = module.map(trained).unwrap_or_default();
        // Of what turned out to be no number there is no gradient, whatever the plan says.
        let is_wanted = |at: usize| saved[at].grad && leaves[at].requires_grad();
        let wanted = (0..leaves.len()).filter(|at| is_wanted(*at)).map(|at| &leaves[at]);
        let sources: Vec<&Tensor> = wanted.chain(&parameters).collect();
        let options = GradOptions { retain_graph: true, allow_unused: true, ..GradOptions::default() };
        let found = match targets.is_empty() {
            true => vec![None; sources.len()],
            false => grad(&targets, &sources, &weights, options)?,
        };
        let mut found = found.into_iter();
        for (position, input) in inputs.iter_mut().enumerate() {
            if saved[position].grad {
                let value = if is_wanted(position) { found.next().flatten() } else { None };
                let value = match value {
                    Some(value) => value,
                    None => Tensor::try_full(leaves[position].shape(), 0.0, DType::F32, Device::Cpu)?,
                };
                let own = self.own(&value);
                let buf = self.hold(own, false);
                self.contribute(input, Some(buf));
            }
        }
        for (parameter, value) in parameters.iter().zip(found) {
            let Some(value) = value else { continue };
            let value = no_grad(|| value.contiguous());
            let len = value.numel();
            self.parameter_grad(Some(parameter), |target| {
                // SAFETY: a gradient has its parameter's shape and dtype, which the entry to the pass has checked.
                unsafe { std::ptr::copy_nonoverlapping(value.host_ptr().cast::<f32>(), target, len) };
            })?;
        }
        Ok(())
    }
}

impl Pass {
    /// The elements of a result in row-major order, and not in an arena, whose buffers end when the plan says so.
    #[inline]
    fn own(&self, result: &Tensor) -> Tensor {
        let arenas = self.sides.iter().filter_map(|side| side.arena.as_ref());
        no_grad(|| match arenas.into_iter().any(|arena| arena.same(result.storage())) {
            true => result.copy().contiguous(),
            false => result.contiguous(),
        })
    }
}

/// The parameters of a module that require gradients.
#[inline]
fn trained(module: &dyn Module) -> SmallVec<[Tensor; 8]> {
    let mut parameters = SmallVec::new();
    let mut keep = |part: Entry<'_>| {
        if let Entry::Parameter(tensor) = part
            && tensor.requires_grad()
        {
            parameters.push(tensor.clone());
        }
    };
    visit_parts(module, &mut keep);
    parameters
}
