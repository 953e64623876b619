//! systemd's journal, as `journalctl -o export` and `-o json` write it.
//!
//! Both carry the same fields: when (`__REALTIME_TIMESTAMP`, microseconds), by whom
//! (`SYSLOG_IDENTIFIER`, `_COMM`, `_PID`, `_HOSTNAME`) and what (`MESSAGE`). The message goes to
//! the same table as those of syslog. In the export form a field with line breaks or other controls
//! is written as its name alone, then eight bytes of length, then that many bytes.

use serde_json::Value;

use super::lines::object::epoch;
use super::lines::reader::{Reader, Said};
use super::{About, Format, Line, Out, Parse, Settings, Sureness, Survey, SurveyState};
use crate::model::limits::LINE_BYTES_MAX;
use crate::model::{Position, Timestamp};

/// `journalctl -o export`.
pub struct JournaldExport;

/// `journalctl -o json`.
pub struct JournaldJson;

const SOURCE: &str = "https://systemd.io/JOURNAL_EXPORT_FORMATS/";

impl Format for JournaldExport {
    fn about(&self) -> &'static About {
        &About {
            id: "journald-export",
            reads: "systemd journal, journalctl -o export",
            misses: "fields other than time, host, program, process and message",
            source: SOURCE,
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        let first = head.iter().find(|line| !line.is_empty());
        let begins = [b"__CURSOR=".as_slice(), b"__REALTIME_TIMESTAMP="];
        match first.is_some_and(|line| begins.iter().any(|name| line.starts_with(name))) {
            true => Sureness::Certain,
            false => Sureness::No,
        }
    }

    fn survey(&self, line: Line<'_>, survey: &mut Survey, _state: &mut SurveyState) {
        let micros = line.bytes.strip_prefix(b"__REALTIME_TIMESTAMP=");
        let moment = micros.and_then(|micros| epoch(&String::from_utf8_lossy(micros)));
        survey.newest_dated = survey.newest_dated.max(moment);
    }

    fn start(&self, settings: Settings) -> Box<dyn Parse> {
        let reader = Reader::new(settings.import);
        Box::new(ExportParser { reader, entry: Entry::default(), binary: None })
    }
}

impl Format for JournaldJson {
    fn about(&self) -> &'static About {
        &About {
            id: "journald-json",
            reads: "systemd journal, journalctl -o json",
            misses: "fields other than time, host, program, process and message",
            source: SOURCE,
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        let first = head.iter().find(|line| !line.trim_ascii().is_empty());
        let is_entry = first.is_some_and(|line| {
            line.trim_ascii_start().starts_with(b"{")
                && memchr::memmem::find(line, b"\"__REALTIME_TIMESTAMP\"").is_some()
        });
        if is_entry { Sureness::Certain } else { Sureness::No }
    }

    fn survey(&self, line: Line<'_>, survey: &mut Survey, _state: &mut SurveyState) {
        if let Ok(object) = serde_json::from_slice::<Value>(line.bytes) {
            survey.newest_dated = survey.newest_dated.max(Entry::of(&object, 0).ts);
        }
    }

    fn start(&self, settings: Settings) -> Box<dyn Parse> {
        Box::new(JsonParser { reader: Reader::new(settings.import) })
    }
}

/// What is kept of an entry.
#[derive(Debug, Default)]
struct Entry {
    /// The line it begins on; 0 before it has begun.
    line: u64,
    ts: Option<Timestamp>,
    host: Option<String>,
    identifier: Option<String>,
    command: Option<String>,
    pid: Option<u32>,
    message: Option<String>,
}

impl Entry {
    fn of(object: &Value, line: u64) -> Self {
        let mut entry = Self { line, ..Self::default() };
        let fields = object.as_object().into_iter().flatten();
        for (name, value) in fields {
            match value {
                Value::String(text) => entry.put(name, text),
                // What is not UTF-8 comes as an array of bytes.
                Value::Array(bytes) => {
                    let byte = |byte: &Value| u8::try_from(byte.as_u64()?).ok();
                    let bytes: Vec<u8> = bytes.iter().filter_map(byte).collect();
                    entry.put(name, &String::from_utf8_lossy(&bytes));
                }
                _ => {}
            }
        }
        entry
    }

    fn put(&mut self, name: &str, text: &str) {
        match name {
            "__REALTIME_TIMESTAMP" => self.ts = epoch(text),
            "_HOSTNAME" => self.host = Some(text.to_owned()),
            "SYSLOG_IDENTIFIER" => self.identifier = Some(text.to_owned()),
            "_COMM" => self.command = Some(text.to_owned()),
            "_PID" => self.pid = text.parse().ok(),
            "MESSAGE" => self.message = Some(text.to_owned()),
            _ => {}
        }
    }

    fn tell(&self, reader: &mut Reader, out: &mut Out<'_>) {
        let Some(message) = &self.message else { return };
        let said = Said {
            ts: self.ts,
            line: self.line,
            host: self.host.as_deref(),
            program: self.identifier.as_deref().or(self.command.as_deref()).unwrap_or(""),
            pid: self.pid,
            lead: None,
            message,
            fields: None,
        };
        reader.take(said, out.record);
    }
}

struct JsonParser {
    reader: Reader,
}

impl Parse for JsonParser {
    fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        if line.bytes.trim_ascii().is_empty() {
            return;
        }
        match serde_json::from_slice::<Value>(line.bytes) {
            Ok(object @ Value::Object(_)) => {
                Entry::of(&object, line.number).tell(&mut self.reader, out);
            }
            _ => {
                let what = "no journal entry; one JSON object a line, as journalctl -o json writes";
                out.problems.push(Position::Line(line.number), what);
            }
        }
    }

    fn finish(&mut self, out: &mut Out<'_>) {
        self.reader.finish(out.record);
    }
}

