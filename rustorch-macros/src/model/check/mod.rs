//! Shapes: every step by the rule of its operation, in order.
//!
//! A step whose operand has no shape, after an earlier mistake, is left alone. What the rules can
//! neither prove nor refute is collected as claims, which the generated code asserts.

mod branches;
mod counted;
mod equalities;
mod explain;
mod index;
mod pattern;
mod possible;
mod steps;

use super::errors::{Errors, Place};
use super::ir::{Body, Counter, Forward, Model, Op, Region, Shape, Use, Var};
use proc_macro2::TokenStream;
use quote::quote;
use rustorch_shape::args::Args;
use rustorch_shape::poly::Atom;
use rustorch_shape::{Claim, Dims, Poly, Relation, ShapeError, Size, Truth};
use std::collections::BTreeMap;

/// What checking has found out.
pub(super) struct Checked {
    /// The shape of every tensor; `None` after a mistake.
    pub shapes: Vec<Option<Shape>>,
    /// The arguments of every layer, the inferred ones filled in.
    pub layers: Vec<Option<Args>>,
    /// What remains to be asserted.
    pub claims: Vec<Located>,
}

/// A claim, and where it comes from.
pub(super) struct Located {
    pub claim: Claim,
    /// What is wrong if it is.
    pub message: String,
    pub span: Place,
    /// It matters only where this holds.
    pub guard: Option<TokenStream>,
}

/// Checks the shapes of a model.
pub(super) fn check(model: &Model, errors: &mut Errors) -> Checked {
    let layers = model.fields.iter().map(|field| field.layer().map(|layer| layer.call.args.clone()));
    let mut checker = Checker {
        model,
        errors,
        layers: layers.collect(),
        used: vec![false; model.fields.len()],
        shapes: Vec::new(),
        how: Vec::new(),
        texts: Vec::new(),
        claims: Vec::new(),
        guards: Vec::new(),
        applied: BTreeMap::new(),
        refuted: None,
        counters: Vec::new(),
    };
    checker.declared_sizes();
    if let Some(forward) = &model.forward
        && let Some(body) = &forward.body
    {
        checker.forward(forward, body);
        checker.unused_layers();
    }
    Checked { shapes: checker.shapes, layers: checker.layers, claims: checker.claims }
}

pub(super) struct Checker<'a> {
    model: &'a Model,
    errors: &'a mut Errors,
    /// By field; `None` after a mistake in the layer.
    layers: Vec<Option<Args>>,
    used: Vec<bool>,
    shapes: Vec<Option<Shape>>,
    /// For every tensor and axis, how its size came about.
    how: Vec<Vec<Option<String>>>,
    texts: Vec<String>,
    claims: Vec<Located>,
    /// The conditions of the branches around the current step.
    guards: Vec<TokenStream>,
    /// By name, the last calls outside branches.
    applied: BTreeMap<&'static str, Vec<Applied>>,
    /// The last operation that a condition refuted.
    refuted: Option<String>,
    /// What the loops around it count.
    counters: Vec<Counter>,
}

/// A call of a layer or function whose claims are known. Large models make the same calls in every block.
struct Applied {
    args: Args,
    inputs: Vec<Shape>,
    outputs: Vec<Shape>,
}

