//! Known architectures as people write them who come from PyTorch, in the styles that the language allows: compiled and op by op
//! they give the same outputs and gradients, training and evaluating, on several batches, one example and none. Some
//! of them are also compared with PyTorch.

mod convolutions;
mod images;
mod modern;
mod newcomers;
mod programs;
mod pytorch;
mod sets;
mod signals;
mod text;
mod vectors;
