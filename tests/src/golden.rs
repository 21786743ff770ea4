//! Reads golden files; `tests/goldens/cases/writer.py` describes the format.

pub mod mutate;

use std::path::PathBuf;

use num_complex::Complex;
use rustorch::{DType, Operand, Result, Scalar, Tensor, bf16, f16, no_grad};
use serde_json::Value;

/// One call of PyTorch and what it gave.
pub struct Case {
    /// The file and line, for messages.
    pub place: String,
    /// The name in [`crate::ops`].
    pub op: String,
    inputs: Vec<Value>,
    /// The results, or `None` where PyTorch raises.
    pub outputs: Option<Vec<Stored>>,
    /// A gradient of each result, if the case is differentiated.
    pub output_grads: Option<Vec<Option<Stored>>>,
    /// The gradient of each argument that requires one.
    pub input_grads: Vec<Option<Stored>>,
    /// Whether PyTorch raises when differentiating.
    pub gradient_fails: bool,
    /// Whether finite differences apply.
    pub smooth: bool,
    blobs: std::sync::Arc<Vec<String>>,
}

/// A tensor of the file.
#[derive(Clone)]
pub struct Stored {
    /// The values, contiguous.
    pub values: Tensor,
    /// The strides that PyTorch's result had, if they are not those of row-major order.
    pub strides: Option<Vec<usize>>,
}

/// The arguments of one call, some of them leaves that require gradients.
pub struct Args {
    args: Vec<Arg>,
    /// The tensors whose gradients the case gives, in order.
    pub leaves: Vec<Tensor>,
}

enum Arg {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Complex(Complex<f64>),
    Text(String),
    Tensor(Tensor),
    List(Vec<Arg>),
}

/// The cases of a golden file.
///
/// # Panics
/// If the file is not there or not in the format.
pub fn read(name: &str) -> Vec<Case> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("goldens").join(format!("{name}.jsonl"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a golden file holds JSON lines"))
        .collect();
    let blobs = lines.iter().filter_map(|line| Some(line.get("blob")?.as_str()?.to_string()));
    let blobs = std::sync::Arc::new(blobs.collect::<Vec<_>>());
    let numbered = lines.iter().enumerate().filter(|(_, line)| line.get("blob").is_none());
    numbered.map(|(index, line)| case(format!("{name}.jsonl:{}", index + 1), line, &blobs)).collect()
}

fn case(place: String, line: &Value, blobs: &std::sync::Arc<Vec<String>>) -> Case {
    let list = |key: &str| line.get(key).and_then(Value::as_array);
    let optional = |values: &Vec<Value>| -> Vec<Option<Stored>> {
        values.iter().map(|value| (!value.is_null()).then(|| stored(value, blobs))).collect()
    };
    Case {
        place,
        op: line["op"].as_str().expect("a case has an op").to_string(),
        inputs: list("in").expect("a case has arguments").clone(),
        outputs: list("out").map(|values| values.iter().map(|value| stored(value, blobs)).collect()),
        output_grads: list("gout").map(optional),
        input_grads: list("gin").map(optional).unwrap_or_default(),
        gradient_fails: line.get("gerror").is_some(),
        smooth: line.get("fd").is_some(),
        blobs: blobs.clone(),
    }
}

impl Case {
    /// The arguments, made anew, so that calls do not see one another's gradients and writes.
    pub fn args(&self) -> Args {
        self.args_from(&mut Leaves { given: None, used: Vec::new() })
    }

    /// The arguments, computed from other values of the tensors that require gradients.
    pub fn args_at(&self, points: &[Tensor]) -> Args {
        self.args_from(&mut Leaves { given: Some(points), used: Vec::new() })
    }

    fn args_from(&self, leaves: &mut Leaves<'_>) -> Args {
        let in_place = self.op.ends_with('_');
        let args = self.inputs.iter().enumerate();
        let args = args.map(|(index, value)| self.arg(value, in_place && index == 0, leaves)).collect();
        Args { args, leaves: std::mem::take(&mut leaves.used) }
    }

    /// The arguments as a person would write them, for messages.
    pub fn describe(&self) -> String {
        let describe = |value: &Value| match value {
            Value::Object(object) if object.contains_key("t") => {
                let layout =
                    object.get("l").map_or(String::new(), |l| format!(" {}", l.as_str().unwrap_or("")));
                format!("{}{}{layout}", object["t"].as_str().unwrap_or("?"), object["s"])
            }
            Value::Object(object) => object.values().next().map_or(String::new(), ToString::to_string),
            other => other.to_string(),
        };
        self.inputs.iter().map(describe).collect::<Vec<_>>().join(", ")
    }

    fn arg(&self, value: &Value, overwritten: bool, leaves: &mut Leaves<'_>) -> Arg {
        match value {
            Value::Null => Arg::None,
            Value::Bool(value) => Arg::Bool(*value),
            Value::Number(value) => Arg::Int(value.as_i64().expect("floats are written as objects")),
            Value::String(text) => Arg::Text(text.clone()),
            Value::Array(items) => {
                Arg::List(items.iter().map(|item| self.arg(item, false, leaves)).collect())
            }
            Value::Object(object) => {
                if let Some(float) = object.get("f") {
                    return Arg::Float(float_of(float));
                }
                if let Some(parts) = object.get("c") {
                    return Arg::Complex(Complex::new(float_of(&parts[0]), float_of(&parts[1])));
                }
                let values = stored(value, &self.blobs).values;
                let layout = object.get("l").and_then(Value::as_str);
                let tensor = argument(values, layout, object.contains_key("g"), overwritten, leaves);
                Arg::Tensor(tensor.expect("arguments of golden files can be laid out"))
            }
        }
    }
}

/// The tensors of a call that require gradients.
struct Leaves<'a> {
    /// Values to use in place of the file's.
    given: Option<&'a [Tensor]>,
    used: Vec<Tensor>,
}

