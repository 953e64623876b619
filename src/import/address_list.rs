//! A list of addresses: one address, prefix or range a line.
//!
//! The smallest format to copy: [`detect`](Format::detect) looks at the first lines, `start` makes
//! a reader, the reader turns each line into a record, a prefix or a problem.

use super::fields::{Details, Val};
use super::list::{self, Reader};
use super::{About, Assumed, Format, Line, Listed, Out, Parse, Settings, Sureness};
use crate::model::query::{Query, find_all};
use crate::model::{ImportId, Record, RecordKind, Untrusted};

/// The format.
pub(super) struct AddressList;

impl Format for AddressList {
    fn about(&self) -> &'static About {
        &About {
            id: "address-list",
            reads: "Lists of addresses, prefixes and ranges, one a line, with comments and columns",
            misses: "names, which are not resolved",
            source: "what blocklist publishers do; forms in model::query",
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        let (mut entries, mut others, mut several) = (0_usize, 0_usize, 0_usize);
        for line in head {
            let Ok(text) = std::str::from_utf8(line) else { return Sureness::No };
            let text = text.trim_start_matches('\u{feff}').trim();
            if text.is_empty() || list::is_comment(text) {
                continue;
            }
            if list::begins_with_entry(text) {
                entries += 1;
                several += usize::from(find_all(text.as_bytes()).nth(1).is_some());
            } else {
                others += 1;
            }
        }
        // Addresses side by side are text: a list has one a line, and would lose the others.
        if several * 2 > entries {
            return Sureness::No;
        }
        // A heading, a few broken lines, and the last line may be cut.
        let allowed = 1 + entries / 5 + if entries > 0 { 3 } else { 0 };
        if entries > 0 && others <= allowed.min(entries) { Sureness::Likely } else { Sureness::No }
    }

    fn start(&self, settings: Settings) -> Box<dyn Parse> {
        Box::new(Lines { import: settings.import, reader: Reader::default() })
    }
}

struct Lines {
    import: ImportId,
    reader: Reader,
}

impl Parse for Lines {
    fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        let Some(entry) = self.reader.line(line.number, line.bytes, out.problems) else { return };
        let dated = entry.dated();
        match entry.query {
            Query::Prefix(prefix) => (out.listed)(Listed::Prefix(prefix), line.number),
            Query::Range(range) => (out.listed)(Listed::Range(range), line.number),
            Query::Addr { addr, port, zone } => {
                let mut record = Record::new(RecordKind::Other, self.import);
                (record.ts, record.line) = (dated, Some(line.number));
                (record.src, record.src_port) = (Some(addr), port);
                let mut details = Details::new();
                if let Some(zone) = zone {
                    details.put("zone", &Val::Text(zone.raw().into()));
                }
                if !entry.rest.is_empty() {
                    let rest = entry.rest.iter().map(|&text| Val::Text(text.into())).collect();
                    details.put("columns", &Val::List(rest));
                }
                if let Some(comment) = entry.comment {
                    details.put("comment", &Val::Text(comment.into()));
                }
                record.details = details.finish();
                (out.record)(record);
            }
        }
    }

    fn finish(&mut self, out: &mut Out<'_>) {
        self.reader.finish(out.problems);
    }

    fn assumed(&self) -> Assumed {
        let made = self.reader.made.map(|made| format!("the list says it was made {made}"));
        Assumed {
            notes: made.iter().map(|note| Untrusted::new(note)).collect(),
            ..Assumed::default()
        }
    }
}
