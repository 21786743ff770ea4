//! Tensors in the formats of the crate `serde`: dtype, shape, and the elements in row-major order.
//!
//! Elements are written as numbers, exactly; a format that has no NaN, such as JSON, cannot hold one. For large tensors
//! there is [`serialize`](crate::serialize), which writes bytes.

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{DType, Error, Result, Shape, Tensor, TypedTensor, no_grad};

/// What is written.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Tensor")]
struct Plain {
    dtype: String,
    shape: Vec<usize>,
    data: Data,
}

/// The elements, by their kind. Complex numbers are written as pairs of floats, one after the other.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Data {
    Bool(Vec<bool>),
    Int(Vec<i64>),
    Float(Vec<f64>),
}

impl Plain {
    fn of(tensor: &Tensor) -> Result<Self> {
        let (dtype, shape) = (tensor.dtype(), tensor.shape().to_vec());
        let data = no_grad(|| match dtype {
            DType::Bool => tensor.to_vec().map(Data::Bool),
            dtype if dtype.is_int() => tensor.to_dtype(DType::I64).to_vec().map(Data::Int),
            dtype if dtype.is_complex() => {
                tensor.view_as_real()?.to_dtype(DType::F64).to_vec().map(Data::Float)
            }
            _ => tensor.to_dtype(DType::F64).to_vec().map(Data::Float),
        })?;
        Ok(Self { dtype: dtype.to_string(), shape, data })
    }

    fn into_tensor(self) -> Result<Tensor> {
        let unknown = || Error::argument("deserialize", format!("no dtype is called `{}`", self.dtype));
        let dtype = DType::ALL.into_iter().find(|dtype| dtype.name() == self.dtype).ok_or_else(unknown)?;
        let mut shape = self.shape;
        if dtype.is_complex() {
            shape.push(2);
        }
        let tensor = match self.data {
            Data::Bool(data) => Tensor::from_vec(data, shape)?,
            Data::Int(data) => Tensor::from_vec(data, shape)?,
            Data::Float(data) => Tensor::from_vec(data, shape)?,
        };
        if dtype.is_complex() {
            Ok(tensor.view_as_complex()?.to_dtype(dtype))
        } else {
            Ok(tensor.to_dtype(dtype))
        }
    }
}

impl Serialize for Tensor {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        Plain::of(self).map_err(S::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tensor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Plain::deserialize(deserializer)?.into_tensor().map_err(D::Error::custom)
    }
}

impl<S: Shape> Serialize for TypedTensor<S> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> std::result::Result<Z::Ok, Z::Error> {
        self.as_tensor().serialize(serializer)
    }
}

/// Another shape than that of the type is an error that names the axis and both sizes.
impl<'de, S: Shape> Deserialize<'de> for TypedTensor<S> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        Tensor::deserialize(deserializer)?.typed().map_err(D::Error::custom)
    }
}
