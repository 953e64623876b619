//! The open case under the window: where it lies, what a person does to it, what a crash left.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;

use super::columns::HostColumn;
use super::command::{Command, Turn};
use super::job::Work;
use super::snapshot::{JobState, Marks, Recovered};
use super::state::{Engine, Message};
use crate::clock;
use crate::model::{Timestamp, counted};
use crate::store::{Deed, Deeds, PersonsData, Store, StoreError, Trouble};

/// Unsaved cases that are offered.
const RECOVERED_MAX: usize = 20;

/// Names of what an unsaved case holds.
const NAMES_TOLD: usize = 3;

/// The ending of a case's name.
const ENDING: &str = "infralock";

/// Where the open case lies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CasePlace {
    /// Nothing was opened yet.
    #[default]
    Nowhere,
    /// In the folder for unsaved cases: a crash loses nothing.
    Unsaved(PathBuf),
    /// In a folder that ends with it: the example, or there was no other place, for this reason.
    Temporary(Option<String>),
    /// In its own file: everything is saved when it is done.
    File(PathBuf),
    /// In its own file, which may not be changed now, for this reason.
    ReadOnly(PathBuf, String),
}

/// What becomes of an unsaved case that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unsaved {
    /// It stays in its folder, and is offered again.
    Keep,
    /// It goes for good.
    Delete,
}

/// The open case.
#[derive(Debug)]
pub(super) struct OpenCase {
    pub(super) store: Store,
    pub(super) place: CasePlace,
    /// Goes with the case.
    _folder: Option<TempDir>,
}

impl OpenCase {
    /// A case of its own file.
    pub(super) fn of_file(store: Store, path: &Path) -> Self {
        Self { store, place: CasePlace::File(path.to_owned()), _folder: None }
    }

    /// Opens a case from a file; one that is in use or may not be changed, to read it.
    pub(super) fn open(path: &Path, recovery: Option<&Path>) -> Result<Self, StoreError> {
        match Store::open(path) {
            Ok(opened) => {
                let unsaved = recovery.is_some_and(|folder| path.parent() == Some(folder));
                let place = match unsaved {
                    true => CasePlace::Unsaved(path.to_owned()),
                    false => CasePlace::File(path.to_owned()),
                };
                Ok(Self { store: opened.store, place, _folder: None })
            }
            Err(error) if matches!(error.kind, Trouble::InUse | Trouble::ReadOnly) => {
                let store = Store::open_read_only(path)?;
                let place = CasePlace::ReadOnly(path.to_owned(), error.to_string());
                Ok(Self { store, place, _folder: None })
            }
            Err(error) => Err(error),
        }
    }

    /// A new case: in the folder for unsaved ones, else in one that ends with it.
    fn make(recovery: Option<&Path>) -> Result<Self, StoreError> {
        let mut why = None;
        if let Some(recovery) = recovery {
            match Store::in_folder(recovery, clock::now()) {
                Ok(store) => {
                    let place = CasePlace::Unsaved(store.path().to_owned());
                    return Ok(Self { store, place, _folder: None });
                }
                Err(error) => why = Some(error.to_string()),
            }
        }
        let folder = tempfile::tempdir()?;
        let store = Store::in_folder(folder.path(), clock::now())?;
        Ok(Self { store, place: CasePlace::Temporary(why), _folder: Some(folder) })
    }

    /// Whether nothing would be lost with it.
    fn is_empty(&self) -> bool {
        let holds = self.store.info().map(|info| info.imports + info.journal);
        holds.is_ok_and(|things| things == 0)
    }

    /// Lets go of it; an unsaved one without anything in it goes for good.
    pub(super) fn leave(self, unsaved: Unsaved) {
        let gone = unsaved == Unsaved::Delete || self.is_empty();
        drop(self.store);
        if let (CasePlace::Unsaved(path), true) = (self.place, gone) {
            delete(&path);
        }
    }
}

/// Deletes an unsaved case, and what SQLite keeps beside it.
fn delete(path: &Path) {
    for ending in ["", "-wal", "-shm", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        fs::remove_file(name).ok();
    }
}

/// Whether a file is a case, or calls itself one.
pub(super) fn is_case(path: &Path) -> bool {
    use std::io::Read;
    if path.extension().is_some_and(|ending| ending == ENDING) {
        return true;
    }
    let mut head = [0; 72];
    // A pipe would wait for its writer.
    let is_file = fs::metadata(path).is_ok_and(|found| found.is_file());
    let read =
        is_file && fs::File::open(path).is_ok_and(|mut file| file.read_exact(&mut head).is_ok());
    // SQLite's header: the magic, and at offset 68 whose format it is.
    read && head.starts_with(b"SQLite format 3\0")
        && head[68..] == crate::store::APPLICATION_ID.to_be_bytes()
}

