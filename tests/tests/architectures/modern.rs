//! Networks as they are written in 2026: fewer heads of keys, diffusion, adaptive norms, experts that are picked, flows, series in patches.

use rustorch::Result;
use rustorch::prelude::*;
use rustorch_tests::compiled::everywhere;
use rustorch_tests::turns::turn;

dim!(Batch, Seq, Text);

model! {
    /// Llama's attention with fewer heads of keys, and rotary embeddings by halves.
    pub GroupedQuery<const D: usize, const HEADS: usize, const KV: usize> {
        norm: RMSNorm(D, eps = 1e-6),
        q: Linear(D, D, bias = false),
        k: Linear(D, KV * (D / HEADS), bias = false),
        v: Linear(D, KV * (D / HEADS), bias = false),
        o: Linear(D, D, bias = false),
        norm2: RMSNorm(D, eps = 1e-6),
        gate: Linear(D, 4 * D, bias = false),
        up: Linear(D, 4 * D, bias = false),
        down: Linear(4 * D, D, bias = false),
    }
    forward(x: [batch, seq, D], cos: [seq, D / HEADS], sin: [seq, D / HEADS]) -> [batch, seq, D] {
        let h = norm(x);
        let q = q(h).reshape([batch, seq, HEADS, D / HEADS]).transpose(1, 2);
        let k = k(h).reshape([batch, seq, KV, D / HEADS]).transpose(1, 2);
        let v = v(h).reshape([batch, seq, KV, D / HEADS]).transpose(1, 2);
        let (q1, q2) = chunk(q, 2, -1);
        let (k1, k2) = chunk(k, 2, -1);
        let q = q * cos + cat([-q2, q1], -1) * sin;
        let k = k * cos + cat([-k2, k1], -1) * sin;
        let k = repeat_interleave(k, HEADS / KV, 1);
        let v = repeat_interleave(v, HEADS / KV, 1);
        let y = scaled_dot_product_attention(q, k, v, causal = true);
        let x = x + o(y.transpose(1, 2).reshape([batch, seq, D]));
        let h = norm2(x);
        x + down(silu(gate(h)) * up(h))
    }
}

model! {
    /// EfficientNet's block: inverted residual with squeeze and excitation.
    pub MbConv<const IN: usize, const OUT: usize, const EXPAND: usize, const K: usize, const STRIDE: usize, const R: usize> {
        expand: Conv2d(IN, IN * EXPAND, kernel = 1, bias = false),
        bn0: BatchNorm2d(_),
        dw: Conv2d(_, IN * EXPAND, kernel = K, stride = STRIDE, padding = K / 2, groups = IN * EXPAND, bias = false),
        bn1: BatchNorm2d(_),
        se1: Conv2d(_, R, kernel = 1),
        se2: Conv2d(_, IN * EXPAND, kernel = 1),
        project: Conv2d(_, OUT, kernel = 1, bias = false),
        bn2: BatchNorm2d(_),
    }
    forward(x: [batch, IN, h, w]) -> [batch, OUT, (h + 2 * (K / 2) - K) / STRIDE + 1, (w + 2 * (K / 2) - K) / STRIDE + 1] {
        let y = silu(bn0(expand(x)));
        let y = silu(bn1(dw(y)));
        let s = adaptive_avg_pool2d(y, 1);
        let y = y * se2(silu(se1(s))).sigmoid();
        let y = bn2(project(y));
        if STRIDE == 1 && IN == OUT && K == 3 { y + x } else { y }
    }
}

