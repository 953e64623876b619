//! The filter in force: what a person typed, what is wrong with it, which rows it leaves.
//!
//! A command brings a text. One that cannot be read is shown with its mistake, and the last good
//! one stays in force. One that can is applied to every table (see [`passing`](super::passing)): at
//! once where that takes a blink, else in a thread `job-filter`, whose answer counts only if the
//! case and the filter are still the same.

use std::sync::Arc;
use std::thread;

use super::asked::SaidColumns;
use super::columns::{FlowSort, HostColumns, HostSort, RecordSort};
use super::job::Found;
use super::passing::{Ends, Material, Passing, passing};
use super::snapshot::{Places, Spot, TimeBin, Timeline};
use super::state::{Engine, Message};
use crate::filter::{Bits, Filter, FilterError, Table, parse};
use crate::model::Timestamp;

/// Rows that are filtered at once: some ten milliseconds; more are a job.
const AT_ONCE_MAX: usize = 200_000;

/// The filter as it is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FilterView {
    /// The text in force, as it was typed; empty: everything is shown.
    pub text: String,
    /// The conditions that `&&` joins, each a filter of its own.
    pub parts: Vec<Filter>,
    /// A text that cannot be read, and why: the filter in force is the one before it.
    pub mistake: Option<(String, FilterError)>,
    /// Whether the rows that pass are still being worked out: until then none is shown.
    pub is_running: bool,
}

impl FilterView {
    /// Whether anything is hidden on purpose.
    pub const fn is_on(&self) -> bool {
        !self.parts.is_empty()
    }

    /// The filter in force.
    pub fn filter(&self) -> Filter {
        self.parts.iter().cloned().fold(Filter::everything(), Filter::and)
    }

    /// How the filter is asked of a table that does not know all of its fields, in a sentence.
    pub fn note(&self, table: Table) -> Option<String> {
        let absent = self.filter().absent_from(table);
        let names: Vec<&str> = absent.iter().map(|field| field.name).collect();
        let (last, others) = names.split_last()?;
        let list = match others {
            [] => (*last).to_owned(),
            others => format!("{} and {last}", others.join(", ")),
        };
        let of_hosts = absent.iter().any(|field| field.is_in(Table::Hosts));
        let by = match (table, of_hosts) {
            (Table::Hosts, _) => "asked of the rows that a host takes part in",
            (Table::Detections, _) => "asked of the host that a detection is about",
            (_, true) => "asked of the hosts at both ends",
            (_, false) => "asked of what else went between the same hosts",
        };
        Some(format!("{} have no {list}: {by}.", capital(table.as_str())))
    }
}

