use rustorch::prelude::*;

model! {
    Block<const D: usize> {
        fc: Linear(D, D),
    }
    forward(x: [batch, seq, D]) -> [seq, batch, D] {
        transpose(fc(x), 0, 1)
    }

    Pair<const D: usize> {
        fc: Linear(D, D),
    }
    forward(x: [batch, D]) -> ([batch, D], [batch, D]) {
        let y = fc(x);
        (y, x)
    }
}

model! {
    // One axis too few, also where only a program says what `D` is.
    Flat<const D: usize> {
        block: Block<D>,
    }
    forward(x: [batch, D]) -> [batch, D] {
        let y: [batch, batch, D] = block(x);
        y[0]
    }
}

model! {
    // The axes that it gives are in another order.
    Turned {
        block: Block<64>,
    }
    forward(x: [batch, seq, 64]) -> [batch, seq, 64] {
        let y: [batch, seq, 64] = block(x);
        y
    }
}

model! {
    // One tensor where there are two, and two where there is one.
    Tuples {
        pair: Pair<64>,
        block: Block<64>,
    }
    forward(x: [batch, 64], z: [batch, seq, 64]) -> [batch, 64] {
        let y: [batch, 64] = pair(x);
        let (a, b): ([seq, batch, 64], [seq, batch, 64]) = block(z);
        y + a[0] + b[0]
    }
}

fn main() {}
