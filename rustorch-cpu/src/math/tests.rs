//! Every function against libm in f64, with and without fused multiply-add: the f32 functions over every 4099th bit
//! pattern, or every n-th with `RUSTORCH_MATH_STEP=n` (1 takes all 2³², about half an hour).

use super::*;

/// The distance of `got` from the exact value, in units in the last place of f32 at that value.
fn ulp_f32(got: f32, exact: f64) -> f64 {
    if exact.is_nan() {
        return if got.is_nan() { 0.0 } else { f64::INFINITY };
    }
    let rounded = exact as f32;
    if got == rounded {
        return if got == 0.0 && exact != 0.0 || got.is_sign_negative() == exact.is_sign_negative() {
            0.0
        } else {
            f64::INFINITY
        };
    }
    if !rounded.is_finite() || !got.is_finite() {
        // One ulp beyond the largest finite number is infinity.
        return if got.is_sign_negative() == rounded.is_sign_negative()
            && got.abs() >= f32::MAX
            && rounded.abs() >= f32::MAX
        {
            1.0
        } else {
            f64::INFINITY
        };
    }
    let exponent = (rounded.abs().max(f32::MIN_POSITIVE).to_bits() >> 23) as i32 - 127;
    (got as f64 - exact).abs() / 2f64.powi(exponent - 23)
}

pub(crate) fn check_f32(name: &str, bound: f64, f: fn(f32) -> f32, exact: fn(f64) -> f64) {
    let step = std::env::var("RUSTORCH_MATH_STEP").ok().and_then(|step| step.parse().ok()).unwrap_or(4099);
    let mut worst = (0.0, 0f32);
    let mut check = |x: f32| {
        let error = ulp_f32(f(x), exact(x as f64));
        if error > worst.0 {
            worst = (error, x);
        }
    };
    for bits in (0..=u32::MAX).step_by(step) {
        check(f32::from_bits(bits));
    }
    let specials = [
        0.0,
        1.0,
        f32::INFINITY,
        f32::MAX,
        f32::MIN_POSITIVE,
        f32::NAN,
        1e-45,
        88.722_84,
        103.972_08,
        1.5707964,
        2.5e7,
    ];
    for x in specials {
        check(x);
        check(-x);
    }
    println!("{name}: {:.3} ulp at {:e}", worst.0, worst.1);
    assert!(
        worst.0 <= bound,
        "{name}: {} ulp at {:e}: {:e}, exactly {:e}",
        worst.0,
        worst.1,
        f(worst.1),
        exact(worst.1 as f64)
    );
}

pub(crate) fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + libm::exp(-x))
}

macro_rules! whole_range {
    ($($name:ident: $f:ident, $exact:expr;)*) => {$(
        #[test]
        fn $name() {
            check_f32(concat!(stringify!($f), " fused"), 2.0, $f::<true>, $exact);
            check_f32(concat!(stringify!($f), " unfused"), 2.0, $f::<false>, $exact);
        }
    )*};
}

whole_range! {
    exp_whole_range: exp_f32, libm::exp;
    expm1_whole_range: expm1_f32, libm::expm1;
    sigmoid_whole_range: sigmoid_f32, sigmoid;
    tanh_whole_range: tanh_f32, libm::tanh;
    log_whole_range: log_f32, libm::log;
    log1p_whole_range: log1p_f32, libm::log1p;
    erf_whole_range: erf_f32, libm::erf;
    sin_whole_range: sin_f32, libm::sin;
    cos_whole_range: cos_f32, libm::cos;
}

