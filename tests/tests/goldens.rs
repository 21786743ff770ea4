//! Every operation against PyTorch's own numbers, forward and gradient.
//!
//! `RUSTORCH_GOLDEN=op` runs the cases of one operation; failures are listed in full then.

use std::collections::{BTreeMap, BTreeSet};

use rustorch::autograd::{GradOptions, grad};
use rustorch::{Tensor, no_grad};
use rustorch_tests::compare::{close, tolerance};
use rustorch_tests::deviations::DEVIATIONS;
use rustorch_tests::golden::{Case, Stored, read};
use rustorch_tests::ops::{Op, files};
use rustorch_tests::quiet;

#[test]
fn every_case_gives_pytorchs_numbers() {
    let only = std::env::var("RUSTORCH_GOLDEN").ok();
    let mut failures: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut needed: Vec<BTreeSet<String>> = vec![BTreeSet::new(); DEVIATIONS.len()];
    let mut count = 0;
    for (file, table) in files() {
        for case in read(file) {
            let Some(&op) = table.get(case.op.as_str()) else { continue };
            if only.as_ref().is_some_and(|only| *only != case.op) {
                continue;
            }
            count += 1;
            if let Err(message) = check(&case, op) {
                let deviation = DEVIATIONS.iter().position(|deviation| deviation.covers(&case.op, &message));
                if let Some(deviation) = deviation.filter(|_| !quiet::is_internal(&message)) {
                    needed[deviation].insert(case.op.clone());
                    continue;
                }
                let line = format!("{} {}({}): {message}", case.place, case.op, case.describe());
                failures.entry(case.op.clone()).or_default().push(line);
            }
        }
    }
    assert!(count > 0, "no case was run");
    let total: usize = failures.values().map(Vec::len).sum();
    let shown = if only.is_some() { usize::MAX } else { 3 };
    let list = failures.values().flat_map(|lines| lines.iter().take(shown).cloned()).collect::<Vec<_>>();
    assert!(
        total == 0,
        "{total} of {count} cases differ, of {} operations:\n{}",
        failures.len(),
        list.join("\n")
    );
    for (deviation, needed) in DEVIATIONS.iter().zip(&needed) {
        let stale = deviation.ops.iter().find(|op| only.is_none() && !needed.contains(**op));
        assert!(stale.is_none(), "{stale:?} agrees with PyTorch now: {}", deviation.reason);
    }
}

#[test]
fn files_and_table_name_the_same_operations() {
    for (file, table) in files() {
        let cases = read(file);
        let named: BTreeSet<&str> = cases.iter().map(|case| case.op.as_str()).collect();
        let known: BTreeSet<&str> = table.keys().copied().collect();
        assert_eq!(
            named, known,
            "{file}.jsonl has cases of the operations on the left, the table calls those on the right"
        );
    }
}

const DOMAINS: [&str; 10] =
    ["Arith", "Power", "Numeric", "Quantity", "Ordered", "Division", "Analytic", "Real", "Wide", "Integral"];

/// The table's source is read so that an entry added there without goldens fails here.
#[test]
fn every_elementwise_entry_has_cases() {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../rustorch/src/ops/elementwise/table");
    let named: BTreeSet<String> = read("elementwise").into_iter().map(|case| case.op).collect();
    let mut found = 0;
    for file in std::fs::read_dir(folder).expect("the table's folder") {
        let text = std::fs::read_to_string(file.expect("a readable folder").path()).expect("a source file");
        for line in text.lines().map(str::trim) {
            let line = line.strip_prefix("entry!(T, value ").unwrap_or(line);
            let mut words = line.split([' ', '(']);
            let domain = words.next().unwrap_or_default();
            if !DOMAINS.contains(&domain) {
                continue;
            }
            let name = words.next().expect("a domain is followed by a name").trim_end_matches('_');
            // Cases of `clamp` with numbers.
            let name = if name == "clamp_numbers" { "clamp" } else { name };
            assert!(named.contains(name), "no golden case of the elementwise entry {name}");
            found += 1;
        }
    }
    assert!(found > 100, "only {found} entries were found: has the table's syntax changed?");
}

