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
        f7: Pair<8>,
        f10: [Linear(8, 8); 2],
        f12: Param([4, 8], init = uniform(-0.5, 0.5)),
        f13: Param([4]),
        f15: LayerNorm(_, elementwise_affine = false),
    }
    forward(x1: [batch, 8], x2: [batch, 8]) -> [batch, 8] {
        let t4 = x2; for (i, block) in self.f3.iter().enumerate() { t4 = block(t4); t4 = t4 * (1.0 + i as f64); }
        let t5 = repeat_interleave(t4, 2, -1);
        let t6 = logcumsumexp(t4, -1);
        let (t8, t9): ([batch, 8], [batch, 8]) = f7(t6, t4);
        let t11 = x1; for layer in self.f10 { t11 = tanh(layer(t11)) + t11 * 0.5; } t11 = f10[1](t11);
        let t14 = linear(t11, f12, bias = f13);
        let t16 = f15(t11);
        t16
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
        f3: Param([6], init = ones),
    }
    forward(x1: [batch, seq, 6]) -> [batch, seq, 3] {
        let t2 = take_along_dim(x1, argmax(x1[.., .., ..1], 1, keepdim = true), 1);
        let t4 = layer_norm(x1, [6], weight = f3);
        let t5 = triu(t4, -1);
        let t6 = glu(t5);
        let t7 = stack([t6, t6], 1)[.., 1];
        let t8 = softmin(t6, 1);
        let t9 = t8 + detach(tanh(t8));
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
        f2: Conv2d(_, 4, kernel = 3, padding = 1),
        f5: Param([2, 2, 3, 3], init = uniform(-0.3, 0.3)),
        f7: Option<Linear>(6, 6) if K > 0,
        f9: Flatten,
        f12: Linear(_, 6, bias = false),
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 6] {
        let t3 = max_pool2d(relu(f2(x1)), 2);
        let t4 = max_pool3d(unsqueeze(t3, 1), [1, 2, 2])[.., 0];
        let t6 = conv2d(x1, f5);
        let t8 = if let Some(f7) = self.f7 { f7(t6) + t6 } else { t6 * 2.0 };
        let t10 = f9(t6);
        let t11 = softmin(t10, -1);
        let t13 = sigmoid(f12(t10));
        t13
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
        f8: RMSNorm(_, eps = 0.001),
        f10: Conv1d(_, 4, kernel = 3, padding = 1),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> [batch, 4, 6] {
        let t3 = transpose(x2, 1, 2);
        let t4 = scaled_dot_product_attention(x2, x1, x1, causal = true);
        let t5 = t4 - x2 * 0.5;
        let t6 = if self.training { sign(t5) * 0.5 } else { relu6(t5) };
        let t7 = cat([t5, t6 * 0.5], -1);
        let t9 = f8(t6);
        let t11 = f10(t6);
        t11
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
        f8: Linear(_, 4),
        f10: GruCell(_, 4),
        f11: RnnCell(_, 4),
        f13: Param([4], init = ones),
        f14: Param([4], init = uniform(-0.5, 0.5)),
    }
    forward(x1: [batch, 8]) -> [batch, 4] {
        let (t2, i) = topk(x1, 3); let t3 = take_along_dim(tanh(x1), i, -1);
        let (t4, t5) = chunk(x1, 2, -1);
        let t6 = if K > 0 { clamp(t2, -0.75, 0.75) } else { silu(t2) };
        let t7 = t2 + mean(t2);
        let t9 = t4 + f8(t5);
        let h = f10(t9); let t12 = f11(t9, h) + h;
        let t15 = t9 * f13 + self.f14;
        t15
    }
}

#[rustfmt::skip]
#[test]
fn declaration_16() -> Result<()> {
    let _turn = turn();
    manual_seed(16);
    check(
        &Declared16::<1>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared17<const K: usize> {
        f9: Inner<6>,
    }
    forward(x1: [batch, seq, 6], x2: [batch, seq, 6]) -> [batch, 6] {
        let t3 = hardtanh(x1);
        let t4 = masked_fill(t3, x2 < 0.0 | isnan(x2), 0.5);
        let t5 = permute(permute(t3, [2, 0, 1]) * 0.5, [1, 2, 0]);
        let t6 = t5[.., .., 1..-1];
        let t7 = norm(t3, 2.0, 1);
        let t8 = reshape(t6, [batch, seq, 2, 2]);
        let t10: [batch, 6] = f9(t7);
        t10
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
        f4: InstanceNorm2d(_),
        f6: ReflectionPad2d([1, 0, 0, 1]),
        f8: Softmax2d,
        f11: Param([2, 2, 3, 3], init = uniform(-0.3, 0.3)),
    }
    forward(x1: [batch, 2, 9, 8]) -> [batch, 2, 2, 2] {
        let t2 = adaptive_max_pool2d(x1, 2);
        let t3 = instance_norm(tanh(x1));
        let t5 = f4(tanh(x1));
        let t7 = f6(t5);
        let t9 = f8(t5);
        let t10 = avg_pool2d(t9, 2);
        let t12 = conv2d(t10, f11);
        t12
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
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 2, 9, 8]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared19<const K: usize> {
        f4: Embedding(7, 6, scale_grad_by_freq = true),
        f7: GroupNorm(2, _),
        f10: BatchNorm1d(_, affine = false),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6], i3: [batch, 3]) -> ([batch, 4, 6], [batch, 4, 6]) {
        let t5 = f4(flip(i3, [1]));
        let t6 = einsum!("bsi,bsi->bsi", t5, tanh(t5));
        let t8 = f7(tanh(x1));
        let t9 = 2.0 / (square(x2) + 1.0);
        let t11 = f10(x2);
        let t12 = matmul(softmax(matmul(t9, transpose(t9, 1, 2)) * 0.3, -1), t9);
        let t13 = t12; for i in 0..3 { let y = t13; t13 = celu(y, alpha = 0.5); if i % 2 == 0 { t13 = t13 / (i as f64 + 2.0); } }
        (t13, t13)
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
            let (y0, y1) = model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?, &x[1].typed::<shape![Batch, 4, 6]>()?, &x[2].typed::<shape![Batch, 3]>()?)?;
            Ok(vec![y0.into_tensor(), y1.into_tensor()])
        },
    )
}

