//! Sums of products of tensors over named indices, as products of matrices of two at a time where the operands lie.

use smallvec::SmallVec;

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::Result;
use crate::kernels::gemm::{BatchDim, Epilogue, MatMut, MatRef, Product};
use crate::layout::Dims;

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

/// What a contraction consists of.
#[derive(Clone, Copy)]
pub struct Contractions<'a> {
    /// The labels of the axes of the operands, then of the products of pairs; those of the last one are the result's.
    pub labels: &'a [&'a [usize]],
    /// Which values are multiplied, in order. Every label of a pair and its product occurs in two of the three.
    pub pairs: &'a [(usize, usize)],
}

/// Operands and products: of eight tensors, seven.
type Values<T> = SmallVec<[T; 16]>;

impl Contractions<'_> {
    /// The shapes of all values.
    fn shapes(&self, operands: &[&[usize]]) -> Values<Dims> {
        let mut shapes: Values<Dims> = operands.iter().map(|shape| Dims::from_slice(shape)).collect();
        for labels in &self.labels[operands.len()..] {
            let size = |label: &usize| {
                let mut axes = shapes.iter().zip(self.labels).flat_map(|(shape, own)| own.iter().zip(shape));
                axes.find(|(own, _)| *own == label).map_or(1, |(_, size)| *size)
            };
            let shape = labels.iter().map(size).collect();
            shapes.push(shape);
        }
        shapes
    }
}

impl Pass {
    /// The sum of the products of tensors over the indices that the result lacks.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    pub fn einsum(
        &mut self,
        inputs: &[(Buf, &[usize])],
        Contractions { labels, pairs }: Contractions<'_>,
        _: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        for (operand, _) in inputs {
            self.expect_numbers(*operand, "an operand of einsum!")?;
        }
        let given: Values<&[usize]> = inputs.iter().map(|(_, shape)| *shape).collect();
        let shapes = Contractions { labels, pairs }.shapes(&given);
        let mut values: Values<Buf> = inputs.iter().map(|(operand, _)| *operand).collect();
        for (number, &(left, right)) in pairs.iter().enumerate() {
            let (a, b, product) = (values[left], values[right], values.len());
            let grad = self.recording && (a.grad || b.grad);
            let y = match number + 1 == pairs.len() {
                true => self.result(numel(&shapes[product]), grad),
                false => self.numbers(numel(&shapes[product]), grad),
            };
            values.push(y);
            if !self.planning {
                let operand = |at: usize| Operand { buf: values[at], shape: &shapes[at], labels: labels[at] };
                // SAFETY: buffers of the pass of these shapes.
                unsafe { contract(operand(left), operand(right), operand(product)) };
            }
            self.save(a, grad && b.grad);
            self.save(b, grad && a.grad);
            for used in [left, right].into_iter().filter(|used| *used >= inputs.len()) {
                self.release(values[used]);
            }
            made[0] = y;
        }
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
        Contractions { labels, pairs }: Contractions<'_>,
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let count = shapes.len();
        let shapes = Contractions { labels, pairs }.shapes(shapes);
        let mut grads: Values<Grad> = SmallVec::from_elem(None, shapes.len());
        grads[shapes.len() - 1] = g[0];
        for (number, &(left, right)) in pairs.iter().enumerate().rev() {
            let (b, a) = (self.saved(), self.saved());
            let product = count + number;
            let Some(g) = grads[product] else { continue };
            let operand = |buf, at: usize| Operand { buf, shape: &shapes[at], labels: labels[at] };
            for (at, own, other, beside) in [(left, a, b, right), (right, b, a, left)] {
                if !own.grad {
                    continue;
                }
                let made = self.numbers(own.len, false);
                if !self.planning {
                    // SAFETY: buffers of the pass of these shapes.
                    unsafe { contract(operand(g, product), operand(other, beside), operand(made, at)) };
                }
                self.contribute(&mut grads[at], Some(made));
            }
            if number + 1 < pairs.len() {
                self.release(g);
            }
        }
        for (into, grad) in into.iter_mut().zip(grads).take(count) {
            self.contribute(into, grad);
        }
        Ok(())
    }
}
