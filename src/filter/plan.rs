//! A filter made ready to run: times resolved, texts folded, what is cheap first.
//!
//! A [`Plan`] answers for one row at a time ([`Plan::matches`], for what streams by) and for whole
//! tables ([`Plan::rows`](super::columns), for what is drawn). Both rest on the same tests, so they
//! agree; `tests` asks both about the same random rows.

use super::expr::{Compare, Expr, Op, Operand, Span};
use super::fields::{FIELDS, FieldId, Type};
use super::text::{Needle, TextTest};
use crate::model::{Addr, AddrRange, Band, Timestamp, query};

/// One value of one row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'a> {
    /// For numbers, bytes and durations (in seconds). NaN counts as no value.
    Number(f64),
    /// An address.
    Addr(Addr),
    /// A text.
    Text(&'a str),
    /// Yes or no.
    Flag(bool),
    /// The name of a score.
    Band(Band),
    /// A moment.
    Time(Timestamp),
}

/// A row that hands out its values: none for what it does not have or does not know.
pub trait Fields {
    /// Calls `see` with each value of a field.
    fn each(&self, field: FieldId, see: &mut dyn FnMut(Cell<'_>));
}

/// A filter ready to run; see [`Filter::plan`](super::Filter::plan). Cheap to clone compared to
/// making it anew; `Send` and `Sync`.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) root: Node,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Has(FieldId),
    Search(Box<Search>),
    Test(FieldId, Test),
}

/// A test of one value.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Number(Order<f64>),
    Addr(Order<Addr>),
    Text(TextTest),
    Flag(bool),
    Band(Order<Band>),
    Time(Order<Timestamp>),
}

/// Where a value must lie.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Order<T> {
    Below(T),
    AtMost(T),
    Above(T),
    AtLeast(T),
    /// In one of these spans: sorted, disjoint.
    Within(Vec<(T, T)>),
}

impl<T: PartialOrd + Copy> Order<T> {
    fn within(mut spans: Vec<(T, T)>) -> Self {
        let by_first =
            |a: &(T, T), b: &(T, T)| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal);
        spans.sort_unstable_by(by_first);
        let mut disjoint: Vec<(T, T)> = Vec::with_capacity(spans.len());
        for (first, last) in spans {
            match disjoint.last_mut() {
                Some(before) if first <= before.1 => {
                    if last > before.1 {
                        before.1 = last;
                    }
                }
                _ => disjoint.push((first, last)),
            }
        }
        Self::Within(disjoint)
    }

    /// A comparison with a span: below its first, above its last, inside it.
    fn new(op: Op, spans: Vec<(T, T)>) -> Self {
        match (op, spans.first()) {
            (Op::Lt, Some((first, _))) => Self::Below(*first),
            (Op::Ge, Some((first, _))) => Self::AtLeast(*first),
            (Op::Le, Some((_, last))) => Self::AtMost(*last),
            (Op::Gt, Some((_, last))) => Self::Above(*last),
            _ => Self::within(spans),
        }
    }

    pub(super) fn holds(&self, value: T) -> bool {
        match self {
            Self::Below(bound) => value < *bound,
            Self::AtMost(bound) => value <= *bound,
            Self::Above(bound) => value > *bound,
            Self::AtLeast(bound) => value >= *bound,
            Self::Within(spans) => is_within(spans, value),
        }
    }

    pub(super) fn map<U>(&self, to: impl Fn(T) -> U) -> Order<U> {
        match self {
            Self::Below(bound) => Order::Below(to(*bound)),
            Self::AtMost(bound) => Order::AtMost(to(*bound)),
            Self::Above(bound) => Order::Above(to(*bound)),
            Self::AtLeast(bound) => Order::AtLeast(to(*bound)),
            Self::Within(spans) => {
                Order::Within(spans.iter().map(|(first, last)| (to(*first), to(*last))).collect())
            }
        }
    }
}