model! {
    Declared20<const K: usize> {
        f7: Option<Inner<8>> if K != 1,
        f9: Conv1d(_, 4, kernel = 3, padding = 1),
        f11: Linear(_, 8),
    }
    forward(x1: [batch, 8], x2: [batch, 8], i3: [batch, 4]) -> [batch, 4, 8] {
        let t4 = gather(x1, 1, i3);
        let t5 = expand(unsqueeze(x2, 1), [_, 3, _]) * 0.5;
        let t6 = dropout(x1 + 0.5, 0.3);
        let t8 = t6; if let Some(inner) = self.f7 { t8 = inner(t8); }
        let t10 = f9(t5);
        let t12 = t10 + f11(t10);
        let t13 = t12 + var(t12, -1, keepdim = true);
        t13
    }
}

#[rustfmt::skip]
#[test]
fn declaration_20() -> Result<()> {
    let _turn = turn();
    manual_seed(20);
    check(
        &Declared20::<2>::new(),
        |batch, _seq| vec![Tensor::randn([batch, 8]), Tensor::randn([batch, 8]), Tensor::randint(0, 8, [batch, 4])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?, &x[2].typed::<shape![Batch, 4]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared21<const K: usize> {
        f5: Embedding(5, 6),
        f9: BatchNorm1d(_, track_running_stats = false),
    }
    forward(x1: [batch, seq, 6], x2: [batch, seq, 6], i4: [batch, 2]) -> [batch, 3, 5] {
        let t3 = log2(square(x1) + 1.0);
        let t6 = f5(i4); let t7 = linear(x2, self.f5.weight);
        let t8 = flatten(t6, 1);
        let t10 = f9(t8);
        let t11 = transpose(t6, 1, 2);
        let t12 = logsumexp(t7, 1);
        let t13 = expand(unsqueeze(t12, 1), [_, 3, _]) * 0.5;
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
        |batch, seq| vec![Tensor::randn([batch, seq, 6]), Tensor::randn([batch, seq, 6]), Tensor::randint(0, 5, [batch, 2])],
        |model, x| {
            let y0 = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed::<shape![Batch, Seq, 6]>()?, &x[2].typed::<shape![Batch, 2]>()?)?;
            Ok(vec![y0.into_tensor()])
        },
    )
}

model! {
    Declared22<const K: usize> {
        f2: PReLU(2),
        f4: ConvTranspose2d(_, 2, kernel = 3, padding = 1, bias = false),
        f6: Conv2d(_, 4, kernel = 3, padding = 1),
        f9: Conv2d(_, 2, kernel = 3, padding = 1),
        f12: AdaptiveAvgPool3d([None, 2, 3]),
    }
    forward(x1: [batch, 2, 9, 8]) -> ([batch, 2, 2, 3], [batch, 4, 4, 4]) {
        let t3 = f2(x1);
        let t5 = f4(t3);
        let t7 = max_pool2d(relu(f6(t3)), 2);
        let t8 = max_pool2d(t7, 3, stride = 1, padding = 1);
        let t10 = (f9(x1));
        let t11 = lp_pool2d(sigmoid(x1), 2.0, 2);
        let t13 = f12(unsqueeze(t11, 1))[.., 0];
        (t13, t7)
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
        f8: RMSNorm(_, eps = 0.001),
    }
    forward(x1: [batch, 4, 6], x2: [batch, 4, 6]) -> [batch, 4, 12] {
        let t3 = x1 * tanh(x1);
        let t4 = repeat_interleave(x1, 2, -1);
        let t5 = t3 + detach(tanh(t3));
        let t6 = where_((t4 > 0.2) | (t4 < -0.5), t4, tanh(t4));
        let t7 = matmul(softmax(matmul(t6, transpose(t6, 1, 2)) * 0.3, -1), t6);
        let t9 = f8(t7);
        let t10 = t7 * where_(t4 != 0.0, 1.5, 0.5);
        t10
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
