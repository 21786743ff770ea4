//! `conv2d!`, `max_pool2d!` and `avg_pool2d!`: typed methods with their options by name.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use rustorch_shape::suggest;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::spanned::Spanned;
use syn::{Error, Expr, Result, Token};

/// One of the macros.
#[derive(Clone, Copy)]
pub struct Window {
    pub name: &'static str,
    /// Positional arguments besides the tensor, the required ones first.
    positions: &'static [&'static str],
    required: usize,
    options: &'static [&'static str],
    example: &'static str,
}

pub const CONV2D: Window = Window {
    name: "conv2d",
    positions: &["weight", "bias"],
    required: 1,
    options: &["stride", "padding", "dilation", "groups"],
    example: "conv2d!(x, weight, bias, stride = 2, padding = 1)",
};

pub const MAX_POOL2D: Window = Window {
    name: "max_pool2d",
    positions: &["kernel"],
    required: 1,
    options: &["stride", "padding"],
    example: "max_pool2d!(x, 2, stride = 2)",
};

pub const AVG_POOL2D: Window =
    Window { name: "avg_pool2d", example: "avg_pool2d!(x, 2, stride = 2)", ..MAX_POOL2D };

/// Expands a call.
pub fn expand(window: Window, input: TokenStream) -> TokenStream {
    let parser = |stream: ParseStream| parse(window, stream);
    match syn::parse::Parser::parse2(parser, input) {
        Ok(call) => call,
        Err(error) => error.to_compile_error(),
    }
}

fn parse(window: Window, input: ParseStream) -> Result<TokenStream> {
    let Window { name, positions, required, options, example } = window;
    let fail = |span: Span, what: String| Err(Error::new(span, format!("{name}!: {what}")));
    let mut given: Vec<Expr> = Vec::new();
    let mut values: Vec<Option<Expr>> = vec![None; options.len()];
    let mut computes = false;
    while !input.is_empty() {
        if input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]) {
            let option = Ident::parse_any(input)?;
            input.parse::<Token![=]>()?;
            let value: Expr = input.parse()?;
            if option == "size" {
                if !matches!(value, Expr::Infer(_)) {
                    let what = "the size of the result is stated by its type, or computed: `size = _`";
                    return fail(value.span(), what.into());
                }
                computes = true;
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
                continue;
            }
            let Some(at) = options.iter().position(|known| option == known) else {
                let text = option.to_string();
                let hint = match suggest(&text, options.iter().copied()) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => format!("there are {}", options.join(", ")),
                };
                return fail(option.span(), format!("there is no option `{text}`; {hint}"));
            };
            if values[at].replace(value).is_some() {
                return fail(option.span(), format!("`{option}` is given twice"));
            }
        } else {
            let argument: Expr = input.parse()?;
            if given.len() > positions.len() {
                return fail(argument.span(), format!("one argument too many, as {example} has them"));
            }
            given.push(argument);
        }
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    if given.len() <= required {
        let missing = if given.is_empty() { "the tensor" } else { positions[given.len() - 1] };
        return fail(Span::call_site(), format!("{missing} is missing, as in {example}"));
    }
    let method = if computes { format_ident!("{name}_sized") } else { format_ident!("{name}") };
    // The sizes of the result, where the type that the program states gives them.
    let stated = if computes { TokenStream::new() } else { quote!(_, _) };
    let x = &given[0];
    // The window moves by its own size unless told otherwise; everything else is 1, no padding apart.
    let default = |option: &str| match option {
        "padding" => quote!(0),
        "stride" if name != "conv2d" => {
            let kernel = &given[1];
            quote!({ #kernel })
        }
        _ => quote!(1),
    };
    let constants = options.iter().zip(&values).map(|(option, value)| match value {
        Some(value) => quote_spanned!(value.span()=> { #value }),
        None => default(option),
    });
    if name != "conv2d" {
        let kernel = &given[1];
        return Ok(quote!((#x).#method::<{ #kernel }, #(#constants,)* #stated>()));
    }
    let weight = &given[1];
    let bias = match given.get(2) {
        Some(bias) => quote!(::core::option::Option::Some(&#bias)),
        None => quote!(::core::option::Option::None),
    };
    Ok(quote!((#x).#method::<#(#constants,)* _, _, _, _, #stated>(&#weight, #bias)))
}
