//! What a compiled network asks of its fields: a second handle, and whether they are as declared.

use super::super::super::check::Checked;
use super::super::super::compile::{
    border, is_plain_table, is_projected, is_recurrent, is_scaled_table, pads_with_zeros,
};
use super::super::super::ir::{Field, FieldKind, Layer, Model};
use super::super::super::lower::{Instruction, Program};
use super::super::text::{Given, Text, list};
use super::super::types;
use super::NamedShapes;
use proc_macro2::TokenStream;
use quote::quote;
use rustorch_shape::args::{Args, Value};
use std::collections::BTreeSet;

/// A second handle on the model.
pub(super) fn handle(model: &Model) -> TokenStream {
    let given = Given::default();
    let mut body = Text::new(&given);
    let fields = model.fields.iter().map(|field| {
        let name = &field.name;
        let value = match &field.kind {
            FieldKind::Submodel(_) if field.is_optional() => format!(
                "match &self.{name} {{
                    ::core::option::Option::Some(__submodel) => {{
                        ::core::option::Option::Some(Probe(__submodel).handle()?)
                    }}
                    ::core::option::Option::None => ::core::option::Option::None,
                }}"
            ),
            FieldKind::Submodel(_) => format!("Probe(&self.{name}).handle()?"),
            FieldKind::Submodels(..) => format!(
                "::rustorch::__private::compiled::array(
                    self.{name}.iter().map(|__submodel| Probe(__submodel).handle())
                )?"
            ),
            _ => format!("self.{name}.clone()"),
        };
        format!("{name}: {value}")
    });
    let fields =
        list(fields.chain(["training", "compiled"].map(|name| format!("{name}: self.{name}.clone()"))));
    write!(body, "::core::option::Option::Some(Self {{ {fields} }})");
    let body = body.into_tokens();
    quote! {
        fn handle(&self) -> ::core::option::Option<Self> {
            use ::rustorch::__private::compiled::{Probe, Uncompiled as _};
            #body
        }
    }
}

/// Compares the parameters and buffers that kernels read with their declarations; operations on tensors check their own.
pub(super) fn fits(model: &Model, checked: &Checked, program: &Program) -> TokenStream {
    let mut states = BTreeSet::new();
    named_states(program, &mut states);
    let (named, given) = (NamedShapes::default(), Given::default());
    let mut body = Text::new(&given);
    named.block(&mut body, |body| {
        for (position, field) in model.fields.iter().enumerate() {
            let each = each(field);
            let condition = match &field.kind {
                FieldKind::Submodel(_) | FieldKind::Submodels(..) => {
                    format!("Probe({}).fits()", reference(&each))
                }
                FieldKind::Tensor(tensor) => {
                    format!("has_shape({}, {})", reference(&each), named.name_of(&tensor.shape))
                }
                _ => {
                    let states = states.iter().filter(|(owner, _)| *owner == position).map(|(_, name)| *name);
                    parameters(model, checked, (position, &each), &states.collect(), &named).join(" && ")
                }
            };
            match (condition.is_empty(), is_many(field)) {
                (true, _) => {}
                (_, true) => {
                    let name = &field.name;
                    write!(body, "__fits &= self.{name}.iter().all(|__each| {condition});");
                }
                _ => write!(body, "__fits &= {condition};"),
            }
        }
    });
    let body = body.into_tokens();
    quote! {
        fn fits(&self) -> bool {
            use ::rustorch::__private::compiled::{Probe, Uncompiled as _, has_shape, has_shapes};
            let mut __fits = true;
            #body
            __fits
        }
    }
}

/// Whether a field holds any number of things.
fn is_many(field: &Field) -> bool {
    matches!(field.kind, FieldKind::Submodels(..) | FieldKind::Layers(..)) || field.is_optional()
}

/// A thing that a field holds, or a reference to it.
fn each(field: &Field) -> String {
    if is_many(field) { "__each".into() } else { format!("self.{}", field.name) }
}

/// A reference to it.
fn reference(each: &str) -> String {
    if each == "__each" { each.into() } else { format!("&{each}") }
}

/// The parameters of layers that bodies name: `self.embed.weight`.
fn named_states<'p>(program: &'p Program, found: &mut BTreeSet<(usize, &'p str)>) {
    for instruction in &program.instructions {
        if let Instruction::State { field, entry: Some(entry), .. } = instruction {
            found.insert((*field, entry));
        }
        instruction.inner().into_iter().for_each(|inner| named_states(inner, found));
    }
}

/// Layers whose weight and bias kernels read.
const READ: &[&str] = &[
    "Linear",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "LayerNorm",
    "RMSNorm",
    "GroupNorm",
    "Embedding",
];

