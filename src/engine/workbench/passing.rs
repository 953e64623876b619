//! Which rows of each table pass a filter.
//!
//! A filter is a list of conditions joined by `&&`. Each table answers those whose fields it has by
//! itself; the others are asked of its neighbours, so that one filter narrows the whole window:
//!
//! * **Flows, records and detections** belong to the hosts at their ends (a detection to its
//!   subject). One host must meet all conditions on hosts at once: `score >= 50 && country == "NL"`
//!   leaves the flows of Dutch hosts with a high score. What is excluded takes its rows along:
//!   `country != "NL"` leaves no flow with a Dutch end.
//! * **Hosts** are left by a condition on flows, records or detections (`port == 22`) if they take
//!   part in a row that meets all such conditions at once; if no kind of row knows all of them, in
//!   a row for each.
//! * **Between flows and records**: a condition that only the other knows (`user == "root"` asked
//!   of flows) leaves what went between the same two hosts as a row that meets it.
//! * **Bare words**, and conditions joined by `||` that no single table knows, are met by a row
//!   itself or by a host at its ends.
//!
//! Estimate: hosts are columns, some milliseconds a condition for a million. Flows and records are
//! asked one by one, 25 ns each, in the job's thread; the rows of their ends are found once a case.

use std::cell::OnceCell;
use std::sync::Arc;
use std::thread;

use hashbrown::{HashMap, HashSet};

use super::super::fields::{FlowFields, RecordFields};
use super::asked::{Marked, SaidColumns};
use super::collect::Held;
use super::columns::HostColumns;
use super::snapshot::Marks;
use crate::export::DetectionRow;
use crate::filter::{Bits, Fields, Filter, Plan, Table};
use crate::model::{Addr, Flow, HostKey, RealmId, Record, Timestamp, Untrusted};

/// Rows that one core asks alone: some milliseconds.
const ALONE_MAX: usize = 50_000;

/// The number of no host.
const NOBODY: u32 = u32::MAX;

/// Tables whose rows happen between hosts.
const EVENTS: [Table; 3] = [Table::Flows, Table::Records, Table::Detections];

/// Everything that is filtered.
#[derive(Clone, Debug)]
pub(super) struct Material {
    pub(super) hosts: Arc<HostColumns>,
    pub(super) flows: Arc<Vec<Flow>>,
    pub(super) records: Arc<Vec<Record>>,
    pub(super) detections: Arc<Vec<DetectionRow>>,
    /// The realm and name of each import.
    pub(super) held: Arc<Held>,
    /// Names of the realms.
    pub(super) realms: Vec<Untrusted>,
    /// What a person said.
    pub(super) marks: Arc<Marks>,
}

impl Material {
    fn len(&self, table: Table) -> usize {
        match table {
            Table::Hosts => self.hosts.len(),
            Table::Flows => self.flows.len(),
            Table::Records => self.records.len(),
            Table::Detections => self.detections.len(),
        }
    }

    /// Rows of all tables.
    pub(super) fn rows(&self) -> usize {
        Table::ALL.iter().map(|&table| self.len(table)).sum()
    }

    /// Whether `other` has the same rows in the same places.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.hosts, &other.hosts)
            && Arc::ptr_eq(&self.flows, &other.flows)
            && Arc::ptr_eq(&self.records, &other.records)
            && Arc::ptr_eq(&self.detections, &other.detections)
            && Arc::ptr_eq(&self.marks, &other.marks)
    }

    fn import(&self, number: u32) -> (RealmId, &Untrusted) {
        static NAMELESS: std::sync::LazyLock<Untrusted> =
            std::sync::LazyLock::new(Untrusted::default);
        let known = self.held.imports.get(number as usize);
        known.map_or((RealmId::default(), &NAMELESS), |(realm, name)| (*realm, name))
    }

    /// The rows of a table that meet a plan by what they say themselves.
    fn own(&self, table: Table, plan: &Plan) -> Bits {
        match table {
            Table::Hosts => plan.rows(&*self.hosts),
            Table::Flows => matching(&self.flows, &|flow: &Flow| {
                let import = self.import(flow.import.0).1;
                plan.matches(&FlowFields { flow, import })
            }),
            Table::Records => matching(&self.records, &|record: &Record| {
                let import = self.import(record.import.0).1;
                plan.matches(&RecordFields { record, import })
            }),
            Table::Detections => matching(&self.detections, &|found: &DetectionRow| {
                plan.matches(found as &dyn Fields)
            }),
        }
    }
}

