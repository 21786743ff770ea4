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
        f2: Linear(_, 8),
        f4: Param([8, 8], init = uniform(-0.4, 0.4)),
        f7: Inner<8>,
        f10: Embedding(8, 8),
        f12: TransformerEncoder(_, 2, 2, 8, batch_first = true, norm = true),
    }
    forward(x1: [batch, 8]) -> [batch, 2, 4] {
        let t3 = x1 + f2(x1);
        let t5 = einsum!("bi,ij->bj", x1, f4);
        let t6 = t5 - prod(sigmoid(t5), 1, keepdim = true);
        let t8: [batch, 8] = f7(x1);
        let t9 = unflatten(t8, -1, [2, _]);
        let t11 = t8 + f10(argmax(t8, -1));
        let t13 = f12(t9, key_padding_mask = mean(t9, -1) > 0.8);
        t13
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared25<const K: usize> {
        f3: Embedding(5, 6),
        f9: [Linear(4, 4); 2],
        f13: RMSNorm(_, eps = 0.001),
    }
    forward(x1: [batch, seq, 6], i2: [batch, 2]) -> [batch, seq, 6] {
        let t4 = f3(i2); let t5 = linear(x1, self.f3.weight);
        let t6 = logcumsumexp(x1, -1);
        let (t7, t8) = split(x1, [4, 2], -1);
        let t10 = t7; for layer in self.f9 { t10 = tanh(layer(t10)) + t10 * 0.5; } t10 = f9[1](t10);
        let t11 = if self.training { sign(t8) * 0.5 } else { sign(t8) * 0.5 };
        let t12 = glu(t10);
        let t14 = f13(t6);
        t14
    }
}

