//! Sums of products of tensors over named indices, as products of matrices of two at a time where the operands lie.

use smallvec::SmallVec;

use super::super::{Buf, Grad, Pass};
use super::elementwise::parameters;
use super::numel;
use crate::kernels::gemm::{BatchDim, Epilogue, MatMut, MatRef, Product};
use crate::kernels::reduce::{Plan, Sum, reduce};
use crate::layout::{Dims, contiguous_strides};
use crate::ops::elementwise::table::arithmetic::mul;
use crate::ops::elementwise::{Kernel, copy_strided, strided};
use crate::{DType, Result};

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
    #[inline]
    fn stride(&self, label: usize) -> usize {
        let axis = self.labels.iter().position(|known| *known == label);
        axis.map_or(0, |axis| numel(&self.shape[axis + 1..]))
    }

    /// Its size, or 1 where it does not occur.
    #[inline]
    fn size(&self, label: usize) -> usize {
        self.labels.iter().position(|known| *known == label).map_or(1, |axis| self.shape[axis])
    }

    #[inline]
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

/// The elements of two operands multiplied one by one, to rows of the result's elements and then of what is summed.
///
/// # Safety
/// As for [`contract`]; `to` has an element for each position of these labels.
unsafe fn multiply(a: Operand<'_>, b: Operand<'_>, labels: &[usize], to: *mut f32) {
    let shape: Dims = labels.iter().map(|label| a.size(*label).max(b.size(*label))).collect();
    let side = |operand: Operand<'_>| {
        let strides: Dims = labels.iter().map(|label| operand.stride(*label)).collect();
        (operand.buf.ptr.cast_const(), strides)
    };
    // SAFETY: the caller's promise.
    unsafe { strided(product_kernel(), &[side(a), side(b)], to.cast(), &shape, parameters(&[])) }
}

/// `c = Σ a·b` over the indices that `c` lacks, as a product of matrices. Every index occurs in two of the three.
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
    /// The labels of the axes of the operands as they are given. A label that occurs twice stands for the diagonal; an axis
    /// of one element that broadcasts has none ([`Contractions::BROADCAST`]).
    pub given: &'a [&'a [usize]],
    /// The labels that the axes of the operands have when diagonals are taken and what only they have is summed, then of the products
    /// of pairs; those of the last one are the result's.
    pub labels: &'a [&'a [usize]],
    /// Which values are multiplied, in order. Every label of a pair and its product occurs in two of the three.
    pub pairs: &'a [(usize, usize)],
}

/// Operands and products: of eight tensors, seven.
type Values<T> = SmallVec<[T; 16]>;

/// How an operand is made ready: over its labels, those that stay first.
struct Prepared {
    /// How many positions each has, and from one to the next in the operand.
    sizes: Dims,
    strides: Dims,
    kept: usize,
    has_diagonal: bool,
}

impl Prepared {
    /// From the labels of an operand's axes to these; `None` if it only loses axes of one element that broadcast.
    #[inline]
    fn new(shape: &[usize], given: &[usize], labels: &[usize]) -> Option<Self> {
        let named: SmallVec<[usize; 8]> =
            given.iter().copied().filter(|label| *label != Contractions::BROADCAST).collect();
        if named[..] == *labels {
            return None;
        }
        let mut all: SmallVec<[usize; 8]> = SmallVec::from_slice(labels);
        for label in &named {
            if !all.contains(label) {
                all.push(*label);
            }
        }
        let of = |wanted: usize| given.iter().enumerate().filter(move |(_, label)| **label == wanted);
        let size = |label: &usize| of(*label).map(|(axis, _)| shape[axis]).next().unwrap_or(1);
        let stride = |label: &usize| of(*label).map(|(axis, _)| numel(&shape[axis + 1..])).sum();
        Some(Self {
            sizes: all.iter().map(size).collect(),
            strides: all.iter().map(stride).collect(),
            kept: labels.len(),
            has_diagonal: all.len() < named.len(),
        })
    }

    /// # Safety
    /// `x` has the operand's elements, `to` room for what it is made.
    unsafe fn forward(&self, x: *const f32, to: *mut f32) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.kept == self.sizes.len() {
                let strides = contiguous_strides(&self.sizes);
                copy_strided(DType::F32, x.cast(), self.strides.clone(), to.cast(), strides, &self.sizes);
                return;
            }
            let reduced: SmallVec<[bool; 8]> = (0..self.sizes.len()).map(|at| at >= self.kept).collect();
            let plan = Plan::new(&self.sizes, &self.strides, &reduced);
            reduce::<Sum, f32>(&plan, x.cast(), to.cast(), 1.0);
        }
    }

    /// The gradient of the operand, of `len` elements, from that of what it is made.
    ///
    /// # Safety
    /// As for [`Prepared::forward`].
    #[inline]
    unsafe fn backward(&self, g: *const f32, dx: *mut f32, len: usize) {
        let mut strides = contiguous_strides(&self.sizes[..self.kept]);
        strides.resize(self.sizes.len(), 0);
        // SAFETY: the caller's promise.
        unsafe {
            if self.has_diagonal {
                dx.write_bytes(0, len);
            }
            copy_strided(DType::F32, g.cast(), strides, dx.cast(), self.strides.clone(), &self.sizes);
        }
    }
}

impl Contractions<'_> {
    /// The label of an axis that broadcasts.
    pub const BROADCAST: usize = usize::MAX;

    /// The shapes of all values; an error if a label has two sizes.
    #[inline]
    fn shapes(&self, operands: &[&[usize]]) -> Result<Values<Dims>, String> {
        let all = || operands.iter().zip(self.given).flat_map(|(shape, own)| own.iter().zip(*shape));
        let size = |label: &usize| all().find(|(own, _)| *own == label).map_or(1, |(_, size)| *size);
        match all().find(|(label, own)| **label != Self::BROADCAST && size(label) != **own) {
            Some((label, own)) => Err(format!("an index of einsum! has the sizes {own} and {}", size(label))),
            None => Ok(self.labels.iter().map(|labels| labels.iter().map(size).collect()).collect()),
        }
    }
}

