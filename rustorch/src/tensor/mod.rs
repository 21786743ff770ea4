//! The tensor itself: a cheap handle on shared memory, its layout, and its part in differentiation.

#[cfg(feature = "ndarray")]
mod arrays;
mod convert;
mod copy;
mod create;
mod device;

mod display;
mod index;
mod literal;
mod operators;
mod overlap;
mod sequence;
#[cfg(feature = "serde")]
mod serde;
mod shape_args;
mod view;

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

pub use create::TensorOptions;
pub use display::{PrintOptions, print_options, set_print_options};
pub use index::{Ellipsis, Index, IntoIndex, NewAxis, Slice, slice};

pub use literal::{TensorData, from_literal};
pub use operators::RightOperand;
pub(crate) use operators::number;
pub(crate) use overlap::{refuse_overlap, refuse_partial_overlap};
pub use shape_args::{Axes, IntoShape, Sizes};

use crate::autograd::Meta;
use crate::layout::Layout;
use crate::storage::Storage;
use crate::{DType, Device, Error, Result, is_grad_enabled, is_inference_mode_enabled};

/// A multi-dimensional array that can be differentiated (`torch.Tensor`).
///
/// Shape, dtype and device are run-time properties. Cloning is cheap: a clone is the same tensor, as a second name is
/// in Python; [`Tensor::copy`] copies the elements. Views ([`Tensor::narrow`], [`Tensor::permute`], [`Tensor::i`] …)
/// share memory. Methods whose name ends in `_` work in place. Tensors can be used from any thread; an in-place
/// operation waits for those that read the same memory.
///
/// What can fail on bad arguments returns [`Result`]; operators (`&a + &b`) panic with the same message instead.
///
/// ```
/// use rustorch::{DType, Tensor};
/// let x = Tensor::arange(0, 6, 1)?.reshape([2, 3])?;
/// assert_eq!(x.shape(), [2, 3]);
/// assert_eq!(x.dtype(), DType::I64);
/// assert_eq!((&x * 2).to_vec::<i64>()?, [0, 2, 4, 6, 8, 10]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct Tensor(Handle);

/// A counted reference that is dropped by a call: written out at every place where tensors are dropped, which is nearly
/// everywhere, the end of a count is much code for the compiler to read, in programs that use the library as well.
#[derive(Clone)]
struct Handle(ManuallyDrop<Arc<Inner>>);

impl Drop for Handle {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: nothing uses the handle after its drop, and this is the only place that drops what it holds.
        unsafe { ManuallyDrop::drop(&mut self.0) }
    }
}

/// Behind the handle.
pub(crate) struct Inner {
    storage: Storage,
    layout: Layout,
    dtype: DType,
    flags: AtomicU8,
    /// The tensor whose memory this views, for in-place operations under differentiation. Never itself a view. A view
    /// made while nothing was recorded has one only to refuse such operations.
    base: Option<Tensor>,
    meta: Mutex<Option<Box<Meta>>>,
}

const REQUIRES_GRAD: u8 = 1;
const INFERENCE: u8 = 2;
/// A view with a base that was made while nothing was recorded, or a view of such a one.
const UNRECORDED_VIEW: u8 = 4;

impl Tensor {
    /// The size of each axis (`torch.Tensor.shape`).
    pub fn shape(&self) -> &[usize] {
        &self.0.0.layout.shape
    }

    /// The distance in elements between neighbours along each axis (`torch.Tensor.stride`).
    pub fn strides(&self) -> &[usize] {
        &self.0.0.layout.strides
    }

    /// The position in the storage of the first element (`torch.Tensor.storage_offset`).
    pub fn storage_offset(&self) -> usize {
        self.0.0.layout.offset
    }

    /// The number of axes (`torch.Tensor.dim`).
    pub fn rank(&self) -> usize {
        self.0.0.layout.rank()
    }

    /// The number of axes: PyTorch's name for [`Tensor::rank`].
    #[inline]
    pub fn dim(&self) -> usize {
        self.rank()
    }

