//! Functions that are made of others.

use super::super::super::ir::{BinaryOp, Shape, Var};
use super::super::{Arg, Instruction, Source};
use super::{Call, Composer};
use proc_macro2::TokenStream;
use quote::quote;
use rustorch_shape::{Poly, Size, normalize_axis, rules};

impl Composer<'_> {
    pub(super) fn function(&mut self, call: Call<'_>) -> Option<()> {
        let Call { name, inputs, args, result } = call;
        let x = *inputs.first()?;
        let shape = self.shape(x)?;
        let rank = shape.len();
        match (name, args) {
            ("linear", [Arg::Tensor(Some(bias))]) => {
                let product = self.call(name, inputs, &[Arg::Tensor(None)], self.shape(result)?);
                self.binary_to(BinaryOp::Add, product, *bias, result);
            }
            ("glu", [Arg::Axis(_)]) => {
                let half = self.shape(result)?;
                let [value, gate] = [self.fresh(half.clone()), self.fresh(half.clone())];
                self.push("chunk", inputs, args, vec![value, gate]);
                let gate = self.call("sigmoid", &[gate], &[], half);
                self.binary_to(BinaryOp::Mul, value, gate, result);
            }
            ("softmin", [Arg::Axis(_)]) => {
                let negative = self.fresh(shape);
                self.made.push(Instruction::Negate { input: x, result: negative });
                self.call_to("softmax", &[negative], args, result);
            }
            ("prelu", []) => {
                // One for every channel, which is axis 1, or one for all.
                let weight = *inputs.get(1)?;
                let is_one = self.shape(weight)?.iter().all(|size| size.is(1));
                let mut seen = vec![Poly::integer(1); rank];
                if let (false, Some(channels)) = (is_one, seen.get_mut(1)) {
                    *channels = self.shape(weight)?.first()?.clone();
                }
                (is_one || rank >= 2).then_some(())?;
                let weight = self.reshaped(weight, seen);
                self.call_to(name, &[x, weight], &[], result);
            }
            ("layer_norm", [sizes, weight, bias, eps]) => {
                let parameters = [weight.tensor(), bias.tensor()];
                parameters.iter().any(Option::is_some).then_some(())?;
                let args = [sizes.clone(), Arg::Tensor(None), Arg::Tensor(None), eps.clone()];
                self.affine(call.name, x, &args, parameters, result)?;
            }
            ("rms_norm", [sizes, Arg::Tensor(Some(weight)), eps]) => {
                let args = [sizes.clone(), Arg::Tensor(None), eps.clone()];
                self.affine(call.name, x, &args, [Some(*weight), None], result)?;
            }
            ("group_norm", [groups, weight, bias, eps]) => {
                let args = [groups.clone(), Arg::Tensor(None), Arg::Tensor(None), eps.clone()];
                self.of_channels(call.name, x, &args, [weight, bias], result)?;
            }
            ("instance_norm", [weight, bias, eps]) => {
                let args = [Arg::Tensor(None), Arg::Tensor(None), eps.clone()];
                self.of_channels(call.name, x, &args, [weight, bias], result)?;
            }
            (
                "lp_pool1d" | "lp_pool2d" | "lp_pool3d",
                [p, Arg::Array(kernel), Arg::Array(stride), Arg::Bool(ceil_mode)],
            ) => {
                let (p, count) = (tokens(p)?, kernel.iter().map(ToString::to_string));
                let count: TokenStream =
                    count.map(|size| format!("({size}) as f64 * ")).collect::<String>().parse().ok()?;
                let windows = [Arg::Array(kernel.clone()), Arg::Array(stride.clone()), Arg::Bool(*ceil_mode)];
                let powers = self.call("pow", inputs, &[Arg::Tokens(p.clone())], shape);
                let pooled = self.shape(result)?;
                let means = self.call(name, &[powers], &windows, pooled.clone());
                let sizes = self.call("abs", &[means], &[], pooled.clone());
                let sizes = self.call("relu", &[sizes], &[], pooled.clone());
                let signs = self.call("sign", &[means], &[], pooled.clone());
                let sums = self.binary(BinaryOp::Mul, Source::Tensor(signs), Source::Tensor(sizes), &pooled);
                let count = Source::Scalar(quote!(#count 1.0));
                let sums = self.binary(BinaryOp::Mul, Source::Tensor(sums), count, &pooled);
                self.call_to("pow", &[sums], &[Arg::Tokens(quote!(1.0 / (#p)))], result);
            }
            ("normalize", [p @ Arg::Float(_), Arg::Axis(axis), eps]) => {
                self.direction(x, p, *axis, eps, Some(result))?;
            }
            ("cosine_similarity", [Arg::Axis(axis), eps]) => {
                let mut whole = self.shape(result)?;
                let other = self.shape(*inputs.get(1)?)?;
                let at = normalize_axis("cosine_similarity", *axis, whole.len() + 1).ok()?;
                let size = |shape: &Shape| {
                    shape.get((at + shape.len()).checked_sub(rank.max(other.len()))?).cloned()
                };
                let along = [size(&shape), size(&other)].into_iter().flatten().find(|size| !size.is(1));
                whole.insert(at, along.unwrap_or_else(|| Poly::integer(1)));
                let mut directions = Vec::new();
                for &input in &inputs[..2] {
                    let wide = match self.shape(input)? == whole {
                        true => input,
                        false => self.call("expand", &[input], &[Arg::Slice(whole.clone())], whole.clone()),
                    };
                    directions.push(self.direction(wide, &Arg::Float(2.0), at as isize, eps, None)?);
                }
                let [a, b] = [directions[0], directions[1]].map(Source::Tensor);
                let products = self.binary(BinaryOp::Mul, a, b, &whole);
                self.call_to("sum", &[products], &[Arg::Axes(vec![at as isize]), Arg::Bool(false)], result);
            }
            ("scaled_dot_product_attention", _) => {
                // Heads that broadcast are repeated.
                let whole = self.shape(result)?;
                let leading = &whole[..whole.len().checked_sub(2)?];
                let mut operands = Vec::new();
                for &input in inputs {
                    let mut wide = self.shape(input)?;
                    let matrix = wide.len().checked_sub(2)?;
                    wide.splice(..matrix, leading.iter().cloned());
                    operands.push(match self.shape(input)? == wide {
                        true => input,
                        false => self.call("expand", &[input], &[Arg::Slice(wide.clone())], wide),
                    });
                }
                (operands != inputs).then_some(())?;
                self.call_to(name, &operands, args, result);
            }
            ("outer", []) => {
                let b = *inputs.get(1)?;
                let (rows, columns) = (shape.first()?.clone(), self.shape(b)?.first()?.clone());
                let a = self.reshaped(x, vec![rows, Poly::integer(1)]);
                let b = self.reshaped(b, vec![Poly::integer(1), columns]);
                self.binary_to(BinaryOp::Mul, a, b, result);
            }
            ("addcmul" | "addcdiv", [value]) => {
                let [a, b] = [*inputs.get(1)?, *inputs.get(2)?];
                let (value, op) =
                    (tokens(value)?, if name == "addcmul" { BinaryOp::Mul } else { BinaryOp::Div });
                let whole = rules::broadcast(name, &self.shape(a)?, &self.shape(b)?, &mut Vec::new()).ok()?;
                let both = self.binary(op, Source::Tensor(a), Source::Tensor(b), &whole);
                let both = self.binary(BinaryOp::Mul, Source::Tensor(both), Source::Scalar(value), &whole);
                self.binary_to(BinaryOp::Add, x, both, result);
            }
            ("alpha_dropout" | "feature_alpha_dropout", [p, Arg::Training]) => {
                let p = tokens(p)?;
                let link =
                    quote!(::rustorch::__private::compiled::Link::Dropout(#p, self.training.get(), #name));
                self.alpha_dropout(name, x, &link, result, |composer, ones, shape| {
                    Some(composer.call("dropout", &[ones], &named(args, name), shape))
                })?;
            }
            ("dropout1d" | "dropout2d" | "dropout3d", [_, Arg::Training]) => {
                let factors = self.per_channel(name, x)?;
                let dropped = self.call("dropout", &[factors], &named(args, name), self.shape(factors)?);
                self.binary_to(BinaryOp::Mul, x, dropped, result);
            }
            _ => return None,
        }
        Some(())
    }

    /// `x / max(‖x‖, eps)` along an axis.
    fn direction(&mut self, x: Var, p: &Arg, axis: isize, eps: &Arg, result: Option<Var>) -> Option<Var> {
        let shape = self.shape(x)?;
        let at = normalize_axis("normalize", axis, shape.len()).ok()?;
        let mut kept = shape.clone();
        *kept.get_mut(at)? = Poly::integer(1);
        let args = [p.clone(), Arg::Axes(vec![axis]), Arg::Bool(true)];
        let norms = self.call("norm", &[x], &args, kept.clone());
        let norms = self.call("maximum", &[norms], std::slice::from_ref(eps), kept);
        let result = result.unwrap_or_else(|| self.fresh(shape));
        self.binary_to(BinaryOp::Div, x, norms, result);
        Some(result)
    }

    /// Normalised channels, times the weight, plus the bias.
    fn of_channels(
        &mut self,
        name: &'static str,
        x: Var,
        args: &[Arg],
        parameters: [&Arg; 2],
        result: Var,
    ) -> Option<()> {
        let parameters = parameters.map(Arg::tensor);
        parameters.iter().any(Option::is_some).then_some(())?;
        let shape = self.shape(x)?;
        let mut seen = vec![Poly::integer(1); shape.len()];
        *seen.get_mut(1)? = shape[1].clone();
        let parameters = parameters.map(|parameter| parameter.map(|var| self.reshaped(var, seen.clone())));
        self.affine(name, x, args, parameters, result)
    }

    /// `f(x) · weight + bias`
    fn affine(
        &mut self,
        name: &'static str,
        x: Var,
        args: &[Arg],
        [weight, bias]: [Option<Var>; 2],
        result: Var,
    ) -> Option<()> {
        let shape = self.shape(x)?;
        let mut value = self.call(name, &[x], args, shape.clone());
        if let Some(weight) = weight {
            let scaled = if bias.is_some() { self.fresh(shape) } else { result };
            self.binary_to(BinaryOp::Mul, value, weight, scaled);
            value = scaled;
        }
        if let Some(bias) = bias {
            self.binary_to(BinaryOp::Add, value, bias, result);
        }
        Some(())
    }

    /// Each element, or the lowest value that `selu` tends to, so that mean and variance stay; by the factors of a dropout.
    pub(super) fn alpha_dropout(
        &mut self,
        name: &str,
        x: Var,
        link: &TokenStream,
        result: Var,
        drop: impl FnOnce(&mut Self, Var, Shape) -> Option<Var>,
    ) -> Option<()> {
        let shape = self.shape(x)?;
        let mut channels = shape.clone();
        if name.to_lowercase().contains("feature") {
            channels.get_mut(2..)?.fill(Poly::integer(1));
        }
        let number = |at: usize| {
            let at = proc_macro2::Literal::usize_unsuffixed(at);
            Source::Scalar(quote!(::rustorch::__private::compiled::alpha_factors(#link)[#at]))
        };
        let ones = self.call("ones_like", &[x], &[], channels.clone());
        let factors = drop(self, ones, channels.clone())?;
        let scales = self.binary(BinaryOp::Mul, Source::Tensor(factors), number(0), &channels);
        let offsets = self.binary(BinaryOp::Mul, Source::Tensor(factors), number(1), &channels);
        let offsets = self.binary(BinaryOp::Add, Source::Tensor(offsets), number(2), &channels);
        let scaled = self.binary(BinaryOp::Mul, Source::Tensor(x), Source::Tensor(scales), &shape);
        self.binary_to(BinaryOp::Add, scaled, offsets, result);
        Some(())
    }

    /// Ones, one for every channel of every example.
    pub(super) fn per_channel(&mut self, name: &str, x: Var) -> Option<Var> {
        let shape = self.shape(x)?;
        // Of these, three axes are a batch of sequences.
        let batched = if name.ends_with("3d") { 5 } else { 3 };
        let leading = if shape.len() < batched { 1 } else { 2 };
        let mut channels = shape;
        channels[leading..].fill(Poly::integer(1));
        Some(self.call("ones_like", &[x], &[], channels))
    }
}

/// The arguments of a dropout that calls itself so in errors.
fn named(args: &[Arg], name: &str) -> Vec<Arg> {
    [args, &[Arg::Text(name.into())]].concat()
}

/// A number as an expression.
fn tokens(arg: &Arg) -> Option<TokenStream> {
    match arg {
        Arg::Float(number) => Some(quote!(#number)),
        Arg::Tokens(tokens) => Some(tokens.clone()),
        _ => None,
    }
}
