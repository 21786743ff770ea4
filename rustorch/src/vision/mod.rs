//! Computer vision (`torchvision`).

pub mod datasets;
