//! The list of jobs of this run: what was asked for, when it began and ended, what came of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::command::JobId;
use super::snapshot::{JobState, JobView};
use crate::model::Timestamp;

/// Finished jobs that are listed: each snapshot carries all of them. The oldest goes first.
pub(super) const FINISHED_MAX: usize = 200;

/// A job, and what stops it.
type Listed = (JobView, Arc<AtomicBool>);

/// All jobs of this run, in the order in which they were asked for.
#[derive(Default)]
pub(super) struct Jobs {
    listed: VecDeque<Listed>,
    next: u32,
}

impl Jobs {
    /// Lists a job.
    pub(super) fn add(&mut self, title: String, state: JobState, now: Timestamp) -> JobId {
        let id = JobId(self.next);
        self.next += 1;
        let mut job =
            JobView { id, title, asked: now, begun: None, ended: None, state: JobState::Waiting };
        job.go_on(state, now);
        self.listed.push_back((job, Arc::default()));
        self.forget_the_oldest();
        id
    }

    /// Says how a job goes on. What is over stays as it ended: a job that was stopped may still
    /// have a word on its way.
    pub(super) fn set(&mut self, id: JobId, state: JobState, now: Timestamp) {
        let job = self.listed.iter_mut().map(|(job, _)| job).find(|job| job.id == id);
        if let Some(job) = job.filter(|job| !job.state.is_over()) {
            job.go_on(state, now);
            self.forget_the_oldest();
        }
    }

    /// What stops a job.
    pub(super) fn stop_of(&self, id: JobId) -> Option<Arc<AtomicBool>> {
        let (_, stop) = self.listed.iter().find(|(job, _)| job.id == id)?;
        Some(Arc::clone(stop))
    }

    /// Asks a job to stop; it says itself when it has.
    pub(super) fn stop(&self, id: JobId) {
        if let Some(stop) = self.stop_of(id) {
            stop.store(true, Ordering::Relaxed);
        }
    }

    /// Asks all jobs to stop, and gives those that had not ended.
    pub(super) fn stop_all(&self) -> Vec<JobId> {
        let going = self.listed.iter().filter(|(job, _)| !job.state.is_over());
        going
            .map(|(job, stop)| {
                stop.store(true, Ordering::Relaxed);
                job.id
            })
            .collect()
    }

    /// Takes a job out of the list whatever its state.
    pub(super) fn forget(&mut self, id: JobId) {
        self.listed.retain(|(job, _)| job.id != id);
    }

    /// Takes a finished job out of the list.
    pub(super) fn dismiss(&mut self, id: JobId) {
        self.listed.retain(|(job, _)| job.id != id || !job.state.is_over());
    }

    /// Takes all finished jobs out of the list.
    pub(super) fn dismiss_finished(&mut self) {
        self.listed.retain(|(job, _)| !job.state.is_over());
    }

    /// As they are shown.
    pub(super) fn views(&self) -> Vec<JobView> {
        self.listed.iter().map(|(job, _)| job.clone()).collect()
    }

    fn forget_the_oldest(&mut self) {
        let is_over = |(job, _): &Listed| job.state.is_over();
        let finished = self.listed.iter().filter(|listed| is_over(listed)).count();
        if finished > FINISHED_MAX
            && let Some(oldest) = self.listed.iter().position(is_over)
        {
            self.listed.remove(oldest);
        }
    }
}

impl JobView {
    fn go_on(&mut self, state: JobState, now: Timestamp) {
        match &state {
            JobState::Waiting => {}
            JobState::Running { .. } => {
                self.begun.get_or_insert(now);
            }
            JobState::Done(_) | JobState::Stopped(_) | JobState::Failed(_) => {
                self.ended = Some(now);
            }
        }
        self.state = state;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_nanos(secs * 1_000_000_000)
    }

    fn running() -> JobState {
        JobState::Running { part: None, detail: String::new() }
    }

    #[test]
    fn a_job_knows_when_it_was_asked_for_began_and_ended() {
        let mut jobs = Jobs::default();
        let id = jobs.add("Reading".to_owned(), JobState::Waiting, at(1));
        jobs.set(id, running(), at(2));
        jobs.set(id, running(), at(3));
        jobs.set(id, JobState::Done("2 hosts".to_owned()), at(5));
        // A late word of a job that has ended.
        jobs.set(id, running(), at(6));
        let job = &jobs.views()[0];
        assert_eq!((job.asked, job.begun, job.ended), (at(1), Some(at(2)), Some(at(5))));
        assert_eq!(job.state, JobState::Done("2 hosts".to_owned()));
    }

    #[test]
    fn finished_jobs_go_one_by_one_or_together_and_running_ones_stay() {
        let mut jobs = Jobs::default();
        let runs = jobs.add("runs".to_owned(), running(), at(1));
        let first = jobs.add("first".to_owned(), JobState::Failed("x".to_owned()), at(1));
        jobs.add("second".to_owned(), JobState::Done("y".to_owned()), at(1));
        jobs.dismiss(runs);
        jobs.dismiss(first);
        assert_eq!(jobs.views().len(), 2);
        jobs.dismiss_finished();
        assert_eq!(jobs.views().iter().map(|job| job.id).collect::<Vec<_>>(), [runs]);
        assert_eq!(jobs.stop_all(), [runs]);
        assert!(jobs.stop_of(runs).unwrap().load(Ordering::Relaxed));
    }

    #[test]
    fn the_list_holds_so_many_finished_jobs_and_one_more_drives_out_the_oldest() {
        let mut jobs = Jobs::default();
        let runs = jobs.add("runs".to_owned(), running(), at(0));
        for number in 0..FINISHED_MAX {
            jobs.add(number.to_string(), JobState::Done(String::new()), at(1));
        }
        assert_eq!(jobs.views().len(), FINISHED_MAX + 1);
        jobs.add("one more".to_owned(), JobState::Done(String::new()), at(2));
        let views = jobs.views();
        assert_eq!(views.len(), FINISHED_MAX + 1);
        assert_eq!((views[0].id, views[1].title.as_str()), (runs, "1"));
        // The one that ran ends: it is the oldest that is asked for, and goes.
        jobs.set(runs, JobState::Done(String::new()), at(3));
        assert_eq!(jobs.views().len(), FINISHED_MAX);
    }
}
