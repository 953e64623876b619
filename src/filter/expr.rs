//! A filter as a value: what was parsed, and how it is written.

use std::fmt::{self, Display, Write as _};

use regex::{Regex, RegexBuilder};

use super::fields::FieldId;
use crate::model::{AddrRange, Band, Prefix, Timestamp};

/// Bytes a compiled pattern and its automaton may take, each: `\w{100}` fits, `\w{1000}` does not.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Groups within groups of a pattern.
const PATTERN_DEPTH_MAX: u32 = 32;

/// A condition. `And` and `Or` hold at least two, none of their own sort; `And` of none holds
/// always; `Not` holds no `Not`: so equal conditions that were written alike are equal values.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// A bare field: it has a value, or is true.
    Has(FieldId),
    /// A bare word.
    Search(Box<str>),
    Compare(Compare),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Compare {
    pub(super) field: FieldId,
    pub(super) op: Op,
    pub(super) operand: Operand,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    In,
    Contains,
    Matches,
}

impl Op {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::In => "in",
            Self::Contains => "contains",
            Self::Matches => "matches",
        }
    }
}

/// What a field is compared with: one value, or for `in` those of the set.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Numbers(Vec<Span<f64>>),
    Addrs(Vec<AddrRange>),
    Texts(Vec<Box<str>>),
    Flag(bool),
    Bands(Vec<Span<Band>>),
    Times(Vec<Span<Moment>>),
    Pattern(Pattern),
    /// Degrees north and east, in order around an area.
    Corners(Vec<[f64; 2]>),
}

impl Operand {
    /// How many values.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Numbers(spans) => spans.len(),
            Self::Addrs(ranges) => ranges.len(),
            Self::Texts(texts) => texts.len(),
            Self::Bands(spans) => spans.len(),
            Self::Times(spans) => spans.len(),
            Self::Corners(corners) => corners.len(),
            Self::Flag(_) | Self::Pattern(_) => 1,
        }
    }

    /// Joins the values of two operands of one type; `None`: they are of two.
    pub(super) fn joined(self, other: Self) -> Option<Self> {
        fn both<T>(mut one: Vec<T>, other: Vec<T>) -> Vec<T> {
            one.extend(other);
            one
        }
        Some(match (self, other) {
            (Self::Numbers(one), Self::Numbers(other)) => Self::Numbers(both(one, other)),
            (Self::Addrs(one), Self::Addrs(other)) => Self::Addrs(both(one, other)),
            (Self::Texts(one), Self::Texts(other)) => Self::Texts(both(one, other)),
            (Self::Bands(one), Self::Bands(other)) => Self::Bands(both(one, other)),
            (Self::Times(one), Self::Times(other)) => Self::Times(both(one, other)),
            (Self::Corners(one), Self::Corners(other)) => Self::Corners(both(one, other)),
            _ => return None,
        })
    }
}

/// From a first to a last value, both included. A date is the span of its day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span<T> {
    pub(super) first: T,
    pub(super) last: T,
}

impl<T: Copy> Span<T> {
    pub(super) const fn one(value: T) -> Self {
        Self { first: value, last: value }
    }
}

/// A point in time, or one counted back from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    At(Timestamp),
    /// So many nanoseconds before now.
    Ago(i64),
}

impl Moment {
    pub(super) const fn resolved(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(nanos) => now.plus_nanos(nanos.saturating_neg()),
        }
    }
}

/// A regular expression, searched in linear time, blind to the case of letters as Wireshark's is.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    source: Box<str>,
    regex: Regex,
}

impl Pattern {
    /// Compiles it; else a sentence about what is wrong.
    pub(super) fn new(source: &str) -> Result<Self, String> {
        let regex = RegexBuilder::new(source)
            .case_insensitive(true)
            .size_limit(PATTERN_BYTES_MAX)
            .dfa_size_limit(PATTERN_BYTES_MAX)
            .nest_limit(PATTERN_DEPTH_MAX)
            .build();
        match regex {
            Ok(regex) => Ok(Self { source: source.into(), regex }),
            Err(regex::Error::CompiledTooBig(_)) => {
                Err("this pattern is too large when unfolded; repeat less".to_owned())
            }
            Err(error) => {
                let said = error.to_string();
                let last = said.lines().next_back().unwrap_or_default();
                let last = last.trim().trim_start_matches("error: ");
                Err(format!("not a regular expression: {last}"))
            }
        }
    }

    pub(super) const fn regex(&self) -> &Regex {
        &self.regex
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl Expr {
    /// The condition that holds for every row.
    pub(super) const fn everything() -> Self {
        Self::And(Vec::new())
    }

    pub(super) fn and(self, other: Self) -> Self {
        let mut all = self.into_parts();
        all.extend(other.into_parts());
        Self::all(all)
    }

    /// What is joined by `&&` at the top.
    pub(super) fn into_parts(self) -> Vec<Self> {
        match self {
            Self::And(parts) => parts,
            other => vec![other],
        }
    }

    /// All of some conditions, flattened.
    pub(super) fn all(parts: Vec<Self>) -> Self {
        let mut flat: Vec<Self> = parts.into_iter().flat_map(Self::into_parts).collect();
        match (flat.pop(), flat.is_empty()) {
            (None, _) => Self::everything(),
            (Some(only), true) => only,
            (Some(last), false) => {
                flat.push(last);
                Self::And(flat)
            }
        }
    }

    /// Any of at least one condition, flattened.
    pub(super) fn any(parts: Vec<Self>) -> Self {
        let mut flat: Vec<Self> = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match (flat.pop(), flat.is_empty()) {
            (None, _) => Self::everything().negated(),
            (Some(only), true) => only,
            (Some(last), false) => {
                flat.push(last);
                Self::Or(flat)
            }
        }
    }

    pub(super) fn negated(self) -> Self {
        match self {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// Calls `see` for every condition that is not made of others.
    pub(super) fn each_leaf<'e>(&'e self, see: &mut dyn FnMut(&'e Self)) {
        match self {
            Self::And(parts) | Self::Or(parts) => parts.iter().for_each(|it| it.each_leaf(see)),
            Self::Not(inner) => inner.each_leaf(see),
            leaf => see(leaf),
        }
    }
}

/// In brackets where `&&` and `||` would tear it apart.
struct Bracketed<'e>(&'e Expr);

impl Display for Bracketed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expr::And(_) | Expr::Or(_) => write!(f, "({})", self.0),
            other => other.fmt(f),
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => joined(f, parts.iter().map(Bracketed), " && "),
            Self::Or(parts) => joined(f, parts.iter().map(Bracketed), " || "),
            Self::Not(inner) => write!(f, "!({inner})"),
            Self::Has(field) => f.write_str(field.field().name),
            Self::Search(text) => Quoted(text).fmt(f),
            Self::Compare(compare) => compare.fmt(f),
        }
    }
}

