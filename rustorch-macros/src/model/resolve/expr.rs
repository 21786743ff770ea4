//! Expressions: what names and members stand for, and what is no expression of a forward pass.

use super::super::errors::{Place, place_of, source};
use super::super::ir::{FieldKind, Op, Tree, Use};
use super::body::{Binding, Resolver, Target, is_self};
use super::pattern;
use super::value::Val;
use rustorch_shape::suggest;
use syn::{Expr, Ident, Member, UnOp};

impl Resolver<'_> {
    /// What an expression stands for.
    pub(super) fn expr(&mut self, expr: &Expr, target: Option<Target>) -> Val {
        match expr {
            Expr::Paren(inner) => self.expr(&inner.expr, target),
            Expr::Group(inner) => self.expr(&inner.expr, target),
            Expr::Reference(inner) => self.expr(&inner.expr, target),
            Expr::Tuple(tuple) if !tuple.elems.is_empty() => {
                Val::Tuple(tuple.elems.iter().map(|element| self.expr(element, None)).collect())
            }
            Expr::Path(path) => self.name(expr, path),
            Expr::Field(field) => self.member(field, expr),
            Expr::Call(call) => self.call(call, expr, target),
            Expr::MethodCall(call) => self.method(call, expr, target),
            Expr::Binary(binary) => self.binary(binary, expr),
            Expr::Index(index) => self.index(index, expr),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
                let input = self.single(&unary.expr, None);
                self.result(Op::Negate { input }, expr)
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => {
                let input = self.single(&unary.expr, None);
                self.apply_spec("logical_not", vec![input], None, expr)
            }
            Expr::Macro(call) if call.mac.path.segments.last().is_some_and(|last| last.ident == "einsum") => {
                self.einsum(&call.mac, expr)
            }
            Expr::Macro(call) if pattern::operation(&call.mac).is_some() => self.pattern(&call.mac, expr),
            // What is wrong with the tensor comes first.
            Expr::Cast(cast) if self.single(&cast.expr, None).var.is_none() => Val::Broken,
            _ => {
                self.errors.at(expr, refusal(expr));
                Val::Broken
            }
        }
    }

    fn name(&mut self, expr: &Expr, path: &syn::ExprPath) -> Val {
        let Some(name) = path.path.get_ident() else {
            self.errors.at(expr, refusal(expr));
            return Val::Broken;
        };
        match self.lookup(&name.to_string()) {
            Some(Binding::Value(Val::Tensor(mut value))) => {
                value.text = match value.var.filter(|_| self.is_sequential) {
                    Some(var) => self.vars[var].text.clone(),
                    None => name.to_string(),
                };
                value.span = name.span().into();
                Val::Tensor(value)
            }
            Some(Binding::Value(value)) => value,
            Some(Binding::Each(_)) => {
                self.errors.at(name, format!("`{name}` is a layer or model: call it, as in `{name}(x)`"));
                Val::Broken
            }
            Some(Binding::Number(_)) => {
                self.errors.at(name, format!("`{name}` is a number, but a tensor is needed here"));
                Val::Broken
            }
            None => match self.field(name) {
                Some(field) if matches!(self.fields[field].kind, FieldKind::Tensor(_)) => {
                    self.result(Op::State { field, entry: None }, expr)
                }
                Some(field) if matches!(self.fields[field].kind, FieldKind::Broken(_)) => Val::Broken,
                Some(_) => {
                    self.errors.at(name, format!("`{name}` is a layer: call it, as in `{name}(x)`"));
                    Val::Broken
                }
                None => {
                    self.unknown(name);
                    Val::Broken
                }
            },
        }
    }

    /// `self.scale`, `embed.weight`, `self.embed.weight`, `state.0`.
    fn member(&mut self, field: &syn::ExprField, whole: &Expr) -> Val {
        if let (true, Some(name)) = (is_self(&field.base), named(&field.member)) {
            return match self.field(name) {
                Some(position) if matches!(self.fields[position].kind, FieldKind::Tensor(_)) => {
                    self.result(Op::State { field: position, entry: None }, whole)
                }
                Some(position) if matches!(self.fields[position].kind, FieldKind::Broken(_)) => Val::Broken,
                Some(_) => {
                    self.errors.at(whole, refusal(whole));
                    Val::Broken
                }
                None if name == "training" => {
                    self.errors.at(
                        whole,
                        "`self.training` is no tensor: write `if self.training { .. } else { .. }`",
                    );
                    Val::Broken
                }
                None => {
                    let fields: Vec<String> =
                        self.fields.iter().map(|field| field.name.to_string()).collect();
                    let hint = suggest(&name.to_string(), fields.iter().map(String::as_str))
                        .map_or(String::new(), |meant| format!("; did you mean `self.{meant}`?"));
                    self.errors.at(name, format!("the model has no field `{name}`{hint}"));
                    Val::Broken
                }
            };
        }
        if let Member::Unnamed(index) = &field.member {
            return match self.expr(&field.base, None) {
                Val::Tuple(mut parts) if (index.index as usize) < parts.len() => {
                    parts.swap_remove(index.index as usize)
                }
                Val::Broken => Val::Broken,
                other => {
                    let count = if let Val::Tuple(parts) = other { parts.len() } else { 1 };
                    let message = format!(
                        "`{}` has {count} parts, so there is no `.{}`",
                        source(&field.base),
                        index.index
                    );
                    self.errors.at(whole, message);
                    Val::Broken
                }
            };
        }
        let layer = match &*field.base {
            Expr::Path(path) => path.path.get_ident(),
            Expr::Field(inner) if is_self(&inner.base) => named(&inner.member),
            _ => None,
        };
        let found = layer.and_then(|layer| self.field(layer));
        match (found, named(&field.member)) {
            (Some(position), Some(entry)) if matches!(self.fields[position].kind, FieldKind::Layer(_)) => {
                if self.fields[position].is_optional() {
                    let name = &self.fields[position].name;
                    self.errors
                        .at(whole, format!("`{name}` may be missing, so its parameters cannot be used here"));
                    return Val::Broken;
                }
                self.result(Op::State { field: position, entry: Some(entry.to_string()) }, whole)
            }
            (Some(position), _) if matches!(self.fields[position].kind, FieldKind::Broken(_)) => Val::Broken,
            _ => {
                self.errors.at(whole, refusal(whole));
                Val::Broken
            }
        }
    }

    pub(super) fn field(&self, name: &Ident) -> Option<usize> {
        self.places.get(&name.to_string()).copied()
    }

    /// A step with one result.
    pub(super) fn result(&mut self, op: Op, whole: &Expr) -> Val {
        self.results(op, &Tree::One, whole)
    }

    /// A step with results that are grouped like this.
    pub(super) fn results(&mut self, op: Op, tree: &Tree, whole: &Expr) -> Val {
        let (text, span): (String, Place) = (source(whole), place_of(whole));
        let vars: Vec<usize> = (0..tree.count()).map(|_| self.fresh(text.clone())).collect();
        self.step(op, vars.clone(), span);
        let mut uses = vars.into_iter().map(|var| Use { var: Some(var), span, text: text.clone() });
        Val::grouped(tree, &mut uses)
    }
}

