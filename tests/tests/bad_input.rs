//! Bad input is an error that names the operation and the numbers, never a panic of a kernel.

use rustorch::nn::{self, Layer, functional as F};
use rustorch::{DType, PadMode, Result, Tensor};
use rustorch_tests::quiet;

type Call = fn() -> Result<()>;

fn x() -> Tensor {
    Tensor::zeros([2, 3])
}

fn done<T>(result: Result<T>) -> Result<()> {
    result.map(drop)
}

/// A call, and what its message must contain: the operation, the axis, both sizes.
const ROWS: &[(Call, &[&str])] = &[
    // Shapes.
    (|| done(x().add(&Tensor::zeros([4]))), &["add", "3", "4"]),
    (|| done(x().matmul(&Tensor::zeros([2, 3]))), &["matmul", "3", "2"]),
    (|| done(x().mm(&Tensor::zeros([3]))), &["mm", "[3]"]),
    (|| done(x().bmm(&x())), &["bmm", "[2, 3]"]),
    (|| done(x().reshape([4, 2])), &["reshape", "6", "8"]),
    (|| done(x().reshape([-1, -1])), &["reshape", "inferred"]),
    (|| done(x().reshape([-1, 4])), &["reshape", "4"]),
    (|| done(x().reshape([-2, 3])), &["reshape", "-2"]),
    (|| done(x().t()?.view([6])), &["view", "[3, 2]"]),
    (|| done(x().expand([2, 4])), &["expand", "3", "4"]),
    (|| done(x().unflatten(1, [2, 2])), &["unflatten", "3"]),
    (|| done(Tensor::cat(&[x(), Tensor::zeros([2, 2])], 0)), &["cat", "3", "2"]),
    (|| done(Tensor::stack(&[x(), Tensor::zeros([3])], 0)), &["stack", "[2, 3]", "[3]"]),
    (|| done(Tensor::cat(&[] as &[Tensor], 0)), &["cat"]),
    (|| done(x().split(0, 0)), &["split", "0"]),
    (|| done(x().split(vec![1, 1], 1)), &["split", "2", "3"]),
    (|| done(x().chunk(0, 0)), &["chunk", "0"]),
    (|| done(x().pad([1], PadMode::Constant(0.0))), &["pad"]),
    (|| done(x().pad([-4, 0], PadMode::Constant(0.0))), &["pad", "axis 1"]),
    (|| done(x().pad([3, 0], PadMode::Reflect)), &["pad", "3"]),
    (|| done(Tensor::from_vec(vec![1.0f32; 5], [2, 3])), &["5", "[2, 3]"]),
    (|| done(x().item::<f32>()), &["item", "[2, 3]"]),
    (|| done(Tensor::complex(&x(), &Tensor::zeros([4]))), &["3", "4"]),
    (|| done(x().index_add(0, &Tensor::from([0i64]), &Tensor::zeros([2, 3]))), &["index_add", "2", "1"]),
    (|| done(x().copy_(&Tensor::zeros([4]))), &["copy_", "3", "4"]),
    (|| done(x().add_(&Tensor::zeros([4, 2, 3]))), &["add", "[4, 2, 3]"]),
    // Axes.
    (|| done(x().sum_dim(2, false)), &["sum", "2"]),
    (|| done(x().sum_dim([0, 0], false)), &["sum", "0"]),
    (|| done(x().softmax(-3)), &["softmax", "-3"]),
    (|| done(x().transpose(0, 2)), &["transpose", "2"]),
    (|| done(x().permute([0, 0])), &["permute", "0"]),
    (|| done(x().permute([0])), &["permute", "1", "2"]),
    (|| done(x().unsqueeze(4)), &["unsqueeze", "4"]),
    (|| done(x().flatten(1, 0)), &["flatten", "1", "0"]),
    (|| done(x().flip([2])), &["flip", "2"]),
    (|| done(x().cumsum(2)), &["cumsum", "2"]),
    (|| done(x().sort(5, false, false)), &["sort", "5"]),
    (|| done(x().argmax(2, false)), &["argmax", "2"]),
    (|| done(x().size(2)), &["size", "2"]),
    (|| done(Tensor::full([], 1.0).size(0)), &["size", "0", "no axes"]),
    (|| done(Tensor::full([], 1.0).unbind(0)), &["no axes"]),
    (|| done(Tensor::full([], 1.0).roll(0, 0)), &["roll", "0", "no axes"]),
    // Numbers that a dtype does not hold.
    (|| done(Ok(x().to_dtype(DType::U8).full_like(300))), &["full_like", "300", "uint8"]),
    (|| done(Ok(Tensor::full_with([2], 1e39, DType::F32))), &["full", "000", "float32"]),
    (|| done(x().to_dtype(DType::F16).masked_fill(&x().eq(0)?, -1e9)), &["masked_fill", "float16"]),
    (
        || done(x().to_dtype(DType::U8).masked_fill(&x().eq(0)?, &Tensor::full([], -0.5))),
        &["masked_fill", "-0.5", "uint8"],
    ),
    (|| done(Tensor::from([1.0f32, f32::NAN]).histc(2, 0.0, 0.0)), &["histc", "NaN"]),
    (
        || {
            let p = Tensor::from([0.5f32, f32::NAN]);
            done(F::binary_cross_entropy(&p, &Tensor::ones([2]), None, F::Reduction::Mean))
        },
        &["binary_cross_entropy", "NaN"],
    ),
    (|| done(x().to_dtype(DType::U8).clamp(0, -1)), &["clamp", "upper", "-1", "0 to 255"]),
    (|| done(x().lerp(&x().to_dtype(DType::F64), 0.5)), &["lerp", "float32", "float64"]),
    (|| done(x().to_dtype(DType::I64).lerp(&x().to_dtype(DType::I64), 0.5)), &["lerp", "int64"]),
    // Sizes.
    (|| done(x().narrow(1, 2, 2)), &["narrow", "2", "3"]),
    (|| done(x().narrow(1, usize::MAX, 2)), &["narrow", "3"]),
    (|| done(x().select(1, 3)), &["select", "3"]),
    (|| done(x().slice(1, 0, 2, 0)), &["slice", "0"]),
    (|| done(x().unfold(1, 4, 1)), &["unfold", "4", "3"]),
    (|| done(x().topk(4, 1, true, true)), &["topk", "4", "3"]),
    (|| done(x().kthvalue(0, 1, false)), &["kthvalue", "0"]),
    (|| done(x().as_strided(&[4, 4], &[4, 1], 0)), &["as_strided", "[4, 4]", "6"]),
    (|| done(x().as_strided(&[2, 2], &[usize::MAX, 1], 0)), &["as_strided", "[2, 2]"]),
    (|| done(x().repeat([usize::MAX, 2])), &["repeat"]),
    (|| done(x().expand([1isize << 40, 1 << 40, 2, 3])), &["expand"]),
    (
        || done(Tensor::full_with([usize::MAX, 2], 0.0, DType::F32).sum().item::<f32>()),
        &["cannot allocate", "2"],
    ),
    (|| done(Tensor::zeros([1 << 62]).item::<f32>()), &["cannot allocate"]),
    // Dtypes.
    (|| done(x().matmul(&Tensor::zeros_with([3, 2], DType::F64))), &["matmul", "float32", "float64"]),
    (|| done(x().bitwise_and(1)), &["bitwise_and", "float32"]),
    (|| done(x().masked_select(&x())), &["masked_select", "float32", "bool"]),
    (|| done(Tensor::where_(&x(), &x(), &x())), &["where", "float32"]),
    (|| done(x().gather(1, &x())), &["gather", "float32"]),
    (|| done(x().to_vec::<f64>()), &["float32", "float64"]),
    (|| done(Tensor::from([1i64]).requires_grad_(true)), &["int64"]),
    (|| done(Tensor::from([1i32]).add_(1.5)), &["add", "int32", "float32"]),
    (|| done(Tensor::from([true]).sub(&Tensor::from([true]))), &["sub", "bool"]),
    (|| done(Tensor::from([true]).remainder(&Tensor::from([true]))), &["remainder", "bool"]),
    (|| done(Tensor::from([true]).floor_divide(true)), &["floor_divide", "bool"]),
    (|| done(Tensor::from([true]).floor_()), &["floor", "bool"]),
    (|| done(Tensor::from([1i64]).floor_divide(0)), &["floor_divide", "zero"]),
    (|| done(Tensor::from([2i64]).pow(-1)), &["pow", "-1"]),
    (|| done(Tensor::from([2u8]).fill_(300)), &["fill_", "300", "uint8"]),
    (
        || {
            done(F::conv2d(
                &Tensor::zeros_with([1, 1, 4, 4], DType::Bool),
                &Tensor::zeros_with([1, 1, 2, 2], DType::Bool),
                None,
                Default::default(),
            ))
        },
        &["conv2d", "bool"],
    ),
    // Indices.
    (|| done(F::embedding(&Tensor::from([0i64, 4]), &Tensor::zeros([4, 2]), None)), &["embedding", "4"]),
    (|| done(F::embedding(&Tensor::from([-1i64]), &Tensor::zeros([4, 2]), None)), &["embedding", "-1", "4"]),
    (|| done(x().gather(1, &Tensor::from([[3i64], [0]]))), &["gather", "3", "axis 1"]),
    (|| done(x().scatter(0, &Tensor::from([[2i64]]), &Tensor::zeros([1, 1]))), &["scatter", "2", "axis 0"]),
    (
        || done(x().scatter_add_(1, &Tensor::from([[-1i64]]), &Tensor::zeros([1, 1]))),
        &["scatter_add_", "-1", "3"],
    ),
    (|| done(x().index_select(0, &Tensor::from([2i64]))), &["index_select", "2", "axis 0"]),
    (|| done(x().take(&Tensor::from([6i64]))), &["take", "6"]),
    (|| done(x().index_put(&[Some(Tensor::from([2i64]))], &Tensor::zeros([3]), false)), &["2", "axis 0"]),
    (|| done(x().i((0, 3))), &["index", "3", "axis 1"]),
    (|| done(x().i((0, 0, 0))), &["index", "3 axes", "[2, 3]"]),
    (|| done(F::cross_entropy(&x(), &Tensor::from([0i64, 3]))), &["cross_entropy", "3"]),
    (|| done(F::cross_entropy(&x(), &Tensor::from([0i64, -1]))), &["cross_entropy", "-1"]),
    (|| done(F::nll_loss(&x(), &Tensor::from([0i64, 7]), &Default::default())), &["nll_loss", "7"]),
    (|| done(F::one_hot(&Tensor::from([5i64]), 3)), &["one_hot", "5", "3"]),
    (|| done(Tensor::from([-1i64]).bincount(None, 0)), &["bincount", "-1"]),
    // Layers.
    (|| done(nn::Linear::new(4, 2).forward(&x())), &["linear", "3", "4"]),
    (|| done(nn::Conv2d::new(3, 4, 3).forward(&Tensor::zeros([1, 2, 5, 5]))), &["conv2d", "2", "3"]),
    (|| done(nn::Conv2d::new(2, 4, 3).forward(&Tensor::zeros([1, 2, 2, 5]))), &["conv2d", "3", "2"]),
    (
        || {
            done(F::conv2d(
                &Tensor::zeros([1, 2, 4, 4]),
                &Tensor::zeros([0, 2, 3, 3]),
                None,
                Default::default(),
            ))
        },
        &["conv2d", "out_channels is 0", "at least 1"],
    ),
    (
        || done(F::avg_pool2d(&Tensor::zeros([2, 0, 4, 4]), [2, 2], Default::default())),
        &["avg_pool2d", "no channels", "[2, 0, 4, 4]"],
    ),
    (
        || {
            let options = F::MaxPool2dOptions {
                padding: [1, 1],
                dilation: [2, 3],
                ceil_mode: true,
                ..Default::default()
            };
            done(F::max_pool2d(&Tensor::zeros([1, 1, 1, 9]), [2, 2], options))
        },
        &["max_pool2d", "row 0", "[1, 9]", "[2, 3]"],
    ),
    (|| done(nn::Conv2d::builder(3, 4, 3).groups(2).build()), &["groups", "3", "2"]),
    (|| done(nn::Conv2d::builder(3, 4, 3).groups(0).build()), &["groups", "0"]),
    (|| done(nn::MaxPool2d::new(4).forward(&Tensor::zeros([1, 2, 3, 5]))), &["4", "3"]),
    (|| done(nn::BatchNorm2d::new(3).forward(&Tensor::zeros([1, 2, 3, 5]))), &["BatchNorm2d", "2", "3"]),
    (|| done(nn::BatchNorm1d::new(3).forward(&Tensor::zeros([1, 3]))), &["batch_norm", "[1, 3]"]),
    (|| done(nn::LayerNorm::new(4).forward(&x())), &["layer_norm", "4", "3"]),
    (|| done(nn::GroupNorm::builder(3, 4).build()?.forward(&Tensor::zeros([1, 4]))), &["3", "4"]),
    (|| done(nn::Embedding::builder(3, 2).padding_idx(3).build()), &["Embedding", "3"]),
    (|| done(x().dropout(f64::NAN)), &["dropout", "NaN"]),
    (|| done(F::mse_loss(&x(), &Tensor::zeros([4]), F::Reduction::Mean)), &["mse_loss", "3", "4"]),
    // Numbers that PyTorch refuses.
    (|| done(x().celu(0.0)), &["celu", "alpha", "0"]),
    (|| done(x().celu_(-0.0)), &["celu", "alpha", "0"]),
    (|| done(x().hardtanh(2.0, 1.0)), &["hardtanh", "2", "1"]),
    (|| done(x().hardtanh_(f64::INFINITY, 0.0)), &["hardtanh", "inf", "0"]),
    (|| done(x().softshrink(-1.5)), &["softshrink", "-1.5"]),
    (|| done(x().softshrink(f64::NAN)), &["softshrink", "NaN"]),
    (|| done(x().softshrink_(1e39)), &["softshrink", "float32"]),
    (|| done(x().threshold(0.0, 1e39)), &["threshold", "float32"]),
    (|| done(x().to_dtype(DType::U8).threshold(0.0, 300.0)), &["threshold", "300", "uint8"]),
    (|| done(x().to_dtype(DType::U8).threshold(-1.0, 0.0)), &["threshold", "-1", "uint8"]),
    (|| done(x().to_dtype(DType::I32).threshold(f64::NAN, 1.0)), &["threshold", "NaN", "int32"]),
    (|| done(F::celu(&x(), 0.0)), &["celu", "alpha"]),
    (|| done(F::hardtanh(&x(), 2.0, 1.0)), &["hardtanh", "2", "1"]),
    (|| done(F::softshrink(&x(), -1.0)), &["softshrink", "-1"]),
    (|| done(F::threshold(&x(), 1e39, 0.0)), &["threshold", "float32"]),
    (|| done(Ok(x().typed::<rustorch::shape![2, 3]>()?.celu(0.0))), &["celu", "alpha"]),
    (|| done(nn::CELU::new(0.0).forward(&x())), &["celu", "alpha"]),
    (|| done(nn::Softshrink::new(-1.0).forward(&x())), &["softshrink", "-1"]),
    (|| done(nn::Hardtanh::builder().min_val(1.0).max_val(1.0).build()), &["Hardtanh", "1"]),
    (|| done(Ok(nn::Hardtanh::new(3.0, 1.0))), &["Hardtanh", "3", "1"]),
    (|| done(nn::Threshold::new(0.0, 1e39).forward(&x())), &["threshold", "float32"]),
    (|| done(F::cosine_similarity(&x(), &x(), 1, -1.0)), &["cosine_similarity", "eps", "-1"]),
    (|| done(F::huber_loss(&x(), &x(), 0.0, F::Reduction::Mean)), &["huber_loss", "0"]),
    (|| done(F::smooth_l1_loss(&x(), &x(), -1.0, F::Reduction::Mean)), &["smooth_l1_loss", "-1"]),
    (|| done(F::dropout(&x(), 1.1, false)), &["dropout", "1.1"]),
    (
        || {
            let options = F::BatchNormOptions { training: true, eps: 0.0, ..Default::default() };
            done(F::batch_norm(&x(), None, None, None, options))
        },
        &["batch_norm", "eps", "0", "training"],
    ),
    (
        || {
            let options = F::BatchNormOptions { eps: -1.0, ..Default::default() };
            done(F::batch_norm(&x(), Some((&Tensor::ones([3]), &Tensor::ones([3]))), None, None, options))
        },
        &["batch_norm", "eps", "-1"],
    ),
    (
        || done(F::local_response_norm(&Tensor::ones([1, 2, 3]), 0, 1.0, 1.0, 1.0)),
        &["local_response_norm", "0"],
    ),
    (|| done(nn::AvgPool2d::builder(2).divisor_override(0).build()), &["AvgPool2d", "divisor_override", "0"]),
    (|| done(nn::Lstm::builder(2, 3).num_layers(1 << 40).build()), &["Lstm", "num_layers", "1099511627776"]),
    (|| done(nn::Gru::builder(2, 3).num_layers(100_001).build()), &["Gru", "num_layers", "100001", "100000"]),
    (|| done(x().expand([-2, 3])), &["expand", "-2", "keeps"]),
    (|| done(x().expand([-1, 2, 3])), &["expand", "axis 0", "new"]),
    // Autograd.
    (|| x().backward(), &["backward", "require"]),
    (|| x().requires_grad_(true)?.mul(2.0)?.backward(), &["backward", "[2, 3]"]),
    (|| x().requires_grad_(true)?.set_grad(Some(Tensor::zeros([4]))), &["set_grad", "[4]", "[2, 3]"]),
];

