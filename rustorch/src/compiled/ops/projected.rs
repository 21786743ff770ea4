//! An LSTM whose state is projected to fewer features, `h = W_hr m` with `m = o · tanh(c)` (Sak et al. 2014).
//!
//! Of the states before, only `W_hh h` is used, and `W_hh h = (W_hh W_hr) m`: so this is a plain LSTM over `m` with another recurrent
//! weight, whose outputs are projected all at once. A first state that is given, for which there is no `m`, is an input of the first
//! step besides, with `W_hh` as its weight.

use smallvec::SmallVec;

use super::super::parameters::Target;
use super::super::{Buf, Grad, Pass};
use super::recurrent::{Form, Recurrence, exchange};
use super::{Factors, add_into, read, read_option, wants};
use crate::kernels::gemm::{Epilogue, MatMut, MatRef, Product};
use crate::kernels::isa;
use crate::kernels::recurrent::{self as kernel, Backward, Forward, Geometry, Gradient, Source, Weights};
use crate::nn::RecurrentWeights;
use crate::{Result, Tensor};

/// The sizes of a projected layer.
#[derive(Clone, Copy)]
struct Sizes {
    form: Form,
    directions: usize,
    hidden: usize,
    /// Features of the state.
    state: usize,
    /// Whether a first state is given.
    given: bool,
}

impl Sizes {
    fn new(form: Form, layer: &Recurrence<'_>, given: bool) -> Self {
        let stack = &layer.stack;
        let (directions, hidden, state) = (stack.directions(), stack.hidden_size, stack.proj_size);
        Self { form, directions, hidden, state, given }
    }

    /// Steps of all sequences.
    fn rows(&self) -> usize {
        self.form.steps * self.form.batch
    }

    /// Columns of a layer's output.
    fn width(&self) -> usize {
        self.directions * self.state
    }

    /// Columns of what a layer gets: its input, and the first state if it is given.
    fn columns(&self, input: usize) -> usize {
        input + if self.given { self.state } else { 0 }
    }

    fn geometry(&self, input: usize, direction: usize) -> Geometry<'static> {
        let Form { steps, batch, .. } = self.form;
        let (cell, input, reverse) = (kernel::Cell::Lstm, self.columns(input), direction == 1);
        Geometry { cell, steps, batch, input, hidden: self.hidden, reverse, batch_sizes: None }
    }

    /// The first row of the first and of the last step in a direction.
    fn ends(&self, direction: usize) -> [usize; 2] {
        let last = (self.form.steps - 1) * self.form.batch;
        if direction == 1 { [last, 0] } else { [0, last] }
    }
}

/// `C = beta·C + A·B` of matrices whose rows are so far apart; `turned` says which of the operands are transposed.
///
/// # Safety
/// The matrices are there, and the last overlaps none of the others.
unsafe fn multiply(
    [m, n, k]: [usize; 3],
    (a, a_row): (*const f32, usize),
    (b, b_row): (*const f32, usize),
    turned: [bool; 2],
    beta: f32,
    (c, c_row): (*mut f32, usize),
) {
    let operand = |ptr: *const f32, row: usize, turned: bool| match turned {
        true => MatRef { ptr, rs: 1, cs: row as isize },
        false => MatRef { ptr, rs: row as isize, cs: 1 },
    };
    let (a, b) = (operand(a, a_row, turned[0]), operand(b, b_row, turned[1]));
    let c = MatMut { ptr: c, rs: c_row as isize, cs: 1 };
    // SAFETY: the caller's promise.
    unsafe { Product { m, n, k, alpha: 1.0, a, b, beta, c, epilogue: Epilogue::NONE }.run() }
}

/// Copies `rows` rows of `columns` elements, which lie so far apart.
///
/// # Safety
/// The rows are there, and do not overlap.
unsafe fn copy_rows(
    rows: usize,
    columns: usize,
    (from, from_row): (*const f32, usize),
    (to, to_row): (*mut f32, usize),
) {
    for row in 0..rows {
        // SAFETY: the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(from.add(row * from_row), to.add(row * to_row), columns) };
    }
}

/// What a direction of a layer leaves for its gradient.
struct Kept {
    /// What the kernel saved, the states before their projection, and the input with the first state.
    saved: Buf,
    states: Buf,
    input: Option<Buf>,
}

