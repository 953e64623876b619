//! JSON, one object a line, of any program: addresses, times, users and outcomes are told by the
//! names of the fields, else by their content.
//!
//! Objects of Zeek, Suricata, Cowrie and CloudTrail are read as such wherever they come, so that
//! mixed files lose nothing.

use super::fields::{self, Fields};
use super::roles::{self, Names};
use super::when::Zone;
use super::zeek_json;
use super::{
    About, Assumed, Format, Line, Out, Parse, Settings, Sureness, cloudtrail, cowrie, eve,
};
use crate::model::{Position, Record};

/// Lines that are parsed to tell a format.
const DETECT_LINES: usize = 8;

/// The format.
pub(super) struct JsonLines;

impl Format for JsonLines {
    fn about(&self) -> &'static About {
        &About {
            id: "json-lines",
            reads: "JSON, one object a line, of any program: fields are told by name and content",
            misses: "meanings that neither a common field name nor a value shows",
            source: "https://jsonlines.org; names after ECS, CloudTrail and what servers write",
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        match detect_objects(head, |_| true) {
            Sureness::Certain => Sureness::Likely,
            _ => Sureness::No,
        }
    }

    fn start(&self, settings: Settings) -> Box<dyn Parse> {
        Box::new(AnyObjects::new(settings))
    }
}

/// Certain if the first lines are JSON objects and most of them are `ours`.
pub(super) fn detect_objects(head: &[&[u8]], ours: impl Fn(&Fields<'_>) -> bool) -> Sureness {
    let lines = head.iter().map(|line| line.trim_ascii()).filter(|line| !line.is_empty());
    let (mut seen, mut known) = (0_u32, 0_u32);
    for line in lines.take(DETECT_LINES) {
        let text = String::from_utf8_lossy(line);
        match fields::parse_object(&text) {
            Ok(fields) => known += u32::from(ours(&fields)),
            Err(_) if seen == 0 => return Sureness::No,
            Err(_) => {}
        }
        seen += 1;
    }
    if known > 0 && known * 2 >= seen { Sureness::Certain } else { Sureness::No }
}

/// Reads lines of one known kind of object.
pub(super) struct ObjectLines {
    settings: Settings,
    read: fn(&Fields<'_>, &Settings, u64) -> Record,
    zone: Zone,
}

impl ObjectLines {
    /// `read` turns an object into a record.
    pub(super) fn boxed(
        settings: Settings,
        read: fn(&Fields<'_>, &Settings, u64) -> Record,
    ) -> Box<dyn Parse> {
        Box::new(Self { settings, read, zone: Zone::default() })
    }
}

impl Parse for ObjectLines {
    fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        with_object(line, out, |fields, out| {
            let read = |settings: &Settings| (self.read)(fields, settings, line.number);
            (out.record)(self.zone.record(&self.settings, read));
        });
    }

    fn assumed(&self) -> Assumed {
        Assumed { time_zone: self.zone.assumed(&self.settings), ..Assumed::default() }
    }
}

fn with_object(line: Line<'_>, out: &mut Out<'_>, mut take: impl FnMut(&Fields<'_>, &mut Out<'_>)) {
    let text = String::from_utf8_lossy(line.bytes.trim_ascii());
    if text.is_empty() {
        return;
    }
    match fields::parse_object(&text) {
        Ok(fields) => take(&fields, out),
        Err(what) => out.problems.push(Position::Line(line.number), what),
    }
}

/// Reads lines of any objects.
pub(super) struct AnyObjects {
    settings: Settings,
    names: Names,
    zone: Zone,
}

impl AnyObjects {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, names: Names::default(), zone: Zone::default() }
    }
}

impl Parse for AnyObjects {
    fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        with_object(line, out, |fields, out| {
            let names = &mut self.names;
            let read = |settings: &Settings| any_record(fields, names, settings, line.number);
            (out.record)(self.zone.record(&self.settings, read));
        });
    }

    fn assumed(&self) -> Assumed {
        Assumed { time_zone: self.zone.assumed(&self.settings), ..Assumed::default() }
    }
}

/// An object of any kind as a record.
pub(super) fn any_record(
    fields: &Fields<'_>,
    names: &mut Names,
    settings: &Settings,
    line: u64,
) -> Record {
    if eve::is_eve(fields) {
        eve::record(fields, settings, line)
    } else if cowrie::is_cowrie(fields) {
        cowrie::record(fields, settings, line)
    } else if cloudtrail::is_cloudtrail(fields) {
        cloudtrail::record(fields, settings, line)
    } else if zeek_json::is_zeek(fields) {
        zeek_json::record(fields, settings, line)
    } else {
        roles::record(fields, None, names, settings, line)
    }
}
