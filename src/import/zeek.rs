//! What Zeek's logs mean, whichever way they were written: names of fields → places of a record.
//!
//! [`zeek_tsv`](super::zeek_tsv) and [`zeek_json`](super::zeek_json) both end here, so that the
//! same log gives the same records. Names are those of Zeek's own `Info` records
//! (<https://docs.zeek.org/en/master/script-reference/log-files.html>).

use std::borrow::Cow;

use super::fields::{Details, Fields, Val};
use super::lines::request;
use super::when;
use crate::model::{ImportId, Outcome, Record, RecordKind, Timestamp, Untrusted};

/// What a log is about, by its path; the service where the log is of one protocol.
fn about(path: &str) -> (RecordKind, Option<&'static str>) {
    match path {
        "conn" => (RecordKind::Connection, None),
        "http" => (RecordKind::Http, Some("http")),
        "dns" => (RecordKind::Dns, Some("dns")),
        "ssl" => (RecordKind::Tls, Some("tls")),
        "quic" => (RecordKind::Tls, Some("quic")),
        "ssh" => (RecordKind::Ssh, Some("ssh")),
        "smtp" => (RecordKind::Smtp, Some("smtp")),
        "ftp" => (RecordKind::Ftp, Some("ftp")),
        "files" => (RecordKind::File, None),
        "smb_files" => (RecordKind::File, Some("smb")),
        "notice" | "notice_alarm" | "intel" | "signatures" => (RecordKind::Alert, None),
        "dhcp" => (RecordKind::Dhcp, Some("dhcp")),
        "kerberos" => (RecordKind::Auth, Some("kerberos")),
        "ntlm" => (RecordKind::Auth, Some("ntlm")),
        "radius" => (RecordKind::Auth, Some("radius")),
        "rdp" => (RecordKind::Other, Some("rdp")),
        "rfb" => (RecordKind::Other, Some("rfb")),
        "mysql" => (RecordKind::Other, Some("mysql")),
        "ldap" | "ldap_search" => (RecordKind::Other, Some("ldap")),
        "smb_mapping" => (RecordKind::Other, Some("smb")),
        "dce_rpc" => (RecordKind::Other, Some("dce_rpc")),
        "snmp" => (RecordKind::Other, Some("snmp")),
        "sip" => (RecordKind::Other, Some("sip")),
        "irc" => (RecordKind::Other, Some("irc")),
        "socks" => (RecordKind::Other, Some("socks")),
        "syslog" => (RecordKind::Other, Some("syslog")),
        "ntp" => (RecordKind::Other, Some("ntp")),
        "modbus" => (RecordKind::Other, Some("modbus")),
        "dnp3" => (RecordKind::Other, Some("dnp3")),
        path if path.starts_with("mqtt") => (RecordKind::Other, Some("mqtt")),
        _ => (RecordKind::Other, None),
    }
}

/// One row as a record.
pub(super) fn record(path: &str, fields: &Fields<'_>, import: ImportId, line: u64) -> Record {
    let (kind, service) = about(path);
    let mut record = Record::new(kind, import);
    record.line = Some(line);
    record.service = service.map(Untrusted::new);
    let mut details = Details::new();
    if !path.is_empty() {
        details.put_own("_path", Untrusted::new(path).raw());
    }
    for (name, value) in fields {
        let name = canonical(name);
        if !(place(&mut record, name, value) || place_by_path(&mut record, path, name, value)) {
            details.put(name, &with_plain_time(name, value));
        }
    }
    settle(&mut record, path, fields);
    if record.method.as_ref().is_some_and(|method| path == "ftp" && method.raw() == "PASS") {
        // Its argument is the secret.
        let secret = record.path.take();
        details.put("password", &Val::Text(secret.as_ref().map_or("", Untrusted::raw).into()));
    }
    record.details = details.finish();
    record
}

/// Zeek's own name of a field that a log pipeline renamed, as Elasticsearch wants no dots.
fn canonical(name: &str) -> &str {
    match name {
        "id_orig_h" => "id.orig_h",
        "id_orig_p" => "id.orig_p",
        "id_resp_h" => "id.resp_h",
        "id_resp_p" => "id.resp_p",
        _ => name,
    }
}

/// Fields that mean the same in every log; `true` if it was one and needs no place in the details.
fn place(record: &mut Record, name: &str, value: &Val<'_>) -> bool {
    match name {
        "ts" => {
            record.ts = time(value);
            true
        }
        "id.orig_h" => set(&mut record.src, value.addr()),
        "id.orig_p" => set(&mut record.src_port, value.port()),
        "id.resp_h" => set(&mut record.dst, value.addr()),
        "id.resp_p" => set(&mut record.dst_port, value.port()),
        // What the writer adds beside the log's own fields.
        "_path" | "@stream" | "_write_ts" => true,
        _ => false,
    }
}

