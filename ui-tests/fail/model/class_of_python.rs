use rustorch::prelude::*;

model! {
    class Net(nn.Module) {
        fc: Linear(784, 10),
    }
    def forward(self, x: [batch, 784]) -> [batch, 10] {
        return fc(x)
    }
}

fn main() {}
