//! Steps that change shapes: products, arrangements, joins, reductions, normalisation, recurrent layers, attention, models.

use super::Kind;
use super::builder::{Builder, Named, Size, sizes};

pub(super) const KINDS: &[Kind] = &[
    ("Linear", linear),
    ("linear", weights),
    ("layers in a loop", layers),
    ("models in a loop", models),
    ("model", model),
    ("optional model", optional_model),
    ("model of pairs", pair),
    ("LayerNorm", layer_norm),
    ("RMSNorm", rms_norm),
    ("layer_norm", layer_norm_function),
    ("BatchNorm1d", batch_norm),
    ("GroupNorm", group_norm),
    ("cat", cat),
    ("stack", stack),
    ("chunk", chunk),
    ("split", split),
    ("index", index),
    ("reshape", reshape),
    ("flatten", flatten),
    ("transpose", transpose),
    ("permute", permute),
    ("matmul", matmul),
    ("einsum", einsum),
    ("attention", attention),
    ("TransformerEncoderLayer", transformer),
    ("MultiheadAttention", multihead),
    ("recurrent", recurrent),
    ("cells", cells),
    ("reductions", reductions),
    ("embedding", embedding),
    ("tied", tied),
    ("gather", gather),
    ("topk", topk),
    ("cumulative", cumulative),
    ("products", products),
    ("truths", truths),
    ("alpha dropout", alpha_dropout),
    ("arrange", arrange),
    ("triangle", triangle),
    ("expand", expand),
    ("glu", glu),
    ("choice", choice),
    ("normalize", normalize),
    ("nearest", nearest),
];

/// Few enough elements per row.
fn is_small(x: &Named) -> bool {
    x.last().is_some_and(|n| n <= 24)
}

fn linear(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some())?;
    let (n, act) = (b.pick(&[4, 5, 6, 8, 12]), b.pick(&["relu", "tanh", "gelu", "sigmoid", "silu", ""]));
    let bias = b.below(2) == 0;
    let field = b.field(format!("Linear(_, {n}, bias = {bias})"));
    b.add(x.with_last(n), format!("{act}({field}({}))", x.name))
}

fn weights(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some())?;
    let (n, m) = (x.last()?, b.pick(&[3, 4, 6]));
    let weight = b.field(format!("Param([{m}, {n}], init = uniform(-0.5, 0.5))"));
    let bias = b.field(format!("Param([{m}])"));
    b.add(x.with_last(m), format!("linear({}, {weight}, bias = {bias})", x.name))
}

fn layers(b: &mut Builder) -> Option<()> {
    let x = b.find(is_small)?;
    let n = x.last()?;
    let field = b.field(format!("[Linear({n}, {n}); 2]"));
    let text = format!(
        "let {{0}} = {}; for layer in self.{field} {{ {{0}} = tanh(layer({{0}})) + {{0}} * 0.5; }} {{0}} = {field}[1]({{0}});",
        x.name
    );
    b.say(&[x.shape], &text)
}

fn models(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 2 && is_small(x))?;
    let field = b.field(format!("[Inner<{}>; 2]", x.last()?));
    let text = format!(
        "let {{0}} = {}; for (i, block) in self.{field}.iter().enumerate() {{ {{0}} = block({{0}}); {{0}} = {{0}} * (1.0 + i as f64); }}",
        x.name
    );
    b.say(&[x.shape], &text)
}

fn model(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 2 && is_small(x))?;
    let field = b.field(format!("Inner<{}>", x.last()?));
    let text = format!("let {{0}}: [{}] = {field}({});", sizes(&x.shape), x.name);
    b.say(&[x.shape], &text)
}

fn optional_model(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 2 && is_small(x))?;
    let field = b.field(format!("Option<Inner<{}>> if K != 1", x.last()?));
    let text =
        format!("let {{0}} = {}; if let Some(inner) = self.{field} {{ {{0}} = inner({{0}}); }}", x.name);
    b.say(&[x.shape], &text)
}

fn pair(b: &mut Builder) -> Option<()> {
    let (x, y) = b.two(|x| x.shape.len() == 2 && is_small(x))?;
    let field = b.field(format!("Pair<{}>", x.last()?));
    let shape = sizes(&x.shape);
    let text = format!("let ({{0}}, {{1}}): ([{shape}], [{shape}]) = {field}({}, {});", x.name, y.name);
    b.say(&[x.shape.clone(), x.shape], &text)
}

