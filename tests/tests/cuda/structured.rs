//! Operations with kernels of their own.

use rustorch::DType;

use crate::support::*;

#[test]
fn sums() {
    let Some(gpu) = gpu("sums") else { return };
    for dtype in REALS {
        let x = [tensor(20, &[6, 33, 20], dtype)];
        compare(&format!("sum of {dtype}"), gpu, &x, 256.0, |x| Ok(x[0].sum()));
        for axes in [vec![0isize], vec![1], vec![2], vec![0, 2], vec![-1, -2]] {
            compare(&format!("sum of {dtype} over {axes:?}"), gpu, &x, 64.0, |x| {
                x[0].sum_dim(axes.clone(), true)
            });
        }
        compare(&format!("sum of nothing of {dtype}"), gpu, &[x[0].narrow(0, 0, 0).unwrap()], 0.0, |x| {
            x[0].sum_dim(0, false)
        });
    }
    let x = [tensor(21, &[5, 6], DType::F32)];
    compare_gradients("sum", gpu, &x, 8.0, |x| x[0].sum_dim(1, false));
    compare_gradients("broadcast", gpu, &x, 8.0, |x| x[0].sum_dim(0, true)?.add(&x[0]));
}
