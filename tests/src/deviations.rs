//! Where this library differs from PyTorch on purpose, or does not follow it yet.

/// Failures of some operations' cases.
pub struct Deviation {
    /// The operations' names.
    pub ops: &'static [&'static str],
    /// What differs, and why.
    pub reason: &'static str,
    /// What the message of the failure contains.
    message: &'static str,
}

const fn deviation(ops: &'static [&'static str], reason: &'static str, message: &'static str) -> Deviation {
    Deviation { ops, reason, message }
}

const RAISES: &str = "PyTorch raises";

/// All of them. Each must still be needed: a test fails when a case agrees with PyTorch again.
pub const DEVIATIONS: [Deviation; 2] = [
    deviation(
        &["tanhshrink"],
        "PyTorch refuses bools, whose difference from a float it does not take",
        RAISES,
    ),
    deviation(
        &["pixel_unshuffle"],
        "PyTorch gives an empty batch back in the shape it came in",
        "shape [0, 4, 1, 1] instead of [0, 1, 2, 2]",
    ),
];

impl Deviation {
    /// Whether a failure of an operation's case is this deviation.
    pub fn covers(&self, op: &str, message: &str) -> bool {
        self.ops.contains(&op) && message.contains(self.message)
    }
}
