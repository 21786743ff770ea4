//! The typed signature of an einsum.
//!
//! For `"ij,jk->ik"` it is
//!
//! ```text
//! #[diagnostic::on_unimplemented(message = "einsum!: index `j` has size `{Self}` in `b` (axis 0), but size `{First}` in `a` (axis 1)")]
//! trait SameSizeOf_j<First> {}
//! impl<D> SameSizeOf_j<D> for D {}
//!
//! fn einsum<i: Dim, j: Dim, k: Dim, Axis0: Dim + SameSizeOf_j<j>>(
//!     operand_0: &TypedTensor<(i, j)>, operand_1: &TypedTensor<(Axis0, k)>,
//! ) -> TypedTensor<(i, k)>
//! ```
//!
//! An index is a generic dim where it appears first. Every further axis that has it is a dim of its own, tied to the first
//! by a local trait that only equal dims satisfy and whose message knows both places. Inference runs through the ties, so
//! that a run-time dim or a const parameter is told apart from others just as a number is.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use rustorch_shape::einsum::{Item, Spec, Subscript, Term};
use syn::Expr;

use super::codegen::hidden;

/// Operands longer than this are named by their number in messages.
const MAX_NAME: usize = 24;

/// The parts of the signature.
pub struct Signature {
    pub generics: Vec<TokenStream>,
    /// The shape of each operand.
    pub parameters: Vec<TokenStream>,
    pub bounds: Vec<TokenStream>,
    /// The shape of the result.
    pub output: TokenStream,
    /// The local traits that tie axes together.
    pub ties: Vec<TokenStream>,
}

