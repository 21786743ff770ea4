use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linaer(_, 64),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        fc(x)
    }
}

fn main() {
    println!("{:?}", Net::new());
}
