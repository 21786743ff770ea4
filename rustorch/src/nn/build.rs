//! How layers are built: from the arguments that the table in `rustorch-shape` declares, with its defaults and
//! parameter shapes.

use rustorch_shape::args::{Args, Kind, Value};
use rustorch_shape::layers::{self, LayerSpec};
use rustorch_shape::{Poly, Size};

use crate::autograd::outside_inference_mode;
use crate::{DType, Device, Error, Result, Tensor};

/// The value of an argument of a layer's builder.
pub trait Argument {
    #[doc(hidden)]
    fn into_value(self) -> Value;
}

/// One size for all of `N` axes, or one for each: `3`, `[3, 5]`.
pub trait Window<const N: usize>: Argument {}
impl<const N: usize> Window<N> for usize {}
impl<const N: usize> Window<N> for [usize; N] {}

/// One size for all of `N` axes, or one for each, where `None` keeps that of the input: `7`, `[7, 7]`, `[Some(7), None]`.
pub trait OutputSize<const N: usize>: Argument {}
impl<const N: usize> OutputSize<N> for usize {}
impl<const N: usize> OutputSize<N> for [usize; N] {}
impl<const N: usize> OutputSize<N> for [Option<usize>; N] {}

/// A size that may be left out: `4`, `None`.
pub trait OptionalSize: Argument {}
impl OptionalSize for usize {}
impl OptionalSize for Option<usize> {}

/// What a convolution over `N` axes adds around its input: sizes as in [`Window`], `"same"` or `"valid"`.
pub trait WindowOrMode<const N: usize>: Argument {}
impl<const N: usize> WindowOrMode<N> for usize {}
impl<const N: usize> WindowOrMode<N> for [usize; N] {}
impl<const N: usize> WindowOrMode<N> for &str {}

/// A number that may be left out: `0.1`, `None`.
pub trait OptionalNumber: Argument {}
impl OptionalNumber for f64 {}
impl OptionalNumber for Option<f64> {}

/// A size or a list of sizes: `64`, `[8, 64]`.
pub trait SizeList: Argument {}
impl SizeList for usize {}
impl<const N: usize> SizeList for [usize; N] {}
impl SizeList for &[usize] {}
impl SizeList for Vec<usize> {}

macro_rules! arguments {
    ($([$($generics:tt)*] $t:ty: $value:ident => $expr:expr;)*) => {$(
        impl<$($generics)*> Argument for $t {
            fn into_value(self) -> Value {
                let $value = self;
                $expr
            }
        }
    )*};
}
arguments! {
    [] usize: size => Value::Size(Poly::constant(size));
    [const N: usize] [usize; N]: sizes => Value::Sizes(sizes.map(Poly::constant).to_vec());
    [const N: usize] [Option<usize>; N]: sizes =>
        Value::Target(sizes.iter().map(|size| size.map(Poly::constant)).collect());
    [] Option<usize>: size => size.map_or(Value::Absent, |size| Value::Size(Poly::constant(size)));
    [] &[usize]: sizes => Value::Sizes(sizes.iter().copied().map(Poly::constant).collect());
    [] Vec<usize>: sizes => Value::Sizes(sizes.into_iter().map(Poly::constant).collect());
    [] isize: axis => Value::Axis(axis);
    [] bool: flag => Value::Bool(flag);
    [] f64: number => Value::Float(number);
    [] Option<f64>: number => number.map_or(Value::Absent, Value::Float);
    [] &str: text => Value::Text(text.to_owned());
}

/// Arguments on their way from a builder to a layer.
#[derive(Clone, Debug)]
pub(super) struct Arguments {
    spec: &'static LayerSpec,
    args: Args,
}

impl Arguments {
    pub fn new(layer: &'static str) -> Self {
        let spec = layers::find(layer).expect("every layer that is built so stands in the table");
        Self { spec, args: Args::new(spec.name) }
    }

    #[inline]
    pub fn set(mut self, name: &'static str, value: impl Argument) -> Self {
        self.args.set(name, value.into_value());
        self
    }

