//! Cross-entropy of rows of logits, forward and backward in one pass over each row.
//!
//! With target distribution `a` over the classes, the loss of a row is `-Σ aᶜ log softmax(x)ᶜ` and its gradient
//! `s · softmax(x) - a` where `s = Σ aᶜ`. A class label `y` with class weights `w` and smoothing `e` over `C` classes is
//! the distribution `(1 - e)·w_y` at `y` plus `e/C · w` everywhere.

use std::mem::MaybeUninit;

use super::isa::Kernel;
use super::{isa, math, parallel};

/// A float that logits can have.
pub trait Real: Copy + Send + Sync + 'static {
    /// The exponential.
    fn exp<const FMA: bool>(self) -> Self;
    /// From a double.
    fn from_f64(value: f64) -> Self;
    /// To a double.
    fn to_f64(self) -> f64;
    /// `self · scale`
    fn scaled(self, scale: Self) -> Self;
    /// `self - other`
    fn minus(self, other: Self) -> Self;
    /// The greater number; NaN if either is.
    fn max(self, other: Self) -> Self;
}

macro_rules! real {
    ($t:ident, $exp:ident) => {
        impl Real for $t {
            #[inline(always)]
            fn exp<const FMA: bool>(self) -> Self {
                math::$exp::<FMA>(self)
            }
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn scaled(self, scale: Self) -> Self {
                self * scale
            }
            #[inline(always)]
            fn minus(self, other: Self) -> Self {
                self - other
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                if self > other || self.is_nan() { self } else { other }
            }
        }
    };
}
real!(f32, exp_f32);
real!(f64, exp_f64);

/// Rows of logits and what they should have been.
#[derive(Clone, Copy)]
pub struct Targets<'a> {
    /// Classes per row.
    pub classes: usize,
    /// The class of each row; negative for rows that do not count. Checked against `classes` by the caller.
    pub labels: &'a [i64],
    /// A weight per class.
    pub weights: Option<&'a [f64]>,
    /// The share of the target that is spread over all classes.
    pub smoothing: f64,
}

impl Targets<'_> {
    fn weight(&self, class: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[class])
    }

    /// Whether what smoothing spreads over the classes is finite.
    fn spreads_finitely(&self) -> bool {
        let finite = |weights: &[f64]| weights.iter().all(|weight| weight.is_finite());
        self.smoothing == 0.0 || self.weights.is_none_or(finite)
    }

    /// `s`: the sum of a row's target distribution.
    fn mass(&self, label: usize) -> f64 {
        let spread = match self.smoothing {
            0.0 => 0.0,
            _ => {
                let total = self.weights.map_or(self.classes as f64, |weights| weights.iter().sum());
                self.smoothing / self.classes as f64 * total
            }
        };
        (1.0 - self.smoothing) * self.weight(label) + spread
    }
}

/// The loss of each row, and the logarithm of the sum of its exponentials, which [`backward`] uses.
pub fn forward<T: Real>(logits: &[T], targets: &Targets<'_>, losses: &mut [T], normalizers: &mut [T]) {
    let classes = targets.classes;
    let out = parallel::Shared((losses.as_mut_ptr(), normalizers.as_mut_ptr()));
    parallel::for_each_chunk(targets.labels.len(), rows_per_chunk(classes), |rows| {
        for row in rows {
            let x = &logits[row * classes..][..classes];
            let (loss, normalizer) = isa().run(Forward { x, targets, label: targets.labels[row] });
            let (losses, normalizers) = out.get();
            // SAFETY: one place per row, and each row belongs to one chunk.
            unsafe {
                losses.add(row).write(T::from_f64(loss));
                normalizers.add(row).write(T::from_f64(normalizer));
            }
        }
    });
}

