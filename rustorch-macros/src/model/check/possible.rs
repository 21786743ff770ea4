//! Sizes that are none for some const parameters: differences below 0, divisions by 0, windows of no extent.
//!
//! What the rules prove holds for names that are at least 1, as most sizes are. Where 0 would do harm, it is asserted.

use super::super::errors::{Place, place_of};
use super::super::ir::{Call, FieldKind, Presence};
use super::Checker;
use rustorch_shape::args::{Args, POSITIVE, Value};
use rustorch_shape::{Claim, Poly, Relation, ShapeError, Size, Truth};

impl Checker<'_> {
    /// Asserts that the sizes that a model writes outside of its steps are sizes.
    pub(super) fn declared_sizes(&mut self) {
        let model = self.model;
        for field in &model.fields {
            let depth = self.guards.len();
            if let Presence::Optional(Some(condition)) = &field.presence {
                self.guards.push(condition.clone());
            }
            let subject = format!("`{}`", field.label);
            if let Some(layer) = field.layer() {
                self.sizes_of(&layer.call.args, &layer.call, &subject, layer.span);
            } else if let FieldKind::Tensor(tensor) = &field.kind {
                tensor.shape.iter().for_each(|size| self.possible(size, &subject, place_of(&field.name)));
            }
            self.guards.truncate(depth);
        }
        let Some(forward) = &model.forward else { return };
        for input in &forward.inputs {
            let (subject, span) = (format!("`{}`", input.name), place_of(&input.name));
            input.shape.iter().flatten().for_each(|size| self.possible(size, &subject, span));
        }
        let span = Place::from(forward.span);
        for size in forward.outputs.iter().filter_map(|output| output.shape.as_ref()).flatten() {
            self.possible(size, "the output", span);
        }
    }

    /// The same of the arguments of a call.
    pub(super) fn sizes_of(&mut self, args: &Args, call: &Call, subject: &str, span: Place) {
        for (name, value) in args.values() {
            let span = call.span(name).unwrap_or(span);
            let sizes: Vec<&Poly> = match value {
                Value::Size(size) => vec![size],
                Value::Sizes(sizes) => sizes.iter().collect(),
                Value::Target(sizes) => sizes.iter().flatten().collect(),
                _ => continue,
            };
            for size in sizes {
                self.possible(size, subject, span);
                if POSITIVE.contains(&name) {
                    let message = format!("{subject}: {name} is {size}, but must be at least 1");
                    self.at_least(size, &Poly::constant(1), message, span);
                }
            }
        }
    }

    /// Asserts that a size is not negative and divides by nothing that is 0.
    fn possible(&mut self, size: &Poly, subject: &str, span: Place) {
        // Most are a number or a name.
        if size.as_integer().is_some() || size.as_name().is_some() {
            return;
        }
        for (numerator, denominator) in size.quotients() {
            self.not_negative(numerator, subject, span);
            let message = format!("{subject}: `{size}` divides by {denominator}");
            self.at_least(denominator, &Poly::constant(1), message, span);
        }
        self.not_negative(size, subject, span);
    }

    fn not_negative(&mut self, size: &Poly, subject: &str, span: Place) {
        let (added, taken) = size.halves();
        if taken.as_integer() != Some(0) {
            let message = format!("{subject}: `{size}` is a size, which cannot be negative");
            self.at_least(&added, &taken, message, span);
        }
    }

    /// Run-time dims have their sizes looked at when the model runs.
    fn at_least(&mut self, left: &Poly, right: &Poly, message: String, span: Place) {
        let is_fixed = left.dims().is_empty() && right.dims().is_empty();
        let is_known = left.as_integer().is_some() && right.as_integer().is_some();
        if !is_fixed || (is_known && left.holds(Relation::AtLeast, right) == Truth::True) {
            return;
        }
        let claim = Claim {
            left: left.clone(),
            relation: Relation::AtLeast,
            right: right.clone(),
            otherwise: ShapeError::input("forward", 0, message.clone()),
        };
        self.assert(claim, message, span);
    }
}
