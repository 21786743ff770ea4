//! What the goldens of attention and recurrent layers cannot show: memory, dropout, names, messages.

use rustorch::autograd::{GradOptions, grad};
use rustorch::nn::functional::{AttentionOptions, scaled_dot_product_attention};
use rustorch::nn::{Gru, Layer, Lstm, Module, MultiheadAttention, Transformer, TransformerOptions};
use rustorch::{Result, Tensor, manual_seed};
use rustorch_tests::turns::turn;

/// The most memory that the process has had, in MiB.
#[cfg(target_os = "linux")]
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells a process its memory");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("the peak is listed");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<usize>().ok()).expect("a number") / 1024
}

#[test]
#[cfg(target_os = "linux")]
fn the_memory_of_attention_is_linear_in_the_sequence() -> Result<()> {
    let _turn = turn();
    // The weights alone would be 16384² · 4 bytes, a gibibyte.
    let length = 16384;
    let leaf = || Tensor::randn([1, length, 8]).requires_grad_(true);
    let (q, k, v) = (leaf()?, leaf()?, leaf()?);
    let before = peak();
    let options = AttentionOptions { causal: true, ..Default::default() };
    scaled_dot_product_attention(&q, &k, &v, options)?.sum().backward()?;
    assert!(q.grad().is_some() && k.grad().is_some() && v.grad().is_some());
    let grown = peak() - before;
    assert!(grown < 64, "forward and backward over {length} positions took {grown} MiB");
    Ok(())
}

#[test]
fn dropped_weights_are_the_same_on_every_way_back() -> Result<()> {
    let _turn = turn();
    let leaf = |seed| {
        manual_seed(seed);
        Tensor::randn([2, 3, 70, 4]).to_dtype(rustorch::DType::F64).requires_grad_(true)
    };
    let (q, k, v) = (leaf(1)?, leaf(2)?, leaf(3)?);
    // What is added to the scores has a gradient as well, and drops the same weights.
    let mask = Tensor::zeros([70, 70]).to_dtype(rustorch::DType::F64).requires_grad_(true)?;
    let gradients = |create_graph: bool, mask: Option<&Tensor>| {
        manual_seed(7);
        let options = AttentionOptions { mask, dropout: 0.4, ..Default::default() };
        let y = scaled_dot_product_attention(&q, &k, &v, options)?;
        let leaves: Vec<&Tensor> = [&q, &k, &v].into_iter().chain(mask).collect();
        let grads =
            grad(&[&y.sin().sum()], &leaves, &[], GradOptions { create_graph, ..Default::default() })?;
        Ok::<_, rustorch::Error>((y, grads))
    };
    let (y, _) = gradients(false, None)?;
    for mask in [None, Some(&mask)] {
        let ((once, fused), (again, traced)) = (gradients(false, mask)?, gradients(true, mask)?);
        assert_eq!(y.to_vec::<f64>()?, again.to_vec::<f64>()?);
        assert_eq!(y.to_vec::<f64>()?, once.to_vec::<f64>()?);
        for (fused, traced) in fused.iter().zip(&traced) {
            let (fused, traced) = (fused.as_ref().unwrap(), traced.as_ref().unwrap());
            assert!(fused.allclose(traced, 1e-9, 1e-12)?, "{fused} {traced}");
        }
    }
    let plain = scaled_dot_product_attention(&q, &k, &v, AttentionOptions::default())?;
    assert!(!plain.allclose(&y, 1e-3, 1e-3)?);
    // Everything dropped.
    let options = AttentionOptions { dropout: 1.0, ..Default::default() };
    let nothing = scaled_dot_product_attention(&q, &k, &v, options)?;
    assert!(nothing.to_vec::<f64>()?.iter().all(|&y| y == 0.0));
    Ok(())
}

#[test]
fn results_lie_in_memory_as_queries_do() -> Result<()> {
    let _turn = turn();
    let x = Tensor::randn([2, 5, 3, 4]).transpose(1, 2)?;
    let y = scaled_dot_product_attention(&x, &x, &x, AttentionOptions::default())?;
    assert_eq!((y.shape(), y.strides()), (&[2, 3, 5, 4][..], &[60, 4, 12, 1][..]));
    Ok(())
}

#[test]
fn names_and_texts_are_pytorchs() -> Result<()> {
    let _turn = turn();
    let names = |module: &dyn Module| -> Vec<String> {
        module.named_parameters().into_iter().map(|(name, _)| name).collect()
    };
    let lstm = Lstm::builder(3, 4)
        .num_layers(2)
        .batch_first(true)
        .dropout(0.5)
        .bidirectional(true)
        .proj_size(2)
        .build()?;
    let text = "LSTM(3, 4, proj_size=2, num_layers=2, batch_first=True, dropout=0.5, bidirectional=True)";
    assert_eq!(format!("{lstm:?}"), text);
    assert_eq!(
        names(&lstm)[4..10],
        [
            "weight_hr_l0",
            "weight_ih_l0_reverse",
            "weight_hh_l0_reverse",
            "bias_ih_l0_reverse",
            "bias_hh_l0_reverse",
            "weight_hr_l0_reverse"
        ]
    );
    let options = TransformerOptions { dim_feedforward: 8, ..Default::default() };
    let transformer = Transformer::with_options(4, 2, [1, 1], options)?;
    let expected = include_str!("../goldens/transformer_names.txt");
    assert_eq!(names(&transformer), expected.lines().collect::<Vec<_>>());
    Ok(())
}

#[test]
fn messages_have_the_sizes() -> Result<()> {
    let _turn = turn();
    let gru = Gru::new(3, 4);
    let message = |result: Result<(Tensor, Tensor)>| result.unwrap_err().to_string();
    let text = message(gru.forward(&Tensor::zeros([5, 2, 7]), None));
    assert!(text.contains("7 features") && text.contains("takes 3"), "{text}");
    let text = message(gru.forward(&Tensor::zeros([5, 2, 3]), Some(&Tensor::zeros([1, 9, 4]))));
    assert!(text.contains("[1, 9, 4]") && text.contains("[1, 2, 4]"), "{text}");
    let mut broken = Gru::new(3, 4);
    broken.weights[0].weight_hh = Tensor::zeros([12, 5]);
    let text = message(broken.forward(&Tensor::zeros([5, 2, 3]), None));
    assert!(text.contains("weight_hh has shape [12, 5]") && text.contains("[12, 4]"), "{text}");
    let text = Lstm::builder(3, 4).proj_size(4).build().unwrap_err().to_string();
    assert!(text.contains("proj_size is 4") && text.contains("hidden_size, which is 4"), "{text}");
    let text = MultiheadAttention::builder(6, 4).build().unwrap_err().to_string();
    assert!(text.contains("embed_dim is 6") && text.contains("num_heads, which is 4"), "{text}");
    let text = MultiheadAttention::new(6, 2).forward_self(&Tensor::zeros([3, 2, 5]));
    assert!(text.contains("5 features") && text.contains("takes 6"), "{text}");
    Ok(())
}

/// The message of a layer that refuses its input.
trait Refuses: Layer {
    fn forward_self(&self, input: &Tensor) -> String {
        Layer::forward(self, input).unwrap_err().to_string()
    }
}
impl<L: Layer> Refuses for L {}
