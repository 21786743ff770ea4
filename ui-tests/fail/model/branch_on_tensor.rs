use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(64, 64),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        if x > 0.5 {
            x = fc(x);
        }
        x
    }
}

fn main() {
    println!("{:?}", Net::new());
}
