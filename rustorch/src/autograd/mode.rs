//! Thread-local modes: whether operations are recorded.

use std::cell::Cell;
use std::marker::PhantomData;

thread_local! {
    static GRAD: Cell<bool> = const { Cell::new(true) };
    static INFERENCE: Cell<bool> = const { Cell::new(false) };
}

/// Whether operations on this thread are recorded for differentiation (`torch.is_grad_enabled`).
pub fn is_grad_enabled() -> bool {
    GRAD.get()
}

/// Whether this thread is in inference mode (`torch.is_inference_mode_enabled`).
#[inline]
pub fn is_inference_mode_enabled() -> bool {
    INFERENCE.get()
}

/// Restores the modes of its thread when dropped.
///
/// ```
/// use rustorch::{Tensor, autograd};
/// let x = Tensor::ones([2]).requires_grad_(true)?;
/// {
///     let _guard = autograd::GradMode::new(false);
///     assert!(!x.exp().requires_grad());
/// }
/// assert!(x.exp().requires_grad());
/// # Ok::<(), rustorch::Error>(())
/// ```
#[must_use = "the mode lasts until the guard is dropped"]
pub struct GradMode {
    grad: bool,
    inference: bool,
    /// The modes belong to a thread, so does the guard.
    thread: PhantomData<*const ()>,
}

impl GradMode {
    /// Sets whether operations are recorded, until the guard is dropped. In inference mode none are, whatever is set.
    pub fn new(enabled: bool) -> Self {
        Self::set(enabled, INFERENCE.get())
    }

    fn set(grad: bool, inference: bool) -> Self {
        Self {
            grad: GRAD.replace(grad && !inference),
            inference: INFERENCE.replace(inference),
            thread: PhantomData,
        }
    }
}

impl Drop for GradMode {
    fn drop(&mut self) {
        GRAD.set(self.grad);
        INFERENCE.set(self.inference);
    }
}

/// Runs `f` without recording (`torch.no_grad`). No result made inside requires gradients; PyTorch says of views that they
/// do, if what they show does, but no gradient comes of it.
///
/// ```
/// use rustorch::{Tensor, no_grad};
/// let x = Tensor::ones([2]).requires_grad_(true)?;
/// assert!(!no_grad(|| x.exp()).requires_grad());
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn no_grad<R>(f: impl FnOnce() -> R) -> R {
    set_grad_enabled(false, f)
}

/// Runs `f` with recording, also inside [`no_grad`] (`torch.enable_grad`), but not inside [`inference_mode`].
pub fn enable_grad<R>(f: impl FnOnce() -> R) -> R {
    set_grad_enabled(true, f)
}

/// Runs `f` with recording on or off (`torch.set_grad_enabled`).
pub fn set_grad_enabled<R>(enabled: bool, f: impl FnOnce() -> R) -> R {
    let _guard = GradMode::new(enabled);
    f()
}

/// Runs `f` without recording, and as if outside inference mode: for tensors that outlive the mode.
pub(crate) fn outside_inference_mode<R>(f: impl FnOnce() -> R) -> R {
    let _guard = GradMode::set(false, false);
    f()
}

/// Runs `f` in inference mode (`torch.inference_mode`): nothing is recorded, and tensors made inside can never take
/// part in differentiation. Views of tensors made outside are like these.
///
/// ```
/// use rustorch::{Tensor, inference_mode};
/// let y = inference_mode(|| Tensor::ones([2]));
/// let w = Tensor::ones([2]).requires_grad_(true)?;
/// assert!(w.mul(&y).unwrap_err().to_string().contains("inference"));
/// # Ok::<(), rustorch::Error>(())
/// ```
pub fn inference_mode<R>(f: impl FnOnce() -> R) -> R {
    let _guard = GradMode::set(false, true);
    f()
}
