use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(64, 64),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        fc(x[.., 0..80])
    }
}

fn main() {
    println!("{:?}", Net::new());
}
