//! Statements and scopes: which tensor a name stands for, line by line.

use super::super::ast::{Block, Outputs, Statement, Value};
use super::super::errors::{Errors, Place, place_of, source};
use super::super::ir::{
    Body, Carried, Field, FieldKind, Input, Op, Output, Region, Shape, Stated, Step, Use, Var, VarInfo,
};
use super::size::Sizes;
use rustorch_shape::suggest;
use std::collections::BTreeMap;
use syn::{Expr, Ident};

/// The body of `forward` with its names resolved.
pub(super) fn resolve(
    block: &Block,
    inputs: &[Input],
    outputs: &[Output],
    fields: &[Field],
    sizes: &Sizes,
    is_sequential: bool,
    errors: &mut Errors,
) -> Body {
    let mut resolver = Resolver {
        fields,
        sizes,
        errors,
        names: 1,
        is_sequential,
        scopes: vec![BTreeMap::new()],
        vars: Vec::new(),
        steps: Vec::new(),
    };
    for input in inputs {
        let var = resolver.fresh(input.name.to_string());
        resolver.bind(&input.name, Binding::Tensor(Some(var)));
    }
    let stated = outputs.iter().map(|output| output.shape.clone()).collect::<Option<Vec<Shape>>>();
    let results = resolver.block(block, stated.map(Stated::Shapes));
    let region = Region { steps: std::mem::take(&mut resolver.steps), results };
    Body { region, vars: resolver.vars }
}

/// What a name stands for.
#[derive(Clone)]
pub(super) enum Binding {
    /// A tensor; `None` after a mistake.
    Tensor(Option<Var>),
    /// The submodel of the current pass of a loop over this field.
    Each(usize),
}

pub(super) struct Resolver<'a> {
    pub fields: &'a [Field],
    pub sizes: &'a Sizes,
    pub errors: &'a mut Errors,
    /// How many names the value at hand is bound to.
    pub names: usize,
    /// In the sequential form, layers stand for the calls of them.
    pub is_sequential: bool,
    scopes: Vec<BTreeMap<String, Binding>>,
    pub vars: Vec<VarInfo>,
    steps: Vec<Step>,
}

