//! Recurrent layers: whole sequences through all layers and directions, and single steps.

use smallvec::SmallVec;

use super::super::parameters::Target;
use super::super::{Buf, Grad, Pass};
use super::embedding::row_numbers;
use super::{Factors, read, read_option, wants};
use crate::kernels::isa;
use crate::kernels::recurrent::{self as kernel, Backward, Forward, Geometry, Gradient, Source, Weights};
use crate::nn::{Embedding, Gru, GruCell, Lstm, LstmCell, RecurrentWeights, Rnn, RnnCell, Stack};
use crate::ops::elementwise::copy_strided;
use crate::{DType, Error, Result, Tensor};

/// A recurrent layer, or one step of it.
#[derive(Clone, Copy)]
pub struct Recurrence<'a> {
    pub(super) stack: Stack<'a>,
    is_step: bool,
}

macro_rules! from_layers {
    ($is_step:literal: $($layer:ident)*) => {$(
        impl<'a> From<&'a $layer> for Recurrence<'a> {
            fn from(layer: &'a $layer) -> Self {
                Self { stack: layer.stack(), is_step: $is_step }
            }
        }
    )*};
}
from_layers!(false: Lstm Gru Rnn);
from_layers!(true: LstmCell GruCell RnnCell);

/// How the rows of the input lie.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub steps: usize,
    pub batch: usize,
    /// Whether the sequences come one after the other, where kernels want the steps to.
    pub by_sequence: bool,
}

/// Room for the layers and directions of most networks.
type List<T> = SmallVec<[T; 16]>;

impl<'a> Recurrence<'a> {
    /// Whether sizes, options and weights are those of the declaration.
    pub fn fits(
        &self,
        [input, hidden, layers, projected]: [usize; 4],
        [bidirectional, batch_first]: [bool; 2],
    ) -> bool {
        let stack = &self.stack;
        (stack.input_size, stack.hidden_size, stack.num_layers) == (input, hidden, layers)
            && (stack.bidirectional, stack.batch_first, stack.proj_size)
                == (bidirectional, batch_first, projected)
            && stack.weights.iter().all(|weights| weights.weight_hr.is_some() == (projected > 0))
            && stack.check_weights().is_ok()
    }

    pub(super) fn form(&self, outer: &[usize]) -> Result<Form> {
        let (steps, batch) = match *outer {
            [] => (1, 1),
            [batch] if self.is_step => (1, batch),
            [steps] => (steps, 1),
            [batch, steps] if self.stack.batch_first => (steps, batch),
            [steps, batch, ..] => (steps, batch),
        };
        if steps == 0 {
            return Err(Error::argument(self.stack.op, format!("the input {outer:?} has no steps")));
        }
        let by_sequence = self.stack.batch_first && steps > 1 && batch > 1;
        Ok(Form { steps, batch, by_sequence })
    }

    /// The geometry of a layer in a direction.
    fn geometry(&self, form: Form, layer: usize, direction: usize) -> Geometry<'static> {
        let Stack { cell, input_size, hidden_size: hidden, .. } = self.stack;
        let input = if layer == 0 { input_size } else { self.width() };
        let (steps, batch) = (form.steps, form.batch);
        Geometry { cell, steps, batch, input, hidden, reverse: direction == 1, batch_sizes: None }
    }

    /// Columns of a layer's output.
    fn width(&self) -> usize {
        self.stack.directions() * self.stack.hidden_size
    }

    pub(super) fn directions(&self, layer: usize) -> &'a [RecurrentWeights] {
        &self.stack.weights[layer * self.stack.directions()..][..self.stack.directions()]
    }

    /// Whether any parameter of a layer wants a gradient.
    #[inline]
    fn wants(&self, layer: usize) -> bool {
        self.directions(layer).iter().any(|weights| {
            let RecurrentWeights { weight_ih, weight_hh, bias_ih, bias_hh, weight_hr: _ } = weights;
            wants(&[Some(weight_ih), Some(weight_hh), bias_ih.as_ref(), bias_hh.as_ref()])
        })
    }

    #[inline]
    fn wants_input_weight(&self, layer: usize) -> bool {
        self.directions(layer).iter().any(|weights| weights.weight_ih.requires_grad())
    }

    /// The table, if it is multiplied with the weights, and not each of the rows that are taken of it: if it has fewer rows; in
    /// inference, where the products stay, also if they do not take much more memory than the weights.
    #[inline]
    fn by_table(&self, form: Form, table: Option<&'a Tensor>, recording: bool) -> Option<&'a Tensor> {
        let few = form.steps * form.batch / 2;
        let most = if recording { few } else { few.max(4 * self.stack.input_size) };
        table.filter(|table| table.shape()[0] <= most)
    }

    /// The source of the first layer's input.
    fn source(form: Form, x: Buf, batch_first: bool, table: Option<(*const f32, usize)>) -> Source<f32> {
        let Some((rows, count)) = table else { return Source::Rows(x.f32()) };
        let (step, sequence) = if batch_first { (1, form.steps) } else { (form.batch, 1) };
        Source::Table { rows, count, numbers: x.ptr.cast(), step, sequence }
    }
}

