//! `TrainStep` against the same training written out, and what it allocates.

use rustorch::compiled::{Compiled, Tokens, TrainStep, forward_into};
use rustorch::nn::functional::{Reduction, cross_entropy, mse_loss};
use rustorch::optim::{clip_grad_norm_, clip_grad_value_};
use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::allocations::{Counting, count};
use rustorch_tests::turns::turn;

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

model! {
    Reader {
        tokens: Embedding(11, 16),
        lstm: Lstm(_, 24, num_layers = 2, bidirectional = true, batch_first = true, dropout = 0.1),
        head: Linear(_, 11),
    }
    forward(text: [batch, seq]) -> [batch, seq, 11] {
        let (h, _) = lstm(tokens(text));
        head(h)
    }
}

model! {
    /// Kernels of all kinds, none of which may allocate.
    Varied {
        pad: ReflectionPad1d(1),
        conv: Conv1d(3, 6, kernel = 3),
        norm: InstanceNorm1d(6, affine = true),
        pool: MaxPool1d(2),
        slopes: PReLU(6),
        up: ConvTranspose1d(6, 4, kernel = 2, stride = 2),
        gate: GLU(dim = 1),
        volume: Conv3d(1, 2, kernel = [1, 2, 3]),
        fc: Linear(2, 5),
    }
    forward(x: [batch, 3, 8]) -> [batch, 5] {
        let h = slopes(pool(relu(norm(conv(pad(x))))));
        let g = gate(tanh(up(h)));
        let v = max_pool3d(volume(unsqueeze(unsqueeze(g, 1), 1)), [1, 1, 2]);
        let spread = std(g, 2) + amax(g, 2) + logsumexp(g, -1) + var(v, [1, 2, 3, 4], keepdim = true)[.., .., 0, 0, 0];
        let paired = einsum!("bcl,bcl->bc", g, exp(g)) + take_along_dim(g, argmax(g[.., ..1, ..], 2, keepdim = true), 2)[.., .., 0];
        fc(where_(spread > paired, spread * sigmoid(paired), gelu(paired)))
    }
}

#[test]
fn networks_of_all_kernels_allocate_nothing() -> Result<()> {
    let _turn = turn();
    rustorch::kernels::parallel::set_num_threads(1);
    assert!(Varied::SCHEDULE.iter().all(|step| !step.contains("on tensors")), "{:#?}", Varied::SCHEDULE);
    let model = Varied::new();
    let optimiser = optim::AdamW::new(model.parameters(), 1e-3);
    let mut step = TrainStep::new(&model, nn::CrossEntropyLoss::new(), optimiser);
    let (x, labels) = (Tensor::randn([8, 3, 8]), Tensor::randint(0, 5, [8]));
    for _ in 0..3 {
        step.step(&[&x], &labels)?;
    }
    let before = count();
    for _ in 0..10 {
        step.step(&[&x], &labels)?;
    }
    assert_eq!(count() - before, 0, "allocations in ten steps");
    Ok(())
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
    let reader = Reader::new();
    let optimiser = optim::Adam::new(reader.parameters(), 1e-3);
    let mut third = TrainStep::new(&reader, Tokens(nn::CrossEntropyLoss::new()), optimiser);
    for _ in 0..3 {
        step.step(&[&x], &labels)?;
        other.step(&[&text], &text)?;
        third.step(&[&text], &text)?;
    }
    let before = count();
    for _ in 0..10 {
        step.step(&[&x], &labels)?;
    }
    let after = count();
    for _ in 0..10 {
        other.step(&[&text], &text)?;
    }
    assert_eq!((after - before, count() - after), (0, 0), "allocations in ten steps");
    let before = count();
    for _ in 0..10 {
        third.step(&[&text], &text)?;
    }
    assert_eq!(count() - before, 0, "allocations in ten steps of a recurrent network");
    Ok(())
}

