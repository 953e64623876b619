//! Rows as columns: what tables sort and maps draw without touching the rest.

use std::cmp::Ordering;
use std::sync::Arc;

use super::asked::Asked;
use super::snapshot::{Mark, Marks};
use crate::export::HostRow;
use crate::model::{Addr, Band, Flow, HostKey, Prefix, Record, Timestamp};
use crate::store::DerivedHost;

/// What a host is called beside its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Verdict {
    /// Too little is known.
    #[default]
    Unknown,
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

impl Verdict {
    /// From the least to the most alarming.
    pub const ALL: [Self; 6] =
        [Self::Unknown, Self::None, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::None => "none",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// That of an explained host.
    pub fn of(row: &HostRow) -> Self {
        Self::named(row.word, row.score)
    }

    /// Of a score and its word, which is the band, "unknown" or "evidence conflicts".
    pub(super) fn named(word: &str, score: f64) -> Self {
        if word == Self::Unknown.as_str() {
            return Self::Unknown;
        }
        match Band::of(score) {
            Band::None => Self::None,
            Band::Low => Self::Low,
            Band::Medium => Self::Medium,
            Band::High => Self::High,
            Band::Critical => Self::Critical,
        }
    }
}

/// All hosts, in the order of the ranking: place `n` of each column is the `n`th host.
#[derive(Clone, Debug, Default)]
pub struct HostColumns {
    /// Who.
    pub keys: Vec<HostKey>,
    /// 0 to 100, one decimal.
    pub score: Vec<f32>,
    /// The band, or unknown.
    pub verdict: Vec<Verdict>,
    /// Whether it is the analyst's own.
    pub mine: Vec<bool>,
    /// The first of its names; empty: none.
    pub name: Vec<Box<str>>,
    /// Origin AS; 0: unknown.
    pub asn: Vec<u32>,
    /// The AS's name, shared; empty: unknown.
    pub as_name: Vec<Arc<str>>,
    /// The prefix around it in the reference data.
    pub prefix: Vec<Option<Prefix>>,
    /// Ids of the lists that hold it, one a line, shared.
    pub lists: Vec<Arc<str>>,
    /// `NL`; two zeros: unknown.
    pub country: Vec<[u8; 2]>,
    /// The city, shared; empty: unknown.
    pub city: Vec<Arc<str>>,
    /// Latitude and longitude in degrees; NaN: no place.
    pub point: Vec<[f32; 2]>,
    /// The 90 % radius in km; NaN: no place.
    pub radius_km: Vec<f32>,
    /// `hosting, vpn`, shared.
    pub kinds: Vec<Arc<str>>,
    /// How many detections are about it.
    pub detections: Vec<u32>,
    /// When first.
    pub first_seen: Vec<Option<Timestamp>>,
    /// When last.
    pub last_seen: Vec<Option<Timestamp>>,
    /// Flows; with logs alone, records.
    pub flows: Vec<u64>,
    /// Packets.
    pub packets: Vec<u64>,
    /// Bytes received.
    pub bytes_in: Vec<u64>,
    /// Bytes sent.
    pub bytes_out: Vec<u64>,
    /// What only filters ask about.
    pub(super) asked: Asked,
}

impl HostColumns {
    /// How many hosts there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The address of a row; `None`: there is no such row.
    pub fn addr(&self, row: u32) -> Option<Addr> {
        self.keys.get(row as usize).map(|key| key.addr())
    }

    /// How many of some rows have which verdict, in the order of [`Verdict::ALL`].
    pub(super) fn verdicts(&self, rows: &[u32]) -> [u32; 6] {
        let mut counts = [0; 6];
        for verdict in rows.iter().filter_map(|&row| self.verdict.get(row as usize)) {
            counts[*verdict as usize] += 1;
        }
        counts
    }

    /// Adds a host of a triage.
    pub(super) fn push(&mut self, key: HostKey, row: &HostRow, detections: u32, words: &mut Words) {
        let place = row.place.as_ref();
        let rows = || row.evidence.iter().map(|shown| &shown.row);
        let counted = rows().filter(|row| row.counted && row.id != "prior" && row.id != "cap");
        let detected = rows().filter(|row| row.source == "detector");
        self.cells(
            words,
            &HostCells {
                key,
                realm: row.realm.as_ref().map(|realm| realm.raw()),
                score: row.score,
                word: row.word,
                band: row.band,
                mine: row.mine,
                malice: row.malice,
                anonymity: row.anonymity,
                evidence_amount: row.evidence_amount,
                evidence: counted.map(|row| row.id.as_ref()).collect(),
                detectors: detected.map(|row| row.id.as_ref()).collect(),
                names: row.names.iter().map(|name| name.name.raw()).collect(),
                asn: row.asn,
                as_name: row.as_name.as_ref().map(|name| name.raw()),
                prefix: row.prefix,
                lists: row.lists.iter().map(|list| &*list.id).collect(),
                country: place.and_then(|place| place.country_code.as_deref()),
                region: place.and_then(|place| place.region.as_deref()),
                city: place.and_then(|place| place.city.as_deref()),
                lat: place.and_then(|place| place.lat),
                lon: place.and_then(|place| place.lon),
                radius_km: place.and_then(|place| place.radius_km),
                place_confidence: place.and_then(|place| place.confidence),
                kinds: row.kinds.iter().map(|kind| kind.as_str()).collect(),
                roles: row.roles.clone(),
                detections,
                seen: (row.first_seen, row.last_seen),
                counts: [row.flows, row.packets, row.bytes_in, row.bytes_out],
            },
        );
    }

