use rustorch::prelude::*;

model! {
    Field {
        # the head
        fc: Linear(784, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        fc(flatten(x, 1))
    }
}

model! {
    Body {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        # all pixels in a row
        let x = flatten(x, 1);
        fc(x)
    }
}

fn main() {}
