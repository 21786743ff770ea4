//! A label for every symbol of a text.

use rustorch::prelude::*;

model! {
    /// Two recurrent layers that read a text in both directions (Graves and Schmidhuber 2005), and a label for every symbol.
    pub Tagger<const VOCABULARY: usize, const D: usize, const HIDDEN: usize, const TAGS: usize> {
        embed: Embedding(VOCABULARY, D),
        lstm: Lstm(D, HIDDEN, num_layers = 2, bidirectional = true, batch_first = true),
        tags: Linear(2 * HIDDEN, TAGS),
    }
    forward(text: [batch, seq]) -> [batch, seq, TAGS] {
        let (read, _) = lstm(embed(text));
        tags(read)
    }
}
