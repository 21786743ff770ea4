//! The linear map, with an activation while the result is in the cache.

use super::super::{Buf, Grad, Pass};
use super::elementwise::{Unary, apply, derive, operators};
use super::{read, read_option, sum_rows, wants};
use crate::kernels::gemm::{Activation, Bias, Ending, Epilogue, MatMut, MatRef, Part, Product};
use crate::kernels::isa;
use crate::kernels::parallel::Shared;
use crate::ops::elementwise::chain::runs;
use crate::{Result, Tensor, nn};

/// The activation as the product's own last step, if it has it.
pub(super) fn fused(op: Unary) -> Option<Activation> {
    let all = [
        (&operators::relu, Activation::Relu),
        (&operators::sigmoid, Activation::Sigmoid),
        (&operators::tanh, Activation::Tanh),
        (&operators::gelu, Activation::Gelu),
        (&operators::gelu_tanh, Activation::GeluTanh),
    ];
    all.into_iter().find(|(known, _)| std::ptr::eq(known.0, op.0)).map(|(_, activation)| activation)
}

/// An activation with its parameters.
pub type Act<'a> = Option<(Unary, &'a [f64])>;

/// `x Wᵀ + b` over the last axis of `x`.
pub(super) struct Linear<'a> {
    pub x: Buf,
    pub weight: &'a Tensor,
    pub bias: Option<&'a Tensor>,
}

impl<'a> Linear<'a> {
    /// That of a layer.
    pub fn new(x: Buf, layer: &'a nn::Linear) -> Self {
        Linear { x, weight: &layer.weight, bias: layer.bias.as_ref() }
    }

    /// Columns of the result and of `x`.
    pub fn sizes(&self) -> [usize; 2] {
        let &[outputs, inputs] = self.weight.shape() else { unreachable!("a weight has two axes") };
        [outputs, inputs]
    }

    /// Elements of the result.
    pub fn len(&self) -> usize {
        let [outputs, inputs] = self.sizes();
        self.x.len / inputs * outputs
    }

    /// Whether somebody wants a gradient of it.
    pub fn wants_grad(&self) -> bool {
        self.x.grad || wants(&[Some(self.weight), self.bias])
    }

    /// The product into `z`, an activation, and what is done with its parts while they are in the cache.
    ///
    /// # Safety
    /// Buffers of a pass of the sizes above; the ending writes to no operand, and not to elements outside its part.
    pub unsafe fn run(&self, z: Buf, activation: Activation, ending: Option<Ending<'_>>) {
        let [outputs, inputs] = self.sizes();
        let ((w, _w), (b, _b)) = (read(self.weight), read_option(self.bias));
        let product = Product {
            m: self.x.len / inputs,
            n: outputs,
            k: inputs,
            alpha: 1.0,
            a: MatRef { ptr: self.x.f32(), rs: inputs as isize, cs: 1 },
            b: MatRef { ptr: w, rs: 1, cs: inputs as isize },
            beta: 0.0,
            c: MatMut { ptr: z.f32(), rs: outputs as isize, cs: 1 },
            epilogue: Epilogue { bias: b.map_or(Bias::None, Bias::PerColumn), activation },
        };
        // SAFETY: the caller's promise; the parameters are locked and were checked.
        unsafe {
            match ending {
                Some(ending) => product.run_then(isa(), ending),
                None => product.run(),
            }
        }
    }
}

