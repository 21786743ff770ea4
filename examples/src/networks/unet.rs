//! A network from images to images.

use rustorch::prelude::*;

model! {
    /// Two convolutions of 3 × 3, each with batch norm and ReLU.
    pub DoubleConv<const IN: usize, const OUT: usize> {
        conv1: Conv2d(IN, OUT, kernel = 3, padding = 1, bias = false),
        bn1: BatchNorm2d(_),
        conv2: Conv2d(_, OUT, kernel = 3, padding = 1, bias = false),
        bn2: BatchNorm2d(_),
    }
    forward(x: [batch, IN, h, w]) -> [batch, OUT, h, w] {
        let x = relu(bn1(conv1(x)));
        relu(bn2(conv2(x)))
    }
}

model! {
    /// Twice the height and width, joined with what the way down had at that size.
    pub Up<const IN: usize, const OUT: usize> {
        up: ConvTranspose2d(IN, OUT, kernel = 2, stride = 2),
        conv: DoubleConv<IN, OUT>,
    }
    forward(x: [batch, IN, h, w], skip: [batch, OUT, 2 * h, 2 * w]) -> [batch, OUT, 2 * h, 2 * w] {
        let joined = cat([skip, up(x)], 1);
        let y: [batch, OUT, 2 * h, 2 * w] = conv(joined);
        y
    }
}

model! {
    /// A U-Net (Ronneberger et al. 2015) of three sizes: down twice by pooling, and up again, with the details of the way down
    /// at hand on the way up. Each level is twice as wide as the one above it.
    pub UNet<const CHANNELS: usize, const A: usize, const B: usize, const C: usize, const OUT: usize> {
        down1: DoubleConv<CHANNELS, A>,
        down2: DoubleConv<A, B>,
        bottom: DoubleConv<B, C>,
        up2: Up<C, B>,
        up1: Up<B, A>,
        out: Conv2d(A, OUT, kernel = 1),
    }
    forward(x: [batch, CHANNELS, h, w]) -> [batch, OUT, h, w] {
        let a: [batch, A, h, w] = down1(x);
        let b: [batch, B, h / 2, w / 2] = down2(max_pool2d(a, 2));
        let c: [batch, C, h / 2 / 2, w / 2 / 2] = bottom(max_pool2d(b, 2));
        let b: [batch, B, h / 2, w / 2] = up2(c, b);
        let a: [batch, A, h, w] = up1(b, a);
        out(a)
    }
}
