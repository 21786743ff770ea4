//! Calls with arguments at random, from nothing to more than can be counted, on inputs of any shape, dtype and layout: a
//! result or an error, never a panic from inside the library, forward or backward.

mod calls;
mod layers;

use rustorch::{DType, Result, Tensor};
use rustorch_tests::quiet;

/// A source of arguments.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound
    }

    fn size(&mut self) -> usize {
        match self.below(50) {
            0 => usize::MAX,
            1 => usize::MAX / 2,
            2 => 1 << 62,
            3..=6 => 0,
            small => 1 + small as usize % 4,
        }
    }

    fn sizes<const N: usize>(&mut self) -> [usize; N] {
        std::array::from_fn(|_| self.size())
    }

    fn outputs<const N: usize>(&mut self) -> [Option<usize>; N] {
        std::array::from_fn(|_| (self.below(3) > 0).then(|| self.size()))
    }

    fn axis(&mut self) -> isize {
        [isize::MIN, isize::MAX, -7, 7, -2, -1, 0, 1, 2][self.below(9) as usize]
    }

    fn number(&mut self) -> f64 {
        let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 0.0, 1e300, 1e-320, 1.0, 2.0];
        odd.get(self.below(16) as usize).copied().unwrap_or(0.3)
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 0
    }

    /// A tensor, most often of the rank that is asked for.
    fn tensor(&mut self, rank: usize) -> Result<Tensor> {
        let rank = if self.below(10) == 0 { self.below(6) as usize } else { rank };
        let shape: Vec<usize> =
            (0..rank).map(|_| if self.below(14) == 0 { 0 } else { 1 + self.below(4) as usize }).collect();
        let dtypes =
            [DType::F64, DType::F16, DType::BF16, DType::I64, DType::U8, DType::Bool, DType::Complex64];
        let dtype = dtypes.get(self.below(14) as usize).copied().unwrap_or(DType::F32);
        let tensor = Tensor::randn(shape).mul(2.0)?.to_dtype(dtype);
        let tensor = match self.below(4) {
            0 if rank >= 2 => tensor.transpose(0, -1)?,
            1 if rank >= 1 => tensor.slice(0, 0, isize::MAX, 2)?,
            _ => tensor,
        };
        match dtype.is_float() && self.flag() {
            true => tensor.detach().requires_grad_(true),
            false => Ok(tensor),
        }
    }
}

/// What came of calls.
#[derive(Default)]
struct Outcomes {
    results: usize,
    errors: usize,
    panics: Vec<String>,
}

impl Outcomes {
    fn call(&mut self, what: &mut String, f: impl FnOnce(&mut String) -> Result<()>) {
        match quiet::call(|| f(what)) {
            Ok(()) => self.results += 1,
            Err(message) if quiet::is_internal(&message) => self.panics.push(format!("{message} in {what}")),
            Err(_) => self.errors += 1,
        }
    }

    /// Fails if the library panicked, or too few calls were of one kind to have tried anything.
    fn check(mut self, least: usize) {
        assert!(
            self.results > least && self.errors > least,
            "{} results, {} errors",
            self.results,
            self.errors
        );
        self.panics.sort();
        self.panics.dedup();
        assert!(self.panics.is_empty(), "{} panics\n{}", self.panics.len(), self.panics.join("\n"));
    }
}

/// Differentiates what can be, and looks into every element.
fn finish(outputs: &[&Tensor]) -> Result<()> {
    for output in outputs {
        if output.requires_grad() {
            output.backward_with(Some(&output.detach().ones_like()), Default::default())?;
        }
        let _ = output.to_string();
    }
    Ok(())
}
