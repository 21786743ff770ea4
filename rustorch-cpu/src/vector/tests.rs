//! The vectors of SSE2 against arrays, lane by lane.

use super::{Vector, array};

/// Lanes with signs, zeros, infinities and NaN in them.
fn values(seed: u32) -> [f32; 32] {
    const SPECIAL: [f32; 6] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1.0];
    let mut state = seed;
    std::array::from_fn(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let number = (state >> 8) as f32 / (1 << 20) as f32 - 8.0;
        SPECIAL.get((state >> 28) as usize).copied().unwrap_or(number)
    })
}

/// What all operations give for lanes from these values, as bits; one NaN is as good as another.
///
/// # Safety
/// The machine has the instruction set of `V`.
unsafe fn results<V: Vector>(
    of: &[Vec<V::Elem>; 4],
    zero: V::Elem,
    bits: fn(V::Elem) -> u64,
) -> Vec<Vec<u64>> {
    let lanes = V::LANES;
    // SAFETY: all slices and the array are longer than a vector; the caller's promise.
    unsafe {
        let [a, b, c, d] = [0, 1, 2, 3].map(|k: usize| V::load(of[k].as_ptr()));
        let mut vectors = vec![
            V::splat(of[0][3]),
            a.add(b),
            a.sub(b),
            a.max(b),
            a.mul(b),
            c.mul_acc(a, b),
            V::pick(a, b, c, d),
        ];
        for (x, y) in [a.unzip(b), a.zip(b)] {
            vectors.extend([x, y]);
        }
        vectors.extend((0..=lanes).map(|n| V::load_partial(of[0].as_ptr(), n)));
        let mut all: Vec<Vec<V::Elem>> = vectors
            .into_iter()
            .map(|vector| {
                let mut out = vec![zero; lanes];
                vector.store(out.as_mut_ptr());
                out
            })
            .collect();
        for n in 0..=lanes {
            let mut out = of[1].clone();
            a.store_partial(out.as_mut_ptr(), n);
            all.push(out);
        }
        all.into_iter().map(|out| out.into_iter().map(bits).collect()).collect()
    }
}

fn bits_f32(x: f32) -> u64 {
    if x.is_nan() { u64::MAX } else { x.to_bits().into() }
}

fn bits_f64(x: f64) -> u64 {
    if x.is_nan() { u64::MAX } else { x.to_bits() }
}

#[test]
fn sse2_and_arrays_agree() {
    for seed in 0..200 {
        let of = [0, 1, 2, 3].map(|k| values(4 * seed + k));
        let (f32s, f64s) = (of.map(|v| v.to_vec()), of.map(|v| v.map(f64::from).to_vec()));
        // SAFETY: every processor of x86-64 has SSE2, and arrays need nothing.
        unsafe {
            assert_eq!(
                results::<super::F32x4>(&f32s, 0.0, bits_f32),
                results::<array::F32x4>(&f32s, 0.0, bits_f32),
                "seed {seed}"
            );
            assert_eq!(
                results::<super::F64x2>(&f64s, 0.0, bits_f64),
                results::<array::F64x2>(&f64s, 0.0, bits_f64),
                "seed {seed}"
            );
        }
    }
}
