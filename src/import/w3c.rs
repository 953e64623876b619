//! The W3C extended log format: Microsoft IIS, CloudFront, and others that name their columns.
//!
//! `#Fields:` names the columns of the lines below it, and may come again with others. Columns are
//! parted by spaces or tabs; a text in quotes may hold spaces; `-` is nothing, `+` in IIS's agents
//! is a space. Times are in UTC, as the format demands; IIS writes date and time apart.

use super::lines::{request, time, years};
use super::{About, Assumed, Format, Line, Out, Parse, Settings, Sureness, Survey, SurveyState};
use crate::model::{ImportId, Position, Record, RecordKind, Untrusted};

/// Columns of a line at most; CloudFront has 33.
const COLUMNS_MAX: usize = 128;

/// Web access logs with a `#Fields:` line.
pub struct W3c;

impl Format for W3c {
    fn about(&self) -> &'static About {
        &About {
            id: "w3c",
            reads: "W3C extended logs: Microsoft IIS, CloudFront",
            misses: "columns it has no use for; lines before any #Fields:",
            source: "https://www.w3.org/TR/WD-logfile.html",
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        let fields = head.iter().take_while(|line| line.starts_with(b"#"));
        let names_client = |line: &[u8]| {
            line.starts_with(b"#Fields:") && memchr::memmem::find(line, b"c-ip").is_some()
        };
        match fields.into_iter().any(|line| names_client(line)) {
            true => Sureness::Certain,
            false => Sureness::No,
        }
    }

    fn survey(&self, line: Line<'_>, survey: &mut Survey, _state: &mut SurveyState) {
        // Date and time are the first columns in all writers we know.
        let text = String::from_utf8_lossy(line.bytes).replacen('\t', " ", 1);
        if let Some((stamp, _)) = time::iso(text.as_bytes()) {
            years::survey(stamp, 0, survey);
        }
    }

    fn start(&self, settings: Settings) -> Box<dyn Parse> {
        Box::new(Parser { columns: Vec::new(), import: settings.import })
    }
}

struct Parser {
    /// The names of the columns, in lower case.
    columns: Vec<String>,
    import: ImportId,
}

impl Parse for Parser {
    fn line(&mut self, line: Line<'_>, out: &mut Out<'_>) {
        let text = String::from_utf8_lossy(line.bytes);
        let text = text.trim_ascii_end();
        if let Some(names) = text.strip_prefix("#Fields:") {
            let names = names.split_ascii_whitespace().take(COLUMNS_MAX);
            self.columns = names.map(str::to_ascii_lowercase).collect();
            return;
        }
        if text.is_empty() || text.starts_with('#') {
            return;
        }
        let values = values(text);
        if values.len() != self.columns.len() {
            let what = format!(
                "{} columns; #Fields: names {}, and each line must have as many",
                values.len(),
                self.columns.len()
            );
            return out.problems.push(Position::Line(line.number), what);
        }
        let mut record = self.record(&values);
        record.line = Some(line.number);
        (out.record)(record);
    }

    fn assumed(&self) -> Assumed {
        Assumed::default()
    }
}

/// The columns of a line; a quoted one may hold spaces.
fn values(line: &str) -> Vec<&str> {
    let mut values = Vec::new();
    let mut rest = line;
    while !rest.is_empty() && values.len() <= COLUMNS_MAX {
        let (value, following) = match rest.strip_prefix('"').and_then(|text| text.split_once('"'))
        {
            Some((value, after)) => (value, after.trim_start_matches([' ', '\t'])),
            None => rest.split_once([' ', '\t']).unwrap_or((rest, "")),
        };
        values.push(value);
        rest = following;
    }
    values
}

