//! Arguments of layers and functions, matched with the tables.

use super::super::ast::LayerCall;
use super::super::errors::{Errors, place_of, source};
use super::super::ir::{Call, Written};
use super::size::Sizes;
use quote::{ToTokens, quote};
use rustorch_shape::args::{ArgSpec, Args, Fallback, Kind, Value};
use rustorch_shape::layers::LayerSpec;
use rustorch_shape::suggest;
use syn::{Expr, Ident, Lit, UnOp};

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
    let matcher = Matcher { subject, op: spec.name, specs: spec.args, sizes: constants };
    matcher.resolve(&given, &call.path, errors).map(|(call, _)| call)
}

/// Splits `stride = 2` from positional arguments: Rust reads it as an assignment.
pub(super) fn split(expr: &Expr) -> (Option<&Ident>, &Expr) {
    if let Expr::Assign(assign) = expr
        && let Expr::Path(path) = &*assign.left
        && let Some(name) = path.path.get_ident()
    {
        return (Some(name), &assign.right);
    }
    (None, expr)
}

/// Declared arguments and what was written for them.
pub(super) type Pairs<'e> = Vec<(&'static ArgSpec, &'e Expr)>;

/// Matches what is written with what is declared.
pub(super) struct Matcher<'a> {
    /// How messages begin: "`fc1`: Linear", "`max_pool2d`".
    pub subject: String,
    pub op: &'static str,
    pub specs: &'static [ArgSpec],
    pub sizes: &'a Sizes,
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
        let pairs = self.pair(given, errors)?;
        let mut call = Call { args: Args::new(self.op), written: Vec::new() };
        let mut complete = true;
        for (spec, expr) in &pairs {
            match self.value(spec, expr) {
                Ok(Some(value)) => call.args.set(spec.name, value),
                Ok(None) => {}
                Err(error) => {
                    errors.push(error);
                    complete = false;
                }
            }
            let expr_tokens = match spec.kind {
                Kind::Float | Kind::Operand => as_float(expr),
                _ => expr.to_token_stream(),
            };
            call.written.push(Written {
                name: spec.name,
                span: place_of(expr),
                expr: expr_tokens,
                var: None,
            });
        }
        for spec in self.specs {
            let written = pairs.iter().any(|(other, _)| other.name == spec.name);
            match spec.default_value(&call.args) {
                _ if written => {}
                Some(value) => call.args.set(spec.name, value),
                None if matches!(spec.fallback, Fallback::Inferred(_)) || !complete => {}
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

    /// Which argument each expression is for.
    fn pair<'e>(&self, given: &[(Option<&'e Ident>, &'e Expr)], errors: &mut Errors) -> Option<Pairs<'e>> {
        let positional: Vec<&'static ArgSpec> = self.positional(given);
        let mut next = positional.iter();
        let mut pairs: Vec<(&'static ArgSpec, &Expr)> = Vec::new();
        for (name, expr) in given {
            let spec = match name {
                Some(name) => self.named(name, errors)?,
                None => match next.next() {
                    Some(spec) => spec,
                    None => {
                        self.too_many(expr, positional.len(), errors);
                        return None;
                    }
                },
            };
            if pairs.iter().any(|(other, _)| other.name == spec.name) {
                errors.at(expr, format!("{}: `{}` is given twice", self.subject, spec.name));
                return None;
            }
            pairs.push((spec, expr));
        }
        Some(pairs)
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
        let hint = match suggest(&written, names.iter().copied()) {
            Some(meant) => format!("; did you mean `{meant}`?"),
            None if names.is_empty() => "; it takes none".into(),
            None => format!("; it has {}", quoted(&names)),
        };
        errors.at(name, format!("{} has no option `{written}`{hint}", self.subject));
        None
    }

    fn too_many(&self, expr: &Expr, most: usize, errors: &mut Errors) {
        let next = self.specs.iter().find(|spec| !spec.positional);
        let hint = match next {
            Some(spec) => format!("; options go by name, as in `{} = {}`", spec.name, source(expr)),
            None => String::new(),
        };
        let takes = match most {
            0 => "no arguments by position".to_string(),
            1 => "one argument by position".to_string(),
            n => format!("{n} arguments by position"),
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
        format!("{}({})", self.op, args.join(", "))
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
            Kind::Bool => boolean(expr).map_or(Value::Expression, Value::Bool),
            // An operand that is a tensor gets its shape later.
            Kind::Float | Kind::Operand => Value::Expression,
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
        self.sizes.size(expr)
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

/// An expression of any numeric type as an `f64`.
pub(super) fn as_float(expr: &Expr) -> proc_macro2::TokenStream {
    match expr {
        Expr::Lit(lit) if matches!(lit.lit, Lit::Float(_)) => quote!(#expr),
        _ => quote!((#expr) as f64),
    }
}

/// The elements of `[a, b]` or `(a, b)`.
pub(super) fn elements(expr: &Expr) -> Option<Vec<&Expr>> {
    match expr {
        Expr::Array(array) => Some(array.elems.iter().collect()),
        Expr::Tuple(tuple) => Some(tuple.elems.iter().collect()),
        Expr::Reference(reference) => elements(&reference.expr),
        Expr::Group(group) => elements(&group.expr),
        _ => None,
    }
}

fn integer(expr: &Expr) -> Option<isize> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(int) => int.base10_parse().ok(),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
            integer(&unary.expr).and_then(isize::checked_neg)
        }
        Expr::Paren(inner) => integer(&inner.expr),
        Expr::Group(inner) => integer(&inner.expr),
        _ => None,
    }
}

fn boolean(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Bool(flag) => Some(flag.value),
            _ => None,
        },
        _ => None,
    }
}

fn text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
