//! What stands before the braces of a model.

use super::super::ast::Shape;
use super::super::errors::Errors;
use super::shapes::shape;
use super::{python, with_inside};
use proc_macro2::{Span, TokenStream, TokenTree};
use syn::parse::ParseStream;
use syn::parse::discouraged::Speculative;
use syn::{Attribute, GenericParam, Generics, Ident, Token, Visibility, braced, token};

/// A shape is to follow, and nothing does.
pub(super) const UNFINISHED: &str = "unfinished: expected a shape in brackets, as in `[batch, 784]`";

/// Everything up to the braces, and what follows them.
pub(super) struct Head {
    pub attrs: Vec<Attribute>,
    pub vis: Visibility,
    pub name: Ident,
    pub generics: Generics,
    pub signature: Option<(Shape, Shape)>,
    pub content: Option<TokenStream>,
    pub rest: TokenStream,
}

impl Head {
    /// The head of tokens whose braces have been emptied, with their inside and what follows them.
    pub fn filled(mut self, inside: Option<TokenStream>, after: TokenStream) -> Self {
        let Some(inside) = inside else { return self };
        match &mut self.content {
            Some(content) => *content = inside,
            // They are no braces of layers.
            None => {
                let mut tokens: Vec<TokenTree> = self.rest.into_iter().collect();
                if let Some(TokenTree::Group(last)) = tokens.last_mut() {
                    *last = with_inside(last, inside);
                }
                self.rest = tokens.into_iter().collect();
            }
        }
        self.rest.extend(after);
        self
    }
}

/// Reads it; what its mistakes leave unclear has no size or is not there.
pub(super) fn head(input: ParseStream, errors: &mut Errors) -> syn::Result<Head> {
    let attrs = attributes(input, errors)?;
    let mut vis: Visibility = input.parse()?;
    while input.peek(Token![pub]) {
        errors.push(input.error("one `pub` is enough"));
        vis = input.parse()?;
    }
    if input.peek(token::Paren) {
        errors.push(input.error("a model is visible everywhere by `pub`, in its crate by `pub(crate)`, in the module around by `pub(super)`"));
        input.parse::<TokenTree>()?;
    }
    if input.peek(Token![struct]) {
        errors.push(input.error("leave out `struct`: a model begins with its name, `pub Name { .. }`"));
        input.parse::<Token![struct]>()?;
    }
    let is_class = python::class(input, errors)?;
    let name: Ident = input.parse()?;
    let mut generics = generics(input, &name, errors)?;
    python::base(input, errors)?;
    let signature = if input.peek(Token![:]) { Some(signature(input)?) } else { None };
    let ahead = input.fork();
    match ahead.parse() {
        Ok(where_clause) => {
            input.advance_to(&ahead);
            generics.where_clause = where_clause;
        }
        Err(error) => {
            // `where D > 3`
            errors.push(match error.to_string() == "expected `:`" {
                true => syn::Error::new(error.span(), "a `where` clause has no conditions on sizes: those that must hold for the shapes are found and asserted"),
                false => error,
            });
            while !input.is_empty() && !input.peek(token::Brace) {
                input.parse::<TokenTree>()?;
            }
        }
    }
    skip_to_braces(input, errors)?;
    if !input.peek(token::Brace) {
        if is_class {
            // Nothing that follows `class Net(nn.Module):` is read as it was meant.
            input.parse::<TokenStream>()?;
        } else {
            errors.at(
                &name,
                format!(
                    "`{name}` has no layers: write them in braces, as in `{name} {{ fc: Linear(64, 10) }}`"
                ),
            );
        }
        return Ok(Head { attrs, vis, name, generics, signature, content: None, rest: input.parse()? });
    }
    let content;
    braced!(content in input);
    let (content, rest) = (Some(content.parse()?), input.parse()?);
    Ok(Head { attrs, vis, name, generics, signature, content, rest })
}

/// The attributes; after a mistake none, and what else stands before the name is skipped.
fn attributes(input: ParseStream, errors: &mut Errors) -> syn::Result<Vec<Attribute>> {
    let is_name =
        |input: ParseStream| input.peek(Ident) || input.peek(Token![pub]) || input.peek(Token![struct]);
    let ahead = input.fork();
    let mistake = match ahead.call(Attribute::parse_outer) {
        Ok(attrs) if ahead.is_empty() || is_name(&ahead) => {
            input.advance_to(&ahead);
            return Ok(attrs);
        }
        Ok(_) => ahead.error("expected the name of a model, as in `pub Net { fc: Linear(64, 10) }`"),
        Err(error) => error,
    };
    while !input.is_empty() && !is_name(input) {
        input.parse::<TokenTree>()?;
    }
    match input.is_empty() {
        true => Err(mistake),
        false => {
            errors.push(mistake);
            Ok(Vec::new())
        }
    }
}

