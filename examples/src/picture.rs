//! Pictures of results: a curve as SVG, a grid of images as PNG.

use std::path::Path;

use image::{GrayImage, Luma};
use plotters::prelude::{ChartBuilder, IntoDrawingArea, LineSeries, SVGBackend, TRANSPARENT, WHITE};
use plotters::style::RGBColor;
use rustorch::serialize::write_atomically;

use crate::Result;

/// Draws the loss of every step, and its moving average, as an SVG file. The file replaces an older one only when it
/// is complete.
pub fn loss_curve(path: &Path, losses: &[f32]) -> Result<()> {
    let mut svg = String::new();
    draw_curve(&mut svg, losses)?;
    Ok(write_atomically(path, svg.as_bytes())?)
}

fn draw_curve(svg: &mut String, losses: &[f32]) -> Result<()> {
    let top = losses.iter().copied().filter(|loss| loss.is_finite()).fold(0.1, f32::max);
    let area = SVGBackend::with_string(svg, (800, 400)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("training loss", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(32)
        .y_label_area_size(48)
        .build_cartesian_2d(0..losses.len().max(1), 0f32..top)?;
    chart.configure_mesh().light_line_style(TRANSPARENT).x_desc("step").y_desc("cross-entropy").draw()?;
    let line = |values: Vec<f32>, color: RGBColor| LineSeries::new(values.into_iter().enumerate(), color);
    chart.draw_series(line(losses.to_vec(), RGBColor(190, 205, 230)))?;
    chart.draw_series(line(smooth(losses, 0.98), RGBColor(30, 70, 160)))?;
    area.present()?;
    Ok(())
}

/// The exponential moving average, corrected for its start.
fn smooth(values: &[f32], decay: f32) -> Vec<f32> {
    let (mut sum, mut weight) = (0.0, 0.0);
    values
        .iter()
        .map(|value| {
            sum = decay * sum + (1.0 - decay) * value;
            weight = decay * weight + (1.0 - decay);
            sum / weight
        })
        .collect()
}

/// Draws images of `size × size` values between 0 and 1 in rows of `columns`, as a PNG file, each four times enlarged.
pub fn image_grid(path: &Path, images: &[Vec<f32>], size: u32, columns: u32) -> Result<()> {
    const ZOOM: u32 = 4;
    const GAP: u32 = 6;
    let cell = size * ZOOM + GAP;
    let rows = (images.len() as u32).div_ceil(columns).max(1);
    let mut grid = GrayImage::from_pixel(columns * cell + GAP, rows * cell + GAP, Luma([255]));
    for (number, values) in (0u32..).zip(images) {
        let (left, top) = (number % columns * cell + GAP, number / columns * cell + GAP);
        for y in 0..size * ZOOM {
            for x in 0..size * ZOOM {
                let value = values[(y / ZOOM * size + x / ZOOM) as usize];
                grid.put_pixel(left + x, top + y, Luma([(value.clamp(0.0, 1.0) * 255.0) as u8]));
            }
        }
    }
    let mut png = std::io::Cursor::new(Vec::new());
    grid.write_to(&mut png, image::ImageFormat::Png)?;
    Ok(write_atomically(path, png.get_ref())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_drawn() -> Result<()> {
        let folder = std::env::temp_dir().join(format!("rustorch-pictures-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        loss_curve(&folder.join("loss.svg"), &[2.0, 1.0, 0.5, f32::NAN])?;
        image_grid(&folder.join("grid.png"), &vec![vec![0.5; 28 * 28]; 5], 28, 4)?;
        assert!(std::fs::read_to_string(folder.join("loss.svg"))?.contains("training loss"));
        let grid = image::open(folder.join("grid.png"))?.into_luma8();
        assert_eq!(grid.get_pixel(10, 10), &Luma([127]));
        Ok(std::fs::remove_dir_all(&folder)?)
    }
}
