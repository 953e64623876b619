//! The year that RFC 3164 lines leave out.
//!
//! A file is read as a walk forward in time. [`Walk`] follows the newest line: a line that lies
//! more than half a year before it, in the calendar, has stepped over New Year; one that lies
//! almost a year after it, at most [`STRAGGLER_DAYS`] before the same New Year, is a straggler of
//! the old year (parallel writers, relays) and moves nothing. Anything else is disorder inside one
//! year, which is harmless. The last stretch gets the latest year that puts the file's newest line
//! not after `not_after` and a 29 February into a leap year; earlier stretches get the years
//! before. So a silence of more than half a year that crosses New Year and ends later in the
//! calendar than it began is not seen, and a file sorted newest first must not cross New Year.

use super::time::{Stamp, is_leap};
use crate::import::{Assumed, Settings, Survey};
use crate::model::Timestamp;

/// A step back in the calendar by more than this is a New Year.
const NEW_YEAR_DAYS: i32 = 183;

/// How long before a New Year a line may be dated that is written after it.
const STRAGGLER_DAYS: i32 = 31;

/// Years tried at most for the newest line: leap days are up to eight years apart.
const YEARS_TRIED_MAX: i16 = 9;

/// (month, day, second of the day).
type Yearless = (u8, u8, u32);

/// Day of a leap year, from 1.
fn day_of_year((month, day, _): Yearless) -> i32 {
    const BEFORE: [u16; 12] = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335];
    let before = BEFORE.get(usize::from(month).saturating_sub(1)).copied().unwrap_or(0);
    i32::from(before) + i32::from(day)
}

/// What a line is to those before it.
enum Step {
    /// In the year of the newest line.
    Same,
    /// The first line of the next year.
    NewYear,
    /// A late line of the year before.
    Straggler,
}

fn step(newest: Yearless, line: Yearless) -> Step {
    let days = day_of_year(line) - day_of_year(newest);
    if days < -NEW_YEAR_DAYS {
        Step::NewYear
    } else if days > 366 - STRAGGLER_DAYS {
        Step::Straggler
    } else {
        Step::Same
    }
}

/// Takes a line's time into the survey of its file.
pub(in crate::import) fn survey(stamp: Stamp, offset_minutes: i32, survey: &mut Survey) {
    if let Some(year) = stamp.year {
        let dated = stamp.utc(year, offset_minutes);
        survey.newest_dated = survey.newest_dated.max(dated);
        return;
    }
    let line = stamp.yearless();
    match survey.newest_yearless.map(|newest| (newest, step(newest, line))) {
        Some((_, Step::Straggler)) => return,
        Some((_, Step::NewYear)) => {
            survey.new_years += 1;
            survey.newest_yearless = Some(line);
        }
        Some((newest, Step::Same)) => survey.newest_yearless = Some(newest.max(line)),
        None => survey.newest_yearless = Some(line),
    }
    if (line.0, line.1) == (2, 29) {
        survey.leap_day = Some(survey.new_years);
    }
}

/// Dates the lines of one file, in the order of the file.
pub(in crate::import) struct Years {
    settings: Settings,
    /// The year of the last stretch, once it is known.
    last_year: Option<i16>,
    newest: Option<Yearless>,
    new_years: u32,
    assumed_zone: bool,
    assumed_year: bool,
}

impl Years {
    /// Begins a file. Without a survey the first yearless line decides.
    pub(in crate::import) fn new(settings: Settings) -> Self {
        let last_year = settings.survey.newest_yearless.map(|newest| last_year(&settings, newest));
        Self {
            settings,
            last_year,
            newest: None,
            new_years: 0,
            assumed_zone: false,
            assumed_year: false,
        }
    }

    /// The moment of a line. `None`: 29 February where the year has none.
    pub(in crate::import) fn utc(&mut self, stamp: Stamp) -> Option<Timestamp> {
        self.assumed_zone |= stamp.offset_minutes.is_none();
        let year = stamp.year.unwrap_or_else(|| self.year(stamp.yearless()));
        stamp.utc(year, self.settings.utc_offset_minutes)
    }

    fn year(&mut self, line: Yearless) -> i16 {
        self.assumed_year = true;
        let mut back = 0;
        match self.newest.map(|newest| (newest, step(newest, line))) {
            Some((_, Step::Straggler)) => back = 1,
            Some((_, Step::NewYear)) => {
                self.new_years += 1;
                self.newest = Some(line);
            }
            Some((newest, Step::Same)) => self.newest = Some(newest.max(line)),
            None => self.newest = Some(line),
        }
        let settings = &self.settings;
        let last_year = *self.last_year.get_or_insert_with(|| last_year(settings, line));
        let before = i64::from(settings.survey.new_years) - i64::from(self.new_years) + back;
        i16::try_from(i64::from(last_year) - before).unwrap_or(last_year)
    }

    /// What was taken for granted so far.
    pub(in crate::import) fn assumed(&self) -> Assumed {
        let offset = self.settings.utc_offset_minutes;
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
        let zone = match offset {
            0 => "UTC".to_owned(),
            _ => format!("{sign}{hours:02}:{minutes:02}"),
        };
        Assumed {
            year: self.last_year.filter(|_| self.assumed_year),
            time_zone: self.assumed_zone.then_some(zone),
            notes: Vec::new(),
        }
    }
}

