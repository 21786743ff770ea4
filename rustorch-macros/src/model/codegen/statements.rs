//! The calls of a program, op by op.

use super::super::callee::Callee;
use super::super::ir::{Element, Model, Over, Submodel};
use super::super::lower::{Arg, Decision, Instruction, Program, Source};
use super::call;
use super::text::{Given, Local, Text, list};
use super::types::{self, var};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use std::fmt::{self, Display};

/// What prints calls.
#[derive(Clone, Copy)]
pub(super) struct OpByOp<'a> {
    pub model: &'a Model,
    pub given: &'a Given,
}

/// Where results are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Store {
    /// In the block's `__keep`, which drops them all: hundreds of temporaries with a drop each are much code in each place that may fail.
    Kept,
    /// In temporaries.
    Temporaries,
}

impl Store {
    /// `let __t3 = __keep.put(call)?;`
    fn bind(self, text: &mut Text<'_>, result: impl Display, call: impl Display) {
        match self {
            Self::Kept => write!(text, "let {result} = __keep.put({call})?;"),
            Self::Temporaries => write!(text, "let {result} = &{call}?;"),
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

/// `__t3`, `__t4`
fn vars(numbers: &[usize]) -> impl Iterator<Item = Local> + '_ {
    numbers.iter().map(|number| var(*number))
}

/// `(__t3, __t4,)`
fn tuple(items: impl IntoIterator<Item: Display>) -> String {
    let items: String = items.into_iter().map(|item| format!("{item}, ")).collect();
    format!("({items})")
}

impl<'a> OpByOp<'a> {
    pub fn block(self, program: &Program) -> Text<'a> {
        let mut text = Text::new(self.given);
        let kept = program.instructions.iter().filter(|instruction| makes_one(instruction)).count();
        if kept > 0 {
            write!(text, "let __keep = __ops::Kept::new({kept});");
        }
        program
            .instructions
            .iter()
            .for_each(|instruction| self.statement(&mut text, instruction, Store::Kept));
        text
    }

    /// Writes the call of one instruction.
    pub fn statement(self, text: &mut Text<'_>, instruction: &Instruction, store: Store) {
        let store = if makes_one(instruction) { store } else { Store::Temporaries };
        match instruction {
            Instruction::Layer { field, input, result } => {
                let (name, input) = (&self.model.fields[*field].name, var(*input));
                match store {
                    Store::Kept => {
                        write!(text, "let {} = __keep.layer(&self.{name}, {input})?;", var(*result))
                    }
                    Store::Temporaries => {
                        store.bind(text, var(*result), format_args!("__ops::layer(&self.{name}, {input})"));
                    }
                }
            }
            Instruction::Function { name, inputs, is_list, args, results, pieces } => {
                let args: String = args.iter().map(|arg| format!(", {}", self.argument(arg))).collect();
                let (inputs, results) = (list(vars(inputs)), list(vars(results)));
                let [open, close] = if *is_list { ["&[", "]"] } else { [""; 2] };
                let call = format_args!("__ops::{name}({open}{inputs}{close}{args})");
                match *pieces {
                    true => store.bind(text, format_args!("[{results}]"), call),
                    false => store.bind(text, results, call),
                }
            }
            Instruction::Binary { op, left, right, result } => {
                let scalar = if matches!(left, Source::Tensor(_)) { "" } else { "scalar_" };
                let [left, right] = [left, right].map(|source| match source {
                    Source::Tensor(number) => var(*number).to_string(),
                    Source::Scalar(tokens) => self.given.put(tokens),
                });
                let name = op.name();
                store.bind(text, var(*result), format_args!("__ops::{scalar}{name}({left}, {right})"));
            }
            Instruction::Negate { input, result } => {
                store.bind(text, var(*result), format_args!("__ops::neg({})", var(*input)));
            }
            Instruction::Einsum { spec, inputs, result } => {
                let inputs = list(vars(inputs));
                store.bind(text, var(*result), format_args!("::rustorch::einsum({spec:?}, &[{inputs}])"));
            }
            Instruction::Submodel { .. } => {
                let call = self.given.put(&submodel(self.model, instruction));
                write!(text, "{call}");
            }
            Instruction::If { then, otherwise, results } => {
                let (names, then, otherwise) = (tuple(vars(results)), self.arm(then), self.arm(otherwise));
                write!(text, "let {names} = &if self.training.get() {then} else {otherwise};");
            }
            Instruction::For { field, carried, body, results } => {
                let head = self.head(&Over::Field(*field), None);
                self.repeat(text, &head, carried, body, results);
            }
            Instruction::Repeat { over, index, carried, body, results } => {
                let head = self.head(over, index.as_ref());
                self.repeat(text, &head, carried, body, results);
            }
            Instruction::LayerCall { .. } => self.layer_call(text, instruction, store),
            Instruction::Part { .. } => {
                unreachable!("layers are taken apart for the compiled pass, where all parts have kernels")
            }
            Instruction::State { field, element, entry, result } => {
                let state = state(place(self.model, *field, *element), entry.as_deref());
                write!(text, "let {} = {state};", var(*result));
            }
            Instruction::Choose { decision, then, otherwise, results } => {
                let (names, then, otherwise) = (tuple(vars(results)), self.arm(then), self.arm(otherwise));
                let decision = self.condition(decision);
                write!(text, "let {names} = &if {decision} {then} else {otherwise};");
            }
            Instruction::Match { subject, arms, results } => {
                let (names, subject) = (tuple(vars(results)), self.given.put(subject));
                let arm = |(pattern, program): &(TokenStream, Program)| {
                    format!("{} => {}\n", self.given.put(pattern), self.arm(program))
                };
                let arms: String = arms.iter().map(arm).collect();
                write!(text, "let {names} = &match {subject} {{ {arms} }};");
            }
        }
    }

    /// A program as a block with a tuple as its value.
    fn arm(self, program: &Program) -> String {
        let steps = self.block(program).into_inner();
        let values = tuple(vars(&program.results).map(|value| format!("{value}.clone()")));
        format!("{{ {steps} {values} }}")
    }

    /// A layer that is not simply a field that maps one tensor to one.
    fn layer_call(self, text: &mut Text<'_>, instruction: &Instruction, store: Store) {
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
            return;
        };
        let callee = reference(self.model, Callee::new(*field, *element));
        let pattern = types::nested_text(tree, &mut vars(results));
        let inputs: String = vars(inputs).map(|input| format!(", {input}")).collect();
        if *is_map {
            store.bind(text, pattern, format_args!("__ops::layer({callee}{inputs})"));
            return;
        }
        let state = state.as_ref().map(|state| match &state[..] {
            [] => ", ::core::option::Option::None".into(),
            [one] => format!(", ::core::option::Option::Some({})", var(*one)),
            several => format!(", ::core::option::Option::Some(({}))", list(vars(several))),
        });
        let more = more.iter().map(|input| Arg::Tensor(*input));
        let more: String = more.map(|input| format!(", {}", self.argument(&input))).collect();
        let options: String = options.iter().map(|option| format!(", {}", self.argument(option))).collect();
        let args = [inputs, more, state.unwrap_or_default(), options].concat();
        match adapter {
            Some(adapter) => write!(text, "let {pattern} = &__ops::{adapter}({callee}{args})?;"),
            None => {
                let args = args.strip_prefix(", ").unwrap_or(&args);
                write!(text, "let {pattern} = &({callee}).forward({args})?;");
            }
        }
    }

