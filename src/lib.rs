//! Who is behind these addresses, and how dangerous are they?
//!
//! Data goes one way: bytes → packets → flows and log records → observables → evidence → score and
//! place → snapshot → view. The modules stand in the order of their layers: each may use those
//! above it in this list, never those below. `src/DESIGN.md` says why it is as it is.

// Plain values: addresses, times, flows, records, evidence, scores, places, limits.
pub mod model;
// The language of conditions on hosts, flows, records and detections.
pub mod filter;
// Readers, lines and decompressors with limits, over `impl Read`.
pub mod bounded;
// Longest-prefix look-up: tables of ranges, packed, one value for an address.
pub mod trie;
// Bytes → packets: capture formats, link types, protocols.
pub mod wire;
// Packets → flows: table, reassembly, application protocols.
pub mod flow;
// Logs and lists → records: one file per format, detection by content.
pub mod import;
// What is known of an address: shipped data sets and the analyst's own layers.
pub mod intel;
// Claims of place → one place with an honest radius.
pub mod geo;
// What hosts did: counters, times, names.
pub mod analytics;
// Detectors → evidence; scoring; profiles.
pub mod threat;
// The one place that asks what time it is.
pub mod clock;
// The case file: what was read and what a person said, in one SQLite file.
pub mod store;
// Downloads of own feeds, only when they are asked for.
pub mod fetch;
// Results → files and terminals.
pub mod export;
// Opens paths, runs jobs, fills results.
pub mod engine;
// The window: draws snapshots, sends commands.
#[cfg(feature = "gui")]
pub mod app;
// The subcommands and the way to the window: thin, over the engine.
pub mod cli;
