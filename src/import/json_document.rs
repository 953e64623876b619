//! JSON that is not one object a line: an array of objects, objects written over several lines, or
//! an envelope such as CloudTrail's `{"Records": […]}`.
//!
//! The text is cut into its objects by counting brackets, without ever holding more than one of
//! them, so that an export of gigabytes on one line is read like any other; each is read as
//! [`json_lines`](super::json_lines) would read it alone.

use super::fields::{self, Val};
use super::json_lines::any_record;
use super::roles::Names;
use super::when::Zone;
use super::{About, Assumed, Format, Line, Out, Parse, Settings, Sureness};
use crate::model::Position;

/// Bytes of one object. Alerts with packets have some 100 kB.
pub(super) const OBJECT_BYTES_MAX: usize = 1 << 20;

/// Keys of an envelope whose array holds the records.
const ENVELOPES: [&str; 14] = [
    "Records",
    "records",
    "events",
    "Events",
    "logs",
    "results",
    "data",
    "items",
    "alerts",
    "hits",
    "value",
    "entries",
    "rows",
    "detections",
];

/// The format.
pub(super) struct JsonDocument;

impl Format for JsonDocument {
    fn about(&self) -> &'static About {
        &About {
            id: "json-document",
            reads: "JSON arrays of any length, objects over several lines, CloudTrail's Records",
            misses: "records deeper than an array in an array",
            source: "RFC 8259",
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        let mut text = head.iter().flat_map(|line| line.iter().chain(b"\n")).copied();
        let mut next = || text.find(|byte| !byte.is_ascii_whitespace());
        match (next(), next()) {
            (Some(b'['), Some(b'{')) => Sureness::Certain,
            (Some(b'{'), Some(b'"')) if begins_envelope(head) => Sureness::Certain,
            (Some(b'{'), Some(b'"')) => Sureness::Fallback,
            _ => Sureness::No,
        }
    }

    fn takes_pieces(&self) -> bool {
        true
    }

    fn start(&self, settings: Settings) -> Box<dyn Parse> {
        let (names, cutter, zone) = (Names::default(), Cutter::default(), Zone::default());
        Box::new(Reader { settings, names, cutter, zone })
    }
}

/// Whether the first array of objects stands under a known key of the outermost object.
fn begins_envelope(head: &[&[u8]]) -> bool {
    let mut cutter = Cutter::default();
    let bytes = head.iter().flat_map(|line| line.iter().chain(b"\n")).copied();
    for byte in bytes.take(64 << 10) {
        if cutter.take(byte) == Cut::Object {
            return false;
        }
        if cutter.elements_at.is_some() {
            return true;
        }
    }
    false
}

/// Where a byte stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Text {
    #[default]
    Outside,
    Inside,
    /// After a backslash.
    Escaped,
}

/// Follows the brackets of a text, byte by byte.
#[derive(Debug, Default)]
struct Cutter {
    depth: usize,
    text: Text,
    /// The last finished text, if short: a key when `[` follows its colon.
    key: Vec<u8>,
    after_colon: bool,
    /// At which depth the records' objects begin, once an array of them is open.
    elements_at: Option<usize>,
    /// The object being collected and the depth at which it began.
    object: Vec<u8>,
    began_at: Option<usize>,
    too_long: bool,
}

/// What a byte completed.
#[derive(Debug, PartialEq, Eq)]
enum Cut {
    Nothing,
    /// An object began with this byte.
    Began,
    /// The object is complete.
    Object,
    /// It is complete and too long to have been kept.
    TooLong,
}

impl Cutter {
    fn take(&mut self, byte: u8) -> Cut {
        if self.began_at.is_some() {
            if self.object.len() < OBJECT_BYTES_MAX {
                self.object.push(byte);
            } else {
                self.too_long = true;
            }
        }
        if self.text != Text::Outside {
            self.take_text(byte);
            return Cut::Nothing;
        }
        match byte {
            b'"' => {
                self.text = Text::Inside;
                self.key.clear();
                Cut::Nothing
            }
            b'{' => self.open_object(),
            b'[' => {
                self.open_array();
                Cut::Nothing
            }
            b'}' | b']' => self.close(),
            b':' => {
                self.after_colon = true;
                Cut::Nothing
            }
            b' ' | b'\t' | b'\r' | b'\n' => Cut::Nothing,
            _ => {
                self.after_colon = false;
                Cut::Nothing
            }
        }
    }

    fn take_text(&mut self, byte: u8) {
        match byte {
            _ if self.text == Text::Escaped => self.text = Text::Inside,
            b'\\' => self.text = Text::Escaped,
            b'"' => {
                self.text = Text::Outside;
                self.after_colon = false;
            }
            _ if self.key.len() < 16 => self.key.push(byte),
            _ => {}
        }
    }

