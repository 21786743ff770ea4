//! Masks and the remaining normalisations in the compiled pass, against the same operations one by one.

use rustorch::compiled::{Compiled, op_by_op};
use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::compiled::{both, check, close};
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

/// The steps of a network that run on tensors instead of by kernels.
fn islands<M: Compiled>() -> Vec<&'static str> {
    M::SCHEDULE.iter().copied().filter(|step| step.contains("on tensors")).collect()
}

model! {
    /// Attention over heads that lie where projections put them, once with each mask.
    Masked {
        query: Linear(8, 8),
        key: Linear(8, 8),
        value: Linear(8, 8),
    }
    forward(x: [batch, seq, 8], hidden: [batch, 1, 1, seq], added: [seq, seq]) -> ([batch, seq, 8], [batch, 2, seq, 4]) {
        let q = transpose(reshape(query(x), [batch, seq, 2, 4]), 1, 2);
        let k = transpose(reshape(key(x), [batch, seq, 2, 4]), 1, 2);
        let v = transpose(reshape(value(x), [batch, seq, 2, 4]), 1, 2);
        let a = scaled_dot_product_attention(q, k, v, mask = hidden);
        let b = scaled_dot_product_attention(k, q, v, mask = added, scale = 1.0 / 3.0);
        (reshape(transpose(a, 1, 2), [batch, seq, 8]), b)
    }
}

fn masked(model: &Masked, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b) =
        model.try_forward(&x[0].typed::<shape![Batch, Seq, 8]>()?, &x[1].typed()?, &x[2].typed()?)?;
    Ok(vec![a.into_tensor(), b.into_tensor()])
}

/// Numbers, keys that are seen (none by the first sample), and what is added to scores.
fn masks(batch: usize, seq: usize) -> Result<Vec<Tensor>> {
    let hidden = Tensor::randn([batch, 1, 1, seq]).gt(-0.5)?;
    hidden.narrow(0, 0, 1)?.fill_(false)?;
    let added =
        Tensor::where_(&Tensor::randn([seq, seq]).gt(-0.5)?, &Tensor::randn([seq, seq]), f64::NEG_INFINITY)?;
    Ok(vec![Tensor::randn([batch, seq, 8]), hidden, added])
}

#[test]
fn attention_with_masks_is_the_same() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Masked>(), Vec::<&str>::new());
    let inputs = |batch: usize, seq: usize| {
        let mut inputs = masks(batch, seq).expect("masks");
        // Of this one no gradient is asked here.
        inputs[2] = inputs[2].gt(0.0).expect("truth values");
        inputs
    };
    check(&Masked::new(), inputs, masked)?;
    // Longer than a block of the kernel.
    both(&Masked::new(), &inputs(2, 300), masked)
}

#[test]
fn what_is_added_to_scores_may_have_a_gradient() -> Result<()> {
    let _turn = turn();
    let model = Masked::new();
    let mut inputs = masks(3, 6)?;
    inputs[2] = Tensor::randn([6, 6]);
    both(&model, &inputs, masked)?;
    let fixed = rustorch_tests::compiled::Use { leaves: false, used: None };
    rustorch_tests::compiled::both_with(&model, &masks(3, 6)?, &fixed, masked)
}

#[test]
fn bad_masks_are_refused_as_elsewhere() -> Result<()> {
    let _turn = turn();
    let model = Masked::new();
    let mut inputs = masks(3, 6)?;
    inputs[1] = Tensor::zeros([3, 1, 1, 6]).to_dtype(DType::I64);
    let compiled = masked(&model, &inputs).unwrap_err().to_string();
    let eager = op_by_op(|| masked(&model, &inputs)).unwrap_err().to_string();
    assert_eq!(compiled, eager);
    assert!(compiled.contains("int64") && compiled.contains("a mask of bools"), "{compiled}");
    Ok(())
}

model! {
    /// Values chosen by masks, inside chains and products.
    Chosen { fc: Linear(6, 6), out: Linear(6, 6), scale: Param([6], init = normal(0.0, 1.0)) }
    forward(x: [batch, 6], keep: [batch, 6], rows: [batch, 1]) -> ([batch, 6], [batch, 6], [batch, 6]) {
        let y = where_(keep, fc(x) * 0.5, log(x * x * scale));
        let z = masked_fill(out(y), rows, -1e9);
        let w = softmax(z, 1);
        let v = where_(rows, 1.0, sigmoid(x)) * where_(keep, 2.0, 0.5);
        (w, v, masked_fill(exp(x), keep, 0.25) + x)
    }
}

