//! Layers that are made of others.

use super::super::super::callee::Callee;
use super::super::super::codegen;
use super::super::super::ir::{BinaryOp, Element, Tree, Var};
use super::super::{Arg, Instruction, Part};
use super::transformer::Use;
use super::{Call, Composer};
use rustorch_shape::args::Value;
use rustorch_shape::{Poly, Size};

impl Composer<'_> {
    pub(super) fn layer(&mut self, call: Use<'_>, result: Var) -> Option<()> {
        let Use { layer: Callee { field, element, .. }, inputs, .. } = call;
        let model = self.model;
        let layer = model.fields[field].layer()?;
        let args = self.checked.layers[field].as_ref()?;
        let number = |name: &str| -> Option<Arg> {
            let text = format!("({}).{name}", codegen::reference(model, Callee::new(field, element)));
            Some(Arg::Tokens(text.parse().ok()?))
        };
        let name = layer.spec.name;
        match name {
            "Conv1d" | "Conv2d" | "Conv3d" => self.bordered(call.layer, inputs[0], result),
            "GLU" | "Softmin" | "Softmax2d" => {
                let (name, axis) = match name {
                    "GLU" => ("glu", args.axis("dim").ok()?),
                    "Softmin" => ("softmin", args.axis("dim").ok()?),
                    _ => ("softmax", -3),
                };
                let args = [Arg::Axis(axis)];
                match name {
                    "softmax" => self.call_to(name, inputs, &args, result),
                    _ => self.function(Call { name, inputs, args: &args, result })?,
                }
                Some(())
            }
            "LPPool1d" | "LPPool2d" | "LPPool3d" => {
                let [kernel, stride] = ["kernel", "stride"].map(|name| args.sizes(name).ok());
                let (kernel, stride) = (kernel?.to_vec(), stride?.to_vec());
                let name = match name {
                    "LPPool1d" => "lp_pool1d",
                    "LPPool2d" => "lp_pool2d",
                    _ => "lp_pool3d",
                };
                let ceil_mode = args.flag("ceil_mode").ok()?;
                let args =
                    [number("norm_type")?, Arg::Array(kernel), Arg::Array(stride), Arg::Bool(ceil_mode)];
                self.function(Call { name, inputs, args: &args, result })
            }
            "PReLU" => {
                let weight = self.state(field, element, "weight")?;
                self.function(Call { name: "prelu", inputs: &[inputs[0], weight], args: &[], result })
            }
            "Dropout1d" | "Dropout2d" | "Dropout3d" => {
                let factors = self.per_channel(name, inputs[0])?;
                let dropped = self.fresh(self.shape(factors)?);
                self.made.push(Instruction::LayerCall {
                    field,
                    element,
                    is_map: true,
                    adapter: None,
                    inputs: vec![factors],
                    more: Vec::new(),
                    state: None,
                    options: Vec::new(),
                    tree: Tree::One,
                    results: vec![dropped],
                });
                self.binary_to(BinaryOp::Mul, inputs[0], dropped, result);
                Some(())
            }
            "AlphaDropout" | "FeatureAlphaDropout" => {
                let reference = codegen::reference(model, call.layer);
                let link =
                    format!("::rustorch::__private::compiled::Link::from({reference})").parse().ok()?;
                self.alpha_dropout(name, inputs[0], &link, result, |composer, ones, shape| {
                    Some(composer.part(call.layer, Part::Dropout, &[ones], &shape))
                })
            }
            "Bilinear" => {
                let has_bias = args.may_be("bias");
                let weight = self.state(field, element, "weight")?;
                let spec = "...i,oij,...j->...o".to_string();
                let inputs = vec![inputs[0], weight, *inputs.get(1)?];
                let product = if has_bias { self.fresh(self.shape(result)?) } else { result };
                self.made.push(Instruction::Einsum { spec, inputs, result: product });
                if has_bias {
                    let bias = self.state(field, element, "bias")?;
                    self.binary_to(BinaryOp::Add, product, bias, result);
                }
                Some(())
            }
            _ => self.attentive(name, call, result),
        }
    }

    /// A convolution of what is padded first, otherwise than with zeros.
    fn bordered(&mut self, conv: Callee, x: Var, result: Var) -> Option<()> {
        let Callee { field, element, .. } = conv;
        let (layer, args) = self.model.layer(self.checked, field)?;
        let Some(Value::Text(mode)) = args.get("padding_mode") else { return None };
        if mode == "zeros" {
            return None;
        }
        let (name, mode) = (layer.spec.name, mode.clone());
        let sizes = |name: &'static str| args.sizes(name).ok().map(<[Poly]>::to_vec);
        let (stride, dilation, kernel) = (sizes("stride")?, sizes("dilation")?, sizes("kernel")?);
        let (groups, has_bias) = (args.size("groups").ok()?.clone(), args.may_be("bias"));
        // What each axis gets before and behind it.
        let ends: Vec<[Poly; 2]> = match args.get("padding")? {
            Value::Sizes(padding) => padding.iter().map(|size| [size.clone(), size.clone()]).collect(),
            Value::Text(text) if text == "same" => {
                let of = |(taps, apart): (&Poly, &Poly)| {
                    let total = taps.minus(&Poly::integer(1))?.times(apart)?;
                    // An odd total leaves the extra entry for the end.
                    let before = total.over(&Poly::integer(2))?;
                    let behind = total.minus(&before)?;
                    Some([before, behind])
                };
                kernel.iter().zip(&dilation).map(of).collect::<Option<_>>()?
            }
            _ => vec![[0, 0].map(Poly::integer); kernel.len()],
        };
        let mut padded = self.shape(x)?;
        let first = padded.len().checked_sub(ends.len())?;
        for (size, [before, behind]) in padded[first..].iter_mut().zip(&ends) {
            *size = size.plus(before)?.plus(behind)?;
        }
        let ends = ends.into_iter().rev().flatten().collect();
        let around = self.call("pad", &[x], &[Arg::Slice(ends), Arg::Text(mode), Arg::Float(0.0)], padded);
        if name == "Conv3d" {
            let (part, inputs) = (Part::Volumes, vec![around]);
            self.made.push(Instruction::Part { owner: conv, part, inputs, result });
            return Some(());
        }
        let name = if name == "Conv1d" { "conv1d" } else { "conv2d" };
        let weight = self.state(field, element, "weight")?;
        let bias = if has_bias { Some(self.state(field, element, "bias")?) } else { None };
        let none = Arg::Array(vec![Poly::integer(0); kernel.len()]);
        let args = [Arg::Tensor(bias), Arg::Array(stride), none, Arg::Array(dilation), Arg::Size(groups)];
        self.call_to(name, &[around, weight], &args, result);
        Some(())
    }

    /// A parameter of a layer.
    pub(super) fn state(&mut self, field: usize, element: Element, entry: &str) -> Option<Var> {
        let (layer, args) = self.model.layer(self.checked, field)?;
        let state = (layer.spec.state)(args).ok()?.into_iter().find(|state| state.name == entry)?;
        let result = self.fresh(state.shape);
        self.made.push(Instruction::State { field, element, entry: Some(entry.into()), result });
        Some(result)
    }
}
