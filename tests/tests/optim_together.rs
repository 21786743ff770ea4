//! Optimisers update all parameters in one loop: the same bits as one by one, and nothing is allocated.

use rustorch::kernels::parallel::set_num_threads;
use rustorch::optim::{Optimizer, clip_grad_norm_};
use rustorch::prelude::*;
use rustorch::{DType, Result, manual_seed, optim};
use rustorch_tests::allocations::{Counting, count};
use rustorch_tests::turns::turn;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Parameters of many sizes, one of them transposed, one of another dtype, with gradients; one has none.
fn parameters() -> Result<Vec<Tensor>> {
    manual_seed(5);
    let shapes: [&[usize]; 7] = [&[3], &[], &[70, 61], &[4096], &[4097], &[130, 100], &[5, 9]];
    let mut all = Vec::new();
    for (at, shape) in shapes.iter().enumerate() {
        let mut parameter = Tensor::randn(*shape);
        if at == 5 {
            parameter = parameter.t()?.detach();
        }
        if at == 6 {
            parameter = parameter.to_dtype(DType::F64);
        }
        all.push(parameter.requires_grad_(true)?);
    }
    Ok(all)
}

fn give_gradients(parameters: &[Tensor], round: u64) -> Result<()> {
    manual_seed(100 + round);
    for (at, parameter) in parameters.iter().enumerate() {
        let gradient = Tensor::randn(parameter.shape()).to_dtype(parameter.dtype());
        parameter.set_grad((at != 3).then_some(gradient))?;
    }
    Ok(())
}

/// All elements after a few steps of optimisers that have these parameters each.
fn bits(parameters: &[Tensor], mut optimisers: Vec<Box<dyn Optimizer>>, threads: usize) -> Result<Vec<u64>> {
    set_num_threads(threads);
    for round in 0..3 {
        give_gradients(parameters, round)?;
        optimisers.iter_mut().try_for_each(|optimiser| optimiser.step())?;
    }
    let mut bits = Vec::new();
    for parameter in parameters {
        bits.extend(parameter.to_dtype(DType::F64).to_vec::<f64>()?.iter().map(|value| value.to_bits()));
    }
    Ok(bits)
}

#[test]
fn together_as_one_by_one() -> Result<()> {
    let _turn = turn();
    type Make = fn(Vec<Tensor>) -> Box<dyn Optimizer>;
    let all: [(&str, Make); 9] = [
        ("SGD", |p| Box::new(optim::SGD::new(p, 0.1))),
        ("momentum", |p| {
            Box::new(optim::SGD::builder(p).lr(0.1).momentum(0.9).build().expect("good options"))
        }),
        ("Adam", |p| Box::new(optim::Adam::new(p, 0.1))),
        ("amsgrad", |p| Box::new(optim::Adam::builder(p).amsgrad(true).build().expect("good options"))),
        ("AdamW", |p| Box::new(optim::AdamW::new(p, 0.1))),
        ("NAdam", |p| Box::new(optim::NAdam::new(p, 0.1))),
        ("ASGD", |p| Box::new(optim::ASGD::new(p, 0.1))),
        ("Rprop", |p| Box::new(optim::Rprop::new(p, 0.1))),
        ("RMSprop", |p| Box::new(optim::RMSprop::new(p, 0.1))),
    ];
    for (name, make) in all {
        let (together, apart) = (parameters()?, parameters()?);
        let one = vec![make(together.clone())];
        let each = apart.iter().map(|parameter| make(vec![parameter.clone()])).collect();
        assert!(bits(&together, one, 2)? == bits(&apart, each, 1)?, "{name}");
    }
    Ok(())
}

