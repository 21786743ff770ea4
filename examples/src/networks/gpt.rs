//! Decoders over text: what comes next, for every position.

use rustorch::prelude::*;

use super::Block;

model! {
    /// A GPT (Radford et al. 2019) over a vocabulary of symbols, which sees up to `CONTEXT` of them.
    pub Gpt<const VOCABULARY: usize, const CONTEXT: usize, const D: usize, const HEADS: usize, const LAYERS: usize> {
        tokens: Embedding(VOCABULARY, D),
        positions: Embedding(CONTEXT, D),
        blocks: [Block<D, HEADS, true>; LAYERS],
        ln: LayerNorm(D),
        head: Linear(D, VOCABULARY),
    }
    forward(text: [batch, seq], places: [seq]) -> [batch, seq, VOCABULARY] {
        let x = tokens(text) + positions(places);
        for block in self.blocks {
            x = block(x);
        }
        head(ln(x))
    }
}

model! {
    /// The same with one table for what goes in and what comes out, as GPT-2 has it (Press and Wolf 2017).
    pub TiedGpt<const VOCABULARY: usize, const CONTEXT: usize, const D: usize, const HEADS: usize, const LAYERS: usize> {
        tokens: Embedding(VOCABULARY, D),
        positions: Embedding(CONTEXT, D),
        blocks: [Block<D, HEADS, true>; LAYERS],
        ln: LayerNorm(D),
    }
    forward(text: [batch, seq], places: [seq]) -> [batch, seq, VOCABULARY] {
        let x = tokens(text) + positions(places);
        for block in self.blocks {
            x = block(x);
        }
        linear(ln(x), tokens.weight)
    }
}
