//! Steps that keep shapes: functions, activations, operators, branches, loops.

use super::Kind;
use super::builder::{Builder, Size};

pub(super) const KINDS: &[Kind] = &[
    ("functions", functions),
    ("activations", activations),
    ("operators", operators),
    ("numbers", numbers),
    ("residual", residual),
    ("param", param),
    ("buffer", buffer),
    ("mask", mask),
    ("statistics", statistics),
    ("softmax", softmax),
    ("training", training),
    ("if", condition),
    ("match", matching),
    ("count", count),
    ("optional", optional),
    ("detach", detach),
    ("dropout", dropout),
    ("indices of the greatest", greatest),
];

/// Functions of one tensor of any numbers, `@`.
const FUNCTIONS: &[&str] = &[
    "relu(@)",
    "gelu(@)",
    "gelu(@, approximate = \"tanh\")",
    "silu(@)",
    "mish(@)",
    "tanh(@)",
    "sigmoid(@)",
    "log_sigmoid(@)",
    "leaky_relu(@, negative_slope = 0.2)",
    "elu(@)",
    "selu(@)",
    "celu(@, alpha = 0.5)",
    "softplus(@)",
    "softsign(@)",
    "tanhshrink(@)",
    "hardtanh(@)",
    "hardsigmoid(@)",
    "hardswish(@)",
    "softshrink(@, lambd = 0.25)",
    "relu6(@)",
    "exp(tanh(@))",
    "log1p(abs(@))",
    "sqrt(square(@) + 1.0)",
    "rsqrt(square(@) + 0.5)",
    "reciprocal(square(@) + 1.0)",
    "sin(@)",
    "cos(@)",
    "erf(@)",
    "atan(@)",
    "asinh(@)",
    "sinc(tanh(@))",
    "expm1(tanh(@))",
    "log2(square(@) + 1.0)",
    "sign(@) * 0.5",
    "round(@ * 2.0) * 0.25",
    "clamp(@, -0.75, 0.75)",
    "clamp_min(@, -0.5)",
    "normalize(@, dim = -1)",
];

/// Layers without shapes.
const ACTIVATIONS: &[&str] = &[
    "ReLU",
    "GELU(approximate = \"tanh\")",
    "SiLU",
    "Tanh",
    "Sigmoid",
    "LeakyReLU(0.1)",
    "ELU(alpha = 0.5)",
    "ReLU6",
    "SELU",
    "CELU",
    "Mish",
    "Softplus(beta = 2.0)",
    "LogSigmoid",
    "Softsign",
    "Tanhshrink",
    "Hardtanh",
    "Hardsigmoid",
    "Hardswish",
    "Hardshrink",
    "Softshrink",
    "Threshold(0.1, 0.2)",
    "PReLU",
    "Softmax(-1)",
    "Softmin(-1)",
    "LogSoftmax(-1)",
    "Dropout(0.25)",
    "Identity",
];

/// A function of an expression.
fn of(b: &mut Builder, x: &str) -> String {
    b.pick(FUNCTIONS).replace('@', x)
}

fn functions(b: &mut Builder) -> Option<()> {
    let x = b.find(|_| true)?;
    let (first, second) = (of(b, &x.name), of(b, &x.name));
    let text = if b.below(2) == 0 { first } else { format!("{first} * ({second})") };
    b.add(x.shape, text)
}

fn activations(b: &mut Builder) -> Option<()> {
    let x = b.find(|_| true)?;
    let layer = b.pick(ACTIVATIONS);
    let field = b.field(layer);
    b.add(x.shape, format!("{field}({})", x.name))
}

fn operators(b: &mut Builder) -> Option<()> {
    let (x, y) = b.two(|_| true)?;
    let (x_, y_) = (&x.name, &y.name);
    let forms = [
        format!("{x_} - {y_} * 0.5"),
        format!("{x_} * tanh({y_})"),
        format!("{x_} / (square({y_}) + 1.0)"),
        format!("maximum({x_}, {y_} * 0.9)"),
        format!("minimum({x_}, tanh({y_}))"),
        format!("hypot({x_}, {y_} + 0.1)"),
        format!("lerp({x_}, {y_}, 0.25)"),
        format!("addcmul({x_}, {y_}, {x_}, value = 0.5)"),
        format!("logaddexp({x_}, {y_})"),
        format!("where_({x_} > {y_}, {x_}, {y_} * 0.5)"),
        format!("atan2({x_}, square({y_}) + 0.5)"),
        format!("-{x_} + {y_} % 1.5"),
    ];
    let text = forms[b.below(forms.len())].clone();
    b.add(x.shape, text)
}

fn numbers(b: &mut Builder) -> Option<()> {
    let x = b.find(|_| true)?;
    let text = b.pick(&["@ * 0.5 + 1.0", "1.0 - @", "(@ - 0.25) / 2.0", "-@", "2.0 / (square(@) + 1.0)"]);
    b.add(x.shape, text.replace('@', &x.name))
}

