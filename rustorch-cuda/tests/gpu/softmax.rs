//! Softmax and log-softmax in every form of the kernel.

use rustorch_cuda::{Axis, DType, Device, Elements, softmax, softmax_backward};

use crate::support::*;

fn reference(x: &[f64], axis: Axis, log: bool) -> Vec<f64> {
    along(axis, &[x], |columns| {
        let x = &columns[0];
        let m = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let s: f64 = x.iter().map(|x| (x - m).exp()).sum();
        x.iter().map(|x| if log { x - m - s.ln() } else { (x - m).exp() / s }).collect()
    })
}

fn reference_backward(g: &[f64], y: &[f64], axis: Axis, log: bool) -> Vec<f64> {
    along(axis, &[g, y], |columns| {
        let (g, y) = (&columns[0], &columns[1]);
        let sum: f64 = if log { g.iter().sum() } else { g.iter().zip(y).map(|(g, y)| g * y).sum() };
        g.iter().zip(y).map(|(g, y)| if log { g - y.exp() * sum } else { y * (g - sum) }).collect()
    })
}

/// Applies a function of columns to every column along the axis.
fn along(axis: Axis, inputs: &[&[f64]], f: impl Fn(&[Vec<f64>]) -> Vec<f64>) -> Vec<f64> {
    let mut out = vec![0.0; axis.elements()];
    for o in 0..axis.outer {
        for i in 0..axis.inner {
            let at = |d: usize| (o * axis.dim + d) * axis.inner + i;
            let columns: Vec<Vec<f64>> =
                inputs.iter().map(|input| (0..axis.dim).map(|d| input[at(d)]).collect()).collect();
            for (d, value) in f(&columns).into_iter().enumerate() {
                out[at(d)] = value;
            }
        }
    }
    out
}

fn check(device: &Device, dtype: DType, axis: Axis, log: bool, offset: usize) {
    let mut random = Random::new((axis.dim + 7 * axis.inner) as u64);
    let count = axis.elements();
    let (x, g) = (random.values(dtype, offset + count), random.values(dtype, offset + count));
    let (xs, gs) = (upload(device, dtype, &x), upload(device, dtype, &g));
    let (y, dx) = (poisoned(device, dtype, offset + count), poisoned(device, dtype, offset + count));
    let view = |buffer| Elements { buffer, offset };
    softmax(device, dtype, axis, log, view(&xs), view(&y)).unwrap();
    let what = format!("{dtype} {axis:?} log={log} offset={offset}");
    let found = download(dtype, &y)[offset..].to_vec();
    assert_close(&what, &found, &reference(&x[offset..], axis, log), 8.0 * epsilon(dtype));
    softmax_backward(device, dtype, axis, log, view(&gs), view(&y), view(&dx)).unwrap();
    let expected = reference_backward(&g[offset..], &found, axis, log);
    // The sum of the gradient along the axis carries the rounding of as many terms.
    let tolerance = epsilon(dtype) * (8.0 + (axis.dim as f64).sqrt());
    assert_close(&format!("{what} backward"), &download(dtype, &dx)[offset..], &expected, tolerance);
}

#[test]
fn every_form_type_and_length() {
    let Some(device) = device("softmax: every_form_type_and_length") else { return };
    for dtype in [DType::F32, DType::F64, DType::F16, DType::BF16] {
        for log in [false, true] {
            for dim in
                [1, 2, 31, 32, 33, 100, 128, 1000, 1024, 1025, 2048, 5000, 16_384, 20_000, 32_768, 40_001]
            {
                check(&device, dtype, Axis { outer: 5, dim, inner: 1 }, log, 0);
            }
            for (outer, dim, inner) in [(3, 10, 7), (2, 300, 33), (1, 1, 5), (1, 70, 1000), (200, 5, 2)] {
                check(&device, dtype, Axis { outer, dim, inner }, log, 0);
            }
            check(&device, dtype, Axis { outer: 4, dim: 64, inner: 1 }, log, 1);
        }
    }
    check(&device, DType::F32, Axis { outer: 100_000, dim: 10, inner: 1 }, true, 0);
}

#[test]
fn infinities_and_nan() {
    let Some(device) = device("softmax: infinities_and_nan") else { return };
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    for dim in [4, 3000, 70_000] {
        for inner in [1, 2] {
            let axis = Axis { outer: 1, dim, inner };
            let run = |fill: &dyn Fn(usize) -> f64| {
                let x: Vec<f64> = (0..axis.elements()).map(|at| fill(at / inner)).collect();
                let y = poisoned(&device, DType::F32, axis.elements());
                let xs = upload(&device, DType::F32, &x);
                softmax(&device, DType::F32, axis, false, whole(&xs), whole(&y)).unwrap();
                download(DType::F32, &y)
            };
            // All but the last element masked out: the last takes everything.
            let found = run(&|d| if d + 1 == dim { 0.5 } else { -inf });
            assert!(
                found.iter().enumerate().all(|(at, &y)| y == f64::from(at / inner + 1 == dim)),
                "masked, {axis:?}"
            );
            assert!(run(&|_| -inf).iter().all(|y| y.is_nan()), "all -inf, {axis:?}");
            assert!(run(&|d| if d == 1 { nan } else { 0.0 }).iter().all(|y| y.is_nan()), "one NaN, {axis:?}");
            // Large numbers do not overflow.
            let found = run(&|_| 1e30);
            assert_close(&format!("large, {axis:?}"), &found, &vec![1.0 / dim as f64; axis.elements()], 1e-6);
        }
    }
}

#[test]
fn bad_calls_are_errors() {
    let Some(device) = device("softmax: bad_calls_are_errors") else { return };
    let axis = Axis { outer: 2, dim: 8, inner: 1 };
    let x = upload(&device, DType::F32, &[0.0; 15]);
    let text = softmax(&device, DType::F32, axis, false, whole(&x), whole(&x)).unwrap_err().to_string();
    assert!(text.contains("bytes 0..64 of a buffer of 60 bytes"), "{text}");
    let text = softmax(&device, DType::I32, axis, true, whole(&x), whole(&x)).unwrap_err().to_string();
    assert!(text.contains("log_softmax") && text.contains("not i32"), "{text}");
    let empty = Axis { outer: 0, dim: 8, inner: 1 };
    softmax(&device, DType::F32, empty, false, whole(&x), whole(&x)).unwrap();
}
