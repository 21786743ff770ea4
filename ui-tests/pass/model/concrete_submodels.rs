//! Models with known const parameters inside others: what is a formula where they are declared is a number where they are called.

use rustorch::prelude::*;

model! {
    Dense<const IN: usize, const GROWTH: usize> {
        bn: BatchNorm2d(IN),
        conv: Conv2d(IN, GROWTH, kernel = 3, padding = 1),
    }
    forward(x: [batch, IN, h, w]) -> [batch, IN + GROWTH, h, w] {
        cat([x, conv(relu(bn(x)))], 1)
    }
}

model! {
    Halved<const D: usize> { fc: Linear(2 * D, D) }
    forward(x: [batch, 2 * D]) -> [batch, D] { fc(x) }
}

model! {
    DenseNet { first: Dense<4, 3>, second: Dense<7, 3>, down: Halved<5>, head: Linear(5, 2) }
    forward(x: [batch, 4, h, w]) -> [batch, 2] {
        let x: [batch, 7, h, w] = first(x);
        let x: [batch, 10, h, w] = second(x);
        let x: [batch, 5] = down(mean(x, [2, 3]));
        head(x)
    }
}

/// By hand: what is a layer can be called, with any sizes.
#[derive(Debug)]
struct Scale(f64);

impl Scale {
    fn new() -> Self {
        Self(2.0)
    }
}

impl nn::Module for Scale {
    fn visit<'a>(&'a self, _: &mut nn::Visitor<'a>) {}
    fn visit_mut<'a>(&'a mut self, _: &mut nn::VisitorMut<'a>) {}
}

impl nn::Layer for Scale {
    fn forward(&self, input: &Tensor) -> rustorch::Result<Tensor> {
        Ok(input * self.0)
    }
}

model! {
    Scaled<const D: usize> { up: Linear(D, 2 * D), scale: Scale }
    forward(x: [batch, D]) -> [batch, 2 * D] {
        let y: [batch, 2 * D] = scale(up(x));
        y
    }
}

model! {
    /// Attention whose width is that of its input.
    Attending { attention: MultiheadAttention(_, 2, batch_first = true) }
    forward(x: [batch, seq, 8]) -> [batch, seq, 8] { attention(x) }
}

model! {
    /// Reparameterisation (Kingma and Welling 2013).
    Vae<const Z: usize> { mean: Linear(8, Z), logvar: Linear(8, Z), decode: Linear(Z, 8) }
    forward(x: [batch, 8]) -> ([batch, 8], [batch, Z], [batch, Z]) {
        let (m, v) = (mean(x), logvar(x));
        let z = m + randn_like(v) * exp(0.5 * v);
        (decode(z), m, v)
    }
}

fn main() -> rustorch::Result<()> {
    let x = Tensor::randn([2, 4, 5, 5]).typed::<shape![Any, 4, Any, Any]>()?;
    DenseNet::new().forward(&x).sum().backward()?;
    let x = Tensor::randn([2, 3]).typed::<shape![Any, 3]>()?;
    assert_eq!(Scaled::<3>::new().forward(&x).shape(), [2, 6]);
    let x = Tensor::randn([2, 3, 8]).typed::<shape![Any, Any, 8]>()?;
    Attending::new().forward(&x).sum().backward()?;
    let (y, mean, _) = Vae::<3>::new().forward(&Tensor::randn([4, 8]).typed::<shape![Any, 8]>()?);
    (&*y.sum() + &*mean.sum()).backward()
}
