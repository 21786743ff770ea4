//! Sorting, selecting, searching and counting against PyTorch (`goldens/sort.json`, made by `goldens/sort.py`).

use rustorch::{DType, Error, Interpolation, Result, Tensor, Unique, manual_seed};
use rustorch_tests::turns::turn;
use serde_json::Value;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(number).collect()
}

fn tensor(case: &Value) -> Result<Tensor> {
    let dtype = DType::ALL.into_iter().find(|dtype| case["dtype"] == dtype.name()).unwrap();
    let shape: Vec<usize> = numbers(&case["shape"]).into_iter().map(|size| size as usize).collect();
    Ok(Tensor::from_vec(numbers(&case["data"]), shape)?.to_dtype(dtype))
}

fn close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() < 1e-9 * b.abs().max(1.0))
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).to_vec().unwrap()
}

fn list(unique: Unique) -> Vec<Tensor> {
    vec![unique.values, unique.inverse, unique.counts]
}

fn run(op: &str, inputs: &[Tensor], args: &[Value]) -> Result<Vec<Tensor>> {
    let x = &inputs[0];
    let int = |k: usize| args[k].as_i64().unwrap() as isize;
    let truth = |k: usize| args[k].as_bool().unwrap();
    let pair = |(a, b)| vec![a, b];
    Ok(match op {
        "sort" => pair(x.sort(int(0), truth(1), true)?),
        "topk" => pair(x.topk(int(0) as usize, int(1), truth(2), true)?),
        "kthvalue" => pair(x.kthvalue(int(0) as usize, int(1), false)?),
        "median" => pair(x.median_dim(int(0), false)?),
        "mode" => vec![x.mode(int(0), false)?.0],
        "cummax" => pair(x.cummax(int(0))?),
        "cummin" => pair(x.cummin(int(0))?),
        "quantile" => {
            let interpolation = match args[2].as_str().unwrap() {
                "linear" => Interpolation::Linear,
                "lower" => Interpolation::Lower,
                "higher" => Interpolation::Higher,
                "nearest" => Interpolation::Nearest,
                _ => Interpolation::Midpoint,
            };
            vec![x.quantile(number(&args[0]), Some(int(1)), false, interpolation)?]
        }
        "median_all" => vec![x.median()?],
        "quantile_of_q" => {
            let data = Tensor::from_vec(args.iter().map(number).collect::<Vec<f64>>(), args.len())?;
            vec![data.quantile(x, None, false, Interpolation::Linear)?]
        }
        "unique" => list(x.unique()?),
        "unique_dim" => list(x.unique_dim(int(0))?),
        "unique_consecutive" => list(x.unique_consecutive(None)?),
        "searchsorted" => vec![x.searchsorted(&inputs[1], truth(0))?],
        "bucketize" => vec![x.bucketize(&inputs[1], truth(0))?],
        "bincount" => vec![x.bincount(None, int(0) as usize)?],
        "bincount_weights" => vec![x.bincount(Some(&inputs[1]), int(0) as usize)?],
        "histc" => vec![x.histc(int(0) as usize, number(&args[1]), number(&args[2]))?],
        other => panic!("an unknown operation in the goldens: {other}"),
    })
}

