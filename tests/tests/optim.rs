//! Optimisers, schedulers and gradient clipping against PyTorch, and their refusals.

use rustorch::nn::StateDict;
use rustorch::optim::scheduler::*;
use rustorch::optim::*;
use rustorch::{DType, Result, Tensor};
use serde_json::Value;

type Made = Result<Box<dyn Optimizer>>;

fn golden() -> Value {
    serde_json::from_str(include_str!("../goldens/optim.json")).unwrap()
}

fn boxed(optimizer: Result<impl Optimizer + 'static>) -> Made {
    optimizer.map(|optimizer| Box::new(optimizer) as Box<dyn Optimizer>)
}

/// The optimisers of `goldens/optim.py`.
fn make(name: &str, p: Vec<Tensor>) -> Made {
    match name {
        "sgd" => boxed(SGD::builder(p).lr(0.1).build()),
        "sgd_momentum" => boxed(SGD::builder(p).lr(0.1).momentum(0.9).build()),
        "sgd_dampening" => {
            boxed(SGD::builder(p).lr(0.1).momentum(0.9).dampening(0.3).weight_decay(0.05).build())
        }
        "sgd_nesterov" => {
            boxed(SGD::builder(p).lr(0.05).momentum(0.8).nesterov(true).weight_decay(0.1).build())
        }
        "sgd_maximize" => boxed(SGD::builder(p).lr(0.05).momentum(0.5).maximize(true).build()),
        "adam" => boxed(Ok(Adam::new(p, 0.05))),
        "adam_options" => {
            boxed(Adam::builder(p).lr(0.05).betas((0.8, 0.95)).eps(1e-3).weight_decay(0.1).build())
        }
        "adam_amsgrad" => {
            boxed(Adam::builder(p).lr(0.05).betas((0.8, 0.5)).amsgrad(true).maximize(true).build())
        }
        "adamw" => boxed(Ok(AdamW::new(p, 0.05))),
        "adamw_options" => {
            let builder = AdamW::builder(p).lr(0.05).betas((0.7, 0.9)).eps(1e-4);
            boxed(builder.weight_decay(0.5).amsgrad(true).build())
        }
        "rmsprop" => boxed(Ok(RMSprop::new(p, 0.01))),
        "rmsprop_momentum" => boxed(RMSprop::builder(p).lr(0.01).momentum(0.9).weight_decay(0.1).build()),
        "rmsprop_centered" => boxed(RMSprop::builder(p).lr(0.01).alpha(0.9).eps(1e-3).centered(true).build()),
        "rmsprop_both" => {
            let builder = RMSprop::builder(p).lr(0.01).alpha(0.9).momentum(0.5);
            boxed(builder.centered(true).maximize(true).build())
        }
        "adagrad" => boxed(Ok(Adagrad::new(p, 0.1))),
        "adagrad_options" => {
            let builder = Adagrad::builder(p).lr(0.1).lr_decay(0.1).weight_decay(0.1);
            boxed(builder.initial_accumulator_value(0.5).eps(1e-3).build())
        }
        "adadelta" => boxed(Ok(Adadelta::new(p, 1.0))),
        "adadelta_options" => {
            boxed(Adadelta::builder(p).lr(0.5).rho(0.7).eps(1e-2).weight_decay(0.1).build())
        }
        "adamax" => boxed(Ok(Adamax::new(p, 0.05))),
        "adamax_options" => {
            boxed(Adamax::builder(p).lr(0.05).betas((0.7, 0.8)).eps(1e-3).weight_decay(0.1).build())
        }
        "nadam" => boxed(Ok(NAdam::new(p, 0.05))),
        "nadam_options" => {
            let builder = NAdam::builder(p).lr(0.05).betas((0.8, 0.9)).weight_decay(0.1);
            boxed(builder.momentum_decay(0.1).decoupled_weight_decay(true).build())
        }
        "radam" => boxed(Ok(RAdam::new(p, 0.05))),
        "radam_options" => {
            boxed(RAdam::builder(p).lr(0.05).betas((0.8, 0.9)).eps(1e-3).weight_decay(0.1).build())
        }
        "asgd" => {
            let builder = ASGD::builder(p).lr(0.1).lambd(0.1).alpha(0.5).t0(4.0);
            boxed(builder.weight_decay(0.1).build())
        }
        "rprop" => boxed(Rprop::builder(p).lr(0.1).etas((0.4, 1.3)).step_sizes((0.05, 0.3)).build()),
        "groups" => {
            let builder = AdamW::builder([]).lr(0.05);
            let builder = builder.group([p[0].clone()], |options| options.weight_decay = 0.3);
            boxed(builder.group([p[1].clone()], |options| options.lr = 0.2).build())
        }
        other => panic!("the golden file has an optimiser that the test does not know: {other}"),
    }
}

