use rustorch::prelude::*;

model! {
    Sequence {
        net: Sequential(Linear(784, 128), ReLU()),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        net(flatten(x, 1))
    }
}

model! {
    List {
        layers: ModuleList(Linear(784, 784)),
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        fc(flatten(x, 1))
    }
}

model! {
    Vector {
        layers: Vec<Linear>,
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        fc(flatten(x, 1))
    }
}

model! {
    Mixed {
        layers: [Linear(784, 128), ReLU],
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        fc(flatten(x, 1))
    }
}

fn main() {}
