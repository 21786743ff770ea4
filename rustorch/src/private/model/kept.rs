//! What keeps generated code small.

use std::cell::{Cell, OnceCell};

use crate::nn::Layer;
use crate::{Result, Tensor};

/// The results of a block of calls, dropped together. With a temporary for each, every call that may fail would need code to
/// drop all before it.
pub struct Kept {
    slots: Box<[OnceCell<Tensor>]>,
    next: Cell<usize>,
}

impl Kept {
    /// Room for this many tensors.
    #[inline(never)]
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self { slots: (0..count).map(|_| OnceCell::new()).collect(), next: Cell::new(0) }
    }

    /// Keeps the result of a call, the next of as many as there is room for.
    ///
    /// # Errors
    /// If the call failed.
    #[inline(never)]
    pub fn put(&self, made: Result<Tensor>) -> Result<&Tensor> {
        let (tensor, place) = (made?, self.next.get());
        self.next.set(place + 1);
        Ok(self.slots[place].get_or_init(|| tensor))
    }

    /// Keeps what a layer gives.
    ///
    /// # Errors
    /// As the layer.
    #[inline]
    pub fn layer(&self, layer: &impl Layer, input: &Tensor) -> Result<&Tensor> {
        self.put(layer.forward(input))
    }
}

/// The forward pass of a layer.
///
/// # Errors
/// As the layer.
#[inline]
pub fn layer(layer: &impl Layer, input: &Tensor) -> Result<Tensor> {
    layer.forward(input)
}

/// Builds some fields of a model, in a function of its own: where one fails, those before it are dropped.
///
/// # Errors
/// As what it calls.
#[inline(never)]
pub fn part<T>(build: impl FnOnce() -> Result<T>) -> Result<T> {
    build()
}
