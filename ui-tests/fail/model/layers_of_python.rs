use rustorch::prelude::*;

model! {
    Net {
        self.conv1 = nn.Conv2d(1, 8, kernel_size=3),
        fc1: nn.Linear(5408, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        fc1(flatten(self.conv1(x), 1))
    }
}

fn main() {}
