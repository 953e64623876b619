//! A case and the pipeline: what is read goes into the case as it passes, and comes out again.
//!
//! [`import_into`] reads files into a case and passes everything on to whoever listens;
//! [`replay`] gives a listener what the case holds, in the order it came. A listener cannot tell
//! the two apart: flows and records, imports and realms have the same numbers both times. So a
//! triage of a case is a triage of its files, byte for byte.
//!
//! In a case an [`ImportId`] is a place in [`Store::imports`], and a [`RealmId`] the case's number
//! of the realm. After an import was removed the places move up: replay then.

use std::collections::BTreeMap;
use std::path::Path;

use super::context::Options;
use super::derive;
use super::files::{self, Consumer, Imports, Job};
use super::hash::sha256_of;
use super::kept;
use super::paths::{self, Input, Inputs, Origin, RealmNames};
use super::progress::{Doing, Monitor, Step};
use super::read::Tally;
use super::triage::Triage;
use crate::clock;
use crate::import::Listed;
use crate::model::{
    Addr, Flow, ImportId, ImportRow, Position, Problem, RealmId, Record, Timestamp, Untrusted,
};
use crate::store::{
    Audited, CaseInfo, Existing, Forgotten, ImportKey, ImportState, Item, PersonsData, Store,
    StoreError, Trouble, Verified,
};
use crate::wire::Frame;

/// Items of one transaction. A crash loses the unfinished batch: a fraction of a second's work.
const BATCH_ITEMS: usize = 8_192;

/// Items between two looks at progress and cancel.
const TICK_ITEMS: u64 = 4_096;

/// What an import into a case came to.
#[derive(Debug, Default)]
pub struct Added {
    /// The files read, as [`Imports`] of their own.
    pub imports: Imports,
    /// Files that the case knows by their hash: their name, and the name they have in the case.
    pub known: Vec<(Untrusted, Untrusted)>,
    /// Partial imports of the same files, which went because all is there now. Their flows went
    /// too: a listener that was given them should replay.
    pub replaced: Vec<Untrusted>,
}

/// Reads inputs into a case, and passes everything on to `inner` under the case's numbers.
///
/// Files that the case knows already are not read again. Realms of the case keep their names; an
/// argument whose files the case knows under a realm goes on in it. A stop ([`Monitor`]) keeps what
/// was read. `now` is written beside the imports.
///
/// # Errors
/// When the case cannot be written any more; every finished batch is in it.
///
/// [`Monitor`]: super::Monitor
pub(super) fn import_into(
    store: &mut Store,
    inputs: Inputs,
    job: Job<'_>,
    inner: &mut dyn Consumer,
    now: Timestamp,
) -> Result<Added, StoreError> {
    let before = store.imports()?;
    let mut inputs = inputs;
    if job.context.realm.is_none() {
        rename_realms(store, &mut inputs)?;
    }
    let known = take_known(store, &mut inputs, job.monitor)?;
    let mut tee = Tee {
        first: u32::try_from(before.len()).unwrap_or(u32::MAX),
        realms: inputs.realms.clone(),
        realm_ids: BTreeMap::new(),
        keys: BTreeMap::new(),
        batch: Vec::new(),
        batch_of: None,
        known,
        failed: None,
        has_forgotten: store.forgotten_count()? > 0,
        store,
        inner,
        now,
    };
    let imports = files::import(inputs, job, &mut tee);
    let (failed, known) = (tee.failed.take(), std::mem::take(&mut tee.known));
    match failed {
        Some(error) => Err(error),
        None => Ok(Added { replaced: replace_partial(store)?, imports, known }),
    }
}

