//! Calls between models where a size is a formula, `h / 2` or `2 * D`, which is no type on stable Rust.
//!
//! rustc cannot infer the dims of the model that is called from such a size, so it is left open (`Any`), and the model is
//! called by a method that reads its dims off the types that it is given. What types do know is compared as ever; formulas are
//! compared with the sizes that tensors have.

use super::super::ir::{Forward, Model, Shape};
use super::super::lower::Instruction;
use super::types::{self, Unnamed, var};
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use rustorch_shape::poly::Atom;
use rustorch_shape::{Poly, Size};

/// The method by which others call the model, with a type parameter for the shape of every input.
pub(super) fn method(model: &Model, forward: &Forward) -> TokenStream {
    let shapes: Option<Vec<&Shape>> = forward.inputs.iter().map(|input| input.shape.as_ref()).collect();
    let outputs: Option<Vec<&Shape>> = forward.outputs.iter().map(|output| output.shape.as_ref()).collect();
    let (Some(shapes), Some(outputs)) = (shapes, outputs) else { return TokenStream::new() };
    let given: Vec<Ident> = (0..shapes.len()).map(|input| format_ident!("Shape{input}")).collect();
    let read = |name: &str| {
        let dim = forward.dims.iter().find(|dim| dim.name == name)?;
        let (given, axis) = (&given[dim.input], dim.axis);
        Some(quote!(<#given as ::rustorch::typed::Axis<#axis>>::Dim))
    };
    let dim = |size: &Poly| match size.as_name() {
        Some(Atom::Dim(name)) => read(name).unwrap_or_else(|| quote!(::rustorch::Any)),
        _ => types::dim(model, size, Unnamed::Any),
    };
    let shape = |shape: &Shape| {
        let dims = shape.iter().map(dim);
        quote!((#(#dims,)*))
    };
    let bounds = forward.dims.iter().map(|dim| {
        let (given, axis) = (&given[dim.input], dim.axis);
        quote!(#given: ::rustorch::typed::Axis<#axis>)
    });
    let fit = shapes.iter().zip(&given).enumerate().map(|(input, (wanted, given))| {
        // A dim that other inputs have too is compared with theirs when the model runs.
        let dims = wanted.iter().enumerate().map(|(axis, size)| match size.as_name() {
            Some(Atom::Dim(name))
                if !forward
                    .dims
                    .iter()
                    .any(|dim| (&dim.name, dim.input, dim.axis) == (name, input, axis)) =>
            {
                quote!(::rustorch::Any)
            }
            _ => dim(size),
        });
        quote!(#given: ::rustorch::__private::model::Fits<(#(#dims,)*)>)
    });
    let params = shapes.iter().zip(&given).enumerate().map(|(input, (_, given))| {
        let tensor = var(input);
        quote!(#tensor: &::rustorch::TypedTensor<#given>)
    });
    let mut typed = shapes.iter().enumerate().map(|(input, wanted)| {
        let (tensor, shape) = (var(input), shape(wanted));
        quote!(&#tensor.typed::<#shape>()?)
    });
    let arguments: Vec<TokenStream> =
        forward.arguments.iter().map(|tree| types::nested(tree, &mut typed)).collect();
    let mut results = outputs.iter().map(|output| {
        let shape = shape(output);
        quote!(::rustorch::TypedTensor<#shape>)
    });
    let result = types::nested(&forward.result, &mut results);
    let dims = forward.dims.iter().filter_map(|dim| read(&dim.name));
    let turbofish = if forward.dims.is_empty() { TokenStream::new() } else { quote!(::<#(#dims),*>) };
    quote! {
        #[doc(hidden)]
        pub fn call_open<#(#given),*>(&self, #(#params),*) -> ::rustorch::Result<#result>
        where
            #(#bounds,)*
            #(#fit,)*
        {
            self.try_forward #turbofish (#(#arguments),*)
        }
    }
}

/// Whether a call has a size without a type.
pub(super) fn is_open(model: &Model, instruction: &Instruction) -> bool {
    let Instruction::Submodel { inputs, results, .. } = instruction else { return false };
    let formula = |size: &Poly| {
        let is_name = size.as_name().is_some() || size.as_constant().is_some();
        let generic = || {
            model.generics.const_params().any(|param| size.params().iter().any(|name| param.ident == name))
        };
        !is_name && (!size.dims().is_empty() || generic())
    };
    inputs.iter().chain(results).any(|(_, shape)| shape.iter().any(formula))
}

/// A call that leaves sizes open.
pub(super) fn open(model: &Model, instruction: &Instruction, callee: &TokenStream) -> TokenStream {
    let Instruction::Submodel { inputs, results, tree, span, .. } = instruction else {
        return TokenStream::new();
    };
    let span = span.start();
    let text = callee.to_string().replace(' ', "").replace("self.", "");
    // Statements of their own, so that errors point at the call.
    let given: Vec<Ident> = (0..inputs.len()).map(|i| format_ident!("given{i}", span = span)).collect();
    let typed = inputs.iter().zip(&given).map(|((input, shape), given)| {
        let (input, shape) = (var(*input), types::shape(model, shape, Unnamed::Any));
        quote_spanned!(span=> let #given = &#input.typed::<#shape>()?;)
    });
    let names: Vec<Ident> = results.iter().map(|(result, _)| var(*result)).collect();
    let pattern = types::nested(tree, &mut names.iter().map(|name| quote!(#name)));
    let checks = results.iter().map(|(result, shape)| {
        let (name, ty) = (var(*result), types::shape(model, shape, Unnamed::Any));
        let sizes = shape.iter().map(types::size);
        quote_spanned! {span=>
            let #name = &::rustorch::__private::model::settle::<_, #ty>(#text, #name, &[#(#sizes),*])?;
        }
    });
    quote_spanned! {span=>
        #(#typed)*
        let #pattern = #callee.call_open(#(#given),*)?;
        #(#checks)*
    }
}
