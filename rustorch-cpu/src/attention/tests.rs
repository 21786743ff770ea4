use super::*;
use crate::Isa;

/// The sizes of a case.
#[derive(Clone, Copy, Debug)]
struct Case {
    heads: [usize; 2],
    queries: usize,
    keys: usize,
    features: usize,
    width: usize,
    causal: bool,
    /// 0 none, 1 bools, 2 numbers.
    mask: usize,
    p: f64,
}

fn values(n: usize, seed: u64) -> Vec<f64> {
    (0..n as u64).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f64 / 700.0 - 1.4).collect()
}

/// The matrices of heads `[a, b]`, their rows interleaved as in `[a, rows, b, columns]`.
fn interleaved<P>(ptr: P, [_, b]: [usize; 2], rows: usize, columns: usize) -> Matrices<P> {
    let heads = [(rows * b * columns) as isize, columns as isize].into_iter().collect();
    Matrices { ptr, row: (b * columns) as isize, column: 1, heads }
}

/// One after another.
fn stacked<P>(ptr: P, [_, b]: [usize; 2], rows: usize, columns: usize) -> Matrices<P> {
    let heads = [(b * rows * columns) as isize, (rows * columns) as isize].into_iter().collect();
    Matrices { ptr, row: columns as isize, column: 1, heads }
}

struct Reference {
    output: Vec<f64>,
    gradients: [Vec<f64>; 4],
}

/// Everything by the definition, with whole matrices; all tensors stacked.
fn reference(
    case: Case,
    tensors: [&[f64]; 4],
    masks: (&[bool], &[f64]),
    dropout: Option<Dropout>,
) -> Reference {
    let Case { queries: l, keys: s, features: e, width: w, .. } = case;
    let [q, k, v, g] = tensors;
    let heads = case.heads[0] * case.heads[1];
    let mut output = vec![0.0; heads * l * w];
    let (mut dq, mut dk, mut dv) =
        (vec![0.0; heads * l * e], vec![0.0; heads * s * e], vec![0.0; heads * s * w]);
    let mut dmask = vec![0.0; heads * l * s];
    for h in 0..heads {
        for i in 0..l {
            let row = h * l + i;
            let seen = |j: usize| (!case.causal || j <= i) && (case.mask != 1 || masks.0[i * s + j]);
            let score = |j: usize| {
                let dot: f64 = (0..e).map(|x| q[row * e + x] * k[(h * s + j) * e + x]).sum();
                if seen(j) {
                    0.3 * dot + if case.mask == 2 { masks.1[i * s + j] } else { 0.0 }
                } else {
                    f64::NEG_INFINITY
                }
            };
            let exps: Vec<f64> = (0..s).map(|j| score(j).exp()).collect();
            let total: f64 = exps.iter().sum();
            let p: Vec<f64> = exps.iter().map(|x| if total == 0.0 { 0.0 } else { x / total }).collect();
            let mut kept = vec![1.0; s];
            if let Some(dropout) = dropout {
                dropout.factors(s, row, 0, &mut kept);
            }
            let dp: Vec<f64> = (0..s)
                .map(|j| kept[j] * (0..w).map(|x| g[row * w + x] * v[(h * s + j) * w + x]).sum::<f64>())
                .collect();
            let along: f64 = p.iter().zip(&dp).map(|(p, d)| p * d).sum();
            for j in 0..s {
                for x in 0..w {
                    output[row * w + x] += p[j] * kept[j] * v[(h * s + j) * w + x];
                    dv[(h * s + j) * w + x] += p[j] * kept[j] * g[row * w + x];
                }
                dmask[row * s + j] = p[j] * (dp[j] - along);
                for x in 0..e {
                    let ds = 0.3 * dmask[row * s + j];
                    dq[row * e + x] += ds * k[(h * s + j) * e + x];
                    dk[(h * s + j) * e + x] += ds * q[row * e + x];
                }
            }
        }
    }
    Reference { output, gradients: [dq, dk, dv, dmask] }
}

/// The elements in the order of [`interleaved`], from that of [`stacked`].
fn interleave(stacked: &[f64], [a, b]: [usize; 2], rows: usize, columns: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(stacked.len());
    for i in 0..a {
        for r in 0..rows {
            for j in 0..b {
                out.extend_from_slice(&stacked[((i * b + j) * rows + r) * columns..][..columns]);
            }
        }
    }
    out
}

