//! Networks of convolutions.

use rustorch::Result;
use rustorch::prelude::*;
use rustorch_tests::compiled::everywhere;
use rustorch_tests::turns::turn;

dim!(Batch);

model! {
    /// MobileNetV2 (Sandler et al. 2018): expand, filter by channel, project.
    pub InvertedResidual<const IN: usize, const OUT: usize, const STRIDE: usize, const T: usize> {
        expand: Conv2d(IN, IN * T, kernel = 1, bias = false),
        bn1: BatchNorm2d(_),
        depthwise: Conv2d(_, IN * T, kernel = 3, stride = STRIDE, padding = 1, groups = IN * T, bias = false),
        bn2: BatchNorm2d(_),
        project: Conv2d(_, OUT, kernel = 1, bias = false),
        bn3: BatchNorm2d(_),
    }
    forward(x: [batch, IN, h, w]) -> [batch, OUT, (h - 1) / STRIDE + 1, (w - 1) / STRIDE + 1] {
        let y = relu6(bn1(expand(x)));
        let y = relu6(bn2(depthwise(y)));
        let y = bn3(project(y));
        if STRIDE == 1 && IN == OUT { x + y } else { y }
    }

    /// Part of it.
    pub MobileNetV2<const CLASSES: usize> {
        stem: Conv2d(3, 16, kernel = 3, stride = 2, padding = 1, bias = false),
        bn: BatchNorm2d(16),
        b1: InvertedResidual<16, 8, 1, 1>,
        b2: InvertedResidual<8, 12, 2, 6>,
        b3: InvertedResidual<12, 12, 1, 6>,
        head: Conv2d(_, 32, kernel = 1, bias = false),
        head_bn: BatchNorm2d(_),
        dropout: Dropout(0.2),
        classifier: Linear(_, CLASSES),
    }
    forward(x: [batch, 3, 32, 32]) -> [batch, CLASSES] {
        let x = relu6(bn(stem(x)));
        let x: [batch, 8, 16, 16] = b1(x);
        let x: [batch, 12, 8, 8] = b2(x);
        let x: [batch, 12, 8, 8] = b3(x);
        let x = relu6(head_bn(head(x)));
        let x = x.mean([2, 3]);
        classifier(dropout(x))
    }
}

model! {
    /// Squeeze and excite (Hu et al. 2018).
    SqueezeExcite<const C: usize, const R: usize> {
        pool: AdaptiveAvgPool2d(1),
        fc1: Conv2d(C, C / R, kernel = 1),
        fc2: Conv2d(C / R, C, kernel = 1),
    }
    forward(x: [batch, C, h, w]) -> [batch, C, h, w] {
        let s = hardsigmoid(fc2(relu(fc1(pool(x)))));
        x * s
    }

    /// MobileNetV3's block (Howard et al. 2019).
    MobileV3Block<const C: usize, const HIDDEN: usize> {
        pw: Conv2d(C, HIDDEN, kernel = 1, bias = false),
        bn1: BatchNorm2d(HIDDEN, eps = 0.001, momentum = 0.01),
        dw: Conv2d(HIDDEN, HIDDEN, kernel = 5, padding = 2, groups = HIDDEN, bias = false),
        bn2: BatchNorm2d(HIDDEN, eps = 0.001, momentum = 0.01),
        se: SqueezeExcite<HIDDEN, 4>,
        out: Conv2d(HIDDEN, C, kernel = 1, bias = false),
        bn3: BatchNorm2d(C, eps = 0.001, momentum = 0.01),
    }
    forward(x: [batch, C, h, w]) -> [batch, C, h, w] {
        let y = hardswish(bn1(pw(x)));
        let y = hardswish(bn2(dw(y)));
        let y: [batch, HIDDEN, h, w] = se(y);
        bn3(out(y)) + x
    }
}

model! {
    /// DenseNet (Huang et al. 2017).
    pub(crate) DenseLayer<const IN: usize, const GROWTH: usize> {
        norm1: BatchNorm2d(IN),
        conv1: Conv2d(IN, 4 * GROWTH, kernel = 1, bias = false),
        norm2: BatchNorm2d(4 * GROWTH),
        conv2: Conv2d(4 * GROWTH, GROWTH, kernel = 3, padding = 1, bias = false),
    }
    forward(x: [batch, IN, h, w]) -> [batch, IN + GROWTH, h, w] {
        let new = conv2(relu(norm2(conv1(relu(norm1(x))))));
        cat([x, new], 1)
    }

    pub(crate) DenseBlock {
        a: DenseLayer<8, 4>,
        b: DenseLayer<12, 4>,
        c: DenseLayer<16, 4>,
        norm: BatchNorm2d(20),
        conv: Conv2d(20, 10, kernel = 1, bias = false),
        pool: AvgPool2d(2),
    }
    forward(x: [batch, 8, h, w]) -> [batch, 10, h / 2, w / 2] {
        let x: [batch, 12, h, w] = a(x);
        let x: [batch, 16, h, w] = b(x);
        let x: [batch, 20, h, w] = c(x);
        pool(conv(relu(norm(x))))
    }
}

