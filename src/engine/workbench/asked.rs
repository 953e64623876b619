//! What hosts answer to a filter, in columns: texts as numbers into dictionaries, so that a filter
//! compares each text once however many hosts have it.
//!
//! [`HostColumns`] holds what tables and maps draw; [`Asked`] holds what only filters ask about.
//! Both grow by one row at a time, in the thread that reads, and together they are the table that a
//! [`Plan`](crate::filter::Plan) runs over.

use std::sync::Arc;

use hashbrown::HashMap;
use roaring::RoaringBitmap;

use super::columns::{HostCells, HostColumns, Verdict};
use super::snapshot::Marks;
use crate::filter::{ABSENT, Bits, Column, Columns, Data, Dictionary, FieldId, Filter};
use crate::model::{Addr, Band, Timestamp};

/// Texts by number, each held once, with the number of its uses.
#[derive(Clone, Debug, Default)]
struct Lexicon {
    ids: HashMap<Arc<str>, u32>,
    texts: Vec<(Arc<str>, u32)>,
}

impl Lexicon {
    fn id(&mut self, text: &str) -> u32 {
        let known = self.ids.get(text).copied();
        let id = known.unwrap_or_else(|| {
            let (id, shared) = (self.texts.len() as u32, Arc::<str>::from(text));
            self.ids.insert(Arc::clone(&shared), id);
            self.texts.push((shared, 0));
            id
        });
        if let Some((_, uses)) = self.texts.get_mut(id as usize) {
            *uses += 1;
        }
        id
    }
}

impl Dictionary for Lexicon {
    fn len(&self) -> usize {
        self.texts.len()
    }

    fn text(&self, id: usize) -> &str {
        self.texts.get(id).map_or("", |(text, _)| text)
    }
}

/// At most one text a host.
#[derive(Clone, Debug, Default)]
struct Word {
    ids: Vec<u32>,
    words: Lexicon,
}

impl Word {
    fn push(&mut self, text: Option<&str>) {
        self.ids.push(text.map_or(ABSENT, |text| self.words.id(text)));
    }

    fn column(&self) -> Column<'_> {
        Column::one(Data::Texts(&self.ids, &self.words))
    }
}

/// Any number of texts a host.
#[derive(Clone, Debug)]
struct Many {
    ids: Vec<u32>,
    offsets: Vec<u32>,
    words: Lexicon,
}

impl Default for Many {
    fn default() -> Self {
        Self { ids: Vec::new(), offsets: vec![0], words: Lexicon::default() }
    }
}

impl Many {
    fn push<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) {
        for text in texts {
            let id = self.words.id(text);
            self.ids.push(id);
        }
        self.offsets.push(self.ids.len() as u32);
    }

    fn column(&self) -> Column<'_> {
        Column::many(Data::Texts(&self.ids, &self.words), &self.offsets)
    }
}

/// Any number of texts of a short list a host: for each text the hosts that have it, so that a
/// condition on it reads those alone, and conditions on several are algebra on sets.
#[derive(Clone, Debug, Default)]
struct Sets {
    hosts: Vec<RoaringBitmap>,
    words: Lexicon,
    rows: u32,
}

impl Sets {
    fn push<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) {
        for text in texts {
            let id = self.words.id(text) as usize;
            if id >= self.hosts.len() {
                self.hosts.resize_with(id + 1, RoaringBitmap::new);
            }
            if let Some(hosts) = self.hosts.get_mut(id) {
                hosts.insert(self.rows);
            }
        }
        self.rows += 1;
    }

    fn column(&self) -> Column<'_> {
        Column::one(Data::Sets(&self.hosts, &self.words))
    }
}

/// At most one moment a host.
#[derive(Clone, Debug, Default)]
struct Moments {
    times: Vec<Timestamp>,
    known: Bits,
}

impl Moments {
    fn push(&mut self, at: Option<Timestamp>) {
        self.times.push(at.unwrap_or_default());
        self.known.push(at.is_some());
    }

