//! What the expansion of `rearrange!`, `reduce!` and `repeat!` checks while compiling.

use std::marker::PhantomData;

use super::Dim;
use super::count::Message;

/// The size of an axis that the program gives as a constant.
pub struct Known<D: Dim>(PhantomData<fn() -> D>);

impl<D: Dim> Known<D> {
    /// The only value.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<D: Dim> Default for Known<D> {
    fn default() -> Self {
        Self::new()
    }
}

/// An axis of the operand or of the result that is made of several.
pub struct Composite {
    /// As written in the pattern.
    pub text: &'static str,
    /// Its size, where the type of the tensor fixes it.
    pub size: Option<usize>,
    /// Its parts, by their place in the list of sizes.
    pub parts: &'static [usize],
}

/// Fails to compile, with the numbers, where an axis is not the product of its parts. `sizes` are those of the elementary
/// axes, as far as types fix them; those that `left` implies are used for `right`.
#[track_caller]
pub const fn check<const N: usize>(
    operation: &str,
    mut sizes: [Option<usize>; N],
    left: &[Composite],
    right: &[Composite],
) {
    let mut at = 0;
    while at < left.len() {
        sizes = fit(operation, "operand", sizes, &left[at]);
        at += 1;
    }
    at = 0;
    while at < right.len() {
        sizes = fit(operation, "result", sizes, &right[at]);
        at += 1;
    }
}

#[track_caller]
const fn fit<const N: usize>(
    operation: &str,
    whose: &str,
    mut sizes: [Option<usize>; N],
    axis: &Composite,
) -> [Option<usize>; N] {
    let (mut product, mut unknown, mut count, mut at) = (1usize, 0, 0, 0);
    while at < axis.parts.len() {
        match sizes[axis.parts[at]] {
            Some(size) => product *= size,
            None => {
                unknown = axis.parts[at];
                count += 1;
            }
        }
        at += 1;
    }
    let Some(size) = axis.size else { return sizes };
    let fits = match count {
        0 => size == product,
        1 => product > 0 && size % product == 0,
        _ => true,
    };
    if !fits {
        let message =
            Message::EMPTY.text(operation).text("!: axis `").text(axis.text).text("` of the ").text(whose);
        let message = message.text(" has size ").number(size);
        let message = match count {
            0 => message.text(", but its parts make ").number(product),
            _ => message.text(", which is no multiple of ").number(product),
        };
        panic!("{}", message.as_str());
    }
    if count == 1 {
        sizes[unknown] = Some(size / product);
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn axis(size: usize, parts: &'static [usize]) -> Composite {
        Composite { text: "(h d)", size: Some(size), parts }
    }

    #[test]
    fn sizes_of_the_operand_are_used_for_the_result() {
        check("rearrange", [Some(4), None, Some(10)], &[axis(64, &[0, 1])], &[axis(160, &[1, 2])]);
    }

    #[test]
    #[should_panic(expected = "axis `(h d)` of the operand has size 10, which is no multiple of 4")]
    fn what_cannot_be_split_is_refused() {
        check("rearrange", [Some(4), None], &[axis(10, &[0, 1])], &[]);
    }

    #[test]
    #[should_panic(expected = "axis `(h d)` of the result has size 63, but its parts make 64")]
    fn another_product_is_refused() {
        check("rearrange", [Some(4), Some(16)], &[], &[axis(63, &[0, 1])]);
    }
}
