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
    Declared24<const K: usize> {
        f5: GruCell(_, 4),
        f6: RnnCell(_, 4),
        f8: AlphaDropout(0.2),
        f10: ReLU,
        f11: SiLU,
        f12: Tanh,
        f13: Sigmoid,
        f14: LeakyReLU(0.1),
        f15: ELU(alpha = 0.5),
        f16: ReLU6,
        f17: SELU,
        f18: CELU,
        f19: Mish,
        f20: Identity,
        f21: GELU,
    }
    forward(x1: [batch, 8]) -> ([batch, 4], [batch, 8]) {
        let t2 = log(abs(x1) + 0.5) + log10(square(x1) + 1.0) + log1p(abs(x1)) + logit(sigmoid(x1) * 0.8 + 0.1);
        let t3 = remainder(x1, 1.5) + fmod(x1, 1.5) + floor_divide(detach(x1), 2.0) * 0.1;
        let t4 = logcumsumexp(t2, -1);
        let h = f5(t3); let t7 = f6(t3, h) + h;
        let t9 = f8(t7);
        let t22 = (f10(x1) + f11(x1) + f12(x1) + f13(x1) + f14(x1) + f15(x1) + f16(x1) + f17(x1) + f18(x1) + f19(x1) + f20(x1) + f21(x1)) * 0.2;
        let t23 = if !(K < 1) || batch > 4 { expm1(tanh(t9)) } else { tanh(t9) };
        (t23, x1)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_24() -> Result<()> {
    let _turn = turn();
    manual_seed(24);
    check(
        &Declared24::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared25<const K: usize> {
        f3: Bilinear(6, 6, 3),
        f7: Unflatten(-1, [1, 3]),
        f12: MultiheadAttention(6, 2, batch_first = true, add_bias_kv = true),
    }
    forward(x1: [batch, seq, 6]) -> ([batch, seq, 6], [batch, seq, 3]) {
        let t2 = -x1 + x1 % 1.5;
        let t4 = f3(x1, tanh(t2));
        let t5 = abs(t4) * 0.5 - neg(t4) + sgn(t4) + copysign(t4, t4) * 0.1 + frac(t4) * 0.1;
        let t6 = erfc(t4) + erfinv(tanh(t4) * 0.9) + lgamma(square(t4) + 1.0) * 0.1 + digamma(square(t4) + 1.0) * 0.1;
        let (t8, t9) = unbind(narrow(t2, -1, 1, 2), -1); let t10 = slice(t2, -1, 1, 4) + squeeze(f7(narrow(t2, -1, 0, 3)), -2) + gather(t2, -1, argmin(t2, -1, keepdim = true)) + unsqueeze(select(t2, -1, 0) * t8, -1);
        let t11 = transpose(t6, 1, 2);
        let t13 = f12(t2);
        (t13, t6)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_25() -> Result<()> {
    let _turn = turn();
    manual_seed(25);
    check(
        &Declared25::<1>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared26<const K: usize> {
        f3: BatchNorm3d(_),
        f4: InstanceNorm3d(_, affine = true),
        f5: InstanceNorm1d(_),
        f8: ZeroPad2d([1, 0, 2, 0]),
        f9: ConstantPad2d([0, 1, 1, 1], 0.5),
        f10: ReflectionPad2d([1, 0, 0, 2]),
        f11: ReplicationPad2d([0, 1, 0, 2]),
        f12: CircularPad2d([1, 0, 1, 1]),
        f14: BatchNorm2d(_),
        f16: MaxPool2d(2, stride = 1),
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 2, 9, 8] {
        let t2 = mish(x1) + elu(x1, alpha = 0.5) + softsign(x1) + hardshrink(x1, lambd = 0.3) + threshold(x1, 0.1, 0.2);
        let t6 = (f3(unsqueeze(tanh(x1), 2)) + f4(unsqueeze(tanh(x1), 2)))[.., .., 0] + reshape(f5(flatten(tanh(x1), 2)), [batch, 2, 9, 8]);
        let t7 = instance_norm(tanh(t2));
        let t13 = f8(t6) + f9(t6) + f10(t6) + f11(t6) + f12(t6);
        let t15 = f14(t7);
        let t17 = f16(t15);
        let t18 = rms_norm(tanh(t15), [8], eps = 0.001) + group_norm(tanh(t15), 2);
        t18
    }
}

#[rustfmt::skip]
#[test]
fn declaration_26() -> Result<()> {
    let _turn = turn();
    manual_seed(26);
    check(
        &Declared26::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared27<const K: usize> {
        f3: Param([2, 4, 3], init = uniform(-0.3, 0.3)),
        f4: ConvTranspose1d(_, 2, kernel = 2, stride = 2),
        f8: [Linear(8, 8); 2],
        f10: Option<Linear>(6, 6) if K > 0,
        f12: Gru(_, 4, batch_first = true),
        f13: Rnn(_, 4, batch_first = true),
        f14: TransformerDecoderLayer(4, 2, 8, batch_first = true),
        f15: TransformerEncoder(4, 2, 1, 8, batch_first = true),
        f16: TransformerDecoder(4, 2, 1, 8, batch_first = true),
    }
    forward(x1: [batch, 4, 6]) -> [batch, 4, 4] {
        let t2 = einsum!("bsi,zi->bsi", x1, x1[0, ..1, ..]);
        let t5 = conv1d(x1, f3, padding = 1) + f4(x1)[.., .., ..6];
        let t6 = bmm(softmax(bmm(t2, transpose(t2, 1, 2)) * 0.2, -1), t2);
        let t7 = pad(t6, [1, 1], value = 0.5);
        let t9 = t7; for layer in self.f8 { t9 = tanh(layer(t9)) + t9 * 0.5; } t9 = f8[1](t9);
        let t11 = if let Some(f10) = self.f10 { f10(x1) + x1 } else { x1 * 2.0 };
        let (t17, _) = f12(t9); let (r, _) = f13(t9); let t18 = f14(t17, tanh(t17)) + f16(f15(r), t17);
        t18
    }
}

#[rustfmt::skip]
#[test]
fn declaration_27() -> Result<()> {
    let _turn = turn();
    manual_seed(27);
    check(
        &Declared27::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared28<const K: usize> {
        f3: Embedding(8, 8),
        f7: Param([8], init = uniform(-0.5, 0.5)),
        f8: Param([8], init = uniform(-0.5, 0.5)),
    }
    forward(x1: [batch, 8]) -> ([batch, 8], [batch, 8]) {
        let t2 = add(x1, x1 * 0.5) + sub(x1, x1) - mul(x1, tanh(x1)) + div(x1, square(x1) + 1.0) + addcdiv(x1, x1, square(x1) + 1.0, value = 0.5);
        let t4 = t2 + f3(argmax(t2, -1));
        let t5 = where_(logical_or(lt(t4, t4), logical_and(ge(t4, 0.5), le(t4, 0.5))), t4, t4 * 0.5);
        let t6 = sum(stack([t4, t4, t4], 1), 1);
        let t9 = mm(t5, outer(f7, f8)) + unsqueeze(cosine_similarity(t5 + 0.5, tanh(t5) + 1.0, dim = -1), -1);
        let t10 = t6 * (1.0 + rand_like(t6)) + randn_like(t6) * 0.1 + ones_like(t6) - zeros_like(t6) + full_like(t6, 0.5);
        let t11 = relu6(t10) + log_sigmoid(t9) + softplus(t10, beta = 2.0) + silu(t10) + hardtanh(t9) + sign(t10) * 0.1 + atan(t9) + tanhshrink(t9) + hardsigmoid(t10) + hardswish(t9) + softshrink(t10, lambd = 0.25) + alpha_dropout(t9, 0.2);
        (t11, t2)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_28() -> Result<()> {
    let _turn = turn();
    manual_seed(28);
    check(
        &Declared28::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared29<const K: usize> {
    }
    forward(x1: [batch, seq, 6]) -> ([batch, seq, 6], [batch, seq, 6]) {
        let (t2, _) = sort(x1, descending = true);
        let t3 = min(t2, 1);
        let t4 = cumprod(tanh(t2) * 0.5 + 1.0, -1) * 0.5 + cumsum(t2, -1) * 0.1;
        let t5 = prod(tanh(t2) + 1.0, -1, keepdim = true) * t2;
        let t6 = cat([t5, x1 * 0.5], -1);
        let t7 = take_along_dim(t3, argmin(t3, 1, keepdim = true), 1);
        let t8 = where_((x1 > 0.2) | (t5 < -0.5), x1, tanh(t5));
        (t8, t5)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_29() -> Result<()> {
    let _turn = turn();
    manual_seed(29);
    check(
        &Declared29::<2>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared30<const K: usize> {
        f2: AdaptiveAvgPool3d([None, 2, 3]),
        f4: Linear(_, 5, bias = false),
        f6: Conv3d(1, 2, kernel = 3, padding = 1),
        f7: ConvTranspose3d(2, 1, kernel = [1, 3, 3], padding = [0, 1, 1]),
        f9: Param([5], init = ones),
        f10: Param([5], init = uniform(-0.5, 0.5)),
        f12: Param([3, 5], init = uniform(-0.5, 0.5)),
        f13: Param([3]),
        f16: Softmax2d,
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 2, 9, 8], [batch, 2, 9, 8]) {
        let t3 = f2(unsqueeze(x1, 1))[.., 0];
        let t5 = relu(f4(t3));
        let t8 = f7(tanh(f6(unsqueeze(x1, 1))))[.., 0];
        let t11 = t5 * f9 + self.f10;
        let t14 = linear(t11, f12, bias = f13);
        let t15 = lp_pool2d(sigmoid(x1), 2.0, 2);
        let t17 = f16(t8);
        (t17, x1)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_30() -> Result<()> {
    let _turn = turn();
    manual_seed(30);
    check(
        &Declared30::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared31<const K: usize> {
        f3: LayerNorm(_, bias = false),
        f6: TransformerEncoder(_, 2, 2, 8, batch_first = true, norm = true),
        f8: Param([6], init = ones),
        f10: SELU,
        f12: BatchNorm1d(_, affine = false),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> ([batch, 4, 6], [batch, 4, 6]) {
        let t4 = f3(x2);
        let t5 = roll(x2, [1, 2], [1, -1]) + contiguous(movedim(movedim(x2, 0, 2), 2, 0)) + reshape(x2, [batch, 4, 6]) + squeeze(unsqueeze(x2, 1), 1) + narrow(repeat(x2, [1, 1, 2]), -1, 1, 6) + repeat_interleave(x2, 2, -1)[.., .., ..6];
        let t7 = f6(x1, key_padding_mask = mean(x1, -1) > 0.8);
        let t9 = layer_norm(t4, [6], weight = f8);
        let t11 = f10(t9);
        let t13 = f12(t9);
        let t14 = t11 - mean(t11, -1, keepdim = true);
        (t14, t7)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_31() -> Result<()> {
    let _turn = turn();
    manual_seed(31);
    check(
        &Declared31::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared32<const K: usize> {
        f4: [Inner<8>; 2],
        f6: Inner<8>,
        f9: MaxPool1d(2),
        f10: AvgPool1d(2),
        f11: LPPool1d(2.0, 2),
        f12: AdaptiveAvgPool1d(2),
        f13: AdaptiveMaxPool1d(2),
        f17: Pair<8>,
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> [batch, 8] {
        let t3 = unflatten(x2, -1, [2, _]);
        let t5 = x1; for (i, block) in self.f4.iter().enumerate() { t5 = block(t5); t5 = t5 * (1.0 + i as f64); }
        let t7: [batch, 8] = f6(t5);
        let t8 = t3 + detach(tanh(t3));
        let t14 = f9(sigmoid(t3)) + f10(sigmoid(t3)) + f11(sigmoid(t3)) + lp_pool1d(sigmoid(t3), 3.0, 2); let t15 = f12(t3) + f13(t3) + adaptive_avg_pool1d(t3, 2) - adaptive_max_pool1d(t3, 2) * 0.5;
        let t16 = t7 + floor(t7) * 0.1 - ceil(t5) * 0.1 + trunc(t7) * 0.2;
        let (t18, t19): ([batch, 8], [batch, 8]) = f17(t5, t16);
        t19
    }
}

#[rustfmt::skip]
#[test]
fn declaration_32() -> Result<()> {
    let _turn = turn();
    manual_seed(32);
    check(
        &Declared32::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared33<const K: usize> {
        f2: Buffer([6], init = 0.5),
        f3: Buffer([6], init = Tensor::arange(0, 6, 1).unwrap().gt(1.0).unwrap()),
        f7: GLU,
        f10: Unflatten(-1, [1, 3]),
    }
    forward(x1: [batch, seq, 6]) -> ([batch, seq, 2, 3], [batch, seq]) {
        let t4 = masked_fill(x1 * f2, f3, 0.25);
        let (t5, t6) = chunk(x1, 2, -1);
        let t8 = f7(t4) + glu(t4, dim = -1);
        let t9 = t4[.., .., (0..6).step_by(2)];
        let (t11, t12) = unbind(narrow(t4, -1, 1, 2), -1); let t13 = slice(t4, -1, 1, 4) + squeeze(f10(narrow(t4, -1, 0, 3)), -2) + gather(t4, -1, argmin(t4, -1, keepdim = true)) + unsqueeze(select(t4, -1, 0) * t11, -1);
        let t14 = log(abs(t9) + 0.5) + log10(square(t9) + 1.0) + log1p(abs(t13)) + logit(sigmoid(t9) * 0.8 + 0.1);
        let t15 = reshape(x1, [batch, seq, 2, 3]);
        (t15, t12)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_33() -> Result<()> {
    let _turn = turn();
    manual_seed(33);
    check(
        &Declared33::<0>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared34<const K: usize> {
        f2: Conv2d(_, 4, kernel = 3, padding = 1, groups = 2),
        f4: ZeroPad2d([1, 0, 1, 0]),
        f6: Conv2d(_, 4, kernel = 3, padding = 1),
        f8: PixelShuffle(2),
        f9: PixelUnshuffle(2),
        f11: InstanceNorm2d(_),
        f14: ZeroPad3d([1, 0, 0, 1, 1, 0]),
        f15: ConstantPad3d([0, 1, 1, 0, 0, 1], 0.5),
        f16: ReflectionPad3d([1, 0, 0, 1, 0, 1]),
        f17: ReplicationPad3d([0, 1, 0, 1, 1, 0]),
        f18: CircularPad3d([1, 0, 1, 0, 0, 1]),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 5, 5, 5], [batch, 4, 4, 4]) {
        let t3 = tanh(f2(x1));
        let t5 = f4(t3);
        let t7 = max_pool2d(relu(f6(t3)), 2);
        let t10 = f8(pixel_unshuffle(t7, 2)) + pixel_shuffle(f9(tanh(t7)), 2);
        let t12 = f11(tanh(t7));
        let t13 = adaptive_max_pool2d(t10, 2);
        let t19 = mean(f14(stack([t12, tanh(t12)], 1)) + f15(stack([t12, tanh(t12)], 1)) + f16(stack([t12, tanh(t12)], 1)) + f17(stack([t12, tanh(t12)], 1)) + f18(stack([t12, tanh(t12)], 1)), 1);
        (t19, t10)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_34() -> Result<()> {
    let _turn = turn();
    manual_seed(34);
    check(
        &Declared34::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared35<const K: usize> {
    }
    forward(x1: [batch, 4, 6]) -> ([batch, 4, 6], [batch, 4, 6]) {
        let t2 = sum(stack([x1, x1, x1], 1), 1);
        let t3 = if !(K < 1) || batch > 4 { erf(x1) } else { celu(x1, alpha = 0.5) };
        let t4 = where_(logical_not(isinf(x1)) & isfinite(t3), x1, 0.5) + where_(eq(x1, t3), x1, tanh(t3)) + where_(ne(x1, t3), t3, 0.25);
        let t5 = x1 - prod(sigmoid(x1), 1, keepdim = true);
        let t6 = t5 + detach(tanh(t2));
        let t7 = avg_pool1d(t6, 2);
        let t8 = t6; for i in 0..3 { let y = t8; t8 = sin(y); if i % 2 == 0 { t8 = t8 / (i as f64 + 2.0); } }
        (t8, t8)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_35() -> Result<()> {
    let _turn = turn();
    manual_seed(35);
    check(
        &Declared35::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}
