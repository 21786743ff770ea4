use rustorch::prelude::*;

model! {
    Net {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        let x = torch.nn.functional.relu(x);
        let x = torch.cat([x, F.gelu(x)], 1);
        fc(flatten(x, 1))
    }
}

fn main() {}
