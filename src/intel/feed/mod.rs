//! Own feeds: a file that somebody publishes → what it says of addresses, and what of it was not
//! understood.
//!
//! The engine hands in the bytes as they were given, packed or not. A format is chosen by content
//! ([`FORMATS`], or by the id an analyst names) and turns them into a [`Feed`]: for each range
//! ([`Feed::entries`]) a membership, a place, or an origin AS, beside the feed's own date and every
//! line that could not be read. What a feed weighs, how long it holds and where it is kept is the
//! engine's business; nothing here opens a file or asks the time.
//!
//! **To add a format**: one file with a type that implements [`FeedFormat`], one line in
//! [`FORMATS`], one fuzz target `feed_<id>`. `plain.rs` is the smallest one to copy.
#![warn(clippy::indexing_slicing, clippy::string_slice, clippy::cast_possible_truncation)]

mod as_table;
mod csv;
mod fields;
mod geofeed;
mod guess;
mod hosts;
mod ipset;
mod layer;
mod misp;
mod mmdb;
#[cfg(test)]
mod mmdb_writer;
mod mrt;
mod nftables;
mod plain;
mod stix;
mod suricata;
mod text;
mod tor;
mod zeek;

use std::io::Read;
use std::sync::Arc;

pub use self::fields::SHIPPED_FIELDS;
pub use self::layer::Terms;
pub use crate::import::{About, Sureness};

use crate::bounded;
use crate::model::{
    AddrRange, Claim, Family, Kind, ListMeaning, Position, Prefix, Problems, Timestamp, Visible,
};

/// Entries of one feed: a city database of the whole Internet has 8 million ranges. At 64 bytes
/// each this is 0.8 GB; more are only counted.
pub const FEED_ENTRIES_MAX: usize = 12_000_000;

/// Unpacked bytes of a feed that a format reads whole. The largest databases of places have 600 MB.
pub const FEED_BYTES_MAX: usize = 1 << 30;

/// Entries that a preview shows.
pub const EXAMPLES_MAX: usize = 8;

/// Characters of an example's note.
const NOTE_CHARS_MAX: usize = 80;

/// Bytes at the start by which a feed is recognised.
const HEAD_BYTES: usize = 64 << 10;

/// Bytes at the end: an MMDB names itself in its last 128 KiB.
const TAIL_BYTES: usize = 128 << 10;

/// All formats. Where two are equally sure, the one that stands first reads: the special ones come
/// first, plain lists last.
pub const FORMATS: &[&dyn FeedFormat] = &[
    &mmdb::Mmdb,
    &mrt::Mrt,
    &misp::Misp,
    &stix::Stix,
    &zeek::ZeekIntel,
    &tor::Consensus,
    &tor::ExitAddresses,
    &ipset::Ipset,
    &nftables::Nftables,
    &suricata::Iprep,
    &suricata::Dataset,
    &geofeed::Geofeed,
    &as_table::AsTable,
    &hosts::Hosts,
    &csv::Csv,
    &plain::Plain,
];

/// One format of feeds.
pub trait FeedFormat: Sync {
    /// What it is.
    fn about(&self) -> &'static About;

    /// How sure it is that a feed is its own.
    fn detect(&self, sample: &Sample<'_>) -> Sureness;

    /// Reads all there is into `feed`. A broken entry costs only itself and is a problem.
    fn read(&self, input: &mut dyn Read, asked: &Asked<'_>, feed: &mut Feed);
}

/// The format with this id.
pub fn by_id(id: &str) -> Option<&'static dyn FeedFormat> {
    FORMATS.iter().copied().find(|format| format.about().id == id)
}

/// What a feed says of the addresses in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedKind {
    /// They are listed, and that means this.
    List(ListMeaning),
    /// They are somewhere.
    Places,
    /// They belong to an AS.
    Systems,
}

impl FeedKind {
    /// The word of the command line and of JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::List(ListMeaning::Hostile) => "hostile",
            Self::List(ListMeaning::Benign) => "benign",
            Self::List(ListMeaning::Context) => "context",
            Self::List(ListMeaning::Kind(kind)) => kind.as_str(),
            Self::Places => "places",
            Self::Systems => "as",
        }
    }

    /// From its word.
    ///
    /// # Errors
    /// The words there are.
    pub fn parse(word: &str) -> Result<Self, String> {
        let fixed = [
            Self::List(ListMeaning::Hostile),
            Self::List(ListMeaning::Benign),
            Self::List(ListMeaning::Context),
            Self::Places,
            Self::Systems,
        ];
        let kinds = Kind::ALL.into_iter().map(|kind| Self::List(ListMeaning::Kind(kind)));
        let all: Vec<Self> = fixed.into_iter().chain(kinds).collect();
        all.iter().copied().find(|kind| kind.word() == word).ok_or_else(|| {
            let words: Vec<&str> = all.iter().map(|kind| kind.word()).collect();
            format!(
                "no feed is of the kind {:?}; there are {}",
                Visible(word).to_string(),
                words.join(" ")
            )
        })
    }
}