/// Gives `consumer` everything that a case holds, in the order it came.
///
/// # Errors
/// When the case is damaged.
pub(super) fn replay(
    store: &Store,
    job: Job<'_>,
    consumer: &mut dyn Consumer,
) -> Result<Imports, StoreError> {
    let realms = store.realms()?.into_iter().map(|realm| realm.name).collect();
    let mut imports = Imports { realms, ..Imports::default() };
    let stored = store.imports()?;
    let files = stored.len();
    for (number, import) in (0_u32..).zip(stored) {
        if imports.partial {
            break;
        }
        let id = ImportId(number);
        consumer.begin(id, import.realm.unwrap_or_default(), &import.row.import);
        consumer.begun(id, &import.row);
        let mut tally = Tally::new(job.context.data_date());
        let (mut items, mut stopped) = (0_u64, false);
        store.each_item(import.key, id, &mut |item| {
            match item {
                Item::Flow(flow) => {
                    tally.flow(&flow);
                    consumer.flow(flow);
                }
                Item::Record(record) => {
                    tally.record(&record);
                    consumer.record(record);
                }
                Item::Listed(listed, line) => consumer.listed(listed, id, line),
            }
            items += 1;
            if items.is_multiple_of(TICK_ITEMS) {
                let name = import.row.import.raw();
                let file = number as usize + 1;
                let (bytes, bytes_total) = (0, None);
                let doing = Doing::Reading;
                job.monitor.step(&Step { doing, name, bytes, bytes_total, file, files });
                stopped = job.monitor.is_cancelled();
            }
            !stopped && !consumer.is_done()
        })?;
        imports.partial |= stopped;
        imports.newest = imports.newest.max(tally.newest_plausible());
        consumer.finished(id, &import.row);
        imports.rows.push(import.row);
    }
    Ok(imports)
}

/// The imports of a case as it stands, and their numbers.
pub(super) fn stored(store: &Store) -> Result<(Imports, Vec<ImportKey>), StoreError> {
    let stored = store.imports()?;
    let keys = stored.iter().map(|import| import.key).collect();
    let rows = stored.into_iter().map(|import| import.row).collect();
    let realms = store.realms()?.into_iter().map(|realm| realm.name).collect();
    Ok((Imports { rows, realms, ..Imports::default() }, keys))
}

/// Passes everything on, and into the case.
struct Tee<'a> {
    store: &'a mut Store,
    inner: &'a mut dyn Consumer,
    now: Timestamp,
    /// Imports of the case before this run.
    first: u32,
    /// The run's realms by number.
    realms: Vec<Untrusted>,
    /// The run's realms → the case's.
    realm_ids: BTreeMap<RealmId, RealmId>,
    keys: BTreeMap<ImportId, ImportKey>,
    batch: Vec<Item>,
    batch_of: Option<ImportKey>,
    known: Vec<(Untrusted, Untrusted)>,
    has_forgotten: bool,
    /// Why nothing goes into the case any more.
    failed: Option<StoreError>,
}

impl Tee<'_> {
    /// The case's number of an import of this run.
    fn id(&self, import: ImportId) -> ImportId {
        ImportId(self.first.saturating_add(import.0))
    }

    fn realm(&mut self, realm: RealmId) -> Result<RealmId, StoreError> {
        if let Some(id) = self.realm_ids.get(&realm) {
            return Ok(*id);
        }
        let name = self.realms.get(realm.0 as usize).cloned().unwrap_or_default();
        let id = self.store.realm(&name)?;
        self.realm_ids.insert(realm, id);
        Ok(id)
    }

    /// Keeps an item, and gives it back without what is forgotten; `None`: it is left out.
    fn keep(&mut self, import: ImportId, item: Item) -> Option<Item> {
        let key = *self.keys.get(&import)?;
        let item = match self.store.admit(key, item) {
            Ok(item) => item?,
            Err(error) => {
                self.failed.get_or_insert(error);
                return None;
            }
        };
        if self.batch_of != Some(key) {
            self.write_batch();
            self.batch_of = Some(key);
        }
        self.batch.push(item.clone());
        if self.batch.len() >= BATCH_ITEMS {
            self.write_batch();
        }
        Some(item)
    }

    fn write_batch(&mut self) {
        let key = self.batch_of.take().filter(|_| self.failed.is_none());
        if let Some(key) = key.filter(|_| !self.batch.is_empty()) {
            self.failed = self.store.add(key, &self.batch).err();
        }
        self.batch.clear();
    }

    fn try_finish(&mut self, import: ImportId, row: &ImportRow) -> Result<(), StoreError> {
        let key = match self.keys.remove(&import) {
            Some(key) => key,
            // Nothing in it could be begun: its row says why.
            None => self.store.begin_import(row, None, self.now)?,
        };
        let twin = row.sha256.as_deref().map(|hash| self.store.has_sha256(hash)).transpose()?;
        // The members of one archive have its hash all of them.
        let twin = twin.flatten().filter(|twin| self.is_from_before(*twin));
        if let Some(twin) = twin {
            // A stream has no hash before its end.
            self.store.remove_import(key)?;
            let imports = self.store.imports()?;
            let name = imports.into_iter().find(|import| import.key == twin);
            let name = name.map(|import| import.row.import).unwrap_or_default();
            self.known.push((row.import.clone(), name));
            return Ok(());
        }
        self.store.finish_import(key, row)
    }

    fn is_from_before(&self, key: ImportKey) -> bool {
        self.store.imports().is_ok_and(|imports| {
            imports.iter().take(self.first as usize).any(|import| import.key == key)
        })
    }
}

