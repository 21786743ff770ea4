use rustorch::prelude::*;

model! {
    pub Net: [batch, 64] -> [batch, 12] {
        Param([64]), Linear(12), relu,
    }
}

fn main() {}
