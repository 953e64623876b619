//! The thread that owns the case: applies commands and results, publishes snapshots.

use std::collections::VecDeque;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread;

use arc_swap::ArcSwap;

use super::Repaint;
use super::case::{OpenCase, Unsaved};
use super::columns::HostColumns;
use super::command::{Command, JobId, Selected, Turn};
use super::compare::Comparison;
use super::feeds::{FeedNews, open_plain};
use super::filters::{Answer, Filters};
use super::handover::Saved;
use super::job::{Found, Outcome, Task, Work};
use super::jobs::Jobs;
use super::packets::PacketView;
use super::picture::{Drawn, Easel};
use super::select::follow;
use super::shapes::Shapes;
use super::snapshot::{
    CaseView, DataSource, DataState, DataView, JobState, Ordered, Recovered, Snapshot,
};
use super::towns::{Town, towns};
use crate::clock;
use crate::engine::context::Context;
use crate::engine::explore::Explored;
use crate::engine::paths::{self, Inputs};
use crate::engine::triage::Triage;
use crate::engine::{Shelf, example, open_intel};
use crate::model::{HostKey, Prefix, Untrusted};

/// Selections that are kept to go back to.
const HISTORY_MAX: usize = 100;

/// Bytes of a pasted text: a list of a million addresses.
const PASTE_BYTES_MAX: usize = 64 << 20;

/// What the engine is told.
pub(super) enum Message {
    /// By a person.
    Command(Command),
    /// The reference data is open, or why not.
    Data(Result<(Arc<Context>, DataView), String>),
    /// Names for the map.
    Towns(Vec<Town>),
    /// How a job goes on.
    Job(JobId, JobState),
    /// What is there so far, while a job reads.
    /// Packets were fetched, or not.
    Packets(JobId, Box<PacketView>),
    /// Something was written, or not.
    Saved(Saved),
    Growing(JobId, Box<Found>),
    /// What the case comes to after a job.
    Found(JobId, Box<Outcome>),
    /// By what the open case is judged.
    Context(JobId, Arc<Context>),
    /// A job has opened a case, or saved it elsewhere.
    Case(JobId, Box<OpenCase>),
    /// Unsaved cases of earlier runs.
    Recovered(Vec<Recovered>),
    /// What came of a job about own feeds.
    Feeds(Box<FeedNews>),
    /// Which rows meet a filter.
    Filtered(Box<Answer>),
    /// What is known of the prefixes around an address.
    Explored(Arc<Explored>),
    /// A part of the picture of IPv4 space.
    Drawn(Drawn),
    /// What of a list occurs among these hosts.
    Compared(Arc<HostColumns>, Arc<Comparison>),
}

/// What waits to be read.
pub(super) enum Source {
    Paths(Vec<PathBuf>),
    Pasted(tempfile::NamedTempFile),
    Example,
}

/// The case, and who sees it.
pub(super) struct Engine {
    published: Arc<ArcSwap<Snapshot>>,
    pub(super) inbox: SyncSender<Message>,
    repaint: Repaint,
    pub(super) next: Snapshot,
    /// What a case is judged by; of the example, its own.
    pub(super) context: Option<Arc<Context>>,
    pub(super) plain: Option<Arc<Context>>,
    /// The analyst's own networks.
    pub(super) mine: Vec<Prefix>,
    /// Days for which cases keep the history of places; `None`: for ever.
    pub(super) retain_days: Option<u32>,
    pub(super) outcome: Outcome,
    /// What is found so far in what is being read.
    pub(super) growing: Option<Found>,
    /// The open case.
    pub(super) case: Option<OpenCase>,
    /// Where unsaved cases lie.
    pub(super) recovery: Option<PathBuf>,
    /// Where the person's own feeds lie.
    pub(super) shelf: Option<Shelf>,
    /// What a person did while a job rewrote the case.
    pub(super) turns: VecDeque<Turn>,
    pub(super) filters: Filters,
    /// The picture of IPv4 space.
    pub(super) easel: Easel,
    pub(super) jobs: Jobs,
    /// Work on the case that waits for the one that runs: each begins with what the last one left.
    waiting: VecDeque<(JobId, Work<Source>)>,
    /// Which runs, and whether nothing else may write meanwhile.
    pub(super) reading: Option<(JobId, bool)>,
    /// Jobs of a case that was left: what they still say is not heard.
    left: Vec<JobId>,
    /// Selections, and which of them is shown.
    history: (Vec<Selected>, usize),
    /// Texts that were pasted: their files live as long as the case.
    pasted: Vec<tempfile::NamedTempFile>,
}