fn layer_norm(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some_and(|n| n > 2))?;
    let options = b.pick(&["", ", bias = false", ", elementwise_affine = false", ", eps = 0.01"]);
    let field = b.field(format!("LayerNorm(_{options})"));
    b.add(x.shape, format!("{field}({})", x.name))
}

fn rms_norm(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some_and(|n| n > 2))?;
    let field = b.field("RMSNorm(_, eps = 0.001)");
    b.add(x.shape, format!("{field}({})", x.name))
}

fn layer_norm_function(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some_and(|n| n > 2))?;
    let n = x.last()?;
    let weight = b.field(format!("Param([{n}], init = ones)"));
    b.add(x.shape, format!("layer_norm({}, [{n}], weight = {weight})", x.name))
}

fn batch_norm(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| {
        x.shape[0] == Size::Batch && (x.shape.len() == 2 || x.shape.len() == 3) && x.known(1).is_some()
    })?;
    let options = b.pick(&["", ", momentum = 0.3", ", affine = false", ", track_running_stats = false"]);
    let field = b.field(format!("BatchNorm1d(_{options})"));
    b.add(x.shape, format!("{field}({})", x.name))
}

fn group_norm(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() > 2 && x.known(1).is_some_and(|n| n % 2 == 0))?;
    let field = b.field("GroupNorm(2, _)");
    // As for `instance_norm`.
    b.add(x.shape, format!("{field}(tanh({}))", x.name))
}

fn cat(b: &mut Builder) -> Option<()> {
    let (x, y) = b.two(is_small)?;
    let n = x.last()?;
    b.add(x.with_last(2 * n), format!("cat([{}, {} * 0.5], -1)", x.name, y.name))
}

fn stack(b: &mut Builder) -> Option<()> {
    let (x, y) = b.two(|x| x.shape.len() < 4)?;
    let text =
        b.pick(&["mean(stack([@, &], 0), 0)", "sum(stack([@, &, @], 1), 1)", "stack([&, @], 1)[.., 1]"]);
    b.add(x.shape, text.replace('@', &x.name).replace('&', &y.name))
}

fn chunk(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some_and(|n| n % 2 == 0))?;
    let half = x.with_last(x.last()? / 2);
    let text = format!("let ({{0}}, {{1}}) = chunk({}, 2, -1);", x.name);
    b.say(&[half.clone(), half], &text)
}

fn split(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some_and(|n| n > 3))?;
    let n = x.last()?;
    let text = format!("let ({{0}}, {{1}}) = split({}, [{}, 2], -1);", x.name, n - 2);
    b.say(&[x.with_last(n - 2), x.with_last(2)], &text)
}

fn index(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 3 && x.last().is_some_and(|n| n > 3))?;
    let n = x.last()?;
    match b.below(3) {
        0 => b.add(vec![x.shape[0], Size::Of(n)], format!("{}[.., -1]", x.name)),
        1 => b.add(x.with_last(n - 2), format!("{}[.., .., 1..-1]", x.name)),
        _ => b.add(x.with_last(n.div_ceil(2)), format!("{}[.., .., (0..{n}).step_by(2)]", x.name)),
    }
}

fn reshape(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some_and(|n| n % 2 == 0 && n > 2) && x.shape.len() < 4)?;
    let n = x.last()?;
    let mut shape = x.with_last(2);
    shape.push(Size::Of(n / 2));
    let text = match b.below(2) {
        0 => format!("reshape({}, [{}])", x.name, sizes(&shape)),
        _ => format!("unflatten({}, -1, [2, _])", x.name),
    };
    b.add(shape, text)
}

fn flatten(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() > 2 && x.shape[1..].iter().all(|size| matches!(size, Size::Of(_))))?;
    let n = (1..x.shape.len()).filter_map(|axis| x.known(axis)).product();
    let field = if b.below(2) == 0 { b.field("Flatten") } else { String::new() };
    let text =
        if field.is_empty() { format!("flatten({}, 1)", x.name) } else { format!("{field}({})", x.name) };
    b.add(vec![x.shape[0], Size::Of(n)], text)
}

fn transpose(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 3)?;
    b.add(vec![x.shape[0], x.shape[2], x.shape[1]], format!("transpose({}, 1, 2)", x.name))
}

