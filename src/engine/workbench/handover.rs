//! Hosts handed over to others, from the window: a job that writes a file or fills the clipboard.

use std::fmt::Display;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use super::command::JobId;
use super::job::Task;
use super::snapshot::JobState;
use super::state::{Engine, Message};
use crate::engine::triage::Triage;
use crate::engine::{Chosen, Existing, NotWritten, Output};
use crate::export::handover::{Format, Tlp};
use crate::model::{HostKey, Visible, counted};

/// Bytes that go to the clipboard; more is for a file.
pub const CLIPBOARD_BYTES_MAX: usize = 8 << 20;

/// A wish to hand hosts over.
#[derive(Clone, Debug, PartialEq)]
pub struct HandOver {
    /// In which form.
    pub format: &'static Format,
    /// How far it may be passed on.
    pub tlp: Tlp,
    /// Which hosts.
    pub hosts: HostSet,
    /// Where to.
    pub to: Target,
}

/// Which hosts a wish is about.
#[derive(Clone, Debug, PartialEq)]
pub enum HostSet {
    /// All that the filter leaves, in the order shown.
    Shown,
    /// These, in this order.
    These(Vec<HostKey>),
}

/// Where what is written goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// To a file.
    File(PathBuf, Existing),
    /// To the clipboard: the answer holds the text.
    Clipboard,
}

/// How the last wish to write something ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// Counts answers: a larger number is a newer answer.
    pub number: u32,
    /// What came of it.
    pub outcome: SavedOutcome,
}

/// What came of a wish to write something.
#[derive(Clone, Debug, PartialEq)]
pub enum SavedOutcome {
    /// It is written: what and where, in a sentence.
    Written(String),
    /// A file of that name is there; nothing was written.
    Exists(PathBuf),
    /// A text for the clipboard, and what it is.
    Text(Arc<str>, String),
    /// It failed or was stopped, and why; nothing was written.
    Failed(String),
}

impl Engine {
    /// Begins to write hosts.
    pub(super) fn hand_over(&mut self, wish: HandOver) {
        let keys = match &wish.hosts {
            HostSet::Shown => self.shown_hosts(),
            HostSet::These(keys) => keys.clone(),
        };
        let count = counted(keys.len() as u64, "host", "hosts");
        let title = format!("Handing over {count} as {}", wish.format.name);
        let Some(triage) = self.triage().filter(|_| !keys.is_empty()) else {
            let why = "there is no host to hand over; open a file, or widen the filter";
            return self.refuse(title, why);
        };
        self.start_writing(title, "job-handover", move |task| {
            task.hand_over(&triage, &wish, &keys)
        });
    }

    /// Ends a wish at once.
    pub(super) fn refuse(&mut self, title: String, why: &str) {
        let id = self.add_job(title, JobState::Failed(why.to_owned()));
        self.answer(id, SavedOutcome::Failed(why.to_owned()));
    }

    /// Runs something that writes, as a job of its own that can be stopped.
    pub(super) fn start_writing(
        &mut self,
        title: String,
        name: &str,
        work: impl FnOnce(&Task) + Send + 'static,
    ) {
        let running = JobState::Running { part: None, detail: "writing".to_owned() };
        let id = self.add_job(title, running);
        let Some(task) = self.task(id) else {
            let why = "the case is not ready yet".to_owned();
            self.set_job(id, JobState::Failed(why.clone()));
            return self.answer(id, SavedOutcome::Failed(why));
        };
        let run = move || work(&task);
        if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(run) {
            self.set_job(id, JobState::Failed(error.to_string()));
            self.answer(id, SavedOutcome::Failed(error.to_string()));
        }
    }

    fn answer(&mut self, id: JobId, outcome: SavedOutcome) {
        self.next.saved = Some(Arc::new(Saved { number: id.0 + 1, outcome }));
    }
}

