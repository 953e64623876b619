//! Free text: any line that names an address, a prefix or a range, in whatever form.
//!
//! The last resort: mails, chats, reports, logs of programs nobody knows. Each address of a line is
//! a record of its own with the line as its detail; the rules of what is an address are those of
//! [`find_all`](crate::model::query::find_all).

use std::collections::BTreeSet;

use super::when::{self, Zone};
use super::{About, Assumed, Format, Line, Listed, Out, Parse, Settings, Sureness, roles};
use crate::model::query::{Query, find_all};
use crate::model::{Addr, NO_ADDRESS, Position, Record, RecordKind, Untrusted};

/// Addresses taken from one line. A mail header names about ten, a pasted list hundreds.
pub(super) const LINE_ADDRS_MAX: usize = 1_024;

/// Bytes of the line kept as a detail of its records.
pub(super) const TEXT_BYTES_MAX: usize = 512;

/// The format.
pub(super) struct FreeText;

impl Format for FreeText {
    fn about(&self) -> &'static About {
        &About {
            id: "text",
            reads: "Any text: lines that name addresses, prefixes or ranges, also defanged ones",
            misses: "who did what to whom; times other than ISO 8601 at the start of a line",
            source: "forms and rules in model::query",
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        let bytes = head.iter().flat_map(|line| line.iter());
        let (mut all, mut odd) = (0_usize, 0_usize);
        for byte in bytes {
            all += 1;
            odd += usize::from(matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127));
        }
        // Terminal colours and a stray control character are still text.
        if all > 0 && odd * 50 <= all { Sureness::Fallback } else { Sureness::No }
    }

    fn start(&self, settings: Settings) -> Box<dyn Parse> {
        Box::new(Lines { settings, zone: Zone::default(), found: 0 })
    }
}

struct Lines {
    settings: Settings,
    zone: Zone,
    found: u64,
}

impl Parse for Lines {
    fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        let mut seen: BTreeSet<Addr> = BTreeSet::new();
        let mut shared = None;
        for found in find_all(line.bytes) {
            self.found += 1;
            match found.query {
                Query::Prefix(prefix) => (out.listed)(Listed::Prefix(prefix), line.number),
                Query::Range(range) => (out.listed)(Listed::Range(range), line.number),
                Query::Addr { addr, port, .. } if !seen.contains(&addr) => {
                    if seen.len() >= LINE_ADDRS_MAX {
                        let what = format!(
                            "more than {LINE_ADDRS_MAX} addresses on a line; the rest is not read"
                        );
                        out.problems.push(Position::Line(line.number), what);
                        return;
                    }
                    seen.insert(addr);
                    let base = shared.get_or_insert_with(|| {
                        self.zone.record(&self.settings, |settings| shared_record(line, settings))
                    });
                    let mut record = base.clone();
                    (record.src, record.src_port) = (Some(addr), port);
                    (out.record)(record);
                }
                Query::Addr { .. } => {}
            }
        }
    }

    fn finish(&mut self, out: &mut Out<'_>) {
        if self.found == 0 {
            out.problems.push(Position::Whole, NO_ADDRESS);
        }
    }

    fn assumed(&self) -> Assumed {
        Assumed { time_zone: self.zone.assumed(&self.settings), ..Assumed::default() }
    }
}

/// What all addresses of a line share.
fn shared_record(line: Line<'_>, settings: &Settings) -> Record {
    let mut record = Record::new(RecordKind::Other, settings.import);
    record.line = Some(line.number);
    let begins = line.bytes.trim_ascii_start();
    let begins = begins.strip_prefix(b"[").unwrap_or(begins);
    record.ts = when::leading(begins, settings.utc_offset_minutes).map(|(time, _)| time);
    let text = Untrusted::from_bytes(line.bytes);
    let text = text.raw().trim();
    if let Some(outcome) = roles::login(text) {
        (record.kind, record.outcome) = (RecordKind::Auth, Some(outcome));
    }
    let kept = text.get(..text.floor_char_boundary(TEXT_BYTES_MAX)).unwrap_or(text);
    record.details.insert("text".to_owned(), hide_secrets(kept).into());
    record
}

/// Blots out what follows `password=` and the like.
fn hide_secrets(text: &str) -> String {
    const WORDS: [&str; 5] = ["password", "passwd", "pwd", "secret", "token"];
    let lower = text.to_ascii_lowercase();
    let mut kept = String::with_capacity(text.len());
    let mut at = 0;
    let next = |from: usize| {
        let rest = lower.get(from..)?;
        let ends = WORDS.iter().filter_map(|word| rest.find(word).map(|at| at + word.len()));
        ends.min().map(|end| from + end)
    };
    while let Some(end) = next(at) {
        kept.push_str(text.get(at..end).unwrap_or_default());
        at = end;
        let rest = text.get(end..).unwrap_or_default();
        let gap = rest.bytes().take_while(|byte| b"\"' =:".contains(byte)).count();
        let value = rest.get(gap..).unwrap_or_default();
        let marked = rest.get(..gap).is_some_and(|gap| gap.contains(['=', ':']));
        if marked && !value.is_empty() {
            let len = value.find([' ', '"', '\'', '&', ',', ';']).unwrap_or(value.len());
            kept.push_str(rest.get(..gap).unwrap_or_default());
            kept.push_str("[secret]");
            at = end + gap + len;
        }
    }
    kept.push_str(text.get(at..).unwrap_or_default());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Problems;

    #[test]
    fn secrets_after_their_names_are_blotted() {
        for (text, kept) in [
            ("from 192.0.2.1 password=hunter2&x=1", "from 192.0.2.1 password=[secret]&x=1"),
            ("Password: \"a\" token='b'", "Password: \"[secret]\" token='[secret]'"),
            ("Failed password for root", "Failed password for root"),
            ("pwd", "pwd"),
            ("pwd=", "pwd="),
        ] {
            assert_eq!(hide_secrets(text), kept);
        }
    }

    #[test]
    fn a_line_at_the_limit_and_one_above() {
        for (count, problems) in [(LINE_ADDRS_MAX, 0), (LINE_ADDRS_MAX + 1, 1)] {
            let text: String =
                (0..count).map(|n| format!("198.51.{}.{} ", n / 256, n % 256)).collect();
            let (mut records, mut found) = (0, Problems::new());
            let mut record = |_| records += 1;
            let mut listed = |_, _| {};
            let mut out = Out { record: &mut record, listed: &mut listed, problems: &mut found };
            let line = Line { number: 1, bytes: text.as_bytes() };
            FreeText.start(Settings::default()).line(line, &mut out);
            assert_eq!((records, found.total()), (LINE_ADDRS_MAX, problems));
        }
    }
}
