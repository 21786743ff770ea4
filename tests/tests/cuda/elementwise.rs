//! Every entry of the elementwise table, forward and gradient, on both devices.

use rustorch::autograd::{GradOptions, grad};
use rustorch::{DType, Result, Tensor};

use crate::support::*;

type Unary = (&'static str, fn(&Tensor) -> Tensor);
type Binary = (&'static str, fn(&Tensor, &Tensor) -> Result<Tensor>);

macro_rules! unary {
    ($($name:ident)*) => { &[$((stringify!($name), |x| x.$name())),*] };
}

macro_rules! binary {
    ($($name:ident)*) => { &[$((stringify!($name), |a, b| a.$name(b))),*] };
}

/// With a gradient.
const SMOOTH: &[Unary] = unary! {
    relu relu6 selu gelu gelu_tanh silu mish log_sigmoid softsign tanhshrink hardsigmoid hardswish
    neg square reciprocal exp expm1 exp2 log log1p log2 log10 sqrt rsqrt sin cos tan sinh cosh tanh asin acos atan asinh acosh atanh
    sigmoid abs sign floor ceil trunc round frac erf erfc erfinv lgamma digamma logit sinc
};
const WITHOUT_GRADIENT: &[Unary] = unary! {
    conj trigamma sgn logical_not isnan isinf isfinite isposinf isneginf signbit
};
const SMOOTH_BINARY: &[Binary] = binary! {
    add sub mul div fmod remainder pow maximum minimum fmax fmin atan2 hypot copysign logaddexp xlogy
};
const BINARY: &[Binary] = binary! {
    floor_divide nextafter eq ne lt le gt ge logical_and logical_or logical_xor
    bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift gcd
};
const PARAMETRIC: &[Unary] = &[
    ("leaky_relu", |x| x.leaky_relu(0.1)),
    ("elu", |x| x.elu(1.3)),
    ("celu", |x| x.celu(0.7).unwrap()),
    ("softplus", |x| x.softplus(2.0, 3.0)),
    ("hardtanh", |x| x.hardtanh(-1.0, 0.5).unwrap()),
    ("hardshrink", |x| x.hardshrink(0.5)),
    ("softshrink", |x| x.softshrink(0.5).unwrap()),
    ("threshold", |x| x.threshold(0.5, -1.0).unwrap()),
];

/// Compares where the CPU has the operation for this dtype; where it refuses, the GPU must refuse as well.
fn compare_unary(op: &Unary, x: &Tensor, units: f64) {
    let Some(gpu) = gpu(op.0) else { return };
    // The methods panic on dtypes that they are not for; the message goes to the test's captured output.
    let guarded = |x: &Tensor| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| op.1(x))).ok();
    let what = format!("{} of {}", op.0, x.dtype());
    match (guarded(&x.to_device(gpu).unwrap()), guarded(x)) {
        (Some(found), Some(expected)) => assert_same(&what, &found, &expected, units),
        (found, expected) => assert_eq!(found.is_some(), expected.is_some(), "{what}: one device refuses"),
    }
}

/// Magnitudes of the results differ: functions that grow fast are compared relative to their size, and both devices are
/// within a few units of the true value.
const UNITS: f64 = 64.0;

#[test]
fn every_unary_operation_and_dtype() {
    if gpu("every_unary_operation").is_none() {
        return;
    }
    for op in SMOOTH.iter().chain(WITHOUT_GRADIENT).chain(PARAMETRIC) {
        for dtype in REALS {
            // At integers the derivatives of the gamma function have poles, at which nothing can be compared.
            let gamma = ["lgamma", "digamma", "trigamma"].contains(&op.0);
            let x = tensor(4, &[3, 35], dtype);
            let x = if gamma { x.to_dtype(DType::F64).abs().add(0.6).unwrap().to_dtype(dtype) } else { x };
            compare_unary(op, &x, UNITS);
        }
    }
}

#[test]
fn special_values() {
    if gpu("special_values").is_none() {
        return;
    }
    let inf = f64::INFINITY;
    let special =
        Tensor::from([f64::NAN, inf, -inf, 0.0, -0.0, 0.5, 1.5, 2.5, -0.5, -1.5, 1.0, -1.0, 700.0, -700.0]);
    for op in SMOOTH.iter().chain(WITHOUT_GRADIENT).chain(PARAMETRIC) {
        // Large arguments of periodic functions lose all digits in reduction; gamma has its poles here.
        if ["sin", "cos", "tan", "sinc", "lgamma", "digamma", "trigamma", "acos", "asin"].contains(&op.0) {
            continue;
        }
        for dtype in [DType::F32, DType::F64] {
            compare_unary(op, &special.to_dtype(dtype), UNITS);
        }
    }
}

#[test]
fn every_binary_operation_and_dtype() {
    let Some(gpu) = gpu("every_binary_operation") else { return };
    for (name, op) in SMOOTH_BINARY.iter().chain(BINARY) {
        for left in REALS {
            for right in if left == DType::F16 { REALS.to_vec() } else { vec![left] } {
                let a = tensor(5, &[6, 1, 7], left);
                // No zeros: integers are not divided by them.
                let b = tensor(6, &[5, 7], right)
                    .abs_or_self()
                    .to_dtype(DType::F64)
                    .add(1.0)
                    .unwrap()
                    .to_dtype(right);
                compare(&format!("{name} of {left} and {right}"), gpu, &[a, b], UNITS, |x| op(&x[0], &x[1]));
            }
        }
    }
}

