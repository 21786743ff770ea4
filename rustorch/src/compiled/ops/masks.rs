//! One mask of attention of those that its layers take, in which `true` hides.

use std::ops::Range;

use smallvec::SmallVec;

use super::super::{Buf, Grad, Pass};
use super::numel;
use crate::kernels::parallel::{self, Shared};
use crate::{DType, Error, Result};

/// What the masks of a layer are.
#[derive(Clone, Copy)]
pub struct Masks {
    /// Whether the first one is of scores, `[queries, keys]` or `[batch · heads, queries, keys]`; any other is of keys.
    pub is_of_scores: bool,
    /// Whether a query sees keys up to its own position only; not looked at where there is a mask of the scores.
    pub causal: bool,
    /// Keys behind the others, which every query sees.
    pub extra: usize,
}

/// Where the elements of a mask belong in a result `[batch, heads, queries, keys]`.
#[derive(Clone, Copy)]
struct Part {
    buf: Buf,
    /// How far its elements are apart along batch, heads and queries; along keys it is 1.
    strides: [usize; 3],
    keys: usize,
}

impl Masks {
    /// The masks, by the shape of the result.
    fn parts(self, inputs: &[(Buf, &[usize])], whole: &[usize]) -> [Option<Part>; 2] {
        let mut parts = [None; 2];
        for (at, &(buf, own)) in inputs.iter().enumerate() {
            let keys = own[own.len() - 1];
            let strides = match (at == 0 && self.is_of_scores, own.len()) {
                (true, 2) => [0, 0, keys],
                (true, _) => [whole[1] * whole[2] * keys, whole[2] * keys, keys],
                // One mask of the keys serves all heads and queries.
                (false, _) => [keys, 0, 0],
            };
            parts[at] = Some(Part { buf, strides, keys });
        }
        parts
    }
}

impl Part {
    /// The first element of a row of the result, by its number.
    fn start(&self, row: usize, whole: &[usize]) -> usize {
        let (query, matrix) = (row % whole[2], row / whole[2]);
        let [of_batch, of_heads, of_queries] = self.strides;
        matrix / whole[1] * of_batch + matrix % whole[1] * of_heads + query * of_queries
    }

    /// Which keys it hides.
    ///
    /// # Safety
    /// The buffer holds truth values.
    unsafe fn hidden(&self, row: usize, whole: &[usize]) -> &[bool] {
        // SAFETY: the caller's promise; the row is in the mask.
        unsafe {
            std::slice::from_raw_parts(self.buf.ptr.cast::<bool>().add(self.start(row, whole)), self.keys)
        }
    }

    /// What it adds to the scores of keys.
    ///
    /// # Safety
    /// The buffer holds numbers.
    unsafe fn added(&self, row: usize, whole: &[usize]) -> &[f32] {
        // SAFETY: the caller's promise; the row is in the mask.
        unsafe { std::slice::from_raw_parts(self.buf.f32().add(self.start(row, whole)), self.keys) }
    }

    fn holds(&self, dtype: DType) -> bool {
        self.buf.dtype == Some(dtype)
    }
}

