//! Modules, layers and first values.

use rustorch::nn::{self, *};
use rustorch::{DType, Result, Tensor, inference_mode, no_grad};

/// A block with a parameter of its own, a buffer, modules, and a weight that is used twice.
struct Net {
    scale: Tensor,
    count: Tensor,
    layers: Vec<Linear>,
    head: Option<Linear>,
    none: Option<Linear>,
    training: Training,
}

impl Net {
    fn new() -> Self {
        let layers = vec![Linear::new(4, 4), Linear::builder(4, 4).bias(false).build().unwrap()];
        let mut head = Linear::new(4, 4);
        head.weight = layers[0].weight.clone();
        Self {
            scale: Tensor::ones([4]).requires_grad_(true).unwrap(),
            count: Tensor::from([0i64]),
            layers,
            head: Some(head),
            none: None,
            training: Training::default(),
        }
    }
}

impl Module for Net {
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
        visitor.training(&self.training);
        visitor.parameter("scale", &self.scale);
        visitor.buffer("count", &self.count);
        visitor.module("layers", &self.layers);
        visitor.module("head", &self.head);
        visitor.module("none", &self.none);
    }
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
        visitor.parameter("scale", &mut self.scale);
        visitor.buffer("count", &mut self.count);
        visitor.module("layers", &mut self.layers);
        visitor.module("head", &mut self.head);
        visitor.module("none", &mut self.none);
    }
}

const KEYS: [&str; 7] =
    ["scale", "count", "layers.0.weight", "layers.0.bias", "layers.1.weight", "head.weight", "head.bias"];

#[test]
fn names_are_pytorchs_and_shared_parameters_appear_once() {
    let net = Net::new();
    assert_eq!(net.state_dict().keys().collect::<Vec<_>>(), KEYS);
    let names: Vec<String> = net.named_parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["scale", "layers.0.weight", "layers.0.bias", "layers.1.weight", "head.bias"]);
    assert_eq!(net.num_parameters(), 4 + 16 + 4 + 16 + 4);
    assert_eq!(net.named_buffers().len(), 1);
    let children: Vec<String> = net.children().into_iter().map(|(name, _)| name).collect();
    assert_eq!(children, ["layers", "head", "none"]);
    assert_eq!(net.modules().len(), 5);
}

#[test]
fn state_dicts_load_all_or_nothing() {
    let (a, b) = (Net::new(), Net::new());
    no_grad(|| a.count.fill_(7).unwrap());
    let snapshot = a.state_dict().copied();
    b.load_state_dict(&a.state_dict()).unwrap();
    let values = |net: &Net| net.layers[1].weight.to_vec::<f32>().unwrap();
    assert_eq!(values(&a), values(&b));
    assert_eq!(b.count.item::<i64>().unwrap(), 7);
    assert!(b.layers[0].weight.requires_grad(), "loading keeps parameters parameters");

    let mut bad = Net::new().state_dict();
    bad.insert("layers.1.weight", Tensor::zeros([2, 2]));
    bad.insert("extra", Tensor::zeros([1]));
    let bad: StateDict = bad.into_iter().filter(|(name, _)| name != "head.bias").collect();
    let error = b.load_state_dict(&bad).unwrap_err().to_string();
    for part in [
        "`layers.1.weight` has shape [2, 2], but the module's has [4, 4]",
        "missing: `head.bias`",
        "unexpected: `extra`",
    ] {
        assert!(error.contains(part), "{part} in {error}");
    }
    assert_eq!(values(&a), values(&b), "nothing was overwritten");

    let partial: StateDict = snapshot.into_iter().filter(|(name, _)| name == "count").collect();
    let report = b.load_state_dict_partial(&partial).unwrap();
    assert_eq!((report.missing.len(), report.unexpected.len()), (6, 0));
    let f64s: StateDict =
        a.state_dict().into_iter().map(|(name, tensor)| (name, tensor.to_dtype(DType::F64))).collect();
    b.load_state_dict(&f64s).unwrap();
    assert_eq!(b.scale.dtype(), DType::F32);
}

#[test]
fn training_gradients_and_dtypes_reach_every_part() {
    let mut net = Net::new();
    assert!(net.is_training());
    net.eval();
    assert!(!net.is_training());
    net.train();
    assert!(net.is_training());

    let x = Tensor::ones([2, 4]);
    net.layers.forward_all(&x).unwrap().sum().backward().unwrap();
    assert!(net.layers[0].weight.grad().is_some());
    net.zero_grad();
    assert!(net.parameters().iter().all(|p| p.grad().is_none()));
    net.requires_grad_(false).unwrap();
    assert!(net.parameters().iter().all(|p| !p.requires_grad()));
    net.requires_grad_(true).unwrap();

    net.to_dtype(DType::F64).unwrap();
    assert_eq!((net.scale.dtype(), net.count.dtype()), (DType::F64, DType::I64));
    assert!(net.scale.requires_grad() && net.scale.is_leaf());
    assert!(net.head.as_ref().unwrap().weight.is_same(&net.layers[0].weight), "shared stays shared");
    assert!(net.to_dtype(DType::I64).is_err());
}

trait ForwardAll {
    fn forward_all(&self, x: &Tensor) -> Result<Tensor>;
}

impl ForwardAll for Vec<Linear> {
    fn forward_all(&self, x: &Tensor) -> Result<Tensor> {
        self.iter().try_fold(x.clone(), |x, layer| layer.forward(&x))
    }
}

