//! What the steps of a pass hand on: contiguous elements, and whose memory they are.

use crate::DType;

/// Contiguous elements that a pass works on.
#[derive(Clone, Copy, Debug)]
pub struct Buf {
    pub(super) ptr: *mut u8,
    /// Elements.
    pub(super) len: usize,
    pub(super) home: Home,
    /// Whether a gradient is wanted with respect to it.
    pub(super) grad: bool,
    /// `None` if only a run knows.
    pub(super) dtype: Option<DType>,
}

/// Whose memory a buffer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// The arena of the forward pass: what is saved for the backward pass stays there.
    Forward(usize),
    /// The arena of the backward pass.
    Backward(usize),
    /// A tensor that the pass holds: an input, an output, the result of an operation outside the arena.
    Tensor(usize),
    /// Nobody's: there is no such buffer.
    Nowhere,
}

/// The gradient of a buffer, as far as it has been added up; `None` is zero.
pub type Grad = Option<Buf>;

impl Buf {
    /// No buffer, to be overwritten by one.
    pub const NONE: Buf =
        Buf { ptr: std::ptr::null_mut(), len: 0, home: Home::Nowhere, grad: false, dtype: Some(DType::F32) };

    /// What stands for `len` numbers outside the arena while a pass is planned.
    pub(super) fn outside(len: usize, grad: bool) -> Buf {
        Buf { len, grad, home: Home::Tensor(usize::MAX), ..Buf::NONE }
    }

    /// Whether it certainly holds what kernels work on.
    pub(super) fn is_numbers(&self) -> bool {
        self.dtype == Some(DType::F32)
    }

    pub(super) fn f32(&self) -> *mut f32 {
        self.ptr.cast()
    }
}

/// What the result of an operation on tensors holds, as far as the macro knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Numbers of the pass's dtype.
    Numbers,
    /// Truth values or indices.
    Discrete,
    /// What only a run knows.
    Anything,
    /// What the first operand holds.
    Same,
}

impl Contents {
    /// The dtype, if that is known before the operation has run.
    pub(super) fn dtype(self, first: Option<Buf>) -> Option<DType> {
        match self {
            Contents::Numbers => Some(DType::F32),
            Contents::Discrete | Contents::Anything => None,
            Contents::Same => first.and_then(|buf| buf.dtype),
        }
    }

    /// Whether the operation may give this dtype.
    pub(super) fn allows(self, dtype: DType, first: Option<DType>) -> bool {
        match self {
            Contents::Numbers => dtype == DType::F32,
            Contents::Discrete => !dtype.is_differentiable(),
            Contents::Anything => true,
            Contents::Same => first == Some(dtype),
        }
    }

    /// Whether a gradient may be asked of it. The answer is the same before and after the operation has run.
    pub(super) fn is_differentiable(self, first: Option<Buf>) -> bool {
        match self {
            Contents::Numbers | Contents::Anything => true,
            Contents::Discrete => false,
            Contents::Same => first.is_some_and(|buf| buf.grad),
        }
    }
}
