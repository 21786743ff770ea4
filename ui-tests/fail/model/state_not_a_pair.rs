use rustorch::prelude::*;

model! {
    pub Net {
        cell: LstmCell(64, 64),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        let (h, c) = cell(x, x);
        h + c
    }
}

fn main() {
    println!("{:?}", Net::new());
}
