//! The person's own feeds in the window: looked at before they are taken, kept, fetched anew,
//! removed. Each is a job; when the feeds have changed, the open case is judged again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::job::Work;
use super::snapshot::JobState;
use super::state::{Engine, Message};
use crate::clock;
use crate::engine::context::{Context, Options};
use crate::engine::{
    Difference, Existing, FeedBytes, FeedOptions, FeedRow, Monitor, Newer, Review, Shelf, Step,
    fetch_feed, look_for_newer, open_intel, review, updatable,
};
use crate::intel::feed::FeedKind;
use crate::model::{Prefix, counted};

/// The own feeds as the window shows them.
#[derive(Clone, Debug, Default)]
pub struct FeedsView {
    /// Whether feeds can be kept at all: there is a folder for them.
    pub has_folder: bool,
    /// Those that are kept, by name.
    pub rows: Vec<FeedRow>,
    /// Why the registry cannot be read, or which of them cannot.
    pub wrong: Vec<String>,
    /// The feed that is looked at, and not kept yet.
    pub looked_at: Option<LookedAt>,
    /// Newer states that can be taken.
    pub offers: Vec<FeedOffer>,
    /// What else came of looking for newer states, in sentences.
    pub told: Vec<String>,
}

/// A feed before it is taken.
#[derive(Clone, Debug)]
pub struct LookedAt {
    /// Its path or URL.
    pub source: String,
    /// What would be kept, or why it cannot be read.
    pub review: Result<Arc<Review>, String>,
}

/// A newer state of a feed.
#[derive(Clone, Debug)]
pub struct FeedOffer {
    /// The feed as it would be.
    pub review: Arc<Review>,
    /// What it brings.
    pub difference: Difference,
}

/// What a job about feeds says at its end.
pub(super) enum FeedNews {
    LookedAt(LookedAt),
    /// The feeds are others now; what cases are judged by from here on.
    Changed(Vec<FeedRow>, Arc<Context>),
    Newer(Vec<FeedOffer>, Vec<String>),
}

/// A job's work: a sentence and news, or why it failed.
type Done = Result<(String, Option<FeedNews>), String>;

/// Stops when its job is stopped.
struct Stoppable(Arc<AtomicBool>);

