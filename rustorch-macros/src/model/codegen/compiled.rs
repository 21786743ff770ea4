//! The compiled pass: forward and backward as straight lines of calls to `rustorch::compiled::Pass`.

mod backward;
mod chain;
mod fields;
mod forward;
mod shapes;

use super::super::check::Checked;
use super::super::compile::{Act, Callee, Compiled, Heads, Kind, Operand, Step};
use super::super::ir::{Forward, Model, Var};
use super::super::lower::Program;
use super::statements::{self, Place, Reference};
use super::types::{self, Piece, var};
use proc_macro2::{Ident, TokenStream};
use quote::format_ident;
use shapes::NamedShapes;
use std::collections::BTreeSet;

/// The implementation of `Compiled`.
pub(super) fn compiled(
    model: &Model,
    checked: &Checked,
    program: &Program,
    Compiled { region, numbers }: &Compiled<'_>,
) -> TokenStream {
    let Some(forward) = &model.forward else { return TokenStream::new() };
    let printer = Printer { model, checked, numbers, named: NamedShapes::default() };
    let (name, (impl_generics, ty_generics, where_clause)) = (&model.name, model.generics.split_for_impl());
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
        printer.enter(region, &slots.iter().map(|slot| hygienic!(outputs[#slot])).collect::<Vec<_>>());
    let assumed = forward
        .inputs
        .iter()
        .enumerate()
        .map(|(number, input)| printer.assume(number, &format!("the input `{}`", input.name)));
    let schedule = super::schedule::schedule(model, checked, region);
    let outputs = region.results.len();
    let handle = fields::handle(model);
    let check = check(model, forward);
    let fits = fields::fits(model, checked, program);
    let eager = eager(model, forward, program);
    let chains = chain::chains(model, region);
    hygienic! {
        #chains
        #[automatically_derived]
        #[allow(unused_variables, unused_mut, unused_assignments, clippy::all)]
        impl #impl_generics ::rustorch::__private::compiled::Compiled for #name #ty_generics #where_clause {
            const INPUTS: usize = #count;
            const OUTPUTS: usize = #outputs;
            const SCHEDULE: &'static [&'static str] = &[#(#schedule),*];

            fn cache(&self) -> &::rustorch::__private::compiled::Cache {
                &self.compiled
            }

            #handle

            #check

            #fits

            fn run(
                &self,
                pass: &mut ::rustorch::__private::compiled::Pass,
                inputs: &[::rustorch::__private::compiled::Buf],
                shapes: &[&[usize]],
                outputs: &mut [::rustorch::__private::compiled::Buf],
            ) -> ::rustorch::Result<()> {
                use ::rustorch::__private::compiled::{Buf, Heads as __Heads, Link, Probe, Side, Uncompiled as _, operators};
                use ::rustorch::__private::model as __ops;
                #(#dims)*
                #(let #inputs = pass.retain(inputs[#positions]);)*
                #(#assumed)*
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
                use ::rustorch::__private::compiled::{
                    Buf, Grad, Heads as __Heads, Link, Probe, Side, Uncompiled as _, operators,
                };
                use ::rustorch::__private::model as __ops;
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

/// Compares dynamic inputs with their declarations.
fn check(model: &Model, forward: &Forward) -> TokenStream {
    let name = model.name.to_string();
    let count = forward.inputs.len();
    let declared = || {
        forward.inputs.iter().enumerate().filter_map(|(at, input)| Some((at, input, input.shape.as_ref()?)))
    };
    let ranks = declared().map(|(at, input, shape)| {
        let (text, rank) = (input.name.to_string(), shape.len());
        hygienic!(::rustorch::__private::compiled::check_rank(#name, #text, inputs[#at], #rank)?;)
    });
    let dims = forward.dims.iter().map(|dim| {
        let (name, input, axis) = (format_ident!("{}", dim.name), dim.input, dim.axis);
        hygienic!(let #name = inputs[#input].shape()[#axis];)
    });
    let sizes = declared().map(|(at, input, shape)| {
        let (text, sizes) = (input.name.to_string(), shape.iter().map(types::size));
        hygienic!(::rustorch::__private::model::check_input(#name, #text, inputs[#at], &[#(#sizes),*])?;)
    });
    hygienic! {
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
    let inputs = (0..count).map(|position| hygienic!(inputs[#position]));
    let turbofish = if program.has_submodels() {
        let dims = types::dim_params(model).into_iter().map(|_| hygienic!(::rustorch::Any));
        hygienic!(::<#(#dims),*>)
    } else {
        TokenStream::new()
    };
    let results = forward.outputs.iter().enumerate().map(|(position, _)| {
        let index = syn::Index::from(position);
        if forward.is_tuple { hygienic!(output.#index) } else { hygienic!(output) }
    });
    hygienic! {
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
    hygienic!(let #name = shapes[#input][#axis];)
}

/// The gradient of a tensor.
fn grad(number: usize) -> Ident {
    types::local("g", number)
}

struct Printer<'a> {
    model: &'a Model,
    checked: &'a Checked,
    /// Tensors of which kernels take for granted that they hold numbers.
    numbers: &'a BTreeSet<Var>,
    named: NamedShapes,
}

impl Printer<'_> {
    /// A shape as a slice: `&[batch, 4*D]`, or the name that the block has for it.
    fn shape(&self, number: Var) -> Piece {
        if let Some(name) =
            self.checked.shapes[number].as_ref().and_then(|shape| self.named.name(number, shape))
        {
            return Piece::Name(name);
        }
        Piece::Tokens(self.sizes(number))
    }

    fn sizes(&self, number: Var) -> TokenStream {
        let sizes = self.checked.shapes[number].iter().flatten().map(types::size);
        // Without a size, only the type says what the elements are.
        if self.checked.shapes[number].as_ref().is_none_or(Vec::is_empty) {
            return hygienic!(&[] as &[usize]);
        }
        hygienic!(&[#(#sizes),*])
    }

    fn heads(&self, heads: &Heads) -> TokenStream {
        let (shape, split) = (self.shape(heads.seen), heads.split);
        hygienic!(__Heads { shape: #shape, split: #split })
    }

    /// A layer as an expression whose fields can be named.
    fn place(&self, callee: Callee) -> Place<'_> {
        statements::place(self.model, callee.field, callee.element)
    }

    /// A reference to a layer or model.
    fn reference(&self, callee: Callee) -> Reference<'_> {
        statements::reference(self.model, callee.field, callee.element)
    }

    /// The table whose rows a recurrent layer reads, if there is one.
    fn table(&self, table: Option<Callee>) -> TokenStream {
        option(table.map(|table| {
            let table = self.place(table);
            hygienic!(&#table.weight)
        }))
    }

    fn module(&self, layer: Option<Callee>) -> TokenStream {
        match layer {
            Some(callee) => {
                let layer = self.reference(callee);
                hygienic!(Some(#layer))
            }
            None => hygienic!(None),
        }
    }

    /// Has a tensor looked at of which kernels take for granted that it holds numbers.
    fn assume(&self, number: Var, what: &str) -> TokenStream {
        let tensor = var(number);
        if self.numbers.contains(&number) {
            hygienic!(pass.expect_numbers(#tensor, #what)?;)
        } else {
            TokenStream::new()
        }
    }

    /// An operand; going backward, only its shape.
    fn side(&self, operand: &Operand, has_value: bool) -> TokenStream {
        match operand {
            Operand::Tensor(number) => {
                let (shape, tensor) = (self.shape(*number), var(*number));
                let value = if has_value { hygienic!(#tensor) } else { hygienic!(Buf::NONE) };
                hygienic!(Side::Values(#value, #shape))
            }
            Operand::Number(number) => hygienic!(Side::Number(#number)),
        }
    }
}

/// Tells the pass that a step begins.
fn mark(step: &Step<'_>) -> TokenStream {
    let number = step.number;
    match &step.kind {
        // These only say what the steps after them are.
        Kind::Reshape { .. } | Kind::Detach { .. } | Kind::Branch { .. } | Kind::Loop { .. } => {
            TokenStream::new()
        }
        _ => hygienic!(pass.step(Self::SCHEDULE, #number);),
    }
}

fn operator(act: &Act) -> (TokenStream, TokenStream) {
    let (name, params) = (format_ident!("{}", act.name), &act.params);
    (hygienic!(operators::#name), hygienic!(&[#(#params),*]))
}

fn act_tokens(act: Option<&Act>) -> TokenStream {
    match act {
        Some(act) => {
            let (op, params) = operator(act);
            hygienic!(Some((#op, #params)))
        }
        None => hygienic!(None),
    }
}

/// What may be missing, as an `Option`.
fn option(value: Option<impl quote::ToTokens>) -> TokenStream {
    match value {
        Some(value) => hygienic!(Some(#value)),
        None => hygienic!(None),
    }
}
