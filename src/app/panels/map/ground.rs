//! The ground of the map: land, water, borders.

use egui::epaint::{Mesh, PathShape, Vertex, WHITE_UV};
use egui::{Pos2, Shape, Stroke, Ui};

use super::frame::Frame;
use crate::app::theme::Palette;
use crate::engine::workbench::{DataState, Level, Snapshot};

/// From this zoom on, the finer shapes are drawn.
const FINE_FROM: f64 = 2.6;

/// Draws land over water.
pub(super) fn draw(ui: &Ui, snapshot: &Snapshot, frame: &Frame) {
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(frame.rect);
    painter.rect_filled(frame.rect, 0.0, palette.water);
    let DataState::Ready(data) = &snapshot.data else { return };
    let level = if frame.zoom < FINE_FROM { &data.shapes.coarse } else { &data.shapes.fine };
    for world in frame.worlds() {
        let world = f64::from(world);
        draw_level(&painter, frame, level, world, palette);
    }
}

fn draw_level(
    painter: &egui::Painter,
    frame: &Frame,
    level: &Level,
    world: f64,
    palette: &Palette,
) {
    let coast = Stroke::new(0.8, palette.border);
    for (areas, colour) in [(&level.land, palette.land), (&level.water, palette.water)] {
        for area in areas.iter().filter(|area| frame.sees(&area.outline, world)) {
            let points: Vec<Pos2> =
                area.outline.points.iter().map(|&point| frame.point(point, world)).collect();
            let vertices = points.iter().map(|&pos| Vertex { pos, uv: WHITE_UV, color: colour });
            let mesh = Mesh {
                indices: area.triangles.clone(),
                vertices: vertices.collect(),
                ..Mesh::default()
            };
            painter.add(Shape::mesh(mesh));
            painter.add(Shape::Path(PathShape::closed_line(points, coast)));
        }
    }
    let border = Stroke::new(0.5, palette.border);
    for way in level.borders.iter().filter(|way| frame.sees(way, world)) {
        let points = way.points.iter().map(|&point| frame.point(point, world)).collect();
        painter.add(Shape::Path(PathShape::line(points, border)));
    }
}
