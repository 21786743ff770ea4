//! The layers that map one tensor to one, each with the arguments it was built with.

use super::{size, sizes};
use rustorch::nn::*;
use rustorch_shape::args::Value;

/// A layer, the arguments it was built with beyond the defaults, and an input that it takes.
pub type Case = (&'static str, Box<dyn Layer>, Vec<(&'static str, Value)>, Vec<usize>);

/// A case of a layer.
pub fn case(
    name: &'static str,
    layer: impl Layer + 'static,
    args: &[(&'static str, Value)],
    input: &[usize],
) -> Case {
    (name, Box::new(layer), args.to_vec(), input.to_vec())
}

/// Those of all kinds that have no file of their own.
pub fn cases() -> Vec<Case> {
    let flag = Value::Bool;
    vec![
        case("Linear", Linear::new(5, 3), &[("in_features", size(5)), ("out_features", size(3))], &[2, 4, 5]),
        case(
            "Linear",
            Linear::builder(5, 3).bias(false).build().unwrap(),
            &[("in_features", size(5)), ("out_features", size(3)), ("bias", flag(false))],
            &[5],
        ),
        case("Flatten", Flatten::new(), &[], &[2, 3, 4]),
        case(
            "Flatten",
            Flatten::builder().start_dim(0).end_dim(1).build().unwrap(),
            &[("start_dim", Value::Axis(0)), ("end_dim", Value::Axis(1))],
            &[2, 3, 4],
        ),
        case("Identity", Identity::builder().build().unwrap(), &[], &[2]),
        case(
            "Conv1d",
            Conv1d::new(3, 6, 2),
            &[("in_channels", size(3)), ("out_channels", size(6)), ("kernel", sizes(&[2]))],
            &[2, 3, 9],
        ),
        case(
            "Conv2d",
            Conv2d::new(3, 6, 2),
            &[("in_channels", size(3)), ("out_channels", size(6)), ("kernel", sizes(&[2, 2]))],
            &[2, 3, 9, 8],
        ),
        case(
            "Conv2d",
            Conv2d::builder(4, 6, [3, 2])
                .stride([2, 1])
                .padding(1)
                .dilation([1, 2])
                .groups(2)
                .bias(false)
                .build()
                .unwrap(),
            &[
                ("in_channels", size(4)),
                ("out_channels", size(6)),
                ("kernel", sizes(&[3, 2])),
                ("stride", sizes(&[2, 1])),
                ("padding", sizes(&[1, 1])),
                ("dilation", sizes(&[1, 2])),
                ("groups", size(2)),
                ("bias", flag(false)),
            ],
            &[2, 4, 9, 8],
        ),
        case(
            "Conv2d",
            Conv2d::builder(4, 6, 3).padding("same").build().unwrap(),
            &[
                ("in_channels", size(4)),
                ("out_channels", size(6)),
                ("kernel", sizes(&[3, 3])),
                ("padding", Value::Text("same".into())),
            ],
            &[2, 4, 9, 8],
        ),
        case(
            "Conv2d",
            Conv2d::builder(3, 6, 3).padding([1, 2]).padding_mode("reflect").build().unwrap(),
            &[
                ("in_channels", size(3)),
                ("out_channels", size(6)),
                ("kernel", sizes(&[3, 3])),
                ("padding", sizes(&[1, 2])),
                ("padding_mode", Value::Text("reflect".into())),
            ],
            &[2, 3, 6, 5],
        ),
        case(
            "Conv3d",
            Conv3d::builder(4, 6, [2, 3, 1]).padding([1, 0, 0]).groups(2).build().unwrap(),
            &[
                ("in_channels", size(4)),
                ("out_channels", size(6)),
                ("kernel", sizes(&[2, 3, 1])),
                ("padding", sizes(&[1, 0, 0])),
                ("groups", size(2)),
            ],
            &[2, 4, 3, 4, 5],
        ),
        case(
            "ConvTranspose1d",
            ConvTranspose1d::new(3, 6, 2),
            &[("in_channels", size(3)), ("out_channels", size(6)), ("kernel", sizes(&[2]))],
            &[2, 3, 5],
        ),
        case(
            "ConvTranspose2d",
            ConvTranspose2d::builder(4, 6, 3)
                .stride([2, 1])
                .padding(1)
                .output_padding([1, 0])
                .groups(2)
                .bias(false)
                .dilation([1, 2])
                .build()
                .unwrap(),
            &[
                ("in_channels", size(4)),
                ("out_channels", size(6)),
                ("kernel", sizes(&[3, 3])),
                ("stride", sizes(&[2, 1])),
                ("padding", sizes(&[1, 1])),
                ("output_padding", sizes(&[1, 0])),
                ("groups", size(2)),
                ("bias", flag(false)),
                ("dilation", sizes(&[1, 2])),
            ],
            &[2, 4, 5, 4],
        ),
        case(
            "ConvTranspose3d",
            ConvTranspose3d::new(2, 3, 2),
            &[("in_channels", size(2)), ("out_channels", size(3)), ("kernel", sizes(&[2, 2, 2]))],
            &[1, 2, 2, 3, 2],
        ),
        case(
            "Embedding",
            Embedding::new(7, 3),
            &[("num_embeddings", size(7)), ("embedding_dim", size(3))],
            &[2, 4],
        ),
        case("BatchNorm1d", BatchNorm1d::new(3), &[("num_features", size(3))], &[4, 3]),
        case("BatchNorm1d", BatchNorm1d::new(3), &[("num_features", size(3))], &[4, 3, 5]),
        case("BatchNorm2d", BatchNorm2d::new(3), &[("num_features", size(3))], &[4, 3, 5, 5]),
        case(
            "BatchNorm2d",
            BatchNorm2d::builder(3).affine(false).track_running_stats(false).build().unwrap(),
            &[("num_features", size(3)), ("affine", flag(false)), ("track_running_stats", flag(false))],
            &[4, 3, 5, 5],
        ),
        case("LayerNorm", LayerNorm::new(5), &[("normalized_shape", sizes(&[5]))], &[2, 5]),
        case(
            "LayerNorm",
            LayerNorm::builder([4, 5]).bias(false).build().unwrap(),
            &[("normalized_shape", sizes(&[4, 5])), ("bias", flag(false))],
            &[2, 4, 5],
        ),
        case(
            "GroupNorm",
            GroupNorm::new(2, 6),
            &[("num_groups", size(2)), ("num_channels", size(6))],
            &[2, 6, 5],
        ),
        case("RMSNorm", RMSNorm::new(5), &[("normalized_shape", sizes(&[5]))], &[2, 5]),
        case(
            "RMSNorm",
            RMSNorm::builder(5).elementwise_affine(false).build().unwrap(),
            &[("normalized_shape", sizes(&[5])), ("elementwise_affine", flag(false))],
            &[2, 5],
        ),
        case(
            "Upsample",
            Upsample::builder().scale_factor(2).build().unwrap(),
            &[("scale_factor", sizes(&[2]))],
            &[2, 3, 4, 5],
        ),
        case(
            "Upsample",
            Upsample::builder().size([7, 3]).mode("bilinear").align_corners(true).build().unwrap(),
            &[
                ("size", sizes(&[7, 3])),
                ("mode", Value::Text("bilinear".into())),
                ("align_corners", flag(true)),
            ],
            &[2, 3, 4, 5],
        ),
        case("PixelShuffle", PixelShuffle::new(2), &[("upscale_factor", size(2))], &[2, 12, 3, 4]),
        case("PixelUnshuffle", PixelUnshuffle::new(2), &[("downscale_factor", size(2))], &[2, 3, 4, 6]),
        case("Softmax", Softmax::new(1), &[("dim", Value::Axis(1))], &[2, 3]),
        case("LogSoftmax", LogSoftmax::new(-1), &[("dim", Value::Axis(-1))], &[2, 3]),
        case("Dropout", Dropout::new(0.3), &[("p", Value::Float(0.3))], &[2, 3]),
        case("ReLU", ReLU::builder().build().unwrap(), &[], &[2, 3]),
        case("GELU", GELU::builder().build().unwrap(), &[], &[2, 3]),
        case("SiLU", SiLU::builder().build().unwrap(), &[], &[2, 3]),
        case("Tanh", Tanh::builder().build().unwrap(), &[], &[2, 3]),
        case("Sigmoid", Sigmoid::builder().build().unwrap(), &[], &[2, 3]),
        case("LeakyReLU", LeakyReLU::builder().build().unwrap(), &[], &[2, 3]),
        case("ELU", ELU::builder().build().unwrap(), &[], &[2, 3]),
        case("ReLU6", ReLU6::builder().build().unwrap(), &[], &[2, 3]),
        case("SELU", SELU::builder().build().unwrap(), &[], &[2, 3]),
        case("CELU", CELU::builder().alpha(0.5).build().unwrap(), &[("alpha", Value::Float(0.5))], &[2, 3]),
        case("Mish", Mish::builder().build().unwrap(), &[], &[2, 3]),
        case("Softplus", Softplus::builder().build().unwrap(), &[], &[2, 3]),
        case("LogSigmoid", LogSigmoid::builder().build().unwrap(), &[], &[2, 3]),
        case("Softsign", Softsign::builder().build().unwrap(), &[], &[2, 3]),
        case("Tanhshrink", Tanhshrink::builder().build().unwrap(), &[], &[2, 3]),
        case("Hardtanh", Hardtanh::builder().build().unwrap(), &[], &[2, 3]),
        case("Hardsigmoid", Hardsigmoid::builder().build().unwrap(), &[], &[2, 3]),
        case("Hardswish", Hardswish::builder().build().unwrap(), &[], &[2, 3]),
        case("Hardshrink", Hardshrink::builder().build().unwrap(), &[], &[2, 3]),
        case("Softshrink", Softshrink::builder().build().unwrap(), &[], &[2, 3]),
        case(
            "Threshold",
            Threshold::new(0.5, 2.0),
            &[("threshold", Value::Float(0.5)), ("value", Value::Float(2.0))],
            &[2, 3],
        ),
        case("PReLU", PReLU::new(1), &[], &[2, 3]),
        case("RReLU", RReLU::builder().build().unwrap(), &[], &[2, 3]),
        case(
            "RReLU",
            RReLU::new(0.25, 0.5),
            &[("lower", Value::Float(0.25)), ("upper", Value::Float(0.5))],
            &[2, 3, 4],
        ),
        case("PReLU", PReLU::new(3), &[("num_parameters", size(3))], &[2, 3, 4]),
        case("GLU", GLU::default(), &[], &[2, 6]),
        case("Softmin", Softmin::new(1), &[("dim", Value::Axis(1))], &[2, 3]),
        case("Softmax2d", Softmax2d::new(), &[], &[2, 3, 4, 5]),
        case(
            "Unflatten",
            Unflatten::new(1, [2, 3]),
            &[("dim", Value::Axis(1)), ("sizes", sizes(&[2, 3]))],
            &[4, 6],
        ),
        case("Rnn", Rnn::new(3, 5), &[("input_size", size(3)), ("hidden_size", size(5))], &[4, 2, 3]),
        case(
            "Rnn",
            Rnn::builder(3, 5).nonlinearity("relu").bias(false).build().unwrap(),
            &[
                ("input_size", size(3)),
                ("hidden_size", size(5)),
                ("nonlinearity", Value::Text("relu".into())),
                ("bias", flag(false)),
            ],
            &[4, 3],
        ),
        case(
            "Lstm",
            Lstm::builder(3, 5)
                .num_layers(2)
                .bidirectional(true)
                .batch_first(true)
                .dropout(0.1)
                .proj_size(4)
                .build()
                .unwrap(),
            &[
                ("input_size", size(3)),
                ("hidden_size", size(5)),
                ("num_layers", size(2)),
                ("bidirectional", flag(true)),
                ("batch_first", flag(true)),
                ("dropout", Value::Float(0.1)),
                ("proj_size", size(4)),
            ],
            &[2, 4, 3],
        ),
        case(
            "Gru",
            Gru::builder(3, 5).num_layers(2).build().unwrap(),
            &[("input_size", size(3)), ("hidden_size", size(5)), ("num_layers", size(2))],
            &[4, 2, 3],
        ),
        case("RnnCell", RnnCell::new(3, 5), &[("input_size", size(3)), ("hidden_size", size(5))], &[2, 3]),
        case("LstmCell", LstmCell::new(3, 5), &[("input_size", size(3)), ("hidden_size", size(5))], &[2, 3]),
        case(
            "MultiheadAttention",
            MultiheadAttention::builder(6, 2)
                .batch_first(true)
                .dropout(0.1)
                .add_zero_attn(true)
                .build()
                .unwrap(),
            &[
                ("embed_dim", size(6)),
                ("num_heads", size(2)),
                ("batch_first", flag(true)),
                ("dropout", Value::Float(0.1)),
                ("add_zero_attn", flag(true)),
            ],
            &[2, 4, 6],
        ),
        case(
            "MultiheadAttention",
            MultiheadAttention::builder(6, 3).bias(false).add_bias_kv(true).build().unwrap(),
            &[
                ("embed_dim", size(6)),
                ("num_heads", size(3)),
                ("bias", flag(false)),
                ("add_bias_kv", flag(true)),
            ],
            &[4, 6],
        ),
        case(
            "TransformerEncoderLayer",
            TransformerEncoderLayer::builder(6, 2).dim_feedforward(7).bias(false).build().unwrap(),
            &[("d_model", size(6)), ("nhead", size(2)), ("dim_feedforward", size(7)), ("bias", flag(false))],
            &[4, 2, 6],
        ),
        case(
            "TransformerEncoderLayer",
            TransformerEncoderLayer::builder(6, 2)
                .dim_feedforward(7)
                .activation("gelu")
                .norm_first(true)
                .batch_first(true)
                .layer_norm_eps(1e-6)
                .dropout(0.0)
                .build()
                .unwrap(),
            &[
                ("d_model", size(6)),
                ("nhead", size(2)),
                ("dim_feedforward", size(7)),
                ("activation", Value::Text("gelu".into())),
                ("norm_first", flag(true)),
                ("batch_first", flag(true)),
                ("layer_norm_eps", Value::Float(1e-6)),
                ("dropout", Value::Float(0.0)),
            ],
            &[2, 4, 6],
        ),
        case(
            "TransformerEncoder",
            TransformerEncoder::builder(6, 2, 2).dim_feedforward(7).norm(true).dropout(0.0).build().unwrap(),
            &[
                ("d_model", size(6)),
                ("nhead", size(2)),
                ("num_layers", size(2)),
                ("dim_feedforward", size(7)),
                ("norm", flag(true)),
                ("dropout", Value::Float(0.0)),
            ],
            &[4, 2, 6],
        ),
        case("GruCell", GruCell::new(3, 5), &[("input_size", size(3)), ("hidden_size", size(5))], &[3]),
    ]
}
