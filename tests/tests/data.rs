//! Datasets, samplers and the loader.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rustorch::data::*;
use rustorch::random::Generator;
use rustorch::{Error, Result, Tensor};
use rustorch_tests::turns::turn;

/// `i` and its square; some items fail.
struct Squares {
    len: usize,
    fails: Option<usize>,
    panics: Option<usize>,
    calls: Arc<AtomicUsize>,
}

impl Squares {
    fn new(len: usize) -> Self {
        Self { len, fails: None, panics: None, calls: Arc::default() }
    }
}

impl Dataset for Squares {
    type Item = (i64, f32);
    fn len(&self) -> usize {
        self.len
    }
    fn get(&self, index: usize) -> Result<(i64, f32)> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        // Uneven work, so that workers finish out of order.
        std::thread::sleep(Duration::from_micros((index as u64 * 7919) % 300));
        if self.fails == Some(index) {
            return Err(Error::Format { path: "item".into(), message: format!("item {index} is broken") });
        }
        assert!(self.panics != Some(index), "item {index} panics");
        Ok((index as i64, (index * index) as f32))
    }
}

fn epoch(loader: &DataLoader<Squares, (Tensor, Tensor)>) -> Vec<Vec<i64>> {
    loader
        .iter()
        .map(|batch| {
            let (x, y) = batch.unwrap();
            let (x, y) = (x.to_vec::<i64>().unwrap(), y.to_vec::<f32>().unwrap());
            assert!(x.iter().zip(&y).all(|(x, y)| (x * x) as f32 == *y));
            x
        })
        .collect()
}

