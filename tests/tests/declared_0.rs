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
        f3: Param([8, 8], init = uniform(-0.4, 0.4)),
        f5: Embedding(8, 8),
        f7: Pair<8>,
        f10: Inner<8>,
        f14: Linear(_, 8),
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> ([batch, 8], [batch, 8]) {
        let t4 = einsum!("bi,ij->bj", x2, f3);
        let t6 = t4 + f5(argmax(t4, -1));
        let (t8, t9): ([batch, 8], [batch, 8]) = f7(x2, t6);
        let t11: [batch, 8] = f10(t8);
        let t12 = triu(t11, -1);
        let t13 = reshape(t11, [batch, 2, 4]);
        let t15 = t8 + f14(t8);
        (t15, x1)
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
        f5: TransformerEncoderLayer(_, 2, dim_feedforward = 8, batch_first = true, norm_first = true, activation = "gelu"),
        f7: RMSNorm(_, eps = 0.001),
        f10: Param([6], init = ones),
        f11: Param([6], init = uniform(-0.5, 0.5)),
    }
    forward(x1: [batch, seq, 6]) -> ([batch, seq, 6], [batch, 6, seq]) {
        let t2 = if self.training { log2(square(x1) + 1.0) } else { sinc(tanh(x1)) };
        let t3 = transpose(x1, 1, 2);
        let t4 = t3; for i in 0..3 { let y = t4; t4 = elu(y); if i % 2 == 0 { t4 = t4 / (i as f64 + 2.0); } }
        let t6 = f5(t2);
        let t8 = f7(t2);
        let t9 = log_softmax(t8, -1);
        let t12 = t8 * f10 + self.f11;
        (t12, t4)
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
        f4: Conv2d(_, 4, kernel = 3, padding = 1),
        f11: MaxPool2d(2, stride = 1),
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 4, 8, 3] {
        let t2 = if K == 2 { sinc(tanh(x1)) } else { tanhshrink(x1) };
        let t3 = adaptive_max_pool2d(t2, 2);
        let t5 = (f4(t2));
        let t6 = log_sigmoid(t3) * (gelu(t3));
        let (t7, t8) = chunk(t5, 2, -1);
        let (t9, t10) = split(t7, [2, 2], -1);
        let t12 = f11(t8);
        t12
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared3<const K: usize> {
        f4: Buffer([6], init = 0.5),
        f5: Buffer([6], init = Tensor::arange(0, 6, 1).unwrap().gt(1.0).unwrap()),
    }
    forward(x1: [batch, 4, 6]) -> ([batch, 4, 3], [batch, 4, 6]) {
        let t2 = flip(x1, [-1]);
        let t3 = sum(stack([t2, t2, t2], 1), 1);
        let t6 = masked_fill(t3 * f4, f5, 0.25);
        let t7 = permute(permute(t6, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let (t8, i) = topk(t7, 3); let t9 = take_along_dim(tanh(t7), i, -1);
        let t10 = glu(t7);
        let t11 = avg_pool1d(x1, 2);
        (t11, t2)
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
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared4<const K: usize> {
        f5: LayerNorm(_, bias = false),
        f7: [Linear(4, 4); 2],
        f9: LogSoftmax(-1),
        f12: [Inner<4>; 2],
        f14: GruCell(_, 4),
        f15: RnnCell(_, 4),
    }
    forward(x1: [batch, 8], x2: [batch, 8], i3: [batch, 4]) -> ([batch, 4], [batch, 8]) {
        let t4 = gather(x1, 1, i3);
        let t6 = f5(t4);
        let t8 = t6; for layer in self.f7 { t8 = tanh(layer(t8)) + t8 * 0.5; } t8 = f7[1](t8);
        let t10 = f9(t8);
        let t11 = cumprod(tanh(t10) + 1.0, 1);
        let t13 = t11; for (i, block) in self.f12.iter().enumerate() { t13 = block(t13); t13 = t13 * (1.0 + i as f64); }
        let h = f14(t8); let t16 = f15(t8, h) + h;
        (t16, x2)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_4() -> Result<()> {
    let _turn = turn();
    manual_seed(4);
    check(
        &Declared4::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8]), Tensor::randint(0, 8, [batch, 4])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?, &x[2].typed::<shape![Batch, 4]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared5<const K: usize> {
        f4: Param([6], init = ones),
        f8: Embedding(7, 6, max_norm = 1.0),
        f10: Flatten,
    }
    forward(x1: [batch, seq, 6], i7: [batch, 3]) -> [batch, 1, 6] {
        let t2 = (x1 - 0.25) / 2.0;
        let t3 = match K { 0 => relu(t2), 1 => { let y = celu(t2, alpha = 0.5); y * 0.5 } _ => softplus(t2) };
        let t5 = layer_norm(t2, [6], weight = f4);
        let t6 = take_along_dim(t3, argmax(t3[.., .., ..1], 1, keepdim = true), 1);
        let t9 = f8(i7);
        let t11 = f10(t6);
        let t12 = scaled_dot_product_attention(t6, t6, t6, mask = matmul(t6, transpose(t6, 1, 2)) > -1.0);
        t12
    }
}

#[rustfmt::skip]
#[test]
fn declaration_5() -> Result<()> {
    let _turn = turn();
    manual_seed(5);
    check(
        &Declared5::<2>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6]), Tensor::randint(0, 7, [batch, 3])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared6<const K: usize> {
        f5: ReplicationPad2d([0, 1, 0, 1]),
        f7: ConvTranspose2d(_, 2, kernel = 3, padding = 1, bias = false),
        f9: GroupNorm(2, _),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 2, 9, 8], [batch, 2, 9, 8]) {
        let t2 = lerp(x1, x1, 0.25);
        let t3 = x1 + detach(tanh(t2));
        let t4 = t2 + var(t2, -1, keepdim = true);
        let t6 = f5(t4);
        let t8 = f7(x1);
        let t10 = f9(tanh(t8));
        let t11 = where_((t8 > 0.2) | (t10 < -0.5), t8, tanh(t10));
        (t11, t10)
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
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared7<const K: usize> {
        f5: Linear(_, 4, bias = false),
        f8: Conv1d(_, 4, kernel = 3, padding = 1),
    }
    forward(x1: [batch, 4, 6]) -> [batch, 3, 4] {
        let t2 = x1[.., -1];
        let t3 = expand(unsqueeze(t2, 1), [_, 3, _]) * 0.5;
        let t4 = norm(x1, 2.0, 1);
        let t6 = tanh(f5(t3));
        let t7 = softmin(t4, -1);
        let t9 = f8(t6);
        let t10 = matmul(softmax(matmul(t6, transpose(t6, 1, 2)) * 0.3, -1), t6);
        t10
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared8<const K: usize> {
        f2: Param([3, 8], init = uniform(-0.5, 0.5)),
        f3: Param([3]),
        f5: BatchNorm1d(_, momentum = 0.3),
        f8: Option<Inner<8>> if K != 1,
        f12: Option<Linear>(16, 16) if K > 0,
    }
    forward(x1: [batch, 8]) -> [batch, 16] {
        let t4 = linear(x1, f2, bias = f3);
        let t6 = f5(x1);
        let t7 = dropout(t6 + 0.5, 0.3);
        let t9 = t7; if let Some(inner) = self.f8 { t9 = inner(t9); }
        let t10 = where_(!(x1 >= 0.25) & t7 < 1.0, x1 * 2.0, t7);
        let t11 = cat([t10, t10 * 0.5], -1);
        let t13 = if let Some(f12) = self.f12 { f12(t11) + t11 } else { t11 * 2.0 };
        t13
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared9<const K: usize> {
        f2: Gru(_, 2, num_layers = 2, dropout = 0.2, bidirectional = true, batch_first = true),
        f5: Embedding(5, 6),
        f8: MultiheadAttention(6, 2, batch_first = true, dropout = 0.1),
        f11: Embedding(4, 4),
        f13: Buffer([4], init = 0.5),
        f14: Buffer([4], init = Tensor::arange(0, 4, 1).unwrap().gt(1.0).unwrap()),
        f16: TransformerEncoderLayer(_, 2, dim_feedforward = 8, batch_first = true, norm_first = true, activation = "gelu"),
    }
    forward(x1: [batch, seq, 6], i4: [batch, 2]) -> [batch, seq, 4] {
        let (t3, _) = f2(x1);
        let t6 = f5(i4); let t7 = linear(x1, self.f5.weight);
        let t9 = f8(t6);
        let t10 = where_((t9 > 0.2) | (t9 < -0.5), t9, tanh(t9));
        let t12 = t3 + f11(argmax(t3, -1));
        let t15 = masked_fill(t12 * f13, f14, 0.25);
        let t17 = f16(t12);
        t17
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
        f2: InstanceNorm2d(_),
        f4: BatchNorm2d(_),
        f7: AvgPool2d(2),
        f10: Dropout2d(0.25),
        f12: Softmax2d,
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 2, 4, 4] {
        let t3 = f2(tanh(x1));
        let t5 = f4(t3);
        let t6 = instance_norm(tanh(t3));
        let t8 = f7(t6);
        let t9 = lp_pool2d(sigmoid(t6), 2.0, 2);
        let t11 = f10(t8);
        let t13 = f12(t9);
        t13
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
        f5: Hardtanh,
        f8: MultiheadAttention(2, 2, batch_first = true, dropout = 0.1),
        f11: Rnn(_, 4, batch_first = true, nonlinearity = "tanh"),
        f15: Embedding(5, 6),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6], i14: [batch, 2]) -> ([batch, 4, 5], [batch, 4, 2]) {
        let (t3, t4) = split(x1, [4, 2], -1);
        let t6 = f5(t4);
        let t7 = max_pool1d(x2, 2);
        let t9 = f8(t6);
        let t10 = match K { 0 => expm1(tanh(x2)), 1 => { let y = softplus(x2); y * 0.5 } _ => selu(x2) };
        let (t12, t13) = f11(t10);
        let t16 = f15(i14); let t17 = linear(x2, self.f15.weight);
        (t17, t4)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_11() -> Result<()> {
    let _turn = turn();
    manual_seed(11);
    check(
        &Declared11::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6]), Tensor::randint(0, 5, [batch, 2])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?, &x[2].typed::<shape![Batch, 2]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}
