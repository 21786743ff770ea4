//! Pooling by vectors against windows one by one, on all instruction sets.

use super::*;
use crate::Isa;

/// The windows that an axis makes in a size.
fn windows_of(size: usize, axis: Axis, dilation: usize) -> Vec<Window> {
    let reach = dilation * (axis.kernel - 1) + 1;
    let count = (size + 2 * axis.padding).checked_sub(reach).map_or(0, |room| room / axis.stride + 1);
    let window = |i: usize| {
        let inside =
            |t: &usize| (axis.padding..size + axis.padding).contains(&(i * axis.stride + t * dilation));
        let taps: Vec<usize> = (0..axis.kernel).filter(inside).collect();
        let start = taps.first().map_or(0, |t| i * axis.stride + t * dilation - axis.padding);
        Window { start, taps: taps.len(), extent: axis.kernel }
    };
    (0..count).map(window).collect()
}

fn values<T: Number>(n: usize, seed: usize) -> Vec<T> {
    let value = |i: usize| ((i + seed).wrapping_mul(2_654_435_761) >> 9) % 23;
    (0..n)
        .map(|i| match value(i) {
            0 => T::of(f64::NAN),
            1 | 2 => T::NEG_INFINITY,
            v => T::of((v / 2) as f64 - 4.0),
        })
        .collect()
}

fn uninit<T: Copy>(n: usize, fill: T) -> Vec<MaybeUninit<T>> {
    vec![MaybeUninit::new(fill); n]
}

fn init<T: Copy>(values: &[MaybeUninit<T>]) -> Vec<T> {
    // SAFETY: `uninit` has initialised them.
    values.iter().map(|v| unsafe { v.assume_init() }).collect()
}

/// Bits, so that NaN equals NaN.
#[expect(clippy::eq_op, reason = "the test for NaN of a generic number")]
fn bits<T: Number + Into<f64>>(values: &[T]) -> Vec<u64> {
    values.iter().map(|&v| if v == v { v.into().to_bits() } else { u64::MAX }).collect()
}

#[expect(clippy::eq_op, reason = "the test for NaN of a generic number")]
fn check<T: Number + Into<f64>>(size: [usize; 2], axes: [Axis; 2], dilation: [usize; 2]) {
    let [rows, columns] = [0, 1].map(|i| windows_of(size[i], axes[i], dilation[i]));
    if rows.iter().chain(&columns).any(|w| w.taps == 0) {
        return;
    }
    let planes = 3;
    let pooling =
        Pooling { planes, size, rows: &rows, columns: &columns, dilation, divisor: None, axes: Some(axes) };
    let input = size[0] * size[1];
    let x: Vec<T> = values(planes * input, size[0] * 31 + size[1]);
    let output = rows.len() * columns.len();
    let (mut y, mut places) = (uninit(planes * output, T::ONE), uninit(planes * output, -1));
    max_forward(&pooling, &x, &mut y, Some(&mut places));
    let (mut expected, mut expected_places) = (Vec::new(), Vec::new());
    for plane in x.chunks(input) {
        for (row, column) in windows(&pooling) {
            let taps = (0..row.taps).flat_map(|dy| (0..column.taps).map(move |dx| (dy, dx)));
            let at = |(dy, dx): (usize, usize)| {
                (row.start + dy * dilation[0]) * size[1] + column.start + dx * dilation[1]
            };
            let best = taps.map(at).reduce(|best, next| {
                if plane[next] > plane[best] || plane[next] != plane[next] { next } else { best }
            });
            expected_places.push(best.unwrap() as i32);
            expected.push(plane[best.unwrap()]);
        }
    }
    assert_eq!(bits(&init(&y)), bits(&expected), "maxima {pooling:?}");
    assert_eq!(init(&places), expected_places, "places {pooling:?}");
    let mut alone = uninit(planes * output, T::ONE);
    max_forward(&pooling, &x, &mut alone, None);
    assert_eq!(bits(&init(&alone)), bits(&expected), "maxima without places {pooling:?}");
    if dilation != [1, 1] {
        return;
    }
    let whole: Vec<T> = (0..planes * input).map(|i| T::of((i * 7 % 19) as f64 - 9.0)).collect();
    let dy: Vec<T> = (0..planes * output).map(|i| T::of((i * 5 % 13) as f64 - 6.0)).collect();
    let by_windows = Pooling { axes: None, ..pooling };
    let [mean, mean_by_windows] = [&pooling, &by_windows].map(|pooling| {
        let mut y = uninit(planes * output, T::ONE);
        average(pooling, &whole, &mut y);
        bits(&init(&y))
    });
    assert_eq!(mean, mean_by_windows, "averages {pooling:?}");
    let mut dx = uninit(planes * input, T::ONE);
    spread(&pooling, &dy, &mut dx);
    let mut sums = vec![T::ZERO; planes * input];
    for (plane, dy) in dy.chunks(output.max(1)).enumerate() {
        for ((row, column), &dy) in windows(&pooling).zip(dy) {
            for y in row.start..row.start + row.taps {
                for x in column.start..column.start + column.taps {
                    let sum = &mut sums[plane * input + y * size[1] + x];
                    *sum = *sum + dy.over(row.extent * column.extent);
                }
            }
        }
    }
    assert_eq!(bits(&init(&dx)), bits(&sums), "gradient of averages {pooling:?}");
}