/// `<const D: usize>`; after a mistake, the parameters that have a name.
fn generics(input: ParseStream, model: &Ident, errors: &mut Errors) -> syn::Result<Generics> {
    let ahead = input.fork();
    let error = match ahead.parse::<Generics>() {
        Ok(generics) => {
            input.advance_to(&ahead);
            return Ok(generics);
        }
        Err(error) => error,
    };
    input.parse::<Token![<]>()?;
    let (mut names, mut depth) = (Vec::new(), 1_usize);
    while depth > 0 && !input.is_empty() && !input.peek(token::Brace) && !input.peek(Token![where]) {
        if input.peek(Token![const]) && input.peek2(Ident) {
            input.parse::<Token![const]>()?;
            names.push(input.parse::<Ident>()?);
            continue;
        }
        match input.parse()? {
            TokenTree::Punct(punct) if punct.as_char() == '<' => depth += 1,
            TokenTree::Punct(punct) if punct.as_char() == '>' => depth -= 1,
            _ => {}
        }
    }
    // At the end of all tokens syn says so itself.
    let message = "parameters are written as in `<const D: usize, const HEADS: usize>`";
    errors.push(match depth {
        0 => syn::Error::new(error.span(), message),
        _ if input.is_empty() => error,
        _ => syn::Error::new(model.span(), format!("the parameters of `{model}` end with `>`: {message}")),
    });
    let params = names.into_iter().map(|name| -> GenericParam { syn::parse_quote!(const #name: usize) });
    Ok(Generics {
        lt_token: Some(Token![<](model.span())),
        params: params.collect(),
        gt_token: Some(Token![>](model.span())),
        where_clause: None,
    })
}

/// `: [batch, 784] -> [batch, 10]`
fn signature(input: ParseStream) -> syn::Result<(Shape, Shape)> {
    let colon: Token![:] = input.parse()?;
    let from = one_side(input, colon.span)?;
    let output = if input.peek(Token![->]) {
        let arrow: Token![->] = input.parse()?;
        one_side(input, arrow.spans[1])?
    } else if from.mistake.as_ref().is_some_and(|mistake| !mistake.is_clear) {
        Shape::unclear(colon.span, None)
    } else {
        const MISSING: &str = "expected `->` and the shape of the output, as in `Mlp: [batch, 784] -> [batch, 10] { Linear(10) }`";
        let output = Shape::unclear(colon.span, Some(syn::Error::new(from.span, MISSING)));
        skip_shape(input)?;
        output
    };
    Ok((from, output))
}

/// A shape; after a mistake, one that says why it has no sizes. At the end of all tokens that is said of the last one.
fn one_side(input: ParseStream, last: Span) -> syn::Result<Shape> {
    let ahead = input.fork();
    match shape(&ahead) {
        Ok(shape) => {
            input.advance_to(&ahead);
            Ok(shape)
        }
        Err(_) if input.is_empty() => Ok(Shape::unclear(last, Some(syn::Error::new(last, UNFINISHED)))),
        Err(error) => {
            let span = input.span();
            skip_shape(input)?;
            Ok(Shape::unclear(span, Some(error)))
        }
    }
}

/// Skips the rest of a shape, or of what else stands before the braces.
fn skip_shape(input: ParseStream) -> syn::Result<()> {
    while !input.is_empty()
        && !input.peek(Token![->])
        && !input.peek(token::Brace)
        && !input.peek(Token![where])
    {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// Skips what does not belong between a head and its braces, if these follow.
fn skip_to_braces(input: ParseStream, errors: &mut Errors) -> syn::Result<()> {
    let ahead = input.fork();
    while !ahead.is_empty() && !ahead.peek(token::Brace) {
        // A layer or a pass in between belongs to a model whose braces are missing.
        if ahead.peek(Token![:]) || ahead.peek(token::Paren) {
            return Ok(());
        }
        ahead.parse::<TokenTree>()?;
    }
    if !input.peek(token::Brace) && ahead.peek(token::Brace) {
        errors.push(input.error("expected the layers of the model, in braces"));
        input.advance_to(&ahead);
    }
    Ok(())
}
