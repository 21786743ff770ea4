//! Assertions about sizes that the compiler evaluates, with the numbers in their messages.

/// Fails to compile unless `left relation right`, where `relation` is `==`, `>=` or `%` (leaves no remainder).
///
/// # Panics
/// Otherwise, at compile time: with `message`, and both sides as formula and number.
#[track_caller]
#[inline]
pub const fn assert_sizes(left: usize, relation: &str, right: usize, message: &str, l: &str, r: &str) {
    let (holds, wanted) = match relation.as_bytes() {
        b"==" => (left == right, "be equal to "),
        b">=" => (left >= right, "be at least "),
        _ => (right != 0 && left.is_multiple_of(right), "be a multiple of "),
    };
    if holds {
        return;
    }
    let mut text = Text { bytes: [0; CAPACITY], length: 0 };
    text.push(message);
    text.push("\n");
    text.size(l, left);
    text.push(" must ");
    text.push(wanted);
    text.size(r, right);
    text.fail()
}

/// Fails to compile unless a size that a caller states is the one that the callee declares, if it declares a fixed one.
///
/// # Panics
/// Otherwise, at compile time, as [`assert_sizes`].
#[track_caller]
#[inline]
pub const fn assert_stated(
    stated: usize,
    declared: &[&[usize]],
    tensor: usize,
    axis: usize,
    message: &str,
    l: &str,
    r: &str,
) {
    if tensor < declared.len() && axis < declared[tensor].len() && declared[tensor][axis] != usize::MAX {
        assert_sizes(stated, "==", declared[tensor][axis], message, l, r);
    }
}

/// What fits in a message; the rest is cut.
const CAPACITY: usize = 2048;

/// A string built at compile time.
struct Text {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl Text {
    #[inline]
    const fn push(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut at = 0;
        while at < bytes.len() && self.length < CAPACITY {
            self.bytes[self.length] = bytes[at];
            self.length += 1;
            at += 1;
        }
    }

    /// A size: `4*D = 256`, or just the number.
    #[inline]
    const fn size(&mut self, formula: &str, value: usize) {
        if !is_number(formula) {
            self.push(formula);
            self.push(" = ");
        }
        self.number(value);
    }

    #[inline]
    const fn number(&mut self, value: usize) {
        if value >= 10 {
            self.number(value / 10);
        }
        if self.length < CAPACITY {
            self.bytes[self.length] = b'0' + (value % 10) as u8;
            self.length += 1;
        }
    }

    #[track_caller]
    #[inline]
    const fn fail(&self) -> ! {
        // A character that the end of the buffer cut in two makes the text invalid: then only the fact remains.
        match core::str::from_utf8(self.bytes.split_at(self.length).0) {
            Ok(text) => panic!("{}", text),
            Err(_) => panic!("the sizes of a model do not fit"),
        }
    }
}

const fn is_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_digit() {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::assert_sizes;

    #[test]
    fn sizes_that_fit_pass() {
        const { assert_sizes(12, "%", 4, "heads", "D", "HEADS") };
        assert_sizes(4, "==", 4, "features", "D", "4");
        assert_sizes(5, ">=", 4, "kernel", "H", "4");
    }

    #[test]
    #[should_panic(expected = "heads\nD = 10 must be a multiple of HEADS = 4")]
    fn others_fail_with_their_numbers() {
        assert_sizes(10, "%", 4, "heads", "D", "HEADS");
    }

    #[test]
    #[should_panic(expected = "x\nD = 10 must be equal to 0")]
    fn numbers_are_not_repeated() {
        assert_sizes(10, "==", 0, "x", "D", "0");
    }
}
