//! Shapes: tuples of dims, and what a tensor's sizes must satisfy to have one.

use generic_array::{ArrayLength, GenericArray};
use typenum::{U0, U1, U2, U3, U4, U5, U6, U7, U8, Unsigned};

use super::{Broadcast, Dim, FixedDim};

/// A shape known to the compiler: a tuple of zero to eight [`Dim`]s, most easily written with [`shape!`](crate::shape).
///
/// ```
/// use rustorch::{Any, Const, Shape, shape};
/// type Image = shape![Any, 3, 32, 32];
/// assert_eq!(Image::RANK, 4);
/// assert_eq!(Image::describe(), "(Any, 3, 32, 32)");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a shape",
    label = "a shape is a tuple of zero to eight dims",
    note = "write it as `shape![Batch, 784]`"
)]
pub trait Shape: Broadcast<Self, Output = Self> + Sized + 'static {
    /// The number of axes, as a type.
    type Rank: Unsigned + ArrayLength;
    /// The number of axes.
    const RANK: usize = <Self::Rank as Unsigned>::USIZE;
    /// What is known of each axis.
    const AXES: &'static [AxisType];

    /// The sizes of `shape`, which has been checked to be of this type.
    fn dims(shape: &[usize]) -> GenericArray<usize, Self::Rank> {
        GenericArray::from_iter(shape.iter().copied())
    }

    /// The shape in words: `(Batch, 784)`.
    fn describe() -> String {
        let axis = |axis: &AxisType| axis.size.map_or(axis.name.to_owned(), |size| size.to_string());
        format!("({})", Self::AXES.iter().map(axis).collect::<Vec<_>>().join(", "))
    }

    /// Whether a tensor of sizes `shape` has this type.
    ///
    /// # Errors
    /// The rank or the first axis that does not fit, in words.
    fn check(shape: &[usize]) -> Result<(), String> {
        if shape.len() != Self::RANK {
            return Err(format!("{} has {} axes, not {}", Self::describe(), Self::RANK, shape.len()));
        }
        for (at, axis) in Self::AXES.iter().enumerate() {
            let named =
                |other: &AxisType| axis.size.is_none() && axis.name != "Any" && other.name == axis.name;
            let twin = Self::AXES[..at].iter().position(named);
            match (axis.size, twin) {
                (Some(size), _) if size != shape[at] => {
                    return Err(format!("axis {at} is {size} in {}, not {}", Self::describe(), shape[at]));
                }
                (None, Some(first)) if shape[first] != shape[at] => {
                    return Err(format!(
                        "axes {first} and {at} are both `{}` in {}, but have sizes {} and {}",
                        axis.name,
                        Self::describe(),
                        shape[first],
                        shape[at]
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A shape all of whose sizes are in the type.
#[diagnostic::on_unimplemented(
    message = "shape `{Self}` has a dim whose size is known only at run time",
    label = "the size of every axis must be in the type here",
    note = "the method of the same name that ends in `_sized` takes the sizes of run-time dims"
)]
pub trait FixedShape: Shape {}

/// The sizes of a shape whose run-time dims, in order of first appearance, have sizes `dims`. `Any` axes are dims of their
/// own.
///
/// # Errors
/// In words, if there are more or fewer `dims` than run-time dims.
pub(super) fn sized<S: Shape>(dims: &[usize]) -> Result<Vec<usize>, String> {
    let mut names: Vec<&str> = Vec::new();
    let mut sizes = Vec::with_capacity(S::RANK);
    for axis in S::AXES {
        let known = names.iter().position(|name| *name == axis.name && axis.name != "Any");
        sizes.push(match (axis.size, known) {
            (Some(size), _) => Some(size),
            (None, Some(known)) => dims.get(known).copied(),
            (None, None) => {
                names.push(axis.name);
                dims.get(names.len() - 1).copied()
            }
        });
    }
    match sizes.into_iter().collect::<Option<Vec<usize>>>() {
        Some(sizes) if dims.len() == names.len() => Ok(sizes),
        _ => Err(format!(
            "{} has {} run-time dims, but {} sizes are given",
            S::describe(),
            names.len(),
            dims.len()
        )),
    }
}

/// What the type of a shape knows of one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct AxisType {
    /// The size, where it is fixed.
    pub size: Option<usize>,
    /// The name, empty for a fixed size.
    pub name: &'static str,
}

impl AxisType {
    /// What `D` says.
    pub const fn of<D: Dim>() -> Self {
        Self { size: D::SIZE, name: D::NAME }
    }
}

macro_rules! shapes {
    ($($rank:ident: $($dim:ident)*;)*) => {$(
        impl<$($dim: Dim),*> Shape for ($($dim,)*) {
            type Rank = $rank;
            const AXES: &'static [AxisType] = &[$(AxisType::of::<$dim>()),*];
        }

        #[diagnostic::do_not_recommend]
        impl<$($dim: FixedDim),*> FixedShape for ($($dim,)*) {}
    )*};
}

shapes! {
    U0: ;
    U1: A;
    U2: A B;
    U3: A B C;
    U4: A B C D;
    U5: A B C D E;
    U6: A B C D E F;
    U7: A B C D E F G;
    U8: A B C D E F G H;
}
