//! What a compiled network asks of its fields: a second handle, and whether they are as declared.

use super::super::super::check::Checked;
use super::super::super::compile::{is_plain_table, is_recurrent};
use super::super::super::ir::{Field, FieldKind, Model};
use super::super::super::lower::{Instruction, Program};
use super::super::types;
use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use rustorch_shape::args::Args;
use std::collections::BTreeSet;

/// A second handle on the model.
pub(super) fn handle(model: &Model) -> TokenStream {
    let fields = model.fields.iter().map(|field| {
        let name = &field.name;
        let value = match &field.kind {
            FieldKind::Submodel(_) if field.is_optional() => quote! {
                match &self.#name {
                    ::core::option::Option::Some(submodel) => {
                        ::core::option::Option::Some(Probe(submodel).handle()?)
                    }
                    ::core::option::Option::None => ::core::option::Option::None,
                }
            },
            FieldKind::Submodel(_) => quote!(Probe(&self.#name).handle()?),
            FieldKind::Submodels(..) => quote!(::rustorch::__private::compiled::array(
                self.#name.iter().map(|submodel| Probe(submodel).handle())
            )?),
            _ => quote!(::core::clone::Clone::clone(&self.#name)),
        };
        quote!(#name: #value)
    });
    quote! {
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
    let fields = model.fields.iter().enumerate().filter_map(|(position, field)| {
        let each = match &field.kind {
            FieldKind::Submodel(_) | FieldKind::Submodels(..) => quote!(Probe(each).fits()),
            FieldKind::Tensor(tensor) => {
                let sizes = tensor.shape.iter().map(types::size);
                quote!(has_shape(each, &[#(#sizes),*]))
            }
            _ => {
                let states = states.iter().filter(|(owner, _)| *owner == position).map(|(_, name)| *name);
                let compared = parameters(model, checked, position, &states.collect());
                if compared.is_empty() {
                    return None;
                }
                quote!(#(#compared)&&*)
            }
        };
        Some(for_all(field, &each))
    });
    quote! {
        fn fits(&self) -> bool {
            use ::rustorch::__private::compiled::{Probe, Uncompiled as _, has_shape};
            true #(&& #fields)*
        }
    }
}

/// A condition on `each` thing that a field holds.
fn for_all(field: &Field, condition: &TokenStream) -> TokenStream {
    let name = &field.name;
    match &field.kind {
        FieldKind::Submodels(..) | FieldKind::Layers(..) => quote!(self.#name.iter().all(|each| #condition)),
        _ if field.is_optional() => quote!(self.#name.iter().all(|each| #condition)),
        _ => quote!({ let each = &self.#name; #condition }),
    }
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
fn parameters(model: &Model, checked: &Checked, position: usize, named: &BTreeSet<&str>) -> Vec<TokenStream> {
    let Some((layer, args)) = model.layer(checked, position) else { return Vec::new() };
    let has_kernel = matches!(layer.spec.name, "Linear" | "Conv2d" | "LayerNorm" | "Embedding");
    let states = (layer.spec.state)(args).unwrap_or_default();
    let channels = states.first().and_then(|state| state.shape.first()).map(types::size);
    let read =
        states.into_iter().filter(|state| has_kernel && !state.is_buffer || named.contains(&*state.name));
    let compare = |state: rustorch_shape::layers::StateSpec| {
        let name = format_ident!("{}", &*state.name);
        let sizes: Vec<TokenStream> = state.shape.iter().map(types::size).collect();
        quote!(has_shape(&each.#name, &[#(#sizes),*]))
    };
    let mut compared: Vec<TokenStream> = read.map(compare).collect();
    if let ("BatchNorm1d" | "BatchNorm2d", Some(channels)) = (layer.spec.name, channels) {
        compared.push(quote!(::rustorch::__private::compiled::ChannelNorm::from(each).fits(#channels)));
    }
    if is_recurrent(layer.spec.name, args) {
        compared.extend(recurrent(args));
    }
    compared.extend(options(layer.spec.name, args));
    // Options are public as well. A table whose rows are scaled down in place while the pass has it locked would wait for itself.
    if layer.spec.name == "Embedding" && is_plain_table(args) {
        compared.push(quote!(each.options.is_plain()));
    } else if layer.spec.name == "Embedding" && !named.is_empty() {
        compared.push(quote!(each.options.max_norm.is_none()));
    }
    compared
}

/// A comparison of a recurrent layer's sizes, options and weights.
fn recurrent(args: &Args) -> Option<TokenStream> {
    let [input, hidden] = ["input_size", "hidden_size"].map(|name| args.size(name).ok().map(types::size));
    let (input, hidden) = (input?, hidden?);
    let layers = args.size("num_layers").map_or(quote!(1), types::size);
    let [bidirectional, batch_first] = ["bidirectional", "batch_first"].map(|flag| args.may_be(flag));
    Some(quote! {
        ::rustorch::__private::compiled::Recurrence::from(each)
            .fits([#input, #hidden, #layers], [#bidirectional, #batch_first])
    })
}

/// A comparison of the options that plans are made of.
fn options(name: &str, args: &Args) -> Vec<TokenStream> {
    let sizes = |names: &[&'static str]| -> Vec<TokenStream> {
        let known = names.iter().filter_map(|name| Some((format_ident!("{name}"), args.sizes(name).ok()?)));
        known
            .map(|(field, sizes)| {
                let sizes = sizes.iter().map(types::size);
                quote!(each.#field == [#(#sizes),*])
            })
            .collect()
    };
    let flags = |names: &[&'static str]| -> Vec<TokenStream> {
        let known = names.iter().filter_map(|name| Some((format_ident!("{name}"), args.flag(name).ok()?)));
        known.map(|(field, flag)| quote!(each.#field == #flag)).collect()
    };
    match name {
        "MaxPool2d" => [sizes(&["kernel", "stride", "padding", "dilation"]), flags(&["ceil_mode"])].concat(),
        "AvgPool2d" => {
            [sizes(&["kernel", "stride", "padding"]), flags(&["ceil_mode", "count_include_pad"])].concat()
        }
        "AdaptiveAvgPool2d" => sizes(&["output_size"]),
        "Softmax" | "LogSoftmax" => {
            args.axis("dim").map_or_else(|_| Vec::new(), |axis| vec![quote!(each.dim == #axis)])
        }
        _ => Vec::new(),
    }
}
