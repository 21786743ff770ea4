//! ResNet-18 (He et al. 2015) of layers, with torchvision's architecture and parameter names.

use rustorch::nn::{
    AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Linear, MaxPool2d, Sequential, Visitor, VisitorMut,
};
use rustorch::prelude::*;

/// A [`Module`] of the fields that are named.
macro_rules! modules {
    ($model:ident: $($field:ident)*) => {
        impl Module for $model {
            fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
                $(visitor.module(stringify!($field), &self.$field);)*
            }
            fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
                $(visitor.module(stringify!($field), &mut self.$field);)*
            }
        }
    };
}

fn conv(inputs: usize, outputs: usize, kernel: usize, stride: usize) -> rustorch::Result<Conv2d> {
    Conv2d::builder(inputs, outputs, kernel).stride(stride).padding(kernel / 2).bias(false).build()
}

/// Two convolutions beside a shortcut.
struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    conv2: Conv2d,
    bn2: BatchNorm2d,
    /// Empty where the shortcut is the identity.
    downsample: Sequential,
}

modules!(BasicBlock: conv1 bn1 conv2 bn2 downsample);

impl BasicBlock {
    fn new(inputs: usize, outputs: usize, stride: usize) -> rustorch::Result<Self> {
        let mut downsample = Sequential::new();
        if inputs != outputs {
            downsample = downsample.add(conv(inputs, outputs, 1, stride)?).add(BatchNorm2d::new(outputs));
        }
        Ok(Self {
            conv1: conv(inputs, outputs, 3, stride)?,
            bn1: BatchNorm2d::new(outputs),
            conv2: conv(outputs, outputs, 3, 1)?,
            bn2: BatchNorm2d::new(outputs),
            downsample,
        })
    }
}

impl Layer for BasicBlock {
    fn forward(&self, x: &Tensor) -> rustorch::Result<Tensor> {
        let y = self.bn1.forward(&self.conv1.forward(x)?)?.relu();
        let y = self.bn2.forward(&self.conv2.forward(&y)?)?;
        Ok(y.add(&self.downsample.forward(x)?)?.relu())
    }
}

/// The network: `[batch, 3, h, w] → [batch, 1000]`.
pub struct ResNet18 {
    conv1: Conv2d,
    bn1: BatchNorm2d,
    maxpool: MaxPool2d,
    layer1: Sequential,
    layer2: Sequential,
    layer3: Sequential,
    layer4: Sequential,
    avgpool: AdaptiveAvgPool2d,
    fc: Linear,
}

modules!(ResNet18: conv1 bn1 maxpool layer1 layer2 layer3 layer4 avgpool fc);

impl ResNet18 {
    /// With random weights.
    pub fn new() -> rustorch::Result<Self> {
        let stage = |inputs: usize, outputs: usize| -> rustorch::Result<Sequential> {
            let stride = if inputs == outputs { 1 } else { 2 };
            let first = BasicBlock::new(inputs, outputs, stride)?;
            Ok(Sequential::new().add(first).add(BasicBlock::new(outputs, outputs, 1)?))
        };
        Ok(Self {
            conv1: conv(3, 64, 7, 2)?,
            bn1: BatchNorm2d::new(64),
            maxpool: MaxPool2d::builder(3).stride(2).padding(1).build()?,
            layer1: stage(64, 64)?,
            layer2: stage(64, 128)?,
            layer3: stage(128, 256)?,
            layer4: stage(256, 512)?,
            avgpool: AdaptiveAvgPool2d::new(1),
            fc: Linear::new(512, 1000),
        })
    }
}

impl Layer for ResNet18 {
    fn forward(&self, x: &Tensor) -> rustorch::Result<Tensor> {
        let mut x = self.maxpool.forward(&self.bn1.forward(&self.conv1.forward(x)?)?.relu())?;
        for stage in [&self.layer1, &self.layer2, &self.layer3, &self.layer4] {
            x = stage.forward(&x)?;
        }
        self.fc.forward(&self.avgpool.forward(&x)?.flatten(1, -1)?)
    }
}
