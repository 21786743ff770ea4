//! Layers on top of each other, in one or both directions: what Rnn, Lstm and Gru share.

use std::sync::Arc;

use rustorch_shape::rules::{self, Recurrent};

use super::{RecurrentWeights, check_weights};
use crate::kernels::recurrent::Cell;
use crate::nn::utils::rnn::PackedSequence;
use crate::ops::recurrent::{Outputs, Sequences, layer};
use crate::{Error, Result, Tensor};

/// A recurrent layer's options and weights.
#[derive(Clone, Copy)]
pub(crate) struct Stack<'a> {
    /// The layer's name in errors.
    pub op: &'static str,
    pub cell: Cell,
    pub weights: &'a [RecurrentWeights],
    pub input_size: usize,
    pub hidden_size: usize,
    /// 0 for none.
    pub proj_size: usize,
    pub num_layers: usize,
    pub bidirectional: bool,
    pub batch_first: bool,
    /// Between the layers; 0 in evaluation.
    pub dropout: f64,
}

/// State and cells, `[layers · directions, batch, features]`.
pub(super) type States<'a> = (Option<&'a Tensor>, Option<&'a Tensor>);

/// The output, the last state, and an LSTM's last cells.
type Results = (Tensor, Tensor, Option<Tensor>);

impl Stack<'_> {
    pub fn directions(&self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    fn output_size(&self) -> usize {
        if self.proj_size > 0 { self.proj_size } else { self.hidden_size }
    }

    #[inline]
    fn check(&self, input: &[usize], (h0, c0): States<'_>, batch_first: bool) -> Result<()> {
        let output_size = self.output_size();
        let sizes = Recurrent {
            op: self.op,
            input_size: &self.input_size,
            hidden_size: &self.hidden_size,
            output_size: &output_size,
            num_layers: &self.num_layers,
            bidirectional: self.bidirectional,
            batch_first,
        };
        rules::recurrent(sizes, input, h0.map(Tensor::shape), c0.map(Tensor::shape), &mut ())?;
        self.check_weights()
    }

    /// Whether the weights have the shapes that the sizes need.
    #[inline]
    pub fn check_weights(&self) -> Result<()> {
        let (output_size, directions) = (self.output_size(), self.directions());
        if self.weights.len() != self.num_layers * directions {
            let message = format!(
                "there are {} sets of weights, but {} layers in {directions} directions",
                self.weights.len(),
                self.num_layers
            );
            return Err(Error::argument(self.op, message));
        }
        for (index, weights) in self.weights.iter().enumerate() {
            let input = if index < directions { self.input_size } else { directions * output_size };
            let rows = self.cell.gates() * self.hidden_size;
            check_weights(self.op, weights, [rows, input, output_size, self.hidden_size])?;
        }
        Ok(())
    }

    /// A sequence of one length.
    #[inline]
    pub fn forward(&self, input: &Tensor, states: States<'_>) -> Result<Results> {
        self.check(input.shape(), states, self.batch_first)?;
        if input.rank() == 2 {
            let batched = |state: Option<&Tensor>| state.map(|state| state.unsqueeze(1)).transpose();
            let (h0, c0) = (batched(states.0)?, batched(states.1)?);
            let (y, h, c) = self.dense(&input.unsqueeze(1)?, (h0.as_ref(), c0.as_ref()))?;
            return Ok((y.squeeze(1)?, h.squeeze(1)?, c.map(|c| c.squeeze(1)).transpose()?));
        }
        if !self.batch_first {
            return self.dense(input, states);
        }
        let (y, h, c) = self.dense(&input.transpose(0, 1)?, states)?;
        Ok((y.transpose(0, 1)?, h, c))
    }

    /// `[length, batch, features]`
    #[inline]
    fn dense(&self, input: &Tensor, states: States<'_>) -> Result<Results> {
        let (steps, batch) = (input.shape()[0], input.shape()[1]);
        if steps == 0 {
            return Err(Error::argument(self.op, format!("the input {:?} has no steps", input.shape())));
        }
        let rows = input.reshape([steps * batch, self.input_size])?;
        let (y, h, c) = self.layers(&rows, (steps, batch, None), states)?;
        Ok((y.reshape([steps, batch, y.size(1)?])?, h, c))
    }

    /// Sequences of several lengths.
    #[inline]
    pub fn forward_packed(
        &self,
        input: &PackedSequence,
        (h0, c0): States<'_>,
    ) -> Result<(PackedSequence, Tensor, Option<Tensor>)> {
        let sizes = input.batch_sizes();
        let (steps, batch) = (sizes.len(), sizes.first().copied().unwrap_or(0));
        if input.data().rank() != 2 {
            let message =
                format!("the packed rows have shape {:?}, expected [rows, features]", input.data().shape());
            return Err(Error::argument(self.op, message));
        }
        // The rows of one step have the rank that the rule asks for.
        self.check(&[1, batch, input.data().shape()[1]], (h0, c0), false)?;
        let sorted = |state: Option<&Tensor>| -> Result<Option<Tensor>> {
            match (state, input.sorted_indices()) {
                (Some(state), Some(order)) => state.index_select(1, order).map(Some),
                (state, _) => Ok(state.cloned()),
            }
        };
        let (h0, c0) = (sorted(h0)?, sorted(c0)?);
        let lengths = Some(Arc::<[usize]>::from(sizes));
        let (y, h, c) = self.layers(input.data(), (steps, batch, lengths), (h0.as_ref(), c0.as_ref()))?;
        let unsorted = |state: Tensor| match input.unsorted_indices() {
            Some(order) => state.index_select(1, order),
            None => Ok(state),
        };
        Ok((input.with_data(y)?, unsorted(h)?, c.map(unsorted).transpose()?))
    }

    /// All layers over `[rows, features]`.
    #[inline]
    fn layers(
        &self,
        rows: &Tensor,
        (steps, batch, batch_sizes): (usize, usize, Option<Arc<[usize]>>),
        (h0, c0): States<'_>,
    ) -> Result<Results> {
        let directions = self.directions();
        let (mut value, mut hs, mut cs) = (rows.clone(), Vec::new(), Vec::new());
        for (index, weights) in self.weights.chunks(directions).enumerate() {
            if index > 0 && self.dropout > 0.0 {
                value = value.dropout(self.dropout)?;
            }
            let mut outputs = Vec::with_capacity(directions);
            for (direction, weights) in weights.iter().enumerate() {
                let own = |state: Option<&Tensor>| {
                    state.map(|state| state.select(0, (index * directions + direction) as isize)).transpose()
                };
                let (h0, c0) = (own(h0)?, own(c0)?);
                let batch_sizes = batch_sizes.clone();
                let sequences = Sequences { steps, batch, batch_sizes, reverse: direction == 1 };
                let states = (h0.as_ref(), c0.as_ref());
                let Outputs { y, h, c } = layer(self.cell, &sequences, &value, weights, states)?;
                outputs.push(y);
                hs.push(h);
                cs.extend(c);
            }
            value = if directions == 1 { outputs.remove(0) } else { Tensor::cat(&outputs, 1)? };
        }
        let c = if cs.is_empty() { None } else { Some(stack(&cs)?) };
        Ok((value, stack(&hs)?, c))
    }
}

fn stack(states: &[Tensor]) -> Result<Tensor> {
    if let [one] = states { one.unsqueeze(0) } else { Tensor::stack(states, 0) }
}
