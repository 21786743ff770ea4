//! Tables of vectors.

use crate::error::expect;
use crate::nn::build::{Arguments, builder, module, python};
use crate::nn::functional::{self, EmbeddingOptions};
use crate::nn::{Layer, init};
use crate::{Error, Result, Tensor, no_grad};

/// A row of a table for every index: `[..] → [.., embedding_dim]` (`torch.nn.Embedding`).
///
/// The table `[num_embeddings, embedding_dim]` starts normally distributed, its row `padding_idx` with zeros. Indices are
/// `I64` or `I32`.
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
    /// Padding, and what limits norms and gradients.
    pub options: EmbeddingOptions,
}

builder! {
    /// Builds an [`Embedding`].
    EmbeddingBuilder for Embedding(num_embeddings: usize, embedding_dim: usize) {
        /// The row that starts as zeros and receives no gradient, counted from the end if negative; none unless set.
        padding_idx: isize,
        /// The greatest norm of a row: rows that are looked up are scaled down to it; no limit unless set.
        max_norm: f64,
        /// Which norm `max_norm` limits; 2 unless set.
        norm_type: f64,
        /// Whether the gradient of a row is divided by how often a batch names it; not unless set.
        scale_grad_by_freq: bool,
    }
}

impl Embedding {
    /// The layer.
    ///
    /// # Panics
    /// If there is not enough memory.
    #[track_caller]
    #[inline]
    pub fn new(num_embeddings: usize, embedding_dim: usize) -> Self {
        expect(Self::builder(num_embeddings, embedding_dim).build())
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        let options = EmbeddingOptions {
            padding_idx: args.given("padding_idx").then(|| args.axis("padding_idx")).transpose()?,
            max_norm: args.optional_float("max_norm")?,
            norm_type: args.float("norm_type")?,
            scale_grad_by_freq: args.bool("scale_grad_by_freq")?,
        };
        let weight = args.parameter("weight", |weight| {
            init::normal_(weight, 0.0, 1.0)?;
            match options.padding_idx {
                None => Ok(()),
                Some(padding) => no_grad(|| weight.select(0, padding)?.zero_()).map(drop),
            }
        });
        let size = args.size("num_embeddings")?;
        let weight = weight.map_err(|error| match options.padding_idx {
            Some(index) if !(-(size as isize)..size as isize).contains(&index) => {
                Error::Index { op: "Embedding", index: index as i64, axis: 0, size }
            }
            _ => error,
        })?;
        Ok(Self { weight: weight.expect("the table has a weight"), options })
    }
}

impl Layer for Embedding {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        functional::embedding_with(input, &self.weight, &self.options)
    }
}

module!(Embedding { parameter weight } |layer| {
    let EmbeddingOptions { padding_idx, max_norm, norm_type, scale_grad_by_freq } = layer.options;
    let mut repr = format!("Embedding({}, {}", layer.weight.shape()[0], layer.weight.shape()[1]);
    if let Some(padding) = padding_idx {
        repr += &format!(", padding_idx={}", if padding < 0 { padding + layer.weight.shape()[0] as isize } else { padding });
    }
    if let Some(max_norm) = max_norm {
        repr += &format!(", max_norm={}", python::float(max_norm));
    }
    if norm_type != 2.0 {
        repr += &format!(", norm_type={}", python::float(norm_type));
    }
    if scale_grad_by_freq {
        repr += ", scale_grad_by_freq=True";
    }
    repr + ")"
});