impl Task {
    fn hand_over(&self, triage: &Triage, wish: &HandOver, keys: &[HostKey]) {
        let what = |count: u64| {
            let count = counted(count, "host", "hosts");
            format!("{count} as {}, {}", wish.format.name, wish.tlp.label())
        };
        let write = |out: &mut dyn Write| {
            triage.hand_over(wish.format, wish.tlp, Chosen::These(keys), &mut self.stoppable(out))
        };
        let outcome = match &wish.to {
            Target::File(path, existing) => self.write_file(path.clone(), *existing, write, what),
            Target::Clipboard => {
                let mut text = Bounded(Vec::new());
                match write(&mut text) {
                    Ok(count) => {
                        let text = String::from_utf8_lossy(&text.0).into();
                        SavedOutcome::Text(text, format!("copied {}", what(count)))
                    }
                    Err(error) => SavedOutcome::Failed(self.failure(&error)),
                }
            }
        };
        self.saved(outcome);
    }

    /// Writes a file aside and gives it its name.
    pub(super) fn write_file(
        &self,
        path: PathBuf,
        existing: Existing,
        write: impl FnOnce(&mut dyn Write) -> io::Result<u64>,
        what: impl FnOnce(u64) -> String,
    ) -> SavedOutcome {
        let mut file = match Output::create(&path, existing) {
            Ok(file) => file,
            Err(why) => return not_written(why),
        };
        let mut out = BufWriter::new(&mut file);
        let written = write(&mut out).and_then(|count| out.flush().map(|()| count));
        drop(out);
        match written {
            Err(error) => SavedOutcome::Failed(self.failure(&error)),
            Ok(count) => match file.keep() {
                Ok(path) => {
                    let path = std::path::absolute(&path).unwrap_or(path).display().to_string();
                    SavedOutcome::Written(format!("{} written to {}", what(count), Visible(&path)))
                }
                Err(why) => not_written(why),
            },
        }
    }

    /// Ends the job, and answers whoever waits for it.
    pub(super) fn saved(&self, outcome: SavedOutcome) {
        let state = match &outcome {
            SavedOutcome::Written(what) | SavedOutcome::Text(_, what) => {
                JobState::Done(what.clone())
            }
            SavedOutcome::Exists(path) => {
                let path = path.display().to_string();
                JobState::Failed(format!("{} is there already; it was kept", Visible(&path)))
            }
            SavedOutcome::Failed(why) if self.is_stopped() => JobState::Stopped(why.clone()),
            SavedOutcome::Failed(why) => JobState::Failed(why.clone()),
        };
        self.tell(Message::Saved(Saved { number: self.id.0 + 1, outcome }));
        self.end(state);
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn failure(&self, error: &impl Display) -> String {
        match self.is_stopped() {
            true => "stopped; nothing was written".to_owned(),
            false => error.to_string(),
        }
    }

    /// An output that fails once the job is stopped.
    pub(super) fn stoppable<'a>(&'a self, out: &'a mut dyn Write) -> Stoppable<'a> {
        Stoppable { task: self, out }
    }
}

fn not_written(why: NotWritten) -> SavedOutcome {
    match why {
        NotWritten::Exists(path) => SavedOutcome::Exists(path),
        failed @ NotWritten::Failed(..) => SavedOutcome::Failed(failed.to_string()),
    }
}

pub(super) struct Stoppable<'a> {
    task: &'a Task,
    out: &'a mut dyn Write,
}

impl Write for Stoppable<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.task.is_stopped() {
            true => Err(io::Error::other("stopped")),
            false => self.out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A text for the clipboard.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > CLIPBOARD_BYTES_MAX {
            return Err(io::Error::other("more than 8 MiB for a clipboard; save it to a file"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clipboard_has_a_limit() {
        let mut text = Bounded(Vec::new());
        text.write_all(&vec![b'x'; CLIPBOARD_BYTES_MAX]).unwrap();
        let error = text.write_all(b"y").unwrap_err();
        assert!(error.to_string().contains("save it to a file"), "{error}");
        assert_eq!(text.0.len(), CLIPBOARD_BYTES_MAX);
    }
}
