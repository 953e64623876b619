//! The filter language: one for the window, `--filter`, alerts and rules.
//!
//! Wireshark's display-filter syntax where it has one, with the field names of our JSON and
//! Wireshark's as aliases ([`FIELDS`] lists them all):
//!
//! ```text
//! score >= 50 && country == "NL" && !(list == "tor")
//! ip.addr == 192.0.2.0/24 or addr in {198.51.100.1-198.51.100.9, 2001:db8::/32}
//! tcp.port in {22, 8000..8999} and bytes > 10MB and duration < 90s
//! http.user_agent matches "sqlmap|nikto" && last_seen >= -24h && band >= high
//! example hosting !berlin
//! ```
//!
//! Text → [`parse`] → [`Filter`] → [`Filter::plan`] → [`Plan`], which answers for a row
//! ([`Plan::matches`] over [`Fields`]) or for a table in columns ([`Plan::rows`] over [`Columns`]).
//! What to write next comes from [`complete`]; clicks make filters with [`Filter::field_eq`] and
//! kin; a filter prints as a text that parses to the same filter.
//!
//! # What it means
//!
//! * A field has any number of values in a row: a flow has two addresses, a host any number of
//!   lists. A comparison holds if **any** value meets it; `==` with a prefix or range means inside.
//! * `a != b` means that **no** value equals: it is short for `!(a == b)`.
//! * A row without a value (unknown, or the table has no such field) meets no comparison, so
//!   `score < 50` does not show unknown scores; denied, it holds: `!(score < 50)` and
//!   `country != "NL"` show them. (Wireshark's `!=` would hide them; ours hides nothing that was
//!   not named.) [`Filter::absent_from`] says which fields a table lacks, so that a view can say
//!   that a filter does not apply to it.
//! * A bare field has a value: `sni`, `!country`. A yes-or-no field is true: `mine`, `!succeeded`.
//! * Bare words and texts in quotes are looked for in addresses, names, AS names, cities, notes and
//!   what else [`FIELDS`] marks as searched; side by side, all of them are needed. One that is an
//!   address, prefix or range finds the addresses inside.
//! * `point in {52.5/4.2, 52.5/5.5, 51.6/4.8}` is the area between these corners, each in degrees
//!   north and east; its edges are straight on the map, where a lasso makes it.
//! * The case of letters never matters, in patterns neither (write `(?-i)` there, as in Wireshark).
//!   Patterns are the `regex` crate's, which takes linear time whatever is searched for.
//! * A time is as exact as it is written: `first_seen == 2026-06-05` is that day in UTC, `<=` up to
//!   its end. `-24h` counts back from the time given to [`Filter::plan`].
//! * `&&` binds tighter than `||`, `!` tightest; `and or not` may be written, `eq ne gt ge lt le ~`
//!   and `not in` too, as in Wireshark.
//! * `tcp.port` is `port` with `proto == "tcp"`; `kind` and `confidence` mean those of the table in
//!   [`parse_for`], the host's in [`parse`].
//!
//! ```
//! use infralock::filter::{Table, parse, parse_for};
//! let filter = parse("score>=50 and not list==tor").unwrap();
//! assert_eq!(filter.to_string(), r#"score >= 50 && !(list == "tor")"#);
//! assert_eq!(parse(&filter.to_string()).unwrap(), filter);
//! assert!(parse("10.0.0.0/8 || amsterdam").is_ok());
//! let error = parse_for("scor > 5", Table::Hosts).unwrap_err();
//! assert_eq!(error.to_string(), "column 1: there is no field `scor`; `score` could stand here");
//! ```
//!
//! Deliberately absent: arithmetic, functions, comparison of two fields, slices of bytes. A field
//! of a single packet (`frame.len`, `tcp.flags`) has no meaning for hosts, flows and records.

mod addr;
mod area;
mod columns;
mod complete;
mod error;
mod expr;
mod fields;
mod guards;
mod parse;
mod plan;
#[cfg(test)]
mod tests;
mod text;
mod values;

use std::fmt;

