//! `TrainStep` against the same training written out, and what it allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use rustorch::compiled::{Tokens, TrainStep};
use rustorch::nn::functional::{Reduction, cross_entropy, mse_loss};
use rustorch::optim::clip_grad_norm_;
use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::turns::turn;

/// Counts the allocations of the thread that asks.
struct Counting;

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all is handed to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

model! {
    Mlp { fc1: Linear(20, 32), ln: LayerNorm(32), fc2: Linear(32, 32), fc3: Linear(32, 5) }
    forward(x: [batch, 20]) -> [batch, 5] {
        let h = gelu(ln(fc1(x)));
        fc3(h + relu(fc2(h)) * 0.5)
    }
}

model! {
    Bigram { tokens: Embedding(11, 16), head: Linear(16, 11) }
    forward(text: [batch, seq]) -> [batch, seq, 11] { head(tanh(tokens(text))) }
}

#[test]
fn steps_are_those_of_the_tape() -> Result<()> {
    let _turn = turn();
    manual_seed(1);
    let (model, twin) = (Mlp::new(), Mlp::new());
    twin.load_state_dict(&model.state_dict())?;
    let mut step =
        TrainStep::new(&model, nn::CrossEntropyLoss::new(), optim::AdamW::new(model.parameters(), 1e-2))
            .clip_grad_norm(0.5);
    let mut optimiser = optim::AdamW::new(twin.parameters(), 1e-2);
    for round in 0..20 {
        let batch = 3 + round % 2;
        let (x, labels) = (Tensor::randn([batch, 20]), Tensor::randint(0, 5, [batch]));
        let loss = step.step(&[&x], &labels)?;
        let expected = cross_entropy(&Layer::forward(&twin, &x)?, &labels)?;
        optimiser.zero_grad();
        expected.backward()?;
        clip_grad_norm_(&twin.parameters(), 0.5, 2.0)?;
        optimiser.step()?;
        assert!((loss - expected.item::<f32>()?).abs() < 1e-5, "round {round}: {loss}");
    }
    for (a, b) in model.parameters().iter().zip(&twin.parameters()) {
        assert!(a.allclose(b, 1e-4, 1e-5)?, "{a}\n{b}");
        assert!(a.grad().unwrap().allclose(&b.grad().unwrap(), 1e-4, 1e-6)?);
    }
    Ok(())
}

#[test]
fn after_the_first_step_nothing_is_allocated() -> Result<()> {
    let _turn = turn();
    rustorch::kernels::parallel::set_num_threads(1);
    let model = Mlp::new();
    let mut step =
        TrainStep::new(&model, nn::CrossEntropyLoss::new(), optim::AdamW::new(model.parameters(), 1e-3));
    let (x, labels) = (Tensor::randn([8, 20]), Tensor::randint(0, 5, [8]));
    let text = Tensor::randint(0, 11, [4, 6]);
    let bigram = Bigram::new();
    let mut other = TrainStep::new(
        &bigram,
        Tokens(nn::CrossEntropyLoss::new()),
        optim::SGD::new(bigram.parameters(), 1e-2),
    );
    for _ in 0..3 {
        step.step(&[&x], &labels)?;
        other.step(&[&text], &text)?;
    }
    let before = COUNT.get();
    for _ in 0..10 {
        step.step(&[&x], &labels)?;
    }
    let after = COUNT.get();
    for _ in 0..10 {
        other.step(&[&text], &text)?;
    }
    assert_eq!((after - before, COUNT.get() - after), (0, 0), "allocations in ten steps");
    Ok(())
}

#[test]
fn losses_may_be_functions_and_bad_input_is_an_error() -> Result<()> {
    let _turn = turn();
    let model = Mlp::new();
    let loss = |output: &Tensor, target: &Tensor| mse_loss(output, target, Reduction::Mean);
    let mut step = TrainStep::new(&model, loss, optim::SGD::new(model.parameters(), 0.1));
    let (x, y) = (Tensor::randn([8, 20]), Tensor::randn([8, 5]));
    let first = step.step(&[&x], &y)?;
    let last = (0..50).map(|_| step.step(&[&x], &y)).last().unwrap()?;
    assert!(last < first, "{first} {last}");
    let error = step.step(&[&Tensor::randn([8, 19])], &y).unwrap_err().to_string();
    assert!(error.contains("Mlp") && error.contains("19") && error.contains("20"), "{error}");
    let mut classes =
        TrainStep::new(&model, nn::CrossEntropyLoss::new(), optim::SGD::new(model.parameters(), 0.1));
    let before = model.fc1.weight.to_vec::<f32>()?;
    let error = classes.step(&[&x], &Tensor::full([8], 5i64)).unwrap_err().to_string();
    assert!(error.contains("index 5") && error.contains("size 5"), "{error}");
    assert_eq!(model.fc1.weight.to_vec::<f32>()?, before);
    Ok(())
}
