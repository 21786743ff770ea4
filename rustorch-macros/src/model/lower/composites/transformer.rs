//! Attention by several heads and the layers of the transformer: projections, attention, norms and sums, which have kernels and
//! are fused as if a body had written them.

use super::super::super::callee::Callee;
use super::super::super::codegen;
use super::super::super::ir::{BinaryOp, Over, Shape, Var};
use super::super::{Arg, Decision, Instruction, Part, Program};
use super::Composer;
use super::heads::{Heads, Masks, Seen, heads, wide};
use proc_macro2::{Ident, Span, TokenStream};
use rustorch_shape::Poly;
use rustorch_shape::args::{Args, Value};

/// A layer as a body calls it.
#[derive(Clone, Copy)]
pub(super) struct Use<'a> {
    pub layer: Callee,
    pub inputs: &'a [Var],
    /// Inputs that may be left out.
    pub more: &'a [Option<Var>],
    /// For every option that calls have: what it is.
    pub options: &'a [Arg],
}

/// The options of a layer of the transformer.
#[derive(Clone)]
struct Block {
    heads: Heads,
    inner: Poly,
    activation: &'static str,
    norm_first: Flag,
}

/// An option that is known here, or an expression.
#[derive(Clone)]
enum Flag {
    Known(bool),
    Written(TokenStream),
}

/// The loop over the layers of a stack.
const LAYER: &str = "__layer";

/// Whether a layer is of this kind.
pub(super) fn is_attentive(name: &str) -> bool {
    name == "MultiheadAttention" || name.starts_with("Transformer")
}

