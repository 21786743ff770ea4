//! Networks over text.

use rustorch::Result;
use rustorch::prelude::*;
use rustorch_tests::compiled::everywhere;
use rustorch_tests::turns::turn;

dim!(Batch, Seq, Other);

model! {
    /// Attention of Bahdanau et al. (2015).
    Attention<const H: usize> {
        w: Linear(2 * H, H),
        v: Linear(H, 1, bias = false),
    }
    forward(hidden: [batch, H], outputs: [batch, src, H]) -> [batch, src] {
        let hidden = hidden.unsqueeze(1).expand([batch, src, H]);
        let energy = tanh(w(cat([hidden, outputs], dim = 2)));
        softmax(v(energy).squeeze(2), dim = 1)
    }

    pub(crate) Seq2Seq<const V: usize, const E: usize, const H: usize> {
        src_embed: Embedding(V, E),
        tgt_embed: Embedding(V, E),
        encoder: Gru(E, H, batch_first = true),
        decoder: Gru(E, H, batch_first = true),
        out: Linear(2 * H, V),
    }
    forward(src: [batch, s], tgt: [batch, t]) -> [batch, t, V] {
        let (memory, h) = encoder(src_embed(src));
        let (states, _) = decoder(tgt_embed(tgt), h);
        let scores = einsum!("bth,bsh->bts", states, memory);
        let context = einsum!("bts,bsh->bth", softmax(scores, -1), memory);
        out(tanh(cat([states, context], -1)))
    }

    /// One step of decoding.
    DecoderStep<const V: usize, const E: usize, const H: usize> {
        embed: Embedding(V, E),
        attention: Attention<H>,
        gru: GruCell(E + H, H),
        out: Linear(H, V),
    }
    forward(token: [batch], hidden: [batch, H], memory: [batch, src, H]) -> ([batch, V], [batch, H]) {
        let weights: [batch, src] = attention(hidden, memory);
        let context = weights.unsqueeze(1).bmm(memory).squeeze(1);
        let hidden = gru(cat([embed(token), context], 1), hidden);
        (log_softmax(out(hidden), 1), hidden)
    }
}

model! {
    /// BERT (Devlin et al. 2019).
    pub BertLayer<const D: usize, const HEADS: usize> {
        attn: MultiheadAttention(D, HEADS, dropout = 0.1, batch_first = true),
        norm1: LayerNorm(D, eps = 1e-12),
        fc1: Linear(D, 4 * D),
        fc2: Linear(4 * D, D),
        norm2: LayerNorm(D, eps = 1e-12),
        drop: Dropout(0.1),
    }
    forward(x: [batch, seq, D], mask: [batch, seq]) -> [batch, seq, D] {
        let x = norm1(x + drop(attn(x, x, x, key_padding_mask = mask)));
        norm2(x + drop(fc2(gelu(fc1(x)))))
    }

    /// BERT itself.
    pub Bert<const VOCAB: usize, const D: usize, const HEADS: usize, const LAYERS: usize> {
        word: Embedding(VOCAB, D, padding_idx = 0),
        position: Param([64, D], init = normal(0.02)),
        token_type: Embedding(2, D),
        norm: LayerNorm(D, eps = 1e-12),
        layers: [BertLayer<D, HEADS>; LAYERS],
        pooler: Linear(D, D),
    }
    forward(ids: [batch, seq], types: [batch, seq], mask: [batch, seq]) -> ([batch, seq, D], [batch, D]) {
        let x = word(ids) + position[..seq] + token_type(types);
        let x = dropout(norm(x), 0.1);
        for layer in self.layers {
            x = layer(x, mask);
        }
        (x, tanh(pooler(x[.., 0])))
    }
}

