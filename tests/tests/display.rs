//! Tensors print as PyTorch prints them (`goldens/display.jsonl`, made by `goldens/display.py`).

use num_complex::Complex;
use rustorch::{DType, Ellipsis, NewAxis, PrintOptions, Result, Tensor, set_print_options};
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn options(case: &Value) -> PrintOptions {
    let (given, default) = (&case["options"], PrintOptions::default());
    let count = |name: &str, default: usize| given[name].as_u64().map_or(default, |value| value as usize);
    PrintOptions {
        precision: count("precision", default.precision),
        threshold: count("threshold", default.threshold),
        edge_items: count("edgeitems", default.edge_items),
        line_width: count("linewidth", default.line_width),
        scientific: given["sci_mode"].as_bool(),
    }
}

fn tensor(case: &Value) -> Result<Tensor> {
    let dtype = DType::ALL.into_iter().find(|dtype| case["dtype"] == dtype.name()).unwrap();
    let shape: Vec<usize> =
        case["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect();
    let data = case["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let numbers = || data.iter().map(number).collect::<Vec<_>>();
    let tensor = if let Some(ramp) = case["ramp"].as_array() {
        let values =
            (0..shape.iter().product::<usize>()).map(|i| number(&ramp[0]) + number(&ramp[1]) * i as f64);
        Tensor::from_vec(values.collect::<Vec<_>>(), shape)?
    } else if dtype.is_complex() {
        let values = numbers().chunks(2).map(|pair| Complex::new(pair[0], pair[1])).collect::<Vec<_>>();
        Tensor::from_vec(values, shape)?
    } else if dtype.is_float() {
        Tensor::from_vec(numbers(), shape)?
    } else {
        Tensor::from_vec(data.iter().map(|x| x.as_i64().unwrap()).collect::<Vec<_>>(), shape)?
    };
    let tensor = tensor.to_dtype(dtype);
    match case["suffix"].as_str() {
        Some("requires_grad") => tensor.requires_grad_(true),
        Some(call) => called(call, &tensor.requires_grad_(true)?),
        None => Ok(tensor),
    }
}

/// The result of a call whose name is shown as that of the node.
fn called(call: &str, x: &Tensor) -> Result<Tensor> {
    match call {
        "mul" => x.mul(1.0),
        "square" => Ok(x.square()),
        "matmul" => x.matmul(x),
        "sum" => Ok(x.sum()),
        "sum_dim" => x.sum_dim(0, false),
        "mean" => Ok(x.mean()),
        "mean_dim" => x.mean_dim(0, false),
        "select" => x.i(0),
        "narrow" => x.narrow(0, 0, 1),
        "whole" => x.i(Ellipsis),
        "column" => x.i((.., 0)),
        "reshape" => x.reshape(4),
        "copied" => x.t()?.reshape(4),
        "view" => x.view(4),
        "flatten" => x.flatten(0, -1),
        "unflatten" => x.unflatten(0, [2, 1]),
        "squeeze" => x.unsqueeze(0)?.squeeze(()),
        "squeeze_dim" => x.unsqueeze(0)?.squeeze(0),
        "squeeze_dims" => x.i((NewAxis, NewAxis))?.squeeze([0, 1]),
        "unsqueeze" => x.unsqueeze(0),
        "transpose" => x.transpose(0, 1),
        "t" => x.t(),
        "permute" => x.permute([1, 0]),
        "clone" => Ok(x.copy()),
        "to_dtype" => Ok(x.to_dtype(DType::F64)),
        "index" => x.i(Tensor::from([0i64])),
        "fill_" => x.mul(1.0)?.fill_(2.0),
        "zero_" => x.mul(1.0)?.zero_(),
        "copy_" => x.mul(1.0)?.copy_(&Tensor::ones([2, 2])),
        "set" => {
            let y = x.mul(1.0)?;
            y.set(0, 3.0)?;
            Ok(y)
        }
        "split" => Ok(x.split(1, 0)?.remove(0)),
        "split_sizes" => Ok(x.split([1, 1], 0)?.remove(1)),
        "chunk" => Ok(x.chunk(2, 1)?.remove(1)),
        "tensor_split" => Ok(x.tensor_split(2, 0)?.remove(0)),
        "unbind" => Ok(x.unbind(1)?.remove(0)),
        "diag" => x.diag(1),
        "diag_of_vector" => x.select(0, 0)?.diag(0),
        "diag_embed" => x.diag_embed(0, -2, -1),
        "diagonal" => x.diagonal(0, 0, 1),
        "masked_select" => x.masked_select(&x.gt(1.0)?),
        "masked_fill" => x.masked_fill(&x.gt(1.0)?, 0.0),
        "masked_fill_" => x.mul(1.0)?.masked_fill_(&x.gt(1.0)?, 0.0),
        "masked_scatter_" => x.mul(1.0)?.masked_scatter_(&x.gt(1.0)?, x),
        "tril" => x.tril(0),
        "tril_" => x.mul(1.0)?.tril_(0),
        "triu_" => x.mul(1.0)?.triu_(0),
        "scatter_reduce_" => {
            let index = Tensor::from([[0i64, 0]]);
            x.mul(1.0)?.scatter_reduce_(0, &index, x, rustorch::Reduce::Sum, true)
        }
        other => panic!("an unknown call in the goldens: {other}"),
    }
}

/// One test for all cases, as the options are those of the program.
#[test]
fn as_pytorch_prints() -> Result<()> {
    let mut wrong = Vec::new();
    let goldens = include_str!("../goldens/display.jsonl");
    for line in goldens.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        set_print_options(options(&case));
        let (text, expected) = (tensor(&case)?.to_string(), case["text"].as_str().unwrap());
        if text != expected {
            wrong.push(format!("{} {}:\n{text}\ninstead of\n{expected}", case["dtype"], case["shape"]));
        }
    }
    set_print_options(PrintOptions::default());
    let count = goldens.lines().count();
    assert!(count > 400, "only {count} cases");
    assert!(
        wrong.is_empty(),
        "{} of {count} texts differ\n{}",
        wrong.len(),
        wrong[..wrong.len().min(8)].join("\n\n")
    );
    Ok(())
}

#[test]
fn debug_is_one_line() {
    assert_eq!(format!("{:?}", Tensor::zeros([2, 3])), "Tensor([2, 3], float32, cpu)");
}