/// A tensor argument. One that is overwritten is not a leaf but computed from one, laid out by recorded views, so that
/// its case also differentiates through them.
fn argument(
    values: Tensor,
    layout: Option<&str>,
    grad: bool,
    overwritten: bool,
    leaves: &mut Leaves<'_>,
) -> Result<Tensor> {
    if let (true, Some(given)) = (grad, leaves.given) {
        let leaf = given[leaves.used.len()].clone();
        leaves.used.push(leaf.clone());
        return lay_out(&if overwritten { leaf.copy() } else { leaf }, layout);
    }
    if overwritten {
        if grad {
            values.requires_grad_(true)?;
            leaves.used.push(values.clone());
        }
        return lay_out(&values.copy(), layout);
    }
    let tensor = no_grad(|| lay_out(&values, layout))?;
    if grad {
        tensor.requires_grad_(true)?;
        leaves.used.push(tensor.clone());
    }
    Ok(tensor)
}

fn lay_out(values: &Tensor, layout: Option<&str>) -> Result<Tensor> {
    let Some((kind, numbers)) = layout.and_then(|layout| layout.split_once(':')) else {
        return Ok(values.clone());
    };
    let numbers: Vec<usize> = numbers.split(',').map(|n| n.parse().expect("a number")).collect();
    match kind {
        "p" => {
            let mut inverse = vec![0; numbers.len()];
            numbers.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
            values.permute(inverse)?.copy().permute(numbers)
        }
        "s" => {
            let (axis, step) = (numbers[0] as isize, numbers[1]);
            let mut shape = values.shape().to_vec();
            shape[numbers[0]] = shape[numbers[0]] * step + 1;
            let base = Tensor::zeros_with(shape, values.dtype());
            base.slice(axis, 1, isize::MAX, step)?.copy_(values)?;
            base.slice(axis, 1, isize::MAX, step)
        }
        "a" => {
            let (offset, strides) = (numbers[0], &numbers[1..]);
            let span: usize = values
                .shape()
                .iter()
                .zip(strides)
                .map(|(&size, &stride)| size.saturating_sub(1) * stride)
                .sum();
            let places =
                Tensor::arange(0, offset + span + 1, 1)?.as_strided(values.shape(), strides, offset)?;
            let base = Tensor::zeros_with([offset + span + 1], values.dtype());
            let base = base.index_copy(0, &places.reshape(-1)?, &values.reshape(-1)?)?;
            base.as_strided(values.shape(), strides, offset)
        }
        "e" => values.narrow(numbers[0] as isize, 0, 1)?.copy().expand(values.shape()),
        other => panic!("unknown layout {other}"),
    }
}

