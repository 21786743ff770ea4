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

/// What can stand as an operand of `einsum!`, `rearrange!`, `fuse!` and their like: a tensor or a typed tensor, or a reference
/// to one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tensor",
    label = "expected a `Tensor` or a `TypedTensor`",
    note = "a `Result` gives its tensor by `?`"
)]
pub trait TensorOperand {
    /// [`TypedOperands`] or [`DynamicOperands`].
    type Kind: Default;

    /// The kind of this operand.
    fn kind(&self) -> Self::Kind {
        Self::Kind::default()
    }
}

#[diagnostic::do_not_recommend]
impl TensorOperand for Tensor {
    type Kind = DynamicOperands;
}

#[diagnostic::do_not_recommend]
impl<S: Shape> TensorOperand for TypedTensor<S> {
    type Kind = TypedOperands;
}

#[diagnostic::do_not_recommend]
impl<T: TensorOperand + ?Sized> TensorOperand for &T {
    type Kind = T::Kind;
}

#[diagnostic::do_not_recommend]
impl<T: TensorOperand + ?Sized> TensorOperand for &mut T {
    type Kind = T::Kind;
}

#[diagnostic::do_not_recommend]
impl<T: TensorOperand + ?Sized> TensorOperand for Box<T> {
    type Kind = T::Kind;
}

#[diagnostic::do_not_recommend]
impl<T: TensorOperand + ?Sized> TensorOperand for std::rc::Rc<T> {
    type Kind = T::Kind;
}

#[diagnostic::do_not_recommend]
impl<T: TensorOperand + ?Sized> TensorOperand for std::sync::Arc<T> {
    type Kind = T::Kind;
}

/// Every operand of a macro is typed: sizes are checked while compiling, and the result is typed.
#[derive(Clone, Copy, Debug, Default)]
pub struct TypedOperands;

/// Some operand of a macro is a plain [`Tensor`]: sizes are checked when it runs, and the result is a `Result`.
#[derive(Clone, Copy, Debug, Default)]
pub struct DynamicOperands;

impl BitAnd for TypedOperands {
    type Output = TypedOperands;
    fn bitand(self, _: TypedOperands) -> TypedOperands {
        TypedOperands
    }
}

impl BitAnd<DynamicOperands> for TypedOperands {
    type Output = DynamicOperands;
    fn bitand(self, _: DynamicOperands) -> DynamicOperands {
        DynamicOperands
    }
}

// Two impls rather than one for all `K`: an operand that is no tensor then leaves the joint kind unknown, and rustc says
// nothing further.
impl BitAnd<TypedOperands> for DynamicOperands {
    type Output = DynamicOperands;
    fn bitand(self, _: TypedOperands) -> DynamicOperands {
        DynamicOperands
    }
}

impl BitAnd for DynamicOperands {
    type Output = DynamicOperands;
    fn bitand(self, _: DynamicOperands) -> DynamicOperands {
        DynamicOperands
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
