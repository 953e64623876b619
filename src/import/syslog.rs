//! Syslog files: logins, packet filters, mail and whatever else programs tell their system.
//!
//! Every line is read on its own by its envelope, so that a file may mix programs and machines:
//! RFC 3164 with or without priority, RFC 5424, rsyslog's ISO times. What a message means is in the
//! table of messages; one that is not there gives a record only if it names an address, and is
//! otherwise passed over in silence. A line without an envelope is a problem.
//!
//! Lines without a year are dated as INTERFACE.md says, see `lines/years.rs`. The one limit of it:
//! a silence of more than half a year over New Year, or a file sorted newest first.

use super::lines::reader::{Reader, Said};
use super::lines::{envelope, most, years};
use super::{About, Assumed, Format, Line, Out, Parse, Settings, Sureness, Survey, SurveyState};
use crate::model::Position;

/// Syslog in its written forms.
pub struct Syslog;

impl Format for Syslog {
    fn about(&self) -> &'static About {
        &About {
            id: "syslog",
            reads: "syslog: logins (sshd, sudo, PAM, mail, FTP …), iptables/nftables/ufw, mail, \
                DNS",
            misses: "messages of programs it does not know, unless they name an address",
            source: "RFC 3164, RFC 5424, rsyslog templates",
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        let is_syslog = |line: &[u8]| envelope::syslog(&String::from_utf8_lossy(line)).is_some();
        if most(head, is_syslog) { Sureness::Likely } else { Sureness::No }
    }

    fn is_yearless(&self, head: &[&[u8]]) -> bool {
        head.iter().any(|line| is_yearless(&String::from_utf8_lossy(line)))
    }

    fn survey(&self, line: Line<'_>, survey: &mut Survey, _state: &mut SurveyState) {
        let text = String::from_utf8_lossy(line.bytes);
        if let Some(stamp) = read(&text).and_then(|envelope| envelope.stamp) {
            years::survey(stamp, 0, survey);
        }
    }

    fn start(&self, settings: Settings) -> Box<dyn Parse> {
        Box::new(Parser {
            years: years::Years::new(settings),
            reader: Reader::new(settings.import),
        })
    }
}

/// A line by its syslog envelope, or else by its date.
fn read(line: &str) -> Option<envelope::Envelope<'_>> {
    envelope::syslog(line).or_else(|| envelope::dated(line))
}

fn is_yearless(line: &str) -> bool {
    read(line).and_then(|envelope| envelope.stamp).is_some_and(|stamp| stamp.year.is_none())
}

struct Parser {
    years: years::Years,
    reader: Reader,
}

impl Parse for Parser {
    fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        if line.bytes.trim_ascii().is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(line.bytes);
        let Some(envelope) = read(&text) else {
            let what = "no syslog line; a date, a host and a program begin it";
            return out.problems.push(Position::Line(line.number), what);
        };
        let ts = envelope.stamp.and_then(|stamp| self.years.utc(stamp));
        let said = Said {
            ts,
            line: line.number,
            host: envelope.host,
            program: envelope.program,
            pid: envelope.pid,
            lead: envelope.lead,
            message: envelope.message,
            fields: None,
        };
        self.reader.take(said, out.record);
    }

    fn finish(&mut self, out: &mut Out<'_>) {
        self.reader.finish(out.record);
    }

    fn assumed(&self) -> Assumed {
        self.years.assumed()
    }
}
