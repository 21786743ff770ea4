//! The stages by hand; what a compiler says of whole programs is in `ui-tests`.

use super::errors::Errors;
use super::{check, codegen, expand, ir, lower, parse, resolve};
use proc_macro2::TokenStream;
use rustorch_shape::Dims;

/// Parses, resolves and checks.
fn run(source: &str) -> (Option<(ir::Model, check::Checked)>, Vec<String>) {
    let tokens: TokenStream = source.parse().expect("the test is made of tokens");
    let mut errors = Errors::default();
    let stages = parse::parse(tokens, &mut errors).map(|ast| {
        let ast = parse::desugar(ast, &mut errors);
        let model = resolve::resolve(&ast, &mut errors);
        let checked = check::check(&model, &mut errors);
        (model, checked)
    });
    (stages, errors.messages())
}

/// The only message of a wrong model.
fn message(source: &str) -> String {
    let (_, messages) = run(source);
    assert_eq!(messages.len(), 1, "one mistake, one error: {messages:#?}");
    assert!(syn::parse2::<syn::File>(expand(source.parse().unwrap())).is_ok(), "the stub is made of items");
    messages.into_iter().next().unwrap()
}

/// The expansion of a correct model.
fn expansion(source: &str) -> String {
    let (_, messages) = run(source);
    assert!(messages.is_empty(), "{messages:#?}");
    let file: syn::File = syn::parse2(expand(source.parse().unwrap())).expect("items");
    quote::ToTokens::to_token_stream(&file).to_string()
}

/// A model whose fields and body are `fields` and `body`, from `[batch, 1, 28, 28]`.
fn image(fields: &str, output: &str, body: &str) -> String {
    format!(
        "Net<const D: usize, const E: usize> {{ {fields} }} forward(x: [batch, 1, 28, 28]) -> {output} {{ {body} }}"
    )
}

const CONV_NET: &str = "
    pub ConvNet<const CLASSES: usize> {
        conv1: Conv2d(1, 32, kernel = 3, padding = 1),
        conv2: Conv2d(_, 64, kernel = 3, padding = 1),
        fc1: Linear(_, 128),
        fc2: Linear(_, CLASSES),
    }
    forward(x: [batch, 1, 28, 28]) -> [batch, CLASSES] {
        let x = max_pool2d(relu(conv1(x)), 2);
        let x = max_pool2d(relu(conv2(x)), 2);
        fc2(relu(fc1(flatten(x, 1))))
    }";

#[test]
fn inferred_sizes_are_filled_in() {
    let (stages, messages) = run(CONV_NET);
    assert!(messages.is_empty(), "{messages:#?}");
    let (model, checked) = stages.unwrap();
    let inputs: Vec<String> = ["in_channels", "in_channels", "in_features", "in_features"]
        .iter()
        .zip(&checked.layers)
        .map(|(name, args)| args.as_ref().unwrap().size(name).unwrap().to_string())
        .collect();
    assert_eq!(inputs, ["1", "32", "3136", "128"]);
    assert!(checked.claims.is_empty());
    let program = lower::lower(&model, &checked);
    let result = checked.shapes[program.results[0]].as_ref().unwrap();
    assert_eq!(Dims(result).to_string(), "[batch, CLASSES]");
    assert_eq!(program.instructions.len(), 10);
    assert!(
        !codegen::generate(
            &model,
            &checked,
            &program,
            super::compile::compile(&model, &checked, &program).as_ref()
        )
        .is_empty()
    );
}

#[test]
fn both_forms_expand_to_items() {
    let text = expansion(CONV_NET);
    assert!(text.contains(
        ":: rustorch :: nn :: Conv2d :: builder (32 , 64 , [3 , 3]) . padding ([1 , 1]) . build () ?"
    ));
    assert!(text.contains("max_pool2d (t2 , [2 , 2] , [2 , 2] , [0 , 0] , [1 , 1] , false) ?"), "{text}");
    assert!(text.contains("pub fn forward < Batch : :: rustorch :: Dim >"));
    let text = expansion(
        "pub Mlp<const HIDDEN: usize>: [batch, 784] -> [batch, 10] {
            fc1: Linear(HIDDEN), ReLU, Dropout(0.2), fc2: Linear(10),
        }",
    );
    assert!(text.contains("Linear :: builder (784 , HIDDEN)"));
    assert!(text.contains("Dropout :: builder () . p (0.2)"));
}

