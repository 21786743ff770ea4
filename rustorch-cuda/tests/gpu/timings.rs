//! Rates on sizes that fill the chip. They are printed, not asserted: what is good depends on the device.

use rustorch_cuda::{
    Axis, Buffer, DType, Device, Elementwise, ElementwiseSpec, Epilogue, Gemm, Matrix, Operand, Reduction,
    Result, copy_spec, gemm, reduce, softmax, softmax_backward,
};

use crate::support::*;

/// The median of device times, in seconds, of runs of `work`.
fn seconds(device: &Device, mut work: impl FnMut() -> Result<()>) -> f64 {
    for _ in 0..3 {
        work().unwrap();
    }
    let stream = device.current_stream();
    let mut times: Vec<f32> = (0..15)
        .map(|_| {
            let start = stream.record(true).unwrap();
            work().unwrap();
            let end = stream.record(true).unwrap();
            start.elapsed_ms(&end).unwrap()
        })
        .collect();
    times.sort_by(f32::total_cmp);
    f64::from(times[times.len() / 2]) * 1e-3
}

fn bandwidth(device: &Device, what: &str, bytes: usize, work: impl FnMut() -> Result<()>) {
    let time = seconds(device, work);
    say(&format!("  {what:<44} {:>9.1} us {:>8.0} GB/s", time * 1e6, bytes as f64 / time * 1e-9));
}

fn op(name: &str, inputs: &[(&str, DType)], expression: &str, output: DType) -> Elementwise {
    Elementwise::new(ElementwiseSpec {
        name: name.into(),
        inputs: inputs.iter().map(|&(name, dtype)| (name.to_owned(), dtype)).collect(),
        params: vec![],
        compute: DType::F32,
        outputs: vec![(expression.into(), output)],
    })
    .unwrap()
}

#[test]
#[ignore = "prints rates; run it alone, with --ignored"]
fn timings() {
    let Some(device) = device("timings") else { return };
    say(&format!(
        "{} (sm_{}{}), medians of 15",
        device.name(),
        device.compute_capability().0,
        device.compute_capability().1
    ));
    elementwise(&device);
    rows(&device);
    products(&device);
    overheads(&device);
}

fn random_buffer(device: &Device, dtype: DType, count: usize) -> Buffer {
    // A repeated block of random numbers: making a gigabyte of them on the host would take longer than the test.
    let block = upload(device, dtype, &Random::new(5).values(dtype, 1 << 16));
    let buffer = Buffer::uninit(device, count * dtype.size()).unwrap();
    for start in (0..buffer.len()).step_by(block.len()) {
        buffer.copy_from(start, &block, 0, block.len().min(buffer.len() - start)).unwrap();
    }
    buffer
}

fn elementwise(device: &Device) {
    say("elementwise");
    let count = 1 << 26;
    let bytes = count * 4;
    let (x, y, z) = (
        random_buffer(device, DType::F32, count),
        random_buffer(device, DType::F32, count),
        Buffer::uninit(device, bytes).unwrap(),
    );
    let flat = |buffer, dtype| Operand { buffer, dtype, offset: 0, strides: &[1] };
    bandwidth(device, "device to device copy, 256 MiB", 2 * bytes, || z.copy_from(0, &x, 0, bytes));
    let f32 = DType::F32;
    let add = op("add", &[("x", f32), ("y", f32)], "x + y", f32);
    bandwidth(device, "add f32, 64 Mi", 3 * bytes, || {
        add.launch(device, &[count], &[flat(&x, f32), flat(&y, f32)], &[], &[flat(&z, f32)])
    });
    let relu = op("relu", &[("x", f32)], "max(x, T(0.0))", f32);
    bandwidth(device, "relu f32, 64 Mi", 2 * bytes, || {
        relu.launch(device, &[count], &[flat(&x, f32)], &[], &[flat(&z, f32)])
    });
    let gelu = op("gelu", &[("x", f32)], "T(0.5) * x * (T(1.0) + erf(x * T(0.7071067811865476)))", f32);
    bandwidth(device, "gelu f32, 64 Mi", 2 * bytes, || {
        gelu.launch(device, &[count], &[flat(&x, f32)], &[], &[flat(&z, f32)])
    });
    let misaligned = Operand { buffer: &x, dtype: f32, offset: 1, strides: &[1] };
    bandwidth(device, "relu f32, one element off", 2 * (bytes - 4), || {
        relu.launch(device, &[count - 1], &[misaligned], &[], &[flat(&z, f32)])
    });
    let bias = |strides| Operand { buffer: &y, dtype: f32, offset: 0, strides };
    let matrix = |buffer| Operand { buffer, dtype: f32, offset: 0, strides: &[4096, 1] };
    bandwidth(device, "add f32, 16 Ki x 4 Ki plus a row", 2 * bytes, || {
        add.launch(device, &[count / 4096, 4096], &[matrix(&x), bias(&[0, 1])], &[], &[matrix(&z)])
    });
    bandwidth(device, "add f32, 16 Ki x 4 Ki plus a column", 2 * bytes, || {
        add.launch(device, &[count / 4096, 4096], &[matrix(&x), bias(&[1, 0])], &[], &[matrix(&z)])
    });
    let copy = Elementwise::new(copy_spec(f32, f32)).unwrap();
    let turned = Operand { buffer: &x, dtype: f32, offset: 0, strides: &[1, 8192] };
    let target = Operand { buffer: &z, dtype: f32, offset: 0, strides: &[8192, 1] };
    bandwidth(device, "copy f32, 8 Ki x 8 Ki transposed", 2 * bytes, || {
        copy.launch(device, &[8192, 8192], &[turned], &[], &[target])
    });
    let bf16 = DType::BF16;
    let relu = op("relu", &[("x", bf16)], "max(x, T(0.0))", bf16);
    let half = random_buffer(device, bf16, 2 * count);
    bandwidth(device, "relu bf16, 128 Mi", 2 * bytes, || {
        relu.launch(device, &[2 * count], &[flat(&half, bf16)], &[], &[flat(&z, bf16)])
    });
}

