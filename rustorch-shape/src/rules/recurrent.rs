//! Recurrent layers and cells.

use super::require;
use crate::error::{Dims, Result, ShapeError};
use crate::size::{Relation, Size};

/// The sizes of a recurrent layer.
#[derive(Clone, Copy, Debug)]
pub struct Recurrent<'a, S> {
    /// The layer, as the user calls it.
    pub op: &'static str,
    /// Features of the input.
    pub input_size: &'a S,
    /// Units, which are the features of an LSTM's cells.
    pub hidden_size: &'a S,
    /// Features of the state and, per direction, of the output.
    pub output_size: &'a S,
    /// Layers on top of each other.
    pub num_layers: &'a S,
    /// Whether each layer runs in both directions.
    pub bidirectional: bool,
    /// Whether the batch is axis 0 and not axis 1.
    pub batch_first: bool,
}

/// The shapes that a recurrent layer gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecurrentShapes<S> {
    /// Of the output.
    pub output: Vec<S>,
    /// Of the last state, which is that of the first.
    pub state: Vec<S>,
    /// Of an LSTM's cells.
    pub cells: Vec<S>,
}

/// A sequence `[length, batch, features]` (or `[batch, length, features]`, or `[length, features]` of one sequence) and
/// states `[num_layers · directions, batch, features]` through a recurrent layer.
///
/// # Errors
/// When the rank or the features of the input do not fit, or the states do not fit the layer and the input.
///
/// ```
/// use rustorch_shape::rules::{Recurrent, recurrent};
/// let layer = Recurrent {
///     op: "Lstm", input_size: &3, hidden_size: &5, output_size: &5, num_layers: &2, bidirectional: true, batch_first: true,
/// };
/// let shapes = recurrent(layer, &[7, 4, 3], None, None, &mut ()).unwrap();
/// assert_eq!((shapes.output, shapes.state), (vec![7, 4, 10], vec![4, 7, 5]));
/// let error = recurrent(layer, &[7, 4, 2], None, None, &mut ()).unwrap_err();
/// assert_eq!(error.to_string(), "Lstm: the input [7, 4, 2] has 2 features (axis 2), but the layer takes 3");
/// ```
pub fn recurrent<S: Size>(
    layer: Recurrent<'_, S>,
    input: &[S],
    h0: Option<&[S]>,
    c0: Option<&[S]>,
    claims: &mut S::Claims,
) -> Result<RecurrentShapes<S>> {
    let Recurrent { op, .. } = layer;
    if !matches!(input.len(), 2 | 3) {
        let layout =
            if layer.batch_first { "[batch, length, features]" } else { "[length, batch, features]" };
        let message = format!(
            "the input has shape {} of rank {}, but {layout}, or [length, features] of one sequence, is needed",
            Dims(input),
            input.len()
        );
        return Err(ShapeError::input(op, 0, message));
    }
    check_features(op, input, layer.input_size, claims)?;
    let too_large = || ShapeError::input(op, 0, format!("the states of {} are too many", Dims(input)));
    let directions = S::constant(if layer.bidirectional { 2 } else { 1 });
    let stacked = layer.num_layers.times(&directions).ok_or_else(too_large)?;
    let batch = (input.len() == 3).then(|| input[usize::from(!layer.batch_first)].clone());
    let state_of = |features: &S| -> Vec<S> {
        [Some(&stacked), batch.as_ref(), Some(features)].into_iter().flatten().cloned().collect()
    };
    let (state, cells) = (state_of(layer.output_size), state_of(layer.hidden_size));
    for (index, name, given, expected) in [(1, "state", h0, &state), (2, "cells", c0, &cells)] {
        if let Some(given) = given {
            check_state(op, (index, name), given, expected, input, claims)?;
        }
    }
    let mut output = input.to_vec();
    let last = output.len() - 1;
    output[last] = layer.output_size.times(&directions).ok_or_else(too_large)?;
    Ok(RecurrentShapes { output, state, cells })
}

/// One step of a cell: an input `[batch, features]` (or `[features]`) and states `[batch, hidden_size]` give states.
///
/// # Errors
/// When a rank or size does not fit.
pub fn recurrent_cell<S: Size>(
    op: &'static str,
    input_size: &S,
    hidden_size: &S,
    input: &[S],
    states: &[Option<&[S]>],
    claims: &mut S::Claims,
) -> Result<Vec<S>> {
    if !matches!(input.len(), 1 | 2) {
        let message = format!(
            "the input has shape {} of rank {}, but [batch, features] or [features] is needed",
            Dims(input),
            input.len()
        );
        return Err(ShapeError::input(op, 0, message));
    }
    check_features(op, input, input_size, claims)?;
    let mut expected = input.to_vec();
    let last = expected.len() - 1;
    expected[last] = hidden_size.clone();
    for (index, state) in states.iter().enumerate() {
        if let Some(state) = state {
            let name = if index == 0 { "state" } else { "cells" };
            check_state(op, (index + 1, name), state, &expected, input, claims)?;
        }
    }
    Ok(expected)
}

fn check_features<S: Size>(
    op: &'static str,
    input: &[S],
    input_size: &S,
    claims: &mut S::Claims,
) -> Result<()> {
    let last = input.len() - 1;
    require(claims, &input[last], Relation::Equal, input_size, || {
        let message = format!(
            "the input {} has {} features (axis {last}), but the layer takes {input_size}",
            Dims(input),
            input[last]
        );
        ShapeError::input(op, 0, message).at_axis(last)
    })
}

fn check_state<S: Size>(
    op: &'static str,
    (index, name): (usize, &str),
    given: &[S],
    expected: &[S],
    input: &[S],
    claims: &mut S::Claims,
) -> Result<()> {
    let error = || {
        let message = format!(
            "the {name} has shape {}, but the layer needs {} for the input {}",
            Dims(given),
            Dims(expected),
            Dims(input)
        );
        ShapeError::input(op, index, message)
    };
    if given.len() != expected.len() {
        return Err(error());
    }
    for (axis, (found, expected)) in given.iter().zip(expected).enumerate() {
        require(claims, found, Relation::Equal, expected, || error().at_axis(axis))?;
    }
    Ok(())
}
