//! What does not belong there is said once.

use rustorch::prelude::*;

model! {
    First {
        self.fc = Linear(784, 10),
    }
    forward(x: [batch, 784]) -> [batch, 10]; {
        fc(x)
    }

    Second(D) {
        fc: Linear(D, 10, 4),
    }
    forward(x: [batch, 784]) -> [batch, 10] {
        fc(x)
    }
}

model! {
    class Third(nn.Module):
        fc: Linear(784, 10)
}

fn main() {}