/// What ten steps allocate with this optimiser, clipping and schedule, after three; and whether they do as the tape does.
fn optimised<O: Optimizer>(name: &str, make: impl Fn(Vec<Tensor>) -> O) -> Result<()> {
    manual_seed(3);
    let (model, twin) = (Mlp::new(), Mlp::new());
    twin.load_state_dict(&model.state_dict())?;
    let schedule = |optimiser: &mut O| optim::scheduler::CosineAnnealingLR::new(optimiser, 20, 0.0);
    let (mut optimiser, mut other) = (make(model.parameters()), make(twin.parameters()));
    let (scheduler, mut beside) = (schedule(&mut optimiser)?, schedule(&mut other)?);
    let mut step = TrainStep::new(&model, nn::CrossEntropyLoss::new(), optimiser)
        .clip_grad_norm(0.1)
        .clip_grad_value(0.01)
        .schedule(scheduler);
    let (x, labels) = (Tensor::randn([8, 20]), Tensor::randint(0, 5, [8]));
    let allocated = allocations(|| step.step(&[&x], &labels).map(drop))?;
    assert_eq!(allocated, (0, 0), "{name}: allocations in ten steps");
    for _ in 0..13 {
        other.zero_grad();
        cross_entropy(&Layer::forward(&twin, &x)?, &labels)?.backward()?;
        clip_grad_norm_(&twin.parameters(), 0.1, 2.0)?;
        clip_grad_value_(&twin.parameters(), 0.01)?;
        other.step()?;
        beside.step(&mut other)?;
    }
    for parameter in model.parameters() {
        let grad = parameter.grad().expect("a gradient").to_vec::<f32>()?;
        assert!(grad.iter().all(|value| value.abs() <= 0.01), "{name}");
    }
    assert_eq!(step.optimiser().lr(), other.lr(), "{name}");
    for (a, b) in model.parameters().iter().zip(&twin.parameters()) {
        assert!(a.allclose(b, 1e-3, 1e-4)?, "{name}\n{a}\n{b}");
    }
    Ok(())
}

#[test]
fn no_optimiser_clipping_or_schedule_allocates() -> Result<()> {
    let _turn = turn();
    rustorch::kernels::parallel::set_num_threads(1);
    optimised("SGD", |p| optim::SGD::new(p, 1e-2))?;
    optimised("SGD with momentum", |p| {
        optim::SGD::builder(p).lr(1e-2).momentum(0.9).nesterov(true).build().expect("good options")
    })?;
    optimised("Adam", |p| optim::Adam::new(p, 1e-3))?;
    optimised("AdamW", |p| optim::AdamW::new(p, 1e-3))?;
    optimised("Adagrad", |p| optim::Adagrad::new(p, 1e-3))?;
    optimised("Adadelta", |p| optim::Adadelta::new(p, 1e-2))?;
    optimised("Adamax", |p| optim::Adamax::new(p, 1e-3))?;
    optimised("NAdam", |p| optim::NAdam::new(p, 1e-3))?;
    optimised("RAdam", |p| optim::RAdam::new(p, 1e-3))?;
    optimised("RMSprop", |p| optim::RMSprop::new(p, 1e-4))?;
    optimised("Rprop", |p| optim::Rprop::new(p, 1e-5))?;
    optimised("ASGD", |p| optim::ASGD::new(p, 1e-2))
}

model! {
    /// A convolution, pooling, attention, branches and a parameter of its own.
    Wide { conv: Conv2d(1, 4, kernel = 3), scale: Param([16], init = ones), fc: Linear(_, 16), drop: Dropout(0.5) }
    forward(x: [batch, 1, 6, 6]) -> ([batch, 4, 4], [batch, 16]) {
        let h = drop(relu(fc(flatten(max_pool2d(relu(conv(x)), 2), 1))) * scale);
        let a = reshape(h, [batch, 4, 4]);
        if self.training { h = h * 2.0; }
        (scaled_dot_product_attention(a, a, a), h)
    }
}

