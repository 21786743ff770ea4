//! The loops of chains: for each its value, and its gradients together.

use super::super::super::compile::{Chain, Ending, Factors, Kind, Link, Region, Step};
use super::super::super::ir::{Model, Var};
use super::super::text::{Text, lexed, list, option};
use super::super::types::var;
use super::backward::in_parts;
use super::forward::pass_at;
use super::{Printer, grad, value};
use crate::fuse::differentiate::gradients;
use crate::fuse::emit::{Steps, Text as Value, Texts, Variable, steps, text, texts};
use crate::fuse::graph::Node;
use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// For the chain of every step, the step whose chain computes the same and is compiled.
pub type Chains = BTreeMap<usize, usize>;

/// The module that has the loops of a model.
fn module(model: &Model) -> Ident {
    format_ident!("__chains_of_{}", model.name)
}

/// The module with the loops of all chains of a model; nothing if there are none.
pub(super) fn chains(model: &Model, region: &Region<'_>) -> (Chains, TokenStream) {
    let mut found = Vec::new();
    collect(region, &mut found);
    let mut chains = Chains::new();
    if found.is_empty() {
        return (chains, TokenStream::new());
    }
    // The same operations, which large models have in every block, are compiled once.
    let (mut known, mut items): (BTreeMap<String, usize>, String) = Default::default();
    for (chain, number) in found {
        let (first, is_new) = match known.entry(chain.key()) {
            Entry::Occupied(entry) => (*entry.get(), false),
            Entry::Vacant(entry) => (*entry.insert(number), true),
        };
        chains.insert(number, first);
        if is_new {
            items += &item(chain, number);
        }
    }
    let items = lexed(&items);
    let module = module(model);
    let module = quote! {
        #[doc(hidden)]
        #[allow(non_snake_case, unused, clippy::all)]
        mod #module {
            use ::rustorch::__private::compiled::{
                Chain, EvalAll, Slope, Word, Words, value, value_by_words, values, values_by_words,
            };
            use ::rustorch::__private::fuse::{Eval, Params, Variable, words::*};
            #items
        }
    };
    (chains, module)
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
fn item(chain: &Chain, number: usize) -> String {
    let mut made = chain.expression();
    let inputs: Vec<Variable> = (0..made.links.len()).map(Variable::Input).collect();
    let value = text(&mut made.graph, made.output, None);
    let derived = gradients(&mut made.graph, made.output, inputs.len())
        .expect("a chain is far below the limits of an expression");
    let seed = made.graph.grad();
    let mut wanted = Vec::new();
    let slopes = made.links.iter().zip(derived).map(|(link, gradient)| match link {
        Link::Factors(_) | Link::Mask(..) => "Slope::None".into(),
        Link::Tensor(_) if gradient == seed => "Slope::Same".into(),
        Link::Tensor(_) => {
            wanted.push(gradient);
            format!("Slope::Computed({})", wanted.len() - 1)
        }
    });
    let slopes = list(slopes.collect::<Vec<String>>());
    // A result that is an operand as it is, is no other value to read.
    let output = (!matches!(made.graph.node(made.output), Node::Input(_))).then_some(made.output);
    let slope_texts = texts(&mut made.graph, &wanted, output);
    let numbers = made.numbers.len();
    let forward = forward(number, &inputs, &value, numbers);
    // Where functions have loops of their own, the expression is given in parts as well.
    let forward_steps = steps(&mut made.graph, &[made.output], None);
    let (forward_parts, forward_loop) = match &forward_steps {
        Some(steps) => {
            let (parts, types) = self::parts(&format!("Value{number}"), &inputs, steps, numbers);
            (parts, format!("value_by_words::<Value{number}, {types}>"))
        }
        None => (String::new(), format!("value::<Value{number}, {}>", inputs.len())),
    };
    let backward_steps = steps(&mut made.graph, &wanted, output);
    let (count, results) = (slope_texts.uses.len(), wanted.len());
    let (backward, backward_loop) = match results {
        0 => (String::new(), "::core::option::Option::None".into()),
        _ => {
            let whole = backward(number, &slope_texts, numbers);
            let (parts, run) = match &backward_steps {
                Some(steps) => {
                    let (parts, types) =
                        self::parts(&format!("Slopes{number}"), &slope_texts.uses, steps, numbers);
                    (parts, format!("values_by_words::<Slopes{number}, {types}, {results}>"))
                }
                None => (String::new(), format!("values::<Slopes{number}, {count}, {results}>")),
            };
            (format!("{whole} {parts}"), format!("::core::option::Option::Some({run})"))
        }
    };
    let reads = list(slope_texts.uses.iter().map(|variable| match variable {
        Variable::Grad => "Variable::Grad".into(),
        Variable::Input(number) => format!("Variable::Input({number})"),
        Variable::Output => "Variable::Output".into(),
    }));
    format!(
        "{forward}
        {forward_parts}
        {backward}
        pub static CHAIN_{number}: Chain = Chain {{
            value: {forward_loop},
            gradients: {backward_loop},
            reads: &[{reads}],
            slopes: &[{slopes}],
        }};
        "
    )
}

fn forward(number: usize, inputs: &[Variable], value: &Value, numbers: usize) -> String {
    let (names, count) = (list(inputs.iter().map(|input| input.name())), inputs.len());
    let (words, value) = (words(numbers), value.rust());
    format!(
        "pub struct Value{number};
        impl<Lane: Real2> Eval<Lane, {count}> for Value{number} {{
            type Out = Lane;
            #[inline(always)]
            fn eval([{names}]: [Lane; {count}], params: &Params) -> Lane {{
                {words}
                {value}
            }}
        }}"
    )
}

