//! The tape's nodes.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use smallvec::SmallVec;

use super::hooks::OutputHooks;
use crate::{DType, Device, Error, Result, Tensor};

/// Gradients of a node's inputs, in order.
pub(crate) type Grads = SmallVec<[Option<Tensor>; 3]>;

/// Computes the gradients of a node's inputs from those of its outputs.
pub(crate) type BackwardFn = Box<dyn Fn(&Ctx<'_>) -> Result<Grads> + Send + Sync>;

/// Where a gradient goes.
#[derive(Clone)]
pub(crate) enum Edge {
    /// To an output of the node that computed the tensor.
    Node(Arc<Node>, usize),
    /// To the tensor itself, a leaf that accumulates.
    Leaf(Tensor),
}

/// What an output looked like, so that a missing gradient can be made and a wrong one noticed.
#[derive(Clone)]
pub(crate) struct OutputMeta {
    pub shape: crate::layout::Dims,
    pub dtype: DType,
    pub device: Device,
}

/// One recorded operation.
pub(crate) struct Node {
    pub op: &'static str,
    /// Later operations have greater numbers: the order in which the engine undoes them.
    pub sequence: u64,
    pub edges: SmallVec<[Option<Edge>; 3]>,
    pub outputs: SmallVec<[OutputMeta; 1]>,
    pub hooks: OutputHooks,
    backward: Mutex<Option<Arc<BackwardFn>>>,
}

static SEQUENCE: AtomicU64 = AtomicU64::new(0);

impl Node {
    /// Edges are made first: asking a view for its own may itself make a node, which must come before this one.
    pub fn new(
        op: &'static str,
        edges: SmallVec<[Option<Edge>; 3]>,
        outputs: &[&Tensor],
        backward: BackwardFn,
    ) -> Arc<Self> {
        let meta = |output: &&Tensor| OutputMeta {
            shape: output.shape().into(),
            dtype: output.dtype(),
            device: output.device(),
        };
        Arc::new(Self {
            op,
            sequence: SEQUENCE.fetch_add(1, Ordering::Relaxed),
            edges,
            outputs: outputs.iter().map(meta).collect(),
            hooks: OutputHooks::default(),
            backward: Mutex::new(Some(Arc::new(backward))),
        })
    }

    /// Runs the backward function; without `retain`, what it saved is freed at once. One that saved nothing may run
    /// again, as in PyTorch: two losses may share a sum or a view without keeping the graph.
    pub fn run(self: &Arc<Self>, grads: &[Option<Tensor>], retain: bool) -> Result<Grads> {
        let Some(backward) = self.backward.lock().clone() else {
            return Err(Error::Autograd(format!(
                "backward through {} a second time: its saved tensors were freed by the first; \
                 use `backward_with(.., retain_graph = true)` if the graph is needed again",
                self.op
            )));
        };
        let read_saved = Cell::new(false);
        let result = backward(&Ctx { node: self, grads, read_saved: &read_saved })?;
        if !retain && read_saved.get() {
            // What this frees is dropped after the lock is released.
            let _freed = self.backward.lock().take();
        }
        debug_assert!(result.len() <= self.edges.len(), "{}: more gradients than inputs", self.op);
        Ok(result)
    }
}

thread_local! {
    static DRAINING: Cell<bool> = const { Cell::new(false) };
    static GARBAGE: RefCell<Vec<Garbage>> = const { RefCell::new(Vec::new()) };
}

/// What a dead node leaves behind: references that may be the last ones to further nodes.
type Garbage = (SmallVec<[Option<Edge>; 3]>, Option<Arc<BackwardFn>>);

impl Drop for Node {
    /// Frees a chain of nodes in a loop. Dropping the parts in place would recurse once per node and overflow the
    /// stack on deep graphs; instead each node hands its parts to the outermost drop of this thread.
    fn drop(&mut self) {
        let mut parts = Some((std::mem::take(&mut self.edges), self.backward.get_mut().take()));
        // While a thread ends its locals may be gone: then the parts are dropped in place.
        let _ = GARBAGE.try_with(|garbage| garbage.borrow_mut().extend(parts.take()));
        if parts.is_some() || DRAINING.replace(true) {
            return;
        }
        while let Some(part) = GARBAGE.with(|garbage| garbage.borrow_mut().pop()) {
            drop(part);
        }
        DRAINING.set(false);
    }
}

/// What a backward function sees.
pub(crate) struct Ctx<'a> {
    pub node: &'a Arc<Node>,
    grads: &'a [Option<Tensor>],
    /// Whether a saved tensor was asked for.
    read_saved: &'a Cell<bool>,
}

impl Ctx<'_> {
    /// The same context for other gradients of the outputs.
    pub fn with_grads<'b>(&'b self, grads: &'b [Option<Tensor>]) -> Ctx<'b> {
        Ctx { node: self.node, grads, read_saved: self.read_saved }
    }

    /// Notes that the function depends on a saved tensor, so that it cannot run again once those are freed.
    pub(crate) fn reads_saved(&self) {
        self.read_saved.set(true);
    }

    /// The gradient of the only output.
    #[inline]
    pub fn grad(&self) -> Result<&Tensor> {
        self.grads[0].as_ref().ok_or_else(|| {
            Error::Autograd(format!("{}: internal: called without the gradient of its output", self.node.op))
        })
    }

    /// The gradient of an output, if one flowed to it.
    pub fn output_grad(&self, output: usize) -> Option<&Tensor> {
        self.grads[output].as_ref()
    }

    /// The gradient of an output; zeros if none flowed to it.
    #[inline]
    pub fn output_grad_or_zeros(&self, output: usize) -> Result<Tensor> {
        match &self.grads[output] {
            Some(grad) => Ok(grad.clone()),
            None => {
                let meta = &self.node.outputs[output];
                Tensor::try_full(&meta.shape, 0.0, meta.dtype, meta.device)
            }
        }
    }

    /// Whether the gradient of an input is wanted.
    pub fn needs(&self, input: usize) -> bool {
        self.node.edges[input].is_some()
    }

    /// Whether the walk records itself, so that only differentiable operations may be used.
    pub fn create_graph(&self) -> bool {
        super::is_grad_enabled()
    }
}
