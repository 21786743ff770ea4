//! What the body of a model may say.

use rustorch::nn::Module;
use rustorch::prelude::*;

dim!(Batch, Seq);

model! {
    /// Own parameters and buffers.
    Scaled<const D: usize> {
        scale: Param([D], init = ones),
        shift: Param([D]),
        table: Param([4, D], init = normal(0.02)),
        bound: Param([1], init = uniform(-0.5, 0.5)),
        half: Buffer([D], init = 0.5),
        given: Buffer([2, D], init = Tensor::ones([2, D])),
    }
    forward(x: [batch, D]) -> [batch, D] {
        let x = x * scale + self.shift - half;
        x + table[0] * given[1] + bound
    }
}

model! {
    /// Weights used twice.
    Tied<const V: usize, const D: usize> {
        embed: Embedding(V, D),
        norm: LayerNorm(D),
    }
    forward(text: [batch, seq]) -> [batch, seq, V] {
        let x = norm(embed(text));
        linear(x, self.embed.weight)
    }
}

model! {
    /// Layers that are there for some parameters only.
    Residual<const IN: usize, const OUT: usize, const STRIDE: usize> {
        conv1: Conv2d(IN, OUT, kernel = 3, stride = STRIDE, padding = 1),
        conv2: Conv2d(_, OUT, kernel = 3, padding = 1),
        down: Option<Conv2d>(IN, OUT, kernel = 1, stride = STRIDE) if IN != OUT || STRIDE != 1,
    }
    forward(x: [batch, IN, h, w]) -> [batch, OUT, (h - 1) / STRIDE + 1, (w - 1) / STRIDE + 1] {
        let y = conv2(relu(conv1(x)));
        let shortcut = if let Some(down) = self.down { down(x) } else { x };
        relu(y + shortcut)
    }
}

model! {
    /// Branches on const parameters, arrays of layers, loops that count.
    Branches<const D: usize, const KIND: usize, const DEEP: bool> {
        layers: [Linear(D, D); 3],
        last: Linear(D, 2 * D),
    }
    forward(x: [batch, D]) -> [batch, D] {
        for layer in self.layers {
            x = relu(layer(x));
        }
        for (i, layer) in self.layers.iter().enumerate() {
            let y = layer(x) * (i as f64);
            if i % 2 == 0 {
                x = x + y;
            }
        }
        for _ in 0..2 {
            x = layers[1](x);
        }
        let x = match KIND {
            0 => relu(x),
            1 | 2 => gelu(x),
            _ => {
                let y = tanh(x);
                y * y
            }
        };
        if DEEP {
            x = x + layers[0](x);
        } else if D > 64 {
            x = -x;
        }
        if self.training {
            x = dropout(x, 0.1);
        }
        let (a, b) = chunk(last(x), 2, 1);
        a + b
    }
}

model! {
    /// Tuples in and out, and indices.
    Cell<const D: usize> {
        inner: Linear(D, D),
        outer: Linear(D, D),
    }
    forward(x: [batch, D], (h, c): ([batch, D], [batch, D])) -> ([batch, D], ([batch, D], [batch, D])) {
        let h = tanh(inner(x) + outer(h));
        let state = (h, c + h);
        (state.1, state)
    }
}

model! {
    Steps<const D: usize> {
        cell: Cell<D>,
    }
    forward(x: [batch, 3, D], state: ([batch, D], [batch, D])) -> ([batch, D], ([batch, D], [batch, D])) {
        let (y, state): ([batch, D], ([batch, D], [batch, D])) = cell(x[.., 0], state);
        let (z, state): ([batch, D], ([batch, D], [batch, D])) = cell(x[.., -1, ..], state);
        (y + z, state)
    }
}

model! {
    Indices {}
    forward(x: [batch, 6, 8], mask: [6, 8]) -> ([batch, 8], [batch, 6, 4], [batch, 3, 8], [batch, 5, 1, 7], [batch, 6, 8]) {
        let kept = where_(x > 0.5 & !isnan(x), x % 2.0, 0.0);
        let limited = clamp(x, 0.0, 1.0).masked_fill(mask >= 1.0, -1e9);
        (x[.., 2], x[.., .., 2..6], x[.., (0..6).step_by(2)], x[.., 1.., NewAxis, ..-1], kept + limited)
    }
}

model! {
    /// A tagger that reads both ways, and a decoder with its state in and out.
    Recurrent<const V: usize, const D: usize> {
        embed: Embedding(V, D),
        lstm: Lstm(_, D, num_layers = 2, bidirectional = true, batch_first = true),
        gru: Gru(_, D, batch_first = true),
        step: LstmCell(D, D),
        tags: Linear(_, 5),
    }
    forward(text: [batch, seq], state: ([4, batch, D], [4, batch, D]))
        -> ([batch, seq, 5], ([4, batch, D], [4, batch, D]))
    {
        let (y, state) = lstm(embed(text), state);
        let (y, last) = gru(y);
        let (h, c) = step(y[.., 0], (last[0], y[.., -1]));
        (h, c) = step(h, (h, c));
        let (z, (_, _)) = lstm(unsqueeze(h + c, 1) + y, state);
        (tags(z), state)
    }
}

