//! Floats in columns of one width.

use super::PrintOptions;

/// How the floats of a tensor are written.
pub(super) struct Format {
    style: Style,
    precision: usize,
    width: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Without a fraction, as all have none: `3.`
    Whole,
    /// With a fraction: `3.2500`
    Fixed,
    /// With an exponent: `3.2500e+00`
    Scientific,
}

impl Format {
    /// The format for these values, which decide by those that are finite and not zero.
    pub fn new(values: &[f64], options: &PrintOptions) -> Self {
        let telling: Vec<f64> = values.iter().copied().filter(|x| x.is_finite() && *x != 0.0).collect();
        let precision = options.precision;
        if telling.is_empty() {
            return Self { style: Style::Whole, precision, width: 1 };
        }
        let least = telling.iter().fold(f64::INFINITY, |least, x| least.min(x.abs()));
        let greatest = telling.iter().fold(0.0f64, |greatest, x| greatest.max(x.abs()));
        let spread = greatest / least > 1000.0 || greatest > 1.0e8 || least < 1.0e-4;
        let style = if options.scientific.unwrap_or(spread) {
            Style::Scientific
        } else if telling.iter().all(|x| x.fract() == 0.0) {
            Style::Whole
        } else {
            Style::Fixed
        };
        let mut format = Self { style, precision, width: 0 };
        format.width = telling.iter().map(|&x| format.bare(x).chars().count()).max().unwrap_or(1).max(1);
        format
    }

    /// The width of a column.
    pub fn width(&self) -> usize {
        self.width
    }

    /// A value, filled up with spaces on the left.
    pub fn write(&self, value: f64) -> String {
        format!("{:>width$}", self.bare(value), width = self.width)
    }

    fn bare(&self, value: f64) -> String {
        if value.is_nan() {
            return "nan".into();
        }
        if value.is_infinite() {
            return if value > 0.0 { "inf".into() } else { "-inf".into() };
        }
        match self.style {
            Style::Whole => format!("{value:.0}."),
            Style::Fixed => format!("{value:.precision$}", precision = self.precision),
            Style::Scientific => {
                let text = format!("{value:.precision$e}", precision = self.precision);
                let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let (sign, digits) = match exponent.strip_prefix('-') {
                    Some(digits) => ('-', digits),
                    None => ('+', exponent),
                };
                format!("{mantissa}e{sign}{digits:0>2}")
            }
        }
    }
}
