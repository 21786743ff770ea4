//! Gradients of every operation against finite differences in double precision, to second order: the cases of the golden
//! files that are marked smooth.

use std::collections::BTreeSet;

use rustorch::autograd::{GradcheckOptions, gradcheck, gradgradcheck};
use rustorch::{Result, Tensor};
use rustorch_tests::deviations::DEVIATIONS;
use rustorch_tests::golden::{Case, read};
use rustorch_tests::ops::{Op, files};
use rustorch_tests::quiet;

const OPTIONS: GradcheckOptions = GradcheckOptions { eps: 1e-5, atol: 1e-6, rtol: 1e-4 };

/// Calls `check` with each smooth case and its points; lists what fails.
fn for_each_smooth_case(check: impl Fn(&Case, Op, &[&Tensor]) -> Result<()>) -> Vec<String> {
    let mut failures = Vec::new();
    for (file, table) in files() {
        for case in read(file).into_iter().filter(|case| case.smooth) {
            let Some(&op) = table.get(case.op.as_str()) else { continue };
            let leaves = case.args().leaves;
            let points: Vec<&Tensor> = leaves.iter().collect();
            let Err(error) = quiet::call(|| check(&case, op, &points)) else { continue };
            if !DEVIATIONS.iter().any(|deviation| deviation.covers(&case.op, &error)) {
                failures.push(format!("{} {}({}): {error}", case.place, case.op, case.describe()));
            }
        }
    }
    failures
}

#[test]
fn gradients_agree_with_differences() {
    let failures = for_each_smooth_case(|case, op, points| {
        gradcheck(|points| op(&case.args_at(points)), points, OPTIONS)
    });
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn gradients_of_gradients_agree_with_differences() {
    let failures = for_each_smooth_case(|case, op, points| {
        gradgradcheck(|points| op(&case.args_at(points)), points, OPTIONS)
    });
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

/// Every operation that some case differentiates in double precision is also checked by differences.
#[test]
fn every_differentiable_operation_has_a_smooth_case() {
    for (file, _) in files() {
        let cases = read(file);
        let smooth: BTreeSet<&str> =
            cases.iter().filter(|case| case.smooth).map(|case| case.op.as_str()).collect();
        for case in &cases {
            let differentiated =
                case.output_grads.as_ref().is_some_and(|grads| grads.iter().any(Option::is_some));
            assert!(
                !differentiated || smooth.contains(case.op.as_str()),
                "{file}.jsonl: no case of {} is marked smooth",
                case.op
            );
        }
    }
}
