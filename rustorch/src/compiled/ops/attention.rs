//! Scaled dot-product attention, by the fused kernel.

use smallvec::SmallVec;

use super::super::{Buf, Grad, Pass};
use super::dropout::Factors;
use super::elementwise::broadcast_strides;
use super::numel;
use crate::kernels::attention::{self as kernel, Attention, Dropout, Gradients, Mask, Matrices};
use crate::kernels::isa;
use crate::kernels::reduce::{self, Plan, Sum};
use crate::layout::{Dims, contiguous_strides};
use crate::nn::MultiheadAttention;
use crate::{DType, Error, Result};

const OP: &str = "scaled_dot_product_attention";

/// An operand of attention, of shape `[.., heads, positions, features]`, as generated code gives it: its shape as attention sees it, and
/// the place that each of these axes has in memory. Features are last there as well.
type Operand<'a> = (&'a [usize], &'a [usize]);

/// The same with names.
#[derive(Clone, Copy)]
struct Heads<'a> {
    shape: &'a [usize],
    places: &'a [usize],
}

impl<'a> From<Operand<'a>> for Heads<'a> {
    fn from((shape, places): Operand<'a>) -> Self {
        Heads { shape, places }
    }
}

impl Heads<'_> {
    fn matrices<P>(&self, ptr: P) -> Matrices<P> {
        let rank = self.shape.len();
        let mut memory = Dims::from_slice(self.shape);
        self.places.iter().zip(self.shape).for_each(|(place, size)| memory[*place] = *size);
        let strides = contiguous_strides(&memory);
        let heads: SmallVec<[isize; 4]> =
            self.places[..rank - 2].iter().map(|place| strides[*place] as isize).collect();
        Matrices { ptr, row: strides[self.places[rank - 2]] as isize, column: 1, heads }
    }
}

/// Scores in row-major order.
fn scores_matrices<P>(ptr: P, whole: &[usize]) -> Matrices<P> {
    let rank = whole.len();
    let strides = contiguous_strides(whole);
    let heads: SmallVec<[isize; 4]> = strides[..rank - 2].iter().map(|&stride| stride as isize).collect();
    Matrices { ptr, row: strides[rank - 2] as isize, column: 1, heads }
}

/// The shape of the scores: queries by keys for every head.
fn scores_shape([q, k, _]: [Heads<'_>; 3]) -> Dims {
    let rank = q.shape.len();
    let mut whole = Dims::from_slice(&q.shape[..rank - 1]);
    whole.push(k.shape[rank - 2]);
    whole
}

/// A mask, and its shape.
type Masked<'a> = Option<(Buf, &'a [usize])>;

/// Whether positions see only those up to their own, the factor of the scores if it is not `1/√features`, and the layer that drops
/// weights.
type Scores<'a> = (bool, Option<f64>, Option<&'a MultiheadAttention>);

/// The weights of these scores that a layer drops, if there is one.
fn draw(layer: Option<&MultiheadAttention>, scores: &[usize]) -> Result<Option<Factors>> {
    let (Some(layer), [heads @ .., queries, keys]) = (layer, scores) else { return Ok(None) };
    // One of the kernel's blocks is as many random bits as two elements get.
    let elements = 2 * Dropout::blocks(numel(heads), *queries, *keys);
    let p = layer.dropout;
    if layer.trains() && !(0.0..=1.0).contains(&p) {
        return Err(Error::argument(OP, format!("dropout is {p}, expected a probability from 0 to 1")));
    }
    Factors::draw(OP, p, layer.trains(), elements).map(Some)
}

