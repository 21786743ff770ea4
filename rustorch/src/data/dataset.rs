//! What can be asked for items by number.

use std::sync::Arc;

use super::Collate;
use crate::random::Generator;
use crate::{Error, Result, Tensor, no_grad};

/// A known number of items, each found by its index (`torch.utils.data.Dataset`).
///
/// ```
/// use rustorch::{Result, data::Dataset};
/// struct Squares(usize);
/// impl Dataset for Squares {
///     type Item = (f32, f32);
///     fn len(&self) -> usize {
///         self.0
///     }
///     fn get(&self, index: usize) -> Result<(f32, f32)> {
///         Ok((index as f32, (index * index) as f32))
///     }
/// }
/// assert_eq!(Squares(5).get(3)?, (3.0, 9.0));
/// # Ok::<(), rustorch::Error>(())
/// ```
pub trait Dataset: Send + Sync {
    /// An item.
    type Item: Send;

    /// The number of items.
    fn len(&self) -> usize;

    /// An item; the index is below [`Dataset::len`] when a loader asks.
    ///
    /// # Errors
    /// If the item cannot be read, or there is none.
    fn get(&self, index: usize) -> Result<Self::Item>;

    /// A batch of items. Datasets that hold tensors override this to make it in one go.
    ///
    /// # Errors
    /// If an item cannot be read, or the items do not fit together.
    fn batch(&self, indices: &[usize]) -> Result<<Self::Item as Collate>::Batch>
    where
        Self::Item: Collate,
    {
        Collate::collate(indices.iter().map(|&index| self.get(index)).collect::<Result<Vec<_>>>()?)
    }

    /// Whether there are no items.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The dataset with every item passed through a function: a transform.
    fn map<F, T>(self, transform: F) -> Map<Self, F>
    where
        Self: Sized,
        F: Fn(Self::Item) -> Result<T> + Send + Sync,
        T: Send,
    {
        Map { dataset: self, transform }
    }
}

impl<D: Dataset + ?Sized> Dataset for Arc<D> {
    type Item = D::Item;
    fn len(&self) -> usize {
        (**self).len()
    }
    fn get(&self, index: usize) -> Result<Self::Item> {
        (**self).get(index)
    }
    fn batch(&self, indices: &[usize]) -> Result<<Self::Item as Collate>::Batch>
    where
        Self::Item: Collate,
    {
        (**self).batch(indices)
    }
}

/// One tensor or a tuple of up to four: what a [`TensorDataset`] holds.
pub trait Tensors: Clone + Send + Sync + 'static {
    /// The tensors, to be checked.
    fn list(&self) -> Vec<&Tensor>;
    /// The tensors with each replaced by a part of it.
    ///
    /// # Errors
    /// Those of the function.
    fn each(&self, part: &dyn Fn(&Tensor) -> Result<Tensor>) -> Result<Self>;
}

impl Tensors for Tensor {
    #[inline]
    fn list(&self) -> Vec<&Tensor> {
        vec![self]
    }
    #[inline]
    fn each(&self, part: &dyn Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
        part(self)
    }
}

macro_rules! tuples {
    ($($($index:tt $tensor:ident),+;)*) => {$(
        impl Tensors for ($($tensor,)+) {
            fn list(&self) -> Vec<&Tensor> {
                vec![$(&self.$index),+]
            }
            fn each(&self, part: &dyn Fn(&Tensor) -> Result<Tensor>) -> Result<Self> {
                Ok(($(part(&self.$index)?,)+))
            }
        }
    )*};
}
tuples! {
    0 Tensor, 1 Tensor;
    0 Tensor, 1 Tensor, 2 Tensor;
    0 Tensor, 1 Tensor, 2 Tensor, 3 Tensor;
}

/// Tensors whose first axis counts the items (`torch.utils.data.TensorDataset`).
///
/// ```
/// use rustorch::{Tensor, data::{Dataset, TensorDataset}};
/// let data = TensorDataset::new((Tensor::from([[1.0f32], [2.0]]), Tensor::from([7i64, 8])))?;
/// let (x, y) = data.get(1)?;
/// assert_eq!((x.item::<f32>()?, y.item::<i64>()?), (2.0, 8));
/// # Ok::<(), rustorch::Error>(())
/// ```
pub struct TensorDataset<T> {
    tensors: T,
    len: usize,
}

impl<T: Tensors> TensorDataset<T> {
    /// A dataset of one tensor or a tuple of them.
    ///
    /// # Errors
    /// If a tensor has no axes, or the first axes differ in size.
    pub fn new(tensors: T) -> Result<Self> {
        let mut len = None;
        for (index, tensor) in tensors.list().into_iter().enumerate() {
            let Some(&size) = tensor.shape().first() else {
                return Err(Error::argument("TensorDataset", format!("tensor {index} has no axes")));
            };
            if *len.get_or_insert(size) != size {
                return Err(Error::argument(
                    "TensorDataset",
                    format!(
                        "tensor {index} has {size} items, but tensor 0 has {} (axis 0)",
                        len.unwrap_or(0)
                    ),
                ));
            }
        }
        Ok(Self { tensors, len: len.unwrap_or(0) })
    }

    /// The tensors.
    pub fn tensors(&self) -> &T {
        &self.tensors
    }
}

