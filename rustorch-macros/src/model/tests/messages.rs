//! Messages: one for every mistake, with the numbers and how they came about.

use super::{expand, image, message, run};

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
        (
            "p: ReflectionPad2d(28)",
            "p(x)",
            "padding by 28 mirrors entries that an axis must have: axis 3 of [batch, 1, 28, 28] is 28, but at least 29 is needed",
        ),
        (
            "p: ZeroPad2d([1, 1])",
            "p(x)",
            "must be a size or a list of four, [left, right, top, bottom], not `[1, 1]`",
        ),
        (
            "p: CircularPad1d(1)",
            "p(x)",
            "a tensor of rank 3 or 2, [batch, channels, length] or [channels, length], is needed",
        ),
        (
            "p: Conv2d(1, 1, kernel = 3)",
            "pad(p(x), [0, 27], mode = \"circular\")",
            "padding by 27 repeats entries that an axis must have: axis 3 of [batch, 1, 26, 26] is 26",
        ),
        (
            "n: InstanceNorm2d(4)",
            "n(x)",
            "`n` takes 4 channels, but its input [batch, 1, 28, 28] has 1 (axis 1)",
        ),
        (
            "n: InstanceNorm2d(_)",
            "n(mean(x, [2, 3], keepdim = true))",
            "the input [batch, 1, 1, 1] has one position per channel, which has no statistics",
        ),
        ("p: MaxPool3d(2)", "p(x)", "the kernel of 2 is larger than axis 1 of the input, which is 1"),
        (
            "d: Dropout1d",
            "d(x)",
            "a tensor of rank 3 or 2, [batch, channels, length] or [channels, length], is needed",
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
        ("fc: [Linear(28, 28); 2]", "fc[x](x)", "`x` is no number of an element: write a literal"),
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
fn names_of_generated_code_are_refused() {
    let kept = "names that begin with two underscores are kept for what the macro writes";
    for (source, name) in [
        ("Net { fc: Linear(4, 4) } forward(x: [__t0, 4]) -> [__t0, 4] { fc(x) }", "__t0"),
        ("Net { fc: Linear(4, 4) } forward(__pass: [batch, 4]) -> [batch, 4] { fc(__pass) }", "__pass"),
        (
            "Net { fc: Linear(4, 4) } forward(x: [batch, 4]) -> [batch, 4] { for __i in 0..4 { x = fc(x); } x }",
            "__i",
        ),
    ] {
        assert_eq!(message(source), format!("`{name}`: {kept}"));
    }
    // Tensors have no names in what is generated.
    let source =
        "Net { fc: Linear(4, 4) } forward(x: [batch, 4]) -> [batch, 4] { let __t1 = fc(x); fc(__t1) }";
    assert_eq!(run(source).1, Vec::<String>::new());
}