/// An axis of size `outer` and one of size `inner` in front of rows of `columns` change places.
///
/// # Safety
/// Both cover as many elements and do not overlap.
pub(super) unsafe fn exchange(from: *const f32, [outer, inner]: [usize; 2], columns: usize, to: *mut f32) {
    let strides = |[a, b]: [usize; 2]| [a * columns, b * columns, 1].into_iter().collect();
    let (from_strides, to_strides) = (strides([1, outer]), strides([inner, 1]));
    // SAFETY: the caller's promise.
    unsafe {
        copy_strided(DType::F32, from.cast(), from_strides, to.cast(), to_strides, &[outer, inner, columns]);
    }
}

impl Pass {
    /// A recurrent layer over sequences, from these states or from zeros. `results` are the first of: the output, unless it is one
    /// step; the last states; an LSTM's cells. With a `table`, `x` holds the numbers of its rows, which are the input.
    ///
    /// # Errors
    /// If there are no steps, a number is not that of a row, or the probability of a dropout is none.
    #[inline]
    pub fn recurrent(
        &mut self,
        x: Buf,
        shape: &[usize],
        table: Option<&Embedding>,
        layer: Recurrence<'_>,
        states: &[Buf],
        results: &mut [Buf],
    ) -> Result<()> {
        self.decline();
        let outer = if table.is_some() { shape } else { &shape[..shape.len() - 1] };
        let form = layer.form(outer)?;
        let Stack { num_layers: layers, hidden_size: hidden, input_size, batch_first, .. } = layer.stack;
        let (rows, width, directions) = (form.steps * form.batch, layer.width(), layer.stack.directions());
        let by_table = layer.by_table(form, table.map(|table| &table.weight), self.recording);
        let mut value = match (table, by_table) {
            (Some(table), None) => self.embedding(x, table)?,
            (Some(_), Some(_)) => {
                self.expect_indices(x)?;
                self.retain(x)
            }
            _ => self.retain(x),
        };
        if form.by_sequence && by_table.is_none() {
            let turned = self.numbers(rows * input_size, value.grad);
            if !self.planning {
                // SAFETY: buffers of the pass, of the same length.
                unsafe { exchange(value.f32(), [form.steps, form.batch], input_size, turned.f32()) };
            }
            self.release(value);
            value = turned;
        }
        for state in states {
            self.save(*state, false);
        }
        let mut below = self.recording
            && (value.grad
                || by_table.is_some_and(Tensor::requires_grad)
                || states.iter().any(|state| state.grad));
        let all = self.recording && (below || (0..layers).any(|at| layer.wants(at)));
        let state_len = form.batch * hidden;
        let mut last = [Buf::NONE; 2];
        // The kernel of cells that are not an LSTM's leaves the second alone.
        let kinds = if layer.stack.cell == kernel::Cell::Lstm { 2 } else { 1 };
        for last in &mut last[..kinds] {
            *last = self.numbers(layers * directions * state_len, all);
        }
        for at in 0..layers {
            let keep = self.recording && (below || layer.wants(at));
            self.save(value, keep && layer.wants_input_weight(at));
            let out = self.numbers(rows * width, keep);
            let geometry = layer.geometry(form, at, 0);
            let by_table = by_table.filter(|_| at == 0);
            let count = by_table.map_or(0, |table| table.shape()[0]);
            for (direction, weights) in layer.directions(at).iter().enumerate() {
                let saved = self.numbers(geometry.saved_len(keep), keep);
                // In inference the products with a table are kept elsewhere.
                let room = geometry.forward_workspace_len(if self.recording { count } else { 0 });
                let workspace = self.numbers(room, false);
                if !self.planning {
                    let geometry = layer.geometry(form, at, direction);
                    let (rows, _table) = read_option(by_table);
                    if rows.is_some() {
                        row_numbers(&value, count)?;
                    }
                    let part = (at * directions + direction) * state_len;
                    let state = |kind: usize| states.get(kind).map(|state| state.f32().cast_const());
                    let own = |kind: usize| last[kind].f32().wrapping_add(part);
                    let kept = self.kept(&geometry, &weights.weight_hh);
                    let products = by_table.and_then(|table| self.kept_products(&geometry, weights, table));
                    let io = Forward {
                        x: Recurrence::source(form, value, batch_first, rows.map(|rows| (rows, count))),
                        packed: kept.as_ref().map(|kept| kept.1.start()),
                        products: products.as_ref().map(|products| products.1.values.as_ptr()),
                        h0: state(0).map(|state| state.wrapping_add(part)),
                        c0: state(1).map(|state| state.wrapping_add(part)),
                        y: out.f32().wrapping_add(direction * hidden),
                        y_stride: width,
                        hn: own(0),
                        cn: own(1),
                        saved: saved.f32(),
                        keep,
                        workspace: workspace.f32(),
                    };
                    let ((input, _i), (recurrent, _r)) = (read(&weights.weight_ih), read(&weights.weight_hh));
                    let (input_bias, _b) = read_option(weights.bias_ih.as_ref());
                    let (hidden_bias, _d) = read_option(weights.bias_hh.as_ref());
                    let weights = Weights { input, hidden: recurrent, input_bias, hidden_bias };
                    // SAFETY: buffers of the pass of the sizes that the geometry says; the parameters are locked and their shapes
                    // were checked.
                    unsafe { kernel::forward(isa(), &geometry, &weights, &io) };
                }
                self.save(saved, keep);
                self.release(saved);
                self.release(workspace);
            }
            self.release(value);
            value = out;
            below = keep;
            if at + 1 < layers {
                self.drop_in_place(layer.stack.dropout, value)?;
            }
        }
        if form.by_sequence && !layer.is_step {
            let turned = self.numbers(rows * width, value.grad);
            if !self.planning {
                // SAFETY: buffers of the pass, of the same length.
                unsafe { exchange(value.f32(), [form.batch, form.steps], width, turned.f32()) };
            }
            self.release(value);
            value = turned;
        }
        let made = match layer.is_step {
            true => [last[0], last[1], value],
            false => [value, last[0], last[1]],
        };
        let (given, rest) = made.split_at(results.len());
        results.copy_from_slice(given);
        rest.iter().for_each(|unused| self.release(*unused));
        Ok(())
    }

