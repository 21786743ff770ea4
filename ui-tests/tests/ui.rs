//! Programs that must compile, and programs that must be refused with exactly the recorded message.
//!
//! `TRYBUILD=overwrite cargo test -p rustorch-ui-tests` records messages anew; read them before committing.

#[test]
fn ui() {
    let tests = trybuild::TestCases::new();
    tests.pass("pass/*/*.rs");
    tests.compile_fail("fail/*/*.rs");
}
