//! The forward pass: a typed method for users, and the calls it makes.

use super::super::ir::{Element, Forward, Model, Over, Submodel, Tree};
use super::super::lower::{Arg, Decision, Instruction, Program, Source};
use super::types::{self, Unnamed, var};
use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use rustorch_shape::Size;
use rustorch_shape::poly::Atom;
use std::collections::BTreeSet;
use syn::Ident;

/// `forward`, `try_forward`, and the pass on dynamic tensors that they share.
pub(super) fn forward(model: &Model, program: &Program, is_compiled: bool) -> TokenStream {
    let Some(forward) = &model.forward else { return TokenStream::new() };
    let methods = methods(model, forward, is_compiled);
    // Types of run-time dims matter to submodels alone; without any, one compiled body serves them all.
    let dims = if program.has_submodels() { types::dim_params(model) } else { Vec::new() };
    let inputs = (0..forward.inputs.len()).map(var);
    let sizes = input_sizes(model, forward);
    let body = block(model, program);
    let results = program.results.iter().map(|number| var(*number));
    let result =
        if forward.is_tuple { quote!((#(#results.clone(),)*)) } else { quote!(#(#results.clone())*) };
    let output = if forward.is_tuple {
        let outputs = forward.outputs.iter().map(|_| quote!(::rustorch::Tensor));
        quote!((#(#outputs,)*))
    } else {
        quote!(::rustorch::Tensor)
    };
    quote! {
        #methods

        #[allow(unused, clippy::all)]
        fn op_by_op<#(#dims: ::rustorch::Dim),*>(&self, #(#inputs: &::rustorch::Tensor),*) -> ::rustorch::Result<#output> {
            #sizes
            #body
            ::core::result::Result::Ok(#result)
        }
    }
}

/// The part of `nn::Layer`: models with one input and one output can stand where layers do.
pub(super) fn layer(model: &Model) -> TokenStream {
    let Some(forward) = &model.forward else { return TokenStream::new() };
    let (name, (impl_generics, ty_generics, where_clause)) = (&model.name, model.generics.split_for_impl());
    let ([input], [Tree::One], false) = (&forward.inputs[..], &forward.arguments[..], forward.is_tuple)
    else {
        return TokenStream::new();
    };
    let Some(shape) = &input.shape else { return TokenStream::new() };
    // Run-time dims of a dynamic tensor have no names.
    let dims = shape.iter().map(|size| match size.dims().is_empty() {
        true => types::dim(model, size, Unnamed::Any),
        false => quote!(::rustorch::Any),
    });
    let params = types::dim_params(model).into_iter().map(|_| quote!(::rustorch::Any));
    quote! {
        #[automatically_derived]
        #[allow(clippy::all)]
        impl #impl_generics ::rustorch::nn::Layer for #name #ty_generics #where_clause {
            fn forward(&self, input: &::rustorch::Tensor) -> ::rustorch::Result<::rustorch::Tensor> {
                let input = input.typed::<(#(#dims,)*)>()?;
                ::core::result::Result::Ok(self.try_forward::<#(#params),*>(&input)?.into_tensor())
            }
        }
    }
}

/// The typed methods.
fn methods(model: &Model, forward: &Forward, is_compiled: bool) -> TokenStream {
    let Signature { attrs, generics, names, params, output } = signature(model, forward);
    let mut outputs = (0..forward.outputs.len()).map(|position| {
        let index = syn::Index::from(position);
        if forward.is_tuple { quote!(output.#index.typed()?) } else { quote!(output.typed()?) }
    });
    let typed = types::nested(&forward.result, &mut outputs);
    let mut tensors = names.iter().map(|name| quote!(#name));
    let arguments: Vec<TokenStream> =
        forward.arguments.iter().map(|tree| types::nested(tree, &mut tensors)).collect();
    let compiled = is_compiled.then(|| run_compiled(model, forward, &names));
    let dims = types::dim_params(model);
    let forward_name = Ident::new("forward", forward.span);
    let turbofish = if forward_has_submodels(model) { quote!(::<#(#dims),*>) } else { TokenStream::new() };
    quote! {
        #(#attrs)*
        /// The forward pass. Shapes are checked by the compiler.
        ///
        /// # Panics
        /// If the device fails, or a size known at run time is too small for the layers;
        /// `try_forward` returns these as errors.
        #[track_caller]
        pub fn #forward_name #generics (&self, #(#params),*) -> #output {
            match self.try_forward(#(#arguments),*) {
                ::core::result::Result::Ok(output) => output,
                ::core::result::Result::Err(error) => ::core::panic!("{error}"),
            }
        }

        /// As `forward`, but a failure is an error.
        ///
        /// # Errors
        /// If the device fails, or a size known at run time is too small for the layers.
        pub fn try_forward #generics (&self, #(#params),*) -> ::rustorch::Result<#output> {
            let () = Self::SHAPES_FIT;
            #compiled
            let output = self.op_by_op #turbofish (#(#names),*)?;
            ::core::result::Result::Ok(#typed)
        }
    }
}

/// Returns what the compiled pass gives, where it applies.
fn run_compiled(model: &Model, forward: &Forward, names: &[Ident]) -> TokenStream {
    let inputs: Vec<Ident> = (0..names.len()).map(var).collect();
    let sizes = input_sizes(model, forward);
    let one = || quote!(outputs.next().expect("one for each output").typed()?);
    let typed = types::nested(&forward.result, &mut std::iter::repeat_with(one));
    quote! {
        {
            #(let #inputs: &::rustorch::Tensor = #names;)*
            #sizes
            let outputs = ::rustorch::__private::compiled::forward(self, &[#(#inputs),*])?;
            if let ::core::option::Option::Some(outputs) = outputs {
                let mut outputs = outputs.into_iter();
                return ::core::result::Result::Ok(#typed);
            }
        }
    }
}

/// Whether `op_by_op` is generic over dims.
fn forward_has_submodels(model: &Model) -> bool {
    use super::super::ir::FieldKind::{Submodel, Submodels};
    model.fields.iter().any(|field| matches!(field.kind, Submodel(_) | Submodels(..)))
}

/// What the typed methods have in common.
pub(super) struct Signature {
    pub attrs: Vec<syn::Attribute>,
    pub generics: TokenStream,
    pub names: Vec<Ident>,
    pub params: Vec<TokenStream>,
    pub output: TokenStream,
}

/// The signature of `forward`; a shape with a mistake becomes one that fits anything.
pub(super) fn signature(model: &Model, forward: &Forward) -> Signature {
    let dims = types::dim_params(model);
    let mut generics: Vec<TokenStream> = dims.iter().map(|dim| quote!(#dim: ::rustorch::Dim)).collect();
    let mut tensors = Vec::new();
    for (position, input) in forward.inputs.iter().enumerate() {
        let shape = match &input.shape {
            Some(shape) => types::shape(model, shape, Unnamed::Any),
            None => {
                let any = format_ident!("Shape{position}");
                generics.push(quote!(#any: ::rustorch::Shape));
                quote!(#any)
            }
        };
        tensors.push(quote!(&::rustorch::TypedTensor<#shape>));
    }
    let names: Vec<Ident> = forward.inputs.iter().map(|input| input.name.clone()).collect();
    let (mut patterns, mut types) = (names.iter().map(|name| quote!(#name)), tensors.into_iter());
    let params = forward.arguments.iter().map(|tree| {
        let (pattern, ty) = (types::nested(tree, &mut patterns), types::nested(tree, &mut types));
        quote!(#pattern: #ty)
    });
    let params = params.collect();
    let mut outputs = forward.outputs.iter().map(|output| {
        let shape = output
            .shape
            .as_ref()
            .map_or(quote!((::rustorch::Any,)), |shape| types::shape(model, shape, Unnamed::Any));
        quote!(::rustorch::TypedTensor<#shape>)
    });
    let output = types::nested(&forward.result, &mut outputs);
    Signature { attrs: forward.attrs.clone(), generics: quote!(<#(#generics),*>), names, params, output }
}

/// Reads the run-time dims, and checks what the types of the inputs do not say.
fn input_sizes(model: &Model, forward: &Forward) -> TokenStream {
    let reads = forward.dims.iter().map(|dim| {
        let (name, input, axis) = (format_ident!("{}", dim.name), var(dim.input), dim.axis);
        quote!(let #name = #input.shape()[#axis];)
    });
    let model_name = model.name.to_string();
    let mut seen = BTreeSet::new();
    let checks = forward.inputs.iter().enumerate().filter_map(|(position, input)| {
        let shape = input.shape.as_ref()?;
        let mut needed = false;
        for size in shape {
            let is_name = matches!(size.as_name(), Some(Atom::Dim(_)));
            let repeated = is_name && !seen.insert(size.clone());
            needed |= repeated || (!is_name && size.as_constant().is_none() && size.as_name().is_none());
        }
        let (tensor, name) = (var(position), input.name.to_string());
        let sizes = shape.iter().map(types::size);
        needed.then(|| quote!(::rustorch::__private::model::check_input(#model_name, #name, #tensor, &[#(#sizes),*])?;))
    });
    let checks: Vec<TokenStream> = checks.collect();
    quote!(#(#reads)* #(#checks)*)
}

fn block(model: &Model, program: &Program) -> TokenStream {
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
            let (name, result) = (&model.fields[*field].name, var(*result));
            match entry.as_ref().map(|entry| format_ident!("{entry}")) {
                Some(entry) => quote! {
                    let #result = ::rustorch::__private::model::Held::held(&self.#name.#entry)?;
                },
                None => quote!(let #result = &self.#name;),
            }
        }
        Instruction::Choose { decision, then, otherwise, results } => {
            let names = results.iter().map(|result| var(*result));
            let (then, otherwise) = (arm(model, then), arm(model, otherwise));
            let decision = match decision {
                Decision::If(condition) => quote!(#condition),
                Decision::Present(field) => {
                    let (name, module) = (&model.fields[*field].name, each(*field));
                    quote!(let ::core::option::Option::Some(#module) = &self.#name)
                }
            };
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

/// A program as a block with a tuple as its value.
fn arm(model: &Model, program: &Program) -> TokenStream {
    let (steps, values) = (block(model, program), program.results.iter().map(|value| var(*value)));
    quote!({ #steps (#(#values.clone(),)*) })
}

/// A layer that is not simply a field that maps one tensor to one.
fn layer_call(model: &Model, instruction: &Instruction) -> TokenStream {
    let Instruction::LayerCall { field, element, is_map, inputs, state, options, tree, results } =
        instruction
    else {
        return TokenStream::new();
    };
    let name = &model.fields[*field].name;
    let callee = match element {
        Element::Whole => quote!(&self.#name),
        Element::Each => {
            let module = each(*field);
            quote!(#module)
        }
        Element::At(at) => quote!(&self.#name[#at]),
    };
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
    let options = options.iter().map(|option| argument(&Arg::Tensor(*option)));
    let args = inputs.map(|input| quote!(#input)).chain(state).chain(options);
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
    let head = match (over, index) {
        (Over::Field(field), None) => {
            let (name, submodel) = (&model.fields[*field].name, each(*field));
            quote!(for #submodel in &self.#name)
        }
        (Over::Field(field), Some(index)) => {
            let (name, submodel) = (&model.fields[*field].name, each(*field));
            quote!(for (#index, #submodel) in self.#name.iter().enumerate())
        }
        (Over::Range(range), None) => quote!(for _ in #range),
        (Over::Range(range), Some(index)) => quote!(for #index in #range),
    };
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

/// The submodel of the current pass of a loop over a field.
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
