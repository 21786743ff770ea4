//! Constants that are not there, or of another type than `usize`: said where they are written, once.

use rustorch::prelude::*;

mod config {
    pub const WIDTH: usize = 8;
    pub const DEPTH: i32 = 2;
}
const HIDDEN: u32 = 4;

model! {
    pub Input { fc: Linear(config::WIDTH, 10) }
    forward(x: [batch, config::WIDHT]) -> [batch, 10] { fc(x) }
}

model! {
    pub Layers { fc: Linear(config::WIDHT, 10), out: Linear(_, CLASSES) }
    forward(x: [batch, config::WIDTH]) -> [batch, CLASSES] { out(fc(x)) }
}

model! {
    pub Sequential: [batch, config::INPUTS] -> [batch, 10] { Linear(10) }
}

model! {
    pub Types { a: Linear(2 * HIDDEN, HIDDEN), c: Conv2d(3, config::DEPTH, kernel = 3, padding = config::DEPTH / 2) }
    forward(x: [batch, 2 * HIDDEN], y: [batch, 3, h, w]) -> ([batch, HIDDEN], [batch, config::DEPTH, h, w]) {
        (a(x), c(y))
    }
}

fn main() {}