impl Consumer for Tee<'_> {
    fn begin(&mut self, import: ImportId, realm: RealmId, name: &Untrusted) {
        let realm = self.realm(realm).unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            RealmId::default()
        });
        self.inner.begin(self.id(import), realm, name);
    }

    fn begun(&mut self, import: ImportId, row: &ImportRow) {
        let name = &row.realm;
        let begun = self
            .store
            .realm(name)
            .and_then(|realm| self.store.begin_import(row, Some(realm), self.now));
        match begun {
            Ok(key) => drop(self.keys.insert(import, key)),
            Err(error) => drop(self.failed.get_or_insert(error)),
        }
        self.inner.begun(self.id(import), row);
    }

    fn finished(&mut self, import: ImportId, row: &ImportRow) {
        self.write_batch();
        // After a failure the import stays open in the case, which is closed as partial when it is
        // opened next.
        if self.failed.is_none() {
            self.failed = self.try_finish(import, row).err();
        }
        self.inner.finished(self.id(import), row);
    }

    fn flow(&mut self, flow: Flow) {
        if let Some(Item::Flow(mut flow)) = self.keep(flow.import, Item::Flow(flow)) {
            flow.import = self.id(flow.import);
            self.inner.flow(flow);
        }
    }

    fn record(&mut self, record: Record) {
        if let Some(Item::Record(mut record)) = self.keep(record.import, Item::Record(record)) {
            record.import = self.id(record.import);
            self.inner.record(record);
        }
    }

    fn listed(&mut self, listed: Listed, import: ImportId, line: u64) {
        if let Some(Item::Listed(listed, line)) = self.keep(import, Item::Listed(listed, line)) {
            self.inner.listed(listed, self.id(import), line);
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, carried: &files::Carriage) {
        self.inner.frame(frame, carried);
    }

    fn wants_open_flows(&self) -> bool {
        // What is forgotten is taken out of flows that end.
        !self.has_forgotten && self.inner.wants_open_flows()
    }

    fn open_flows(&mut self, flows: &mut dyn Iterator<Item = Flow>) {
        let first = self.first;
        let id = |import: ImportId| ImportId(first.saturating_add(import.0));
        let inner = &mut *self.inner;
        inner.open_flows(&mut flows.map(|flow| Flow { import: id(flow.import), ..flow }));
    }

    fn is_done(&self) -> bool {
        self.failed.is_some() || self.inner.is_done()
    }
}

/// Gives each argument whose realm's name the case uses for other files another name.
fn rename_realms(store: &Store, inputs: &mut Inputs) -> Result<(), StoreError> {
    let mut names = RealmNames::default();
    for realm in store.realms()? {
        names.unused(realm.name);
    }
    let imports = store.imports()?;
    for (number, name) in (0_u32..).zip(&mut inputs.realms) {
        let mut files = inputs.files.iter().filter(|input| input.realm == RealmId(number));
        let goes_on = files.any(|input| {
            let is_it = |row: &ImportRow| row.realm == *name && is_member(row, &input.import);
            imports.iter().any(|import| is_it(&import.row))
        });
        if !goes_on {
            *name = names.unused(name.clone());
        }
    }
    Ok(())
}

/// Whether a row is of this file or of a member of it.
fn is_member(row: &ImportRow, file: &Untrusted) -> bool {
    let below = row.import.raw().strip_prefix(file.raw());
    below.is_some_and(|below| below.is_empty() || below.starts_with('!'))
}

