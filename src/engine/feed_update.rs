//! Fetches feeds that a person added with an `https://` address, and says what is new in them
//! before anything is taken.
//!
//! A newer state is read like any feed and compared with the one that is kept. One that cannot be
//! read, that is mostly not understood, or that lost more than half of its entries is refused:
//! lists that were emptied by accident are commoner than hosts that all became harmless in one
//! night.

use std::collections::BTreeSet;

use super::feeds::{FeedBytes, FeedOptions, FeedRow, Review, Shelf, no_feed, review};
use super::progress::Monitor;
use crate::fetch::{Answer, Fetcher, Wanted, Watch};
use crate::intel::Intel;
use crate::intel::feed::{FeedKind, Said};
use crate::model::{AddrRange, Timestamp};

/// Entries from which on a loss of half of them is suspicious: short lists change by half.
const SHRINK_COUNTED_FROM: u64 = 20;

/// What a newer state of a feed brings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Entries before.
    pub before: u64,
    /// Entries now.
    pub after: u64,
    /// Ranges that are new.
    pub added: u64,
    /// Ranges that are gone.
    pub removed: u64,
}

/// What came of looking for a newer state.
#[derive(Clone, Debug)]
pub enum Newer {
    /// The one that is kept is the newest.
    Same,
    /// There is one, which can be taken.
    Offered(Box<Review>, Difference),
    /// There is one that should not be taken; the reason, and what it brings if it could be read.
    Refused(String, Option<Difference>),
    /// It could not be fetched.
    Failed(String),
}

/// Fetches an address once.
///
/// # Errors
/// A sentence: it is not fetched from there, the server cannot be reached, says no or too much.
pub fn fetch_feed(url: &str, monitor: &dyn Monitor) -> Result<FeedBytes, String> {
    match fetched(&Fetcher::default(), &Wanted { url, ..Wanted::default() }, monitor)? {
        Some(given) => Ok(given),
        None => Err("the server says that nothing is new, and was not asked".to_owned()),
    }
}

fn fetched(
    fetcher: &Fetcher,
    wanted: &Wanted<'_>,
    monitor: &dyn Monitor,
) -> Result<Option<FeedBytes>, String> {
    struct Heard<'a>(&'a dyn Monitor);
    impl Watch for Heard<'_> {
        fn goes_on(&mut self, _bytes: u64, _of: Option<u64>) -> bool {
            !self.0.is_cancelled()
        }
    }
    Ok(match fetcher.get(wanted, &mut Heard(monitor))? {
        Answer::Same => None,
        Answer::New(new) => Some(FeedBytes {
            source: wanted.url.to_owned(),
            bytes: new.bytes.into(),
            changed: new.changed,
            etag: new.etag,
            last_modified: new.last_modified,
        }),
    })
}

/// The feeds of these names that can be fetched; of no names, all that can.
///
/// # Errors
/// A sentence: there is no feed of a name, or it is from a file.
pub fn updatable(shelf: &Shelf, names: &[String]) -> Result<Vec<FeedRow>, String> {
    let rows = shelf.rows()?;
    if names.is_empty() {
        return Ok(rows.into_iter().filter(FeedRow::is_fetched).collect());
    }
    let find = |name: &String| {
        let row = rows.iter().find(|row| row.name == *name).ok_or_else(|| no_feed(name, &rows))?;
        match row.is_fetched() {
            true => Ok(row.clone()),
            false => Err(format!("{name} is from a file; add it again with --force")),
        }
    };
    names.iter().map(find).collect()
}

/// Looks whether there is a newer state of a feed. Nothing is kept by that.
pub fn look_for_newer(
    shelf: &Shelf,
    row: &FeedRow,
    intel: &Intel,
    now: Timestamp,
    monitor: &dyn Monitor,
) -> Newer {
    let wanted = Wanted {
        url: &row.source,
        etag: row.etag.as_deref(),
        last_modified: row.last_modified.as_deref(),
    };
    match fetched(&Fetcher::default(), &wanted, monitor) {
        Ok(None) => Newer::Same,
        Ok(Some(given)) => compare(shelf, row, given, intel, now),
        Err(why) => Newer::Failed(why),
    }
}

