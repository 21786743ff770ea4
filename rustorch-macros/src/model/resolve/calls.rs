//! Calls by name: of layers, submodels and functions, also as methods and of one of an array.

use super::super::errors::source;
use super::super::ir::{Element, FieldKind, Op, Stated, Submodel, Tree, Use};
use super::args;
use super::body::{Binding, Resolver, Target, is_self};
use super::expr::named;
use super::value::Val;
use rustorch_shape::functions::{self, Inputs};
use rustorch_shape::layers::Signature;
use rustorch_shape::suggest;
use syn::{Expr, Ident, Lit};

impl Resolver<'_> {
    pub(super) fn call(&mut self, call: &syn::ExprCall, whole: &Expr, target: Option<Target>) -> Val {
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
    pub(super) fn method(&mut self, call: &syn::ExprMethodCall, whole: &Expr, target: Option<Target>) -> Val {
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
