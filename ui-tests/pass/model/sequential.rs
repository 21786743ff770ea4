//! The sequential form, with sizes left out, and layers without names.
use rustorch::nn::Module;
use rustorch::prelude::*;

model! {
    pub Mlp<const HIDDEN: usize>: [batch, 784] -> [batch, 10] {
        fc1: Linear(HIDDEN), ReLU, fc2: Linear(10),
    }
}

model! {
    pub(crate) LeNet: [batch, 1, 28, 28] -> [batch, 10] {
        Conv2d(6, kernel = 5, padding = 2), ReLU, Conv2d(6, kernel = 2, stride = 2),
        Conv2d(16, kernel = 5), GELU(approximate = "tanh"), Conv2d(16, kernel = 2, stride = 2),
        Flatten, Linear(120), Tanh, Linear(_, 10), LeakyReLU(0.1), ELU,
    }
}

dim!(Batch);

fn main() -> rustorch::Result<()> {
    let mlp = Mlp::<32>::default();
    let y = mlp.forward(&Tensor::randn([4, 784]).typed::<shape![Batch, 784]>()?);
    assert_eq!(y.shape(), [4, 10]);
    assert_eq!(mlp.fc1.weight.shape(), [32, 784]);
    let le_net = LeNet::new();
    le_net.eval();
    let y = le_net.forward(&Tensor::randn([4, 1, 28, 28]).typed::<shape![Batch, 1, 28, 28]>()?);
    assert_eq!(y.shape(), [4, 10]);
    assert_eq!(le_net.layer7.weight.shape(), [120, 16 * 5 * 5]);
    Ok(())
}
