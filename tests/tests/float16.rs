//! The two types of 16 bits, against those of the crate `half`, which are elements as well.

use rustorch::{DType, Tensor, bf16, f16};

/// Every 16 bits, and every 251st `f32`, as a test of the whole range.
#[test]
fn conversions_are_those_of_half() {
    for bits in 0..=u16::MAX {
        let (ours, theirs) = (f16::from_bits(bits), half::f16::from_bits(bits));
        assert_eq!(ours.is_nan(), theirs.is_nan());
        assert!(ours.is_nan() || ours.to_f32().to_bits() == theirs.to_f32().to_bits(), "{bits:#06x}");
        let (ours, theirs) = (bf16::from_bits(bits), half::bf16::from_bits(bits));
        assert_eq!(ours.is_nan(), theirs.is_nan());
        assert!(ours.is_nan() || ours.to_f32().to_bits() == theirs.to_f32().to_bits(), "{bits:#06x}");
    }
    for bits in (0..=u32::MAX).step_by(251) {
        let value = f32::from_bits(bits);
        let (narrow, brain) = (f16::from_f32(value), bf16::from_f32(value));
        if value.is_nan() {
            assert!(narrow.is_nan() && brain.is_nan(), "{bits:#010x}");
        } else {
            assert_eq!(narrow.to_bits(), half::f16::from_f32(value).to_bits(), "{value:e}");
            assert_eq!(brain.to_bits(), half::bf16::from_f32(value).to_bits(), "{value:e}");
        }
    }
}

#[test]
fn the_types_of_half_are_elements() {
    let numbers = [1.5f32, -0.0, 1e-7, 65504.0, f32::INFINITY];
    let narrow = Tensor::from(numbers.map(half::f16::from_f32));
    assert_eq!(narrow.dtype(), DType::F16);
    assert_eq!(narrow.to_vec::<half::f16>().unwrap(), numbers.map(half::f16::from_f32));
    assert_eq!(narrow.to_vec::<f16>().unwrap(), numbers.map(f16::from_f32));
    let brain = Tensor::from(numbers.map(half::bf16::from_f32));
    assert_eq!(brain.dtype(), DType::BF16);
    assert_eq!(brain.to_vec::<bf16>().unwrap(), numbers.map(bf16::from_f32));
    assert_eq!(brain.sum().item::<half::bf16>().unwrap(), half::bf16::INFINITY);
}
