use rustorch::prelude::*;

model! {
    pub Net {
        scale: Param([32], init = ones),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        x * scale
    }
}

fn main() {
    println!("{:?}", Net::new());
}
