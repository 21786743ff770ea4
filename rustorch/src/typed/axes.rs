//! Shapes with an axis looked up, replaced, removed or inserted, and with all axes permuted.

use super::count::Message;
use super::{Const, Dim, One, Shape};

/// A shape that has axis `I`.
#[diagnostic::on_unimplemented(
    message = "shape `{Self}` has no axis {I}",
    label = "axes are counted from 0",
    note = "an axis of a typed tensor is a constant from 0 to rank - 1"
)]
pub trait Axis<const I: usize>: Shape {
    /// The dim of the axis.
    type Dim: Dim;
    /// The shape without the axis.
    type Removed: Shape;
    /// The shape whose axis is [`One`].
    type Kept: Shape;
}

/// A shape whose axis `I` can be replaced by `D`.
pub trait SetAxis<const I: usize, D: Dim>: Axis<I> {
    /// The shape with the axis replaced.
    type Output: Shape;
}

/// A shape of at most seven axes, into which another can be inserted before position `I`.
#[diagnostic::on_unimplemented(
    message = "shape `{Self}` takes no axis at position {I}",
    label = "positions run from 0 to the rank, and a typed tensor has at most eight axes"
)]
pub trait InsertAxis<const I: usize, D: Dim = One>: Shape {
    /// The shape with the axis inserted.
    type Output: Shape;
}

/// Every way of splitting every rank in two, `[before] [after]`.
macro_rules! splits {
    ($([$($dim:ident)*];)*) => {$( splits!(@split [] [$($dim)*]); )*};
    (@split [$($before:ident)*] []) => { insert!([$($before)*] []); };
    (@split [$($before:ident)*] [$axis:ident $($after:ident)*]) => {
        insert!([$($before)*] [$axis $($after)*]);
        #[diagnostic::do_not_recommend]
        impl<$($before: Dim,)* $axis: Dim, $($after: Dim,)*> Axis<{ count!($($before)*) }>
            for ($($before,)* $axis, $($after,)*)
        {
            type Dim = $axis;
            type Removed = ($($before,)* $($after,)*);
            type Kept = ($($before,)* One, $($after,)*);
        }
        #[diagnostic::do_not_recommend]
        impl<$($before: Dim,)* $axis: Dim, $($after: Dim,)* New: Dim> SetAxis<{ count!($($before)*) }, New>
            for ($($before,)* $axis, $($after,)*)
        {
            type Output = ($($before,)* New, $($after,)*);
        }
        splits!(@split [$($before)* $axis] [$($after)*]);
    };
}

macro_rules! insert {
    // Eight axes are full.
    ([$($before:ident)*] [$($after:ident)*]) => { insert!(@ [$($before)*] [$($after)*] $($before)* $($after)*); };
    (@ $before:tt $after:tt $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {};
    (@ [$($before:ident)*] [$($after:ident)*] $($all:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<$($before: Dim,)* New: Dim, $($after: Dim,)*> InsertAxis<{ count!($($before)*) }, New>
            for ($($before,)* $($after,)*)
        {
            type Output = ($($before,)* New, $($after,)*);
        }
    };
}

macro_rules! count {
    () => { 0 };
    ($first:ident $($rest:ident)*) => { 1 + count!($($rest)*) };
}

splits! {
    [];
    [A];
    [A B];
    [A B C];
    [A B C D];
    [A B C D E];
    [A B C D E F];
    [A B C D E F G];
    [A B C D E F G H];
}

/// A shape whose axes can be put into the order `Order`, a tuple of axis numbers such as `shape![0, 2, 1]`.
#[diagnostic::on_unimplemented(
    message = "shape `{Self}` cannot be permuted by `{Order}`",
    label = "the order must name every axis of `{Self}` once, as in `shape![0, 2, 1]`"
)]
pub trait Permute<Order>: Shape {
    /// The shape with its axes in the new order.
    type Output: Shape;
    /// The new order.
    const ORDER: &'static [usize];
}

/// Fails to compile where an axis is named twice.
#[track_caller]
#[inline]
pub(super) const fn distinct(order: &[usize]) {
    let mut seen = 0u64;
    let mut at = 0;
    while at < order.len() {
        if seen >> order[at] & 1 == 1 {
            let message = Message::EMPTY.text("permute: axis ").number(order[at]);
            panic!("{}", message.text(" is named twice, and every axis must be named once").as_str());
        }
        seen |= 1 << order[at];
        at += 1;
    }
}

