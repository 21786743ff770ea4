//! Pooling, padding, reductions and norms of examples in the compiled pass, against the same operations one by one.

use rustorch::compiled::{Compiled, op_by_op};
use rustorch::kernels::parallel::set_num_threads;
use rustorch::prelude::*;
use rustorch::{Result, manual_seed};
use rustorch_tests::compiled::{check, close, everywhere};
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

/// The steps of a network that run on tensors instead of by kernels.
fn islands<M: Compiled>() -> Vec<&'static str> {
    M::SCHEDULE.iter().copied().filter(|step| step.contains("on tensors")).collect()
}

model! {
    /// All poolings over one axis.
    Lines {
        fc: Linear(6, 11),
        most: MaxPool1d(3, stride = 2, padding = 1),
        mean: AvgPool1d(4, stride = 2, padding = 2, ceil_mode = true, count_include_pad = false),
        some: AdaptiveMaxPool1d(3),
        few: AdaptiveAvgPool1d(4),
    }
    forward(x: [batch, seq, 6]) -> (
        [batch, seq, 6], [batch, seq, 7], [batch, seq, 3], [batch, seq, 4], [batch, seq, 3], [batch, seq, 5], [batch, seq, 2]
    ) {
        let h = fc(x);
        (
            most(h), mean(h), some(h), few(h), max_pool1d(h, 3, stride = 4, dilation = 1),
            avg_pool1d(tanh(h), 3, stride = 2), adaptive_max_pool1d(h, 2)
        )
    }
}

fn lines(model: &Lines, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d, e, f, g) = model.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?;
    let all = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()];
    Ok(all.into_iter().chain([e.into_tensor(), f.into_tensor(), g.into_tensor()]).collect())
}

fn sequences(batch: usize, seq: usize) -> Vec<Tensor> {
    vec![Tensor::randn([batch, seq, 6])]
}

#[test]
fn pools_over_one_axis_are_kernels() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Lines>(), Vec::<&str>::new());
    everywhere(&Lines::new(), sequences, lines)
}

model! {
    /// All poolings over three axes, and adaptive ones over two.
    Volumes {
        grow: Linear(5, 6),
        most: MaxPool3d([2, 3, 2], stride = [1, 2, 2], padding = [1, 0, 1]),
        mean: AvgPool3d(2, stride = 1, padding = 1, divisor_override = 3),
        some: AdaptiveMaxPool3d([2, None, 3]),
        few: AdaptiveAvgPool3d([3, 2, None]),
        plane: AdaptiveMaxPool2d([2, 4]),
    }
    forward(x: [batch, 2, 4, 5, 5]) -> (
        [batch, 2, 5, 2, 4], [batch, 2, 5, 6, 7], [batch, 2, 2, 5, 3], [batch, 2, 3, 2, 6], [batch, 2, 2, 2, 3],
        [batch, 2, 2, 2, 3], [batch, 4, 2, 4], [batch, 4, 5, 1]
    ) {
        let h = grow(x);
        let p = h[.., 1, .., .., ..];
        (
            most(h), mean(h), some(h), few(h), max_pool3d(h, 2), avg_pool3d(h, 2, count_include_pad = false),
            plane(p), adaptive_max_pool2d(p, [None, 1])
        )
    }
}

fn volumes(model: &Volumes, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d, e, f, g, h) = model.try_forward(&x[0].typed::<shape![Batch, 2, 4, 5, 5]>()?)?;
    let all = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()];
    Ok(all.into_iter().chain([e.into_tensor(), f.into_tensor(), g.into_tensor(), h.into_tensor()]).collect())
}

#[test]
fn pools_over_three_axes_are_kernels() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Volumes>(), Vec::<&str>::new());
    everywhere(&Volumes::new(), |batch, _| vec![Tensor::randn([batch, 2, 4, 5, 5])], volumes)
}

