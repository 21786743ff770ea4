//! Networks that make or look at images otherwise.

use rustorch::Result;
use rustorch::prelude::*;
use rustorch_tests::compiled::everywhere;
use rustorch_tests::turns::turn;

dim!(Batch);

model! {
    /// Attention within windows (Liu et al. 2021).
    /// Part of it.
    pub WindowAttention<const D: usize, const HEADS: usize, const WS: usize> {
        qkv: Linear(D, 3 * D),
        bias: Param([HEADS, WS * WS, WS * WS], init = trunc_normal(0.02)),
        proj: Linear(D, D),
    }
    forward(x: [batch, 8, 8, D]) -> [batch, 8, 8, D] {
        let windows = x
            .reshape([batch, 8 / WS, WS, 8 / WS, WS, D])
            .permute([0, 1, 3, 2, 4, 5])
            .reshape([batch * (8 / WS) * (8 / WS), WS * WS, D]);
        let qkv = qkv(windows).reshape([_, WS * WS, 3, HEADS, D / HEADS]).permute([2, 0, 3, 1, 4]);
        let (q, k, v) = (qkv[0], qkv[1], qkv[2]);
        let scale = 1.0 / ((D / HEADS) as f64).sqrt();
        let attn = (q * scale).matmul(k.transpose(-2, -1)) + bias;
        let attn = softmax(attn, dim = -1);
        let y = attn.matmul(v).transpose(1, 2).reshape([batch * (8 / WS) * (8 / WS), WS * WS, D]);
        let y = proj(y);
        y.reshape([batch, 8 / WS, 8 / WS, WS, WS, D]).permute([0, 1, 3, 2, 4, 5]).reshape([batch, 8, 8, D])
    }

    /// Part of it.
    pub SwinBlock<const D: usize, const SHIFT: bool> {
        norm1: LayerNorm(D),
        attn: WindowAttention<D, 2, 4>,
        norm2: LayerNorm(D),
        fc1: Linear(D, 4 * D),
        fc2: Linear(_, D),
    }
    forward(x: [batch, 8, 8, D]) -> [batch, 8, 8, D] {
        let y = norm1(x);
        let y = if SHIFT { roll(y, [-2, -2], [1, 2]) } else { y };
        let y: [batch, 8, 8, D] = attn(y);
        let y = if SHIFT { roll(y, [2, 2], [1, 2]) } else { y };
        let x = x + y;
        x + fc2(gelu(fc1(norm2(x))))
    }
}

model! {
    /// A variational autoencoder (Kingma and Welling 2014).
    pub Encoder<const Z: usize> {
        fc1: Linear(784, 400),
        mu: Linear(400, Z),
        logvar: Linear(400, Z),
    }
    forward(x: [batch, 784]) -> ([batch, Z], [batch, Z]) {
        let h = relu(fc1(x));
        (mu(h), logvar(h))
    }

    /// Part of it.
    pub Vae<const Z: usize> {
        encoder: Encoder<Z>,
        decoder: Decoder<Z>,
    }
    forward(x: [batch, 1, 28, 28], eps: [batch, Z]) -> ([batch, 1, 28, 28], [batch, Z], [batch, Z]) {
        let (mu, logvar): ([batch, Z], [batch, Z]) = encoder(flatten(x, 1));
        let std = exp(0.5 * logvar);
        let z = mu + eps * std;
        let recon: [batch, 784] = decoder(z);
        (recon.reshape([batch, 1, 28, 28]), mu, logvar)
    }

    /// Part of it.
    pub Decoder<const Z: usize>: [batch, Z] -> [batch, 784] {
        Linear(400), ReLU, Linear(784), Sigmoid
    }
}

model! {
    /// DCGAN (Radford et al. 2016).
    pub(crate) Generator<const Z: usize, const NGF: usize> {
        conv1: ConvTranspose2d(Z, NGF * 4, kernel = 4, bias = false),
        bn1: BatchNorm2d(NGF * 4),
        conv2: ConvTranspose2d(NGF * 4, NGF * 2, kernel = 4, stride = 2, padding = 1, bias = false),
        bn2: BatchNorm2d(NGF * 2),
        conv3: ConvTranspose2d(NGF * 2, 1, kernel = 4, stride = 2, padding = 1, bias = false),
    }
    forward(z: [batch, Z]) -> [batch, 1, 16, 16] {
        let x = z.reshape([batch, Z, 1, 1]);
        let x = relu(bn1(conv1(x)));
        let x = relu(bn2(conv2(x)));
        tanh(conv3(x))
    }

    pub(crate) Discriminator<const NDF: usize>: [batch, 1, 16, 16] -> [batch, 1] {
        Conv2d(NDF, kernel = 4, stride = 2, padding = 1),
        LeakyReLU(0.2),
        Conv2d(NDF * 2, kernel = 4, stride = 2, padding = 1, bias = false),
        BatchNorm2d,
        LeakyReLU(0.2),
        Flatten,
        Linear(1),
    }

    pub(crate) Gan {
        generator: Generator<6, 2>,
        discriminator: Discriminator<4>,
    }
    forward(z: [batch, 6]) -> [batch] {
        let fake: [batch, 1, 16, 16] = generator(z);
        let score: [batch, 1] = discriminator(fake);
        squeeze(sigmoid(score), -1)
    }
}

