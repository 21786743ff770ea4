//! Networks in larger programs: built of generic models in modules, kept in structs, lists and threads, saved and loaded.

use rustorch::prelude::*;
use rustorch::{Result, nn::Module};
use rustorch_tests::compiled::everywhere;
use rustorch_tests::turns::turn;
use std::sync::Arc;

dim!(Batch, Seq);

/// Parts that other modules use.
mod parts {
    use rustorch::prelude::*;

    /// How much wider the inside of a block is.
    pub const EXPANSION: usize = 2;

    model! {
        /// MobileNetV2's block, of any kernel.
        #[allow(dead_code)]
        pub Inverted<const IN: usize, const OUT: usize, const K: usize, const STRIDE: usize> {
            /// The way up.
            pub expand: Conv2d(IN, EXPANSION * IN, kernel = 1, bias = false),
            pub(crate) bn1: BatchNorm2d(_),
            depthwise: Conv2d(_, EXPANSION * IN, kernel = K, stride = STRIDE, padding = K / 2, groups = EXPANSION * IN),
            project: Conv2d(_, OUT, kernel = 1, bias = false),
        }
        forward(x: [batch, IN, h, w]) -> [batch, OUT, (h + 2 * (K / 2) - K) / STRIDE + 1, (w + 2 * (K / 2) - K) / STRIDE + 1] {
            let y = project(relu6(depthwise(relu6(bn1(expand(x))))));
            if STRIDE == 1 && IN == OUT && K % 2 == 1 { x + y } else { y }
        }

        /// The norm that a parameter chooses.
        pub Norm<const D: usize, const KIND: usize> {
            layer: Option<LayerNorm>(D) if KIND == 0,
            rms: Option<RMSNorm>(D, eps = 1e-6) if KIND == 1,
            group: Option<GroupNorm>(2, D) if KIND >= 2,
        }
        forward(x: [batch, seq, D]) -> [batch, seq, D] {
            match KIND {
                0 => if let Some(layer) = self.layer { layer(x) } else { x },
                1 => if let Some(rms) = self.rms { rms(x) } else { x },
                _ => {
                    if let Some(group) = self.group {
                        transpose(group(transpose(x, 1, 2)), 1, 2)
                    } else {
                        x
                    }
                }
            }
        }

        /// Gated linear units, two thirds of four times as wide.
        pub SwiGlu<const D: usize> {
            w1: Linear(D, 8 * D / 3, bias = false),
            w3: Linear(D, 8 * D / 3, bias = false),
            w2: Linear(_, D, bias = false),
        }
        forward(x: [batch, seq, D]) -> [batch, seq, D] {
            w2(silu(w1(x)) * w3(x))
        }
    }
}

use parts::{Inverted, Norm, SwiGlu};

model! {
    Mobile<const CLASSES: usize> {
        stem: Conv2d(3, 4, kernel = 3, stride = 2, padding = 1),
        same: parts::Inverted<4, 4, 3, 1>,
        down: Inverted<4, 6, 5, 2>,
        head: Linear(6, CLASSES),
    }
    forward(x: [batch, 3, 12, 12]) -> [batch, CLASSES] {
        let x: [batch, 4, 6, 6] = same(hardswish(stem(x)));
        let x: [batch, 6, 3, 3] = down(x);
        head(mean(x, [2, 3]))
    }

    /// MLP-Mixer whose norms are of one kind.
    Mixer<const N: usize, const D: usize, const KIND: usize> {
        norms: [Norm<D, KIND>; 2],
        tokens: Linear(N, 2 * N), tokens_back: Linear(_, N),
        channels: Linear(D, 2 * D), channels_back: Linear(_, D),
        drop: Option<Dropout>(0.5) if KIND == 0,
    }
    forward(x: [batch, N, D]) -> [batch, N, D] {
        let y: [batch, N, D] = norms[0](x);
        let y = y.transpose(1, 2);
        x += tokens_back(gelu(tokens(y), approximate = "tanh")).transpose(1, 2);
        let z: [batch, N, D] = norms[1](x);
        let z = channels_back(gelu(channels(z)));
        if let Some(drop) = self.drop {
            z = drop(z)
        }
        x + z
    }
}