model! {
    /// A block of a denoising U-Net, told the time (Ho et al. 2020).
    pub TimeBlock<const IN: usize, const OUT: usize, const T: usize> {
        norm1: GroupNorm(4, IN),
        conv1: Conv2d(IN, OUT, kernel = 3, padding = 1),
        time: Linear(T, OUT),
        norm2: GroupNorm(4, OUT),
        drop: Dropout(0.0),
        conv2: Conv2d(OUT, OUT, kernel = 3, padding = 1),
        skip: Option<Conv2d>(IN, OUT, kernel = 1) if IN != OUT,
    }
    forward(x: [batch, IN, h, w], t: [batch, T]) -> [batch, OUT, h, w] {
        let y = conv1(silu(norm1(x)));
        let y = y + time(silu(t))[.., .., NewAxis, NewAxis];
        let y = conv2(drop(silu(norm2(y))));
        if let Some(skip) = self.skip { y + skip(x) } else { y + x }
    }
    /// Attention over positions.
    pub AttnBlock<const C: usize> {
        norm: GroupNorm(4, C),
        qkv: Conv2d(C, 3 * C, kernel = 1),
        proj: Conv2d(C, C, kernel = 1),
    }
    forward(x: [batch, C, h, w]) -> [batch, C, h, w] {
        let (q, k, v) = qkv(norm(x)).chunk(3, 1);
        let q = rearrange!("b c h w -> b (h w) c", q);
        let k = rearrange!("b c h w -> b (h w) c", k);
        let v = rearrange!("b c h w -> b (h w) c", v);
        let y = scaled_dot_product_attention(q, k, v);
        x + proj(rearrange!("b (h w) c -> b c h w", y, h = h))
    }
    /// The network.
    pub Ddpm<const C: usize> {
        freqs: Buffer([C / 2], init = ones),
        t1: Linear(C, 4 * C),
        t2: Linear(4 * C, 4 * C),
        stem: Conv2d(3, C, kernel = 3, padding = 1),
        d1: TimeBlock<8, 8, 32>,
        down: Conv2d(C, C, kernel = 3, stride = 2, padding = 1),
        mid1: TimeBlock<8, 16, 32>,
        attn: AttnBlock<16>,
        mid2: TimeBlock<16, 16, 32>,
        up: ConvTranspose2d(16, C, kernel = 4, stride = 2, padding = 1),
        u1: TimeBlock<16, 8, 32>,
        out: Conv2d(8, 3, kernel = 3, padding = 1),
    }
    forward(x: [batch, 3, 8, 8], t: [batch]) -> [batch, 3, 8, 8] {
        let a = t[.., NewAxis] * freqs;
        let emb = cat([sin(a), cos(a)], 1);
        let emb = t2(silu(t1(emb)));
        let h0 = stem(x);
        let h1: [batch, 8, 8, 8] = d1(h0, emb);
        let h = down(h1);
        let h: [batch, 16, 4, 4] = mid1(h, emb);
        let h: [batch, 16, 4, 4] = attn(h);
        let h: [batch, 16, 4, 4] = mid2(h, emb);
        let h = up(h);
        let h: [batch, 8, 8, 8] = u1(cat([h, h1], 1), emb);
        out(silu(h))
    }
}

model! {
    /// Embeddings and their products in pairs (Naumov et al. 2019).
    pub Dlrm<const E: usize> {
        tables: [Embedding(10, E); 3],
        bottom1: Linear(13, 32), bottom2: Linear(32, E),
        top1: Linear(_, 16), top2: Linear(16, 1),
    }
    forward(dense: [batch, 13], sparse: [batch, 3]) -> [batch] {
        let x = relu(bottom2(relu(bottom1(dense))));
        let e0 = tables[0](sparse[.., 0]);
        let e1 = tables[1](sparse[.., 1]);
        let e2 = tables[2](sparse[.., 2]);
        let all = stack([x, e0, e1, e2], 1);
        let dots = bmm(all, transpose(all, 1, 2));
        let z = cat([dots[.., 1, 0..1], dots[.., 2, 0..2], dots[.., 3, 0..3]], 1);
        sigmoid(top2(relu(top1(cat([x, z], 1))))).squeeze(1)
    }
}

model! {
    /// Affine coupling of a normalising flow.
    pub Coupling<const D: usize, const H: usize> {
        fc1: Linear(D / 2, H), fc2: Linear(H, D),
    }
    forward(x: [batch, D]) -> ([batch, D], [batch]) {
        let (a, b) = chunk(x, 2, 1);
        let (s, t) = chunk(fc2(tanh(fc1(a))), 2, 1);
        let s = tanh(s);
        (cat([a, b * exp(s) + t], 1), s.sum(1))
    }
    pub RealNvp<const D: usize, const H: usize> { c1: Coupling<D, H>, c2: Coupling<D, H> }
    forward(x: [batch, D]) -> ([batch, D], [batch]) {
        let (z, l1): ([batch, D], [batch]) = c1(x);
        let (z, l2): ([batch, D], [batch]) = c2(flip(z, 1));
        (z, l1 + l2)
    }
}

