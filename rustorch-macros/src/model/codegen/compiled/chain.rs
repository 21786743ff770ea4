//! The loops of chains: for each its value, and its gradients together.

use super::super::super::compile::{Chain, Ending, Kind, Link, Region, Step};
use super::super::super::ir::{Model, Var};
use super::super::types::var;
use super::{Printer, grad, option};
use crate::fuse::differentiate::gradients;
use crate::fuse::emit::{Text, Texts, Variable, text, texts};
use crate::fuse::graph::Node;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use std::collections::BTreeMap;

/// The module that has the loops of a model.
fn module(model: &Model) -> Ident {
    format_ident!("__chains_of_{}", model.name)
}

/// The name of the chain that is step `number`.
fn name(number: usize) -> Ident {
    format_ident!("CHAIN_{number}")
}

/// The module with the loops of all chains of a model; nothing if there are none.
pub(super) fn chains(model: &Model, region: &Region<'_>) -> TokenStream {
    let mut found = Vec::new();
    collect(region, &mut found);
    if found.is_empty() {
        return TokenStream::new();
    }
    // The same operations, which large models have in every block, are compiled once.
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    let items = found.into_iter().map(|(chain, number)| {
        let first = *known.entry(item(chain, 0).to_string()).or_insert(number);
        let (name, first_name) = (name(number), name(first));
        if first == number { item(chain, number) } else { quote!(pub use #first_name as #name;) }
    });
    let items: Vec<TokenStream> = items.collect();
    let module = module(model);
    quote! {
        #[doc(hidden)]
        #[allow(non_snake_case, unused, clippy::all)]
        mod #module {
            use ::rustorch::__private::compiled::{Chain, EvalAll, Slope, value, values};
            use ::rustorch::__private::fuse::{Eval, Params, Variable, words::*};
            #(#items)*
        }
    }
}

/// The chains, and the numbers of their steps.
fn collect<'r>(region: &'r Region<'_>, found: &mut Vec<(&'r Chain, usize)>) {
    for step in &region.steps {
        if let Kind::Chain(chain) | Kind::Linear { last: Some(Ending { chain, .. }), .. } = &step.kind {
            found.push((chain, step.number));
        }
        step.kind.inner().for_each(|inner| collect(inner, found));
    }
}

