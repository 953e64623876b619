//! What can be asked about: one line a field, from which parsing, completion and help are derived.
//!
//! A new field is one line here, and one arm where a table hands out its values (`Fields` for rows
//! that stream by, `Columns` for tables): the compiler names the places.

use super::guards::GUARDED;

/// What rows a filter is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Ranked hosts.
    Hosts,
    /// Flows of captures.
    Flows,
    /// Log records and protocol transactions.
    Records,
    /// What detectors found.
    Detections,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 4] = [Self::Hosts, Self::Flows, Self::Records, Self::Detections];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Flows => "flows",
            Self::Records => "records",
            Self::Detections => "detections",
        }
    }
}

/// What values a field has, and so which operators and notations it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// Addresses; asked for by address, prefix or range.
    Addr,
    /// A number; `10k`, `1.5M`, `0x1f`, and `AS64500` for AS numbers.
    Number,
    /// Bytes; `10MB`, `4KiB`.
    Bytes,
    /// A duration in seconds; `90s`, `5m`, `1.5h`.
    Secs,
    /// Text; the case of letters does not matter.
    Text,
    /// Yes or no.
    Flag,
    /// The name of a score: `none low medium high critical`, in this order.
    Band,
    /// A moment: RFC 3339, a date, or `-24h` counted back from now.
    Time,
    /// A point on the globe; asked for by the corners of an area, `52.4/4.9` each.
    Point,
}

impl Type {
    /// What stands after an operator, for error messages.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Addr => "an address, a prefix or a range, such as 192.0.2.0/24",
            Self::Number => "a number, such as 50, 10k or 1.5M",
            Self::Bytes => "a number of bytes, such as 1500, 10MB or 4KiB",
            Self::Secs => "a duration, such as 90s, 5m or 1.5h",
            Self::Text => "a text, such as \"example.com\"",
            Self::Flag => "true or false",
            Self::Band => "none, low, medium, high or critical",
            Self::Time => "a time, such as 2026-06-05, 2026-06-05T03:12:44Z or -24h",
            Self::Point => "degrees north and east, such as 52.37/4.9",
        }
    }
}

/// One thing that can be asked about.
#[derive(Debug)]
pub struct Field {
    /// Its identity.
    pub id: FieldId,
    /// The name that a filter is printed with; unique.
    pub name: &'static str,
    /// Other names: Wireshark's, Zeek's, the key of the JSON.
    pub aliases: &'static [&'static str],
    /// What values it has.
    pub kind: Type,
    /// The tables that have it.
    pub tables: &'static [Table],
    /// Whether a bare word is looked for in it.
    pub searched: bool,
    /// What it means, in one line.
    pub about: &'static str,
}

impl Field {
    /// The field of a name or alias; where two tables use one word differently, that of `table`,
    /// else the first.
    pub fn named(name: &str, table: Option<Table>) -> Option<&'static Self> {
        let mut called = FIELDS.iter().filter(|field| field.is_called(name));
        let first = called.clone().next();
        let here = |field: &&Self| table.is_some_and(|table| field.is_in(table));
        called.find(here).or(first)
    }

    /// Whether this is its name or one of its aliases; the case of letters does not matter.
    pub fn is_called(&self, name: &str) -> bool {
        let mut names = std::iter::once(&self.name).chain(self.aliases);
        names.any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether a table has it.
    pub fn is_in(&self, table: Table) -> bool {
        self.tables.contains(&table)
    }
}

/// Every word that can stand for a field: names, aliases, and Wireshark's names that ask for a
/// protocol too.
pub fn names() -> impl Iterator<Item = (&'static str, &'static Field)> {
    let own = FIELDS.iter().flat_map(|field| {
        std::iter::once(&field.name).chain(field.aliases).map(move |name| (*name, field))
    });
    own.chain(GUARDED.iter().map(|guarded| (guarded.name, guarded.field.field())))
}

impl FieldId {
    /// Its line in [`FIELDS`].
    pub fn field(self) -> &'static Field {
        &FIELDS[self as usize]
    }
}

const H: Table = Table::Hosts;
const F: Table = Table::Flows;
const R: Table = Table::Records;
const D: Table = Table::Detections;

macro_rules! fields {
    ($($id:ident $name:literal [$($alias:literal)*] $kind:ident [$($table:ident)+] $searched:literal
       $about:literal)+) => {
        /// The identity of a field: its place in [`FIELDS`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FieldId { $(#[doc = $about] $id,)+ }

        /// All fields; `H F R D` are hosts, flows, records, detections; `true` marks those in which
        /// bare words are looked for.
        pub const FIELDS: &[Field] = &[$(Field {
            id: FieldId::$id,
            name: $name,
            aliases: &[$($alias),*],
            kind: Type::$kind,
            tables: &[$($table),+],
            searched: $searched,
            about: $about,
        }),+];
    };
}

