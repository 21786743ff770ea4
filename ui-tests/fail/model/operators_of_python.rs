use rustorch::prelude::*;

model! {
    Net {
        fc: Linear(8, 8),
    }
    forward(x: [batch, 8], mask: [batch, 8]) -> [batch, 8] {
        let a = fc(x) ^ 2;
        let b = where_(mask > 0.0 and x > 0.0, x, 0.0);
        let c = where_(not mask, x, 0.0);
        let d = x as f32;
        let e = x + "one";
        let f = x[mask];
        a + b + c + d + e + f
    }
}

fn main() {}
