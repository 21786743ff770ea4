//! The layers over whole sequences.

use super::stack::Stack;
use super::{RecurrentWeights, Suffix, new_weights, visit, visit_mut};
use crate::error::expect;
use crate::kernels::recurrent::Cell;
use crate::nn::build::{Arguments, builder, python};
use crate::nn::utils::rnn::PackedSequence;
use crate::nn::{Layer, Module, Training, Visitor, VisitorMut};
use crate::{Error, Result, Tensor};

macro_rules! recurrent {
    (
        $(#[$doc:meta])*
        $layer:ident, $builder:ident, $printed:literal, $cell:expr,
        options { $($(#[$option_doc:meta])* $option:ident: $option_ty:ty,)* },
        fields { $($(#[$field_doc:meta])* $field:ident: $field_ty:ty = $init:expr,)* },
        proj $proj:expr, repr $repr:expr
    ) => {
        $(#[$doc])*
        ///
        /// The weights start uniform between `± 1/√hidden_size`.
        #[derive(Clone)]
        pub struct $layer {
            /// The parameters: of layer 0 forward, of layer 0 backward if `bidirectional`, of layer 1 forward … The
            /// `state_dict` has them under PyTorch's names: `weight_ih_l0`, `weight_hh_l0_reverse`.
            pub weights: Vec<RecurrentWeights>,
            /// Features of the input.
            pub input_size: usize,
            /// Units.
            pub hidden_size: usize,
            /// Layers on top of each other.
            pub num_layers: usize,
            /// Whether each layer runs in both directions.
            pub bidirectional: bool,
            /// Whether the batch is axis 0 and not axis 1.
            pub batch_first: bool,
            /// The probability of zero between the layers, in training.
            pub dropout: f64,
            $($(#[$field_doc])* pub $field: $field_ty,)*
            training: Training,
        }

        builder! {
            #[doc = concat!("Builds a [`", stringify!($layer), "`].")]
            $builder for $layer(input_size: usize, hidden_size: usize) {
                /// Layers on top of each other, at most 100 000; 1 unless set.
                num_layers: usize,
                /// Whether there are biases; `true` unless set.
                bias: bool,
                /// Whether input and output are `[batch, length, features]` rather than `[length, batch, features]`; `false`
                /// unless set.
                batch_first: bool,
                /// The probability of zero between the layers, in training; 0 unless set.
                dropout: f64,
                /// Whether to run in both directions, whose outputs stand side by side; `false` unless set.
                bidirectional: bool,
                $($(#[$option_doc])* $option: $option_ty,)*
            }
        }

        impl $layer {
            /// One layer in one direction, with biases.
            ///
            /// # Panics
            /// If `hidden_size` is 0 or there is not enough memory.
            #[track_caller]
            pub fn new(input_size: usize, hidden_size: usize) -> Self {
                expect(Self::builder(input_size, hidden_size).build())
            }

            #[inline]
            fn assemble(args: &Arguments) -> Result<Self> {
                const OP: &str = stringify!($layer);
                let (num_layers, dropout) = (args.size("num_layers")?, args.float("dropout")?);
                if num_layers == 0 {
                    return Err(Error::argument(OP, "num_layers is 0, expected at least 1"));
                }
                if !(0.0..=1.0).contains(&dropout) {
                    let message = format!("dropout is {dropout}, expected a probability from 0 to 1");
                    return Err(Error::argument(OP, message));
                }
                let bidirectional = args.flag("bidirectional")?;
                $(let $field: $field_ty = ($init)(OP, args)?;)*
                let weights = suffixes(num_layers, bidirectional)
                    .map(|suffix| new_weights(OP, args, suffix))
                    .collect::<Result<_>>()?;
                Ok(Self {
                    weights,
                    input_size: args.size("input_size")?,
                    hidden_size: args.size("hidden_size")?,
                    num_layers,
                    bidirectional,
                    batch_first: args.flag("batch_first")?,
                    dropout,
                    $($field,)*
                    training: Training::default(),
                })
            }

            pub(crate) fn stack(&self) -> Stack<'_> {
                let (cell, proj_size): (fn(&Self) -> Cell, fn(&Self) -> usize) = ($cell, $proj);
                Stack {
                    op: stringify!($layer),
                    cell: cell(self),
                    weights: &self.weights,
                    input_size: self.input_size,
                    hidden_size: self.hidden_size,
                    proj_size: proj_size(self),
                    num_layers: self.num_layers,
                    bidirectional: self.bidirectional,
                    batch_first: self.batch_first,
                    dropout: if self.training.get() { self.dropout } else { 0.0 },
                }
            }
        }

        /// The output alone, from a state of zeros.
        impl Layer for $layer {
            fn forward(&self, input: &Tensor) -> Result<Tensor> {
                Ok(self.stack().forward(input, (None, None))?.0)
            }
        }

        impl Module for $layer {
            fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
                visitor.training(&self.training);
                for (weights, suffix) in self.weights.iter().zip(suffixes(self.num_layers, self.bidirectional)) {
                    visit(weights, suffix, visitor);
                }
            }
            fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
                let suffixes = suffixes(self.num_layers, self.bidirectional);
                for (weights, suffix) in self.weights.iter_mut().zip(suffixes) {
                    visit_mut(weights, suffix, visitor);
                }
            }
            #[inline]
            fn repr(&self) -> String {
                let special: fn(&Self) -> String = $repr;
                let mut text = format!("{}({}, {}", $printed, self.input_size, self.hidden_size);
                text += &special(self);
                if self.num_layers != 1 {
                    text += &format!(", num_layers={}", self.num_layers);
                }
                if self.weights.first().is_some_and(|weights| weights.bias_ih.is_none()) {
                    text += ", bias=False";
                }
                if self.batch_first {
                    text += ", batch_first=True";
                }
                if self.dropout != 0.0 {
                    text += &format!(", dropout={}", python::float(self.dropout));
                }
                if self.bidirectional {
                    text += ", bidirectional=True";
                }
                text + ")"
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

/// What the names of parameters end in, in PyTorch's order: `_l0`, `_l0_reverse`, `_l1` …
fn suffixes(num_layers: usize, bidirectional: bool) -> impl Iterator<Item = Suffix> {
    let directions: &[&'static str] = if bidirectional { &["", "_reverse"] } else { &[""] };
    (0..num_layers).flat_map(|layer| directions.iter().map(move |direction| Suffix::Layer(layer, direction)))
}

/// The part of a state that the layers without cells have in common.
macro_rules! without_cells {
    ($layer:ident, $example:literal) => {
        impl $layer {
            /// The output of every step and the state after the last one, `[num_layers · directions, batch, hidden_size]`,
            /// from a state of that shape or zeros.
            ///
            /// The input is `[length, batch, input_size]`, `[batch, length, input_size]` if `batch_first`, or
            /// `[length, input_size]` of one sequence; the output has `directions · hidden_size` features.
            ///
            /// # Errors
            /// If the input or the state does not fit the layer, or there are no steps.
            ///
            /// ```
            #[doc = $example]
            /// # Ok::<(), rustorch::Error>(())
            /// ```
            pub fn forward(&self, input: &Tensor, state: Option<&Tensor>) -> Result<(Tensor, Tensor)> {
                let (output, state, _) = self.stack().forward(input, (state, None))?;
                Ok((output, state))
            }

            /// [`forward`](Self::forward) for sequences of several lengths, from
            /// [`pack_padded_sequence`](crate::nn::utils::rnn::pack_padded_sequence). The state is that after each sequence's own
            /// last step.
            ///
            /// # Errors
            /// As [`forward`](Self::forward).
            pub fn forward_packed(
                &self,
                input: &PackedSequence,
                state: Option<&Tensor>,
            ) -> Result<(PackedSequence, Tensor)> {
                let (output, state, _) = self.stack().forward_packed(input, (state, None))?;
                Ok((output, state))
            }
        }
    };
}

recurrent! {
    /// A plain recurrent layer, `h = tanh(W_ih x + b_ih + W_hh h + b_hh)`, or with `max(·, 0)` (`torch.nn.RNN`; Elman 1990).
    Rnn, RnnBuilder, "RNN", |layer| if layer.relu { Cell::Relu } else { Cell::Tanh },
    options {
        /// `"tanh"` or `"relu"`; `"tanh"` unless set.
        nonlinearity: &str,
    },
    fields {
        /// Whether it is `max(x, 0)` and not tanh that follows the sum.
        relu: bool = |_, args: &Arguments| Ok::<_, Error>(args.text("nonlinearity") == Some("relu")),
    },
    proj |_| 0, repr |_| String::new()
}

without_cells!(
    Rnn,
    "use rustorch::{Tensor, nn::Rnn};
let layer = Rnn::builder(3, 5).nonlinearity(\"relu\").build()?;
let (output, state) = layer.forward(&Tensor::randn([7, 2, 3]), None)?;
assert_eq!((output.shape(), state.shape()), (&[7, 2, 5][..], &[1, 2, 5][..]));"
);

recurrent! {
    /// Gated recurrent units (`torch.nn.GRU`; Cho et al. 2014): with `r`, `z` = σ of sums as of a plain layer,
    /// `n = tanh(W x + b + r·(U h + d))` and `h = (1 - z)·n + z·h`. Gates are stacked in the order r, z, n.
    Gru, GruBuilder, "GRU", |_| Cell::Gru,
    options {},
    fields {},
    proj |_| 0, repr |_| String::new()
}

without_cells!(
    Gru,
    "use rustorch::{Tensor, nn::Gru};
let layer = Gru::builder(3, 5).bidirectional(true).batch_first(true).build()?;
let (output, state) = layer.forward(&Tensor::randn([2, 7, 3]), None)?;
assert_eq!((output.shape(), state.shape()), (&[2, 7, 10][..], &[2, 2, 5][..]));
let (_, last) = layer.forward(&Tensor::randn([2, 1, 3]), Some(&state))?;
assert_eq!(last.shape(), [2, 2, 5]);"
);

recurrent! {
    /// Long short-term memory (`torch.nn.LSTM`; Hochreiter and Schmidhuber 1997): with `i`, `f`, `o` = σ and `g` = tanh of sums
    /// as of a plain layer, `c = f·c + i·g` and `h = o·tanh(c)`; with projections (Sak et al. 2014), `h = W_hr (o·tanh(c))`.
    /// Gates are stacked in the order i, f, g, o.
    Lstm, LstmBuilder, "LSTM", |_| Cell::Lstm,
    options {
        /// The features of the state if it is projected to fewer than `hidden_size`; 0, for no projection, unless set.
        proj_size: usize,
    },
    fields {
        /// The features of the projected state, 0 for no projection.
        proj_size: usize = |op, args: &Arguments| {
            let (size, hidden) = (args.size("proj_size")?, args.size("hidden_size")?);
            if size >= hidden && size > 0 {
                let message = format!("proj_size is {size}, expected less than hidden_size, which is {hidden}");
                return Err(Error::argument(op, message));
            }
            Ok(size)
        },
    },
    proj |layer| layer.proj_size, repr |layer| match layer.proj_size {
        0 => String::new(),
        size => format!(", proj_size={size}"),
    }
}

impl Lstm {
    /// The output of every step, and the state and cells after the last one, from such a state or zeros.
    ///
    /// The input is `[length, batch, input_size]`, `[batch, length, input_size]` if `batch_first`, or `[length, input_size]` of
    /// one sequence; the output has `directions · hidden_size` features. State and cells are
    /// `[num_layers · directions, batch, hidden_size]`. With projections, output and state have `proj_size` in place of
    /// `hidden_size`.
    ///
    /// # Errors
    /// If the input or the state does not fit the layer, or there are no steps.
    ///
    /// ```
    /// use rustorch::{Tensor, nn::Lstm};
    /// let layer = Lstm::builder(3, 5).num_layers(2).batch_first(true).build()?;
    /// assert_eq!(format!("{layer:?}"), "LSTM(3, 5, num_layers=2, batch_first=True)");
    /// let (output, (h, c)) = layer.forward(&Tensor::randn([4, 7, 3]), None)?;
    /// assert_eq!((output.shape(), h.shape()), (&[4, 7, 5][..], &[2, 4, 5][..]));
    /// // Goes on from there.
    /// let (next, _) = layer.forward(&Tensor::randn([4, 1, 3]), Some((&h, &c)))?;
    /// assert_eq!(next.shape(), [4, 1, 5]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn forward(
        &self,
        input: &Tensor,
        state: Option<(&Tensor, &Tensor)>,
    ) -> Result<(Tensor, (Tensor, Tensor))> {
        let (output, h, c) = self.stack().forward(input, state.unzip())?;
        Ok((output, (h, c.expect("an LSTM has cells"))))
    }

    /// [`forward`](Self::forward) for sequences of several lengths, from
    /// [`pack_padded_sequence`](crate::nn::utils::rnn::pack_padded_sequence). State and cells are those after each sequence's
    /// own last step.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    #[inline]
    pub fn forward_packed(
        &self,
        input: &PackedSequence,
        state: Option<(&Tensor, &Tensor)>,
    ) -> Result<(PackedSequence, (Tensor, Tensor))> {
        let (output, h, c) = self.stack().forward_packed(input, state.unzip())?;
        Ok((output, (h, c.expect("an LSTM has cells"))))
    }
}
