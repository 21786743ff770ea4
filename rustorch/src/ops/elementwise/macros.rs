//! The macros behind the table.
//!
//! ```text
//! unary! {
//!     literal T;
//!
//!     /// Documentation of `Tensor::relu`.
//!     Ordered relu(x) = max(x, T(0.0)),
//!         dx(g, y) = select(gt(y, T(0.0)), g, T(0.0)),
//!         example [-1.0, 2.0] => [0.0, 2.0];
//! }
//! ```
//! `Ordered` is the [`Domain`](super::Domain). `dx(g, y)` is the gradient; its list names what the expression
//! mentions: `g` the gradient of the result, `x` (or `a`, `b`, `c`) the inputs, `y` the result. Operations without a
//! gradient leave it out; those whose gradient is zero everywhere write `dx() = T(0.0)`. `=> avx512 gelu` after an expression
//! names a loop of [`wide`](super::wide) that takes the place of the compiled one where the processor has the instructions.

/// The variable that a name in a gradient's list stands for.
macro_rules! variable {
    (g) => {
        $crate::ops::elementwise::Variable::Grad
    };
    (y) => {
        $crate::ops::elementwise::Variable::Output
    };
    (x) => {
        $crate::ops::elementwise::Variable::Input(0)
    };
    (a) => {
        $crate::ops::elementwise::Variable::Input(0)
    };
    (b) => {
        $crate::ops::elementwise::Variable::Input(1)
    };
    (c) => {
        $crate::ops::elementwise::Variable::Input(2)
    };
}

/// Implements `Eval` for an expression, for every lane type of its domain. `$T` is the name by which the expression
/// makes literals; it comes from the table because a macro cannot make a local name that its caller's tokens see.
macro_rules! evaluate {
    (truth $trait:ident, $op:ident, $T:ident, [$($x:ident),*], $params:tt, $value:expr) => {
        impl<Lane: $trait<Mask = bool>> Eval<Lane, { count(&[$(stringify!($x)),*]) }> for $op {
            type Out = bool;
            evaluate!(@body bool, $T, [$($x),*], $params, $value);
        }
    };
    (value $trait:ident, $op:ident, $T:ident, [$($x:ident),*], $params:tt, $value:expr) => {
        impl<Lane: $trait> Eval<Lane, { count(&[$(stringify!($x)),*]) }> for $op {
            type Out = Lane;
            evaluate!(@body Lane, $T, [$($x),*], $params, $value);
        }
    };
    (@body $out:ty, $T:ident, [$($x:ident),*], [$($p:ident),*], $value:expr) => {
        #[inline(always)]
        #[allow(unused_variables, non_snake_case)]
        fn eval([$($x),*]: [Lane; { count(&[$(stringify!($x)),*]) }], params: &Params) -> $out {
            let $T = |value: f64| Lane::literal(value);
            let [$($p,)* ..] = *params;
            $(let $p = Lane::literal($p);)*
            $value
        }
    };
}

/// How many inputs an expression has.
pub(crate) const fn count(names: &[&str]) -> usize {
    names.len()
}

/// The kernels of an expression in a domain.
macro_rules! kernels {
    (Arith, $op:ty, $n:expr) => {
        |dtype| {
            kernel::real::<$op, { $n }>(dtype)
                .or_else(|| kernel::integral::<$op, { $n }>(dtype))
                .or_else(|| kernel::complex::<$op, { $n }>(dtype))
        }
    };
    (Ordered, $op:ty, $n:expr) => {
        |dtype| kernel::real::<$op, { $n }>(dtype).or_else(|| kernel::integral::<$op, { $n }>(dtype))
    };
    (Analytic, $op:ty, $n:expr) => {
        |dtype| kernel::real::<$op, { $n }>(dtype).or_else(|| kernel::complex::<$op, { $n }>(dtype))
    };
    (Real2, $op:ty, $n:expr) => {
        kernel::real::<$op, { $n }>
    };
    (Bits, $op:ty, $n:expr) => {
        kernel::integral::<$op, { $n }>
    };
}

