//! Arguments of layers and functions, matched with the tables.

use super::super::ast::LayerCall;
use super::super::errors::{Errors, place_of, source};
use super::super::ir::{Call, Written};
use super::size::Sizes;
use super::written::{as_float, boolean, elements, integer, is_flag, is_literal, is_none, number, text};
use proc_macro2::TokenStream;
use quote::ToTokens;
use rustorch_shape::args::{ArgSpec, Args, Fallback, Kind, Value};
use rustorch_shape::layers::LayerSpec;
use rustorch_shape::suggest;
use syn::{Expr, Ident};

/// The arguments of a layer; `None` after a mistake, which is reported.
pub(super) fn layer(
    spec: &'static LayerSpec,
    call: &LayerCall,
    field: &str,
    constants: &Sizes,
    errors: &mut Errors,
) -> Option<Call> {
    let given: Vec<(Option<&Ident>, &Expr)> =
        call.args.iter().map(|arg| (arg.name.as_ref(), &arg.value)).collect();
    let subject = if field == spec.name { format!("`{field}`") } else { format!("`{field}`: {}", spec.name) };
    let matcher =
        Matcher { subject, op: spec.name, inputs: &[], specs: spec.args, sizes: constants, is_layer: true };
    matcher.resolve(&given, &call.path, errors).map(|(call, _)| call)
}

/// Declared arguments and what was written for them.
pub(super) type Pairs<'e> = Vec<(&'static ArgSpec, &'e Expr)>;

/// Matches what is written with what is declared.
pub(super) struct Matcher<'a> {
    /// How messages begin: "`fc1`: Linear", "`max_pool2d`".
    pub subject: String,
    pub op: &'static str,
    /// The tensors in front of the arguments, for messages.
    pub inputs: &'static [&'static str],
    pub specs: &'static [ArgSpec],
    pub sizes: &'a Sizes,
    /// Whether the sizes are those of parameters.
    pub is_layer: bool,
}

