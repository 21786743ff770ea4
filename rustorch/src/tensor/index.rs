//! Indexing: [`Tensor::i`] and [`Tensor::set`], the counterparts of Python's `x[...]` and `x[...] = value`.

use std::convert::Infallible;
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use crate::error::Error;
use crate::{DType, Operand, Result, Tensor};

const OP: &str = "index";

/// What selects from one axis, or from none: one component of an index.
#[derive(Debug, Clone)]
pub enum Index {
    /// One entry, counted from the end if negative; the axis disappears.
    Integer(isize),
    /// Entries from `start` up to but without `end`, `step` apart; bounds count from the end if negative and are
    /// clipped to the axis. A view.
    Range {
        /// The first entry; that of the axis if there is none.
        start: Option<isize>,
        /// The entry behind the last; the end of the axis if there is none.
        end: Option<isize>,
        /// The distance of entries, at least 1.
        step: usize,
    },
    /// A new axis of size 1 (`None` in Python).
    NewAxis,
    /// As many whole axes as the other components leave (`...` in Python).
    Ellipsis,
    /// The entries that an integer tensor names, or where a bool tensor, which covers as many axes as it has, holds.
    /// A copy. An integer tensor without axes is [`Index::Integer`]; a bool one inserts an axis of size 1 if it holds, of
    /// size 0 if not. `U8` tensors are masks, as in PyTorch.
    Tensor(Tensor),
}

/// The component that takes as many whole axes as the others leave: `...` in Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ellipsis;

/// The component that inserts an axis of size 1: `None` in Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewAxis;

/// A range of an axis with a step: `slice(1..7).step(2)` is Python's `1:7:2`.
///
/// ```
/// use rustorch::{Tensor, slice};
/// let x = Tensor::arange(0, 7, 1)?;
/// assert_eq!(x.i(slice(1..).step(3))?.to_vec::<i64>()?, [1, 4]);
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn slice(range: impl Into<Index>) -> Slice {
    Slice(range.into())
}

/// See [`slice()`].
#[derive(Debug, Clone)]
pub struct Slice(Index);

impl Slice {
    /// The same bounds with another step. A step of 0 is an error when the index is used.
    #[inline]
    pub fn step(self, step: usize) -> Self {
        match self.0 {
            Index::Range { start, end, .. } => Self(Index::Range { start, end, step }),
            other => Self(other),
        }
    }
}

/// A whole index: one component, or a tuple, slice or vector of up to as many as there are axes. `..` is one whole
/// axis; axes behind the last component are taken whole.
pub trait IntoIndex {
    /// The components.
    fn into_index(self) -> Vec<Index>;
}

impl<T: Into<Index>> IntoIndex for T {
    fn into_index(self) -> Vec<Index> {
        vec![self.into()]
    }
}

impl IntoIndex for &[Index] {
    fn into_index(self) -> Vec<Index> {
        self.to_vec()
    }
}

impl IntoIndex for Vec<Index> {
    fn into_index(self) -> Vec<Index> {
        self
    }
}

impl IntoIndex for () {
    fn into_index(self) -> Vec<Index> {
        Vec::new()
    }
}

macro_rules! tuples {
    ($(($($name:ident),+))*) => {$(
        impl<$($name: Into<Index>),+> IntoIndex for ($($name,)+) {
            #[allow(non_snake_case)]
            fn into_index(self) -> Vec<Index> {
                let ($($name,)+) = self;
                vec![$($name.into()),+]
            }
        }
    )*};
}
tuples! {
    (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) (A, B, C, D, E, F, G) (A, B, C, D, E, F, G, H)
}

macro_rules! components {
    ($($t:ty => |$value:ident| $index:expr;)*) => {$(
        impl From<$t> for Index {
            fn from($value: $t) -> Self { $index }
        }
    )*};
}

components! {
    bool => |holds| Self::Tensor(Tensor::from_scalar(holds.into(), DType::Bool));
    RangeFull => |_range| range(None, None);
    Ellipsis => |_ellipsis| Self::Ellipsis;
    NewAxis => |_axis| Self::NewAxis;
    Option<Infallible> => |_none| Self::NewAxis;
    Slice => |slice| slice.0;
    Tensor => |tensor| Self::Tensor(tensor);
    &Tensor => |tensor| Self::Tensor(tensor.clone());
}

fn range(start: Option<isize>, end: Option<isize>) -> Index {
    Index::Range { start, end, step: 1 }
}

/// The bound behind an inclusive one; behind the last entry, -1, there is no bound.
fn behind(last: isize) -> Option<isize> {
    if last == -1 { None } else { Some(last.saturating_add(1)) }
}