impl Engine {
    pub(super) fn new(
        published: Arc<ArcSwap<Snapshot>>,
        inbox: SyncSender<Message>,
        repaint: Repaint,
    ) -> Self {
        Self {
            published,
            inbox,
            repaint,
            next: Snapshot::default(),
            context: None,
            plain: None,
            mine: Vec::new(),
            retain_days: None,
            outcome: Outcome::default(),
            growing: None,
            case: None,
            recovery: None,
            shelf: None,
            turns: VecDeque::new(),
            filters: Filters::default(),
            easel: Easel::default(),
            jobs: Jobs::default(),
            waiting: VecDeque::new(),
            reading: None,
            left: Vec::new(),
            history: (Vec::new(), 0),
            pasted: Vec::new(),
        }
    }

    /// Runs until it is told to quit.
    pub(super) fn run(&mut self, inbox: &Receiver<Message>) {
        self.open_data();
        self.look_for_recovered();
        while let Ok(message) = inbox.recv() {
            match message {
                Message::Command(Command::Quit) => break,
                Message::Command(command) => self.command(command),
                other => self.hear(other),
            }
            // What waits already is applied before the next picture is published.
            while let Ok(message) = inbox.try_recv() {
                match message {
                    Message::Command(Command::Quit) => return self.stop_all(),
                    Message::Command(command) => self.command(command),
                    other => self.hear(other),
                }
            }
            self.publish();
        }
        self.stop_all();
    }

    fn stop_all(&mut self) {
        self.jobs.stop_all();
        self.easel.stop();
        self.leave_case(Unsaved::Keep);
    }

    fn publish(&mut self) {
        self.regroup();
        self.next.version += 1;
        self.next.jobs = Arc::new(self.jobs.views());
        let (past, at) = &self.history;
        self.next.history = (*at > 1, *at < past.len());
        self.published.store(Arc::new(self.next.clone()));
        (self.repaint)();
    }

    /// Opens the reference data in a thread of its own, so that the window is there at once.
    fn open_data(&mut self) {
        let (inbox, shelf) = (self.inbox.clone(), self.shelf.clone());
        let open = move || {
            let opened = open_plain(shelf.as_ref(), Vec::new());
            let ready = opened.map(|context| {
                let (sources, shapes) = (sources(&context), Shapes::new(&context.intel));
                let shapes = Arc::new(shapes);
                (context, DataView { sources, shapes, towns: Arc::default() })
            });
            let context = ready.as_ref().ok().map(|(context, _)| Arc::clone(context));
            inbox.send(Message::Data(ready)).ok();
            // Nobody waits for names of towns: hosts are placed without them.
            if let Some(context) = context {
                inbox.send(Message::Towns(towns(&context.intel))).ok();
            }
        };
        if let Err(error) = thread::Builder::new().name("job-data".to_owned()).spawn(open) {
            self.next.data = DataState::Failed(error.to_string());
        }
    }

