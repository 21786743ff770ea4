//! What the recorded messages may name: types and traits that a program can write itself and whose documentation explains
//! them, and nothing of the inside.

use std::path::{Path, PathBuf};

/// Traits that rustc may say are not implemented; each is public and documented. Those of one `einsum!` are called after the
/// index whose sizes differ.
const TRAITS: [&str; 17] = [
    "Axis",
    "Broadcast",
    "CatParts",
    "Dim",
    "FirstValue",
    "Fits",
    "FixedShape",
    "FusedNumber",
    "Given",
    "Layer",
    "MatmulShape",
    "MergeAxes",
    "Permute",
    "SameSizeOf_",
    "Squeeze",
    "Swap",
    "TensorOperand",
];

/// Items of the crate that may appear with their paths.
const PATHS: [&str; 12] = [
    "rustorch::Any",
    "rustorch::Const",
    "rustorch::Shape",
    "rustorch::Tensor",
    "rustorch::TypedTensor",
    "rustorch::einsum",
    "rustorch::typed::Axis",
    "rustorch::typed::CatSum",
    "rustorch::typed::Product",
    "rustorch::typed::Sum",
    "rustorch::typed::TypedOperands",
    "rustorch::typed::Windows",
];

/// What rustc writes before `<impl rustorch::TypedTensor<..>>::method`: where a method of a typed tensor is found.
const METHODS: [&str; 6] = ["create", "join", "layout", "matmul", "tensor", "window"];

/// Words that belong to the inside wherever they stand.
const INSIDE: [&str; 6] = ["typenum", "generic_array", "GenericArray", "__", "PhantomData", "private::"];

#[test]
fn messages_name_no_internal_types() {
    let files = recorded(Path::new("fail"));
    assert!(files.len() > 190, "only {} messages were found", files.len());
    let wrong: Vec<String> = files.iter().flat_map(|file| internal(file)).collect();
    assert!(wrong.is_empty(), "these messages name what no user wrote:\n{}", wrong.join("\n"));
}

#[test]
fn internal_names_are_recognised() {
    for line in [
        "the trait `Hidden<rustorch::Const<3>>` is not implemented",
        "evaluation of `<rustorch::typed::SameCount as X>::CHECK`",
        "expected `UInt<UTerm, typenum::B1>`",
        "required by a bound in `rustorch::__private::model::call`",
        "in `typed::shape::<impl rustorch::TypedTensor<()>>::of`",
    ] {
        assert!(!internal_names(line).is_empty(), "{line}");
    }
    let good = "evaluation of `rustorch::typed::window::<impl rustorch::TypedTensor<(rustorch::Const<8>,)>>::linear`";
    assert!(internal_names(good).is_empty());
}

fn recorded(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder of failures");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| if path.is_dir() { recorded(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "stderr"))
        .collect()
}

fn internal(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).expect("a recorded message");
    let names = text
        .lines()
        .enumerate()
        .flat_map(|(at, line)| internal_names(line).into_iter().map(move |name| (at + 1, name)));
    names.map(|(line, name)| format!("{}:{line}: {name}", file.display())).collect()
}

/// The names in a line that are not allowed.
fn internal_names(line: &str) -> Vec<String> {
    let inside = INSIDE.iter().filter(|word| line.contains(**word)).map(|word| (*word).to_owned());
    let traits = line.split("the trait `").skip(1).filter_map(|rest| {
        let name = rest.split(|c: char| !is_word(c)).next()?;
        let name = name.rsplit("::").next()?;
        let known =
            TRAITS.iter().any(|known| name == *known || (known.ends_with('_') && name.starts_with(known)));
        (!known).then(|| name.to_owned())
    });
    let paths = line.split(|c: char| !is_word(c)).filter(|word| !is_allowed(word)).map(ToOwned::to_owned);
    inside.chain(traits).chain(paths).collect()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// Whether a word is no path of the crate, or one that may appear.
fn is_allowed(word: &str) -> bool {
    let relative = word.strip_prefix("rustorch::").unwrap_or(word);
    match relative.strip_prefix("typed::") {
        // A call in a program: `x.typed::<shape![2, 3]>()`.
        Some("") => true,
        Some(rest) if METHODS.iter().any(|module| rest.strip_suffix("::") == Some(*module)) => true,
        // `rustorch::typed::CatSum::<1, ..>::FITS`
        Some(_) => PATHS.contains(&word.trim_end_matches("::")),
        None => relative == word || PATHS.contains(&word),
    }
}