model! {
    /// Reads a sequence.
    pub Reader: [batch, seq, 8] -> [batch, seq, 6] {
        Lstm(6, batch_first = true), Tanh, blocks: [Linear(6, 6); 2],
    }
}

#[test]
fn recurrent_layers_take_and_give_their_state() -> rustorch::Result<()> {
    let model = Recurrent::<11, 4>::new();
    let text = Tensor::randint(0, 11, [2, 7]).typed::<shape![Batch, Seq]>()?;
    let zero = || Tensor::zeros([4, 2, 4]).typed::<shape![4, Batch, 4]>();
    let (y, (h, c)) = model.forward(&text, (&zero()?, &zero()?));
    assert_eq!((y.shape(), h.shape(), c.shape()), (&[2, 7, 5][..], &[4, 2, 4][..], &[4, 2, 4][..]));
    y.sum().backward()?;
    assert!(model.parameters().iter().all(|parameter| parameter.grad().is_some()));
    assert_eq!(nn::Layer::forward(&Reader::new(), &Tensor::randn([2, 3, 8]))?.shape(), [2, 3, 6]);
    Ok(())
}

#[test]
fn own_parameters_and_buffers() -> rustorch::Result<()> {
    let model = Scaled::<3>::new();
    let names: Vec<String> = model.named_parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["scale", "shift", "table", "bound"]);
    assert_eq!(model.named_buffers().len(), 2);
    let x = Tensor::randn([5, 3]).typed::<shape![Batch, 3]>()?;
    model.forward(&x).sum().backward()?;
    assert_eq!(model.scale.grad().unwrap().shape(), [3]);
    Ok(())
}

#[test]
fn weights_are_tied() -> rustorch::Result<()> {
    let tied = Tied::<11, 4>::new();
    assert_eq!(tied.parameters().len(), 3);
    let text = Tensor::randint(0, 11, [2, 7]).typed::<shape![Batch, Seq]>()?;
    assert_eq!(tied.forward(&text).shape(), [2, 7, 11]);
    Ok(())
}

#[test]
fn layers_may_be_missing() -> rustorch::Result<()> {
    assert!(Residual::<4, 4, 1>::new().down.is_none());
    let wide = Residual::<4, 8, 2>::new();
    assert_eq!(wide.named_parameters().len(), 6);
    assert_eq!(nn::Layer::forward(&wide, &Tensor::randn([2, 4, 9, 9]))?.shape(), [2, 8, 5, 5]);
    assert_eq!(
        nn::Layer::forward(&Residual::<4, 4, 1>::new(), &Tensor::randn([2, 4, 9, 9]))?.shape(),
        [2, 4, 9, 9]
    );
    Ok(())
}

#[test]
fn branches_and_loops() -> rustorch::Result<()> {
    let branches = Branches::<4, 3, true>::new();
    let y = nn::Layer::forward(&branches, &Tensor::randn([2, 4]))?;
    y.sum().backward()?;
    assert_eq!(y.shape(), [2, 4]);
    assert!(branches.parameters().iter().all(|parameter| parameter.grad().is_some()));
    Ok(())
}

#[test]
fn tuples_in_and_out() -> rustorch::Result<()> {
    let steps = Steps::<4>::new();
    let x = Tensor::randn([2, 3, 4]).typed::<shape![Batch, 3, 4]>()?;
    let zero = || Tensor::zeros([2, 4]).typed::<shape![Batch, 4]>();
    let (y, (h, c)) = steps.forward(&x, (&zero()?, &zero()?));
    assert_eq!((y.shape(), h.shape(), c.shape()), (&[2, 4][..], &[2, 4][..], &[2, 4][..]));
    Ok(())
}

#[test]
fn indices_are_views_of_the_same_elements() -> rustorch::Result<()> {
    let x = Tensor::rand([2, 6, 8]).typed::<shape![Batch, 6, 8]>()?;
    let mask = Tensor::zeros([6, 8]).typed::<shape![6, 8]>()?;
    let (a, _, c, d, _) = Indices::new().forward(&x, &mask);
    assert_eq!(a.to_vec::<f32>()?, x.i((.., 2))?.to_vec::<f32>()?);
    assert_eq!(c.to_vec::<f32>()?, x.i((.., rustorch::slice(..).step(2)))?.to_vec::<f32>()?);
    assert_eq!(d.shape(), [2, 5, 1, 7]);
    Ok(())
}
