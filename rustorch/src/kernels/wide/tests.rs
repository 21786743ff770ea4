//! Against the functions of `math`'s tests in f64, over every 4099th bit pattern (or every n-th with `RUSTORCH_MATH_STEP=n`).

use super::*;
use crate::kernels::math::tests::{check_f32, normal_cdf};
use crate::kernels::{Isa, isa};

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
    check_f32("gelu", 6.0, |x| one(gelu, x.max(-13.0)), |x| x.max(-13.0) * normal_cdf(x.max(-13.0)));
    check_f32("gelu above -1", 4.0, |x| one(gelu, x.max(-1.0)), |x| x.max(-1.0) * normal_cdf(x.max(-1.0)));
    assert!(one(gelu, f32::NEG_INFINITY).is_nan() && one(gelu, -1e30) == 0.0);
}

/// Its two terms cancel at -0.75, so that their size is what an error is compared with.
#[test]
fn gelu_backward_whole_range() {
    if !supported() {
        return;
    }
    // Within the tables' reach, and beyond, where the rounding of x² shows.
    let mut worst = [(0.0, 0.0f32); 2];
    for bits in (0..=u32::MAX).step_by(4099) {
        let x = f32::from_bits(bits);
        let (g, mut dx) = ([3.0, 0.5], [0.0; 2]);
        // SAFETY: two elements each.
        unsafe { gelu_backward(g.as_ptr(), [0.25, x].as_ptr(), dx.as_mut_ptr(), 2) };
        let (wide, dx) = (f64::from(x), f64::from(2.0 * dx[1]));
        let slope = wide * libm::exp(-0.5 * wide * wide) * 0.398_942_280_401_432_7;
        if x.is_nan() {
            assert!(dx.is_nan());
            continue;
        }
        if x.is_infinite() {
            continue;
        }
        let error = (dx - normal_cdf(wide) - slope).abs() / (normal_cdf(wide) + slope.abs()).max(1e-30);
        let worst = &mut worst[usize::from(x.abs() > 5.5)];
        if error > worst.0 {
            *worst = (error, x);
        }
    }
    println!("gelu': {worst:?}");
    assert!(worst[0].0 < 3e-7 && worst[1].0 < 5e-6, "{worst:?}");
}

/// Every length up to three vectors, in place and not, gives each element its own value and touches nothing else.
#[test]
fn every_length() {
    if !supported() {
        return;
    }
    for f in [exp, gelu] as [Unary; 2] {
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
