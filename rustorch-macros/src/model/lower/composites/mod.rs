//! Functions and layers that are made of others, taken apart for the compiled pass, which has kernels for the parts. The op-by-op
//! pass calls the library's own function.

mod functions;
mod heads;
mod layers;
mod transformer;

use super::super::callee::Callee;
use super::super::check::Checked;
use super::super::compile::Elements;
use super::super::ir::{BinaryOp, Field, Model, Shape, Var};
use super::{Arg, Instruction, Program, Source};
use rustorch_shape::args::Value;
use transformer::Use;

/// The program with every composite taken apart. What is new has numbers and shapes behind those that are there.
pub(in super::super) fn composites(model: &Model, checked: &mut Checked, program: Program) -> Program {
    let inputs: Vec<Var> = (0..model.forward.as_ref().map_or(0, |forward| forward.inputs.len())).collect();
    let is_asked =
        model.fields.iter().filter_map(Field::layer).any(|layer| transformer::is_attentive(layer.spec.name));
    let elements = is_asked.then(|| Elements::of(model, &program, &inputs));
    let mut composer = Composer { model, checked, elements, made: Vec::new() };
    composer.program(program)
}

/// Whether a program has a composite, those of the programs inside included.
pub(in super::super) fn has_composites(model: &Model, checked: &Checked, program: &Program) -> bool {
    program.instructions.iter().any(|instruction| {
        called(model, instruction).is_some_and(|name| COMPOSITES.contains(&name))
            && !is_plain_convolution(model, instruction)
            && !is_plain_attention(checked, instruction)
            || instruction.inner().into_iter().any(|inner| has_composites(model, checked, inner))
    })
}

/// What may be a composite: functions and layers.
const COMPOSITES: &[&str] = &[
    "AlphaDropout",
    "Bilinear",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "Dropout1d",
    "Dropout2d",
    "Dropout3d",
    "FeatureAlphaDropout",
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
    "alpha_dropout",
    "cosine_similarity",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
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
    "scaled_dot_product_attention",
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

/// Whether this is an attention of which no operand has to be repeated.
fn is_plain_attention(checked: &Checked, instruction: &Instruction) -> bool {
    let Instruction::Function { name: "scaled_dot_product_attention", inputs, .. } = instruction else {
        return false;
    };
    let heads =
        |input: &Var| checked.shapes.get(*input)?.as_ref()?.split_last_chunk::<2>().map(|(heads, _)| heads);
    inputs.windows(2).all(|pair| heads(&pair[0]) == heads(&pair[1]))
}

/// Programs with what is added to them.
struct Composer<'a> {
    model: &'a Model,
    checked: &'a mut Checked,
    /// What the tensors of the whole program hold, if there are layers that ask.
    elements: Option<Elements>,
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

    /// Whether a tensor of the program is taken for numbers.
    fn is_number(&self, var: Var) -> bool {
        self.elements.as_ref().is_none_or(|elements| elements.is_number(var))
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
