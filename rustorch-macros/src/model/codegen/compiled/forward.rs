//! The forward pass: a call of `rustorch::compiled::Pass` for every step.

use super::super::super::compile::{Contents, Kind, On, Region, Step};
use super::super::super::ir::Var;
use super::super::statements::{self, Store};
use super::super::types::var;
use super::{Printer, act_tokens, mark, operator, option};
use proc_macro2::{Ident, TokenStream};
use quote::format_ident;
use std::collections::BTreeSet;

impl Printer<'_> {
    /// The steps; the region's results are left to who uses them.
    pub fn forward(&self, region: &Region<'_>, is_whole: bool) -> TokenStream {
        self.named.block(|| self.steps(region, is_whole))
    }

    fn steps(&self, region: &Region<'_>, is_whole: bool) -> TokenStream {
        // One stream after the other: a stream put into another is taken apart and put together again.
        let mut streams = vec![released(&region.unused)];
        for step in &region.steps {
            let output = is_whole
                .then(|| region.results.iter().position(|result| step.results == [*result]))
                .flatten();
            let output = output.filter(|_| step.kind.has_result_of_its_own());
            let output = output.map(|position| hygienic!(pass.output(#position);));
            streams.extend(output);
            streams.push(mark(step));
            streams.push(self.call(step));
            let tensors = step.results.iter().map(|number| var(*number));
            let shapes = step.results.iter().map(|number| self.shape(*number));
            streams.push(hygienic!(#(pass.expect(#tensors, #shapes)?;)*));
            streams.push(released(&step.dies));
        }
        // A result that belongs to somebody else, or is given twice, has one user more.
        let mut given = BTreeSet::new();
        let shared =
            region.results.iter().filter(|result| !region.owned.contains(result) || !given.insert(**result));
        let shared = shared.map(|result| var(*result));
        streams.push(hygienic!(#(pass.retain(#shared);)*));
        streams.into_iter().collect()
    }

    fn call(&self, step: &Step<'_>) -> TokenStream {
        let results: Vec<Ident> = step.results.iter().map(|result| var(*result)).collect();
        let result = &results[..];
        match &step.kind {
            Kind::Linear { layer, input, last: Some(last), .. } => {
                let chain = self.chain_of_product(last, step);
                let (layer, input) = (self.place(*layer), var(*input));
                hygienic! {
                    let #(#result)* = pass.linear_chain(#input, &#layer.weight, #layer.bias.as_ref(), #chain)?;
                }
            }
            Kind::Linear { layer, input, act, last: None } => {
                let (layer, input, act) = (self.place(*layer), var(*input), act_tokens(act.as_ref()));
                hygienic!(let #(#result)* = pass.linear(#input, &#layer.weight, #layer.bias.as_ref(), #act);)
            }
            Kind::Conv2d { layer, input, norm, residual, act, pool } => {
                let (layer, shape) = (self.reference(*layer), self.shape(*input));
                let (input, act) = (var(*input), act_tokens(act.as_ref()));
                let call = match (norm, pool) {
                    (Some(norm), _) => {
                        let (norm, residual) = (self.reference(*norm), option(residual.map(var)));
                        hygienic!(conv2d_norm(#input, #shape, #layer, (#norm).into(), #residual, #act))
                    }
                    (None, Some(pool)) => hygienic!(conv2d_max_pool(#input, #shape, #layer, #act, #pool)),
                    (None, None) => hygienic!(conv2d(#input, #shape, #layer, #act)),
                };
                hygienic!(let #(#result)* = pass.#call?;)
            }
            Kind::ChannelNorm { layer, input, residual, act } => {
                let (layer, shape) = (self.reference(*layer), self.shape(*input));
                let (input, act) = (var(*input), act_tokens(act.as_ref()));
                let residual = option(residual.map(var));
                hygienic!(let #(#result)* = pass.batch_norm(#input, #shape, (#layer).into(), #residual, #act)?;)
            }
            Kind::RowNorm { layer, input } => {
                let (layer, input) = (self.reference(*layer), var(*input));
                hygienic!(let #(#result)* = pass.row_norm(#input, (#layer).into())?;)
            }
            Kind::Embedding { layer, input } => {
                let (layer, input) = (self.place(*layer), var(*input));
                hygienic!(let #(#result)* = pass.embedding(#input, &#layer.weight)?;)
            }
            Kind::Kernel { method, inputs, options, .. } => {
                let (method, count) = (format_ident!("{method}"), results.len());
                let shapes = inputs.iter().map(|input| self.shape(*input));
                let inputs = inputs.iter().map(|input| var(*input));
                let outputs = step.results.iter().map(|result| self.shape(*result));
                hygienic! {
                    let mut made = [Buf::NONE; #count];
                    pass.#method(&[#((#inputs, #shapes)),*], #options, &[#(#outputs),*], &mut made)?;
                    let [#(#results),*] = made;
                }
            }
            Kind::Recurrent { layer, input, table, states } => {
                let (layer, shape) = (self.reference(*layer), self.shape(*input));
                let (input, table, count) = (var(*input), self.table(*table), results.len());
                let states = states.iter().map(|state| var(*state));
                hygienic! {
                    let mut made = [Buf::NONE; #count];
                    pass.recurrent(#input, #shape, #table, (#layer).into(), &[#(#states),*], &mut made)?;
                    let [#(#results),*] = made;
                }
            }
            Kind::MaxPool { input, pool } => {
                let (shape, input) = (self.shape(*input), var(*input));
                hygienic!(let #(#result)* = pass.max_pool2d(#input, #shape, #pool)?;)
            }
            Kind::Unary { act, input } => {
                let (input, (op, params)) = (var(*input), operator(act));
                hygienic!(let #(#result)* = pass.unary(#op, #params, #input);)
            }
            Kind::Binary { op, left, right } => {
                let (op, shape) = (format_ident!("{op}"), self.shape(step.results[0]));
                let [left, right] = [left, right].map(|operand| self.side(operand, true));
                hygienic!(let #(#result)* = pass.binary(operators::#op, #left, #right, #shape);)
            }
            Kind::Chain(chain) => self.chain(chain, step),
            Kind::Reshape { input } => {
                let input = var(*input);
                hygienic!(let #(#result)* = pass.reshape(#input);)
            }
            Kind::Detach { input } => {
                let input = var(*input);
                hygienic!(let #(#result)* = pass.detach(#input);)
            }
            Kind::State { field, entry } => {
                let state = statements::state(self.model, *field, *entry);
                let name = &self.model.fields[*field].name;
                let what = entry.map_or(format!("`{name}`"), |entry| format!("`{name}.{entry}`"));
                let assumed = step.results.iter().map(|result| self.assume(*result, &what));
                let call = match self.is_running(*field, *entry) {
                    true => hygienic!(pass.snapshot(#state)),
                    false => hygienic!(pass.state(#state)),
                };
                hygienic!(let #(#result)* = #call; #(#assumed)*)
            }
            Kind::Permute { input, dims } => {
                let (shape, input) = (self.shape(*input), var(*input));
                hygienic!(let #(#result)* = pass.permute(#input, #shape, &[#(#dims),*])?;)
            }
            Kind::Attention { inputs, operands, mask, causal, scale, out } => {
                let mask = option(mask.map(|mask| {
                    let (shape, mask) = (self.shape(mask), var(mask));
                    hygienic!((#mask, #shape))
                }));
                let (inputs, out) = (inputs.iter().map(|input| var(*input)), self.heads(out));
                let operands = operands.iter().map(|operand| self.heads(operand));
                hygienic! {
                    let #(#result)* = pass.attention([#(#inputs),*], [#(#operands),*], #mask, (#causal, #scale), #out)?;
                }
            }
            Kind::Island { instruction, inputs, layer, contents } => {
                let contents = self.contents(contents);
                let module = self.module(*layer);
                let names: Vec<Ident> = inputs.iter().map(|input| var(*input)).collect();
                let shapes = inputs.iter().map(|input| self.shape(*input));
                let outputs = step.results.iter().map(|result| self.shape(*result));
                let count = results.len();
                let call = statements::statement(self.model, instruction, Store::Temporaries);
                hygienic! {
                    let mut made = [Buf::NONE; #count];
                    pass.island(&[#((#names, #shapes)),*], #module, &[#(#outputs),*], #contents, &mut made, |given| {
                        let [#(#names),*] = given else { ::core::unreachable!("as many tensors as buffers") };
                        #call
                        ::core::result::Result::Ok([#(#results.clone()),*].into_iter().collect())
                    })?;
                    let [#(#results),*] = made;
                }
            }
            Kind::Submodel { target, inputs } => {
                let callee = self.reference(*target);
                let what = format!("a result of `{}`", self.model.fields[target.field].name);
                let assumed = step.results.iter().map(|result| self.assume(*result, &what));
                let shapes = inputs.iter().map(|input| self.shape(*input));
                let (inputs, count) = (inputs.iter().map(|input| var(*input)), results.len());
                hygienic! {
                    let mut made = [Buf::NONE; #count];
                    Probe(#callee).run(pass, &[#(#inputs),*], &[#(#shapes),*], &mut made)?;
                    let [#(#results),*] = made;
                    #(#assumed)*
                }
            }
            Kind::Branch { on, arms } => {
                let arms: Vec<TokenStream> = arms
                    .iter()
                    .map(|region| {
                        let steps = self.forward(region, false);
                        let ends = region.results.iter().map(|result| var(*result));
                        hygienic!({ #steps (#(#ends,)*) })
                    })
                    .collect();
                let taken = self.branch(on, &hygienic!(pass.branch(self.training.get())), &arms);
                hygienic!(let (#(#results,)*) = #taken;)
            }
            Kind::Loop { over, index, carried, body } => {
                let insides: Vec<Ident> = carried.iter().map(|(inside, _)| var(*inside)).collect();
                let starts = carried.iter().map(|(_, before)| var(*before));
                let (head, steps) = (statements::head(self.model, over, *index), self.forward(body, false));
                let ends = body.results.iter().map(|result| var(*result));
                hygienic! {
                    let (#(mut #insides,)*) = (#(pass.retain(#starts),)*);
                    #head {
                        (#(#insides,)*) = { #steps (#(#ends,)*) };
                    }
                    let (#(#results,)*) = (#(#insides,)*);
                }
            }
        }
    }

    /// Whether this is a buffer of a layer, which the layer may write to in the same pass.
    fn is_running(&self, field: usize, entry: Option<&str>) -> bool {
        let (Some(entry), Some((layer, args))) = (entry, self.model.layer(self.checked, field)) else {
            return false;
        };
        let states = (layer.spec.state)(args).unwrap_or_default();
        states.iter().any(|state| state.is_buffer && state.name == entry)
    }

    /// The arm that runs, in either direction.
    pub fn branch(&self, on: &On<'_>, training: &TokenStream, arms: &[TokenStream]) -> TokenStream {
        match (on, arms) {
            (On::Training, [then, otherwise]) => hygienic!(if #training #then else #otherwise),
            (On::Decision(decision), [then, otherwise]) => {
                let condition = statements::condition(self.model, decision);
                hygienic!(if #condition #then else #otherwise)
            }
            (On::Match(subject, patterns), arms) => hygienic!(match #subject { #(#patterns => #arms)* }),
            _ => TokenStream::new(),
        }
    }

    /// What the results of an operation on tensors hold: nothing is said of numbers.
    fn contents(&self, contents: &[Contents]) -> TokenStream {
        if contents.iter().all(|contents| *contents == Contents::Numbers) {
            return hygienic!(&[]);
        }
        let contents = contents.iter().map(|contents| match contents {
            Contents::Numbers => hygienic!(Numbers),
            Contents::Discrete => hygienic!(Discrete),
            Contents::Anything => hygienic!(Anything),
            Contents::Same => hygienic!(Same),
        });
        hygienic!(&[#(::rustorch::__private::compiled::Contents::#contents),*])
    }
}

/// Gives up tensors that nothing uses from here on.
fn released<'v>(tensors: impl IntoIterator<Item = &'v Var>) -> TokenStream {
    let tensors = tensors.into_iter().map(|number| var(*number));
    hygienic!(#(pass.release(#tensors);)*)
}

impl Kind<'_> {
    /// Whether the result is a fresh buffer that the step fills, so that it may be memory of an output.
    fn has_result_of_its_own(&self) -> bool {
        !matches!(
            self,
            Kind::Reshape { .. }
                | Kind::Detach { .. }
                | Kind::State { .. }
                | Kind::Recurrent { .. }
                | Kind::Island { .. }
                | Kind::Submodel { .. }
                | Kind::Branch { .. }
                | Kind::Loop { .. }
        )
    }
}