impl Resolver<'_> {
    /// The results of a block, whose steps are added to the current region.
    fn block(&mut self, block: &Block, stated: Option<Stated>) -> Vec<Use> {
        for statement in &block.statements {
            self.statement(statement);
        }
        match &block.tail {
            Some(Value::Expr(Expr::Tuple(tuple))) => {
                tuple.elems.iter().map(|element| self.single(element, None)).collect()
            }
            Some(value) => self.value(value, stated),
            None => {
                self.errors
                    .span(block.span, "this block has no value: end it with an expression, without `;`");
                Vec::new()
            }
        }
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Let { names, is_tuple, shapes, value } => {
                self.declare(names, *is_tuple, shapes.as_ref(), value)
            }
            Statement::Assign { name, value } => self.assign(name, value),
            Statement::For { variable, over, body } => self.repeat(variable, over, body),
        }
    }

    fn declare(&mut self, names: &[Ident], is_tuple: bool, shapes: Option<&Outputs>, value: &Value) {
        let stated: Option<Vec<Shape>> = shapes.and_then(|outputs| {
            outputs.shapes.iter().map(|shape| self.sizes.shape(shape, self.errors)).collect()
        });
        self.names = names.len();
        let mut uses = self.value(value, stated.clone().map(Stated::Shapes));
        self.names = 1;
        let broken = uses.is_empty();
        if !broken && uses.len() != names.len() {
            let (first, given) = (&names[0], uses.len());
            let message = if is_tuple {
                format!("this gives {given} tensors, but there are {} names", names.len())
            } else {
                format!("this gives {given} tensors: bind them with `let ({first}, ..) = ..`")
            };
            self.errors.at(first, message);
            uses.clear();
        }
        if let (Some(stated), Some(outputs), false) = (stated, shapes, uses.is_empty()) {
            if stated.len() != uses.len() {
                self.errors.span(outputs.span, format!("{} shapes for {} tensors", stated.len(), uses.len()));
            } else {
                for ((shape, written), value) in stated.into_iter().zip(&outputs.shapes).zip(&uses) {
                    let op = Op::Annotate { value: value.clone(), shape, span: written.span.into() };
                    self.step(op, Vec::new(), written.span);
                }
            }
        }
        for (position, name) in names.iter().enumerate() {
            self.bind(name, Binding::Tensor(uses.get(position).and_then(|value| value.var)));
        }
    }

    fn assign(&mut self, name: &Ident, value: &Value) {
        let text = name.to_string();
        let here = self.scopes.last().and_then(|scope| scope.get(&text)).cloned();
        let stated = match &here {
            Some(Binding::Tensor(var)) => {
                Some(Stated::Like(Use { var: *var, span: name.span().into(), text: text.clone() }))
            }
            _ => None,
        };
        let mut uses = self.value(value, stated);
        match here {
            Some(Binding::Tensor(_)) => {}
            _ if self.lookup(&text).is_some() => {
                self.errors.at(name, format!("`{text}` is from outside: the `if` is a value, so write `let {text} = if self.training {{ .. }} else {{ .. }};`"));
            }
            _ => self.errors.at(name, format!("there is no `{text}` yet: write `let {text} = ..`")),
        }
        if uses.len() > 1 {
            self.errors.at(
                name,
                format!("this gives {} tensors: bind them with `let ({text}, ..) = ..`", uses.len()),
            );
            uses.clear();
        }
        self.bind(name, Binding::Tensor(uses.first().and_then(|value| value.var)));
    }

    fn repeat(&mut self, variable: &Ident, over: &Expr, body: &Block) {
        let Some(field) = self.loop_field(over) else {
            for name in assigned(body) {
                self.bind(name, Binding::Tensor(None));
            }
            return;
        };
        let mut carried = Vec::new();
        let mut scope = BTreeMap::from([(variable.to_string(), Binding::Each(field))]);
        for name in assigned(body) {
            let text = name.to_string();
            if scope.contains_key(&text) {
                continue;
            }
            if let Some(Binding::Tensor(var)) = self.lookup(&text) {
                let inside = self.fresh(text.clone());
                scope.insert(text.clone(), Binding::Tensor(Some(inside)));
                carried.push(Carried {
                    before: Use { var, span: name.span().into(), text: text.clone() },
                    inside,
                    name: text,
                });
            }
        }
        self.scopes.push(scope);
        let outer = std::mem::take(&mut self.steps);
        for statement in &body.statements {
            self.statement(statement);
        }
        if let Some(tail) = &body.tail {
            let span = if let Value::Expr(expr) = tail { place_of(expr) } else { body.span.into() };
            self.errors.span(span, "the body of a loop has no value: assign it, as in `x = block(x);`");
        }
        let results: Vec<Use> = carried
            .iter()
            .map(|carried| {
                let var = match self.lookup(&carried.name) {
                    Some(Binding::Tensor(var)) => var,
                    _ => None,
                };
                let last = assigned(body).into_iter().rfind(|name| *name == &carried.name);
                let span = last.map_or(carried.before.span, |name| name.span().into());
                Use { var, span, text: carried.name.clone() }
            })
            .collect();
        self.scopes.pop();
        let body = Region { steps: std::mem::replace(&mut self.steps, outer), results };
        let outputs: Vec<Var> = carried.iter().map(|carried| self.fresh(carried.name.clone())).collect();
        for (carried, output) in carried.iter().zip(&outputs) {
            let name = Ident::new(&carried.name, carried.before.span.start());
            self.bind(&name, Binding::Tensor(Some(*output)));
        }
        self.step(Op::For { field, carried, body }, outputs, variable.span());
    }

    /// The array of submodels that a loop goes over.
    fn loop_field(&mut self, over: &Expr) -> Option<usize> {
        let name = match over {
            Expr::Field(field) if is_self(&field.base) => match &field.member {
                syn::Member::Named(name) => Some(name.to_string()),
                syn::Member::Unnamed(_) => None,
            },
            Expr::Reference(reference) => return self.loop_field(&reference.expr),
            Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
            _ => None,
        };
        let found = name.as_ref().and_then(|name| self.fields.iter().position(|field| field.name == name));
        if let Some(field) = found {
            match self.fields[field].kind {
                FieldKind::Submodels(..) => return Some(field),
                FieldKind::Broken(_) => return None,
                _ => {}
            }
        }
        let arrays: Vec<String> = self
            .fields
            .iter()
            .filter(|field| matches!(field.kind, FieldKind::Submodels(..)))
            .map(|field| format!("`self.{}`", field.name))
            .collect();
        let hint = match arrays.is_empty() {
            true => "declare one, as in `blocks: [Block<D>; LAYERS]`".to_string(),
            false => format!("this model has {}", arrays.join(", ")),
        };
        self.errors.at(over, format!("a loop goes over an array of submodels; {hint}"));
        None
    }

    /// The tensors that a value stands for; none after a mistake.
    pub fn value(&mut self, value: &Value, stated: Option<Stated>) -> Vec<Use> {
        match value {
            Value::Expr(expr) => self.expr(expr, stated),
            Value::If { condition, then, otherwise } => self.branch(condition, then, otherwise, stated),
        }
    }

    fn branch(
        &mut self,
        condition: &Expr,
        then: &Block,
        otherwise: &Block,
        stated: Option<Stated>,
    ) -> Vec<Use> {
        let is_training = matches!(condition, Expr::Field(field)
            if is_self(&field.base) && matches!(&field.member, syn::Member::Named(name) if name == "training"));
        if !is_training {
            self.errors.at(
                condition,
                format!("a forward pass may depend on `self.training` only, not on `{}`", source(condition)),
            );
        }
        let mut region = |block: &Block| {
            self.scopes.push(BTreeMap::new());
            let outer = std::mem::take(&mut self.steps);
            let results = self.block(block, stated.clone());
            self.scopes.pop();
            Region { steps: std::mem::replace(&mut self.steps, outer), results }
        };
        let (then, otherwise) = (region(then), region(otherwise));
        if then.results.is_empty() || otherwise.results.is_empty() {
            return Vec::new();
        }
        if then.results.len() != otherwise.results.len() {
            let (a, b) = (then.results.len(), otherwise.results.len());
            self.errors.at(condition, format!("this gives {a} tensors in training and {b} otherwise"));
            return Vec::new();
        }
        let text = format!("if {} {{ .. }} else {{ .. }}", source(condition));
        let vars: Vec<Var> = then.results.iter().map(|_| self.fresh(text.clone())).collect();
        let span = place_of(condition);
        self.step(Op::If { then, otherwise }, vars.clone(), span);
        vars.into_iter().map(|var| Use { var: Some(var), span, text: text.clone() }).collect()
    }

    /// The tensor of an expression that must give one.
    pub fn single(&mut self, expr: &Expr, stated: Option<Stated>) -> Use {
        let mut uses = self.expr(expr, stated);
        if uses.len() > 1 {
            self.errors.at(
                expr,
                format!(
                    "`{}` gives {} tensors: bind them with `let (a, b, ..) = ..` first",
                    source(expr),
                    uses.len()
                ),
            );
            uses.clear();
        }
        let nothing = || Use { var: None, span: place_of(expr), text: source(expr) };
        uses.pop().unwrap_or_else(nothing)
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
            .filter(|(_, binding)| matches!(binding, Binding::Tensor(_)))
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

    fn bind(&mut self, name: &Ident, binding: Binding) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_string(), binding);
        }
    }
}

/// The names that a block assigns to.
fn assigned(block: &Block) -> Vec<&Ident> {
    let mut names = Vec::new();
    for statement in &block.statements {
        match statement {
            Statement::Assign { name, .. } => names.push(name),
            Statement::For { body, .. } => names.extend(assigned(body)),
            Statement::Let { .. } => {}
        }
    }
    names
}

pub(super) fn is_self(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(path) if path.path.is_ident("self"))
}
