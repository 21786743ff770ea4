//! What the body of a model may say.

use rustorch::nn::Module;
use rustorch::prelude::*;
use rustorch_tests::compiled::both;
use rustorch_tests::turns::turn;

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
    /// `0.weight`, `1.weight` .. `3.weight`, `head.out.weight`
    Named<const D: usize> {
        #[name = "0"]
        first: Linear(4, D, bias = false),
        #[name = "1.."]
        more: [Linear(D, D, bias = false); 3],
        #[name = "head.out"]
        last: Linear(D, 2, bias = false),
    }
    forward(x: [batch, 4]) -> [batch, 2] {
        let x = first(x);
        for layer in self.more {
            x = layer(relu(x));
        }
        last(x)
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

model! {
    /// Attention with masks.
    Translator<const D: usize> {
        encoder: TransformerEncoder(_, 4, 2, dim_feedforward = 64, batch_first = true),
        decoder: [TransformerDecoderLayer(D, 4, 64, batch_first = true); 2],
        recall: MultiheadAttention(D, 4, batch_first = true),
    }
    forward(source: [batch, s, D], padding: [batch, s], target: [batch, t, D]) -> [batch, t, D] {
        let memory = encoder(source, key_padding_mask = padding);
        for layer in self.decoder {
            target = layer(target, memory, tgt_is_causal = true, memory_key_padding_mask = padding);
        }
        target + recall(target, memory, memory, key_padding_mask = padding)
    }
}

model! {
    /// Numbers with a name.
    Numbers<const D: usize, const HEADS: usize> {
        gain: Param([D], init = ones),
    }
    forward(x: [batch, seq, D]) -> [batch, HEADS, seq, D / HEADS] {
        let width = D / HEADS;
        let scale = if width > 64 { 0.5 } else { 1.0 / (width as f64).sqrt() };
        x *= gain * scale;
        transpose(reshape(x, [batch, seq, HEADS, width]), 1, 2)
    }
}

model! {
    /// Axes by name.
    Patches<const D: usize, const HEADS: usize> {
        embed: Linear(3 * 4 * 4, D),
    }
    forward(x: [batch, 3, 4 * 8, w, 4]) -> ([batch, HEADS, 8 * w, D / HEADS], [batch, 8, w]) {
        let patches = rearrange!("b c (h p1) w p2 -> b (h w) (c p1 p2)", x, p1 = 4);
        let heads = rearrange!("b n (h d) -> b h n d", embed(patches), h = HEADS);
        let small = reduce!("b c (h 4) w p -> b h w", x, "mean");
        (heads + repeat!("n d -> n h d", heads[.., 0, 0], h = HEADS)[.., .., NewAxis], small)
    }
}

#[test]
fn axes_by_name() -> rustorch::Result<()> {
    let _turn = turn();
    let model = Patches::<8, 2>::new();
    let x = Tensor::randn([2, 3, 32, 5, 4]).typed::<shape![Batch, 3, 32, Seq, 4]>()?;
    let (heads, small) = model.forward(&x);
    let x = x.into_tensor();
    let patches = rustorch::rearrange(&x, "b c (h p1) w p2 -> b (h w) (c p1 p2)", &[("p1", 4)])?;
    let wanted = nn::Layer::forward(&model.embed, &patches)?.reshape([2, 40, 2, 4])?.transpose(1, 2)?;
    let wanted = &wanted + &wanted.select(1, 0)?.select(1, 0)?.reshape([2, 1, 1, 4])?.expand([2, 2, 1, 4])?;
    assert!((&*heads - &wanted).abs().max().item::<f32>()? < 1e-5);
    let wanted = rustorch::reduce(&x, "b c (h 4) w p -> b h w", "mean", &[])?;
    assert!((&*small - &wanted).abs().max().item::<f32>()? < 1e-5);
    Ok(())
}

#[test]
fn masks_reach_the_layers() -> rustorch::Result<()> {
    let _turn = turn();
    use nn::{AttentionMasks, DecoderMasks, SequenceMasks};
    let model = Translator::<8>::new();
    model.eval();
    let (source, target) = (Tensor::randn([3, 5, 8]), Tensor::randn([3, 4, 8]));
    let padding = Tensor::arange(0, 5, 1)?.ge(3)?.expand([3, 5])?;
    let given = model.forward(
        &source.typed::<shape![Batch, Seq, 8]>()?,
        &padding.typed()?,
        &target.typed::<shape![Batch, Any, 8]>()?,
    );
    let key_padding_mask = Some(&padding);
    let memory = model.encoder.forward(&source, SequenceMasks { key_padding_mask, ..Default::default() })?;
    let masks =
        DecoderMasks { tgt_is_causal: true, memory_key_padding_mask: key_padding_mask, ..Default::default() };
    let mut wanted = target;
    for layer in &model.decoder {
        wanted = layer.forward(&wanted, &memory, masks)?;
    }
    let masks = AttentionMasks { key_padding_mask, ..Default::default() };
    let wanted = &wanted + &model.recall.forward(&wanted, &memory, &memory, masks)?.0;
    assert_eq!(given.to_vec::<f32>()?, wanted.to_vec::<f32>()?);
    // What is hidden does not count.
    let other = source.narrow(1, 0, 3)?;
    let other = Tensor::cat(&[&other, &Tensor::zeros([3, 2, 8])], 1)?;
    let same = model.forward(
        &other.typed::<shape![Batch, Seq, 8]>()?,
        &padding.typed()?,
        &Tensor::zeros([3, 4, 8]).typed::<shape![Batch, Any, 8]>()?,
    );
    let again = model.forward(
        &source.typed::<shape![Batch, Seq, 8]>()?,
        &padding.typed()?,
        &Tensor::zeros([3, 4, 8]).typed::<shape![Batch, Any, 8]>()?,
    );
    let difference = (&*same - &*again).abs().max().item::<f32>()?;
    assert!(difference < 1e-5, "{difference}");
    Ok(())
}

#[test]
fn numbers_with_a_name() -> rustorch::Result<()> {
    let _turn = turn();
    let x = Tensor::randn([2, 3, 8]).typed::<shape![Batch, Seq, 8]>()?;
    let y = Numbers::<8, 2>::new().forward(&x);
    let wanted = (&*x * 0.5).reshape([2, 3, 2, 4])?.transpose(1, 2)?;
    assert_eq!(y.to_vec::<f32>()?, wanted.to_vec::<f32>()?);
    Ok(())
}

#[test]
fn recurrent_layers_take_and_give_their_state() -> rustorch::Result<()> {
    let _turn = turn();
    let model = Recurrent::<11, 4>::new();
    let run = |model: &Recurrent<11, 4>, x: &[Tensor]| {
        let state = (&x[1].typed::<shape![4, Batch, 4]>()?, &x[2].typed::<shape![4, Batch, 4]>()?);
        let (y, (h, c)) = model.forward(&x[0].typed::<shape![Batch, Seq]>()?, state);
        Ok(vec![y.into_tensor(), h.into_tensor(), c.into_tensor()])
    };
    let text = Tensor::randint(0, 11, [2, 7]);
    let inputs = [text, Tensor::randn([4, 2, 4]), Tensor::randn([4, 2, 4])];
    let shapes: Vec<Vec<usize>> = run(&model, &inputs)?.iter().map(|y| y.shape().to_vec()).collect();
    assert_eq!(shapes, [vec![2, 7, 5], vec![4, 2, 4], vec![4, 2, 4]]);
    both(&model, &inputs, run)?;
    assert!(model.parameters().iter().all(|parameter| parameter.grad().is_some()));
    both(&Reader::new(), &[Tensor::randn([2, 3, 8])], |model, x| Ok(vec![nn::Layer::forward(model, &x[0])?]))
}

#[test]
fn own_parameters_and_buffers() -> rustorch::Result<()> {
    let _turn = turn();
    let model = Scaled::<3>::new();
    let names: Vec<String> = model.named_parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["scale", "shift", "table", "bound"]);
    assert_eq!(model.named_buffers().len(), 2);
    both(&model, &[Tensor::randn([5, 3])], |model, x| Ok(vec![nn::Layer::forward(model, &x[0])?]))?;
    assert_eq!(model.scale.grad().unwrap().shape(), [3]);
    Ok(())
}