/// The gradient of the logits, `scale(row) · (s · softmax(x) - a)`, from each row's normalizer.
pub fn backward<T: Real>(
    logits: &[T],
    targets: &Targets<'_>,
    normalizers: &[T],
    scale: impl Fn(usize) -> f64 + Sync,
    gradient: &mut [MaybeUninit<T>],
) {
    let classes = targets.classes;
    assert_eq!(gradient.len(), logits.len(), "a gradient for each logit");
    let out = parallel::Shared(gradient.as_mut_ptr());
    parallel::for_each_chunk(targets.labels.len(), rows_per_chunk(classes), |rows| {
        for row in rows {
            // SAFETY: the row's own part of the gradient, which belongs to one chunk.
            let dx = unsafe { std::slice::from_raw_parts_mut(out.get().add(row * classes), classes) };
            let x = &logits[row * classes..][..classes];
            isa().run(Backward {
                x,
                targets,
                label: targets.labels[row],
                normalizer: normalizers[row],
                scale: scale(row),
                dx,
            });
        }
    });
}

fn rows_per_chunk(classes: usize) -> usize {
    // An exponential costs about eight simple operations.
    (parallel::GRAIN / (8 * classes.max(1))).max(1)
}

struct Forward<'a, T> {
    x: &'a [T],
    targets: &'a Targets<'a>,
    label: i64,
}

impl<T: Real> Kernel for Forward<'_, T> {
    type Output = (f64, f64);

    #[inline(always)]
    fn run<const FMA: bool>(self) -> (f64, f64) {
        let Ok(label) = usize::try_from(self.label) else { return (0.0, 0.0) };
        let top = self.x.iter().fold(T::from_f64(f64::NEG_INFINITY), |top, &x| top.max(x));
        let mut sums = [0.0f64; 8];
        for lanes in self.x.chunks(8) {
            for (sum, &x) in sums.iter_mut().zip(lanes) {
                *sum += x.minus(top).exp::<FMA>().to_f64();
            }
        }
        let normalizer = top.to_f64() + sums.iter().sum::<f64>().ln();
        let targets = self.targets;
        let mut loss =
            (1.0 - targets.smoothing) * targets.weight(label) * (normalizer - self.x[label].to_f64());
        if targets.smoothing > 0.0 {
            let spread =
                self.x.iter().enumerate().map(|(class, x)| targets.weight(class) * (normalizer - x.to_f64()));
            loss += targets.smoothing / targets.classes as f64 * spread.sum::<f64>();
        }
        (loss, normalizer)
    }
}

struct Backward<'a, T> {
    x: &'a [T],
    targets: &'a Targets<'a>,
    label: i64,
    normalizer: T,
    scale: f64,
    dx: &'a mut [MaybeUninit<T>],
}

impl<T: Real> Kernel for Backward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Ok(label) = usize::try_from(self.label) else {
            // Nothing, but where the row has no softmax, or is smoothed by weights that are not finite: there 0 times NaN, as in PyTorch.
            let top = self.x.iter().fold(T::from_f64(f64::NEG_INFINITY), |top, &x| top.max(x));
            let nothing =
                if self.targets.spreads_finitely() { top.minus(top) } else { T::from_f64(f64::NAN) };
            return self.dx.fill(MaybeUninit::new(nothing));
        };
        let targets = self.targets;
        let mass = T::from_f64(self.scale * targets.mass(label));
        let spread = self.scale * targets.smoothing / targets.classes as f64;
        for (dx, &x) in self.dx.iter_mut().zip(self.x) {
            dx.write(x.minus(self.normalizer).exp::<FMA>().scaled(mass));
        }
        let gradient = |class: usize| self.x[class].minus(self.normalizer).exp::<FMA>().scaled(mass);
        if targets.smoothing > 0.0 {
            for (class, dx) in self.dx.iter_mut().enumerate() {
                dx.write(gradient(class).minus(T::from_f64(spread * targets.weight(class))));
            }
        }
        let mut own = self.scale * (1.0 - targets.smoothing) * targets.weight(label);
        if targets.smoothing > 0.0 {
            own += spread * targets.weight(label);
        }
        self.dx[label].write(gradient(label).minus(T::from_f64(own)));
    }
}