fn capital(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// What passes, worked out in a thread: for which case, and for which filter.
pub(super) struct Answer {
    material: Material,
    text: String,
    ends: Option<Arc<Ends>>,
    passing: Passing,
}

/// The filter in force, and what it is applied to.
#[derive(Default)]
pub(super) struct Filters {
    filter: Option<Filter>,
    passing: Option<Passing>,
    /// Places and times of all rows.
    places: Arc<Places>,
    timeline: Arc<Timeline>,
    /// The ends of rows, and the case that they are of.
    ends: Option<(Material, Arc<Ends>)>,
    is_running: bool,
}

impl Filters {
    /// The rows of a table that are shown, in their own order.
    pub(super) fn rows(&self, table: Table, all: usize) -> Vec<u32> {
        let bits = self.passing.as_ref().map(|passing| match table {
            Table::Hosts => &passing.hosts,
            Table::Flows => &passing.flows,
            Table::Records => &passing.records,
            Table::Detections => &passing.detections,
        });
        match bits.filter(|bits| bits.rows() == all) {
            Some(bits) => bits.iter().map(|row| row as u32).collect(),
            None => (0..all as u32).collect(),
        }
    }
}

impl Engine {
    /// Reads a filter and applies it; one that cannot be read is told, and changes nothing else.
    pub(super) fn filter(&mut self, text: String) {
        match parse(&text) {
            Err(mistake) => {
                Arc::make_mut(&mut self.next.filter).mistake = Some((text, mistake));
            }
            Ok(filter) => {
                let parts = filter.parts();
                self.filters.filter = (!filter.is_everything()).then_some(filter);
                self.next.filter = Arc::new(FilterView { text, parts, ..FilterView::default() });
                self.apply_filter();
                self.sort_all();
            }
        }
    }

    /// What a person said has changed: rows may pass now that did not, or the other way round.
    pub(super) fn filter_said(&mut self) {
        if self.filters.filter.as_ref().is_some_and(SaidColumns::is_asked) {
            self.apply_filter();
            self.sort_all();
        }
    }

    /// Forgets the filter, with the case it was for.
    pub(super) fn leave_filter(&mut self) {
        self.filters = Filters { is_running: self.filters.is_running, ..Filters::default() };
        self.next.filter = Arc::default();
    }

    /// Shows hosts, and what follows from them, through the filter in force.
    pub(super) fn show_found(&mut self, found: Found) {
        self.next.hosts.all = found.hosts;
        self.next.detections = found.detections;
        self.filters.places = found.places;
        self.filters.timeline = found.timeline;
        self.apply_filter();
        match self.filters.filter.is_some() {
            true => self.sort_all(),
            false => self.sort_hosts(self.next.hosts.sort),
        }
    }

    fn sort_all(&mut self) {
        self.sort_hosts(self.next.hosts.sort);
        self.sort_flows(self.next.flows.sort);
        self.sort_records(self.next.records.sort);
    }

    pub(super) fn sort_hosts(&mut self, sort: HostSort) {
        let hosts = &self.next.hosts.all;
        let mut rows = self.filters.rows(Table::Hosts, hosts.len());
        sort.sort(hosts, &self.next.marks, &mut rows);
        self.next.verdicts = hosts.verdicts(&rows);
        (self.next.hosts.shown, self.next.hosts.sort) = (Arc::new(rows), sort);
    }

    pub(super) fn sort_flows(&mut self, sort: FlowSort) {
        let flows = &self.next.flows.all;
        let mut rows = self.filters.rows(Table::Flows, flows.len());
        sort.sort(flows, &mut rows);
        (self.next.flows.shown, self.next.flows.sort) = (Arc::new(rows), sort);
    }

    pub(super) fn sort_records(&mut self, sort: RecordSort) {
        let records = &self.next.records.all;
        let mut rows = self.filters.rows(Table::Records, records.len());
        sort.sort(records, &mut rows);
        (self.next.records.shown, self.next.records.sort) = (Arc::new(rows), sort);
    }

    fn material(&self) -> Material {
        Material {
            hosts: Arc::clone(&self.next.hosts.all),
            flows: Arc::clone(&self.next.flows.all),
            records: Arc::clone(&self.next.records.all),
            detections: Arc::clone(&self.next.detections),
            held: Arc::clone(&self.outcome.held),
            realms: self.outcome.imports.realms.clone(),
            marks: Arc::clone(&self.next.marks),
        }
    }

    /// What `-24h` counts back from.
    fn filter_now(&self) -> Timestamp {
        let of_data = || self.context.as_ref().map(|context| context.data_date());
        self.next.case.now.or_else(of_data).unwrap_or_default()
    }

    /// Works out what passes now, or has it worked out; the tables have to be sorted after it.
    fn apply_filter(&mut self) {
        let Some(filter) = self.filters.filter.clone() else {
            self.filters.passing = None;
            self.show_passing();
            return;
        };
        let material = self.material();
        if material.rows() > AT_ONCE_MAX {
            self.filters.passing = Some(Passing::nothing(&material));
            self.show_passing();
            self.filter_in_a_job(filter, material);
            return;
        }
        let known = self.known_ends(&material);
        let made = std::cell::OnceCell::new();
        let ends =
            || {
                Arc::clone(made.get_or_init(|| {
                    known.clone().unwrap_or_else(|| Arc::new(Ends::new(&material)))
                }))
            };
        let passing = passing(&filter, self.filter_now(), &material, &ends);
        self.filters.ends = made.into_inner().map(|ends| (material, ends));
        self.filters.passing = Some(passing);
        self.show_passing();
    }

    fn known_ends(&self, material: &Material) -> Option<Arc<Ends>> {
        let known = self.filters.ends.as_ref().filter(|(of, _)| of.is(material));
        known.map(|(_, ends)| Arc::clone(ends))
    }

    /// One at a time: what has changed meanwhile is seen when the answer comes.
    fn filter_in_a_job(&mut self, filter: Filter, material: Material) {
        Arc::make_mut(&mut self.next.filter).is_running = true;
        if self.filters.is_running {
            return;
        }
        let (text, now, engine) =
            (self.next.filter.text.clone(), self.filter_now(), self.inbox.clone());
        let known = self.known_ends(&material);
        let work = move || {
            let made = std::cell::OnceCell::new();
            let ends = || {
                Arc::clone(made.get_or_init(|| {
                    known.clone().unwrap_or_else(|| Arc::new(Ends::new(&material)))
                }))
            };
            let passing = passing(&filter, now, &material, &ends);
            let ends = made.into_inner();
            engine.send(Message::Filtered(Box::new(Answer { material, text, ends, passing }))).ok();
        };
        // Without a thread nothing passes, and the bar says that it is still being worked out.
        let thread = thread::Builder::new().name("job-filter".to_owned()).spawn(work);
        self.filters.is_running = thread.is_ok();
    }

    /// Takes what a thread worked out; if case or filter have changed, asks again.
    pub(super) fn hear_filtered(&mut self, answer: Answer) {
        self.filters.is_running = false;
        let is_same = self.next.filter.is_running
            && answer.text == self.next.filter.text
            && answer.material.is(&self.material());
        if !is_same {
            if self.next.filter.is_running {
                self.apply_filter();
                self.sort_all();
            }
            return;
        }
        Arc::make_mut(&mut self.next.filter).is_running = false;
        self.filters.ends = answer.ends.map(|ends| (answer.material, ends));
        self.filters.passing = Some(answer.passing);
        self.show_passing();
        self.sort_all();
    }

    /// Shows of detections, places and times what passes.
    fn show_passing(&mut self) {
        let filters = &self.filters;
        let shown = filters.rows(Table::Detections, self.next.detections.len());
        self.next.detections_shown = Arc::new(shown);
        self.next.timeline = Arc::clone(&filters.timeline);
        match &filters.passing {
            None => {
                self.next.places = Arc::clone(&filters.places);
                self.next.timeline_shown = Arc::clone(&filters.timeline);
            }
            Some(passing) => {
                self.next.places =
                    Arc::new(filters.places.of(&passing.hosts, &self.next.hosts.all));
                self.next.timeline_shown = Arc::new(self.passing_times(passing));
            }
        }
    }

    /// The steps of the case's time with what passes alone.
    fn passing_times(&self, passing: &Passing) -> Timeline {
        let all = &self.filters.timeline;
        let mut times = Timeline { bins: vec![TimeBin::default(); all.bins.len()], ..**all };
        for flow in passing.flows.iter().filter_map(|row| self.next.flows.all.get(row)) {
            let bytes = flow.orig_ip_bytes.saturating_add(flow.resp_ip_bytes);
            times.add(flow.first_seen, TimeBin { flows: 1, bytes, ..TimeBin::default() });
        }
        let records = passing.records.iter().filter_map(|row| self.next.records.all.get(row));
        for at in records.filter(|record| record.uid.is_none()).filter_map(|record| record.ts) {
            times.add(at, TimeBin { records: 1, ..TimeBin::default() });
        }
        for found in passing.detections.iter().filter_map(|row| self.next.detections.get(row)) {
            if let (Some(first), Some(last)) = (found.first_seen, found.last_seen) {
                times.add_range(first, last);
            }
        }
        times
    }
}

impl Places {
    /// The same places with some of the hosts.
    fn of(&self, shown: &Bits, hosts: &HostColumns) -> Self {
        let is_shown = |row: &u32| shown.get(*row as usize);
        let mut places = Self {
            without: self.without.iter().copied().filter(is_shown).collect(),
            ..Self::default()
        };
        for spot in &self.spots {
            let first = places.rows.len() as u32;
            places.rows.extend(self.hosts(spot).iter().copied().filter(is_shown));
            let own = places.rows.get(first as usize..).unwrap_or_default();
            let verdicts = own.iter().filter_map(|row| hosts.verdict.get(*row as usize));
            let Some(worst) = verdicts.max().copied() else { continue };
            let count = own.len() as u32;
            places.spots.push(Spot { worst, count, first, ..*spot });
        }
        places.spots.sort_by_key(|spot| (spot.worst, spot.count, spot.first));
        places
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::workbench::columns::Words;
    use crate::engine::workbench::testing::until;
    use crate::engine::workbench::{Command, Direction, HostColumn, Snapshot, Workbench};
    use crate::engine::{Context, HostsShown, Job, Silent, example, open_intel, triage};
    use crate::filter::Fields;
    use crate::model::Addr;
    use crate::store::{Deed, Put, Subject};

    fn opened() -> Workbench {
        let workbench = Workbench::start(Arc::new(|| ())).unwrap();
        workbench.send(Command::OpenExample);
        until(&workbench, |now| !now.detections.is_empty() && !now.case.is_growing);
        workbench
    }

    fn filtered(workbench: &Workbench, text: &str) -> Arc<Snapshot> {
        workbench.send(Command::Filter(text.to_owned()));
        until(workbench, |now| now.filter.text == text && !now.filter.is_running)
    }

    fn addrs(snapshot: &Snapshot) -> Vec<Addr> {
        let shown = snapshot.hosts.shown.iter();
        shown.map(|&row| snapshot.hosts.all.addr(row).unwrap()).collect()
    }

    /// The ends of flows shown.
    fn ends(snapshot: &Snapshot) -> Vec<[Addr; 2]> {
        let flows = snapshot.flows.shown.iter().map(|&row| &snapshot.flows.all[row as usize]);
        flows.map(|flow| [flow.originator.addr, flow.responder.addr]).collect()
    }

    #[test]
    fn a_condition_on_hosts_narrows_every_view() {
        let workbench = opened();
        let all = workbench.snapshot();
        let now = filtered(&workbench, "score >= 50");
        let hosts = addrs(&now);
        let high = all.hosts.all.score.iter().filter(|&&score| score >= 50.0).count();
        assert!(high > 0 && high < all.hosts.all.len());
        assert_eq!(hosts.len(), high);
        assert!(!now.flows.shown.is_empty() && now.flows.shown.len() < all.flows.all.len());
        assert!(ends(&now).iter().all(|ends| ends.iter().any(|end| hosts.contains(end))));
        let of_them = all.flows.all.iter().filter(|flow| {
            hosts.contains(&flow.originator.addr) || hosts.contains(&flow.responder.addr)
        });
        assert_eq!(now.flows.shown.len(), of_them.count(), "none of theirs is hidden");
        let records = now.records.shown.iter().map(|&row| &now.records.all[row as usize]);
        let ends = records.map(|record| [record.src, record.dst]);
        let any = |ends: [Option<Addr>; 2]| ends.iter().flatten().any(|end| hosts.contains(end));
        assert!(ends.clone().count() > 0 && ends.into_iter().all(any));
        let subjects = now.detections_shown.iter();
        let subjects = subjects.map(|&row| now.detections[row as usize].subject);
        assert!(subjects.clone().count() > 0 && subjects.into_iter().all(|it| hosts.contains(&it)));
        let placed: u32 = now.places.spots.iter().map(|spot| spot.count).sum();
        assert_eq!(placed as usize + now.places.without.len(), hosts.len());
        let flows =
            |now: &Snapshot| -> u64 { now.timeline_shown.bins.iter().map(|bin| bin.flows).sum() };
        assert_eq!(flows(&now), now.flows.shown.len() as u64);
        assert_eq!(now.timeline_shown.from, all.timeline.from, "the ruler stays where it was");

        let sort = HostSort { by: HostColumn::Addr, direction: Direction::Up };
        workbench.send(Command::SortHosts(sort));
        let now = until(&workbench, |now| now.hosts.sort == sort);
        assert_eq!(now.hosts.shown.len(), high, "sorting shows no more");
        assert!(addrs(&now).is_sorted());
        let now = filtered(&workbench, "");
        assert_eq!(now.hosts.shown.len(), all.hosts.all.len());
        assert_eq!(now.flows.shown.len(), all.flows.all.len());
        assert_eq!(now.timeline_shown, all.timeline);
    }

    #[test]
    fn a_condition_on_rows_leaves_the_hosts_that_take_part() {
        let workbench = opened();
        let now = filtered(&workbench, "service == \"ssh\" && dst_port == 22");
        let hosts = addrs(&now);
        assert!(!hosts.is_empty() && hosts.len() < now.hosts.all.len());
        let mut taking_part: Vec<Addr> = ends(&now).concat();
        let records = now.records.shown.iter().map(|&row| &now.records.all[row as usize]);
        taking_part.extend(records.flat_map(|record| [record.src, record.dst]).flatten());
        assert!(hosts.iter().all(|host| taking_part.contains(host)));
        let known: Vec<Addr> = now.hosts.all.keys.iter().map(|key| key.addr()).collect();
        let are_shown = |it: &Addr| hosts.contains(it) || !known.contains(it);
        assert!(taking_part.iter().all(are_shown), "peers that are no hosts aside");
    }

    #[test]
    fn what_is_excluded_takes_its_rows_along_and_yes_or_no_does_not() {
        let workbench = opened();
        let all = workbench.snapshot();
        let worst = all.hosts.all.addr(0).unwrap();
        let country = all.hosts.all.frequent(crate::filter::FieldId::Country, 1);
        let now = filtered(&workbench, &format!("country != \"{}\"", country[0].0));
        let wanted = filtered(&workbench, &format!("country == \"{}\"", country[0].0));
        let hidden = addrs(&wanted);
        assert!(!hidden.is_empty());
        assert!(ends(&now).concat().iter().all(|end| !hidden.contains(end)));
        assert_eq!(now.flows.shown.len() + wanted.flows.shown.len(), all.flows.all.len());

        let strangers = filtered(&workbench, "!mine && score >= 50");
        assert!(addrs(&strangers).contains(&worst));
        assert!(!strangers.flows.shown.is_empty(), "all flows have an end of ours");
    }

    #[test]
    fn a_filter_that_cannot_be_read_changes_nothing_but_its_mistake() {
        let workbench = opened();
        let before = filtered(&workbench, "score >= 50");
        workbench.send(Command::Filter("score >= ".to_owned()));
        let now = until(&workbench, |now| now.filter.mistake.is_some());
        let (text, mistake) = now.filter.mistake.as_ref().unwrap();
        assert_eq!((text.as_str(), mistake.column), ("score >= ", 10));
        assert_eq!(now.filter.text, "score >= 50", "the last good one is in force");
        assert_eq!(now.hosts.shown, before.hosts.shown);
        let now = filtered(&workbench, "score >= 60");
        assert!(now.filter.mistake.is_none());
    }

    #[test]
    fn what_is_read_later_is_filtered_too_and_a_new_case_begins_without() {
        let workbench = opened();
        let before = filtered(&workbench, "addr == 192.0.2.77 || score >= 50");
        workbench.send(Command::Paste("192.0.2.77\n192.0.2.78".to_owned()));
        let now = until(&workbench, |now| {
            now.case.imports.len() > before.case.imports.len() && !now.case.is_growing
        });
        assert!(now.hosts.all.len() > before.hosts.all.len());
        let hosts = addrs(&now);
        assert!(hosts.contains(&"192.0.2.77".parse().unwrap()));
        assert!(!hosts.contains(&"192.0.2.78".parse().unwrap()));
        workbench.send(Command::NewCase);
        let now = until(&workbench, |now| now.case.is_empty());
        assert_eq!(*now.filter, FilterView::default());
    }

    #[test]
    fn words_and_mixed_conditions_are_asked_of_rows_and_of_their_hosts() {
        let workbench = opened();
        let all = workbench.snapshot();
        let worst = all.hosts.all.addr(0).unwrap();
        let now = filtered(&workbench, &worst.to_string());
        assert_eq!(addrs(&now), [worst], "whom it met is not shown beside it");
        let theirs = now.records.shown.len() + now.flows.shown.len();
        assert!(theirs > 0);
        let mixed = filtered(&workbench, "score >= 99.9 || dst_port == 22");
        let port = filtered(&workbench, "dst_port == 22");
        assert!(mixed.flows.shown.len() >= port.flows.shown.len());
        assert!(port.flows.shown.iter().all(|row| mixed.flows.shown.contains(row)));
    }

    #[test]
    fn what_a_person_says_is_asked_about_and_counts_at_once() {
        let workbench = opened();
        let all = workbench.snapshot();
        let (worst, other) = (all.hosts.all.keys[0], all.hosts.all.keys[1]);
        let tag = |host, put| {
            let (subject, tag) = (Subject::host(host), "Looked at".to_owned());
            workbench.send(Command::Do(Deed::Tag { subject, tag, put }));
        };
        tag(worst, Put::On);
        let now = filtered(&workbench, "tag == \"looked at\"");
        assert_eq!(addrs(&now), [worst.addr()]);
        assert!(ends(&now).iter().all(|ends| ends.contains(&worst.addr())));
        tag(other, Put::On);
        let now = until(&workbench, |now| now.hosts.shown.len() == 2);
        assert!(addrs(&now).contains(&other.addr()), "it passes as soon as it has the tag");
        tag(worst, Put::Off);
        until(&workbench, |now| addrs(now) == [other.addr()]);
        let now = filtered(&workbench, "looked");
        assert_eq!(addrs(&now), [other.addr()], "words are looked for in it too");
        let now = filtered(&workbench, "!tag");
        assert_eq!(now.hosts.shown.len() + 1, all.hosts.all.len());
    }

    #[test]
    fn columns_answer_as_the_rows_do() {
        let (inputs, options) = example();
        let context = open_intel().and_then(|intel| Context::open(options, intel)).unwrap();
        let job = Job { context: &context, monitor: &Silent };
        let triage = triage(inputs, job, HostsShown::WithoutSpoofed);
        let mut hosts = HostColumns::default();
        let mut words = Words::default();
        let rows: Vec<_> = triage.keyed_rows().collect();
        for (key, row) in &rows {
            hosts.push(*key, row, 0, &mut words);
        }
        let now = Timestamp::default();
        let mut met = 0;
        for text in [
            "score >= 50",
            "band >= medium",
            "malice > 0.5",
            "anonymity == 0",
            "evidence_amount < 0.3",
            "mine",
            "!mine",
            "realm",
            "asn",
            "asn in {64496..64511}",
            "as_name contains example",
            "country",
            "country == NL",
            "region",
            "city",
            "lat > 50 && lon < 20",
            "!lat",
            "radius_km < 500",
            "place_confidence >= 0.1",
            "kind == hosting",
            "list",
            "name",
            "name contains shop",
            "role == responder",
            "evidence contains ssh",
            "detector",
            "flows >= 2",
            "packets > 10",
            "bytes > 10kB",
            "bytes_in > 1kB && bytes_out > 1kB",
            "first_seen >= 2026-06-05",
            "last_seen < 2026-06-05",
            "addr == 198.51.100.0/24",
            "amsterdam",
            "198.51",
        ] {
            let plan = parse(text).unwrap().plan(now);
            let by_columns = plan.rows(&hosts);
            for (number, (key, row)) in rows.iter().enumerate() {
                let by_row = plan.matches(row as &dyn Fields);
                assert_eq!(by_columns.get(number), by_row, "{text}: {}", key.addr());
            }
            met += usize::from(by_columns.count() > 0 && by_columns.count() < rows.len());
        }
        assert!(met > 18, "most of them divide the hosts: {met}");
    }
}
