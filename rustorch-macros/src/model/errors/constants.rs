//! Constants of the program among the sizes. What the compiler says of one that it does not find, or that is no `usize`, is to point
//! at it where it was written, and to be said once, not at every use in generated code.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};

/// The constants of a model, as they stood first.
#[derive(Default)]
pub(in super::super) struct Constants(Vec<syn::Path>);

/// What stands for a constant in generated code.
#[derive(Clone, Copy)]
enum Use<'m> {
    /// The constant itself, with the user's spans.
    Itself,
    /// A constant of this model that is certainly a `usize`.
    Checked(&'m Ident),
}

impl Constants {
    /// Adds a path such as `WIDTH` or `config::WIDTH`.
    pub fn add(&mut self, path: &syn::Path) {
        let names = |path: &syn::Path| {
            path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>()
        };
        let new = names(path);
        if path.leading_colon.is_none() && !self.0.iter().any(|known| names(known) == new) {
            self.0.push(path.clone());
        }
    }

    /// Whether one of them is called so.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|path| path.is_ident(name))
    }

    /// Generated types, in which the constants have the user's spans.
    pub fn placed(&self, types: TokenStream) -> TokenStream {
        if self.0.is_empty() { types } else { self.walk(types, Use::Itself, false) }
    }

    /// Generated code in which constants of this model stand for them, and these constants.
    pub fn checked(&self, model: &Ident, code: TokenStream) -> TokenStream {
        if self.0.is_empty() {
            return code;
        }
        let (code, paths) = (self.walk(code, Use::Checked(model), false), &self.0);
        let names = paths.iter().map(|path| checked_name(model, path));
        quote! {
            #(
                #[doc(hidden)]
                #[allow(dead_code, non_upper_case_globals)]
                const #names: usize = #paths;
            )*
            #code
        }
    }

    /// `in_body` is what stands in the body of a function, where other names would be in scope as well, which rustc would suggest.
    fn walk(&self, stream: TokenStream, by: Use<'_>, in_body: bool) -> TokenStream {
        let mut before_body = false;
        let mut walked: Vec<TokenTree> = Vec::new();
        let mut rest = &stream.into_iter().collect::<Vec<_>>()[..];
        while let Some((first, after)) = rest.split_first() {
            let found = || self.0.iter().find(|path| begins_with(rest, path));
            match first {
                TokenTree::Group(group) => {
                    // `Const<{ WIDTH }>`, in signatures that people read
                    let is_argument = is_argument(&walked, group);
                    let is_body = before_body && !is_argument && group.delimiter() == Delimiter::Brace;
                    before_body &= !is_body;
                    let by = if is_argument && !in_body { Use::Itself } else { by };
                    let inside = self.walk(group.stream(), by, in_body || is_body);
                    let mut placed = Group::new(group.delimiter(), inside);
                    placed.set_span(group.span());
                    walked.push(placed.into());
                }
                TokenTree::Ident(name) if !is_inside_path(&walked) => {
                    before_body |= name == "fn";
                    if let Some(path) = found() {
                        let length = length(path);
                        match by {
                            Use::Itself => walked.extend(quote!(#path)),
                            Use::Checked(model) => walked.push(checked_name(model, path).into()),
                        }
                        rest = &rest[length..];
                        continue;
                    }
                    walked.push(first.clone());
                }
                _ => walked.push(first.clone()),
            }
            rest = after;
        }
        walked.into_iter().collect()
    }
}

/// `__Net_config_WIDTH`
fn checked_name(model: &Ident, path: &syn::Path) -> Ident {
    let mut name = format_ident!("__{model}", span = Span::call_site());
    for segment in &path.segments {
        name = format_ident!("{name}_{}", segment.ident);
    }
    name
}

/// The tokens of a path: its names, and two colons between them.
fn length(path: &syn::Path) -> usize {
    3 * path.segments.len() - 2
}

/// Whether the group is `{ .. }` of `Name<{ .. }>`.
fn is_argument(before: &[TokenTree], group: &Group) -> bool {
    group.delimiter() == Delimiter::Brace
        && is_punct(before.last(), '<')
        && group.stream().into_iter().count() % 3 == 1
}

/// Whether a name behind these tokens belongs to something else: `a::NAME`, `a.NAME`, but not `a: NAME` and `0..NAME`.
fn is_inside_path(before: &[TokenTree]) -> bool {
    let mut back = before.iter().rev();
    let (last, next) = (back.next(), back.next());
    is_punct(last, ':') && is_punct(next, ':') || is_punct(last, '.') && !is_punct(next, '.')
}

/// Whether these tokens begin with the path.
fn begins_with(tokens: &[TokenTree], path: &syn::Path) -> bool {
    let is_here = |(at, segment): (usize, &syn::PathSegment)| {
        let start = 3 * at;
        let is_separated =
            at == 0 || is_punct(tokens.get(start - 1), ':') && is_punct(tokens.get(start - 2), ':');
        is_separated && matches!(tokens.get(start), Some(TokenTree::Ident(name)) if *name == segment.ident)
    };
    path.segments.iter().enumerate().all(is_here)
        && !(is_punct(tokens.get(length(path)), ':') && is_punct(tokens.get(length(path) + 1), ':'))
}

fn is_punct(token: Option<&TokenTree>, punct: char) -> bool {
    matches!(token, Some(TokenTree::Punct(found)) if found.as_char() == punct)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constants() -> Constants {
        let mut constants = Constants::default();
        for path in ["WIDTH", "config::DEPTH", "config::DEPTH", "crate::config::DEPTH"] {
            constants.add(&syn::parse_str(path).expect("a path"));
        }
        constants
    }

    #[test]
    fn each_constant_is_checked_once() {
        let code = quote! {
            fn f(x: Shape<Const<{ WIDTH }>, Const<{ 2 * WIDTH }>>) -> [f32; config::DEPTH] {
                h::<Const<{ WIDTH }>>(crate::config::DEPTH, self.WIDTH, 0..WIDTH, other::WIDTH, WIDTH::NONE, config, "WIDTH")
            }
        };
        let checked = constants().checked(&format_ident!("Net"), code).to_string();
        let expected = quote! {
            #[doc(hidden)]
            #[allow(dead_code, non_upper_case_globals)]
            const __Net_WIDTH: usize = WIDTH;
            #[doc(hidden)]
            #[allow(dead_code, non_upper_case_globals)]
            const __Net_config_DEPTH: usize = config::DEPTH;
            #[doc(hidden)]
            #[allow(dead_code, non_upper_case_globals)]
            const __Net_crate_config_DEPTH: usize = crate::config::DEPTH;
            fn f(x: Shape<Const<{ WIDTH }>, Const<{ 2 * __Net_WIDTH }>>) -> [f32; __Net_config_DEPTH] {
                h::<Const<{ __Net_WIDTH }>>(__Net_crate_config_DEPTH, self.WIDTH, 0..__Net_WIDTH, other::WIDTH, WIDTH::NONE, config, "WIDTH")
            }
        };
        assert_eq!(checked, expected.to_string());
    }

    #[test]
    fn types_change_in_spans_alone() {
        let types = quote!(
            pub struct Net {
                block: Block<WIDTH, { config::DEPTH }>,
                all: [Linear; WIDTH],
            }
        );
        assert_eq!(constants().placed(types.clone()).to_string(), types.to_string());
    }
}