model! {
    /// Llama (Touvron et al. 2023), its embeddings tied.
    Llama<const V: usize, const D: usize, const HEADS: usize, const LAYERS: usize>
    where
        [(); D]: Sized,
    {
        embed: Embedding(V, D),
        layers: [LlamaBlock<D, HEADS>; LAYERS],
        norm: RMSNorm(D),
    }
    forward(tokens: [batch, seq], cosine: [seq, D / HEADS], sine: [seq, D / HEADS]) -> [batch, seq, V] {
        let h = embed(tokens);
        for layer in self.layers {
            h = layer(h, cosine, sine);
        }
        linear(norm(h), embed.weight)
    }

    LlamaBlock<const D: usize, const HEADS: usize> {
        attention_norm: RMSNorm(D),
        qkv: Linear(D, 3 * D, bias = false),
        out: Linear(D, D, bias = false),
        ffn_norm: RMSNorm(_, eps = 1e-6),
        feed_forward: SwiGlu<D>,
    }
    forward(x: [batch, seq, D], cosine: [seq, D / HEADS], sine: [seq, D / HEADS]) -> [batch, seq, D] {
        let (q, k, v) = chunk(qkv(attention_norm(x)), 3, -1);
        let q = transpose(reshape(q, [batch, seq, HEADS, D / HEADS]), 1, 2);
        let k = transpose(reshape(k, [batch, seq, HEADS, D / HEADS]), 1, 2);
        let v = transpose(reshape(v, [batch, seq, HEADS, _]), 1, 2);
        let half = D / HEADS / 2;
        let turned_q = cat([-q[.., .., .., half..], q[.., .., .., ..half]], -1);
        let turned_k = cat([-k[.., .., .., half..], k[.., .., .., ..half]], -1);
        let q = q * cosine + turned_q * sine;
        let k = k * cosine + turned_k * sine;
        let y = scaled_dot_product_attention(q, k, v, causal = true);
        let h = x + out(flatten(transpose(y, 1, 2), 2));
        let y: [batch, seq, D] = feed_forward(ffn_norm(h));
        h + y
    }
}

model! {
    /// Translation with attention, a cell step by step, its state in and out.
    Translator<const V: usize, const E: usize, const D: usize> {
        source: Embedding(V, E, padding_idx = 0),
        target: Embedding(V, E),
        encoder: Gru(_, D, batch_first = true, bidirectional = true),
        query: Linear(D, 2 * D, bias = false),
        cell: LstmCell(E + 2 * D, D),
        out: Linear(3 * D, V),
    }
    forward(text: [batch, s], words: [batch, t], (h, c): ([batch, D], [batch, D]))
        -> ([batch, V], ([batch, D], [batch, D]))
    {
        let (memory, _) = encoder(source(text));
        let words = target(words);
        let context = memory[.., 0];
        for i in 0..t {
            (h, c) = cell(cat([words[.., i], context], -1), (h, c));
            let weights = softmax(einsum!("bd,bsd->bs", query(h), memory), -1);
            context = einsum!("bs,bsd->bd", weights, memory);
        }
        (out(cat([h, context], -1)), (h, c))
    }
}

model! {
    /// Graph attention (Veličković et al. 2018) over a dense adjacency matrix.
    Gat<const IN: usize, const OUT: usize, const HEADS: usize> {
        project: Linear(IN, HEADS * OUT, bias = false),
        left: Param([HEADS, OUT], init = xavier_uniform),
        right: Param([HEADS, OUT], init = kaiming_uniform),
        bias: Param([HEADS * OUT]),
    }
    forward(x: [nodes, IN], adjacency: [nodes, nodes]) -> [nodes, HEADS * OUT] {
        let h = rearrange!("n (h d) -> n h d", project(x), h = HEADS);
        let from = einsum!("nhd,hd->nh", h, left);
        let to = einsum!("nhd,hd->nh", h, right);
        let e = leaky_relu(unsqueeze(from, 1) + unsqueeze(to, 0), negative_slope = 0.2);
        let weights = softmax(where_(unsqueeze(adjacency, -1) > 0.0, e, -1e9), 1);
        let weights = if self.training { dropout(weights, 0.6) } else { weights };
        let y = einsum!(y[n, h, d] = weights[n, m, h] * h[m, h, d]);
        reshape(y, [nodes, HEADS * OUT]) + bias
    }
}