    /// Adds the defaults of what was not set, and gives every axis its size.
    pub fn complete(mut self) -> Result<Self> {
        for spec in self.spec.args {
            let value = match self.args.get(spec.name) {
                Some(value) => value.clone(),
                None => spec
                    .default_value(&self.args)
                    .ok_or_else(|| Error::argument(self.spec.name, format!("`{}` is missing", spec.name)))?,
            };
            let value = match (spec.kind, value) {
                (Kind::Window(n) | Kind::Padding(n), Value::Size(size)) => Value::Sizes(vec![size; n]),
                (Kind::Ends(n), Value::Size(size)) => Value::Sizes(vec![size; 2 * n]),
                (Kind::Sizes, Value::Size(size)) => Value::Sizes(vec![size]),
                (Kind::Output(n), Value::Size(size)) => Value::Target(vec![Some(size); n]),
                (Kind::Output(_), Value::Sizes(sizes)) => {
                    Value::Target(sizes.into_iter().map(Some).collect())
                }
                (Kind::Text(choices), Value::Text(text)) if !choices.contains(&text.as_str()) => {
                    return Err(self.bad_text(spec.name, &text, choices));
                }
                (Kind::Padding(_), Value::Text(text)) if text != "same" && text != "valid" => {
                    return Err(self.bad_text(spec.name, &text, &["same", "valid"]));
                }
                (_, value) => value,
            };
            self.args.set(spec.name, value);
        }
        Ok(self)
    }

    fn bad_text(&self, name: &str, text: &str, choices: &[&str]) -> Error {
        let choices: Vec<String> = choices.iter().map(|choice| format!("{choice:?}")).collect();
        Error::argument(self.spec.name, format!("{name} is {text:?}, expected {}", choices.join(" or ")))
    }

    pub fn size(&self, name: &'static str) -> Result<usize> {
        to_usize(self.args.size(name)?)
    }

    pub fn sizes(&self, name: &'static str) -> Result<Vec<usize>> {
        self.args.sizes(name)?.iter().map(to_usize).collect()
    }

    /// One size for each of `N` axes.
    pub fn window<const N: usize>(&self, name: &'static str) -> Result<[usize; N]> {
        let sizes = self.sizes(name)?;
        <[usize; N]>::try_from(sizes).map_err(|sizes| {
            Error::argument(self.spec.name, format!("{name} is {sizes:?}, expected {N} sizes"))
        })
    }

    /// One size for each of `N` axes, or none where that of the input stays.
    pub fn output<const N: usize>(&self, name: &'static str) -> Result<[Option<usize>; N]> {
        let sizes: Vec<Option<usize>> = self
            .args
            .target(name)?
            .iter()
            .map(|size| size.as_ref().map(to_usize).transpose())
            .collect::<Result<_>>()?;
        <[Option<usize>; N]>::try_from(sizes).map_err(|sizes| {
            Error::argument(self.spec.name, format!("{name} is {sizes:?}, expected {N} sizes"))
        })
    }

    /// A size that may be left out.
    #[inline]
    pub fn optional_size(&self, name: &'static str) -> Result<Option<usize>> {
        self.given(name).then(|| self.size(name)).transpose()
    }

    #[inline]
    pub fn axis(&self, name: &'static str) -> Result<isize> {
        Ok(self.args.axis(name)?)
    }

    /// Whether an argument without a default was given.
    #[inline]
    pub fn given(&self, name: &str) -> bool {
        !matches!(self.args.get(name), None | Some(Value::Absent))
    }

    #[inline]
    pub fn bool(&self, name: &'static str) -> Result<bool> {
        match self.args.get(name) {
            Some(Value::Bool(flag)) => Ok(*flag),
            other => Err(Error::argument(self.spec.name, format!("{name} is {other:?}, expected a bool"))),
        }
    }

    #[inline]
    pub fn flag(&self, name: &'static str) -> Result<bool> {
        Ok(self.args.flag(name)?)
    }

    pub fn float(&self, name: &'static str) -> Result<f64> {
        match self.args.get(name) {
            Some(Value::Float(number)) => Ok(*number),
            other => Err(Error::argument(self.spec.name, format!("{name} is {other:?}, expected a number"))),
        }
    }

    /// A number that may be left out.
    pub fn optional_float(&self, name: &'static str) -> Result<Option<f64>> {
        self.given(name).then(|| self.float(name)).transpose()
    }

    /// The text of an argument, if it is one.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.args.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The shape of a parameter or buffer; `None` if these arguments leave it out.
    pub fn shape(&self, name: &str) -> Result<Option<Vec<usize>>> {
        let state = (self.spec.state)(&self.args)?;
        let entry = state.into_iter().find(|entry| entry.name == name);
        entry.map(|entry| entry.shape.iter().map(to_usize).collect()).transpose()
    }

    /// A new parameter with values from `init`; `None` if these arguments leave it out.
    pub fn parameter(&self, name: &str, init: impl FnOnce(&Tensor) -> Result<()>) -> Result<Option<Tensor>> {
        let Some(shape) = self.shape(name)? else { return Ok(None) };
        // Layers can be trained also when they are made in inference mode.
        outside_inference_mode(|| {
            let tensor = Tensor::try_full(&shape, 0.0, DType::F32, Device::Cpu)?;
            init(&tensor)?;
            tensor.requires_grad_(true).map(Some)
        })
    }

