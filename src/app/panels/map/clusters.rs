//! Hosts on the map: those that lie together on the screen are one mark with their number.
//!
//! Cells of the grid hang on the world, so that marks do not dance while the map is moved, and what
//! lies together depends on the zoom alone, in half steps: it is computed once for each (100,000
//! spots: some 20 ms) and kept a while; moving costs what is in sight.

use std::sync::Arc;

use egui::{Align2, Pos2, Rect, Ui, Vec2, vec2};
use hashbrown::HashMap;

use super::frame::Frame;
use crate::app::panels::View;
use crate::app::theme::{self, Palette};
use crate::app::widgets::band;
use crate::app::widgets::text::{counted, grouped};
use crate::engine::workbench::{Places, Selected, Snapshot, Verdict};

/// Points on the screen within which spots are drawn as one.
const CLUSTER: f64 = 40.0;

/// Half steps of zoom that are kept: one wheels in and out again over some of them.
const LEVELS_MAX: usize = 8;

/// Points between two marks at least: less, and one lies on the other.
const APART: f64 = 30.0;

/// Closer than this, a click does not go nearer: places are not known better.
const NEAR: f64 = 9.0;

/// Spots that lie together on the screen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cluster {
    /// Where its mark stands, in the unit square: the place of its largest spot.
    unit: [f64; 2],
    count: u64,
    spots: u32,
    worst: Verdict,
    /// The row of the host with the highest score.
    best: u32,
}

/// All clusters, at the zooms that were shown last.
#[derive(Default)]
pub(super) struct Clusters {
    of: Option<Arc<Places>>,
    /// Half steps of zoom, each with its clusters, the most alarming last, so that they are drawn
    /// on top.
    levels: Vec<(i32, Vec<Cluster>)>,
    /// The one that is shown.
    now: usize,
}

/// A cluster in sight.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) at: Pos2,
    /// Where its number is written: it has one, and there is room.
    number: Option<Rect>,
}

impl Clusters {
    /// Joins spots anew, if these are others or this half step of zoom was not shown lately.
    /// Between two steps marks only move apart, so none comes to lie on another.
    pub(super) fn follow(&mut self, places: &Arc<Places>, frame: &Frame) {
        if !self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, places)) {
            self.levels.clear();
            self.of = Some(Arc::clone(places));
        }
        let level = (frame.zoom * 2.0).floor() as i32;
        let known = self.levels.iter().position(|(known, _)| *known == level);
        self.now = known.unwrap_or_else(|| {
            if self.levels.len() == LEVELS_MAX {
                self.levels.remove(0);
            }
            let scale = 256.0 * (f64::from(level) / 2.0).exp2();
            self.levels.push((level, join(places, scale)));
            self.levels.len() - 1
        });
    }

    fn all(&self) -> &[Cluster] {
        self.levels.get(self.now).map_or(&[], |(_, clusters)| clusters)
    }

    /// Those in sight, in each world in sight.
    pub(super) fn seen<'a>(&'a self, frame: &Frame) -> Vec<Seen<'a>> {
        let near = frame.rect.expand(CLUSTER as f32);
        let mut seen = Vec::new();
        for cluster in self.all() {
            for world in frame.worlds() {
                let at = frame.at(cluster.unit, f64::from(world));
                if near.contains(at) {
                    seen.push(Seen { cluster, at, number: None });
                }
            }
        }
        place_numbers(&mut seen);
        seen
    }
}

