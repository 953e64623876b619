//! Opens paths, runs jobs, fills results: the only part that joins all the others.
//!
//! A job goes like this: [`paths`] turns arguments into files with a realm each; each file is
//! opened, hashed, unpacked and recognised by content; its packets or lines become flows and
//! records; whoever asked for them takes them as they come, so that nothing is kept that is not
//! needed. A [`Monitor`] sees progress and may stop the job, which keeps what was done.

mod answers;
mod carve;
mod case;
mod context;
mod data;
mod derive;
mod example;
mod explore;
mod feed_update;
mod feeds;
mod fields;
mod files;
mod handover;
mod hash;
mod image;
mod kept;
mod listing;
mod lookup;
mod lookup_json;
mod lookup_kept;
mod output;
pub mod paths;
mod progress;
mod read;
mod triage;
pub mod workbench;

pub use crate::intel::{About, Said, Says};
pub use crate::store::Verified;
pub use answers::{Answer, AnswersView};
pub use carve::{CARVED_FLOWS_MAX, FlowSet, Wanted, carve, flows_that};
pub use case::{Added, Case, Material};
pub use context::{Context, Options, OwnList, OwnText, RunScene, Zone};
pub use data::{data_origin, open_intel, open_intel_with};
pub use example::example;
pub use explore::{Decided, Explored, Neighbour, explore};
pub use feed_update::{Difference, Newer, fetch_feed, look_for_newer, updatable};
pub use feeds::{
    FEED_TABLE_BYTES_MAX, FeedBytes, FeedOptions, FeedRow, Feeds, Review, Shelf, feed_formats,
    half_life_days, review,
};
pub use files::{Imports, Job};
pub use handover::Chosen;
pub use image::{FamilyView, ImageView, LayerView, SectionView, build_image, explain_bus_errors};
pub use kept::{Missing, is_list_name, list_meaning};
pub use listing::{FlowFormat, RecordFormat, Sought, flows, records};
pub use lookup::{
    Counted, LOOKUP_FIELDS, Lookup, LookupFields, LookupRow, LookupStats, lookup_stream,
};
pub use output::{Existing, NotWritten, Output};
pub use paths::Inputs;
pub use progress::{Doing, Monitor, Silent, Step};
pub use triage::{Cut, HostsShown, Triage};

use crate::export::HostRow;
use crate::model::Addr;
use crate::threat::evidence::{Activity, evidence};
use crate::threat::score::score;

/// Reads all inputs, or what a case holds; detects, scores and ranks.
pub fn triage<'m>(material: impl Into<Material<'m>>, job: Job<'_>, shown: HostsShown) -> Triage {
    let mut gather = triage::Gather::new(job.context);
    let imports = material.into().pass(job, &mut gather);
    Triage::conclude(gather, imports, shown)
}

/// An address judged by shipped data and own lists alone: nothing was seen of it.
pub fn explain_known(context: &Context, addr: Addr) -> HostRow {
    let answer = context.answer(addr);
    let evidence = evidence(&[], &answer.facts, &Activity::default(), &context.profile);
    let now = context.at.unwrap_or_else(|| context.data_date());
    let score = score(&evidence, &answer.facts.kinds, &context.profile, now);
    triage::known_row(addr, &answer, score, &[])
}
