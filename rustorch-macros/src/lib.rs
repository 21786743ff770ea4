//! Procedural macros of RusTorch, re-exported by the `rustorch` crate. Only entry points stand here.

mod einsum;
mod model;
mod typed;

use proc_macro::TokenStream;

/// Declares a network: a struct of layers and a forward pass whose every shape is checked at compile time.
///
/// ```ignore
/// model! {
///     /// A small convolutional classifier.
///     pub ConvNet<const CLASSES: usize> {
///         conv1: Conv2d(1, 32, kernel = 3, padding = 1),
///         conv2: Conv2d(_, 64, kernel = 3, padding = 1),
///         fc1: Linear(_, 128),
///         fc2: Linear(_, CLASSES),
///     }
///     forward(x: [batch, 1, 28, 28]) -> [batch, CLASSES] {
///         let x = max_pool2d(relu(conv1(x)), 2);
///         let x = max_pool2d(relu(conv2(x)), 2);
///         fc2(relu(fc1(flatten(x, 1))))
///     }
/// }
/// ```
///
/// Layers in order need no forward pass:
///
/// ```ignore
/// model! {
///     pub Mlp<const HIDDEN: usize>: [batch, 784] -> [batch, 10] {
///         fc1: Linear(HIDDEN), ReLU, Dropout(0.2), fc2: Linear(10),
///     }
/// }
/// ```
///
/// In shapes, names in lower case are sizes known at run time, the others const parameters and constants. The size that
/// a layer's input has may be written, left out, or `_`. A field that is no layer is a model of its own
/// (`block: Block<D, 4>`, `blocks: [Block<D, 4>; LAYERS]`); a call on it states the shape it gives
/// (`let h: [batch, seq, D] = block(x);`), which the compiler verifies.
///
/// The struct has `new()`, `forward` on typed tensors, `try_forward`, and is a `Module`, `Default` and `Debug`; with one
/// input and one output also a `Layer`.
#[proc_macro]
pub fn model(input: TokenStream) -> TokenStream {
    model::expand(input.into()).into()
}

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
