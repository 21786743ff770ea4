//! What the macro refuses and what it says, without running rustc.

use quote::quote;

use super::Purpose;

fn messages(input: proc_macro2::TokenStream) -> String {
    super::expand(input, Purpose::Compute).to_string()
}

#[test]
fn both_forms_expand_to_an_expression() {
    for input in [
        quote!("ij,jk->ik", a, &b),
        quote!("...i,...i", a, b),
        quote!(",ij", s, a),
        quote!(c[i, k] = a[i, j] * self.b[j, k]),
        quote!(c[.., i] = (&x + &y)[.., i, j] * w.t()[j, i]),
        quote!(c[] = *a[i] * *b[i]),
        quote!(",ij->ij", -2.5, a),
        quote!("ab,bc,cd,de,ef,fg,gh,hi->ai", a, b, c, d, e, f, g, h),
    ] {
        let expanded = super::expand(input.clone(), Purpose::Compute);
        assert!(!expanded.to_string().contains("compile_error"), "{input}\n{expanded}");
        syn::parse2::<syn::Expr>(expanded).unwrap();
    }
}

#[test]
fn operands_keep_their_expressions() {
    let expanded = messages(quote!(c[i] = *a[i, j] * self.layers[0].weight[j]));
    assert!(expanded.starts_with("match (& * a , & self . layers [0] . weight ,)"), "{expanded}");
}

#[test]
fn mistakes_are_named() {
    for (input, expected) in [
        (quote!(), "expected subscripts and operands"),
        (quote!(spec, a, b), "subscripts known only at run time go to rustorch::einsum"),
        (quote!("ij,jk->ik", a), "written for 2 operands, but 1 is given"),
        (quote!("ij->i", a, b), "written for 1 operand, but 2 are given"),
        (quote!("ij,jk->iz", a, b), "index `z`, which no operand has; the operands have `i`, `j`, `k`"),
        (quote!("ij->ii", a), "index `i` twice"),
        (quote!("i1->i", a), "operand 0 has `1`"),
        (quote!("i,j->ij", a, 2.0), "operand 1 has 0 axes, but its term `j` has 1 subscript"),
        (quote!(c = a[i] * b[i]), "a scalar result is written `c[]`"),
        (quote!(c[i] = a), "operand `a` needs its indices in brackets"),
        (quote!(c[i] = a[i] + b[i]), "`+` cannot stand between them"),
        (quote!(c[i] = a[i] *), "expected an operand with indices"),
        (quote!(c[i] = a[0, i]), "an index is a name"),
        (quote!(c[row] = a[i, k]), "index `row`, which no operand has"),
        (quote!(c[.., ..] = a[.., i]), "a second ellipsis"),
    ] {
        let found = messages(input.clone());
        assert!(found.contains(expected), "{input}\n{found}");
        assert_eq!(found.matches("compile_error").count(), 1, "one mistake, one error: {found}");
    }
}

#[test]
fn every_mistake_is_reported_at_once() {
    assert_eq!(messages(quote!(c[x, i, i] = a[i, .., ..])).matches("compile_error").count(), 3);
}
