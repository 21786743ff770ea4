//! Networks over other sequences.

use rustorch::Result;
use rustorch::prelude::*;
use rustorch_tests::compiled::everywhere;
use rustorch_tests::turns::turn;

dim!(Batch, Seq, Points);

model! {
    /// WaveNet's block (van den Oord et al. 2016).
    pub(crate) WaveBlock<const C: usize, const DILATION: usize> {
        filter: Conv1d(C, C, kernel = 2, dilation = DILATION),
        gate: Conv1d(C, C, kernel = 2, dilation = DILATION),
        residual: Conv1d(C, C, kernel = 1),
        skip: Conv1d(C, C, kernel = 1),
    }
    forward(x: [batch, C, time]) -> ([batch, C, time], [batch, C, time]) {
        let padded = pad(x, [DILATION, 0]);
        let z = tanh(filter(padded)) * sigmoid(gate(padded));
        (residual(z) + x, skip(z))
    }

    pub(crate) WaveNet<const C: usize> {
        start: Conv1d(1, C, kernel = 1),
        b1: WaveBlock<C, 1>,
        b2: WaveBlock<C, 2>,
        b4: WaveBlock<C, 4>,
        end1: Conv1d(C, C, kernel = 1),
        end2: Conv1d(C, 256, kernel = 1),
    }
    forward(wave: [batch, time]) -> [batch, 256, time] {
        let x = start(unsqueeze(wave, 1));
        let (x, s1): ([batch, C, time], [batch, C, time]) = b1(x);
        let (x, s2): ([batch, C, time], [batch, C, time]) = b2(x);
        let (_, s3): ([batch, C, time], [batch, C, time]) = b4(x);
        let skips = s1 + s2 + s3;
        end2(relu(end1(relu(skips))))
    }
}

model! {
    /// Convolutions, a BiLSTM, and log-probabilities for CTC.
    Speech<const MELS: usize, const CHARS: usize> {
        conv1: Conv1d(MELS, 16, kernel = 5, stride = 2, padding = 2),
        bn: BatchNorm1d(16),
        lstm: Lstm(16, 12, num_layers = 2, bidirectional = true, batch_first = true),
        fc: Linear(24, CHARS),
    }
    forward(x: [batch, MELS, frames]) -> [(frames - 1) / 2 + 1, batch, CHARS] {
        let x = relu(bn(conv1(x)));
        let x = x.permute([0, 2, 1]);
        let (x, _) = lstm(x);
        log_softmax(fc(x), dim = 2).transpose(0, 1)
    }
}

model! {
    /// Perceiver (Jaegle et al. 2021).
    Perceiver<const N: usize, const D: usize, const C: usize, const DEPTH: usize> {
        latents: Param([N, D], init = normal(0.02)),
        cross: MultiheadAttention(D, 2, kdim = C, vdim = C, batch_first = true),
        norm_q: LayerNorm(D),
        norm_kv: LayerNorm(C),
        layers: [TransformerEncoderLayer(D, 2, dim_feedforward = 2 * D, dropout = 0.0, activation = "gelu", batch_first = true, norm_first = true); DEPTH],
        head: Linear(D, 5),
    }
    forward(data: [batch, m, C]) -> [batch, 5] {
        let z = latents.unsqueeze(0).expand([batch, N, D]);
        let kv = norm_kv(data);
        let z = z + cross(norm_q(z), kv, kv);
        for layer in self.layers {
            z = layer(z);
        }
        head(mean(z, 1))
    }
}

