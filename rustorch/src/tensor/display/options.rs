//! What can be chosen about printing.

use parking_lot::RwLock;

/// How tensors print (`torch.set_printoptions`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrintOptions {
    /// Digits behind the decimal point; 4 unless set.
    pub precision: usize,
    /// Tensors of more elements are summarised; 1000 unless set.
    pub threshold: usize,
    /// How many entries a summary shows at each end of an axis; 3 unless set.
    pub edge_items: usize,
    /// Characters per line; 80 unless set.
    pub line_width: usize,
    /// Whether to use scientific notation; unless set, if the magnitudes differ by more than a thousand, or one is above 10⁸ or below
    /// 10⁻⁴.
    pub scientific: Option<bool>,
}

impl PrintOptions {
    const DEFAULT: Self =
        Self { precision: 4, threshold: 1000, edge_items: 3, line_width: 80, scientific: None };
}

impl Default for PrintOptions {
    fn default() -> Self {
        Self::DEFAULT
    }
}

static OPTIONS: RwLock<PrintOptions> = RwLock::new(PrintOptions::DEFAULT);

/// Sets how tensors print from now on, in the whole program (`torch.set_printoptions`).
///
/// ```
/// use rustorch::{PrintOptions, Tensor, set_print_options};
/// set_print_options(PrintOptions { precision: 1, ..Default::default() });
/// assert_eq!(Tensor::from([0.25f32]).to_string(), "tensor([0.2])");
/// ```
#[inline]
pub fn set_print_options(options: PrintOptions) {
    *OPTIONS.write() = options;
}

/// How tensors print at present.
#[inline]
pub fn print_options() -> PrintOptions {
    *OPTIONS.read()
}