/// A comparison for every parameter of a layer that has kernels in the pass, and for those that the body names.
fn parameters(
    model: &Model,
    checked: &Checked,
    (position, each): (usize, &str),
    named: &BTreeSet<&str>,
    shapes: &NamedShapes,
) -> Vec<String> {
    let Some((layer, args)) = model.layer(checked, position) else { return Vec::new() };
    let has_kernel = READ.contains(&layer.spec.name);
    let states = (layer.spec.state)(args).unwrap_or_default();
    let mut compared = Vec::new();
    if has_kernel {
        // Weight and bias, as many as were declared.
        let declared =
            states.iter().filter(|state| !state.is_buffer).map(|state| shapes.name_of(&state.shape));
        let (layer, declared) = (reference(each), list(declared));
        compared.push(format!("has_shapes({layer}, &[{declared}])"));
    }
    for state in
        states.iter().filter(|state| (state.is_buffer || !has_kernel) && named.contains(&*state.name))
    {
        compared.push(format!("has_shape(&{each}.{}, {})", state.name, shapes.name_of(&state.shape)));
    }
    if let (true, Ok(channels)) = (is_channel_norm(layer.spec.name), args.size("num_features")) {
        compared.push(format!(
            "::rustorch::__private::compiled::ChannelNorm::from({}).fits({channels})",
            reference(each)
        ));
    }
    if is_recurrent(layer.spec.name, args) || is_projected(layer.spec.name, args) {
        compared.extend(recurrent(args, each));
    }
    compared.extend(options(layer.spec.name, args, each));
    compared.extend(attentive(layer, args, each));
    // Options are public as well. A table that is scaled down in place while the pass has it locked would wait for itself.
    if layer.spec.name == "Embedding" && is_plain_table(args) {
        compared.push(format!("{each}.options.is_plain()"));
    } else if layer.spec.name == "Embedding" && !named.is_empty() && !is_scaled_table(args) {
        compared.push(format!("{each}.options.max_norm.is_none()"));
    }
    compared
}

fn is_channel_norm(name: &str) -> bool {
    ["BatchNorm", "InstanceNorm"].iter().any(|kind| name.starts_with(kind))
}

/// A comparison of a recurrent layer's sizes, options and weights.
fn recurrent(args: &Args, each: &str) -> Option<String> {
    let (input, hidden) = (args.size("input_size").ok()?, args.size("hidden_size").ok()?);
    let layers = args.size("num_layers").map_or_else(|_| "1".into(), ToString::to_string);
    let projected = args.size("proj_size").map_or_else(|_| "0".into(), ToString::to_string);
    let [bidirectional, batch_first] = ["bidirectional", "batch_first"].map(|flag| args.may_be(flag));
    let each = reference(each);
    Some(format!(
        "::rustorch::__private::compiled::Recurrence::from({each})
            .fits([{input}, {hidden}, {layers}, {projected}], [{bidirectional}, {batch_first}])"
    ))
}

/// A comparison of an attention's, or a transformer's, sizes, options and weights.
fn attentive(layer: &Layer, args: &Args, each: &str) -> Option<String> {
    let flag = |name: &str| match args.get(name) {
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Expression) => {
            let written = layer.call.written.iter().find(|written| written.name == name);
            written.map_or("false".into(), |written| written.expr.to_string())
        }
        _ => "false".into(),
    };
    let size = |name: &'static str| args.size(name).ok().map(ToString::to_string);
    let batch_first = flag("batch_first");
    let path = "::rustorch::__private::compiled";
    let declared = if layer.spec.name == "MultiheadAttention" {
        let [e, keys, values, count] = ["embed_dim", "kdim", "vdim", "num_heads"].map(size);
        let [learnt, zeros] = ["add_bias_kv", "add_zero_attn"].map(flag);
        format!(
            "Heads {{ features: [{}, {}, {}], count: {}, batch_first: {batch_first}, extra: [{learnt}, {zeros}] }}",
            e?, keys?, values?, count?
        )
    } else {
        let [features, inner, heads] = ["d_model", "dim_feedforward", "nhead"].map(size);
        let activation = match args.get("activation") {
            Some(Value::Text(text)) => text,
            _ => return None,
        };
        let layers = |own: &'static str, of: &str| {
            let count = if layer.spec.name.ends_with(of) { size("num_layers") } else { size(own) };
            count.unwrap_or_else(|| "0".into())
        };
        let (encoders, decoders) =
            (layers("num_encoder_layers", "Encoder"), layers("num_decoder_layers", "Decoder"));
        let norm = if layer.spec.name == "Transformer" { "true".into() } else { flag("norm") };
        format!(
            "Block {{ sizes: [{}, {}, {}], batch_first: {batch_first}, norm_first: {}, activation: {activation:?}, \
             layers: [{encoders}, {decoders}], norm: {norm} }}",
            features?,
            inner?,
            heads?,
            flag("norm_first")
        )
    };
    Some(format!("{path}::Attentive::is_as({}, &{path}::{declared})", reference(each)))
}

