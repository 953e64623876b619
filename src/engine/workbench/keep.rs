//! How long is kept: the history of places in a case, and where a host was placed before.

use std::sync::Arc;

use super::job::Task;
use super::snapshot::{Placed, Selection};
use super::state::Engine;
use crate::clock;
use crate::model::{HostKey, Untrusted, counted};
use crate::store::{LocationEvent, Store};

impl Engine {
    /// Adds to a selection where its host was placed before.
    pub(super) fn with_history(&self, mut selection: Selection) -> Selection {
        if let Some(key) = selection.key {
            (selection.placed, selection.placed_count) = self.placed(key);
        }
        selection
    }

    /// Puts into the snapshot what a job has just added to the history of the selected host.
    pub(super) fn tell_history(&mut self) {
        let Some(selection) = self.next.selection.clone() else { return };
        let now = selection.key.map(|key| self.placed(key)).unwrap_or_default();
        if now.0 != selection.placed {
            let selection =
                Selection { placed: now.0, placed_count: now.1, ..(*selection).clone() };
            self.next.selection = Some(Arc::new(selection));
        }
    }

    fn placed(&self, host: HostKey) -> (Vec<Placed>, u64) {
        let Some(case) = &self.case else { return Default::default() };
        // What cannot be read of the past takes nothing from what is known now.
        let (events, count) =
            case.store.place_history(host, Selection::PLACED_MAX).unwrap_or_default();
        (events.iter().map(placed).collect(), count)
    }
}

fn placed(event: &LocationEvent) -> Placed {
    let place = &event.place;
    let country = place.country_code.as_deref().unwrap_or("country unknown");
    let name = match &place.city {
        Some(city) => format!("{city}, {country}"),
        None => country.to_owned(),
    };
    let sources: Vec<String> = serde_json::from_str(&place.inputs).unwrap_or_default();
    Placed {
        time: event.time,
        name: Untrusted::new(&name),
        radius_km: place.radius_km.filter(|km| km.is_finite()),
        sources: Untrusted::new(&sources.join(", ")),
        data_date: event.data_date,
    }
}

impl Task {
    /// Deletes of a case what was said of places longer ago than the person wants kept; says so.
    pub(super) fn retain(&self, store: &mut Store) -> Result<Option<String>, String> {
        let Some(days) = self.retain_days.filter(|_| !store.is_read_only()) else {
            return Ok(None);
        };
        let gone = store.retain_locations(days, clock::now()).map_err(|error| error.to_string())?;
        let what = counted(gone, "saying of a place", "sayings of places");
        Ok((gone > 0).then(|| format!("{what} older than {days} days deleted")))
    }
}
