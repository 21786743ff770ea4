use rustorch::prelude::*;

model! {
    pub Net {
        scale: Param([64], init = one),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        x * scale
    }
}

fn main() {
    println!("{:?}", Net::new());
}
