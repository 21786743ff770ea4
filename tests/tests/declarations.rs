//! The random declarations of `model!` that are checked in are those that the generator writes, and they use all that it knows.

use std::path::PathBuf;

use rustorch_tests::declarations::files;

/// Files, and declarations in each.
const FILES: usize = 4;
const EACH: usize = 12;

#[test]
fn random_declarations_are_checked_in() {
    let (texts, used) = files(FILES, EACH);
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
