//! The error function.

use super::{exp_f32, mul_add_f32, poly_f32};

/// `erf x`: an odd polynomial up to 475/512, `1 - exp(P(|x|))` above it (the splitting is Norbert Juffa's).
#[inline(always)]
pub fn erf_f32<const FMA: bool>(x: f32) -> f32 {
    let t = x.abs();
    // erf rounds to 1 from 3.92; the bound keeps P(t) finite.
    let c = if t > 4.0 { 4.0 } else { t };
    let p = poly_f32::<FMA, 7>(
        c,
        [
            -0.128_717_51,
            -0.634_846_7,
            -0.106_777_88,
            0.024_254_622,
            -0.003_883_964_4,
            0.000_383_197_13,
            -0.000_017_285_347,
        ],
    );
    let large = 1.0 - exp_f32::<FMA>(mul_add_f32::<FMA>(p, c, -c));
    let s = x * x;
    let q = poly_f32::<FMA, 6>(
        s,
        [0.128_379_17, -0.376_125_34, 0.112_819_925, -0.026_768_135, 0.004_991_194_2, -0.000_596_761_7],
    );
    let small = mul_add_f32::<FMA>(q, x, x);
    if t > 0.927_734_4 { large.copysign(x) } else { small }
}

/// `erf x` by libm (within 1 ulp): its four rational pieces gain nothing from vectors.
#[inline(always)]
pub fn erf_f64<const FMA: bool>(x: f64) -> f64 {
    libm::erf(x)
}
