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
        f8: Param([8], init = ones),
        f10: Param([3, 8], init = uniform(-0.5, 0.5)),
        f11: Param([3]),
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> [batch, 8] {
        let t3 = cat([x1, x1 * 0.5], -1);
        let (t4, t5) = chunk(t3, 2, -1);
        let t6 = where_(!(x1 >= 0.25) & t4 < 1.0, x1 * 2.0, t4);
        let t7 = if self.training { gelu(t6, approximate = "tanh") } else { gelu(t6) };
        let t9 = layer_norm(t6, [8], weight = f8);
        let t12 = linear(t7, f10, bias = f11);
        let (t13, _) = sort(t4, descending = true);
        t13
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
        f5: [Linear(6, 6); 2],
        f7: Buffer([6], init = 0.5),
        f8: Buffer([6], init = Tensor::arange(0, 6, 1).unwrap().gt(1.0).unwrap()),
        f10: MultiheadAttention(6, 2, batch_first = true, dropout = 0.1),
        f12: RMSNorm(_, eps = 0.001),
    }
    forward(x1: [batch, seq, 6]) -> ([batch, seq, 6], [batch, seq, 6]) {
        let t2 = x1 + detach(tanh(x1));
        let t3 = glu(t2);
        let t4 = t3; for i in 0..3 { let y = t4; t4 = sqrt(square(y) + 1.0); if i % 2 == 0 { t4 = t4 / (i as f64 + 2.0); } }
        let t6 = t2; for layer in self.f5 { t6 = tanh(layer(t6)) + t6 * 0.5; } t6 = f5[1](t6);
        let t9 = masked_fill(t6 * f7, f8, 0.25);
        let t11 = f10(t9);
        let t13 = f12(t9);
        (t13, t11)
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
        f4: Linear(_, 8),
        f8: Conv2d(_, 4, kernel = 3, padding = 1),
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 4, 4, 4] {
        let t2 = x1 - min(x1, -1, keepdim = true);
        let t3 = t2 * 0.5 + 1.0;
        let t5 = t2 + f4(t2);
        let t6 = match K { 0 => gelu(t3), 1 => { let y = log2(square(t3) + 1.0); y * 0.5 } _ => erf(t3) };
        let t7 = dropout(t6 + 0.5, 0.3);
        let t9 = max_pool2d(relu(f8(t6)), 2);
        let t10 = instance_norm(tanh(t9));
        t10
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
        f9: GroupNorm(2, _),
    }
    forward(x1: [batch, 4, 6]) -> [batch, 4, 4] {
        let t2 = mean(stack([x1, x1], 0), 0);
        let t3 = x1 + einsum!("bsi,bsj->bi", x1, x1).unsqueeze(1) * 0.05;
        let t4 = scaled_dot_product_attention(t2, t2, t2, causal = true);
        let t5 = softmin(t4, -1);
        let (t6, t7) = split(t5, [4, 2], -1);
        let t8 = std(t7, 1);
        let t10 = f9(tanh(t6));
        t10
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared4<const K: usize> {
        f4: Option<Linear>(8, 8) if K > 0,
        f7: LayerNorm(_, eps = 0.01),
        f9: GruCell(_, 4),
        f10: RnnCell(_, 4),
        f12: Param([8], init = ones),
        f13: Param([8], init = uniform(-0.5, 0.5)),
        f15: [Inner<4>; 2],
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> [batch, 4] {
        let t3 = addcmul(x2, x1, x2, value = 0.5);
        let t5 = if let Some(f4) = self.f4 { f4(t3) + t3 } else { t3 * 2.0 };
        let t6 = if batch > 3 { sigmoid(t5) } else { rsqrt(square(t5) + 0.5) };
        let t8 = f7(t6);
        let h = f9(t6); let t11 = f10(t6, h) + h;
        let t14 = t8 * f12 + self.f13;
        let t16 = t11; for (i, block) in self.f15.iter().enumerate() { t16 = block(t16); t16 = t16 * (1.0 + i as f64); }
        t16
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared5<const K: usize> {
        f4: TransformerEncoderLayer(_, 2, dim_feedforward = 8, batch_first = true, norm_first = true, activation = "gelu"),
        f7: BatchNorm1d(_, momentum = 0.3),
        f10: Embedding(5, 6),
    }
    forward(x1: [batch, seq, 6], i9: [batch, 2]) -> [batch, seq, 6] {
        let t2 = permute(permute(x1, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let t3 = max_pool1d(t2, 2);
        let t5 = f4(x1);
        let t6 = transpose(t2, 1, 2);
        let t8 = f7(t6);
        let t11 = f10(i9); let t12 = linear(x1, self.f10.weight);
        let t13 = logcumsumexp(t5, -1);
        t13
    }
}

#[rustfmt::skip]
#[test]
fn declaration_5() -> Result<()> {
    let _turn = turn();
    manual_seed(5);
    check(
        &Declared5::<2>::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6]), Tensor::randint(0, 5, [batch, 2])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed::<shape![Batch, 2]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared6<const K: usize> {
        f2: Conv2d(_, 4, kernel = 3, padding = 2, dilation = 2),
        f4: BatchNorm2d(_),
        f6: Param([2, 4, 3, 3], init = uniform(-0.3, 0.3)),
        f9: Embedding(7, 6),
        f11: SELU,
    }
    forward(x1: [batch, 2, 9, 8], i8: [batch, 3]) -> [batch, 2, 7, 6] {
        let t3 = gelu(f2(x1));
        let t5 = f4(x1);
        let t7 = conv2d(t3, f6);
        let t10 = f9(flip(i8, [1]));
        let t12 = f11(t10);
        let t13 = t10[.., .., 1..-1];
        let t14 = max_pool2d(t7, 3, stride = 1, padding = 1);
        t14
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?, &x[1].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared7<const K: usize> {
        f6: Gru(_, 2, num_layers = 2, dropout = 0.2, bidirectional = true, batch_first = true),
        f8: Embedding(4, 4),
    }
    forward(x1: [batch, 4, 6]) -> [batch, 4, 4] {
        let t2 = unflatten(x1, -1, [2, _]);
        let t3 = mish(t2) * (round(t2 * 2.0) * 0.25);
        let t4 = matmul(softmax(matmul(x1, transpose(x1, 1, 2)) * 0.3, -1), x1);
        let t5 = t4 + tril(t4, 1);
        let (t7, _) = f6(t5);
        let t9 = t7 + f8(argmax(t7, -1));
        let t10 = roll(t9, [1], [-1]);
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
        f2: Inner<8>,
        f5: Option<Inner<8>> if K != 1,
        f7: Pair<8>,
        f10: Linear(_, 12, bias = false),
        f14: Conv1d(_, 4, kernel = 3, padding = 1),
    }
    forward(x1: [batch, 8], i12: [batch, 4]) -> [batch, 4, 8] {
        let t3: [batch, 8] = f2(x1);
        let t4 = expand(unsqueeze(t3, 1), [_, 3, _]) * 0.5;
        let t6 = x1; if let Some(inner) = self.f5 { t6 = inner(t6); }
        let (t8, t9): ([batch, 8], [batch, 8]) = f7(t3, t6);
        let t11 = tanh(f10(t8));
        let t13 = gather(t11, 1, i12);
        let t15 = f14(t4);
        t15
    }
}

#[rustfmt::skip]
#[test]
fn declaration_8() -> Result<()> {
    let _turn = turn();
    manual_seed(8);
    check(
        &Declared8::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randint(0, 12, [batch, 4])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 4]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared9<const K: usize> {
        f5: Embedding(5, 6),
        f11: TransformerEncoderLayer(_, 2, dim_feedforward = 8, batch_first = true, norm_first = true, activation = "gelu"),
    }
    forward(x1: [batch, seq, 6], i4: [batch, 2]) -> [batch, 2, 6] {
        let t2 = if self.training { log2(square(x1) + 1.0) } else { sinc(tanh(x1)) };
        let t3 = t2 * 0.5 + 1.0;
        let t6 = f5(i4); let t7 = linear(t3, self.f5.weight);
        let t8 = flatten(t6, 1);
        let t9 = matmul(softmax(matmul(t7, transpose(t7, 1, 2)) * 0.3, -1), t7);
        let t10 = amin(t9, 1);
        let t12 = f11(t6);
        t12
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
        f2: ConvTranspose2d(_, 2, kernel = 3, padding = 1),
        f5: Softmax2d,
        f7: AvgPool2d(2),
        f9: Buffer([4], init = 0.5),
        f10: Buffer([4], init = Tensor::arange(0, 4, 1).unwrap().gt(1.0).unwrap()),
        f12: Param([4], init = ones),
        f13: Param([4], init = uniform(-0.5, 0.5)),
        f15: GroupNorm(2, _),
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 2, 4, 4] {
        let t3 = f2(x1);
        let t4 = adaptive_max_pool2d(x1, 2);
        let t6 = f5(x1);
        let t8 = f7(t6);
        let t11 = masked_fill(t8 * f9, f10, 0.25);
        let t14 = t8 * f12 + self.f13;
        let t16 = f15(tanh(t11));
        t16
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
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> ([batch, 4, 6], [batch, 4, 6]) {
        let t3 = flip(x1, [-1]);
        let t4 = permute(permute(t3, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let t5 = scaled_dot_product_attention(t4, t4, t4, mask = matmul(t4, transpose(t4, 1, 2)) > -1.0);
        let t6 = avg_pool1d(t4, 2);
        let t7 = t5 / (1.0 + sum(square(t5), -1, keepdim = true));
        let t8 = hypot(t5, t5 + 0.1);
        let t9 = stack([t8, t8], 1)[.., 1];
        (t9, x2)
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