/// The latest year that puts `newest` not after `not_after` and the leap day where one can be.
fn last_year(settings: &Settings, newest: Yearless) -> i16 {
    let (month, day, secs) = newest;
    let stamp = Stamp { year: None, month, day, secs, nanos: 0, offset_minutes: None };
    // A zone east of UTC may already be in the next year.
    let first = settings.not_after.plus_days(1).date().0;
    let survey = &settings.survey;
    let leap_year_fits = |year: i16| {
        let Some(at) = survey.leap_day else { return true };
        let before = survey.new_years.saturating_sub(at);
        i16::try_from(before).is_ok_and(|before| is_leap(year.saturating_sub(before)))
    };
    (0..YEARS_TRIED_MAX)
        .map(|before| first.saturating_sub(before))
        .find(|&year| {
            let time = stamp.utc(year, settings.utc_offset_minutes);
            time.is_some_and(|time| time <= settings.not_after) && leap_year_fits(year)
        })
        // Out of reach only if `not_after` lies at the edge of time.
        .unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::import::lines::time;
    use crate::model::ImportId;

    fn settings(not_after: &str) -> Settings {
        Settings {
            import: ImportId(0),
            utc_offset_minutes: 0,
            not_after: not_after.parse().unwrap(),
            survey: Survey::default(),
        }
    }

    /// Surveys and dates a file of `Mon dd HH:MM:SS` lines.
    fn dated(lines: &[String], not_after: Timestamp, offset_minutes: i32) -> Vec<Option<String>> {
        let stamps: Vec<_> =
            lines.iter().map(|line| time::bsd(line.as_bytes()).unwrap().0).collect();
        let mut settings = settings("2020-01-01");
        (settings.not_after, settings.utc_offset_minutes) = (not_after, offset_minutes);
        for stamp in &stamps {
            survey(*stamp, offset_minutes, &mut settings.survey);
        }
        let mut years = Years::new(settings);
        stamps.iter().map(|stamp| years.utc(*stamp).map(Timestamp::to_short)).collect()
    }

    fn check(lines: &[&str], not_after: &str, expected: &[&str]) {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        let found: Vec<String> = dated(&lines, not_after.parse().unwrap(), 0)
            .into_iter()
            .map(|time| time.map_or("none".to_owned(), |time| time.replace(" 00:00:00", "")))
            .collect();
        assert_eq!(found, expected, "{lines:?} not after {not_after}");
    }

    #[test]
    fn years_by_hand() {
        const MAR: &str = "Mar 27 00:00:00";
        const DEC: &str = "Dec 31 00:00:00";
        const JAN: &str = "Jan  1 00:00:00";
        const LEAP: &str = "Feb 29 00:00:00";
        check(&[MAR], "2026-06-05", &["2026-03-27"]);
        check(&[MAR], "2026-03-27", &["2026-03-27"]);
        check(&[MAR], "2026-03-26T23:59:59Z", &["2025-03-27"]);
        check(&[DEC, JAN], "2026-06-05", &["2025-12-31", "2026-01-01"]);
        check(
            &[DEC, JAN, DEC, JAN],
            "2026-06-05",
            &["2025-12-31", "2026-01-01", "2025-12-31", "2026-01-01"],
        );
        check(&[JAN, DEC], "2026-06-05", &["2026-01-01", "2025-12-31"]);
        check(
            &[MAR, DEC, JAN, MAR, JAN],
            "2026-06-05",
            &["2025-03-27", "2025-12-31", "2026-01-01", "2026-03-27", "2026-01-01"],
        );
        check(&[LEAP], "2026-06-05", &["2024-02-29"]);
        check(&[LEAP, DEC, JAN], "2026-06-05", &["2024-02-29", "2024-12-31", "2025-01-01"]);
        // They contradict each other: the later one is believed, the other has no date.
        check(&[LEAP, DEC, LEAP], "2026-06-05", &["none", "2023-12-31", "2024-02-29"]);
    }

    proptest! {
        /// The slow oracle is the truth: lines are written with full dates, lose their year, and
        /// must get it back.
        #[test]
        fn a_lost_year_is_found_again(
            start in 946_684_800_i64..1_700_000_000,
            gaps in proptest::collection::vec(
                prop_oneof![0_i64..100_000, 0_i64..175 * 86_400], 1..40),
            late in proptest::collection::vec(0_i64..3 * 86_400, 40),
            slack in 0_i64..364 * 86_400,
            offset in -12_i32..=14,
        ) {
            let mut at = start;
            let mut truth = Vec::new();
            for (index, gap) in gaps.iter().enumerate() {
                at += gap;
                // Every third line is written late, but never before the first of the file.
                let delay = if index % 3 == 2 { late.get(index).copied().unwrap_or(0) } else { 0 };
                truth.push(Timestamp::from_secs_nanos((at - delay).max(start), 0));
            }
            let local = |time: &Timestamp| time.plus_nanos(i64::from(offset) * 3_600_000_000_000);
            let lines: Vec<String> = truth.iter().map(|time| {
                let text = local(time).to_short();
                let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
                    "Nov", "Dec"];
                let month: usize = text.get(5..7).unwrap().parse().unwrap();
                let day: u8 = text.get(8..10).unwrap().parse().unwrap();
                format!("{} {day:>2} {}", names[month - 1], text.get(11..).unwrap())
            }).collect();
            let newest = *truth.iter().max().unwrap();
            let not_after = newest.plus_nanos(slack * 1_000_000_000);
            let found = dated(&lines, not_after, offset * 60);
            let expected: Vec<_> = truth.iter().map(|time| Some(time.to_short())).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
