//! The backward pass: the steps in reverse, each contributing to the gradients of what it used.

use super::super::super::compile::{Kind, Operand, Region, Step};
use super::super::super::ir::Var;
use super::super::statements;
use super::super::text::{Local, Text, list, option};
use super::forward::pass_at;
use super::{Printer, grad};
use std::fmt::{Arguments, Display};

/// How many gradients are declared at a time.
const TOGETHER: usize = 32;

impl Printer<'_> {
    /// The backward pass of the region, whose results' gradients have arrived.
    pub fn backward(&self, text: &mut Text<'_>, region: &Region<'_>) {
        self.named.block(text, |text| {
            for step in region.steps.iter().rev() {
                self.undo(text, step);
                // Another shape hands the gradient itself on.
                if !matches!(step.kind, Kind::Reshape { .. }) {
                    let results = step.results.iter();
                    results.for_each(|result| write!(text, "__pass.release_grad({});", grad(*result)));
                }
            }
        });
    }

    /// Declares the gradients of what the region makes, and shares those of its results out.
    pub fn enter(&self, text: &mut Text<'_>, region: &Region<'_>, given: impl Iterator<Item: Display>) {
        self.declare(text, region.steps.iter().flat_map(|step| step.results.iter().copied()));
        for (given, result) in given.zip(&region.results) {
            write!(text, "__pass.share({given}, &mut {});", grad(*result));
        }
    }

    /// Declares the gradients of tensors.
    pub fn declare(&self, text: &mut Text<'_>, tensors: impl IntoIterator<Item = Var>) {
        let names: Vec<String> = tensors.into_iter().map(|tensor| format!("mut {}", grad(tensor))).collect();
        for names in names.chunks(TOGETHER) {
            write!(text, "let [{}]: [Grad; {}] = [None; {1}];", names.join(", "), names.len());
        }
    }

    fn undo(&self, text: &mut Text<'_>, step: &Step<'_>) {
        let (g, pass) = (grads(&step.results), pass_at(step));
        match &step.kind {
            Kind::Linear { map, input, last: Some(last), .. } => {
                let (layer, into, between) = (self.map(*map), grad(*input), grad(last.product));
                write!(text, "let mut {between}: Grad = None;");
                self.chain_backward(text, &last.chain, Some(last.product), step);
                write!(
                    text,
                    "__pass.linear_backward({between}, {layer}, None, &mut {into})?; __pass.release_grad({between});"
                );
            }
            Kind::Linear { map, input, act, last: None } => {
                let (layer, into, act) = (self.map(*map), grad(*input), self.act(act.as_ref()));
                write!(text, "{pass}.linear_backward({g}, {layer}, {act}, &mut {into})?;");
            }
            Kind::Conv2d { layer, input, norm, residual, act, pool } => {
                let (layer, shape) = (format!("({}).into()", self.reference(*layer)), self.shape(*input));
                let (into, act) = (grad(*input), self.act(act.as_ref()));
                match (norm, pool) {
                    (Some(norm), _) => {
                        let norm = self.reference(*norm);
                        let call = format_args!(
                            "{pass}.conv2d_norm_backward({g}, {shape}, {layer}, ({norm}).into(), {act}"
                        );
                        with_residual(text, call, *input, *residual);
                    }
                    (None, Some(pool)) => {
                        let (pool, out) = (&pool.options, self.shape(step.results[0]));
                        write!(
                            text,
                            "{pass}.conv2d_max_pool_backward({g}, {shape}, {layer}, {act}, {pool}, {out}, &mut {into})?;"
                        );
                    }
                    (None, None) => {
                        write!(text, "{pass}.conv2d_backward({g}, {shape}, {layer}, {act}, &mut {into})?;");
                    }
                }
            }
            Kind::ChannelNorm { layer, input, residual, act } => {
                let (layer, shape) = (self.reference(*layer), self.shape(*input));
                let act = self.act(act.as_ref());
                let call = format_args!("{pass}.batch_norm_backward({g}, {shape}, ({layer}).into(), {act}");
                with_residual(text, call, *input, *residual);
            }
            Kind::RowNorm { layer, input } => {
                let (layer, into) = (self.reference(*layer), grad(*input));
                write!(text, "{pass}.row_norm_backward({g}, {layer}, &mut {into})?;");
            }
            Kind::Embedding { layer, .. } => {
                write!(text, "{pass}.embedding_backward({g}, {})?;", self.reference(*layer));
            }
            Kind::Kernel { method, inputs, options, number, .. } => {
                let options = self.options(options, number.as_ref());
                let (shapes, outputs) = (self.shapes(inputs), self.shapes(&step.results));
                let call =
                    format_args!("{pass}.{method}_backward(&[{g}], &[{shapes}], {options}, &[{outputs}]");
                in_parts(text, call, "?", inputs);
            }
            Kind::Recurrent { layer, input, table, states } => {
                let (layer, shape) = (self.reference(*layer), self.shape(*input));
                let table = self.table(*table);
                let into: Vec<Var> = std::iter::once(input).chain(states).copied().collect();
                let call =
                    format_args!("{pass}.recurrent_backward(&[{g}], {shape}, {table}, ({layer}).into()");
                in_parts(text, call, "?", &into);
            }
            Kind::Unary { act, input } => {
                let (into, (op, params)) = (grad(*input), self.operator(act));
                write!(text, "{pass}.unary_backward({op}, {params}, {g}, &mut {into});");
            }
            Kind::Binary { op, left, right } => {
                let shape = self.shape(step.results[0]);
                let sides = [left, right].map(|operand| self.side(operand, false)).join(", ");
                let call = format_args!("{pass}.binary_backward(operators::{op}, {sides}, {shape}, {g}");
                let tensors = [left, right].map(|operand| match operand {
                    Operand::Tensor(number) => Some(*number),
                    Operand::Number(_) => None,
                });
                in_places(text, call, "", &tensors);
            }
            Kind::Chain(chain) => self.chain_backward(text, chain, None, step),
            Kind::Reshape { input } => write!(text, "__pass.contribute(&mut {}, {g});", grad(*input)),
            Kind::Detach { .. } => {}
            Kind::State { owner, entry } => {
                let state = statements::state(self.place(*owner), *entry);
                write!(text, "{pass}.state_backward({g}, {state})?;");
            }
            Kind::Permute { input, dims } => {
                let (shape, into, dims) = (self.shape(*input), grad(*input), list(dims));
                write!(text, "{pass}.permute_backward({g}, {shape}, &[{dims}], &mut {into});");
            }
            Kind::Attention { inputs, operands, mask, out, .. } => {
                let into: Vec<Var> = inputs.iter().chain(mask).copied().collect();
                let (mask, out) = (option(mask.map(|mask| self.shape(mask))), self.heads(out));
                let operands = list(operands.iter().map(|operand| self.heads(operand)));
                let options = self.attention_options(&step.kind);
                let call =
                    format_args!("{pass}.attention_backward({g}, [{operands}], {mask}, {options}, {out}");
                in_parts(text, call, "?", &into);
            }
            Kind::Island { inputs, layer, .. } => {
                let (module, outputs) = (self.module(*layer), self.shapes(&step.results));
                let into = list(inputs.iter().map(|input| format!("&mut {}", grad(*input))));
                write!(text, "{pass}.island_backward(&[{g}], {module}, &[{outputs}], &mut [{into}])?;");
            }
            Kind::Submodel { target, inputs } => {
                let (callee, shapes, count) = (self.reference(*target), self.shapes(inputs), inputs.len());
                write!(
                    text,
                    "let mut __parts: [Grad; {count}] = [None; {count}]; Probe({callee}).derive({pass}, &[{shapes}], &[{g}], &mut __parts)?;"
                );
                contribute(text, inputs);
            }
            Kind::Branch { on, arms } => {
                let arms = arms.iter().map(|region| {
                    let mut steps = text.another();
                    self.enter(&mut steps, region, step.results.iter().map(|result| grad(*result)));
                    self.backward(&mut steps, region);
                    format!("{{ {} }}", steps.into_inner())
                });
                let arms: Vec<String> = arms.collect();
                let taken = self.branch(on, "__pass.branched()", &arms);
                write!(text, "{taken}");
            }
            Kind::Loop { over, index, carried, body } => {
                // In a block, since a loop around this one has slots of the same names.
                let mut block = text.another();
                let slots = || (0..carried.len()).map(|slot| Local("carried", slot));
                for (slot, result) in slots().zip(&step.results) {
                    write!(
                        block,
                        "let mut {slot}: Grad = None; __pass.share({}, &mut {slot});",
                        grad(*result)
                    );
                }
                let head = self.op_by_op().reversed_head(over, *index);
                let mut steps = block.another();
                self.declare(&mut steps, carried.iter().map(|(inside, _)| *inside));
                self.enter(&mut steps, body, slots());
                slots().for_each(|slot| write!(steps, "__pass.release_grad({slot});"));
                self.backward(&mut steps, body);
                for (slot, (inside, _)) in slots().zip(carried) {
                    write!(steps, "{slot} = {};", grad(*inside));
                }
                let steps = steps.into_inner();
                write!(block, "{head} {{ {steps} }}");
                for (slot, (_, before)) in slots().zip(carried) {
                    write!(block, "__pass.contribute(&mut {}, {slot});", grad(*before));
                }
                write!(text, "{{ {} }}", block.into_inner());
            }
        }
    }
}

