//! The CPU kernel layer: loops over raw slices and pointers, with sizes and strides, that know no `Tensor`.
//!
//! Everything here is called by the eager ops and by the code that `model!` generates; it is no public interface,
//! and checks its arguments with `debug_assert!` only: shapes have been checked before a kernel is called. Results do not depend on
//! the number of threads: work is cut by sizes alone, and partial sums are combined in a fixed order.

/// Functions over `f32` and `f64` that are compiled here, for both, and not once more by every crate that calls them: the function itself calls
/// a method of a trait that the two types implement, which calls the generic function after `=`.
macro_rules! entry_points {
    (trait $Entry:ident<$T:ident> {
        $($(#[$doc:meta])* pub unsafe fn $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)? = $run:ident;)*
    }) => {
        entry_points!(@all [unsafe] $Entry $T $([$(#[$doc])* $name ($($arg: $ty),*) ($($ret)?) $run])*);
    };
    (trait $Entry:ident<$T:ident> {
        $($(#[$doc:meta])* pub fn $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)? = $run:ident;)*
    }) => {
        entry_points!(@all [] $Entry $T $([$(#[$doc])* $name ($($arg: $ty),*) ($($ret)?) $run])*);
    };
    (@all $unsafe:tt $Entry:ident $T:ident
        $([$(#[$doc:meta])* $name:ident ($($arg:ident: $ty:ty),*) ($($ret:ty)?) $run:ident])*) => {
        $(entry_points!(@function $unsafe $Entry $T $(#[$doc])* $name ($($arg: $ty),*) ($($ret)?));)*

        /// The functions of this module for one type.
        pub trait $Entry<$T> {
            $(entry_points!(@method $unsafe $name ($($arg: $ty),*) ($($ret)?));)*
        }

        entry_points!(@type f32 $unsafe $Entry $T $([$name ($($arg: $ty),*) ($($ret)?) $run])*);
        entry_points!(@type f64 $unsafe $Entry $T $([$name ($($arg: $ty),*) ($($ret)?) $run])*);
    };
    (@function [$($unsafe:tt)?] $Entry:ident $T:ident $(#[$doc:meta])* $name:ident
        ($($arg:ident: $ty:ty),*) ($($ret:ty)?)) => {
        $(#[$doc])*
        #[inline]
        pub $($unsafe)? fn $name<$T: $crate::Float>($($arg: $ty),*) $(-> $ret)? {
            // SAFETY: the caller's promise, if there is one.
            #[allow(unused_unsafe)]
            unsafe { <$T as $Entry<$T>>::$name($($arg),*) }
        }
    };
    (@method [$($unsafe:tt)?] $name:ident ($($arg:ident: $ty:ty),*) ($($ret:ty)?)) => {
        /// The function of the same name.
        ///
        /// # Safety
        /// As there.
        $($unsafe)? fn $name($($arg: $ty),*) $(-> $ret)?;
    };
    (@type $t:ident $unsafe:tt $Entry:ident $T:ident
        $([$name:ident ($($arg:ident: $ty:ty),*) ($($ret:ty)?) $run:ident])*) => {
        const _: () = {
            type $T = $t;
            impl $Entry<$t> for $t {
                $(entry_points!(@body $unsafe $name ($($arg: $ty),*) ($($ret)?) $run $t);)*
            }
        };
    };
    (@body [$($unsafe:tt)?] $name:ident ($($arg:ident: $ty:ty),*) ($($ret:ty)?) $run:ident $t:ident) => {
        $($unsafe)? fn $name($($arg: $ty),*) $(-> $ret)? {
            // SAFETY: the caller's promise, if there is one.
            #[allow(unused_unsafe)]
            unsafe { $run::<$t>($($arg),*) }
        }
    };
}

pub mod accumulate;
pub mod arrange;
pub mod attention;
pub mod batch_norm;
pub mod conv;
pub mod cross_entropy;
mod float;
mod float16;
pub mod gemm;
pub mod group_norm;
mod isa;
pub mod layer_norm;
pub mod lines;
pub mod math;
pub mod optim;
pub mod parallel;
mod pool;
pub mod pooling;
pub mod random;
pub mod recurrent;
pub mod reduce;
pub mod resample;
pub mod rows;
pub mod scratch;
pub mod softmax;
pub mod sort;
pub mod stream;
pub mod strided;
pub mod transpose;
pub mod vector;
#[cfg(target_arch = "x86_64")]
pub mod wide;

pub use float::Float;
pub use float16::{bf16, f16};
pub use isa::{Isa, Kernel, isa, keep_small, run_widest};
pub use vector::Vectored;

/// A list of sizes, strides or axes; inline up to six entries.
pub type Dims = smallvec::SmallVec<[usize; 6]>;
