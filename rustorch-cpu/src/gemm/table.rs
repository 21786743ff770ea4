//! The kernels of each instruction set and element type, as tables of functions, so that the code that blocks and splits a
//! product is compiled once per element type.

use super::epilogue::{self, EpilogueFn};
use super::micro::{Block, BlockFn, DOT_COLS, End, Single, direct, dot, gather, merge, merge_lanes, tile};
use super::pack::{PackFn, Panel, pack};
use crate::Isa;
use crate::vector::{F32x4, F64x2};

/// Kernels by rows - 1, then by vectors (for dot kernels columns) - 1.
type Table<T> = &'static [&'static [BlockFn<T>]];

/// The kernels of one instruction set for one element type.
pub(crate) struct Kernels<T: 'static> {
    pub lanes: usize,
    /// Rows of the highest tile to use.
    pub tile_rows: usize,
    /// Vectors across the widest tile.
    pub tile_vectors: usize,
    pub direct_rows: usize,
    pub direct_vectors: usize,
    pub gather_rows: usize,
    pub tile: Table<T>,
    pub direct: Table<T>,
    /// Of as many rows as there are registers for their addresses.
    pub gather: Table<T>,
    /// Of up to `direct_rows` rows and [`DOT_COLS`](super::micro::DOT_COLS) columns.
    pub dot: Table<T>,
    pub pack: PackFn<T>,
    pub epilogue: EpilogueFn<T>,
}

/// An element type with kernels of its own.
pub(crate) trait Real: Copy + Default + PartialEq + Send + Sync + 'static {
    const ONE: Self;
    fn mul_add(a: Self, b: Self, c: Self) -> Self;
    fn kernels(isa: Isa) -> &'static Kernels<Self>;
}

/// `function` for every number of rows and columns given, as nested arrays.
macro_rules! by_rows {
    ($function:ident, [$($rows:literal)*], $columns:tt) => {
        &[$(by_rows!(@ $function, $rows, $columns)),*]
    };
    (@ $function:ident, $rows:literal, [$($columns:literal)*]) => {
        &[$($function::<$rows, $columns>),*]
    };
}