model! {
    /// A decoder that gets keys and values of the past.
    CachedAttention<const D: usize, const H: usize> {
        q_proj: Linear(D, D),
        k_proj: Linear(D, D),
        v_proj: Linear(D, D),
        o_proj: Linear(D, D),
    }
    forward(x: [batch, seq, D], past: ([batch, H, past, D / H], [batch, H, past, D / H]))
        -> ([batch, seq, D], ([batch, H, past + seq, D / H], [batch, H, past + seq, D / H])) {
        let (past_k, past_v) = past;
        let q = rearrange!("b s (h d) -> b h s d", q_proj(x), h = H);
        let k = rearrange!("b s (h d) -> b h s d", k_proj(x), h = H);
        let v = rearrange!("b s (h d) -> b h s d", v_proj(x), h = H);
        let k = cat([past_k, k], dim = 2);
        let v = cat([past_v, v], dim = 2);
        let y = scaled_dot_product_attention(q, k, v);
        (o_proj(rearrange!("b h s d -> b s (h d)", y)), (k, v))
    }

    CachedGpt<const V: usize, const D: usize, const H: usize> {
        wte: Embedding(V, D),
        ln1: LayerNorm(D),
        attn: CachedAttention<D, H>,
        ln2: LayerNorm(D),
        fc1: Linear(D, 4 * D),
        fc2: Linear(4 * D, D),
        ln_f: LayerNorm(D),
    }
    forward(text: [batch, seq], k: [batch, H, past, D / H], v: [batch, H, past, D / H])
        -> ([batch, seq, V], [batch, H, past + seq, D / H], [batch, H, past + seq, D / H]) {
        let x = wte(text);
        let (y, (k, v)): ([batch, seq, D], ([batch, H, past + seq, D / H], [batch, H, past + seq, D / H])) = attn(ln1(x), (k, v));
        let x = x + y;
        let x = x + fc2(gelu(fc1(ln2(x)), approximate = "tanh"));
        (ln_f(x).matmul(wte.weight.transpose(0, 1)), k, v)
    }
}

model! {
    /// T5 (Raffel et al. 2020): RMS norm, no bias, a bias per distance.
    pub(crate) T5Attention<const D: usize, const HEADS: usize, const BUCKETS: usize> {
        q: Linear(D, D, bias = false),
        k: Linear(D, D, bias = false),
        v: Linear(D, D, bias = false),
        o: Linear(D, D, bias = false),
        relative: Embedding(BUCKETS, HEADS),
    }
    forward(x: [batch, seq, D], buckets: [seq, seq]) -> [batch, seq, D] {
        let q = q(x).reshape([batch, seq, HEADS, D / HEADS]).transpose(1, 2);
        let k = k(x).reshape([batch, seq, HEADS, D / HEADS]).transpose(1, 2);
        let v = v(x).reshape([batch, seq, HEADS, D / HEADS]).transpose(1, 2);
        let bias = relative(buckets).permute([2, 0, 1]).unsqueeze(0);
        let scores = matmul(q, k.transpose(-1, -2)) + bias;
        let weights = softmax(scores, -1);
        let out = matmul(weights, v).transpose(1, 2).reshape([batch, seq, D]);
        o(out)
    }

    pub(crate) T5Block<const D: usize, const FF: usize> {
        norm1: RMSNorm(D, eps = 1e-6),
        attn: T5Attention<D, 2, 8>,
        norm2: RMSNorm(D, eps = 1e-6),
        wi_0: Linear(D, FF, bias = false),
        wi_1: Linear(D, FF, bias = false),
        wo: Linear(FF, D, bias = false),
    }
    forward(x: [batch, seq, D], buckets: [seq, seq]) -> [batch, seq, D] {
        let a: [batch, seq, D] = attn(norm1(x), buckets);
        x += a;
        let h = norm2(x);
        x += wo(gelu(wi_0(h)) * wi_1(h));
        x
    }
}

model! {
    /// A language model whose weights are tied (Inan et al. 2017), with its state in and out.
    RnnLm<const V: usize, const H: usize> {
        drop: Dropout(0.5),
        encoder: Embedding(V, H),
        rnn: Lstm(H, H, num_layers = 2, dropout = 0.2),
        bias: Param([V], init = zeros),
    }
    forward(text: [seq, batch], h: [2, batch, H], c: [2, batch, H]) -> ([seq, batch, V], [2, batch, H], [2, batch, H]) {
        let emb = drop(encoder(text));
        let (output, (h, c)) = rnn(emb, (h, c));
        let output = drop(output);
        let decoded = linear(output, encoder.weight, bias);
        (decoded, h, c)
    }
}

model! {
    /// Sentiment: embedding, LSTM from a learnt state, the last hidden state.
    Sentiment<const V: usize, const H: usize> {
        embed: Embedding(V, 8),
        h0: Param([1, H]),
        c0: Param([1, H]),
        lstm: Lstm(8, H, batch_first = true),
        fc: Linear(H, 2),
    }
    forward(text: [batch, seq]) -> [batch, 2] {
        let h0 = h0.unsqueeze(1).expand([1, batch, H]);
        let c0 = c0.unsqueeze(1).expand([1, batch, H]);
        let (_, (h, _)) = lstm(embed(text), (h0, c0));
        fc(h[-1])
    }
}

