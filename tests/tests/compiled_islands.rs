//! Every layer of the table in a compiled network: what has no kernel there and runs on tensors is what the README says.

use std::collections::BTreeSet;

use rustorch::compiled::Compiled;
use rustorch::prelude::*;
use rustorch_shape::layers::LAYERS;

/// The layers that have no kernel in a compiled pass, with any of their options.
const WITHOUT: &[&str] = &[];

/// A model of these layers, each of which is called once; with it, what they are called, and the steps that run on tensors.
macro_rules! networks {
    ($($model:ident($($input:ident: [$($size:tt),*]),*) { $($field:ident: $layer:ident $(($($arg:tt)*))? = $call:expr => [$($out:tt)*];)* })*) => {
        $(model! {
            $model { $($field: $layer $(($($arg)*))?,)* }
            forward($($input: [$($size),*]),*) -> ($([$($out)*],)*) { ($($call,)*) }
        })*
        /// The layers of all models.
        fn layers() -> BTreeSet<&'static str> {
            [$($(stringify!($layer),)*)*].into()
        }
        /// The layers that run on tensors, by the names of their fields.
        fn islands() -> Vec<String> {
            let schedules = [$($model::SCHEDULE,)*];
            let steps = schedules.into_iter().flatten().filter(|step| step.contains("on tensors"));
            steps.map(|step| step.split(" = ").nth(1).unwrap_or(step).to_string()).collect()
        }
    };
}