// `kind` is the word of two tables: a host's kinds of network and what a record is about. Outside
// of `records` it means the host's; `record_kind` always means the record's. So with `confidence`.
fields! {
    Addr "addr" ["ip.addr" "ipv6.addr" "ip.host"] Addr [H F R D] true
        "An address of the row: the host, or one of the two ends"
    Realm "realm" [] Text [H D] false "Where a private address was seen"
    Mine "mine" [] Flag [H] false "One of your own hosts"
    Score "score" [] Number [H] false "0 to 100: how surely it is hostile"
    Band "band" [] Band [H] false "The name of the score"
    Malice "malice" [] Number [H] false "Probability of hostile intent, 0 to 1"
    Anonymity "anonymity" [] Number [H] false "How well it hides who is behind it, 0 to 1"
    EvidenceAmount "evidence_amount" [] Number [H] false "How much was seen of it, 0 to 1"
    Evidence "evidence" [] Text [H] false "Ids of the evidence that counts: kind.tor …"
    Asn "asn" ["ip.geoip.asnum" "as"] Number [H] false "Number of the origin AS"
    AsName "as_name" ["ip.geoip.org"] Text [H] true "Name of the origin AS"
    Country "country" ["country_code" "ip.geoip.country_iso"] Text [H] false
        "ISO 3166 code of the country it is placed in"
    Region "region" [] Text [H] false "Region, state or province it is placed in"
    City "city" ["ip.geoip.city"] Text [H] true "City it is placed in"
    Lat "lat" ["latitude" "ip.geoip.lat"] Number [H] false
        "Degrees north of the point it is placed at"
    Lon "lon" ["longitude" "ip.geoip.lon"] Number [H] false
        "Degrees east of the point it is placed at"
    Point "point" [] Point [H] false "The point it is placed at: inside an area of the map"
    RadiusKm "radius_km" [] Number [H] false "Radius in km that holds it nine times in ten"
    PlaceConfidence "place_confidence" ["confidence"] Number [H] false
        "Probability that it lies within 40 km of its point"
    Kind "kind" ["kinds"] Text [H] false "What sort of network it is of: hosting, tor, vpn …"
    List "list" ["lists"] Text [H] false "A list that holds it"
    Tag "tag" ["tags"] Text [H] true "A tag that somebody gave it"
    Verdict "verdict" [] Text [H] false "What somebody concluded about it"
    Note "note" ["notes"] Text [H] true "What somebody wrote about it"
    Name "name" ["names"] Text [H F R] true "A host name of the row"
    Role "role" ["roles"] Text [H] false "originator, responder, listed"
    Flows "flows" [] Number [H] false "Flows it took part in; with logs alone, records"
    Packets "packets" [] Number [H F] false "Packets, both directions"
    Bytes "bytes" [] Bytes [H F R] false "IP bytes, both directions; of a record, of the answer"
    BytesIn "bytes_in" ["resp_ip_bytes"] Bytes [H F] false
        "IP bytes a host received; of a flow, what the responder sent"
    BytesOut "bytes_out" ["orig_ip_bytes"] Bytes [H F] false
        "IP bytes a host sent; of a flow, what the originator sent"
    FirstSeen "first_seen" [] Time [H F R D] false "When first; of a record, its time"
    LastSeen "last_seen" [] Time [H F R D] false "When last; of a record, its time"
    Ts "ts" ["frame.time" "time"] Time [F R] false "A flow's first packet, a record's time"
    Duration "duration" [] Secs [F] false "From the first packet to the last"
    Src "src" ["ip.src" "ipv6.src" "id.orig_h" "orig_h" "originator"] Addr [F R] false
        "Who acted: the originator, the client"
    Dst "dst" ["ip.dst" "ipv6.dst" "id.resp_h" "resp_h" "responder"] Addr [F R] false
        "Who was acted upon: the responder, the server"
    Port "port" ["ports"] Number [F R D] false "A port of either end; of a detection, of the target"
    SrcPort "src_port" ["id.orig_p" "orig_p"] Number [F R] false "Port of the originator"
    DstPort "dst_port" ["id.resp_p" "resp_p"] Number [F R] false "Port of the responder"
    SrcName "src_name" [] Text [R] false "A host name where the source could stand"
    DstName "dst_name" [] Text [R] false
        "A host name where the destination could stand; of DNS, the name asked"
    Proto "proto" ["protocol"] Text [F R] true "tcp, udp, icmp; of a record where it says so"
    Service "service" ["app" "apps"] Text [F R] true
        "Application protocol or program: http, dns, sshd …"
    ConnState "conn_state" ["state"] Text [F] false
        "How it began and ended, in Zeek's words: S0, SF, REJ …"
    History "history" [] Text [F] false "Zeek's letters for what happened"
    OrigBytes "orig_bytes" [] Bytes [F] false "Payload bytes of the originator"
    RespBytes "resp_bytes" [] Bytes [F] false "Payload bytes of the responder"
    OrigPkts "orig_pkts" [] Number [F] false "Packets of the originator"
    RespPkts "resp_pkts" [] Number [F] false "Packets of the responder"
    MissedBytes "missed_bytes" [] Bytes [F] false "Payload bytes that the capture lost"
    Vlan "vlan" ["vlan.id" "inner_vlan"] Number [F] false "VLAN id, outer or inner"
    CommunityId "community_id" ["communityid"] Text [F] false "Community ID, version 1"
    Ja3 "ja3" ["tls.handshake.ja3"] Text [F] false "JA3 of the TLS client"
    Ja3s "ja3s" ["tls.handshake.ja3s"] Text [F] false "JA3S of the TLS server"
    Ja4 "ja4" ["tls.handshake.ja4"] Text [F] false "JA4 of the TLS or QUIC client"
    Hassh "hassh" ["ssh.kex.hassh"] Text [F] false "HASSH of the SSH client"
    HasshServer "hassh_server" ["ssh.kex.hasshserver"] Text [F] false "HASSH of the SSH server"
    Sni "sni" ["tls.handshake.extensions_server_name"] Text [F] false
        "Server name the TLS client asked for"
    Alpn "alpn" ["tls.handshake.extensions_alpn_str"] Text [F] false
        "Application protocol negotiated in TLS"
    ServerName "server_name" [] Text [F] false "Server name from any protocol"
    UserAgent "user_agent" ["http.user_agent"] Text [F R] false "Client software as it names itself"
    OsGuess "os_guess" [] Text [F] false "Operating system, a guess from the SYN"
    Uid "uid" ["flow"] Text [F R] false "Identity of the flow"
    Import "import" [] Text [F R] false "The file it was read from"
    RecordKind "record_kind" ["kind"] Text [R] true "What the record is about: auth, http, dns …"
    Outcome "outcome" [] Text [R] false "success, failure, blocked, allowed"
    User "user" ["username"] Text [R] true "User name"
    Method "method" ["http.request.method"] Text [R] false "Request or log-in method, DNS type"
    Host "host" ["http.host"] Text [R] false "Server or virtual host that was asked for"
    Path "path" [] Text [R] false "Path of the request, without the query"
    Query "query" ["http.request.uri.query"] Text [R] false "What stands after ? in the request"
    Uri "uri" ["http.request.uri"] Text [R] false "Path and query of the request"
    Status "status" ["http.response.code"] Number [R] false "Status of the answer"
    Line "line" [] Number [R] false "Line in the file, from 1"
    Detector "detector" ["detection"] Text [H D] true
        "What was detected: scan.horizontal, bruteforce.ssh …"
    Subject "subject" [] Addr [D] false "The host that a detection is about"
    SubjectRole "subject_role" ["role"] Text [D] false "actor, target, claimed"
    Peer "peer" ["peers"] Addr [D] false "The others of a detection"
    PeerCount "peer_count" [] Number [D] false "How many others"
    Severity "severity" [] Number [D] false "0 to 100, from the profile"
    Confidence "detection_confidence" ["confidence"] Number [D] false
        "How sure the detector is, 0 to 1"
    Basis "basis" [] Text [D] false "content, behaviour, log, list"
    Succeeded "succeeded" [] Flag [D] false "Whether what was tried worked"
    Count "count" [] Number [D] false "How many tries, requests, packets"
    Attack "attack" [] Text [D] false "MITRE ATT&CK technique"
    What "what" [] Text [D] true "The sentence that says what happened"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_ids_are_places() {
        for (place, field) in FIELDS.iter().enumerate() {
            assert_eq!(field.id as usize, place);
            let same = FIELDS.iter().filter(|other| other.name == field.name).count();
            assert_eq!(same, 1, "{}", field.name);
            assert!(!field.about.is_empty() && !field.tables.is_empty(), "{}", field.name);
            assert_eq!(
                Field::named(field.name, field.tables.first().copied()).unwrap().id,
                field.id
            );
        }
    }

    #[test]
    fn a_word_that_two_tables_share_means_that_of_the_table() {
        let named = |name, table| Field::named(name, table).map(|field| field.id);
        assert_eq!(named("kind", None), Some(FieldId::Kind));
        assert_eq!(named("kind", Some(Table::Records)), Some(FieldId::RecordKind));
        assert_eq!(named("kind", Some(Table::Flows)), Some(FieldId::Kind));
        assert_eq!(named("Confidence", Some(Table::Detections)), Some(FieldId::Confidence));
        // No alias may mean two fields of one table.
        for (name, _) in names() {
            for table in Table::ALL {
                let called = FIELDS.iter().filter(|it| it.is_called(name) && it.is_in(table));
                assert!(called.count() <= 1, "{name} in {}", table.as_str());
            }
        }
    }
}
