//! Reductions against f64, and their repeatability.

use rustorch_cuda::{Axis, DType, Reduction, reduce};

use crate::support::*;

fn reference(x: &[f64], axis: Axis, reduction: Reduction) -> Vec<f64> {
    let mut out = Vec::new();
    for o in 0..axis.outer {
        for i in 0..axis.inner {
            let column = (0..axis.dim).map(|d| x[(o * axis.dim + d) * axis.inner + i]);
            out.push(match reduction {
                Reduction::Sum => column.sum(),
                Reduction::NanSum => column.filter(|x| !x.is_nan()).sum(),
                Reduction::SumAbs => column.map(f64::abs).sum(),
                Reduction::SumSquares => column.map(|x| x * x).sum(),
                Reduction::Prod => column.product(),
                Reduction::Max => column.fold(f64::NEG_INFINITY, f64::max),
                Reduction::Min => column.fold(f64::INFINITY, f64::min),
            });
        }
    }
    out
}

#[test]
fn every_type_and_form() {
    let Some(device) = device("reduce: every_type_and_form") else { return };
    let shapes = [
        (1, 1, 1),
        (5, 3, 1),
        (7, 100, 1),
        (3, 1024, 1),
        (3, 1025, 1),
        (2, 4096, 1),
        (1, 100_003, 1),
        (1, 1 << 20, 1),
        (3, 1, 5),
        (2, 10, 33),
        (1, 5000, 64),
        (4, 300, 100),
        (1, 100_000, 3),
        (600, 9000, 1),
        (0, 5, 2),
        (2, 0, 3),
    ];
    for dtype in DType::ALL {
        let to = if dtype.is_float() { dtype } else { DType::I64 };
        for (outer, dim, inner) in shapes {
            let axis = Axis { outer, dim, inner };
            if axis.elements() > 2_000_000 && dtype != DType::F32 {
                continue;
            }
            let x = Random::new(dim as u64).values(dtype, axis.elements());
            let xs = upload(&device, dtype, &x);
            for reduction in [Reduction::Sum, Reduction::SumSquares, Reduction::Max, Reduction::Min] {
                let results = outer * inner;
                let y = poisoned(&device, to, results);
                let done = reduce(&device, reduction, axis, 1.0, (dtype, whole(&xs)), (to, whole(&y)));
                if dim == 0 && matches!(reduction, Reduction::Max | Reduction::Min) {
                    assert!(done.unwrap_err().to_string().contains("size 0"));
                    continue;
                }
                done.unwrap();
                // Rounded to the result type, in which a sum of squares may be infinite.
                let expected = decode(to, &encode(to, &reference(&x, axis, reduction)));
                // The result's own rounding, and that of the f32 accumulator: sums of about 3 * sqrt(dim), 16 of their units.
                let sums = f64::from(f32::EPSILON) * (dim as f64).sqrt() * 48.0;
                let tolerance =
                    if dtype.is_float() && matches!(reduction, Reduction::Sum | Reduction::SumSquares) {
                        epsilon(to) + sums
                    } else {
                        0.0
                    };
                assert_close(
                    &format!("{reduction:?} {dtype} {axis:?}"),
                    &download(to, &y),
                    &expected,
                    tolerance,
                );
            }
        }
    }
}

#[test]
fn means_products_and_nan() {
    let Some(device) = device("reduce: means_products_and_nan") else { return };
    let axis = Axis { outer: 2, dim: 3, inner: 1 };
    let x = upload(&device, DType::F32, &[1.0, 2.0, 6.0, -1.0, f64::NAN, 4.0]);
    let run = |reduction, divisor| {
        let y = poisoned(&device, DType::F32, 2);
        reduce(&device, reduction, axis, divisor, (DType::F32, whole(&x)), (DType::F32, whole(&y))).unwrap();
        download(DType::F32, &y)
    };
    assert_close("mean", &run(Reduction::Sum, 3.0), &[3.0, f64::NAN], 1e-6);
    assert_close("nansum", &run(Reduction::NanSum, 1.0), &[9.0, 3.0], 0.0);
    assert_close("absolute", &run(Reduction::SumAbs, 1.0), &[9.0, f64::NAN], 0.0);
    assert_close("squares", &run(Reduction::SumSquares, 1.0), &[41.0, f64::NAN], 0.0);
    assert_close("prod", &run(Reduction::Prod, 1.0), &[12.0, f64::NAN], 0.0);
    assert_close("max", &run(Reduction::Max, 1.0), &[6.0, f64::NAN], 0.0);
    assert_close("min", &run(Reduction::Min, 1.0), &[1.0, f64::NAN], 0.0);
    let ints = upload(&device, DType::I32, &[1.0; 6]);
    let y = poisoned(&device, DType::I64, 2);
    let scaled =
        reduce(&device, Reduction::Sum, axis, 0.5, (DType::I32, whole(&ints)), (DType::I64, whole(&y)));
    assert!(scaled.unwrap_err().to_string().contains("does not apply to i32"));
}

#[test]
fn sums_are_the_same_bit_for_bit() {
    let Some(device) = device("reduce: sums_are_the_same_bit_for_bit") else { return };
    let axis = Axis { outer: 1, dim: 3_000_001, inner: 1 };
    let xs = upload(&device, DType::F32, &Random::new(9).values(DType::F32, axis.dim));
    let run = || {
        let y = poisoned(&device, DType::F32, 1);
        reduce(&device, Reduction::Sum, axis, 1.0, (DType::F32, whole(&xs)), (DType::F32, whole(&y)))
            .unwrap();
        y.to_vec::<u32>().unwrap()[0]
    };
    let first = run();
    assert!((0..20).all(|_| run() == first));
}
