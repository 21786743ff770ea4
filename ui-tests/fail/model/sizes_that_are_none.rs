//! Sizes that are below 0, divide by 0 or stand still for some const parameters.

use rustorch::prelude::*;

const WIDTH: usize = 4;

model! {
    Narrowed<const D: usize> {
        fc: Linear(D, D - 10),
    }
    forward(x: [batch, D]) -> [batch, D - 10] {
        fc(x)
    }

    Heads<const HEADS: usize> {}
    forward(x: [batch, seq, 64]) -> [batch, HEADS, seq, 64 / HEADS] {
        rearrange!("b t (h d) -> b h t d", x, h = HEADS)
    }

    Strided<const K: usize, const STRIDE: usize> {
        conv: Conv1d(1, 1, kernel = K, stride = STRIDE),
    }
    forward(x: [batch, 1, 100]) -> [batch, 1, (100 - K) / STRIDE + 1] {
        conv(x)
    }

    Pieces<const FIRST: usize> {}
    forward(x: [batch, 10]) -> [batch, FIRST] {
        let (a, _) = split(x, [FIRST, 10 - FIRST], 1);
        a
    }

    // A constant is as wrong, and that is said once.
    Constant {
        fc: Linear(WIDTH - 5, 4),
    }
    forward(x: [batch, WIDTH - 5]) -> [batch, 4] {
        fc(x)
    }
}

const _: () = Narrowed::<8>::SHAPES_FIT;
const _: () = Heads::<0>::SHAPES_FIT;
const _: () = Strided::<3, 0>::SHAPES_FIT;
const _: () = Strided::<0, 3>::SHAPES_FIT;
const _: () = Pieces::<11>::SHAPES_FIT;

fn main() {}
