//! Networks as people write them who know PyTorch and have read the documentation: options that come from constants and parameters of
//! every kind, first values that may fail, models made by macros, models that call models with tuples on both sides.

use rustorch::Result;
use rustorch::prelude::*;
use rustorch_tests::compiled::everywhere;
use rustorch_tests::turns::turn;

dim!(Batch, Seq);

mod config {
    pub const WIDTH: usize = 6;
    pub struct Depths;
    impl Depths {
        pub const MIDDLE: usize = 2;
    }
}

use config::WIDTH as D;

const fn double(size: usize) -> usize {
    2 * size
}

const WIDE: usize = double(D);
const EPS: f64 = 1e-6;

model! {
    /// Constants from everywhere.
    Everywhere {
        up: Linear(D, WIDE),
        norm: LayerNorm(WIDE, eps = EPS),
        middle: [Linear(WIDE, WIDE); config::Depths::MIDDLE],
        down: Linear(_, config::WIDTH - 2),
        act: GELU(approximate = "tanh"),
    }
    forward(x: [batch, seq, D]) -> [batch, seq, D - 2] {
        let mut h = norm(up(x));
        for layer in &self.middle {
            h = act(layer(h)) + h;
        }
        down(h)
    }

    /// EfficientNet's block, whose way up is not always there.
    Scaled<const IN: usize, const OUT: usize, const EXPAND: usize, const K: usize, const S: usize> {
        expand: Option<Conv2d>(IN, IN * EXPAND, kernel = 1, bias = false) if EXPAND != 1,
        depthwise: Conv2d(IN * EXPAND, IN * EXPAND, kernel = K, stride = S, padding = (K - 1) / 2, groups = IN * EXPAND),
        squeeze: Conv2d(IN * EXPAND, IN / 2, kernel = 1),
        excite: Conv2d(IN / 2, IN * EXPAND, kernel = 1),
        project: Conv2d(IN * EXPAND, OUT, kernel = 1, bias = false),
    }
    forward(x: [batch, IN, 9, 9]) -> [batch, OUT, (9 + 2 * ((K - 1) / 2) - K) / S + 1, (9 + 2 * ((K - 1) / 2) - K) / S + 1] {
        let y = if let Some(expand) = self.expand { silu(expand(x)) } else { x };
        let y = silu(depthwise(y));
        let weights = sigmoid(excite(silu(squeeze(adaptive_avg_pool2d(y, 1)))));
        let y = project(y * weights);
        if S == 1 && IN == OUT {
            y = y + x;
        }
        y
    }

    /// Flags and letters as parameters.
    Flags<const BIAS: bool, const ACT: char, const DEPTH: usize> {
        first: Linear(D, D, bias = BIAS),
        rest: [Linear(D, D); DEPTH],
    }
    forward(x: [batch, D]) -> [batch, D] {
        let y = match ACT {
            'r' => relu(first(x)),
            't' => tanh(first(x)),
            _ => first(x),
        };
        for (i, layer) in self.rest.iter().enumerate() {
            y = layer(y) / ((i + 1) as f64);
        }
        y
    }

    /// Weights used forward and back, and a mask that is computed when the model is made.
    Masked {
        encode: Linear(D, D),
        mask: Buffer([D, D], init = Tensor::ones([D, D]).tril(0)),
        bias: Param([D], init = zeros),
    }
    forward(x: [batch, D]) -> [batch, D] {
        let z = matmul(relu(encode(x)), mask);
        matmul(z, encode.weight) + bias
    }

    /// Pyramid pooling: the sum of the pieces is the size.
    Pyramid {
        conv: Conv2d(1, 2, kernel = 3),
    }
    forward(x: [batch, 1, 14, 14]) -> [batch, 2 * (6 * 6 + 2 * 2 + 1)] {
        let y = relu(conv(x));
        let fine = flatten(max_pool2d(y, 2), 1);
        let coarse = flatten(avg_pool2d(y, 6, stride = 6), 1);
        cat([fine, coarse, flatten(adaptive_max_pool2d(y, 1), 1)], dim = -1)
    }

    /// Layers that grow: where formulas meet, they are compared.
    Dense<const IN: usize, const GROWTH: usize> {
        conv: Conv2d(IN, GROWTH, kernel = 3, padding = 1),
    }
    forward(x: [batch, IN, h, w]) -> [batch, IN + GROWTH, h, w] {
        cat([x, relu(conv(x))], dim = 1)
    }

    DenseNet<const GROWTH: usize, const NEXT: usize> {
        first: Dense<2, GROWTH>,
        second: Dense<NEXT, GROWTH>,
    }
    forward(x: [batch, 2, h, w]) -> [batch, 2 + 2 * GROWTH, h, w] {
        let x: [batch, 2 + GROWTH, h, w] = first(x);
        let x: [batch, 2 + 2 * GROWTH, h, w] = second(x);
        x
    }

    /// Takes a pair, gives a pair and one more.
    Cell {
        gates: Linear(2 * D, 2 * D),
    }
    forward(x: [batch, D], (h, c): ([batch, D], [batch, D])) -> ([batch, D], ([batch, D], [batch, D])) {
        let (i, o) = chunk(gates(cat([x, h], 1)), 2, 1);
        let c = c + sigmoid(i);
        let h = tanh(o) * c;
        (h * 2.0, (h, c))
    }

    /// Three calls of it, in a loop and out of one.
    Decoder {
        cell: Cell,
        others: [Cell; 2],
    }
    forward(x: [batch, D], h: [batch, D]) -> ([batch, D], [batch, D]) {
        let (y, (h, c)): ([batch, D], ([batch, D], [batch, D])) = cell(x, (h, x));
        for other in self.others {
            (y, (h, c)) = other(y, (h, c));
        }
        (y, h + c)
    }
}