/// Puts a value in its place; `false`, for the details, where it is not of the right form.
fn set<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let fits = value.is_some();
    *place = value.or(place.take());
    fits
}

fn time(value: &Val<'_>) -> Option<Timestamp> {
    match value {
        Val::Text(text) => Timestamp::from_epoch_text(text).or_else(|| when::parse(text, 0)),
        _ => value.time(0),
    }
}

#[expect(clippy::too_many_lines, reason = "a table: path and name to place, one row each")]
fn place_by_path(record: &mut Record, path: &str, name: &str, value: &Val<'_>) -> bool {
    let text = || value.untrusted();
    match (path, name) {
        ("conn", "service") => set(&mut record.service, text()),
        ("conn", "resp_bytes") => set(&mut record.bytes, value.uint()),

        ("http" | "sip", "method") => set(&mut record.method, text()),
        ("http", "host") => set(&mut record.host, text()),
        ("http" | "sip", "uri") => place_uri(record, value),
        ("http" | "sip" | "smtp", "user_agent") => set(&mut record.user_agent, text()),
        ("http" | "sip", "status_code") => set(&mut record.status, value.small()),
        ("http", "response_body_len") => set(&mut record.bytes, value.uint()),
        ("http" | "ntlm" | "radius", "username") => set(&mut record.user, text()),

        ("dns", "query") => {
            record.dst_name = text();
            set(&mut record.query, text())
        }
        ("dns", "qtype_name") => set(&mut record.method, text()),
        ("dns", "rcode") => set(&mut record.status, value.small()),

        ("ssl" | "quic", "server_name") => set(&mut record.host, text()),
        ("ssl", "established") => {
            record.outcome = value.truth().and_then(|done| done.then_some(Outcome::Success));
            false
        }

        ("ssh", "auth_success") => {
            record.kind = RecordKind::Auth;
            set(&mut record.outcome, done_or_refused(value.truth()))
        }
        ("ssh", "client") => set(&mut record.user_agent, text()),

        ("ftp" | "irc" | "socks", "user") => set(&mut record.user, text()),
        ("ftp" | "irc", "command") => set(&mut record.method, text()),
        ("ftp", "arg") => set(&mut record.path, text()),
        ("ftp", "reply_code") => set(&mut record.status, value.small()),
        ("ftp", "file_size") => set(&mut record.bytes, value.uint()),

        ("smtp", "helo") => set(&mut record.src_name, text()),
        ("smtp", "last_reply") => {
            record.status = value.text().and_then(leading_status);
            false
        }

        ("files", "tx_hosts") => set(&mut record.src, value.addr()),
        ("files", "rx_hosts") => set(&mut record.dst, value.addr()),
        ("files", "source") => {
            set(&mut record.service, value.text().map(|text| text.to_lowercase().as_str().into()))
        }
        ("files", "filename") => set(&mut record.path, text()),
        ("files", "seen_bytes") => set(&mut record.bytes, value.uint()),

        ("notice" | "notice_alarm" | "signatures" | "traceroute", "src" | "src_addr") => {
            set(&mut record.src, value.addr())
        }
        ("notice" | "notice_alarm" | "signatures" | "traceroute", "dst" | "dst_addr") => {
            set(&mut record.dst, value.addr())
        }
        ("notice" | "notice_alarm", "p") => set(&mut record.dst_port, value.port()),
        ("notice", "dropped") if value.truth() == Some(true) => {
            set(&mut record.outcome, Some(Outcome::Blocked))
        }

        ("dhcp", "client_addr" | "assigned_addr" | "assigned_ip") => {
            set(&mut record.src, value.addr())
        }
        ("dhcp", "server_addr") => set(&mut record.dst, value.addr()),
        ("dhcp" | "ntlm", "host_name" | "hostname") => set(&mut record.src_name, text()),

        ("kerberos", "client") => set(&mut record.user, text()),
        ("kerberos", "request_type") => set(&mut record.method, text()),
        ("kerberos" | "ntlm" | "mysql", "success") => {
            set(&mut record.outcome, done_or_refused(value.truth()))
        }
        ("radius", "result") => set(
            &mut record.outcome,
            done_or_refused(value.text().map(|text| text.eq_ignore_ascii_case("success"))),
        ),

        ("rdp", "cookie") => set(&mut record.user, text()),
        ("rfb", "authentication_method") => set(&mut record.method, text()),
        ("rfb", "auth") => set(&mut record.outcome, done_or_refused(value.truth())),
        ("mysql", "cmd") => set(&mut record.method, text()),
        ("dce_rpc", "operation") => set(&mut record.method, text()),

        ("smb_files", "action") => set(&mut record.method, text()),
        ("smb_files", "name") | ("smb_mapping", "path") => set(&mut record.path, text()),
        ("smb_files", "size") => set(&mut record.bytes, value.uint()),

        ("known_services" | "known_certs", "host") => set(&mut record.dst, value.addr()),
        ("known_services" | "known_certs", "port_num") => set(&mut record.dst_port, value.port()),
        ("known_hosts" | "software" | "known_devices", "host") => {
            set(&mut record.src, value.addr())
        }
        ("software", "host_p") => set(&mut record.src_port, value.port()),
        // A log of somebody's own script.
        (_, "src" | "orig_h" | "src_ip" | "source_ip") => {
            record.src.is_none() && set(&mut record.src, value.addr())
        }
        (_, "dst" | "resp_h" | "dst_ip" | "dest_ip") => {
            record.dst.is_none() && set(&mut record.dst, value.addr())
        }
        (_, "host") => record.src.is_none() && set(&mut record.src, value.addr()),
        _ => false,
    }
}

