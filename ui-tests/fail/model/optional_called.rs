use rustorch::prelude::*;

model! {
    pub Net {
        down: Option<Linear>(64, 64),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        down(x)
    }
}

fn main() {
    println!("{:?}", Net::new());
}