fn start(dtype: DType) -> Vec<Tensor> {
    let first = Tensor::from([[0.5f64, -1.0, 2.0], [0.0, 3.0, -0.25]]);
    let second = Tensor::from([1.0f64, -2.0, 0.125, 4.0]);
    [first, second].iter().map(|p| p.to_dtype(dtype).requires_grad_(true).unwrap()).collect()
}

fn gradient(step: usize, index: usize, like: &Tensor) -> Tensor {
    let number = |i: usize| (1.7 * step as f64 + 0.9 * i as f64 + 2.3 * index as f64).sin();
    let numbers: Vec<f64> = (0..like.numel()).map(number).collect();
    Tensor::from_vec(numbers, like.shape().to_vec()).unwrap().to_dtype(like.dtype())
}

/// Sets the gradients that the golden file was made with.
fn set_gradients(step: usize, parameters: &[Tensor]) {
    for (index, p) in parameters.iter().enumerate() {
        let grad = ((step, index) != (3, 1)).then(|| gradient(step, index, p));
        p.set_grad(grad).unwrap();
    }
}

fn values(parameters: &[Tensor]) -> Vec<f64> {
    parameters.iter().flat_map(|p| p.to_dtype(DType::F64).to_vec::<f64>().unwrap()).collect()
}

fn numbers(row: &Value) -> Vec<f64> {
    row.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[track_caller]
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= tolerance * (1.0 + e.abs()), "{what}: {found:?}, PyTorch has {expected:?}");
    }
}

#[test]
fn every_optimiser_follows_pytorch() {
    let golden = golden();
    for (dtype, tolerance) in [(DType::F32, 3e-6), (DType::F64, 1e-7)] {
        let cases = golden[dtype.name()].as_object().unwrap();
        assert!(cases.len() >= 26);
        for (name, rows) in cases {
            let parameters = start(dtype);
            let mut optimizer = make(name, parameters.clone()).unwrap();
            for (step, row) in rows.as_array().unwrap().iter().enumerate() {
                set_gradients(step, &parameters);
                optimizer.step().unwrap();
                assert_close(
                    &values(&parameters),
                    &numbers(row),
                    tolerance,
                    &format!("{name} {dtype} {step}"),
                );
            }
        }
    }
}

/// Moments that keep nothing are the gradient, also after one that is larger by more digits than a float has.
#[test]
fn a_large_gradient_is_forgotten() -> Result<()> {
    for dtype in [DType::F32, DType::F64] {
        let makers: [fn(Vec<Tensor>) -> Made; 3] = [
            |p| boxed(Adam::builder(p).lr(0.5).betas((0.0, 0.0)).eps(0.0).build()),
            |p| boxed(AdamW::builder(p).lr(0.5).betas((0.0, 0.0)).eps(0.0).weight_decay(0.0).build()),
            |p| boxed(Adamax::builder(p).lr(0.5).betas((0.0, 0.0)).eps(0.0).build()),
        ];
        for make in makers {
            let p = Tensor::from([2.0f64]).to_dtype(dtype).requires_grad_(true)?;
            let mut optimizer = make(vec![p.clone()])?;
            for (gradient, expected) in [(1e18f64, 1.5), (1e-3, 1.0), (-1e-3, 1.5)] {
                p.set_grad(Some(Tensor::from([gradient]).to_dtype(dtype)))?;
                optimizer.step()?;
                assert_close(&values(std::slice::from_ref(&p)), &[expected], 1e-6, "a step of the rate");
            }
        }
    }
    Ok(())
}

