//! What people paste and what logs print: addresses with ports, zones, brackets and disguises.
//!
//! [`parse`] reads one text as one [`Query`] and says why it is none; [`find_all`] finds what lies
//! in a line of free text. Both understand the same forms; `find_all` is the stricter one, for in
//! free text a wrong address costs more than a missed one.
//!
//! | form | example |
//! |---|---|
//! | address | `192.0.2.1`, `2001:db8::1`, `::ffff:192.0.2.1` (read as IPv4) |
//! | with a port | `192.0.2.1:443`, `[2001:db8::1]:443`, `192.0.2.1#53` (BIND) |
//! | with a zone (RFC 4007 §11) | `fe80::1%eth0` |
//! | prefix | `192.0.2.0/24`, `192.0.2.0/255.255.255.0`, `192.0.2.*` (alone only) |
//! | range | `192.0.2.1-192.0.2.9`, `192.0.2.0 – 192.0.2.255`, `192.0.2.1-9` (alone only) |
//! | defanged | `192[.]0[.]2[.]1`, `192(.)0…`, `192[dot]0…`, `2001[:]db8[:]:1`, `hxxp://192[.]0[.]2[.]1/x` |
//!
//! An octet with a leading zero is refused: some programs read `010` as eight, others as ten
//! (RFC 6943 §3.1.1).
//!
//! Estimate for [`find_all`]: a log line has a `.` or `:` each 10 to 15 bytes; memchr2 steps from
//! one to the next in about 5 ns and nine of ten fail on the byte beside them: 1 GB/s, and
//! 200 MB/s where every second word is an address.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem;

use super::text::is_deceptive;
use super::{Addr, AddrError, AddrRange, Family, Prefix, Untrusted};

/// Bytes of a text that can be one query: a URL that fits a browser's address line.
pub const QUERY_BYTES_MAX: usize = 2_048;

/// Bytes of a zone name. Interface names have at most 15 on Linux; Windows writes numbers.
const ZONE_BYTES_MAX: usize = 64;

/// Bytes of an IPv6 address with every colon in brackets, and some to see where it ends.
const V6_TOKEN_BYTES_MAX: usize = 64;

/// One thing to look up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Query {
    /// An address, with what stood beside it.
    Addr {
        /// The address.
        addr: Addr,
        /// The port after it.
        port: Option<u16>,
        /// The zone after `%`: an interface of the machine that wrote it.
        zone: Option<Untrusted>,
    },
    /// A prefix, host bits cleared.
    Prefix(Prefix),
    /// A range, both ends included.
    Range(AddrRange),
}

impl Query {
    /// The first and last address it stands for.
    pub fn range(&self) -> AddrRange {
        match *self {
            Self::Addr { addr, .. } => Prefix::host(addr).into(),
            Self::Prefix(prefix) => prefix.into(),
            Self::Range(range) => range,
        }
    }

    /// The address, if it stands for one alone.
    pub fn addr(&self) -> Option<Addr> {
        match *self {
            Self::Addr { addr, .. } => Some(addr),
            Self::Prefix(_) | Self::Range(_) => None,
        }
    }

    fn plain(addr: Addr) -> Self {
        Self::Addr { addr, port: None, zone: None }
    }
}

impl fmt::Display for Query {
    /// The shortest form that [`parse`] reads back as the same query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (addr, port, zone) = match self {
            Self::Addr { addr, port, zone } => (addr, port, zone),
            Self::Prefix(prefix) => return prefix.fmt(f),
            Self::Range(range) => return range.fmt(f),
        };
        let bracketed = port.is_some() && addr.family() == Family::V6;
        write!(f, "{}{addr}", if bracketed { "[" } else { "" })?;
        if let Some(zone) = zone {
            write!(f, "%{zone}")?;
        }
        match port {
            Some(port) if bracketed => write!(f, "]:{port}"),
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

const NOT_AN_ADDRESS: AddrError = AddrError {
    what: "not an address, prefix or range; write 192.0.2.1, 2001:db8::/32 or 192.0.2.1-192.0.2.9",
};
const LEADING_ZERO: AddrError = AddrError {
    what: "an octet with a leading zero is ambiguous (octal or decimal); write it without zeros",
};
const BAD_PORT: AddrError = AddrError { what: "not a port; a port is a number from 0 to 65535" };
const BAD_LEN: AddrError =
    AddrError { what: "prefix length out of range; IPv4 has 0 to 32, IPv6 0 to 128" };
const BAD_RANGE: AddrError =
    AddrError { what: "the range ends before it begins; write the lower address first" };
const MIXED_RANGE: AddrError =
    AddrError { what: "a range from one address family to the other; give each its own range" };
const A_NAME: AddrError = AddrError { what: "a name, not an address; names are not resolved" };
const TOO_LONG: AddrError = AddrError { what: "too long for an address; give one a line" };

/// Reads one text as one query: quotes, brackets, commas and a final full stop around it are
/// ignored, defanged forms are restored, a URL stands for its host.
///
/// ```
/// use infralock::model::query::parse;
/// assert_eq!(parse("hxxps://192[.]0[.]2[.]1:8443/login").unwrap().to_string(), "192.0.2.1:8443");
/// assert_eq!(parse("“192.0.2.7/24”,").unwrap().to_string(), "192.0.2.0/24");
/// assert!(parse("192.0.2.010").unwrap_err().what.contains("ambiguous"));
/// ```
///
/// # Errors
/// A sentence saying what is wrong and what would be right.
pub fn parse(text: &str) -> Result<Query, AddrError> {
    let text = trim(text);
    if text.len() > QUERY_BYTES_MAX {
        return Err(TOO_LONG);
    }
    let text = refang(text);
    let text = trim(&text);
    match text.split_once("://") {
        Some((_, rest)) => {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            parse_addr(&host.replace("%25", "%"))
        }
        None => parse_addr(text).or_else(|error| {
            parse_prefix(text).unwrap_or_else(|| parse_range(text).unwrap_or(Err(error)))
        }),
    }
}

/// Reads a text that is an address and nothing else, as [`parse`] does, in a tenth of the time.
/// `None`: ask [`parse`].
pub fn parse_bare(text: &[u8]) -> Option<Addr> {
    match text.len() {
        7..=15 if text.contains(&b'.') => parse_octets(text).map(Addr::from_v4_octets),
        2..=39 if text.iter().all(|&byte| byte.is_ascii_hexdigit() || byte == b':') => {
            std::str::from_utf8(text).ok()?.parse().ok()
        }
        _ => None,
    }
}

/// Four numbers up to 255 with dots between, without leading zeros.
fn parse_octets(text: &[u8]) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    let mut parts = text.split(|&byte| byte == b'.');
    for octet in &mut octets {
        let part = parts.next()?;
        let number = match *part {
            [a] => [b'0', b'0', a],
            [a @ b'1'..=b'9', b] => [b'0', a, b],
            [a @ b'1'..=b'9', b, c] => [a, b, c],
            _ => return None,
        };
        if !number.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let [a, b, c] = number.map(|digit| u16::from(digit - b'0'));
        *octet = u8::try_from(a * 100 + b * 10 + c).ok()?;
    }
    parts.next().is_none().then_some(octets)
}