impl<T: Tensors + Collate<Batch = T>> Dataset for TensorDataset<T> {
    type Item = T;

    fn len(&self) -> usize {
        self.len
    }

    fn get(&self, index: usize) -> Result<T> {
        check_index("TensorDataset", index, self.len)?;
        self.tensors.each(&|tensor| tensor.select(0, index as isize))
    }

    fn batch(&self, indices: &[usize]) -> Result<T> {
        for &index in indices {
            check_index("TensorDataset", index, self.len)?;
        }
        let index = index_tensor(indices)?;
        no_grad(|| self.tensors.each(&|tensor| tensor.index_select(0, &index)))
    }
}

/// Indices as a tensor.
pub(crate) fn index_tensor(indices: &[usize]) -> Result<Tensor> {
    Tensor::from_vec(indices.iter().map(|&index| index as i64).collect(), [indices.len()])
}

pub(crate) fn check_index(op: &'static str, index: usize, len: usize) -> Result<()> {
    if index < len {
        return Ok(());
    }
    Err(Error::Index { op, index: index as i64, axis: 0, size: len })
}

/// A dataset whose items pass through a function; made by [`Dataset::map`].
pub struct Map<D, F> {
    dataset: D,
    transform: F,
}

impl<D, F, T> Dataset for Map<D, F>
where
    D: Dataset,
    F: Fn(D::Item) -> Result<T> + Send + Sync,
    T: Send,
{
    type Item = T;
    fn len(&self) -> usize {
        self.dataset.len()
    }
    fn get(&self, index: usize) -> Result<T> {
        (self.transform)(self.dataset.get(index)?)
    }
}

/// Some items of a dataset, which it shares with others (`torch.utils.data.Subset`).
#[derive(Clone)]
pub struct Subset<D> {
    dataset: Arc<D>,
    indices: Vec<usize>,
}

impl<D: Dataset> Subset<D> {
    /// The items with these indices, in this order.
    ///
    /// # Errors
    /// If an index is not below the dataset's length.
    pub fn new(dataset: D, indices: Vec<usize>) -> Result<Self> {
        let dataset = Arc::new(dataset);
        for &index in &indices {
            check_index("Subset", index, dataset.len())?;
        }
        Ok(Self { dataset, indices })
    }

    /// The indices.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    fn at(&self, index: usize) -> Result<usize> {
        check_index("Subset", index, self.indices.len())?;
        Ok(self.indices[index])
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    type Item = D::Item;
    fn len(&self) -> usize {
        self.indices.len()
    }
    fn get(&self, index: usize) -> Result<Self::Item> {
        self.dataset.get(self.at(index)?)
    }
    fn batch(&self, indices: &[usize]) -> Result<<Self::Item as Collate>::Batch>
    where
        Self::Item: Collate,
    {
        let indices = indices.iter().map(|&index| self.at(index)).collect::<Result<Vec<_>>>()?;
        self.dataset.batch(&indices)
    }
}

/// Datasets one after another (`torch.utils.data.ConcatDataset`).
pub struct ConcatDataset<D> {
    datasets: Vec<D>,
    /// The number of items up to and including each dataset.
    ends: Vec<usize>,
}

impl<D: Dataset> ConcatDataset<D> {
    /// All items of all datasets.
    ///
    /// # Errors
    /// If there are no datasets.
    pub fn new(datasets: Vec<D>) -> Result<Self> {
        if datasets.is_empty() {
            return Err(Error::argument("ConcatDataset", "there are no datasets to concatenate"));
        }
        let mut end = 0;
        let ends = datasets
            .iter()
            .map(|dataset| {
                end += dataset.len();
                end
            })
            .collect();
        Ok(Self { datasets, ends })
    }
}

impl<D: Dataset> Dataset for ConcatDataset<D> {
    type Item = D::Item;
    fn len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }
    fn get(&self, index: usize) -> Result<Self::Item> {
        check_index("ConcatDataset", index, self.len())?;
        let which = self.ends.partition_point(|&end| end <= index);
        let start = which.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.datasets[which].get(index - start)
    }
}

/// Splits a dataset at random into parts of the given sizes (`torch.utils.data.random_split`).
///
/// # Errors
/// If the sizes do not add up to the dataset's length.
///
/// ```
/// use rustorch::{Tensor, data::{Dataset, TensorDataset, random_split}, random::Generator};
/// let data = TensorDataset::new(Tensor::zeros([10, 3]))?;
/// let [train, test] = &random_split(data, &[8, 2], &Generator::new(0))?[..] else { unreachable!() };
/// assert_eq!((train.len(), test.len()), (8, 2));
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn random_split<D: Dataset>(
    dataset: D,
    lengths: &[usize],
    generator: &Generator,
) -> Result<Vec<Subset<D>>> {
    let dataset = Arc::new(dataset);
    let total: usize = lengths.iter().sum();
    if total != dataset.len() {
        return Err(Error::argument(
            "random_split",
            format!("the lengths {lengths:?} add up to {total}, but the dataset has {} items", dataset.len()),
        ));
    }
    let mut order = generator.permutation(total).into_iter();
    let part =
        |&length: &usize| Subset { dataset: dataset.clone(), indices: order.by_ref().take(length).collect() };
    Ok(lengths.iter().map(part).collect())
}