    /// The size of one axis, counted from the end if negative (`torch.Tensor.size`).
    ///
    /// # Errors
    /// If there is no such axis.
    #[inline]
    pub fn size(&self, axis: isize) -> Result<usize> {
        Ok(self.shape()[self.existing_axis("size", axis)?])
    }

    /// The number of elements (`torch.Tensor.numel`).
    pub fn numel(&self) -> usize {
        self.0.0.layout.numel()
    }

    /// The type of the elements.
    pub fn dtype(&self) -> DType {
        self.0.0.dtype
    }

    /// Where the elements are stored.
    pub fn device(&self) -> Device {
        self.0.0.storage.device()
    }

    /// Whether the elements lie in row-major order (`torch.Tensor.is_contiguous`).
    pub fn is_contiguous(&self) -> bool {
        self.0.0.layout.is_contiguous()
    }

    /// Whether both handles are the same tensor (Python's `is`).
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0.0, &other.0.0)
    }

    /// Whether both tensors show the same memory, as views of one another do.
    pub fn shares_storage(&self, other: &Self) -> bool {
        self.0.0.storage.same(&other.0.0.storage)
    }

    /// How many in-place operations have written to the tensor's memory (`torch.Tensor._version`).
    pub fn version(&self) -> u64 {
        self.0.0.storage.version()
    }

    /// Whether the tensor was made in inference mode, or is a view of one that was (`torch.Tensor.is_inference`).
    #[inline]
    pub fn is_inference(&self) -> bool {
        self.0.0.flags.load(Ordering::Relaxed) & INFERENCE != 0
    }
}

/// What the rest of the library builds tensors from.
impl Tensor {
    /// A new tensor that owns `storage`.
    pub(crate) fn from_parts(storage: Storage, layout: Layout, dtype: DType) -> Self {
        Self::new(storage, layout, dtype, None, if is_inference_mode_enabled() { INFERENCE } else { 0 })
    }

    fn new(storage: Storage, layout: Layout, dtype: DType, base: Option<Tensor>, flags: u8) -> Self {
        Self::from_inner(Arc::new(Inner {
            storage,
            layout,
            dtype,
            flags: AtomicU8::new(flags),
            base,
            meta: Mutex::new(None),
        }))
    }

    /// A tensor with uninitialised, contiguous memory. The caller writes all of it.
    pub(crate) fn uninit(shape: &[usize], dtype: DType, device: Device) -> Result<Self> {
        let numel = checked_numel(shape).ok_or_else(|| Error::OutOfMemory {
            device,
            bytes: usize::MAX,
            detail: format!(" for shape {shape:?}"),
        })?;
        Ok(Self::from_parts(Storage::uninit(numel, dtype, device)?, Layout::contiguous(shape), dtype))
    }

    /// The same memory under another layout, without history.
    #[inline]
    pub(crate) fn alias(&self, layout: Layout, base: Option<Tensor>) -> Self {
        debug_assert!(
            layout.end() * self.dtype().size() <= self.storage().bytes(),
            "a view beyond its storage"
        );
        self.alias_as(self.dtype(), layout, base)
    }

    /// The same memory read as another dtype, without history. The layout counts elements of that dtype.
    pub(crate) fn alias_as(&self, dtype: DType, layout: Layout, base: Option<Tensor>) -> Self {
        let mut flags = self.0.0.flags.load(Ordering::Relaxed) & (INFERENCE | UNRECORDED_VIEW);
        if base.is_none() {
            flags &= !UNRECORDED_VIEW;
        } else if !is_grad_enabled() {
            flags |= UNRECORDED_VIEW;
        }
        Self::new(self.storage().clone(), layout, dtype, base, flags)
    }

    /// The tensor that a view of this one calls its base: itself, or its own base.
    pub(crate) fn view_base(&self) -> Option<Tensor> {
        if !self.dtype().is_differentiable() {
            return None;
        }
        Some(self.0.0.base.as_ref().unwrap_or(self).clone())
    }