model! {
    /// Feature pyramid (Lin et al. 2017).
    Fpn<const C: usize> {
        c2: Conv2d(3, 8, kernel = 3, stride = 2, padding = 1),
        c3: Conv2d(8, 16, kernel = 3, stride = 2, padding = 1),
        c4: Conv2d(16, 32, kernel = 3, stride = 2, padding = 1),
        lateral2: Conv2d(_, C, kernel = 1),
        lateral3: Conv2d(_, C, kernel = 1),
        lateral4: Conv2d(_, C, kernel = 1),
        smooth: [Conv2d(C, C, kernel = 3, padding = 1); 3],
    }
    forward(x: [batch, 3, 32, 32]) -> ([batch, C, 16, 16], [batch, C, 8, 8], [batch, C, 4, 4]) {
        let c2 = relu(c2(x));
        let c3 = relu(c3(c2));
        let c4 = relu(c4(c3));
        let p4 = lateral4(c4);
        let p3 = lateral3(c3) + interpolate(p4, scale_factor = 2);
        let p2 = lateral2(c2) + interpolate(p3, scale_factor = 2, mode = "nearest");
        (smooth[0](p2), smooth[1](p3), smooth[2](p4))
    }
}

model! {
    /// Attention gates (Oktay et al. 2018).
    pub(crate) AttentionGate<const G: usize, const X: usize, const INNER: usize> {
        wg: Conv2d(G, INNER, kernel = 1),
        wx: Conv2d(X, INNER, kernel = 1, stride = 2),
        psi: Conv2d(INNER, 1, kernel = 1),
    }
    forward(g: [batch, G, h, w], x: [batch, X, 2 * h, 2 * w]) -> [batch, X, 2 * h, 2 * w] {
        let a = sigmoid(psi(relu(wg(g) + wx(x))));
        let a = interpolate(a, scale_factor = 2, mode = "bilinear", align_corners = false);
        x * a
    }

    pub(crate) AttentionUNet {
        down1: Conv2d(1, 4, kernel = 3, padding = 1),
        down2: Conv2d(4, 8, kernel = 3, padding = 1),
        pool: MaxPool2d(2),
        gate: AttentionGate<8, 4, 4>,
        up: ConvTranspose2d(8, 4, kernel = 2, stride = 2),
        last: Conv2d(8, 1, kernel = 1),
    }
    forward(x: [batch, 1, 16, 16]) -> [batch, 1, 16, 16] {
        let s = relu(down1(x));
        let b = relu(down2(pool(s)));
        let gated: [batch, 4, 16, 16] = gate(b, s);
        last(cat([up(b), gated], 1))
    }
}

model! {
    /// MLP-Mixer (Tolstikhin et al. 2021).
    pub(crate) MixerBlock<const TOKENS: usize, const C: usize> {
        norm1: LayerNorm(C),
        token1: Linear(TOKENS, 2 * TOKENS),
        token2: Linear(2 * TOKENS, TOKENS),
        norm2: LayerNorm(C),
        channel1: Linear(C, 4 * C),
        channel2: Linear(4 * C, C),
    }
    forward(x: [batch, TOKENS, C]) -> [batch, TOKENS, C] {
        let y = norm1(x).transpose(1, 2);
        let x = x + token2(gelu(token1(y))).transpose(1, 2);
        let y = norm2(x);
        x + channel2(gelu(channel1(y)))
    }

    pub(crate) Mixer<const LAYERS: usize> {
        patch: Conv2d(3, 8, kernel = 4, stride = 4),
        blocks: [MixerBlock<16, 8>; LAYERS],
        norm: LayerNorm(8),
        head: Linear(8, 10),
    }
    forward(x: [batch, 3, 16, 16]) -> [batch, 10] {
        let x = patch(x).flatten(2).transpose(1, 2);
        for block in &self.blocks {
            x = block(x);
        }
        head(norm(x).mean(1))
    }
}

#[test]
fn swin() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 8, 8, 8])]
    };
    everywhere(&SwinBlock::<8, true>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 8, 8, 8]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn swin_plain() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 8, 8, 8])]
    };
    everywhere(&SwinBlock::<8, false>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 8, 8, 8]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn vae() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 1, 28, 28]), Tensor::randn([n, 3])]
    };
    everywhere(&Vae::<3>::new(), inputs, |model, x| {
        let (a, b, c) = model
            .try_forward(&x[0].typed::<shape![Batch, 1, 28, 28]>()?, &x[1].typed::<shape![Batch, 3]>()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
    })
}

#[test]
fn gan() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 6])]
    };
    everywhere(&Gan::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 6]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn fpn() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 3, 32, 32])]
    };
    everywhere(&Fpn::<6>::new(), inputs, |model, x| {
        let (a, b, c) = model.try_forward(&x[0].typed::<shape![Batch, 3, 32, 32]>()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
    })
}

#[test]
fn attention_unet() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 1, 16, 16])]
    };
    everywhere(&AttentionUNet::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 1, 16, 16]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn mixer() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 3, 16, 16])]
    };
    everywhere(&Mixer::<2>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 3, 16, 16]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}
