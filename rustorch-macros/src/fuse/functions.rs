//! The functions that an expression may call.
//!
//! A function is a word of the elementwise kernels (`rustorch/src/ops/elementwise/lanes.rs`) or means an expression. Its
//! gradients are expressions as well: of `g`, the gradient of its value, `y`, the value, and its arguments. One that means
//! an expression and has none is differentiated through. A test holds each against the method of `Tensor` of its name.

/// An entry of the table.
pub struct Function {
    /// The name of the method of `Tensor`.
    pub name: &'static str,
    pub arguments: &'static [&'static str],
    pub value: Value,
    /// One for each argument.
    pub gradients: &'static [&'static str],
}

/// How a function is computed.
pub enum Value {
    /// By a function of the kernels with this name.
    Word(&'static str),
    /// By an operator between, or before, its arguments.
    Operator(&'static str),
    /// By an expression of its arguments.
    Means(&'static str),
}

use Value::{Means, Operator, Word};

macro_rules! functions {
    ($($name:ident($($argument:ident),*) = $kind:ident $value:literal $(, gradients $($gradient:literal),+)?;)*) => {
        &[$(Function {
            name: stringify!($name),
            arguments: &[$(stringify!($argument)),*],
            value: $kind($value),
            gradients: &[$($($gradient),+)?],
        }),*]
    };
}

/// What the operators of Rust stand for.
pub static OPERATORS: &[Function] = functions! {
    add(a, b) = Operator "+", gradients "g", "g";
    sub(a, b) = Operator "-", gradients "g", "-g";
    mul(a, b) = Operator "*", gradients "g * b", "g * a";
    div(a, b) = Operator "/", gradients "g / b", "-(g * y / b)";
    neg(x) = Operator "-", gradients "-g";
};

/// What the table itself needs and no method of `Tensor` is named after.
pub static INTERNAL: &[Function] = functions! {
    trigamma(x) = Word "trigamma";
    normal_cdf(x) = Word "normal_cdf", gradients "g * 0.3989422804014327 * exp(x * x * -0.5)";
    floor_div(a, b) = Word "floor_div";
    // Between numbers, which take no gradient, nothing flows at the bounds either.
    clamp_numbers(x, low, high) = Means "minimum(maximum(x, low), high)",
        gradients "select(low < x, select(x < high, g, 0.0), 0.0)", "0.0", "0.0";
};

/// What a user may call, as a function or as a method of its first argument.
pub static FUNCTIONS: &[Function] = functions! {
    exp(x) = Word "exp", gradients "g * y";
    exp2(x) = Word "exp2", gradients "g * y * 0.6931471805599453";
    expm1(x) = Word "expm1", gradients "g * (y + 1.0)";
    log(x) = Word "log", gradients "g / x";
    log1p(x) = Word "log1p", gradients "g / (x + 1.0)";
    log2(x) = Word "log2", gradients "g / (x * 0.6931471805599453)";
    log10(x) = Word "log10", gradients "g / (x * 2.302585092994046)";
    sqrt(x) = Word "sqrt", gradients "g / (y * 2.0)";
    rsqrt(x) = Word "rsqrt", gradients "g * -0.5 * (y * y * y)";
    sin(x) = Word "sin", gradients "g * cos(x)";
    cos(x) = Word "cos", gradients "-(g * sin(x))";
    tan(x) = Word "tan", gradients "g * (1.0 + y * y)";
    sinh(x) = Word "sinh", gradients "g * cosh(x)";
    cosh(x) = Word "cosh", gradients "g * sinh(x)";
    tanh(x) = Word "tanh", gradients "g * (1.0 - y * y)";
    asin(x) = Word "asin", gradients "g * rsqrt(1.0 - x * x)";
    acos(x) = Word "acos", gradients "-(g * rsqrt(1.0 - x * x))";
    atan(x) = Word "atan", gradients "g / (x * x + 1.0)";
    asinh(x) = Word "asinh", gradients "g * rsqrt(x * x + 1.0)";
    acosh(x) = Word "acosh", gradients "g * rsqrt(x * x - 1.0)";
    atanh(x) = Word "atanh", gradients "g / (1.0 - x * x)";
    sigmoid(x) = Word "sigmoid", gradients "g * ((1.0 - y) * y)";
    erf(x) = Word "erf", gradients "g * 1.1283791670955126 * exp(-(x * x))";
    erfc(x) = Word "erfc", gradients "-(g * 1.1283791670955126 * exp(-(x * x)))";
    erfinv(x) = Word "erfinv", gradients "g * 0.886226925452758 * exp(y * y)";
    lgamma(x) = Word "lgamma", gradients "g * digamma(x)";
    digamma(x) = Word "digamma", gradients "g * trigamma(x)";
    abs(x) = Word "abs", gradients "g * sign(x)";
    sign(x) = Word "sign", gradients "0.0";
    floor(x) = Word "floor", gradients "0.0";
    ceil(x) = Word "ceil", gradients "0.0";
    trunc(x) = Word "trunc", gradients "0.0";
    round(x) = Word "round", gradients "0.0";
    frac(x) = Means "x - trunc(x)";
    square(x) = Means "x * x";
    reciprocal(x) = Means "1.0 / x";
    logit(x) = Means "log(x / (1.0 - x))";
    sinc(x) = Means "select(x == 0.0, 1.0, sin(x * 3.141592653589793) / (x * 3.141592653589793))",
        gradients "select(x == 0.0, 0.0,
            g * ((cos(x * 3.141592653589793) - sin(x * 3.141592653589793) / (x * 3.141592653589793)) / x))";

    pow(a, b) = Word "pow",
        gradients "select(b == 0.0, 0.0, g * (b * pow(a, b - 1.0)))",
        "select(a == 0.0, select(y * 0.0 == 0.0, 0.0, g * (y * log(a))), g * (y * log(a)))";
    maximum(a, b) = Word "max",
        gradients "select(a == b, g * 0.5, select(a < b, 0.0, g))", "select(a == b, g * 0.5, select(b < a, 0.0, g))";
    minimum(a, b) = Word "min",
        gradients "select(a == b, g * 0.5, select(a > b, 0.0, g))", "select(a == b, g * 0.5, select(b > a, 0.0, g))";
    fmax(a, b) = Means "select(a != a, b, select(b != b, a, maximum(a, b)))",
        gradients "select(a == b, g * 0.5, select(a > b, g, select(b != b, g, 0.0)))",
        "select(a == b, g * 0.5, select(a > b, 0.0, select(b != b, 0.0, g)))";
    fmin(a, b) = Means "select(a != a, b, select(b != b, a, minimum(a, b)))",
        gradients "select(a == b, g * 0.5, select(a < b, g, select(b != b, g, 0.0)))",
        "select(a == b, g * 0.5, select(a < b, 0.0, select(b != b, 0.0, g)))";
    xlogy(a, b) = Means "select(b != b, b, select(a == 0.0, 0.0, a * log(b)))",
        gradients "g * log(select(a == 0.0, select(b <= 0.0, 1.0, b), select(g == 0.0, select(b != b, b, 1.0), b)))",
        "g * a / b";
    atan2(a, b) = Word "atan2",
        gradients "select(a * a + b * b == 0.0, 0.0, g * b / (a * a + b * b))",
        "select(a * a + b * b == 0.0, 0.0, -(g * a) / (a * a + b * b))";
    hypot(a, b) = Word "hypot", gradients "g * a / y", "g * b / y";
    copysign(a, b) = Word "copysign", gradients "select(a == 0.0, 0.0, g * (y / a))", "0.0";
    fmod(a, b) = Word "fmod", gradients "g", "-(g * trunc(a / b))";
    remainder(a, b) = Word "remainder", gradients "g", "-(g * floor_div(a, b))";
    logaddexp(a, b) = Means "select(a == b, a + 0.6931471805599453, maximum(a, b) + log1p(exp(-abs(a - b))))",
        gradients "g * sigmoid(a - b)", "g * sigmoid(b - a)";
    lerp(a, b, weight) = Means "select(abs(weight) < 0.5, a + weight * (b - a), b - (b - a) * (1.0 - weight))",
        gradients "g * (1.0 - weight)", "g * weight", "g * (b - a)";
    clamp(x, low, high) = Means "minimum(maximum(x, low), high)",
        gradients
        "select(x < low, 0.0, select(x > high, 0.0,
            select(low < high, select(x == low, g * 0.5, select(x == high, g * 0.5, g)), g)))",
        "select(low > high, 0.0, select(x < low, g, select(x == low, select(low < high, g * 0.5, 0.0), 0.0)))",
        "select(high < low, g, select(x > high, g, select(x == high, select(low < high, g * 0.5, 0.0), 0.0)))";

