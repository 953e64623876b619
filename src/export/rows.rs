//! Rows: one struct for each JSON object of INTERFACE, in its key order.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::{
    Addr, Band, Basis, EvidenceRow, Outcome, Place, Prefix, RecordKind, SubjectRole, Timestamp,
    Uid, Untrusted,
};
pub use crate::model::{AssumedRow, ImportRow};

/// What made a result: the program, the profile and the data.
#[derive(Clone, Debug, Serialize)]
pub struct ToolRow {
    /// `infralock`.
    pub name: &'static str,
    /// The program's version.
    pub version: &'static str,
    /// The profile's name.
    pub profile: String,
    /// The data.
    pub image: ImageRow,
}

/// The reference data of a result.
#[derive(Clone, Debug, Serialize)]
pub struct ImageRow {
    /// The newest date of its sources.
    pub built: Option<Timestamp>,
    /// Its sources.
    pub sources: Vec<SourceRow>,
    /// The person's own feeds that spoke too; another machine has others.
    pub feeds: Vec<OwnFeedRow>,
}

/// An own feed that spoke in a result.
#[derive(Clone, Debug, Serialize)]
pub struct OwnFeedRow {
    /// `feed.NAME`.
    pub id: String,
    /// `2026-06-05`; `null`: undated.
    pub date: Option<String>,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// One source of reference data.
#[derive(Clone, Debug, Serialize)]
pub struct SourceRow {
    /// Its name: `dbip-city`.
    pub id: String,
    /// `2026-06-05`; `null`: undated.
    pub date: Option<String>,
}

/// Sums over everything read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Hosts, before any cut for display.
    pub hosts: u64,
    /// Of these, globally reachable ones.
    pub public_hosts: u64,
    /// Sources of spoofed floods that did nothing else; not counted in `hosts`.
    pub spoofed_hosts: u64,
    /// Flows.
    pub flows: u64,
    /// IP packets.
    pub packets: u64,
    /// IP bytes.
    pub bytes: u64,
    /// Detections.
    pub detections: u64,
    /// Seconds of work.
    pub elapsed_secs: f64,
}

/// Everything of a triage but its hosts and detections.
#[derive(Clone, Debug)]
pub struct TriageHead {
    /// What made it.
    pub tool: ToolRow,
    /// Whether it was interrupted.
    pub partial: bool,
    /// "Now": what ages are counted from.
    pub now: Timestamp,
    /// Files.
    pub imports: Vec<ImportRow>,
    /// Sums.
    pub totals: Totals,
    /// Prefixes and ranges of input lists, which are not expanded.
    pub prefixes: Vec<ListedRow>,
    /// What an analyst should know of the run as a whole, in sentences.
    pub notes: Vec<String>,
}

/// A prefix or range of an input list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListedRow {
    /// `192.0.2.0/24` or `192.0.2.1-192.0.2.9`.
    pub prefix: String,
    /// The file.
    pub import: Untrusted,
    /// The line.
    pub line: u64,
}

/// Membership in a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListRow {
    /// The list.
    pub id: Arc<str>,
    /// Since when; `null`: the list does not say.
    pub since: Option<Timestamp>,
}

/// A name of a host.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NameRow {
    /// The name.
    pub name: Untrusted,
    /// Where it was seen: `dns tls http log dhcp`.
    pub source: &'static str,
    /// When first.
    pub first_seen: Option<Timestamp>,
}

/// A row of evidence with its references as text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShownEvidence {
    /// The row.
    #[serde(flatten)]
    pub row: EvidenceRow,
    /// `flow:<uid>`, `record:<import>#<line>`.
    pub refs: Vec<String>,
}

/// One ranked host.
#[derive(Clone, Debug, Serialize)]
pub struct HostRow {
    /// The address.
    pub addr: Addr,
    /// Its realm; `null` for a public address.
    pub realm: Option<Untrusted>,
    /// Whether it is the analyst's own.
    pub mine: bool,
    /// 0 to 100, one decimal.
    pub score: f64,
    /// The score's name.
    pub band: Band,
    /// What people are told: the band, "unknown" or "evidence conflicts".
    #[serde(skip)]
    pub word: &'static str,
    /// 0 to 1.
    pub malice: f64,
    /// 0 to 1.
    pub anonymity: f64,
    /// 0 to 1.
    pub evidence_amount: f64,
    /// Why this score.
    pub evidence: Vec<ShownEvidence>,
    /// Where it is.
    pub place: Option<Place>,
    /// Its origin AS.
    pub asn: Option<u32>,
    /// The AS's name.
    pub as_name: Option<Untrusted>,
    /// The prefix around it in the reference data.
    pub prefix: Option<Prefix>,
    /// What sort of network it belongs to.
    pub kinds: Vec<crate::model::Kind>,
    /// Lists that hold it.
    pub lists: Vec<ListRow>,
    /// Its names.
    pub names: Vec<NameRow>,
    /// When first.
    pub first_seen: Option<Timestamp>,
    /// When last.
    pub last_seen: Option<Timestamp>,
    /// Flows it took part in; with logs alone, records.
    pub flows: u64,
    /// Packets it sent or received.
    pub packets: u64,
    /// IP bytes it received; from logs, bytes of the answers.
    pub bytes_in: u64,
    /// IP bytes it sent.
    pub bytes_out: u64,
    /// `originator`, `responder`, `listed`.
    pub roles: Vec<&'static str>,
}