fn check(isa: Isa, case: Case) {
    let Case { heads, queries: l, keys: s, features: e, width: w, .. } = case;
    let count = heads[0] * heads[1];
    let (q, k) = (values(count * l * e, 1), values(count * s * e, 2));
    let (v, g) = (values(count * s * w, 3), values(count * l * w, 4));
    let mut shown: Vec<bool> = (0..l * s).map(|i| i % 3 != 1).collect();
    let mut added = values(l * s, 5);
    // Query 0 sees nothing, query 1 no key of the first block.
    for j in 0..s {
        shown[j] = false;
        added[j] = f64::NEG_INFINITY;
        if l > 1 && j < COLUMNS && s > COLUMNS {
            shown[s + j] = false;
            added[s + j] = f64::NEG_INFINITY;
        }
    }
    let dropout = (case.p > 0.0).then_some(Dropout { stream: Stream { seed: 3, offset: 17 }, p: case.p });
    let expected = reference(case, [&q, &k, &v, &g], (&shown, &added), dropout);
    let qs = interleave(&q, heads, l, e);
    let flat =
        |columns: isize| [0, 0].into_iter().map(|x: isize| x * columns).collect::<SmallVec<[isize; 4]>>();
    let attention = Attention {
        heads: heads.into_iter().collect(),
        queries: l,
        keys: s,
        features: e,
        width: w,
        scale: 0.3,
        causal: case.causal,
        query: interleaved(qs.as_ptr(), heads, l, e),
        key: stacked(k.as_ptr(), heads, s, e),
        value: stacked(v.as_ptr(), heads, s, w),
        mask: match case.mask {
            1 => Mask::Visible(Matrices { ptr: shown.as_ptr(), row: s as isize, column: 1, heads: flat(0) }),
            2 => Mask::Added(Matrices { ptr: added.as_ptr(), row: s as isize, column: 1, heads: flat(0) }),
            _ => Mask::None,
        },
        dropout,
    };
    let (mut out, mut normalizers) = (vec![f64::NAN; count * l * w], vec![f64::NAN; count * l]);
    let (mut dq, mut dk, mut dv) =
        (vec![f64::NAN; q.len()], vec![f64::NAN; k.len()], vec![f64::NAN; v.len()]);
    let mut dm = vec![f64::NAN; count * l * s];
    // SAFETY: the vectors have the sizes that the description says.
    unsafe {
        let to = interleaved(out.as_mut_ptr(), heads, l, w);
        forward(isa, &attention, &to, normalizers.as_mut_ptr());
        let gradients = Gradients {
            output: interleaved(out.as_ptr(), heads, l, w),
            normalizers: normalizers.as_ptr(),
            doutput: stacked(g.as_ptr(), heads, l, w),
            dquery: Some(interleaved(dq.as_mut_ptr(), heads, l, e)),
            dkey: Some(stacked(dk.as_mut_ptr(), heads, s, e)),
            dvalue: Some(stacked(dv.as_mut_ptr(), heads, s, w)),
            dmask: Some(stacked(dm.as_mut_ptr(), heads, l, s)),
        };
        backward(isa, &attention, &gradients);
    }
    let near = |what: &str, got: &[f64], expected: &[f64]| {
        for (i, (a, b)) in got.iter().zip(expected).enumerate() {
            assert!((a - b).abs() <= 1e-9 * (1.0 + b.abs()), "{isa:?} {case:?}: {what}[{i}] is {a}, not {b}");
        }
    };
    near("output", &out, &interleave(&expected.output, heads, l, w));
    let [eq, ek, ev, em] = &expected.gradients;
    near("dquery", &dq, &interleave(eq, heads, l, e));
    near("dkey", &dk, ek);
    near("dvalue", &dv, ev);
    near("dmask", &dm, em);
}

#[test]
fn against_the_definition() {
    let case = |heads, queries, keys, features, width, causal, mask, p| Case {
        heads,
        queries,
        keys,
        features,
        width,
        causal,
        mask,
        p,
    };
    let cases = [
        case([1, 1], 1, 1, 1, 1, false, 0, 0.0),
        case([2, 3], 5, 7, 4, 3, false, 0, 0.0),
        case([2, 4], 70, 33, 9, 8, true, 0, 0.0),
        case([1, 2], 33, 70, 8, 9, true, 0, 0.25),
        case([1, 2], 130, 300, 5, 6, false, 1, 0.0),
        case([3, 3], 66, 270, 5, 6, false, 2, 0.5),
        case([1, 1], 3, 0, 4, 2, false, 0, 0.0),
        case([0, 2], 3, 2, 4, 2, true, 0, 0.0),
        case([1, 1], 320, 320, 3, 4, true, 0, 0.0),
    ];
    for isa in Isa::available() {
        cases.into_iter().for_each(|case| check(isa, case));
    }
}

#[test]
fn values_that_are_no_numbers_spread_only_to_those_who_see_them() {
    let q = [1f32, 1.0];
    let k = [1f32, f32::NAN, 1.0];
    let visible = [true, false, true, true, true, true];
    let one = |ptr: *const f32| Matrices { ptr, row: 1, column: 1, heads: SmallVec::new() };
    let attention = Attention {
        heads: SmallVec::new(),
        queries: 2,
        keys: 3,
        features: 1,
        width: 1,
        scale: 1.0,
        causal: false,
        query: one(q.as_ptr()),
        key: one(k.as_ptr()),
        value: one(q.as_ptr()),
        mask: Mask::Visible(Matrices { ptr: visible.as_ptr(), row: 3, column: 1, heads: SmallVec::new() }),
        dropout: None,
    };
    let value = [2f32, 5.0, 4.0];
    let attention = Attention { value: one(value.as_ptr()), ..attention };
    for isa in Isa::available() {
        let (mut y, mut normalizers) = ([0f32; 2], [0f32; 2]);
        let to = Matrices { ptr: y.as_mut_ptr(), row: 1, column: 1, heads: SmallVec::new() };
        // SAFETY: two queries of one column.
        unsafe { forward(isa, &attention, &to, normalizers.as_mut_ptr()) };
        assert_eq!(y[0], 3.0);
        assert!(y[1].is_nan());
    }
}