fn permute(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 3)?;
    let text = format!("permute(permute({}, [2, 0, 1]) * 0.5, [1, 2, 0])", x.name);
    b.add(x.shape, text)
}

fn matmul(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 3)?;
    let square = format!("matmul({0}, transpose({0}, 1, 2))", x.name);
    b.add(x.shape, format!("matmul(softmax({square} * 0.3, -1), {})", x.name))
}

fn einsum(b: &mut Builder) -> Option<()> {
    let x = b.find(is_small)?;
    let n = x.last()?;
    match x.shape.len() {
        2 => {
            let weight = b.field(format!("Param([{n}, {n}], init = uniform(-0.4, 0.4))"));
            b.add(x.shape, format!("einsum!(\"bi,ij->bj\", {}, {weight})", x.name))
        }
        3 => {
            let text = b.pick(&[
                "@ + einsum!(\"bsi,bsj->bi\", @, @).unsqueeze(1) * 0.05",
                "einsum!(\"bsi,bsi->bsi\", @, tanh(@))",
                "@ * einsum!(\"bsi,bsi->bs\", @, @).unsqueeze(-1) * 0.05",
                "einsum!(\"bsi,zi->bsi\", @, @[0, ..1, ..])",
            ]);
            b.add(x.shape, text.replace('@', &x.name))
        }
        _ => None,
    }
}

fn attention(b: &mut Builder) -> Option<()> {
    let (x, y) = b.two(|x| x.shape.len() == 3 && x.last().is_some())?;
    let (x_, y_) = (&x.name, &y.name);
    let forms = [
        format!("scaled_dot_product_attention({x_}, {y_}, {x_})"),
        format!("scaled_dot_product_attention({x_}, {y_}, {y_}, causal = true)"),
        format!(
            "scaled_dot_product_attention({x_}, {x_}, {y_}, mask = matmul({x_}, transpose({y_}, 1, 2)) > -1.0)"
        ),
        format!(
            "scaled_dot_product_attention({x_}, {x_}, {y_}, mask = matmul({x_}, transpose({y_}, 1, 2)) * 0.1)"
        ),
    ];
    let text = forms[b.below(forms.len())].clone();
    b.add(x.shape.clone(), text)
}

fn transformer(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 3 && x.last().is_some_and(|n| n % 2 == 0 && n < 13))?;
    let (layer, call) = b.pick(&[
        ("EncoderLayer(_, 2, 8, batch_first = true)", "@"),
        (
            "EncoderLayer(_, 2, 8, batch_first = true, norm_first = true, activation = \"gelu\")",
            "@, is_causal = true",
        ),
        ("Encoder(_, 2, 2, 8, batch_first = true, norm = true)", "@, key_padding_mask = mean(@, -1) > 0.8"),
        ("DecoderLayer(_, 2, 8, batch_first = true)", "@, tanh(@), tgt_is_causal = true"),
        (
            "Decoder(_, 2, 1, 8, batch_first = true, bias = false)",
            "@, @, memory_key_padding_mask = mean(@, -1) > 0.8",
        ),
    ]);
    let field = b.field(format!("Transformer{layer}"));
    b.add(x.shape, format!("{field}({})", call.replace('@', &x.name)))
}

fn multihead(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 3 && x.last().is_some_and(|n| n % 2 == 0 && n < 13))?;
    let n = x.last()?;
    let options =
        b.pick(&[", dropout = 0.1", ", bias = false", ", add_bias_kv = true", ", add_zero_attn = true"]);
    let call = b.pick(&[
        "@",
        "@, is_causal = true",
        "@, tanh(@), @",
        "@, key_padding_mask = detach(mean(@, -1)) * 0.5",
    ]);
    let field = b.field(format!("MultiheadAttention({n}, 2, batch_first = true{options})"));
    b.add(x.shape, format!("{field}({})", call.replace('@', &x.name)))
}

fn products(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some_and(|n| n < 13))?;
    let text =
        b.pick(&["prod(tanh(@) + 1.0, -1, keepdim = true) * @", "@ - prod(sigmoid(@), 1, keepdim = true)"]);
    b.add(x.shape, text.replace('@', &x.name))
}

fn truths(b: &mut Builder) -> Option<()> {
    let x = b.find(|_| true)?;
    let truth =
        b.pick(&["any(@ > 1.0, -1, keepdim = true)", "all(@ > -1.0, 1, keepdim = true)", "any(@ < -2.0)"]);
    b.add(x.shape, format!("where_({truth}, @, @ * 0.5)").replace('@', &x.name))
}

