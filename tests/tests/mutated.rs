//! Every call of the golden files with one or two of its arguments changed: whatever comes of it, a result or an error, it
//! is not a panic from inside the library, neither forward nor backward.

use rustorch::Tensor;
use rustorch::autograd::GradOptions;
use rustorch_tests::golden::mutate::Choices;
use rustorch_tests::{golden, ops, quiet};

/// How often each case is changed.
const ROUNDS: usize = 24;
/// How many cases of an operation are taken, spread over all.
const CASES: usize = 100;

fn run(file: &str) {
    let table = ops::files().into_iter().find(|(name, _)| *name == file).unwrap().1;
    let cases = golden::read(file);
    // A recurrent network of 2⁶³ layers is not refused: it is built, as long as there is memory.
    let extremes = !["recurrent", "modules", "transformer"].contains(&file);
    let mut choices = Choices { state: 7, extremes };
    let (mut panics, mut results, mut errors) = (Vec::new(), 0, 0);
    for (name, op) in table {
        let cases: Vec<_> = cases.iter().filter(|case| case.op == name).collect();
        for case in cases.iter().step_by(cases.len().div_ceil(CASES).max(1)) {
            for round in 0..ROUNDS {
                let mut args = case.args();
                (0..=round % 2).for_each(|_| args.mutate(&mut choices));
                let call = || {
                    let outputs = op(&args)?;
                    for output in outputs.iter().filter(|output| output.requires_grad()) {
                        let grad = Tensor::ones_with(output.shape(), output.dtype());
                        output.backward_with(
                            Some(&grad),
                            GradOptions { retain_graph: true, ..Default::default() },
                        )?;
                    }
                    Ok(())
                };
                match quiet::call(call) {
                    Ok(()) => results += 1,
                    Err(message) if quiet::is_internal(&message) => {
                        panics.push(format!("{name} {}: {message}", args.describe()));
                    }
                    Err(_) => errors += 1,
                }
            }
        }
    }
    assert!(results > 100 && errors > 100, "{file}: {results} results, {errors} errors");
    panics.sort();
    panics.dedup();
    assert!(panics.is_empty(), "{file}: {} panics\n{}", panics.len(), panics.join("\n"));
}

macro_rules! files {
    ($($file:ident)*) => {$(
        #[test]
        fn $file() {
            run(stringify!($file));
        }
    )*};
}
files! { elementwise views products joins indexing reductions attention recurrent transformer layers losses modules }