#[test]
fn pools_whose_options_were_changed_run_op_by_op() -> Result<()> {
    let _turn = turn();
    let (mut model, x) = (Lines::new(), sequences(2, 3));
    model.most.dilation = [2];
    let compiled = lines(&model, &x);
    let eager = op_by_op(|| lines(&model, &x));
    assert_eq!(compiled.unwrap_err().to_string(), eager.unwrap_err().to_string());
    Ok(())
}

model! {
    /// Windows that a short sequence does not have.
    Short { pool: MaxPool1d(4), fc: Linear(3, 2) }
    forward(x: [batch, seq, 3]) -> [batch, 2, seq / 4] { pool(transpose(fc(x), 1, 2)) }
}

#[test]
fn a_sequence_that_is_too_short_is_the_error_of_the_operation() -> Result<()> {
    let _turn = turn();
    let model = Short::new();
    let run = |seq: usize| -> Result<Tensor> {
        let x = Tensor::randn([2, seq, 3]).typed::<shape![Batch, Seq, 3]>()?;
        Ok(model.try_forward(&x)?.into_tensor())
    };
    assert_eq!(run(9)?.shape(), [2, 2, 2]);
    let compiled = run(3).unwrap_err().to_string();
    assert_eq!(compiled, op_by_op(|| run(3)).unwrap_err().to_string());
    assert!(compiled.contains("max_pool1d"), "{compiled}");
    Ok(())
}

const BORDER: f64 = 0.75;

model! {
    /// All layers of padding, and a number that is an expression.
    Padded<const K: usize> {
        fc: Linear(4, 5),
        zero1: ZeroPad1d([1, 2]), zero2: ZeroPad2d(1), zero3: ZeroPad3d([1, 0, 2, 1, 0, 1]),
        some1: ConstantPad1d(2, 0.5), some2: ConstantPad2d([1, 0, 2, 1], -1.5), some3: ConstantPad3d(1, BORDER * 2.0),
        mirror1: ReflectionPad1d([2, 1]), mirror2: ReflectionPad2d([1, 2, 0, 1]), mirror3: ReflectionPad3d(1),
        edge1: ReplicationPad1d([2, 1]), edge2: ReplicationPad2d(2), edge3: ReplicationPad3d([1, 2, 0, 1, 2, 0]),
        round1: CircularPad1d([2, 1]), round2: CircularPad2d([1, 2, 0, 1]), round3: CircularPad3d(1),
    }
    forward(x: [batch, 2, 3, 2, 4]) -> (
        [batch, 2, 8], [batch, 2, 9], [batch, 2, 8], [batch, 3, 4, 7], [batch, 3, 5, 6], [batch, 3, 3, 8], [batch, 3, 6, 9],
        [batch, 2, 4, 5, 6], [batch, 2, 5, 4, 7], [batch, 2, 5, 3, 8], [batch, 3, 3, 6], [batch, 4, 3, 2, 5]
    ) {
        let h = fc(x);
        let p = h[.., 0, .., .., ..];
        let l = h[.., 1, 0, .., ..];
        (
            zero1(l), some1(l), mirror1(l) * edge1(l) - round1(l),
            zero2(p), some2(p), mirror2(p) + round2(p), edge2(p),
            zero3(h), some3(h) + mirror3(h) * round3(h), edge3(h),
            pad(p, [1, 0, 0, 1], value = BORDER + (K as f64)),
            pad(h, [0, 0, 0, 0, 0, 0, 1, 1], value = BORDER / (K as f64))
        )
    }
}

fn padded(model: &Padded<3>, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d, e, f, g, h, i, j, k, l) =
        model.try_forward(&x[0].typed::<shape![Batch, 2, 3, 2, 4]>()?)?;
    let lines = [a.into_tensor(), b.into_tensor(), c.into_tensor()];
    let planes = [d.into_tensor(), e.into_tensor(), f.into_tensor(), g.into_tensor()];
    let others = [h.into_tensor(), i.into_tensor(), j.into_tensor(), k.into_tensor(), l.into_tensor()];
    Ok(lines.into_iter().chain(planes).chain(others).collect())
}

