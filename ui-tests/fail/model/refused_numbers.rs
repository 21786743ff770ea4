use rustorch::prelude::*;

model! {
    pub Net {
        act: CELU(0.0),
        limit: Hardtanh(1.0, 1.0),
        shrink: Softshrink(-0.5),
        pool: AvgPool2d(2, divisor_override = 0),
        norm: BatchNorm2d(8, eps = -1e-5),
        rnn: Gru(4, 8, num_layers = 1000000),
    }
    forward(x: [batch, 8, 4, 4]) -> [batch, 8, 4, 4] {
        let a = act(x) + limit(x) + shrink(x) + norm(x);
        let b = pool(x);
        let (c, h) = rnn(mean(x, 1));
        hardtanh(x, 3, 2.5) + softshrink(x, lambd = -1) + celu(x, alpha = 0) + avg_pool2d(x, 2, divisor_override = 0)
    }
}

fn main() {}