model! {
    /// A state space model, discretised, as a loop over positions.
    StateSpace<const D: usize, const N: usize> {
        log_a: Param([D, N], init = uniform(-1.0, 0.0)),
        b: Linear(D, N, bias = false),
        c: Linear(D, N, bias = false),
        step: Linear(D, D),
        skip: Param([D], init = ones),
    }
    forward(x: [batch, seq, D], state: [batch, D, N]) -> ([batch, D], [batch, D, N]) {
        let y = x[.., 0] * 0.0;
        for t in 0..seq {
            let u = x[.., t];
            let delta = unsqueeze(softplus(step(u)), -1);
            let decay = exp(-delta * exp(log_a));
            state = decay * state + delta * unsqueeze(b(u), 1) * unsqueeze(u, -1);
            y = einsum!("bdn,bn->bd", state, c(u)) + u * skip;
        }
        (y, state)
    }
}

model! {
    /// Convolutional LSTM (Shi et al. 2015): a cell whose state is images.
    ConvLstm<const IN: usize, const C: usize, const K: usize> {
        gates: Conv2d(IN + C, 4 * C, kernel = K, padding = K / 2),
    }
    forward(x: [batch, seq, IN, 6, 6], (h, c): ([batch, C, 6, 6], [batch, C, 6, 6]))
        -> ([batch, C, 6 + 2 * (K / 2) + 1 - K, 6 + 2 * (K / 2) + 1 - K], [batch, C, 6, 6])
    {
        for t in 0..seq {
            let (i, f, o, g) = chunk(gates(cat([x[.., t], h], 1)), 4, 1);
            c = sigmoid(f) * c + sigmoid(i) * tanh(g);
            h = sigmoid(o) * tanh(c);
        }
        (h, c)
    }
}

model! {
    /// Features of one kind modulated by another (Perez et al. 2018), with a table of first values.
    Film<const C: usize, const D: usize> {
        conv: Conv2d(1, C, kernel = 3, padding = "same"),
        scale: Linear(D, 2 * C),
        mean: Buffer([C, 1, 1], init = 0.5),
    }
    forward((image, text): ([batch, 1, h, w], [batch, D])) -> [batch, C] {
        let (gamma, beta) = chunk(scale(text), 2, 1);
        let x = (conv(image) - mean) * gamma[.., .., NewAxis, NewAxis] + unflatten(beta, 1, [C, 1, 1]);
        relu(x).mean([-2, -1])
    }
}

model! {
    /// Attention whose scores fall with the distance (Press et al. 2022), over learnt queries (Lee et al. 2019).
    Pooled<const D: usize, const HEADS: usize, const SEEDS: usize> {
        seeds: Param([SEEDS, D], init = xavier_normal),
        slopes: Buffer([HEADS, 1, 1], init = Tensor::full([HEADS, 1, 1], 0.25)),
        key: Linear(D, D), value: Linear(D, D),
        out: Linear(D, D),
    }
    forward(x: [batch, n, D], distance: [SEEDS, n]) -> [batch, SEEDS, D] {
        let q = rearrange!("s (h d) -> h s d", seeds, h = HEADS);
        let k = rearrange!("b n (h d) -> b h n d", key(x), h = HEADS);
        let v = rearrange!("b n (h d) -> b h n d", value(x), h = HEADS);
        let scores = einsum!("hsd,bhnd->bhsn", q, k) / ((D / HEADS) as f64).sqrt() - slopes * distance;
        let y = einsum!("bhsn,bhnd->bhsd", softmax(scores, -1), v);
        out(rearrange!("b h s d -> b s (h d)", y))
    }
}

model! {
    /// Sinusoidal networks (Sitzmann et al. 2020); the first of its layers is another.
    Siren<const H: usize, const DEPTH: usize> {
        first: Linear(2, H),
        #[name = "hidden"]
        inner: [Linear(H, H); DEPTH],
        last: Linear(_, 3),
    }
    forward(x: [points, 2]) -> [points, 3] {
        let omega = if DEPTH > 2 { 10.0 } else { 30.0 };
        x = sin(first(x) * omega);
        for (i, layer) in self.inner.iter().enumerate() {
            let y = layer(x);
            x = if i % 2 == 0 { sin(y * omega) } else { x + sin(y) };
        }
        last(x)
    }
}

