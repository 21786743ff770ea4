//! Recurrent layers and cells.

use super::{LayerSpec, Results, Signature, StateSpec, parameter};
use crate::args::{ArgSpec, Args, Fallback, Feature, Kind, Rule, Value};
use crate::error::Result;
use crate::poly::{Claim, Poly};
use crate::rules::{self, Recurrent};
use crate::size::Size;

const INPUT: ArgSpec = ArgSpec::size("input_size").inferred(Feature::Last);
const HIDDEN: ArgSpec = ArgSpec::size("hidden_size");
const LAYERS: ArgSpec = ArgSpec::size("num_layers").named().or(Fallback::Size(1));
const BIAS: ArgSpec = ArgSpec::bool("bias", true);
const BATCH_FIRST: ArgSpec = ArgSpec::flag("batch_first", false);
const DROPOUT: ArgSpec = ArgSpec::probability("dropout", 0.0).named();
const BIDIRECTIONAL: ArgSpec = ArgSpec::flag("bidirectional", false);
const NONLINEARITY: ArgSpec =
    ArgSpec::of("nonlinearity", Kind::Text(&["tanh", "relu"])).named().or(Fallback::Text("tanh"));

/// `let (y, h) = gru(x, h0);`
const WITH_STATE: Signature =
    Signature { state: &["h0"], results: Results::Tuple(&[Results::One, Results::One]), ..Signature::MAP };
/// `let (y, (h, c)) = lstm(x, (h0, c0));`
const WITH_STATE_AND_CELLS: Signature = Signature {
    state: &["h0", "c0"],
    results: Results::Tuple(&[Results::One, Results::Tuple(&[Results::One, Results::One])]),
    ..Signature::MAP
};
/// `let h = cell(x, h);`
const CELL: Signature = Signature { state: &["h"], ..Signature::MAP };
/// `let (h, c) = cell(x, (h, c));`
const LSTM_CELL_TENSORS: Signature = Signature {
    state: &["h", "c"],
    results: Results::Tuple(&[Results::One, Results::One]),
    ..Signature::MAP
};

pub(super) const RNN: LayerSpec = LayerSpec {
    name: "Rnn",
    summary: "h = tanh(W x + b + U h + d) along a sequence: [length, batch, input_size] -> [length, batch, hidden_size]",
    args: &[INPUT, HIDDEN, LAYERS, NONLINEARITY, BIAS, BATCH_FIRST, DROPOUT, BIDIRECTIONAL],
    signature: WITH_STATE,
    state: |args| layer_state(args, 1),
    rule: Rule::new(layer_rule),
};

pub(super) const LSTM: LayerSpec = LayerSpec {
    name: "Lstm",
    summary: "long short-term memory along a sequence: [length, batch, input_size] -> [length, batch, hidden_size]",
    args: &[
        INPUT,
        HIDDEN,
        LAYERS,
        BIAS,
        BATCH_FIRST,
        DROPOUT,
        BIDIRECTIONAL,
        ArgSpec::size("proj_size").named().or(Fallback::Size(0)),
    ],
    signature: WITH_STATE_AND_CELLS,
    state: |args| layer_state(args, 4),
    rule: Rule::new(layer_rule),
};

pub(super) const GRU: LayerSpec = LayerSpec {
    name: "Gru",
    summary: "gated recurrent units along a sequence: [length, batch, input_size] -> [length, batch, hidden_size]",
    args: &[INPUT, HIDDEN, LAYERS, BIAS, BATCH_FIRST, DROPOUT, BIDIRECTIONAL],
    signature: WITH_STATE,
    state: |args| layer_state(args, 3),
    rule: Rule::new(layer_rule),
};

pub(super) const RNN_CELL: LayerSpec = LayerSpec {
    name: "RnnCell",
    summary: "one step of an Rnn: [batch, input_size] -> [batch, hidden_size]",
    args: &[INPUT, HIDDEN, BIAS, NONLINEARITY],
    signature: CELL,
    state: |args| cell_state(args, 1),
    rule: Rule::new(cell_rule),
};

pub(super) const LSTM_CELL: LayerSpec = LayerSpec {
    name: "LstmCell",
    summary: "one step of an Lstm: [batch, input_size] -> [batch, hidden_size], and the cells",
    args: &[INPUT, HIDDEN, BIAS],
    signature: LSTM_CELL_TENSORS,
    state: |args| cell_state(args, 4),
    rule: Rule::new(cell_rule),
};

pub(super) const GRU_CELL: LayerSpec = LayerSpec {
    name: "GruCell",
    summary: "one step of a Gru: [batch, input_size] -> [batch, hidden_size]",
    args: &[INPUT, HIDDEN, BIAS],
    signature: CELL,
    state: |args| cell_state(args, 3),
    rule: Rule::new(cell_rule),
};

