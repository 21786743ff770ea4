//! Statements: which tensors they make, line by line.

use super::super::ast::{Block, Pattern, Shapes, Statement, Value};
use super::super::errors::{Errors, Place, place_of, source};
use super::super::ir::{Body, Field, Op, Output, Region, Shape, Stated, Step, Tree, Use, Var, VarInfo};
use super::size::Sizes;
use super::tree_of;
use super::value::Val;
use proc_macro2::TokenStream;
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
        places: fields.iter().enumerate().map(|(place, field)| (field.name.to_string(), place)).collect(),
        sizes: sizes.clone(),
        errors,
        names: None,
        is_sequential,
        scopes: vec![BTreeMap::new()],
        barriers: vec![0],
        vars: Vec::new(),
        steps: Vec::new(),
        has_numbers: false,
        positions: Vec::new(),
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
        let message = match (&count, result) {
            (Tree::One, Tree::Tuple(_)) => {
                "the output is declared as a tuple of one tensor, but is a tensor: leave out the parentheses behind `->`".into()
            }
            (Tree::Tuple(_), Tree::One) => {
                "the output is declared as one tensor, but is a tuple of one: leave out its parentheses and its comma".into()
            }
            _ => format!(
                "the output is declared as {}, but this is {}, where `_` stands for a tensor",
                grouping(result),
                grouping(&count)
            ),
        };
        resolver.errors.span(span, message);
    }
    let region = Region { steps: std::mem::take(&mut resolver.steps), results };
    Body { region, vars: resolver.vars, positions: resolver.positions }
}

/// How tensors are grouped: `(_, (_, _))`.
fn grouping(tree: &Tree) -> String {
    match tree {
        Tree::One => "_".into(),
        Tree::Tuple(parts) => format!("({})", parts.iter().map(grouping).collect::<Vec<_>>().join(", ")),
    }
}

/// What a name stands for.
#[derive(Clone)]
pub(super) enum Binding {
    Value(Val),
    /// The layer or submodel of the current pass of a loop over this field, or the one that is there.
    Each(usize),
    /// A number of Rust: that of the current pass, or one that `let` gave this name.
    Number(Option<Number>),
}

/// A number with a name.
#[derive(Clone)]
pub(super) struct Number {
    pub tokens: TokenStream,
    /// Whether the compiler knows its value.
    pub is_const: bool,
}

/// The shapes that a value is said to have, and how they are grouped.
#[derive(Clone)]
pub(super) struct Target {
    pub stated: Stated,
    pub tree: Tree,
}

pub(super) struct Resolver<'a> {
    pub fields: &'a [Field],
    /// Where among them each stands.
    pub places: BTreeMap<String, usize>,
    pub sizes: Sizes,
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
    /// Whether `let` has given a number a name so far.
    pub has_numbers: bool,
    /// Those in arrays that depend on what loops count.
    pub positions: Vec<rustorch_shape::Poly>,
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
    pub(super) fn block(&mut self, block: &Block, target: Option<Target>) -> Val {
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

    pub(super) fn statements(&mut self, block: &Block) {
        for statement in &block.statements {
            match statement {
                Statement::Let { pattern, shapes, value } => self.declare(pattern, shapes.as_ref(), value),
                Statement::Assign { pattern, value } => self.assign(pattern, value),
                Statement::For(repeat) => self.repeat(repeat),
                Statement::Branch(branch) => drop(self.branch(branch, None, false)),
                Statement::Broken(names) => self.break_all(names),
            }
        }
    }

    fn declare(&mut self, pattern: &Pattern, shapes: Option<&Shapes>, value: &Value) {
        if let (Pattern::Name(name), None, Some(number)) = (pattern, shapes, self.number(value)) {
            return self.declare_number(name, &number);
        }
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
        for name in pattern.names() {
            let text = name.to_string();
            match self.assignable(&text) {
                Some(_) => {}
                None if text == "_" => {}
                None if matches!(self.lookup(&text), Some(Binding::Value(Val::Broken))) => {}
                None if self.lookup(&text).is_some() => {
                    self.errors
                        .at(name, format!("`{text}` cannot be assigned to here: write `let {text} = ..`"));
                }
                None => self.errors.at(name, format!("there is no `{text}` yet: write `let {text} = ..`")),
            }
        }
        // The shapes of what is replaced are those of a submodel's results.
        let target = self.bound_to(pattern).and_then(|before| {
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

    /// What a pattern stands for so far, if every name of it stands for something.
    fn bound_to(&self, pattern: &Pattern) -> Option<Val> {
        match pattern {
            Pattern::Name(name) => {
                let scope = self.assignable(&name.to_string())?;
                match self.scopes[scope].get(&name.to_string())? {
                    Binding::Value(value) => Some(value.clone()),
                    _ => None,
                }
            }
            Pattern::Tuple(parts, _) => {
                Some(Val::Tuple(parts.iter().map(|part| self.bound_to(part)).collect::<Option<_>>()?))
            }
        }
    }

    /// What a value stands for.
    pub(super) fn value(&mut self, value: &Value, target: Option<Target>) -> Val {
        match value {
            Value::Expr(expr) => self.expr(expr, target),
            Value::Branch(branch) => self.branch(branch, target, true),
            Value::Broken => Val::Broken,
        }
    }

    /// Names whose values have a mistake, and what is assigned to them is no mistake.
    fn break_all(&mut self, names: &[Ident]) {
        for name in names {
            let text = name.to_string();
            let scope = self.assignable(&text).unwrap_or(self.scopes.len() - 1);
            self.sizes.break_name(&text);
            self.scopes[scope].insert(text, Binding::Value(Val::Broken));
        }
    }

    /// The tensor of an expression that must give one.
    pub(super) fn single(&mut self, expr: &Expr, target: Option<Target>) -> Use {
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
                    // Once for a name.
                    if let Expr::Path(path) = expr
                        && let Some(name) = path.path.get_ident()
                    {
                        self.bind(name, Binding::Value(Val::Broken));
                    }
                }
                Use { var: None, span: place_of(expr), text: source(expr) }
            }
        }
    }

    /// Adds a step to the current region.
    pub(super) fn step(&mut self, op: Op, results: Vec<Var>, span: impl Into<Place>) {
        self.steps.push(Step { op, results, span: span.into() });
    }

    /// A new tensor, made by the expression `text`.
    pub(super) fn fresh(&mut self, text: String) -> Var {
        self.vars.push(VarInfo { text });
        self.vars.len() - 1
    }
}

pub(super) fn is_self(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(path) if path.path.is_ident("self"))
}
