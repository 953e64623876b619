//! What a case keeps of what it is judged by: its own lists, places, owners, profile, networks.

use std::sync::Arc;

use super::job::{Task, Work};
use super::state::{Engine, Message};
use crate::engine::context::{Context, Options};
use crate::engine::{kept, open_intel};
use crate::store::{Store, StoredSource};

/// What a case is judged by that it keeps itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnContext {
    /// Lists, places, owners, the profile, in the order in which they were given.
    pub sources: Vec<StoredSource>,
    /// Own networks, one a line.
    pub mine: Option<String>,
    /// The moment from which ages are counted.
    pub at: Option<String>,
}

impl OwnContext {
    /// The setting of a case that holds its own networks.
    pub const MINE: &str = kept::MINE;
    /// The setting of a case that holds the moment from which ages are counted.
    pub const AT: &str = kept::AT;

    fn of(store: &Store) -> Self {
        // What cannot be read is told by who judges by it.
        let settings = store.settings().unwrap_or_default();
        let setting = |key: &str| {
            let found = settings.iter().find(|(known, _)| known == key);
            found.map(|(_, value)| value.clone())
        };
        Self {
            sources: store.own_sources().unwrap_or_default(),
            mine: setting(Self::MINE),
            at: setting(Self::AT),
        }
    }

    /// Whether the case keeps nothing of the kind.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Engine {
    /// Puts into the snapshot what the case is judged by.
    pub(super) fn tell_own(&mut self) {
        let own = self.case.as_ref().map(|case| OwnContext::of(&case.store)).unwrap_or_default();
        if *self.next.case.own != own {
            Arc::make_mut(&mut self.next.case).own = Arc::new(own);
        }
    }

    /// Takes a source out of the case, which is then judged without it.
    pub(super) fn remove_source(&mut self, id: i64) {
        let source = self.next.case.own.sources.iter().find(|source| source.id == id);
        let name = source.map(|source| source.name.to_string()).unwrap_or_default();
        self.queue(format!("Removing {name}"), Work::RemoveSource(id));
    }

    /// Takes over what the open case is judged by.
    pub(super) fn take_context(&mut self, context: Arc<Context>) {
        self.context = Some(context);
        self.judge_space_again();
        self.tell_own();
    }

    /// Keeps in the new case of the example what it is judged by.
    pub(super) fn keep_given(&mut self, given: &Options) -> Result<(), String> {
        let case = self.case().map_err(|error| error.to_string())?;
        let kept = kept::keep(&mut case.store, given, crate::clock::now());
        kept.map_err(|error| error.to_string())?;
        self.tell_own();
        Ok(())
    }
}

impl Task {
    /// The same work, judged by what the case keeps; the person's own networks hold where the case
    /// has none.
    pub(super) fn with_kept(&self, store: &Store) -> Result<Self, String> {
        let mut options = kept::kept(store).map_err(|error| error.to_string())?;
        let context = if options.is_plain() {
            Arc::clone(&self.context)
        } else {
            if options.mine.is_empty() {
                options.mine = self.context.mine().to_vec();
            }
            options.feeds = self.context.feeds().clone();
            open_intel().and_then(|intel| Context::open(options, intel))?
        };
        self.tell(Message::Context(self.id, Arc::clone(&context)));
        Ok(Self { context, ..self.clone() })
    }
}
