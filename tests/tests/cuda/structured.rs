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

#[test]
fn products() {
    let Some(gpu) = gpu("products") else { return };
    for dtype in FLOATS {
        // Half types are added up in f32 and rounded once; the others round at every step, in another order.
        let units = if unit(dtype) > 1e-4 { 4.0 } else { 256.0 };
        let shapes: &[(&[usize], &[usize])] = &[
            (&[7, 5], &[5, 9]),
            (&[64, 128], &[128, 32]),
            (&[5], &[5]),
            (&[5], &[5, 3]),
            (&[4, 5], &[5]),
            (&[3, 7, 5], &[5, 9]),
            (&[7, 5], &[3, 5, 9]),
            (&[3, 7, 5], &[3, 5, 9]),
            (&[2, 1, 7, 5], &[1, 3, 5, 9]),
            (&[40, 1, 7, 5], &[1, 3, 5, 9]),
            (&[1, 5], &[5, 1]),
        ];
        for (a, b) in shapes {
            let x = [tensor(30, a, dtype), tensor(31, b, dtype)];
            compare_gradients(&format!("{a:?} x {b:?} in {dtype}"), gpu, &x, units, |x| x[0].matmul(&x[1]));
        }
        let x = [tensor(32, &[6, 4, 8], dtype), tensor(33, &[6, 4, 8], dtype)];
        compare_gradients(&format!("transposed {dtype}"), gpu, &x, units, |x| {
            x[0].matmul(&x[1].transpose(1, 2)?)
        });
        compare(&format!("heads {dtype}"), gpu, &x, units, |x| {
            // As attention does it: [batch, seq, heads, width] with the heads moved out.
            let heads = |x: &rustorch::Tensor| x.reshape([3, 4, 4, 4])?.permute([0, 2, 1, 3]);
            heads(&x[0])?.matmul(&heads(&x[1])?.transpose(2, 3)?)
        });
        compare(&format!("neither rows nor columns contiguous {dtype}"), gpu, &x, units, |x| {
            x[0].transpose(0, 2)?.matmul(&x[1].transpose(0, 2)?.transpose(1, 2)?)
        });
        let nothing = [tensor(34, &[4, 0], dtype), tensor(35, &[0, 3], dtype)];
        compare(&format!("a sum over nothing {dtype}"), gpu, &nothing, 0.0, |x| x[0].matmul(&x[1]));
        let x = [tensor(36, &[5, 7], dtype), tensor(37, &[5, 6], dtype), tensor(38, &[6, 7], dtype)];
        compare(&format!("addmm {dtype}"), gpu, &x, units, |x| x[0].addmm(&x[1], &x[2], 0.5, 2.0));
    }
    let ints = [tensor(39, &[3, 3], DType::I32), tensor(40, &[3, 3], DType::I32)];
    let there: Vec<_> = ints.iter().map(|x| x.to_device(gpu).unwrap()).collect();
    let error = there[0].matmul(&there[1]).unwrap_err().to_string();
    assert!(error.contains("matmul: not available on cuda:0 for dtype int32"), "{error}");
}

#[test]
fn reductions() {
    let Some(gpu) = gpu("reductions") else { return };
    for dtype in FLOATS {
        let x = [tensor(60, &[6, 33, 20], dtype)];
        for axes in [vec![0isize], vec![1], vec![2], vec![0, 2], vec![1, 2]] {
            let what = format!("of {dtype} over {axes:?}");
            compare_gradients(&format!("mean {what}"), gpu, &x, 8.0, |x| x[0].mean_dim(axes.clone(), false));
            compare_gradients(&format!("var {what}"), gpu, &x, 32.0, |x| {
                x[0].var_dim(axes.clone(), 1.0, false)
            });
            compare(&format!("prod {what}"), gpu, &x, 512.0, |x| x[0].prod_dim(axes.clone(), false));
            compare(&format!("amax {what}"), gpu, &x, 0.0, |x| x[0].amax_dim(axes.clone(), false));
            compare(&format!("amin {what}"), gpu, &x, 0.0, |x| x[0].amin_dim(axes.clone(), false));
            compare(&format!("nansum {what}"), gpu, &x, 64.0, |x| x[0].nansum_dim(axes.clone(), true));
            compare(&format!("norm {what}"), gpu, &x, 8.0, |x| x[0].norm_dim(2.0, axes.clone(), true));
            compare(&format!("norm 1 {what}"), gpu, &x, 8.0, |x| x[0].norm_dim(1.0, axes.clone(), true));
            compare(&format!("logsumexp {what}"), gpu, &x, 8.0, |x| x[0].logsumexp(axes.clone(), true));
        }
    }
}

#[test]
fn softmax_and_its_logarithm() {
    let Some(gpu) = gpu("softmax_and_its_logarithm") else { return };
    for dtype in FLOATS {
        for (shape, axis) in [
            (&[4, 10][..], -1),
            (&[3, 1000], 1),
            (&[2, 5000], 1),
            (&[7, 4, 33], 1),
            (&[7, 4, 33], 0),
            (&[1], 0),
            (&[], 0),
            (&[3, 0], 0),
        ] {
            let x = [tensor(50, shape, dtype)];
            compare_gradients(&format!("softmax {dtype} {shape:?}"), gpu, &x, 32.0, |x| x[0].softmax(axis));
            compare_gradients(&format!("log_softmax {dtype} {shape:?}"), gpu, &x, 32.0, |x| {
                x[0].log_softmax(axis)
            });
        }
        let x = [tensor(51, &[6, 5, 4], dtype)];
        compare_gradients(&format!("transposed {dtype}"), gpu, &x, 32.0, |x| {
            x[0].transpose(0, 2)?.softmax(-1)
        });
        compare("no such axis", gpu, &x, 0.0, |x| x[0].softmax(3));
    }
    compare("integers", gpu, &[tensor(52, &[4], DType::I64)], 0.0, |x| x[0].softmax(0));
}