/// The unsaved cases of a folder that nobody has open, the newest first.
pub(super) fn recovered(folder: &Path) -> Vec<Recovered> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == ENDING))
        .collect();
    // Their names hold when they were made.
    paths.sort_unstable();
    paths.into_iter().rev().filter_map(|path| look(&path)).take(RECOVERED_MAX).collect()
}

fn look(path: &Path) -> Option<Recovered> {
    let store = match Store::open(path) {
        Ok(opened) => opened.store,
        Err(error) if error.kind == Trouble::InUse => return None,
        Err(error) => {
            let what = format!("cannot be opened: {error}");
            return Some(Recovered { path: path.to_owned(), what, made: None, age_days: None });
        }
    };
    let info = store.info().ok()?;
    // A realm has the name of what was opened.
    let realms = store.realms().ok()?;
    let names: Vec<&str> = realms.iter().take(NAMES_TOLD).map(|realm| realm.name.raw()).collect();
    let said = info.notes + info.tags + info.verdicts + info.bookmarks;
    let mut what = names.join(", ");
    if realms.len() > NAMES_TOLD {
        what += &format!(" and {} more", realms.len() - NAMES_TOLD);
    }
    what += &format!(": {}", counted(info.imports, "file", "files"));
    if said > 0 {
        what += &format!(", {}", counted(said, "note or verdict", "notes and verdicts"));
    }
    let age_secs = |made: Timestamp| clock::now().secs_since(made);
    // `as` saturates: a clock that was wrong makes an age of 0.
    let age_days = info.created.map(|made| (age_secs(made) / 86_400.0) as u32);
    Some(Recovered { path: path.to_owned(), what, made: info.created, age_days })
}

impl Engine {
    /// The open case; makes one if there is none yet.
    pub(super) fn case(&mut self) -> Result<&mut OpenCase, StoreError> {
        if self.case.is_none() {
            self.begin_case(OpenCase::make(self.recovery.as_deref())?);
        }
        let none = || StoreError::from(std::io::Error::from(std::io::ErrorKind::NotFound));
        self.case.as_mut().ok_or_else(none)
    }

    /// Begins a case that ends with the window.
    pub(super) fn begin_temporary(&mut self) -> Result<(), StoreError> {
        OpenCase::make(None).map(|case| self.begin_case(case))
    }

    fn begin_case(&mut self, case: OpenCase) {
        self.case = Some(case);
        self.tell_case();
    }

    /// What a person does, or wants undone. While a job rewrites the case, it waits for the job.
    pub(super) fn turn(&mut self, turn: Turn) {
        if self.reading.as_ref().is_some_and(|(_, exclusive)| *exclusive) {
            self.turns.push_back(turn);
            return;
        }
        let now = clock::now();
        let turned = self.case().and_then(|case| match &turn {
            Turn::Do(deeds) => case.store.apply_all(deeds, now).map(|()| Some(deeds.clone())),
            Turn::Undo => Ok(case.store.undo(now)?.map(|done| done.deeds)),
            Turn::Redo => Ok(case.store.redo(now)?.map(|done| done.deeds)),
        });
        let merges = |deeds: &Deeds| {
            deeds
                .kinds()
                .any(|(deed, _)| matches!(deed, Deed::MergeRealm { .. } | Deed::Setting { .. }))
        };
        match turned {
            Ok(Some(deeds)) if merges(&deeds) => {
                self.queue("Judging hosts again".to_owned(), Work::Judge);
            }
            Ok(_) => {}
            Err(error) => {
                let title = match &turn {
                    Turn::Do(deeds) => format!("Keeping {}", deeds.words()),
                    Turn::Undo => "Undoing".to_owned(),
                    Turn::Redo => "Redoing".to_owned(),
                };
                self.add_job(title, JobState::Failed(error.to_string()));
            }
        }
        self.tell_case();
    }

    /// Does what waited for a job.
    pub(super) fn take_turns(&mut self) {
        while let (None, Some(turn)) = (&self.reading, self.turns.pop_front()) {
            self.turn(turn);
        }
    }

    /// Puts into the snapshot where the case lies and what a person said.
    pub(super) fn tell_case(&mut self) {
        let (place, said, turns) = match &self.case {
            None => (CasePlace::Nowhere, PersonsData::default(), (None, None)),
            Some(case) => (
                case.place.clone(),
                case.store.persons_data().unwrap_or_default(),
                case.store.turns().unwrap_or_default(),
            ),
        };
        let marks = marks(&said);
        if *self.next.marks != marks {
            self.next.marks = Arc::new(marks);
            self.filter_said();
            if self.next.hosts.sort.by == HostColumn::Said {
                self.sort_hosts(self.next.hosts.sort);
            }
        }
        let view = Arc::make_mut(&mut self.next.case);
        (view.place, view.said) = (place, Arc::new(said));
        let text = |deeds: Option<Deeds>| deeds.as_ref().map(Deeds::words);
        (view.undo, view.redo) = (text(turns.0), text(turns.1));
        self.tell_log();
        self.tell_own();
    }