impl Pass {
    /// A mask of all that attention may see, `[batch, heads, queries, keys]` or 1 in place of a size: truth values, of keys that are seen,
    /// if the masks are truth values, otherwise what is added to the scores.
    ///
    /// # Errors
    /// If a mask holds neither truth values nor numbers.
    pub fn attention_mask(
        &mut self,
        inputs: &[(Buf, &[usize])],
        masks: Masks,
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        self.decline();
        let whole = outputs[0];
        for (buf, _) in inputs {
            if let Some(dtype) = buf.dtype
                && ![DType::Bool, DType::F32].contains(&dtype)
            {
                let expected = "a mask of bools or floating-point numbers";
                return Err(Error::DType { op: "MultiheadAttention", dtype, expected });
            }
        }
        // What is not known yet while planning may be numbers, which take more room.
        let is_known = inputs.iter().all(|(buf, _)| buf.dtype.is_some());
        let is_logical = is_known && inputs.iter().all(|(buf, _)| buf.dtype == Some(DType::Bool));
        let grad = self.recording && inputs.iter().any(|(buf, _)| buf.grad);
        let dtype = if is_logical { DType::Bool } else { DType::F32 };
        let y = self.allocate(numel(whole), dtype.size(), grad);
        let y = Buf { dtype: is_known.then_some(dtype), ..y };
        if !self.planning {
            let parts = masks.parts(inputs, whole);
            let (keys, rows) = (whole[3], numel(&whole[..3]));
            let causal = masks.causal && !masks.is_of_scores;
            let shared = Shared((&parts, y));
            let grain = (parallel::GRAIN / keys.max(1)).max(1);
            parallel::for_each_chunk(rows, grain, |range: Range<usize>| {
                let (parts, y) = shared.get();
                for row in range {
                    let hides = |part: &&Part| part.holds(DType::Bool);
                    let later = if causal { row % whole[2] + 1..keys - masks.extra } else { 0..0 };
                    // SAFETY: rows of the result are disjoint, and those of masks hold what their dtype says.
                    unsafe {
                        if is_logical {
                            let seen = std::slice::from_raw_parts_mut(y.ptr.add(row * keys), keys);
                            seen.fill(1);
                            for part in parts.iter().flatten() {
                                let hidden = part.hidden(row, whole);
                                seen.iter_mut()
                                    .zip(hidden)
                                    .for_each(|(seen, hidden)| *seen &= u8::from(!hidden));
                            }
                            later.for_each(|key| seen[key] = 0);
                            continue;
                        }
                        let sums = std::slice::from_raw_parts_mut(y.f32().add(row * keys), keys);
                        sums.fill(0.0);
                        for part in parts.iter().flatten().filter(|part| !hides(part)) {
                            let added = part.added(row, whole);
                            sums.iter_mut().zip(added).for_each(|(sum, added)| *sum += added);
                        }
                        for part in parts.iter().flatten().filter(hides) {
                            let hidden =
                                part.hidden(row, whole).iter().enumerate().filter(|(_, hidden)| **hidden);
                            hidden.for_each(|(key, _)| sums[key] = f32::NEG_INFINITY);
                        }
                        later.for_each(|key| sums[key] = f32::NEG_INFINITY);
                    }
                }
            });
        }
        for (buf, _) in inputs {
            self.save(*buf, false);
        }
        made[0] = y;
        Ok(())
    }

    /// The gradient of [`Pass::attention_mask`], that of what was added.
    ///
    /// # Errors
    /// None.
    pub fn attention_mask_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        masks: Masks,
        outputs: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let mut wanted: SmallVec<[bool; 2]> = shapes.iter().map(|_| self.saved().grad).collect();
        wanted.reverse();
        let Some(g) = g[0] else { return Ok(()) };
        let whole = outputs[0];
        for (at, own) in shapes.iter().enumerate().filter(|(at, _)| wanted[*at]) {
            let dx = self.numbers(numel(own), false);
            if !self.planning {
                let given = [(dx, *own)];
                let of_scores = Masks { is_of_scores: masks.is_of_scores && at == 0, ..masks };
                let Some(part) = of_scores.parts(&given, whole)[0] else { continue };
                let keys = whole[3];
                // SAFETY: buffers of the pass of these shapes.
                unsafe {
                    dx.f32().write_bytes(0, dx.len);
                    for row in 0..numel(&whole[..3]) {
                        let to = dx.f32().add(part.start(row, whole));
                        let from = std::slice::from_raw_parts(g.f32().add(row * keys), part.keys);
                        from.iter().enumerate().for_each(|(key, g)| *to.add(key) += g);
                    }
                }
            }
            self.contribute(into[at], Some(dx));
        }
        Ok(())
    }
}
