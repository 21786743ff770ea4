//! Recurrent layers: a sequence through an LSTM, a GRU or a plain recurrent cell, one layer in one direction, and back.
//!
//! The product with the input is one matrix product over all steps, and so are the gradients of input and weights. The recurrent
//! weights are packed once; a step multiplies a group of sequences with a panel of them and applies the gates to what comes out while
//! it is in the cache. Groups of sequences do not depend on each other, so each goes through all steps on one thread; a
//! few sequences share their units among threads instead, step by step. Groups are cut by the sizes alone, and an element's sum does
//! not depend on its group: results are bit-identical for any number of threads.
//!
//! Rows that come from a table, as the embedding of a text does, are not multiplied one by one: the table is, and its products are
//! looked up. On the way back the gradients of equal rows are added up first.
//!
//! Sequences of several lengths are packed as in PyTorch: the longest first, and the rows of each step one after another.

mod backward;
mod cell;
mod forward;
mod panels;

#[cfg(test)]
mod tests;

pub use backward::{Backward, Gradient, backward};
pub use forward::{Forward, forward, multiply_table, pack};

use super::gemm::{Element, Kernels, Real};
use super::{Vectored, parallel};

/// Sequences that one thread takes through all steps.
const GROUP: usize = 16;
/// A step with fewer multiplications than this is not shared among threads.
const SHARED_STEP: usize = 1 << 16;

/// What a step computes of the input's part `a = W x + b` and the state's part `r = U h + d` of its gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// `h = tanh(a + r)`
    Tanh,
    /// `h = max(a + r, 0)`
    Relu,
    /// Gates i, f, g, o: `c = σ(f)·c + σ(i)·tanh(g)`, `h = σ(o)·tanh(c)` (Hochreiter and Schmidhuber 1997).
    Lstm,
    /// Gates r, z, n: `h = (1 - z)·n + z·h` with `n = tanh(aₙ + r·rₙ)` (Cho et al. 2014).
    Gru,
}

impl Cell {
    /// How many gates there are: rows of the weights per unit.
    pub fn gates(self) -> usize {
        match self {
            Cell::Tanh | Cell::Relu => 1,
            Cell::Lstm => 4,
            Cell::Gru => 3,
        }
    }

    /// Values per unit that a step keeps of its gates, and gradients that it makes: the GRU's candidate has its state's
    /// part besides.
    fn values(self) -> usize {
        if self == Cell::Gru { 4 } else { self.gates() }
    }
}

/// The sizes of a layer and of the sequences.
#[derive(Clone, Copy, Debug)]
pub struct Geometry<'a> {
    /// What a step computes.
    pub cell: Cell,
    /// How many steps.
    pub steps: usize,
    /// How many sequences.
    pub batch: usize,
    /// Columns of the input.
    pub input: usize,
    /// Units.
    pub hidden: usize,
    /// From the last step to the first.
    pub reverse: bool,
    /// How many sequences take part in each step, the first ones: `steps` numbers from `batch` on, not growing. `None`: all do.
    pub batch_sizes: Option<&'a [usize]>,
}

/// The parameters, in PyTorch's layouts.
#[derive(Clone, Copy, Debug)]
pub struct Weights<T> {
    /// `[gates · hidden, input]`
    pub input: *const T,
    /// `[gates · hidden, hidden]`
    pub hidden: *const T,
    /// `[gates · hidden]`, added to the input's part.
    pub input_bias: Option<*const T>,
    /// `[gates · hidden]`, added to the state's part.
    pub hidden_bias: Option<*const T>,
}