#[test]
fn wrong_features_show_how_they_came_about() {
    let text = message(&image(
        "conv: Conv2d(1, 8, kernel = 5), fc: Linear(1000, D)",
        "[batch, D]",
        "fc(flatten(relu(conv(x)), 1))",
    ));
    assert_eq!(
        text,
        "`fc` takes 1000 features, but its input [batch, 4608] has 4608 (axis 1)\n\
         `flatten(relu(conv(x)), 1)` is 8 × 24 × 24 = 4608\n\
         write 4608 here, or `_` to have it inferred"
    );
}

#[test]
fn several_mistakes_are_all_reported() {
    let (_, messages) = run(&image(
        "conv: Conv2d(3, 8, kernel = 5), fc: Lineer(_, D), d: Dropout(p = 0.1, inplace = true)",
        "[batch, D]",
        "let y = conv(x); let z = max_pool2d(x, 40); fc(flatten(z, 1))",
    ));
    assert_eq!(messages.len(), 4, "{messages:#?}");
}

#[test]
fn claims_become_assertions() {
    let (stages, messages) =
        run("Attention<const D: usize, const HEADS: usize> { qkv: Linear(D, 3 * D), out: Linear(_, D) }
         forward(x: [batch, seq, D]) -> [batch, seq, D] {
            let (q, k, v) = chunk(qkv(x), 3, -1);
            let q = transpose(reshape(q, [batch, seq, HEADS, D / HEADS]), 1, 2);
            let k = transpose(reshape(k, [batch, seq, HEADS, D / HEADS]), 1, 2);
            let v = transpose(reshape(v, [batch, seq, HEADS, D / HEADS]), 1, 2);
            let h = scaled_dot_product_attention(q, k, v, causal = true);
            out(reshape(transpose(h, 1, 2), [batch, seq, D]))
         }");
    assert!(messages.is_empty(), "{messages:#?}");
    let checked = stages.unwrap().1;
    let conditions: Vec<String> = checked
        .claims
        .iter()
        .flat_map(|located| located.claim.conditions().unwrap())
        .map(|(left, relation, right)| format!("{left} {relation:?} {right}"))
        .collect();
    assert_eq!(conditions, ["D Equal HEADS*(D/HEADS)"]);
}

#[test]
fn a_broken_body_still_yields_items() {
    for body in ["let x = ;", "x.", "let y = relu(x) relu(y)", "}", "for in x"] {
        let source = image("fc: Linear(_, D)", "[batch, D]", body);
        let Ok(tokens) = source.parse::<TokenStream>() else { continue };
        let text = expand(tokens).to_string();
        assert!(text.contains("compile_error"), "{text}");
        assert!(text.contains("struct Net") && text.contains("pub fn forward"), "{text}");
    }
}

#[test]
fn loops_branches_and_submodels() {
    let text = expansion(
        "Gpt<const D: usize, const LAYERS: usize> {
            blocks: [Block<D, 4>; LAYERS],
            norm: LayerNorm(_),
            head: Linear(_, 65),
        }
        forward(x: [batch, seq, D]) -> [batch, seq, 65] {
            for block in self.blocks { x = block(x); }
            let x = if self.training { dropout(x, 0.1) } else { x };
            head(norm(x))
        }",
    );
    assert!(text.contains("for submodel0 in & self . blocks"), "{text}");
    assert!(text.contains("submodel0 . try_forward"), "{text}");
    assert!(text.contains("if self . training . get ()"), "{text}");
}

