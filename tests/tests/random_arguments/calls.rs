//! Everything else: creation, random numbers, indices, formulas, data, optimisers.

use rustorch::data::{DataLoader, RandomSampler, Sampler, TensorDataset, WeightedRandomSampler};

use rustorch::nn::init;
use rustorch::optim::scheduler::{
    CosineAnnealingLR, CyclicLR, ExponentialLR, OneCycleLR, PolynomialLR, StepLR,
};
use rustorch::optim::{self, Optimizer, clip_grad_norm_};
use rustorch::{DType, Result, Tensor, einsum, manual_seed, rearrange, reduce, repeat};
use rustorch_tests::turns::turn;

use super::{Choices, Outcomes, finish};

/// How often everything is called.
const ROUNDS: usize = 400;

impl Choices {
    fn integer(&mut self) -> i64 {
        [i64::MIN, i64::MAX, -1, 0, 1, 2, 3, 100][self.below(8) as usize]
    }

    fn dtype(&mut self) -> DType {
        use DType::*;
        [F32, F64, F16, BF16, U8, I8, I16, I32, I64, Bool, Complex64, Complex128][self.below(12) as usize]
    }

    fn shape(&mut self) -> Vec<usize> {
        (0..self.below(4)).map(|_| self.size()).collect()
    }

    fn any(&mut self) -> Result<Tensor> {
        let rank = self.below(4) as usize;
        self.tensor(rank)
    }

    fn indices(&mut self) -> Result<Tensor> {
        let shape: Vec<usize> = (0..self.below(3)).map(|_| self.below(4) as usize).collect();
        let high = [1, 3, 6][self.below(3) as usize];
        let dtype = [DType::I64, DType::I32, DType::U8, DType::F32][self.below(4) as usize];
        Ok(Tensor::randint(-1, high, shape).to_dtype(dtype))
    }

    /// Text of these characters.
    fn text(&mut self, characters: &str) -> String {
        let all: Vec<char> = characters.chars().collect();
        (0..self.below(12)).map(|_| all[self.below(all.len() as u64) as usize]).collect()
    }
}

type Call = fn(&mut Choices) -> Result<()>;

fn done<T>(result: Result<T>) -> Result<()> {
    result.map(drop)
}

