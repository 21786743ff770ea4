//! Functions and layers that are made of others, taken apart for the compiled pass, which has kernels for the parts. The op-by-op
//! pass calls the library's own function.

mod layers;
mod transformer;

use super::super::check::Checked;
use super::super::compile::Elements;
use super::super::ir::{BinaryOp, Callee, Model, Shape, Var};
use super::{Arg, Instruction, Program, Source};
use proc_macro2::TokenStream;
use quote::quote;
use rustorch_shape::args::Value;
use rustorch_shape::{Poly, Size, normalize_axis, rules};
use transformer::Use;

/// The program with every composite taken apart. What is new has numbers and shapes behind those that are there.
pub(in super::super) fn composites(model: &Model, checked: &mut Checked, program: Program) -> Program {
    let inputs: Vec<Var> = (0..model.forward.as_ref().map_or(0, |forward| forward.inputs.len())).collect();
    let elements = Elements::of(model, &program, &inputs);
    let mut composer = Composer { model, checked, elements, made: Vec::new() };
    composer.program(program)
}

/// Whether a program has a composite, those of the programs inside included.
pub(in super::super) fn has_composites(model: &Model, program: &Program) -> bool {
    program.instructions.iter().any(|instruction| {
        called(model, instruction).is_some_and(|name| COMPOSITES.contains(&name))
            && !is_plain_convolution(model, instruction)
            || instruction.inner().into_iter().any(|inner| has_composites(model, inner))
    })
}

/// What may be a composite: functions and layers.
const COMPOSITES: &[&str] = &[
    "Bilinear",
    "Conv1d",
    "Conv2d",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "GLU",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MultiheadAttention",
    "PReLU",
    "Softmax2d",
    "Softmin",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "addcdiv",
    "addcmul",
    "cosine_similarity",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "glu",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "linear",
    "lp_pool1d",
    "lp_pool2d",
    "lp_pool3d",
    "normalize",
    "outer",
    "prelu",
    "rms_norm",
    "softmin",
];

/// The function or layer that an instruction calls.
fn called(model: &Model, instruction: &Instruction) -> Option<&'static str> {
    match instruction {
        Instruction::Function { name, .. } => Some(name),
        Instruction::Layer { field, .. } | Instruction::LayerCall { field, .. } => {
            Some(model.fields[*field].layer()?.spec.name)
        }
        _ => None,
    }
}

/// Whether this is a convolution with a kernel of its own: one that nobody asked to pad otherwise than with zeros.
fn is_plain_convolution(model: &Model, instruction: &Instruction) -> bool {
    match instruction {
        Instruction::Layer { field, .. } | Instruction::LayerCall { field, .. } => {
            let layer = model.fields[*field].layer();
            layer.is_some_and(|layer| {
                layer.spec.name.starts_with("Conv")
                    && match layer.call.args.get("padding_mode") {
                        Some(Value::Text(mode)) => mode == "zeros",
                        _ => true,
                    }
            })
        }
        _ => false,
    }
}

/// Programs with what is added to them.
struct Composer<'a> {
    model: &'a Model,
    checked: &'a mut Checked,
    /// What the tensors of the whole program hold.
    elements: Elements,
    made: Vec<Instruction>,
}

/// A call of a function, or of a layer as one.
struct Call<'a> {
    name: &'static str,
    inputs: &'a [Var],
    args: &'a [Arg],
    result: Var,
}

impl Composer<'_> {
    fn program(&mut self, program: Program) -> Program {
        let before = std::mem::take(&mut self.made);
        for instruction in program.instructions {
            self.instruction(instruction);
        }
        let instructions = std::mem::replace(&mut self.made, before);
        Program { instructions, results: program.results }
    }

    fn instruction(&mut self, mut instruction: Instruction) {
        for inner in instruction.inner_mut() {
            *inner = self.program(std::mem::take(inner));
        }
        let before = self.made.len();
        if self.take_apart(&instruction).is_none() {
            self.made.truncate(before);
            self.made.push(instruction);
        }
    }

    /// Adds the parts of an instruction; `None` if it is no composite.
    fn take_apart(&mut self, instruction: &Instruction) -> Option<()> {
        match instruction {
            Instruction::Function { name, inputs, args, results, .. } => {
                let result = *results.first()?;
                self.function(Call { name, inputs, args, result })
            }
            Instruction::Layer { field, input, result } => {
                let call = Use { layer: Callee::whole(*field), inputs: &[*input], more: &[], options: &[] };
                self.layer(call, *result)
            }
            Instruction::LayerCall { field, element, inputs, more, options, results, .. } => {
                let call = Use { layer: Callee::new(*field, *element), inputs, more, options };
                self.layer(call, *results.first()?)
            }
            _ => None,
        }
    }

    fn function(&mut self, call: Call<'_>) -> Option<()> {
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
            ("dropout1d" | "dropout2d" | "dropout3d", [_, Arg::Training]) => {
                let factors = self.per_channel(name, x)?;
                let dropped = self.call("dropout", &[factors], args, self.shape(factors)?);
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

    /// Ones, one for every channel of every example.
    fn per_channel(&mut self, name: &str, x: Var) -> Option<Var> {
        let shape = self.shape(x)?;
        // Of these, three axes are a batch of sequences.
        let batched = if name.ends_with("3d") { 5 } else { 3 };
        let leading = if shape.len() < batched { 1 } else { 2 };
        let mut channels = shape;
        channels[leading..].fill(Poly::integer(1));
        Some(self.call("ones_like", &[x], &[], channels))
    }

    /// Whether a tensor of the program is taken for numbers.
    fn is_number(&self, var: Var) -> bool {
        self.elements.is_number(var)
    }

    fn shape(&self, var: Var) -> Option<Shape> {
        self.checked.shapes.get(var)?.clone()
    }

    /// A tensor that is not there yet.
    fn fresh(&mut self, shape: Shape) -> Var {
        self.checked.shapes.push(Some(shape));
        self.checked.shapes.len() - 1
    }

    fn reshaped(&mut self, var: Var, shape: Shape) -> Var {
        match self.checked.shapes[var].as_ref() == Some(&shape) {
            true => var,
            false => self.call("reshape", &[var], &[Arg::Slice(shape.clone())], shape),
        }
    }

    fn call(&mut self, name: &'static str, inputs: &[Var], args: &[Arg], shape: Shape) -> Var {
        let result = self.fresh(shape);
        self.call_to(name, inputs, args, result);
        result
    }

    fn call_to(&mut self, name: &'static str, inputs: &[Var], args: &[Arg], result: Var) {
        self.push(name, inputs, args, vec![result]);
    }

    fn push(&mut self, name: &'static str, inputs: &[Var], args: &[Arg], results: Vec<Var>) {
        let (inputs, args, pieces) = (inputs.to_vec(), args.to_vec(), results.len() > 1);
        self.made.push(Instruction::Function { name, inputs, is_list: false, args, results, pieces });
    }

    fn binary(&mut self, op: BinaryOp, left: Source, right: Source, shape: &Shape) -> Var {
        let result = self.fresh(shape.clone());
        self.made.push(Instruction::Binary { op, left, right, result });
        result
    }

    fn binary_to(&mut self, op: BinaryOp, left: Var, right: Var, result: Var) {
        let [left, right] = [left, right].map(Source::Tensor);
        self.made.push(Instruction::Binary { op, left, right, result });
    }
}

/// A number as an expression.
fn tokens(arg: &Arg) -> Option<TokenStream> {
    match arg {
        Arg::Float(number) => Some(quote!(#number)),
        Arg::Tokens(tokens) => Some(tokens.clone()),
        _ => None,
    }
}
