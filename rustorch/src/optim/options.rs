//! The options of an optimiser, written once.

/// Declares a struct of options with defaults, its builder methods, and its part in state dicts.
///
/// Options are numbers, pairs of numbers or switches; all of them are kept in state dicts as numbers.
macro_rules! options {
    (
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$field_doc:meta])* $field:ident: $ty:ty = $default:expr,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $ty,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $crate::optim::OptimBuilder<$name> {
            $(
                $(#[$field_doc])*
                #[doc = concat!("\n\nPyTorch's default is `", stringify!($default), "`.")]
                pub fn $field(mut self, $field: $ty) -> Self {
                    self.options.$field = $field;
                    self
                }
            )*
        }

        impl $crate::optim::options::Options for $name {
            fn numbers(&mut self, visit: &mut dyn FnMut(&'static str, &mut f64)) {
                $($crate::optim::options::Number::visit(&mut self.$field, stringify!($field), visit);)*
            }
            fn lr(&mut self) -> &mut f64 {
                &mut self.lr
            }
        }
    };
}
pub(super) use options;

/// What [`options!`] makes.
pub trait Options {
    /// Shows every option, as the numbers it consists of, for reading or writing.
    fn numbers(&mut self, visit: &mut dyn FnMut(&'static str, &mut f64));
    /// The learning rate.
    fn lr(&mut self) -> &mut f64;
}

/// An option as the numbers that it consists of.
pub(super) trait Number {
    fn visit(&mut self, name: &'static str, visit: &mut dyn FnMut(&'static str, &mut f64));
}

impl Number for f64 {
    #[inline]
    fn visit(&mut self, name: &'static str, visit: &mut dyn FnMut(&'static str, &mut f64)) {
        visit(name, self);
    }
}

impl Number for bool {
    #[inline]
    fn visit(&mut self, name: &'static str, visit: &mut dyn FnMut(&'static str, &mut f64)) {
        let mut number = f64::from(u8::from(*self));
        visit(name, &mut number);
        *self = number != 0.0;
    }
}

/// The two numbers follow each other under one name.
impl Number for (f64, f64) {
    fn visit(&mut self, name: &'static str, visit: &mut dyn FnMut(&'static str, &mut f64)) {
        visit(name, &mut self.0);
        visit(name, &mut self.1);
    }
}
