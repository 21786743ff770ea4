//! Attention by several heads and the layers of the transformer in the compiled pass, where they are linear maps, attention, norms and
//! sums, against the layers one by one.

use rustorch::compiled::{Compiled, explain, op_by_op};
use rustorch::kernels::parallel::set_num_threads;
use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::compiled::{Use, both, both_with, check, close};
use rustorch_tests::turns::turn;

dim!(Batch, Seq, Other);

/// The steps of a network that run on tensors instead of by kernels.
fn islands<M: Compiled>() -> Vec<&'static str> {
    M::SCHEDULE.iter().copied().filter(|step| step.contains("on tensors")).collect()
}

/// Which keys a mask hides: none at the start of a sequence, so that no query is blind.
fn hidden(shape: &[usize]) -> Tensor {
    let keys = shape[shape.len() - 1];
    let later = Tensor::arange(0, keys as i64, 1).and_then(|keys| keys.gt(0.0)).expect("positions");
    Tensor::randn(shape).gt(0.3).and_then(|random| random.logical_and(&later)).expect("truth values")
}

model! {
    /// Every option of attention, batch first.
    Options<const WITH: bool> {
        itself: MultiheadAttention(8, 2, batch_first = true, dropout = 0.3),
        shared: MultiheadAttention(8, 4, batch_first = true, bias = false),
        sized: MultiheadAttention(8, 2, kdim = 6, vdim = 5, batch_first = true, dropout = 0.2),
        longer: MultiheadAttention(8, 2, batch_first = true, add_bias_kv = true, add_zero_attn = true),
        chosen: MultiheadAttention(8, 2, batch_first = true, add_bias_kv = WITH, add_zero_attn = true),
    }
    forward(x: [batch, seq, 8], y: [batch, other, 8], k: [batch, other, 6], v: [batch, other, 5]) -> ([batch, seq, 8], [batch, seq, 8]) {
        let a = x + itself(x, is_causal = true);
        let b = a + shared(a, y, y);
        let c = sized(b, k, v);
        (longer(c, y, y) + chosen(c, is_causal = true), shared(c, y, a[.., 0..1] + y))
    }
}

fn options<const WITH: bool>(model: &Options<WITH>, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b) = model.try_forward(
        &x[0].typed::<shape![Batch, Seq, 8]>()?,
        &x[1].typed::<shape![Batch, Other, 8]>()?,
        &x[2].typed()?,
        &x[3].typed()?,
    )?;
    Ok(vec![a.into_tensor(), b.into_tensor()])
}

#[test]
fn attention_by_several_heads_is_the_same() -> Result<()> {
    let _turn = turn();
    let inputs = |batch: usize, seq: usize| {
        let of = |length: usize, features: usize| Tensor::randn([batch, length, features]);
        vec![of(seq, 8), of(seq + 2, 8), of(seq + 2, 6), of(seq + 2, 5)]
    };
    assert_eq!(islands::<Options<true>>(), Vec::<&str>::new());
    check(&Options::<true>::new(), inputs, options)?;
    check(&Options::<false>::new(), inputs, options)
}

model! {
    /// With every kind of mask, the batch second, and without a batch; weights are dropped.
    Masked {
        attention: MultiheadAttention(8, 2, dropout = 0.3),
        longer: MultiheadAttention(8, 2, dropout = 0.5, add_bias_kv = true),
        single: MultiheadAttention(8, 2, add_zero_attn = true),
    }
    forward(
        x: [seq, batch, 8], y: [other, batch, 8], scores: [seq, other], every: [2 * batch, seq, other],
        keys: [batch, other], own: [seq, seq], one: [seq]
    ) -> ([seq, batch, 8], [seq, batch, 8], [seq, 8]) {
        let a = attention(x, y, y, attn_mask = scores);
        let b = attention(a, y, y, attn_mask = every, key_padding_mask = keys);
        let c = longer(b, y, y, key_padding_mask = keys);
        let d = longer(c, attn_mask = own, is_causal = true);
        let e = longer(y, is_causal = true, key_padding_mask = keys);
        let z = x[.., 0];
        let f = single(z, attn_mask = own) + single(z, key_padding_mask = one, is_causal = true);
        (d, c + sum(e, 0, keepdim = true), f)
    }
}