#[test]
fn a_state_dict_continues_the_trajectory() {
    let golden = golden();
    for (name, rows) in golden["float64"].as_object().unwrap() {
        let parameters = start(DType::F64);
        let mut optimizer = make(name, parameters.clone()).unwrap();
        let mut saved: Option<(StateDict, Vec<f64>)> = None;
        for step in 0..5 {
            set_gradients(step, &parameters);
            optimizer.step().unwrap();
            if step == 4 {
                saved = Some((optimizer.state_dict(), values(&parameters)));
            }
        }
        let (state, numbers_at) = saved.unwrap();
        let again = start(DType::F64);
        rustorch::no_grad(|| {
            for (copy, original) in again.iter().zip(&parameters) {
                copy.copy_(original).unwrap();
            }
        });
        assert_eq!(values(&again), numbers_at);
        // The options come from the state, too.
        let mut resumed = make(name, again.clone()).unwrap();
        resumed.set_lr(123.0);
        resumed.load_state_dict(&state).unwrap();
        for (step, row) in rows.as_array().unwrap().iter().enumerate().skip(5) {
            set_gradients(step, &again);
            resumed.step().unwrap();
            assert_close(&values(&again), &numbers(row), 1e-7, &format!("{name} resumed {step}"));
        }
        let mut incomplete: StateDict = state.into_iter().skip(1).collect();
        assert!(resumed.load_state_dict(&incomplete).unwrap_err().to_string().contains("missing"));
        incomplete.insert("state.9.exp_avg", Tensor::zeros([1]));
        assert!(resumed.load_state_dict(&incomplete).is_err());
    }
}

/// Sets the learning rates of the next epoch.
type Stepping = Box<dyn FnMut(&mut SGD) -> Result<()>>;

/// The schedulers of `goldens/optim.py`, as functions that set the learning rates of the next epoch.
fn schedule(name: &str, opt: &mut SGD) -> Stepping {
    fn stepping<S: Schedule + 'static>(scheduler: Result<Scheduler<S>>) -> Stepping {
        let mut scheduler = scheduler.unwrap();
        Box::new(move |opt| scheduler.step(opt))
    }
    match name {
        "step" => stepping(StepLR::new(opt, 3, 0.5)),
        "multi_step" => stepping(MultiStepLR::new(opt, &[2, 5, 5, 9], 0.3)),
        "multi_step_0" => stepping(MultiStepLR::new(opt, &[0, 3, 3], 0.5)),
        "exponential" => stepping(ExponentialLR::new(opt, 0.9)),
        "cosine" => stepping(CosineAnnealingLR::new(opt, 5, 0.01)),
        "cosine_restarts" => stepping(CosineAnnealingWarmRestarts::new(opt, 3, 2, 0.01)),
        "linear" => stepping(LinearLR::new(opt, 0.25, 0.75, 4)),
        "constant" => stepping(ConstantLR::new(opt, 0.5, 4)),
        "constant_0" => stepping(ConstantLR::new(opt, 0.0, 40)),
        "polynomial" => stepping(PolynomialLR::new(opt, 8, 2.0)),
        "lambda" => stepping(LambdaLR::new(opt, |epoch| 1.0 / (1 + epoch) as f64)),
        "multiplicative" => {
            stepping(MultiplicativeLR::new(opt, |epoch| if epoch % 2 == 1 { 0.9 } else { 0.8 }))
        }
        "one_cycle" => stepping(OneCycleLR::new(opt, 1.0, 20)),
        "one_cycle_linear" => stepping(OneCycleLR::with_schedule(
            opt,
            OneCycle {
                pct_start: 0.4,
                anneal_strategy: Annealing::Linear,
                div_factor: 10.0,
                three_phase: true,
                ..OneCycle::new(1.0, 20)
            },
        )),
        "cyclic" => {
            stepping(CyclicLR::with_schedule(opt, Cyclic { step_size_down: 4, ..Cyclic::new(0.1, 1.0, 3) }))
        }
        "cyclic_triangular2" => stepping(CyclicLR::with_schedule(
            opt,
            Cyclic { mode: CyclicMode::Triangular2, ..Cyclic::new(0.1, 1.0, 3) },
        )),
        "cyclic_exp" => stepping(CyclicLR::with_schedule(
            opt,
            Cyclic { mode: CyclicMode::ExpRange { gamma: 0.9 }, ..Cyclic::new(0.1, 1.0, 3) },
        )),
        "sequential" => {
            let warmup = Linear { start_factor: 0.1, end_factor: 1.0, total_iters: 4 };
            let decay = Exponential { gamma: 0.9 };
            stepping(SequentialLR::new(opt, vec![Box::new(warmup), Box::new(decay)], &[4]))
        }
        "chained" => {
            let constant = Constant { factor: 0.1, total_iters: 3 };
            let decay = Exponential { gamma: 0.9 };
            stepping(ChainedScheduler::new(opt, vec![Box::new(constant), Box::new(decay)]))
        }
        other => panic!("the golden file has a scheduler that the test does not know: {other}"),
    }
}

