//! What a compiled network asks of its fields: a second handle, and whether they are as declared.

use super::super::super::check::Checked;
use super::super::super::compile::{is_plain_table, is_recurrent};
use super::super::super::ir::{Field, FieldKind, Model, Shape};
use super::super::super::lower::{Instruction, Program};
use super::super::types::{self, Piece};
use super::NamedShapes;
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident};
use rustorch_shape::args::{Args, Value};
use std::collections::BTreeSet;

/// A second handle on the model.
pub(super) fn handle(model: &Model) -> TokenStream {
    let fields = model.fields.iter().map(|field| {
        let name = &field.name;
        let value = match &field.kind {
            FieldKind::Submodel(_) if field.is_optional() => hygienic! {
                match &self.#name {
                    ::core::option::Option::Some(submodel) => {
                        ::core::option::Option::Some(Probe(submodel).handle()?)
                    }
                    ::core::option::Option::None => ::core::option::Option::None,
                }
            },
            FieldKind::Submodel(_) => hygienic!(Probe(&self.#name).handle()?),
            FieldKind::Submodels(..) => hygienic!(::rustorch::__private::compiled::array(
                self.#name.iter().map(|submodel| Probe(submodel).handle())
            )?),
            _ => hygienic!(self.#name.clone()),
        };
        hygienic!(#name: #value)
    });
    hygienic! {
        fn handle(&self) -> ::core::option::Option<Self> {
            use ::rustorch::__private::compiled::{Probe, Uncompiled as _};
            ::core::option::Option::Some(Self {
                #(#fields,)*
                training: self.training.clone(),
                compiled: self.compiled.clone(),
            })
        }
    }
}

/// Compares the parameters and buffers that kernels read with their declarations; operations on tensors check their own.
pub(super) fn fits(model: &Model, checked: &Checked, program: &Program) -> TokenStream {
    let mut states = BTreeSet::new();
    named_states(program, &mut states);
    let named = NamedShapes::default();
    let fields = model.fields.iter().enumerate().map(|(position, field)| {
        let each = each(field);
        let condition = match &field.kind {
            FieldKind::Submodel(_) | FieldKind::Submodels(..) => hygienic!(Probe(#each).fits()),
            FieldKind::Tensor(tensor) => {
                let shape = shape(&named, &tensor.shape);
                hygienic!(has_shape(#each, #shape))
            }
            _ => {
                let states = states.iter().filter(|(owner, _)| *owner == position).map(|(_, name)| *name);
                let compared = parameters(model, checked, (position, &each), &states.collect(), &named);
                if compared.is_empty() {
                    return TokenStream::new();
                }
                hygienic!(#(#compared)&&*)
            }
        };
        for_all(field, &condition)
    });
    let fields = named.block(|| hygienic!(#(#fields)*));
    hygienic! {
        fn fits(&self) -> bool {
            use ::rustorch::__private::compiled::{Probe, Uncompiled as _, has_shape};
            #fields
            true
        }
    }
}

/// A shape as a slice.
fn shape(named: &NamedShapes, shape: &Shape) -> TokenStream {
    match named.name_of(shape) {
        Some(name) => name.into_token_stream(),
        None => {
            let sizes = shape.iter().map(types::size);
            hygienic!(&[#(#sizes),*])
        }
    }
}

/// Whether a field holds any number of things.
fn is_many(field: &Field) -> bool {
    matches!(field.kind, FieldKind::Submodels(..) | FieldKind::Layers(..)) || field.is_optional()
}

/// A reference to a thing that a field holds.
fn each(field: &Field) -> TokenStream {
    let name = &field.name;
    if is_many(field) { hygienic!(each) } else { hygienic!((&self.#name)) }
}

/// Ends the comparison unless each thing that a field holds meets the condition.
fn for_all(field: &Field, condition: &TokenStream) -> TokenStream {
    let name = &field.name;
    if is_many(field) {
        return hygienic!(if !self.#name.iter().all(|each| #condition) { return false; });
    }
    hygienic!(if !(#condition) { return false; })
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

/// A comparison for every parameter of a layer that has kernels in the pass, and for those that the body names.
fn parameters(
    model: &Model,
    checked: &Checked,
    (position, each): (usize, &TokenStream),
    named: &BTreeSet<&str>,
    shapes: &NamedShapes,
) -> Vec<TokenStream> {
    let Some((layer, args)) = model.layer(checked, position) else { return Vec::new() };
    let has_kernel =
        matches!(layer.spec.name, "Linear" | "Conv2d" | "LayerNorm" | "RMSNorm" | "GroupNorm" | "Embedding");
    let states = (layer.spec.state)(args).unwrap_or_default();
    let channels = states.first().and_then(|state| state.shape.first()).map(types::size);
    let read =
        states.into_iter().filter(|state| has_kernel && !state.is_buffer || named.contains(&*state.name));
    let compare = |state: rustorch_shape::layers::StateSpec| {
        let name = format_ident!("{}", &*state.name);
        let shape = shape(shapes, &state.shape);
        hygienic!(has_shape(&#each.#name, #shape))
    };
    let mut compared: Vec<TokenStream> = read.map(compare).collect();
    if let ("BatchNorm1d" | "BatchNorm2d", Some(channels)) = (layer.spec.name, channels) {
        compared.push(hygienic!(::rustorch::__private::compiled::ChannelNorm::from(#each).fits(#channels)));
    }
    if is_recurrent(layer.spec.name, args) {
        compared.extend(recurrent(args, each));
    }
    compared.extend(options(layer.spec.name, args, each));
    // Options are public as well. A table whose rows are scaled down in place while the pass has it locked would wait for itself.
    if layer.spec.name == "Embedding" && is_plain_table(args) {
        compared.push(hygienic!(#each.options.is_plain()));
    } else if layer.spec.name == "Embedding" && !named.is_empty() {
        compared.push(hygienic!(#each.options.max_norm.is_none()));
    }
    compared
}

/// A comparison of a recurrent layer's sizes, options and weights.
fn recurrent(args: &Args, each: &TokenStream) -> Option<TokenStream> {
    let [input, hidden] = ["input_size", "hidden_size"].map(|name| args.size(name).ok().map(types::size));
    let (input, hidden) = (input?, hidden?);
    let layers = args.size("num_layers").map_or_else(|_| Piece::Tokens(hygienic!(1)), types::size);
    let [bidirectional, batch_first] = ["bidirectional", "batch_first"].map(|flag| args.may_be(flag));
    Some(hygienic! {
        ::rustorch::__private::compiled::Recurrence::from(#each)
            .fits([#input, #hidden, #layers], [#bidirectional, #batch_first])
    })
}

/// A comparison of the options that plans are made of.
fn options(name: &str, args: &Args, each: &TokenStream) -> Vec<TokenStream> {
    let sizes = |names: &[&'static str]| -> Vec<TokenStream> {
        let known = names.iter().filter_map(|name| Some((format_ident!("{name}"), args.sizes(name).ok()?)));
        known
            .map(|(field, sizes)| {
                let sizes = sizes.iter().map(types::size);
                hygienic!(#each.#field == [#(#sizes),*])
            })
            .collect()
    };
    let flags = |names: &[&'static str]| -> Vec<TokenStream> {
        let known = names.iter().filter_map(|name| Some((format_ident!("{name}"), args.flag(name).ok()?)));
        known.map(|(field, flag)| hygienic!(#each.#field == #flag)).collect()
    };
    match name {
        "MaxPool2d" => [sizes(&["kernel", "stride", "padding", "dilation"]), flags(&["ceil_mode"])].concat(),
        "AvgPool2d" => {
            let divisor = types::optional_size(args.size("divisor_override").ok());
            let divisor = vec![hygienic!(#each.divisor_override == #divisor)];
            let flags = flags(&["ceil_mode", "count_include_pad"]);
            [sizes(&["kernel", "stride", "padding"]), flags, divisor].concat()
        }
        "GroupNorm" => args.size("num_groups").map_or_else(
            |_| Vec::new(),
            |groups| {
                let groups = types::size(groups);
                vec![hygienic!(#each.num_groups == #groups)]
            },
        ),
        "AdaptiveAvgPool2d" => args.target("output_size").map_or_else(
            |_| Vec::new(),
            |sizes| {
                let sizes = sizes.iter().map(|size| types::optional_size(size.as_ref()));
                vec![hygienic!(#each.output_size == [#(#sizes),*])]
            },
        ),
        "PixelShuffle" | "PixelUnshuffle" => {
            let name = if name == "PixelShuffle" { "upscale_factor" } else { "downscale_factor" };
            let field = format_ident!("{name}");
            let compared = args.size(name).ok().map(types::size).map(|size| hygienic!(#each.#field == #size));
            compared.into_iter().collect()
        }
        "Upsample" => {
            let list = |name| {
                let sizes = args.sizes(name).unwrap_or_default().iter().map(types::size);
                hygienic!(&[#(#sizes),*])
            };
            let (sizes, factors) = (list("size"), list("scale_factor"));
            let (Some(Value::Text(mode)), Ok(align_corners)) = (args.get("mode"), args.flag("align_corners"))
            else {
                return Vec::new();
            };
            let declared = hygienic!(::rustorch::__private::compiled::Interpolation {
                factors: #factors, mode: #mode, align_corners: #align_corners
            });
            vec![hygienic!(#declared.is_of(#each, #sizes))]
        }
        "Softmax" | "LogSoftmax" => {
            args.axis("dim").map_or_else(|_| Vec::new(), |axis| vec![hygienic!(#each.dim == #axis)])
        }
        _ => Vec::new(),
    }
}