fn joined(
    f: &mut fmt::Formatter<'_>,
    items: impl Iterator<Item = impl Display>,
    between: &str,
) -> fmt::Result {
    for (place, item) in items.enumerate() {
        if place > 0 {
            f.write_str(between)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

impl Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.field.field().name, self.op.as_str())?;
        match self.op {
            Op::In => write!(f, "{{{}}}", self.operand),
            _ => self.operand.fmt(f),
        }
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbers(spans) => joined(f, spans.iter(), ", "),
            Self::Addrs(ranges) => joined(f, ranges.iter().map(|range| Shortest(*range)), ", "),
            Self::Texts(texts) => joined(f, texts.iter().map(|text| Quoted(text)), ", "),
            Self::Flag(flag) => flag.fmt(f),
            Self::Bands(spans) => {
                let words = spans
                    .iter()
                    .map(|span| Span { first: span.first.as_str(), last: span.last.as_str() });
                joined(f, words, ", ")
            }
            Self::Times(spans) => joined(f, spans.iter().map(|span| WrittenTime(*span)), ", "),
            Self::Pattern(pattern) => Quoted(&pattern.source).fmt(f),
            Self::Corners(corners) => {
                joined(f, corners.iter().map(|[lat, lon]| format!("{lat}/{lon}")), ", ")
            }
        }
    }
}

impl<T: Display + PartialEq> Display for Span<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => self.first.fmt(f),
            false => write!(f, "{}..{}", self.first, self.last),
        }
    }
}

/// An address range as address, prefix or range.
struct Shortest(AddrRange);

impl Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = self.0;
        if range.first() == range.last() {
            return range.first().fmt(f);
        }
        let prefix = Prefix::largest_inside(range, range.first());
        match AddrRange::from(prefix) == range {
            true => prefix.fmt(f),
            false => range.fmt(f),
        }
    }
}

/// A text between quotes; quotes and backslashes in it are escaped.
pub(super) struct Quoted<'t>(pub(super) &'t str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for character in self.0.chars() {
            if matches!(character, '"' | '\\') {
                f.write_char('\\')?;
            }
            f.write_char(character)?;
        }
        f.write_char('"')
    }
}

pub(super) const SECOND_NANOS: i64 = 1_000_000_000;
pub(super) const DAY_NANOS: i64 = 86_400 * SECOND_NANOS;

/// A span of time as date, second, moment or range.
struct WrittenTime(Span<Moment>);

impl Display for WrittenTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = match (self.0.first, self.0.last) {
            (Moment::At(first), Moment::At(last)) => (first, last),
            (first, last) => return Span { first, last }.fmt(f),
        };
        let spans = |nanos: i64| {
            first.nanos().rem_euclid(nanos) == 0
                && first.nanos().checked_add(nanos - 1) == Some(last.nanos())
        };
        if spans(DAY_NANOS) {
            f.write_str(&first.to_date())
        } else if spans(SECOND_NANOS) {
            write!(f, "{}Z", first.to_short().replace(' ', "T"))
        } else if first.nanos().rem_euclid(SECOND_NANOS) == 0
            && last.nanos().rem_euclid(SECOND_NANOS) == SECOND_NANOS - 1
        {
            // The last second up to its end, as it is read.
            let second = |at: Timestamp| at.to_short().replace(' ', "T");
            write!(f, "{}Z..{}Z", second(first), second(last))
        } else {
            Span { first, last }.fmt(f)
        }
    }
}

/// Units of time, the longest first: the first name is the one written.
pub(super) const TIME_UNITS: &[(&[&str], i64)] = &[
    (&["w"], 7 * DAY_NANOS),
    (&["d", "day", "days"], DAY_NANOS),
    (&["h", "hour", "hours"], 3_600 * SECOND_NANOS),
    (&["m", "min", "minutes"], 60 * SECOND_NANOS),
    (&["s", "sec", "secs"], SECOND_NANOS),
    (&["ms"], 1_000_000),
    (&["us", "µs"], 1_000),
    (&["ns"], 1),
];

impl Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::At(at) => at.fmt(f),
            Self::Ago(0) => f.write_str("now"),
            Self::Ago(nanos) => {
                let fits = TIME_UNITS.iter().find(|(_, unit)| nanos % unit == 0);
                let (name, unit) = fits.map_or(("ns", 1), |(names, unit)| (names[0], *unit));
                write!(f, "-{}{name}", nanos / unit)
            }
        }
    }
}