#[test]
fn batches_in_order() {
    let _turn = turn();
    let loader = DataLoader::builder(Squares::new(10)).batch_size(4).build().unwrap();
    assert_eq!((loader.len(), loader.iter().len()), (3, 3));
    assert_eq!(epoch(&loader), [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
    let loader = DataLoader::builder(Squares::new(10)).batch_size(4).drop_last(true).build().unwrap();
    assert_eq!(epoch(&loader), [[0, 1, 2, 3], [4, 5, 6, 7]]);
}

#[test]
fn the_order_does_not_depend_on_the_number_of_workers() {
    let _turn = turn();
    let with = |workers: usize| {
        let builder = DataLoader::builder(Squares::new(103)).batch_size(8).shuffle(true).seed(5);
        let loader = builder.num_workers(workers).build().unwrap();
        [epoch(&loader), epoch(&loader)]
    };
    let alone = with(0);
    assert_ne!(alone[0], alone[1], "every epoch has an order of its own");
    let mut all: Vec<i64> = alone[0].concat();
    all.sort_unstable();
    assert_eq!(all, (0..103).collect::<Vec<_>>());
    for workers in [1, 2, 5] {
        assert_eq!(with(workers), alone, "{workers} workers");
    }
}

#[test]
fn the_default_generator_decides_without_a_seed() {
    let _turn = turn();
    // The only test here that uses the default generator.
    let order = || {
        rustorch::manual_seed(3);
        epoch(&DataLoader::builder(Squares::new(20)).batch_size(20).shuffle(true).build().unwrap())
    };
    assert_eq!(order(), order());
}

#[test]
fn bad_options_are_errors() {
    let _turn = turn();
    let text = |result: Result<DataLoader<Squares, (Tensor, Tensor)>>| result.err().unwrap().to_string();
    let builder = || DataLoader::builder(Squares::new(10));
    assert_eq!(text(DataLoader::builder(Squares::new(0)).build()), "DataLoader: the dataset is empty");
    assert_eq!(text(builder().batch_size(0).build()), "DataLoader: batch_size is 0, expected at least 1");
    assert!(text(builder().num_workers(1).prefetch_factor(0).build()).contains("prefetch_factor is 0"));
    assert!(text(builder().shuffle(true).sampler(SequentialSampler::new(3)).build()).contains("exclude"));
}

#[test]
fn errors_and_panics_of_workers_become_items() {
    let _turn = turn();
    for workers in [0, 3] {
        let squares = Squares { fails: Some(5), ..Squares::new(12) };
        let loader = DataLoader::builder(squares).batch_size(4).num_workers(workers).build().unwrap();
        let batches: Vec<Result<(Tensor, Tensor)>> = loader.iter().collect();
        assert!(batches[0].is_ok() && batches[2].is_ok(), "the others are unharmed");
        let error = batches[1].as_ref().err().unwrap();
        assert_eq!(error.to_string(), "item: item 5 is broken");
    }
    let squares = Squares { panics: Some(9), ..Squares::new(12) };
    let loader = DataLoader::builder(squares).batch_size(4).num_workers(2).build().unwrap();
    let batches: Vec<Result<(Tensor, Tensor)>> = loader.iter().collect();
    assert_eq!(batches.len(), 3);
    let error = batches[2].as_ref().err().unwrap().to_string();
    assert_eq!(error, "DataLoader: a worker panicked while making batch 2: item 9 panics");
}

#[test]
fn leaving_early_ends_the_threads_and_prefetch_is_bounded() {
    let _turn = turn();
    let squares = Squares::new(1000);
    let calls = squares.calls.clone();
    let builder = DataLoader::builder(squares).num_workers(2).prefetch_factor(3);
    let loader = builder.build().unwrap();
    let mut batches = loader.iter();
    batches.next().unwrap().unwrap();
    std::thread::sleep(Duration::from_millis(50));
    drop(batches);
    let after = calls.load(Ordering::Relaxed);
    assert!(after <= 1 + 2 * 3, "{after} items were made, although only one was taken");
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(calls.load(Ordering::Relaxed), after, "no thread lives on");
}

#[test]
fn tensors_split_join_and_transform() {
    let _turn = turn();
    let x = Tensor::arange(0, 12, 1).unwrap().reshape([6, 2]).unwrap();
    let y = Tensor::arange(0, 6, 1).unwrap();
    let data = Arc::new(TensorDataset::new((x.clone(), y.clone())).unwrap());
    let (bx, by) = data.batch(&[4, 1]).unwrap();
    assert_eq!((bx.to_vec::<i64>().unwrap(), by.to_vec::<i64>().unwrap()), (vec![8, 9, 2, 3], vec![4, 1]));

    let subset = Subset::new(data.clone(), vec![5, 0]).unwrap();
    assert_eq!(subset.batch(&[0]).unwrap().1.to_vec::<i64>().unwrap(), [5]);
    assert_eq!(Subset::new(data.clone(), vec![6]).err().unwrap().to_string().matches('6').count(), 2);

    let parts = random_split(data.clone(), &[4, 2], &Generator::new(1)).unwrap();
    let mut indices: Vec<usize> = parts.iter().flat_map(|part| part.indices().to_vec()).collect();
    indices.sort_unstable();
    assert_eq!(indices, [0, 1, 2, 3, 4, 5]);
    assert!(random_split(data.clone(), &[4, 3], &Generator::new(1)).is_err());

    let joined = ConcatDataset::new(vec![data.clone(), data.clone()]).unwrap();
    assert_eq!(joined.len(), 12);
    assert_eq!(joined.get(7).unwrap().1.item::<i64>().unwrap(), 1);
    assert!(joined.get(12).is_err());

    let doubled = data.map(|(_, y)| Ok(y.item::<i64>()? * 2));
    let loader = DataLoader::builder(doubled).batch_size(3).build_with(Ok).unwrap();
    assert_eq!(loader.iter().map(Result::unwrap).collect::<Vec<_>>(), [[0, 2, 4], [6, 8, 10]]);

    let error = TensorDataset::new((x, Tensor::zeros([5]))).err().unwrap();
    assert_eq!(error.to_string(), "TensorDataset: tensor 1 has 5 items, but tensor 0 has 6 (axis 0)");
    assert!(TensorDataset::new(Tensor::zeros([])).is_err());
    let error = Collate::collate(vec![y, Tensor::zeros([2])]).unwrap_err();
    assert!(error.to_string().contains("item 1 of the batch is [2] float32"), "{error}");
}

#[test]
fn samplers_draw_what_they_should() {
    let _turn = turn();
    let draws = RandomSampler::with_replacement(3, 300).unwrap().seed(1).sample();
    assert!((0..3).all(|i| draws.iter().filter(|&&d| d == i).count() > 60));
    let mut subset = SubsetRandomSampler::new(vec![7, 3, 9]).seed(1).sample();
    subset.sort_unstable();
    assert_eq!(subset, [3, 7, 9]);
    let weighted = WeightedRandomSampler::new(&[1.0, 0.0, 3.0], 4000).unwrap().seed(2).sample();
    let threes = weighted.iter().filter(|&&i| i == 2).count();
    assert!((2850..3150).contains(&threes) && !weighted.contains(&1), "{threes}");
    for weights in [&[][..], &[0.0], &[1.0, -1.0], &[f64::NAN]] {
        assert!(WeightedRandomSampler::new(weights, 1).is_err(), "{weights:?}");
    }
}
