//! Flows, one after another: lines for people, CSV, and Zeek's conn.log.

use std::io::{self, Write};

use super::csv::{FLOW_COLUMNS, flow_cells};
use super::json::JsonLines;
use super::rows::FlowRow;
use crate::model::{Outcome, Visible};

/// Writes flows one at a time.
pub trait FlowWriter {
    /// What stands before the first.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Writes one.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn write(&mut self, flow: &FlowRow) -> io::Result<()>;

    /// What stands after the last.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn end(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<W: Write> FlowWriter for JsonLines<W> {
    fn write(&mut self, flow: &FlowRow) -> io::Result<()> {
        self.write(flow)
    }
}

/// One line a flow, in columns that fit most of them: nothing has to wait for the widest.
pub struct FlowLines<W> {
    out: W,
    width: usize,
}

impl<W: Write> FlowLines<W> {
    /// Lines of at most `width` characters.
    pub const fn new(out: W, width: usize) -> Self {
        Self { out, width }
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        let cut: String = line.trim_end().chars().take(self.width).collect();
        writeln!(self.out, "{cut}")
    }
}

impl<W: Write> FlowWriter for FlowLines<W> {
    fn begin(&mut self) -> io::Result<()> {
        self.line(&format!(
            "{:<23} {:<18} {:<21} {:<21} {:<5} {:<8} {:<6} {:>8} {:>9} {:>9}  {}",
            "First seen, UTC",
            "Uid",
            "Originator",
            "Responder",
            "Proto",
            "Service",
            "State",
            "Secs",
            "Bytes out",
            "Bytes in",
            "Says"
        ))
    }

    fn write(&mut self, flow: &FlowRow) -> io::Result<()> {
        let millis = flow.ts.nanos().rem_euclid(1_000_000_000) / 1_000_000;
        let end = |addr: crate::model::Addr, port: u16| match addr {
            crate::model::Addr::V4(addr) => format!("{addr}:{port}"),
            crate::model::Addr::V6(addr) => format!("[{addr}]:{port}"),
        };
        let said = flow.server_name.as_ref().or(flow.user_agent.as_ref());
        let line = format!(
            "{:<23} {:<18} {:<21} {:<21} {:<5} {:<8} {:<6} {:>8} {:>9} {:>9}  {}",
            format!("{}.{millis:03}", flow.ts.to_short()),
            flow.uid.to_string(),
            end(flow.orig_h, flow.orig_p),
            end(flow.resp_h, flow.resp_p),
            match flow.proto {
                "unknown_transport" => "other",
                proto => proto,
            },
            flow.service.as_deref().unwrap_or("–"),
            flow.conn_state,
            flow.duration.map_or_else(|| "–".to_owned(), |secs| format!("{secs:.3}")),
            flow.orig_ip_bytes,
            flow.resp_ip_bytes,
            said.map(ToString::to_string).unwrap_or_default(),
        );
        self.line(&line)
    }
}

/// CSV with Zeek's names as heading; sets are joined by spaces.
pub struct FlowCsv<W: Write>(csv::Writer<W>);

impl<W: Write> FlowCsv<W> {
    /// Rows go to `out`.
    pub fn new(out: W) -> Self {
        Self(csv::Writer::from_writer(out))
    }
}

impl<W: Write> FlowWriter for FlowCsv<W> {
    fn begin(&mut self) -> io::Result<()> {
        Ok(self.0.write_record(FLOW_COLUMNS)?)
    }

    fn write(&mut self, flow: &FlowRow) -> io::Result<()> {
        Ok(self.0.write_record(flow_cells(flow))?)
    }

