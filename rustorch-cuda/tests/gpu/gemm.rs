//! Matrix products against f64.

use rustorch_cuda::{Buffer, DType, Device, Elements, Epilogue, Gemm, Matrix, gemm};

use crate::support::*;

/// A product of given sizes, with all operands contiguous unless the test changes them.
struct Case {
    dtype: DType,
    sizes: [usize; 4],
    transposed: [bool; 2],
    /// Added to each row length.
    pad: usize,
    /// Elements before the first.
    offset: usize,
    beta: f64,
    epilogue: fn(Elements<'_>) -> Epilogue<'_>,
    finish: fn(f64) -> f64,
    biased: bool,
    tf32: bool,
}

impl Case {
    fn new(dtype: DType, m: usize, n: usize, k: usize, batch: usize) -> Self {
        Case {
            dtype,
            sizes: [m, n, k, batch],
            transposed: [false; 2],
            pad: 0,
            offset: 0,
            beta: 0.0,
            epilogue: |_| Epilogue::None,
            finish: |x| x,
            biased: false,
            tf32: false,
        }
    }

    fn check(&self, device: &Device) {
        let [m, n, k, batch] = self.sizes;
        let dtype = self.dtype;
        let mut random = Random::new((m * 31 + n * 7 + k) as u64);
        let a = Stored::new(device, &mut random, self, (m, k), self.transposed[0]);
        let b = Stored::new(device, &mut random, self, (k, n), self.transposed[1]);
        let c = Stored::new(device, &mut random, self, (m, n), false);
        let bias = random.values(dtype, n);
        let bias_buffer = upload(device, dtype, &bias);
        gemm(
            device,
            Gemm {
                dtype,
                tf32: self.tf32,
                m,
                n,
                k,
                batch,
                alpha: 0.5,
                beta: self.beta,
                a: a.matrix(self),
                b: b.matrix(self),
                c: c.matrix(self),
                epilogue: (self.epilogue)(whole(&bias_buffer)),
            },
        )
        .unwrap();
        let found = download(dtype, &c.buffer);
        let mut expected = c.values.clone();
        for batch in 0..batch {
            for row in 0..m {
                for column in 0..n {
                    let dot: f64 = (0..k)
                        .map(|t| a.values[a.at(batch, row, t)] * b.values[b.at(batch, t, column)])
                        .sum();
                    let at = c.at(batch, row, column);
                    let bias = if self.biased { bias[column] } else { 0.0 };
                    expected[at] = (self.finish)(0.5 * dot + self.beta * c.values[at] + bias);
                }
            }
        }
        // Rounding of the result, and of the accumulation (f32 for the half types) over sqrt(k) terms.
        let unit = if self.tf32 {
            1.0 / 1024.0
        } else if dtype == DType::F64 {
            f64::EPSILON
        } else {
            f64::from(f32::EPSILON)
        };
        let tolerance = 2.0 * epsilon(dtype) + 16.0 * unit * (k as f64).sqrt();
        let what =
            format!("{dtype} {:?} {:?} pad {} beta {}", self.sizes, self.transposed, self.pad, self.beta);
        assert_close(&what, &found, &expected, tolerance);
    }
}

struct Stored {
    values: Vec<f64>,
    buffer: Buffer,
    ld: usize,
    rows: usize,
    transposed: bool,
    offset: usize,
}

impl Stored {
    fn new(
        device: &Device,
        random: &mut Random,
        case: &Case,
        (rows, columns): (usize, usize),
        transposed: bool,
    ) -> Self {
        let (rows, columns) = if transposed { (columns, rows) } else { (rows, columns) };
        let ld = columns + case.pad;
        let values = random.values(case.dtype, case.offset + case.sizes[3] * rows * ld);
        let buffer = upload(device, case.dtype, &values);
        Stored { values, buffer, ld, rows, transposed, offset: case.offset }
    }

    fn at(&self, batch: usize, row: usize, column: usize) -> usize {
        let (row, column) = if self.transposed { (column, row) } else { (row, column) };
        self.offset + batch * self.rows * self.ld + row * self.ld + column
    }

    fn matrix(&self, case: &Case) -> Matrix<'_> {
        Matrix {
            elements: Elements { buffer: &self.buffer, offset: case.offset },
            ld: self.ld,
            transposed: self.transposed,
            batch_stride: self.rows * self.ld,
        }
    }
}