use area::{CORNERS_MAX, CORNERS_MIN};
pub use columns::{ABSENT, Bits, Column, Columns, Data, Dictionary, Shape};
pub use complete::{Completion, complete};
pub use error::FilterError;
use error::Mistake;
use expr::{Compare, Expr, Moment, Op, Operand, Span};
pub use fields::{FIELDS, Field, FieldId, Table, Type, names};
pub use plan::{Cell, Fields, Plan};

use crate::model::{AddrRange, Prefix, Timestamp};

/// Bytes of one filter: a set of ten thousand addresses that were selected on the map fits.
pub const FILTER_BYTES_MAX: usize = 256 << 10;

/// Brackets and negations within each other: people use three; a megabyte of stack holds thousands.
pub const FILTER_DEPTH_MAX: usize = 64;

/// Conditions of one filter. Each costs up to some milliseconds for a million rows; the values of a
/// set do not count, they cost nothing more.
pub const FILTER_TERMS_MAX: usize = 1_000;

/// Patterns of one filter; each may take a megabyte.
pub const FILTER_PATTERNS_MAX: usize = 32;

/// A condition on rows; see the [module](self) for the language.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    expr: Expr,
}

/// Reads a filter for all tables; an empty text holds for every row.
///
/// # Errors
/// Where it is wrong, and what could stand there.
pub fn parse(text: &str) -> Result<Filter, FilterError> {
    parsed(text, None)
}

/// Reads a filter for one table: words that several tables use mean this table's field, and a field
/// that it does not have is refused.
///
/// # Errors
/// Where it is wrong, and what could stand there.
pub fn parse_for(text: &str, table: Table) -> Result<Filter, FilterError> {
    parsed(text, Some(table))
}

fn parsed(text: &str, table: Option<Table>) -> Result<Filter, FilterError> {
    if text.len() > FILTER_BYTES_MAX {
        let what = format!("a filter of {} bytes; at most {FILTER_BYTES_MAX} are read", text.len());
        let at = text.floor_char_boundary(FILTER_BYTES_MAX);
        return Err(Mistake { at, end: at, what, expected: Vec::new() }.locate(text));
    }
    let expr = parse::parse(text, table).map_err(|mistake| mistake.locate(text))?;
    Ok(Filter { expr })
}

impl Filter {
    /// The filter that every row meets; its text is empty.
    pub const fn everything() -> Self {
        Self { expr: Expr::everything() }
    }

    /// Whether every row meets it because nothing is asked.
    pub fn is_everything(&self) -> bool {
        self.expr == Expr::everything()
    }

    /// Rows of which a field has this value (a moment to the nanosecond). `None`: the field has
    /// values of another type, or the number is none.
    ///
    /// ```
    /// use infralock::filter::{Cell, FieldId, Filter};
    /// let nl = Filter::field_eq(FieldId::Country, Cell::Text("NL")).unwrap();
    /// let tor = Filter::field_eq(FieldId::List, Cell::Text("tor")).unwrap();
    /// assert_eq!(nl.and(tor.not()).to_string(), r#"country == "NL" && !(list == "tor")"#);
    /// ```
    pub fn field_eq(field: FieldId, value: Cell<'_>) -> Option<Self> {
        Some(Self::compared(field, Op::Eq, operand(field, value)?))
    }