impl Monitor for Stoppable {
    fn step(&self, _step: &Step<'_>) {}

    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Reads the feeds that are kept and what else the person says of all cases.
pub(super) fn open_plain(shelf: Option<&Shelf>, mine: Vec<Prefix>) -> Result<Arc<Context>, String> {
    let intel = open_intel()?;
    let feeds = shelf.map(|shelf| shelf.open(&intel)).unwrap_or_default();
    Context::open(Options { mine, feeds, ..Options::default() }, intel)
}

impl Engine {
    /// Puts into the snapshot which feeds speak.
    pub(super) fn tell_feeds(&mut self) {
        let mut view = (*self.next.feeds).clone();
        view.has_folder = self.shelf.is_some();
        if let Some(plain) = &self.plain {
            view.rows = plain.feeds().iter().map(|open| open.row.clone()).collect();
            let wrong = plain.feeds().problems().iter();
            let wrong = wrong.flat_map(|(_, problems)| problems.rows());
            view.wrong = wrong.map(|problem| problem.what.clone()).collect();
        }
        self.next.feeds = Arc::new(view);
    }

    /// Reads a feed from a path or URL, without keeping it.
    pub(super) fn look_at_feed(&mut self, source: String, kind: Option<FeedKind>) {
        let title = format!("Looking at {}", crate::model::Visible(&source));
        self.feed_job(title, move |_, _, monitor| {
            let given = match source.contains("://") {
                true => fetch_feed(&source, monitor),
                false => FeedBytes::read(std::path::Path::new(&source)),
            };
            let options = FeedOptions { kind, ..FeedOptions::default() };
            let intel = open_intel()?;
            let found = given.and_then(|given| review(given, &options, &intel, clock::now()));
            let told = match &found {
                Ok(found) => {
                    let entries = found.row.entries_v4 + found.row.entries_v6;
                    counted(entries, "entry", "entries")
                }
                Err(why) => why.clone(),
            };
            let looked_at = LookedAt { source, review: found.map(Arc::new) };
            Ok((told, Some(FeedNews::LookedAt(looked_at))))
        });
    }

    /// Keeps the feed that is looked at, or takes the newer state of one.
    pub(super) fn keep_feed(&mut self, name: &str) {
        let looked_at = self.next.feeds.looked_at.iter();
        let looked_at = looked_at.filter_map(|it| it.review.as_ref().ok());
        let offers = self.next.feeds.offers.iter().map(|offer| &offer.review);
        let offered = offers.clone().any(|review| review.row.name == name);
        let found = looked_at.chain(offers).find(|review| review.row.name == name).cloned();
        let Some(review) = found else { return };
        let existing = if offered { Existing::Replace } else { Existing::Keep };
        self.feed_job(format!("Keeping the feed {name}"), move |shelf, mine, _| {
            shelf.keep(&review, existing)?;
            changed(shelf, mine, format!("{} is kept", review.row.name))
        });
    }

    /// Leaves the feed that is looked at.
    pub(super) fn leave_feed(&mut self) {
        Arc::make_mut(&mut self.next.feeds).looked_at = None;
    }

    /// Forgets a feed.
    pub(super) fn remove_feed(&mut self, name: String) {
        self.feed_job(format!("Removing the feed {name}"), move |shelf, mine, _| {
            shelf.remove(&name)?;
            changed(shelf, mine, format!("{name} is removed"))
        });
    }

    /// Looks for newer states of all feeds that are fetched.
    pub(super) fn update_feeds(&mut self) {
        self.feed_job("Looking for newer feeds".to_owned(), |shelf, _, monitor| {
            let intel = open_intel()?;
            let (mut offers, mut told) = (Vec::new(), Vec::new());
            for row in updatable(shelf, &[])? {
                if monitor.is_cancelled() {
                    break;
                }
                match look_for_newer(shelf, &row, &intel, clock::now(), monitor) {
                    Newer::Same => told.push(format!("{}: nothing is new", row.name)),
                    Newer::Offered(review, difference) => {
                        offers.push(FeedOffer { review: Arc::new(*review), difference });
                    }
                    Newer::Refused(why, _) | Newer::Failed(why) => {
                        told.push(format!("{}: the old one stays: {why}", row.name));
                    }
                }
            }
            let end = counted(offers.len() as u64, "newer feed", "newer feeds");
            Ok((end, Some(FeedNews::Newer(offers, told))))
        });
    }

    /// Runs something about feeds as a job of its own.
    fn feed_job(
        &mut self,
        title: String,
        work: impl FnOnce(&Shelf, Vec<Prefix>, &dyn Monitor) -> Done + Send + 'static,
    ) {
        let Some(shelf) = self.shelf.clone() else {
            let why = "there is no home folder for feeds; set INFRALOCK_FEEDS to a folder";
            self.add_job(title, JobState::Failed(why.to_owned()));
            return;
        };
        let running = JobState::Running { part: None, detail: "reading".to_owned() };
        let id = self.add_job(title, running);
        let Some(stop) = self.jobs.stop_of(id) else { return };
        let (inbox, mine) = (self.inbox.clone(), self.mine.clone());
        let run = move || {
            let state = match work(&shelf, mine, &Stoppable(stop)) {
                Ok((told, news)) => {
                    // The engine is gone when the program ends: then nobody needs to know.
                    if let Some(news) = news {
                        inbox.send(Message::Feeds(Box::new(news))).ok();
                    }
                    JobState::Done(told)
                }
                Err(why) => JobState::Failed(why),
            };
            inbox.send(Message::Job(id, state)).ok();
        };
        if let Err(error) = thread::Builder::new().name("job-feeds".to_owned()).spawn(run) {
            self.set_job(id, JobState::Failed(error.to_string()));
        }
    }

    /// Takes over what a job found.
    pub(super) fn hear_feeds(&mut self, news: FeedNews) {
        let view = Arc::make_mut(&mut self.next.feeds);
        match news {
            FeedNews::LookedAt(looked_at) => view.looked_at = Some(looked_at),
            FeedNews::Newer(offers, told) => (view.offers, view.told) = (offers, told),
            FeedNews::Changed(rows, context) => {
                let is_kept = |review: &Review| {
                    rows.iter()
                        .any(|row| row.name == review.row.name && row.sha256 == review.row.sha256)
                };
                view.offers.retain(|offer| !is_kept(&offer.review));
                let looked_at = view.looked_at.take();
                view.looked_at = looked_at.filter(|it| match &it.review {
                    Ok(review) => !is_kept(review),
                    Err(_) => true,
                });
                self.take_plain(context);
                if !self.next.case.is_empty() {
                    self.queue("Judging hosts again".to_owned(), Work::Judge);
                }
                self.tell_feeds();
            }
        }
    }
}

/// The feeds as they are after a change.
fn changed(shelf: &Shelf, mine: Vec<Prefix>, told: String) -> Done {
    let context = open_plain(Some(shelf), mine)?;
    Ok((told, Some(FeedNews::Changed(shelf.rows()?, context))))
}

#[cfg(test)]
mod tests {
    use super::super::testing::until;
    use super::super::{Command, Workbench};
    use super::*;

    #[test]
    fn a_feed_is_looked_at_kept_heard_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::at(&folder.path().join("feeds"));
        let list = folder.path().join("bad.txt");
        std::fs::write(&list, "192.0.2.7\nnot one\n").unwrap();
        let workbench = Workbench::start_with(Arc::new(|| ()), None, Some(shelf.clone())).unwrap();
        workbench.send(Command::Paste("192.0.2.7".to_owned()));
        until(&workbench, |snapshot| snapshot.hosts.all.len() == 1 && !snapshot.case.is_growing);
        let source = list.to_str().unwrap().to_owned();
        let kind = FeedKind::parse("hostile").ok();
        workbench.send(Command::LookAtFeed(source, kind));
        let snapshot = until(&workbench, |snapshot| snapshot.feeds.looked_at.is_some());
        let review = snapshot.feeds.looked_at.as_ref().unwrap().review.clone().unwrap();
        assert_eq!((review.row.entries_v4, review.problems.len()), (1, 1));
        assert!(snapshot.feeds.rows.is_empty() && shelf.rows().unwrap().is_empty());

        let judged = |snapshot: &super::super::Snapshot| {
            let score = snapshot.hosts.all.score.first();
            score.copied().unwrap_or_default()
        };
        let before = judged(&snapshot);
        workbench.send(Command::KeepFeed("bad".to_owned()));
        let snapshot = until(&workbench, |snapshot| judged(snapshot) > before);
        assert_eq!(snapshot.feeds.rows.len(), 1);
        assert!(snapshot.feeds.looked_at.is_none());
        workbench.send(Command::RemoveFeed("bad".to_owned()));
        until(&workbench, |snapshot| judged(snapshot) <= before && snapshot.feeds.rows.is_empty());

        workbench.send(Command::LookAtFeed("no/such/file".to_owned(), None));
        let snapshot = until(&workbench, |snapshot| snapshot.feeds.looked_at.is_some());
        assert!(snapshot.feeds.looked_at.as_ref().unwrap().review.is_err());
    }
}
