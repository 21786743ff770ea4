//! Sizes that follow from others, computed by the compiler: what flattening, joining and windows make of fixed sizes.
//!
//! Stable Rust cannot write `Const<{ 64 * 5 * 5 }>` where the sizes are parameters, but a type can stand for the formula:
//! [`Computed<Product<..>>`](Computed) is a [`Dim`] whose size is a constant. Where it meets a [`Const`], in a matrix product or
//! a linear map, the two are compared while compiling; `reshape` states it as a number.

use std::marker::PhantomData;

use super::count::Message;
use super::{Any, Axis, BroadcastDim, Const, Dim, FixedDim, One, SetAxis, Shape, TypedTensor};
use crate::Tensor;
use crate::private::model::FitsDim;

/// An axis whose size follows from others by a formula.
///
/// ```
/// use rustorch::typed::{Computed, Product};
/// use rustorch::{Const, Dim};
/// type Flat = Computed<Product<Const<64>, Computed<Product<Const<5>, Const<5>>>>>;
/// assert_eq!(Flat::SIZE, Some(1600));
/// ```
pub struct Computed<F>(PhantomData<fn() -> F>);

/// How a size follows from fixed ones.
pub trait Formula: 'static {
    /// The size.
    const SIZE: usize;
}

/// The size of two axes merged: `A · B`.
pub struct Product<A, B>(PhantomData<fn() -> (A, B)>);

/// The size of two axes joined: `A + B`.
pub struct Sum<A, B>(PhantomData<fn() -> (A, B)>);

/// How many windows of `K` an axis of `H` has: `⌊(H + 2·PADDING - DILATION·(K - 1) - 1) / STRIDE⌋ + 1`.
pub struct Windows<H, K, const STRIDE: usize, const PADDING: usize, const DILATION: usize>(
    PhantomData<fn() -> (H, K)>,
);

const fn size<D: FixedDim>() -> usize {
    match D::SIZE {
        Some(size) => size,
        None => panic!("a fixed dim has its size in the type"),
    }
}

impl<A: FixedDim, B: FixedDim> Formula for Product<A, B> {
    const SIZE: usize = size::<A>() * size::<B>();
}

impl<A: FixedDim, B: FixedDim> Formula for Sum<A, B> {
    const SIZE: usize = size::<A>() + size::<B>();
}

impl<H: FixedDim, K: FixedDim, const STRIDE: usize, const PADDING: usize, const DILATION: usize> Formula
    for Windows<H, K, STRIDE, PADDING, DILATION>
{
    const SIZE: usize = windows(size::<H>(), size::<K>(), STRIDE, PADDING, DILATION);
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

impl<F: Formula> Dim for Computed<F> {
    const SIZE: Option<usize> = Some(F::SIZE);
    const NAME: &'static str = "";
}

impl<F: Formula> FixedDim for Computed<F> {}
impl<F: Formula> FitsDim<Computed<F>> for Computed<F> {}
impl<F: Formula> FitsDim<Any> for Computed<F> {}

impl<F: Formula> BroadcastDim<Computed<F>> for Computed<F> {
    type Output = Computed<F>;
}

impl<F: Formula> BroadcastDim<One> for Computed<F> {
    type Output = Computed<F>;
}

impl<F: Formula> BroadcastDim<Computed<F>> for One {
    type Output = Computed<F>;
}

/// Two dims of one size: the same dim, or a number and a formula, which are compared while compiling.
#[diagnostic::on_unimplemented(
    message = "an axis of size `{Self}` is not one of `{Other}`",
    label = "the axes differ: `{Self}` here, `{Other}` there"
)]
pub trait SameSize<Other>: Dim {
    /// Fails to compile, with the numbers, where the sizes differ.
    const CHECK: ();
}

impl<D: Dim> SameSize<D> for D {
    const CHECK: () = ();
}

impl<F: Formula, const N: usize> SameSize<Const<N>> for Computed<F> {
    const CHECK: () = same(F::SIZE, N);
}

impl<F: Formula, const N: usize> SameSize<Computed<F>> for Const<N> {
    const CHECK: () = same(N, F::SIZE);
}

#[track_caller]
const fn same(left: usize, right: usize) {
    if left != right {
        let message =
            Message::EMPTY.text("an axis of size ").number(left).text(" meets one of ").number(right);
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
    (@product $first:ident $($rest:ident)*) => { Computed<Product<$first, merges!(@product $($rest)*)>> };
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
type Joined<S, T, const I: usize> =
    <S as SetAxis<I, Computed<Sum<<S as Axis<I>>::Dim, <T as Axis<I>>::Dim>>>>::Output;

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
    /// A weight for another number of features does not compile: "an axis of size 1600 meets one of 1024".
    ///
    /// ```compile_fail,E0080
    /// use rustorch::prelude::*;
    /// let x = TypedTensor::<shape![8, 64, 5, 5]>::ones();
    /// let y = x.flatten_axis::<1>().linear(&TypedTensor::<shape![10, 1024]>::ones(), None);
    /// ```
    #[track_caller]
    pub fn flatten_axis<const I: usize>(&self) -> TypedTensor<<S as MergeAxes<I>>::Output>
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
        S: Axis<I> + SetAxis<I, Computed<Sum<<S as Axis<I>>::Dim, <T as Axis<I>>::Dim>>>,
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
        assert_eq!(<Computed<Sum<Const<3>, One>>>::SIZE, Some(4));
        assert_eq!(<Computed<Windows<Const<28>, Const<3>, 2, 1, 1>>>::SIZE, Some(14));
        assert_eq!(<Computed<Product<Const<3>, Computed<Sum<Const<2>, Const<2>>>>>>::SIZE, Some(12));
    }

    #[test]
    #[should_panic(expected = "an axis of size 4 meets one of 5")]
    fn sizes_that_differ_are_refused() {
        same(4, 5);
    }

    #[test]
    #[should_panic(expected = "a kernel reaches over 5, the padded input has 4")]
    fn kernels_that_are_too_large_are_refused() {
        windows(2, 3, 1, 1, 2);
    }
}
