//! The struct, its constructor and its part in `Module`.

use super::super::check::Checked;
use super::super::ir::{Field, FieldKind, Init, Key, Model, OwnTensor, Presence};
use super::super::lower::{self, Arg};
use super::{statements, types};
use proc_macro2::TokenStream;
use quote::format_ident;
use rustorch_shape::Dims;
use syn::{Attribute, Meta, Token, punctuated::Punctuated};

/// The struct itself.
pub(super) fn structure(model: &Model) -> TokenStream {
    let Model { attrs, vis, name, generics, .. } = model;
    let where_clause = &generics.where_clause;
    let fields = model.fields.iter().map(|field| {
        let (attrs, name, ty) = (&field.attrs, &field.name, field_type(field));
        let vis = field.vis.as_ref().map_or(hygienic!(pub), |vis| hygienic!(#vis));
        let doc = if is_documented(attrs) { None } else { Some(description(field)) }
            .map(|text| hygienic!(#[doc = #text]));
        hygienic!(#(#attrs)* #doc #vis #name: #ty)
    });
    let debug = (!derives(attrs, "Debug")).then(|| hygienic!(#[derive(Debug)]));
    hygienic! {
        #(#attrs)*
        #debug
        #vis struct #name #generics #where_clause {
            #(#fields,)*
            training: ::rustorch::nn::Training,
            compiled: ::rustorch::__private::compiled::Cache,
        }
    }
}

/// `new`, and what it calls.
pub(super) fn constructor(model: &Model, checked: &Checked) -> TokenStream {
    let name = model.name.to_string();
    let build = build(model, checked);
    let doc = format!("A `{name}` with freshly initialised parameters, in training mode.");
    hygienic! {
        #[doc = #doc]
        ///
        /// # Panics
        /// If the device is out of memory.
        #[must_use]
        #[track_caller]
        pub fn new() -> Self {
            let () = Self::SHAPES_FIT;
            match Self::build() {
                ::core::result::Result::Ok(model) => model,
                ::core::result::Result::Err(error) => ::core::panic!("{}: {error}", #name),
            }
        }

        #build
    }
}

/// Fields that one function builds. Where the construction of a field fails, those before it are dropped, in code of their own for each
/// place; in one function, hundreds of fields would make that a hundred thousand calls.
const GROUP: usize = 12;

/// `build`, in groups of fields where there are many.
fn build(model: &Model, checked: &Checked) -> TokenStream {
    let values: Vec<TokenStream> =
        (0..model.fields.len()).map(|position| field_value(model, checked, position)).collect();
    let names = model.fields.iter().map(|field| &field.name);
    let whole = |groups: TokenStream, values: &[TokenStream]| {
        let names = names.clone();
        hygienic! {
            fn build() -> ::rustorch::Result<Self> {
                #[allow(unused_imports)]
                use ::rustorch::{__private::model as __ops, nn as __nn};
                #groups
                ::core::result::Result::Ok(Self {
                    #(#names: #values,)*
                    training: ::rustorch::nn::Training::default(),
                    compiled: ::rustorch::__private::compiled::Cache::default(),
                })
            }
        }
    };
    if values.len() <= GROUP {
        return whole(TokenStream::new(), &values);
    }
    let (mut calls, mut parts) = (TokenStream::new(), Vec::new());
    for (index, values) in values.chunks(GROUP).enumerate() {
        let group = types::local("group", index);
        calls.extend(hygienic!(let #group = __ops::part(|| ::core::result::Result::Ok((#(#values,)*)))?;));
        parts.extend((0..values.len()).map(|place| {
            let place = syn::Index::from(place);
            hygienic!(#group.#place)
        }));
    }
    whole(calls, &parts)
}

/// `Default` and `Module`.
pub(super) fn module(model: &Model) -> TokenStream {
    let (name, (impl_generics, ty_generics, where_clause)) = (&model.name, model.generics.split_for_impl());
    let shared = model.fields.iter().map(|field| visit(field, &hygienic!(&), &hygienic!(as_ref)));
    let exclusive = model.fields.iter().map(|field| visit(field, &hygienic!(&mut), &hygienic!(as_mut)));
    let default = (!derives(&model.attrs, "Default")).then(|| {
        hygienic! {
            #[automatically_derived]
            impl #impl_generics ::core::default::Default for #name #ty_generics #where_clause {
                #[track_caller]
                fn default() -> Self {
                    Self::new()
                }
            }
        }
    });
    hygienic! {
        #default
        #[automatically_derived]
        impl #impl_generics ::rustorch::nn::Module for #name #ty_generics #where_clause {
            fn visit<'a>(&'a self, visitor: &mut ::rustorch::nn::Visitor<'a>) {
                visitor.training(&self.training);
                #(#shared)*
            }

            #[allow(unused_variables)]
            fn visit_mut<'a>(&'a mut self, visitor: &mut ::rustorch::nn::VisitorMut<'a>) {
                #(#exclusive)*
            }
        }
    }
}

/// How a field is shown to a visitor.
fn visit(field: &Field, borrow: &TokenStream, inner: &TokenStream) -> TokenStream {
    let name = &field.name;
    let key = match &field.key {
        Key::Name(key) => key,
        Key::Numbers(from) => {
            return hygienic! {
                let elements = ::core::iter::IntoIterator::into_iter(#borrow self.#name);
                for (i, module) in ::core::iter::Iterator::enumerate(elements) {
                    visitor.module(&::std::string::ToString::to_string(&(#from + i)), module);
                }
            };
        }
    };
    match &field.kind {
        FieldKind::Tensor(tensor) if tensor.is_buffer => hygienic!(visitor.buffer(#key, #borrow self.#name);),
        FieldKind::Tensor(_) => hygienic!(visitor.parameter(#key, #borrow self.#name);),
        _ if field.is_optional() => hygienic! {
            visitor.optional_module(#key, self.#name.#inner().map(|module| module as _));
        },
        _ => hygienic!(visitor.module(#key, #borrow self.#name);),
    }
}

/// The type of a field; of one with a mistake, something that compiles.
pub(super) fn field_type(field: &Field) -> TokenStream {
    let ty = inner_type(field);
    if field.is_optional() { hygienic!(::core::option::Option<#ty>) } else { ty }
}

/// The type without the `Option` around it.
fn inner_type(field: &Field) -> TokenStream {
    let layer = |name: &str| {
        let name = format_ident!("{name}");
        hygienic!(::rustorch::nn::#name)
    };
    match &field.kind {
        FieldKind::Layer(known) => layer(known.spec.name),
        FieldKind::Broken(Some(spec)) => layer(spec.name),
        FieldKind::Broken(None) => layer("Identity"),
        FieldKind::Submodel(ty) => hygienic!(#ty),
        FieldKind::Submodels(ty, len) => hygienic!([#ty; #len]),
        FieldKind::Layers(known, len) => {
            let ty = layer(known.spec.name);
            hygienic!([#ty; #len])
        }
        FieldKind::Tensor(_) => hygienic!(::rustorch::Tensor),
    }
}

fn field_value(model: &Model, checked: &Checked, position: usize) -> TokenStream {
    let field = &model.fields[position];
    let value = match &field.kind {
        FieldKind::Submodel(ty) => hygienic!(<#ty>::new()),
        FieldKind::Submodels(ty, _) => hygienic!(::core::array::from_fn(|_| <#ty>::new())),
        FieldKind::Tensor(tensor) => own_tensor(field, tensor),
        FieldKind::Layers(layer, _) => {
            let build = layer_value(model, checked, position, layer.spec.name);
            hygienic!(__ops::array(|| ::core::result::Result::Ok(#build))?)
        }
        FieldKind::Layer(layer) => layer_value(model, checked, position, layer.spec.name),
        FieldKind::Broken(_) => hygienic!(::core::unreachable!()),
    };
    match &field.presence {
        Presence::Always => value,
        Presence::Optional(None) => hygienic!(::core::option::Option::Some(#value)),
        Presence::Optional(Some(condition)) => hygienic! {
            if #condition { ::core::option::Option::Some(#value) } else { ::core::option::Option::None }
        },
    }
}

fn layer_value(model: &Model, checked: &Checked, position: usize, name: &str) -> TokenStream {
    let ty = format_ident!("{name}");
    let (required, options) = match model.layer(checked, position) {
        Some((layer, args)) => lower::layer_args(layer, args),
        None => (Vec::new(), Vec::new()),
    };
    let required = required.iter().map(owned);
    let options = options.iter().map(|(name, arg)| {
        let (name, arg) = (format_ident!("{name}"), owned(arg));
        hygienic!(.#name(#arg))
    });
    hygienic!(__nn::#ty::builder(#(#required),*)#(#options)*.build()?)
}

/// A parameter or buffer with its first value.
fn own_tensor(field: &Field, tensor: &OwnTensor) -> TokenStream {
    let (name, is_buffer) = (field.name.to_string(), tensor.is_buffer);
    let sizes = tensor.shape.iter().map(types::size);
    match &tensor.init {
        Init::Function { name: function, args } => {
            let function = format_ident!("{function}_");
            hygienic! {
                __ops::own_tensor(
                    &[#(#sizes),*],
                    #is_buffer,
                    |tensor| __nn::init::#function(tensor #(, #args)*),
                )?
            }
        }
        Init::Tensor(value) => {
            hygienic!(__ops::own_tensor_from(#name, &[#(#sizes),*], #is_buffer, #value)?)
        }
    }
}

/// An argument of a builder: lists go as arrays.
fn owned(arg: &Arg) -> types::Piece {
    match arg {
        Arg::Slice(sizes) => statements::argument(&Arg::Array(sizes.clone())),
        other => statements::argument(other),
    }
}

fn description(field: &Field) -> String {
    match &field.kind {
        FieldKind::Layer(layer) => format!("{}: {}.", layer.spec.name, layer.spec.summary),
        FieldKind::Layers(layer, _) => format!("Each {}: {}.", layer.spec.name, layer.spec.summary),
        FieldKind::Tensor(tensor) if tensor.is_buffer => format!("`{}`, a buffer.", Dims(&tensor.shape)),
        FieldKind::Tensor(tensor) => format!("`{}`, a parameter.", Dims(&tensor.shape)),
        FieldKind::Submodel(_) | FieldKind::Submodels(..) | FieldKind::Broken(_) => {
            format!("`{}`", field.name)
        }
    }
}

fn is_documented(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| attr.path().is_ident("doc"))
}

fn derives(attrs: &[Attribute], name: &str) -> bool {
    attrs.iter().filter(|attr| attr.path().is_ident("derive")).any(|attr| {
        attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).is_ok_and(|list| {
            list.iter().any(|meta| meta.path().segments.last().is_some_and(|s| s.ident == name))
        })
    })
}
