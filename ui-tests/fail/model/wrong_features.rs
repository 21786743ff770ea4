use rustorch::prelude::*;

model! {
    pub Net {
        conv: Conv2d(1, 64, kernel = 3),
        fc: Linear(800, 10),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, 10] {
        let x = max_pool2d(relu(conv(x)), 5);
        let x = flatten(x, 1);
        fc(x)
    }
}

fn main() {
    let net = Net::new();
    let x = Tensor::zeros([2, 1, 28, 28]).typed::<shape![Any, 1, 28, 28]>().unwrap();
    println!("{:?} {:?}", net.forward(&x).shape(), net.fc);
}
