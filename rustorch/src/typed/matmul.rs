//! Matrix products of typed tensors.

use super::computed::same;
use super::{AxisType, BroadcastDim, Const, Dim, FixedDim, Product, Shape, Sum, TypedTensor, Windows};

/// Shapes that can be multiplied as matrices, with `torch.matmul`'s rules: leading axes broadcast, a vector on the left is
/// a row and on the right a column.
#[diagnostic::on_unimplemented(
    message = "matmul: `{Self}` cannot be multiplied by `{Rhs}`",
    label = "the product of `{Self}` and `{Rhs}`",
    note = "the last axis on the left must be the last but one on the right, and the axes before them must broadcast"
)]
pub trait MatmulShape<Rhs> {
    /// The shape of the product.
    type Output: Shape;
}

#[diagnostic::do_not_recommend]
impl<K: Dim> MatmulShape<(K,)> for (K,) {
    type Output = ();
}

#[diagnostic::do_not_recommend]
impl<K: Dim, N: Dim> MatmulShape<(K, N)> for (K,) {
    type Output = (N,);
}

/// A matrix or a batch of them, `[leads] M K`, times a vector, one matrix, or as many matrices.
macro_rules! matmul {
    ($([$($l:ident $r:ident)*];)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($l: Dim,)* M: Dim, K: Dim> MatmulShape<(K,)> for ($($l,)* M, K) {
            type Output = ($($l,)* M,);
        }
        #[diagnostic::do_not_recommend]
        impl<$($l: Dim + BroadcastDim<$r>, $r: Dim,)* M: Dim, K: Dim, N: Dim> MatmulShape<($($r,)* K, N)>
            for ($($l,)* M, K)
        {
            type Output = ($(<$l as BroadcastDim<$r>>::Output,)* M, N);
        }
        matmul!(@formula [A: FixedDim, B: FixedDim] [Product<A, B>] $($l)*);
        matmul!(@formula [A: FixedDim, B: FixedDim] [Sum<A, B>] $($l)*);
        matmul!(@formula
            [A: FixedDim, B: FixedDim, const STRIDE: usize, const PADDING: usize, const DILATION: usize]
            [Windows<A, B, STRIDE, PADDING, DILATION>] $($l)*);
        matmul!(@single $($l)*);
    )*};
    // A computed size meets a number, which `check` compares.
    (@formula [$($parameters:tt)*] [$formula:ty] $($l:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<$($l: Dim,)* M: Dim, $($parameters)*, const K: usize, N: Dim> MatmulShape<(Const<K>, N)>
            for ($($l,)* M, $formula)
        {
            type Output = ($($l,)* M, N);
        }
    };
    (@single) => {};
    (@single $($l:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<$($l: Dim,)* M: Dim, K: Dim, N: Dim> MatmulShape<(K, N)> for ($($l,)* M, K) {
            type Output = ($($l,)* M, N);
        }
        #[diagnostic::do_not_recommend]
        impl<$($l: Dim,)* M: Dim, K: Dim, N: Dim> MatmulShape<($($l,)* K, N)> for (M, K) {
            type Output = ($($l,)* M, N);
        }
        #[diagnostic::do_not_recommend]
        impl<$($l: Dim,)* K: Dim, N: Dim> MatmulShape<($($l,)* K, N)> for (K,) {
            type Output = ($($l,)* N,);
        }
    };
}

matmul! {
    [];
    [A1 B1];
    [A1 B1 A2 B2];
    [A1 B1 A2 B2 A3 B3];
    [A1 B1 A2 B2 A3 B3 A4 B4];
    [A1 B1 A2 B2 A3 B3 A4 B4 A5 B5];
    [A1 B1 A2 B2 A3 B3 A4 B4 A5 B5 A6 B6];
}

/// Fails to compile, with the numbers, where a computed size is not the one that it meets.
#[track_caller]
const fn check(left: &[AxisType], right: &[AxisType]) {
    if let ([.., ours], [theirs] | [.., theirs, _]) = (left, right) {
        let (rows, columns) =
            ("matmul: the last axis on the left has size ", ", the last but one on the right ");
        same(rows, ours.size, columns, theirs.size);
    }
}

impl<S: Shape> TypedTensor<S> {
    /// The matrix product, `torch.matmul`: `[.., m, k] × [.., k, n] → [.., m, n]`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// dim!(Batch);
    /// # fn main() -> rustorch::Result<()> {
    /// let x = Tensor::ones([32, 784]).typed::<shape![Batch, 784]>()?;
    /// let w = TypedTensor::<shape![784, 10]>::ones();
    /// let y: TypedTensor<shape![Batch, 10]> = x.matmul(&w);
    /// assert_eq!(y.shape(), [32, 10]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// If the device fails; or if two axes of one named dim have different sizes, which can happen when the tensors come
    /// from different calls of `typed`.
    #[track_caller]
    pub fn matmul<R: Shape>(&self, rhs: &TypedTensor<R>) -> TypedTensor<<S as MatmulShape<R>>::Output>
    where
        S: MatmulShape<R>,
    {
        const { check(S::AXES, R::AXES) };
        TypedTensor::infallible(self.as_tensor().matmul(rhs.as_tensor()))
    }
}
