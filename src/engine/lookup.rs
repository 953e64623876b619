//! What is known of addresses and prefixes, one line at a time: `infralock lookup`.
//!
//! Text comes in, a row for each line goes out, in order. A batch of lines is cut in one part a
//! worker; each asks the data and writes JSON into its own buffer, and the buffers are joined in
//! order. The estimate: parsing 100 ns, eight tables at 50 to 300 ns each, a place 500 ns, JSON 500
//! ns: 3 µs a line, so 300,000 lines a second on one core and nearly twice that on two.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};
use std::sync::Arc;

use super::Context;
use super::lookup_kept::{self, KeptAnswers};
use crate::export::ListRow;
use crate::intel::Keyed;
use crate::model::query::{self, Query};
use crate::model::{Addr, Facts, Kind, Place, Prefix, Reserved, Untrusted};
use crate::threat::evidence::{Activity, evidence};
use crate::threat::score::score;

/// What is said of one query (INTERFACE, "Other shapes").
#[derive(Clone, Debug)]
pub struct LookupRow {
    /// The text as given.
    pub query: Untrusted,
    /// The address, where the query is one.
    pub addr: Option<Addr>,
    /// The prefix around the address in the data, or the prefix asked for.
    pub prefix: Option<Prefix>,
    /// Why it is no ordinary public address.
    pub reserved: Option<Reserved>,
    /// Origin AS.
    pub asn: Option<u32>,
    /// Its name.
    pub as_name: Option<Arc<str>>,
    /// What sort of network.
    pub kinds: Vec<Kind>,
    /// Lists that hold it.
    pub lists: Vec<ListRow>,
    /// Where it is.
    pub place: Option<Place>,
    /// The score from shipped data alone; `None` for reserved addresses, prefixes and failures.
    pub score: Option<f64>,
    /// What was wrong with the query.
    pub error: Option<&'static str>,
}

/// The keys of a row, in their order.
pub const LOOKUP_FIELDS: [&str; 11] = [
    "query", "addr", "prefix", "reserved", "asn", "as_name", "kinds", "lists", "place", "score",
    "error",
];

/// The keys to write; all of them unless the analyst chose.
#[derive(Clone, Debug)]
pub struct LookupFields(Vec<&'static str>);

impl Default for LookupFields {
    fn default() -> Self {
        Self(LOOKUP_FIELDS.to_vec())
    }
}

impl LookupFields {
    /// From `a,b`, in that order.
    ///
    /// # Errors
    /// A name that is no key; the sentence lists those that are.
    pub fn parse(text: &str) -> Result<Self, String> {
        let field = |name: &str| {
            LOOKUP_FIELDS.into_iter().find(|known| *known == name).ok_or_else(|| {
                format!("no field is called {name:?}; there are {}", LOOKUP_FIELDS.join(", "))
            })
        };
        text.split(',').map(str::trim).map(field).collect::<Result<_, _>>().map(Self)
    }

    /// The chosen keys.
    pub fn names(&self) -> &[&'static str] {
        &self.0
    }
}

/// How many lines were what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LookupStats {
    /// Lines that held a query; blank ones and comments are none.
    pub queries: u64,
    /// Of these: what is no address, prefix or range.
    pub failed: u64,
    /// Reserved addresses.
    pub reserved: u64,
    /// With a place.
    pub placed: u64,
    /// With an origin AS.
    pub with_asn: u64,
    /// In at least one list.
    pub listed: u64,
}

impl LookupStats {
    /// Counts one answer.
    pub fn count(&mut self, row: &LookupRow) {
        self.queries += 1;
        self.failed += u64::from(row.error.is_some());
        self.reserved += u64::from(row.reserved.is_some());
        self.placed += u64::from(row.place.is_some());
        self.with_asn += u64::from(row.asn.is_some());
        self.listed += u64::from(!row.lists.is_empty());
    }
}

impl std::ops::AddAssign for LookupStats {
    fn add_assign(&mut self, other: Self) {
        self.queries += other.queries;
        self.failed += other.failed;
        self.reserved += other.reserved;
        self.placed += other.placed;
        self.with_asn += other.with_asn;
        self.listed += other.listed;
    }
}

/// Scores kept by what they follow from. There are a few thousand combinations of lists; a flood of
/// own ones starts over.
const SCORES_MAX: usize = 65_536;

/// Answers queries; remembers scores, which depend on kinds and lists alone.
pub struct Lookup<'a> {
    pub(super) context: &'a Context,
    scores: HashMap<(Vec<Kind>, Vec<Arc<str>>), f64>,
    /// Answers written before, for those who write many.
    pub(super) kept: KeptAnswers,
    /// Room for keys, used again for each batch.
    pub(super) keyed: Vec<Keyed>,
    /// What the counts are wanted for.
    pub(super) counted: Counted,
}

