use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(32, 64),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        linear(x, fc.weight) + linear(fc(x[.., 0..32]), fc.weight)
    }
}

fn main() {
    println!("{:?}", Net::new());
}
