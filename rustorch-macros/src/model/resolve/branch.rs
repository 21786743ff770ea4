//! `if` and `match`: what the arms give, and what they replace.

use super::super::ast::{Block, Branch, BranchKind, Condition as Written};
use super::super::errors::{Place, place_of, source};
use super::super::ir::{Choice, Condition, FieldKind, Op, Region, Tree, Use, Var};
use super::body::{Binding, Resolver, Target, is_self};
use super::value::Val;
use quote::ToTokens;
use std::collections::BTreeMap;
use syn::visit::Visit;
use syn::{Expr, Ident, UnOp};

/// What an arm leaves behind: its value, then the names that it replaced.
struct Outcome {
    region: Region,
    trees: Vec<Tree>,
}

/// What the arms of a branch have in common.
struct Frame<'f> {
    replaced: &'f [(Ident, Val)],
    target: Option<Target>,
    wants_value: bool,
    span: Place,
}

impl Resolver<'_> {
    /// The value of a branch, if one is wanted; names that its arms assign to are replaced.
    pub fn branch(&mut self, branch: &Branch, target: Option<Target>, wants_value: bool) -> Val {
        let replaced = self.replaced(branch.arms.iter().chain(branch.otherwise.as_deref()));
        let frame = Frame { replaced: &replaced, target, wants_value, span: branch.span.into() };
        let values = match &branch.kind {
            BranchKind::If(conditions) => {
                if wants_value && branch.otherwise.is_none() {
                    self.errors.span(
                        branch.span,
                        "this `if` is a value, which it needs in both cases: add `else { .. }`",
                    );
                    None
                } else {
                    self.chain(conditions, &branch.arms, branch.otherwise.as_deref(), &frame)
                }
            }
            BranchKind::Match(subject, patterns) => self.matching(subject, patterns, &branch.arms, &frame),
        };
        let Some(values) = values else {
            for (name, _) in &replaced {
                self.rebind(name, Val::Broken);
            }
            return Val::Broken;
        };
        let mut values = values.into_iter();
        let result = if wants_value { values.next().unwrap_or(Val::Broken) } else { Val::Broken };
        for ((name, _), value) in replaced.iter().zip(values) {
            self.rebind(name, value);
        }
        result
    }

    /// `if a { .. } else if b { .. } else { .. }`: one choice inside the other.
    fn chain(
        &mut self,
        conditions: &[Written],
        arms: &[Block],
        otherwise: Option<&Block>,
        frame: &Frame<'_>,
    ) -> Option<Vec<Val>> {
        let (first, rest) = conditions.split_first()?;
        let (arm, arms) = arms.split_first()?;
        let mut scope = scope_of(frame);
        let mut training = None;
        let choice = match first {
            Written::Expr(expr) => {
                training = is_training(expr);
                if training.is_some() { None } else { self.condition(expr).map(Choice::If) }
            }
            Written::Present(name, expr) => self.optional_field(expr).map(|field| {
                scope.insert(name.to_string(), Binding::Each(field));
                Choice::Present(field)
            }),
        };
        let then = self.arm(scope, frame, |this| this.arm_value(arm, frame));
        let scope = scope_of(frame);
        let otherwise = match (rest.is_empty(), otherwise) {
            (false, _) => self.arm(scope, frame, |this| {
                let values = this.chain(rest, arms, otherwise, frame)?;
                let mut values = values.into_iter();
                let value = if frame.wants_value { values.next() } else { None };
                for ((name, _), value) in frame.replaced.iter().zip(values) {
                    this.rebind(name, value);
                }
                Some(value)
            }),
            (true, Some(block)) => self.arm(scope, frame, |this| this.arm_value(block, frame)),
            (true, None) => self.arm(scope, frame, |_| Some(None)),
        };
        let (then, otherwise) = (then?, otherwise?);
        let text = match first {
            Written::Expr(expr) => format!("if {} {{ .. }} else {{ .. }}", source(expr)),
            Written::Present(name, expr) => {
                format!("if let Some({name}) = {} {{ .. }} else {{ .. }}", source(expr))
            }
        };
        let span = match first {
            Written::Expr(expr) | Written::Present(_, expr) => place_of(expr),
        };
        let trees = self.agreed(&[&then, &otherwise], span)?;
        let (vars, values) = self.outputs(&trees, &text, span);
        let op = match (training, choice) {
            (Some(true), _) => Op::If { then: then.region, otherwise: otherwise.region },
            (Some(false), _) => Op::If { then: otherwise.region, otherwise: then.region },
            (None, Some(choice)) => Op::Choose { choice, then: then.region, otherwise: otherwise.region },
            (None, None) => return None,
        };
        self.step(op, vars, span);
        Some(values)
    }

    fn matching(
        &mut self,
        subject: &Expr,
        patterns: &[proc_macro2::TokenStream],
        arms: &[Block],
        frame: &Frame<'_>,
    ) -> Option<Vec<Val>> {
        let condition = self.condition(subject);
        let outcomes: Vec<Option<Outcome>> = arms
            .iter()
            .map(|arm| self.arm(scope_of(frame), frame, |this| this.arm_value(arm, frame)))
            .collect();
        let outcomes: Vec<Outcome> = outcomes.into_iter().collect::<Option<_>>()?;
        let span = place_of(subject);
        let trees = self.agreed(&outcomes.iter().collect::<Vec<_>>(), span)?;
        let text = format!("match {} {{ .. }}", source(subject));
        let (vars, values) = self.outputs(&trees, &text, span);
        let arms = outcomes.into_iter().map(|outcome| outcome.region).collect();
        self.step(Op::Match { subject: condition?, patterns: patterns.to_vec(), arms }, vars, span);
        Some(values)
    }

    /// The value of an arm, where one is wanted.
    fn arm_value(&mut self, block: &Block, frame: &Frame<'_>) -> Option<Option<Val>> {
        if frame.wants_value {
            return match self.block(block, frame.target.clone()) {
                Val::Broken => None,
                value => Some(Some(value)),
            };
        }
        self.statements(block);
        if block.tail.is_some() {
            self.errors.span(block.span, "the value of this block is dropped: bind the whole `if` or `match` with `let`, or assign to a name");
            return None;
        }
        Some(None)
    }

    /// Runs an arm in a region of its own; `None` after a mistake.
    fn arm(
        &mut self,
        scope: BTreeMap<String, Binding>,
        frame: &Frame<'_>,
        inner: impl FnOnce(&mut Self) -> Option<Option<Val>>,
    ) -> Option<Outcome> {
        let (steps, value, scope) = self.region(scope, inner);
        let mut values: Vec<Val> = value?.into_iter().collect();
        for (name, _) in frame.replaced {
            match scope.get(&name.to_string()) {
                Some(Binding::Value(value)) => values.push(value.clone()),
                _ => values.push(Val::Broken),
            }
        }
        let trees = values.iter().map(Val::tree).collect();
        let flat: Option<Vec<Vec<Use>>> = values.iter().map(Val::flat).collect();
        let mut results: Vec<Use> = flat?.into_iter().flatten().collect();
        // Messages about what was replaced point at the branch, not at where the tensor came from.
        let own = usize::from(frame.wants_value);
        let first = values.iter().take(own).map(|value| value.tree().count()).sum::<usize>();
        for result in results.iter_mut().skip(first) {
            result.span = frame.span;
        }
        Some(Outcome { region: Region { steps, results }, trees })
    }

    /// How the results of all arms are grouped, if they agree.
    fn agreed(&mut self, outcomes: &[&Outcome], span: Place) -> Option<Vec<Tree>> {
        let (first, rest) = outcomes.split_first()?;
        for other in rest {
            if other.trees != first.trees {
                let count = |outcome: &Outcome| outcome.trees.iter().map(Tree::count).sum::<usize>();
                let message =
                    format!("the cases differ: one gives {} tensors, another {}", count(first), count(other));
                self.errors.span(span, message);
                return None;
            }
        }
        Some(first.trees.clone())
    }

    /// New tensors for the results of a branch.
    fn outputs(&mut self, trees: &[Tree], text: &str, span: Place) -> (Vec<Var>, Vec<Val>) {
        let mut vars = Vec::new();
        let values = trees.iter().map(|tree| {
            let uses: Vec<Use> = (0..tree.count())
                .map(|_| {
                    let var = self.fresh(text.to_string());
                    vars.push(var);
                    Use { var: Some(var), span, text: text.to_string() }
                })
                .collect();
            Val::grouped(tree, &mut uses.into_iter())
        });
        let values = values.collect();
        (vars, values)
    }

    /// The optional field that an `if let` asks for.
    fn optional_field(&mut self, expr: &Expr) -> Option<usize> {
        let mut inner = expr;
        while let Expr::Reference(reference) = inner {
            inner = &reference.expr;
        }
        let name = match inner {
            Expr::Field(field) if is_self(&field.base) => match &field.member {
                syn::Member::Named(name) => Some(name.to_string()),
                syn::Member::Unnamed(_) => None,
            },
            Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
            _ => None,
        };
        let found = name.and_then(|name| self.places.get(&name).copied());
        match found {
            Some(field) if self.fields[field].is_optional() => Some(field),
            Some(field) if matches!(self.fields[field].kind, FieldKind::Broken(_)) => None,
            Some(field) => {
                let name = &self.fields[field].name;
                self.errors.at(expr, format!("`{name}` is always there: only a field that is declared as `Option<..>` may be missing"));
                None
            }
            None => {
                self.errors.at(expr, format!("there is no optional field `{}`: declare one, as in `down: Option<Conv2d>(64, 128, kernel = 1) if IN != OUT`", source(expr)));
                None
            }
        }
    }

    /// An expression of const parameters and of sizes known at run time.
    pub fn condition(&mut self, expr: &Expr) -> Option<Condition> {
        if let Some(message) = mistaken_training(expr) {
            self.errors.at(expr, message);
            return None;
        }
        if let Some(assigned) = assignment(expr) {
            let [left, right] = [&assigned.left, &assigned.right].map(|side| source(&**side));
            self.errors.at(assigned, format!("`=` gives a value: compare by `{left} == {right}`"));
            return None;
        }
        let mut names = Names::default();
        names.visit_expr(expr);
        let mut is_const = true;
        for name in names.found {
            let text = name.to_string();
            let message = match self.lookup(&text) {
                Some(Binding::Number(number)) => {
                    is_const &= number.is_some_and(|number| number.is_const);
                    continue;
                }
                Some(_) => format!(
                    "a forward pass may depend on `self.training`, on const parameters and on sizes, not on the values of `{text}`"
                ),
                None if text == "self" => format!(
                    "a forward pass may depend on `self.training`, on const parameters and on sizes, not on `{}`",
                    source(expr)
                ),
                None if self.sizes.dims().contains(&text) => {
                    is_const = false;
                    continue;
                }
                None if self.sizes.is_dim_name(&text) => {
                    format!("`{text}` is no const parameter, no constant and no dim of an input")
                }
                None => continue,
            };
            self.errors.at(&name, message);
            return None;
        }
        Some(Condition { tokens: self.substituted(expr.to_token_stream()), is_const })
    }
}

