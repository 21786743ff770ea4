//! Joining and cutting along an axis: cat, stack, split, narrow, select.
//!
//! Rust's types cannot add sizes, so the sizes along the axis are stated by the type that the program expects, and their sum
//! is checked: while compiling where all are fixed, otherwise when it runs.

use super::count::Message;
use super::{Axis, Const, Dim, InsertAxis, Shape, TypedTensor};
use crate::error::expect;
use crate::{Error, Result, Tensor};
use std::marker::PhantomData;

/// Tensors that can be put one after the other along axis `I` to give shape `T`: a tuple of two to six references to typed
/// tensors, or an array of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be joined along axis {I} to `{T}`",
    label = "apart from axis {I}, every part must have the dims of `{T}`",
    note = "the parts are a tuple of two to six references to typed tensors, or an array of them"
)]
pub trait CatParts<const I: usize, T: Shape> {
    /// The sum of the sizes along the axis, where types fix them.
    const SIZE: Option<usize>;
    /// The parts.
    fn parts(&self) -> Vec<&Tensor>;
}

/// What a tensor of shape `S` can be cut into along axis `I`: a tuple of two to six typed tensors, or an array of them.
#[diagnostic::on_unimplemented(
    message = "`{S}` cannot be cut along axis {I} into `{Self}`",
    label = "apart from axis {I}, every part must have the dims of `{S}`",
    note = "the parts are a tuple of two to six typed tensors, or an array of them"
)]
pub trait SplitParts<const I: usize, S: Shape>: Sized {
    /// The size of each part along the axis, where its type fixes it.
    const SIZES: &'static [Option<usize>];
    /// The parts from tensors of the right sizes.
    ///
    /// # Errors
    /// If one has not the shape of its type.
    fn from_parts(parts: Vec<Tensor>) -> Result<Self>;
}

const fn size<const I: usize, S: Axis<I>>() -> Option<usize> {
    <S::Dim as Dim>::SIZE
}

#[inline]
const fn sum(sizes: &[Option<usize>]) -> Option<usize> {
    let (mut total, mut at) = (0, 0);
    while at < sizes.len() {
        match sizes[at] {
            Some(size) => total += size,
            None => return None,
        }
        at += 1;
    }
    Some(total)
}

/// Fails to compile where the parts do not add up to the whole.
#[track_caller]
const fn check(op: &str, axis: usize, parts: Option<usize>, whole: Option<usize>) {
    if let (Some(parts), Some(whole)) = (parts, whole)
        && parts != whole
    {
        let message = Message::EMPTY.text(op).text(": along axis ").number(axis).text(" the parts have ");
        let message = message.number(parts).text(" elements together, the whole has ").number(whole);
        panic!("{}", message.as_str());
    }
}

/// Fails to compile where the result of `narrow` is larger than the tensor, or its size is not known.
#[track_caller]
#[inline]
const fn within(axis: usize, part: Option<usize>, whole: Option<usize>) {
    assert!(part.is_some(), "narrow: the size along the axis must be in the type");
    if let (Some(part), Some(whole)) = (part, whole)
        && part > whole
    {
        let message = Message::EMPTY.text("narrow: along axis ").number(axis).text(" the result has ");
        let message = message.number(part).text(" elements, but the tensor has ").number(whole);
        panic!("{}", message.as_str());
    }
}

/// That the parts of [`TypedTensor::cat`] along axis `I` add up to shape `S`.
// Their type has no name there. As a constant of the method itself, not of one that it calls, this lets rustc point at the caller.
pub struct CatSum<const I: usize, S, P>(PhantomData<(S, P)>);

impl<const I: usize, S: Axis<I>, P: CatParts<I, S>> CatSum<I, S, P> {
    const FITS: Self = {
        check("cat", I, P::SIZE, size::<I, S>());
        CatSum(PhantomData)
    };

    fn of(self, _: &P) {}
}