#[test]
fn parameters_that_share_memory_are_updated_in_turn() -> Result<()> {
    let _turn = turn();
    set_num_threads(2);
    let whole = Tensor::ones([20_000]);
    let first = whole.detach().requires_grad_(true)?;
    let second = whole.narrow(0, 0, 10_000)?.detach().requires_grad_(true)?;
    let mut optimiser = optim::SGD::new([first.clone(), second.clone()], 0.25);
    first.set_grad(Some(Tensor::ones([20_000])))?;
    second.set_grad(Some(Tensor::ones([10_000])))?;
    optimiser.step()?;
    let values = whole.to_vec::<f32>()?;
    assert!(values[..10_000].iter().all(|value| *value == 0.5));
    assert!(values[10_000..].iter().all(|value| *value == 0.75));
    Ok(())
}

#[test]
fn an_error_of_one_parameter_leaves_no_half_done_step() -> Result<()> {
    let _turn = turn();
    let good = Tensor::ones([3]).requires_grad_(true)?;
    let bad = Tensor::ones([3]).requires_grad_(true)?;
    let mut optimiser = optim::Adam::new([good.clone(), bad.clone()], 0.5);
    for parameter in [&good, &bad] {
        parameter.set_grad(Some(Tensor::ones([3])))?;
    }
    optimiser.step()?;
    // The next steps go on as if nothing had been remembered from the one before.
    bad.set_grad(None)?;
    let before = good.to_vec::<f32>()?;
    optimiser.step()?;
    assert!(good.to_vec::<f32>()?.iter().zip(&before).all(|(a, b)| a < b));
    assert_eq!(bad.to_vec::<f32>()?, before);
    Ok(())
}

#[test]
fn nothing_is_allocated() -> Result<()> {
    let _turn = turn();
    set_num_threads(1);
    let all: Vec<Tensor> =
        (0..90).map(|at| Tensor::randn([at + 1, 7]).requires_grad_(true)).collect::<Result<_>>()?;
    for parameter in &all {
        parameter.set_grad(Some(Tensor::randn(parameter.shape())))?;
    }
    let mut adam = optim::AdamW::new(all.clone(), 1e-3);
    let mut sgd = optim::SGD::new(all.clone(), 1e-3);
    for _ in 0..2 {
        adam.step()?;
        sgd.step()?;
    }
    let before = count();
    for _ in 0..5 {
        adam.step()?;
        sgd.step()?;
    }
    assert_eq!(count() - before, 0, "allocations in ten steps");
    Ok(())
}

#[test]
fn the_norm_of_all_gradients() -> Result<()> {
    let _turn = turn();
    let all = parameters()?;
    let plain: Vec<Tensor> = all[..5].to_vec();
    for (threads, clipped) in [(1, &plain), (2, &plain), (2, &all)] {
        set_num_threads(threads);
        give_gradients(clipped, 0)?;
        let given: Vec<Vec<f64>> = clipped
            .iter()
            .filter_map(Tensor::grad)
            .map(|gradient| gradient.to_dtype(DType::F64).to_vec())
            .collect::<Result<_>>()?;
        let expected = given.iter().flatten().map(|value| value * value).sum::<f64>().sqrt();
        let norm = clip_grad_norm_(clipped, 2.0, 2.0)?;
        assert!((norm - expected).abs() < 1e-10 * expected, "{norm} is not {expected}");
        for (gradient, before) in clipped.iter().filter_map(Tensor::grad).zip(&given) {
            for (a, b) in gradient.to_dtype(DType::F64).to_vec::<f64>()?.iter().zip(before) {
                assert!((a - b * 2.0 / expected).abs() < 1e-6);
            }
        }
        // What is short enough stays as it is.
        let version = clipped[0].grad().expect("it was given").version();
        assert!(clip_grad_norm_(clipped, 3.0, 2.0)? < 2.001);
        assert_eq!(clipped[0].grad().expect("as above").version(), version);
    }
    let bad = Tensor::ones([2]).requires_grad_(true)?;
    bad.set_grad(Some(Tensor::from([f32::NAN, 1.0])))?;
    assert!(clip_grad_norm_(std::slice::from_ref(&bad), 1.0, 2.0)?.is_nan());
    assert!(bad.grad().expect("it was given").to_vec::<f32>()?.iter().all(|value| value.is_nan()));
    Ok(())
}