impl HostRow {
    /// Whether too little is known of it for its score to mean anything.
    pub fn is_unknown(&self) -> bool {
        self.word == "unknown"
    }
}

/// One detection.
#[derive(Clone, Debug, Serialize)]
pub struct DetectionRow {
    /// The detector.
    pub detector: String,
    /// The host it is about.
    pub subject: Addr,
    /// Its realm; `null` for a public address.
    pub subject_realm: Option<Untrusted>,
    /// Its part.
    pub subject_role: SubjectRole,
    /// The others.
    pub peers: Vec<Addr>,
    /// How many others.
    pub peer_count: u64,
    /// Ports.
    pub ports: Vec<u16>,
    /// 0 to 100, from the profile.
    pub severity: u8,
    /// 0 to 1.
    pub confidence: f64,
    /// What it rests on.
    pub basis: Basis,
    /// Whether what was tried worked.
    pub succeeded: Option<bool>,
    /// When first.
    pub first_seen: Option<Timestamp>,
    /// When last.
    pub last_seen: Option<Timestamp>,
    /// How many tries.
    pub count: u64,
    /// MITRE ATT&CK techniques.
    pub attack: Vec<&'static str>,
    /// One sentence.
    pub what: String,
    /// Ways back.
    pub refs: Vec<String>,
    /// What else is worth knowing.
    pub details: Map<String, Value>,
}

/// One flow, with Zeek's conn.log names.
#[derive(Clone, Debug, Serialize)]
pub struct FlowRow {
    /// First packet.
    pub ts: Timestamp,
    /// Identity.
    pub uid: Uid,
    /// Originator.
    #[serde(rename = "id.orig_h")]
    pub orig_h: Addr,
    /// Its port.
    #[serde(rename = "id.orig_p")]
    pub orig_p: u16,
    /// Responder.
    #[serde(rename = "id.resp_h")]
    pub resp_h: Addr,
    /// Its port.
    #[serde(rename = "id.resp_p")]
    pub resp_p: u16,
    /// Transport.
    pub proto: &'static str,
    /// Application protocols, Zeek's names.
    pub service: Option<String>,
    /// Seconds.
    pub duration: Option<f64>,
    /// Payload bytes.
    pub orig_bytes: Option<u64>,
    /// Payload bytes.
    pub resp_bytes: Option<u64>,
    /// How it began and ended.
    pub conn_state: &'static str,
    /// Bytes the capture lost.
    pub missed_bytes: u64,
    /// Zeek's letters; `null` where the protocol has none.
    pub history: Option<String>,
    /// Packets.
    pub orig_pkts: u64,
    /// IP bytes.
    pub orig_ip_bytes: u64,
    /// Packets.
    pub resp_pkts: u64,
    /// IP bytes.
    pub resp_ip_bytes: u64,
    /// Flows that carried it.
    pub tunnel_parents: Vec<Uid>,
    /// Outer VLAN id.
    pub vlan: Option<u16>,
    /// Inner VLAN id.
    pub inner_vlan: Option<u16>,
    /// Community ID, version 1, seed 0.
    pub community_id: Option<String>,
    /// JA3.
    pub ja3: Option<String>,
    /// JA3S.
    pub ja3s: Option<String>,
    /// JA4.
    pub ja4: Option<String>,
    /// HASSH.
    pub hassh: Option<String>,
    /// HASSH of the server.
    pub hassh_server: Option<String>,
    /// TLS server name.
    pub sni: Option<Untrusted>,
    /// Application protocol negotiated.
    pub alpn: Option<Untrusted>,
    /// Server name of any protocol.
    pub server_name: Option<Untrusted>,
    /// Client software.
    pub user_agent: Option<Untrusted>,
    /// Operating system, a guess.
    pub os_guess: Option<&'static str>,
    /// Protocols by content, outermost first.
    pub apps: Vec<&'static str>,
    /// The file.
    pub import: Untrusted,
}

/// One record.
#[derive(Clone, Debug, Serialize)]
pub struct RecordRow {
    /// When.
    pub ts: Option<Timestamp>,
    /// What it is about.
    pub kind: RecordKind,
    /// Program or protocol.
    pub service: Option<Untrusted>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Who acted.
    pub src: Option<Addr>,
    /// Its port.
    pub src_port: Option<u16>,
    /// Who was acted upon.
    pub dst: Option<Addr>,
    /// Its port.
    pub dst_port: Option<u16>,
    /// A name where `src` could stand.
    pub src_name: Option<Untrusted>,
    /// A name where `dst` could stand.
    pub dst_name: Option<Untrusted>,
    /// User.
    pub user: Option<Untrusted>,
    /// Method.
    pub method: Option<Untrusted>,
    /// Host asked for.
    pub host: Option<Untrusted>,
    /// Path.
    pub path: Option<Untrusted>,
    /// Query.
    pub query: Option<Untrusted>,
    /// Status.
    pub status: Option<u32>,
    /// Client software.
    pub user_agent: Option<Untrusted>,
    /// Bytes of the answer.
    pub bytes: Option<u64>,
    /// Line, from 1.
    pub line: Option<u64>,
    /// Flow.
    pub uid: Option<Uid>,
    /// The file.
    pub import: Untrusted,
    /// What else the format says; `times` where a line stands for several.
    pub details: Map<String, Value>,
}
