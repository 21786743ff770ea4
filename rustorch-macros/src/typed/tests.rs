//! What the two macros write and refuse.

use quote::quote;

fn shape(input: proc_macro2::TokenStream) -> String {
    super::shape::expand(input).to_string().replace(' ', "")
}

#[test]
fn shapes_are_tuples_of_dims() {
    assert_eq!(shape(quote!()), "()");
    assert_eq!(shape(quote!(Batch, 784)), "(Batch,::rustorch::typed::Const<784>,)");
    assert_eq!(shape(quote!(D, 4 * D)), "(::rustorch::typed::Const<{D}>,::rustorch::typed::Const<{4*D}>,)");
    assert_eq!(shape(quote!((B), Any, _)), "(B,Any,_,)");
    assert_eq!(
        shape(quote!(crate::Seq, sizes::HIDDEN)),
        "(crate::Seq,::rustorch::typed::Const<{sizes::HIDDEN}>,)"
    );
}

#[test]
fn what_is_no_axis_is_refused() {
    for (input, expected) in [
        (quote!(1.5), "whole number"),
        (quote!(-1), "whole number"),
        (quote!("a"), "whole number"),
        (quote!(3i32), "whole number"),
        (quote!([1]), "an axis is a size"),
        (quote!(1, 2, 3, 4, 5, 6, 7, 8, 9), "9 axes; a typed tensor has at most 8"),
    ] {
        assert!(super::shape::expand(input.clone()).to_string().contains(expected), "{input}");
    }
}

#[test]
fn dims_are_types_with_their_visibility_and_docs() {
    let text = super::dim::expand(quote!(
        Batch,
        /// Positions.
        pub(crate) Seq
    ))
    .to_string();
    assert!(text.contains("enum Batch { }") && text.contains("pub (crate) enum Seq { }"), "{text}");
    assert!(super::dim::expand(quote!(batch)).to_string().contains("begin its name with a capital letter"));
    assert!(super::dim::expand(quote!(3)).to_string().contains("expected the name of a dim"));
    assert!(super::dim::expand(quote!()).to_string().contains("expected names"));
}
