//! Statements and scopes: which tensor a name stands for, line by line.

use super::super::ast::{Block, Loop, Pattern, Shapes, Statement, Value};
use super::super::errors::{Errors, Place, place_of, source};
use super::super::ir::{
    Body, Carried, Field, FieldKind, Op, Output, Over, Region, Shape, Stated, Step, Tree, Use, Var, VarInfo,
};
use super::size::Sizes;
use super::tree_of;
use super::value::Val;
use quote::ToTokens;
use rustorch_shape::suggest;
use std::collections::BTreeMap;
use syn::{Expr, Ident};

/// The body of `forward` with its names resolved.
pub(super) fn resolve(
    block: &Block,
    inputs: &[(Pattern, Shapes)],
    (outputs, result): (&[Output], &Tree),
    fields: &[Field],
    sizes: &Sizes,
    is_sequential: bool,
    errors: &mut Errors,
) -> Body {
    let mut resolver = Resolver {
        fields,
        sizes,
        errors,
        names: None,
        is_sequential,
        scopes: vec![BTreeMap::new()],
        barriers: vec![0],
        vars: Vec::new(),
        steps: Vec::new(),
    };
    for (pattern, shapes) in inputs {
        let value = resolver.input(pattern, shapes);
        resolver.bind_all(pattern, value);
    }
    let stated = outputs.iter().map(|output| output.shape.clone()).collect::<Option<Vec<Shape>>>();
    let target = stated.map(|shapes| Target { stated: Stated::Shapes(shapes), tree: result.clone() });
    let value = resolver.block(block, target);
    let count = value.tree();
    let results = value.flat().unwrap_or_default();
    // A wrong number is reported by the check; a wrong grouping of the right number here.
    if !results.is_empty() && count != *result && count.count() == result.count() {
        let span = results[0].span;
        resolver.errors.span(span, "the tuples of the result are not grouped as the declared outputs are");
    }
    let region = Region { steps: std::mem::take(&mut resolver.steps), results };
    Body { region, vars: resolver.vars }
}

/// What a name stands for.
#[derive(Clone)]
pub(super) enum Binding {
    Value(Val),
    /// The layer or submodel of the current pass of a loop over this field, or the one that is there.
    Each(usize),
    /// The number of the current pass.
    Number,
}

/// The shapes that a value is said to have, and how they are grouped.
#[derive(Clone)]
pub(super) struct Target {
    pub stated: Stated,
    pub tree: Tree,
}

pub(super) struct Resolver<'a> {
    pub fields: &'a [Field],
    pub sizes: &'a Sizes,
    pub errors: &'a mut Errors,
    /// How many names the value at hand is bound to, if to a tuple of them.
    pub names: Option<usize>,
    /// In the sequential form, layers stand for the calls of them.
    pub is_sequential: bool,
    pub scopes: Vec<BTreeMap<String, Binding>>,
    /// The outermost scope that may be assigned to, of every region.
    pub barriers: Vec<usize>,
    pub vars: Vec<VarInfo>,
    pub steps: Vec<Step>,
}

