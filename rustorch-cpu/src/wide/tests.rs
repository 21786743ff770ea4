//! Against the functions of `math`'s tests in f64, over every 4099th bit pattern (or every n-th with `RUSTORCH_MATH_STEP=n`).

use super::*;
use crate::math::tests::{check_f32, normal_cdf as exact_cdf};
use crate::{Isa, isa};

type Unary = unsafe fn(*const f32, *mut f32, usize);

/// The function of one number, which goes through the loop as the last of several.
fn one(f: Unary, x: f32) -> f32 {
    let (x, mut y) = ([0.25, x], [0.0; 2]);
    // SAFETY: the tests ask for the processor's instructions first; two elements each.
    unsafe { f(x.as_ptr(), y.as_mut_ptr(), 2) };
    y[1]
}

/// Whether there is something to test.
fn supported() -> bool {
    let yes = Isa::available().contains(&Isa::Avx512);
    if !yes {
        println!("skipped: this processor, {:?}, has no AVX-512", isa());
    }
    yes
}

#[test]
fn exp_whole_range() {
    if supported() {
        check_f32("exp", 2.0, |x| one(exp, x), libm::exp);
    }
}

#[test]
fn gelu_whole_range() {
    if !supported() {
        return;
    }
    check_f32("gelu", 6.0, |x| one(gelu, x.max(-13.0)), |x| x.max(-13.0) * exact_cdf(x.max(-13.0)));
    check_f32("gelu above -1", 4.0, |x| one(gelu, x.max(-1.0)), |x| x.max(-1.0) * exact_cdf(x.max(-1.0)));
    assert!(one(gelu, f32::NEG_INFINITY).is_nan() && one(gelu, -1e30) == 0.0);
}

/// `2 √(2/π) (x + 0.044715 x³)`, and its derivative.
fn inner(x: f64) -> (f64, f64) {
    let scale = 2.0 * (2.0 / std::f64::consts::PI).sqrt();
    (scale * (x + 0.044_715 * x * x * x), scale * (1.0 + 0.134_145 * x * x))
}

fn logistic(x: f64) -> f64 {
    if x < 0.0 { libm::exp(x) / (1.0 + libm::exp(x)) } else { 1.0 / (1.0 + libm::exp(-x)) }
}

#[test]
fn other_gates_whole_range() {
    if !supported() {
        return;
    }
    check_f32(
        "gelu_tanh above -5",
        4.0,
        |x| one(gelu_tanh, x.max(-5.0)),
        |x| x.max(-5.0) * logistic(inner(x.max(-5.0)).0),
    );
    assert!(one(gelu_tanh, -7.0) > -1e-12 && one(gelu_tanh, -7.0) < 0.0);
    check_f32("silu", 4.0, |x| one(silu, x.max(-80.0)), |x| x.max(-80.0) * logistic(x.max(-80.0)));
}

#[test]
fn gates_alone_whole_range() {
    if !supported() {
        return;
    }
    check_f32("normal_cdf above -5", 2.0, |x| one(normal_cdf, x.max(-5.0)), |x| exact_cdf(x.max(-5.0)));
    check_f32("normal_cdf above -13", 6.0, |x| one(normal_cdf, x.max(-13.0)), |x| exact_cdf(x.max(-13.0)));
    check_f32("sigmoid", 2.1, |x| one(sigmoid, x.max(-80.0)), |x| logistic(x.max(-80.0)));
    check_f32("tanh", 2.0, |x| one(tanh, x), libm::tanh);
    for zero in [0.0f32, -0.0] {
        assert_eq!(one(tanh, zero).to_bits(), zero.to_bits());
    }
    let (inf, far) = (f32::INFINITY, 1e30);
    assert_eq!([inf, -inf, far, -far].map(|x| one(tanh, x)), [1.0, -1.0, 1.0, -1.0]);
    assert_eq!([inf, -inf, far, -far].map(|x| one(sigmoid, x)), [1.0, 0.0, 1.0, 0.0]);
    assert_eq!([inf, -inf, far, -far].map(|x| one(normal_cdf, x)), [1.0, 0.0, 1.0, 0.0]);
}

type Binary = unsafe fn(*const f32, *const f32, *mut f32, usize);

/// The terms of a derivative cancel somewhere, so that their size is what an error is compared with.
fn check_slope(name: &str, f: Binary, far: f32, bounds: [f64; 2], terms: fn(f64) -> (f64, f64)) {
    // Within the tables' reach, and beyond.
    let mut worst = [(0.0, 0.0f32); 2];
    for bits in (0..=u32::MAX).step_by(4099) {
        let x = f32::from_bits(bits);
        let (g, mut dx) = ([3.0, 0.5], [0.0; 2]);
        // SAFETY: two elements each.
        unsafe { f(g.as_ptr(), [0.25, x].as_ptr(), dx.as_mut_ptr(), 2) };
        if x.is_nan() {
            assert!(dx[1].is_nan());
        } else if x.abs() < 1e10 {
            let (gate, slope) = terms(f64::from(x));
            let error = (f64::from(2.0 * dx[1]) - gate - slope).abs() / (gate + slope.abs()).max(1e-30);
            let worst = &mut worst[usize::from(x.abs() > far)];
            if error > worst.0 {
                *worst = (error, x);
            }
        }
    }
    println!("{name}: {worst:?}");
    assert!(worst[0].0 < bounds[0] && worst[1].0 < bounds[1], "{name}: {worst:?}");
}

#[test]
fn slopes_whole_range() {
    if !supported() {
        return;
    }
    check_slope("gelu'", gelu_backward, 5.5, [3e-7, 5e-6], |x| {
        (exact_cdf(x), x * libm::exp(-0.5 * x * x) * 0.398_942_280_401_432_7)
    });
    check_slope("gelu_tanh'", gelu_tanh_backward, 5.0, [3e-7, 5e-5], |x| {
        let (inner, slope) = inner(x);
        (logistic(inner), x * slope * logistic(inner) * logistic(-inner))
    });
    check_slope("silu'", silu_backward, 17.5, [5e-7, 1e-6], |x| {
        (logistic(x), x * logistic(x) * logistic(-x))
    });
}

/// Every length up to three vectors, in place and not, gives each element its own value and touches nothing else.
#[test]
fn every_length() {
    if !supported() {
        return;
    }
    for f in [exp, gelu, gelu_tanh, silu, normal_cdf, sigmoid, tanh] as [Unary; 7] {
        for len in 0..=48 {
            let x: Vec<f32> = (0..50).map(|i| i as f32 * 0.3 - 8.0).collect();
            let expected: Vec<f32> = (0..50).map(|i| if i < len { one(f, x[i]) } else { x[i] }).collect();
            let mut inside = x.clone();
            // SAFETY: 50 elements.
            unsafe { f(inside.as_ptr(), inside.as_mut_ptr(), len) };
            assert_eq!(inside, expected, "{len} in place");
            let mut outside = x.clone();
            // SAFETY: as above.
            unsafe { f(x.as_ptr(), outside.as_mut_ptr(), len) };
            assert_eq!(outside, expected, "{len}");
        }
    }
}