fn projection(weights: &RecurrentWeights) -> &Tensor {
    weights.weight_hr.as_ref().expect("compared with the declaration before the pass")
}

fn wants_any(directions: &[RecurrentWeights]) -> bool {
    directions.iter().any(|weights| {
        let biases = [weights.bias_ih.as_ref(), weights.bias_hh.as_ref()];
        let others = [Some(&weights.weight_ih), Some(&weights.weight_hh), weights.weight_hr.as_ref()];
        wants(&biases) || wants(&others)
    })
}

impl Pass {
    /// A projected LSTM over sequences, from the states that follow the input or from zeros: the output, the last states, the last
    /// cells.
    ///
    /// # Errors
    /// If there are no steps, or the probability of a dropout is none.
    pub fn projected(
        &mut self,
        inputs: &[(Buf, &[usize])],
        layer: Recurrence<'_>,
        _: &[&[usize]],
        made: &mut [Buf],
    ) -> Result<()> {
        self.decline();
        let ((x, shape), states) = (inputs[0], &inputs[1..]);
        if layer.stack.proj_size == 0 {
            self.refuse("an LSTM with projections has none".into())?;
        }
        for (input, _) in inputs {
            self.expect_numbers(*input, "an operand of an LSTM")?;
        }
        let form = layer.form(&shape[..shape.len() - 1])?;
        let sizes = Sizes::new(form, &layer, !states.is_empty());
        let (rows, layers, batch) = (sizes.rows(), layer.stack.num_layers, form.batch);
        let mut value = self.retain(x);
        if form.by_sequence {
            value = self.turned(value, [form.steps, batch], layer.stack.input_size, value.grad);
        }
        for (state, _) in states {
            self.save(*state, false);
        }
        let mut below = self.recording && inputs.iter().any(|(input, _)| input.grad);
        let all = self.recording && (below || wants_any(layer.stack.weights));
        let parts = layers * sizes.directions * batch;
        let last = [sizes.state, sizes.hidden].map(|columns| self.numbers(parts * columns, all));
        for at in 0..layers {
            let directions = layer.directions(at);
            let keep = self.recording && (below || wants_any(directions));
            let input = value.len / rows;
            self.save(value, keep && !sizes.given);
            let out = self.numbers(rows * sizes.width(), keep);
            for (direction, weights) in directions.iter().enumerate() {
                let part = (at * sizes.directions + direction) * batch;
                let first = states.first().map(|(h0, _)| h0.f32().wrapping_add(part * sizes.state));
                let cells = states.get(1).map(|(c0, _)| c0.f32().wrapping_add(part * sizes.hidden));
                let ends = [
                    last[0].f32().wrapping_add(part * sizes.state),
                    last[1].f32().wrapping_add(part * sizes.hidden),
                ];
                let starts = [first, cells].map(|start| start.map(<*mut f32>::cast_const));
                let kept = self.project((value, input), weights, sizes, (direction, keep), starts, ends, out);
                if let Some(input) = kept.input {
                    self.save(input, keep);
                    self.release(input);
                }
                self.save(kept.states, keep);
                self.save(kept.saved, keep);
                self.release(kept.states);
                self.release(kept.saved);
            }
            self.release(value);
            (value, below) = (out, keep);
            if at + 1 < layers {
                self.drop_in_place(layer.stack.dropout, value)?;
            }
        }
        if form.by_sequence {
            value = self.turned(value, [batch, form.steps], sizes.width(), value.grad);
        }
        let all = [value, last[0], last[1]];
        let (given, rest) = all.split_at(made.len());
        made.copy_from_slice(given);
        rest.iter().for_each(|unused| self.release(*unused));
        Ok(())
    }

    /// Steps and sequences change places.
    fn turned(&mut self, value: Buf, sizes: [usize; 2], columns: usize, grad: bool) -> Buf {
        let turned = self.numbers(value.len, grad);
        if !self.planning {
            // SAFETY: buffers of the pass, of the same length.
            unsafe { exchange(value.f32(), sizes, columns, turned.f32()) };
        }
        self.release(value);
        turned
    }