/// Finds room for numbers: right of their mark, left, below or above. The most alarming come last
/// and lie on top, so theirs are written first.
fn place_numbers(seen: &mut [Seen<'_>]) {
    let mut taken: Vec<Rect> = seen.iter().map(Seen::disc).collect();
    for mark in seen.iter_mut().rev().filter(|mark| mark.cluster.count > 1) {
        let is_free = |room: &Rect| !taken.iter().any(|taken| taken.intersects(*room));
        mark.number = mark.rooms().into_iter().find(is_free);
        taken.extend(mark.number);
    }
}

fn join(places: &Places, scale: f64) -> Vec<Cluster> {
    let grid = scale / CLUSTER;
    let mut cells: HashMap<(i64, i64), Cluster> = HashMap::new();
    for spot in &places.spots {
        let Some(&best) = places.hosts(spot).first() else { continue };
        let unit = spot.unit.map(f64::from);
        let cell = ((unit[0] * grid).floor() as i64, (unit[1] * grid).floor() as i64);
        let count = u64::from(spot.count);
        let new = Cluster { unit, count, spots: 1, worst: spot.worst, best };
        let joined = cells.entry(cell);
        joined.and_modify(|known| known.join(&new)).or_insert_with(|| new.clone());
    }
    let mut clusters = part(cells.into_values().collect(), scale);
    clusters.sort_unstable_by_key(Cluster::rank);
    clusters
}

/// Joins what the lines of the grid have parted: marks that would lie on each other. The most
/// alarming keep their place.
fn part(mut clusters: Vec<Cluster>, scale: f64) -> Vec<Cluster> {
    clusters.sort_unstable_by_key(|cluster| std::cmp::Reverse(cluster.rank()));
    let cell = |unit: [f64; 2]| unit.map(|part| (part * scale / APART).floor() as i64);
    let mut kept: Vec<Cluster> = Vec::with_capacity(clusters.len());
    let mut cells: HashMap<[i64; 2], Vec<usize>> = HashMap::new();
    for cluster in clusters {
        let [x, y] = cell(cluster.unit);
        let around = (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| [x + dx, y + dy]));
        let mut near = around.filter_map(|cell| cells.get(&cell)).flatten().copied();
        let is_near = |&other: &usize| {
            let apart = |axis: usize| (kept[other].unit[axis] - cluster.unit[axis]) * scale;
            apart(0).hypot(apart(1)) < APART
        };
        match near.find(is_near) {
            Some(other) => kept[other].join(&cluster),
            None => {
                cells.entry([x, y]).or_default().push(kept.len());
                kept.push(cluster);
            }
        }
    }
    kept
}

impl Cluster {
    /// The most alarming, then the largest, then the best ranked last.
    fn rank(&self) -> (Verdict, u64, u32) {
        (self.worst, self.count, self.best)
    }

    /// Takes over the hosts of another; the place of the larger stands for both.
    fn join(&mut self, other: &Self) {
        if (other.worst, other.count) > (self.worst, self.count) {
            self.unit = other.unit;
        }
        self.count += other.count;
        self.spots += other.spots;
        self.worst = self.worst.max(other.worst);
        self.best = self.best.min(other.best);
    }
}

impl Seen<'_> {
    fn size(&self) -> f32 {
        4.0 + (self.cluster.count as f32).log10() * 2.5
    }

    /// The room that the mark takes.
    fn disc(&self) -> Rect {
        Rect::from_center_size(self.at, Vec2::splat(self.size() * 2.0))
    }

    /// Where its number could stand, the best place first.
    fn rooms(&self) -> [Rect; 4] {
        // Seven points a digit are enough for the small type.
        let size = vec2(grouped(self.cluster.count).len() as f32 * 7.0, 12.0);
        let (beside, below) = (self.size() + 3.0 + size.x / 2.0, self.size() + 3.0 + size.y / 2.0);
        [vec2(beside, 0.0), vec2(-beside, 0.0), vec2(0.0, below), vec2(0.0, -below)]
            .map(|off| Rect::from_center_size(self.at + off, size))
    }

    /// The room that both take, with air around them.
    pub(super) fn room(&self) -> Rect {
        let disc = self.disc().expand(2.0);
        self.number.map_or(disc, |number| disc.union(number))
    }
}

/// Draws the marks, with numbers.
pub(super) fn draw(ui: &Ui, rect: Rect, seen: &[Seen<'_>]) {
    let palette = Palette::of(ui);
    let painter = ui.painter().with_clip_rect(rect);
    for mark in seen {
        let radius = mark.size();
        // A ring of the ground, so that marks stand out on each other.
        painter.circle_filled(mark.at, radius + 2.0, palette.ground.gamma_multiply(0.7));
        band::mark(&painter, palette, mark.at, radius, mark.cluster.worst);
        if let Some(room) = mark.number {
            let text = grouped(mark.cluster.count);
            let font = theme::text(theme::HEAD);
            painter.text(room.center(), Align2::CENTER_CENTER, text, font, palette.text);
        }
    }
}

/// The mark under a point.
pub(super) fn nearest<'a>(seen: &[Seen<'a>], at: Pos2) -> Option<Seen<'a>> {
    let within = seen.iter().filter(|mark| mark.at.distance(at) < mark.size() + 6.0);
    within.min_by(|a, b| a.at.distance(at).total_cmp(&b.at.distance(at))).copied()
}

