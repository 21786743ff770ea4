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
        f4: GruCell(_, 4),
        f5: RnnCell(_, 4),
        f8: Option<Linear>(8, 8) if K > 0,
        f11: Linear(_, 4),
        f13: Inner<4>,
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> [batch, 4] {
        let t3 = prod(tanh(x1) + 1.0, -1, keepdim = true) * x1;
        let h = f4(x2); let t6 = f5(x2, h) + h;
        let t7 = t3 + var(t3, -1, keepdim = true);
        let t9 = if let Some(f8) = self.f8 { f8(t7) + t7 } else { t7 * 2.0 };
        let t10 = glu(t7);
        let t12 = t10 + f11(t10);
        let t14: [batch, 4] = f13(t12);
        t14
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared1<const K: usize> {
        f2: Param([3, 6], init = uniform(-0.5, 0.5)),
        f3: Param([3]),
    }
    forward(x1: [batch, seq, 6]) -> ([batch, seq, 3], [batch, seq, 3]) {
        let t4 = linear(x1, f2, bias = f3);
        let t5 = t4; for i in 0..3 { let y = t5; t5 = softplus(y); if i % 2 == 0 { t5 = t5 / (i as f64 + 2.0); } }
        let t6 = masked_fill(t4, logical_xor(t5 <= 0.1, t4 < 0.3), -0.25);
        let t7 = scaled_dot_product_attention(t5, t5, t5, mask = matmul(t5, transpose(t5, 1, 2)) * 0.1);
        let t8 = if self.training { hardswish(x1) } else { gelu(x1, approximate = "tanh") };
        let (t9, _) = sort(t8, descending = true);
        let t10 = t8[.., .., (0..6).step_by(2)];
        (t10, t6)
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
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared2<const K: usize> {
        f4: GroupNorm(2, _),
        f8: Conv2d(_, 4, kernel = 3, padding = 1),
        f10: Conv2d(_, 2, kernel = 3, padding = 1),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 2, 4, 2], [batch, 2, 9, 4]) {
        let (t2, t3) = chunk(x1, 2, -1);
        let t5 = f4(tanh(t3));
        let t6 = match K { 0 => tanhshrink(t3), 1 => { let y = exp(tanh(t3)); y * 0.5 } _ => asinh(t3) };
        let t7 = -t6;
        let t9 = max_pool2d(relu(f8(t2)), 2);
        let t11 = gelu(f10(t7));
        let t12 = avg_pool2d(t11, 2);
        (t12, t6)
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
    }
    forward(x1: [batch, 4, 6], i9: [batch, 4]) -> ([batch, 4], [batch, 3, 22]) {
        let t2 = flatten(x1, 1);
        let t3 = expand(unsqueeze(t2, 1), [_, 3, _]) * 0.5;
        let t4 = logcumsumexp(t3, -1);
        let (t5, t6) = split(t4, [22, 2], -1);
        let t7 = if K > 0 { normalize(t5, dim = -1) } else { sigmoid(t5) };
        let t8 = logsumexp(t6, 1);
        let t10 = gather(t8, 1, i9);
        (t10, t5)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_3() -> Result<()> {
    let _turn = turn();
    manual_seed(3);
    check(
        &Declared3::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randint(0, 2, [batch, 4])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared4<const K: usize> {
        f3: LayerNorm(_, elementwise_affine = false),
        f5: Hardtanh,
        f7: BatchNorm1d(_),
        f11: [Linear(8, 8); 2],
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> ([batch, 10], [batch, 10]) {
        let t4 = f3(x2);
        let t6 = f5(t4);
        let t8 = f7(t4);
        let t9 = triu(t6, -1);
        let t10 = cat([t8, t6 * 0.5], -1);
        let t12 = t9; for layer in self.f11 { t12 = tanh(layer(t12)) + t12 * 0.5; } t12 = f11[1](t12);
        let t13 = pad(t9, [1, 1], value = 0.5);
        (t13, t13)
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
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared5<const K: usize> {
        f2: Linear(_, 5, bias = true),
        f4: TransformerDecoder(_, 2, 1, 8, batch_first = true, bias = false),
        f10: Param([6], init = ones),
    }
    forward(x1: [batch, seq, 6]) -> ([batch, seq, 6], [batch, seq, 6]) {
        let t3 = (f2(x1));
        let t5 = f4(x1, x1, memory_key_padding_mask = mean(x1, -1) > 0.8);
        let t6 = mean(stack([t5, x1], 0), 0);
        let t7 = masked_fill(t6, t6 < 0.0 | isnan(t6), 0.5);
        let t8 = feature_alpha_dropout(t5, 0.4);
        let t9 = einsum!("bsi,bsi->bsi", t8, tanh(t8));
        let t11 = layer_norm(t8, [6], weight = f10);
        (t11, t6)
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
        f3: Softmax2d,
        f5: BatchNorm2d(_),
        f8: AdaptiveAvgPool2d(3),
        f11: Embedding(7, 6),
    }
    forward(x1: [batch, 2, 9, 8], i10: [batch, 3]) -> ([batch, 2, 2, 2], [batch, 2, 9, 8]) {
        let t2 = lp_pool2d(sigmoid(x1), 2.0, 2);
        let t4 = f3(t2);
        let t6 = f5(t2);
        let t7 = t4 + detach(tanh(t4));
        let t9 = f8(t6);
        let t12 = f11(i10);
        let t13 = max_pool2d(t7, 2);
        (t13, x1)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_6() -> Result<()> {
    let _turn = turn();
    manual_seed(6);
    check(
        &Declared6::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8]), Tensor::randint(0, 7, [batch, 3])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?, &x[1].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared7<const K: usize> {
        f3: Rnn(_, 4, batch_first = true, nonlinearity = "tanh"),
        f10: Conv1d(_, 4, kernel = 3, padding = 1),
    }
    forward(x1: [batch, 4, 6]) -> ([batch, 4, 4], [batch, 1, 4]) {
        let t2 = softmax(x1, -1);
        let (t4, t5) = f3(x1);
        let t6 = take_along_dim(t4, argmax(t4[.., .., ..1], 1, keepdim = true), 1);
        let t7 = dropout(t6 + 0.5, 0.3);
        let t8 = matmul(softmax(matmul(t5, transpose(t5, 1, 2)) * 0.3, -1), t5);
        let t9 = permute(permute(t7, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let t11 = f10(t7);
        (t11, t6)
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
        f3: RMSNorm(_, eps = 0.001),
        f6: Option<Inner<8>> if K != 1,
        f8: Embedding(8, 8),
        f11: Buffer([8], init = 0.5),
        f12: Buffer([8], init = Tensor::arange(0, 8, 1).unwrap().gt(1.0).unwrap()),
    }
    forward(x1: [batch, 8]) -> ([batch, 8], [batch, 8]) {
        let t2 = unflatten(x1, -1, [2, _]);
        let t4 = f3(x1);
        let t5 = normalize(t4, dim = -1);
        let t7 = t5; if let Some(inner) = self.f6 { t7 = inner(t7); }
        let t9 = t7 + f8(argmax(t7, -1));
        let t10 = where_(any(t7 > 1.0, -1, keepdim = true), t7, t7 * 0.5);
        let t13 = masked_fill(t9 * f11, f12, 0.25);
        (t13, t7)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_8() -> Result<()> {
    let _turn = turn();
    manual_seed(8);
    check(
        &Declared8::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared9<const K: usize> {
        f2: Param([6], init = ones),
        f3: Param([6], init = uniform(-0.5, 0.5)),
        f6: Embedding(5, 6),
        f13: MultiheadAttention(6, 2, batch_first = true, dropout = 0.1),
    }
    forward(x1: [batch, seq, 6], i5: [batch, 2]) -> [batch, 2, 6] {
        let t4 = x1 * f2 + self.f3;
        let t7 = f6(i5); let t8 = linear(x1, self.f6.weight);
        let t9 = t8 - t8 * 0.5;
        let t10 = avg_pool1d(t9, 2);
        let t11 = tanhshrink(t9) * (silu(t9));
        let t12 = transpose(t11, 1, 2);
        let t14 = f13(t7, tanh(t7), t7);
        t14
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed::<shape![Batch, 2]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared10<const K: usize> {
        f2: ConvTranspose2d(_, 2, kernel = 3, padding = 1, bias = false),
        f4: AdaptiveAvgPool3d([None, 2, 3]),
        f6: Param([2, 2, 3, 3], init = uniform(-0.3, 0.3)),
        f8: Dropout2d(0.25),
        f11: InstanceNorm2d(_, track_running_stats = true),
        f13: CircularPad2d([1, 0, 1, 0]),
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 2, 8, 7] {
        let t3 = f2(x1);
        let t5 = f4(unsqueeze(t3, 1))[.., 0];
        let t7 = conv2d(x1, f6);
        let t9 = f8(t7);
        let t10 = instance_norm(tanh(t9));
        let t12 = f11(tanh(t10));
        let t14 = f13(t7);
        t14
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
        f7: TransformerEncoderLayer(_, 2, 8, batch_first = true, norm_first = true, activation = "gelu"),
        f10: Param([6], init = ones),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> ([batch, 4, 6], [batch, 4, 6]) {
        let t3 = flip(x2, [-1]);
        let t4 = if self.training { relu6(x1) } else { asinh(x1) };
        let t5 = alpha_dropout(selu(t3), 0.3);
        let t6 = glu(t5);
        let t8 = f7(t3, is_causal = true);
        let t9 = t8 - prod(sigmoid(t8), 1, keepdim = true);
        let t11 = layer_norm(t8, [6], weight = f10);
        (t11, t11)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_11() -> Result<()> {
    let _turn = turn();
    manual_seed(11);
    check(
        &Declared11::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}
