use rustorch::prelude::*;

model! {
    pub Net {
        fc: Linear(_, 10),
    }
    forward(x: [batch, 64]) -> [batch, 10] {
        let y = relu(x) fc(y);
        y
    }
}

fn main() {
    let x = Tensor::zeros([2, 64]).typed::<shape![Any, 64]>().unwrap();
    println!("{:?}", Net::new().forward(&x).shape());
}
