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
        f3: Pair<8>,
        f7: Embedding(8, 8),
        f11: Param([3], init = ones),
        f12: Param([3], init = uniform(-0.5, 0.5)),
        f14: Param([3, 3], init = uniform(-0.4, 0.4)),
        f16: LstmCell(_, 4),
    }
    forward(x1: [batch, 8], x2: [batch, 8], i9: [3]) -> [batch, 4] {
        let (t4, t5): ([batch, 8], [batch, 8]) = f3(x1, x1);
        let t6 = unflatten(t5, -1, [2, _]);
        let t8 = t5 + f7(argmax(t5, -1));
        let t10 = index_select(t8, -1, i9);
        let t13 = t10 * f11 + self.f12;
        let t15 = einsum!("bi,ij->bj", t10, f14);
        let (t17, c) = f16(t15); let (t18, _) = f16(t15, (t17, c));
        t18
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?, &x[2].typed::<shape![3]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared37<const K: usize> {
        f2: Linear(_, 8, bias = true),
        f4: MultiheadAttention(6, 2, batch_first = true, dropout = 0.1),
        f7: [Linear(6, 6); 2],
        f9: Option<Inner<8>> if K != 1,
        f11: Rnn(_, 4, batch_first = true, nonlinearity = "tanh"),
        f14: LstmCell(_, 4),
    }
    forward(x1: [batch, seq, 6]) -> [batch, 4] {
        let t3 = sigmoid(f2(x1));
        let t5 = f4(x1);
        let t6 = std(t3, 1);
        let t8 = t5; for layer in self.f7 { t8 = tanh(layer(t8)) + t8 * 0.5; } t8 = f7[1](t8);
        let t10 = t6; if let Some(inner) = self.f9 { t10 = inner(t10); }
        let (t12, t13) = f11(t8);
        let (t15, c) = f14(t10); let (t16, _) = f14(t10, (t15, c));
        t16
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
        f4: MaxPool2d(2, stride = 1),
        f6: AdaptiveAvgPool2d(3),
        f8: BatchNorm2d(_),
        f10: Conv2d(_, 2, kernel = 3, stride = 2),
        f12: GroupNorm(2, _),
        f14: Softmax2d,
    }
    forward(x1: [batch, 2, 9, 8], x2: [batch, 2, 9, 8]) -> [batch, 2, 9, 8] {
        let t3 = avg_pool2d(x1, 2);
        let t5 = f4(t3);
        let t7 = f6(x2);
        let t9 = f8(x2);
        let t11 = (f10(t3));
        let t13 = f12(tanh(t9));
        let t15 = f14(t13);
        t15
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
        f3: Conv1d(_, 4, kernel = 3, padding = 1),
        f5: BatchNorm1d(_),
        f11: Option<Linear>(3, 3) if K > 0,
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> [batch, 4, 6] {
        let t4 = f3(x2);
        let t6 = f5(t4);
        let t7 = t4 + einsum!("bsi,bsj->bi", t4, t4).unsqueeze(1) * 0.05;
        let (t8, i) = topk(t7, 3); let t9 = take_along_dim(tanh(t7), i, -1);
        let t10 = t8; for i in 0..3 { let y = t10; t10 = asinh(y); if i % 2 == 0 { t10 = t10 / (i as f64 + 2.0); } }
        let t12 = if let Some(f11) = self.f11 { f11(t9) + t9 } else { t9 * 2.0 };
        let t13 = 2.0 / (square(t4) + 1.0);
        t13
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
        f3: Param([8], init = ones),
        f7: Buffer([8], init = 0.5),
        f8: Buffer([8], init = Tensor::arange(0, 8, 1).unwrap().gt(1.0).unwrap()),
        f11: RMSNorm(_, eps = 0.001),
        f13: Linear(_, 8),
        f15: Param([8], init = ones),
        f16: Param([8], init = uniform(-0.5, 0.5)),
    }
    forward(x1: [batch, 8], x2: [batch, 8], i5: [3]) -> [batch, 8] {
        let t4 = layer_norm(x1, [8], weight = f3);
        let t6 = index_select(x2, -1, i5);
        let t9 = masked_fill(t4 * f7, f8, 0.25);
        let t10 = expand(unsqueeze(t6, 1), [_, 3, _]) * 0.5;
        let t12 = f11(t9);
        let t14 = t9 + f13(t12);
        let t17 = t12 * f15 + self.f16;
        t17
    }
}

#[rustfmt::skip]
#[test]
fn declaration_40() -> Result<()> {
    let _turn = turn();
    manual_seed(40);
    check(
        &Declared40::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8]), Tensor::randint(0, 8, [3])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?, &x[2].typed::<shape![3]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared41<const K: usize> {
        f3: Param([4, 6], init = uniform(-0.5, 0.5)),
        f4: Param([4]),
        f7: MultiheadAttention(6, 2, batch_first = true, dropout = 0.1),
        f10: Softmin(-1),
        f12: TransformerEncoderLayer(_, 2, dim_feedforward = 8, batch_first = true),
    }
    forward(x1: [batch, seq, 6]) -> ([batch, seq, 6], [batch, seq, 6]) {
        let t2 = match K { 0 => hardtanh(x1), 1 => { let y = gelu(x1, approximate = "tanh"); y * 0.5 } _ => cos(x1) };
        let t5 = linear(x1, f3, bias = f4);
        let t6 = tril(x1);
        let t8 = f7(t6);
        let t9 = silu(t8);
        let t11 = f10(t9);
        let t13 = f12(t6);
        (t13, t13)
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
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared42<const K: usize> {
        f3: GroupNorm(2, _),
        f8: Embedding(7, 6, scale_grad_by_freq = true),
        f10: Linear(_, 4, bias = false),
    }
    forward(x1: [batch, 2, 9, 8], x2: [batch, 2, 9, 8], i7: [batch, 3]) -> ([batch, 3, 4], [batch, 3, 6]) {
        let t4 = f3(tanh(x2));
        let t5 = repeat_interleave(x1, 2, -1);
        let t6 = max_pool2d(t5, 3, stride = 1, padding = 1);
        let t9 = f8(flip(i7, [1]));
        let t11 = sigmoid(f10(t9));
        let t12 = scaled_dot_product_attention(t9, t9, t9, mask = matmul(t9, transpose(t9, 1, 2)) > -1.0);
        let t13 = permute(permute(t11, [2, 0, 1]) * 0.5, [1, 2, 0]);
        (t13, t9)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_42() -> Result<()> {
    let _turn = turn();
    manual_seed(42);
    check(
        &Declared42::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8]), Tensor::randn([batch, 2, 9, 8]), Tensor::randint(0, 7, [batch, 3])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?, &x[1].typed::<shape![Batch, 2, 9, 8]>()?, &x[2].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared43<const K: usize> {
        f5: LayerNorm(_, elementwise_affine = false),
        f11: Embedding(5, 6),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6], i10: [batch, 2]) -> ([batch, 2, 3], [batch, 4, 3]) {
        let (t3, t4) = chunk(x1, 2, -1);
        let t6 = f5(t3);
        let t7 = t4 - mean(t4, -1, keepdim = true);
        let (t8, t9) = split(x2, [4, 2], -1);
        let t12 = f11(i10); let t13 = linear(x1, self.f11.weight);
        let t14 = hypot(t13, t13 + 0.1);
        let t15 = glu(t12);
        (t15, t6)
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
        f2: Option<Inner<8>> if K != 1,
        f5: [Linear(8, 8); 2],
        f7: Pair<8>,
    }
    forward(x1: [batch, 8]) -> [batch, 2, 4] {
        let t3 = x1; if let Some(inner) = self.f2 { t3 = inner(t3); }
        let t4 = cat([x1, x1 * 0.5], -1);
        let t6 = x1; for layer in self.f5 { t6 = tanh(layer(t6)) + t6 * 0.5; } t6 = f5[1](t6);
        let (t8, t9): ([batch, 8], [batch, 8]) = f7(t6, t3);
        let t10 = t8 * where_(x1 != 0.0, 1.5, 0.5);
        let t11 = reshape(t9, [batch, 2, 4]);
        let t12 = matmul(softmax(matmul(t11, transpose(t11, 1, 2)) * 0.3, -1), t11);
        t12
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared45<const K: usize> {
        f5: Embedding(6, 6),
    }
    forward(x1: [batch, seq, 6]) -> ([batch, 6], [batch, 6]) {
        let t2 = dropout(x1 + 0.5, 0.3);
        let t3 = max_pool1d(x1, 2);
        let t4 = std(x1, 1);
        let t6 = t4 + f5(argmax(t4, -1));
        let t7 = cumprod(tanh(t6) + 1.0, 1);
        let t8 = if K > 0 { elu(t7) } else { exp(tanh(t7)) };
        let t9 = sum(stack([t6, t8, t6], 1), 1);
        (t9, t6)
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
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared46<const K: usize> {
        f4: Param([2, 2, 3, 3], init = uniform(-0.3, 0.3)),
        f6: ConvTranspose2d(_, 2, kernel = 3, padding = 1),
        f8: Flatten,
        f10: AdaptiveAvgPool2d(3),
        f13: Conv2d(_, 6, kernel = 3, stride = 2),
    }
    forward(x1: [batch, 2, 9, 8], x2: [batch, 2, 9, 8]) -> ([batch, 6, 4, 3], [batch, 2, 9, 8]) {
        let t3 = avg_pool2d(x1, 2);
        let t5 = conv2d(x1, f4);
        let t7 = f6(t3);
        let t9 = f8(t7);
        let t11 = f10(t5);
        let t12 = t11 + detach(tanh(t11));
        let t14 = tanh(f13(x1));
        (t14, x2)
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
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?, &x[1].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared47<const K: usize> {
        f5: Conv1d(_, 4, kernel = 3, padding = 1),
        f11: Embedding(7, 6),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6], i10: [batch, 3]) -> ([batch, 3, 6], [batch, 3, 4]) {
        let t3 = if self.training { exp(tanh(x2)) } else { log_sigmoid(x2) };
        let t4 = x1[.., .., (0..6).step_by(2)];
        let t6 = f5(t4);
        let t7 = transpose(t4, 1, 2);
        let t8 = softmin(t3, 1);
        let t9 = where_(!(t6 >= 0.25) & t6 < 1.0, t6 * 2.0, t6);
        let t12 = f11(i10);
        (t12, t7)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_47() -> Result<()> {
    let _turn = turn();
    manual_seed(47);
    check(
        &Declared47::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6]), Tensor::randint(0, 7, [batch, 3])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?, &x[2].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}