/// The features of the state: those of the projection, if there is one.
fn output_size(args: &Args) -> Result<Poly> {
    match args.get("proj_size") {
        Some(Value::Size(size)) if !size.is(0) => Ok(size.clone()),
        _ => Ok(args.size("hidden_size")?.clone()),
    }
}

fn times(args: &Args, factor: usize, size: &Poly) -> Result<Poly> {
    size.times(&Poly::constant(factor)).ok_or_else(|| {
        let message = format!("{factor} * {size} is too large to be a size");
        crate::ShapeError::argument(args.op, "hidden_size", message)
    })
}

/// The most layers of a recurrent layer. Every one has parameters of its own, so that a number far beyond what anybody
/// trains would fill the memory with their names alone: those of the greatest take some 100 MB.
const MOST_LAYERS: usize = 100_000;

/// The number of layers, if it is known.
fn num_layers(args: &Args) -> Result<Option<usize>> {
    let layers = args.size("num_layers")?.as_constant();
    if layers.is_some_and(|layers| layers > MOST_LAYERS) {
        let message = format!("`num_layers` is {}, expected at most {MOST_LAYERS}", args.size("num_layers")?);
        return Err(crate::ShapeError::argument(args.op, "num_layers", message));
    }
    Ok(layers)
}

/// The parameters of every layer and direction, in PyTorch's order. A number of layers that is not known names none.
fn layer_state(args: &Args, gates: usize) -> Result<Vec<StateSpec>> {
    let (input, hidden) = (args.size("input_size")?, args.size("hidden_size")?);
    let (rows, output) = (times(args, gates, hidden)?, output_size(args)?);
    let suffixes: &[&str] = if args.flag("bidirectional")? { &["", "_reverse"] } else { &[""] };
    let inner = times(args, suffixes.len(), &output)?;
    let mut state = Vec::new();
    for layer in 0..num_layers(args)?.unwrap_or(0) {
        for suffix in suffixes {
            let name = |kind: &str| format!("{kind}_l{layer}{suffix}");
            let columns = if layer == 0 { input } else { &inner };
            state.push(parameter(name("weight_ih"), vec![rows.clone(), columns.clone()]));
            state.push(parameter(name("weight_hh"), vec![rows.clone(), output.clone()]));
            if args.may_be("bias") {
                state.push(parameter(name("bias_ih"), vec![rows.clone()]));
                state.push(parameter(name("bias_hh"), vec![rows.clone()]));
            }
            if output != *hidden {
                state.push(parameter(name("weight_hr"), vec![output.clone(), hidden.clone()]));
            }
        }
    }
    Ok(state)
}

/// Input, state and cells to output, state and cells.
fn layer_rule(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    num_layers(args)?;
    let layer = Recurrent {
        op: args.op,
        input_size: args.size("input_size")?,
        hidden_size: args.size("hidden_size")?,
        output_size: &output_size(args)?,
        num_layers: args.size("num_layers")?,
        bidirectional: args.flag("bidirectional")?,
        batch_first: args.flag("batch_first")?,
    };
    let (h0, c0) = (inputs.get(1).copied(), inputs.get(2).copied());
    let shapes = rules::recurrent(layer, inputs[0], h0, c0, claims)?;
    let mut outputs = vec![shapes.output, shapes.state];
    if args.op == LSTM.name {
        outputs.push(shapes.cells);
    }
    Ok(outputs)
}

fn cell_state(args: &Args, gates: usize) -> Result<Vec<StateSpec>> {
    let (input, hidden) = (args.size("input_size")?, args.size("hidden_size")?);
    let rows = times(args, gates, hidden)?;
    let mut state = vec![
        parameter("weight_ih", vec![rows.clone(), input.clone()]),
        parameter("weight_hh", vec![rows.clone(), hidden.clone()]),
    ];
    if args.may_be("bias") {
        state.push(parameter("bias_ih", vec![rows.clone()]));
        state.push(parameter("bias_hh", vec![rows]));
    }
    Ok(state)
}

/// Input, state and cells to state and cells.
fn cell_rule(args: &Args, inputs: &[&[Poly]], claims: &mut Vec<Claim>) -> Result<Vec<Vec<Poly>>> {
    let (input, hidden) = (args.size("input_size")?, args.size("hidden_size")?);
    let states: Vec<Option<&[Poly]>> = inputs[1..].iter().map(|state| Some(*state)).collect();
    let shape = rules::recurrent_cell(args.op, input, hidden, inputs[0], &states, claims)?;
    Ok(vec![shape; if args.op == LSTM_CELL.name { 2 } else { 1 }])
}
