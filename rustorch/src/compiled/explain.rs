//! What a compiled network does, step by step: its fusions, the memory of its passes, and where the time goes.

use std::fmt;
use std::time::{Duration, Instant};

use smallvec::SmallVec;

use super::cache::Report;
use super::{Compiled, Grad, run};
use crate::{DType, Device, Error, Result, Tensor, is_grad_enabled, no_grad};

/// How often a pass is repeated; the fastest counts.
const ROUNDS: usize = 7;

/// The steps of a network's passes with their times, and the memory that they take ([`explain`]).
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The steps, those of submodels where they are first called.
    pub steps: Vec<Step>,
    /// The memory.
    pub memory: Report,
}

/// A step of a pass: one kernel, with what is fused into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it computes: `[batch, 128] = gelu(fc1(·))`.
    pub text: &'static str,
    /// How often it ran in a pass: once for every call of its submodel.
    pub count: usize,
    /// Its time in a forward pass, all calls together.
    pub forward: Duration,
    /// Its time in a backward pass.
    pub backward: Duration,
    /// The gradients of parameters that it computes: none of those that are frozen.
    pub gradients: usize,
}

/// Measures the steps of a pass.
#[derive(Default)]
pub(super) struct Profile {
    steps: Vec<(usize, Step)>,
    open: Option<(usize, bool, Instant)>,
    /// Gradients of parameters before the open step.
    gradients: usize,
}

impl Profile {
    /// A step begins; that before it ends. So many gradients of parameters have been computed.
    pub fn begin(
        &mut self,
        schedule: &'static [&'static str],
        index: usize,
        is_backward: bool,
        gradients: usize,
    ) {
        self.end(gradients);
        // The address tells the steps of one network from those of another that read the same.
        let key = std::ptr::from_ref(&schedule[index]) as usize;
        let at = self.steps.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
            let text = schedule[index];
            self.steps.push((
                key,
                Step { text, count: 0, forward: Duration::ZERO, backward: Duration::ZERO, gradients: 0 },
            ));
            self.steps.len() - 1
        });
        self.steps[at].1.count += usize::from(!is_backward);
        self.open = Some((at, is_backward, Instant::now()));
    }

    /// The pass ends.
    pub fn end(&mut self, gradients: usize) {
        let computed = gradients - std::mem::replace(&mut self.gradients, gradients);
        if let Some((at, is_backward, start)) = self.open.take() {
            let step = &mut self.steps[at].1;
            step.gradients += computed;
            let time = if is_backward { &mut step.backward } else { &mut step.forward };
            *time += start.elapsed();
        }
    }
}

/// Runs the compiled forward and backward pass of a network on these inputs a few times, and says what each step is and takes.
/// Where nothing is recorded ([`no_grad`](crate::no_grad()), [`inference_mode`](crate::inference_mode)), it is the pass of inference, in which more is fused.
///
/// ```
/// use rustorch::compiled::explain;
/// use rustorch::prelude::*;
///
/// model! { pub Net: [batch, 784] -> [batch, 10] { fc1: Linear(128), ReLU, fc2: Linear(10) } }
///
/// let explanation = explain(&Net::new(), &[&Tensor::randn([64, 784])])?;
/// assert_eq!(explanation.steps[0].text, "[batch, 128] = relu(fc1(·))");
/// println!("{explanation}");
/// # Ok::<(), rustorch::Error>(())
/// ```
///
/// # Errors
/// If the inputs do not fit the network, or the compiled pass does not apply, for the reason that the error gives.
pub fn explain<M: Compiled>(model: &M, inputs: &[&Tensor]) -> Result<Explanation> {
    model.check(inputs)?;
    let mut key = run::Key::new();
    let refuse = |why: &str| Error::argument("explain", format!("the compiled pass does not apply: {why}"));
    if !run::fits::<M>(inputs) {
        return Err(refuse("it needs inputs that are float32 or integers, in main memory and not empty"));
    }
    let needed = run::survey(model, inputs, &mut key).ok_or_else(|| {
        refuse(
            "it needs parameters that are float32, contiguous and in main memory, and layers with the shapes and options of \
             their declaration",
        )
    })?;
    if model.handle().is_none() {
        return Err(refuse("a submodel was not declared with `model!`"));
    }
    let recording = needed && is_grad_enabled();
    let mode = if recording { run::Mode::Recording } else { run::Mode::Inference };
    key.push(mode as usize);
    let given: SmallVec<[Tensor; 4]> =
        inputs.iter().map(|input| no_grad(|| input.contiguous()).detach()).collect();
    let shapes: SmallVec<[&[usize]; 4]> = inputs.iter().map(|input| input.shape()).collect();
    let wants: SmallVec<[bool; 4]> = SmallVec::from_elem(false, inputs.len());
    let cache = model.cache();
    let plans = cache.plans(&key, || run::plan(model, &given, &wants, mode, None))?;
    if let Some(why) = &plans.refusal {
        return Err(refuse(why));
    }
    let parameters = model.parameters();
    let mut best: Option<Vec<(usize, Step)>> = None;
    for _ in 0..ROUNDS {
        let mut pass = cache.pass(recording);
        run::start(model, &mut pass, &plans)?;
        pass.profile = Some(Box::default());
        let outputs = run::execute(model, &mut pass, &given, &wants)?;
        if recording {
            pass.sides[1].arena = Some(cache.arena(plans.sides[1].plan.bytes)?);
            pass.parameters.renew(&parameters);
            pass.turn();
            let mut grads: SmallVec<[Grad; 4]> = SmallVec::new();
            for (output, planned) in outputs.iter().zip(&plans.outputs) {
                if !planned.grad {
                    grads.push(None);
                    continue;
                }
                let ones = Tensor::try_full(output.shape(), 1.0, DType::F32, Device::Cpu)?;
                grads.push(Some(pass.hold(ones, false)));
            }
            let mut into: SmallVec<[Grad; 4]> = SmallVec::from_elem(None, shapes.len());
            model.derive(&mut pass, &shapes, &grads, &mut into)?;
        }
        let mut profile = pass.profile.take().unwrap_or_default();
        profile.end(pass.parameters.computed);
        cache.finish(pass);
        best = Some(match best {
            None => profile.steps,
            Some(best) => best.into_iter().zip(profile.steps).map(faster).collect(),
        });
    }
    let steps = best.unwrap_or_default().into_iter().map(|(_, step)| step).collect();
    Ok(Explanation { steps, memory: plans.report() })
}

