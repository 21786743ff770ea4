//! Several inputs that share a dim, several outputs, cat, split, and operators with numbers and constants.
use rustorch::prelude::*;

const WIDTH: usize = 24;

model! {
    pub Two {
        a: Linear(_, WIDTH),
        b: Linear(_, WIDTH / 2),
    }
    forward(x: [batch, 8], y: [batch, 3]) -> ([batch, 36], [batch, 1]) {
        let joined = cat([a(x), b(y)], 1);
        let (left, right) = split(joined, [WIDTH, 12], 1);
        let score = mean(left, 1, keepdim = true) - 2.0 * sum(right, -1, keepdim = true) / WIDTH as f64;
        (1 - joined, -score)
    }
}

dim!(Batch);

fn main() -> rustorch::Result<()> {
    let model = Two::new();
    let x = Tensor::randn([4, 8]).typed::<shape![Batch, 8]>()?;
    let y = Tensor::randn([4, 3]).typed::<shape![Batch, 3]>()?;
    let (joined, score) = model.forward(&x, &y);
    let joined: TypedTensor<shape![Batch, 36]> = joined;
    assert_eq!((joined.shape(), score.shape()), (&[4, 36][..], &[4, 1][..]));
    // Typed apart, both claim to be a batch: the sizes are compared at run time.
    let other = Tensor::randn([5, 3]).typed::<shape![Batch, 3]>()?;
    let error = model.try_forward(&x, &other).unwrap_err().to_string();
    assert!(error.contains("the input `y` has shape [5, 3]") && error.contains("[4, 3]"), "{error}");
    Ok(())
}