model! {
    /// Vector quantisation (van den Oord et al. 2017) with gradients straight through.
    Quantised<const D: usize, const CODES: usize> {
        encode: Linear(8, D),
        codes: Embedding(CODES, D),
        decode: Linear(D, 8),
    }
    forward(x: [batch, 8]) -> ([batch, 8], []) {
        let z = encode(x);
        let distance = sum(pow(z[.., NewAxis] - codes.weight, 2.0), -1);
        let q = codes(argmin(distance, 1));
        let loss = mean(square(detach(z) - q)) + 0.25 * mean(square(z - detach(q)));
        (decode(z + detach(q - z)), loss)
    }
}

#[test]
fn networks_of_parts_in_a_module() -> Result<()> {
    let _turn = turn();
    everywhere(
        &Mobile::<5>::new(),
        |batch, _| vec![Tensor::randn([batch, 3, 12, 12])],
        |net, x| Ok(vec![net.forward(&x[0].typed::<shape![Batch, 3, 12, 12]>()?).into_tensor()]),
    )?;
    fn mixer<const KIND: usize>() -> Result<()> {
        everywhere(
            &Mixer::<4, 6, KIND>::new(),
            |batch, _| vec![Tensor::randn([batch, 4, 6])],
            |net, x| Ok(vec![net.forward(&x[0].typed::<shape![Batch, 4, 6]>()?).into_tensor()]),
        )
    }
    mixer::<0>()?;
    mixer::<1>()?;
    mixer::<2>()
}

#[test]
fn language_models() -> Result<()> {
    let _turn = turn();
    let inputs = |batch, seq| {
        vec![Tensor::randint(0, 7, [batch, seq]), Tensor::randn([seq, 4]), Tensor::randn([seq, 4])]
    };
    everywhere(&Llama::<7, 12, 3, 2>::new(), inputs, |net, x| {
        let (cosine, sine) = (x[1].typed::<shape![Seq, Any]>()?, x[2].typed::<shape![Seq, Any]>()?);
        Ok(vec![net.try_forward(&x[0].typed::<shape![Batch, Seq]>()?, &cosine, &sine)?.into_tensor()])
    })?;
    let inputs = |batch, seq| {
        let text = [seq + 1, seq].map(|length| Tensor::randint(0, 9, [batch, length]));
        text.into_iter().chain([0, 1].map(|_| Tensor::randn([batch, 4]))).collect()
    };
    everywhere(&Translator::<9, 3, 4>::new(), inputs, |net, x| {
        dim!(Source, Target);
        let (text, words) = (x[0].typed::<shape![Batch, Source]>()?, x[1].typed::<shape![Batch, Target]>()?);
        let state = (&x[2].typed::<shape![Batch, 4]>()?, &x[3].typed::<shape![Batch, 4]>()?);
        let (y, (h, c)) = net.try_forward(&text, &words, state)?;
        Ok(vec![y.into_tensor(), h.into_tensor(), c.into_tensor()])
    })
}

#[test]
fn states_step_by_step() -> Result<()> {
    let _turn = turn();
    let inputs = |batch, seq| vec![Tensor::randn([batch, seq, 3]), Tensor::randn([batch, 3, 2])];
    everywhere(&StateSpace::<3, 2>::new(), inputs, |net, x| {
        let (y, state) =
            net.try_forward(&x[0].typed::<shape![Batch, Seq, 3]>()?, &x[1].typed::<shape![Batch, 3, 2]>()?)?;
        Ok(vec![y.into_tensor(), state.into_tensor()])
    })?;
    let inputs = |batch, seq| {
        let state = || Tensor::randn([batch, 2, 6, 6]);
        vec![Tensor::randn([batch, seq, 1, 6, 6]), state(), state()]
    };
    everywhere(&ConvLstm::<1, 2, 3>::new(), inputs, |net, x| {
        let state = (&x[1].typed::<shape![Batch, 2, 6, 6]>()?, &x[2].typed::<shape![Batch, 2, 6, 6]>()?);
        let (h, c) = net.try_forward(&x[0].typed::<shape![Batch, Seq, 1, 6, 6]>()?, state)?;
        Ok(vec![h.into_tensor(), c.into_tensor()])
    })
}