    /// A new buffer of one value; `None` if these arguments leave it out.
    pub fn buffer(&self, name: &str, value: f64, dtype: DType) -> Result<Option<Tensor>> {
        let Some(shape) = self.shape(name)? else { return Ok(None) };
        outside_inference_mode(|| Tensor::try_full(&shape, value, dtype, Device::Cpu).map(Some))
    }
}

#[inline]
fn to_usize(size: &Poly) -> Result<usize> {
    size.as_constant().ok_or_else(|| Error::argument("nn", format!("{size} is not a size")))
}

/// Declares the builder of a layer in the table: the arguments that it takes, in the table's order, and a method for
/// each option.
macro_rules! builder {
    (
        $(#[$doc:meta])*
        $builder:ident for $layer:ident($($required:ident: $required_ty:ty),*) {
            $($(#[$option_doc:meta])* $option:ident: $option_ty:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        #[must_use = "call `build` to make the layer"]
        pub struct $builder($crate::nn::build::Arguments);

        impl $layer {
            /// Starts from what the layer needs; the options have PyTorch's defaults.
            #[inline]
            pub fn builder($($required: $required_ty),*) -> $builder {
                $builder($crate::nn::build::Arguments::new(stringify!($layer))$(.set(stringify!($required), $required))*)
            }
        }

        impl $builder {
            $(
                $(#[$option_doc])*
                #[inline]
                pub fn $option(self, $option: $option_ty) -> Self {
                    Self(self.0.set(stringify!($option), $option))
                }
            )*

            /// The layer.
            ///
            /// # Errors
            /// If arguments do not fit together or are out of range, or there is not enough memory.
            #[inline]
            pub fn build(self) -> $crate::Result<$layer> {
                $layer::assemble(&self.0.complete()?)
            }
        }
    };
}
pub(super) use builder;

/// Implements [`Module`](super::Module) and `Debug` for a layer: its parts, and what PyTorch prints of it. A layer is `Clone`: a clone
/// shares the parameters.
macro_rules! module {
    ($layer:ty { $($kind:ident $field:ident),* } $repr:expr) => {
        impl $crate::nn::Module for $layer {
            #[allow(unused_variables, reason = "layers without parts")]
            #[inline]
            fn visit<'a>(&'a self, visitor: &mut $crate::nn::Visitor<'a>) {
                $(visitor.$kind(stringify!($field), &self.$field);)*
            }
            #[allow(unused_variables, reason = "layers without parts")]
            #[inline]
            fn visit_mut<'a>(&'a mut self, visitor: &mut $crate::nn::VisitorMut<'a>) {
                $(visitor.$kind(stringify!($field), &mut self.$field);)*
            }
            #[inline]
            fn repr(&self) -> String {
                let repr: fn(&Self) -> String = $repr;
                repr(self)
            }
        }

        // Networks keep second handles on their layers.
        const _: fn() = || {
            fn is_clone<T: Clone>() {}
            is_clone::<$layer>();
        };

        impl std::fmt::Debug for $layer {
            #[inline]
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::nn::Module::repr(self))
            }
        }
    };
}
pub(super) use module;

/// How Python prints values.
pub(super) mod python {
    /// `True` or `False`.
    pub fn bool(value: bool) -> &'static str {
        if value { "True" } else { "False" }
    }

    /// `0.1`, `1e-05`.
    pub fn float(value: f64) -> String {
        let text = format!("{value:?}");
        match text.split_once("e-") {
            Some((mantissa, exponent)) if exponent.len() == 1 => format!("{mantissa}e-0{exponent}"),
            _ => text,
        }
    }

    /// `(3, 5)`, `(3,)`.
    pub fn tuple(values: &[usize]) -> String {
        match values {
            [one] => format!("({one},)"),
            _ => format!("({})", values.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
        }
    }

    /// As [`window`], `None` where there is no size.
    #[inline]
    pub fn output(values: &[Option<usize>]) -> String {
        if let Some(sizes) = values.iter().copied().collect::<Option<Vec<usize>>>() {
            return window(&sizes);
        }
        let text = |size: &Option<usize>| size.map_or("None".to_owned(), |size| size.to_string());
        format!("({})", values.iter().map(text).collect::<Vec<_>>().join(", "))
    }

    /// `3` if all are the same, else `(3, 5)`.
    #[inline]
    pub fn window(values: &[usize]) -> String {
        match values {
            [first, rest @ ..] if rest.iter().all(|size| size == first) => first.to_string(),
            _ => tuple(values),
        }
    }
}