    /// The gradient of [`Pass::recurrent`], given those of its results; `into` are those of the input and the states.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn recurrent_backward(
        &mut self,
        g: &[Grad],
        shape: &[usize],
        table: Option<&Embedding>,
        layer: Recurrence<'_>,
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let outer = if table.is_some() { shape } else { &shape[..shape.len() - 1] };
        let form = layer.form(outer)?;
        let Stack { num_layers: layers, hidden_size: hidden, input_size, batch_first, .. } = layer.stack;
        let (rows, width, directions) = (form.steps * form.batch, layer.width(), layer.stack.directions());
        let by_table = layer.by_table(form, table.map(|table| &table.weight), true);
        // What was saved, the last first.
        let (mut values, mut saved): (List<Buf>, List<Buf>) = Default::default();
        let mut factors: List<Option<Factors>> = List::new();
        for at in (0..layers).rev() {
            if at + 1 < layers {
                factors.push(self.drawn());
            }
            saved.extend((0..directions).map(|_| self.saved()));
            values.push(self.saved());
        }
        let (mut states, count) = ([Buf::NONE; 2], into.len() - 1);
        for state in states[..count].iter_mut().rev() {
            *state = self.saved();
        }
        let mut dx = None;
        let of = |result: usize| g.get(result).copied().flatten();
        let given = if layer.is_step { [None, of(0), of(1)] } else { [of(0), of(1), of(2)] };
        if given.iter().any(Option::is_some) && saved[0].grad {
            let state_len = form.batch * hidden;
            let made: [Grad; 2] = states.map(|state| state.grad.then(|| self.numbers(state.len, false)));
            let mut dy = given[0].map(|dy| self.retain(dy));
            if let (true, Some(given)) = (form.by_sequence, dy) {
                let turned = self.numbers(given.len, false);
                if !self.planning {
                    // SAFETY: buffers of the pass, of the same length.
                    unsafe { exchange(given.f32(), [form.steps, form.batch], width, turned.f32()) };
                }
                self.release(given);
                dy = Some(turned);
            }
            for at in (0..layers).rev() {
                let back = layers - 1 - at;
                let value = values[back];
                let by_table = by_table.filter(|_| at == 0);
                let count = by_table.map_or(0, |table| table.shape()[0]);
                let geometry = layer.geometry(form, at, 0);
                dx = value.grad.then(|| self.numbers(rows * geometry.input, false));
                for direction in (0..directions).rev() {
                    let weights = &layer.directions(at)[direction];
                    let workspace = self.numbers(geometry.backward_workspace_len(count), false);
                    if !self.planning {
                        let geometry = layer.geometry(form, at, direction);
                        let part = (at * directions + direction) * state_len;
                        let state = |grad: Grad| grad.map(|grad| grad.f32().wrapping_add(part));
                        let last = |grad: Grad| state(grad).map(<*mut f32>::cast_const);
                        let (rows, _table) = read_option(by_table);
                        let mut target = |parameter: Option<&Tensor>| -> Result<Option<Gradient<f32>>> {
                            let Some(parameter) = parameter else { return Ok(None) };
                            let target = self.parameters.target(parameter)?;
                            Ok(target.map(|Target { ptr, accumulate }| Gradient { to: ptr, add: accumulate }))
                        };
                        let own = dx.map(|dx| Gradient { to: dx.f32(), add: direction + 1 < directions });
                        let io = Backward {
                            x: Recurrence::source(form, value, batch_first, rows.map(|rows| (rows, count))),
                            saved: saved[back * directions + directions - 1 - direction].f32(),
                            dy: dy.map(|dy| dy.f32().wrapping_add(direction * hidden).cast_const()),
                            dy_stride: width,
                            dhn: last(given[1]),
                            dcn: last(given[2]),
                            // In the order in which the kernel writes them: two may be one parameter's.
                            dx: if by_table.is_some() { target(by_table)? } else { own },
                            dh0: state(made[0]),
                            dc0: state(made[1]),
                            dinput_bias: target(weights.bias_ih.as_ref())?,
                            dhidden_bias: target(weights.bias_hh.as_ref())?,
                            dinput: target(Some(&weights.weight_ih))?,
                            dhidden: target(Some(&weights.weight_hh))?,
                            workspace: workspace.f32(),
                        };
                        let (input, _i) = read(&weights.weight_ih);
                        let (recurrent, _r) = read(&weights.weight_hh);
                        let weights =
                            Weights { input, hidden: recurrent, input_bias: None, hidden_bias: None };
                        // SAFETY: as on the way forward; the gradients have the parameters' shapes.
                        unsafe { kernel::backward(isa(), &geometry, &weights, &io) };
                    }
                    self.release(workspace);
                }
                self.release_grad(dy);
                dy = dx.take();
                if at == 0 || dy.is_none() {
                    break;
                }
                if let (Some(dy), Some(factors)) = (dy, factors[back]) {
                    // SAFETY: a buffer of the pass that is nobody else's.
                    unsafe { factors.apply(dy.f32(), dy.len) };
                }
            }
            dx = dy;
            for (into, made) in into[1..].iter_mut().zip(made) {
                self.contribute(into, made);
            }
        }
        if let (true, Some(by_step)) = (form.by_sequence, dx) {
            let turned = self.numbers(rows * input_size, false);
            if !self.planning {
                // SAFETY: buffers of the pass, of the same length.
                unsafe { exchange(by_step.f32(), [form.batch, form.steps], input_size, turned.f32()) };
            }
            self.release(by_step);
            dx = Some(turned);
        }
        match (table, by_table) {
            (Some(table), None) => {
                self.embedding_backward(dx, table)?;
                self.release_grad(dx);
            }
            _ => self.contribute(into[0], dx),
        }
        Ok(())
    }

    /// Zeroes elements at random and scales the others.
    pub(super) fn drop_in_place(&mut self, p: f64, value: Buf) -> Result<()> {
        if self.planning {
            return Ok(());
        }
        let factors = Factors::draw("dropout", p, true, value.len)?;
        self.factors.push(factors);
        // SAFETY: a buffer of the pass that is nobody else's.
        unsafe { factors.apply(value.f32(), value.len) };
        Ok(())
    }
}
