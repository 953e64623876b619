//! The prefix explorer of the window: an address is asked about, the answer comes in a snapshot.

use std::sync::Arc;
use std::thread;

use super::state::{Engine, Message};
use crate::engine::explore::{Explored, explore};
use crate::model::Addr;

/// What the explorer shows.
#[derive(Clone, Debug, Default)]
pub struct Explorer {
    /// The address that was asked about last; `None`: none was.
    pub asked: Option<Addr>,
    /// What is known of the address asked about, or of the one before while it is looked up.
    pub found: Option<Arc<Explored>>,
}

impl Engine {
    /// Explores an address in a thread: the first question decodes data sets.
    pub(super) fn explore(&mut self, addr: Addr) {
        self.next.explorer.asked = Some(addr);
        // Until the data are open nothing can be said; then this is asked again.
        let Some(context) = self.context.clone() else { return };
        let engine = self.inbox.clone();
        let work = move || {
            engine.send(Message::Explored(Arc::new(explore(&context, addr)))).ok();
        };
        // Without a thread there is no answer; the next question may get one.
        thread::Builder::new().name("job-explore".to_owned()).spawn(work).ok();
    }

    /// Asks and draws again, because what addresses are judged by has changed.
    pub(super) fn judge_space_again(&mut self) {
        if let Some(addr) = self.next.explorer.asked {
            self.explore(addr);
        }
        self.picture_again();
    }

    /// Shows an answer, unless another address was asked about since.
    pub(super) fn hear_explored(&mut self, found: Arc<Explored>) {
        if self.next.explorer.asked == Some(found.addr) {
            self.next.explorer.found = Some(found);
        }
    }
}