macro_rules! chain {
    ($(#[$meta:meta])* $vis:vis $name:ident [$($layer:ident: $from:expr => $to:expr),+ $(,)?] $input:tt -> $output:tt $body:block) => {
        model! {
            $(#[$meta])*
            $vis $name { $($layer: Linear($from, $to)),+ }
            forward(x: $input) -> $output $body
        }
    };
}

chain! {
    /// Made by a macro.
    #[derive(Clone)]
    pub(crate) Made [a: D => 4, b: 4 => 2] [batch, D] -> [batch, 2] { b(relu(a(x))) }
}

#[test]
fn options_from_everywhere() -> Result<()> {
    let _turn = turn();
    everywhere(
        &Everywhere::new(),
        |batch, seq| vec![Tensor::randn([batch, seq, 6])],
        |net, x| Ok(vec![net.try_forward(&x[0].typed::<shape![Batch, Seq, 6]>()?)?.into_tensor()]),
    )?;
    fn flags<const BIAS: bool, const ACT: char, const DEPTH: usize>() -> Result<()> {
        everywhere(
            &Flags::<BIAS, ACT, DEPTH>::new(),
            |batch, _| vec![Tensor::randn([batch, 6])],
            |net, x| Ok(vec![net.try_forward(&x[0].typed::<shape![Batch, D]>()?)?.into_tensor()]),
        )
    }
    flags::<true, 'r', 2>()?;
    flags::<false, 't', 1>()?;
    flags::<true, 'x', 0>()?;
    everywhere(
        &Masked::new(),
        |batch, _| vec![Tensor::randn([batch, 6])],
        |net, x| Ok(vec![net.try_forward(&x[0].typed::<shape![Batch, D]>()?)?.into_tensor()]),
    )?;
    let net = Made::new().clone();
    everywhere(
        &net,
        |batch, _| vec![Tensor::randn([batch, 6])],
        |net, x| Ok(vec![net.try_forward(&x[0].typed::<shape![Batch, D]>()?)?.into_tensor()]),
    )
}

#[test]
fn images_whose_sizes_are_formulas() -> Result<()> {
    let _turn = turn();
    fn scaled<const OUT: usize, const EXPAND: usize, const K: usize, const S: usize>() -> Result<()> {
        everywhere(
            &Scaled::<4, OUT, EXPAND, K, S>::new(),
            |batch, _| vec![Tensor::randn([batch, 4, 9, 9])],
            |net, x| Ok(vec![net.try_forward(&x[0].typed::<shape![Batch, 4, 9, 9]>()?)?.into_tensor()]),
        )
    }
    scaled::<4, 1, 3, 1>()?;
    scaled::<4, 2, 5, 1>()?;
    scaled::<2, 3, 3, 2>()?;
    everywhere(
        &Pyramid::new(),
        |batch, _| vec![Tensor::randn([batch, 1, 14, 14])],
        |net, x| Ok(vec![net.try_forward(&x[0].typed::<shape![Batch, 1, 14, 14]>()?)?.into_tensor()]),
    )?;
    dim!(H, W);
    everywhere(
        &DenseNet::<3, 5>::new(),
        |batch, seq| vec![Tensor::randn([batch, 2, seq, 5])],
        |net, x| Ok(vec![net.try_forward(&x[0].typed::<shape![Batch, 2, (H), (W)]>()?)?.into_tensor()]),
    )
}

#[test]
fn pairs_in_and_out_of_models() -> Result<()> {
    let _turn = turn();
    everywhere(
        &Decoder::new(),
        |batch, _| vec![Tensor::randn([batch, 6]), Tensor::randn([batch, 6])],
        |net, x| {
            let (x, h) = (x[0].typed::<shape![Batch, D]>()?, x[1].typed::<shape![Batch, D]>()?);
            let (y, state) = net.try_forward(&x, &h)?;
            Ok(vec![y.into_tensor(), state.into_tensor()])
        },
    )
}