fn residual(b: &mut Builder) -> Option<()> {
    let (x, y) = b.two(|x| x.last().is_some())?;
    let n = x.last()?;
    let field = b.field(format!("Linear(_, {n})"));
    b.add(x.shape, format!("{} + {field}({})", y.name, x.name))
}

fn param(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some())?;
    let n = x.last()?;
    let (scale, shift) = (
        b.field(format!("Param([{n}], init = ones)")),
        b.field(format!("Param([{n}], init = uniform(-0.5, 0.5))")),
    );
    b.add(x.shape, format!("{} * {scale} + self.{shift}", x.name))
}

fn buffer(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some())?;
    let n = x.last()?;
    let half = b.field(format!("Buffer([{n}], init = 0.5)"));
    let mask = b.field(format!("Buffer([{n}], init = Tensor::arange(0, {n}, 1).unwrap().gt(1.0).unwrap())"));
    b.add(x.shape, format!("masked_fill({} * {half}, {mask}, 0.25)", x.name))
}

fn mask(b: &mut Builder) -> Option<()> {
    let (x, y) = b.two(|_| true)?;
    let (x_, y_) = (&x.name, &y.name);
    let forms = [
        format!("masked_fill({x_}, {y_} < 0.0 | isnan({y_}), 0.5)"),
        format!("where_(!({x_} >= 0.25) & {y_} < 1.0, {x_} * 2.0, {y_})"),
        format!("{x_} * where_({y_} != 0.0, 1.5, 0.5)"),
    ];
    let text = forms[b.below(forms.len())].clone();
    b.add(x.shape, text)
}

fn statistics(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some_and(|n| n > 2))?;
    let text = b.pick(&[
        "@ - mean(@, -1, keepdim = true)",
        "@ / (1.0 + sum(square(@), -1, keepdim = true))",
        "@ - logsumexp(@, -1, keepdim = true)",
        "@ * amax(@, 1, keepdim = true)",
        "@ + var(@, -1, keepdim = true)",
        "@ / (norm(@, 2.0, -1, keepdim = true) + 1.0)",
        "@ - min(@, -1, keepdim = true)",
        "@ + mean(@)",
    ]);
    b.add(x.shape, text.replace('@', &x.name))
}

fn softmax(b: &mut Builder) -> Option<()> {
    let x = b.find(|_| true)?;
    let (function, axis) = (b.pick(&["softmax", "log_softmax", "softmin"]), b.pick(&["1", "-1"]));
    b.add(x.shape, format!("{function}({}, {axis})", x.name))
}

fn training(b: &mut Builder) -> Option<()> {
    let x = b.find(|_| true)?;
    let (then, otherwise) = (of(b, &x.name), of(b, &x.name));
    b.add(x.shape, format!("if self.training {{ {then} }} else {{ {otherwise} }}"))
}

fn condition(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape[0] == Size::Batch)?;
    let (then, otherwise) = (of(b, &x.name), of(b, &x.name));
    let test = b.pick(&["K > 0", "K == 2", "batch > 3", "!(K < 1) || batch > 4"]);
    b.add(x.shape, format!("if {test} {{ {then} }} else {{ {otherwise} }}"))
}

fn matching(b: &mut Builder) -> Option<()> {
    let x = b.find(|_| true)?;
    let arms: Vec<String> = (0..3).map(|_| of(b, &x.name)).collect();
    let text =
        format!("match K {{ 0 => {}, 1 => {{ let y = {}; y * 0.5 }} _ => {} }}", arms[0], arms[1], arms[2]);
    b.add(x.shape, text)
}

fn count(b: &mut Builder) -> Option<()> {
    let x = b.find(|_| true)?;
    let body = of(b, "y");
    let shape = x.shape.clone();
    b.say(
        &[shape],
        &format!(
            "let {{0}} = {}; for i in 0..3 {{ let y = {{0}}; {{0}} = {body}; if i % 2 == 0 {{ {{0}} = {{0}} / (i as f64 + 2.0); }} }}",
            x.name
        ),
    )
}

fn optional(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some())?;
    let n = x.last()?;
    let field = b.field(format!("Option<Linear>({n}, {n}) if K > 0"));
    let (name, shape) = (&x.name, x.shape.clone());
    b.add(
        shape,
        format!("if let Some({field}) = self.{field} {{ {field}({name}) + {name} }} else {{ {name} * 2.0 }}"),
    )
}

fn detach(b: &mut Builder) -> Option<()> {
    let (x, y) = b.two(|_| true)?;
    b.add(x.shape, format!("{} + detach(tanh({}))", x.name, y.name))
}

fn dropout(b: &mut Builder) -> Option<()> {
    let x = b.find(|_| true)?;
    b.add(x.shape, format!("dropout({} + 0.5, 0.3)", x.name))
}

/// Indices in the middle of a pass.
fn greatest(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some())?;
    let n = x.last()?;
    let table = b.field(format!("Embedding({n}, {n})"));
    let shape = x.shape.clone();
    b.add(shape, format!("{} + {table}(argmax({}, -1))", x.name, x.name))
}