    fn column(&self) -> Column<'_> {
        Column::optional(Data::Times(&self.times), &self.known)
    }
}

/// What hosts answer to a filter beside what is drawn of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    addr: Vec<Addr>,
    realm: Word,
    mine: Bits,
    band: Vec<Band>,
    malice: Vec<f32>,
    anonymity: Vec<f32>,
    evidence_amount: Vec<f32>,
    evidence: Sets,
    detector: Sets,
    has_asn: Bits,
    /// Whether it has a score at all.
    is_known: Bits,
    as_name: Word,
    country: Word,
    region: Word,
    city: Word,
    lat: Vec<f32>,
    lon: Vec<f32>,
    place_confidence: Vec<f32>,
    kind: Sets,
    list: Sets,
    name: Many,
    role: Sets,
    bytes: Vec<u64>,
    first_seen: Moments,
    last_seen: Moments,
}

impl Asked {
    pub(super) fn push(&mut self, host: &HostCells<'_>) {
        let number = |value: Option<f64>| value.map_or(f32::NAN, |value| value as f32);
        self.addr.push(host.key.addr());
        self.realm.push(host.realm);
        self.mine.push(host.mine);
        self.band.push(host.band);
        self.malice.push(host.malice as f32);
        self.anonymity.push(host.anonymity as f32);
        self.evidence_amount.push(host.evidence_amount as f32);
        self.evidence.push(host.evidence.iter().copied());
        self.detector.push(host.detectors.iter().copied());
        self.has_asn.push(host.asn.is_some());
        self.is_known.push(Verdict::named(host.word, host.score) != Verdict::Unknown);
        self.as_name.push(host.as_name);
        self.country.push(host.country);
        self.region.push(host.region);
        self.city.push(host.city);
        self.lat.push(number(host.lat));
        self.lon.push(number(host.lon));
        self.place_confidence.push(number(host.place_confidence));
        self.kind.push(host.kinds.iter().copied());
        self.list.push(host.lists.iter().copied());
        self.name.push(host.names.iter().copied());
        self.role.push(host.roles.iter().copied());
        let [_, _, bytes_in, bytes_out] = host.counts;
        self.bytes.push(bytes_in.saturating_add(bytes_out));
        self.first_seen.push(host.seen.0);
        self.last_seen.push(host.seen.1);
    }

    fn words(&self, field: FieldId) -> Option<&Lexicon> {
        Some(match field {
            FieldId::Realm => &self.realm.words,
            FieldId::Evidence => &self.evidence.words,
            FieldId::Detector => &self.detector.words,
            FieldId::AsName => &self.as_name.words,
            FieldId::Country => &self.country.words,
            FieldId::Region => &self.region.words,
            FieldId::City => &self.city.words,
            FieldId::Kind => &self.kind.words,
            FieldId::List => &self.list.words,
            FieldId::Name => &self.name.words,
            FieldId::Role => &self.role.words,
            _ => return None,
        })
    }
}

impl HostColumns {
    /// The texts that a field has among the hosts and how often, the most frequent first; none for
    /// a field of numbers or one that hosts do not have. At most `most`.
    pub fn frequent(&self, field: FieldId, most: usize) -> Vec<(String, u32)> {
        let Some(words) = self.asked.words(field) else { return Vec::new() };
        let mut texts: Vec<&(Arc<str>, u32)> = words.texts.iter().collect();
        let rank = |(text, uses): &(Arc<str>, u32)| (std::cmp::Reverse(*uses), Arc::clone(text));
        if texts.len() > most && most > 0 {
            texts.select_nth_unstable_by_key(most - 1, |it| rank(it));
            texts.truncate(most);
        }
        texts.sort_unstable_by_key(|it| rank(it));
        texts.into_iter().map(|(text, uses)| (text.to_string(), *uses)).collect()
    }
}

/// What a person said of the hosts, in columns. Made for a filter that asks about it: one look into
/// the marks a host, some ten milliseconds for a million.
#[derive(Debug, Default)]
pub(super) struct SaidColumns {
    tag: Many,
    verdict: Word,
    note: Word,
}