impl Signature {
    pub fn new(spec: &Spec, operands: &[Expr]) -> Self {
        let mut signature = Self {
            generics: Vec::new(),
            parameters: Vec::new(),
            bounds: Vec::new(),
            output: TokenStream::new(),
            ties: Vec::new(),
        };
        let names: Vec<String> = operands.iter().enumerate().map(|(at, operand)| name(at, operand)).collect();
        // Where each label was met first.
        let mut first: Vec<Option<String>> = vec![None; spec.labels().len()];
        let mut middles = Vec::new();
        for (term, operand) in spec.operands().iter().zip(&names) {
            let mut dims = Vec::with_capacity(term.items.len());
            for (axis, item) in term.items.iter().enumerate() {
                let Subscript::Label(label) = item.subscript else { continue };
                let place = place(term, axis, operand);
                let text = &spec.labels()[label];
                dims.push(match &first[label] {
                    None => {
                        first[label] = Some(place);
                        let dim = dim(text);
                        signature.generics.push(quote!(#dim: ::rustorch::typed::Dim));
                        dim
                    }
                    Some(first) => signature.tie(text, first, &place),
                });
            }
            signature.operand(term, &dims, &mut middles);
        }
        let dims: Vec<Ident> = spec.output().labels().map(|label| dim(&spec.labels()[label])).collect();
        signature.result(spec.output(), &dims, &middles);
        signature
    }

    /// A dim of its own for a further axis of an index, tied to the first.
    fn tie(&mut self, label: &str, first: &str, place: &str) -> Ident {
        let number = self.ties.len();
        // rustc shows the name of the trait: "the trait `SameSizeOf_j<Const<3>>` is not implemented for `Const<5>`".
        let index = label.strip_prefix("r#").unwrap_or(label);
        let suffix = if number == 0 { String::new() } else { format!("_{number}") };
        let (tie, axis) = (
            format_ident!("SameSizeOf_{index}{suffix}", span = hidden()),
            format_ident!("Axis{number}", span = hidden()),
        );
        let message = format!(
            "einsum!: index `{label}` has size `{{Self}}` in {place}, but size `{{First}}` in {first}"
        );
        self.ties.push(quote! {
            #[diagnostic::on_unimplemented(message = #message, label = "the sizes of this index differ")]
            #[allow(non_camel_case_types)]
            trait #tie<First> {}
            #[diagnostic::do_not_recommend]
            impl<D: ::rustorch::typed::Dim> #tie<D> for D {}
        });
        let index = dim(label);
        self.generics.push(quote!(#axis: ::rustorch::typed::Dim + #tie<#index>));
        axis
    }

    /// The parameter of one operand, whose subscripts are `dims`.
    fn operand(&mut self, term: &Term, dims: &[Ident], middles: &mut Vec<Ident>) {
        if !term.has_ellipsis() {
            return self.parameters.push(quote!((#(#dims,)*)));
        }
        let number = self.parameters.len();
        let shape = format_ident!("Shape{number}", span = hidden());
        let middle = format_ident!("Ellipsis{number}", span = hidden());
        let (before, after) = sides(&term.items, dims);
        self.generics.push(quote!(#shape: ::rustorch::typed::Shape));
        self.generics.push(quote!(#middle: ::rustorch::typed::Shape));
        self.bounds.push(quote! {
            #shape: ::rustorch::__private::einsum::EllipsisOperand<#before, #after, Middle = #middle>
        });
        self.parameters.push(shape.to_token_stream());
        middles.push(middle);
    }

    /// The result: what the ellipses broadcast to, surrounded by the output's dims.
    fn result(&mut self, term: &Term, dims: &[Ident], middles: &[Ident]) {
        let mut joined: Option<Ident> = None;
        for (number, next) in middles.iter().enumerate() {
            joined = Some(match joined {
                None => next.clone(),
                Some(so_far) => {
                    let output = format_ident!("Broadcast{number}", span = hidden());
                    self.generics.push(quote!(#output: ::rustorch::typed::Shape));
                    self.bounds.push(quote!(#so_far: ::rustorch::typed::Broadcast<#next, Output = #output>));
                    output
                }
            });
        }
        self.output = match joined {
            Some(middle) if term.has_ellipsis() => {
                let (before, after) = sides(&term.items, dims);
                let result = Ident::new("Result", hidden());
                self.generics.push(quote!(#result: ::rustorch::typed::Shape));
                self.bounds.push(quote! {
                    #middle: ::rustorch::__private::einsum::Surround<#before, #after, Output = #result>
                });
                result.to_token_stream()
            }
            // An ellipsis in the output alone stands for no axes.
            _ => quote!((#(#dims,)*)),
        };
    }
}

/// What messages call an operand.
fn name(number: usize, operand: &Expr) -> String {
    let text = operand.to_token_stream().to_string();
    // Braces would be read as placeholders of the message.
    if text.len() > MAX_NAME || text.contains(['{', '}']) {
        format!("operand {number}")
    } else {
        format!("`{text}`")
    }
}

/// Where an index stands: `` `a` (axis 1)``. Axes after an ellipsis are counted from the end.
fn place(term: &Term, axis: usize, operand: &str) -> String {
    let ellipsis = term.items.iter().position(|item| item.subscript == Subscript::Ellipsis);
    match ellipsis {
        Some(ellipsis) if ellipsis < axis => format!("{operand} (axis -{})", term.items.len() - axis),
        _ => format!("{operand} (axis {axis})"),
    }
}

/// The generic parameter of an index. It carries the name that the user gave, which rustc may show.
pub(super) fn dim(label: &str) -> Ident {
    match label.strip_prefix("r#") {
        Some(label) => Ident::new_raw(label, hidden()),
        None => Ident::new(label, hidden()),
    }
}

/// The tuples of dims before and after the ellipsis.
fn sides(items: &[Item], dims: &[Ident]) -> (TokenStream, TokenStream) {
    let ellipsis = items.iter().position(|item| item.subscript == Subscript::Ellipsis).unwrap_or(items.len());
    let (before, after) = dims.split_at(ellipsis.min(dims.len()));
    (quote!((#(#before,)*)), quote!((#(#after,)*)))
}