/// A comparison of the options that plans are made of.
fn options(name: &str, args: &Args, each: &str) -> Vec<String> {
    let sizes = |names: &[&'static str]| -> Vec<String> {
        let known = names.iter().filter_map(|name| Some((name, args.sizes(name).ok()?)));
        known.map(|(field, sizes)| format!("{each}.{field} == [{}]", list(sizes))).collect()
    };
    let flags = |names: &[&'static str]| -> Vec<String> {
        let known = names.iter().filter_map(|name| Some((name, args.flag(name).ok()?)));
        known.map(|(field, flag)| format!("{each}.{field} == {flag}")).collect()
    };
    match name {
        "Conv1d" | "Conv2d" | "Conv3d" if pads_with_zeros(args) => {
            vec![format!("{each}.padding_mode == ::rustorch::nn::PaddingMode::Zeros")]
        }
        "Conv1d" | "Conv2d" | "Conv3d" => {
            let mode = match args.get("padding_mode") {
                Some(Value::Text(mode)) if mode == "reflect" => "Reflect",
                Some(Value::Text(mode)) if mode == "replicate" => "Replicate",
                _ => "Circular",
            };
            let mut compared = vec![format!("{each}.padding_mode == ::rustorch::nn::PaddingMode::{mode}")];
            let options = format!("{each}.options");
            let sizes =
                ["stride", "dilation"].into_iter().filter_map(|name| Some((name, args.sizes(name).ok()?)));
            compared.extend(sizes.map(|(name, sizes)| format!("{options}.{name} == [{}]", list(sizes))));
            compared.extend(args.size("groups").map(|groups| format!("{options}.groups == {groups}")));
            let padding = match args.get("padding") {
                Some(Value::Text(text)) if text == "same" => "Same".into(),
                Some(Value::Text(_)) => "Valid".into(),
                _ => format!("Zeros([{}])", list(args.sizes("padding").unwrap_or_default())),
            };
            compared.push(format!("{options}.padding == ::rustorch::nn::functional::Padding::{padding}"));
            compared
        }
        _ if name.contains("MaxPool") && !name.starts_with("Adaptive") => {
            [sizes(&["kernel", "stride", "padding", "dilation"]), flags(&["ceil_mode"])].concat()
        }
        _ if name.contains("AvgPool") && !name.starts_with("Adaptive") => {
            let divisor = (!name.ends_with("1d")).then(|| {
                let divisor = types::optional(args.size("divisor_override").ok());
                format!("{each}.divisor_override == {divisor}")
            });
            let flags = flags(&["ceil_mode", "count_include_pad"]);
            [sizes(&["kernel", "stride", "padding"]), flags, divisor.into_iter().collect()].concat()
        }
        _ if name.starts_with("LPPool") => [sizes(&["kernel", "stride"]), flags(&["ceil_mode"])].concat(),
        _ if name.starts_with("Adaptive") => {
            let compare = |sizes: &[Option<rustorch_shape::Poly>]| {
                let sizes = sizes.iter().map(|size| types::optional(size.as_ref()));
                format!("{each}.output_size == [{}]", list(sizes))
            };
            args.target("output_size").ok().map(compare).into_iter().collect()
        }
        _ if name.starts_with("InstanceNorm") => {
            let features = args.size("num_features").ok();
            features.map(|features| format!("{each}.num_features == {features}")).into_iter().collect()
        }
        _ if border(name).is_some() => sizes(&["padding"]),
        "GroupNorm" => {
            let groups = args.size("num_groups").ok();
            groups.map(|groups| format!("{each}.num_groups == {groups}")).into_iter().collect()
        }
        "PixelShuffle" | "PixelUnshuffle" => {
            let field = if name == "PixelShuffle" { "upscale_factor" } else { "downscale_factor" };
            let factor = args.size(field).ok();
            factor.map(|factor| format!("{each}.{field} == {factor}")).into_iter().collect()
        }
        "Upsample" => {
            let [sizes, factors] = ["size", "scale_factor"].map(|name| args.sizes(name).unwrap_or_default());
            let (Some(Value::Text(mode)), Ok(align_corners)) = (args.get("mode"), args.flag("align_corners"))
            else {
                return Vec::new();
            };
            let declared = types::interpolation(factors, mode, align_corners);
            vec![format!("{declared}.is_of({}, &[{}])", reference(each), list(sizes))]
        }
        "Softmax" | "LogSoftmax" => {
            let axis = args.axis("dim").ok();
            axis.map(|axis| format!("{each}.dim == {axis}")).into_iter().collect()
        }
        _ => Vec::new(),
    }
}
