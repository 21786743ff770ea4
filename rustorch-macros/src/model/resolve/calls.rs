//! Expressions: layers, functions, submodels and operators applied to tensors.

use super::super::errors::{Place, place_of, source};
use super::super::ir::{BinaryOp, Call, FieldKind, Op, Operand, Stated, Submodel, Use};
use super::args::{self, Matcher, elements};
use super::body::{Binding, Resolver, is_self};
use crate::einsum;
use rustorch_shape::args::{Kind, Value};
use rustorch_shape::functions::{self, FunctionSpec, Inputs, Outputs};
use rustorch_shape::suggest;
use syn::{BinOp, Expr, Ident, Member, UnOp};

impl Resolver<'_> {
    /// The tensors that an expression stands for; none after a mistake.
    pub(super) fn expr(&mut self, expr: &Expr, stated: Option<Stated>) -> Vec<Use> {
        match expr {
            Expr::Paren(inner) => self.expr(&inner.expr, stated),
            Expr::Group(inner) => self.expr(&inner.expr, stated),
            Expr::Reference(inner) => self.expr(&inner.expr, stated),
            Expr::Path(path) => self.name(expr, path),
            Expr::Call(call) => self.call(call, expr, stated),
            Expr::MethodCall(call) => self.method(call, expr, stated),
            Expr::Binary(binary) => self.binary(binary, expr),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
                let input = self.single(&unary.expr, None);
                self.result(Op::Negate { input }, expr)
            }
            Expr::Macro(call) if call.mac.path.segments.last().is_some_and(|last| last.ident == "einsum") => {
                self.einsum(&call.mac, expr)
            }
            _ => {
                self.errors.at(expr, refusal(expr));
                Vec::new()
            }
        }
    }

    fn name(&mut self, expr: &Expr, path: &syn::ExprPath) -> Vec<Use> {
        let Some(name) = path.path.get_ident() else {
            self.errors.at(expr, refusal(expr));
            return Vec::new();
        };
        match self.lookup(&name.to_string()) {
            Some(Binding::Tensor(var)) => {
                let text = match var.filter(|_| self.is_sequential) {
                    Some(var) => self.vars[var].text.clone(),
                    None => name.to_string(),
                };
                vec![Use { var, span: name.span().into(), text }]
            }
            Some(Binding::Each(_)) => {
                self.errors.at(name, format!("`{name}` is a submodel: call it, as in `{name}(x)`"));
                Vec::new()
            }
            None if self.field(name).is_some() => {
                self.errors.at(name, format!("`{name}` is a layer: call it, as in `{name}(x)`"));
                Vec::new()
            }
            None => {
                self.unknown(name);
                Vec::new()
            }
        }
    }

    fn field(&self, name: &Ident) -> Option<usize> {
        self.fields.iter().position(|field| field.name == *name)
    }

    fn call(&mut self, call: &syn::ExprCall, whole: &Expr, stated: Option<Stated>) -> Vec<Use> {
        let args: Vec<&Expr> = call.args.iter().collect();
        let name = match &*call.func {
            Expr::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
            // `(self.fc1)(x)`
            Expr::Paren(inner) => match &*inner.expr {
                Expr::Field(field) if is_self(&field.base) => named(&field.member),
                _ => None,
            },
            _ => None,
        };
        match name {
            Some(name) => self.apply(name, &args, whole, stated),
            None => {
                self.errors.at(&call.func, "only layers, submodels and functions by name can be called here");
                Vec::new()
            }
        }
    }

    /// `x.relu()`, `self.fc1(x)`, `fc1.forward(x)`, `self.fc1.forward(x)`.
    fn method(&mut self, call: &syn::ExprMethodCall, whole: &Expr, stated: Option<Stated>) -> Vec<Use> {
        let args: Vec<&Expr> = call.args.iter().collect();
        if is_self(&call.receiver) {
            return self.apply(&call.method, &args, whole, stated);
        }
        if call.method == "forward" || call.method == "try_forward" {
            let name = match &*call.receiver {
                Expr::Field(field) if is_self(&field.base) => named(&field.member),
                Expr::Path(path) => path.path.get_ident(),
                _ => None,
            };
            if let Some(name) = name {
                return self.apply(name, &args, whole, stated);
            }
        }
        let all: Vec<&Expr> = std::iter::once(&*call.receiver).chain(args).collect();
        match functions::find(&call.method.to_string()) {
            Some(spec) if spec.inputs != Inputs::List => self.function(spec, &all, whole),
            _ => {
                self.unknown_function(&call.method, "method");
                Vec::new()
            }
        }
    }

    /// A call by name: scopes first, then fields, then functions.
    fn apply(&mut self, name: &Ident, args: &[&Expr], whole: &Expr, stated: Option<Stated>) -> Vec<Use> {
        if let Some(Binding::Each(field)) = self.lookup(&name.to_string()) {
            return self.submodel(Submodel::Each(field), name, args, whole, stated);
        }
        if let Some(field) = self.field(name) {
            return match &self.fields[field].kind {
                FieldKind::Layer(_) => self.layer(field, name, args, whole),
                FieldKind::Submodel(_) => self.submodel(Submodel::Field(field), name, args, whole, stated),
                FieldKind::Submodels(..) => {
                    self.errors.at(name, format!("`{name}` is an array of submodels: write `for block in self.{name} {{ x = block(x); }}`"));
                    Vec::new()
                }
                FieldKind::Broken(_) => {
                    args.iter().for_each(|arg| drop(self.single(arg, None)));
                    Vec::new()
                }
            };
        }
        match functions::find(&name.to_string()) {
            Some(spec) => self.function(spec, args, whole),
            None => {
                self.unknown_function(name, "layer or function");
                Vec::new()
            }
        }
    }

    fn unknown_function(&mut self, name: &Ident, what: &str) {
        let text = name.to_string();
        let fields: Vec<String> = self.fields.iter().map(|field| field.name.to_string()).collect();
        let known = fields.iter().map(String::as_str).chain(functions::all().map(|function| function.name));
        let instead = match text.as_str() {
            "view" => Some("reshape"),
            "swapaxes" | "t" | "T" => Some("transpose"),
            "concat" | "concatenate" => Some("cat"),
            "mm" | "dot" => Some("matmul"),
            "amax" => Some("max"),
            "amin" => Some("min"),
            _ => None,
        };
        let hint = match instead.or_else(|| suggest(&text, known)) {
            Some(meant) => format!("; did you mean `{meant}`?"),
            None => String::new(),
        };
        self.errors.at(name, format!("there is no {what} `{text}`{hint}"));
    }

    fn layer(&mut self, field: usize, name: &Ident, args: &[&Expr], whole: &Expr) -> Vec<Use> {
        let [input] = args else {
            self.errors
                .at(whole, format!("`{name}` takes one tensor, as in `{name}(x)`, not {}", args.len()));
            return Vec::new();
        };
        let input = self.single(input, None);
        let uses = self.result(Op::Layer { field, input }, whole);
        if let (true, Some(var)) = (self.is_sequential, uses.first().and_then(|value| value.var)) {
            self.vars[var].text.clone_from(&self.fields[field].label);
        }
        uses
    }

    fn submodel(
        &mut self,
        target: Submodel,
        name: &Ident,
        args: &[&Expr],
        whole: &Expr,
        stated: Option<Stated>,
    ) -> Vec<Use> {
        let inputs: Vec<Use> = args.iter().map(|arg| self.single(arg, None)).collect();
        let Some(stated) = stated else {
            self.errors.at(
                whole,
                format!("`{name}` is a model of its own, so state the shape that it gives: `let h: [batch, ..] = {};`", source(whole)),
            );
            return Vec::new();
        };
        let count = match &stated {
            Stated::Shapes(shapes) => shapes.len(),
            Stated::Like(_) => 1,
        };
        let text = source(whole);
        let vars: Vec<usize> = (0..count).map(|_| self.fresh(text.clone())).collect();
        let span = place_of(whole);
        self.step(Op::Submodel { target, inputs, stated }, vars.clone(), span);
        vars.into_iter().map(|var| Use { var: Some(var), span, text: text.clone() }).collect()
    }

    fn function(&mut self, spec: &'static FunctionSpec, args: &[&Expr], whole: &Expr) -> Vec<Use> {
        let Some((inputs, rest)) = self.function_inputs(spec, args, whole) else { return Vec::new() };
        let given: Vec<_> = rest.iter().map(|expr| args::split(expr)).collect();
        let matcher = Matcher {
            subject: format!("`{}`", spec.name),
            op: spec.name,
            specs: spec.args,
            sizes: self.sizes,
        };
        let Some((mut call, pairs)) = matcher.resolve(&given, whole, self.errors) else { return Vec::new() };
        self.tensor_args(&pairs, &mut call);
        let count = self.pieces(spec, &call, &inputs);
        let text = source(whole);
        let span = place_of(whole);
        let vars: Vec<usize> = (0..count).map(|_| self.fresh(text.clone())).collect();
        self.step(Op::Function { spec, inputs, call }, vars.clone(), span);
        vars.into_iter().map(|var| Use { var: Some(var), span, text: text.clone() }).collect()
    }

    /// The tensors of a call, and its other arguments.
    fn function_inputs<'e>(
        &mut self,
        spec: &FunctionSpec,
        args: &[&'e Expr],
        whole: &Expr,
    ) -> Option<(Vec<Use>, Vec<&'e Expr>)> {
        match spec.inputs {
            Inputs::Named(names) => {
                let positional = args.iter().take_while(|arg| args::split(arg).0.is_none()).count();
                if positional < names.len() {
                    let takes =
                        if names.len() == 1 { "a tensor".into() } else { format!("{} tensors", names.len()) };
                    let message =
                        format!("`{}` takes {takes}: `{}({}, ..)`", spec.name, spec.name, names.join(", "));
                    self.errors.at(
                        whole,
                        message.replace(", ..)", if spec.args.is_empty() { ")" } else { ", ..)" }),
                    );
                    return None;
                }
                let (tensors, rest) = args.split_at(names.len());
                Some((tensors.iter().map(|arg| self.single(arg, None)).collect(), rest.to_vec()))
            }
            Inputs::List => {
                let list = args.first().and_then(|first| elements(first));
                let Some(list) = list else {
                    self.errors.at(
                        whole,
                        format!("`{}` takes a list of tensors: `{}([a, b], 1)`", spec.name, spec.name),
                    );
                    return None;
                };
                Some((list.into_iter().map(|arg| self.single(arg, None)).collect(), args[1..].to_vec()))
            }
        }
    }

    /// Resolves arguments that are tensors: `mask = m`, `maximum(x, y)`.
    fn tensor_args(&mut self, pairs: &args::Pairs<'_>, call: &mut Call) {
        for (arg, expr) in pairs {
            let is_tensor = match arg.kind {
                Kind::Tensor => true,
                Kind::Operand => !self.is_scalar(expr),
                _ => false,
            };
            if !is_tensor {
                continue;
            }
            let value = self.single(expr, None);
            call.args.set(arg.name, Value::Absent);
            if let Some(written) = call.written.iter_mut().find(|written| written.name == arg.name) {
                written.var = value.var;
            }
        }
    }

    /// How many tensors a call gives. Splits need it before shapes are known, for the names they are bound to.
    fn pieces(&self, spec: &FunctionSpec, call: &Call, inputs: &[Use]) -> usize {
        use rustorch_shape::Size;
        if let Outputs::Tuple(count) = spec.outputs {
            return count;
        }
        if spec.outputs != Outputs::Pieces || inputs.is_empty() {
            return 1;
        }
        match (call.args.get("chunks"), call.args.get("split_size")) {
            (Some(Value::Size(chunks)), _) => chunks.as_constant().filter(|n| *n <= 64).unwrap_or(1),
            (_, Some(Value::Sizes(sizes))) => sizes.len(),
            // Checked against the number of pieces once that is known.
            _ => self.names,
        }
    }

    fn binary(&mut self, binary: &syn::ExprBinary, whole: &Expr) -> Vec<Use> {
        let op = match binary.op {
            BinOp::Add(_) => BinaryOp::Add,
            BinOp::Sub(_) => BinaryOp::Sub,
            BinOp::Mul(_) => BinaryOp::Mul,
            BinOp::Div(_) => BinaryOp::Div,
            _ => {
                self.errors.at(whole, format!("tensors have `+ - * /` here, not `{}`", source(&binary.op)));
                return Vec::new();
            }
        };
        let (left, right) = (self.operand(&binary.left), self.operand(&binary.right));
        if let (Operand::Scalar(_), Operand::Scalar(_)) = (&left, &right) {
            self.errors.at(whole, format!("`{}` is a number, but a tensor is needed here", source(whole)));
            return Vec::new();
        }
        self.result(Op::Binary { op, left, right }, whole)
    }

    fn operand(&mut self, expr: &Expr) -> Operand {
        if self.is_scalar(expr) {
            Operand::Scalar(args::as_float(expr))
        } else {
            Operand::Tensor(self.single(expr, None))
        }
    }

    /// Whether an expression is a number of Rust: no tensor and no layer occurs in it.
    fn is_scalar(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Lit(_) | Expr::Cast(_) => true,
            Expr::Path(path) => match path.path.get_ident() {
                Some(name) => {
                    let text = name.to_string();
                    let unbound = self.lookup(&text).is_none() && self.field(name).is_none();
                    unbound && (!self.sizes.is_dim_name(&text) || self.sizes.dims().contains(&text))
                }
                None => true,
            },
            Expr::Paren(inner) => self.is_scalar(&inner.expr),
            Expr::Group(inner) => self.is_scalar(&inner.expr),
            Expr::Unary(unary) => self.is_scalar(&unary.expr),
            Expr::Binary(binary) => self.is_scalar(&binary.left) && self.is_scalar(&binary.right),
            Expr::MethodCall(call) => {
                !is_self(&call.receiver)
                    && self.is_scalar(&call.receiver)
                    && call.args.iter().all(|arg| self.is_scalar(arg))
            }
            // `f64::sqrt(2.0)`, but not `relu(x)`.
            Expr::Call(call) => {
                matches!(&*call.func, Expr::Path(path) if path.path.segments.len() > 1)
                    && call.args.iter().all(|arg| self.is_scalar(arg))
            }
            _ => false,
        }
    }

    fn einsum(&mut self, mac: &syn::Macro, whole: &Expr) -> Vec<Use> {
        let parsed = match mac.parse_body::<einsum::parse::Input>() {
            Ok(parsed) => parsed,
            Err(error) => {
                self.errors.push(error);
                return Vec::new();
            }
        };
        let inputs: Vec<Use> = parsed.operands().iter().map(|operand| self.single(operand, None)).collect();
        match einsum::check::check(&parsed) {
            Ok(spec) => self.result(Op::Einsum { spec, inputs }, whole),
            Err(error) => {
                self.errors.push(error);
                Vec::new()
            }
        }
    }

    /// A step with one result.
    fn result(&mut self, op: Op, whole: &Expr) -> Vec<Use> {
        let (text, span): (String, Place) = (source(whole), place_of(whole));
        let var = self.fresh(text.clone());
        self.step(op, vec![var], span);
        vec![Use { var: Some(var), span, text }]
    }
}

