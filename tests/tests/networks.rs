//! The networks of the examples against the same networks in PyTorch, with the same parameters: outputs, loss and every
//! parameter's gradient, compiled and op by op, and the names of the state. `tests/goldens/networks.py` writes the files.

use rustorch::Result;
use rustorch::compiled::{Compiled, explain, op_by_op};
use rustorch::nn::functional::{Reduction, cross_entropy, mse_loss};
use rustorch::prelude::*;
use rustorch_examples::networks::{Gpt, ResNet18, ResNet152, Tagger, TiedGpt, UNet, ViT};
use rustorch_tests::pytorch::{self, image, state_of, symbols};
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

/// The cross-entropy over the last axis.
fn classes(output: &Tensor, target: &Tensor) -> Result<Tensor> {
    cross_entropy(&output.flatten(0, -2)?, &target.flatten(0, -1)?)
}

fn squares(output: &Tensor, target: &Tensor) -> Result<Tensor> {
    mse_loss(output, target, Reduction::Mean)
}

/// A network with one output.
fn compare<M: Module>(
    name: &str,
    new: fn() -> M,
    run: impl Fn(&M) -> Result<Tensor>,
    loss: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<()> {
    const FILE: &str = include_str!("../goldens/networks.jsonl");
    pytorch::compare((FILE, name, true), new, |model| Ok(vec![run(model)?]), |outputs| loss(&outputs[0]))
}

#[test]
fn resnet18_is_torchvisions() -> Result<()> {
    let (x, target) = (image(&[3, 3, 64, 64], 1)?, symbols(&[3], 1000, 2)?);
    compare("resnet18", ResNet18::new, |model| Layer::forward(model, &x), |output| classes(output, &target))
}

#[test]
fn vit_is_pytorchs() -> Result<()> {
    let (x, target) = (image(&[3, 3, 12, 12], 1)?, symbols(&[3], 7, 2)?);
    let new = ViT::<3, 12, 4, 16, 2, 2, 7>::new;
    compare("vit", new, |model| Layer::forward(model, &x), |output| classes(output, &target))
}

#[test]
fn unet_is_pytorchs() -> Result<()> {
    let (x, target) = (image(&[2, 1, 12, 16], 1)?, image(&[2, 2, 12, 16], 2)?);
    let new = UNet::<1, 4, 8, 16, 2>::new;
    compare("unet", new, |model| Layer::forward(model, &x), |output| squares(output, &target))
}

#[test]
fn gpt_is_pytorchs() -> Result<()> {
    let (text, target, places) =
        (symbols(&[2, 9], 11, 1)?, symbols(&[2, 9], 11, 2)?, Tensor::arange(0, 9, 1)?);
    let new = Gpt::<11, 12, 16, 2, 2>::new;
    let run = |model: &Gpt<11, 12, 16, 2, 2>| {
        Ok(model.try_forward(&text.typed::<shape![Batch, Seq]>()?, &places.typed()?)?.into_tensor())
    };
    compare("gpt", new, run, |output| classes(output, &target))
}

#[test]
fn gpt_with_tied_weights_is_pytorchs() -> Result<()> {
    let (text, target, places) =
        (symbols(&[2, 9], 11, 1)?, symbols(&[2, 9], 11, 2)?, Tensor::arange(0, 9, 1)?);
    let new = TiedGpt::<11, 12, 16, 2, 2>::new;
    let run = |model: &TiedGpt<11, 12, 16, 2, 2>| {
        Ok(model.try_forward(&text.typed::<shape![Batch, Seq]>()?, &places.typed()?)?.into_tensor())
    };
    compare("tied_gpt", new, run, |output| classes(output, &target))
}

#[test]
fn tagger_is_pytorchs() -> Result<()> {
    let (text, target) = (symbols(&[3, 8], 13, 1)?, symbols(&[3, 8], 4, 2)?);
    let new = Tagger::<13, 6, 5, 4>::new;
    compare("tagger", new, |model| Layer::forward(model, &text), |output| classes(output, &target))
}

#[test]
fn residual_networks_have_torchvisions_names_in_its_order() {
    let expected = |network: &str| -> Vec<(String, Vec<usize>)> {
        let lines = include_str!("../goldens/resnet_names.txt").lines();
        let words = lines.map(|line| line.split(' ').collect::<Vec<_>>());
        let of = words.filter(|words| words[0] == network);
        let size = |word: &&str| word.parse().expect("a size");
        of.map(|words| (words[1].to_string(), words[2..].iter().map(size).collect())).collect()
    };
    assert_eq!(state_of(&ResNet18::new()), expected("resnet18"));
    assert_eq!(state_of(&ResNet152::<1000>::new()), expected("resnet152"));
}

/// A U-Net halves twice, so it says what is wrong with sizes that it cannot halve.
#[test]
fn sizes_that_only_a_run_knows_are_compared() -> Result<()> {
    let model = UNet::<1, 4, 8, 16, 2>::new();
    for compiled in [true, false] {
        let run = || Layer::forward(&model, &Tensor::zeros([2, 1, 12, 14]));
        let error = if compiled { run() } else { op_by_op(run) }.unwrap_err().to_string();
        assert!(error.contains('7') && error.contains('6'), "{error}");
    }
    Ok(())
}

/// An explanation's numbers: no arena is larger than its buffers side by side, the gradient of every parameter is there, and the times that
/// are printed add up.
fn explained<M: Compiled>(model: &M, inputs: &[&Tensor]) -> Result<()> {
    let explanation = explain(model, inputs)?;
    let (memory, text) = (explanation.memory, explanation.to_string());
    assert!(memory.forward > 0 && memory.forward <= memory.forward_unshared, "{text}");
    assert!(memory.backward > 0 && memory.backward <= memory.backward_unshared, "{text}");
    // Steps that compute something, and together every parameter's gradient; one that is used twice has two.
    let gradients: usize = explanation.steps.iter().map(|step| step.gradients).sum();
    assert!(gradients >= model.parameters().len(), "{gradients} gradients\n{text}");
    let columns = |line: &str| -> Option<[f64; 2]> {
        let mut numbers = line.split_whitespace().rev().map(str::parse::<f64>);
        let [backward, forward] = [numbers.next()?.ok()?, numbers.next()?.ok()?];
        Some([forward, backward])
    };
    let lines: Vec<[f64; 2]> = text.lines().filter_map(columns).collect();
    let (all, steps) = lines.split_last().expect("a line of all");
    assert_eq!(steps.len(), explanation.steps.len(), "{text}");
    for column in 0..2 {
        let sum: f64 = steps.iter().map(|line| line[column]).sum();
        // Each is rounded to a tenth.
        assert!(
            (sum - all[column]).abs() <= 0.1 * (1.0 + steps.len() as f64),
            "{sum} and {}\n{text}",
            all[column]
        );
    }
    Ok(())
}

#[test]
fn explanations_of_all_networks_add_up() -> Result<()> {
    let _turn = turn();
    let (text, places) = (symbols(&[2, 9], 11, 1)?, Tensor::arange(0, 9, 1)?);
    explained(&Gpt::<11, 12, 16, 2, 2>::new(), &[&text, &places])?;
    explained(&TiedGpt::<11, 12, 16, 2, 2>::new(), &[&text, &places])?;
    explained(&Tagger::<13, 6, 5, 4>::new(), &[&text])?;
    explained(&UNet::<1, 4, 8, 16, 2>::new(), &[&image(&[2, 1, 12, 16], 1)?])?;
    explained(&ViT::<3, 12, 4, 16, 2, 2, 7>::new(), &[&image(&[3, 3, 12, 12], 1)?])?;
    explained(&ResNet18::new(), &[&image(&[2, 3, 32, 32], 1)?])
}