/// The loop of `a · b`.
fn product_kernel() -> Kernel {
    (mul::ENTRY.kernel)(DType::F32).expect("floats are multiplied")
}

impl Pass {
    /// The sum of the products of tensors over the indices that the result lacks.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    #[inline]
    pub fn einsum(
        &mut self,
        inputs: &[(Buf, &[usize])],
        options: Contractions<'_>,
        _: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        for (operand, _) in inputs {
            self.expect_numbers(*operand, "an operand of einsum!")?;
        }
        let Contractions { given, labels, pairs } = options;
        let shapes: Values<&[usize]> = inputs.iter().map(|(_, shape)| *shape).collect();
        let shapes = match options.shapes(&shapes) {
            Ok(shapes) => shapes,
            Err(why) => return self.refuse(why),
        };
        let mut values: Values<Buf> = SmallVec::new();
        for (at, &(operand, shape)) in inputs.iter().enumerate() {
            let value = match Prepared::new(shape, given[at], labels[at]) {
                None => self.retain(operand),
                Some(prepared) => {
                    let (len, grad) = (numel(&shapes[at]), self.recording && operand.grad);
                    let value =
                        if pairs.is_empty() { self.result(len, grad) } else { self.numbers(len, grad) };
                    if !self.planning {
                        // SAFETY: buffers of the pass of these sizes.
                        unsafe { prepared.forward(operand.f32(), value.f32()) };
                    }
                    value
                }
            };
            self.save(operand, false);
            values.push(value);
        }
        for (number, &(left, right)) in pairs.iter().enumerate() {
            let (a, b, product) = (values[left], values[right], values.len());
            let grad = self.recording && (a.grad || b.grad);
            let y = match number + 1 == pairs.len() {
                true => self.result(numel(&shapes[product]), grad),
                false => self.numbers(numel(&shapes[product]), grad),
            };
            values.push(y);
            let operand = |at: usize| Operand { buf: values[at], shape: &shapes[at], labels: labels[at] };
            self.contraction(operand(left), operand(right), operand(product));
            self.save(a, grad && b.grad);
            self.save(b, grad && a.grad);
            self.release(a);
            self.release(b);
        }
        // Of one operand that is used as it is, nothing was asked.
        self.decline();
        made[0] = values[values.len() - 1];
        Ok(())
    }

    /// `c = Σ a·b` over the indices that `c` lacks. Where both have every index, elements are multiplied one by one.
    fn contraction(&mut self, a: Operand<'_>, b: Operand<'_>, c: Operand<'_>) {
        let summed = a.labels.iter().filter(|label| !c.has(**label)).count();
        let is_apart =
            a.labels.iter().any(|label| !b.has(*label)) || b.labels.iter().any(|label| !a.has(*label));
        if summed > 0 && is_apart {
            if !self.planning {
                // SAFETY: buffers of the pass of these shapes.
                unsafe { contract(a, b, c) };
            }
            return;
        }
        let labels: SmallVec<[usize; 8]> =
            c.labels.iter().chain(a.labels.iter().filter(|label| !c.has(**label))).copied().collect();
        let size = |label: &usize| a.size(*label).max(b.size(*label));
        let products = match summed {
            0 => c.buf,
            _ => self.numbers(labels.iter().map(size).product(), false),
        };
        if !self.planning {
            // SAFETY: buffers of the pass of these sizes.
            unsafe {
                multiply(a, b, &labels, products.f32());
                if summed > 0 {
                    let shape: Dims = labels.iter().map(size).collect();
                    let reduced: SmallVec<[bool; 8]> = labels.iter().map(|label| !c.has(*label)).collect();
                    let plan = Plan::new(&shape, &contiguous_strides(&shape), &reduced);
                    reduce::<Sum, f32>(&plan, products.ptr, c.buf.ptr, 1.0);
                }
            }
        }
        if summed > 0 {
            self.release(products);
        }
    }

    /// The gradient of [`Pass::einsum`].
    ///
    /// # Errors
    /// None.
    #[inline]
    pub fn einsum_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        options: Contractions<'_>,
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let Contractions { given, labels, pairs } = options;
        let (operands, count) = (shapes, shapes.len());
        let shapes = match options.shapes(operands) {
            Ok(shapes) => shapes,
            Err(why) => return self.refuse(why),
        };
        let mut grads: Values<Grad> = SmallVec::from_elem(None, shapes.len());
        if let Some(g) = g[0] {
            grads[shapes.len() - 1] = Some(self.retain(g));
        }
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
                self.contraction(operand(g, product), operand(other, beside), operand(made, at));
                self.contribute(&mut grads[at], Some(made));
            }
            self.release(g);
        }
        for at in (0..count).rev() {
            let operand = self.saved();
            let Some(g) = grads[at] else { continue };
            if !operand.grad {
                self.release(g);
                continue;
            }
            let dx = match Prepared::new(operands[at], given[at], labels[at]) {
                None => g,
                Some(prepared) => {
                    let dx = self.numbers(operand.len, false);
                    if !self.planning {
                        // SAFETY: buffers of the pass of these sizes.
                        unsafe { prepared.backward(g.f32(), dx.f32(), dx.len) };
                    }
                    self.release(g);
                    dx
                }
            };
            self.contribute(into[at], Some(dx));
        }
        Ok(())
    }
}
