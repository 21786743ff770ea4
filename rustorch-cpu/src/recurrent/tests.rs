use super::*;
use crate::{Isa, isa};

fn values(n: usize, seed: u64) -> Vec<f64> {
    (0..n as u64).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f64 / 2000.0 - 0.5).collect()
}

/// Input, initial states and parameters, in this order: x, h0, c0, weights of input and state, their biases.
type Tensors = [Vec<f64>; 7];

struct Outputs {
    y: Vec<f64>,
    hn: Vec<f64>,
    cn: Vec<f64>,
    saved: Vec<f64>,
}

fn tensors(g: &Geometry<'_>) -> Tensors {
    let (n, gates) = (g.rows(), g.cell.gates() * g.hidden);
    let states = g.batch * g.hidden;
    [n * g.input, states, states, gates * g.input, gates * g.hidden, gates, gates]
        .map(|len| values(len, len as u64 + 3))
}

fn weights(t: &Tensors) -> Weights<f64> {
    Weights {
        input: t[3].as_ptr(),
        hidden: t[4].as_ptr(),
        input_bias: Some(t[5].as_ptr()),
        hidden_bias: Some(t[6].as_ptr()),
    }
}

fn run(isa: Isa, g: &Geometry<'_>, t: &Tensors, keep: bool) -> Outputs {
    run_from(isa, g, t, Source::Rows(t[0].as_ptr()), keep)
}

fn run_from(isa: Isa, g: &Geometry<'_>, t: &Tensors, x: Source<f64>, keep: bool) -> Outputs {
    let states = g.batch * g.hidden;
    let mut out = Outputs {
        y: vec![f64::NAN; g.rows() * g.hidden],
        hn: vec![f64::NAN; states],
        cn: vec![f64::NAN; states],
        saved: vec![f64::NAN; g.saved_len(keep)],
    };
    let mut workspace = vec![f64::NAN; g.forward_workspace_len(x.count())];
    let io = Forward {
        x,
        packed: None,
        products: None,
        h0: Some(t[1].as_ptr()),
        c0: Some(t[2].as_ptr()),
        y: out.y.as_mut_ptr(),
        y_stride: g.hidden,
        hn: out.hn.as_mut_ptr(),
        cn: out.cn.as_mut_ptr(),
        saved: out.saved.as_mut_ptr(),
        keep,
        workspace: workspace.as_mut_ptr(),
    };
    // SAFETY: the vectors have the sizes that the geometry says.
    unsafe { forward(isa, g, &weights(t), &io) };
    out
}

/// By the definition, one number at a time.
fn reference(g: &Geometry<'_>, t: &Tensors) -> Outputs {
    let [x, h0, c0, wi, wh, bi, bh] = t;
    let (i, h) = (g.input, g.hidden);
    let mut out = Outputs { y: vec![0.0; g.rows() * h], hn: h0.clone(), cn: c0.clone(), saved: Vec::new() };
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    for (first, count) in g.order().iter() {
        for b in 0..count {
            let state = out.hn[b * h..][..h].to_vec();
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            for u in 0..h {
                let own = |gate: usize| {
                    let row = gate * h + u;
                    dot(&wi[row * i..][..i], &x[(first + b) * i..][..i]) + bi[row]
                };
                let other = |gate: usize| dot(&wh[(gate * h + u) * h..][..h], &state) + bh[gate * h + u];
                let sum = |gate: usize| own(gate) + other(gate);
                let c = &mut out.cn[b * h + u];
                let value = match g.cell {
                    Cell::Tanh => sum(0).tanh(),
                    Cell::Relu => sum(0).max(0.0),
                    Cell::Lstm => {
                        *c = sigmoid(sum(1)) * *c + sigmoid(sum(0)) * sum(2).tanh();
                        sigmoid(sum(3)) * c.tanh()
                    }
                    Cell::Gru => {
                        let (r, z) = (sigmoid(sum(0)), sigmoid(sum(1)));
                        (1.0 - z) * (own(2) + r * other(2)).tanh() + z * state[u]
                    }
                };
                out.hn[b * h + u] = value;
                out.y[(first + b) * h + u] = value;
            }
        }
    }
    out
}

