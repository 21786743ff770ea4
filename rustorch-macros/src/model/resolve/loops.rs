//! `for`: what a loop goes over, and the names that every pass replaces.

use super::super::ast::{Loop, Value};
use super::super::errors::{Place, place_of, source};
use super::super::ir::{Carried, Counter, FieldKind, Op, Over, Region, Use};
use super::body::{Binding, Resolver, is_self};
use super::scope::assigned;
use super::value::Val;
use quote::ToTokens;
use rustorch_shape::{Poly, Size, suggest};
use std::collections::BTreeMap;
use syn::{Expr, Ident, RangeLimits};

impl Resolver<'_> {
    pub(super) fn repeat(&mut self, repeat: &Loop) {
        let Loop { index, variable, over, body } = repeat;
        let range = self.counted(over);
        let Some(over) = self.loop_over(over, index.as_ref()) else {
            for name in assigned(body) {
                self.bind(name, Binding::Value(Val::Broken));
            }
            return;
        };
        let before = self.replaced([body]);
        let mut scope = BTreeMap::new();
        let mut carried = Vec::new();
        for (name, value) in &before {
            let Some(uses) = value.flat() else { continue };
            let text = name.to_string();
            let mut inside = Vec::new();
            for before in uses {
                let var = self.fresh(text.clone());
                let span: Place = name.span().into();
                inside.push(Use { var: Some(var), span, text: text.clone() });
                let before = Use { span, text: text.clone(), ..before };
                carried.push(Carried { before, inside: var, name: text.clone() });
            }
            let inside = Val::grouped(&value.tree(), &mut inside.into_iter());
            scope.insert(text, Binding::Value(inside));
        }
        let counted = match &over {
            Over::Field(field) => {
                scope.insert(variable.to_string(), Binding::Each(*field));
                index.clone()
            }
            Over::Range(_) => Some(variable.clone()).filter(|name| name != "_"),
        };
        if let Some(index) = &counted {
            super::refuse_own_name(&index.to_string(), index.span(), self.errors);
            let text = index.to_string();
            if self.sizes.dims().contains(&text) {
                self.errors
                    .at(index, format!("`{text}` is a dim of an input: call what the loop counts otherwise"));
            }
            scope.insert(text, Binding::Number(None));
        }
        let range = match &over {
            Over::Field(field) => match &self.fields[*field].kind {
                FieldKind::Layers(_, len) | FieldKind::Submodels(_, len) => {
                    self.sizes.size(len).ok().map(|len| (Poly::constant(0), len))
                }
                _ => None,
            },
            Over::Range(_) => range,
        };
        let counted = counted.map(|name| Counter { name, range });
        let (steps, (), scope) = self.region(scope, |this| {
            this.statements(body);
            if let Some(tail) = &body.tail {
                let span = if let Value::Expr(expr) = tail { place_of(expr) } else { body.span.into() };
                this.errors.span(span, "the body of a loop has no value: assign it, as in `x = block(x);`");
            }
        });
        let mut results = Vec::new();
        let mut after = Vec::new();
        for (name, value) in before {
            let text = name.to_string();
            let last = assigned(body).into_iter().rfind(|other| **other == name);
            let span: Place = last.map_or(name.span(), Ident::span).into();
            let end = match scope.get(&text) {
                Some(Binding::Value(end)) => end.clone(),
                _ => Val::Broken,
            };
            let same = end.tree() == value.tree();
            match (value.flat(), end.flat()) {
                (Some(start), Some(end)) if same => {
                    results.extend(end.into_iter().map(|end| Use { span, text: text.clone(), ..end }));
                    let outputs = start.iter().map(|_| {
                        let var = self.fresh(text.clone());
                        Use { var: Some(var), span, text: text.clone() }
                    });
                    let outputs: Vec<Use> = outputs.collect();
                    after.extend(outputs.iter().filter_map(|output| output.var));
                    let value = Val::grouped(&value.tree(), &mut outputs.into_iter());
                    self.rebind(&name, value);
                }
                (start, end) => {
                    if start.is_some() && end.is_some() {
                        self.errors.span(span, format!("a loop keeps the tuples of `{text}` as they were"));
                    }
                    carried.retain(|carried| carried.name != text);
                    self.rebind(&name, Val::Broken);
                }
            }
        }
        let body = Region { steps, results };
        let span = variable.span();
        match over {
            Over::Field(field) if counted.is_none() => {
                self.step(Op::For { field, carried, body }, after, span)
            }
            over => self.step(Op::Repeat { over, index: counted, carried, body }, after, span),
        }
    }

    /// The numbers that a loop over a range counts, from the first to the one behind the last, if they are sizes.
    fn counted(&self, over: &Expr) -> Option<(Poly, Poly)> {
        let range = match over {
            Expr::Paren(inner) => return self.counted(&inner.expr),
            Expr::Range(range) => range,
            _ => return None,
        };
        let size = |bound: &Option<Box<Expr>>| bound.as_deref().and_then(|bound| self.sizes.size(bound).ok());
        let (start, end) = (size(&range.start)?, size(&range.end)?);
        match range.limits {
            RangeLimits::HalfOpen(_) => Some((start, end)),
            RangeLimits::Closed(_) => Some((start, end.plus(&Poly::constant(1))?)),
        }
    }

    /// The length of the array that `self.blocks.len()` asks for.
    fn length(&self, bound: &Expr) -> Option<String> {
        let Expr::MethodCall(call) = bound else { return None };
        let name = match &*call.receiver {
            Expr::Field(field) if is_self(&field.base) => super::expr::named(&field.member)?,
            Expr::Path(path) => path.path.get_ident()?,
            _ => return None,
        };
        match &self.fields[self.field(name)?].kind {
            FieldKind::Layers(_, len) | FieldKind::Submodels(_, len) if call.method == "len" => {
                Some(source(len))
            }
            _ => None,
        }
    }

    /// The array of layers or submodels, or the range, that a loop goes over.
    fn loop_over(&mut self, over: &Expr, index: Option<&Ident>) -> Option<Over> {
        let mut counts = false;
        let mut inner = over;
        loop {
            match inner {
                Expr::Reference(reference) => inner = &reference.expr,
                Expr::Paren(paren) => inner = &paren.expr,
                Expr::MethodCall(call) if call.method == "iter" && call.args.is_empty() => {
                    inner = &call.receiver
                }
                Expr::MethodCall(call) if call.method == "enumerate" && call.args.is_empty() => {
                    counts = true;
                    inner = &call.receiver;
                }
                _ => break,
            }
        }
        if let Expr::Range(range) = inner {
            if let Some(index) = index {
                self.errors.at(index, "a range counts already: write `for i in 0..4`");
                return None;
            }
            let bounds = [&range.start, &range.end];
            for bound in bounds {
                if let Some(len) = bound.as_deref().and_then(|bound| self.length(bound)) {
                    self.errors
                        .at(bound, format!("an array has the length that its field states: write `{len}`"));
                    return None;
                }
                match bound {
                    Some(bound) => drop(self.condition(bound)?),
                    None => {
                        self.errors.at(over, "a loop needs both bounds, as in `0..4`");
                        return None;
                    }
                }
            }
            return Some(Over::Range(self.substituted(range.to_token_stream())));
        }
        if counts != index.is_some() {
            let message = match counts {
                true => "`enumerate` gives two names: write `for (i, block) in ..`",
                false => "two names need `.iter().enumerate()`",
            };
            self.errors.at(over, message);
            return None;
        }
        let name = match inner {
            Expr::Field(field) if is_self(&field.base) => match &field.member {
                syn::Member::Named(name) => Some(name.to_string()),
                syn::Member::Unnamed(_) => None,
            },
            Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
            _ => None,
        };
        let found = name.as_ref().and_then(|name| self.places.get(name).copied());
        if let Some(field) = found {
            match self.fields[field].kind {
                FieldKind::Submodels(..) | FieldKind::Layers(..) => return Some(Over::Field(field)),
                FieldKind::Broken(_) => return None,
                _ => {}
            }
        }
        if let (Some(field), Some(name)) = (found, &name) {
            let what = if self.fields[field].layer().is_some() { "layer" } else { "field" };
            let message = match self.fields[field].kind {
                FieldKind::Layer(_) | FieldKind::Submodel(_) => {
                    format!("`{name}` is one {what}, not an array: call it, as in `x = {name}(x);`")
                }
                _ => format!("`{name}` is no array of layers or models"),
            };
            self.errors.at(over, message);
            return None;
        }
        let arrays: Vec<String> = self
            .fields
            .iter()
            .filter(|field| matches!(field.kind, FieldKind::Submodels(..) | FieldKind::Layers(..)))
            .map(|field| field.name.to_string())
            .collect();
        let meant = name.as_ref().and_then(|name| suggest(name, arrays.iter().map(String::as_str)));
        let listed: Vec<String> = arrays.iter().map(|name| format!("`self.{name}`")).collect();
        let hint = match (meant, arrays.is_empty()) {
            _ if matches!(over, Expr::Call(call) if source(&call.func) == "range") => {
                "write `for i in 0..3`".to_string()
            }
            (Some(meant), _) => format!("did you mean `self.{meant}`?"),
            (None, true) => "declare one, as in `blocks: [Block<D>; LAYERS]`".to_string(),
            (None, false) => format!("this model has {}", listed.join(", ")),
        };
        self.errors
            .at(over, format!("a loop goes over an array of layers or submodels, or over a range; {hint}"));
        None
    }
}