#[test]
fn layers_made_in_inference_mode_can_be_trained() {
    let layer = inference_mode(|| Linear::new(2, 1));
    layer.forward(&Tensor::ones([1, 2])).unwrap().sum().backward().unwrap();
    assert_eq!(layer.weight.grad().unwrap().to_vec::<f32>().unwrap(), [1.0, 1.0]);
    let silent = no_grad(|| Linear::new(2, 1));
    assert!(silent.weight.requires_grad());
}

#[test]
fn layers_print_as_in_pytorch() {
    let net = Sequential::new().add(Linear::new(1, 2)).add(
        Sequential::new()
            .add(ReLU::new())
            .add_named("act", GELU::builder().approximate("tanh").build().unwrap()),
    );
    let expected = "Sequential(
  (0): Linear(in_features=1, out_features=2, bias=True)
  (1): Sequential(
    (0): ReLU()
    (act): GELU(approximate='tanh')
  )
)";
    assert_eq!(format!("{net:?}"), expected);
    let conv = Conv2d::builder(4, 8, [3, 5]).padding("same").dilation(2).bias(false).build().unwrap();
    assert_eq!(
        format!("{conv:?}"),
        "Conv2d(4, 8, kernel_size=(3, 5), stride=(1, 1), padding=same, dilation=(2, 2), bias=False)"
    );
    let conv = Conv1d::builder(4, 2, 3).stride(2).groups(2).build().unwrap();
    assert_eq!(format!("{conv:?}"), "Conv1d(4, 2, kernel_size=(3,), stride=(2,), groups=2)");
    assert_eq!(format!("{:?}", LeakyReLU::new(1e-5)), "LeakyReLU(negative_slope=1e-05)");
}

#[test]
fn bad_arguments_of_builders_are_errors() {
    let text = |error: rustorch::Error| error.to_string();
    let error = text(Conv2d::builder(3, 8, 3).groups(2).build().unwrap_err());
    assert!(error.contains("in_channels = 3") && error.contains("2 groups"), "{error}");
    let error = text(Conv2d::builder(3, 8, 3).padding("full").build().unwrap_err());
    assert_eq!(error, "Conv2d: padding is \"full\", expected \"same\" or \"valid\"");
    let error = text(GELU::builder().approximate("erf").build().unwrap_err());
    assert_eq!(error, "GELU: approximate is \"erf\", expected \"none\" or \"tanh\"");
    assert!(Linear::new(3, 2).forward(&Tensor::zeros([4, 5])).unwrap_err().to_string().contains('5'));
}

#[test]
fn first_values_have_pytorchs_distributions() {
    let spread = |tensor: &Tensor| {
        let values = tensor.to_vec::<f32>().unwrap();
        let n = values.len() as f64;
        let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
        let variance = values.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / n;
        let largest = values.iter().fold(0.0f64, |a, &x| a.max(f64::from(x).abs()));
        (mean, variance.sqrt(), largest)
    };
    // Uniform between ± 1 / √fan_in: the standard deviation is the bound over √3.
    for (weight, fan_in) in
        [(Linear::new(100, 300).weight, 100.0f64), (Conv2d::new(8, 100, [3, 5]).weight, 120.0)]
    {
        let bound = 1.0 / fan_in.sqrt();
        let (mean, std, largest) = spread(&weight);
        assert!(mean.abs() < 0.02 * bound && largest <= bound && largest > 0.99 * bound);
        assert!((std * 3f64.sqrt() / bound - 1.0).abs() < 0.02);
    }
    let w = Tensor::zeros([200, 100]);
    let checks: [(&dyn Fn() -> Result<()>, f64); 5] = [
        (&|| init::xavier_uniform_(&w, 1.0), (2.0f64 / 300.0).sqrt()),
        (&|| init::xavier_normal_(&w, 2.0), 2.0 * (2.0f64 / 300.0).sqrt()),
        (&|| init::kaiming_uniform_(&w, init::Fan::Out, init::Nonlinearity::Relu), (2.0f64 / 200.0).sqrt()),
        (&|| init::kaiming_normal_(&w, init::Fan::In, init::Nonlinearity::LeakyRelu(1.0)), 0.1),
        (&|| init::trunc_normal_(&w, 0.0, 1.0, -0.5, 0.5), 0.2835),
    ];
    for (init, expected) in checks {
        init().unwrap();
        let (mean, std, _) = spread(&w);
        assert!(
            mean.abs() < 0.05 * expected && (std / expected - 1.0).abs() < 0.03,
            "{std}, expected {expected}"
        );
    }
    nn::init::dirac_(&Tensor::zeros([4, 2, 3]), 2).unwrap();
    assert!(init::xavier_uniform_(&Tensor::zeros([3]), 1.0).is_err());
    assert!(init::orthogonal_(&Tensor::zeros([3]), 1.0).is_err());
    let tall = Tensor::zeros([6, 2, 2]);
    init::orthogonal_(&tall, 3.0).unwrap();
    let matrix = tall.reshape([6, 4]).unwrap();
    let product = matrix.t().unwrap().matmul(&matrix).unwrap();
    assert!(product.allclose(&Tensor::eye(4).mul(9).unwrap(), 1e-5, 1e-5).unwrap());
    let kernel = Tensor::zeros([4, 2, 3]);
    init::dirac_(&kernel, 2).unwrap();
    let x = Tensor::randn([1, 2, 5]);
    let options = nn::functional::ConvOptions { padding: 1.into(), ..Default::default() };
    let y = nn::functional::conv1d(&x, &kernel, None, options).unwrap();
    assert_eq!(y.narrow(1, 0, 2).unwrap().to_vec::<f32>().unwrap(), x.to_vec::<f32>().unwrap());
}