pub(super) fn named(member: &Member) -> Option<&Ident> {
    match member {
        Member::Named(name) => Some(name),
        Member::Unnamed(_) => None,
    }
}

/// What to write instead of an expression that a forward pass does not have.
fn refusal(expr: &Expr) -> String {
    let text = source(expr);
    match expr {
        Expr::Lit(lit) if matches!(lit.lit, syn::Lit::Str(_)) => format!("`{text}` is no tensor and no number"),
        Expr::Cast(cast) => format!(
            "`as` is for numbers: a tensor keeps its dtype in a forward pass; write `{}`",
            source(&*cast.expr)
        ),
        Expr::Lit(_) => format!("`{text}` is a number, but a tensor is needed here"),
        Expr::Macro(call) if call.mac.path.is_ident("fuse") => {
            "leave out `fuse!`: write the expression itself, whose elementwise operations become one loop in a forward pass anyway".into()
        }
        Expr::Macro(call) => format!("`{}!` cannot be used in a forward pass; `einsum!`, `rearrange!`, `reduce!` and `repeat!` can", source(&call.mac.path)),
        Expr::Closure(_) => "closures cannot be used in a forward pass: write the steps out".into(),
        Expr::Match(_) => "bind this with `let` first: `let y = match KIND { .. };`".into(),
        Expr::If(_) => "bind this with `let` first: `let y = if self.training { .. } else { .. };`".into(),
        Expr::Block(_) => "leave out the braces: write the steps before this, one `let` each".into(),
        Expr::Return(_) => "leave out `return`: the last expression is the output".into(),
        Expr::Assign(_) => "an assignment is a statement of its own: `x = ..;`".into(),
        Expr::Array(_) => format!("`{text}` is a list, but a tensor is needed here: `stack([a, b], 0)` and `cat([a, b], 0)` join tensors"),
        Expr::Field(field) if named(&field.member).is_some_and(|name| of_a_tensor(name).is_some()) => {
            let hint = named(&field.member).and_then(of_a_tensor).unwrap_or_default();
            format!("`{text}` cannot be used in a forward pass: {hint}")
        }
        Expr::Field(field) if is_self(&field.base) => format!("`{text}` is a layer: call it, as in `{}(x)`", source(&field.member)),
        Expr::Try(_) => "leave out `?`: the shapes have been checked, and errors of the device are passed on by `try_forward`".into(),
        Expr::Tuple(_) => "this is nothing, but a tensor is needed here".into(),
        _ => format!("`{text}` cannot be used in a forward pass, which consists of layers, functions, operators and `let`"),
    }
}

/// What to write instead of a tensor's attribute in Python.
fn of_a_tensor(name: &Ident) -> Option<&'static str> {
    Some(match name.to_string().as_str() {
        "shape" | "ndim" => super::calls::SIZES,
        "T" => "write `transpose(x, 0, 1)`",
        "mT" | "H" | "mH" => "write `transpose(x, -2, -1)`",
        "data" => "write `detach(x)`",
        "values" => {
            "leave it out: `max` and `min` give the values, `argmax` and `argmin` where they stand; `sort` and `topk` give both, `let (values, places) = ..`"
        }
        "indices" => {
            "`argmax` and `argmin` give where values stand; `sort` and `topk` give both, `let (values, places) = ..`"
        }
        "device" | "dtype" | "requires_grad" | "grad" => {
            "tensors made in a forward pass are like those that they are made from, as by `zeros_like(x)`"
        }
        _ => return None,
    })
}