    fn hear(&mut self, message: Message) {
        match message {
            Message::Command(_) => {}
            Message::Data(Ok((context, view))) => {
                self.next.data = DataState::Ready(Arc::new(view));
                self.plain = Some(Arc::clone(&context));
                self.context.get_or_insert(context);
                self.judge_space_again();
                self.tell_feeds();
                if !self.mine.is_empty() {
                    self.open_own();
                }
                self.read_next();
            }
            Message::Towns(towns) => {
                if let DataState::Ready(view) = &mut self.next.data {
                    Arc::make_mut(view).towns = Arc::new(towns);
                }
            }
            Message::Data(Err(why)) => {
                self.next.data = DataState::Failed(why.clone());
                while let Some((id, _)) = self.waiting.pop_front() {
                    self.set_job(id, JobState::Failed(why.clone()));
                }
            }
            Message::Job(id, state) => {
                let over = state.is_over();
                self.set_job(id, state);
                if over && self.reading.is_some_and(|(reading, _)| reading == id) {
                    self.reading = None;
                    self.growing = None;
                    // What a person said may have gone with an address.
                    self.tell_case();
                    self.tell_history();
                    self.take_turns();
                    self.read_next();
                }
            }
            Message::Packets(id, view) => self.take_packets(id, *view),
            Message::Saved(saved) => self.next.saved = Some(Arc::new(saved)),
            Message::Growing(id, found) if self.is_heard(id) => {
                self.growing = Some((*found).clone());
                self.show_found(*found);
                self.select_again();
            }
            Message::Filtered(answer) => self.hear_filtered(*answer),
            Message::Explored(found) => self.hear_explored(found),
            Message::Drawn(drawn) => self.hear_drawn(drawn),
            Message::Compared(of, comparison) => self.hear_compared(&of, comparison),
            Message::Found(id, outcome) if self.is_heard(id) => {
                self.outcome = *outcome;
                self.growing = None;
                self.show_all();
            }
            Message::Context(id, context) if self.is_heard(id) => self.take_context(context),
            Message::Case(id, case) if self.is_heard(id) => self.take_case(*case),
            // Of a case that was left.
            Message::Growing(..)
            | Message::Found(..)
            | Message::Context(..)
            | Message::Case(..) => {}
            Message::Feeds(news) => self.hear_feeds(*news),
            Message::Recovered(cases) => self.next.recovered = Arc::new(cases),
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Quit => {}
            Command::Open(paths) => self.open(paths),
            Command::Paste(text) => self.paste(&text),
            Command::OpenExample => {
                self.leave(Unsaved::Keep);
                self.read("Reading the example".to_owned(), Source::Example);
            }
            Command::NewCase => self.leave(Unsaved::Keep),
            Command::SaveAs(..)
            | Command::RemoveImport(_)
            | Command::RemoveSource(_)
            | Command::Forget(_)
            | Command::Discard
            | Command::DiscardRecovered(_) => self.case_command(command),
            Command::Do(deed) => self.turn(Turn::Do(deed.into())),
            Command::DoTogether(deeds) => self.turn(Turn::Do(deeds)),
            Command::Undo => self.turn(Turn::Undo),
            Command::Redo => self.turn(Turn::Redo),
            Command::Own(mine) => self.own(mine),
            Command::Retain(days) => self.retain_days = days,
            Command::Cancel(id) => self.cancel(id),
            Command::Dismiss(id) => self.jobs.dismiss(id),
            Command::DismissFinished => self.jobs.dismiss_finished(),
            Command::SortHosts(sort) => self.sort_hosts(sort),
            Command::Group(by) => self.group(by),
            Command::SortFlows(sort) => self.sort_flows(sort),
            Command::SortRecords(sort) => self.sort_records(sort),
            Command::Filter(text) => self.filter(text),
            Command::Compare(text) => self.compare(text),
            Command::Select(what) => self.select(what),
            Command::Follow(reference) => {
                if let Some(what) = follow(&reference, &self.outcome) {
                    self.select(Some(what));
                }
            }
            Command::Back => self.step(-1),
            Command::Forward => self.step(1),
            Command::HandOver(wish) => self.hand_over(wish),
            Command::ShowPackets(of, from) => self.show_packets(of, from),
            Command::ChoosePacket(place) => self.choose_packet(place),
            Command::FindInPackets(text) => self.find_in_packets(text),
            Command::SavePackets(wish) => self.save_packets(wish),
            Command::Explore(addr) => self.explore(addr),
            Command::Picture(wish) => self.picture(wish),
            Command::LookAt(prefix) => self.look_at(prefix),
            Command::LookAtFeed(source, kind) => self.look_at_feed(source, kind),
            Command::KeepFeed(name) => self.keep_feed(&name),
            Command::LeaveFeed => self.leave_feed(),
            Command::RemoveFeed(name) => self.remove_feed(name),
            Command::UpdateFeeds => self.update_feeds(),
        }
    }

