//! Suricata's EVE output: one JSON object a line, its kind in `event_type`.

use std::borrow::Cow;

use super::fields::{Details, Fields, Val, get};
use super::json_lines::{ObjectLines, detect_objects};
use super::lines::request;
use super::zeek::{done_or_refused, leading_status};
use super::{About, Format, Parse, Settings, Sureness};
use crate::model::{Outcome, Record, RecordKind, Untrusted};

/// The format.
pub(super) struct Eve;

impl Format for Eve {
    fn about(&self) -> &'static About {
        &About {
            id: "suricata-eve",
            reads: "Suricata EVE JSON: alerts, flows, transactions, files, anomalies",
            misses: "packets and payloads inside alerts, which stay in the details as text",
            source: "https://docs.suricata.io/en/latest/output/eve/eve-json-format.html",
        }
    }

    fn detect(&self, head: &[&[u8]]) -> Sureness {
        detect_objects(head, is_eve)
    }

    fn start(&self, settings: Settings) -> Box<dyn Parse> {
        ObjectLines::boxed(settings, record)
    }
}

/// Whether an object is an EVE event.
pub(super) fn is_eve(fields: &Fields<'_>) -> bool {
    let has = |name: &str| get(fields, name).is_some();
    let flow = has("flow_id") || has("src_ip") || has("stats") || has("pcap_filename");
    has("event_type") && has("timestamp") && flow
}

/// One event as a record.
pub(super) fn record(fields: &Fields<'_>, settings: &Settings, line: u64) -> Record {
    let offset = settings.utc_offset_minutes;
    let event = get(fields, "event_type").and_then(Val::text).unwrap_or_default();
    let (kind, service) = about(event);
    let mut record = Record::new(kind, settings.import);
    record.line = Some(line);
    record.service = service.map(Untrusted::new);
    let mut details = Details::new();
    for (name, value) in fields {
        let placed = match name.as_ref() {
            "timestamp" => set(&mut record.ts, value.time(offset)),
            "src_ip" => set(&mut record.src, value.addr()),
            "src_port" => set(&mut record.src_port, value.port()),
            "dest_ip" => set(&mut record.dst, value.addr()),
            "dest_port" => set(&mut record.dst_port, value.port()),
            "app_proto" if kind == RecordKind::Connection || kind == RecordKind::Alert => {
                let known = value.text().filter(|proto| *proto != "failed");
                set(&mut record.service, known.map(Untrusted::new))
            }
            _ => false,
        };
        if placed {
            continue;
        }
        if let Val::Object(inner) = value {
            transaction(&mut record, name, inner);
        }
        details.put(name, &without_password(name, value));
    }
    record.details = details.finish();
    record
}

/// FTP's `PASS` carries the secret as its argument.
fn without_password<'v, 'a>(name: &str, value: &'v Val<'a>) -> Cow<'v, Val<'a>> {
    let Some(fields) = value.object().filter(|_| name == "ftp") else {
        return Cow::Borrowed(value);
    };
    if get(fields, "command").and_then(Val::text) != Some("PASS") {
        return Cow::Borrowed(value);
    }
    let renamed = fields.iter().map(|(name, value)| match name.as_ref() {
        "command_data" => (Cow::Borrowed("password"), value.clone()),
        _ => (name.clone(), value.clone()),
    });
    Cow::Owned(Val::Object(renamed.collect()))
}

fn set<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let fits = value.is_some();
    *place = value.or(place.take());
    fits
}

fn about(event: &str) -> (RecordKind, Option<&str>) {
    match event {
        "alert" => (RecordKind::Alert, None),
        "flow" | "netflow" => (RecordKind::Connection, None),
        "drop" => (RecordKind::Firewall, Some("suricata")),
        "dns" => (RecordKind::Dns, Some("dns")),
        "http" | "http2" => (RecordKind::Http, Some("http")),
        "tls" => (RecordKind::Tls, Some("tls")),
        "quic" => (RecordKind::Tls, Some("quic")),
        "ssh" => (RecordKind::Ssh, Some("ssh")),
        "smtp" => (RecordKind::Smtp, Some("smtp")),
        "ftp" | "ftp_data" => (RecordKind::Ftp, Some("ftp")),
        "fileinfo" => (RecordKind::File, None),
        "dhcp" => (RecordKind::Dhcp, Some("dhcp")),
        "krb5" => (RecordKind::Other, Some("kerberos")),
        "anomaly" | "stats" | "metadata" => (RecordKind::Other, None),
        // smb, nfs, rdp, sip, snmp, mqtt, rfb …: named after their protocol.
        other => (RecordKind::Other, (!other.is_empty()).then_some(other)),
    }
}