model! {
    /// Rotary positions (Su et al. 2021) and gated linear units (Shazeer 2020).
    pub(crate) Rotary<const D: usize, const HEADS: usize> {
        wq: Linear(D, D, bias = false),
        wk: Linear(D, D, bias = false),
        wv: Linear(D, D, bias = false),
        wo: Linear(D, D, bias = false),
    }
    forward(x: [batch, seq, D], cos: [seq, D / HEADS / 2], sin: [seq, D / HEADS / 2]) -> [batch, seq, D] {
        let q = wq(x).reshape([batch, seq, HEADS, D / HEADS]).transpose(1, 2);
        let k = wk(x).reshape([batch, seq, HEADS, D / HEADS]).transpose(1, 2);
        let v = wv(x).reshape([batch, seq, HEADS, D / HEADS]).transpose(1, 2);
        let (q1, q2) = q.chunk(2, -1);
        let (k1, k2) = k.chunk(2, -1);
        let q = cat([q1 * cos - q2 * sin, q1 * sin + q2 * cos], -1);
        let k = cat([k1 * cos - k2 * sin, k1 * sin + k2 * cos], -1);
        let y = scaled_dot_product_attention(q, k, v, causal = true);
        wo(y.transpose(1, 2).flatten(2))
    }

    pub(crate) SwiGlu<const D: usize, const HIDDEN: usize> {
        w1: Linear(D, HIDDEN, bias = false),
        w2: Linear(HIDDEN, D, bias = false),
        w3: Linear(D, HIDDEN, bias = false),
    }
    forward(x: [batch, seq, D]) -> [batch, seq, D] {
        w2(silu(w1(x)) * w3(x))
    }

    pub(crate) LlamaBlock<const D: usize, const HEADS: usize, const HIDDEN: usize> {
        attention_norm: RMSNorm(D, eps = 1e-5),
        attention: Rotary<D, HEADS>,
        ffn_norm: RMSNorm(D, eps = 1e-5),
        feed_forward: SwiGlu<D, HIDDEN>,
    }
    forward(x: [batch, seq, D], cos: [seq, D / HEADS / 2], sin: [seq, D / HEADS / 2]) -> [batch, seq, D] {
        let a: [batch, seq, D] = attention(attention_norm(x), cos, sin);
        let h = x + a;
        let f: [batch, seq, D] = feed_forward(ffn_norm(h));
        h + f
    }
}

model! {
    /// A recurrent network by hand: a cell per layer, step by step, and back.
    Steps<const D: usize, const LAYERS: usize> {
        cells: [GruCell(D, D); LAYERS],
        back: GruCell(D, D),
        weights: Param([4, D], init = ones),
        rounds: [Expert<D>; LAYERS],
    }
    forward(x: [batch, seq, D]) -> ([batch, D], [batch, D]) {
        let h = zeros_like(x[.., 0]);
        for t in 0..seq {
            let y = x[.., t];
            for i in 0..LAYERS {
                h = cells[i](y, h);
                y = tanh(h) + cells[LAYERS - 1 - i](y, h) * weights[i + 1];
            }
        }
        let g = x[.., -1];
        for t in 0..seq {
            g = back(x[.., seq - 1 - t], g) + x[.., -1 - t] + x[.., t..t + 1].squeeze(1);
        }
        for i in 0..LAYERS {
            g = rounds[LAYERS - 1 - i](g);
        }
        (h, g)
    }

    Expert<const D: usize>: [batch, D] -> [batch, D] {
        Linear(2 * D), GELU, Linear(D)
    }
}

#[test]
fn wavenet() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, s + 3])]
    };
    everywhere(&WaveNet::<4>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, Seq]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn speech() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 5, s + 3])]
    };
    everywhere(&Speech::<5, 7>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 5, Seq]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn perceiver() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, s, 5])]
    };
    everywhere(&Perceiver::<3, 8, 5, 2>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, Seq, 5]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn llama() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, s, 8]), Tensor::randn([s, 2]), Tensor::randn([s, 2])]
    };
    everywhere(&LlamaBlock::<8, 2, 10>::new(), inputs, |model, x| {
        let y = model.try_forward(
            &x[0].typed::<shape![Batch, Seq, 8]>()?,
            &x[1].typed::<shape![Seq, Any]>()?,
            &x[2].typed::<shape![Seq, Any]>()?,
        )?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn steps() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| vec![Tensor::randn([n, s, 4])];
    everywhere(&Steps::<4, 3>::new(), inputs, |model, x| {
        let (a, b) = model.try_forward(&x[0].typed::<shape![Batch, Points, 4]>()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor()])
    })
}
