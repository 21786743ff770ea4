//! Expressions of `fuse!`, whose tokens are compiled for both devices.

use rustorch::autograd::{GradOptions, grad};
use rustorch::{Device, Result, Tensor, fuse};

use crate::support::*;

type Expression = fn(&[Tensor]) -> Result<Tensor>;

/// Over operands of `[33, 65]`, `[65]` and `[33, 1]`.
const EXPRESSIONS: &[(&str, Expression)] = &[
    ("product and sum", |x| fuse!(|a, b| (a * b).tanh() + 0.5 * a, &x[0], &x[1])),
    ("branches", |x| {
        let slope = 0.1;
        fuse!(
            |a, b| {
                let product = a * b;
                if product > 0.0 { product.tanh() } else { slope * a }
            },
            &x[0],
            &x[1]
        )
    }),
    ("three operands", |x| fuse!(|a, b, c| a.sigmoid() * b - c / (1.0 + a * a), &x[0], &x[1], &x[2])),
    ("functions", |x| fuse!(|a, b| (a.abs() + 1.0).log().sqrt() * b.exp() - a.gelu(), &x[0], &x[1])),
    ("one operand", |x| fuse!(|a| a.silu() + a.sin() * a.erf(), &x[0])),
];

#[test]
fn fused_expressions_and_their_gradients() {
    let Some(gpu) = gpu("fused_expressions_and_their_gradients") else { return };
    for dtype in FLOATS {
        let inputs = [tensor(31, &[33, 65], dtype), tensor(32, &[65], dtype), tensor(33, &[33, 1], dtype)];
        let g = tensor(34, &[33, 65], dtype);
        for (name, expression) in EXPRESSIONS {
            compare(&format!("{name} in {dtype}"), gpu, &inputs, 64.0, expression);
            // Of those that the expression names; sums over broadcast axes are as long as the axes.
            let gradients = |device: Device| {
                let there = |x: &Tensor| x.to_device(device).unwrap();
                let leaves = inputs.each_ref().map(|x| there(x).requires_grad_(true).unwrap());
                let y = expression(&leaves).unwrap();
                let [a, b, c] = &leaves;
                let options = GradOptions { allow_unused: true, ..Default::default() };
                grad(&[&y], &[a, b, c], &[Some(&there(&g))], options).unwrap()
            };
            for (axis, (found, expected)) in gradients(gpu).iter().zip(gradients(Device::Cpu)).enumerate() {
                let what = format!("{name} in {dtype}, gradient of operand {axis}");
                match (found, expected) {
                    (Some(found), Some(expected)) => assert_same(&what, found, &expected, 256.0),
                    (found, expected) => assert!(found.is_none() && expected.is_none(), "{what}"),
                }
            }
        }
    }
}
