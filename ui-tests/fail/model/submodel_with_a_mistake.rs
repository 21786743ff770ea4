use rustorch::prelude::*;

model! {
    pub Encoder<const Z: usize> {
        fc: Linear(100, 400),
        mu: Linear(_, Z),
        logvar: Linear(_, Z),
    }
    forward(x: [batch, 784]) -> ([batch, Z], [batch, Z]) {
        let h = relu(fc(x));
        (mu(h), logvar(h))
    }

    pub Decoder<const Z: usize> {
        fc: Linear(_, 784),
    }
    forward(z: [batch, Z]) -> [batch, 784] {
        sigmoidd(fc(z))
    }

    pub Vae<const Z: usize> {
        encoder: Encoder<Z>,
        decoder: Decoder<Z>,
    }
    forward(x: [batch, 784]) -> ([batch, 784], [batch, Z], [batch, Z]) {
        let (mu, logvar): ([batch, Z], [batch, Z]) = encoder(x);
        let y: [batch, 784] = decoder(mu + exp(0.5 * logvar) * randn_like(mu));
        (y, mu, logvar)
    }
}

/// What is said of the model is not said again where it is trained.
pub fn train(model: &Vae<8>, other: &Decoder<8>, x: &Tensor) -> rustorch::Result<()> {
    let loss = nn::MSELoss::new();
    let mut step = TrainStep::new(other, loss, optim::Adam::new(model.parameters(), 1e-3));
    step.step(&[x], x)?;
    Ok(())
}

fn main() {}
