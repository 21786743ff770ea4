use rustorch::prelude::*;

model! {
    NoType<const D> {
        fc: Linear(D, 10),
    }
    forward(x: [batch, D]) -> [batch, 10] {
        fc(x)
    }
}

model! {
    NotClosed<const D: usize {
        fc: Linear(D, 10),
    }
    forward(x: [batch, D]) -> [batch, 10] {
        fc(x)
    }
}

model! {
    NoOutput: [batch, 784] {
        fc: Linear(10),
    }
}

model! {
    model WithKeyword {
        fc: Linear(784, 10),
    }
    forward(x: [batch, 784]) -> [batch, 10] {
        fc(x)
    }
}

// What their mistakes leave clear is there.
fn train(a: &NoType<4>, b: &NotClosed<4>, c: &NoOutput, d: &WithKeyword, x: &TypedTensor<shape![2, 4]>) {
    let _ = (a.forward(x), b.forward(x), a.fc.weight.shape(), b.parameters());
    let _ = (c.fc.weight.shape(), d.fc.bias.is_some());
}

fn main() {}
