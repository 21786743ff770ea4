use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(64, 64),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        where_(x > 0.0 && x < 1.0, fc(x), 0.0)
    }
}

fn main() {
    println!("{:?}", Net::new());
}