    /// A direction of a layer.
    #[expect(clippy::too_many_arguments, reason = "what a layer reads and writes")]
    fn project(
        &mut self,
        (value, input): (Buf, usize),
        weights: &RecurrentWeights,
        sizes: Sizes,
        (direction, keep): (usize, bool),
        [h0, c0]: [Option<*const f32>; 2],
        [hn, cn]: [*mut f32; 2],
        out: Buf,
    ) -> Kept {
        let Sizes { hidden, state, form, .. } = sizes;
        let (rows, gates, columns) = (sizes.rows(), 4 * hidden, sizes.columns(input));
        let geometry = sizes.geometry(input, direction);
        let states = self.numbers(rows * hidden, false);
        let wide = sizes.given.then(|| self.numbers(rows * columns, false));
        let [own, wider] = [gates * hidden, if sizes.given { gates * columns } else { 0 }]
            .map(|len| self.numbers(len, false));
        let end = self.numbers(form.batch * hidden, false);
        let saved = self.numbers(geometry.saved_len(keep), keep);
        let workspace = self.numbers(geometry.forward_workspace_len(0), false);
        if !self.planning {
            let (hr, _p) = read(projection(weights));
            let ((ih, _i), (hh, _h)) = (read(&weights.weight_ih), read(&weights.weight_hh));
            let (input_bias, _b) = read_option(weights.bias_ih.as_ref());
            let (hidden_bias, _d) = read_option(weights.bias_hh.as_ref());
            // SAFETY: buffers of the pass of these sizes; the parameters are locked and their shapes were checked.
            unsafe {
                let none = [false; 2];
                multiply([gates, hidden, state], (hh, state), (hr, hidden), none, 0.0, (own.f32(), hidden));
                let (mut from, mut weight) = (value.f32().cast_const(), ih);
                if let (Some(wide), Some(h0)) = (wide, h0) {
                    wide.f32().write_bytes(0, wide.len);
                    copy_rows(rows, input, (from, input), (wide.f32(), columns));
                    let first = wide.f32().add(sizes.ends(direction)[0] * columns + input);
                    copy_rows(form.batch, state, (h0, state), (first, columns));
                    copy_rows(gates, input, (ih, input), (wider.f32(), columns));
                    copy_rows(gates, state, (hh, state), (wider.f32().add(input), columns));
                    (from, weight) = (wide.f32(), wider.f32());
                }
                let weights = Weights { input: weight, hidden: own.f32(), input_bias, hidden_bias };
                let io = Forward {
                    x: Source::Rows(from),
                    packed: None,
                    products: None,
                    h0: None,
                    c0,
                    y: states.f32(),
                    y_stride: hidden,
                    hn: end.f32(),
                    cn,
                    saved: saved.f32(),
                    keep,
                    workspace: workspace.f32(),
                };
                kernel::forward(isa(), &geometry, &weights, &io);
                let turned = [false, true];
                let to = (out.f32().add(direction * state), sizes.width());
                multiply([rows, state, hidden], (states.f32(), hidden), (hr, hidden), turned, 0.0, to);
                let end = (end.f32().cast_const(), hidden);
                multiply([form.batch, state, hidden], end, (hr, hidden), turned, 0.0, (hn, state));
            }
        }
        [own, wider, end, workspace].into_iter().for_each(|buf| self.release(buf));
        Kept { saved, states, input: wide }
    }

