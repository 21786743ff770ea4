//! Losses as modules: a criterion with its options, made once and called with predictions and targets.

use super::functional::{self, CrossEntropyOptions, Reduction};
use super::{Module, Visitor, VisitorMut};
use crate::{Result, Tensor};

/// The cross-entropy between logits and classes (`torch.nn.CrossEntropyLoss`); see
/// [`functional::cross_entropy`].
///
/// ```
/// use rustorch::{Tensor, nn::CrossEntropyLoss};
/// let criterion = CrossEntropyLoss::new().label_smoothing(0.1);
/// let loss = criterion.forward(&Tensor::zeros([3, 5]), &Tensor::from([1i64, 0, 4]))?;
/// assert!((loss.item::<f32>()? - 5f32.ln()).abs() < 1e-6);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Default)]
pub struct CrossEntropyLoss {
    /// Weights of classes, the label that does not count, smoothing and reduction.
    pub options: CrossEntropyOptions,
}

impl CrossEntropyLoss {
    /// The mean over the batch, without weights or smoothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A weight per class, `[classes]`.
    #[inline]
    pub fn weight(mut self, weight: Tensor) -> Self {
        self.options.weight = Some(weight);
        self
    }

    /// The label whose elements do not count; -100 unless set.
    pub fn ignore_index(mut self, label: i64) -> Self {
        self.options.ignore_index = label;
        self
    }

    /// The share of the target that is spread evenly over all classes; 0 unless set.
    pub fn label_smoothing(mut self, share: f64) -> Self {
        self.options.label_smoothing = share;
        self
    }

    /// What becomes of the losses of single elements.
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.options.reduction = reduction;
        self
    }

    /// The loss of logits `[batch, classes, ..]` for labels `[batch, ..]`, or for probabilities of the logits' shape.
    ///
    /// # Errors
    /// If shapes or dtypes do not fit, or a label is not a class.
    #[inline]
    pub fn forward(&self, logits: &Tensor, target: &Tensor) -> Result<Tensor> {
        functional::cross_entropy_with(logits, target, &self.options)
    }
}

impl Module for CrossEntropyLoss {
    #[inline]
    fn visit<'a>(&'a self, visitor: &mut Visitor<'a>) {
        visitor.buffer("weight", &self.options.weight);
    }
    #[inline]
    fn visit_mut<'a>(&'a mut self, visitor: &mut VisitorMut<'a>) {
        visitor.buffer("weight", &mut self.options.weight);
    }
}

macro_rules! losses {
    ($($(#[$doc:meta])* $loss:ident, $name:literal, $function:ident, $of_two:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// ```
        #[doc = concat!("use rustorch::{Tensor, nn::", $name, "};")]
        #[doc = concat!("let loss = ", $name, "::new().forward(&Tensor::from([1.0f32, 2.0]), &Tensor::from([1.0f32, 4.0]))?;")]
        #[doc = concat!("assert_eq!(loss.item::<f32>()?, ", $of_two, ");")]
        /// # Ok::<(), rustorch::Error>(())
        /// ```
        #[derive(Debug, Clone, Copy, Default)]
        pub struct $loss {
            /// What becomes of the losses of single elements.
            pub reduction: Reduction,
        }

        impl $loss {
            /// The mean over all elements.
            pub fn new() -> Self {
                Self::default()
            }

            /// What becomes of the losses of single elements.
            pub fn reduction(mut self, reduction: Reduction) -> Self {
                self.reduction = reduction;
                self
            }

            /// The loss of predictions for targets of the same shape.
            ///
            /// # Errors
            /// If the shapes differ.
            pub fn forward(&self, input: &Tensor, target: &Tensor) -> Result<Tensor> {
                functional::$function(input, target, self.reduction)
            }
        }

        impl Module for $loss {
            fn visit<'a>(&'a self, _: &mut Visitor<'a>) {}
            fn visit_mut<'a>(&'a mut self, _: &mut VisitorMut<'a>) {}
        }
    )*};
}

losses! {
    /// The mean squared difference (`torch.nn.MSELoss`).
    MSELoss, "MSELoss", mse_loss, "2.0";
    /// The mean absolute difference (`torch.nn.L1Loss`).
    L1Loss, "L1Loss", l1_loss, "1.0";
}
