//! One step after the other.

use super::super::errors::Place;
use super::super::ir::{
    BinaryOp, Call, CallOption, FieldKind, Layer, Op, Operand, Shape, Stated, Step, Use, Var,
};
use super::{Checker, explain};
use rustorch_shape::args::{Args, Fallback, Kind, Value};
use rustorch_shape::functions::FunctionSpec;
use rustorch_shape::{Claim, Dims, Operand as Fault, Poly, ShapeError, Size, rules};

impl Checker<'_> {
    pub(super) fn step(&mut self, step: &Step) {
        match &step.op {
            Op::Layer { field, input } => self.layer(*field, &[input], &[], step),
            Op::Function { spec, inputs, call } => self.function(spec, inputs, call, step),
            Op::Binary { op, left, right } => self.binary(*op, left, right, step),
            Op::Negate { input } => {
                if let Some((var, shape)) = self.known(input) {
                    let how = self.how[var].clone();
                    self.set(step.results[0], Some(shape), how);
                }
            }
            Op::Submodel { stated, .. } => self.submodel(stated, step),
            Op::Einsum { spec, inputs } => self.einsum(spec, inputs, step),
            Op::Pattern(call) => self.pattern(call, step),
            Op::Annotate { value, shape, span } => drop(self.agree(value, shape, *span, "this says")),
            Op::If { then, otherwise } => self.arms(&[(then, None), (otherwise, None)], step),
            Op::For { carried, body, .. } => self.repeat(None, carried, body, step),
            Op::Repeat { index, carried, body, .. } => self.repeat(index.as_ref(), carried, body, step),
            Op::Within { name, position, length } => self.within(name, position, length, step.span),
            Op::LayerCall { field, inputs, options, .. } => {
                self.layer(*field, &inputs.iter().collect::<Vec<_>>(), options, step);
            }
            Op::State { field, entry } => self.state(*field, entry.as_deref(), step),
            Op::Index { input, components } => self.index(input, components, step),
            Op::Choose { choice, then, otherwise } => self.choose(choice, then, otherwise, step),
            Op::Match { subject, patterns, arms } => self.matching(subject, patterns, arms, step),
        }
    }

    fn layer(&mut self, field: usize, inputs: &[&Use], options: &[(&'static str, CallOption)], step: &Step) {
        let model = self.model;
        let Some(layer) = model.fields[field].layer() else { return };
        let first = !std::mem::replace(&mut self.used[field], true);
        let known = inputs.iter().map(|input| self.known(input)).collect::<Option<Vec<_>>>();
        let (Some(known), Some(mut args)) = (known, self.layers[field].clone()) else { return };
        let (var, shape) = &known[0];
        let name = model.fields[field].label.clone();
        if let Some(arg) = layer.inferred()
            && args.get(arg.name).is_none()
            && let Fallback::Inferred(feature) = arg.fallback
        {
            // Without such an axis the rank is wrong, which the rule reports whatever the size is.
            let size = feature.axis(shape.len()).map_or(Poly::constant(1), |axis| shape[axis].clone());
            if !size.dims().is_empty() {
                self.run_time_size(layer, &name, arg.name, &size, inputs[0]);
                self.layers[field] = None;
                return;
            }
            let value = if arg.kind == Kind::Sizes { Value::Sizes(vec![size]) } else { Value::Size(size) };
            args.set(arg.name, value);
            for spec in layer.spec.args {
                if let (Fallback::Same(_), None, Some(value)) =
                    (spec.fallback, args.get(spec.name), spec.default_value(&args))
                {
                    args.set(spec.name, value);
                }
            }
        }
        let mut with_options = args.clone();
        for (option, value) in options {
            let value = match value {
                CallOption::Tensor(value) => match self.known(value) {
                    Some((_, shape)) => Value::Tensor(shape),
                    None => return,
                },
                CallOption::Flag(_) => Value::Expression,
            };
            with_options.set(option, value);
        }
        let shapes: Vec<&[Poly]> = known.iter().map(|(_, shape)| &shape[..]).collect();
        let rule = |claims: &mut Vec<Claim>| layer.spec.outputs(&with_options, &shapes, claims);
        match self.apply(layer.spec.name, &with_options, &shapes, rule) {
            Ok((outputs, claims)) => {
                for (result, output) in step.results.iter().zip(outputs) {
                    let text = &self.texts[*result];
                    let how = explain::layer(layer.spec.name, &args, &name, text, shape, &output);
                    let how = self.inherit(how, *var, shape, &output);
                    self.set(*result, Some(output), how);
                }
                self.layers[field] = Some(args);
                let subject = format!("`{name}`");
                for claim in claims {
                    let mut message = self.compose(&subject, &claim.otherwise, inputs);
                    if !first {
                        message.push_str(&self.first_use(field, &claim.otherwise));
                    }
                    self.locate(claim, message, step.span);
                }
            }
            Err(error) => {
                let given = options.iter().find_map(|(name, option)| match option {
                    CallOption::Tensor(value) if error.operand == Fault::Argument(name) => Some(value),
                    _ => None,
                });
                match given {
                    Some(value) => {
                        let message = self.compose(&format!("`{name}`"), &error, &[value]);
                        self.errors.span(value.span, message);
                    }
                    None => self.layer_error(field, layer, &error, inputs, first),
                }
            }
        }
    }

    fn layer_error(&mut self, field: usize, layer: &Layer, error: &ShapeError, inputs: &[&Use], first: bool) {
        let name = self.model.fields[field].label.clone();
        let subject = format!("`{name}`");
        let input = match error.operand {
            Fault::Input(input) => inputs.get(input).unwrap_or(&inputs[0]),
            Fault::Argument(_) => &inputs[0],
        };
        let (span, in_declaration) = match error.operand {
            // A size that fits other uses of the layer is not the mistake.
            Fault::Argument(arg) if first || !is_feature(layer, arg) => {
                (layer.call.span(arg).unwrap_or(layer.span), true)
            }
            _ => (input.span, false),
        };
        let mut message = self.compose(&subject, error, &[input]);
        if let (Fault::Argument(arg), true, Some(axis)) = (error.operand, in_declaration, error.axis)
            && is_feature(layer, arg)
            && let Some((_, shape)) = self.known(input)
            && shape[axis].dims().is_empty()
            && !message.contains("permute")
        {
            message = format!("{message}\nwrite {} here, or `_` to have it inferred", shape[axis]);
        }
        if in_declaration {
            self.layers[field] = None;
        } else if !first {
            message.push_str(&self.first_use(field, error));
        }
        self.errors.span(span, message);
    }

    /// Where the size at fault comes from, if it was inferred.
    fn first_use(&self, field: usize, error: &ShapeError) -> String {
        let field = &self.model.fields[field];
        let inferred = field.layer().and_then(|layer| Some((layer, layer.inferred()?)));
        match inferred {
            Some((layer, arg))
                if layer.call.args.get(arg.name).is_none() && error.message.starts_with("takes ") =>
            {
                let alike = match &field.kind {
                    FieldKind::Layers(..) => {
                        ", and the layers of an array are alike: declare those that differ one by one"
                    }
                    _ => "",
                };
                format!("\n`{}` of `{}` was inferred from its first use{alike}", arg.name, field.label)
            }
            _ => String::new(),
        }
    }

    /// A layer would depend on a size that only a run knows.
    fn run_time_size(&mut self, layer: &Layer, name: &str, arg: &str, size: &Poly, input: &Use) {
        let dims: Vec<String> = size.dims().into_iter().map(|dim| format!("`{dim}`")).collect();
        let message = format!(
            "`{name}`: `{arg}` of {} would be {size}, but {} {} known only at run time, and the size of a layer is fixed\nits input `{}` is {}; give the axis a fixed size, as with AdaptiveAvgPool2d",
            layer.spec.name,
            dims.join(" and "),
            if dims.len() == 1 { "is" } else { "are" },
            self.text(input),
            self.known(input).map_or(String::new(), |(_, shape)| Dims(&shape).to_string()),
        );
        self.errors.span(input.span, message);
    }

    fn function(&mut self, spec: &FunctionSpec, inputs: &[Use], call: &Call, step: &Step) {
        let Some(known) = inputs.iter().map(|input| self.known(input)).collect::<Option<Vec<_>>>() else {
            return;
        };
        let Some(args) = self.with_tensors(spec, call) else { return };
        let shapes: Vec<&[Poly]> = known.iter().map(|(_, shape)| &shape[..]).collect();
        let subject = format!("`{}`", spec.name);
        let uses: Vec<&Use> = inputs.iter().collect();
        let rule = |claims: &mut Vec<Claim>| spec.rule.apply(&args, &shapes, claims);
        let (outputs, claims) = match self.apply(spec.name, &args, &shapes, rule) {
            Ok(applied) => applied,
            Err(error) => {
                let span = match error.operand {
                    Fault::Input(input) => inputs.get(input).map_or(step.span, |input| input.span),
                    Fault::Argument(arg) => call.span(arg).unwrap_or(step.span),
                };
                let message = self.compose(&subject, &error, &uses);
                self.errors.span(span, message);
                return;
            }
        };
        if outputs.len() != step.results.len() {
            let message = format!(
                "{subject} gives {} tensors here, but they are bound to {} names",
                outputs.len(),
                step.results.len()
            );
            self.errors.span(step.span, message);
            return;
        }
        for (var, output) in step.results.iter().zip(outputs) {
            let how = explain::function(spec.name, &args, &self.texts[*var], &shapes, &output);
            let mut how = self.inherit(how, known[0].0, shapes[0], &output);
            if matches!(spec.name, "transpose" | "permute") {
                how = self.moved(spec, &args, known[0].0);
            }
            self.set(*var, Some(output), how);
        }
        self.sizes_of(&call.args, call, &subject, step.span);
        self.add_claims(claims, &subject, &uses, step.span);
    }

    /// The arguments with the shapes of those that are tensors.
    fn with_tensors(&self, spec: &FunctionSpec, call: &Call) -> Option<Args> {
        let mut args = call.args.clone();
        for arg in spec.args.iter().filter(|arg| matches!(arg.kind, Kind::Tensor | Kind::Operand)) {
            // An operand that is a number has a value already.
            if args.get(arg.name) == Some(&Value::Expression) {
                continue;
            }
            if let Some(written) = call.written.iter().find(|written| written.name == arg.name) {
                args.set(arg.name, Value::Tensor(self.shapes[written.var?].clone()?));
            }
        }
        Some(args)
    }

    fn binary(&mut self, op: BinaryOp, left: &Operand, right: &Operand, step: &Step) {
        let (left, right) = match (left, right) {
            (Operand::Tensor(left), Operand::Tensor(right)) => (left, right),
            (Operand::Tensor(only), _) | (_, Operand::Tensor(only)) => {
                if let Some((var, shape)) = self.known(only) {
                    let how = self.how[var].clone();
                    self.set(step.results[0], Some(shape), how);
                }
                return;
            }
            (Operand::Scalar(_), Operand::Scalar(_)) => return,
        };
        let (Some((a, x)), Some((b, y))) = (self.known(left), self.known(right)) else { return };
        let mut claims = Vec::new();
        let subject = format!("`{}`", self.texts[step.results[0]]);
        match rules::broadcast(op.name(), &x, &y, &mut claims) {
            Ok(shape) => {
                let other = self.how[b].clone();
                let how = self.inherit(vec![None; shape.len()], a, &x, &shape);
                let how = how.into_iter().enumerate().map(|(axis, how)| {
                    how.or_else(|| if y == shape { other.get(axis).cloned().flatten() } else { None })
                });
                let how = how.collect();
                self.set(step.results[0], Some(shape), how);
                self.add_claims(claims, &subject, &[left, right], step.span);
            }
            Err(error) => {
                let message = self.compose(&subject, &error, &[left, right]);
                self.errors.span(step.span, message);
            }
        }
    }

    fn submodel(&mut self, stated: &Stated, step: &Step) {
        let shapes: Vec<Option<Shape>> = match stated {
            Stated::Shapes(shapes) => shapes.iter().cloned().map(Some).collect(),
            Stated::Like(values) => {
                values.iter().map(|value| self.known(value).map(|(_, shape)| shape)).collect()
            }
        };
        for (var, shape) in step.results.iter().zip(shapes) {
            self.set(*var, shape, Vec::new());
        }
    }

    fn einsum(&mut self, spec: &rustorch_shape::einsum::Spec, inputs: &[Use], step: &Step) {
        let Some(known) = inputs.iter().map(|input| self.known(input)).collect::<Option<Vec<_>>>() else {
            return;
        };
        let shapes: Vec<Shape> = known.into_iter().map(|(_, shape)| shape).collect();
        match spec.check(&shapes) {
            Ok(checked) => {
                for assumed in &checked.assumptions {
                    let side = |(operand, axis): (usize, usize)| shapes[operand].get(axis).cloned();
                    let (Some(a), Some(b)) = (side(assumed.first), side(assumed.second)) else { continue };
                    let message = format!(
                        "`{}`: axis {} of `{}` is {a}, axis {} of `{}` is {b}, and they share an index",
                        self.texts[step.results[0]],
                        assumed.first.1,
                        inputs[assumed.first.0].text,
                        assumed.second.1,
                        inputs[assumed.second.0].text
                    );
                    self.claim(&a, rustorch_shape::Relation::Equal, &b, message, step.span);
                }
                self.set(step.results[0], Some(checked.output_shape()), Vec::new());
            }
            Err(errors) => {
                for error in errors {
                    let at = error.operand.and_then(|operand| inputs.get(operand));
                    let span = at.map_or(step.span, |input| input.span);
                    let note = at.map(|input| self.note("", input, None)).unwrap_or_default();
                    self.errors.span(span, format!("`einsum!`: {error}{note}"));
                }
            }
        }
    }

    /// The message of an error, with what is known about the operands.
    fn compose(&self, subject: &str, error: &ShapeError, inputs: &[&Use]) -> String {
        let mut message = match error.message.starts_with("takes ") {
            true => format!("{subject} {}", error.message),
            false => format!("{subject}: {}", error.message),
        };
        for (position, input) in inputs.iter().enumerate() {
            let axis = error.axis.and_then(|axis| self.blamed_axis(error, axis, position, inputs));
            if inputs.len() > 1 && axis.is_none() {
                continue;
            }
            let note = self.note(&message, input, axis);
            message.push_str(&note);
        }
        message
    }

    /// The axis of operand `position` that an error about `axis` of the operand at fault is about.
    fn blamed_axis(
        &self,
        error: &ShapeError,
        axis: usize,
        position: usize,
        inputs: &[&Use],
    ) -> Option<usize> {
        let fault = match error.operand {
            Fault::Input(input) => input,
            Fault::Argument(_) => 0,
        };
        if position == fault || error.op == "cat" || error.op == "stack" {
            return Some(axis);
        }
        let rank = |input: usize| self.known(inputs.get(input)?).map(|(_, shape)| shape.len());
        if error.op == "matmul" {
            return rank(position)?.checked_sub(1);
        }
        // Operands of an operator are aligned at their last axes, and so are query and key.
        let aligned = matches!(error.op, "add" | "sub" | "mul" | "div" | "maximum" | "minimum");
        if !aligned && (error.op, position) != ("scaled_dot_product_attention", 0) {
            return None;
        }
        (axis + rank(position)?).checked_sub(rank(fault)?)
    }

    /// What an operand is, where `message` does not say it yet, and how the size of the axis came about.
    pub(super) fn note(&self, message: &str, input: &Use, axis: Option<usize>) -> String {
        let Some((var, shape)) = self.known(input) else { return String::new() };
        let (text, dims) = (&self.texts[var], Dims(&shape).to_string());
        let mut note = match (*text == input.text, message.contains(&dims)) {
            (true, true) => String::new(),
            (true, false) => format!("\n`{text}` is {dims}"),
            (false, _) => format!("\n`{}` is {dims}, from `{text}`", input.text),
        };
        if let Some(how) = axis.and_then(|axis| self.how[var].get(axis).cloned().flatten()) {
            note = format!("{note}\n{how}");
        }
        note
    }

    pub(super) fn add_claims(&mut self, claims: Vec<Claim>, subject: &str, inputs: &[&Use], span: Place) {
        for claim in claims {
            let message = self.compose(subject, &claim.otherwise, inputs);
            self.locate(claim, message, span);
        }
    }

    /// How sizes came about, for a function that moves axes: found by moving their numbers.
    fn moved(&self, spec: &FunctionSpec, args: &Args, from: Var) -> Vec<Option<String>> {
        let axes: Shape = (0..self.how[from].len()).map(Poly::constant).collect();
        let moved = spec.rule.apply(args, &[&axes], &mut Vec::new()).unwrap_or_default();
        let of = |axis: &Poly| self.how[from].get(axis.as_constant()?).cloned().flatten();
        moved.first().map_or(Vec::new(), |axes| axes.iter().map(of).collect())
    }

    /// Fills in how sizes came about for axes that the operation left alone.
    pub(super) fn inherit(
        &self,
        mut how: Vec<Option<String>>,
        from: Var,
        input: &[Poly],
        output: &[Poly],
    ) -> Vec<Option<String>> {
        how.resize(output.len(), None);
        let unchanged = input.iter().zip(output).take_while(|(a, b)| a == b).count();
        for (slot, before) in how.iter_mut().zip(&self.how[from]).take(unchanged) {
            if slot.is_none() {
                slot.clone_from(before);
            }
        }
        how
    }
}

/// Whether this is the argument that an input can supply.
fn is_feature(layer: &Layer, arg: &str) -> bool {
    layer.inferred().is_some_and(|inferred| inferred.name == arg)
}
