//! Sizes that follow from others, computed by the compiler: what flattening, joining and windows make of fixed sizes.
//!
//! Stable Rust cannot write `Const<{ 64 * 5 * 5 }>` where the sizes are parameters, but a type can stand for the formula:
//! `Product<Const<64>, Product<Const<5>, Const<5>>>` is a [`Dim`] whose size is a constant. Where it meets a [`Const`], in a
//! matrix product or a linear map, the two are compared while compiling; `reshape` states it as a number.

use std::marker::PhantomData;

use super::count::Message;
use super::{Any, Axis, BroadcastDim, Const, Dim, FitsDim, FixedDim, One, SetAxis, Shape, TypedTensor};
use crate::Tensor;

/// An axis whose size follows from fixed ones by a formula: [`Product`], [`Sum`] or [`Windows`].
pub trait Formula: FixedDim {
    /// The size.
    const VALUE: usize;
}

/// An axis as long as two merged: `A · B`.
///
/// ```
/// use rustorch::typed::Product;
/// use rustorch::{Const, Dim};
/// type Flat = Product<Const<64>, Product<Const<5>, Const<5>>>;
/// assert_eq!(Flat::SIZE, Some(1600));
/// ```
pub struct Product<A, B>(PhantomData<fn() -> (A, B)>);

/// An axis as long as two joined: `A + B`.
pub struct Sum<A, B>(PhantomData<fn() -> (A, B)>);

/// An axis of as many elements as an axis `H` has windows of `K`: `⌊(H + 2·PADDING - DILATION·(K - 1) - 1) / STRIDE⌋ + 1`.
pub struct Windows<H, K, const STRIDE: usize, const PADDING: usize, const DILATION: usize>(
    PhantomData<fn() -> (H, K)>,
);

const fn size<D: FixedDim>() -> usize {
    match D::SIZE {
        Some(size) => size,
        None => panic!("a fixed dim has its size in the type"),
    }
}

/// A formula is a dim that broadcasts as `Const` does and is compared with numbers by value.
macro_rules! formulas {
    ($([$($parameters:tt)*] $formula:ty = $value:expr;)*) => {$(
        impl<$($parameters)*> Formula for $formula {
            const VALUE: usize = $value;
        }

        #[diagnostic::do_not_recommend]
        impl<$($parameters)*> Dim for $formula {
            const SIZE: Option<usize> = Some(<Self as Formula>::VALUE);
            const NAME: &'static str = "";
        }

        impl<$($parameters)*> FixedDim for $formula {}
        impl<$($parameters)*> FitsDim<$formula> for $formula {}
        impl<$($parameters)*> FitsDim<Any> for $formula {}

        impl<$($parameters)*> BroadcastDim<$formula> for $formula {
            type Output = $formula;
        }

        impl<$($parameters)*> BroadcastDim<One> for $formula {
            type Output = $formula;
        }

        impl<$($parameters)*> BroadcastDim<$formula> for One {
            type Output = $formula;
        }

        #[diagnostic::do_not_recommend]
        impl<$($parameters)*, const N: usize> SameSize<Const<N>> for $formula {}

        #[diagnostic::do_not_recommend]
        impl<$($parameters)*, const N: usize> SameSize<$formula> for Const<N> {}
    )*};
}

formulas! {
    [A: FixedDim, B: FixedDim] Product<A, B> = size::<A>() * size::<B>();
    [A: FixedDim, B: FixedDim] Sum<A, B> = size::<A>() + size::<B>();
    [H: FixedDim, K: FixedDim, const STRIDE: usize, const PADDING: usize, const DILATION: usize]
        Windows<H, K, STRIDE, PADDING, DILATION> = windows(size::<H>(), size::<K>(), STRIDE, PADDING, DILATION);
}

const fn windows(size: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> usize {
    assert!(stride > 0 && dilation > 0, "stride and dilation must be at least 1");
    let (reach, padded) = (dilation * kernel.saturating_sub(1) + 1, size + 2 * padding);
    if reach > padded {
        let message = Message::EMPTY.text("a kernel reaches over ").number(reach);
        let message = message.text(", the padded input has ").number(padded);
        panic!("{}", message.as_str());
    }
    (padded - reach) / stride + 1
}

/// Two dims of one size: the same dim, or a number and a formula, which are compared while compiling.
#[diagnostic::on_unimplemented(
    message = "an axis of size `{Self}` is not one of `{Other}`",
    label = "the axes differ: `{Self}` here, `{Other}` there"
)]
pub trait SameSize<Other>: Dim {}

#[diagnostic::do_not_recommend]
impl<D: Dim> SameSize<D> for D {}

/// Fails to compile where two sizes that are fixed differ: `{ours} 7{theirs} 8`.
#[track_caller]
#[inline]
pub(super) const fn same(ours: &str, size: Option<usize>, theirs: &str, other: Option<usize>) {
    if let (Some(size), Some(other)) = (size, other)
        && size != other
    {
        let message = Message::EMPTY.text(ours).number(size).text(theirs).number(other);
        panic!("{}", message.as_str());
    }
}

