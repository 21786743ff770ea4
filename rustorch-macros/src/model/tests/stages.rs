//! What correct models, and those with a mistake, become at every stage.

use super::super::{codegen, compile, lower};
use super::{expand, expansion, image, message, run};
use proc_macro2::TokenStream;
use rustorch_shape::Dims;

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
    let compiled = compile::compile(&model, &checked, &program);
    let pass = compiled.as_ref().map(|pass| (&program, pass));
    assert!(!codegen::generate(&model, &checked, &program, pass).is_empty());
}

#[test]
fn both_forms_expand_to_items() {
    let text = expansion(CONV_NET);
    assert!(text.contains("__nn :: Conv2d :: builder (32 , 64 , [3 , 3]) . padding ([1 , 1]) . build () ?"));
    assert!(text.contains("max_pool2d (__t2 , [2 , 2] , [2 , 2] , [0 , 0] , [1 , 1] , false)) ?"), "{text}");
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
    assert_eq!(conditions, ["HEADS AtLeast 1", "D Equal HEADS*(D/HEADS)"]);
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
    assert!(text.contains("for __submodel0 in & self . blocks"), "{text}");
    assert!(text.contains("__submodel0 . call_open"), "{text}");
    assert!(text.contains("if self . training . get ()"), "{text}");
}

#[test]
fn sizes_that_a_condition_makes_equal_are_one() {
    let residual = |padding: usize| {
        format!(
            "Block<const IN: usize, const OUT: usize, const STRIDE: usize> {{
                conv: Conv2d(IN, OUT, kernel = 3, stride = STRIDE, padding = {padding}),
            }}
            forward(x: [batch, IN, h, w]) -> [batch, OUT, (h + {back} - 1) / STRIDE + 1, (w + {back} - 1) / STRIDE + 1] {{
                let y = conv(x);
                if STRIDE == 1 && IN == OUT {{ x + y }} else {{ y }}
            }}",
            back = 2 * padding as isize - 2
        )
        .replace(" + -2", " - 2")
    };
    let asserted = expansion(&residual(1));
    assert!(asserted.contains("stride is STRIDE") && !asserted.contains("\"==\""), "{asserted}");
    assert_eq!(
        message(&residual(0)),
        "`x + y`: shapes [batch, IN, h, w] and [batch, OUT, (h - 3)/STRIDE + 1, (w - 3)/STRIDE + 1] do not broadcast: \
         axis 2 of the left is h, axis 2 of the right is (h - 3)/STRIDE + 1\n\
         `y` is [batch, OUT, (h - 3)/STRIDE + 1, (w - 3)/STRIDE + 1], from `conv(x)`\n\
         `conv(x)` is (h - 3)/STRIDE + 1 on axis 2\n\
         h is not h - 2 where STRIDE is 1 and IN is OUT"
    );
}

#[test]
fn claims_of_a_branch_hold_under_its_condition() {
    let block = |condition: &str| {
        expansion(&format!(
            "Block<const IN: usize, const OUT: usize> {{
                down: Option<Linear>(IN, OUT) if {condition},
            }}
            forward(x: [batch, IN]) -> [batch, OUT] {{
                if let Some(down) = self.down {{ down(x) }} else {{ x }}
            }}"
        ))
    };
    let text = block("IN > OUT");
    assert!(text.contains("if (! (IN > OUT)) {"), "{text}");
    // Without the layer, the sizes are equal: nothing is left to assert.
    assert!(!block("IN != OUT").contains("assert_sizes"));
    assert!(text.contains(":: core :: option :: Option < :: rustorch :: nn :: Linear >"), "{text}");
}
