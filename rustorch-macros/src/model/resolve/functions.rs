//! Functions of the table, and `einsum!`: their tensors and their other arguments.

use super::super::errors::{place_of, source};
use super::super::ir::{Call, Op, Tree, Use, Written};
use super::args::{Matcher, Pairs};
use super::body::Resolver;
use super::value::Val;
use super::written::{self, elements};
use crate::einsum;
use rustorch_shape::args::{Args, Kind, Value};
use rustorch_shape::functions::{self, FunctionSpec, Inputs, Outputs};
use syn::Expr;

impl Resolver<'_> {
    pub(super) fn function(&mut self, spec: &'static FunctionSpec, args: &[&Expr], whole: &Expr) -> Val {
        // The names are those of this call's results, not of a call inside it.
        let names = self.names.take();
        let spec = one_sided(spec, args).unwrap_or(spec);
        let Some((inputs, rest)) = self.function_inputs(spec, args, whole) else { return Val::Broken };
        let given: Vec<_> = rest.iter().map(|expr| written::split(expr)).collect();
        let matcher = Matcher {
            subject: format!("`{}`", spec.name),
            op: spec.name,
            inputs: match spec.inputs {
                Inputs::Named(names) => names,
                Inputs::List => &["[a, b]"],
            },
            specs: spec.args,
            sizes: &self.sizes,
            is_layer: false,
        };
        let Some((mut call, pairs)) = matcher.resolve(&given, whole, self.errors) else { return Val::Broken };
        self.tensor_args(&pairs, &mut call);
        for written in &mut call.written {
            written.expr = self.substituted(std::mem::take(&mut written.expr));
        }
        let count = pieces(spec, &call, names);
        let tree = match spec.outputs {
            Outputs::One | Outputs::InTraining => Tree::One,
            Outputs::Pieces | Outputs::Tuple(_) if count == 1 && names.is_none() => Tree::One,
            Outputs::Pieces | Outputs::Tuple(_) => Tree::Tuple(vec![Tree::One; count]),
        };
        self.results(Op::Function { spec, inputs, call }, &tree, whole)
    }

    /// A function of tensors, and perhaps of an operand called `b`.
    pub(super) fn apply_spec(
        &mut self,
        name: &str,
        inputs: Vec<Use>,
        operand: Option<&Expr>,
        whole: &Expr,
    ) -> Val {
        let Some(spec) = functions::find(name) else { return Val::Broken };
        let mut call = Call { args: Args::new(spec.name), written: Vec::new() };
        if let (Some(expr), Some(arg)) = (operand, spec.args.first()) {
            call.args.set(arg.name, Value::Expression);
            let expr_tokens = self.substituted(written::as_float(expr));
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
                let positional = args.iter().take_while(|arg| written::split(arg).0.is_none()).count();
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
                if let ([_], Some(number)) = (names, args.first())
                    && !matches!(number, Expr::Path(_))
                    && self.is_scalar(number)
                    && let Some(method) = of_numbers(spec.name)
                {
                    let text = source(*number);
                    let message = format!(
                        "`{text}` is a number, but a tensor is needed here: of a number it is `(({text}) as f64).{method}()`"
                    );
                    self.errors.at(number, message);
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
    fn tensor_args(&mut self, pairs: &Pairs<'_>, call: &mut Call) {
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

    pub(super) fn einsum(&mut self, mac: &syn::Macro, whole: &Expr) -> Val {
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
}

/// `clamp(x, min = 0.0)` is `clamp_min(x, 0.0)`, as in PyTorch, and `clamp(x, 0.0)` is as well.
fn one_sided(spec: &FunctionSpec, args: &[&Expr]) -> Option<&'static FunctionSpec> {
    let ([_, bound], "clamp") = (args, spec.name) else { return None };
    match written::split(bound).0 {
        Some(name) if name == "max" => functions::find("clamp_max"),
        Some(name) if name == "min" => functions::find("clamp_min"),
        Some(_) => None,
        None => functions::find("clamp_min"),
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

/// The method of Rust's `f64` that is this function of tensors.
fn of_numbers(function: &str) -> Option<&'static str> {
    Some(match function {
        "log" => "ln",
        "log1p" => "ln_1p",
        "expm1" => "exp_m1",
        "rsqrt" => "sqrt().recip",
        "reciprocal" => "recip",
        "sqrt" => "sqrt",
        "exp" => "exp",
        "exp2" => "exp2",
        "log2" => "log2",
        "log10" => "log10",
        "sin" => "sin",
        "cos" => "cos",
        "tan" => "tan",
        "tanh" => "tanh",
        "abs" => "abs",
        "floor" => "floor",
        "ceil" => "ceil",
        _ => return None,
    })
}