macro_rules! permutations {
    ($([$($dim:ident $axis:ident)*];)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($dim: Dim,)* $(const $axis: usize),*> Permute<($(Const<$axis>,)*)> for ($($dim,)*)
        where
            $(Self: Axis<$axis>,)*
        {
            type Output = ($(<Self as Axis<$axis>>::Dim,)*);
            const ORDER: &'static [usize] = &[$($axis),*];
        }
    )*};
}

permutations! {
    [A I];
    [A I B J];
    [A I B J C K];
    [A I B J C K D L];
    [A I B J C K D L E M];
    [A I B J C K D L E M F N];
    [A I B J C K D L E M F N G O];
    [A I B J C K D L E M F N G O H P];
}

/// A shape whose axes `I` and `J` can be exchanged.
#[diagnostic::on_unimplemented(
    message = "shape `{Self}` has no axes {I} and {J} to exchange",
    label = "axes are counted from 0",
    note = "an axis of a typed tensor is a constant from 0 to rank - 1"
)]
pub trait Swap<const I: usize, const J: usize>: Shape {
    /// The shape with the two axes exchanged.
    type Output: Shape;
}

/// Every pair of axes of every rank, `[before] I [between] J [after]`, and every axis with itself.
///
/// Written out, because of a blanket implementation over `SetAxis` rustc would report two mistakes for one.
macro_rules! pairs {
    ($([$($dim:ident)*];)*) => {$( pairs!(@first [] [$($dim)*]); )*};
    (@first [$($before:ident)*] []) => {};
    (@first [$($before:ident)*] [$i:ident $($after:ident)*]) => {
        #[diagnostic::do_not_recommend]
        impl<$($before: Dim,)* $i: Dim, $($after: Dim,)*>
            Swap<{ count!($($before)*) }, { count!($($before)*) }> for ($($before,)* $i, $($after,)*)
        {
            type Output = Self;
        }
        pairs!(@second [$($before)*] $i [] [$($after)*]);
        pairs!(@first [$($before)* $i] [$($after)*]);
    };
    (@second $before:tt $i:ident $between:tt []) => {};
    (@second [$($before:ident)*] $i:ident [$($between:ident)*] [$j:ident $($after:ident)*]) => {
        #[diagnostic::do_not_recommend]
        impl<$($before: Dim,)* $i: Dim, $($between: Dim,)* $j: Dim, $($after: Dim,)*>
            Swap<{ count!($($before)*) }, { count!($($before)* $i $($between)*) }>
            for ($($before,)* $i, $($between,)* $j, $($after,)*)
        {
            type Output = ($($before,)* $j, $($between,)* $i, $($after,)*);
        }
        #[diagnostic::do_not_recommend]
        impl<$($before: Dim,)* $i: Dim, $($between: Dim,)* $j: Dim, $($after: Dim,)*>
            Swap<{ count!($($before)* $i $($between)*) }, { count!($($before)*) }>
            for ($($before,)* $i, $($between,)* $j, $($after,)*)
        {
            type Output = ($($before,)* $j, $($between,)* $i, $($after,)*);
        }
        pairs!(@second [$($before)*] $i [$($between)* $j] [$($after)*]);
    };
}

pairs! {
    [A];
    [A B];
    [A B C];
    [A B C D];
    [A B C D E];
    [A B C D E F];
    [A B C D E F G];
    [A B C D E F G H];
}

/// A shape whose axis `I` has size 1, so that it can be dropped.
#[diagnostic::on_unimplemented(
    message = "axis {I} of shape `{Self}` cannot be dropped",
    label = "only an axis `One` or `Const<1>` can be squeezed"
)]
pub trait Squeeze<const I: usize>: Shape {
    /// The shape without the axis.
    type Output: Shape;
}

#[diagnostic::do_not_recommend]
impl<S: Axis<I>, const I: usize> Squeeze<I> for S
where
    S::Dim: UnitDim,
{
    type Output = S::Removed;
}

/// A dim of size 1.
pub trait UnitDim: Dim {}

impl UnitDim for One {}
impl UnitDim for Const<1> {}
