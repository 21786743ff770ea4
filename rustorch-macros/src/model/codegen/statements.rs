//! The calls of a program, op by op.

use super::super::ir::{Element, Model, Over, Submodel};
use super::super::lower::{Arg, Decision, Instruction, Program, Source};
use super::call;
use super::types::{self, Piece, var};
use proc_macro2::{Ident, Punct, Spacing, Span, TokenStream};
use quote::{ToTokens, TokenStreamExt, format_ident, quote_spanned};

pub(super) fn block(model: &Model, program: &Program) -> TokenStream {
    let kept = program.instructions.iter().filter(|instruction| makes_one(instruction)).count();
    let keep = (kept > 0).then(|| hygienic!(let keep = __ops::Kept::new(#kept);));
    let steps = program.instructions.iter().map(|instruction| statement(model, instruction, Store::Kept));
    keep.into_iter().chain(steps).collect()
}

/// Where results are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    /// In the block's `keep`, which drops them all: hundreds of temporaries with a drop each are much code in each place that may fail.
    Kept,
    /// In temporaries.
    Temporaries,
}

impl Store {
    /// `let t3 = keep.put(call)?;`
    fn bind(self, result: &impl ToTokens, call: &TokenStream) -> TokenStream {
        match self {
            Self::Kept => hygienic!(let #result = keep.put(#call)?;),
            Self::Temporaries => hygienic!(let #result = &#call?;),
        }
    }
}

/// Whether a call gives one tensor, which can be kept with others.
fn makes_one(instruction: &Instruction) -> bool {
    match instruction {
        Instruction::Layer { .. }
        | Instruction::Binary { .. }
        | Instruction::Negate { .. }
        | Instruction::Einsum { .. } => true,
        Instruction::Function { pieces, .. } => !pieces,
        Instruction::LayerCall { is_map, .. } => *is_map,
        _ => false,
    }
}

pub(super) fn statement(model: &Model, instruction: &Instruction, store: Store) -> TokenStream {
    let store = if makes_one(instruction) { store } else { Store::Temporaries };
    match instruction {
        Instruction::Layer { field, input, result } => {
            let (name, input, result) = (&model.fields[*field].name, var(*input), var(*result));
            store.bind(&result, &hygienic!(__ops::layer(&self.#name, #input)))
        }
        Instruction::Function { name, inputs, is_list, args, results, pieces } => {
            let name = format_ident!("{name}");
            let inputs = inputs.iter().map(|input| var(*input));
            let args = args.iter().map(argument);
            let call = match *is_list {
                true => hygienic!(__ops::#name(&[#(#inputs),*] #(, #args)*)),
                false => hygienic!(__ops::#name(#(#inputs),* #(, #args)*)),
            };
            let mut results = results.iter().map(|result| var(*result));
            match (results.next(), results.len()) {
                (Some(result), 0) if !*pieces => store.bind(&result, &call),
                (first, _) => {
                    let results = first.into_iter().chain(results);
                    let pattern = if *pieces { hygienic!([#(#results),*]) } else { hygienic!(#(#results)*) };
                    store.bind(&pattern, &call)
                }
            }
        }
        Instruction::Binary { op, left, right, result } => {
            let result = var(*result);
            let name = match left {
                Source::Tensor(_) => format_ident!("{}", op.name()),
                Source::Scalar(_) => format_ident!("scalar_{}", op.name()),
            };
            let [left, right] = [left, right].map(|source| match source {
                Source::Tensor(number) => Piece::Name(var(*number)),
                Source::Scalar(tokens) => Piece::Tokens(hygienic!(#tokens)),
            });
            store.bind(&result, &hygienic!(__ops::#name(#left, #right)))
        }
        Instruction::Negate { input, result } => {
            let (input, result) = (var(*input), var(*result));
            store.bind(&result, &hygienic!(__ops::neg(#input)))
        }
        Instruction::Einsum { spec, inputs, result } => {
            let (inputs, result) = (inputs.iter().map(|input| var(*input)), var(*result));
            store.bind(&result, &hygienic!(::rustorch::einsum(#spec, &[#(#inputs),*])))
        }
        Instruction::Submodel { .. } => submodel(model, instruction),
        Instruction::If { then, otherwise, results } => {
            let names = results.iter().map(|result| var(*result));
            let (then, otherwise) = (arm(model, then), arm(model, otherwise));
            hygienic!(let (#(#names,)*) = &if self.training.get() #then else #otherwise;)
        }
        Instruction::For { field, carried, body, results } => {
            let over = Over::Field(*field);
            repeat(model, &over, None, carried, body, results)
        }
        Instruction::Repeat { over, index, carried, body, results } => {
            repeat(model, over, index.as_ref(), carried, body, results)
        }
        Instruction::LayerCall { .. } => layer_call(model, instruction, store),
        Instruction::State { field, entry, result } => {
            let (state, result) = (state(model, *field, entry.as_deref()), var(*result));
            hygienic!(let #result = #state;)
        }
        Instruction::Choose { decision, then, otherwise, results } => {
            let names = results.iter().map(|result| var(*result));
            let (then, otherwise) = (arm(model, then), arm(model, otherwise));
            let decision = condition(model, decision);
            hygienic!(let (#(#names,)*) = &if #decision #then else #otherwise;)
        }
        Instruction::Match { subject, arms, results } => {
            let names = results.iter().map(|result| var(*result));
            let arms = arms.iter().map(|(pattern, program)| {
                let arm = arm(model, program);
                hygienic!(#pattern => #arm)
            });
            hygienic!(let (#(#names,)*) = &match #subject { #(#arms)* };)
        }
    }
}

/// A reference to a parameter or buffer of the model, or of one of its layers.
pub(super) fn state(model: &Model, field: usize, entry: Option<&str>) -> TokenStream {
    let name = &model.fields[field].name;
    match entry.map(|entry| format_ident!("{entry}")) {
        Some(entry) => hygienic!(__ops::Held::held(&self.#name.#entry)?),
        None => hygienic!(&self.#name),
    }
}

/// A program as a block with a tuple as its value.
fn arm(model: &Model, program: &Program) -> TokenStream {
    let (steps, values) = (block(model, program), program.results.iter().map(|value| var(*value)));
    hygienic!({ #steps (#(#values.clone(),)*) })
}

/// A layer that is not simply a field that maps one tensor to one.
fn layer_call(model: &Model, instruction: &Instruction, store: Store) -> TokenStream {
    let Instruction::LayerCall {
        field,
        element,
        is_map,
        adapter,
        inputs,
        more,
        state,
        options,
        tree,
        results,
    } = instruction
    else {
        return TokenStream::new();
    };
    let callee = reference(model, *field, *element);
    let inputs = inputs.iter().map(|input| var(*input));
    let mut names = results.iter().map(|result| {
        let name = var(*result);
        hygienic!(#name)
    });
    let pattern = types::nested(tree, &mut names);
    if *is_map {
        return store.bind(&pattern, &hygienic!(__ops::layer(#callee #(, #inputs)*)));
    }
    let state = state.as_ref().map(|state| match &state[..] {
        [] => hygienic!(::core::option::Option::None),
        [one] => {
            let tensor = var(*one);
            hygienic!(::core::option::Option::Some(#tensor))
        }
        several => {
            let tensors = several.iter().map(|state| var(*state));
            hygienic!(::core::option::Option::Some((#(#tensors),*)))
        }
    });
    let more = more.iter().map(|input| argument(&Arg::Tensor(*input)));
    let options = options.iter().map(argument);
    let args = inputs.map(Piece::Name).chain(more).chain(state.map(Piece::Tokens)).chain(options);
    if let Some(adapter) = adapter {
        let adapter = format_ident!("{adapter}");
        return hygienic!(let #pattern = &__ops::#adapter(#callee #(, #args)*)?;);
    }
    hygienic!(let #pattern = &(#callee).forward(#(#args),*)?;)
}

/// A call of another model.
fn submodel(model: &Model, instruction: &Instruction) -> TokenStream {
    let Instruction::Submodel { target, span, .. } = instruction else {
        return TokenStream::new();
    };
    let span = span.start().resolved_at(Span::mixed_site());
    let callee = match target {
        Submodel::Field(field) => {
            let name = &model.fields[*field].name;
            quote_spanned!(span=> self.#name)
        }
        Submodel::Each(field) => {
            let mut submodel = each(*field);
            submodel.set_span(span);
            quote_spanned!(span=> #submodel)
        }
        Submodel::At(field, at) => {
            let name = &model.fields[*field].name;
            quote_spanned!(span=> self.#name[#at])
        }
    };
    call::open(model, instruction, &callee)
}

fn repeat(
    model: &Model,
    over: &Over,
    index: Option<&Ident>,
    carried: &[(usize, usize)],
    body: &Program,
    results: &[usize],
) -> TokenStream {
    let slots: Vec<Ident> = (0..carried.len()).map(|i| types::local("carried", i)).collect();
    let starts = carried.iter().map(|(_, before)| var(*before));
    let insides = carried.iter().map(|(inside, _)| var(*inside));
    let steps = block(model, body);
    let ends = body.results.iter().map(|value| var(*value));
    let results = results.iter().map(|result| var(*result));
    let head = head(model, over, index);
    hygienic! {
        let (#(#results,)*) = &{
            #(let mut #slots = #starts.clone();)*
            #head {
                let next = {
                    #(let #insides = &#slots;)*
                    #steps
                    (#(#ends.clone(),)*)
                };
                (#(#slots,)*) = next;
            }
            (#(#slots,)*)
        };
    }
}

/// The head of a loop.
pub(super) fn head(model: &Model, over: &Over, index: Option<&Ident>) -> TokenStream {
    match (over, index) {
        (Over::Field(field), None) => {
            let (name, element) = (&model.fields[*field].name, each(*field));
            hygienic!(for #element in &self.#name)
        }
        (Over::Field(field), Some(index)) => {
            let (name, element) = (&model.fields[*field].name, each(*field));
            hygienic!(for (#index, #element) in self.#name.iter().enumerate())
        }
        (Over::Range(range), None) => hygienic!(for _ in #range),
        (Over::Range(range), Some(index)) => hygienic!(for #index in #range),
    }
}

/// The head of the same loop from its end to its start.
pub(super) fn reversed_head(model: &Model, over: &Over, index: Option<&Ident>) -> TokenStream {
    match (over, index) {
        (Over::Field(field), None) => {
            let (name, element) = (&model.fields[*field].name, each(*field));
            hygienic!(for #element in self.#name.iter().rev())
        }
        (Over::Field(field), Some(index)) => {
            let (name, element) = (&model.fields[*field].name, each(*field));
            hygienic!(for (#index, #element) in self.#name.iter().enumerate().rev())
        }
        (Over::Range(range), None) => hygienic!(for _ in (#range).rev()),
        (Over::Range(range), Some(index)) => hygienic!(for #index in (#range).rev()),
    }
}

/// The layer or model that is called, as an expression whose fields can be named.
pub(super) fn place(model: &Model, field: usize, element: Element) -> Place<'_> {
    Place { model, field, element }
}

/// `self.conv`, `self.convs[2]`, or the element of a loop; its tokens are put where they go one by one.
#[derive(Clone, Copy)]
pub(in super::super) struct Place<'a> {
    model: &'a Model,
    field: usize,
    element: Element,
}

impl ToTokens for Place<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let span = Span::mixed_site();
        if let Element::Each = self.element {
            return tokens.append(each(self.field));
        }
        let mut dot = Punct::new('.', Spacing::Alone);
        dot.set_span(span);
        tokens.append(Ident::new("self", span));
        tokens.append(dot);
        tokens.append(self.model.fields[self.field].name.clone());
        if let Element::At(at) = self.element {
            tokens.extend(hygienic!([#at]));
        }
    }
}

/// A reference to it.
pub(in super::super) fn reference(model: &Model, field: usize, element: Element) -> Reference<'_> {
    Reference(place(model, field, element))
}

/// `&self.conv`; the element of a loop is a reference as it is.
#[derive(Clone, Copy)]
pub(in super::super) struct Reference<'a>(Place<'a>);

impl ToTokens for Reference<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        if !matches!(self.0.element, Element::Each) {
            let mut and = Punct::new('&', Spacing::Alone);
            and.set_span(Span::mixed_site());
            tokens.append(and);
        }
        self.0.to_tokens(tokens);
    }
}

/// What an `if` asks before its first block, for a decision that needs no memory.
pub(super) fn condition(model: &Model, decision: &Decision) -> TokenStream {
    match decision {
        Decision::If(condition) => hygienic!(#condition),
        Decision::Present(field) => {
            let (name, module) = (&model.fields[*field].name, each(*field));
            hygienic!(let ::core::option::Option::Some(#module) = &self.#name)
        }
    }
}

/// The layer or model of the current pass of a loop over a field, or of an `if let` on it.
pub(super) fn each(field: usize) -> Ident {
    types::local("submodel", field)
}

/// An argument of a function or builder.
pub(super) fn argument(arg: &Arg) -> Piece {
    Piece::Tokens(match arg {
        Arg::Size(size) => return types::size(size),
        Arg::Given(number) => return Piece::Name(var(*number)),
        Arg::Array(sizes) => {
            let sizes = sizes.iter().map(types::size);
            hygienic!([#(#sizes),*])
        }
        Arg::Slice(sizes) => {
            let sizes = sizes.iter().map(types::size);
            hygienic!(&[#(#sizes),*])
        }
        Arg::OptionalSize(size) => types::optional_size(size.as_ref()),
        Arg::OptionalSizes(sizes) => {
            let sizes = sizes.iter().map(|size| types::optional_size(size.as_ref()));
            hygienic!([#(#sizes),*])
        }
        Arg::Axis(axis) => hygienic!(#axis),
        Arg::Axes(axes) => hygienic!(&[#(#axes),*]),
        Arg::Bool(flag) => hygienic!(#flag),
        Arg::Float(number) => hygienic!(#number),
        Arg::Text(text) => hygienic!(#text),
        Arg::Tokens(tokens) => hygienic!(#tokens),
        Arg::Tensor(Some(number)) => {
            let tensor = var(*number);
            hygienic!(::core::option::Option::Some(#tensor))
        }
        Arg::Tensor(None) => hygienic!(::core::option::Option::None),
        Arg::Training => hygienic!(self.training.get()),
    })
}
