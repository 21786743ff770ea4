//! The expression that `fuse!` stands for.
//!
//! ```text
//! match (&a, &b) {
//!     (operand_0, operand_1) => {
//!         mod fused { /* the entry of the elementwise table: value, gradients, their text */ }
//!         (kind(operand_0) & kind(operand_1)).fuse_2(&fused::ENTRY, [number, ..], operand_0, operand_1)
//!     }
//! }
//! ```

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::MAX_NUMBERS;
use super::differentiate::gradients;
use super::emit::{Steps, Text, Texts, Variable, steps, text};
use super::graph::{Graph, Id};
use super::lower::Lowered;
use super::parse::Input;

/// The most inputs of a kernel.
const MAX_INPUTS: usize = 5;

/// The call for `input`.
pub fn expression(input: &Input, lowered: Lowered) -> TokenStream {
    let Lowered { mut graph, output, numbers } = lowered;
    let operands = &input.operands;
    let Some(derived) = gradients(&mut graph, output, operands.len()) else {
        let message = "fuse!: the gradient of this expression is too large; fuse parts of it";
        return super::errors(syn::Error::new(input.body.span(), message), operands);
    };
    let value = text(&mut graph, output, None);
    let names = operands.len();
    let all: Vec<Variable> = (0..names).map(Variable::Input).collect();
    let forward = evaluation(quote!(Fused), &all, &value, numbers.len());
    let entry_source = source(&all, &value, numbers.len());
    let (entry_parts, entry_kernel) =
        kernel(quote!(Fused), &all, steps(&mut graph, &[output], None), numbers.len());
    let parts: Vec<TokenStream> = derived
        .iter()
        .map(|&gradient| {
            let (text, read) = gradient_text(&mut graph, gradient, output);
            let steps = steps(&mut graph, &[gradient], read);
            let (parts, run) = kernel(quote!(Derivative), &text.uses, steps, numbers.len());
            let (evaluated, source) = (
                evaluation(quote!(Derivative), &text.uses, &text, numbers.len()),
                source(&text.uses, &text, numbers.len()),
            );
            let uses = text.uses.iter().map(|variable| match variable {
                Variable::Grad => quote!(Variable::Grad),
                Variable::Input(number) => quote!(Variable::Input(#number)),
                Variable::Output => quote!(Variable::Output),
            });
            let count = text.uses.len();
            quote!({
                #evaluated
                #parts
                fn trace<'a>(inputs: &[Traced<'a>], params: &Params) -> Traced<'a> {
                    let inputs: [Traced<'a>; #count] = ::core::array::from_fn(|k| inputs[k]);
                    Derivative::eval(inputs, params)
                }
                Gradient { uses: &[#(#uses),*], kernel: #run, source: #source, trace }
            })
        })
        .collect();
    let bindings: Vec<Ident> =
        (0..names).map(|at| format_ident!("operand_{at}", span = Span::mixed_site())).collect();
    let located = |at: usize| {
        let ident = &bindings[at];
        Ident::new(&ident.to_string(), Span::mixed_site().located_at(operands[at].span()))
    };
    let arguments: Vec<Ident> = (0..names).map(located).collect();
    let kinds = arguments.iter().zip(operands).map(|(argument, operand)| {
        let span = Span::mixed_site().located_at(operand.span());
        quote_spanned!(span=> ::rustorch::typed::TensorOperand::kind(#argument))
    });
    let params = (0..MAX_NUMBERS).map(|at| match numbers.get(at) {
        Some(number) => quote_spanned!(number.span()=> ::rustorch::FusedNumber::to_f64(#number)),
        None => quote!(0.0),
    });
    let method = format_ident!("fuse_{names}");
    quote! {
        match (#(&#operands,)*) {
            (#(#bindings,)*) => {
                #[allow(non_snake_case, unused, clippy::all)]
                mod fused {
                    use ::rustorch::__private::fuse::{
                        Domain, Elementwise, Eval, EvalAll, Gradient, Params, Source, Traced, Variable, Word, Words, real,
                        real_by_words, words::*,
                    };
                    #forward
                    #entry_parts
                    pub static ENTRY: Elementwise = Elementwise {
                        name: "fuse",
                        domain: Domain::Real,
                        truth: false,
                        kernel: #entry_kernel,
                        source: #entry_source,
                        gradients: &[#(#parts),*],
                    };
                }
                let result = (#(#kinds)&*).#method(&fused::ENTRY, [#(#params),*], #(#arguments),*);
                result
            }
        }
    }
}

/// A gradient as text, and the result if that is read where the gradient mentions it: unless it is an input too many.
fn gradient_text(graph: &mut Graph, gradient: Id, output: Id) -> (Text, Option<Id>) {
    let with_output = text(graph, gradient, Some(output));
    match with_output.uses.len() > MAX_INPUTS {
        true => (text(graph, gradient, None), None),
        false => (with_output, Some(output)),
    }
}

/// The kernels of the type `name`: in steps, whose parts come first, where functions have loops of their own.
fn kernel(
    name: TokenStream,
    inputs: &[Variable],
    steps: Option<Steps>,
    numbers: usize,
) -> (TokenStream, TokenStream) {
    let count = inputs.len();
    let Some(steps) = steps else {
        return (TokenStream::new(), quote!(real::<#name, #count>));
    };
    let direct: TokenStream = steps.direct(inputs).join(", ").parse().expect("numbers are Rust");
    let Steps { words, arguments, rest } = steps;
    let names: Vec<Ident> = inputs.iter().map(|variable| format_ident!("{}", variable.name())).collect();
    let results = (0..words.len()).map(|at| format_ident!("w{at}"));
    let all: Vec<Ident> = names.iter().cloned().chain(results).collect();
    let (given, others) =
        (format_ident!("Given{}", name.to_string()), format_ident!("Rest{}", name.to_string()));
    let arguments = several(&given, &names, &arguments, numbers);
    let rest = several(&others, &all, &rest, numbers);
    let (called, calls, reads) = (words.iter().map(|word| format_ident!("{word}")), words.len(), all.len());
    let parts = quote! {
        #arguments
        impl Words<#calls> for #given {
            const WORDS: [Word; #calls] = [#(Word::#called),*];
            const INPUTS: [usize; #calls] = [#direct];
        }
        #rest
    };
    (parts, quote!(real_by_words::<#name, #given, #others, #count, #calls, #reads>))
}

/// The implementation of `EvalAll` by the type `name`.
fn several(name: &Ident, inputs: &[Ident], texts: &Texts, numbers: usize) -> TokenStream {
    let (count, results) = (inputs.len(), texts.values.len());
    let lets: String = texts.shared.iter().map(|(name, value)| format!("let {name} = {value}; ")).collect();
    let body: TokenStream =
        format!("{lets} [{}]", texts.values.join(", ")).parse().expect("the text is Rust");
    let params = (0..numbers).map(|at| format_ident!("p{at}"));
    let places = 0..numbers;
    quote! {
        pub struct #name;
        impl<Lane: Real2> EvalAll<Lane, #count, #results> for #name {
            #[inline(always)]
            fn eval_all([#(#inputs),*]: [Lane; #count], params: &Params) -> [Lane; #results] {
                let T = |value: f64| Lane::literal(value);
                #(let #params = Lane::literal(params[#places]);)*
                #body
            }
        }
    }
}

/// The implementation of `Eval` by the type `name`.
fn evaluation(name: TokenStream, variables: &[Variable], text: &Text, numbers: usize) -> TokenStream {
    let count = variables.len();
    let names = variables.iter().map(|variable| format_ident!("{}", variable.name()));
    let params = (0..numbers).map(|at| format_ident!("p{at}"));
    let places = 0..numbers;
    let value: TokenStream = text.rust().parse().expect("the text is Rust");
    quote! {
        pub struct #name;
        impl<Lane: Real2> Eval<Lane, #count> for #name {
            type Out = Lane;
            #[inline(always)]
            fn eval([#(#names),*]: [Lane; #count], params: &Params) -> Lane {
                let T = |value: f64| Lane::literal(value);
                #(let #params = Lane::literal(params[#places]);)*
                #value
            }
        }
    }
}

/// The text for CUDA.
fn source(variables: &[Variable], text: &Text, numbers: usize) -> TokenStream {
    let names = variables.iter().map(|variable| variable.name());
    let params = (0..numbers).map(|at| format!("p{at}"));
    let expression = text.cuda();
    quote!(Source { inputs: &[#(#names),*], params: &[#(#params),*], expression: #expression })
}