macro_rules! tuples {
    ($([$($shape:ident $part:ident)*];)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<const I: usize, T: Axis<I>, $($shape: Axis<I, Removed = <T as Axis<I>>::Removed>),*> CatParts<I, T>
            for ($(&TypedTensor<$shape>,)*)
        {
            const SIZE: Option<usize> = sum(&[$(size::<I, $shape>()),*]);

            fn parts(&self) -> Vec<&Tensor> {
                let ($($part,)*) = self;
                vec![$($part.as_tensor()),*]
            }
        }

        #[diagnostic::do_not_recommend]
        impl<const I: usize, S: Axis<I>, $($shape: Axis<I, Removed = <S as Axis<I>>::Removed>),*> SplitParts<I, S>
            for ($(TypedTensor<$shape>,)*)
        {
            const SIZES: &'static [Option<usize>] = &[$(size::<I, $shape>()),*];

            fn from_parts(parts: Vec<Tensor>) -> Result<Self> {
                let mut parts = parts.iter();
                $(let $part = next(&mut parts)?;)*
                Ok(($($part,)*))
            }
        }
    )*};
}

tuples! {
    [A a B b];
    [A a B b C c];
    [A a B b C c D d];
    [A a B b C c D d E e];
    [A a B b C c D d E e F f];
}

fn next<'a, S: Shape>(parts: &mut impl Iterator<Item = &'a Tensor>) -> Result<TypedTensor<S>> {
    parts.next().ok_or_else(|| Error::argument("split", "a part is missing"))?.typed()
}

#[diagnostic::do_not_recommend]
impl<const I: usize, const N: usize, T: Axis<I>, A: Axis<I, Removed = <T as Axis<I>>::Removed>> CatParts<I, T>
    for [&TypedTensor<A>; N]
{
    const SIZE: Option<usize> = sum(&[size::<I, A>(); N]);

    fn parts(&self) -> Vec<&Tensor> {
        self.iter().map(|part| part.as_tensor()).collect()
    }
}

#[diagnostic::do_not_recommend]
impl<const I: usize, const N: usize, S: Axis<I>, A: Axis<I, Removed = <S as Axis<I>>::Removed>>
    SplitParts<I, S> for [TypedTensor<A>; N]
{
    const SIZES: &'static [Option<usize>] = &[size::<I, A>(); N];

    fn from_parts(parts: Vec<Tensor>) -> Result<Self> {
        let typed = parts.iter().map(Tensor::typed).collect::<Result<Vec<_>>>()?;
        <[TypedTensor<A>; N]>::try_from(typed).map_err(|_| Error::argument("split", "a part is missing"))
    }
}

type Removed<S, const I: usize> = TypedTensor<<S as Axis<I>>::Removed>;

impl<S: Shape> TypedTensor<S> {
    /// The parts one after the other along axis `I`; `torch.cat`. The shape is the one that the program states.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let (a, b) = (TypedTensor::<shape![2, 3]>::ones(), TypedTensor::<shape![2, 4]>::zeros());
    /// let both: TypedTensor<shape![2, 7]> = TypedTensor::cat::<1>((&a, &b));
    /// assert_eq!(both.shape(), [2, 7]);
    /// ```
    ///
    /// A sum that is wrong does not compile:
    ///
    /// ```compile_fail,E0080
    /// use rustorch::prelude::*;
    /// let (a, b) = (TypedTensor::<shape![2, 3]>::ones(), TypedTensor::<shape![2, 4]>::zeros());
    /// let both: TypedTensor<shape![2, 8]> = TypedTensor::cat::<1>((&a, &b));
    /// ```
    ///
    /// # Panics
    /// If sizes known only at run time do not fit, or dtypes or devices differ.
    #[track_caller]
    pub fn cat<const I: usize>(parts: impl CatParts<I, S>) -> Self
    where
        S: Axis<I>,
    {
        CatSum::<I, S, _>::FITS.of(&parts);
        expect(Tensor::cat(&parts.parts(), I as isize).and_then(|whole| whole.typed()))
    }

