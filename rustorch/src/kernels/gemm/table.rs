//! The kernels of each instruction set and element type, as tables of functions, so that the code that blocks and splits a
//! product is compiled once per element type.

use super::epilogue::{self, EpilogueFn};
use super::micro::{
    Block, BlockFn, DOT_COLS, MAX_DIRECT_ROWS, MAX_GATHER_ROWS, MAX_TILE_ROWS, direct, dot, gather, tile,
};
use super::pack::{PackFn, Panel, pack};
use crate::kernels::Isa;
use crate::kernels::vector::{F32x4, F64x2};

/// The kernels of one instruction set for one element type.
pub(in crate::kernels) struct Kernels<T: 'static> {
    pub lanes: usize,
    /// Rows of the highest tile to use.
    pub tile_rows: usize,
    /// Vectors across the widest tile.
    pub tile_vectors: usize,
    pub direct_rows: usize,
    pub direct_vectors: usize,
    pub gather_rows: usize,
    /// By rows - 1, then vectors - 1.
    pub tile: [[BlockFn<T>; 2]; MAX_TILE_ROWS],
    pub direct: [[BlockFn<T>; 4]; MAX_DIRECT_ROWS],
    pub gather: [[BlockFn<T>; 2]; MAX_GATHER_ROWS],
    /// By rows - 1, then columns - 1.
    pub dot: [[BlockFn<T>; DOT_COLS]; MAX_DIRECT_ROWS],
    pub pack: PackFn<T>,
    pub epilogue: EpilogueFn<T>,
}

/// An element type with kernels of its own.
pub(in crate::kernels) trait Real:
    Copy + Default + PartialEq + Send + Sync + 'static
{
    const ONE: Self;
    fn mul_add(a: Self, b: Self, c: Self) -> Self;
    fn kernels(isa: Isa) -> &'static Kernels<Self>;
}

macro_rules! by_rows {
    ($function:ident, $($rows:literal)*, $columns:tt) => {
        [$(by_rows!(@ $function, $rows, $columns)),*]
    };
    (@ $function:ident, $rows:literal, [$($columns:literal)*]) => {
        [$($function::<$rows, $columns>),*]
    };
}

macro_rules! kernels {
    ($name:ident, $elem:ty, $vector:ty, $(#[$feature:meta])?, lanes $lanes:literal, tile $tr:literal $tv:literal, direct $dr:literal $dv:literal, gather $gr:literal, pack $pack:path, fma $fma:expr) => {
        mod $name {
            use super::*;
            #[allow(unused_imports)]
            use std::arch::*;

            $(#[$feature])?
            pub(super) unsafe fn tile_kernel<const MR: usize, const NV: usize>(block: &Block<$elem>) {
                // SAFETY: the caller's promise; the table is used on machines with the features only.
                unsafe { tile::<$vector, MR, NV>(block) }
            }
            $(#[$feature])?
            pub(super) unsafe fn direct_kernel<const MR: usize, const NV: usize>(block: &Block<$elem>) {
                // SAFETY: as above.
                unsafe { direct::<$vector, MR, NV>(block) }
            }
            $(#[$feature])?
            pub(super) unsafe fn gather_kernel<const MR: usize, const NV: usize>(block: &Block<$elem>) {
                // SAFETY: as above.
                unsafe { gather::<$vector, MR, NV>(block) }
            }
            $(#[$feature])?
            pub(super) unsafe fn dot_kernel<const MR: usize, const NC: usize>(block: &Block<$elem>) {
                // SAFETY: as above.
                unsafe { dot::<$vector, MR, NC>(block) }
            }
            $(#[$feature])?
            #[allow(dead_code)]
            pub(super) unsafe fn pack_kernel(panel: &Panel<$elem>) {
                // SAFETY: as above.
                unsafe { pack::<$vector>(panel) }
            }
            $(#[$feature])?
            pub(super) unsafe fn epilogue_kernel(tile: &epilogue::Region<$elem>) {
                // SAFETY: as above.
                unsafe { epilogue::apply::<$elem, { $fma }>(tile) }
            }

            pub(super) static KERNELS: Kernels<$elem> = Kernels {
                lanes: $lanes,
                tile_rows: $tr,
                tile_vectors: $tv,
                direct_rows: $dr,
                direct_vectors: $dv,
                gather_rows: $gr,
                tile: by_rows!(tile_kernel, 1 2 3 4 5 6 7 8 9 10 11 12 13 14, [1 2]),
                direct: by_rows!(direct_kernel, 1 2 3 4 5 6, [1 2 3 4]),
                gather: by_rows!(gather_kernel, 1 2 3 4 5 6 7 8 9 10 11 12, [1 2]),
                dot: by_rows!(dot_kernel, 1 2 3 4 5 6, [1 2 3 4]),
                pack: $pack,
                epilogue: epilogue_kernel,
            };
        }
    };
}

kernels!(portable_f32, f32, F32x4, , lanes 4, tile 6 2, direct 4 2, gather 6, pack pack_kernel, fma cfg!(target_arch = "aarch64"));
kernels!(portable_f64, f64, F64x2, , lanes 2, tile 6 2, direct 4 2, gather 6, pack pack_kernel, fma cfg!(target_arch = "aarch64"));

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;
    use std::arch::x86_64::{__m256, __m256d, __m512, __m512d};
    kernels!(avx2_f32, f32, __m256, #[target_feature(enable = "avx2,fma")], lanes 8, tile 6 2, direct 4 2, gather 6, pack pack_kernel, fma true);
    kernels!(avx2_f64, f64, __m256d, #[target_feature(enable = "avx2,fma")], lanes 4, tile 6 2, direct 4 2, gather 6, pack pack_kernel, fma true);
    kernels!(avx512_f32, f32, __m512, #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")], lanes 16, tile 14 2, direct 6 4, gather 10, pack super::super::super::pack::pack_f32_avx512, fma true);
    kernels!(avx512_f64, f64, __m512d, #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")], lanes 8, tile 14 2, direct 6 4, gather 10, pack pack_kernel, fma true);

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
