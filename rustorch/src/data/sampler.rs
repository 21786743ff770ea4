//! In which order the items of a dataset are taken.

use std::sync::Arc;

use crate::random::{Generator, default_generator};
use crate::{Error, Result};

/// Chooses the items of an epoch, and their order (`torch.utils.data.Sampler`).
pub trait Sampler: Send + Sync {
    /// The number of items in an epoch.
    fn len(&self) -> usize;

    /// The indices of the next epoch.
    fn sample(&self) -> Vec<usize>;

    /// Whether an epoch has no items.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// All items in order (`SequentialSampler`).
#[derive(Debug, Clone, Copy)]
pub struct SequentialSampler {
    len: usize,
}

impl SequentialSampler {
    /// The indices below `len`.
    pub fn new(len: usize) -> Self {
        Self { len }
    }
}

impl Sampler for SequentialSampler {
    fn len(&self) -> usize {
        self.len
    }
    fn sample(&self) -> Vec<usize> {
        (0..self.len).collect()
    }
}

/// Where random samplers take their numbers from: a generator of their own, or the default one.
#[derive(Debug, Clone, Default)]
struct Source(Option<Arc<Generator>>);

impl Source {
    fn get(&self) -> &Generator {
        match &self.0 {
            Some(own) => own,
            None => default_generator(),
        }
    }
}

/// Items at random (`RandomSampler`): each once, or with replacement.
#[derive(Debug, Clone)]
pub struct RandomSampler {
    len: usize,
    /// The number of items drawn with replacement, if so.
    draws: Option<usize>,
    source: Source,
}

impl RandomSampler {
    /// Every index below `len` once, in random order.
    pub fn new(len: usize) -> Self {
        Self { len, draws: None, source: Source::default() }
    }

    /// `draws` indices below `len`, each drawn from all of them.
    ///
    /// # Errors
    /// If there is nothing to draw from.
    #[inline]
    pub fn with_replacement(len: usize, draws: usize) -> Result<Self> {
        if len == 0 && draws > 0 {
            return Err(Error::argument("RandomSampler", format!("cannot draw {draws} items from none")));
        }
        Ok(Self { len, draws: Some(draws), source: Source::default() })
    }

    /// Takes the numbers from a generator with this seed rather than from the default one.
    pub fn seed(mut self, seed: u64) -> Self {
        self.source = Source(Some(Arc::new(Generator::new(seed))));
        self
    }
}

impl Sampler for RandomSampler {
    fn len(&self) -> usize {
        self.draws.unwrap_or(self.len)
    }
    fn sample(&self) -> Vec<usize> {
        match self.draws {
            None => self.source.get().permutation(self.len),
            Some(draws) => {
                let uniform = uniform(self.source.get(), draws);
                uniform.map(|u| ((u * self.len as f64) as usize).min(self.len - 1)).collect()
            }
        }
    }
}

/// Some items, each once, in random order (`SubsetRandomSampler`).
#[derive(Debug, Clone)]
pub struct SubsetRandomSampler {
    indices: Vec<usize>,
    source: Source,
}

impl SubsetRandomSampler {
    /// These indices.
    pub fn new(indices: Vec<usize>) -> Self {
        Self { indices, source: Source::default() }
    }

    /// Takes the numbers from a generator with this seed rather than from the default one.
    #[inline]
    pub fn seed(mut self, seed: u64) -> Self {
        self.source = Source(Some(Arc::new(Generator::new(seed))));
        self
    }
}

impl Sampler for SubsetRandomSampler {
    fn len(&self) -> usize {
        self.indices.len()
    }
    #[inline]
    fn sample(&self) -> Vec<usize> {
        let order = self.source.get().permutation(self.indices.len());
        order.into_iter().map(|at| self.indices[at]).collect()
    }
}

/// Items drawn with replacement, with probabilities in proportion to weights (`WeightedRandomSampler`): to balance
/// classes of different sizes.
#[derive(Debug, Clone)]
pub struct WeightedRandomSampler {
    /// The sums of the weights up to and including each item.
    sums: Vec<f64>,
    draws: usize,
    source: Source,
}

impl WeightedRandomSampler {
    /// `draws` indices, item `i` with a probability in proportion to `weights[i]`.
    ///
    /// # Errors
    /// If a weight is negative or not finite, or all are 0.
    ///
    /// ```
    /// use rustorch::data::{Sampler, WeightedRandomSampler};
    /// let sampler = WeightedRandomSampler::new(&[0.0, 1.0, 0.0], 5)?;
    /// assert_eq!(sampler.sample(), [1; 5]);
    /// # Ok::<(), rustorch::Error>(())
    /// ```
    #[inline]
    pub fn new(weights: &[f64], draws: usize) -> Result<Self> {
        const OP: &str = "WeightedRandomSampler";
        if let Some(at) = weights.iter().position(|weight| !weight.is_finite() || *weight < 0.0) {
            return Err(Error::argument(
                OP,
                format!("weight {at} is {}, expected a finite number, at least 0", weights[at]),
            ));
        }
        let mut sum = 0.0;
        let sums: Vec<f64> = weights
            .iter()
            .map(|weight| {
                sum += weight;
                sum
            })
            .collect();
        if sum == 0.0 {
            return Err(Error::argument(OP, format!("all of the {} weights are 0", weights.len())));
        }
        Ok(Self { sums, draws, source: Source::default() })
    }

    /// Takes the numbers from a generator with this seed rather than from the default one.
    #[inline]
    pub fn seed(mut self, seed: u64) -> Self {
        self.source = Source(Some(Arc::new(Generator::new(seed))));
        self
    }
}

impl Sampler for WeightedRandomSampler {
    fn len(&self) -> usize {
        self.draws
    }
    #[inline]
    fn sample(&self) -> Vec<usize> {
        let total = self.sums.last().copied().unwrap_or(0.0);
        // The first item whose sum exceeds the number drawn; items of weight 0 never do so first.
        let at = |u: f64| self.sums.partition_point(|&sum| sum <= u * total).min(self.sums.len() - 1);
        uniform(self.source.get(), self.draws).map(at).collect()
    }
}

/// Numbers from 0 up to but without 1, of 53 random bits.
fn uniform(generator: &Generator, count: usize) -> impl Iterator<Item = f64> {
    let stream = generator.reserve(count);
    (0..count).map(move |i| {
        let [a, b, c, d] = stream.block(i as u64 / 2);
        let (high, low) = if i % 2 == 0 { (a, b) } else { (c, d) };
        let bits = u64::from(high) << 32 | u64::from(low);
        (bits >> 11) as f64 / (1u64 << 53) as f64
    })
}