    /// The gradient of [`Pass::projected`].
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn projected_backward(
        &mut self,
        g: &[Grad],
        shapes: &[&[usize]],
        layer: Recurrence<'_>,
        _: &[&[usize]],
        into: &mut [&mut Grad],
    ) -> Result<()> {
        let form = layer.form(&shapes[0][..shapes[0].len() - 1])?;
        let sizes = Sizes::new(form, &layer, shapes.len() > 1);
        let (layers, batch, rows) = (layer.stack.num_layers, form.batch, sizes.rows());
        // What was saved, the last first.
        let mut values: SmallVec<[Buf; 16]> = SmallVec::new();
        let mut kept: SmallVec<[Kept; 16]> = SmallVec::new();
        let mut factors: SmallVec<[Option<Factors>; 16]> = SmallVec::new();
        for at in (0..layers).rev() {
            if at + 1 < layers {
                factors.push(self.drawn());
            }
            for _ in 0..sizes.directions {
                let (saved, states) = (self.saved(), self.saved());
                let input = sizes.given.then(|| self.saved());
                kept.push(Kept { saved, states, input });
            }
            values.push(self.saved());
        }
        let mut states: SmallVec<[Buf; 2]> = shapes[1..].iter().map(|_| self.saved()).collect();
        states.reverse();
        let given = [0, 1, 2].map(|result| g.get(result).copied().flatten());
        if given.iter().all(Option::is_none) || !kept[0].saved.grad {
            return Ok(());
        }
        let made: SmallVec<[Grad; 2]> =
            states.iter().map(|state| state.grad.then(|| self.numbers(state.len, false))).collect();
        let mut dy = given[0].map(|dy| self.retain(dy));
        if let (true, Some(whole)) = (form.by_sequence, dy) {
            dy = Some(self.turned(whole, [form.steps, batch], sizes.width(), false));
        }
        for at in (0..layers).rev() {
            let back = layers - 1 - at;
            let value = values[back];
            let input = if at == 0 { layer.stack.input_size } else { sizes.width() };
            let dx = value.grad.then(|| self.numbers(rows * input, false));
            for direction in (0..sizes.directions).rev() {
                let part = (at * sizes.directions + direction) * batch;
                let kept = &kept[back * sizes.directions + sizes.directions - 1 - direction];
                let place =
                    |grad: Grad, columns: usize| grad.map(|grad| grad.f32().wrapping_add(part * columns));
                let state = |at: usize, columns: usize| place(made.get(at).copied().flatten(), columns);
                let ends = [place(given[1], sizes.state), place(given[2], sizes.hidden)];
                let starts = [state(0, sizes.state), state(1, sizes.hidden)];
                let weights = &layer.directions(at)[direction];
                let own = (value, input, dx);
                self.project_backward(own, weights, sizes, direction, kept, dy, ends, starts)?;
            }
            self.release_grad(dy);
            dy = dx;
            let (true, Some(dy)) = (at > 0, dy) else { break };
            if let Some(factors) = factors[back] {
                // SAFETY: a buffer of the pass that is nobody else's.
                unsafe { factors.apply(dy.f32(), dy.len) };
            }
        }
        let mut dx = dy;
        if let (true, Some(by_step)) = (form.by_sequence, dx) {
            dx = Some(self.turned(by_step, [batch, form.steps], layer.stack.input_size, false));
        }
        self.contribute(into[0], dx);
        for (into, made) in into[1..].iter_mut().zip(made) {
            self.contribute(into, made);
        }
        Ok(())
    }