fn masked(model: &Masked, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c) = model.try_forward(
        &x[0].typed::<shape![Seq, Batch, 8]>()?,
        &x[1].typed::<shape![Other, Batch, 8]>()?,
        &x[2].typed()?,
        &x[3].typed()?,
        &x[4].typed()?,
        &x[5].typed()?,
        &x[6].typed()?,
    )?;
    Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
}

/// Sequences, and masks of truth values.
fn masks(batch: usize, seq: usize) -> Vec<Tensor> {
    let other = seq + 1;
    let mut inputs = vec![Tensor::randn([seq, batch, 8]), Tensor::randn([other, batch, 8])];
    let shapes: [&[usize]; 5] =
        [&[seq, other], &[2 * batch, seq, other], &[batch, other], &[seq, seq], &[seq]];
    inputs.extend(shapes.map(hidden));
    inputs
}

#[test]
fn masks_of_layers_are_the_same() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Masked>(), Vec::<&str>::new());
    check(&Masked::new(), masks, masked)?;
    // Longer than a block of the kernel.
    both(&Masked::new(), &masks(2, 270), masked)
}

#[test]
fn masks_that_are_added_are_the_same_and_have_gradients() -> Result<()> {
    let _turn = turn();
    let model = Masked::new();
    let numbers = |mask: &Tensor| Tensor::randn(mask.shape());
    let all = || {
        let mut inputs = masks(3, 5);
        inputs[2..].iter_mut().for_each(|mask| *mask = numbers(mask));
        inputs
    };
    both(&model, &all(), masked)?;
    both_with(&model, &all(), &Use { leaves: false, used: None }, masked)?;
    // Some are numbers, others truth values.
    for at in [2, 3, 4, 6] {
        let mut inputs = masks(3, 5);
        inputs[at] = numbers(&inputs[at]);
        both(&model, &inputs, masked)?;
    }
    // What an infinity hides.
    let mut inputs = masks(3, 5);
    inputs[3] = Tensor::where_(&inputs[3], f64::NEG_INFINITY, 0.0)?;
    both_with(&model, &inputs, &Use { leaves: false, used: None }, masked)
}

#[test]
fn masks_of_neither_are_refused_as_elsewhere() -> Result<()> {
    let _turn = turn();
    let model = Masked::new();
    for at in [2, 4] {
        let mut inputs = masks(3, 5);
        inputs[at] = inputs[at].to_dtype(DType::I64);
        let compiled = masked(&model, &inputs).unwrap_err().to_string();
        let eager = op_by_op(|| masked(&model, &inputs)).unwrap_err().to_string();
        assert_eq!(compiled, eager);
    }
    Ok(())
}

model! {
    /// The layers of the transformer, the batch first or second, norms first or last.
    Layers<const FIRST: bool> {
        post: TransformerEncoderLayer(8, 2, 12, batch_first = true),
        pre: TransformerEncoderLayer(8, 4, 12, batch_first = true, norm_first = true, activation = "gelu", bias = false),
        chosen: TransformerEncoderLayer(8, 2, 12, norm_first = FIRST, dropout = 0.4, layer_norm_eps = 1e-3),
        decoder: TransformerDecoderLayer(8, 2, 12, batch_first = true, norm_first = FIRST),
        back: TransformerDecoderLayer(8, 2, 12, activation = "gelu"),
    }
    forward(x: [batch, seq, 8], y: [batch, other, 8], keys: [batch, seq], own: [seq, seq]) -> ([batch, seq, 8], [other, batch, 8]) {
        let a = post(x, key_padding_mask = keys);
        let b = pre(a, is_causal = true);
        let c = decoder(b, y, tgt_mask = own, tgt_key_padding_mask = keys);
        let d = chosen(transpose(c, 0, 1), mask = own);
        (c, back(transpose(y, 0, 1), d, tgt_is_causal = true, memory_key_padding_mask = keys))
    }
}

fn layers<const FIRST: bool>(model: &Layers<FIRST>, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b) = model.try_forward(
        &x[0].typed::<shape![Batch, Seq, 8]>()?,
        &x[1].typed::<shape![Batch, Other, 8]>()?,
        &x[2].typed()?,
        &x[3].typed()?,
    )?;
    Ok(vec![a.into_tensor(), b.into_tensor()])
}

