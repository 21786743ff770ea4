//! Images of another size, and pixels that become channels.

use crate::nn::Layer;
use crate::nn::build::{Arguments, SizeList, builder, module, python};
use crate::nn::functional::{self, InterpolateMode, Resize};
use crate::{Error, Result, Tensor};

/// Images of another size, `[batch, channels, spatial ..]` with one to three spatial axes (`torch.nn.Upsample`):
/// [`interpolate`](functional::interpolate) as a layer.
///
/// ```
/// use rustorch::{Tensor, nn::{Layer, Upsample}};
/// let layer = Upsample::builder().scale_factor(2).build()?;
/// assert_eq!(layer.forward(&Tensor::ones([1, 3, 4, 5]))?.shape(), [1, 3, 8, 10]);
/// let layer = Upsample::builder().size([7, 9]).mode("bilinear").align_corners(true).build()?;
/// assert_eq!(layer.forward(&Tensor::ones([1, 3, 4, 5]))?.shape(), [1, 3, 7, 9]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct Upsample {
    /// The sizes, or the factors.
    pub resize: Resize,
    /// Where elements come from.
    pub mode: InterpolateMode,
    /// Whether the outermost positions stay.
    pub align_corners: bool,
}

builder! {
    /// Builds an [`Upsample`]: either `size` or `scale_factor` must be set.
    UpsampleBuilder for Upsample() {
        /// The sizes of the result along the spatial axes.
        size: impl SizeList,
        /// By how much the sizes are multiplied.
        scale_factor: impl SizeList,
        /// "nearest" unless set; "nearest-exact", "linear", "bilinear", "trilinear", "area".
        mode: &str,
        /// Whether the outermost positions stay; `false` unless set.
        align_corners: bool,
    }
}

impl Upsample {
    /// The layer without aligned corners. Factors may be fractions here, which those of a [`builder`](Self::builder) are not,
    /// since a `model!` computes with them.
    pub fn new(resize: Resize, mode: InterpolateMode) -> Self {
        Self { resize, mode, align_corners: false }
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        let resize = match (args.given("size"), args.given("scale_factor")) {
            (true, false) => Resize::Size(args.sizes("size")?),
            (false, true) => {
                Resize::Scale(args.sizes("scale_factor")?.into_iter().map(|factor| factor as f64).collect())
            }
            _ => return Err(Error::argument("Upsample", "either size or scale_factor must be given")),
        };
        let mode = InterpolateMode::of(args.text("mode").unwrap_or("nearest"))?;
        Ok(Self { resize, mode, align_corners: args.flag("align_corners")? })
    }
}

impl Layer for Upsample {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        functional::interpolate(input, &self.resize, self.mode, self.align_corners)
    }
}

module!(
    Upsample {} | layer | {
        let resize = match &layer.resize {
            Resize::Size(sizes) => one_or_all("size", sizes.iter().map(usize::to_string)),
            Resize::Scale(factors) => one_or_all("scale_factor", factors.iter().copied().map(python::float)),
        };
        format!("Upsample({resize}, mode='{}')", layer.mode.name())
    }
);

fn one_or_all(name: &str, entries: impl Iterator<Item = String>) -> String {
    let entries: Vec<String> = entries.collect();
    if entries.len() == 1 {
        format!("{name}={}", entries[0])
    } else {
        format!("{name}=({})", entries.join(", "))
    }
}

/// `[.., channels·r², h, w] → [.., channels, h·r, w·r]` (`torch.nn.PixelShuffle`; Shi et al. 2016).
///
/// ```
/// use rustorch::{Tensor, nn::{Layer, PixelShuffle}};
/// assert_eq!(PixelShuffle::new(2).forward(&Tensor::ones([1, 12, 3, 4]))?.shape(), [1, 3, 6, 8]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct PixelShuffle {
    /// How many pixels a side becomes.
    pub upscale_factor: usize,
}

builder! {
    /// Builds a [`PixelShuffle`].
    PixelShuffleBuilder for PixelShuffle(upscale_factor: usize) {}
}

impl PixelShuffle {
    /// The layer.
    pub fn new(upscale_factor: usize) -> Self {
        Self { upscale_factor }
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        Ok(Self { upscale_factor: args.size("upscale_factor")? })
    }
}

impl Layer for PixelShuffle {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        functional::pixel_shuffle(input, self.upscale_factor)
    }
}

module!(PixelShuffle {} | layer | format!("PixelShuffle(upscale_factor={})", layer.upscale_factor));

/// `[.., channels, h·r, w·r] → [.., channels·r², h, w]` (`torch.nn.PixelUnshuffle`).
///
/// ```
/// use rustorch::{Tensor, nn::{Layer, PixelUnshuffle}};
/// assert_eq!(PixelUnshuffle::new(2).forward(&Tensor::ones([1, 3, 6, 8]))?.shape(), [1, 12, 3, 4]);
/// # Ok::<(), rustorch::Error>(())
/// ```
#[derive(Clone)]
pub struct PixelUnshuffle {
    /// How many pixels of a side become one.
    pub downscale_factor: usize,
}

builder! {
    /// Builds a [`PixelUnshuffle`].
    PixelUnshuffleBuilder for PixelUnshuffle(downscale_factor: usize) {}
}

impl PixelUnshuffle {
    /// The layer.
    pub fn new(downscale_factor: usize) -> Self {
        Self { downscale_factor }
    }

    #[inline]
    fn assemble(args: &Arguments) -> Result<Self> {
        Ok(Self { downscale_factor: args.size("downscale_factor")? })
    }
}

impl Layer for PixelUnshuffle {
    #[inline]
    fn forward(&self, input: &Tensor) -> Result<Tensor> {
        functional::pixel_unshuffle(input, self.downscale_factor)
    }
}

module!(PixelUnshuffle {} | layer | format!("PixelUnshuffle(downscale_factor={})", layer.downscale_factor));
