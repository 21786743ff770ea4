//! Networks that enlarge what they have made small, compiled and op by op.

use rustorch::Result;
use rustorch::prelude::*;
use rustorch_tests::compiled::check;
use rustorch_tests::turns::turn;

dim!(Batch);

model! {
    /// A feature pyramid: coarse maps are enlarged and added to finer ones.
    Pyramid<const WIDTH: usize> {
        c1: Conv2d(3, 4, kernel = 3, stride = 2, padding = 1),
        c2: Conv2d(_, 6, kernel = 3, stride = 2, padding = 1),
        c3: Conv2d(_, 8, kernel = 3, stride = 2, padding = 1),
        lateral1: Conv2d(4, WIDTH, kernel = 1),
        lateral2: Conv2d(6, WIDTH, kernel = 1),
        lateral3: Conv2d(8, WIDTH, kernel = 1),
        up: Upsample(scale_factor = 2),
        smooth: Conv2d(_, WIDTH, kernel = 3, padding = 1),
    }
    forward(x: [batch, 3, 16, 24]) -> ([batch, WIDTH, 8, 12], [batch, WIDTH, 4, 6], [batch, WIDTH, 2, 3]) {
        let one = relu(c1(x));
        let two = relu(c2(one));
        let three = relu(c3(two));
        let p3 = lateral3(three);
        let p2 = lateral2(two) + up(p3);
        let p1 = lateral1(one) + interpolate(p2, [8, 12], mode = "bilinear");
        (smooth(p1), smooth(p2), p3)
    }
}

model! {
    /// A U-Net whose way up interpolates, and whose result has more pixels than its input.
    Enlarge {
        down: Conv2d(1, 6, kernel = 3, padding = 1),
        bottom: Conv2d(24, 12, kernel = 3, padding = 1),
        fold: PixelUnshuffle(2),
        up: Upsample(scale_factor = [2, 2], mode = "bilinear", align_corners = true),
        join: Conv2d(18, 4, kernel = 3, padding = 1),
        shuffle: PixelShuffle(2),
    }
    forward(x: [batch, 1, 8, 6]) -> [batch, 1, 16, 12] {
        let fine = relu(down(x));
        let coarse = up(relu(bottom(fold(fine))));
        shuffle(join(cat([fine, coarse], 1)))
    }
}

fn pyramid(model: &Pyramid<5>, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c) = model.forward(&x[0].typed::<shape![Batch, 3, 16, 24]>()?);
    Ok(vec![a.into_tensor(), b.into_tensor(), c.into_tensor()])
}

#[test]
fn pyramids_are_the_same() -> Result<()> {
    let _turn = turn();
    check(&Pyramid::new(), |batch, _| vec![Tensor::randn([batch, 3, 16, 24])], pyramid)
}

fn enlarge(model: &Enlarge, x: &[Tensor]) -> Result<Vec<Tensor>> {
    Ok(vec![model.forward(&x[0].typed::<shape![Batch, 1, 8, 6]>()?).into_tensor()])
}

#[test]
fn networks_that_fold_and_shuffle_pixels_are_the_same() -> Result<()> {
    let _turn = turn();
    check(&Enlarge::new(), |batch, _| vec![Tensor::randn([batch, 1, 8, 6])], enlarge)
}
