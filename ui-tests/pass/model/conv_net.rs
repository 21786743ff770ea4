//! A network with an inferred layer of each kind and a const parameter.
use rustorch::prelude::*;

model! {
    /// A small convolutional classifier.
    #[derive(Debug)]
    pub ConvNet<const CLASSES: usize> {
        conv1: Conv2d(1, 32, kernel = 3, stride = 2, padding = 1),
        conv2: Conv2d(_, 64, kernel = (3, 3), stride = [2, 2], padding = 1),
        fc1: Linear(_, 128),
        /// The scores of the classes.
        fc2: Linear(_, CLASSES),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, CLASSES] {
        let x = relu(conv1(x));
        let x = conv2(x).relu();
        fc2(relu(fc1(flatten(x, 1))))
    }
}

dim!(Batch);

fn main() -> rustorch::Result<()> {
    let model = ConvNet::<10>::new();
    let x = Tensor::zeros([5, 1, 28, 28]).typed::<shape![Batch, 1, 28, 28]>()?;
    let y: TypedTensor<shape![Batch, 10]> = model.forward(&x);
    assert_eq!(y.shape(), [5, 10]);
    assert_eq!(model.try_forward(&x)?.shape(), [5, 10]);

    use rustorch::nn::{Layer, Module};
    assert_eq!(Layer::forward(&model, &Tensor::zeros([3, 1, 28, 28]))?.shape(), [3, 10]);
    assert!(Layer::forward(&model, &Tensor::zeros([3, 1, 28, 27])).is_err());
    let names: Vec<String> = model.named_parameters().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names[..3], ["conv1.weight", "conv1.bias", "conv2.weight"]);
    assert_eq!(model.fc1.weight.shape(), [128, 64 * 7 * 7]);
    assert!(format!("{model:?}").contains("conv1"));
    Ok(())
}
