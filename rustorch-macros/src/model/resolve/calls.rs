//! Expressions: layers, functions, submodels and operators applied to tensors.

use super::super::errors::{Place, place_of, source};
use super::super::ir::{
    BinaryOp, Call, Element, FieldKind, Op, Operand, Stated, Submodel, Tree, Use, Written,
};
use super::args::{self, Matcher, elements};
use super::body::{Binding, Resolver, Target, is_self};
use super::value::Val;
use crate::einsum;
use rustorch_shape::args::{Args, Kind, Value};
use rustorch_shape::functions::{self, FunctionSpec, Inputs, Outputs};
use rustorch_shape::layers::Signature;
use rustorch_shape::suggest;
use syn::{BinOp, Expr, Ident, Lit, Member, UnOp};

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
            Some(Binding::Number) => {
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
        self.fields.iter().position(|field| field.name == *name)
    }

    fn call(&mut self, call: &syn::ExprCall, whole: &Expr, target: Option<Target>) -> Val {
        let args: Vec<&Expr> = call.args.iter().collect();
        let mut func = &*call.func;
        while let Expr::Paren(inner) = func {
            func = &inner.expr;
        }
        let name = match func {
            Expr::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
            // `(self.fc1)(x)`
            Expr::Field(field) if is_self(&field.base) => named(&field.member),
            Expr::Index(index) => return self.element(index, &args, whole, target),
            _ => None,
        };
        match name {
            Some(name) => self.apply(name, &args, whole, target),
            None => {
                self.errors.at(&call.func, "only layers, submodels and functions by name can be called here");
                Val::Broken
            }
        }
    }

    /// `convs[0](x)`, `self.blocks[1](x)`
    fn element(
        &mut self,
        index: &syn::ExprIndex,
        args: &[&Expr],
        whole: &Expr,
        target: Option<Target>,
    ) -> Val {
        let name = match &*index.expr {
            Expr::Path(path) => path.path.get_ident(),
            Expr::Field(field) if is_self(&field.base) => named(&field.member),
            _ => None,
        };
        let field = name.and_then(|name| Some((name, self.field(name)?)));
        let at = match &*index.index {
            Expr::Lit(lit) => match &lit.lit {
                Lit::Int(int) => int.base10_parse::<usize>().ok(),
                _ => None,
            },
            _ => None,
        };
        let Some((name, field)) = field else {
            self.errors
                .at(&index.expr, "only an array of layers or models of this model can be called by number");
            return Val::Broken;
        };
        match (&self.fields[field].kind, at) {
            (FieldKind::Layers(..), Some(at)) => self.layer(field, Element::At(at), name, args, whole),
            (FieldKind::Submodels(..), Some(at)) => {
                self.submodel(Submodel::At(field, at), name, args, whole, target)
            }
            (FieldKind::Layers(..) | FieldKind::Submodels(..), None) => {
                self.errors.at(&index.index, format!("the number of an element must be a literal; to use all of them, write `for layer in self.{name} {{ .. }}`"));
                Val::Broken
            }
            (FieldKind::Broken(_), _) => Val::Broken,
            _ => {
                self.errors.at(&index.expr, format!("`{name}` is no array of layers or models"));
                Val::Broken
            }
        }
    }

    /// `x.relu()`, `self.fc1(x)`, `fc1.forward(x)`, `self.fc1.forward(x)`.
    fn method(&mut self, call: &syn::ExprMethodCall, whole: &Expr, target: Option<Target>) -> Val {
        let args: Vec<&Expr> = call.args.iter().collect();
        if is_self(&call.receiver) {
            return self.apply(&call.method, &args, whole, target);
        }
        if call.method == "forward" || call.method == "try_forward" {
            let name = match &*call.receiver {
                Expr::Field(field) if is_self(&field.base) => named(&field.member),
                Expr::Path(path) => path.path.get_ident(),
                _ => None,
            };
            if let Some(name) = name {
                return self.apply(name, &args, whole, target);
            }
        }
        let all: Vec<&Expr> = std::iter::once(&*call.receiver).chain(args).collect();
        match functions::find(&call.method.to_string()) {
            Some(spec) if spec.inputs != Inputs::List => self.function(spec, &all, whole),
            _ => {
                self.unknown_function(&call.method, "method");
                Val::Broken
            }
        }
    }

    /// A call by name: scopes first, then fields, then functions.
    fn apply(&mut self, name: &Ident, args: &[&Expr], whole: &Expr, target: Option<Target>) -> Val {
        if let Some(Binding::Each(field)) = self.lookup(&name.to_string()) {
            return match self.fields[field].kind {
                FieldKind::Layer(_) | FieldKind::Layers(..) => {
                    self.layer(field, Element::Each, name, args, whole)
                }
                FieldKind::Broken(_) => Val::Broken,
                _ => self.submodel(Submodel::Each(field), name, args, whole, target),
            };
        }
        if let Some(field) = self.field(name) {
            if self.fields[field].is_optional() {
                self.errors.at(name, format!("`{name}` may be missing: write `if let Some({name}) = self.{name} {{ x = {name}(x); }}`"));
                return Val::Broken;
            }
            let message = match &self.fields[field].kind {
                FieldKind::Layer(_) => return self.layer(field, Element::Whole, name, args, whole),
                FieldKind::Submodel(_) => {
                    return self.submodel(Submodel::Field(field), name, args, whole, target);
                }
                FieldKind::Submodels(..) => format!(
                    "`{name}` is an array of submodels: write `for block in self.{name} {{ x = block(x); }}`"
                ),
                FieldKind::Layers(..) => format!(
                    "`{name}` is an array of layers: write `for layer in self.{name} {{ x = layer(x); }}`, or `{name}[0](x)` for one of them"
                ),
                FieldKind::Tensor(_) => format!("`{name}` is a tensor, not a layer: it cannot be called"),
                FieldKind::Broken(_) => {
                    args.iter().for_each(|arg| drop(self.expr(args::split(arg).1, None)));
                    return Val::Broken;
                }
            };
            self.errors.at(name, message);
            return Val::Broken;
        }
        match functions::find(&name.to_string()) {
            Some(spec) => self.function(spec, args, whole),
            None => {
                self.unknown_function(name, "layer or function");
                Val::Broken
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
            "powi" | "powf" => Some("pow"),
            "where" => Some("where_"),
            "mul_scalar" => Some("mul"),
            "logsigmoid" => Some("log_sigmoid"),
            "swish" => Some("silu"),
            _ => None,
        };
        let hint = match instead.or_else(|| suggest(&text, known)) {
            Some(meant) => format!("; did you mean `{meant}`?"),
            None => String::new(),
        };
        self.errors.at(name, format!("there is no {what} `{text}`{hint}"));
    }

    /// A call of a layer: its tensors, its state if it has one, and tensors by name.
    fn layer(&mut self, field: usize, element: Element, name: &Ident, args: &[&Expr], whole: &Expr) -> Val {
        let Some(signature) = self.fields[field].layer().map(|layer| layer.spec.signature) else {
            return Val::Broken;
        };
        // In the sequential form, what counts of a recurrent layer is its output.
        let maps = signature.is_map() || (self.is_sequential && signature.inputs.len() == 1);
        if let (true, [input]) = (maps, args)
            && args::split(input).0.is_none()
        {
            let input = self.single(input, None);
            let op = match element {
                Element::Whole => Op::Layer { field, input },
                _ => Op::LayerCall { field, element, inputs: vec![input], options: Vec::new() },
            };
            let value = self.result(op, whole);
            if let (true, Val::Tensor(Use { var: Some(var), .. })) = (self.is_sequential, &value) {
                self.vars[*var].text.clone_from(&self.fields[field].label);
            }
            return value;
        }
        let positional: Vec<&Expr> =
            args.iter().take_while(|arg| args::split(arg).0.is_none()).copied().collect();
        let (least, most) =
            (signature.inputs.len(), signature.inputs.len() + usize::from(!signature.state.is_empty()));
        let named = &args[positional.len()..];
        if positional.len() < least
            || positional.len() > most
            || named.iter().any(|arg| args::split(arg).0.is_none())
        {
            let message = format!("`{name}` takes {}, not {}", usage(name, &signature), positional.len());
            self.errors.at(whole, message);
            return Val::Broken;
        }
        let mut inputs: Vec<Use> = positional[..least].iter().map(|arg| self.single(arg, None)).collect();
        if let Some(state) = positional.get(least) {
            let value = self.expr(state, None);
            let wanted = match signature.state {
                [_] => Tree::One,
                names => Tree::Tuple(vec![Tree::One; names.len()]),
            };
            let Some(uses) = value.flat() else { return Val::Broken };
            if value.tree() != wanted {
                let message = format!(
                    "`{name}` takes {}; `{}` is not grouped like that",
                    usage(name, &signature),
                    source(state)
                );
                self.errors.at(state, message);
                return Val::Broken;
            }
            inputs.extend(uses);
        }
        let mut options = Vec::new();
        for arg in named {
            let (option, expr) = args::split(arg);
            let text = option.map(ToString::to_string).unwrap_or_default();
            match signature.options.iter().find(|option| option.name == text) {
                Some(option) => options.push((option.name, self.single(expr, None))),
                None => {
                    let names: Vec<&str> = signature.options.iter().map(|option| option.name).collect();
                    let hint = match suggest(&text, names.iter().copied()) {
                        Some(meant) => format!("; did you mean `{meant}`?"),
                        None if names.is_empty() => "; options of a layer stand where it is declared".into(),
                        None => format!("; it takes {}", args::quoted(&names)),
                    };
                    self.errors.at(option, format!("a call of `{name}` takes no `{text}`{hint}"));
                    return Val::Broken;
                }
            }
        }
        let tree = Tree::from(signature.results);
        let op = Op::LayerCall { field, element, inputs, options };
        self.results(op, &tree, whole)
    }

    fn submodel(
        &mut self,
        target: Submodel,
        name: &Ident,
        args: &[&Expr],
        whole: &Expr,
        stated: Option<Target>,
    ) -> Val {
        let values: Vec<Val> = args.iter().map(|arg| self.expr(arg, None)).collect();
        let Some(Target { stated, tree }) = stated else {
            self.errors.at(
                whole,
                format!("`{name}` is a model of its own, so state the shape that it gives: `let h: [batch, ..] = {};`", source(whole)),
            );
            return Val::Broken;
        };
        let arguments = values.iter().map(Val::tree).collect();
        let Some(inputs) = values.iter().map(Val::flat).collect::<Option<Vec<_>>>() else {
            // The results are known all the same.
            return match stated {
                Stated::Shapes(_) | Stated::Like(_) => Val::Broken,
            };
        };
        let inputs = inputs.into_iter().flatten().collect();
        let op = Op::Submodel { target, inputs, arguments, stated, result: tree.clone() };
        self.results(op, &tree, whole)
    }

    fn function(&mut self, spec: &'static FunctionSpec, args: &[&Expr], whole: &Expr) -> Val {
        // The names are those of this call's results, not of a call inside it.
        let names = self.names.take();
        let Some((inputs, rest)) = self.function_inputs(spec, args, whole) else { return Val::Broken };
        let given: Vec<_> = rest.iter().map(|expr| args::split(expr)).collect();
        let matcher = Matcher {
            subject: format!("`{}`", spec.name),
            op: spec.name,
            specs: spec.args,
            sizes: self.sizes,
        };
        let Some((mut call, pairs)) = matcher.resolve(&given, whole, self.errors) else { return Val::Broken };
        self.tensor_args(&pairs, &mut call);
        let count = pieces(spec, &call, names);
        let tree = match spec.outputs {
            Outputs::One | Outputs::InTraining => Tree::One,
            Outputs::Pieces | Outputs::Tuple(_) if count == 1 && names.is_none() => Tree::One,
            Outputs::Pieces | Outputs::Tuple(_) => Tree::Tuple(vec![Tree::One; count]),
        };
        self.results(Op::Function { spec, inputs, call }, &tree, whole)
    }

    /// A function of tensors, and perhaps of an operand called `b`.
    fn apply_spec(&mut self, name: &str, inputs: Vec<Use>, operand: Option<&Expr>, whole: &Expr) -> Val {
        let Some(spec) = functions::find(name) else { return Val::Broken };
        let mut call = Call { args: Args::new(spec.name), written: Vec::new() };
        if let (Some(expr), Some(arg)) = (operand, spec.args.first()) {
            call.args.set(arg.name, Value::Expression);
            let expr_tokens = args::as_float(expr);
            call.written.push(Written { name: arg.name, span: place_of(expr), expr: expr_tokens, var: None });
            self.tensor_args(&vec![(arg, expr)], &mut call);
        }
        self.results(Op::Function { spec, inputs, call }, &Tree::One, whole)
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

    fn binary(&mut self, binary: &syn::ExprBinary, whole: &Expr) -> Val {
        let op = match binary.op {
            BinOp::Add(_) => BinaryOp::Add,
            BinOp::Sub(_) => BinaryOp::Sub,
            BinOp::Mul(_) => BinaryOp::Mul,
            BinOp::Div(_) => BinaryOp::Div,
            _ => return self.compared(binary, whole),
        };
        let (left, right) = (self.operand(&binary.left), self.operand(&binary.right));
        if let (Operand::Scalar(_), Operand::Scalar(_)) = (&left, &right) {
            self.errors.at(whole, format!("`{}` is a number, but a tensor is needed here", source(whole)));
            return Val::Broken;
        }
        self.result(Op::Binary { op, left, right }, whole)
    }

    /// Operators that are functions: `%`, comparisons and logic. A number on the left changes sides.
    fn compared(&mut self, binary: &syn::ExprBinary, whole: &Expr) -> Val {
        let (name, turned) = match binary.op {
            BinOp::Rem(_) => ("remainder", None),
            BinOp::Lt(_) => ("lt", Some("gt")),
            BinOp::Le(_) => ("le", Some("ge")),
            BinOp::Gt(_) => ("gt", Some("lt")),
            BinOp::Ge(_) => ("ge", Some("le")),
            BinOp::Eq(_) => ("eq", Some("eq")),
            BinOp::Ne(_) => ("ne", Some("ne")),
            BinOp::BitAnd(_) => ("logical_and", Some("logical_and")),
            BinOp::BitOr(_) => ("logical_or", Some("logical_or")),
            BinOp::BitXor(_) => ("logical_xor", Some("logical_xor")),
            BinOp::And(_) | BinOp::Or(_) => {
                let single = if matches!(binary.op, BinOp::And(_)) { "&" } else { "|" };
                self.errors.at(whole, format!("masks are combined element by element: write `{single}`"));
                return Val::Broken;
            }
            _ => {
                self.errors.at(whole, format!("tensors have no `{}` here", source(&binary.op)));
                return Val::Broken;
            }
        };
        let (left, right) = (&*binary.left, &*binary.right);
        let (name, left, right) = match (self.is_scalar(left), self.is_scalar(right), turned) {
            (true, true, _) => {
                self.errors.at(whole, format!("`{}` is no tensor", source(whole)));
                return Val::Broken;
            }
            (true, false, Some(turned)) => (turned, right, left),
            (true, false, None) => {
                self.errors.at(whole, format!("write the tensor first: `{name}(x, y)`"));
                return Val::Broken;
            }
            _ => (name, left, right),
        };
        let left = self.single(left, None);
        self.apply_spec(name, vec![left], Some(right), whole)
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
                    match self.lookup(&text) {
                        Some(Binding::Number) => true,
                        Some(_) => false,
                        None if self.field(name).is_some() => false,
                        None => !self.sizes.is_dim_name(&text) || self.sizes.dims().contains(&text),
                    }
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

    fn einsum(&mut self, mac: &syn::Macro, whole: &Expr) -> Val {
        let parsed = match mac.parse_body::<einsum::parse::Input>() {
            Ok(parsed) => parsed,
            Err(error) => {
                self.errors.push(error);
                return Val::Broken;
            }
        };
        let inputs: Vec<Use> = parsed.operands().iter().map(|operand| self.single(operand, None)).collect();
        match einsum::check::check(&parsed) {
            Ok(spec) => self.result(Op::Einsum { spec, inputs }, whole),
            Err(error) => {
                self.errors.push(error);
                Val::Broken
            }
        }
    }

    /// A step with one result.
    pub(super) fn result(&mut self, op: Op, whole: &Expr) -> Val {
        self.results(op, &Tree::One, whole)
    }

    /// A step with results that are grouped like this.
    fn results(&mut self, op: Op, tree: &Tree, whole: &Expr) -> Val {
        let (text, span): (String, Place) = (source(whole), place_of(whole));
        let vars: Vec<usize> = (0..tree.count()).map(|_| self.fresh(text.clone())).collect();
        self.step(op, vars.clone(), span);
        let mut uses = vars.into_iter().map(|var| Use { var: Some(var), span, text: text.clone() });
        Val::grouped(tree, &mut uses)
    }
}

/// How many tensors a call gives. Splits need it before shapes are known, for the names they are bound to.
fn pieces(spec: &FunctionSpec, call: &Call, names: Option<usize>) -> usize {
    use rustorch_shape::Size;
    match spec.outputs {
        Outputs::One | Outputs::InTraining => return 1,
        Outputs::Tuple(count) => return count,
        Outputs::Pieces => {}
    }
    match (call.args.get("chunks"), call.args.get("split_size")) {
        (Some(Value::Size(chunks)), _) => chunks.as_constant().filter(|n| *n <= 64).unwrap_or(1),
        (_, Some(Value::Sizes(sizes))) => sizes.len(),
        // Checked against the number of pieces once that is known.
        _ => names.unwrap_or(1),
    }
}

/// How a layer of several tensors is called: "`lstm(x)` or `lstm(x, (h0, c0))`".
fn usage(name: &Ident, signature: &Signature) -> String {
    let inputs = signature.inputs.join(", ");
    match (signature.inputs.len(), signature.state) {
        (1, []) => format!("one tensor, as in `{name}({inputs})`"),
        (n, []) => format!("{n} tensors, as in `{name}({inputs})`"),
        (_, [state]) => {
            format!("its input and perhaps a state, `{name}({inputs})` or `{name}({inputs}, {state})`")
        }
        (_, state) => {
            format!(
                "its input and perhaps a state, `{name}({inputs})` or `{name}({inputs}, ({}))`",
                state.join(", ")
            )
        }
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
        Expr::Macro(call) => format!("`{}!` cannot be used in a forward pass; `einsum!` can", source(&call.mac.path)),
        Expr::Closure(_) => "closures cannot be used in a forward pass: write the steps out".into(),
        Expr::Match(_) => "bind this with `let` first: `let y = match KIND { .. };`".into(),
        Expr::If(_) => "bind this with `let` first: `let y = if self.training { .. } else { .. };`".into(),
        Expr::Block(_) => "leave out the braces: write the steps before this, one `let` each".into(),
        Expr::Return(_) => "leave out `return`: the last expression is the output".into(),
        Expr::Assign(_) => "an assignment is a statement of its own: `x = ..;`".into(),
        Expr::Array(_) => format!("`{text}` is a list, but a tensor is needed here: `stack([a, b], 0)` and `cat([a, b], 0)` join tensors"),
        Expr::Field(field) if is_self(&field.base) => format!("`{text}` is a layer: call it, as in `{}(x)`", source(&field.member)),
        Expr::Try(_) => "leave out `?`: the shapes have been checked, and errors of the device are passed on by `try_forward`".into(),
        Expr::Tuple(_) => "this is nothing, but a tensor is needed here".into(),
        _ => format!("`{text}` cannot be used in a forward pass, which consists of layers, functions, operators and `let`"),
    }
}
