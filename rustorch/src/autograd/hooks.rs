//! Functions that see gradients on their way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::Edge;
use crate::tensor::Inner;
use crate::{Error, Result, Tensor};

/// Sees a gradient and may replace it.
pub(crate) type Hook = Arc<dyn Fn(&Tensor) -> Option<Tensor> + Send + Sync>;

/// Hooks in the order of registration.
pub(crate) type HookList = Arc<Mutex<Vec<(u64, Hook)>>>;

/// Per output of a node: its hooks, and the tensor that keeps its gradient.
#[derive(Default)]
pub(crate) struct OutputHooks(Mutex<Vec<(usize, Observer)>>);

#[derive(Clone)]
enum Observer {
    Hooks(HookList),
    Retain(Weak<Inner>),
}

impl OutputHooks {
    /// Shows `grads` to the hooks, then stores those that are to be retained.
    pub fn run(&self, grads: &mut [Option<Tensor>]) -> Result<()> {
        // Cloned, so that a hook may register or remove hooks.
        let mut observers = self.0.lock().clone();
        observers.sort_by_key(|(_, observer)| matches!(observer, Observer::Retain(_)));
        for (output, observer) in observers {
            let Some(grad) = &mut grads[output] else { continue };
            match observer {
                Observer::Hooks(hooks) => run_hooks(&hooks, grad)?,
                Observer::Retain(tensor) => {
                    if let Some(tensor) = tensor.upgrade() {
                        Tensor::from_inner(tensor).accumulate_grad(grad.clone())?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Has a tensor's gradient kept by another node, one that overwrote the tensor.
    pub fn move_retained(&self, tensor: &Tensor, to: &OutputHooks, output: usize) {
        let tensor = tensor.downgrade();
        let is_this =
            |observer: &Observer| matches!(observer, Observer::Retain(other) if other.ptr_eq(&tensor));
        self.0.lock().retain(|(_, observer)| !is_this(observer));
        to.0.lock().push((output, Observer::Retain(tensor)));
    }

    #[inline]
    fn list(&self, output: usize) -> HookList {
        let mut observers = self.0.lock();
        for (index, observer) in observers.iter() {
            if let (true, Observer::Hooks(list)) = (*index == output, observer) {
                return list.clone();
            }
        }
        let list = HookList::default();
        observers.push((output, Observer::Hooks(list.clone())));
        list
    }
}

pub(crate) fn run_hooks(hooks: &HookList, grad: &mut Tensor) -> Result<()> {
    let hooks = hooks.lock().clone();
    for (_, hook) in hooks {
        if let Some(replacement) = hook(grad) {
            let same_kind = replacement.dtype() == grad.dtype() && replacement.device() == grad.device();
            if replacement.shape() != grad.shape() || !same_kind {
                return Err(Error::Autograd(format!(
                    "a hook returned a gradient {:?} {} on {} in place of one {:?} {} on {}",
                    replacement.shape(),
                    replacement.dtype(),
                    replacement.device(),
                    grad.shape(),
                    grad.dtype(),
                    grad.device()
                )));
            }
            *grad = replacement;
        }
    }
    Ok(())
}

/// Identifies a registered hook (`torch.utils.hooks.RemovableHandle`). Dropping it leaves the hook in place.
pub struct HookHandle {
    id: u64,
    list: std::sync::Weak<Mutex<Vec<(u64, Hook)>>>,
}

impl HookHandle {
    /// Removes the hook.
    #[inline]
    pub fn remove(self) {
        if let Some(list) = self.list.upgrade() {
            list.lock().retain(|(id, _)| *id != self.id);
        }
    }
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl Tensor {
    /// Registers a function that sees this tensor's gradient whenever one is computed, and may replace it
    /// (`torch.Tensor.register_hook`).
    ///
    /// # Errors
    /// If the tensor does not require gradients, so that the hook could never run.
    ///
    /// ```
    /// use rustorch::Tensor;
    /// let x = Tensor::ones([2]).requires_grad_(true)?;
    /// x.register_hook(|grad| Some(grad * 2.0))?;
    /// x.sum().backward()?;
    /// assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [2.0, 2.0]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    pub fn register_hook(
        &self,
        hook: impl Fn(&Tensor) -> Option<Tensor> + Send + Sync + 'static,
    ) -> Result<HookHandle> {
        let list = match self.gradient_edge() {
            Some(Edge::Node(node, output)) => node.hooks.list(output),
            Some(Edge::Leaf(_)) => self.with_meta(|meta| meta.hooks.get_or_insert_default().clone()),
            None => {
                return Err(Error::Autograd("register_hook: the tensor does not require gradients".into()));
            }
        };
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        list.lock().push((id, Arc::new(hook)));
        Ok(HookHandle { id, list: Arc::downgrade(&list) })
    }

    /// Whether this leaf has hooks.
    #[inline]
    pub(crate) fn has_hooks(&self) -> bool {
        self.peek_meta(|meta| meta.hooks.as_ref().is_some_and(|hooks| !hooks.lock().is_empty()))
            .unwrap_or(false)
    }

    /// Keeps the gradient of a tensor that is not a leaf, to be read by [`Tensor::grad`]
    /// (`torch.Tensor.retain_grad`). Leaves keep theirs anyway.
    ///
    /// # Errors
    /// If the tensor does not require gradients.
    #[inline]
    pub fn retain_grad(&self) -> Result<()> {
        match self.gradient_edge() {
            Some(Edge::Node(node, output)) => {
                let newly = self.with_meta(|meta| !std::mem::replace(&mut meta.retains_grad, true));
                if newly {
                    node.hooks.0.lock().push((output, Observer::Retain(self.downgrade())));
                }
                Ok(())
            }
            Some(Edge::Leaf(_)) => Ok(()),
            None => Err(Error::Autograd("retain_grad: the tensor does not require gradients".into())),
        }
    }
}
