use rustorch::prelude::*;

model! {
    Net<const D: usize> {
        a: Param([D], init = xavier_uniform),
        b: Param([D], init = gaussian),
        c: Param([D, D, D], init = eye),
        d: Param([D], init = ones(2)),
    }
    forward(x: [batch, D]) -> [batch, D] {
        x + a + b + c[0, 0] + d
    }
}

fn main() {}
