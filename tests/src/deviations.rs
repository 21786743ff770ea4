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
pub const DEVIATIONS: [Deviation; 10] = [
    deviation(&["isinf", "logaddexp", "softsign"], "not defined for complex numbers", "dtype complex"),
    deviation(&["nextafter", "nextafter_"], "not defined in half precision", "float32 or float64"),
    deviation(&["trigamma", "trigamma_"], "PyTorch's gradient is polygamma(2, x)", "has no gradient"),
    deviation(&["square", "square_"], "stays bool, as products of bools do", ""),
    deviation(&["relu", "relu_", "relu6", "hardtanh", "tanhshrink"], "PyTorch refuses bools", RAISES),
    deviation(&["sub"], "PyTorch refuses one bool operand; here only two are refused", RAISES),
    deviation(&["threshold", "pow"], "PyTorch refuses a number out of range; here it wraps around", RAISES),
    deviation(
        &["any", "any_dim", "all", "all_dim"],
        "always bool; PyTorch's is uint8 for uint8",
        "dtype bool instead",
    ),
    deviation(
        &["masked_fill", "masked_fill_"],
        "PyTorch drops the fraction of a number for integers; here it is refused",
        "does not convert to the tensor's dtype",
    ),
    deviation(&["addcdiv"], "PyTorch refuses integers; here they become floats as in `div`", RAISES),
];

impl Deviation {
    /// Whether a failure of an operation's case is this deviation.
    pub fn covers(&self, op: &str, message: &str) -> bool {
        self.ops.contains(&op) && message.contains(self.message)
    }
}

/// Operations whose gradient cannot be differentiated again.
pub const NOT_TWICE_DIFFERENTIABLE: [&str; 2] = ["digamma", "digamma_"];