impl Resolver<'_> {
    /// Variables for an input.
    fn input(&mut self, pattern: &Pattern, shapes: &Shapes) -> Val {
        match (pattern, shapes) {
            (Pattern::Tuple(patterns, _), Shapes::Tuple(parts, _)) => Val::Tuple(
                patterns.iter().zip(parts).map(|(pattern, part)| self.input(pattern, part)).collect(),
            ),
            (Pattern::Name(name), Shapes::Tuple(parts, _)) => {
                let name = |_: &Shapes| Pattern::Name(name.clone());
                Val::Tuple(parts.iter().map(|part| self.input(&name(part), part)).collect())
            }
            (pattern, Shapes::One(shape)) => {
                let name = pattern.names().first().map_or(String::new(), |name| name.to_string());
                let var = self.fresh(name.clone());
                Val::Tensor(Use { var: Some(var), span: shape.span.into(), text: name })
            }
        }
    }

    /// The value of a block, whose steps are added to the current region.
    pub fn block(&mut self, block: &Block, target: Option<Target>) -> Val {
        self.statements(block);
        match &block.tail {
            Some(value) => self.value(value, target),
            None => {
                self.errors
                    .span(block.span, "this block has no value: end it with an expression, without `;`");
                Val::Broken
            }
        }
    }

    pub fn statements(&mut self, block: &Block) {
        for statement in &block.statements {
            match statement {
                Statement::Let { pattern, shapes, value } => self.declare(pattern, shapes.as_ref(), value),
                Statement::Assign { pattern, value } => self.assign(pattern, value),
                Statement::For(repeat) => self.repeat(repeat),
                Statement::Branch(branch) => drop(self.branch(branch, None, false)),
            }
        }
    }

    fn declare(&mut self, pattern: &Pattern, shapes: Option<&Shapes>, value: &Value) {
        let stated: Option<Vec<Shape>> = shapes.and_then(|shapes| {
            shapes.flat().into_iter().map(|shape| self.sizes.shape(shape, self.errors)).collect()
        });
        let target = stated
            .clone()
            .zip(shapes)
            .map(|(stated, shapes)| Target { stated: Stated::Shapes(stated), tree: tree_of(shapes) });
        self.names = if let Pattern::Tuple(parts, _) = pattern { Some(parts.len()) } else { None };
        let value = self.value(value, target);
        self.names = None;
        if let (Some(stated), Some(shapes), Some(uses)) = (stated, shapes, value.flat()) {
            if tree_of(shapes) != value.tree() {
                self.errors
                    .span(shapes.span(), format!("{} shapes for {} tensors", stated.len(), uses.len()));
            } else {
                for ((shape, written), value) in stated.into_iter().zip(shapes.flat()).zip(&uses) {
                    let op = Op::Annotate { value: value.clone(), shape, span: written.span.into() };
                    self.step(op, Vec::new(), written.span);
                }
            }
        }
        self.bind_all(pattern, value);
    }

    /// Binds the names of a pattern in the current scope.
    fn bind_all(&mut self, pattern: &Pattern, value: Val) {
        for (name, value) in self.matched(pattern, value) {
            self.bind(&name, Binding::Value(value));
        }
    }

    /// The value for every name of a pattern.
    fn matched(&mut self, pattern: &Pattern, value: Val) -> Vec<(Ident, Val)> {
        match (pattern, value) {
            (Pattern::Name(name), value) => vec![(name.clone(), value)],
            (Pattern::Tuple(parts, _), Val::Tuple(values)) if parts.len() == values.len() => {
                parts.iter().zip(values).flat_map(|(part, value)| self.matched(part, value)).collect()
            }
            (Pattern::Tuple(parts, span), value) => {
                match &value {
                    Val::Tensor(_) => self.errors.span(*span, "this gives one tensor: bind it to one name"),
                    Val::Tuple(values) => self.errors.span(
                        *span,
                        format!("this gives {} tensors, but there are {} names", values.len(), parts.len()),
                    ),
                    Val::Broken => {}
                }
                pattern.names().into_iter().map(|name| (name.clone(), Val::Broken)).collect()
            }
        }
    }

    fn assign(&mut self, pattern: &Pattern, value: &Value) {
        let mut known = Vec::new();
        for name in pattern.names() {
            let text = name.to_string();
            match self.assignable(&text) {
                Some(scope) => known.push(self.scopes[scope].get(&text).cloned()),
                None if text == "_" => {}
                None if self.lookup(&text).is_some() => {
                    self.errors
                        .at(name, format!("`{text}` cannot be assigned to here: write `let {text} = ..`"));
                }
                None => self.errors.at(name, format!("there is no `{text}` yet: write `let {text} = ..`")),
            }
        }
        // The shapes of what is replaced are those of a submodel's results.
        let before: Option<Vec<Val>> = known
            .into_iter()
            .map(|binding| if let Some(Binding::Value(value)) = binding { Some(value) } else { None })
            .collect();
        let before = before.map(|mut values| match pattern {
            Pattern::Name(_) if values.len() == 1 => values.swap_remove(0),
            _ => Val::Tuple(values),
        });
        let target = before.and_then(|before| {
            let tree = before.tree();
            before.flat().map(|uses| Target { stated: Stated::Like(uses), tree })
        });
        self.names = if let Pattern::Tuple(parts, _) = pattern { Some(parts.len()) } else { None };
        let value = self.value(value, target);
        self.names = None;
        for (name, value) in self.matched(pattern, value) {
            let text = name.to_string();
            let scope = self.assignable(&text).unwrap_or(self.scopes.len() - 1);
            self.scopes[scope].insert(text, Binding::Value(value));
        }
    }

    /// The scope of this region that has a tensor of this name.
    fn assignable(&self, name: &str) -> Option<usize> {
        let barrier = self.barriers.last().copied().unwrap_or(0);
        let found =
            (barrier..self.scopes.len()).rev().find(|scope| self.scopes[*scope].contains_key(name))?;
        matches!(self.scopes[found].get(name), Some(Binding::Value(_))).then_some(found)
    }

    /// The names from outside that blocks replace, and their values.
    pub fn replaced<'b>(&self, blocks: impl IntoIterator<Item = &'b Block>) -> Vec<(Ident, Val)> {
        let mut found: Vec<(Ident, Val)> = Vec::new();
        for name in blocks.into_iter().flat_map(assigned) {
            if let (Some(Binding::Value(value)), false) =
                (self.lookup(&name.to_string()), found.iter().any(|(other, _)| other == name))
            {
                found.push((name.clone(), value));
            }
        }
        found
    }

    /// Runs `inner` in a region of its own, where `scope` holds names that it may assign to.
    pub fn region<T>(
        &mut self,
        scope: BTreeMap<String, Binding>,
        inner: impl FnOnce(&mut Self) -> T,
    ) -> (Vec<Step>, T, BTreeMap<String, Binding>) {
        self.barriers.push(self.scopes.len());
        self.scopes.push(scope);
        self.scopes.push(BTreeMap::new());
        let outer = std::mem::take(&mut self.steps);
        let result = inner(self);
        let steps = std::mem::replace(&mut self.steps, outer);
        self.scopes.pop();
        let scope = self.scopes.pop().unwrap_or_default();
        self.barriers.pop();
        (steps, result, scope)
    }

    fn repeat(&mut self, repeat: &Loop) {
        let Loop { index, variable, over, body } = repeat;
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
            scope.insert(index.to_string(), Binding::Number);
        }
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

    /// Gives a name from outside another value.
    pub fn rebind(&mut self, name: &Ident, value: Val) {
        let text = name.to_string();
        let scope = self.assignable(&text).unwrap_or(self.scopes.len() - 1);
        self.scopes[scope].insert(text, Binding::Value(value));
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
                match bound {
                    Some(bound) => drop(self.condition(bound)?),
                    None => {
                        self.errors.at(over, "a loop needs both bounds, as in `0..4`");
                        return None;
                    }
                }
            }
            return Some(Over::Range(range.to_token_stream()));
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
        let found = name.as_ref().and_then(|name| self.fields.iter().position(|field| field.name == name));
        if let Some(field) = found {
            match self.fields[field].kind {
                FieldKind::Submodels(..) | FieldKind::Layers(..) => return Some(Over::Field(field)),
                FieldKind::Broken(_) => return None,
                _ => {}
            }
        }
        let arrays: Vec<String> = self
            .fields
            .iter()
            .filter(|field| matches!(field.kind, FieldKind::Submodels(..) | FieldKind::Layers(..)))
            .map(|field| format!("`self.{}`", field.name))
            .collect();
        let hint = match arrays.is_empty() {
            true => "declare one, as in `blocks: [Block<D>; LAYERS]`".to_string(),
            false => format!("this model has {}", arrays.join(", ")),
        };
        self.errors
            .at(over, format!("a loop goes over an array of layers or submodels, or over a range; {hint}"));
        None
    }

    /// What a value stands for.
    pub fn value(&mut self, value: &Value, target: Option<Target>) -> Val {
        match value {
            Value::Expr(expr) => self.expr(expr, target),
            Value::Branch(branch) => self.branch(branch, target, true),
        }
    }

    /// The tensor of an expression that must give one.
    pub fn single(&mut self, expr: &Expr, target: Option<Target>) -> Use {
        match self.expr(expr, target) {
            Val::Tensor(value) => value,
            other => {
                if let Val::Tuple(parts) = other {
                    self.errors.at(
                        expr,
                        format!(
                            "`{}` gives {} tensors, but one is needed here: bind them with `let (a, b, ..) = ..` first",
                            source(expr),
                            parts.len()
                        ),
                    );
                }
                Use { var: None, span: place_of(expr), text: source(expr) }
            }
        }
    }

    /// The meaning of a name.
    pub fn lookup(&self, name: &str) -> Option<Binding> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).cloned()
    }

    /// Reports a name that means nothing.
    pub fn unknown(&mut self, name: &Ident) {
        let text = name.to_string();
        let bound: Vec<String> = self
            .scopes
            .iter()
            .flatten()
            .filter(|(_, binding)| matches!(binding, Binding::Value(_)))
            .map(|(name, _)| name.clone())
            .collect();
        let hint = suggest(&text, bound.iter().map(String::as_str))
            .map_or(String::new(), |meant| format!("; did you mean `{meant}`?"));
        self.errors.at(name, format!("there is no tensor `{text}` here{hint}"));
    }

    /// Adds a step to the current region.
    pub fn step(&mut self, op: Op, results: Vec<Var>, span: impl Into<Place>) {
        self.steps.push(Step { op, results, span: span.into() });
    }

    /// A new tensor, made by the expression `text`.
    pub fn fresh(&mut self, text: String) -> Var {
        self.vars.push(VarInfo { text });
        self.vars.len() - 1
    }

    pub fn bind(&mut self, name: &Ident, binding: Binding) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_string(), binding);
        }
    }
}

/// The names from outside that a block assigns to.
fn assigned(block: &Block) -> Vec<&Ident> {
    let (mut names, mut own): (Vec<&Ident>, Vec<&Ident>) = (Vec::new(), Vec::new());
    for statement in &block.statements {
        let inner = match statement {
            Statement::Let { pattern, .. } => {
                own.extend(pattern.names());
                continue;
            }
            Statement::Assign { pattern, .. } => pattern.names(),
            Statement::For(repeat) => assigned(&repeat.body),
            Statement::Branch(branch) => {
                branch.arms.iter().chain(branch.otherwise.as_deref()).flat_map(assigned).collect()
            }
        };
        names.extend(inner.into_iter().filter(|name| !own.contains(name)));
    }
    names
}

pub(super) fn is_self(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(path) if path.path.is_ident("self"))
}
