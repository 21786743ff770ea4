//! Sums, extrema, variances and norms over axes.

use super::super::{Buf, Grad, Pass};
use super::elementwise::{apply, operators};
use super::groups::Groups;
use super::numel;
use crate::Result;
use crate::kernels::reduce::{self as kernel, Maximum, Minimum, Plan, Product, Sum, SumAbs, SumSquares};
use crate::layout::contiguous_strides;
use crate::ops::reduce::fused::{share_extremum, spread_deviation};
use crate::ops::reduce::spread::Spread;

/// What is computed of the elements along some axes.
#[derive(Clone, Copy)]
pub struct Reduce<'a> {
    /// The axes.
    pub axes: &'a [usize],
    /// What.
    pub fold: Fold,
}

/// What is computed of many elements.
#[derive(Clone, Copy)]
pub enum Fold {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// Their product.
    Product,
    /// The greatest; NaN if there is one.
    Max,
    /// The smallest; NaN if there is one.
    Min,
    /// The variance `Σ (x - x̄)² / (n - correction)`.
    Variance {
        /// What is taken off the count.
        correction: f64,
    },
    /// The root of the variance.
    Deviation {
        /// What is taken off the count.
        correction: f64,
    },
    /// `(Σ |x|^p)^(1/p)`
    Norm {
        /// The power.
        p: f64,
    },
    /// `log Σ exp x`
    LogSumExp,
}

impl Reduce<'_> {
    fn plan(&self, shape: &[usize]) -> Plan {
        let reduced: Vec<bool> = (0..shape.len()).map(|axis| self.axes.contains(&axis)).collect();
        Plan::new(shape, &contiguous_strides(shape), &reduced)
    }
}

/// `n - correction`, but not below 0.
#[inline]
fn degrees(plan: &Plan, correction: f64) -> f32 {
    (plan.length() as f64 - correction).max(0.0) as f32
}

/// What a norm folds, if it is no sum of powers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum NormKind {
    Sum,
    Root,
    Greatest,
    Smallest,
    Count,
    Power,
}

impl NormKind {
    fn of(p: f64) -> Self {
        match p {
            1.0 => Self::Sum,
            2.0 => Self::Root,
            0.0 => Self::Count,
            f64::INFINITY => Self::Greatest,
            f64::NEG_INFINITY => Self::Smallest,
            _ => Self::Power,
        }
    }
}

/// Applies a function to every element.
///
/// # Safety
/// The buffer holds numbers, and nobody else uses it.
unsafe fn each(buf: Buf, f: impl Fn(f32) -> f32) {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(buf.f32(), buf.len) }.iter_mut().for_each(|x| *x = f(*x));
}

impl Pass {
    /// A fold over axes.
    ///
    /// # Errors
    /// If what the elements are is unknown.
    pub fn reduce(
        &mut self,
        inputs: &[(Buf, &[usize])],
        options: Reduce<'_>,
        outputs: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        let (x, shape) = inputs[0];
        self.expect_numbers(x, "a tensor to be reduced")?;
        let plan = self.fact(|| Ok(options.plan(shape)))?;
        let grad = self.recording && x.grad;
        let y = self.result(numel(outputs[0]), grad);
        let walk = Spread::new(shape, options.axes);
        // SAFETY: here and below, buffers of the pass of the sizes of the tensor and of the result.
        let fold = |by: unsafe fn(&Plan, *const u8, *mut u8, f64), from: Buf, to: Buf, divisor: f64| unsafe {
            by(&plan, from.ptr, to.ptr, divisor);
        };
        let count = plan.length() as f64;
        // Whether the gradient reads the elements, and the result.
        let reads = match options.fold {
            Fold::Sum | Fold::Mean => {
                let divisor = if matches!(options.fold, Fold::Mean) { count } else { 1.0 };
                if !self.planning {
                    fold(kernel::reduce::<Sum, f32>, x, y, divisor);
                }
                [false; 2]
            }
            Fold::Product => {
                if !self.planning {
                    fold(kernel::reduce::<Product, f32>, x, y, 1.0);
                }
                [grad, false]
            }
            Fold::Max | Fold::Min => {
                if !self.planning {
                    match options.fold {
                        Fold::Max => fold(kernel::reduce::<Maximum, f32>, x, y, 1.0),
                        _ => fold(kernel::reduce::<Minimum, f32>, x, y, 1.0),
                    }
                }
                [grad; 2]
            }
            Fold::Variance { correction } | Fold::Deviation { correction } => {
                let is_root = matches!(options.fold, Fold::Deviation { .. });
                let mean = self.numbers(y.len, false);
                let centred = self.numbers(x.len, false);
                if !self.planning {
                    fold(kernel::reduce::<Sum, f32>, x, mean, count);
                    // SAFETY: as above.
                    unsafe { walk.run(x.f32(), [mean.f32(); 2], centred.f32(), |x, mean, _| x - mean) };
                    // In two passes: the sum of squares less the square of the sum would lose digits.
                    fold(kernel::reduce::<SumSquares, f32>, centred, y, 1.0);
                    let degrees = degrees(&plan, correction);
                    let end = |sum: f32| if is_root { (sum / degrees).sqrt() } else { sum / degrees };
                    // SAFETY: as above.
                    unsafe { each(y, end) };
                }
                self.release(centred);
                self.save(mean, grad);
                self.release(mean);
                [grad, grad && is_root]
            }
            Fold::Norm { p } => {
                self.norm(x, y, p, &plan);
                [grad; 2]
            }
            Fold::LogSumExp => {
                let most = self.numbers(y.len, false);
                let [moved, powers] = [self.numbers(x.len, false), self.numbers(x.len, false)];
                if !self.planning {
                    fold(kernel::reduce::<Maximum, f32>, x, most, 1.0);
                    // SAFETY: as above.
                    unsafe {
                        each(most, |most| if most.is_infinite() { 0.0 } else { most });
                        walk.run(x.f32(), [most.f32(); 2], moved.f32(), |x, most, _| x - most);
                        apply(operators::exp, &[], moved.f32(), powers.f32(), x.len);
                    }
                    fold(kernel::reduce::<Sum, f32>, powers, y, 1.0);
                    // SAFETY: as above.
                    let (sums, most) = unsafe {
                        (
                            std::slice::from_raw_parts_mut(y.f32(), y.len),
                            std::slice::from_raw_parts(most.f32(), y.len),
                        )
                    };
                    sums.iter_mut().zip(most).for_each(|(sum, most)| *sum = sum.ln() + most);
                }
                [most, moved, powers].into_iter().for_each(|buf| self.release(buf));
                [grad; 2]
            }
        };
        self.save(x, reads[0]);
        self.save(y, reads[1]);
        made[0] = y;
        Ok(())
    }

