//! Patterns, their mistakes, and recipes over numbers and symbols.

use super::{Operation, Pattern};
use crate::{Poly, Size};

use Operation::{Rearrange, Reduce, Repeat};

#[inline]
fn output(operation: Operation, text: &str, shape: &[usize], sizes: &[(&str, usize)]) -> Vec<usize> {
    let (names, values): (Vec<&str>, Vec<usize>) = sizes.iter().copied().unzip();
    Pattern::parse(operation, text, &names).unwrap().check(shape, &values, &mut ()).unwrap().output
}

/// What the package einops 0.8.2 gives for the same patterns and shapes.
#[test]
fn output_shapes_are_those_of_einops() {
    assert_eq!(output(Rearrange, "b (h d) t -> b h t d", &[2, 12, 5], &[("h", 4)]), [2, 4, 5, 3]);
    assert_eq!(output(Rearrange, "b h w -> (b h) w", &[2, 3, 4], &[]), [6, 4]);
    assert_eq!(output(Rearrange, "... a b -> ... b a", &[2, 3, 4, 5], &[]), [2, 3, 5, 4]);
    assert_eq!(output(Rearrange, "b ... -> b (...)", &[2, 3, 4], &[]), [2, 12]);
    assert_eq!(output(Rearrange, "a 1 b -> b () a 1", &[2, 1, 3], &[]), [3, 1, 2, 1]);
    assert_eq!(output(Rearrange, "-> 1 1", &[], &[]), [1, 1]);
    assert_eq!(output(Reduce, "b (h 2) (w 2) -> b h w", &[2, 4, 6], &[]), [2, 2, 3]);
    assert_eq!(output(Reduce, "b ... -> b", &[2, 3, 4], &[]), [2]);
    assert_eq!(output(Reduce, "a b ->", &[2, 3], &[]), [0usize; 0]);
    assert_eq!(output(Repeat, "h w -> h (w r)", &[2, 3], &[("r", 2)]), [2, 6]);
    assert_eq!(output(Repeat, "h w -> 3 h w 2", &[2, 3], &[]), [3, 2, 3, 2]);
}

fn mistake(operation: Operation, text: &str, sizes: &[&str]) -> (String, Option<usize>, Option<usize>) {
    let error = Pattern::parse(operation, text, sizes).unwrap_err();
    (error.message, error.offset, error.size)
}

#[test]
fn mistakes_name_the_axis_and_the_place() {
    let at = |operation, text: &str, sizes: &[&str], expected: &str, offset: Option<usize>| {
        let (message, found, _) = mistake(operation, text, sizes);
        assert!(message.contains(expected), "{text}: {message}");
        assert_eq!(found, offset, "{text}: {message}");
    };
    at(Rearrange, "a b", &[], "needs an arrow", Some(3));
    at(Rearrange, "a (b c -> a b c", &["b"], "a `(` without its `)`", Some(2));
    at(Rearrange, "a b) -> a b", &[], "a `)` without its `(`", Some(3));
    at(Rearrange, "((a b) c) -> a b c", &[], "parentheses within parentheses", Some(1));
    at(Rearrange, "a, b -> b a", &[], "`,` cannot stand in a pattern", Some(1));
    at(Rearrange, "a a -> a", &[], "`a` is twice on one side", Some(2));
    at(Rearrange, "a b -> a", &[], "`b` is on the left only", Some(2));
    at(Rearrange, "a b -> a b c", &[], "`c` is on the right only; a new axis is made by `repeat`", Some(11));
    at(Rearrange, "batch h -> h bacth", &[], "did you mean `batch`?", Some(13));
    at(Rearrange, "a ... -> a", &[], "the left side has an ellipsis", Some(2));
    at(Rearrange, "a -> a ...", &[], "the right side has an ellipsis", Some(7));
    at(Rearrange, "a (...) -> a ...", &[], "not in parentheses", Some(3));
    at(Rearrange, "(a 2) -> a", &[], "`2`: an axis without a name would get lost", Some(3));
    at(Rearrange, "a 0 -> a", &[], "at least one element", Some(2));
    at(Rearrange, "(a b) -> a b", &[], "leaves the sizes of `a`, `b` open", Some(0));
    at(Reduce, "a b -> a 2", &[], "a new axis is made by `repeat`", Some(9));
    at(Repeat, "a -> a r", &[], "`r` is new, so its size must be given", Some(7));
    let (message, _, size) = mistake(Rearrange, "(heads d) -> heads d", &["head"]);
    assert!(message.contains("did you mean `heads`?"), "{message}");
    assert_eq!(size, Some(0));
}

#[test]
fn operands_that_do_not_fit_are_named_with_both_sizes() {
    let error = |text: &str, shape: &[usize], sizes: &[(&str, usize)]| {
        let (names, values): (Vec<&str>, Vec<usize>) = sizes.iter().copied().unzip();
        Pattern::parse(Rearrange, text, &names).unwrap().check(shape, &values, &mut ()).unwrap_err().message
    };
    assert_eq!(
        error("b (h d) -> b h d", &[2, 10], &[("h", 4)]),
        "axis 1 has size 10, but `(h d)` with h = 4 needs a multiple of 4"
    );
    assert_eq!(
        error("(h d) -> h d", &[10], &[("h", 4), ("d", 2)]),
        "axis 0 has size 10, but `(h d)` with h = 4, d = 2 makes 8"
    );
    assert_eq!(error("a b -> b a", &[2, 3], &[("b", 4)]), "axis 1 has size 3, but `b` is 4");
    assert_eq!(error("a 1 -> a", &[2, 3], &[]), "axis 1 has size 3, but the pattern has `1`");
    assert_eq!(
        error("a b -> b a", &[2, 3, 4], &[]),
        "the operand [2, 3, 4] has 3 axes, but the left side has 2 axes"
    );
    assert_eq!(
        error("a b ... -> b a ...", &[2], &[]),
        "the operand [2] has 1 axis, but the left side has 2 axes besides the ellipsis"
    );
}

#[test]
fn symbolic_sizes_are_split_where_that_can_be_proved() {
    let pattern = Pattern::parse(Rearrange, "b (h d) t -> b h t d", &["h"]).unwrap();
    let (batch, width) = (Poly::dim("b"), Poly::param("D"));
    let heads = width.times(&Poly::constant(4)).unwrap();
    let mut claims = Default::default();
    let recipe =
        pattern.check(&[batch.clone(), heads, Poly::dim("t")], &[Poly::constant(4)], &mut claims).unwrap();
    assert_eq!(recipe.output, [batch, Poly::constant(4), Poly::dim("t"), width]);
}

#[test]
fn steps_that_do_nothing_are_seen_as_such() {
    let pattern = Pattern::parse(Rearrange, "a b c -> a (b c)", &[]).unwrap();
    let recipe = pattern.check(&[2, 3, 4], &[], &mut ()).unwrap();
    assert_eq!((recipe.split, recipe.permutation), (vec![2, 3, 4], vec![0, 1, 2]));
    assert!(recipe.reduced.is_empty() && recipe.inserted.is_empty());
}
