use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(64, 64),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        let pair = (x, fc(x));
        relu(pair)
    }
}

fn main() {
    println!("{:?}", Net::new());
}