#[test]
fn graphs_sets_and_conditions() -> Result<()> {
    let _turn = turn();
    let inputs = |nodes, _| vec![Tensor::randn([nodes, 5]), Tensor::randn([nodes, nodes])];
    everywhere(&Gat::<5, 3, 2>::new(), inputs, |net, x| {
        let adjacency = x[1].typed::<shape![Batch, Batch]>()?;
        Ok(vec![net.try_forward(&x[0].typed::<shape![Batch, 5]>()?, &adjacency)?.into_tensor()])
    })?;
    let inputs = |batch, _| vec![Tensor::randn([batch, 1, 4, 4]), Tensor::randn([batch, 3])];
    everywhere(&Film::<2, 3>::new(), inputs, |net, x| {
        let (image, text) = (x[0].typed::<shape![Batch, 1, 4, 4]>()?, x[1].typed::<shape![Batch, 3]>()?);
        Ok(vec![net.try_forward((&image, &text))?.into_tensor()])
    })?;
    let inputs = |batch, n| vec![Tensor::randn([batch, n, 6]), Tensor::rand([2, n])];
    everywhere(&Pooled::<6, 3, 2>::new(), inputs, |net, x| {
        let (x, distance) = (x[0].typed::<shape![Batch, Seq, 6]>()?, x[1].typed::<shape![2, Seq]>()?);
        Ok(vec![net.try_forward(&x, &distance)?.into_tensor()])
    })?;
    everywhere(
        &Quantised::<3, 4>::new(),
        |batch, _| vec![Tensor::randn([batch + 1, 8])],
        |net, x| {
            let (y, loss) = net.try_forward(&x[0].typed::<shape![Batch, 8]>()?)?;
            Ok(vec![y.into_tensor(), loss.into_tensor()])
        },
    )?;
    everywhere(
        &Siren::<4, 3>::new(),
        |points, _| vec![Tensor::randn([points, 2])],
        |net, x| Ok(vec![net.try_forward(&x[0].typed::<shape![Batch, 2]>()?)?.into_tensor()]),
    )
}

/// A program's own type around a network.
struct Ensemble<'a, const CLASSES: usize> {
    name: &'a str,
    members: Vec<Arc<Mobile<CLASSES>>>,
}

impl<const CLASSES: usize> Ensemble<'_, CLASSES> {
    /// The mean of what the members say, each on a thread of its own.
    fn vote<B: Dim>(
        &self,
        images: &TypedTensor<(B, Const<3>, Const<12>, Const<12>)>,
    ) -> Result<TypedTensor<(B, Const<CLASSES>)>> {
        let votes: Vec<Tensor> = std::thread::scope(|scope| {
            let start = |member: &Arc<Mobile<CLASSES>>| {
                let (member, images) = (Arc::clone(member), images.clone());
                scope.spawn(move || member.try_forward(&images).map(TypedTensor::into_tensor))
            };
            let threads: Vec<_> = self.members.iter().map(start).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Result<_>>()
        })?;
        let votes: Vec<&Tensor> = votes.iter().collect();
        Tensor::stack(&votes, 0)?.mean_dim(0, false)?.typed()
    }
}

fn count(model: &impl Module) -> usize {
    model.parameters().iter().map(|parameter| parameter.numel()).sum()
}

#[test]
fn networks_in_structs_lists_and_threads() -> Result<()> {
    let _turn = turn();
    let members: Vec<Arc<Mobile<5>>> = (0..3).map(|_| Arc::new(Mobile::new())).collect();
    members.iter().for_each(|member| member.eval());
    let ensemble = Ensemble { name: "three", members };
    let images = Tensor::randn([2, 3, 12, 12]).typed::<shape![Batch, 3, 12, 12]>()?;
    let votes: TypedTensor<shape![Batch, 5]> = ensemble.vote(&images)?;
    let mut sum = Tensor::zeros([2, 5]);
    for member in &ensemble.members {
        sum = sum.add(member.forward(&images).as_tensor())?;
    }
    assert!(votes.allclose(&sum.div(3.0)?, 1e-5, 1e-6)?, "{}", ensemble.name);

    // Saved by one, loaded by another: the same network.
    let path = std::env::temp_dir().join(format!("rustorch-programs-{}.safetensors", std::process::id()));
    let [a, b, _] = &ensemble.members[..] else { unreachable!("there are three") };
    assert_eq!(count(&**a), count(&**b));
    assert!(!a.forward(&images).allclose(&b.forward(&images), 1e-5, 1e-6)?);
    a.save(&path)?;
    b.load(&path)?;
    std::fs::remove_file(&path).expect("the file is there");
    assert!(a.forward(&images).equal(&b.forward(&images))?);
    assert!(a.state_dict().contains_key("down.depthwise.weight"));
    Ok(())
}