/// Takes what an inner object says into the record. An alert carries its transaction's objects.
fn transaction(record: &mut Record, name: &str, inner: &Fields<'_>) {
    let text = |name: &str| get(inner, name).and_then(Val::untrusted);
    let number = |name: &str| get(inner, name).and_then(Val::uint);
    match name {
        "alert" => {
            record.outcome = match get(inner, "action").and_then(Val::text) {
                Some("blocked") => Some(Outcome::Blocked),
                Some("allowed") => Some(Outcome::Allowed),
                _ => None,
            };
        }
        "drop" => record.outcome = Some(Outcome::Blocked),
        "flow" | "netflow" => {
            record.bytes = number("bytes_toclient").or_else(|| number("bytes")).or(record.bytes);
        }
        "http" => http(record, inner),
        "dns" => dns(record, inner),
        "tls" | "quic" => record.host = text("sni"),
        "ssh" => {
            let client = get(inner, "client").and_then(Val::object);
            record.user_agent =
                client.and_then(|client| get(client, "software_version")).and_then(Val::untrusted);
        }
        "smtp" => record.src_name = text("helo"),
        "ftp" => {
            record.method = text("command");
            record.path = text("command_data").filter(|_| !is_pass(&record.method));
            let code = get(inner, "completion_code").and_then(first_text);
            record.status = code.and_then(leading_status);
            record.outcome = done_or_refused(record.status.map(|status| status < 400));
            if is_pass(&record.method) {
                record.kind = RecordKind::Auth;
            }
        }
        "fileinfo" => {
            record.path = record.path.take().or_else(|| text("filename"));
            record.bytes = number("size").or(record.bytes);
        }
        "dhcp" => {
            record.method = text("dhcp_type").or_else(|| text("type"));
            record.src_name = text("hostname");
        }
        "rdp" => record.user = text("cookie"),
        "krb5" => {
            record.user = text("cname");
            record.method = text("msg_type");
            record.outcome = text("error_code").map(|_| Outcome::Failure);
        }
        "rfb" => {
            if let Some(auth) = get(inner, "authentication").and_then(Val::object) {
                let result = get(auth, "security_result").and_then(Val::text);
                record.outcome = done_or_refused(result.map(|result| result == "OK"));
                record.kind = RecordKind::Auth;
            }
        }
        _ => {}
    }
}

fn is_pass(method: &Option<Untrusted>) -> bool {
    method.as_ref().is_some_and(|method| matches!(method.raw(), "PASS" | "USER"))
}

fn first_text<'v>(value: &'v Val<'_>) -> Option<&'v str> {
    match value {
        Val::List(list) => list.first()?.text(),
        _ => value.text(),
    }
}

fn http(record: &mut Record, inner: &Fields<'_>) {
    let text = |name: &str| get(inner, name).and_then(Val::untrusted);
    record.method = text("http_method");
    record.host = text("hostname");
    record.user_agent = text("http_user_agent");
    record.status = get(inner, "status").and_then(Val::small);
    record.bytes = get(inner, "length").and_then(Val::uint);
    if let Some(url) = get(inner, "url").and_then(Val::text) {
        request::put_target(record, url);
    }
    // What an alert says of its outcome is the sensor's deed, not the server's.
    if record.kind == RecordKind::Http {
        record.outcome = request::outcome(record.status);
    }
}

/// Versions 1 and 2 have one question at the top, version 3 a list of them.
fn dns(record: &mut Record, inner: &Fields<'_>) {
    let first = match get(inner, "queries").or_else(|| get(inner, "query")) {
        Some(Val::List(list)) => list.first().and_then(Val::object).unwrap_or(inner),
        _ => inner,
    };
    record.query = get(first, "rrname").and_then(Val::untrusted);
    record.dst_name = record.query.clone();
    record.method = get(first, "rrtype").and_then(Val::untrusted);
    let rcode = get(inner, "rcode").and_then(Val::text);
    if record.kind == RecordKind::Dns {
        record.outcome = done_or_refused(rcode.map(|rcode| rcode == "NOERROR"));
    }
    record.status = rcode.and_then(|rcode| {
        // RFC 1035 §4.1.1.
        let names = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
        u32::try_from(names.iter().position(|name| *name == rcode)?).ok()
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::fields::parse_object;

    fn read(rest: &str) -> Record {
        let json = format!(
            r#"{{"timestamp":"2026-06-05T05:12:44.250000+0200","flow_id":1,"src_ip":"192.0.2.1",
                "src_port":50000,"dest_ip":"198.51.100.2","dest_port":80,"proto":"TCP",{rest}}}"#
        );
        let fields = parse_object(&json).unwrap();
        assert!(is_eve(&fields));
        record(&fields, &Settings::default(), 1)
    }

    #[test]
    fn events_and_their_places() {
        let alert = read(
            r#""event_type":"alert","alert":{"action":"blocked","signature":"X"},"app_proto":"http",
               "http":{"http_method":"GET","url":"/a?b=c","status":200}"#,
        );
        assert_eq!(alert.ts.unwrap().to_string(), "2026-06-05T03:12:44.250000000Z");
        assert_eq!((alert.kind, alert.outcome), (RecordKind::Alert, Some(Outcome::Blocked)));
        assert_eq!(alert.path.unwrap().raw(), "/a");
        assert_eq!(alert.details["alert"]["signature"], "X");

        let dns = read(
            r#""event_type":"dns","dns":{"version":3,"rcode":"NXDOMAIN",
               "queries":[{"rrname":"example.com","rrtype":"A"}]}"#,
        );
        assert_eq!(dns.query.unwrap().raw(), "example.com");
        assert_eq!((dns.status, dns.outcome), (Some(3), Some(Outcome::Failure)));

        let pass = read(
            r#""event_type":"ftp","ftp":{"command":"PASS","command_data":"secret",
                           "completion_code":["530"]}"#,
        );
        assert_eq!((pass.kind, pass.outcome), (RecordKind::Auth, Some(Outcome::Failure)));
        assert_eq!(pass.path, None);
        assert!(!serde_json::to_string(&pass.details).unwrap().contains("secret\""));
        assert_eq!(pass.details["ftp"]["secret_bytes"], 6);

        let flow = read(r#""event_type":"flow","app_proto":"failed","flow":{"bytes_toclient":7}"#);
        assert_eq!((flow.kind, flow.bytes, flow.service), (RecordKind::Connection, Some(7), None));
    }
}