/// The ends of a feed, unpacked, by which formats know it.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// Its first bytes.
    pub head: &'a [u8],
    /// Its last bytes; empty where the first said enough.
    pub tail: &'a [u8],
    /// Whether `head` is all of it.
    pub is_whole: bool,
}

impl<'a> Sample<'a> {
    /// The first lines as far as they are whole and UTF-8, without blanks and ends.
    pub fn lines(&self) -> impl Iterator<Item = &'a str> {
        let head = match (self.is_whole, self.head.iter().rposition(|&byte| byte == b'\n')) {
            (false, Some(end)) => self.head.get(..end).unwrap_or_default(),
            _ => self.head,
        };
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        let lines = head.split(|&byte| byte == b'\n').take(500);
        lines
            .filter_map(|line| std::str::from_utf8(line).ok())
            .map(str::trim)
            .filter(|line| !line.is_empty())
    }

    /// The share of lines without a comment's mark that are as `is_one` has it; 0 without any.
    pub(self) fn share(&self, mut is_one: impl FnMut(&str) -> bool) -> f64 {
        let (mut all, mut ones) = (0_u32, 0_u32);
        for line in self.lines().filter(|line| !line.starts_with(['#', ';'])) {
            all += 1;
            ones += u32::from(is_one(line));
        }
        if all == 0 { 0.0 } else { f64::from(ones) / f64::from(all) }
    }
}

/// Names of places → points, which `geo` knows and is asked by the engine.
pub trait Places {
    /// Reads a geofeed (RFC 8805).
    fn geofeed(&self, name: &str, bytes: &[u8]) -> (Vec<(Prefix, Claim)>, Problems);
}

/// For feeds without places.
#[derive(Clone, Copy, Debug)]
pub struct NoPlaces;

impl Places for NoPlaces {
    fn geofeed(&self, _name: &str, _bytes: &[u8]) -> (Vec<(Prefix, Claim)>, Problems) {
        (Vec::new(), Problems::new())
    }
}

/// What is known of a feed beside its bytes.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// What it is called; its places have it as their source.
    pub name: &'a str,
    /// Where it is from: its path or URL, of which words tell what it is likely to mean.
    pub origin: &'a str,
    /// A format's id, where the analyst knows better.
    pub format: Option<&'a str>,
    /// A table of fields for databases (TOML), where the analyst gives one.
    pub map: Option<&'a str>,
    /// Names of categories (Suricata), where the analyst gives them.
    pub categories: Option<&'a str>,
    /// Who reads places.
    pub places: &'a dyn Places,
}

/// What one entry says.
#[derive(Clone, Debug, PartialEq)]
pub enum Said<'a> {
    /// It is in the list.
    Listed {
        /// What that means; `None`: what the feed means.
        meaning: Option<ListMeaning>,
        /// Since when, where the entry says so.
        since: Option<Timestamp>,
    },
    /// It is here.
    Place(&'a Claim),
    /// It belongs to this AS, which is called so.
    System(u32, Option<&'a Arc<str>>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Held {
    Listed(Option<ListMeaning>, Option<Timestamp>),
    Place(u32),
    System(u32),
}

/// One entry that a preview shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The addresses.
    pub range: AddrRange,
    /// What is said of them; foreign text is cut and its tricks are visible.
    pub what: String,
}

impl Example {
    /// The addresses as they are written: one, or the first and the last.
    pub fn addresses(&self) -> String {
        match self.range.first() == self.range.last() {
            true => self.range.first().to_string(),
            false => self.range.to_string(),
        }
    }
}

/// How many entries a feed has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries of IPv4.
    pub v4: u64,
    /// Entries of IPv6.
    pub v6: u64,
    /// Of all, memberships.
    pub listed: u64,
    /// Of all, places.
    pub places: u64,
    /// Of all, origin AS.
    pub systems: u64,
}

