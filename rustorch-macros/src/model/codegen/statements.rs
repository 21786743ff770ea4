//! The calls of a program, op by op.

use super::super::ir::{Element, Model, Over, Submodel};
use super::super::lower::{Arg, Decision, Instruction, Program, Source};
use super::call;
use super::types::{self, Unnamed, var};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};

pub(super) fn block(model: &Model, program: &Program) -> TokenStream {
    program.instructions.iter().map(|instruction| statement(model, instruction)).collect()
}

pub(super) fn statement(model: &Model, instruction: &Instruction) -> TokenStream {
    match instruction {
        Instruction::Layer { field, input, result } => {
            let (name, input, result) = (&model.fields[*field].name, var(*input), var(*result));
            quote!(let #result = &::rustorch::nn::Layer::forward(&self.#name, #input)?;)
        }
        Instruction::Function { name, inputs, is_list, args, results, pieces } => {
            let name = format_ident!("{name}");
            let inputs = inputs.iter().map(|input| var(*input));
            let inputs = if *is_list { quote!(&[#(#inputs),*]) } else { quote!(#(#inputs),*) };
            let args = args.iter().map(argument);
            let results = results.iter().map(|result| var(*result));
            let pattern = if *pieces { quote!([#(#results),*]) } else { quote!(#(#results)*) };
            quote!(let #pattern = &::rustorch::__private::model::#name(#inputs #(, #args)*)?;)
        }
        Instruction::Binary { op, left, right, result } => {
            let result = var(*result);
            let name = match left {
                Source::Tensor(_) => format_ident!("{}", op.name()),
                Source::Scalar(_) => format_ident!("scalar_{}", op.name()),
            };
            let [left, right] = [left, right].map(|source| match source {
                Source::Tensor(number) => {
                    let tensor = var(*number);
                    quote!(#tensor)
                }
                Source::Scalar(tokens) => quote!(#tokens),
            });
            quote!(let #result = &::rustorch::__private::model::#name(#left, #right)?;)
        }
        Instruction::Negate { input, result } => {
            let (input, result) = (var(*input), var(*result));
            quote!(let #result = &::rustorch::__private::model::neg(#input)?;)
        }
        Instruction::Einsum { spec, inputs, result } => {
            let (inputs, result) = (inputs.iter().map(|input| var(*input)), var(*result));
            quote!(let #result = &::rustorch::einsum(#spec, &[#(#inputs),*])?;)
        }
        Instruction::Submodel { .. } => submodel(model, instruction),
        Instruction::If { then, otherwise, results } => {
            let names = results.iter().map(|result| var(*result));
            let (then, otherwise) = (arm(model, then), arm(model, otherwise));
            quote!(let (#(#names,)*) = &if self.training.get() #then else #otherwise;)
        }
        Instruction::For { field, carried, body, results } => {
            let over = Over::Field(*field);
            repeat(model, &over, None, carried, body, results)
        }
        Instruction::Repeat { over, index, carried, body, results } => {
            repeat(model, over, index.as_ref(), carried, body, results)
        }
        Instruction::LayerCall { .. } => layer_call(model, instruction),
        Instruction::State { field, entry, result } => {
            let (state, result) = (state(model, *field, entry.as_deref()), var(*result));
            quote!(let #result = #state;)
        }
        Instruction::Choose { decision, then, otherwise, results } => {
            let names = results.iter().map(|result| var(*result));
            let (then, otherwise) = (arm(model, then), arm(model, otherwise));
            let decision = condition(model, decision);
            quote!(let (#(#names,)*) = &if #decision #then else #otherwise;)
        }
        Instruction::Match { subject, arms, results } => {
            let names = results.iter().map(|result| var(*result));
            let arms = arms.iter().map(|(pattern, program)| {
                let arm = arm(model, program);
                quote!(#pattern => #arm)
            });
            quote!(let (#(#names,)*) = &match #subject { #(#arms)* };)
        }
    }
}

/// A reference to a parameter or buffer of the model, or of one of its layers.
pub(super) fn state(model: &Model, field: usize, entry: Option<&str>) -> TokenStream {
    let name = &model.fields[field].name;
    match entry.map(|entry| format_ident!("{entry}")) {
        Some(entry) => quote!(::rustorch::__private::model::Held::held(&self.#name.#entry)?),
        None => quote!(&self.#name),
    }
}

/// A program as a block with a tuple as its value.
fn arm(model: &Model, program: &Program) -> TokenStream {
    let (steps, values) = (block(model, program), program.results.iter().map(|value| var(*value)));
    quote!({ #steps (#(#values.clone(),)*) })
}

/// A layer that is not simply a field that maps one tensor to one.
fn layer_call(model: &Model, instruction: &Instruction) -> TokenStream {
    let Instruction::LayerCall {
        field,
        element,
        is_map,
        adapter,
        inputs,
        more,
        state,
        options,
        tree,
        results,
    } = instruction
    else {
        return TokenStream::new();
    };
    let callee = reference(model, *field, *element);
    let inputs = inputs.iter().map(|input| var(*input));
    let mut names = results.iter().map(|result| {
        let name = var(*result);
        quote!(#name)
    });
    let pattern = types::nested(tree, &mut names);
    if *is_map {
        return quote!(let #pattern = &::rustorch::nn::Layer::forward(#callee #(, #inputs)*)?;);
    }
    let state = state.as_ref().map(|state| match &state[..] {
        [] => quote!(::core::option::Option::None),
        [one] => {
            let tensor = var(*one);
            quote!(::core::option::Option::Some(#tensor))
        }
        several => {
            let tensors = several.iter().map(|state| var(*state));
            quote!(::core::option::Option::Some((#(#tensors),*)))
        }
    });
    let more = more.iter().map(|input| argument(&Arg::Tensor(*input)));
    let options = options.iter().map(argument);
    let args = inputs.map(|input| quote!(#input)).chain(more).chain(state).chain(options);
    if let Some(adapter) = adapter {
        let adapter = format_ident!("{adapter}");
        return quote!(let #pattern = &::rustorch::__private::model::#adapter(#callee #(, #args)*)?;);
    }
    quote!(let #pattern = &(#callee).forward(#(#args),*)?;)
}

/// A call of another model: rustc compares its signature with the shapes stated here.
fn submodel(model: &Model, instruction: &Instruction) -> TokenStream {
    let Instruction::Submodel { target, inputs, arguments, results, tree, span } = instruction else {
        return TokenStream::new();
    };
    let span = span.start();
    let callee = match target {
        Submodel::Field(field) => {
            let name = &model.fields[*field].name;
            quote_spanned!(span=> self.#name)
        }
        Submodel::Each(field) => {
            let mut submodel = each(*field);
            submodel.set_span(span);
            quote_spanned!(span=> #submodel)
        }
        Submodel::At(field, at) => {
            let name = &model.fields[*field].name;
            quote_spanned!(span=> self.#name[#at])
        }
    };
    if call::is_open(model, instruction) {
        return call::open(model, instruction, &callee);
    }
    let mut inputs = inputs.iter().map(|(input, shape)| {
        let (input, shape) = (var(*input), types::shape(model, shape, Unnamed::Inferred));
        quote_spanned!(span=> &#input.typed::<#shape>()?)
    });
    let arguments: Vec<TokenStream> = arguments.iter().map(|tree| types::nested(tree, &mut inputs)).collect();
    let names: Vec<Ident> = results.iter().map(|(result, _)| var(*result)).collect();
    let mut types = results.iter().map(|(_, shape)| {
        let shape = types::shape(model, shape, Unnamed::Inferred);
        quote_spanned!(span=> ::rustorch::TypedTensor<#shape>)
    });
    let ty = types::nested(tree, &mut types);
    let pattern = types::nested(tree, &mut names.iter().map(|name| quote!(#name)));
    // Two statements, so that a mismatch is one of types and not of `?`.
    let call = quote_spanned! {span=>
        let output = #callee.try_forward(#(#arguments),*)?;
        let #pattern: #ty = output;
    };
    quote!(#call #(let #names = &#names.into_tensor();)*)
}

fn repeat(
    model: &Model,
    over: &Over,
    index: Option<&Ident>,
    carried: &[(usize, usize)],
    body: &Program,
    results: &[usize],
) -> TokenStream {
    let slots: Vec<Ident> = (0..carried.len()).map(|i| format_ident!("carried{i}")).collect();
    let starts = carried.iter().map(|(_, before)| var(*before));
    let insides = carried.iter().map(|(inside, _)| var(*inside));
    let steps = block(model, body);
    let ends = body.results.iter().map(|value| var(*value));
    let results = results.iter().map(|result| var(*result));
    let head = head(model, over, index);
    quote! {
        let (#(#results,)*) = &{
            #(let mut #slots = #starts.clone();)*
            #head {
                let next = {
                    #(let #insides = &#slots;)*
                    #steps
                    (#(#ends.clone(),)*)
                };
                (#(#slots,)*) = next;
            }
            (#(#slots,)*)
        };
    }
}

/// The head of a loop.
pub(super) fn head(model: &Model, over: &Over, index: Option<&Ident>) -> TokenStream {
    match (over, index) {
        (Over::Field(field), None) => {
            let (name, element) = (&model.fields[*field].name, each(*field));
            quote!(for #element in &self.#name)
        }
        (Over::Field(field), Some(index)) => {
            let (name, element) = (&model.fields[*field].name, each(*field));
            quote!(for (#index, #element) in self.#name.iter().enumerate())
        }
        (Over::Range(range), None) => quote!(for _ in #range),
        (Over::Range(range), Some(index)) => quote!(for #index in #range),
    }
}

/// The head of the same loop from its end to its start.
pub(super) fn reversed_head(model: &Model, over: &Over, index: Option<&Ident>) -> TokenStream {
    match (over, index) {
        (Over::Field(field), None) => {
            let (name, element) = (&model.fields[*field].name, each(*field));
            quote!(for #element in self.#name.iter().rev())
        }
        (Over::Field(field), Some(index)) => {
            let (name, element) = (&model.fields[*field].name, each(*field));
            quote!(for (#index, #element) in self.#name.iter().enumerate().rev())
        }
        (Over::Range(range), None) => quote!(for _ in (#range).rev()),
        (Over::Range(range), Some(index)) => quote!(for #index in (#range).rev()),
    }
}

/// The layer or model that is called, as an expression whose fields can be named.
pub(super) fn place(model: &Model, field: usize, element: Element) -> TokenStream {
    let name = &model.fields[field].name;
    match element {
        Element::Whole => quote!(self.#name),
        Element::Each => {
            let module = each(field);
            quote!(#module)
        }
        Element::At(at) => quote!(self.#name[#at]),
    }
}

/// A reference to it.
pub(in super::super) fn reference(model: &Model, field: usize, element: Element) -> TokenStream {
    let place = place(model, field, element);
    match element {
        Element::Each => place,
        Element::Whole | Element::At(_) => quote!(&#place),
    }
}

/// What an `if` asks before its first block, for a decision that needs no memory.
pub(super) fn condition(model: &Model, decision: &Decision) -> TokenStream {
    match decision {
        Decision::If(condition) => quote!(#condition),
        Decision::Present(field) => {
            let (name, module) = (&model.fields[*field].name, each(*field));
            quote!(let ::core::option::Option::Some(#module) = &self.#name)
        }
    }
}

/// The layer or model of the current pass of a loop over a field, or of an `if let` on it.
pub(super) fn each(field: usize) -> Ident {
    format_ident!("submodel{field}")
}

/// An argument of a function or builder.
pub(super) fn argument(arg: &Arg) -> TokenStream {
    match arg {
        Arg::Size(size) => types::size(size),
        Arg::Array(sizes) => {
            let sizes = sizes.iter().map(types::size);
            quote!([#(#sizes),*])
        }
        Arg::Slice(sizes) => {
            let sizes = sizes.iter().map(types::size);
            quote!(&[#(#sizes),*])
        }
        Arg::Axis(axis) => quote!(#axis),
        Arg::Axes(axes) => quote!(&[#(#axes),*]),
        Arg::Bool(flag) => quote!(#flag),
        Arg::Float(number) => quote!(#number),
        Arg::Text(text) => quote!(#text),
        Arg::Tokens(tokens) => quote!(#tokens),
        Arg::Tensor(Some(number)) => {
            let tensor = var(*number);
            quote!(::core::option::Option::Some(#tensor))
        }
        Arg::Given(number) => {
            let tensor = var(*number);
            quote!(#tensor)
        }
        Arg::Tensor(None) => quote!(::core::option::Option::None),
        Arg::Training => quote!(self.training.get()),
    }
}
