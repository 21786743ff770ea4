//! Depthwise convolutions of all geometries against sums over every tap.

use super::super::tests::{Random, check, check_not_finite, same_bits};
use super::*;
use crate::Isa;

fn geometry(random: &mut Random, most: usize) -> Conv2d {
    let mut pair = |from: usize, to: usize| [from + random.next(to - from), from + random.next(to - from)];
    let (size, kernel, dilation, padding) = (pair(1, most), pair(1, 8), pair(1, 3), pair(0, 5));
    let stride = [1 + random.next(2); 2];
    let out = [0, 1].map(|a| Conv2d::out_size(size[a], kernel[a], stride[a], padding[a], dilation[a]));
    let groups = 1 + random.next(5);
    Conv2d {
        batch: random.next(4),
        in_channels: groups,
        out_channels: groups,
        groups,
        size,
        kernel,
        stride,
        padding,
        dilation,
        out,
    }
}

#[test]
fn every_geometry() {
    for isa in Isa::available() {
        let mut random = Random(11);
        for round in 0..60 {
            // Small ones, some of several vectors, some of several bands.
            let conv = geometry(&mut random, [12, 40, 150][round / 25]);
            if conv.out.contains(&0) {
                continue;
            }
            check::<f32>(isa, &conv, &mut random);
            check::<f64>(isa, &conv, &mut random);
            if conv.batch > 0 && random.next(3) == 0 {
                check_not_finite::<f32>(isa, &conv, &mut random);
            }
        }
    }
}

#[test]
fn the_same_bits_for_any_number_of_threads() {
    for (channels, size, kernel, stride) in [(70, 7, 3, 1), (40, 30, 5, 2), (130, 15, 3, 2)] {
        same_bits(Conv2d {
            batch: 3,
            in_channels: channels,
            out_channels: channels,
            groups: channels,
            size: [size; 2],
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [kernel / 2; 2],
            dilation: [1; 2],
            out: [size.div_ceil(stride); 2],
        });
    }
}
