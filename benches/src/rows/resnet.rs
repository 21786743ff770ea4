//! ResNet-18 (He et al. 2015), with torchvision's architecture, for images of 224×224.

use rustorch::prelude::*;

model! {
    /// Two convolutions beside the identity.
    pub Block<const C: usize, const SIZE: usize> {
        conv1: Conv2d(C, C, kernel = 3, padding = 1, bias = false),
        bn1: BatchNorm2d(C),
        conv2: Conv2d(C, C, kernel = 3, padding = 1, bias = false),
        bn2: BatchNorm2d(C),
    }
    forward(x: [batch, C, SIZE, SIZE]) -> [batch, C, SIZE, SIZE] {
        relu(bn2(conv2(relu(bn1(conv1(x))))) + x)
    }
}

model! {
    /// Two convolutions, the first at a stride of 2, beside one that does as much.
    pub Halving<const INPUTS: usize, const OUTPUTS: usize, const FROM: usize, const TO: usize> {
        conv1: Conv2d(INPUTS, OUTPUTS, kernel = 3, stride = 2, padding = 1, bias = false),
        bn1: BatchNorm2d(OUTPUTS),
        conv2: Conv2d(OUTPUTS, OUTPUTS, kernel = 3, padding = 1, bias = false),
        bn2: BatchNorm2d(OUTPUTS),
        shortcut: Conv2d(INPUTS, OUTPUTS, kernel = 1, stride = 2, bias = false),
        bn3: BatchNorm2d(OUTPUTS),
    }
    forward(x: [batch, INPUTS, FROM, FROM]) -> [batch, OUTPUTS, TO, TO] {
        let y = bn2(conv2(relu(bn1(conv1(x)))));
        relu(y + bn3(shortcut(x)))
    }
}

model! {
    /// The network.
    pub ResNet18 {
        conv1: Conv2d(3, 64, kernel = 7, stride = 2, padding = 3, bias = false),
        bn1: BatchNorm2d(64),
        layer1: [Block<64, 56>; 2],
        layer2: Halving<64, 128, 56, 28>,
        layer2_1: Block<128, 28>,
        layer3: Halving<128, 256, 28, 14>,
        layer3_1: Block<256, 14>,
        layer4: Halving<256, 512, 14, 7>,
        layer4_1: Block<512, 7>,
        fc: Linear(512, 1000),
    }
    forward(image: [batch, 3, 224, 224]) -> [batch, 1000] {
        let x = max_pool2d(relu(bn1(conv1(image))), 3, stride = 2, padding = 1);
        for block in self.layer1 {
            x = block(x);
        }
        let x: [batch, 128, 28, 28] = layer2(x);
        let x: [batch, 128, 28, 28] = layer2_1(x);
        let x: [batch, 256, 14, 14] = layer3(x);
        let x: [batch, 256, 14, 14] = layer3_1(x);
        let x: [batch, 512, 7, 7] = layer4(x);
        let x: [batch, 512, 7, 7] = layer4_1(x);
        fc(mean(x, [2, 3]))
    }
}
