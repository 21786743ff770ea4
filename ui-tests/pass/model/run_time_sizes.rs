//! A fully convolutional network over images of any size.
use rustorch::prelude::*;

model! {
    pub Features {
        stem: Conv2d(3, 8, kernel = 3, stride = 2, padding = 1),
        wide: Conv2d(_, 8, kernel = 5, padding = "same", groups = 4),
        head: Linear(_, 5),
    }
    forward(x: [batch, 3, h, w]) -> ([batch, 8, (h + 1) / 2, (w + 1) / 2], [batch, 5]) {
        let x = stem(x);
        let x = x + relu(wide(x));
        (x, head(squeeze(mean(x, [2, 3], keepdim = true), -1).squeeze(-1)))
    }
}

dim!(Batch, Height, Width);

fn main() -> rustorch::Result<()> {
    let model = Features::new();
    for (h, w) in [(32, 32), (17, 9)] {
        let x = Tensor::randn([2, 3, h, w]).typed::<shape![Batch, 3, Height, Width]>()?;
        let (map, scores) = model.forward(&x);
        assert_eq!(map.shape(), [2, 8, h.div_ceil(2), w.div_ceil(2)]);
        assert_eq!(scores.shape(), [2, 5]);
    }
    Ok(())
}