impl Parser {
    fn record(&self, values: &[&str]) -> Record {
        let mut record = Record::new(RecordKind::Http, self.import);
        record.service = Some(Untrusted::new("http"));
        let (mut date, mut clock, mut stem, mut query) = ("", "", None, None);
        for (name, &value) in self.columns.iter().zip(values) {
            let text = || Untrusted::unless_blank(value);
            match name.as_str() {
                "date" => date = value,
                "time" => clock = value,
                "c-ip" => record.src = value.parse().ok(),
                "c-port" => record.src_port = value.parse().ok(),
                "s-ip" => record.dst = value.parse().ok(),
                "s-port" => record.dst_port = value.parse().ok(),
                "cs-username" => record.user = text(),
                "cs-method" => record.method = text(),
                "cs-host" | "cs(host)" => record.host = text(),
                "cs-uri-stem" | "cs-uri" => stem = Some(value),
                "cs-uri-query" => query = text(),
                "sc-status" => record.status = value.parse().ok(),
                "sc-bytes" => record.bytes = value.parse().ok(),
                "cs(user-agent)" => {
                    record.user_agent = Untrusted::unless_blank(&value.replace('+', " "));
                }
                "cs(referer)" | "cs-version" | "cs-protocol-version" => {
                    let name = if name == "cs(referer)" { "referrer" } else { "protocol" };
                    if let Some(value) = text() {
                        record.details.insert(name.to_owned(), value.raw().into());
                    }
                }
                _ => {}
            }
        }
        if let Some(stem) = stem {
            request::put_target(&mut record, stem);
        }
        record.query = query.or(record.query.take());
        record.outcome = request::outcome(record.status);
        let when = format!("{date} {clock}");
        record.ts = time::iso(when.as_bytes()).and_then(|(stamp, _)| stamp.utc(stamp.year?, 0));
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Problems;

    fn check(text: &str, expected: &[&str]) {
        let settings = Settings {
            import: ImportId(0),
            utc_offset_minutes: 120,
            not_after: "2026-06-06".parse().unwrap(),
            survey: Survey::default(),
        };
        let lines: Vec<&[u8]> = text.lines().map(str::as_bytes).collect();
        assert_eq!(W3c.detect(&lines), Sureness::Certain);
        let (mut shown, mut problems) = (Vec::new(), Problems::new());
        let mut take = |record: Record| {
            let text = |text: &Option<Untrusted>| {
                text.as_ref().map_or("-".to_owned(), |text| text.raw().to_owned())
            };
            shown.push(format!(
                "{} {} {} {} {} {} {} {}",
                record.ts.unwrap().to_short(),
                record.src.unwrap(),
                text(&record.method),
                text(&record.path),
                text(&record.query),
                text(&record.user),
                text(&record.user_agent),
                record.status.unwrap()
            ));
        };
        let mut out = Out { record: &mut take, listed: &mut |_, _| {}, problems: &mut problems };
        let mut parser = W3c.start(settings);
        for (number, bytes) in (1..).zip(lines) {
            parser.line(Line { number, bytes }, &mut out);
        }
        shown.extend(problems.rows().iter().map(|problem| problem.what.clone()));
        assert_eq!(shown, expected);
    }

    #[test]
    fn iis_and_cloudfront() {
        check(
            "#Software: Microsoft Internet Information Services 10.0\n\
             #Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
             cs(User-Agent) cs(Referer) sc-status\n\
             2026-06-05 03:12:44 203.0.113.9 POST /login.aspx a=b 443 - 192.0.2.1 Mozilla/5.0+(X) \
             - 401\n\
             2026-06-05 03:12:45 203.0.113.9 GET / - 443 bob 2001:db8::1 - - 200\n\
             2026-06-05 03:12:45 cut\n\
             #Fields: \
             date\ttime\tc-ip\tcs-method\tcs(Host)\tcs-uri-stem\tsc-status\tcs(User-Agent)\n\
             2026-06-05\t03:12:46\t192.0.2.1\tGET\texample.com\t/x\t404\t\"a b\"\n",
            &[
                "2026-06-05 03:12:44 192.0.2.1 POST /login.aspx a=b - Mozilla/5.0 (X) 401",
                "2026-06-05 03:12:45 2001:db8::1 GET / - bob - 200",
                "2026-06-05 03:12:46 192.0.2.1 GET /x - - a b 404",
                "3 columns; #Fields: names 12, and each line must have as many",
            ],
        );
    }
}
