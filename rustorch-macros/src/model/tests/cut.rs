//! Models cut off at every token, and with every token left out or written twice: whatever somebody is typing, the expansion is made
//! of items, and the struct, its fields and its methods are among them as far as they can be read.

use super::expand;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Between them they use every construct of the language.
const MODELS: &[&str] = &[
    "
    /// A recurrent decoder.
    #[derive(Clone)]
    pub(crate) Decoder<const V: usize, const D: usize, const KIND: usize> where [(); D]: Sized {
        /// Words.
        pub embed: Embedding(V, D),
        cell: LstmCell(2 * D, D),
        norm: Option<LayerNorm>(D, eps = 1e-6) if KIND == 0,
        blocks: [Block<D, { 2 + 2 }>; 3],
        gates: [Linear(D, D, bias = false); 2],
        scale: Param([D], init = normal(0.0, 0.02)),
        #[name = \"mean\"]
        centre: Buffer([D], init = zeros),
    }
    forward(text: [batch, seq], (h, c): ([batch, D], [batch, D])) -> ([batch, seq, V], ([batch, D], [batch, D])) {
        let words = (embed(text) - centre) * self.scale;
        let last = words[.., -1] * 0.0;
        for t in 0..seq {
            (h, c) = cell(cat([words[.., t], last], -1), (h, c));
            last = if self.training { dropout(h, 0.1) } else { h };
        }
        for (i, gate) in self.gates.iter().enumerate() {
            last += sigmoid(gate(last)) * (i as f64);
        }
        for block in self.blocks {
            last = block(last);
        }
        let y: [batch, D] = blocks[0](last);
        let y = match KIND {
            0 => if let Some(norm) = self.norm { norm(y) } else { y },
            1 | 2 => einsum!(\"bd,d->bd\", y, scale),
            _ => { let width = D / 2; y * (width as f64) }
        };
        (linear(words + unsqueeze(y, 1), embed.weight), (h, c))
    }",
    "pub Mlp<const H: usize>: [batch, 784] -> [batch, 10] { fc1: Linear(H, bias = false), ReLU, Dropout(0.2), Linear(10) }",
];

#[test]
fn whatever_is_written_so_far_expands_to_items() {
    for source in MODELS {
        for tokens in prefixes(&source.parse().expect("tokens")) {
            let (text, expanded) = (tokens.to_string(), items(tokens));
            // Its name, and what follows a name.
            let is_named = text.contains("Decoder <") || text.contains("Mlp <");
            assert!(!is_named || expanded.contains("struct "), "no struct of\n{text}");
            for (written, field) in
                [("pub embed :", "pub embed :"), ("cell : L", "pub cell :"), ("fc1 : L", "pub fc1 :")]
            {
                assert!(!text.contains(written) || expanded.contains(field), "no field `{field}` of\n{text}");
            }
            // The passes: of the sequential form after its braces have been opened.
            let has_pass = text.contains("-> ([batch") || (text.contains("Mlp") && text.contains('{'));
            assert!(!has_pass || expanded.contains("pub fn forward"), "no `forward` of\n{text}");
        }
    }
}

#[test]
fn a_token_too_few_or_too_many_leaves_the_items() {
    for source in MODELS {
        let name = if source.contains("Decoder") { "Decoder" } else { "Mlp" };
        for tokens in slips(&source.parse().expect("tokens")) {
            let (text, expanded) = (tokens.to_string(), items(tokens));
            let is_named = text.contains(&format!(" {name} <"));
            assert!(!is_named || expanded.contains("struct "), "no struct of\n{text}");
        }
    }
}

/// The expansion, which is one of items.
fn items(tokens: TokenStream) -> String {
    let text = tokens.to_string();
    let expanded = expand(tokens);
    assert!(syn::parse2::<syn::File>(expanded.clone()).is_ok(), "{text}\nexpands to\n{expanded}");
    expanded.to_string()
}

/// What comes before every token, with the brackets that are open then closed.
fn prefixes(stream: &TokenStream) -> Vec<TokenStream> {
    let (mut prefixes, mut before) = (Vec::new(), TokenStream::new());
    for token in stream.clone() {
        prefixes.push(before.clone());
        if let TokenTree::Group(group) = &token {
            for inside in self::prefixes(&group.stream()) {
                let mut prefix = before.clone();
                prefix.extend([around(group.delimiter(), inside)]);
                prefixes.push(prefix);
            }
        }
        before.extend([token]);
    }
    prefixes.push(before);
    prefixes
}

/// The stream without each of its tokens, and with each of them twice.
fn slips(stream: &TokenStream) -> Vec<TokenStream> {
    let tokens: Vec<TokenTree> = stream.clone().into_iter().collect();
    let with = |at: usize, instead: Vec<TokenTree>| -> TokenStream {
        tokens[..at].iter().cloned().chain(instead).chain(tokens[at + 1..].iter().cloned()).collect()
    };
    let mut slips = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        slips.extend([with(at, Vec::new()), with(at, vec![token.clone(), token.clone()])]);
        if let TokenTree::Group(group) = token {
            let inside = self::slips(&group.stream());
            slips.extend(inside.into_iter().map(|inside| with(at, vec![around(group.delimiter(), inside)])));
        }
    }
    slips
}

fn around(delimiter: Delimiter, inside: TokenStream) -> TokenTree {
    Group::new(delimiter, inside).into()
}
