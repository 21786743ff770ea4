//! The elementwise template: every storage type, every kind of layout, and PyTorch's special values.

use rustorch_cuda::{Buffer, DType, Device, Elementwise, ElementwiseSpec, Error, Operand, Scalar, copy_spec};

use crate::support::*;

fn spec(name: &str, inputs: &[(&str, DType)], compute: DType, outputs: &[(&str, DType)]) -> ElementwiseSpec {
    let owned = |list: &[(&str, DType)]| list.iter().map(|&(text, dtype)| (text.to_owned(), dtype)).collect();
    ElementwiseSpec {
        name: name.into(),
        inputs: owned(inputs),
        params: vec![],
        compute,
        outputs: owned(outputs),
    }
}

fn flat<'a>(buffer: &'a Buffer, dtype: DType) -> Operand<'a> {
    Operand { buffer, dtype, offset: 0, strides: &[1] }
}

fn unary(device: &Device, expression: &str, dtype: DType, compute: DType, x: &[f64]) -> Vec<f64> {
    let op = Elementwise::new(spec("unary", &[("x", dtype)], compute, &[(expression, dtype)])).unwrap();
    let (input, output) = (upload(device, dtype, x), poisoned(device, dtype, x.len()));
    op.launch(device, &[x.len()], &[flat(&input, dtype)], &[], &[flat(&output, dtype)]).unwrap();
    download(dtype, &output)
}

#[test]
fn every_storage_type_and_length() {
    let Some(device) = device("every_storage_type_and_length") else { return };
    let mut random = Random::new(1);
    for dtype in DType::ALL {
        let compute = match dtype {
            DType::F64 => DType::F64,
            DType::I64 => DType::I64,
            dtype if dtype.is_float() => DType::F32,
            _ => DType::I32,
        };
        let op = spec("axpy", &[("x", dtype), ("y", dtype)], compute, &[("x + T(2) * y", dtype)]);
        let op = Elementwise::new(op).unwrap();
        for count in [1, 2, 3, 4, 7, 15, 16, 17, 1000, 4096, 100_003] {
            let (x, y) = (random.values(dtype, count), random.values(dtype, count));
            let output = poisoned(&device, dtype, count);
            let (xs, ys) = (upload(&device, dtype, &x), upload(&device, dtype, &y));
            op.launch(&device, &[count], &[flat(&xs, dtype), flat(&ys, dtype)], &[], &[flat(&output, dtype)])
                .unwrap();
            let sums: Vec<f64> = x.iter().zip(&y).map(|(x, y)| x + 2.0 * y).collect();
            let expected = decode(dtype, &encode(dtype, &sums));
            assert_close(
                &format!("{dtype} x {count}"),
                &download(dtype, &output),
                &expected,
                2.0 * epsilon(dtype),
            );
        }
    }
}

#[test]
fn every_conversion() {
    let Some(device) = device("every_conversion") else { return };
    let values: Vec<f64> = vec![0.0, 1.0, 2.0, 3.0, 5.0, 100.0, 0.0, 7.0, 1.0];
    for from in DType::ALL {
        for to in DType::ALL {
            let x = decode(from, &encode(from, &values));
            let op = Elementwise::new(copy_spec(from, to)).unwrap();
            let (input, output) = (upload(&device, from, &x), poisoned(&device, to, x.len()));
            op.launch(&device, &[x.len()], &[flat(&input, from)], &[], &[flat(&output, to)]).unwrap();
            let expected = decode(to, &encode(to, &x));
            assert_close(&format!("{from} to {to}"), &download(to, &output), &expected, 0.0);
        }
    }
}