fn chosen(model: &Chosen, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c) = model.try_forward(&x[0].typed::<shape![Batch, 6]>()?, &x[1].typed()?, &x[2].typed()?)?;
    Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
}

fn choices(batch: usize, _: usize) -> Vec<Tensor> {
    let truth = |shape: [usize; 2]| Tensor::randn(shape).gt(0.0).expect("truth values");
    // Where `keep` holds, the other branch is the logarithm of what may be negative.
    let x = Tensor::randn([batch, 6]);
    vec![x, truth([batch, 6]), truth([batch, 1])]
}

#[test]
fn choices_by_masks_are_the_same() -> Result<()> {
    let _turn = turn();
    manual_seed(4);
    assert_eq!(islands::<Chosen>(), Vec::<&str>::new());
    let texts = Chosen::SCHEDULE.join("\n");
    assert!(texts.contains("where(·, mul(fc(·), 0.5), log("), "{texts}");
    assert!(texts.contains("where(·, (- 1e9) as f64, out(·))"), "{texts}");
    let model = Chosen::new();
    rustorch::no_grad(|| model.scale.copy_(&model.scale.abs()))?;
    check(&model, choices, chosen)?;
    both(&model, &choices(300, 0), chosen)
}

#[test]
fn masks_that_are_no_truth_values_are_refused_as_elsewhere() -> Result<()> {
    let _turn = turn();
    let model = Chosen::new();
    let mut inputs = choices(3, 0);
    for at in [1, 2] {
        let good = inputs[at].clone();
        inputs[at] = good.to_dtype(DType::I64);
        let compiled = chosen(&model, &inputs).unwrap_err().to_string();
        let eager = op_by_op(|| chosen(&model, &inputs)).unwrap_err().to_string();
        assert_eq!(compiled, eager);
        assert!(compiled.contains("int64") && compiled.contains("bool"), "{compiled}");
        inputs[at] = good;
    }
    Ok(())
}

model! {
    /// Groups of channels and rows without a mean.
    Groups {
        conv: Conv2d(3, 12, kernel = 3, padding = 1),
        wide: GroupNorm(3, 12),
        single: GroupNorm(12, 12, affine = false),
        flat: GroupNorm(2, 12, eps = 0.01),
        fc: Linear(12, 12),
        rms: RMSNorm(12),
        bare: RMSNorm(12, elementwise_affine = false),
    }
    forward(x: [batch, 3, 6, 8]) -> ([batch, 12, 6, 8], [batch, 12]) {
        let y = silu(wide(conv(x)));
        let z = single(y) + y;
        let pooled = mean(z, [2, 3]);
        (z, bare(rms(fc(flat(pooled))) + pooled))
    }
}

fn groups(model: &Groups, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b) = model.try_forward(&x[0].typed::<shape![Batch, 3, 6, 8]>()?)?;
    Ok(vec![a.into_tensor(), b.into_tensor()])
}

#[test]
fn normalisations_of_groups_and_by_mean_squares_are_the_same() -> Result<()> {
    let _turn = turn();
    manual_seed(6);
    assert_eq!(islands::<Groups>(), Vec::<&str>::new());
    let model = Groups::new();
    for parameter in [&model.wide.weight, &model.wide.bias, &model.flat.weight, &model.rms.weight] {
        let parameter = parameter.as_ref().expect("it has one");
        rustorch::no_grad(|| parameter.add_(&Tensor::randn(parameter.shape())))?;
    }
    check(&model, |batch, _| vec![Tensor::randn([batch, 3, 6, 8])], groups)
}

#[test]
fn another_number_of_groups_runs_op_by_op() -> Result<()> {
    let _turn = turn();
    let (mut model, x) = (Groups::new(), [Tensor::randn([2, 3, 6, 8])]);
    groups(&model, &x)?;
    model.wide.num_groups = 6;
    let changed = groups(&model, &x)?;
    for (a, b) in changed.iter().zip(&op_by_op(|| groups(&model, &x))?) {
        close(b, a, "another number of groups");
    }
    Ok(())
}
