//! Operations on `f32` tensors against libm in f64 over the whole range, on every instruction set that the processor has: what the functions
//! of the kernel layer are held to one number at a time holds for the loops that tensors run.

use rustorch::{Result, Tensor};
use rustorch_tests::turns::turn;

type Exact = fn(f64) -> f64;
type Operation = fn(&Tensor) -> Tensor;

fn sigmoid(x: f64) -> f64 {
    if x < 0.0 { libm::exp(x) / (1.0 + libm::exp(x)) } else { 1.0 / (1.0 + libm::exp(-x)) }
}

fn softplus(x: f64) -> f64 {
    if x > 20.0 { x } else { libm::log1p(libm::exp(x)) }
}

fn normal_cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x / std::f64::consts::SQRT_2)
}

/// Operations, what they are, from where on, and within how many units in the last place.
const OPERATIONS: &[(&str, Operation, Exact, f32, f64)] = &[
    ("exp", Tensor::exp, libm::exp, f32::NEG_INFINITY, 2.0),
    ("expm1", Tensor::expm1, libm::expm1, f32::NEG_INFINITY, 2.0),
    ("log", Tensor::log, libm::log, f32::NEG_INFINITY, 2.0),
    ("log1p", Tensor::log1p, libm::log1p, f32::NEG_INFINITY, 2.0),
    ("tanh", Tensor::tanh, libm::tanh, f32::NEG_INFINITY, 2.0),
    ("erf", Tensor::erf, libm::erf, f32::NEG_INFINITY, 2.0),
    ("sigmoid", Tensor::sigmoid, sigmoid, f32::NEG_INFINITY, 2.1),
    ("silu", Tensor::silu, |x| x * sigmoid(x), -87.0, 4.0),
    ("gelu", Tensor::gelu, |x| x * normal_cdf(x), -1.0, 4.0),
    ("elu", |x| x.elu(1.0), |x| if x > 0.0 { x } else { libm::expm1(x) }, f32::NEG_INFINITY, 2.0),
    ("softplus", |x| x.softplus(1.0, 20.0), softplus, f32::NEG_INFINITY, 4.0),
    ("log_sigmoid", Tensor::log_sigmoid, |x| x.min(0.0) - libm::log1p(libm::exp(-x.abs())), -1e30, 4.0),
    ("mish", Tensor::mish, |x| x * libm::tanh(softplus(x)), -1.0, 6.0),
];

/// How far a number is from the exact one, in units in the last place there; what is below the normal numbers counts as that.
fn distance(found: f32, exact: f64) -> f64 {
    let rounded = exact as f32;
    if found == rounded || found.is_nan() && rounded.is_nan() {
        return 0.0;
    }
    if !found.is_finite() || !rounded.is_finite() {
        // The largest number and infinity are neighbours.
        let neighbours =
            found.abs() >= f32::MAX && rounded.abs() >= f32::MAX && found.signum() == rounded.signum();
        return if neighbours { 1.0 } else { f64::INFINITY };
    }
    let exponent = (rounded.abs().max(f32::MIN_POSITIVE).to_bits() >> 23) as i32 - 127;
    (f64::from(found) - exact).abs() / 2f64.powi(exponent - 23)
}

/// Every 4093rd number, by its bits, or every n-th with `RUSTORCH_MATH_STEP=n`.
fn measure() -> Result<()> {
    let step = std::env::var("RUSTORCH_MATH_STEP").ok().and_then(|step| step.parse().ok()).unwrap_or(4093);
    let all: Vec<f32> = (0..=u32::MAX).step_by(step).map(f32::from_bits).collect();
    for (name, operation, exact, least, bound) in OPERATIONS {
        let numbers: Vec<f32> = all.iter().copied().filter(|x| x.is_nan() || x >= least).collect();
        let found = operation(&Tensor::from_vec(numbers.clone(), [numbers.len()])?).to_vec::<f32>()?;
        let errors = numbers.iter().zip(&found).map(|(x, y)| (distance(*y, exact(f64::from(*x))), *x, *y));
        let (error, x, y) =
            errors.fold((0.0, 0.0, 0.0), |worst, one| if one.0 > worst.0 { one } else { worst });
        println!("{:?} {name}: {error:.2} ulp at {x:e}", rustorch::kernels::isa());
        assert!(error <= *bound, "{name}: {error} ulp at {x:e}: {y:e}, exactly {:e}", exact(f64::from(x)));
    }
    Ok(())
}

#[test]
fn operations_are_exact_to_a_few_units() -> Result<()> {
    let _turn = turn();
    measure()?;
    if std::env::var_os("RUSTORCH_ISA").is_some() {
        return Ok(());
    }
    // The instruction set is asked once in a process.
    for isa in ["portable", "avx2"] {
        let child = std::process::Command::new(std::env::current_exe().expect("this test's file"))
            .args(["--exact", "operations_are_exact_to_a_few_units", "--nocapture"])
            .env("RUSTORCH_ISA", isa)
            .output()
            .expect("a process");
        let text =
            String::from_utf8_lossy(&child.stdout).into_owned() + &String::from_utf8_lossy(&child.stderr);
        assert!(child.status.success(), "{isa}: {text}");
        print!("{text}");
    }
    Ok(())
}