/// The names that an expression uses as values.
#[derive(Default)]
struct Names {
    found: Vec<Ident>,
}

impl Visit<'_> for Names {
    fn visit_expr_path(&mut self, path: &syn::ExprPath) {
        self.found.extend(path.path.get_ident().cloned());
    }
}

fn scope_of(frame: &Frame<'_>) -> BTreeMap<String, Binding> {
    let entry = |(name, value): &(Ident, Val)| (name.to_string(), Binding::Value(value.clone()));
    frame.replaced.iter().map(entry).collect()
}

/// `STRIDE = 1` where a comparison was meant.
fn assignment(expr: &Expr) -> Option<&syn::ExprAssign> {
    match expr {
        Expr::Assign(assign) => Some(assign),
        Expr::Paren(inner) => assignment(&inner.expr),
        Expr::Binary(binary) => assignment(&binary.left).or_else(|| assignment(&binary.right)),
        _ => None,
    }
}

/// What looks like `self.training`, but is not.
fn mistaken_training(expr: &Expr) -> Option<String> {
    let is_meant = |name: &Ident| {
        ["training", "train", "is_training", "eval", "is_train"].iter().any(|other| name == other)
    };
    let name = match expr {
        Expr::Unary(unary) => return mistaken_training(&unary.expr),
        Expr::Paren(inner) => return mistaken_training(&inner.expr),
        Expr::Field(field) if is_self(&field.base) => super::expr::named(&field.member),
        Expr::MethodCall(call) if is_self(&call.receiver) => Some(&call.method),
        Expr::Path(path) => path.path.get_ident(),
        _ => None,
    }?;
    is_meant(name).then(|| format!("there is no `{}`: write `self.training`", source(expr)))
}

/// `self.training`, or its opposite.
fn is_training(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Paren(inner) => is_training(&inner.expr),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => is_training(&unary.expr).map(|is| !is),
        Expr::Field(field) if is_self(&field.base) => {
            matches!(&field.member, syn::Member::Named(name) if name == "training").then_some(true)
        }
        _ => None,
    }
}
