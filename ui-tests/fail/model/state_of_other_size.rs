use rustorch::prelude::*;

model! {
    pub Net {
        gru: Gru(64, 64),
    }
    forward(x: [seq, batch, 64], h: [1, batch, 32]) -> [seq, batch, 64] {
        let (y, _) = gru(x, h);
        y
    }
}

fn main() {
    println!("{:?}", Net::new());
}