/// What a feed says, and what of it was not understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feed {
    /// The format that read it.
    pub format: &'static str,
    /// The date that it states itself.
    pub date: Option<Timestamp>,
    /// What it is likely to mean.
    pub suggested: Option<FeedKind>,
    /// What was left out on purpose, or assumed, in sentences.
    pub notes: Vec<String>,
    /// What was not understood.
    pub problems: Problems,
    /// The first entries.
    pub examples: Vec<Example>,
    counts: Counts,
    entries: Vec<(AddrRange, Held)>,
    claims: Vec<Claim>,
    systems: Vec<(u32, Option<Arc<str>>)>,
}

impl Feed {
    /// All entries in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = (AddrRange, Said<'_>)> {
        self.entries.iter().filter_map(|&(range, held)| {
            let said = match held {
                Held::Listed(meaning, since) => Said::Listed { meaning, since },
                Held::Place(at) => Said::Place(self.claims.get(at as usize)?),
                Held::System(at) => {
                    let (asn, name) = self.systems.get(at as usize)?;
                    Said::System(*asn, name.as_ref())
                }
            };
            Some((range, said))
        })
    }

    /// How many entries there are.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What it means where nobody says: what the file or its name suggests, else context.
    pub fn kind(&self) -> FeedKind {
        let fallback = match self.counts {
            Counts { listed: 1.., .. } => FeedKind::List(ListMeaning::Context),
            Counts { places: 1.., .. } => FeedKind::Places,
            Counts { systems: 1.., .. } => FeedKind::Systems,
            Counts { .. } => FeedKind::List(ListMeaning::Context),
        };
        self.suggested.unwrap_or(fallback)
    }

    /// Whether what it says can be of this kind.
    pub fn can_be(&self, kind: FeedKind) -> bool {
        match kind {
            FeedKind::List(_) => self.counts.listed > 0,
            FeedKind::Places => self.counts.places > 0,
            FeedKind::Systems => self.counts.systems > 0,
        }
    }

    fn listed(&mut self, range: AddrRange, since: Option<Timestamp>, note: &str) {
        self.listed_as(range, None, since, note);
    }

    fn listed_as(
        &mut self,
        range: AddrRange,
        meaning: Option<ListMeaning>,
        since: Option<Timestamp>,
        note: &str,
    ) {
        if self.push(range, Held::Listed(meaning, since)) {
            let meaning = meaning.map(|meaning| FeedKind::List(meaning).word()).unwrap_or_default();
            let since = since.map(|since| format!("since {}", since.to_date())).unwrap_or_default();
            self.example(range, [meaning, &since, note]);
        }
    }

    /// Keeps a claim; [`place`](Self::place) puts it at addresses, any number of times.
    fn claim(&mut self, claim: Claim) -> u32 {
        self.claims.push(claim);
        u32::try_from(self.claims.len() - 1).unwrap_or(u32::MAX)
    }

    fn place(&mut self, range: AddrRange, claim: u32) {
        if self.push(range, Held::Place(claim))
            && let Some(claim) = self.claims.get(claim as usize)
        {
            let country =
                claim.country_code.map(|code| String::from_utf8_lossy(&code).into_owned());
            let point = claim.point.map(|(lat, lon)| format!("{lat:.4},{lon:.4}"));
            let city = claim.city.clone().unwrap_or_default();
            let (country, point) = (country.unwrap_or_default(), point.unwrap_or_default());
            self.example(range, [&country, &city, &point]);
        }
    }

    /// Keeps an AS; [`system`](Self::system) puts it at addresses.
    fn named_system(&mut self, asn: u32, name: Option<Arc<str>>) -> u32 {
        self.systems.push((asn, name));
        u32::try_from(self.systems.len() - 1).unwrap_or(u32::MAX)
    }

    fn system(&mut self, range: AddrRange, system: u32) {
        if self.push(range, Held::System(system))
            && let Some((asn, name)) = self.systems.get(system as usize)
        {
            let (asn, name) = (format!("AS{asn}"), name.clone().unwrap_or_default());
            self.example(range, [&asn, &name, ""]);
        }
    }

    /// Takes an entry; `true`: it is among the first, which a preview shows.
    fn push(&mut self, range: AddrRange, held: Held) -> bool {
        if self.entries.len() >= FEED_ENTRIES_MAX {
            let what = "more entries than are kept of one feed (12,000,000)";
            self.problems.tally(Position::Whole, what);
            return false;
        }
        match range.first().family() {
            Family::V4 => self.counts.v4 += 1,
            Family::V6 => self.counts.v6 += 1,
        }
        match held {
            Held::Listed(..) => self.counts.listed += 1,
            Held::Place(_) => self.counts.places += 1,
            Held::System(_) => self.counts.systems += 1,
        }
        self.entries.push((range, held));
        self.examples.len() < EXAMPLES_MAX
    }

    fn example(&mut self, range: AddrRange, parts: [&str; 3]) {
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let what: String = parts.join(", ").chars().take(NOTE_CHARS_MAX).collect();
        self.examples.push(Example { range, what: Visible(&what).to_string() });
    }
}