/// Takes out the files whose hash the case knows; a file of another size need not be hashed.
fn take_known(
    store: &Store,
    inputs: &mut Inputs,
    monitor: &dyn Monitor,
) -> Result<Vec<(Untrusted, Untrusted)>, StoreError> {
    let mut known = Vec::new();
    let mut files = Vec::new();
    for input in std::mem::take(&mut inputs.files) {
        match known_as(store, &input, monitor)? {
            Some(name) => known.push((input.import, name)),
            None => files.push(input),
        }
    }
    inputs.files = files;
    Ok(known)
}

fn known_as(
    store: &Store,
    input: &Input,
    monitor: &dyn Monitor,
) -> Result<Option<Untrusted>, StoreError> {
    let Origin::File(path) = &input.origin else { return Ok(None) };
    let Ok(metadata) = std::fs::metadata(path) else { return Ok(None) };
    if !metadata.is_file() || !store.has_size(metadata.len())? {
        return Ok(None);
    }
    // A file that cannot be read says so when it is its turn; after a stop none has a turn.
    let hash = sha256_of(path, input.import.raw(), monitor);
    let Ok(Some(sha256)) = hash else { return Ok(None) };
    let Some(key) = store.has_sha256(&sha256)? else { return Ok(None) };
    let imports = store.imports()?;
    let import = imports.into_iter().find(|import| import.key == key);
    Ok(import.map(|import| import.row.import))
}

/// Removes what is left of cut-off imports of files that are there in full by now.
fn replace_partial(store: &mut Store) -> Result<Vec<Untrusted>, StoreError> {
    let imports = store.imports()?;
    let mut replaced = Vec::new();
    for partial in imports.iter().filter(|import| import.state == ImportState::Partial) {
        let is_whole = imports.iter().any(|import| {
            import.state == ImportState::Finished
                && import.row.import == partial.row.import
                && import.row.path == partial.row.path
                && import.counts.flows >= partial.counts.flows
                && import.counts.records >= partial.counts.records
        });
        if is_whole {
            store.remove_import(partial.key)?;
            replaced.push(partial.row.import.clone());
        }
    }
    Ok(replaced)
}

/// What is looked at: files that are read now, or a case that holds what was read.
pub enum Material<'a> {
    /// Files.
    Files(Inputs),
    /// A case.
    Case(&'a Case),
}

impl From<Inputs> for Material<'_> {
    fn from(inputs: Inputs) -> Self {
        Self::Files(inputs)
    }
}

impl<'a> From<&'a Case> for Material<'a> {
    fn from(case: &'a Case) -> Self {
        Self::Case(case)
    }
}

impl Material<'_> {
    /// Gives everything to a consumer. Where a case turns out to be damaged, what came before is
    /// there, and a problem says so.
    pub(super) fn pass(self, job: Job<'_>, consumer: &mut dyn Consumer) -> Imports {
        let case = match self {
            Self::Files(inputs) => return files::import(inputs, job, consumer),
            Self::Case(case) => case,
        };
        replay(&case.store, job, consumer).unwrap_or_else(|error| {
            let what = error.to_string();
            let name = paths::path_text(case.store.path().as_os_str());
            let problems = vec![Problem { place: Position::Whole, what, count: 1 }];
            let row = ImportRow { import: name, problems, ..ImportRow::default() };
            Imports { rows: vec![row], partial: true, ..Imports::default() }
        })
    }
}

/// Takes everything and keeps nothing: for an import that is looked at later.
struct Nobody;

impl Consumer for Nobody {
    fn flow(&mut self, _flow: Flow) {}

    fn record(&mut self, _record: Record) {}
}

/// A case, for the command line.
#[derive(Debug)]
pub struct Case {
    store: Store,
    /// What had to be done to open it, in sentences.
    pub notes: Vec<String>,
}