/// Takes away what surrounds an address in prose, tables and code.
fn trim(text: &str) -> &str {
    let around = |character: char| {
        character.is_whitespace()
            || is_deceptive(character)
            || matches!(character, '"' | '\'' | '`' | ',' | ';' | '<' | '>' | '|')
            || matches!(character, '“' | '”' | '„' | '‘' | '’' | '«' | '»')
    };
    let mut text = text.trim_matches(around);
    loop {
        let before = text;
        text = text.trim_end_matches('.');
        if text.ends_with(':') && !text.ends_with("::") {
            text = text.strip_suffix(':').unwrap_or(text);
        }
        for (open, close) in [('(', ')'), ('{', '}')] {
            let inner = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
            text = inner.unwrap_or(text);
        }
        text = text.trim_matches(around);
        if text == before {
            return text;
        }
    }
}

/// Undoes the usual disguises. Nothing is copied where there is none.
fn refang(text: &str) -> Cow<'_, str> {
    const DISGUISES: [(&str, &str); 16] = [
        ("[.]", "."),
        ("(.)", "."),
        ("{.}", "."),
        ("[dot]", "."),
        ("(dot)", "."),
        ("{dot}", "."),
        ("[DOT]", "."),
        ("(DOT)", "."),
        ("{DOT}", "."),
        ("\\.", "."),
        ("[.", "."),
        (".]", "."),
        ("[:]", ":"),
        ("(:)", ":"),
        ("[::]", "::"),
        ("[://]", "://"),
    ];
    if !text.contains(['[', '(', '{', '\\']) {
        return Cow::Borrowed(text);
    }
    let mut plain = text.to_owned();
    for (disguise, meant) in DISGUISES {
        if plain.contains(disguise) && plain != "[::]" {
            plain = plain.replace(disguise, meant);
        }
    }
    Cow::Owned(plain)
}

/// An address with port and zone.
fn parse_addr(text: &str) -> Result<Query, AddrError> {
    if let Some(rest) = text.strip_prefix('[') {
        let (inner, after) = rest.split_once(']').ok_or(NOT_AN_ADDRESS)?;
        let (addr, zone) = split_zone(inner)?;
        let port = match after.strip_prefix([':', '#']) {
            Some(port) => Some(parse_port(port)?),
            None if after.is_empty() || after.starts_with(['/', '?']) => None,
            None => return Err(NOT_AN_ADDRESS),
        };
        return Ok(Query::Addr { addr, port, zone });
    }
    if let Ok((addr, zone)) = split_zone(text) {
        return Ok(Query::Addr { addr, port: None, zone });
    }
    if let Some((host, port)) = text.rsplit_once(['#', ':'])
        && let Ok((addr, zone)) = split_zone(host)
        && (addr.family() == Family::V4 || text.contains('#'))
    {
        return Ok(Query::Addr { addr, port: Some(parse_port(port)?), zone });
    }
    Err(why_not(text))
}

/// `fe80::1%eth0` → the address and `eth0`.
fn split_zone(text: &str) -> Result<(Addr, Option<Untrusted>), AddrError> {
    let Some((addr, zone)) = text.split_once('%') else { return Ok((plain_addr(text)?, None)) };
    let addr: Ipv6Addr = addr.parse().map_err(|_| NOT_AN_ADDRESS)?;
    let named = !zone.is_empty()
        && zone.len() <= ZONE_BYTES_MAX
        && zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    if !named {
        return Err(AddrError { what: "not a zone; a zone is an interface name or number" });
    }
    Ok((Addr::from(std::net::IpAddr::V6(addr)), Some(Untrusted::new(zone))))
}

fn plain_addr(text: &str) -> Result<Addr, AddrError> {
    text.parse().map_err(|_| why_not(text))
}

fn parse_port(text: &str) -> Result<u16, AddrError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(BAD_PORT)
}

/// The most helpful thing to say about a text that is no address.
fn why_not(text: &str) -> AddrError {
    let host = text.split([':', '/', '-', '#']).next().unwrap_or(text);
    let octets: Vec<&str> = host.split('.').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if octets.len() == 4 && octets.iter().all(digits) {
        let padded = octets.iter().any(|octet| octet.len() > 1 && octet.starts_with('0'));
        return if padded { LEADING_ZERO } else { NOT_AN_ADDRESS };
    }
    let label = |part: &&str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_name = octets.len() > 1
        && octets.iter().all(label)
        && octets.last().is_some_and(|last| last.starts_with(|c: char| c.is_ascii_alphabetic()));
    if is_name { A_NAME } else { NOT_AN_ADDRESS }
}

