//! Recurrent layers and cells, with the weights of the case in place of their own.

use rustorch::nn::utils::rnn::{PackedSequence, pack_padded_sequence, pad_packed_sequence};
use rustorch::nn::{Gru, GruCell, Lstm, LstmCell, RecurrentWeights, Rnn, RnnCell};
use rustorch::{Result, Tensor};

use super::{Table, table};
use crate::golden::Args;

/// All of them.
pub(super) fn table() -> Table {
    table! {
        "rnn" => |a| rnn(a, 1, "tanh")?.forward(a.tensor(0), state(a, 1).first()).map(pair)?;
        "rnn_relu" => |a| rnn(a, 1, "relu")?.forward(a.tensor(0), state(a, 1).first()).map(pair)?;
        "gru" => |a| gru(a, 1)?.forward(a.tensor(0), state(a, 1).first()).map(pair)?;
        "lstm" => |a| lstm(a, 1)?.forward(a.tensor(0), both(&state(a, 1))).map(triple)?;
        "packed_rnn" => |a| {
            let (y, h) = rnn(a, 3, "tanh")?.forward_packed(&packed(a)?, state(a, 3).first())?;
            [padded(a, &y)?, h]
        };
        "packed_gru" => |a| {
            let (y, h) = gru(a, 3)?.forward_packed(&packed(a)?, state(a, 3).first())?;
            [padded(a, &y)?, h]
        };
        "packed_lstm" => |a| {
            let (y, (h, c)) = lstm(a, 3)?.forward_packed(&packed(a)?, both(&state(a, 3)))?;
            [padded(a, &y)?, h, c]
        };
        "rnn_cell" => |a| [rnn_cell(a, "tanh")?.forward(a.tensor(0), state(a, 1).first())?];
        "rnn_relu_cell" => |a| [rnn_cell(a, "relu")?.forward(a.tensor(0), state(a, 1).first())?];
        "gru_cell" => |a| {
            let mut cell = GruCell::builder(a.size(3), a.size(4)).bias(a.bool(5)).build()?;
            cell.weights = weights(a, 2, a.bool(5), false).remove(0);
            [cell.forward(a.tensor(0), state(a, 1).first())?]
        };
        "lstm_cell" => |a| {
            let mut cell = LstmCell::builder(a.size(3), a.size(4)).bias(a.bool(5)).build()?;
            cell.weights = weights(a, 2, a.bool(5), false).remove(0);
            let (h, c) = cell.forward(a.tensor(0), both(&state(a, 1)))?;
            [h, c]
        };
    }
}

fn rnn_cell(a: &Args, nonlinearity: &str) -> Result<RnnCell> {
    let mut cell =
        RnnCell::builder(a.size(3), a.size(4)).bias(a.bool(5)).nonlinearity(nonlinearity).build()?;
    cell.weights = weights(a, 2, a.bool(5), false).remove(0);
    Ok(cell)
}

/// The states in argument `at`, if there are any.
fn state(a: &Args, at: usize) -> Vec<Tensor> {
    if a.is_none(at) { Vec::new() } else { a.tensors(at) }
}

fn both(states: &[Tensor]) -> Option<(&Tensor, &Tensor)> {
    states.first().zip(states.get(1))
}

fn pair((y, h): (Tensor, Tensor)) -> [Tensor; 2] {
    [y, h]
}

fn triple((y, (h, c)): (Tensor, (Tensor, Tensor))) -> [Tensor; 3] {
    [y, h, c]
}

/// The list of parameters in argument `at`, a set for every layer and direction.
fn weights(a: &Args, at: usize, bias: bool, projected: bool) -> Vec<RecurrentWeights> {
    let all = a.tensors(at);
    let size = 2 + if bias { 2 } else { 0 } + usize::from(projected);
    let set = |set: &[Tensor]| RecurrentWeights {
        weight_ih: set[0].clone(),
        weight_hh: set[1].clone(),
        bias_ih: bias.then(|| set[2].clone()),
        bias_hh: bias.then(|| set[3].clone()),
        weight_hr: projected.then(|| set[size - 1].clone()),
    };
    all.chunks(size).map(set).collect()
}

/// The layers whose states are argument `at`; the weights and sizes follow.
macro_rules! layer {
    ($layer:ident, $at:ident, $a:ident, $projected:expr, $($extra:tt)*) => {{
        let at = $at + 2;
        let mut layer = $layer::builder($a.size(at), $a.size(at + 1))
            .num_layers($a.size(at + 2))
            .bias($a.bool(at + 3))
            .batch_first($a.bool(at + 4))
            .bidirectional($a.bool(at + 5))
            $($extra)*
            .build()?;
        layer.weights = weights($a, $at + 1, $a.bool(at + 3), $projected);
        Ok(layer)
    }};
}

fn rnn(a: &Args, at: usize, nonlinearity: &str) -> Result<Rnn> {
    layer!(Rnn, at, a, false, .nonlinearity(nonlinearity))
}

fn gru(a: &Args, at: usize) -> Result<Gru> {
    layer!(Gru, at, a, false,)
}

fn lstm(a: &Args, at: usize) -> Result<Lstm> {
    layer!(Lstm, at, a, a.size(at + 8) > 0, .proj_size(a.size(at + 8)))
}

fn packed(a: &Args) -> Result<PackedSequence> {
    pack_padded_sequence(a.tensor(0), &a.sizes(1), a.bool(9), a.bool(2))
}

fn padded(a: &Args, sequence: &PackedSequence) -> Result<Tensor> {
    Ok(pad_packed_sequence(sequence, a.bool(9), 0.0, None)?.0)
}