#[test]
fn strided_and_broadcast_operands() {
    let Some(device) = device("strided_and_broadcast_operands") else { return };
    let mut random = Random::new(2);
    let dtype = DType::F32;
    let op = spec("sub", &[("x", dtype), ("y", dtype)], dtype, &[("x - y", dtype)]);
    let op = Elementwise::new(op).unwrap();
    let store = random.values(dtype, 40_000);
    let buffer = upload(&device, dtype, &store);
    // Shape, then strides and offset of x, of y and of the output.
    type View = (&'static [isize], usize);
    let cases: &[(&[usize], View, View, View)] = &[
        (&[], (&[], 5), (&[], 7), (&[], 3)),
        (&[64, 32], (&[32, 1], 0), (&[0, 1], 0), (&[32, 1], 0)),
        (&[64, 32], (&[32, 1], 0), (&[1, 0], 0), (&[32, 1], 0)),
        (&[64, 32], (&[32, 1], 0), (&[0, 0], 11), (&[32, 1], 0)),
        (&[64, 32], (&[32, 1], 1), (&[32, 1], 0), (&[32, 1], 0)),
        (&[64, 32], (&[32, 1], 0), (&[1, 64], 0), (&[32, 1], 0)),
        (&[64, 32], (&[1, 64], 0), (&[1, 64], 64), (&[1, 64], 0)),
        (&[5, 7, 9], (&[63, 9, 1], 0), (&[0, 9, 1], 2), (&[63, 9, 1], 0)),
        (&[5, 7, 9], (&[1, 5, 35], 3), (&[9, 0, 1], 0), (&[63, 9, 1], 4)),
        (&[3, 4, 5, 8], (&[320, 80, 16, 2], 0), (&[160, 40, 8, 1], 0), (&[200, 50, 10, 1], 0)),
        (
            &[2, 3, 2, 3, 2, 3, 2, 4],
            (&[1, 2, 6, 12, 36, 72, 216, 432], 0),
            (&[864, 288, 144, 48, 24, 8, 4, 1], 0),
            (&[0; 8], 0),
        ),
        (&[10, 0, 3], (&[3, 3, 1], 0), (&[3, 3, 1], 0), (&[3, 3, 1], 0)),
        (&[8, 16], (&[-16, 1], 112), (&[16, -1], 15), (&[16, 1], 0)),
    ];
    for &(shape, x, y, out) in cases {
        let own = contiguous(shape);
        // The case with all zeros means contiguous; a true zero stride on an output is an error, tested below.
        let out = if out.0.len() == 8 { (&own[..], 0) } else { out };
        let result = poisoned(&device, dtype, 10_000);
        let view = |buffer, (strides, offset)| Operand { buffer, dtype, offset, strides };
        op.launch(&device, shape, &[view(&buffer, x), view(&buffer, y)], &[], &[view(&result, out)]).unwrap();
        let found = download(dtype, &result);
        let mut expected = decode(dtype, &vec![0xFF; 10_000 * 4]);
        let (xs, ys) = (places(shape, x.0, x.1), places(shape, y.0, y.1));
        for ((&x, &y), &at) in xs.iter().zip(&ys).zip(&places(shape, out.0, out.1)) {
            expected[at] = f64::from(store[x] as f32 - store[y] as f32);
        }
        assert_close(&format!("{shape:?} {x:?} {y:?}"), &found, &expected, 0.0);
    }
}

#[test]
fn special_values_are_pytorchs() {
    let Some(device) = device("special_values_are_pytorchs") else { return };
    let nan = f64::NAN;
    let inf = f64::INFINITY;
    let cases: &[(&str, &[f64], &[f64])] = &[
        ("max(x, T(0.0))", &[nan, -1.0, 2.0, -inf, inf], &[nan, 0.0, 2.0, 0.0, inf]),
        ("max(T(0.0), x)", &[nan, -1.0, 2.0], &[nan, 0.0, 2.0]),
        ("min(x, T(1.0))", &[nan, 3.0, -inf], &[nan, 1.0, -inf]),
        ("clamp(x, T(-1.0), T(1.0))", &[nan, -inf, inf, 0.5], &[nan, -1.0, 1.0, 0.5]),
        ("select(gt(x, T(0.0)), x, T(0.0))", &[nan, 1.0, -1.0], &[0.0, 1.0, 0.0]),
        ("round(x)", &[0.5, 1.5, 2.5, -0.5, -1.5, 2.4], &[0.0, 2.0, 2.0, 0.0, -2.0, 2.0]),
        ("sign(x)", &[-3.0, 0.0, 4.0, nan], &[-1.0, 0.0, 1.0, 0.0]),
        ("sigmoid(x)", &[-inf, inf, 0.0, nan, -800.0], &[0.0, 1.0, 0.5, nan, 0.0]),
        ("remainder(x, T(3.0))", &[5.0, -5.0, 6.0, -6.0], &[2.0, 1.0, 0.0, 0.0]),
        ("remainder(x, T(-3.0))", &[5.0, -5.0], &[-1.0, -2.0]),
        ("fmod(x, T(3.0))", &[5.0, -5.0], &[2.0, -2.0]),
        ("floor(x)", &[-0.5, 0.5, nan], &[-1.0, 0.0, nan]),
        ("trunc(x)", &[-1.5, 1.5], &[-1.0, 1.0]),
        ("log(x)", &[0.0, -1.0, 1.0], &[-inf, nan, 0.0]),
        ("pow(x, T(2.0))", &[-3.0, 0.0, inf, nan], &[9.0, 0.0, inf, nan]),
        ("is_nan(x)", &[nan, 1.0, inf], &[1.0, 0.0, 0.0]),
        ("is_inf(x)", &[nan, 1.0, -inf], &[0.0, 0.0, 1.0]),
        ("ne(x, x)", &[nan, 1.0], &[1.0, 0.0]),
        ("T(RT_INF)", &[0.0], &[inf]),
    ];
    for dtype in [DType::F32, DType::F64, DType::F16, DType::BF16] {
        let compute = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
        for (expression, x, expected) in cases {
            let found = unary(&device, expression, dtype, compute, x);
            assert_close(&format!("{expression} in {dtype}"), &found, expected, 0.0);
        }
    }
    let ints: &[(&str, &[f64], &[f64])] = &[
        ("abs(x)", &[-5.0, 5.0], &[5.0, 5.0]),
        ("max(x, T(0))", &[-5.0, 5.0], &[0.0, 5.0]),
        ("fmod(x, T(0))", &[5.0], &[0.0]),
        ("remainder(x, T(3))", &[-5.0, 5.0], &[1.0, 2.0]),
        ("pow(x, T(3))", &[-2.0, 3.0], &[-8.0, 27.0]),
        ("pow(x, T(-1))", &[-1.0, 3.0, 1.0], &[-1.0, 0.0, 1.0]),
    ];
    for (dtype, (expression, x, expected)) in
        [DType::I32, DType::I64].into_iter().flat_map(|dtype| ints.iter().map(move |case| (dtype, case)))
    {
        let found = unary(&device, expression, dtype, dtype, x);
        assert_close(&format!("{expression} in {dtype}"), &found, expected, 0.0);
    }
}

#[test]
fn functions_agree_with_the_host() {
    let Some(device) = device("functions_agree_with_the_host") else { return };
    type Case = (&'static str, fn(f64) -> f64);
    let cases: &[Case] = &[
        ("exp(x)", f64::exp),
        ("expm1(x)", f64::exp_m1),
        ("exp2(x)", f64::exp2),
        ("log1p(abs(x))", |x| x.abs().ln_1p()),
        ("log2(abs(x) + T(0.1))", |x| (x.abs() + 0.1).log2()),
        ("log10(abs(x) + T(0.1))", |x| (x.abs() + 0.1).log10()),
        ("sqrt(abs(x))", |x| x.abs().sqrt()),
        ("rsqrt(abs(x) + T(0.5))", |x| 1.0 / (x.abs() + 0.5).sqrt()),
        ("sin(x)", f64::sin),
        ("cos(x)", f64::cos),
        ("tanh(x)", f64::tanh),
        ("sinh(x)", f64::sinh),
        ("cosh(x)", f64::cosh),
        ("atan(x)", f64::atan),
        ("asinh(x)", f64::asinh),
        ("acosh(abs(x) + T(1.5))", |x| (x.abs() + 1.5).acosh()),
        ("atanh(x * T(0.3))", |x| (x * 0.3).atanh()),
        ("recip(x + T(4.0))", |x| 1.0 / (x + 4.0)),
        ("-x * x", |x| -x * x),
        ("pow(abs(x), T(1.7))", |x| x.abs().powf(1.7)),
        ("x * sigmoid(x)", |x| x / (1.0 + (-x).exp())),
        ("hypot(x, T(2.0))", |x| x.hypot(2.0)),
        ("atan2(x, T(-2.0))", |x| x.atan2(-2.0)),
        ("copysign(T(2.0), x)", |x| 2.0f64.copysign(x)),
        ("fma(x, x, T(1.0))", |x| x.mul_add(x, 1.0)),
        ("erf(T(0.5)) + x * T(0.0)", |_| 0.520_499_877_813_046_5),
        ("lgamma(T(4.0)) + x * T(0.0)", |_| 6.0f64.ln()),
    ];
    let x = Random::new(3).values(DType::F32, 1003);
    for (dtype, units) in [(DType::F32, 8.0), (DType::F64, 16.0)] {
        for (expression, reference) in cases {
            let found = unary(&device, expression, dtype, dtype, &x);
            let expected: Vec<f64> = x.iter().map(|&x| reference(x)).collect();
            assert_close(&format!("{expression} in {dtype}"), &found, &expected, units * epsilon(dtype));
        }
    }
}

#[test]
fn parameters_conditions_and_several_outputs() {
    let Some(device) = device("parameters_conditions_and_several_outputs") else { return };
    let mut random = Random::new(4);
    let count = 777;
    let (c, x) = (random.values(DType::Bool, count), random.values(DType::F16, count));
    let op = Elementwise::new(ElementwiseSpec {
        name: "choose".into(),
        inputs: vec![("c".into(), DType::Bool), ("x".into(), DType::F16)],
        params: vec!["alpha".into(), "beta".into()],
        compute: DType::F32,
        outputs: vec![
            ("select(ne(c, T(0.0)), alpha * x, x + beta)".into(), DType::F32),
            ("lt(x, beta)".into(), DType::Bool),
        ],
    })
    .unwrap();
    let (cs, xs) = (upload(&device, DType::Bool, &c), upload(&device, DType::F16, &x));
    let (y, less) = (poisoned(&device, DType::F32, count), poisoned(&device, DType::Bool, count));
    op.launch(
        &device,
        &[count],
        &[flat(&cs, DType::Bool), flat(&xs, DType::F16)],
        &[Scalar::Float(0.5), Scalar::Int(1)],
        &[flat(&y, DType::F32), flat(&less, DType::Bool)],
    )
    .unwrap();
    let expected: Vec<f64> =
        c.iter().zip(&x).map(|(&c, &x)| if c != 0.0 { 0.5 * x } else { x + 1.0 }).collect();
    assert_close("selected", &download(DType::F32, &y), &expected, 1e-6);
    let expected: Vec<f64> = x.iter().map(|&x| f64::from(x < 1.0)).collect();
    assert_close("less", &download(DType::Bool, &less), &expected, 0.0);
}

#[test]
fn in_place_is_allowed() {
    let Some(device) = device("in_place_is_allowed") else { return };
    let x = upload(&device, DType::F32, &[1.0, 2.0, 3.0, 4.0, 5.0]);
    let op = Elementwise::new(spec("double_it", &[("x", DType::F32)], DType::F32, &[("x + x", DType::F32)]))
        .unwrap();
    op.launch(&device, &[5], &[flat(&x, DType::F32)], &[], &[flat(&x, DType::F32)]).unwrap();
    assert_eq!(download(DType::F32, &x), [2.0, 4.0, 6.0, 8.0, 10.0]);
}

#[test]
fn bad_calls_are_errors_with_the_numbers() {
    let Some(device) = device("bad_calls_are_errors_with_the_numbers") else { return };
    let dtype = DType::F32;
    let x = upload(&device, dtype, &[1.0; 10]);
    let op = Elementwise::new(spec("same", &[("x", dtype)], dtype, &[("x", dtype)])).unwrap();
    let message = |shape: &[usize], input: Operand<'_>, output: Operand<'_>| {
        op.launch(&device, shape, &[input], &[], &[output]).unwrap_err().to_string()
    };
    let view = |offset, strides| Operand { buffer: &x, dtype, offset, strides };
    let text = message(&[4], view(7, &[1]), view(0, &[1]));
    assert!(text.contains("7..=10 of a buffer of 10"), "{text}");
    let text = message(&[4], view(0, &[3]), view(7, &[1]));
    assert!(text.contains("the output") && text.contains("7..=10"), "{text}");
    let text = message(&[4], view(0, &[-1]), view(0, &[1]));
    assert!(text.contains("-3..=0"), "{text}");
    let text = message(&[4], view(0, &[1]), view(0, &[0]));
    assert!(text.contains("writes one element twice"), "{text}");
    let text = message(&[2, 2], view(0, &[1]), view(0, &[2, 1]));
    assert!(text.contains("1 strides for the 2 dimensions"), "{text}");
    let double = Operand { dtype: DType::F64, ..view(0, &[1]) };
    let text = message(&[4], double, view(0, &[1]));
    assert!(text.contains("operand 0 is f64, but the kernel is for f32"), "{text}");

    let bad = Elementwise::new(spec("bad", &[("x", dtype)], dtype, &[("no_such(x)", dtype)])).unwrap();
    let error = bad.launch(&device, &[4], &[view(0, &[1])], &[], &[view(0, &[1])]).unwrap_err();
    assert!(matches!(&error, Error::Compile { kernel, .. } if kernel == "bad"), "{error}");
    let text = error.to_string();
    assert!(text.contains("no_such") && text.contains("return no_such(x);"), "{text}");
}
