//! What stands around a message: when, on which machine, by which program.
//!
//! Read are RFC 3164 (`<34>Jun  5 03:12:44 host sshd[7]: …`, with or without priority and host),
//! RFC 5424 (`<34>1 2026-06-05T03:12:44Z host sshd 7 - - …`), rsyslog's ISO form of the former, and
//! lines of applications that have a date near their start and no further envelope.

use super::pattern::leading_address;
use super::time::{self, Stamp};
use crate::model::Addr;

/// Where the date of an application's line may begin at the latest: levels and names of containers
/// stand before it.
const DATE_OFFSET_MAX: usize = 64;

/// A line taken apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::import) struct Envelope<'a> {
    /// When; `None` for the nil value of RFC 5424.
    pub(in crate::import) stamp: Option<Stamp>,
    /// The machine that wrote it.
    pub(in crate::import) host: Option<&'a str>,
    /// The program, as written; empty where the line names none.
    pub(in crate::import) program: &'a str,
    /// Its process.
    pub(in crate::import) pid: Option<u32>,
    /// An address before the date, as PostgreSQL can be told to write.
    pub(in crate::import) lead: Option<Addr>,
    /// The rest.
    pub(in crate::import) message: &'a str,
}

impl<'a> Envelope<'a> {
    /// A message without any envelope.
    pub(in crate::import) const fn bare(message: &'a str) -> Self {
        Self { stamp: None, host: None, program: "", pid: None, lead: None, message }
    }
}

/// Reads a syslog line; `None`: it is none.
pub(in crate::import) fn syslog(line: &str) -> Option<Envelope<'_>> {
    let line = line.trim_start_matches('\u{feff}');
    if let Some(rest) = after_priority(line) {
        return rest.strip_prefix("1 ").map_or_else(|| traditional(rest), rfc5424);
    }
    traditional(line)
}

/// What follows `<34>`.
fn after_priority(line: &str) -> Option<&str> {
    let (number, rest) = line.strip_prefix('<')?.split_once('>')?;
    let is_priority = (1..=3).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    is_priority.then_some(rest)
}

/// RFC 5424 §6 after the version: `time host app pid id data message`.
fn rfc5424(text: &str) -> Option<Envelope<'_>> {
    let mut fields = text.splitn(6, ' ');
    let (when, host, program) = (fields.next()?, fields.next()?, fields.next()?);
    let (pid, _id, rest) = (fields.next()?, fields.next()?, fields.next()?);
    let stamp = match when {
        "-" => None,
        when => Some(time::iso(when.as_bytes())?.0),
    };
    let message = after_structured_data(rest)?.trim_start_matches('\u{feff}');
    Some(Envelope {
        stamp,
        host: named(host),
        program: named(program).unwrap_or(""),
        pid: pid.parse().ok(),
        lead: None,
        message,
    })
}

/// `-` is nothing.
fn named(text: &str) -> Option<&str> {
    (text != "-" && !text.is_empty()).then_some(text)
}

/// What follows `-` or `[id name="value" …][…]` (RFC 5424 §6.3).
fn after_structured_data(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some(rest.strip_prefix(' ').unwrap_or(rest));
    }
    let mut bytes = text.bytes().enumerate();
    let (mut quoted, mut open) = (false, false);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' if quoted => {
                bytes.next();
            }
            b'"' if open => quoted = !quoted,
            b'[' if !open => open = true,
            b']' if !quoted => open = false,
            b' ' if !open => return text.get(at + 1..),
            _ if !open => return None,
            _ => {}
        }
    }
    (!open).then_some("")
}

/// RFC 3164 §4.1 and rsyslog's `RSYSLOG_FileFormat`: `time host tag: message`.
fn traditional(line: &str) -> Option<Envelope<'_>> {
    let bytes = line.as_bytes();
    let dated = match bytes.first()? {
        b'0'..=b'9' => time::iso(bytes).filter(|_| bytes.get(10) == Some(&b'T')),
        _ => time::bsd(bytes),
    };
    let (stamp, rest) = match dated {
        Some(found) => found,
        None => return proftpd(line),
    };
    let rest = line.get(line.len() - rest.len()..)?.strip_prefix(' ')?;
    let whole = Envelope {
        stamp: Some(stamp),
        host: None,
        program: "",
        pid: None,
        lead: None,
        message: rest,
    };
    // Relays drop the host: then the tag comes first.
    if let Some((program, pid, message)) = tag(rest) {
        return Some(Envelope { program, pid, message, ..whole });
    }
    let (host, rest) = rest.split_once(' ').filter(|(host, _)| is_host(host))?;
    let message = rest.trim_ascii_start();
    match tag(message) {
        Some((program, pid, message)) => {
            Some(Envelope { host: Some(host), program, pid, message, ..whole })
        }
        // A kernel without a tag, `last message repeated`: only after the unmistakable old date.
        None if stamp.year.is_none() => Some(Envelope { host: Some(host), message, ..whole }),
        None => None,
    }
}

/// `2026-06-05 03:12:44,123 host proftpd[7] …`: ProFTPD's own log has a tag without a colon.
fn proftpd(line: &str) -> Option<Envelope<'_>> {
    let (stamp, rest) = time::iso(line.as_bytes())?;
    let rest = line.get(line.len() - rest.len()..)?.strip_prefix(' ')?;
    let (host, rest) = rest.split_once(' ').filter(|(host, _)| is_host(host))?;
    let (name, message) = rest.split_once(' ')?;
    let (program, pid) = name.strip_suffix(']')?.split_once('[')?;
    let (pid, host) = (Some(pid.parse().ok()?), Some(host));
    is_program(program).then_some(())?;
    Some(Envelope { stamp: Some(stamp), host, program, pid, lead: None, message })
}

