//! Detections on an axis of time: one lane for each detector.

use super::html::{Html, TEXT_CHARS_MAX};
use super::map::severity_word;
use crate::export::DetectionRow;
use crate::model::Timestamp;

/// Units of the drawing, and where its axis begins.
const WIDTH: f64 = 1000.0;
const LEFT: f64 = 180.0;
const RIGHT: f64 = 985.0;
const LANE: f64 = 22.0;

/// Lanes drawn; further detectors stand in the table alone.
const LANES_MAX: usize = 16;

/// Ticks of the axis.
const TICKS: u32 = 4;

const NANOS_PER_DAY: i64 = 86_400 * 1_000_000_000;

/// Draws those detections that have a time; nothing if none has.
pub(super) fn write(detections: &[DetectionRow], page: &mut Html) {
    let times = || detections.iter().flat_map(|row| [row.first_seen, row.last_seen]).flatten();
    let (Some(first), Some(last)) = (times().min(), times().max()) else { return };
    let axis = Axis { first, nanos: last.nanos_since(first).max(1) };
    let mut lanes: Vec<&str> = Vec::new();
    for row in detections.iter().filter(|row| row.first_seen.is_some()) {
        if !lanes.contains(&row.detector.as_str()) && lanes.len() < LANES_MAX {
            lanes.push(&row.detector);
        }
    }
    let bottom = LANE * lanes.len() as f64 + 8.0;
    page.markup("<div class=\"scroll\"><svg class=\"map wide\" role=\"img\" viewBox=\"0 0 ");
    page.number(WIDTH).markup(" ").number(bottom + 24.0);
    page.markup("\" aria-label=\"Detections by time\">");
    axis.ticks(bottom, page);
    for (lane, detector) in lanes.iter().enumerate() {
        let y = LANE * (lane as f64 + 0.5) + 4.0;
        page.markup("<text class=\"lane\" x=\"0\" y=\"").number(y + 4.0).markup("\">");
        page.text(detector).markup("</text>");
        for row in detections.iter().filter(|row| row.detector == *detector) {
            axis.span(row, y, page);
        }
    }
    page.markup("</svg></div>");
}

struct Axis {
    first: Timestamp,
    nanos: u64,
}

impl Axis {
    fn x(&self, time: Timestamp) -> f64 {
        LEFT + (RIGHT - LEFT) * time.nanos_since(self.first) as f64 / self.nanos as f64
    }

    fn ticks(&self, bottom: f64, page: &mut Html) {
        for tick in 0..=TICKS {
            let share = u128::from(self.nanos) * u128::from(tick) / u128::from(TICKS);
            let time = self.first.plus_nanos(i64::try_from(share).unwrap_or(i64::MAX));
            let x = self.x(time);
            page.markup("<path class=\"grid\" d=\"M").number(x).markup(" 0V").number(bottom);
            page.markup("\"/><text class=\"tick\" y=\"").number(bottom + 16.0);
            page.markup("\" x=\"").number(x).markup("\" text-anchor=\"");
            page.markup(match tick {
                0 => "start",
                TICKS => "end",
                _ => "middle",
            });
            page.markup("\">").text(self.label(time)).markup("</text>");
        }
    }

    /// The clock within two days, else the date; the first and last tick say both.
    fn label(&self, time: Timestamp) -> String {
        let text = time.to_short();
        let is_end = time == self.first || time.nanos_since(self.first) == self.nanos;
        let is_short = i64::try_from(self.nanos).is_ok_and(|nanos| nanos < 2 * NANOS_PER_DAY);
        let part = match (is_end, is_short) {
            (true, true) => Some(text.as_str()),
            (false, true) => text.get(11..),
            _ => text.get(..10),
        };
        part.unwrap_or_default().to_owned()
    }

    fn span(&self, row: &DetectionRow, y: f64, page: &mut Html) {
        let Some(from) = row.first_seen else { return };
        let to = row.last_seen.unwrap_or(from);
        let word = severity_word(row.severity);
        page.markup("<g class=\"").markup(word).markup("\"><title>").text(row.subject);
        let what: String = row.what.chars().take(TEXT_CHARS_MAX).collect();
        page.markup(": ").text(what).markup("</title><path class=\"span\" d=\"M");
        // A stretch of no length draws no round end in every browser: give it a hair.
        page.number(self.x(from)).markup(" ").number(y).markup("H");
        page.number((self.x(to)).max(self.x(from) + 0.1)).markup("\"/>");
        if row.succeeded == Some(true) {
            page.markup("<circle class=\"in\" r=\"5\" cx=\"").number(self.x(to));
            page.markup("\" cy=\"").number(y).markup("\"/>");
        }
        page.markup("</g>");
    }
}
