//! Distinct elements.

use std::cmp::Ordering;

use crate::dtype::dispatch;
use crate::kernels::accumulate::Comparable;
use crate::kernels::sort::SortKey;
use crate::ops::indexing::require_host;
use crate::{Result, Tensor, no_grad};

/// Distinct elements, or entries of an axis.
#[derive(Debug, Clone)]
pub struct Unique {
    /// The distinct ones.
    pub values: Tensor,
    /// For each element, or entry, of the input the position in `values`, as `I64`.
    pub inverse: Tensor,
    /// How often each of `values` stands in the input, as `I64`.
    pub counts: Tensor,
}

impl Tensor {
    /// The distinct elements in ascending order (`torch.unique`). Each NaN is distinct from all others.
    ///
    /// # Errors
    /// If the dtype is complex.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let unique = Tensor::from([3, 1, 3]).unique()?;
    /// assert_eq!(unique.values.to_vec::<i32>()?, [1, 3]);
    /// assert_eq!(unique.inverse.to_vec::<i64>()?, [1, 0, 1]);
    /// assert_eq!(unique.counts.to_vec::<i64>()?, [1, 2]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn unique(&self) -> Result<Unique> {
        no_grad(|| self.distinct("unique", None, true))
    }

    /// The distinct entries of an axis in lexicographic order (`torch.unique` with `dim`).
    ///
    /// # Errors
    /// If there is no such axis or the dtype is complex.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let rows = Tensor::from([[2, 1], [0, 5], [2, 1]]);
    /// assert_eq!(rows.unique_dim(0)?.values.to_vec::<i32>()?, [0, 5, 2, 1]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn unique_dim(&self, axis: isize) -> Result<Unique> {
        no_grad(|| self.distinct("unique", Some(axis), true))
    }

    /// The first of each run of equal elements of the flattened tensor, or of equal entries of an axis
    /// (`torch.unique_consecutive`).
    ///
    /// # Errors
    /// If there is no such axis or the dtype is complex.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let runs = Tensor::from([1, 1, 2, 1]).unique_consecutive(None)?;
    /// assert_eq!(runs.values.to_vec::<i32>()?, [1, 2, 1]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn unique_consecutive(&self, axis: Option<isize>) -> Result<Unique> {
        no_grad(|| self.distinct("unique_consecutive", axis, false))
    }

    #[inline]
    fn distinct(&self, op: &'static str, axis: Option<isize>, sorted: bool) -> Result<Unique> {
        let flat = axis.is_none() || self.rank() == 0;
        let at = if flat { 0 } else { self.axis(op, axis.unwrap_or(0))? };
        let tensor = if flat { self.reshape(-1)? } else { self.clone() };
        let entries = tensor.shape()[at];
        let order: Vec<usize> = match sorted && flat {
            true => {
                tensor.argsort(0, false, true)?.to_vec::<i64>()?.into_iter().map(|i| i as usize).collect()
            }
            false => (0..entries).collect(),
        };
        let rows = tensor.movedim(at, 0)?.contiguous();
        let Groups { firsts, inverse, counts } = rows.groups(op, order, sorted && !flat)?;
        let positions = Tensor::from_vec(firsts, [counts.len()])?;
        let shape = if flat { self.shape() } else { &[entries] };
        Ok(Unique {
            values: tensor.index_select(at as isize, &positions)?,
            inverse: Tensor::from_vec(inverse, shape)?,
            counts: Tensor::from_vec(counts.clone(), [counts.len()])?,
        })
    }

    /// Groups equal neighbours among the entries of axis 0, taken in an order, which is made lexicographic if `sort`.
    fn groups(&self, op: &'static str, mut order: Vec<usize>, sort: bool) -> Result<Groups> {
        require_host(op, &[self])?;
        let width: usize = self.shape()[1..].iter().product();
        let _guard = self.storage().read();
        Ok(dispatch!(ordered self.dtype(), op, T => {
            // SAFETY: contiguous, of this dtype, and locked against writers.
            let data = unsafe { std::slice::from_raw_parts(self.host_ptr().cast_const().cast::<T>(), self.numel()) };
            let entry = |at: usize| &data[at * width..(at + 1) * width];
            if sort {
                sort_entries(&mut order, &|a, b| compare(entry(a), entry(b)));
            }
            group_entries(&order, &|a, b| entry(a).iter().zip(entry(b)).all(|(x, y)| x == y))
        }))
    }
}

/// Behind a pointer, so that the sort is compiled once for all dtypes.
#[inline]
fn sort_entries(order: &mut [usize], compare: &dyn Fn(usize, usize) -> Ordering) {
    order.sort_by(|&a, &b| compare(a, b));
}

#[inline]
fn group_entries(order: &[usize], same: &dyn Fn(usize, usize) -> bool) -> Groups {
    let mut groups = Groups { firsts: Vec::new(), inverse: vec![0; order.len()], counts: Vec::new() };
    for (k, &at) in order.iter().enumerate() {
        if k == 0 || !same(order[k - 1], at) {
            groups.firsts.push(at as i64);
            groups.counts.push(0);
        }
        groups.inverse[at] = groups.firsts.len() as i64 - 1;
        *groups.counts.last_mut().expect("the first entry begins a group") += 1;
    }
    groups
}

struct Groups {
    firsts: Vec<i64>,
    inverse: Vec<i64>,
    counts: Vec<i64>,
}

fn compare<T: SortKey + Comparable>(a: &[T], b: &[T]) -> Ordering {
    a.iter().zip(b).map(|(x, y)| x.key().cmp(&y.key())).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}
