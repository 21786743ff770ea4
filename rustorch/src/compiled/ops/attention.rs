//! Scaled dot-product attention, by the fused kernel.

use smallvec::SmallVec;

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::kernels::attention::{self as kernel, Attention, Gradients, Mask, Matrices};
use crate::kernels::isa;
use crate::layout::{Dims, contiguous_strides};

/// An operand of attention, of shape `[.., heads, positions, features]`.
#[derive(Clone, Copy)]
pub struct Heads<'a> {
    /// Its shape as attention sees it.
    pub shape: &'a [usize],
    /// Whether the heads lie between positions and features in memory, as a projection gives them.
    pub split: bool,
}

impl Heads<'_> {
    fn matrices<P>(&self, ptr: P) -> Matrices<P> {
        let rank = self.shape.len();
        let mut memory = Dims::from_slice(self.shape);
        if self.split {
            memory.swap(rank - 3, rank - 2);
        }
        let mut strides = contiguous_strides(&memory);
        if self.split {
            strides.swap(rank - 3, rank - 2);
        }
        let heads: SmallVec<[isize; 4]> = strides[..rank - 2].iter().map(|&stride| stride as isize).collect();
        Matrices { ptr, row: strides[rank - 2] as isize, column: 1, heads }
    }
}

/// The description of an attention over buffers.
fn describe(bufs: [Buf; 3], [q, k, v]: [Heads<'_>; 3], causal: bool) -> Attention<f32> {
    let rank = q.shape.len();
    let features = q.shape[rank - 1];
    let read = |heads: Heads<'_>, buf: Buf| heads.matrices(buf.f32().cast_const());
    Attention {
        heads: q.shape[..rank - 2].into(),
        queries: q.shape[rank - 2],
        keys: k.shape[rank - 2],
        features,
        width: v.shape[rank - 1],
        scale: (1.0 / (features as f64).sqrt()) as f32,
        causal,
        query: read(q, bufs[0]),
        key: read(k, bufs[1]),
        value: read(v, bufs[2]),
        mask: Mask::None,
        dropout: None,
    }
}

impl Pass {
    /// `softmax(Q Kᵀ / √features) V`, the result laid out as `out` says.
    pub fn attention(
        &mut self,
        bufs: [Buf; 3],
        operands: [Heads<'_>; 3],
        causal: bool,
        out: Heads<'_>,
    ) -> Buf {
        let grad = self.recording && bufs.iter().any(|buf| buf.grad);
        let y = self.result(numel(out.shape), grad);
        let rows = numel(&out.shape[..out.shape.len() - 1]);
        let normalizers = self.numbers(rows, false);
        if !self.planning {
            let attention = describe(bufs, operands, causal);
            // SAFETY: buffers of the pass of these shapes.
            unsafe { kernel::forward(isa(), &attention, &out.matrices(y.f32()), normalizers.f32()) };
        }
        for buf in bufs {
            self.save(buf, grad);
        }
        self.save(y, grad);
        self.save(normalizers, grad);
        self.release(normalizers);
        y
    }

    /// The gradient of [`Pass::attention`].
    pub fn attention_backward(
        &mut self,
        g: Grad,
        operands: [Heads<'_>; 3],
        causal: bool,
        out: Heads<'_>,
        into: [&mut Grad; 3],
    ) {
        let (normalizers, y) = (self.saved(), self.saved());
        let (v, k, q) = (self.saved(), self.saved(), self.saved());
        let bufs = [q, k, v];
        let Some(g) = g else { return };
        let made = bufs.map(|buf| if buf.grad { Some(self.numbers(buf.len, false)) } else { None });
        if !self.planning && made.iter().any(Option::is_some) {
            let attention = describe(bufs, operands, causal);
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
        for (into, made) in into.into_iter().zip(made) {
            self.contribute(into, made);
        }
    }
}
