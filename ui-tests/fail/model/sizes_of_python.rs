use rustorch::prelude::*;

model! {
    Taken {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        let [b, c, h, w] = x.shape();
        fc(reshape(x, [b, c * h * w]))
    }
}

model! {
    Asked {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        let b = x.shape[0];
        let n = x.size(1);
        fc(flatten(x, 1))
    }
}

fn main() {}
