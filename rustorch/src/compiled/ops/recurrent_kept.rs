//! What inference keeps of recurrent layers from pass to pass.

use std::sync::Arc;

use super::super::Pass;
use super::{read, read_option};
use crate::Tensor;
use crate::kernels::isa;
use crate::kernels::recurrent::{self as kernel, Geometry, Weights, WeightsLayout};
use crate::nn::RecurrentWeights;

impl Pass {
    /// The recurrent weights packed, which stay with their storage while no gradients follow: in training they change at
    /// every step.
    pub(super) fn kept(&self, geometry: &Geometry<'_>, weight: &Tensor) -> Option<Arc<(Key, Packed)>> {
        if self.recording {
            return None;
        }
        let (ptr, _guard) = read(weight);
        let key = Key { start: ptr as usize, layout: geometry.weights_layout::<f32>(isa()) };
        Some(weight.storage().derived(key, || {
            let mut memory = vec![0.0; geometry.weights_len() + 16];
            let skip = memory.as_ptr().align_offset(64).min(16);
            // SAFETY: the weight is contiguous and locked; the vector has the room that was asked for.
            unsafe { kernel::pack(isa(), geometry, ptr, memory.as_mut_ptr().add(skip)) };
            Packed { memory, skip }
        }))
    }

    /// The products of a table with the weights of the input, which stay with the storage of the weights while no gradients follow.
    pub(super) fn kept_products(
        &self,
        geometry: &Geometry<'_>,
        weights: &RecurrentWeights,
        table: &Tensor,
    ) -> Option<Arc<(ProductsKey, Products)>> {
        if self.recording {
            return None;
        }
        let RecurrentWeights { weight_ih, bias_ih, bias_hh, .. } = weights;
        let others = [Some(table), bias_ih.as_ref(), bias_hh.as_ref()];
        let (input, _guard) = read(weight_ih);
        let key = ProductsKey {
            start: input as usize,
            gates: geometry.cell.gates(),
            others: others.map(|tensor| tensor.map(|tensor| (tensor.host_ptr() as usize, tensor.version()))),
        };
        Some(weight_ih.storage().derived(key, || {
            let (count, n) = (table.shape()[0], geometry.cell.gates() * geometry.hidden);
            let (rows, _table) = read(table);
            let ((input_bias, _b), (hidden_bias, _d)) =
                (read_option(bias_ih.as_ref()), read_option(bias_hh.as_ref()));
            let pointers = Weights { input, hidden: std::ptr::null(), input_bias, hidden_bias };
            let mut values = vec![0.0; count * n];
            // SAFETY: the parameters are locked and have the geometry's shapes; the vector has room for the products.
            unsafe { kernel::multiply_table(geometry, &pointers, (rows, count), values.as_mut_ptr()) };
            Products { values, _held: others.map(|tensor| tensor.cloned()) }
        }))
    }
}

/// What the products with a table depend on besides the contents of the weights.
#[derive(PartialEq)]
pub(super) struct ProductsKey {
    /// The first byte of the weights.
    start: usize,
    gates: usize,
    /// Where the table and the biases lie, and in which version.
    others: [Option<(usize, u64)>; 3],
}

/// The products with a table, and what keeps the addresses in the key from being used anew.
pub(super) struct Products {
    pub values: Vec<f32>,
    _held: [Option<Tensor>; 3],
}

/// What packed weights depend on besides the contents of the storage.
#[derive(PartialEq)]
pub(super) struct Key {
    /// The first byte.
    start: usize,
    layout: WeightsLayout,
}

/// Packed weights, from a multiple of 64 bytes on.
pub(super) struct Packed {
    memory: Vec<f32>,
    skip: usize,
}

impl Packed {
    #[inline]
    pub fn start(&self) -> *const f32 {
        self.memory[self.skip..].as_ptr()
    }
}
