//! What is no size for some const parameters does not matter where it is not used.

use rustorch::prelude::*;

model! {
    Optional<const D: usize, const K: usize> {
        fc: Option<Linear>(D, D - 10) if D > 10,
        conv: Option<Conv1d>(1, 1, kernel = K, padding = (K - 1) / 2) if K >= 1,
    }
    forward(x: [batch, D]) -> [batch, D] {
        let y = if let Some(fc) = self.fc { pad(fc(x), [0, 10]) } else { x };
        if D > 4 {
            let (a, b) = split(y, [D - 4, 4], 1);
            y = cat([b, a], 1);
        }
        y
    }
}

dim!(Batch);

fn main() {
    let x = Tensor::ones([3, 8]).typed::<shape![Batch, 8]>().unwrap();
    assert_eq!(Optional::<8, 0>::new().forward(&x).shape(), [3, 8]);
    let x = Tensor::ones([3, 12]).typed::<shape![Batch, 12]>().unwrap();
    assert_eq!(Optional::<12, 3>::new().forward(&x).shape(), [3, 12]);
    let x = Tensor::ones([3, 2]).typed::<shape![Batch, 2]>().unwrap();
    assert_eq!(Optional::<2, 1>::new().forward(&x).shape(), [3, 2]);
}
