//! Operations that rearrange axes: transpose, permute, reshape, flatten, squeeze, unsqueeze, expand.

use super::axes::distinct;
use super::count::{check, target_sizes};
use super::{Broadcast, InsertAxis, Permute, Shape, Squeeze, Swap, TypedTensor};

type Moved<S, const I: usize, const J: usize> = TypedTensor<<S as Swap<I, J>>::Output>;
type Permuted<S, Order> = TypedTensor<<S as Permute<Order>>::Output>;
type Squeezed<S, const I: usize> = TypedTensor<<S as Squeeze<I>>::Output>;
type Unsqueezed<S, const I: usize> = TypedTensor<<S as InsertAxis<I>>::Output>;

impl<S: Shape> TypedTensor<S> {
    /// Exchanges axes `I` and `J`. A view; `torch.transpose`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let x = TypedTensor::<shape![2, 3, 4]>::zeros();
    /// let y: TypedTensor<shape![2, 4, 3]> = x.transpose::<1, 2>();
    /// assert_eq!(y.shape(), [2, 4, 3]);
    /// ```
    #[track_caller]
    pub fn transpose<const I: usize, const J: usize>(/* x.transpose::<0, 1>() */ &self) -> Moved<S, I, J>
    where
        S: Swap<I, J>,
    {
        TypedTensor::infallible(self.as_tensor().transpose(I as isize, J as isize))
    }

    /// Puts the axes into the order `Order`. A view; `torch.permute`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let x = TypedTensor::<shape![2, 3, 4]>::zeros();
    /// let y: TypedTensor<shape![4, 2, 3]> = x.permute::<shape![2, 0, 1]>();
    /// assert_eq!(y.shape(), [4, 2, 3]);
    /// ```
    #[track_caller]
    pub fn permute<Order>(/* x.permute::<shape![1, 0]>() */ &self) -> Permuted<S, Order>
    where
        S: Permute<Order>,
    {
        const { distinct(<S as Permute<Order>>::ORDER) };
        TypedTensor::infallible(self.as_tensor().permute(<S as Permute<Order>>::ORDER))
    }

    /// The same elements with shape `T`, which must have as many: `torch.reshape`. The sizes of named dims are taken from
    /// this tensor. Shares storage where strides allow.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// dim!(Batch);
    /// # fn main() -> rustorch::Result<()> {
    /// let x = Tensor::zeros([8, 64, 5, 5]).typed::<shape![Batch, 64, 5, 5]>()?;
    /// let y: TypedTensor<shape![Batch, 1600]> = x.reshape();
    /// assert_eq!(y.shape(), [8, 1600]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Another number of elements does not compile, with both counts in the message:
    ///
    /// ```compile_fail,E0080
    /// use rustorch::prelude::*;
    /// let x = TypedTensor::<shape![4, 6]>::zeros();
    /// let y: TypedTensor<shape![5, 5]> = x.reshape();
    /// ```
    #[track_caller]
    pub fn reshape<T: Shape>(/* x.reshape::<shape![6, 4]>() */ &self) -> TypedTensor<T> {
        const { check(S::AXES, T::AXES) };
        let sizes: Vec<isize> =
            target_sizes(S::AXES, T::AXES, self.shape()).into_iter().map(|n| n as isize).collect();
        TypedTensor::infallible(self.as_tensor().reshape(&sizes))
    }

    /// Drops axis `I`, which must be [`One`](super::One) or `Const<1>`. A view; `torch.squeeze`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let x = TypedTensor::<shape![2, 3]>::ones().sum_keep::<1>();
    /// let y: TypedTensor<shape![2]> = x.squeeze::<1>();
    /// assert_eq!(y.to_vec::<f32>()?, [3.0, 3.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[track_caller]
    pub fn squeeze<const I: usize>(/* x.squeeze::<1>() */ &self) -> Squeezed<S, I>
    where
        S: Squeeze<I>,
    {
        TypedTensor::infallible(self.as_tensor().squeeze(I))
    }

    /// Inserts an axis [`One`](super::One) before position `I`. A view; `torch.unsqueeze`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let row = TypedTensor::<shape![3]>::ones();
    /// let column = TypedTensor::<shape![2]>::ones().unsqueeze::<1>();
    /// let sum: TypedTensor<shape![2, 3]> = column + row;
    /// assert_eq!(sum.shape(), [2, 3]);
    /// ```
    #[track_caller]
    pub fn unsqueeze<const I: usize>(/* x.unsqueeze::<1>() */ &self) -> Unsqueezed<S, I>
    where
        S: InsertAxis<I>,
    {
        TypedTensor::infallible(self.as_tensor().unsqueeze(I as isize))
    }

    /// Broadcasts to the shape of `other`. A view; `torch.expand_as`.
    #[track_caller]
    pub fn expand_as<T: Shape>(&self, other: &TypedTensor<T>) -> TypedTensor<T>
    where
        S: Broadcast<T, Output = T>,
    {
        TypedTensor::infallible(self.as_tensor().expand_as(other.as_tensor()))
    }
}