    /// The gradient of a direction of a layer.
    #[expect(clippy::too_many_arguments, reason = "what a layer reads and writes")]
    fn project_backward(
        &mut self,
        (value, input, dx): (Buf, usize, Grad),
        weights: &RecurrentWeights,
        sizes: Sizes,
        direction: usize,
        kept: &Kept,
        dy: Grad,
        [dhn, dcn]: [Option<*mut f32>; 2],
        [dh0, dc0]: [Option<*mut f32>; 2],
    ) -> Result<()> {
        let Sizes { hidden, state, form, .. } = sizes;
        let (rows, gates, columns) = (sizes.rows(), 4 * hidden, sizes.columns(input));
        let geometry = sizes.geometry(input, direction);
        let [dout, dstates] = [state, hidden].map(|columns| self.numbers(rows * columns, false));
        let [own, down] = [hidden; 2].map(|columns| self.numbers(gates * columns, false));
        let wide = sizes
            .given
            .then(|| [gates * columns, gates * columns, rows * columns].map(|len| self.numbers(len, false)));
        let workspace = self.numbers(geometry.backward_workspace_len(0), false);
        if !self.planning {
            let hr_weight = projection(weights);
            let ((hr, _p), (hh, _h)) = (read(hr_weight), read(&weights.weight_hh));
            let (ih, _i) = read(&weights.weight_ih);
            let mut target = |parameter: Option<&Tensor>| -> Result<Option<Gradient<f32>>> {
                let Some(parameter) = parameter else { return Ok(None) };
                let target = self.parameters.target(parameter)?;
                Ok(target.map(|Target { ptr, accumulate }| Gradient { to: ptr, add: accumulate }))
            };
            let (dinput_bias, dhidden_bias) =
                (target(weights.bias_ih.as_ref())?, target(weights.bias_hh.as_ref())?);
            let dih = target(Some(&weights.weight_ih))?;
            let dhh = target(Some(&weights.weight_hh))?;
            let dhr = target(Some(hr_weight))?;
            // SAFETY: buffers of the pass of these sizes; the gradients have the parameters' shapes.
            unsafe {
                // What reaches the projected states: that of the output, and of the last one.
                match dy {
                    Some(dy) => {
                        let from = (dy.f32().add(direction * state).cast_const(), sizes.width());
                        copy_rows(rows, state, from, (dout.f32(), state));
                    }
                    None => dout.f32().write_bytes(0, dout.len),
                }
                if let Some(dhn) = dhn {
                    let to = dout.f32().add(sizes.ends(direction)[1] * state);
                    add_into(to, to, dhn, form.batch * state);
                }
                let (d, none) = ((dout.f32().cast_const(), state), [false; 2]);
                multiply([rows, hidden, state], d, (hr, hidden), none, 0.0, (dstates.f32(), hidden));
                multiply([gates, hidden, state], (hh, state), (hr, hidden), none, 0.0, (own.f32(), hidden));
                let (mut from, mut weight) = (value.f32().cast_const(), ih);
                let (mut dx_to, mut dinput) =
                    (dx.map(|dx| Gradient { to: dx.f32(), add: direction + 1 < sizes.directions }), None);
                if let (Some([weights, dweights, dwide]), Some(input_too)) = (wide, kept.input) {
                    copy_rows(gates, input, (ih, input), (weights.f32(), columns));
                    copy_rows(gates, state, (hh, state), (weights.f32().add(input), columns));
                    (from, weight) = (input_too.f32(), weights.f32());
                    dx_to = Some(Gradient { to: dwide.f32(), add: false });
                    dinput = Some(Gradient { to: dweights.f32(), add: false });
                }
                let is_plain = dinput.is_none();
                let io = Backward {
                    x: Source::Rows(from),
                    saved: kept.saved.f32(),
                    dy: Some(dstates.f32().cast_const()),
                    dy_stride: hidden,
                    dhn: None,
                    dcn: dcn.map(<*mut f32>::cast_const),
                    dx: dx_to,
                    dh0: None,
                    dc0,
                    dinput_bias,
                    dhidden_bias,
                    dinput: if is_plain { dih } else { dinput },
                    dhidden: Some(Gradient { to: down.f32(), add: false }),
                    workspace: workspace.f32(),
                };
                let plain = Weights { input: weight, hidden: own.f32(), input_bias: None, hidden_bias: None };
                kernel::backward(isa(), &geometry, &plain, &io);
                let beta = |add: bool| f32::from(add);
                let down = (down.f32().cast_const(), hidden);
                if let Some(Gradient { to, add }) = dhh {
                    let turned = [false, true];
                    multiply([gates, state, hidden], down, (hr, hidden), turned, beta(add), (to, state));
                }
                if let Some(Gradient { to, add }) = dhr {
                    let (states, turned) = ((kept.states.f32().cast_const(), hidden), [true, false]);
                    multiply([state, hidden, rows], d, states, turned, beta(add), (to, hidden));
                    multiply([state, hidden, gates], (hh, state), down, turned, 1.0, (to, hidden));
                }
                if let Some([_, dweights, dwide]) = wide {
                    let sums = |to: *mut f32, from: *const f32, len: usize, add: bool| match add {
                        true => add_into(to, to, from, len),
                        false => std::ptr::copy_nonoverlapping(from, to, len),
                    };
                    for row in 0..gates {
                        let from = dweights.f32().add(row * columns).cast_const();
                        if let Some(Gradient { to, add }) = dih {
                            sums(to.add(row * input), from, input, add);
                        }
                        if let Some(Gradient { to, .. }) = dhh {
                            sums(to.add(row * state), from.add(input), state, true);
                        }
                    }
                    for row in 0..rows {
                        if let Some(dx) = dx {
                            let from = dwide.f32().add(row * columns).cast_const();
                            sums(dx.f32().add(row * input), from, input, direction + 1 < sizes.directions);
                        }
                    }
                    if let Some(dh0) = dh0 {
                        let from = dwide.f32().add(sizes.ends(direction)[0] * columns + input);
                        copy_rows(form.batch, state, (from, columns), (dh0, state));
                    }
                }
            }
        }
        [dout, dstates, own, down, workspace].into_iter().for_each(|buf| self.release(buf));
        wide.into_iter().flatten().for_each(|buf| self.release(buf));
        Ok(())
    }
}
