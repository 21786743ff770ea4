//! Functions and layers that are taken apart in the compiled pass, against the same operations one by one.

use rustorch::compiled::Compiled;
use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::compiled::{check, everywhere};
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

/// The steps of a network that run on tensors instead of by kernels.
fn islands<M: Compiled>() -> Vec<&'static str> {
    M::SCHEDULE.iter().copied().filter(|step| step.contains("on tensors")).collect()
}

const EPS: f64 = 0.01;

model! {
    /// Functions that are given their parameters.
    Given {
        w: Param([4, 6], init = normal(0.0, 0.5)),
        b: Param([4], init = normal(0.0, 0.5)),
        c: Param([2], init = normal(0.0, 0.5)),
        k: Param([2, 3, 3], init = normal(0.0, 0.5)),
        image: Param([4, 1, 3, 3], init = normal(0.0, 0.5)),
    }
    forward(x: [batch, 3, 6], y: [batch, 2, 4, 6]) -> (
        [batch, 3, 4], [batch, 3, 4], [batch, 3, 4], [batch, 2, 4, 6], [batch, 2, 4, 6], [batch, 2, 6], [batch, 4, 4, 6],
        [batch, 2, 4, 4], [batch, 3, 4]
    ) {
        let h = linear(x, w, bias = b);
        (
            h, layer_norm(h, [4], weight = b, bias = b, eps = EPS), rms_norm(tanh(h), [4], weight = b),
            group_norm(tanh(y), 2, weight = c, bias = c), instance_norm(tanh(y), weight = c, eps = EPS * 2.0),
            conv1d(x, k, bias = c, padding = "same"), relu(conv2d(y, image, bias = b, padding = 1, groups = 2)),
            linear(y, w), layer_norm(linear(x, w), [4])
        )
    }
}

#[test]
fn functions_that_are_given_their_parameters_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(1);
    assert_eq!(islands::<Given>(), Vec::<&str>::new());
    let inputs = |batch: usize, _: usize| vec![Tensor::randn([batch, 3, 6]), Tensor::randn([batch, 2, 4, 6])];
    everywhere(&Given::new(), inputs, |model, x| {
        let (a, b, c, d, e, f, g, h, i) = model
            .try_forward(&x[0].typed::<shape![Batch, 3, 6]>()?, &x[1].typed::<shape![Batch, 2, 4, 6]>()?)?;
        let all = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor(), e.into_tensor()];
        let more = [f.into_tensor(), g.into_tensor(), h.into_tensor(), i.into_tensor()];
        Ok(all.into_iter().chain(more).collect())
    })
}

model! {
    /// Activations, averages and angles made of others.
    Parts {
        fc: Linear(6, 8),
        gate: GLU(dim = 1),
        min: Softmin(dim = -1),
        slopes: PReLU(4),
        slope: [PReLU; 2],
        power: LPPool1d(3.0, 2),
        pair: Bilinear(8, 4, 3),
    }
    forward(x: [batch, 4, 6]) -> (
        [batch, 4, 4], [batch, 2, 8], [batch, 4, 8], [batch, 4, 8], [batch, 4, 4], [batch, 4, 3], [batch, 4, 8], [batch, 8], [batch, 4],
        [batch, 4, 8], [batch, 4, 8], [8, 6], [batch, 4, 3]
    ) {
        let h = fc(x);
        let left = h[.., .., ..4];
        (
            glu(h), gate(h), min(h), slopes(h), slope[1](prelu(left, self.slopes.weight)), pair(h, left),
            normalize(h, dim = 1), cosine_similarity(h, tanh(h), 1), cosine_similarity(h, h[.., ..1, ..], -1),
            addcmul(h, h[.., ..1, ..], tanh(h), value = 0.5), addcdiv(h, tanh(h), exp(h[.., 0, ..]).unsqueeze(1), value = EPS),
            outer(h[0, 0], x[0, 1]), power(sigmoid(fc(x)))[.., .., ..3]
        )
    }
}

