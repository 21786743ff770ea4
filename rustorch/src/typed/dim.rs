//! Dims: what the type of a shape says about one axis.

use super::FitsDim;

/// One axis of a typed shape.
///
/// [`Const<N>`] fixes the size; a type made by [`dim!`](crate::dim) names a size known at run time; [`Any`] neither names
/// nor fixes it; [`One`] is an axis of size 1 that broadcasts. Do not implement it by hand: `dim!` does.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a dim",
    label = "an axis is `Const<N>`, a name declared with `dim!`, `Any` or `One`",
    note = "declare a named size with `dim!({Self})`; in `shape![..]` a fixed size is written as a number"
)]
pub trait Dim:
    BroadcastDim<Self, Output = Self>
    + BroadcastDim<One, Output = Self>
    + FitsDim<Self>
    + FitsDim<Any>
    + Sized
    + 'static
{
    /// The size, where the type fixes it.
    const SIZE: Option<usize>;
    /// The name in messages. Axes that share the name of a run-time dim have one size within a tensor.
    const NAME: &'static str;
}

/// An axis of size `N`.
///
/// ```
/// use rustorch::{Const, Dim};
/// assert_eq!(<Const<784> as Dim>::SIZE, Some(784));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Const<const N: usize> {}

/// An axis of any size, known at run time and without a name.
///
/// The compiler takes two `Any` for equal. An operation on tensors whose `Any` axes differ at run time panics, with the
/// sizes; name the axis with [`dim!`](crate::dim) to tell it from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Any {}

/// An axis of size 1 that broadcasts against any other, as kept by reductions and made by `unsqueeze`.
///
/// It differs from `Const<1>`, which may come from a const parameter that happens to be 1 and never broadcasts: whether
/// code compiles does not depend on the value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum One {}

impl<const N: usize> Dim for Const<N> {
    const SIZE: Option<usize> = Some(N);
    const NAME: &'static str = "";
}

impl Dim for Any {
    const SIZE: Option<usize> = None;
    const NAME: &'static str = "Any";
}

impl Dim for One {
    const SIZE: Option<usize> = Some(1);
    const NAME: &'static str = "One";
}

/// A dim whose size is in its type.
pub trait FixedDim: Dim {}

impl<const N: usize> FixedDim for Const<N> {}
impl FixedDim for One {}

/// Two dims that broadcast against each other: equal ones, or [`One`] and any other.
#[diagnostic::on_unimplemented(
    message = "an axis of size `{Self}` does not broadcast against `{Rhs}`",
    label = "the axes differ: `{Self}` here, `{Rhs}` there",
    note = "axes broadcast when they are equal or one of them is `One`, as kept by `sum_keep` and made by `unsqueeze`"
)]
pub trait BroadcastDim<Rhs> {
    /// The dim of the result.
    type Output: Dim;
}

impl<const N: usize> BroadcastDim<Const<N>> for Const<N> {
    type Output = Const<N>;
}

impl<const N: usize> BroadcastDim<One> for Const<N> {
    type Output = Const<N>;
}

impl<const N: usize> BroadcastDim<Const<N>> for One {
    type Output = Const<N>;
}

impl BroadcastDim<One> for One {
    type Output = One;
}

impl BroadcastDim<Any> for Any {
    type Output = Any;
}

impl BroadcastDim<One> for Any {
    type Output = Any;
}

impl BroadcastDim<Any> for One {
    type Output = Any;
}