/// The rows that hold, asked one by one; many are shared out to all cores, in their order.
fn matching<T: Sync>(rows: &[T], holds: &(dyn Fn(&T) -> bool + Sync)) -> Bits {
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let part = rows.len().div_ceil(threads).max(ALONE_MAX);
    if rows.len() <= part {
        return rows.iter().map(holds).collect();
    }
    let ask = |rows: &[T]| rows.iter().map(holds).collect::<Vec<bool>>();
    let met: Vec<Vec<bool>> = thread::scope(|scope| {
        let parts = rows.chunks(part).map(|rows| {
            let name = thread::Builder::new().name("filter-rows".to_owned());
            // Without a thread, this one does it.
            (rows, name.spawn_scoped(scope, move || ask(rows)))
        });
        let parts: Vec<_> = parts.collect();
        let met = parts.into_iter().map(|(rows, thread)| {
            let met = thread.ok().and_then(|thread| thread.join().ok());
            met.unwrap_or_else(|| ask(rows))
        });
        met.collect()
    });
    met.into_iter().flatten().collect()
}

/// The hosts at the ends of each row of the other tables, by their places among the hosts.
#[derive(Debug)]
pub(super) struct Ends {
    flows: Vec<[u32; 2]>,
    records: Vec<[u32; 2]>,
    detections: Vec<[u32; 2]>,
}

impl Ends {
    pub(super) fn new(material: &Material) -> Self {
        let keys = (0..).zip(&material.hosts.keys);
        let rows: HashMap<HostKey, u32> = keys.map(|(row, key)| (*key, row)).collect();
        let row = |addr: Option<Addr>, realm: RealmId| {
            let key = addr.map(|addr| HostKey::new(addr, realm));
            key.and_then(|key| rows.get(&key).copied()).unwrap_or(NOBODY)
        };
        let flows = material.flows.iter().map(|flow| {
            let realm = material.import(flow.import.0).0;
            [flow.originator.addr, flow.responder.addr].map(|addr| row(Some(addr), realm))
        });
        let records = material.records.iter().map(|record| {
            let realm = material.import(record.import.0).0;
            [record.src, record.dst].map(|addr| row(addr, realm))
        });
        let realm_named = |name: &Untrusted| {
            let place = material.realms.iter().position(|known| known == name);
            place.map_or(RealmId::default(), |place| RealmId(place as u32))
        };
        let detections = material.detections.iter().map(|found| {
            let realm = found.subject_realm.as_ref().map_or(RealmId::default(), realm_named);
            [row(Some(found.subject), realm), NOBODY]
        });
        Self {
            flows: flows.collect(),
            records: records.collect(),
            detections: detections.collect(),
        }
    }

    fn of(&self, table: Table) -> &[[u32; 2]] {
        match table {
            Table::Hosts => &[],
            Table::Flows => &self.flows,
            Table::Records => &self.records,
            Table::Detections => &self.detections,
        }
    }
}

/// The rows that pass.
#[derive(Clone, Debug, Default)]
pub(super) struct Passing {
    pub(super) hosts: Bits,
    pub(super) flows: Bits,
    pub(super) records: Bits,
    pub(super) detections: Bits,
}

impl Passing {
    /// None of any table: what passes is still being worked out.
    pub(super) fn nothing(material: &Material) -> Self {
        Self {
            hosts: Bits::none(material.hosts.len()),
            flows: Bits::none(material.flows.len()),
            records: Bits::none(material.records.len()),
            detections: Bits::none(material.detections.len()),
        }
    }
}

/// One of the conditions that `&&` joins.
struct Part {
    filter: Filter,
    /// The tables that know all of its fields.
    known: Vec<Table>,
    is_exclusion: bool,
    /// Whether a row and the hosts at its ends answer together.
    is_shared: bool,
}