    /// Lets go of the case.
    pub(super) fn leave_case(&mut self, unsaved: Unsaved) {
        self.turns.clear();
        if let Some(case) = self.case.take() {
            case.leave(unsaved);
        }
        self.tell_case();
        self.look_for_recovered();
    }

    /// Looks, in a thread of its own, which unsaved cases there are.
    pub(super) fn look_for_recovered(&mut self) {
        let (Some(folder), engine) = (self.recovery.clone(), self.inbox.clone()) else { return };
        let look = move || engine.send(Message::Recovered(recovered(&folder))).ok();
        std::thread::Builder::new().name("job-recovery".to_owned()).spawn(look).ok();
    }

    /// Deletes an unsaved case that nobody has open.
    pub(super) fn discard_recovered(&mut self, path: &Path) {
        let is_ours = self.next.recovered.iter().any(|case| case.path == path);
        if is_ours && !matches!(&self.case, Some(case) if case.store.path() == path) {
            delete(path);
        }
        self.look_for_recovered();
    }

    /// Opens files: a case is opened, anything else is read into the open case.
    pub(super) fn open(&mut self, paths: Vec<PathBuf>) {
        let (cases, files): (Vec<PathBuf>, Vec<PathBuf>) =
            paths.into_iter().partition(|path| is_case(path));
        if let Some(case) = cases.first() {
            let title = format!("Opening {}", super::state::short(case));
            if cases.len() > 1 || !files.is_empty() {
                let why = "a case is opened alone; open other files after it".to_owned();
                self.add_job(title, JobState::Failed(why));
            } else {
                self.leave(Unsaved::Keep);
                self.queue(title, Work::Open(case.clone()));
            }
        }
        if cases.is_empty() && !files.is_empty() {
            let names: Vec<String> = files.iter().map(|path| super::state::short(path)).collect();
            self.read(format!("Reading {}", names.join(", ")), super::state::Source::Paths(files));
        }
    }

    /// Commands about the case file itself.
    pub(super) fn case_command(&mut self, command: Command) {
        match command {
            Command::SaveAs(path, existing) => {
                let title = format!("Saving {}", super::state::short(&path));
                self.queue(title, Work::SaveAs(path, existing));
            }
            Command::RemoveImport(key) => {
                let rows = self.next.case.imports.iter().zip(&self.next.case.keys);
                let name = rows.filter(|(_, known)| **known == key).map(|(row, _)| &row.import);
                let name = name.map(|name| crate::model::Visible(name.raw()).to_string()).next();
                let title = format!("Removing {}", name.unwrap_or_default());
                self.queue(title, Work::Remove(key));
            }
            Command::RemoveSource(id) => self.remove_source(id),
            Command::Forget(addr) => {
                // Selections may name it.
                self.forget_history();
                self.queue(format!("Forgetting {addr}"), Work::Forget(addr));
            }
            Command::Discard => {
                self.leave(Unsaved::Delete);
            }
            Command::DiscardRecovered(path) => self.discard_recovered(&path),
            _ => {}
        }
    }
}

/// What a person said, by host.
fn marks(said: &PersonsData) -> Marks {
    let mut marks: Marks = BTreeMap::new();
    for verdict in &said.verdicts {
        if let Some(host) = verdict.subject.as_host() {
            marks.entry(host).or_default().decision = Some(verdict.what.clone());
        }
    }
    for tag in &said.tags {
        if let Some(host) = tag.subject.as_host() {
            marks.entry(host).or_default().tags.push(tag.what.clone());
        }
    }
    for note in &said.notes {
        if let Some(host) = note.subject.as_host() {
            marks.entry(host).or_default().note = Some(note.what.clone());
        }
    }
    for mark in &said.bookmarks {
        if let Some(host) = mark.subject.as_host() {
            marks.entry(host).or_default().bookmark = Some(mark.what.clone());
        }
    }
    marks
}

/// Where unsaved cases are kept: `$XDG_STATE_HOME/infralock/unsaved`, as the XDG Base Directory
/// Specification has it; `None`: the system names no home.
pub fn recovery_folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let state = absolute("XDG_STATE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| Some(absolute("HOME")?.join(".local/state")))?;
    Some(state.join("infralock/unsaved"))
}

/// Which time a recovered case is called by.
impl Recovered {
    /// When it was made, for people.
    pub fn made_text(&self) -> String {
        self.made.map(Timestamp::to_short).unwrap_or_default()
    }
}
