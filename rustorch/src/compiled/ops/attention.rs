//! Scaled dot-product attention, by the fused kernel.

use smallvec::SmallVec;

use super::super::{Buf, Grad, Pass};
use super::elementwise::broadcast_strides;
use super::numel;
use crate::kernels::attention::{self as kernel, Attention, Gradients, Mask, Matrices};
use crate::kernels::isa;
use crate::layout::{Dims, contiguous_strides};
use crate::nn::functional::{AttentionOptions, scaled_dot_product_attention as attention};
use crate::{DType, Error, Result, Tensor};

const OP: &str = "scaled_dot_product_attention";

/// An operand of attention, of shape `[.., heads, positions, features]`.
#[derive(Clone, Copy)]
pub struct Heads<'a> {
    /// Its shape as attention sees it.
    pub shape: &'a [usize],
    /// Whether the heads lie between positions and features in memory, as a projection gives them.
    pub split: bool,
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

    /// From the shape in memory to that which attention sees, or back.
    fn turned(&self, tensor: &Tensor) -> Result<Tensor> {
        if self.split { tensor.transpose(-3, -2) } else { Ok(tensor.clone()) }
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
            let mut whole = Dims::from_slice(&q.shape[..rank - 2]);
            whole.extend([queries, keys]);
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
        operands: [Heads<'_>; 3],
        masked: Masked<'_>,
        scores: Scores,
        out: Heads<'_>,
    ) -> Result<Buf> {
        // The kernel has no gradient of the mask.
        if let Some((mask, own)) = masked
            && self.branch(self.recording && mask.grad)
        {
            return self.attention_by_tensors(bufs, operands, (mask, own), scores, out);
        }
        let grad = self.recording && bufs.iter().any(|buf| buf.grad);
        let y = self.result(numel(out.shape), grad);
        let rows = numel(&out.shape[..out.shape.len() - 1]);
        let normalizers = self.numbers(rows, false);
        if !self.planning {
            let attention = describe(bufs, operands, masked, scores)?;
            // SAFETY: buffers of the pass of these shapes.
            unsafe { kernel::forward(isa(), &attention, &out.matrices(y.f32()), normalizers.f32()) };
        }
        for buf in bufs.into_iter().chain(masked.map(|(mask, _)| mask)) {
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
        operands: [Heads<'_>; 3],
        masked: Option<&[usize]>,
        scores: Scores,
        out: Heads<'_>,
        into: &mut [Grad; 4],
    ) -> Result<()> {
        if masked.is_some() && self.branched() {
            let [q, k, v, mask] = into;
            return self.island_backward(&[g], None, &[&out.memory()], &mut [q, k, v, mask]);
        }
        let (normalizers, y) = (self.saved(), self.saved());
        let masked = masked.map(|own| (self.saved(), own));
        let (v, k, q) = (self.saved(), self.saved(), self.saved());
        let bufs = [q, k, v];
        let Some(g) = g else { return Ok(()) };
        let made = bufs.map(|buf| if buf.grad { Some(self.numbers(buf.len, false)) } else { None });
        if !self.planning && made.iter().any(Option::is_some) {
            let attention = describe(bufs, operands, masked, scores)?;
            let to = |at: usize| made[at].map(|buf| operands[at].matrices(buf.f32()));
            let gradients = Gradients {
                output: out.matrices(y.f32().cast_const()),
                doutput: out.matrices(g.f32().cast_const()),
                normalizers: normalizers.f32(),
                dquery: to(0),
                dkey: to(1),
                dvalue: to(2),
            };
            // SAFETY: buffers of the pass of these shapes.
            unsafe { kernel::backward(isa(), &attention, &gradients) };
        }
        for (into, made) in into.iter_mut().zip(made) {
            self.contribute(into, made);
        }
        Ok(())
    }

    /// Attention with a mask of which a gradient is asked.
    fn attention_by_tensors(
        &mut self,
        [q, k, v]: [Buf; 3],
        operands: [Heads<'_>; 3],
        (mask, own): (Buf, &[usize]),
        (causal, scale): Scores,
        out: Heads<'_>,
    ) -> Result<Buf> {
        let shapes = operands.map(|heads| heads.memory());
        let inputs: [(Buf, &[usize]); 4] = [(q, &shapes[0]), (k, &shapes[1]), (v, &shapes[2]), (mask, own)];
        let mut made = [Buf::NONE];
        self.island(&inputs, None, &[&out.memory()], &[], &mut made, |given| {
            let seen = |at: usize| operands[at].turned(&given[at]);
            let options =
                AttentionOptions { mask: Some(&given[3]), causal, scale, ..AttentionOptions::default() };
            let y = attention(&seen(0)?, &seen(1)?, &seen(2)?, options)?;
            Ok([out.turned(&y)?].into_iter().collect())
        })?;
        Ok(made[0])
    }
}
