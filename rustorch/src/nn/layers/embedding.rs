//! Tables of vectors.

use crate::error::expect;
use crate::nn::build::{Arguments, builder, module};
use crate::nn::{Layer, functional, init};
use crate::{Result, Tensor};

/// A row of a table for every index: `[..] → [.., embedding_dim]` (`torch.nn.Embedding`).
///
/// The table `[num_embeddings, embedding_dim]` starts normally distributed. Indices are `I64` or `I32`.
///
/// ```
/// use rustorch::{Tensor, nn::{Embedding, Layer}};
/// let layer = Embedding::new(10, 3);
/// assert_eq!(layer.forward(&Tensor::from([[1i64, 2], [9, 0]]))?.shape(), [2, 2, 3]);
/// let error = layer.forward(&Tensor::from([10i64])).unwrap_err();
/// assert_eq!(error.to_string(), "embedding: index 10 is out of range for axis 0 of size 10");
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct Embedding {
    /// `[num_embeddings, embedding_dim]`
    pub weight: Tensor,
}

builder! {
    /// Builds an [`Embedding`].
    EmbeddingBuilder for Embedding(num_embeddings: usize, embedding_dim: usize) {}
}

impl Embedding {
    /// The layer.
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    pub fn new(num_embeddings: usize, embedding_dim: usize) -> Self {
        expect(Self::builder(num_embeddings, embedding_dim).build())
    }

    fn assemble(args: &Arguments) -> Result<Self> {
        let weight = args.parameter("weight", |weight| init::normal_(weight, 0.0, 1.0))?;
        Ok(Self { weight: weight.expect("the table has a weight") })
    }
}

impl Layer for Embedding {
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        functional::embedding(input, &self.weight, None)
    }
}

module!(Embedding { parameter weight } |layer| {
    format!("Embedding({}, {})", layer.weight.shape()[0], layer.weight.shape()[1])
});
