//! One forward pass of a compiled network and its backward pass: buffers, saved values, gradients of parameters.
//!
//! The generated code calls the methods of [`Pass`] in [`super::ops`] in a straight line. Buffers come from an arena whose
//! layout was planned beforehand ([`super::plan`]); the first time that a network sees certain shapes, the same code runs
//! once with `planning` set, in which case every method asks for its buffers and computes nothing.

use std::any::Any;
use std::sync::Arc;

use smallvec::SmallVec;

use super::buf::Home;
pub use super::buf::{Buf, Grad};
use super::cache::Plans;
use super::explain::Profile;
use super::ops::Factors;
use super::parameters::Parameters;
use super::plan::{Plan, Recorder};
use super::versions::Versions;
use crate::layout::{Dims, Layout};
use crate::storage::{OwnedReadGuard, Storage};
use crate::{DType, Error, Result, Tensor};

/// The arena of one direction and the sequence of requests to it.
#[derive(Default)]
pub(super) struct Side {
    pub recorder: Recorder,
    pub plan: Arc<Plan>,
    pub arena: Option<Storage>,
    /// Facts worked out while planning, in the order in which they are asked for.
    pub facts: Arc<Vec<Fact>>,
    new_facts: Vec<Fact>,
    requests: usize,
    questions: usize,
    lookups: usize,
}

/// Something derived from shapes alone.
pub(super) type Fact = Arc<dyn Any + Send + Sync>;

/// An operation outside the arena, with the tape of its own that its backward pass needs.
pub(super) struct Island {
    pub inputs: Vec<Tensor>,
    pub outputs: Vec<Tensor>,
}

/// See the module's text.
pub struct Pass {
    pub(super) planning: bool,
    /// Whether a backward pass may follow.
    pub(super) recording: bool,
    pub(super) sides: [Side; 2],
    pub(super) direction: usize,
    saved: Vec<Buf>,
    unread: usize,
    branches: Vec<bool>,
    untaken: usize,
    /// What dropouts have drawn.
    pub(super) factors: Vec<Factors>,
    unasked: usize,
    pub(super) islands: Vec<Island>,
    pub(super) unvisited: usize,
    tensors: Vec<Tensor>,
    pub(super) parameters: Parameters,
    pub(super) outputs: Vec<Tensor>,
    /// Whether the outputs belong to somebody else, so that results are copied to them in the end.
    pub(super) is_copied: bool,
    /// The outputs that hold numbers, so that results can be computed in place.
    pub(super) numeric: SmallVec<[bool; 16]>,
    /// Parameters and buffers that steps use as tensors, and which of the tensors they are.
    pub(super) states: Vec<(Tensor, usize)>,
    /// The tensors whose elements the backward pass reads.
    reads: Vec<usize>,
    pub(super) versions: Versions,
    locks: Vec<OwnedReadGuard>,
    /// Why the pass does not apply to what it was planned for.
    pub(super) refusal: Option<String>,
    pub(super) wanted: Option<usize>,
    pub(super) depth: usize,
    /// The steps of the network whose pass it is at the moment, as [`super::explain()`] prints them.
    pub(super) schedule: &'static [&'static str],
    /// Where the time of each step is written down, if it is.
    pub(super) profile: Option<Box<Profile>>,
    /// Outputs whose values the backward pass reads.
    pub(super) reads_output: bool,
}

// SAFETY: the pointers lead into memory that the pass owns or holds alive, and nobody else writes to it.
unsafe impl Send for Pass {}
// SAFETY: as above; a shared reference gives no access to the memory.
unsafe impl Sync for Pass {}

impl Pass {
    pub(super) fn new(planning: bool, recording: bool) -> Self {
        Self {
            planning,
            recording,
            sides: Default::default(),
            direction: 0,
            saved: Vec::new(),
            unread: 0,
            branches: Vec::new(),
            untaken: 0,
            factors: Vec::new(),
            unasked: 0,
            islands: Vec::new(),
            unvisited: 0,
            tensors: Vec::new(),
            parameters: Parameters::default(),
            outputs: Vec::new(),
            is_copied: false,
            numeric: SmallVec::new(),
            states: Vec::new(),
            reads: Vec::new(),
            versions: Versions::default(),
            locks: Vec::new(),
            refusal: None,
            wanted: None,
            depth: 0,
            schedule: &[],
            profile: None,
            reads_output: false,
        }
    }

    /// Forgets everything but its memory, for a pass that follows the same plans.
    pub(super) fn restart(&mut self) {
        self.direction = 0;
        self.saved.clear();
        self.branches.clear();
        self.factors.clear();
        self.islands.clear();
        self.tensors.clear();
        self.outputs.clear();
        self.is_copied = false;
        self.states.clear();
        self.reads.clear();
        self.locks.clear();
        self.wanted = None;
        self.depth = 0;
        self.reads_output = false;
        for side in &mut self.sides {
            (side.requests, side.questions, side.lookups) = (0, 0, 0);
        }
    }

