//! Procedural macros of RusTorch, re-exported by the `rustorch` crate. Only entry points stand here.

mod einsum;
mod typed;

use proc_macro::TokenStream;

/// Einstein summation whose subscripts are checked at compile time.
///
/// Two forms, the second with named indices. The name before `=` only labels the result, which is the value of the
/// expression; nothing is bound.
///
/// ```ignore
/// let scores = einsum!("bqhd,bkhd->bhqk", q, k);
/// let scores = einsum!(scores[b, h, q, k] = q[b, q, h, d] * k[b, k, h, d]);
/// ```
///
/// Operands are tensors or references to tensors, and are not consumed. If all are `TypedTensor`s, the result is one,
/// with its shape inferred, and an index with two sizes is a compile error. Otherwise the result is a
/// `Result<Tensor>`, with an error where sizes do not fit. See `rustorch::einsum` for the notation.
#[proc_macro]
pub fn einsum(input: TokenStream) -> TokenStream {
    einsum::expand(input.into()).into()
}

/// The shape type of a typed tensor: `shape![Batch, 784]` is `(Batch, Const<784>)`.
///
/// An axis is a size (`784`, `N`, `4 * 16`; names in capitals are constants and const parameters), a dim declared by
/// `dim!`, `Any`, or `_` to be inferred. A type parameter in capitals goes in parentheses: `shape![(B), 784]`.
#[proc_macro]
pub fn shape(input: TokenStream) -> TokenStream {
    typed::shape::expand(input.into()).into()
}

/// Declares named dims, sizes known at run time: `dim!(Batch, pub Seq)`.
///
/// Each is a type that stands for one axis in the shape of a typed tensor, so that the compiler tells a batch from a
/// sequence.
#[proc_macro]
pub fn dim(input: TokenStream) -> TokenStream {
    typed::dim::expand(input.into()).into()
}