impl Matcher<'_> {
    /// The resolved arguments, without those to be inferred, and tensors without their variables; and which expression
    /// each was written as.
    pub fn resolve<'e>(
        &self,
        given: &[(Option<&'e Ident>, &'e Expr)],
        whole: &impl ToTokens,
        errors: &mut Errors,
    ) -> Option<(Call, Pairs<'e>)> {
        let mut call = Call { args: Args::new(self.op), written: Vec::new() };
        // What is wrong with the values is said as well.
        let (pairs, mut complete) = self.pair(given, errors)?;
        for (spec, expr) in &pairs {
            // Of values that rules know, nobody wants the expression.
            let mut expr_tokens = TokenStream::new();
            match self.value(spec, expr) {
                Ok(Some(value)) => {
                    if let Value::Expression = value {
                        expr_tokens = match spec.kind {
                            Kind::Float | Kind::OptionalFloat | Kind::Operand | Kind::Probability => {
                                as_float(expr)
                            }
                            _ => expr.to_token_stream(),
                        };
                    }
                    call.args.set(spec.name, value);
                }
                Ok(None) => {}
                Err(error) => {
                    errors.push(error);
                    complete = false;
                }
            }
            call.written.push(Written {
                name: spec.name,
                span: place_of(*expr),
                expr: expr_tokens,
                var: None,
            });
        }
        for spec in self.specs {
            let written = pairs.iter().any(|(other, _)| other.name == spec.name);
            match spec.default_value(&call.args) {
                _ if written => {}
                Some(value) => call.args.set(spec.name, value),
                None if self.is_open(spec) || !complete => {}
                None => {
                    errors.at(
                        whole,
                        format!("{} needs `{}`: write `{}`", self.subject, spec.name, self.signature()),
                    );
                    complete = false;
                }
            }
        }
        complete.then_some((call, pairs))
    }

    /// Whether the argument, or the one whose value it takes by default, is left to the input.
    fn is_open(&self, spec: &ArgSpec) -> bool {
        match spec.fallback {
            Fallback::Inferred(_) => true,
            Fallback::Same(other) => self
                .specs
                .iter()
                .any(|spec| spec.name == other && matches!(spec.fallback, Fallback::Inferred(_))),
            _ => false,
        }
    }

    /// Which argument each expression is for, and whether there is one for all of them; `None` if there are too many.
    fn pair<'e>(
        &self,
        given: &[(Option<&'e Ident>, &'e Expr)],
        errors: &mut Errors,
    ) -> Option<(Pairs<'e>, bool)> {
        let positional: Vec<&'static ArgSpec> = self.positional(given);
        let mut next = positional.iter();
        let mut pairs: Vec<(&'static ArgSpec, &Expr)> = Vec::new();
        let (mut complete, mut surplus) = (true, false);
        for (name, expr) in given {
            let spec = match name {
                Some(name) => self.named(name, errors),
                None => next.next().copied().or_else(|| {
                    if !std::mem::replace(&mut surplus, true) {
                        self.too_many(expr, &positional, &pairs, errors);
                    }
                    None
                }),
            };
            match spec {
                None => complete = false,
                Some(spec) if pairs.iter().any(|(other, _)| other.name == spec.name) => {
                    errors.at(expr, format!("{}: `{}` is given twice", self.subject, spec.name));
                    complete = false;
                }
                Some(spec) => pairs.push((spec, expr)),
            }
        }
        (!surplus).then_some((pairs, complete))
    }

    /// The arguments that may be given by position; the one that an input can supply may be left out.
    fn positional(&self, given: &[(Option<&Ident>, &Expr)]) -> Vec<&'static ArgSpec> {
        let named = |spec: &ArgSpec| given.iter().any(|(name, _)| name.is_some_and(|name| name == spec.name));
        let mut positional: Vec<&'static ArgSpec> =
            self.specs.iter().filter(|spec| spec.positional && !named(spec)).collect();
        let count = given.iter().filter(|(name, _)| name.is_none()).count();
        let needed = positional.iter().filter(|spec| spec.is_required()).count();
        if count < needed {
            positional.retain(|spec| !matches!(spec.fallback, Fallback::Inferred(_)));
        }
        positional
    }

    fn named(&self, name: &Ident, errors: &mut Errors) -> Option<&'static ArgSpec> {
        let written = name.to_string();
        if let Some(spec) = self.specs.iter().find(|spec| spec.name == written) {
            return Some(spec);
        }
        let names: Vec<&str> = self.specs.iter().map(|spec| spec.name).collect();
        let usual = elsewhere(&written).filter(|name| names.contains(name));
        let hint = match usual.or_else(|| suggest(&written, names.iter().copied())) {
            Some(meant) => format!("; did you mean `{meant}`?"),
            None if names.is_empty() => "; it takes none".into(),
            None => format!("; it has {}", quoted(&names)),
        };
        errors.at(name, format!("{} has no option `{written}`{hint}", self.subject));
        None
    }

    fn too_many(&self, expr: &Expr, positional: &[&ArgSpec], before: &Pairs<'_>, errors: &mut Errors) {
        // `permute(x, 1, 0)` instead of `permute(x, [1, 0])`
        if let ([list], [(_, first)]) = (positional, &before[..])
            && matches!(list.kind, Kind::Target | Kind::Sizes | Kind::Axes | Kind::Ints)
        {
            let (inputs, first, second) = (self.inputs.join(", "), source(*first), source(expr));
            let message = format!(
                "{} takes `{}` as a list: `{}({inputs}, [{first}, {second}, ..])`",
                self.subject, list.name, self.op
            );
            errors.at(expr, message.replace("(, ", "("));
            return;
        }
        let next = self.specs.iter().find(|spec| !spec.positional);
        let hint = match next {
            Some(spec) => {
                let is_flag = matches!(spec.kind, Kind::Flag | Kind::Bool);
                let value = if is_flag { "false".to_owned() } else { source(expr) };
                format!("; options go by name, as in `{} = {value}`", spec.name)
            }
            None => String::new(),
        };
        let behind = if self.inputs.is_empty() { "" } else { " behind its tensors" };
        let takes = match positional.len() {
            0 if self.inputs.is_empty() => "no arguments by position".to_string(),
            0 => format!("no more: `{}({})`", self.op, self.inputs.join(", ")),
            1 => format!("one argument by position{behind}"),
            n => format!("{n} arguments by position{behind}"),
        };
        errors.at(expr, format!("{} takes {takes}{hint}", self.subject));
    }

    /// How a call looks: `Linear(_, out_features)`.
    fn signature(&self) -> String {
        let args: Vec<String> = self
            .specs
            .iter()
            .filter(|spec| spec.is_required())
            .map(|spec| match (spec.fallback, spec.positional) {
                (Fallback::Inferred(_), _) => "_".into(),
                (_, true) => spec.name.into(),
                (_, false) => format!("{} = ..", spec.name),
            })
            .collect();
        let all: Vec<String> = self.inputs.iter().map(ToString::to_string).chain(args).collect();
        format!("{}({})", self.op, all.join(", "))
    }

    /// The value of an expression; `None` where it is to be inferred.
    fn value(&self, spec: &ArgSpec, expr: &Expr) -> syn::Result<Option<Value>> {
        if matches!(expr, Expr::Infer(_)) {
            return match spec.fallback {
                Fallback::Inferred(_) => Ok(None),
                _ => Err(self.wrong(spec, expr, "cannot be inferred from an input: write it")),
            };
        }
        let value = match spec.kind {
            Kind::Size => Value::Size(self.size(spec, expr)?),
            Kind::Window(axes) => Value::Sizes(self.window(spec, expr, axes)?),
            Kind::Ends(axes) => match elements(expr) {
                Some(list) if list.len() == 2 * axes => Value::Sizes(self.list(spec, list)?),
                Some(_) => return Err(self.mismatch(spec, expr)),
                None => Value::Sizes(vec![self.size(spec, expr)?; 2 * axes]),
            },
            Kind::Output(axes) => Value::Target(self.output(spec, expr, axes)?),
            Kind::OptionalSize if is_none(expr) => Value::Absent,
            Kind::OptionalSize => Value::Size(self.size(spec, expr)?),
            Kind::Padding(axes) => match text(expr) {
                Some(mode) if mode == "same" || mode == "valid" => Value::Text(mode),
                Some(_) => return Err(self.mismatch(spec, expr)),
                None => Value::Sizes(self.window(spec, expr, axes)?),
            },
            Kind::Sizes => match elements(expr) {
                Some(list) => Value::Sizes(self.list(spec, list)?),
                None => Value::Sizes(vec![self.size(spec, expr)?]),
            },
            Kind::Pieces => match elements(expr) {
                Some(list) => Value::Sizes(self.list(spec, list)?),
                None => Value::Size(self.size(spec, expr)?),
            },
            Kind::Target => Value::Target(self.target(spec, expr)?),
            Kind::Axis | Kind::Int => Value::Axis(integer(expr).ok_or_else(|| self.mismatch(spec, expr))?),
            Kind::Axes | Kind::Ints => Value::Axes(self.axes(spec, expr)?),
            Kind::Flag => Value::Bool(boolean(expr).ok_or_else(|| self.mismatch(spec, expr))?),
            Kind::Bool if !is_flag(expr) => {
                return Err(self.mismatch(spec, expr));
            }
            Kind::Bool => boolean(expr).map_or(Value::Expression, Value::Bool),
            Kind::Float | Kind::OptionalFloat | Kind::Operand
                if is_literal(expr) && number(expr).is_none() =>
            {
                return Err(self.mismatch(spec, expr));
            }
            Kind::Probability
                if is_literal(expr) && !number(expr).is_some_and(|p| (0.0..=1.0).contains(&p)) =>
            {
                return Err(self.mismatch(spec, expr));
            }
            Kind::Float if is_literal(expr) => {
                number(expr).filter(|number| number.is_finite()).map_or(Value::Expression, Value::Float)
            }
            // An operand that is a tensor gets its shape later.
            Kind::OptionalFloat if is_none(expr) => Value::Absent,
            Kind::Float | Kind::OptionalFloat | Kind::Operand | Kind::Probability => Value::Expression,
            Kind::Text(choices) => match text(expr) {
                Some(choice) if choices.contains(&choice.as_str()) => Value::Text(choice),
                _ => return Err(self.mismatch(spec, expr)),
            },
            Kind::Tensor => Value::Absent,
        };
        Ok(Some(value))
    }

    fn size(&self, spec: &ArgSpec, expr: &Expr) -> syn::Result<rustorch_shape::Poly> {
        if integer(expr).is_some_and(|n| n < 0) {
            return Err(self.mismatch(spec, expr));
        }
        if matches!(expr, Expr::Lit(_)) && integer(expr).is_none() {
            return Err(self.mismatch(spec, expr));
        }
        let size = self.sizes.size(expr)?;
        let may_be_none = matches!(spec.kind, Kind::Sizes | Kind::Ends(_));
        if self.is_layer && spec.is_required() && !may_be_none && size.as_integer() == Some(0) {
            return Err(self.wrong(spec, expr, "is 0, but must be at least 1"));
        }
        Ok(size)
    }

    fn list(&self, spec: &ArgSpec, list: Vec<&Expr>) -> syn::Result<Vec<rustorch_shape::Poly>> {
        list.into_iter().map(|expr| self.size(spec, expr)).collect()
    }

    fn window(&self, spec: &ArgSpec, expr: &Expr, axes: usize) -> syn::Result<Vec<rustorch_shape::Poly>> {
        let Some(list) = elements(expr) else { return Ok(vec![self.size(spec, expr)?; axes]) };
        if list.len() != axes {
            let message = format!("has {} sizes here, but the layer has {axes} spatial axes", list.len());
            return Err(self.wrong(spec, expr, &message));
        }
        self.list(spec, list)
    }

    fn output(
        &self,
        spec: &ArgSpec,
        expr: &Expr,
        axes: usize,
    ) -> syn::Result<Vec<Option<rustorch_shape::Poly>>> {
        let size = |expr: &Expr| if is_none(expr) { Ok(None) } else { self.size(spec, expr).map(Some) };
        match elements(expr) {
            Some(list) if list.len() == axes => list.into_iter().map(size).collect(),
            Some(_) => self.window(spec, expr, axes).map(|sizes| sizes.into_iter().map(Some).collect()),
            None => Ok(vec![size(expr)?; axes]),
        }
    }

    fn target(&self, spec: &ArgSpec, expr: &Expr) -> syn::Result<Vec<Option<rustorch_shape::Poly>>> {
        let list = elements(expr).ok_or_else(|| self.mismatch(spec, expr))?;
        list.into_iter()
            .map(|expr| match expr {
                Expr::Infer(_) => Ok(None),
                expr if integer(expr) == Some(-1) => Ok(None),
                expr => self.size(spec, expr).map(Some),
            })
            .collect()
    }

    fn axes(&self, spec: &ArgSpec, expr: &Expr) -> syn::Result<Vec<isize>> {
        let axis = |expr: &Expr| integer(expr).ok_or_else(|| self.mismatch(spec, expr));
        match elements(expr) {
            Some(list) => list.into_iter().map(axis).collect(),
            None => Ok(vec![axis(expr)?]),
        }
    }

    fn mismatch(&self, spec: &ArgSpec, expr: &Expr) -> syn::Error {
        self.wrong(spec, expr, &format!("must be {}, not `{}`", spec.kind, source(expr)))
    }

    fn wrong(&self, spec: &ArgSpec, expr: &Expr, message: &str) -> syn::Error {
        syn::Error::new_spanned(expr, format!("{}: `{}` {message}", self.subject, spec.name))
    }
}

/// What other libraries call an argument.
fn elsewhere(name: &str) -> Option<&'static str> {
    Some(match name {
        "axis" | "axes" | "dims" => "dim",
        "kernel_size" => "kernel",
        "keep_dims" | "keepdims" | "keep_dim" => "keepdim",
        "is_causal" => "causal",
        "attn_mask" => "mask",
        "rate" | "prob" | "probability" => "p",
        "use_bias" => "bias",
        "epsilon" => "eps",
        "strides" => "stride",
        _ => return None,
    })
}

pub(super) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
