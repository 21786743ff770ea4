//! Tensors print as PyTorch prints them (`goldens/display.jsonl`, made by `goldens/display.py`).

use num_complex::Complex;
use rustorch::{DType, PrintOptions, Result, Tensor, set_print_options};
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
        Some("mul") => tensor.requires_grad_(true)?.mul(1.0),
        Some(other) => panic!("an unknown suffix in the goldens: {other}"),
        None => Ok(tensor),
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
