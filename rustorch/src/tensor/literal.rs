//! Tensors from numbers written in the program.

use num_complex::Complex;

use crate::error::expect;
use crate::{DType, Element, Tensor, bf16, f16};

/// Numbers and nested arrays or vectors of them.
pub trait TensorData {
    /// The innermost numbers.
    type Item: Element;
    /// The lengths of the nested arrays, outermost first; `None` if rows differ in length.
    fn shape(&self) -> Option<Vec<usize>>;
    /// Appends the numbers in row-major order.
    fn collect_into(&self, items: &mut Vec<Self::Item>);
}

macro_rules! numbers {
    ($($t:ty),*) => {$(
        impl TensorData for $t {
            type Item = $t;
            fn shape(&self) -> Option<Vec<usize>> { Some(Vec::new()) }
            fn collect_into(&self, items: &mut Vec<$t>) { items.push(*self); }
        }
    )*};
}
numbers!(u8, i8, i16, i32, i64, f16, bf16, f32, f64, bool, Complex<f32>, Complex<f64>);
#[cfg(feature = "half")]
numbers!(half::f16, half::bf16);

impl<T: TensorData> TensorData for [T] {
    type Item = T::Item;
    fn shape(&self) -> Option<Vec<usize>> {
        let mut shape = vec![self.len()];
        if let Some(first) = self.first() {
            let inner = first.shape()?;
            if self.iter().any(|item| item.shape().as_ref() != Some(&inner)) {
                return None;
            }
            shape.extend(inner);
        }
        Some(shape)
    }
    fn collect_into(&self, items: &mut Vec<T::Item>) {
        self.iter().for_each(|item| item.collect_into(items));
    }
}

macro_rules! delegate {
    ($([$($generics:tt)*] $t:ty;)*) => {$(
        impl<$($generics)*> TensorData for $t {
            type Item = T::Item;
            fn shape(&self) -> Option<Vec<usize>> { self.as_slice().shape() }
            fn collect_into(&self, items: &mut Vec<T::Item>) { self.as_slice().collect_into(items); }
        }
        impl<$($generics)*> From<$t> for Tensor {
            /// # Panics
            /// If rows differ in length.
            #[track_caller]
            fn from(data: $t) -> Tensor { from_data(&data) }
        }
    )*};
}
delegate! {
    [T: TensorData, const N: usize] [T; N];
    [T: TensorData] Vec<T>;
}

#[track_caller]
fn from_data<D: TensorData + ?Sized>(data: &D) -> Tensor {
    let Some(shape) = data.shape() else { panic!("tensor: rows differ in length") };
    let mut items = Vec::new();
    data.collect_into(&mut items);
    expect(Tensor::from_vec(items, shape))
}

/// Behind `tensor!`: as [`Tensor::from`], but `f64` becomes `F32` and `i32` becomes `I64`, which are the types that
/// PyTorch gives the literals `1.0` and `1`.
#[doc(hidden)]
#[track_caller]
pub fn from_literal<D: TensorData>(data: D) -> Tensor {
    let tensor = from_data(&data);
    match tensor.dtype() {
        DType::F64 => tensor.to_dtype(DType::F32),
        DType::I32 => tensor.to_dtype(DType::I64),
        _ => tensor,
    }
}

/// A tensor of numbers written in place (`torch.tensor`). Unsuffixed literals get PyTorch's types, `F32` and `I64`; use
/// [`Tensor::from`] to keep Rust's.
///
/// ```
/// use rustorch::{DType, tensor};
/// let x = tensor!([[1.0, 2.0], [3.0, 4.0]]);
/// assert_eq!((x.shape(), x.dtype()), ([2, 2].as_slice(), DType::F32));
/// assert_eq!(tensor!([1, 2]).dtype(), DType::I64);
/// assert_eq!(tensor!(2.5).rank(), 0);
/// ```
#[macro_export]
macro_rules! tensor {
    ($data:expr) => {
        $crate::__private::from_literal($data)
    };
}
