//! The loader.

use std::sync::Arc;

use super::workers::Workers;
use super::{Collate, Dataset, RandomSampler, Sampler, SequentialSampler};
use crate::{Error, Result};

/// Makes a batch of the items with these indices.
pub(super) type Fetch<D, B> = Arc<dyn Fn(&D, &[usize]) -> Result<B> + Send + Sync>;

/// Batches of a dataset (`torch.utils.data.DataLoader`). Every pass over it is an epoch: `for batch in &loader`.
///
/// With workers, threads make batches ahead of time; batches come in the same order whatever their number. An item that
/// cannot be read, or a worker that panics, makes the batch an error, and the next batches follow. Where the threads cannot
/// be started, an error is the only item. Leaving the loop early ends the threads.
pub struct DataLoader<D, B> {
    dataset: Arc<D>,
    sampler: Box<dyn Sampler>,
    fetch: Fetch<D, B>,
    batch_size: usize,
    drop_last: bool,
    num_workers: usize,
    prefetch_factor: usize,
}

/// The options of a [`DataLoader`], with PyTorch's defaults.
pub struct DataLoaderBuilder<D> {
    dataset: Arc<D>,
    sampler: Option<Box<dyn Sampler>>,
    batch_size: usize,
    shuffle: bool,
    seed: Option<u64>,
    drop_last: bool,
    num_workers: usize,
    prefetch_factor: usize,
}

impl<D: Dataset + 'static> DataLoader<D, ()> {
    /// A loader of a dataset; an `Arc` of one is one too.
    pub fn builder(dataset: D) -> DataLoaderBuilder<D> {
        DataLoaderBuilder {
            dataset: Arc::new(dataset),
            sampler: None,
            batch_size: 1,
            shuffle: false,
            seed: None,
            drop_last: false,
            num_workers: 0,
            prefetch_factor: 2,
        }
    }
}

impl<D: Dataset + 'static> DataLoaderBuilder<D> {
    /// Items per batch; 1 unless set.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// Whether every epoch has an order of its own, at random.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// The seed of the orders; without it they come from the default generator, which
    /// [`manual_seed`](crate::manual_seed) seeds.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Chooses the items of every epoch. Not together with `shuffle`.
    pub fn sampler(mut self, sampler: impl Sampler + 'static) -> Self {
        self.sampler = Some(Box::new(sampler));
        self
    }

    /// Whether to leave out the last batch if it is not full.
    pub fn drop_last(mut self, drop_last: bool) -> Self {
        self.drop_last = drop_last;
        self
    }

    /// The threads that make batches ahead of time; 0 for none: batches are made when asked for.
    pub fn num_workers(mut self, num_workers: usize) -> Self {
        self.num_workers = num_workers;
        self
    }

    /// Batches that each worker makes ahead of time; 2 unless set.
    pub fn prefetch_factor(mut self, prefetch_factor: usize) -> Self {
        self.prefetch_factor = prefetch_factor;
        self
    }

    /// The loader, which puts items together by [`Collate`].
    ///
    /// # Errors
    /// If the dataset is empty, `batch_size` or (with workers) `prefetch_factor` is 0, or there are both a sampler and
    /// `shuffle`.
    pub fn build(self) -> Result<DataLoader<D, <D::Item as Collate>::Batch>>
    where
        D::Item: Collate,
    {
        self.finish(Arc::new(|dataset: &D, indices: &[usize]| dataset.batch(indices)))
    }

    /// The loader, which puts items together by a function.
    ///
    /// # Errors
    /// As [`DataLoaderBuilder::build`].
    pub fn build_with<B: Send + 'static>(
        self,
        collate: impl Fn(Vec<D::Item>) -> Result<B> + Send + Sync + 'static,
    ) -> Result<DataLoader<D, B>> {
        self.finish(Arc::new(move |dataset: &D, indices: &[usize]| {
            collate(indices.iter().map(|&index| dataset.get(index)).collect::<Result<Vec<_>>>()?)
        }))
    }

    fn finish<B>(self, fetch: Fetch<D, B>) -> Result<DataLoader<D, B>> {
        let refuse = |message: &str| Err(Error::argument("DataLoader", message));
        let len = self.dataset.len();
        if len == 0 {
            return refuse("the dataset is empty");
        }
        if self.batch_size == 0 {
            return refuse("batch_size is 0, expected at least 1");
        }
        if self.num_workers > 0 && self.prefetch_factor == 0 {
            return refuse("prefetch_factor is 0, expected at least 1 with workers");
        }
        let sampler: Box<dyn Sampler> = match (self.sampler, self.shuffle, self.seed) {
            (Some(_), true, _) => return refuse("a sampler and `shuffle` exclude each other"),
            (Some(sampler), false, _) => sampler,
            (None, true, Some(seed)) => Box::new(RandomSampler::new(len).seed(seed)),
            (None, true, None) => Box::new(RandomSampler::new(len)),
            (None, false, _) => Box::new(SequentialSampler::new(len)),
        };
        Ok(DataLoader {
            dataset: self.dataset,
            sampler,
            fetch,
            batch_size: self.batch_size,
            drop_last: self.drop_last,
            num_workers: self.num_workers,
            prefetch_factor: self.prefetch_factor,
        })
    }
}

