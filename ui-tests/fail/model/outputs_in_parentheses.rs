use rustorch::prelude::*;

model! {
    One {
        fc: Linear(4, 4),
    }
    forward(x: [batch, 4]) -> ([batch, 4]) {
        fc(x)
    }

    Grouped {
        lstm: Lstm(4, 4, batch_first = true),
    }
    forward(x: [batch, seq, 4]) -> ([batch, seq, 4], [1, batch, 4], [1, batch, 4]) {
        lstm(x)
    }
}

fn main() {}