#[test]
fn layers_of_the_transformer_are_the_same() -> Result<()> {
    let _turn = turn();
    let inputs = |batch: usize, seq: usize| {
        let of = |length: usize| Tensor::randn([batch, length, 8]);
        vec![of(seq), of(seq + 2), hidden(&[batch, seq]), hidden(&[seq, seq])]
    };
    assert_eq!(islands::<Layers<true>>(), Vec::<&str>::new());
    check(&Layers::<true>::new(), inputs, layers)?;
    check(&Layers::<false>::new(), inputs, layers)
}

model! {
    /// Stacks of layers, their numbers known or not, and the whole transformer.
    Stacks<const LAYERS: usize, const NORM: bool> {
        embed: Linear(6, 8),
        encoder: TransformerEncoder(8, 2, LAYERS, 12, batch_first = true, norm = NORM),
        decoder: TransformerDecoder(8, 2, 2, 12, batch_first = true, norm_first = true, norm = true),
        whole: Transformer(8, 2, 1, LAYERS, 12, batch_first = true),
        several: [TransformerEncoder(8, 2, 2, 12, batch_first = true); 2],
    }
    forward(x: [batch, seq, 6], keys: [batch, seq]) -> ([batch, seq, 8], [batch, seq, 8]) {
        let x = embed(x);
        let a = encoder(x, key_padding_mask = keys);
        let b = decoder(x, a, tgt_is_causal = true, memory_key_padding_mask = keys);
        let c = whole(x, b, src_key_padding_mask = keys, tgt_is_causal = true);
        for stack in self.several { c = stack(c, is_causal = true); }
        (several[1](c) + a, b)
    }
}

fn stacks<const LAYERS: usize, const NORM: bool>(
    model: &Stacks<LAYERS, NORM>,
    x: &[Tensor],
) -> Result<Vec<Tensor>> {
    let (a, b) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?, &x[1].typed()?)?;
    Ok(vec![a.into_tensor(), b.into_tensor()])
}

#[test]
fn stacks_of_layers_are_the_same() -> Result<()> {
    let _turn = turn();
    let inputs = |batch: usize, seq: usize| vec![Tensor::randn([batch, seq, 6]), hidden(&[batch, seq])];
    assert_eq!(islands::<Stacks<3, true>>(), Vec::<&str>::new());
    check(&Stacks::<3, true>::new(), inputs, stacks)?;
    check(&Stacks::<1, false>::new(), inputs, stacks)
}

#[test]
fn one_weight_is_frozen_at_a_time() -> Result<()> {
    let _turn = turn();
    let model = Stacks::<1, true>::new();
    let x = [Tensor::randn([2, 3, 6]), hidden(&[2, 3])];
    for parameter in model.parameters().into_iter().skip(2).take(14) {
        parameter.requires_grad_(false)?;
        both(&model, &x, stacks)?;
        parameter.requires_grad_(true)?;
    }
    // Attention to others shares a weight between two maps, of which one may be needed alone.
    let model = Options::<true>::new();
    let of = |length: usize, features: usize| Tensor::randn([2, length, features]);
    let x = [of(3, 8), of(4, 8), of(4, 6), of(4, 5)];
    let all = model.parameters();
    all.iter().try_for_each(|parameter| parameter.requires_grad_(false).map(drop))?;
    for parameter in &all {
        parameter.requires_grad_(true)?;
        both_with(&model, &x, &Use { leaves: false, used: None }, options)?;
        parameter.requires_grad_(false)?;
    }
    Ok(())
}

#[test]
fn all_weights_may_be_dropped() -> Result<()> {
    let _turn = turn();
    let mut model = Options::<true>::new();
    (model.itself.dropout, model.sized.dropout) = (1.0, 0.0);
    let of = |length: usize, features: usize| Tensor::randn([2, length, features]);
    both(&model, &[of(3, 8), of(4, 8), of(4, 6), of(4, 5)], options)?;
    model.itself.dropout = 1.5;
    let x = [of(3, 8), of(4, 8), of(4, 6), of(4, 5)];
    assert!(options(&model, &x).is_err());
    Ok(())
}