const CALLS: &[(&str, Call)] = &[
    ("zeros", |c| finish(&[&Tensor::zeros_with(c.shape(), c.dtype())])),
    ("full", |c| finish(&[&Tensor::full_with(c.shape(), c.number(), c.dtype())])),
    ("arange", |c| finish(&[&Tensor::arange_with(c.number(), c.number(), c.number(), c.dtype())?])),
    ("arange of integers", |c| finish(&[&Tensor::arange(c.integer(), c.integer(), c.integer())?])),
    ("linspace", |c| finish(&[&Tensor::linspace_with(c.number(), c.number(), c.size(), c.dtype())])),
    ("logspace", |c| {
        finish(&[&Tensor::logspace_with(c.number(), c.number(), c.size(), c.number(), c.dtype())])
    }),
    ("eye", |c| finish(&[&Tensor::eye_with(c.size(), c.size(), c.dtype())])),
    ("tril_indices", |c| finish(&[&Tensor::tril_indices(c.size(), c.size(), c.axis())])),
    ("rand", |c| finish(&[&Tensor::rand_with(c.shape(), c.dtype())])),
    ("randint", |c| finish(&[&Tensor::randint_with(c.integer(), c.integer(), c.shape(), c.dtype())])),
    ("randperm", |c| finish(&[&Tensor::randperm(c.size())])),
    ("normal", |c| finish(&[&Tensor::normal(c.number(), c.number(), c.shape())?])),
    ("uniform_", |c| done(c.any()?.uniform_(c.number(), c.number()))),
    ("random_", |c| done(c.any()?.random_(c.integer(), c.integer()))),
    ("bernoulli_", |c| done(c.any()?.bernoulli_(c.number()))),
    ("bernoulli", |c| finish(&[&c.any()?.bernoulli()?])),
    ("exponential_", |c| done(c.any()?.exponential_(c.number()))),
    ("cauchy_", |c| done(c.any()?.cauchy_(c.number(), c.number()))),
    ("log_normal_", |c| done(c.any()?.log_normal_(c.number(), c.number()))),
    ("geometric_", |c| done(c.any()?.geometric_(c.number()))),
    ("multinomial", |c| finish(&[&c.any()?.multinomial(c.size(), c.flag())?])),
    ("normal_around", |c| finish(&[&c.any()?.normal_around(c.number())?])),
    ("from_vec", |c| done(Tensor::from_vec(vec![1.0f32; 6], c.shape()))),
    ("view", |c| done(c.any()?.view([c.axis(), c.axis()]))),
    ("expand", |c| done(c.any()?.expand([c.axis(), c.axis(), c.axis()]))),
    ("as_strided", |c| done(c.any()?.as_strided(&c.shape(), &c.shape(), c.size()))),
    ("unfold", |c| finish(&[&c.any()?.unfold(c.axis(), c.size(), c.size())?])),
    ("slice", |c| finish(&[&c.any()?.slice(c.axis(), c.axis(), c.axis(), c.size())?])),
    ("narrow", |c| finish(&[&c.any()?.narrow(c.axis(), c.size(), c.size())?])),
    ("diagonal", |c| finish(&[&c.any()?.diagonal(c.axis(), c.axis(), c.axis())?])),
    ("diag_embed", |c| done(c.any()?.diag_embed(c.axis(), c.axis(), c.axis()))),
    ("split", |c| done(c.any()?.split(c.size(), c.axis()))),
    ("chunk", |c| done(c.any()?.chunk(c.size(), c.axis()))),
    ("repeat", |c| done(c.any()?.repeat(c.shape()))),
    ("roll", |c| finish(&[&c.any()?.roll([c.axis()], [c.axis()])?])),
    ("rot90", |c| finish(&[&c.any()?.rot90(c.axis(), [c.axis(), c.axis()])?])),
    ("i", |c| finish(&[&c.any()?.i((c.axis(), c.indices()?))?])),
    ("set", |c| done(c.any()?.detach().set((c.indices()?, c.axis()), &c.any()?))),
    ("gather", |c| finish(&[&c.any()?.gather(c.axis(), &c.indices()?)?])),
    ("scatter_add", |c| finish(&[&c.any()?.scatter_add(c.axis(), &c.indices()?, &c.any()?)?])),
    ("index_add", |c| finish(&[&c.any()?.index_add(c.axis(), &c.indices()?, &c.any()?)?])),
    ("take", |c| finish(&[&c.any()?.take(&c.indices()?)?])),
    ("bincount", |c| finish(&[&c.indices()?.bincount(Some(&c.any()?), c.size())?])),
    ("histc", |c| finish(&[&c.any()?.histc(c.size(), c.number(), c.number())?])),
    ("topk", |c| finish(&[&c.any()?.topk(c.size(), c.axis(), c.flag(), c.flag())?.0])),
    ("kthvalue", |c| finish(&[&c.any()?.kthvalue(c.size(), c.axis(), c.flag())?.0])),
    ("norm_dim", |c| finish(&[&c.any()?.norm_dim(c.number(), [c.axis(), c.axis()], c.flag())?])),
    ("var_dim", |c| finish(&[&c.any()?.var_dim(c.axis(), c.number(), c.flag())?])),
    ("matmul", |c| finish(&[&c.any()?.matmul(&c.any()?)?])),
    ("einsum", |c| finish(&[&einsum(&c.text("aab,->. .."), &[&c.any()?, &c.any()?])?])),
    ("rearrange", |c| finish(&[&rearrange(&c.any()?, &c.text("a b()->... 12_"), &[("a", c.size())])?])),
    ("reduce", |c| finish(&[&reduce(&c.any()?, &c.text("a b()->..."), "mean", &[("a", c.size())])?])),
    ("einops repeat", |c| {
        finish(&[&repeat(&c.any()?, "... -> ... a b", &[("a", c.size()), ("b", c.size())])?])
    }),
    ("init", |c| {
        let tensor = c.any()?.detach();
        done(init::xavier_uniform_(&tensor, c.number()))?;
        done(init::trunc_normal_(&tensor, c.number(), c.number(), c.number(), c.number()))?;
        done(init::dirac_(&tensor, c.size()))?;
        done(init::sparse_(&tensor, c.number(), c.number()))
    }),
    ("orthogonal_", |c| done(init::orthogonal_(&c.any()?.detach(), c.number()))),
    ("loader", |c| {
        let data = TensorDataset::new(Tensor::zeros([c.below(5) as usize, 2]))?;
        let loader = DataLoader::builder(data).batch_size(c.size()).drop_last(c.flag()).shuffle(c.flag());
        let workers = c.below(3) as usize;
        let loader = loader.num_workers(workers).prefetch_factor(c.size()).build()?;
        loader.iter().try_for_each(done)
    }),
    ("sampler", |c| {
        let draws = c.below(5) as usize;
        let _ = RandomSampler::with_replacement(c.size(), draws)?.sample();
        let weights: Vec<f64> = (0..c.below(4)).map(|_| c.number()).collect();
        let _ = WeightedRandomSampler::new(&weights, draws)?.sample();
        Ok(())
    }),
    ("clip_grad_norm_", |c| {
        let leaf = Tensor::ones([2]).requires_grad_(true)?;
        leaf.sum().backward()?;
        done(clip_grad_norm_(&[leaf], c.number(), c.number()))
    }),
    ("AdamW", |c| {
        let builder = optim::AdamW::builder([parameter(c)?]).lr(c.number()).betas((c.number(), c.number()));
        builder.eps(c.number()).weight_decay(c.number()).build()?.step()
    }),
    ("SGD", |c| {
        let builder = optim::SGD::builder([parameter(c)?]).lr(c.number()).momentum(c.number());
        builder.dampening(c.number()).weight_decay(c.number()).nesterov(c.flag()).build()?.step()
    }),
    ("schedulers", |c| {
        let mut optimiser = optim::SGD::new([parameter(c)?], 0.1);
        let optimiser = &mut optimiser;
        match c.below(6) {
            0 => StepLR::new(optimiser, c.size(), c.number())?.step(optimiser),
            1 => ExponentialLR::new(optimiser, c.number())?.step(optimiser),
            2 => CosineAnnealingLR::new(optimiser, c.size(), c.number())?.step(optimiser),
            3 => OneCycleLR::new(optimiser, c.number(), c.size())?.step(optimiser),
            4 => CyclicLR::new(optimiser, c.number(), c.number(), c.size())?.step(optimiser),
            _ => PolynomialLR::new(optimiser, c.size(), c.number())?.step(optimiser),
        }?;
        optimiser.step()
    }),
];

fn parameter(choices: &mut Choices) -> Result<Tensor> {
    let parameter = choices.any()?;
    finish(&[&parameter.mul(2.0)?])?;
    Ok(parameter)
}

#[test]
fn random_arguments() {
    let _turn = turn();
    manual_seed(0);
    let (mut choices, mut outcomes) = (Choices(11), Outcomes::default());
    for _ in 0..ROUNDS {
        for (name, call) in CALLS {
            let mut what = format!("{name} from {}", choices.0);
            outcomes.call(&mut what, |_| call(&mut choices));
        }
    }
    outcomes.check(4000);
}