model! {
    /// A block of DiT: adaptive layer norm, of which the last parts begin at 0.
    pub DitBlock<const D: usize, const HEADS: usize> {
        norm1: LayerNorm(D, elementwise_affine = false, eps = 1e-6),
        attn: MultiheadAttention(D, HEADS, batch_first = true),
        norm2: LayerNorm(D, elementwise_affine = false, eps = 1e-6),
        fc1: Linear(D, 4 * D), fc2: Linear(4 * D, D),
        ada: Linear(D, 6 * D),
    }
    forward(x: [batch, n, D], c: [batch, D]) -> [batch, n, D] {
        let (shift1, scale1, gate1, shift2, scale2, gate2) = ada(silu(c)).unsqueeze(1).chunk(6, -1);
        let h = norm1(x) * (1.0 + scale1) + shift1;
        x += gate1 * attn(h, h, h);
        let h = norm2(x) * (1.0 + scale2) + shift2;
        x + gate2 * fc2(gelu(fc1(h), approximate = "tanh"))
    }
}

model! {
    /// Retention in its parallel form.
    Retention<const D: usize, const HEADS: usize> {
        q: Linear(D, D, bias = false), k: Linear(D, D, bias = false), v: Linear(D, D, bias = false),
        g: Linear(D, D, bias = false), o: Linear(D, D, bias = false),
        norm: GroupNorm(HEADS, D),
    }
    forward(x: [batch, seq, D], decay: [HEADS, seq, seq]) -> [batch, seq, D] {
        let q = rearrange!("b t (h d) -> b h t d", q(x), h = HEADS);
        let k = rearrange!("b t (h d) -> b h t d", k(x), h = HEADS) * ((D / HEADS) as f64).powf(-0.5);
        let v = rearrange!("b t (h d) -> b h t d", v(x), h = HEADS);
        let scores = einsum!("bhtd,bhsd->bhts", q, k) * decay;
        let y = scores.matmul(v).transpose(1, 2).reshape([batch, seq, D]);
        let y = norm(y.transpose(1, 2)).transpose(1, 2);
        o(silu(g(x)) * y)
    }
}

model! {
    NBeatsBlock<const IN: usize, const OUT: usize, const H: usize> {
        fc: [Linear(H, H); 2], first: Linear(IN, H), back: Linear(H, IN), fore: Linear(H, OUT),
    }
    forward(x: [batch, IN]) -> ([batch, IN], [batch, OUT]) {
        let h = relu(first(x));
        for layer in self.fc { h = relu(layer(h)); }
        (back(h), fore(h))
    }
    /// Forecasts of blocks, each of what the blocks before left (Oreshkin et al. 2019).
    NBeats<const IN: usize, const OUT: usize, const H: usize, const BLOCKS: usize> {
        start: NBeatsBlock<IN, OUT, H>,
        blocks: [NBeatsBlock<IN, OUT, H>; BLOCKS],
    }
    forward(x: [batch, IN]) -> [batch, OUT] {
        let (back, total): ([batch, IN], [batch, OUT]) = start(x);
        let rest = x - back;
        for block in self.blocks {
            let (b, f): ([batch, IN], [batch, OUT]) = block(rest);
            rest -= b;
            total += f;
        }
        total
    }
}