/// The kernels of one instruction set and element type. Only what the driver can ask for is compiled: these functions are a large
/// part of the library's compile time.
macro_rules! kernels {
    ($name:ident, $elem:ty, $vector:ty, $(#[$feature:meta])?, lanes $lanes:literal, tile $tile:tt, direct $direct:tt $direct_vectors:tt, gather $gather:tt, pack $pack:path, epilogue $epilogue:path, fma $fma:expr) => {
        pub(super) mod $name {
            use super::*;
            #[allow(unused_imports)]
            use std::arch::*;

            pub(in crate::gemm) struct Ends;

            impl End<$vector> for Ends {
                #[inline(always)]
                unsafe fn merge(block: &Block<$elem>, sums: &[[$vector; 4]], vectors: usize) {
                    $(#[$feature])?
                    #[inline(never)]
                    unsafe fn function(block: &Block<$elem>, sums: &[[$vector; 4]], vectors: usize) {
                        // SAFETY: the caller's promise; the table is used on machines with the features only.
                        unsafe { merge(block, sums, vectors) }
                    }
                    // SAFETY: as above.
                    unsafe { function(block, sums, vectors) }
                }

                #[inline(always)]
                unsafe fn merge_lanes(block: &Block<$elem>, sums: &[[$vector; DOT_COLS]], columns: usize) {
                    $(#[$feature])?
                    #[inline(never)]
                    unsafe fn function(block: &Block<$elem>, sums: &[[$vector; DOT_COLS]], columns: usize) {
                        // SAFETY: as above.
                        unsafe { merge_lanes(block, sums, columns) }
                    }
                    // SAFETY: as above.
                    unsafe { function(block, sums, columns) }
                }
            }

            $(#[$feature])?
            pub(super) unsafe fn tile_kernel<const MR: usize, const NV: usize>(block: &Block<$elem>) {
                // SAFETY: the caller's promise; the table is used on machines with the features only.
                unsafe { tile::<$vector, Ends, Single, MR, NV>(block) }
            }
            $(#[$feature])?
            pub(super) unsafe fn direct_kernel<const MR: usize, const NV: usize>(block: &Block<$elem>) {
                // SAFETY: as above.
                unsafe { direct::<$vector, Ends, MR, NV>(block) }
            }
            $(#[$feature])?
            pub(super) unsafe fn gather_kernel<const MR: usize, const NV: usize>(block: &Block<$elem>) {
                // SAFETY: as above.
                unsafe { gather::<$vector, Ends, MR, NV>(block) }
            }
            $(#[$feature])?
            pub(super) unsafe fn dot_kernel<const MR: usize, const NC: usize>(block: &Block<$elem>) {
                // SAFETY: as above.
                unsafe { dot::<$vector, Ends, MR, NC>(block) }
            }
            $(#[$feature])?
            #[allow(dead_code)]
            pub(super) unsafe fn pack_kernel(panel: &Panel<$elem>) {
                // SAFETY: as above.
                unsafe { pack::<$vector>(panel) }
            }
            $(#[$feature])?
            #[allow(dead_code)]
            pub(super) unsafe fn epilogue_kernel(tile: &epilogue::Region<$elem>) {
                // SAFETY: as above.
                unsafe { epilogue::apply::<$elem, { $fma }>(tile) }
            }

            const TILE: Table<$elem> = by_rows!(tile_kernel, $tile, [1 2]);
            const DIRECT: Table<$elem> = by_rows!(direct_kernel, $direct, $direct_vectors);
            const GATHER: Table<$elem> = by_rows!(gather_kernel, $gather, [1 2]);

            pub(crate) static KERNELS: Kernels<$elem> = Kernels {
                lanes: $lanes,
                tile_rows: TILE.len(),
                tile_vectors: TILE[0].len(),
                direct_rows: DIRECT.len(),
                direct_vectors: DIRECT[0].len(),
                gather_rows: GATHER.len(),
                tile: TILE,
                direct: DIRECT,
                gather: GATHER,
                dot: by_rows!(dot_kernel, $direct, [1 2 3 4]),
                pack: $pack,
                epilogue: $epilogue,
            };
        }
    };
}

// Processors of this architecture without AVX2 are rare, and get by with fewer kernels.
#[cfg(target_arch = "x86_64")]
mod portable {
    use super::*;
    kernels!(portable_f32, f32, F32x4, , lanes 4, tile [1 2 3 4], direct [1 2] [1 2], gather [1 2 3 4], pack pack_kernel, epilogue epilogue_kernel, fma false);
    kernels!(portable_f64, f64, F64x2, , lanes 2, tile [1 2 3 4], direct [1 2] [1 2], gather [1 2 3 4], pack pack_kernel, epilogue epilogue_kernel, fma false);
}

#[cfg(not(target_arch = "x86_64"))]
mod portable {
    use super::*;
    kernels!(portable_f32, f32, F32x4, , lanes 4, tile [1 2 3 4 5 6], direct [1 2 3 4] [1 2], gather [1 2 3 4 5 6], pack pack_kernel, epilogue epilogue_kernel, fma cfg!(target_arch = "aarch64"));
    kernels!(portable_f64, f64, F64x2, , lanes 2, tile [1 2 3 4 5 6], direct [1 2 3 4] [1 2], gather [1 2 3 4 5 6], pack pack_kernel, epilogue epilogue_kernel, fma cfg!(target_arch = "aarch64"));
}

use portable::{portable_f32, portable_f64};
#[cfg(target_arch = "x86_64")]
pub(super) use x86::bf16_pairs;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;
    use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};
    kernels!(avx2_f32, f32, __m256, #[target_feature(enable = "avx2,fma")], lanes 8, tile [1 2 3 4 5 6], direct [1 2 3 4] [1 2], gather [1 2 3 4 5 6], pack pack_kernel, epilogue epilogue_kernel, fma true);
    kernels!(avx2_f64, f64, __m256d, #[target_feature(enable = "avx2,fma")], lanes 4, tile [1 2 3 4 5 6], direct [1 2 3 4] [1 2], gather [1 2 3 4 5 6], pack pack_kernel, epilogue epilogue_kernel, fma true);
    kernels!(avx512_f32, f32, __m512, #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")], lanes 16, tile [1 2 3 4 5 6 7 8 9 10 11 12 13 14], direct [1 2 3 4 5 6] [1 2 3 4], gather [1 2 3 4 5 6 7 8 9 10], pack super::super::super::pack::pack_f32_avx512, epilogue super::super::super::epilogue::apply_f32_avx512, fma true);
    kernels!(avx512_f64, f64, __m512d, #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")], lanes 8, tile [1 2 3 4 5 6 7 8 9 10 11 12 13 14], direct [1 2 3 4] [1 2], gather [1 2 3 4 5 6 7 8 9 10], pack pack_kernel, epilogue epilogue_kernel, fma true);

    /// Tiles of pairs of bf16. Of a few heights only, since the rows of C beyond the present ones are a buffer's.
    pub(in crate::gemm) mod bf16_pairs {
        use super::super::super::micro::Bf16Pairs;
        use super::*;

        #[target_feature(enable = "avx512bf16,avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        unsafe fn tile_kernel<const MR: usize, const NV: usize>(block: &Block<f32>) {
            // SAFETY: the caller's promise; the table is used on machines with the features only.
            unsafe { tile::<__m512, super::avx512_f32::Ends, Bf16Pairs, MR, NV>(block) }
        }

        /// The heights, ascending up to that of the f32 tiles.
        pub(in crate::gemm) const HEIGHTS: [usize; 5] = [1, 2, 4, 8, 14];
        pub(in crate::gemm) const TILE: Table<f32> = by_rows!(tile_kernel, [1 2 4 8 14], [1 2]);

        /// Whether the processor has the instructions and `isa` allows them.
        pub(in crate::gemm) fn available(isa: Isa) -> bool {
            isa.or_supported() == Isa::Avx512 && is_x86_feature_detected!("avx512bf16")
        }
    }

    pub(super) fn f32(isa: Isa) -> &'static Kernels<f32> {
        match isa.or_supported() {
            Isa::Portable => &super::portable_f32::KERNELS,
            Isa::Avx2 => &avx2_f32::KERNELS,
            Isa::Avx512 => &avx512_f32::KERNELS,
        }
    }

    pub(super) fn f64(isa: Isa) -> &'static Kernels<f64> {
        match isa.or_supported() {
            Isa::Portable => &super::portable_f64::KERNELS,
            Isa::Avx2 => &avx2_f64::KERNELS,
            Isa::Avx512 => &avx512_f64::KERNELS,
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod x86 {
    use super::*;
    pub(super) fn f32(_: Isa) -> &'static Kernels<f32> {
        &portable_f32::KERNELS
    }
    pub(super) fn f64(_: Isa) -> &'static Kernels<f64> {
        &portable_f64::KERNELS
    }
}

impl Real for f32 {
    const ONE: f32 = 1.0;
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
    fn kernels(isa: Isa) -> &'static Kernels<f32> {
        x86::f32(isa)
    }
}

impl Real for f64 {
    const ONE: f64 = 1.0;
    fn mul_add(a: f64, b: f64, c: f64) -> f64 {
        a * b + c
    }
    fn kernels(isa: Isa) -> &'static Kernels<f64> {
        x86::f64(isa)
    }
}
