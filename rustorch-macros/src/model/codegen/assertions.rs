//! What could not be proved about const parameters is asserted where rustc knows their values.

use super::super::check::{Checked, Located};
use super::super::ir::Model;
use super::types;
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use rustorch_shape::{Poly, Relation};

/// Assertions about constants alone, which `cargo check` evaluates where the model stands.
pub(super) fn free(model: &Model, checked: &Checked) -> Vec<TokenStream> {
    conditions(checked)
        .filter(|(_, condition)| !mentions_params(model, condition))
        .map(|(located, condition)| {
            let assertion = assertion(located, &condition);
            quote!(const _: () = { #assertion };)
        })
        .collect()
}

/// Assertions about const parameters, evaluated for every set of them that a program uses.
pub(super) fn of_parameters(model: &Model, checked: &Checked) -> TokenStream {
    let assertions = conditions(checked)
        .filter(|(_, condition)| mentions_params(model, condition))
        .map(|(located, condition)| assertion(located, &condition));
    quote! {
        #[doc(hidden)]
        const SHAPES_FIT: () = { #(#assertions)* };
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
    quote_spanned! {located.span.start()=>
        ::rustorch::__private::model::assert_sizes(#l, #symbol, #r, #message, #left, #right);
    }
}

fn mentions_params(model: &Model, (left, _, right): &Condition) -> bool {
    let params: Vec<String> = model.generics.const_params().map(|param| param.ident.to_string()).collect();
    left.params().iter().chain(&right.params()).any(|name| params.iter().any(|param| param == name))
}
