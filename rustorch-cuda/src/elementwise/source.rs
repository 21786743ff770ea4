//! The text of an elementwise kernel.

use std::fmt::Write;

use smallvec::SmallVec;

use super::{ElementwiseSpec, PRELUDE};
use crate::dtype::DType;

/// Threads of a block.
pub(super) const THREADS: usize = 256;

/// How an operand lies along the innermost dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Inner {
    /// Neighbours in the iteration are neighbours in memory: one wide access for several elements.
    Run,
    /// One element for all.
    Repeat,
    /// Any other stride.
    Strided,
}

/// What a kernel is specialised for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variant {
    /// Dimensions after collapsing.
    pub dims: usize,
    /// Elements of one access: 16 bytes of the widest operand, or 1.
    pub width: usize,
    /// Whether places are counted in 64 bits.
    pub wide: bool,
    /// Of every input, then of every output.
    pub inner: SmallVec<[Inner; 4]>,
}

impl Variant {
    /// Accesses that each thread has in flight before it computes.
    pub fn unroll(&self) -> usize {
        if self.width == 1 { 4 } else { 2 }
    }

    /// Items (of `width` elements) that a block handles.
    pub fn items_per_block(&self) -> usize {
        THREADS * self.unroll()
    }
}

/// The source of one variant. Its only argument is a struct of eight-byte members, filled by `launch`:
/// addresses, parameters, sizes, magic numbers of the sizes, strides per operand, items, left-over elements.
pub(crate) fn generate(spec: &ElementwiseSpec, variant: &Variant) -> String {
    let mut code = String::from(PRELUDE);
    let text = Text { spec, variant, operands: spec.inputs.len() + spec.outputs.len() };
    // Writing to a String cannot fail.
    text.types(&mut code)
        .and_then(|()| text.expressions(&mut code))
        .and_then(|()| text.kernel(&mut code))
        .unwrap();
    code
}

/// The kernel's symbol. The prefix keeps operations named after C functions, such as `exp`, apart from them.
pub(super) fn entry(spec: &ElementwiseSpec) -> String {
    format!("elementwise_{}", spec.name)
}

/// Writes the parts. Names of its own end in an underscore, which those of inputs and parameters may not.
struct Text<'a> {
    spec: &'a ElementwiseSpec,
    variant: &'a Variant,
    operands: usize,
}

