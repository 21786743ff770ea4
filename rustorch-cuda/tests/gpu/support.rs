//! What the tests share: the device, random numbers, encoding and comparison.

use std::io::Write;

use half::{bf16, f16};
use rustorch_cuda::{Buffer, DType, Device, Elements};

/// The first device; without one the reason is written past the test harness's capture, so that it is always seen.
pub fn device(test: &str) -> Option<Device> {
    Device::new(0).map_err(|reason| say(&format!("SKIPPED {test}: {reason}"))).ok()
}

/// Writes a line that the harness does not capture.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Numbers that look random and are the same on every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// From -1 to 1.
    pub fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// Values that the type can hold: small integers for integers, -3 to 3 for floats.
    pub fn values(&mut self, dtype: DType, count: usize) -> Vec<f64> {
        let value = |raw: f64| match dtype {
            DType::Bool => f64::from(raw > 0.0),
            DType::U8 => ((raw + 1.0) * 20.0).floor(),
            dtype if dtype.is_float() => raw * 3.0,
            _ => (raw * 20.0).floor(),
        };
        let raw: Vec<f64> = (0..count).map(|_| value(self.next())).collect();
        decode(dtype, &encode(dtype, &raw))
    }
}

pub fn encode(dtype: DType, values: &[f64]) -> Vec<u8> {
    fn bytes<const N: usize>(values: &[f64], convert: impl Fn(f64) -> [u8; N]) -> Vec<u8> {
        values.iter().flat_map(|&value| convert(value)).collect()
    }
    match dtype {
        DType::F32 => bytes(values, |value| (value as f32).to_le_bytes()),
        DType::F64 => bytes(values, f64::to_le_bytes),
        DType::F16 => bytes(values, |value| f16::from_f64(value).to_le_bytes()),
        DType::BF16 => bytes(values, |value| bf16::from_f64(value).to_le_bytes()),
        DType::U8 => bytes(values, |value| (value as i64 as u8).to_le_bytes()),
        DType::I8 => bytes(values, |value| (value as i64 as i8).to_le_bytes()),
        DType::I16 => bytes(values, |value| (value as i64 as i16).to_le_bytes()),
        DType::I32 => bytes(values, |value| (value as i64 as i32).to_le_bytes()),
        DType::I64 => bytes(values, |value| (value as i64).to_le_bytes()),
        DType::Bool => bytes(values, |value| [u8::from(value != 0.0)]),
    }
}

pub fn decode(dtype: DType, bytes: &[u8]) -> Vec<f64> {
    fn values<const N: usize>(bytes: &[u8], convert: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        bytes.chunks_exact(N).map(|chunk| convert(chunk.try_into().unwrap())).collect()
    }
    match dtype {
        DType::F32 => values(bytes, |raw| f64::from(f32::from_le_bytes(raw))),
        DType::F64 => values(bytes, f64::from_le_bytes),
        DType::F16 => values(bytes, |raw| f16::from_le_bytes(raw).to_f64()),
        DType::BF16 => values(bytes, |raw| bf16::from_le_bytes(raw).to_f64()),
        DType::U8 | DType::Bool => values(bytes, |raw: [u8; 1]| f64::from(raw[0])),
        DType::I8 => values(bytes, |raw| f64::from(i8::from_le_bytes(raw))),
        DType::I16 => values(bytes, |raw| f64::from(i16::from_le_bytes(raw))),
        DType::I32 => values(bytes, |raw| f64::from(i32::from_le_bytes(raw))),
        DType::I64 => values(bytes, |raw| i64::from_le_bytes(raw) as f64),
    }
}

pub fn upload(device: &Device, dtype: DType, values: &[f64]) -> Buffer {
    Buffer::from_slice(device, &encode(dtype, values)).unwrap()
}

/// A buffer in which every byte is wrong, so that an element nobody wrote is noticed.
pub fn poisoned(device: &Device, dtype: DType, count: usize) -> Buffer {
    let buffer = Buffer::uninit(device, count * dtype.size()).unwrap();
    buffer.fill(0..buffer.len(), 0xFF).unwrap();
    buffer
}

pub fn download(dtype: DType, buffer: &Buffer) -> Vec<f64> {
    decode(dtype, &buffer.to_vec::<u8>().unwrap())
}

pub fn whole(buffer: &Buffer) -> Elements<'_> {
    Elements { buffer, offset: 0 }
}

/// One unit of rounding of the type.
pub fn epsilon(dtype: DType) -> f64 {
    match dtype {
        DType::F32 => f64::from(f32::EPSILON),
        DType::F64 => f64::EPSILON,
        DType::F16 => 1.0 / 1024.0,
        DType::BF16 => 1.0 / 128.0,
        _ => 0.0,
    }
}

/// Each element within `tolerance * max(1, |expected|)`; NaN matches NaN only, and infinities match themselves.
#[track_caller]
pub fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths");
    for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let same = found == expected || (found.is_nan() && expected.is_nan());
        let near = (found - expected).abs() <= tolerance * expected.abs().max(1.0);
        assert!(
            same || near,
            "{what}: element {at} is {found:e}, expected {expected:e} (tolerance {tolerance:e})"
        );
    }
}

/// Row-major strides.
pub fn contiguous(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1isize; shape.len()];
    for dim in (1..shape.len()).rev() {
        strides[dim - 1] = strides[dim] * shape[dim] as isize;
    }
    strides
}

/// The places of a view's elements, in row-major order of its shape.
pub fn places(shape: &[usize], strides: &[isize], offset: usize) -> Vec<usize> {
    let count: usize = shape.iter().product();
    (0..count)
        .map(|mut index| {
            let mut at = offset as isize;
            for dim in (0..shape.len()).rev() {
                at += (index % shape[dim]) as isize * strides[dim];
                index /= shape[dim];
            }
            at as usize
        })
        .collect()
}