/// What only shows when all fields are known.
fn settle(record: &mut Record, path: &str, fields: &Fields<'_>) {
    match path {
        "http" => record.outcome = request::outcome(record.status),
        // RFC 1035 §4.1.1: 0 is no error, 5 a server that refuses.
        "dns" => record.outcome = done_or_refused(record.status.map(|rcode| rcode == 0)),
        "ftp" | "smtp" => {
            record.outcome = done_or_refused(record.status.map(|reply| reply < 400));
            let method = record.method.as_ref().map(Untrusted::raw);
            if path == "ftp" && matches!(method, Some("PASS" | "USER")) {
                record.kind = RecordKind::Auth;
            }
        }
        "rdp" if record.user.is_some() => record.kind = RecordKind::Auth,
        "rfb" if record.outcome.is_some() => record.kind = RecordKind::Auth,
        "mysql" if record.method.as_ref().is_some_and(|method| method.raw() == "login") => {
            record.kind = RecordKind::Auth;
            record.user = super::fields::get(fields, "arg").and_then(Val::untrusted);
        }
        _ if record.src.is_none() && record.dst.is_none() && !is_without_hosts(path) => {
            record.src = fields.iter().find_map(|(_, value)| value.addr());
        }
        _ => {}
    }
}

/// Logs of Zeek's own whose addresses, if any, are no hosts that acted.
fn is_without_hosts(path: &str) -> bool {
    matches!(path, "x509" | "ocsp" | "pe" | "loaded_scripts" | "packet_filter" | "reporter")
        || matches!(path, "stats" | "capture_loss" | "known_certs" | "intel" | "dhcp" | "files")
}

/// What a service's own yes or no says.
pub(super) fn done_or_refused(done: Option<bool>) -> Option<Outcome> {
    done.map(|done| if done { Outcome::Success } else { Outcome::Failure })
}

fn place_uri(record: &mut Record, value: &Val<'_>) -> bool {
    let uri = value.text();
    uri.inspect(|uri| request::put_target(record, uri)).is_some()
}

