use rustorch::prelude::*;

model! {
    pub Net {
        a: Linear(_, 10),
    }
    forward(x: [batch, 64]) -> [batch, 10] {
        const K: usize = 3;
        println!("{x}");
        a(x)
    }
}

fn main() {}
