//! Saving and loading tensors as safetensors, the format of the Hugging Face hub.
//!
//! Files are written whole or not at all: into a temporary file beside the target, flushed to the disk, then renamed.

mod atomic;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use safetensors::{Dtype, SafeTensors, View};

use crate::dtype::dispatch;
use crate::nn::StateDict;
use crate::{DType, Error, Result, Tensor, no_grad};

pub use atomic::write_atomically;

/// Writes tensors to a file, whole or not at all.
///
/// # Errors
/// If a tensor cannot be read, or the file cannot be written; a file of that name stays as it was then.
///
/// ```
/// use rustorch::{Tensor, nn::StateDict, serialize};
/// let path = std::env::temp_dir().join("rustorch-doc-save.safetensors");
/// let state: StateDict = [("w".to_string(), Tensor::from([1.0f32, 2.0]))].into_iter().collect();
/// serialize::save(&path, &state)?;
/// assert_eq!(serialize::load(&path)?.get("w").unwrap().to_vec::<f32>()?, [1.0, 2.0]);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn save(path: impl AsRef<Path>, tensors: &StateDict) -> Result<()> {
    save_with_metadata(path, tensors, HashMap::new())
}

/// [`save`] with words about the file, such as where it comes from.
///
/// # Errors
/// As [`save`].
pub fn save_with_metadata(
    path: impl AsRef<Path>,
    tensors: &StateDict,
    metadata: HashMap<String, String>,
) -> Result<()> {
    let path = path.as_ref();
    let entries =
        tensors.iter().map(|(name, tensor)| Ok((name, Entry::new(tensor)?))).collect::<Result<Vec<_>>>()?;
    let metadata = (!metadata.is_empty()).then(|| metadata.into_iter().collect());
    let bytes = safetensors::serialize(entries, metadata).map_err(|error| format_error(path, error))?;
    write_atomically(path, &bytes)
}

/// Reads all tensors of a file, in the order of their names.
///
/// # Errors
/// If the file cannot be read, is cut off or no safetensors file, or has a dtype that tensors cannot have.
pub fn load(path: impl AsRef<Path>) -> Result<StateDict> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|error| Error::io(path, &error))?;
    from_bytes(&bytes, path)
}

/// The words that [`save_with_metadata`] put into a file.
///
/// # Errors
/// As [`load`].
pub fn load_metadata(path: impl AsRef<Path>) -> Result<HashMap<String, String>> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|error| Error::io(path, &error))?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|error| format_error(path, error))?;
    Ok(header.metadata().clone().unwrap_or_default().into_iter().collect())
}

fn from_bytes(bytes: &[u8], path: &Path) -> Result<StateDict> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| format_error(path, error))?;
    let mut names = file.names();
    names.sort_unstable();
    let mut state = StateDict::new();
    for name in names {
        let view = file.tensor(name).map_err(|error| format_error(path, error))?;
        let dtype = dtype_of(view.dtype()).ok_or_else(|| Error::Format {
            path: path.display().to_string(),
            message: format!("tensor `{name}` has the dtype {:?}, which is not supported", view.dtype()),
        })?;
        state.insert(name, tensor_from(dtype, view.shape(), view.data(), name, path)?);
    }
    Ok(state)
}

/// A tensor of the bytes of a file, whose number the format has checked.
fn tensor_from(dtype: DType, shape: &[usize], bytes: &[u8], name: &str, path: &Path) -> Result<Tensor> {
    if dtype == DType::Bool {
        if let Some(bad) = bytes.iter().find(|&&byte| byte > 1) {
            return Err(Error::Format {
                path: path.display().to_string(),
                message: format!(
                    "tensor `{name}` is bool but holds the byte {bad}; only 0 and 1 are truth values"
                ),
            });
        }
        let values: Vec<bool> = bytes.iter().map(|&byte| byte == 1).collect();
        return Tensor::from_vec(values, shape.to_vec());
    }
    dispatch!(@arms dtype, T, Tensor::from_vec(elements::<T>(bytes), shape.to_vec()), [
        U8 = u8, I8 = i8, I16 = i16, I32 = i32, I64 = i64, F16 = crate::f16, BF16 = crate::bf16, F32 = f32, F64 = f64,
        Complex64 = num_complex::Complex<f32>
    ], Err(Error::DType { op: "load", dtype, expected: "a dtype of the safetensors format" }))
}

/// Bytes as elements. They lie in the file at any address, so they are copied.
fn elements<T: bytemuck::Pod>(bytes: &[u8]) -> Vec<T> {
    let mut elements = vec![T::zeroed(); bytes.len() / size_of::<T>()];
    bytemuck::cast_slice_mut::<T, u8>(&mut elements).copy_from_slice(bytes);
    elements
}

/// A tensor on its way into a file.
struct Entry {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Entry {
    fn new(tensor: &Tensor) -> Result<Self> {
        let host = no_grad(|| tensor.to_host())?;
        let bytes =
            dispatch!(host.dtype(), T => bytemuck::cast_slice::<T, u8>(&host.to_vec::<T>()?).to_vec());
        Ok(Self { dtype: dtype_in_file(tensor.dtype())?, shape: tensor.shape().to_vec(), bytes })
    }
}

impl View for Entry {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

/// The dtypes that the format and tensors share.
const DTYPES: [(DType, Dtype); 11] = [
    (DType::U8, Dtype::U8),
    (DType::I8, Dtype::I8),
    (DType::I16, Dtype::I16),
    (DType::I32, Dtype::I32),
    (DType::I64, Dtype::I64),
    (DType::F16, Dtype::F16),
    (DType::BF16, Dtype::BF16),
    (DType::F32, Dtype::F32),
    (DType::F64, Dtype::F64),
    (DType::Bool, Dtype::BOOL),
    (DType::Complex64, Dtype::C64),
];

fn dtype_in_file(dtype: DType) -> Result<Dtype> {
    let found = DTYPES.iter().find(|(own, _)| *own == dtype);
    found.map(|(_, dtype)| *dtype).ok_or(Error::DType {
        op: "save",
        dtype,
        expected: "a dtype of the safetensors format, which is any but complex128",
    })
}

fn dtype_of(dtype: Dtype) -> Option<DType> {
    DTYPES.iter().find(|(_, other)| *other == dtype).map(|(own, _)| *own)
}

fn format_error(path: &Path, error: safetensors::SafeTensorError) -> Error {
    Error::Format {
        path: path.display().to_string(),
        message: format!("not a safetensors file, or one that is damaged: {error}"),
    }
}