fn float_of(value: &Value) -> f64 {
    value.as_str().and_then(|text| text.parse().ok()).expect("a float is written as text")
}

fn stored(value: &Value, blobs: &[String]) -> Stored {
    let sizes = |key: &str| -> Option<Vec<usize>> {
        let sizes = value.get(key)?.as_array()?;
        Some(sizes.iter().map(|size| size.as_u64().expect("a size") as usize).collect())
    };
    let text = match &value["d"] {
        Value::String(text) => text.as_str(),
        number => &blobs[number.as_u64().expect("the number of a blob") as usize],
    };
    let digit = |c: u8| (c as char).to_digit(16).expect("hexadecimal digits") as u8;
    let bytes: Vec<u8> = text.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect();
    let shape = sizes("s").expect("a tensor has a shape");
    let values = from_bytes(&bytes, dtype(value["t"].as_str().expect("a tensor has a dtype")), shape);
    Stored { values: values.expect("as many values as the shape has"), strides: sizes("st") }
}

/// The dtype with the golden files' short name.
///
/// # Panics
/// If there is none.
pub fn dtype(name: &str) -> DType {
    use DType::*;
    let names = ["u8", "i8", "i16", "i32", "i64", "f16", "bf16", "f32", "f64", "bool", "c64", "c128"];
    let dtypes = [U8, I8, I16, I32, I64, F16, BF16, F32, F64, Bool, Complex64, Complex128];
    let position = names.iter().position(|known| *known == name);
    dtypes[position.unwrap_or_else(|| panic!("unknown dtype {name}"))]
}

fn from_bytes(bytes: &[u8], dtype: DType, shape: Vec<usize>) -> Result<Tensor> {
    macro_rules! read {
        ($t:ty) => {{
            let item = |chunk: &[u8]| <$t>::from_le_bytes(chunk.try_into().expect("whole elements"));
            Tensor::from_vec(bytes.chunks(size_of::<$t>()).map(item).collect::<Vec<$t>>(), shape)
        }};
        (complex $t:ty) => {{
            let half = size_of::<$t>();
            let part = |chunk: &[u8]| <$t>::from_le_bytes(chunk.try_into().expect("whole elements"));
            let item = |chunk: &[u8]| Complex::new(part(&chunk[..half]), part(&chunk[half..]));
            Tensor::from_vec(bytes.chunks(2 * half).map(item).collect::<Vec<Complex<$t>>>(), shape)
        }};
    }
    match dtype {
        DType::U8 => read!(u8),
        DType::I8 => read!(i8),
        DType::I16 => read!(i16),
        DType::I32 => read!(i32),
        DType::I64 => read!(i64),
        DType::F16 => read!(f16),
        DType::BF16 => read!(bf16),
        DType::F32 => read!(f32),
        DType::F64 => read!(f64),
        DType::Bool => Tensor::from_vec(bytes.iter().map(|&byte| byte != 0).collect::<Vec<bool>>(), shape),
        DType::Complex64 => read!(complex f32),
        DType::Complex128 => read!(complex f64),
    }
}

/// Access to the arguments by position. A wrong type is a mistake in the table of operations, so these panic.
#[allow(missing_docs, reason = "each returns the argument as the type in its name")]
impl Args {
    pub fn len(&self) -> usize {
        self.args.len()
    }

    pub fn is_empty(&self) -> bool {
        self.args.is_empty()
    }

    /// The arguments as they are, for messages.
    pub fn describe(&self) -> String {
        self.args.iter().map(Arg::describe).collect::<Vec<_>>().join(", ")
    }

    pub fn is_none(&self, at: usize) -> bool {
        matches!(self.args.get(at), None | Some(Arg::None))
    }

    pub fn is_tensor(&self, at: usize) -> bool {
        matches!(self.args[at], Arg::Tensor(_))
    }

    pub fn tensor(&self, at: usize) -> &Tensor {
        self.args[at].tensor()
    }

    pub fn tensor_or_none(&self, at: usize) -> Option<&Tensor> {
        (!self.is_none(at)).then(|| self.tensor(at))
    }