/// Says what a mark stands for.
pub(super) fn tooltip(ui: &Ui, snapshot: &Snapshot, cluster: &Cluster) {
    let hosts = &snapshot.hosts.all;
    let row = cluster.best as usize;
    let Some(key) = hosts.keys.get(row) else { return };
    let place = crate::app::panels::hosts::place(hosts, row);
    let text = match cluster.count {
        1 => format!("{}\n{place}\n{}", key.addr(), cluster.worst.as_str()),
        count => format!(
            "{} near {place}\nthe highest: {} ({})",
            counted(count, "host", "hosts"),
            key.addr(),
            cluster.worst.as_str()
        ),
    };
    egui::Tooltip::always_open(
        ui.ctx().clone(),
        ui.layer_id(),
        egui::Id::unique("map tooltip"),
        egui::PopupAnchor::Pointer,
    )
    .show(|ui| ui.label(text));
}

/// A click on one host selects it; on several, it goes nearer until they part.
pub(super) fn choose(view: &mut View<'_>, cluster: &Cluster) {
    let map = &mut view.memory.map;
    if cluster.spots > 1 && map.zoom < NEAR {
        map.approach(cluster.unit, 2.0);
    }
    let key = view.snapshot.hosts.all.keys.get(cluster.best as usize);
    if let Some(&key) = key {
        view.select(Selected::Host(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::workbench::{Spot, mercator};

    fn places(points: &[(f64, f64, u32, Verdict)]) -> Arc<Places> {
        let mut places = Places::default();
        for &(lat, lon, count, worst) in points {
            let first = places.rows.len() as u32;
            places.rows.extend(first..first + count);
            let unit = mercator(lat, lon).map(|part| part as f32);
            let (lat, lon) = (lat as f32, lon as f32);
            places.spots.push(Spot { lat, lon, unit, worst, count, first });
        }
        Arc::new(places)
    }

    #[test]
    fn what_lies_together_is_one_and_parts_when_one_goes_nearer() {
        let places = places(&[
            (52.37, 4.90, 3, Verdict::Low),
            (52.09, 5.12, 1, Verdict::Critical),
            (-33.87, 151.21, 2, Verdict::None),
        ]);
        let far = join(&places, 256.0);
        assert_eq!(far.len(), 2, "the Netherlands are one mark");
        assert_eq!((far[1].count, far[1].spots, far[1].worst), (4, 2, Verdict::Critical));
        let critical = mercator(52.09, 5.12);
        assert!((far[1].unit[0] - critical[0]).abs() < 1e-6, "the most alarming stands for all");
        assert_eq!(join(&places, 256.0 * 256.0).len(), 3);
    }

    #[test]
    fn they_are_joined_anew_only_when_zoom_or_hosts_change() {
        let places = places(&[(0.0, 179.9, 1, Verdict::High)]);
        let rect = Rect::from_min_size(Pos2::ZERO, vec2(600.0, 300.0));
        let mut map = super::super::frame::MapState::default();
        map.settle(rect);
        let frame = Frame::new(rect, &map);
        let mut clusters = Clusters::default();
        clusters.follow(&places, &frame);
        assert_eq!(clusters.all().len(), 1);
        clusters.levels[0].1.clear();
        clusters.follow(&places, &frame);
        assert!(clusters.all().is_empty(), "not again");
        for step in 0..20 {
            map.zoom_at(0.5, [0.0, 0.0]);
            clusters.follow(&places, &Frame::new(rect, &map));
            assert_eq!(clusters.all().len(), 1, "another zoom, {step}");
            assert!(clusters.levels.len() <= LEVELS_MAX);
        }
        clusters.follow(&Arc::new((*places).clone()), &frame);
        assert_eq!((clusters.all().len(), clusters.levels.len()), (1, 1), "others");
    }
}