impl Geometry<'_> {
    /// Rows of all steps together.
    pub fn rows(&self) -> usize {
        self.batch_sizes.map_or(self.steps * self.batch, |sizes| sizes.iter().sum())
    }

    /// Elements that [`forward()`] leaves for [`backward()`]: gates, and the states before each step, if `keep`; else what it
    /// needs itself.
    pub fn saved_len(&self, keep: bool) -> usize {
        let states = match self.cell {
            _ if !keep => 0,
            Cell::Lstm => 2,
            _ => 1,
        };
        self.rows() * self.hidden * (self.cell.values() + states)
    }

    /// Elements of working memory that [`forward()`] takes; `table` is how many rows the table has that it reads, 0 for
    /// [`Source::Rows`].
    pub fn forward_workspace_len(&self, table: usize) -> usize {
        let gates = self.cell.gates() * self.hidden;
        self.weights_len() + 2 * self.batch * self.hidden + (1 + table) * gates + MARGIN
    }

    /// Elements of working memory that [`backward()`] takes; `table` as above.
    pub fn backward_workspace_len(&self, table: usize) -> usize {
        let gates = self.cell.gates() * self.hidden;
        let values = self.cell.values() * self.hidden;
        self.packed_len(1, gates)
            + 2 * self.batch * gates
            + self.rows() * values
            + self.groups() * values
            + 2 * self.batch * self.hidden
            + table * gates
            + MARGIN
    }

    /// Elements of the recurrent weights as [`pack`] writes them.
    pub fn weights_len(&self) -> usize {
        self.packed_len(self.cell.gates(), self.hidden)
    }

    /// Elements of recurrent weights packed for `sets` panels per block of units, `depth` deep.
    fn packed_len(&self, sets: usize, depth: usize) -> usize {
        self.hidden.next_multiple_of(MOST_COLUMNS) * sets * depth
    }

    /// How [`pack`] arranges the recurrent weights.
    pub fn weights_layout<T: Scalar>(&self, isa: super::Isa) -> WeightsLayout {
        let panels = forward::panels::<T>(isa, self, std::ptr::null_mut());
        WeightsLayout { hidden: self.hidden, gates: self.cell.gates(), width: panels.width }
    }

    /// The steps in the order in which they are computed.
    fn order(&self) -> Order {
        let mut next = 0;
        let packed = self.batch_sizes.unwrap_or_default().iter().map(|&count| {
            next += count;
            (next - count, count)
        });
        Order { packed: packed.collect(), steps: self.steps, batch: self.batch, reverse: self.reverse }
    }

    /// How many groups the sequences are cut into.
    fn groups(&self) -> usize {
        self.batch.div_ceil(GROUP).max(1)
    }

    /// The sequences of a group: the first, and how many.
    fn group(&self, index: usize) -> (usize, usize) {
        let (short, longer) = (self.batch / self.groups(), self.batch % self.groups());
        (index * short + index.min(longer), short + usize::from(index < longer))
    }

    /// How the threads share the work. Groups need not wait for each other at every step: they were measured to be faster also where
    /// all weights do not fit into a second-level cache, and shares of them would.
    fn sharing(&self) -> Sharing {
        let threads = parallel::available_threads();
        let work = self.batch * self.cell.gates() * self.hidden * self.hidden;
        if self.groups() >= threads || work < SHARED_STEP { Sharing::Groups } else { Sharing::Units(threads) }
    }
}

/// An arrangement of packed recurrent weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightsLayout {
    hidden: usize,
    gates: usize,
    /// Columns of a panel.
    width: usize,
}

/// The steps of a layer in the order in which they are computed.
struct Order {
    /// The first row and the number of sequences of each, if not all sequences take part.
    packed: Vec<(usize, usize)>,
    steps: usize,
    batch: usize,
    reverse: bool,
}

impl Order {
    /// The first row and the number of sequences of a step.
    fn at(&self, index: usize) -> (usize, usize) {
        let step = if self.reverse { self.steps - 1 - index } else { index };
        self.packed.get(step).copied().unwrap_or((step * self.batch, self.batch))
    }

    fn iter(&self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.steps).map(|index| self.at(index))
    }
}

/// What a layer reads.
#[derive(Clone, Copy, Debug)]
pub enum Source<T> {
    /// `[rows, input]`
    Rows(*const T),
    /// The rows of a table `[count, input]` by their numbers, which are below `count`. The table is multiplied with the weights
    /// and not each row anew.
    Table {
        /// The table.
        rows: *const T,
        /// How many rows it has.
        count: usize,
        /// The numbers.
        numbers: *const i64,
        /// From the number of a step to that of the next.
        step: usize,
        /// From the number of a sequence to that of the next.
        sequence: usize,
    },
}

impl<T> Source<T> {
    /// The rows of the table, 0 without one.
    fn count(&self) -> usize {
        match self {
            Source::Rows(_) => 0,
            Source::Table { count, .. } => *count,
        }
    }
}

/// No panel is wider than this.
const MOST_COLUMNS: usize = 64;
/// Room to align the parts of the working memory and for the last vector of a panel.
const MARGIN: usize = 10 * 16;

/// How threads share a layer's work. The results are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sharing {
    /// Each takes groups of sequences through all steps.
    Groups,
    /// All work at every step, on units of their own.
    Units(usize),
}

/// Hands out parts of the working memory, each aligned to a cache line.
struct Workspace<T> {
    next: *mut T,
    left: usize,
}

impl<T> Workspace<T> {
    fn new(start: *mut T, len: usize) -> Self {
        Self { next: start, left: len }
    }

    /// `len` uninitialised elements.
    fn take(&mut self, len: usize) -> *mut T {
        let skip = self.next.align_offset(64).min(64 / size_of::<T>());
        assert!(len + skip <= self.left, "the working memory was sized by the same geometry");
        let part = self.next.wrapping_add(skip);
        self.next = part.wrapping_add(len);
        self.left -= len + skip;
        part
    }
}

/// f32 and f64.
pub trait Scalar: Element + Vectored {
    #[doc(hidden)]
    fn table(isa: super::Isa) -> Table<Self>;
}

/// The matrix kernels of an instruction set.
#[derive(Clone, Copy)]
pub struct Table<T: 'static>(&'static Kernels<T>);

macro_rules! scalar {
    ($($t:ty),*) => {$(
        impl Scalar for $t {
            fn table(isa: super::Isa) -> Table<$t> {
                Table(<$t as Real>::kernels(isa))
            }
        }
    )*};
}
scalar!(f32, f64);

/// The functions of this module for one type.
pub trait Entries<T>: forward::Entry<T> + backward::Entry<T> {}
impl Entries<f32> for f32 {}
impl Entries<f64> for f64 {}
