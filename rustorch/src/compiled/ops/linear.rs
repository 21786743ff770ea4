//! The linear map, with an activation while the result is in the cache.

use super::super::parameters::Target;
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

/// Weight and bias of a linear map: so many rows of two parameters.
#[derive(Clone, Copy)]
pub struct Map<'a> {
    weight: &'a Tensor,
    bias: Option<&'a Tensor>,
    /// The first row of each.
    first: [usize; 2],
    rows: usize,
}

impl<'a> From<&'a nn::Linear> for Map<'a> {
    fn from(layer: &'a nn::Linear) -> Self {
        let rows = layer.weight.shape()[0];
        Map { weight: &layer.weight, bias: layer.bias.as_ref(), first: [0; 2], rows }
    }
}

impl<'a> Map<'a> {
    /// `count` of the projections of query, key and value, from number `first` on.
    pub fn projections(layer: &'a nn::MultiheadAttention, first: usize, count: usize) -> Self {
        let (e, bias) = (layer.embed_dim, layer.in_proj_bias.as_ref());
        let (weight, at) = match &layer.in_proj_weight {
            Some(weight) => (weight, first * e),
            None => {
                let own = [&layer.q_proj_weight, &layer.k_proj_weight, &layer.v_proj_weight][first];
                (own.as_ref().expect("compared with the declaration before the pass"), 0)
            }
        };
        Map { weight, bias, first: [at, first * e], rows: count * e }
    }

    /// Rows and columns.
    fn sizes(&self) -> [usize; 2] {
        [self.rows, self.weight.shape()[1]]
    }

    /// Whether somebody wants a gradient of a parameter.
    fn wants_grad(&self) -> bool {
        wants(&[Some(self.weight), self.bias])
    }
}

/// `x Wᵀ + b` over the last axis of `x`.
pub(super) struct Linear<'a> {
    pub x: Buf,
    pub map: Map<'a>,
}

impl Linear<'_> {
    /// Elements of the result.
    #[inline]
    pub fn len(&self) -> usize {
        let [outputs, inputs] = self.map.sizes();
        self.x.len / inputs * outputs
    }

    /// Whether the gradient of the weight will read `x`.
    pub fn needs_input(&self) -> bool {
        self.map.weight.requires_grad()
    }

    /// Whether somebody wants a gradient of it.
    #[inline]
    pub fn wants_grad(&self) -> bool {
        self.x.grad || self.map.wants_grad()
    }

    /// The product into `z`, an activation, and what is done with its parts while they are in the cache.
    ///
    /// # Safety
    /// Buffers of a pass of the sizes above; the ending writes to no operand, and not to elements outside its part.
    pub unsafe fn run(&self, z: Buf, activation: Activation, ending: Option<Ending<'_>>) {
        let [outputs, inputs] = self.map.sizes();
        let ((w, _w), (b, _b)) = (read(self.map.weight), read_option(self.map.bias));
        let (w, b) =
            (w.wrapping_add(self.map.first[0] * inputs), b.map(|b| b.wrapping_add(self.map.first[1])));
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
    pub fn linear(&mut self, x: Buf, map: Map<'_>, act: Act<'_>) -> Buf {
        let linear = Linear { x, map };
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
            let [columns, _] = map.sizes();
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
        self.save(x, grad && linear.needs_input());
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
    pub fn linear_backward(&mut self, g: Grad, map: Map<'_>, act: Act<'_>, gx: &mut Grad) -> Result<()> {
        let [outputs, inputs] = map.sizes();
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
            if let Some(bias) = map.bias
                && let Some(target) = self.rows_target(bias, map.first[1], outputs, 1)?
            {
                // SAFETY: the gradient has an element per output.
                unsafe { sum_rows(dz.f32(), rows, outputs, target.ptr, target.accumulate) };
            }
            if let Some(target) = self.rows_target(map.weight, map.first[0], outputs, inputs)? {
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
                let (w, _guard) = read(map.weight);
                let w = w.wrapping_add(map.first[0] * inputs);
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

    /// Where the gradient of some rows of a parameter goes. The first time that only a part is written, the rest becomes 0.
    fn rows_target(
        &mut self,
        parameter: &Tensor,
        first: usize,
        rows: usize,
        columns: usize,
    ) -> Result<Option<Target>> {
        let Some(Target { ptr, mut accumulate }) = self.parameters.target(parameter)? else {
            return Ok(None);
        };
        let len = parameter.numel();
        if rows * columns < len && !accumulate {
            // SAFETY: the gradient has its parameter's shape, and 0 is a number of all bits 0.
            unsafe { ptr.write_bytes(0, len) };
            accumulate = true;
        }
        Ok(Some(Target { ptr: ptr.wrapping_add(first * columns), accumulate }))
    }
}
