//! The forward pass: typed methods for users, and the pass on dynamic tensors behind them.

use super::super::ir::{Forward, Model, Tree};
use super::super::lower::Program;
use super::call;
use super::statements::OpByOp;
use super::text::{Given, Local};
use super::types::{self, var};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use rustorch_shape::Size;
use rustorch_shape::poly::Atom;
use std::collections::BTreeSet;
use syn::Ident;

/// `forward`, `try_forward`, and the pass on dynamic tensors that they share.
pub(super) fn forward(model: &Model, program: &Program, is_compiled: bool) -> TokenStream {
    let Some(forward) = &model.forward else { return TokenStream::new() };
    let methods = methods(model, forward, is_compiled);
    let call = call::method(model, forward);
    // Types of run-time dims matter to submodels alone; without any, one compiled body serves them all.
    let dims = if program.has_submodels() { types::dim_params(model) } else { Vec::new() };
    let inputs = (0..forward.inputs.len()).map(var);
    let sizes = input_sizes(model, forward);
    let given = Given::default();
    let body = OpByOp { model, given: &given }.block(program).into_tokens();
    let results = program.results.iter().map(|number| var(*number));
    let result =
        if forward.is_tuple { quote!((#(#results.clone(),)*)) } else { quote!(#(#results.clone())*) };
    let output = if forward.is_tuple {
        let outputs = forward.outputs.iter().map(|_| hygienic!(::rustorch::Tensor));
        hygienic!((#(#outputs,)*))
    } else {
        hygienic!(::rustorch::Tensor)
    };
    quote! {
        #methods

        #call

        #[allow(unused, clippy::all)]
        fn op_by_op<#(#dims: ::rustorch::Dim),*>(&self, #(#inputs: &::rustorch::Tensor),*) -> ::rustorch::Result<#output> {
            use ::rustorch::__private::model as __ops;
            #sizes
            #body
            ::core::result::Result::Ok(#result)
        }
    }
}

/// The part of `nn::Layer`: models with one input and one output can stand where layers do.
pub(super) fn layer(model: &Model) -> TokenStream {
    let Some(forward) = &model.forward else { return TokenStream::new() };
    let (name, (impl_generics, ty_generics, where_clause)) = (&model.name, model.split());
    let ([input], [Tree::One], false) = (&forward.inputs[..], &forward.arguments[..], forward.is_tuple)
    else {
        return TokenStream::new();
    };
    let Some(shape) = &input.shape else { return TokenStream::new() };
    // Run-time dims of a dynamic tensor have no names.
    let dims = shape.iter().map(|size| match size.dims().is_empty() {
        true => types::dim(model, size),
        false => hygienic!(::rustorch::Any),
    });
    let params = types::dim_params(model).into_iter().map(|_| hygienic!(::rustorch::Any));
    hygienic! {
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
    let signature = signature(model, forward);
    let into = is_compiled.then(|| {
        forward_into(model, forward, &signature, |inputs, outputs| {
            hygienic! {
                let () = Self::SHAPES_FIT;
                ::rustorch::__private::compiled::write(self, &[#(#inputs),*], &[#(#outputs),*])
            }
        })
    });
    let Signature { attrs, generics, names, params, output } = signature;
    let mut outputs = (0..forward.outputs.len()).map(|position| {
        let index = syn::Index::from(position);
        if forward.is_tuple { hygienic!(output.#index.typed()?) } else { hygienic!(output.typed()?) }
    });
    let typed = types::nested(&forward.result, &mut outputs);
    let mut tensors = names.iter().map(|name| hygienic!(#name));
    let arguments: Vec<TokenStream> =
        forward.arguments.iter().map(|tree| types::nested(tree, &mut tensors)).collect();
    let compiled = is_compiled.then(|| run_compiled(model, forward, &names));
    let dims = types::dim_params(model);
    let forward_name = Ident::new("forward", forward.span);
    let turbofish = if forward_has_submodels(model) { hygienic!(::<#(#dims),*>) } else { TokenStream::new() };
    hygienic! {
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

        #into
    }
}

/// The method that writes to outputs which are there already; `body` takes the names of inputs and outputs.
pub(super) fn forward_into(
    model: &Model,
    forward: &Forward,
    signature: &Signature,
    body: impl FnOnce(&[Ident], &[Ident]) -> TokenStream,
) -> TokenStream {
    let Signature { generics, names, params, .. } = signature;
    // Names of their own, whatever the inputs are called.
    let made: Vec<Ident> =
        (0..forward.outputs.len()).map(|at| format_ident!("out{at}", span = Span::mixed_site())).collect();
    let mut types = output_types(model, forward).map(|ty| hygienic!(&mut #ty));
    let ty = types::nested(&forward.result, &mut types);
    let pattern = types::nested(&forward.result, &mut made.iter().map(|name| hygienic!(#name)));
    let body = body(names, &made);
    hygienic! {
        /// As `forward`, with the results written to tensors that are there already: without a tape, and without an
        /// allocation once the shapes are known and if every operation has a kernel (`rustorch::compiled::forward_into`).
        ///
        /// # Errors
        /// If an output has another shape or dtype or requires a gradient, if the device fails, or a size known at run time
        /// is too small for the layers.
        pub fn forward_into #generics (&self, #(#params,)* #pattern: #ty) -> ::rustorch::Result<()> {
            #body
        }
    }
}

/// The types of the outputs.
fn output_types<'a>(model: &'a Model, forward: &'a Forward) -> impl Iterator<Item = TokenStream> + 'a {
    forward.outputs.iter().map(|output| {
        let any = hygienic!((::rustorch::Any,));
        let shape = output.shape.as_ref().map_or(any, |shape| types::shape(model, shape));
        hygienic!(::rustorch::TypedTensor<#shape>)
    })
}

/// Returns what the compiled pass gives, where it applies.
fn run_compiled(model: &Model, forward: &Forward, names: &[Ident]) -> TokenStream {
    let inputs: Vec<Local> = (0..names.len()).map(var).collect();
    let sizes = input_sizes(model, forward);
    let one = || hygienic!(outputs.next().expect("one for each output").typed()?);
    let typed = types::nested(&forward.result, &mut std::iter::repeat_with(one));
    hygienic! {
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
    let mut generics: Vec<TokenStream> = dims.iter().map(|dim| hygienic!(#dim: ::rustorch::Dim)).collect();
    let mut tensors = Vec::new();
    for (position, input) in forward.inputs.iter().enumerate() {
        let shape = match &input.shape {
            Some(shape) => types::shape(model, shape),
            None => {
                let any = format_ident!("Shape{position}");
                generics.push(hygienic!(#any: ::rustorch::Shape));
                hygienic!(#any)
            }
        };
        tensors.push(hygienic!(&::rustorch::TypedTensor<#shape>));
    }
    // Constants in the types are looked up where the inputs are in scope. Of one that is not there, rustc would suggest an input.
    let hidden = |name: &Ident| {
        let mut name = name.clone();
        name.set_span(Span::mixed_site().located_at(name.span()));
        name
    };
    let names: Vec<Ident> = forward.inputs.iter().map(|input| hidden(&input.name)).collect();
    let (mut patterns, mut types) = (names.iter().map(|name| hygienic!(#name)), tensors.into_iter());
    let params = forward.arguments.iter().map(|tree| {
        let (pattern, ty) = (types::nested(tree, &mut patterns), types::nested(tree, &mut types));
        hygienic!(#pattern: #ty)
    });
    let params = params.collect();
    let output = types::nested(&forward.result, &mut output_types(model, forward));
    Signature { attrs: forward.attrs.clone(), generics: hygienic!(<#(#generics),*>), names, params, output }
}

/// Reads the run-time dims, and checks what the types of the inputs do not say.
fn input_sizes(model: &Model, forward: &Forward) -> TokenStream {
    let reads = forward.dims.iter().map(|dim| {
        let (name, input, axis) = (format_ident!("{}", dim.name), var(dim.input), dim.axis);
        hygienic!(let #name = #input.shape()[#axis];)
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
        needed.then(|| hygienic!(::rustorch::__private::model::check_input(#model_name, #name, #tensor, &[#(#sizes),*])?;))
    });
    let checks: Vec<TokenStream> = checks.collect();
    hygienic!(#(#reads)* #(#checks)*)
}
