use rustorch::prelude::*;

model! {
    pub Net<const KIND: usize> {
        fc: Linear(64, 32),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        match KIND {
            0 => x,
            _ => fc(x),
        }
    }
}

fn main() {
    println!("{:?}", Net::<0>::new());
}