const FLOATS: [DType; 4] = [DType::F32, DType::F64, DType::F16, DType::BF16];

#[test]
fn every_type_and_transposition() {
    let Some(device) = device("gemm: every_type_and_transposition") else { return };
    for dtype in FLOATS {
        for (m, n, k, batch) in [
            (1, 1, 1, 1),
            (64, 32, 16, 1),
            (33, 17, 65, 1),
            (128, 96, 200, 3),
            (1, 100, 50, 2),
            (100, 1, 7, 1),
        ] {
            for transposed in [[false, false], [true, false], [false, true], [true, true]] {
                Case { transposed, ..Case::new(dtype, m, n, k, batch) }.check(&device);
            }
        }
    }
}

#[test]
fn padded_rows_offsets_and_beta() {
    let Some(device) = device("gemm: padded_rows_offsets_and_beta") else { return };
    for dtype in FLOATS {
        for (pad, offset, beta) in [(3, 0, 0.0), (0, 1, 0.0), (5, 3, 1.0), (0, 0, -2.0)] {
            let case = Case { pad, offset, beta, ..Case::new(dtype, 40, 24, 56, 2) };
            case.check(&device);
            Case { transposed: [true, true], ..case }.check(&device);
        }
    }
}

#[test]
fn epilogues() {
    let Some(device) = device("gemm: epilogues") else { return };
    fn gelu(x: f64) -> f64 {
        let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
        0.5 * x * (1.0 + inner.tanh())
    }
    for dtype in [DType::F32, DType::F16, DType::BF16] {
        let case = || Case::new(dtype, 64, 48, 32, 1);
        let relu = |x: f64| x.max(0.0);
        Case { epilogue: |_| Epilogue::Relu, finish: relu, ..case() }.check(&device);
        Case { epilogue: |_| Epilogue::Gelu, finish: gelu, ..case() }.check(&device);
        Case { epilogue: |bias| Epilogue::Bias(bias), biased: true, ..case() }.check(&device);
        Case { epilogue: |bias| Epilogue::BiasRelu(bias), biased: true, finish: relu, ..case() }
            .check(&device);
        Case { epilogue: |bias| Epilogue::BiasGelu(bias), biased: true, finish: gelu, ..case() }
            .check(&device);
    }
}

#[test]
fn tf32_only_when_asked_for() {
    let Some(device) = device("gemm: tf32_only_when_asked_for") else { return };
    Case { tf32: true, ..Case::new(DType::F32, 128, 128, 256, 1) }.check(&device);
    Case::new(DType::F32, 128, 128, 256, 1).check(&device);
}

#[test]
fn bad_calls_are_errors_with_the_numbers() {
    let Some(device) = device("gemm: bad_calls_are_errors") else { return };
    let x = upload(&device, DType::F32, &[1.0; 12]);
    let matrix = |ld| Matrix { elements: whole(&x), ld, transposed: false, batch_stride: 0 };
    let good = Gemm {
        dtype: DType::F32,
        tf32: false,
        m: 3,
        n: 4,
        k: 4,
        batch: 1,
        alpha: 1.0,
        beta: 0.0,
        a: matrix(4),
        b: matrix(4),
        c: matrix(4),
        epilogue: Epilogue::None,
    };
    let text = gemm(&device, good).unwrap_err().to_string();
    assert!(text.contains("bytes 0..64 of a buffer of 48 bytes"), "{text}");
    let text = gemm(&device, Gemm { k: 3, a: matrix(2), ..good }).unwrap_err().to_string();
    assert!(text.contains("rows of `a` have 3 elements but begin every 2"), "{text}");
    let text = gemm(&device, Gemm { dtype: DType::I32, ..good }).unwrap_err().to_string();
    assert!(text.contains("not i32"), "{text}");
    let text = gemm(&device, Gemm { k: 3, batch: 2, ..good }).unwrap_err().to_string();
    assert!(text.contains("overlap"), "{text}");
    // A sum over nothing is zero.
    gemm(&device, Gemm { k: 0, a: matrix(1), ..good }).unwrap();
    assert_eq!(download(DType::F32, &x), [0.0; 12]);
}
