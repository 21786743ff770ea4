//! Whether two shapes have the same number of elements, decided while compiling.

use super::AxisType;

/// The sizes of the new shape, given that the old one passed [`check`]: fixed ones from its type, those of run-time dims
/// from the axis of the old shape with the same name.
#[inline]
pub(super) fn target_sizes(old: &[AxisType], new: &[AxisType], shape: &[usize]) -> Vec<usize> {
    let named = |name: &str| old.iter().position(|axis| axis.size.is_none() && axis.name == name);
    new.iter().filter_map(|axis| axis.size.or_else(|| named(axis.name).map(|at| shape[at]))).collect()
}

/// Fails to compile, with the numbers, where two shapes differ in their number of elements: the product of their fixed sizes,
/// or how often a run-time dim appears; or where two axes are [`Any`](super::Any), which the compiler cannot tell apart.
#[track_caller]
pub(super) const fn check(old: &[AxisType], new: &[AxisType]) {
    same_names(old, new);
    same_names(new, old);
    let (ours, theirs) = (product(old), product(new));
    if ours != theirs {
        let message = Message::EMPTY.text("reshape: the fixed sizes of the old shape make ").number(ours);
        let message = message.text(" elements, those of the new one ").number(theirs);
        panic!("{}", message.as_str());
    }
}

/// Every run-time dim of `from` must appear as often in `to`.
#[track_caller]
#[inline]
const fn same_names(from: &[AxisType], to: &[AxisType]) {
    let mut at = 0;
    while at < from.len() {
        if from[at].size.is_none() {
            let name = from[at].name;
            let (count, other) = (occurrences(from, name), occurrences(to, name));
            if count != other {
                let message = Message::EMPTY.text("reshape: run-time dim `").text(name).text("` is ");
                let message = message.number(count).text(" times in one shape and ").number(other);
                let message = message.text(" times in the other");
                panic!("{}", message.as_str());
            }
            assert!(
                count == 1 || !equal(name, "Any"),
                "reshape: at most one axis may be `Any`; name the others"
            );
        }
        at += 1;
    }
}

const fn product(axes: &[AxisType]) -> usize {
    let (mut product, mut at) = (1, 0);
    while at < axes.len() {
        if let Some(size) = axes[at].size {
            product *= size;
        }
        at += 1;
    }
    product
}

#[inline]
const fn occurrences(axes: &[AxisType], name: &str) -> usize {
    let (mut count, mut at) = (0, 0);
    while at < axes.len() {
        if axes[at].size.is_none() && equal(axes[at].name, name) {
            count += 1;
        }
        at += 1;
    }
    count
}

const fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Text put together while compiling, since `panic!` in a constant cannot format numbers. What does not fit is cut off.
#[derive(Clone, Copy)]
pub(super) struct Message {
    bytes: [u8; 240],
    length: usize,
}

impl Message {
    pub(super) const EMPTY: Self = Self { bytes: [0; 240], length: 0 };

    #[inline]
    pub(super) const fn text(mut self, text: &str) -> Self {
        let bytes = text.as_bytes();
        if self.length + bytes.len() <= self.bytes.len() {
            let mut at = 0;
            while at < bytes.len() {
                self.bytes[self.length + at] = bytes[at];
                at += 1;
            }
            self.length += bytes.len();
        }
        self
    }

    #[inline]
    pub(super) const fn number(self, number: usize) -> Self {
        let this = if number >= 10 { self.number(number / 10) } else { self };
        let digits = "0123456789".as_bytes();
        let digit = [digits[number % 10]];
        match std::str::from_utf8(&digit) {
            Ok(digit) => this.text(digit),
            Err(_) => this,
        }
    }

    #[inline]
    pub(super) const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => text,
            Err(_) => "the shapes do not fit",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_put_together_at_compile_time() {
        const MESSAGE: Message = Message::EMPTY.text("from ").number(1600).text(" to ").number(0);
        assert_eq!(MESSAGE.as_str(), "from 1600 to 0");
    }

    #[test]
    fn sizes_of_named_dims_come_from_the_old_shape() {
        let named = |name| AxisType { size: None, name };
        let fixed = |size| AxisType { size: Some(size), name: "" };
        let (old, new) =
            ([named("Batch"), fixed(6), named("Seq")], [named("Seq"), fixed(2), fixed(3), named("Batch")]);
        check(&old, &new);
        assert_eq!(target_sizes(&old, &new, &[8, 6, 5]), [5, 2, 3, 8]);
    }

    #[test]
    #[should_panic(expected = "make 24 elements, those of the new one 25")]
    fn another_number_of_elements_is_refused() {
        let fixed = |size| AxisType { size: Some(size), name: "" };
        check(&[fixed(4), fixed(6)], &[fixed(5), fixed(5)]);
    }

    #[test]
    #[should_panic(expected = "`Batch` is 1 times in one shape and 0 times in the other")]
    fn a_lost_dim_is_refused() {
        check(&[AxisType { size: None, name: "Batch" }], &[AxisType { size: Some(3), name: "" }]);
    }
}
