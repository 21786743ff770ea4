//! What a network keeps between passes: plans by shapes, and arenas that are not in use.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use smallvec::SmallVec;

use super::pass::{Pass, Planned};
use crate::Result;
use crate::storage::Storage;
use crate::{DType, Device};

/// How many plans a network keeps: as many kinds of batches as usually take turns, such as those of texts of any length.
const PLANS: usize = 64;
/// How many idle arenas a network keeps.
const ARENAS: usize = 4;

/// The plans and arenas of a network. Clones share them.
#[derive(Clone, Default)]
pub struct Cache(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The one used last comes last.
    plans: Vec<Arc<Plans>>,
    arenas: Vec<Storage>,
    passes: Vec<Pass>,
}

/// The plans for one set of shapes and switches.
pub(super) struct Plans {
    pub key: Vec<usize>,
    pub sides: [Planned; 2],
    pub outputs: SmallVec<[Output; 4]>,
    /// Why the compiled pass does not apply, if it does not.
    pub refusal: Option<String>,
}

/// What is known of an output before a pass.
#[derive(Clone, Copy)]
pub(super) struct Output {
    /// Whether it holds numbers.
    pub is_numbers: bool,
    /// Whether it depends on something that requires a gradient.
    pub grad: bool,
}

/// The memory of a compiled pass, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The arena of the forward pass, which keeps what the backward pass reads.
    pub forward: usize,
    /// All buffers of the forward pass, as if none shared memory.
    pub forward_unshared: usize,
    /// The arena of the backward pass.
    pub backward: usize,
    /// All buffers of the backward pass, as if none shared memory.
    pub backward_unshared: usize,
}

impl Cache {
    /// The plans for this key, made by `make` if there are none yet.
    pub(super) fn plans(&self, key: &[usize], make: impl FnOnce() -> Result<Plans>) -> Result<Arc<Plans>> {
        if let Some(plans) = self.0.lock().find(key) {
            return Ok(plans);
        }
        let plans = Arc::new(Plans { key: key.to_vec(), ..make()? });
        let mut state = self.0.lock();
        if state.plans.len() == PLANS {
            state.plans.remove(0);
        }
        state.plans.push(plans.clone());
        Ok(plans)
    }

    /// An arena of at least this many bytes: the smallest there is, so that batches of different sizes share those of the largest.
    pub(super) fn arena(&self, bytes: usize) -> Result<Storage> {
        let mut state = self.0.lock();
        let fitting = (0..state.arenas.len()).filter(|&at| state.arenas[at].bytes() >= bytes);
        if let Some(at) = fitting.min_by_key(|&at| state.arenas[at].bytes()) {
            return Ok(state.arenas.swap_remove(at));
        }
        drop(state);
        Storage::uninit(bytes.max(1), DType::U8, Device::Cpu)
    }

    /// Takes an arena back, in place of a smaller one if there are enough. One that tensors of an operation outside the arena still
    /// refer to is left to them.
    pub(super) fn give_back(&self, mut arena: Storage) {
        if !arena.is_unique() {
            return;
        }
        let arenas = &mut self.0.lock().arenas;
        if arenas.len() < ARENAS {
            arenas.push(arena);
        } else if let Some(smallest) = arenas.iter_mut().min_by_key(|arena| arena.bytes())
            && smallest.bytes() < arena.bytes()
        {
            *smallest = arena;
        }
    }

    /// A pass to start anew.
    pub(super) fn pass(&self, recording: bool) -> Pass {
        let mut pass = self.0.lock().passes.pop().unwrap_or_else(|| Pass::new(false, recording));
        pass.recording = recording;
        pass
    }

    /// Takes a pass back, with its arenas.
    pub(super) fn finish(&self, mut pass: Pass) {
        pass.restart();
        for side in &mut pass.sides {
            if let Some(arena) = side.arena.take() {
                self.give_back(arena);
            }
        }
        let mut state = self.0.lock();
        if state.passes.len() < ARENAS {
            state.passes.push(pass);
        }
    }
}

impl State {
    /// The plans for a key, which become those that were used last.
    fn find(&mut self, key: &[usize]) -> Option<Arc<Plans>> {
        let at = self.plans.iter().rposition(|plans| plans.key == key)?;
        self.plans[at..].rotate_left(1);
        self.plans.last().cloned()
    }
}

impl Plans {
    /// The memory of both directions.
    pub fn report(&self) -> Report {
        report(&self.sides)
    }
}

/// The memory of both directions.
pub(super) fn report([forward, backward]: &[Planned; 2]) -> Report {
    Report {
        forward: forward.plan.bytes,
        forward_unshared: forward.total,
        backward: backward.plan.bytes,
        backward_unshared: backward.total,
    }
}

impl fmt::Debug for Cache {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({} plans)", self.0.lock().plans.len())
    }
}