model! {
    /// FNet-like: no attention, mixing by cumulative means.
    TextCnn<const V: usize, const E: usize> {
        embed: Embedding(V, E),
        convs3: Conv1d(E, 6, kernel = 3),
        convs4: Conv1d(E, 6, kernel = 4),
        convs5: Conv1d(E, 6, kernel = 5),
        fc: Linear(18, 2),
    }
    forward(text: [batch, 20]) -> [batch, 2] {
        let x = embed(text).transpose(1, 2);
        let a = relu(convs3(x)).max(2);
        let b = relu(convs4(x)).amax(dim = 2);
        let c = max_pool1d(relu(convs5(x)), 16).squeeze(2);
        fc(dropout(cat([a, b, c], 1), p = 0.5))
    }
}

#[test]
fn seq2seq() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randint(0, 9, [n, s]), Tensor::randint(0, 9, [n, s + 1])]
    };
    everywhere(&Seq2Seq::<9, 5, 6>::new(), inputs, |model, x| {
        let y = model
            .try_forward(&x[0].typed::<shape![Batch, Seq]>()?, &x[1].typed::<shape![Batch, Other]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn decoder_step() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randint(0, 9, [n]), Tensor::randn([n, 6]), Tensor::randn([n, s, 6])]
    };
    everywhere(&DecoderStep::<9, 5, 6>::new(), inputs, |model, x| {
        let (a, b) = model.try_forward(
            &x[0].typed::<shape![Batch]>()?,
            &x[1].typed::<shape![Batch, 6]>()?,
            &x[2].typed::<shape![Batch, Seq, 6]>()?,
        )?;
        Ok(vec![a.into_tensor(), b.into_tensor()])
    })
}

#[test]
fn bert() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![
            Tensor::randint(0, 11, [n, s]),
            Tensor::randint(0, 2, [n, s]),
            Tensor::randint(0, 2, [n, s])
                .to_dtype(DType::Bool)
                .logical_and(&Tensor::arange(0, s as i64, 1).unwrap().gt(0.0).unwrap())
                .unwrap(),
        ]
    };
    everywhere(&Bert::<11, 8, 2, 2>::new(), inputs, |model, x| {
        let (a, b) = model.try_forward(
            &x[0].typed::<shape![Batch, Seq]>()?,
            &x[1].typed::<shape![Batch, Seq]>()?,
            &x[2].typed::<shape![Batch, Seq]>()?,
        )?;
        Ok(vec![a.into_tensor(), b.into_tensor()])
    })
}

#[test]
fn cached_gpt() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randint(0, 11, [n, s]), Tensor::randn([n, 2, 3, 4]), Tensor::randn([n, 2, 3, 4])]
    };
    everywhere(&CachedGpt::<11, 8, 2>::new(), inputs, |model, x| {
        let (a, b, c) = model.try_forward(
            &x[0].typed::<shape![Batch, Seq]>()?,
            &x[1].typed::<shape![Batch, 2, Other, Any]>()?,
            &x[2].typed::<shape![Batch, 2, Other, Any]>()?,
        )?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
    })
}

#[test]
fn t5() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, s, 8]), Tensor::randint(0, 8, [s, s])]
    };
    everywhere(&T5Block::<8, 12>::new(), inputs, |model, x| {
        let y =
            model.try_forward(&x[0].typed::<shape![Batch, Seq, 8]>()?, &x[1].typed::<shape![Seq, Seq]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn rnn_lm() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randint(0, 11, [s, n]), Tensor::randn([2, n, 6]), Tensor::randn([2, n, 6])]
    };
    everywhere(&RnnLm::<11, 6>::new(), inputs, |model, x| {
        let (a, b, c) = model.try_forward(
            &x[0].typed::<shape![Seq, Batch]>()?,
            &x[1].typed::<shape![2, Batch, 6]>()?,
            &x[2].typed::<shape![2, Batch, 6]>()?,
        )?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
    })
}

#[test]
fn sentiment() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randint(0, 11, [n, s])]
    };
    everywhere(&Sentiment::<11, 6>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, Seq]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn text_cnn() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randint(0, 11, [n, 20])]
    };
    everywhere(&TextCnn::<11, 5>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 20]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}
