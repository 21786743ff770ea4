//! What `fuse!` expands to: an entry like those of the table, made at the place of use.

use super::kernel::Params;
use super::{Elementwise, Operand, apply};
use crate::typed::{Broadcast, DynamicOperands, Shape, TypedOperands};
use crate::{Result, Tensor, TypedTensor};

/// A number from outside the expression of a `fuse!`.
#[diagnostic::on_unimplemented(
    message = "fuse!: `{Self}` is not a number",
    label = "neither a tensor named between the bars nor a number",
    note = "besides the names between the bars, an expression may use numbers; name a tensor between the bars and give it after the expression"
)]
pub trait FusedNumber {
    /// The number as the kernels take it.
    fn to_f64(self) -> f64;
}

macro_rules! numbers {
    ($($t:ty)*) => {$(
        #[diagnostic::do_not_recommend]
        impl FusedNumber for $t {
            fn to_f64(self) -> f64 {
                self as f64
            }
        }
        #[diagnostic::do_not_recommend]
        impl FusedNumber for &$t {
            fn to_f64(self) -> f64 {
                *self as f64
            }
        }
    )*};
}

numbers! { f32 f64 i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

/// For each number of operands: of tensors, and of typed tensors, whose shapes broadcast in the type.
macro_rules! arities {
    ($($name:ident: $($operand:ident $shape:ident),+ where [$($bound:tt)*] -> $output:ty;)*) => {
        impl DynamicOperands {$(
            /// Computes a fused expression.
            ///
            /// # Errors
            /// For shapes that do not broadcast, tensors on different devices, and dtypes that are not real.
            pub fn $name(self, entry: &'static Elementwise, params: Params, $($operand: &Tensor),+) -> Result<Tensor> {
                apply(entry, &[$(Operand::Tensor($operand)),+], params)
            }
        )*}

        impl TypedOperands {$(
            /// Computes a fused expression of typed tensors.
            ///
            /// # Panics
            /// If a dtype is not real, the devices differ, or a run-time dim has two sizes.
            #[track_caller]
            pub fn $name<$($shape),+>(
                self, entry: &'static Elementwise, params: Params, $($operand: &TypedTensor<$shape>),+
            ) -> TypedTensor<$output>
            where
                $($shape: Shape,)+
                $($bound)*
            {
                TypedTensor::infallible(apply(entry, &[$(Operand::Tensor($operand.as_tensor())),+], params))
            }
        )*}
    };
}

type Joined<A, B> = <A as Broadcast<B>>::Output;

arities! {
    fuse_1: a A where [] -> A;
    fuse_2: a A, b B where [A: Broadcast<B>] -> Joined<A, B>;
    fuse_3: a A, b B, c C where [A: Broadcast<B>, Joined<A, B>: Broadcast<C>] -> Joined<Joined<A, B>, C>;
    fuse_4: a A, b B, c C, d D
        where [A: Broadcast<B>, Joined<A, B>: Broadcast<C>, Joined<Joined<A, B>, C>: Broadcast<D>]
        -> Joined<Joined<Joined<A, B>, C>, D>;
}