/// Reads a feed from its bytes as they were given, packed or not.
///
/// # Errors
/// A sentence: no format knows it, or there is no format of the id that was asked for.
pub fn read(bytes: &[u8], asked: &Asked<'_>) -> Result<Feed, String> {
    let format = match asked.format {
        Some(id) => by_id(id).ok_or_else(|| {
            format!("no feed has the format {:?}; there are {}", Visible(id).to_string(), ids())
        })?,
        None => detect(bytes)?,
    };
    let mut feed = Feed { format: format.about().id, ..Feed::default() };
    format.read(&mut bounded::unpack(bytes), asked, &mut feed);
    if feed.suggested.is_none() && feed.counts.listed > 0 {
        feed.suggested = guess::kind(asked.origin).or_else(|| guess::kind(asked.name));
    }
    Ok(feed)
}

fn ids() -> String {
    FORMATS.iter().map(|format| format.about().id).collect::<Vec<_>>().join(" ")
}

/// The format that is surest of these bytes.
fn detect(bytes: &[u8]) -> Result<&'static dyn FeedFormat, String> {
    let head = text::up_to(&mut bounded::unpack(bytes), HEAD_BYTES);
    let is_whole = head.len() < HEAD_BYTES;
    let mut sample = Sample { head: &head, tail: &[], is_whole };
    let by_head = surest(&sample);
    let is_text = !head.contains(&0) || by_head.0 == Sureness::Certain;
    let tail =
        if is_text { Vec::new() } else { text::last(&mut bounded::unpack(bytes), TAIL_BYTES) };
    let (sureness, format) = match is_text {
        true => by_head,
        false => {
            sample.tail = &tail;
            surest(&sample)
        }
    };
    format.filter(|_| sureness > Sureness::No).ok_or_else(|| {
        let what = match bytes {
            [] => "the feed is empty",
            bytes if bytes.starts_with(b"PK\x03\x04") || head.get(257..262) == Some(b"ustar") => {
                "an archive; unpack it and add the file in it"
            }
            bytes if text::looks_like_html(bytes) => {
                "a web page, not a feed; give the address of the file itself"
            }
            _ => "no format knows this feed; name one with --format",
        };
        format!("{what}: {}", ids())
    })
}