fn named(member: &Member) -> Option<&Ident> {
    match member {
        Member::Named(name) => Some(name),
        Member::Unnamed(_) => None,
    }
}

/// What to write instead of an expression that a forward pass does not have.
fn refusal(expr: &Expr) -> String {
    let text = source(expr);
    match expr {
        Expr::Lit(_) => format!("`{text}` is a number, but a tensor is needed here"),
        Expr::Index(_) => "indexing is not part of a forward pass: write `narrow(x, dim, start, length)` for a range, `select(x, dim, index)` for one position".into(),
        Expr::Macro(call) => format!("`{}!` cannot be used in a forward pass; `einsum!` can", source(&call.mac.path)),
        Expr::Closure(_) => "closures cannot be used in a forward pass: write the steps out".into(),
        Expr::Match(_) => "`match` cannot be used in a forward pass; `if self.training { .. } else { .. }` can".into(),
        Expr::If(_) | Expr::Block(_) => format!("bind this with `let` first: `let y = {};`", if matches!(expr, Expr::If(_)) { "if self.training { .. } else { .. }" } else { "{ .. }" }),
        Expr::Field(field) if is_self(&field.base) => format!("`{text}` is a layer: call it, as in `{}(x)`", source(&field.member)),
        Expr::Try(_) => "leave out `?`: the shapes have been checked, and errors of the device are passed on by `try_forward`".into(),
        Expr::Tuple(_) => "a tuple can only be the output: bind each tensor with `let`".into(),
        _ => format!("`{text}` cannot be used in a forward pass, which consists of layers, functions, operators and `let`"),
    }
}
