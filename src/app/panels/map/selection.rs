//! The selected host on the map: its ring, all places that were claimed, and ways to its peers.

use egui::{Align2, Painter, Pos2, Rect, Shape, Stroke, Ui, vec2};

use super::frame::Frame;
use crate::app::theme::{self, Palette};
use crate::engine::workbench::{Selection, Snapshot, mercator};

/// Kilometres around the equator.
pub(super) const EQUATOR_KM: f64 = 40_075.017;

/// Parts of a way: fine enough to look round across half the globe.
const STEPS: u8 = 32;

/// Draws it, in each world in sight; numbers only where nothing else is written.
pub(super) fn draw(ui: &Ui, snapshot: &Snapshot, frame: &Frame, taken: Vec<Rect>) {
    let Some(selection) = &snapshot.selection else { return };
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(frame.rect);
    draw_candidates(&painter, palette, selection, frame, taken);
    let hosts = &snapshot.hosts.all;
    let of_row = |row: u32| {
        let [lat, lon] = *hosts.point.get(row as usize)?;
        (!lat.is_nan()).then_some((f64::from(lat), f64::from(lon)))
    };
    let faint = Stroke::new(1.0, palette.accent.gamma_multiply(0.8));
    let peers = selection.peers.iter().filter_map(|peer| of_row(peer.row?));
    let Some((lat, lon, radius_km)) = point(selection) else {
        // Of a host that is nowhere, those it met are marked.
        for (lat, lon) in peers {
            for world in frame.worlds() {
                let at = frame.at(mercator(lat, lon), f64::from(world));
                painter.circle_stroke(at, 9.0, faint);
            }
        }
        return;
    };
    for peer in peers {
        draw_line(&painter, frame, &way((lat, lon), peer), faint);
    }
    if let Some(radius_km) = radius_km {
        let ring = Stroke::new(1.5, palette.accent);
        draw_line(&painter, frame, &ring_around(lat, lon, radius_km), ring);
    }
    for world in frame.worlds() {
        let at = frame.at(mercator(lat, lon), f64::from(world));
        painter.circle_stroke(at, 9.0, Stroke::new(2.0, palette.accent));
    }
}

/// Where the selected host is most likely, and the radius that holds it with 90 %.
fn point(selection: &Selection) -> Option<(f64, f64, Option<f64>)> {
    let place = selection.host.as_ref()?.place.as_ref()?;
    Some((place.lat?, place.lon?, place.radius_km))
}

/// Every place that a source claims: the larger, the more of the belief it has.
fn draw_candidates(
    painter: &Painter,
    palette: &Palette,
    selection: &Selection,
    frame: &Frame,
    mut taken: Vec<Rect>,
) {
    let place = selection.host.as_ref().and_then(|host| host.place.as_ref());
    let candidates = place.map(|place| &place.candidates[..]).unwrap_or_default();
    // The likeliest come first: a number that would lie over another is left out.
    for candidate in candidates {
        let (Some(lat), Some(lon)) = (candidate.lat, candidate.lon) else { continue };
        let radius = 3.0 + 9.0 * (candidate.weight.clamp(0.0, 1.0) as f32).sqrt();
        for world in frame.worlds() {
            let at = frame.at(mercator(lat, lon), f64::from(world));
            painter.circle(
                at,
                radius,
                palette.accent.gamma_multiply(0.15),
                Stroke::new(1.0, palette.accent),
            );
            if candidates.len() > 1 {
                let text = format!("{:.0} %", candidate.weight * 100.0);
                let font = theme::text(theme::HEAD);
                let number = painter.layout_no_wrap(text, font, palette.text);
                let at = at + vec2(0.0, radius + 1.0);
                let room = Align2::CENTER_TOP.anchor_size(at, number.size());
                if !taken.iter().any(|other| other.intersects(room)) {
                    taken.push(room);
                    painter.galley(room.min, number, palette.text);
                }
            }
        }
    }
}

/// Draws a line of the unit square, which may go beyond its edge, wherever it is in sight.
fn draw_line(painter: &Painter, frame: &Frame, line: &[[f64; 2]], stroke: Stroke) {
    let worlds = frame.worlds();
    // A line that crosses the edge begins in one world and ends in the next.
    for world in worlds.start() - 1..=worlds.end() + 1 {
        let points: Vec<Pos2> = line.iter().map(|&at| frame.at(at, f64::from(world))).collect();
        if Rect::from_points(&points).intersects(frame.rect) {
            painter.add(Shape::line(points, stroke));
        }
    }
}

/// Keeps longitudes together: no step of a line is longer than half the world.
struct Unwrapped(Option<f64>);

