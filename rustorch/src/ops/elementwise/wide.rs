//! The loops of [`crate::kernels::wide`] as kernels of entries.

use super::Kernel;
use crate::DType;

macro_rules! wide {
    ($($name:ident($($x:literal),*);)*) => {$(
        /// The kernel, where dtype and processor have one.
        pub(super) fn $name(dtype: DType) -> Option<Kernel> {
            #[cfg(target_arch = "x86_64")]
            {
                use super::kernel::Args;
                use crate::kernels::{Isa, isa, wide};
                unsafe fn run(args: &Args) {
                    // SAFETY: chosen for processors that have the instructions; pointers and length as the caller promises.
                    unsafe { wide::$name($(args.inputs[$x].cast(),)* args.output.cast(), args.len) }
                }
                (dtype == DType::F32 && isa() == Isa::Avx512).then_some(run as Kernel)
            }
            #[cfg(not(target_arch = "x86_64"))]
            {
                let _ = dtype;
                None
            }
        }
    )*};
}

wide! {
    exp(0);
    gelu(0);
    gelu_backward(0, 1);
    gelu_tanh(0);
    gelu_tanh_backward(0, 1);
    silu(0);
    silu_backward(0, 1);
    sigmoid(0);
    tanh(0);
}
