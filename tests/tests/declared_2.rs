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
        f5: [Inner<4>; 2],
        f7: Inner<4>,
        f10: Linear(_, 6, bias = false),
        f12: Option<Linear>(6, 6) if K > 0,
    }
    forward(x1: [batch, 8], i3: [batch, 4]) -> ([batch, 6], [batch, 8]) {
        let t2 = cumsum(x1, 1) * 0.5;
        let t4 = gather(x1, 1, i3);
        let t6 = t4; for (i, block) in self.f5.iter().enumerate() { t6 = block(t6); t6 = t6 * (1.0 + i as f64); }
        let t8: [batch, 4] = f7(t6);
        let (t9, _) = sort(t6, descending = true);
        let t11 = sigmoid(f10(x1));
        let t13 = if let Some(f12) = self.f12 { f12(t11) + t11 } else { t11 * 2.0 };
        (t13, x1)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_24() -> Result<()> {
    let _turn = turn();
    manual_seed(24);
    check(
        &Declared24::<0>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randint(0, 8, [batch, 4])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 4]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared25<const K: usize> {
        f6: TransformerEncoderLayer(_, 2, dim_feedforward = 8, batch_first = true, norm_first = true, activation = "gelu"),
        f8: [Linear(6, 6); 2],
    }
    forward(x1: [batch, seq, 6]) -> ([batch, seq, 3], [batch, seq, 6]) {
        let t2 = x1; for i in 0..3 { let y = t2; t2 = erf(y); if i % 2 == 0 { t2 = t2 / (i as f64 + 2.0); } }
        let t3 = if self.training { hardsigmoid(x1) } else { atan(x1) };
        let t4 = triu(t3, -1);
        let t5 = match K { 0 => hardsigmoid(t3), 1 => { let y = hardswish(t3); y * 0.5 } _ => clamp(t3, -0.75, 0.75) };
        let t7 = f6(t5);
        let t9 = t5; for layer in self.f8 { t9 = tanh(layer(t9)) + t9 * 0.5; } t9 = f8[1](t9);
        let t10 = t4[.., .., (0..6).step_by(2)];
        (t10, t4)
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
        f2: BatchNorm2d(_),
        f4: Conv2d(_, 4, kernel = 3, padding = 1),
        f6: Param([4], init = ones),
        f8: Buffer([4], init = 0.5),
        f9: Buffer([4], init = Tensor::arange(0, 4, 1).unwrap().gt(1.0).unwrap()),
        f11: ConstantPad2d([0, 1, 1, 0], 0.5),
        f14: Embedding(7, 6),
        f16: Param([2, 4, 3, 3], init = uniform(-0.3, 0.3)),
    }
    forward(x1: [batch, 2, 9, 8], i13: [batch, 3]) -> [batch, 2, 3, 3] {
        let t3 = f2(x1);
        let t5 = max_pool2d(relu(f4(x1)), 2);
        let t7 = layer_norm(t5, [4], weight = f6);
        let t10 = masked_fill(t7 * f8, f9, 0.25);
        let t12 = f11(t7);
        let t15 = f14(i13);
        let t17 = conv2d(t12, f16);
        t17
    }
}

#[rustfmt::skip]
#[test]
fn declaration_26() -> Result<()> {
    let _turn = turn();
    manual_seed(26);
    check(
        &Declared26::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 2, 9, 8]), Tensor::randint(0, 7, [batch, 3])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?, &x[1].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared27<const K: usize> {
        f3: GroupNorm(2, _),
        f8: Param([12], init = ones),
        f9: Param([12], init = uniform(-0.5, 0.5)),
        f11: Param([3, 6], init = uniform(-0.5, 0.5)),
        f12: Param([3]),
    }
    forward(x1: [batch, 4, 6]) -> ([batch, 4, 3], [batch, 4, 6]) {
        let t2 = softmin(x1, -1);
        let t4 = f3(tanh(x1));
        let t5 = 1.0 - t4;
        let t6 = cat([t4, t5 * 0.5], -1);
        let t7 = scaled_dot_product_attention(t6, t6, t6, mask = matmul(t6, transpose(t6, 1, 2)) > -1.0);
        let t10 = t7 * f8 + self.f9;
        let t13 = linear(t4, f11, bias = f12);
        (t13, x1)
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
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared28<const K: usize> {
        f4: LstmCell(_, 4),
        f7: LogSigmoid,
        f10: Embedding(4, 4),
        f13: Option<Inner<4>> if K != 1,
    }
    forward(x1: [batch, 8]) -> ([batch, 4], [batch, 4]) {
        let (t2, t3) = chunk(x1, 2, -1);
        let (t5, c) = f4(t2); let (t6, _) = f4(t2, (t5, c));
        let t8 = f7(t6);
        let t9 = dropout(t6 + 0.5, 0.3);
        let t11 = t3 + f10(argmax(t3, -1));
        let t12 = if batch > 3 { clamp(t11, -0.75, 0.75) } else { celu(t11, alpha = 0.5) };
        let t14 = t6; if let Some(inner) = self.f13 { t14 = inner(t14); }
        (t14, t6)
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
        f3: LayerNorm(_, eps = 0.01),
        f7: MultiheadAttention(6, 2, batch_first = true, dropout = 0.1),
    }
    forward(x1: [batch, seq, 6]) -> ([batch, seq, 3], [batch, seq, 6]) {
        let t2 = x1 + einsum!("bsi,bsj->bi", x1, x1).unsqueeze(1) * 0.05;
        let t4 = f3(x1);
        let t5 = addcmul(t2, tanh(t2), t2, value = 0.5);
        let t6 = unflatten(t5, -1, [2, _]);
        let t8 = f7(t5);
        let (t9, t10) = split(t5, [4, 2], -1);
        let t11 = max_pool1d(t8, 2);
        (t11, x1)
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
        f3: Conv2d(_, 4, kernel = 3, padding = 2, dilation = 2),
        f5: AdaptiveAvgPool2d(3),
        f7: PReLU(4),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 4, 2, 2], [batch, 4, 4, 4]) {
        let t2 = max_pool3d(unsqueeze(x1, 1), [1, 2, 2])[.., 0];
        let t4 = (f3(t2));
        let t6 = f5(x1);
        let t8 = f7(t4);
        let t9 = instance_norm(tanh(t4));
        let t10 = avg_pool2d(t9, 3, stride = 1, padding = 1, count_include_pad = false);
        let t11 = lp_pool2d(sigmoid(t9), 2.0, 2);
        (t11, t4)
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
        f4: Lstm(_, 4, batch_first = true),
        f11: RMSNorm(_, eps = 0.001),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> [1, batch, 4] {
        let t3 = permute(permute(x2, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let (t5, (h, c)) = f4(x1); let t6 = tanh(c) + h;
        let t7 = glu(t6);
        let t8 = take_along_dim(t5, argmax(t5[.., .., ..1], 1, keepdim = true), 1);
        let t9 = sum(stack([t8, t8, t8], 1), 1);
        let t10 = matmul(softmax(matmul(t9, transpose(t9, 1, 2)) * 0.3, -1), t9);
        let t12 = f11(t6);
        t12
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared32<const K: usize> {
        f3: Pair<8>,
        f6: BatchNorm1d(_),
        f9: Param([4, 8], init = uniform(-0.5, 0.5)),
        f10: Param([4]),
        f13: [Inner<8>; 2],
    }
    forward(x1: [batch, 8], x2: [batch, 8], i15: [batch, 4]) -> ([batch, 4], [batch, 8]) {
        let (t4, t5): ([batch, 8], [batch, 8]) = f3(x1, x2);
        let t7 = f6(t5);
        let t8 = flip(x2, [-1]);
        let t11 = linear(t7, f9, bias = f10);
        let t12 = where_(!(t4 >= 0.25) & t7 < 1.0, t4 * 2.0, t7);
        let t14 = t12; for (i, block) in self.f13.iter().enumerate() { t14 = block(t14); t14 = t14 * (1.0 + i as f64); }
        let t16 = gather(t14, 1, i15);
        (t16, t5)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_32() -> Result<()> {
    let _turn = turn();
    manual_seed(32);
    check(
        &Declared32::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8]), Tensor::randint(0, 8, [batch, 4])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?, &x[2].typed::<shape![Batch, 4]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared33<const K: usize> {
        f5: Embedding(7, 6),
        f7: Buffer([6], init = 0.5),
        f8: Buffer([6], init = Tensor::arange(0, 6, 1).unwrap().gt(1.0).unwrap()),
        f10: Param([6], init = ones),
        f11: Param([6], init = uniform(-0.5, 0.5)),
        f15: Embedding(5, 6),
    }
    forward(x1: [batch, seq, 6], i4: [batch, 3], i14: [batch, 2]) -> [batch, seq, 5] {
        let t2 = permute(permute(x1, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let t3 = cumprod(tanh(t2) + 1.0, 1);
        let t6 = f5(i4);
        let t9 = masked_fill(t6 * f7, f8, 0.25);
        let t12 = t6 * f10 + self.f11;
        let t13 = einsum!("bsi,bsi->bsi", t12, tanh(t12));
        let t16 = f15(i14); let t17 = linear(t3, self.f15.weight);
        t17
    }
}

#[rustfmt::skip]
#[test]
fn declaration_33() -> Result<()> {
    let _turn = turn();
    manual_seed(33);
    check(
        &Declared33::<0>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6]), Tensor::randint(0, 7, [batch, 3]), Tensor::randint(0, 5, [batch, 2])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed::<shape![Batch, 3]>()?, &x[2].typed::<shape![Batch, 2]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared34<const K: usize> {
        f2: ConvTranspose2d(_, 2, kernel = 3, padding = 1, bias = false),
        f4: InstanceNorm2d(_, track_running_stats = true),
        f6: BatchNorm2d(_),
        f8: Softmax2d,
        f10: MaxPool2d(2, stride = 1),
        f12: Param([2, 2, 3, 3], init = uniform(-0.3, 0.3)),
        f14: Linear(_, 8),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 2, 9, 8], [batch, 2, 9, 8]) {
        let t3 = f2(x1);
        let t5 = f4(tanh(t3));
        let t7 = f6(t5);
        let t9 = f8(t7);
        let t11 = f10(t7);
        let t13 = conv2d(t11, f12);
        let t15 = t7 + f14(t9);
        (t15, t7)
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
        f4: Embedding(3, 3),
        f12: Param([3], init = ones),
    }
    forward(x1: [batch, 4, 6]) -> ([batch, 4, 2, 3], [batch, 4, 6]) {
        let (t2, t3) = chunk(x1, 2, -1);
        let t5 = t2 + f4(argmax(t2, -1));
        let (t6, t7) = split(x1, [4, 2], -1);
        let (t8, i) = topk(t6, 3); let t9 = take_along_dim(tanh(t6), i, -1);
        let t10 = unflatten(x1, -1, [2, _]);
        let t11 = triu(t10, -1);
        let t13 = layer_norm(t10, [3], weight = f12);
        (t13, x1)
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