fn alpha_dropout(b: &mut Builder) -> Option<()> {
    let x = b.find(|_| true)?;
    match b.below(3) {
        0 => {
            let field = b.field("AlphaDropout(0.2)");
            b.add(x.shape, format!("{field}({})", x.name))
        }
        1 => b.add(x.shape, format!("alpha_dropout(selu({}), 0.3)", x.name)),
        _ => b.add(x.shape, format!("feature_alpha_dropout({}, 0.4)", x.name)),
    }
}

fn recurrent(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 3 && x.shape[0] == Size::Batch && x.last().is_some())?;
    let (out, of) = (vec![x.shape[0], x.shape[1], Size::Of(4)], vec![Size::Of(1), x.shape[0], Size::Of(4)]);
    match b.below(5) {
        4 => {
            let field = b.field("Lstm(_, 5, batch_first = true, proj_size = 4)");
            let text = format!("let ({{0}}, (h, _)) = {field}({}); let {{1}} = tanh(h);", x.name);
            b.say(&[out, of], &text)
        }
        0 => {
            let field = b.field("Lstm(_, 4, batch_first = true)");
            let text = format!("let ({{0}}, (h, c)) = {field}({}); let {{1}} = tanh(c) + h;", x.name);
            b.say(&[out, of], &text)
        }
        1 => {
            let field =
                b.field("Gru(_, 2, num_layers = 2, dropout = 0.2, bidirectional = true, batch_first = true)");
            let text = format!("let ({{0}}, _) = {field}({});", x.name);
            b.say(&[out], &text)
        }
        2 => {
            let field = b.field("Rnn(_, 4, batch_first = true, nonlinearity = \"tanh\")");
            let text = format!("let ({{0}}, {{1}}) = {field}({});", x.name);
            b.say(&[out, of], &text)
        }
        _ => {
            let (first, second) =
                (b.field("Lstm(_, 4, batch_first = true)"), b.field("Lstm(_, 4, batch_first = true)"));
            let text = format!(
                "let ({{1}}, state) = {first}({}); let ({{0}}, (h, _)) = {second}({{1}} * 0.5, state);",
                x.name
            );
            b.say(&[out.clone(), out], &text)
        }
    }
}

fn cells(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 2 && x.last().is_some())?;
    let out = vec![x.shape[0], Size::Of(4)];
    match b.below(2) {
        0 => {
            let field = b.field("LstmCell(_, 4)");
            let text = format!(
                "let ({{0}}, c) = {field}({}); let ({{1}}, _) = {field}({}, ({{0}}, c));",
                x.name, x.name
            );
            b.say(&[out.clone(), out], &text)
        }
        _ => {
            let (gru, rnn) = (b.field("GruCell(_, 4)"), b.field("RnnCell(_, 4)"));
            let text = format!("let h = {gru}({}); let {{0}} = {rnn}({}, h) + h;", x.name, x.name);
            b.say(&[out], &text)
        }
    }
}

fn reductions(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 3)?;
    let text = b.pick(&[
        "mean(@, 1)",
        "sum(@, 1) * 0.3",
        "max(@, 1)",
        "amin(@, 1)",
        "logsumexp(@, 1)",
        "prod(tanh(@) + 1.1, 1)",
        "std(@, 1)",
        "var(@, 1, correction = 0)",
        "min(@, 1)",
        "norm(@, 2.0, 1)",
        "norm(@, 1.0, 1) * 0.2",
    ]);
    b.add(vec![x.shape[0], x.shape[2]], text.replace('@', &x.name))
}

fn embedding(b: &mut Builder) -> Option<()> {
    let options = b.pick(&["", "", ", padding_idx = 1", ", scale_grad_by_freq = true", ", max_norm = 1.0"]);
    let indices = b.indices(vec![Size::Batch, Size::Of(3)], 7);
    let field = b.field(format!("Embedding(7, 6{options})"));
    let value = if b.below(2) == 0 { indices } else { format!("flip({indices}, [1])") };
    b.add(vec![Size::Batch, Size::Of(3), Size::Of(6)], format!("{field}({value})"))
}