/// `__g1, __g2`
fn grads(numbers: &[Var]) -> String {
    list(numbers.iter().map(|number| grad(*number)))
}

/// Adds up what lies in `__parts`.
pub fn contribute(text: &mut Text<'_>, tensors: &[Var]) {
    for (position, tensor) in tensors.iter().enumerate() {
        write!(text, "__pass.contribute(&mut {}, __parts[{position}]);", grad(*tensor));
    }
}

/// A call, unfinished, that ends with places for the gradients of these tensors; `ends` is what follows its parentheses.
pub fn in_parts(text: &mut Text<'_>, call: Arguments<'_>, ends: &str, tensors: &[Var]) {
    let tensors: Vec<Option<Var>> = tensors.iter().copied().map(Some).collect();
    in_places(text, call, ends, &tensors);
}

/// The same; where there is no tensor, the gradient is nobody's.
fn in_places(text: &mut Text<'_>, call: Arguments<'_>, ends: &str, tensors: &[Option<Var>]) {
    let is_new = |(at, tensor): (usize, &Option<Var>)| tensor.is_none() || !tensors[..at].contains(tensor);
    if tensors.iter().enumerate().all(is_new) {
        let places = tensors.iter().map(|tensor| match tensor {
            Some(tensor) => format!("&mut {}", grad(*tensor)),
            None => "&mut None".into(),
        });
        write!(text, "{call}, &mut [{}]){ends};", list(places));
        return;
    }
    // Of a tensor that is given twice, each gradient gets a place of its own first.
    let count = tensors.len();
    write!(
        text,
        "let mut __parts: [Grad; {count}] = [None; {count}]; {call}, &mut __parts.each_mut()){ends};"
    );
    for (position, tensor) in tensors.iter().enumerate() {
        if let Some(tensor) = tensor {
            write!(text, "__pass.contribute(&mut {}, __parts[{position}]);", grad(*tensor));
        }
    }
}

/// A call, unfinished, that ends with the gradients of input and residual. Both may be of one tensor, so each gets a place of its own
/// first then.
fn with_residual(text: &mut Text<'_>, call: Arguments<'_>, input: Var, residual: Option<Var>) {
    if residual != Some(input) {
        let slot = option(residual.map(|residual| format!("&mut {}", grad(residual))));
        write!(text, "{call}, (&mut {}, {slot}))?;", grad(input));
        return;
    }
    let input = grad(input);
    write!(
        text,
        "let [mut __part, mut __rest]: [Grad; 2] = [None; 2]; {call}, (&mut __part, Some(&mut __rest)))?; \
         __pass.contribute(&mut {input}, __part); __pass.contribute(&mut {input}, __rest);"
    );
}
