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
        f3: [Linear(8, 8); 2],
        f8: RMSNorm(_, eps = 0.001),
        f10: Inner<8>,
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> ([batch, 8], [batch, 8]) {
        let t4 = x2; for layer in self.f3 { t4 = tanh(layer(t4)) + t4 * 0.5; } t4 = f3[1](t4);
        let t5 = dropout(t4 + 0.5, 0.3);
        let t6 = if K > 0 { clamp(t5, -0.75, 0.75) } else { leaky_relu(t5, negative_slope = 0.2) };
        let t7 = t5 + mean(t5);
        let t9 = f8(t7);
        let t11: [batch, 8] = f10(t7);
        let t12 = where_(all(t11 > -1.0, 1, keepdim = true), t11, t11 * 0.5);
        (t12, t6)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_36() -> Result<()> {
    let _turn = turn();
    manual_seed(36);
    check(
        &Declared36::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared37<const K: usize> {
        f2: PReLU,
        f7: Lstm(_, 4, batch_first = true),
        f8: Lstm(_, 4, batch_first = true),
        f11: Linear(_, 4, bias = false),
        f13: LayerNorm(_),
    }
    forward(x1: [batch, seq, 6]) -> ([batch, seq, 4], [batch, seq, 4]) {
        let t3 = f2(x1);
        let t4 = x1 - prod(sigmoid(x1), 1, keepdim = true);
        let (t5, t6) = chunk(t3, 2, -1);
        let (t10, state) = f7(t5); let (t9, (h, _)) = f8(t10 * 0.5, state);
        let t12 = sigmoid(f11(t10));
        let t14 = f13(t12);
        let (t15, _) = sort(t12, descending = true);
        (t15, t15)
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
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared38<const K: usize> {
    }
    forward(x1: [batch, 2, 9, 8], x2: [batch, 2, 9, 8]) -> [batch, 2, 9, 20] {
        let t3 = selu(x2) * (softplus(x2));
        let t4 = instance_norm(tanh(x2));
        let t5 = lp_pool2d(sigmoid(t4), 2.0, 2);
        let t6 = addcmul(t4, tanh(t4), t4, value = 0.5);
        let t7 = pad(t6, [1, 1], value = 0.5);
        let t8 = cat([t7, t7 * 0.5], -1);
        let t9 = t8 * where_(t8 != 0.0, 1.5, 0.5);
        t9
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
        f3: Embedding(6, 6),
        f5: MultiheadAttention(6, 2, batch_first = true, bias = false),
        f8: BatchNorm1d(_, track_running_stats = false),
        f10: GroupNorm(2, _),
        f13: Param([6], init = ones),
        f14: Param([6], init = uniform(-0.5, 0.5)),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> [batch, 4, 6] {
        let t4 = x1 + f3(argmax(x1, -1));
        let t6 = f5(x1, tanh(x1), x1);
        let t7 = t6[.., .., (0..6).step_by(2)];
        let t9 = f8(x1);
        let t11 = f10(tanh(t9));
        let t12 = cumsum(t11, 1) * 0.5;
        let t15 = t11 * f13 + self.f14;
        t15
    }
}

#[rustfmt::skip]
#[test]
fn declaration_39() -> Result<()> {
    let _turn = turn();
    manual_seed(39);
    check(
        &Declared39::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared40<const K: usize> {
        f9: Conv1d(_, 4, kernel = 3, padding = 1),
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> [batch, 2, 2] {
        let t3 = minimum(x1, tanh(x1));
        let t4 = unflatten(x1, -1, [2, _]);
        let t5 = match K { 0 => erf(t3), 1 => { let y = celu(t3, alpha = 0.5); y * 0.5 } _ => log_sigmoid(t3) };
        let t6 = take_along_dim(t5, argmin(t5, 1, keepdim = true), 1);
        let (t7, t8) = split(t4, [2, 2], -1);
        let t10 = f9(t4);
        let t11 = log_softmax(t8, 1);
        t11
    }
}

#[rustfmt::skip]
#[test]
fn declaration_40() -> Result<()> {
    let _turn = turn();
    manual_seed(40);
    check(
        &Declared40::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared41<const K: usize> {
        f3: Option<Inner<6>> if K != 1,
        f9: Pair<6>,
    }
    forward(x1: [batch, seq, 6]) -> [batch, 6] {
        let t2 = min(x1, 1);
        let t4 = t2; if let Some(inner) = self.f3 { t4 = inner(t4); }
        let t5 = take_along_dim(x1, argmax(x1[.., .., ..1], 1, keepdim = true), 1);
        let t6 = where_((t2 >= t4) & !(t2 > 1.0), t2 * 0.5, t4);
        let t7 = avg_pool1d(x1, 2);
        let t8 = expand(unsqueeze(t4, 1), [_, 3, _]) * 0.5;
        let (t10, t11): ([batch, 6], [batch, 6]) = f9(t4, t4);
        t11
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
        f6: Conv2d(_, 4, kernel = 3, padding = 1),
        f8: Param([2, 2, 3, 3], init = uniform(-0.3, 0.3)),
        f10: LstmCell(_, 4),
        f13: Param([4, 4], init = uniform(-0.4, 0.4)),
    }
    forward(x1: [batch, 2, 9, 8], x2: [batch, 2, 9, 8]) -> [batch, 4] {
        let t3 = avg_pool2d(x1, 3, stride = 1, padding = 1, count_include_pad = false);
        let t4 = max_pool2d(x1, 3, stride = 1, padding = 1);
        let t5 = flatten(t3, 1);
        let t7 = max_pool2d(relu(f6(t3)), 2);
        let t9 = conv2d(t4, f8);
        let (t11, c) = f10(t5); let (t12, _) = f10(t5, (t11, c));
        let t14 = einsum!("bi,ij->bj", t11, f13);
        t14
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
        f5: Param([3, 6], init = uniform(-0.5, 0.5)),
        f6: Param([3]),
        f8: TransformerEncoderLayer(_, 2, 8, batch_first = true, norm_first = true, activation = "gelu"),
        f11: Embedding(5, 6),
        f14: Param([6], init = ones),
        f15: Param([6], init = uniform(-0.5, 0.5)),
        f17: TransformerDecoder(_, 2, 1, 8, batch_first = true, bias = false),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6], i10: [batch, 2]) -> ([batch, 2, 6], [batch, 4, 5]) {
        let t3 = permute(permute(x1, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let t4 = x1; for i in 0..3 { let y = t4; t4 = gelu(y); if i % 2 == 0 { t4 = t4 / (i as f64 + 2.0); } }
        let t7 = linear(t3, f5, bias = f6);
        let t9 = f8(t3, is_causal = true);
        let t12 = f11(i10); let t13 = linear(t9, self.f11.weight);
        let t16 = t12 * f14 + self.f15;
        let t18 = f17(t12, t12, memory_key_padding_mask = mean(t12, -1) > 0.8);
        (t18, t13)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_43() -> Result<()> {
    let _turn = turn();
    manual_seed(43);
    check(
        &Declared43::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6]), Tensor::randint(0, 5, [batch, 2])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?, &x[2].typed::<shape![Batch, 2]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared44<const K: usize> {
        f2: [Inner<8>; 2],
        f5: LayerNorm(_, eps = 0.01),
        f7: BatchNorm1d(_),
        f10: Embedding(7, 6, scale_grad_by_freq = true),
        f12: Lstm(_, 4, batch_first = true),
    }
    forward(x1: [batch, 8], i9: [batch, 3]) -> [1, batch, 2] {
        let t3 = x1; for (i, block) in self.f2.iter().enumerate() { t3 = block(t3); t3 = t3 * (1.0 + i as f64); }
        let t4 = t3 + detach(tanh(t3));
        let t6 = f5(t4);
        let t8 = f7(t6);
        let t11 = f10(i9);
        let (t13, (h, c)) = f12(t11); let t14 = tanh(c) + h;
        let t15 = max_pool1d(t14, 2);
        t15
    }
}

#[rustfmt::skip]
#[test]
fn declaration_44() -> Result<()> {
    let _turn = turn();
    manual_seed(44);
    check(
        &Declared44::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randint(0, 7, [batch, 3])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared45<const K: usize> {
        f6: Option<Linear>(6, 6) if K > 0,
    }
    forward(x1: [batch, seq, 6]) -> [batch, seq, 6] {
        let t2 = sum(stack([x1, x1, x1], 1), 1);
        let t3 = if self.training { clamp(x1, -0.75, 0.75) } else { erf(x1) };
        let t4 = where_(any(t2 < -2.0), t2, t2 * 0.5);
        let t5 = selu(t4) * (celu(t4, alpha = 0.5));
        let t7 = if let Some(f6) = self.f6 { f6(t4) + t4 } else { t4 * 2.0 };
        let t8 = t5 + tril(t5, 1);
        let t9 = masked_fill(t8, t2 < 0.0 | isnan(t2), 0.5);
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
        f3: Conv2d(_, 4, kernel = 3, padding = 1, padding_mode = "reflect"),
        f5: InstanceNorm2d(_, affine = true),
        f7: AdaptiveAvgPool3d([None, 2, 3]),
        f9: PReLU(2),
        f11: BatchNorm2d(_),
        f13: Softmax2d,
        f15: AdaptiveAvgPool2d(3),
    }
    forward(x1: [batch, 2, 9, 8], x2: [batch, 2, 9, 8]) -> [batch, 2, 3, 3] {
        let t4 = (f3(x2));
        let t6 = f5(tanh(x2));
        let t8 = f7(unsqueeze(t4, 1))[.., 0];
        let t10 = f9(t6);
        let t12 = f11(t10);
        let t14 = f13(t10);
        let t16 = f15(t12);
        t16
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
        f4: Param([6], init = ones),
        f7: Embedding(5, 6),
        f13: Linear(_, 5, bias = false),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6], i6: [batch, 2]) -> [batch, 4, 5] {
        let t3 = log_softmax(x2, -1);
        let t5 = layer_norm(x2, [6], weight = f4);
        let t8 = f7(i6); let t9 = linear(t5, self.f7.weight);
        let t10 = permute(permute(x2, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let t11 = normalize(t9, dim = -1);
        let t12 = x2 - prod(sigmoid(x2), 1, keepdim = true);
        let t14 = gelu(f13(t12));
        t14
    }
}

#[rustfmt::skip]
#[test]
fn declaration_47() -> Result<()> {
    let _turn = turn();
    manual_seed(47);
    check(
        &Declared47::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6]), Tensor::randint(0, 5, [batch, 2])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?, &x[2].typed::<shape![Batch, 2]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}
