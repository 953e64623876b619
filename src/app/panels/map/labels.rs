//! Names of towns: the largest first, and none over another or over a mark.

use std::sync::Arc;

use egui::{Align2, Pos2, Rect, Ui, Vec2, vec2};

use super::frame::Frame;
use crate::app::theme::{self, Palette};
use crate::engine::workbench::Town;

/// Names that are shown at once: more would be a gazetteer, not a map.
const LABELS_MAX: usize = 48;

/// Points between names, so that the ground stays quiet.
const BETWEEN: Vec2 = Vec2::new(14.0, 8.0);

/// A name where it is drawn.
#[derive(Clone, Debug, PartialEq)]
struct Label {
    /// The town's own place.
    dot: Pos2,
    /// The left of its name, in the middle of its height.
    text: Pos2,
    name: Arc<str>,
}

/// The names at one place and zoom.
#[derive(Default)]
pub(super) struct Labels {
    of: Option<(Frame, usize, usize)>,
    all: Vec<Label>,
}

/// How many inhabitants a town needs to be named: one that rules a continent, then a country, then
/// a county.
fn least_people(zoom: f64) -> u32 {
    match zoom {
        zoom if zoom < 2.0 => u32::MAX,
        zoom if zoom < 3.0 => 4_000_000,
        zoom if zoom < 4.0 => 1_500_000,
        zoom if zoom < 5.0 => 500_000,
        zoom if zoom < 6.0 => 150_000,
        zoom if zoom < 7.0 => 50_000,
        zoom if zoom < 8.0 => 15_000,
        _ => 0,
    }
}

/// Chooses names: towns come with the most inhabitants first, and each takes its room unless
/// something is there. `size` measures a name.
fn place(
    towns: &[Town],
    frame: &Frame,
    taken: &mut Vec<Rect>,
    size: &mut dyn FnMut(&Town) -> Vec2,
) -> Vec<Label> {
    let least = least_people(frame.zoom);
    let mut labels: Vec<Label> = Vec::new();
    for town in towns.iter().take_while(|town| town.population >= least) {
        for world in frame.worlds() {
            let dot = frame.at(town.unit.map(f64::from), f64::from(world));
            if !frame.rect.contains(dot) {
                continue;
            }
            let size = size(town);
            // Right of the dot, or left of it where there is no room.
            let right = Rect::from_min_size(dot + vec2(4.0, -size.y / 2.0), size);
            let left = right.translate(vec2(-size.x - 8.0, 0.0));
            let is_free = |room: &&Rect| {
                let with_dot = room.union(Rect::from_center_size(dot, vec2(4.0, 4.0)));
                frame.rect.contains_rect(with_dot)
                    && !taken.iter().any(|taken| taken.intersects(with_dot))
            };
            let Some(room) = [right, left].iter().find(is_free).copied() else { continue };
            taken.push(room.expand2(BETWEEN));
            labels.push(Label { dot, text: room.left_center(), name: Arc::clone(&town.name) });
            if labels.len() == LABELS_MAX {
                return labels;
            }
        }
    }
    labels
}

impl Labels {
    /// Draws the names where nothing else is; they are chosen anew when the map has moved.
    pub(super) fn draw(&mut self, ui: &Ui, frame: &Frame, towns: &[Town], mut taken: Vec<Rect>) {
        let palette = Palette::of(ui);
        let painter = ui.painter().with_clip_rect(frame.rect);
        let font = theme::text(theme::HEAD);
        let now = (*frame, towns.len(), taken.len());
        if self.of != Some(now) {
            let mut size = |town: &Town| {
                let name = town.name.to_string();
                painter.layout_no_wrap(name, font.clone(), palette.quiet).size()
            };
            self.all = place(towns, frame, &mut taken, &mut size);
            self.of = Some(now);
        }
        for label in &self.all {
            painter.circle_filled(label.dot, 1.5, palette.quiet);
            let name = &*label.name;
            painter.text(label.text, Align2::LEFT_CENTER, name, font.clone(), palette.quiet);
        }
    }
}

#[cfg(test)]
mod tests {
    use egui::pos2;

    use super::super::frame::MapState;
    use super::*;
    use crate::engine::workbench::mercator;

    fn town(name: &str, lat: f64, lon: f64, population: u32) -> Town {
        let unit = mercator(lat, lon).map(|part| part as f32);
        Town { name: name.into(), unit, population }
    }

    fn frame(lat: f64, lon: f64, zoom: f64) -> Frame {
        let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(800.0, 400.0));
        let mut map = MapState::default();
        map.settle(rect);
        let by = zoom - map.zoom;
        map.approach(mercator(lat, lon), by);
        map.settle(rect);
        Frame::new(rect, &map)
    }

    fn names(towns: &[Town], frame: &Frame, taken: &[Rect]) -> Vec<String> {
        let mut size = |town: &Town| vec2(town.name.len() as f32 * 7.0, 14.0);
        let labels = place(towns, frame, &mut taken.to_vec(), &mut size);
        labels.iter().map(|label| label.name.to_string()).collect()
    }

    fn netherlands() -> [Town; 4] {
        [
            town("Amsterdam", 52.37, 4.90, 740_000),
            town("Rotterdam", 51.92, 4.48, 600_000),
            town("Diemen", 52.34, 4.96, 24_000),
            town("Durgerdam", 52.38, 5.00, 400),
        ]
    }

    #[test]
    fn small_towns_are_named_when_one_goes_nearer() {
        let towns = netherlands();
        assert!(names(&towns, &frame(52.2, 4.8, 2.0), &[]).is_empty());
        assert_eq!(names(&towns, &frame(52.2, 4.8, 5.5), &[]), ["Amsterdam", "Rotterdam"]);
        assert_eq!(names(&towns, &frame(52.36, 4.95, 11.0), &[]).len(), 3);
    }

    #[test]
    fn no_name_lies_on_another_or_on_a_mark_and_the_larger_town_wins() {
        let towns = netherlands();
        let close = frame(52.36, 4.93, 7.2);
        assert_eq!(names(&towns, &close, &[])[0], "Amsterdam");
        assert!(!names(&towns, &close, &[]).contains(&"Diemen".to_owned()));
        let at = close.at(mercator(52.37, 4.90), 0.0);
        let mark = Rect::from_center_size(at, vec2(10.0, 10.0));
        assert!(!names(&towns, &close, &[mark]).contains(&"Amsterdam".to_owned()));
        let mut size = |town: &Town| vec2(town.name.len() as f32 * 7.0, 14.0);
        let many: Vec<Town> = (0..2_000)
            .map(|n| {
                town(
                    "Somewhere",
                    50.0 + f64::from(n % 50) / 25.0,
                    4.0 + f64::from(n) / 900.0,
                    9_000_000,
                )
            })
            .collect();
        let labels = place(&many, &frame(51.0, 5.0, 7.0), &mut Vec::new(), &mut size);
        assert!(labels.len() > 5 && labels.len() <= LABELS_MAX);
        for (number, a) in labels.iter().enumerate() {
            for b in &labels[number + 1..] {
                let room = |label: &Label| {
                    Rect::from_min_size(label.text - vec2(0.0, 7.0), vec2(63.0, 14.0))
                };
                assert!(!room(a).intersects(room(b)), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn a_town_at_the_date_line_is_named_in_the_world_in_sight() {
        let towns = [town("Suva", -18.14, 178.44, 9_000_000)];
        assert_eq!(names(&towns, &frame(-18.0, -179.0, 5.0), &[]), ["Suva"]);
    }
}