/// `192.0.2.0/24`, `192.0.2.0/255.255.255.0`, `192.0.2.*`; an address before a path is the address.
/// `None`: not of this form.
fn parse_prefix(text: &str) -> Option<Result<Query, AddrError>> {
    if let Some(fixed) = text.strip_suffix(".*") {
        return parse_wildcard(fixed);
    }
    let (host, after) = text.split_once('/')?;
    let (host, after) = (host.trim_end(), after.trim_start());
    if !after.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(parse_addr(host));
    }
    let (addr, _) = match split_zone(host) {
        Ok(split) => split,
        Err(error) => return Some(Err(error)),
    };
    if let (Addr::V4(_), Ok(mask)) = (addr, after.parse::<Ipv4Addr>()) {
        let prefix = mask_len(mask).and_then(|len| Prefix::new(addr, len));
        let odd = AddrError { what: "not a netmask; its one bits must come first" };
        return Some(prefix.map(Query::Prefix).ok_or(odd));
    }
    // Through Prefix's own reading, which knows the prefixes of IPv4-mapped addresses.
    let bare = host.split('%').next().unwrap_or(host);
    Some(format!("{bare}/{after}").parse().map(Query::Prefix).map_err(|_| BAD_LEN))
}

/// `192.0.2` or `192.0.*` before a final `.*`.
fn parse_wildcard(fixed: &str) -> Option<Result<Query, AddrError>> {
    let mut fixed = fixed;
    while let Some(shorter) = fixed.strip_suffix(".*") {
        fixed = shorter;
    }
    let octets = fixed.split('.').count();
    let padding = ".0".repeat(4_usize.checked_sub(octets)?);
    let len = u8::try_from(octets * 8).ok().filter(|&len| len < 32)?;
    let addr = plain_addr(&format!("{fixed}{padding}"));
    Some(addr.and_then(|addr| Prefix::new(addr, len).map(Query::Prefix).ok_or(NOT_AN_ADDRESS)))
}

/// `a-b`, with hyphen or dash, spaces allowed; `a-9` repeats all but the last octet.
fn parse_range(text: &str) -> Option<Result<Query, AddrError>> {
    let (first, last) = text.split_once(['-', '–', '—'])?;
    let (first, last) = (first.trim(), last.trim());
    let first = match plain_addr(first) {
        Ok(addr) => addr,
        Err(error) => return Some(Err(error)),
    };
    let last = match (first, last.parse::<u8>()) {
        (Addr::V4(addr), Ok(octet)) if last.bytes().all(|byte| byte.is_ascii_digit()) => {
            let [a, b, c, _] = addr.octets();
            Addr::from_v4_octets([a, b, c, octet])
        }
        _ => match plain_addr(last) {
            Ok(addr) => addr,
            Err(error) => return Some(Err(error)),
        },
    };
    if first.family() != last.family() {
        return Some(Err(MIXED_RANGE));
    }
    Some(AddrRange::new(first, last).map(Query::Range).ok_or(BAD_RANGE))
}

fn mask_len(mask: Ipv4Addr) -> Option<u8> {
    let bits = mask.to_bits();
    let ones = bits.leading_ones();
    (ones + bits.trailing_zeros() >= 32).then(|| u8::try_from(ones).ok()).flatten()
}

/// Something [`find_all`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it stands in the line, in bytes, with port, zone and brackets.
    pub at: Range<usize>,
    /// What it says.
    pub query: Query,
}

/// Finds addresses, prefixes and ranges in a line of free text, from left to right.
///
/// What only looks like an address is left out:
/// - numbers with more or fewer than four parts (`1.2.3.4.5`, OIDs, `10.04.2026`), parts above 255
///   or with leading zeros, and four parts that touch a letter, `_` or a hyphen with a letter
///   (`v1.2.3.4`, `5.4.0.81-generic`, `4.3.2.1.in-addr.arpa`); but tcpdump's
///   `192.0.2.1.443 > 198.51.100.2.80:` are two addresses with ports;
/// - versions by what stands before them: `Chrome/120.0.0.0`, `version 1.2.3.4`, `OID=1.3.6.1`;
///   but `host/192.0.2.1:80` (Java) and `outside/192.0.2.1(80)` (Cisco) are addresses;
/// - netmasks (`255.255.255.0`);
/// - times, MAC addresses, EUI-64 and fingerprints (`12:34:56`, `02:00:5e:…`): an IPv6 address
///   begins with `::`, with a group of three or four digits, with `0:` or with `64:ff9b:`, and has
///   a decimal digit, and more than one group before a final `::` unless a length follows;
/// - names with colons (`std::vec`).
///
/// A prefix must have no host bits: `192.0.2.77/24` is an interface's address, `192.0.2.7/22` may
/// be Cisco's port 22; both are found as the address. A range with spaces around its hyphen must
/// begin and end on a multiple of eight, as whois prints it: `192.0.2.7 - 192.0.2.9` is a dialogue.
///
/// ```
/// use infralock::model::query::find_all;
/// let line = b"Chrome/120.0.0.0 from 192.0.2.7:51234 to [2001:db8::1]:443, v1.2.3.4";
/// let found: Vec<String> = find_all(line).map(|found| found.query.to_string()).collect();
/// assert_eq!(found, ["192.0.2.7:51234", "[2001:db8::1]:443"]);
/// ```
pub fn find_all(line: &[u8]) -> FindAll<'_> {
    static SPELLED: LazyLock<[memmem::Finder<'static>; 2]> =
        LazyLock::new(|| [memmem::Finder::new("dot"), memmem::Finder::new("DOT")]);
    let spelled = SPELLED.iter().any(|finder| finder.find(line).is_some());
    FindAll { line, next: 0, spelled }
}