    pub(super) fn add_job(&mut self, title: String, state: JobState) -> JobId {
        self.jobs.add(title, state, clock::now())
    }

    pub(super) fn set_job(&mut self, id: JobId, state: JobState) {
        self.jobs.set(id, state, clock::now());
    }

    pub(super) fn cancel(&mut self, id: JobId) {
        self.jobs.stop(id);
        if self.waiting.iter().any(|(waiting, _)| *waiting == id) {
            self.waiting.retain(|(waiting, _)| *waiting != id);
            self.set_job(id, JobState::Stopped("it had not begun".to_owned()));
        }
    }

    fn paste(&mut self, text: &str) {
        let title = "Reading what was pasted".to_owned();
        if text.len() > PASTE_BYTES_MAX {
            let why = "the text has more than 64 MiB; save it as a file, and open that";
            self.add_job(title, JobState::Failed(why.to_owned()));
            return;
        }
        let written = tempfile::Builder::new()
            .prefix("pasted-")
            .suffix(".txt")
            .tempfile()
            .and_then(|mut file| file.write_all(text.as_bytes()).map(|()| file));
        match written {
            Ok(file) => self.read(title, Source::Pasted(file)),
            Err(error) => {
                self.add_job(title, JobState::Failed(error.to_string()));
            }
        }
    }

    /// Reads something into the case.
    pub(super) fn read(&mut self, title: String, source: Source) {
        self.queue(title, Work::Read(source));
    }

    /// Work on the case, one after the other.
    pub(super) fn queue(&mut self, title: String, work: Work<Source>) {
        let id = self.add_job(title, JobState::Waiting);
        match &self.next.data {
            DataState::Failed(why) => {
                let why = why.clone();
                self.set_job(id, JobState::Failed(why));
            }
            DataState::Opening | DataState::Ready(_) => {
                self.waiting.push_back((id, work));
                self.read_next();
            }
        }
    }

    /// Begins the next work on the case, if none runs and the data is there.
    fn read_next(&mut self) {
        while let (None, Some(context)) = (self.reading, self.context.clone()) {
            let Some((id, work)) = self.waiting.pop_front() else { break };
            let Some(stop) = self.jobs.stop_of(id) else { continue };
            let running = JobState::Running { part: None, detail: "opening".to_owned() };
            self.set_job(id, running);
            let exclusive = !matches!(work, Work::Read(_));
            let begun = self.begin(work, context).and_then(|(context, work)| {
                let store = match &work {
                    Work::Open(_) => None,
                    _ => Some(self.case().and_then(|case| case.store.share())),
                };
                let store = store.transpose().map_err(|error| error.to_string())?;
                let (before, engine) = (self.outcome.clone(), self.inbox.clone());
                let (recovery, retain_days) = (self.recovery.clone(), self.retain_days);
                let task = Task { id, context, stop, engine, recovery, retain_days };
                let run = move || task.run(work, store, before);
                let thread = thread::Builder::new().name("job-case".to_owned()).spawn(run);
                thread.map(drop).map_err(|error| error.to_string())
            });
            match begun {
                Ok(()) => self.reading = Some((id, exclusive)),
                Err(why) => self.set_job(id, JobState::Failed(why)),
            }
        }
        self.tell_growing();
    }