pub(super) fn is_within<T: PartialOrd>(spans: &[(T, T)], value: T) -> bool {
    match spans {
        [] => false,
        [(first, last)] => *first <= value && value <= *last,
        spans => {
            let at = spans.partition_point(|(first, _)| *first <= value);
            let before = at.checked_sub(1).and_then(|at| spans.get(at));
            before.is_some_and(|(_, last)| value <= *last)
        }
    }
}

/// What a bare word asks: in an address, or as a part of a text.
#[derive(Clone, Debug)]
pub(super) struct Search {
    pub(super) needle: Needle,
    /// The addresses it names, if it names some.
    range: Option<AddrRange>,
    /// Whether it can be a part of a written address of each family.
    in_v4_text: bool,
    in_v6_text: bool,
}

impl Search {
    fn new(text: &str) -> Self {
        let needle = Needle::new(text);
        let range = query::parse(text).ok().map(|query| query.range());
        let only = |allowed: fn(u8) -> bool| needle.folded().bytes().all(allowed);
        let in_v4_text = range.is_none() && only(|byte| byte.is_ascii_digit() || byte == b'.');
        let in_v6_text =
            range.is_none() && only(|byte| byte.is_ascii_hexdigit() || b".:".contains(&byte));
        Self { range, in_v4_text, in_v6_text, needle }
    }

    pub(super) const fn may_be_in_addrs(&self) -> bool {
        self.range.is_some() || self.in_v4_text || self.in_v6_text
    }

    pub(super) fn holds_addr(&self, addr: Addr) -> bool {
        match (self.range, addr) {
            (Some(range), _) => range.contains(addr),
            (None, Addr::V4(addr)) if self.in_v4_text => {
                let mut text = [0; 15];
                self.needle.is_in_folded(write_v4(addr.octets(), &mut text))
            }
            (None, Addr::V6(addr)) if self.in_v6_text => self.needle.is_in(&addr.to_string()),
            (None, _) => false,
        }
    }

    fn holds(&self, cell: Cell<'_>) -> bool {
        match cell {
            Cell::Addr(addr) => self.holds_addr(addr),
            Cell::Text(text) => self.needle.is_in(text),
            _ => false,
        }
    }
}

/// A dotted quad without the machinery of formatting, for a million of them in a table.
fn write_v4(octets: [u8; 4], text: &mut [u8; 15]) -> &[u8] {
    let mut end = 0;
    let mut put = |byte: u8| {
        if let Some(slot) = text.get_mut(end) {
            *slot = byte;
            end += 1;
        }
    };
    for (place, octet) in octets.into_iter().enumerate() {
        if place > 0 {
            put(b'.');
        }
        if octet >= 100 {
            put(b'0' + octet / 100);
        }
        if octet >= 10 {
            put(b'0' + octet / 10 % 10);
        }
        put(b'0' + octet % 10);
    }
    text.get(..end).unwrap_or_default()
}

impl Plan {
    pub(super) fn new(expr: &Expr, now: Timestamp) -> Self {
        Self { root: Node::new(expr, now) }
    }

    /// Whether a row meets the filter.
    pub fn matches(&self, row: &dyn Fields) -> bool {
        self.root.matches(row)
    }
}

impl Node {
    fn new(expr: &Expr, now: Timestamp) -> Self {
        match expr {
            Expr::And(parts) => Self::All(cheap_first(parts, now)),
            Expr::Or(parts) => Self::Any(cheap_first(parts, now)),
            Expr::Not(inner) => Self::Not(Box::new(Self::new(inner, now))),
            Expr::Has(field) => match field.field().kind {
                Type::Flag => Self::Test(*field, Test::Flag(true)),
                _ => Self::Has(*field),
            },
            Expr::Search(text) => Self::Search(Box::new(Search::new(text))),
            Expr::Compare(compare) => {
                let test = Self::Test(compare.field, Test::new(compare, now));
                if compare.op == Op::Ne { Self::Not(Box::new(test)) } else { test }
            }
        }
    }

