//! Datasets, samplers and the loader that makes batches of them (`torch.utils.data`).
//!
//! ```
//! use rustorch::data::{DataLoader, TensorDataset};
//! use rustorch::Tensor;
//! let x = Tensor::arange(0, 10, 1)?.reshape([10, 1])?;
//! let y = Tensor::arange(0, 10, 1)?;
//! let loader = DataLoader::builder(TensorDataset::new((x, y))?).batch_size(4).shuffle(true).seed(1).build()?;
//! assert_eq!(loader.len(), 3);
//! for batch in &loader {
//!     let (x, y) = batch?;
//!     assert_eq!(x.shape()[0], y.shape()[0]);
//! }
//! # Ok::<(), rustorch::Error>(())
//! ```

mod collate;
mod dataset;
mod loader;
mod sampler;
mod workers;

pub use collate::Collate;
pub use dataset::{ConcatDataset, Dataset, Map, Subset, TensorDataset, Tensors, random_split};
#[cfg(feature = "vision")]
pub(crate) use dataset::{check_index, index_tensor};
pub use loader::{DataLoader, DataLoaderBuilder, DataLoaderIter};
pub use sampler::{RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler};