impl Part {
    fn new(filter: Filter) -> Self {
        let has = |table: &Table| filter.absent_from(*table).is_empty();
        let known: Vec<Table> = Table::ALL.into_iter().filter(has).collect();
        let is_shared = filter.searches() || known.is_empty();
        Self { is_exclusion: filter.is_exclusion(), is_shared, known, filter }
    }

    fn is_known(&self, table: Table) -> bool {
        !self.is_shared && self.known.contains(&table)
    }

    /// What it asks for, or what it does not want.
    fn named(&self) -> Filter {
        if self.is_exclusion { self.filter.clone().not() } else { self.filter.clone() }
    }
}

/// Works out the rows that pass; `now` is what `-24h` counts back from.
pub(super) fn passing(
    filter: &Filter,
    now: Timestamp,
    material: &Material,
    ends: &dyn Fn() -> Arc<Ends>,
) -> Passing {
    let parts: Vec<Part> = filter.parts().into_iter().map(Part::new).collect();
    let said = OnceCell::new();
    let judge = Judge { parts: &parts, now, material, ends, said };
    Passing {
        hosts: judge.hosts(),
        flows: judge.events(Table::Flows),
        records: judge.events(Table::Records),
        detections: judge.events(Table::Detections),
    }
}

struct Judge<'a> {
    parts: &'a [Part],
    now: Timestamp,
    material: &'a Material,
    /// Asked for only where hosts and other rows have to be joined.
    ends: &'a dyn Fn() -> Arc<Ends>,
    /// Made only where it is asked about.
    said: OnceCell<SaidColumns>,
}