impl Case {
    /// Opens a case to add to it; makes it if there is no such file.
    ///
    /// # Errors
    /// A sentence.
    pub fn open_or_create(path: &Path) -> Result<Self, String> {
        match Store::open(path) {
            Ok(opened) => {
                let mut notes: Vec<String> =
                    opened.upgraded.iter().map(ToString::to_string).collect();
                if opened.cut_off > 0 {
                    let what = "imports were cut off by a crash; what they had finished is here";
                    notes.push(format!("{} {what}", opened.cut_off));
                }
                Ok(Self { store: opened.store, notes })
            }
            Err(error) if error.kind == Trouble::Missing => Store::create(path, clock::now())
                .map(|store| Self { store, notes: Vec::new() })
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Opens a case to read it.
    ///
    /// # Errors
    /// A sentence.
    pub fn open(path: &Path) -> Result<Self, String> {
        let store = Store::open_read_only(path).map_err(|error| error.to_string())?;
        Ok(Self { store, notes: Vec::new() })
    }

    /// Reads files into the case.
    ///
    /// # Errors
    /// A sentence; every finished batch is in the case.
    pub fn add(&mut self, inputs: Inputs, job: Job<'_>) -> Result<Added, String> {
        let now = clock::now();
        let added = import_into(&mut self.store, inputs, job, &mut Nobody, now).and_then(|added| {
            for row in &added.imports.rows {
                self.store.audit(&format!("import {}", row.import), now)?;
            }
            Ok(added)
        });
        added.map_err(|error| self.sentence(error))
    }

    /// Keeps what was made of the case beside it, and where its hosts are said to be.
    ///
    /// # Errors
    /// A sentence.
    pub fn keep_derived(&mut self, triage: &Triage) -> Result<(), String> {
        derive::keep(&mut self.store, triage, clock::now()).map_err(|error| self.sentence(error))
    }

    /// What the case holds.
    ///
    /// # Errors
    /// A sentence.
    pub fn info(&self) -> Result<CaseInfo, String> {
        self.store.info().map_err(|error| self.sentence(error))
    }

    /// Checks everything.
    ///
    /// # Errors
    /// A sentence, when the check cannot run.
    pub fn verify(&self) -> Result<Verified, String> {
        self.store.verify().map_err(|error| self.sentence(error))
    }

    /// Forgets an address for good.
    ///
    /// # Errors
    /// A sentence.
    pub fn forget(&mut self, addr: Addr) -> Result<Forgotten, String> {
        self.store.forget(addr, clock::now()).map_err(|error| self.sentence(error))
    }

    /// Keeps what was given with its files, and gives all that it keeps.
    ///
    /// # Errors
    /// A sentence.
    pub fn keep(&mut self, given: &Options) -> Result<Options, String> {
        let kept = kept::keep(&mut self.store, given, clock::now());
        kept.map_err(|error| self.sentence(error))?;
        self.kept()
    }

    /// What it is judged by, as far as it keeps that itself.
    ///
    /// # Errors
    /// A sentence.
    pub fn kept(&self) -> Result<Options, String> {
        kept::kept(&self.store).map_err(|error| self.sentence(error))
    }

    /// Deletes for good what was said of places more than `days` ago; says how many sayings went.
    ///
    /// # Errors
    /// A sentence.
    pub fn retain_places(&mut self, days: u32) -> Result<u64, String> {
        let gone = self.store.retain_locations(days, clock::now());
        gone.map_err(|error| self.sentence(error))
    }

    /// What a person said, and the audit log.
    ///
    /// # Errors
    /// A sentence.
    pub fn said(&self) -> Result<(PersonsData, Vec<Audited>), String> {
        let said = self.store.persons_data().and_then(|said| Ok((said, self.store.audit_log()?)));
        said.map_err(|error| self.sentence(error))
    }

    /// How many commands the log holds, and the newest of them, newest first.
    ///
    /// # Errors
    /// A sentence.
    pub fn log(&self, most: usize) -> Result<(u64, Vec<Audited>), String> {
        let count = self.store.command_count();
        let log = count.and_then(|count| Ok((count, self.store.newest_commands(most)?)));
        log.map_err(|error| self.sentence(error))
    }

    fn sentence(&self, error: StoreError) -> String {
        error.at(self.store.path()).to_string()
    }

    /// Writes the case as it stands into another file.
    ///
    /// # Errors
    /// A sentence.
    pub fn save_as(&mut self, path: &Path, existing: Existing) -> Result<(), String> {
        self.store.save_as(path, existing, clock::now()).map_err(|error| error.to_string())
    }

    /// Closes the case and leaves one file.
    ///
    /// # Errors
    /// A sentence.
    pub fn close(self) -> Result<(), String> {
        self.store.close().map_err(|error| error.to_string())
    }
}
