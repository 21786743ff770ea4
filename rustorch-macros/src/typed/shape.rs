//! `shape![Batch, 784]`: a tuple of dims.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Expr, Lit, Result, Token};

/// The largest rank of a typed tensor.
const MAX_RANK: usize = 8;

/// Expands `shape![input]`.
pub fn expand(input: TokenStream) -> TokenStream {
    match syn::parse2::<Axes>(input) {
        Ok(Axes(axes)) => quote!((#(#axes,)*)),
        Err(error) => {
            let axis = wrong(&error);
            quote!((#axis,))
        }
    }
}

/// In place of an axis with a mistake: a type about which rustc says nothing more, as it does of `compile_error!` as a type.
fn wrong(error: &Error) -> TokenStream {
    let error = error.to_compile_error();
    quote!(::rustorch::typed::Const<{ #error }>)
}

/// The dims, each already as the type it stands for.
struct Axes(Vec<TokenStream>);

impl Parse for Axes {
    fn parse(input: ParseStream) -> Result<Self> {
        let axes = Punctuated::<Expr, Token![,]>::parse_terminated(input)?;
        if let Some(surplus) = axes.iter().nth(MAX_RANK) {
            let message = format!("shape!: {} axes; a typed tensor has at most {MAX_RANK}", axes.len());
            return Err(Error::new(surplus.span(), message));
        }
        Ok(Axes(axes.iter().map(|axis| dim(axis).unwrap_or_else(|error| wrong(&error))).collect()))
    }
}

/// The type of one axis: a size becomes `Const<size>`, a type stays as it is.
fn dim(axis: &Expr) -> Result<TokenStream> {
    match axis {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(size) if matches!(size.suffix(), "" | "usize") => {
                Ok(quote!(::rustorch::typed::Const<#size>))
            }
            other => Err(Error::new(other.span(), "shape!: a size is a whole number, such as 784")),
        },
        Expr::Infer(_) => Ok(quote!(_)),
        Expr::Path(path)
            if path.path.segments.last().is_some_and(|last| is_constant(&last.ident.to_string())) =>
        {
            Ok(quote!(::rustorch::typed::Const<{ #path }>))
        }
        Expr::Path(path) => match path.path.get_ident() {
            Some(name) if name == "None" => Err(Error::new(
                name.span(),
                "shape!: an axis of any size is `Any`, or a name declared with dim!(Batch)",
            )),
            // Neither types nor constants begin like this.
            Some(name) if name.to_string().starts_with(|c: char| c.is_lowercase()) => {
                let (text, camel) = (name.to_string(), camel(&name.to_string()));
                let written = if is_constant(&camel) { format!("({camel})") } else { camel.clone() };
                let message = format!(
                    "shape!: `{text}` is neither a size nor the name of a dim, which is a type: declare dim!({camel}) and write `{written}`"
                );
                Err(Error::new(name.span(), message))
            }
            _ => Ok(path.to_token_stream()),
        },
        // (B): a type whose name looks like that of a constant.
        Expr::Paren(inner) if matches!(*inner.expr, Expr::Path(_)) => Ok(inner.expr.to_token_stream()),
        Expr::Binary(_) | Expr::Paren(_) | Expr::Block(_) | Expr::Call(_) => {
            Ok(quote!(::rustorch::typed::Const<{ #axis }>))
        }
        Expr::Unary(negative) => {
            Err(Error::new(negative.span(), "shape!: a size is a whole number, such as 784"))
        }
        other => Err(Error::new(
            other.span(),
            "shape!: an axis is a size (784, N, 2 * N), the name of a dim (Batch), or Any",
        )),
    }
}

/// `batch_size` as a type is called: `BatchSize`.
pub(crate) fn camel(name: &str) -> String {
    let word = |word: &str| word[..1].to_uppercase() + &word[1..];
    name.split('_').filter(|word| word.is_ascii() && !word.is_empty()).map(word).collect()
}

/// Names in capitals are constants and const parameters, others are types, as Rust's conventions have it.
pub(super) fn is_constant(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}