model! {
    /// Lookups, order, running sums, products of three, images of another size, and a mask with a gradient.
    Picker { tokens: Embedding(11, 16), w: Param([16, 8], init = ones), bias: Param([4, 4], init = ones), head: Linear(16, 11) }
    forward(text: [batch, 4]) -> [batch, 4, 11] {
        let h = tokens(text);
        let best = argmax(head(h), 2);
        let (top, at) = topk(h, 4);
        let seen = scaled_dot_product_attention(h, h + tokens(best), h, mask = bias);
        let (columns, _) = sort(cumsum(seen, 1), 1);
        let low = einsum!("bsi,ij,kj->bsk", columns, w, w);
        let image = interpolate(unsqueeze(gather(h, 2, at) + top, 1), scale_factor = [2, 4], mode = "bilinear");
        let rows = index_select(pixel_unshuffle(image, 2), 1, argmax(narrow(mean(seen, 0), 1, 0, 2), 0));
        head(low + reshape(rows, [batch, 4, 16]))
    }
}

model! {
    /// Elements that are moved and repeated.
    Mover { tokens: Embedding(11, 16), token: Param([1, 1, 16], init = ones), head: Linear(16, 11) }
    forward(text: [batch, 4]) -> [batch, 4, 11] {
        let h = pad(tokens(text), [0, 0, 1, 1], mode = "reflect");
        let around = roll(flip(pad(h, [2, 1]), [1]), [1, 3], [1, 2]);
        let all = cat([expand(token, [batch, 1, 16]), around[.., ..3, 3..]], 1);
        let kept = take_along_dim(h, argmax(repeat(h, [1, 1, 2])[.., .., 8..24], 2, keepdim = true), 2);
        head(all * repeat_interleave(kept[.., ..2, ..], 2, 1))
    }
}

model! {
    /// Attention with masks, and layers of the transformer.
    Attentive {
        tokens: Embedding(11, 16),
        encoder: TransformerEncoder(16, 2, 2, 24, batch_first = true),
        decoder: TransformerDecoderLayer(16, 2, 24, batch_first = true, norm_first = true),
        attention: MultiheadAttention(16, 4, batch_first = true, dropout = 0.2, add_bias_kv = true),
        head: Linear(16, 11),
    }
    forward(text: [batch, 4]) -> [batch, 4, 11] {
        let x = tokens(text);
        let seen = encoder(x, key_padding_mask = text > 8);
        let y = decoder(x, seen, tgt_is_causal = true, memory_key_padding_mask = text > 8);
        head(y + attention(y, seen, seen, is_causal = true))
    }
}

dim!(Batch, Seq);

/// Allocations of the heap and blocks for tensors in ten runs, after three.
fn allocations(mut run: impl FnMut() -> Result<()>) -> Result<(usize, u64)> {
    (0..3).try_for_each(|_| run())?;
    let before = (count(), rustorch::memory_requests());
    (0..10).try_for_each(|_| run())?;
    Ok((count() - before.0, rustorch::memory_requests() - before.1))
}