/// The three digits at the start of a mail server's answer (RFC 5321 §4.2).
pub(super) fn leading_status(reply: &str) -> Option<u32> {
    let digits = reply.get(..3)?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// A value as the details have it: times as RFC 3339 in UTC with nanoseconds.
fn with_plain_time<'v, 'a>(name: &str, value: &'v Val<'a>) -> Cow<'v, Val<'a>> {
    let time = match value {
        // TSV writes the set of nothing and the set of one empty text alike.
        Val::List(list) if matches!(list.as_slice(), [Val::Text(text)] if text.is_empty()) => {
            return Cow::Owned(Val::List(Vec::new()));
        }
        Val::Text(text) => {
            let iso = text.len() >= 20 && text.as_bytes().get(10) == Some(&b'T');
            iso.then(|| when::parse(text, 0)).flatten()
        }
        Val::Float(_) | Val::Uint(_) if is_time_name(name) => value.time(0),
        _ => None,
    };
    time.map_or(Cow::Borrowed(value), |time| Cow::Owned(Val::Text(time.to_string().into())))
}

/// Fields of type `time` that Zeek's JSON writes as a bare number.
fn is_time_name(name: &str) -> bool {
    matches!(
        name,
        "certificate.not_valid_before"
            | "certificate.not_valid_after"
            | "not_valid_before"
            | "not_valid_after"
            | "ref_time"
            | "org_time"
            | "rec_time"
            | "xmt_time"
            | "thisUpdate"
            | "nextUpdate"
            | "revoketime"
            | "compile_ts"
            | "from"
            | "till"
            | "times.modified"
            | "times.accessed"
            | "times.created"
            | "times.changed"
            | "up_since"
    )
}

/// The path of a JSON row that does not name it, by fields that no other log has together.
pub(super) fn infer_path(fields: &Fields<'_>) -> &'static str {
    const MARKS: [(&[&str], &str); 32] = [
        (&["conn_state"], "conn"),
        (&["history", "orig_pkts"], "conn"),
        (&["trans_depth", "method"], "http"),
        (&["trans_depth", "host"], "http"),
        (&["trans_depth", "status_code"], "http"),
        (&["trans_depth", "helo"], "smtp"),
        (&["helo"], "smtp"),
        (&["trans_id"], "dns"),
        (&["qtype_name"], "dns"),
        (&["cert_chain_fuids"], "ssl"),
        (&["cipher", "established"], "ssl"),
        (&["established", "resumed"], "ssl"),
        (&["kex_alg"], "ssh"),
        (&["auth_attempts"], "ssh"),
        (&["fuid", "analyzers"], "files"),
        (&["certificate.serial"], "x509"),
        (&["note", "msg"], "notice"),
        (&["name", "notice", "peer"], "weird"),
        (&["named_pipe", "operation"], "dce_rpc"),
        (&["request_type", "till"], "kerberos"),
        (&["request_type", "client"], "kerberos"),
        (&["reply_code", "command"], "ftp"),
        (&["msg_types"], "dhcp"),
        (&["assigned_ip"], "dhcp"),
        (&["cookie", "security_protocol"], "rdp"),
        (&["server_nb_computer_name"], "ntlm"),
        (&["share_type", "path"], "smb_mapping"),
        (&["action", "times.modified"], "smb_files"),
        (&["ref_id", "stratum"], "ntp"),
        (&["ts_delta", "percent_lost"], "capture_loss"),
        (&["pkts_proc", "events_proc"], "stats"),
        (&["node", "filter", "init"], "packet_filter"),
    ];
    let has = |name: &&str| fields.iter().any(|(known, _)| known == name);
    MARKS.iter().find(|(names, _)| names.iter().all(has)).map_or("", |(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::super::fields::parse_object;
    use super::*;

    fn check(path: &str, json: &str, expected: &str) {
        let fields = parse_object(json).unwrap();
        let path = if path.is_empty() { infer_path(&fields) } else { path };
        let record = record(path, &fields, ImportId(0), 1);
        let addr =
            |addr: Option<crate::model::Addr>| addr.map_or("-".to_owned(), |addr| addr.to_string());
        let user = record.user.as_ref().map_or("-", Untrusted::raw);
        let said = format!(
            "{:?} {:?} {} {} {user} {:?}",
            record.kind,
            record.outcome,
            addr(record.src),
            addr(record.dst),
            record.status
        );
        assert_eq!(said, expected, "{json}");
    }

    #[test]
    fn paths_and_their_places() {
        const ID: &str = r#""id.orig_h":"192.0.2.1","id.resp_h":"198.51.100.2""#;
        for (path, rest, expected) in [
            ("", r#""conn_state":"SF""#, "Connection None 192.0.2.1 198.51.100.2 - None"),
            (
                "http",
                r#""status_code":404,"username":"ann""#,
                "Http Some(Failure) 192.0.2.1 198.51.100.2 ann Some(404)",
            ),
            ("dns", r#""rcode":0"#, "Dns Some(Success) 192.0.2.1 198.51.100.2 - Some(0)"),
            ("ssh", r#""auth_success":false"#, "Auth Some(Failure) 192.0.2.1 198.51.100.2 - None"),
            ("ssh", r#""version":2"#, "Ssh None 192.0.2.1 198.51.100.2 - None"),
            (
                "ftp",
                r#""command":"PASS","user":"bob","password":"pw","reply_code":530"#,
                "Auth Some(Failure) 192.0.2.1 198.51.100.2 bob Some(530)",
            ),
            (
                "notice",
                r#""src":"203.0.113.9","note":"Scan::Port_Scan""#,
                "Alert None 203.0.113.9 198.51.100.2 - None",
            ),
            (
                "ntlm",
                r#""username":"eve","success":true"#,
                "Auth Some(Success) 192.0.2.1 198.51.100.2 eve None",
            ),
            ("rdp", r#""cookie":"eve""#, "Auth None 192.0.2.1 198.51.100.2 eve None"),
            ("my_script", r#""x":1"#, "Other None 192.0.2.1 198.51.100.2 - None"),
        ] {
            check(path, &format!("{{{ID},{rest}}}"), expected);
        }
        check("known_hosts", r#"{"host":"192.0.2.1"}"#, "Other None 192.0.2.1 - - None");
        check(
            "files",
            r#"{"tx_hosts":["192.0.2.1"],"rx_hosts":["192.0.2.2"]}"#,
            "File None 192.0.2.1 192.0.2.2 - None",
        );
    }
}
