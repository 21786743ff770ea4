use rustorch::prelude::*;

dim!(Batch);

model! {
    pub Net: [batch, 784] -> [batch, 10] { Linear(10) }
}

fn main() {
    let x = Tensor::zeros([32, 28]).typed::<shape![Batch, 28]>().unwrap();
    Net::new().forward(&x);
}