/// Maps a domain to the trait of its lanes, and to that of its gradients' lanes, which are never integers.
macro_rules! in_domain {
    (Arith, $kind:ident, $callback:ident!($($args:tt)*)) => { $callback!($kind Arith, Analytic, $($args)*); };
    (Power, $kind:ident, $callback:ident!($($args:tt)*)) => { $callback!($kind Arith, Analytic, $($args)*); };
    (Numeric, $kind:ident, $callback:ident!($($args:tt)*)) => { $callback!($kind Arith, Analytic, $($args)*); };
    (Quantity, $kind:ident, $callback:ident!($($args:tt)*)) => { $callback!($kind Ordered, Real2, $($args)*); };
    (Ordered, $kind:ident, $callback:ident!($($args:tt)*)) => { $callback!($kind Ordered, Real2, $($args)*); };
    (Division, $kind:ident, $callback:ident!($($args:tt)*)) => { $callback!($kind Ordered, Real2, $($args)*); };
    (Analytic, $kind:ident, $callback:ident!($($args:tt)*)) => { $callback!($kind Analytic, Analytic, $($args)*); };
    (Real, $kind:ident, $callback:ident!($($args:tt)*)) => { $callback!($kind Real2, Real2, $($args)*); };
    (Wide, $kind:ident, $callback:ident!($($args:tt)*)) => { $callback!($kind Real2, Real2, $($args)*); };
    (Integral, $kind:ident, $callback:ident!($($args:tt)*)) => { $callback!($kind Bits, Real2, $($args)*); };
}

/// A module with the entry `ENTRY` of an operation.
macro_rules! entry {
    ($T:ident, $kind:ident $domain:ident $name:ident($($x:ident),*; $($p:ident),*) = $value:expr $(=> avx512 $wide:ident)?,
        [$(($($v:ident),*) = $grad:expr $(=> avx512 $dwide:ident)?),*]) => {
        in_domain!($domain, $kind, entry!(@module $T, $domain, $name, [$($x),*], [$($p),*], $value => [$($wide)?],
            [$(($($v),*) = $grad => [$($dwide)?]),*]));
    };
    ($kind:ident $trait:ident, $dtrait:ident, @module $T:ident, $domain:ident, $name:ident, [$($x:ident),*], $params:tt,
        $value:expr => $wide:tt, [$(($($v:ident),*) = $grad:expr => $dwide:tt),*]) => {
        #[allow(non_snake_case, unused_imports)]
        pub(crate) mod $name {
            use $crate::ops::elementwise::{
                Domain, Elementwise, Gradient, Params, Source, Traced, kernel, kernel::Eval, lanes::*,
                macros::{count, entry, evaluate, kernels, variable},
            };

            struct Op;
            evaluate!($kind $trait, Op, $T, [$($x),*], $params, $value);

            pub(crate) static ENTRY: Elementwise = Elementwise {
                name: stringify!($name),
                domain: Domain::$domain,
                truth: entry!(@truth $kind),
                kernel: entry!(@kernel $wide kernels!($trait, Op, count(&[$(stringify!($x)),*]))),
                source: Source {
                    inputs: &[$(stringify!($x)),*],
                    params: entry!(@names $params),
                    expression: stringify!($value),
                },
                gradients: &[$({
                    struct Derivative;
                    evaluate!(value $dtrait, Derivative, $T, [$($v),*], $params, $grad);
                    const N: usize = count(&[$(stringify!($v)),*]);
                    fn trace<'a>(inputs: &[Traced<'a>], params: &Params) -> Traced<'a> {
                        let inputs: &[Traced<'a>; N] = inputs.first_chunk().expect("a value per variable");
                        Derivative::eval(*inputs, params)
                    }
                    Gradient {
                        uses: &[$(variable!($v)),*],
                        kernel: entry!(@kernel $dwide kernels!($dtrait, Derivative, N)),
                        source: Source {
                            inputs: &[$(stringify!($v)),*],
                            params: entry!(@names $params),
                            expression: stringify!($grad),
                        },
                        trace,
                    }
                }),*],
            };
        }
    };
    (@names [$($p:ident),*]) => { &[$(stringify!($p)),*] };
    (@kernel [] $kernels:expr) => { $kernels };
    (@kernel [$wide:ident] $kernels:expr) => {
        |dtype| {
            const LANES: fn($crate::DType) -> Option<kernel::Kernel> = $kernels;
            $crate::ops::elementwise::wide::$wide(dtype).or_else(|| LANES(dtype))
        }
    };
    (@truth truth) => { true };
    (@truth value) => { false };
}