    fn repeat(
        self,
        text: &mut Text<'_>,
        head: &str,
        carried: &[(usize, usize)],
        body: &Program,
        results: &[usize],
    ) {
        let slots = || (0..carried.len()).map(|slot| Local("carried", slot));
        let starts = slots().zip(carried);
        let starts: String = starts
            .map(|(slot, (_, before))| format!("let mut {slot} = {}.clone();\n", var(*before)))
            .collect();
        let insides = slots().zip(carried);
        let insides: String =
            insides.map(|(slot, (inside, _))| format!("let {} = &{slot};\n", var(*inside))).collect();
        let (results, slots) = (tuple(vars(results)), tuple(slots()));
        let steps = self.block(body).into_inner();
        let ends = tuple(vars(&body.results).map(|value| format!("{value}.clone()")));
        write!(
            text,
            "let {results} = &{{ {starts} {head} {{ let __next = {{ {insides} {steps} {ends} }}; {slots} = __next; }} {slots} }};"
        );
    }

    /// The head of a loop.
    pub fn head(self, over: &Over, index: Option<&Ident>) -> String {
        let index = index.map(|index| self.given.put(&index.to_token_stream()));
        match (over, index) {
            (Over::Field(field), None) => {
                format!("for {} in &self.{}", each(*field), self.model.fields[*field].name)
            }
            (Over::Field(field), Some(index)) => {
                let (name, element) = (&self.model.fields[*field].name, each(*field));
                format!("for ({index}, {element}) in self.{name}.iter().enumerate()")
            }
            (Over::Range(range), index) => {
                format!("for {} in {}", index.as_deref().unwrap_or("_"), self.given.put(range))
            }
        }
    }

    /// The head of the same loop from its end to its start.
    pub fn reversed_head(self, over: &Over, index: Option<&Ident>) -> String {
        let index = index.map(|index| self.given.put(&index.to_token_stream()));
        match (over, index) {
            (Over::Field(field), None) => {
                format!("for {} in self.{}.iter().rev()", each(*field), self.model.fields[*field].name)
            }
            (Over::Field(field), Some(index)) => {
                let (name, element) = (&self.model.fields[*field].name, each(*field));
                format!("for ({index}, {element}) in self.{name}.iter().enumerate().rev()")
            }
            (Over::Range(range), index) => {
                format!("for {} in ({}).rev()", index.as_deref().unwrap_or("_"), self.given.put(range))
            }
        }
    }