fn check(case: &Case, op: Op) -> Result<(), String> {
    let args = case.args();
    let result = quiet::call(|| op(&args));
    let Some(expected) = &case.outputs else {
        return match result {
            Ok(_) => Err("PyTorch raises an error here, but the call succeeded".into()),
            Err(message) if quiet::is_internal(&message) => Err(message),
            Err(_) => Ok(()),
        };
    };
    let outputs = result.map_err(|message| format!("failed with \"{message}\""))?;
    check_outputs(&outputs, expected, STRIDED.iter().any(|file| case.place.starts_with(file)))?;
    let Some(output_grads) = &case.output_grads else {
        return if case.gradient_fails { check_no_gradient(&outputs, &args.leaves) } else { Ok(()) };
    };
    for (index, (output, gradient)) in outputs.iter().zip(output_grads).enumerate() {
        if output.requires_grad() != gradient.is_some() {
            return Err(format!("result {index} has requires_grad {}", output.requires_grad()));
        }
    }
    let fused =
        gradients(&outputs, output_grads, &args.leaves, false).map_err(|e| format!("gradient: {e}"))?;
    compare_gradients(&fused, &case.input_grads).map_err(|message| format!("gradient {message}"))?;
    let again = case.args();
    let outputs = quiet::call(|| op(&again))?;
    let traced = gradients(&outputs, output_grads, &again.leaves, true)
        .map_err(|e| format!("traced gradient: {e}"))?;
    compare_gradients(&traced, &case.input_grads).map_err(|message| format!("traced gradient {message}"))
}

/// The files whose results also lie in memory as PyTorch's do.
const STRIDED: [&str; 2] = ["elementwise", "views"];

fn check_outputs(outputs: &[Tensor], expected: &[Stored], strided: bool) -> Result<(), String> {
    if outputs.len() != expected.len() {
        return Err(format!("{} results instead of {}", outputs.len(), expected.len()));
    }
    for (index, (output, expected)) in outputs.iter().zip(expected).enumerate() {
        close(output, &expected.values, 1.0, None).map_err(|message| format!("result {index}: {message}"))?;
        let strides = expected.strides.as_deref().unwrap_or(expected.values.strides());
        // Strides of axes of size 1, and of tensors without elements, mean nothing.
        let differs = (0..output.rank())
            .any(|axis| output.shape()[axis] > 1 && output.strides()[axis] != strides[axis]);
        if strided && differs && output.numel() > 0 {
            return Err(format!("result {index}: strides {:?} instead of {strides:?}", output.strides()));
        }
    }
    Ok(())
}

fn check_no_gradient(outputs: &[Tensor], leaves: &[Tensor]) -> Result<(), String> {
    let inputs: Vec<&Tensor> = leaves.iter().collect();
    let output = &outputs[0];
    let ones = output.ones_like();
    let options = GradOptions { allow_unused: true, ..GradOptions::default() };
    match quiet::call(|| grad(&[output], &inputs, &[Some(&ones)], options)) {
        Ok(_) => Err("PyTorch refuses to differentiate this, but there is a gradient".into()),
        Err(_) => Ok(()),
    }
}

fn gradients(
    outputs: &[Tensor],
    output_grads: &[Option<Stored>],
    leaves: &[Tensor],
    create_graph: bool,
) -> Result<Vec<Option<Tensor>>, String> {
    let wanted =
        || outputs.iter().zip(output_grads).filter_map(|(output, grad)| Some((output, grad.as_ref()?)));
    let targets: Vec<&Tensor> = wanted().map(|(output, _)| output).collect();
    if targets.is_empty() {
        return Ok(vec![None; leaves.len()]);
    }
    let given: Vec<Option<&Tensor>> = wanted().map(|(_, grad)| Some(&grad.values)).collect();
    let inputs: Vec<&Tensor> = leaves.iter().collect();
    let options = GradOptions { create_graph, allow_unused: true, ..GradOptions::default() };
    quiet::call(|| grad(&targets, &inputs, &given, options))
}

/// A gradient that PyTorch has not may be zeros here, and the other way round. If one is in half precision, all carry
/// its rounding.
fn compare_gradients(found: &[Option<Tensor>], expected: &[Option<Stored>]) -> Result<(), String> {
    let dtypes = expected.iter().flatten().map(|expected| expected.values.dtype());
    let coarsest = dtypes.max_by(|a, b| tolerance(*a).0.total_cmp(&tolerance(*b).0));
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let zeros = |like: &Tensor| no_grad(|| like.zeros_like());
        let (found, expected) = match (found, expected) {
            (None, None) => continue,
            (Some(found), None) => (found.clone(), zeros(found)),
            (None, Some(expected)) => (zeros(&expected.values), expected.values.clone()),
            (Some(found), Some(expected)) => (found.clone(), expected.values.clone()),
        };
        close(&found, &expected, 4.0, coarsest).map_err(|message| format!("of input {index}: {message}"))?;
    }
    Ok(())
}
