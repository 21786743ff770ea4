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
        f5: RMSNorm(_, eps = 0.001),
        f7: Pair<16>,
        f10: Mish,
        f12: Param([16, 16], init = uniform(-0.4, 0.4)),
    }
    forward(x1: [batch, 8]) -> [batch, 16] {
        let t2 = cat([x1, x1 * 0.5], -1);
        let t3 = logcumsumexp(t2, -1);
        let t4 = t3; for i in 0..3 { let y = t4; t4 = elu(y); if i % 2 == 0 { t4 = t4 / (i as f64 + 2.0); } }
        let t6 = f5(t2);
        let (t8, t9): ([batch, 16], [batch, 16]) = f7(t6, t6);
        let t11 = f10(t9);
        let t13 = einsum!("bi,ij->bj", t9, f12);
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
        f4: Option<Linear>(12, 12) if K > 0,
        f8: Gru(_, 2, num_layers = 2, dropout = 0.2, bidirectional = true, batch_first = true),
        f10: MultiheadAttention(4, 2, batch_first = true, dropout = 0.1),
    }
    forward(x1: [batch, seq, 6]) -> [batch, seq, 6] {
        let t2 = scaled_dot_product_attention(x1, x1, x1);
        let t3 = repeat_interleave(t2, 2, -1);
        let t5 = if let Some(f4) = self.f4 { f4(t3) + t3 } else { t3 * 2.0 };
        let (t6, t7) = chunk(t3, 2, -1);
        let (t9, _) = f8(t7);
        let t11 = f10(t9);
        let t12 = t2 * where_(t7 != 0.0, 1.5, 0.5);
        t12
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared26<const K: usize> {
        f2: Softmax2d,
        f4: Param([2, 2, 3, 3], init = uniform(-0.3, 0.3)),
        f7: BatchNorm2d(_),
        f11: LayerNorm(_, bias = false),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 2, 7, 6], [batch, 2, 9, 8]) {
        let t3 = f2(x1);
        let t5 = conv2d(t3, f4);
        let t6 = flatten(x1, 1);
        let t8 = f7(t3);
        let t9 = avg_pool2d(t5, 3, stride = 1, padding = 1, count_include_pad = false);
        let t10 = max_pool2d(t9, 3, stride = 1, padding = 1);
        let t12 = f11(t9);
        (t12, t3)
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
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared27<const K: usize> {
        f2: TransformerEncoderLayer(_, 2, dim_feedforward = 8, batch_first = true),
        f7: Linear(_, 2),
        f10: BatchNorm1d(_, track_running_stats = false),
    }
    forward(x1: [batch, 4, 6]) -> [batch, 2] {
        let t3 = f2(x1);
        let t4 = if batch > 3 { cos(t3) } else { relu6(t3) };
        let (t5, t6) = split(t4, [4, 2], -1);
        let t8 = t6 + f7(t6);
        let t9 = where_(t6 > t6, t6, t6 * 0.5);
        let t11 = f10(t9);
        let t12 = max(t9, 1);
        t12
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
        f2: Inner<8>,
        f8: Param([4], init = ones),
        f9: Param([4], init = uniform(-0.5, 0.5)),
    }
    forward(x1: [batch, 8], i11: [3]) -> [batch, 3] {
        let t3: [batch, 8] = f2(x1);
        let t4 = expand(unsqueeze(t3, 1), [_, 3, _]) * 0.5;
        let t5 = log_softmax(t4, -1);
        let t6 = t3 + detach(tanh(t3));
        let t7 = reshape(t5, [batch, 3, 2, 4]);
        let t10 = t7 * f8 + self.f9;
        let t12 = index_select(t6, -1, i11);
        t12
    }
}