fn rows(device: &Device) {
    say("along an axis (bytes read and written once)");
    for (dtype, outer, dim, inner) in [
        (DType::F32, 65_536, 1000, 1),
        (DType::F32, 16_384, 4096, 1),
        (DType::F32, 2048, 32_768, 1),
        (DType::F32, 512, 131_072, 1),
        (DType::BF16, 16_384, 4096, 1),
        (DType::F32, 64, 1024, 1024),
    ] {
        let axis = Axis { outer, dim, inner };
        let bytes = axis.elements() * dtype.size();
        let (x, y, z) = (
            random_buffer(device, dtype, axis.elements()),
            Buffer::uninit(device, bytes).unwrap(),
            Buffer::uninit(device, bytes).unwrap(),
        );
        let shape = format!("{dtype} {outer} x {dim} x {inner}");
        bandwidth(device, &format!("softmax {shape}"), 2 * bytes, || {
            softmax(device, dtype, axis, false, whole(&x), whole(&y))
        });
        bandwidth(device, &format!("softmax backward {shape}"), 3 * bytes, || {
            softmax_backward(device, dtype, axis, false, whole(&x), whole(&y), whole(&z))
        });
        bandwidth(device, &format!("sum {shape}"), bytes, || {
            reduce(device, Reduction::Sum, axis, 1.0, (dtype, whole(&x)), (dtype, whole(&y)))
        });
    }
    let axis = Axis { outer: 1, dim: 1 << 26, inner: 1 };
    let (x, y) = (random_buffer(device, DType::F32, axis.dim), Buffer::uninit(device, 4).unwrap());
    bandwidth(device, "sum of all, f32 64 Mi", axis.dim * 4, || {
        reduce(device, Reduction::Sum, axis, 1.0, (DType::F32, whole(&x)), (DType::F32, whole(&y)))
    });
}

fn products(device: &Device) {
    say("matrix products");
    for (dtype, tf32, size) in [
        (DType::BF16, false, 8192),
        (DType::F16, false, 8192),
        (DType::F32, true, 8192),
        (DType::F32, false, 8192),
        (DType::F64, false, 4096),
        (DType::BF16, false, 1024),
    ] {
        let [a, b] = [1, 2].map(|_| random_buffer(device, dtype, size * size));
        let c = Buffer::uninit(device, size * size * dtype.size()).unwrap();
        let matrix =
            |buffer| Matrix { elements: whole(buffer), ld: size, transposed: false, batch_stride: 0 };
        let (a, b, c) = (matrix(&a), matrix(&b), matrix(&c));
        let epilogue = Epilogue::None;
        let product = Gemm {
            dtype,
            tf32,
            m: size,
            n: size,
            k: size,
            batch: 1,
            alpha: 1.0,
            beta: 0.0,
            a,
            b,
            c,
            epilogue,
        };
        let time = seconds(device, || gemm(device, product));
        let rate = 2.0 * (size as f64).powi(3) / time * 1e-12;
        let name = format!("{dtype}{} {size}^3", if tf32 { " (tf32)" } else { "" });
        say(&format!("  {name:<44} {:>9.1} us {rate:>8.1} TFLOP/s", time * 1e6));
    }
}

/// What a launch costs the host.
fn overheads(device: &Device) {
    say("host time of a call");
    let (x, y) = (Buffer::zeros(device, 4096).unwrap(), Buffer::uninit(device, 4096).unwrap());
    let relu = op("relu", &[("x", DType::F32)], "max(x, T(0.0))", DType::F32);
    let flat = |buffer| Operand { buffer, dtype: DType::F32, offset: 0, strides: &[1] };
    let rounds = 20_000;
    let each = |what: &str, work: &mut dyn FnMut()| {
        device.synchronize().unwrap();
        let start = std::time::Instant::now();
        (0..rounds).for_each(|_| work());
        device.synchronize().unwrap();
        say(&format!("  {what:<44} {:>9.2} us", start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)));
    };
    each("relu of 1024 f32", &mut || relu.launch(device, &[1024], &[flat(&x)], &[], &[flat(&y)]).unwrap());
    each("allocate and free 4 KiB", &mut || drop(Buffer::uninit(device, 4096).unwrap()));
    let matrix = |buffer| Matrix { elements: whole(buffer), ld: 32, transposed: false, batch_stride: 0 };
    let epilogue = Epilogue::None;
    let (a, b, c) = (matrix(&x), matrix(&x), matrix(&y));
    let product = Gemm {
        dtype: DType::F32,
        tf32: false,
        m: 32,
        n: 32,
        k: 32,
        batch: 1,
        alpha: 1.0,
        beta: 0.0,
        a,
        b,
        c,
        epilogue,
    };
    each("matmul 32^3 f32", &mut || gemm(device, product).unwrap());
}