    /// Adds a host as a case keeps it, shown until all is judged again: its evidence is not kept.
    pub(super) fn push_kept(
        &mut self,
        key: HostKey,
        host: &DerivedHost,
        detections: u32,
        words: &mut Words,
    ) {
        let names: Vec<NameOnly> = serde_json::from_str(&host.names).unwrap_or_default();
        let lists: Vec<IdOnly> = serde_json::from_str(&host.lists).unwrap_or_default();
        let parts = |text: &'_ str| -> Vec<String> {
            text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        let (kinds, roles) = (parts(&host.kinds), parts(&host.roles));
        let place = host.place.as_ref();
        self.cells(
            words,
            &HostCells {
                key,
                realm: None,
                score: host.score,
                word: &host.word,
                band: Band::of(host.score),
                mine: host.mine,
                malice: host.malice,
                anonymity: host.anonymity,
                evidence_amount: host.evidence_amount,
                evidence: Vec::new(),
                detectors: Vec::new(),
                names: names.iter().map(|name| &*name.name).collect(),
                asn: host.asn,
                as_name: host.as_name.as_deref(),
                prefix: host.prefix.as_deref().and_then(|prefix| prefix.parse().ok()),
                lists: lists.iter().map(|list| &*list.id).collect(),
                country: place.and_then(|place| place.country_code.as_deref()),
                region: place.and_then(|place| place.region.as_deref()),
                city: place.and_then(|place| place.city.as_deref()),
                lat: place.and_then(|place| place.lat),
                lon: place.and_then(|place| place.lon),
                radius_km: place.and_then(|place| place.radius_km),
                place_confidence: place.and_then(|place| place.confidence),
                kinds: kinds.iter().map(String::as_str).collect(),
                roles: roles.iter().map(String::as_str).collect(),
                detections,
                seen: (host.first_seen, host.last_seen),
                counts: [host.flows, host.packets, host.bytes_in, host.bytes_out],
            },
        );
    }

    fn cells(&mut self, words: &mut Words, host: &HostCells<'_>) {
        self.keys.push(host.key);
        self.score.push(host.score as f32);
        self.verdict.push(Verdict::named(host.word, host.score));
        self.mine.push(host.mine);
        self.name.push(host.names.first().copied().unwrap_or_default().into());
        self.asn.push(host.asn.unwrap_or(0));
        self.as_name.push(words.shared(host.as_name.unwrap_or_default()));
        self.prefix.push(host.prefix);
        self.lists.push(words.shared(&host.lists.join("\n")));
        let country = host.country.and_then(|code| <[u8; 2]>::try_from(code.as_bytes()).ok());
        self.country.push(country.unwrap_or_default());
        self.city.push(words.shared(host.city.unwrap_or_default()));
        let point = host.lat.zip(host.lon).map(|(lat, lon)| [lat as f32, lon as f32]);
        self.point.push(point.unwrap_or([f32::NAN; 2]));
        self.radius_km.push(host.radius_km.unwrap_or(f64::NAN) as f32);
        self.kinds.push(words.shared(&host.kinds.join(", ")));
        self.detections.push(host.detections);
        self.first_seen.push(host.seen.0);
        self.last_seen.push(host.seen.1);
        let [flows, packets, bytes_in, bytes_out] = host.counts;
        self.flows.push(flows);
        self.packets.push(packets);
        self.bytes_in.push(bytes_in);
        self.bytes_out.push(bytes_out);
        self.asked.push(host);
    }
}

/// What columns hold of one host, whether it was judged now or is kept by a case.
pub(super) struct HostCells<'a> {
    pub(super) key: HostKey,
    pub(super) realm: Option<&'a str>,
    pub(super) score: f64,
    pub(super) word: &'a str,
    pub(super) band: Band,
    pub(super) mine: bool,
    pub(super) malice: f64,
    pub(super) anonymity: f64,
    pub(super) evidence_amount: f64,
    /// Ids of the rows that count.
    pub(super) evidence: Vec<&'a str>,
    pub(super) detectors: Vec<&'a str>,
    pub(super) names: Vec<&'a str>,
    pub(super) asn: Option<u32>,
    pub(super) as_name: Option<&'a str>,
    prefix: Option<Prefix>,
    pub(super) lists: Vec<&'a str>,
    pub(super) country: Option<&'a str>,
    pub(super) region: Option<&'a str>,
    pub(super) city: Option<&'a str>,
    pub(super) lat: Option<f64>,
    pub(super) lon: Option<f64>,
    radius_km: Option<f64>,
    pub(super) place_confidence: Option<f64>,
    pub(super) kinds: Vec<&'a str>,
    pub(super) roles: Vec<&'a str>,
    detections: u32,
    /// First, last.
    pub(super) seen: (Option<Timestamp>, Option<Timestamp>),
    /// Flows, packets, bytes received, bytes sent.
    pub(super) counts: [u64; 4],
}

