//! How long large models take to expand.

use super::{expand, run};
use proc_macro2::TokenStream;

/// A GPT of 48 blocks and a ResNet of 50 bottlenecks, every layer written out, expand in 100 ms each where the macro is
/// optimised; unoptimised, as in most runs of this test, in ten times that.
#[test]
fn large_models_expand_quickly() {
    let (mut fields, mut body) = (String::new(), String::new());
    for i in 0..48 {
        fields += &format!(
            "ln1_{i}: LayerNorm(D), qkv{i}: Linear(D, 3 * D), out{i}: Linear(_, D), ln2_{i}: LayerNorm(D), up{i}: Linear(D, 4 * D), down{i}: Linear(4 * D, D),"
        );
        body += &format!(
            "let (q, k, v) = chunk(qkv{i}(ln1_{i}(x)), 3, -1);
             let q = transpose(reshape(q, [batch, seq, H, D / H]), 1, 2);
             let k = transpose(reshape(k, [batch, seq, H, D / H]), 1, 2);
             let v = transpose(reshape(v, [batch, seq, H, D / H]), 1, 2);
             let a = scaled_dot_product_attention(q, k, v, causal = true);
             x = x + out{i}(reshape(transpose(a, 1, 2), [batch, seq, D]));
             x = x + down{i}(gelu(up{i}(ln2_{i}(x))));"
        );
    }
    let gpt = format!(
        "Gpt<const D: usize, const H: usize> {{ {fields} }} forward(x: [batch, seq, D]) -> [batch, seq, D] {{ {body} x }}"
    );
    let (mut fields, mut body) =
        (String::from("stem: Conv2d(3, 64, kernel = 7, stride = 2, padding = 3),"), String::new());
    let mut number = 0;
    for (count, width) in [(3, 64), (8, 128), (36, 256), (3, 512)] {
        for first in (0..count).map(|i| i == 0) {
            let stride = if first && width > 64 { 2 } else { 1 };
            let wide = 4 * width;
            fields += &format!(
                "a{number}: Conv2d(_, {width}, kernel = 1, bias = false), na{number}: BatchNorm2d(_),
                 b{number}: Conv2d(_, {width}, kernel = 3, padding = 1, stride = {stride}, bias = false), nb{number}: BatchNorm2d(_),
                 c{number}: Conv2d(_, {wide}, kernel = 1, bias = false), nc{number}: BatchNorm2d(_),"
            );
            if first {
                fields += &format!(
                    "d{number}: Conv2d(_, {wide}, kernel = 1, stride = {stride}, bias = false), nd{number}: BatchNorm2d(_),"
                );
            }
            let shortcut = if first { format!("nd{number}(d{number}(x))") } else { "x".into() };
            body += &format!(
                "let y = relu(na{number}(a{number}(x)));
                 let y = relu(nb{number}(b{number}(y)));
                 x = relu(nc{number}(c{number}(y)) + {shortcut});"
            );
            number += 1;
        }
    }
    let resnet = format!(
        "ResNet152 {{ {fields} fc: Linear(_, 1000) }} forward(x: [batch, 3, h, w]) -> [batch, 1000] {{
            x = max_pool2d(relu(stem(x)), 3, stride = 2, padding = 1);
            {body}
            fc(mean(x, [2, 3]))
        }}"
    );
    for (name, source) in [("GPT", gpt), ("ResNet-152", resnet)] {
        let tokens: TokenStream = source.parse().expect("tokens");
        assert!(run(&source).1.is_empty(), "{:?}", run(&source).1);
        let begin = std::time::Instant::now();
        let expanded = expand(tokens);
        let took = begin.elapsed();
        assert!(!expanded.is_empty());
        println!("{name}: {:.1} ms", took.as_secs_f64() * 1e3);
        let limit = if cfg!(debug_assertions) { 1000 } else { 100 };
        assert!(took.as_millis() < limit, "{name} takes {took:?}, more than {limit} ms");
    }
}