    /// Rows of which a field has any of these values; `None` also for no values at all.
    pub fn field_in<'c>(
        field: FieldId,
        values: impl IntoIterator<Item = Cell<'c>>,
    ) -> Option<Self> {
        let mut values = values.into_iter().map(|value| operand(field, value));
        let first = values.next()??;
        let all = values.try_fold(first, |all, value| all.joined(value?))?;
        // A set of yes and no would be everything.
        let is_set = !matches!(all, Operand::Flag(_));
        let op = if all.count() > 1 { Op::In } else { Op::Eq };
        is_set.then(|| Self::compared(field, op, all))
    }

    /// Rows of which an address field lies inside; `None`: the field holds no addresses.
    pub fn field_inside(field: FieldId, range: AddrRange) -> Option<Self> {
        let is_addr = field.field().kind == Type::Addr;
        is_addr.then(|| Self::compared(field, Op::Eq, Operand::Addrs(vec![range])))
    }

    /// Rows whose time lies between two moments, both included: a brushed stretch of time. `None`:
    /// the field holds no times, or the last is before the first.
    pub fn field_between(field: FieldId, first: Timestamp, last: Timestamp) -> Option<Self> {
        let fits = field.field().kind == Type::Time && first <= last;
        let span = Span { first: Moment::At(first), last: Moment::At(last) };
        fits.then(|| Self::compared(field, Op::Eq, Operand::Times(vec![span])))
    }

    /// Rows of which a field has a value, or is true.
    pub const fn has(field: FieldId) -> Self {
        Self { expr: Expr::Has(field) }
    }

    /// Rows of which an address field lies inside any of some ranges; `None`: the field holds no
    /// addresses, or there is no range.
    pub fn field_inside_any(
        field: FieldId,
        ranges: impl IntoIterator<Item = AddrRange>,
    ) -> Option<Self> {
        let ranges: Vec<AddrRange> = ranges.into_iter().collect();
        let op = if ranges.len() > 1 { Op::In } else { Op::Eq };
        let fits = field.field().kind == Type::Addr && !ranges.is_empty();
        fits.then(|| Self::compared(field, op, Operand::Addrs(ranges)))
    }

    /// Rows of which a number lies between two, both included; `None`: the field holds no numbers,
    /// or these are none in order.
    pub fn field_within(field: FieldId, spans: &[(f64, f64)]) -> Option<Self> {
        let is_number = matches!(field.field().kind, Type::Number | Type::Bytes | Type::Secs);
        let in_order = |(first, last): &(f64, f64)| first <= last && (last - first).is_finite();
        let fits = is_number && !spans.is_empty() && spans.iter().all(in_order);
        let op = if spans.len() > 1 { Op::In } else { Op::Eq };
        let spans = spans.iter().map(|&(first, last)| Span { first, last }).collect();
        fits.then(|| Self::compared(field, op, Operand::Numbers(spans)))
    }

    /// Rows whose point lies within corners of degrees north and east, in order around it; degrees
    /// east may go on beyond ±180. `None`: the field holds no points, there are fewer than three
    /// corners, more than 256, or one is not on the globe.
    ///
    /// ```
    /// use infralock::filter::{FieldId, Filter};
    /// let lasso = [[52.5, 4.2], [52.5, 5.5], [51.6, 4.8]];
    /// let filter = Filter::field_around(FieldId::Point, &lasso).unwrap();
    /// assert_eq!(filter.to_string(), "point in {52.5/4.2, 52.5/5.5, 51.6/4.8}");
    /// ```
    pub fn field_around(field: FieldId, corners: &[[f64; 2]]) -> Option<Self> {
        let fits = field.field().kind == Type::Point
            && (CORNERS_MIN..=CORNERS_MAX).contains(&corners.len())
            && corners.iter().all(|corner| values::is_corner(*corner));
        fits.then(|| Self::compared(field, Op::In, Operand::Corners(corners.to_vec())))
    }

    /// The two moments between which a field must lie, if this is all that it asks for: what
    /// [`field_between`](Self::field_between) made, or a person wrote.
    pub fn between(&self, field: FieldId) -> Option<(Timestamp, Timestamp)> {
        let Expr::Compare(Compare { field: asked, op: Op::Eq, operand }) = &self.expr else {
            return None;
        };
        match operand {
            Operand::Times(spans) if *asked == field => match spans[..] {
                [Span { first: Moment::At(first), last: Moment::At(last) }] => Some((first, last)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Rows in which a text is found, as a bare word is.
    pub fn search(text: &str) -> Self {
        Self { expr: Expr::Search(text.into()) }
    }

    fn compared(field: FieldId, op: Op, operand: Operand) -> Self {
        Self { expr: Expr::Compare(Compare { field, op, operand }) }
    }

    /// Rows that meet both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { expr: self.expr.and(other.expr) }
    }

    /// Rows that meet either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { expr: Expr::any(vec![self.expr, other.expr]) }
    }

    /// Rows that do not meet it.
    #[must_use]
    #[expect(
        clippy::should_implement_trait,
        reason = "beside `and` and `or`, which are no operators"
    )]
    pub fn not(self) -> Self {
        Self { expr: self.expr.negated() }
    }

    /// The conditions joined by `&&` at the top, each a filter of its own: the chips of a bar. None
    /// for [`Filter::everything`].
    pub fn parts(&self) -> Vec<Self> {
        self.expr.clone().into_parts().into_iter().map(|expr| Self { expr }).collect()
    }

    /// The fields it asks about by name, each once, in the order of [`FIELDS`].
    pub fn fields(&self) -> Vec<&'static Field> {
        let mut asked = Vec::new();
        self.expr.each_leaf(&mut |leaf| match leaf {
            Expr::Has(field) | Expr::Compare(Compare { field, .. }) => asked.push(*field),
            _ => {}
        });
        asked.sort_unstable();
        asked.dedup();
        asked.into_iter().map(FieldId::field).collect()
    }

    /// Whether it looks for words in all that is searched.
    pub fn searches(&self) -> bool {
        let mut found = false;
        self.expr.each_leaf(&mut |leaf| found |= matches!(leaf, Expr::Search(_)));
        found
    }

    /// Whether it names what is not wanted: `!(list == "tor")`, `country != "NL"`. What is yes or
    /// no is named either way: `!mine` asks for the others.
    pub fn is_exclusion(&self) -> bool {
        let denies = match &self.expr {
            Expr::Not(_) => true,
            Expr::Compare(compare) => compare.op == Op::Ne,
            _ => false,
        };
        let asked = self.fields();
        let is_flag = !asked.is_empty() && asked.iter().all(|field| field.kind == Type::Flag);
        denies && !is_flag
    }

    /// The fields it asks about that a table does not have; if there are some, a view of this table
    /// says that the filter does not apply to it.
    pub fn absent_from(&self, table: Table) -> Vec<&'static Field> {
        self.fields().into_iter().filter(|field| !field.is_in(table)).collect()
    }

    /// Whether it counts back from now (`-24h`), so that its answer changes as time passes.
    pub fn is_relative(&self) -> bool {
        let mut relative = false;
        self.expr.each_leaf(&mut |leaf| {
            if let Expr::Compare(Compare { operand: Operand::Times(spans), .. }) = leaf {
                let ends = spans.iter().flat_map(|span| [span.first, span.last]);
                relative |= ends.into_iter().any(|end| matches!(end, Moment::Ago(_)));
            }
        });
        relative
    }

    /// Makes it ready to run; `now` is what `-24h` counts back from, and matters only if the filter
    /// [is relative](Filter::is_relative).
    pub fn plan(&self, now: Timestamp) -> Plan {
        Plan::new(&self.expr, now)
    }
}

/// A value as the operand of a field; `None` if the types differ.
fn operand(field: FieldId, value: Cell<'_>) -> Option<Operand> {
    Some(match (field.field().kind, value) {
        (Type::Number | Type::Bytes | Type::Secs, Cell::Number(number)) if number.is_finite() => {
            Operand::Numbers(vec![Span::one(number)])
        }
        (Type::Addr, Cell::Addr(addr)) => Operand::Addrs(vec![Prefix::host(addr).into()]),
        (Type::Text, Cell::Text(text)) => Operand::Texts(vec![text.into()]),
        (Type::Flag, Cell::Flag(flag)) => Operand::Flag(flag),
        (Type::Band, Cell::Band(band)) => Operand::Bands(vec![Span::one(band)]),
        (Type::Time, Cell::Time(time)) => Operand::Times(vec![Span::one(Moment::At(time))]),
        _ => return None,
    })
}

impl fmt::Display for Filter {
    /// A text that parses to the same filter; fields by their own names, texts in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.expr {
            everything if *everything == Expr::everything() => Ok(()),
            expr => expr.fmt(f),
        }
    }
}

impl std::str::FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        parse(text)
    }
}