/// The iterator of [`find_all`].
#[derive(Clone, Debug)]
pub struct FindAll<'a> {
    line: &'a [u8],
    /// Where to go on looking.
    next: usize,
    /// Whether a dot may be spelled out, so that brackets must be looked at too.
    spelled: bool,
}

impl Iterator for FindAll<'_> {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        loop {
            let rest = self.line.get(self.next..)?;
            let step = if self.spelled {
                rest.iter().position(|byte| b".:[({".contains(byte))
            } else {
                memchr::memchr2(b'.', b':', rest)
            }?;
            let anchor = self.next + step;
            let found = match self.line.get(anchor) {
                Some(b':') => v6_around(self.line, anchor, self.next),
                _ => v4_around(self.line, anchor, self.next),
            };
            match found {
                Some(found) => {
                    self.next = found.at.end.max(anchor + 1);
                    return Some(found);
                }
                None => self.next = anchor + 1,
            }
        }
    }
}

fn at(line: &[u8], index: usize) -> u8 {
    line.get(index).copied().unwrap_or(b' ')
}

/// The byte before `index`, a space at the start of the line.
fn before(line: &[u8], index: usize) -> u8 {
    index.checked_sub(1).map_or(b' ', |index| at(line, index))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Length of a dot at `index`, plain or in disguise.
fn dot(line: &[u8], index: usize) -> Option<usize> {
    let rest = line.get(index..)?;
    let (close, dot) = match rest.first()? {
        b'.' => return Some(1),
        b'\\' => return (rest.get(1) == Some(&b'.')).then_some(2),
        b'[' => (b']', rest.get(1..)?),
        b'(' => (b')', rest.get(1..)?),
        b'{' => (b'}', rest.get(1..)?),
        _ => return None,
    };
    let word = if dot.first() == Some(&b'.') { 1 } else { 3 };
    let is_dot = word == 1 || dot.get(..3).is_some_and(|dot| dot.eq_ignore_ascii_case(b"dot"));
    (is_dot && dot.get(word) == Some(&close)).then_some(word + 2)
}

/// One to three digits up to 255, no leading zero, not followed by a further digit.
fn octet(line: &[u8], index: usize) -> Option<(u8, usize)> {
    let digits = line.get(index..)?.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    let text = line.get(index..index + digits)?;
    let padded = digits > 1 && text.first() == Some(&b'0');
    if digits == 0 || digits > 3 || padded {
        return None;
    }
    let value = text.iter().fold(0_u16, |value, digit| value * 10 + u16::from(digit - b'0'));
    Some((u8::try_from(value).ok()?, index + digits))
}

/// Four octets from `index`; the address and where it ends.
fn v4_at(line: &[u8], index: usize) -> Option<(Ipv4Addr, usize)> {
    let mut octets = [0; 4];
    let mut end = index;
    for (nth, value) in octets.iter_mut().enumerate() {
        let begin = if nth == 0 { end } else { end + dot(line, end)? };
        (*value, end) = octet(line, begin)?;
    }
    Some((Ipv4Addr::from(octets), end))
}

/// The IPv4 address whose first dot is at `anchor`.
fn v4_around(line: &[u8], anchor: usize, from: usize) -> Option<Found> {
    let disguised = b"[({\\".contains(&before(line, anchor)) && at(line, anchor) == b'.';
    let dot_at = if disguised { anchor - 1 } else { anchor };
    let left = line.get(from..dot_at)?;
    let digits = left.iter().rev().take(4).take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > 3 {
        return None;
    }
    let start = dot_at - digits;
    let (addr, end) = v4_at(line, start)?;
    if !v4_may_begin(line, start, end)
        || (addr.octets().first() == Some(&255) && !addr.is_broadcast())
    {
        return None;
    }
    if let Some((port, end)) = tcpdump_port(line, start, end) {
        return Some(Found {
            at: start..end,
            query: Query::Addr { addr: Addr::V4(addr), port: Some(port), zone: None },
        });
    }
    if !may_end(line, end) {
        return None;
    }
    Some(with_tail(line, start, end, Addr::V4(addr)))
}

/// Whether the text before allows an IPv4 address, see [`find_all`].
fn v4_may_begin(line: &[u8], start: usize, end: usize) -> bool {
    let previous = before(line, start);
    let second = start.checked_sub(1).map_or(b' ', |index| before(line, index));
    if is_word(previous) {
        // Percent-encoded text before it: `http%3A%2F%2F192.0.2.1`.
        let encoded = start.checked_sub(3).and_then(|index| line.get(index..start));
        return encoded.is_some_and(|encoded| {
            matches!(encoded, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
        });
    }
    let product = match previous {
        b'.' => return !is_word(second),
        b'-' => return !(second.is_ascii_alphabetic() || second == b'_'),
        b'/' => is_word(second) || second == b')',
        _ => false,
    };
    if product {
        return matches!(at(line, end), b':' | b'(') && at(line, end + 1).is_ascii_digit();
    }
    !after_version_word(line, start)
}

/// Whether `version`, `OID` or the like stands before, with a few marks between.
fn after_version_word(line: &[u8], start: usize) -> bool {
    const WORDS: [&[u8]; 8] =
        [b"version", b"ver", b"v", b"release", b"build", b"firmware", b"oid", b"section"];
    let Some(left) = line.get(start.saturating_sub(16)..start) else { return false };
    let gap = left.iter().rev().take(4).take_while(|byte| b" =:\"'(".contains(byte)).count();
    let left = left.get(..left.len() - gap).unwrap_or_default();
    let letters = left.iter().rev().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let word = left.get(left.len() - letters..).unwrap_or_default();
    WORDS.iter().any(|known| word.eq_ignore_ascii_case(known))
}

/// tcpdump's fifth part, a port: only beside its ` > `.
fn tcpdump_port(line: &[u8], start: usize, end: usize) -> Option<(u16, usize)> {
    if at(line, end) != b'.' {
        return None;
    }
    let (port, after) = number(line, end + 1)?;
    let rest = line.get(after..).unwrap_or_default();
    let sends = rest.starts_with(b" > ");
    let receives = line.get(..start)?.ends_with(b" > ") && at(line, after) == b':';
    (sends || receives).then_some((port, after))
}

/// One to five digits up to 65535, and where they end.
fn number(line: &[u8], index: usize) -> Option<(u16, usize)> {
    let digits = line.get(index..)?.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    let text = std::str::from_utf8(line.get(index..index + digits)?).ok()?;
    Some((text.parse().ok().filter(|_| digits <= 5)?, index + digits))
}

/// Whether an address may end before `end`, see [`find_all`].
fn may_end(line: &[u8], end: usize) -> bool {
    let (next, second) = (at(line, end), at(line, end + 1));
    match next {
        b'.' => !is_word(second),
        b'-' => !is_word(second) || second.is_ascii_digit() && addr_at(line, end + 1).is_some(),
        _ => !is_word(next),
    }
}

/// A plain address of either family that begins at `index`, and where it ends.
fn addr_at(line: &[u8], index: usize) -> Option<(Addr, usize)> {
    if let Some((addr, end)) = v4_at(line, index) {
        return Some((Addr::V4(addr), end));
    }
    let run = line.get(index..)?;
    let len = run.iter().take(V6_TOKEN_BYTES_MAX).take_while(|byte| is_v6(**byte)).count();
    let text = std::str::from_utf8(run.get(..len)?).ok()?.trim_end_matches('.');
    let addr: Ipv6Addr = text.parse().ok()?;
    Some((Addr::from(std::net::IpAddr::V6(addr)), index + text.len()))
}

/// What follows an address: a prefix length or netmask, a port, the end of a range.
fn with_tail(line: &[u8], start: usize, end: usize, addr: Addr) -> Found {
    let found = |end: usize, query: Query| Found { at: start..end, query };
    if at(line, end) == b'/'
        && let Some((prefix, end)) = prefix_tail(line, end + 1, addr)
    {
        return found(end, Query::Prefix(prefix));
    }
    if let Some((range, end)) = range_tail(line, end, addr) {
        return found(end, Query::Range(range));
    }
    // After an IPv6 address without brackets only BIND's mark can introduce a port.
    let marks: &[u8] = if addr.family() == Family::V4 { b":#" } else { b"#" };
    if marks.contains(&at(line, end))
        && let Some((port, end)) = number(line, end + 1)
        && may_end(line, end)
        && !(at(line, end) == b':' && at(line, end + 1).is_ascii_digit())
    {
        return found(end, Query::Addr { addr, port: Some(port), zone: None });
    }
    found(end, Query::plain(addr))
}

/// The prefix that `/` and what follows make of `addr`; `None` with host bits.
fn prefix_tail(line: &[u8], index: usize, addr: Addr) -> Option<(Prefix, usize)> {
    let (len, end) = match v4_at(line, index).filter(|_| addr.family() == Family::V4) {
        Some((mask, end)) => (mask_len(mask)?, end),
        None => {
            let (len, end) = number(line, index)?;
            (u8::try_from(len).ok()?, end)
        }
    };
    let prefix = Prefix::new(addr, len)?;
    (prefix.first() == addr && may_end(line, end) && at(line, end) != b'/').then_some((prefix, end))
}

/// The range that a hyphen or dash and a second address make of `addr`.
fn range_tail(line: &[u8], end: usize, addr: Addr) -> Option<(AddrRange, usize)> {
    let spaces = |index: usize| {
        let rest = line.get(index..).unwrap_or_default();
        rest.iter().take(4).take_while(|byte| **byte == b' ').count()
    };
    let left = spaces(end);
    let rest = line.get(end + left..)?;
    let dash = ["-", "–", "—"].into_iter().find(|dash| rest.starts_with(dash.as_bytes()))?.len();
    let right = spaces(end + left + dash);
    let (last, end) = addr_at(line, end + left + dash + right)?;
    if !may_end(line, end) || at(line, end) == b':' {
        return None;
    }
    let range = AddrRange::new(addr, last)?;
    let aligned = addr.bits().trailing_zeros() >= 3 && last.bits().trailing_ones() >= 3;
    (left + right == 0 || aligned).then_some((range, end))
}

fn is_v6(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || byte == b':' || byte == b'.'
}

/// Length of a step that belongs to an IPv6 address: a digit, colon or dot, or `[:]`, `(:)`, `[.]`.
fn v6_step(line: &[u8], index: usize) -> usize {
    match line.get(index..) {
        Some([byte, ..]) if is_v6(*byte) => 1,
        Some([b'[', b':' | b'.', b']', ..] | [b'(', b':' | b'.', b')', ..]) => 3,
        _ => 0,
    }
}

/// The IPv6 address around the colon at `anchor`, its first one.
fn v6_around(line: &[u8], anchor: usize, from: usize) -> Option<Found> {
    let bracketed =
        matches!((before(line, anchor), at(line, anchor + 1)), (b'[', b']') | (b'(', b')'));
    let first_sep = if bracketed { anchor - 1 } else { anchor };
    let left = line.get(from..first_sep)?;
    let digits = left.iter().rev().take(5).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let mut start = first_sep - digits;
    // `source:2001:db8::1`: the address begins after the colon.
    let attached = digits > 4 || is_word(before(line, start));
    if attached
        || inside_a_run(line, start)
        || (digits == 0 && at(line, anchor + 1) != b':' && !bracketed)
    {
        return None;
    }
    if !begins_like_v6(line, start, first_sep) {
        return None;
    }
    let (mut end, mut text, mut len) = (start, [0_u8; V6_TOKEN_BYTES_MAX], 0);
    loop {
        let step = v6_step(line, end);
        if step == 0 {
            break;
        }
        *text.get_mut(len)? = at(line, end + usize::from(step == 3));
        (len, end) = (len + 1, end + step);
    }
    let text = std::str::from_utf8(text.get(..len)?).ok()?;
    let lone_group = text.find("::").is_some_and(|at| at > 0 && at + 2 == text.len())
        && text.matches(':').count() == 2;
    if lone_group && at(line, end) != b'/' {
        return None;
    }
    let (addr, mut port, cut) = v6_text(text)?;
    // A disguised mark is never among those cut: they are what prose puts after an address.
    end -= cut;
    if !may_end(line, end) {
        return None;
    }
    let mut zone = None;
    if let Some((name, after)) = zone_tail(line, end, addr) {
        (zone, end) = (Some(name), after);
    }
    if before(line, start) == b'[' && at(line, end) == b']' {
        (start, end) = (start - 1, end + 1);
        let port_at = (at(line, end) == b':').then(|| number(line, end + 1)).flatten();
        if let Some((number, after)) = port_at.filter(|(_, after)| may_end(line, *after)) {
            (port, end) = (Some(number), after);
        }
    } else if zone.is_none() && port.is_none() {
        return Some(with_tail(line, start, end, addr));
    }
    Some(Found { at: start..end, query: Query::Addr { addr, port, zone } })
}

/// Whether a short hexadecimal group and a colon stand before: the middle of a longer run.
fn inside_a_run(line: &[u8], start: usize) -> bool {
    let Some(left) = start.checked_sub(1).and_then(|colon| line.get(..colon)) else { return false };
    let word = left.iter().rev().take(5).take_while(|byte| is_word(**byte));
    let (len, hex) =
        word.fold((0, true), |(len, hex), byte| (len + 1, hex && byte.is_ascii_hexdigit()));
    before(line, start) == b':' && hex && (1..=4).contains(&len)
}

/// Whether the first group is that of an address rather than of a time or a MAC address.
fn begins_like_v6(line: &[u8], start: usize, first_sep: usize) -> bool {
    match line.get(start..first_sep).unwrap_or_default() {
        [] => true,
        [b'0'] => true,
        [b'6', b'4'] => line.get(first_sep + 1..).is_some_and(|rest| {
            rest.get(..4).is_some_and(|group| group.eq_ignore_ascii_case(b"ff9b"))
        }),
        group => group.len() >= 3,
    }
}

/// The address in a run of IPv6 characters, tcpdump's port after it, and how many bytes at the end
/// are punctuation.
fn v6_text(run: &str) -> Option<(Addr, Option<u16>, usize)> {
    let mut text = run.trim_end_matches('.');
    if text.ends_with(':') && !text.ends_with("::") {
        text = text.strip_suffix(':')?.trim_end_matches('.');
    }
    let is_addr = text.len() > 2 && text.bytes().any(|byte| byte.is_ascii_digit());
    if !is_addr {
        return None;
    }
    let cut = run.len() - text.len();
    if let Ok(addr) = text.parse::<Ipv6Addr>() {
        return Some((Addr::from(std::net::IpAddr::V6(addr)), None, cut));
    }
    // tcpdump writes `2001:db8::1.443`.
    let (addr, port) = text.rsplit_once('.')?;
    let addr: Ipv6Addr = addr.parse().ok()?;
    Some((Addr::from(std::net::IpAddr::V6(addr)), Some(parse_port(port).ok()?), cut))
}

/// The zone of a link-local address; elsewhere `%` is percent-encoding.
fn zone_tail(line: &[u8], end: usize, addr: Addr) -> Option<(Untrusted, usize)> {
    let link_local = addr.bits() >> 118 == 0x3fa || addr.bits() >> 120 == 0xff;
    if !link_local || addr.family() == Family::V4 || at(line, end) != b'%' {
        return None;
    }
    let rest = line.get(end + 1..)?;
    let len = rest
        .iter()
        .take(ZONE_BYTES_MAX + 1)
        .take_while(|byte| is_word(**byte) || **byte == b'-' || **byte == b'.')
        .count();
    let name = std::str::from_utf8(rest.get(..len)?).ok()?.trim_end_matches(['.', '-']);
    let fits = !name.is_empty() && len <= ZONE_BYTES_MAX;
    fits.then(|| (Untrusted::new(name), end + 1 + name.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pasted: &str, expected: &str) {
        let read =
            parse(pasted).map_or_else(|error| error.what.to_owned(), |query| query.to_string());
        assert_eq!(read, expected, "{pasted:?}");
    }

    fn check_line(line: &str, expected: &[&str]) {
        let found: Vec<Found> = find_all(line.as_bytes()).collect();
        let texts: Vec<String> = found.iter().map(|found| found.query.to_string()).collect();
        assert_eq!(texts, expected, "{line:?}");
        for pair in found.windows(2) {
            assert!(pair[0].at.end <= pair[1].at.start, "{line:?}");
        }
    }

    #[test]
    fn what_people_paste() {
        for (pasted, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("  192.0.2.1\r", "192.0.2.1"),
            ("\u{feff}192.0.2.1", "192.0.2.1"),
            ("\"192.0.2.1\",", "192.0.2.1"),
            ("“192.0.2.1”", "192.0.2.1"),
            ("192.0.2.1.", "192.0.2.1"),
            ("(192.0.2.1);", "192.0.2.1"),
            ("<192.0.2.1>", "192.0.2.1"),
            ("192.0.2.1:443", "192.0.2.1:443"),
            ("192.0.2.1:", "192.0.2.1"),
            ("192.0.2.1#53", "192.0.2.1:53"),
            ("2001:DB8::1", "2001:db8::1"),
            ("2001:db8::", "2001:db8::"),
            ("::", "::"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "[2001:db8::1]:443"),
            ("2001:db8::1#53", "[2001:db8::1]:53"),
            ("fe80::1%eth0", "fe80::1%eth0"),
            ("[fe80::1%eth0.5]:22", "[fe80::1%eth0.5]:22"),
            ("fe80::1%eth0/64", "fe80::/64"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("[::ffff:192.0.2.1]:80", "192.0.2.1:80"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("192.0.2.0 / 24", "192.0.2.0/24"),
            ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
            ("192.0.2.*", "192.0.2.0/24"),
            ("192.0.*.*", "192.0.0.0/16"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("192.0.2.1-192.0.2.9", "192.0.2.1-192.0.2.9"),
            ("192.0.2.1 – 192.0.2.9", "192.0.2.1-192.0.2.9"),
            ("192.0.2.1-9", "192.0.2.1-192.0.2.9"),
            ("2001:db8::1 - 2001:db8::ff", "2001:db8::1-2001:db8::ff"),
            ("192[.]0[.]2[.]1", "192.0.2.1"),
            ("192(.)0(.)2(.)1", "192.0.2.1"),
            ("192[dot]0[dot]2[dot]1", "192.0.2.1"),
            ("192{.}0.2(dot)1", "192.0.2.1"),
            ("192\\.0\\.2\\.1", "192.0.2.1"),
            ("192.0.2[.1", "192.0.2.1"),
            ("hxxp://192[.]0[.]2[.]1/x", "192.0.2.1"),
            ("hxxps[://]192.0.2[.]1:8443/a?b", "192.0.2.1:8443"),
            ("http://user:pass@192.0.2.1/", "192.0.2.1"),
            ("http://[2001:db8::1]:8080/x", "[2001:db8::1]:8080"),
            ("http://[fe80::1%25eth0]/", "fe80::1%eth0"),
            ("2001[:]db8[:]:1", "2001:db8::1"),
            ("2001[:]db8[::]1", "2001:db8::1"),
            ("192.0.2.1/index.html", "192.0.2.1"),
        ] {
            check(pasted, expected);
        }
    }

    #[test]
    fn what_is_refused_says_why() {
        for (pasted, expected) in [
            ("", NOT_AN_ADDRESS),
            ("192.0.2", NOT_AN_ADDRESS),
            ("192.0.2.256", NOT_AN_ADDRESS),
            ("1.2.3.4.5", NOT_AN_ADDRESS),
            ("3221225985", NOT_AN_ADDRESS),
            ("12:34:56", NOT_AN_ADDRESS),
            ("192.0.2.010", LEADING_ZERO),
            ("192.0.02.1:80", LEADING_ZERO),
            ("010.0.0.0/8", LEADING_ZERO),
            ("010.0.0.0-010.0.0.9", LEADING_ZERO),
            ("hxxp://192.0.2.01/x", LEADING_ZERO),
            ("192.0.2.1:65536", BAD_PORT),
            ("192.0.2.1:+80", BAD_PORT),
            ("[2001:db8::1]:x", BAD_PORT),
            ("192.0.2.0/33", BAD_LEN),
            ("2001:db8::/129", BAD_LEN),
            ("192.0.2.9-192.0.2.1", BAD_RANGE),
            ("192.0.2.9-2001:db8::1", MIXED_RANGE),
            ("www.example.com", A_NAME),
            ("https://www.example.com/192.0.2.1", A_NAME),
            (&"9".repeat(QUERY_BYTES_MAX + 1), TOO_LONG),
        ] {
            check(pasted, expected.what);
        }
        check(&"9".repeat(QUERY_BYTES_MAX), NOT_AN_ADDRESS.what);
    }

    #[test]
    fn addresses_in_prose_and_logs() {
        for (line, expected) in [
            ("192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET /\"", &["192.0.2.1"][..]),
            ("login from 192.0.2.1, then 198.51.100.2.", &["192.0.2.1", "198.51.100.2"]),
            (
                "src=192.0.2.1:51234 dst=[2001:db8::1]:443",
                &["192.0.2.1:51234", "[2001:db8::1]:443"],
            ),
            ("inet 192.0.2.77/24 brd 192.0.2.255", &["192.0.2.77", "192.0.2.255"]),
            ("route 192.0.2.0/24 via 2001:db8::/32", &["192.0.2.0/24", "2001:db8::/32"]),
            ("inetnum: 192.0.2.0 - 192.0.2.127", &["192.0.2.0-192.0.2.127"]),
            ("pool 192.0.2.3-192.0.2.9", &["192.0.2.3-192.0.2.9"]),
            ("10.0.0.5 - 10.0.0.9", &["10.0.0.5", "10.0.0.9"]),
            ("C2 at 192[.]0[.]2[.]1 and 198[dot]51[dot]100[dot]2", &["192.0.2.1", "198.51.100.2"]),
            ("hxxp://192.0.2[.]1:8080/x", &["192.0.2.1:8080"]),
            ("seen 2001[:]db8[:][:]1 too", &["2001:db8::1"]),
            ("source:2001:db8::1: refused", &["2001:db8::1"]),
            ("inside:192.0.2.5/443 (198.51.100.7/22)", &["192.0.2.5", "198.51.100.7"]),
            ("host/192.0.2.1:80 outside/192.0.2.2(80)", &["192.0.2.1:80", "192.0.2.2"]),
            ("IP 192.0.2.1.443 > 198.51.100.2.80: Flags", &["192.0.2.1:443", "198.51.100.2:80"]),
            ("IP6 2001:db8::1.443 > fe80::1.80: F", &["[2001:db8::1]:443", "[fe80::1]:80"]),
            ("reject fe80::/10", &["fe80::/10"]),
            ("ping fe80::1%eth0, ff02::1%2", &["fe80::1%eth0", "ff02::1%2"]),
            ("::ffff:192.0.2.1 and ::1", &["192.0.2.1", "::1"]),
            ("u=http%3A%2F%2F192.0.2.1%2Fx", &["192.0.2.1"]),
            ("0:0:0:0:0:0:0:1 64:ff9b::c000:201", &["::1", "64:ff9b::c000:201"]),
            ("client 192.0.2.1#53421 (x.example.com)", &["192.0.2.1:53421"]),
            ("192.0.2.1\t198.51.100.2|203.0.113.3", &["192.0.2.1", "198.51.100.2", "203.0.113.3"]),
            ("192.0.2.0/255.255.255.0 mask 255.255.255.0", &["192.0.2.0/24"]),
            ("bytes \u{fffd}192.0.2.1\u{fffd}", &["192.0.2.1"]),
        ] {
            check_line(line, expected);
        }
    }

    #[test]
    fn what_only_looks_like_an_address() {
        for line in [
            "1.2.3.4.5 and 1.3.6.1.4.1.8072 and 10.04.2026 and 1.2.3",
            "Chrome/120.0.0.0 Safari/537.36 (foo)/1.2.3.4",
            "nginx-1.2.3.4 v1.2.3.4 lib_1.2.3.4 5.4.0.81-generic 1.2.3.4-1 1.2.3.4a",
            "version 1.2.3.4, Version: 1.2.3.4, ver=1.2.3.4, OID=1.3.6.1",
            "4.3.2.1.in-addr.arpa 1.2.3.4.example.com",
            "256.1.1.1 1.1.1.256 01.02.03.04 1.2.3.0004 2026.11.21.5",
            "12:34:56 2026-11-21T12:34:56.789 [17/May/2015:10:05:03 +0000]",
            "02:00:5e:00:53:01 00:11:22:33:44:55:66:77",
            "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99",
            "MAC=02:00:5e:00:53:01:02:00:5e:00:53:02:08:00",
            "std::vec::Vec Foo::Bar::1 a::b dead::beef ::: :: :x: ::add",
            "SHA256:abcdef0123456789 12::30 1:2:3:4:2001:db8::1",
            "error: code: 404:: done::",
            ":::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::::",
            "...............................................................................",
        ] {
            check_line(line, &[]);
        }
    }

    #[test]
    fn positions_are_those_of_the_text() {
        let line = "a [2001:db8::1]:80 b 192[.]0[.]2[.]1, 192.0.2.0/24.";
        let texts: Vec<&str> = find_all(line.as_bytes()).map(|found| &line[found.at]).collect();
        assert_eq!(texts, ["[2001:db8::1]:80", "192[.]0[.]2[.]1", "192.0.2.0/24"]);
    }

    fn any_addr() -> impl Strategy<Value = Addr> {
        prop_oneof![
            any::<u32>().prop_map(|bits| Addr::V4(Ipv4Addr::from_bits(bits))),
            any::<[u8; 16]>().prop_map(Addr::from_v6_octets),
        ]
    }

    fn any_query() -> impl Strategy<Value = Query> {
        let zone = prop::option::of("[a-z][a-z0-9]{0,9}(\\.[0-9]{1,4})?");
        prop_oneof![
            (any_addr(), any::<Option<u16>>(), zone).prop_map(|(addr, port, zone)| {
                let zone = zone.filter(|_| addr.family() == Family::V6);
                Query::Addr { addr, port, zone: zone.as_deref().map(Untrusted::new) }
            }),
            (any_addr(), 0..=128_u8).prop_filter_map("length", |(addr, len)| {
                Prefix::new(addr, len).map(Query::Prefix)
            }),
            (any_addr(), any_addr())
                .prop_filter_map("order", |(a, b)| AddrRange::new(a, b).map(Query::Range)),
        ]
    }

    proptest! {
        #[test]
        fn bare_addresses_are_read_as_all_others(
            v4 in any::<[u8; 4]>(), v6 in any::<u128>(), zeros in 0_u32..128,
            other in "[0-9]{1,3}(\\.[0-9]{1,4}){2,4}|[0-9a-f:]{0,12}|[0-9.:]{7,15}",
        ) {
            let v4 = Ipv4Addr::from(v4).to_string();
            prop_assert!(parse_bare(v4.as_bytes()).is_some());
            for text in [v4, Ipv6Addr::from_bits(v6 >> zeros).to_string(), other] {
                match parse_bare(text.as_bytes()) {
                    Some(addr) => prop_assert_eq!(parse(&text), Ok(Query::plain(addr))),
                    None => prop_assert!(text.contains('.') || text.parse::<Addr>().is_err()),
                }
            }
        }

        #[test]
        fn written_queries_are_read_back(query in any_query()) {
            prop_assert_eq!(parse(&query.to_string()), Ok(query.clone()));
            let defanged = query.to_string().replace('.', "[.]");
            prop_assert_eq!(parse(&defanged), Ok(query));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,80}") {
            parse(&text).ok();
        }

        #[test]
        fn any_line_is_searched(line in prop::collection::vec(any::<u8>(), 0..200)) {
            for found in find_all(&line) {
                prop_assert!(line.get(found.at).is_some());
            }
        }

        #[test]
        fn what_is_found_can_be_parsed(line in "[0-9a-f.:/%#\\[\\](){} >dot-]{0,60}") {
            for found in find_all(line.as_bytes()) {
                let text = &line[found.at.clone()];
                // Text that is tcpdump's or a netmask's is right only in its line.
                if let Ok(read) = parse(text) {
                    prop_assert_eq!(read.range(), found.query.range(), "{}", text);
                }
            }
        }

        #[test]
        fn public_addresses_in_a_line_are_found(bits in any::<u32>(), low in any::<u64>()) {
            let v4 = Addr::V4(Ipv4Addr::from_bits(bits & 0xdfff_ffff));
            let v6 = Addr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(low)));
            let line = format!("from {v4} to {v6}, port 22");
            let found: Vec<Addr> =
                find_all(line.as_bytes()).filter_map(|found| found.query.addr()).collect();
            prop_assert_eq!(found, [v4, v6]);
        }
    }
}
