//! Bodies of functions as text, which rustc's lexer turns into tokens.
//!
//! A large model's passes are tens of thousands of tokens. Made one by one, by a macro that its user compiles without optimisation, they
//! took half of the expansion; text costs a tenth of that. So what grows with a model is written as text, under these rules:
//!
//! - The names of variables in it begin with two underscores, as [`Local`] prints them. Text has the hygiene of the place where the macro
//!   is called, so a variable might meet a name of the user's: a dim may be called `pass`. None that a body can see begins like this.
//! - What a user wrote as an expression is not text, for it would lose its spans: a name stands for it, which [`Given`] makes.
//! - A body is lexed as a whole, since every text is a file to rustc. Only lines that hold tokens of users are lexed alone and filled in.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use std::cell::RefCell;
use std::fmt::{self, Display, Write};

/// How the names of variables begin, which no name of a user's in a forward pass does.
pub(in super::super) const OWN: &str = "__";

/// How the names that stand for tokens begin.
const GIVEN: &str = "__given_";

/// A variable of the generated code: `__t3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Local(pub &'static str, pub usize);

impl Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(OWN)?;
        f.write_str(self.0)?;
        self.1.fmt(f)
    }
}

impl ToTokens for Local {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        Ident::new(&self.to_string(), Span::call_site()).to_tokens(tokens);
    }
}

/// What users wrote, for names in text that stand for it.
#[derive(Default)]
pub(super) struct Given(RefCell<Vec<TokenStream>>);

impl Given {
    /// The text that stands for the tokens.
    pub fn put(&self, tokens: &TokenStream) -> String {
        if let Some(text) = plain(tokens) {
            return text;
        }
        let mut all = self.0.borrow_mut();
        all.push(tokens.clone());
        format!("{GIVEN}{}", all.len() - 1)
    }

    /// Whether the text has a name that stands for tokens.
    fn is_in(&self, text: &str) -> bool {
        !self.0.borrow().is_empty() && text.contains(GIVEN)
    }

    /// The stream with the tokens in place of the names that stand for them.
    fn filled(&self, stream: TokenStream) -> TokenStream {
        let mut filled = TokenStream::new();
        for token in stream {
            match token {
                TokenTree::Group(group) => {
                    filled.extend([TokenTree::from(Group::new(
                        group.delimiter(),
                        self.filled(group.stream()),
                    ))]);
                }
                TokenTree::Ident(name) => {
                    let number = name.to_string().strip_prefix(GIVEN).and_then(|number| number.parse().ok());
                    match number.and_then(|number: usize| self.0.borrow().get(number).cloned()) {
                        Some(tokens) => filled.extend(tokens),
                        None => filled.extend([TokenTree::from(name)]),
                    }
                }
                token => filled.extend([token]),
            }
        }
        filled
    }
}

/// A number that can be nothing but an `f64`, or a truth value: no message can be about these, so they stand for themselves.
fn plain(tokens: &TokenStream) -> Option<String> {
    let mut all = tokens.clone().into_iter();
    let (Some(only), None) = (all.next(), all.next()) else { return None };
    let text = only.to_string();
    let is_plain = match only {
        TokenTree::Ident(_) => text == "true" || text == "false",
        TokenTree::Literal(_) => {
            text.strip_suffix("f64").is_some() || text.contains('.') && text.parse::<f64>().is_ok()
        }
        _ => false,
    };
    is_plain.then_some(text)
}

/// Statements, one after the other.
pub(super) struct Text<'g> {
    given: &'g Given,
    text: String,
    /// The lines that have names which stand for tokens: their first bytes, and those after their last.
    marked: Vec<(usize, usize)>,
}

impl<'g> Text<'g> {
    pub fn new(given: &'g Given) -> Self {
        Self { given, text: String::new(), marked: Vec::new() }
    }

    /// Adds a statement, or several; braces and the like are closed where they were opened. As `write!` calls it.
    pub fn write_fmt(&mut self, line: fmt::Arguments<'_>) {
        let start = self.text.len();
        self.text.write_fmt(line).expect("a string takes what is written to it");
        let end = self.text.len();
        self.text.push('\n');
        if self.given.is_in(&self.text[start..end]) {
            match self.marked.last_mut() {
                Some((_, last)) if *last + 1 == start => *last = end,
                _ => self.marked.push((start, end)),
            }
        }
    }

    /// An empty one with the same tokens of users.
    pub fn another(&self) -> Self {
        Self::new(self.given)
    }

    /// Adds the statements of another one with the same tokens of users.
    pub fn append(&mut self, other: Self) {
        let start = self.text.len();
        self.text.push_str(&other.text);
        self.marked.extend(other.marked.into_iter().map(|(first, last)| (start + first, start + last)));
    }

    /// The text, to be a part of another one with the same [`Given`].
    pub fn into_inner(self) -> String {
        self.text
    }

    pub fn into_tokens(self) -> TokenStream {
        let (mut tokens, mut done) = (TokenStream::new(), 0);
        for (start, end) in self.marked {
            tokens.extend(lexed(&self.text[done..start]));
            tokens.extend(self.given.filled(lexed(&self.text[start..end])));
            done = end;
        }
        match done {
            0 => lexed(&self.text),
            _ => {
                tokens.extend(lexed(&self.text[done..]));
                tokens
            }
        }
    }
}

/// The tokens of generated code. Those of rustc, if this is a macro at work: `proc_macro2` would look through the text before, which takes ten
/// times as long.
pub(super) fn lexed(text: &str) -> TokenStream {
    const IS_CODE: &str = "generated code is made of tokens";
    match proc_macro::is_available() {
        true => text.parse::<proc_macro::TokenStream>().expect(IS_CODE).into(),
        false => text.parse().expect(IS_CODE),
    }
}

/// `a, b, c`
pub(in super::super) fn list(items: impl IntoIterator<Item: Display>) -> String {
    let mut text = String::new();
    for item in items {
        if !text.is_empty() {
            text.push_str(", ");
        }
        write!(text, "{item}").expect("a string takes what is written to it");
    }
    text
}

/// `Some(a)`, `None`
pub(super) fn option(value: Option<impl Display>) -> String {
    value.map_or_else(|| "None".into(), |value| format!("Some({value})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_stand_for_tokens_are_filled_in() {
        let given = Given::default();
        let (one, two) = (given.put(&quote::quote!(2.0 * x)), given.put(&quote::quote!(0..n)));
        let mut inner = Text::new(&given);
        write!(inner, "f({one});");
        let inner = inner.into_inner();
        let mut text = Text::new(&given);
        write!(text, "let {} = [1];", Local("t", 3));
        write!(text, "for i in {two} {{ {inner} }}");
        write!(text, "g({:?});", "a\"·");
        let expected = quote::quote!(let __t3 = [1]; for i in 0..n { f(2.0 * x); } g("a\"·"););
        assert_eq!(text.into_tokens().to_string(), expected.to_string());
    }
}
