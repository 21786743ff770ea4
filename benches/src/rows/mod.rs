//! The rows, by subject. Names and work are those of `benches/pytorch.py`.

mod convolutions;
mod eager;
mod einsum;
mod elementwise;
mod matmul;
mod networks;
mod resnet;
mod rowwise;
mod sequences;

use rustorch::Result;

/// A prepared piece of work.
pub type Step = Box<dyn FnMut()>;

/// One line of the suite.
pub struct Row {
    /// The name, the same as in PyTorch's twin.
    pub name: String,
    /// Floating-point operations per step, for rows that are reported as a rate.
    pub flop: Option<f64>,
    /// Prepares the work.
    pub setup: Box<dyn Fn() -> Result<Step>>,
}

impl Row {
    /// A row that is reported as a time.
    pub fn time(name: impl Into<String>, setup: impl Fn() -> Result<Step> + 'static) -> Self {
        Self { name: name.into(), flop: None, setup: Box::new(setup) }
    }

    /// What the measurement counts.
    pub fn unit(&self) -> &'static str {
        if self.flop.is_some() { "GFLOP/s" } else { "µs" }
    }

    /// The median, in the row's unit.
    pub fn measure(&self, seconds: f64) -> Result<f64> {
        let median = crate::measure::median((self.setup)()?, seconds);
        Ok(self.flop.map_or(median * 1e6, |flop| flop / median / 1e9))
    }
}

/// Every row, in the order of the table.
pub fn all() -> Vec<Row> {
    [
        networks::rows(),
        sequences::rows(),
        eager::rows(),
        convolutions::rows(),
        matmul::rows(),
        einsum::rows(),
        elementwise::rows(),
        rowwise::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