#[test]
fn inference_into_tensors_allocates_nothing() -> Result<()> {
    let _turn = turn();
    rustorch::kernels::parallel::set_num_threads(1);
    let (mlp, bigram, wide) = (Mlp::new(), Bigram::new(), Wide::new());
    wide.eval();
    let x = Tensor::randn([8, 20]).typed::<shape![Batch, 20]>()?;
    let text = Tensor::randint(0, 11, [4, 6]).typed::<shape![Batch, Seq]>()?;
    let image = Tensor::randn([3, 1, 6, 6]).typed::<shape![Batch, 1, 6, 6]>()?;
    let mut classes = Tensor::zeros([8, 5]).typed::<shape![Batch, 5]>()?;
    let mut next = Tensor::zeros([4, 6, 11]).typed::<shape![Batch, Seq, 11]>()?;
    let mut attended = Tensor::zeros([3, 4, 4]).typed::<shape![Batch, 4, 4]>()?;
    let mut hidden = Tensor::zeros([3, 16]).typed::<shape![Batch, 16]>()?;
    assert_eq!(allocations(|| mlp.forward_into(&x, &mut classes))?, (0, 0));
    assert_eq!(allocations(|| bigram.forward_into(&text, &mut next))?, (0, 0));
    let (reader, mut read) = (Reader::new(), next.copy().typed::<shape![Batch, Seq, 11]>()?);
    reader.eval();
    assert_eq!(allocations(|| reader.forward_into(&text, &mut read))?, (0, 0));
    assert!(read.to_vec::<f32>()? == reader.forward(&text).to_vec::<f32>()?);
    assert_eq!(allocations(|| wide.forward_into(&image, (&mut attended, &mut hidden)))?, (0, 0));
    assert!(Picker::SCHEDULE.iter().all(|step| !step.contains("on tensors")), "{:#?}", Picker::SCHEDULE);
    let picker = Picker::new();
    let short = Tensor::randint(0, 11, [4, 4]).typed::<shape![Batch, 4]>()?;
    let mut picked = Tensor::zeros([4, 4, 11]).typed::<shape![Batch, 4, 11]>()?;
    assert_eq!(allocations(|| picker.forward_into(&short, &mut picked))?, (0, 0));
    let optimiser = optim::SGD::new(picker.parameters(), 1e-3);
    let mut step = TrainStep::new(&picker, Tokens(nn::CrossEntropyLoss::new()), optimiser);
    assert_eq!(allocations(|| step.step(&[&short], &short).map(drop))?, (0, 0));
    assert!(Mover::SCHEDULE.iter().all(|step| !step.contains("on tensors")), "{:#?}", Mover::SCHEDULE);
    let mover = Mover::new();
    assert_eq!(allocations(|| mover.forward_into(&short, &mut picked))?, (0, 0));
    let optimiser = optim::SGD::new(mover.parameters(), 1e-3);
    let mut step = TrainStep::new(&mover, Tokens(nn::CrossEntropyLoss::new()), optimiser);
    assert_eq!(allocations(|| step.step(&[&short], &short).map(drop))?, (0, 0));
    assert!(
        Attentive::SCHEDULE.iter().all(|step| !step.contains("on tensors")),
        "{:#?}",
        Attentive::SCHEDULE
    );
    let attentive = Attentive::new();
    assert_eq!(allocations(|| attentive.forward_into(&short, &mut picked))?, (0, 0));
    let optimiser = optim::SGD::new(attentive.parameters(), 1e-3);
    let mut step = TrainStep::new(&attentive, Tokens(nn::CrossEntropyLoss::new()), optimiser);
    assert_eq!(allocations(|| step.step(&[&short], &short).map(drop))?, (0, 0));
    let same = |a: &Tensor, b: &Tensor| -> Result<bool> { Ok(a.to_vec::<f32>()? == b.to_vec::<f32>()?) };
    assert!(same(&classes, &mlp.forward(&x))? && same(&next, &bigram.forward(&text))?);
    let (a, h) = wide.forward(&image);
    assert!(same(&attended, &a)? && same(&hidden, &h)?);
    Ok(())
}

