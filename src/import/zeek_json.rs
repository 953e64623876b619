//! Zeek's logs as JSON, one object a line, as Zeek, Corelight and log pipelines write them.
//!
//! The log's path is `_path` or `@stream`, else it is told from fields that no other log has. Dots
//! or underscores in `id.orig_h`, times as numbers or ISO 8601.

use super::fields::{Fields, Val, get};
use super::json_lines::{ObjectLines, detect_objects};
use super::{About, Format, Parse, Settings, Sureness, zeek};
use crate::model::Record;

/// The format.
pub(super) struct ZeekJson;

impl Format for ZeekJson {
    fn about(&self) -> &'static About {
        &About {
            id: "zeek-json",
            reads: "Zeek logs as JSON, one object a line: any path, also in one mixed file",
            misses: "the path of a log that neither names it nor has fields of its own",
            source: "https://docs.zeek.org/en/master/log-formats.html",
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        detect_objects(head, is_zeek)
    }

    fn start(&self, settings: Settings) -> Box<dyn Parse> {
        ObjectLines::boxed(settings, record)
    }
}

/// Whether an object is a row of a Zeek log.
pub(super) fn is_zeek(fields: &Fields<'_>) -> bool {
    let has = |name: &str| get(fields, name).is_some();
    let named = has("_path") || has("@stream");
    let flow = has("id.orig_h") || has("id_orig_h");
    let timed = has("ts") || has("_write_ts");
    let sent_on = named || flow;
    (timed && (sent_on || !zeek::infer_path(fields).is_empty()))
        || (sent_on && (has("@timestamp") || named && flow))
}

/// One row as a record.
pub(super) fn record(fields: &Fields<'_>, settings: &Settings, line: u64) -> Record {
    let named = get(fields, "_path").or_else(|| get(fields, "@stream")).and_then(Val::text);
    zeek::record(named.unwrap_or_else(|| zeek::infer_path(fields)), fields, settings.import, line)
}
