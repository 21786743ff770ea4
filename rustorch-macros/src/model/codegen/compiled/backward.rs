//! The backward pass: the steps in reverse, each contributing to the gradients of what it used.

use super::super::super::compile::{Kind, Operand, Region, Step};
use super::super::super::ir::Var;
use super::super::statements;
use super::super::types::local;
use super::{Printer, act_tokens, grad, mark, operator, option};
use proc_macro2::{Ident, TokenStream};
use quote::format_ident;

impl Printer<'_> {
    /// The backward pass of the region, whose results' gradients have arrived.
    pub fn backward(&self, region: &Region<'_>) -> TokenStream {
        self.named.block(|| self.steps_back(region))
    }

    fn steps_back(&self, region: &Region<'_>) -> TokenStream {
        let steps = region.steps.iter().rev().flat_map(|step| {
            let done = step.results.iter().map(|result| grad(*result));
            [mark(step), self.undo(step), hygienic!(#(pass.release_grad(#done);)*)]
        });
        steps.collect()
    }

    /// Declares the gradients of what the region makes, and shares those of its results out.
    pub fn enter(&self, region: &Region<'_>, given: &[TokenStream]) -> TokenStream {
        let made: Vec<Ident> =
            region.steps.iter().flat_map(|step| &step.results).map(|result| grad(*result)).collect();
        let results = region.results.iter().map(|result| grad(*result));
        hygienic! {
            #(let mut #made: Grad = ::core::option::Option::None;)*
            #(pass.share(#given, &mut #results);)*
        }
    }

    fn undo(&self, step: &Step<'_>) -> TokenStream {
        let grads: Vec<Ident> = step.results.iter().map(|result| grad(*result)).collect();
        let g = &grads[..];
        match &step.kind {
            Kind::Linear { layer, input, last: Some(last), .. } => {
                let (layer, into, between) = (self.place(*layer), grad(*input), grad(last.product));
                let chain = self.chain_backward(&last.chain, Some(last.product), step);
                hygienic! {
                    let mut #between: Grad = None;
                    #chain
                    pass.linear_backward(#between, &#layer.weight, #layer.bias.as_ref(), None, &mut #into)?;
                    pass.release_grad(#between);
                }
            }
            Kind::Linear { layer, input, act, last: None } => {
                let (layer, into, act) = (self.place(*layer), grad(*input), act_tokens(act.as_ref()));
                hygienic!(pass.linear_backward(#(#g)*, &#layer.weight, #layer.bias.as_ref(), #act, &mut #into)?;)
            }
            Kind::Conv2d { layer, input, norm, residual, act, pool } => {
                let (layer, shape) = (self.reference(*layer), self.shape(*input));
                let (into, act) = (grad(*input), act_tokens(act.as_ref()));
                match (norm, pool) {
                    (Some(norm), _) => {
                        let norm = self.reference(*norm);
                        let given = hygienic!(#(#g)*, #shape, #layer, (#norm).into(), #act);
                        with_residual("conv2d_norm_backward", &given, *input, *residual)
                    }
                    (None, Some(pool)) => hygienic! {
                        pass.conv2d_max_pool_backward(#(#g)*, #shape, #layer, #act, #pool, &mut #into)?;
                    },
                    (None, None) => {
                        hygienic!(pass.conv2d_backward(#(#g)*, #shape, #layer, #act, &mut #into)?;)
                    }
                }
            }
            Kind::ChannelNorm { layer, input, residual, act } => {
                let (layer, shape) = (self.reference(*layer), self.shape(*input));
                let act = act_tokens(act.as_ref());
                let given = hygienic!(#(#g)*, #shape, (#layer).into(), #act);
                with_residual("batch_norm_backward", &given, *input, *residual)
            }
            Kind::RowNorm { layer, input } => {
                let (layer, into) = (self.reference(*layer), grad(*input));
                hygienic!(pass.row_norm_backward(#(#g)*, (#layer).into(), &mut #into)?;)
            }
            Kind::Embedding { layer, .. } => {
                let layer = self.place(*layer);
                hygienic!(pass.embedding_backward(#(#g)*, &#layer.weight)?;)
            }
            Kind::Kernel { method, inputs, options, .. } => {
                let method = format_ident!("{method}_backward");
                let shapes = inputs.iter().map(|input| self.shape(*input));
                let outputs = step.results.iter().map(|result| self.shape(*result));
                let into = inputs.iter().map(|input| grad(*input));
                let (count, positions) = (inputs.len(), 0..inputs.len());
                hygienic! {
                    let mut parts: [Grad; #count] = [None; #count];
                    pass.#method(&[#(#g),*], &[#(#shapes),*], #options, &[#(#outputs),*], &mut parts)?;
                    #(pass.contribute(&mut #into, parts[#positions]);)*
                }
            }
            Kind::Recurrent { layer, input, table, states } => {
                let (layer, shape) = (self.reference(*layer), self.shape(*input));
                let table = self.table(*table);
                let into: Vec<Ident> =
                    std::iter::once(input).chain(states).map(|operand| grad(*operand)).collect();
                let (count, positions) = (into.len(), 0..into.len());
                hygienic! {
                    let mut parts: [Grad; #count] = [None; #count];
                    pass.recurrent_backward(&[#(#g),*], #shape, #table, (#layer).into(), &mut parts)?;
                    #(pass.contribute(&mut #into, parts[#positions]);)*
                }
            }
            Kind::MaxPool { input, pool } => {
                let (shape, into) = (self.shape(*input), grad(*input));
                hygienic!(pass.max_pool2d_backward(#(#g)*, #shape, #pool, &mut #into)?;)
            }
            Kind::Unary { act, input } => {
                let (into, (op, params)) = (grad(*input), operator(act));
                hygienic!(pass.unary_backward(#op, #params, #(#g)*, &mut #into);)
            }
            Kind::Binary { op, left, right } => {
                let (op, shape) = (format_ident!("{op}"), self.shape(step.results[0]));
                let parts = [(left, hygienic!(left)), (right, hygienic!(right))];
                let parts = parts.iter().filter_map(|(operand, part)| match operand {
                    Operand::Tensor(number) => Some((grad(*number), part)),
                    Operand::Number(_) => None,
                });
                let parts = parts.map(|(into, part)| hygienic!(pass.contribute(&mut #into, #part);));
                let parts: Vec<TokenStream> = parts.collect();
                let [left, right] = [left, right].map(|operand| self.side(operand, false));
                hygienic! {
                    let (mut left, mut right): (Grad, Grad) = (None, None);
                    pass.binary_backward(operators::#op, #left, #right, #shape, #(#g)*, [&mut left, &mut right]);
                    #(#parts)*
                }
            }
            Kind::Chain(chain) => self.chain_backward(chain, None, step),
            Kind::Reshape { input } => {
                let into = grad(*input);
                hygienic!(pass.share(#(#g)*, &mut #into);)
            }
            Kind::Detach { .. } => TokenStream::new(),
            Kind::State { field, entry } => {
                let state = statements::state(self.model, *field, *entry);
                hygienic!(pass.state_backward(#(#g)*, #state)?;)
            }
            Kind::Permute { input, dims } => {
                let (shape, into) = (self.shape(*input), grad(*input));
                hygienic!(pass.permute_backward(#(#g)*, #shape, &[#(#dims),*], &mut #into);)
            }
            Kind::Attention { inputs, operands, mask, causal, scale, out } => {
                let into = inputs.iter().chain(mask).map(|input| grad(*input));
                let mask = option(mask.map(|mask| self.shape(mask)));
                let out = self.heads(out);
                let operands = operands.iter().map(|operand| self.heads(operand));
                hygienic! {
                    let mut parts: [Grad; 4] = [None; 4];
                    pass.attention_backward(#(#g)*, [#(#operands),*], #mask, (#causal, #scale), #out, &mut parts)?;
                    let mut parts = parts.into_iter();
                    #(pass.contribute(&mut #into, parts.next().flatten());)*
                }
            }
            Kind::Island { inputs, layer, .. } => {
                let module = self.module(*layer);
                let outputs = step.results.iter().map(|result| self.shape(*result));
                let into = inputs.iter().map(|input| grad(*input));
                hygienic!(pass.island_backward(&[#(#g),*], #module, &[#(#outputs),*], &mut [#(&mut #into),*])?;)
            }
            Kind::Submodel { target, inputs } => {
                let callee = self.reference(*target);
                let shapes = inputs.iter().map(|input| self.shape(*input));
                let count = inputs.len();
                let into = inputs.iter().map(|input| grad(*input));
                let positions = 0..count;
                hygienic! {
                    let mut parts: [Grad; #count] = [None; #count];
                    Probe(#callee).derive(pass, &[#(#shapes),*], &[#(#g),*], &mut parts)?;
                    #(pass.contribute(&mut #into, parts[#positions]);)*
                }
            }
            Kind::Branch { on, arms } => {
                let given: Vec<TokenStream> = g.iter().map(|grad| hygienic!(#grad)).collect();
                let arms: Vec<TokenStream> = arms
                    .iter()
                    .map(|region| {
                        let (enter, steps) = (self.enter(region, &given), self.backward(region));
                        hygienic!({ #enter #steps })
                    })
                    .collect();
                self.branch(on, &hygienic!(pass.branched()), &arms)
            }
            Kind::Loop { over, index, carried, body } => {
                let head = statements::reversed_head(self.model, over, *index);
                let slots: Vec<Ident> = (0..carried.len()).map(|i| local("carried", i)).collect();
                let given: Vec<TokenStream> = slots.iter().map(|slot| hygienic!(#slot)).collect();
                let insides: Vec<Ident> = carried.iter().map(|(inside, _)| grad(*inside)).collect();
                let starts = carried.iter().map(|(_, before)| grad(*before));
                let (enter, steps) = (self.enter(body, &given), self.backward(body));
                hygienic! {
                    #(
                        let mut #slots: Grad = None;
                        pass.share(#g, &mut #slots);
                    )*
                    #head {
                        #(let mut #insides: Grad = None;)*
                        #enter
                        #(pass.release_grad(#slots);)*
                        #steps
                        #(#slots = #insides;)*
                    }
                    #(pass.contribute(&mut #starts, #slots);)*
                }
            }
        }
    }
}

/// A call that ends with the gradients of input and residual. Both may be of one tensor, so each gets a place of its own first.
fn with_residual(method: &str, given: &TokenStream, input: Var, residual: Option<Var>) -> TokenStream {
    let (method, into) = (format_ident!("{method}"), grad(input));
    let slot = option(residual.map(|_| hygienic!(&mut rest)));
    let rest = residual.map(grad).map(|residual| hygienic!(pass.contribute(&mut #residual, rest);));
    hygienic! {
        let (mut part, mut rest): (Grad, Grad) = (None, None);
        pass.#method(#given, (&mut part, #slot))?;
        pass.contribute(&mut #into, part);
        #rest
    }
}
