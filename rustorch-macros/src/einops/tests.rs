//! What the macros refuse and what they say, without running rustc.

use quote::quote;
use rustorch_shape::einops::Operation::{self, Rearrange, Reduce, Repeat};

fn messages(operation: Operation, input: proc_macro2::TokenStream) -> String {
    super::expand(operation, input).to_string()
}

#[test]
fn patterns_expand_to_an_expression() {
    for (operation, input) in [
        (Rearrange, quote!("b (h d) t -> b h t d", x, h = 4)),
        (Rearrange, quote!("... a b -> ... (b a)", &self.x)),
        (Rearrange, quote!("a 1 -> 1 a ()", x,)),
        (Reduce, quote!("b (h 2) -> b h", x, "mean")),
        (Reduce, quote!("b ... type -> b", x, "sum", type = n + 1,)),
        (Repeat, quote!("h w -> h (w r) 3", x, r = R)),
    ] {
        let expanded = messages(operation, input.clone());
        assert!(!expanded.contains("compile_error"), "{input}\n{expanded}");
        syn::parse_str::<syn::Expr>(&expanded).unwrap_or_else(|error| panic!("{input}: {error}\n{expanded}"));
    }
}

#[test]
fn mistakes_are_named() {
    for (operation, input, expected) in [
        (Rearrange, quote!(), "expected a pattern and a tensor"),
        (Rearrange, quote!(pattern, x), "goes to rustorch::rearrange"),
        (Rearrange, quote!("a b -> b a"), "the tensor is missing"),
        (Rearrange, quote!("a b -> b a", x, "sum"), "a reduction belongs to reduce!"),
        (
            Rearrange,
            quote!("a b -> b a", x, y),
            "sizes are given by name, as in `h = 4`; there is one tensor",
        ),
        (Rearrange, quote!("a b -> b c", x), "`c` is on the right only"),
        (Rearrange, quote!("(a b) -> a b", x), "leaves the sizes of `a`, `b` open"),
        (Rearrange, quote!("(a b) -> a b", x, c = 2), "the pattern has no axis `c`"),
        (Reduce, quote!("a b -> a", x), "after the tensor comes the reduction"),
        (Reduce, quote!("a b -> a", x, "maen"), "did you mean \\\"mean\\\"?"),
        (Repeat, quote!("a -> a r", x), "its size must be given: r = .."),
    ] {
        let found = messages(operation, input.clone());
        assert!(found.contains(expected), "{input}\n{found}");
        assert_eq!(found.matches("compile_error").count(), 1, "one mistake, one error: {found}");
    }
}
