//! Networks over vectors.

use rustorch::Result;
use rustorch::prelude::*;
use rustorch_tests::compiled::everywhere;
use rustorch_tests::turns::turn;

dim!(Batch);

model! {
    /// One encoder for both images.
    Embedder<const D: usize>: [batch, 1, 28, 28] -> [batch, D] {
        conv1: Conv2d(8, kernel = 5), ReLU, MaxPool2d(2),
        conv2: Conv2d(16, kernel = 5), ReLU, MaxPool2d(2),
        Flatten, fc: Linear(D),
    }

    Siamese<const D: usize> {
        net: Embedder<D>,
    }
    forward(a: [batch, 1, 28, 28], b: [batch, 1, 28, 28]) -> [batch] {
        let a: [batch, D] = net(a);
        let b: [batch, D] = net(b);
        ((a - b) * (a - b)).sum(1).sqrt()
    }

    Triplet<const D: usize> {
        net: Embedder<D>,
    }
    forward(anchor: [batch, 1, 28, 28], positive: [batch, 1, 28, 28], negative: [batch, 1, 28, 28])
        -> ([batch, D], [batch, D], [batch, D]) {
        let a: [batch, D] = net(anchor);
        let p: [batch, D] = net(positive);
        let n: [batch, D] = net(negative);
        (normalize(a), normalize(p, dim = 1), normalize(n, p = 2, dim = 1))
    }
}

model! {
    /// A highway network (Srivastava et al. 2015).
    Highway<const D: usize, const LAYERS: usize> {
        h: [Linear(D, D); LAYERS],
        t: [Linear(D, D); LAYERS],
    }
    forward(x: [batch, D]) -> [batch, D] {
        for i in 0..LAYERS {
            let gate = sigmoid(t[i](x));
            x = gate * relu(h[i](x)) + (1 - gate) * x;
        }
        x
    }
}

model! {
    /// Positional encoding of coordinates by sines and cosines.
    Fourier<const L: usize> {
        freq: Buffer([L], init = ones),
    }
    forward(x: [batch, 3]) -> [batch, 3 + 6 * L] {
        let y = x.unsqueeze(-1) * freq;
        let y = cat([sin(y), cos(y)], -1).flatten(1);
        cat([x, y], 1)
    }
}

model! {
    /// Two towers.
    Tower<const N: usize, const D: usize> {
        id: Embedding(N, D),
        fc1: Linear(D + 4, 2 * D),
        fc2: Linear(2 * D, D),
    }
    forward(ids: [batch], features: [batch, 4]) -> [batch, D] {
        let x = cat([id(ids), features], dim = -1);
        normalize(fc2(relu(fc1(x))), dim = -1)
    }

    TwoTower<const USERS: usize, const ITEMS: usize, const D: usize> {
        user: Tower<USERS, D>,
        item: Tower<ITEMS, D>,
        temperature: Param([], init = 0.07),
    }
    forward(users: [batch], user_features: [batch, 4], items: [batch], item_features: [batch, 4]) -> [batch, batch] {
        let u: [batch, D] = user(users, user_features);
        let i: [batch, D] = item(items, item_features);
        u.matmul(i.transpose(0, 1)) / exp(temperature)
    }
}

model! {
    /// Neural matrix factorisation: a dot product and biases.
    Factors<const USERS: usize, const ITEMS: usize, const D: usize> {
        user: Embedding(USERS, D),
        item: Embedding(ITEMS, D),
        user_bias: Embedding(USERS, 1),
        item_bias: Embedding(ITEMS, 1),
        mean: Param([1]),
    }
    forward(u: [batch], i: [batch]) -> [batch] {
        let dot = (user(u) * item(i)).sum(-1);
        dot + user_bias(u).squeeze(-1) + item_bias(i).squeeze(-1) + mean
    }
}

model! {
    /// The same with a list of experts, as one writes it in PyTorch.
    MoeList<const D: usize> {
        gate: Linear(D, 3),
        experts: [Expert<D>; 3],
    }
    forward(x: [batch, D]) -> [batch, D] {
        let g = softmax(gate(x), -1);
        let mut y = zeros_like(x);
        for (i, expert) in self.experts.iter().enumerate() {
            let e: [batch, D] = expert(x);
            y = y + g[.., i].unsqueeze(-1) * e;
        }
        y
    }


    Expert<const D: usize>: [batch, D] -> [batch, D] {
        Linear(4 * D), GELU, Linear(D)
    }
}

