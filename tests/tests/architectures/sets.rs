//! Networks over sets, points and graphs.

use rustorch::Result;
use rustorch::prelude::*;
use rustorch_tests::compiled::everywhere;
use rustorch_tests::turns::turn;

dim!(Batch, Points);

model! {
    /// PointNet's transform (Qi et al. 2017).
    TNet<const K: usize> {
        conv1: Conv1d(K, 16, kernel = 1, bias = false),
        bn1: BatchNorm1d(16),
        conv2: Conv1d(16, 32, kernel = 1),
        fc1: Linear(32, 16),
        fc2: Linear(16, K * K),
        identity: Buffer([K, K], init = eye),
    }
    forward(x: [batch, K, n]) -> [batch, K, K] {
        let x = relu(bn1(conv1(x)));
        let x = relu(conv2(x));
        let x = x.max(dim = 2);
        let x = fc2(relu(fc1(x)));
        x.reshape([batch, K, K]) + identity
    }

    PointNet<const CLASSES: usize> {
        input_transform: TNet<3>,
        conv1: Conv1d(3, 16, kernel = 1),
        feature_transform: TNet<16>,
        conv2: Conv1d(16, 32, kernel = 1),
        fc: Linear(32, CLASSES),
    }
    forward(points: [batch, 3, n]) -> ([batch, CLASSES], [batch, 16, 16]) {
        let t: [batch, 3, 3] = input_transform(points);
        let x = bmm(points.transpose(1, 2), t).transpose(1, 2);
        let x = relu(conv1(x));
        let f: [batch, 16, 16] = feature_transform(x);
        let x = bmm(x.transpose(2, 1), f).transpose(2, 1);
        let x = amax(conv2(x), 2);
        (log_softmax(fc(x), 1), f)
    }
}

model! {
    /// NeRF (Mildenhall et al. 2020).
    pub Nerf<const W: usize> {
        first: Linear(60, W),
        early: [Linear(W, W); 3],
        skip: Linear(W + 60, W),
        late: [Linear(W, W); 2],
        sigma: Linear(W, 1),
        feature: Linear(W, W),
        view: Linear(W + 24, W / 2),
        rgb: Linear(W / 2, 3),
    }
    forward(position: [rays, samples, 60], direction: [rays, samples, 24]) -> ([rays, samples, 3], [rays, samples]) {
        let h = position;
        let h = relu(first(h));
        let h = relu(early[0](h));
        let h = relu(early[1](h));
        let h = relu(early[2](h));
        let h = relu(skip(cat([h, position], -1)));
        for layer in self.late {
            h = relu(layer(h));
        }
        let sigma = relu(sigma(h)).squeeze(-1);
        let h = relu(view(cat([feature(h), direction], -1)));
        (sigmoid(rgb(h)), sigma)
    }
}

model! {
    /// DeepSets (Zaheer et al. 2017).
    DeepSets<const IN: usize, const H: usize> {
        phi1: Linear(IN, H),
        phi2: Linear(H, H),
        rho1: Linear(H, H),
        rho2: Linear(H, 1),
    }
    forward(x: [batch, items, IN], mask: [batch, items]) -> [batch] {
        let h = phi2(relu(phi1(x)));
        let h = h * mask.unsqueeze(-1);
        let pooled = h.sum(1) / mask.sum(1, keepdim = true).clamp(min = 1.0);
        rho2(relu(rho1(pooled))).squeeze(-1)
    }
}

model! {
    /// A soft mixture of experts.
    Moe<const D: usize, const H: usize, const E: usize> {
        gate: Linear(D, E),
        w1: Param([E, D, H], init = xavier_uniform),
        w2: Param([E, H, D], init = xavier_uniform),
    }
    forward(x: [batch, seq, D]) -> [batch, seq, D] {
        let g = softmax(gate(x), dim = -1);
        let h = gelu(einsum!("bsd,edh->bseh", x, w1));
        let y = einsum!("bseh,ehd->bsed", h, w2);
        einsum!("bse,bsed->bsd", g, y)
    }
}

model! {
    /// Capsules with two rounds of routing (Sabour et al. 2017).
    Capsules<const IN: usize, const OUT: usize, const DIN: usize, const DOUT: usize> {
        w: Param([IN, OUT, DIN, DOUT], init = normal(0.1)),
    }
    forward(u: [batch, IN, DIN]) -> [batch, OUT, DOUT] {
        let u_hat = einsum!(u_hat[b, i, o, e] = u[b, i, d] * w[i, o, d, e]);
        let b = zeros_like(u_hat).sum(-1);
        let v = zeros_like(u_hat[.., 0]);
        for _ in 0..2 {
            let c = softmax(b, dim = 2);
            let s = einsum!("bio,bioe->boe", c, u_hat);
            let n = s.square().sum(-1, keepdim = true);
            v = s * (n / (1.0 + n) / sqrt(n + 1e-8));
            b = b + einsum!("bioe,boe->bio", u_hat, v);
        }
        v
    }
}

model! {
    /// A graph convolution (Kipf and Welling 2017) with a dense adjacency matrix.
    Gcn<const IN: usize, const H: usize, const OUT: usize> {
        w0: Linear(IN, H, bias = false),
        w1: Linear(H, OUT, bias = false),
    }
    forward(x: [nodes, IN], adj: [nodes, nodes]) -> [nodes, OUT] {
        let degree = adj.sum(1);
        let norm = degree.rsqrt();
        let a = norm.unsqueeze(1) * adj * norm.unsqueeze(0);
        let h = relu(a.matmul(w0(x)));
        log_softmax(a.matmul(w1(h)), 1)
    }
}

#[test]
fn pointnet() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 3, s + 2])]
    };
    everywhere(&PointNet::<5>::new(), inputs, |model, x| {
        let (a, b) = model.try_forward(&x[0].typed::<shape![Batch, 3, Points]>()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor()])
    })
}

#[test]
fn nerf() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, s, 60]), Tensor::randn([n, s, 24])]
    };
    everywhere(&Nerf::<16>::new(), inputs, |model, x| {
        let (a, b) = model.try_forward(
            &x[0].typed::<shape![Batch, Points, 60]>()?,
            &x[1].typed::<shape![Batch, Points, 24]>()?,
        )?;
        Ok(vec![a.into_tensor(), b.into_tensor()])
    })
}

#[test]
fn deep_sets() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, s, 4]), Tensor::randn([n, s]).gt(0.0).unwrap().to_dtype(DType::F32)]
    };
    everywhere(&DeepSets::<4, 6>::new(), inputs, |model, x| {
        let y = model.try_forward(
            &x[0].typed::<shape![Batch, Points, 4]>()?,
            &x[1].typed::<shape![Batch, Points]>()?,
        )?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn moe() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, s, 4])]
    };
    everywhere(&Moe::<4, 6, 3>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, Points, 4]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn capsules() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 5, 4])]
    };
    everywhere(&Capsules::<5, 3, 4, 6>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 5, 4]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn gcn() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 4]), Tensor::randn([n, n]).abs()]
    };
    everywhere(&Gcn::<4, 5, 3>::new(), inputs, |model, x| {
        let y = model
            .try_forward(&x[0].typed::<shape![Points, 4]>()?, &x[1].typed::<shape![Points, Points]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}
