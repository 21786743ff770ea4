//! Programs with large models: a GPT of 48 blocks and a ResNet-152, with every layer written out in one `model!`, or as arrays
//! of submodels.

use std::fmt::Write as _;

/// A large model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Large {
    /// A GPT of 48 blocks of 8 layers each.
    Gpt48,
    /// The same as `[Block<D, HEADS>; 48]`.
    Gpt48Array,
    /// 50 bottlenecks of three convolutions and three batch norms each.
    ResNet152,
    /// The same as arrays of bottlenecks.
    ResNet152Array,
}

/// The program that trains the model for a step.
pub fn program(large: Large) -> String {
    match large {
        Large::Gpt48 => gpt(&gpt_written_out()),
        Large::Gpt48Array => gpt(GPT_ARRAY),
        Large::ResNet152 => resnet(&resnet_written_out()),
        Large::ResNet152Array => resnet(RESNET_ARRAY),
    }
}

fn gpt(models: &str) -> String {
    format!(
        "use rustorch::prelude::*;

{models}
dim!(Batch, Seq);

fn main() -> rustorch::Result<()> {{
    let model = Gpt::<65, 256, 128, 4>::new();
    let text = Tensor::randint(0, 65, [4, 64]).typed::<shape![Batch, Seq]>()?;
    let places = Tensor::arange(0, 64, 1)?.typed::<shape![Seq]>()?;
    let mut optimiser = optim::AdamW::new(model.parameters(), 1e-3);
    model.forward(&text, &places).sum().backward()?;
    optimiser.step()?;
    Ok(())
}}
"
    )
}

fn resnet(models: &str) -> String {
    format!(
        "use rustorch::prelude::*;

{models}
dim!(Batch);

fn main() -> rustorch::Result<()> {{
    let model = ResNet152::new();
    let images = Tensor::randn([2, 3, 64, 64]).typed::<shape![Batch, 3, 64, 64]>()?;
    let mut optimiser = optim::AdamW::new(model.parameters(), 1e-3);
    model.forward(&images).sum().backward()?;
    optimiser.step()?;
    Ok(())
}}
"
    )
}

