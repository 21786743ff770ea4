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
    Declared0<const K: usize> {
        f4: RMSNorm(_, eps = 0.001),
        f7: Param([8], init = ones),
        f8: Param([8], init = uniform(-0.5, 0.5)),
        f11: Pair<8>,
        f14: Softplus(beta = 2.0),
        f15: LogSigmoid,
        f16: Softsign,
        f17: Tanhshrink,
        f18: Hardsigmoid,
        f19: Hardswish,
        f20: Hardshrink,
        f21: Softshrink,
        f22: Threshold(0.1, 0.2),
        f23: Softmax(-1),
        f24: LogSoftmax(-1),
        f25: Softmin(-1),
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> ([batch, 8], [batch, 8]) {
        let t3 = cumprod(tanh(x1) * 0.5 + 1.0, -1) * 0.5 + cumsum(x1, -1) * 0.1;
        let t5 = f4(x2);
        let t6 = selu(t5) * (celu(t5, alpha = 0.5));
        let t9 = t6 * f7 + self.f8;
        let t10 = add(t6, t6 * 0.5) + sub(t6, t6) - mul(t6, tanh(t6)) + div(t6, square(t6) + 1.0) + addcdiv(t6, t6, square(t6) + 1.0, value = 0.5);
        let (t12, t13): ([batch, 8], [batch, 8]) = f11(t10, t9);
        let t26 = (f14(t12) + f15(t12) + f16(t12) + f17(t12) + f18(t12) + f19(t12) + f20(t12) + f21(t12) + f22(t12) + f23(t12) + f24(t12) + f25(t12)) * 0.2;
        (t26, t9)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_0() -> Result<()> {
    let _turn = turn();
    manual_seed(0);
    check(
        &Declared0::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared1<const K: usize> {
        f5: Bilinear(6, 6, 3),
        f9: Buffer([3], init = 0.5),
        f10: Buffer([3], init = Tensor::arange(0, 3, 1).unwrap().gt(1.0).unwrap()),
    }
    forward(x1: [batch, seq, 6]) -> [batch, seq, 3] {
        let t2 = permute(permute(x1, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let t3 = x1 * einsum!("bsi,bsi->bs", x1, x1).unsqueeze(-1) * 0.05;
        let t4 = t3 - amin(t3, -1, keepdim = true) + std(t3, 1, keepdim = true) + amax(t3, 1, keepdim = true) + max(t3, -1, keepdim = true) * 0.5 - min(t3, 1, keepdim = true) + logsumexp(t3, -1, keepdim = true) + var(t3, -1, keepdim = true) * 0.1;
        let t6 = f5(t4, tanh(t4));
        let t7 = match K { 0 => clamp_min(t6, -0.5), 1 => { let y = celu(t6, alpha = 0.5); y * 0.5 } _ => sin(t6) };
        let t8 = remainder(t6, 1.5) + fmod(t6, 1.5) + floor_divide(detach(t6), 2.0) * 0.1;
        let t11 = masked_fill(t8 * f9, f10, 0.25);
        t11
    }
}

#[rustfmt::skip]
#[test]
fn declaration_1() -> Result<()> {
    let _turn = turn();
    manual_seed(1);
    check(
        &Declared1::<1>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared2<const K: usize> {
        f2: LayerNorm(_, bias = false),
        f4: FeatureAlphaDropout(0.3),
        f5: Flatten(2),
        f6: Dropout1d(0.2),
        f7: Dropout3d(0.2),
        f9: Conv2d(_, 4, kernel = 3, padding = 2, dilation = 2),
        f15: GroupNorm(2, _),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 4, 4, 2], [batch, 2, 9, 8]) {
        let t3 = f2(x1);
        let t8 = dropout2d(f4(t3), 0.3) + feature_alpha_dropout(t3, 0.2) + f7(unsqueeze(t3, 2))[.., .., 0] + dropout3d(unsqueeze(t3, 2), 0.2)[.., .., 0] + reshape(dropout1d(f6(f5(t3)), 0.2), [batch, 2, 9, 8]);
        let t10 = tanh(f9(t3));
        let t11 = lp_pool2d(sigmoid(t10), 2.0, 2);
        let t12 = if self.training { clamp_min(t11, -0.5) } else { celu(t11, alpha = 0.5) };
        let (t13, t14) = chunk(t12, 2, -1);
        let t16 = f15(tanh(t14));
        (t16, x1)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_2() -> Result<()> {
    let _turn = turn();
    manual_seed(2);
    check(
        &Declared2::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared3<const K: usize> {
        f5: Conv1d(_, 4, kernel = 3, padding = 1),
        f9: Option<Linear>(6, 6) if K > 0,
    }
    forward(x1: [batch, 4, 6]) -> [batch, 4, 6] {
        let t2 = unflatten(x1, -1, [2, _]);
        let t3 = take_along_dim(x1, argmax(x1[.., .., ..1], 1, keepdim = true), 1);
        let t4 = rms_norm(tanh(t2), [3], eps = 0.001) + group_norm(tanh(t2), 2);
        let t6 = f5(t3);
        let t7 = relu6(t6) + log_sigmoid(t6) + softplus(t6, beta = 2.0) + silu(t6) + hardtanh(t6) + sign(t6) * 0.1 + atan(t6) + tanhshrink(t6) + hardsigmoid(t6) + hardswish(t6) + softshrink(t6, lambd = 0.25) + alpha_dropout(t6, 0.2);
        let t8 = alpha_dropout(selu(t7), 0.3);
        let t10 = if let Some(f9) = self.f9 { f9(t8) + t8 } else { t8 * 2.0 };
        t10
    }
}

#[rustfmt::skip]
#[test]
fn declaration_3() -> Result<()> {
    let _turn = turn();
    manual_seed(3);
    check(
        &Declared3::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared4<const K: usize> {
        f5: Param([8], init = uniform(-0.5, 0.5)),
        f6: Param([8], init = uniform(-0.5, 0.5)),
        f8: BatchNorm1d(_),
        f10: GLU,
        f12: LstmCell(_, 4),
        f15: [Linear(4, 4); 2],
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> [batch, 4] {
        let t3 = triu(x2, -1);
        let t4 = x2 - mean(x2, -1, keepdim = true);
        let t7 = mm(t4, outer(f5, f6)) + unsqueeze(cosine_similarity(t4 + 0.5, tanh(t3) + 1.0, dim = -1), -1);
        let t9 = f8(t4);
        let t11 = f10(t9) + glu(t9, dim = -1);
        let (t13, c) = f12(t9); let (t14, _) = f12(t9, (t13, c));
        let t16 = t13; for layer in self.f15 { t16 = tanh(layer(t16)) + t16 * 0.5; } t16 = f15[1](t16);
        t16
    }
}

#[rustfmt::skip]
#[test]
fn declaration_4() -> Result<()> {
    let _turn = turn();
    manual_seed(4);
    check(
        &Declared4::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared5<const K: usize> {
        f2: Linear(_, 6),
        f5: Param([6], init = ones),
        f7: Gru(_, 2, num_layers = 2, dropout = 0.2, bidirectional = true, batch_first = true),
    }
    forward(x1: [batch, seq, 6]) -> ([batch, seq, 4], [batch, seq, 4]) {
        let t3 = x1 + f2(x1);
        let t4 = max_pool1d(x1, 2);
        let t6 = layer_norm(t3, [6], weight = f5);
        let (t8, _) = f7(t4);
        let t9 = normalize(t8, dim = -1);
        let t10 = exp2(tanh(t8)) + expm1(tanh(t9)) + pow(square(t8) + 0.5, 1.5) * 0.1 + xlogy(square(t9), square(t8) + 1.0) * 0.1;
        let t11 = t10; for i in 0..3 { let y = t11; t11 = exp(tanh(y)); if i % 2 == 0 { t11 = t11 / (i as f64 + 2.0); } }
        (t11, t8)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_5() -> Result<()> {
    let _turn = turn();
    manual_seed(5);
    check(
        &Declared5::<2>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared6<const K: usize> {
        f6: ReLU,
        f7: SiLU,
        f8: Tanh,
        f9: Sigmoid,
        f10: LeakyReLU(0.1),
        f11: ELU(alpha = 0.5),
        f12: ReLU6,
        f13: SELU,
        f14: CELU,
        f15: Mish,
        f16: Identity,
        f17: GELU,
        f19: MaxPool2d(2, stride = 1),
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 2, 9, 8] {
        let t2 = reciprocal(square(x1) + 1.0) + rsqrt(square(x1) + 0.5) + sqrt(square(x1) + 1.0) + hypot(x1, x1 + 0.1) + logaddexp(x1, x1) * 0.5 + sinc(tanh(x1));
        let t3 = glu(x1);
        let t4 = avg_pool2d(t2, 3, stride = 1, padding = 1, count_include_pad = false);
        let t5 = flatten(t3, 1);
        let t18 = (f6(t5) + f7(t5) + f8(t5) + f9(t5) + f10(t5) + f11(t5) + f12(t5) + f13(t5) + f14(t5) + f15(t5) + f16(t5) + f17(t5)) * 0.2;
        let t20 = f19(t3);
        let t21 = instance_norm(tanh(t4));
        t21
    }
}

#[rustfmt::skip]
#[test]
fn declaration_6() -> Result<()> {
    let _turn = turn();
    manual_seed(6);
    check(
        &Declared6::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared7<const K: usize> {
        f2: Embedding(6, 6),
        f5: Param([2, 4, 3], init = uniform(-0.3, 0.3)),
        f6: ConvTranspose1d(_, 2, kernel = 2, stride = 2),
    }
    forward(x1: [batch, 4, 6]) -> ([batch, 4, 12], [batch, 4, 12]) {
        let t3 = x1 + f2(argmax(x1, -1));
        let t4 = cat([x1, t3 * 0.5], -1);
        let t7 = conv1d(t3, f5, padding = 1) + f6(t3)[.., .., ..6];
        let t8 = erfc(t4) + erfinv(tanh(t4) * 0.9) + lgamma(square(t4) + 1.0) * 0.1 + digamma(square(t4) + 1.0) * 0.1;
        let t9 = scaled_dot_product_attention(t8, t8, t8, causal = true);
        let t10 = sinh(tanh(t9)) + cosh(tanh(t8)) + acosh(square(t9) + 1.5) + atanh(tanh(t9) * 0.8);
        let t11 = (t10 - 0.25) / 2.0;
        (t11, t8)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_7() -> Result<()> {
    let _turn = turn();
    manual_seed(7);
    check(
        &Declared7::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared8<const K: usize> {
        f4: Embedding(7, 6, scale_grad_by_freq = true),
    }
    forward(x1: [batch, 8], i3: [batch, 3]) -> ([batch, 3, 6], [batch, 3, 6]) {
        let t2 = prod(tanh(x1) + 1.0, -1, keepdim = true) * x1;
        let t5 = f4(flip(i3, [1]));
        let t6 = matmul(softmax(matmul(t5, transpose(t5, 1, 2)) * 0.3, -1), t5);
        let t7 = sin(t5) + cos(t6) + tan(tanh(t5)) + asin(tanh(t5) * 0.9) + acos(tanh(t6) * 0.9) + atan2(t5, square(t6) + 0.5);
        let t8 = where_(logical_not(isinf(t7)) & isfinite(t7), t7, 0.5) + where_(eq(t7, t7), t7, tanh(t7)) + where_(ne(t7, t7), t7, 0.25);
        let t9 = maximum(t7, t8) + minimum(t7, 0.5) + fmax(t7, t8 * 0.5) + fmin(t7, 0.75) + clamp_max(t8, 0.5) + clamp_min(t7, -0.5) + clamp(t8, -0.75, 0.75) + lerp(t7, t8, 0.25) + addcmul(t7, t8, tanh(t7), value = 0.5);
        let t10 = flip(t8, [-1]);
        (t10, t9)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_8() -> Result<()> {
    let _turn = turn();
    manual_seed(8);
    check(
        &Declared8::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randint(0, 7, [batch, 3])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared9<const K: usize> {
        f3: Unflatten(-1, [1, 3]),
        f8: Embedding(5, 6),
        f14: Transformer(_, 2, 1, 1, 8, batch_first = true),
    }
    forward(x1: [batch, seq, 6], i7: [batch, 2]) -> ([batch, 2, 6], [batch, 2, 6]) {
        let t2 = transpose(x1, 1, 2);
        let (t4, t5) = unbind(narrow(x1, -1, 1, 2), -1); let t6 = slice(x1, -1, 1, 4) + squeeze(f3(narrow(x1, -1, 0, 3)), -2) + gather(x1, -1, argmin(x1, -1, keepdim = true)) + unsqueeze(select(x1, -1, 0) * t4, -1);
        let t9 = f8(i7); let t10 = linear(x1, self.f8.weight);
        let t11 = cumprod(tanh(t9) + 1.0, 1);
        let t12 = t11[.., .., 1..-1];
        let t13 = stack([t4, t4], 1)[.., 1];
        let t15 = f14(t11, tanh(t9));
        (t15, t11)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_9() -> Result<()> {
    let _turn = turn();
    manual_seed(9);
    check(
        &Declared9::<0>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6]), Tensor::randint(0, 5, [batch, 2])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed::<shape![Batch, 2]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared10<const K: usize> {
        f2: Conv3d(1, 2, kernel = 3, padding = 1),
        f3: ConvTranspose3d(2, 1, kernel = [1, 3, 3], padding = [0, 1, 1]),
        f9: Linear(_, 6, bias = false),
        f11: PReLU(2),
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 2, 9, 8] {
        let t4 = f3(tanh(f2(unsqueeze(x1, 1))))[.., 0];
        let t5 = where_(logical_or(lt(t4, x1), logical_and(ge(t4, 0.5), le(x1, 0.5))), t4, x1 * 0.5);
        let t6 = where_(all(x1 > -1.0, 1, keepdim = true), x1, x1 * 0.5);
        let t7 = abs(t6) * 0.5 - neg(t6) + sgn(t6) + copysign(t6, t5) * 0.1 + frac(t6) * 0.1;
        let t8 = t7 * where_(t5 != 0.0, 1.5, 0.5);
        let t10 = (f9(t8));
        let t12 = f11(t8);
        t12
    }
}

#[rustfmt::skip]
#[test]
fn declaration_10() -> Result<()> {
    let _turn = turn();
    manual_seed(10);
    check(
        &Declared10::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared11<const K: usize> {
        f3: Softmax(-1),
        f7: Param([5, 6], init = uniform(-0.5, 0.5)),
        f12: MaxPool1d(2),
        f13: AvgPool1d(2),
        f14: LPPool1d(2.0, 2),
        f15: AdaptiveAvgPool1d(2),
        f16: AdaptiveMaxPool1d(2),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6], i6: [batch, 3]) -> ([batch, 3, 2], [batch, 3, 3]) {
        let t4 = f3(x1);
        let t5 = bmm(softmax(bmm(x2, transpose(t4, 1, 2)) * 0.2, -1), t4);
        let t8 = embedding(i6, f7);
        let t9 = t8 * (1.0 + rand_like(t8)) + randn_like(t8) * 0.1 + ones_like(t8) - zeros_like(t8) + full_like(t8, 0.5);
        let t10 = mish(t9) + elu(t9, alpha = 0.5) + softsign(t8) + hardshrink(t9, lambd = 0.3) + threshold(t8, 0.1, 0.2);
        let t11 = t9 + floor(t9) * 0.1 - ceil(t10) * 0.1 + trunc(t9) * 0.2;
        let t17 = f12(sigmoid(t10)) + f13(sigmoid(t10)) + f14(sigmoid(t10)) + lp_pool1d(sigmoid(t10), 3.0, 2); let t18 = f15(t10) + f16(t10) + adaptive_avg_pool1d(t10, 2) - adaptive_max_pool1d(t10, 2) * 0.5;
        (t18, t17)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_11() -> Result<()> {
    let _turn = turn();
    manual_seed(11);
    check(
        &Declared11::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6]), Tensor::randint(0, 5, [batch, 3])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?, &x[2].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}
