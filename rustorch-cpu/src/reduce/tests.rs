use super::*;

fn run<F: Fold<T>, T: Copy>(shape: &[usize], strides: &[usize], reduced: &[bool], data: &[T]) -> Vec<F::Out> {
    let plan = Plan::new(shape, strides, reduced);
    let mut out: Vec<F::Out> = Vec::with_capacity(plan.results());
    // SAFETY: the tests' strides stay inside their data, and there is room for the results.
    unsafe {
        reduce::<F, T>(&plan, data.as_ptr().cast(), out.as_mut_ptr().cast(), 1.0);
        out.set_len(plan.results());
    }
    out
}

/// Sums by counting through all indices.
fn naive(shape: &[usize], strides: &[usize], reduced: &[bool], data: &[i64]) -> Vec<i64> {
    let results = shape.iter().zip(reduced).filter(|(_, r)| !**r).map(|(s, _)| s).product();
    let mut out = vec![0; results];
    for mut linear in 0..shape.iter().product::<usize>() {
        let (mut from, mut to, mut scale) = (0, 0, 1);
        for axis in (0..shape.len()).rev() {
            let i = linear % shape[axis];
            linear /= shape[axis];
            from += i * strides[axis];
            if !reduced[axis] {
                to += i * scale;
                scale *= shape[axis];
            }
        }
        out[to] += data[from];
    }
    out
}

#[test]
fn any_axes_of_any_strides() {
    let data: Vec<i64> = (0..200_000).map(|i| (i * 7919) % 1013 - 500).collect();
    let cases: [(&[usize], &[usize]); 8] = [
        (&[], &[]),
        (&[5, 7, 3], &[21, 3, 1]),
        (&[3, 7, 5], &[1, 3, 21]),
        (&[70, 4, 130], &[520, 130, 1]),
        (&[4, 0, 3], &[3, 3, 1]),
        (&[6, 50, 9], &[0, 9, 1]),
        (&[40, 3, 20], &[120, 40, 2]),
        (&[3, 66_000], &[66_000, 1]),
    ];
    for (shape, strides) in cases {
        for mask in 0..1 << shape.len() {
            let reduced: Vec<bool> = (0..shape.len()).map(|axis| mask >> axis & 1 == 1).collect();
            let expected = naive(shape, strides, &reduced, &data);
            assert_eq!(
                run::<Sum, i64>(shape, strides, &reduced, &data),
                expected,
                "{shape:?} {strides:?} {reduced:?}"
            );
        }
    }
}

#[test]
fn long_sums_stay_accurate() {
    let data = vec![0.1f32; 4_000_000];
    let exact = 0.1f32 as f64 * 4e6;
    let sum = run::<Sum, f32>(&[4_000_000], &[1], &[true], &data)[0];
    assert!((f64::from(sum) / exact - 1.0).abs() < 1e-6, "{sum}");
    let columns = run::<Sum, f32>(&[400_000, 10], &[10, 1], &[true, false], &data);
    assert!(columns.iter().all(|&sum| (f64::from(sum) / exact * 10.0 - 1.0).abs() < 1e-6), "{columns:?}");
}

#[test]
fn extrema_and_nan() {
    let data = [1.0f32, f32::NAN, 3.0, -2.0, 7.0, 7.0];
    let plan = Plan::new(&[2, 3], &[3, 1], &[false, true]);
    let (mut values, mut indices) = ([0.0f32; 2], [0i64; 2]);
    // SAFETY: two rows of three.
    unsafe { arg::<f32, true>(&plan, data.as_ptr(), values.as_mut_ptr(), indices.as_mut_ptr()) };
    assert!(values[0].is_nan() && values[1] == 7.0);
    assert_eq!(indices, [1, 1]);
    let max = run::<Maximum, f32>(&[2, 3], &[3, 1], &[true, false], &data);
    assert!(max[0] == 1.0 && max[1].is_nan() && max[2] == 7.0);
}

#[test]
fn running_sums_along_any_axis() {
    let data: Vec<f32> = (0..30_000).map(|i| ((i * 7919) % 1013) as f32 - 500.0).collect();
    let cases: [(&[usize], &[usize]); 6] = [
        (&[5, 1000], &[1000, 1]),
        (&[5, 1000], &[1, 5]),
        (&[70, 4, 33], &[132, 33, 1]),
        (&[70, 4, 33], &[1, 70, 280]),
        (&[3, 1, 7], &[14, 14, 2]),
        (&[2, 0], &[1, 1]),
    ];
    for (shape, strides) in cases {
        let numel: usize = shape.iter().product();
        for (axis, reverse) in (0..shape.len()).flat_map(|axis| [(axis, false), (axis, true)]) {
            let (along, across) = Plan::scan_axes(shape, strides, axis);
            let (mut got, mut expected) = (vec![f32::NAN; numel], vec![f32::NAN; numel]);
            for (linear, expected) in expected.iter_mut().enumerate() {
                let at = |linear: usize| -> usize {
                    let mut rest = linear;
                    let indices = shape.iter().zip(strides).rev().map(|(&size, &stride)| {
                        let offset = rest % size * stride;
                        rest /= size;
                        offset
                    });
                    indices.sum()
                };
                let (size, step) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
                let index = linear / step % size;
                let others = if reverse { index..size } else { 0..index + 1 };
                let start = linear - index * step;
                *expected = others.map(|other| data[at(start + other * step)]).sum();
            }
            let (input, output) = (data.as_ptr().cast(), got.as_mut_ptr().cast());
            // SAFETY: the strides stay inside the data, and there is room for the results.
            unsafe { scan::<CumulativeSum, f32>(along, &across, reverse, input, output) };
            assert_eq!(got, expected, "{shape:?} {strides:?} {axis} {reverse}");
        }
    }
}