#[test]
fn every_scheduler_follows_pytorch() {
    let golden = golden();
    let cases = golden["schedulers"].as_object().unwrap();
    assert!(cases.len() >= 17);
    for (name, rows) in cases {
        let builder = SGD::builder([Tensor::zeros([1])]).lr(0.5).momentum(0.9);
        let builder = builder.group([Tensor::ones([1])], |options| options.lr = 0.25);
        let mut opt = builder.build().unwrap();
        let mut step = schedule(name, &mut opt);
        let rows = rows.as_array().unwrap();
        for (epoch, row) in rows.iter().enumerate() {
            let found: Vec<f64> = opt
                .lrs()
                .into_iter()
                .zip(opt.momenta())
                .flat_map(|(lr, momentum)| [lr, momentum.unwrap()])
                .collect();
            assert_close(&found, &numbers(row), 1e-12, &format!("{name} {epoch}"));
            if epoch + 1 < rows.len() {
                step(&mut opt).unwrap();
            }
        }
    }
}

#[test]
fn plateaus_reduce_as_in_pytorch() {
    let golden = golden();
    let first = PlateauOptions { factor: 0.5, patience: 2, ..Default::default() };
    let second = PlateauOptions {
        mode: Mode::Max,
        patience: 1,
        threshold: Threshold::Absolute(0.05),
        cooldown: 2,
        min_lr: 1e-3,
        ..Default::default()
    };
    for (name, options) in [("plateau", first), ("plateau_options", second)] {
        let mut opt = SGD::new([Tensor::zeros([1])], 1.0);
        let mut scheduler = ReduceLROnPlateau::new(options).unwrap();
        for row in golden[name].as_array().unwrap() {
            let [metric, lr] = numbers(row)[..] else { panic!("a row has two numbers") };
            scheduler.step(metric, &mut opt);
            assert_close(&[opt.lr()], &[lr], 1e-12, name);
        }
    }
}

#[test]
fn clipping_follows_pytorch() {
    let golden = golden();
    for (name, max, order) in
        [("clip 2", 0.5, 2.0), ("clip 1", 0.5, 1.0), ("clip inf", 0.5, f64::INFINITY), ("clip 3", 100.0, 3.0)]
    {
        let parameters = start(DType::F64);
        set_gradients(0, &parameters);
        let norm = clip_grad_norm_(&parameters, max, order).unwrap();
        let gradients: Vec<Tensor> = parameters.iter().filter_map(Tensor::grad).collect();
        let found: Vec<f64> = std::iter::once(norm).chain(values(&gradients)).collect();
        assert_close(&found, &numbers(&golden[name]), 1e-12, name);
    }
    assert!(clip_grad_norm_(&start(DType::F32), f64::NAN, 2.0).is_err());
    assert!(clip_grad_norm_(&start(DType::F32), 1.0, 0.0).is_err());
}