impl Composer<'_> {
    /// A layer of this kind.
    pub(super) fn attentive(&mut self, name: &str, call: Use<'_>, result: Var) -> Option<()> {
        // Whatever may not be numbers is for the operations of the tape to refuse.
        let inputs = call.inputs.iter().copied().chain(call.more.iter().copied().flatten());
        inputs.into_iter().all(|input| self.is_number(input)).then_some(())?;
        let (model, field) = (self.model, call.layer.field);
        let args = model.layer(self.checked, field)?.1.clone();
        let none = Arg::Bool(false);
        let option = |at: usize| call.options.get(at).and_then(Arg::tensor);
        let flag = |at: usize| call.options.get(at).unwrap_or(&none);
        let masks = |mask: usize, padding: usize, causal: usize| Masks {
            mask: option(mask),
            padding: option(padding),
            causal: flag(causal),
        };
        let layer = call.layer;
        let x = *call.inputs.first()?;
        let value = match name {
            "MultiheadAttention" => {
                let key = call.more.first().copied().flatten().unwrap_or(x);
                let value = call.more.get(1).copied().flatten().unwrap_or(x);
                let learnt = self.flag(field, &args, "add_bias_kv")?;
                let zeros = self.flag(field, &args, "add_zero_attn")?;
                let shape = self.shape(x)?;
                self.either(&learnt, &shape, &mut |composer, learnt| {
                    composer.either(&zeros, &shape, &mut |composer, zeros| {
                        let mut heads = heads(&args)?;
                        heads.extra = [learnt, zeros];
                        let seen = composer.seen(&heads, [x, key], masks(0, 1, 2))?;
                        composer.attention(layer, &heads, [x, key, value], &seen)
                    })
                })?
            }
            "TransformerEncoderLayer" => {
                let block = self.block(field, &args)?;
                let seen = self.seen(&block.heads, [x, x], masks(0, 1, 2))?;
                self.encoder_layer(layer, &block, x, &seen)?
            }
            "TransformerEncoder" => {
                let block = self.block(field, &args)?;
                let norm = self.flag(field, &args, "norm")?;
                self.encoder(layer, &block, x, masks(0, 1, 2), &norm)?
            }
            "TransformerDecoderLayer" => {
                let (block, memory) = (self.block(field, &args)?, *call.inputs.get(1)?);
                let own = self.seen(&block.heads, [x, x], masks(0, 2, 4))?;
                let other = self.seen(&block.heads, [x, memory], masks(1, 3, 5))?;
                self.decoder_layer(layer, &block, [x, memory], [&own, &other])?
            }
            "TransformerDecoder" => {
                let (block, memory) = (self.block(field, &args)?, *call.inputs.get(1)?);
                let norm = self.flag(field, &args, "norm")?;
                self.decoder(layer, &block, [x, memory], [masks(0, 2, 4), masks(1, 3, 5)], &norm)?
            }
            "Transformer" => {
                let (block, tgt) = (self.block(field, &args)?, *call.inputs.get(1)?);
                let norm = Flag::Known(true);
                let memory = self.encoder(layer.part("encoder"), &block, x, masks(0, 3, 6), &norm)?;
                let masks = [masks(1, 4, 7), masks(2, 5, 8)];
                self.decoder(layer.part("decoder"), &block, [tgt, memory], masks, &norm)?
            }
            _ => return None,
        };
        // Whatever came last gives the result.
        self.rename(value, result)
    }

    /// The options of a transformer's layers.
    fn block(&self, field: usize, args: &Args) -> Option<Block> {
        let activation = match args.get("activation") {
            Some(Value::Text(text)) if text == "gelu" => "gelu",
            _ => "relu",
        };
        Some(Block {
            heads: heads(args)?,
            inner: args.size("dim_feedforward").ok()?.clone(),
            activation,
            norm_first: self.flag(field, args, "norm_first")?,
        })
    }

    fn flag(&self, field: usize, args: &Args, name: &str) -> Option<Flag> {
        match args.get(name) {
            None => Some(Flag::Known(false)),
            Some(Value::Bool(known)) => Some(Flag::Known(*known)),
            Some(_) => {
                let written = &self.model.fields[field].layer()?.call.written;
                Some(Flag::Written(written.iter().find(|written| written.name == name)?.expr.clone()))
            }
        }
    }

    fn encoder(
        &mut self,
        stack: Callee,
        block: &Block,
        x: Var,
        masks: Masks<'_>,
        norm: &Flag,
    ) -> Option<Var> {
        let seen = self.seen(&block.heads, [x, x], masks)?;
        self.stack(stack, x, norm, &mut |composer, layer, x| composer.encoder_layer(layer, block, x, &seen))
    }

    fn decoder(
        &mut self,
        stack: Callee,
        block: &Block,
        [x, memory]: [Var; 2],
        [own, other]: [Masks<'_>; 2],
        norm: &Flag,
    ) -> Option<Var> {
        let own = self.seen(&block.heads, [x, x], own)?;
        let other = self.seen(&block.heads, [x, memory], other)?;
        self.stack(stack, x, norm, &mut |composer, layer, x| {
            composer.decoder_layer(layer, block, [x, memory], [&own, &other])
        })
    }

    /// The layers of a stack, one after the other, and its norm.
    fn stack(
        &mut self,
        stack: Callee,
        x: Var,
        norm: &Flag,
        layer: &mut dyn FnMut(&mut Self, Callee, Var) -> Option<Var>,
    ) -> Option<Var> {
        let shape = self.shape(x)?;
        let [inside, result] = [self.fresh(shape.clone()), self.fresh(shape.clone())];
        let body = self.inside(|composer| layer(composer, stack.part("layers[__layer]"), inside))?;
        let range = format!("0..({}).layers.len()", codegen::reference(self.model, stack));
        self.made.push(Instruction::Repeat {
            over: Over::Range(range.parse().ok()?),
            index: Some(Ident::new(LAYER, Span::call_site())),
            carried: vec![(inside, x)],
            body,
            results: vec![result],
        });
        self.either(norm, &shape, &mut |composer, has_norm| {
            Some(if has_norm {
                composer.part(stack.part("norm"), Part::Norm, &[result], &shape)
            } else {
                result
            })
        })
    }

    fn encoder_layer(&mut self, layer: Callee, block: &Block, x: Var, seen: &Seen) -> Option<Var> {
        self.sublayers(layer, block, x, &["norm1", "norm2"], &mut |composer, at, x| match at {
            0 => {
                let y = composer.attention(layer.part("self_attn"), &block.heads, [x; 3], seen)?;
                composer.dropped(layer.part("dropout1"), y)
            }
            _ => composer.neurons(layer, block, "dropout2", x),
        })
    }

    fn decoder_layer(
        &mut self,
        layer: Callee,
        block: &Block,
        [x, memory]: [Var; 2],
        [own, other]: [&Seen; 2],
    ) -> Option<Var> {
        self.sublayers(layer, block, x, &["norm1", "norm2", "norm3"], &mut |composer, at, x| match at {
            0 => {
                let y = composer.attention(layer.part("self_attn"), &block.heads, [x; 3], own)?;
                composer.dropped(layer.part("dropout1"), y)
            }
            1 => {
                let operands = [x, memory, memory];
                let y = composer.attention(layer.part("multihead_attn"), &block.heads, operands, other)?;
                composer.dropped(layer.part("dropout2"), y)
            }
            _ => composer.neurons(layer, block, "dropout3", x),
        })
    }

    /// Each of the sublayers is added to its input, with a norm before it or behind the sum.
    fn sublayers(
        &mut self,
        layer: Callee,
        block: &Block,
        x: Var,
        norms: &[&'static str],
        sublayer: &mut dyn FnMut(&mut Self, usize, Var) -> Option<Var>,
    ) -> Option<Var> {
        let shape = self.shape(x)?;
        self.either(&block.norm_first, &shape, &mut |composer, norm_first| {
            let mut x = x;
            for (at, norm) in norms.iter().enumerate() {
                let norm = layer.part(norm);
                let mut seen = x;
                if norm_first {
                    seen = composer.part(norm, Part::Norm, &[x], &shape);
                }
                let y = sublayer(composer, at, seen)?;
                let sum = composer.fresh(shape.clone());
                composer.binary_to(BinaryOp::Add, x, y, sum);
                x = if norm_first { sum } else { composer.part(norm, Part::Norm, &[sum], &shape) };
            }
            Some(x)
        })
    }

    /// Two linear maps of each position.
    fn neurons(&mut self, layer: Callee, block: &Block, last: &'static str, x: Var) -> Option<Var> {
        let shape = self.shape(x)?;
        let inner = wide(&shape, &block.inner);
        let map = Part::Linear { projections: None };
        let y = self.part(layer.part("linear1"), map, &[x], &inner);
        let args = [Arg::Text("none".into())];
        let args = if block.activation == "gelu" { &args[..] } else { &[] };
        let y = self.call(block.activation, &[y], args, inner);
        let y = self.dropped(layer.part("dropout"), y)?;
        let y = self.part(layer.part("linear2"), Part::Linear { projections: None }, &[y], &shape);
        self.dropped(layer.part(last), y)
    }

    fn dropped(&mut self, layer: Callee, x: Var) -> Option<Var> {
        let shape = self.shape(x)?;
        Some(self.part(layer, Part::Dropout, &[x], &shape))
    }

    pub(super) fn part(&mut self, owner: Callee, part: Part, inputs: &[Var], shape: &Shape) -> Var {
        let result = self.fresh(shape.clone());
        self.made.push(Instruction::Part { owner, part, inputs: inputs.to_vec(), result });
        result
    }

    /// What is made with an option on or off; both, if it is an expression.
    fn either(
        &mut self,
        flag: &Flag,
        shape: &Shape,
        make: &mut dyn FnMut(&mut Self, bool) -> Option<Var>,
    ) -> Option<Var> {
        let condition = match flag {
            Flag::Known(flag) => return make(self, *flag),
            Flag::Written(condition) => condition.clone(),
        };
        let then = self.inside(|composer| make(composer, true))?;
        let otherwise = self.inside(|composer| make(composer, false))?;
        let result = self.fresh(shape.clone());
        let decision = Decision::If(condition);
        self.made.push(Instruction::Choose { decision, then, otherwise, results: vec![result] });
        Some(result)
    }

    /// What is made, as a program of its own.
    fn inside(&mut self, make: impl FnOnce(&mut Self) -> Option<Var>) -> Option<Program> {
        let before = std::mem::take(&mut self.made);
        let result = make(self);
        let instructions = std::mem::replace(&mut self.made, before);
        Some(Program { instructions, results: vec![result?] })
    }

    /// Gives what has just been made another name.
    fn rename(&mut self, from: Var, to: Var) -> Option<()> {
        match self.made.last_mut()? {
            Instruction::Part { result, .. } | Instruction::Binary { result, .. } if *result == from => {
                *result = to
            }
            Instruction::Repeat { results, .. } | Instruction::Choose { results, .. }
                if *results == [from] =>
            {
                *results = vec![to];
            }
            _ => return None,
        }
        Some(())
    }
}
