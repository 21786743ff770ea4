//! Convolution and gradients against sums over every tap, on all instruction sets.

use super::*;
use crate::gemm::Activation;
use crate::{Isa, parallel};

pub(super) struct Random(pub u64);

impl Random {
    pub fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % below as u64) as usize
    }

    /// Small whole numbers, whose sums are exact.
    fn values<T: From<i8>>(&mut self, n: usize) -> Vec<T> {
        (0..n).map(|_| T::from(self.next(7) as i8 - 3)).collect()
    }
}

/// Calls `f` with the indices into output, weight and input of every product that the convolution sums up.
fn for_each_product(conv: &Conv2d, mut f: impl FnMut(usize, usize, usize)) {
    let (ci, co) = (conv.group_in(), conv.group_out());
    for n in 0..conv.batch {
        for o in 0..conv.out_channels {
            for oy in 0..conv.out[0] {
                for ox in 0..conv.out[1] {
                    for c in 0..ci {
                        for ky in 0..conv.kernel[0] {
                            for kx in 0..conv.kernel[1] {
                                let y = (oy * conv.stride[0] + ky * conv.dilation[0])
                                    .wrapping_sub(conv.padding[0]);
                                let x = (ox * conv.stride[1] + kx * conv.dilation[1])
                                    .wrapping_sub(conv.padding[1]);
                                if y < conv.size[0] && x < conv.size[1] {
                                    let input = o / co * ci + c;
                                    f(
                                        ((n * conv.out_channels + o) * conv.out[0] + oy) * conv.out[1] + ox,
                                        ((o * ci + c) * conv.kernel[0] + ky) * conv.kernel[1] + kx,
                                        ((n * conv.in_channels + input) * conv.size[0] + y) * conv.size[1]
                                            + x,
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn geometry(random: &mut Random) -> Conv2d {
    let groups = [1, 1, 2, 3][random.next(4)];
    let mut pair = |from: usize, to: usize| [from + random.next(to - from), from + random.next(to - from)];
    let (size, kernel, stride, padding, dilation) =
        (pair(1, 20), pair(1, 5), pair(1, 4), pair(0, 4), pair(1, 3));
    let out = [0, 1].map(|a| Conv2d::out_size(size[a], kernel[a], stride[a], padding[a], dilation[a]));
    Conv2d {
        batch: random.next(4),
        in_channels: groups * (1 + random.next(9)),
        out_channels: groups * (1 + random.next(40)),
        groups,
        size,
        kernel,
        stride,
        padding,
        dilation,
        out,
    }
}

/// One for Winograd's algorithm, if large enough.
fn winograd(random: &mut Random) -> Conv2d {
    let size = [random.next(12) + 4, random.next(20) + 4];
    let padding = [random.next(4), random.next(4)];
    Conv2d {
        batch: 1 + random.next(11),
        in_channels: 16 + random.next(30),
        out_channels: 16 + random.next(50),
        groups: 1,
        size,
        kernel: [3; 2],
        stride: [1; 2],
        padding,
        dilation: [1; 2],
        out: [0, 1].map(|axis| size[axis] + 2 * padding[axis] - 2),
    }
}

pub(super) fn check<T>(isa: Isa, conv: &Conv2d, random: &mut Random)
where
    T: Element + From<i8> + std::fmt::Debug,
{
    let zero = T::from(0);
    let inputs = conv.batch * conv.in_channels * conv.size[0] * conv.size[1];
    let outputs = conv.batch * conv.out_channels * conv.out[0] * conv.out[1];
    let weights = conv.out_channels * conv.group_in() * conv.taps();
    let (x, w, dy): (Vec<T>, Vec<T>, Vec<T>) =
        (random.values(inputs), random.values(weights), random.values(outputs));
    let bias: Vec<T> = random.values(conv.out_channels);
    let plane = (conv.out[0] * conv.out[1]).max(1);
    let (mut y, mut dx, mut dw) = (vec![zero; outputs], vec![zero; inputs], vec![zero; weights]);
    let mut db = vec![zero; conv.out_channels];
    for (i, out) in y.iter_mut().enumerate() {
        let o = i / plane % conv.out_channels;
        *out = bias[o];
        db[o] = db[o] + dy[i];
    }
    for_each_product(conv, |o, k, i| {
        y[o] = y[o] + w[k] * x[i];
        dx[i] = dx[i] + w[k] * dy[o];
        dw[k] = dw[k] + x[i] * dy[o];
    });
    let garbage = T::from(101);
    let (mut got_y, mut got_dx, mut got_dw) =
        (vec![garbage; outputs], vec![garbage; inputs], vec![garbage; weights]);
    let mut got_db = vec![garbage; conv.out_channels];
    // SAFETY: the vectors have the sizes that the geometry says.
    unsafe {
        let epilogue = Epilogue { bias: Some(bias.as_ptr()), ..Epilogue::NONE };
        forward(isa, conv, x.as_ptr(), w.as_ptr(), &epilogue, got_y.as_mut_ptr());
        input_grad(isa, conv, dy.as_ptr(), w.as_ptr(), got_dx.as_mut_ptr());
        weight_grad(isa, conv, x.as_ptr(), dy.as_ptr(), got_dw.as_mut_ptr());
        bias_grad(conv, dy.as_ptr(), got_db.as_mut_ptr());
    }
    assert_eq!(got_y, y, "forward {isa:?} {conv:?}");
    fused(isa, conv, [&x, &w, &bias, &random.values(outputs)], &y);
    assert_eq!(got_dx, dx, "input gradient {isa:?} {conv:?}");
    assert_eq!(got_dw, dw, "weight gradient {isa:?} {conv:?}");
    assert_eq!(got_db, db, "bias gradient {isa:?} {conv:?}");
}

/// Epilogues and pooling against the same steps on a finished result.
fn fused<T>(isa: Isa, conv: &Conv2d, [x, w, bias, residual]: [&[T]; 4], y: &[T])
where
    T: Element + From<i8> + std::fmt::Debug,
{
    let zero = T::from(0);
    let relu = |v: T| if v < zero { zero } else { v };
    let mut epilogue = Epilogue { bias: Some(bias.as_ptr()), residual: None, activation: Activation::Relu };
    let mut packed = vec![T::from(77); packed_len::<T>(isa, conv, Direction::Forward)];
    let mut got = vec![T::from(101); y.len()];
    // SAFETY: the slices have the sizes that the geometry says.
    unsafe {
        pack(isa, conv, Direction::Forward, w.as_ptr(), packed.as_mut_ptr());
        epilogue.residual = Some(residual.as_ptr());
        forward_packed(isa, conv, x.as_ptr(), packed.as_ptr(), &epilogue, Target::Plain(got.as_mut_ptr()));
        epilogue.residual = None;
    }
    let expected: Vec<T> = y.iter().zip(residual).map(|(&y, &r)| relu(y + r)).collect();
    assert_eq!(got, expected, "residual {isa:?} {conv:?}");
    if !can_pool(conv, &epilogue) {
        return;
    }
    let [height, width] = conv.out.map(|n| n / 2);
    let mut codes = vec![9; y.len() / 4];
    let target = Target::Pooled { y: got.as_mut_ptr(), codes: Some(codes.as_mut_ptr()) };
    // SAFETY: as above.
    unsafe { forward_packed(isa, conv, x.as_ptr(), packed.as_ptr(), &epilogue, target) };
    for (i, &code) in codes.iter().enumerate() {
        let (plane, row, column) = (i / (height * width), i / width % height, i % width);
        let at = |code: usize| {
            relu(y[(plane * 2 * height + 2 * row + code / 2) * 2 * width + 2 * column + code % 2])
        };
        let best = (1..4).fold(0, |best, code| if at(code) > at(best) { code } else { best });
        assert_eq!((got[i], usize::from(code)), (at(best), best), "pooled {i} {isa:?} {conv:?}");
    }
}

#[test]
fn against_sums_over_taps() {
    for isa in Isa::available() {
        let mut random = Random(9);
        for _ in 0..60 {
            let conv = geometry(&mut random);
            check::<f32>(isa, &conv, &mut random);
            check::<f64>(isa, &conv, &mut random);
        }
        for _ in 0..16 {
            let conv = winograd(&mut random);
            check::<f32>(isa, &conv, &mut random);
            check::<f64>(isa, &conv, &mut random);
        }
    }
}

fn square(
    batch: usize,
    [i, o]: [usize; 2],
    size: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> Conv2d {
    let out = Conv2d::out_size(size, kernel, stride, padding, 1);
    Conv2d {
        batch,
        in_channels: i,
        out_channels: o,
        groups: 1,
        size: [size; 2],
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
        dilation: [1; 2],
        out: [out; 2],
    }
}

#[test]
fn layers_of_known_networks() {
    let mut random = Random(2);
    for isa in Isa::available() {
        check::<f32>(isa, &square(3, [1, 32], 28, 3, 1, 1), &mut random);
        check::<f32>(isa, &square(2, [32, 64], 14, 3, 1, 1), &mut random);
        check::<f32>(isa, &square(1, [3, 16], 60, 7, 2, 3), &mut random);
        check::<f32>(isa, &square(2, [48, 40], 9, 1, 1, 0), &mut random);
        check::<f32>(isa, &square(2, [48, 40], 9, 1, 2, 0), &mut random);
        check::<f32>(isa, &square(1, [48, 40], 14, 1, 2, 1), &mut random);
        check::<f32>(isa, &square(1, [33, 70], 27, 3, 2, 1), &mut random);
        check::<f32>(isa, &square(1, [300, 70], 7, 3, 1, 1), &mut random);
        for [inputs, outputs] in [[24, 24], [24, 48], [24, 72], [24, 120]] {
            for (stride, padding) in [(1, 1), (2, 1), (1, 3), (1, 0)] {
                let depthwise = Conv2d { groups: 24, ..square(2, [inputs, outputs], 18, 3, stride, padding) };
                check::<f32>(isa, &depthwise, &mut random);
                check::<f64>(isa, &depthwise, &mut random);
            }
        }
    }
}

#[test]
fn winograd_is_as_accurate_as_sums() {
    let conv = square(2, [64, 32], 14, 3, 1, 1);
    let random = |n: usize, seed: usize| -> Vec<f32> {
        (0..n).map(|i| ((i + seed).wrapping_mul(2_654_435_761) >> 7) as u16 as f32 / 32768.0 - 1.0).collect()
    };
    let (x, w) = (random(2 * 64 * 196, 1), random(32 * 64 * 9, 5));
    let mut exact = vec![0.0f64; 2 * 32 * 196];
    for_each_product(&conv, |o, k, i| exact[o] += f64::from(w[k]) * f64::from(x[i]));
    let mut y = vec![0.0f32; exact.len()];
    let isa = crate::isa();
    // SAFETY: the vectors have the sizes that the geometry says.
    unsafe { forward(isa, &conv, x.as_ptr(), w.as_ptr(), &Epilogue::NONE, y.as_mut_ptr()) };
    let most = exact.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    let error = y.iter().zip(&exact).fold(0.0f64, |most, (y, v)| most.max((f64::from(*y) - v).abs()));
    assert!(error < 1e-6 * most, "{error} of {most}");
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    same_bits(square(5, [20, 33], 13, 3, 2, 1));
    same_bits(square(5, [20, 33], 13, 3, 1, 1));
    same_bits(square(1, [40, 70], 14, 3, 1, 1));
}

pub(super) fn same_bits(conv: Conv2d) {
    let random =
        |n: usize| (0..n).map(|i| ((i * 2_654_435_761) % 1000) as f32 / 999.0 - 0.5).collect::<Vec<f32>>();
    let plane = |n: usize, [h, w]: [usize; 2]| conv.batch * n * h * w;
    let (x, w, dy) = (
        random(plane(conv.in_channels, conv.size)),
        random(conv.weights()),
        random(plane(conv.out_channels, conv.out)),
    );
    let threads = parallel::num_threads();
    let results: Vec<Vec<u32>> = [1, 2, 3, 8]
        .into_iter()
        .map(|threads| {
            parallel::set_num_threads(threads);
            let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
            let isa = crate::isa();
            // SAFETY: the vectors have the sizes that the geometry says.
            unsafe {
                forward(isa, &conv, x.as_ptr(), w.as_ptr(), &Epilogue::NONE, y.as_mut_ptr());
                input_grad(isa, &conv, dy.as_ptr(), w.as_ptr(), dx.as_mut_ptr());
                weight_grad(isa, &conv, x.as_ptr(), dy.as_ptr(), dw.as_mut_ptr());
            }
            [y, dx, dw].iter().flatten().map(|v| v.to_bits()).collect()
        })
        .collect();
    parallel::set_num_threads(threads);
    assert!(results.iter().all(|r| *r == results[0]));
}

/// Equal, or NaN both.
fn alike<T: Element>(a: &[T], b: &[T]) -> bool {
    let is_nan = |v: T| v.partial_cmp(&v).is_none();
    a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| a == b || is_nan(a) && is_nan(b))
}

/// Replaces some values by infinities and NaN.
fn spoil<T: Element>(random: &mut Random, values: &mut [T], count: usize) {
    let infinity = -T::NEG_INFINITY;
    let odd = [infinity, T::NEG_INFINITY, infinity + T::NEG_INFINITY];
    for _ in 0..count {
        values[random.next(values.len())] = odd[random.next(3)];
    }
}

/// What is not finite reaches what sees it, as it does in sums over taps, and nothing else.
pub(super) fn check_not_finite<T>(isa: Isa, conv: &Conv2d, random: &mut Random)
where
    T: Element + From<i8> + std::fmt::Debug,
{
    let zero = T::from(0);
    let inputs = conv.batch * conv.in_channels * conv.size[0] * conv.size[1];
    let outputs = conv.batch * conv.out_channels * conv.out[0] * conv.out[1];
    let (mut x, mut w) = (random.values::<T>(inputs), random.values::<T>(conv.weights()));
    let mut dy = random.values::<T>(outputs);
    // Weights are multiplied with the zeros around the image as well, which the sums leave out.
    let spoilt = if conv.padding == [0, 0] { random.next(4) } else { random.next(2) };
    match spoilt {
        0 => spoil(random, &mut x, 3),
        1 => spoil(random, &mut dy, 3),
        2 => spoil(random, &mut w, 1),
        _ => {
            spoil(random, &mut x, 1);
            spoil(random, &mut w, 2);
        }
    }
    let (mut y, mut dx, mut dw) = (vec![zero; outputs], vec![zero; inputs], vec![zero; w.len()]);
    for_each_product(conv, |o, k, i| {
        y[o] = y[o] + w[k] * x[i];
        dx[i] = dx[i] + w[k] * dy[o];
        dw[k] = dw[k] + x[i] * dy[o];
    });
    let (mut got_y, mut got_dx, mut got_dw) = (y.clone(), dx.clone(), dw.clone());
    got_y.fill(T::from(101));
    got_dx.fill(T::from(101));
    got_dw.fill(T::from(101));
    // SAFETY: the vectors have the sizes that the geometry says.
    unsafe {
        forward(isa, conv, x.as_ptr(), w.as_ptr(), &Epilogue::NONE, got_y.as_mut_ptr());
        input_grad(isa, conv, dy.as_ptr(), w.as_ptr(), got_dx.as_mut_ptr());
        weight_grad(isa, conv, x.as_ptr(), dy.as_ptr(), got_dw.as_mut_ptr());
    }
    assert!(alike(&got_y, &y), "forward {spoilt} {isa:?} {conv:?}");
    if spoilt < 2 {
        assert!(alike(&got_dx, &dx), "input gradient {spoilt} {isa:?} {conv:?}");
    }
    if spoilt != 1 || conv.padding == [0, 0] {
        assert!(alike(&got_dw, &dw), "weight gradient {spoilt} {isa:?} {conv:?}");
    }
    let no_bias = vec![zero; conv.out_channels];
    if spoilt != 1 && random.next(2) == 0 {
        fused_not_finite(isa, conv, [&x, &w, &no_bias], &y);
    }
}

/// ReLU and pooling after a convolution of what is not finite.
fn fused_not_finite<T>(isa: Isa, conv: &Conv2d, [x, w, bias]: [&[T]; 3], y: &[T])
where
    T: Element + From<i8> + std::fmt::Debug,
{
    let epilogue = Epilogue { bias: Some(bias.as_ptr()), residual: None, activation: Activation::Relu };
    let relu = |v: T| if v < T::from(0) { T::from(0) } else { v };
    let mut packed = vec![T::from(77); packed_len::<T>(isa, conv, Direction::Forward)];
    let mut got = vec![T::from(101); y.len()];
    // SAFETY: the slices have the sizes that the geometry says.
    unsafe {
        pack(isa, conv, Direction::Forward, w.as_ptr(), packed.as_mut_ptr());
        forward_packed(isa, conv, x.as_ptr(), packed.as_ptr(), &epilogue, Target::Plain(got.as_mut_ptr()));
    }
    let expected: Vec<T> = y.iter().map(|&y| relu(y)).collect();
    assert!(alike(&got, &expected), "ReLU {isa:?} {conv:?}");
    if !can_pool(conv, &epilogue) {
        return;
    }
    let width = conv.out[1];
    let mut got = vec![T::from(101); y.len() / 4];
    let target = Target::Pooled { y: got.as_mut_ptr(), codes: None };
    // SAFETY: as above.
    unsafe { forward_packed(isa, conv, x.as_ptr(), packed.as_ptr(), &epilogue, target) };
    let pooled = |at: usize| {
        let first = at / (width / 2) * 2 * width + at % (width / 2) * 2;
        [first + 1, first + width, first + width + 1].iter().fold(expected[first], |best, &next| {
            let next = expected[next];
            if next > best || next.partial_cmp(&next).is_none() { next } else { best }
        })
    };
    assert!(alike(&got, &(0..got.len()).map(pooled).collect::<Vec<_>>()), "pooled {isa:?} {conv:?}");
}

#[test]
fn what_is_not_finite_does_not_spread() {
    for isa in Isa::available() {
        let mut random = Random(5);
        for round in 0..24 {
            let mut conv = winograd(&mut random);
            if round % 2 == 0 {
                conv = Conv2d { padding: [0; 2], out: conv.size.map(|size| size - 2), ..conv };
            }
            check_not_finite::<f32>(isa, &conv, &mut random);
            check_not_finite::<f64>(isa, &conv, &mut random);
        }
    }
}