/// An integer as a position; what does not fit is outside every axis and is reported, or clipped, as such.
fn position(value: impl TryInto<isize>) -> isize {
    value.try_into().unwrap_or(isize::MAX)
}

macro_rules! integers {
    ($($t:ty),*) => {$(components! {
        $t => |value| Self::Integer(position(value));
        Range<$t> => |bounds| range(Some(position(bounds.start)), Some(position(bounds.end)));
        RangeFrom<$t> => |bounds| range(Some(position(bounds.start)), None);
        RangeTo<$t> => |bounds| range(None, Some(position(bounds.end)));
        RangeInclusive<$t> => |bounds| range(Some(position(*bounds.start())), behind(position(*bounds.end())));
        RangeToInclusive<$t> => |bounds| range(None, behind(position(bounds.end)));
    })*};
}
integers!(i32, i64, isize, usize);

/// An index applied as far as views go, and the index tensors that are left.
struct Applied {
    view: Tensor,
    tensors: Vec<Option<Tensor>>,
}

impl Applied {
    #[inline]
    fn new(tensor: &Tensor, mut index: Vec<Index>) -> Result<Self> {
        for component in &mut index {
            if let Index::Tensor(mask) = component
                && mask.dtype() == DType::U8
            {
                *mask = mask.to_dtype(DType::Bool);
            }
        }
        let consumed: usize = index.iter().map(axes_of).sum();
        let ellipses = index.iter().filter(|component| matches!(component, Index::Ellipsis)).count();
        if consumed > tensor.rank() || ellipses > 1 {
            return Err(Error::argument(
                OP,
                format!(
                    "{consumed} axes and {ellipses} ellipses in an index of a tensor of {} axes, {:?}",
                    tensor.rank(),
                    tensor.shape()
                ),
            ));
        }
        let mut applied = Self { view: tensor.clone(), tensors: Vec::new() };
        // `axis` counts the axes of the view, `own` those of the tensor.
        let (mut axis, mut own) = (0, 0);
        for component in index {
            let width = if matches!(component, Index::Ellipsis) {
                tensor.rank() - consumed
            } else {
                axes_of(&component)
            };
            axis += applied.apply(component, axis, own, width)?;
            own += width;
        }
        Ok(applied)
    }

    /// Applies one component at an axis of the view; how many axes it leaves there.
    #[inline]
    fn apply(&mut self, component: Index, axis: usize, own: usize, width: usize) -> Result<usize> {
        let at = axis as isize;
        match component {
            Index::Integer(position) => {
                self.view = self.view.select(at, position).map_err(|error| match error {
                    Error::Index { index, size, .. } => Error::Index { op: OP, index, axis: own, size },
                    other => other,
                })?;
                return Ok(0);
            }
            Index::Range { start: None, end: None, step: 1 } | Index::Ellipsis => {}
            Index::Range { start, end, step } => {
                let size = self.view.shape()[axis] as isize;
                self.view = self.view.slice(at, start.unwrap_or(0), end.unwrap_or(size), step)?;
            }
            Index::NewAxis => {
                self.view = self.view.unsqueeze(at)?;
                return Ok(1);
            }
            Index::Tensor(tensor) if tensor.rank() == 0 && tensor.dtype() == DType::Bool => {
                self.view = self.view.unsqueeze(at)?;
                let entries = if tensor.item()? { vec![0i64] } else { Vec::new() };
                self.push(axis, Tensor::from(entries));
                return Ok(1);
            }
            Index::Tensor(tensor) if tensor.rank() == 0 && tensor.dtype().is_int() => {
                return self.apply(Index::Integer(position(tensor.item::<i64>()?)), axis, own, width);
            }
            Index::Tensor(tensor) => self.push(axis, tensor),
        }
        Ok(width)
    }

    #[inline]
    fn push(&mut self, axis: usize, tensor: Tensor) {
        self.tensors.resize(axis, None);
        self.tensors.push(Some(tensor));
    }

    /// The index tensors by axis of the view. A mask covers several axes but stands in the list once, so entries behind
    /// it are moved forward.
    #[inline]
    fn indices(&self) -> Vec<Option<Tensor>> {
        let mut indices = Vec::with_capacity(self.tensors.len());
        let mut covered = 0usize;
        for index in &self.tensors {
            if covered > 0 {
                covered -= 1;
                continue;
            }
            if let Some(mask) = index.as_ref().filter(|index| index.dtype() == DType::Bool) {
                covered = mask.rank().saturating_sub(1);
            }
            indices.push(index.clone());
        }
        indices
    }
}

