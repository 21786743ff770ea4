use rustorch::prelude::*;

#[derive(Debug)]
pub struct Hand;

impl Hand {
    fn new() -> Self {
        Hand
    }
}

impl nn::Module for Hand {
    fn visit<'a>(&'a self, _: &mut nn::Visitor<'a>) {}
    fn visit_mut<'a>(&'a mut self, _: &mut nn::VisitorMut<'a>) {}
}

model! {
    pub Net<const D: usize> { up: Linear(D, 2 * D), hand: Hand }
    forward(x: [batch, D]) -> [batch, 2 * D] {
        let y: [batch, 2 * D] = hand(up(x));
        y
    }
}

fn main() {}