#[test]
fn inference_into_any_tensors() -> Result<()> {
    let _turn = turn();
    let mlp = Mlp::new();
    let x = Tensor::randn([8, 20]);
    let expected = Layer::forward(&mlp, &x)?.to_vec::<f32>()?;
    let into = |x: &Tensor, out: &mut Tensor| forward_into(&mlp, &[x], &mut [out]);
    // Strided inputs and outputs, and an output that is a part of the input's memory.
    let mut strided = Tensor::zeros([5, 8]).t()?;
    into(&x.t()?.contiguous().t()?, &mut strided)?;
    assert_eq!(strided.to_vec::<f32>()?, expected);
    let shared = Tensor::zeros([8 * 20]);
    let input = shared.reshape([8, 20])?;
    input.copy_(&x)?;
    let version = shared.version();
    let mut output = shared.narrow(0, 3, 40)?.reshape([8, 5])?;
    into(&input, &mut output)?;
    assert_eq!(output.to_vec::<f32>()?, expected);
    assert!(shared.version() > version, "a write that autograd does not notice");
    // The same where the network runs op by op.
    let mut eager = Tensor::zeros([8, 5]);
    rustorch::compiled::op_by_op(|| into(&x, &mut eager))?;
    assert!(eager.allclose(&output, 1e-5, 1e-6)?);
    let fails = |out: Tensor| into(&x, &mut out.clone()).unwrap_err().to_string();
    for (out, words) in [
        (Tensor::zeros([8, 6]), ["[8, 6]", "[8, 5]"]),
        (Tensor::zeros([8, 5]).to_dtype(DType::F64), ["float64", "float32"]),
        (Tensor::zeros([8, 5]).requires_grad_(true)?, ["output 0", "requires a gradient"]),
    ] {
        let error = fails(out);
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
    let error = forward_into(&mlp, &[&x], &mut []).unwrap_err().to_string();
    assert!(error.contains("gives 1 outputs, not 0"), "{error}");
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

model! {
    Copied { fc: Linear(1, 1000) }
    forward(x: [batch, 1]) -> [batch, 1000] { fc(x) }
}

model! {
    Normalised { fc1: Linear(20, 32), norm: BatchNorm1d(32), drop: Dropout(0.1), fc2: Linear(32, 5) }
    forward(x: [batch, 20]) -> [batch, 5] { fc2(drop(relu(norm(fc1(x))))) }
}

#[test]
fn batches_of_many_sizes_in_turn_allocate_nothing() -> Result<()> {
    let _turn = turn();
    rustorch::kernels::parallel::set_num_threads(1);
    let model = Normalised::new();
    let optimiser = optim::AdamW::new(model.parameters(), 1e-3);
    let mut step = TrainStep::new(&model, nn::CrossEntropyLoss::new(), optimiser).clip_grad_norm(1.0);
    let sizes = [64, 2, 8, 100, 256].into_iter().chain(9..30);
    let batches: Vec<_> =
        sizes.map(|size| (Tensor::randn([size, 20]), Tensor::randint(0, 5, [size]))).collect();
    let train = || batches.iter().try_for_each(|(x, labels)| step.step(&[x], labels).map(drop));
    assert_eq!(allocations(train)?, (0, 0));
    let twin = Normalised::new();
    twin.eval();
    let mut outputs: Vec<Tensor> = batches.iter().map(|(x, _)| Tensor::zeros([x.shape()[0], 5])).collect();
    let infer = || {
        let mut pairs = batches.iter().zip(&mut outputs);
        pairs.try_for_each(|((x, _), output)| forward_into(&twin, &[x], &mut [output]))
    };
    assert_eq!(allocations(infer)?, (0, 0));
    Ok(())
}

/// Bytes of memory that this process occupies.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("a file of Linux");
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("a number of pages") * 4096
}

#[test]
#[cfg(target_os = "linux")]
fn memory_of_forgotten_sizes_is_given_back() -> Result<()> {
    let _turn = turn();
    let model = Copied::new();
    let optimiser = optim::SGD::new(model.parameters(), 1e-3);
    let mut step = TrainStep::new(&model, nn::MSELoss::new(), optimiser);
    let x = Tensor::zeros([300, 1]);
    // Outputs of up to 1 MiB, of more sizes than are remembered.
    let mut train = |sizes: std::ops::Range<usize>| {
        sizes.rev().try_for_each(|size| {
            let x = x.narrow(0, 0, size)?;
            step.step(&[&x], &x.expand([size, 1000])?).map(drop)
        })
    };
    train(200..300)?;
    let before = resident();
    train(100..300)?;
    let after = resident();
    assert!(after < before + (64 << 20), "{before} and then {after} bytes");
    Ok(())
}

#[test]
fn outputs_that_a_loss_keeps_stay_as_they_are() -> Result<()> {
    let _turn = turn();
    let model = Mlp::new();
    let kept = std::sync::Mutex::new(Vec::new());
    let loss = |output: &Tensor, target: &Tensor| {
        kept.lock().unwrap().push((output.detach(), output.to_vec::<f32>()?));
        cross_entropy(output, target)
    };
    let mut step = TrainStep::new(&model, loss, optim::SGD::new(model.parameters(), 0.1));
    for size in [3, 3, 5, 3, 5, 3] {
        step.step(&[&Tensor::randn([size, 20])], &Tensor::randint(0, 5, [size]))?;
    }
    drop(step);
    for (output, values) in kept.into_inner().unwrap() {
        assert_eq!(output.to_vec::<f32>()?, values);
    }
    Ok(())
}