/// A field that is being gathered: its name, and the length and value as far as they came.
struct Binary {
    name: String,
    bytes: Vec<u8>,
}

struct ExportParser {
    reader: Reader,
    entry: Entry,
    binary: Option<Binary>,
}

impl ExportParser {
    /// Takes a further line of a binary field; whether it was one.
    fn take_binary(&mut self, line: Line<'_>, out: &mut Out<'_>) -> bool {
        let Some(mut binary) = self.binary.take() else { return false };
        binary.bytes.extend_from_slice(line.bytes);
        // The line's end belongs to the value, or ends it.
        binary.bytes.push(b'\n');
        match binary.bytes.split_first_chunk::<8>() {
            None => self.binary = Some(binary),
            Some((length, value)) => {
                let length = u64::from_le_bytes(*length);
                match usize::try_from(length).ok().filter(|length| *length <= LINE_BYTES_MAX) {
                    None => out.problems.push(
                        Position::Line(line.number),
                        "a field of the journal claims more than 1 MiB; a length of eight bytes \
                         stands before its value",
                    ),
                    Some(length) if value.len() <= length => self.binary = Some(binary),
                    Some(length) => {
                        let text = String::from_utf8_lossy(value.get(..length).unwrap_or(value));
                        self.entry.put(&binary.name, &text);
                    }
                }
            }
        }
        true
    }
}

impl Parse for ExportParser {
    fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        if self.take_binary(line, out) {
            return;
        }
        if line.bytes.is_empty() {
            std::mem::take(&mut self.entry).tell(&mut self.reader, out);
            return;
        }
        if self.entry.line == 0 {
            self.entry.line = line.number;
        }
        let text = String::from_utf8_lossy(line.bytes);
        let is_name = |name: &str| {
            let is_part =
                |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
            (1..=64).contains(&name.len()) && name.bytes().all(is_part)
        };
        match text.split_once('=') {
            Some((name, value)) if is_name(name) => self.entry.put(name, value),
            None if is_name(&text) => {
                self.binary = Some(Binary { name: text.into_owned(), bytes: Vec::new() });
            }
            _ => out.problems.push(
                Position::Line(line.number),
                "no field of the journal; NAME=value, as journalctl -o export writes",
            ),
        }
    }

    fn finish(&mut self, out: &mut Out<'_>) {
        std::mem::take(&mut self.entry).tell(&mut self.reader, out);
        self.reader.finish(out.record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ImportId, Problems, Record};

    fn check(format: &dyn Format, data: &[u8], expected: &[&str], problems_expected: u64) {
        let settings = Settings {
            import: ImportId(0),
            utc_offset_minutes: 0,
            not_after: Timestamp::from_nanos(0),
            survey: Survey::default(),
        };
        let (mut records, mut problems) = (Vec::new(), Problems::new());
        let mut take = |record: Record| {
            records.push(format!(
                "{} :{} {} {} {}",
                record.ts.unwrap().to_short(),
                record.line.unwrap(),
                record.host.unwrap(),
                record.user.unwrap(),
                record.src.unwrap()
            ));
        };
        let mut out = Out { record: &mut take, listed: &mut |_, _| {}, problems: &mut problems };
        let mut parser = format.start(settings);
        let lines: Vec<&[u8]> = data.split(|&byte| byte == b'\n').collect();
        assert_eq!(format.detect(&lines), Sureness::Certain);
        for (number, bytes) in (1..).zip(&lines) {
            parser.line(Line { number, bytes }, &mut out);
        }
        parser.finish(&mut out);
        assert_eq!(
            (records.iter().map(String::as_str).collect::<Vec<_>>(), problems.total()),
            (expected.to_vec(), problems_expected)
        );
    }

    #[test]
    fn both_forms_of_an_entry() {
        let message = "Failed password for bob from 192.0.2.1 port 5 ssh2";
        let export = format!(
            "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1780629164000000\n_HOSTNAME=web\n\
             SYSLOG_IDENTIFIER=sshd\n_PID=7\nMESSAGE={message}\n\n\
             __REALTIME_TIMESTAMP=1780629165000000\n_HOSTNAME=web\n_COMM=sshd\nMESSAGE\n"
        );
        let mut export = export.into_bytes();
        // A value of ten bytes: its length looks like a line break.
        export.extend_from_slice(&10_u64.to_le_bytes());
        export.extend_from_slice(b"a\nb\nc\nd\ne\n\nx y\nSYSLOG_IDENTIFIER=sshd\n");
        export.extend_from_slice(format!("MESSAGE={message}\n").as_bytes());
        check(
            &JournaldExport,
            &export,
            &[
                "2026-06-05 03:12:44 :1 web bob 192.0.2.1",
                "2026-06-05 03:12:45 :8 web bob 192.0.2.1",
            ],
            1,
        );
        let bytes: Vec<String> = message.bytes().map(|byte| byte.to_string()).collect();
        let json = format!(
            "{{\"__REALTIME_TIMESTAMP\":\"1780629164000000\",\"_HOSTNAME\":\"web\",\
             \"SYSLOG_IDENTIFIER\":\"sshd\",\"MESSAGE\":[{}]}}\n[]\n",
            bytes.join(",")
        );
        check(&JournaldJson, json.as_bytes(), &["2026-06-05 03:12:44 :1 web bob 192.0.2.1"], 1);
    }

    #[test]
    fn a_length_that_lies_costs_its_entry_alone() {
        let mut export = b"__REALTIME_TIMESTAMP=1780629164000000\nMESSAGE\n".to_vec();
        export.extend_from_slice(&u64::MAX.to_le_bytes());
        export.extend_from_slice(b"x\n\n");
        check(&JournaldExport, &export, &[], 1);
    }
}
