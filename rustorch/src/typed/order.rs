//! Sorting, running extrema, rolling and triangles: what keeps the shape, or one size of it.

use super::{Axis, Broadcast, Const, SetAxis, Shape, TypedTensor};

type WithAxis<S, const I: usize, const K: usize> = <S as SetAxis<I, Const<K>>>::Output;
type Joined<A, B> = <A as Broadcast<B>>::Output;

impl<S: Shape> TypedTensor<S> {
    /// The elements in order along axis `I`, ascending or `descending`, and where each stood (`i64`); [`Tensor::sort`](crate::Tensor::sort),
    /// `torch.sort`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let x = TypedTensor::from([[3.0f32, 1.0, 2.0]]);
    /// let (sorted, from): (TypedTensor<shape![1, 3]>, TypedTensor<shape![1, 3]>) = x.sort::<1>(false);
    /// assert_eq!(sorted.to_vec::<f32>()?, [1.0, 2.0, 3.0]);
    /// assert_eq!(from.to_vec::<i64>()?, [1, 2, 0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the dtype is complex.
    #[track_caller]
    pub fn sort<const I: usize>(/* x.sort::<1>(false) */ &self, descending: bool) -> (Self, Self)
    where
        S: Axis<I>,
    {
        Self::pair(self.as_tensor().sort(I as isize, descending, false))
    }

    /// Where the elements would stand in order along axis `I` (`i64`); [`Tensor::argsort`](crate::Tensor::argsort).
    ///
    /// # Panics
    /// If the dtype is complex.
    #[track_caller]
    pub fn argsort<const I: usize>(/* x.argsort::<1>(false) */ &self, descending: bool) -> Self
    where
        S: Axis<I>,
    {
        Self::infallible(self.as_tensor().argsort(I as isize, descending, false))
    }

    /// The `K` largest elements along axis `I`, or the smallest, in order, and where they stood (`i64`);
    /// [`Tensor::topk`](crate::Tensor::topk), `torch.topk`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let x = TypedTensor::from([[3.0f32, 1.0, 2.0]]);
    /// let (best, _): (TypedTensor<shape![1, 2]>, _) = x.topk::<1, 2>(true);
    /// assert_eq!(best.to_vec::<f32>()?, [3.0, 2.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    ///
    /// # Panics
    /// If the axis has fewer elements, or the dtype is complex.
    #[track_caller]
    pub fn topk<const I: usize, const K: usize>(
        &self,
        largest: bool,
    ) -> (TypedTensor<WithAxis<S, I, K>>, TypedTensor<WithAxis<S, I, K>>)
    where
        S: Axis<I> + SetAxis<I, Const<K>>,
    {
        TypedTensor::pair(self.as_tensor().topk(K, I as isize, largest, true))
    }

    /// The largest element so far along axis `I`, and where it stands (`i64`); [`Tensor::cummax`](crate::Tensor::cummax).
    ///
    /// # Panics
    /// If the dtype is complex.
    #[track_caller]
    pub fn cummax<const I: usize>(/* x.cummax::<1>() */ &self) -> (Self, Self)
    where
        S: Axis<I>,
    {
        Self::pair(self.as_tensor().cummax(I as isize))
    }

    /// The smallest element so far along axis `I`, and where it stands (`i64`); [`Tensor::cummin`](crate::Tensor::cummin).
    ///
    /// # Panics
    /// If the dtype is complex.
    #[track_caller]
    pub fn cummin<const I: usize>(/* x.cummin::<1>() */ &self) -> (Self, Self)
    where
        S: Axis<I>,
    {
        Self::pair(self.as_tensor().cummin(I as isize))
    }

    /// The elements moved by `shift` along axis `I`, coming back in at the other end; [`Tensor::roll`](crate::Tensor::roll).
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let x = TypedTensor::from([1.0f32, 2.0, 3.0]);
    /// assert_eq!(x.roll::<0>(1).to_vec::<f32>()?, [3.0, 1.0, 2.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn roll<const I: usize>(/* x.roll::<1>(shift) */ &self, shift: isize) -> Self
    where
        S: Axis<I>,
    {
        Self::infallible(self.as_tensor().roll(shift, I as isize))
    }

    /// The lower triangles of the last two axes, up to `offset` above the diagonal; [`Tensor::tril`](crate::Tensor::tril).
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let causal = TypedTensor::<shape![2, 2]>::ones().tril(0);
    /// assert_eq!(causal.to_vec::<f32>()?, [1.0, 0.0, 1.0, 1.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn tril(&self, offset: isize) -> Self
    where
        S: Axis<1>,
    {
        Self::infallible(self.as_tensor().tril(offset))
    }

    /// The upper triangles of the last two axes, from `offset` above the diagonal on; [`Tensor::triu`](crate::Tensor::triu).
    #[track_caller]
    pub fn triu(&self, offset: isize) -> Self
    where
        S: Axis<1>,
    {
        Self::infallible(self.as_tensor().triu(offset))
    }

    /// `self + value · a · b`; [`Tensor::addcmul`](crate::Tensor::addcmul).
    ///
    /// # Panics
    /// If the devices differ, or a run-time dim has two sizes.
    #[track_caller]
    pub fn addcmul<A: Shape, B: Shape>(
        &self,
        a: &TypedTensor<A>,
        b: &TypedTensor<B>,
        value: f64,
    ) -> TypedTensor<Joined<Joined<S, A>, B>>
    where
        S: Broadcast<A>,
        Joined<S, A>: Broadcast<B>,
    {
        TypedTensor::infallible(self.as_tensor().addcmul(a.as_tensor(), b.as_tensor(), value))
    }

    /// `self + value · a / b`; [`Tensor::addcdiv`](crate::Tensor::addcdiv).
    ///
    /// # Panics
    /// If the dtypes are integers, the devices differ, or a run-time dim has two sizes.
    #[track_caller]
    pub fn addcdiv<A: Shape, B: Shape>(
        &self,
        a: &TypedTensor<A>,
        b: &TypedTensor<B>,
        value: f64,
    ) -> TypedTensor<Joined<Joined<S, A>, B>>
    where
        S: Broadcast<A>,
        Joined<S, A>: Broadcast<B>,
    {
        TypedTensor::infallible(self.as_tensor().addcdiv(a.as_tensor(), b.as_tensor(), value))
    }

    /// Two results of this shape.
    #[track_caller]
    fn pair(results: crate::Result<(crate::Tensor, crate::Tensor)>) -> (Self, Self) {
        let (values, positions) = crate::error::expect(results);
        (Self::trusted(values), Self::trusted(positions))
    }
}