fn images(batch: usize, _: usize) -> Vec<Tensor> {
    vec![Tensor::randn([batch, 2, 3, 2, 4])]
}

#[test]
fn layers_of_padding_are_kernels() -> Result<()> {
    let _turn = turn();
    assert_eq!(islands::<Padded<3>>(), Vec::<&str>::new());
    everywhere(&Padded::new(), images, padded)
}

#[test]
fn what_is_put_around_may_change_and_must_be_a_number_of_the_dtype() -> Result<()> {
    let _turn = turn();
    let (mut model, x) = (Padded::<3>::new(), images(2, 0));
    let before = padded(&model, &x)?;
    model.some1.value = 7.0;
    let after = padded(&model, &x)?;
    close(&op_by_op(|| padded(&model, &x))?[1], &after[1], "another number");
    assert_eq!(after[1].select(2, 0)?.to_vec::<f32>()?, [7.0; 4]);
    close(&before[0], &after[0], "others");
    model.some1.value = 1e300;
    let compiled = padded(&model, &x).map(|all| all[1].to_vec::<f32>());
    let eager = op_by_op(|| padded(&model, &x)).map(|all| all[1].to_vec::<f32>());
    assert_eq!(format!("{compiled:?}"), format!("{eager:?}"));
    model.zero1.padding = [3, 0];
    assert_eq!(op_by_op(|| padded(&model, &x))?[0].shape(), padded(&model, &x)?[0].shape());
    Ok(())
}

model! {
    /// Folds over axes of all kinds.
    Folded {
        fc: Linear(5, 4),
    }
    forward(x: [batch, 3, seq, 5]) -> (
        [batch, seq, 4], [3, seq, 4], [batch, 3, 1, 4], [batch, 3], [], [batch, 3, seq], [1, 3, 1, 4], [seq, 4],
        [batch, seq], [batch, 3, seq, 1], [batch, 4], [batch, 3], [batch, 3, 4]
    ) {
        let h = fc(x);
        (
            amax(h, 1), min(h, 0), max(h, 2, keepdim = true), amin(relu(h), [2, 3]), max(h), var(h, -1),
            std(h, [0, 2], keepdim = true), var(h, [0, 1], correction = 0), std(h, [1, 3], correction = 0.5),
            logsumexp(h, -1, keepdim = true), norm(h, dim = [1, 2]), norm(h, 1, [2, 3]) + norm(h, 3, [2, 3]),
            norm(h, -0.5, 2)
        )
    }
}

fn folded(model: &Folded, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d, e, f, g, h, i, j, k, l, m) =
        model.try_forward(&x[0].typed::<shape![Batch, 3, Seq, 5]>()?)?;
    let first = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor(), e.into_tensor()];
    let second = [f.into_tensor(), g.into_tensor(), h.into_tensor(), i.into_tensor()];
    let third = [j.into_tensor(), k.into_tensor(), l.into_tensor(), m.into_tensor()];
    Ok(first.into_iter().chain(second).chain(third).collect())
}

#[test]
fn folds_over_axes_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(3);
    assert_eq!(islands::<Folded>(), Vec::<&str>::new());
    everywhere(&Folded::new(), |batch, seq| vec![Tensor::randn([batch, 3, seq, 5])], folded)
}

model! {
    /// Folds of elements that are alike, infinite or not numbers.
    Special { gain: Param([4], init = ones) }
    forward(x: [batch, 4]) -> ([batch], [batch], [batch], [batch], [batch]) {
        let y = x * gain;
        (amax(y, 1), std(y, 1), logsumexp(y, 1), norm(y, 2.0, 1), norm(y, 0.5, 1))
    }
}