/// `abs` where it exists.
trait AbsOrSelf {
    fn abs_or_self(&self) -> Tensor;
}

impl AbsOrSelf for Tensor {
    fn abs_or_self(&self) -> Tensor {
        if self.dtype() == DType::Bool { self.clone() } else { self.abs() }
    }
}

#[test]
fn numbers_as_operands() {
    let Some(gpu) = gpu("numbers_as_operands") else { return };
    for dtype in REALS {
        let x = [tensor(7, &[40], dtype)];
        compare(&format!("{dtype} + 3"), gpu, &x, 2.0, |x| x[0].add(3));
        compare(&format!("{dtype} * 2.5"), gpu, &x, 2.0, |x| x[0].mul(2.5));
        compare(&format!("{dtype} < 1"), gpu, &x, 0.0, |x| x[0].lt(1));
        compare(&format!("clamp {dtype}"), gpu, &x, 0.0, |x| x[0].clamp(-1, 2));
    }
}

#[test]
fn three_operands() {
    let Some(gpu) = gpu("three_operands") else { return };
    for dtype in FLOATS {
        let x = [tensor(8, &[4, 6], dtype), tensor(9, &[6], dtype), tensor(10, &[4, 1], dtype)];
        compare_gradients(&format!("where {dtype}"), gpu, &x[..2], 4.0, |x| {
            Tensor::where_(&x[0].gt(0.0)?, &x[0], &x[1])
        });
        compare_gradients(&format!("lerp {dtype}"), gpu, &x, UNITS, |x| x[0].lerp(&x[1], &x[2]));
        compare_gradients(&format!("addcmul {dtype}"), gpu, &x, UNITS, |x| x[0].addcmul(&x[1], &x[2], 0.7));
    }
}

#[test]
fn every_gradient() {
    let Some(gpu) = gpu("every_gradient") else { return };
    for dtype in [DType::F32, DType::F64] {
        for (name, op) in SMOOTH.iter().chain(PARAMETRIC) {
            // In the domain of all of them (erfinv, logit, acos …), or of those that need more than 1.
            let x = tensor(11, &[5, 7], DType::F64).abs().mul(0.3).unwrap().add(0.1).unwrap();
            let x = if *name == "acosh" { x.add(1.2).unwrap() } else { x };
            compare_gradients(&format!("{name} in {dtype}"), gpu, &[x.to_dtype(dtype)], 512.0, |x| {
                Ok(op(&x[0]))
            });
        }
        for (name, op) in SMOOTH_BINARY {
            let a = tensor(12, &[6, 1, 7], DType::F64).abs().add(0.2).unwrap().to_dtype(dtype);
            let b = tensor(13, &[5, 7], DType::F64).abs().add(0.3).unwrap().to_dtype(dtype);
            compare_gradients(&format!("{name} in {dtype}"), gpu, &[a, b], 512.0, |x| op(&x[0], &x[1]));
        }
    }
}

#[test]
fn higher_order_gradients() {
    let Some(gpu) = gpu("higher_order_gradients") else { return };
    let second = |device| {
        let x = tensor(14, &[9], DType::F64).to_device(device).unwrap().requires_grad_(true).unwrap();
        let y = x.tanh().mul(&x.exp()).unwrap().mul(&x.silu()).unwrap().sum();
        let create = GradOptions { create_graph: true, ..Default::default() };
        let first = grad(&[&y], &[&x], &[], create).unwrap().remove(0).unwrap();
        first.mul(&first).unwrap().sum().backward().unwrap();
        x.grad().unwrap()
    };
    assert_same("second order", &second(gpu), &second(rustorch::Device::Cpu), 64.0);
}

#[test]
fn strided_broadcast_and_in_place() {
    let Some(gpu) = gpu("strided_broadcast_and_in_place") else { return };
    let x = [tensor(15, &[8, 16, 32], DType::F32), tensor(16, &[32, 16], DType::F32)];
    compare("transposed operand", gpu, &x, 0.0, |x| x[0].add(&x[1].t()?));
    compare("permuted result", gpu, &x, 0.0, |x| x[0].permute([2, 0, 1])?.mul(&x[0].permute([2, 0, 1])?));
    compare("row", gpu, &x, 0.0, |x| x[0].sub(&x[1].select(1, 3)?));
    compare("misaligned", gpu, &x, 0.0, |x| x[0].narrow(2, 1, 31)?.relu().add(1.0));
    compare("in place on a view", gpu, &x, 0.0, |x| {
        let copy = x[0].copy();
        copy.narrow(1, 3, 5)?.mul_(2.0)?;
        copy.permute([1, 0, 2])?.add_(&x[1].t()?.unsqueeze(1)?)?;
        Ok(copy)
    });
    compare("expanded source of itself", gpu, &x, 0.0, |x| {
        let copy = x[0].copy();
        copy.add_(&copy.narrow(1, 2, 1)?)?;
        Ok(copy)
    });
}
