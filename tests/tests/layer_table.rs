//! The table of layers that `model!` checks by, against the layers of `nn`: every entry is built, its parameters and
//! buffers have the names and shapes that the table gives, and its output has the shape of the table's rule.

use rustorch::nn::*;
use rustorch::{DType, Tensor};
use rustorch_shape::args::{Args, Value};
use rustorch_shape::layers::{LAYERS, LayerSpec, find};
use rustorch_shape::{Poly, Size};

/// A layer, the arguments it was built with beyond the defaults, and an input that it takes.
type Case = (&'static str, Box<dyn Layer>, Vec<(&'static str, Value)>, Vec<usize>);

fn size(n: usize) -> Value {
    Value::Size(Poly::constant(n))
}

fn sizes(ns: &[usize]) -> Value {
    Value::Sizes(ns.iter().map(|&n| Poly::constant(n)).collect())
}

fn cases() -> Vec<Case> {
    fn case(
        name: &'static str,
        layer: impl Layer + 'static,
        args: &[(&'static str, Value)],
        input: &[usize],
    ) -> Case {
        (name, Box::new(layer), args.to_vec(), input.to_vec())
    }
    let flag = Value::Bool;
    vec![
        case("Linear", Linear::new(5, 3), &[("in_features", size(5)), ("out_features", size(3))], &[2, 4, 5]),
        case(
            "Linear",
            Linear::builder(5, 3).bias(false).build().unwrap(),
            &[("in_features", size(5)), ("out_features", size(3)), ("bias", flag(false))],
            &[5],
        ),
        case("Flatten", Flatten::new(), &[], &[2, 3, 4]),
        case(
            "Flatten",
            Flatten::builder().start_dim(0).end_dim(1).build().unwrap(),
            &[("start_dim", Value::Axis(0)), ("end_dim", Value::Axis(1))],
            &[2, 3, 4],
        ),
        case("Identity", Identity::builder().build().unwrap(), &[], &[2]),
        case(
            "Conv1d",
            Conv1d::new(3, 6, 2),
            &[("in_channels", size(3)), ("out_channels", size(6)), ("kernel", sizes(&[2]))],
            &[2, 3, 9],
        ),
        case(
            "Conv2d",
            Conv2d::new(3, 6, 2),
            &[("in_channels", size(3)), ("out_channels", size(6)), ("kernel", sizes(&[2, 2]))],
            &[2, 3, 9, 8],
        ),
        case(
            "Conv2d",
            Conv2d::builder(4, 6, [3, 2])
                .stride([2, 1])
                .padding(1)
                .dilation([1, 2])
                .groups(2)
                .bias(false)
                .build()
                .unwrap(),
            &[
                ("in_channels", size(4)),
                ("out_channels", size(6)),
                ("kernel", sizes(&[3, 2])),
                ("stride", sizes(&[2, 1])),
                ("padding", sizes(&[1, 1])),
                ("dilation", sizes(&[1, 2])),
                ("groups", size(2)),
                ("bias", flag(false)),
            ],
            &[2, 4, 9, 8],
        ),
        case(
            "Conv2d",
            Conv2d::builder(4, 6, 3).padding("same").build().unwrap(),
            &[
                ("in_channels", size(4)),
                ("out_channels", size(6)),
                ("kernel", sizes(&[3, 3])),
                ("padding", Value::Text("same".into())),
            ],
            &[2, 4, 9, 8],
        ),
        case(
            "Embedding",
            Embedding::new(7, 3),
            &[("num_embeddings", size(7)), ("embedding_dim", size(3))],
            &[2, 4],
        ),
        case("BatchNorm1d", BatchNorm1d::new(3), &[("num_features", size(3))], &[4, 3]),
        case("BatchNorm1d", BatchNorm1d::new(3), &[("num_features", size(3))], &[4, 3, 5]),
        case("BatchNorm2d", BatchNorm2d::new(3), &[("num_features", size(3))], &[4, 3, 5, 5]),
        case(
            "BatchNorm2d",
            BatchNorm2d::builder(3).affine(false).track_running_stats(false).build().unwrap(),
            &[("num_features", size(3)), ("affine", flag(false)), ("track_running_stats", flag(false))],
            &[4, 3, 5, 5],
        ),
        case("LayerNorm", LayerNorm::new(5), &[("normalized_shape", sizes(&[5]))], &[2, 5]),
        case(
            "LayerNorm",
            LayerNorm::builder([4, 5]).bias(false).build().unwrap(),
            &[("normalized_shape", sizes(&[4, 5])), ("bias", flag(false))],
            &[2, 4, 5],
        ),
        case(
            "GroupNorm",
            GroupNorm::new(2, 6),
            &[("num_groups", size(2)), ("num_channels", size(6))],
            &[2, 6, 5],
        ),
        case("RMSNorm", RMSNorm::new(5), &[("normalized_shape", sizes(&[5]))], &[2, 5]),
        case(
            "RMSNorm",
            RMSNorm::builder(5).elementwise_affine(false).build().unwrap(),
            &[("normalized_shape", sizes(&[5])), ("elementwise_affine", flag(false))],
            &[2, 5],
        ),
        case("MaxPool2d", MaxPool2d::new(2), &[("kernel", sizes(&[2, 2]))], &[2, 3, 9, 8]),
        case(
            "MaxPool2d",
            MaxPool2d::builder([3, 2])
                .stride(2)
                .padding([1, 0])
                .dilation([1, 2])
                .ceil_mode(true)
                .build()
                .unwrap(),
            &[
                ("kernel", sizes(&[3, 2])),
                ("stride", sizes(&[2, 2])),
                ("padding", sizes(&[1, 0])),
                ("dilation", sizes(&[1, 2])),
                ("ceil_mode", flag(true)),
            ],
            &[2, 3, 9, 8],
        ),
        case("AvgPool2d", AvgPool2d::new([2, 3]), &[("kernel", sizes(&[2, 3]))], &[2, 3, 9, 8]),
        case(
            "AvgPool2d",
            AvgPool2d::builder(3).padding(1).ceil_mode(true).count_include_pad(false).build().unwrap(),
            &[
                ("kernel", sizes(&[3, 3])),
                ("padding", sizes(&[1, 1])),
                ("ceil_mode", flag(true)),
                ("count_include_pad", flag(false)),
            ],
            &[2, 3, 8, 8],
        ),
        case(
            "AdaptiveAvgPool2d",
            AdaptiveAvgPool2d::new([2, 3]),
            &[("output_size", sizes(&[2, 3]))],
            &[2, 3, 9, 8],
        ),
        case("Softmax", Softmax::new(1), &[("dim", Value::Axis(1))], &[2, 3]),
        case("LogSoftmax", LogSoftmax::new(-1), &[("dim", Value::Axis(-1))], &[2, 3]),
        case("Dropout", Dropout::new(0.3), &[("p", Value::Float(0.3))], &[2, 3]),
        case("ReLU", ReLU::builder().build().unwrap(), &[], &[2, 3]),
        case("GELU", GELU::builder().build().unwrap(), &[], &[2, 3]),
        case("SiLU", SiLU::builder().build().unwrap(), &[], &[2, 3]),
        case("Tanh", Tanh::builder().build().unwrap(), &[], &[2, 3]),
        case("Sigmoid", Sigmoid::builder().build().unwrap(), &[], &[2, 3]),
        case("LeakyReLU", LeakyReLU::builder().build().unwrap(), &[], &[2, 3]),
        case("ELU", ELU::builder().build().unwrap(), &[], &[2, 3]),
    ]
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

#[test]
fn every_entry_of_the_table_is_a_layer_that_agrees_with_it() {
    let cases = cases();
    for spec in LAYERS {
        assert!(
            cases.iter().any(|(name, ..)| *name == spec.name),
            "{} stands in the table but is not tested",
            spec.name
        );
    }
    for (name, layer, given, input) in &cases {
        let spec = find(name).unwrap();
        let args = complete(spec, given);
        let expected: Vec<(String, Vec<usize>, bool)> = (spec.state)(&args)
            .unwrap()
            .into_iter()
            .map(|entry| (entry.name.to_owned(), numbers(&entry.shape), entry.is_buffer))
            .collect();
        let buffers: Vec<String> = layer.named_buffers().into_iter().map(|(name, _)| name).collect();
        let found: Vec<(String, Vec<usize>, bool)> = layer
            .state_dict()
            .iter()
            .map(|(name, tensor)| {
                (name.to_owned(), tensor.shape().to_vec(), buffers.iter().any(|b| b == name))
            })
            .collect();
        assert_eq!(found, expected, "{name}: state");

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
