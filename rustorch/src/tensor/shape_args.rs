//! The types that functions accept for shapes, sizes and axes.

use crate::layout::Dims;

/// A shape: an array, slice or vector of sizes; one number for one axis; `[]` or `()` for none.
pub trait IntoShape {
    /// The sizes.
    fn into_shape(self) -> Vec<usize>;
}

/// Sizes of which one may be -1, to be inferred: an array, slice or vector of integers, or one integer; `()` for none.
pub trait Sizes {
    /// The sizes as given.
    fn into_sizes(self) -> Vec<isize>;
}

/// Axes, counted from the end if negative: one number, an array, slice or vector; `()` for all.
pub trait Axes {
    /// The axes as given; `None` for all.
    fn into_axes(self) -> Option<Vec<isize>>;
}

impl IntoShape for () {
    fn into_shape(self) -> Vec<usize> {
        Vec::new()
    }
}

impl IntoShape for usize {
    fn into_shape(self) -> Vec<usize> {
        vec![self]
    }
}

impl<const N: usize> IntoShape for [usize; N] {
    fn into_shape(self) -> Vec<usize> {
        self.to_vec()
    }
}

impl<const N: usize> IntoShape for &[usize; N] {
    fn into_shape(self) -> Vec<usize> {
        self.to_vec()
    }
}

impl IntoShape for &[usize] {
    fn into_shape(self) -> Vec<usize> {
        self.to_vec()
    }
}

impl IntoShape for Vec<usize> {
    #[inline]
    fn into_shape(self) -> Vec<usize> {
        self
    }
}

impl IntoShape for &Vec<usize> {
    #[inline]
    fn into_shape(self) -> Vec<usize> {
        self.clone()
    }
}

impl IntoShape for &Dims {
    fn into_shape(self) -> Vec<usize> {
        self.to_vec()
    }
}

impl Sizes for () {
    fn into_sizes(self) -> Vec<isize> {
        Vec::new()
    }
}

/// What [`Axes::into_axes`] gives: `None` for all.
impl Axes for Option<Vec<isize>> {
    fn into_axes(self) -> Option<Vec<isize>> {
        self
    }
}

impl Axes for () {
    fn into_axes(self) -> Option<Vec<isize>> {
        None
    }
}

/// An integer as a signed size. Sizes beyond `isize` saturate and are refused later as no tensor has them.
#[inline]
fn signed(value: impl TryInto<isize>) -> isize {
    value.try_into().unwrap_or(isize::MAX)
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Sizes for $t {
            fn into_sizes(self) -> Vec<isize> { vec![signed(self)] }
        }
        impl<const N: usize> Sizes for [$t; N] {
            fn into_sizes(self) -> Vec<isize> { self.map(signed).to_vec() }
        }
        impl Sizes for &[$t] {
            fn into_sizes(self) -> Vec<isize> { self.iter().map(|&size| signed(size)).collect() }
        }
        impl<const N: usize> Sizes for &[$t; N] {
            fn into_sizes(self) -> Vec<isize> { self.as_slice().into_sizes() }
        }
        impl Sizes for Vec<$t> {
            fn into_sizes(self) -> Vec<isize> { self.as_slice().into_sizes() }
        }
        impl Sizes for &Vec<$t> {
            fn into_sizes(self) -> Vec<isize> { self.as_slice().into_sizes() }
        }
        impl Axes for $t {
            fn into_axes(self) -> Option<Vec<isize>> { Some(vec![signed(self)]) }
        }
        impl<const N: usize> Axes for [$t; N] {
            fn into_axes(self) -> Option<Vec<isize>> { Some(self.map(signed).to_vec()) }
        }
        impl Axes for &[$t] {
            fn into_axes(self) -> Option<Vec<isize>> { Some(self.into_sizes()) }
        }
        impl Axes for Vec<$t> {
            fn into_axes(self) -> Option<Vec<isize>> { Some(self.into_sizes()) }
        }
    )*};
}
integers!(i32, i64, isize, usize);
