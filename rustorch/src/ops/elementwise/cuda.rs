//! Elementwise operations on CUDA: the table's text goes to [`rustorch_cuda::Elementwise`], which compiles it for the
//! device at hand.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use parking_lot::RwLock;
use rustorch_cuda as driver;
use smallvec::SmallVec;

use super::{MAX_INPUTS, Operand, Params, Source};
use crate::cuda;
use crate::{DType, Error, Result, Scalar, Tensor};

/// A kernel is made once for each text and combination of dtypes.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    /// The texts are constants, so where they lie identifies them: the expression and the names of its inputs.
    text: (usize, usize),
    compute: driver::DType,
    output: driver::DType,
    /// The dtype of each input, none for a number.
    inputs: SmallVec<[Option<driver::DType>; MAX_INPUTS]>,
}

static KERNELS: LazyLock<RwLock<HashMap<Key, Arc<driver::Elementwise>>>> = LazyLock::new(RwLock::default);

/// Runs an entry. Numbers among the inputs become parameters of the kernel.
pub(super) fn run(
    op: &'static str,
    source: &Source,
    inputs: &[Operand<'_>],
    compute: DType,
    output: &Tensor,
    params: Params,
) -> Result<()> {
    let unavailable = || Error::Unavailable { op, device: output.device(), dtype: compute };
    let mut scalars: SmallVec<[driver::Scalar; MAX_INPUTS]> = SmallVec::new();
    let mut tensors: SmallVec<[&Tensor; MAX_INPUTS]> = SmallVec::new();
    let mut dtypes = SmallVec::new();
    for input in inputs {
        match number(input)? {
            Some(scalar) => {
                scalars.push(to_driver(scalar, compute).ok_or_else(unavailable)?);
                dtypes.push(None);
            }
            None => {
                let tensor = input.tensor().expect("what is no number is a tensor");
                tensors.push(tensor);
                dtypes.push(Some(cuda::dtype(tensor.dtype()).ok_or_else(unavailable)?));
            }
        }
    }
    let params = params[..source.params.len()].iter().map(|&value| within(value, compute));
    scalars.extend(params.map(driver::Scalar::Float));
    let key = Key {
        text: (source.expression.as_ptr() as usize, source.inputs.as_ptr() as usize),
        compute: arithmetic(compute).ok_or_else(unavailable)?,
        output: cuda::dtype(output.dtype()).ok_or_else(unavailable)?,
        inputs: dtypes,
    };
    let kernel = kernel(op, source, key, output)?;
    launch(&kernel, &tensors, &scalars, output)
}

/// Copies elements, broadcast and converted.
pub(super) fn copy(source: &Tensor, target: &Tensor) -> Result<()> {
    let unavailable =
        |tensor: &Tensor| Error::Unavailable { op: "copy", device: tensor.device(), dtype: tensor.dtype() };
    let from = cuda::dtype(source.dtype()).ok_or_else(|| unavailable(source))?;
    let to = cuda::dtype(target.dtype()).ok_or_else(|| unavailable(target))?;
    static TEXT: &str = "x";
    let text = (TEXT.as_ptr() as usize, 0);
    let key = Key { text, compute: to, output: to, inputs: SmallVec::from_slice(&[Some(from)]) };
    let kernel = cached(key, target, || driver::copy_spec(from, to))?;
    launch(&kernel, &[source], &[], target)
}

/// Writes one number to every element.
pub(crate) fn fill(target: &Tensor, value: Scalar) -> Result<()> {
    static FILL: Source = Source { inputs: &["value"], params: &[], expression: "value" };
    run("fill", &FILL, &[Operand::Scalar(value)], target.dtype(), target, Params::default())
}

fn kernel(op: &'static str, source: &Source, key: Key, output: &Tensor) -> Result<Arc<driver::Elementwise>> {
    let (compute, result, dtypes) = (key.compute, key.output, key.inputs.clone());
    cached(key, output, || {
        let names = source.inputs.iter().zip(&dtypes);
        let numbers = names.clone().filter(|(_, dtype)| dtype.is_none()).map(|(name, _)| name);
        driver::ElementwiseSpec {
            name: op.to_owned(),
            inputs: names.clone().filter_map(|(name, dtype)| Some(((*name).to_owned(), (*dtype)?))).collect(),
            params: numbers.chain(source.params).map(|name| (*name).to_owned()).collect(),
            compute,
            outputs: vec![(source.expression.to_owned(), result)],
        }
    })
}

fn cached(
    key: Key,
    output: &Tensor,
    spec: impl FnOnce() -> driver::ElementwiseSpec,
) -> Result<Arc<driver::Elementwise>> {
    if let Some(kernel) = KERNELS.read().get(&key) {
        return Ok(kernel.clone());
    }
    let made = driver::Elementwise::new(spec()).map_err(|error| cuda::from_driver(ordinal(output), error))?;
    Ok(KERNELS.write().entry(key).or_insert(Arc::new(made)).clone())
}

fn launch(
    kernel: &driver::Elementwise,
    inputs: &[&Tensor],
    scalars: &[driver::Scalar],
    output: &Tensor,
) -> Result<()> {
    type Strides = SmallVec<[isize; 8]>;
    let signed = |strides: &[usize]| -> Strides { strides.iter().map(|&stride| stride as isize).collect() };
    let shape = output.shape();
    let strides: SmallVec<[Strides; MAX_INPUTS]> =
        inputs.iter().map(|input| signed(&input.layout().broadcast_to(shape).strides)).collect();
    let target = signed(output.strides());
    let operands: SmallVec<[driver::Operand<'_>; MAX_INPUTS]> =
        inputs.iter().zip(&strides).map(|(tensor, strides)| operand(tensor, strides)).collect();
    let ordinal = ordinal(output);
    kernel
        .launch(&cuda::device(ordinal)?, shape, &operands, scalars, &[operand(output, &target)])
        .map_err(|error| cuda::from_driver(ordinal, error))
}

fn operand<'a>(tensor: &'a Tensor, strides: &'a [isize]) -> driver::Operand<'a> {
    let dtype = cuda::dtype(tensor.dtype()).expect("checked when the kernel was chosen");
    driver::Operand { buffer: tensor.storage().cuda_buffer(), dtype, offset: tensor.layout().offset, strides }
}

/// The operand as a number: it is one, or a tensor without axes in main memory, which mixes with any device.
fn number(operand: &Operand<'_>) -> Result<Option<Scalar>> {
    match operand {
        Operand::Scalar(scalar) => Ok(Some(*scalar)),
        Operand::Tensor(tensor) if tensor.device().is_cpu() => {
            if tensor.dtype().is_int() || tensor.dtype() == DType::Bool {
                return Ok(Some(Scalar::Int(tensor.item()?)));
            }
            Ok(Some(Scalar::Complex(tensor.item()?)))
        }
        Operand::Tensor(_) => Ok(None),
    }
}

/// A number as a kernel's parameter, wrapped to the dtype of the operation as on the CPU; none for one with an
/// imaginary part.
fn to_driver(scalar: Scalar, compute: DType) -> Option<driver::Scalar> {
    let integer = |value: i64| match compute {
        DType::U8 => i64::from(value as u8),
        DType::I8 => i64::from(value as i8),
        DType::I16 => i64::from(value as i16),
        DType::I32 => i64::from(value as i32),
        _ => value,
    };
    Some(match scalar {
        Scalar::Bool(value) => driver::Scalar::Int(value.into()),
        Scalar::Int(value) => driver::Scalar::Int(integer(value)),
        Scalar::Float(value) => driver::Scalar::Float(value),
        Scalar::Complex(value) if value.im == 0.0 => driver::Scalar::Float(value.re),
        Scalar::Complex(_) => return None,
    })
}

/// A parameter as the dtype of the operation holds it: small integers are computed with in a wider type, whose range is not
/// theirs. As on the CPU, what is out of range becomes the nearest number in it.
fn within(value: f64, compute: DType) -> f64 {
    match compute {
        DType::U8 => f64::from(value as u8),
        DType::I8 => f64::from(value as i8),
        DType::I16 => f64::from(value as i16),
        DType::I32 => f64::from(value as i32),
        _ => value,
    }
}

/// The type that a kernel computes in: results wrap around when they are stored, so small integers need none of their own.
fn arithmetic(compute: DType) -> Option<driver::DType> {
    Some(match compute.compute() {
        DType::F32 => driver::DType::F32,
        DType::F64 => driver::DType::F64,
        DType::I64 => driver::DType::I64,
        DType::U8 | DType::I8 | DType::I16 | DType::I32 => driver::DType::I32,
        _ => return None,
    })
}

fn ordinal(tensor: &Tensor) -> usize {
    match tensor.device() {
        crate::Device::Cuda(ordinal) => ordinal,
        crate::Device::Cpu => unreachable!("kernels are chosen by device"),
    }
}
