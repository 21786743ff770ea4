//! Single steps.

use rustorch_shape::rules;

use super::{RecurrentWeights, Stack, Suffix, check_weights, new_weights, visit, visit_mut};
use crate::error::expect;
use crate::kernels::recurrent::Cell;
use crate::nn::build::{Arguments, builder, python};
use crate::nn::{Layer, Module, Visitor, VisitorMut};
use crate::ops::recurrent::{Outputs, Sequences, layer};
use crate::{Result, Tensor};

macro_rules! cell {
    (
        $(#[$doc:meta])*
        $layer:ident, $builder:ident, $printed:literal, $cell:expr,
        options { $($(#[$option_doc:meta])* $option:ident: $option_ty:ty,)* },
        fields { $($(#[$field_doc:meta])* $field:ident: $field_ty:ty = $init:expr,)* },
        repr $repr:expr
    ) => {
        $(#[$doc])*
        ///
        /// The weights start uniform between `± 1/√hidden_size`.
        #[derive(Clone)]
        pub struct $layer {
            /// The parameters.
            pub weights: RecurrentWeights,
            /// Features of the input.
            pub input_size: usize,
            /// Units.
            pub hidden_size: usize,
            $($(#[$field_doc])* pub $field: $field_ty,)*
        }

        builder! {
            #[doc = concat!("Builds a [`", stringify!($layer), "`].")]
            $builder for $layer(input_size: usize, hidden_size: usize) {
                /// Whether there are biases; `true` unless set.
                bias: bool,
                $($(#[$option_doc])* $option: $option_ty,)*
            }
        }

        impl $layer {
            /// The cell, with biases.
            ///
            /// # Panics
            /// If `hidden_size` is 0 or there is not enough memory.
            #[track_caller]
            #[inline]
            pub fn new(input_size: usize, hidden_size: usize) -> Self {
                expect(Self::builder(input_size, hidden_size).build())
            }

            #[inline]
            fn assemble(args: &Arguments) -> Result<Self> {
                $(let $field: $field_ty = ($init)(args);)*
                Ok(Self {
                    weights: new_weights(stringify!($layer), args, Suffix::Step)?,
                    input_size: args.size("input_size")?,
                    hidden_size: args.size("hidden_size")?,
                    $($field,)*
                })
            }

            /// As a layer of one step.
            #[inline]
            pub(crate) fn stack(&self) -> Stack<'_> {
                let cell: fn(&Self) -> Cell = $cell;
                Stack {
                    op: stringify!($layer),
                    cell: cell(self),
                    weights: std::slice::from_ref(&self.weights),
                    input_size: self.input_size,
                    hidden_size: self.hidden_size,
                    proj_size: 0,
                    num_layers: 1,
                    bidirectional: false,
                    batch_first: false,
                    dropout: 0.0,
                }
            }

            #[inline]
            fn step(&self, input: &Tensor, states: [Option<&Tensor>; 2]) -> Result<(Tensor, Option<Tensor>)> {
                const OP: &str = stringify!($layer);
                let shapes = states.map(|state| state.map(Tensor::shape));
                let sizes = (&self.input_size, &self.hidden_size);
                rules::recurrent_cell(OP, sizes.0, sizes.1, input.shape(), &shapes, &mut ())?;
                let cell: fn(&Self) -> Cell = $cell;
                let cell = cell(self);
                let rows = cell.gates() * self.hidden_size;
                check_weights(OP, &self.weights, [rows, self.input_size, self.hidden_size, self.hidden_size])?;
                let one = input.rank() == 1;
                let batched = |tensor: &Tensor| if one { tensor.unsqueeze(0) } else { Ok(tensor.clone()) };
                let input = batched(input)?;
                let [h0, c0] = states.map(|state| state.map(batched).transpose());
                let (h0, c0) = (h0?, c0?);
                let batch = input.shape()[0];
                let sequences = Sequences { steps: 1, batch, batch_sizes: None, reverse: false };
                let states = (h0.as_ref(), c0.as_ref());
                let Outputs { y, c, .. } = layer(cell, &sequences, &input, &self.weights, states)?;
                let single = |state: Tensor| if one { state.squeeze(0) } else { Ok(state) };
                Ok((single(y)?, c.map(single).transpose()?))
            }
        }

        /// The new state alone, from a state of zeros.
        impl Layer for $layer {
            #[inline]
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                Ok(self.step(input, [None, None])?.0)
            }
        }

        impl Module for $layer {
            #[inline]
            fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
                visit(&self.weights, Suffix::Step, visitor);
            }
            #[inline]
            fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
                visit_mut(&mut self.weights, Suffix::Step, visitor);
            }
            #[inline]
            fn repr(&self) -> String {
                let special: fn(&Self) -> String = $repr;
                let bias = match self.weights.bias_ih {
                    Some(_) => String::new(),
                    None => format!(", bias={}", python::bool(false)),
                };
                format!("{}({}, {}{bias}{})", $printed, self.input_size, self.hidden_size, special(self))
            }
        }

        impl std::fmt::Debug for $layer {
            #[inline]
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.repr())
            }
        }
    };
}

macro_rules! without_cells {
    ($layer:ident, $example:literal) => {
        impl $layer {
            /// The state after a step, `[batch, hidden_size]`, from one of that shape or zeros, for an input `[batch, input_size]`;
            /// or the same without a batch.
            ///
            /// # Errors
            /// If the input or the state does not fit the cell.
            ///
            /// ```
            #[doc = $example]
            /// # Ok::<(), rustorch::Error>(())
            /// ```
            #[inline]
            pub fn forward(&self, input: &Tensor, state: Option<&Tensor>) -> Result<Tensor> {
                Ok(self.step(input, [state, None])?.0)
            }
        }
    };
}

cell! {
    /// One step of an [`Rnn`](super::Rnn) (`torch.nn.RNNCell`).
    RnnCell, RnnCellBuilder, "RNNCell", |cell| if cell.relu { Cell::Relu } else { Cell::Tanh },
    options {
        /// `"tanh"` or `"relu"`; `"tanh"` unless set.
        nonlinearity: &str,
    },
    fields {
        /// Whether it is `max(x, 0)` and not tanh that follows the sum.
        relu: bool = |args: &Arguments| args.text("nonlinearity") == Some("relu"),
    },
    repr |cell| if cell.relu { ", nonlinearity=relu".into() } else { String::new() }
}

without_cells!(
    RnnCell,
    "use rustorch::{Tensor, nn::RnnCell};
let cell = RnnCell::new(3, 5);
let h = cell.forward(&Tensor::randn([2, 3]), None)?;
assert_eq!(cell.forward(&Tensor::randn([2, 3]), Some(&h))?.shape(), [2, 5]);"
);

cell! {
    /// One step of a [`Gru`](super::Gru) (`torch.nn.GRUCell`).
    GruCell, GruCellBuilder, "GRUCell", |_| Cell::Gru,
    options {},
    fields {},
    repr |_| String::new()
}

without_cells!(
    GruCell,
    "use rustorch::{Tensor, nn::GruCell};
let cell = GruCell::new(3, 5);
let h = cell.forward(&Tensor::randn([3]), None)?;
assert_eq!(cell.forward(&Tensor::randn([3]), Some(&h))?.shape(), [5]);"
);

cell! {
    /// One step of an [`Lstm`](super::Lstm) (`torch.nn.LSTMCell`).
    LstmCell, LstmCellBuilder, "LSTMCell", |_| Cell::Lstm,
    options {},
    fields {},
    repr |_| String::new()
}

impl LstmCell {
    /// State and cells after a step, `[batch, hidden_size]` each, from such or zeros, for an input `[batch, input_size]`; or the
    /// same without a batch.
    ///
    /// # Errors
    /// If the input, the state or the cells do not fit the cell.
    ///
    /// ```
    /// use rustorch::{Tensor, nn::LstmCell};
    /// let cell = LstmCell::new(3, 5);
    /// let (h, c) = cell.forward(&Tensor::randn([2, 3]), None)?;
    /// let (h, _) = cell.forward(&Tensor::randn([2, 3]), Some((&h, &c)))?;
    /// assert_eq!(h.shape(), [2, 5]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn forward(&self, input: &Tensor, state: Option<(&Tensor, &Tensor)>) -> Result<(Tensor, Tensor)> {
        let (h, c) = self.step(input, state.unzip().into())?;
        Ok((h, c.expect("an LSTM has cells")))
    }
}
