use rustorch::prelude::*;

model! {
    Inside {
        fc: Linear(784, 10),
        fn forward(x: [batch, 784]) -> [batch, 10] {
            fc(x)
        }
    }
}

model! {
    OutputBehindColon {
        fc: Linear(784, 10),
    }
    forward(x: [batch, 784]): [batch, 10] {
        fc(x)
    }
}

model! {
    InputsWithoutComma {
        fc: Linear(784, 10),
    }
    forward(x: [batch, 784] y: [batch, 10]) -> [batch, 10] {
        fc(x) + y
    }
}

model! {
    OneShapeForTwo {
        cell: LstmCell(10, 10),
    }
    forward(x: [batch, 10], (h, c): [batch, 10]) -> ([batch, 10], [batch, 10]) {
        cell(x, (h, c))
    }
}

model! {
    NoShape {
        fc: Linear(784, 10),
    }
    forward(x) -> [batch, 10] {
        fc(x)
    }
}

model! {
    SizesWithoutComma {
        fc: Linear(784, 10),
    }
    forward(x: [batch, ...]) -> [batch 10] {
        fc(x)
    }
}

fn main() {}