model! {
    /// An actor and a critic over one trunk.
    ActorCritic<const OBS: usize, const ACT: usize> {
        trunk1: Linear(OBS, 64),
        trunk2: Linear(64, 64),
        mean: Linear(64, ACT),
        log_std: Param([ACT], init = zeros),
        value: Linear(64, 1),
    }
    forward(obs: [batch, OBS]) -> ([batch, ACT], [batch, ACT], [batch]) {
        let h = tanh(trunk2(tanh(trunk1(obs))));
        let mu = mean(h);
        let std = log_std.exp().expand([batch, ACT]);
        (mu, std, value(h).squeeze(1))
    }
}

model! {
    /// DQN with duelling heads (Wang et al. 2016).
    Dueling<const ACTIONS: usize> {
        features: Features,
        value: Linear(32, 1),
        advantage: Linear(32, ACTIONS),
    }
    forward(x: [batch, 4, 36, 36]) -> [batch, ACTIONS] {
        let h: [batch, 32] = features(x);
        let a = advantage(h);
        value(h) + a - a.mean(1, keepdim = true)
    }

    Features: [batch, 4, 36, 36] -> [batch, 32] {
        Conv2d(8, kernel = 8, stride = 4), ReLU,
        Conv2d(16, kernel = 4, stride = 2), ReLU,
        Flatten(), Linear(32), ReLU,
    }
}

model! {
    /// Kinds of activations by a const parameter, optional norm.
    Mlp<const IN: usize, const H: usize, const OUT: usize, const ACT: usize, const NORM: bool> {
        fc1: Linear(IN, H),
        norm: Option<LayerNorm>(H) if NORM,
        fc2: Linear(H, OUT),
    }
    forward(x: [batch, IN]) -> [batch, OUT] {
        let h = fc1(x);
        if let Some(norm) = self.norm {
            h = norm(h);
        }
        let h = match ACT {
            0 => relu(h),
            1 => gelu(h),
            2 => silu(h),
            _ => h,
        };
        fc2(h)
    }
}

#[test]
fn siamese() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 1, 28, 28]), Tensor::randn([n, 1, 28, 28])]
    };
    everywhere(&Siamese::<4>::new(), inputs, |model, x| {
        let y = model.try_forward(
            &x[0].typed::<shape![Batch, 1, 28, 28]>()?,
            &x[1].typed::<shape![Batch, 1, 28, 28]>()?,
        )?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn triplet() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 1, 28, 28]), Tensor::randn([n, 1, 28, 28]), Tensor::randn([n, 1, 28, 28])]
    };
    everywhere(&Triplet::<4>::new(), inputs, |model, x| {
        let (a, b, c) = model.try_forward(
            &x[0].typed::<shape![Batch, 1, 28, 28]>()?,
            &x[1].typed::<shape![Batch, 1, 28, 28]>()?,
            &x[2].typed::<shape![Batch, 1, 28, 28]>()?,
        )?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
    })
}

#[test]
fn highway() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 6])]
    };
    everywhere(&Highway::<6, 3>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 6]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn fourier() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 3])]
    };
    everywhere(&Fourier::<4>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 3]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn two_tower() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![
            Tensor::randint(0, 7, [n]),
            Tensor::randn([n, 4]),
            Tensor::randint(0, 9, [n]),
            Tensor::randn([n, 4]),
        ]
    };
    everywhere(&TwoTower::<7, 9, 4>::new(), inputs, |model, x| {
        let y = model.try_forward(
            &x[0].typed::<shape![Batch]>()?,
            &x[1].typed::<shape![Batch, 4]>()?,
            &x[2].typed::<shape![Batch]>()?,
            &x[3].typed::<shape![Batch, 4]>()?,
        )?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn factors() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randint(0, 7, [n]), Tensor::randint(0, 9, [n])]
    };
    everywhere(&Factors::<7, 9, 4>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch]>()?, &x[1].typed::<shape![Batch]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn moe_list() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 4])]
    };
    everywhere(&MoeList::<4>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 4]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn actor_critic() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 5])]
    };
    everywhere(&ActorCritic::<5, 2>::new(), inputs, |model, x| {
        let (a, b, c) = model.try_forward(&x[0].typed::<shape![Batch, 5]>()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
    })
}

#[test]
fn dueling() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 4, 36, 36])]
    };
    everywhere(&Dueling::<3>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 4, 36, 36]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn mlp() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 4])]
    };
    everywhere(&Mlp::<4, 6, 3, 1, true>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 4]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn mlp_plain() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 4])]
    };
    everywhere(&Mlp::<4, 6, 3, 3, false>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 4]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}