/// What is counted of answers that are written: counting places and lists means asking for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Everything that [`LookupStats`] has.
    Everything,
    /// Queries and failures; the rest may be anything.
    Queries,
}

impl<'a> Lookup<'a> {
    /// Asks the data of `context`.
    pub fn new(context: &'a Context) -> Self {
        Self::with_kept(context, lookup_kept::KEPT_BYTES_MAX)
    }

    fn with_kept(context: &'a Context, bytes_max: usize) -> Self {
        let kept = KeptAnswers::new(bytes_max);
        let counted = Counted::Everything;
        Self { context, scores: HashMap::new(), kept, keyed: Vec::new(), counted }
    }

    /// What is known of one text.
    ///
    /// Of a prefix or range, what its first and its last address have in common: a network that is
    /// split between two owners has none.
    pub fn row(&mut self, text: &str) -> LookupRow {
        let query = match query::parse(text) {
            Ok(query) => query,
            Err(error) => return failed(text, error.what),
        };
        if let Some(addr) = query.addr() {
            return self.row_of(text, addr);
        }
        let (first, last) = (query.range().first(), query.range().last());
        let facts = self.context.facts(first);
        let place = self.context.place(&facts);
        let other = self.context.facts(last);
        let place = place.filter(|place| self.context.place(&other).as_ref() == Some(place));
        let prefix = match query {
            Query::Prefix(prefix) => Some(prefix),
            Query::Addr { .. } | Query::Range(_) => None,
        };
        known(text, None, prefix, common(facts, &other), place, None)
    }

    /// What is known of an address that was written as `text`.
    pub(super) fn row_of(&mut self, text: &str, addr: Addr) -> LookupRow {
        let facts = self.context.facts(addr);
        let place = self.context.place(&facts);
        let score = facts.reserved.is_none().then(|| self.score(&facts));
        known(text, Some(addr), facts.prefix, facts, place, score)
    }

    /// What is known of one line; `None`: it is blank or a comment.
    pub fn line(&mut self, line: &[u8]) -> Option<LookupRow> {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            return None;
        }
        Some(match std::str::from_utf8(line) {
            Ok(line) => self.row(line),
            Err(_) => failed(&String::from_utf8_lossy(line), "not UTF-8 text"),
        })
    }

    fn score(&mut self, facts: &Facts) -> f64 {
        let lists = facts.lists.iter().map(|list| Arc::clone(&list.id)).collect();
        let key = (facts.kinds.clone(), lists);
        if let Some(&known) = self.scores.get(&key) {
            return known;
        }
        if self.scores.len() >= SCORES_MAX {
            self.scores.clear();
        }
        let profile = &self.context.profile;
        let rows = evidence(&[], facts, &Activity::default(), profile);
        let now = self.context.at.unwrap_or_else(|| self.context.data_date());
        let score = score(&rows, &facts.kinds, profile, now).score;
        self.scores.insert(key, score);
        score
    }
}

fn failed(text: &str, error: &'static str) -> LookupRow {
    LookupRow { error: Some(error), ..known(text, None, None, Facts::default(), None, None) }
}

fn known(
    text: &str,
    addr: Option<Addr>,
    prefix: Option<Prefix>,
    facts: Facts,
    place: Option<Place>,
    score: Option<f64>,
) -> LookupRow {
    let lists = facts.lists.into_iter().map(|list| ListRow { id: list.id, since: list.since });
    LookupRow {
        query: Untrusted::new(text),
        addr,
        prefix,
        reserved: facts.reserved,
        asn: facts.asn,
        as_name: facts.as_name,
        kinds: facts.kinds,
        lists: lists.collect(),
        place,
        score,
        error: None,
    }
}

/// What is true of both ends.
fn common(mut first: Facts, last: &Facts) -> Facts {
    if first.asn != last.asn {
        (first.asn, first.as_name) = (None, None);
    }
    first.reserved = first.reserved.filter(|_| first.reserved == last.reserved);
    first.kinds.retain(|kind| last.kinds.contains(kind));
    first.lists.retain(|list| last.lists.iter().any(|other| other.id == list.id));
    first
}

/// What one worker wrote of a batch; its room is used again for the next.
#[derive(Default)]
struct Answer {
    json: Vec<u8>,
    stats: LookupStats,
}

impl Answer {
    fn write(&mut self, worker: &mut Lookup<'_>, lines: &[u8], fields: &LookupFields) {
        self.json.clear();
        self.stats = lookup_kept::write_lines(worker, lines, fields, &mut self.json);
    }
}

/// Bytes of a batch: enough lines to be worth two threads, few enough to answer a person at once.
const BATCH_BYTES_MAX: usize = 1 << 16;

/// Below this a batch is not worth a thread.
const PART_BYTES_MIN: usize = 1 << 13;

