//! Activation functions of `torch.nn.functional`.

use crate::ops::elementwise::macros::*;

// Complex numbers: see `ops/partial.rs`.
entry!(T, value Real softsign(x;) = x / (T(1.0) + abs(x)), [
    (g, x) = select(eq(x - x, T(0.0)), g / ((T(1.0) + abs(x)) * (T(1.0) + abs(x))), x - x)
]);

unary! {
    literal T;

    /// `max(x, 0)`; NaN stays NaN, the gradient at 0 is 0 (`torch.relu`).
    Quantity relu / relu_ (x) = max(x, T(0.0)), dx(g, y) = select(le(y, T(0.0)), T(0.0), g), example [-1.0, 2.0] => [0.0, 2.0];

    /// `min(max(x, 0), 6)` (`torch.nn.functional.relu6`).
    Quantity relu6 / relu6_ (x) = min(max(x, T(0.0)), T(6.0)),
        dx(g, x) = select(le(x, T(0.0)), T(0.0), select(ge(x, T(6.0)), T(0.0), g)), example [-1.0, 2.0, 8.0] => [0.0, 2.0, 6.0];

    /// `x` where positive, otherwise `slope · x` (`torch.nn.functional.leaky_relu`).
    Real leaky_relu / leaky_relu_ (x; slope) = select(gt(x, T(0.0)), x, x * slope),
        dx(g, x) = select(gt(x, T(0.0)), g, g * slope), example (0.1) [-1.0, 2.0] => [-0.1, 2.0];

    /// `x` where positive, otherwise `alpha · (eˣ - 1)` (`torch.nn.functional.elu`; Clevert et al. 2015).
    Real elu / elu_ (x; alpha) = select(gt(x, T(0.0)), x, alpha * expm1(x)),
        dx(g, x) = select(le(x, T(0.0)), g * alpha * exp(select(le(x, T(0.0)), x, T(0.0))), g), example (1.0) [-1.0, 2.0] => [-0.63212055, 2.0];

    /// The self-normalising exponential linear unit (`torch.selu`; Klambauer et al. 2017).
    Real selu / selu_ (x) = T(1.0507009873554805) * select(gt(x, T(0.0)), x, T(1.6732632423543772) * expm1(x)),
        dx(g, x) = g * T(1.0507009873554805)
            * select(le(x, T(0.0)), T(1.6732632423543772) * exp(select(le(x, T(0.0)), x, T(0.0))), T(1.0)),
        example [-1.0, 2.0] => [-1.1113307, 2.101402];

    /// `x · Φ(x)` with the normal distribution function `Φ` (`torch.nn.functional.gelu`; Hendrycks & Gimpel 2016).
    Real gelu / gelu_ (x) = x * normal_cdf(x) => avx512 gelu,
        dx(g, x) = g * (normal_cdf(x) + x * T(0.3989422804014327) * exp(x * x * T(-0.5))) => avx512 gelu_backward,
        example [-1.0, 0.0, 2.0] => [-0.15865526, 0.0, 1.9544997];

    /// The approximation `x/2 · (1 + tanh(√(2/π) (x + 0.044715 x³)))` of [`gelu`](crate::Tensor::gelu)
    /// (`torch.nn.functional.gelu(approximate="tanh")`).
    Real gelu_tanh / gelu_tanh_ (x) = T(0.5) * x * (T(1.0) + tanh(T(0.7978845608028654) * (x + T(0.044715) * x * x * x)))
            => avx512 gelu_tanh,
        dx(g, x) = g * (T(0.5) * (T(1.0) + tanh(T(0.7978845608028654) * (x + T(0.044715) * x * x * x)))
            + T(0.5) * x * (T(1.0) - tanh(T(0.7978845608028654) * (x + T(0.044715) * x * x * x))
                * tanh(T(0.7978845608028654) * (x + T(0.044715) * x * x * x)))
                * T(0.7978845608028654) * (T(1.0) + T(0.134145) * x * x)) => avx512 gelu_tanh_backward,
        example [-1.0, 0.0, 2.0] => [-0.15880801, 0.0, 1.9545977];

    /// `x · σ(x)`, also called swish (`torch.nn.functional.silu`; Ramachandran et al. 2017).
    Analytic silu / silu_ (x) = x * sigmoid(x) => avx512 silu,
        dx(g, x) = g * conj(sigmoid(x) * (T(1.0) + x * (T(1.0) - sigmoid(x)))) => avx512 silu_backward,
        example [-1.0, 2.0] => [-0.26894143, 1.7615942];

    /// `x · tanh(softplus(x))` (`torch.nn.functional.mish`; Misra 2019).
    Real mish / mish_ (x) = x * tanh(max(x, T(0.0)) + log1p(exp(-abs(x)))),
        dx(g, x) = g * (tanh(max(x, T(0.0)) + log1p(exp(-abs(x))))
            + x * sigmoid(x) * (T(1.0) - tanh(max(x, T(0.0)) + log1p(exp(-abs(x)))) * tanh(max(x, T(0.0)) + log1p(exp(-abs(x)))))),
        example [-1.0, 2.0] => [-0.30340147, 1.943959];

    /// `log(1 + exp(beta · x)) / beta`, linear where `beta · x` exceeds `threshold` (`torch.nn.functional.softplus`).
    Real softplus / softplus_ (x; beta, threshold) = select(gt(x * beta, threshold), x,
            (max(x * beta, T(0.0)) + log1p(exp(-abs(x * beta)))) / beta),
        dx(g, x) = select(gt(x * beta, threshold), g, g * sigmoid(x * beta)), example (1.0, 20.0) [-1.0, 30.0] => [0.31326166, 30.0];

    /// `log σ(x)` (`torch.nn.functional.logsigmoid`).
    Real log_sigmoid / log_sigmoid_ (x) = min(x, T(0.0)) - log1p(exp(-abs(x))), dx(g, x) = g * sigmoid(-x),
        example [-1.0, 2.0] => [-1.3132616, -0.126928];

    /// `x - tanh(x)` (`torch.nn.functional.tanhshrink`).
    Analytic tanhshrink / tanhshrink_ (x) = x - tanh(x), dx(g, x) = g * conj(tanh(x) * tanh(x)), example [-1.0, 0.0] => [-0.23840584, 0.0];

    /// `min(max(x + 3, 0), 6) / 6` (`torch.nn.functional.hardsigmoid`).
    Real hardsigmoid / hardsigmoid_ (x) = min(max(x + T(3.0), T(0.0)), T(6.0)) / T(6.0),
        dx(g, x) = select(gt(x, T(-3.0)), select(lt(x, T(3.0)), g / T(6.0), T(0.0)), T(0.0)),
        example [-4.0, 0.0, 1.5] => [0.0, 0.5, 0.75];

    /// `x · hardsigmoid(x)` (`torch.nn.functional.hardswish`; Howard et al. 2019).
    Real hardswish / hardswish_ (x) = x * min(max(x + T(3.0), T(0.0)), T(6.0)) / T(6.0),
        dx(g, x) = select(le(x, T(-3.0)), T(0.0), select(lt(x, T(3.0)), g * (x / T(3.0) + T(0.5)), g)),
        example [-4.0, 1.0, 4.0] => [0.0, 0.6666667, 4.0];

    /// `x` where `|x| > lambda`, otherwise 0 (`torch.nn.functional.hardshrink`).
    Real hardshrink / hardshrink_ (x; lambda) = select(le(abs(x), lambda), T(0.0), x),
        dx(g, x) = select(le(abs(x), lambda), T(0.0), g), example (0.5) [-1.0, 0.3] => [-1.0, 0.0];
}