/// Compares fetched bytes with the feed that is kept.
fn compare(shelf: &Shelf, row: &FeedRow, given: FeedBytes, intel: &Intel, now: Timestamp) -> Newer {
    let options = FeedOptions {
        name: Some(row.name.clone()),
        kind: FeedKind::parse(&row.kind).ok(),
        format: Some(row.format.clone()),
        group: row.group.clone(),
        date: (row.dated_by.as_deref() == Some("given")).then_some(row.date).flatten(),
        half_life_days: row.half_life_days,
        licence: row.licence.clone(),
        sha256: row.sha256_wanted.clone(),
        map: row.map.clone(),
        categories: row.categories.clone(),
    };
    let new = match review(given, &options, intel, now) {
        Ok(new) => new,
        Err(why) => return Newer::Refused(why, None),
    };
    if new.row.sha256 == row.sha256 {
        return Newer::Same;
    }
    if let Some(refusal) = new.refusal() {
        return Newer::Refused(refusal, None);
    }
    // What was kept and cannot be read any more is replaced by whatever can.
    let before = shelf.content(row).and_then(|bytes| {
        let given = FeedBytes {
            source: row.source.clone(),
            bytes: bytes.into(),
            changed: None,
            etag: None,
            last_modified: None,
        };
        review(given, &FeedOptions { sha256: None, ..options }, intel, now)
    });
    let difference = before.map(|before| difference(&before, &new)).unwrap_or_default();
    let understood = new.row.entries_v4 + new.row.entries_v6;
    if new.row.not_understood > understood && new.row.not_understood > row.not_understood {
        let what = "more of it is not understood than is";
        return Newer::Refused(what.to_owned(), Some(difference));
    }
    if difference.before >= SHRINK_COUNTED_FROM && difference.after * 2 < difference.before {
        let what = "it lost more than half of its entries; if that is right, add it again with \
                    --force";
        return Newer::Refused(what.to_owned(), Some(difference));
    }
    Newer::Offered(Box::new(new), difference)
}

/// What two states of a feed have that the other has not.
fn difference(before: &Review, after: &Review) -> Difference {
    let ranges = |review: &Review| -> BTreeSet<(AddrRange, u8)> {
        let sort = |said: &Said<'_>| match said {
            Said::Listed { .. } => 0,
            Said::Place(_) => 1,
            Said::System(..) => 2,
        };
        review.feed().entries().map(|(range, said)| (range, sort(&said))).collect()
    };
    let (old, new) = (ranges(before), ranges(after));
    Difference {
        before: old.len() as u64,
        after: new.len() as u64,
        added: new.difference(&old).count() as u64,
        removed: old.difference(&new).count() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Existing;
    use super::*;

    const URL: &str = "https://feeds.example/bad.txt";

    fn given(text: &str) -> FeedBytes {
        FeedBytes {
            source: URL.to_owned(),
            bytes: text.as_bytes().into(),
            changed: None,
            etag: Some("\"1\"".to_owned()),
            last_modified: None,
        }
    }

    fn lines(count: u32) -> String {
        (0..count).map(|at| format!("192.0.2.{at}\n")).collect()
    }

    fn check(after: &str, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::at(folder.path());
        let (intel, now) = (Intel::default(), Timestamp::default());
        let options =
            FeedOptions { kind: FeedKind::parse("hostile").ok(), ..FeedOptions::default() };
        let first = review(given(&lines(40)), &options, &intel, now).unwrap();
        let row = shelf.keep(&first, Existing::Keep).unwrap();
        let said = match compare(&shelf, &row, given(after), &intel, now) {
            Newer::Same => "same".to_owned(),
            Newer::Offered(new, it) => {
                assert_eq!((new.row.kind.as_str(), new.row.name.as_str()), ("hostile", "bad"));
                format!("offered {} -> {}, +{} -{}", it.before, it.after, it.added, it.removed)
            }
            Newer::Refused(why, _) => format!("refused: {why}"),
            Newer::Failed(why) => why,
        };
        assert!(said.starts_with(expected), "{said}");
        assert_eq!(shelf.rows().unwrap(), [row], "nothing is taken by looking");
    }

    #[test]
    fn what_is_new_is_shown_and_what_is_suspicious_refused() {
        check(&lines(40), "same");
        check(&format!("{}198.51.100.1\n", lines(39)), "offered 40 -> 40, +1 -1");
        check(&lines(20), "offered 40 -> 20, +0 -20");
        check(&lines(19), "refused: it lost more than half");
        check("", "refused: ");
        check("<!DOCTYPE html>\n<html></html>\n", "refused: ");
        check(&format!("{}{}", lines(30), "x y\n".repeat(50)), "refused: more of it");
    }

    #[test]
    fn feeds_from_files_are_not_fetched() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::at(folder.path());
        let (intel, now) = (Intel::default(), Timestamp::default());
        for (name, source) in [("web", URL), ("file", "/lists/bad.txt")] {
            let options = FeedOptions { name: Some(name.to_owned()), ..FeedOptions::default() };
            let given = FeedBytes { source: source.to_owned(), ..given(&lines(3)) };
            let review = review(given, &options, &intel, now).unwrap();
            shelf.keep(&review, Existing::Keep).unwrap();
        }
        let names = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let rows = updatable(&shelf, &names)?;
            Ok::<_, String>(rows.into_iter().map(|row| row.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap(), ["web"]);
        assert!(names(&["file"]).unwrap_err().contains("from a file"));
        assert!(names(&["other"]).unwrap_err().contains("there are file web"));
    }
}
