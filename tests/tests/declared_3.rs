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
    Declared36<const K: usize> {
        f5: [Linear(8, 8); 2],
        f10: Param([3], init = ones),
        f12: Pair<3>,
    }
    forward(x1: [batch, 8], x2: [batch, 8], i8: [3]) -> ([batch, 3], [batch, 3]) {
        let t3 = relu6(x2) + log_sigmoid(x1) + softplus(x2, beta = 2.0) + silu(x2) + hardtanh(x1) + sign(x2) * 0.1 + atan(x1) + tanhshrink(x1) + hardsigmoid(x2) + hardswish(x1) + softshrink(x2, lambd = 0.25) + alpha_dropout(x1, 0.2);
        let t4 = match K { 0 => erf(x2), 1 => { let y = celu(x2, alpha = 0.5); y * 0.5 } _ => log_sigmoid(x2) };
        let t6 = x2; for layer in self.f5 { t6 = tanh(layer(t6)) + t6 * 0.5; } t6 = f5[1](t6);
        let t7 = where_(logical_or(lt(t3, x1), logical_and(ge(t3, 0.5), le(x1, 0.5))), t3, x1 * 0.5);
        let t9 = index_select(t7, -1, i8);
        let t11 = layer_norm(t9, [3], weight = f10);
        let (t13, t14): ([batch, 3], [batch, 3]) = f12(t9, t9);
        (t14, t11)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_36() -> Result<()> {
    let _turn = turn();
    manual_seed(36);
    check(
        &Declared36::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8]), Tensor::randint(0, 8, [3])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?, &x[2].typed::<shape![3]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared37<const K: usize> {
        f3: Lstm(_, 4, batch_first = true),
        f4: Lstm(_, 4, batch_first = true),
        f9: Param([4, 6], init = uniform(-0.5, 0.5)),
        f10: Param([4]),
    }
    forward(x1: [batch, seq, 6]) -> [batch, seq, 4] {
        let t2 = where_(all(x1 > -1.0, 1, keepdim = true), x1, x1 * 0.5);
        let (t6, state) = f3(x1); let (t5, (h, _)) = f4(t6 * 0.5, state);
        let t7 = cat([t5, t6 * 0.5], -1);
        let t8 = permute(permute(t5, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let t11 = linear(x1, f9, bias = f10);
        let t12 = cumprod(tanh(t11) * 0.5 + 1.0, -1) * 0.5 + cumsum(t11, -1) * 0.1;
        let t13 = masked_fill(t11, logical_xor(t11 <= 0.1, t11 < 0.3), -0.25);
        t13
    }
}

#[rustfmt::skip]
#[test]
fn declaration_37() -> Result<()> {
    let _turn = turn();
    manual_seed(37);
    check(
        &Declared37::<1>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared38<const K: usize> {
        f3: ConvTranspose2d(_, 2, kernel = 3, padding = 1, bias = false),
        f5: MaxPool3d([1, 2, 2]),
        f6: AvgPool3d([1, 2, 2]),
        f7: LPPool3d(2.0, [1, 2, 2]),
        f8: MaxPool2d(2),
        f9: LPPool2d(2.0, 2),
        f10: AvgPool2d(2),
        f13: Upsample(scale_factor = 2),
        f14: Upsample(scale_factor = 2, mode = "bilinear"),
        f16: FeatureAlphaDropout(0.3),
        f17: Flatten(2),
        f18: Dropout1d(0.2),
        f19: Dropout3d(0.2),
        f21: AdaptiveMaxPool3d([None, 2, 3]),
        f22: AdaptiveMaxPool2d([2, 3]),
        f23: AdaptiveAvgPool2d([2, 3]),
    }
    forward(x1: [batch, 2, 9, 8], x2: [batch, 2, 9, 8]) -> [batch, 2, 2, 2] {
        let t4 = f3(x1);
        let t11 = (f5(unsqueeze(sigmoid(x2), 1)) + f6(unsqueeze(sigmoid(x2), 1)) + f7(unsqueeze(sigmoid(x2), 1)) + max_pool3d(unsqueeze(x2, 1), [1, 2, 2]) + avg_pool3d(unsqueeze(x2, 1), [1, 2, 2]) + lp_pool3d(unsqueeze(sigmoid(x2), 1), 2.0, [1, 2, 2]))[.., 0] + f8(sigmoid(x2)) + f9(sigmoid(x2)) + f10(sigmoid(x2));
        let t12 = avg_pool2d(t4, 3, stride = 1, padding = 1, count_include_pad = false);
        let t15 = f13(t12) + f14(t12) + interpolate(t12, size = [18, 16], mode = "bilinear", align_corners = true);
        let t20 = dropout2d(f16(t11), 0.3) + feature_alpha_dropout(t11, 0.2) + f19(unsqueeze(t11, 2))[.., .., 0] + dropout3d(unsqueeze(t11, 2), 0.2)[.., .., 0] + reshape(dropout1d(f18(f17(t11)), 0.2), [batch, 2, 4, 4]);
        let t24 = (f21(unsqueeze(x2, 1)) + adaptive_avg_pool3d(unsqueeze(x2, 1), [None, 2, 3]) + adaptive_max_pool3d(unsqueeze(x2, 1), [None, 2, 3]))[.., 0] + f22(x2) + f23(x2) + adaptive_avg_pool2d(x2, [2, 3]);
        let t25 = lp_pool2d(sigmoid(t20), 2.0, 2);
        t25
    }
}

#[rustfmt::skip]
#[test]
fn declaration_38() -> Result<()> {
    let _turn = turn();
    manual_seed(38);
    check(
        &Declared38::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8]), Tensor::randn([batch, 2, 9, 8])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?, &x[1].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared39<const K: usize> {
        f5: Param([5, 6], init = uniform(-0.5, 0.5)),
        f8: BatchNorm1d(_),
        f12: RMSNorm(_, eps = 0.001),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6], i4: [batch, 3]) -> ([batch, 4, 6], [batch, 3, 6]) {
        let t3 = remainder(x2, 1.5) + fmod(x2, 1.5) + floor_divide(detach(x2), 2.0) * 0.1;
        let t6 = embedding(i4, f5);
        let t7 = rms_norm(tanh(x2), [6], eps = 0.001) + group_norm(tanh(x2), 2);
        let t9 = f8(t7);
        let t10 = abs(t7) * 0.5 - neg(t7) + sgn(t7) + copysign(t7, t7) * 0.1 + frac(t7) * 0.1;
        let (t11, _) = sort(t10, descending = true);
        let t13 = f12(x2);
        (t13, t6)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_39() -> Result<()> {
    let _turn = turn();
    manual_seed(39);
    check(
        &Declared39::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6]), Tensor::randint(0, 5, [batch, 3])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?, &x[2].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared40<const K: usize> {
        f3: Param([8], init = uniform(-0.5, 0.5)),
        f4: Param([8], init = uniform(-0.5, 0.5)),
        f9: Embedding(7, 6),
        f12: [Inner<8>; 2],
        f14: Gru(_, 4, batch_first = true),
        f15: Rnn(_, 4, batch_first = true),
        f16: TransformerDecoderLayer(4, 2, 8, batch_first = true),
        f17: TransformerEncoder(4, 2, 1, 8, batch_first = true),
        f18: TransformerDecoder(4, 2, 1, 8, batch_first = true),
    }
    forward(x1: [batch, 8], x2: [batch, 8], i8: [batch, 3]) -> ([batch, 3, 4], [batch, 8]) {
        let t5 = mm(x1, outer(f3, f4)) + unsqueeze(cosine_similarity(x1 + 0.5, tanh(x2) + 1.0, dim = -1), -1);
        let t6 = mish(t5) + elu(t5, alpha = 0.5) + softsign(x2) + hardshrink(t5, lambd = 0.3) + threshold(x2, 0.1, 0.2);
        let t7 = add(t5, x2 * 0.5) + sub(t5, x2) - mul(t5, tanh(x2)) + div(t5, square(x2) + 1.0) + addcdiv(t5, x2, square(t5) + 1.0, value = 0.5);
        let t10 = f9(i8);
        let t11 = dropout(x1 + 0.5, 0.3);
        let t13 = t11; for (i, block) in self.f12.iter().enumerate() { t13 = block(t13); t13 = t13 * (1.0 + i as f64); }
        let (t19, _) = f14(t10); let (r, _) = f15(t10); let t20 = f16(t19, tanh(t19)) + f18(f17(r), t19);
        (t20, t13)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_40() -> Result<()> {
    let _turn = turn();
    manual_seed(40);
    check(
        &Declared40::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8]), Tensor::randint(0, 7, [batch, 3])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?, &x[2].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared41<const K: usize> {
        f4: LayerNorm(_),
        f7: Linear(_, 6),
        f9: Embedding(6, 6),
        f11: MaxPool1d(2),
        f12: AvgPool1d(2),
        f13: LPPool1d(2.0, 2),
        f14: AdaptiveAvgPool1d(2),
        f15: AdaptiveMaxPool1d(2),
    }
    forward(x1: [batch, seq, 6]) -> [batch, 3, 2] {
        let t2 = std(x1, 1);
        let t3 = sinh(tanh(t2)) + cosh(tanh(t2)) + acosh(square(t2) + 1.5) + atanh(tanh(t2) * 0.8);
        let t5 = f4(t2);
        let t6 = expand(unsqueeze(t5, 1), [_, 3, _]) * 0.5;
        let t8 = t2 + f7(t5);
        let t10 = t8 + f9(argmax(t8, -1));
        let t16 = f11(sigmoid(t6)) + f12(sigmoid(t6)) + f13(sigmoid(t6)) + lp_pool1d(sigmoid(t6), 3.0, 2); let t17 = f14(t6) + f15(t6) + adaptive_avg_pool1d(t6, 2) - adaptive_max_pool1d(t6, 2) * 0.5;
        t17
    }
}

#[rustfmt::skip]
#[test]
fn declaration_41() -> Result<()> {
    let _turn = turn();
    manual_seed(41);
    check(
        &Declared41::<2>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared42<const K: usize> {
        f3: Hardtanh,
        f5: AdaptiveMaxPool3d([None, 2, 3]),
        f6: AdaptiveMaxPool2d([2, 3]),
        f7: AdaptiveAvgPool2d([2, 3]),
        f9: Upsample(scale_factor = 2),
        f10: Upsample(scale_factor = 2, mode = "bilinear"),
        f12: Softmax2d,
        f14: ConvTranspose2d(_, 2, kernel = 3, padding = 1, bias = false),
        f16: AdaptiveAvgPool3d([None, 2, 3]),
        f18: Conv3d(1, 2, kernel = 3, padding = 1),
        f19: ConvTranspose3d(2, 1, kernel = [1, 3, 3], padding = [0, 1, 1]),
    }
    forward(x1: [batch, 2, 9, 8], x2: [batch, 2, 9, 8]) -> [batch, 2, 9, 8] {
        let t4 = f3(x2);
        let t8 = (f5(unsqueeze(t4, 1)) + adaptive_avg_pool3d(unsqueeze(t4, 1), [None, 2, 3]) + adaptive_max_pool3d(unsqueeze(t4, 1), [None, 2, 3]))[.., 0] + f6(t4) + f7(t4) + adaptive_avg_pool2d(t4, [2, 3]);
        let t11 = f9(t4) + f10(t4) + interpolate(t4, size = [18, 16], mode = "bilinear", align_corners = true);
        let t13 = f12(x1);
        let t15 = f14(t13);
        let t17 = f16(unsqueeze(t15, 1))[.., 0];
        let t20 = f19(tanh(f18(unsqueeze(t13, 1))))[.., 0];
        t20
    }
}

#[rustfmt::skip]
#[test]
fn declaration_42() -> Result<()> {
    let _turn = turn();
    manual_seed(42);
    check(
        &Declared42::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8]), Tensor::randn([batch, 2, 9, 8])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?, &x[1].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared43<const K: usize> {
        f3: Softplus(beta = 2.0),
        f4: LogSigmoid,
        f5: Softsign,
        f6: Tanhshrink,
        f7: Hardsigmoid,
        f8: Hardswish,
        f9: Hardshrink,
        f10: Softshrink,
        f11: Threshold(0.1, 0.2),
        f12: Softmax(-1),
        f13: LogSoftmax(-1),
        f14: Softmin(-1),
        f17: TransformerEncoderLayer(_, 2, 8, batch_first = true, norm_first = true, activation = "gelu"),
        f20: Param([4], init = uniform(0.1, 0.4)),
        f21: PReLU(4),
        f22: RReLU(0.1, 0.3),
        f25: Transformer(_, 2, 1, 1, 8, batch_first = true),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> [batch, 4, 6] {
        let t15 = (f3(x2) + f4(x2) + f5(x2) + f6(x2) + f7(x2) + f8(x2) + f9(x2) + f10(x2) + f11(x2) + f12(x2) + f13(x2) + f14(x2)) * 0.2;
        let t16 = hypot(t15, t15 + 0.1);
        let t18 = f17(x2, is_causal = true);
        let t19 = -t16;
        let t23 = f21(t18) + prelu(t18, f20) + rrelu(t18, 0.2, 0.5) + f22(t18);
        let t24 = alpha_dropout(selu(t19), 0.3);
        let t26 = f25(t23, tanh(t23));
        t26
    }
}

#[rustfmt::skip]
#[test]
fn declaration_43() -> Result<()> {
    let _turn = turn();
    manual_seed(43);
    check(
        &Declared43::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared44<const K: usize> {
        f3: Option<Linear>(8, 8) if K > 0,
        f5: Param([8], init = ones),
        f6: Param([8], init = uniform(-0.5, 0.5)),
        f11: Bilinear(8, 8, 3),
    }
    forward(x1: [batch, 8]) -> ([batch, 3], [batch, 8]) {
        let t2 = masked_fill(x1, x1 < 0.0 | isnan(x1), 0.5);
        let t4 = if let Some(f3) = self.f3 { f3(t2) + t2 } else { t2 * 2.0 };
        let t7 = t4 * f5 + self.f6;
        let t8 = sin(t4) + cos(t7) + tan(tanh(t4)) + asin(tanh(t4) * 0.9) + acos(tanh(t7) * 0.9) + atan2(t4, square(t7) + 0.5);
        let t9 = expm1(tanh(t7)) * (relu6(t7));
        let t10 = softmin(t8, -1);
        let t12 = f11(t9, tanh(t10));
        (t12, t2)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_44() -> Result<()> {
    let _turn = turn();
    manual_seed(44);
    check(
        &Declared44::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared45<const K: usize> {
    }
    forward(x1: [batch, seq, 6]) -> [batch, seq, 2] {
        let t2 = exp2(tanh(x1)) + expm1(tanh(x1)) + pow(square(x1) + 0.5, 1.5) * 0.1 + xlogy(square(x1), square(x1) + 1.0) * 0.1;
        let t3 = bmm(softmax(bmm(t2, transpose(x1, 1, 2)) * 0.2, -1), x1);
        let t4 = t3 - amin(t3, -1, keepdim = true) + std(t2, 1, keepdim = true) + amax(t3, 1, keepdim = true) + max(t3, -1, keepdim = true) * 0.5 - min(t2, 1, keepdim = true) + logsumexp(t3, -1, keepdim = true) + var(t3, -1, keepdim = true) * 0.1;
        let t5 = t2 * (1.0 + rand_like(t2)) + randn_like(x1) * 0.1 + ones_like(t2) - zeros_like(x1) + full_like(t2, 0.5);
        let t6 = t4 + floor(t4) * 0.1 - ceil(t5) * 0.1 + trunc(t4) * 0.2;
        let t7 = erfc(t5) + erfinv(tanh(x1) * 0.9) + lgamma(square(t5) + 1.0) * 0.1 + digamma(square(x1) + 1.0) * 0.1;
        let (t8, t9) = split(t4, [4, 2], -1);
        t9
    }
}

#[rustfmt::skip]
#[test]
fn declaration_45() -> Result<()> {
    let _turn = turn();
    manual_seed(45);
    check(
        &Declared45::<0>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared46<const K: usize> {
        f3: Linear(_, 6, bias = false),
        f6: ReplicationPad2d([0, 1, 0, 1]),
        f8: BatchNorm3d(_),
        f9: InstanceNorm3d(_, affine = true),
        f10: InstanceNorm1d(_),
        f14: BatchNorm2d(_),
    }
    forward(x1: [batch, 2, 9, 8], x2: [batch, 2, 9, 8]) -> [batch, 2, 9, 8] {
        let t4 = gelu(f3(x1));
        let t5 = maximum(x2, x2) + minimum(x2, 0.5) + fmax(x2, x2 * 0.5) + fmin(x2, 0.75) + clamp_max(x2, 0.5) + clamp_min(x2, -0.5) + clamp(x2, -0.75, 0.75) + lerp(x2, x2, 0.25) + addcmul(x2, x2, tanh(x2), value = 0.5);
        let t7 = f6(t4);
        let t11 = (f8(unsqueeze(tanh(t5), 2)) + f9(unsqueeze(tanh(t5), 2)))[.., .., 0] + reshape(f10(flatten(tanh(t5), 2)), [batch, 2, 9, 8]);
        let t12 = glu(t11);
        let t13 = reciprocal(square(t11) + 1.0) + rsqrt(square(x2) + 0.5) + sqrt(square(t11) + 1.0) + hypot(t11, x2 + 0.1) + logaddexp(t11, x2) * 0.5 + sinc(tanh(t11));
        let t15 = f14(x2);
        t15
    }
}

#[rustfmt::skip]
#[test]
fn declaration_46() -> Result<()> {
    let _turn = turn();
    manual_seed(46);
    check(
        &Declared46::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8]), Tensor::randn([batch, 2, 9, 8])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?, &x[1].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared47<const K: usize> {
        f8: Conv1d(_, 4, kernel = 3, padding = 1),
        f10: Param([2, 4, 3], init = uniform(-0.3, 0.3)),
        f11: ConvTranspose1d(_, 2, kernel = 2, stride = 2),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> [batch, 2, 6] {
        let t3 = x2 + var(x2, -1, keepdim = true);
        let t4 = if self.training { leaky_relu(x2, negative_slope = 0.2) } else { expm1(tanh(x2)) };
        let t5 = transpose(t3, 1, 2);
        let t6 = logcumsumexp(t4, -1);
        let t7 = scaled_dot_product_attention(t6, t6, t4, mask = matmul(t6, transpose(t4, 1, 2)) > -1.0);
        let t9 = f8(t7);
        let t12 = conv1d(x2, f10, padding = 1) + f11(x2)[.., .., ..6];
        t12
    }
}

#[rustfmt::skip]
#[test]
fn declaration_47() -> Result<()> {
    let _turn = turn();
    manual_seed(47);
    check(
        &Declared47::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}
