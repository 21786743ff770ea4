//! Dims, const parameters, constants and run-time dims of one name: types and values are apart.

#![deny(warnings)]

use rustorch::prelude::*;

dim!(N, D, Batch);
const W: usize = 4;

mod config {
    pub const DEPTH: usize = 2;
}

model! {
    pub Block<const N: usize>: [batch, N] -> [batch, N] { Linear(N) }
}

model! {
    #[derive(Clone)]
    pub Net<const N: usize, const D: usize>
    where
        [(); D]:,
    {
        fc: Linear(N, D),
        blocks: [Linear(D, D); config::DEPTH],
    }
    forward(x: [n, N]) -> [n, D] {
        let y = fc(x);
        for block in self.blocks {
            y = block(y);
        }
        y
    }
}

model! {
    pub Sizes {
        block: Block<W>,
        fc: Linear(2 * W, config::DEPTH),
        images: Conv2d(W, 3, kernel = config::DEPTH + 1, padding = config::DEPTH / 2),
    }
    forward(x: [w, W], y: [w, W, h, 6]) -> ([w, config::DEPTH], [w, 3, h, 6]) {
        let z: [w, W] = block(x);
        let z = if W == 4 { z * (W as f64) } else { z[.., 0..W] };
        let y = match config::DEPTH { 2 => relu(images(y)), _ => images(y) };
        (fc(cat([z, x], 1)), y)
    }
}

fn main() -> rustorch::Result<()> {
    // A constant of its own, and a model of the same name as one outside.
    const W: usize = 7;
    model! {
        Block: [batch, W] -> [batch, 2 * W] { Linear(2 * W) }
    }
    let x = Tensor::ones([3, 7]).typed::<shape![(N), 7]>()?;
    let _: TypedTensor<shape![(N), 14]> = Block::new().forward(&x);
    let x = Tensor::ones([3, 5]).typed::<shape![(D), 5]>()?;
    let _: TypedTensor<shape![(D), 2]> = Net::<5, 2>::new().forward(&x);
    Ok(())
}
