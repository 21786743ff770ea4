//! Moving, copying and filling.

use rustorch::{DType, Device, Tensor, cuda};

use crate::support::*;

#[test]
fn without_a_gpu_the_error_says_what_is_missing() {
    if cuda::is_available() {
        return;
    }
    let error = Tensor::zeros([2]).cuda().unwrap_err().to_string();
    assert!(error.starts_with("cuda:0: "), "{error}");
    assert!(
        error.contains("feature `cuda`") || error.contains("driver") || error.contains("no CUDA device"),
        "{error}"
    );
    assert_eq!(cuda::device_count(), 0);
}

#[test]
fn every_dtype_survives_the_way_there_and_back() {
    let Some(gpu) = gpu("every_dtype_survives") else { return };
    for dtype in DType::ALL {
        let x = tensor(1, &[7, 9], DType::F32).to_dtype(dtype);
        for view in [x.clone(), x.t().unwrap(), x.narrow(1, 2, 5).unwrap(), x.select(0, 3).unwrap()] {
            let there = view.to_device(gpu).unwrap();
            assert_eq!((there.device(), there.dtype(), there.shape()), (gpu, dtype, view.shape()));
            let back = there.cpu().unwrap();
            assert!(back.device().is_cpu());
            assert_same(&format!("{dtype}"), &back, &view, 0.0);
        }
    }
    let empty = Tensor::zeros([0, 3]).to_device(gpu).unwrap();
    assert_eq!(empty.cpu().unwrap().shape(), [0, 3]);
}

#[test]
fn views_on_the_gpu_share_memory_and_copy_out_right() {
    let Some(gpu) = gpu("views_on_the_gpu") else { return };
    let x = tensor(2, &[4, 5, 6], DType::F32);
    let there = x.to_device(gpu).unwrap();
    for (cpu, gpu) in [(&x, &there)] {
        for (a, b) in [
            (cpu.permute([2, 0, 1]).unwrap(), gpu.permute([2, 0, 1]).unwrap()),
            (cpu.narrow(1, 1, 3).unwrap(), gpu.narrow(1, 1, 3).unwrap()),
            (cpu.select(2, 4).unwrap().t().unwrap(), gpu.select(2, 4).unwrap().t().unwrap()),
        ] {
            assert!(b.shares_storage(gpu));
            assert_same("view", &b, &a, 0.0);
            assert_same("contiguous", &b.contiguous(), &a, 0.0);
        }
    }
    for tensor in [&x, &there] {
        tensor.select(0, 1).unwrap().fill_(7.0).unwrap();
        tensor.narrow(1, 0, 2).unwrap().add_(1.0).unwrap();
        // From the other device, with broadcast and conversion.
        tensor.select(1, 4).unwrap().copy_(&Tensor::from([1i64, 2, 3, 4, 5, 6])).unwrap();
    }
    assert_same("after in-place operations", &there, &x, 0.0);
}

#[test]
fn every_conversion_agrees() {
    let Some(gpu) = gpu("every_conversion_agrees") else { return };
    for from in REALS {
        for to in REALS {
            let x = tensor(3, &[50], from);
            compare(&format!("{from} to {to}"), gpu, &[x], 0.0, |x| Ok(x[0].to_dtype(to)));
        }
    }
}

#[test]
fn gradients_cross_devices() {
    let Some(gpu) = gpu("gradients_cross_devices") else { return };
    let x = Tensor::from([1.0f32, -2.0, 3.0]).requires_grad_(true).unwrap();
    let y = x.to_device(gpu).unwrap().relu();
    y.mul(&y).unwrap().sum().cpu().unwrap().backward().unwrap();
    let grad = x.grad().unwrap();
    assert_eq!((grad.device(), grad.to_vec::<f32>().unwrap()), (Device::Cpu, vec![2.0, 0.0, 6.0]));
}

#[test]
fn tensors_made_on_the_gpu() {
    let Some(gpu) = gpu("tensors_made_on_the_gpu") else { return };
    for dtype in REALS {
        let ones = Tensor::ones_with([3, 4], (dtype, gpu));
        assert_same(&format!("ones {dtype}"), &ones, &Tensor::ones_with([3, 4], dtype), 0.0);
        assert_same(&format!("full {dtype}"), &ones.full_like(3), &Tensor::full_with([3, 4], 3, dtype), 0.0);
    }
    assert_eq!(Tensor::full_with([2], 2.5, gpu).select(0, 1).unwrap().item::<f64>().unwrap(), 2.5);
}

#[test]
fn memory_is_counted() {
    let Some(Device::Cuda(ordinal)) = gpu("memory_is_counted") else { return };
    cuda::reset_peak_memory_stats(ordinal).unwrap();
    let big = Tensor::zeros_with([1 << 22], Device::Cuda(ordinal));
    let stats = cuda::memory_stats(ordinal).unwrap();
    assert!(
        stats.allocated >= 1 << 24 && stats.reserved >= stats.allocated && stats.peak_allocated >= 1 << 24
    );
    drop(big);
    cuda::synchronize(ordinal).unwrap();
    cuda::empty_cache(ordinal).unwrap();
    let (free, total) = cuda::memory_info(ordinal).unwrap();
    assert!(free <= total);
    let error = Tensor::zeros([1]).to_device(Device::Cuda(1000)).unwrap_err().to_string();
    assert!(error.contains("no CUDA device 1000"), "{error}");
}

#[test]
fn operands_on_two_devices_are_an_error_unless_one_is_a_number() {
    let Some(gpu) = gpu("operands_on_two_devices") else { return };
    let (x, y) = (Tensor::ones([2]), Tensor::ones_with([2], gpu));
    let error = x.add(&y).unwrap_err().to_string();
    assert!(error.contains("add") && error.contains("cpu and cuda:0"), "{error}");
    let point = Tensor::from_vec(vec![2.0f32], [0usize; 0]).unwrap().requires_grad_(true).unwrap();
    let product = y.mul(&point).unwrap();
    assert_eq!(product.cpu().unwrap().to_vec::<f32>().unwrap(), [2.0, 2.0]);
    product.sum().backward().unwrap();
    let grad = point.grad().unwrap();
    assert_eq!((grad.device(), grad.item::<f32>().unwrap()), (Device::Cpu, 2.0));
}

#[test]
fn a_seed_gives_the_same_numbers_on_both_devices() {
    let Some(gpu) = gpu("a_seed_gives_the_same_numbers") else { return };
    for dtype in FLOATS {
        let draw = |device: Device| rustorch::random::Generator::new(7).randn([3, 5], (dtype, device));
        assert_same(&format!("randn {dtype}"), &draw(gpu).unwrap(), &draw(Device::Cpu).unwrap(), 0.0);
    }
}
