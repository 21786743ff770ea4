//! The loops of chains: for each its value, and its gradients together.

use super::super::super::compile::{Chain, Kind, Link, Region};
use super::super::super::ir::Model;
use super::super::types::var;
use super::{Printer, grad};
use crate::fuse::differentiate::gradients;
use crate::fuse::emit::{Text, Texts, Variable, text, texts};
use crate::fuse::graph::Node;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

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
    let mut items = Vec::new();
    collect(region, &mut items);
    if items.is_empty() {
        return TokenStream::new();
    }
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

fn collect(region: &Region<'_>, items: &mut Vec<TokenStream>) {
    for step in &region.steps {
        if let Kind::Chain(chain) = &step.kind {
            items.push(item(chain, step.number));
        }
        step.kind.inner().for_each(|inner| collect(inner, items));
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
            Link::Factors(_) => quote!(Slope::None),
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

impl Printer<'_> {
    /// What a chain reads, and its numbers; going backward, shapes only.
    fn links(&self, chain: &Chain, has_value: bool) -> (Vec<TokenStream>, Vec<TokenStream>, Vec<usize>) {
        let made = chain.expression();
        let mut tensors = Vec::new();
        let links = made.links.iter().map(|link| match link {
            Link::Tensor(number) => {
                tensors.push(*number);
                let (shape, tensor) = (self.shape(*number), var(*number));
                let value = if has_value { hygienic!(#tensor) } else { hygienic!(Buf::NONE) };
                hygienic!(Link::Values(#value, #shape))
            }
            Link::Factors(factors) => factors.clone(),
        });
        let links = links.collect();
        (links, made.numbers, tensors)
    }

    /// The call of a chain going forward.
    pub fn chain(&self, chain: &Chain, number: usize, result: usize) -> TokenStream {
        let (module, name, shape) = (module(self.model), name(number), self.shape(result));
        let (links, numbers, _) = self.links(chain, true);
        let result = var(result);
        hygienic!(let #result = pass.chain(&#module::#name, &[#(#links),*], &[#(#numbers),*], #shape)?;)
    }

    /// The call of a chain going backward.
    pub fn chain_backward(&self, chain: &Chain, number: usize, result: usize) -> TokenStream {
        let (module, name, shape) = (module(self.model), name(number), self.shape(result));
        let (links, numbers, tensors) = self.links(chain, false);
        let g = grad(result);
        let count = tensors.len();
        let (into, positions) = (tensors.into_iter().map(grad), 0..count);
        hygienic! {
            let mut parts: [Grad; #count] = [None; #count];
            pass.chain_backward(&#module::#name, &[#(#links),*], &[#(#numbers),*], #shape, #g, &mut parts);
            #(pass.contribute(&mut #into, parts[#positions]);)*
        }
    }
}
