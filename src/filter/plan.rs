//! A filter made ready to run: times resolved, texts folded, what is cheap first.
//!
//! A [`Plan`] answers for one row at a time ([`Plan::matches`], for what streams by) and for whole
//! tables ([`Plan::rows`](super::columns), for what is drawn). Both rest on the same tests, so they
//! agree; `tests` asks both about the same random rows.

use std::cmp::Ordering;

use super::addr::{AddrSearch, AddrTest};
use super::area::Area;
use super::expr::{Compare, Expr, Op, Operand, Span};
use super::fields::{FIELDS, FieldId, Type};
use super::text::{Needle, TextTest};
use crate::model::{Addr, Band, Timestamp};

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
    /// Degrees north and east. NaN counts as no value.
    Point([f64; 2]),
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
    Addr(AddrTest),
    Text(TextTest),
    Flag(bool),
    Band(Order<Band>),
    Time(Order<Timestamp>),
    Point(Area),
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
    /// The same values in as few spans as can be, in order.
    pub(super) fn disjoint(mut spans: Vec<(T, T)>) -> Vec<(T, T)> {
        spans.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
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
        disjoint
    }

    /// A comparison with a span: below its first, above its last, inside it.
    fn new(op: Op, spans: Vec<(T, T)>) -> Self {
        match (op, spans.first()) {
            (Op::Lt, Some((first, _))) => Self::Below(*first),
            (Op::Ge, Some((first, _))) => Self::AtLeast(*first),
            (Op::Le, Some((_, last))) => Self::AtMost(*last),
            (Op::Gt, Some((_, last))) => Self::Above(*last),
            _ => Self::Within(Self::disjoint(spans)),
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
    pub(super) addrs: AddrSearch,
}

impl Search {
    fn new(text: &str) -> Self {
        let needle = Needle::new(text);
        let addrs = AddrSearch::new(needle.folded());
        Self { needle, addrs }
    }

    fn holds(&self, cell: Cell<'_>) -> bool {
        match cell {
            Cell::Addr(addr) => self.addrs.holds(&self.needle, addr),
            Cell::Text(text) => self.needle.is_in(text),
            _ => false,
        }
    }
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
            Self::Test(_, Test::Point(_)) => 20,
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
        let is_value = match cell {
            Cell::Number(number) | Cell::Point([number, _]) => !number.is_nan(),
            _ => true,
        };
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
            Operand::Addrs(ranges) => Self::Addr(AddrTest::new(ranges)),
            Operand::Flag(flag) => Self::Flag(*flag),
            Operand::Corners(corners) => Self::Point(Area::new(corners)),
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
            (Self::Addr(test), Cell::Addr(addr)) => test.holds(addr),
            (Self::Text(test), Cell::Text(text)) => test.holds(text),
            (Self::Flag(wanted), Cell::Flag(flag)) => *wanted == flag,
            (Self::Band(order), Cell::Band(band)) => order.holds(band),
            (Self::Time(order), Cell::Time(time)) => order.holds(time),
            (Self::Point(area), Cell::Point(point)) => area.holds(point),
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
