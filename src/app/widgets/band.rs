//! Bands as shapes: what colour alone would say is said by form, word and number.

use egui::{Painter, Pos2, Shape, Stroke, vec2};

use crate::app::theme::Palette;
use crate::engine::workbench::Verdict;

/// Draws the mark of a band: ◌ unknown, small dot none, ● low, ◇ medium, ◆ high, ▲ critical.
pub fn mark(painter: &Painter, palette: &Palette, at: Pos2, radius: f32, verdict: Verdict) {
    let colour = palette.band(verdict);
    let line = Stroke::new((radius * 0.3).max(1.2), colour);
    let diamond = || {
        [vec2(0.0, -1.2), vec2(1.2, 0.0), vec2(0.0, 1.2), vec2(-1.2, 0.0)]
            .map(|corner| at + corner * radius)
            .to_vec()
    };
    match verdict {
        Verdict::Unknown => {
            for dot in 0..8_u8 {
                let angle = std::f32::consts::TAU * f32::from(dot) / 8.0;
                let dot = at + vec2(angle.cos(), angle.sin()) * radius;
                painter.circle_filled(dot, (radius * 0.2).max(0.8), colour);
            }
        }
        Verdict::None => {
            painter.circle_filled(at, radius * 0.5, colour);
        }
        Verdict::Low => {
            painter.circle_filled(at, radius, colour);
        }
        Verdict::Medium => {
            painter.add(Shape::closed_line(diamond(), line));
        }
        Verdict::High => {
            painter.add(Shape::convex_polygon(diamond(), colour, Stroke::NONE));
        }
        Verdict::Critical => {
            let corners = [vec2(0.0, -1.2), vec2(1.15, 0.85), vec2(-1.15, 0.85)];
            let corners = corners.map(|corner| at + corner * radius).to_vec();
            painter.add(Shape::convex_polygon(corners, colour, Stroke::NONE));
        }
    }
}
