//! Residual networks (He et al. 2015), with the parameter names of torchvision.

use rustorch::prelude::*;

model! {
    /// What a block adds where its input has another shape than its output.
    pub Shortcut<const IN: usize, const OUT: usize, const STRIDE: usize>:
        [batch, IN, h, w] -> [batch, OUT, (h - 1) / STRIDE + 1, (w - 1) / STRIDE + 1]
    {
        Conv2d(IN, OUT, kernel = 1, stride = STRIDE, bias = false),
        BatchNorm2d,
    }
}

model! {
    /// Two convolutions beside a shortcut.
    pub BasicBlock<const IN: usize, const OUT: usize, const STRIDE: usize> {
        conv1: Conv2d(IN, OUT, kernel = 3, stride = STRIDE, padding = 1, bias = false),
        bn1: BatchNorm2d(_),
        conv2: Conv2d(_, OUT, kernel = 3, padding = 1, bias = false),
        bn2: BatchNorm2d(_),
        downsample: Option<Shortcut<IN, OUT, STRIDE>> if IN != OUT || STRIDE != 1,
    }
    forward(x: [batch, IN, h, w]) -> [batch, OUT, (h - 1) / STRIDE + 1, (w - 1) / STRIDE + 1] {
        let y = bn2(conv2(relu(bn1(conv1(x)))));
        let shortcut = if let Some(downsample) = self.downsample {
            let small: [batch, OUT, (h - 1) / STRIDE + 1, (w - 1) / STRIDE + 1] = downsample(x);
            small
        } else {
            x
        };
        relu(y + shortcut)
    }
}

model! {
    /// A narrow convolution between two that change the width, beside a shortcut. The stride is that of the middle one, as in
    /// torchvision.
    pub Bottleneck<const IN: usize, const WIDTH: usize, const OUT: usize, const STRIDE: usize> {
        conv1: Conv2d(IN, WIDTH, kernel = 1, bias = false),
        bn1: BatchNorm2d(_),
        conv2: Conv2d(_, WIDTH, kernel = 3, stride = STRIDE, padding = 1, bias = false),
        bn2: BatchNorm2d(_),
        conv3: Conv2d(_, OUT, kernel = 1, bias = false),
        bn3: BatchNorm2d(_),
        downsample: Option<Shortcut<IN, OUT, STRIDE>> if IN != OUT || STRIDE != 1,
    }
    forward(x: [batch, IN, h, w]) -> [batch, OUT, (h - 1) / STRIDE + 1, (w - 1) / STRIDE + 1] {
        let y = relu(bn2(conv2(relu(bn1(conv1(x))))));
        let y = bn3(conv3(y));
        let shortcut = if let Some(downsample) = self.downsample {
            let small: [batch, OUT, (h - 1) / STRIDE + 1, (w - 1) / STRIDE + 1] = downsample(x);
            small
        } else {
            x
        };
        relu(y + shortcut)
    }
}

model! {
    /// Blocks of one size, of which the first one changes it: `1 + MORE` of them.
    pub Stage<const IN: usize, const OUT: usize, const STRIDE: usize, const MORE: usize> {
        #[name = "0"]
        first: BasicBlock<IN, OUT, STRIDE>,
        #[name = "1.."]
        more: [BasicBlock<OUT, OUT, 1>; MORE],
    }
    forward(x: [batch, IN, h, w]) -> [batch, OUT, (h - 1) / STRIDE + 1, (w - 1) / STRIDE + 1] {
        let y: [batch, OUT, (h - 1) / STRIDE + 1, (w - 1) / STRIDE + 1] = first(x);
        for block in self.more {
            y = block(y);
        }
        y
    }
}

model! {
    /// As [`Stage`], of bottlenecks.
    pub BottleneckStage<const IN: usize, const WIDTH: usize, const OUT: usize, const STRIDE: usize, const MORE: usize> {
        #[name = "0"]
        first: Bottleneck<IN, WIDTH, OUT, STRIDE>,
        #[name = "1.."]
        more: [Bottleneck<OUT, WIDTH, OUT, 1>; MORE],
    }
    forward(x: [batch, IN, h, w]) -> [batch, OUT, (h - 1) / STRIDE + 1, (w - 1) / STRIDE + 1] {
        let y: [batch, OUT, (h - 1) / STRIDE + 1, (w - 1) / STRIDE + 1] = first(x);
        for block in self.more {
            y = block(y);
        }
        y
    }
}

model! {
    /// Four stages of two basic blocks, with any number of channels.
    pub ResNet<
        const CHANNELS: usize,
        const A: usize,
        const B: usize,
        const C: usize,
        const D: usize,
        const CLASSES: usize,
    > {
        conv1: Conv2d(CHANNELS, A, kernel = 7, stride = 2, padding = 3, bias = false),
        bn1: BatchNorm2d(_),
        maxpool: MaxPool2d(3, stride = 2, padding = 1),
        layer1: Stage<A, A, 1, 1>,
        layer2: Stage<A, B, 2, 1>,
        layer3: Stage<B, C, 2, 1>,
        layer4: Stage<C, D, 2, 1>,
        avgpool: AdaptiveAvgPool2d(1),
        fc: Linear(D, CLASSES),
    }
    forward(x: [batch, CHANNELS, h, w]) -> [batch, CLASSES] {
        let x = maxpool(relu(bn1(conv1(x))));
        let x: [batch, A, (h + 3) / 4, (w + 3) / 4] = layer1(x);
        let x: [batch, B, (h + 7) / 8, (w + 7) / 8] = layer2(x);
        let x: [batch, C, (h + 15) / 16, (w + 15) / 16] = layer3(x);
        let x: [batch, D, (h + 31) / 32, (w + 31) / 32] = layer4(x);
        fc(flatten(avgpool(x), 1))
    }
}

/// The ResNet-18 of torchvision.
pub type ResNet18 = ResNet<3, 64, 128, 256, 512, 1000>;

model! {
    /// The ResNet-152 of torchvision.
    pub ResNet152<const CLASSES: usize> {
        conv1: Conv2d(3, 64, kernel = 7, stride = 2, padding = 3, bias = false),
        bn1: BatchNorm2d(_),
        maxpool: MaxPool2d(3, stride = 2, padding = 1),
        layer1: BottleneckStage<64, 64, 256, 1, 2>,
        layer2: BottleneckStage<256, 128, 512, 2, 7>,
        layer3: BottleneckStage<512, 256, 1024, 2, 35>,
        layer4: BottleneckStage<1024, 512, 2048, 2, 2>,
        avgpool: AdaptiveAvgPool2d(1),
        fc: Linear(2048, CLASSES),
    }
    forward(x: [batch, 3, h, w]) -> [batch, CLASSES] {
        let x = maxpool(relu(bn1(conv1(x))));
        let x: [batch, 256, (h + 3) / 4, (w + 3) / 4] = layer1(x);
        let x: [batch, 512, (h + 7) / 8, (w + 7) / 8] = layer2(x);
        let x: [batch, 1024, (h + 15) / 16, (w + 15) / 16] = layer3(x);
        let x: [batch, 2048, (h + 31) / 32, (w + 31) / 32] = layer4(x);
        fc(flatten(avgpool(x), 1))
    }
}
