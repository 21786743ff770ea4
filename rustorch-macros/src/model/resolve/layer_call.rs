//! Calls of layers: their tensors, their state, and what goes by name.

use super::super::errors::source;
use super::super::ir::{CallOption, Element, Op, Tree, Use};
use super::args::quoted;
use super::body::Resolver;
use super::value::Val;
use super::written::{is_flag, split};
use quote::ToTokens;
use rustorch_shape::args::Kind;
use rustorch_shape::layers::Signature;
use rustorch_shape::suggest;
use syn::{Expr, Ident};

impl Resolver<'_> {
    /// A call of a layer: its tensors, its state if it has one, and tensors by name.
    pub(super) fn layer(
        &mut self,
        field: usize,
        element: Element,
        name: &Ident,
        args: &[&Expr],
        whole: &Expr,
    ) -> Val {
        let Some(signature) = self.fields[field].layer().map(|layer| layer.spec.signature) else {
            return Val::Broken;
        };
        // In the sequential form, what counts of a recurrent layer is its output.
        let maps = signature.is_map() || (self.is_sequential && signature.inputs.len() == 1);
        if let (true, [input]) = (maps, args)
            && split(input).0.is_none()
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
        let positional: Vec<&Expr> = args.iter().take_while(|arg| split(arg).0.is_none()).copied().collect();
        let named = &args[positional.len()..];
        let Some(split) = Given::split(&signature, positional.len())
            .filter(|_| named.iter().all(|arg| split(arg).0.is_some()))
        else {
            let message = format!("`{name}` takes {}, not {}", usage(name, &signature), positional.len());
            self.errors.at(whole, message);
            self.visit(args);
            return Val::Broken;
        };
        let mut inputs: Vec<Use> =
            positional[..split.inputs].iter().map(|arg| self.single(arg, None)).collect();
        if split.has_state {
            let state = positional[split.inputs];
            match self.layer_state(name, &signature, state) {
                Some(uses) => inputs.extend(uses),
                None => return Val::Broken,
            }
        }
        let Some(options) = self.layer_options(name, &signature, named) else { return Val::Broken };
        let tree = Tree::from(signature.results);
        let op = Op::LayerCall { field, element, inputs, options };
        self.results(op, &tree, whole)
    }

    /// The state that a recurrent layer is given, grouped as it takes it.
    fn layer_state(&mut self, name: &Ident, signature: &Signature, state: &Expr) -> Option<Vec<Use>> {
        let value = self.expr(state, None);
        let wanted = match signature.state {
            [_] => Tree::One,
            names => Tree::Tuple(vec![Tree::One; names.len()]),
        };
        let uses = value.flat()?;
        if value.tree() == wanted {
            return Some(uses);
        }
        let message = format!(
            "`{name}` takes {}, but `{}` {}",
            usage(name, signature),
            source(state),
            match value.tree().count() {
                1 => "is one tensor".to_string(),
                n => format!("is a tuple of {n}"),
            }
        );
        self.errors.at(state, message);
        None
    }

    /// Masks and flags by name.
    fn layer_options(
        &mut self,
        name: &Ident,
        signature: &Signature,
        named: &[&Expr],
    ) -> Option<Vec<(&'static str, CallOption)>> {
        let (mut options, mut complete) = (Vec::new(), true);
        for arg in named {
            let (option, expr) = split(arg);
            let text = option.map(ToString::to_string).unwrap_or_default();
            let known = signature.options.iter().find(|option| option.name == text);
            match known.map(|option| (option, option.kind)) {
                Some((option, Kind::Tensor)) => {
                    options.push((option.name, CallOption::Tensor(self.single(expr, None))));
                }
                Some((option, _)) if is_flag(expr) => {
                    let tokens = self.substituted(expr.to_token_stream());
                    options.push((option.name, CallOption::Flag(tokens)));
                }
                Some((option, kind)) => {
                    let message =
                        format!("`{name}`: `{}` must be {kind}, not `{}`", option.name, source(expr));
                    self.errors.at(expr, message);
                    complete = false;
                }
                None => {
                    let names: Vec<&str> = signature.options.iter().map(|option| option.name).collect();
                    let hint = match suggest(&text, names.iter().copied()) {
                        Some(meant) => format!("; did you mean `{meant}`?"),
                        None if names.is_empty() => "; options of a layer stand where it is declared".into(),
                        None => format!("; it takes {}", quoted(&names)),
                    };
                    self.errors.at(option, format!("a call of `{name}` takes no `{text}`{hint}"));
                    complete = false;
                }
            }
        }
        complete.then_some(options)
    }
}

/// How the tensors of a call are divided.
struct Given {
    inputs: usize,
    has_state: bool,
}

impl Given {
    /// `None` if there are too few or too many.
    fn split(signature: &Signature, given: usize) -> Option<Given> {
        let least = signature.inputs.len();
        let all = least + signature.more.len();
        match given {
            n if n == least || n == all => Some(Given { inputs: n, has_state: false }),
            n if n == least + 1 && !signature.state.is_empty() => {
                Some(Given { inputs: least, has_state: true })
            }
            _ => None,
        }
    }
}

/// How a layer of several tensors is called: "`lstm(x)` or `lstm(x, (h0, c0))`".
fn usage(name: &Ident, signature: &Signature) -> String {
    let inputs = signature.inputs.join(", ");
    let more = signature.more.join(", ");
    match (signature.inputs.len(), signature.state) {
        (_, []) if !more.is_empty() => {
            format!(
                "one tensor or {}, `{name}({inputs})` or `{name}({inputs}, {more})`",
                1 + signature.more.len()
            )
        }
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
