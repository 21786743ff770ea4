//! The elementwise table.

use super::{Op, Table, table};
use rustorch::Tensor;

/// All entries, out of place and in place.
pub(super) fn table() -> Table {
    let mut table = table! {
        "where" => |a| [Tensor::where_(a.tensor(0), a.operand(1), a.operand(2))?];
        "lerp" => |a| [a.tensor(0).lerp(a.tensor(1), a.operand(2))?];
        "addcmul" => |a| [a.tensor(0).addcmul(a.tensor(1), a.tensor(2), a.f64(3))?];
        "addcdiv" => |a| [a.tensor(0).addcdiv(a.tensor(1), a.tensor(2), a.f64(3))?];
        "clamp_min" => |a| [a.tensor(0).clamp_min(a.operand(1))?];
        "clamp_max" => |a| [a.tensor(0).clamp_max(a.operand(1))?];
        "lerp_" => |a| [a.tensor(0).lerp_(a.tensor(1), a.operand(2))?];
        "addcmul_" => |a| [a.tensor(0).addcmul_(a.tensor(1), a.tensor(2), a.f64(3))?];
        "addcdiv_" => |a| [a.tensor(0).addcdiv_(a.tensor(1), a.tensor(2), a.f64(3))?];
        "clamp_" => |a| [a.tensor(0).clamp_(a.operand(1), a.operand(2))?];
        "clamp_min_" => |a| [a.tensor(0).clamp_min_(a.operand(1))?];
        "clamp_max_" => |a| [a.tensor(0).clamp_max_(a.operand(1))?];
        "logical_not_" => |a| [a.tensor(0).logical_not_()?];
        "polygamma_" => |a| [a.tensor(0).polygamma_(a.size(1))?];
        "polygamma" => |a| [a.tensor(0).polygamma(a.size(1))?];
        "bitwise_not" => |a| [a.tensor(0).bitwise_not()?];
        "bitwise_not_" => |a| [a.tensor(0).bitwise_not_()?];
        "polar" => |a| [Tensor::polar(a.tensor(0), a.tensor(1))?];
        "angle" => |a| [a.tensor(0).angle()];
        "clamp" => |a| [a.tensor(0).clamp(a.operand(1), a.operand(2))?];
    };
    unary(&mut table);
    binary(&mut table);
    table
}

fn unary(table: &mut Table) {
    macro_rules! add {
        ($($name:ident $inplace:ident ($($at:literal),*))*) => {$(
            let op: Op = |a| Ok(vec![a.tensor(0).$name($(a.f64($at)),*)]);
            table.insert(stringify!($name), op);
            let op: Op = |a| Ok(vec![a.tensor(0).$inplace($(a.f64($at)),*)?]);
            table.insert(stringify!($inplace), op);
        )*};
    }
    add! {
        neg neg_() square square_() reciprocal reciprocal_() conj conj_()
        exp exp_() expm1 expm1_() exp2 exp2_() log log_() log1p log1p_() log2 log2_() log10 log10_()
        sqrt sqrt_() rsqrt rsqrt_() sin sin_() cos cos_() tan tan_() sinh sinh_() cosh cosh_() tanh tanh_()
        asin asin_() acos acos_() atan atan_() asinh asinh_() acosh acosh_() atanh atanh_() sigmoid sigmoid_()
        abs abs_() sign sign_() floor floor_() ceil ceil_() trunc trunc_() round round_() frac frac_() sgn sgn_()
        erf erf_() erfc erfc_() erfinv erfinv_() lgamma lgamma_() digamma digamma_() trigamma trigamma_()
        logit logit_() sinc sinc_()
        relu relu_() relu6 relu6_() leaky_relu leaky_relu_(1) elu elu_(1) selu selu_()
        gelu gelu_() gelu_tanh gelu_tanh_() silu silu_() mish mish_() softplus softplus_(1, 2)
        log_sigmoid log_sigmoid_() softsign softsign_() tanhshrink tanhshrink_()
        hardsigmoid hardsigmoid_() hardswish hardswish_() hardshrink hardshrink_(1)
    }
    macro_rules! limited {
        ($($name:ident $inplace:ident ($($at:literal),*))*) => {$(
            let op: Op = |a| Ok(vec![a.tensor(0).$name($(a.f64($at)),*)?]);
            table.insert(stringify!($name), op);
            let op: Op = |a| Ok(vec![a.tensor(0).$inplace($(a.f64($at)),*)?]);
            table.insert(stringify!($inplace), op);
        )*};
    }
    limited! { celu celu_(1) hardtanh hardtanh_(1, 2) softshrink softshrink_(1) threshold threshold_(1, 2) }
    macro_rules! predicates {
        ($($name:ident)*) => {$(
            let op: Op = |a| Ok(vec![a.tensor(0).$name()]);
            table.insert(stringify!($name), op);
        )*};
    }
    predicates! { logical_not isnan isinf isfinite isposinf isneginf signbit }
}

fn binary(table: &mut Table) {
    macro_rules! add {
        ($($name:ident $($inplace:ident)?;)*) => {$(
            let op: Op = |a| Ok(vec![a.tensor(0).$name(a.operand(1))?]);
            table.insert(stringify!($name), op);
            $(
                let op: Op = |a| Ok(vec![a.tensor(0).$inplace(a.operand(1))?]);
                table.insert(stringify!($inplace), op);
            )?
        )*};
    }
    add! {
        add add_; sub sub_; mul mul_; div div_; floor_divide floor_divide_; fmod fmod_; remainder remainder_; pow pow_;
        maximum maximum_; minimum minimum_; fmax fmax_; fmin fmin_; atan2 atan2_; hypot hypot_; copysign copysign_;
        nextafter nextafter_; logaddexp logaddexp_; xlogy xlogy_;
        bitwise_and bitwise_and_; bitwise_or bitwise_or_; bitwise_xor bitwise_xor_;
        bitwise_left_shift bitwise_left_shift_; bitwise_right_shift bitwise_right_shift_; gcd gcd_;
        eq eq_; ne ne_; lt lt_; le le_; gt gt_; ge ge_;
        logical_and logical_and_; logical_or logical_or_; logical_xor logical_xor_;
    }
}
