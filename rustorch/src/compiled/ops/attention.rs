//! Scaled dot-product attention, by the fused kernel.

use smallvec::SmallVec;

use super::super::{Buf, Grad, Pass};
use super::elementwise::broadcast_strides;
use super::numel;
use crate::kernels::attention::{self as kernel, Attention, Gradients, Mask, Matrices};
use crate::kernels::isa;
use crate::kernels::reduce::{self, Plan, Sum};
use crate::layout::{Dims, contiguous_strides};
use crate::{DType, Error, Result};

const OP: &str = "scaled_dot_product_attention";

/// An operand of attention, of shape `[.., heads, positions, features]`, as generated code gives it: its shape as attention sees it, and
/// whether the heads lie between positions and features in memory, as a projection gives them.
type Operand<'a> = (&'a [usize], bool);

/// The same with names.
#[derive(Clone, Copy)]
struct Heads<'a> {
    shape: &'a [usize],
    split: bool,
}

impl<'a> From<Operand<'a>> for Heads<'a> {
    fn from((shape, split): Operand<'a>) -> Self {
        Heads { shape, split }
    }
}

impl Heads<'_> {
    /// The shape as it lies in memory.
    fn memory(&self) -> Dims {
        let rank = self.shape.len();
        let mut memory = Dims::from_slice(self.shape);
        if self.split {
            memory.swap(rank - 3, rank - 2);
        }
        memory
    }

    fn matrices<P>(&self, ptr: P) -> Matrices<P> {
        let rank = self.shape.len();
        let mut strides = contiguous_strides(&self.memory());
        if self.split {
            strides.swap(rank - 3, rank - 2);
        }
        let heads: SmallVec<[isize; 4]> = strides[..rank - 2].iter().map(|&stride| stride as isize).collect();
        Matrices { ptr, row: strides[rank - 2] as isize, column: 1, heads }
    }
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

/// Whether positions see only those up to their own, and the factor of the scores if it is not `1/√features`.
type Scores = (bool, Option<f64>);

/// The description of an attention over buffers.
fn describe(
    bufs: [Buf; 3],
    [q, k, v]: [Heads<'_>; 3],
    masked: Masked<'_>,
    (causal, scale): Scores,
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
        dropout: None,
    })
}

impl Pass {
    /// `softmax(scale · Q Kᵀ + mask) V`, the result laid out as `out` says.
    ///
    /// # Errors
    /// If the mask holds neither truth values nor numbers, or is given together with `causal`.
    pub fn attention(
        &mut self,
        bufs: [Buf; 3],
        operands: [Operand<'_>; 3],
        masked: Masked<'_>,
        scores: Scores,
        out: Operand<'_>,
    ) -> Result<Buf> {
        let (operands, out) = (operands.map(Heads::from), Heads::from(out));
        let operated = bufs.into_iter().chain(masked.map(|(mask, _)| mask));
        let grad = self.recording && operated.clone().any(|buf| buf.grad);
        let y = self.result(numel(out.shape), grad);
        let rows = numel(&out.shape[..out.shape.len() - 1]);
        let normalizers = self.numbers(rows, false);
        if !self.planning {
            let attention = describe(bufs, operands, masked, scores)?;
            // SAFETY: buffers of the pass of these shapes.
            unsafe { kernel::forward(isa(), &attention, &out.matrices(y.f32()), normalizers.f32()) };
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
        scores: Scores,
        out: Operand<'_>,
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let (operands, out) = (operands.map(Heads::from), Heads::from(out));
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
        if !self.planning && made.iter().chain([&dscores]).any(Option::is_some) {
            let attention = describe(bufs, operands, masked, scores)?;
            let to = |at: usize| made[at].map(|buf| operands[at].matrices(buf.f32()));
            let gradients = Gradients {
                output: out.matrices(y.f32().cast_const()),
                doutput: out.matrices(g.f32().cast_const()),
                normalizers: normalizers.f32(),
                dquery: to(0),
                dkey: to(1),
                dvalue: to(2),
                dmask: dscores.map(|buf| Heads { shape: &whole, split: false }.matrices(buf.f32())),
            };
            // SAFETY: buffers of the pass of these shapes.
            unsafe { kernel::backward(isa(), &attention, &gradients) };
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