#[test]
fn regular_windows() {
    let axis = |kernel, stride, padding| Axis { kernel, stride, padding };
    for size in [[1, 1], [2, 2], [4, 14], [7, 33], [13, 70], [28, 28], [5, 131]] {
        for axes in [
            [axis(2, 2, 0); 2],
            [axis(3, 2, 1); 2],
            [axis(3, 1, 1); 2],
            [axis(2, 3, 1), axis(3, 3, 0)],
            [axis(1, 1, 0), axis(5, 4, 2)],
        ] {
            for dilation in [[1, 1], [1, 2], [2, 3]] {
                check::<f32>(size, axes, dilation);
                check::<f64>(size, axes, dilation);
            }
        }
    }
}

#[test]
fn maxima_of_halves_and_their_gradients() {
    for isa in Isa::available() {
        for size in [[2, 2], [6, 14], [5, 7], [4, 40], [3, 67]] {
            halves::<f32>(isa, size);
            halves::<f64>(isa, size);
        }
    }
}

fn halves<T: Number + Into<f64>>(isa: Isa, size: [usize; 2]) {
    let (input, out) = (size[0] * size[1], size.map(|n| n / 2));
    let output = out[0] * out[1];
    let planes = 2;
    let x: Vec<T> = values(planes * input, 5);
    let (mut y, mut codes) = (vec![T::ONE; planes * output], vec![9u8; planes * output]);
    for plane in 0..planes {
        // SAFETY: a plane's own parts.
        unsafe {
            let codes = codes.as_mut_ptr().add(plane * output);
            let from = x.as_ptr().add(plane * input);
            halve(isa, out, from, size[1], y.as_mut_ptr().add(plane * output), Some(codes));
        }
    }
    let dy: Vec<T> = (0..planes * output).map(|i| T::of(i as f64 + 1.0)).collect();
    for gate in [None, Some(y.as_ptr())] {
        let mut dx = vec![T::of(55.0); planes * input];
        let work =
            HalveBackward { planes, size, dy: dy.as_ptr(), codes: codes.as_ptr(), gate, dx: dx.as_mut_ptr() };
        // SAFETY: the vectors have the sizes that are said.
        unsafe { halve_backward(isa, &work) };
        let mut expected = vec![T::ZERO; planes * input];
        for i in 0..planes * output {
            let (plane, row, column) = (i / output, i % output / out[1], i % out[1]);
            let at = |code: usize| plane * input + (2 * row + code / 2) * size[1] + 2 * column + code % 2;
            let wins = |best: usize, next: usize| x[at(next)] > x[at(best)] || x[at(next)].into().is_nan();
            let best = (1..4).fold(0, |best, next| if wins(best, next) { next } else { best });
            assert_eq!(usize::from(codes[i]), best, "code {i} of {size:?} {isa:?}");
            assert_eq!(bits(&y[i..=i]), bits(&x[at(best)..=at(best)]), "maximum {i} of {size:?} {isa:?}");
            if gate.is_none() || y[i] > T::ZERO || y[i].into().is_nan() {
                expected[at(best)] = dy[i];
            }
        }
        assert_eq!(bits(&dx), bits(&expected), "gradient of {size:?} {isa:?}");
    }
}