networks! {
    Elementwise(x: [batch, 6]) {
        linear: Linear(_, 3) = linear(x) => [batch, 3];
        identity: Identity = identity(x) => [batch, 6];
        relu: ReLU = relu(x) => [batch, 6];
        gelu: GELU = gelu(x) => [batch, 6];
        gelu_tanh: GELU(approximate = "tanh") = gelu_tanh(x) => [batch, 6];
        silu: SiLU = silu(x) => [batch, 6];
        tanh: Tanh = tanh(x) => [batch, 6];
        sigmoid: Sigmoid = sigmoid(x) => [batch, 6];
        leaky: LeakyReLU(0.2) = leaky(x) => [batch, 6];
        elu: ELU(0.5) = elu(x) => [batch, 6];
        rrelu: RReLU = rrelu(x) => [batch, 6];
        relu6: ReLU6 = relu6(x) => [batch, 6];
        selu: SELU = selu(x) => [batch, 6];
        celu: CELU(0.5) = celu(x) => [batch, 6];
        mish: Mish = mish(x) => [batch, 6];
        softplus: Softplus(2.0) = softplus(x) => [batch, 6];
        log_sigmoid: LogSigmoid = log_sigmoid(x) => [batch, 6];
        softsign: Softsign = softsign(x) => [batch, 6];
        tanhshrink: Tanhshrink = tanhshrink(x) => [batch, 6];
        hardtanh: Hardtanh(-2.0, 2.0) = hardtanh(x) => [batch, 6];
        hardsigmoid: Hardsigmoid = hardsigmoid(x) => [batch, 6];
        hardswish: Hardswish = hardswish(x) => [batch, 6];
        hardshrink: Hardshrink(0.3) = hardshrink(x) => [batch, 6];
        softshrink: Softshrink(0.3) = softshrink(x) => [batch, 6];
        threshold: Threshold(0.1, 2.0) = threshold(x) => [batch, 6];
        prelu: PReLU(6) = prelu(x) => [batch, 6];
        glu: GLU = glu(x) => [batch, 3];
        softmax: Softmax(1) = softmax(x) => [batch, 6];
        softmin: Softmin(1) = softmin(x) => [batch, 6];
        log_softmax: LogSoftmax(1) = log_softmax(x) => [batch, 6];
        dropout: Dropout(0.3) = dropout(x) => [batch, 6];
        alpha: AlphaDropout(0.3) = alpha(x) => [batch, 6];
        layer_norm: LayerNorm(_) = layer_norm(x) => [batch, 6];
        rms_norm: RMSNorm(_) = rms_norm(x) => [batch, 6];
        unflatten: Unflatten(1, [2, 3]) = unflatten(x) => [batch, 2, 3];
        rnn_cell: RnnCell(_, 4) = rnn_cell(x) => [batch, 4];
        gru_cell: GruCell(_, 4) = gru_cell(x) => [batch, 4];
        bilinear: Bilinear(6, 6, 2) = bilinear(x, x) => [batch, 2];
    }

    Tables(rows: [batch, 3]) {
        plain: Embedding(9, 4) = plain(rows) => [batch, 3, 4];
        padded: Embedding(9, 4, padding_idx = -1) = padded(rows) => [batch, 3, 4];
        limited: Embedding(9, 4, max_norm = 1.0, norm_type = 1.0) = limited(rows) => [batch, 3, 4];
        shared: Embedding(9, 4, scale_grad_by_freq = true) = shared(rows) => [batch, 3, 4];
    }

    Sequences(x: [batch, 4, 8]) {
        flatten: Flatten = flatten(x) => [batch, 32];
        conv: Conv1d(_, 3, kernel = 3, padding = "same") = conv(x) => [batch, 3, 8];
        bordered: Conv1d(_, 3, kernel = 4, padding = "same", padding_mode = "reflect") = bordered(x) => [batch, 3, 8];
        transposed: ConvTranspose1d(_, 3, kernel = 2, stride = 2) = transposed(x) => [batch, 3, 16];
        max_pool: MaxPool1d(2) = max_pool(x) => [batch, 4, 4];
        avg_pool: AvgPool1d(2) = avg_pool(x) => [batch, 4, 4];
        lp_pool: LPPool1d(2.0, 2) = lp_pool(x) => [batch, 4, 4];
        adaptive_max: AdaptiveMaxPool1d(3) = adaptive_max(x) => [batch, 4, 3];
        adaptive_avg: AdaptiveAvgPool1d(3) = adaptive_avg(x) => [batch, 4, 3];
        zeros: ZeroPad1d(1) = zeros(x) => [batch, 4, 10];
        constant: ConstantPad1d(1, 0.5) = constant(x) => [batch, 4, 10];
        reflection: ReflectionPad1d(1) = reflection(x) => [batch, 4, 10];
        replication: ReplicationPad1d(1) = replication(x) => [batch, 4, 10];
        circular: CircularPad1d(1) = circular(x) => [batch, 4, 10];
        batch_norm: BatchNorm1d(_) = batch_norm(x) => [batch, 4, 8];
        instance_norm: InstanceNorm1d(_) = instance_norm(x) => [batch, 4, 8];
        group_norm: GroupNorm(2, _) = group_norm(x) => [batch, 4, 8];
        dropout: Dropout1d(0.3) = dropout(x) => [batch, 4, 8];
        feature_alpha: FeatureAlphaDropout(0.3) = feature_alpha(x) => [batch, 4, 8];
        attention: MultiheadAttention(_, 2, add_bias_kv = true, add_zero_attn = true) = attention(x) => [batch, 4, 8];
        encoder_layer: TransformerEncoderLayer(_, 2, 16) = encoder_layer(x) => [batch, 4, 8];
        decoder_layer: TransformerDecoderLayer(_, 2, 16) = decoder_layer(x, x) => [batch, 4, 8];
        encoder: TransformerEncoder(_, 2, 2, 16) = encoder(x) => [batch, 4, 8];
        decoder: TransformerDecoder(_, 2, 2, 16) = decoder(x, x) => [batch, 4, 8];
        transformer: Transformer(_, 2, 1, 1, 16) = transformer(x, x) => [batch, 4, 8];
    }

    Images(x: [batch, 4, 8, 8]) {
        conv: Conv2d(_, 3, kernel = 3, padding = 1) = conv(x) => [batch, 3, 8, 8];
        bordered: Conv2d(_, 3, kernel = [2, 3], padding = "same", dilation = [1, 2], padding_mode = "circular") = bordered(x) => [batch, 3, 8, 8];
        transposed: ConvTranspose2d(_, 3, kernel = 2, stride = 2) = transposed(x) => [batch, 3, 16, 16];
        max_pool: MaxPool2d(2) = max_pool(x) => [batch, 4, 4, 4];
        avg_pool: AvgPool2d(2) = avg_pool(x) => [batch, 4, 4, 4];
        lp_pool: LPPool2d(3.0, 2) = lp_pool(x) => [batch, 4, 4, 4];
        adaptive_max: AdaptiveMaxPool2d(3) = adaptive_max(x) => [batch, 4, 3, 3];
        adaptive_avg: AdaptiveAvgPool2d(3) = adaptive_avg(x) => [batch, 4, 3, 3];
        zeros: ZeroPad2d(1) = zeros(x) => [batch, 4, 10, 10];
        constant: ConstantPad2d(1, 0.5) = constant(x) => [batch, 4, 10, 10];
        reflection: ReflectionPad2d(1) = reflection(x) => [batch, 4, 10, 10];
        replication: ReplicationPad2d(1) = replication(x) => [batch, 4, 10, 10];
        circular: CircularPad2d(1) = circular(x) => [batch, 4, 10, 10];
        upsample: Upsample(scale_factor = 2, mode = "bilinear") = upsample(x) => [batch, 4, 16, 16];
        shuffle: PixelShuffle(2) = shuffle(x) => [batch, 1, 16, 16];
        unshuffle: PixelUnshuffle(2) = unshuffle(x) => [batch, 16, 4, 4];
        batch_norm: BatchNorm2d(_) = batch_norm(x) => [batch, 4, 8, 8];
        instance_norm: InstanceNorm2d(_) = instance_norm(x) => [batch, 4, 8, 8];
        softmax: Softmax2d = softmax(x) => [batch, 4, 8, 8];
        dropout: Dropout2d(0.3) = dropout(x) => [batch, 4, 8, 8];
    }

    Volumes(x: [batch, 4, 4, 4, 4]) {
        conv: Conv3d(_, 3, kernel = 3, padding = 1) = conv(x) => [batch, 3, 4, 4, 4];
        bordered: Conv3d(_, 3, kernel = 3, padding = 1, padding_mode = "replicate") = bordered(x) => [batch, 3, 4, 4, 4];
        same: Conv3d(_, 3, kernel = 2, padding = "same", padding_mode = "reflect") = same(x) => [batch, 3, 4, 4, 4];
        transposed: ConvTranspose3d(_, 3, kernel = 2, stride = 2) = transposed(x) => [batch, 3, 8, 8, 8];
        max_pool: MaxPool3d(2) = max_pool(x) => [batch, 4, 2, 2, 2];
        avg_pool: AvgPool3d(2) = avg_pool(x) => [batch, 4, 2, 2, 2];
        lp_pool: LPPool3d(2.0, 2) = lp_pool(x) => [batch, 4, 2, 2, 2];
        adaptive_max: AdaptiveMaxPool3d(3) = adaptive_max(x) => [batch, 4, 3, 3, 3];
        adaptive_avg: AdaptiveAvgPool3d(3) = adaptive_avg(x) => [batch, 4, 3, 3, 3];
        zeros: ZeroPad3d(1) = zeros(x) => [batch, 4, 6, 6, 6];
        constant: ConstantPad3d(1, 0.5) = constant(x) => [batch, 4, 6, 6, 6];
        reflection: ReflectionPad3d(1) = reflection(x) => [batch, 4, 6, 6, 6];
        replication: ReplicationPad3d(1) = replication(x) => [batch, 4, 6, 6, 6];
        circular: CircularPad3d(1) = circular(x) => [batch, 4, 6, 6, 6];
        batch_norm: BatchNorm3d(_) = batch_norm(x) => [batch, 4, 4, 4, 4];
        instance_norm: InstanceNorm3d(_) = instance_norm(x) => [batch, 4, 4, 4, 4];
        dropout: Dropout3d(0.3) = dropout(x) => [batch, 4, 4, 4, 4];
    }
}

