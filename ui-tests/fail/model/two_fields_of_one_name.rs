use rustorch::prelude::*;

model! {
    pub Net {
        #[name = "body.0"]
        first: Linear(4, 4),
        #[name = "body.0"]
        second: Linear(4, 4),
        #[name = "1.."]
        third: Linear(4, 4),
    }
    forward(x: [batch, 4]) -> [batch, 4] {
        third(second(first(x)))
    }
}

fn main() {}
