use rustorch::prelude::*;

model! {
    pub Net {
        down: Linear(64, 64),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        if let Some(down) = self.down { down(x) } else { x }
    }
}

fn main() {
    println!("{:?}", Net::new());
}