impl Text<'_> {
    fn dtype(&self, operand: usize) -> DType {
        let inputs = self.spec.inputs.len();
        if operand < inputs { self.spec.inputs[operand].1 } else { self.spec.outputs[operand - inputs].1 }
    }

    fn types(&self, out: &mut String) -> std::fmt::Result {
        let Variant { dims, width, wide, .. } = self.variant;
        let scalar = if self.spec.compute.is_float() { "double" } else { "long long" };
        writeln!(out, "\nnamespace rt {{\ntypedef {} T;", self.spec.compute.device_name())?;
        writeln!(out, "typedef {} I;", if *wide { "long long" } else { "int" })?;
        writeln!(out, "constexpr int DIMS = {dims}, WIDTH = {width}, UNROLL = {};", self.variant.unroll())?;
        writeln!(out, "struct Args {{\n    void* address[{}];", self.operands)?;
        if !self.spec.params.is_empty() {
            writeln!(out, "    {scalar} param[{}];", self.spec.params.len())?;
        }
        writeln!(out, "    long long size[DIMS];\n    unsigned long long magic[DIMS];")?;
        writeln!(out, "    long long stride[{}][DIMS];\n    long long items, left;\n}};\n", self.operands)
    }

    /// One function per output, with the expression on a line of its own for the compiler's messages.
    fn expressions(&self, out: &mut String) -> std::fmt::Result {
        let names = self.spec.inputs.iter().map(|(name, _)| name).chain(&self.spec.params);
        let parameters: Vec<_> = names.map(|name| format!("const T {name}")).collect();
        for (at, (expression, _)) in self.spec.outputs.iter().enumerate() {
            writeln!(out, "__device__ __forceinline__ auto output{at}_({}) {{", parameters.join(", "))?;
            writeln!(out, "    return {expression};\n}}")?;
        }
        out.push('\n');
        Ok(())
    }

    fn kernel(&self, out: &mut String) -> std::fmt::Result {
        let name = entry(self.spec);
        self.places(out)?;
        writeln!(
            out,
            "extern \"C\" __global__ void __launch_bounds__({THREADS}) {name}(const __grid_constant__ Args args_) {{"
        )?;
        for (at, param) in self.spec.params.iter().enumerate() {
            writeln!(out, "    const T {param} = (T)args_.param[{at}];")?;
        }
        writeln!(
            out,
            "    const I first_ = (I)blockIdx.x * {} + threadIdx.x;",
            self.variant.items_per_block()
        )?;
        for (at, _) in self.spec.inputs.iter().enumerate() {
            writeln!(out, "    {} in{at}_[UNROLL];", self.pack(at))?;
        }
        writeln!(out, "    I place_[UNROLL][{}];", self.operands)?;
        writeln!(out, "    #pragma unroll\n    for (int u_ = 0; u_ < UNROLL; ++u_) {{")?;
        writeln!(
            out,
            "        const I item_ = first_ + u_ * {THREADS};\n        if (item_ >= (I)args_.items) break;"
        )?;
        writeln!(out, "        places_(args_, item_, place_[u_]);")?;
        for at in 0..self.spec.inputs.len() {
            self.load(out, at)?;
        }
        writeln!(out, "    }}\n    #pragma unroll\n    for (int u_ = 0; u_ < UNROLL; ++u_) {{")?;
        writeln!(out, "        if (first_ + u_ * {THREADS} >= (I)args_.items) break;")?;
        self.compute(out)?;
        writeln!(out, "    }}")?;
        if self.variant.width > 1 && self.variant.dims == 1 {
            self.left_over(out)?;
        }
        writeln!(out, "}}\n}}  // namespace rt")
    }

    /// Where each operand's part of an item begins, in elements.
    fn places(&self, out: &mut String) -> std::fmt::Result {
        let operands = self.operands;
        writeln!(
            out,
            "__device__ __forceinline__ void places_(const Args& args_, I item, I (&place)[{operands}]) {{"
        )?;
        writeln!(out, "    #pragma unroll\n    for (int k = 0; k < {operands}; ++k) place[k] = 0;")?;
        writeln!(out, "    #pragma unroll\n    for (int d = DIMS - 1; d > 0; --d) {{")?;
        let quotient =
            if self.variant.wide { "item / (I)args_.size[d]" } else { "divide(item, args_.magic[d])" };
        writeln!(out, "        const I outer = {quotient}, here = item - outer * (I)args_.size[d];")?;
        writeln!(out, "        #pragma unroll")?;
        writeln!(
            out,
            "        for (int k = 0; k < {operands}; ++k) place[k] += here * (I)args_.stride[k][d];"
        )?;
        writeln!(out, "        item = outer;\n    }}\n    #pragma unroll")?;
        writeln!(
            out,
            "    for (int k = 0; k < {operands}; ++k) place[k] += item * (I)args_.stride[k][0];\n}}\n"
        )
    }

    /// The register form of one item of an operand.
    fn pack(&self, operand: usize) -> String {
        let width = if self.variant.inner[operand] == Inner::Run { self.variant.width } else { 1 };
        format!("Pack<{}, {width}>", self.dtype(operand).device_name())
    }

    fn load(&self, out: &mut String, at: usize) -> std::fmt::Result {
        let (pack, stored) = (self.pack(at), self.dtype(at).device_name());
        writeln!(
            out,
            "        in{at}_[u_] = *reinterpret_cast<const {pack}*>(reinterpret_cast<const {stored}*>(args_.address[{at}]) + place_[u_][{at}]);"
        )
    }

    fn compute(&self, out: &mut String) -> std::fmt::Result {
        let inputs = self.spec.inputs.len();
        for at in 0..self.spec.outputs.len() {
            writeln!(out, "        {} out{at}_;", self.pack(inputs + at))?;
        }
        writeln!(out, "        #pragma unroll\n        for (int w_ = 0; w_ < WIDTH; ++w_) {{")?;
        for (at, (name, dtype)) in self.spec.inputs.iter().enumerate() {
            let lane = if self.variant.inner[at] == Inner::Run { "w_" } else { "0" };
            writeln!(
                out,
                "            const T {name} = Load<T, {}>::from(in{at}_[u_].v[{lane}]);",
                dtype.device_name()
            )?;
        }
        for at in 0..self.spec.outputs.len() {
            let lane = if self.variant.inner[inputs + at] == Inner::Run { "w_" } else { "0" };
            writeln!(out, "            {}", self.result(at, &format!("out{at}_.v[{lane}]")))?;
        }
        writeln!(out, "        }}")?;
        for at in 0..self.spec.outputs.len() {
            let (operand, pack) = (inputs + at, self.pack(inputs + at));
            let stored = self.dtype(operand).device_name();
            writeln!(
                out,
                "        *reinterpret_cast<{pack}*>(reinterpret_cast<{stored}*>(args_.address[{operand}]) + place_[u_][{operand}]) = out{at}_;"
            )?;
        }
        Ok(())
    }

    /// The elements after the last whole item, one for each of the first threads.
    fn left_over(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "    if (blockIdx.x == 0 && threadIdx.x < (unsigned)args_.left) {{")?;
        writeln!(out, "        const I e_ = (I)args_.items * WIDTH + threadIdx.x;")?;
        for (at, (name, dtype)) in self.spec.inputs.iter().enumerate() {
            let stored = dtype.device_name();
            let place = if self.variant.inner[at] == Inner::Repeat { "0" } else { "e_" };
            writeln!(
                out,
                "        const T {name} = Load<T, {stored}>::from(reinterpret_cast<const {stored}*>(args_.address[{at}])[{place}]);"
            )?;
        }
        for at in 0..self.spec.outputs.len() {
            let operand = self.spec.inputs.len() + at;
            let stored = self.dtype(operand).device_name();
            let target = format!("reinterpret_cast<{stored}*>(args_.address[{operand}])[e_]");
            writeln!(out, "        {}", self.result(at, &target))?;
        }
        writeln!(out, "    }}")
    }

    fn result(&self, at: usize, target: &str) -> String {
        let arguments: Vec<_> = self
            .spec
            .inputs
            .iter()
            .map(|(name, _)| name.as_str())
            .chain(self.spec.params.iter().map(String::as_str))
            .collect();
        let (_, dtype) = self.spec.outputs[at];
        let call = format!("output{at}_({})", arguments.join(", "));
        format!(
            "{{ const auto r_ = {call}; {target} = Store<{}, decltype(r_ + 0)>::from(r_); }}",
            dtype.device_name()
        )
    }
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;

    fn variants(operands: usize) -> Vec<Variant> {
        let all = |inner| SmallVec::from_elem(inner, operands);
        let mut mixed: SmallVec<[Inner; 4]> = all(Inner::Run);
        mixed[0] = Inner::Repeat;
        vec![
            Variant { dims: 1, width: 4, wide: false, inner: all(Inner::Run) },
            Variant { dims: 1, width: 2, wide: true, inner: mixed.clone() },
            Variant { dims: 2, width: 4, wide: false, inner: mixed },
            Variant { dims: 8, width: 1, wide: false, inner: all(Inner::Strided) },
            Variant { dims: 3, width: 1, wide: true, inner: all(Inner::Strided) },
        ]
    }

    #[test]
    fn every_variant_compiles() {
        let spec = ElementwiseSpec {
            name: "mixed".into(),
            inputs: vec![("c".into(), DType::Bool), ("x".into(), DType::F32), ("i".into(), DType::U8)],
            params: vec!["alpha".into()],
            compute: DType::F32,
            outputs: vec![
                ("select(ne(c, T(0.0)), alpha * x, -x) + i".into(), DType::F16),
                ("lt(x, T(0.5))".into(), DType::Bool),
            ],
        };
        for variant in variants(5) {
            crate::testing::compiles("mixed", &generate(&spec, &variant));
        }
    }

    #[test]
    fn every_storage_type_compiles_with_every_arithmetic() {
        for compute in [DType::F32, DType::F64, DType::I32, DType::I64] {
            let spec = ElementwiseSpec {
                name: "all_types".into(),
                inputs: DType::ALL.iter().map(|dtype| (format!("x_{dtype}"), *dtype)).collect(),
                params: vec![],
                compute,
                outputs: DType::ALL.iter().map(|dtype| (format!("x_{dtype}"), *dtype)).collect(),
            };
            let variant = Variant {
                dims: 1,
                width: 2,
                wide: false,
                inner: smallvec![Inner::Run; 2 * DType::ALL.len()],
            };
            crate::testing::compiles("all_types", &generate(&spec, &variant));
        }
    }

    #[test]
    fn every_function_compiles_in_the_types_it_is_for() {
        let both = "abs(x) + neg(x) + square(x) + sign(x) + max(x, y) + min(x, y) + clamp(x, y, T(3)) + fmod(x, y)
            + remainder(x, y) + floor(x) + ceil(x) + trunc(x) + round(x) + pow(x, y) + select(lt(x, y), x, y)
            + select(le(x, y), x, y) + select(gt(x, y), x, y) + select(ge(x, y), x, y) + select(eq(x, y), x, y)
            + select(both(ne(x, y), either(differ(lt(x, y), le(x, y)), is_nan(x))), x, y)
            + floor_div(x, y) + conj(x) + sgn(x)";
        let bits =
            "bit_and(x, y) + bit_or(x, y) + bit_xor(x, y) + shift_left(x, y) + shift_right(x, y) + gcd(x, y)";
        let float = "recip(x) + fma(x, y, x) + mul_add(x, y, x) + copysign(x, y) + hypot(x, y) + fmax(x, y) + fmin(x, y)
            + exp(x) + exp2(x) + expm1(x) + log(x) + log1p(x) + log2(x) + log10(x) + sqrt(x) + rsqrt(x) + cbrt(x)
            + sin(x) + cos(x) + tan(x) + asin(x) + acos(x) + atan(x) + sinh(x) + cosh(x) + tanh(x) + asinh(x) + acosh(x)
            + atanh(x) + erf(x) + erfc(x) + erfinv(x) + lgamma(x) + tgamma(x) + atan2(y, x) + sigmoid(x)
            + select(is_inf(x), T(RT_INF), T(RT_NAN)) + select(is_finite(x), x, y) + digamma(x) + trigamma(x) + polygamma(T(2), x)
            + nextafter(x, y) + normal_cdf(x)";
        for (compute, expressions) in [
            (DType::F32, &[both, float][..]),
            (DType::F64, &[both, float]),
            (DType::I32, &[both, bits]),
            (DType::I64, &[both, bits]),
        ] {
            let spec = ElementwiseSpec {
                name: "functions".into(),
                inputs: vec![("x".into(), compute), ("y".into(), compute)],
                params: vec![],
                compute,
                outputs: expressions.iter().map(|&text| (text.into(), compute)).collect(),
            };
            let inner = smallvec![Inner::Run; 2 + expressions.len()];
            crate::testing::compiles(
                "functions",
                &generate(&spec, &Variant { dims: 1, width: 2, wide: false, inner }),
            );
        }
    }

    #[test]
    fn names_of_the_library_and_of_c_do_not_clash() {
        for variant in variants(4) {
            let spec = ElementwiseSpec {
                name: "exp".into(),
                inputs: ["a", "b", "g"].map(|name| (name.into(), DType::F32)).to_vec(),
                params: ["value", "first", "item", "args", "w", "e"].map(String::from).to_vec(),
                compute: DType::F32,
                outputs: vec![("exp(a) + b * g * value + first + item + args + w * e".into(), DType::F32)],
            };
            crate::testing::compiles("exp", &generate(&spec, &variant));
        }
    }
}
