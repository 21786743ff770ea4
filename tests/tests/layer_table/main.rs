//! The table of layers that `model!` checks by, against the layers of `nn`: every entry is built, its parameters and
//! buffers have the names and shapes that the table gives, and its output has the shape of the table's rule.

mod cases;
mod declared;
mod more;
mod pooling;

use rustorch::nn::*;
use rustorch::{DType, Tensor};
use rustorch_shape::args::{Args, Value};
use rustorch_shape::layers::{LAYERS, LayerSpec, find};
use rustorch_shape::{Poly, Size};

fn size(n: usize) -> Value {
    Value::Size(Poly::constant(n))
}

fn sizes(ns: &[usize]) -> Value {
    Value::Sizes(ns.iter().map(|&n| Poly::constant(n)).collect())
}

fn complete(spec: &'static LayerSpec, given: &[(&'static str, Value)]) -> Args {
    let mut args = Args::new(spec.name);
    for (name, value) in given {
        args.set(name, value.clone());
    }
    for arg in spec.args {
        if args.get(arg.name).is_none() {
            args.set(arg.name, arg.default_value(&args).expect("a required argument is given"));
        }
    }
    args
}

fn numbers(shape: &[Poly]) -> Vec<usize> {
    shape.iter().map(|size| size.as_constant().unwrap()).collect()
}

/// Compares parameters and buffers with the table; gives the complete arguments.
fn check_state<M: Module + ?Sized>(
    name: &str,
    module: &M,
    given: &[(&'static str, Value)],
) -> (&'static LayerSpec, Args) {
    let spec = find(name).unwrap();
    let args = complete(spec, given);
    let expected: Vec<(String, Vec<usize>, bool)> = (spec.state)(&args)
        .unwrap()
        .into_iter()
        .map(|entry| (entry.name.into_owned(), numbers(&entry.shape), entry.is_buffer))
        .collect();
    let buffers: Vec<String> = module.named_buffers().into_iter().map(|(name, _)| name).collect();
    let found: Vec<(String, Vec<usize>, bool)> = module
        .state_dict()
        .iter()
        .map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec(), buffers.iter().any(|b| b == name)))
        .collect();
    assert_eq!(found, expected, "{name}: state");
    (spec, args)
}

/// The layers that take several tensors; each is tested below.
const OF_SEVERAL: &[&str] = &["Bilinear", "TransformerDecoderLayer", "TransformerDecoder", "Transformer"];

/// Compares the shape of what a layer gives for two tensors with the table's rule, and its state with the table.
fn check_of_two<M: Module>(
    name: &str,
    layer: &M,
    given: &[(&'static str, Value)],
    shapes: [&[usize]; 2],
    forward: impl Fn(&M, &Tensor, &Tensor) -> rustorch::Result<Tensor>,
) {
    let (spec, args) = check_state(name, layer, given);
    let symbolic = shapes.map(|shape| shape.iter().map(|&n| Poly::constant(n)).collect::<Vec<_>>());
    let outputs = spec.outputs(&args, &[&symbolic[0], &symbolic[1]], &mut Vec::new()).unwrap();
    let [first, second] = shapes.map(Tensor::ones);
    let result = forward(layer, &first, &second).unwrap();
    assert_eq!(result.shape(), numbers(&outputs[0]), "{name}");
    result.sum().backward().unwrap();
    assert!(layer.parameters().iter().all(|p| p.grad().is_some()), "{name}: gradients");
}

#[test]
fn layers_of_two_tensors_agree_with_their_entries() {
    check_of_two(
        "Bilinear",
        &Bilinear::new(3, 4, 5),
        &[("in1_features", size(3)), ("in2_features", size(4)), ("out_features", size(5))],
        [&[2, 3], &[2, 4]],
        |layer, a, b| layer.forward(a, b),
    );
    let sizes = [("d_model", size(6)), ("nhead", size(2)), ("dim_feedforward", size(7))];
    let layer = TransformerDecoderLayer::builder(6, 2).dim_feedforward(7).bias(false).build().unwrap();
    check_of_two(
        "TransformerDecoderLayer",
        &layer,
        &[&sizes[..], &[("bias", Value::Bool(false))]].concat(),
        [&[5, 3, 6], &[7, 3, 6]],
        |layer, tgt, memory| layer.forward(tgt, memory, DecoderMasks::default()),
    );
    let decoder = TransformerDecoder::builder(6, 2, 2).dim_feedforward(7).norm(true).batch_first(true);
    let options = [("num_layers", size(2)), ("norm", Value::Bool(true)), ("batch_first", Value::Bool(true))];
    check_of_two(
        "TransformerDecoder",
        &decoder.build().unwrap(),
        &[&sizes[..], &options].concat(),
        [&[3, 5, 6], &[3, 7, 6]],
        |decoder, tgt, memory| decoder.forward(tgt, memory, DecoderMasks::default()),
    );
    let transformer =
        Transformer::builder(6, 2).num_encoder_layers(1).num_decoder_layers(2).dim_feedforward(7);
    check_of_two(
        "Transformer",
        &transformer.build().unwrap(),
        &[&sizes[..], &[("num_encoder_layers", size(1)), ("num_decoder_layers", size(2))]].concat(),
        [&[7, 3, 6], &[5, 3, 6]],
        |transformer, src, tgt| transformer.forward(src, tgt, TransformerMasks::default()),
    );
}

#[test]
fn every_entry_of_the_table_is_a_layer_that_agrees_with_it() {
    let cases = [cases::cases(), pooling::cases(), more::cases()].into_iter().flatten().collect::<Vec<_>>();
    for spec in LAYERS {
        let is_tested = cases.iter().any(|(name, ..)| *name == spec.name) || OF_SEVERAL.contains(&spec.name);
        assert!(is_tested, "{} stands in the table but is not tested", spec.name);
    }
    for (name, layer, given, input) in &cases {
        let (spec, args) = check_state(name, &**layer, given);
        let symbolic: Vec<Poly> = input.iter().map(|&n| Poly::constant(n)).collect();
        let output = spec.output(&args, &symbolic, &mut Vec::new()).unwrap();
        let dtype = if *name == "Embedding" { DType::I64 } else { DType::F32 };
        let result = layer.forward(&Tensor::ones_with(input.as_slice(), dtype)).unwrap();
        assert_eq!(result.shape(), numbers(&output), "{name}: output for {input:?}");
        if !layer.parameters().is_empty() {
            result.sum().backward().unwrap();
            assert!(layer.parameters().iter().all(|p| p.grad().is_some()), "{name}: gradients");
        }
    }
}