#[test]
fn weights_are_tied() -> rustorch::Result<()> {
    let _turn = turn();
    let tied = Tied::<11, 4>::new();
    assert_eq!(tied.parameters().len(), 3);
    both(&tied, &[Tensor::randint(0, 11, [2, 7])], |model, x| {
        Ok(vec![model.forward(&x[0].typed::<shape![Batch, Seq]>()?).into_tensor()])
    })
}

#[test]
fn layers_may_be_missing() -> rustorch::Result<()> {
    let _turn = turn();
    let narrow = Residual::<4, 4, 1>::new();
    assert!(narrow.down.is_none());
    let wide = Residual::<4, 8, 2>::new();
    assert_eq!(wide.named_parameters().len(), 6);
    let x = [Tensor::randn([2, 4, 9, 9])];
    assert_eq!(nn::Layer::forward(&wide, &x[0])?.shape(), [2, 8, 5, 5]);
    both(&wide, &x, |model, x| Ok(vec![nn::Layer::forward(model, &x[0])?]))?;
    both(&narrow, &x, |model, x| Ok(vec![nn::Layer::forward(model, &x[0])?]))
}

#[test]
fn the_state_has_the_names_that_are_asked_for() -> rustorch::Result<()> {
    let _turn = turn();
    let mut model = Named::<3>::new();
    let names = ["0.weight", "1.weight", "2.weight", "3.weight", "head.out.weight"];
    assert_eq!(model.state_dict().iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>(), names);
    let state = model.state_dict();
    let other = Named::<3>::new();
    other.load_state_dict(&state)?;
    assert_eq!(other.more[1].weight.to_vec::<f32>()?, model.more[1].weight.to_vec::<f32>()?);
    // Also where the parts are shown for replacement.
    model.to_dtype(DType::F64)?;
    assert!(model.named_parameters().iter().all(|(_, parameter)| parameter.dtype() == DType::F64));
    Ok(())
}

