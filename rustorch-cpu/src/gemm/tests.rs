//! Every path, instruction set and element type against a naive product.

use super::*;
use crate::parallel;

/// Small whole numbers: their products and sums are exact in every type, so results are compared with `==`.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % below as u64) as usize
    }

    fn values(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.next(7) as f64 - 3.0).collect()
    }
}

/// A matrix somewhere in a larger buffer, with strides of one of several kinds.
#[derive(Debug)]
struct Layout {
    len: usize,
    offset: usize,
    rs: isize,
    cs: isize,
}

fn layout(random: &mut Random, rows: usize, cols: usize) -> Layout {
    let (r, c) = (rows.max(1) as isize, cols.max(1) as isize);
    let offset = random.next(5);
    let (rs, cs) = match random.next(6) {
        0 | 1 => (c, 1),
        2 => (c + 3, 1),
        3 => (1, r),
        4 => (1, r + 2),
        _ => (2 * c + 1, 2),
    };
    let len = offset + ((r - 1) * rs + (c - 1) * cs) as usize + 1;
    Layout { len, offset, rs, cs }
}

/// Checks one product with random operands; `from` and `to` convert between f64 and the type.
fn check<T: Element + PartialEq + std::fmt::Debug>(
    isa: Isa,
    (m, n, k): (usize, usize, usize),
    random: &mut Random,
    from: fn(f64) -> T,
    to: fn(T) -> f64,
) {
    let (la, lb, lc) = (layout(random, m, k), layout(random, k, n), layout(random, m, n));
    let (a, b, c) = (random.values(la.len), random.values(lb.len), random.values(lc.len));
    let bias = random.values(m.max(n));
    let (alpha, beta) = ([1.0, 2.0][random.next(2)], [0.0, 1.0, 3.0][random.next(3)]);
    let bias_kind = random.next(3);
    let at =
        |l: &Layout, i: usize, j: usize| (l.offset as isize + i as isize * l.rs + j as isize * l.cs) as usize;
    let mut expected = c.clone();
    for i in 0..m {
        for j in 0..n {
            let sum: f64 = (0..k).map(|p| a[at(&la, i, p)] * b[at(&lb, p, j)]).sum();
            let old = if beta == 0.0 { 0.0 } else { beta * c[at(&lc, i, j)] };
            expected[at(&lc, i, j)] = alpha * sum + old + [0.0, bias[j], bias[i]][bias_kind];
        }
    }
    let convert = |values: &[f64]| values.iter().map(|&x| from(x)).collect::<Vec<T>>();
    let (a, b, mut c, bias) = (convert(&a), convert(&b), convert(&c), convert(&bias));
    let bias = [Bias::None, Bias::PerColumn(bias.as_ptr()), Bias::PerRow(bias.as_ptr())][bias_kind];
    let product = Product {
        m,
        n,
        k,
        alpha: from(alpha),
        a: MatRef { ptr: a[la.offset..].as_ptr(), rs: la.rs, cs: la.cs },
        b: MatRef { ptr: b[lb.offset..].as_ptr(), rs: lb.rs, cs: lb.cs },
        beta: from(beta),
        c: MatMut { ptr: c[lc.offset..].as_mut_ptr(), rs: lc.rs, cs: lc.cs },
        epilogue: Epilogue { bias, activation: Activation::Identity },
    };
    // SAFETY: the layouts lie within the vectors.
    unsafe { product.run_on(isa, &[]) };
    let got: Vec<f64> = c.iter().map(|&x| to(x)).collect();
    let expected: Vec<f64> = expected.iter().map(|&x| to(from(x))).collect();
    assert_eq!(
        got, expected,
        "{isa:?} {m}x{k}x{n} alpha {alpha} beta {beta} bias {bias_kind} {la:?} {lb:?} {lc:?}"
    );
}

fn sizes(random: &mut Random) -> (usize, usize, usize) {
    let size = |random: &mut Random| match random.next(8) {
        0 => random.next(3),
        1..=3 => 1 + random.next(9),
        4..=6 => 1 + random.next(70),
        _ => 1 + random.next(300),
    };
    (size(random), size(random), size(random))
}

fn check_type<T: Element + PartialEq + std::fmt::Debug>(rounds: usize, from: fn(f64) -> T, to: fn(T) -> f64) {
    for isa in Isa::available() {
        let mut random = Random(7);
        for _ in 0..rounds {
            let sizes = sizes(&mut random);
            check(isa, sizes, &mut random, from, to);
        }
    }
}

#[test]
fn f32_against_naive() {
    check_type(400, |x| x as f32, |x| x as f64);
}

#[test]
fn f64_against_naive() {
    check_type(400, |x| x, |x| x);
}

#[test]
fn integers_against_naive() {
    check_type(40, |x| x as i64, |x| x as f64);
    check_type(40, |x| x as i32, |x| x as f64);
    check_type(40, |x| x as i64 as u8, |x| x as i8 as f64);
}