model! {
    /// Two towers compared (Radford et al. 2021).
    Clip<const V: usize, const D: usize> {
        patch: Conv2d(3, D, kernel = 4, stride = 4),
        cls: Param([1, 1, D], init = normal(0.02)),
        place: Param([5, D], init = normal(0.02)),
        vision: TransformerEncoder(D, 2, 2, dim_feedforward = 4 * D, dropout = 0.0, batch_first = true, norm_first = true),
        tokens: Embedding(V, D),
        text: TransformerEncoderLayer(D, 2, dim_feedforward = 4 * D, dropout = 0.0, activation = "gelu", batch_first = true),
        scale: Param([], init = 2.6592),
    }
    forward(image: [batch, 3, 8, 8], ids: [n, seq]) -> ([batch, n], [n, batch]) {
        let x = flatten(patch(image), 2).transpose(1, 2);
        let x = cat([expand(cls, [batch, 1, D]), x], 1) + place;
        let x = normalize(vision(x)[.., 0], dim = -1);
        let t = normalize(mean(text(tokens(ids), is_causal = true), 1), dim = -1);
        let logits = exp(scale) * matmul(x, transpose(t, 0, 1));
        (logits, transpose(logits, 0, 1))
    }
}

model! {
    /// Queries that become boxes (Carion et al. 2020).
    Detr<const D: usize, const Q: usize, const CLASSES: usize> {
        backbone: Conv2d(3, D, kernel = 4, stride = 4),
        row: Param([2, D / 2], init = uniform(0.0, 1.0)), col: Param([2, D / 2], init = uniform(0.0, 1.0)),
        query: Param([Q, D], init = uniform(0.0, 1.0)),
        transformer: Transformer(D, 2, num_encoder_layers = 1, num_decoder_layers = 1, dim_feedforward = 16, dropout = 0.0, batch_first = true),
        class: Linear(D, CLASSES + 1), bbox: Linear(D, 4),
    }
    forward(x: [batch, 3, 8, 8]) -> ([batch, Q, CLASSES + 1], [batch, Q, 4]) {
        let h = rearrange!("b d h w -> b (h w) d", backbone(x));
        let pos = cat([repeat!("w d -> h w d", col, h = 2), repeat!("h d -> h w d", row, w = 2)], -1);
        let h = h + flatten(pos, 0, 1);
        let q = expand(query.unsqueeze(0), [batch, Q, D]);
        let y = transformer(h, q);
        (class(y), sigmoid(bbox(y)))
    }
}

model! {
    /// Experts of which each token takes two.
    TopK<const D: usize, const E: usize, const K: usize> {
        gate: Linear(D, E, bias = false),
        up: Param([E, D, 2 * D], init = normal(0.02)),
        down: Param([E, 2 * D, D], init = normal(0.02)),
    }
    forward(x: [tokens, D]) -> [tokens, D] {
        let (value, index) = topk(gate(x), K, dim = -1);
        let weight = softmax(value, -1);
        let all = einsum!("td,edf->tef", x, up);
        let all = einsum!("tef,efd->ted", silu(all), down);
        let picked = take_along_dim(all, index.unsqueeze(-1), dim = 1);
        (picked * weight.unsqueeze(-1)).sum(1)
    }
}

model! {
    /// PatchTST: series cut into patches, normalised per example.
    pub PatchTst<const LEN: usize, const P: usize, const D: usize, const OUT: usize> {
        embed: Linear(P, D), place: Param([LEN / P, D], init = uniform(-0.02, 0.02)),
        layers: [TransformerEncoderLayer(D, 2, 32, dropout = 0.0, batch_first = true); 2],
        head: Linear(LEN / P * D, OUT),
    }
    forward(x: [batch, LEN, vars]) -> [batch, OUT, vars] {
        let m = mean(x, 1, keepdim = true);
        let s = sqrt(var(x, 1, correction = 0, keepdim = true) + 1e-5);
        let z = rearrange!("b (n p) v -> (b v) n p", (x - m) / s, p = P);
        let z = embed(z) + place;
        for layer in self.layers { z = layer(z); }
        let y = head(flatten(z, 1));
        rearrange!("(b v) o -> b o v", y, b = batch) * s + m
    }
}

fn one<M: rustorch::compiled::Compiled + Layer>(model: &M, shape: &[usize]) -> Result<()> {
    let inputs = |n: usize, _: usize| vec![Tensor::randn([&[n], shape].concat())];
    everywhere(model, inputs, |model, x| Ok(vec![Layer::forward(model, &x[0])?]))
}

