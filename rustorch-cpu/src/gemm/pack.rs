//! Copying panels of A and B into the order in which the tile kernels read them.

use crate::vector::Vector;

/// `to[p·stride + i] = from[i·is + p·ps]` for `i < present`, 0 for `present ≤ i < width`, and all `p < k`.
pub(crate) struct Panel<T> {
    pub to: *mut T,
    /// Elements from one p to the next in the panel.
    pub stride: usize,
    pub width: usize,
    pub from: *const T,
    pub is: isize,
    pub ps: isize,
    pub present: usize,
    pub k: usize,
}

pub(crate) type PackFn<T> = unsafe fn(&Panel<T>);

/// # Safety
/// `from` covers `present` by `k` elements; `to` has room for the panel, and where `is` is 1 for a vector more.
#[inline(always)]
pub(super) unsafe fn pack<V: Vector>(panel: &Panel<V::Elem>)
where
    V::Elem: Default,
{
    // SAFETY: the caller's promise.
    unsafe {
        if panel.is == 1 {
            return contiguous::<V>(panel);
        }
        let &Panel { stride, width, is, ps, present, k, .. } = panel;
        let (mut to, mut from) = (panel.to, panel.from);
        for _ in 0..k {
            for i in 0..present {
                *to.add(i) = *from.offset(i as isize * is);
            }
            for i in present..width {
                *to.add(i) = V::Elem::default();
            }
            to = to.add(stride);
            from = from.wrapping_offset(ps);
        }
    }
}

/// Rows that are contiguous in memory: whole vectors in ascending order, each overwriting what its predecessor wrote too much.
#[inline(always)]
unsafe fn contiguous<V: Vector>(panel: &Panel<V::Elem>)
where
    V::Elem: Default,
{
    // SAFETY: as for `pack`.
    unsafe {
        let &Panel { stride, width, ps, present, k, .. } = panel;
        let whole = present / V::LANES;
        let rest = present % V::LANES;
        let vectors = width.div_ceil(V::LANES);
        let (mut to, mut from) = (panel.to, panel.from);
        for _ in 0..k {
            for v in 0..whole {
                V::load(from.add(v * V::LANES)).store(to.add(v * V::LANES));
            }
            if rest > 0 {
                V::load_partial(from.add(whole * V::LANES), rest).store(to.add(whole * V::LANES));
            }
            for v in present.div_ceil(V::LANES)..vectors {
                V::splat(V::Elem::default()).store(to.add(v * V::LANES));
            }
            to = to.add(stride);
            from = from.wrapping_offset(ps);
        }
    }
}

/// [`pack`] for f32 with AVX-512: where k is contiguous in memory, blocks of 16 by 16 are transposed in registers.
///
/// # Safety
/// As for [`pack`], and the machine has AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
pub(super) unsafe fn pack_f32_avx512(panel: &Panel<f32>) {
    use std::arch::x86_64::{__m512, _mm512_mask_storeu_ps, _mm512_maskz_loadu_ps, _mm512_setzero_ps};
    // SAFETY: the caller's promise; masked lanes are not accessed, and rows beyond `present` are zeros.
    unsafe {
        let &Panel { stride, width, is, ps, present, k, .. } = panel;
        if ps != 1 || is == 1 {
            return pack::<__m512>(panel);
        }
        for p0 in (0..k).step_by(16) {
            let ks = (k - p0).min(16);
            let mask = ((1u32 << ks) - 1) as u16;
            for i0 in (0..width).step_by(16) {
                let from = panel.from.offset(i0 as isize * is + p0 as isize);
                let mut block = [_mm512_setzero_ps(); 16];
                for (i, row) in block.iter_mut().enumerate() {
                    if i0 + i < present {
                        *row = _mm512_maskz_loadu_ps(mask, from.offset(i as isize * is));
                    }
                }
                transpose_16x16(&mut block);
                let to = panel.to.add(p0 * stride + i0);
                // Lanes beyond the width belong to the next row of the panel.
                let lanes = ((1u32 << (width - i0).min(16)) - 1) as u16;
                for (p, &column) in block.iter().enumerate().take(ks) {
                    _mm512_mask_storeu_ps(to.add(p * stride), lanes, column);
                }
            }
        }
    }
}

/// Rows become columns.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[inline]
pub(crate) fn transpose_16x16(r: &mut [std::arch::x86_64::__m512; 16]) {
    use std::arch::x86_64::*;
    let mut t = [_mm512_setzero_ps(); 16];
    // Pairs of rows, then of pairs, interleaved within 128-bit lanes …
    for i in 0..8 {
        t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    for i in 0..4 {
        let (a, b) = (4 * i, 4 * i + 2);
        let pd = _mm512_castps_pd;
        let ps = _mm512_castpd_ps;
        r[a] = ps(_mm512_unpacklo_pd(pd(t[a]), pd(t[b])));
        r[a + 1] = ps(_mm512_unpackhi_pd(pd(t[a]), pd(t[b])));
        r[a + 2] = ps(_mm512_unpacklo_pd(pd(t[a + 1]), pd(t[b + 1])));
        r[a + 3] = ps(_mm512_unpackhi_pd(pd(t[a + 1]), pd(t[b + 1])));
    }
    // … then the lanes themselves are transposed: r[4i + j] holds columns j, j + 4, j + 8, j + 12 of rows 4i to 4i + 3.
    for j in 0..4 {
        let lo = _mm512_shuffle_f32x4::<0x88>(r[j], r[4 + j]);
        let hi = _mm512_shuffle_f32x4::<0xdd>(r[j], r[4 + j]);
        let lo2 = _mm512_shuffle_f32x4::<0x88>(r[8 + j], r[12 + j]);
        let hi2 = _mm512_shuffle_f32x4::<0xdd>(r[8 + j], r[12 + j]);
        t[j] = _mm512_shuffle_f32x4::<0x88>(lo, lo2);
        t[j + 8] = _mm512_shuffle_f32x4::<0xdd>(lo, lo2);
        t[j + 4] = _mm512_shuffle_f32x4::<0x88>(hi, hi2);
        t[j + 12] = _mm512_shuffle_f32x4::<0xdd>(hi, hi2);
    }
    *r = t;
}