/// `pub static CHAIN_3: Chain = ..;`
fn item(chain: &Chain, number: usize) -> TokenStream {
    let mut made = chain.expression();
    let inputs: Vec<Variable> = (0..made.links.len()).map(Variable::Input).collect();
    let value = text(&mut made.graph, made.output, None);
    let derived = gradients(&mut made.graph, made.output, inputs.len())
        .expect("a chain is far below the limits of an expression");
    let seed = made.graph.grad();
    let mut wanted = Vec::new();
    let slopes: Vec<TokenStream> = made
        .links
        .iter()
        .zip(derived)
        .map(|(link, gradient)| match link {
            Link::Factors(_) | Link::Mask(..) => quote!(Slope::None),
            Link::Tensor(_) if gradient == seed => quote!(Slope::Same),
            Link::Tensor(_) => {
                wanted.push(gradient);
                let at = wanted.len() - 1;
                quote!(Slope::Computed(#at))
            }
        })
        .collect();
    // A result that is an operand as it is, is no other value to read.
    let output = (!matches!(made.graph.node(made.output), Node::Input(_))).then_some(made.output);
    let slope_texts = texts(&mut made.graph, &wanted, output);
    let numbers = made.numbers.len();
    let (value_type, slopes_type) = (format_ident!("Value{number}"), format_ident!("Slopes{number}"));
    let forward = forward(&value_type, &inputs, &value, numbers);
    let (count, results) = (slope_texts.uses.len(), wanted.len());
    let (backward, backward_loop) = match results {
        0 => (TokenStream::new(), quote!(::core::option::Option::None)),
        _ => (
            backward(&slopes_type, &slope_texts, numbers),
            quote!(::core::option::Option::Some(values::<#slopes_type, #count, #results>)),
        ),
    };
    let reads = slope_texts.uses.iter().map(|variable| match variable {
        Variable::Grad => quote!(Variable::Grad),
        Variable::Input(number) => quote!(Variable::Input(#number)),
        Variable::Output => quote!(Variable::Output),
    });
    let (name, inputs) = (name(number), inputs.len());
    quote! {
        #forward
        #backward
        pub static #name: Chain = Chain {
            value: value::<#value_type, #inputs>,
            gradients: #backward_loop,
            reads: &[#(#reads),*],
            slopes: &[#(#slopes),*],
        };
    }
}

fn forward(name: &Ident, inputs: &[Variable], text: &Text, numbers: usize) -> TokenStream {
    let (names, count) = (names(inputs), inputs.len());
    let value: TokenStream = text.rust().parse().expect("the text is Rust");
    let words = words(numbers);
    quote! {
        pub struct #name;
        impl<Lane: Real2> Eval<Lane, #count> for #name {
            type Out = Lane;
            #[inline(always)]
            fn eval([#(#names),*]: [Lane; #count], params: &Params) -> Lane {
                #words
                #value
            }
        }
    }
}

fn backward(name: &Ident, texts: &Texts, numbers: usize) -> TokenStream {
    let (names, count, results) = (names(&texts.uses), texts.uses.len(), texts.values.len());
    let lets = texts.shared.iter().map(|(name, value)| format!("let {name} = {value}; "));
    let values = format!("{} [{}]", lets.collect::<String>(), texts.values.join(", "));
    let values: TokenStream = values.parse().expect("the text is Rust");
    let words = words(numbers);
    quote! {
        pub struct #name;
        impl<Lane: Real2> EvalAll<Lane, #count, #results> for #name {
            #[inline(always)]
            fn eval_all([#(#names),*]: [Lane; #count], params: &Params) -> [Lane; #results] {
                #words
                #values
            }
        }
    }
}

fn names(variables: &[Variable]) -> Vec<Ident> {
    variables.iter().map(|variable| format_ident!("{}", variable.name())).collect()
}

/// Literals and numbers from outside.
fn words(numbers: usize) -> TokenStream {
    let params = (0..numbers).map(|at| format_ident!("p{at}"));
    let places = 0..numbers;
    quote! {
        let T = |value: f64| Lane::literal(value);
        #(let #params = Lane::literal(params[#places]);)*
    }
}

/// What a call of a chain is given.
struct Given {
    /// Expressions of the library's type `Link`.
    links: Vec<TokenStream>,
    numbers: Vec<TokenStream>,
    /// The operands that are tensors.
    tensors: Vec<Var>,
    /// The link that is the product.
    product: usize,
}

impl Printer<'_> {
    /// What a chain reads, and its numbers; going backward, shapes only. `product` is the operand that has no tensor.
    fn given(&self, chain: &Chain, product: Option<Var>, step: &Step<'_>, has_value: bool) -> Given {
        let made = chain.expression();
        let (mut tensors, mut at) = (Vec::new(), 0);
        let links = made.links.iter().enumerate().map(|(position, link)| match link {
            Link::Tensor(number) => {
                tensors.push(*number);
                let is_product = product == Some(*number);
                if is_product {
                    at = position;
                }
                let shape = self.shape(if is_product { step.results[0] } else { *number });
                let tensor = var(*number);
                let value = if has_value && !is_product { hygienic!(#tensor) } else { hygienic!(Buf::NONE) };
                hygienic!(Link::Values(#value, #shape))
            }
            Link::Factors(factors) => factors.clone(),
            Link::Mask(number, fill) => {
                let (shape, tensor) = (self.shape(*number), var(*number));
                let value = if has_value { hygienic!(#tensor) } else { hygienic!(Buf::NONE) };
                let fill = option(fill.as_ref());
                hygienic!(Link::Mask(#value, #shape, #fill))
            }
        });
        let links = links.collect();
        Given { links, numbers: made.numbers, tensors, product: at }
    }

    /// The call of a chain going forward.
    pub fn chain(&self, chain: &Chain, step: &Step<'_>) -> TokenStream {
        let (module, name, shape) = (module(self.model), name(step.number), self.shape(step.results[0]));
        let Given { links, numbers, .. } = self.given(chain, None, step, true);
        let result = var(step.results[0]);
        hygienic!(let #result = pass.chain(&#module::#name, &[#(#links),*], &[#(#numbers),*], #shape)?;)
    }

    /// The arguments of a chain that is the end of a product.
    pub fn chain_of_product(&self, last: &Ending, step: &Step<'_>) -> TokenStream {
        let (module, name, shape) = (module(self.model), name(step.number), self.shape(step.results[0]));
        let Given { links, numbers, product, .. } = self.given(&last.chain, Some(last.product), step, true);
        hygienic!(&#module::#name, (&[#(#links),*], #product), &[#(#numbers),*], #shape)
    }

    /// The call of a chain going backward.
    pub fn chain_backward(&self, chain: &Chain, product: Option<Var>, step: &Step<'_>) -> TokenStream {
        let (module, name, shape) = (module(self.model), name(step.number), self.shape(step.results[0]));
        let Given { links, numbers, tensors, .. } = self.given(chain, product, step, false);
        let g = grad(step.results[0]);
        let count = tensors.len();
        let (into, positions) = (tensors.into_iter().map(grad), 0..count);
        hygienic! {
            let mut parts: [Grad; #count] = [None; #count];
            pass.chain_backward(&#module::#name, &[#(#links),*], &[#(#numbers),*], #shape, #g, &mut parts);
            #(pass.contribute(&mut #into, parts[#positions]);)*
        }
    }
}
