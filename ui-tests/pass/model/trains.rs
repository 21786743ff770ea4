//! Gradients reach the parameters of a model, in modules declared where they are used.
use rustorch::nn::Module;
use rustorch::prelude::*;

mod nets {
    use rustorch::model;

    model! {
        #[must_use]
        pub Net<const HIDDEN: usize> where [(); HIDDEN]: Sized {
            /// Into the hidden features.
            pub(crate) fc1: Linear(4, HIDDEN),
            act: LeakyReLU(0.1),
            fc2: Linear(_, 1),
        }
        /// One number for every row.
        forward(x: [batch, 4]) -> [batch, 1] {
            let x = self.fc1(x);
            let x = self.act.forward(&x);
            fc2(x)
        }
    }
}

fn main() -> rustorch::Result<()> {
    let net = nets::Net::<16>::new();
    let x = Tensor::randn([32, 4]).typed::<shape![Any, 4]>()?;
    let before = net.fc1.weight.to_vec::<f32>()?;
    let output = net.forward(&x);
    (&output * &output).sum().backward()?;
    for (name, parameter) in net.named_parameters() {
        assert_eq!(parameter.grad().expect(&name).shape(), parameter.shape(), "{name}");
    }
    assert_eq!(net.fc1.weight.to_vec::<f32>()?, before);
    Ok(())
}