    /// Turns round, to the start of the backward pass; may be called again to repeat it.
    pub(super) fn turn(&mut self) {
        self.direction = 1;
        self.unread = self.saved.len();
        self.untaken = self.branches.len();
        self.unasked = self.factors.len();
        self.unvisited = self.islands.len();
        let side = &mut self.sides[1];
        (side.requests, side.questions, side.lookups) = (0, 0, 0);
    }

    /// Follows these plans.
    pub(super) fn follow(&mut self, plans: &Plans) {
        for (side, planned) in self.sides.iter_mut().zip(&plans.sides) {
            side.plan = planned.plan.clone();
            side.facts = planned.facts.clone();
        }
        self.numeric.clear();
        self.numeric.extend(plans.outputs.iter().map(|output| output.is_numbers));
    }

    fn side(&mut self) -> &mut Side {
        &mut self.sides[self.direction]
    }

    // ---- buffers ----

    /// A buffer for `len` elements of `size` bytes, uninitialised.
    pub(super) fn allocate(&mut self, len: usize, size: usize, grad: bool) -> Buf {
        let (planning, backward) = (self.planning, self.direction == 1);
        let bytes = len * size;
        let side = self.side();
        let number = side.requests;
        side.requests += 1;
        let home = if backward { Home::Backward(number) } else { Home::Forward(number) };
        if planning {
            let recorded = side.recorder.allocate(bytes);
            debug_assert_eq!(recorded, number);
            return Buf {
                ptr: std::ptr::dangling_mut::<f64>().cast(),
                len,
                home,
                grad,
                dtype: Some(DType::F32),
            };
        }
        let place = side.plan.places.get(number).copied();
        let (Some((offset, room)), Some(arena)) = (place, &side.arena) else {
            panic!("internal: request {number} for {bytes} bytes is not in the plan of this pass");
        };
        assert!(bytes <= room, "internal: {bytes} bytes where {room} are planned");
        Buf { ptr: arena.host_ptr().wrapping_add(offset), len, home, grad, dtype: Some(DType::F32) }
    }

    /// A buffer for `len` numbers.
    #[inline]
    pub(super) fn numbers(&mut self, len: usize, grad: bool) -> Buf {
        self.allocate(len, size_of::<f32>(), grad)
    }

    /// The buffer for the result of an operation: memory of an output if [`Pass::output`] has said so.
    #[inline]
    pub(super) fn result(&mut self, len: usize, grad: bool) -> Buf {
        match self.wanted.take() {
            Some(output) if !self.planning => {
                let tensor = self.outputs[output].clone();
                self.hold(tensor, grad)
            }
            Some(_) => Buf { ptr: std::ptr::dangling_mut::<f64>().cast(), ..Buf::outside(len, grad) },
            None => self.numbers(len, grad),
        }
    }

    /// A buffer over the memory of a contiguous tensor, which is kept alive.
    pub(super) fn hold(&mut self, tensor: Tensor, grad: bool) -> Buf {
        let buf = Buf {
            ptr: tensor.host_ptr(),
            len: tensor.numel(),
            home: Home::Tensor(self.tensors.len()),
            grad,
            dtype: Some(tensor.dtype()),
        };
        self.tensors.push(tensor);
        buf
    }

    /// Another user of the buffer: it stays until both have released it.
    pub fn retain(&mut self, buf: Buf) -> Buf {
        if self.planning {
            match buf.home {
                Home::Forward(number) if self.direction == 0 => self.sides[0].recorder.retain(number),
                Home::Backward(number) => self.sides[1].recorder.retain(number),
                _ => {}
            }
        }
        buf
    }

    /// One user less.
    pub fn release(&mut self, buf: Buf) {
        if self.planning {
            match buf.home {
                Home::Forward(number) if self.direction == 0 => self.sides[0].recorder.release(number),
                Home::Backward(number) => self.sides[1].recorder.release(number),
                _ => {}
            }
        }
    }

    /// One user of a gradient less.
    pub fn release_grad(&mut self, grad: Grad) {
        if let Some(buf) = grad {
            self.release(buf);
        }
    }

    /// Whether this user of the buffer is the only one, so that it may be overwritten.
    pub(super) fn may_overwrite(&mut self, buf: Buf) -> bool {
        let planning = self.planning;
        let direction = self.direction;
        let side = self.side();
        if planning {
            let unique = match buf.home {
                Home::Forward(number) => direction == 0 && side.recorder.is_unique(number),
                Home::Backward(number) => side.recorder.is_unique(number),
                Home::Tensor(_) | Home::Nowhere => false,
            };
            return side.recorder.choose(unique);
        }
        let answer = side.plan.choices[side.questions];
        side.questions += 1;
        answer
    }

