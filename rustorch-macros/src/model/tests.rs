//! The stages by hand; what a compiler says of whole programs is in `ui-tests`.