#[test]
fn bad_options_are_errors_of_the_first_step() {
    for lr in [f64::NAN, f64::INFINITY, -1.0] {
        let parameters = start(DType::F32);
        set_gradients(0, &parameters);
        let mut optimizer = AdamW::new(parameters.clone(), lr);
        let message = optimizer.step().unwrap_err().to_string();
        assert_eq!(message, format!("AdamW: lr is {lr}, expected a finite number, at least 0"));
        assert_eq!(values(&parameters), values(&start(DType::F32)), "a refused step changes nothing");
        assert!(SGD::builder(start(DType::F32)).lr(lr).build().is_err());
    }
    let refused: Vec<(&str, Made)> = vec![
        ("betas.0", boxed(Adam::builder(start(DType::F32)).betas((1.0, 0.9)).build())),
        ("betas.1", boxed(AdamW::builder(start(DType::F32)).betas((0.9, -0.1)).build())),
        ("eps", boxed(Adam::builder(start(DType::F32)).eps(-1.0).build())),
        ("weight_decay", boxed(RMSprop::builder(start(DType::F32)).weight_decay(f64::NAN).build())),
        ("momentum", boxed(SGD::builder(start(DType::F32)).momentum(-0.1).build())),
        ("nesterov", boxed(SGD::builder(start(DType::F32)).nesterov(true).build())),
        ("etas.1", boxed(Rprop::builder(start(DType::F32)).etas((0.5, 0.9)).build())),
        ("no parameters", boxed(Adam::builder([]).build())),
    ];
    for (word, result) in refused {
        assert!(result.err().unwrap().to_string().contains(word), "{word}");
    }
}

#[test]
fn bad_parameters_are_errors() {
    let p = Tensor::ones([2]).requires_grad_(true).unwrap();
    let twice = SGD::new([p.clone(), p.clone()], 0.1).step().unwrap_err();
    assert_eq!(twice.to_string(), "SGD: parameters 0 and 1 are the same tensor");
    let result = SGD::new([p.exp()], 0.1).step().unwrap_err();
    assert!(result.to_string().contains("parameter 0 is not a leaf, but the result of exp"), "{result}");
    let integer = SGD::new([Tensor::from([1i64])], 0.1).step().unwrap_err();
    assert!(integer.to_string().contains("int64"), "{integer}");
}

#[test]
fn strided_parameters_and_half_types_train() {
    let whole = Tensor::zeros([3, 2]);
    let p = whole.t().unwrap().detach().requires_grad_(true).unwrap();
    p.set_grad(Some(Tensor::from([[1.0f32, 2.0, 3.0], [4.0, 5.0, 6.0]]))).unwrap();
    SGD::new([p.clone()], 1.0).step().unwrap();
    assert_eq!(whole.to_vec::<f32>().unwrap(), [-1.0, -4.0, -2.0, -5.0, -3.0, -6.0]);

    let p = Tensor::ones_with([4], DType::BF16).requires_grad_(true).unwrap();
    p.set_grad(Some(Tensor::full_with([4], 0.5, DType::BF16))).unwrap();
    let mut optimizer = AdamW::builder([p.clone()]).lr(0.25).weight_decay(0.0).build().unwrap();
    optimizer.step().unwrap();
    assert_eq!(p.to_dtype(DType::F32).to_vec::<f32>().unwrap(), [0.75; 4]);
}

#[test]
fn a_step_is_seen_by_the_version_check() {
    let w = Tensor::from([2.0f32]).requires_grad_(true).unwrap();
    let mut optimizer = SGD::new([w.clone()], 0.1);
    let loss = w.square().sum();
    w.set_grad(Some(Tensor::ones([1]))).unwrap();
    optimizer.step().unwrap();
    assert!(loss.backward().unwrap_err().to_string().contains("in-place"));
}

#[test]
fn schedules_refuse_what_makes_no_sense() {
    let mut opt = SGD::new([Tensor::zeros([1])], 0.1);
    assert_eq!(
        StepLR::new(&mut opt, 0, 0.1).unwrap_err().to_string(),
        "StepLR: step_size is 0, expected at least 1"
    );
    assert!(CosineAnnealingLR::new(&mut opt, 0, 0.0).is_err());
    assert!(LinearLR::new(&mut opt, 0.0, 1.0, 5).is_err());
    assert!(SequentialLR::new(&mut opt, Vec::new(), &[]).is_err());
    assert!(ReduceLROnPlateau::new(PlateauOptions { factor: 1.0, ..Default::default() }).is_err());
    let mut one = OneCycleLR::new(&mut opt, 0.1, 2).unwrap();
    one.step(&mut opt).unwrap();
    one.step(&mut opt).unwrap();
    assert!(one.step(&mut opt).unwrap_err().to_string().contains("2 steps"));
    let mut step = StepLR::new(&mut opt, 2, 0.5).unwrap();
    let state = step.state_dict();
    opt.set_lr(0.1);
    step.step(&mut opt).unwrap();
    step.load_state_dict(&state).unwrap();
    assert_eq!(step.epoch(), 0);
}