    /// Finds what work is about. The example has a context of its own, and a case that ends with
    /// it.
    fn begin(
        &mut self,
        work: Work<Source>,
        context: Arc<Context>,
    ) -> Result<(Arc<Context>, Work<Inputs>), String> {
        let plain = self.plain.clone().unwrap_or_else(|| Arc::clone(&context));
        let source = match work {
            Work::Read(source) => source,
            // What a case keeps is put upon what all cases are judged by.
            Work::Open(path) => return Ok((plain, Work::Open(path))),
            Work::Remove(key) => return Ok((plain, Work::Remove(key))),
            Work::RemoveSource(id) => return Ok((plain, Work::RemoveSource(id))),
            Work::Judge => return Ok((plain, Work::Judge)),
            Work::Forget(addr) => return Ok((plain, Work::Forget(addr))),
            Work::SaveAs(path, existing) => return Ok((context, Work::SaveAs(path, existing))),
        };
        let (context, inputs) = match source {
            Source::Paths(paths) => (context, paths::expand(&paths, None)?),
            Source::Pasted(file) => {
                let inputs = paths::expand(&[file.path().to_owned()], None)?;
                self.pasted.push(file);
                (context, pasted(inputs, self.outcome.keys.len() + 1))
            }
            Source::Example => {
                let (inputs, options) = example();
                let opened = open_intel();
                let context = opened.and_then(|intel| Context::open(options.clone(), intel))?;
                self.context = Some(Arc::clone(&context));
                self.judge_space_again();
                self.begin_temporary().map_err(|error| error.to_string())?;
                self.keep_given(&options)?;
                (context, inputs)
            }
        };
        Ok((context, Work::Read(inputs)))
    }

    /// Whether what a job says is about the open case.
    fn is_heard(&self, id: JobId) -> bool {
        !self.left.contains(&id)
    }

    /// Goes on with a case that was opened, or saved elsewhere.
    fn take_case(&mut self, case: OpenCase) {
        if let Some(old) = self.case.replace(case) {
            // Saved: what lay in the folder for unsaved cases lies in its own file now.
            old.leave(Unsaved::Delete);
        }
        self.tell_case();
        self.look_for_recovered();
    }

    /// Says in the snapshot whether something is being read.
    fn tell_growing(&mut self) {
        let is_growing = self.reading.is_some();
        if self.next.case.is_growing != is_growing {
            Arc::make_mut(&mut self.next.case).is_growing = is_growing;
        }
    }

    /// Leaves the case: what still reads for it is stopped and not heard. `unsaved`: what
    /// becomes of one that was not saved.
    pub(super) fn leave(&mut self, unsaved: Unsaved) {
        for id in self.jobs.stop_all() {
            self.set_job(id, JobState::Stopped("its case was left".to_owned()));
            self.left.push(id);
        }
        self.waiting.clear();
        self.pasted.clear();
        self.context = self.plain.clone();
        self.judge_space_again();
        self.outcome = Outcome::default();
        self.growing = None;
        self.history = (Vec::new(), 0);
        self.reading = None;
        self.drop_packets();
        self.leave_case(unsaved);
        self.leave_filter();
        self.next.comparison = None;
        self.show_all();
    }

    /// What a job needs that is about the case as it is.
    pub(super) fn task(&self, id: JobId) -> Option<Task> {
        let stop = self.jobs.stop_of(id)?;
        let (context, engine) = (self.context.clone()?, self.inbox.clone());
        Some(Task { id, context, stop, engine, recovery: None, retain_days: None })
    }

    /// Takes a job out of the list that has told elsewhere what came of it.
    pub(super) fn forget_job(&mut self, id: JobId) {
        self.jobs.forget(id);
    }