#[test]
fn as_pytorch() -> Result<()> {
    let _turn = turn();
    let cases: Vec<Value> = serde_json::from_str(include_str!("../goldens/sort.json")).unwrap();
    assert!(cases.len() > 200, "only {} cases", cases.len());
    for (number, case) in cases.iter().enumerate() {
        let op = case["op"].as_str().unwrap();
        let args = case["args"].as_array().unwrap();
        let label = format!("case {number}, {op} {args:?}");
        let inputs: Vec<Tensor> =
            case["inputs"].as_array().unwrap().iter().map(tensor).collect::<Result<_>>()?;
        if !case["grad"].is_null() {
            inputs[0].requires_grad_(true)?;
        }
        let outputs = run(op, &inputs, args)?;
        for (k, expected) in case["outputs"].as_array().unwrap().iter().enumerate() {
            let expected = tensor(expected)?;
            assert_eq!(
                (outputs[k].shape(), outputs[k].dtype()),
                (expected.shape(), expected.dtype()),
                "{label}, output {k}"
            );
            let (got, expected) = (values(&outputs[k]), values(&expected));
            assert!(close(&got, &expected), "{label}, output {k}: {got:?} instead of {expected:?}");
        }
        if !case["grad"].is_null() {
            let weights = Tensor::arange(1, outputs[0].numel() as i64 + 1, 1)?.to_dtype(DType::F64);
            let weights = weights.reshape(outputs[0].shape())?.masked_fill(&outputs[0].isnan(), 0.0)?;
            outputs[0].backward_with(Some(&weights), Default::default())?;
            let (got, expected) = (values(&inputs[0].grad().unwrap()), numbers(&case["grad"]));
            assert!(close(&got, &expected), "{label}, gradient: {got:?} instead of {expected:?}");
        }
    }
    Ok(())
}

#[test]
fn every_dtype_sorts() -> Result<()> {
    let _turn = turn();
    manual_seed(3);
    for dtype in DType::ALL {
        let x = Tensor::randint(0, 100, [300]).to_dtype(dtype);
        let sorted = match x.sort(0, false, true) {
            Ok((sorted, _)) => values(&sorted),
            Err(error) => {
                assert!(dtype.is_complex() && matches!(error, Error::DType { .. }), "{dtype}: {error}");
                continue;
            }
        };
        let mut expected = values(&x);
        expected.sort_by(f64::total_cmp);
        assert_eq!(sorted, expected, "{dtype}");
        assert_eq!(values(&x.topk(7, 0, false, true)?.0), expected[..7], "{dtype}");
    }
    Ok(())
}

#[test]
fn bad_arguments_are_errors() -> Result<()> {
    let _turn = turn();
    let x = Tensor::zeros([2, 3]);
    let errors = [
        (x.topk(4, 1, true, true).unwrap_err(), "topk: 4 entries of axis 1 of size 3"),
        (x.kthvalue(0, 0, false).unwrap_err(), "kthvalue: k is 0"),
        (x.sort(2, false, false).unwrap_err(), "axis 2 is out of range"),
        (x.quantile(1.5, None, false, Interpolation::Linear).unwrap_err(), "1.5"),
        (Tensor::zeros([0]).median_dim(0, false).unwrap_err(), "empty"),
        (Tensor::from([1i64, -2]).bincount(None, 0).unwrap_err(), "-2"),
        (x.histc(0, 0.0, 1.0).unwrap_err(), "0 bins"),
        (Tensor::zeros([2, 3]).searchsorted(&Tensor::zeros([3, 1]), false).unwrap_err(), "[3, 1]"),
    ];
    for (error, part) in errors {
        assert!(error.to_string().contains(part), "{error} should mention {part}");
    }
    assert_eq!(Tensor::zeros([0, 3]).sort(1, false, false)?.0.shape(), [0, 3]);
    assert_eq!(Tensor::zeros([2, 0]).sort(1, false, false)?.1.shape(), [2, 0]);
    assert_eq!(Tensor::zeros([0]).unique()?.values.shape(), [0]);
    Ok(())
}

#[test]
fn integers_that_a_dtype_does_not_hold_compare_as_they_are() -> Result<()> {
    let x = Tensor::from([0u8, 253, 255]);
    assert_eq!(x.lt(-3)?.to_vec::<bool>()?, [false; 3]);
    assert_eq!(x.ge(-3)?.to_vec::<bool>()?, [true; 3]);
    assert_eq!(x.eq(-3)?.to_vec::<bool>()?, [false; 3]);
    assert_eq!(x.le(300)?.to_vec::<bool>()?, [true; 3]);
    assert_eq!(Tensor::from([-1i32, 5]).lt(1i64 << 40)?.to_vec::<bool>()?, [true; 2]);
    Ok(())
}