#[test]
fn complex_against_naive() {
    type C = num_complex::Complex<f32>;
    check_type(40, |x| C::new(x as f32, 0.0), |x| x.re as f64);
    let i = C::i();
    let (a, b, mut c) = ([i, i], [i, -i], [C::new(0.0, 0.0)]);
    let a = MatRef { ptr: a.as_ptr(), rs: 2, cs: 1 };
    let b = MatRef { ptr: b.as_ptr(), rs: 1, cs: 1 };
    // SAFETY: 1×2 times 2×1.
    unsafe {
        gemm(
            1,
            1,
            2,
            C::new(1.0, 0.0),
            a,
            b,
            C::new(0.0, 0.0),
            MatMut { ptr: c.as_mut_ptr(), rs: 1, cs: 1 },
            Epilogue::NONE,
        )
    };
    assert_eq!(c[0], C::new(0.0, 0.0));
}

#[test]
fn half_against_naive() {
    check_type(40, crate::bf16::from_f64, crate::bf16::to_f64);
    check_type(40, crate::f16::from_f64, crate::f16::to_f64);
}

#[test]
fn shapes_of_the_suite() {
    let mut random = Random(3);
    for isa in Isa::available() {
        for sizes in [
            (1, 512, 784),
            (32, 512, 784),
            (64, 10, 512),
            (64, 768, 307),
            (768, 768, 64),
            (500, 130, 300),
            (15, 33, 600),
        ] {
            check(isa, sizes, &mut random, |x| x as f32, |x| x as f64);
        }
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    let mut random = Random(5);
    let threads = parallel::num_threads();
    for (m, n, k) in [(300, 200, 700), (1, 600, 900), (40, 700, 300), (700, 1, 600), (6, 900, 333)] {
        let a: Vec<f32> = (0..m * k).map(|_| random.next(1000) as f32 / 999.0 - 0.5).collect();
        let b: Vec<f32> = (0..k * n).map(|_| random.next(1000) as f32 / 999.0 - 0.5).collect();
        let mut results = Vec::new();
        for threads in [1, 2, 3, 4, 7] {
            parallel::set_num_threads(threads);
            let mut c = vec![f32::NAN; m * n];
            let a = MatRef { ptr: a.as_ptr(), rs: k as isize, cs: 1 };
            let b = MatRef { ptr: b.as_ptr(), rs: n as isize, cs: 1 };
            // SAFETY: contiguous matrices.
            unsafe {
                gemm(
                    m,
                    n,
                    k,
                    1.0,
                    a,
                    b,
                    0.0,
                    MatMut { ptr: c.as_mut_ptr(), rs: n as isize, cs: 1 },
                    Epilogue::NONE,
                )
            };
            results.push(c.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
        }
        parallel::set_num_threads(threads);
        assert!(results.iter().all(|r| *r == results[0]), "{m}x{k}x{n}");
    }
}

#[test]
fn batches_fold_and_broadcast() {
    let (m, n, k, batch) = (5, 20, 9, 6);
    let mut random = Random(11);
    let a: Vec<f32> = random.values(batch * m * k).iter().map(|&x| x as f32).collect();
    let b: Vec<f32> = random.values(batch * k * n).iter().map(|&x| x as f32).collect();
    let strides = [(m * k, k * n), (m * k, 0), (0, k * n), (0, 0)];
    for (a_stride, b_stride) in strides {
        for isa in Isa::available() {
            let mut c = vec![f32::NAN; batch * m * n];
            let product = Product {
                m,
                n,
                k,
                alpha: 1.0,
                a: MatRef { ptr: a.as_ptr(), rs: k as isize, cs: 1 },
                b: MatRef { ptr: b.as_ptr(), rs: n as isize, cs: 1 },
                beta: 0.0,
                c: MatMut { ptr: c.as_mut_ptr(), rs: n as isize, cs: 1 },
                epilogue: Epilogue::NONE,
            };
            let (sa, sb, sc) = (a_stride as isize, b_stride as isize, (m * n) as isize);
            let dims = [
                BatchDim { size: 2, a: 3 * sa, b: 3 * sb, c: 3 * sc },
                BatchDim { size: 3, a: sa, b: sb, c: sc },
            ];
            // SAFETY: the strides stay within the vectors.
            unsafe { product.run_on(isa, &dims) };
            for q in 0..batch {
                for i in 0..m {
                    for j in 0..n {
                        let term = |p: usize| a[q * a_stride + i * k + p] * b[q * b_stride + p * n + j];
                        assert_eq!(
                            c[(q * m + i) * n + j],
                            (0..k).map(term).sum::<f32>(),
                            "{isa:?} {a_stride} {b_stride}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn nan_and_infinity_propagate_and_beta_zero_ignores_c() {
    for isa in Isa::available() {
        for (m, n, k) in [(2, 3, 4), (40, 50, 60)] {
            let mut a = vec![1f32; m * k];
            a[0] = f32::NAN;
            a[k] = f32::INFINITY;
            let b = vec![1f32; k * n];
            let mut c = vec![f32::NAN; m * n];
            let a = MatRef { ptr: a.as_ptr(), rs: k as isize, cs: 1 };
            let b = MatRef { ptr: b.as_ptr(), rs: n as isize, cs: 1 };
            let c_ref = MatMut { ptr: c.as_mut_ptr(), rs: n as isize, cs: 1 };
            let epilogue = Epilogue { bias: Bias::None, activation: Activation::Relu };
            let product = Product { m, n, k, alpha: 1.0, a, b, beta: 0.0, c: c_ref, epilogue };
            // SAFETY: contiguous matrices.
            unsafe { product.run_on(isa, &[]) };
            assert!(c[..n].iter().all(|x| x.is_nan()));
            assert!(c[n..2 * n].iter().all(|x| *x == f32::INFINITY));
            assert!(c[2 * n..].iter().all(|x| *x == k as f32));
        }
    }
}

#[test]
fn activations_follow_the_bias() {
    for isa in Isa::available() {
        let (m, n, k) = (9, 21, 1);
        let a: Vec<f32> = (0..m).map(|i| i as f32 / 4.0 - 1.0).collect();
        let b = vec![1f32; n];
        let bias: Vec<f32> = (0..n).map(|j| j as f32 / 8.0 - 1.5).collect();
        type Exact = fn(f64) -> f64;
        let reference: [(Activation, Exact); 5] = [
            (Activation::Relu, |x| x.max(0.0)),
            (Activation::Gelu, |x| 0.5 * x * (1.0 + libm::erf(x / 2f64.sqrt()))),
            (Activation::GeluTanh, |x| {
                0.5 * x * (1.0 + (0.797_884_560_802_865_4 * (x + 0.044_715 * x * x * x)).tanh())
            }),
            (Activation::Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
            (Activation::Tanh, f64::tanh),
        ];
        for (activation, exact) in reference {
            let mut c = vec![f32::NAN; m * n];
            let product = Product {
                m,
                n,
                k,
                alpha: 1.0,
                a: MatRef { ptr: a.as_ptr(), rs: 1, cs: 1 },
                b: MatRef { ptr: b.as_ptr(), rs: n as isize, cs: 1 },
                beta: 0.0,
                c: MatMut { ptr: c.as_mut_ptr(), rs: n as isize, cs: 1 },
                epilogue: Epilogue { bias: Bias::PerColumn(bias.as_ptr()), activation },
            };
            // SAFETY: contiguous matrices.
            unsafe { product.run_on(isa, &[]) };
            for (index, &got) in c.iter().enumerate() {
                let expected = exact((a[index / n] + bias[index % n]) as f64);
                assert!((got as f64 - expected).abs() <= 1e-6, "{activation:?}: {got}, exactly {expected}");
            }
        }
    }
}

#[test]
fn endings_see_every_element_once_and_finished() {
    let turn = |threads: usize| parallel::set_num_threads(threads);
    let before = parallel::num_threads();
    let shapes =
        [(1, 1, 1), (1, 700, 3), (300, 1, 20), (5, 40, 64), (64, 512, 700), (500, 70, 600), (900, 300, 2)];
    for (isa, (m, n, k)) in Isa::available().into_iter().flat_map(|isa| shapes.map(|shape| (isa, shape))) {
        let (a, b) = (vec![1f32; m * k], vec![1f32; k * n]);
        for threads in [1, 2, 3] {
            turn(threads);
            let (mut c, seen) = (vec![f32::NAN; m * n], std::sync::Mutex::new(vec![0u8; m * n]));
            let product = Product {
                m,
                n,
                k,
                alpha: 1.0,
                a: MatRef { ptr: a.as_ptr(), rs: k as isize, cs: 1 },
                b: MatRef { ptr: b.as_ptr(), rs: n as isize, cs: 1 },
                beta: 0.0,
                c: MatMut { ptr: c.as_mut_ptr(), rs: n as isize, cs: 1 },
                epilogue: Epilogue { bias: Bias::None, activation: Activation::Relu },
            };
            let to = parallel::Shared(product.c.ptr);
            let ending = |part: Part| {
                let mut seen = seen.lock().unwrap();
                for i in part.row..part.row + part.rows {
                    for j in part.column..part.column + part.columns {
                        seen[i * n + j] += 1;
                        // SAFETY: an element of C, which is this call's own.
                        unsafe { *to.get().add(i * n + j) = -*to.get().add(i * n + j) };
                    }
                }
            };
            // SAFETY: contiguous matrices.
            unsafe { product.run_then(isa, &ending) };
            assert!(seen.into_inner().unwrap().iter().all(|&times| times == 1), "{m} {n} {k}");
            assert!(c.iter().all(|&x| x == -(k as f32)), "{m} {n} {k}");
        }
    }
    turn(before);
}
