//! A recurrent layer by operations that can be differentiated again, step by step.

use super::{Cell, Inputs, Outputs, Sequences};
use crate::nn::functional::linear;
use crate::{Result, Tensor};

/// The state of the sequences that take part in a step.
struct State {
    h: Tensor,
    c: Option<Tensor>,
}

#[inline]
pub(super) fn layer(cell: Cell, sequences: &Sequences, inputs: &Inputs) -> Result<Outputs> {
    let weights = &inputs.weights;
    let hidden = weights.weight_ih.size(0)? / cell.gates();
    let x = linear(&inputs.x, &weights.weight_ih, weights.bias_ih.as_ref())?;
    let initial = |given: &Option<Tensor>, size: usize| match given {
        Some(state) => Ok(state.clone()),
        None => Tensor::try_full(&[sequences.batch, size], 0.0, inputs.x.dtype(), inputs.x.device()),
    };
    let mut h = initial(&inputs.h0, weights.weight_hh.size(1)?)?;
    let mut c = if cell == Cell::Lstm { Some(initial(&inputs.c0, hidden)?) } else { None };
    let mut outputs = Vec::with_capacity(sequences.steps);
    for (first, count) in steps(sequences) {
        let active = |state: &Tensor| state.narrow(0, 0, count);
        let before = State { h: active(&h)?, c: c.as_ref().map(active).transpose()? };
        let after = step(cell, inputs, &x.narrow(0, first, count)?, before)?;
        outputs.push(after.h.clone());
        h = join(after.h, &h, count)?;
        c = match (after.c, c) {
            (Some(after), Some(before)) => Some(join(after, &before, count)?),
            _ => None,
        };
    }
    if sequences.reverse {
        outputs.reverse();
    }
    Ok(Outputs { y: Tensor::cat(&outputs, 0)?, h, c })
}

/// The first row and the number of sequences of every step, in the order in which they are computed.
fn steps(sequences: &Sequences) -> Vec<(usize, usize)> {
    let mut first = 0;
    let mut steps: Vec<(usize, usize)> = (0..sequences.steps)
        .map(|step| {
            let count = sequences.batch_sizes.as_ref().map_or(sequences.batch, |sizes| sizes[step]);
            first += count;
            (first - count, count)
        })
        .collect();
    if sequences.reverse {
        steps.reverse();
    }
    steps
}

/// The states of the first `count` sequences are new, the others as before.
#[inline]
fn join(new: Tensor, before: &Tensor, count: usize) -> Result<Tensor> {
    match before.size(0)? - count {
        0 => Ok(new),
        rest => Tensor::cat(&[&new, &before.narrow(0, count, rest)?], 0),
    }
}

/// One step; `x` is the input's part of the gates.
fn step(cell: Cell, inputs: &Inputs, x: &Tensor, State { h, c }: State) -> Result<State> {
    let weights = &inputs.weights;
    let state = linear(&h, &weights.weight_hh, weights.bias_hh.as_ref())?;
    let hidden = weights.weight_ih.size(0)? / cell.gates();
    let gate = |of: &Tensor, index: usize| of.narrow(-1, index * hidden, hidden);
    match cell {
        Cell::Tanh => Ok(State { h: x.add(&state)?.tanh(), c }),
        Cell::Relu => Ok(State { h: x.add(&state)?.relu(), c }),
        Cell::Lstm => {
            let sums = x.add(&state)?;
            let (i, f) = (gate(&sums, 0)?.sigmoid(), gate(&sums, 1)?.sigmoid());
            let (g, o) = (gate(&sums, 2)?.tanh(), gate(&sums, 3)?.sigmoid());
            let kept = c.map(|c| f.mul(&c)).transpose()?;
            let new = i.mul(&g)?;
            let c = kept.map_or(Ok(new.clone()), |kept| kept.add(&new))?;
            let mut h = o.mul(&c.tanh())?;
            if let Some(projection) = &weights.weight_hr {
                h = linear(&h, projection, None)?;
            }
            Ok(State { h, c: Some(c) })
        }
        Cell::Gru => {
            let sum = |index: usize| gate(x, index)?.add(&gate(&state, index)?);
            let (r, z) = (sum(0)?.sigmoid(), sum(1)?.sigmoid());
            let n = gate(x, 2)?.add(&r.mul(&gate(&state, 2)?)?)?.tanh();
            Ok(State { h: n.add(&z.mul(&h.sub(&n)?)?)?, c })
        }
    }
}
