//! Convolutions of sequences and transposed convolutions in the compiled pass, against the same operations one by one.

use rustorch::compiled::{Compiled, op_by_op};
use rustorch::nn::PaddingMode;
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
    /// Convolutions of sequences with all that follows them.
    Signal {
        first: Conv1d(3, 8, kernel = 5, padding = 2),
        norm: BatchNorm1d(8),
        second: Conv1d(8, 8, kernel = 3, padding = 2, dilation = 2, bias = false),
        third: Conv1d(8, 6, kernel = 3, stride = 2, groups = 2),
        pool: MaxPool1d(2),
        same: Conv1d(6, 4, kernel = 4, padding = "same"),
        mean: AdaptiveAvgPool1d(1),
    }
    forward(x: [batch, 3, seq]) -> ([batch, 8, seq], [batch, 4, (seq - 3) / 2 + 1], [batch, 6], [batch, 8, seq / 2]) {
        let h = relu(norm(first(x)));
        let r = relu(h + norm(second(h)));
        let t = gelu(third(r));
        (r, tanh(same(t)), flatten(mean(t), 1), pool(relu(second(r))))
    }
}

fn signal(model: &Signal, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d) = model.try_forward(&x[0].typed::<shape![Batch, 3, Seq]>()?)?;
    Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()])
}

#[test]
fn convolutions_of_sequences_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(1);
    assert_eq!(islands::<Signal>(), Vec::<&str>::new());
    assert!(
        Signal::SCHEDULE.iter().any(|step| step.contains("relu(norm(first(·)))")),
        "{:#?}",
        Signal::SCHEDULE
    );
    everywhere(&Signal::new(), |batch, seq| vec![Tensor::randn([batch, 3, 7 + seq])], signal)
}

#[test]
fn sequences_that_are_too_short_are_the_error_of_the_operation() -> Result<()> {
    let _turn = turn();
    let (model, x) = (Signal::new(), [Tensor::randn([2, 3, 2])]);
    let compiled = signal(&model, &x).unwrap_err().to_string();
    assert_eq!(compiled, op_by_op(|| signal(&model, &x)).unwrap_err().to_string());
    assert!(compiled.contains("conv1d"), "{compiled}");
    Ok(())
}

#[test]
fn another_way_of_padding_runs_op_by_op() -> Result<()> {
    let _turn = turn();
    let (mut model, x) = (Signal::new(), [Tensor::randn([2, 3, 9])]);
    model.eval();
    model.first.padding_mode = PaddingMode::Reflect;
    let (compiled, eager) = (signal(&model, &x)?, op_by_op(|| signal(&model, &x))?);
    compiled.iter().zip(&eager).for_each(|(a, b)| close(b, a, "reflected"));
    Ok(())
}

model! {
    /// Convolutions that mirror, repeat or go round.
    Bordered {
        line: Conv1d(2, 4, kernel = 3, padding = 2, padding_mode = "circular", bias = false),
        image: Conv2d(1, 3, kernel = [3, 5], padding = [1, 2], padding_mode = "reflect"),
        parts: [Conv2d(3, 3, kernel = 3, padding = 1, groups = 3, padding_mode = "replicate"); 2],
    }
    forward(x: [batch, 2, 6], y: [batch, 1, 4, 5]) -> ([batch, 4, 8], [batch, 3, 4, 5]) {
        let h = tanh(image(y));
        for part in self.parts { h = relu(part(h)) + h; }
        (line(x), h)
    }
}

#[test]
fn convolutions_that_pad_otherwise_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(6);
    assert_eq!(islands::<Bordered>(), Vec::<&str>::new());
    let inputs = |batch: usize, _: usize| vec![Tensor::randn([batch, 2, 6]), Tensor::randn([batch, 1, 4, 5])];
    let run = |model: &Bordered, x: &[Tensor]| -> Result<Vec<Tensor>> {
        let (a, b) = model.try_forward(&x[0].typed::<shape![Batch, 2, 6]>()?, &x[1].typed()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor()])
    };
    check(&Bordered::new(), inputs, run)?;
    let (mut model, x) = (Bordered::new(), inputs(2, 0));
    model.parts[1].padding_mode = PaddingMode::Zeros;
    let (compiled, eager) = (run(&model, &x)?, op_by_op(|| run(&model, &x))?);
    compiled.iter().zip(&eager).for_each(|(a, b)| close(b, a, "zeros"));
    Ok(())
}

model! {
    /// Transposed convolutions of sequences and images.
    Grown {
        line: ConvTranspose1d(3, 4, kernel = 4, stride = 2, padding = 1),
        long: ConvTranspose1d(4, 2, kernel = 3, dilation = 2, bias = false),
        up: ConvTranspose2d(4, 6, kernel = 3, stride = 2, padding = 1, output_padding = 1, bias = false),
        flat: ConvTranspose2d(6, 4, kernel = [1, 3], groups = 2),
        norm: BatchNorm2d(6),
    }
    forward(x: [batch, 3, 5], y: [batch, 4, 3, 4]) -> ([batch, 2, 14], [batch, 4, 6, 10], [batch, 6, 6, 8]) {
        let h = relu(norm(up(y)));
        (long(tanh(line(x))), sigmoid(flat(h)), h)
    }
}

#[test]
fn transposed_convolutions_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(2);
    assert_eq!(islands::<Grown>(), Vec::<&str>::new());
    let inputs = |batch: usize, _: usize| vec![Tensor::randn([batch, 3, 5]), Tensor::randn([batch, 4, 3, 4])];
    check(&Grown::new(), inputs, |model, x| {
        let (a, b, c) = model.try_forward(&x[0].typed::<shape![Batch, 3, 5]>()?, &x[1].typed()?)?;
        Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
    })
}

model! {
    /// Convolutions of volumes, and transposed ones.
    Volumes {
        first: Conv3d(2, 6, kernel = [3, 2, 3], padding = [1, 0, 2], stride = [1, 2, 1]),
        norm: BatchNorm3d(6),
        second: Conv3d(6, 4, kernel = 2, groups = 2, dilation = [2, 1, 1], bias = false),
        same: Conv3d(4, 4, kernel = [2, 1, 3], padding = "same"),
        up: ConvTranspose3d(2, 4, kernel = [2, 3, 2], stride = [2, 1, 2], padding = [1, 0, 0], output_padding = [1, 0, 1]),
        flat: ConvTranspose3d(4, 6, kernel = [1, 2, 1], groups = 2, dilation = [1, 2, 1], bias = false),
    }
    forward(x: [batch, 2, 4, 6, 5]) -> ([batch, 4, 2, 2, 6], [batch, 6, 7, 10, 11]) {
        let h = relu(norm(first(x)));
        (tanh(same(second(h))), flat(sigmoid(up(x))))
    }
}

#[test]
fn convolutions_of_volumes_are_kernels() -> Result<()> {
    let _turn = turn();
    manual_seed(5);
    assert_eq!(islands::<Volumes>(), Vec::<&str>::new());
    everywhere(
        &Volumes::new(),
        |batch, _| vec![Tensor::randn([batch, 2, 4, 6, 5])],
        |model, x| {
            let (a, b) = model.try_forward(&x[0].typed::<shape![Batch, 2, 4, 6, 5]>()?)?;
            Ok(vec![a.into_tensor(), b.into_tensor()])
        },
    )
}