#[test]
fn networks_of_one_tensor() -> Result<()> {
    let _turn = turn();
    one(&MbConv::<8, 8, 4, 3, 1, 2>::new(), &[8, 6, 5])?;
    one(&MbConv::<8, 12, 6, 5, 2, 2>::new(), &[8, 7, 6])?;
    one(&NBeats::<6, 2, 8, 3>::new(), &[6])?;
    one(&TopK::<4, 5, 2>::new(), &[4])?;
    one(&PatchTst::<12, 3, 8, 5>::new(), &[12, 3])
}

#[test]
fn grouped_query() -> Result<()> {
    let _turn = turn();
    let inputs = |n, s| vec![Tensor::randn([n, s, 16]), Tensor::randn([s, 4]), Tensor::randn([s, 4])];
    everywhere(&GroupedQuery::<16, 4, 2>::new(), inputs, |model, x| {
        let (cos, sin) = (x[1].typed::<shape![Seq, Any]>()?, x[2].typed::<shape![Seq, Any]>()?);
        Ok(vec![model.try_forward(&x[0].typed::<shape![Batch, Seq, 16]>()?, &cos, &sin)?.into_tensor()])
    })
}

#[test]
fn ddpm() -> Result<()> {
    let _turn = turn();
    let inputs = |n, _| vec![Tensor::randn([n, 3, 8, 8]), Tensor::randn([n])];
    everywhere(&Ddpm::<8>::new(), inputs, |model, x| {
        let y =
            model.try_forward(&x[0].typed::<shape![Batch, 3, 8, 8]>()?, &x[1].typed::<shape![Batch]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn dlrm() -> Result<()> {
    let _turn = turn();
    let inputs = |n, _| vec![Tensor::randn([n, 13]), Tensor::randint(0, 10, [n, 3])];
    everywhere(&Dlrm::<4>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 13]>()?, &x[1].typed::<shape![Batch, 3]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn real_nvp() -> Result<()> {
    let _turn = turn();
    everywhere(
        &RealNvp::<4, 5>::new(),
        |n, _| vec![Tensor::randn([n, 4])],
        |model, x| {
            let (z, log) = model.try_forward(&x[0].typed::<shape![Batch, 4]>()?)?;
            Ok(vec![z.into_tensor(), log.into_tensor()])
        },
    )
}

#[test]
fn dit() -> Result<()> {
    let _turn = turn();
    let inputs = |n, s| vec![Tensor::randn([n, s, 8]), Tensor::randn([n, 8])];
    everywhere(&DitBlock::<8, 2>::new(), inputs, |model, x| {
        let y =
            model.try_forward(&x[0].typed::<shape![Batch, Seq, 8]>()?, &x[1].typed::<shape![Batch, 8]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn retention() -> Result<()> {
    let _turn = turn();
    let inputs = |n, s| vec![Tensor::randn([n, s, 8]), Tensor::randn([2, s, s])];
    everywhere(&Retention::<8, 2>::new(), inputs, |model, x| {
        let y = model
            .try_forward(&x[0].typed::<shape![Batch, Seq, 8]>()?, &x[1].typed::<shape![2, Seq, Seq]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn clip() -> Result<()> {
    let _turn = turn();
    let inputs = |n, s| vec![Tensor::randn([n, 3, 8, 8]), Tensor::randint(0, 9, [2, s])];
    everywhere(&Clip::<9, 8>::new(), inputs, |model, x| {
        let text = x[1].typed::<shape![Text, Seq]>()?;
        let (a, b) = model.try_forward(&x[0].typed::<shape![Batch, 3, 8, 8]>()?, &text)?;
        Ok(vec![a.into_tensor(), b.into_tensor()])
    })
}

#[test]
fn detr() -> Result<()> {
    let _turn = turn();
    everywhere(
        &Detr::<8, 3, 4>::new(),
        |n, _| vec![Tensor::randn([n, 3, 8, 8])],
        |model, x| {
            let (class, place) = model.try_forward(&x[0].typed::<shape![Batch, 3, 8, 8]>()?)?;
            Ok(vec![class.into_tensor(), place.into_tensor()])
        },
    )
}
