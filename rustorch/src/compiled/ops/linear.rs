//! The linear map, with an activation while the result is in the cache.

use super::super::{Buf, Grad, Pass};
use super::elementwise::{Unary, apply, derive, operators};
use super::{read, read_option, sum_rows, wants};
use crate::kernels::gemm::{Activation, Bias, Epilogue, MatMut, MatRef, Product};
use crate::{Result, Tensor};

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

impl Pass {
    /// `act(x Wᵀ + b)` over the last axis of `x`.
    pub fn linear(&mut self, x: Buf, weight: &Tensor, bias: Option<&Tensor>, act: Act<'_>) -> Buf {
        let &[outputs, inputs] = weight.shape() else { unreachable!("a weight has two axes") };
        let rows = x.len / inputs;
        let own = wants(&[Some(weight), bias]);
        let grad = self.recording && (x.grad || own);
        let y = self.result(rows * outputs, grad);
        // The derivative of most activations is a function of the input, which must be kept then.
        let (z, last) = match act {
            None => (y, Activation::Identity),
            Some((op, _)) => match fused(op) {
                Some(activation) if !grad || op.saves_output() => (y, activation),
                _ => (self.numbers(rows * outputs, grad), Activation::Identity),
            },
        };
        if !self.planning {
            let ((w, _w), (b, _b)) = (read(weight), read_option(bias));
            let product = Product {
                m: rows,
                n: outputs,
                k: inputs,
                alpha: 1.0,
                a: MatRef { ptr: x.f32(), rs: inputs as isize, cs: 1 },
                b: MatRef { ptr: w, rs: 1, cs: inputs as isize },
                beta: 0.0,
                c: MatMut { ptr: z.f32(), rs: outputs as isize, cs: 1 },
                epilogue: Epilogue { bias: b.map_or(Bias::None, Bias::PerColumn), activation: last },
            };
            // SAFETY: buffers of the pass of these sizes; the parameters are locked and were checked.
            unsafe { product.run() };
            if let (Some((op, params)), true) = (act, z.ptr != y.ptr) {
                // SAFETY: as above.
                unsafe { apply(op, params, z.f32(), y.f32(), y.len) };
            }
        }
        self.save(x, grad && weight.requires_grad());
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
        weight: &Tensor,
        bias: Option<&Tensor>,
        act: Act<'_>,
        gx: &mut Grad,
    ) -> Result<()> {
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