    /// Tensors of one shape side by side along a new axis at position `I`; `torch.stack`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let (a, b) = (TypedTensor::<shape![4]>::ones(), TypedTensor::<shape![4]>::zeros());
    /// let both: TypedTensor<shape![2, 4]> = TypedTensor::stack::<0, _>([&a, &b]);
    /// assert_eq!(both.shape(), [2, 4]);
    /// ```
    ///
    /// # Panics
    /// If there is none, a run-time dim has two sizes, or dtypes or devices differ.
    #[track_caller]
    pub fn stack<const I: usize, const N: usize>(
        tensors: [&Self; N],
    ) -> TypedTensor<<S as InsertAxis<I, Const<N>>>::Output>
    where
        S: InsertAxis<I, Const<N>>,
    {
        const { assert!(N > 0, "stack: there is nothing to stack") };
        TypedTensor::infallible(Tensor::stack(&tensors, I as isize))
    }

    /// Cuts along axis `I` into the parts that the program asks for, a tuple or an array of typed tensors. Views;
    /// `torch.split`. Parts whose size is known only at run time share what the others leave.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let x = TypedTensor::<shape![2, 12]>::ones();
    /// let [q, k, v]: [TypedTensor<shape![2, 4]>; 3] = x.split::<1, _>();
    /// let (left, right): (TypedTensor<shape![2, 5]>, TypedTensor<shape![2, 7]>) = x.split::<1, _>();
    /// assert_eq!((q.shape(), right.shape()), ([2, 4].as_slice(), [2, 7].as_slice()));
    /// ```
    ///
    /// # Panics
    /// If sizes known only at run time do not add up.
    #[track_caller]
    pub fn split<const I: usize, P: SplitParts<I, S>>(/* (a, b) = x.split::<1, _>() */ &self) -> P
    where
        S: Axis<I>,
    {
        const { check("split", I, sum(P::SIZES), size::<I, S>()) };
        expect(cut(self.as_tensor(), I, P::SIZES).and_then(P::from_parts))
    }

    /// As much from `start` on along axis `I` as the shape that the program states has. A view; `torch.narrow`.
    ///
    /// ```
    /// use rustorch::prelude::*;
    /// let x = TypedTensor::from([1.0f32, 2.0, 3.0, 4.0]);
    /// let middle: TypedTensor<shape![2]> = x.narrow::<0, _>(1);
    /// assert_eq!(middle.to_vec::<f32>()?, [2.0, 3.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    ///
    /// # Panics
    /// If `start` is too large.
    #[track_caller]
    pub fn narrow<const I: usize, T>(/* x.narrow::<1, _>(start) */ &self, start: usize) -> TypedTensor<T>
    where
        S: Axis<I>,
        T: Axis<I, Removed = <S as Axis<I>>::Removed>,
    {
        const { within(I, size::<I, T>(), size::<I, S>()) };
        let length = size::<I, T>().unwrap_or_default();
        TypedTensor::infallible(self.as_tensor().narrow(I as isize, start, length))
    }

    /// The part at `index` of axis `I`, which goes. A view; `torch.select`.
    ///
    /// # Panics
    /// If `index` is too large.
    #[track_caller]
    pub fn select<const I: usize>(/* x.select::<1>(index) */ &self, index: usize) -> Removed<S, I>
    where
        S: Axis<I>,
    {
        TypedTensor::infallible(self.as_tensor().select(I as isize, index as isize))
    }
}

/// Views of the given sizes; those that are not given share the rest evenly.
#[inline]
fn cut(x: &Tensor, axis: usize, sizes: &[Option<usize>]) -> Result<Vec<Tensor>> {
    let whole = x.shape()[axis];
    let known: usize = sizes.iter().flatten().sum();
    let open = sizes.iter().filter(|size| size.is_none()).count();
    let rest = whole.checked_sub(known).filter(|rest| if open == 0 { *rest == 0 } else { rest % open == 0 });
    let Some(rest) = rest else {
        let message = format!(
            "axis {axis} has size {whole}, which cannot be cut into parts of {known} together and {open} equal ones"
        );
        return Err(Error::argument("split", message));
    };
    let mut start = 0;
    sizes
        .iter()
        .map(|size| {
            let length = size.unwrap_or(rest / open.max(1));
            start += length;
            x.narrow(axis as isize, start - length, length)
        })
        .collect()
}
