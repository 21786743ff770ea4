use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(64, 64),
    }
    forward(x: [batch, 64], i: [batch]) -> [batch, 64] {
        fc(x[i])
    }
}

fn main() {
    println!("{:?}", Net::new());
}