fn near(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    for (i, (a, b)) in got.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= tolerance * (1.0 + b.abs()), "{what}[{i}] is {a}, not {b}");
    }
}

fn cases<'a>(sizes: &'a [usize]) -> Vec<Geometry<'a>> {
    let mut cases = Vec::new();
    for cell in [Cell::Tanh, Cell::Relu, Cell::Lstm, Cell::Gru] {
        for reverse in [false, true] {
            let dense = |steps, batch, input, hidden| Geometry {
                cell,
                steps,
                batch,
                input,
                hidden,
                reverse,
                batch_sizes: None,
            };
            cases.extend([dense(3, 2, 3, 5), dense(2, 19, 4, 37), dense(1, 1, 1, 1), dense(2, 7, 3, 70)]);
            cases.push(Geometry { batch_sizes: Some(sizes), ..dense(sizes.len(), sizes[0], 2, 3) });
        }
    }
    cases
}

#[test]
fn forward_against_the_definition() {
    for g in cases(&[20, 17, 3, 1, 1]) {
        let t = tensors(&g);
        let expected = reference(&g, &t);
        for isa in Isa::available() {
            for keep in [false, true] {
                let got = run(isa, &g, &t, keep);
                let what = |part: &str| format!("{isa:?} {g:?} {part}");
                near(&what("y"), &got.y, &expected.y, 1e-12);
                near(&what("hn"), &got.hn, &expected.hn, 1e-12);
                if g.cell == Cell::Lstm {
                    near(&what("cn"), &got.cn, &expected.cn, 1e-12);
                }
            }
        }
    }
}

/// The gradients of `Σ dy·y + Σ dhn·hn + Σ dcn·cn`.
fn gradients(isa: Isa, g: &Geometry<'_>, t: &Tensors, saved: &[f64], out: &[Vec<f64>; 3]) -> Tensors {
    gradients_from(isa, g, t, Source::Rows(t[0].as_ptr()), saved, out)
}

fn gradients_from(
    isa: Isa,
    g: &Geometry<'_>,
    t: &Tensors,
    x: Source<f64>,
    saved: &[f64],
    out: &[Vec<f64>; 3],
) -> Tensors {
    let mut grads = t.clone().map(|values| vec![f64::NAN; values.len()]);
    let mut workspace = vec![f64::NAN; g.backward_workspace_len(x.count())];
    let [dx, dh0, dc0, dinput, dhidden, dinput_bias, dhidden_bias] =
        grads.each_mut().map(|grad| Some(Gradient::new(grad.as_mut_ptr())));
    let [dh0, dc0] = [dh0, dc0].map(|gradient| gradient.map(|gradient| gradient.to));
    let [dy, dhn, dcn] = out.each_ref().map(|grad| Some(grad.as_ptr()));
    let io = Backward {
        x,
        saved: saved.as_ptr(),
        dy,
        dy_stride: g.hidden,
        dhn,
        dcn: dcn.filter(|_| g.cell == Cell::Lstm),
        dx,
        dh0,
        dc0,
        dinput,
        dhidden,
        dinput_bias,
        dhidden_bias,
        workspace: workspace.as_mut_ptr(),
    };
    // SAFETY: as above.
    unsafe { backward(isa, g, &weights(t), &io) };
    grads
}

