//! Handwritten digits.

use std::path::Path;

use super::idx::{self, Idx};
use crate::data::{Dataset, check_index, index_tensor};
use crate::{DType, Error, Result, Tensor, no_grad};

/// The MNIST digits: 60,000 images of 28 × 28 pixels for training and 10,000 for testing, with the digit that each
/// shows (`torchvision.datasets.MNIST`; LeCun et al. 1998). Fashion-MNIST and KMNIST have the same format.
///
/// The images stay bytes in memory; an item is an `F32` image `[1, 28, 28]` with values from 0 to 1, or normalised by
/// [`Mnist::normalize`], and an `I64` label.
///
/// ```no_run
/// use rustorch::{data::DataLoader, vision::datasets::Mnist};
/// let train = Mnist::new("examples/data/mnist", true)?.normalize(0.1307, 0.3081);
/// let loader = DataLoader::builder(train).batch_size(64).shuffle(true).build()?;
/// for batch in &loader {
///     let (images, labels) = batch?;
///     assert_eq!(images.shape()[1..], [1, 28, 28]);
///     assert_eq!(labels.rank(), 1);
/// }
/// # Ok::<(), rustorch::Error>(())
/// ```
pub struct Mnist {
    images: Tensor,
    labels: Tensor,
    /// What brightness, from 0 to 255, is multiplied by, and what is added then.
    scale: f64,
    shift: f64,
}

const SIDE: usize = 28;
const CLASSES: u8 = 10;

impl Mnist {
    /// Reads the official files in a directory, packed by gzip or not: `train-images-idx3-ubyte.gz` and
    /// `train-labels-idx1-ubyte.gz`, or for testing `t10k-…`.
    ///
    /// # Errors
    /// If a file is missing, cut off or damaged, has the wrong magic number or sizes, a label above 9, or not as many
    /// labels as images. The message names the file, what was found and what was expected.
    pub fn new(directory: impl AsRef<Path>, train: bool) -> Result<Self> {
        let directory = directory.as_ref();
        let part = if train { "train" } else { "t10k" };
        let mut images = idx::open(directory, &format!("{part}-images-idx3-ubyte"), &[SIDE, SIDE])?;
        let mut labels = idx::open(directory, &format!("{part}-labels-idx1-ubyte"), &[])?;
        let count = check_counts(&images, &labels)?;
        let numbers = numbers(&mut labels)?;
        Ok(Self {
            images: Tensor::from_vec(images.read()?, [count, 1, SIDE, SIDE])?,
            labels: Tensor::from_vec(numbers, [count])?,
            scale: 1.0 / 255.0,
            shift: 0.0,
        })
    }

    /// The dataset with items normalised: `(x - mean) / std`, where `x` goes from 0 to 1. For the training digits the
    /// mean is 0.1307 and the standard deviation 0.3081.
    pub fn normalize(mut self, mean: f64, std: f64) -> Self {
        (self.scale, self.shift) = (1.0 / (255.0 * std), -mean / std);
        self
    }

    /// All images as bytes, `[n, 1, 28, 28]`.
    pub fn images(&self) -> &Tensor {
        &self.images
    }

    /// All labels, `[n]` of `I64`.
    pub fn labels(&self) -> &Tensor {
        &self.labels
    }

    /// Bytes as they appear in items.
    fn to_floats(&self, bytes: &Tensor) -> Result<Tensor> {
        let floats = bytes.to_dtype(DType::F32);
        floats.mul_(self.scale)?;
        if self.shift != 0.0 {
            floats.add_(self.shift)?;
        }
        Ok(floats)
    }
}

impl Dataset for Mnist {
    type Item = (Tensor, i64);

    fn len(&self) -> usize {
        self.labels.numel()
    }

    fn get(&self, index: usize) -> Result<(Tensor, i64)> {
        check_index("Mnist", index, self.len())?;
        let at = index as isize;
        no_grad(|| Ok((self.to_floats(&self.images.select(0, at)?)?, self.labels.select(0, at)?.item()?)))
    }

    fn batch(&self, indices: &[usize]) -> Result<(Tensor, Tensor)> {
        for &index in indices {
            check_index("Mnist", index, self.len())?;
        }
        let index = index_tensor(indices)?;
        no_grad(|| {
            let images = self.to_floats(&self.images.index_select(0, &index)?)?;
            Ok((images, self.labels.index_select(0, &index)?))
        })
    }
}

fn refuse<T>(file: &Idx, message: String) -> Result<T> {
    Err(Error::Format { path: file.path.display().to_string(), message })
}

/// How many images and labels the headers announce.
fn check_counts(images: &Idx, labels: &Idx) -> Result<usize> {
    if images.shape[0] == 0 {
        return refuse(images, "there are no images".into());
    }
    if labels.shape[0] != images.shape[0] {
        return refuse(
            labels,
            format!(
                "{} labels, but {} has {} images",
                labels.shape[0],
                images.path.display(),
                images.shape[0]
            ),
        );
    }
    Ok(images.shape[0])
}

fn numbers(labels: &mut Idx) -> Result<Vec<i64>> {
    let bytes = labels.read()?;
    if let Some(at) = bytes.iter().position(|&label| label >= CLASSES) {
        return refuse(labels, format!("label {at} is {}, expected 0 to {}", bytes[at], CLASSES - 1));
    }
    Ok(bytes.into_iter().map(i64::from).collect())
}
