use rustorch::prelude::*;

model! {
    pub Net {
        fcs: [Linear(64, 64); 3],
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        fcs(x)
    }
}

fn main() {
    println!("{:?}", Net::new());
}
