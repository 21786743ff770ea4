//! What the tests share: the device, made-up numbers and comparison.

use std::io::Write;

use rustorch::{DType, Device, Result, Tensor, cuda};

/// The first GPU. Without one the reason is written past the harness's capture, so that it is always seen.
pub fn gpu(test: &str) -> Option<Device> {
    match cuda::device_name(0) {
        Ok(_) => Some(Device::Cuda(0)),
        Err(reason) => {
            let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {reason}");
            None
        }
    }
}

pub const FLOATS: [DType; 4] = [DType::F32, DType::F64, DType::F16, DType::BF16];
pub const REALS: [DType; 10] = [
    DType::F32,
    DType::F64,
    DType::F16,
    DType::BF16,
    DType::I64,
    DType::I32,
    DType::I16,
    DType::I8,
    DType::U8,
    DType::Bool,
];

/// Numbers from -1 to 1 that look random and are the same on every run.
pub fn noise(seed: u64, count: usize) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A CPU tensor of noise: from -2.5 to 2.5 for floats, small integers otherwise.
pub fn tensor(seed: u64, shape: &[usize], dtype: DType) -> Tensor {
    let scale = if FLOATS.contains(&dtype) { 2.5 } else { 9.0 };
    let raw = noise(seed, shape.iter().product()).into_iter().map(|value| {
        let value = value * scale;
        match dtype {
            DType::U8 => value.abs().floor(),
            DType::Bool => f64::from(value > 0.0),
            dtype if FLOATS.contains(&dtype) => value,
            _ => value.floor(),
        }
    });
    Tensor::from_vec(raw.collect::<Vec<f64>>(), shape).unwrap().to_dtype(dtype)
}

pub fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.cpu().unwrap().detach().to_dtype(DType::F64).to_vec::<f64>().unwrap()
}

/// One unit of rounding; 0 for exact types.
pub fn unit(dtype: DType) -> f64 {
    match dtype {
        DType::F32 => f64::from(f32::EPSILON),
        DType::F64 => f64::EPSILON,
        DType::F16 => 1.0 / 1024.0,
        DType::BF16 => 1.0 / 128.0,
        _ => 0.0,
    }
}

/// The same shape, dtype and, within `units` of rounding relative to `max(1, |value|)`, the same values.
#[track_caller]
pub fn assert_same(what: &str, gpu: &Tensor, cpu: &Tensor, units: f64) {
    assert_eq!((gpu.shape(), gpu.dtype()), (cpu.shape(), cpu.dtype()), "{what}");
    let tolerance = units * unit(cpu.dtype());
    for (at, (gpu, cpu)) in values(gpu).into_iter().zip(values(cpu)).enumerate() {
        let same = gpu == cpu || (gpu.is_nan() && cpu.is_nan());
        let near = (gpu - cpu).abs() <= tolerance * cpu.abs().max(1.0);
        assert!(same || near, "{what}: element {at} is {gpu:e} on the GPU and {cpu:e} on the CPU");
    }
}

/// Runs the same computation on both devices. Either both fail, or both agree.
#[track_caller]
pub fn compare(
    what: &str,
    gpu: Device,
    inputs: &[Tensor],
    units: f64,
    run: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    let there: Vec<Tensor> = inputs.iter().map(|input| input.to_device(gpu).unwrap()).collect();
    match (run(&there), run(inputs)) {
        (Ok(found), Ok(expected)) => {
            assert_eq!(found.device(), gpu, "{what}");
            assert_same(what, &found, &expected, units);
        }
        (Err(found), Err(expected)) => {
            let (found, expected) = (found.to_string(), expected.to_string());
            assert_eq!(found, expected, "{what}");
        }
        (Ok(_), Err(error)) => panic!("{what}: only the CPU refuses: {error}"),
        (Err(error), Ok(_)) => panic!("{what}: only the GPU refuses: {error}"),
    }
}

/// As [`compare`], for the result and for the gradients of a weighted sum of it with respect to every input.
#[track_caller]
pub fn compare_gradients(
    what: &str,
    gpu: Device,
    inputs: &[Tensor],
    units: f64,
    run: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    compare(what, gpu, inputs, units, &run);
    let gradients = |device: Device| {
        let leaf = |input: &Tensor| input.to_device(device).unwrap().detach().requires_grad_(true).unwrap();
        let leaves: Vec<Tensor> = inputs.iter().map(leaf).collect();
        let result = run(&leaves).unwrap();
        let weights = tensor(99, result.shape(), result.dtype()).to_device(device).unwrap();
        result.mul(&weights).unwrap().sum().backward().unwrap();
        leaves.iter().map(|leaf| leaf.grad().expect("every input has a gradient")).collect::<Vec<_>>()
    };
    for (at, (found, expected)) in gradients(gpu).iter().zip(gradients(Device::Cpu)).enumerate() {
        assert_eq!(found.device(), gpu, "{what}, gradient {at}");
        assert_same(&format!("{what}, gradient {at}"), found, &expected, units);
    }
}
