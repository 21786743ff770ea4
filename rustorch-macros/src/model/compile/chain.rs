//! Chains: elementwise operations whose results only elementwise operations of the same shape use become one loop.

use super::super::callee::Callee;
use super::super::ir::Var;
use super::list::Steps;
use super::{Act, Kind, Operand, Step};
use crate::fuse::functions::{find, operator};
use crate::fuse::graph::{Graph, Id};
use proc_macro2::TokenStream;
use quote::ToTokens;
use rustorch_shape::Poly;
use std::collections::BTreeMap;

/// The most inputs of a chain, as the library has it: its gradient reads that of the result as well.
const MOST_LINKS: usize = 5;
/// The most numbers of a chain that are not literals.
const MOST_NUMBERS: usize = 4;
/// The most operations of a chain.
const MOST_PARTS: usize = 32;

/// Operations in order; the last one's result is that of the chain.
#[derive(Default)]
pub(in super::super) struct Chain {
    pub parts: Vec<Part>,
}

/// An operation of a chain.
#[derive(Clone)]
pub(in super::super) struct Part {
    pub result: Var,
    pub op: PartOp,
}

#[derive(Clone)]
pub(in super::super) enum PartOp {
    /// A function that `fuse!` knows, or one of its operators.
    Call { name: &'static str, operands: Vec<Operand> },
    /// The link stands for the factors.
    Dropout { input: Var, factors: Factors },
    /// The one where the mask holds, otherwise the other; `fill` is the number that a `masked_fill` writes there.
    Where { mask: Var, yes: Operand, no: Operand, fill: Option<TokenStream> },
}

/// The end of a product: a chain over its shape.
pub(in super::super) struct Ending {
    pub chain: Chain,
    /// The operand of the chain that is the product.
    pub product: Var,
}

/// The operand that stands for a product without its activation, which is no tensor of the model.
const PRODUCT: Var = Var::MAX;

impl Ending {
    /// What it uses besides the product.
    pub fn uses(&self) -> impl Iterator<Item = Var> {
        self.chain.uses().into_iter().filter(|var| *var != self.product)
    }
}

/// What the elements are multiplied with by dropout.
#[derive(Clone)]
pub(in super::super) enum Factors {
    /// Those of a layer.
    Layer(Callee),
    /// Zero with this probability, in training, by the function of this name.
    Probability(TokenStream, String),
}

/// What a chain reads.
pub(in super::super) enum Link {
    Tensor(Var),
    Factors(Factors),
    /// Truth values, and the number that is written where they hold.
    Mask(Var, Option<TokenStream>),
}

/// A chain as an expression.
pub(in super::super) struct Expression {
    pub graph: Graph,
    pub output: Id,
    pub links: Vec<Link>,
    /// Numbers that are no literals.
    pub numbers: Vec<TokenStream>,
}

impl Chain {
    pub fn of(result: Var, op: PartOp) -> Self {
        Chain { parts: vec![Part { result, op }] }
    }

    /// What it uses from outside.
    pub fn uses(&self) -> Vec<Var> {
        let used = self.parts.iter().flat_map(|part| part.op.tensors());
        used.filter(|var| self.parts.iter().all(|part| part.result != *var)).collect()
    }

    /// Whether it draws random numbers.
    fn draws(&self) -> bool {
        self.parts.iter().any(|part| matches!(part.op, PartOp::Dropout { .. }))
    }

    /// Whether it is no larger than the library and the compiler can do with.
    fn fits(&self) -> bool {
        let made = self.expression();
        made.links.len() <= MOST_LINKS && made.numbers.len() <= MOST_NUMBERS && self.parts.len() <= MOST_PARTS
    }

