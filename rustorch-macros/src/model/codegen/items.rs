//! The struct, its constructor and its part in `Module`.

use super::super::check::Checked;
use super::super::ir::{Field, FieldKind, Init, Key, Model, OwnTensor, Presence};
use super::super::lower::{self, Arg};
use super::statements::OpByOp;
use super::text::{Given, Local, Text, list};
use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use rustorch_shape::Dims;
use std::collections::BTreeMap;
use syn::{Attribute, Meta, Token, punctuated::Punctuated};

/// The struct itself.
pub(super) fn structure(model: &Model) -> TokenStream {
    let Model { attrs, vis, name, generics, .. } = model;
    let where_clause = &generics.where_clause;
    let fields = fields(model);
    let debug = (!derives(attrs, "Debug")).then(|| hygienic!(#[derive(Debug)]));
    hygienic! {
        #(#attrs)*
        #debug
        #vis struct #name #generics #where_clause {
            #fields
            training: ::rustorch::nn::Training,
            compiled: ::rustorch::__private::compiled::Cache,
        }
    }
}

/// The fields, each with a comma. Of hundreds of equal layers, what stands around their names is made once, and handed over as tokens: a
/// stream put into another is several questions to the compiler.
fn fields(model: &Model) -> TokenStream {
    let mut known: BTreeMap<&str, [Vec<TokenTree>; 2]> = BTreeMap::new();
    let mut tokens: Vec<TokenTree> = Vec::new();
    for field in &model.fields {
        let around = |field: &Field| around(field).map(|part| part.into_iter().collect());
        match &field.kind {
            FieldKind::Layer(layer) if is_bare(field) => {
                let [before, after] = known.entry(layer.spec.name).or_insert_with(|| around(field));
                tokens.extend(before.iter().cloned());
                tokens.push(field.name.clone().into());
                tokens.extend(after.iter().cloned());
            }
            _ => {
                let [before, after]: [Vec<TokenTree>; 2] = around(field);
                tokens.extend(before);
                tokens.push(field.name.clone().into());
                tokens.extend(after);
            }
        }
    }
    tokens.into_iter().collect()
}

/// Whether nothing but its name tells a layer from others of its type.
fn is_bare(field: &Field) -> bool {
    field.attrs.is_empty() && field.vis.is_none() && !field.is_optional()
}

/// What stands before and after the name of a field.
fn around(field: &Field) -> [TokenStream; 2] {
    let (attrs, ty) = (&field.attrs, field_type(field));
    let vis = field.vis.as_ref().map_or(hygienic!(pub), |vis| hygienic!(#vis));
    let doc = if is_documented(attrs) { None } else { Some(description(field)) }
        .map(|text| hygienic!(#[doc = #text]));
    [hygienic!(#(#attrs)* #doc #vis), hygienic!(: #ty,)]
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
    let given = Given::default();
    let printer = OpByOp { model, given: &given };
    let values: Vec<String> =
        (0..model.fields.len()).map(|position| field_value(printer, checked, position)).collect();
    let mut body = Text::new(&given);
    let mut parts = Vec::new();
    if values.len() <= GROUP {
        parts = values;
    } else {
        for (index, values) in values.chunks(GROUP).enumerate() {
            let (group, values) = (Local("group", index), values.join(", "));
            write!(body, "let {group} = __ops::part(|| ::core::result::Result::Ok(({values},)))?;");
            parts.extend((0..GROUP).map(|place| format!("{group}.{place}")));
        }
    }
    let mut fields: String =
        model.fields.iter().zip(parts).map(|(field, part)| format!("{}: {part},\n", field.name)).collect();
    fields += "training: ::rustorch::nn::Training::default(), \
               compiled: ::rustorch::__private::compiled::Cache::default()";
    write!(body, "::core::result::Result::Ok(Self {{ {fields} }})");
    let body = body.into_tokens();
    quote! {
        fn build() -> ::rustorch::Result<Self> {
            #[allow(unused_imports)]
            use ::rustorch::{__private::model as __ops, nn as __nn};
            #body
        }
    }
}

/// `Default` and `Module`.
pub(super) fn module(model: &Model) -> TokenStream {
    let (name, (impl_generics, ty_generics, where_clause)) = (&model.name, model.split());
    let [shared, exclusive] = [("&", "as_ref"), ("&mut ", "as_mut")].map(|(borrow, inner)| {
        let given = Given::default();
        let mut body = Text::new(&given);
        model.fields.iter().for_each(|field| visit(&mut body, field, borrow, inner));
        body.into_tokens()
    });
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
    quote! {
        #default
        #[automatically_derived]
        impl #impl_generics ::rustorch::nn::Module for #name #ty_generics #where_clause {
            fn visit<'a>(&'a self, __visitor: &mut ::rustorch::nn::Visitor<'a>) {
                __visitor.training(&self.training);
                #shared
            }

            #[allow(unused_variables)]
            fn visit_mut<'a>(&'a mut self, __visitor: &mut ::rustorch::nn::VisitorMut<'a>) {
                #exclusive
            }
        }
    }
}

/// How a field is shown to a visitor.
fn visit(body: &mut Text<'_>, field: &Field, borrow: &str, inner: &str) {
    let name = &field.name;
    let key = match &field.key {
        Key::Name(key) => key,
        Key::Numbers(from) => {
            write!(
                body,
                "for (__i, __module) in
                    ::core::iter::Iterator::enumerate(::core::iter::IntoIterator::into_iter({borrow}self.{name}))
                {{
                    __visitor.module(&::std::string::ToString::to_string(&({from} + __i)), __module);
                }}"
            );
            return;
        }
    };
    match &field.kind {
        FieldKind::Tensor(tensor) if tensor.is_buffer => {
            write!(body, "__visitor.buffer({key:?}, {borrow}self.{name});");
        }
        FieldKind::Tensor(_) => write!(body, "__visitor.parameter({key:?}, {borrow}self.{name});"),
        _ if field.is_optional() => {
            write!(
                body,
                "__visitor.optional_module({key:?}, self.{name}.{inner}().map(|__module| __module as _));"
            );
        }
        _ => write!(body, "__visitor.module({key:?}, {borrow}self.{name});"),
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

/// A field of a new model, as an expression.
fn field_value(printer: OpByOp<'_>, checked: &Checked, position: usize) -> String {
    let field = &printer.model.fields[position];
    let new = |ty: &syn::Type| format!("<{}>::new()", printer.given.put(&ty.to_token_stream()));
    let value = match &field.kind {
        FieldKind::Submodel(ty) => new(ty),
        FieldKind::Submodels(ty, _) => format!("::core::array::from_fn(|_| {})", new(ty)),
        FieldKind::Tensor(tensor) => own_tensor(printer, field, tensor),
        FieldKind::Layers(layer, _) => {
            let build = layer_value(printer, checked, position, layer.spec.name);
            format!("__ops::array(|| ::core::result::Result::Ok({build}))?")
        }
        FieldKind::Layer(layer) => layer_value(printer, checked, position, layer.spec.name),
        FieldKind::Broken(_) => "::core::unreachable!()".into(),
    };
    match &field.presence {
        Presence::Always => value,
        Presence::Optional(None) => format!("::core::option::Option::Some({value})"),
        Presence::Optional(Some(condition)) => format!(
            "if {} {{ ::core::option::Option::Some({value}) }} else {{ ::core::option::Option::None }}",
            printer.given.put(condition)
        ),
    }
}

fn layer_value(printer: OpByOp<'_>, checked: &Checked, position: usize, name: &str) -> String {
    let (required, options) = match printer.model.layer(checked, position) {
        Some((layer, args)) => lower::layer_args(layer, args),
        None => (Vec::new(), Vec::new()),
    };
    let required = list(required.iter().map(|arg| owned(printer, arg)));
    let options: String =
        options.iter().map(|(name, arg)| format!(".{name}({})", owned(printer, arg))).collect();
    format!("__nn::{name}::builder({required}){options}.build()?")
}

/// A parameter or buffer with its first value.
fn own_tensor(printer: OpByOp<'_>, field: &Field, tensor: &OwnTensor) -> String {
    let (name, is_buffer, sizes) = (field.name.to_string(), tensor.is_buffer, list(&tensor.shape));
    match &tensor.init {
        Init::Function { name: function, args } => {
            let args: String = args.iter().map(|arg| format!(", {}", printer.given.put(arg))).collect();
            format!(
                "__ops::own_tensor(&[{sizes}], {is_buffer}, |__tensor| __nn::init::{function}_(__tensor{args}))?"
            )
        }
        Init::Tensor(value) => {
            let value = printer.given.put(value);
            format!(
                "__ops::own_tensor_from({name:?}, &[{sizes}], {is_buffer}, __nn::init::FirstValue::first({value}))?"
            )
        }
    }
}

/// An argument of a builder: lists go as arrays.
fn owned(printer: OpByOp<'_>, arg: &Arg) -> String {
    match arg {
        Arg::Slice(sizes) => format!("[{}]", list(sizes)),
        other => printer.argument(other),
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
