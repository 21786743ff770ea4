//! Recurrent layers and cells.

mod cells;
mod layers;
mod stack;

pub use crate::ops::recurrent::RecurrentWeights;
pub use cells::{GruCell, GruCellBuilder, LstmCell, LstmCellBuilder, RnnCell, RnnCellBuilder};
pub use layers::{Gru, GruBuilder, Lstm, LstmBuilder, Rnn, RnnBuilder};

pub(crate) use stack::Stack;

use std::fmt;

use crate::nn::build::Arguments;
use crate::nn::{Visitor, VisitorMut, init};
use crate::{Error, Result, Tensor};

/// What the names of parameters end in: `_l0`, `_l1_reverse`; those of a single step in nothing.
#[derive(Clone, Copy)]
enum Suffix {
    Step,
    Layer(usize, &'static str),
}

impl fmt::Display for Suffix {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Suffix::Step => Ok(()),
            Suffix::Layer(layer, direction) => write!(f, "_l{layer}{direction}"),
        }
    }
}

/// The parameters whose names end in `suffix`, with PyTorch's first values: uniform between `± 1/√hidden_size`.
#[inline]
fn new_weights(op: &'static str, args: &Arguments, suffix: Suffix) -> Result<RecurrentWeights> {
    let hidden = args.size("hidden_size")?;
    if hidden == 0 {
        return Err(Error::argument(op, "hidden_size is 0, expected at least 1"));
    }
    let bound = 1.0 / (hidden as f64).sqrt();
    let parameter = |kind: &str| {
        args.parameter(&format!("{kind}{suffix}"), |tensor| init::uniform_(tensor, -bound, bound))
    };
    Ok(RecurrentWeights {
        weight_ih: parameter("weight_ih")?.expect("the table has one"),
        weight_hh: parameter("weight_hh")?.expect("the table has one"),
        bias_ih: parameter("bias_ih")?,
        bias_hh: parameter("bias_hh")?,
        weight_hr: parameter("weight_hr")?,
    })
}

#[inline]
fn visit<'a>(weights: &'a RecurrentWeights, suffix: Suffix, visitor: &mut Visitor<'a>) {
    visitor.parameter_called(format_args!("weight_ih{suffix}"), &weights.weight_ih);
    visitor.parameter_called(format_args!("weight_hh{suffix}"), &weights.weight_hh);
    visitor.parameter_called(format_args!("bias_ih{suffix}"), &weights.bias_ih);
    visitor.parameter_called(format_args!("bias_hh{suffix}"), &weights.bias_hh);
    visitor.parameter_called(format_args!("weight_hr{suffix}"), &weights.weight_hr);
}

#[inline]
fn visit_mut<'a>(weights: &'a mut RecurrentWeights, suffix: Suffix, visitor: &mut VisitorMut<'a>) {
    visitor.parameter(&format!("weight_ih{suffix}"), &mut weights.weight_ih);
    visitor.parameter(&format!("weight_hh{suffix}"), &mut weights.weight_hh);
    visitor.parameter(&format!("bias_ih{suffix}"), &mut weights.bias_ih);
    visitor.parameter(&format!("bias_hh{suffix}"), &mut weights.bias_hh);
    visitor.parameter(&format!("weight_hr{suffix}"), &mut weights.weight_hr);
}

/// Checks that a user has not replaced a weight by one of another shape, which no kernel must meet.
#[inline]
fn check_weights(op: &'static str, weights: &RecurrentWeights, sizes: [usize; 4]) -> Result<()> {
    let [rows, input, output, hidden] = sizes;
    let expected: [(&str, Option<&Tensor>, &[usize]); 5] = [
        ("weight_ih", Some(&weights.weight_ih), &[rows, input]),
        ("weight_hh", Some(&weights.weight_hh), &[rows, output]),
        ("bias_ih", weights.bias_ih.as_ref(), &[rows]),
        ("bias_hh", weights.bias_hh.as_ref(), &[rows]),
        ("weight_hr", weights.weight_hr.as_ref(), &[output, hidden]),
    ];
    for (name, tensor, shape) in expected {
        if let Some(found) = tensor.map(Tensor::shape).filter(|found| *found != shape) {
            let message = format!("{name} has shape {found:?}, but the layer's sizes need {shape:?}");
            return Err(Error::argument(op, message));
        }
    }
    Ok(())
}