    pub fn expression(&self) -> Expression {
        let mut made =
            Expression { graph: Graph::default(), output: 0, links: Vec::new(), numbers: Vec::new() };
        let mut values: BTreeMap<Var, Id> = BTreeMap::new();
        for part in &self.parts {
            let id = match &part.op {
                PartOp::Call { name, operands } => {
                    let arguments: Vec<Id> =
                        operands.iter().map(|operand| made.operand(operand, &mut values)).collect();
                    made.graph.call(find(name).unwrap_or_else(|| operator(name)), arguments)
                }
                PartOp::Where { mask, yes, no, fill } => {
                    let holds = made.graph.input(made.links.len());
                    made.links.push(Link::Mask(*mask, fill.clone()));
                    let zero = made.graph.number(0.0);
                    let holds = made.graph.compare("ne", holds, zero);
                    let [yes, no] = [yes, no].map(|operand| made.operand(operand, &mut values));
                    made.graph.select(holds, yes, no)
                }
                PartOp::Dropout { input, factors } => {
                    let value = made.tensor(*input, &mut values);
                    let factor = made.graph.input(made.links.len());
                    made.links.push(Link::Factors(factors.clone()));
                    made.graph.operator("mul", &[value, factor])
                }
            };
            values.insert(part.result, id);
            made.output = id;
        }
        made
    }

    /// The same for all chains that compute the same, whichever tensors they read: their operations, with tensors and numbers by order
    /// of appearance. Literals are as they are.
    pub fn key(&self) -> String {
        let (mut tensors, mut numbers, mut key) = (Vec::new(), Vec::new(), String::new());
        let mut tensor = |var: Var| format!("t{} ", place(&mut tensors, var));
        let mut number = |tokens: &TokenStream| match literal(tokens) {
            Some(value) => format!("{value:?} "),
            None => format!("p{} ", place(&mut numbers, tokens.to_string())),
        };
        for part in &self.parts {
            let mut operand = |operand: &Operand| match operand {
                Operand::Tensor(var) => tensor(*var),
                Operand::Number(tokens) => number(tokens),
            };
            match &part.op {
                PartOp::Call { name, operands } => {
                    key.push_str(name);
                    key.push(' ');
                    operands.iter().for_each(|one| key.push_str(&operand(one)));
                }
                PartOp::Dropout { input, .. } => {
                    key.push_str("dropout ");
                    key.push_str(&tensor(*input));
                }
                PartOp::Where { mask, yes, no, .. } => {
                    key.push_str("where ");
                    [&Operand::Tensor(*mask), yes, no]
                        .into_iter()
                        .for_each(|one| key.push_str(&operand(one)));
                }
            }
            key.push_str("= ");
            key.push_str(&tensor(part.result));
        }
        key
    }

    /// `relu(add(·, ·))`; `a = exp(·); mul(a, a)` where a value is used more than once. An operand that has a text of its own is
    /// called by that.
    pub fn words(&self, own: Option<(Var, &str)>) -> String {
        let mut text = String::new();
        let mut names: BTreeMap<Var, String> = BTreeMap::new();
        if let Some((var, word)) = own {
            let is_used_once =
                self.parts.iter().flat_map(|part| part.op.tensors()).filter(|used| *used == var).count() == 1;
            let name = if is_used_once { word.to_owned() } else { "p".to_owned() };
            if !is_used_once {
                text += &format!("p = {word}; ");
            }
            names.insert(var, name);
        }
        for part in &self.parts {
            let uses = self.parts.iter().flat_map(|user| user.op.tensors()).filter(|var| *var == part.result);
            if uses.count() > 1 {
                let name = ('a'..='o').nth(text.matches(';').count() % 15).unwrap_or('a');
                text += &format!("{name} = {}; ", self.word(part, &names));
                names.insert(part.result, name.to_string());
            }
        }
        let last = self.parts.last().map_or_else(String::new, |part| self.word(part, &names));
        text + &last
    }

    fn word(&self, part: &Part, names: &BTreeMap<Var, String>) -> String {
        let tensor = |var: &Var| match (names.get(var), self.parts.iter().find(|part| part.result == *var)) {
            (Some(name), _) => name.clone(),
            (None, Some(part)) => self.word(part, names),
            (None, None) => "·".to_owned(),
        };
        let operand = |operand: &Operand| match operand {
            Operand::Tensor(var) => tensor(var),
            Operand::Number(number) => number.to_string(),
        };
        match &part.op {
            PartOp::Call { name, operands } => {
                let operands: Vec<String> = operands.iter().map(operand).collect();
                format!("{name}({})", operands.join(", "))
            }
            PartOp::Where { yes, no, .. } => format!("where(·, {}, {})", operand(yes), operand(no)),
            PartOp::Dropout { input, .. } => format!("dropout({})", tensor(input)),
        }
    }
}

impl Expression {
    fn operand(&mut self, operand: &Operand, values: &mut BTreeMap<Var, Id>) -> Id {
        match operand {
            Operand::Tensor(var) => self.tensor(*var, values),
            Operand::Number(tokens) => self.number(tokens),
        }
    }

