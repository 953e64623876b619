//! Keeps the settings: reads them at the start, writes them a moment after they change.

use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use super::settings::{Settings, load, save};

/// Seconds between two looks at whether something changed.
const LOOK_SECS: f64 = 1.0;

/// Who keeps the settings.
pub(super) struct Keeper {
    /// `None`: nothing is kept.
    path: Option<PathBuf>,
    /// What the file holds.
    saved: Settings,
    /// The write that goes on: a slow disk does not hold the window.
    writing: Option<JoinHandle<Result<(), String>>>,
    next_secs: f64,
    /// What went wrong, until the person has read it.
    pub(super) told: Option<String>,
}

impl Keeper {
    /// Reads what was kept.
    pub(super) fn open(path: Option<PathBuf>) -> (Self, Settings) {
        let (saved, told, path) = match path {
            None => (Settings::default(), None, None),
            Some(path) => match load(&path) {
                Ok((settings, told)) => (settings, told, Some(path)),
                // What cannot be read is not written over.
                Err(why) => (Settings::default(), Some(why), None),
            },
        };
        let settings = saved.clone();
        (Self { path, saved, writing: None, next_secs: LOOK_SECS, told }, settings)
    }

    /// Where the settings are kept, for people.
    pub(super) fn place(&self) -> String {
        match &self.path {
            Some(path) => format!("Kept in {}", path.display()),
            None => "Not kept: they end with the window".to_owned(),
        }
    }

    /// Whether it is time to look again: once a second at most, and one write after the other.
    pub(super) fn is_due(&self, now_secs: f64) -> bool {
        let is_over = self.writing.as_ref().is_none_or(JoinHandle::is_finished);
        now_secs >= self.next_secs && is_over
    }

    /// Writes what changed.
    pub(super) fn look(&mut self, now_secs: f64, now: Settings) {
        self.next_secs = now_secs + LOOK_SECS;
        self.heed();
        let Some(path) = self.path.clone().filter(|_| now != self.saved) else { return };
        self.saved = now.clone();
        let write = move || save(&path, &now);
        // Without a thread it is written at the end.
        self.writing = thread::Builder::new().name("settings".to_owned()).spawn(write).ok();
    }

    /// Hears how the last write went.
    fn heed(&mut self) {
        if let Some(Ok(Err(why))) = self.writing.take().map(JoinHandle::join) {
            // Told once: the next change tries again.
            self.told = Some(why);
        }
    }

    /// Writes what is not written yet.
    pub(super) fn end(&mut self, settings: &Settings) {
        self.heed();
        if let Some(path) = self.path.as_ref().filter(|_| *settings != self.saved) {
            // The window is closed: nobody is there to be told.
            save(path, settings).ok();
        }
    }
}
