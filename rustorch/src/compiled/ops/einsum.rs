//! Sums of products of two tensors over named indices, as products of matrices where the operands lie.

use smallvec::SmallVec;

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::Result;
use crate::kernels::gemm::{BatchDim, Epilogue, MatMut, MatRef, Product};

/// A tensor with a label for every axis.
#[derive(Clone, Copy)]
struct Operand<'a> {
    buf: Buf,
    shape: &'a [usize],
    labels: &'a [usize],
}

/// An index: its size, and the distance between its positions in both operands and the result, 0 where it does not occur.
#[derive(Clone, Copy)]
struct Index {
    size: usize,
    strides: [usize; 3],
}

/// Indices of one kind, in the order of the result, or of the left operand.
type Indices = SmallVec<[Index; 6]>;

impl Operand<'_> {
    /// From a position of the index to the next.
    fn stride(&self, label: usize) -> usize {
        let axis = self.labels.iter().position(|known| *known == label);
        axis.map_or(0, |axis| numel(&self.shape[axis + 1..]))
    }

    fn has(&self, label: usize) -> bool {
        self.labels.contains(&label)
    }
}

/// Adds an index; one that follows another as the columns of a matrix follow its rows, wherever both occur, becomes one with it.
fn push(indices: &mut Indices, index: Index) {
    match indices.last_mut() {
        Some(last) if (0..3).all(|at| last.strides[at] == index.strides[at] * index.size) => {
            *last = Index { size: last.size * index.size, strides: index.strides };
        }
        _ => indices.push(index),
    }
}

/// Takes the index that serves as rows or columns: one whose positions in the result lie side by side, or else the largest.
fn take(indices: &mut Indices) -> Option<Index> {
    let best = |at: &usize| (indices[*at].strides[2] == 1, indices[*at].size);
    let at = (0..indices.len()).max_by_key(best)?;
    Some(indices.remove(at))
}

/// `c = Σ a·b` over the indices that `c` lacks. Every index occurs in two of the three.
///
/// # Safety
/// The buffers have these shapes, and `c` overlaps nothing else.
unsafe fn contract(a: Operand<'_>, b: Operand<'_>, c: Operand<'_>) {
    let [mut batch, mut rows, mut columns, mut summed]: [Indices; 4] = Default::default();
    let order = c.labels.iter().chain(a.labels.iter().filter(|label| !c.has(**label)));
    for &label in order {
        let holder = if a.has(label) { &a } else { &b };
        let axis = holder.labels.iter().position(|known| *known == label).unwrap_or_default();
        let strides = [a.stride(label), b.stride(label), c.stride(label)];
        let index = Index { size: holder.shape[axis], strides };
        let list = match (a.has(label), b.has(label), c.has(label)) {
            (true, true, true) => &mut batch,
            (true, false, _) => &mut rows,
            (false, _, _) => &mut columns,
            (true, true, false) => &mut summed,
        };
        push(list, index);
    }
    let inner = summed.pop().unwrap_or(Index { size: 1, strides: [1, 1, 0] });
    let n = take(&mut columns).unwrap_or(Index { size: 1, strides: [0, 1, 1] });
    let m = take(&mut rows).unwrap_or(Index { size: 1, strides: [inner.size, 0, n.size] });
    let dims: SmallVec<[BatchDim; 6]> = batch
        .iter()
        .chain(&rows)
        .chain(&columns)
        .map(|Index { size, strides: [a, b, c] }| BatchDim {
            size: *size,
            a: *a as isize,
            b: *b as isize,
            c: *c as isize,
        })
        .collect();
    // More than one sum, where their positions are not those of one: each position of the outer ones adds a product.
    let positions: usize = summed.iter().map(|index| index.size).product();
    for position in 0..positions {
        let (mut rest, mut offsets) = (position, [0, 0]);
        for index in summed.iter().rev() {
            let at = rest % index.size;
            rest /= index.size;
            offsets = [offsets[0] + at * index.strides[0], offsets[1] + at * index.strides[1]];
        }
        let product = Product {
            m: m.size,
            n: n.size,
            k: inner.size,
            alpha: 1.0,
            a: MatRef {
                ptr: a.buf.f32().wrapping_add(offsets[0]),
                rs: m.strides[0] as isize,
                cs: inner.strides[0] as isize,
            },
            b: MatRef {
                ptr: b.buf.f32().wrapping_add(offsets[1]),
                rs: inner.strides[1] as isize,
                cs: n.strides[1] as isize,
            },
            beta: if position == 0 { 0.0 } else { 1.0 },
            c: MatMut { ptr: c.buf.f32(), rs: m.strides[2] as isize, cs: n.strides[2] as isize },
            epilogue: Epilogue::NONE,
        };
        // SAFETY: the caller's promise.
        unsafe { product.run_batched(&dims) };
    }
}

impl Pass {
    /// The sum of the products of two tensors over the indices that the result lacks; the labels are those of the operands and the
    /// result, and every one occurs in two of the three.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    pub fn einsum(
        &mut self,
        inputs: &[(Buf, &[usize])],
        labels: [&[usize]; 3],
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let [(a, left), (b, right)] = [inputs[0], inputs[1]];
        self.expect_numbers(a, "an operand of einsum!")?;
        self.expect_numbers(b, "an operand of einsum!")?;
        let grad = self.recording && (a.grad || b.grad);
        let y = self.result(numel(outputs[0]), grad);
        if !self.planning {
            let operand = |buf, shape, at: usize| Operand { buf, shape, labels: labels[at] };
            // SAFETY: buffers of the pass of these shapes.
            unsafe { contract(operand(a, left, 0), operand(b, right, 1), operand(y, outputs[0], 2)) };
        }
        self.save(a, grad && b.grad);
        self.save(b, grad && a.grad);
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::einsum`].
    ///
    /// # Errors
    /// None.
    pub fn einsum_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        labels: [&[usize]; 3],
        outputs: &[&[usize]],
        into: &mut [Grad],
    ) -> Result<()> {
        let (b, a) = (self.saved(), self.saved());
        let Some(g) = g[0] else { return Ok(()) };
        let operand = |buf, shape, at: usize| Operand { buf, shape, labels: labels[at] };
        let g = operand(g, outputs[0], 2);
        for (at, (own, other)) in [(a, b), (b, a)].into_iter().enumerate().filter(|(_, (own, _))| own.grad) {
            let made = self.numbers(own.len, false);
            if !self.planning {
                let (other, made) = (operand(other, shapes[1 - at], 1 - at), operand(made, shapes[at], at));
                // SAFETY: buffers of the pass of these shapes.
                unsafe { contract(g, other, made) };
            }
            self.contribute(&mut into[at], Some(made));
        }
        Ok(())
    }
}