/// `program[pid]: message` or `program: message`.
fn tag(text: &str) -> Option<(&str, Option<u32>, &str)> {
    let end = text.bytes().position(|byte| matches!(byte, b' ' | b':' | b'['))?;
    let (program, rest) = text.split_at_checked(end)?;
    if !is_program(program) {
        return None;
    }
    let (pid, rest) = match rest.strip_prefix('[') {
        Some(inside) => {
            let (pid, rest) = inside.split_once(']')?;
            (pid.parse().ok(), rest)
        }
        None => (None, rest),
    };
    let rest = rest.strip_prefix(':')?;
    // sudo pads its message.
    Some((program, pid, rest.trim_ascii_start()))
}

fn is_program(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/+()@%".contains(&byte);
    (1..=64).contains(&text.len())
        && text.bytes().all(is_part)
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn is_host(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte);
    (1..=255).contains(&text.len()) && text.bytes().all(is_part)
}

/// Reads a line of an application: a date near its start, and a message.
///
/// The message begins after the date where only brackets stand before it, else it is the whole
/// line, since a level or an address before the date belongs to what the line says.
pub(in crate::import) fn dated(line: &str) -> Option<Envelope<'_>> {
    let line = line.trim_start_matches('\u{feff}').trim_ascii();
    let begins = |at: usize, byte: u8| {
        let follows_sign = at == 0
            || line.as_bytes().get(at - 1).is_some_and(|before| b"[ (\"|=<".contains(before));
        follows_sign && byte.is_ascii_alphanumeric()
    };
    let starts = line.bytes().enumerate().take(DATE_OFFSET_MAX);
    let (before, stamp, after) =
        starts.filter(|&(at, byte)| begins(at, byte)).find_map(|(at, _)| {
            let (before, from) = line.split_at_checked(at)?;
            let (stamp, rest) = time::any(from.as_bytes())?;
            Some((before, stamp, from.get(from.len() - rest.len()..)?))
        })?;
    let lead = leading_address(before).map(|(addr, _)| addr);
    let is_bare = before.chars().all(|sign| matches!(sign, '[' | '(' | '<' | ' '));
    let message = if is_bare || lead.is_some() {
        let signs = [']', ')', '>', ':', '-', ',', ' '];
        // A bracket that opens a field of its own stays.
        after.trim_start_matches(signs)
    } else {
        line
    };
    Some(Envelope { stamp: Some(stamp), host: None, program: "", pid: None, lead, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let shown = syslog(line).or_else(|| dated(line)).map(|envelope| {
            format!(
                "{:?} {} {}[{}] {} | {}",
                envelope.stamp.map(|stamp| (stamp.year, stamp.month, stamp.day, stamp.secs)),
                envelope.host.unwrap_or("-"),
                envelope.program,
                envelope.pid.map_or("-".to_owned(), |pid| pid.to_string()),
                envelope.lead.map_or("-".to_owned(), |addr| addr.to_string()),
                envelope.message
            )
        });
        let shown = shown.unwrap_or("none".to_owned());
        let old = "Some((None, 6, 5, 11564))";
        let new = "Some((Some(2026), 6, 5, 11564))";
        assert_eq!(shown.replace(old, "OLD").replace(new, "NEW"), expected, "{line}");
    }

    #[test]
    fn envelopes() {
        for (line, expected) in [
            ("Jun  5 03:12:44 host sshd[7]: Hello: x", "OLD host sshd[7] - | Hello: x"),
            ("<34>Jun  5 03:12:44 host su: x", "OLD host su[-] - | x"),
            ("Jun  5 03:12:44 sshd[7]: x", "OLD - sshd[7] - | x"),
            (
                "Jun  5 03:12:44 host last message repeated 3 times",
                "OLD host [-] - | last message repeated 3 times",
            ),
            ("<34>1 2026-06-05T03:12:44Z host sshd 7 ID - x y", "NEW host sshd[7] - | x y"),
            (
                "<34>1 2026-06-05T03:12:44.003Z host app - - [a b=\"]\\\" \"][c] x",
                "NEW host app[-] - | x",
            ),
            ("<34>1 - - app - - -", "None - app[-] - | "),
            (
                "2026-06-05T03:12:44.5+00:00 host postfix/smtpd[7]: x",
                "NEW host postfix/smtpd[7] - | x",
            ),
            (
                "2026-06-05 03:12:44,123 host proftpd[7] host (a[b]): x",
                "NEW host proftpd[7] - | host (a[b]): x",
            ),
            (
                "2026-06-05T03:12:44Z [AUTH] WARN: no tag here",
                "NEW - [-] - | [AUTH] WARN: no tag here",
            ),
            ("2026-06-05 03:12:44 WARNING (x) y", "NEW - [-] - | WARNING (x) y"),
            ("[2026-06-05 03:12:44,1] [INF] y", "NEW - [-] - | [INF] y"),
            ("[Fri Jun 05 03:12:44.5 2026] [core:error] y", "NEW - [-] - | [core:error] y"),
            ("192.0.2.1 2026-06-05 03:12:44 UTC [7] y", "NEW - [-] 192.0.2.1 | [7] y"),
            ("WARN: [Jun  5 03:12:44.643] y", "OLD - [-] - | WARN: [Jun  5 03:12:44.643] y"),
            (
                "7.8.0 [05/Jun/2026 03:12:44] bob - 192.0.2.1 y",
                "NEW - [-] - | 7.8.0 [05/Jun/2026 03:12:44] bob - 192.0.2.1 y",
            ),
            ("no date at all", "none"),
            ("", "none"),
        ] {
            check(line, expected);
        }
    }
}
