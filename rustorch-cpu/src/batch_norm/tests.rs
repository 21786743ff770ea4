//! Batch norm against a naive loop.

use super::*;

fn values(n: usize, seed: u64) -> Vec<f64> {
    (0..n as u64).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f64 / 500.0 - 2.0).collect()
}

/// Mean and variance of a channel.
fn moments(shape: Shape, x: &[f64], c: usize) -> (f64, f64) {
    let at = |n: usize, i: usize| x[(n * shape.channels + c) * shape.inner + i];
    let all: Vec<f64> = (0..shape.batch).flat_map(|n| (0..shape.inner).map(move |i| at(n, i))).collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    (mean, all.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / all.len() as f64)
}

/// `Σ dy·y`, whose gradients [`backward`] computes; with fixed statistics where not training.
fn objective(shape: Shape, fixed: Option<(&[f64], &[f64])>, [x, w, b, dy]: [&[f64]; 4]) -> f64 {
    let mut total = 0.0;
    for c in 0..shape.channels {
        let (mean, var) = fixed.map_or_else(|| moments(shape, x, c), |(mean, var)| (mean[c], var[c]));
        for n in 0..shape.batch {
            for i in 0..shape.inner {
                let at = (n * shape.channels + c) * shape.inner + i;
                total += dy[at] * ((x[at] - mean) / (var + 1e-5).sqrt() * w[c] + b[c]);
            }
        }
    }
    total
}

fn check(isa: Isa, shape: Shape, training: bool) {
    let n = shape.batch * shape.channels * shape.inner;
    let (x, dy) = (values(n, 1), values(n, 2));
    let (w, b) = (values(shape.channels, 3), values(shape.channels, 4));
    let (mut mean, mut var) = (values(shape.channels, 5), vec![1.5; shape.channels]);
    let (mut y, mut dx) = (vec![f64::NAN; n], vec![f64::NAN; n]);
    let (mut dw, mut db) = (vec![f64::NAN; shape.channels], vec![f64::NAN; shape.channels]);
    // SAFETY: the vectors have the sizes that the shape says.
    unsafe {
        if training {
            statistics(isa, shape, x.as_ptr(), mean.as_mut_ptr(), var.as_mut_ptr());
        }
        let norm = Norm {
            mean: mean.as_ptr(),
            var: var.as_ptr(),
            eps: 1e-5,
            weight: Some(w.as_ptr()),
            bias: Some(b.as_ptr()),
        };
        forward(isa, shape, &norm, Finish::NONE, x.as_ptr(), y.as_mut_ptr());
        let gradients = Gradients {
            x: x.as_ptr(),
            dy: dy.as_ptr(),
            training,
            dx: Some(dx.as_mut_ptr()),
            dweight: Some(dw.as_mut_ptr()),
            dbias: Some(db.as_mut_ptr()),
        };
        backward(isa, shape, &norm, &gradients);
    }
    let fixed = (!training).then_some((&mean[..], &var[..]));
    let expected = objective(shape, fixed, [&x, &w, &b, &dy]);
    let got: f64 = y.iter().zip(&dy).map(|(y, g)| y * g).sum();
    assert!((got - expected).abs() <= 1e-9 * (1.0 + expected.abs()), "{shape:?}: {got} {expected}");
    for (which, gradient) in [&dx, &dw, &db].into_iter().enumerate() {
        for (i, &got) in gradient.iter().enumerate().step_by(7) {
            let moved = |by: f64| {
                let mut all = [x.clone(), w.clone(), b.clone()];
                all[which][i] += by;
                objective(shape, fixed, [&all[0], &all[1], &all[2], &dy])
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!(
                (got - slope).abs() <= 1e-5 * (1.0 + slope.abs()),
                "{shape:?} {which} {i}: {got} {slope}"
            );
        }
    }
}

#[test]
fn against_finite_differences() {
    for isa in Isa::available() {
        for (batch, channels, inner) in [(4, 3, 5), (2, 2, 70), (9, 70, 1), (300, 2, 1), (1, 3, 16)] {
            let shape = Shape { batch, channels, inner };
            check(isa, shape, true);
            check(isa, shape, false);
        }
    }
}

#[test]
fn a_large_mean_does_not_cancel_the_variance() {
    for (batch, channels, inner) in [(64, 1, 1), (2, 1, 32)] {
        let x: Vec<f32> = (0..64).map(|i| 10_000.0 + (i % 2) as f32).collect();
        let (mut mean, mut var) = ([0f32], [0f32]);
        let shape = Shape { batch, channels, inner };
        // SAFETY: 64 values of one channel.
        unsafe { statistics(crate::isa(), shape, x.as_ptr(), mean.as_mut_ptr(), var.as_mut_ptr()) };
        assert_eq!((mean[0], var[0]), (10_000.5, 0.25));
    }
}

#[test]
fn a_gradient_that_is_the_input_itself() {
    for (batch, channels, inner) in [(8, 2, 1), (2, 2, 20)] {
        let shape = Shape { batch, channels, inner };
        let n = batch * channels * inner;
        let (x, w) = (values(n, 1), vec![1.0; channels]);
        let copy = x.clone();
        let results = [x.as_ptr(), copy.as_ptr()].map(|dy| {
            let (mut dx, mut mean, mut var) = (vec![f64::NAN; n], w.clone(), w.clone());
            // SAFETY: the vectors have the sizes that the shape says.
            unsafe {
                statistics(crate::isa(), shape, x.as_ptr(), mean.as_mut_ptr(), var.as_mut_ptr());
                let (mean, var) = (mean.as_ptr(), var.as_ptr());
                let norm = Norm { mean, var, eps: 1e-5, weight: None, bias: None };
                let dx = Some(dx.as_mut_ptr());
                let gradients =
                    Gradients { x: x.as_ptr(), dy, training: true, dx, dweight: None, dbias: None };
                backward(crate::isa(), shape, &norm, &gradients);
            }
            dx
        });
        assert_eq!(results[0], results[1]);
    }
}