#[rustfmt::skip]
#[test]
fn declaration_28() -> Result<()> {
    let _turn = turn();
    manual_seed(28);
    check(
        &Declared28::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randint(0, 8, [3])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![3]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared29<const K: usize> {
        f5: TransformerEncoderLayer(_, 2, dim_feedforward = 8, batch_first = true, norm_first = true, activation = "gelu"),
        f8: Tanh,
        f11: Embedding(7, 6),
    }
    forward(x1: [batch, seq, 6], i10: [batch, 3]) -> [batch, 3, 6] {
        let t2 = log2(square(x1) + 1.0);
        let t3 = scaled_dot_product_attention(t2, t2, t2, causal = true);
        let t4 = t2 + var(t2, -1, keepdim = true);
        let t6 = f5(t4);
        let t7 = pad(t6, [1, 1], value = 0.5);
        let t9 = f8(t7);
        let t12 = f11(flip(i10, [1]));
        t12
    }
}

#[rustfmt::skip]
#[test]
fn declaration_29() -> Result<()> {
    let _turn = turn();
    manual_seed(29);
    check(
        &Declared29::<2>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6]), Tensor::randint(0, 7, [batch, 3])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared30<const K: usize> {
        f3: ConvTranspose2d(_, 2, kernel = 3, padding = 1),
        f5: Param([2, 2, 3, 3], init = uniform(-0.3, 0.3)),
        f8: LayerNorm(_, elementwise_affine = false),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 2, 7, 2], [batch, 2, 9, 8]) {
        let t2 = instance_norm(tanh(x1));
        let t4 = f3(t2);
        let t6 = conv2d(t4, f5);
        let t7 = t2 + detach(tanh(t4));
        let t9 = f8(t6);
        let (t10, t11) = split(t9, [4, 2], -1);
        let t12 = if K == 2 { log_sigmoid(t11) } else { relu6(t11) };
        (t12, t4)
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
        f5: Linear(_, 6),
        f8: Embedding(5, 6),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6], i7: [batch, 2]) -> ([batch, 4, 2], [batch, 2, 6]) {
        let t3 = x1 * tanh(x1);
        let t4 = if self.training { relu6(x1) } else { asinh(x1) };
        let t6 = t4 + f5(x1);
        let t9 = f8(i7); let t10 = linear(t6, self.f8.weight);
        let t11 = 2.0 / (square(t9) + 1.0);
        let t12 = matmul(softmax(matmul(t10, transpose(t10, 1, 2)) * 0.3, -1), t10);
        let t13 = avg_pool1d(t12, 2);
        (t13, t11)
    }
}

#[rustfmt::skip]
#[test]
fn declaration_31() -> Result<()> {
    let _turn = turn();
    manual_seed(31);
    check(
        &Declared31::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 4, 6]), Tensor::randn([batch, 4, 6]), Tensor::randint(0, 5, [batch, 2])],
        |model, x| {
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?, &x[2].typed::<shape![Batch, 2]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared32<const K: usize> {
        f6: Param([4], init = ones),
        f10: Inner<2>,
        f12: [Inner<2>; 2],
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> [batch, 2] {
        let t3 = cumsum(x1, 1) * 0.5;
        let (t4, t5) = chunk(x2, 2, -1);
        let t7 = layer_norm(t5, [4], weight = f6);
        let t8 = glu(t7);
        let t9 = expand(unsqueeze(t7, 1), [_, 3, _]) * 0.5;
        let t11: [batch, 2] = f10(t8);
        let t13 = t11; for (i, block) in self.f12.iter().enumerate() { t13 = block(t13); t13 = t13 * (1.0 + i as f64); }
        t13
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
        f6: Option<Linear>(6, 6) if K > 0,
        f8: Buffer([6], init = 0.5),
        f9: Buffer([6], init = Tensor::arange(0, 6, 1).unwrap().gt(1.0).unwrap()),
    }
    forward(x1: [batch, seq, 6]) -> [batch, 6, seq] {
        let t2 = x1; for i in 0..3 { let y = t2; t2 = erf(y); if i % 2 == 0 { t2 = t2 / (i as f64 + 2.0); } }
        let t3 = stack([t2, t2], 1)[.., 1];
        let t4 = triu(t3, -1);
        let t5 = t4[.., -1];
        let t7 = if let Some(f6) = self.f6 { f6(t5) + t5 } else { t5 * 2.0 };
        let t10 = masked_fill(t5 * f8, f9, 0.25);
        let t11 = transpose(t4, 1, 2);
        t11
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared34<const K: usize> {
        f3: Conv2d(_, 4, kernel = 3, padding = 1),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 4, 4, 8], [batch, 2, 9, 8]) {
        let t2 = instance_norm(tanh(x1));
        let t4 = max_pool2d(relu(f3(t2)), 2);
        let t5 = dropout(t4 + 0.5, 0.3);
        let t6 = softmin(t4, -1);
        let t7 = flatten(t2, 1);
        let t8 = match K { 0 => relu6(t7), 1 => { let y = mish(t7); y * 0.5 } _ => gelu(t7, approximate = "tanh") };
        let t9 = cat([t6, t6 * 0.5], -1);
        (t9, t2)
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
        f2: BatchNorm1d(_, affine = false),
        f7: RMSNorm(_, eps = 0.001),
        f10: Lstm(_, 4, batch_first = true),
        f11: Lstm(_, 4, batch_first = true),
        f14: Param([6, 4], init = uniform(-0.5, 0.5)),
        f15: Param([6]),
    }
    forward(x1: [batch, 4, 6]) -> ([batch, 4, 6], [batch, 4, 6]) {
        let t3 = f2(x1);
        let (t4, i) = topk(t3, 3); let t5 = take_along_dim(tanh(t3), i, -1);
        let t6 = permute(permute(t4, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let t8 = f7(t6);
        let t9 = masked_fill(t8, t6 < 0.0 | isnan(t6), 0.5);
        let (t13, state) = f10(t8); let (t12, (h, _)) = f11(t13 * 0.5, state);
        let t16 = linear(t12, f14, bias = f15);
        (t16, t16)
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