/// Calls with sizes far beyond the tensor's that have a result, or an error, but neither panic nor ask for the memory.
#[test]
fn huge_arguments_are_harmless() -> Result<()> {
    const HUGE: usize = 1 << 62;
    assert_eq!(x().slice(1, 0, isize::MAX, HUGE)?.shape(), [2, 1]);
    assert_eq!(x().unfold(1, 2, HUGE)?.shape(), [2, 1, 2]);
    let image = Tensor::ones([1, 1, 4, 4]).requires_grad_(true)?;
    let options = F::Conv2dOptions { stride: [1 << 31, 1], ..Default::default() };
    let y = F::conv2d(&image, &Tensor::ones([1, 1, 2, 2]), None, options)?;
    y.sum().backward()?;
    assert_eq!((y.shape(), image.grad().unwrap().sum().item::<f32>()?), ([1, 1, 1, 3].as_slice(), 12.0));
    assert!(x().tensor_split(HUGE, 0).is_err());
    let (volume, taps) = (Tensor::ones([1, 1, 2, 2, 2]), Tensor::ones([1, 1, 2, 1, 1]));
    let options = F::ConvTranspose3dOptions { stride: [HUGE, 1, 1], ..Default::default() };
    assert!(F::conv_transpose3d(&volume, &taps, None, options).is_err());
    assert!(Tensor::zeros([0]).tensor_split(HUGE, 0).is_err() && Tensor::zeros([0]).chunk(HUGE, 0).is_err());
    assert!(x().repeat_interleave(HUGE, Some(0)).is_err());
    assert!(F::adaptive_avg_pool2d(&image, [Some(1 << 40), Some(1 << 20)]).is_err());
    assert!(Tensor::arange(0, i64::MAX, 1).is_err());
    let nothing = Tensor::from_vec(Vec::<i64>::new(), [0, 4])?;
    let scattered = x().scatter_reduce_(1, &nothing, &x(), rustorch::Reduce::Sum, true)?;
    assert_eq!(scattered.shape(), [2, 3]);
    Ok(())
}

#[test]
fn errors_name_the_operation_and_the_numbers() {
    let mut wrong = Vec::new();
    for (index, (call, parts)) in ROWS.iter().enumerate() {
        match quiet::call(call) {
            Ok(()) => wrong.push(format!("row {index} {parts:?}: no error")),
            Err(message) if quiet::is_internal(&message) => wrong.push(format!("row {index}: {message}")),
            Err(message) => {
                if let Some(part) = parts.iter().find(|part| !message.contains(**part)) {
                    wrong.push(format!("row {index}: {part:?} is not in {message:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
