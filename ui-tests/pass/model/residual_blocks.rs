//! Submodels, arrays of them, a loop, residuals, and behaviour that depends on training.
use rustorch::nn::Module;
use rustorch::prelude::*;

model! {
    pub Mlp<const D: usize> {
        up: Linear(D, 4 * D),
        down: Linear(_, D),
    }
    forward(x: [batch, seq, D]) -> [batch, seq, D] {
        down(gelu(up(x), approximate = "tanh"))
    }
}

model! {
    /// A block before which and after which the shape is the same.
    pub Block<const D: usize> {
        mlp: Mlp<D>,
    }
    forward(x: [batch, seq, D]) -> [batch, seq, D] {
        let h: [batch, seq, D] = mlp(x);
        x + h
    }
}

model! {
    pub Gpt<const D: usize, const LAYERS: usize, const VOCABULARY: usize> {
        first: Linear(_, D),
        blocks: [Block<D>; LAYERS],
        head: Linear(_, VOCABULARY),
    }
    forward(input: [batch, seq, 3]) -> [batch, seq, VOCABULARY] {
        let x = first(input) * 0.5;
        for block in self.blocks {
            x = block(x);
        }
        let x = if self.training { 2.0 * x } else { x };
        head(x)
    }
}

dim!(Batch, Seq);

fn main() -> rustorch::Result<()> {
    let model = Gpt::<16, 3, 65>::new();
    model.eval();
    let x = Tensor::randn([2, 9, 3]).typed::<shape![Batch, Seq, 3]>()?;
    let y: TypedTensor<shape![Batch, Seq, 65]> = model.forward(&x);
    assert_eq!(y.shape(), [2, 9, 65]);
    let again = model.forward(&x);
    assert_eq!(y.to_vec::<f32>()?, again.to_vec::<f32>()?);
    let names: Vec<String> = model.named_parameters().into_iter().map(|(name, _)| name).collect();
    assert!(names.contains(&"blocks.2.mlp.up.weight".to_string()), "{names:?}");
    Ok(())
}