    /// The tensor that this is a recorded view of.
    #[inline]
    pub(crate) fn base(&self) -> Option<&Tensor> {
        self.0.0.base.as_ref().filter(|_| self.0.0.flags.load(Ordering::Relaxed) & UNRECORDED_VIEW == 0)
    }

    /// The tensor that this is a view of, if the view was made while nothing was recorded.
    #[inline]
    pub(crate) fn unrecorded_base(&self) -> Option<&Tensor> {
        self.0.0.base.as_ref().filter(|_| self.base().is_none())
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.0.0.storage
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.0.0.layout
    }

    /// The non-negative number of an axis.
    #[inline]
    pub(crate) fn axis(&self, op: &'static str, axis: isize) -> Result<usize> {
        Ok(rustorch_shape::normalize_axis(op, axis, self.rank())?)
    }

    /// The first element in main memory, under the rules of [`Storage::host_ptr`].
    pub(crate) fn host_ptr(&self) -> *mut u8 {
        self.storage().host_ptr().wrapping_add(self.layout().offset.wrapping_mul(self.dtype().size()))
    }

    #[inline]
    pub(crate) fn requires_grad_flag(&self) -> bool {
        self.0.0.flags.load(Ordering::Relaxed) & REQUIRES_GRAD != 0
    }

    pub(crate) fn set_requires_grad_flag(&self, value: bool) {
        if value {
            self.0.0.flags.fetch_or(REQUIRES_GRAD, Ordering::Relaxed);
        } else {
            self.0.0.flags.fetch_and(!REQUIRES_GRAD, Ordering::Relaxed);
        }
    }

    /// Changes the autograd part, making it first if there is none.
    pub(crate) fn with_meta<R>(&self, f: impl FnOnce(&mut Meta) -> R) -> R {
        f(self.0.0.meta.lock().get_or_insert_default())
    }

    /// Reads the autograd part, if there is one.
    pub(crate) fn peek_meta<R>(&self, f: impl FnOnce(&Meta) -> R) -> Option<R> {
        self.0.0.meta.lock().as_deref().map(f)
    }

    /// A number that identifies the tensor for as long as it lives.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0.0) as usize
    }

    #[inline]
    pub(crate) fn downgrade(&self) -> Weak<Inner> {
        Arc::downgrade(&self.0.0)
    }

    pub(crate) fn from_inner(inner: Arc<Inner>) -> Self {
        Self(Handle(ManuallyDrop::new(inner)))
    }

    /// Whether nothing else refers to this tensor or its memory, so that it may be overwritten unseen.
    #[inline]
    pub(crate) fn is_unshared(&mut self) -> bool {
        Arc::get_mut(&mut self.0.0).is_some_and(|inner| {
            // A base that nobody else holds is not seen again; views of what was just made have such a one.
            if inner.flags.load(Ordering::Relaxed) & UNRECORDED_VIEW != 0
                && inner.base.as_mut().is_some_and(|base| Arc::get_mut(&mut base.0.0).is_some())
            {
                inner.base = None;
            }
            inner.base.is_none() && inner.storage.is_unique()
        })
    }
}

/// As many values as `count` says, or an error where memory does not hold them.
pub(crate) fn try_collect<T>(count: usize, values: impl Iterator<Item = T>) -> Result<Vec<T>> {
    let mut collected = Vec::new();
    collected.try_reserve_exact(count).map_err(|_| Error::OutOfMemory {
        device: Device::Cpu,
        bytes: count.saturating_mul(size_of::<T>()),
        detail: format!(" for {count} numbers"),
    })?;
    collected.extend(values);
    Ok(collected)
}

/// The number of elements of a shape, if memory can count them. An empty axis makes it 0, but strides are still counted
/// by the others.
pub(crate) fn checked_numel(shape: &[usize]) -> Option<usize> {
    let numel = shape.iter().try_fold(1usize, |product, &size| product.checked_mul(size.max(1)))?;
    isize::try_from(numel).is_ok().then_some(if shape.contains(&0) { 0 } else { numel })
}
