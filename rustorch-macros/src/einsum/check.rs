//! What can be checked without types: the specification itself and the number of operands. Ranks and sizes are left
//! to the generated signature, whose dims rustc infers from typed operands, and to run time for dynamic ones.

use proc_macro2::Span;
use rustorch_shape::einsum::{EinsumError, ErrorKind, Spec};
use syn::spanned::Spanned;
use syn::{Error, Result};

use super::codegen::number;
use super::parse::{Input, Name};

/// The specification, or every mistake at its own span.
pub fn check(input: &Input) -> Result<Spec> {
    let spec = specification(input)?;
    // A number has no axes.
    for (at, (term, operand)) in spec.operands().iter().zip(input.operands()).enumerate() {
        let subscripts = term.labels().count();
        if number(operand).is_some() && subscripts > 0 {
            let (term_text, ellipsis) = (spec.term_text(term), term.has_ellipsis());
            let kind = ErrorKind::Rank { term: term_text, subscripts, ellipsis, rank: 0 };
            let error = EinsumError::new(kind, Some(at), None);
            return Err(Error::new(operand.span(), format!("einsum!: {error}")));
        }
    }
    Ok(spec)
}

fn specification(input: &Input) -> Result<Spec> {
    match input {
        Input::Text { spec: text, operands } => {
            // An offset into the value of a literal is a place in its source only on nightly: the message draws it.
            let report = |error: &EinsumError| format!("einsum!: {}", error.render(&text.value()));
            let spec = Spec::parse(&text.value()).map_err(|error| Error::new(text.span(), report(&error)))?;
            let terms = spec.operands().len();
            if terms != operands.len() {
                let kind = ErrorKind::OperandCount { terms, operands: operands.len() };
                let missing = spec.operands().get(operands.len());
                let offset = missing.and_then(|term| term.items.first()).map(|item| item.offset);
                let error = EinsumError::new(kind, None, offset);
                let span = operands.get(terms).map_or(text.span(), Spanned::span);
                return Err(Error::new(span, report(&error)));
            }
            Ok(spec)
        }
        Input::Indexed { terms, output, .. } => {
            let text =
                |names: &[Name]| -> Vec<Option<String>> { names.iter().map(|n| n.name.clone()).collect() };
            let terms_text: Vec<Vec<Option<String>>> = terms.iter().map(|names| text(names)).collect();
            let borrowed: Vec<Vec<Option<&str>>> =
                terms_text.iter().map(|names| names.iter().map(Option::as_deref).collect()).collect();
            let output_text = text(output);
            let output_names: Vec<Option<&str>> = output_text.iter().map(Option::as_deref).collect();
            Spec::from_terms(&borrowed, &output_names).map_err(|errors| {
                let spans: Vec<Span> = terms.iter().flatten().chain(output).map(|name| name.span).collect();
                let at = |error: &EinsumError| error.offset.and_then(|offset| spans.get(offset).copied());
                let report = |error: EinsumError| {
                    Error::new(at(&error).unwrap_or_else(Span::call_site), format!("einsum!: {error}"))
                };
                combine(errors.into_iter().map(report))
            })
        }
    }
}

fn combine(errors: impl Iterator<Item = Error>) -> Error {
    errors
        .reduce(|mut all, error| {
            all.combine(error);
            all
        })
        .unwrap_or_else(|| Error::new(Span::call_site(), "einsum!: malformed expression"))
}
