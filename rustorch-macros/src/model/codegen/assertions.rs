//! What could not be proved about const parameters is asserted where rustc knows their values.

use super::super::check::{Checked, Located};
use super::super::errors::{place_of, source};
use super::super::ir::{FieldKind, Model, Shape, Submodel, Var};
use super::super::lower::{Instruction, Program};
use super::types;
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use rustorch_shape::{Poly, Relation};

/// Assertions about constants alone, which `cargo check` evaluates where the model stands.
pub(super) fn free(model: &Model, checked: &Checked, program: &Program) -> Vec<TokenStream> {
    conditions(checked)
        .filter(|(located, condition)| !mentions_params(model, located, condition))
        .map(|(located, condition)| {
            let assertion = assertion(located, &condition);
            quote!(const _: () = { #assertion };)
        })
        .chain(concrete_submodels(model))
        .chain(calls(model, program).into_iter().filter_map(|sizes| {
            // Of a call, the first that differs: when a model is another one, so are all its shapes.
            let fixed: Vec<_> = sizes.into_iter().filter(|size| !size.is_generic).collect();
            let assertions = fixed.iter().map(|size| &size.assertion);
            (!fixed.is_empty()).then(|| {
                quote! {
                    const _: () = {
                        #[allow(unused_imports)]
                        use ::rustorch::__private::model::Unchecked as _;
                        #(#assertions)*
                    };
                }
            })
        }))
        .collect()
}

/// The assertions of models inside whose parameters are known here: `cargo check` evaluates them too.
fn concrete_submodels(model: &Model) -> Vec<TokenStream> {
    let params: Vec<&syn::Ident> = model.generics.const_params().map(|param| &param.ident).collect();
    let concrete = model.fields.iter().filter_map(|field| match &field.kind {
        FieldKind::Submodel(ty) | FieldKind::Submodels(ty, _) if !mentions(quote!(#ty), &params) => Some(ty),
        _ => None,
    });
    // Spanned as the type of the field, which is what the compiler shows besides the assertion.
    let assertion = |ty: &syn::Type| {
        let fits = quote_spanned!(place_of(ty).start()=> <#ty>::SHAPES_FIT);
        quote! {
            const _: () = {
                #[allow(unused_imports)]
                use ::rustorch::__private::model::Unchecked as _;
                #fits
            };
        }
    };
    concrete.map(assertion).collect()
}

/// Whether one of the names occurs in the tokens.
fn mentions(tokens: TokenStream, names: &[&syn::Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(name) => names.iter().any(|other| **other == name),
        TokenTree::Group(group) => mentions(group.stream(), names),
        _ => false,
    })
}

/// Assertions about const parameters, evaluated for every set of them that a program uses.
pub(super) fn of_parameters(model: &Model, checked: &Checked, program: &Program) -> TokenStream {
    let submodels = model.fields.iter().filter_map(|field| match &field.kind {
        FieldKind::Submodel(ty) | FieldKind::Submodels(ty, _) => Some(ty),
        _ => None,
    });
    let assertions = conditions(checked)
        .filter(|(located, condition)| mentions_params(model, located, condition))
        .map(|(located, condition)| assertion(located, &condition));
    let calls = calls(model, program);
    let calls = calls.iter().flatten().filter(|size| size.is_generic).map(|size| &size.assertion);
    quote! {
        /// Evaluated when the model is compiled with its const parameters: fails if the shapes do not fit then, also those
        /// of the models inside. `const _: () = Name::<..>::SHAPES_FIT;` asks for it already in `cargo check`.
        pub const SHAPES_FIT: () = {
            #[allow(unused_imports)]
            use ::rustorch::__private::model::Unchecked as _;
            #(<#submodels>::SHAPES_FIT;)*
            #(#assertions)*
            #(#calls)*
        };
    }
}

/// A comparison of a size that a call of another model states with the one that this model declares.
struct StatedSize {
    assertion: TokenStream,
    /// Whether it depends on const parameters.
    is_generic: bool,
}

/// The comparisons for each of the calls that are made whatever the const parameters are. Those in branches are left to the run.
fn calls(model: &Model, program: &Program) -> Vec<Vec<StatedSize>> {
    let mut found = Vec::new();
    for instruction in &program.instructions {
        match instruction {
            Instruction::For { body, .. } | Instruction::Repeat { body, .. } => {
                found.extend(calls(model, body));
            }
            Instruction::Submodel { target, inputs, results, span, .. } => {
                let (Submodel::Field(field)
                | Submodel::Each(field)
                | Submodel::At(field, _)
                | Submodel::Counted(field, _)) = *target;
                let (FieldKind::Submodel(ty) | FieldKind::Submodels(ty, _)) = &model.fields[field].kind
                else {
                    continue;
                };
                let callee = Callee { model, ty, name: &model.fields[field].label, span: span.start() };
                let sides = [
                    ("DECLARED_INPUTS", ["is given", "takes"], inputs),
                    ("DECLARED_OUTPUTS", ["is said to give", "gives"], results),
                ];
                let sizes =
                    sides.into_iter().flat_map(|(list, verbs, tensors)| callee.compare(list, verbs, tensors));
                found.push(sizes.collect());
            }
            _ => {}
        }
    }
    found
}

struct Callee<'a> {
    model: &'a Model,
    ty: &'a syn::Type,
    name: &'a str,
    span: Span,
}

impl Callee<'_> {
    /// The sizes without run-time dims of these inputs or results.
    fn compare(&self, list: &str, [here, there]: [&str; 2], tensors: &[(Var, Shape)]) -> Vec<StatedSize> {
        let Self { model, ty, name, span } = *self;
        let params: Vec<&syn::Ident> = model.generics.const_params().map(|param| &param.ident).collect();
        let (list, type_text) =
            (quote::format_ident!("{list}"), source(ty).replace(" < ", "<").replace(" >", ">"));
        let compare = |number: usize, axis: usize, shape: &Shape| {
            let size = &shape[axis];
            if !size.dims().is_empty() {
                return None;
            }
            let (value, text) = (types::size(size), size.to_string());
            let shape = rustorch_shape::Dims(shape);
            let message =
                format!("`{name}` {here} {shape}, but `{type_text}` {there} another size on axis {axis}");
            let declared = format!("that of `{type_text}`");
            let assertion = quote_spanned! {span=>
                ::rustorch::__private::model::assert_stated(
                    #value, <#ty>::#list, #number, #axis, #message, #text, #declared
                );
            };
            let is_generic = mentions(quote!(#ty), &params) || mentions(value.into_token_stream(), &params);
            Some(StatedSize { assertion, is_generic })
        };
        let compare = &compare;
        let all = tensors.iter().enumerate();
        all.flat_map(|(number, (_, shape))| {
            (0..shape.len()).filter_map(move |axis| compare(number, axis, shape))
        })
        .collect()
    }
}

type Condition = (Poly, Relation, Poly);

fn conditions(checked: &Checked) -> impl Iterator<Item = (&Located, Condition)> {
    // Claims about run-time dims have none: the operations themselves check those.
    let of = |located: &Located| located.claim.conditions().unwrap_or_default();
    checked
        .claims
        .iter()
        .flat_map(move |located| of(located).into_iter().map(move |condition| (located, condition)))
}

fn assertion(located: &Located, (left, relation, right): &Condition) -> TokenStream {
    let (l, r) = (types::size(left), types::size(right));
    let symbol = match relation {
        Relation::Equal => "==",
        Relation::AtLeast => ">=",
        Relation::MultipleOf => "%",
    };
    let message = &located.message;
    let (left, right) = (left.to_string(), right.to_string());
    let assertion = quote_spanned! {located.span.start()=>
        ::rustorch::__private::model::assert_sizes(#l, #symbol, #r, #message, #left, #right);
    };
    match &located.guard {
        Some(guard) => quote!(if #guard { #assertion }),
        None => assertion,
    }
}

fn mentions_params(model: &Model, located: &Located, (left, _, right): &Condition) -> bool {
    if located.guard.is_some() && model.generics.const_params().next().is_some() {
        return true;
    }
    let params: Vec<String> = model.generics.const_params().map(|param| param.ident.to_string()).collect();
    left.params().iter().chain(&right.params()).any(|name| params.iter().any(|param| param == name))
}