fn tied(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last() == Some(6))?;
    let indices = b.indices(vec![Size::Batch, Size::Of(2)], 5);
    let field = b.field("Embedding(5, 6)");
    let text =
        format!("let {{0}} = {field}({indices}); let {{1}} = linear({}, self.{field}.weight);", x.name);
    b.say(&[vec![Size::Batch, Size::Of(2), Size::Of(6)], x.with_last(5)], &text)
}

fn gather(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 2 && x.shape[0] == Size::Batch && x.last().is_some())?;
    let n = x.last()?;
    match b.below(3) {
        0 => {
            let indices = b.indices(vec![Size::Batch, Size::Of(4)], n);
            b.add(x.with_last(4), format!("gather({}, 1, {indices})", x.name))
        }
        1 => {
            let indices = b.indices(vec![Size::Of(3)], n);
            b.add(x.with_last(3), format!("index_select({}, -1, {indices})", x.name))
        }
        _ => {
            let text = format!("take_along_dim({0}, argmin({0}, 1, keepdim = true), 1)", x.name);
            b.add(x.with_last(1), text)
        }
    }
}

fn topk(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some_and(|n| n > 3))?;
    match b.below(2) {
        0 => {
            let text = format!(
                "let ({{0}}, i) = topk({}, 3); let {{1}} = take_along_dim(tanh({}), i, -1);",
                x.name, x.name
            );
            b.say(&[x.with_last(3), x.with_last(3)], &text)
        }
        _ => {
            let text = format!("let ({{0}}, _) = sort({}, descending = true);", x.name);
            b.say(&[x.shape], &text)
        }
    }
}

fn cumulative(b: &mut Builder) -> Option<()> {
    let x = b.find(|_| true)?;
    let text = b.pick(&["cumsum(@, 1) * 0.5", "logcumsumexp(@, -1)", "cumprod(tanh(@) + 1.0, 1)"]);
    b.add(x.shape, text.replace('@', &x.name))
}

fn arrange(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() > 1 && x.last().is_some_and(|n| (2..13).contains(&n)))?;
    let n = x.last()?;
    match b.below(5) {
        0 => b.add(x.shape, format!("flip({}, [-1])", x.name)),
        1 => b.add(x.shape, format!("roll({}, [1], [-1])", x.name)),
        2 => b.add(x.with_last(2 * n), format!("repeat_interleave({}, 2, -1)", x.name)),
        3 => b.add(x.with_last(n + 2), format!("pad({}, [1, 1], value = 0.5)", x.name)),
        _ => b.add(x.with_last(n - 1), format!("narrow(contiguous({}), -1, 1, {})", x.name, n - 1)),
    }
}

fn triangle(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() > 1)?;
    let text = b.pick(&["tril(@)", "triu(@, -1)", "@ + tril(@, 1)"]);
    b.add(x.shape, text.replace('@', &x.name))
}

fn expand(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 2 && is_small(x))?;
    let n = x.last()?;
    let text = format!("expand(unsqueeze({}, 1), [_, 3, _]) * 0.5", x.name);
    b.add(vec![x.shape[0], Size::Of(3), Size::Of(n)], text)
}

fn glu(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.last().is_some_and(|n| n % 2 == 0))?;
    b.add(x.with_last(x.last()? / 2), format!("glu({})", x.name))
}

fn choice(b: &mut Builder) -> Option<()> {
    let (x, y) = b.two(|x| x.shape.len() > 1)?;
    let text = b.pick(&[
        "where_((@ > 0.2) | (# < -0.5), @, tanh(#))",
        "where_((@ >= #) & !(@ > 1.0), @ * 0.5, #)",
        "masked_fill(@, logical_xor(# <= 0.1, @ < 0.3), -0.25)",
    ]);
    b.add(x.shape, text.replace('@', &x.name).replace('#', &y.name))
}

fn normalize(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() > 1)?;
    let text = b.pick(&["normalize(@, dim = -1)", "softmin(@, -1)", "addcmul(@, tanh(@), @, value = 0.5)"]);
    b.add(x.shape, text.replace('@', &x.name))
}

/// The row where a column is largest, for all columns.
fn nearest(b: &mut Builder) -> Option<()> {
    let x = b.find(|x| x.shape.len() == 3 && x.shape[0] == Size::Batch)?;
    let text = format!("take_along_dim({0}, argmax({0}[.., .., ..1], 1, keepdim = true), 1)", x.name);
    b.add(vec![x.shape[0], Size::Of(1), x.shape[2]], text)
}