/// A name as a case keeps it, in JSON.
#[derive(serde::Deserialize)]
struct NameOnly {
    name: String,
}

/// A list as a case keeps it, in JSON.
#[derive(serde::Deserialize)]
struct IdOnly {
    id: String,
}

/// Texts that many rows share, each held once.
#[derive(Debug, Default)]
pub(super) struct Words(hashbrown::HashSet<Arc<str>>);

impl Words {
    fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let word: Arc<str> = Arc::from(text);
        self.0.insert(Arc::clone(&word));
        word
    }
}

/// Which way a column is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// The smallest first.
    Up,
    /// The largest first.
    #[default]
    Down,
}

impl Direction {
    /// The other way.
    #[must_use]
    pub const fn turned(self) -> Self {
        match self {
            Self::Up => Self::Down,
            Self::Down => Self::Up,
        }
    }

    fn apply(self, order: Ordering) -> Ordering {
        match self {
            Self::Up => order,
            Self::Down => order.reverse(),
        }
    }
}

/// A column of the hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostColumn {
    /// Score and band.
    #[default]
    Score,
    /// Address.
    Addr,
    /// First name.
    Name,
    /// AS number and name.
    As,
    /// Kinds of network.
    Kinds,
    /// City and country.
    Place,
    /// Number of detections.
    Detections,
    /// Number of flows.
    Flows,
    /// Packets.
    Packets,
    /// Bytes received.
    BytesIn,
    /// Bytes sent.
    BytesOut,
    /// First sighting.
    FirstSeen,
    /// Last sighting.
    LastSeen,
    /// What a person said: verdict, tags.
    Said,
}

/// How the hosts are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostSort {
    /// By what.
    pub by: HostColumn,
    /// Which way.
    pub direction: Direction,
}

impl HostSort {
    /// Sorts rows; equal ones keep the order of the ranking, and unknown values stand last.
    pub(super) fn sort(self, columns: &HostColumns, marks: &Marks, rows: &mut [u32]) {
        let c = columns;
        match self.by {
            HostColumn::Score if self.direction == Direction::Down => rows.sort_unstable(),
            HostColumn::Score => rows.sort_unstable_by_key(|&row| std::cmp::Reverse(row)),
            HostColumn::Addr => self.by_key(rows, |row| Some(c.keys[row])),
            HostColumn::Name => self.by_key(rows, |row| some_text(&c.name[row])),
            HostColumn::As => self.by_key(rows, |row| Some(c.asn[row]).filter(|&asn| asn > 0)),
            HostColumn::Kinds => self.by_key(rows, |row| some_text(&c.kinds[row])),
            HostColumn::Place => self.by_key(rows, |row| {
                let country = Some(c.country[row]).filter(|code| code[0] > 0)?;
                Some((country, &c.city[row]))
            }),
            HostColumn::Detections => self.by_key(rows, |row| Some(c.detections[row])),
            HostColumn::Flows => self.by_key(rows, |row| Some(c.flows[row])),
            HostColumn::Packets => self.by_key(rows, |row| Some(c.packets[row])),
            HostColumn::BytesIn => self.by_key(rows, |row| Some(c.bytes_in[row])),
            HostColumn::BytesOut => self.by_key(rows, |row| Some(c.bytes_out[row])),
            HostColumn::FirstSeen => self.by_key(rows, |row| c.first_seen[row]),
            HostColumn::LastSeen => self.by_key(rows, |row| c.last_seen[row]),
            // Without a word of a person all are equal.
            HostColumn::Said if marks.is_empty() => rows.sort_unstable(),
            HostColumn::Said => self.by_key(rows, |row| marks.get(&c.keys[row]).map(Mark::text)),
        }
    }