    /// The value of a tensor: of an operation before, or an input.
    fn tensor(&mut self, var: Var, values: &mut BTreeMap<Var, Id>) -> Id {
        *values.entry(var).or_insert_with(|| {
            self.links.push(Link::Tensor(var));
            self.graph.input(self.links.len() - 1)
        })
    }

    fn number(&mut self, tokens: &TokenStream) -> Id {
        if let Some(value) = literal(tokens) {
            return self.graph.number(value);
        }
        let text = tokens.to_string();
        let known = self.numbers.iter().position(|number| number.to_string() == text);
        let at = known.unwrap_or_else(|| {
            self.numbers.push(tokens.clone());
            self.numbers.len() - 1
        });
        self.graph.param(at)
    }
}

impl PartOp {
    fn tensors(&self) -> Vec<Var> {
        let tensor = |operand: &Operand| match operand {
            Operand::Tensor(var) => Some(*var),
            Operand::Number(_) => None,
        };
        match self {
            PartOp::Dropout { input, .. } => vec![*input],
            PartOp::Call { operands, .. } => operands.iter().filter_map(tensor).collect(),
            PartOp::Where { mask, yes, no, .. } => {
                std::iter::once(*mask).chain([yes, no].into_iter().filter_map(tensor)).collect()
            }
        }
    }
}

/// The place of a value in a list, where it is added if it is new.
fn place<T: PartialEq>(list: &mut Vec<T>, value: T) -> usize {
    list.iter().position(|known| *known == value).unwrap_or_else(|| {
        list.push(value);
        list.len() - 1
    })
}

/// The number that tokens such as `0.5` and `(3) as f64` stand for.
fn literal(tokens: &TokenStream) -> Option<f64> {
    fn of(expr: &syn::Expr) -> Option<f64> {
        match expr {
            syn::Expr::Lit(lit) => match &lit.lit {
                syn::Lit::Float(float) => float.base10_parse().ok(),
                syn::Lit::Int(int) => int.base10_parse().ok(),
                _ => None,
            },
            syn::Expr::Paren(inner) => of(&inner.expr),
            syn::Expr::Group(inner) => of(&inner.expr),
            syn::Expr::Cast(cast) if cast.ty.to_token_stream().to_string() == "f64" => of(&cast.expr),
            syn::Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => Some(-of(&unary.expr)?),
            _ => None,
        }
    }
    of(&syn::parse2(tokens.clone()).ok()?)
}

/// Makes chains of the steps; `shape` gives that of a tensor.
pub(super) fn fuse<'m>(steps: &mut Steps<'_>, shape: impl Fn(Var) -> Option<&'m Vec<Poly>>) {
    for root in (0..steps.len()).rev() {
        let members = members(steps, root, &shape);
        if members.len() < 2 {
            continue;
        }
        let chain = chain(steps, &members);
        let Some(last) = members.iter().filter_map(|member| steps.take(*member)).last() else { continue };
        steps.put(root, Step { kind: Kind::Chain(chain), ..last });
    }
}

/// The steps that become one with the step `root`, in order.
fn members<'m>(steps: &Steps<'_>, root: usize, shape: &impl Fn(Var) -> Option<&'m Vec<Poly>>) -> Vec<usize> {
    let Some(step) = steps.get(root).filter(|step| is_elementwise(step)) else { return Vec::new() };
    let wanted = shape(step.results[0]);
    let mut members = vec![root];
    let mut at = 0;
    // What has been refused may do once its other users have joined.
    let mut candidates: Vec<Var> = step.kind.uses();
    while at < candidates.len() {
        let var = candidates[at];
        at += 1;
        let Some(maker) = steps.maker(var) else { continue };
        let joins = !members.contains(&maker)
            && steps.get(maker).is_some_and(is_elementwise)
            && !steps.is_result(var)
            && steps.users(var).iter().all(|user| members.contains(user))
            && shape(var) == wanted
            && keeps_order(steps, &members, maker, root);
        if !joins {
            continue;
        }
        let mut more = members.clone();
        more.push(maker);
        more.sort_unstable();
        if chain(steps, &more).fits() {
            members = more;
            let uses =
                members.iter().filter_map(|member| steps.get(*member)).flat_map(|step| step.kind.uses());
            candidates = uses.collect();
            at = 0;
        }
    }
    members
}