    /// What was found in the case.
    pub(super) fn triage(&self) -> Option<Arc<Triage>> {
        self.outcome.found.triage.clone()
    }

    /// The hosts shown, in their order.
    pub(super) fn shown_hosts(&self) -> Vec<HostKey> {
        let hosts = &self.next.hosts;
        let key = |row: &u32| hosts.all.keys.get(*row as usize).copied();
        hosts.shown.iter().filter_map(key).collect()
    }

    /// Shows the case as it is.
    fn show_all(&mut self) {
        let outcome = self.outcome.clone();
        let held = Arc::clone(&outcome.held);
        self.next.flows = Ordered { sort: self.next.flows.sort, ..Ordered::default() };
        self.next.records = Ordered { sort: self.next.records.sort, ..Ordered::default() };
        self.next.flows.all = Arc::clone(&held.flows);
        self.next.records.all = Arc::clone(&held.records);
        let head = outcome.found.triage.as_ref().map(|triage| triage.head());
        let before = &self.next.case;
        self.next.case = Arc::new(CaseView {
            place: before.place.clone(),
            said: Arc::clone(&before.said),
            undo: before.undo.clone(),
            redo: before.redo.clone(),
            log: Arc::clone(&before.log),
            own: Arc::clone(&before.own),
            keys: outcome.keys.clone(),
            imports: outcome.imports.rows.clone(),
            realms: outcome.imports.realms.clone(),
            import_realms: held.imports.iter().map(|(realm, _)| *realm).collect(),
            totals: head.map(|head| head.totals).unwrap_or_default(),
            now: head.map(|head| head.now),
            is_growing: self.reading.is_some(),
        });
        self.show_found(outcome.found);
        self.sort_flows(self.next.flows.sort);
        self.sort_records(self.next.records.sort);
        self.select_again();
    }

    /// Gathers again what is known of what is selected.
    fn select_again(&mut self) {
        let selected = self.next.selection.as_ref().map(|selection| selection.what);
        self.next.selection = selected.and_then(|what| self.selection(what));
    }

    fn select(&mut self, what: Option<Selected>) {
        let Some(what) = what else {
            self.next.selection = None;
            return;
        };
        let (past, at) = &mut self.history;
        past.truncate(*at);
        if past.last() != Some(&what) {
            past.push(what);
        }
        if past.len() > HISTORY_MAX {
            past.remove(0);
        }
        *at = past.len();
        self.next.selection = self.selection(what);
    }

    /// Forgets what was selected.
    pub(super) fn forget_history(&mut self) {
        self.history = (Vec::new(), 0);
        self.next.selection = None;
    }

    /// Goes back or forward among the selections.
    fn step(&mut self, by: isize) {
        let (past, at) = &mut self.history;
        let to = at.saturating_add_signed(by).clamp(usize::from(!past.is_empty()), past.len());
        *at = to;
        let what = to.checked_sub(1).and_then(|last| past.get(last)).copied();
        self.next.selection = what.and_then(|what| self.selection(what));
    }
}

/// A pasted text is called by its number, not by the file it is kept in.
fn pasted(mut inputs: Inputs, number: usize) -> Inputs {
    let name = Untrusted::new(&format!("pasted {number}"));
    for file in &mut inputs.files {
        file.import = name.clone();
    }
    inputs.realms = vec![name];
    inputs
}

pub(super) fn short(path: &std::path::Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    crate::model::Visible(paths::path_text(name).raw()).to_string()
}

fn sources(context: &Context) -> Vec<DataSource> {
    let sources = context.intel.sources().iter().map(|source| DataSource {
        id: source.id.clone(),
        date: source.date.clone(),
        licence: source.license.clone(),
        attribution: match source.attribution.as_str() {
            "" => format!("{}, {}, {}", source.title, source.license, source.url),
            text => text.to_owned(),
        },
    });
    sources.collect()
}