/// One `model!` of 386 layers.
fn gpt_written_out() -> String {
    let (mut fields, mut body) = (String::new(), String::new());
    for i in 0..48 {
        write!(
            fields,
            "        ln1_{i}: LayerNorm(D),
        query_{i}: Linear(D, D),
        key_{i}: Linear(D, D),
        value_{i}: Linear(D, D),
        proj_{i}: Linear(D, D),
        ln2_{i}: LayerNorm(D),
        up_{i}: Linear(D, 4 * D),
        down_{i}: Linear(4 * D, D),
"
        )
        .expect("a string takes what is written to it");
        write!(
            body,
            "        let h = ln1_{i}(x);
        let q = transpose(reshape(query_{i}(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let k = transpose(reshape(key_{i}(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let v = transpose(reshape(value_{i}(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let a = scaled_dot_product_attention(q, k, v, causal = true);
        let x = x + proj_{i}(reshape(transpose(a, 1, 2), [batch, seq, D]));
        let x = x + down_{i}(gelu(up_{i}(ln2_{i}(x)), approximate = \"tanh\"));
"
        )
        .expect("a string takes what is written to it");
    }
    format!(
        "model! {{
    /// Every layer written out.
    pub Gpt<const VOCABULARY: usize, const CONTEXT: usize, const D: usize, const HEADS: usize> {{
        tokens: Embedding(VOCABULARY, D),
        positions: Embedding(CONTEXT, D),
{fields}        ln: LayerNorm(D),
        head: Linear(D, VOCABULARY),
    }}
    forward(text: [batch, seq], places: [seq]) -> [batch, seq, VOCABULARY] {{
        let x = tokens(text) + positions(places);
{body}        head(ln(x))
    }}
}}
"
    )
}

const GPT_ARRAY: &str = "model! {
    pub Block<const D: usize, const HEADS: usize> {
        ln1: LayerNorm(D),
        query: Linear(D, D),
        key: Linear(D, D),
        value: Linear(D, D),
        proj: Linear(D, D),
        ln2: LayerNorm(D),
        up: Linear(D, 4 * D),
        down: Linear(4 * D, D),
    }
    forward(x: [batch, seq, D]) -> [batch, seq, D] {
        let h = ln1(x);
        let q = transpose(reshape(query(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let k = transpose(reshape(key(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let v = transpose(reshape(value(h), [batch, seq, HEADS, D / HEADS]), 1, 2);
        let a = scaled_dot_product_attention(q, k, v, causal = true);
        let x = x + proj(reshape(transpose(a, 1, 2), [batch, seq, D]));
        x + down(gelu(up(ln2(x)), approximate = \"tanh\"))
    }
}

model! {
    pub Gpt<const VOCABULARY: usize, const CONTEXT: usize, const D: usize, const HEADS: usize> {
        tokens: Embedding(VOCABULARY, D),
        positions: Embedding(CONTEXT, D),
        blocks: [Block<D, HEADS>; 48],
        ln: LayerNorm(D),
        head: Linear(D, VOCABULARY),
    }
    forward(text: [batch, seq], places: [seq]) -> [batch, seq, VOCABULARY] {
        let x = tokens(text) + positions(places);
        for block in self.blocks {
            x = block(x);
        }
        head(ln(x))
    }
}
";

/// The bottlenecks of each stage, and their width inside.
const STAGES: [(usize, usize); 4] = [(3, 64), (8, 128), (36, 256), (3, 512)];

/// One `model!` of 312 layers.
fn resnet_written_out() -> String {
    let (mut fields, mut body) = (String::new(), String::new());
    let bottlenecks = STAGES.into_iter().flat_map(|(count, width)| (0..count).map(move |i| (i == 0, width)));
    for (i, (first, width)) in bottlenecks.enumerate() {
        let out = 4 * width;
        let stride = if first && width > 64 { 2 } else { 1 };
        write!(
            fields,
            "        conv1_{i}: Conv2d(_, {width}, kernel = 1, bias = false),
        bn1_{i}: BatchNorm2d(_),
        conv2_{i}: Conv2d(_, {width}, kernel = 3, stride = {stride}, padding = 1, bias = false),
        bn2_{i}: BatchNorm2d(_),
        conv3_{i}: Conv2d(_, {out}, kernel = 1, bias = false),
        bn3_{i}: BatchNorm2d(_),
"
        )
        .expect("a string takes what is written to it");
        let shortcut = if first {
            write!(
                fields,
                "        down_{i}: Conv2d(_, {out}, kernel = 1, stride = {stride}, bias = false),
        down_bn_{i}: BatchNorm2d(_),
"
            )
            .expect("a string takes what is written to it");
            format!("down_bn_{i}(down_{i}(x))")
        } else {
            "x".into()
        };
        write!(
            body,
            "        let y = relu(bn1_{i}(conv1_{i}(x)));
        let y = relu(bn2_{i}(conv2_{i}(y)));
        let x = relu(bn3_{i}(conv3_{i}(y)) + {shortcut});
"
        )
        .expect("a string takes what is written to it");
    }
    format!(
        "model! {{
    /// Every layer written out.
    pub ResNet152 {{
        conv1: Conv2d(3, 64, kernel = 7, stride = 2, padding = 3, bias = false),
        bn1: BatchNorm2d(_),
{fields}        fc: Linear(_, 1000),
    }}
    forward(x: [batch, 3, h, w]) -> [batch, 1000] {{
        let x = max_pool2d(relu(bn1(conv1(x))), 3, stride = 2, padding = 1);
{body}        fc(mean(x, [2, 3]))
    }}
}}
"
    )
}

const RESNET_ARRAY: &str = "model! {
    pub Bottleneck<const IN: usize, const WIDTH: usize, const STRIDE: usize> {
        conv1: Conv2d(IN, WIDTH, kernel = 1, bias = false),
        bn1: BatchNorm2d(_),
        conv2: Conv2d(_, WIDTH, kernel = 3, stride = STRIDE, padding = 1, bias = false),
        bn2: BatchNorm2d(_),
        conv3: Conv2d(_, 4 * WIDTH, kernel = 1, bias = false),
        bn3: BatchNorm2d(_),
        down: Option<Conv2d>(IN, 4 * WIDTH, kernel = 1, stride = STRIDE, bias = false) if IN != 4 * WIDTH || STRIDE != 1,
        down_bn: Option<BatchNorm2d>(4 * WIDTH) if IN != 4 * WIDTH || STRIDE != 1,
    }
    forward(x: [batch, IN, h, w]) -> [batch, 4 * WIDTH, (h - 1) / STRIDE + 1, (w - 1) / STRIDE + 1] {
        let y = relu(bn1(conv1(x)));
        let y = relu(bn2(conv2(y)));
        let shortcut = if let Some(down) = self.down { down(x) } else { x };
        let shortcut = if let Some(down_bn) = self.down_bn { down_bn(shortcut) } else { shortcut };
        relu(bn3(conv3(y)) + shortcut)
    }
}

model! {
    pub Stage<const IN: usize, const WIDTH: usize, const OUT: usize, const STRIDE: usize, const MORE: usize> {
        first: Bottleneck<IN, WIDTH, STRIDE>,
        more: [Bottleneck<OUT, WIDTH, 1>; MORE],
    }
    forward(x: [batch, IN, h, w]) -> [batch, OUT, (h - 1) / STRIDE + 1, (w - 1) / STRIDE + 1] {
        let x: [batch, OUT, (h - 1) / STRIDE + 1, (w - 1) / STRIDE + 1] = first(x);
        for block in self.more {
            x = block(x);
        }
        x
    }
}

model! {
    pub ResNet152 {
        conv1: Conv2d(3, 64, kernel = 7, stride = 2, padding = 3, bias = false),
        bn1: BatchNorm2d(_),
        layer1: Stage<64, 64, 256, 1, 2>,
        layer2: Stage<256, 128, 512, 2, 7>,
        layer3: Stage<512, 256, 1024, 2, 35>,
        layer4: Stage<1024, 512, 2048, 2, 2>,
        fc: Linear(2048, 1000),
    }
    forward(x: [batch, 3, h, w]) -> [batch, 1000] {
        let x = max_pool2d(relu(bn1(conv1(x))), 3, stride = 2, padding = 1);
        let x: [batch, 256, (h + 3) / 4, (w + 3) / 4] = layer1(x);
        let x: [batch, 512, (h + 7) / 8, (w + 7) / 8] = layer2(x);
        let x: [batch, 1024, (h + 15) / 16, (w + 15) / 16] = layer3(x);
        let x: [batch, 2048, (h + 31) / 32, (w + 31) / 32] = layer4(x);
        fc(mean(x, [2, 3]))
    }
}
";