/// The shorter of two measurements of a step.
#[inline]
fn faster((old, new): ((usize, Step), (usize, Step))) -> (usize, Step) {
    let (key, step) = old;
    let (forward, backward) = (step.forward.min(new.1.forward), step.backward.min(new.1.backward));
    (key, Step { forward, backward, ..step })
}

impl fmt::Display for Explanation {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.steps.iter().map(|step| step.text.chars().count()).max().unwrap_or(0).max(4);
        writeln!(f, "{:<width$}  calls  forward µs  backward µs", "step")?;
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        for step in &self.steps {
            let (forward, backward) = (micros(step.forward), micros(step.backward));
            writeln!(f, "{:<width$}  {:>5}  {forward:>10.1}  {backward:>11.1}", step.text, step.count)?;
        }
        let total = |time: fn(&Step) -> Duration| micros(self.steps.iter().map(time).sum());
        let (forward, backward) = (total(|step| step.forward), total(|step| step.backward));
        writeln!(f, "{:<width$}  {:>5}  {forward:>10.1}  {backward:>11.1}", "all", "")?;
        let Report { forward, forward_unshared, backward, backward_unshared } = self.memory;
        writeln!(
            f,
            "forward arena {}, of {} if no buffer shared memory",
            Bytes(forward),
            Bytes(forward_unshared)
        )?;
        write!(f, "backward arena {}, of {}", Bytes(backward), Bytes(backward_unshared))
    }
}

/// A number of bytes as people read it.
struct Bytes(usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes < 1 << 20 => write!(f, "{:.1} KiB", bytes as f64 / 1024.0),
            bytes => write!(f, "{:.1} MiB", bytes as f64 / (1 << 20) as f64),
        }
    }
}

impl super::Pass {
    /// The steps from here on are those of this schedule.
    pub fn schedule(&mut self, schedule: &'static [&'static str]) {
        self.schedule = schedule;
    }

    /// A step of the schedule begins.
    #[inline]
    pub fn at(&mut self, step: usize) -> &mut Self {
        if let Some(profile) = &mut self.profile {
            profile.begin(self.schedule, step, self.direction == 1, self.parameters.computed);
        }
        self
    }
}

/// Prints a plan to standard error if the environment variable `RUSTORCH_LOG` is `plan`.
#[inline]
pub(super) fn log(name: &str, schedule: &[&str], inputs: &[&[usize]], memory: Report) {
    if !std::env::var("RUSTORCH_LOG").is_ok_and(|topics| topics.split(',').any(|topic| topic == "plan")) {
        return;
    }
    let Report { forward, forward_unshared, backward, backward_unshared } = memory;
    eprintln!("{name} for inputs {inputs:?}");
    schedule.iter().for_each(|step| eprintln!("  {step}"));
    eprintln!(
        "  forward arena {} (unshared {}), backward arena {} (unshared {})",
        Bytes(forward),
        Bytes(forward_unshared),
        Bytes(backward),
        Bytes(backward_unshared)
    );
}
