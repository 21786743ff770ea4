//! Some of the networks against the same networks in PyTorch: `tests/goldens/architectures.py` writes the file.

use rustorch::nn::Module;
use rustorch::nn::functional::{Reduction, mse_loss};
use rustorch::prelude::*;
use rustorch::{Result, Tensor};
use rustorch_tests::pytorch::{compare, image, symbols};

use super::convolutions::{ConvNeXt, DenseBlock, MobileNetV2};
use super::images::{AttentionUNet, Gan, Mixer, SwinBlock};
use super::modern::{Ddpm, DitBlock, Dlrm, GroupedQuery, MbConv, PatchTst, RealNvp};
use super::signals::{LlamaBlock, WaveNet};
use super::text::{Bert, Seq2Seq, T5Block};

dim!(Batch, Seq, Other);

const FILE: &str = include_str!("../../goldens/architectures.jsonl");

/// The sum of the mean squared distances of the outputs from noise.
fn squares(outputs: &[Tensor]) -> Result<Tensor> {
    let one =
        |(output, salt): (&Tensor, u32)| mse_loss(output, &image(output.shape(), salt)?, Reduction::Mean);
    let losses = outputs.iter().zip(50..).map(one).collect::<Result<Vec<_>>>()?;
    Ok(Tensor::stack(&losses, 0)?.sum())
}

fn check<M: Module>(name: &str, new: impl Fn() -> M, run: impl Fn(&M) -> Result<Vec<Tensor>>) -> Result<()> {
    compare((FILE, name, true), new, run, squares)
}

#[test]
fn mobilenet_v2_is_pytorchs() -> Result<()> {
    let x = image(&[3, 3, 32, 32], 1)?;
    let new = || {
        let mut model = MobileNetV2::<10>::new();
        model.dropout.p = 0.0;
        model
    };
    check("mobilenet_v2", new, |model| Ok(vec![Layer::forward(model, &x)?]))
}

#[test]
fn dense_block_is_pytorchs() -> Result<()> {
    let x = image(&[2, 8, 6, 4], 1)?;
    check("dense_block", DenseBlock::new, |model| Ok(vec![Layer::forward(model, &x)?]))
}

#[test]
fn convnext_is_pytorchs() -> Result<()> {
    let x = image(&[2, 3, 16, 12], 1)?;
    check("convnext", ConvNeXt::<6, 2>::new, |model| Ok(vec![Layer::forward(model, &x)?]))
}

#[test]
fn swin_is_pytorchs() -> Result<()> {
    let x = image(&[2, 8, 8, 8], 1)?;
    check("swin", SwinBlock::<8, true>::new, |model| Ok(vec![Layer::forward(model, &x)?]))
}

#[test]
fn mixer_is_pytorchs() -> Result<()> {
    let x = image(&[2, 3, 16, 16], 1)?;
    check("mixer", Mixer::<2>::new, |model| Ok(vec![Layer::forward(model, &x)?]))
}

#[test]
fn gan_is_pytorchs() -> Result<()> {
    let z = image(&[5, 6], 1)?;
    check("gan", Gan::new, |model| Ok(vec![Layer::forward(model, &z)?]))
}

#[test]
fn attention_unet_is_pytorchs() -> Result<()> {
    let x = image(&[2, 1, 16, 16], 1)?;
    check("attention_unet", AttentionUNet::new, |model| Ok(vec![Layer::forward(model, &x)?]))
}

#[test]
fn wavenet_is_pytorchs() -> Result<()> {
    let wave = image(&[2, 11], 1)?;
    check("wavenet", WaveNet::<4>::new, |model| Ok(vec![Layer::forward(model, &wave)?]))
}