/// The far tail is a product of a rational function's two polynomials and an exponential, whose errors add up.
#[test]
fn normal_distribution_whole_range() {
    check_f32("normal_cdf fused", 5.5, normal_cdf_f32::<true>, normal_cdf);
    check_f32("normal_cdf unfused", 7.5, normal_cdf_f32::<false>, normal_cdf);
    check_f32(
        "normal_cdf above -1",
        3.5,
        |x| normal_cdf_f32::<true>(x.max(-1.0)),
        |x| normal_cdf(x.max(-1.0)),
    );
    // Below -13 the distribution function is denormal, and GELU carries its absolute error.
    check_f32("gelu", 6.0, |x| gelu(x.max(-13.0)), |x| x.max(-13.0) * normal_cdf(x.max(-13.0)));
    check_f32("gelu above -1", 4.0, |x| gelu(x.max(-1.0)), |x| x.max(-1.0) * normal_cdf(x.max(-1.0)));
}

fn gelu(x: f32) -> f32 {
    x * normal_cdf_f32::<true>(x)
}

/// The distance in units in the last place of f64.
fn ulp_f64(got: f64, exact: f64) -> f64 {
    if exact.is_nan() || got.is_nan() {
        return if got.is_nan() == exact.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if got.is_sign_negative() != exact.is_sign_negative() {
        return f64::INFINITY;
    }
    got.to_bits().abs_diff(exact.to_bits()) as f64
}

fn check_f64(name: &str, f: fn(f64) -> f64, exact: fn(f64) -> f64) {
    let mut state = 1u64;
    let mut worst = (0.0, 0f64);
    let mut check = |x: f64| {
        let error = ulp_f64(f(x), exact(x));
        if error > worst.0 {
            worst = (error, x);
        }
    };
    for i in 0..1_000_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = state ^ (state >> 31);
        // All bit patterns, and as many arguments of ordinary size.
        let ordinary = ((mixed >> 11) as f64 / (1u64 << 53) as f64 - 0.5) * [2.0, 20.0, 1500.0][i % 3];
        check(if i % 2 == 0 { f64::from_bits(mixed) } else { ordinary });
    }
    for x in [0.0, 1.0, f64::INFINITY, f64::MAX, f64::MIN_POSITIVE, f64::NAN, 5e-324, 709.78, 745.13] {
        check(x);
        check(-x);
    }
    println!("{name}: {} ulp at {:e}", worst.0, worst.1);
    assert!(
        worst.0 <= 4.0,
        "{name}: {} ulp at {:e}: {:e}, exactly {:e}",
        worst.0,
        worst.1,
        f(worst.1),
        exact(worst.1)
    );
}

fn sigmoid_exact_f64(x: f64) -> f64 {
    if x < 0.0 { libm::exp(x) / (1.0 + libm::exp(x)) } else { 1.0 / (1.0 + libm::exp(-x)) }
}

#[test]
fn f64_functions() {
    check_f64("exp", exp_f64::<true>, libm::exp);
    check_f64("exp unfused", exp_f64::<false>, libm::exp);
    check_f64("expm1", expm1_f64::<true>, libm::expm1);
    check_f64("expm1 unfused", expm1_f64::<false>, libm::expm1);
    check_f64("log", log_f64::<true>, libm::log);
    check_f64("log unfused", log_f64::<false>, libm::log);
    check_f64("log1p", log1p_f64::<true>, libm::log1p);
    check_f64("log1p unfused", log1p_f64::<false>, libm::log1p);
    check_f64("tanh", tanh_f64::<true>, libm::tanh);
    check_f64("tanh unfused", tanh_f64::<false>, libm::tanh);
    check_f64("sigmoid", sigmoid_f64::<true>, sigmoid_exact_f64);
    check_f64("sigmoid unfused", sigmoid_f64::<false>, sigmoid_exact_f64);
    check_f64("erf", erf_f64::<true>, libm::erf);
    // Further down the rounding of x/√2 shows, here and in what it is compared with.
    check_f64("normal_cdf", |x| normal_cdf_f64::<true>(x.max(-1.0)), |x| normal_cdf(x.max(-1.0)));
    check_f64("sin", sin_f64::<true>, libm::sin);
    check_f64("cos", cos_f64::<true>, libm::cos);
}