impl Judge<'_> {
    /// The parts that are so, as one filter; `None`: there are none.
    fn joined(&self, which: impl Fn(&Part) -> bool) -> Option<Filter> {
        let mut parts = self.parts.iter().filter(|part| which(part)).map(|it| it.filter.clone());
        let first = parts.next()?;
        Some(parts.fold(first, Filter::and))
    }

    fn own(&self, table: Table, filter: &Filter) -> Bits {
        let plan = filter.plan(self.now);
        let Material { hosts, marks, .. } = self.material;
        if table != Table::Hosts || marks.is_empty() || !SaidColumns::is_asked(filter) {
            return self.material.own(table, &plan);
        }
        let said = self.said.get_or_init(|| SaidColumns::new(hosts, marks));
        plan.rows(&Marked { hosts, said })
    }

    /// The hosts at the ends of rows.
    fn hosts_of(&self, table: Table, rows: &Bits) -> Bits {
        let ends = (self.ends)();
        let ends = ends.of(table);
        let mut hosts = Bits::none(self.material.hosts.len());
        for row in rows.iter() {
            // NOBODY is no row, and sets no bit.
            ends.get(row).into_iter().flatten().for_each(|&end| hosts.set(end as usize));
        }
        hosts
    }

    /// The rows that have one of these hosts at an end.
    fn rows_of(&self, table: Table, hosts: &Bits) -> Bits {
        let ends = (self.ends)();
        ends.of(table).iter().map(|ends| ends.iter().any(|&end| hosts.get(end as usize))).collect()
    }

    fn hosts(&self) -> Bits {
        let all = Bits::all(self.material.hosts.len());
        let own = self.joined(|part| part.is_known(Table::Hosts));
        let mut left = own.map_or(all, |filter| self.own(Table::Hosts, &filter));
        let by_rows = |part: &Part| !part.is_shared && !part.is_known(Table::Hosts);
        let knows_all = |table: &Table| {
            self.parts.iter().filter(|part| by_rows(part)).all(|part| part.is_known(*table))
        };
        if let Some(filter) = self.joined(by_rows) {
            let tables: Vec<Table> = EVENTS.into_iter().filter(knows_all).collect();
            left = match tables.is_empty() {
                false => left.and(&self.taking_part(&tables, &filter)),
                true => self.parts.iter().filter(|part| by_rows(part)).fold(left, |left, part| {
                    left.and(&self.taking_part(&part.known, &part.filter))
                }),
            };
        }
        for part in self.parts.iter().filter(|part| part.is_shared) {
            left = left.and(&self.shared_hosts(part));
        }
        left
    }

    /// The hosts that take part in a row of some tables that meets a filter.
    fn taking_part(&self, tables: &[Table], filter: &Filter) -> Bits {
        let none = Bits::none(self.material.hosts.len());
        tables
            .iter()
            .fold(none, |found, &table| found.or(&self.hosts_of(table, &self.own(table, filter))))
    }

    /// Words are looked for in what is known of hosts themselves: an address that is searched must
    /// not bring along all whom it met. Conditions that no table knows alone are met by rows too.
    fn shared_hosts(&self, part: &Part) -> Bits {
        let own = self.own(Table::Hosts, &part.filter);
        match part.filter.searches() {
            true => own,
            false => own.or(&self.taking_part(&EVENTS, &part.filter)),
        }
    }

    fn events(&self, table: Table) -> Bits {
        let all = Bits::all(self.material.len(table));
        let own = self.joined(|part| part.is_known(table));
        let mut left = own.map_or(all, |filter| self.own(table, &filter));
        let by_hosts = |part: &Part| !part.is_known(table) && part.is_known(Table::Hosts);
        let wanted = self.joined(|part| by_hosts(part) && !part.is_exclusion);
        if let Some(filter) = wanted {
            left = left.and(&self.rows_of(table, &self.own(Table::Hosts, &filter)));
        }
        for part in self.parts.iter().filter(|part| by_hosts(part) && part.is_exclusion) {
            let unwanted = self.own(Table::Hosts, &part.named());
            left = left.and(&inverted(&self.rows_of(table, &unwanted)));
        }
        for part in self.parts.iter().filter(|part| part.is_shared) {
            left = left.and(&self.shared_rows(table, part));
        }
        let by_rows =
            |part: &Part| !part.is_shared && !part.is_known(table) && !part.is_known(Table::Hosts);
        for kind in EVENTS {
            // Each condition is asked of the first table that knows it.
            let first = |part: &Part| EVENTS.into_iter().find(|kind| part.is_known(*kind));
            let theirs = self.joined(|part| by_rows(part) && first(part) == Some(kind));
            if let Some(filter) = theirs {
                left = left.and(&self.beside(table, kind, &filter));
            }
        }
        left
    }

    fn shared_rows(&self, table: Table, part: &Part) -> Bits {
        let named = part.named();
        let by_hosts = self.rows_of(table, &self.own(Table::Hosts, &named));
        let met = self.own(table, &named).or(&by_hosts);
        if part.is_exclusion { inverted(&met) } else { met }
    }

    /// The rows of one table beside rows of another that meet a filter: between the same two hosts,
    /// or of the same host where one of them has one end alone.
    fn beside(&self, table: Table, other: Table, filter: &Filter) -> Bits {
        let met = self.own(other, filter);
        let ends = (self.ends)();
        let theirs = ends.of(other);
        let mut pairs: HashSet<[u32; 2]> = HashSet::new();
        let mut alone = Bits::none(self.material.hosts.len());
        for row in met.iter() {
            match theirs.get(row).copied().map(sorted) {
                Some([NOBODY, _]) | None => {}
                Some([one, NOBODY]) => alone.set(one as usize),
                Some(pair) => {
                    pairs.insert(pair);
                }
            }
        }
        let either = self.hosts_of(other, &met);
        let beside = ends.of(table).iter().map(|ends| match sorted(*ends) {
            [NOBODY, _] => false,
            [one, NOBODY] => either.get(one as usize),
            pair => pairs.contains(&pair) || pair.iter().any(|&end| alone.get(end as usize)),
        });
        beside.collect()
    }
}

fn sorted([a, b]: [u32; 2]) -> [u32; 2] {
    [a.min(b), a.max(b)]
}

fn inverted(bits: &Bits) -> Bits {
    (0..bits.rows()).map(|row| !bits.get(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_shared_out_stay_in_their_order() {
        for count in [0, 1, ALONE_MAX, ALONE_MAX + 1, 3 * ALONE_MAX + 77] {
            let rows: Vec<usize> = (0..count).collect();
            let found = matching(&rows, &|row| row % 3 == 1);
            assert_eq!(found.rows(), count);
            assert!(found.iter().eq((0..count).filter(|row| row % 3 == 1)), "{count}");
        }
    }
}