impl Pass {
    /// `act(x Wᵀ + b)` over the last axis of `x`.
    pub fn linear(&mut self, x: Buf, layer: &nn::Linear, act: Act<'_>) -> Buf {
        let linear = Linear::new(x, layer);
        let grad = self.recording && linear.wants_grad();
        let y = self.result(linear.len(), grad);
        // The derivative of most activations is a function of the input, which must be kept then.
        let (z, last) = match act {
            None => (y, Activation::Identity),
            Some((op, _)) => match fused(op) {
                Some(activation) if !grad || op.saves_output() => (y, activation),
                _ => (self.numbers(linear.len(), grad), Activation::Identity),
            },
        };
        if !self.planning {
            let [columns, _] = linear.sizes();
            let shared = Shared((z, y));
            let activate = |part: Part| {
                let (Some((op, params)), (z, y)) = (act, shared.get()) else { return };
                for run in runs(part, columns) {
                    let (from, to) = (z.f32().wrapping_add(run.start), y.f32().wrapping_add(run.start));
                    // SAFETY: elements of both buffers, which are apart.
                    unsafe { apply(op, params, from, to, run.len()) };
                }
            };
            let is_apart = act.is_some() && z.ptr != y.ptr;
            // SAFETY: buffers of the pass of these sizes.
            unsafe { linear.run(z, last, is_apart.then_some(&activate)) };
        }
        self.save(x, grad && layer.weight.requires_grad());
        if let Some((op, _)) = act {
            let value = if op.saves_output() { y } else { z };
            self.save(value, grad);
        }
        if z.home != y.home {
            self.release(z);
        }
        y
    }

    /// The gradient of [`Pass::linear`].
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn linear_backward(
        &mut self,
        g: Grad,
        layer: &nn::Linear,
        act: Act<'_>,
        gx: &mut Grad,
    ) -> Result<()> {
        let (weight, bias) = (&layer.weight, layer.bias.as_ref());
        let &[outputs, inputs] = weight.shape() else { unreachable!("a weight has two axes") };
        let value = act.map(|_| self.saved());
        let x = self.saved();
        let Some(g) = g else { return Ok(()) };
        let rows = g.len / outputs;
        let dz = match (act, value) {
            (Some((op, params)), Some(value)) => {
                let dz = self.numbers(g.len, false);
                if !self.planning {
                    // SAFETY: buffers of the pass, of the same length.
                    unsafe { derive(op, params, g.f32(), value.f32(), dz.f32(), g.len) };
                }
                dz
            }
            _ => self.retain(g),
        };
        if !self.planning {
            if let Some(bias) = bias
                && let Some(target) = self.parameters.target(bias)?
            {
                // SAFETY: the gradient has an element per output.
                unsafe { sum_rows(dz.f32(), rows, outputs, target.ptr, target.accumulate) };
            }
            if let Some(target) = self.parameters.target(weight)? {
                let product = Product {
                    m: outputs,
                    n: inputs,
                    k: rows,
                    alpha: 1.0,
                    a: MatRef { ptr: dz.f32(), rs: 1, cs: outputs as isize },
                    b: MatRef { ptr: x.f32(), rs: inputs as isize, cs: 1 },
                    beta: f32::from(target.accumulate),
                    c: MatMut { ptr: target.ptr, rs: inputs as isize, cs: 1 },
                    epilogue: Epilogue::NONE,
                };
                // SAFETY: buffers of the pass; the gradient has the weight's shape and is the pass's own.
                unsafe { product.run() };
            }
        }
        if x.grad {
            let (dx, beta) = match *gx {
                Some(old) if self.may_overwrite(old) => (old, 1.0),
                _ => (self.numbers(rows * inputs, false), 0.0),
            };
            if !self.planning {
                let (w, _guard) = read(weight);
                let product = Product {
                    m: rows,
                    n: inputs,
                    k: outputs,
                    alpha: 1.0,
                    a: MatRef { ptr: dz.f32(), rs: outputs as isize, cs: 1 },
                    b: MatRef { ptr: w, rs: inputs as isize, cs: 1 },
                    beta,
                    c: MatMut { ptr: dx.f32(), rs: inputs as isize, cs: 1 },
                    epilogue: Epilogue::NONE,
                };
                // SAFETY: buffers of the pass of these sizes; the weight is locked.
                unsafe { product.run() };
            }
            if beta == 0.0 {
                self.contribute(gx, Some(dx));
            }
        }
        self.release(dz);
        Ok(())
    }
}
