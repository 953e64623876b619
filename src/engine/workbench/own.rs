//! The analyst's own networks: what is judged as "mine", where a case says nothing of it itself.

use std::sync::Arc;

use super::job::Work;
use super::state::Engine;
use crate::engine::context::{Context, Options};
use crate::engine::open_intel;
use crate::model::Prefix;

impl Engine {
    /// Takes over which networks are the analyst's own, and judges the open case again. The example
    /// keeps its own: it knows whose shop it is.
    pub(super) fn own(&mut self, mine: Vec<Prefix>) {
        self.mine = mine;
        // Until the data are open, nothing is judged; then this is asked again.
        if self.plain.is_some() {
            self.open_own();
        }
    }

    /// Opens what cases are judged by with the own networks; cheap, as data are decoded when they
    /// are asked for.
    pub(super) fn open_own(&mut self) {
        let feeds = self.plain.as_ref().map(|plain| plain.feeds().clone()).unwrap_or_default();
        let options = Options { mine: self.mine.clone(), feeds, ..Options::default() };
        let Ok(context) = open_intel().and_then(|intel| Context::open(options, intel)) else {
            // They were open a moment ago; what is judged by stays as it was.
            return;
        };
        self.take_plain(context);
        // A case that keeps networks of its own is judged by those.
        if !self.next.case.is_empty() && self.next.case.own.mine.is_none() {
            self.note_own();
            self.queue("Judging hosts again".to_owned(), Work::Judge);
        }
    }

    /// Takes over what all cases are judged by; a case that is judged by nothing else is judged by
    /// this from now on.
    pub(super) fn take_plain(&mut self, context: Arc<Context>) {
        let is_plain = match (&self.context, &self.plain) {
            (Some(context), Some(plain)) => Arc::ptr_eq(context, plain),
            _ => true,
        };
        self.plain = Some(Arc::clone(&context));
        if is_plain {
            self.context = Some(context);
            self.judge_space_again();
        }
    }
}
