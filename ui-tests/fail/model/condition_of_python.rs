use rustorch::prelude::*;

model! {
    Bound {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        let y = fc(flatten(x, 1));
        let y = dropout(y, 0.5) if self.training else y;
        y
    }
}

model! {
    Output {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        let y = fc(flatten(x, 1));
        relu(y) if self.training else y
    }
}

fn main() {}