fn backward(number: usize, texts: &Texts, numbers: usize) -> String {
    let names = texts.uses.iter().map(|input| input.name()).collect();
    several(&format!("Slopes{number}"), names, texts, numbers)
}

/// The parts of an expression of these inputs, and the parameters of types that say so: the parts, and how many inputs, words and
/// inputs of the rest there are.
pub(super) fn parts(name: &str, inputs: &[Variable], steps: &Steps, numbers: usize) -> (String, String) {
    let names: Vec<String> = inputs.iter().map(|input| input.name()).collect();
    let (count, words) = (inputs.len(), steps.words.len());
    let results = (0..words).map(|at| format!("w{at}"));
    let rest = names.iter().cloned().chain(results).collect();
    let (arguments, rest) = (
        several(&format!("Given{name}"), names, &steps.arguments, numbers),
        several(&format!("Rest{name}"), rest, &steps.rest, numbers),
    );
    let called = list(steps.words.iter().map(|word| format!("Word::{word}")));
    let direct = list(steps.direct(inputs));
    let text = format!(
        "{arguments}
        impl Words<{words}> for Given{name} {{
            const WORDS: [Word; {words}] = [{called}];
            const INPUTS: [usize; {words}] = [{direct}];
        }}
        {rest}"
    );
    (text, format!("Given{name}, Rest{name}, {count}, {words}, {}", count + words))
}

/// The implementation of `EvalAll` by the type `name`.
fn several(name: &str, inputs: Vec<String>, texts: &Texts, numbers: usize) -> String {
    let (count, inputs) = (inputs.len(), list(inputs));
    let lets: String = texts.shared.iter().map(|(name, value)| format!("let {name} = {value}; ")).collect();
    let (words, values, results) = (words(numbers), list(&texts.values), texts.values.len());
    format!(
        "pub struct {name};
        impl<Lane: Real2> EvalAll<Lane, {count}, {results}> for {name} {{
            #[inline(always)]
            fn eval_all([{inputs}]: [Lane; {count}], params: &Params) -> [Lane; {results}] {{
                {words}
                {lets}
                [{values}]
            }}
        }}"
    )
}

/// Literals and numbers from outside.
fn words(numbers: usize) -> String {
    let params: String =
        (0..numbers).map(|at| format!("let p{at} = Lane::literal(params[{at}]); ")).collect();
    format!("let T = |value: f64| Lane::literal(value); {params}")
}

/// What a call of a chain is given.
struct Given {
    /// Expressions of the library's type `Link`.
    links: String,
    numbers: String,
    /// The operands that are tensors.
    tensors: Vec<Var>,
    /// The link that is the product.
    product: usize,
}

impl Printer<'_> {
    /// What a chain reads, and its numbers; going backward, shapes only. `product` is the operand that has no tensor.
    fn links(&self, chain: &Chain, product: Option<Var>, step: &Step<'_>, has_value: bool) -> Given {
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
                match has_value && !is_product {
                    true => format!("Link::Values({}, {shape})", var(*number)),
                    false => format!("Link::of({shape})"),
                }
            }
            Link::Factors(Factors::Layer(layer)) => format!("Link::from({})", self.reference(*layer)),
            Link::Factors(Factors::Probability(p, op)) => {
                format!("Link::Dropout({}, self.training.get(), {op:?})", self.given.put(p))
            }
            Link::Mask(number, fill) => {
                let fill = option(fill.as_ref().map(|fill| self.given.put(fill)));
                format!("Link::Mask({}, {}, {fill})", value(*number, has_value), self.shape(*number))
            }
        });
        let links = list(links.collect::<Vec<String>>());
        let numbers = list(made.numbers.iter().map(|number| self.given.put(number)));
        Given { links, numbers, tensors, product: at }
    }

    /// `&__chains_of_Net::CHAIN_3`
    fn loops(&self, step: &Step<'_>) -> String {
        format!("&{}::CHAIN_{}", module(self.model), self.chains[&step.number])
    }

    /// The call of a chain going forward.
    pub fn chain(&self, text: &mut Text<'_>, chain: &Chain, step: &Step<'_>) {
        let (loops, shape) = (self.loops(step), self.shape(step.results[0]));
        let Given { links, numbers, .. } = self.links(chain, None, step, true);
        let (result, pass) = (var(step.results[0]), pass_at(step));
        write!(text, "let {result} = {pass}.chain({loops}, &[{links}], &[{numbers}], {shape})?;");
    }

    /// The arguments of a chain that is the end of a product.
    pub fn chain_of_product(&self, last: &Ending, step: &Step<'_>) -> String {
        let (loops, shape) = (self.loops(step), self.shape(step.results[0]));
        let Given { links, numbers, product, .. } = self.links(&last.chain, Some(last.product), step, true);
        format!("{loops}, (&[{links}], {product}), &[{numbers}], {shape}")
    }

    /// The call of a chain going backward.
    pub fn chain_backward(&self, text: &mut Text<'_>, chain: &Chain, product: Option<Var>, step: &Step<'_>) {
        let (loops, shape) = (self.loops(step), self.shape(step.results[0]));
        let Given { links, numbers, tensors, .. } = self.links(chain, product, step, false);
        let (g, pass) = (grad(step.results[0]), pass_at(step));
        let call = format_args!("{pass}.chain_backward({loops}, &[{links}], &[{numbers}], {shape}, {g}");
        in_parts(text, call, "", &tensors);
    }
}
