//! Models that somebody is still writing: an editor goes on completing their fields and methods, because the items
//! that can be made are made.

use super::{expand, run};
use proc_macro2::TokenStream;

/// What is written so far, and what there must be already.
const CASES: &[(&str, &[&str])] = &[
    ("pub Net", &["pub struct Net"]),
    ("pub Net { }", &["pub struct Net", "pub fn new () -> Self"]),
    ("Net<const D: usize> { fc", &[]),
    (
        "Net<const D: usize> { fc: Linear(_, D), conv }",
        &["struct Net < const D : usize >", "pub fc : :: rustorch :: nn :: Linear", "pub conv :"],
    ),
    ("Net { fc: Linear(_, 10), conv: }", &["pub fc : :: rustorch :: nn :: Linear", "pub conv :"]),
    (
        "Net { conv: Conv2d(3, 8, kernel = ), fc: Linear(_, 10) }",
        &["pub conv : :: rustorch :: nn :: Conv2d", "pub fc : :: rustorch :: nn :: Linear"],
    ),
    ("Net { conv: Conv2d(3, 8, kernel: 3) }", &["pub conv : :: rustorch :: nn :: Conv2d"]),
    ("Net { fc: Linear(_, 10), } forward", &["pub fc :", "pub fn new () -> Self"]),
    (
        "Net { fc: Linear(_, 10), } forward(x: [batch, 64]) -> [batch, 10]",
        &["pub fc :", "pub fn forward < Batch : :: rustorch :: Dim >", "pub fn try_forward"],
    ),
    (
        "Net { fc: Linear(_, 10), } forward(x: [batch, 64])",
        &["pub fn forward < Batch : :: rustorch :: Dim >"],
    ),
    (
        "Net { fc: Linear(_, 10), } forward(x: [batch, 64]) -> [batch, 10] { }",
        &["pub fc :", "Const < 10usize >"],
    ),
    (
        "Net { fc: Linear(_, 10), } forward(x: [batch, 64]) -> [batch, 10] { fc. }",
        &["pub fc :", "pub fn forward", "impl :: rustorch :: nn :: Module for Net"],
    ),
    (
        "Net { fc: Linear(_, 10), } forward(x: [batch, 64]) -> [batch, 10] { let y = }",
        &["pub fc :", "pub fn forward"],
    ),
    (
        "Net { fc: Linear(_, 10), } forward(x: [batch, 64]) -> [batch, 10] { let y = fc(x); y. }",
        &["pub fc :", "pub fn forward"],
    ),
    ("Net { fc: Linear(_, 10), } forward(x: [batch, 64]) -> [batch, 10] { fc(x }", &[]),
    ("Net { fc: Linear(_, 10), } forward(x: Tensor) -> Tensor { fc(x) }", &["pub fc :", "pub fn forward"]),
    (
        "Net { fc: Linear(_, 10), } pub fn forward(&self, x: [batch, 64]) -> [batch, 10] { fc(x) }",
        &["pub fc :", "pub fn forward"],
    ),
    (
        "pub struct Net { fc: Linear(_, 10), } forward(x: [batch, 64]) -> [batch, 10] { fc(x) }",
        &["pub struct Net", "pub fc :"],
    ),
    ("Net: [batch, 64] -> [batch, 10] { fc: Linear(128), }", &["pub fc :", "pub fn forward"]),
    (
        "Net: [batch, 64] -> [batch, 10] { fc: Linear(128), out: Lin }",
        &["pub fc :", "pub out :", "pub fn forward"],
    ),
    (
        "A { fc: Linear(_, 10) } forward(x: [n, 64]) -> [n, 10] { fc. } B { fc: Linear(_, 10), } forward(x: [n, 64]) -> [n, 10] { fc(x) }",
        &["struct A", "struct B", "pub fn op_by_op"],
    ),
];

#[test]
fn items_are_made_of_half_a_model() {
    for (source, expected) in CASES {
        // Until its brackets are closed, there is nothing that a macro is given.
        let Ok(tokens) = source.parse::<TokenStream>() else { continue };
        let expanded = expand(tokens);
        let file = syn::parse2::<syn::File>(expanded.clone());
        assert!(file.is_ok(), "{source} does not expand to items: {expanded}");
        let text = expanded.to_string();
        assert!(text.contains("compile_error"), "{source} has a mistake, but none is reported");
        for expected in *expected {
            let private = expected.replace("pub fn op_by_op", "fn op_by_op");
            assert!(text.contains(&private), "{source} gives no `{expected}`: {text}");
        }
    }
}

/// What is missing is said once.
#[test]
fn half_a_model_has_one_mistake() {
    for (source, _) in CASES {
        if !source.contains("forward") || source.contains("Tensor") || source.contains("fc(x }") {
            continue;
        }
        let (_, messages) = run(source);
        assert_eq!(messages.len(), 1, "{source}: {messages:#?}");
    }
}

#[test]
fn a_model_without_a_name_is_one_mistake() {
    let nameless = "{ fc: Linear(4, 10) } forward(x: [batch, 4]) -> [batch, 10] { fc(x) }";
    for before in ["", "pub", "pub(crate) struct", "#[derive(Clone)] /// A model.\n pub"] {
        let text = message_without_items(&format!("{before} {nameless}"));
        assert_eq!(text, "a model begins with its name, as in `pub Net { fc: Linear(64, 10) }`");
    }
}

/// The only message of what is no model.
fn message_without_items(source: &str) -> String {
    let (_, messages) = run(source);
    assert_eq!(messages.len(), 1, "one mistake, one error: {messages:#?}");
    let expanded = expand(source.parse().unwrap()).to_string();
    assert_eq!(expanded.matches("compile_error").count(), 1, "{expanded}");
    messages.into_iter().next().unwrap()
}