    fn by_key<K: Ord>(self, rows: &mut [u32], key: impl Fn(usize) -> Option<K>) {
        sort_by_key(self.direction, rows, key);
    }
}

fn some_text(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn sort_by_key<K: Ord>(direction: Direction, rows: &mut [u32], key: impl Fn(usize) -> Option<K>) {
    rows.sort_unstable_by(|&a, &b| {
        let by_key = match (key(a as usize), key(b as usize)) {
            (Some(a), Some(b)) => direction.apply(a.cmp(&b)),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        by_key.then(a.cmp(&b))
    });
}

/// A column of the flows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlowColumn {
    /// First packet.
    #[default]
    Time,
    /// Originator.
    Originator,
    /// Responder.
    Responder,
    /// Responder's port.
    Port,
    /// Transport.
    Proto,
    /// Application protocol.
    Service,
    /// State.
    State,
    /// Duration.
    Duration,
    /// Packets of both.
    Packets,
    /// IP bytes sent by the originator.
    BytesOut,
    /// IP bytes sent by the responder.
    BytesIn,
    /// Server name.
    ServerName,
}

/// How the flows are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowSort {
    /// By what.
    pub by: FlowColumn,
    /// Which way.
    pub direction: Direction,
}

impl Default for FlowSort {
    fn default() -> Self {
        Self { by: FlowColumn::Time, direction: Direction::Up }
    }
}

impl FlowSort {
    pub(super) fn sort(self, flows: &[Flow], rows: &mut [u32]) {
        let up = self.direction;
        match self.by {
            FlowColumn::Time => sort_by_key(up, rows, |row| Some(flows[row].first_seen)),
            FlowColumn::Originator => sort_by_key(up, rows, |row| Some(flows[row].originator)),
            FlowColumn::Responder => sort_by_key(up, rows, |row| Some(flows[row].responder)),
            FlowColumn::Port => sort_by_key(up, rows, |row| Some(flows[row].responder.port)),
            FlowColumn::Proto => sort_by_key(up, rows, |row| Some(flows[row].proto)),
            FlowColumn::Service => sort_by_key(up, rows, |row| flows[row].service.as_deref()),
            FlowColumn::State => sort_by_key(up, rows, |row| Some(flows[row].conn_state)),
            FlowColumn::Duration => sort_by_key(up, rows, |row| flows[row].duration_nanos),
            FlowColumn::Packets => sort_by_key(up, rows, |row| Some(flows[row].packets())),
            FlowColumn::BytesOut => sort_by_key(up, rows, |row| Some(flows[row].orig_ip_bytes)),
            FlowColumn::BytesIn => sort_by_key(up, rows, |row| Some(flows[row].resp_ip_bytes)),
            FlowColumn::ServerName => sort_by_key(up, rows, |row| {
                flows[row].spoken.server_name.as_ref().map(|name| name.raw())
            }),
        }
    }
}

/// A column of the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordColumn {
    /// When.
    #[default]
    Time,
    /// What about.
    Kind,
    /// Program or protocol.
    Service,
    /// How it ended.
    Outcome,
    /// Who acted.
    Src,
    /// Who was acted upon.
    Dst,
    /// User.
    User,
    /// Method.
    Method,
    /// Host and path, or the name asked.
    Target,
    /// Status.
    Status,
}

/// How the records are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordSort {
    /// By what.
    pub by: RecordColumn,
    /// Which way.
    pub direction: Direction,
}

impl Default for RecordSort {
    fn default() -> Self {
        Self { by: RecordColumn::Time, direction: Direction::Up }
    }
}

impl RecordSort {
    pub(super) fn sort(self, records: &[Record], rows: &mut [u32]) {
        let up = self.direction;
        match self.by {
            RecordColumn::Time => sort_by_key(up, rows, |row| records[row].ts),
            RecordColumn::Kind => sort_by_key(up, rows, |row| Some(records[row].kind)),
            RecordColumn::Service => sort_by_key(up, rows, |row| records[row].service.as_ref()),
            RecordColumn::Outcome => sort_by_key(up, rows, |row| records[row].outcome),
            RecordColumn::Src => sort_by_key(up, rows, |row| records[row].src),
            RecordColumn::Dst => sort_by_key(up, rows, |row| records[row].dst),
            RecordColumn::User => sort_by_key(up, rows, |row| records[row].user.as_ref()),
            RecordColumn::Method => sort_by_key(up, rows, |row| records[row].method.as_ref()),
            RecordColumn::Target => sort_by_key(up, rows, |row| {
                let record = &records[row];
                record.path.as_ref().or(record.query.as_ref()).or(record.dst_name.as_ref())
            }),
            RecordColumn::Status => sort_by_key(up, rows, |row| records[row].status),
        }
    }
}
