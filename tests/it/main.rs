//! The one integration-test binary: one build, one link, all areas as modules.
#![expect(clippy::disallowed_methods, reason = "tests read their own files and start our program")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::iter_over_hash_type,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "helpers of tests: clippy's in-tests switches reach #[test] functions alone"
)]

mod apps;
mod bounded;
mod captures;
mod cli;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod controls;
mod corpora;
mod explain_prefixes;
mod data_image;
mod feeds;
mod filters;
mod flow;
mod flow_cases;
mod fuzz;
#[cfg(feature = "bundled-data")]
mod geo_calibration;
mod geofeeds;
mod handover;
mod import_cases;
mod import_lines;
mod import_structured;
mod intel;
mod lookup;
mod lookup_oracle;
mod mmdb;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod palette;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod map;
mod no_socket;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod panel_states;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod pictures;
mod report;
mod robust;
mod shipped_data;
mod program;
mod schema;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod settings;
mod shop;
mod store;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod tables;
mod threat;
mod tidy;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod window;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod window_feeds;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod window_filter;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod window_handover;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod window_keep;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod window_marks;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod window_jobs;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod window_packets;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod window_session;
#[cfg(all(feature = "gui", feature = "bundled-data"))]
mod window_space;
mod wire;
mod workbench_case;
