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
        f5: Pair<4>,
        f8: Param([4, 4], init = uniform(-0.4, 0.4)),
        f11: Inner<4>,
        f13: Option<Inner<4>> if K != 1,
    }
    forward(x1: [batch, 8], x2: [batch, 8], i3: [batch, 4]) -> ([batch, 2], [batch, 4]) {
        let t4 = gather(x1, 1, i3);
        let (t6, t7): ([batch, 4], [batch, 4]) = f5(t4, t4);
        let t9 = einsum!("bi,ij->bj", t6, f8);
        let t10 = t9 + tril(t9, 1);
        let t12: [batch, 4] = f11(t9);
        let t14 = t10; if let Some(inner) = self.f13 { t14 = inner(t14); }
        let (t15, t16) = chunk(t14, 2, -1);
        (t16, t4)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_12() -> Result<()> {
    let _turn = turn();
    manual_seed(12);
    check(
        &Declared12::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8]), Tensor::randint(0, 8, [batch, 4])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?, &x[2].typed::<shape![Batch, 4]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared13<const K: usize> {
        f5: Option<Linear>(12, 12) if K > 0,
    }
    forward(x1: [batch, seq, 6]) -> [batch, seq, 2, 6] {
        let t2 = x1; for i in 0..3 { let y = t2; t2 = gelu(y); if i % 2 == 0 { t2 = t2 / (i as f64 + 2.0); } }
        let t3 = cat([x1, t2 * 0.5], -1);
        let t4 = dropout(t3 + 0.5, 0.3);
        let t6 = if let Some(f5) = self.f5 { f5(t4) + t4 } else { t4 * 2.0 };
        let t7 = softmin(t4, -1);
        let t8 = glu(t7);
        let t9 = unflatten(t7, -1, [2, _]);
        t9
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared14<const K: usize> {
        f2: Linear(_, 8),
        f4: Embedding(8, 8),
        f6: AdaptiveAvgPool2d(3),
        f8: ConvTranspose2d(_, 2, kernel = 3, padding = 1),
        f10: Param([8], init = ones),
        f12: Conv2d(_, 4, kernel = 3, padding = 1),
        f14: Softmax(-1),
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 2, 9, 8] {
        let t3 = x1 + f2(x1);
        let t5 = t3 + f4(argmax(t3, -1));
        let t7 = f6(t5);
        let t9 = f8(t5);
        let t11 = layer_norm(x1, [8], weight = f10);
        let t13 = max_pool2d(relu(f12(t11)), 2);
        let t15 = f14(t11);
        t15
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
        f3: LayerNorm(_, elementwise_affine = false),
        f6: Flatten,
        f10: BatchNorm1d(_, momentum = 0.3),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> [batch, 4, 6] {
        let t4 = f3(x2);
        let t5 = cumsum(t4, 1) * 0.5;
        let t7 = f6(t4);
        let t8 = if K == 2 { leaky_relu(t5, negative_slope = 0.2) } else { expm1(tanh(t5)) };
        let t9 = transpose(t8, 1, 2);
        let t11 = f10(t8);
        let t12 = sinc(tanh(t11));
        t12
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
        f2: Linear(_, 5, bias = true),
        f4: [Inner<8>; 2],
        f7: Embedding(7, 6, scale_grad_by_freq = true),
        f9: Param([6, 8], init = uniform(-0.5, 0.5)),
        f10: Param([6]),
        f13: GruCell(_, 4),
        f14: RnnCell(_, 4),
    }
    forward(x1: [batch, 8], i6: [batch, 3]) -> ([batch, 2], [batch, 2]) {
        let t3 = (f2(x1));
        let t5 = x1; for (i, block) in self.f4.iter().enumerate() { t5 = block(t5); t5 = t5 * (1.0 + i as f64); }
        let t8 = f7(flip(i6, [1]));
        let t11 = linear(t5, f9, bias = f10);
        let (t12, _) = sort(t8, descending = true);
        let h = f13(t5); let t15 = f14(t5, h) + h;
        let (t16, t17) = split(t15, [2, 2], -1);
        (t17, t17)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_16() -> Result<()> {
    let _turn = turn();
    manual_seed(16);
    check(
        &Declared16::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randint(0, 7, [batch, 3])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared17<const K: usize> {
        f3: RMSNorm(_, eps = 0.001),
        f6: MultiheadAttention(6, 2, batch_first = true, dropout = 0.1),
        f8: [Linear(6, 6); 2],
        f12: Lstm(_, 4, batch_first = true),
    }
    forward(x1: [batch, seq, 6], x2: [batch, seq, 6]) -> ([1, batch, 4], [batch, seq, 4]) {
        let t4 = f3(x1);
        let t5 = t4 + detach(tanh(x2));
        let t7 = f6(x2);
        let t9 = t5; for layer in self.f8 { t9 = tanh(layer(t9)) + t9 * 0.5; } t9 = f8[1](t9);
        let t10 = t9[.., .., 1..-1];
        let t11 = match K { 0 => sqrt(square(t10) + 1.0), 1 => { let y = normalize(t10, dim = -1); y * 0.5 } _ => relu(t10) };
        let (t13, (h, c)) = f12(t10); let t14 = tanh(c) + h;
        (t14, t11)
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
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared18<const K: usize> {
        f3: Softmax2d,
        f5: BatchNorm2d(_),
        f8: Param([2, 2, 3, 3], init = uniform(-0.3, 0.3)),
        f11: MaxPool2d(2, stride = 1),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 2, 3, 3], [batch, 2, 9, 8]) {
        let t2 = masked_fill(x1, x1 < 0.0 | isnan(x1), 0.5);
        let t4 = f3(t2);
        let t6 = f5(t4);
        let t7 = instance_norm(tanh(t6));
        let t9 = conv2d(t7, f8);
        let t10 = avg_pool2d(t7, 2);
        let t12 = f11(t10);
        (t12, x1)
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
        f3: Conv1d(_, 4, kernel = 3, padding = 1),
        f7: Embedding(7, 6, scale_grad_by_freq = true),
        f9: Param([6, 4], init = uniform(-0.5, 0.5)),
        f10: Param([6]),
        f12: Linear(_, 5, bias = true),
        f15: Embedding(6, 6),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6], i6: [batch, 3]) -> [batch, 4, 6] {
        let t4 = f3(x1);
        let t5 = transpose(x2, 1, 2);
        let t8 = f7(flip(i6, [1]));
        let t11 = linear(t5, f9, bias = f10);
        let t13 = tanh(f12(t8));
        let t14 = if self.training { exp(tanh(t11)) } else { cos(t11) };
        let t16 = x1 + f15(argmax(x1, -1));
        t16
    }
}

#[rustfmt::skip]
#[test]
fn declaration_19() -> Result<()> {
    let _turn = turn();
    manual_seed(19);
    check(
        &Declared19::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6]), Tensor::randint(0, 7, [batch, 3])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?, &x[2].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared20<const K: usize> {
        f8: Option<Inner<8>> if K != 1,
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> [batch, 3, 8] {
        let t3 = expand(unsqueeze(x2, 1), [_, 3, _]) * 0.5;
        let t4 = sum(stack([t3, t3, t3], 1), 1);
        let t5 = permute(permute(t3, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let t6 = match K { 0 => relu6(t5), 1 => { let y = erf(t5); y * 0.5 } _ => hardswish(t5) };
        let t7 = selu(t6) * (celu(t6, alpha = 0.5));
        let t9 = x2; if let Some(inner) = self.f8 { t9 = inner(t9); }
        let t10 = matmul(softmax(matmul(t6, transpose(t6, 1, 2)) * 0.3, -1), t6);
        t10
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
        f6: Buffer([3], init = 0.5),
        f7: Buffer([3], init = Tensor::arange(0, 3, 1).unwrap().gt(1.0).unwrap()),
    }
    forward(x1: [batch, seq, 6], x2: [batch, seq, 6]) -> [batch, seq, 3] {
        let t3 = avg_pool1d(x2, 2);
        let t4 = triu(t3, -1);
        let t5 = glu(x1);
        let t8 = masked_fill(t5 * f6, f7, 0.25);
        let t9 = t5 / (1.0 + sum(square(t5), -1, keepdim = true));
        let t10 = dropout(x2 + 0.5, 0.3);
        let (t11, i) = topk(x2, 3); let t12 = take_along_dim(tanh(x2), i, -1);
        t12
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
        f2: Conv2d(_, 2, kernel = 3, padding = 2, dilation = 2),
        f6: Conv2d(_, 6, kernel = 3, padding = 1, padding_mode = "reflect"),
        f8: ConvTranspose2d(_, 2, kernel = 3, padding = 1),
        f10: GroupNorm(2, _),
        f12: Conv2d(_, 4, kernel = 3, padding = 1),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 4, 4, 4], [batch, 2, 9, 8]) {
        let t3 = gelu(f2(x1));
        let t4 = x1 * 0.5 + 1.0;
        let t5 = adaptive_max_pool2d(x1, 2);
        let t7 = tanh(f6(t3));
        let t9 = f8(t7);
        let t11 = f10(tanh(t9));
        let t13 = max_pool2d(relu(f12(t7)), 2);
        (t13, t3)
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
        f4: [Inner<6>; 2],
        f6: Conv1d(_, 4, kernel = 3, padding = 1),
        f8: Param([6], init = ones),
        f11: Embedding(5, 6),
        f14: LstmCell(_, 4),
        f17: [Linear(6, 6); 2],
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6], i10: [batch, 2]) -> [batch, 6] {
        let t3 = x2[.., -1];
        let t5 = t3; for (i, block) in self.f4.iter().enumerate() { t5 = block(t5); t5 = t5 * (1.0 + i as f64); }
        let t7 = f6(x2);
        let t9 = layer_norm(t7, [6], weight = f8);
        let t12 = f11(i10); let t13 = linear(x2, self.f11.weight);
        let (t15, c) = f14(t3); let (t16, _) = f14(t3, (t15, c));
        let t18 = t3; for layer in self.f17 { t18 = tanh(layer(t18)) + t18 * 0.5; } t18 = f17[1](t18);
        t18
    }
}

#[rustfmt::skip]
#[test]
fn declaration_23() -> Result<()> {
    let _turn = turn();
    manual_seed(23);
    check(
        &Declared23::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6]), Tensor::randint(0, 5, [batch, 2])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?, &x[2].typed::<shape![Batch, 2]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}
