use rustorch::prelude::*;

model! {
    pub Powers<const D: usize, const HEADS: usize> {
        q: Linear(D, D),
        k: Linear(D, D),
    }
    forward(x: [batch, D]) -> [batch, D] {
        let a = q(x) * (D / HEADS) ** -0.5;
        let b = k(x) * x ** 2;
        let c = relu(a @ b);
        let d = x / sqrt(D / HEADS);
        x + d
    }
}

model! {
    pub Conditions<const K: usize, const D: usize> {
        fc: Linear(D, D),
    }
    forward(x: [batch, D]) -> [batch, D] {
        let a = if K == 1 and D > 2 { x } else { fc(x) };
        let b = if not K == 1 { x } else { fc(x) };
        let c = if K = 1 { x } else { fc(x) };
        fc(x)
    }
}

model! {
    pub Fields<const D: usize> {
        tables: Embedding(10, D) * 3,
        skip: Linear(D, D) if D > 4 else None,
        blocks: [Conditions<1, D>] * 2,
    }
    forward(x: [batch, D], sparse: [batch]) -> [batch, D] {
        x + skip(x) + tables[0](sparse)
    }
}

const _: () = Fields::<8>::SHAPES_FIT;

model! {
    pub Halves {
        fc: Linear(8, 8),
    }
    forward(x: [batch, n]) -> [batch, 8] {
        let (a, b) = chunk(x, 2, 1);
        fc(a + b)
    }
}

fn main() {}
