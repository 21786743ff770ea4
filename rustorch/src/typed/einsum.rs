//! What the expansion of `einsum!` asks of its operands.

use std::ops::BitAnd;

use super::{Dim, Shape, TypedTensor};
use crate::{Scalar, Tensor};

/// A shape that fits subscripts with an ellipsis: `Before` and `After` spell what stands around it.
#[diagnostic::on_unimplemented(
    message = "einsum!: an operand of shape `{Self}` does not fit subscripts `{Before}`, `...`, `{After}`",
    label = "this operand has shape `{Self}`",
    note = "the operand needs at least as many axes as it has subscripts besides the ellipsis"
)]
pub trait EllipsisOperand<Before, After> {
    /// The axes that the ellipsis stands for.
    type Middle: Shape;
}

/// The axes of an ellipsis, to be put back between others.
#[diagnostic::on_unimplemented(
    message = "einsum!: the result `{Before}`, `{Self}`, `{After}` has more than eight axes, the most of a typed tensor"
)]
pub trait Surround<Before, After> {
    /// The shape of all three in a row.
    type Output: Shape;
}

/// For every rank, every first split; for each, every second split of what follows.
macro_rules! ellipses {
    ($([$($dim:ident)*];)*) => {$( ellipses!(@first [] [$($dim)*]); )*};
    (@first [$($before:ident)*] []) => { ellipses!(@second [$($before)*] [] []); };
    (@first [$($before:ident)*] [$next:ident $($rest:ident)*]) => {
        ellipses!(@second [$($before)*] [] [$next $($rest)*]);
        ellipses!(@first [$($before)* $next] [$($rest)*]);
    };
    (@second [$($before:ident)*] [$($middle:ident)*] [$($after:ident)*]) => {
        #[diagnostic::do_not_recommend]
        impl<$($before: Dim,)* $($middle: Dim,)* $($after: Dim,)*> EllipsisOperand<($($before,)*), ($($after,)*)>
            for ($($before,)* $($middle,)* $($after,)*)
        {
            type Middle = ($($middle,)*);
        }
        #[diagnostic::do_not_recommend]
        impl<$($before: Dim,)* $($middle: Dim,)* $($after: Dim,)*> Surround<($($before,)*), ($($after,)*)>
            for ($($middle,)*)
        {
            type Output = ($($before,)* $($middle,)* $($after,)*);
        }
        ellipses!(@grow [$($before)*] [$($middle)*] [$($after)*]);
    };
    (@grow $before:tt $middle:tt []) => {};
    (@grow $before:tt [$($middle:ident)*] [$next:ident $($after:ident)*]) => {
        ellipses!(@second $before [$($middle)* $next] [$($after)*]);
    };
}

ellipses! {
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

/// What can stand as an operand of a macro: a tensor or a typed tensor, or a reference to one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tensor",
    label = "expected a `Tensor` or a `TypedTensor`"
)]
pub trait AnyOperand {
    /// [`Typed`] or [`Dynamic`].
    type Kind: Default;
}

#[diagnostic::do_not_recommend]
impl AnyOperand for Tensor {
    type Kind = Dynamic;
}

#[diagnostic::do_not_recommend]
impl<S: Shape> AnyOperand for TypedTensor<S> {
    type Kind = Typed;
}

#[diagnostic::do_not_recommend]
impl<T: AnyOperand + ?Sized> AnyOperand for &T {
    type Kind = T::Kind;
}

#[diagnostic::do_not_recommend]
impl<T: AnyOperand + ?Sized> AnyOperand for &mut T {
    type Kind = T::Kind;
}

#[diagnostic::do_not_recommend]
impl<T: AnyOperand + ?Sized> AnyOperand for Box<T> {
    type Kind = T::Kind;
}

#[diagnostic::do_not_recommend]
impl<T: AnyOperand + ?Sized> AnyOperand for std::rc::Rc<T> {
    type Kind = T::Kind;
}

#[diagnostic::do_not_recommend]
impl<T: AnyOperand + ?Sized> AnyOperand for std::sync::Arc<T> {
    type Kind = T::Kind;
}

/// The kind of `operand`.
pub fn kind<T: AnyOperand + ?Sized>(_operand: &T) -> T::Kind {
    T::Kind::default()
}

/// Every operand so far is typed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Typed;

/// Some operand is a plain [`Tensor`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Dynamic;

impl BitAnd for Typed {
    type Output = Typed;
    fn bitand(self, _: Typed) -> Typed {
        Typed
    }
}

impl BitAnd<Dynamic> for Typed {
    type Output = Dynamic;
    fn bitand(self, _: Dynamic) -> Dynamic {
        Dynamic
    }
}

// Two impls rather than one for all `K`: an operand that is no tensor then leaves the joint kind unknown, and rustc says
// nothing further.
impl BitAnd<Typed> for Dynamic {
    type Output = Dynamic;
    fn bitand(self, _: Typed) -> Dynamic {
        Dynamic
    }
}

impl BitAnd for Dynamic {
    type Output = Dynamic;
    fn bitand(self, _: Dynamic) -> Dynamic {
        Dynamic
    }
}

/// Gives the result of an einsum over typed operands the shape that their types imply.
pub fn trusted<S: Shape>(tensor: Tensor) -> TypedTensor<S> {
    TypedTensor::trusted(tensor)
}

/// A number as an operand.
pub fn number(value: impl Into<Scalar>) -> TypedTensor<()> {
    let scalar = value.into();
    TypedTensor::trusted(Tensor::from_scalar(scalar, scalar.widest_dtype()))
}