impl SaidColumns {
    pub(super) fn new(hosts: &HostColumns, marks: &Marks) -> Self {
        let mut said = Self::default();
        for key in &hosts.keys {
            let mark = marks.get(key);
            said.tag.push(mark.iter().flat_map(|mark| &mark.tags).map(String::as_str));
            let decision = mark.and_then(|mark| mark.decision.as_ref());
            said.verdict.push(decision.map(|decision| decision.as_str()));
            said.note.push(mark.and_then(|mark| mark.note.as_deref()));
        }
        said
    }

    /// Whether a filter asks about it.
    pub(super) fn is_asked(filter: &Filter) -> bool {
        let said = [FieldId::Tag, FieldId::Verdict, FieldId::Note];
        filter.searches() || filter.fields().iter().any(|field| said.contains(&field.id))
    }
}

/// Hosts with what a person said of them.
pub(super) struct Marked<'a> {
    pub(super) hosts: &'a HostColumns,
    pub(super) said: &'a SaidColumns,
}

impl Columns for Marked<'_> {
    fn rows(&self) -> usize {
        self.hosts.len()
    }

    fn column(&self, field: FieldId) -> Option<Column<'_>> {
        match field {
            FieldId::Tag => Some(self.said.tag.column()),
            FieldId::Verdict => Some(self.said.verdict.column()),
            FieldId::Note => Some(self.said.note.column()),
            other => self.hosts.column(other),
        }
    }
}

impl Columns for HostColumns {
    fn rows(&self) -> usize {
        self.len()
    }

    fn column(&self, field: FieldId) -> Option<Column<'_>> {
        let asked = &self.asked;
        Some(match field {
            FieldId::Addr => Column::one(Data::Addrs(&asked.addr)),
            FieldId::Mine => Column::one(Data::Flags(&asked.mine)),
            FieldId::Score => Column::optional(Data::F32(&self.score), &asked.is_known),
            FieldId::Band => Column::optional(Data::Bands(&asked.band), &asked.is_known),
            FieldId::Malice => Column::one(Data::F32(&asked.malice)),
            FieldId::Anonymity => Column::one(Data::F32(&asked.anonymity)),
            FieldId::EvidenceAmount => Column::one(Data::F32(&asked.evidence_amount)),
            FieldId::Asn => Column::optional(Data::U32(&self.asn), &asked.has_asn),
            FieldId::Lat => Column::one(Data::F32(&asked.lat)),
            FieldId::Lon => Column::one(Data::F32(&asked.lon)),
            FieldId::Point => Column::one(Data::Points(&self.point)),
            FieldId::RadiusKm => Column::one(Data::F32(&self.radius_km)),
            FieldId::PlaceConfidence => Column::one(Data::F32(&asked.place_confidence)),
            FieldId::Flows => Column::one(Data::U64(&self.flows)),
            FieldId::Packets => Column::one(Data::U64(&self.packets)),
            FieldId::Bytes => Column::one(Data::U64(&asked.bytes)),
            FieldId::BytesIn => Column::one(Data::U64(&self.bytes_in)),
            FieldId::BytesOut => Column::one(Data::U64(&self.bytes_out)),
            FieldId::FirstSeen => asked.first_seen.column(),
            FieldId::LastSeen => asked.last_seen.column(),
            FieldId::Realm => asked.realm.column(),
            FieldId::AsName => asked.as_name.column(),
            FieldId::Country => asked.country.column(),
            FieldId::Region => asked.region.column(),
            FieldId::City => asked.city.column(),
            FieldId::Evidence => asked.evidence.column(),
            FieldId::Detector => asked.detector.column(),
            FieldId::Kind => asked.kind.column(),
            FieldId::List => asked.list.column(),
            FieldId::Name => asked.name.column(),
            FieldId::Role => asked.role.column(),
            // Tags, verdicts and notes are a person's: see [`Marked`].
            _ => return None,
        })
    }
}
