use rustorch::prelude::*;

model! {
    pub Net {
        fcs: [Linear(64, 32); 3],
    }
    forward(x: [batch, 64]) -> [batch, 64] {
        for fc in self.fcs {
            x = fc(x);
        }
        x
    }
}

fn main() {
    println!("{:?}", Net::new());
}