    /// What an `if` asks before its first block, for a decision that needs no memory.
    pub fn condition(self, decision: &Decision) -> String {
        match decision {
            Decision::If(condition) => self.given.put(condition),
            Decision::Present(field) => {
                let (name, module) = (&self.model.fields[*field].name, each(*field));
                format!("let ::core::option::Option::Some({module}) = &self.{name}")
            }
        }
    }

    /// An argument of a function or builder.
    pub fn argument(self, arg: &Arg) -> String {
        match arg {
            Arg::Size(size) => size.to_string(),
            Arg::Given(number) => var(*number).to_string(),
            Arg::Array(sizes) => format!("[{}]", list(sizes)),
            Arg::Slice(sizes) => format!("&[{}]", list(sizes)),
            Arg::OptionalSize(size) => types::optional(size.as_ref()),
            Arg::OptionalSizes(sizes) => {
                format!("[{}]", list(sizes.iter().map(|size| types::optional(size.as_ref()))))
            }
            Arg::Axis(axis) => axis.to_string(),
            Arg::Axes(axes) => format!("&[{}]", list(axes)),
            Arg::Bool(flag) => flag.to_string(),
            Arg::Float(number) => format!("{number:?}f64"),
            Arg::Text(text) => format!("{text:?}"),
            Arg::Tokens(tokens) => self.given.put(tokens),
            Arg::Tensor(Some(number)) => format!("::core::option::Option::Some({})", var(*number)),
            Arg::Tensor(None) => "::core::option::Option::None".into(),
            Arg::Training => "self.training.get()".into(),
        }
    }
}

/// A reference to a parameter or buffer of the model, or of one of its layers.
pub(super) fn state(place: Place<'_>, entry: Option<&str>) -> String {
    match entry {
        Some(entry) => format!("__ops::Held::held(&{place}.{entry})?"),
        None => format!("&{place}"),
    }
}

/// A call of another model, spanned as it is.
fn submodel(model: &Model, instruction: &Instruction) -> TokenStream {
    let Instruction::Submodel { target, span, .. } = instruction else {
        return TokenStream::new();
    };
    let span = span.start().resolved_at(Span::call_site());
    let callee = match target {
        Submodel::Field(field) => {
            let name = &model.fields[*field].name;
            quote_spanned!(span=> self.#name)
        }
        Submodel::Each(field) => {
            let submodel = Ident::new(&each(*field).to_string(), span);
            quote_spanned!(span=> #submodel)
        }
        Submodel::At(field, at) => {
            let name = &model.fields[*field].name;
            quote_spanned!(span=> self.#name[#at])
        }
        Submodel::Counted(field, position) => {
            let (name, at) = (&model.fields[*field].name, types::size(model.position(*position)));
            quote_spanned!(span=> self.#name[#at])
        }
    };
    call::open(model, instruction, &callee)
}

/// The layer or model that is called, as an expression whose fields can be named.
pub(super) fn place(model: &Model, field: usize, element: Element) -> Place<'_> {
    part(model, Callee::new(field, element))
}

/// The same of a part of one.
pub(super) fn part(model: &Model, callee: Callee) -> Place<'_> {
    Place { model, callee }
}

/// `self.conv`, `self.convs[2]`, or the element of a loop.
#[derive(Clone, Copy)]
pub(in super::super) struct Place<'a> {
    model: &'a Model,
    callee: Callee,
}

impl Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Callee { field, element, path } = self.callee;
        let name = &self.model.fields[field].name;
        match element {
            Element::Each => each(field).fmt(f),
            Element::At(at) => write!(f, "self.{name}[{at}]"),
            // A size prints as valid Rust.
            Element::Counted(position) => write!(f, "self.{name}[{}]", self.model.position(position)),
            Element::Whole => write!(f, "self.{name}"),
        }?;
        path.fmt(f)
    }
}

/// A reference to it.
pub(in super::super) fn reference(model: &Model, callee: Callee) -> Reference<'_> {
    Reference(part(model, callee))
}

/// `&self.conv`; the element of a loop is a reference as it is.
#[derive(Clone, Copy)]
pub(in super::super) struct Reference<'a>(Place<'a>);

impl Display for Reference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Callee { element, path, .. } = self.0.callee;
        if !matches!(element, Element::Each) || !path.is_empty() {
            f.write_str("&")?;
        }
        self.0.fmt(f)
    }
}

/// The layer or model of the current pass of a loop over a field, or of an `if let` on it.
pub(super) fn each(field: usize) -> Local {
    Local("submodel", field)
}