#[test]
fn functions_made_of_others_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(2);
    assert_eq!(islands::<Parts>(), Vec::<&str>::new());
    everywhere(
        &Parts::new(),
        |batch, _| vec![Tensor::randn([batch, 4, 6])],
        |model, x| {
            let (a, b, c, d, e, f, g, h, i, j, k, l, m) =
                model.try_forward(&x[0].typed::<shape![Batch, 4, 6]>()?)?;
            let all = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor(), e.into_tensor()];
            let more = [f.into_tensor(), g.into_tensor(), h.into_tensor(), i.into_tensor(), j.into_tensor()];
            Ok(all
                .into_iter()
                .chain(more)
                .chain([k.into_tensor(), l.into_tensor(), m.into_tensor()])
                .collect())
        },
    )
}

model! {
    /// Channels that drop out, and tensors like others.
    Channels {
        conv: Conv2d(2, 4, kernel = 3, padding = 1),
        plane: Dropout2d(0.4),
        line: Dropout1d(0.3),
        volume: Dropout3d(0.2),
        soft: Softmax2d,
        powers: LPPool2d(2.0, [2, 1], stride = 1, ceil_mode = true),
    }
    forward(x: [batch, 2, 3, 4]) -> (
        [batch, 4, 3, 4], [batch, 4, 12], [batch, 4, 3, 4], [batch, 4, 3, 4], [batch, 4, 2, 4], [batch, 4, 3, 4], [batch, 4, 4, 3], [3, batch, 4, 4]
    ) {
        let h = conv(x);
        let g = dropout2d(tanh(h), 0.5);
        (
            plane(h), line(flatten(h, 2)), volume(h), soft(g), powers(sigmoid(h)),
            tril(h) + triu(h, -1) * ones_like(h) + zeros_like(h) - full_like(h, EPS), tril(transpose(contiguous(h), 2, 3), -1),
            movedim(h, [2, 1], [0, 2])
        )
    }
}

#[test]
fn channels_that_drop_out_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(3);
    assert_eq!(islands::<Channels>(), Vec::<&str>::new());
    check(
        &Channels::new(),
        |batch, _| vec![Tensor::randn([batch, 2, 3, 4])],
        |model, x| {
            let (a, b, c, d, e, f, g, h) = model.try_forward(&x[0].typed::<shape![Batch, 2, 3, 4]>()?)?;
            let all = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()];
            Ok(all
                .into_iter()
                .chain([e.into_tensor(), f.into_tensor(), g.into_tensor(), h.into_tensor()])
                .collect())
        },
    )
}

model! {
    /// Comparisons of numbers, of indices, of both, and what logic makes of them.
    Compared { fc: Linear(4, 4) }
    forward(x: [batch, seq, 4], ids: [batch, seq]) -> (
        [batch, seq, 4], [batch, seq, 4], [batch, seq], [batch, seq, 4], [batch, 4, seq], [batch, seq, 4], [seq, batch]
    ) {
        let h = fc(x);
        let is_word = ids != 0;
        let mask = unsqueeze(is_word & (ids < 5), -1);
        let large = h > 0.25;
        (
            where_(h >= x, h, x * 0.5), masked_fill(h, mask, -1.0), is_word, large | !(x <= h),
            transpose(logical_xor(h < 0.0, large), 1, 2), where_(isnan(h) | (h == 0.0) | isinf(x), x, tanh(h)),
            transpose(ids > 2.5, 0, 1)
        )
    }
}

#[test]
fn comparisons_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(4);
    assert_eq!(islands::<Compared>(), Vec::<&str>::new());
    for dtype in [DType::I64, DType::I32, DType::U8, DType::F32] {
        let inputs = |batch: usize, seq: usize| {
            vec![Tensor::randn([batch, seq, 4]), Tensor::randint(0, 8, [batch, seq]).to_dtype(dtype)]
        };
        check(&Compared::new(), inputs, |model, x| {
            let (a, b, c, d, e, f, g) = model
                .try_forward(&x[0].typed::<shape![Batch, Seq, 4]>()?, &x[1].typed::<shape![Batch, Seq]>()?)?;
            let all = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()];
            Ok(all.into_iter().chain([e.into_tensor(), f.into_tensor(), g.into_tensor()]).collect())
        })?;
    }
    Ok(())
}
