//! Elementwise operations, by the kernels of the one table.

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::DType;
use crate::layout::{Dims, contiguous_strides};
use crate::ops::elementwise::{Elementwise, Kernel, MAX_INPUTS, MAX_PARAMS, Params, Variable, flat, strided};

/// An operation on one tensor.
#[derive(Clone, Copy)]
pub struct Unary(pub(super) &'static Elementwise);

/// An operation on two.
#[derive(Clone, Copy)]
pub struct Binary(&'static Elementwise);

/// A question about one tensor, or about two that are compared.
#[derive(Clone, Copy)]
pub struct Truth(pub(super) &'static Elementwise);

/// An operand of a [`Binary`].
#[derive(Clone, Copy)]
pub enum Side<'a> {
    /// A buffer of this shape.
    Values(Buf, &'a [usize]),
    /// A number.
    Number(f64),
}

/// The operations, by the names of the functions of `model!`.
#[allow(non_upper_case_globals, missing_docs, reason = "the names of methods of Tensor")]
pub mod operators {
    use super::{Binary, Truth, Unary};
    use crate::ops::elementwise::table::{activation, arithmetic, comparison, math, rounding};

    macro_rules! operators {
        ($($kind:ident: $($module:ident::$name:ident)*;)*) => {$($(
            pub static $name: $kind = $kind(&$module::$name::ENTRY);
        )*)*};
    }
    operators! {
        Unary: activation::relu activation::gelu activation::gelu_tanh activation::silu activation::leaky_relu
            activation::elu activation::softplus math::tanh math::sigmoid math::exp math::log math::sqrt math::rsqrt
            arithmetic::square rounding::abs math::sin math::cos arithmetic::neg;
        Binary: arithmetic::add arithmetic::sub arithmetic::mul arithmetic::div arithmetic::maximum arithmetic::minimum;
        Truth: comparison::eq comparison::ne comparison::lt comparison::le comparison::gt comparison::ge
            comparison::logical_and comparison::logical_or comparison::logical_xor comparison::logical_not
            comparison::isnan comparison::isinf comparison::isfinite;
    }
}

pub(super) fn parameters(given: &[f64]) -> Params {
    let mut params = [0.0; MAX_PARAMS];
    params[..given.len()].copy_from_slice(given);
    params
}

/// The loop for `f32`, which every entry used here has.
fn kernel(of: fn(DType) -> Option<Kernel>) -> Kernel {
    of(DType::F32).expect("an operation on floats")
}

/// The value that the gradient of a unary operation reads besides the gradient itself.
fn read_by(op: &Elementwise) -> Option<Variable> {
    op.gradients[0].uses.iter().copied().find(|used| *used != Variable::Grad)
}

/// `y = op(x)` over `len` elements.
///
/// # Safety
/// The pointers cover `len` elements; `y` overlaps nothing.
pub(super) unsafe fn apply(op: Unary, params: &[f64], x: *const f32, y: *mut f32, len: usize) {
    // SAFETY: the caller's promise.
    unsafe { flat(kernel(op.0.kernel), &[x.cast()], y.cast(), len, parameters(params)) }
}

/// `dx = op'(value) · g`, where `value` is what [`Unary::saves_output`] says.
///
/// # Safety
/// The pointers cover `len` elements; `dx` overlaps nothing.
pub(super) unsafe fn derive(
    op: Unary,
    params: &[f64],
    g: *const f32,
    value: *const f32,
    dx: *mut f32,
    len: usize,
) {
    let gradient = &op.0.gradients[0];
    let mut inputs = [std::ptr::null(); MAX_INPUTS];
    for (input, used) in inputs.iter_mut().zip(gradient.uses) {
        *input = if *used == Variable::Grad { g.cast() } else { value.cast() };
    }
    let inputs = &inputs[..gradient.uses.len()];
    // SAFETY: the caller's promise.
    unsafe { flat(kernel(gradient.kernel), inputs, dx.cast(), len, parameters(params)) }
}

impl Unary {
    /// Whether the gradient is a function of the result; otherwise it is one of the input.
    pub(super) fn saves_output(self) -> bool {
        read_by(self.0) == Some(Variable::Output)
    }
}

impl Pass {
    /// `op(x)`.
    pub fn unary(&mut self, op: Unary, params: &[f64], x: Buf) -> Buf {
        let grad = self.recording && x.grad;
        let y = self.result(x.len, grad);
        if !self.planning {
            // SAFETY: buffers of the pass, of the same length.
            unsafe { apply(op, params, x.f32(), y.f32(), x.len) };
        }
        let value = if op.saves_output() { y } else { x };
        self.save(value, grad && read_by(op.0).is_some());
        y
    }

    /// The gradient of [`Pass::unary`].
    pub fn unary_backward(&mut self, op: Unary, params: &[f64], g: Grad, gx: &mut Grad) {
        let value = self.saved();
        let Some(g) = g.filter(|_| value.grad) else { return };
        let dx = self.numbers(g.len, false);
        if !self.planning {
            // SAFETY: buffers of the pass, of the same length.
            unsafe { derive(op, params, g.f32(), value.f32(), dx.f32(), g.len) };
        }
        self.contribute(gx, Some(dx));
    }

    /// `op(a, b)`, broadcast to `shape`.
    #[inline]
    pub fn binary(&mut self, op: Binary, a: Side<'_>, b: Side<'_>, shape: &[usize]) -> Buf {
        let grad = self.recording && (a.grad() || b.grad());
        let y = self.result(numel(shape), grad);
        let sides = [a, b];
        if !self.planning {
            let kernel = kernel(op.0.kernel);
            let numbers = sides.map(Side::number);
            let inputs: [_; 2] = std::array::from_fn(|k| sides[k].operand(&numbers[k], shape));
            // SAFETY: buffers of the pass, broadcast to the shape of the result.
            unsafe { strided(kernel, &inputs, y.f32().cast(), shape, parameters(&[])) };
        }
        for (k, side) in sides.into_iter().enumerate() {
            if let Side::Values(buf, _) = side {
                let read = sides
                    .iter()
                    .zip(op.0.gradients)
                    .any(|(side, gradient)| side.grad() && gradient.uses.contains(&Variable::Input(k)));
                self.save(buf, self.recording && read);
            }
        }
        let reads_result = sides
            .iter()
            .zip(op.0.gradients)
            .any(|(side, gradient)| side.grad() && gradient.uses.contains(&Variable::Output));
        self.save(y, grad && reads_result);
        y
    }

    /// The gradient of [`Pass::binary`]. Of the operands, the shapes and the numbers are looked at.
    #[inline]
    pub fn binary_backward(
        &mut self,
        op: Binary,
        a: Side<'_>,
        b: Side<'_>,
        shape: &[usize],
        g: Grad,
        into: &mut [&mut Grad],
    ) {
        let y = self.saved();
        let [b, a] = [b, a].map(|side| match side {
            Side::Values(_, shape) => Side::Values(self.saved(), shape),
            number => number,
        });
        let Some(g) = g else { return };
        let sides = [a, b];
        for ((side, gradient), into) in sides.iter().zip(op.0.gradients).zip(into) {
            let Side::Values(buf, own) = *side else { continue };
            if !buf.grad {
                continue;
            }
            let only_grad = gradient.uses == [Variable::Grad];
            if only_grad && own == shape && gradient.is_identity() {
                let g = self.retain(g);
                self.contribute(into, Some(g));
                continue;
            }
            let full = self.numbers(g.len, false);
            if !self.planning {
                let numbers = sides.map(Side::number);
                let mut inputs: smallvec::SmallVec<[_; MAX_INPUTS]> = smallvec::SmallVec::new();
                for used in gradient.uses {
                    inputs.push(match used {
                        Variable::Grad => (g.ptr.cast_const(), contiguous_strides(shape)),
                        Variable::Output => (y.ptr.cast_const(), contiguous_strides(shape)),
                        Variable::Input(k) => sides[*k].operand(&numbers[*k], shape),
                    });
                }
                // SAFETY: buffers of the pass, broadcast to the shape of the result.
                unsafe { strided(kernel(gradient.kernel), &inputs, full.ptr, shape, parameters(&[])) };
            }
            let part = if own == shape { full } else { self.reduced(full, shape, own) };
            self.contribute(into, Some(part));
        }
    }

    /// Sums a gradient of this shape over what was broadcast.
    #[inline]
    pub(super) fn reduced(&mut self, full: Buf, shape: &[usize], own: &[usize]) -> Buf {
        let sum = self.numbers(numel(own), false);
        if !self.planning {
            let strides = broadcast_strides(own, shape);
            // SAFETY: `full` has the shape, `sum` the operand's own.
            unsafe { sum_to(full.f32(), shape, &strides, sum.f32(), sum.len) };
        }
        self.release(full);
        sum
    }
}

impl Side<'_> {
    fn grad(&self) -> bool {
        matches!(self, Side::Values(buf, _) if buf.grad)
    }

    fn number(self) -> f32 {
        match self {
            Side::Number(number) => number as f32,
            Side::Values(..) => 0.0,
        }
    }

    /// Address and strides, broadcast to `shape`.
    fn operand(&self, number: &f32, shape: &[usize]) -> (*const u8, Dims) {
        match self {
            Side::Values(buf, own) => (buf.ptr.cast_const(), broadcast_strides(own, shape)),
            Side::Number(_) => (std::ptr::from_ref(number).cast(), Dims::from_elem(0, shape.len())),
        }
    }
}

/// The strides of a contiguous tensor of shape `own`, broadcast to `shape`.
pub(super) fn broadcast_strides(own: &[usize], shape: &[usize]) -> Dims {
    let mut strides = Dims::from_elem(0, shape.len());
    let lead = shape.len() - own.len();
    for (axis, stride) in contiguous_strides(own).into_iter().enumerate() {
        if own[axis] != 1 {
            strides[lead + axis] = stride;
        }
    }
    strides
}

/// Adds the elements of a contiguous tensor into one with these strides, 0 along the axes that are summed over.
///
/// # Safety
/// `full` covers the shape, `sum` has `len` elements and covers what the strides reach.
unsafe fn sum_to(full: *const f32, shape: &[usize], strides: &[usize], sum: *mut f32, len: usize) {
    let rank = shape.len();
    let (width, step) = match rank {
        0 => (1, 0),
        _ => (shape[rank - 1], strides[rank - 1]),
    };
    // SAFETY: the caller's promise.
    unsafe { sum.write_bytes(0, len) };
    let mut at = Dims::from_elem(0, rank.saturating_sub(1));
    let mut offset = 0;
    for row in 0..numel(&shape[..rank.saturating_sub(1)]) {
        // SAFETY: as above.
        unsafe {
            let values = std::slice::from_raw_parts(full.add(row * width), width);
            if step == 0 {
                *sum.add(offset) += values.iter().sum::<f32>();
            } else {
                let sums = std::slice::from_raw_parts_mut(sum.add(offset), width);
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
        for axis in (0..at.len()).rev() {
            at[axis] += 1;
            offset += strides[axis];
            if at[axis] < shape[axis] {
                break;
            }
            offset -= strides[axis] * shape[axis];
            at[axis] = 0;
        }
    }
}
