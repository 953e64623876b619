//! Detections, evidence, scores: what is said of a host, and how much each word weighs.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{HostKey, ListTerms, Ref, Timestamp};

/// What part the subject of a detection played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectRole {
    /// It did it.
    Actor,
    /// It was done to it.
    Target,
    /// The address is only claimed (ARP, forged sources).
    Claimed,
}

impl SubjectRole {
    /// The word of the JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Target => "target",
            Self::Claimed => "claimed",
        }
    }
}

/// What a detection rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Bytes that were sent.
    Content,
    /// Counts, times and directions.
    Behaviour,
    /// What a log says.
    Log,
    /// Membership in a list.
    List,
}

impl Basis {
    /// The word of the JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Behaviour => "behaviour",
            Self::Log => "log",
            Self::List => "list",
        }
    }
}

/// One occurrence of a behaviour that a detector looks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    /// The slug: `scan.horizontal`.
    pub detector: Cow<'static, str>,
    /// The host it is about.
    pub subject: HostKey,
    /// What part it played.
    pub subject_role: SubjectRole,
    /// The others, at most [`DETECTION_PEERS_MAX`](super::limits::DETECTION_PEERS_MAX), sorted.
    pub peers: Vec<HostKey>,
    /// How many others there truly were.
    pub peer_count: u64,
    /// Ports of the target side, sorted, at most 100.
    pub ports: Vec<u16>,
    /// How sure the detector is, 0 to 1.
    pub confidence: f64,
    /// What it rests on.
    pub basis: Basis,
    /// Whether what was tried worked; `None`: cannot tell.
    pub succeeded: Option<bool>,
    /// First time it was seen; `None`: nothing in it has a time.
    pub first_seen: Option<Timestamp>,
    /// Last time it was seen.
    pub last_seen: Option<Timestamp>,
    /// How many tries, requests, packets …
    pub count: u64,
    /// MITRE ATT&CK technique ids.
    pub attack: Vec<&'static str>,
    /// One sentence: "SYN to 412 hosts on tcp/23 in 60 s". Foreign text last, escaped.
    pub what: String,
    /// Ways back, at most [`REFS_MAX`](super::limits::REFS_MAX).
    pub refs: Vec<Ref>,
    /// What else is worth knowing.
    pub details: Map<String, Value>,
}

/// Which row of the profile weighs a piece of evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Weighing {
    /// The row that has its id.
    #[default]
    ById,
    /// The row that has its id, else this one: `list.hostile` for an analyst's list.
    ElseBy(&'static str),
    /// This one, whatever its id: `explained.scan` for a scan by a known research scanner.
    InsteadBy(&'static str),
}

/// One weighed statement about a host, before the arithmetic.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// What it says: a detector's slug, `list.<id>`, `kind.hosting` …
    pub id: Cow<'static, str>,
    /// The row of the profile that weighs it.
    pub weighing: Weighing,
    /// `detector`, `list`, `activity`, `profile`.
    pub source: &'static str,
    /// How often.
    pub count: u64,
    /// First sighting; `None`: undated.
    pub first_seen: Option<Timestamp>,
    /// Newest sighting, from which it decays; `None`: undated, decay 1.
    pub last_seen: Option<Timestamp>,
    /// One sentence.
    pub what: String,
    /// Ways back.
    pub refs: Vec<Ref>,
    /// How an own feed is weighed, over the profile's row.
    pub terms: Option<Arc<ListTerms>>,
}

/// One row of an explained score (INTERFACE, "Score arithmetic"). `None` is `null`: does not apply.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EvidenceRow {
    /// `prior`, a row of the profile, or `cap`.
    pub id: Cow<'static, str>,
    /// Where it comes from.
    pub source: &'static str,
    /// Rows of a group overlap: only the strongest counts.
    pub group: Option<String>,
    /// Points of the score, in tenths; all rows sum to the score.
    pub contribution: f64,
    /// weight · decay · llr in nats, as counted.
    pub x: f64,
    /// ln of P(evidence if hostile) over P(evidence if harmless).
    pub llr: Option<f64>,
    /// The analyst's weight, 1 unless changed.
    pub weight: Option<f64>,
    /// 0.5 to the power of age over half-life.
    pub decay: Option<f64>,
    /// Whether it counts (the strongest of its group does).
    pub counted: bool,
    /// How often.
    pub count: Option<u64>,
    /// First sighting.
    pub first_seen: Option<Timestamp>,
    /// Newest sighting.
    pub last_seen: Option<Timestamp>,
    /// One sentence.
    pub what: Option<String>,
    /// Ways back.
    #[serde(skip)]
    pub refs: Vec<Ref>,
}

/// The name of a score (after CVSS 3.1 ratings).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// Below 1.
    None,
    /// Below 25.
    Low,
    /// Below 50.
    Medium,
    /// Below 75.
    High,
    /// 75 and more.
    Critical,
}

impl Band {
    /// The band of a score from 0 to 100.
    pub fn of(score: f64) -> Self {
        match score {
            score if score < 1.0 => Self::None,
            score if score < 25.0 => Self::Low,
            score if score < 50.0 => Self::Medium,
            score if score < 75.0 => Self::High,
            _ => Self::Critical,
        }
    }

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// Three numbers about a host, and the rows that explain the first.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// 0 to 100, unrounded: the order of the ranking.
    pub exact: f64,
    /// 0 to 100 with one decimal: the sum of the rows' contributions.
    pub score: f64,
    /// 0 to 1, four decimals.
    pub malice: f64,
    /// How well the host hides who is behind it, 0 to 1, four decimals. Not malice.
    pub anonymity: f64,
    /// How much was seen, 0 to 1, four decimals.
    pub evidence_amount: f64,
    /// Positives and negatives each exceed two nats.
    pub conflicting: bool,
    /// The explanation, in the order it is shown.
    pub rows: Vec<EvidenceRow>,
}

impl Score {
    /// Below this amount of evidence a host is called unknown, whatever its score.
    pub const KNOWN_MIN: f64 = 0.1;

    /// The band of the score as shown.
    pub fn band(&self) -> Band {
        Band::of(self.score)
    }

    /// Whether there is evidence enough to call the host anything but unknown.
    pub fn is_known(&self) -> bool {
        self.evidence_amount >= Self::KNOWN_MIN
    }

    /// What people are told: "unknown", "evidence conflicts" or the band.
    pub fn verdict_word(&self) -> &'static str {
        if !self.is_known() {
            "unknown"
        } else if self.conflicting {
            "evidence conflicts"
        } else {
            self.band().as_str()
        }
    }
}