impl Unwrapped {
    fn at(&mut self, lat: f64, lon: f64) -> [f64; 2] {
        let [x, y] = mercator(lat, lon);
        let x = match self.0 {
            None => x,
            Some(last) => last + (x - last + 0.5).rem_euclid(1.0) - 0.5,
        };
        self.0 = Some(x);
        [x, y]
    }
}

/// The shortest way over the globe, as a line in the unit square (great circle, by spherical linear
/// interpolation). Across ±180° it goes on beyond the square's edge.
fn way(from: (f64, f64), to: (f64, f64)) -> Vec<[f64; 2]> {
    let vector = |(lat, lon): (f64, f64)| {
        let (lat, lon) = (lat.to_radians(), lon.to_radians());
        [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
    };
    let (a, b) = (vector(from), vector(to));
    let cos: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
    let angle = cos.clamp(-1.0, 1.0).acos();
    let mut line = Unwrapped(None);
    // At one place, or exactly opposite, there is no one way.
    if angle.sin().abs() < 1e-9 {
        return vec![line.at(from.0, from.1), line.at(to.0, to.1)];
    }
    (0..=STEPS)
        .map(|step| {
            let part = f64::from(step) / f64::from(STEPS);
            let (u, v) = (((1.0 - part) * angle).sin(), (part * angle).sin());
            let [x, y, z] = [0, 1, 2].map(|axis: usize| (a[axis] * u + b[axis] * v) / angle.sin());
            line.at(z.clamp(-1.0, 1.0).asin().to_degrees(), y.atan2(x).to_degrees())
        })
        .collect()
}

/// Points at a distance on the globe, by the direct formula on a sphere: on this map a circle is
/// not one, least of all near the poles. Around a pole it is a line across the world.
fn ring_around(lat: f64, lon: f64, radius_km: f64) -> Vec<[f64; 2]> {
    let (phi, distance) = (lat.to_radians(), radius_km / (EQUATOR_KM / std::f64::consts::TAU));
    let mut line = Unwrapped(Some(mercator(lat, lon)[0]));
    (0..=180_u16)
        .map(|step| {
            let bearing = f64::from(step) / 180.0 * std::f64::consts::TAU;
            let sin = phi.sin() * distance.cos() + phi.cos() * distance.sin() * bearing.cos();
            let to = sin.clamp(-1.0, 1.0).asin();
            let east = (bearing.sin() * distance.sin() * phi.cos())
                .atan2(distance.cos() - phi.sin() * sin);
            line.at(to.to_degrees(), lon + east.to_degrees())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widest(line: &[[f64; 2]]) -> f64 {
        line.windows(2).map(|ends| (ends[0][0] - ends[1][0]).abs()).fold(0.0, f64::max)
    }

    fn near(a: [f64; 2], b: [f64; 2]) -> bool {
        (a[0] - b[0]).abs() + (a[1] - b[1]).abs() < 1e-6
    }

    #[test]
    fn a_way_takes_the_short_side_of_the_globe() {
        // Tokyo to Los Angeles: east across the date line, north of both.
        let line = way((35.7, 139.7), (34.1, -118.2));
        let (first, last) = (line[0], line[line.len() - 1]);
        assert!(near(first, mercator(35.7, 139.7)));
        assert!(near(last, [mercator(34.1, -118.2)[0] + 1.0, mercator(34.1, -118.2)[1]]));
        assert!(widest(&line) < 0.06, "no line across the map");
        let north = line.iter().map(|at| at[1]).fold(1.0, f64::min);
        assert!(north < mercator(45.0, 0.0)[1], "it bows towards the pole");
    }

    #[test]
    fn a_way_to_where_one_is_or_opposite_is_a_line() {
        assert_eq!(way((10.0, 20.0), (10.0, 20.0)).len(), 2);
        assert_eq!(way((0.0, 0.0), (0.0, 180.0)).len(), 2);
        for at in way((0.0, 0.0), (0.0, 90.0)) {
            assert!((at[1] - 0.5).abs() < 1e-9, "along the equator");
        }
    }

    #[test]
    fn a_ring_goes_on_beyond_the_edge_and_around_a_pole() {
        let ring = ring_around(10.0, 179.0, 500.0);
        assert!(widest(&ring) < 0.01);
        assert!(near(ring[0], ring[180]), "closed");
        assert!(ring.iter().any(|at| at[0] > 1.0), "it crosses the edge");
        let polar = ring_around(85.0, 0.0, 2_000.0);
        assert!(widest(&polar) < 0.2);
        assert!((polar[0][0] - polar[180][0]).abs() > 0.9, "it goes round the world");
    }
}