    fn norm(&mut self, x: Buf, y: Buf, p: f64, plan: &Plan) {
        let kind = NormKind::of(p);
        let terms = match kind {
            NormKind::Sum | NormKind::Root => None,
            _ => Some(self.numbers(x.len, false)),
        };
        if !self.planning {
            // SAFETY: buffers of the pass of the sizes of the tensor and of the result.
            unsafe {
                if let Some(terms) = terms {
                    let term = |x: f32| match kind {
                        NormKind::Count => f32::from(x != 0.0),
                        NormKind::Power => x.abs().powf(p as f32),
                        _ => x.abs(),
                    };
                    let all = Spread::new(&[x.len], &[]);
                    all.run(x.f32(), [x.f32(); 2], terms.f32(), |x, _, _| term(x));
                }
                let from = terms.unwrap_or(x).ptr;
                match kind {
                    NormKind::Sum => kernel::reduce::<SumAbs, f32>(plan, from, y.ptr, 1.0),
                    NormKind::Root => kernel::reduce::<SumSquares, f32>(plan, from, y.ptr, 1.0),
                    NormKind::Greatest => kernel::reduce::<Maximum, f32>(plan, from, y.ptr, 1.0),
                    NormKind::Smallest => kernel::reduce::<Minimum, f32>(plan, from, y.ptr, 1.0),
                    NormKind::Count | NormKind::Power => kernel::reduce::<Sum, f32>(plan, from, y.ptr, 1.0),
                }
                match kind {
                    NormKind::Root => each(y, f32::sqrt),
                    NormKind::Power => each(y, |sum| sum.powf(1.0 / p as f32)),
                    _ => {}
                }
            }
        }
        if let Some(terms) = terms {
            self.release(terms);
        }
    }

