//! What the macro refuses and what it says, and the text it makes, without running rustc.

use quote::quote;

use super::emit::text;
use super::functions::{FUNCTIONS, OPERATORS};
use super::lower::lower;
use super::{differentiate, parse};

fn messages(input: proc_macro2::TokenStream) -> String {
    super::expand(input).to_string()
}

/// The value and the gradients as CUDA has them.
fn texts(input: proc_macro2::TokenStream) -> Vec<String> {
    let input: parse::Input = syn::parse2(input).unwrap();
    let mut lowered = lower(&input).unwrap_or_else(|error| panic!("{error}"));
    let gradients =
        differentiate::gradients(&mut lowered.graph, lowered.output, input.operands.len()).unwrap();
    let mut all = vec![text(&mut lowered.graph, lowered.output, None).cuda()];
    for gradient in gradients {
        all.push(text(&mut lowered.graph, gradient, Some(lowered.output)).cuda());
    }
    all
}

#[test]
fn gradients_are_symbolic_and_share_what_they_can() {
    assert_eq!(texts(quote!(|x| 3.0 * x + 1.0, &a)), ["((T(3.0) * x0) + T(1.0))", "(g * T(3.0))"]);
    assert_eq!(texts(quote!(|x| x.sigmoid(), &a))[1], "(g * ((T(1.0) - y) * y))", "from the result alone");
    assert_eq!(texts(quote!(|x, y| x * y, &a, &b))[1..], ["(g * x1)", "(g * x0)"]);
    let chain = &texts(quote!(|x, y| (x * y).tanh() + 0.5 * x, &a, &b))[1];
    assert_eq!(chain.matches("tanh").count(), 1, "computed once, used twice: {chain}");
}

#[test]
fn a_branch_not_taken_adds_nothing() {
    let gradient = &texts(quote!(|x| if x > 0.0 { x.log() } else { 0.0 }, &a))[1];
    assert_eq!(gradient, "select(gt(x0, T(0.0)), (g / x0), T(0.0))");
}

#[test]
fn powers_by_small_numbers_are_products() {
    assert_eq!(texts(quote!(|x| x.pow(2.0), &a))[0], "(x0 * x0)");
    assert_eq!(texts(quote!(|x| x.pow(-1), &a))[0], "(T(1.0) / x0)");
    assert!(texts(quote!(|x| x.pow(2.5), &a))[0].starts_with("pow("));
}

#[test]
fn every_function_of_the_table_can_be_differentiated() {
    for function in FUNCTIONS.iter().chain(OPERATORS) {
        let names: Vec<String> = (0..function.arguments.len()).map(|at| format!("v{at}")).collect();
        let call = if OPERATORS.iter().any(|operator| operator.name == function.name) {
            match function.value {
                super::functions::Value::Operator(sign) if names.len() == 2 => format!("v0 {sign} v1"),
                _ => "-v0".to_owned(),
            }
        } else {
            format!("{}({})", function.name, names.join(", "))
        };
        let operands = names.iter().map(|_| "&a").collect::<Vec<_>>().join(", ");
        let input = format!("|{}| {call}, {operands}", names.join(", "));
        let expanded = messages(input.parse().unwrap());
        assert!(!expanded.contains("compile_error"), "{input}: {expanded}");
        syn::parse_str::<syn::Expr>(&expanded).unwrap();
    }
}

#[test]
fn mistakes_are_named() {
    for (input, expected) in [
        (quote!(), "expected names, an expression and one tensor for each name"),
        (quote!(x + y, &a), "expected names, an expression"),
        (
            quote!(|x, y| x + y, &a),
            "2 names between the bars, but 1 tensor after the expression: there is none for `y`",
        ),
        (quote!(|x| x.tanh(), &a, &b), "1 name between the bars, but 2 tensors after the expression"),
        (quote!(|x, y| x.tanh(), &a, &b), "`y` is not used"),
        (quote!(|x: f32| x, &a), "names take no type"),
        (quote!(|x, x| x, &a, &b), "has the name `x` of another"),
        (quote!(|x| x.sigmiod(), &a), "there is no function `sigmiod`; did you mean `sigmoid`?"),
        (quote!(|x| x.ln(), &a), "did you mean `log`?"),
        (quote!(|x| max(x, 0.0), &a), "did you mean `maximum`?"),
        (quote!(|x| x.matmul(x), &a), "there is no function `matmul`"),
        (quote!(|x| x.clamp(0.0), &a), "`clamp(x, low, high)` takes 3 arguments, but 2 are given"),
        (quote!(|x| x > 0.0, &a), "a comparison is no number"),
        (
            quote!(
                |x| if x > 0.0 {
                    x
                },
                &a
            ),
            "`if` needs an `else`",
        ),
        (quote!(|x| if x { x } else { 0.0 }, &a), "a condition is a comparison"),
        (quote!(|x| x % 2.0, &a), "write fmod(a, b) or remainder(a, b)"),
        (quote!(|x| self.scales[x], &a), "is computed once, before the loop"),
        (quote!(|x| x + a + b + c + d + e, &t), "`e` is the fifth number"),
        (
            quote!(
                |x| {
                    let y = x;
                },
                &a
            ),
            "the block has no value",
        ),
        (
            quote!(|a, b, c, d, e| a + b + c + d + e, &a, &b, &c, &d, &e),
            "5 tensors; a kernel takes at most 4",
        ),
    ] {
        let found = messages(input.clone());
        assert!(found.contains(expected), "{input}\n{found}");
        assert_eq!(found.matches("compile_error").count(), 1, "one mistake, one error: {found}");
    }
}

#[test]
fn every_mistake_is_reported_at_once() {
    assert_eq!(messages(quote!(|x| x.tahn() + x.foo(), &a)).matches("compile_error").count(), 2);
}