/// A shape whose axes from `I` on have fixed sizes, so that the compiler knows the size of all of them as one.
#[diagnostic::on_unimplemented(
    message = "the axes of `{Self}` from {I} on do not merge to one whose size the compiler knows",
    label = "an axis from {I} on is missing or has a size known only at run time",
    note = "state the shape instead, as in `let y: TypedTensor<shape![Batch, 1600]> = x.reshape();`"
)]
pub trait MergeAxes<const I: usize>: Shape {
    /// The shape with one axis in their place.
    type Output: Shape;
}

macro_rules! merges {
    ($([$($dim:ident)*];)*) => {$( merges!(@split [] [$($dim)*]); )*};
    (@split [$($before:ident)*] []) => {};
    (@split [$($before:ident)*] [$axis:ident $($after:ident)*]) => {
        #[diagnostic::do_not_recommend]
        impl<$($before: Dim,)* $axis: FixedDim, $($after: FixedDim,)*> MergeAxes<{ merges!(@count $($before)*) }>
            for ($($before,)* $axis, $($after,)*)
        {
            type Output = ($($before,)* merges!(@product $axis $($after)*),);
        }
        merges!(@split [$($before)* $axis] [$($after)*]);
    };
    (@product $last:ident) => { $last };
    (@product $first:ident $($rest:ident)*) => { Product<$first, merges!(@product $($rest)*)> };
    (@count) => { 0 };
    (@count $first:ident $($rest:ident)*) => { 1 + merges!(@count $($rest)*) };
}

merges! {
    [A];
    [A B];
    [A B C];
    [A B C D];
    [A B C D E];
    [A B C D E F];
    [A B C D E F G];
    [A B C D E F G H];
}

/// The shape `S` with axis `I` as long as those of `S` and `T` together.
type Joined<S, T, const I: usize> = <S as SetAxis<I, Sum<<S as Axis<I>>::Dim, <T as Axis<I>>::Dim>>>::Output;

type Merged<S, const I: usize> = TypedTensor<<S as MergeAxes<I>>::Output>;

impl<S: Shape> TypedTensor<S> {
    /// Merges axis `I` and all after it, whose sizes are fixed; `torch.flatten`. The compiler computes the size.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// dim!(Batch);
    /// # fn main() -> rustorch::Result<()> {
    /// let x = Tensor::ones([8, 64, 5, 5]).typed::<shape![Batch, 64, 5, 5]>()?;
    /// let weight = TypedTensor::<shape![10, 1600]>::ones();
    /// let y: TypedTensor<shape![Batch, 10]> = x.flatten_axis::<1>().linear(&weight, None);
    /// assert_eq!(y.shape(), [8, 10]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A weight for another number of features does not compile: "linear: the input has 1600 features, the weight takes 1024".
    ///
    /// ```compile_fail,E0080
    /// use rustorch::prelude::*;
    /// let x = TypedTensor::<shape![8, 64, 5, 5]>::ones();
    /// let y = x.flatten_axis::<1>().linear(&TypedTensor::<shape![10, 1024]>::ones(), None);
    /// ```
    #[track_caller]
    pub fn flatten_axis<const I: usize>(/* x.flatten_axis::<1>() */ &self) -> Merged<S, I>
    where
        S: MergeAxes<I>,
    {
        TypedTensor::infallible(self.as_tensor().flatten(I as isize, -1))
    }

    /// This tensor and then `other` along axis `I`, whose sizes are fixed; `torch.cat`. The compiler adds them.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let (a, b) = (TypedTensor::<shape![2, 3]>::ones(), TypedTensor::<shape![2, 4]>::zeros());
    /// let product = a.cat_axis::<1, _>(&b).matmul(&TypedTensor::<shape![7, 5]>::ones());
    /// assert_eq!(product.shape(), [2, 5]);
    /// ```
    ///
    /// # Panics
    /// If sizes known only at run time do not fit, or dtypes or devices differ.
    #[track_caller]
    pub fn cat_axis<const I: usize, T>(&self, other: &TypedTensor<T>) -> TypedTensor<Joined<S, T, I>>
    where
        S: Axis<I> + SetAxis<I, Sum<<S as Axis<I>>::Dim, <T as Axis<I>>::Dim>>,
        T: Axis<I, Removed = <S as Axis<I>>::Removed>,
        <S as Axis<I>>::Dim: FixedDim,
        <T as Axis<I>>::Dim: FixedDim,
    {
        TypedTensor::infallible(Tensor::cat(&[self.as_tensor(), other.as_tensor()], I as isize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_have_sizes() {
        assert_eq!(<Sum<Const<3>, One>>::SIZE, Some(4));
        assert_eq!(<Windows<Const<28>, Const<3>, 2, 1, 1>>::SIZE, Some(14));
        assert_eq!(<Product<Const<3>, Sum<Const<2>, Const<2>>>>::SIZE, Some(12));
    }

    #[test]
    #[should_panic(expected = "linear: 4 meets 5")]
    fn sizes_that_differ_are_refused() {
        same("linear: ", None, " meets ", Some(5));
        same("linear: ", Some(4), " meets ", Some(5));
    }

    #[test]
    #[should_panic(expected = "a kernel reaches over 5, the padded input has 4")]
    fn kernels_that_are_too_large_are_refused() {
        windows(2, 3, 1, 1, 2);
    }
}
