//! Records: one parsed log line or protocol transaction, in one shape for all formats.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Addr, ImportId, Ref, Timestamp, Uid, Untrusted};

/// What a record is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A try to log in.
    Auth,
    /// An HTTP request.
    Http,
    /// A DNS query.
    Dns,
    /// A TLS handshake.
    Tls,
    /// An SSH opening.
    Ssh,
    /// A mail dialogue.
    Smtp,
    /// An FTP command.
    Ftp,
    /// A packet filter's line.
    Firewall,
    /// A flow as another tool saw it.
    Connection,
    /// Another tool's alert.
    Alert,
    /// What a trap saw.
    Trap,
    /// A DHCP lease.
    Dhcp,
    /// A file seen in transfer.
    File,
    /// A process.
    Process,
    /// A cloud provider's audit line.
    Cloud,
    /// Anything else that names an address.
    #[default]
    Other,
}

impl RecordKind {
    /// The word of the JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Http => "http",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Ssh => "ssh",
            Self::Smtp => "smtp",
            Self::Ftp => "ftp",
            Self::Firewall => "firewall",
            Self::Connection => "connection",
            Self::Alert => "alert",
            Self::Trap => "trap",
            Self::Dhcp => "dhcp",
            Self::File => "file",
            Self::Process => "process",
            Self::Cloud => "cloud",
            Self::Other => "other",
        }
    }
}

/// How what was tried ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It worked.
    Success,
    /// Credentials or request refused by the service.
    Failure,
    /// Refused by a filter or limit.
    Blocked,
    /// Let through by a filter.
    Allowed,
}

impl Outcome {
    /// The word of the JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Blocked => "blocked",
            Self::Allowed => "allowed",
        }
    }
}

/// One log line or one protocol transaction. `None` is unknown.
///
/// Secrets never enter a record: a password that was seen appears in `details` as its length and a
/// keyed hash (`secret_bytes`, `secret_hash`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// When; `None` where the line has no time.
    pub ts: Option<Timestamp>,
    /// What it is about.
    pub kind: RecordKind,
    /// The program or protocol, in lower case: `sshd`, `nginx`, `dns`.
    pub service: Option<Untrusted>,
    /// How it ended; `None`: the line does not say.
    pub outcome: Option<Outcome>,
    /// Who acted: the client, the sender.
    pub src: Option<Addr>,
    /// Its port.
    pub src_port: Option<u16>,
    /// Who was acted upon.
    pub dst: Option<Addr>,
    /// Its port.
    pub dst_port: Option<u16>,
    /// A host name where `src` could stand.
    pub src_name: Option<Untrusted>,
    /// A host name where `dst` could stand; for DNS the name asked.
    pub dst_name: Option<Untrusted>,
    /// User name.
    pub user: Option<Untrusted>,
    /// Request method, login method (`password`, `publickey`), DNS type.
    pub method: Option<Untrusted>,
    /// Server or virtual host that was asked for.
    pub host: Option<Untrusted>,
    /// Path of the request, without the query.
    pub path: Option<Untrusted>,
    /// Query after `?`; the question of DNS.
    pub query: Option<Untrusted>,
    /// Status of the answer, as the protocol numbers it.
    pub status: Option<u32>,
    /// Client software as it names itself.
    pub user_agent: Option<Untrusted>,
    /// Bytes of the answer or transfer.
    pub bytes: Option<u64>,
    /// Line in the unpacked text, from 1; `None` for a transaction of a capture.
    pub line: Option<u64>,
    /// The flow it belongs to, if it was read from packets.
    pub uid: Option<Uid>,
    /// How many equal lines this one stands for ("message repeated 5 times"): at least 1.
    pub times: u32,
    /// The file it was read from.
    pub import: ImportId,
    /// What else the format says, under the format's own names.
    pub details: Map<String, Value>,
}

impl Record {
    /// An empty record of one kind that stands for itself alone.
    pub fn new(kind: RecordKind, import: ImportId) -> Self {
        Self { kind, import, times: 1, ..Self::default() }
    }

    /// The way back to it: its flow, else its line.
    pub fn reference(&self) -> Option<Ref> {
        match (self.uid, self.line) {
            (Some(uid), _) => Some(Ref::Flow(uid)),
            (None, Some(line)) => Some(Ref::Record(self.import, line)),
            (None, None) => None,
        }
    }
}
