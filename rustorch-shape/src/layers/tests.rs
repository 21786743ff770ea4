//! The tables are well-formed, and a few layers by hand.

use super::*;
use crate::args::{Fallback, Kind, Value};
use crate::{Dims, Size, functions};
use std::collections::BTreeSet;

fn resolve(layer: &LayerSpec, written: &[(&'static str, Value)]) -> Args {
    let mut args = Args::new(layer.name);
    for (name, value) in written {
        args.set(name, value.clone());
    }
    for arg in layer.args {
        if args.get(arg.name).is_none()
            && let Some(value) = arg.default_value(&args)
        {
            args.set(arg.name, value);
        }
    }
    args
}

fn size(n: usize) -> Value {
    Value::Size(Poly::constant(n))
}

#[test]
fn names_are_unique_and_defaults_resolve() {
    let mut names = BTreeSet::new();
    for layer in LAYERS {
        assert!(names.insert(layer.name), "{} is there twice", layer.name);
        check_args(layer.name, layer.args);
        assert!(layer.args.iter().filter(|arg| matches!(arg.fallback, Fallback::Inferred(_))).count() <= 1);
    }
    for function in functions::all() {
        assert!(names.insert(function.name), "{} is there twice", function.name);
        check_args(function.name, function.args);
    }
}

/// A misspelt name would assert nothing.
#[test]
fn what_must_be_positive_is_an_argument() {
    let layers = LAYERS.iter().flat_map(|layer| layer.args);
    let all: BTreeSet<_> =
        layers.chain(functions::all().flat_map(|function| function.args)).map(|arg| arg.name).collect();
    for name in crate::args::POSITIVE {
        assert!(all.contains(name), "{name}");
    }
}

fn check_args(op: &'static str, specs: &[ArgSpec]) {
    let mut names = BTreeSet::new();
    let mut args = Args::new(op);
    for arg in specs {
        assert!(names.insert(arg.name), "{op}: {} is there twice", arg.name);
        let value = arg.default_value(&args);
        assert_eq!(value.is_none(), arg.is_required(), "{op}: {}", arg.name);
        if let (Kind::Text(choices), Fallback::Text(text)) = (arg.kind, arg.fallback) {
            assert!(choices.contains(&text));
        }
        args.set(arg.name, value.unwrap_or(Value::Absent));
    }
}

#[test]
fn linear_and_convolution_declare_pytorchs_state() {
    let linear = find("Linear").unwrap();
    let args = resolve(linear, &[("in_features", size(784)), ("out_features", size(10))]);
    let state = (linear.state)(&args).unwrap();
    assert_eq!(Dims(&state[0].shape).to_string(), "[10, 784]");
    assert_eq!((state[1].name.as_ref(), state.len()), ("bias", 2));

    let conv = find("Conv2d").unwrap();
    let kernel = Value::Sizes(vec![Poly::constant(3), Poly::constant(5)]);
    let written =
        [("in_channels", size(4)), ("out_channels", size(6)), ("kernel", kernel), ("groups", size(2))];
    let args = resolve(conv, &written);
    let state = (conv.state)(&args).unwrap();
    assert_eq!(Dims(&state[0].shape).to_string(), "[6, 2, 3, 5]");
    let input = [Poly::dim("batch"), Poly::constant(4), Poly::constant(8), Poly::dim("w")];
    let output = conv.output(&args, &input, &mut Vec::new()).unwrap();
    assert_eq!(Dims(&output).to_string(), "[batch, 6, 6, w - 4]");
}

#[test]
fn a_wrong_feature_size_names_both() {
    let linear = find("Linear").unwrap();
    let args = resolve(linear, &[("in_features", size(800)), ("out_features", size(10))]);
    let input = [Poly::dim("batch"), Poly::constant(1600)];
    let error = linear.output(&args, &input, &mut Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Linear: takes 800 features, but its input [batch, 1600] has 1600 (axis 1)"
    );
}

#[test]
fn batch_norm_has_buffers() {
    let norm = find("BatchNorm2d").unwrap();
    let args = resolve(norm, &[("num_features", size(8))]);
    let state = (norm.state)(&args).unwrap();
    let names: Vec<&str> = state.iter().map(|entry| entry.name.as_ref()).collect();
    assert_eq!(names, ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]);
    assert_eq!(state.iter().filter(|entry| entry.is_buffer).count(), 3);
}
