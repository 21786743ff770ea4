//! Inference into tensors that are there already.

use smallvec::SmallVec;

use super::buf::Home;
use super::run::{self, Mode};
use super::{Buf, Compiled, Pass, is_enabled};
use crate::storage::lock_for_write;
use crate::{Error, Result, Tensor, no_grad};

/// The forward pass of a network, its results written to `outputs`: without a tape, and without an allocation once the network
/// has seen the shapes.
///
/// The typed form is the method `forward_into` of every network of `model!`. Outputs have the shape and dtype of the results;
/// they may share memory with inputs. Nothing is allocated if inputs and outputs are contiguous and every operation has a
/// kernel in the compiled pass ([`explain`](super::explain) names those that run on tensors); otherwise, and where the
/// network runs op by op, the results are the same.
///
/// ```
/// use rustorch::compiled::forward_into;
/// use rustorch::prelude::*;
///
/// dim!(Batch);
/// model! { pub Net: [batch, 4] -> [batch, 2] { fc: Linear(2), Tanh } }
///
/// let net = Net::new();
/// let x = Tensor::randn([3, 4]).typed::<shape![Batch, 4]>()?;
/// let mut y = Tensor::zeros([3, 2]).typed::<shape![Batch, 2]>()?;
/// net.forward_into(&x, &mut y)?;
/// assert_eq!(y.to_vec::<f32>()?, net.forward(&x).to_vec::<f32>()?);
///
/// let mut dynamic = Tensor::zeros([3, 2]);
/// forward_into(&net, &[&x], &mut [&mut dynamic])?;
/// assert_eq!(dynamic.to_vec::<f32>()?, y.to_vec::<f32>()?);
/// # Ok::<(), rustorch::Error>(())
/// ```
///
/// # Errors
/// If inputs or outputs do not fit the network, if an output requires a gradient, or if the device fails.
pub fn forward_into<M: Compiled>(model: &M, inputs: &[&Tensor], outputs: &mut [&mut Tensor]) -> Result<()> {
    let outputs: SmallVec<[&Tensor; 4]> = outputs.iter().map(|output| &**output).collect();
    write(model, inputs, &outputs)
}

/// As [`forward_into`], for what `model!` expands to.
///
/// # Errors
/// As there.
pub fn write<M: Compiled>(model: &M, inputs: &[&Tensor], outputs: &[&Tensor]) -> Result<()> {
    model.check(inputs)?;
    if outputs.len() != M::OUTPUTS {
        let message = format!("the network gives {} outputs, not {}", M::OUTPUTS, outputs.len());
        return Err(Error::argument("forward_into", message));
    }
    if let Some(number) = outputs.iter().position(|output| output.requires_grad()) {
        let message = format!("output {number} requires a gradient, which is not recorded here; detach it");
        return Err(Error::argument("forward_into", message));
    }
    no_grad(|| if compiled(model, inputs, outputs)? { Ok(()) } else { op_by_op(model, inputs, outputs) })
}

/// Whether the compiled pass applied.
fn compiled<M: Compiled>(model: &M, inputs: &[&Tensor], outputs: &[&Tensor]) -> Result<bool> {
    if !is_enabled() || !run::fits::<M>(inputs) {
        return Ok(false);
    }
    let mut key = run::Key::new();
    if run::survey(model, inputs, &mut key).is_none() {
        return Ok(false);
    }
    key.push(Mode::Copying as usize);
    let inputs: SmallVec<[Tensor; 4]> = inputs.iter().map(|input| input.contiguous()).collect();
    let wants: SmallVec<[bool; 4]> = SmallVec::from_elem(false, inputs.len());
    let cache = model.cache();
    let plans = cache.plans(&key, || run::plan(model, &inputs, &wants, Mode::Copying, None))?;
    if plans.refusal.is_some() {
        return Ok(false);
    }
    let mut pass = cache.pass(false);
    run::start(model, &mut pass, &plans)?;
    pass.is_copied = true;
    pass.outputs.extend(outputs.iter().map(|output| (*output).clone()));
    let shapes: SmallVec<[&[usize]; 4]> = inputs.iter().map(Tensor::shape).collect();
    let bufs = run::hold(&mut pass, &inputs, &wants);
    let mut results = run::results::<M>();
    let guards: SmallVec<[_; 4]> = inputs.iter().map(|input| input.storage().read()).collect();
    let ran = model.run(&mut pass, &bufs, &shapes, &mut results);
    drop(guards);
    pass.unlock();
    let written = ran.and_then(|()| {
        let mut pairs = outputs.iter().zip(&results).enumerate();
        pairs.try_for_each(|(number, (output, result))| put(&pass, number, output, *result))
    });
    cache.finish(pass);
    written.map(|()| true)
}

/// Copies a result to the output of its shape.
#[inline]
fn put(pass: &Pass, number: usize, output: &Tensor, result: Buf) -> Result<()> {
    let dtype = result.dtype.unwrap_or(output.dtype());
    if !output.device().is_cpu() || !output.is_contiguous() || output.dtype() != dtype {
        return convert(number, output, &pass.tensor(result, output.shape()));
    }
    // What is not in the arena may belong to somebody else.
    let source = match result.home {
        Home::Tensor(at) => Some(pass.held(at).storage()),
        _ => None,
    };
    let sources: SmallVec<[_; 1]> = source.into_iter().collect();
    let _guard = lock_for_write(output.storage(), &sources);
    let bytes = result.len * dtype.size();
    // SAFETY: both have as many elements of the same dtype, which `Pass::outputs` has compared; both are locked, or memory of
    // the pass. They may overlap.
    unsafe { std::ptr::copy(result.ptr, output.host_ptr(), bytes) };
    output.storage().bump_version();
    Ok(())
}

fn op_by_op<M: Compiled>(model: &M, inputs: &[&Tensor], outputs: &[&Tensor]) -> Result<()> {
    let results = model.eager(inputs)?;
    for (number, (output, result)) in outputs.iter().zip(&results).enumerate() {
        if output.shape() != result.shape() {
            let message = format!(
                "output {number} has shape {:?}, but the result is {:?}",
                output.shape(),
                result.shape()
            );
            return Err(Error::argument("forward_into", message));
        }
        convert(number, output, result)?;
    }
    Ok(())
}

/// Copies between any layouts and devices of the same dtype.
fn convert(number: usize, output: &Tensor, result: &Tensor) -> Result<()> {
    if output.dtype() != result.dtype() {
        let message = format!("output {number} is {}, but the result is {}", output.dtype(), result.dtype());
        return Err(Error::argument("forward_into", message));
    }
    output.copy_(result).map(drop)
}
