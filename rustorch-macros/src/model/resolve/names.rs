//! `#[name = "downsample.0"]`: what the state calls a field, where that is no name in Rust.

use super::super::ast;
use super::super::errors::Errors;
use super::super::ir::{FieldKind, Key};
use quote::ToTokens;
use std::collections::BTreeMap;
use syn::ext::IdentExt;
use syn::{Attribute, Expr, Ident, Lit, Meta};

/// The attributes that the struct is to have.
pub(super) fn other_attributes(attrs: &[Attribute]) -> Vec<Attribute> {
    attrs.iter().filter(|attr| !attr.path().is_ident("name")).cloned().collect()
}

/// What the state calls a field: as the attribute says, otherwise by its name; layers of the sequential form without a name
/// by their numbers, as in PyTorch.
pub(super) fn key(
    field: &ast::Field,
    position: usize,
    kind: &FieldKind,
    before: &mut BTreeMap<Key, Ident>,
    errors: &mut Errors,
) -> Key {
    let natural = if field.is_anonymous { position.to_string() } else { field.name.unraw().to_string() };
    let attr = field.attrs.iter().find(|attr| attr.path().is_ident("name"));
    let key = match attr.map(|attr| (attr, written(attr))) {
        None => Key::Name(natural),
        Some((_, Some(Key::Numbers(from)))) if is_array(kind) => Key::Numbers(from),
        Some((_, Some(Key::Name(name)))) if is_path(&name) => Key::Name(name),
        Some((attr, written)) => {
            let message = match written {
                Some(Key::Numbers(from)) => {
                    format!("`{from}..` numbers the elements of an array, but `{}` is one", field.name)
                }
                Some(Key::Name(name)) => format!("`{name}` is no name in a state: it has an empty part"),
                None => format!(
                    "write `#[name = \"{}\"]`, as the state is to call it{}",
                    field.name,
                    if is_array(kind) { ", or `#[name = \"1..\"]` to number the elements" } else { "" },
                ),
            };
            errors.at(attr, message);
            Key::Name(natural)
        }
    };
    if let (Some(other), Key::Name(name)) = (before.get(&key), &key) {
        let at = attr.map_or_else(|| field.name.to_token_stream(), ToTokens::to_token_stream);
        errors.at(at, format!("`{other}` and `{}` would both be `{name}` in the state", field.name));
    } else {
        before.insert(key.clone(), field.name.clone());
    }
    key
}

/// The value of the attribute.
fn written(attr: &Attribute) -> Option<Key> {
    let Meta::NameValue(meta) = &attr.meta else { return None };
    let Expr::Lit(literal) = &meta.value else { return None };
    let Lit::Str(text) = &literal.lit else { return None };
    let text = text.value();
    let numbers = text.strip_suffix("..").and_then(|from| from.parse().ok());
    Some(numbers.map_or(Key::Name(text), Key::Numbers))
}

fn is_array(kind: &FieldKind) -> bool {
    matches!(kind, FieldKind::Layers(..) | FieldKind::Submodels(..) | FieldKind::Broken(_))
}

fn is_path(name: &str) -> bool {
    name.split('.').all(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use crate::model::expand;

    fn expansion(source: &str) -> String {
        expand(source.parse().expect("tokens")).to_string()
    }

    #[test]
    fn fields_go_by_the_names_given_to_them() {
        let text = expansion(
            "Net { #[name = \"0\"] a: Linear(4, 4), #[name = \"1..\"] #[doc = \"kept\"] more: [Linear(4, 4); 2] }
             forward(x: [batch, 4]) -> [batch, 4] { x = a(x); for layer in self.more { x = layer(x); } x }",
        );
        assert!(text.contains("__visitor . module (\"0\" , & self . a)"), "{text}");
        assert!(text.contains("(1 + __i)") && text.contains("kept") && !text.contains("# [name"), "{text}");
    }

    #[test]
    fn layers_in_order_are_numbered() {
        let text = expansion("Net: [batch, 4] -> [batch, 4] { Linear(4), ReLU, last: Linear(4) }");
        assert!(text.contains("__visitor . module (\"0\" , & self . layer0)"), "{text}");
        assert!(text.contains("__visitor . module (\"last\" , & self . last)"), "{text}");
    }

    #[test]
    fn mistakes_in_names_are_told() {
        let cases = [
            (
                "#[name = \"b\"] a: Linear(4, 4), b: Linear(4, 4)",
                "`a` and `b` would both be `b` in the state",
            ),
            (
                "#[name] a: Linear(4, 4), b: Linear(4, 4)",
                "write `#[name = \\\"a\\\"]`, as the state is to call it",
            ),
            (
                "#[name = \"0..\"] a: Linear(4, 4), b: Linear(4, 4)",
                "`0..` numbers the elements of an array, but `a` is one",
            ),
            (
                "#[name = \"x..0\"] a: Linear(4, 4), b: Linear(4, 4)",
                "`x..0` is no name in a state: it has an empty part",
            ),
        ];
        for (fields, message) in cases {
            let text =
                expansion(&format!("Net {{ {fields} }} forward(x: [batch, 4]) -> [batch, 4] {{ b(a(x)) }}"));
            assert!(text.contains(message), "{text}\ndoes not contain\n{message}");
            assert_eq!(text.matches("compile_error").count(), 1, "{text}");
        }
    }
}