#[test]
fn layers_that_have_been_changed_run_op_by_op() -> Result<()> {
    let _turn = turn();
    let of = |length: usize| Tensor::randn([2, length, 8]);
    let x = [of(3), of(4), hidden(&[2, 3]), hidden(&[3, 3])];
    let given: Vec<&Tensor> = x.iter().collect();
    let runs = |model: &Layers<false>| -> Result<bool> {
        manual_seed(3);
        let compiled = layers(model, &x)?;
        manual_seed(3);
        let eager = op_by_op(|| layers(model, &x))?;
        compiled.iter().zip(&eager).for_each(|(a, b)| close(b, a, "a changed layer"));
        Ok(explain(model, &given).is_ok())
    };
    let mut model = Layers::<false>::new();
    assert!(runs(&model)?);
    model.post.norm_first = true;
    assert!(!runs(&model)?);
    model.post.norm_first = false;
    model.pre.activation = rustorch::nn::TransformerActivation::Other(|x| Ok(x.tanh()));
    assert!(!runs(&model)?);
    model.pre.activation = rustorch::nn::TransformerActivation::Gelu;
    model.chosen.self_attn.num_heads = 4;
    assert!(!runs(&model)?);
    model.chosen.self_attn.num_heads = 2;
    model.decoder.multihead_attn.add_zero_attn = true;
    assert!(!runs(&model)?);
    model.decoder.multihead_attn.add_zero_attn = false;
    assert!(runs(&model)?);

    let x = [Tensor::randn([2, 3, 6]), hidden(&[2, 3])];
    let given: Vec<&Tensor> = x.iter().collect();
    let mut model = Stacks::<2, true>::new();
    explain(&model, &given)?;
    model.encoder.layers.pop();
    assert!(explain(&model, &given).is_err());
    assert_eq!(stacks(&model, &x)?[0].shape(), [2, 3, 8]);
    let mut model = Stacks::<2, true>::new();
    model.encoder.norm = None;
    assert!(explain(&model, &given).is_err());
    assert_eq!(stacks(&model, &x)?[0].shape(), [2, 3, 8]);
    Ok(())
}

#[test]
fn results_are_the_same_on_any_number_of_threads() -> Result<()> {
    let _turn = turn();
    let model = Stacks::<2, true>::new();
    let x = [Tensor::randn([40, 70, 6]), hidden(&[40, 70])];
    let once = |threads: usize| -> Result<Vec<f32>> {
        set_num_threads(threads);
        manual_seed(5);
        model.parameters().iter().try_for_each(|parameter| parameter.set_grad(None))?;
        let outputs = stacks(&model, &x)?;
        outputs[0].square().sum().add(&outputs[1].sum())?.backward()?;
        let grads = model.parameters().into_iter().filter_map(|parameter| parameter.grad());
        let all = outputs.iter().cloned().chain(grads).map(|tensor| tensor.to_vec::<f32>());
        Ok(all.collect::<Result<Vec<_>>>()?.concat())
    };
    let (one, two) = (once(1)?, once(2)?);
    assert!(one == two);
    Ok(())
}

model! {
    /// Operands whose leading axes broadcast, vectors among them.
    Spread { weight: Param([2, 4, 3], init = uniform(-1.0, 1.0)), row: Param([4], init = ones) }
    forward(x: [batch, 2, seq, 4], one: [batch, 1, seq, 4]) -> ([batch, 2, seq, 4], [batch, 2, seq, 3], [batch, 2, seq], [batch, seq, 2]) {
        let a = scaled_dot_product_attention(x, one, one * 2.0);
        let b = scaled_dot_product_attention(one, x, x, causal = true);
        (a + b, matmul(x, weight), matmul(a, row), matmul(transpose(x, 1, 3)[.., 0], x[.., 0, ..2, ..2]) + matmul(row, row))
    }
}

#[test]
fn operands_that_broadcast_are_the_same() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Spread>(), Vec::<&str>::new());
    let inputs =
        |batch: usize, seq: usize| vec![Tensor::randn([batch, 2, seq, 4]), Tensor::randn([batch, 1, seq, 4])];
    check(&Spread::new(), inputs, |model, x| {
        let (a, b, c, d) = model.try_forward(&x[0].typed::<shape![Batch, 2, Seq, 4]>()?, &x[1].typed()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()])
    })
}
