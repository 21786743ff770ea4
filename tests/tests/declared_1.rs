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
        f3: [Inner<8>; 2],
        f5: Pair<8>,
        f8: LayerNorm(_, bias = false),
        f10: Option<Linear>(8, 8) if K > 0,
        f12: Linear(_, 8),
        f14: Param([8], init = ones),
        f15: Param([8], init = uniform(-0.5, 0.5)),
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> [batch, 8] {
        let t4 = x2; for (i, block) in self.f3.iter().enumerate() { t4 = block(t4); t4 = t4 * (1.0 + i as f64); }
        let (t6, t7): ([batch, 8], [batch, 8]) = f5(x1, t4);
        let t9 = f8(t6);
        let t11 = if let Some(f10) = self.f10 { f10(t9) + t9 } else { t9 * 2.0 };
        let t13 = t11 + f12(t4);
        let t16 = t13 * f14 + self.f15;
        let t17 = t13 - logsumexp(t13, -1, keepdim = true);
        t17
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared13<const K: usize> {
        f9: [Linear(4, 4); 2],
        f11: RMSNorm(_, eps = 0.001),
    }
    forward(x1: [batch, seq, 6]) -> ([batch, seq, 4], [batch, seq, 4]) {
        let (t2, i) = topk(x1, 3); let t3 = take_along_dim(tanh(x1), i, -1);
        let (t4, t5) = split(x1, [4, 2], -1);
        let t6 = logcumsumexp(t4, -1);
        let t7 = dropout(t6 + 0.5, 0.3);
        let t8 = permute(permute(t3, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let t10 = t7; for layer in self.f9 { t10 = tanh(layer(t10)) + t10 * 0.5; } t10 = f9[1](t10);
        let t12 = f11(t4);
        (t12, t7)
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
        f2: ConvTranspose2d(_, 2, kernel = 3, padding = 1, bias = false),
        f4: AdaptiveAvgPool2d(3),
        f9: [Inner<18>; 2],
        f11: ZeroPad2d([1, 0, 1, 0]),
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 2, 10, 9] {
        let t3 = f2(x1);
        let t5 = f4(t3);
        let t6 = flatten(t5, 1);
        let t7 = relu(t6) * (hardsigmoid(t6));
        let t8 = if K == 2 { sqrt(square(t6) + 1.0) } else { log2(square(t6) + 1.0) };
        let t10 = t8; for (i, block) in self.f9.iter().enumerate() { t10 = block(t10); t10 = t10 * (1.0 + i as f64); }
        let t12 = f11(t3);
        t12
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared15<const K: usize> {
        f3: Param([4, 6], init = uniform(-0.5, 0.5)),
        f4: Param([4]),
        f10: Softmin(-1),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> [batch, 4, 3] {
        let t5 = linear(x2, f3, bias = f4);
        let t6 = minimum(x2, tanh(x1));
        let t7 = where_(all(t6 > -1.0, 1, keepdim = true), t6, t6 * 0.5);
        let (t8, t9) = chunk(t7, 2, -1);
        let t11 = f10(t8);
        let t12 = unflatten(t6, -1, [2, _]);
        let t13 = sum(stack([t11, t11, t11], 1), 1);
        t13
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
        f4: BatchNorm1d(_),
        f8: LstmCell(_, 4),
        f12: Lstm(_, 4, batch_first = true),
    }
    forward(x1: [batch, 8], i2: [batch, 4]) -> [1, batch, 4] {
        let t3 = gather(x1, 1, i2);
        let t5 = f4(t3);
        let t6 = t3 + detach(tanh(t5));
        let t7 = expand(unsqueeze(t6, 1), [_, 3, _]) * 0.5;
        let (t9, c) = f8(t5); let (t10, _) = f8(t5, (t9, c));
        let t11 = match K { 0 => expm1(tanh(t9)), 1 => { let y = sign(t9) * 0.5; y * 0.5 } _ => celu(t9, alpha = 0.5) };
        let (t13, (h, c)) = f12(t7); let t14 = tanh(c) + h;
        t14
    }
}

#[rustfmt::skip]
#[test]
fn declaration_16() -> Result<()> {
    let _turn = turn();
    manual_seed(16);
    check(
        &Declared16::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randint(0, 8, [batch, 4])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 4]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared17<const K: usize> {
        f4: Buffer([6], init = 0.5),
        f5: Buffer([6], init = Tensor::arange(0, 6, 1).unwrap().gt(1.0).unwrap()),
        f10: Embedding(12, 12),
    }
    forward(x1: [batch, seq, 6], x2: [batch, seq, 6]) -> [batch, 1, 12] {
        let t3 = take_along_dim(x1, argmax(x1[.., .., ..1], 1, keepdim = true), 1);
        let t6 = masked_fill(t3 * f4, f5, 0.25);
        let t7 = t6[.., .., (0..6).step_by(2)];
        let t8 = cat([t6, t6 * 0.5], -1);
        let t9 = matmul(softmax(matmul(t7, transpose(t7, 1, 2)) * 0.3, -1), t7);
        let t11 = t8 + f10(argmax(t8, -1));
        let t12 = t11 * where_(t11 != 0.0, 1.5, 0.5);
        t12
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
        f3: Linear(_, 4, bias = true),
        f5: BatchNorm2d(_),
        f7: Softmax2d,
        f10: AvgPool2d(2),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 2, 2, 2], [batch, 2, 2, 2]) {
        let t2 = triu(x1, -1);
        let t4 = silu(f3(x1));
        let t6 = f5(t2);
        let t8 = f7(t6);
        let t9 = lp_pool2d(sigmoid(x1), 2.0, 2);
        let t11 = f10(t9);
        let t12 = t11 * 0.5 + 1.0;
        (t12, t12)
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
        f6: Embedding(7, 6),
        f9: MultiheadAttention(6, 2, batch_first = true, bias = false),
        f13: Embedding(5, 6),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6], i5: [batch, 3], i12: [batch, 2]) -> ([batch, 4, 5], [batch, 4, 5]) {
        let t3 = x1 + einsum!("bsi,bsj->bi", x1, x1).unsqueeze(1) * 0.05;
        let t4 = softmin(x1, -1);
        let t7 = f6(flip(i5, [1]));
        let t8 = transpose(t7, 1, 2);
        let t10 = f9(t4);
        let t11 = scaled_dot_product_attention(t10, t10, t10, mask = matmul(t10, transpose(t10, 1, 2)) > -1.0);
        let t14 = f13(i12); let t15 = linear(t11, self.f13.weight);
        (t15, t15)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_19() -> Result<()> {
    let _turn = turn();
    manual_seed(19);
    check(
        &Declared19::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6]), Tensor::randint(0, 7, [batch, 3]), Tensor::randint(0, 5, [batch, 2])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?, &x[2].typed::<shape![Batch, 3]>()?, &x[3].typed::<shape![Batch, 2]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared20<const K: usize> {
        f4: Pair<8>,
        f7: Inner<8>,
        f9: Option<Inner<8>> if K != 1,
        f14: Embedding(7, 6, scale_grad_by_freq = true),
    }
    forward(x1: [batch, 8], x2: [batch, 8], i13: [batch, 3]) -> [batch, 3, 6] {
        let t3 = log_softmax(x1, 1);
        let (t5, t6): ([batch, 8], [batch, 8]) = f4(x2, x2);
        let t8: [batch, 8] = f7(t5);
        let t10 = t6; if let Some(inner) = self.f9 { t10 = inner(t10); }
        let t11 = t8; for i in 0..3 { let y = t11; t11 = relu6(y); if i % 2 == 0 { t11 = t11 / (i as f64 + 2.0); } }
        let t12 = where_((t11 >= t10) & !(t11 > 1.0), t11 * 0.5, t10);
        let t15 = f14(flip(i13, [1]));
        t15
    }
}

#[rustfmt::skip]
#[test]
fn declaration_20() -> Result<()> {
    let _turn = turn();
    manual_seed(20);
    check(
        &Declared20::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8]), Tensor::randint(0, 7, [batch, 3])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?, &x[2].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared21<const K: usize> {
        f6: Param([4, 6], init = uniform(-0.5, 0.5)),
        f7: Param([4]),
        f9: [Inner<4>; 2],
        f12: GELU(approximate = "tanh"),
    }
    forward(x1: [batch, seq, 6], x2: [batch, seq, 6]) -> [batch, 4] {
        let t3 = max_pool1d(x1, 2);
        let t4 = max(x2, 1);
        let t5 = tril(t4);
        let t8 = linear(t4, f6, bias = f7);
        let t10 = t8; for (i, block) in self.f9.iter().enumerate() { t10 = block(t10); t10 = t10 * (1.0 + i as f64); }
        let t11 = where_((t10 >= t8) & !(t10 > 1.0), t10 * 0.5, t8);
        let t13 = f12(t11);
        t13
    }
}

#[rustfmt::skip]
#[test]
fn declaration_21() -> Result<()> {
    let _turn = turn();
    manual_seed(21);
    check(
        &Declared21::<0>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6]), Tensor::randn([batch, seq, 6])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared22<const K: usize> {
        f2: Param([2, 2, 3, 3], init = uniform(-0.3, 0.3)),
        f5: GroupNorm(2, _),
        f7: Conv2d(_, 2, kernel = 3, stride = 2),
        f10: AdaptiveAvgPool3d([None, 2, 3]),
        f12: Conv2d(_, 4, kernel = 3, padding = 1),
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 4, 4, 4] {
        let t3 = conv2d(x1, f2);
        let t4 = max_pool2d(x1, 3, stride = 1, padding = 1);
        let t6 = f5(tanh(t4));
        let t8 = relu(f7(t6));
        let t9 = instance_norm(tanh(t4));
        let t11 = f10(unsqueeze(t6, 1))[.., 0];
        let t13 = max_pool2d(relu(f12(t6)), 2);
        t13
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared23<const K: usize> {
        f3: Conv1d(_, 4, kernel = 3, padding = 1),
        f5: Flatten,
        f9: Param([24], init = ones),
        f10: Param([24], init = uniform(-0.5, 0.5)),
        f13: Conv1d(_, 4, kernel = 3, padding = 1),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> [batch, 4, 24] {
        let t4 = f3(x2);
        let t6 = f5(x2);
        let t7 = expand(unsqueeze(t6, 1), [_, 3, _]) * 0.5;
        let t8 = t6 + detach(tanh(t6));
        let t11 = t7 * f9 + self.f10;
        let t12 = round(t8 * 2.0) * 0.25 * (softshrink(t8, lambd = 0.25));
        let t14 = f13(t11);
        t14
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}