#[test]
fn llama_is_pytorchs() -> Result<()> {
    let x = image(&[2, 5, 8], 1)?;
    let angles = (0..5).flat_map(|place| [1.0f64, 0.01].map(|frequency| f64::from(place) * frequency));
    let angles = Tensor::from_vec(angles.collect::<Vec<f64>>(), [5, 2])?;
    let (cos, sin) = (angles.cos().to_dtype(DType::F32), angles.sin().to_dtype(DType::F32));
    check("llama", LlamaBlock::<8, 2, 12>::new, |model| {
        let y = model.try_forward(
            &x.typed::<shape![Batch, Seq, 8]>()?,
            &cos.typed::<shape![Seq, Any]>()?,
            &sin.typed()?,
        )?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn seq2seq_is_pytorchs() -> Result<()> {
    let (source, target) = (symbols(&[2, 4], 9, 1)?, symbols(&[2, 5], 9, 2)?);
    check("seq2seq", Seq2Seq::<9, 5, 6>::new, |model| {
        let y = model
            .try_forward(&source.typed::<shape![Batch, Seq]>()?, &target.typed::<shape![Batch, Other]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn bert_is_pytorchs() -> Result<()> {
    let (ids, types) = (symbols(&[2, 5], 11, 1)?, symbols(&[2, 5], 2, 2)?);
    let padding = Tensor::from([[false; 5], [false, false, false, true, true]]);
    let run = |model: &Bert<11, 8, 2, 2>| {
        let (a, b) = model.try_forward(
            &ids.typed::<shape![Batch, Seq]>()?,
            &types.typed::<shape![Batch, Seq]>()?,
            &padding.typed::<shape![Batch, Seq]>()?,
        )?;
        Ok(vec![a.into_tensor(), b.into_tensor()])
    };
    // Without dropout, which is random.
    compare((FILE, "bert", false), Bert::<11, 8, 2, 2>::new, run, squares)
}

#[test]
fn t5_is_pytorchs() -> Result<()> {
    let (x, buckets) = (image(&[2, 5, 8], 1)?, symbols(&[5, 5], 8, 2)?);
    check("t5", T5Block::<8, 12>::new, |model| {
        let y =
            model.try_forward(&x.typed::<shape![Batch, Seq, 8]>()?, &buckets.typed::<shape![Seq, Seq]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn grouped_query_is_pytorchs() -> Result<()> {
    let x = image(&[2, 5, 16], 1)?;
    let angles = image(&[5, 4], 2)?;
    let (cos, sin) = (angles.cos(), angles.sin());
    check("grouped_query", GroupedQuery::<16, 4, 2>::new, |model| {
        let (cos, sin) = (cos.typed::<shape![Seq, Any]>()?, sin.typed::<shape![Seq, Any]>()?);
        Ok(vec![model.try_forward(&x.typed::<shape![Batch, Seq, 16]>()?, &cos, &sin)?.into_tensor()])
    })
}

#[test]
fn mbconv_is_pytorchs() -> Result<()> {
    let x = image(&[3, 8, 7, 6], 1)?;
    check("mbconv", MbConv::<8, 12, 6, 5, 2, 2>::new, |model| Ok(vec![Layer::forward(model, &x)?]))
}

#[test]
fn ddpm_is_pytorchs() -> Result<()> {
    let (x, t) = (image(&[2, 3, 8, 8], 1)?, image(&[2], 2)?);
    check("ddpm", Ddpm::<8>::new, |model| {
        let y = model.try_forward(&x.typed::<shape![Batch, 3, 8, 8]>()?, &t.typed::<shape![Batch]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn dlrm_is_pytorchs() -> Result<()> {
    let (dense, sparse) = (image(&[4, 13], 1)?, symbols(&[4, 3], 10, 2)?);
    check("dlrm", Dlrm::<4>::new, |model| {
        let y =
            model.try_forward(&dense.typed::<shape![Batch, 13]>()?, &sparse.typed::<shape![Batch, 3]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn real_nvp_is_pytorchs() -> Result<()> {
    let x = image(&[5, 4], 1)?;
    check("real_nvp", RealNvp::<4, 5>::new, |model| {
        let (z, log) = model.try_forward(&x.typed::<shape![Batch, 4]>()?)?;
        Ok(vec![z.into_tensor(), log.into_tensor()])
    })
}

#[test]
fn dit_is_pytorchs() -> Result<()> {
    let (x, c) = (image(&[2, 5, 8], 1)?, image(&[2, 8], 2)?);
    check("dit", DitBlock::<8, 2>::new, |model| {
        let y = model.try_forward(&x.typed::<shape![Batch, Seq, 8]>()?, &c.typed::<shape![Batch, 8]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn patch_tst_is_pytorchs() -> Result<()> {
    let x = image(&[2, 12, 3], 1)?;
    check("patch_tst", PatchTst::<12, 3, 8, 5>::new, |model| Ok(vec![Layer::forward(model, &x)?]))
}
