//! From items to batches.

use crate::{Element, Error, Result, Tensor, no_grad};

/// Items that can be put together into a batch (`torch.utils.data.default_collate`): tensors are stacked, numbers become
/// a vector, tuples become tuples of batches, and strings and lists are kept as lists.
///
/// ```
/// use rustorch::data::Collate;
/// let (numbers, names) = Collate::collate(vec![(1i64, "a".to_string()), (2, "b".to_string())])?;
/// assert_eq!(numbers.to_vec::<i64>()?, [1, 2]);
/// assert_eq!(names, ["a", "b"]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub trait Collate: Sized {
    /// A batch of such items.
    type Batch: Send + 'static;

    /// Puts items together.
    ///
    /// # Errors
    /// If tensors differ in shape or dtype.
    fn collate(items: Vec<Self>) -> Result<Self::Batch>;
}

impl Collate for Tensor {
    type Batch = Tensor;

    #[inline]
    fn collate(items: Vec<Self>) -> Result<Tensor> {
        let Some(first) = items.first() else {
            return Err(Error::argument("collate", "there are no tensors to stack"));
        };
        for (index, item) in items.iter().enumerate() {
            if item.shape() != first.shape() || item.dtype() != first.dtype() {
                return Err(Error::argument(
                    "collate",
                    format!(
                        "item {index} of the batch is {:?} {}, but item 0 is {:?} {}; items of a batch must agree",
                        item.shape(),
                        item.dtype(),
                        first.shape(),
                        first.dtype()
                    ),
                ));
            }
        }
        let shape: Vec<usize> = std::iter::once(items.len()).chain(first.shape().iter().copied()).collect();
        let batch = Tensor::uninit(&shape, first.dtype(), first.device())?;
        no_grad(|| {
            for (index, item) in items.iter().enumerate() {
                batch.select(0, index as isize)?.copy_(item)?;
            }
            Ok(batch)
        })
    }
}

macro_rules! numbers {
    ($($t:ty),*) => {$(
        impl Collate for $t {
            type Batch = Tensor;
            fn collate(items: Vec<Self>) -> Result<Tensor> {
                vector(&items)
            }
        }
    )*};
}
numbers!(u8, i8, i16, i32, i64, crate::f16, crate::bf16, f32, f64, bool);
#[cfg(feature = "half")]
numbers!(half::f16, half::bf16);

fn vector<T: Element>(items: &[T]) -> Result<Tensor> {
    Tensor::from_slice(items, [items.len()])
}

impl Collate for String {
    type Batch = Vec<String>;
    fn collate(items: Vec<Self>) -> Result<Vec<String>> {
        Ok(items)
    }
}

impl<T: Send + 'static> Collate for Vec<T> {
    type Batch = Vec<Vec<T>>;
    fn collate(items: Vec<Self>) -> Result<Vec<Vec<T>>> {
        Ok(items)
    }
}

macro_rules! tuples {
    ($($($name:ident $list:ident),+;)*) => {$(
        impl<$($name: Collate),+> Collate for ($($name,)+) {
            type Batch = ($($name::Batch,)+);
            #[allow(non_snake_case, reason = "the type parameters name the variables")]
            fn collate(items: Vec<Self>) -> Result<Self::Batch> {
                $(let mut $list = Vec::with_capacity(items.len());)+
                for ($($name,)+) in items {
                    $($list.push($name);)+
                }
                Ok(($($name::collate($list)?,)+))
            }
        }
    )*};
}
tuples! {
    A a;
    A a, B b;
    A a, B b, C c;
    A a, B b, C c, D d;
}
