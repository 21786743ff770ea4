use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(_, 64),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        linear(x, fc.weight)
    }
}

fn main() {
    println!("{:?}", Net::new());
}
