//! What is selected: a thing of the case, or an address that the case does not have.

use std::sync::Arc;

use super::super::context::Context;
use super::super::explain_known;
use super::command::Selected;
use super::job::Outcome;
use super::select::select;
use super::snapshot::{Selection, Timeline};
use super::state::Engine;
use crate::model::Addr;

impl Engine {
    /// Gathers what is known of a thing; `None`: it is not there, or the data are still being
    /// opened.
    pub(super) fn selection(&self, what: Selected) -> Option<Arc<Selection>> {
        let selection = match what {
            Selected::Address(addr) => known(addr, self.context.as_ref()?),
            what => match &self.growing {
                Some(found) => {
                    select(what, &Outcome { found: found.clone(), ..self.outcome.clone() })?
                }
                None => select(what, &self.outcome)?,
            },
        };
        Some(Arc::new(self.with_history(selection)))
    }
}

/// What the data alone say of an address.
fn known(addr: Addr, context: &Context) -> Selection {
    Selection {
        what: Selected::Address(addr),
        host: Some(Box::new(explain_known(context, addr))),
        key: None,
        row: None,
        flows: Vec::new(),
        flow_count: 0,
        records: Vec::new(),
        record_count: 0,
        detections: Vec::new(),
        peers: Vec::new(),
        fingerprints: Vec::new(),
        timeline: Timeline::default(),
        placed: Vec::new(),
        placed_count: 0,
        sentence: "It is not in this case: this is what the data say of it.".to_owned(),
    }
}
