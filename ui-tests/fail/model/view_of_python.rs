use rustorch::prelude::*;

model! {
    Flat {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        fc(x.view(-1, 784))
    }
}

model! {
    Sized {
        fc: Linear(784, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        fc(x.view(x.size(0), -1))
    }
}

fn main() {}
