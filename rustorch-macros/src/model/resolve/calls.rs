//! Calls by name: of layers, submodels and functions, also as methods and of one of an array.

use super::super::super::typed::shape::camel;
use super::super::errors::{place_of, source};
use super::super::ir::{Element, FieldKind, Op, Stated, Submodel};
use super::body::{Binding, Resolver, Target, is_self};
use super::expr::named;
use super::value::Val;
use super::written;
use rustorch_shape::functions::{self, Inputs};
use rustorch_shape::suggest;
use syn::{Expr, Ident, Lit};

/// What to write instead of asking a tensor for its sizes.
pub(super) const SIZES: &str = "sizes have names: write `x: [batch, ..]` as the shape of the input, and `batch` where the size is needed";

/// Modules in which other libraries keep their functions.
const MODULES: [&str; 8] = ["F", "torch", "nn", "functional", "tf", "jnp", "np", "jax"];

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
            None if matches!(func, Expr::Call(_)) => {
                let message = format!(
                    "a layer is declared as a field, `layer: {}`, and called here by its name: `layer(x)`",
                    source(func)
                );
                self.errors.at(func, message);
                Val::Broken
            }
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
        if let (FieldKind::Layers(_, len) | FieldKind::Submodels(_, len), Some(at)) =
            (&self.fields[field].kind, at)
            && let Some(len) = written::integer(len)
            && len >= 0
            && at >= len as usize
        {
            let message = format!("`{name}` has {len} elements, so there is no `{name}[{at}]`");
            self.errors.at(&index.index, message);
            return Val::Broken;
        }
        match (&self.fields[field].kind, at) {
            (FieldKind::Layers(..), Some(at)) => self.layer(field, Element::At(at), name, args, whole),
            (FieldKind::Submodels(..), Some(at)) => {
                self.submodel(Submodel::At(field, at), name, args, whole, target)
            }
            (FieldKind::Layers(_, len) | FieldKind::Submodels(_, len), None) => {
                let (Some(position), is_layer) = (
                    self.position(name, &index.index, len),
                    matches!(self.fields[field].kind, FieldKind::Layers(..)),
                ) else {
                    self.visit(args);
                    return Val::Broken;
                };
                match is_layer {
                    true => self.layer(field, Element::Counted(position), name, args, whole),
                    false => self.submodel(Submodel::Counted(field, position), name, args, whole, target),
                }
            }
            (FieldKind::Broken(_), _) => Val::Broken,
            _ => {
                self.errors.at(&index.expr, format!("`{name}` is no array of layers or models"));
                Val::Broken
            }
        }
    }

    /// The number of a position in an array that depends on what loops count: `convs[i]`, `blocks[N - 1 - i]`.
    fn position(&mut self, name: &Ident, at: &Expr, len: &Expr) -> Option<usize> {
        let message = || {
            format!(
                "`{}` is no number of an element: write a literal, or what a loop counts, as in `for i in 0..{} {{ x = {name}[i](x); }}`; to use all of them, write `for layer in self.{name} {{ x = layer(x); }}`",
                source(at),
                source(len)
            )
        };
        let Ok(position) = self.counting().size(at) else {
            self.errors.at(at, message());
            return None;
        };
        // A length that is no size is not known here, so no position in the array is.
        let length = self.errors.take(self.sizes.size(len))?;
        self.step(
            Op::Within { name: name.to_string(), position: position.clone(), length },
            Vec::new(),
            place_of(at),
        );
        self.positions.push(position);
        Some(self.positions.len() - 1)
    }

    /// `x.relu()`, `self.fc1(x)`, `fc1.forward(x)`, `self.fc1.forward(x)`.
    pub(super) fn method(&mut self, call: &syn::ExprMethodCall, whole: &Expr, target: Option<Target>) -> Val {
        let args: Vec<&Expr> = call.args.iter().collect();
        if is_self(&call.receiver) {
            if self.field(&call.method).is_none() && functions::find(&call.method.to_string()).is_none() {
                self.unknown_field(&call.method);
                self.visit(&args);
                return Val::Broken;
            }
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
        if let Some(first) = module(&call.receiver).filter(|first| self.lookup(&first.to_string()).is_none())
        {
            // Of a name that is not there, something else is written instead of the whole.
            if functions::find(&call.method.to_string()).is_some() || self.field(&call.method).is_some() {
                let message = format!(
                    "leave out `{}.`: functions go by their names, as in `{}(..)`",
                    source(&call.receiver),
                    call.method
                );
                self.errors.at(first, message);
            }
            return self.apply(&call.method, &args, whole, target);
        }
        if matches!(&*call.receiver, Expr::Call(parent) if source(&parent.func) == "super") {
            let message = "a model has no other beneath it: declare that one as a field, `base: Base<D>`, and call it, `let h: [batch, D] = base(x);`";
            self.errors.at(&call.receiver, message);
            self.visit(&args);
            return Val::Broken;
        }
        let all: Vec<&Expr> = std::iter::once(&*call.receiver).chain(args.iter().copied()).collect();
        match functions::find(&call.method.to_string()) {
            Some(spec) if spec.inputs != Inputs::List => self.function(spec, &all, whole),
            Some(spec) => {
                let name = spec.name;
                self.errors
                    .at(&call.method, format!("`{name}` takes a list of tensors: `{name}([a, b], 1)`"));
                self.visit(&all);
                Val::Broken
            }
            None => {
                match self.field(&call.method) {
                    // `conv(x).norm()`
                    Some(_) => self.errors.at(&call.method, layer_as_method(call)),
                    None if call.method == "view"
                        && !args.iter().any(|arg| written::elements(arg).is_some()) =>
                    {
                        self.errors.at(&call.method, view(call));
                    }
                    // Of a chain of such calls the first is the mistake.
                    None if self.is_unknown_method(&call.receiver) => {}
                    None => self.unknown_function(&call.method, "method"),
                }
                self.visit(&all);
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
                    self.visit(args);
                    return Val::Broken;
                }
            };
            self.errors.at(name, message);
            return Val::Broken;
        }
        match (functions::find(&name.to_string()), self.lookup(&name.to_string())) {
            (Some(spec), _) => return self.function(spec, args, whole),
            (None, Some(Binding::Value(Val::Broken))) => {}
            (None, Some(_)) => {
                self.errors.at(name, format!("`{name}` is no layer and no function: it cannot be called"));
            }
            (None, None) => self.unknown_function(name, "layer or function"),
        }
        self.visit(args);
        Val::Broken
    }

    /// Looks for mistakes in the arguments of a call that is one itself.
    pub(super) fn visit(&mut self, args: &[&Expr]) {
        for arg in args {
            let (_, arg) = written::split(arg);
            match written::elements(arg) {
                Some(list) => {
                    let calls = list.into_iter().filter(|part| matches!(part, Expr::Call(_)));
                    self.visit(&calls.collect::<Vec<_>>());
                }
                None if matches!(
                    arg,
                    Expr::Call(_) | Expr::MethodCall(_) | Expr::Path(_) | Expr::Binary(_)
                ) && !self.is_scalar(arg) =>
                {
                    self.expr(arg, None);
                }
                None => {}
            }
        }
    }

    /// `x.iter()`
    fn is_unknown_method(&self, expr: &Expr) -> bool {
        let Expr::MethodCall(call) = expr else { return false };
        !is_self(&call.receiver)
            && call.method != "forward"
            && functions::find(&call.method.to_string()).is_none()
            && self.field(&call.method).is_none()
    }

    /// `self.fc3(x)`
    fn unknown_field(&mut self, name: &Ident) {
        let fields: Vec<String> = self.fields.iter().map(|field| field.name.to_string()).collect();
        let hint = match suggest(&name.to_string(), fields.iter().map(String::as_str)) {
            Some(meant) => format!("; did you mean `{meant}`?"),
            None if fields.is_empty() => String::new(),
            None => format!("; it has `{}`", fields.join("`, `")),
        };
        self.errors.at(name, format!("the model has no field `{name}`{hint}"));
    }

    fn unknown_function(&mut self, name: &Ident, what: &str) {
        let text = name.to_string();
        // A field of this name has been refused.
        if super::RESERVED.contains(&text.as_str()) {
            return;
        }
        let elsewhere = match text.as_str() {
            "size" | "shape" | "dim" | "dims" | "numel" | "len" => Some(SIZES),
            "rearrange" | "reduce" => {
                Some("it is a macro: write `rearrange!(\"b (h d) -> b h d\", x, h = 4)`")
            }
            "einsum" => Some("it is a macro: write `einsum!(\"bi,ij->bj\", x, w)`"),
            "cross_entropy"
            | "nll_loss"
            | "mse_loss"
            | "l1_loss"
            | "bce_loss"
            | "binary_cross_entropy"
            | "loss" => Some(
                "a loss compares the output of a model with what it should be: compute it from what `forward` gives",
            ),
            "zeros" | "ones" | "full" | "rand" | "randn" | "arange" | "linspace" | "eye" | "from_slice" => {
                Some(
                    "a tensor that is always the same is a field, `name: Buffer([..], init = ..)`; one of a tensor's shape is made by `zeros_like(x)`, `full_like(x, 2.0)`, `rand_like(x)` or `randn_like(x)`",
                )
            }
            "pack_padded_sequence"
            | "pad_packed_sequence"
            | "pack_sequence"
            | "pad_sequence"
            | "unpack_sequence" => Some(
                "a packed sequence has no shape: give the padded one to the layer, with a mask `[batch, seq]` as another input to leave out what is padding",
            ),
            "t" => Some("write `transpose(x, 0, 1)`"),
            "upsample" => Some("write `interpolate(x, scale_factor = 2)`"),
            "to" | "cuda" | "cpu" | "clone" | "unwrap" | "item" | "backward" | "requires_grad_" => {
                Some("leave it out: a forward pass consists of layers and functions alone")
            }
            _ => None,
        };
        if let Some(hint) = elsewhere {
            return self.errors.at(name, format!("there is no {what} `{text}`; {hint}"));
        }
        let fields: Vec<String> = self.fields.iter().map(|field| field.name.to_string()).collect();
        let known = fields.iter().map(String::as_str).chain(functions::all().map(|function| function.name));
        let instead = match text.as_str() {
            "view" => Some("reshape"),
            "swapaxes" => Some("transpose"),
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
            None if what == "method" => String::new(),
            None => {
                let model = camel(&text);
                format!("; steps of your own are a model, which is a field of this one: `{text}: {model}`")
            }
        };
        self.errors.at(name, format!("there is no {what} `{text}`{hint}"));
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
        let Some(inputs) = values.iter().map(Val::flat).collect::<Option<Vec<_>>>() else {
            // The results are known all the same.
            return match stated {
                Stated::Shapes(_) | Stated::Like(_) => Val::Broken,
            };
        };
        let inputs = inputs.into_iter().flatten().collect();
        let op = Op::Submodel { target, inputs, stated, result: tree.clone() };
        self.results(op, &tree, whole)
    }
}

/// The first word of `torch.nn.functional`.
fn module(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Path(path) => path.path.get_ident().filter(|name| MODULES.iter().any(|known| *name == known)),
        Expr::Field(field) if named(&field.member).is_some() => module(&field.base),
        _ => None,
    }
}

/// A field is no method of a tensor.
fn layer_as_method(call: &syn::ExprMethodCall) -> String {
    let name = &call.method;
    let args: Vec<String> = std::iter::once(&*call.receiver).chain(&call.args).map(source).collect();
    format!("`{name}` is a layer or model, not a method of tensors: write `{name}({})`", args.join(", "))
}

/// `x.view(-1, 784)` in the words of this language.
fn view(call: &syn::ExprMethodCall) -> String {
    let sizes = call.args.iter().map(|size| match written::integer(size) {
        Some(-1) => "_".to_owned(),
        // Asked of a tensor: what its name is here is not known.
        None if !matches!(size, Expr::Path(_) | Expr::Binary(_)) => "..".to_owned(),
        _ => source(size),
    });
    let sizes = sizes.collect::<Vec<_>>().join(", ");
    format!("there is no method `view`: write `reshape({}, [{sizes}])`", source(&call.receiver))
}
