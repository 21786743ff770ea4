//! A transformer that looks at images.

use rustorch::prelude::*;

use super::Block;

model! {
    /// A vision transformer (Dosovitskiy et al. 2020): square patches become vectors, a learnt one is put before them, and what
    /// becomes of that one tells the class.
    pub ViT<
        const CHANNELS: usize,
        const SIZE: usize,
        const PATCH: usize,
        const D: usize,
        const HEADS: usize,
        const LAYERS: usize,
        const CLASSES: usize,
    > {
        class_token: Param([1, 1, D]),
        positions: Param([1, (SIZE / PATCH) * (SIZE / PATCH) + 1, D], init = normal(0.02)),
        patches: Conv2d(CHANNELS, D, kernel = PATCH, stride = PATCH),
        blocks: [Block<D, HEADS, false>; LAYERS],
        ln: LayerNorm(D),
        head: Linear(D, CLASSES),
    }
    forward(x: [batch, CHANNELS, SIZE, SIZE]) -> [batch, CLASSES] {
        let x = transpose(flatten(patches(x), 2), 1, 2);
        let x = cat([expand(class_token, [batch, 1, D]), x], 1) + positions;
        for block in self.blocks {
            x = block(x);
        }
        head(ln(x[.., 0]))
    }
}