impl Checker<'_> {
    fn forward(&mut self, forward: &Forward, body: &Body) {
        self.texts = body.vars.iter().map(|var| var.text.clone()).collect();
        self.shapes = vec![None; body.vars.len()];
        self.how = vec![Vec::new(); body.vars.len()];
        for (var, input) in forward.inputs.iter().enumerate() {
            self.set(var, input.shape.clone(), Vec::new());
        }
        self.region(&body.region);
        if body.region.results.is_empty() {
            return;
        }
        let (declared, given) = (forward.outputs.len(), body.region.results.len());
        if declared != given {
            let span = body.region.results[0].span;
            let message = wrong_count(declared, &body.region);
            self.errors.span(span, message);
            return;
        }
        for (output, result) in forward.outputs.iter().zip(&body.region.results) {
            if let Some(shape) = &output.shape {
                self.agree(result, shape, result.span, "the output is declared as");
            }
        }
    }

    fn region(&mut self, region: &Region) {
        for step in &region.steps {
            self.step(step);
        }
    }

    /// Checks that a tensor has a shape that was written down; whether it has.
    fn agree(&mut self, value: &Use, stated: &[Poly], span: Place, says: &str) -> bool {
        let Some((var, shape)) = self.known(value) else { return false };
        let head = format!("{says} {}, but `{}` is {}", Dims(stated), self.text(value), Dims(&shape));
        if stated.len() != shape.len() {
            self.errors.span(span, format!("{head}: rank {}, not {}", shape.len(), stated.len()));
            return false;
        }
        for (axis, (found, wanted)) in shape.iter().zip(stated).enumerate() {
            let message = || {
                let mut message = format!("{head}: axis {axis} is {found}, not {wanted}");
                if let (Some(Atom::Dim(name)), Some(_)) = (found.as_name(), wanted.as_constant()) {
                    message = format!("{message}\n`{name}` is a size known only at run time");
                }
                if let Some(how) = self.how[var].get(axis).cloned().flatten() {
                    message = format!("{message}\n{how}");
                }
                message
            };
            match found.holds(Relation::Equal, wanted) {
                Truth::True => {}
                Truth::False => {
                    let message = message();
                    self.errors.span(span, message);
                    return false;
                }
                Truth::Unknown => {
                    let message = message();
                    self.claim(found, Relation::Equal, wanted, message, span);
                }
            }
        }
        true
    }

    /// Layers whose size is to be inferred, but which nothing is applied to.
    fn unused_layers(&mut self) {
        for (position, field) in self.model.fields.iter().enumerate() {
            let (Some(layer), Some(args)) = (field.layer(), &self.layers[position]) else { continue };
            let missing = layer.inferred().filter(|arg| args.get(arg.name).is_none());
            if let (false, Some(arg), true) = (self.used[position], missing, self.errors.is_empty()) {
                let message = format!(
                    "`{}` is never used, so its `{}` cannot be inferred: use it in `forward`, or leave it out",
                    field.name, arg.name
                );
                self.errors.at(&field.name, message);
            }
        }
    }

    fn set(&mut self, var: Var, shape: Option<Shape>, mut how: Vec<Option<String>>) {
        how.resize(shape.as_ref().map_or(0, Vec::len), None);
        self.shapes[var] = shape;
        self.how[var] = how;
    }

    /// The number and shape of a tensor, unless there was a mistake before.
    fn known(&self, value: &Use) -> Option<(Var, Shape)> {
        let var = value.var?;
        Some((var, self.shapes[var].clone()?))
    }

    /// The expression that made a tensor, or its name where that says no more.
    fn text(&self, value: &Use) -> String {
        value.var.map_or_else(|| value.text.clone(), |var| self.texts[var].clone())
    }

    /// The shapes that a rule gives, and what it claims beyond what it claimed before.
    fn apply(
        &mut self,
        name: &'static str,
        args: &Args,
        inputs: &[&[Poly]],
        rule: impl FnOnce(&mut Vec<Claim>) -> Result<Vec<Shape>, ShapeError>,
    ) -> Result<(Vec<Shape>, Vec<Claim>), ShapeError> {
        /// Calls of one name that are compared, the oldest of which goes if there is another.
        const MOST: usize = 8;
        let mut claims = Vec::new();
        if !self.guards.is_empty() {
            return Ok((rule(&mut claims)?, claims));
        }
        let known = self.applied.entry(name).or_default();
        let is_same = |call: &&Applied| {
            call.args == *args
                && call.inputs.len() == inputs.len()
                && call.inputs.iter().zip(inputs).all(|(known, input)| known[..] == **input)
        };
        if let Some(call) = known.iter().rfind(is_same) {
            return Ok((call.outputs.clone(), claims));
        }
        let outputs = rule(&mut claims)?;
        if known.len() == MOST {
            known.remove(0);
        }
        let inputs = inputs.iter().map(|shape| shape.to_vec()).collect();
        known.push(Applied { args: args.clone(), inputs, outputs: outputs.clone() });
        Ok((outputs, claims))
    }

    fn claim(&mut self, left: &Poly, relation: Relation, right: &Poly, message: String, span: Place) {
        let claim = Claim {
            left: left.clone(),
            relation,
            right: right.clone(),
            otherwise: ShapeError::input("forward", 0, message.clone()),
        };
        self.locate(claim, message, span);
    }

    fn locate(&mut self, claim: Claim, message: String, span: Place) {
        let guards = &self.guards;
        // What a condition says of sizes may decide it: `IN == OUT`.
        let known = equalities::of(guards.iter());
        if let (Some(left), Some(right)) = (known.apply(&claim.left), known.apply(&claim.right)) {
            match left.holds(claim.relation, &right) {
                Truth::True => return,
                Truth::False if !guards.is_empty() => {
                    let message = format!("{message}\n{left} is not {right} where {}", known);
                    return self.refute(&message, span);
                }
                Truth::False | Truth::Unknown => {}
            }
        }
        self.assert(claim, message, span);
    }

    /// Leaves a claim to the compiler, once.
    fn assert(&mut self, claim: Claim, message: String, span: Place) {
        let guards = &self.guards;
        let guard = (!guards.is_empty()).then(|| quote!(#((#guards))&&*));
        let known = |other: &Located| {
            let sides = (&other.claim.left, &other.claim.right);
            let swapped = claim.relation == Relation::Equal && sides == (&claim.right, &claim.left);
            let guards = [&other.guard, &guard].map(|guard| guard.as_ref().map(ToString::to_string));
            guards[0] == guards[1]
                && other.claim.relation == claim.relation
                && (sides == (&claim.left, &claim.right) || swapped)
        };
        if !self.claims.iter().any(known) {
            self.claims.push(Located { claim, message, span, guard });
        }
    }
}

impl Checker<'_> {
    /// Reports what a condition refutes: once for an operation, whatever the number of its axes.
    fn refute(&mut self, message: &str, span: Place) {
        let what = message.lines().next().unwrap_or_default();
        let operation = what.split(": axis").next().unwrap_or_default().to_string();
        if self.refuted.replace(operation.clone()) != Some(operation) {
            self.errors.span(span, message);
        }
    }
}

/// The forward pass gives another number of tensors than it declares.
fn wrong_count(declared: usize, body: &Region) -> String {
    let results = &body.results;
    let given = results.len();
    let message = match (declared, given) {
        (1, given) => format!("the forward pass is declared to give one tensor, but gives {given}"),
        (declared, 1) => format!("the forward pass is declared to give {declared} tensors, but gives one"),
        _ => format!("the forward pass is declared to give {declared} tensors, but gives {given}"),
    };
    let vars: Option<Vec<Var>> = results.iter().map(|result| result.var).collect();
    let call = vars.and_then(|vars| body.steps.iter().find(|step| step.results == vars));
    if let (1, Some(step)) = (declared, call) {
        // `lstm(x)` is `(y, (h, c))`.
        let parts = if matches!(step.op, Op::LayerCall { .. }) && given == 3 { 2 } else { given };
        let (text, rest) = (&results[0].text, ", _".repeat(parts - 1));
        return format!("{message}: take `{text}` apart with `let (y{rest}) = {text};`");
    }
    message
}