/// Bytes of a line that are kept. No query is longer; what is beyond is passed over.
const LINE_BYTES_KEPT: usize = 2 * query::QUERY_BYTES_MAX;

/// Answers every line of `input` with a line of JSON, in order, as the lines arrive.
///
/// # Errors
/// When `input` cannot be read or `out` cannot be written.
pub fn lookup_stream(
    context: &Context,
    input: impl io::Read,
    fields: &LookupFields,
    counted: Counted,
    out: &mut dyn Write,
) -> io::Result<LookupStats> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    let kept = lookup_kept::KEPT_BYTES_MAX / workers;
    let worker = |_| {
        let lookup = Lookup { counted, ..Lookup::with_kept(context, kept) };
        (lookup, Answer::default())
    };
    let mut workers: Vec<(Lookup<'_>, Answer)> = (0..workers).map(worker).collect();
    let mut input = io::BufReader::with_capacity(BATCH_BYTES_MAX, input);
    let mut pending = Vec::with_capacity(BATCH_BYTES_MAX);
    let mut stats = LookupStats::default();
    loop {
        let read = match input.fill_buf() {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let length = read.len();
        if length == 0 {
            break;
        }
        // Whole lines are answered now, whatever comes later.
        match read.iter().rposition(|&byte| byte == b'\n') {
            Some(end) => {
                let (lines, rest) = read.split_at(end + 1);
                keep(&mut pending, lines);
                stats += answer(&mut workers, &pending, fields, out)?;
                pending.clear();
                keep(&mut pending, rest);
            }
            None => keep(&mut pending, read),
        }
        input.consume(length);
    }
    stats += answer(&mut workers, &pending, fields, out)?;
    Ok(stats)
}

/// Adds bytes to a line that is not finished, unless it is too long already; then only what follows
/// its end is added.
fn keep(pending: &mut Vec<u8>, bytes: &[u8]) {
    if pending.len() <= LINE_BYTES_KEPT {
        pending.extend_from_slice(bytes);
    } else if let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
        pending.extend_from_slice(bytes.get(end..).unwrap_or_default());
    }
}

fn answer(
    workers: &mut [(Lookup<'_>, Answer)],
    lines: &[u8],
    fields: &LookupFields,
    out: &mut dyn Write,
) -> io::Result<LookupStats> {
    let parts = parts(lines, workers.len());
    let used = parts.len();
    let jobs = workers.iter_mut().zip(parts);
    std::thread::scope(|scope| {
        let mut mine = None;
        for (number, ((worker, answer), part)) in jobs.enumerate() {
            if number == 0 {
                mine = Some((worker, part, answer));
            } else {
                scope.spawn(move || answer.write(worker, part, fields));
            }
        }
        if let Some((worker, part, answer)) = mine {
            answer.write(worker, part, fields);
        }
    });
    let mut stats = LookupStats::default();
    for (_, answer) in workers.iter().take(used) {
        out.write_all(&answer.json)?;
        stats += answer.stats;
    }
    out.flush()?;
    Ok(stats)
}

/// Cuts lines into at most `count` parts at line ends.
fn parts(lines: &[u8], count: usize) -> Vec<&[u8]> {
    let part_bytes = (lines.len() / count.max(1)).max(PART_BYTES_MIN);
    let (mut parts, mut rest) = (Vec::new(), lines);
    while parts.len() + 1 < count && rest.len() > part_bytes {
        let tail = rest.get(part_bytes..).unwrap_or_default();
        let Some(end) = tail.iter().position(|&byte| byte == b'\n') else { break };
        let (part, after) = rest.split_at(part_bytes + end + 1);
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_whole_lines_and_nothing_is_lost() {
        let lines: Vec<u8> = (0..9_999_u32).flat_map(|n| format!("{n}\n").into_bytes()).collect();
        for count in 1..9 {
            let parts = parts(&lines, count);
            assert!(parts.len() <= count);
            assert!(parts.iter().all(|part| part.last() == Some(&b'\n')));
            assert_eq!(parts.concat(), lines);
        }
        assert_eq!(parts(b"", 4), [b""]);
        assert_eq!(parts(b"one line without end", 4).len(), 1);
    }

    #[test]
    fn a_line_without_end_is_not_kept_whole() {
        let mut pending = Vec::new();
        for _ in 0..100 {
            keep(&mut pending, &[b'x'; 4_096]);
        }
        assert!(pending.len() <= LINE_BYTES_KEPT + 4_096);
        keep(&mut pending, b"end of it\n192.0.2.1\n");
        assert!(pending.ends_with(b"x\n192.0.2.1\n"));
    }

    #[test]
    fn fields_are_named_as_the_keys() {
        assert_eq!(LookupFields::parse("asn, addr").unwrap().names(), ["asn", "addr"]);
        assert!(LookupFields::parse("asn,ip").unwrap_err().contains("as_name"));
    }
}
