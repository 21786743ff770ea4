//! The walk over the tape.
//!
//! Nodes run in reverse order of recording, each once all gradients of its outputs have arrived. Which nodes take part
//! is found first, by a loop over the graph: all that lead to a leaf, or, when gradients of certain tensors are asked
//! for, only those that lead there.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use smallvec::SmallVec;

use super::hooks::run_hooks;
use super::node::OutputMeta;
use super::{Edge, GradMode, Grads, Node};
use crate::{Error, Result, Tensor};

/// What a walk does.
pub(super) struct Walk<'a> {
    /// Keep what the nodes saved, for another walk.
    pub retain_graph: bool,
    /// Record the walk itself.
    pub create_graph: bool,
    /// Return the gradients at these edges instead of accumulating into leaves.
    pub capture: Option<&'a [Edge]>,
}

/// Identifies the target of an edge for as long as the walk holds it.
type Key = usize;

/// A node or leaf that waits for gradients.
struct Pending {
    /// Keeps the target alive, and with it the uniqueness of its key.
    _edge: Edge,
    /// How many edges still lead here from nodes that have not run.
    waiting: usize,
    /// Whether gradients are wanted here or further on.
    wanted: bool,
    grads: SmallVec<[Option<Tensor>; 1]>,
}

/// A node whose gradients are complete, ordered by recency.
struct Ready(Edge);

impl Walk<'_> {
    /// Sends each root's gradient along its edge until none is left. Returns the captured gradients.
    pub fn run(&self, roots: Vec<(Edge, Tensor)>) -> Result<Vec<Option<Tensor>>> {
        let _mode = GradMode::new(self.create_graph);
        let mut pending = self.survey(&roots);
        let mut captured = vec![None; self.capture.map_or(0, <[Edge]>::len)];
        let mut ready = BinaryHeap::new();
        for (edge, grad) in &roots {
            let entry = pending.get_mut(&key(edge)).expect("the survey starts from the roots");
            self.add(&mut entry.grads[output(edge)], grad.clone())?;
        }
        for (index, (edge, _)) in roots.iter().enumerate() {
            let entry = &pending[&key(edge)];
            let first = !roots[..index].iter().any(|(other, _)| key(other) == key(edge));
            if first && entry.wanted && entry.waiting == 0 {
                ready.push(Ready(edge.clone()));
            }
        }
        drop(roots);
        while let Some(Ready(edge)) = ready.pop() {
            let mut grads = std::mem::take(&mut pending.get_mut(&key(&edge)).expect("was surveyed").grads);
            match &edge {
                Edge::Leaf(tensor) => self.finish_leaf(tensor, grads.pop().flatten(), &mut captured)?,
                Edge::Node(node, _) => {
                    node.hooks.run(&mut grads)?;
                    self.capture(node, &grads, &mut captured);
                    let inputs = if grads.iter().any(Option::is_some) && self.leads_on(node, &pending) {
                        node.run(&grads, self.retain_graph)?
                    } else {
                        Grads::new()
                    };
                    drop(grads);
                    self.pass_on(node, inputs, &mut pending, &mut ready)?;
                }
            }
        }
        Ok(captured)
    }

    /// Finds everything reachable from the roots, counts the edges into it, and marks what is wanted.
    fn survey(&self, roots: &[(Edge, Tensor)]) -> HashMap<Key, Pending> {
        let mut pending: HashMap<Key, Pending> = HashMap::new();
        let mut order: Vec<Edge> = Vec::new();
        let mut stack: Vec<Edge> = roots.iter().map(|(edge, _)| edge.clone()).collect();
        while let Some(edge) = stack.pop() {
            if pending.contains_key(&key(&edge)) {
                continue;
            }
            let outputs = match &edge {
                Edge::Leaf(_) => 1,
                Edge::Node(node, _) => {
                    stack.extend(node.edges.iter().flatten().cloned());
                    node.outputs.len()
                }
            };
            let grads = std::iter::repeat_with(|| None).take(outputs).collect();
            let wanted = match self.capture {
                None => matches!(edge, Edge::Leaf(_)),
                Some(targets) => targets.iter().any(|target| key(target) == key(&edge)),
            };
            order.push(edge.clone());
            pending.insert(key(&edge), Pending { _edge: edge, waiting: 0, wanted, grads });
        }
        // Inputs were recorded before their users, so in this order each node comes after all it leads to.
        order.sort_by_key(recency);
        for edge in &order {
            let Edge::Node(node, _) = edge else { continue };
            let mut leads_to_wanted = false;
            for next in node.edges.iter().flatten() {
                let next = pending.get_mut(&key(next)).expect("was reached");
                next.waiting += 1;
                leads_to_wanted |= next.wanted;
            }
            pending.get_mut(&key(edge)).expect("was reached").wanted |= leads_to_wanted;
        }
        pending
    }

    /// Whether any input of the node leads to something wanted.
    fn leads_on(&self, node: &Node, pending: &HashMap<Key, Pending>) -> bool {
        node.edges.iter().flatten().any(|edge| pending[&key(edge)].wanted)
    }

    fn pass_on(
        &self,
        node: &Node,
        inputs: Grads,
        pending: &mut HashMap<Key, Pending>,
        ready: &mut BinaryHeap<Ready>,
    ) -> Result<()> {
        let mut inputs = inputs.into_iter();
        for edge in &node.edges {
            let grad = inputs.next().flatten();
            let Some(edge) = edge else { continue };
            let entry = pending.get_mut(&key(edge)).expect("was surveyed");
            if let Some(grad) = grad.filter(|_| entry.wanted) {
                check(node, edge, &grad)?;
                self.add(&mut entry.grads[output(edge)], grad)?;
            }
            entry.waiting -= 1;
            if entry.waiting == 0 && entry.wanted {
                ready.push(Ready(edge.clone()));
            }
        }
        Ok(())
    }

    fn add(&self, slot: &mut Option<Tensor>, grad: Tensor) -> Result<()> {
        *slot = Some(match slot.take() {
            None => grad,
            Some(mut sum) => {
                // Gradients of sums are often expanded from fewer elements.
                if !self.create_graph && sum.is_unshared() && !sum.layout().may_overlap() {
                    sum.add_(&grad)?
                } else {
                    sum.add(&grad)?
                }
            }
        });
        Ok(())
    }

    fn finish_leaf(
        &self,
        leaf: &Tensor,
        grad: Option<Tensor>,
        captured: &mut [Option<Tensor>],
    ) -> Result<()> {
        let Some(mut grad) = grad else { return Ok(()) };
        if let Some(hooks) = leaf.peek_meta(|meta| meta.hooks.clone()).flatten() {
            run_hooks(&hooks, &mut grad)?;
        }
        match self.capture {
            // Since the operations were recorded it may have been frozen.
            None if !leaf.requires_grad_flag() => Ok(()),
            None => leaf.accumulate_grad(grad),
            Some(targets) => {
                for (slot, target) in captured.iter_mut().zip(targets) {
                    if matches!(target, Edge::Leaf(tensor) if tensor.is_same(leaf)) {
                        *slot = Some(grad.clone());
                    }
                }
                Ok(())
            }
        }
    }

    fn capture(&self, node: &Arc<Node>, grads: &[Option<Tensor>], captured: &mut [Option<Tensor>]) {
        for (slot, target) in captured.iter_mut().zip(self.capture.unwrap_or_default()) {
            if let Edge::Node(wanted, output) = target
                && Arc::ptr_eq(wanted, node)
            {
                slot.clone_from(&grads[*output]);
            }
        }
    }
}