#[test]
fn branches_and_loops() -> rustorch::Result<()> {
    let _turn = turn();
    fn all<const KIND: usize, const DEEP: bool>() -> rustorch::Result<()> {
        let branches = Branches::<4, KIND, DEEP>::new();
        let run = |model: &Branches<4, KIND, DEEP>, x: &[Tensor]| Ok(vec![nn::Layer::forward(model, &x[0])?]);
        both(&branches, &[Tensor::randn([2, 4])], run)?;
        assert!(branches.parameters().iter().all(|parameter| parameter.grad().is_some()));
        branches.eval();
        both(&branches, &[Tensor::randn([2, 4])], run)
    }
    all::<0, true>()?;
    all::<2, false>()?;
    all::<3, true>()
}

#[test]
fn tuples_in_and_out() -> rustorch::Result<()> {
    let _turn = turn();
    let inputs = [Tensor::randn([2, 3, 4]), Tensor::randn([2, 4]), Tensor::randn([2, 4])];
    both(&Steps::<4>::new(), &inputs, |model, x| {
        let state = (&x[1].typed::<shape![Batch, 4]>()?, &x[2].typed::<shape![Batch, 4]>()?);
        let (y, (h, c)) = model.forward(&x[0].typed::<shape![Batch, 3, 4]>()?, state);
        assert_eq!((y.shape(), h.shape(), c.shape()), (&[2, 4][..], &[2, 4][..], &[2, 4][..]));
        Ok(vec![y.into_tensor(), h.into_tensor(), c.into_tensor()])
    })
}