model! {
    /// Layers whose calls give several tensors.
    Recurrent {
        rnn: Rnn(_, 5),
        lstm: Lstm(_, 5, num_layers = 2, bidirectional = true),
        gru: Gru(_, 5),
        cell: LstmCell(_, 5),
        projected: Lstm(_, 5, proj_size = 3),
    }
    forward(x: [seq, batch, 4]) -> ([seq, batch, 5], [seq, batch, 10], [seq, batch, 5], [batch, 5], [seq, batch, 3]) {
        let (a, _) = rnn(x);
        let (b, _) = lstm(x);
        let (c, _) = gru(x);
        let (d, _) = cell(x[0]);
        let (e, _) = projected(x);
        (a, b, c, d, e)
    }
}

#[test]
fn every_layer_has_kernels() {
    let recurrent = ["Rnn", "Lstm", "Gru", "LstmCell"];
    let called: BTreeSet<&str> = layers().into_iter().chain(recurrent).collect();
    let missing: Vec<&str> =
        LAYERS.iter().map(|spec| spec.name).filter(|name| !called.contains(name)).collect();
    assert!(missing.is_empty(), "no model of this test has {missing:?}");
    let steps = Recurrent::SCHEDULE.iter().filter(|step| step.contains("on tensors"));
    let mut found = islands();
    found.extend(steps.map(|step| (*step).to_string()));
    assert_eq!(found, WITHOUT);
}
