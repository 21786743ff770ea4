use rustorch::prelude::*;

model! {
    pub Net {
        down: Option<Linear>(64, 32),
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        if let Some(down) = self.down { down(x) } else { x }
    }
}

fn main() {
    println!("{:?}", Net::new());
}