/// The parameters of an operation as the kernels take them.
macro_rules! params {
    ($($p:ident),*) => {{
        #[allow(unused_mut)]
        let mut params = [0.0; $crate::ops::elementwise::MAX_PARAMS];
        let given: &[f64] = &[$($p),*];
        params[..given.len()].copy_from_slice(given);
        params
    }};
}

/// Operations on one tensor: table entry, method, in-place method and typed method.
macro_rules! unary {
    (literal $T:ident; $($(#[$doc:meta])* $domain:ident $name:ident / $inplace:ident ($x:ident $(; $($p:ident),+)?) = $value:expr
        $(=> avx512 $wide:ident)? $(, dx($($v:ident),*) = $grad:expr $(=> avx512 $dwide:ident)?)?, example $(($($arg:literal),*))? [$($input:expr),*] => [$($output:expr),*];)*) => {
        $(entry!($T, value $domain $name($x; $($($p),+)?) = $value $(=> avx512 $wide)?,
            [$(($($v),*) = $grad $(=> avx512 $dwide)?)?]);)*

        impl $crate::Tensor {
            $(
                $(#[$doc])*
                ///
                /// # Panics
                #[doc = concat!("If the dtype is not ", unary!(@expected $domain), ".")]
                ///
                /// ```
                /// # use rustorch::Tensor;
                #[doc = concat!("let x = Tensor::from([", stringify!($($input),*), "f32]);")]
                #[doc = concat!("let y = x.", stringify!($name), "(", stringify!($($($arg),*)?), ").to_vec::<f32>()?;")]
                #[doc = concat!("let expected = [", stringify!($($output),*), "f32];")]
                /// assert!(y.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs()), "{y:?}");
                /// # Ok::<(), rustorch::Error>(())
                /// ```
                #[track_caller]
                #[inline]
                pub fn $name(&self $($(, $p: f64)+)?) -> $crate::Tensor {
                    $crate::error::expect($crate::ops::elementwise::apply(
                        &$name::ENTRY,
                        &[$crate::ops::elementwise::Operand::Tensor(self)],
                        params!($($($p),+)?),
                    ))
                }

                #[doc = concat!("[`Tensor::", stringify!($name), "`](crate::Tensor::", stringify!($name), ") in place.")]
                ///
                /// # Errors
                /// For other dtypes, for tensors that cannot hold the result, and for leaves that require gradients.
                #[inline]
                pub fn $inplace(&self $($(, $p: f64)+)?) -> $crate::Result<$crate::Tensor> {
                    $crate::ops::elementwise::apply_inplace(&$name::ENTRY, self, &[], params!($($($p),+)?))
                }
            )*
        }

        impl<S: $crate::Shape> $crate::TypedTensor<S> {
            $(
                #[doc = concat!("[`Tensor::", stringify!($name), "`](crate::Tensor::", stringify!($name), "), with the shape kept.")]
                ///
                /// # Panics
                #[doc = concat!("If the dtype is not ", unary!(@expected $domain), ".")]
                #[track_caller]
                #[inline]
                pub fn $name(&self $($(, $p: f64)+)?) -> Self {
                    Self::trusted(self.as_tensor().$name($($($p),+)?))
                }
            )*
        }
    };
    (@expected Arith) => { "one that exists" };
    (@expected Power) => { "one that exists" };
    (@expected Quantity) => { "an integer or a float" };
    (@expected Numeric) => { "other than bool" };
    (@expected Ordered) => { "real" };
    (@expected Analytic) => { "numeric or bool" };
    (@expected Real) => { "real" };
    (@expected Integral) => { "integer or bool" };
}

/// Operations on a tensor and a tensor or number: table entry, method, in-place method and typed method.
macro_rules! binary {
    (literal $T:ident; $($(#[$doc:meta])* $domain:ident $name:ident / $inplace:ident ($a:ident, $b:ident) = $value:expr
        $(, da($($v:ident),*) = $da:expr, db($($w:ident),*) = $db:expr)?,
        example $input:tt, $other:expr => $output:tt;)*) => {
        $(entry!($T, value $domain $name($a, $b;) = $value, [$(($($v),*) = $da, ($($w),*) = $db)?]);)*

        impl $crate::Tensor {
            $(
                $(#[$doc])*
                ///
                /// The operands broadcast and promote to a common dtype.
                ///
                /// # Errors
                /// For shapes that do not broadcast, tensors on different devices, and unsupported dtypes.
                ///
                /// ```
                /// # use rustorch::Tensor;
                #[doc = concat!("let x = Tensor::from(", stringify!($input), ");")]
                #[doc = concat!("let y = x.", stringify!($name), "(", stringify!($other), ")?;")]
                #[doc = concat!("assert!(y.allclose(&Tensor::from(", stringify!($output), "), 1e-5, 1e-8)?);")]
                /// # Ok::<(), rustorch::Error>(())
                /// ```
                #[inline]
                pub fn $name<'a>(
                    &self,
                    other: impl Into<$crate::Operand<'a>>,
                ) -> $crate::Result<$crate::Tensor> {
                    let other = other.into();
                    $crate::ops::elementwise::check_operands(&$name::ENTRY, self, &other)?;
                    let inputs = [$crate::Operand::Tensor(self), other];
                    $crate::ops::elementwise::apply(&$name::ENTRY, &inputs, params!())
                }

                #[doc = concat!("[`Tensor::", stringify!($name), "`](crate::Tensor::", stringify!($name), ") in place.")]
                ///
                /// # Errors
                /// As there; also if the result does not fit the tensor, and for leaves that require gradients.
                #[inline]
                pub fn $inplace<'a>(
                    &self,
                    other: impl Into<$crate::Operand<'a>>,
                ) -> $crate::Result<$crate::Tensor> {
                    let other = other.into();
                    $crate::ops::elementwise::check_operands(&$name::ENTRY, self, &other)?;
                    $crate::ops::elementwise::apply_inplace(&$name::ENTRY, self, &[other], params!())
                }
            )*
        }

        typed_binary! { $($name)* }
    };
}

/// The typed methods of operations on a tensor and a tensor or number.
macro_rules! typed_binary {
    ($($name:ident)*) => {
        impl<S: $crate::Shape> $crate::TypedTensor<S> {
            $(
                #[doc = concat!("[`Tensor::", stringify!($name), "`](crate::Tensor::", stringify!($name), ") with a number or a typed tensor,")]
                /// whose shapes broadcast. With a plain `Tensor` the result is one, in a `Result`.
                ///
                /// # Panics
                /// If the dtype has no such operation, the devices differ, or a run-time dim has two sizes.
                #[track_caller]
                #[inline]
                pub fn $name<O: $crate::typed::ElementwiseOperand<S>>(&self, other: O) -> O::Output {
                    other.apply(self, |left, right| $crate::Tensor::$name(left, right))
                }
            )*
        }
    };
}

/// Comparisons: table entry, method, whose result is a bool tensor, and in-place method, which writes 0 and 1.
macro_rules! comparison {
    (literal $T:ident; $($(#[$doc:meta])* $domain:ident $name:ident / $inplace:ident ($a:ident, $b:ident) = $value:expr, example $input:tt, $other:expr => $output:tt;)*) => {
        $(entry!($T, truth $domain $name($a, $b;) = $value, []);)*

        impl $crate::Tensor {
            $(
                $(#[$doc])*
                ///
                /// The operands broadcast; the result has dtype `Bool`.
                ///
                /// # Errors
                /// For shapes that do not broadcast, tensors on different devices, and unsupported dtypes.
                ///
                /// ```
                /// # use rustorch::Tensor;
                #[doc = concat!("let x = Tensor::from(", stringify!($input), ");")]
                #[doc = concat!("let y = x.", stringify!($name), "(", stringify!($other), ")?;")]
                #[doc = concat!("assert_eq!(y.to_vec::<bool>()?, ", stringify!($output), ");")]
                /// # Ok::<(), rustorch::Error>(())
                /// ```
                #[inline]
                pub fn $name<'a>(
                    &self,
                    other: impl Into<$crate::Operand<'a>>,
                ) -> $crate::Result<$crate::Tensor> {
                    let inputs = [$crate::Operand::Tensor(self), other.into()];
                    $crate::ops::elementwise::apply(&$name::ENTRY, &inputs, params!())
                }

                #[doc = concat!("[`Tensor::", stringify!($name), "`](crate::Tensor::", stringify!($name), ") in place: 1 where it holds, otherwise 0,")]
                /// in the tensor's dtype, with a gradient of zero.
                ///
                /// # Errors
                /// As there; also if the result has another shape, and for leaves that require gradients.
                #[inline]
                pub fn $inplace<'a>(
                    &self,
                    other: impl Into<$crate::Operand<'a>>,
                ) -> $crate::Result<$crate::Tensor> {
                    $crate::ops::elementwise::apply_inplace(&$name::ENTRY, self, &[other.into()], params!())
                }
            )*
        }

        typed_binary! { $($name)* }
    };
}

/// Questions about each element: table entry and method; the result is a bool tensor. One that names an in-place method has
/// that as well.
macro_rules! predicate {
    (literal $T:ident; $($(#[$doc:meta])* $domain:ident $name:ident $(/ $inplace:ident)? ($x:ident) = $value:expr, example $input:tt => $output:tt;)*) => {
        $(entry!($T, truth $domain $name($x;) = $value, []);)*

        impl $crate::Tensor {
            $(
                $(#[$doc])*
                ///
                /// ```
                /// # use rustorch::Tensor;
                #[doc = concat!("let x = Tensor::from(", stringify!($input), ");")]
                #[doc = concat!("assert_eq!(x.", stringify!($name), "().to_vec::<bool>()?, ", stringify!($output), ");")]
                /// # Ok::<(), rustorch::Error>(())
                /// ```
                #[track_caller]
                #[inline]
                pub fn $name(&self) -> $crate::Tensor {
                    $crate::error::expect($crate::ops::elementwise::apply(
                        &$name::ENTRY,
                        &[$crate::ops::elementwise::Operand::Tensor(self)],
                        params!(),
                    ))
                }

                $(
                    #[doc = concat!("[`Tensor::", stringify!($name), "`](crate::Tensor::", stringify!($name), ") in place: 1 where it holds, otherwise 0,")]
                    /// in the tensor's dtype, with a gradient of zero.
                    ///
                    /// # Errors
                    /// For leaves that require gradients.
                    #[inline]
                    pub fn $inplace(&self) -> $crate::Result<$crate::Tensor> {
                        $crate::ops::elementwise::apply_inplace(&$name::ENTRY, self, &[], params!())
                    }
                )?
            )*
        }

        impl<S: $crate::Shape> $crate::TypedTensor<S> {
            $(
                #[doc = concat!("[`Tensor::", stringify!($name), "`](crate::Tensor::", stringify!($name), "), with the shape kept.")]
                #[track_caller]
                #[inline]
                pub fn $name(&self) -> Self {
                    Self::trusted(self.as_tensor().$name())
                }
            )*
        }
    };
}

pub(crate) use {
    binary, comparison, entry, evaluate, in_domain, kernels, params, predicate, typed_binary, unary, variable,
};