    /// The gradient of [`Pass::reduce`].
    ///
    /// # Errors
    /// None.
    pub fn reduce_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        options: Reduce<'_>,
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let (y, x) = (self.saved(), self.saved());
        let mean = match options.fold {
            Fold::Variance { .. } | Fold::Deviation { .. } => Some(self.saved()),
            _ => None,
        };
        let Some(g) = g[0].filter(|_| x.grad) else { return Ok(()) };
        let walk = Spread::new(shapes[0], options.axes);
        let plan = self.fact(|| Ok(options.plan(shapes[0])))?;
        let dx = self.numbers(x.len, false);
        match options.fold {
            Fold::Sum | Fold::Mean => {
                let count = if matches!(options.fold, Fold::Mean) { plan.length() as f32 } else { 1.0 };
                if !self.planning {
                    // SAFETY: here and below, buffers of the pass of the sizes of the tensor and of the result.
                    unsafe { walk.repeat(g.f32(), dx.f32(), |g| g / count) };
                }
            }
            Fold::Product => {
                let groups = self.fact(|| Ok(Groups::new(shapes[0], options.axes)))?;
                if !self.planning {
                    // SAFETY: as above.
                    unsafe { groups.products_of_others(x.f32(), g.f32(), dx.f32()) };
                }
            }
            Fold::Max | Fold::Min => self.share_extremum(x, y, g, dx, &plan, &walk, |x| x, |_| 1.0),
            Fold::Variance { correction } | Fold::Deviation { correction } => {
                let factor = self.numbers(g.len, false);
                if !self.planning {
                    let is_root = matches!(options.fold, Fold::Deviation { .. });
                    let from = [x, y, g, mean.unwrap_or(y)].map(|buf| buf.f32().cast_const());
                    let to = [dx, factor].map(|buf| buf.f32());
                    // SAFETY: as above.
                    unsafe {
                        spread_deviation(&walk, from, to, g.len, (degrees(&plan, correction), is_root));
                    }
                }
                self.release(factor);
            }
            Fold::Norm { p } => self.norm_backward(x, y, g, dx, p, &plan, &walk),
            Fold::LogSumExp => {
                let [moved, weights] = [self.numbers(x.len, false), self.numbers(x.len, false)];
                if !self.planning {
                    // SAFETY: as above.
                    unsafe {
                        // Where nothing but -∞ was summed, every weight is exp(-∞ - 0) = 0.
                        walk.run(x.f32(), [y.f32(); 2], moved.f32(), |x, y, _| {
                            x - if y == f32::NEG_INFINITY { 0.0 } else { y }
                        });
                        apply(operators::exp, &[], moved.f32(), weights.f32(), x.len);
                        walk.run(weights.f32(), [g.f32(); 2], dx.f32(), |weight, g, _| g * weight);
                    }
                }
                self.release(moved);
                self.release(weights);
            }
        }
        self.contribute(into[0], Some(dx));
        Ok(())
    }

    /// The gradient of an extremum of `value(x)`, shared by the elements that attain it, times `slope(x)`.
    #[expect(clippy::too_many_arguments, reason = "a fold's operands, and what is done with them")]
    fn share_extremum(
        &mut self,
        x: Buf,
        y: Buf,
        g: Buf,
        dx: Buf,
        plan: &Plan,
        walk: &Spread,
        value: impl Fn(f32) -> f32 + Sync,
        slope: impl Fn(f32) -> f32 + Sync,
    ) {
        let [attain, counts] = [self.numbers(x.len, false), self.numbers(y.len, false)];
        if !self.planning {
            // SAFETY: buffers of the pass of the sizes of the tensor and of the result.
            unsafe {
                let from = [x, y, g].map(|buf| buf.f32().cast_const());
                let to = [dx, attain, counts].map(|buf| buf.f32());
                share_extremum(plan, walk, from, to, |x, y| value(x) == y);
                let each = Spread::new(&[x.len], &[]);
                each.run(dx.f32(), [x.f32(); 2], dx.f32(), |share, x, _| share * slope(x));
            }
        }
        self.release(attain);
        self.release(counts);
    }

    #[expect(clippy::too_many_arguments, reason = "a fold's operands, and what is done with them")]
    fn norm_backward(&mut self, x: Buf, y: Buf, g: Buf, dx: Buf, p: f64, plan: &Plan, walk: &Spread) {
        let kind = NormKind::of(p);
        if matches!(kind, NormKind::Greatest | NormKind::Smallest) {
            return self.share_extremum(x, y, g, dx, plan, walk, f32::abs, sign);
        }
        if self.planning {
            return;
        }
        let p = p as f32;
        let operands = [g.f32().cast_const(), y.f32().cast_const()];
        let scale = move |g: f32, norm: f32| if norm == 0.0 { 0.0 } else { g / norm };
        // SAFETY: buffers of the pass of the sizes of the tensor and of the result.
        unsafe {
            match kind {
                NormKind::Sum => walk.run(x.f32(), operands, dx.f32(), |x, g, _| sign(x) * g),
                NormKind::Root => walk.run(x.f32(), operands, dx.f32(), |x, g, norm| x * scale(g, norm)),
                NormKind::Count => walk.run(x.f32(), operands, dx.f32(), |_, _, _| 0.0),
                _ => walk.run(x.f32(), operands, dx.f32(), |x, g, norm| {
                    let power = if x == 0.0 && p < 2.0 { 0.0 } else { x.abs().powf(p - 1.0) };
                    let scale = if norm == 0.0 { 0.0 } else { g / norm.powf(p - 1.0) };
                    sign(x) * power * scale
                }),
            }
        }
    }
}

/// -1, 0 or 1; NaN of NaN.
#[inline]
fn sign(x: f32) -> f32 {
    if x == 0.0 {
        0.0
    } else if x.is_nan() {
        x
    } else {
        1.0f32.copysign(x)
    }
}