    fn open_object(&mut self) -> Cut {
        let begins = match self.elements_at {
            Some(at) => self.depth == at,
            None => self.depth == 0,
        };
        let began = begins && self.began_at.is_none();
        if began {
            self.began_at = Some(self.depth);
            self.object.clear();
            self.object.push(b'{');
            self.too_long = false;
        }
        self.depth += 1;
        self.after_colon = false;
        if began { Cut::Began } else { Cut::Nothing }
    }

    fn open_array(&mut self) {
        let outermost = self.depth == 0;
        // `hits.hits` of Elasticsearch is two deep.
        let envelope = self.after_colon
            && self.depth <= 2
            && ENVELOPES.iter().any(|key| key.as_bytes() == self.key);
        self.depth += 1;
        self.after_colon = false;
        if self.elements_at.is_none() && (outermost || envelope) {
            // What was collected so far was the envelope.
            self.elements_at = Some(self.depth);
            self.began_at = None;
        }
    }

    fn close(&mut self) -> Cut {
        self.depth = self.depth.saturating_sub(1);
        self.after_colon = false;
        if self.began_at == Some(self.depth) {
            self.began_at = None;
            return if self.too_long { Cut::TooLong } else { Cut::Object };
        }
        if self.elements_at.is_some_and(|at| self.depth < at) && self.depth == 0 {
            self.elements_at = None;
        }
        Cut::Nothing
    }
}

struct Reader {
    settings: Settings,
    names: Names,
    cutter: Cutter,
    zone: Zone,
}

impl Parse for Reader {
    fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        self.piece(line, out);
        self.piece(Line { bytes: b"\n", ..line }, out);
    }

    fn piece(&mut self, piece: Line<'_>, out: &mut Out<'_>) {
        for &byte in piece.bytes {
            match self.cutter.take(byte) {
                Cut::Nothing | Cut::Began => {}
                Cut::Object => self.object(piece.number, out),
                Cut::TooLong => {
                    let what =
                        format!("an object of more than {OBJECT_BYTES_MAX} bytes; it is left out");
                    out.problems.push(Position::Line(piece.number), what);
                }
            }
        }
    }

    fn finish(&mut self, out: &mut Out<'_>) {
        if self.cutter.depth > 0 {
            let what = "the JSON ends inside an object or array; the end is missing";
            out.problems.push(Position::Whole, what);
        }
    }

    fn assumed(&self) -> Assumed {
        Assumed { time_zone: self.zone.assumed(&self.settings), ..Assumed::default() }
    }
}

impl Reader {
    fn object(&mut self, line: u64, out: &mut Out<'_>) {
        let object = std::mem::take(&mut self.cutter.object);
        let text = String::from_utf8_lossy(&object);
        match fields::parse_object(&text) {
            Ok(fields) => {
                // Elasticsearch wraps each record.
                let inner = fields::get(&fields, "_source").and_then(Val::object);
                let fields = inner.unwrap_or(&fields);
                let names = &mut self.names;
                let read = |settings: &Settings| any_record(fields, names, settings, line);
                (out.record)(self.zone.record(&self.settings, read));
            }
            Err(what) => out.problems.push(Position::Line(line), what),
        }
        drop(text);
        // The buffer serves the next object.
        self.cutter.object = object;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str) -> Vec<String> {
        let mut cutter = Cutter::default();
        let mut found = Vec::new();
        for byte in text.bytes() {
            if cutter.take(byte) == Cut::Object {
                found.push(String::from_utf8(cutter.object.clone()).unwrap());
            }
        }
        found
    }

    #[test]
    fn objects_are_cut_at_their_brackets() {
        for (text, expected) in [
            (r#"[{"a":1},{"b":"}]"}]"#, &[r#"{"a":1}"#, r#"{"b":"}]"}"#][..]),
            (r#"{"a":{"b":[{}]}} {"c":1}"#, &[r#"{"a":{"b":[{}]}}"#, r#"{"c":1}"#]),
            (
                r#"{"Records":[{"a":"\"}"},{"b":[1]}],"x":{"y":1}}"#,
                &[r#"{"a":"\"}"}"#, r#"{"b":[1]}"#],
            ),
            (r#"{"hits":{"total":1,"hits":[{"_id":1}]}}"#, &[r#"{"_id":1}"#]),
            (r#"{"x":1,"records" : [ {"a":1} ]}"#, &[r#"{"a":1}"#]),
            ("]]]}}}{", &[]),
        ] {
            assert_eq!(objects(text), expected, "{text}");
        }
    }

    #[test]
    fn an_object_at_the_limit_and_one_above() {
        let frame = r#"{"a":""}"#.len();
        for (bytes, kept) in [(OBJECT_BYTES_MAX, 1), (OBJECT_BYTES_MAX + 1, 0)] {
            let text = format!(r#"[{{"a":"{}"}}]"#, "x".repeat(bytes - frame));
            assert_eq!(objects(&text).len(), kept);
        }
    }
}
