//! The compiled pass: forward and backward as straight lines of calls to `rustorch::compiled::Pass`.

mod backward;
mod chain;
mod fields;
mod forward;
mod shapes;

use super::super::callee::Callee;
use super::super::check::Checked;
use super::super::compile::{Act, Compiled, Heads, Map, NUMBER, Operand, Vars};
use super::super::ir::{Dim, Forward, Model, Var};
use super::super::lower::Program;
use super::statements::{self, OpByOp, Place, Reference};
use super::text::{Given, Local, Text, lexed, list, option};
use super::types::{self, var};
use chain::Chains;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use shapes::{NamedShapes, ShapeText};

/// The implementation of `Compiled`.
pub(super) fn compiled(
    model: &Model,
    checked: &Checked,
    program: &Program,
    Compiled { region, numbers }: &Compiled<'_>,
) -> TokenStream {
    let Some(forward) = &model.forward else { return TokenStream::new() };
    let given = Given::default();
    let (chains, loops) = chain::chains(model, region);
    let printer = Printer { model, checked, numbers, named: NamedShapes::default(), given: &given, chains };
    let (name, (impl_generics, ty_generics, where_clause)) = (&model.name, model.split());
    let mut run = Text::new(&given);
    dims(&mut run, forward);
    for (number, input) in forward.inputs.iter().enumerate() {
        write!(run, "let {} = __pass.retain(__inputs[{number}]);", var(number));
        printer.assume(&mut run, number, &format!("the input `{}`", input.name));
    }
    write!(run, "__pass.outputs(&[{}])?;", printer.shapes(&region.results));
    printer.forward(&mut run, region, true);
    for (slot, result) in region.results.iter().enumerate() {
        write!(run, "__outputs[{slot}] = {};", var(*result));
    }
    let mut derive = Text::new(&given);
    dims(&mut derive, forward);
    let count = forward.inputs.len();
    printer.declare(&mut derive, 0..count);
    let results = (0..region.results.len()).map(|slot| format!("__outputs[{slot}]"));
    printer.enter(&mut derive, region, results);
    printer.backward(&mut derive, region);
    for input in 0..count {
        write!(derive, "__inputs[{input}] = {};", grad(input));
    }
    let (run, derive) = (run.into_tokens(), derive.into_tokens());
    let schedule =
        list(super::schedule::schedule(model, checked, region).iter().map(|line| format!("{line:?}")));
    let schedule = lexed(&schedule);
    let outputs = region.results.len();
    let handle = fields::handle(model);
    let check = check(model, forward);
    let fits = fields::fits(model, checked, program);
    let eager = eager(model, forward, program);
    quote! {
        #loops
        #[automatically_derived]
        #[allow(unused_variables, unused_mut, unused_assignments, clippy::all)]
        impl #impl_generics ::rustorch::__private::compiled::Compiled for #name #ty_generics #where_clause {
            const INPUTS: usize = #count;
            const OUTPUTS: usize = #outputs;
            const SCHEDULE: &'static [&'static str] = &[#schedule];

            fn cache(&self) -> &::rustorch::__private::compiled::Cache {
                &self.compiled
            }

            #handle

            #check

            #fits

            fn run(
                &self,
                __pass: &mut ::rustorch::__private::compiled::Pass,
                __inputs: &[::rustorch::__private::compiled::Buf],
                __shapes: &[&[usize]],
                __outputs: &mut [::rustorch::__private::compiled::Buf],
            ) -> ::rustorch::Result<()> {
                use ::rustorch::__private::compiled::{Buf, Link, Probe, Side, Uncompiled as _, operators};
                use ::rustorch::__private::model as __ops;
                __pass.schedule(Self::SCHEDULE);
                #run
                ::core::result::Result::Ok(())
            }

            fn derive(
                &self,
                __pass: &mut ::rustorch::__private::compiled::Pass,
                __shapes: &[&[usize]],
                __outputs: &[::rustorch::__private::compiled::Grad],
                __inputs: &mut [::rustorch::__private::compiled::Grad],
            ) -> ::rustorch::Result<()> {
                use ::rustorch::__private::compiled::{Buf, Grad, Link, Probe, Side, Uncompiled as _, operators};
                use ::rustorch::__private::model as __ops;
                __pass.schedule(Self::SCHEDULE);
                #derive
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

/// `let batch = __shapes[0][0];`
fn dims(text: &mut Text<'_>, forward: &Forward) {
    for Dim { name, input, axis, .. } in &forward.dims {
        write!(text, "let {name} = __shapes[{input}][{axis}];");
    }
}

/// The gradient of a tensor.
fn grad(number: usize) -> Local {
    Local("g", number)
}

struct Printer<'a> {
    model: &'a Model,
    checked: &'a Checked,
    /// Tensors of which kernels take for granted that they hold numbers.
    numbers: &'a Vars,
    named: NamedShapes,
    given: &'a Given,
    /// For every chain by its step, the first one that computes the same.
    chains: Chains,
}

impl Printer<'_> {
    /// A shape as a slice: `&[batch, 4*D]`, or the name that the block has for it.
    fn shape(&self, number: Var) -> ShapeText {
        let Some(shape) = self.checked.shapes[number].as_ref().filter(|shape| !shape.is_empty()) else {
            // Without a size, only the type says what the elements are.
            return ShapeText::Sizes("&[] as &[usize]".into());
        };
        self.named.name(number, shape)
    }

    /// The shapes of several tensors.
    fn shapes(&self, numbers: &[Var]) -> String {
        list(numbers.iter().map(|number| self.shape(*number)))
    }

    fn heads(&self, heads: &Heads) -> String {
        let (shape, places) = (self.shape(heads.seen), list(&heads.places));
        format!("({shape}, &[{places}])")
    }

    /// What prints operations on tensors.
    fn op_by_op(&self) -> OpByOp<'_> {
        OpByOp { model: self.model, given: self.given }
    }

    /// A layer as an expression whose fields can be named.
    fn place(&self, callee: Callee) -> Place<'_> {
        statements::part(self.model, callee)
    }

    /// A reference to a layer or model.
    fn reference(&self, callee: Callee) -> Reference<'_> {
        statements::reference(self.model, callee)
    }

    /// The linear map of a layer, or some of the projections of an attention.
    fn map(&self, map: Map) -> String {
        let layer = self.reference(map.layer);
        match map.projections {
            None => format!("({layer}).into()"),
            Some([first, count]) => {
                format!("::rustorch::__private::compiled::Map::projections({layer}, {first}, {count})")
            }
        }
    }

    /// The table whose rows a recurrent layer reads, if there is one.
    fn table(&self, table: Option<Callee>) -> String {
        option(table.map(|table| self.reference(table)))
    }

    fn module(&self, layer: Option<Callee>) -> String {
        option(layer.map(|callee| self.reference(callee)))
    }

    /// Has a tensor looked at of which kernels take for granted that it holds numbers.
    fn assume(&self, text: &mut Text<'_>, number: Var, what: &str) {
        if self.numbers.contains(number) {
            write!(text, "__pass.expect_numbers({}, {what:?})?;", var(number));
        }
    }

    /// An operand; going backward, only its shape.
    fn side(&self, operand: &Operand, has_value: bool) -> String {
        match operand {
            Operand::Tensor(number) => {
                format!("Side::Values({}, {})", value(*number, has_value), self.shape(*number))
            }
            Operand::Number(number) => format!("Side::Number({})", self.given.put(number)),
        }
    }

    /// The options of a kernel, with the number that a user wrote.
    fn options(&self, options: &str, number: Option<&TokenStream>) -> String {
        match number {
            Some(number) => options.replace(NUMBER, &self.given.put(number)),
            None => options.to_string(),
        }
    }

    fn operator(&self, act: &Act) -> (String, String) {
        let params = list(act.params.iter().map(|param| self.given.put(param)));
        (format!("operators::{}", act.name), format!("&[{params}]"))
    }

    fn act(&self, act: Option<&Act>) -> String {
        option(act.map(|act| {
            let (op, params) = self.operator(act);
            format!("({op}, {params})")
        }))
    }
}

/// A tensor; going backward, none.
fn value(number: Var, has_value: bool) -> String {
    if has_value { var(number).to_string() } else { "Buf::NONE".into() }
}