#[test]
fn folds_of_special_numbers_are_the_same() -> Result<()> {
    let _turn = turn();
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let rows = [
        [1.0, 1.0, 1.0, 1.0],
        [0.0, 0.0, 0.0, 0.0],
        [-inf, -inf, -inf, -inf],
        [inf, 1.0, 2.0, inf],
        [nan, 1.0, 2.0, 3.0],
        [2.0, -2.0, 2.0, 0.0],
    ];
    let x = [Tensor::from(rows)];
    let model = Special::new();
    rustorch_tests::compiled::both(&model, &x, |model, x| {
        let (a, b, c, d, e) = model.try_forward(&x[0].typed::<shape![Batch, 4]>()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor(), e.into_tensor()])
    })
}

model! {
    /// Norms of examples over one to three axes, with and without weights and running statistics.
    Instances {
        fc: Linear(4, 4),
        plain1: InstanceNorm1d(6),
        plain2: InstanceNorm2d(2, affine = true),
        kept: InstanceNorm2d(2, track_running_stats = true, momentum = 0.3),
        plain3: InstanceNorm3d(2, affine = true, track_running_stats = true, eps = 0.01),
    }
    forward(x: [batch, 2, 3, 4], y: [batch, 6, seq]) -> ([batch, 2, 3, 4], [batch, 6, seq], [batch, 2, 2, 3, 4], [2, 3, 4]) {
        let h = fc(x);
        let volume = stack([h, tanh(h)], 2);
        (relu(kept(plain2(h))), plain1(y), plain3(volume) * 0.5, plain2(h[0]))
    }
}

fn instances(model: &Instances, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let y = x[1].typed::<shape![Batch, 6, Seq]>()?;
    let (a, b, c, d) = model.try_forward(&x[0].typed::<shape![Batch, 2, 3, 4]>()?, &y)?;
    Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()])
}

#[test]
fn norms_of_examples_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(4);
    assert_eq!(islands::<Instances>(), Vec::<&str>::new());
    let inputs =
        |batch: usize, seq: usize| vec![Tensor::randn([batch, 2, 3, 4]), Tensor::randn([batch, 6, seq])];
    check(&Instances::new(), inputs, instances)?;
    // One position per channel has no variance.
    let (model, x) = (Instances::new(), inputs(2, 1));
    let compiled = instances(&model, &x).unwrap_err().to_string();
    assert_eq!(compiled, op_by_op(|| instances(&model, &x)).unwrap_err().to_string());
    Ok(())
}

#[test]
fn a_weight_that_does_not_fit_runs_op_by_op() -> Result<()> {
    let _turn = turn();
    let (mut model, x) = (Instances::new(), [Tensor::randn([2, 2, 3, 4]), Tensor::randn([2, 6, 5])]);
    model.plain1.weight = Some(Tensor::ones([2]));
    let compiled = instances(&model, &x).unwrap_err().to_string();
    assert_eq!(compiled, op_by_op(|| instances(&model, &x)).unwrap_err().to_string());
    Ok(())
}

#[test]
fn results_are_the_same_on_any_number_of_threads() -> Result<()> {
    let _turn = turn();
    manual_seed(9);
    let (model, x) = (Folded::new(), Tensor::randn([40, 3, 90, 5]));
    let volumes = (Volumes::new(), Tensor::randn([300, 2, 4, 5, 5]));
    let once = |threads: usize| -> Result<Vec<f32>> {
        set_num_threads(threads);
        let mut all = Vec::new();
        for (outputs, weight) in [
            (folded(&model, std::slice::from_ref(&x))?, &model.fc.weight),
            (self::volumes(&volumes.0, std::slice::from_ref(&volumes.1))?, &volumes.0.grow.weight),
        ] {
            weight.set_grad(None)?;
            let mut loss = Tensor::zeros([]);
            for output in &outputs {
                loss = loss.add(&output.square().sum())?;
            }
            loss.backward()?;
            let grads = weight.grad().expect("a gradient");
            for tensor in outputs.iter().chain([&grads]) {
                all.extend(tensor.to_vec::<f32>()?);
            }
        }
        Ok(all)
    };
    let (one, two) = (once(1)?, once(2)?);
    assert!(one == two);
    Ok(())
}
