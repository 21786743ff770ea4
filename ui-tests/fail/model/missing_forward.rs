use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(64, 10),
    }
}

fn main() {
    println!("{:?}", Net::new().fc);
}
