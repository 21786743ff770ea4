//! Run-time dims with the names that generated code could have for its own variables.

use rustorch::prelude::*;

model! {
    Plain { fc: Linear(_, 8), fc2: Linear(8, 8) }
    forward(x: [t0, t1, left, right, pass, 8]) -> [t0, t1, left, right, pass, 8] {
        let y = relu(fc(x)) + x;
        fc2(y) * y
    }
}

model! {
    Branched { fc: Linear(_, 8), fc2: Linear(8, 8) }
    forward(x: [outputs, each, next, parts, operators, 8], y: [output, 8])
        -> ([outputs, each, next, parts, operators, 8], [output, 8])
    {
        let z = relu(fc(x)) + x;
        let z = if self.training { fc2(z) } else { z };
        (z * 2.0, tanh(y))
    }
}

model! {
    Nested { fc: [Linear(8, 8); 3], inner: Branched }
    forward(x: [input, inputs, error, grads, keep, 8], y: [result, 8])
        -> ([input, inputs, error, grads, keep, 8], [result, 8])
    {
        for f in self.fc {
            x = f(x);
        }
        let (a, b): ([input, inputs, error, grads, keep, 8], [result, 8]) = inner(x, y);
        (a, b + fc[1](y))
    }
}

model! {
    /// As papers call the lengths of queries and keys.
    Cross<const D: usize> { query: Linear(D, D), key: Linear(D, D), value: Linear(D, D) }
    forward(x: [b, q, D], y: [b, k, D]) -> [b, q, D] {
        let x = transpose(reshape(query(x), [b, q, 2, D / 2]), 1, 2);
        let keys = transpose(reshape(key(y), [b, k, 2, D / 2]), 1, 2);
        let v = transpose(reshape(value(y), [b, k, 2, D / 2]), 1, 2);
        let o = scaled_dot_product_attention(x, keys, v);
        reshape(transpose(o, 1, 2), [b, q, D])
    }
}

fn main() -> rustorch::Result<()> {
    let x = Tensor::randn([2, 2, 2, 2, 2, 8]);
    Plain::new().forward(&x.typed::<shape![Any, Any, Any, Any, Any, 8]>()?).sum().backward()?;
    let (a, b) = Nested::new().forward(
        &x.typed::<shape![Any, Any, Any, Any, Any, 8]>()?,
        &Tensor::randn([3, 8]).typed::<shape![Any, 8]>()?,
    );
    (&*a.sum() + &*b.sum()).backward()?;
    let queries = Tensor::randn([2, 3, 4]).typed::<shape![Any, Any, 4]>()?;
    let keys = Tensor::randn([2, 5, 4]).typed::<shape![Any, Any, 4]>()?;
    Cross::<4>::new().forward(&queries, &keys).sum().backward()
}
