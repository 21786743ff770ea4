//! Written by `UPDATE=1 cargo test -p rustorch-tests --test declarations`: random declarations, compiled and op by op.

// Steps use what there is at random: some of it goes into no result.
#![allow(unused_variables)]

use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::compiled::check;
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

model! {
    /// A model inside others.
    Inner<const D: usize> { fc: Linear(D, D), gain: Param([D], init = ones) }
    forward(x: [rows, D]) -> [rows, D] { tanh(fc(x)) * gain }
}

model! {
    /// One of two tensors to two.
    Pair<const D: usize> { fc: Linear(D, D), drop: Dropout(0.25) }
    forward(x: [rows, D], y: [rows, D]) -> ([rows, D], [rows, D]) {
        let z = fc(x) + y;
        let w = if self.training { sigmoid(z) } else { z * 0.5 };
        (drop(z), w)
    }
}

model! {
    Declared12<const K: usize> {
        f3: Param([6, 8], init = uniform(-0.5, 0.5)),
        f4: Param([6]),
        f7: MultiheadAttention(6, 2, batch_first = true, dropout = 0.1),
        f11: Inner<8>,
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> ([batch, 6], [batch, 3, 6]) {
        let t5 = linear(x2, f3, bias = f4);
        let t6 = expand(unsqueeze(t5, 1), [_, 3, _]) * 0.5;
        let t8 = f7(t6, tanh(t6), t6);
        let (t9, i) = topk(t6, 3); let t10 = take_along_dim(tanh(t6), i, -1);
        let t12: [batch, 8] = f11(x2);
        let t13 = roll(t9, [1, 2], [1, -1]) + contiguous(movedim(movedim(t9, 0, 2), 2, 0)) + reshape(t9, [batch, 3, 3]) + squeeze(unsqueeze(t9, 1), 1) + narrow(repeat(t9, [1, 1, 2]), -1, 1, 3) + repeat_interleave(t9, 2, -1)[.., .., ..3];
        let t14 = mean(t6, 1);
        (t14, t8)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_12() -> Result<()> {
    let _turn = turn();
    manual_seed(12);
    check(
        &Declared12::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared13<const K: usize> {
        f2: Gru(_, 4, batch_first = true),
        f3: Rnn(_, 4, batch_first = true),
        f4: TransformerDecoderLayer(4, 2, 8, batch_first = true),
        f5: TransformerEncoder(4, 2, 1, 8, batch_first = true),
        f6: TransformerDecoder(4, 2, 1, 8, batch_first = true),
        f13: TransformerDecoderLayer(_, 2, 8, batch_first = true),
    }
    forward(x1: [batch, seq, 6]) -> ([batch, seq, 2], [batch, seq, 2]) {
        let (t7, _) = f2(x1); let (r, _) = f3(x1); let t8 = f4(t7, tanh(t7)) + f6(f5(r), t7);
        let (t9, t10) = split(t8, [2, 2], -1);
        let t11 = dropout(t10 + 0.5, 0.3);
        let t12 = t11 + detach(tanh(t10));
        let t14 = f13(t12, tanh(t12), tgt_is_causal = true);
        let t15 = log_softmax(t12, -1);
        let t16 = where_((t14 >= t11) & !(t14 > 1.0), t14 * 0.5, t11);
        (t16, t11)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_13() -> Result<()> {
    let _turn = turn();
    manual_seed(13);
    check(
        &Declared13::<1>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared14<const K: usize> {
        f3: Param([2], init = uniform(0.1, 0.4)),
        f4: PReLU(2),
        f5: RReLU(0.1, 0.3),
        f7: InstanceNorm2d(_),
        f9: ReflectionPad2d([1, 0, 0, 1]),
        f11: PixelShuffle(2),
        f12: PixelUnshuffle(2),
        f14: AdaptiveAvgPool3d([None, 2, 3]),
        f16: ZeroPad3d([1, 0, 0, 1, 1, 0]),
        f17: ConstantPad3d([0, 1, 1, 0, 0, 1], 0.5),
        f18: ReflectionPad3d([1, 0, 0, 1, 0, 1]),
        f19: ReplicationPad3d([0, 1, 0, 1, 1, 0]),
        f20: CircularPad3d([1, 0, 1, 0, 0, 1]),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 3, 10, 9], [batch, 2, 2, 2]) {
        let t2 = adaptive_max_pool2d(x1, 2);
        let t6 = f4(t2) + prelu(t2, f3) + rrelu(t2, 0.2, 0.5) + f5(t2);
        let t8 = f7(tanh(x1));
        let t10 = f9(x1);
        let t13 = f11(pixel_unshuffle(t6, 2)) + pixel_shuffle(f12(tanh(t6)), 2);
        let t15 = f14(unsqueeze(t10, 1))[.., 0];
        let t21 = mean(f16(stack([t8, tanh(t8)], 1)) + f17(stack([t8, tanh(t8)], 1)) + f18(stack([t8, tanh(t8)], 1)) + f19(stack([t8, tanh(t8)], 1)) + f20(stack([t8, tanh(t8)], 1)), 1);
        (t21, t6)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_14() -> Result<()> {
    let _turn = turn();
    manual_seed(14);
    check(
        &Declared14::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared15<const K: usize> {
        f5: ZeroPad1d([1, 2]),
        f6: ConstantPad1d([2, 1], 0.5),
        f7: ReflectionPad1d([3, 0]),
        f8: ReplicationPad1d([0, 3]),
        f9: CircularPad1d([1, 2]),
        f15: Conv1d(_, 4, kernel = 3, padding = 1),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> [batch, 4, 3] {
        let t3 = maximum(x2, x1 * 0.9);
        let t4 = if !(K < 1) || batch > 4 { log2(square(x2) + 1.0) } else { relu(x2) };
        let t10 = f5(t3) + f6(t3) + f7(t3) + f8(t3) + f9(t3);
        let t11 = log(abs(t3) + 0.5) + log10(square(t3) + 1.0) + log1p(abs(t4)) + logit(sigmoid(t3) * 0.8 + 0.1);
        let t12 = scaled_dot_product_attention(t10, t10, t10, mask = matmul(t10, transpose(t10, 1, 2)) * 0.1);
        let (t13, t14) = chunk(t11, 2, -1);
        let t16 = f15(t13);
        t16
    }
}

#[rustfmt::skip]
#[test]
fn declaration_15() -> Result<()> {
    let _turn = turn();
    manual_seed(15);
    check(
        &Declared15::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared16<const K: usize> {
        f3: [Inner<1>; 2],
        f5: Option<Inner<1>> if K != 1,
        f8: Linear(_, 1),
        f11: Option<Inner<1>> if K != 1,
    }
    forward(x1: [batch, 8]) -> [batch, 1] {
        let t2 = take_along_dim(x1, argmin(x1, 1, keepdim = true), 1);
        let t4 = t2; for (i, block) in self.f3.iter().enumerate() { t4 = block(t4); t4 = t4 * (1.0 + i as f64); }
        let t6 = t2; if let Some(inner) = self.f5 { t6 = inner(t6); }
        let t7 = t6; for i in 0..3 { let y = t7; t7 = softplus(y); if i % 2 == 0 { t7 = t7 / (i as f64 + 2.0); } }
        let t9 = t7 + f8(t7);
        let t10 = sin(x1) + cos(x1) + tan(tanh(x1)) + asin(tanh(x1) * 0.9) + acos(tanh(x1) * 0.9) + atan2(x1, square(x1) + 0.5);
        let t12 = t9; if let Some(inner) = self.f11 { t12 = inner(t12); }
        t12
    }
}

#[rustfmt::skip]
#[test]
fn declaration_16() -> Result<()> {
    let _turn = turn();
    manual_seed(16);
    check(
        &Declared16::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared17<const K: usize> {
        f9: GLU,
    }
    forward(x1: [batch, seq, 6], x2: [batch, seq, 6]) -> [batch, seq, 3] {
        let t3 = tril(x1);
        let t4 = x2[.., -1];
        let t5 = normalize(t4, dim = -1);
        let t6 = matmul(softmax(matmul(x2, transpose(x2, 1, 2)) * 0.3, -1), x2);
        let t7 = t6 - amin(t6, -1, keepdim = true) + std(x2, 1, keepdim = true) + amax(t6, 1, keepdim = true) + max(t6, -1, keepdim = true) * 0.5 - min(x2, 1, keepdim = true) + logsumexp(t6, -1, keepdim = true) + var(t6, -1, keepdim = true) * 0.1;
        let t8 = take_along_dim(t7, argmax(t7[.., .., ..1], 1, keepdim = true), 1);
        let t10 = f9(t7) + glu(t7, dim = -1);
        t10
    }
}

#[rustfmt::skip]
#[test]
fn declaration_17() -> Result<()> {
    let _turn = turn();
    manual_seed(17);
    check(
        &Declared17::<2>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6]), Tensor::randn([batch, seq, 6])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared18<const K: usize> {
        f2: AdaptiveMaxPool3d([None, 2, 3]),
        f3: AdaptiveMaxPool2d([2, 3]),
        f4: AdaptiveAvgPool2d([2, 3]),
        f6: BatchNorm2d(_),
        f8: Upsample(scale_factor = 2),
        f9: Upsample(scale_factor = 2, mode = "bilinear"),
        f11: BatchNorm3d(_),
        f12: InstanceNorm3d(_, affine = true),
        f13: InstanceNorm1d(_),
        f15: MaxPool3d([1, 2, 2]),
        f16: AvgPool3d([1, 2, 2]),
        f17: LPPool3d(2.0, [1, 2, 2]),
        f18: MaxPool2d(2),
        f19: LPPool2d(2.0, 2),
        f20: AvgPool2d(2),
        f22: Softmax2d,
        f24: Param([2, 2, 3, 3], init = uniform(-0.3, 0.3)),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 2, 2, 2], [batch, 2, 9, 8]) {
        let t5 = (f2(unsqueeze(x1, 1)) + adaptive_avg_pool3d(unsqueeze(x1, 1), [None, 2, 3]) + adaptive_max_pool3d(unsqueeze(x1, 1), [None, 2, 3]))[.., 0] + f3(x1) + f4(x1) + adaptive_avg_pool2d(x1, [2, 3]);
        let t7 = f6(x1);
        let t10 = f8(t7) + f9(t7) + interpolate(t7, size = [18, 16], mode = "bilinear", align_corners = true);
        let t14 = (f11(unsqueeze(tanh(t7), 2)) + f12(unsqueeze(tanh(t7), 2)))[.., .., 0] + reshape(f13(flatten(tanh(t7), 2)), [batch, 2, 9, 8]);
        let t21 = (f15(unsqueeze(sigmoid(t14), 1)) + f16(unsqueeze(sigmoid(t14), 1)) + f17(unsqueeze(sigmoid(t14), 1)) + max_pool3d(unsqueeze(t14, 1), [1, 2, 2]) + avg_pool3d(unsqueeze(t14, 1), [1, 2, 2]) + lp_pool3d(unsqueeze(sigmoid(t14), 1), 2.0, [1, 2, 2]))[.., 0] + f18(sigmoid(t14)) + f19(sigmoid(t14)) + f20(sigmoid(t14));
        let t23 = f22(t21);
        let t25 = conv2d(t21, f24);
        (t25, t7)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_18() -> Result<()> {
    let _turn = turn();
    manual_seed(18);
    check(
        &Declared18::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared19<const K: usize> {
        f3: RMSNorm(_, eps = 0.001),
        f9: Param([5, 6], init = uniform(-0.5, 0.5)),
        f13: GroupNorm(2, _),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6], i8: [batch, 3]) -> [batch, 4, 2] {
        let t4 = f3(x2);
        let (t5, t6) = split(x1, [4, 2], -1);
        let t7 = maximum(t5, t5) + minimum(t5, 0.5) + fmax(t5, t5 * 0.5) + fmin(t5, 0.75) + clamp_max(t5, 0.5) + clamp_min(t5, -0.5) + clamp(t5, -0.75, 0.75) + lerp(t5, t5, 0.25) + addcmul(t5, t5, tanh(t5), value = 0.5);
        let t10 = embedding(i8, f9);
        let t11 = flatten(t10, 1);
        let t12 = if self.training { asinh(t11) } else { softsign(t11) };
        let t14 = f13(tanh(t6));
        t14
    }
}

#[rustfmt::skip]
#[test]
fn declaration_19() -> Result<()> {
    let _turn = turn();
    manual_seed(19);
    check(
        &Declared19::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6]), Tensor::randint(0, 5, [batch, 3])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?, &x[2].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared20<const K: usize> {
        f7: Param([8], init = uniform(0.1, 0.4)),
        f8: PReLU(8),
        f9: RReLU(0.1, 0.3),
        f12: Lstm(_, 5, batch_first = true, proj_size = 4),
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> [1, batch, 4] {
        let t3 = where_(!(x2 >= 0.25) & x1 < 1.0, x2 * 2.0, x1);
        let t4 = reciprocal(square(t3) + 1.0) + rsqrt(square(t3) + 0.5) + sqrt(square(t3) + 1.0) + hypot(t3, t3 + 0.1) + logaddexp(t3, t3) * 0.5 + sinc(tanh(t3));
        let t5 = where_(any(x1 < -2.0), x1, x1 * 0.5);
        let t6 = where_(logical_not(isinf(t5)) & isfinite(t4), t5, 0.5) + where_(eq(t5, t4), t5, tanh(t4)) + where_(ne(t5, t4), t4, 0.25);
        let t10 = f8(t5) + prelu(t5, f7) + rrelu(t5, 0.2, 0.5) + f9(t5);
        let t11 = expand(unsqueeze(t10, 1), [_, 3, _]) * 0.5;
        let (t13, (h, _)) = f12(t11); let t14 = tanh(h);
        t14
    }
}

#[rustfmt::skip]
#[test]
fn declaration_20() -> Result<()> {
    let _turn = turn();
    manual_seed(20);
    check(
        &Declared20::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared21<const K: usize> {
        f5: Embedding(7, 6),
        f7: ZeroPad1d([1, 2]),
        f8: ConstantPad1d([2, 1], 0.5),
        f9: ReflectionPad1d([3, 0]),
        f10: ReplicationPad1d([0, 3]),
        f11: CircularPad1d([1, 2]),
        f13: Softplus(beta = 2.0),
        f14: LogSigmoid,
        f15: Softsign,
        f16: Tanhshrink,
        f17: Hardsigmoid,
        f18: Hardswish,
        f19: Hardshrink,
        f20: Softshrink,
        f21: Threshold(0.1, 0.2),
        f22: Softmax(-1),
        f23: LogSoftmax(-1),
        f24: Softmin(-1),
        f26: Buffer([9], init = 0.5),
        f27: Buffer([9], init = Tensor::arange(0, 9, 1).unwrap().gt(1.0).unwrap()),
        f31: Embedding(5, 6),
    }
    forward(x1: [batch, seq, 6], x2: [batch, seq, 6], i4: [batch, 3], i30: [batch, 2]) -> ([batch, 3, 5], [batch, 2, 6]) {
        let t3 = dropout(x1 + 0.5, 0.3);
        let t6 = f5(flip(i4, [1]));
        let t12 = f7(t6) + f8(t6) + f9(t6) + f10(t6) + f11(t6);
        let t25 = (f13(t3) + f14(t3) + f15(t3) + f16(t3) + f17(t3) + f18(t3) + f19(t3) + f20(t3) + f21(t3) + f22(t3) + f23(t3) + f24(t3)) * 0.2;
        let t28 = masked_fill(t12 * f26, f27, 0.25);
        let t29 = softsign(t28) * (log2(square(t28) + 1.0));
        let t32 = f31(i30); let t33 = linear(t6, self.f31.weight);
        (t33, t32)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_21() -> Result<()> {
    let _turn = turn();
    manual_seed(21);
    check(
        &Declared21::<0>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6]), Tensor::randn([batch, seq, 6]), Tensor::randint(0, 7, [batch, 3]), Tensor::randint(0, 5, [batch, 2])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed::<shape![Batch, Seq, 6]>()?, &x[2].typed::<shape![Batch, 3]>()?, &x[3].typed::<shape![Batch, 2]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared22<const K: usize> {
        f2: Conv2d(_, 4, kernel = 3, padding = 1),
        f4: ConvTranspose2d(_, 2, kernel = 3, padding = 1, bias = false),
        f6: ZeroPad2d([1, 0, 2, 0]),
        f7: ConstantPad2d([0, 1, 1, 1], 0.5),
        f8: ReflectionPad2d([1, 0, 0, 2]),
        f9: ReplicationPad2d([0, 1, 0, 2]),
        f10: CircularPad2d([1, 0, 1, 1]),
        f12: Dropout2d(0.25),
        f15: Param([2, 2, 3, 3], init = uniform(-0.3, 0.3)),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 2, 9, 4], [batch, 2, 11, 9]) {
        let t3 = max_pool2d(relu(f2(x1)), 2);
        let t5 = f4(x1);
        let t11 = f6(x1) + f7(x1) + f8(x1) + f9(x1) + f10(x1);
        let t13 = f12(t5);
        let t14 = exp2(tanh(t11)) + expm1(tanh(t11)) + pow(square(t11) + 0.5, 1.5) * 0.1 + xlogy(square(t11), square(t11) + 1.0) * 0.1;
        let t16 = conv2d(t14, f15);
        let t17 = glu(t5);
        (t17, t11)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_22() -> Result<()> {
    let _turn = turn();
    manual_seed(22);
    check(
        &Declared22::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared23<const K: usize> {
        f8: Transformer(_, 2, 1, 1, 8, batch_first = true),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> ([batch, 4, 6], [batch, 4, 6]) {
        let t3 = match K { 0 => mish(x2), 1 => { let y = round(x2 * 2.0) * 0.25; y * 0.5 } _ => elu(x2) };
        let t4 = sinh(tanh(x2)) + cosh(tanh(x2)) + acosh(square(x2) + 1.5) + atanh(tanh(x2) * 0.8);
        let t5 = avg_pool1d(t3, 2);
        let t6 = log_softmax(t4, -1);
        let t7 = (t6 - 0.25) / 2.0;
        let t9 = f8(t4, tanh(t6));
        let t10 = permute(permute(t9, [2, 0, 1]) * 0.5, [1, 2, 0]);
        (t10, x1)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_23() -> Result<()> {
    let _turn = turn();
    manual_seed(23);
    check(
        &Declared23::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}