/// Lets linear maps end with the chain or operation that alone uses their result, if it has their shape: later ones first, as a
/// chain can follow only the last of its operands while that is in the cache.
pub(super) fn end_products<'m>(steps: &mut Steps<'_>, shape: impl Fn(Var) -> Option<&'m Vec<Poly>>) {
    for at in (0..steps.len()).rev() {
        let Some(step) = steps.get(at) else { continue };
        let Kind::Linear { map, input, act, last: None } = &step.kind else { continue };
        let (map, input, product) = (*map, *input, step.results[0]);
        let Some((user, next)) = steps.only_user(product).and_then(|user| Some((user, steps.get(user)?)))
        else {
            continue;
        };
        let result = next.results.first().copied().and_then(&shape);
        if !is_elementwise(next) || result.is_none() || result != shape(product) {
            continue;
        }
        let Some(mut chain) = parts(next) else { continue };
        // The activation becomes the first operation of the chain, of which the product without it is an operand: that needs a
        // name, for which nobody else has use.
        let mut operand = product;
        if let Some(act) = act {
            operand = PRODUCT;
            let numbers = act.params.iter().cloned().map(Operand::Number);
            let operands = std::iter::once(Operand::Tensor(operand)).chain(numbers).collect();
            let op = PartOp::Call { name: act.name, operands };
            chain.parts.insert(0, Part { result: product, op });
        }
        if !chain.fits() {
            continue;
        }
        // Other operands of the chain may be made between the two: both happen where the chain was.
        let kind = Kind::Linear { map, input, act: None, last: Some(Ending { chain, product: operand }) };
        steps.take(at);
        if let Some(next) = steps.take(user) {
            steps.put(user, Step { kind, ..next });
        }
    }
}

/// Whether random numbers are drawn in the same order if the step `maker` moves to `root`.
fn keeps_order(steps: &Steps<'_>, members: &[usize], maker: usize, root: usize) -> bool {
    let draws = |step: &Step<'_>| match &step.kind {
        Kind::Chain(chain) => chain.draws(),
        Kind::Attention { dropout, .. } => dropout.is_some(),
        Kind::Kernel { method, .. } => ["random", "projected", "rrelu"].contains(method),
        Kind::Recurrent { .. } => true,
        _ => false,
    };
    let stays = |step: &Step<'_>| match step.kind {
        Kind::Island { .. } | Kind::Submodel { .. } | Kind::Branch { .. } | Kind::Loop { .. } => false,
        _ => !draws(step),
    };
    !steps.get(maker).is_some_and(draws)
        || (maker + 1..root).all(|between| members.contains(&between) || steps.get(between).is_none_or(stays))
}

/// The operations of steps, as one chain.
fn chain(steps: &Steps<'_>, members: &[usize]) -> Chain {
    let members = members.iter().filter_map(|member| parts(steps.get(*member)?));
    Chain { parts: members.flat_map(|chain| chain.parts).collect() }
}

/// Whether a step can be a part of a chain.
fn is_elementwise(step: &Step<'_>) -> bool {
    matches!(step.kind, Kind::Chain(_) | Kind::Unary { .. } | Kind::Binary { .. }) && step.results.len() == 1
}

/// An elementwise step as a chain.
fn parts(step: &Step<'_>) -> Option<Chain> {
    let &[result] = &step.results[..] else { return None };
    let op = match &step.kind {
        Kind::Chain(chain) => return Some(Chain { parts: chain.parts.clone() }),
        Kind::Unary { act: Act { name, params }, input } => {
            let numbers = params.iter().cloned().map(Operand::Number);
            PartOp::Call { name, operands: std::iter::once(Operand::Tensor(*input)).chain(numbers).collect() }
        }
        Kind::Binary { op, left, right } => {
            PartOp::Call { name: op, operands: vec![left.clone(), right.clone()] }
        }
        _ => return None,
    };
    Some(Chain::of(result, op))
}
