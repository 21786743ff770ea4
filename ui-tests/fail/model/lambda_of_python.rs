use rustorch::prelude::*;

model! {
    Lambda {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        let act = lambda x: relu(x);
        fc(flatten(x, 1))
    }
}

model! {
    Closure {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        let act = |x| relu(x);
        fc(flatten(x, 1))
    }
}

fn main() {}
