//! Calls between models.
//!
//! A size that is a formula, `h / 2` or `2 * D`, is no type on stable Rust, and which sizes are formulas may differ between caller and
//! callee: `[batch, 2 * D]` of a `Block<8>` is `[batch, 16]` where it is called. So only the names of run-time dims are compared as
//! types; the model is called by a method that reads its dims off the types that it is given. Fixed sizes are compared by
//! assertions at compile time ([`super::assertions`]) with what the callee declares in `DECLARED_INPUTS` and `DECLARED_OUTPUTS`, and formulas
//! of run-time dims with the sizes that tensors have.

use super::super::ir::{Forward, Model, Shape};
use super::super::lower::Instruction;
use super::text::{Local, OWN};
use super::types::{self, var};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote_spanned};
use rustorch_shape::Poly;
use rustorch_shape::poly::Atom;

/// The method by which others call the model, with a type parameter for the shape of every input.
pub(super) fn method(model: &Model, forward: &Forward) -> TokenStream {
    let shapes: Option<Vec<&Shape>> = forward.inputs.iter().map(|input| input.shape.as_ref()).collect();
    let outputs: Option<Vec<&Shape>> = forward.outputs.iter().map(|output| output.shape.as_ref()).collect();
    let (Some(shapes), Some(outputs)) = (shapes, outputs) else { return TokenStream::new() };
    let given: Vec<Ident> = (0..shapes.len()).map(|input| format_ident!("Shape{input}")).collect();
    let read = |name: &str| {
        let dim = forward.dims.iter().find(|dim| dim.name == name)?;
        let (given, axis) = (&given[dim.input], dim.axis);
        Some(hygienic!(<#given as ::rustorch::typed::Axis<#axis>>::Dim))
    };
    let dim = |size: &Poly| match size.as_name() {
        Some(Atom::Dim(name)) => read(name).unwrap_or_else(|| hygienic!(::rustorch::Any)),
        _ => types::dim(model, size),
    };
    let shape = |shape: &Shape| {
        let dims = shape.iter().map(dim);
        hygienic!((#(#dims,)*))
    };
    let bounds = forward.dims.iter().map(|dim| {
        let (given, axis) = (&given[dim.input], dim.axis);
        hygienic!(#given: ::rustorch::typed::Axis<#axis>)
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
                hygienic!(::rustorch::Any)
            }
            _ => dim(size),
        });
        hygienic!(#given: ::rustorch::typed::Fits<(#(#dims,)*)>)
    });
    let params = shapes.iter().zip(&given).enumerate().map(|(input, (_, given))| {
        let tensor = var(input);
        hygienic!(#tensor: &::rustorch::TypedTensor<#given>)
    });
    let mut typed = shapes.iter().enumerate().map(|(input, wanted)| {
        let (tensor, shape) = (var(input), shape(wanted));
        hygienic!(&#tensor.typed::<#shape>()?)
    });
    let arguments: Vec<TokenStream> =
        forward.arguments.iter().map(|tree| types::nested(tree, &mut typed)).collect();
    let mut results = outputs.iter().map(|output| {
        let shape = shape(output);
        hygienic!(::rustorch::TypedTensor<#shape>)
    });
    let result = types::nested(&forward.result, &mut results);
    let dims = forward.dims.iter().filter_map(|dim| read(&dim.name));
    let turbofish = if forward.dims.is_empty() { TokenStream::new() } else { hygienic!(::<#(#dims),*>) };
    let [inputs, outputs] = [&shapes, &outputs].map(|shapes| declared(shapes));
    hygienic! {
        #[doc(hidden)]
        pub const DECLARED_INPUTS: &'static [&'static [usize]] = &[#(#inputs),*];
        #[doc(hidden)]
        pub const DECLARED_OUTPUTS: &'static [&'static [usize]] = &[#(#outputs),*];

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

/// The sizes that are fixed once the const parameters are; others count as the largest number.
fn declared(shapes: &[&Shape]) -> Vec<TokenStream> {
    let size = |size: &Poly| match size.dims().is_empty() {
        true => types::size(size),
        false => types::Piece::Tokens(hygienic!(usize::MAX)),
    };
    let shape = |shape: &&Shape| {
        let sizes = shape.iter().map(size);
        hygienic!(&[#(#sizes),*])
    };
    shapes.iter().map(shape).collect()
}

/// The call of a model.
pub(super) fn open(model: &Model, instruction: &Instruction, callee: &TokenStream) -> TokenStream {
    let Instruction::Submodel { inputs, results, tree, span, .. } = instruction else {
        return TokenStream::new();
    };
    let span = span.start().resolved_at(Span::call_site());
    let text = callee.to_string().replace(' ', "").replace("self.", "");
    // Statements of their own, so that errors point at the call.
    let given: Vec<Ident> = (0..inputs.len()).map(|i| format_ident!("{OWN}shaped{i}", span = span)).collect();
    let typed = inputs.iter().zip(&given).map(|((input, shape), given)| {
        let (input, shape) = (var(*input), types::names(model, shape));
        quote_spanned!(span=> let #given = &#input.typed::<#shape>()?;)
    });
    let result = format_ident!("{OWN}result", span = span);
    let names: Vec<Local> = results.iter().map(|(result, _)| var(*result)).collect();
    let pattern = types::nested(tree, &mut names.iter().map(|name| hygienic!(#name)));
    let mut shapes = results.iter().map(|(_, shape)| {
        let shape = types::names(model, shape);
        hygienic!(::rustorch::TypedTensor<#shape>)
    });
    let stated = types::nested(tree, &mut shapes);
    let sizes = results.iter().map(|(_, shape)| {
        let sizes = shape.iter().map(types::size);
        quote_spanned!(span=> &[#(#sizes),*] as &[usize])
    });
    quote_spanned! {span=>
        #[allow(unused_imports)]
        use ::rustorch::nn::CallOpen as _;
        #(#typed)*
        let #result = #callee.call_open(#(#given),*)?;
        let #pattern = &::rustorch::typed::Given::<#stated>::settle(#result, #text, &mut &[#(#sizes),*][..])?;
    }
}
