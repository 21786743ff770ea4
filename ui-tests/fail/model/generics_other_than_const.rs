use rustorch::prelude::*;

model! {
    pub Net<'a, T, const D: usize> { fc: Linear(D, D) }
    forward(x: [batch, D]) -> [batch, D] { fc(x) }
}

fn main() {}
