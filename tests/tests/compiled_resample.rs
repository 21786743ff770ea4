//! Networks that enlarge what they have made small, compiled and op by op.

use rustorch::Result;
use rustorch::compiled::Compiled;
use rustorch::nn::functional::{self as f, InterpolateMode, Resize};
use rustorch::prelude::*;
use rustorch_tests::compiled::{check, close};
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

model! {
    /// Images and sequences in every mode, larger and smaller.
    Modes {
        fc: Conv2d(1, 2, kernel = 1),
        by: Upsample(scale_factor = [3, 2]),
        to: Upsample(size = [3, 9], mode = "nearest-exact"),
        corners: Upsample(size = [5, 7], mode = "bilinear", align_corners = true),
        area: Upsample(size = [2, 5], mode = "area"),
    }
    forward(x: [batch, 1, 4, 6])
        -> ([batch, 2, 12, 12], [batch, 2, 3, 9], [batch, 2, 5, 7], [batch, 2, 2, 5], [batch, 8, 15], [batch, 2, 4, 6], [batch, 2, 2, 3]) {
        let h = fc(x);
        let line = interpolate(flatten(h, 1, 2), scale_factor = 2, mode = "linear");
        let same = interpolate(h, [4, 6], mode = "bilinear");
        let part = pixel_shuffle(pixel_unshuffle(h, 2), 2);
        (by(h), to(h), corners(h), area(h), interpolate(line, 15), same * part, interpolate(h, [2, 3], mode = "area"))
    }
}

fn modes(model: &Modes, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let (a, b, c, d, e, f, g) = model.try_forward(&x[0].typed::<shape![Batch, 1, 4, 6]>()?)?;
    let all = [a.into_tensor(), b.into_tensor(), c.into_tensor(), d.into_tensor()];
    Ok(all.into_iter().chain([e.into_tensor(), f.into_tensor(), g.into_tensor()]).collect())
}

#[test]
fn images_of_another_size_are_kernels() -> Result<()> {
    let _turn = turn();
    for schedule in [Modes::SCHEDULE, Pyramid::<5>::SCHEDULE, Enlarge::SCHEDULE] {
        assert!(schedule.iter().all(|step| !step.contains("on tensors")), "{schedule:#?}");
    }
    check(&Modes::new(), |batch, _| vec![Tensor::randn([batch, 1, 4, 6])], modes)
}

#[test]
fn options_that_were_changed_run_op_by_op() -> Result<()> {
    let _turn = turn();
    let (mut model, x) = (Modes::new(), Tensor::randn([2, 1, 4, 6]));
    let h = model.fc.forward(&x)?;
    model.corners.align_corners = false;
    let wanted = f::interpolate(&h, &Resize::Size(vec![5, 7]), InterpolateMode::Bilinear, false)?;
    close(&modes(&model, std::slice::from_ref(&x))?[2], &wanted, "corners that move");
    model.by.resize = Resize::Scale(vec![3.1, 2.2]);
    let wanted = f::interpolate(&h, &model.by.resize, InterpolateMode::Nearest, false)?;
    assert_eq!(wanted.shape(), [2, 2, 12, 13]);
    assert!(modes(&model, &[x]).is_err());
    Ok(())
}
