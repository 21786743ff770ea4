use rustorch::prelude::*;

model! {
    pub Net {
        conv1: Conv2d(3, 32, kernel = 3),
        conv2: Conv2d(_, 64, kernal = 3),
        fc1: Linear(_, 128),
        fc2: Linaer(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        let x = max_pool2d(relu(conv1(x)), 2);
        let y = max_pool2d(relu(conv2(x)), 2);
        let z = fc1(flatten(y, 1));
        fc2(soft_max(z, 1))
    }
}

fn main() {}
