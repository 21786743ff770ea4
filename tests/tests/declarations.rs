//! The random declarations of `model!` that are checked in are those that the generator writes, and they use all that it knows.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rustorch_shape::functions;
use rustorch_shape::layers::LAYERS;
use rustorch_tests::declarations::files;

/// Files, and declarations in each.
const FILES: usize = 4;
const EACH: usize = 12;

#[test]
fn random_declarations_are_checked_in() {
    let (texts, used) = files(0, FILES, EACH);
    let unused: Vec<&str> = used.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    assert!(unused.is_empty(), "no declaration uses {unused:?}");
    for (number, text) in texts.iter().enumerate() {
        let path: PathBuf =
            [env!("CARGO_MANIFEST_DIR"), "tests", &format!("declared_{number}.rs")].iter().collect();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, text).expect("the test's folder can be written to");
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == *text, "{} is out of date: run the test with UPDATE=1", path.display());
    }
}

/// The words of a text.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').collect()
}

/// What no declaration uses, with the reason; there is nothing of that kind today.
const NOT_DRAWN: &[&str] = &[];

#[test]
fn everything_of_the_tables_is_drawn() {
    let (texts, _) = files(0, FILES, EACH);
    let all = texts.concat();
    let drawn = words(&all);
    let names = functions::all().map(|spec| spec.name).chain(LAYERS.iter().map(|spec| spec.name));
    let missing: Vec<&str> = names.filter(|name| !drawn.contains(name)).collect();
    assert_eq!(missing, NOT_DRAWN);
}