    pub fn tensors(&self, at: usize) -> Vec<Tensor> {
        self.list(at).iter().map(|arg| arg.tensor().clone()).collect()
    }

    pub fn operand(&self, at: usize) -> Operand<'_> {
        match &self.args[at] {
            Arg::Tensor(tensor) => tensor.into(),
            other => other.scalar().into(),
        }
    }

    pub fn scalar(&self, at: usize) -> Scalar {
        self.args[at].scalar()
    }

    pub fn f64(&self, at: usize) -> f64 {
        self.scalar(at).to_f64()
    }

    pub fn f64_or_none(&self, at: usize) -> Option<f64> {
        (!self.is_none(at)).then(|| self.f64(at))
    }

    pub fn int(&self, at: usize) -> isize {
        self.args[at].int()
    }

    pub fn int_or_none(&self, at: usize) -> Option<isize> {
        (!self.is_none(at)).then(|| self.int(at))
    }

    pub fn size(&self, at: usize) -> usize {
        usize::try_from(self.int(at)).expect("a size")
    }

    pub fn bool(&self, at: usize) -> bool {
        let Arg::Bool(value) = self.args[at] else { panic!("argument {at} is not a bool") };
        value
    }

    pub fn text(&self, at: usize) -> &str {
        let Arg::Text(text) = &self.args[at] else { panic!("argument {at} is not a text") };
        text
    }

    pub fn ints(&self, at: usize) -> Vec<isize> {
        match &self.args[at] {
            Arg::Int(value) => vec![*value as isize],
            Arg::List(items) => items.iter().map(Arg::int).collect(),
            _ => panic!("argument {at} is not a list of integers"),
        }
    }

    pub fn sizes(&self, at: usize) -> Vec<usize> {
        self.ints(at).into_iter().map(|size| usize::try_from(size).expect("a size")).collect()
    }

    /// A list of sizes, some of which may be missing.
    pub fn sizes_or_none(&self, at: usize) -> Vec<Option<usize>> {
        let size =
            |arg: &Arg| (!matches!(arg, Arg::None)).then(|| usize::try_from(arg.int()).expect("a size"));
        self.list(at).iter().map(size).collect()
    }

    /// A list of tensors, some of which may be missing.
    pub fn tensors_or_none(&self, at: usize) -> Vec<Option<Tensor>> {
        let tensor = |arg: &Arg| (!matches!(arg, Arg::None)).then(|| arg.tensor().clone());
        self.list(at).iter().map(tensor).collect()
    }

    pub fn is_list(&self, at: usize) -> bool {
        matches!(self.args[at], Arg::List(_))
    }

    pub fn array<const N: usize>(&self, at: usize) -> [usize; N] {
        self.sizes(at).try_into().expect("as many sizes as axes")
    }

    pub fn is_text(&self, at: usize) -> bool {
        matches!(self.args[at], Arg::Text(_))
    }

    fn list(&self, at: usize) -> &[Arg] {
        let Arg::List(items) = &self.args[at] else { panic!("argument {at} is not a list") };
        items
    }
}

impl Arg {
    fn describe(&self) -> String {
        match self {
            Arg::None => "none".into(),
            Arg::Bool(value) => value.to_string(),
            Arg::Int(value) => value.to_string(),
            Arg::Float(value) => format!("{value:?}"),
            Arg::Complex(value) => value.to_string(),
            Arg::Text(text) => format!("{text:?}"),
            Arg::Tensor(tensor) => format!("{tensor:?} {:?}", tensor.strides()),
            Arg::List(items) => {
                format!("[{}]", items.iter().map(Arg::describe).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn tensor(&self) -> &Tensor {
        let Arg::Tensor(tensor) = self else { panic!("the argument is not a tensor") };
        tensor
    }

    fn int(&self) -> isize {
        let Arg::Int(value) = self else { panic!("the argument is not an integer") };
        *value as isize
    }

    fn scalar(&self) -> Scalar {
        match self {
            Arg::Bool(value) => Scalar::Bool(*value),
            Arg::Int(value) => Scalar::Int(*value),
            Arg::Float(value) => Scalar::Float(*value),
            Arg::Complex(value) => Scalar::Complex(*value),
            _ => panic!("the argument is not a number"),
        }
    }
}
