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
        f5: Inner<8>,
        f7: Pair<8>,
        f12: LayerNorm(_, eps = 0.01),
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> ([batch, 8], [batch, 8]) {
        let t3 = expand(unsqueeze(x1, 1), [_, 3, _]) * 0.5;
        let t4 = match K { 0 => sigmoid(x2), 1 => { let y = softshrink(x2, lambd = 0.25); y * 0.5 } _ => normalize(x2, dim = -1) };
        let t6: [batch, 8] = f5(t4);
        let (t8, t9): ([batch, 8], [batch, 8]) = f7(x1, t6);
        let t10 = if self.training { sign(t8) * 0.5 } else { sign(t8) * 0.5 };
        let t11 = minimum(t10, tanh(t9));
        let t13 = f12(t11);
        (t13, t13)
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
        f2: Option<Linear>(6, 6) if K > 0,
        f6: MultiheadAttention(6, 2, batch_first = true, dropout = 0.1),
        f9: [Linear(12, 12); 2],
    }
    forward(x1: [batch, seq, 6]) -> [batch, seq, 12] {
        let t3 = if let Some(f2) = self.f2 { f2(x1) + x1 } else { x1 * 2.0 };
        let t4 = softmax(x1, -1);
        let t5 = t4; for i in 0..3 { let y = t5; t5 = asinh(y); if i % 2 == 0 { t5 = t5 / (i as f64 + 2.0); } }
        let t7 = f6(t5);
        let t8 = cat([t7, t7 * 0.5], -1);
        let t10 = t8; for layer in self.f9 { t10 = tanh(layer(t10)) + t10 * 0.5; } t10 = f9[1](t10);
        let t11 = sum(stack([t8, t10, t8], 1), 1);
        t11
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
        f3: Dropout2d(0.25),
        f6: AdaptiveAvgPool2d(3),
    }
    forward(x1: [batch, 2, 9, 8], x2: [batch, 2, 9, 8]) -> [batch, 2, 9, 8] {
        let t4 = f3(x1);
        let t5 = if K > 0 { tanhshrink(x2) } else { exp(tanh(x2)) };
        let t7 = f6(t5);
        let t8 = instance_norm(tanh(t4));
        let t9 = t8 - min(t8, -1, keepdim = true);
        let t10 = round(t8 * 2.0) * 0.25 * (softshrink(t8, lambd = 0.25));
        let t11 = normalize(t10, dim = -1);
        t11
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
        f5: Rnn(_, 4, batch_first = true, nonlinearity = "tanh"),
        f8: Conv1d(_, 4, kernel = 3, padding = 1),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> [batch, 4, 3] {
        let t3 = x2 + detach(tanh(x2));
        let t4 = -x2;
        let (t6, t7) = f5(t4);
        let t9 = f8(t4);
        let t10 = t9[.., .., (0..6).step_by(2)];
        let t11 = var(t9, 1, correction = 0);
        let t12 = avg_pool1d(t9, 2);
        t12
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
        f3: PReLU,
        f5: Linear(_, 8, bias = true),
        f7: Option<Inner<8>> if K != 1,
        f12: LstmCell(_, 4),
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> [batch, 4] {
        let t4 = f3(x1);
        let t6 = tanh(f5(x2));
        let t8 = t6; if let Some(inner) = self.f7 { t8 = inner(t8); }
        let t9 = masked_fill(t6, logical_xor(t8 <= 0.1, t6 < 0.3), -0.25);
        let t10 = glu(t9);
        let t11 = dropout(t4 + 0.5, 0.3);
        let (t13, c) = f12(t11); let (t14, _) = f12(t11, (t13, c));
        t14
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
        f6: TransformerEncoderLayer(_, 2, dim_feedforward = 8, batch_first = true, norm_first = true, activation = "gelu"),
        f8: GroupNorm(2, _),
        f10: LayerNorm(_, eps = 0.01),
    }
    forward(x1: [batch, seq, 6]) -> ([batch, 1, 6], [batch, 1, 6]) {
        let t2 = take_along_dim(x1, argmax(x1[.., .., ..1], 1, keepdim = true), 1);
        let t3 = scaled_dot_product_attention(x1, x1, x1);
        let t4 = flatten(t2, 1);
        let t5 = transpose(t2, 1, 2);
        let t7 = f6(t2);
        let t9 = f8(tanh(t5));
        let t11 = f10(t7);
        (t11, t11)
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
        f3: Softmax2d,
        f5: Conv3d(1, 2, kernel = [1, 3, 3], padding = [0, 1, 1]),
        f7: ConvTranspose2d(_, 2, kernel = 3, padding = 1, bias = false),
        f9: Conv2d(_, 6, kernel = 3, stride = 2),
        f12: BatchNorm2d(_),
        f14: ZeroPad2d([1, 0, 1, 0]),
    }
    forward(x1: [batch, 2, 9, 8], x2: [batch, 2, 9, 8]) -> ([batch, 2, 10, 9], [batch, 2, 4, 4]) {
        let t4 = f3(x1);
        let t6 = f5(unsqueeze(t4, 1))[.., 1];
        let t8 = f7(t4);
        let t10 = tanh(f9(t6));
        let t11 = lp_pool2d(sigmoid(t8), 2.0, 2);
        let t13 = f12(t8);
        let t15 = f14(t13);
        (t15, t11)
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
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?, &x[1].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared43<const K: usize> {
        f5: [Linear(6, 6); 2],
        f7: Gru(_, 2, num_layers = 2, dropout = 0.2, bidirectional = true, batch_first = true),
        f9: BatchNorm1d(_, momentum = 0.3),
        f12: Buffer([6], init = 0.5),
        f13: Buffer([6], init = Tensor::arange(0, 6, 1).unwrap().gt(1.0).unwrap()),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> [batch, 4, 6] {
        let t3 = erf(x1);
        let t4 = where_(t3 > x2, t3, x2 * 0.5);
        let t6 = x2; for layer in self.f5 { t6 = tanh(layer(t6)) + t6 * 0.5; } t6 = f5[1](t6);
        let (t8, _) = f7(t6);
        let t10 = f9(t6);
        let t11 = match K { 0 => relu(t3), 1 => { let y = asinh(t3); y * 0.5 } _ => celu(t3, alpha = 0.5) };
        let t14 = masked_fill(t11 * f12, f13, 0.25);
        t14
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
        f2: RMSNorm(_, eps = 0.001),
        f6: Linear(_, 8),
        f8: [Inner<8>; 2],
    }
    forward(x1: [batch, 8]) -> ([batch, 16], [batch, 16]) {
        let t3 = f2(x1);
        let t4 = if batch > 3 { celu(x1, alpha = 0.5) } else { gelu(x1) };
        let t5 = expand(unsqueeze(t3, 1), [_, 3, _]) * 0.5;
        let t7 = t4 + f6(t4);
        let t9 = t7; for (i, block) in self.f8.iter().enumerate() { t9 = block(t9); t9 = t9 * (1.0 + i as f64); }
        let t10 = cat([t9, t4 * 0.5], -1);
        let t11 = cumsum(t10, 1) * 0.5;
        (t11, t11)
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
        f7: Flatten,
    }
    forward(x1: [batch, seq, 6]) -> [batch, 6] {
        let t2 = triu(x1, -1);
        let t3 = -t2;
        let t4 = norm(t2, 1.0, 1) * 0.2;
        let t5 = take_along_dim(t2, argmax(t2[.., .., ..1], 1, keepdim = true), 1);
        let t6 = addcmul(t4, tanh(t4), t4, value = 0.5);
        let t8 = f7(t5);
        let t9 = where_(!(t8 >= 0.25) & t8 < 1.0, t8 * 2.0, t8);
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
        f3: InstanceNorm2d(_, affine = true),
        f6: Conv2d(_, 4, kernel = 3, padding = 1),
        f10: GroupNorm(2, _),
        f12: Param([8], init = ones),
        f13: Param([8], init = uniform(-0.5, 0.5)),
    }
    forward(x1: [batch, 2, 9, 8], x2: [batch, 2, 9, 8]) -> [batch, 2, 9, 8] {
        let t4 = f3(tanh(x1));
        let t5 = avg_pool2d(x2, 3, stride = 1, padding = 1, count_include_pad = false);
        let t7 = max_pool2d(relu(f6(t4)), 2);
        let t8 = max_pool2d(t7, 3, stride = 1, padding = 1);
        let t9 = t8 + detach(tanh(t8));
        let t11 = f10(tanh(t4));
        let t14 = t11 * f12 + self.f13;
        t14
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
        f9: Param([6, 2], init = uniform(-0.5, 0.5)),
        f10: Param([6]),
        f13: Embedding(7, 6, scale_grad_by_freq = true),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6], i12: [batch, 3]) -> [batch, 3, 6] {
        let t3 = permute(permute(x2, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let t4 = dropout(x2 + 0.5, 0.3);
        let t5 = t3 + einsum!("bsi,bsj->bi", t3, t3).unsqueeze(1) * 0.05;
        let (t6, t7) = split(t5, [4, 2], -1);
        let t8 = matmul(softmax(matmul(t6, transpose(t6, 1, 2)) * 0.3, -1), t6);
        let t11 = linear(t7, f9, bias = f10);
        let t14 = f13(flip(i12, [1]));
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
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6]), Tensor::randint(0, 7, [batch, 3])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?, &x[2].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}