    /// What `make` derives from shapes, worked out once per plan.
    pub(super) fn fact<T: Send + Sync + 'static>(
        &mut self,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<Arc<T>> {
        let planning = self.planning;
        let side = self.side();
        let fact = if planning {
            let fact: Fact = Arc::new(make()?);
            side.new_facts.push(fact.clone());
            fact
        } else {
            side.lookups += 1;
            side.facts[side.lookups - 1].clone()
        };
        fact.downcast().map_err(|_| Error::argument("compiled pass", "internal: the facts are out of step"))
    }

    // ---- saved values ----

    /// Saves a buffer for the backward pass; `read` says whether its values will be read, not just whether it wants a gradient.
    pub(super) fn save(&mut self, buf: Buf, read: bool) {
        if !self.recording {
            return;
        }
        if read {
            self.reads_output |= self.outputs.iter().any(|output| output.host_ptr() == buf.ptr);
            if let Home::Tensor(number) = buf.home {
                self.reads.push(number);
            }
            self.retain(buf);
        }
        self.saved.push(buf);
    }

    /// The buffer that was saved last and has not been asked for.
    pub(super) fn saved(&mut self) -> Buf {
        self.unread -= 1;
        self.saved[self.unread]
    }

    /// Remembers which way a branch went.
    #[inline]
    pub fn branch(&mut self, taken: bool) -> bool {
        if self.recording {
            self.branches.push(taken);
        }
        taken
    }

    /// Which way the last branch went that has not been asked for.
    pub fn branched(&mut self) -> bool {
        self.untaken -= 1;
        self.branches[self.untaken]
    }

    /// What the last dropout has drawn that has not been asked for; `None` while planning.
    pub(super) fn drawn(&mut self) -> Option<Factors> {
        self.unasked = self.unasked.checked_sub(1)?;
        self.factors.get(self.unasked).copied()
    }

    // ---- gradients ----

    /// Adds a contribution to a gradient.
    pub fn contribute(&mut self, grad: &mut Grad, contribution: Grad) {
        let Some(more) = contribution else { return };
        let Some(old) = *grad else {
            *grad = Some(more);
            return;
        };
        let target = if self.may_overwrite(old) { self.retain(old) } else { self.numbers(old.len, false) };
        if !self.planning {
            // SAFETY: buffers of the same length; the target is old itself, or overlaps neither.
            unsafe { super::ops::add_into(target.f32(), old.f32(), more.f32(), old.len) };
        }
        self.release(old);
        self.release(more);
        *grad = Some(target);
    }

    // ---- tensors ----

    /// A tensor that the pass keeps alive.
    pub(super) fn held(&self, number: usize) -> &Tensor {
        &self.tensors[number]
    }

    /// A buffer as a tensor of this shape that shares its memory, unseen by autograd.
    pub(super) fn tensor(&self, buf: Buf, shape: &[usize]) -> Tensor {
        let storage = match buf.home {
            Home::Tensor(number) => self.tensors[number].storage(),
            Home::Backward(_) => self.sides[1].arena.as_ref().expect("a buffer of the arena"),
            _ => self.sides[0].arena.as_ref().expect("a buffer of the arena"),
        };
        let dtype = buf.dtype.expect("a dtype is unknown only while planning");
        let offset = (buf.ptr as usize - storage.host_ptr() as usize) / dtype.size();
        let layout = Layout { offset, ..Layout::contiguous(Dims::from_slice(shape)) };
        Tensor::from_parts(storage.clone(), layout, dtype)
    }

    /// Whether the backward pass reads the elements of a tensor that the pass holds.
    pub(super) fn reads(&self, number: usize) -> bool {
        self.reads.contains(&number)
    }

    /// Whether a tensor's memory is that of one that the pass holds.
    pub(super) fn holds(&self, tensor: &Tensor) -> bool {
        self.tensors.iter().any(|held| held.storage().same(tensor.storage()))
    }

    /// Keeps writers away from a tensor until [`Pass::unlock`].
    pub(super) fn lock(&mut self, tensor: &Tensor) {
        self.locks.push(tensor.storage().read_owned());
    }

    /// Lets writers in again.
    pub(super) fn unlock(&mut self) {
        self.locks.clear();
    }

    /// The plans of both directions, and how many bytes their buffers have without sharing.
    pub(super) fn into_plans(self) -> [Planned; 2] {
        self.sides.map(|side| {
            let total = side.recorder.total();
            Planned { plan: Arc::new(side.recorder.plan()), facts: Arc::new(side.new_facts), total }
        })
    }
}

/// The plan of one direction.
#[derive(Clone)]
pub(super) struct Planned {
    pub plan: Arc<Plan>,
    pub facts: Arc<Vec<Fact>>,
    /// Bytes of all buffers without sharing.
    pub total: usize,
}
