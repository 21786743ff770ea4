use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(64, 8),
    }
    forward(x: [batch, 64]) -> [batch, 16] {
        let (values, _) = topk(fc(x), 16);
        values
    }
}

fn main() {
    println!("{:?}", Net::new());
}