#[test]
fn backward_against_differences() {
    for g in cases(&[18, 17, 3, 1]) {
        let t = tensors(&g);
        let states = g.batch * g.hidden;
        let out = [g.rows() * g.hidden, states, states].map(|len| values(len, 77 + len as u64));
        let objective = |t: &Tensors| {
            let got = reference(&g, t);
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let cells = if g.cell == Cell::Lstm { dot(&got.cn, &out[2]) } else { 0.0 };
            dot(&got.y, &out[0]) + dot(&got.hn, &out[1]) + cells
        };
        for isa in Isa::available() {
            let saved = run(isa, &g, &t, true).saved;
            let grads = gradients(isa, &g, &t, &saved, &out);
            for (which, grad) in grads.iter().enumerate() {
                if which == 2 && g.cell != Cell::Lstm {
                    continue;
                }
                // A few of the elements, spread over all.
                for i in (0..grad.len()).step_by(grad.len() / 5 + 1) {
                    let moved = |by: f64| {
                        let mut t = t.clone();
                        t[which][i] += by;
                        objective(&t)
                    };
                    let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                    let what = format!("{isa:?} {g:?} gradient {which} at {i}");
                    near(&what, &[grad[i]], &[slope], 2e-6);
                }
            }
        }
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let g = Geometry {
        cell: Cell::Lstm,
        steps: 3,
        batch: 5,
        input: 8,
        hidden: 130,
        reverse: false,
        batch_sizes: None,
    };
    let t = tensors(&g);
    let states = g.batch * g.hidden;
    let out = [g.rows() * g.hidden, states, states].map(|len| values(len, 5));
    let all = |threads: usize| {
        let before = parallel::num_threads();
        parallel::set_num_threads(threads);
        let forward = run(isa(), &g, &t, true);
        let grads = gradients(isa(), &g, &t, &forward.saved, &out);
        parallel::set_num_threads(before);
        (forward.y, grads)
    };
    assert!(all(1) == all(4));
}

/// Outputs and gradients with the rows of `x` taken from a table, whose numbers lie step by step or sequence by sequence.
fn by_table(isa: Isa, g: &Geometry<'_>, t: &Tensors, numbers: &[i64], by_step: bool) -> (Outputs, Tensors) {
    let count = t[0].len() / g.input;
    let (step, sequence) = if by_step { (g.batch, 1) } else { (1, g.steps) };
    let x = Source::Table { rows: t[0].as_ptr(), count, numbers: numbers.as_ptr(), step, sequence };
    let out = run_from(isa, g, t, x, true);
    let given = values(g.rows() * g.hidden, 77);
    let grads = gradients_from(isa, g, t, x, &out.saved, &[given.clone(), given.clone(), given]);
    (out, grads)
}

#[test]
fn rows_of_a_table_are_the_rows_themselves() {
    for g in cases(&[1]).into_iter().filter(|g| g.batch_sizes.is_none()) {
        let count = 3;
        let mut t = tensors(&g);
        t[0] = values(count * g.input, 11);
        let number = |step: usize, sequence: usize| (step * 2 + sequence) % count;
        for by_step in [true, false] {
            let numbers: Vec<i64> = match by_step {
                true => (0..g.rows()).map(|i| number(i / g.batch, i % g.batch) as i64).collect(),
                false => (0..g.rows()).map(|i| number(i % g.steps, i / g.steps) as i64).collect(),
            };
            let mut plain = t.clone();
            plain[0] = (0..g.rows())
                .flat_map(|i| &t[0][number(i / g.batch, i % g.batch) * g.input..][..g.input])
                .copied()
                .collect();
            for isa in Isa::available() {
                let (out, grads) = by_table(isa, &g, &t, &numbers, by_step);
                let expected = run(isa, &g, &plain, true);
                near("y", &out.y, &expected.y, 1e-12);
                near("hn", &out.hn, &expected.hn, 1e-12);
                let given = values(g.rows() * g.hidden, 77);
                let given = [given.clone(), given.clone(), given];
                let mut wanted = gradients(isa, &g, &plain, &expected.saved, &given);
                let by_row = std::mem::replace(&mut wanted[0], vec![0.0; count * g.input]);
                for (i, row) in by_row.chunks(g.input).enumerate() {
                    let sums = &mut wanted[0][number(i / g.batch, i % g.batch) * g.input..];
                    sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
                }
                for (which, (got, wanted)) in grads.iter().zip(&wanted).enumerate() {
                    if which != 2 || g.cell == Cell::Lstm {
                        near(&format!("{isa:?} {g:?} gradient {which}"), got, wanted, 1e-11);
                    }
                }
            }
        }
    }
}