impl<D: Dataset + 'static, B: Send + 'static> DataLoader<D, B> {
    /// The number of batches in an epoch.
    pub fn len(&self) -> usize {
        let items = self.sampler.len();
        if self.drop_last { items / self.batch_size } else { items.div_ceil(self.batch_size) }
    }

    /// Whether an epoch has no batches.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The dataset.
    pub fn dataset(&self) -> &Arc<D> {
        &self.dataset
    }

    /// Items per batch.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The next epoch.
    pub fn iter(&self) -> DataLoaderIter<D, B> {
        let indices = self.sampler.sample();
        let mut batches: Vec<Vec<usize>> = indices.chunks(self.batch_size).map(<[usize]>::to_vec).collect();
        if self.drop_last && batches.last().is_some_and(|last| last.len() < self.batch_size) {
            batches.pop();
        }
        let (dataset, fetch) = (self.dataset.clone(), self.fetch.clone());
        DataLoaderIter(match self.num_workers {
            0 => Source::Here { dataset, fetch, batches: batches.into_iter() },
            workers => {
                let ahead = workers.saturating_mul(self.prefetch_factor);
                match Workers::start(dataset, fetch, batches, workers, ahead) {
                    Ok(threads) => Source::Threads(threads),
                    Err(error) => Source::Failed(Some(error)),
                }
            }
        })
    }
}

impl<D: Dataset + 'static, B: Send + 'static> IntoIterator for &DataLoader<D, B> {
    type Item = Result<B>;
    type IntoIter = DataLoaderIter<D, B>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The batches of an epoch; made by [`DataLoader::iter`].
pub struct DataLoaderIter<D, B>(Source<D, B>);

enum Source<D, B> {
    /// Batches are made when asked for.
    Here { dataset: Arc<D>, fetch: Fetch<D, B>, batches: std::vec::IntoIter<Vec<usize>> },
    /// Threads make them ahead of time.
    Threads(Workers<B>),
    /// The threads could not be started: the only item says why.
    Failed(Option<Error>),
}

impl<D, B> Iterator for DataLoaderIter<D, B> {
    type Item = Result<B>;

    fn next(&mut self) -> Option<Result<B>> {
        match &mut self.0 {
            Source::Here { dataset, fetch, batches } => {
                batches.next().map(|indices| fetch(dataset, &indices))
            }
            Source::Threads(workers) => workers.next(),
            Source::Failed(error) => error.take().map(Err),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.0 {
            Source::Here { batches, .. } => batches.len(),
            Source::Threads(workers) => workers.left(),
            Source::Failed(error) => usize::from(error.is_some()),
        };
        (left, Some(left))
    }
}

impl<D, B> ExactSizeIterator for DataLoaderIter<D, B> {}