/// The description of an attention over buffers.
fn describe(
    bufs: [Buf; 3],
    [q, k, v]: [Heads<'_>; 3],
    masked: Masked<'_>,
    (causal, scale, _): Scores<'_>,
    factors: Option<Factors>,
) -> Result<Attention<f32>> {
    let rank = q.shape.len();
    let features = q.shape[rank - 1];
    let (queries, keys) = (q.shape[rank - 2], k.shape[rank - 2]);
    let read = |heads: Heads<'_>, buf: Buf| heads.matrices(buf.f32().cast_const());
    let mask = match masked {
        None => Mask::None,
        Some((mask, own)) => {
            let whole = scores_shape([q, k, v]);
            let strides: SmallVec<[isize; 4]> =
                broadcast_strides(own, &whole).iter().map(|&stride| stride as isize).collect();
            let (row, column) = (strides[rank - 2], strides[rank - 1]);
            let heads: SmallVec<[isize; 4]> = strides[..rank - 2].into();
            match mask.dtype {
                Some(DType::Bool) => {
                    Mask::Visible(Matrices { ptr: mask.ptr.cast_const().cast(), row, column, heads })
                }
                Some(DType::F32) => {
                    Mask::Added(Matrices { ptr: mask.f32().cast_const(), row, column, heads })
                }
                dtype => {
                    let (dtype, expected) =
                        (dtype.unwrap_or(DType::I64), "a mask of bools or floating-point numbers");
                    return Err(Error::DType { op: OP, dtype, expected });
                }
            }
        }
    };
    if causal && masked.is_some() {
        let message = "both a mask and causal are given; put the one into the other";
        return Err(Error::argument(OP, message));
    }
    Ok(Attention {
        heads: q.shape[..rank - 2].into(),
        queries,
        keys,
        features,
        width: v.shape[rank - 1],
        scale: scale.unwrap_or_else(|| 1.0 / (features as f64).sqrt()) as f32,
        causal,
        query: read(q, bufs[0]),
        key: read(k, bufs[1]),
        value: read(v, bufs[2]),
        mask,
        dropout: match factors {
            Some(Factors::Drawn(stream, keep)) => Some(Dropout { stream, p: 1.0 - keep }),
            _ => None,
        },
    })
}

impl Pass {
    /// `softmax(scale · Q Kᵀ + mask) V`, the result laid out as `out` says.
    ///
    /// # Errors
    /// If the mask holds neither truth values nor numbers, or is given together with `causal`, or if the probability with which weights
    /// are dropped is none.
    pub fn attention(
        &mut self,
        bufs: [Buf; 3],
        operands: [Operand<'_>; 3],
        masked: Masked<'_>,
        scores: Scores<'_>,
        out: Operand<'_>,
    ) -> Result<Buf> {
        let (operands, out) = (operands.map(Heads::from), Heads::from(out));
        let operated = bufs.into_iter().chain(masked.map(|(mask, _)| mask));
        let grad = self.recording && operated.clone().any(|buf| buf.grad);
        let y = self.result(numel(out.shape), grad);
        let rows = numel(&out.shape[..out.shape.len() - 1]);
        let normalizers = self.numbers(rows, false);
        if !self.planning {
            let whole = scores_shape(operands);
            let factors = draw(scores.2, &whole)?;
            let attention = describe(bufs, operands, masked, scores, factors)?;
            match factors {
                // SAFETY: a buffer of the pass; 0 is a number of all bits 0.
                Some(Factors::All(0.0)) => unsafe { y.f32().write_bytes(0, y.len) },
                // SAFETY: buffers of the pass of these shapes.
                _ => unsafe { kernel::forward(isa(), &attention, &out.matrices(y.f32()), normalizers.f32()) },
            }
            self.factors.extend(factors);
        }
        for buf in operated {
            self.save(buf, grad);
        }
        self.save(y, grad);
        self.save(normalizers, grad);
        self.release(normalizers);
        Ok(y)
    }

    /// The gradient of [`Pass::attention`], those of queries, keys, values and mask; of the mask, the shape is given.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn attention_backward(
        &mut self,
        g: Grad,
        operands: [Operand<'_>; 3],
        masked: Option<&[usize]>,
        scores: Scores<'_>,
        out: Operand<'_>,
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let (operands, out) = (operands.map(Heads::from), Heads::from(out));
        let factors = scores.2.and_then(|_| self.drawn());
        let (normalizers, y) = (self.saved(), self.saved());
        let masked = masked.map(|own| (self.saved(), own));
        let (v, k, q) = (self.saved(), self.saved(), self.saved());
        let bufs = [q, k, v];
        let Some(g) = g else { return Ok(()) };
        let made = bufs.map(|buf| if buf.grad { Some(self.numbers(buf.len, false)) } else { None });
        let whole = scores_shape(operands);
        let dscores = match masked {
            Some((mask, _)) if mask.grad => Some(self.numbers(numel(&whole), false)),
            _ => None,
        };
        let wanted = || made.iter().chain([&dscores]).flatten();
        if !self.planning && wanted().next().is_some() {
            if let Some(Factors::All(0.0)) = factors {
                // SAFETY: buffers of the pass; 0 is a number of all bits 0.
                wanted().for_each(|buf| unsafe { buf.f32().write_bytes(0, buf.len) });
            } else {
                let attention = describe(bufs, operands, masked, scores, factors)?;
                let to = |at: usize| made[at].map(|buf| operands[at].matrices(buf.f32()));
                let gradients = Gradients {
                    output: out.matrices(y.f32().cast_const()),
                    doutput: out.matrices(g.f32().cast_const()),
                    normalizers: normalizers.f32(),
                    dquery: to(0),
                    dkey: to(1),
                    dvalue: to(2),
                    dmask: dscores.map(|buf| scores_matrices(buf.f32(), &whole)),
                };
                // SAFETY: buffers of the pass of these shapes.
                unsafe { kernel::backward(isa(), &attention, &gradients) };
            }
        }
        for (into, made) in into.iter_mut().zip(made) {
            self.contribute(into, made);
        }
        if let (Some((mask, own)), Some(dscores)) = (masked, dscores) {
            let dmask = self.sum_to(dscores, &whole, own, mask.len)?;
            self.contribute(into[3], Some(dmask));
        }
        Ok(())
    }

    /// The sum of a buffer of this shape over the axes along which another one, of `len` elements, broadcasts.
    fn sum_to(&mut self, from: Buf, whole: &[usize], own: &[usize], len: usize) -> Result<Buf> {
        if from.len == len {
            return Ok(from);
        }
        let plan = self.fact(|| {
            let missing = whole.len() - own.len();
            let reduced: Vec<bool> = (0..whole.len())
                .map(|axis| axis < missing || own[axis - missing] == 1 && whole[axis] != 1)
                .collect();
            Ok(Plan::new(whole, &contiguous_strides(whole), &reduced))
        })?;
        let to = self.numbers(len, false);
        if !self.planning {
            // SAFETY: buffers of the pass of these sizes.
            unsafe { reduce::reduce::<Sum, f32>(&plan, from.ptr, to.ptr, 1.0) };
        }
        self.release(from);
        Ok(to)
    }
}