#[test]
fn one_mistake_is_one_message() {
    let cases = [
        (
            "c: Conv2d(3, 8, kernel = 5)",
            "c(x)",
            "`c` takes 3 channels, but its input [batch, 1, 28, 28] has 1 (axis 1)",
        ),
        (
            "c: Conv2d(1, 8, kernel = 29)",
            "c(x)",
            "the kernel of 29 is larger than axis 2 of the input, which is 28",
        ),
        ("c: Conv2d(1, 8, kernel_size = 3)", "c(x)", "no option `kernel_size`; did you mean `kernel`?"),
        (
            "c: Conv2d(1, 8, 3)",
            "c(x)",
            "takes 2 arguments by position; options go by name, as in `kernel = 3`",
        ),
        ("c: Conv2D(1, 8, kernel = 3)", "c(x)", "there is no layer `Conv2D`; did you mean `Conv2d`?"),
        (
            "c: Conv2d(_, 9, kernel = 3, groups = 2)",
            "c(x)",
            "in_channels = 1 cannot be divided into 2 groups",
        ),
        (
            "c: Conv2d(_, 9, kernel = (3, 3, 3))",
            "c(x)",
            "`kernel` has 3 sizes here, but the layer has 2 spatial axes",
        ),
        (
            "c: Conv2d(_, 9, kernel = 3, padding = -1)",
            "c(x)",
            "`padding` must be a size, a list of 2 sizes, \"same\" or \"valid\", not `-1`",
        ),
        ("c: Conv2d(_, 9, kernel = 3, stride = 0)", "c(x)", "stride is 0, but must be at least 1"),
        ("fc: Linear", "fc(x)", "Linear needs `out_features`: write `Linear(_, out_features)`"),
        ("fc: Linear(_, _)", "fc(x)", "`out_features` cannot be inferred from an input"),
        (
            "fc: Linear(batch, 10)",
            "fc(x)",
            "`batch` is in lower case, so it is a size known only at run time",
        ),
        ("fc: Linear(_, 10)", "fc(flatten(x, 4))", "axis 4 is out of range for a tensor of rank 4"),
        (
            "fc: Linear(_, 10)",
            "fc(reshape(x, [batch, 10, _]))",
            "784*batch elements, which cannot be divided among [batch, 10, _]",
        ),
        (
            "fc: Linear(_, 10)",
            "cat([fc(x), x], 1)",
            "axis 3 of tensor 1 of the list, [batch, 1, 28, 28], is 28",
        ),
        ("fc: Linear(_, 10)", "fc(x) + x", "axis 3 of the left is 10, axis 3 of the right is 28"),
        ("fc: Linear(_, 10)", "fc(y)", "there is no tensor `y` here"),
        ("fc: Linear(_, 10)", "fc2(x)", "there is no layer or function `fc2`; did you mean `fc`?"),
        (
            "fc: Linear(_, 10)",
            "fc(x[.., 1])",
            "position 1 is outside axis 1 of [batch, 1, 28, 28], which has size 1",
        ),
        ("fc: Linear(_, 10)", "fc(x[.., .., 0..40])", "0..40 reaches past the end of axis 2"),
        (
            "fc: Linear(_, 10)",
            "fc(x[0, 0, 0, 0, 0])",
            "this index has 5 components, but `x` is [batch, 1, 28, 28]",
        ),
        ("fc: Linear(_, 10)", "fc(x[y])", "an index takes positions (`0`, `-1`), ranges"),
        (
            "fc: Linear(_, 10)",
            "fc(x).view([batch, 280])",
            "there is no method `view`; did you mean `reshape`?",
        ),
        ("fc: Linear(_, 10), fc: ReLU", "fc(x)", "there are two fields called `fc`"),
        (
            "fc: Linear(_, 10), b: Linear(_, 3)",
            "fc(x)",
            "`b` is never used, so its `in_features` cannot be inferred",
        ),
        (
            "fc: Linear(28, 10)",
            "fc(fc(x))",
            "`fc` takes 28 features, but its input [batch, 1, 28, 10] has 10 (axis 3)",
        ),
        (
            "fc: Linear(28, 10)",
            "let (p, q) = split(x, 10, 3); q",
            "`split` gives 3 tensors here, but they are bound to 2 names",
        ),
        (
            "b: BatchNorm1d(_)",
            "b(x)",
            "a tensor of rank 2 or 3, [batch, channels] or [batch, channels, length], is needed",
        ),
        ("b: Block<D>", "relu(b(x))", "state the shape that it gives: `let h: [batch, ..] = b(x);`"),
        (
            "g: GELU(approximate = \"tan\")",
            "g(x)",
            "`approximate` must be \"none\" or \"tanh\", not `\"tan\"`",
        ),
    ];
    for (fields, body, expected) in cases {
        // A right output would be another mistake where the body gives one: the shape of the result is unknown then.
        let text = message(&image(fields, "[batch, 1, 28, 10]", body));
        assert!(text.contains(expected), "{text}\ndoes not contain\n{expected}");
    }
}