/// A gradient must look like what it is the gradient of; anything else is a mistake in a backward function.
fn check(node: &Node, edge: &Edge, grad: &Tensor) -> Result<()> {
    let (shape, dtype) = match edge {
        Edge::Leaf(tensor) => (tensor.shape(), tensor.dtype()),
        Edge::Node(next, output) => {
            let OutputMeta { shape, dtype, .. } = &next.outputs[*output];
            (shape.as_slice(), *dtype)
        }
    };
    if grad.shape() == shape && grad.dtype() == dtype {
        return Ok(());
    }
    Err(Error::Autograd(format!(
        "{} returned a gradient of shape {:?} {} for an input of shape {shape:?} {dtype}",
        node.op,
        grad.shape(),
        grad.dtype()
    )))
}

fn key(edge: &Edge) -> Key {
    match edge {
        Edge::Node(node, _) => Arc::as_ptr(node) as usize,
        Edge::Leaf(tensor) => tensor.id(),
    }
}

#[inline]
fn output(edge: &Edge) -> usize {
    match edge {
        Edge::Node(_, output) => *output,
        Edge::Leaf(_) => 0,
    }
}

/// Sorts leaves before all nodes, nodes by the order of recording.
fn recency(edge: &Edge) -> u64 {
    match edge {
        Edge::Leaf(_) => 0,
        Edge::Node(node, _) => node.sequence + 1,
    }
}

impl Ord for Ready {
    fn cmp(&self, other: &Self) -> Ordering {
        // Leaves first: their memory is then freed soonest, and their hooks run as early as they can.
        let rank = |edge: &Edge| match edge {
            Edge::Leaf(_) => u64::MAX,
            Edge::Node(node, _) => node.sequence,
        };
        rank(&self.0).cmp(&rank(&other.0))
    }
}

impl PartialOrd for Ready {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ready {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Ready {}