#[test]
fn indices_are_views_of_the_same_elements() -> rustorch::Result<()> {
    let _turn = turn();
    let x = Tensor::rand([2, 6, 8]).typed::<shape![Batch, 6, 8]>()?;
    let mask = Tensor::zeros([6, 8]).typed::<shape![6, 8]>()?;
    let (a, _, c, d, _) = Indices::new().forward(&x, &mask);
    assert_eq!(a.to_vec::<f32>()?, x.i((.., 2))?.to_vec::<f32>()?);
    assert_eq!(c.to_vec::<f32>()?, x.i((.., rustorch::slice(..).step(2)))?.to_vec::<f32>()?);
    assert_eq!(d.shape(), [2, 5, 1, 7]);
    both(&Indices::new(), &[x.into_tensor(), Tensor::rand([6, 8]).mul(2.0)?], |model, x| {
        let (a, b, c, d, e) =
            model.forward(&x[0].typed::<shape![Batch, 6, 8]>()?, &x[1].typed::<shape![6, 8]>()?);
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor(), e.into_tensor()])
    })
}

model! {
    /// Reads running statistics before and after the layer updates them.
    Running { norm: BatchNorm1d(3), table: Embedding(5, 3, padding_idx = 0, max_norm = 1.0) }
    forward(x: [batch, 3], rows: [batch]) -> [batch, 3] {
        let y = norm(x) - self.norm.running_mean;
        table(rows) + y * self.norm.running_mean + self.norm.weight
    }
}

#[test]
fn running_statistics_may_be_read() -> rustorch::Result<()> {
    let _turn = turn();
    let inputs = [Tensor::randn([4, 3]), Tensor::from([0i64, 1, 4, 1])];
    let run = |model: &Running, x: &[Tensor]| {
        Ok(vec![
            model.forward(&x[0].typed::<shape![Batch, 3]>()?, &x[1].typed::<shape![Batch]>()?).into_tensor(),
        ])
    };
    let model = Running::new();
    both(&model, &inputs, run)?;
    model.eval();
    both(&model, &inputs, run)
}

model! {
    /// A recurrent network step by step, and layers by number.
    Counted<const D: usize, const LAYERS: usize> {
        cell: GruCell(D, D),
        gates: [Linear(D, D); LAYERS],
        layers: [Linear(D, D); LAYERS],
    }
    forward(x: [batch, seq, D]) -> [batch, D] {
        let h = zeros_like(x[.., 0]);
        for t in 0..seq {
            h = cell(x[.., t], h);
        }
        for i in 0..LAYERS {
            let gate = sigmoid(gates[i](h));
            h = gate * relu(layers[LAYERS - 1 - i](h)) + (1.0 - gate) * h;
        }
        h
    }
}

#[test]
fn what_loops_count_is_a_position() -> rustorch::Result<()> {
    let _turn = turn();
    let model = Counted::<4, 3>::new();
    let x = Tensor::randn([2, 5, 4]);
    both(&model, std::slice::from_ref(&x), |model, x| {
        Ok(vec![model.forward(&x[0].typed::<shape![Batch, Seq, 4]>()?).into_tensor()])
    })?;
    // The same by hand.
    let mut h = Tensor::zeros([2, 4]);
    for t in 0..5 {
        h = model.cell.forward(&x.select(1, t)?, Some(&h))?;
    }
    for i in 0..3 {
        let gate = model.gates[i].forward(&h)?.sigmoid();
        let new = model.layers[2 - i].forward(&h)?.relu();
        h = &gate * &new + (1.0 - &gate) * &h;
    }
    let y = model.forward(&x.typed::<shape![Batch, Seq, 4]>()?);
    assert!(y.allclose(&h, 1e-5, 1e-6)?);
    Ok(())
}

#[test]
fn where_clauses_end_with_a_comma_or_an_empty_bound() {
    let _turn = turn();
    model! {
        Widths<const N: usize = { 2 + 2 }>
        where
            [(); N]: Sized,
        {
            fc: Linear(N, 3),
        }
        forward(x: [batch, N]) -> [batch, 3] {
            let y = fc(x);
            relu(y)
        }
    }
    model! {
        Empty<const N: usize>: [batch, N] -> [batch, 2] where [(); N]: { fc: Linear(N, 2) }
    }
    let x = Tensor::ones([5, 4]).typed::<shape![5, 4]>().unwrap();
    assert_eq!(Widths::<4>::new().try_forward(&x).unwrap().dims()[..], [5, 3]);
    assert_eq!(Empty::<4>::new().try_forward(&x).unwrap().dims()[..], [5, 2]);
}