fn surest(sample: &Sample<'_>) -> (Sureness, Option<&'static dyn FeedFormat>) {
    let mut best: (Sureness, Option<&'static dyn FeedFormat>) = (Sureness::No, None);
    for &format in FORMATS {
        let sureness = format.detect(sample);
        if sureness > best.0 {
            best = (sureness, Some(format));
        }
    }
    best
}

/// A name for a feed from where it is from: its file's, with its folder's where that says little.
pub fn name_from(origin: &str) -> String {
    guess::name(origin)
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// Each entry as `range what`, then the notes as `note …`, then the problems as `:line what`
    /// up to their first semicolon.
    pub(crate) fn said(text: &[u8], format: &str) -> (Feed, Vec<String>) {
        let asked = Asked {
            name: "test",
            origin: "test",
            format: None,
            map: None,
            categories: None,
            places: &NoPlaces,
        };
        let feed = read(text, &asked).unwrap();
        assert_eq!(feed.format, format);
        let entries = feed.entries().map(|(range, said)| {
            let range = match range.first() == range.last() {
                true => range.first().to_string(),
                false => range.to_string(),
            };
            match said {
                Said::Listed { meaning, since } => {
                    let meaning = meaning.map(|it| format!(" {}", FeedKind::List(it).word()));
                    let since = since.map(|since| format!(" {}", since.to_date()));
                    format!("{range}{}{}", meaning.unwrap_or_default(), since.unwrap_or_default())
                }
                Said::Place(claim) => {
                    let country = String::from_utf8(claim.country_code.unwrap_or(*b"--").to_vec());
                    format!("{range} {} {:?} {:?}", country.unwrap(), claim.city, claim.point)
                }
                Said::System(asn, name) => format!("{range} AS{asn} {name:?}"),
            }
        });
        let notes = feed.notes.iter().map(|note| format!("note {note}"));
        let problems = feed.problems.rows().iter().map(|problem| {
            let what = problem.what.split([';', ':']).next().unwrap();
            format!("{} {what} x{}", problem.place, problem.count)
        });
        let all = entries.chain(notes).chain(problems).collect();
        (feed, all)
    }

    pub(crate) fn check(text: &str, format: &str, expected: &[&str]) -> Feed {
        let (feed, all) = said(text.as_bytes(), format);
        assert_eq!(all, expected, "{text}");
        feed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Addr;
    use proptest::prelude::*;

    #[test]
    fn kinds_have_words_of_their_own() {
        for word in ["hostile", "benign", "context", "places", "as", "tor", "research-scanner"] {
            assert_eq!(FeedKind::parse(word).unwrap().word(), word);
        }
        assert!(FeedKind::parse("bad").unwrap_err().contains("hostile"));
    }

    #[test]
    fn what_no_format_knows_is_said_with_what_would_be_right() {
        let asked = |format| Asked {
            name: "x",
            origin: "x",
            format,
            map: None,
            categories: None,
            places: &NoPlaces,
        };
        for (bytes, part) in [
            (&b""[..], "empty"),
            (b"<!DOCTYPE html><html></html>", "web page"),
            (b"\0\x01\x02", "--format"),
            (b"words and words\n", "--format"),
        ] {
            let what = read(bytes, &asked(None)).unwrap_err();
            assert!(what.contains(part), "{what}");
        }
        assert!(read(b"192.0.2.1\n", &asked(Some("nonsense"))).unwrap_err().contains("plain"));
    }

    proptest! {
        /// Any bytes, by every format: no panic, and never more entries than bytes could name.
        #[test]
        fn any_bytes_are_read_by_every_format(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            text in "[0-9a-f.:/,;\\t \n#{}=|\\-]{0,200}",
        ) {
            for format in FORMATS {
                for bytes in [bytes.as_slice(), text.as_bytes()] {
                    let mut feed = Feed::default();
                    let asked = Asked {
                        name: "x", origin: "x", format: None, map: None, categories: None,
                        places: &NoPlaces,
                    };
                    format.read(&mut &*bytes, &asked, &mut feed);
                    prop_assert!(feed.entries().count() <= bytes.len());
                }
            }
        }

        /// What is written in the forms of lists is read as the same addresses.
        #[test]
        fn what_is_written_is_read(addrs in proptest::collection::vec(any::<u32>(), 1..20)) {
            let addrs: Vec<Addr> =
                addrs.iter().map(|bits| Addr::from_v4_octets(bits.to_be_bytes())).collect();
            let lines = |line: &dyn Fn(&Addr) -> String| {
                addrs.iter().map(line).collect::<String>()
            };
            let elements: Vec<String> = addrs.iter().map(ToString::to_string).collect();
            for (format, text) in [
                ("plain", lines(&|addr| format!("{addr}\n"))),
                ("csv", format!("id,ip\n{}", lines(&|addr| format!("1,{addr}\n")))),
                ("ipset", lines(&|addr| format!("add s {addr}\n"))),
                ("nftables", format!("define x = {{ {} }}", elements.join(", "))),
                ("suricata-iprep", lines(&|addr| format!("{addr},1,10\n"))),
                ("tor-exits", lines(&|addr| format!("ExitAddress {addr} 2026-06-05 01:00:00\n"))),
                ("zeek-intel", format!(
                    "#fields\tindicator\tindicator_type\n{}",
                    lines(&|addr| format!("{addr}\tIntel::ADDR\n")),
                )),
            ] {
                let asked = Asked {
                    name: "x", origin: "x", format: None, map: None, categories: None,
                    places: &NoPlaces,
                };
                let feed = read(text.as_bytes(), &asked).unwrap();
                prop_assert_eq!(feed.format, format);
                let found: Vec<Addr> = feed.entries().map(|(range, _)| range.first()).collect();
                prop_assert_eq!(&found, &addrs, "{}", format);
            }
        }
    }

    #[test]
    fn the_limit_of_entries_holds_and_one_above_is_told() {
        let mut feed = Feed::default();
        let range = AddrRange::from("192.0.2.0/24".parse::<Prefix>().unwrap());
        feed.entries = vec![(range, Held::Listed(None, None)); FEED_ENTRIES_MAX - 1];
        feed.listed(range, None, "");
        assert!(feed.problems.is_empty());
        feed.listed(range, None, "");
        assert_eq!((feed.entries.len(), feed.problems.total()), (FEED_ENTRIES_MAX, 1));
    }
}
