//! Elementwise kernels from expressions.
//!
//! The library's table gives an operation as the text of an expression; [`Elementwise`] turns it into kernels: one for
//! each way the operands can lie in memory that really occurs, compiled when it first does.

mod launch;
mod source;

use std::collections::HashMap;

use parking_lot::RwLock;

pub use crate::layout::Operand;
use crate::{
    device::Device,
    dtype::DType,
    error::{Error, Result},
    nvrtc::Kernel,
};
pub use launch::Scalar;
pub(crate) use source::Variant;

/// The functions that expressions may call; the start of every kernel of this crate.
pub(crate) const PRELUDE: &str = include_str!("prelude.cuh");

/// What an elementwise operation computes.
///
/// An expression is CUDA C that reads the inputs and parameters by name, all of type `T`, the `compute` type (`float`,
/// `double`, `int` or `long long`). It is written in functions and operators that Rust reads alike: `+ - * /` and unary `-`,
/// literals as `T(0.5)`, `select(gt(x, T(0.0)), x, T(0.0))`, and the functions of `prelude.cuh`: comparisons `lt le gt ge
/// eq ne`, `select min max clamp abs sign exp expm1 log log1p log2 log10 sqrt rsqrt sin cos tan tanh erf pow floor ceil
/// round trunc fmod remainder sigmoid` and others, with PyTorch's treatment of NaN, rounding and signs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ElementwiseSpec {
    /// The kernel's name in error messages and profiles.
    pub name: String,
    /// Names and stored types of the inputs, converted to `compute` when loaded.
    pub inputs: Vec<(String, DType)>,
    /// Names of scalar parameters, given at each launch.
    pub params: Vec<String>,
    /// The type of the arithmetic: f32, f64, i32 or i64.
    pub compute: DType,
    /// An expression and the stored type of its result, for each output.
    pub outputs: Vec<(String, DType)>,
}

/// An elementwise operation, ready to be launched on any device.
#[derive(Debug)]
pub struct Elementwise {
    spec: ElementwiseSpec,
    kernels: RwLock<HashMap<(usize, Variant), Kernel>>,
}

impl Elementwise {
    /// Checks the names and types. Nothing is compiled yet.
    ///
    /// # Errors
    /// A name that is no identifier, ends in an underscore or stands twice, no output, or arithmetic in a type that is only for storage.
    pub fn new(spec: ElementwiseSpec) -> Result<Self> {
        let names: Vec<&str> =
            spec.inputs.iter().map(|(name, _)| name).chain(&spec.params).map(String::as_str).collect();
        let problem = |message: String| Err(Error::invalid(&spec.name, message));
        if let Some(name) = names.iter().find(|name| !is_identifier(name) || name.ends_with('_')) {
            return problem(format!("`{name}` is no name that CUDA C takes"));
        }
        if !is_identifier(&spec.name) {
            return problem("this name is none that CUDA C takes".to_owned());
        }
        if let Some((at, name)) = names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)) {
            return problem(format!(
                "two inputs or parameters are named `{name}` (the second is number {at})"
            ));
        }
        if spec.outputs.is_empty() {
            return problem("an elementwise kernel needs an output".to_owned());
        }
        if !matches!(spec.compute, DType::F32 | DType::F64 | DType::I32 | DType::I64) {
            return problem(format!("arithmetic is done in f32, f64, i32 or i64, not in {}", spec.compute));
        }
        Ok(Elementwise { spec, kernels: RwLock::default() })
    }

    /// What it computes.
    pub fn spec(&self) -> &ElementwiseSpec {
        &self.spec
    }

    /// Queues the operation over `shape` on the current stream of `device`.
    ///
    /// Every operand has one stride for each of the shape's dimensions (at most 8); a stride of 0 broadcasts an input.
    /// An output may be one of the inputs if both have the same layout. `params` are in the order of the spec.
    ///
    /// # Errors
    /// Numbers or types of operands that differ from the spec, a view that leaves its buffer, an output with a stride
    /// of 0, an expression that does not compile.
    pub fn launch(
        &self,
        device: &Device,
        shape: &[usize],
        inputs: &[Operand<'_>],
        params: &[Scalar],
        outputs: &[Operand<'_>],
    ) -> Result<()> {
        launch::launch(self, device, shape, inputs, params, outputs)
    }

    fn kernel(&self, device: &Device, variant: Variant) -> Result<Kernel> {
        let key = (device.ordinal(), variant);
        if let Some(kernel) = self.kernels.read().get(&key) {
            return Ok(kernel.clone());
        }
        let code = source::generate(&self.spec, &key.1);
        let source = crate::nvrtc::Source { name: &self.spec.name, code: &code, options: &[] };
        let kernel = Kernel::new(device, source, &source::entry(&self.spec))?;
        Ok(self.kernels.write().entry(key).or_insert(kernel).clone())
    }
}

/// A copy between layouts and element types: `T(x)`, computed so that no value loses digits on the way.
///
/// Between floats it goes through f32 or f64, otherwise through i64 or f64; floats become `bool` by `x != 0`.
pub fn copy_spec(from: DType, to: DType) -> ElementwiseSpec {
    let compute = match (from, to) {
        (DType::F64, _) | (_, DType::F64) => DType::F64,
        (from, to) if from.is_float() || to.is_float() => match from.is_float() {
            true => DType::F32,
            // Integers above 2^24 are rounded once, on the way to the target, if they go through f64.
            false => DType::F64,
        },
        _ => DType::I64,
    };
    ElementwiseSpec {
        name: format!("copy_{from}_{to}"),
        inputs: vec![("x".to_owned(), from)],
        params: Vec::new(),
        compute,
        outputs: vec![("x".to_owned(), to)],
    }
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    let starts = chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
    starts && chars.all(|char| char.is_ascii_alphanumeric() || char == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(inputs: &[&str], params: &[&str], compute: DType) -> ElementwiseSpec {
        ElementwiseSpec {
            name: "op".into(),
            inputs: inputs.iter().map(|&name| (name.to_owned(), DType::F32)).collect(),
            params: params.iter().map(|&name| name.to_owned()).collect(),
            compute,
            outputs: vec![("x".into(), DType::F32)],
        }
    }

    #[test]
    fn bad_specs_are_refused_by_name() {
        let message = |spec| Elementwise::new(spec).unwrap_err().to_string();
        assert!(message(spec(&["x y"], &[], DType::F32)).contains("`x y`"));
        assert!(message(spec(&["x"], &["x"], DType::F32)).contains("named `x`"));
        assert!(message(spec(&["x"], &[], DType::F16)).contains("not in f16"));
        let mut empty = spec(&["x"], &[], DType::F32);
        empty.outputs.clear();
        assert!(message(empty).contains("needs an output"));
        assert!(Elementwise::new(spec(&["x"], &["alpha"], DType::F64)).is_ok());
    }
}
