//! Indices, and the parameters of layers as tensors.

use super::super::errors::Place;
use super::super::ir::{Bound, Component, ComponentKind, FieldKind, Shape, Step, Use, Var};
use super::{Checker, counted};
use rustorch_shape::{Dims, Poly, ShapeError, Size, rules};

impl Checker<'_> {
    pub(super) fn index(&mut self, input: &Use, components: &[(Component, Var)], step: &Step) {
        let Some((_, mut shape)) = self.known(input) else { return };
        let taken =
            components.iter().filter(|(component, _)| !matches!(component.kind, ComponentKind::New)).count();
        if taken > shape.len() {
            let message = format!(
                "this index has {taken} components, but `{}` is {}: it has {} axes",
                self.text(input),
                Dims(&shape),
                shape.len()
            );
            self.errors.span(step.span, message);
            return;
        }
        let mut axis = 0;
        for (component, var) in components {
            match self.in_every_pass(component, input, &shape, axis) {
                Ok(next) => shape = next,
                Err(message) => {
                    self.errors.span(component.span, message);
                    return;
                }
            }
            axis += usize::from(!matches!(component.kind, ComponentKind::At(_)));
            self.set(*var, Some(shape.clone()), Vec::new());
        }
    }

    /// The shape after one component, which may depend on what loops count.
    fn in_every_pass(
        &mut self,
        component: &Component,
        input: &Use,
        shape: &Shape,
        axis: usize,
    ) -> Result<Shape, String> {
        let sizes = counted::sizes(&component.kind);
        if !sizes.iter().any(|size| self.is_counted(size)) {
            return self.component(component, input, shape, axis);
        }
        let mut found: Option<Shape> = None;
        for corner in self.corners(&sizes)? {
            let Some(kind) = counted::component(&component.kind, &corner) else {
                return Err("this position is too large".into());
            };
            let passes: Vec<String> = corner.iter().map(|(name, at)| format!("`{name}` is {at}")).collect();
            let passes = passes.join(" and ");
            let component = Component { kind, span: component.span };
            let next = self
                .component(&component, input, shape, axis)
                .map_err(|message| format!("{message}\nwhere {passes}"))?;
            if let Some(before) = found.replace(next.clone()).filter(|before| *before != next) {
                return Err(format!(
                    "shapes are the same in every pass of a loop, but this is {} in one and {} where {passes}",
                    Dims(&before),
                    Dims(&next)
                ));
            }
        }
        found.ok_or_else(String::new)
    }

    /// The shape after one component.
    fn component(
        &mut self,
        component: &Component,
        input: &Use,
        shape: &Shape,
        axis: usize,
    ) -> Result<Shape, String> {
        let dim = axis.cast_signed();
        let mut claims = Vec::new();
        let text = self.text(input);
        let on = |bound: &Bound, size: &Poly| {
            bound.on(size).ok_or_else(|| {
                let back = if let Bound::FromEnd(back) = bound { back.to_string() } else { String::new() };
                format!("-{back} is before the start of axis {axis} of `{text}`, which has size {size}")
            })
        };
        let wording = |error: ShapeError| {
            let note = if error.message.contains(&Dims(shape).to_string()) {
                String::new()
            } else {
                format!("\n`{text}` is {}", Dims(shape))
            };
            format!("{}{note}", error.message)
        };
        let result = match &component.kind {
            ComponentKind::Whole => Ok(shape.clone()),
            ComponentKind::New => rules::unsqueeze(shape, dim),
            ComponentKind::At(at) => rules::select(shape, dim, &on(at, &shape[axis])?, &mut claims),
            ComponentKind::Range { start, end, step } => {
                let (start, end) = range(start, end.as_ref(), &shape[axis], on)?;
                rules::slice(shape, dim, &start, &end, &Poly::constant(*step), &mut claims)
            }
        };
        let result = result.map_err(wording)?;
        let span: Place = component.span;
        for claim in claims {
            let message = wording(claim.otherwise.clone());
            self.locate(claim, message, span);
        }
        Ok(result)
    }

    /// `scale`, `embed.weight`.
    pub(super) fn state(&mut self, field: usize, entry: Option<&str>, step: &Step) {
        let declared = &self.model.fields[field];
        if let (FieldKind::Tensor(tensor), None) = (&declared.kind, entry) {
            self.set(step.results[0], Some(tensor.shape.clone()), Vec::new());
            return;
        }
        let (Some(layer), Some(args), Some(entry)) = (declared.layer(), self.layers[field].clone(), entry)
        else {
            return;
        };
        let name = declared.label.clone();
        if let Some(arg) = layer.inferred().filter(|arg| args.get(arg.name).is_none()) {
            let message = format!(
                "the shape of `{name}.{entry}` is not known yet, since `{}` of `{name}` is inferred from its first use: write it where `{name}` is declared",
                arg.name
            );
            self.errors.span(step.span, message);
            return;
        }
        let Ok(state) = (layer.spec.state)(&args) else { return };
        match state.iter().find(|state| *state.name == *entry) {
            Some(state) => self.set(step.results[0], Some(state.shape.clone()), Vec::new()),
            None => {
                let names: Vec<String> = state.iter().map(|state| format!("`{}`", state.name)).collect();
                let has = if names.is_empty() { "no parameters".to_string() } else { names.join(", ") };
                let message = format!("`{name}` has no `{entry}`; this {} has {has}", layer.spec.name);
                self.errors.span(step.span, message);
            }
        }
    }
}

/// The bounds of a range on an axis of this size.
fn range(
    start: &Bound,
    end: Option<&Bound>,
    size: &Poly,
    on: impl Fn(&Bound, &Poly) -> Result<Poly, String>,
) -> Result<(Poly, Poly), String> {
    let end = end.map_or_else(|| Ok(size.clone()), |end| on(end, size))?;
    Ok((on(start, size)?, end))
}