/// How many axes of the tensor a component uses up.
fn axes_of(component: &Index) -> usize {
    match component {
        Index::Integer(_) | Index::Range { .. } => 1,
        Index::Tensor(tensor) if tensor.dtype() == DType::Bool => tensor.rank(),
        Index::Tensor(_) => 1,
        Index::NewAxis | Index::Ellipsis => 0,
    }
}

impl Tensor {
    /// A part of the tensor: Python's `x[...]`.
    ///
    /// | Python | here |
    /// |---|---|
    /// | `x[2]`, `x[-1]` | `x.i(2)?`, `x.i(-1)?` |
    /// | `x[1:3]`, `x[:-1]`, `x[::2]` | `x.i(1..3)?`, `x.i(..-1)?`, `x.i(slice(..).step(2))?` |
    /// | `x[:, 0]`, `x[..., 0]` | `x.i((.., 0))?`, `x.i((Ellipsis, 0))?` |
    /// | `x[None]` | `x.i(NewAxis)?` or `x.i(None)?` |
    /// | `x[index]`, `x[x > 0]` | `x.i(&index)?`, `x.i(&x.gt(0)?)?` |
    ///
    /// Integers, ranges, new axes and ellipses give views; index tensors and masks give copies, placed as in
    /// [`Tensor::index`].
    ///
    /// # Errors
    /// If an integer or an entry of an index tensor is outside its axis, there are more components than axes, a step
    /// is 0, or a mask does not have the size of its axes. Ranges are clipped.
    ///
    /// ```
    /// use rustorch::{Ellipsis, NewAxis, Tensor, slice};
    /// let x = Tensor::arange(0, 24, 1)?.reshape([2, 3, 4])?;
    /// assert_eq!(x.i((0, 1..3, -1))?.to_vec::<i64>()?, [7, 11]);
    /// assert_eq!(x.i((.., NewAxis, .., slice(..).step(2)))?.shape(), [2, 1, 3, 2]);
    /// assert_eq!(x.i((Ellipsis, 0))?.shape(), [2, 3]);
    /// assert_eq!(x.i((.., &Tensor::from([2i64, 0])))?.shape(), [2, 2, 4]);
    /// assert_eq!(x.i(&x.gt(20)?)?.to_vec::<i64>()?, [21, 22, 23]);
    /// let error = x.i((.., 3)).unwrap_err();
    /// assert_eq!(error.to_string(), "index: index 3 is out of range for axis 1 of size 3");
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn i(&self, index: impl IntoIndex) -> Result<Tensor> {
        let applied = Applied::new(self, index.into_index())?;
        if !applied.tensors.is_empty() {
            return applied.view.index(&applied.indices());
        }
        // What is indexed is never the tensor itself, so that a leaf stays apart from what is computed from it.
        Ok(if applied.view.is_same(self) { self.whole("alias") } else { applied.view })
    }

    /// Overwrites a part of the tensor with a number or a tensor, which broadcasts: Python's `x[...] = value`. Where the
    /// index gives a view, a tensor's elements are converted.
    ///
    /// # Errors
    /// As [`Tensor::i`]; also if the value does not broadcast to the part, if this tensor's dtype does not hold the number
    /// or, with index tensors, is not that of the value, and for leaves that require gradients.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::zeros([2, 3]);
    /// x.set((0, 1..), 5.0)?;
    /// x.set((1, &Tensor::from([0i64, 2])), &Tensor::from([7.0f32, 8.0]))?;
    /// assert_eq!(x.to_vec::<f32>()?, [0.0, 5.0, 5.0, 7.0, 0.0, 8.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn set<'a>(&self, index: impl IntoIndex, value: impl Into<Operand<'a>>) -> Result<()> {
        let applied = Applied::new(self, index.into_index())?;
        let Applied { view, tensors } = &applied;
        let value = match value.into() {
            Operand::Scalar(value) if tensors.is_empty() => {
                view.fill_(value)?;
                return Ok(());
            }
            Operand::Scalar(value) => {
                value.check_assignable(OP, self.dtype())?;
                Tensor::try_full(&[], value, self.dtype(), self.device())?
            }
            Operand::Tensor(value) => without_leading_ones(value)?,
        };
        if tensors.is_empty() {
            view.copy_(&value)?;
        } else {
            view.index_put_(&applied.indices(), &value, false)?;
        }
        Ok(())
    }
}

/// A value without the axes of size 1 at its front: what it is assigned to may have fewer axes.
#[inline]
fn without_leading_ones(value: &Tensor) -> Result<Tensor> {
    let ones = value.shape().iter().take_while(|&&size| size == 1).count();
    if ones == 0 { Ok(value.clone()) } else { value.reshape(&value.shape()[ones..]) }
}