    /// Cheap questions first: they leave fewer rows to the others.
    fn cost(&self) -> u32 {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().fold(0, |sum, part| sum.saturating_add(part.cost()))
            }
            Self::Not(inner) => inner.cost(),
            Self::Has(_) => 1,
            Self::Test(_, Test::Number(_) | Test::Flag(_) | Test::Band(_) | Test::Time(_)) => 1,
            Self::Test(_, Test::Addr(_)) => 3,
            Self::Test(_, Test::Text(TextTest::Equals(_))) => 4,
            Self::Test(_, Test::Text(TextTest::Contains(_))) => 10,
            Self::Test(_, Test::Text(TextTest::Matches(_))) => 40,
            Self::Search(_) => 100,
        }
    }

    fn matches(&self, row: &dyn Fields) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.matches(row)),
            Self::Any(parts) => parts.iter().any(|part| part.matches(row)),
            Self::Not(inner) => !inner.matches(row),
            Self::Has(field) => any(row, *field, |_| true),
            Self::Test(field, test) => any(row, *field, |cell| test.holds(cell)),
            Self::Search(search) => {
                searched().any(|field| any(row, field, |cell| search.holds(cell)))
            }
        }
    }
}

fn cheap_first(parts: &[Expr], now: Timestamp) -> Vec<Node> {
    let mut nodes: Vec<Node> = parts.iter().map(|part| Node::new(part, now)).collect();
    nodes.sort_by_key(Node::cost);
    nodes
}

/// Whether any value of a field passes.
fn any(row: &dyn Fields, field: FieldId, mut test: impl FnMut(Cell<'_>) -> bool) -> bool {
    let mut found = false;
    row.each(field, &mut |cell| {
        let is_value = !matches!(cell, Cell::Number(number) if number.is_nan());
        found = found || (is_value && test(cell));
    });
    found
}

/// The fields in which bare words are looked for.
pub(super) fn searched() -> impl Iterator<Item = FieldId> {
    FIELDS.iter().filter(|field| field.searched).map(|field| field.id)
}

impl Test {
    fn new(compare: &Compare, now: Timestamp) -> Self {
        let op = compare.op;
        match &compare.operand {
            Operand::Numbers(spans) => Self::Number(Order::new(op, pairs(spans, |it| it))),
            Operand::Bands(spans) => Self::Band(Order::new(op, pairs(spans, |it| it))),
            Operand::Times(spans) => {
                Self::Time(Order::new(op, pairs(spans, |moment| moment.resolved(now))))
            }
            Operand::Addrs(ranges) => {
                Self::Addr(Order::within(ranges.iter().map(|it| (it.first(), it.last())).collect()))
            }
            Operand::Flag(flag) => Self::Flag(*flag),
            Operand::Pattern(pattern) => Self::Text(TextTest::Matches(pattern.regex().clone())),
            Operand::Texts(texts) => Self::Text(match (op, texts.first()) {
                (Op::Contains, Some(text)) => TextTest::Contains(Box::new(Needle::new(text))),
                _ => TextTest::equals(texts),
            }),
        }
    }

    fn holds(&self, cell: Cell<'_>) -> bool {
        match (self, cell) {
            (Self::Number(order), Cell::Number(number)) => order.holds(number),
            (Self::Addr(order), Cell::Addr(addr)) => order.holds(addr),
            (Self::Text(test), Cell::Text(text)) => test.holds(text),
            (Self::Flag(wanted), Cell::Flag(flag)) => *wanted == flag,
            (Self::Band(order), Cell::Band(band)) => order.holds(band),
            (Self::Time(order), Cell::Time(time)) => order.holds(time),
            _ => {
                debug_assert!(false, "a field hands out a value of another type: {cell:?}");
                false
            }
        }
    }
}

fn pairs<T: Copy, U>(spans: &[Span<T>], to: impl Fn(T) -> U) -> Vec<(U, U)> {
    spans.iter().map(|span| (to(span.first), to(span.last))).collect()
}
