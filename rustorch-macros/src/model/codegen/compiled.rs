//! The compiled pass: forward and backward as straight lines of calls to `rustorch::compiled::Pass`.

use super::super::check::Checked;
use super::super::compile::{Act, Heads, Kind, Operand, Region, Step};
use super::super::ir::{FieldKind, Forward, Model, Submodel};
use super::super::lower::Program;
use super::body;
use super::types::{self, var};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use std::collections::BTreeSet;

/// The implementation of `Compiled`.
pub(super) fn compiled(
    model: &Model,
    checked: &Checked,
    program: &Program,
    region: &Region<'_>,
) -> TokenStream {
    let Some(forward) = &model.forward else { return TokenStream::new() };
    let printer = Printer { model, checked };
    let (name, (impl_generics, ty_generics, where_clause)) = (&model.name, model.generics.split_for_impl());
    let indices = (0..forward.inputs.len()).map(|input| region.index_uses(input).0);
    let dims: Vec<TokenStream> = forward.dims.iter().map(dim).collect();
    let forward_body = printer.forward(region, true);
    let backward_body = printer.backward(region);
    let count = forward.inputs.len();
    let inputs: Vec<Ident> = (0..count).map(var).collect();
    let input_grads: Vec<Ident> = (0..count).map(grad).collect();
    let positions: Vec<usize> = (0..count).collect();
    let results: Vec<Ident> = region.results.iter().map(|result| var(*result)).collect();
    let slots: Vec<usize> = (0..results.len()).collect();
    let shapes = region.results.iter().map(|result| printer.shape(*result));
    let result_grads =
        printer.enter(region, &slots.iter().map(|slot| quote!(outputs[#slot])).collect::<Vec<_>>());
    let schedule = super::schedule::schedule(model, checked, region);
    let handle = handle(model);
    let check = check(model, forward);
    let eager = eager(model, forward, program);
    quote! {
        #[automatically_derived]
        #[allow(unused_variables, unused_mut, unused_assignments, clippy::all)]
        impl #impl_generics ::rustorch::__private::compiled::Compiled for #name #ty_generics #where_clause {
            const INDICES: &'static [bool] = &[#(#indices),*];
            const SCHEDULE: &'static [&'static str] = &[#(#schedule),*];

            fn cache(&self) -> &::rustorch::__private::compiled::Cache {
                &self.compiled
            }

            #handle

            #check

            fn run(
                &self,
                pass: &mut ::rustorch::__private::compiled::Pass,
                inputs: &[::rustorch::__private::compiled::Buf],
                shapes: &[&[usize]],
                outputs: &mut [::rustorch::__private::compiled::Buf],
            ) -> ::rustorch::Result<()> {
                use ::rustorch::__private::compiled::{Buf, Probe, Side, Uncompiled as _, operators};
                #(#dims)*
                #(let #inputs = pass.retain(inputs[#positions]);)*
                pass.outputs(&[#(#shapes),*])?;
                #forward_body
                #(outputs[#slots] = #results;)*
                ::core::result::Result::Ok(())
            }

            fn derive(
                &self,
                pass: &mut ::rustorch::__private::compiled::Pass,
                shapes: &[&[usize]],
                outputs: &[::rustorch::__private::compiled::Grad],
                inputs: &mut [::rustorch::__private::compiled::Grad],
            ) -> ::rustorch::Result<()> {
                use ::rustorch::__private::compiled::{Buf, Grad, Probe, Side, Uncompiled as _, operators};
                #(#dims)*
                #(let mut #input_grads: Grad = ::core::option::Option::None;)*
                #result_grads
                #backward_body
                #(inputs[#positions] = #input_grads;)*
                ::core::result::Result::Ok(())
            }

            #eager
        }
    }
}

/// A second handle on the model.
fn handle(model: &Model) -> TokenStream {
    let fields = model.fields.iter().map(|field| {
        let name = &field.name;
        let value = match &field.kind {
            FieldKind::Submodel(_) => quote!(Probe(&self.#name).handle()?),
            FieldKind::Submodels(..) => quote!(::rustorch::__private::compiled::array(
                self.#name.iter().map(|submodel| Probe(submodel).handle())
            )?),
            _ => quote!(::core::clone::Clone::clone(&self.#name)),
        };
        quote!(#name: #value)
    });
    quote! {
        fn handle(&self) -> ::core::option::Option<Self> {
            use ::rustorch::__private::compiled::{Probe, Uncompiled as _};
            ::core::option::Option::Some(Self {
                #(#fields,)*
                training: self.training.clone(),
                compiled: self.compiled.clone(),
            })
        }
    }
}

/// Compares dynamic inputs with their declarations.
fn check(model: &Model, forward: &Forward) -> TokenStream {
    let name = model.name.to_string();
    let count = forward.inputs.len();
    let declared = || {
        forward.inputs.iter().enumerate().filter_map(|(at, input)| Some((at, input, input.shape.as_ref()?)))
    };
    let ranks = declared().map(|(at, input, shape)| {
        let (text, rank) = (input.name.to_string(), shape.len());
        quote!(::rustorch::__private::compiled::check_rank(#name, #text, inputs[#at], #rank)?;)
    });
    let dims = forward.dims.iter().map(|dim| {
        let (name, input, axis) = (format_ident!("{}", dim.name), dim.input, dim.axis);
        quote!(let #name = inputs[#input].shape()[#axis];)
    });
    let sizes = declared().map(|(at, input, shape)| {
        let (text, sizes) = (input.name.to_string(), shape.iter().map(types::size));
        quote!(::rustorch::__private::model::check_input(#name, #text, inputs[#at], &[#(#sizes),*])?;)
    });
    quote! {
        fn check(&self, inputs: &[&::rustorch::Tensor]) -> ::rustorch::Result<()> {
            ::rustorch::__private::compiled::check_count(#name, inputs.len(), #count)?;
            #(#ranks)*
            #(#dims)*
            #(#sizes)*
            ::core::result::Result::Ok(())
        }
    }
}

/// The op-by-op pass on dynamic tensors.
fn eager(model: &Model, forward: &Forward, program: &Program) -> TokenStream {
    let count = forward.inputs.len();
    let inputs = (0..count).map(|position| quote!(inputs[#position]));
    let turbofish = if program.has_submodels() {
        let dims = types::dim_params(model).into_iter().map(|_| quote!(::rustorch::Any));
        quote!(::<#(#dims),*>)
    } else {
        TokenStream::new()
    };
    let results = forward.outputs.iter().enumerate().map(|(position, _)| {
        let index = syn::Index::from(position);
        if forward.is_tuple { quote!(output.#index) } else { quote!(output) }
    });
    quote! {
        fn eager(
            &self,
            inputs: &[&::rustorch::Tensor],
        ) -> ::rustorch::Result<::rustorch::__private::compiled::Tensors> {
            let output = self.op_by_op #turbofish (#(#inputs),*)?;
            ::core::result::Result::Ok([#(#results),*].into_iter().collect())
        }
    }
}

/// `let batch = shapes[0][0];`
fn dim(dim: &super::super::ir::Dim) -> TokenStream {
    let (name, input, axis) = (format_ident!("{}", dim.name), dim.input, dim.axis);
    quote!(let #name = shapes[#input][#axis];)
}

/// The gradient of a tensor.
fn grad(number: usize) -> Ident {
    format_ident!("g{number}")
}

struct Printer<'a> {
    model: &'a Model,
    checked: &'a Checked,
}

impl Printer<'_> {
    /// A shape as a slice: `&[batch, 4*D]`.
    fn shape(&self, number: usize) -> TokenStream {
        let sizes = self.checked.shapes[number].iter().flatten().map(types::size);
        // Without a size, only the type says what the elements are.
        if self.checked.shapes[number].as_ref().is_none_or(Vec::is_empty) {
            return quote!(&[] as &[usize]);
        }
        quote!(&[#(#sizes),*])
    }

    /// The steps; the region's results are left to who uses them.
    fn forward(&self, region: &Region<'_>, is_whole: bool) -> TokenStream {
        let unused = region.unused.iter().map(|number| {
            let tensor = var(*number);
            quote!(pass.release(#tensor);)
        });
        let steps = region.steps.iter().map(|step| {
            let output = is_whole
                .then(|| region.results.iter().position(|result| step.results == [*result]))
                .flatten();
            let output = output.filter(|_| step.kind.has_result_of_its_own());
            let output = output.map(|position| quote!(pass.output(#position);));
            let call = self.call(step);
            let dead = step.dies.iter().map(|number| {
                let tensor = var(*number);
                quote!(pass.release(#tensor);)
            });
            let mark = mark(step);
            quote!(#output #mark #call #(#dead)*)
        });
        // A result that belongs to somebody else, or is given twice, has one user more.
        let mut given = BTreeSet::new();
        let shared = region.results.iter().filter_map(|result| {
            let tensor = var(*result);
            (!region.owned.contains(result) || !given.insert(*result)).then(|| quote!(pass.retain(#tensor);))
        });
        quote!(#(#unused)* #(#steps)* #(#shared)*)
    }

    fn call(&self, step: &Step<'_>) -> TokenStream {
        let results: Vec<Ident> = step.results.iter().map(|result| var(*result)).collect();
        let result = &results[..];
        match &step.kind {
            Kind::Linear { field, input, act } => {
                let (layer, input, act) = (self.field(*field), var(*input), act_tokens(act.as_ref()));
                quote!(let #(#result)* = pass.linear(#input, &#layer.weight, #layer.bias.as_ref(), #act);)
            }
            Kind::Conv2d { field, input, act, pool } => {
                let (layer, shape) = (self.field(*field), self.shape(*input));
                let (input, act) = (var(*input), act_tokens(act.as_ref()));
                match pool {
                    None => quote!(let #(#result)* = pass.conv2d(#input, #shape, &#layer, #act)?;),
                    Some(pool) => {
                        quote!(let #(#result)* = pass.conv2d_max_pool(#input, #shape, &#layer, #act, #pool)?;)
                    }
                }
            }
            Kind::RowNorm { field, input } => {
                let (layer, input) = (self.field(*field), var(*input));
                quote!(let #(#result)* = pass.row_norm(#input, (&#layer).into());)
            }
            Kind::Embedding { field, input } => {
                let (layer, input) = (self.field(*field), var(*input));
                quote!(let #(#result)* = pass.embedding(#input, &#layer.weight)?;)
            }
            Kind::MaxPool { input, pool } => {
                let (shape, input) = (self.shape(*input), var(*input));
                quote!(let #(#result)* = pass.max_pool2d(#input, #shape, #pool)?;)
            }
            Kind::Unary { act, input } => {
                let (input, (op, params)) = (var(*input), operator(act));
                quote!(let #(#result)* = pass.unary(#op, #params, #input);)
            }
            Kind::Binary { op, left, right } => {
                let (op, shape) = (format_ident!("{op}"), self.shape(step.results[0]));
                let [left, right] = [left, right].map(|operand| self.side(operand, true));
                quote!(let #(#result)* = pass.binary(operators::#op, #left, #right, #shape);)
            }
            Kind::Reshape { input } => {
                let input = var(*input);
                quote!(let #(#result)* = pass.reshape(#input);)
            }
            Kind::Permute { input, dims } => {
                let (shape, input) = (self.shape(*input), var(*input));
                quote!(let #(#result)* = pass.permute(#input, #shape, &[#(#dims),*]);)
            }
            Kind::Attention { inputs, operands, causal, out } => {
                let (inputs, out) = (inputs.iter().map(|input| var(*input)), self.heads(out));
                let operands = operands.iter().map(|operand| self.heads(operand));
                quote!(let #(#result)* = pass.attention([#(#inputs),*], [#(#operands),*], #causal, #out);)
            }
            Kind::Island { instruction, inputs, layer } => {
                let module = self.module(*layer);
                let names: Vec<Ident> = inputs.iter().map(|input| var(*input)).collect();
                let shapes = inputs.iter().map(|input| self.shape(*input));
                let outputs = step.results.iter().map(|result| self.shape(*result));
                let count = results.len();
                let call = body::statement(self.model, instruction);
                quote! {
                    let mut made = [Buf::NONE; #count];
                    pass.island(&[#((#names, #shapes)),*], #module, &[#(#outputs),*], &mut made, |given| {
                        let [#(#names),*] = given else { ::core::unreachable!("as many tensors as buffers") };
                        #call
                        ::core::result::Result::Ok([#(#results.clone()),*].into_iter().collect())
                    })?;
                    let [#(#results),*] = made;
                }
            }
            Kind::Submodel { target, inputs } => {
                let callee = self.callee(*target);
                let shapes = inputs.iter().map(|input| self.shape(*input));
                let (inputs, count) = (inputs.iter().map(|input| var(*input)), results.len());
                quote! {
                    let mut made = [Buf::NONE; #count];
                    Probe(#callee).run(pass, &[#(#inputs),*], &[#(#shapes),*], &mut made)?;
                    let [#(#results),*] = made;
                }
            }
            Kind::If { then, otherwise } => {
                let arm = |region: &Region<'_>| {
                    let steps = self.forward(region, false);
                    let ends = region.results.iter().map(|result| var(*result));
                    quote!({ #steps (#(#ends,)*) })
                };
                let (then, otherwise) = (arm(then), arm(otherwise));
                quote!(let (#(#results,)*) = if pass.branch(self.training.get()) #then else #otherwise;)
            }
            Kind::For { field, carried, body: inner } => {
                let (array, submodel) = (self.field(*field), body::each(*field));
                let insides: Vec<Ident> = carried.iter().map(|(inside, _)| var(*inside)).collect();
                let starts = carried.iter().map(|(_, before)| var(*before));
                let steps = self.forward(inner, false);
                let ends = inner.results.iter().map(|result| var(*result));
                quote! {
                    let (#(mut #insides,)*) = (#(pass.retain(#starts),)*);
                    for #submodel in &#array {
                        (#(#insides,)*) = { #steps (#(#ends,)*) };
                    }
                    let (#(#results,)*) = (#(#insides,)*);
                }
            }
        }
    }

    /// The backward pass of the region, whose results' gradients have arrived.
    fn backward(&self, region: &Region<'_>) -> TokenStream {
        let steps = region.steps.iter().rev().map(|step| {
            let (mark, undo) = (mark(step), self.undo(step));
            let done = step.results.iter().map(|result| {
                let grad = grad(*result);
                quote!(pass.release_grad(#grad);)
            });
            quote!(#mark #undo #(#done)*)
        });
        quote!(#(#steps)*)
    }

    /// Declares the gradients of what the region makes, and shares those of its results out.
    fn enter(&self, region: &Region<'_>, given: &[TokenStream]) -> TokenStream {
        let made: Vec<Ident> =
            region.steps.iter().flat_map(|step| &step.results).map(|result| grad(*result)).collect();
        let results = region.results.iter().map(|result| grad(*result));
        quote! {
            #(let mut #made: Grad = ::core::option::Option::None;)*
            #(pass.share(#given, &mut #results);)*
        }
    }

    fn undo(&self, step: &Step<'_>) -> TokenStream {
        let grads: Vec<Ident> = step.results.iter().map(|result| grad(*result)).collect();
        let g = &grads[..];
        match &step.kind {
            Kind::Linear { field, input, act } => {
                let (layer, into, act) = (self.field(*field), grad(*input), act_tokens(act.as_ref()));
                quote!(pass.linear_backward(#(#g)*, &#layer.weight, #layer.bias.as_ref(), #act, &mut #into)?;)
            }
            Kind::Conv2d { field, input, act, pool } => {
                let (layer, shape) = (self.field(*field), self.shape(*input));
                let (into, act) = (grad(*input), act_tokens(act.as_ref()));
                match pool {
                    None => quote!(pass.conv2d_backward(#(#g)*, #shape, &#layer, #act, &mut #into)?;),
                    Some(pool) => quote! {
                        pass.conv2d_max_pool_backward(#(#g)*, #shape, &#layer, #act, #pool, &mut #into)?;
                    },
                }
            }
            Kind::RowNorm { field, input } => {
                let (layer, into) = (self.field(*field), grad(*input));
                quote!(pass.row_norm_backward(#(#g)*, (&#layer).into(), &mut #into)?;)
            }
            Kind::Embedding { field, .. } => {
                let layer = self.field(*field);
                quote!(pass.embedding_backward(#(#g)*, &#layer.weight)?;)
            }
            Kind::MaxPool { input, pool } => {
                let (shape, into) = (self.shape(*input), grad(*input));
                quote!(pass.max_pool2d_backward(#(#g)*, #shape, #pool, &mut #into)?;)
            }
            Kind::Unary { act, input } => {
                let (into, (op, params)) = (grad(*input), operator(act));
                quote!(pass.unary_backward(#op, #params, #(#g)*, &mut #into);)
            }
            Kind::Binary { op, left, right } => {
                let (op, shape) = (format_ident!("{op}"), self.shape(step.results[0]));
                let into = [(left, "left"), (right, "right")].map(|(operand, name)| match operand {
                    Operand::Tensor(number) => (Some(grad(*number)), format_ident!("{name}")),
                    Operand::Number(_) => (None, format_ident!("{name}")),
                });
                let parts = into.iter().filter_map(|(into, part)| {
                    into.as_ref().map(|into| quote!(pass.contribute(&mut #into, #part);))
                });
                let [left, right] = [left, right].map(|operand| self.side(operand, false));
                quote! {
                    let (mut left, mut right): (Grad, Grad) = (None, None);
                    pass.binary_backward(operators::#op, #left, #right, #shape, #(#g)*, [&mut left, &mut right]);
                    #(#parts)*
                }
            }
            Kind::Reshape { input } => {
                let into = grad(*input);
                quote!(pass.share(#(#g)*, &mut #into);)
            }
            Kind::Permute { input, dims } => {
                let (shape, into) = (self.shape(*input), grad(*input));
                quote!(pass.permute_backward(#(#g)*, #shape, &[#(#dims),*], &mut #into);)
            }
            Kind::Attention { inputs, operands, causal, out } => {
                let (into, out) = (inputs.iter().map(|input| grad(*input)), self.heads(out));
                let operands = operands.iter().map(|operand| self.heads(operand));
                quote! {
                    let mut parts: [Grad; 3] = [None; 3];
                    let [q, k, v] = &mut parts;
                    pass.attention_backward(#(#g)*, [#(#operands),*], #causal, #out, [q, k, v]);
                    let mut parts = parts.into_iter();
                    #(pass.contribute(&mut #into, parts.next().flatten());)*
                }
            }
            Kind::Island { inputs, layer, .. } => {
                let module = self.module(*layer);
                let outputs = step.results.iter().map(|result| self.shape(*result));
                let into = inputs.iter().map(|input| grad(*input));
                quote!(pass.island_backward(&[#(#g),*], #module, &[#(#outputs),*], &mut [#(&mut #into),*])?;)
            }
            Kind::Submodel { target, inputs } => {
                let callee = self.callee(*target);
                let shapes = inputs.iter().map(|input| self.shape(*input));
                let count = inputs.len();
                let into = inputs.iter().map(|input| grad(*input));
                let positions = 0..count;
                quote! {
                    let mut parts: [Grad; #count] = [None; #count];
                    Probe(#callee).derive(pass, &[#(#shapes),*], &[#(#g),*], &mut parts)?;
                    #(pass.contribute(&mut #into, parts[#positions]);)*
                }
            }
            Kind::If { then, otherwise } => {
                let given: Vec<TokenStream> = g.iter().map(|grad| quote!(#grad)).collect();
                let arm = |region: &Region<'_>| {
                    let (enter, steps) = (self.enter(region, &given), self.backward(region));
                    quote!({ #enter #steps })
                };
                let (then, otherwise) = (arm(then), arm(otherwise));
                quote!(if pass.branched() #then else #otherwise)
            }
            Kind::For { field, carried, body: inner } => {
                let (array, submodel) = (self.field(*field), body::each(*field));
                let slots: Vec<Ident> = (0..carried.len()).map(|i| format_ident!("carried{i}")).collect();
                let given: Vec<TokenStream> = slots.iter().map(|slot| quote!(#slot)).collect();
                let insides: Vec<Ident> = carried.iter().map(|(inside, _)| grad(*inside)).collect();
                let starts = carried.iter().map(|(_, before)| grad(*before));
                let (enter, steps) = (self.enter(inner, &given), self.backward(inner));
                quote! {
                    #(
                        let mut #slots: Grad = None;
                        pass.share(#g, &mut #slots);
                    )*
                    for #submodel in #array.iter().rev() {
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

    fn heads(&self, heads: &Heads) -> TokenStream {
        let (shape, split) = (self.shape(heads.seen), heads.split);
        quote!(::rustorch::__private::compiled::Heads { shape: #shape, split: #split })
    }

    fn field(&self, field: usize) -> TokenStream {
        let name = &self.model.fields[field].name;
        quote!(self.#name)
    }

    fn callee(&self, target: Submodel) -> TokenStream {
        match target {
            Submodel::Field(field) => {
                let name = self.field(field);
                quote!(&#name)
            }
            Submodel::Each(field) => {
                let submodel = body::each(field);
                quote!(#submodel)
            }
            Submodel::At(field, at) => {
                let name = self.field(field);
                quote!(&#name[#at])
            }
        }
    }

    fn module(&self, layer: Option<usize>) -> TokenStream {
        match layer {
            Some(field) => {
                let layer = self.field(field);
                quote!(::core::option::Option::Some(&#layer))
            }
            None => quote!(::core::option::Option::None),
        }
    }

    /// An operand; going backward, only its shape.
    fn side(&self, operand: &Operand, has_value: bool) -> TokenStream {
        match operand {
            Operand::Tensor(number) => {
                let (shape, tensor) = (self.shape(*number), var(*number));
                let value = if has_value { quote!(#tensor) } else { quote!(Buf::NONE) };
                quote!(Side::Values(#value, #shape))
            }
            Operand::Number(number) => quote!(Side::Number(#number)),
        }
    }
}

impl Kind<'_> {
    /// Whether the result is a fresh buffer that the step fills, so that it may be memory of an output.
    fn has_result_of_its_own(&self) -> bool {
        !matches!(
            self,
            Kind::Reshape { .. }
                | Kind::Island { .. }
                | Kind::Submodel { .. }
                | Kind::If { .. }
                | Kind::For { .. }
        )
    }
}

/// Tells the pass that a step begins.
fn mark(step: &Step<'_>) -> TokenStream {
    let number = step.number;
    match &step.kind {
        // These only say what the steps after them are.
        Kind::Reshape { .. } | Kind::If { .. } | Kind::For { .. } => TokenStream::new(),
        _ => quote!(pass.step(Self::SCHEDULE, #number);),
    }
}

fn operator(act: &Act) -> (TokenStream, TokenStream) {
    let (name, params) = (format_ident!("{}", act.name), &act.params);
    (quote!(operators::#name), quote!(&[#(#params),*]))
}

fn act_tokens(act: Option<&Act>) -> TokenStream {
    match act {
        Some(act) => {
            let (op, params) = operator(act);
            quote!(::core::option::Option::Some((#op, #params)))
        }
        None => quote!(::core::option::Option::None),
    }
}