    relu(x) = Means "maximum(x, 0.0)", gradients "select(y <= 0.0, 0.0, g)";
    relu6(x) = Means "minimum(maximum(x, 0.0), 6.0)", gradients "select(x <= 0.0, 0.0, select(x >= 6.0, 0.0, g))";
    leaky_relu(x, slope) = Means "select(x > 0.0, x, x * slope)";
    elu(x, alpha) = Means "select(x > 0.0, x, alpha * expm1(x))";
    selu(x) = Means "1.0507009873554805 * select(x > 0.0, x, 1.6732632423543772 * expm1(x))";
    celu(x, alpha) = Means "select(x > 0.0, x, alpha * expm1(x / alpha))";
    gelu(x) = Means "x * normal_cdf(x)";
    gelu_tanh(x) = Means "0.5 * x * (1.0 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))";
    silu(x) = Means "x * sigmoid(x)";
    mish(x) = Means "x * tanh(softplus(x, 1.0, 20.0))";
    softplus(x, beta, threshold) =
        Means "select(x * beta > threshold, x, (maximum(x * beta, 0.0) + log1p(exp(-abs(x * beta)))) / beta)",
        gradients "select(x * beta > threshold, g, g * sigmoid(x * beta))",
        "select(x * beta > threshold, 0.0, g * (x * sigmoid(x * beta) - y) / beta)", "0.0";
    log_sigmoid(x) = Means "minimum(x, 0.0) - log1p(exp(-abs(x)))", gradients "g * sigmoid(-x)";
    softsign(x) = Means "x / (1.0 + abs(x))",
        gradients "select(x - x == 0.0, g / ((1.0 + abs(x)) * (1.0 + abs(x))), x - x)";
    tanhshrink(x) = Means "x - tanh(x)", gradients "g * (tanh(x) * tanh(x))";
    hardtanh(x, low, high) = Means "minimum(maximum(x, low), high)",
        gradients "select(x <= low, 0.0, select(x >= high, 0.0, g))", "select(x <= low, g, 0.0)", "select(x >= high, g, 0.0)";
    hardsigmoid(x) = Means "minimum(maximum(x + 3.0, 0.0), 6.0) / 6.0",
        gradients "select(x > -3.0, select(x < 3.0, g / 6.0, 0.0), 0.0)";
    hardswish(x) = Means "x * minimum(maximum(x + 3.0, 0.0), 6.0) / 6.0",
        gradients "select(x <= -3.0, 0.0, select(x < 3.0, g * (x / 3.0 + 0.5), g))";
    hardshrink(x, lambda) = Means "select(abs(x) <= lambda, 0.0, x)";
    threshold(x, threshold, value) = Means "select(x <= threshold, value, x)",
        gradients "select(x <= threshold, 0.0, g)", "0.0", "select(x <= threshold, g, 0.0)";
    softshrink(x, lambda) = Means "select(x > lambda, x - lambda, select(x < -lambda, x + lambda, x * 0.0))";
};

/// What other libraries call a function.
static ALIASES: &[(&str, &str)] = &[
    ("ln", "log"),
    ("ln_1p", "log1p"),
    ("exp_m1", "expm1"),
    ("max", "maximum"),
    ("min", "minimum"),
    ("powf", "pow"),
    ("powi", "pow"),
    ("recip", "reciprocal"),
    ("signum", "sign"),
    ("swish", "silu"),
    ("clip", "clamp"),
    ("arctan", "atan"),
    ("arcsin", "asin"),
    ("arccos", "acos"),
    ("where_", "select"),
];

/// The function of a name that the user may write.
pub fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// The function of a name that the table itself may write.
pub fn find_internal(name: &str) -> Option<&'static Function> {
    find(name).or_else(|| INTERNAL.iter().find(|function| function.name == name))
}

/// The operator called `name`.
pub fn operator(name: &str) -> &'static Function {
    OPERATORS.iter().find(|operator| operator.name == name).expect("the names of operators are our own")
}

/// What the user may have meant by `name`.
pub fn suggestion(name: &str) -> Option<&'static str> {
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, function)| *function);
    let names = FUNCTIONS.iter().map(|function| function.name).chain(["select"]);
    alias.or_else(|| rustorch_shape::suggest(name, names))
}
