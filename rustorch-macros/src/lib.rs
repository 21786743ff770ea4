//! Procedural macros of RusTorch, re-exported by the `rustorch` crate. Only entry points stand here.

mod einops;
mod einsum;
mod fuse;
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
/// (`let h: [batch, seq, D] = block(x);`), which the compiler compares as far as it knows the sizes.
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
/// `Result<Tensor>`, with an error where sizes do not fit. A number may stand for an operand without axes:
/// `einsum!(",ij->ij", 0.5, a)`. See `rustorch::einsum` for the notation.
///
/// Three to eight typed operands are contracted in an order that rustc computes from the sizes in their types, those of
/// run-time dims counting as large; other orders are found when shapes are first met, and kept. [`einsum_path!`] shows them.
#[proc_macro]
pub fn einsum(input: TokenStream) -> TokenStream {
    einsum::expand(input.into(), einsum::Purpose::Compute).into()
}

/// The steps that [`einsum!`] takes for the same arguments, in words, as a `Result<String>`: which pairs are contracted, in
/// which order, and how many multiply-adds that takes. As `numpy.einsum_path` and `opt_einsum.contract_path`.
///
/// ```ignore
/// println!("{}", einsum_path!("ij,jk,kl->il", a, b, c)?);
/// ```
#[proc_macro]
pub fn einsum_path(input: TokenStream) -> TokenStream {
    einsum::expand(input.into(), einsum::Purpose::Explain).into()
}

/// The shape type of a typed tensor: `shape![Batch, 784]` is `(Batch, Const<784>)`.
///
/// An axis is a size (`784`, `N`, `4 * 16`; names in capitals are constants and const parameters), a dim declared by
/// `dim!`, `Any`, or `_` to be inferred. A dim or a type parameter whose name
/// looks like that of a constant goes in parentheses: `shape![(B), 784]`.
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

/// An elementwise expression over tensors, compiled to one loop.
///
/// The names between the bars stand for the elements of the tensors that follow, one to four, which broadcast:
///
/// ```ignore
/// let z = fuse!(|x, y| (x * y).tanh() + 0.5 * x, &a, &b)?;
/// ```
///
/// One pass over the operands, without the intermediate tensors that operators would make, in the best instruction set of
/// the processor (chosen at run time), in single or double precision; half precision computes in single, integers and bools
/// become floats, complex numbers are refused. On CUDA the same expression is compiled for the device.
///
/// An expression is made of
/// - the names, numbers, and up to four numbers from outside (variables, fields, constants), computed before the loop;
/// - `+ - * /` and the elementwise functions of `Tensor`, as methods or functions: `x.tanh()`, `maximum(x, 0.0)`,
///   `x.clamp(-1.0, 1.0)`, `x.gelu()`;
/// - `if a > b && c != 0.0 { .. } else { .. }` and `select(a > b, .., ..)`;
/// - `{ let t = ..; .. }`.
///
/// The gradient with respect to each operand is derived from the expression, simplified, and compiled to a loop as well;
/// the gradient of a branch not taken does not enter. Gradients of gradients are computed by tensor operations.
///
/// If all operands are `TypedTensor`s the result is one; otherwise it is a `Result<Tensor>`, an error where shapes do not
/// broadcast or a dtype is complex.
#[proc_macro]
pub fn fuse(input: TokenStream) -> TokenStream {
    fuse::expand(input.into()).into()
}

/// Reorders, splits and merges axes by name, with the pattern checked at compile time.
///
/// ```ignore
/// let heads = rearrange!("b (h d) t -> b h t d", x, h = 4)?;
/// ```
///
/// See `rustorch::rearrange` for the notation. The operand is a tensor or a reference to one, and is not consumed. For a
/// `TypedTensor` the result is one: axes that keep their name keep their dim, a size given as a number or a constant becomes
/// a `Const`, and what is made of several axes takes the size that the program states for the result,
/// `let y: TypedTensor<shape![Batch, Seq, 64]> = rearrange!("b h t d -> b t (h d)", x)`, which is verified: at compile time
/// where types fix the sizes, otherwise when it runs. For other tensors the result is a `Result<Tensor>`.
#[proc_macro]
pub fn rearrange(input: TokenStream) -> TokenStream {
    einops::expand(rustorch_shape::einops::Operation::Rearrange, input.into()).into()
}

/// Reduces the axes that the right side of a pattern does not have.
///
/// ```ignore
/// let pooled = reduce!("b (h 2) (w 2) -> b h w", x, "mean")?;
/// ```
///
/// The reduction is `"sum"`, `"mean"`, `"max"`, `"min"` or `"prod"`. See `rustorch::reduce` for the notation and
/// [`rearrange!`] for typed tensors.
#[proc_macro]
pub fn reduce(input: TokenStream) -> TokenStream {
    einops::expand(rustorch_shape::einops::Operation::Reduce, input.into()).into()
}

/// Repeats elements along new axes.
///
/// ```ignore
/// let wide = repeat!("h w -> h (w r)", x, r = 2)?;
/// ```
///
/// See `rustorch::repeat` for the notation and [`rearrange!`] for typed tensors.
#[proc_macro]
pub fn repeat(input: TokenStream) -> TokenStream {
    einops::expand(rustorch_shape::einops::Operation::Repeat, input.into()).into()
}

/// A convolution of typed images: `conv2d!(x, weight, bias, stride = 2, padding = 1)`.
///
/// The input is `[batch, in, h, w]`, the weight `[out, in / groups, kh, kw]`, the bias, which may be left out, `[out]`; the
/// options are `stride`, `padding`, `dilation` and `groups`, numbers or constants. The shape of the result is the one that the
/// program states,
/// `let y: TypedTensor<shape![Batch, 64, 14, 14]> = conv2d!(x, weight, stride = 2, padding = 1)`, and rustc checks it by the
/// formula of `torch.nn.functional.conv2d`: another size does not compile, with the right one in the message. What is known
/// only at run time is checked then.
#[proc_macro]
pub fn conv2d(input: TokenStream) -> TokenStream {
    typed::window::expand(typed::window::CONV2D, input.into()).into()
}

/// The greatest element of every window of typed images: `max_pool2d!(x, 2)`, `max_pool2d!(x, 3, stride = 2, padding = 1)`.
/// Shapes are treated as by [`conv2d!`].
#[proc_macro]
pub fn max_pool2d(input: TokenStream) -> TokenStream {
    typed::window::expand(typed::window::MAX_POOL2D, input.into()).into()
}

/// The mean of every window of typed images: `avg_pool2d!(x, 2)`. Shapes are treated as by [`conv2d!`].
#[proc_macro]
pub fn avg_pool2d(input: TokenStream) -> TokenStream {
    typed::window::expand(typed::window::AVG_POOL2D, input.into()).into()
}