#[rustfmt::skip]
#[test]
fn declaration_25() -> Result<()> {
    let _turn = turn();
    manual_seed(25);
    check(
        &Declared25::<1>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6]), Tensor::randint(0, 5, [batch, 2])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed::<shape![Batch, 2]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared26<const K: usize> {
        f2: PReLU(2),
        f4: InstanceNorm2d(_, track_running_stats = true),
        f6: Param([2, 2, 3, 3], init = uniform(-0.3, 0.3)),
        f8: ConvTranspose2d(_, 2, kernel = 3, padding = 1, bias = false),
        f10: Conv2d(_, 6, kernel = 3, padding = 1),
        f13: Buffer([8], init = 0.5),
        f14: Buffer([8], init = Tensor::arange(0, 8, 1).unwrap().gt(1.0).unwrap()),
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 2, 9, 8] {
        let t3 = f2(x1);
        let t5 = f4(tanh(t3));
        let t7 = conv2d(t3, f6);
        let t9 = f8(t7);
        let t11 = (f10(t9));
        let t12 = cat([t11, t11 * 0.5], -1);
        let t15 = masked_fill(t5 * f13, f14, 0.25);
        t15
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
        f8: LayerNorm(_, eps = 0.01),
    }
    forward(x1: [batch, 4, 6]) -> [batch, 4, 3] {
        let t2 = scaled_dot_product_attention(x1, x1, x1, causal = true);
        let t3 = take_along_dim(t2, argmax(t2[.., .., ..1], 1, keepdim = true), 1);
        let t4 = match K { 0 => asinh(t3), 1 => { let y = atan(t3); y * 0.5 } _ => hardtanh(t3) };
        let t5 = avg_pool1d(t2, 2);
        let t6 = permute(permute(t5, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let t7 = t5 * 0.5 + 1.0;
        let t9 = f8(t6);
        t9
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
        f4: BatchNorm1d(_),
        f6: AlphaDropout(0.2),
        f8: Pair<4>,
        f12: LstmCell(_, 4),
        f15: Linear(_, 4, bias = false),
    }
    forward(x1: [batch, 8]) -> [batch, 4] {
        let (t2, t3) = chunk(x1, 2, -1);
        let t5 = f4(t3);
        let t7 = f6(t5);
        let (t9, t10): ([batch, 4], [batch, 4]) = f8(t5, t5);
        let t11 = flip(t10, [-1]);
        let (t13, c) = f12(t2); let (t14, _) = f12(t2, (t13, c));
        let t16 = sigmoid(f15(t14));
        t16
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared29<const K: usize> {
        f2: Param([6], init = ones),
        f7: Option<Inner<6>> if K != 1,
        f10: MultiheadAttention(6, 2, batch_first = true, dropout = 0.1),
    }
    forward(x1: [batch, seq, 6]) -> [batch, seq, 6] {
        let t3 = layer_norm(x1, [6], weight = f2);
        let t4 = matmul(softmax(matmul(x1, transpose(x1, 1, 2)) * 0.3, -1), x1);
        let t5 = logsumexp(t4, 1);
        let t6 = transpose(t3, 1, 2);
        let t8 = t5; if let Some(inner) = self.f7 { t8 = inner(t8); }
        let t9 = t3[.., .., (0..6).step_by(2)];
        let t11 = f10(t4, key_padding_mask = detach(mean(t4, -1)) * 0.5);
        t11
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared30<const K: usize> {
        f3: InstanceNorm2d(_),
        f6: PReLU(2),
        f8: Conv2d(_, 4, kernel = 3, padding = 1),
        f11: Softmax2d,
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 4, 4, 4] {
        let t2 = adaptive_max_pool2d(x1, 2);
        let t4 = f3(tanh(x1));
        let t5 = where_(!(t2 >= 0.25) & t2 < 1.0, t2 * 2.0, t2);
        let t7 = f6(x1);
        let t9 = max_pool2d(relu(f8(t7)), 2);
        let t10 = if K == 2 { log_sigmoid(t9) } else { relu6(t9) };
        let t12 = f11(t9);
        t12
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared31<const K: usize> {
        f3: GroupNorm(2, _),
        f6: Lstm(_, 4, batch_first = true),
        f7: Lstm(_, 4, batch_first = true),
        f11: Option<Linear>(4, 4) if K > 0,
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> ([batch, 4, 4], [batch, 4, 4]) {
        let t4 = f3(tanh(x2));
        let t5 = softmax(x2, -1);
        let (t9, state) = f6(t5); let (t8, (h, _)) = f7(t9 * 0.5, state);
        let t10 = dropout(t9 + 0.5, 0.3);
        let t12 = if let Some(f11) = self.f11 { f11(t10) + t10 } else { t10 * 2.0 };
        let t13 = t10; for i in 0..3 { let y = t13; t13 = asinh(y); if i % 2 == 0 { t13 = t13 / (i as f64 + 2.0); } }
        let t14 = stack([t13, t12], 1)[.., 1];
        (t14, t14)
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
        f11: Linear(_, 3),
    }
    forward(x1: [batch, 8], x2: [batch, 8], i3: [3]) -> ([batch, 3], [batch, 8]) {
        let t4 = index_select(x1, -1, i3);
        let t5 = where_(all(x2 > -1.0, 1, keepdim = true), x2, x2 * 0.5);
        let t6 = t4 * amax(t4, 1, keepdim = true);
        let t7 = hypot(t5, t5 + 0.1);
        let t8 = addcmul(t6, tanh(t6), t6, value = 0.5);
        let (t9, i) = topk(t7, 3); let t10 = take_along_dim(tanh(t7), i, -1);
        let t12 = t9 + f11(t10);
        (t12, x1)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_32() -> Result<()> {
    let _turn = turn();
    manual_seed(32);
    check(
        &Declared32::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8]), Tensor::randint(0, 8, [3])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?, &x[2].typed::<shape![3]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared33<const K: usize> {
        f2: AlphaDropout(0.2),
        f6: Buffer([6], init = 0.5),
        f7: Buffer([6], init = Tensor::arange(0, 6, 1).unwrap().gt(1.0).unwrap()),
        f9: Option<Linear>(6, 6) if K > 0,
        f12: Embedding(7, 6, padding_idx = 1),
    }
    forward(x1: [batch, seq, 6], i11: [batch, 3]) -> [batch, 3, 6] {
        let t3 = f2(x1);
        let t4 = triu(x1, -1);
        let t5 = if self.training { log_sigmoid(t4) } else { clamp(t4, -0.75, 0.75) };
        let t8 = masked_fill(t5 * f6, f7, 0.25);
        let t10 = if let Some(f9) = self.f9 { f9(t5) + t5 } else { t5 * 2.0 };
        let t13 = f12(flip(i11, [1]));
        let t14 = matmul(softmax(matmul(t13, transpose(t13, 1, 2)) * 0.3, -1), t13);
        t14
    }
}

#[rustfmt::skip]
#[test]
fn declaration_33() -> Result<()> {
    let _turn = turn();
    manual_seed(33);
    check(
        &Declared33::<0>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6]), Tensor::randint(0, 7, [batch, 3])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared34<const K: usize> {
        f2: ReplicationPad2d([0, 1, 0, 1]),
        f4: AdaptiveAvgPool3d([None, 2, 3]),
        f7: BatchNorm2d(_),
        f10: AvgPool2d(2),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 2, 5, 4], [batch, 2, 5, 4]) {
        let t3 = f2(x1);
        let t5 = f4(unsqueeze(x1, 1))[.., 0];
        let t6 = lp_pool2d(sigmoid(t3), 2.0, 2);
        let t8 = f7(t3);
        let t9 = max_pool2d(t8, 2);
        let t11 = f10(t9);
        let t12 = instance_norm(tanh(t9));
        (t12, t12)
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
        f4: Param([6], init = ones),
    }
    forward(x1: [batch, 4, 6]) -> [batch, 4, 3] {
        let t2 = transpose(x1, 1, 2);
        let t3 = -x1;
        let t5 = layer_norm(t3, [6], weight = f4);
        let t6 = glu(t3);
        let t7 = scaled_dot_product_attention(t6, t6, t6, mask = matmul(t6, transpose(t6, 1, 2)) > -1.0);
        let t8 = t7 + detach(tanh(t6));
        let t9 = sum(stack([t7, t7, t7], 1), 1);
        t9
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}
