//! Constants of modules as sizes and lengths, keywords as names, and what Rust lets one leave out.

use rustorch::prelude::*;

mod config {
    pub const WIDTH: usize = 8;
    pub const DEPTH: usize = 2;
    pub struct Small;
    impl Small {
        pub const HEADS: usize = 4;
    }
}

dim!(Batch);

model! {
    Net<const KIND: usize> {
        r#type: Linear(config::WIDTH, config::WIDTH),
        layers: [Linear(config::WIDTH, config::WIDTH); config::DEPTH],
        scale: Param([config::Small::HEADS, config::WIDTH / config::Small::HEADS], init = kaiming_uniform),
        mix: Param([config::WIDTH, config::WIDTH], init = kaiming_normal),
    }
    forward(x: [batch, config::WIDTH]) -> [batch, config::WIDTH] {
        for layer in self.layers {
            if self.training { x = relu(layer(x)) } else { x = layer(x) }
        }
        match KIND {
            0 => x = r#type(x),
            1 => x *= 2.0,
            _ => {}
        }
        let heads = reshape(x, [batch, config::Small::HEADS, config::WIDTH / config::Small::HEADS]) * scale;
        matmul(flatten(heads, 1), mix)
    }
}

fn main() -> rustorch::Result<()> {
    let x = Tensor::randn([3, config::WIDTH]).typed::<shape![Batch, config::WIDTH]>()?;
    let net = Net::<0>::new();
    let y: TypedTensor<shape![Batch, 8]> = net.forward(&x);
    assert_eq!(y.shape(), [3, 8]);
    assert!(net.state_dict().contains_key("type.weight"));
    Net::<1>::new().forward(&x).sum().backward()?;
    Net::<2>::new().try_forward(&x).map(drop)
}