#[test]
fn mistakes_in_the_language_are_named() {
    let cases = [
        ("s: Param([28], init = one)", "x * s", "there is no first value `one`; did you mean `ones`?"),
        ("s: Param(28)", "x * s", "Param needs a shape in brackets, as in `Param([64, D])`"),
        ("s: Param([28], init = uniform(1.0))", "x * s", "write `init = uniform(low, high)`"),
        ("s: Param([29])", "x * s", "axis 3 of the left is 28, axis 0 of the right is 29"),
        ("s: Param([28])", "s(x)", "`s` is a tensor, not a layer: it cannot be called"),
        ("fc: Linear(_, 28)", "linear(x, fc.weight)", "the shape of `fc.weight` is not known yet"),
        (
            "fc: Linear(28, 28)",
            "linear(x, fc.wieght)",
            "`fc` has no `wieght`; this Linear has `weight`, `bias`",
        ),
        (
            "d: Option<Conv2d>(1, 1, kernel = 1)",
            "d(x)",
            "`d` may be missing: write `if let Some(d) = self.d { x = d(x); }`",
        ),
        ("d: Conv2d(1, 1, kernel = 1)", "if let Some(d) = self.d { d(x) } else { x }", "`d` is always there"),
        (
            "d: Option<Conv2d>(1, 1, kernel = 1) if batch > 1",
            "if let Some(d) = self.d { d(x) } else { x }",
            "whether a layer is there depends on const parameters",
        ),
        ("fc: [Linear(28, 28); 2]", "fc(x)", "`fc` is an array of layers: write `for layer in self.fc"),
        ("fc: [Linear(28, 28); 2]", "fc[D](x)", "the number of an element must be a literal"),
        ("", "let y = if D > 2 { relu(x) }; y", "this `if` is a value, which it needs in both cases"),
        ("", "if x > 2.0 { x = relu(x); } x", "on const parameters and on sizes, not on the values of `x`"),
        (
            "",
            "let y = match D { 1 => relu(x), _ => flatten(x, 1) }; y",
            "in the first case this is [batch, 1, 28, 28]",
        ),
        ("", "let (a, b) = relu(x); a", "this gives one tensor: bind it to one name"),
        ("", "let (a, b) = (x, (x, x)); relu(b)", "`b` gives 2 tensors, but one is needed here"),
        (
            "c: LstmCell(28, 28)",
            "let (h, _) = c(x, x); h",
            "takes its input and perhaps a state, `c(x)` or `c(x, (h, c))`",
        ),
        ("b: Bilinear(28, 28, 10)", "b(x)", "`b` takes 2 tensors, as in `b(x1, x2)`, not 1"),
        ("", "x && x", "masks are combined element by element: write `&`"),
        ("", "y = relu(x); y", "there is no `y` yet: write `let y = ..`"),
        ("", "for i in 0..D { x = narrow(x, 2, 0, 3); } x", "a loop keeps shapes, and before it `x` was"),
        ("", "x.powi(2)", "there is no method `powi`; did you mean `pow`?"),
        (
            "",
            "let (a, b) = split(relu(x), 14, 3); b",
            "the output is declared as [batch, 1, 28, 28], but `split(relu(x), 14, 3)` is [batch, 1, 28, 14]",
        ),
        ("", "topk(x, 40)[0]", "40 entries are asked for, but axis 3 of [batch, 1, 28, 28] has 28"),
    ];
    for (fields, body, expected) in cases {
        let (_, messages) = run(&image(fields, "[batch, 1, 28, 28]", body));
        let text = messages.join("\n");
        assert!(text.contains(expected), "{text}\ndoes not contain\n{expected}");
        assert!(
            syn::parse2::<syn::File>(expand(image(fields, "[batch, 1, 28, 28]", body).parse().unwrap()))
                .is_ok()
        );
    }
}

#[test]
fn claims_of_a_branch_hold_under_its_condition() {
    let text = expansion(
        "Block<const IN: usize, const OUT: usize> {
            down: Option<Linear>(IN, OUT) if IN != OUT,
        }
        forward(x: [batch, IN]) -> [batch, OUT] {
            if let Some(down) = self.down { down(x) } else { x }
        }",
    );
    assert!(text.contains("if (! (IN != OUT)) {"), "{text}");
    assert!(text.contains(":: core :: option :: Option < :: rustorch :: nn :: Linear >"), "{text}");
}

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