    fn end(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A Zeek TSV log (epoch seconds) that zeek-cut and Zeek's readers take.
pub struct ZeekConn<W>(W);

/// Columns of Zeek's conn.log, then ours, with their types.
const ZEEK_COLUMNS: &[(&str, &str)] = &[
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
    ("proto", "enum"),
    ("service", "string"),
    ("duration", "interval"),
    ("orig_bytes", "count"),
    ("resp_bytes", "count"),
    ("conn_state", "string"),
    ("missed_bytes", "count"),
    ("history", "string"),
    ("orig_pkts", "count"),
    ("orig_ip_bytes", "count"),
    ("resp_pkts", "count"),
    ("resp_ip_bytes", "count"),
    ("tunnel_parents", "set[string]"),
    ("vlan", "int"),
    ("inner_vlan", "int"),
    ("community_id", "string"),
    ("ja3", "string"),
    ("ja3s", "string"),
    ("ja4", "string"),
    ("hassh", "string"),
    ("hassh_server", "string"),
    ("sni", "string"),
    ("alpn", "string"),
    ("server_name", "string"),
    ("user_agent", "string"),
    ("os_guess", "string"),
    ("apps", "vector[string]"),
    ("import", "string"),
];

impl<W: Write> ZeekConn<W> {
    /// Lines go to `out`.
    pub const fn new(out: W) -> Self {
        Self(out)
    }
}

impl<W: Write> FlowWriter for ZeekConn<W> {
    fn begin(&mut self) -> io::Result<()> {
        let names: Vec<&str> = ZEEK_COLUMNS.iter().map(|(name, _)| *name).collect();
        let types: Vec<&str> = ZEEK_COLUMNS.iter().map(|(_, kind)| *kind).collect();
        writeln!(
            self.0,
            "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n\
             #path\tconn\n#fields\t{}\n#types\t{}",
            names.join("\t"),
            types.join("\t")
        )
    }

    fn write(&mut self, flow: &FlowRow) -> io::Result<()> {
        let text = |value: Option<&str>| value.map_or_else(|| "-".to_owned(), zeek_text);
        let number = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let parents: Vec<String> = flow.tunnel_parents.iter().map(ToString::to_string).collect();
        let foreign = [&flow.sni, &flow.alpn, &flow.server_name, &flow.user_agent]
            .map(|value| text(value.as_ref().map(|value| value.raw())));
        let cells: Vec<String> = [
            Epoch(flow.ts).to_string(),
            flow.uid.to_string(),
            flow.orig_h.to_string(),
            flow.orig_p.to_string(),
            flow.resp_h.to_string(),
            flow.resp_p.to_string(),
            flow.proto.to_owned(),
            text(flow.service.as_deref()),
            flow.duration.map_or_else(|| "-".to_owned(), |secs| format!("{secs:.6}")),
            number(flow.orig_bytes),
            number(flow.resp_bytes),
            flow.conn_state.to_owned(),
            flow.missed_bytes.to_string(),
            text(flow.history.as_deref()),
            flow.orig_pkts.to_string(),
            flow.orig_ip_bytes.to_string(),
            flow.resp_pkts.to_string(),
            flow.resp_ip_bytes.to_string(),
            if parents.is_empty() { "-".to_owned() } else { parents.join(",") },
            number(flow.vlan.map(u64::from)),
            number(flow.inner_vlan.map(u64::from)),
            text(flow.community_id.as_deref()),
            text(flow.ja3.as_deref()),
            text(flow.ja3s.as_deref()),
            text(flow.ja4.as_deref()),
            text(flow.hassh.as_deref()),
            text(flow.hassh_server.as_deref()),
        ]
        .into_iter()
        .chain(foreign)
        .chain([
            text(flow.os_guess),
            if flow.apps.is_empty() { "(empty)".to_owned() } else { flow.apps.join(",") },
            text(Some(flow.import.raw())),
        ])
        .collect();
        writeln!(self.0, "{}", cells.join("\t"))
    }

    fn end(&mut self) -> io::Result<()> {
        writeln!(self.0, "#close")
    }
}

/// Seconds since 1970 with six digits, exact: a float would not be.
struct Epoch(crate::model::Timestamp);

impl std::fmt::Display for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let micros = self.0.nanos().div_euclid(1_000);
        let (sign, micros) = (if micros < 0 { "-" } else { "" }, micros.unsigned_abs());
        write!(f, "{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

/// Zeek escapes what would break a line as `\xNN`; a lone `-` would be read as unset.
fn zeek_text(text: &str) -> String {
    if text == "-" {
        return "\\x2d".to_owned();
    }
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '\\' || crate::model::is_deceptive(character) {
            let mut bytes = [0; 4];
            for byte in character.encode_utf8(&mut bytes).bytes() {
                escaped.push_str(&format!("\\x{byte:02x}"));
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

impl super::rows::RecordRow {
    /// One line for people: when, what, who did it, to whom, how it ended.
    pub fn to_line(&self, width: usize) -> String {
        let when = self.ts.map_or_else(|| "–".to_owned(), |ts| ts.to_short());
        let end = |addr: Option<crate::model::Addr>, port: Option<u16>| match (addr, port) {
            (Some(addr), Some(port)) => format!("{addr} {port}"),
            (Some(addr), None) => addr.to_string(),
            _ => "–".to_owned(),
        };
        let texts = [&self.service, &self.user, &self.method, &self.host, &self.path, &self.query];
        let said: Vec<String> = texts
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .chain(self.status.map(|status| status.to_string()))
            .collect();
        let line = format!(
            "{when:<19}  {:<10} {:<8} {:<24} {:<24} {}",
            self.kind.as_str(),
            self.outcome.map_or("–", Outcome::as_str),
            end(self.src, self.src_port),
            end(self.dst, self.dst_port),
            Visible(&said.join(" ")),
        );
        line.trim_end().chars().take(width).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeek_text_cannot_break_a_line() {
        assert_eq!(zeek_text("a\tb\\c\n"), "a\\x09b\\x5cc\\x0a");
        assert_eq!((zeek_text("-"), zeek_text("")), ("\\x2d".into(), "(empty)".into()));
    }

    #[test]
    fn epoch_seconds_are_exact() {
        let ts = |nanos| Epoch(crate::model::Timestamp::from_nanos(nanos)).to_string();
        assert_eq!(ts(1_320_279_566_452_687_999), "1320279566.452687");
        assert_eq!(ts(-1), "-0.000001");
    }
}
