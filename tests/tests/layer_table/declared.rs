//! What `nn` declares, against the table: a layer that is in neither the table nor the list of exceptions is forgotten.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rustorch_shape::layers::{LAYERS, find};

/// What computes in `nn`, but is no layer of a `model!`, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("CrossEntropyLoss", "a loss compares the output of a model with what it should be"),
    ("L1Loss", "a loss compares the output of a model with what it should be"),
    ("MSELoss", "a loss compares the output of a model with what it should be"),
    ("Stack", "the part that recurrent layers share, which is not public"),
    ("Sequential", "the sequential form of `model!` is one whose shapes are checked"),
];

/// The names of all types that the sources of `nn` declare and that compute: they have a builder, are a `Layer`, or have a
/// method `forward`.
fn declared() -> BTreeSet<String> {
    fn walk(path: &Path, names: &mut BTreeSet<String>) {
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| walk(&entry.unwrap().path(), names));
            return;
        }
        let text = fs::read_to_string(path).unwrap();
        names.extend(built(&text));
        names.extend(computing(&text));
    }
    let mut names = BTreeSet::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../rustorch/src/nn"), &mut names);
    names
}

/// What has a builder, or is a `Layer`.
fn built(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut before = "";
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$') {
        let name = match word.strip_suffix("Builder") {
            Some(name) => name,
            None if before == "for" && text.contains(&format!("Layer for {word} ")) => word,
            None => "",
        };
        if name.starts_with(char::is_uppercase) {
            names.push(name.to_owned());
        }
        if !word.is_empty() {
            before = word;
        }
    }
    names
}

/// What has a public method `forward`, and what a macro of that file makes with one.
fn computing(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut block = String::new();
    for line in text.lines() {
        if let Some(head) = line.trim_start().strip_prefix("impl ") {
            let name = head.rsplit(" for ").next().unwrap_or(head);
            block = name.chars().take_while(|c| c.is_alphanumeric() || "_$".contains(*c)).collect();
        }
        if line.trim_start().starts_with("pub fn forward(") {
            match block.strip_prefix('$') {
                None => names.push(block.clone()),
                // `losses! { L1Loss, "L1Loss", .. }`: such a macro is given the name as text as well.
                Some(_) => names.extend(
                    text.lines()
                        .filter_map(|line| line.trim_start().split_once(", \""))
                        .filter(|(name, rest)| rest.starts_with(&format!("{name}\"")))
                        .map(|(name, _)| name.to_owned()),
                ),
            }
        }
    }
    names
}

#[test]
fn every_layer_of_nn_stands_in_the_table_or_among_the_exceptions() {
    let declared = declared();
    assert!(declared.len() >= 60, "the sources have moved: {declared:?}");
    let is_excepted = |name: &str| EXCEPTIONS.iter().any(|(other, _)| *other == name);
    let missing: Vec<&String> =
        declared.iter().filter(|name| find(name).is_none() && !is_excepted(name)).collect();
    assert!(missing.is_empty(), "model! does not know {missing:?}: add them to rustorch-shape/src/layers");
    let unknown: Vec<&str> =
        LAYERS.iter().map(|spec| spec.name).filter(|name| !declared.contains(*name)).collect();
    assert!(unknown.is_empty(), "the table has {unknown:?}, but nn has not");
    for (name, reason) in EXCEPTIONS {
        assert!(
            declared.contains(*name) && find(name).is_none(),
            "{name} is no exception any more: {reason}"
        );
    }
}
