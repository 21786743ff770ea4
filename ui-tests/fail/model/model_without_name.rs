use rustorch::prelude::*;

model! {
    { fc: Linear(4, 10) }
    forward(x: [batch, 4]) -> [batch, 10] { fc(x) }
}

model! {
    /// Nor has this one.
    pub { fc: Linear(4, 10) }
    forward(x: [batch, 4]) -> [batch, 10] { fc(x) }
}

fn main() {}
