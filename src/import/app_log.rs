//! Logs of applications: a date near the start of each line, and a message in words.
//!
//! Hundreds of programs write such lines, each in its own form. Those that say who failed to log in
//! are in the table of messages; of the others a line gives a record if it names an address.
//! Lines without a date (stack traces, continued messages) are counted as one problem.

use super::lines::messages::understand;
use super::lines::reader::{Reader, Said};
use super::lines::{envelope, most, years};
use super::{About, Assumed, Format, Line, Out, Parse, Settings, Sureness, Survey, SurveyState};
use crate::model::Position;

/// Dated lines of applications.
pub struct AppLog;

impl Format for AppLog {
    fn about(&self) -> &'static About {
        &About {
            id: "app-log",
            reads: "dated lines of applications: web error logs, databases, fail2ban, logins of \
                    many web applications",
            misses: "what no message of its table says, beyond the addresses it names",
            source: "each program's own; the forms in src/import/lines/auth_messages.rs",
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        let texts: Vec<_> = head.iter().map(|line| String::from_utf8_lossy(line)).collect();
        let is_known =
            |line: &str| read(line).is_some_and(|read| understand("", read.message).is_some());
        let is_line = |line: &[u8]| {
            let line = String::from_utf8_lossy(line);
            !line.starts_with('{') && read(&line).is_some()
        };
        if !most(head, is_line) {
            Sureness::No
        } else if texts.iter().any(|line| is_known(line)) {
            Sureness::Likely
        } else {
            Sureness::Fallback
        }
    }

    fn is_yearless(&self, head: &[&[u8]]) -> bool {
        head.iter().any(|line| {
            let text = String::from_utf8_lossy(line);
            let stamp = envelope::dated(&text).and_then(|envelope| envelope.stamp);
            stamp.is_some_and(|stamp| stamp.year.is_none())
        })
    }

    fn survey(&self, line: Line<'_>, survey: &mut Survey, _state: &mut SurveyState) {
        let text = String::from_utf8_lossy(line.bytes);
        if let Some(stamp) = envelope::dated(&text).and_then(|envelope| envelope.stamp) {
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

/// A line by its date; one without a date if the table of messages knows it.
fn read(line: &str) -> Option<envelope::Envelope<'_>> {
    envelope::dated(line).or_else(|| {
        let message = line.trim_ascii();
        understand("", message).map(|_| envelope::Envelope::bare(message))
    })
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
            let what = "no date; a date and a message make a line";
            return out.problems.tally(Position::Line(line.number), what);
        };
        let ts = envelope.stamp.and_then(|stamp| self.years.utc(stamp));
        let said = Said {
            ts,
            line: line.number,
            host: None,
            program: "",
            pid: None,
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
