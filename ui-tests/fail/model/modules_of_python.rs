use rustorch::prelude::*;

model! {
    pub Net { fc: Dense(8, 4), out: Linear(4, 4) }
    forward(x: [batch, 8]) -> [batch, 4] {
        let x = F.relu(fc(x));
        torch.sigmoid(out(x))
    }
}

fn main() {}