model! {
    /// GoogLeNet's module (Szegedy et al. 2015).
    Inception<const IN: usize> {
        b1: Conv2d(IN, 4, kernel = 1),
        b2_reduce: Conv2d(IN, 3, kernel = 1),
        b2: Conv2d(3, 6, kernel = 3, padding = 1),
        b3_reduce: Conv2d(IN, 2, kernel = 1),
        b3: Conv2d(2, 4, kernel = 5, padding = 2),
        pool: MaxPool2d(kernel = 3, stride = 1, padding = 1),
        b4: Conv2d(IN, 2, kernel = 1),
    }
    forward(x: [n, IN, h, w]) -> [n, 16, h, w] {
        let y1 = relu(b1(x));
        let y2 = relu(b2(relu(b2_reduce(x))));
        let y3 = relu(b3(relu(b3_reduce(x))));
        let y4 = relu(b4(pool(x)));
        cat([y1, y2, y3, y4], dim = 1)
    }
}

model! {
    /// ResNeXt (Xie et al. 2017).
    ResNeXtBlock<const C: usize, const GROUPS: usize, const WIDTH: usize> where [(); GROUPS]: {
        conv1: Conv2d(C, GROUPS * WIDTH, kernel = 1, bias = false),
        bn1: BatchNorm2d(_),
        conv2: Conv2d(_, GROUPS * WIDTH, kernel = 3, padding = 1, groups = GROUPS, bias = false),
        bn2: BatchNorm2d(_),
        conv3: Conv2d(_, C, kernel = 1, bias = false),
        bn3: BatchNorm2d(_),
    }
    forward(x: [batch, C, h, w]) -> [batch, C, h, w] {
        let identity = x;
        let mut out = relu(bn1(conv1(x)));
        out = relu(bn2(conv2(out)));
        out = bn3(conv3(out));
        out += identity;
        relu(out)
    }
}

model! {
    /// ConvNeXt (Liu et al. 2022).
    pub(crate) ConvNeXtBlock<const C: usize> {
        dwconv: Conv2d(C, C, kernel = 7, padding = 3, groups = C),
        norm: LayerNorm(C, eps = 1e-6),
        pwconv1: Linear(C, 4 * C),
        act: GELU,
        pwconv2: Linear(4 * C, C),
        gamma: Param([C], init = 1e-6),
    }
    forward(x: [batch, C, h, w]) -> [batch, C, h, w] {
        let input = x;
        let x = dwconv(x);
        let x = x.permute([0, 2, 3, 1]);
        let x = norm(x);
        let x = pwconv2(act(pwconv1(x)));
        let x = gamma * x;
        let x = x.permute([0, 3, 1, 2]);
        input + x
    }

    pub(crate) ConvNeXt<const C: usize, const DEPTH: usize> {
        stem: Conv2d(3, C, kernel = 4, stride = 4),
        blocks: [ConvNeXtBlock<C>; DEPTH],
        norm: LayerNorm(C),
        head: Linear(C, 10),
    }
    forward(x: [batch, 3, h, w]) -> [batch, 10] {
        let mut x = stem(x);
        for block in self.blocks {
            x = block(x);
        }
        head(norm(mean(x, dim = [-2, -1])))
    }
}

#[test]
fn mobilenet_v2() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 3, 32, 32])]
    };
    everywhere(&MobileNetV2::<10>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 3, 32, 32]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn mobilenet_v3_block() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 4, 6, s + 1])]
    };
    everywhere(&MobileV3Block::<4, 8>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 4, Any, Any]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn dense_block() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 8, 6, s + 2])]
    };
    everywhere(&DenseBlock::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 8, Any, Any]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn inception() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 5, s + 3, 6])]
    };
    everywhere(&Inception::<5>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 5, Any, Any]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn resnext() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 8, s + 1, 5])]
    };
    everywhere(&ResNeXtBlock::<8, 2, 4>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 8, Any, Any]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}

#[test]
fn convnext() -> Result<()> {
    let _turn = turn();
    let inputs = |n: usize, s: usize| {
        let _ = s;
        vec![Tensor::randn([n, 3, 16, 4 * s])]
    };
    everywhere(&ConvNeXt::<6, 2>::new(), inputs, |model, x| {
        let y = model.try_forward(&x[0].typed::<shape![Batch, 3, Any, Any]>()?)?;
        Ok(vec![y.into_tensor()])
    })
}
